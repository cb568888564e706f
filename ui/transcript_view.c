#include "config.h"

#include <stdio.h>
#include <string.h>

#include "ui/transcript_view.h"
#include "ui/wrap.h"

enum {
	LABEL_MAX = 12,
	MEASURE_MAX = 100,	/* wider lines are hard to read */
	RUN_IN_COLS = 36,	/* below that the label stands in the text, not beside it */
	GAP_ROWS = 8,		/* below that no blank row between entries */
	FOLDED_ROWS = 3,	/* of the system prompt */
};

/* A row: of entry i, counted from the entry's first. */
struct pos {
	size_t i;
	int row;
};

struct geometry {
	int text_col, text_cols, label_cells;
	int wide_cols;		/* for code and tables: all there is */
	bool run_in;
};

static const struct {
	enum style_slot label, text;
	bool bar, markup;
} looks[] = {
	[ENTRY_USER] = { STYLE_user, STYLE_text, true, false },
	[ENTRY_ASSISTANT] = { STYLE_assistant, STYLE_text, true, true },
	[ENTRY_SYSTEM] = { STYLE_system, STYLE_system, true, false },
	[ENTRY_NOTICE] = { STYLE_notice, STYLE_notice, false, false },
	[ENTRY_ERROR] = { STYLE_error, STYLE_error, true, false },
	[ENTRY_DIVIDER] = { STYLE_divider, STYLE_divider, false, false },
};

static int
min(int a, int b)
{
	return a < b ? a : b;
}

static int
max(int a, int b)
{
	return a > b ? a : b;
}

static struct geometry
geometry(const struct transcript_view *v)
{
	struct geometry g = { .run_in = v->width < RUN_IN_COLS };

	g.label_cells = min(v->t->label_cells, min(LABEL_MAX, max(v->width / 4, 1)));
	g.text_col = g.run_in ? 1 : g.label_cells + 2;
	g.wide_cols = max(v->width - g.text_col, 1);
	g.text_cols = min(g.wide_cols, MEASURE_MAX);
	return g;
}

void
view_init(struct transcript_view *v, struct transcript *t)
{
	*v = (struct transcript_view){ .t = t, .follow = true };
}

void
view_resize(struct transcript_view *v, int width, int height)
{
	v->width = width;
	v->height = max(height, 1);
}

/* ---- heights --------------------------------------------------------------------------------- */

static int
gap_rows(const struct transcript_view *v, size_t i)
{
	return i > 0 && v->height >= GAP_ROWS;
}

/* Wraps the entry if that is not done; returns it. */
static struct entry *
prepare(struct transcript_view *v, size_t i)
{
	struct entry *e = &v->t->items[i];
	struct geometry g = geometry(v);
	struct flow_shape shape = {
		.width = g.text_cols, .wide = g.wide_cols, .markup = looks[e->kind].markup
	};

	if (g.run_in && *e->label)
		shape.lead = min(wrap_width(e->label, strlen(e->label)), v->width / 2) + 1;
	v->wrapped += flow_wrap(&e->flow, shape, e->generation, e->text.s, e->text.len);
	return e;
}

static bool
is_folded(const struct transcript_view *v, const struct entry *e)
{
	return e->kind == ENTRY_SYSTEM && e->flow.n > FOLDED_ROWS && e->id != v->unfolded;
}

static int
text_rows(const struct transcript_view *v, const struct entry *e)
{
	if (e->kind == ENTRY_DIVIDER)
		return 1;
	return is_folded(v, e) ? FOLDED_ROWS : (int)e->flow.n;
}

static int
entry_rows(struct transcript_view *v, size_t i)
{
	const struct entry *e = prepare(v, i);

	return gap_rows(v, i) + text_rows(v, e) + (*e->footer != '\0');
}

static bool
pos_before(struct pos a, struct pos b)
{
	return a.i < b.i || (a.i == b.i && a.row < b.row);
}

static struct pos
pos_back(struct transcript_view *v, struct pos p, int rows)
{
	while (rows > p.row && p.i > 0) {
		rows -= p.row;
		p.i--;
		p.row = entry_rows(v, p.i);
	}
	p.row = max(p.row - rows, 0);
	return p;
}

/* The end of the text is row 0 of an entry after the last. */
static struct pos
pos_ahead(struct transcript_view *v, struct pos p, int rows)
{
	p.row += rows;
	while (p.i < v->t->n && p.row >= entry_rows(v, p.i)) {
		p.row -= entry_rows(v, p.i);
		p.i++;
	}
	if (p.i == v->t->n)
		p.row = 0;
	return p;
}

static struct pos
last_top(struct transcript_view *v)
{
	return pos_back(v, (struct pos){ v->t->n, 0 }, v->height);
}

/* ---- places ---------------------------------------------------------------------------------- */

bool
view_locate(const struct transcript *t, struct view_place *place)
{
	if (place->index < t->n && t->items[place->index].id == place->id)
		return true;
	for (size_t i = 0; i < t->n; i++) {
		if (t->items[i].id == place->id) {
			place->index = i;
			return true;
		}
	}
	return false;
}

static struct pos
pos_of(struct transcript_view *v, struct view_place *place)
{
	const struct entry *e;
	struct pos p;

	if (!v->t->n)
		return (struct pos){ 0, 0 };
	if (!view_locate(v->t, place)) {
		p.i = place->index < v->t->n ? place->index : v->t->n - 1;
		p.row = 0;
		return p;
	}
	p.i = place->index;
	p.row = 0;
	e = prepare(v, p.i);
	if (place->part == VIEW_TEXT)
		p.row = gap_rows(v, p.i)
			+ min((int)flow_row_of(&e->flow, place->offset), text_rows(v, e) - 1);
	else if (place->part == VIEW_FOOTER)
		p.row = gap_rows(v, p.i) + text_rows(v, e);
	return p;
}

static struct view_place
place_of(struct transcript_view *v, struct pos p)
{
	const struct entry *e = prepare(v, p.i);
	struct view_place place = { .id = e->id, .index = p.i };
	int row = p.row - gap_rows(v, p.i);

	if (row < 0)
		return place;
	place.part = row < text_rows(v, e) ? VIEW_TEXT : VIEW_FOOTER;
	if (place.part == VIEW_TEXT)
		place.offset = e->flow.rows[row].start;
	return place;
}

/* The first row in view. */
static struct pos
top_pos(struct transcript_view *v)
{
	struct pos last = last_top(v), p;

	if (v->follow)
		return last;
	p = pos_of(v, &v->top);
	if (pos_before(p, last))
		return p;
	v->follow = !v->held;
	return last;
}

/* Stays where it is while the text grows. */
static void
stop_following(struct transcript_view *v)
{
	const struct entry *last = &v->t->items[v->t->n - 1];

	if (!v->follow)
		return;
	v->seen = (struct view_place){ last->id, v->t->n - 1,
		*last->footer ? VIEW_FOOTER : VIEW_TEXT, last->text.len };
	v->follow = false;
}

static void
set_top(struct transcript_view *v, struct pos p)
{
	struct pos last = last_top(v);
	bool at_end = !pos_before(p, last);

	if (!v->t->n || (at_end && !v->held)) {
		v->follow = true;
		return;
	}
	stop_following(v);
	v->top = place_of(v, at_end ? last : p);
}

void
view_scroll(struct transcript_view *v, int rows)
{
	struct pos p = top_pos(v);

	set_top(v, rows < 0 ? pos_back(v, p, -rows) : pos_ahead(v, p, rows));
}

void
view_to_top(struct transcript_view *v)
{
	set_top(v, (struct pos){ 0, 0 });
}

void
view_to_end(struct transcript_view *v)
{
	v->follow = true;
}

bool
view_at_end(struct transcript_view *v)
{
	struct pos top = top_pos(v);

	return v->follow || !pos_before(top, last_top(v));
}

/* The first row that was not there when the reader left the end. */
static struct pos
seen_pos(struct transcript_view *v)
{
	struct entry *e;
	struct pos p;

	if (!view_locate(v->t, &v->seen))
		return (struct pos){ v->t->n, 0 };
	p.i = v->seen.index;
	e = prepare(v, p.i);
	p.row = gap_rows(v, p.i);
	if (v->seen.offset)
		p.row += min((int)flow_row_of(&e->flow, v->seen.offset - 1) + 1, text_rows(v, e));
	if (v->seen.part == VIEW_FOOTER)
		p.row = entry_rows(v, p.i);
	return p;
}

size_t
view_new_rows(struct transcript_view *v)
{
	struct pos top = top_pos(v), below, seen;
	size_t rows = 0;

	if (v->follow)
		return 0;
	below = pos_ahead(v, top, v->height);
	seen = seen_pos(v);
	if (pos_before(below, seen))
		below = seen;
	for (size_t i = below.i; i < v->t->n; i++)
		rows += (size_t)entry_rows(v, i);
	return rows > (size_t)below.row ? rows - (size_t)below.row : 0;
}

/* ---- going to a place ------------------------------------------------------------------------ */

void
view_hold(struct transcript_view *v)
{
	v->held = true;
	set_top(v, top_pos(v));
}

void
view_let_go(struct transcript_view *v)
{
	v->held = false;
}

struct view_mark
view_mark(const struct transcript_view *v)
{
	return (struct view_mark){ v->follow, v->top, v->seen };
}

void
view_return(struct transcript_view *v, const struct view_mark *m)
{
	v->follow = m->follow;
	v->top = m->top;
	v->seen = m->seen;
	v->held = false;
	v->unfolded = 0;
}

void
view_reveal(struct transcript_view *v, size_t entry, size_t offset)
{
	const struct entry *e = prepare(v, entry);
	int row = (int)flow_row_of(&e->flow, offset);
	struct pos p = { entry, gap_rows(v, entry) }, top;

	view_hold(v);
	if (is_folded(v, e) && row >= FOLDED_ROWS - 1)
		v->unfolded = e->id;
	p.row += min(row, text_rows(v, e) - 1);
	top = top_pos(v);
	if (pos_before(p, top) || !pos_before(p, pos_ahead(v, top, v->height)))
		set_top(v, pos_back(v, p, v->height / 2));
}

struct view_place
view_bottom(struct transcript_view *v)
{
	struct pos p = pos_ahead(v, top_pos(v), v->height - 1);
	struct view_place place = { .part = VIEW_TEXT };
	const struct entry *e;
	int row = -1;

	if (!v->t->n)
		return place;
	if (p.i < v->t->n)
		row = p.row - gap_rows(v, p.i);
	if (row < 0 && p.i > 0)		/* the blank row in front of an entry, or behind the last */
		p.i--;
	e = prepare(v, p.i);
	place.offset = e->text.len;
	if (row >= 0 && row < text_rows(v, e) - 1)
		place.offset = (size_t)e->flow.rows[row].start + e->flow.rows[row].len;
	place.id = e->id;
	place.index = p.i;
	return place;
}

/* ---- drawing --------------------------------------------------------------------------------- */

static void
draw_divider(const struct entry *e, struct pen *p, struct style s)
{
	int cells = p->right - p->left, text = wrap_width(e->text.s, e->text.len);
	int room = max(cells - text - 2, 0), side = room / 2;

	pen_repeat(p, s, p->c->marks->horizontal, side);
	pen_str(p, s, " ");
	pen_clipped(p, s, e->text.s, e->text.len, cells - side - 1);
	pen_str(p, s, " ");
	pen_repeat(p, s, p->c->marks->horizontal, cells);
}

static void
draw_label(const struct geometry *g, const struct entry *e, struct pen *p, struct style s)
{
	int cells = g->run_in ? (p->right - p->left) / 2 : g->label_cells;

	pen_clipped(p, s, e->label, strlen(e->label), cells);
}

static void
draw_text_row(struct transcript_view *v, size_t i, size_t row, struct pen *p)
{
	struct entry *e = &v->t->items[i];
	struct geometry g = geometry(v);
	struct style label = canvas_style(p->c, looks[e->kind].label);
	struct style text = canvas_style(p->c, looks[e->kind].text);
	struct pen body = *p;

	if (looks[e->kind].bar)
		pen_str(p, label, p->c->marks->bar);
	else
		p->col++;
	if (row == 0)
		draw_label(&g, e, p, label);
	body.left = p->left + g.text_col;
	body.col = g.run_in && p->col > body.left ? p->col : body.left;
	body.right = min(p->right, body.left + g.wide_cols);
	if (row == FOLDED_ROWS - 1 && is_folded(v, e)) {
		char more[64];

		snprintf(more, sizeof more, "%s %zu more lines", p->c->marks->ellipsis,
			e->flow.n - row);
		pen_clipped(&body, text, more, strlen(more), body.right - body.col);
		return;
	}
	flow_draw(&e->flow, e->text.s, row, &body, text,
		v->find ? find_in(v->find, i) : FLOW_UNLIT);
}

static void
draw_row(struct transcript_view *v, struct pos p, struct pen *pen)
{
	struct entry *e = prepare(v, p.i);
	struct geometry g = geometry(v);
	int row = p.row - gap_rows(v, p.i);

	if (row < 0)
		return;
	if (row >= text_rows(v, e)) {
		pen->col += g.text_col;
		pen_clipped(pen, canvas_style(pen->c, STYLE_footer), e->footer, strlen(e->footer),
			pen->right - pen->col);
	} else if (e->kind == ENTRY_DIVIDER) {
		draw_divider(e, pen, canvas_style(pen->c, STYLE_divider));
	} else {
		draw_text_row(v, p.i, (size_t)row, pen);
	}
}

void
view_draw(struct transcript_view *v, struct canvas *c, struct rect r)
{
	struct pos p = top_pos(v);

	canvas_clear(c, r, c->base);
	for (int row = 0; row < r.rows && p.i < v->t->n; row++) {
		struct pen pen = pen_at(c, r.row + row, r.col, r.col + r.cols);

		draw_row(v, p, &pen);
		p = pos_ahead(v, p, 1);
	}
	v->t->changed = false;
}
