#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/utf8.h"
#include "engine/detok.h"
#include "tests/engine/tiny_vocab.h"

#define FFFD "\xef\xbf\xbd"

static struct tiny_vocab tiny;

static int
make_vocab(void **state)
{
	tiny_vocab_init(&tiny, tiny_words, NULL);
	return 0;
}

static int
free_vocab(void **state)
{
	tiny_vocab_release(&tiny);
	return 0;
}

/* Pushes the text byte by byte (so that every cut is met), '\1' being EOS; marks what each push
 * gave by '.'. */
static const char *
stream(const char *text, const char *const *stops)
{
	static struct strbuf out = STRBUF_INIT;
	struct detok d;

	strbuf_reset(&out);
	detok_init(&d, tiny.vocab, stops);
	for (; *text; text++) {
		struct strbuf piece = STRBUF_INIT;
		bool stopped;

		stopped = detok_push(
			&d, *text == 1 ? vocab_eos(tiny.vocab) : 3 + (unsigned char)*text, &piece);
		assert_true(utf8_valid(piece.s, piece.len));
		strbuf_add(&out, piece.s, piece.len);
		strbuf_addc(&out, '.');
		strbuf_release(&piece);
		if (stopped)
			strbuf_addc(&out, '!');
	}
	detok_flush(&d, &out);
	detok_release(&d);
	return out.s;
}

static void
detok__push__hands_out_text_at_once(void **state)
{
	assert_string_equal(stream("ab", NULL), "a.b.");
	assert_string_equal(stream("a\1" "b", NULL), "a..b.");
}

static void
detok__push__drops_white_space_in_front_only(void **state)
{
	assert_string_equal(stream("  \n\ta b \n", NULL), "....a. .b. .\n.");
	assert_string_equal(stream(" \n", NULL), "..");
}

static void
detok__push__keeps_white_space_in_front_when_it_goes_on(void **state)
{
	struct strbuf out = STRBUF_INIT;
	struct detok d;

	detok_init(&d, tiny.vocab, NULL);
	d.started = true;
	detok_push(&d, vocab_find(tiny.vocab, "\xe2\x96\x81world"), &out);
	assert_string_equal(out.s, " world");
	detok_release(&d);
	strbuf_release(&out);
}

static void
detok__push__turns_marks_into_spaces(void **state)
{
	struct strbuf out = STRBUF_INIT;
	struct detok d;

	detok_init(&d, tiny.vocab, NULL);
	detok_push(&d, vocab_find(tiny.vocab, "\xe2\x96\x81hello"), &out);
	detok_push(&d, vocab_find(tiny.vocab, "\xe2\x96\x81world"), &out);
	assert_string_equal(out.s, "hello world");
	detok_release(&d);
	strbuf_release(&out);
}

static void
detok__push__waits_for_whole_characters(void **state)
{
	assert_string_equal(stream("\xc3\xa9\xe2\x82\xac\xf0\x9f\xa6\x99", NULL),
		".\xc3\xa9...\xe2\x82\xac....\xf0\x9f\xa6\x99.");
	assert_string_equal(stream("\xff" "a\xe2\x82" "b", NULL), FFFD ".a..." FFFD FFFD "b.");
}

static void
detok__flush__shows_an_incomplete_character_once(void **state)
{
	assert_string_equal(stream("a\xf0\x9f\xa6", NULL), "a...." FFFD);
}

static void
detok__push__stops_before_a_stop_string(void **state)
{
	static const char *const stops[] = { "\nUser:", "<|end|>", NULL };

	assert_string_equal(stream("a\nUser: x", stops), "a.......!.!.!");
	assert_string_equal(stream("a<|end|>", stops), "a........!");
	assert_string_equal(stream("<|end|>", stops), ".......!");
	assert_string_equal(stream("\nUser:", stops), "......!");
}

static void
detok__push__lets_go_what_is_no_stop_string_after_all(void **state)
{
	static const char *const stops[] = { "\nUser:", "<|end|>", "aab", NULL };

	assert_string_equal(stream("x\nUse\n", stops), "x.....\nUse.\n");
	assert_string_equal(stream("<<|enx", stops), ".<....<|enx.");
	assert_string_equal(stream("<|end", stops), ".....<|end");
	assert_string_equal(stream("aaab", stops), "..a..!");
	assert_string_equal(stream("aac", stops), "..aac.");
}

static void
detok__push__stops_at_the_first_of_several(void **state)
{
	static const char *const stops[] = { "bcd", "abc", NULL };
	static const char *const inner[] = { "abcd", "c", NULL };
	static const char *const longer[] = { "abcd", "bcd", NULL };
	static const char *const shorter[] = { "bcd", "abcd", NULL };

	assert_string_equal(stream("xabcd", stops), "x....!.!");
	assert_string_equal(stream("xabcd", inner), "x...ab.!.!");
	assert_string_equal(stream("xabcd", longer), "x.....!");
	assert_string_equal(stream("xabcd", shorter), "x.....!");
}

static void
detok__push__finds_a_stop_string_inside_one_token(void **state)
{
	static const char *const stops[] = { "el", NULL };
	struct strbuf out = STRBUF_INIT;
	struct detok d;

	detok_init(&d, tiny.vocab, stops);
	assert_true(detok_push(&d, vocab_find(tiny.vocab, "hello"), &out));
	assert_true(detok_push(&d, vocab_find(tiny.vocab, "hello"), &out));
	detok_flush(&d, &out);
	assert_string_equal(out.s, "h");
	detok_release(&d);
	strbuf_release(&out);
}

static void
detok__push__does_not_mind_how_bytes_and_stop_strings_meet(void **state)
{
	static const char *const stops[] = { "\xc3\xa9!", NULL };

	assert_string_equal(stream("a\xc3\xa9!", stops), "a....!");
	assert_string_equal(stream("\xe2\x82\xc3\xa9?", stops), ".." FFFD FFFD "..\xc3\xa9?.");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(detok__push__hands_out_text_at_once),
		cmocka_unit_test(detok__push__drops_white_space_in_front_only),
		cmocka_unit_test(detok__push__keeps_white_space_in_front_when_it_goes_on),
		cmocka_unit_test(detok__push__turns_marks_into_spaces),
		cmocka_unit_test(detok__push__waits_for_whole_characters),
		cmocka_unit_test(detok__flush__shows_an_incomplete_character_once),
		cmocka_unit_test(detok__push__stops_before_a_stop_string),
		cmocka_unit_test(detok__push__lets_go_what_is_no_stop_string_after_all),
		cmocka_unit_test(detok__push__stops_at_the_first_of_several),
		cmocka_unit_test(detok__push__finds_a_stop_string_inside_one_token),
		cmocka_unit_test(detok__push__does_not_mind_how_bytes_and_stop_strings_meet),
	};

	return cmocka_run_group_tests(tests, make_vocab, free_vocab);
}
