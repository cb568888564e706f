#include "config.h"

#include <curses.h>
#include <langinfo.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "base/utf8.h"
#include "ui/canvas.h"
#include "ui/wrap.h"

enum { COMBINING_MAX = CCHARW_MAX - 1 };

void
canvas_init(struct canvas *c, bool true_color)
{
	*c = (struct canvas){ .ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0 };
	c->marks = c->ascii ? &marks_ascii : &marks_unicode;
	palette_init(&c->palette, true_color);
	c->win = newwin(0, 0, 0, 0);
	if (c->win)
		getmaxyx((WINDOW *)c->win, c->rows, c->cols);
	canvas_set_sheet(c, &style_sheet_mono);
}

void
canvas_release(struct canvas *c)
{
	if (c->win)
		delwin(c->win);
	palette_release(&c->palette);
	c->win = NULL;
}

void
canvas_resize(struct canvas *c, int rows, int cols)
{
	wresize(c->win, rows, cols);
	c->rows = rows;
	c->cols = cols;
}

void
canvas_set_sheet(struct canvas *c, const struct style_sheet *s)
{
	c->sheet = *s;
	c->base = s->slot[STYLE_text];
	c->base.attr = 0;
	palette_reset(&c->palette);
}

struct style
canvas_style(const struct canvas *c, enum style_slot slot)
{
	return style_over(c->base, c->sheet.slot[slot]);
}

/* ---- cells ----------------------------------------------------------------------------------- */

/* Characters without width that change how a terminal joins or orders its cells: they stay out. */
static bool
is_joiner(uint32_t cp)
{
	return (cp >= 0x200b && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
	       (cp >= 0x2060 && cp <= 0x206f) || (cp >= 0xfe00 && cp <= 0xfe0f) || cp == 0xfeff ||
	       cp >= 0xe0000;
}

/* The nearest in ASCII. */
static uint32_t
to_ascii(uint32_t cp)
{
	static const struct {
		uint16_t cp;
		char ascii;
	} table[] = {
		{ 0xa0, ' ' },
		{ 0xb0, 'o' },
		{ 0xb7, '-' },
		{ 0xd7, 'x' },
		{ 0x2010, '-' },
		{ 0x2011, '-' },
		{ 0x2012, '-' },
		{ 0x2013, '-' },
		{ 0x2014, '-' },
		{ 0x2018, '\'' },
		{ 0x2019, '\'' },
		{ 0x201c, '"' },
		{ 0x201d, '"' },
		{ 0x2022, '*' },
		{ 0x2026, '~' },
		{ 0x2039, '<' },
		{ 0x203a, '>' },
		{ 0x2212, '-' },
	};

	for (size_t i = 0; cp >= 0x7f && i < sizeof table / sizeof *table; i++)
		if (table[i].cp == cp)
			return (uint32_t)table[i].ascii;
	return cp < 0x7f ? cp : '?';
}

static void
put_cell(struct canvas *c, int row, int col, struct style s, const wchar_t *w)
{
	unsigned long attr;
	cchar_t cell;
	int pair;

	palette_get(&c->palette, s, &attr, &pair);
	if (setcchar(&cell, w, attr, 0, &pair) == OK)
		mvwadd_wch(c->win, row, col, &cell);
}

/* The cells at both ends may cut a wide character in two, which only adding a character mends. */
static void
put_blanks(struct canvas *c, int row, int col, struct style s, int n)
{
	unsigned long attr;
	cchar_t cell;
	int pair;

	if (n < 1)
		return;
	put_cell(c, row, col, s, L" ");
	put_cell(c, row, col + n - 1, s, L" ");
	palette_get(&c->palette, s, &attr, &pair);
	if (n > 2 && setcchar(&cell, L" ", attr, 0, &pair) == OK)
		mvwhline_set(c->win, row, col + 1, &cell, n - 2);
}

/*
 * Draws a cluster that base/utf8.h counts as `cells` wide. curses takes one character with a width,
 * and up to four without, a cell: of a joined emoji the first part is drawn, parts that stand side
 * by side (flags, letters, vowel signs with a width of their own) get cells of their own, and what
 * is left is blank.
 */
static void
put_cluster(
	struct canvas *c, int row, int col, struct style s, const char *text, size_t n, int cells)
{
	wchar_t w[COMBINING_MAX + 2] = L"";
	int filled = 0, count = 0, start = 0;
	bool joined = false;
	uint32_t cp;

	for (size_t i = 0, len; i < n; i += len) {
		int width;

		len = utf8_decode(text + i, n - i, &cp);
		if (cp < 0x20 || cp == 0x7f)
			cp = cp == 0x7f ? 0x2421 : 0x2400 + cp;
		joined |= cp == 0x200d;
		if (is_joiner(cp))
			continue;
		width = c->ascii ? 1 : wcwidth((wchar_t)cp);
		if (joined && width && !iswalpha((wint_t)cp))
			break;
		if (width < 0 || (width > cells && !filled)) {
			cp = 0xfffd;
			width = 1;
		}
		if (c->ascii)
			cp = to_ascii(cp);
		if (width == 0 && count && count <= COMBINING_MAX) {
			w[count++] = (wchar_t)cp;
			w[count] = L'\0';
		} else if (width > 0 && filled + width <= cells) {
			if (count)
				put_cell(c, row, col + start, s, w);
			start = filled;
			filled += width;
			w[0] = (wchar_t)cp;
			w[1] = L'\0';
			count = 1;
		}
	}
	if (count)
		put_cell(c, row, col + start, s, w);
	put_blanks(c, row, col + filled, s, cells - filled);
}

void
canvas_clear(struct canvas *c, struct rect r, struct style s)
{
	for (int row = r.row; row < r.row + r.rows && row < c->rows; row++)
		put_blanks(c, row, r.col, s, r.col + r.cols > c->cols ? c->cols - r.col : r.cols);
}

/* ---- pens ------------------------------------------------------------------------------------ */

struct pen
pen_at(struct canvas *c, int row, int left, int right)
{
	struct pen p = { c, row, left, left, right };

	if (p.right > c->cols)
		p.right = c->cols;
	if (row < 0 || row >= c->rows || left < 0)
		p.right = left;		/* nothing is drawn */
	return p;
}

void
pen_text(struct pen *p, struct style s, const char *text, size_t n)
{
	size_t len;

	for (size_t i = 0; i < n && p->col < p->right; i += len) {
		int cells = wrap_cells(text + i, n - i, p->col - p->left, &len);

		if (text[i] == '\t') {
			if (cells > p->right - p->col)
				cells = p->right - p->col;
			put_blanks(p->c, p->row, p->col, s, cells);
		} else if (p->col + cells > p->right) {
			pen_fill(p, s);		/* a wide character at the edge */
			return;
		} else if (cells) {
			put_cluster(p->c, p->row, p->col, s, text + i, len, cells);
		}
		p->col += cells;
	}
}

void
pen_str(struct pen *p, struct style s, const char *text)
{
	pen_text(p, s, text, strlen(text));
}

void
pen_repeat(struct pen *p, struct style s, const char *mark, int count)
{
	while (count-- > 0 && p->col < p->right)
		pen_str(p, s, mark);
}

void
pen_fill(struct pen *p, struct style s)
{
	if (p->col < p->right)
		put_blanks(p->c, p->row, p->col, s, p->right - p->col);
	if (p->col < p->right)
		p->col = p->right;
}

void
pen_clipped(struct pen *p, struct style s, const char *text, size_t n, int cells)
{
	if (cells > p->right - p->col)
		cells = p->right - p->col;
	if (cells <= 0)
		return;
	if (wrap_width(text, n) <= cells) {
		pen_text(p, s, text, n);
		return;
	}
	pen_text(p, s, text, utf8_clip(text, n, (size_t)cells - 1));
	pen_str(p, s, p->c->marks->ellipsis);
}

static void
box_row(struct canvas *c, struct rect r, int row, const char *left, const char *right,
	struct style s)
{
	struct pen p = pen_at(c, row, r.col, r.col + r.cols);

	pen_str(&p, s, left);
	pen_repeat(&p, s, c->marks->horizontal, r.cols - 2);
	pen_str(&p, s, right);
}

void
canvas_box(struct canvas *c, struct rect r, struct style line, struct style inside)
{
	const struct marks *m = c->marks;

	canvas_clear(c, r, inside);
	for (int row = r.row + 1; row < r.row + r.rows - 1; row++) {
		struct pen p = pen_at(c, row, r.col, r.col + r.cols);

		pen_str(&p, line, m->vertical);
		p = pen_at(c, row, r.col + r.cols - 1, r.col + r.cols);
		pen_str(&p, line, m->vertical);
	}
	box_row(c, r, r.row, m->top_left, m->top_right, line);
	if (r.rows > 1)
		box_row(c, r, r.row + r.rows - 1, m->bottom_left, m->bottom_right, line);
}

/* ---- reading back ---------------------------------------------------------------------------- */

/* The characters and looks of a cell; false for the second half of a wide character. */
static bool
read_cell(const struct canvas *c, int row, int col, wchar_t w[CCHARW_MAX + 1], attr_t *attr,
	int *pair)
{
	cchar_t cell;
	short unused;
	int y, x;

	getyx((WINDOW *)c->win, y, x);
	memset(w, 0, (CCHARW_MAX + 1) * sizeof *w);
	mvwin_wch(c->win, row, col, &cell);
	getcchar(&cell, w, attr, &unused, pair);
	wmove(c->win, y, x);
	return w[0];
}

void
canvas_read(const struct canvas *c, struct strbuf *out)
{
	for (int row = 0; row < c->rows; row++) {
		size_t end = out->len;
		int width;

		for (int col = 0; col < c->cols; col += width > 0 ? width : 1) {
			wchar_t w[CCHARW_MAX + 1];
			char utf8[4];
			attr_t attr;
			int pair;

			width = 1;
			if (!read_cell(c, row, col, w, &attr, &pair))
				continue;
			width = wcwidth(w[0]);
			for (int i = 0; w[i]; i++)
				strbuf_add(out, utf8, utf8_encode((uint32_t)w[i], utf8));
			if (w[0] != L' ')
				end = out->len;
		}
		strbuf_truncate(out, end);
		strbuf_addc(out, '\n');
	}
}

bool
canvas_cell(const struct canvas *c, int row, int col, struct style *out)
{
	wchar_t w[CCHARW_MAX + 1];
	attr_t attr;
	int pair;

	if (row < 0 || col < 0 || row >= c->rows || col >= c->cols)
		return false;
	read_cell(c, row, col, w, &attr, &pair);
	*out = palette_style(&c->palette, attr, pair);
	return true;
}
