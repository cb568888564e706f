#include "config.h"

#include <string.h>

#include "ui/inputbox.h"
#include "ui/lineedit.h"

enum {
	PROMPT_CELLS = 2,
	PROMPT_COLS = 8,	/* a narrower box has no mark in front */
};

static int
indent_of(int cols)
{
	return cols >= PROMPT_COLS ? PROMPT_CELLS : 0;
}

void
inputbox_release(struct inputbox *b)
{
	input_rows_release(&b->rows);
	strbuf_release(&b->text);
}

/* What the box shows; the line by itself unless readline says something in front of it. */
static const char *
shown_text(struct inputbox *b, size_t *len, size_t *point)
{
	const char *line = lineedit_text(len, point), *prompt = lineedit_prompt();

	if (!*prompt)
		return line;
	strbuf_reset(&b->text);
	strbuf_adds(&b->text, prompt);
	strbuf_add(&b->text, line, *len);
	*len += strlen(prompt);
	*point += strlen(prompt);
	return b->text.s;
}

int
inputbox_measure(struct inputbox *b, int cols)
{
	int cells = cols - indent_of(cols) - 1;	/* one for the cursor behind a full row */
	size_t len, point;
	const char *text = shown_text(b, &len, &point);

	cells = cells < 1 ? 1 : cells;
	lineedit_set_width(cells);
	input_rows_wrap(&b->rows, text, len, cells);
	b->row = input_rows_find(&b->rows, text, point, &b->col);
	return b->rows.n < 1000 ? (int)b->rows.n : 1000;
}

void
inputbox_draw(struct inputbox *b, struct canvas *c, struct rect r, const char *placeholder,
	int *row, int *col)
{
	struct style s = canvas_style(c, STYLE_input);
	int left = r.col + indent_of(r.cols), right = r.col + r.cols;
	size_t rows = (size_t)r.rows, len, point;
	const char *text = shown_text(b, &len, &point);
	struct pen p;

	canvas_clear(c, r, s);
	if (b->row < b->top)
		b->top = b->row;
	if (b->row >= b->top + rows)
		b->top = b->row - rows + 1;
	if (b->top + rows > b->rows.n)
		b->top = b->rows.n > rows ? b->rows.n - rows : 0;
	for (size_t i = 0; i < rows && b->top + i < b->rows.n; i++) {
		const struct input_row *it = &b->rows.items[b->top + i];

		p = pen_at(c, r.row + (int)i, r.col, right);
		if (left > r.col) {
			bool above = i == 0 && b->top > 0,
			     below = i + 1 == rows && b->top + rows < b->rows.n;

			pen_str(&p, canvas_style(c, STYLE_prompt),
				b->top + i == 0 ? ">"
				: above         ? c->marks->up
				: below         ? c->marks->down
						: " ");
			pen_str(&p, s, " ");
		}
		p.left = p.col;
		pen_text(&p, s, text + it->start, it->len);
	}
	if (!len) {
		p = pen_at(c, r.row, left, right);
		pen_clipped(&p, canvas_style(c, STYLE_placeholder), placeholder,
			strlen(placeholder), right - left);
	}
	*row = r.row + (int)(b->row - b->top);
	*col = left + b->col < right ? left + b->col : right - 1;
}
