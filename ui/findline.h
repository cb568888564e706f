/*
 * The line in the place of the input in which one types what is looked for in the chat. While it is
 * open the view is moved to the match one is at, and held there; what was typed before is not touched.
 */
#ifndef UI_FINDLINE_H
#define UI_FINDLINE_H

#include <stdbool.h>

#include "ui/find.h"
#include "ui/key.h"
#include "ui/transcript_view.h"

struct findline {
	struct transcript_view *view;
	struct find find;
	struct strbuf last;		/* words of the search before this one */
	struct view_mark origin;	/* where the reader was */
	struct view_place anchor;	/* matches before it come first when the words change */
	bool open;
	bool anchored;			/* else the anchor is the bottom of the view */
};

void findline_init(struct findline *l, struct transcript_view *v);
void findline_release(struct findline *l);

void findline_open(struct findline *l);
void findline_close(struct findline *l, bool back);	/* back: to where the reader was */

/* What it makes of a key. */
enum findline_key {
	FINDLINE_DONE,		/* that was for the line, or for nobody */
	FINDLINE_STAY,		/* it is to be closed */
	FINDLINE_BACK,		/* the same, and the reader goes back */
	FINDLINE_ACTION,	/* the key means nothing to the line: its action is to be done */
};

/* again: the key is one of those that open the line. */
enum findline_key findline_key(struct findline *l, struct key k, bool again);

void findline_text(struct findline *l, const char *text);	/* pasted, scrubbed: its first line */
void findline_scrolled(struct findline *l);		/* the reader went elsewhere */
void findline_to_end(struct findline *l);		/* is where the reader goes back to */

/* The pane has another size: the match one is at stays in view. */
void findline_resized(struct findline *l);

/* The transcript has changed: what is found in it is brought up to date; nothing moves. */
void findline_update(struct findline *l);

void findline_draw(const struct findline *l, struct canvas *c, struct rect r, int *row, int *col);

#endif
