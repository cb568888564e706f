#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "ui/markup.h"
#include "ui/wrap.h"

/* ---- blocks ---------------------------------------------------------------------------------- */

enum { TAB_STOP = 4 };

static size_t
count_blanks(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && (s[i] == ' ' || s[i] == '\t'))
		i++;
	return i;
}

static size_t
count_run(const char *s, size_t n, char c)
{
	size_t i = 0;

	while (i < n && s[i] == c)
		i++;
	return i;
}

/* Length of the fence that the line is (after its indentation), 0: none. */
static size_t
fence_run(const char *s, size_t n)
{
	size_t run = n && (*s == '`' || *s == '~') ? count_run(s, n, *s) : 0;

	if (run < 3 || run > UINT16_MAX || (*s == '`' && memchr(s + run, '`', n - run)))
		return 0;
	return run;
}

/* Bytes of the blanks that reach up to a column, at most; *column: where they end. */
static size_t
blanks_up_to(const char *s, size_t n, size_t limit, size_t *column)
{
	size_t i = 0, next;

	for (*column = 0; i < n && (s[i] == ' ' || s[i] == '\t'); i++) {
		next = s[i] == ' ' ? *column + 1 : (*column / TAB_STOP + 1) * TAB_STOP;
		if (next > limit)
			break;
		*column = next;
	}
	return i;
}

/* A fence may have any indentation, since in a list it has that of its item. */
static bool
opens_fence(struct markup *m, const char *s, size_t n, size_t column)
{
	size_t run = fence_run(s, n);

	if (!run || column > UINT16_MAX)
		return false;
	*m = (struct markup){ true, *s, (uint16_t)run, (uint16_t)column };
	return true;
}

/* The fence that closes has at most three columns more than the one that opened. */
static bool
in_fence(struct markup *m, const char *s, size_t n, size_t column, struct markup_line *line)
{
	size_t run = fence_run(s, n);

	if (m->fenced) {
		bool closes = run >= m->fence_len && *s == m->fence && column <= m->fence_indent + 3u &&
			      run + count_blanks(s + run, n - run) == n;

		line->block = closes ? MARKUP_FENCE : MARKUP_CODE;
		m->fenced = !closes;
		return true;
	}
	if (!opens_fence(m, s, n, column))
		return false;
	line->block = MARKUP_FENCE;
	return true;
}

static bool
is_rule(const char *s, size_t n)
{
	size_t marks = 0;

	if (!n || !strchr("-*_", *s))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == *s)
			marks++;
		else if (s[i] != ' ' && s[i] != '\t')
			return false;
	}
	return marks >= 3;
}

/* Bytes of a list marker with the blanks after it, 0: none. */
static size_t
item_marker(const char *s, size_t n)
{
	size_t i = 0, blanks;

	if (n && strchr("-*+", *s)) {
		i = 1;
	} else {
		while (i < n && i < 9 && s[i] >= '0' && s[i] <= '9')
			i++;
		if (!i || i == n || (s[i] != '.' && s[i] != ')'))
			return 0;
		i++;
	}
	blanks = count_blanks(s + i, n - i);
	return blanks || i == n ? i + blanks : 0;
}

static size_t
quote_marker(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && s[i] == '>')
		i += 1 + count_blanks(s + i + 1, n - i - 1);
	return i;
}

size_t
markup_code_indent(const struct markup *m, const char *s, size_t n)
{
	size_t column;

	return blanks_up_to(s, n, m->fence_indent, &column);
}

void
markup_plain_line(const char *s, size_t n, struct markup_line *line)
{
	*line = (struct markup_line){ MARKUP_TEXT, count_blanks(s, n), 0 };
	line->hang = wrap_width(s, line->marker);
}

void
markup_line(struct markup *m, const char *s, size_t n, struct markup_line *line)
{
	size_t column, indent = blanks_up_to(s, n, UINT16_MAX, &column), hashes, marker;

	markup_plain_line(s, n, line);
	if (in_fence(m, s + indent, n - indent, column, line)) {
		line->marker = 0;
		line->hang = 0;
		return;
	}
	s += indent;
	n -= indent;
	hashes = count_run(s, n, '#');
	if (hashes >= 1 && hashes <= 6 && (hashes == n || s[hashes] == ' ')) {
		line->block = MARKUP_HEADING;
		line->marker = indent + hashes + count_blanks(s + hashes, n - hashes);
		return;
	}
	if (is_rule(s, n)) {
		line->block = MARKUP_RULE;
		return;
	}
	if (n && *s == '|') {
		line->block = MARKUP_TABLE;
		return;
	}
	marker = quote_marker(s, n);
	line->block = marker ? MARKUP_QUOTE : MARKUP_TEXT;
	if (!marker && (marker = item_marker(s, n))) {
		line->block = MARKUP_ITEM;
		opens_fence(m, s + marker, n - marker, column + marker);
	}
	line->marker += marker;
	line->hang += wrap_width(s, marker);
}

/* ---- spans ----------------------------------------------------------------------------------- */

enum { OPENERS_MAX = 32, TICKS_MAX = 32 };

/* A line while its spans are looked for: a set of bits for each byte. */
struct inline_scan {
	const char *s;
	size_t n;
	uint8_t *bits;
	struct opener {
		size_t pos, len;
		char c;
	} openers[OPENERS_MAX];
	int nopeners;
	bool no_closing_ticks[TICKS_MAX];	/* by length: searched for once, and none is left */
};

static void
paint(struct inline_scan *in, size_t from, size_t to, unsigned bits)
{
	while (from < to)
		in->bits[from++] |= (uint8_t)bits;
}

static bool
is_punct(char c)
{
	return (c > ' ' && c < '0') || (c > '9' && c < 'A') || (c > 'Z' && c < 'a') ||
	       (c > 'z' && c < 0x7f);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\0';
}

/* `code`: from the ticks at i to the next ticks of the same number. Returns where to go on. */
static size_t
scan_code(struct inline_scan *in, size_t i)
{
	size_t run = count_run(in->s + i, in->n - i, '`'), k = i + run, close;

	if (run >= TICKS_MAX || in->no_closing_ticks[run])
		return i + run;
	while (k < in->n) {
		if (in->s[k] != '`') {
			k++;
			continue;
		}
		close = count_run(in->s + k, in->n - k, '`');
		if (close == run) {
			paint(in, i, k + run, SPAN_CODE);
			paint(in, i, i + run, SPAN_MARK);
			paint(in, k, k + run, SPAN_MARK);
			return k + run;
		}
		k += close;
	}
	in->no_closing_ticks[run] = true;
	return i + run;
}

/* Pairs a run that may close with the openers before it, the nearest first. Returns what is left of
 * it. */
static size_t
close_emphasis(struct inline_scan *in, char c, size_t pos, size_t len)
{
	int o = in->nopeners - 1;

	while (len && o >= 0) {
		struct opener *open = &in->openers[o];
		size_t use;

		if (open->c != c) {
			o--;
			continue;
		}
		use = open->len >= 2 && len >= 2 ? 2 : 1;
		paint(in, open->pos + open->len, pos, use == 2 ? SPAN_STRONG : SPAN_EMPHASIS);
		paint(in, open->pos + open->len - use, open->pos + open->len, SPAN_MARK);
		paint(in, pos, pos + use, SPAN_MARK);
		open->len -= use;
		pos += use;
		len -= use;
		in->nopeners = o + (open->len > 0);
		if (!open->len)
			o--;
	}
	return len;
}

/* *emphasis* and **strong**, by the flanking rules of CommonMark 6.2. */
static size_t
scan_emphasis(struct inline_scan *in, size_t i)
{
	char c = in->s[i], before = i ? in->s[i - 1] : ' ', after;
	size_t run = count_run(in->s + i, in->n - i, c), end = i + run, left;
	bool opens, closes;

	after = end < in->n ? in->s[end] : ' ';
	opens = !is_space(after) && (!is_punct(after) || is_space(before) || is_punct(before));
	closes = !is_space(before) && (!is_punct(before) || is_space(after) || is_punct(after));
	if (c == '_' && opens && closes) {
		opens = is_punct(before);
		closes = is_punct(after);
	}
	left = closes ? close_emphasis(in, c, i, run) : run;
	if (opens && left && in->nopeners < OPENERS_MAX)
		in->openers[in->nopeners++] = (struct opener){ end - left, left, c };
	return end;
}

static void
scan_inline(struct inline_scan *in)
{
	size_t i = 0;

	while (i < in->n) {
		char c = in->s[i];

		if (c == '\\' && i + 1 < in->n && is_punct(in->s[i + 1]))
			i += 2;
		else if (c == '`')
			i = scan_code(in, i);
		else if (c == '*' || c == '_')
			i = scan_emphasis(in, i);
		else
			i++;
	}
}

static void
spans_add(struct spans *out, size_t start, size_t len, unsigned bits)
{
	VEC_ROOM(out->items, out->n, out->cap);
	out->items[out->n++] = (struct span){ start, len, bits };
}

void
markup_spans(const struct markup_line *line, const char *s, size_t n, struct spans *out)
{
	bool verbatim = line->block == MARKUP_CODE || line->block == MARKUP_FENCE ||
			line->block == MARKUP_RULE;
	bool list = line->block == MARKUP_ITEM || line->block == MARKUP_QUOTE;
	size_t from = line->marker < n ? line->marker : n;
	struct inline_scan in = { .s = s + from, .n = n - from };

	out->n = 0;
	if (verbatim) {
		spans_add(out, 0, n, line->block == MARKUP_CODE ? SPAN_CODE : SPAN_MARK);
		return;
	}
	if (from)
		spans_add(out, 0, from,
			list                            ? SPAN_BULLET
			: line->block == MARKUP_HEADING ? SPAN_MARK
							: 0);
	in.bits = xcalloc(in.n, 1);
	scan_inline(&in);
	for (size_t i = 0, k; i < in.n; i = k) {
		for (k = i + 1; k < in.n && in.bits[k] == in.bits[i]; k++)
			continue;
		spans_add(out, from + i, k - i, in.bits[i]);
	}
	free(in.bits);
}

void
spans_release(struct spans *s)
{
	free(s->items);
	*s = (struct spans){ NULL, 0, 0 };
}
