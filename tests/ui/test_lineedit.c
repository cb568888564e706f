#include "config.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "ui/histfile.h"
#include "ui/lineedit.h"

#define UP "\033[A"
#define DOWN "\033[B"
#define LEFT "\033[D"
#define HOME "\033[H"

static char dir[] = "/tmp/hum-lineedit-XXXXXX";
static char histfile[64], inputrc[64];

static void
feed(const char *key)
{
	lineedit_feed(key, strlen(key));
}

/* One key a character. */
static void
type(const char *text)
{
	for (; *text; text++)
		lineedit_feed(text, 1);
}

static void
assert_line(const char *text, size_t point)
{
	size_t len, at;
	const char *s = lineedit_text(&len, &at);

	assert_string_equal(s, text);
	assert_int_equal(len, strlen(text));
	assert_int_equal(at, point);
}

static void
enter(const char *text)
{
	lineedit_insert(text);
	lineedit_accept();
	free(lineedit_take());
	lineedit_remember(text);
}

static int
setup(void **state)
{
	unlink(histfile);
	lineedit_start(histfile, 5);
	return 0;
}

static int
teardown(void **state)
{
	lineedit_stop();
	return 0;
}

static void
lineedit__feed__edits_as_readline_does(void **state)
{
	feed("\xc3\xa9");		/* whatever the inputrc says of convert-meta */
	assert_line("\xc3\xa9", 2);
	feed("\177");
	type("hello brave world");
	feed("\033b");
	feed("\027");			/* C-w */
	assert_line("hello world", 6);
	feed("\031");			/* C-y */
	assert_line("hello brave world", 12);
	feed("\037");			/* C-_ */
	assert_line("hello world", 6);
	feed("\001");
	feed("\033u");
	assert_line("HELLO world", 5);
}

static void
lineedit__accept__gives_the_line_once(void **state)
{
	char *line;

	lineedit_insert("two\nlines");
	assert_null(lineedit_take());
	lineedit_accept();
	line = lineedit_take();
	assert_string_equal(line, "two\nlines");
	free(line);
	assert_null(lineedit_take());
	assert_line("", 0);
	feed("\r");			/* readline's own Enter */
	line = lineedit_take();
	assert_string_equal(line, "");
	free(line);
}

static void
lineedit__feed__tells_end_of_file_in_an_empty_line_only(void **state)
{
	type("ab");
	feed(HOME);
	feed("\004");
	assert_line("b", 0);
	assert_false(lineedit_take_eof());
	feed("\004");
	feed("\004");
	assert_true(lineedit_take_eof());
	assert_false(lineedit_take_eof());
	type("goes on");
	assert_line("goes on", 7);
}

static void
lineedit__rows__move_by_what_is_seen(void **state)
{
	lineedit_set_width(10);
	lineedit_insert("aaaa bbbb cccc\ndd\neeee ffff");	/* aaaa bbbb_|cccc|dd|eeee ffff */
	feed(UP);
	assert_line("aaaa bbbb cccc\ndd\neeee ffff", 17);	/* the end of dd */
	feed(UP);
	assert_line("aaaa bbbb cccc\ndd\neeee ffff", 14);	/* the column asked for is kept */
	feed(UP);
	assert_line("aaaa bbbb cccc\ndd\neeee ffff", 9);
	feed(DOWN);
	feed(DOWN);
	feed(DOWN);
	assert_line("aaaa bbbb cccc\ndd\neeee ffff", 27);
}

static void
lineedit__rows__move_up_from_the_end_of_a_full_one(void **state)
{
	lineedit_set_width(10);
	lineedit_insert("aaaa bbbb ccccc dddd");	/* two rows of ten */
	feed(UP);
	assert_line("aaaa bbbb ccccc dddd", 9);
}

static void
lineedit__rows__go_through_history_at_the_edge_and_keep_the_draft(void **state)
{
	enter("first\nentry");
	enter("second");
	lineedit_insert("draft\nof two");
	feed(UP);
	assert_line("draft\nof two", 5);
	feed(UP);
	assert_line("second", 6);
	type("!");
	feed(UP);
	assert_line("first\nentry", 11);
	feed(UP);			/* in the text first */
	assert_line("first\nentry", 5);
	feed(UP);			/* nothing is older */
	assert_line("first\nentry", 5);
	feed(DOWN);
	feed(DOWN);
	assert_line("second!", 7);	/* with its edit */
	feed(DOWN);
	assert_line("draft\nof two", 12);
	feed(DOWN);
	assert_line("draft\nof two", 12);
}

static void
lineedit__set__leaves_the_history(void **state)
{
	enter("alpha");
	enter("beta");
	enter("gamma");
	feed(UP);
	assert_line("gamma", 5);
	lineedit_set("");
	assert_line("", 0);
	feed(UP);
	assert_line("gamma", 5);
	feed(UP);
	type("!");
	lineedit_set("given back");
	assert_line("given back", 10);
	feed("\037");			/* C-_ */
	assert_line("", 0);
	lineedit_set("given back");
	feed(UP);
	feed(UP);
	assert_line("beta!", 5);	/* as other edits of the history */
	feed(DOWN);
	feed(DOWN);
	assert_line("given back", 10);
}

static void
lineedit__lines__have_ends_of_their_own(void **state)
{
	lineedit_insert("one\ntwo three\nfour");
	feed(UP);
	feed("\001");
	assert_line("one\ntwo three\nfour", 4);
	feed("\005");
	assert_line("one\ntwo three\nfour", 13);
	feed("\033b");
	feed("\013");			/* C-k: to the end of this line */
	assert_line("one\ntwo \nfour", 8);
	feed("\013");			/* then the break */
	assert_line("one\ntwo four", 8);
	feed("\025");			/* C-u */
	assert_line("one\nfour", 4);
	feed("\031");			/* kills in a row are one */
	assert_line("one\ntwo three\nfour", 14);
}

static void
lineedit__search__is_seen_and_can_be_left(void **state)
{
	enter("\xe4\xb8\x96\xe7\x95\x8c one");
	enter("other");
	type("draft");
	feed("\022");			/* C-r */
	assert_true(lineedit_searching());
	assert_int_equal(lineedit_state(), LINEEDIT_BUSY);
	feed("\xe7\x95\x8c");
	assert_string_equal(lineedit_prompt(), "(reverse-i-search)`\xe7\x95\x8c': ");
	assert_line("\xe4\xb8\x96\xe7\x95\x8c one", 3);
	lineedit_abort();
	assert_string_equal(lineedit_prompt(), "");
	assert_line("draft", 5);
	feed("\022");
	type("oth");
	feed("\033");			/* keeps what was found */
	assert_false(lineedit_searching());
	assert_line("other", 0);
}

static void
lineedit__search__takes_a_long_text_up_to_a_bound(void **state)
{
	char text[4096], euros[301] = "";
	const char *quote;

	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	enter(text);
	feed("\022");
	feed(text);
	type(text);
	assert_true(strlen(lineedit_prompt()) < 300);
	lineedit_abort();
	for (size_t i = 0; i < 300; i += 3)
		memcpy(euros + i, "\xe2\x82\xac", 4);
	feed("\022");
	feed(euros);
	quote = strchr(lineedit_prompt(), '`');
	assert_non_null(quote);
	assert_int_equal(strspn(quote + 1, "\xe2\x82\xac") % 3, 0);
	feed("\177");			/* makes room for one */
	type("bc");
	assert_non_null(strstr(lineedit_prompt(), "bc'"));
	lineedit_abort();
	feed("\033p");
	feed(text);
	type("b");
	assert_int_equal(strlen(lineedit_text(NULL, NULL)), 256);
	lineedit_abort();
}

static void
lineedit__search__does_not_hide_what_was_typed(void **state)
{
	static const char *const searches[] = { "\022", "\033p", "\030r" };

	enter("found");
	type("draft");
	for (size_t i = 0; i < sizeof searches / sizeof *searches; i++) {
		if (i == 2)	/* as two keys */
			type(searches[i]);
		else
			feed(searches[i]);
		type("fou");
		assert_true(lineedit_searching());
		assert_string_equal(lineedit_typed(NULL), "draft");
		lineedit_abort();
		assert_string_equal(lineedit_typed(NULL), "draft");
	}
	feed("\022");
	type("fou");
	feed("\033");
	assert_string_equal(lineedit_typed(NULL), "found");
}

static void
lineedit__vi_search__does_not_hide_what_was_typed(void **state)
{
	enter("found");
	type("\030v");
	type("draft");
	feed("\033");
	type("/fou");
	assert_true(lineedit_searching());
	assert_string_equal(lineedit_typed(NULL), "draft");
	feed("\r");
	assert_string_equal(lineedit_typed(NULL), "found");
	feed("\005");
}

static void
lineedit__replace__is_one_change(void **state)
{
	type("/he");
	lineedit_replace(0, 3, "/help ");
	assert_line("/help ", 6);
	feed("\037");
	assert_line("/he", 3);
}

static void
lineedit__feed__takes_any_key_after_a_quote(void **state)
{
	feed("\026");			/* C-v */
	assert_int_equal(lineedit_state(), LINEEDIT_VERBATIM);
	feed("\r");
	assert_int_equal(lineedit_state(), LINEEDIT_READY);
	assert_line("\r", 1);
	assert_null(lineedit_take());
}

static void
lineedit__knows__tells_keys_from_noise(void **state)
{
	assert_true(lineedit_knows("\001", 1));
	assert_true(lineedit_knows("x", 1));
	assert_true(lineedit_knows("\033f", 2));
	assert_true(lineedit_knows("\033[1;5C", 6));
	assert_false(lineedit_knows("\033[99;5x", 7));
	assert_false(lineedit_knows("\033[1;", 4));
	assert_false(lineedit_knows("", 0));
	feed("\030");			/* C-x, of the inputrc */
	assert_int_equal(lineedit_state(), LINEEDIT_BUSY);
	lineedit_abort();
	assert_int_equal(lineedit_state(), LINEEDIT_READY);
}

static void
lineedit__inputrc__can_use_our_names(void **state)
{
	lineedit_insert("one\ntwo");
	feed("\030");
	feed("z");
	assert_line("one\ntwo", 4);
}

static void
lineedit__alt_enter__is_a_new_line(void **state)
{
	type("ab");
	feed("\033\n");
	feed("\033\r");
	assert_line("ab\n\n", 4);
	feed("\177");
	assert_line("ab\n", 3);
}

static void
lineedit__comments__are_not_sent(void **state)
{
	type("ab");
	assert_false(lineedit_knows("\033#", 2));
	feed("\033#");
	assert_null(lineedit_take());
	assert_line("ab", 2);
	type("\030v");
	feed("\033");
	type("#");
	assert_null(lineedit_take());
	assert_line("ab", 1);
	feed("\005");
}

static void
lineedit__cursor__never_stands_in_a_cluster(void **state)
{
	lineedit_insert("a\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb"
			"e\xcc\x81z"); /* a, joined emoji, e with accent, z */
	feed(LEFT);
	feed(LEFT);
	assert_int_equal(strlen("a\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb"), 12);
	assert_line("a\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb" "e\xcc\x81z", 12);
	feed(LEFT);
	assert_line("a\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb" "e\xcc\x81z", 1);
	feed("\033[C");
	assert_line("a\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb" "e\xcc\x81z", 12);
}

static void
lineedit__vi__has_its_modes(void **state)
{
	type("\030v");			/* vi-editing-mode, of the inputrc */
	assert_true(lineedit_vi_inserting());
	type("one two three");
	feed("\033");
	assert_false(lineedit_vi_inserting());
	type("bdw");
	assert_line("one two ", 7);
	type("0fw");
	assert_line("one two ", 5);
	type("rx");
	assert_line("one txo ", 5);
	type("u");
	assert_line("one two ", 6);
	type("dd");
	assert_line("", 0);
	type("i");
	lineedit_insert("x\ny");
	feed("\033");
	type("k");			/* a row up */
	assert_line("x\ny", 0);
	type("A!");
	lineedit_accept();
	free(lineedit_take());
	assert_true(lineedit_vi_inserting());
	feed("\033");
	feed("\005");			/* emacs-editing-mode */
	assert_false(lineedit_vi_inserting());
	type("x");
	assert_line("x", 1);
}

static void
lineedit__history__survives_a_restart_with_its_line_breaks(void **state)
{
	enter("back\\slash \\n and\nbreak");
	enter("again");
	enter("again");			/* kept once */
	lineedit_stop();
	lineedit_start(histfile, 5);
	feed(UP);
	assert_line("again", 5);
	feed(UP);
	assert_line("back\\slash \\n and\nbreak", 23);
}

static void
lineedit__search__is_ended_by_keys_of_several_bytes(void **state)
{
	enter("some words");
	feed("\022");
	type("wor");
	feed("\033[C");
	assert_false(lineedit_searching());
	assert_line("some words", 6);
	feed("\023");			/* C-s C-x 1, which means nothing */
	feed("\030");
	feed("1");
	assert_int_equal(lineedit_state(), LINEEDIT_READY);
	assert_line("some words", 6);
	feed("\033p");			/* a search that is not incremental */
	assert_true(lineedit_searching());
	feed("\033[D");
	assert_false(lineedit_searching());
}

static void
lineedit__search__of_an_empty_history_finds_nothing(void **state)
{
	enter("from before");
	lineedit_stop();
	lineedit_start(NULL, 0);
	feed("\022");
	type("before");
	assert_string_equal(lineedit_prompt(), "(failed reverse-i-search)`before': ");
	lineedit_abort();
	assert_line("", 0);
}

static void
lineedit__history__mends_a_torn_line_and_stays_short(void **state)
{
	FILE *f = fopen(histfile, "w");
	struct stat st;

	assert_non_null(f);
	for (int i = 0; i < 50; i++)
		fprintf(f, "entry %d\n", i);
	fprintf(f, "torn");
	fclose(f);
	lineedit_stop();
	lineedit_start(histfile, 5);
	enter("after");
	assert_int_equal(stat(histfile, &st), 0);
	assert_true(st.st_size < 60);
	lineedit_stop();
	lineedit_start(histfile, 5);
	feed(UP);
	assert_line("after", 5);
	feed(UP);
	assert_line("torn", 4);
	for (int i = 0; i < 9; i++)
		feed(UP);
	assert_line("entry 47", 8);
}

static void
lineedit__history__begins_a_line_of_its_own_after_a_torn_one(void **state)
{
	FILE *f = fopen(histfile, "w");

	assert_non_null(f);
	fprintf(f, "whole\ntorn");
	fclose(f);
	lineedit_remember("new");
	lineedit_stop();
	lineedit_start(histfile, 5);
	feed(UP);
	assert_line("new", 3);
	feed(UP);
	assert_line("torn", 4);
	feed(UP);
	assert_line("whole", 5);
}

static void
lineedit__insert__is_quick_with_a_megabyte(void **state)
{
	size_t n = 1 << 20, len;
	char *text = malloc(n + 1);

	assert_non_null(text);
	memset(text, 'x', n);
	text[n] = '\0';
	lineedit_insert(text);
	lineedit_text(&len, NULL);
	assert_int_equal(len, n);
	lineedit_replace(0, n, "");
	assert_line("", 0);
	free(text);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(lineedit__feed__edits_as_readline_does),
		TEST(lineedit__accept__gives_the_line_once),
		TEST(lineedit__feed__tells_end_of_file_in_an_empty_line_only),
		TEST(lineedit__rows__move_by_what_is_seen),
		TEST(lineedit__rows__move_up_from_the_end_of_a_full_one),
		TEST(lineedit__rows__go_through_history_at_the_edge_and_keep_the_draft),
		TEST(lineedit__set__leaves_the_history),
		TEST(lineedit__lines__have_ends_of_their_own),
		TEST(lineedit__search__is_seen_and_can_be_left),
		TEST(lineedit__search__takes_a_long_text_up_to_a_bound),
		TEST(lineedit__search__does_not_hide_what_was_typed),
		TEST(lineedit__vi_search__does_not_hide_what_was_typed),
		TEST(lineedit__replace__is_one_change),
		TEST(lineedit__feed__takes_any_key_after_a_quote),
		TEST(lineedit__knows__tells_keys_from_noise),
		TEST(lineedit__inputrc__can_use_our_names),
		TEST(lineedit__alt_enter__is_a_new_line),
		TEST(lineedit__comments__are_not_sent),
		TEST(lineedit__cursor__never_stands_in_a_cluster),
		TEST(lineedit__vi__has_its_modes),
		TEST(lineedit__history__survives_a_restart_with_its_line_breaks),
		TEST(lineedit__search__is_ended_by_keys_of_several_bytes),
		TEST(lineedit__search__of_an_empty_history_finds_nothing),
		TEST(lineedit__history__mends_a_torn_line_and_stays_short),
		TEST(lineedit__history__begins_a_line_of_its_own_after_a_torn_one),
		TEST(lineedit__insert__is_quick_with_a_megabyte),
	};
	int failed;
	FILE *f;

	setlocale(LC_ALL, "C.UTF-8");
	if (!mkdtemp(dir))
		return 99;
	snprintf(histfile, sizeof histfile, "%s/history", dir);
	snprintf(inputrc, sizeof inputrc, "%s/inputrc", dir);
	f = fopen(inputrc, "w");
	if (!f)
		return 99;
	fputs("$if hum\n"
	      "\"\\C-xz\": hum-line-start\n"
	      "\"\\C-xr\": reverse-search-history\n"
	      "\"\\C-xv\": vi-editing-mode\n"
	      "$endif\n"
	      "set convert-meta on\n",
		f);
	fclose(f);
	setenv("INPUTRC", inputrc, 1);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(histfile);
	unlink(inputrc);
	rmdir(dir);
	return failed;
}
