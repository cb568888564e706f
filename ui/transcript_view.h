/*
 * The chat pane: which rows of a transcript are seen, and how they look. It wraps the entries it
 * comes across and no others. The reader's place is kept as a byte of an entry, so that it survives
 * resizing, insertion and removal; at the end of the text the view follows it, unless it is held.
 */
#ifndef UI_TRANSCRIPT_VIEW_H
#define UI_TRANSCRIPT_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ui/canvas.h"
#include "ui/find.h"
#include "ui/transcript_entry.h"

/* A place in the text. */
struct view_place {
	uint64_t id;
	size_t index;		/* where the entry was last seen */
	enum view_part { VIEW_GAP, VIEW_TEXT, VIEW_FOOTER } part;
	size_t offset;		/* byte, of VIEW_TEXT */
};

struct transcript_view {
	struct transcript *t;
	int width, height;
	bool follow;
	struct view_place top;		/* first row seen, when not following */
	struct view_place seen;		/* the end when the reader left it; id 0: never */
	size_t wrapped;			/* rows wrapped so far: what drawing cost */
	bool held;			/* does not begin to follow by itself */
	uint64_t unfolded;		/* id of the system prompt that is shown whole; 0: none */
	const struct find *find;	/* whose matches stand out; NULL: none. Borrowed, up to date */
};

/* Where the reader is. */
struct view_mark {
	bool follow;
	struct view_place top, seen;
};

void view_init(struct transcript_view *v, struct transcript *t);

/* Rows and columns of the pane; both may be 0. */
void view_resize(struct transcript_view *v, int width, int height);

void view_scroll(struct transcript_view *v, int rows);	/* < 0: towards the beginning */
void view_to_top(struct transcript_view *v);
void view_to_end(struct transcript_view *v);		/* and follow */

/* Keeps the rows in view where they are, also at the end of the text; lets them go again. */
void view_hold(struct transcript_view *v);
void view_let_go(struct transcript_view *v);

/* Where the reader is, to go back to it; that also folds what was unfolded. */
struct view_mark view_mark(const struct transcript_view *v);
void view_return(struct transcript_view *v, const struct view_mark *m);

/* Brings a byte of an entry into view: to the middle, if it is not seen already. A system prompt that
 * hides it is unfolded. Holds the view. */
void view_reveal(struct transcript_view *v, size_t entry, size_t offset);

/* The place behind the last text in view. */
struct view_place view_bottom(struct transcript_view *v);

/* Finds the entry of a place again; false when it is gone. */
bool view_locate(const struct transcript *t, struct view_place *place);

/* Whether the last row is in view; how many rows below it came since the reader left the end. */
bool view_at_end(struct transcript_view *v);
size_t view_new_rows(struct transcript_view *v);

void view_draw(struct transcript_view *v, struct canvas *c, struct rect r);

#endif
