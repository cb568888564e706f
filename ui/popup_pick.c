#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/xalloc.h"
#include "ui/flow.h"
#include "ui/match.h"
#include "ui/popup.h"
#include "ui/typed.h"
#include "ui/wrap.h"

enum {
	LIST_COLS_MAX = 100, WIDE_COLS_MAX = 140,
	LIST_ROWS_MAX = 24,
	PREVIEW_BESIDE_COLS = 90,	/* from here on the preview stands beside the list */
	PREVIEW_ROWS = 6,		/* below it, on screens of at least PREVIEW_MIN_ROWS */
	PREVIEW_MIN_ROWS = 20,
	FILTER_MAX = 1024,		/* bytes; what is pasted may be anything */
};

struct choice {
	char *label, *detail, *preview;
};

/* A list that typing narrows. */
struct pick {
	struct popup popup;
	int tag;
	char *title, *keys, *hint, *empty;
	struct choice *items;
	size_t n;
	size_t *shown, nshown;		/* the items that match, in order */
	size_t selected, top;		/* in shown */
	int rows;			/* of the list, as drawn last */
	int label_cells, detail_cells;	/* of the widest */
	bool has_preview;
	struct strbuf filter;
	struct flow preview;
	size_t preview_of;
};

static void
pick_free(struct popup *p)
{
	struct pick *k = (struct pick *)p;

	for (size_t i = 0; i < k->n; i++) {
		free(k->items[i].label);
		free(k->items[i].detail);
		free(k->items[i].preview);
	}
	free(k->items);
	free(k->shown);
	free(k->title);
	free(k->keys);
	free(k->hint);
	free(k->empty);
	strbuf_release(&k->filter);
	flow_release(&k->preview);
	free(k);
}

/* ---- choosing -------------------------------------------------------------------------------- */

static void
post(struct pick *k, enum ui_event_type type, char key)
{
	struct ui_event ev = { .type = type, .tag = k->tag, .key = key };

	if (type == UI_PICK_KEY)
		ev.text = k->filter.s;
	if (k->nshown)
		ev.choice = k->shown[k->selected];
	popup_post(&k->popup, &ev);
}

static void
select_row(struct pick *k, size_t row)
{
	size_t before = k->selected;

	if (!k->nshown)
		return;
	k->selected = row < k->nshown ? row : k->nshown - 1;
	if (k->selected != before)
		post(k, UI_PICK_MOVED, 0);
}

static void
move_by(struct pick *k, long rows)
{
	long to = (long)k->selected + rows;

	select_row(k, to < 0 ? 0 : (size_t)to);
}

static void
pick_scroll(struct popup *p, int rows)
{
	move_by((struct pick *)p, rows > 0 ? 1 : -1);
}

/* Finds the items that match. Returns how many of them stand before item `at`. */
static size_t
narrow(struct pick *k, size_t at)
{
	size_t before = 0;

	k->nshown = 0;
	for (size_t i = 0; i < k->n; i++) {
		if (!match_all(k->filter.s, k->items[i].label, k->items[i].detail))
			continue;
		before += i < at;
		k->shown[k->nshown++] = i;
	}
	return before;
}

/* The chosen item stays chosen if it is among those that match now. */
static void
apply_filter(struct pick *k)
{
	size_t was = k->nshown ? k->shown[k->selected] : k->n, row = narrow(k, was);
	bool kept = row < k->nshown && k->shown[row] == was;

	k->selected = kept ? row : 0;
	if (!kept && k->nshown)
		post(k, UI_PICK_MOVED, 0);
}

static void
filter_cut(struct pick *k, size_t len)
{
	if (len == k->filter.len)
		return;
	strbuf_truncate(&k->filter, len);
	apply_filter(k);
}

static void
add_to_filter(struct pick *k, const char *text)
{
	size_t n = typed_fits(&k->filter, text, strlen(text), FILTER_MAX);

	for (size_t i = 0; i < n; i++)
		strbuf_addc(&k->filter, text[i] == '\n' || text[i] == '\t' ? ' ' : text[i]);
}

static void
pick_text(struct popup *p, const char *text)
{
	struct pick *k = (struct pick *)p;

	add_to_filter(k, text);
	apply_filter(k);
}

/* ---- keys ------------------------------------------------------------------------------------ */

enum command {
	UP, DOWN, PAGE_UP, PAGE_DOWN, FIRST, LAST, CHOOSE, CANCEL, NONE
};

static enum command
command_of(struct key key)
{
	static const struct {
		struct key key;
		enum command command;
	} table[] = {
		{ { SYM_UP, 0 }, UP },
		{ { 'p', KEY_CTRL }, UP },
		{ { SYM_BACKTAB, 0 }, UP },
		{ { SYM_DOWN, 0 }, DOWN },
		{ { 'n', KEY_CTRL }, DOWN },
		{ { SYM_TAB, 0 }, DOWN },
		{ { SYM_PAGE_UP, 0 }, PAGE_UP },
		{ { SYM_PAGE_DOWN, 0 }, PAGE_DOWN },
		{ { SYM_HOME, 0 }, FIRST },
		{ { SYM_END, 0 }, LAST },
		{ { SYM_ENTER, 0 }, CHOOSE },
		{ { 'j', KEY_CTRL }, CHOOSE },
		{ { SYM_ESC, 0 }, CANCEL },
		{ { 'c', KEY_CTRL }, CANCEL },
		{ { 'g', KEY_CTRL }, CANCEL },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (key_equal(table[i].key, key))
			return table[i].command;
	return NONE;
}

static bool
run(struct pick *k, enum command command)
{
	int page = k->rows > 1 ? k->rows - 1 : 1;

	switch (command) {
	case UP:
		move_by(k, -1);
		break;
	case DOWN:
		move_by(k, 1);
		break;
	case PAGE_UP:
		move_by(k, -page);
		break;
	case PAGE_DOWN:
		move_by(k, page);
		break;
	case FIRST:
		select_row(k, 0);
		break;
	case LAST:
		select_row(k, k->nshown);
		break;
	case CHOOSE:
		if (!k->nshown)
			break;
		k->popup.done = true;
		post(k, UI_PICK, 0);
		break;
	case CANCEL:
		k->popup.done = true;
		post(k, UI_PICK_CANCELLED, 0);
		break;
	case NONE:
		return false;
	}
	return true;
}

static bool
pick_key(struct popup *p, struct key key)
{
	struct pick *k = (struct pick *)p;
	char text[5] = "";
	size_t left;

	if (key.mods == KEY_CTRL && key.sym > ' ' && key.sym < 0x7f &&
		strchr(k->keys, (int)key.sym)) {
		if (k->nshown)
			post(k, UI_PICK_KEY, (char)key.sym);
		return true;
	}
	if (key_is_text(key)) {
		text[utf8_encode(key.sym, text)] = '\0';
		pick_text(p, text);
		return true;
	}
	if (typed_erases(&k->filter, key, &left)) {
		filter_cut(k, left);
		return true;
	}
	return run(k, command_of(key));
}

/* ---- drawing --------------------------------------------------------------------------------- */

/* Text in at most `cells` cells with the letters that match in another look. */
static void
draw_matched(struct pen *p, struct style s, struct style match, const char *text, const char *words,
	int cells)
{
	size_t n = strlen(text), i = 0;
	int right = p->right;

	if (cells < p->right - p->col)
		p->right = p->col + (cells > 0 ? cells : 0);
	if (wrap_width(text, n) > p->right - p->col) { /* the end matters more than the match */
		pen_clipped(p, s, text, n, cells);
		p->right = right;
		return;
	}
	while (i < n) {
		size_t at = n, len = 0, word_len, found, found_len;

		for (const char *w = words; (word_len = match_next_word(&w)); w += word_len) {
			found = match_find(text, n, i, w, word_len, &found_len);
			if (found < at || (found == at && found_len > len)) {
				at = found;
				len = found_len;
			}
		}
		pen_text(p, s, text + i, at - i);
		pen_text(p, match, text + at, len);
		i = at + len;
	}
	p->right = right;
}

static void
draw_item(const struct pick *k, size_t row, struct pen *p)
{
	const struct choice *it = &k->items[k->shown[row]];
	bool chosen = row == k->selected;
	struct style text = popup_style(p->c, chosen ? STYLE_selected : STYLE_popup);
	struct style detail =
		style_over(text, p->c->sheet.slot[chosen ? STYLE_selected : STYLE_detail]);
	struct style match = style_over(text, p->c->sheet.slot[STYLE_match]);
	int room = p->right - p->left - 3, label = k->label_cells;

	if (label + 2 + k->detail_cells > room) {	/* the label matters more, up to a point */
		int most = room * 2 / 3 > room - 2 - k->detail_cells ? room * 2 / 3
								     : room - 2 - k->detail_cells;

		label = label < most ? label : most;
	}
	pen_str(p, text, chosen ? p->c->marks->pointer : " ");
	pen_str(p, text, " ");
	draw_matched(p, text, match, it->label, k->filter.s, k->detail_cells ? label : room);
	if (it->detail && k->detail_cells) {
		pen_repeat(p, text, " ", p->left + 2 + label + 2 - p->col);
		draw_matched(p, detail, match, it->detail, k->filter.s, p->right - p->col - 1);
	}
	pen_fill(p, text);
}

static void
draw_filter(const struct pick *k, struct canvas *c, struct rect in, int *row, int *col)
{
	struct pen p = pen_at(c, in.row, in.col, in.col + in.cols);
	const char *s = k->filter.s;
	size_t n = k->filter.len, skip = 0, len;
	int cells = wrap_width(s, n);

	while (cells > in.cols - 3 && skip < n) {	/* its end is what is being typed */
		cells -= wrap_cells(s + skip, n - skip, 0, &len);
		skip += len;
	}
	pen_str(&p, popup_style(c, STYLE_prompt), c->marks->pointer);
	pen_str(&p, popup_style(c, STYLE_popup), " ");
	pen_text(&p, popup_style(c, STYLE_input), s + skip, n - skip);
	*row = in.row;
	*col = p.col < in.col + in.cols ? p.col : in.col + in.cols - 1;
	if (!n)
		pen_str(&p, popup_style(c, STYLE_placeholder), "type to filter");
}

static void
draw_list(struct pick *k, struct canvas *c, struct rect r)
{
	size_t rows = r.rows > 0 ? (size_t)r.rows : 0;

	k->rows = r.rows;
	if (k->selected < k->top)
		k->top = k->selected;
	if (rows && k->selected >= k->top + rows)
		k->top = k->selected - rows + 1;
	if (k->top + rows > k->nshown)
		k->top = k->nshown > rows ? k->nshown - rows : 0;
	if (!k->nshown) {
		struct pen p = pen_at(c, r.row, r.col, r.col + r.cols);

		pen_clipped(&p, popup_style(c, STYLE_detail), k->n ? "no match" : k->empty,
			k->n ? strlen("no match") : strlen(k->empty), r.cols);
	}
	for (size_t i = 0; i < rows && k->top + i < k->nshown; i++) {
		struct pen p = pen_at(c, r.row + (int)i, r.col, r.col + r.cols);

		draw_item(k, k->top + i, &p);
	}
}

static void
draw_preview(struct pick *k, struct canvas *c, struct rect r)
{
	const char *text = k->nshown ? k->items[k->shown[k->selected]].preview : NULL;

	if (!text)
		return;
	if (k->preview_of != k->shown[k->selected])
		flow_release(&k->preview);
	k->preview_of = k->shown[k->selected];
	flow_wrap(&k->preview, (struct flow_shape){ .width = r.cols }, 0, text, strlen(text));
	for (int i = 0; i < r.rows && (size_t)i < k->preview.n; i++) {
		struct pen p = pen_at(c, r.row + i, r.col, r.col + r.cols);

		flow_draw(&k->preview, text, (size_t)i, &p, popup_style(c, STYLE_detail),
			FLOW_UNLIT);
	}
}

/* The box: as wide as the widest row, as high as the whole list, so that filtering does not move
 * it. */
static struct rect
box(const struct pick *k, const struct canvas *c, const struct layout *l)
{
	int rows = k->n > 1 ? (int)(k->n < LIST_ROWS_MAX ? k->n : LIST_ROWS_MAX) : 1;
	int title = wrap_width(k->title, strlen(k->title)) + 14,
	    hint = wrap_width(k->hint, strlen(k->hint)) + 6;
	int cols = k->label_cells + (k->detail_cells ? k->detail_cells + 2 : 0) + 9;
	int most = l->cols - 8 > LIST_COLS_MAX ? LIST_COLS_MAX : l->cols - 8;

	if (!popup_has_frame(c))
		return (struct rect){ 0, 0, l->rows, l->cols };
	cols = cols < 44 ? 44 : cols;
	cols = cols < title ? title : cols;
	cols = cols < hint ? hint : cols;
	if (most < 40)
		most = l->cols;
	if (k->has_preview && l->cols >= PREVIEW_BESIDE_COLS) {
		cols = l->cols - 8 > WIDE_COLS_MAX ? WIDE_COLS_MAX : l->cols - 8;
		most = cols;
		rows = rows < 10 ? 10 : rows;
	} else if (k->has_preview && l->rows >= PREVIEW_MIN_ROWS) {
		rows += PREVIEW_ROWS + 1;
	}
	rows += 3;
	if (rows > l->rows - 4)
		rows = l->rows - 4 > 6 ? l->rows - 4 : l->rows;
	return layout_centre(l, rows, cols < most ? cols : most);
}

static void
rule(struct canvas *c, int row, int col, int rows, int cols)
{
	struct style line = popup_style(c, STYLE_border);

	for (int i = 0; i < rows; i++) {
		struct pen p = pen_at(c, row + i, col, col + cols);

		pen_repeat(&p, line, rows > 1 ? c->marks->vertical : c->marks->horizontal, cols);
	}
}

static void
pick_draw(struct popup *p, struct canvas *c, const struct layout *l, int *row, int *col)
{
	struct pick *k = (struct pick *)p;
	bool framed = popup_has_frame(c);
	struct rect in, list;
	char note[48] = "";

	if (k->nshown)
		snprintf(note, sizeof note, "%zu/%zu", k->selected + 1, k->nshown);
	in = popup_frame(c, box(k, c, l), k->title, note, k->hint);
	draw_filter(k, c, in, row, col);
	list = (struct rect){ in.row + 1, in.col, in.rows - 1, in.cols };
	if (framed && k->has_preview && l->cols >= PREVIEW_BESIDE_COLS) {
		list.cols = k->label_cells + (k->detail_cells ? k->detail_cells + 2 : 0) + 3;
		if (list.cols > in.cols * 3 / 5)
			list.cols = in.cols * 3 / 5;
		rule(c, list.row, list.col + list.cols + 1, list.rows, 1);
		draw_preview(k, c, (struct rect){ list.row, list.col + list.cols + 3, list.rows,
			in.cols - list.cols - 3 });
	} else if (framed && k->has_preview && l->rows >= PREVIEW_MIN_ROWS &&
		   list.rows > PREVIEW_ROWS + 2) {
		list.rows -= PREVIEW_ROWS + 1;
		rule(c, list.row + list.rows, list.col, 1, list.cols);
		draw_preview(k, c,
			(struct rect){
				list.row + list.rows + 1, list.col, PREVIEW_ROWS, list.cols });
	}
	draw_list(k, c, list);
}

static void
pick_preview(struct popup *p, size_t item, const char *text)
{
	struct pick *k = (struct pick *)p;

	if (item >= k->n)
		return;
	free(k->items[item].preview);
	k->items[item].preview = popup_text(text, false);
	flow_release(&k->preview);
}

/* ---- making one ------------------------------------------------------------------------------ */

static const struct popup_ops pick_ops = {
	.free = pick_free,
	.key = pick_key,
	.text = pick_text,
	.scroll = pick_scroll,
	.preview = pick_preview,
	.draw = pick_draw,
};

static int
wider(int cells, const char *text)
{
	int w = text ? wrap_width(text, strlen(text)) : 0;

	return w > cells ? w : cells;
}

struct popup *
popup_pick_new(const struct ui_pick *pick)
{
	struct pick *k = xcalloc(1, sizeof *k);

	k->popup.ops = &pick_ops;
	k->tag = pick->tag;
	k->title = popup_text(pick->title ? pick->title : "", true);
	k->keys = xstrdup(pick->keys ? pick->keys : "");
	k->hint = popup_text(pick->hint ? pick->hint : "", true);
	k->empty = popup_text(pick->empty ? pick->empty : "nothing here", true);
	k->n = pick->n;
	k->items = xcalloc(k->n, sizeof *k->items);
	k->shown = xcalloc(k->n, sizeof *k->shown);
	strbuf_init(&k->filter);
	for (size_t i = 0; i < k->n; i++) {
		struct choice *it = &k->items[i];

		it->label = popup_text(pick->items[i].label, true);
		it->detail = popup_text(pick->items[i].detail, true);
		it->preview = popup_text(pick->items[i].preview, false);
		k->label_cells = wider(k->label_cells, it->label);
		k->detail_cells = wider(k->detail_cells, it->detail);
		k->has_preview |= it->preview != NULL;
	}
	if (pick->filter)
		add_to_filter(k, pick->filter);
	k->selected = narrow(k, pick->selected);
	if (k->selected >= k->nshown)
		k->selected = k->nshown ? k->nshown - 1 : 0;
	return &k->popup;
}
