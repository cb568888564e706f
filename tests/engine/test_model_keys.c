/* Hyper-parameters: defaults, ranges, and how what is wrong is said. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <cmocka.h>

#include "tests/engine/tiny_model.h"

#define N(a) (sizeof(a) / sizeof *(a))

/* ---- keys ------------------------------------------------------------------------------------ */

/* One key in place of the model's own, of a type that fits the member that is set. */
struct key {
	const char *key;
	enum { AS_U32, AS_I32, AS_F32, AS_STRING, AS_BOOL } as;
	double number;
	const char *text;
	const char *message;	/* of the refusal */
};

static void
edit_key(struct gguf_writer *w, const void *ctx)
{
	const struct key *k = ctx;

	switch (k->as) {
	case AS_U32:
		gguf_put_u32(w, k->key, (uint32_t)k->number);
		break;
	case AS_I32:
		gguf_put_i32(w, k->key, (int32_t)k->number);
		break;
	case AS_F32:
		gguf_put_f32(w, k->key, (float)k->number);
		break;
	case AS_STRING:
		gguf_put_string(w, k->key, k->text);
		break;
	case AS_BOOL:
		gguf_put_bool(w, k->key, k->number != 0);
		break;
	}
}

#define ARCH "general.architecture"
#define HEADS "llama.attention.head_count"
#define EPS "llama.attention.layer_norm_rms_epsilon"
#define ROT "llama.rope.dimension_count"

static const struct key bad_keys[] = {
	{ ARCH, AS_STRING, 0, "falcon", "a model of the architecture \"falcon\"; hum runs llama" },
	{ ARCH, AS_STRING, 0, "", "the architecture \"\"" },
	{ ARCH, AS_STRING, 0, "\x1b[2Jllama", "the architecture \"\xe2\x90\x9b[2Jllama\"" },
	{ ARCH, AS_U32, 1, NULL, "\"general.architecture\" is an integer and should be a string" },
	{ "general.type", AS_STRING, 0, "adapter", "of the kind \"adapter\"" },
	{ "general.type", AS_U32, 0, NULL, "\"general.type\" is an integer" },
	{ "general.file_type", AS_STRING, 0, "Q4_0", "\"general.file_type\" is a string" },
	{ "general.quantization_version", AS_U32, 1, NULL, "in version 1 of the formats" },
	{ "llama.block_count", AS_U32, 0, NULL, "\"llama.block_count\" is 0, outside of 1 to 512" },
	{ "llama.block_count", AS_U32, 513, NULL, "is 513, outside of" },
	{ "llama.block_count", AS_U32, 3, NULL, "tensor \"blk.2.attn_q.weight\" is missing" },
	{ "llama.block_count", AS_U32, 1, NULL,
		"a tensor \"blk.1.attn_norm.weight\", which hum does not know how to use" },
	{ "llama.block_count", AS_STRING, 0, "2",
		"\"llama.block_count\" is a string and should be an integer" },
	{ "llama.block_count", AS_I32, -2, NULL, "is negative (-2)" },
	{ "llama.embedding_length", AS_U32, 0, NULL, "\"llama.embedding_length\" is 0" },
	{ "llama.embedding_length", AS_U32, 4294967295.0, NULL,
		"\"llama.embedding_length\" is 4294967295" },
	{ "llama.embedding_length", AS_U32, 128, NULL,
		"the model rotates 16 of the 32 dimensions" },
	{ "llama.feed_forward_length", AS_U32, 0, NULL, "\"llama.feed_forward_length\" is 0" },
	{ "llama.feed_forward_length", AS_U32, 64, NULL,
		"tensor \"blk.0.ffn_gate.weight\" is 64 x 96 and should be 64 x 64" },
	{ "llama.context_length", AS_U32, 0, NULL, "\"llama.context_length\" is 0" },
	{ "llama.context_length", AS_U32, 4e9, NULL, "\"llama.context_length\" is 4000000000" },
	{ HEADS, AS_U32, 0, NULL, "head_count\" is 0" },
	{ HEADS, AS_U32, 5, NULL, "5 attention heads cannot share 2" },
	{ HEADS, AS_U32, 6, NULL, "embedding of 64 cannot be split over 6" },
	{ HEADS, AS_U32, 64, NULL, "a size of 1: hum takes even sizes" },
	{ "llama.attention.head_count_kv", AS_U32, 0, NULL, "head_count_kv\" is 0" },
	{ "llama.attention.head_count_kv", AS_U32, 8, NULL,
		"head_count_kv\" is 8, outside of 1 to 4" },
	{ "llama.attention.head_count_kv", AS_U32, 3, NULL, "4 attention heads cannot share 3" },
	{ "llama.attention.head_count_kv", AS_U32, 1, NULL,
		"\"blk.0.attn_k.weight\" is 64 x 32 and should be 64 x 16" },
	{ "llama.attention.key_length", AS_U32, 512, NULL, "key_length\" is 512" },
	{ "llama.attention.key_length", AS_U32, 15, NULL, "a size of 15: hum takes even sizes" },
	{ "llama.attention.value_length", AS_U32, 8, NULL, "keys (16) and values (8) differ" },
	{ "llama.attention.causal", AS_BOOL, 0, NULL, "makes embeddings" },
	{ "llama.expert_count", AS_U32, 8, NULL, "a mixture of 8 experts" },
	{ EPS, AS_F32, 0, NULL, "epsilon\" is missing or zero" },
	{ EPS, AS_F32, 0.5, NULL, "epsilon\" is 0.5" },
	{ EPS, AS_F32, -1e-5, NULL, "epsilon\" is -1e-05" },
	{ EPS, AS_F32, (double)NAN, NULL, "epsilon\" is nan" },
	{ EPS, AS_U32, 1, NULL, "epsilon\" is an integer and should be a real number" },
	{ ROT, AS_U32, 0, NULL, "dimension_count\" is 0" },
	{ ROT, AS_U32, 8, NULL, "rotates 8 of the 16 dimensions" },
	{ "llama.rope.freq_base", AS_F32, 0.5, NULL, "freq_base\" is 0.5" },
	{ "llama.rope.freq_base", AS_F32, 1e10, NULL, "freq_base\" is 1e+10" },
	{ "llama.rope.freq_base", AS_F32, (double)INFINITY, NULL, "freq_base\" is inf" },
	{ "llama.rope.scaling.type", AS_STRING, 0, "longrope",
		"by \"longrope\", which hum does not support" },
	{ "llama.rope.scaling.type", AS_U32, 1, NULL, "scaling.type\" is an integer" },
	{ "llama.rope.scaling.factor", AS_F32, -2, NULL, "factor\" is -2" },
	{ "llama.rope.scaling.factor", AS_F32, 1e-6, NULL, "scaling factor is 1e-06" },
	{ "llama.rope.scale_linear", AS_F32, (double)NAN, NULL, "scale_linear\" is nan" },
	{ "llama.rope.scaling.original_context_length", AS_U32, 0, NULL,
		"original_context_length\" is 0" },
	{ "llama.rope.scaling.attn_factor", AS_F32, 0, NULL, "attn_factor\" is 0" },
	{ "tokenizer.ggml.tokens", AS_U32, 512, NULL,
		"\"tokenizer.ggml.tokens\" is an integer and should be an array" },
};

static void
model__new__refuses_bad_keys(void **state)
{
	for (size_t i = 0; i < N(bad_keys); i++) {
		struct tiny_model t = tiny_model_of(QUANT_Q8_0);

		t.omit[0] = bad_keys[i].key;
		t.edit = edit_key;
		t.edit_ctx = &bad_keys[i];
		tiny_expect_refused(&t, bad_keys[i].message);
	}
}

static void
model__new__names_missing_keys(void **state)
{
	static const struct {
		const char *key, *message;
	} needed[] = {
		{ ARCH, "\"general.architecture\" is missing" },
		{ "llama.block_count", "\"llama.block_count\" is missing" },
		{ "llama.embedding_length", "\"llama.embedding_length\" is missing" },
		{ "llama.feed_forward_length", "\"llama.feed_forward_length\" is missing" },
		{ "llama.context_length", "\"llama.context_length\" is missing" },
		{ HEADS, "\"" HEADS "\" is missing" },
		{ EPS, "\"" EPS "\" is missing" },
		{ "tokenizer.ggml.tokens", "no vocabulary" },
	};

	for (size_t i = 0; i < N(needed); i++) {
		struct tiny_model t = tiny_model_of(QUANT_F32);

		t.omit[0] = needed[i].key;
		tiny_expect_refused(&t, needed[i].message);
	}
}

static void
edit_uneven_heads(struct gguf_writer *w, const void *ctx)
{
	static const int32_t uneven[] = { 2, 4 };

	gguf_put_i32s(w, "llama.attention.head_count_kv", uneven, 2);
}

static void
edit_no_heads(struct gguf_writer *w, const void *ctx)
{
	gguf_put_i32s(w, "llama.attention.head_count_kv", NULL, 0);
}

static void
edit_negative_heads(struct gguf_writer *w, const void *ctx)
{
	static const int32_t negative[] = { -2, -2 };

	gguf_put_i32s(w, "llama.attention.head_count_kv", negative, 2);
}

static void
model__new__refuses_heads_that_differ_by_layer(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_F32);

	t.omit[0] = "llama.attention.head_count_kv";
	t.edit = edit_uneven_heads;
	tiny_expect_refused(&t, "the layers of this model differ (llama.attention.head_count_kv)");
	t.edit = edit_no_heads;
	tiny_expect_refused(&t, "should hold integers");
	t.edit = edit_negative_heads;
	tiny_expect_refused(&t, "is negative");
}

/* ---- rope ------------------------------------------------------------------------------------ */

static void
edit_keys(struct gguf_writer *w, const void *ctx)
{
	for (const struct key *k = ctx; k->key; k++)
		edit_key(w, k);
}

/* The model with these keys beside its own. */
static void
load_with(struct tiny_loaded *l, const struct key *keys)
{
	struct tiny_model t = tiny_model_of(QUANT_F32);

	t.edit = edit_keys;
	t.edit_ctx = keys;
	tiny_load(l, &t);
}

#define SCALING "llama.rope.scaling."

static void
model__rope__linear_scaling_of_old_and_new_files(void **state)
{
	static const struct key old[] = { { "llama.rope.scale_linear", AS_F32, 4, NULL, NULL },
		{ .key = NULL } };
	static const struct key zero[] = { { "llama.rope.scale_linear", AS_F32, 0, NULL, NULL },
		{ .key = NULL } };
	static const struct key none[] = { { SCALING "type", AS_STRING, 0, "none", NULL },
		{ SCALING "factor", AS_F32, 8, NULL, NULL }, { .key = NULL } };
	static const struct key linear[] = { { SCALING "type", AS_STRING, 0, "linear", NULL },
		{ SCALING "factor", AS_F32, 8, NULL, NULL },
		{ "llama.rope.freq_base", AS_F32, 1e6, NULL, NULL }, { .key = NULL } };
	struct tiny_loaded l;

	load_with(&l, old);
	assert_true(l.m->rope_scaling == ROPE_LINEAR && l.m->rope_factor == 4);
	tiny_unload(&l);
	load_with(&l, zero);
	assert_true(l.m->rope_scaling == ROPE_NONE && l.m->rope_factor == 1);
	tiny_unload(&l);
	load_with(&l, none);
	assert_true(l.m->rope_scaling == ROPE_NONE && l.m->rope_factor == 1);
	tiny_unload(&l);
	load_with(&l, linear);
	assert_true(l.m->rope_scaling == ROPE_LINEAR && l.m->rope_factor == 8 &&
		    l.m->rope_base == 1e6f);
	tiny_unload(&l);
}

static void
model__rope__yarn_has_its_defaults_and_keys(void **state)
{
	static const struct key plain[] = { { SCALING "type", AS_STRING, 0, "yarn", NULL },
		{ SCALING "factor", AS_F32, 16, NULL, NULL }, { .key = NULL } };
	static const struct key all[] = { { SCALING "type", AS_STRING, 0, "yarn", NULL },
		{ SCALING "factor", AS_F32, 16, NULL, NULL },
		{ SCALING "original_context_length", AS_U32, 64, NULL, NULL },
		{ SCALING "yarn_ext_factor", AS_F32, 0.5, NULL, NULL },
		{ SCALING "yarn_attn_factor", AS_F32, 2, NULL, NULL },
		{ SCALING "attn_factor", AS_F32, 3, NULL, NULL },
		{ SCALING "yarn_beta_fast", AS_F32, 16, NULL, NULL },
		{ SCALING "yarn_beta_slow", AS_F32, 2, NULL, NULL }, { .key = NULL } };
	struct tiny_loaded l;

	load_with(&l, plain);
	assert_true(l.m->rope_scaling == ROPE_YARN && l.m->rope_factor == 16 &&
		    l.m->rope_ctx_orig == 128);
	assert_true(
		l.m->yarn_ext_factor == 1 && l.m->yarn_beta_fast == 32 && l.m->yarn_beta_slow == 1);
	assert_true(l.m->rope_attn_factor == 1);
	tiny_unload(&l);
	load_with(&l, all);
	assert_true(l.m->rope_ctx_orig == 64 && l.m->yarn_ext_factor == 0.5f &&
		    l.m->rope_attn_factor == 6);
	assert_true(l.m->yarn_beta_fast == 16 && l.m->yarn_beta_slow == 2);
	tiny_unload(&l);
}

/* ---- the name of the mix --------------------------------------------------------------------- */

static void
model__type__is_the_files_word_if_the_weights_bear_it_out(void **state)
{
	static const struct {
		double file_type;
		const char *name;
	} rows[] = {
		{ 14, "Q4_K_S" },
		{ 15, "Q4_K_M" },
		{ 17, "Q4_K" },
		{ 0, "Q4_K" },
		{ 4, "Q4_K" },
		{ 1000, "Q4_K" },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct tiny_model t = tiny_model_of(QUANT_Q4_K);
		struct key k = { "general.file_type", AS_U32, rows[i].file_type, NULL, NULL };
		struct tiny_loaded l;

		t.edit = edit_key;
		t.edit_ctx = &k;
		tiny_load(&l, &t);
		assert_string_equal(l.m->type, rows[i].name);
		tiny_unload(&l);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(model__new__refuses_bad_keys),
		cmocka_unit_test(model__new__names_missing_keys),
		cmocka_unit_test(model__new__refuses_heads_that_differ_by_layer),
		cmocka_unit_test(model__rope__linear_scaling_of_old_and_new_files),
		cmocka_unit_test(model__rope__yarn_has_its_defaults_and_keys),
		cmocka_unit_test(model__type__is_the_files_word_if_the_weights_bear_it_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
