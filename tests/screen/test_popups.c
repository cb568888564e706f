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

#define UP "\033[A"
#define DOWN "\033[B"
#define PAGE_UP "\033[5~"
#define PAGE_DOWN "\033[6~"
#define END "\033[F"
#define BACKTAB "\033[Z"

static const struct ui_choice sessions[] = {
	{ "Trip to Cusco", "8 messages", NULL },
	{ "Sourdough, second try", "23 messages", NULL },
	{ "Why is the sky blue", "4 messages", NULL },
	{ "日本語の練習", "61 messages", NULL },
};

static void
pick(void)
{
	ui_pick(screen, &(struct ui_pick){ .tag = 7,
				.title = "Sessions",
				.items = sessions,
				.n = 4,
				.keys = "dr",
				.hint = "Enter opens · C-d deletes" });
}

static void
pick__list__begins_with_a_filter(void **state)
{
	static const size_t chosen[] = { 1, 1, 2, 2, 2 };	/* of the second and the third, which match */
	struct ui_event ev;

	screen_open(16, 64, NULL);
	for (size_t i = 0; i < 5; i++) {
		ui_pick(screen, &(struct ui_pick){ .items = sessions, .n = 4, .selected = i,
			.keys = "d", .filter = "y" });
		screen_has("/2");
		screen_keys("\004");
		ev = expect_event(UI_PICK_KEY);
		assert_int_equal(ev.choice, chosen[i]);
		assert_string_equal(ev.text, "y");
	}
	ui_pick(screen, &(struct ui_pick){ .items = sessions, .n = 4, .filter = "zzz" });
	screen_has("no match");
}

static void
pick__list__is_narrowed_by_typing(void **state)
{
	struct ui_event ev;

	screen_open(16, 64, NULL);
	pick();
	screen_is(
"┌─ hum ────────────────────────────────────────────────────────┐\n"
"│                                                              │\n"
"│                                                              │\n"
"│                                                              │\n"
"│         ┌─ Sessions ───────────────────────── 1/4 ─┐         │\n"
"│         │ › type to filter                         │         │\n"
"│         │ › Trip to Cusco          8 messages      │         │\n"
"│         │   Sourdough, second try  23 messages     │         │\n"
"│         │   Why is the sky blue    4 messages      │         │\n"
"│         │   日本語の練習           61 messages     │         │\n"
"│         └────────────── Enter opens · C-d deletes ─┘         │\n"
"├──────────────────────────────────────────────────────────────┤\n"
"│ >                                                            │\n"
"├──────────────────────────────────────────────────────────────┤\n"
"│                                                              │\n"
"└──────────────────────────────────────────────────────────────┘\n"
	);
	cursor_is(5, 14);
	screen_keys("s TR");			/* every word, any case, in any column */
	screen_is(
"┌─ hum ────────────────────────────────────────────────────────┐\n"
"│                                                              │\n"
"│                                                              │\n"
"│                                                              │\n"
"│         ┌─ Sessions ───────────────────────── 1/2 ─┐         │\n"
"│         │ › s TR                                   │         │\n"
"│         │ › Trip to Cusco          8 messages      │         │\n"
"│         │   Sourdough, second try  23 messages     │         │\n"
"│         │                                          │         │\n"
"│         │                                          │         │\n"
"│         └────────────── Enter opens · C-d deletes ─┘         │\n"
"├──────────────────────────────────────────────────────────────┤\n"
"│ >                                                            │\n"
"├──────────────────────────────────────────────────────────────┤\n"
"│                                                              │\n"
"└──────────────────────────────────────────────────────────────┘\n"
	);
	cursor_is(5, 18);
	screen_keys("\177\177");
	screen_has("1/4");
	screen_keys("\025" "語");
	screen_has("› 日本語の練習");
	assert_int_equal(expect_event(UI_PICK_MOVED).choice, 3);
	screen_keys("zz");
	screen_has("no match");
	screen_keys("\r");			/* nothing to choose */
	assert_true(ui_has_popup(screen));
	screen_keys("\027");
	screen_has("1/4");
	while (ui_next_event(screen, &ev))
		assert_int_equal(ev.tag, 7);
}

static void
pick__keys__move_choose_and_cancel(void **state)
{
	struct ui_event ev;

	screen_open(16, 64, NULL);
	pick();
	screen_keys(DOWN);
	assert_int_equal(expect_event(UI_PICK_MOVED).choice, 1);
	screen_keys("\016");
	assert_int_equal(expect_event(UI_PICK_MOVED).choice, 2);
	screen_keys(END);
	assert_int_equal(expect_event(UI_PICK_MOVED).choice, 3);
	screen_keys(DOWN);			/* there is no more */
	expect_no_event();
	screen_keys(BACKTAB);
	expect_event(UI_PICK_MOVED);
	screen_keys("\004");			/* C-d is the list's */
	ev = expect_event(UI_PICK_KEY);
	assert_int_equal(ev.key, 'd');
	assert_int_equal(ev.choice, 2);
	assert_int_equal(ev.tag, 7);
	assert_true(ui_has_popup(screen));
	screen_keys("sky\r");
	ev = expect_event(UI_PICK);
	assert_int_equal(ev.choice, 2);
	assert_false(ui_has_popup(screen));
	pick();
	screen_key("\033");
	assert_int_equal(expect_event(UI_PICK_CANCELLED).tag, 7);
	assert_false(ui_has_popup(screen));
	pick();
	screen_keys("\003");			/* the list's, not the program's */
	expect_event(UI_PICK_CANCELLED);
	expect_no_event();
	screen_keys("text");
	screen_has("> text");
}

static void
pick__long_list__scrolls_with_the_choice(void **state)
{
	static struct ui_choice items[500];
	static char labels[500][20];

	for (int i = 0; i < 500; i++) {
		snprintf(labels[i], sizeof labels[i], "item %d", i);
		items[i].label = labels[i];
	}
	screen_open(24, 80, NULL);
	ui_pick(screen,
		&(struct ui_pick){ .title = "Many", .items = items, .n = 500, .selected = 250 });
	screen_has("› item 250");
	screen_has("251/500");
	screen_keys(PAGE_DOWN);
	screen_has("› item 266");
	screen_keys(PAGE_UP PAGE_UP);
	expect_event(UI_PICK_MOVED);
	expect_event(UI_PICK_MOVED);
	expect_event(UI_PICK_MOVED);
	screen_has("› item 234");
	screen_keys("\033[<65;9;9M");
	expect_event(UI_PICK_MOVED);
	screen_has("› item 235");
	screen_keys(END);
	expect_event(UI_PICK_MOVED);
	screen_has("› item 499");
	screen_keys("49");
	expect_no_event();
	screen_has("› item 499");		/* what was chosen stays chosen */
	screen_keys("9");
	screen_has("1/1");
	for (int rows = 1; rows < 24; rows++) {
		ui_resize_to(screen, rows, rows * 4);
		screen_text();
	}
}

static void
pick__preview__stands_beside_or_below(void **state)
{
	static const struct ui_choice items[] = {
		{ "one", "first",
			"The first thing that was said, and it was long enough to be wrapped" },
		{ "two", "second", "Another" },
	};

	screen_open(24, 100, NULL);
	ui_pick(screen, &(struct ui_pick){ .title = "Previews", .items = items, .n = 2 });
	screen_has("› one  first   │ The first thing that was said, and it was long enough to be wrapped");
	screen_keys(DOWN);
	screen_has("│ Another ");
	ui_resize_to(screen, 24, 60);
	screen_has("Another");
	screen_has("› two  second");
	ui_resize_to(screen, 9, 30);
	screen_lacks("Another");
}

static void
pick__preview__comes_later_for_the_chosen_row(void **state)
{
	static const struct ui_choice models[] = { { "one", NULL, "" }, { "two", NULL, "" } };

	screen_open(24, 100, NULL);
	ui_pick_preview(screen, 0, "nobody asked");
	ui_pick(screen, &(struct ui_pick){ .tag = 7, .title = "Models", .items = models, .n = 2 });
	screen_lacks("nobody asked");
	ui_pick_preview(screen, 0, "facts of one");
	ui_pick_preview(screen, 1, "facts of two");
	ui_pick_preview(screen, 2, "facts of none");
	screen_has("facts of one");
	screen_lacks("facts of two");
	screen_key(DOWN);
	assert_int_equal(expect_event(UI_PICK_MOVED).choice, 1);
	screen_has("facts of two");
	ui_pick_preview(screen, 1, "other\033facts");
	screen_lacks("facts of two");
	screen_has("other");
}

static void
pick__empty__says_so(void **state)
{
	screen_open(16, 64, NULL);
	ui_pick(screen,
		&(struct ui_pick){ .tag = 1, .title = "Sessions", .empty = "no sessions yet" });
	screen_has("no sessions yet");
	screen_keys("\r\004" DOWN);
	expect_no_event();
}

static void
ask__question__is_answered_by_y_and_n(void **state)
{
	struct ui_event ev;

	screen_open(12, 60, NULL);
	ui_ask(screen, 3,
		"Delete the session \"Trip to Cusco\"? Its 8 messages go to the archive.");
	screen_is(
"┌─ hum ────────────────────────────────────────────────────┐\n"
"│                                                          │\n"
"│                                                          │\n"
"│ ┌──────────────────────────────────────────────────────┐ │\n"
"│ │ Delete the session \"Trip to Cusco\"? Its 8 messages   │ │\n"
"│ │ go to the archive.                                   │ │\n"
"│ │                                                      │ │\n"
"├─│ y yes   n no                                         │─┤\n"
"│ └──────────────────────────────────────────────────────┘ │\n"
"├──────────────────────────────────────────────────────────┤\n"
"│                                                          │\n"
"└──────────────────────────────────────────────────────────┘\n"
	);
	screen_keys("x\r");			/* neither */
	expect_no_event();
	screen_keys("y");
	ev = expect_event(UI_ANSWER);
	assert_int_equal(ev.choice, 1);
	assert_int_equal(ev.tag, 3);
	assert_false(ui_has_popup(screen));
	ui_ask(screen, 3, "Sure?");
	screen_key("\033");
	assert_int_equal(expect_event(UI_ANSWER).choice, 0);
	for (int rows = 1; rows < 14; rows++) {
		ui_resize_to(screen, rows, 2 * rows);
		ui_ask(screen, 3, "A question that is longer than the screen is wide");
		screen_text();
	}
}

static void
ask__question__is_whole_on_a_small_screen(void **state)
{
	screen_open(12, 24, NULL);
	ui_ask(screen, 3, "Delete \"Trip to Cusco\"? Its 8 messages go to the archive.");
	screen_has("Delete \"Trip to Cusco\"?\n"
		   "Its 8 messages go to the\n"
		   "archive.\n"
		   "y yes   n no\n");
}

static void
page__text__is_read_and_closed(void **state)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_adds(&text, "# Keys\n\n- `Enter` sends\n");
	for (int i = 0; i < 40; i++)
		strbuf_addf(&text, "line %d\n", i);
	screen_open(12, 60, NULL);
	ui_page(screen, "Help", text.s);
	strbuf_release(&text);
	screen_is(
"┌─ hum ────────────────────────────────────────────────────┐\n"
"│ ┌─ Help ───────────────────────────────────────── 18% ─┐ │\n"
"│ │ # Keys                                               │ │\n"
"│ │                                                      │ │\n"
"│ │ - `Enter` sends                                      │ │\n"
"│ │ line 0                                               │ │\n"
"│ │ line 1                                               │ │\n"
"├─│ line 2                                               │─┤\n"
"│ │ line 3                                               │ │\n"
"├─│ line 4                                               │─┤\n"
"│ └───────────────────────────────────────── Esc closes ─┘ │\n"
"└──────────────────────────────────────────────────────────┘\n"
	);
	assert_int_equal(style_of("Keys").attr, STYLE_BOLD | STYLE_UNDERLINE);
	screen_keys(PAGE_DOWN);
	screen_has("line 11");
	screen_keys("G");
	screen_has("line 39");
	screen_has("100%");
	screen_keys("k");
	screen_lacks("line 39");
	screen_keys("g");
	screen_has("# Keys");
	screen_keys("q");
	assert_false(ui_has_popup(screen));
	expect_no_event();
	ui_page(screen, "One", "short");
	screen_has("│ short");
	screen_key("\033");
	expect_no_event();
	assert_false(ui_has_popup(screen));
}

static void
page__rows_of_two_columns__go_on_in_the_second(void **state)
{
	screen_open(12, 60, NULL);
	ui_page(screen, "Keys",
		"  Esc       stop the answer that is being written, and keep it\n"
		"No column.  This sentence is wrapped as any other would be.\n");
	screen_has("│   Esc       stop the answer that is being written,");
	screen_has("│             and keep it");
	screen_has("│ would be.");
	ui_resize_to(screen, 12, 30);		/* too narrow for it */
	screen_has("│   answer that");
}

static void
popup__paste__goes_to_the_filter(void **state)
{
	screen_open(16, 64, NULL);
	pick();
	screen_keys("\033[200~sour\ndough\033[201~");
	screen_has("› Sourdough, second try");
	assert_string_equal(ui_input(screen), "");
	expect_event(UI_PICK_MOVED);
	ui_close_popup(screen);
	screen_lacks("Sourdough");
	pick();
	screen_has("type to filter");
	screen_keys("\033[200~cusco\033[201~");	/* what was chosen stays chosen */
	screen_has("› cusco");
}

static void
popup__paste__fills_the_filter_and_no_more(void **state)
{
	struct strbuf paste = STRBUF_INIT;

	strbuf_adds(&paste, "\033[200~x");
	for (int i = 0; i < 1000; i++)
		strbuf_adds(&paste, "é");
	strbuf_adds(&paste, "\033[201~");
	screen_open(16, 64, NULL);
	pick();
	screen_keys(paste.s);
	screen_has("éééé ");			/* its end; no half of a letter */
	screen_lacks("�");
	screen_keys("éz");			/* there is room for one byte */
	screen_has("ééz ");
	screen_keys("y");
	screen_has("ééz ");
	screen_keys("\177\177ab");
	screen_has("ééab ");
	strbuf_release(&paste);
}

/* ---- completion ------------------------------------------------------------------------------ */

static void
complete(void *ctx, const char *line, size_t cursor, struct ui_completions *out)
{
	static const char *const commands[][2] = {
		{ "/model ", "change the model" }, { "/move", NULL }, { "/help", "this page" },
	};

	if (*line != '/')
		return;
	for (size_t i = 0; i < 3; i++)
		if (!strncmp(commands[i][0], line, cursor))
			ui_completions_add(out, commands[i][0], commands[i][1]);
}

static void
complete__tab__completes_what_is_common_and_lists_the_rest(void **state)
{
	screen_open(12, 60, &(struct ui_opts){ .complete = complete });
	screen_keys("/h\t");
	assert_string_equal(ui_input(screen), "/help");
	screen_keys("\025/m\t");
	assert_string_equal(ui_input(screen), "/mo");
	screen_is(
"┌─ hum ────────────────────────────────────────────────────┐\n"
"│                                                          │\n"
"│                                                          │\n"
"│                                                          │\n"
"│                                                          │\n"
"│   /model   change the model                              │\n"
"│   /move                                                  │\n"
"├──────────────────────────────────────────────────────────┤\n"
"│ > /mo                                                    │\n"
"├──────────────────────────────────────────────────────────┤\n"
"│                                                          │\n"
"└──────────────────────────────────────────────────────────┘\n"
	);
	screen_keys("\t");
	assert_string_equal(ui_input(screen), "/model ");
	screen_keys(DOWN);
	assert_string_equal(ui_input(screen), "/move");
	screen_keys("\t");			/* round and round */
	assert_string_equal(ui_input(screen), "/model ");
	screen_keys(BACKTAB);
	assert_string_equal(ui_input(screen), "/move");
	screen_key("\033");				/* as it was typed */
	assert_string_equal(ui_input(screen), "/mo");
	screen_lacks("change the model");
	expect_no_event();
	screen_key("\t\t\r");			/* Enter takes the choice and does not send */
	expect_no_event();
	assert_string_equal(ui_input(screen), "/model ");
	screen_lacks("/move");
	screen_keys("\r");
	assert_string_equal(expect_event(UI_SUBMIT).text, "/model ");
}

static void
complete__typing__narrows_the_list(void **state)
{
	screen_open(12, 60, &(struct ui_opts){ .complete = complete });
	screen_keys("/\t");
	screen_has("this page");
	screen_keys("m");
	screen_lacks("this page");
	screen_has("change the model");
	screen_keys("x");
	screen_lacks("change the model");
	screen_keys("\177\t");
	screen_has("/move");
	screen_keys("\003");			/* the program's: and the list is gone */
	assert_int_equal(expect_event(UI_ACTION).action, ACTION_INTERRUPT);
	screen_lacks("/move");
	screen_keys("\025plain\t");
	assert_string_equal(ui_input(screen), "plain");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, screen_teardown)
	const struct CMUnitTest tests[] = {
		TEST(pick__list__is_narrowed_by_typing),
		TEST(pick__list__begins_with_a_filter),
		TEST(pick__keys__move_choose_and_cancel),
		TEST(pick__long_list__scrolls_with_the_choice),
		TEST(pick__preview__stands_beside_or_below),
		TEST(pick__preview__comes_later_for_the_chosen_row),
		TEST(pick__empty__says_so),
		TEST(ask__question__is_answered_by_y_and_n),
		TEST(ask__question__is_whole_on_a_small_screen),
		TEST(page__text__is_read_and_closed),
		TEST(page__rows_of_two_columns__go_on_in_the_second),
		TEST(popup__paste__goes_to_the_filter),
		TEST(popup__paste__fills_the_filter_and_no_more),
		TEST(complete__tab__completes_what_is_common_and_lists_the_rest),
		TEST(complete__typing__narrows_the_list),
	};

	setlocale(LC_ALL, "C.UTF-8");
	setenv("INPUTRC", "/dev/null", 1);
	unsetenv("NO_COLOR");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
