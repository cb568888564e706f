#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/strbuf.h"
#include "base/utf8.h"
#include "ui/wrap.h"

/* The rows with '|' between them, blanks at breaks left out. */
static void
wrap_text(const char *s, size_t n, int first, int rest, unsigned flags, struct strbuf *out)
{
	struct wrap_row row;
	struct wrap w;

	wrap_init(&w, s, n, first, rest, flags);
	for (bool more = false; wrap_next(&w, &row); more = true) {
		if (more)
			strbuf_addc(out, '|');
		strbuf_add(out, s + row.start, row.len);
	}
}

static void
wrap__next__breaks_where_a_reader_would(void **state)
{
	static const struct {
		const char *text;
		int width;
		unsigned flags;
		const char *rows;
	} cases[] = {
		{ "", 5, 0, "" },
		{ "one two three", 7, 0, "one two|three" },
		{ "one two three", 8, 0, "one two|three" },
		{ "one   two", 4, 0, "one|two" },
		{ "one two", 3, 0, "one|two" },
		{ "abcdefgh", 3, 0, "abc|def|gh" },
		{ "a abcdefgh", 4, 0, "a|abcd|efgh" },
		{ "well-known thing", 6, 0, "well-|known|thing" },
		{ "x-1 y-2", 2, 0, "x-|1|y-|2" },
		{ "  indented text", 10, 0, "  indented|text" },
		{ "one ", 3, 0, "one" },
		{ "one two", 3, WRAP_KEEP, "one| |two" },
		{ "one two", 4, WRAP_KEEP, "one |two" },
		{ "one two", 4, WRAP_CHARS, "one |two" },
		{ "one two", 5, WRAP_CHARS, "one t|wo" },
		/* wide characters break anywhere, but not before a full stop or after a bracket */
		{ "\xe4\xb8\x96\xe7\x95\x8c\xe4\xb8\x96", 5, 0,
			"\xe4\xb8\x96\xe7\x95\x8c|\xe4\xb8\x96" },
		{ "\xe4\xb8\x96\xe7\x95\x8c\xe3\x80\x82", 4, 0,
			"\xe4\xb8\x96|\xe7\x95\x8c\xe3\x80\x82" },
		{ "\xe4\xb8\x96", 1, 0, "\xe4\xb8\x96" },
		/* but not letters with a sign beside them */
		{ "मुझे दिखाई", 7, 0, "मुझे|दिखाई" },
		{ "ab ทำน้ำ", 5, 0, "ab|ทำน้ำ" },
		{ "e\xcc\x81"
		  "e\xcc\x81"
		  "e",
			2, 0,
			"e\xcc\x81"
			"e\xcc\x81|e" },
		{ "a\tb", 9, WRAP_CHARS, "a\tb" },
		{ "a\tb", 8, WRAP_CHARS, "a\t|b" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct strbuf out = STRBUF_INIT;

		wrap_text(cases[i].text, strlen(cases[i].text), cases[i].width, cases[i].width,
			cases[i].flags, &out);
		assert_string_equal(out.s, cases[i].rows);
		strbuf_release(&out);
	}
}

/* ---- a slow reference ------------------------------------------------------------------------ */

static bool
blank(char c)
{
	return c == ' ';
}

static bool
letter(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || c >= 0xc3;
}

/* Cells of s[from..to), blanks at the end not counted. */
static size_t
cells(const char *s, size_t from, size_t to, unsigned flags)
{
	while (!flags && to > from && blank(s[to - 1]))
		to--;
	return utf8_width(s + from, to - from);
}

/* Whether a row from..at may end at `at`, a border of clusters. The alphabet: a z blank - wide
 * accent. */
static bool
break_allowed(const char *s, size_t from, size_t at, size_t n, unsigned flags)
{
	bool text = false;

	if (at == n)
		return true;
	for (size_t i = from; i < at; i++)
		text |= !blank(s[i]);
	if (flags & WRAP_KEEP ? blank(s[at - 1]) : blank(s[at]) && text)
		return true;
	if (blank(s[at]) || blank(s[at - 1]))
		return false;
	if ((unsigned char)s[at] == 0xe4 ||
		((unsigned char)s[at - 1] == 0x96 && (unsigned char)s[at - 3] == 0xe4))
		return true;
	return s[at - 1] == '-' && at >= 2 && at - 2 >= from && letter((unsigned char)s[at]) &&
	       s[at - 2] != '-' && !blank(s[at - 2]);
}

static size_t
reference_row(const char *s, size_t from, size_t n, int width, unsigned flags)
{
	size_t best = from, fits = from, at = from;
	int w;

	while (at < n) {
		at += utf8_cluster(s + at, n - at, &w);
		if (cells(s, from, at, flags) > (size_t)width)
			break;
		fits = at;
		if (break_allowed(s, from, at, n, flags))
			best = at;
	}
	if (flags & WRAP_KEEP && fits < n && blank(s[fits]) && fits > from)
		return fits;	/* a blank that does not fit begins the next row */
	if (best > from)
		return best;
	return fits > from ? fits : from + utf8_cluster(s + from, n - from, &w);
}

static void
reference(const char *s, size_t n, int width, unsigned flags, struct strbuf *out)
{
	size_t from = 0;

	do {
		size_t end = n ? reference_row(s, from, n, width, flags) : 0, shown = end;

		if (from)
			strbuf_addc(out, '|');
		while (!flags && end < n && blank(s[end]))
			end++;
		while (!flags && end < n && shown > from && blank(s[shown - 1]) &&
			cells(s, from, shown, 0))
			shown--;
		strbuf_add(out, s + from, shown - from);
		from = end;
	} while (from < n);
}

static void
strip(struct strbuf *b)
{
	while (b->len && b->s[b->len - 1] == ' ')
		strbuf_truncate(b, b->len - 1);
}

static void
wrap__next__is_the_same_as_a_slow_reference(void **state)
{
	static const char *const units[] = { "a", "z", " ", " ", "-", "\xe4\xb8\x96", "e\xcc\x81",
		"bcd" };

	srand(7);
	for (int round = 0; round < 30000; round++) {
		struct strbuf text = STRBUF_INIT, fast = STRBUF_INIT, slow = STRBUF_INIT;
		unsigned flags = round % 2 ? WRAP_KEEP : 0;
		int width = 2 + rand() % 12;

		strbuf_addc(&text, 'a'); /* blanks at the beginning have a test of their own */
		for (int i = rand() % 25; i > 0; i--)
			strbuf_adds(&text, units[(size_t)rand() % (sizeof units / sizeof *units)]);
		if (!flags)
			strip(&text);
		wrap_text(text.s, text.len, width, width, flags, &fast);
		reference(text.s, text.len, width, flags, &slow);
		if (strcmp(fast.s, slow.s))
			print_message("width %d flags %u text \"%s\"\n", width, flags, text.s);
		assert_string_equal(fast.s, slow.s);
		strbuf_release(&text);
		strbuf_release(&fast);
		strbuf_release(&slow);
	}
}

/* Any bytes at all: rows are in order, end at clusters, and are no wider than they may be. */
static void
wrap__next__holds_its_promises_for_any_text(void **state)
{
	srand(11);
	for (int round = 0; round < 20000; round++) {
		int width = 1 + rand() % 20, rest = 1 + rand() % 20, limit;
		unsigned flags = (unsigned)(rand() % 3);
		size_t n = (size_t)(rand() % 60), next = 0, len, count = 0;
		struct strbuf text = STRBUF_INIT;
		struct wrap_row row;
		struct wrap w;

		for (size_t i = 0; i < n; i++) {
			char c[4];
			uint32_t cp = (uint32_t)(rand() % 4 ? rand() % 128 : rand() % 0x20000);

			strbuf_add(&text, c,
				utf8_encode(cp >= 0xd800 && cp < 0xe000 ? 'x'
					    : cp == '\n'                ? ' '
									: cp,
					c));
		}
		wrap_init(&w, text.s, text.len, width, rest, flags);
		for (limit = width; wrap_next(&w, &row); limit = rest) {
			assert_true(row.start >= next && row.start + row.len <= text.len);
			for (size_t i = next; i < row.start; i++)
				assert_true(!flags && (text.s[i] == ' ' || text.s[i] == '\t'));
			assert_int_equal(wrap_width(text.s + row.start, row.len) > limit ? limit
					: wrap_width(text.s + row.start, row.len), row.cells);
			if (wrap_width(text.s + row.start, row.len) > limit) {
				wrap_cells(text.s + row.start, text.len - row.start, 0, &len);
				assert_int_equal(len, row.len);
			}
			next = row.start + row.len;
			assert_true(++count <= text.len + 1);
		}
		assert_true(flags ? next == text.len : true);
		strbuf_release(&text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrap__next__breaks_where_a_reader_would),
		cmocka_unit_test(wrap__next__is_the_same_as_a_slow_reference),
		cmocka_unit_test(wrap__next__holds_its_promises_for_any_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
