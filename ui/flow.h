/*
 * A text wrapped into rows of a width, and drawn row by row: the wrap cache of one message or page.
 * The text itself belongs to the caller, who passes the same one each time.
 */
#ifndef UI_FLOW_H
#define UI_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ui/canvas.h"
#include "ui/markup.h"

struct flow_row {
	uint32_t start, len;	/* bytes of the text */
	uint32_t para;		/* index of its paragraph */
	uint16_t indent;
};

struct flow_para {		/* from one '\n' to the next */
	uint32_t start, len;
	uint32_t row;		/* its first */
	struct markup before;
};

/* Bytes of a text. */
struct flow_range {
	uint32_t start, len;
};

/* What is to stand out in a text: ranges in order that do not overlap, one of them more than the others. */
struct flow_lit {
	const struct flow_range *items;
	size_t n;
	size_t current;		/* n or more: none of them */
};

/* How a text is laid out; another shape is another wrapping. */
struct flow_shape {
	int width;
	int wide;		/* the same for lines of code and tables; 0: width */
	int lead;		/* cells of the first row that are taken already */
	bool markup;		/* light Markdown, else plain */
	bool columns;		/* rows of "name  what it is" go on below what it is */
};

struct flow {
	struct flow_row *rows;
	size_t n, cap;
	struct flow_para *paras;
	size_t nparas, paracap;
	struct flow_shape shape;
	size_t text_len;
	unsigned generation;
	bool valid;
	struct spans spans;	/* of the paragraph drawn last */
	size_t spans_para;
	struct markup_line spans_line;
};

void flow_release(struct flow *f);

/*
 * Wraps the text; does nothing when that is done already. `generation` differs from the last call's
 * when the text was changed other than by appending; when it was only appended to, only the last
 * paragraph is wrapped again. Blank lines at both ends have no rows; a text without any has one.
 * Returns the number of rows made.
 */
size_t flow_wrap(
	struct flow *f, struct flow_shape shape, unsigned generation, const char *text, size_t n);

/* The row in which the byte at `offset` stands. */
size_t flow_row_of(const struct flow *f, size_t offset);

/*
 * Draws a row at the pen; `base`: the look of plain text in it. A character (a grapheme cluster) stands
 * out as a whole if a byte of it does.
 */
void flow_draw(struct flow *f, const char *text, size_t row, struct pen *pen, struct style base,
	struct flow_lit lit);

#define FLOW_UNLIT ((struct flow_lit){ NULL, 0, 0 })

#endif
