/* Models bound to their files: what is accepted, which tensors are refused, real files. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/xalloc.h"
#include "engine/model.h"
#include "tests/engine/tiny_model.h"

#define N(a) (sizeof(a) / sizeof *(a))

/* ---- what is accepted ------------------------------------------------------------------------ */

static void
check_matrix(
	const struct gguf *g, const struct matrix *w, const char *name, size_t rows, size_t cols)
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
	struct tiny_loaded l;

	tiny_load(&l, &t);
	assert_string_equal(l.m->arch, "llama");
	assert_string_equal(l.m->name, "tiny");
	assert_true(
		l.m->n_vocab == 512 && l.m->n_embd == 64 && l.m->n_layer == 2 && l.m->n_head == 4);
	assert_true(l.m->n_head_kv == 2 && l.m->head_dim == 16 && l.m->n_ff == 96 &&
		    l.m->n_ctx_train == 128);
	assert_true(l.m->norm_eps == 1e-5f && l.m->n_rot == 16 && l.m->rope_base == 10000);
	assert_true(l.m->rope_scaling == ROPE_NONE && l.m->rope_factor == 1 &&
		    l.m->rope_attn_factor == 1);
	assert_null(l.m->rope_freqs);
	assert_int_equal(l.m->n_params,
		2 * 512 * 64 + 64 + 2 * (2 * 64 + 2 * 64 * 64 + 2 * 32 * 64 + 3 * 96 * 64));
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
	assert_memory_equal(
		last->attn_norm, gguf_find(l.g, "blk.1.attn_norm.weight")->data, 64 * 4);
	assert_memory_equal(l.m->out_norm, gguf_find(l.g, "output_norm.weight")->data, 64 * 4);
	tiny_unload(&l);
}

static void
model__new__takes_every_type(void **state)
{
	static const char *const type_names[QUANT_TYPE_MAX] = {
		[QUANT_F32] = "F32",
		[QUANT_Q2_K] = "Q2_K",
		[QUANT_IQ4_XS] = "IQ4_XS",
		[QUANT_BF16] = "BF16",
	};

	for (uint32_t type = 0; type < QUANT_TYPE_MAX; type++) {
		struct tiny_model t;
		struct tiny_loaded l;

		if (!quant_format(type))
			continue;
		t = tiny_model_of(type);
		tiny_load(&l, &t);
		assert_int_equal(l.m->layer[0].gate.type, type);
		assert_int_equal(l.m->layer[0].down.type, type);
		if (type_names[type])
			assert_string_equal(l.m->type, type_names[type]);
		tiny_unload(&l);
	}
}

static void
model__new__ties_output_to_embedding(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_Q8_0);
	struct tiny_loaded l;

	t.tied = true;
	tiny_load(&l, &t);
	check_matrix(l.g, &l.m->output, "token_embd.weight", 512, 64);
	tiny_unload(&l);
}

static void
model__new__converts_norms_and_biases(void **state)
{
	static const enum quant_type types[] = { QUANT_F32, QUANT_F16, QUANT_BF16 };
	float want[64];

	for (size_t i = 0; i < N(types); i++) {
		struct tiny_model t = tiny_model_of(QUANT_F16);
		const struct gguf_tensor *x;
		struct tiny_loaded l;

		t.norm_type = types[i];
		t.biases = true;
		t.rope_freqs = true;
		tiny_load(&l, &t);
		x = gguf_find(l.g, "blk.1.attn_k.bias");
		quant_format(types[i])->decode(x->data, want, 32);
		assert_memory_equal(l.m->layer[1].bk, want, 32 * 4);
		x = gguf_find(l.g, "blk.0.attn_output.bias");
		quant_format(types[i])->decode(x->data, want, 64);
		assert_memory_equal(l.m->layer[0].bo, want, 64 * 4);
		x = gguf_find(l.g, "rope_freqs.weight");
		quant_format(types[i])->decode(x->data, want, 8);
		assert_memory_equal(l.m->rope_freqs, want, 8 * 4);
		assert_true(l.m->layer[0].bq && l.m->layer[0].bv &&
			    l.m->layer[0].bq != l.m->layer[1].bq);
		tiny_unload(&l);
	}
}

static void
model__new__slices_fused_qkv(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_Q4_0);
	const struct gguf_tensor *x;
	const struct model_layer *y;
	struct tiny_loaded l;
	float want[128];

	t.fused_qkv = true;
	t.biases = true;
	tiny_load(&l, &t);
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
	tiny_unload(&l);
}

/* As small and as odd as published models are. */
static void
model__new__takes_odd_shapes(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_F32);
	struct tiny_loaded l;

	t.n_ff = 172;
	t.n_head = 8;
	t.n_head_kv = 4;
	tiny_load(&l, &t);
	assert_int_equal(l.m->head_dim, 8);
	tiny_unload(&l);
	t.n_head = 3;		/* does not divide n_embd, but the head size is given */
	t.n_head_kv = 1;
	t.head_dim = 2;
	t.n_layer = 5;
	tiny_load(&l, &t);
	assert_true(l.m->head_dim == 2 && l.m->layer[4].wq.rows == 6 && l.m->layer[4].wo.cols == 6);
	tiny_unload(&l);
	t = tiny_model_of(QUANT_Q4_K);
	t.n_ff = 96;		/* falls back to Q8_0 */
	t.head_dim = 256;
	tiny_load(&l, &t);
	assert_int_equal(l.m->layer[0].down.type, QUANT_Q8_0);
	tiny_unload(&l);
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
	struct tiny_loaded l;

	t.omit[0] = "llama.attention.head_count_kv";
	t.edit = edit_array_heads;
	tiny_load(&l, &t);
	assert_int_equal(l.m->n_head_kv, 2);
	tiny_unload(&l);
	t.edit = NULL;
	t.n_head_kv = t.n_head;
	tiny_load(&l, &t);
	assert_int_equal(l.m->n_head_kv, 4);
	tiny_unload(&l);
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
	struct tiny_loaded l;

	t.name = NULL;
	tiny_load(&l, &t);
	assert_string_equal(l.m->name, "");
	tiny_unload(&l);
	t.edit = edit_name;
	tiny_load(&l, &t);
	assert_string_equal(l.m->name, "evil\xe2\x90\x9b]0;x\xe2\x90\x87 ");
	tiny_unload(&l);
}

/* Shape and name without the weights. */
static void
model__peek__tells_the_facts(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_Q5_1);
	struct model m;
	struct tiny_loaded l;

	tiny_load(&l, &t);
	assert_int_equal(model_peek(l.g, &m, &l.e), 0);
	assert_string_equal(m.name, "tiny");
	assert_string_equal(m.type, "Q5_1");
	assert_true(m.n_params == l.m->n_params && m.n_layer == 2 && m.n_ctx_train == 128);
	assert_null(m.layer);
	assert_null(m.floats);
	tiny_unload(&l);
}

/* ---- tensors --------------------------------------------------------------------------------- */

static void
model__new__names_missing_tensors(void **state)
{
	static const char *const needed[] = {
		"token_embd.weight",
		"output_norm.weight",
		"blk.1.attn_norm.weight",
		"blk.1.attn_q.weight",
		"blk.1.attn_k.weight",
		"blk.1.attn_v.weight",
		"blk.1.attn_output.weight",
		"blk.1.ffn_norm.weight",
		"blk.1.ffn_gate.weight",
		"blk.1.ffn_up.weight",
		"blk.1.ffn_down.weight",
	};
	char message[96];

	for (size_t i = 0; i < N(needed); i++) {
		struct tiny_model t = tiny_model_of(QUANT_F32);

		t.omit[0] = needed[i];
		snprintf(message, sizeof message, "tensor \"%s\" is missing", needed[i]);
		tiny_expect_refused(&t, message);
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
	static const uint8_t twice[2 * 64 * 64 * 4];

	t->n_dims = 3;
	t->ne[2] = 2;
	t->data = twice;
	t->size = sizeof twice;
}

static void
model__new__refuses_wrong_shapes(void **state)
{
	static const char *const names[] = {
		"token_embd.weight",
		"output.weight",
		"output_norm.weight",
		"rope_freqs.weight",
		"blk.0.attn_norm.weight",
		"blk.0.attn_k.weight",
		"blk.0.attn_v.weight",
		"blk.0.attn_q.bias",
		"blk.0.attn_k.bias",
		"blk.0.attn_v.bias",
		"blk.0.attn_output.bias",
		"blk.0.ffn_norm.weight",
		"blk.0.ffn_gate.weight",
		"blk.0.ffn_up.weight",
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
		tiny_expect_refused(&t, message);
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
	tiny_expect_refused(&t, "\"blk.1.attn_qkv.weight\" is 128 x 64 and should be 64 x 128");
	t.edit_ctx = "blk.1.attn_qkv.bias";
	tiny_expect_refused(&t, "\"blk.1.attn_qkv.bias\" is 1 x 128 and should be 128 x 1");
	t.edit = edit_third_dim;
	t.edit_ctx = "blk.0.attn_output.weight";
	tiny_expect_refused(
		&t, "\"blk.0.attn_output.weight\" is 64 x 64 x more and should be 64 x 64");
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
	struct tiny_loaded l;

	t.edit = edit_one_token_less;
	tiny_expect_refused(&t, "\"token_embd.weight\" is 64 x 511 and should be 64 x 512");
	t.edit = edit_stray;
	t.edit_ctx = "blk.0.attn_q_norm.weight";
	tiny_expect_refused(&t, "a tensor \"blk.0.attn_q_norm.weight\", which hum does not know");
	/* Of the first converters; it is computed anew. */
	t.edit_ctx = "blk.0.attn_rot_embd.weight";
	tiny_load(&l, &t);
	tiny_unload(&l);
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

/* The weights of matrices are not looked at; norms are few, and one bad value there spoils every
 * answer. */
static void
model__new__refuses_norms_that_are_no_numbers(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_F32);
	float value = NAN;
	struct tiny_loaded l;

	t.rope_freqs = true;
	t.edit = edit_values;
	t.edit_ctx = &value;
	tiny_try_load(&l, &t);
	assert_null(l.m);
	assert_non_null(strstr(l.e.text, "\"rope_freqs.weight\" holds values that are no numbers"));
	tiny_unload(&l);
	value = 0;
	tiny_try_load(&l, &t);
	assert_null(l.m);
	assert_non_null(strstr(l.e.text, "\"rope_freqs.weight\" holds 0"));
	tiny_unload(&l);
	value = 3;
	tiny_load(&l, &t);
	assert_true(l.m->layer[1].ffn_norm[7] == 3 && l.m->rope_freqs[7] == 3);
	tiny_unload(&l);
	t.edit = edit_norm_type;
	tiny_expect_refused(&t, "\"output_norm.weight\" has the type Q8_0: hum expects");
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
	tiny_expect_refused(&t, "holds a vocabulary and no weights");
}

/* ---- damage ---------------------------------------------------------------------------------- */

static void
model__new__survives_random_damage(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_Q4_0);
	struct strbuf b = STRBUF_INIT;
	uint64_t rng = 1;
	size_t accepted = 0, header;
	struct gguf *whole;

	t.biases = true;
	tiny_model_memory(&t, &b);
	whole = gguf_parse((const uint8_t *)b.s, b.len, NULL);
	header = (size_t)(gguf_tensor(whole, 0)->data - (const uint8_t *)b.s);
	gguf_free(whole);
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

/* ---- real files ------------------------------------------------------------------------------ */

static void
check_shared(const char *name, size_t n_layer, size_t head_dim, const char *type)
{
	const char *dir = getenv("HUM_SHARED"), *top = getenv("TOP_SRCDIR");
	char *path = dir ? xasprintf("%s/data/%s", dir, name)
			 : xasprintf("%s/../shared/data/%s", top ? top : ".", name);
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
		cmocka_unit_test(model__new__names_missing_tensors),
		cmocka_unit_test(model__new__refuses_wrong_shapes),
		cmocka_unit_test(model__new__refuses_wrong_fused_shapes),
		cmocka_unit_test(model__new__refuses_what_it_would_ignore),
		cmocka_unit_test(model__new__refuses_norms_that_are_no_numbers),
		cmocka_unit_test(model__new__tells_a_vocabulary_from_a_model),
		cmocka_unit_test(model__new__survives_random_damage),
		cmocka_unit_test(model__real__stories260K),
		cmocka_unit_test(model__real__guide_preview),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
