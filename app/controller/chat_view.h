/*
 * A conversation as entries of the transcript: which entry is which message, labels, the line of figures under an
 * answer, the border of what the model sees. Notices stand between the messages and belong to none.
 */
#ifndef APP_CONTROLLER_CHAT_VIEW_H
#define APP_CONTROLLER_CHAT_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "app/chat/conversation.h"
#include "ui/transcript.h"

enum { VIEW_NOTICE = 0, VIEW_SYSTEM = -1, VIEW_DIVIDER = -2, VIEW_QUEUE = -3 };

struct chat_view {
	struct transcript *t;	/* borrowed */
	int *ids;		/* [n] message of each entry, or one of the numbers above */
	size_t n, cap;
	int live;		/* the answer that is being written: not called interrupted; 0: none */
	FILE *echo;		/* without a screen: everything is also written here, line after line; NULL: no */
	bool echo_mid_line;	/* the last thing written there did not end a line */
};

void chat_view_init(struct chat_view *v, struct transcript *t);
void chat_view_release(struct chat_view *v);

/* Shows a conversation from the beginning; it was read already, so nothing is echoed. */
void chat_view_show(struct chat_view *v, const struct conversation *c);
/* Echoes the conversation from a message on; 0: all of it. */
void chat_view_read_out(struct chat_view *v, const struct conversation *c, int from);
void chat_view_add_message(struct chat_view *v, const struct conversation *c, const struct message *m);
void chat_view_append(struct chat_view *v, int id, const char *text, size_t len);

/* After an answer has ended or got siblings. */
void chat_view_update_footer(struct chat_view *v, const struct conversation *c, const struct message *m);

/* Removes what was said after the message, which goes on. */
void chat_view_cut_below(struct chat_view *v, int id);
void chat_view_say(struct chat_view *v, enum entry_kind kind, const char *text);

/* The line above the oldest message that the model still sees; 0: none. Moves the one there is. */
void chat_view_set_divider(struct chat_view *v, int id);

/* Writes a line to the echo, if there is one: "prefix text". */
void chat_view_echo(struct chat_view *v, const char *prefix, const char *text);

/* What waits to be sent, at the end; NULL or "": nothing. */
void chat_view_set_queue(struct chat_view *v, const char *text);

/* "14.2 tok/s · 118 tokens · 8.3 s", with the sibling counter and, unless it is `live`, what became of it. */
void chat_view_footer(const struct conversation *c, const struct message *m, bool live, char *out, size_t size);

/* "14.2 tok/s", or "" when that was measured in too short a time to mean anything / "8.3 s". */
void chat_view_rate(double tokens_per_second, double seconds, char out[32]);
void chat_view_seconds(double seconds, char out[32]);

/* "llama-2-7b-chat.Q4_K_M" to "llama". out[32]. */
void chat_view_model_label(const char *model, char out[32]);

#endif
