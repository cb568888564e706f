#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/xalloc.h"
#include "ui/complete.h"
#include "ui/lineedit.h"
#include "ui/popup.h"
#include "ui/wrap.h"

enum { LIST_ROWS_MAX = 8 };

void
ui_completions_add(struct ui_completions *c, const char *text, const char *help)
{
	VEC_ROOM(c->items, c->n, c->cap);
	c->items[c->n++] = (struct ui_completion){ xstrdup(text), help ? xstrdup(help) : NULL };
}

static void
completions_release(struct ui_completions *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->items[i].text);
		free(c->items[i].help);
	}
	free(c->items);
	memset(c, 0, sizeof *c);
}

void
complete_close(struct complete *c)
{
	completions_release(&c->found);
	free(c->typed);
	c->typed = NULL;
	c->selected = 0;
	c->open = false;
}

/* Asks what could stand at the cursor. */
static void
find(struct complete *c)
{
	size_t len, point;
	const char *line = lineedit_text(&len, &point);

	complete_close(c);
	if (!c->ask || lineedit_state() != LINEEDIT_READY)
		return;
	c->ask(c->ctx, line, point, &c->found);
	if (c->found.start > point)	/* no word of this line */
		completions_release(&c->found);
	c->selected = c->found.n;
	c->end = point;
	c->typed = xstrndup(line + (c->found.n ? c->found.start : point),
		point - (c->found.n ? c->found.start : point));
}

static void
put(struct complete *c, const char *text)
{
	lineedit_replace(c->found.start, c->end, text);
	c->end = c->found.start + strlen(text);
}

/* Bytes that all completions have in common, whole characters. */
static size_t
common_prefix(const struct ui_completions *f)
{
	size_t n = strlen(f->items[0].text);

	for (size_t i = 1; i < f->n; i++) {
		size_t k = 0;

		while (k < n && f->items[i].text[k] == f->items[0].text[k])
			k++;
		n = k;
	}
	return n - utf8_incomplete_tail(f->items[0].text, n);
}

static void
choose(struct complete *c, size_t index)
{
	c->selected = index;
	put(c, index < c->found.n ? c->found.items[index].text : c->typed);
}

void
complete_tab(struct complete *c)
{
	size_t common;

	if (c->open) {
		choose(c, c->selected + 1 < c->found.n ? c->selected + 1 : 0);
		return;
	}
	find(c);
	if (c->found.n == 1)
		put(c, c->found.items[0].text);
	if (c->found.n < 2) {
		complete_close(c);
		return;
	}
	common = common_prefix(&c->found);
	if (common > strlen(c->typed)) {
		free(c->typed);
		c->typed = xstrndup(c->found.items[0].text, common);
		put(c, c->typed);
	}
	c->open = true;
}

bool
complete_key(struct complete *c, struct key k)
{
	size_t n = c->found.n;

	if (!c->open)
		return false;
	if (key_is(k, SYM_TAB, 0) || key_is(k, SYM_DOWN, 0)) {
		complete_tab(c);
	} else if (key_is(k, SYM_BACKTAB, 0) || key_is(k, SYM_UP, 0)) {
		choose(c, c->selected == 0 || c->selected > n ? n - 1 : c->selected - 1);
	} else if (key_is(k, SYM_ESC, 0)) {
		if (c->selected < n)
			put(c, c->typed);
		complete_close(c);
	} else if (key_is(k, SYM_ENTER, 0) && c->selected < n) {
		complete_close(c);
	} else {
		return false;
	}
	return true;
}

void
complete_refresh(struct complete *c)
{
	if (!c->open)
		return;
	find(c);
	c->open = c->found.n > 1 ||
		  (c->found.n == 1 && strcmp(c->found.items[0].text, c->typed) != 0);
	if (!c->open)
		complete_close(c);
}

static void
draw_item(const struct complete *c, size_t i, int text_cells, struct pen *p)
{
	const struct ui_completion *it = &c->found.items[i];
	bool chosen = i == c->selected;
	struct style text = popup_style(p->c, chosen ? STYLE_selected : STYLE_popup);
	struct style help = chosen ? text : style_over(text, p->c->sheet.slot[STYLE_detail]);
	char *one = popup_text(it->text, true), *two = popup_text(it->help ? it->help : "", true);

	pen_str(p, text, " ");
	pen_clipped(p, text, one, strlen(one), text_cells);
	pen_repeat(p, text, " ", p->left + 1 + text_cells + 2 - p->col);
	pen_clipped(p, help, two, strlen(two), p->right - p->col - 1);
	pen_fill(p, text);
	free(one);
	free(two);
}

void
complete_draw(const struct complete *c, struct canvas *canvas, const struct layout *l)
{
	int rows = c->found.n < LIST_ROWS_MAX ? (int)c->found.n : LIST_ROWS_MAX, text = 0, help = 0,
	    cols;
	int left = l->chat.col + (l->chat.cols > 40), room = l->chat.cols - (l->chat.cols > 40);
	size_t first = 0;

	if (!c->open)
		return;
	if (rows > l->chat.rows)
		rows = l->chat.rows;
	for (size_t i = 0; i < c->found.n; i++) {
		const struct ui_completion *it = &c->found.items[i];
		int w = wrap_width(it->text, strlen(it->text)),
		    h = it->help ? wrap_width(it->help, strlen(it->help)) : 0;

		text = w > text ? w : text;
		help = h > help ? h : help;
	}
	if (text > room * 3 / 5)
		text = room * 3 / 5;
	cols = text + (help ? help + 4 : 2);
	cols = cols < room ? cols : room;
	if (c->selected < c->found.n && c->selected >= (size_t)rows)
		first = c->selected - (size_t)rows + 1;
	for (int i = 0; i < rows; i++) {
		struct pen p =
			pen_at(canvas, l->chat.row + l->chat.rows - rows + i, left, left + cols);

		draw_item(c, first + (size_t)i, text, &p);
	}
}
