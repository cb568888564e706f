#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "ui/flow.h"
#include "ui/popup.h"

/* A text to be read, with light Markdown. */
struct page {
	struct popup popup;
	char *title, *text;
	struct flow flow;
	int top, rows;		/* first row seen; rows of the window */
};

enum { PAGE_COLS_MAX = 96, PAGE_MARGIN = 2 };

static void
page_free(struct popup *p)
{
	struct page *g = (struct page *)p;

	free(g->title);
	free(g->text);
	flow_release(&g->flow);
	free(g);
}

static void
page_scroll(struct popup *p, int rows)
{
	struct page *g = (struct page *)p;
	int last = (int)g->flow.n - g->rows;

	g->top += rows;
	if (g->top > last)
		g->top = last;
	if (g->top < 0)
		g->top = 0;
}

/* Key, how far it moves: rows, or screens when `screens`. */
static const struct {
	struct key key;
	int rows, screens;
} moves[] = {
	{ { SYM_UP, 0 }, -1, 0 }, { { 'k', 0 }, -1, 0 }, { { 'p', KEY_CTRL }, -1, 0 },
	{ { SYM_DOWN, 0 }, 1, 0 }, { { 'j', 0 }, 1, 0 }, { { 'n', KEY_CTRL }, 1, 0 },
	{ { SYM_PAGE_UP, 0 }, 0, -1 }, { { 'b', 0 }, 0, -1 }, { { 'b', KEY_CTRL }, 0, -1 },
	{ { SYM_PAGE_DOWN, 0 }, 0, 1 }, { { ' ', 0 }, 0, 1 }, { { 'f', KEY_CTRL }, 0, 1 },
	{ { SYM_HOME, 0 }, -1000000, 0 }, { { 'g', 0 }, -1000000, 0 },
	{ { SYM_END, 0 }, 1000000, 0 }, { { 'G', 0 }, 1000000, 0 },
};

static bool
page_key(struct popup *p, struct key k)
{
	struct page *g = (struct page *)p;

	if (key_is(k, SYM_ESC, 0) || key_is(k, 'q', 0) || key_is(k, SYM_ENTER, 0) ||
		key_is(k, 'c', KEY_CTRL) || key_is(k, 'g', KEY_CTRL)) {
		p->done = true;
		return true;
	}
	for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
		if (key_equal(moves[i].key, k)) {
			page_scroll(p,
				moves[i].rows + moves[i].screens * (g->rows > 1 ? g->rows - 1 : 1));
			return true;
		}
	}
	return false;
}

static void
page_draw(struct popup *p, struct canvas *c, const struct layout *l, int *row, int *col)
{
	struct page *g = (struct page *)p;
	bool framed = popup_has_frame(c);
	int cols = l->cols - (framed ? 2 * PAGE_MARGIN : 0), rows = l->rows - (framed ? 2 : 0);
	struct rect in;
	char note[32] = "";

	cols = cols > PAGE_COLS_MAX ? PAGE_COLS_MAX : cols;
	flow_wrap(&g->flow,
		(struct flow_shape){
			.width = cols - (framed ? 4 : 0), .markup = true, .columns = true },
		0, g->text, strlen(g->text));
	if (framed && (int)g->flow.n + 2 < rows)
		rows = (int)g->flow.n + 2;
	g->rows = rows - (framed ? 2 : rows >= 3);
	page_scroll(p, 0);
	if ((int)g->flow.n > g->rows)
		snprintf(note, sizeof note, "%d%%",
			(int)(100L * (g->top + g->rows) / (long)g->flow.n));
	in = popup_frame(c, layout_centre(l, rows, cols), g->title, note, "Esc closes");
	for (int i = 0; i < in.rows && (size_t)(g->top + i) < g->flow.n; i++) {
		struct pen pen = pen_at(c, in.row + i, in.col, in.col + in.cols);

		flow_draw(&g->flow, g->text, (size_t)(g->top + i), &pen,
			popup_style(c, STYLE_popup), FLOW_UNLIT);
	}
}

static const struct popup_ops page_ops = {
	.free = page_free,
	.key = page_key,
	.scroll = page_scroll,
	.draw = page_draw,
};

struct popup *
popup_page_new(const char *title, const char *text)
{
	struct page *g = xcalloc(1, sizeof *g);

	g->popup.ops = &page_ops;
	g->title = popup_text(title, true);
	g->text = popup_text(text, false);
	g->rows = 1;
	return &g->popup;
}
