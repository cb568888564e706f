#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "ui/findline.h"
#include "ui/typed.h"
#include "ui/wrap.h"

enum {
	WORDS_MAX = 1024,	/* bytes; what is pasted may be anything */
	WORDS_COLS = 10,	/* the words have that much before anything else has */
};

static const char prompt[] = "find: ", nothing[] = "nothing found",
		  usage[] = "Up: older, Down: newer, Enter: stay, Esc: back";

void
findline_init(struct findline *l, struct transcript_view *v)
{
	*l = (struct findline){ .view = v, .last = STRBUF_INIT };
	find_init(&l->find, v->t);
}

void
findline_release(struct findline *l)
{
	find_release(&l->find);
	strbuf_release(&l->last);
}

void
findline_open(struct findline *l)
{
	l->origin = view_mark(l->view);
	l->anchored = false;
	l->open = true;
	find_set(&l->find, "", 0);
	l->view->find = &l->find;
}

void
findline_close(struct findline *l, bool back)
{
	if (l->find.words.len) {
		strbuf_reset(&l->last);
		strbuf_add(&l->last, l->find.words.s, l->find.words.len);
	}
	if (back)
		view_return(l->view, &l->origin);
	else
		view_let_go(l->view);
	l->view->find = NULL;
	l->open = false;
	find_release(&l->find);
}

/* ---- the match one is at --------------------------------------------------------------------- */

static void
choose_near_anchor(struct findline *l)
{
	bool there = view_locate(l->view->t, &l->anchor);

	find_near(&l->find, l->anchor.index, there ? l->anchor.offset : 0);
}

static void
reveal(struct findline *l)
{
	struct flow_range at;
	size_t entry;

	if (find_current(&l->find, &entry, &at))
		view_reveal(l->view, entry, at.start);
}

static void
search(struct findline *l, const char *words, size_t len)
{
	if (!l->anchored)
		l->anchor = view_bottom(l->view);
	l->anchored = true;
	find_set(&l->find, words, len);
	choose_near_anchor(l);
	if (len)
		reveal(l);
	else
		view_return(l->view, &l->origin);
}

static void
step(struct findline *l, int by)
{
	struct flow_range at;
	size_t entry;

	if (!l->find.words.len && l->last.len) {
		search(l, l->last.s, l->last.len);
		return;
	}
	find_update(&l->find);
	find_step(&l->find, by);
	if (!find_current(&l->find, &entry, &at))
		return;
	l->anchor = (struct view_place){ l->view->t->items[entry].id, entry, VIEW_TEXT,
		(size_t)at.start + 1 };
	l->anchored = true;
	reveal(l);
}

void
findline_scrolled(struct findline *l)
{
	l->anchored = false;
}

void
findline_to_end(struct findline *l)
{
	l->origin.follow = true;
	if (!l->view->held)
		view_to_end(l->view);
}

void
findline_resized(struct findline *l)
{
	findline_update(l);
	if (l->anchored)
		reveal(l);
}

void
findline_update(struct findline *l)
{
	find_update(&l->find);
	if (l->find.current == FIND_NONE && l->find.n_matches)
		choose_near_anchor(l);
}

/* ---- the words ------------------------------------------------------------------------------- */

static void
add(struct findline *l, const char *text, size_t n)
{
	struct strbuf words = STRBUF_INIT;

	n = typed_fits(&l->find.words, text, n, WORDS_MAX);
	if (!n)
		return;
	strbuf_add(&words, l->find.words.s, l->find.words.len);
	strbuf_add(&words, text, n);
	search(l, words.s, words.len);
	strbuf_release(&words);
}

static void
cut(struct findline *l, size_t len)
{
	struct strbuf words = STRBUF_INIT;

	if (len == l->find.words.len)
		return;
	strbuf_add(&words, l->find.words.s, len);
	search(l, words.s, words.len);
	strbuf_release(&words);
}

void
findline_text(struct findline *l, const char *text)
{
	text += strspn(text, "\n");
	add(l, text, strcspn(text, "\n"));
}

/* ---- keys ------------------------------------------------------------------------------------ */

enum command { OLDER, NEWER, STAY, BACK, NONE };

static enum command
command_of(struct key key)
{
	static const struct {
		struct key key;
		enum command command;
	} table[] = {
		{ { SYM_UP, 0 }, OLDER },
		{ { 'p', KEY_CTRL }, OLDER },
		{ { SYM_DOWN, 0 }, NEWER },
		{ { 'n', KEY_CTRL }, NEWER },
		{ { SYM_ENTER, 0 }, STAY },
		{ { 'j', KEY_CTRL }, STAY },
		{ { SYM_ESC, 0 }, BACK },
		{ { 'c', KEY_CTRL }, BACK },
		{ { 'g', KEY_CTRL }, BACK },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (key_equal(table[i].key, key))
			return table[i].command;
	return NONE;
}

enum findline_key
findline_key(struct findline *l, struct key k, bool again)
{
	char text[4];
	size_t left;

	if (key_is_text(k)) {
		add(l, text, utf8_encode(k.sym, text));
		return FINDLINE_DONE;
	}
	if (typed_erases(&l->find.words, k, &left)) {
		cut(l, left);
		return FINDLINE_DONE;
	}
	switch (command_of(k)) {
	case OLDER:
		step(l, -1);
		return FINDLINE_DONE;
	case NEWER:
		step(l, 1);
		return FINDLINE_DONE;
	case STAY:
		return FINDLINE_STAY;
	case BACK:
		return FINDLINE_BACK;
	case NONE:
		break;
	}
	if (!again)
		return FINDLINE_ACTION;
	step(l, -1);
	return FINDLINE_DONE;
}

/* ---- drawing --------------------------------------------------------------------------------- */

/* "3 of 17" at the right; returns where it begins. */
static int
draw_count(const struct findline *l, struct canvas *c, struct rect r)
{
	const struct find *f = &l->find;
	char count[64] = "";
	struct pen p;
	int cells, right = r.col + r.cols;

	if (f->n_matches)
		snprintf(count, sizeof count, "%zu of %zu", f->current + 1, f->n_matches);
	else if (f->words.len)
		snprintf(count, sizeof count, "%s", nothing);
	cells = wrap_width(count, strlen(count));
	if (!cells || cells + WORDS_COLS > r.cols)
		return right;
	p = pen_at(c, r.row, right - cells, right);
	pen_str(&p, canvas_style(c, f->n_matches ? STYLE_status : STYLE_error), count);
	return right - cells - 1;
}

void
findline_draw(const struct findline *l, struct canvas *c, struct rect r, int *row, int *col)
{
	struct style input = canvas_style(c, STYLE_input);
	const char *s = l->find.words.s;
	size_t n = l->find.words.len, len;
	int right, cells;
	struct pen p;

	canvas_clear(c, r, input);
	right = draw_count(l, c, r);
	p = pen_at(c, r.row, r.col, right);
	if (right - r.col >= (int)strlen(prompt) + WORDS_COLS)
		pen_str(&p, canvas_style(c, STYLE_prompt), prompt);
	p.left = p.col;
	cells = wrap_width(s, n);
	while (n && cells > right - p.col - 1) {	/* their end is what is being typed */
		cells -= wrap_cells(s, n, 0, &len);
		s += len;
		n -= len;
	}
	pen_text(&p, input, s, n);
	*row = r.row;
	*col = p.col < r.col + r.cols ? p.col : r.col + r.cols - 1;
	if (!l->find.words.len)
		pen_clipped(&p, canvas_style(c, STYLE_placeholder), usage, strlen(usage), right - p.col);
}
