/* Models bound to their files: what is accepted, what is refused and how that is said. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/xalloc.h"
#include "engine/model.h"
#include "tests/engine/tiny_model.h"

#define N(a) (sizeof(a) / sizeof *(a))

/* A model, its file and the bytes of that. */
struct loaded {
	struct strbuf bytes;
	struct gguf *g;
	struct model *m;
	struct err e;
};

static void
load(struct loaded *l, const struct tiny_model *t)
{
	*l = (struct loaded){ .bytes = STRBUF_INIT };
	tiny_model_memory(t, &l->bytes);
	l->g = gguf_parse((const uint8_t *)l->bytes.s, l->bytes.len, &l->e);
	if (!l->g)
		fail_msg("%s", l->e.text);
	l->m = model_new(l->g, &l->e);
}

static void
must_load(struct loaded *l, const struct tiny_model *t)
{
	load(l, t);
	if (!l->m)
		fail_msg("%s", l->e.text);
}

static void
unload(struct loaded *l)
{
	model_free(l->m);
	gguf_free(l->g);
	strbuf_release(&l->bytes);
}

/* model_new and model_peek must agree. */
static void
expect_refused(const struct tiny_model *t, const char *message)
{
	struct model peeked;
	struct loaded l;
	struct err e;

	load(&l, t);
	if (l.m || l.e.code != ERR_MODEL || !strstr(l.e.text, message))
		fail_msg("%s, should say: %s", l.m ? "accepted" : l.e.text, message);
	assert_int_equal(model_peek(l.g, &peeked, &e), -1);
	assert_string_equal(e.text, l.e.text);
	unload(&l);
}

/* ---- what is accepted ---------------------------------------------------------------------------- */

static void
check_matrix(const struct gguf *g, const struct matrix *w, const char *name, size_t rows, size_t cols)
{
	const struct gguf_tensor *t = gguf_find(g, name);

	assert_non_null(t);
	assert_ptr_equal(w->data, t->data);
	assert_int_equal(w->type, t->type);
	assert_int_equal(w->rows, rows);
	assert_int_equal(w->cols, cols);
	assert_int_equal(w->row_bytes * rows, t->size);
}

static void
model__new__binds_every_tensor(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_Q4_0);
	const struct model_layer *last;
	struct loaded l;

	must_load(&l, &t);
	assert_string_equal(l.m->arch, "llama");
	assert_string_equal(l.m->name, "tiny");
	assert_true(l.m->n_vocab == 512 && l.m->n_embd == 64 && l.m->n_layer == 2 && l.m->n_head == 4);
	assert_true(l.m->n_head_kv == 2 && l.m->head_dim == 16 && l.m->n_ff == 96 && l.m->n_ctx_train == 128);
	assert_true(l.m->norm_eps == 1e-5f && l.m->n_rot == 16 && l.m->rope_base == 10000);
	assert_true(l.m->rope_scaling == ROPE_NONE && l.m->rope_factor == 1 && l.m->rope_attn_factor == 1);
	assert_null(l.m->rope_freqs);
	assert_int_equal(l.m->n_params, 2 * 512 * 64 + 64 + 2 * (2 * 64 + 2 * 64 * 64 + 2 * 32 * 64 + 3 * 96 * 64));
	last = &l.m->layer[1];
	check_matrix(l.g, &l.m->tok_embd, "token_embd.weight", 512, 64);
	check_matrix(l.g, &l.m->output, "output.weight", 512, 64);
	check_matrix(l.g, &last->wq, "blk.1.attn_q.weight", 64, 64);
	check_matrix(l.g, &last->wk, "blk.1.attn_k.weight", 32, 64);
	check_matrix(l.g, &last->wv, "blk.1.attn_v.weight", 32, 64);
	check_matrix(l.g, &last->wo, "blk.1.attn_output.weight", 64, 64);
	check_matrix(l.g, &last->gate, "blk.1.ffn_gate.weight", 96, 64);
	check_matrix(l.g, &last->up, "blk.1.ffn_up.weight", 96, 64);
	check_matrix(l.g, &last->down, "blk.1.ffn_down.weight", 64, 96);
	assert_null(last->bq);
	assert_null(last->bo);
	assert_memory_equal(last->ffn_norm, gguf_find(l.g, "blk.1.ffn_norm.weight")->data, 64 * 4);
	assert_memory_equal(last->attn_norm, gguf_find(l.g, "blk.1.attn_norm.weight")->data, 64 * 4);
	assert_memory_equal(l.m->out_norm, gguf_find(l.g, "output_norm.weight")->data, 64 * 4);
	unload(&l);
}

static void
model__new__takes_every_type(void **state)
{
	static const char *const type_names[QUANT_TYPE_MAX] = {
		[QUANT_F32] = "F32", [QUANT_Q2_K] = "Q2_K", [QUANT_IQ4_XS] = "IQ4_XS", [QUANT_BF16] = "BF16",
	};

	for (uint32_t type = 0; type < QUANT_TYPE_MAX; type++) {
		struct tiny_model t;
		struct loaded l;

		if (!quant_format(type))
			continue;
		t = tiny_model_of(type);
		must_load(&l, &t);
		assert_int_equal(l.m->layer[0].gate.type, type);
		assert_int_equal(l.m->layer[0].down.type, type);
		if (type_names[type])
			assert_string_equal(l.m->type, type_names[type]);
		unload(&l);
	}
}

static void
model__new__ties_output_to_embedding(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_Q8_0);
	struct loaded l;

	t.tied = true;
	must_load(&l, &t);
	check_matrix(l.g, &l.m->output, "token_embd.weight", 512, 64);
	unload(&l);
}

static void
model__new__converts_norms_and_biases(void **state)
{
	static const enum quant_type types[] = { QUANT_F32, QUANT_F16, QUANT_BF16 };
	float want[64];

	for (size_t i = 0; i < N(types); i++) {
		struct tiny_model t = tiny_model_of(QUANT_F16);
		const struct gguf_tensor *x;
		struct loaded l;

		t.norm_type = types[i];
		t.biases = true;
		t.rope_freqs = true;
		must_load(&l, &t);
		x = gguf_find(l.g, "blk.1.attn_k.bias");
		quant_format(types[i])->decode(x->data, want, 32);
		assert_memory_equal(l.m->layer[1].bk, want, 32 * 4);
		x = gguf_find(l.g, "blk.0.attn_output.bias");
		quant_format(types[i])->decode(x->data, want, 64);
		assert_memory_equal(l.m->layer[0].bo, want, 64 * 4);
		x = gguf_find(l.g, "rope_freqs.weight");
		quant_format(types[i])->decode(x->data, want, 8);
		assert_memory_equal(l.m->rope_freqs, want, 8 * 4);
		assert_true(l.m->layer[0].bq && l.m->layer[0].bv && l.m->layer[0].bq != l.m->layer[1].bq);
		unload(&l);
	}
}

static void
model__new__slices_fused_qkv(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_Q4_0);
	const struct gguf_tensor *x;
	const struct model_layer *y;
	struct loaded l;
	float want[128];

	t.fused_qkv = true;
	t.biases = true;
	must_load(&l, &t);
	x = gguf_find(l.g, "blk.1.attn_qkv.weight");
	y = &l.m->layer[1];
	assert_ptr_equal(y->wq.data, x->data);
	assert_ptr_equal(y->wk.data, x->data + 64 * 36);
	assert_ptr_equal(y->wv.data, x->data + 96 * 36);
	assert_true(y->wq.rows == 64 && y->wk.rows == 32 && y->wv.rows == 32);
	assert_true(y->wv.row_bytes == 36 && y->wv.cols == 64 && y->wv.type == QUANT_Q4_0);
	quant_format(QUANT_F32)->decode(gguf_find(l.g, "blk.1.attn_qkv.bias")->data, want, 128);
	assert_memory_equal(y->bq, want, 64 * 4);
	assert_memory_equal(y->bk, want + 64, 32 * 4);
	assert_memory_equal(y->bv, want + 96, 32 * 4);
	unload(&l);
}

/* As small and as odd as published models are. */
static void
model__new__takes_odd_shapes(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_F32);
	struct loaded l;

	t.n_ff = 172;
	t.n_head = 8;
	t.n_head_kv = 4;
	must_load(&l, &t);
	assert_int_equal(l.m->head_dim, 8);
	unload(&l);
	t.n_head = 3;		/* does not divide n_embd, but the head size is given */
	t.n_head_kv = 1;
	t.head_dim = 2;
	t.n_layer = 5;
	must_load(&l, &t);
	assert_true(l.m->head_dim == 2 && l.m->layer[4].wq.rows == 6 && l.m->layer[4].wo.cols == 6);
	unload(&l);
	t = tiny_model_of(QUANT_Q4_K);
	t.n_ff = 96;		/* falls back to Q8_0 */
	t.head_dim = 256;
	must_load(&l, &t);
	assert_int_equal(l.m->layer[0].down.type, QUANT_Q8_0);
	unload(&l);
}

static void
edit_array_heads(struct gguf_writer *w, const void *ctx)
{
	static const int32_t same[] = { 2, 2 };

	gguf_put_i32s(w, "llama.attention.head_count_kv", same, 2);
}

static void
model__new__heads_by_layer_and_default(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_F32);
	struct loaded l;

	t.omit[0] = "llama.attention.head_count_kv";
	t.edit = edit_array_heads;
	must_load(&l, &t);
	assert_int_equal(l.m->n_head_kv, 2);
	unload(&l);
	t.edit = NULL;
	t.n_head_kv = t.n_head;
	must_load(&l, &t);
	assert_int_equal(l.m->n_head_kv, 4);
	unload(&l);
}

static void
edit_name(struct gguf_writer *w, const void *ctx)
{
	gguf_put_string(w, "general.type", "model");
	gguf_put_string(w, "general.name", "evil\x1b]0;x\a\n");
}

static void
model__new__scrubs_the_name(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_F32);
	struct loaded l;

	t.name = NULL;
	must_load(&l, &t);
	assert_string_equal(l.m->name, "");
	unload(&l);
	t.edit = edit_name;
	must_load(&l, &t);
	assert_string_equal(l.m->name, "evil\xe2\x90\x9b]0;x\xe2\x90\x87 ");
	unload(&l);
}

/* Shape and name without the weights. */
static void
model__peek__tells_the_facts(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_Q5_1);
	struct model m;
	struct loaded l;

	must_load(&l, &t);
	assert_int_equal(model_peek(l.g, &m, &l.e), 0);
	assert_string_equal(m.name, "tiny");
	assert_string_equal(m.type, "Q5_1");
	assert_true(m.n_params == l.m->n_params && m.n_layer == 2 && m.n_ctx_train == 128);
	assert_null(m.layer);
	assert_null(m.floats);
	unload(&l);
}

/* ---- keys ---------------------------------------------------------------------------------------- */

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
	{ "llama.block_count", AS_U32, 1, NULL, "a tensor \"blk.1.attn_norm.weight\", which hum does not know how to use" },
	{ "llama.block_count", AS_STRING, 0, "2", "\"llama.block_count\" is a string and should be an integer" },
	{ "llama.block_count", AS_I32, -2, NULL, "is negative (-2)" },
	{ "llama.embedding_length", AS_U32, 0, NULL, "\"llama.embedding_length\" is 0" },
	{ "llama.embedding_length", AS_U32, 4294967295.0, NULL, "\"llama.embedding_length\" is 4294967295" },
	{ "llama.embedding_length", AS_U32, 128, NULL, "the model rotates 16 of the 32 dimensions" },
	{ "llama.feed_forward_length", AS_U32, 0, NULL, "\"llama.feed_forward_length\" is 0" },
	{ "llama.feed_forward_length", AS_U32, 64, NULL, "tensor \"blk.0.ffn_gate.weight\" is 64 x 96 and should be 64 x 64" },
	{ "llama.context_length", AS_U32, 0, NULL, "\"llama.context_length\" is 0" },
	{ "llama.context_length", AS_U32, 4e9, NULL, "\"llama.context_length\" is 4000000000" },
	{ HEADS, AS_U32, 0, NULL, "head_count\" is 0" },
	{ HEADS, AS_U32, 5, NULL, "5 attention heads cannot share 2" },
	{ HEADS, AS_U32, 6, NULL, "embedding of 64 cannot be split over 6" },
	{ HEADS, AS_U32, 64, NULL, "a size of 1: hum supports even sizes" },
	{ "llama.attention.head_count_kv", AS_U32, 0, NULL, "head_count_kv\" is 0" },
	{ "llama.attention.head_count_kv", AS_U32, 8, NULL, "head_count_kv\" is 8, outside of 1 to 4" },
	{ "llama.attention.head_count_kv", AS_U32, 3, NULL, "4 attention heads cannot share 3" },
	{ "llama.attention.head_count_kv", AS_U32, 1, NULL, "\"blk.0.attn_k.weight\" is 64 x 32 and should be 64 x 16" },
	{ "llama.attention.key_length", AS_U32, 512, NULL, "key_length\" is 512" },
	{ "llama.attention.key_length", AS_U32, 15, NULL, "a size of 15: hum supports even sizes" },
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
	{ "llama.rope.scaling.type", AS_STRING, 0, "longrope", "by \"longrope\", which hum does not support" },
	{ "llama.rope.scaling.type", AS_U32, 1, NULL, "scaling.type\" is an integer" },
	{ "llama.rope.scaling.factor", AS_F32, -2, NULL, "factor\" is -2" },
	{ "llama.rope.scaling.factor", AS_F32, 1e-6, NULL, "scaling factor is 1e-06" },
	{ "llama.rope.scale_linear", AS_F32, (double)NAN, NULL, "scale_linear\" is nan" },
	{ "llama.rope.scaling.original_context_length", AS_U32, 0, NULL, "original_context_length\" is 0" },
	{ "llama.rope.scaling.attn_factor", AS_F32, 0, NULL, "attn_factor\" is 0" },
	{ "tokenizer.ggml.tokens", AS_U32, 512, NULL, "\"tokenizer.ggml.tokens\" is an integer and should be an array" },
};

static void
model__new__refuses_bad_keys(void **state)
{
	for (size_t i = 0; i < N(bad_keys); i++) {
		struct tiny_model t = tiny_model_of(QUANT_Q8_0);

		t.omit[0] = bad_keys[i].key;
		t.edit = edit_key;
		t.edit_ctx = &bad_keys[i];
		expect_refused(&t, bad_keys[i].message);
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
		expect_refused(&t, needed[i].message);
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
	expect_refused(&t, "the layers of this model differ (llama.attention.head_count_kv)");
	t.edit = edit_no_heads;
	expect_refused(&t, "should hold integers");
	t.edit = edit_negative_heads;
	expect_refused(&t, "is negative");
}

/* ---- rope ---------------------------------------------------------------------------------------- */

static void
edit_keys(struct gguf_writer *w, const void *ctx)
{
	for (const struct key *k = ctx; k->key; k++)
		edit_key(w, k);
}

/* The model with these keys beside its own. */
static void
load_with(struct loaded *l, const struct key *keys)
{
	struct tiny_model t = tiny_model_of(QUANT_F32);

	t.edit = edit_keys;
	t.edit_ctx = keys;
	must_load(l, &t);
}

#define SCALING "llama.rope.scaling."

static void
model__rope__linear_scaling_of_old_and_new_files(void **state)
{
	static const struct key old[] = { { "llama.rope.scale_linear", AS_F32, 4, NULL, NULL }, { .key = NULL } };
	static const struct key zero[] = { { "llama.rope.scale_linear", AS_F32, 0, NULL, NULL }, { .key = NULL } };
	static const struct key none[] = { { SCALING "type", AS_STRING, 0, "none", NULL },
		{ SCALING "factor", AS_F32, 8, NULL, NULL }, { .key = NULL } };
	static const struct key linear[] = { { SCALING "type", AS_STRING, 0, "linear", NULL },
		{ SCALING "factor", AS_F32, 8, NULL, NULL }, { "llama.rope.freq_base", AS_F32, 1e6, NULL, NULL },
		{ .key = NULL } };
	struct loaded l;

	load_with(&l, old);
	assert_true(l.m->rope_scaling == ROPE_LINEAR && l.m->rope_factor == 4);
	unload(&l);
	load_with(&l, zero);
	assert_true(l.m->rope_scaling == ROPE_NONE && l.m->rope_factor == 1);
	unload(&l);
	load_with(&l, none);
	assert_true(l.m->rope_scaling == ROPE_NONE && l.m->rope_factor == 1);
	unload(&l);
	load_with(&l, linear);
	assert_true(l.m->rope_scaling == ROPE_LINEAR && l.m->rope_factor == 8 && l.m->rope_base == 1e6f);
	unload(&l);
}

static void
model__rope__yarn_has_its_defaults_and_keys(void **state)
{
	static const struct key plain[] = { { SCALING "type", AS_STRING, 0, "yarn", NULL },
		{ SCALING "factor", AS_F32, 16, NULL, NULL }, { .key = NULL } };
	static const struct key all[] = { { SCALING "type", AS_STRING, 0, "yarn", NULL },
		{ SCALING "factor", AS_F32, 16, NULL, NULL }, { SCALING "original_context_length", AS_U32, 64, NULL, NULL },
		{ SCALING "yarn_ext_factor", AS_F32, 0.5, NULL, NULL }, { SCALING "yarn_attn_factor", AS_F32, 2, NULL, NULL },
		{ SCALING "attn_factor", AS_F32, 3, NULL, NULL }, { SCALING "yarn_beta_fast", AS_F32, 16, NULL, NULL },
		{ SCALING "yarn_beta_slow", AS_F32, 2, NULL, NULL }, { .key = NULL } };
	struct loaded l;

	load_with(&l, plain);
	assert_true(l.m->rope_scaling == ROPE_YARN && l.m->rope_factor == 16 && l.m->rope_ctx_orig == 128);
	assert_true(l.m->yarn_ext_factor == 1 && l.m->yarn_beta_fast == 32 && l.m->yarn_beta_slow == 1);
	assert_true(l.m->rope_attn_factor == 1);
	unload(&l);
	load_with(&l, all);
	assert_true(l.m->rope_ctx_orig == 64 && l.m->yarn_ext_factor == 0.5f && l.m->rope_attn_factor == 6);
	assert_true(l.m->yarn_beta_fast == 16 && l.m->yarn_beta_slow == 2);
	unload(&l);
}

/* ---- the name of the mix ------------------------------------------------------------------------- */

static void
model__type__is_the_files_word_if_the_weights_bear_it_out(void **state)
{
	static const struct {
		double file_type;
		const char *name;
	} rows[] = {
		{ 14, "Q4_K_S" }, { 15, "Q4_K_M" }, { 17, "Q4_K" }, { 0, "Q4_K" }, { 4, "Q4_K" }, { 1000, "Q4_K" },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct tiny_model t = tiny_model_of(QUANT_Q4_K);
		struct key k = { "general.file_type", AS_U32, rows[i].file_type, NULL, NULL };
		struct loaded l;

		t.edit = edit_key;
		t.edit_ctx = &k;
		must_load(&l, &t);
		assert_string_equal(l.m->type, rows[i].name);
		unload(&l);
	}
}

/* ---- tensors ------------------------------------------------------------------------------------- */

static void
model__new__names_missing_tensors(void **state)
{
	static const char *const needed[] = {
		"token_embd.weight", "output_norm.weight", "blk.1.attn_norm.weight", "blk.1.attn_q.weight",
		"blk.1.attn_k.weight", "blk.1.attn_v.weight", "blk.1.attn_output.weight", "blk.1.ffn_norm.weight",
		"blk.1.ffn_gate.weight", "blk.1.ffn_up.weight", "blk.1.ffn_down.weight",
	};
	char message[96];

	for (size_t i = 0; i < N(needed); i++) {
		struct tiny_model t = tiny_model_of(QUANT_F32);

		t.omit[0] = needed[i];
		snprintf(message, sizeof message, "tensor \"%s\" is missing", needed[i]);
		expect_refused(&t, message);
	}
}

static struct gguf_out_tensor *
find_out(struct gguf_writer *w, const char *name)
{
	for (size_t i = 0; i < w->n_tensors; i++)
		if (strcmp(w->tensor[i].name, name) == 0)
			return &w->tensor[i];
	fail_msg("no tensor %s", name);
	return NULL;
}

/* Columns and rows swapped: as many bytes, another matrix. */
static void
edit_transpose(struct gguf_writer *w, const void *ctx)
{
	struct gguf_out_tensor *t = find_out(w, ctx);
	uint64_t cols = t->ne[0];

	t->n_dims = 2;
	t->ne[0] = t->ne[1];
	t->ne[1] = cols;
}

static void
edit_third_dim(struct gguf_writer *w, const void *ctx)
{
	struct gguf_out_tensor *t = find_out(w, ctx);

	t->n_dims = 3;
	t->ne[2] = 2;
	t->ne[1] /= 2;
}

static void
model__new__refuses_wrong_shapes(void **state)
{
	static const char *const names[] = {
		"token_embd.weight", "output.weight", "output_norm.weight", "rope_freqs.weight", "blk.0.attn_norm.weight",
		"blk.0.attn_k.weight", "blk.0.attn_v.weight", "blk.0.attn_q.bias", "blk.0.attn_k.bias", "blk.0.attn_v.bias",
		"blk.0.attn_output.bias", "blk.0.ffn_norm.weight", "blk.0.ffn_gate.weight", "blk.0.ffn_up.weight",
		"blk.0.ffn_down.weight",
	};
	char message[96];

	for (size_t i = 0; i < N(names); i++) {
		struct tiny_model t = tiny_model_of(QUANT_F32);

		t.biases = true;
		t.rope_freqs = true;
		t.edit = edit_transpose;
		t.edit_ctx = names[i];
		snprintf(message, sizeof message, "tensor \"%s\" is ", names[i]);
		expect_refused(&t, message);
	}
}

static void
model__new__refuses_wrong_fused_shapes(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_F32);

	t.fused_qkv = true;
	t.biases = true;
	t.edit = edit_transpose;
	t.edit_ctx = "blk.1.attn_qkv.weight";
	expect_refused(&t, "\"blk.1.attn_qkv.weight\" is 128 x 64 and should be 64 x 128");
	t.edit_ctx = "blk.1.attn_qkv.bias";
	expect_refused(&t, "\"blk.1.attn_qkv.bias\" is 1 x 128 and should be 128 x 1");
	t.edit = edit_third_dim;
	t.edit_ctx = "blk.0.attn_output.weight";
	expect_refused(&t, "\"blk.0.attn_output.weight\" is 64 x 32 x more and should be 64 x 64");
}

static void
edit_one_token_less(struct gguf_writer *w, const void *ctx)
{
	find_out(w, "token_embd.weight")->ne[1]--;
}

static void
edit_stray(struct gguf_writer *w, const void *ctx)
{
	static const float x[4];

	gguf_put_tensor(w, ctx, QUANT_F32, 4, 0, x);
}

static void
model__new__refuses_what_it_would_ignore(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_F32);
	struct loaded l;

	t.edit = edit_one_token_less;
	expect_refused(&t, "\"token_embd.weight\" is 64 x 511 and should be 64 x 512");
	t.edit = edit_stray;
	t.edit_ctx = "blk.0.attn_q_norm.weight";
	expect_refused(&t, "a tensor \"blk.0.attn_q_norm.weight\", which hum does not know");
	t.edit_ctx = "blk.0.attn_rot_embd.weight";	/* of the first converters; it is computed anew */
	must_load(&l, &t);
	unload(&l);
}

static void
edit_norm_type(struct gguf_writer *w, const void *ctx)
{
	struct gguf_out_tensor *t = find_out(w, "output_norm.weight");
	static const uint8_t blocks[2 * 34];

	t->type = QUANT_Q8_0;
	t->data = blocks;
	t->size = sizeof blocks;
}

static void
edit_values(struct gguf_writer *w, const void *ctx)
{
	static float x[64];

	for (int i = 0; i < 64; i++)
		x[i] = i == 7 ? *(const float *)ctx : 1;
	find_out(w, "rope_freqs.weight")->data = x;
	find_out(w, "blk.1.ffn_norm.weight")->data = x;
}

/* The weights of matrices are not looked at; norms are few, and one bad value there spoils every answer. */
static void
model__new__refuses_norms_that_are_no_numbers(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_F32);
	float value = NAN;
	struct loaded l;

	t.rope_freqs = true;
	t.edit = edit_values;
	t.edit_ctx = &value;
	load(&l, &t);
	assert_null(l.m);
	assert_non_null(strstr(l.e.text, "\"rope_freqs.weight\" holds values that are no numbers"));
	unload(&l);
	value = 0;
	load(&l, &t);
	assert_null(l.m);
	assert_non_null(strstr(l.e.text, "\"rope_freqs.weight\" holds 0"));
	unload(&l);
	value = 3;
	must_load(&l, &t);
	assert_true(l.m->layer[1].ffn_norm[7] == 3 && l.m->rope_freqs[7] == 3);
	unload(&l);
	t.edit = edit_norm_type;
	expect_refused(&t, "\"output_norm.weight\" has the type Q8_0: hum expects");
}

static void
edit_no_tensors(struct gguf_writer *w, const void *ctx)
{
	while (w->n_tensors)
		free(w->tensor[--w->n_tensors].name);
}

static void
model__new__tells_a_vocabulary_from_a_model(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_F32);

	t.edit = edit_no_tensors;
	expect_refused(&t, "holds a vocabulary and no weights");
}

/* ---- damage -------------------------------------------------------------------------------------- */

static void
model__new__survives_random_damage(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_Q4_0);
	struct strbuf b = STRBUF_INIT;
	uint64_t rng = 1;
	size_t accepted = 0, header;

	t.biases = true;
	tiny_model_memory(&t, &b);
	header = b.len;
	{
		struct gguf *g = gguf_parse((const uint8_t *)b.s, b.len, NULL);

		header = (size_t)(gguf_tensor(g, 0)->data - (const uint8_t *)b.s);
		gguf_free(g);
	}
	for (int round = 0; round < 1500; round++) {
		uint8_t *copy = xmalloc(b.len);
		struct err e = { ERR_NONE, "" };
		struct gguf *g;
		struct model *m = NULL;

		memcpy(copy, b.s, b.len);
		rng = rng * 6364136223846793005 + 1442695040888963407;
		copy[(rng >> 40) % header] ^= (uint8_t)(1 << (rng >> 32) % 8);
		g = gguf_parse(copy, b.len, &e);
		if (g)
			m = model_new(g, &e);
		assert_true(m || (e.code == ERR_MODEL && e.text[0]));
		accepted += m != NULL;
		model_free(m);
		gguf_free(g);
		free(copy);
	}
	assert_true(accepted > 100 && accepted < 1400);
	strbuf_release(&b);
}

/* ---- split sets ---------------------------------------------------------------------------------- */

struct split {
	char *dir, *part[3];
};

static void
split_make(struct split *s, const struct tiny_model *t)
{
	const char *dir = getenv("TMPDIR");

	s->dir = xasprintf("%s/hum-split-XXXXXX", dir && *dir ? dir : "/tmp");
	assert_non_null(mkdtemp(s->dir));
	s->part[0] = tiny_model_split(t, s->dir, 3);
	for (unsigned i = 1; i < 3; i++)
		s->part[i] = xasprintf("%s/tiny-%05u-of-00003.gguf", s->dir, i + 1);
}

static void
split_remove(struct split *s)
{
	for (int i = 0; i < 3; i++) {
		unlink(s->part[i]);
		free(s->part[i]);
	}
	rmdir(s->dir);
	free(s->dir);
}

static void
expect_open_refused(const char *path, const char *message)
{
	struct err e = { ERR_NONE, "" };
	struct gguf *g = gguf_open(path, &e);

	if (g || e.code != ERR_MODEL || !strstr(e.text, message))
		fail_msg("%s: %s, should say: %s", path, g ? "was accepted" : e.text, message);
}

static void
model__split__is_the_same_model(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_Q5_0);
	const struct gguf_tensor *x, *y;
	uint64_t size = 0;
	struct loaded l;
	struct split s;
	struct gguf *g;
	struct model *m;
	struct stat st;

	must_load(&l, &t);
	split_make(&s, &t);
	g = gguf_open(s.part[0], &l.e);
	if (!g)
		fail_msg("%s", l.e.text);
	m = model_new(g, &l.e);
	if (!m)
		fail_msg("%s", l.e.text);
	assert_int_equal(m->n_params, l.m->n_params);
	assert_int_equal(gguf_n_tensors(g), gguf_n_tensors(l.g));
	for (size_t i = 0; i < gguf_n_tensors(g); i++) {
		x = gguf_tensor(g, i);
		y = gguf_find(l.g, x->name);
		assert_int_equal(x->size, y->size);
		assert_memory_equal(x->data, y->data, x->size);
		assert_true(gguf_owns_address(g, x->data) && gguf_owns_address(g, x->data + x->size - 1));
	}
	for (int i = 0; i < 3; i++) {
		assert_int_equal(stat(s.part[i], &st), 0);
		size += (uint64_t)st.st_size;
	}
	assert_int_equal(gguf_file_size(g), size);
	model_free(m);
	gguf_free(g);
	split_remove(&s);
	unload(&l);
}

static void
model__split__says_what_is_wrong_with_the_set(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_Q8_0);
	struct split s;
	char *other;

	split_make(&s, &t);
	expect_open_refused(s.part[1], "this is part 2 of 3 of a model; open tiny-00001-of-00003.gguf");
	other = xasprintf("%s/renamed.gguf", s.dir);
	assert_int_equal(rename(s.part[2], other), 0);
	expect_open_refused(s.part[0], "tiny-00003-of-00003.gguf: cannot open the model: No such file");
	expect_open_refused(other, "this is part 3 of 3 of a model; open the first");
	assert_int_equal(link(s.part[1], s.part[2]), 0);
	expect_open_refused(s.part[0], "tiny-00003-of-00003.gguf: this is part 2 of 3, not the part that its name says");
	assert_int_equal(rename(other, s.part[2]), 0);
	assert_int_equal(truncate(s.part[2], 1000), 0);
	expect_open_refused(s.part[0], "tiny-00003-of-00003.gguf: the file is cut short");
	assert_int_equal(rename(s.part[0], other), 0);
	expect_open_refused(other, "named NAME-00001-of-00003.gguf");
	unlink(other);
	free(other);
	split_remove(&s);
}

/* Parts of two models with the same names: the tables disagree. */
static void
model__split__refuses_parts_of_another_set(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_Q8_0);
	struct split s, longer;

	split_make(&s, &t);
	t.n_layer = 3;
	split_make(&longer, &t);
	assert_int_equal(rename(longer.part[2], s.part[2]), 0);
	expect_open_refused(s.part[0], "tensors together and should have 21");
	assert_int_equal(rename(longer.part[0], s.part[2]), 0);
	expect_open_refused(s.part[0], "this is part 1 of 3, not the part");
	split_remove(&s);
	split_remove(&longer);
}

/* ---- real files ---------------------------------------------------------------------------------- */

static void
check_shared(const char *name, size_t n_layer, size_t head_dim, const char *type)
{
	const char *dir = getenv("HUM_SHARED"), *top = getenv("TOP_SRCDIR");
	char *path = dir ? xasprintf("%s/data/%s", dir, name) : xasprintf("%s/../shared/data/%s", top ? top : ".", name);
	struct gguf *g;
	struct model *m;
	struct err e;

	if (access(path, R_OK) != 0) {
		free(path);
		skip();
	}
	g = gguf_open(path, &e);
	m = g ? model_new(g, &e) : NULL;
	if (!m)
		fail_msg("%s", e.text);
	assert_int_equal(m->n_layer, n_layer);
	assert_int_equal(m->head_dim, head_dim);
	assert_string_equal(m->type, type);
	model_free(m);
	gguf_free(g);
	free(path);
}

static void
model__real__stories260K(void **state)
{
	check_shared("stories260K.f32.gguf", 5, 8, "F32");
}

static void
model__real__guide_preview(void **state)
{
	check_shared("guide-preview.gguf", 6, 32, "Q8_0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(model__new__binds_every_tensor),
		cmocka_unit_test(model__new__takes_every_type),
		cmocka_unit_test(model__new__ties_output_to_embedding),
		cmocka_unit_test(model__new__converts_norms_and_biases),
		cmocka_unit_test(model__new__slices_fused_qkv),
		cmocka_unit_test(model__new__takes_odd_shapes),
		cmocka_unit_test(model__new__heads_by_layer_and_default),
		cmocka_unit_test(model__new__scrubs_the_name),
		cmocka_unit_test(model__peek__tells_the_facts),
		cmocka_unit_test(model__new__refuses_bad_keys),
		cmocka_unit_test(model__new__names_missing_keys),
		cmocka_unit_test(model__new__refuses_heads_that_differ_by_layer),
		cmocka_unit_test(model__rope__linear_scaling_of_old_and_new_files),
		cmocka_unit_test(model__rope__yarn_has_its_defaults_and_keys),
		cmocka_unit_test(model__type__is_the_files_word_if_the_weights_bear_it_out),
		cmocka_unit_test(model__new__names_missing_tensors),
		cmocka_unit_test(model__new__refuses_wrong_shapes),
		cmocka_unit_test(model__new__refuses_wrong_fused_shapes),
		cmocka_unit_test(model__new__refuses_what_it_would_ignore),
		cmocka_unit_test(model__new__refuses_norms_that_are_no_numbers),
		cmocka_unit_test(model__new__tells_a_vocabulary_from_a_model),
		cmocka_unit_test(model__new__survives_random_damage),
		cmocka_unit_test(model__split__is_the_same_model),
		cmocka_unit_test(model__split__says_what_is_wrong_with_the_set),
		cmocka_unit_test(model__split__refuses_parts_of_another_set),
		cmocka_unit_test(model__real__stories260K),
		cmocka_unit_test(model__real__guide_preview),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
