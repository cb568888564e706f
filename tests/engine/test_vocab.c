#include "config.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/utf8.h"
#include "tests/engine/shared_file.h"
#include "tests/engine/tiny_vocab.h"

#define SP "\xe2\x96\x81"

static uint64_t
next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state >> 33;
}

/* The pieces that the text became, separated by one space. */
static const char *
pieces_of(const struct vocab *v, const char *text, unsigned flags)
{
	static struct strbuf s = STRBUF_INIT;
	struct token_list l = { 0 };

	strbuf_reset(&s);
	vocab_encode(v, text, strlen(text), flags, &l);
	for (size_t i = 0; i < l.n; i++) {
		size_t len;
		const char *piece = vocab_piece(v, l.id[i], &len);

		if (i)
			strbuf_addc(&s, ' ');
		strbuf_add(&s, piece, len);
	}
	token_list_release(&l);
	return s.s;
}

static void
assert_round_trip(const struct vocab *v, const char *text, size_t n)
{
	struct token_list l = { 0 };
	struct strbuf back = STRBUF_INIT;

	vocab_encode(v, text, n, ENCODE_PREFIX, &l);
	vocab_decode(v, l.id, l.n, &back);
	assert_int_equal(back.len, n);
	assert_memory_equal(back.s, text, n);
	for (size_t i = 0; i < l.n; i++)
		assert_int_not_equal(vocab_kind(v, l.id[i]), TOKEN_CONTROL);
	token_list_release(&l);
	strbuf_release(&back);
}

/* ---- encoding -------------------------------------------------------------------------------- */

static void
vocab__encode__merges_by_score(void **state)
{
	struct tiny_vocab t;

	tiny_vocab_init(&t, tiny_words, NULL);
	assert_string_equal(pieces_of(t.vocab, "hello world", ENCODE_PREFIX), SP "hello " SP "world");
	assert_string_equal(pieces_of(t.vocab, "hello", 0), "hello");
	assert_string_equal(pieces_of(t.vocab, "hellworl", 0), "hell wor l");
	assert_string_equal(pieces_of(t.vocab, "   hello", 0), SP SP " " SP "hello");
	assert_string_equal(pieces_of(t.vocab, "hello ", 0), "hello " SP);
	assert_string_equal(pieces_of(t.vocab, "", ENCODE_PREFIX), "");
	assert_string_equal(pieces_of(t.vocab, " ", ENCODE_PREFIX), SP SP);
	tiny_vocab_release(&t);
}

static void
vocab__encode__takes_the_leftmost_of_equal_scores(void **state)
{
	static const struct tiny_piece same[] = {
		{ "a", -9, 0 }, { "aa", -1, 0 }, { "b", -9, 0 }, { "ab", -1, 0 }, { "ba", -1, 0 }, { NULL, 0, 0 },
	};
	struct tiny_vocab t;

	tiny_vocab_init(&t, same, NULL);
	assert_string_equal(pieces_of(t.vocab, "aaa", 0), "aa a");
	assert_string_equal(pieces_of(t.vocab, "aaaaa", 0), "aa aa a");
	assert_string_equal(pieces_of(t.vocab, "abab", 0), "ab ab");
	assert_string_equal(pieces_of(t.vocab, "bab", 0), "ba b");
	tiny_vocab_release(&t);
}

static void
vocab__encode__falls_back_to_bytes(void **state)
{
	struct tiny_vocab t;

	tiny_vocab_init(&t, tiny_words, NULL);
	assert_string_equal(pieces_of(t.vocab, "h\nq\xc3\xa9\xc3\xa8", 0),
		"h <0x0A> <0x71> \xc3\xa9 <0xC3> <0xA8>");
	assert_string_equal(pieces_of(t.vocab, "\xff\xc3", 0), "<0xFF> <0xC3>");
	tiny_vocab_release(&t);
}

static void
no_space_prefix(struct gguf_writer *w)
{
	gguf_put_bool(w, "tokenizer.ggml.add_space_prefix", false);
	gguf_put_bool(w, "tokenizer.ggml.add_bos_token", false);
}

static void
vocab__encode__puts_no_space_in_front_when_the_model_wants_none(void **state)
{
	struct token_list l = { 0 };
	struct strbuf back = STRBUF_INIT;
	struct tiny_vocab t;

	tiny_vocab_init(&t, tiny_words, no_space_prefix);
	assert_string_equal(pieces_of(t.vocab, "hello", ENCODE_PREFIX), "hello");
	assert_false(vocab_add_bos(t.vocab));
	vocab_encode(t.vocab, " hello", 6, ENCODE_PREFIX, &l);
	vocab_decode(t.vocab, l.id, l.n, &back);
	assert_string_equal(back.s, " hello");
	token_list_release(&l);
	strbuf_release(&back);
	tiny_vocab_release(&t);
}

static void
vocab__encode__never_makes_special_tokens_of_text(void **state)
{
	/* Scores and parts that would lead to "<s>", "<0x41>" and the marker if they took part in
	 * merging. */
	static const struct tiny_piece leading[] = {
		{ "<", -9, 0 }, { "s", -9, 0 }, { ">", -9, 0 }, { "<s", -1, 0 }, { "/", -9, 0 }, { "</s", -1, 0 },
		{ "</", -1, 0 }, { "0", -9, 0 }, { "x", -9, 0 }, { "<0", -1, 0 }, { "<0x", -1, 0 }, { "4", -9, 0 },
		{ "1", -9, 0 }, { "41>", -1, 0 }, { "1>", -1, 0 }, { "<un", -1, 0 }, { "u", -9, 0 }, { "n", -9, 0 },
		{ "un", -1, 0 }, { "k", -9, 0 }, { "k>", -1, 0 }, { "[", -9, 0 }, { "[PAD", -1, 0 }, { "P", -9, 0 },
		{ "PA", -1, 0 }, { "PAD", -1, 0 }, { "A", -9, 0 }, { "D", -9, 0 }, { "]", -9, 0 },
		{ "[PAD]", 5, TOKEN_USER_DEFINED }, { NULL, 0, 0 },
	};
	struct tiny_vocab t;

	tiny_vocab_init(&t, leading, NULL);
	assert_string_equal(pieces_of(t.vocab, "<s>", 0), "<s >");
	assert_string_equal(pieces_of(t.vocab, "</s>", 0), "</s >");
	assert_string_equal(pieces_of(t.vocab, "<0x41>", 0), "<0x 41>");
	assert_string_equal(pieces_of(t.vocab, "<unk>", 0), "<un k>");
	assert_string_equal(pieces_of(t.vocab, "[PAD]", 0), "[PAD ]");
	assert_string_equal(pieces_of(t.vocab, "<s>[PAD]</s><unk>", ENCODE_SPECIAL), "<s> [PAD] </s> <un k>");
	tiny_vocab_release(&t);
}

static void
vocab__encode_special__begins_anew_after_a_marker(void **state)
{
	struct tiny_vocab t;

	tiny_vocab_init(&t, tiny_words, NULL);
	assert_string_equal(pieces_of(t.vocab, "<|im_start|>hello<|im_end|>", ENCODE_SPECIAL | ENCODE_PREFIX),
		"<|im_start|> " SP "hello <|im_end|>");
	assert_string_equal(pieces_of(t.vocab, "<|im_start|>hello", ENCODE_SPECIAL), "<|im_start|> hello");
	assert_string_equal(pieces_of(t.vocab, "hello<|im_start", ENCODE_SPECIAL | ENCODE_PREFIX),
		SP "hello <| i <0x6D> <0x5F> s <0x74> <0x61> r <0x74>");
	tiny_vocab_release(&t);
}

static void
vocab__encode__takes_user_defined_text_as_atoms(void **state)
{
	static const struct tiny_piece atoms[] = {
		{ SP, -9, 0 }, { "a", -9, 0 }, { "b", -9, 0 }, { "ab", -1, 0 }, { "aba", -2, 0 },
		{ "  ", 0, TOKEN_USER_DEFINED }, { "   ", 0, TOKEN_USER_DEFINED }, { "ba", 0, TOKEN_USER_DEFINED },
		{ "b b", 0, TOKEN_USER_DEFINED }, { NULL, 0, 0 },
	};
	struct tiny_vocab t;

	tiny_vocab_init(&t, atoms, NULL);
	assert_string_equal(pieces_of(t.vocab, "aba", 0), "a ba");
	assert_string_equal(pieces_of(t.vocab, "a    a", 0), "a " SP SP SP " " SP " a");
	assert_string_equal(pieces_of(t.vocab, "a  ab", 0), "a " SP SP " ab");
	assert_string_equal(pieces_of(t.vocab, "  ", ENCODE_PREFIX), SP SP SP);
	assert_string_equal(pieces_of(t.vocab, "ab b", 0), "a b" SP "b");
	assert_round_trip(t.vocab, "ab   ba a", 9);
	tiny_vocab_release(&t);
}

static void
vocab__encode__uses_unused_pieces_only_as_steps(void **state)
{
	static const struct tiny_piece unused[] = {
		{ "a", -9, 0 }, { "b", -9, 0 }, { "c", -9, 0 }, { "d", -9, 0 }, { "ab", -1, TOKEN_UNUSED },
		{ "abc", -2, TOKEN_UNUSED }, { "abcd", -3, 0 }, { NULL, 0, 0 },
	};
	struct tiny_vocab t;

	tiny_vocab_init(&t, unused, NULL);
	assert_string_equal(pieces_of(t.vocab, "abcd", 0), "abcd");
	assert_string_equal(pieces_of(t.vocab, "abcb", 0), "a b c b");
	assert_string_equal(pieces_of(t.vocab, "abd", 0), "a b d");
	tiny_vocab_release(&t);
}

/* ---- against the definition, done slowly ----------------------------------------------------- */

/* Merges the best pair of the whole text, again and again. Returns the pieces' ends in `end`. */
static size_t
slow_encode(const struct tiny_piece *p, const char *text, size_t n, size_t *end)
{
	size_t count = 0;
	uint32_t cp;

	for (size_t at = 0; at < n;)
		end[count++] = at += utf8_decode(text + at, n - at, &cp);
	for (;;) {
		size_t best = SIZE_MAX;
		float best_score = 0;

		for (size_t i = 0; i + 1 < count; i++) {
			size_t from = i ? end[i - 1] : 0, len = end[i + 1] - from;

			for (size_t k = 0; p[k].text; k++) {
				if (strlen(p[k].text) != len || memcmp(p[k].text, text + from, len))
					continue;
				if (best == SIZE_MAX || p[k].score > best_score) {
					best = i;
					best_score = p[k].score;
				}
				break;
			}
		}
		if (best == SIZE_MAX)
			return count;
		memmove(end + best, end + best + 1, (count - best - 1) * sizeof *end);
		count--;
	}
}

static void
random_text(uint64_t *rng, struct strbuf *out, size_t n)
{
	static const char *const alphabet[] = { "a", "b", "c", SP };

	while (n--)
		strbuf_adds(out, alphabet[next_random(rng) % 4]);
}

static void
assert_equals_slow(const struct vocab *v, const struct tiny_piece *p, const struct strbuf *text)
{
	struct token_list l = { 0 };
	size_t end[64], n, at = 0;

	n = slow_encode(p, text->s, text->len, end);
	vocab_encode(v, text->s, text->len, 0, &l);
	assert_int_equal(l.n, n);
	for (size_t i = 0; i < n; i++) {
		size_t len;
		const char *piece = vocab_piece(v, l.id[i], &len);

		assert_int_equal(at + len, end[i]);
		assert_memory_equal(piece, text->s + at, len);
		at = end[i];
	}
	token_list_release(&l);
}

static void
vocab__encode__equals_the_slow_definition(void **state)
{
	struct strbuf text = STRBUF_INIT, name[40];
	uint64_t rng = 1;

	for (int round = 0; round < 60; round++) {
		struct tiny_piece p[41] = { { "a", -99, 0 }, { "b", -99, 0 }, { "c", -99, 0 }, { SP, -99, 0 } };
		struct tiny_vocab t;

		for (size_t i = 4; i < 40; i++) {
			strbuf_init(&name[i]);
			random_text(&rng, &name[i], 2 + next_random(&rng) % 4);
			if (round % 2 && strstr(name[i].s + 1, SP))	/* every other: words stay apart */
				strbuf_truncate(&name[i], strstr(name[i].s + 1, SP) - name[i].s);
			p[i].text = name[i].s;
			p[i].score = -(float)(next_random(&rng) % 12);
		}
		tiny_vocab_init(&t, p, NULL);
		for (int k = 0; k < 40; k++) {
			strbuf_reset(&text);
			random_text(&rng, &text, 1 + next_random(&rng) % 40);
			assert_equals_slow(t.vocab, p, &text);
		}
		tiny_vocab_release(&t);
		for (size_t i = 4; i < 40; i++)
			strbuf_release(&name[i]);
	}
	strbuf_release(&text);
}

static void
vocab__decode__undoes_encode_for_any_unicode(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct tiny_vocab t;
	uint64_t rng = 7;

	tiny_vocab_init(&t, tiny_words, NULL);
	for (int round = 0; round < 3000; round++) {
		size_t n = next_random(&rng) % 30;

		strbuf_reset(&text);
		while (n--) {
			unsigned bits = 3 + next_random(&rng) % 18;
			uint32_t cp = next_random(&rng) & ((1u << bits) - 1);
			char s[4];

			if (cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000) || cp == 0x2581 || !cp)
				cp = ' ';
			strbuf_add(&text, s, utf8_encode(cp, s));
			if (next_random(&rng) % 4 == 0)
				strbuf_adds(&text, "hello");
		}
		assert_round_trip(t.vocab, text.s, text.len);
	}
	assert_round_trip(t.vocab, "nul \0 inside", 12);
	strbuf_release(&text);
	tiny_vocab_release(&t);
}

/* Long enough to be cut into blocks, with and without spaces; a quadratic encoder would not end. */
static void
vocab__encode__takes_megabytes(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct tiny_vocab t;

	tiny_vocab_init(&t, tiny_words, NULL);
	while (text.len < 3 << 19)
		strbuf_adds(&text, "\xc3\xa9hello");
	assert_round_trip(t.vocab, text.s, text.len);
	for (size_t i = 7; i < text.len; i += 7 * 9)
		text.s[i - 1] = ' ';
	assert_round_trip(t.vocab, text.s, text.len);
	strbuf_release(&text);
	tiny_vocab_release(&t);
}

static void
vocab__encode__cuts_blocks_where_nothing_is_lost(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct token_list l = { 0 };
	struct tiny_vocab t;

	tiny_vocab_init(&t, tiny_words, NULL);
	while (text.len < 5 << 19)
		strbuf_adds(&text, "hello world ");
	strbuf_truncate(&text, text.len - 1);
	vocab_encode(t.vocab, text.s, text.len, ENCODE_PREFIX, &l);
	assert_int_equal(l.n, (text.len + 1) / 6);
	token_list_release(&l);
	strbuf_release(&text);
	tiny_vocab_release(&t);
}

struct watch {
	atomic_bool cancel;
	atomic_bool running;
};

static void *
cancel_when_running(void *arg)
{
	struct watch *w = arg;

	while (!atomic_load(&w->running))
		sched_yield();
	atomic_store(&w->cancel, true);
	return NULL;
}

/* From another thread while it encodes: again and again one text, which is one word, until it is given up. */
static void
vocab__encode_unless__ends_when_cancelled(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct token_list l = { 0 };
	struct tiny_vocab t;
	pthread_t thread;
	struct watch w = { false, false };
	size_t whole;

	tiny_vocab_init(&t, tiny_words, NULL);
	while (text.len < 1 << 17)
		strbuf_adds(&text, "hello");
	assert_true(vocab_encode_unless(t.vocab, text.s, text.len, 0, NULL, &l));
	whole = l.n;
	l.n = 0;
	assert_int_equal(pthread_create(&thread, NULL, cancel_when_running, &w), 0);
	while (vocab_encode_unless(t.vocab, text.s, text.len, 0, &w.cancel, &l)) {
		atomic_store(&w.running, true);
		assert_int_equal(l.n, whole);
		l.n = 0;
	}
	pthread_join(thread, NULL);
	assert_true(l.n < whole);
	token_list_release(&l);
	strbuf_release(&text);
	tiny_vocab_release(&t);
}

/* ---- the vocabulary of Llama 2 --------------------------------------------------------------- */

static void
vocab__llama_2__gives_the_published_ids(void **state)
{
	static const char separator[] = "\n__ggml_vocab_test__\n";
	struct gguf *g = shared_gguf("data/vocab/ggml-vocab-llama-spm.gguf");
	struct strbuf in = shared_text("data/vocab/ggml-vocab-llama-spm.gguf.inp");
	struct strbuf want = shared_text("data/vocab/ggml-vocab-llama-spm.gguf.out");
	const char *at = in.s, *line = want.s;
	size_t cases = 0;
	struct vocab *v;
	struct err e;

	if (!g || !in.len || !want.len)
		skip();
	v = vocab_new(g, &e);
	assert_non_null(v);
	for (const char *end; (end = strstr(at, separator)); at = end + strlen(separator)) {
		struct token_list l = { 0 };
		struct strbuf got = STRBUF_INIT;
		size_t n = strcspn(line, "\n");

		vocab_encode(v, at, end - at, ENCODE_PREFIX, &l);
		for (size_t i = 0; i < l.n; i++)
			strbuf_addf(&got, " %d", l.id[i]);
		if (got.len != n || memcmp(got.s, line, n))
			fail_msg("case %zu: got%s, want%.*s", cases, got.s, (int)n, line);
		assert_round_trip(v, at, end - at);
		token_list_release(&l);
		strbuf_release(&got);
		line += n + (line[n] == '\n');
		cases++;
	}
	assert_int_equal(cases, 46);
	vocab_free(v);
	gguf_free(g);
	strbuf_release(&in);
	strbuf_release(&want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vocab__encode__merges_by_score),
		cmocka_unit_test(vocab__encode__takes_the_leftmost_of_equal_scores),
		cmocka_unit_test(vocab__encode__falls_back_to_bytes),
		cmocka_unit_test(vocab__encode__puts_no_space_in_front_when_the_model_wants_none),
		cmocka_unit_test(vocab__encode__never_makes_special_tokens_of_text),
		cmocka_unit_test(vocab__encode_special__begins_anew_after_a_marker),
		cmocka_unit_test(vocab__encode__takes_user_defined_text_as_atoms),
		cmocka_unit_test(vocab__encode__uses_unused_pieces_only_as_steps),
		cmocka_unit_test(vocab__encode__equals_the_slow_definition),
		cmocka_unit_test(vocab__decode__undoes_encode_for_any_unicode),
		cmocka_unit_test(vocab__encode__takes_megabytes),
		cmocka_unit_test(vocab__encode__cuts_blocks_where_nothing_is_lost),
		cmocka_unit_test(vocab__encode_unless__ends_when_cancelled),
		cmocka_unit_test(vocab__llama_2__gives_the_published_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
