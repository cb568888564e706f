#include "config.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/screen/screen.h"

#define UP "\033[A"
#define DOWN "\033[B"
#define LEFT "\033[D"
#define PAGE_UP "\033[5~"
#define PAGE_DOWN "\033[6~"
#define HOME "\033[H"
#define END "\033[F"
#define ALT_ENTER "\033\r"
#define WHEEL_UP "\033[<64;5;5M"
#define WHEEL_DOWN "\033[<65;5;5M"

/* A chat as it is after one question. */
static void
small_chat(void)
{
	struct transcript *t = ui_transcript(screen);

	ui_set_title(screen, "Trip to Cusco", "llama-2-13b-chat");
	ui_set_placeholder(screen, "Ask anything");
	ui_set_status(screen, &(struct ui_status){ .context_used = 1912,
				      .context_size = 4096,
				      .system_tokens = 34,
				      .state = "generating 13.9 tok/s",
				      .progress = -1,
				      .hint = "Esc stops" });
	transcript_add(t, ENTRY_USER, "you", "Which month is driest?");
	transcript_add(t, ENTRY_ASSISTANT, "llama", "**June** and **July**: not a drop.");
	transcript_set_footer(t, 1, "14.2 tok/s · 118 tokens");
}

/* ---- sizes ----------------------------------------------------------------------------------- */

static void
screen__80x24__has_the_whole_look(void **state)
{
	screen_open(24, 80, NULL);
	small_chat();
	screen_is(
"┌─ hum ── Trip to Cusco ──────────────────────────────────── llama-2-13b-chat ─┐\n"
"│ ▌you   Which month is driest?                                                │\n"
"│                                                                              │\n"
"│ ▌llama **June** and **July**: not a drop.                                    │\n"
"│        14.2 tok/s · 118 tokens                                               │\n"
"│                                                                              │\n"
"│                                                                              │\n"
"│                                                                              │\n"
"│                                                                              │\n"
"│                                                                              │\n"
"│                                                                              │\n"
"│                                                                              │\n"
"│                                                                              │\n"
"│                                                                              │\n"
"│                                                                              │\n"
"│                                                                              │\n"
"│                                                                              │\n"
"│                                                                              │\n"
"│                                                                              │\n"
"├──────────────────────────────────────────────────────────────────────────────┤\n"
"│ > Ask anything                                                               │\n"
"├──────────────────────────────────────────────────────────────────────────────┤\n"
"│ ctx ▰▰▰▰▱▱▱▱ 1912/4096 · system 34 · generating 13.9 tok/s         Esc stops │\n"
"└──────────────────────────────────────────────────────────────────────────────┘\n"
	);
	cursor_is(20, 4);
}

static void
screen__40x10__has_no_frame(void **state)
{
	screen_open(10, 40, NULL);
	small_chat();
	screen_is(
"hum · Trip to Cusco     llama-2-13b-chat\n"
"▌you   Which month is driest?\n"
"▌llama **June** and **July**: not a\n"
"▌      drop.\n"
"       14.2 tok/s · 118 tokens\n"
"\n"
"\n"
"────────────────────────────────────────\n"
"> Ask anything\n"
"generating 13.9 tok/s          Esc stops\n"
	);
}

static void
screen__20x5__has_what_matters(void **state)
{
	screen_open(5, 20, NULL);
	small_chat();
	screen_is(
"▌**July**: not a\n"
"▌drop.\n"
" 14.2 tok/s · 118 t…\n"
"> Ask anything\n"
"generating 13.9 tok…\n"
	);
	cursor_is(3, 2);
	screen_keys("a question that is long");
	screen_is(
"▌drop.\n"
" 14.2 tok/s · 118 t…\n"
"> a question that\n"
"  is long\n"
"generating 13.9 tok…\n"
	);
	cursor_is(3, 9);
}

static void
screen__120x40__uses_the_room(void **state)
{
	screen_open(40, 120, NULL);
	small_chat();
	screen_has("ctx ▰▰▰▰▱▱▱▱ 1912/4096 · system 34 · generating 13.9 tok/s      ");
	screen_has("    Esc stops │\n└──");
	cursor_is(36, 4);
}

static void
screen__any_size__does_no_harm(void **state)
{
	screen_open(1, 1, NULL);
	small_chat();
	screen_say_numbers(0, 20);
	screen_keys("typed 世界");
	screen_takes_all_sizes();
}

static void
screen__open__works_again_and_again(void **state)
{
	for (int i = 0; i < 3; i++) {
		screen_open(12, 60, NULL);
		small_chat();
		screen_keys("text");
		screen_has("> text");
		screen_close();
	}
	screen_open(12, 60, NULL);
	screen_lacks("text");
}

/* ---- input ----------------------------------------------------------------------------------- */

static void
input__enter__submits_and_clears(void **state)
{
	struct ui_event ev;

	screen_open(12, 60, NULL);
	ui_set_placeholder(screen, "Ask anything");
	screen_keys("hello\r");
	ev = expect_event(UI_SUBMIT);
	assert_string_equal(ev.text, "hello");
	expect_no_event();
	screen_has("> Ask anything");
	screen_keys("  \r");			/* blanks are no message */
	expect_no_event();
	screen_keys("!" ALT_ENTER);
	screen_keys("\r");
	ev = expect_event(UI_SUBMIT);
	assert_string_equal(ev.text, "  !");
}

static void
input__lines__grow_the_box_and_the_cursor_is_exact(void **state)
{
	screen_open(12, 50, NULL);
	screen_say_numbers(0, 9);
	screen_keys("first" ALT_ENTER);
	screen_keys("世界 e\xcc\x81!" ALT_ENTER "\033[13;2u" "\n");
	screen_keys("last words of a line that is longer than the box is wide");
	screen_is(
"┌─ hum ──────────────────────────────────────────┐\n"
"│ ▌you message 6                                 │\n"
"│ ▌you message 7                                 │\n"
"│ ▌you message 8                                 │\n"
"├────────────────────────────────────────────────┤\n"
"│ ▲                                              │\n"
"│                                                │\n"
"│   last words of a line that is longer than     │\n"
"│   the box is wide                              │\n"
"├────────────────────────────────────────────────┤\n"
"│                                                │\n"
"└────────────────────────────────────────────────┘\n"
	);
	cursor_is(8, 19);
	screen_key(HOME);
	cursor_is(7, 4);
	screen_key(UP);
	screen_key(UP);
	screen_key(UP);
	screen_key(UP);
	screen_is(
"┌─ hum ──────────────────────────────────────────┐\n"
"│ ▌you message 6                                 │\n"
"│ ▌you message 7                                 │\n"
"│ ▌you message 8                                 │\n"
"├────────────────────────────────────────────────┤\n"
"│ > first                                        │\n"
"│   世界 é!                                      │\n"
"│                                                │\n"
"│ ▼                                              │\n"
"├────────────────────────────────────────────────┤\n"
"│                                                │\n"
"└────────────────────────────────────────────────┘\n"
	);
	cursor_is(5, 4);
	screen_key(DOWN);
	screen_key(END);
	cursor_is(6, 11);			/* 世界 is four cells, e with its accent one */
	screen_key(LEFT);
	screen_key(LEFT);
	cursor_is(6, 9);
	screen_key(LEFT);
	screen_key(LEFT);
	cursor_is(6, 6);
}

static void
input__paste__is_one_insertion_and_never_sends(void **state)
{
	struct ui_event ev;

	screen_open(12, 60, NULL);
	screen_keys("a \033[200~one\r\ntwo\rthree\n\033[31m\033[201~");
	expect_no_event();
	screen_has("> a one ");
	screen_has("  three");
	screen_has("␛[31m");
	screen_keys("\037");			/* undo takes all of it back */
	assert_string_equal(ui_input(screen), "a ");
	screen_keys("\033[200~x\ny\n\033[201~");
	screen_keys("\r");
	ev = expect_event(UI_SUBMIT);
	assert_string_equal(ev.text, "a x\ny");
}

static void
input__burst__is_a_paste_where_pastes_are_not_bracketed(void **state)
{
	struct ui_event ev;

	screen_open(12, 60, NULL);
	screen_keys("one\rtwo\r");
	expect_no_event();
	assert_string_equal(ui_input(screen), "one\ntwo\n");
	screen_wait(100);
	screen_keys("\r");
	ev = expect_event(UI_SUBMIT);
	assert_string_equal(ev.text, "one\ntwo");
	screen_keys("\033[200~x\033[201~");	/* this terminal brackets them: Enter is Enter */
	screen_keys("\ry");
	ev = expect_event(UI_SUBMIT);
	assert_string_equal(ev.text, "x");
	expect_no_event();
	assert_string_equal(ui_input(screen), "y");
}

static void
input__burst__in_a_search_sends_nothing(void **state)
{
	screen_open(12, 60, NULL);
	screen_keys("found");
	screen_wait(100);
	screen_keys("\r");
	expect_event(UI_SUBMIT);
	screen_wait(100);
	screen_keys("\022");
	screen_keys("fo\rund\r\ta");
	expect_no_event();
	screen_has("(failed reverse-i-search)`founda'");
	screen_keys("\003");
	screen_wait(100);
	expect_no_event();
}

static void
complete_here(void *ctx, const char *line, size_t cursor, struct ui_completions *out)
{
	out->start = cursor;
	ui_completions_add(out, "!", NULL);
}

static void
input__burst__keeps_the_tabs_of_pasted_code(void **state)
{
	screen_open(12, 60, &(struct ui_opts){ .complete = complete_here });
	screen_keys("if:\r\tone\t/m\r\t");
	expect_no_event();
	assert_string_equal(ui_input(screen), "if:\n\tone\t/m\n\t");
	screen_wait(100);
	screen_keys("\t");	/* one by itself completes */
	assert_string_equal(ui_input(screen), "if:\n\tone\t/m\n\t!");
}

static void
input__paste__of_a_megabyte_is_shown(void **state)
{
	size_t n = 1 << 20;
	char *text = malloc(n + 1);

	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		text[i] = i % 61 == 60 ? '\n' : (char)('a' + i % 26);
	text[n] = '\0';
	screen_open(24, 80, NULL);
	screen_keys("\033[200~");
	ui_feed(screen, text, n);
	screen_keys("\033[201~");
	expect_event(UI_EDITED);
	assert_int_equal(strlen(ui_input(screen)), n);
	screen_text();
	cursor_is(20, 4 + (int)(n % 61));
	free(text);
}

static void
input__keys__unknown_ones_are_swallowed(void **state)
{
	screen_open(12, 60, NULL);
	screen_keys("a\033[99;5x\033[57441u\033]0;t\a\033Pq\033\\\xc2\x9b" "b\xff" "c");
	assert_string_equal(ui_input(screen), "abc");
	screen_keys("\033[I\033[O\033[?1;2c");
	assert_string_equal(ui_input(screen), "abc");
}

static void
input__escape__alone_is_the_action_after_a_moment(void **state)
{
	struct ui_event ev;

	screen_open(12, 60, NULL);
	screen_text();
	assert_int_equal(ui_timeout(screen), -1);
	screen_keys("\033");
	expect_no_event();
	assert_in_range(ui_timeout(screen), 1, 50);
	screen_wait(50);
	ev = expect_event(UI_ACTION);
	assert_int_equal(ev.action, ACTION_STOP);
	screen_keys("\033");
	screen_keys("[");
	screen_keys("A");			/* Up, however slowly it comes */
	screen_wait(50);
	expect_no_event();
	screen_text();
	assert_int_equal(ui_timeout(screen), -1);
}

static void
input__search__comes_first_and_is_visible(void **state)
{
	struct ui_event ev;

	screen_open(12, 60, NULL);
	screen_keys("find the 世界\r");
	expect_event(UI_SUBMIT);
	screen_keys("other\r");
	expect_event(UI_SUBMIT);
	screen_key("\022界");
	screen_has("> (reverse-i-search)`界': find the 世界");
	cursor_is(8, 4 + 24 + 11);
	screen_keys("\003");			/* leaves the search, not more */
	expect_no_event();
	screen_lacks("reverse");
	screen_key("\022find");
	screen_keys("\033");
	screen_wait(50);
	expect_no_event();
	assert_string_equal(ui_input(screen), "find the 世界");
	screen_lacks("reverse");
	screen_keys("\003");
	ev = expect_event(UI_ACTION);
	assert_int_equal(ev.action, ACTION_INTERRUPT);
}

static void
input__search__ends_where_an_action_begins(void **state)
{
	static const struct {
		const char *key;
		enum action action;
	} actions[] = {
		{ "\017", ACTION_SESSIONS }, { "\020", ACTION_PALETTE }, { "\033OP", ACTION_HELP },
	};
	struct ui_event ev;

	screen_open(12, 60, NULL);
	screen_keys("found\r");
	expect_event(UI_SUBMIT);
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
		screen_key("\022fou");
		screen_keys(actions[i].key);
		ev = expect_event(UI_ACTION);
		assert_int_equal(ev.action, actions[i].action);
		expect_no_event();
		screen_lacks("reverse");
		assert_string_equal(ui_input(screen), "found");
		screen_keys("\025");
	}
	screen_keys("\0335");			/* a numeric argument */
	screen_has("(arg: 5)");
	screen_keys("\017");
	ev = expect_event(UI_ACTION);
	assert_int_equal(ev.action, ACTION_SESSIONS);
	screen_lacks("(arg: 5)");
	screen_key("\022fou");
	screen_keys("\007");			/* Ctrl-G is the search's own */
	expect_no_event();
	screen_lacks("reverse");
	screen_key("\022fou");
	screen_keys("\r");
	ev = expect_event(UI_SUBMIT);
	assert_string_equal(ev.text, "found");
}

static void
input__search__sends_by_the_key_that_sends(void **state)
{
	struct keymap *k = keymap_new();
	struct ui_event ev;

	assert_int_equal(keymap_bind(k, ACTION_NEWLINE, "C-j", NULL), 0);
	assert_int_equal(keymap_bind(k, ACTION_SEND, "M-Enter", NULL), 0);
	assert_int_equal(keymap_bind(k, ACTION_NEWLINE, "Enter C-j", NULL), 0);
	screen_open(12, 60, &(struct ui_opts){ .keymap = k });
	screen_keys("found\033\r");
	expect_event(UI_SUBMIT);
	screen_key("\022fou");
	screen_keys("\r");
	expect_no_event();
	assert_string_equal(ui_input(screen), "\nfound");
	screen_keys("\177");
	screen_key("\022fou");
	screen_keys("\033\r");
	ev = expect_event(UI_SUBMIT);
	assert_string_equal(ev.text, "found");
	screen_keys("\033p");			/* a search in which Enter has to be told */
	screen_key("fou");
	screen_keys("\r");
	expect_no_event();
	assert_string_equal(ui_input(screen), "found");
}

static void
input__actions__win_over_readline_and_can_be_moved(void **state)
{
	struct keymap *k = keymap_new();
	struct ui_event ev;

	assert_int_equal(keymap_bind(k, ACTION_PALETTE, "F2", NULL), 0);
	screen_open(12, 60, &(struct ui_opts){ .keymap = k });
	screen_keys("one\r");
	expect_event(UI_SUBMIT);
	screen_keys("\020");			/* C-p is readline's now: the history */
	expect_no_event();
	assert_string_equal(ui_input(screen), "one");
	screen_keys("\033OQ");
	ev = expect_event(UI_ACTION);
	assert_int_equal(ev.action, ACTION_PALETTE);
	screen_keys("\017");
	ev = expect_event(UI_ACTION);
	assert_int_equal(ev.action, ACTION_SESSIONS);
}

static void
input__keys__after_an_action_wait_for_the_program(void **state)
{
	static const struct ui_choice items[] = { { .label = "alpha" }, { .label = "beta" } };

	screen_open(12, 60, NULL);
	screen_keys("\020be\r"); /* typed ahead of the list that the first key opens */
	assert_int_equal(expect_event(UI_ACTION).action, ACTION_PALETTE);
	ui_pick(screen, &(struct ui_pick){ .tag = 4, .items = items, .n = 2 });
	expect_event(UI_PICK_MOVED);
	assert_int_equal(expect_event(UI_PICK).choice, 1);
	assert_string_equal(ui_input(screen), "");
}

static void
input__vi__has_escape_first(void **state)
{
	screen_open(12, 60, NULL);
	screen_keys("\030v");			/* vi-editing-mode, of the inputrc */
	screen_keys("text\033");
	screen_wait(50);
	expect_no_event();			/* out of insert mode */
	screen_keys("x\033");
	screen_wait(50);
	assert_int_equal(expect_event(UI_ACTION).action, ACTION_STOP);
	assert_string_equal(ui_input(screen), "tex");
	screen_keys("cc\033[27u");		/* and with nothing typed it is both */
	assert_int_equal(expect_event(UI_ACTION).action, ACTION_STOP);
	screen_keys("\005");			/* emacs-editing-mode */
	screen_keys("\033");
	screen_wait(50);
	assert_int_equal(expect_event(UI_ACTION).action, ACTION_STOP);
}

static void
input__end_of_file__asks_as_an_interrupt_does(void **state)
{
	screen_open(12, 60, NULL);
	screen_keys("a\001\004");
	expect_no_event();
	assert_string_equal(ui_input(screen), "");
	screen_keys("\004");
	assert_int_equal(expect_event(UI_ACTION).action, ACTION_INTERRUPT);
	screen_keys("goes on");
	screen_has("> goes on");
}

static void
input__commands__of_several_keys_can_be_left(void **state)
{
	screen_open(12, 60, NULL);
	screen_keys("text\0305" "\033");	/* C-x 5 is none; M-5 is an argument */
	screen_wait(50);
	expect_event(UI_ACTION);
	screen_keys("\0335");
	screen_has("(arg: 5)");
	screen_keys("\003");
	expect_no_event();
	screen_lacks("arg");
	screen_keys("\026\003!");		/* C-v: even Ctrl-C is text */
	expect_no_event();
	screen_has("␃!");
	screen_keys("\030\033[5~y");		/* a key that is none of its ends it */
	screen_has("␃!y");
}

static void
input__set__is_undoable_and_told_once(void **state)
{
	screen_open(12, 60, NULL);
	screen_keys("draft");
	expect_event(UI_EDITED);
	expect_no_event();
	ui_set_input(screen, "two\nlines\033");
	expect_event(UI_EDITED);
	expect_no_event();
	assert_string_equal(ui_input(screen), "two\nlines␛");
	cursor_is(8, 10);
	screen_keys("\037");
	assert_string_equal(ui_input(screen), "draft");
}

/* ---- the chat -------------------------------------------------------------------------------- */

static void
chat__stream__is_followed_until_the_reader_leaves(void **state)
{
	struct transcript *t;
	char before[4096];

	screen_open(14, 60, NULL);
	t = ui_transcript(screen);
	screen_say_numbers(0, 10);
	transcript_add(t, ENTRY_ASSISTANT, "llama", "");
	for (int i = 0; i < 20; i++)
		transcript_append(t, 10, "line\n", 5);
	transcript_append(t, 10, "end", 3);
	screen_has("end");
	screen_keys(WHEEL_UP);
	screen_has("▼ more");
	screen_lacks("end");
	snprintf(before, sizeof before, "%.300s", screen_text());
	transcript_append(t, 10, "\none\ntwo", 8);
	screen_has("▼ 2 new lines");
	assert_int_equal(strncmp(screen_text(), before, 300), 0); /* the reader's lines stay */
	screen_keys(WHEEL_DOWN);
	screen_has("▼ 2 new lines");
	screen_keys(WHEEL_DOWN);
	screen_lacks("▼");
	screen_has("two");
	screen_keys(PAGE_UP PAGE_UP);
	screen_keys(END);			/* nothing is typed: it is the chat's */
	screen_has("two");
	screen_keys(HOME);
	screen_has("message 0");
	screen_keys("x" END);			/* something is: the input's */
	screen_has("message 0");
	screen_keys("\r");			/* who sends wants to see the answer */
	expect_event(UI_SUBMIT);
	screen_has("two");
}

static void
chat__resize__while_streaming_keeps_the_place(void **state)
{
	struct transcript *t;

	screen_open(14, 60, NULL);
	t = ui_transcript(screen);
	screen_say_numbers(0, 60);
	transcript_add(t, ENTRY_ASSISTANT, "llama", "");
	screen_keys(PAGE_UP PAGE_UP PAGE_UP PAGE_UP);
	screen_has("message 43");
	for (int i = 0; i < 20; i++) {
		transcript_append(t, 60, "some words ", 11);
		ui_resize_to(screen, 10 + i % 7, 30 + i * 5);
		screen_has("message 43");
	}
	ui_resize_to(screen, 14, 60);
	screen_keys("\033>");			/* M-> */
	screen_has("some words");
}

static void
chat__frames__are_no_more_than_sixty_a_second(void **state)
{
	screen_open(12, 60, NULL);
	transcript_add(ui_transcript(screen), ENTRY_ASSISTANT, "llama", "");
	screen_text();
	transcript_append(ui_transcript(screen), 0, "a", 1);
	assert_int_equal(ui_timeout(screen), 16);
	screen_keys("k");			/* a key does not wait */
	assert_int_equal(ui_timeout(screen), 0);
	screen_text();
	assert_int_equal(ui_timeout(screen), -1);
}

static void
chat__text__cannot_draw_outside_its_place(void **state)
{
	screen_open(12, 60, NULL);
	transcript_add(ui_transcript(screen), ENTRY_ASSISTANT, "\033[2Jx",
		"\033]52;c;aGk=\a\033[1;1Hup\x9b" "2J\xe2\x80\xae rtl \xff\n\tt\xe4\xb8\x96");
	ui_set_title(screen, "\033[31mtitle\n", "m\tm");
	ui_flash(screen, true, 0, "bad\033c\nnews");
	screen_is(
"┌─ hum ── ␛[31mtitle  ─────────────────────────────── m m ─┐\n"
"│ ▌␛[2Jx ␛]52;c;aGk=␇␛[1;1Hup�2J� rtl �                    │\n"
"│ ▌              t世                                       │\n"
"│                                                          │\n"
"│                                                          │\n"
"│                                                          │\n"
"│                                                          │\n"
"├──────────────────────────────────────────────────────────┤\n"
"│ >                                                        │\n"
"├──────────────────────────────────────────────────────────┤\n"
"│ bad␛c news                                               │\n"
"└──────────────────────────────────────────────────────────┘\n"
	);
}

static void
chat__clusters__keep_their_cells(void **state)
{
	screen_open(12, 50, NULL);
	transcript_add(ui_transcript(screen), ENTRY_USER, "", "👩‍💻|👁️‍🗨️|❤️|🇩🇪|👍🏽|é|한|का|世|");
	screen_has("👩|👁 |❤ |🇩🇪|👍|é|한|का|世|");
}

static void
chat__letters__of_any_script_are_all_there(void **state)
{
	screen_open(24, 80, NULL);
	transcript_add(ui_transcript(screen), ENTRY_USER, "",
		"ทำน้ำ คำ|ນ້ຳ|ｶﾞﾊﾟ|ကျေးဇူး|கொ|कोई विद्यार्थियों|র‍্যাম|क्ष|");
	screen_has("ทำน้ำ คำ|ນ້ຳ|ｶﾞﾊﾟ|ကျေးဇူး|கொ|कोई विद्यार्थियों|র্যাম|क्ष|");	/* no joiner */
}

static void
chat__flash__goes_with_time_or_a_key(void **state)
{
	screen_open(12, 60, NULL);
	small_chat();
	ui_flash(screen, false, 2000, "copied");
	screen_has("copied");
	screen_lacks("ctx");
	assert_in_range(ui_timeout(screen), 1, 2000);
	screen_wait(2000);
	screen_lacks("copied");
	ui_flash(screen, true, 0, "no such model");
	screen_wait(100000);
	screen_has("no such model");
	screen_keys("x");
	screen_lacks("no such model");
	screen_has("ctx");
	ui_resize_to(screen, 3, 20);
	ui_flash(screen, true, 0, "no room");
	screen_has("no room");
}

static void
chat__status__makes_room_by_rank(void **state)
{
	screen_open(24, 80, NULL);
	ui_set_status(screen, &(struct ui_status){ .context_used = 4000, .context_size = 4096,
		.system_tokens = 34, .state = "loading", .progress = 0.42, .hint = "Esc stops" });
	screen_has("│ ctx ▰▰▰▰▰▰▰▰ 4000/4096 · system 34 · loading ▰▰▰▱▱▱▱▱  42%         Esc stops │");
	ui_resize_to(screen, 24, 60);
	screen_has("│ ctx 4000/4096 · loading ▰▰▰▱▱▱▱▱  42%          Esc stops │");
	ui_resize_to(screen, 24, 32);
	screen_has("loading                Esc stops\n");
	ui_resize_to(screen, 24, 12);
	screen_has("loading\n");
}

/* ---- looks ----------------------------------------------------------------------------------- */

static void
look__styles__are_those_of_the_sheet(void **state)
{
	struct style_sheet s = style_sheet_mono;

	s.slot[STYLE_text] = (struct style){ 7, 17, 0 };
	s.slot[STYLE_user] = (struct style){ 2, STYLE_DEFAULT, 0 };
	s.slot[STYLE_strong] = (struct style){ STYLE_DEFAULT, STYLE_DEFAULT, STYLE_BOLD };
	s.slot[STYLE_footer] = (struct style){ STYLE_RGB | 0xff0000, STYLE_DEFAULT, STYLE_DIM };
	screen_open(24, 80, &(struct ui_opts){ .style = &s });
	small_chat();
	assert_int_equal(style_of("you").fg, 2);
	assert_int_equal(style_of("you").bg, 17);
	assert_int_equal(style_of("Which").fg, 7);
	assert_int_equal(style_of("June").attr, STYLE_BOLD);
	assert_int_equal(style_of("**June").attr, STYLE_DIM);
	assert_int_equal(style_of("14.2").fg, 196);
	assert_int_equal(style_of("14.2").attr, STYLE_DIM);
	ui_set_style(screen, NULL);
	assert_int_equal(style_of("you").fg, STYLE_DEFAULT);
	assert_int_equal(style_of("you").attr, STYLE_BOLD);
}

static void
look__no_color__is_honoured(void **state)
{
	struct style_sheet s = style_sheet_mono;

	s.slot[STYLE_user] = (struct style){ 2, 3, 0 };
	setenv("NO_COLOR", "1", 1);
	screen_open(24, 80, &(struct ui_opts){ .style = &s });
	unsetenv("NO_COLOR");
	small_chat();
	assert_int_equal(style_of("you").fg, STYLE_DEFAULT);
	assert_int_equal(style_of("you").bg, STYLE_DEFAULT);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, screen_teardown)
	const struct CMUnitTest tests[] = {
		TEST(screen__80x24__has_the_whole_look),
		TEST(screen__40x10__has_no_frame),
		TEST(screen__20x5__has_what_matters),
		TEST(screen__120x40__uses_the_room),
		TEST(screen__any_size__does_no_harm),
		TEST(screen__open__works_again_and_again),
		TEST(input__enter__submits_and_clears),
		TEST(input__lines__grow_the_box_and_the_cursor_is_exact),
		TEST(input__paste__is_one_insertion_and_never_sends),
		TEST(input__burst__is_a_paste_where_pastes_are_not_bracketed),
		TEST(input__burst__in_a_search_sends_nothing),
		TEST(input__burst__keeps_the_tabs_of_pasted_code),
		TEST(input__paste__of_a_megabyte_is_shown),
		TEST(input__keys__unknown_ones_are_swallowed),
		TEST(input__escape__alone_is_the_action_after_a_moment),
		TEST(input__search__comes_first_and_is_visible),
		TEST(input__search__ends_where_an_action_begins),
		TEST(input__search__sends_by_the_key_that_sends),
		TEST(input__actions__win_over_readline_and_can_be_moved),
		TEST(input__keys__after_an_action_wait_for_the_program),
		TEST(input__vi__has_escape_first),
		TEST(input__end_of_file__asks_as_an_interrupt_does),
		TEST(input__commands__of_several_keys_can_be_left),
		TEST(input__set__is_undoable_and_told_once),
		TEST(chat__stream__is_followed_until_the_reader_leaves),
		TEST(chat__resize__while_streaming_keeps_the_place),
		TEST(chat__frames__are_no_more_than_sixty_a_second),
		TEST(chat__text__cannot_draw_outside_its_place),
		TEST(chat__clusters__keep_their_cells),
		TEST(chat__letters__of_any_script_are_all_there),
		TEST(chat__flash__goes_with_time_or_a_key),
		TEST(chat__status__makes_room_by_rank),
		TEST(look__styles__are_those_of_the_sheet),
		TEST(look__no_color__is_honoured),
	};

	char inputrc[] = "/tmp/hum-screen-XXXXXX";
	int fd = mkstemp(inputrc), failed;

	if (fd < 0 || dprintf(fd, "\"\\C-xv\": vi-editing-mode\n") < 0 || close(fd))
		return 99;
	setlocale(LC_ALL, "C.UTF-8");
	setenv("INPUTRC", inputrc, 1);
	unsetenv("NO_COLOR");
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(inputrc);
	return failed;
}
