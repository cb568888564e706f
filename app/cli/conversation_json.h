/*
 * A conversation as JSON, for export and import:
 *   {"hum": 1, "session": ID, "title", "system", "model", "created_ms", "head": ID,
 *    "messages": [{"id", "parent", "role", "at_ms", "text", and of an answer
 *      "model", "seed", "sampling": {...}, "finish", "answer_tokens", "prompt_tokens",
 *      "cached_tokens", "ms", "first_token_ms"}]}
 */
#ifndef APP_CLI_CONVERSATION_JSON_H
#define APP_CLI_CONVERSATION_JSON_H

#include <jansson.h>

#include "app/chat/conversation.h"
#include "base/err.h"

/* Deleted messages are left out, their children move up. */
json_t *conversation_to_json(const struct conversation *c);

/*
 * The JSON is untrusted. Only roles and texts are needed: a list of {"role", "content"} as other
 * programs write it will do; messages without an id follow each other. `name` stands in errors. -1
 * and ERR_USAGE, *out is empty then; else the caller's, without an id.
 */
int conversation_from_json(const json_t *json, const char *name, struct conversation *out,
	struct err *e);

#endif
