/*
 * A conversation as entries of the transcript: which entry is which message, labels, the line of figures under an
 * answer, the border of what the model sees. Notices stand between the messages and belong to none.
 */
#ifndef APP_CONTROLLER_VIEW_H
#define APP_CONTROLLER_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "app/chat/conversation.h"
#include "ui/transcript.h"

enum { VIEW_NOTICE = 0, VIEW_SYSTEM = -1, VIEW_DIVIDER = -2, VIEW_QUEUE = -3 };

struct view {
	struct transcript *t;	/* borrowed */
	int *ids;		/* [n] message of each entry, or one of the numbers above */
	size_t n, cap;
	int live;		/* the answer that is being written: not called interrupted; 0: none */
};

void view_init(struct view *v, struct transcript *t);
void view_release(struct view *v);

/* Shows a conversation from the beginning. */
void view_show(struct view *v, const struct conversation *c);
void view_add_message(struct view *v, const struct conversation *c, const struct message *m);
void view_append(struct view *v, int id, const char *text, size_t len);

/* After an answer has ended or got siblings. */
void view_update_footer(struct view *v, const struct conversation *c, const struct message *m);

/* Removes the message's entry and everything after it. */
void view_cut(struct view *v, int id);
void view_say(struct view *v, enum entry_kind kind, const char *text);

/* The line above the oldest message that the model still sees; 0: none. Moves the one there is. */
void view_set_divider(struct view *v, int id);

/* What waits to be sent, at the end; NULL or "": nothing. */
void view_set_queue(struct view *v, const char *text);

/* "14.2 tok/s · 118 tokens · 8.3 s", with the sibling counter and, unless it is `live`, what became of it. */
void view_footer(const struct conversation *c, const struct message *m, bool live, char *out, size_t size);

/* "llama-2-7b-chat.Q4_K_M" to "llama". out[32]. */
void view_model_label(const char *model, char out[32]);

#endif
