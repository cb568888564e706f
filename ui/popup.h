/*
 * What lies over the chat: a list to pick from, a page to read, a question. One at a time; it gets
 * all keys, and tells what happened through `post`.
 */
#ifndef UI_POPUP_H
#define UI_POPUP_H

#include <stdbool.h>
#include <stddef.h>

#include "ui/canvas.h"
#include "ui/key.h"
#include "ui/layout.h"
#include "ui/ui.h"

struct popup;

struct popup_ops {
	void (*free)(struct popup *p);
	bool (*key)(struct popup *p, struct key k);	/* false: the key means nothing to it */
	void (*text)(struct popup *p, const char *text);	/* scrubbed; may be NULL */
	void (*scroll)(struct popup *p, int rows);
	void (*preview)(struct popup *p, size_t item, const char *text);	/* may be NULL */
	/* Sets row and col to where the cursor is to stand, or leaves them at -1. */
	void (*draw)(struct popup *p, struct canvas *c, const struct layout *l, int *row, int *col);
};

struct popup {
	const struct popup_ops *ops;
	void (*post)(void *ctx, const struct ui_event *ev);
	void *ctx;
	bool done;		/* to be closed */
};

struct popup *popup_pick_new(const struct ui_pick *pick);
struct popup *popup_page_new(const char *title, const char *text);
struct popup *popup_ask_new(int tag, const char *question);

void popup_post(struct popup *p, const struct ui_event *ev);

/* Its frame with a title on the upper and a hint on the lower edge; returns what is inside. On a
 * screen too small for that there is no frame, and a title that is not empty has the first row. */
struct rect popup_frame(struct canvas *c, struct rect r, const char *title, const char *note,
	const char *hint);

/* Rows and columns that the frame takes. */
bool popup_has_frame(const struct canvas *c);

/* A slot over the popup's own look. */
struct style popup_style(const struct canvas *c, enum style_slot slot);

/* A scrubbed copy; of one line when `line`. NULL gives NULL. */
char *popup_text(const char *s, bool line);

#endif
