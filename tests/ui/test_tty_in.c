#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ui/tty_in.h"

/* What comes out of a decoder, as text: keys by name, [seq] {paste} <button@row,col>. */
static void
drain(struct tty_in *t, struct strbuf *out)
{
	struct tty_event ev;
	char name[40];

	while (tty_in_next(t, &ev)) {
		if (out->len)
			strbuf_addc(out, ' ');
		switch (ev.type) {
		case TTY_KEY:
			key_label(ev.key, name);
			strbuf_adds(out, name);
			break;
		case TTY_SEQUENCE:
			strbuf_addf(out, "[seq %zu]", ev.raw_len);
			break;
		case TTY_PASTE:
			strbuf_addc(out, '{');
			strbuf_add(out, ev.text, ev.len);
			strbuf_addc(out, '}');
			break;
		case TTY_MOUSE:
			strbuf_addf(out, "<%d@%d,%d>", ev.button, ev.row, ev.col);
			break;
		}
	}
}

static const struct {
	const char *bytes;
	size_t n;
	const char *events;
} cases[] = {
#define S(literal) literal, sizeof(literal) - 1
	{ S("aZ \xc3\xa9\xe4\xb8\x96\xf0\x9f\x98\x80"),
		"a Z Space \xc3\xa9 \xe4\xb8\x96 \xf0\x9f\x98\x80" },
	{ S("\001\r\n\t\177\0\037"), "Ctrl-A Enter Ctrl-J Tab Backspace Ctrl-Space Ctrl-_" },
	{ S("\033[A\033OB\033[1;5C\033[D"), "Up Down Ctrl-Right Left" },
	{ S("\033[H\033[1~\033[7~\033OF\033[4~"), "Home Home Home End End" },
	{ S("\033[3~\033[2~\033[5~\033[6;3~"), "Del Ins PgUp Alt-PgDn" },
	{ S("\033OP\033[11~\033[15~\033[24;2~\033[[A"), "F1 F1 F5 Shift-F12 F1" },
	{ S("\033[Z\033[1;2A\033[1;3B"), "Shift-Tab Shift-Up Alt-Down" },
	{ S("\033f\033\r\033\177\033<\033\xc3\xa9\033\001"),
		"Alt-F Alt-Enter Alt-Backspace Alt-< Alt-\xc3\xa9 Ctrl-Alt-A" },
	{ S("\033[13;2u\033[27u\033[97;5u\033[57399u\033[44:60;4u"),
		"Shift-Enter Esc Ctrl-A 0 Alt-<" },
	{ S("\033[97;5:3u\033[57441u\033[97;9u\033[120;133u"),
		"Ctrl-X" }, /* release, Shift by itself, Super, with NumLock */
	{ S("\033[1089::99;5u\033[1092:1060:97;4u\033[1089:1057:99;6u\033[955::108;3u\033[1513::97;7u"),
		"Ctrl-C Alt-A Ctrl-C Alt-L Ctrl-Alt-A" },	/* what is Latin on keys of other scripts */
	{ S("\033[1102:1070:46;4u\033[1078::59;3u"), "Alt-. Alt-;" },
	{ S("\033[1089::99u\033[1089:1057:99;2u\033[246::59;3u\033[97:65:113;5u\033[1089;5u"),
		"\xd1\x81 \xd0\xa1 Alt-\xc3\xb6 Ctrl-A Ctrl-\xd1\x81" },
	{ S("\033[27;2;13~\033[27;5;9~\033[91;5u"), "Shift-Enter Ctrl-Tab Esc" },
	{ S("\033[<64;3;4M\033[<65;3;4M\033[<0;10;2M\033[<0;10;2m\033[<35;9;9M"),
		"<64@3,2> <65@3,2> <0@1,9>" },
	{ S("\033[M !!\033[M`!\""), "<0@0,0> <64@1,0>" },
	{ S("\033[I\033[O\033[?1;2c\033[?2004;1$y\033[24;80R"), "" }, /* focus, answers */
	{ S("\033[200~one\r\ntwo\033[A\033[201~x"), "{one\r\ntwo\033[A} x" },
	{ S("\033[200~\033[201~"), "{}" },
	{ S("\033[200~a\033[201\033[201~"), "{a\033[201}" },
	{ S("\033]0;title\a\033P1$r0m\033\\\033_x\033\\a"), "a" },
	{ S("\033[99;99zb"), "[seq 8] b" },
	{ S("\033[12\x01"), "Ctrl-A" },
	{ S("\033\033[A\033\033OA\033\033a"), "Alt-Up Alt-Up Esc Alt-A" },
	{ S("\033Oj\033OM\033Op"), "* Enter 0" },
	{ S("a\xff"
	    "b\xc3"
	    "c"),
		"a [seq 1] b [seq 1] c" },
	{ S("\xc2\x9b"
	    "31m"),
		"3 1 m" },
#undef S
};

static void
tty_in__next__decodes_what_is_split_anywhere(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (size_t split = 0; split <= cases[i].n; split++) {
			struct strbuf out = STRBUF_INIT;
			struct tty_in t;

			tty_in_init(&t);
			tty_in_feed(&t, cases[i].bytes, split);
			drain(&t, &out);
			tty_in_feed(&t, cases[i].bytes + split, cases[i].n - split);
			drain(&t, &out);
			assert_string_equal(out.s, cases[i].events);
			assert_false(tty_in_waiting(&t));
			assert_int_equal(tty_in_pending(&t), 0);
			strbuf_release(&out);
			tty_in_release(&t);
		}
	}
}

static void
tty_in__next__decodes_byte_by_byte(void **state)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct strbuf whole = STRBUF_INIT, bytes = STRBUF_INIT;
		struct tty_in t;

		tty_in_init(&t);
		tty_in_feed(&t, cases[i].bytes, cases[i].n);
		drain(&t, &whole);
		for (size_t k = 0; k < cases[i].n; k++) {
			tty_in_feed(&t, cases[i].bytes + k, 1);
			drain(&t, &bytes);
		}
		assert_string_equal(bytes.s, whole.s);
		strbuf_release(&whole);
		strbuf_release(&bytes);
		tty_in_release(&t);
	}
}

static void
tty_in__timeout__takes_what_is_there(void **state)
{
	static const struct {
		const char *bytes, *events;
	} waits[] = {
		{ "\033", "Esc" },
		{ "\033\033", "Esc Esc" },
		{ "\033[", "Alt-[" },
		{ "\033O", "Alt-O" },
		{ "\033]", "Alt-]" },
		{ "\033]0;x", "" },
		{ "\033[1;", "" },
		{ "\033P", "Alt-P" },
		{ "\033[M !", "" },
		{ "\033\033[", "Esc Alt-[" },
	};

	for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
		struct strbuf out = STRBUF_INIT;
		struct tty_in t;

		tty_in_init(&t);
		tty_in_feed(&t, waits[i].bytes, strlen(waits[i].bytes));
		drain(&t, &out);
		assert_string_equal(out.s, "");
		assert_true(tty_in_waiting(&t));
		tty_in_timeout(&t);
		drain(&t, &out);
		assert_string_equal(out.s, waits[i].events);
		assert_false(tty_in_waiting(&t));
		tty_in_feed(&t, "x", 1);	/* and then all is as before */
		drain(&t, &out);
		assert_int_equal(out.s[out.len - 1], 'x');
		strbuf_release(&out);
		tty_in_release(&t);
	}
}

static void
tty_in__next__waits_for_the_rest_of_a_character(void **state)
{
	struct tty_event ev;
	struct tty_in t;

	tty_in_init(&t);
	tty_in_feed(&t, "\xe4\xb8", 2);
	assert_false(tty_in_next(&t, &ev));
	assert_false(tty_in_waiting(&t));
	tty_in_feed(&t, "\x96", 1);
	assert_true(tty_in_next(&t, &ev));
	assert_int_equal(ev.key.sym, 0x4e16);
	tty_in_release(&t);
}

static void
tty_in__paste__has_no_size_limit_and_no_timeout(void **state)
{
	size_t n = 1 << 20;
	char *text = malloc(n);
	struct tty_event ev;
	struct tty_in t;

	assert_non_null(text);
	memset(text, 'p', n);
	tty_in_init(&t);
	tty_in_feed(&t, "\033[200~", 6);
	for (size_t i = 0; i < n; i += 4096) {
		tty_in_feed(&t, text + i, 4096);
		assert_false(tty_in_next(&t, &ev));
		assert_false(tty_in_waiting(&t));
	}
	tty_in_feed(&t, "\033[20", 4);
	assert_false(tty_in_next(&t, &ev));
	tty_in_feed(&t, "1~", 2);
	assert_true(tty_in_next(&t, &ev));
	assert_int_equal(ev.type, TTY_PASTE);
	assert_int_equal(ev.len, n);
	assert_memory_equal(ev.text, text, n);
	assert_true(t.saw_paste);
	assert_false(tty_in_next(&t, &ev));
	tty_in_release(&t);
	free(text);
}

static void
tty_in__paste__whose_end_is_lost_can_be_left(void **state)
{
	struct tty_event ev;
	struct tty_in t;

	tty_in_init(&t);
	tty_in_feed(&t, "\033[200~lost", 10);
	assert_false(tty_in_next(&t, &ev));
	tty_in_feed(&t, "\003", 1);
	assert_true(tty_in_next(&t, &ev));
	assert_int_equal(ev.type, TTY_PASTE);
	assert_int_equal(ev.len, 4);
	tty_in_release(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tty_in__next__decodes_what_is_split_anywhere),
		cmocka_unit_test(tty_in__next__decodes_byte_by_byte),
		cmocka_unit_test(tty_in__timeout__takes_what_is_there),
		cmocka_unit_test(tty_in__next__waits_for_the_rest_of_a_character),
		cmocka_unit_test(tty_in__paste__has_no_size_limit_and_no_timeout),
		cmocka_unit_test(tty_in__paste__whose_end_is_lost_can_be_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
