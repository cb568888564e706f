/* A conversation as JSON: [{"role": "user", "content": "..."}, ...], or an object whose "messages"
 * is that list. */
#ifndef APP_CLI_MESSAGES_H
#define APP_CLI_MESSAGES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "engine/template.h"

struct message_list {
	struct chat_message *items;	/* owned; the texts are those of `json` */
	size_t n;
	json_t *json;
};

/* `name` stands in messages. ERR_USAGE: no JSON, or another kind of it. */
int message_list_parse(struct message_list *l, const char *name, const struct strbuf *text,
	struct err *e);
void message_list_release(struct message_list *l);

/* Parses one JSON value, in whose texts NUL may stand only if `nul`; ERR_USAGE with name, line and
 * column. */
json_t *json_parse(const char *name, const struct strbuf *text, bool nul, struct err *e);

/* "user", as in JSON and session files */
const char *role_name(enum chat_role r);
int role_parse(const char *name, enum chat_role *out);		/* -1: unknown */

#endif
