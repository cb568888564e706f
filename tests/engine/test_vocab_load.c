#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/engine/tiny_vocab.h"

static void
vocab__questions__are_answered(void **state)
{
	struct tiny_vocab t;
	size_t len;

	tiny_vocab_init(&t, tiny_words, NULL);
	assert_int_equal(vocab_bos(t.vocab), 1);
	assert_int_equal(vocab_eos(t.vocab), 2);
	assert_true(vocab_add_bos(t.vocab));
	assert_true(vocab_is_end(t.vocab, 2));
	assert_false(vocab_is_end(t.vocab, 1));
	assert_true(vocab_is_end(t.vocab, vocab_find(t.vocab, "<|im_end|>")));
	assert_false(vocab_is_end(t.vocab, vocab_find(t.vocab, "<|im_start|>")));
	assert_int_equal(vocab_find(t.vocab, "no such piece"), -1);
	assert_int_equal(vocab_find(t.vocab, "/"), TINY_FIRST + 14);	/* there are two: the first */
	assert_int_equal(vocab_kind(t.vocab, 0), TOKEN_UNKNOWN);
	assert_string_equal(vocab_piece(t.vocab, 3 + 'A', &len), "<0x41>");
	assert_int_equal(len, 6);
	tiny_vocab_release(&t);
}

static void
other_ends(struct gguf_writer *w)
{
	gguf_put_u32(w, "tokenizer.ggml.bos_token_id", 5);
	gguf_put_u32(w, "tokenizer.ggml.eos_token_id", UINT32_MAX);
	gguf_put_u32(w, "tokenizer.ggml.eot_token_id", 261);
}

static void
vocab__special_ids__come_from_the_keys(void **state)
{
	struct tiny_vocab t;

	tiny_vocab_init(&t, tiny_words, other_ends);
	assert_int_equal(vocab_bos(t.vocab), 5);
	assert_int_equal(vocab_eos(t.vocab), -1);
	assert_true(vocab_is_end(t.vocab, 261));
	assert_true(vocab_is_end(t.vocab, 2));		/* "</s>" by its name */
	tiny_vocab_release(&t);
}

static void
put_model(struct gguf_writer *w)
{
	gguf_put_string(w, "tokenizer.ggml.model", "llama");
}

static void
put_gpt2(struct gguf_writer *w)
{
	gguf_put_string(w, "tokenizer.ggml.model", "gpt2");
}

static void
put_number_for_model(struct gguf_writer *w)
{
	gguf_put_u32(w, "tokenizer.ggml.model", 1);
}

static void
put_far_bos(struct gguf_writer *w)
{
	put_model(w);
	gguf_put_u32(w, "tokenizer.ggml.bos_token_id", 3);
}

static void
put_negative_eos(struct gguf_writer *w)
{
	put_model(w);
	gguf_put_i32(w, "tokenizer.ggml.eos_token_id", -7);
}

static void
put_number_for_bool(struct gguf_writer *w)
{
	put_model(w);
	gguf_put_f32(w, "tokenizer.ggml.add_bos_token", 1);
}

static void
put_int_scores(struct gguf_writer *w)
{
	put_model(w);
	gguf_put_i32s(w, "tokenizer.ggml.scores", (const int32_t[]){ 0, 0, 0 }, 3);
}

static void
put_float_kinds(struct gguf_writer *w)
{
	put_model(w);
	gguf_put_f32s(w, "tokenizer.ggml.token_type", (const float[]){ 2, 3, 1 }, 3);
}

static void
put_int_tokens(struct gguf_writer *w)
{
	put_model(w);
	gguf_put_i32s(w, "tokenizer.ggml.tokens", (const int32_t[]){ 2, 3, 1 }, 3);
}

static const char *const good_tokens[] = { "<unk>", "<s>", "a" };
static const float good_scores[] = { 0, 0, -1 };
static const int32_t good_kinds[] = { TOKEN_UNKNOWN, TOKEN_CONTROL, TOKEN_NORMAL };

/* Each row is the good vocabulary of three tokens with one thing wrong; `says` is in the
 * message. */
static const struct hostile {
	const char *says;
	const char *const *tokens;
	size_t n;
	const float *scores;
	size_t n_scores;
	const int32_t *kinds;
	size_t n_kinds;
	void (*more)(struct gguf_writer *w);
} hostile[] = {
	{ "no tokenizer.ggml.model", good_tokens, 3, good_scores, 3, good_kinds, 3, NULL },
	{ "\"gpt2\"", good_tokens, 3, good_scores, 3, good_kinds, 3, put_gpt2 },
	{ "tokenizer.ggml.model", good_tokens, 3, good_scores, 3, good_kinds, 3, put_number_for_model },
	{ "tokenizer.ggml.tokens", NULL, 0, good_scores, 3, good_kinds, 3, put_model },
	{ "tokenizer.ggml.tokens", NULL, 0, good_scores, 3, good_kinds, 3, put_int_tokens },
	{ "0 tokens", good_tokens, 0, good_scores, 3, good_kinds, 3, put_model },
	{ "tokenizer.ggml.scores", good_tokens, 3, NULL, 0, good_kinds, 3, put_model },
	{ "tokenizer.ggml.scores", good_tokens, 3, NULL, 0, good_kinds, 3, put_int_scores },
	{ "2 scores", good_tokens, 3, good_scores, 2, good_kinds, 3, put_model },
	{ "not a number", good_tokens, 3, (const float[]){ 0, NAN, 0 }, 3, good_kinds, 3, put_model },
	{ "tokenizer.ggml.token_type", good_tokens, 3, good_scores, 3, NULL, 0, put_model },
	{ "tokenizer.ggml.token_type", good_tokens, 3, good_scores, 3, NULL, 0, put_float_kinds },
	{ "2 types", good_tokens, 3, good_scores, 3, good_kinds, 2, put_model },
	{ "unknown type 7", good_tokens, 3, good_scores, 3, (const int32_t[]){ 2, 3, 7 }, 3, put_model },
	{ "unknown type -1", good_tokens, 3, good_scores, 3, (const int32_t[]){ 2, 3, -1 }, 3, put_model },
	{ "byte", (const char *const[]){ "<unk>", "<s>", "<0x-1>" }, 3, good_scores, 3,
		(const int32_t[]){ 2, 3, 6 }, 3, put_model },
	{ "byte", (const char *const[]){ "<unk>", "<s>", "<0x100>" }, 3, good_scores, 3,
		(const int32_t[]){ 2, 3, 6 }, 3, put_model },
	{ "byte", (const char *const[]){ "<unk>", "<s>", "" }, 3, good_scores, 3,
		(const int32_t[]){ 2, 3, 6 }, 3, put_model },
	{ "only 3 tokens", good_tokens, 3, good_scores, 3, good_kinds, 3, put_far_bos },
	{ "eos_token_id", good_tokens, 3, good_scores, 3, good_kinds, 3, put_negative_eos },
	{ "add_bos_token", good_tokens, 3, good_scores, 3, good_kinds, 3, put_number_for_bool },
	{ "byte 0x00", good_tokens, 3, good_scores, 3, (const int32_t[]){ 1, 3, 1 }, 3, put_model },
};

static struct vocab *
load(const struct hostile *h, struct err *e)
{
	struct strbuf bytes = STRBUF_INIT;
	struct vocab *v;
	struct gguf *g;

	tiny_vocab_write(&bytes, h->tokens, h->n, h->scores, h->n_scores, h->kinds, h->n_kinds, h->more);
	g = gguf_parse((const uint8_t *)bytes.s, bytes.len, e);
	assert_non_null(g);
	v = vocab_new(g, e);
	gguf_free(g);
	strbuf_release(&bytes);		/* nothing of the file is kept */
	return v;
}

static void
vocab__new__refuses_hostile_arrays(void **state)
{
	for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
		struct err e = { 0 };

		assert_null(load(&hostile[i], &e));
		assert_int_equal(e.code, ERR_MODEL);
		if (!strstr(e.text, hostile[i].says))
			fail_msg("\"%s\" does not say \"%s\"", e.text, hostile[i].says);
	}
}

static void
vocab__new__refuses_overlong_tokens(void **state)
{
	static char token[4098];
	struct hostile h = { "4097 bytes", (const char *const[]){ "<unk>", "<s>", token }, 3, good_scores, 3,
		good_kinds, 3, put_model };
	struct err e = { 0 };
	struct vocab *v;

	memset(token, 'a', 4097);
	assert_null(load(&h, &e));
	assert_non_null(strstr(e.text, h.says));
	token[4096] = '\0';
	v = load(&h, &e);
	assert_non_null(v);
	assert_int_equal(vocab_find(v, token), 2);
	vocab_free(v);
}

static void
vocab__new__tolerates_what_is_harmless(void **state)
{
	static const char *const tokens[] = { "<unk>", "<s>", "a", "a", "", "b", "<0x61>", "<0x63>", "<0x63>" };
	static const float scores[] = { 0, 0, -1, -2, -3, INFINITY, 0, 0, 0, 0, 0 };
	static const int32_t kinds[] = { 2, 3, 1, 1, 1, 1, 6, 6, 6 };
	const struct hostile h = { "", tokens, 9, scores, 11, kinds, 9, put_model };
	struct token_list l = { 0 };
	struct err e = { 0 };
	struct vocab *v = load(&h, &e);

	assert_non_null(v);
	vocab_encode(v, "abcd", 4, ENCODE_PREFIX, &l);
	assert_int_equal(l.n, 5);
	assert_int_equal(l.id[0], 0);	/* no space mark, not all of its bytes: unknown */
	assert_int_equal(l.id[1], 2);
	assert_int_equal(l.id[2], 5);
	assert_int_equal(l.id[3], 7);	/* the first of two tokens of one byte */
	assert_int_equal(l.id[4], 0);
	token_list_release(&l);
	vocab_free(v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vocab__questions__are_answered),
		cmocka_unit_test(vocab__special_ids__come_from_the_keys),
		cmocka_unit_test(vocab__new__refuses_hostile_arrays),
		cmocka_unit_test(vocab__new__refuses_overlong_tokens),
		cmocka_unit_test(vocab__new__tolerates_what_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
