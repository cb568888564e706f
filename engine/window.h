/*
 * Which part of a conversation the model sees when not all of it fits: the system message always,
 * then the newest turns. Whole pairs of user and assistant leave, the oldest first, so that what
 * remains is a well-formed conversation that begins with the system prompt; and several at once,
 * down to about 60 % of the context, because everything after the system prompt must be processed
 * again each time.
 */
#ifndef ENGINE_WINDOW_H
#define ENGINE_WINDOW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/template.h"

/* What was left out last time; all zero at first. */
struct window {
	size_t n_msgs;		/* messages of that conversation */
	size_t evicted;		/* of its messages, after the system one */
	uint64_t hash;		/* of the system message and of the evicted ones */
};

struct window_ask {
	const struct template *template;
	const struct vocab *vocab;
	const struct chat_message *msgs;	/* the whole conversation */
	size_t n_msgs;
	bool unfinished;
	size_t context;		/* tokens */
	size_t reserve;		/* of these, wanted for the answer; less when no more can leave */
	const atomic_bool *cancel;	/* NULL: never */
};

/*
 * Makes the prompt and updates *w. What left earlier stays away, as long as the conversation only
 * grows. ERR_FIT when the system message and the last turn alone leave no room for an answer;
 * ERR_USAGE, ERR_MODEL, ERR_INTERRUPTED: see template_encode_unless.
 */
int window_fit(struct window *w, const struct window_ask *a, struct token_list *ids,
	size_t *n_defused,
	struct err *e);

#endif
