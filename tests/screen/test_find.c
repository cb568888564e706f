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

#include "tests/screen/screen.h"

#define FIND "\006"
#define UP "\033[A"
#define DOWN "\033[B"
#define HOME "\033[H"
#define END "\033[F"
#define PAGE_UP "\033[5~"
#define ALT_ENTER "\033\r"
#define ALT_END "\033>"
#define WHEEL_UP "\033[<64;5;5M"
#define PASTE(text) "\033[200~" text "\033[201~"

static void
add(const char *text)
{
	transcript_add(ui_transcript(screen), ENTRY_USER, "you", text);
}

static void
find__typing__goes_to_the_nearest_match_above(void **state)
{
	screen_open(12, 60, NULL);
	screen_say_numbers(0, 30);
	screen_keys("a draft" ALT_ENTER "of two lines");
	expect_event(UI_EDITED);
	screen_key(FIND);
	screen_has("│ find: Up: older, Down: newer, Enter: stay, Esc: back     │\n");
	cursor_is(8, 8);
	screen_key("message 1");
	screen_is(
"┌─ hum ────────────────────────────────────────────────────┐\n"
"│ ▌you message 16                                          │\n"
"│ ▌you message 17                                          │\n"
"│ ▌you message 18                                          │\n"
"│ ▌you message 19                                          │\n"
"│ ▌you message 20                                          │\n"
"│ ▌you message 21                                          │\n"
"├───────────────────────────────────────────────── ▼ more ─┤\n"
"│ find: message 1                                 11 of 11 │\n"
"├──────────────────────────────────────────────────────────┤\n"
"│                                                          │\n"
"└──────────────────────────────────────────────────────────┘\n"
	);
	expect_no_event();
	assert_int_equal(style_of("message 19").attr, STYLE_REVERSE | STYLE_BOLD);
	assert_int_equal(style_of("message 18").attr, STYLE_UNDERLINE);
	assert_int_equal(style_of("8  ").attr, 0);
	assert_int_equal(style_of("message 20").attr, 0);
	screen_key("0");
	screen_has("message 10");
	screen_has(" 1 of 1 │");
	screen_key("x");
	screen_has("nothing found │");
	screen_has("message 10 ");		/* nothing moves for that */
	screen_key("\177\177\025");		/* nothing is looked for: back to the end */
	screen_has("message 29");
	screen_has("find: Up:");
	screen_key("MESSAGE");
	screen_has("nothing found │");
	screen_key("\027message\xe2\x82\xac");
	screen_has("find: message\u20ac ");
	screen_key("\010\010\010");
	screen_has("30 of 30 │");
	screen_key("\033");
	screen_has("> a draft");
	screen_has("  of two lines");
	screen_lacks("find:");
	screen_has("message 29");
	assert_int_equal(style_of("message 29").attr, 0);
	expect_no_event();
	assert_string_equal(ui_input(screen), "a draft\nof two lines");
}

static void
find__steps__go_round_and_stay_or_go_back(void **state)
{
	screen_open(12, 60, NULL);
	screen_say_numbers(0, 40);
	screen_key(PAGE_UP);
	screen_key(PAGE_UP);
	screen_key(WHEEL_UP);
	screen_has("message 26 ");
	screen_lacks("message 27 ");
	screen_key(FIND);
	screen_key("message 2");		/* those below are not so near */
	screen_has(" 8 of 11 │");
	screen_key(UP);
	screen_key(FIND);
	screen_key("\020");
	screen_has(" 5 of 11 │");
	assert_int_equal(style_of("message 23").attr, STYLE_REVERSE | STYLE_BOLD);
	screen_key(DOWN);
	screen_key("\016");
	screen_has(" 7 of 11 │");
	for (int i = 0; i < 5; i++)
		screen_key(DOWN);
	screen_has(" 1 of 11 │");
	screen_has("you message 2 ");
	screen_key(UP);
	screen_has("11 of 11 │");
	screen_has("message 29 ");
	screen_key("\003");
	screen_has("message 26 ");
	screen_lacks("message 27 ");
	screen_key(FIND);
	screen_key(FIND);			/* the same words again */
	screen_has("find: message 2 ");
	for (int i = 0; i < 5; i++)
		screen_key(UP);
	assert_int_equal(style_of("message 21").attr, STYLE_REVERSE | STYLE_BOLD);
	screen_key("\r");
	screen_lacks("find:");
	screen_has("message 21 ");
	assert_int_equal(style_of("message 21").attr, 0);
	screen_lacks("message 39");
	expect_no_event();
	assert_string_equal(ui_input(screen), "");
}

static void
find__scrolling__goes_on_under_it(void **state)
{
	screen_open(12, 60, NULL);
	screen_say_numbers(0, 100);
	screen_key(FIND);
	screen_key("message 9");
	screen_has("11 of 11 │");
	for (int i = 0; i < 9; i++)
		screen_key(PAGE_UP);
	screen_key(WHEEL_UP);
	screen_has("11 of 11 │");
	screen_lacks("you message 9");
	screen_key("\177" "4");			/* from what is seen now */
	screen_has("11 of 11 │");
	screen_has("message 49 ");
	screen_key(HOME);
	screen_has("message 0 ");
	screen_key(END);
	screen_has("message 99 ");
	screen_key("\033[1;2A");
	screen_has("message 98 ");
	screen_lacks("message 99 ");
	screen_has("find: message 4");
	screen_key("\014");			/* Ctrl-L */
	screen_key("\033[99;5x");		/* nothing that is known */
	screen_has("find: message 4");
	expect_no_event();
}

static void
find__stream__is_searched_and_moves_nothing(void **state)
{
	screen_open(12, 60, NULL);
	screen_say_numbers(0, 20);
	screen_key(FIND);
	screen_key("message");
	screen_has("20 of 20 │");
	for (int i = 0; i < 10; i++) {
		transcript_append(ui_transcript(screen), 19, "\na message", 10);
		screen_has(i ? "message 14" : "20 of 21 │");
	}
	screen_has("20 of 30 │");
	screen_has("▼ 10 new lines");
	ui_scroll_to_end(screen);		/* the program, for a message of its own */
	screen_has("message 14");
	screen_key(DOWN);
	screen_key(DOWN);
	screen_has("22 of 30 │");
	transcript_remove(ui_transcript(screen), 0);
	screen_has("21 of 29 │");
	transcript_clear(ui_transcript(screen));
	screen_has("nothing found │");
	add("a message in an empty chat");
	screen_has("1 of 1 │");
	screen_key("\033");
	screen_has("a message in");
	screen_lacks("find:");
}

static void
find__nothing_found__follows_the_answer(void **state)
{
	screen_open(12, 60, NULL);
	screen_say_numbers(0, 20);
	screen_key(FIND);
	screen_key("words");
	screen_say_numbers(20, 30);
	screen_has("message 29");
	add("words");
	screen_has("1 of 1 │");
	assert_int_equal(style_of("words  ").attr, STYLE_REVERSE | STYLE_BOLD);
}

static void
find__resize__keeps_it_and_the_match(void **state)
{
	screen_open(24, 80, NULL);
	screen_say_numbers(0, 60);
	screen_keys("a draft");
	screen_key(FIND);
	screen_key("message 49");
	screen_key(" \177");
	screen_takes_all_sizes();
	ui_resize_to(screen, 6, 30);
	screen_has("message 49");
	screen_has("find: message 49        1 of 1\n");
	ui_resize_to(screen, 5, 18);
	screen_has("\nmessage 49  1 of 1\n");
	ui_resize_to(screen, 5, 12);
	screen_has("\nmessage 49\n");
	ui_resize_to(screen, 24, 80);
	screen_key("\033");
	screen_has("> a draft");
	screen_has("message 59");
}

/* The rows that a long draft takes again are not those where the match is. */
static void
find__enter__keeps_the_match_in_view(void **state)
{
	screen_open(20, 60, NULL);
	screen_say_numbers(0, 60);
	for (int i = 0; i < 6; i++)
		screen_keys("line" ALT_ENTER);
	screen_text();
	screen_key(FIND);
	screen_key("59");
	screen_has("message 59");
	screen_key("\r");
	screen_has("message 59");
	screen_has("line");
}

static void
find__paste__takes_the_first_line(void **state)
{
	screen_open(12, 60, NULL);
	screen_say_numbers(0, 3);
	screen_key(FIND);
	screen_keys(PASTE("message 1\r\nmessage 2"));
	screen_has("find: message 1 ");
	screen_has("1 of 1 │");
	for (int i = 0; i < 300; i++)
		screen_keys(PASTE("0123456789"));
	screen_has("01234  nothing found │");
	screen_key("\025\xe4\xb8\x96\xe7\x95\x8c");
	screen_has("find: 世界 ");
	cursor_is(8, 12);
	screen_key("\033");
	expect_no_event();
	assert_string_equal(ui_input(screen), "");
}

static void
find__other_actions__end_it(void **state)
{
	struct ui_event ev;

	screen_open(12, 60, NULL);
	screen_say_numbers(0, 3);
	screen_key(FIND);
	screen_key("message\t" ALT_ENTER);
	screen_has("find: message ");
	screen_key("\032");			/* Ctrl-Z does not */
	ev = expect_event(UI_ACTION);
	assert_int_equal(ev.action, ACTION_SUSPEND);
	screen_has("find: message ");
	screen_key("\017");
	ev = expect_event(UI_ACTION);
	assert_int_equal(ev.action, ACTION_SESSIONS);
	screen_lacks("find:");
	screen_key(FIND);
	ui_page(screen, "A page", "over it");
	screen_has("over it");
	screen_key("q");
	screen_has("find:");
	screen_key("\007");
	screen_lacks("find:");
	expect_no_event();
}

/* Keys, text and sizes in any order: the cursor stays on the screen, the draft as it was when the line is closed. */
static void
find__any_keys__do_no_harm(void **state)
{
	static const char *const keys[] = { "a", "b", "e\xcc\x81", "\xe4\xb8\x96", " ", "\177", "\027", "\025", UP,
		DOWN, FIND, PAGE_UP, HOME, END, WHEEL_UP, ALT_END, "\033[6~", PASTE("ab\nb"), "x" };
	static const char *const texts[] = { "a", "ab ", "\n", "e\xcc\x81", "\xe4\xb8\x96", "\t", "**b**", "```\n", "- a" };
	enum { KEYS = sizeof keys / sizeof *keys, TEXTS = sizeof texts / sizeof *texts };
	struct transcript *t;

	srand(21);
	screen_open(12, 60, NULL);
	t = ui_transcript(screen);
	transcript_add(t, ENTRY_SYSTEM, "system", "a\nb\na\nb\na\nb");
	screen_say_numbers(0, 5);
	screen_keys("draft");
	for (int round = 0; round < 4000; round++) {
		const char *text = texts[rand() % TEXTS];
		int row, col;

		if (round % 100 == 0)
			screen_keys(FIND);
		screen_keys(keys[rand() % KEYS]);
		if (transcript_count(t))
			transcript_append(t, (size_t)rand() % transcript_count(t), text, strlen(text));
		if (rand() % 8 == 0)
			transcript_insert(t, (size_t)rand() % (transcript_count(t) + 1),
				(enum entry_kind)(rand() % 6), "who", text);
		if (rand() % 8 == 0 && transcript_count(t))
			transcript_remove(t, (size_t)rand() % transcript_count(t));
		if (rand() % 500 == 0)
			transcript_truncate(t, (size_t)rand() % 3);
		if (rand() % 20 == 0)
			ui_resize_to(screen, 1 + rand() % 30, 1 + rand() % 100);
		if (rand() % 2) {
			screen_text();
			ui_cursor(screen, &row, &col);
			assert_true(row >= 0 && col >= 0);
		}
		if (round % 100 == 99) {
			screen_keys(rand() % 2 ? "\007" : "\003");
			assert_string_equal(ui_input(screen), "draft");
		}
	}
	expect_no_event();
}

/* In the search of the history Ctrl-F is readline's, as is a count for it. */
static void
find__in_readlines_search__is_a_character_ahead(void **state)
{
	screen_open(12, 60, NULL);
	ui_remember(screen, "found");
	screen_key("\022fou");
	screen_key(FIND);
	screen_lacks("find:");
	screen_lacks("reverse");
	assert_string_equal(ui_input(screen), "found");
	screen_key("\001");
	screen_keys("\0333");
	screen_key(FIND);
	cursor_is(8, 7);
	screen_key(FIND);
	screen_has("find:");
}

#define FIND_TEST(name) cmocka_unit_test_teardown(name, screen_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIND_TEST(find__typing__goes_to_the_nearest_match_above),
		FIND_TEST(find__steps__go_round_and_stay_or_go_back),
		FIND_TEST(find__scrolling__goes_on_under_it),
		FIND_TEST(find__stream__is_searched_and_moves_nothing),
		FIND_TEST(find__nothing_found__follows_the_answer),
		FIND_TEST(find__resize__keeps_it_and_the_match),
		FIND_TEST(find__enter__keeps_the_match_in_view),
		FIND_TEST(find__paste__takes_the_first_line),
		FIND_TEST(find__other_actions__end_it),
		FIND_TEST(find__any_keys__do_no_harm),
		FIND_TEST(find__in_readlines_search__is_a_character_ahead),
	};

	setlocale(LC_ALL, "C.UTF-8");
	setenv("INPUTRC", "/dev/null", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
