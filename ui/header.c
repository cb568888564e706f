#include "config.h"

#include <stdio.h>
#include <string.h>

#include "ui/chrome.h"
#include "ui/wrap.h"

static int
width(const char *s)
{
	return wrap_width(s, strlen(s));
}

static int
min(int a, int b)
{
	return a < b ? a : b;
}

static void
header_plain(struct canvas *c, const struct rect *r, const char *title, const char *model)
{
	struct style name = canvas_style(c, STYLE_title), dim = canvas_style(c, STYLE_border);
	int model_cells = min(width(model), r->cols / 2);
	struct pen p = pen_at(c, r->row, r->col, r->col + r->cols);

	pen_str(&p, name, "hum");
	if (*title) {
		pen_str(&p, dim, " ");
		pen_str(&p, dim, c->marks->dot);
		pen_str(&p, dim, " ");
		pen_clipped(&p, name, title, strlen(title),
			r->cols - 6 - (model_cells ? model_cells + 2 : 0));
	}
	if (r->cols - model_cells > p.col + 1) {
		p.col = r->cols - model_cells;
		pen_clipped(&p, canvas_style(c, STYLE_model), model, strlen(model), model_cells);
	}
}

void
header_draw(struct canvas *c, const struct layout *l, const char *title, const char *model)
{
	const struct marks *m = c->marks;
	struct style line = canvas_style(c, STYLE_border), name = canvas_style(c, STYLE_title);
	int model_cells = min(width(model), l->cols / 2), end;
	struct pen p = pen_at(c, l->header.row, 0, l->cols);

	if (!l->header.rows)
		return;
	canvas_clear(c, l->header, c->base);
	if (!l->framed) {
		header_plain(c, &l->header, title, model);
		return;
	}
	pen_str(&p, line, m->top_left);
	pen_str(&p, line, m->horizontal);
	pen_str(&p, name, " hum ");
	end = l->cols - 2 - (model_cells ? model_cells + 2 : 0);	/* where the model begins */
	if (*title) {
		pen_repeat(&p, line, m->horizontal, 2);
		pen_str(&p, name, " ");
		pen_clipped(&p, name, title, strlen(title), end - p.col - 3);
		pen_str(&p, name, " ");
	}
	pen_repeat(&p, line, m->horizontal, end - p.col);
	if (model_cells) {
		pen_str(&p, line, " ");
		pen_clipped(&p, canvas_style(c, STYLE_model), model, strlen(model), model_cells);
		pen_str(&p, line, " ");
	}
	pen_str(&p, line, m->horizontal);
	pen_str(&p, line, m->top_right);
}

/* A line across; between the sides of the frame where there is one. */
static void
line_across(struct canvas *c, const struct layout *l, int row, const char *left, const char *right)
{
	struct style s = canvas_style(c, STYLE_border);
	struct pen p = pen_at(c, row, 0, l->cols);

	pen_str(&p, s, l->framed ? left : c->marks->horizontal);
	pen_repeat(&p, s, c->marks->horizontal, l->cols - 2);
	pen_str(&p, s, l->framed ? right : c->marks->horizontal);
}

void
frame_draw(struct canvas *c, const struct layout *l)
{
	const struct marks *m = c->marks;
	struct style s = canvas_style(c, STYLE_border);

	if (!l->framed)
		return;
	for (int row = 1; row < l->rows - 1; row++) {
		struct pen p = pen_at(c, row, 0, l->cols);

		pen_str(&p, s, m->vertical);
		pen_str(&p, c->base, " ");
		p = pen_at(c, row, l->cols - 2, l->cols);
		pen_str(&p, c->base, " ");
		pen_str(&p, s, m->vertical);
	}
	line_across(c, l, l->rule_above_status, m->left_tee, m->right_tee);
	line_across(c, l, l->rows - 1, m->bottom_left, m->bottom_right);
}

void
rule_draw(struct canvas *c, const struct layout *l, bool at_end, size_t new_rows)
{
	const struct marks *m = c->marks;
	struct style s = canvas_style(c, new_rows ? STYLE_new_lines : STYLE_footer);
	int row = l->rule_above_input, cells;
	char text[64];
	struct pen p;

	if (row >= 0)
		line_across(c, l, row, m->left_tee, m->right_tee);
	else
		row = l->chat.row + l->chat.rows - 1;
	if (at_end || !l->chat.rows)
		return;
	if (new_rows)
		snprintf(text, sizeof text, " %s %zu new line%s ", m->down, new_rows,
			new_rows == 1 ? "" : "s");
	else
		snprintf(text, sizeof text, " %s more ", m->down);
	cells = min(width(text), l->chat.cols);
	p = pen_at(c, row, l->chat.col + l->chat.cols - cells, l->chat.col + l->chat.cols);
	pen_str(&p, s, text);
}
