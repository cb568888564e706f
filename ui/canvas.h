/*
 * The screen as a grid of cells: the one curses window, and pens that write rows of it. Text is
 * drawn grapheme cluster by grapheme cluster and never leaves its bounds; no control character gets
 * through.
 */
#ifndef UI_CANVAS_H
#define UI_CANVAS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"
#include "ui/layout.h"
#include "ui/marks.h"
#include "ui/palette.h"
#include "ui/style.h"

struct canvas {
	void *win;			/* curses' WINDOW */
	struct palette palette;
	struct style_sheet sheet;
	struct style base;		/* the colours under everything */
	const struct marks *marks;
	bool ascii;			/* the terminal cannot show more */
	int rows, cols;
};

/* Between terminal_open and terminal_close. true_color as for palette_init. */
void canvas_init(struct canvas *c, bool true_color);
void canvas_release(struct canvas *c);
void canvas_resize(struct canvas *c, int rows, int cols);
void canvas_set_sheet(struct canvas *c, const struct style_sheet *s);

/* A slot as it is drawn over the base; a slot over another style. */
struct style canvas_style(const struct canvas *c, enum style_slot slot);

void canvas_clear(struct canvas *c, struct rect r, struct style s);

/* What is drawn, and how; for tests. */
void canvas_read(const struct canvas *c, struct strbuf *out);
bool canvas_cell(const struct canvas *c, int row, int col, struct style *out);

/* A position in a row. Writing stops at `right`; tab stops count from `left`. */
struct pen {
	struct canvas *c;
	int row, col, left, right;
};

struct pen pen_at(struct canvas *c, int row, int left, int right);
void pen_text(struct pen *p, struct style s, const char *text, size_t n);
void pen_str(struct pen *p, struct style s, const char *text);
void pen_repeat(struct pen *p, struct style s, const char *mark, int count);
void pen_fill(struct pen *p, struct style s);		/* blanks up to `right` */

/* Text in at most `cells` cells, its end replaced by an ellipsis when it is longer. */
void pen_clipped(struct pen *p, struct style s, const char *text, size_t n, int cells);

/* A box of lines along the edges of r; blank inside. */
void canvas_box(struct canvas *c, struct rect r, struct style line, struct style inside);

#endif
