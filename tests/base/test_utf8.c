#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/strbuf.h"
#include "base/utf8.h"

static void
utf8__encode__is_undone_by_decode(void **state)
{
	for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
		uint32_t back;
		char s[4];
		size_t n;

		if (cp >= 0xd800 && cp < 0xe000)
			continue;
		n = utf8_encode(cp, s);
		assert_true(utf8_valid(s, n));
		assert_int_equal(utf8_decode(s, n, &back), n);
		assert_int_equal(back, cp);
		for (size_t k = 1; k < n; k++)
			assert_int_equal(utf8_incomplete_tail(s, k), k);
		assert_int_equal(utf8_incomplete_tail(s, n), 0);
	}
}

static void
utf8__decode__takes_bad_bytes_one_at_a_time(void **state)
{
	static const char *const bad[] = {
		"\x80", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xf4\x90\x80\x80", "\xff",
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		uint32_t cp;

		assert_false(utf8_valid(bad[i], strlen(bad[i])));
		assert_int_equal(utf8_decode(bad[i], strlen(bad[i]), &cp), 1);
		assert_int_equal(cp, 0xfffd);
		assert_int_equal(utf8_incomplete_tail(bad[i], strlen(bad[i])), 0);
	}
}

static void
utf8__width__counts_cells(void **state)
{
	static const struct {
		const char *text;
		size_t cells;
	} cases[] = {
		{ "", 0 }, { "abc", 3 }, { "h\xc3\xa9llo", 5 }, { "he\xcc\x81llo", 5 },
		{ "\xe4\xb8\x96\xe7\x95\x8c", 4 },		/* CJK */
		{ "\xf0\x9f\x98\x80", 2 },			/* emoji */
		{ "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb", 2 },	/* ZWJ sequence */
		{ "\xe2\x9d\xa4\xef\xb8\x8f", 2 },		/* VS16 */
		{ "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa", 2 },	/* flag */
		{ "\xe0\xa4\x95\xe0\xa4\xbe", 2 },		/* a letter and its vowel sign beside it */
		{ "\u0e17\u0e33\u0e19\u0e49\u0e33", 4 },	/* Thai am, after a tone, too */
		{ "\u0e99\u0eb3", 2 },				/* Lao am */
		{ "\uff76\uff9e\uff8a\uff9f", 4 },		/* halfwidth kana, voiced */
		{ "\u0b95\u0bc6\u0bbe", 3 },			/* Tamil, a sign on either side */
		{ "\u1000\u103b\u1031\u1038", 4 },		/* Burmese */
		{ "\u0915\u094d\u0937\u093e", 3 },		/* a conjunct of two letters */
		{ "\u1112\u1161\u11ab", 2 },			/* Hangul by its parts */
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(utf8_width(cases[i].text, strlen(cases[i].text)), cases[i].cells);
	assert_int_equal(utf8_clip("\xe4\xb8\x96\xe7\x95\x8c", 6, 3), 3);
	assert_int_equal(utf8_clip("e\xcc\x81x", 4, 1), 3);
}

/* Whatever is repeated after a letter, no cluster outgrows a narrow screen, and no cell is lost. */
static void
utf8__cluster__has_at_most_8_cells(void **state)
{
	struct strbuf b = STRBUF_INIT;
	int cells;

	strbuf_adds(&b, "\u0e01");
	for (int i = 0; i < 20; i++)
		strbuf_adds(&b, "\u0e33");
	assert_int_equal(utf8_cluster(b.s, b.len, &cells), 24);
	assert_int_equal(cells, 8);
	assert_int_equal(utf8_width(b.s, b.len), 21);
	strbuf_release(&b);
}

static void
utf8__scrub__leaves_no_control_bytes(void **state)
{
	struct strbuf b = STRBUF_INIT;

	for (int c = 0; c < 256; c++) {
		char s[2] = { (char)c, 'A' };

		utf8_scrub(&b, s, 2);
	}
	utf8_scrub(&b, "\xc2\x9b" "31m\xe2\x80\xae", 8);
	assert_true(utf8_valid(b.s, b.len));
	for (size_t i = 0; i < b.len;) {
		uint32_t cp;

		i += utf8_decode(b.s + i, b.len - i, &cp);
		assert_true(cp == '\n' || cp == '\t' || (cp >= 0x20 && cp < 0x7f) || cp >= 0xa0);
		assert_true(cp != 0x202e);
	}
	strbuf_reset(&b);
	utf8_scrub(&b, "a\r\nb\x1b[0m", 8);
	assert_string_equal(b.s, "a\nb\xe2\x90\x9b[0m");
	strbuf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8__encode__is_undone_by_decode),
		cmocka_unit_test(utf8__decode__takes_bad_bytes_one_at_a_time),
		cmocka_unit_test(utf8__width__counts_cells),
		cmocka_unit_test(utf8__cluster__has_at_most_8_cells),
		cmocka_unit_test(utf8__scrub__leaves_no_control_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
