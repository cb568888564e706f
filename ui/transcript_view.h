/*
 * The chat pane: which rows of a transcript are seen, and how they look. It wraps the entries it
 * comes across and no others. The reader's place is kept as a byte of an entry, so that it survives
 * resizing, insertion and removal; at the end of the text the view follows it.
 */
#ifndef UI_TRANSCRIPT_VIEW_H
#define UI_TRANSCRIPT_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ui/canvas.h"
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
};

void view_init(struct transcript_view *v, struct transcript *t);

/* Rows and columns of the pane; both may be 0. */
void view_resize(struct transcript_view *v, int width, int height);

void view_scroll(struct transcript_view *v, int rows);	/* < 0: towards the beginning */
void view_to_top(struct transcript_view *v);
void view_to_end(struct transcript_view *v);		/* and follow */

/* Whether the last row is in view; how many rows below it came since the reader left the end. */
bool view_at_end(struct transcript_view *v);
size_t view_new_rows(struct transcript_view *v);

void view_draw(struct transcript_view *v, struct canvas *c, struct rect r);

#endif
