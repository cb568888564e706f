/* What the verbs of `hum sessions` share. Private to app/cli/sessions*.c. */
#ifndef APP_CLI_SESSIONS_INTERNAL_H
#define APP_CLI_SESSIONS_INTERNAL_H

#include <jansson.h>

#include "app/chat/session.h"
#include "app/cli/tool.h"

struct shelf {
	struct tool t;
	const struct options *o;
	const char *const *args;	/* [n] what follows the verb */
	size_t n;
	char *dir, *cache;		/* the sessions' folder; the cache of session_list */
};

/* Each prints to s->t.out. -1: s->t.err; else the exit status. */
int sessions_show(struct shelf *s);
int sessions_export(struct shelf *s);
int sessions_import(struct shelf *s);
int sessions_search(struct shelf *s);
int sessions_delete(struct shelf *s);
int sessions_undelete(struct shelf *s);

/* The chats of a folder, as table or JSON; when there are none, `none` and the folder on stderr. */
int sessions_print_list(struct shelf *s, const char *dir, const char *cache, const char *none);

/* The session that the first argument names, to look at only. NULL: s->t.err. */
struct session *sessions_look(struct shelf *s);

/* "2026-11-23 02:10", local time; "-" when not known. out[32]. */
void sessions_time(int64_t at_ms, char out[32]);

/* As short as it can be typed: its time in milliseconds. out[16]. */
void sessions_short_id(const char *id, char out[16]);

void sessions_print_json(struct shelf *s, json_t *json);	/* takes it over */

#endif
