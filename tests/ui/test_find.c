#include "config.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ui/find.h"
#include "ui/match.h"

static struct transcript *t;
static struct find f;

static int
open_chat(void **state)
{
	t = transcript_new();
	find_init(&f, t);
	return 0;
}

static int
close_chat(void **state)
{
	find_release(&f);
	transcript_free(t);
	return 0;
}

static void
say(const char *text)
{
	transcript_add(t, ENTRY_ASSISTANT, "llama", text);
}

static void
look_for(const char *words)
{
	find_set(&f, words, strlen(words));
	find_near(&f, t->n, 0);
}

/* All matches as "entry:start+len", in order; the current one in []. */
static const char *
found(void)
{
	static struct strbuf out = STRBUF_INIT;
	size_t entry, was = f.current;
	struct flow_range at;

	strbuf_reset(&out);
	for (f.current = 0; f.current < f.n_matches; f.current++) {
		bool current = f.current == was;

		assert_true(find_current(&f, &entry, &at));
		strbuf_addf(&out, "%s%s%zu:%u+%u%s", out.len ? " " : "", current ? "[" : "", entry, at.start,
			at.len, current ? "]" : "");
	}
	f.current = was;
	return out.s;
}

static void
finds(const char *words, const char *expected)
{
	look_for(words);
	assert_string_equal(found(), expected);
}

static void
find__words__are_found_in_all_that_is_text(void **state)
{
	transcript_add(t, ENTRY_SYSTEM, "one", "one of us");
	transcript_add(t, ENTRY_USER, "one", "which one");
	transcript_add(t, ENTRY_DIVIDER, "", "one divider");
	transcript_add(t, ENTRY_ASSISTANT, "one", "none, or the one\nand one");
	transcript_set_footer(t, 3, "one token");
	transcript_add(t, ENTRY_NOTICE, "", "one notice");
	transcript_add(t, ENTRY_ERROR, "", "error one");
	finds("one", "0:0+3 1:6+3 3:1+3 3:13+3 3:21+3 4:0+3 [5:6+3]");
	finds("one\nand", "[3:13+7]");	/* what cannot be typed */
	finds("two", "");
	finds("", "");
	assert_int_equal(f.current, FIND_NONE);
	find_step(&f, 1);
	assert_int_equal(f.current, FIND_NONE);
}

static void
find__case__counts_where_a_capital_is_typed(void **state)
{
	say("Cusco cusco CUSCO");
	finds("cusco", "0:0+5 0:6+5 [0:12+5]");
	finds("Cusco", "[0:0+5]");
	finds("CUSCO", "[0:12+5]");
	finds("cuscO", "");
	say("\xc3\x89t\xc3\xa9 \xc3\xa9t\xc3\xa9");	/* Été été */
	finds("\xc3\xa9t\xc3\xa9", "1:0+5 [1:6+5]");
	finds("\xc3\x89", "[1:0+2]");
}

/* Bytes are always those of the text, whatever the length of what they are compared as. */
static void
find__unicode__keeps_the_bytes_of_the_text(void **state)
{
	say("\xe1\xba\x9e \xc3\x9f stra\xc3\x9f" "e");	/* ẞ ß straße */
	finds("\xc3\x9f", "0:0+3 0:4+2 [0:11+2]");
	finds("ss", "");
	say("\xc4\xb0i K k \xe2\x84\xaa");			/* İi K k, the sign of Kelvin */
	finds("i", "1:0+2 [1:2+1]");
	finds("ii", "[1:0+3]");
	finds("k", "1:4+1 1:6+1 [1:8+3]");
	finds("k \xe2\x84\xaa", "[1:6+5]");		/* that is a capital */
	say("\xe4\xb8\x96\xe7\x95\x8c \xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb!");	/* 世界 👩‍💻 */
	finds("\xe7\x95\x8c", "[2:3+3]");
	finds("\xe4\xb8\x96\xe7\x95\x8c \xf0\x9f\x91\xa9", "[2:0+11]");
	finds("\xf0\x9f\x92\xbb!", "[2:14+5]");
	say("e\xcc\x81");
	finds("e\xcc\x81", "[3:0+3]");
	finds("\xcc\x81", "[3:1+2]");
}

static void
find__overlapping_text__is_counted_once(void **state)
{
	say("aaaaaaa");
	finds("aaa", "0:0+3 [0:3+3]");
	say("ababac abababac");
	finds("ababac", "1:0+6 [1:9+6]");
	say("aabaabaaab");
	finds("aabaaab", "[2:3+7]");
}

static void
find__step__goes_round(void **state)
{
	say("x");
	say("-");
	say("x x");
	finds("x", "0:0+1 2:0+1 [2:2+1]");
	find_step(&f, -1);
	find_step(&f, -1);
	assert_string_equal(found(), "[0:0+1] 2:0+1 2:2+1");
	find_step(&f, -1);
	assert_string_equal(found(), "0:0+1 2:0+1 [2:2+1]");
	find_step(&f, 1);
	assert_string_equal(found(), "[0:0+1] 2:0+1 2:2+1");
}

static void
find__near__prefers_what_is_before(void **state)
{
	say("-");
	say("x x");
	say("x");
	look_for("x");
	find_near(&f, 1, 2);
	assert_string_equal(found(), "[1:0+1] 1:2+1 2:0+1");
	find_near(&f, 1, 3);
	assert_string_equal(found(), "1:0+1 [1:2+1] 2:0+1");
	find_near(&f, 0, 1);
	assert_string_equal(found(), "[1:0+1] 1:2+1 2:0+1");
}

static void
find__stream__finds_what_comes_in_pieces(void **state)
{
	const char *pieces[] = { "and x", "yz", "x", "", "y", "z xyx", "yz" };

	say("xyz");
	say("");
	look_for("xyz");
	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		transcript_append(t, 1, pieces[i], strlen(pieces[i]));
		find_update(&f);
		assert_int_equal(f.current, 0);		/* one stays where one is */
	}
	assert_string_equal(found(), "[0:0+3] 1:4+3 1:7+3 1:13+3");
	say("waits: xyz");				/* below what streams */
	transcript_append(t, 1, "xyz", 3);
	find_update(&f);
	assert_string_equal(found(), "[0:0+3] 1:4+3 1:7+3 1:13+3 1:16+3 2:7+3");
}

static void
find__changes__keep_the_current_match(void **state)
{
	for (int i = 0; i < 5; i++)
		say("a b");
	look_for("b");
	find_step(&f, -1);
	find_step(&f, -1);
	assert_string_equal(found(), "0:2+1 1:2+1 [2:2+1] 3:2+1 4:2+1");
	transcript_remove(t, 0);
	transcript_insert(t, 0, ENTRY_NOTICE, "", "no match, and b");
	transcript_insert(t, 0, ENTRY_DIVIDER, "", "b");
	find_update(&f);
	assert_string_equal(found(), "1:14+1 2:2+1 [3:2+1] 4:2+1 5:2+1");
	transcript_remove(t, 3);			/* the one before takes its place */
	find_update(&f);
	assert_string_equal(found(), "1:14+1 [2:2+1] 3:2+1 4:2+1");
	transcript_set_text(t, 2, "other");
	find_update(&f);
	assert_string_equal(found(), "[1:14+1] 3:2+1 4:2+1");
	transcript_truncate(t, 1);
	find_update(&f);
	assert_string_equal(found(), "");
	transcript_clear(t);
	find_update(&f);
	say("b");
	find_update(&f);
	find_near(&f, 0, 0);
	assert_string_equal(found(), "[0:0+1]");
}

/* What is kept from the words before changes nothing: neither when a letter is added nor when text came since. */
static void
find__typing__finds_what_searching_anew_finds(void **state)
{
	static const char *const unit[] = { "a", "b", "A", "ab", "\n", "\xc3\x9f", "\xe1\xba\x9e",
		"\xc4\xb0", "i" };
	enum { UNITS = sizeof unit / sizeof *unit };

	srand(11);
	for (int round = 0; round < 3000; round++) {
		struct strbuf words = STRBUF_INIT, once = STRBUF_INIT;

		if (round % 30 == 0)
			transcript_clear(t);
		if (t->n < 4)
			say("");
		for (int i = 0; i < 4; i++) {
			const char *more = unit[rand() % UNITS], *piece = unit[rand() % UNITS];

			if (*more != '\n')
				strbuf_adds(&words, more);
			find_set(&f, words.s, words.len);
			transcript_append(t, (size_t)rand() % t->n, piece, strlen(piece));
			if (rand() % 20 == 0)
				transcript_insert(t, (size_t)rand() % t->n, ENTRY_USER, "", "abab");
			if (rand() % 20 == 0 && t->n > 1)
				transcript_remove(t, (size_t)rand() % t->n);
			if (rand() % 2)
				find_update(&f);
		}
		find_update(&f);
		strbuf_adds(&once, found());
		find_set(&f, "", 0);
		find_set(&f, words.s, words.len);
		assert_string_equal(found(), once.s);
		strbuf_release(&words);
		strbuf_release(&once);
	}
}

/* The same as looking at each place by itself. */
static void
find__any_text__agrees_with_the_plain_way(void **state)
{
	srand(12);
	for (int round = 0; round < 2000; round++) {
		struct strbuf text = STRBUF_INIT, want = STRBUF_INIT;
		char words[8] = "";
		size_t at, len, from = 0;

		for (int i = rand() % 40; i > 0; i--)
			strbuf_adds(&text, (const char *[]){ "a", "b", "A", "\xc3\x89", "\xc3\xa9" }[rand() % 5]);
		for (int i = 1 + rand() % 3; i > 0; i--)
			strcat(words, (const char *[]){ "a", "b", "\xc3\xa9" }[rand() % 3]);
		transcript_clear(t);
		say(text.s);
		while ((at = match_find(text.s, text.len, from, words, strlen(words), &len)) < text.len) {
			strbuf_addf(&want, "%s0:%zu+%zu", want.len ? " " : "", at, len);
			from = at + len;
		}
		find_set(&f, words, strlen(words));
		assert_string_equal(found(), want.s);
		strbuf_release(&text);
		strbuf_release(&want);
	}
}

static void
find__hostile_text__costs_its_length(void **state)
{
	size_t n = 4 << 20;
	char *text = malloc(n + 1), words[1025];

	assert_non_null(text);
	memset(text, 'a', n);
	text[n] = '\0';
	memset(words, 'a', sizeof words - 1);
	words[sizeof words - 1] = '\0';
	words[sizeof words - 2] = 'b';
	say(text);
	for (int i = 0; i < 10; i++)		/* a thousand times as much where each place is tried */
		finds(words, "");
	words[sizeof words - 2] = 'a';
	look_for(words);
	assert_int_equal(f.n_matches, n / 1024);
	free(text);
}

static void
find__in__gives_the_matches_of_an_entry(void **state)
{
	struct flow_lit lit;

	say("x x");
	say("-");
	say("x");
	look_for("x");
	lit = find_in(&f, 0);
	assert_int_equal(lit.n, 2);
	assert_int_equal(lit.items[1].start, 2);
	assert_true(lit.current >= lit.n);
	assert_int_equal(find_in(&f, 1).n, 0);
	lit = find_in(&f, 2);
	assert_int_equal(lit.n, 1);
	assert_int_equal(lit.current, 0);
	assert_int_equal(find_in(&f, 3).n, 0);
}

#define FIND_TEST(name) cmocka_unit_test_setup_teardown(name, open_chat, close_chat)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIND_TEST(find__words__are_found_in_all_that_is_text),
		FIND_TEST(find__case__counts_where_a_capital_is_typed),
		FIND_TEST(find__unicode__keeps_the_bytes_of_the_text),
		FIND_TEST(find__overlapping_text__is_counted_once),
		FIND_TEST(find__step__goes_round),
		FIND_TEST(find__near__prefers_what_is_before),
		FIND_TEST(find__stream__finds_what_comes_in_pieces),
		FIND_TEST(find__changes__keep_the_current_match),
		FIND_TEST(find__typing__finds_what_searching_anew_finds),
		FIND_TEST(find__any_text__agrees_with_the_plain_way),
		FIND_TEST(find__hostile_text__costs_its_length),
		FIND_TEST(find__in__gives_the_matches_of_an_entry),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
