/*
 * The forward pass against exact arithmetic (tests/engine/reference.h), and its promise: the same
 * bits for any number of threads and however a prompt is cut.
 */
#include "config.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/xalloc.h"
#include "tests/engine/reference.h"
#include "tests/engine/rig.h"

static const enum quant_type types[] = {
	QUANT_F32, QUANT_F16, QUANT_BF16, QUANT_Q4_0, QUANT_Q4_1, QUANT_Q5_0, QUANT_Q5_1,
		QUANT_Q8_0,
	QUANT_Q2_K, QUANT_Q3_K, QUANT_Q4_K, QUANT_Q5_K, QUANT_Q6_K, QUANT_IQ4_NL, QUANT_IQ4_XS,
};
enum { N_TYPES = sizeof types / sizeof *types };

/*
 * Bounds on the mean KL divergence from exact arithmetic, in nats. Float weights: rounding alone.
 * Quantised ones: the activations' int8 as well. The caches: measured figures times about four.
 */
static const double float_bound = 1e-9, int8_bound = 1e-3;
static const double kv_bound[] = { [KV_F16] = 1e-6, [KV_Q8_0] = 1e-3 };

static bool
is_float(enum quant_type t)
{
	return t == QUANT_F32 || t == QUANT_F16 || t == QUANT_BF16;
}

/* Runs the model with every instruction set, or the one asked for, and holds each result against
 * the exact one. */
static void
within(const struct tiny_model *t, const struct rig_opts *o, size_t n, double bound,
	const char *what)
{
	const struct matmul_ops *const *m = matmul_available();
	struct strbuf file = STRBUF_INIT;
	double *want = NULL;
	int32_t ids[200];

	tiny_model_memory(t, &file);
	for (; *m; m++) {
		struct rig_opts with = *o;
		struct rig r;
		float *got;
		double kl;

		if (o->isa && strcmp(o->isa, (*m)->isa))
			continue;
		with.isa = (*m)->isa;
		rig_memory(&r, &file, &with);
		rig_ids(&r, 11, ids, n);
		if (!want)
			want = reference_logits(r.model, ids, n);
		got = rig_run(&r, ids, n, FORWARD_BATCH);
		kl = reference_mean_kl(want, got, n, r.model->n_vocab);
		if (!(kl <= bound))
			fail_msg("%s, %s: KL %.3g, bound %.3g", what, with.isa, kl, bound);
		free(got);
		rig_close(&r);
	}
	free(want);
	strbuf_release(&file);
}

static void
forward__types__near_exact_arithmetic(void **state)
{
	for (size_t i = 0; i < N_TYPES; i++) {
		struct tiny_model t = tiny_model_of(types[i]);
		struct rig_opts o = { .threads = 2 };

		within(&t, &o, 12, is_float(types[i]) ? float_bound : int8_bound,
			quant_format(types[i])->name);
	}
}

static const struct shape {
	const char *what;
	uint32_t n_head, n_head_kv, head_dim, n_embd, n_ff;
	bool tied, biases, fused, freqs;
} shapes[] = {
	{ "head of 8, groups of 2", 8, 4, 8, 64, 172, false, false, false, false },
	{ "head of 64, no groups", 2, 2, 64, 128, 96, false, false, false, false },
	{ "head of 80, groups of 4", 4, 1, 80, 96, 160, true, false, false, false },
	{ "head of 128, groups of 8", 8, 1, 128, 64, 224, false, false, false, false },
	{ "head of 2", 4, 2, 2, 32, 64, false, false, false, false },
	{ "head of 256", 1, 1, 256, 64, 64, false, false, false, false },
	{ "groups of 40", 40, 1, 4, 32, 64, false, false, false, false },
	{ "tied, biases, frequency factors", 4, 2, 16, 64, 96, true, true, false, true },
	{ "fused projections", 4, 2, 16, 64, 96, false, true, true, false },
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

static struct tiny_model
model_of_shape(const struct shape *s, enum quant_type type)
{
	struct tiny_model t = tiny_model_of(type);

	t.n_head = s->n_head;
	t.n_head_kv = s->n_head_kv;
	t.head_dim = s->head_dim;
	t.n_embd = s->n_embd;
	t.n_ff = s->n_ff;
	t.tied = s->tied;
	t.biases = s->biases;
	t.fused_qkv = s->fused;
	t.rope_freqs = s->freqs;
	t.n_layer = 1 + (type == QUANT_F32 && s->n_embd < 100);
	return t;
}

static void
forward__shapes__near_exact_arithmetic(void **state)
{
	for (size_t i = 0; i < N_SHAPES; i++) {
		struct tiny_model t = model_of_shape(&shapes[i], QUANT_F32);
		struct rig_opts o = { .threads = 3 };

		within(&t, &o, 70, float_bound, shapes[i].what);
		t = model_of_shape(&shapes[i], QUANT_Q8_0);
		within(&t, &o, 12, int8_bound, shapes[i].what);
	}
}

static void
forward__kv_types__near_exact_arithmetic(void **state)
{
	for (size_t i = 0; i < N_SHAPES; i++) {
		struct tiny_model t = model_of_shape(&shapes[i], QUANT_F32);

		for (int kv = KV_F16; kv <= KV_Q8_0; kv++) {
			struct rig_opts o = { .isa = matmul_select(NULL)->isa, .threads = 2,
				.kv = (enum kv_type)kv };

			within(&t, &o, 66, kv_bound[kv], shapes[i].what);
		}
	}
}

/* Adds the keys of a scaled rope. */
static void
add_scaling(struct gguf_writer *w, const void *ctx)
{
	const char *type = ctx;

	gguf_put_string(w, "llama.rope.scaling.type", type);
	gguf_put_f32(w, "llama.rope.scaling.factor", 4);
	gguf_put_u32(w, "llama.rope.scaling.original_context_length", 48);
}

static void
forward__rope_scaling__near_exact_arithmetic(void **state)
{
	static const char *const kinds[] = { "linear", "yarn" };
	struct rig plain, scaled;

	for (size_t i = 0; i < 2; i++) {
		struct tiny_model t = model_of_shape(&shapes[1], QUANT_F32);
		struct rig_opts o = { .threads = 2 };
		int32_t ids[60];
		float *a, *b;

		rig_tiny(&plain, &t, &o);
		t.edit = add_scaling;
		t.edit_ctx = kinds[i];
		within(&t, &o, 150, float_bound, kinds[i]);
		rig_tiny(&scaled, &t, &o);
		assert_int_equal(scaled.model->rope_scaling, i ? ROPE_YARN : ROPE_LINEAR);
		rig_ids(&plain, 3, ids, 60);
		a = rig_run(&plain, ids, 60, 60);
		b = rig_run(&scaled, ids, 60, 60);
		assert_memory_not_equal(a, b, 60 * plain.model->n_vocab * sizeof *a);
		free(a);
		free(b);
		rig_close(&plain);
		rig_close(&scaled);
	}
}

/* One model, all ways to compute it: every one must have the bits of the first. */
static void
all_ways(const struct tiny_model *t, enum kv_type kv, const char *isa, const char *what)
{
	static const struct {
		unsigned threads, prompt_threads;
		size_t piece;
	} ways[] = { { 1, 1, 200 }, { 1, 1, 1 }, { 1, 1, 100 }, { 2, 2, 200 }, { 2, 2, 1 },
		{ 2, 2, 37 }, { 4, 4, 128 }, { 4, 4, 7 }, { 1, 3, 139 }, { 1, 3, 3 }, { 3, 1, 139 },
		{ 3, 1, 3 }, { 3, 1, 1 } };
	enum { N = 140 };
	struct strbuf file = STRBUF_INIT;
	float *want = NULL;
	int32_t ids[N];

	tiny_model_memory(t, &file);
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		struct rig_opts o = { .isa = isa, .threads = ways[i].threads,
			.prompt_threads = ways[i].prompt_threads, .kv = kv };
		struct rig r;
		float *got;

		rig_memory(&r, &file, &o);
		rig_ids(&r, 5, ids, N);
		got = rig_run(&r, ids, N, ways[i].piece);
		if (!want)
			want = got;
		else if (memcmp(got, want, N * r.model->n_vocab * sizeof *got))
			fail_msg("%s, %s: other bits with %u threads, %u for prompts, pieces of %zu",
				what, isa, ways[i].threads, ways[i].prompt_threads, ways[i].piece);
		if (got != want)
			free(got);
		rig_close(&r);
	}
	free(want);
	strbuf_release(&file);
}

static void
forward__bits__same_for_any_threads_and_pieces(void **state)
{
	const struct matmul_ops *const *m = matmul_available();
	struct tiny_model t;

	for (; *m; m++) {
		t = model_of_shape(&shapes[2], QUANT_Q8_0);
		all_ways(&t, KV_Q8_0, (*m)->isa, shapes[2].what);
	}
	t = model_of_shape(&shapes[0], QUANT_F32);
	all_ways(&t, KV_F16, NULL, shapes[0].what);
	t = tiny_model_of(QUANT_Q4_K);
	all_ways(&t, KV_F32, NULL, "Q4_K");
}

/* Logits of the last tokens only are those of all; none at all leaves the same cache behind. */
static void
forward__n_logits__only_what_is_wanted(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_Q8_0);
	struct rig_opts o = { .threads = 2, .kv = KV_Q8_0 };
	enum { N = 40 };
	struct rig r;
	int32_t ids[N];
	float *all, *some;
	size_t row;

	rig_tiny(&r, &t, &o);
	row = r.model->n_vocab;
	rig_ids(&r, 9, ids, N);
	all = rig_run(&r, ids, N, N);
	some = xcalloc(N * row, sizeof *some);
	for (size_t want = 0; want <= 3; want++) {
		kv_truncate(&r.kv, 0);
		assert_int_equal(forward_run(r.forward, ids, N - 1, some, want), 0);
		if (want)
			assert_memory_equal(some, all + (N - 1 - want) * row,
				want * row * sizeof *all);
		assert_int_equal(forward_run(r.forward, ids + N - 1, 1, some, 1), 0);
		assert_memory_equal(some, all + (N - 1) * row, row * sizeof *all);
	}
	kv_truncate(&r.kv, 0);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(forward_run(r.forward, ids + i, 1, some, i + 1 == N), 0);
	assert_memory_equal(some, all + (N - 1) * row, row * sizeof *all);
	free(all);
	free(some);
	rig_close(&r);
}

/* What is truncated leaves no trace: the rest computed anew equals a fresh computation. */
static void
forward__truncate__equals_a_fresh_start(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_Q4_0);
	enum { N = 100, KEEP = 70 };
	struct rig_opts o = { .threads = 2, .kv = KV_F16, .context = N };
	int32_t ids[N], other[N];
	struct rig r;
	float *want, *got;

	rig_tiny(&r, &t, &o);
	rig_ids(&r, 1, ids, N);
	memcpy(other, ids, sizeof ids);
	rig_ids(&r, 2, other + KEEP, N - KEEP);
	want = rig_run(&r, other, N, N);
	kv_truncate(&r.kv, 0);
	free(rig_run(&r, ids, N, N));
	kv_truncate(&r.kv, KEEP);
	got = rig_run(&r, other + KEEP, N - KEEP, 11);
	assert_memory_equal(got, want + KEEP * r.model->n_vocab,
		(N - KEEP) * r.model->n_vocab * sizeof *got);
	free(want);
	free(got);
	rig_close(&r);
}

struct stopper {
	struct rig *r;
	size_t at, calls;
};

static void
stop_at(void *ctx, size_t done, size_t total)
{
	struct stopper *s = ctx;

	assert_true(done < total);
	if (s->calls++ == s->at)
		atomic_store(&s->r->cancel, true);
}

/* Cancelled anywhere, the cache holds what it held, and going on gives what it would have given. */
static void
forward__cancel__leaves_the_cache_as_it_was(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_Q8_0);
	struct rig_opts o = { .threads = 2 };
	enum { N = 60 };
	size_t cancelled = 0;
	struct rig r;
	int32_t ids[N];
	float *want, *got;

	rig_tiny(&r, &t, &o);
	rig_ids(&r, 4, ids, N);
	want = rig_run(&r, ids, N, N);
	got = xcalloc(N * r.model->n_vocab, sizeof *got);
	for (size_t at = 0; at < 400; at += 1 + at / 8) {
		struct stopper s = { .r = &r, .at = at };
		struct forward_parts parts = {
			.model = r.model, .matmul = matmul_select(NULL), .pool = r.pool,
				.kv = &r.kv,
			.cancel = &r.cancel, .on_step = stop_at, .ctx = &s,
		};
		struct forward *f;
		struct err e;
		int ret;

		parts.ops = ops_select(parts.matmul->isa);
		f = forward_new(&parts, &e);
		assert_non_null(f);
		kv_truncate(&r.kv, 30);
		ret = forward_run(f, ids + 30, N - 30, got, N - 30);
		cancelled += ret != 0;
		/* Done only when it was never asked to stop, or when nothing was left to do. */
		assert_true(ret ? s.calls > at : s.calls <= at + 1);
		assert_int_equal(r.kv.n, ret ? 30 : N);
		atomic_store(&r.cancel, false);
		s.at = SIZE_MAX;
		kv_truncate(&r.kv, 30);
		assert_int_equal(forward_run(f, ids + 30, N - 30, got, N - 30), 0);
		assert_memory_equal(got, want + 30 * r.model->n_vocab,
			(N - 30) * r.model->n_vocab * sizeof *got);
		forward_free(f);
	}
	assert_true(cancelled > 10);
	free(want);
	free(got);
	rig_close(&r);
}

/* Llama-2-7B's shape: what the working memory would be, without its weights. */
static void
forward__memory__of_a_7b_model(void **state)
{
	struct model m = {
		.n_vocab = 32000, .n_embd = 4096, .n_layer = 32, .n_head = 32, .n_head_kv = 32,
			.head_dim = 128,
		.n_ff = 11008, .n_rot = 128, .rope_base = 10000, .rope_factor = 1,
			.rope_attn_factor = 1,
	};
	const struct matmul_ops *mm = matmul_select(NULL);
	struct pool *p = pool_new(8, 8);
	struct forward_parts parts = { .model = &m, .matmul = mm, .ops = ops_select(mm->isa),
		.pool = p };
	struct forward *f;
	struct err e;

	f = forward_new(&parts, &e);
	assert_non_null(f);
	assert_true(forward_bytes(f) < (48u << 20));
	forward_free(f);
	pool_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forward__types__near_exact_arithmetic),
		cmocka_unit_test(forward__shapes__near_exact_arithmetic),
		cmocka_unit_test(forward__kv_types__near_exact_arithmetic),
		cmocka_unit_test(forward__rope_scaling__near_exact_arithmetic),
		cmocka_unit_test(forward__bits__same_for_any_threads_and_pieces),
		cmocka_unit_test(forward__n_logits__only_what_is_wanted),
		cmocka_unit_test(forward__truncate__equals_a_fresh_start),
		cmocka_unit_test(forward__cancel__leaves_the_cache_as_it_was),
		cmocka_unit_test(forward__memory__of_a_7b_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
