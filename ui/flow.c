#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "ui/flow.h"
#include "ui/wrap.h"

enum { CONTINUED = 2 };		/* cells of the mark in front of what goes on of a line of code */

#define NO_PARA ((size_t)-1)

void
flow_release(struct flow *f)
{
	free(f->rows);
	free(f->paras);
	spans_release(&f->spans);
	memset(f, 0, sizeof *f);
}

/* Cells in front of the second column of "  name   what it is"; 0: the line has none. Prose does not
 * begin with blanks. */
static int
second_column(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && s[i] == ' ')
		i++;
	if (i < 2)
		return 0;
	while (i + 1 < n && !(s[i] == ' ' && s[i + 1] == ' '))
		i++;
	while (i < n && s[i] == ' ')
		i++;
	return i + 1 < n ? wrap_width(s, i) : 0;
}

static bool
is_code(enum markup_block block)
{
	return block == MARKUP_CODE || block == MARKUP_FENCE;
}

/* Lines whose breaks are their author's: ours are to be seen. */
static bool
is_set(enum markup_block block)
{
	return is_code(block) || block == MARKUP_TABLE;
}

static int
width_of(const struct flow_shape *shape, const struct markup_line *line)
{
	return is_set(line->block) && shape->wide > shape->width ? shape->wide : shape->width;
}

static int
hang_of(const struct flow_shape *shape, const struct markup_line *line, const char *s, size_t n)
{
	int column = shape->columns ? second_column(s, n) : 0;
	int hang = is_set(line->block) ? CONTINUED : line->hang;

	if (column && column <= shape->width / 2)
		return column;
	return hang <= shape->width / 2 ? hang : 0;
}

/* Rows of one paragraph; `m` is what it inherits, and then what it leaves behind. */
static void
wrap_para(struct flow *f, const char *text, size_t start, size_t len, struct markup *m)
{
	int lead = f->n ? 0 : f->shape.lead, hang, width;
	struct markup before = *m;
	struct markup_line line;
	struct wrap_row row;
	struct wrap w;
	bool first = true;

	if (f->shape.markup)
		markup_line(m, text + start, len, &line);
	else
		markup_plain_line(text + start, len, &line);
	VEC_ROOM(f->paras, f->nparas, f->paracap);
	f->paras[f->nparas++] =
		(struct flow_para){ (uint32_t)start, (uint32_t)len, (uint32_t)f->n, before };
	width = width_of(&f->shape, &line);
	hang = hang_of(&f->shape, &line, text + start, len);
	wrap_init(&w, text + start, len, width - lead, width - hang,
		is_code(line.block) ? WRAP_CHARS : 0);
	while (wrap_next(&w, &row)) {
		VEC_ROOM(f->rows, f->n, f->cap);
		f->rows[f->n++] = (struct flow_row){
			.start = (uint32_t)(start + row.start),
			.len = (uint32_t)row.len,
			.para = (uint32_t)f->nparas - 1,
			.indent = (uint16_t)(first ? lead : hang),
		};
		first = false;
	}
}

size_t
flow_wrap(struct flow *f, struct flow_shape shape, unsigned generation, const char *text, size_t n)
{
	bool same = f->valid && f->generation == generation &&
		    f->shape.width == shape.width && f->shape.wide == shape.wide &&
		    f->shape.lead == shape.lead && f->shape.markup == shape.markup &&
		    f->shape.columns == shape.columns && n >= f->text_len;
	struct markup m = { 0 };
	size_t start = 0, made;

	while (n && (text[n - 1] == '\n' || text[n - 1] == ' '))
		n--;
	if (same && f->text_len == n)
		return 0;
	if (same && n >= f->text_len && f->nparas > 1) {
		struct flow_para *last = &f->paras[--f->nparas];

		start = last->start;
		m = last->before;
		f->n = last->row;
	} else {
		f->n = f->nparas = 0;
		while (start < n && text[start] == '\n')
			start++;
	}
	made = f->n;
	f->shape = shape;
	f->generation = generation;
	f->text_len = n;
	f->valid = true;
	f->spans_para = NO_PARA;
	assert(n < UINT32_MAX);
	for (;;) {
		const char *nl = memchr(text + start, '\n', n - start);
		size_t len = nl ? (size_t)(nl - text) - start : n - start;

		wrap_para(f, text, start, len, &m);
		if (!nl)
			break;
		start += len + 1;
	}
	return f->n - made;
}

size_t
flow_row_of(const struct flow *f, size_t offset)
{
	size_t low = 0, high = f->n;

	while (low < high) {	/* the first row that begins after it */
		size_t mid = low + (high - low) / 2;

		if (f->rows[mid].start <= offset)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? low - 1 : 0;
}

static struct style
span_style(const struct flow *f, const struct canvas *c, unsigned bits, struct style base)
{
	static const struct {
		unsigned bit;
		enum style_slot slot;
	} slots[] = {
		{ SPAN_BULLET, STYLE_bullet }, { SPAN_EMPHASIS, STYLE_emphasis },
		{ SPAN_STRONG, STYLE_strong }, { SPAN_CODE, STYLE_code },
	};

	if (f->spans_line.block == MARKUP_HEADING)
		base = style_over(base, c->sheet.slot[STYLE_heading]);
	if (f->spans_line.block == MARKUP_QUOTE)
		base = style_over(base, c->sheet.slot[STYLE_quote]);
	if (f->spans_line.block == MARKUP_FENCE)
		base = style_over(base, c->sheet.slot[STYLE_code]);
	for (size_t i = 0; i < sizeof slots / sizeof *slots; i++)
		if (bits & slots[i].bit)
			base = style_over(base, c->sheet.slot[slots[i].slot]);
	if (bits & SPAN_MARK) {		/* present, but not in the way of reading */
		base.attr &= ~(unsigned)(STYLE_BOLD | STYLE_UNDERLINE | STYLE_ITALIC);
		base.attr |= STYLE_DIM;
	}
	return base;
}

/* Finds out the spans of a paragraph, if they are not those at hand. */
static void
load_spans(struct flow *f, const char *text, size_t para)
{
	const struct flow_para *p = &f->paras[para];
	struct markup m = p->before;

	if (f->spans_para == para)
		return;
	f->spans_para = para;
	markup_line(&m, text + p->start, p->len, &f->spans_line);
	markup_spans(&f->spans_line, text + p->start, p->len, &f->spans);
}

/* The blanks in front of a row, or the mark of a line that goes on. */
static void
draw_indent(struct flow *f, size_t row, struct pen *pen, struct style base, int cells)
{
	const struct flow_row *r = &f->rows[row];
	bool marked = f->shape.markup && is_set(f->spans_line.block) && row > f->paras[r->para].row;

	if (marked && r->indent) {
		unsigned bits = SPAN_MARK | (is_code(f->spans_line.block) ? SPAN_CODE : 0);

		base = span_style(f, pen->c, bits, base);
		pen_str(pen, base, pen->c->marks->continued);
		cells--;
	}
	pen_repeat(pen, base, " ", cells);
}

/* ---- what stands out ------------------------------------------------------------------------- */

enum light { UNLIT, LIT, LIT_MOST };

/* How the bytes from..to stand out; *i is the first range that does not end before them. */
static enum light
light_of(const struct flow_lit *lit, size_t *i, size_t from, size_t to)
{
	enum light light = UNLIT;

	while (*i < lit->n && (size_t)lit->items[*i].start + lit->items[*i].len <= from)
		++*i;
	for (size_t k = *i; k < lit->n && lit->items[k].start < to; k++)
		light = k == lit->current || light == LIT_MOST ? LIT_MOST : LIT;
	return light;
}

/* What would not be seen in what is there, as a line under a heading that has one, is reversed. */
static struct style
light_style(const struct canvas *c, enum light light, struct style base)
{
	struct style s = style_over(base, c->sheet.slot[light == LIT ? STYLE_match : STYLE_selected]);

	if (light == LIT_MOST)
		s.attr = c->sheet.slot[STYLE_selected].attr | STYLE_BOLD;
	else if (s.fg == base.fg && s.bg == base.bg && s.attr == base.attr)
		s.attr ^= STYLE_REVERSE;
	return s;
}

/* The first range that does not end before the byte. */
static size_t
first_lit(const struct flow_lit *lit, size_t from)
{
	size_t low = 0, high = lit->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if ((size_t)lit->items[mid].start + lit->items[mid].len <= from)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Bytes of the text in one look but for those that stand out, which begin with range *i or after it. */
static void
draw_piece(struct pen *pen, struct style s, const char *text, size_t from, size_t to,
	const struct flow_lit *lit, size_t *i)
{
	while (from < to) {
		enum light light = UNLIT, next = UNLIT;
		size_t end = from, len;

		if (*i >= lit->n || lit->items[*i].start >= to) {
			pen_text(pen, s, text + from, to - from);
			return;
		}
		do {
			wrap_cells(text + end, to - end, 0, &len);
			next = light_of(lit, i, end, end + len);
			light = end == from ? next : light;
			end += next == light ? len : 0;
		} while (end < to && next == light);
		pen_text(pen, light == UNLIT ? s : light_style(pen->c, light, s), text + from,
			end - from);
		from = end;
	}
}

void
flow_draw(struct flow *f, const char *text, size_t row, struct pen *pen, struct style base,
	struct flow_lit lit)
{
	const struct flow_row *r = &f->rows[row];
	size_t from, to, para_start = f->paras[r->para].start, next = first_lit(&lit, r->start);
	int indent = pen->col - pen->left < r->indent ? r->indent - (pen->col - pen->left) : 0;

	if (f->shape.markup)
		load_spans(f, text, r->para);
	draw_indent(f, row, pen, base, indent);
	pen->left = pen->col;	/* tab stops count from where the text begins */
	if (!f->shape.markup) {
		draw_piece(pen, base, text, r->start, r->start + r->len, &lit, &next);
		return;
	}
	from = r->start - para_start;
	to = from + r->len;
	for (size_t i = 0; i < f->spans.n; i++) {
		const struct span *s = &f->spans.items[i];
		size_t a = s->start > from ? s->start : from;
		size_t b = s->start + s->len < to ? s->start + s->len : to;

		if (a < b)
			draw_piece(pen, span_style(f, pen->c, s->bits, base), text, para_start + a,
				para_start + b, &lit, &next);
	}
	if (is_code(f->spans_line.block)) {
		struct style code = style_over(base, pen->c->sheet.slot[STYLE_code]);

		if (code.bg != base.bg)		/* a block of its own colour reaches to the edge */
			pen_fill(pen, code);
	}
}
