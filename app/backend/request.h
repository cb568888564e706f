/* From a conversation to what a backend is asked. */
#ifndef APP_BACKEND_REQUEST_H
#define APP_BACKEND_REQUEST_H

#include "app/backend/backend.h"
#include "app/chat/conversation.h"

/*
 * The messages in view up to and with `last` (0: all), as a well-formed dialogue: answers without a word are left out,
 * turns that follow each other are joined. Sampling and seed are the caller's to set. *sent (heap, the caller's; may
 * be NULL) gets the id of the first message behind each of the request's, without the system prompt.
 */
struct reply_request *request_build(const struct conversation *conv, int last, int **sent, size_t *n_sent);

/* A seed for an answer when the user gave none: 31 bits, so that every reader of sessions and JSON can hold it. */
uint64_t request_random_seed(void);

/* Figures of an answer as they are stored. */
struct message_stats request_stats(const struct llm_stats *s);
enum finish request_finish(enum llm_finish f);

#endif
