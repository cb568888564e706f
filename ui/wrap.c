#include "config.h"

#include "base/utf8.h"
#include "ui/wrap.h"

void
wrap_init(struct wrap *w, const char *s, size_t n, int first, int rest, unsigned flags)
{
	*w = (struct wrap){
		.s = s, .n = n,
		.width = first < 1 ? 1 : first,
		.rest = rest < 1 ? 1 : rest,
		.flags = flags,
	};
}

int
wrap_cells(const char *s, size_t n, int col, size_t *len)
{
	unsigned char c = *s;
	int cells;

	if (c >= 0x20 && c < 0x7f && (n == 1 || (unsigned char)s[1] < 0x80)) {	/* most text */
		*len = 1;
		return 1;
	}
	if (c == '\t') {
		*len = 1;
		return WRAP_TAB - col % WRAP_TAB;
	}
	*len = utf8_cluster(s, n, &cells);
	return c < 0x20 || c == 0x7f ? 1 : cells;
}

int
wrap_width(const char *s, size_t n)
{
	int col = 0;
	size_t len;

	for (size_t i = 0; i < n; i += len)
		col += wrap_cells(s + i, n - i, col, &len);
	return col;
}

static bool
in_list(const uint16_t *list, uint32_t cp)
{
	while (*list && *list != cp)
		list++;
	return *list;
}

/* Characters that must not begin a row (closing marks, small kana) or end one (opening marks). */
static bool
must_not_begin(uint32_t cp)
{
	static const uint16_t list[] = {
		'!', '%', ')', ',', '.', ':', ';', '?', ']', '}', 0x2019, 0x201d, 0x2026, 0x3001,
		0x3002, 0x3005, 0x3009, 0x300b, 0x300d, 0x300f, 0x3011, 0x3015, 0x301c, 0x3041,
		0x3043, 0x3045, 0x3047, 0x3049, 0x3063, 0x3083, 0x3085, 0x3087, 0x30a1, 0x30a3,
		0x30a5, 0x30a7, 0x30a9, 0x30c3, 0x30e3, 0x30e5, 0x30e7, 0x30fb, 0x30fc, 0xff01,
		0xff05, 0xff09, 0xff0c, 0xff0e, 0xff1a, 0xff1b, 0xff1f, 0xff3d, 0xff5d, 0xff61, 0,
	};

	return in_list(list, cp);
}

static bool
must_not_end(uint32_t cp)
{
	static const uint16_t list[] = {
		'(', '[', '{', 0x2018, 0x201c, 0x3008, 0x300a, 0x300c, 0x300e, 0x3010, 0x3014,
		0xff08, 0xff3b, 0xff5b, 0,
	};

	return in_list(list, cp);
}

/* A blank by itself: one that carries an accent is text. */
static bool
is_blank(const struct wrap *w, size_t pos)
{
	size_t len;

	if (w->s[pos] == '\t')
		return true;
	if (w->s[pos] != ' ')
		return false;
	wrap_cells(w->s + pos, w->n - pos, 0, &len);
	return len == 1;
}

static bool
is_word(uint32_t cp)
{
	return (cp >= '0' && cp <= '9') || ((cp | 32) >= 'a' && (cp | 32) <= 'z') || cp >= 0xc0;
}

/* Whether the cluster is a wide character: two cells can also be a letter and a sign beside it. */
static bool
is_wide(const char *s, size_t n)
{
	uint32_t cp;
	int cells;

	utf8_cluster(s, utf8_decode(s, n, &cp), &cells);
	return cells == 2;
}

/* One cluster of the row that is being filled, and the two before it as far as breaking goes. */
struct wrap_at {
	uint32_t before, prev, cp;
	bool prev_wide, wide;
};

/* Whether a row may end in front of the cluster although there is no blank. */
static bool
may_break(const struct wrap_at *at)
{
	if (!at->prev)
		return false;
	if (at->prev_wide || at->wide)
		return !must_not_begin(at->cp) && !must_not_end(at->prev);
	if (at->prev == '-')
		return is_word(at->before) && is_word(at->cp) && !(at->cp >= '0' && at->cp <= '9');
	return at->prev == 0x2014 && is_word(at->cp);	/* em dash */
}

/* Ends the row at `end` and has the next one begin at `next`. */
static bool
end_row(struct wrap *w, struct wrap_row *row, size_t end, size_t next, int cells)
{
	row->start = w->pos;
	row->len = end - w->pos;
	row->cells = cells;
	w->pos = next;
	w->width = w->rest;
	w->done = next == w->n;
	return true;
}

/* The cluster at pos has no room in the row: where does the row end? */
static bool
overflow(struct wrap *w, struct wrap_row *row, size_t pos, int col, size_t brk, size_t brk_next,
	int brk_cells)
{
	size_t next = pos, len;

	bool blank = is_blank(w, pos);

	if (blank && !w->flags) {
		while (next < w->n && is_blank(w, next))
			next++;
		if (brk_next == pos && pos > w->pos)	/* in the middle of a run of blanks */
			return end_row(w, row, brk, next, brk_cells);
		return end_row(w, row, pos, next, col);
	}
	if (brk_next > w->pos && !(w->flags & WRAP_CHARS) && !blank)
		return end_row(w, row, brk, brk_next, brk_cells);
	if (pos == w->pos) {	/* wider than the whole row */
		wrap_cells(w->s + pos, w->n - pos, 0, &len);
		return end_row(w, row, pos + len, pos + len, w->width);
	}
	return end_row(w, row, pos, pos, col);
}

bool
wrap_next(struct wrap *w, struct wrap_row *row)
{
	size_t pos = w->pos, len, brk = pos, brk_next = pos;
	int col = 0, cells, brk_cells = 0;
	struct wrap_at at = { 0 };
	bool text = false;

	if (w->done)
		return false;
	for (; pos < w->n; pos += len, col += cells) {
		bool blank = is_blank(w, pos);

		cells = wrap_cells(w->s + pos, w->n - pos, col, &len);
		at.before = at.prev;
		at.prev = at.cp;
		at.prev_wide = at.wide;
		at.cp = (unsigned char)w->s[pos];
		if (at.cp >= 0x80)
			utf8_decode(w->s + pos, w->n - pos, &at.cp);
		at.wide = cells >= 2 && at.cp >= 0x80 && is_wide(w->s + pos, len);
		if (!blank && may_break(&at) && !(at.prev == ' ' || at.prev == '\t')) {
			brk = brk_next = pos;
			brk_cells = col;
		}
		if (col + cells > w->width)
			return overflow(w, row, pos, col, brk, brk_next, brk_cells);
		if (blank && (w->flags & WRAP_KEEP)) {
			brk = brk_next = pos + len;
			brk_cells = col + cells;
		} else if (blank && text) {
			if (brk_next != pos) {
				brk = pos;
				brk_cells = col;
			}
			brk_next = pos + len;
		}
		text |= !blank;
	}
	return end_row(w, row, pos, pos, col);
}
