#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ui/keymap.h"

static struct key
key(const char *name)
{
	struct key k;

	assert_true(key_parse(name, strlen(name), &k));
	return k;
}

static void
keymap__new__has_the_defaults(void **state)
{
	struct keymap *k = keymap_new();

	assert_int_equal(keymap_lookup(k, key("Enter")), ACTION_SEND);
	assert_int_equal(keymap_lookup(k, key("M-Enter")), ACTION_NEWLINE);
	assert_int_equal(keymap_lookup(k, key("C-c")), ACTION_INTERRUPT);
	assert_int_equal(keymap_lookup(k, key("M-<")), ACTION_TOP);
	assert_int_equal(keymap_lookup(k, key("F1")), ACTION_HELP);
	assert_int_equal(keymap_lookup(k, key("a")), ACTION_NONE);
	assert_string_equal(keymap_keys(k, ACTION_NEWLINE), "Alt-Enter, Ctrl-J, Shift-Enter");
	assert_string_equal(keymap_keys(k, ACTION_PALETTE), "Ctrl-P");
	keymap_free(k);
}

static void
keymap__bind__replaces_and_unbinds(void **state)
{
	struct keymap *k = keymap_new();
	struct err e;

	assert_int_equal(keymap_bind(k, ACTION_PALETTE, "  F2\tC-x ", &e), 0);
	assert_int_equal(keymap_lookup(k, key("F2")), ACTION_PALETTE);
	assert_int_equal(keymap_lookup(k, key("C-x")), ACTION_PALETTE);
	assert_int_equal(keymap_lookup(k, key("C-p")), ACTION_NONE);
	assert_string_equal(keymap_keys(k, ACTION_PALETTE), "F2, Ctrl-X");
	assert_int_equal(keymap_bind(k, ACTION_PALETTE, "", &e), 0);
	assert_int_equal(keymap_lookup(k, key("F2")), ACTION_NONE);
	assert_string_equal(keymap_keys(k, ACTION_PALETTE), "");
	assert_int_equal(keymap_bind(k, ACTION_SESSIONS, "none", &e), 0);
	assert_int_equal(keymap_lookup(k, key("C-o")), ACTION_NONE);
	assert_int_equal(keymap_bind(k, ACTION_HELP, "F1 F1", &e), 0);
	assert_string_equal(keymap_keys(k, ACTION_HELP), "F1");
	keymap_free(k);
}

static void
keymap__bind__refuses_unknown_and_taken_keys(void **state)
{
	struct keymap *k = keymap_new();
	struct err e = { 0 };

	assert_int_equal(keymap_bind(k, ACTION_PALETTE, "C-x C-o", &e), -1);
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.text, "sessions"));
	assert_int_equal(keymap_lookup(k, key("C-p")), ACTION_PALETTE);	/* nothing changed */
	assert_int_equal(keymap_lookup(k, key("C-x")), ACTION_NONE);
	assert_int_equal(keymap_bind(k, ACTION_PALETTE, "Hyper-q", &e), -1);
	assert_non_null(strstr(e.text, "Hyper-q"));
	assert_int_equal(keymap_bind(k, ACTION_PALETTE, "C-", &e), -1);
	assert_int_equal(keymap_bind(k, ACTION_PALETTE, "\xff", &e), -1);
	assert_int_equal(keymap_bind(k, ACTION_PALETTE, "C-C-x", &e), -1);
	keymap_free(k);
}

static void
action__find__knows_each_name(void **state)
{
	for (int a = 0; a < ACTION_COUNT; a++) {
		assert_int_equal(action_find(action_name((enum action)a)), a);
		assert_true(strlen(action_help((enum action)a)) > 3);
	}
	assert_int_equal(action_find("fly"), -1);
}

static void
key__parse__has_one_form_for_a_key(void **state)
{
	assert_true(key_equal(key("C-P"), key("C-p")));
	assert_true(key_equal(key("S-Tab"), key("BackTab")));
	assert_true(key_equal(key("S-a"), key("A")));
	assert_true(key_equal(key("S-M-a"), key("M-A")));
	assert_true(key_equal(key("pgup"), key("PgUp")));
	assert_int_equal(key("\xc3\xa9").sym, 0xe9);
	assert_int_equal(key("-").sym, '-');
	assert_int_equal(key("C--").sym, '-');
	assert_int_equal(key("S-Enter").mods, KEY_SHIFT);
}

static void
key__bytes__are_those_of_a_plain_terminal(void **state)
{
	static const struct {
		const char *key, *bytes;
		size_t n;
	} cases[] = {
		{ "a", "a", 1 },
		{ "C-a", "\001", 1 },
		{ "M-f", "\033f", 2 },
		{ "Enter", "\r", 1 },
		{ "Up", "\033[A", 3 },
		{ "C-Left", "\033[1;5D", 6 },
		{ "PgUp", "\033[5~", 4 },
		{ "M-Del", "\033[3;3~", 6 },
		{ "F1", "\033OP", 3 },
		{ "F5", "\033[15~", 5 },
		{ "S-Up", "\033[1;2A", 6 },
		{ "C-Space", "\0", 1 },
		{ "C-M-h", "\033\010", 2 },
		{ "BackTab", "\033[Z", 3 },
		{ "C-1", "", 0 },
		{ "C-_", "\037", 1 },
		{ "C-/", "\037", 1 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char out[16];

		assert_int_equal(key_bytes(key(cases[i].key), out), cases[i].n);
		assert_memory_equal(out, cases[i].bytes, cases[i].n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keymap__new__has_the_defaults),
		cmocka_unit_test(keymap__bind__replaces_and_unbinds),
		cmocka_unit_test(keymap__bind__refuses_unknown_and_taken_keys),
		cmocka_unit_test(action__find__knows_each_name),
		cmocka_unit_test(key__parse__has_one_form_for_a_key),
		cmocka_unit_test(key__bytes__are_those_of_a_plain_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
