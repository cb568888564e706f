#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engine/matmul_isa.h"
#include "tests/engine/random_matrix.h"

/* All that this processor runs, the scalar one first, NULL-terminated: also the 256-bit kernels with VNNI where it
 * knows their instruction only as a part of AVX-512. */
static const struct matmul_ops *const *
tables(void)
{
	static const struct matmul_ops *list[16];
	size_t n = 0;

	for (const struct matmul_ops *const *o = matmul_available(); *o; o++)
		list[n++] = *o;
#ifdef HAVE_X86
	if (matmul_select("avx512"))
		list[n++] = &matmul_vnni256;
#endif
	list[n] = NULL;
	return list;
}

/* A batch and room for its results. */
struct batch {
	struct act a;
	float *f;
	struct act_block *b;
};

static void *
aligned(size_t bytes)
{
	void *p = aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);

	assert_non_null(p);
	return p;
}

static void
batch_init(struct batch *x, size_t n, size_t k, uint64_t *seed)
{
	const struct matmul_ops *scalar = matmul_select("scalar");

	x->f = aligned(n * k * sizeof(float));
	x->b = aligned(n * (k / 32) * sizeof(struct act_block));
	for (size_t i = 0; i < n * k; i++)
		x->f[i] = random_float(seed) * (i % 37 == 0 ? 8 : 1);
	if (k % 32 == 0)
		scalar->quantise(x->f, n * k, x->b);
	x->a = (struct act){ n, k, x->f, x->b };
}

static void
batch_release(struct batch *x)
{
	free(x->f);
	free(x->b);
}

/* Results of rows r0..r1 in an array of NaN with a margin, so that a missing or stray write is seen. */
static float *
product(const struct matmul_ops *ops, const struct matrix *w, const struct act *a, size_t r0, size_t r1,
	size_t step)
{
	size_t ldo = w->rows + 3;
	float *out = aligned(a->n * ldo * sizeof *out);
	void *scratch = aligned(ops->scratch_bytes(w->cols));

	memset(out, 0xff, a->n * ldo * sizeof *out);
	for (size_t r = r0; r < r1; r += step)
		ops->multiply(w, r, r + step < r1 ? r + step : r1, a, out, ldo, scratch);
	for (size_t t = 0; t < a->n; t++) {
		for (size_t r = 0; r < ldo; r++) {
			if (r < r0 || r >= r1)
				assert_true(isnan(out[t * ldo + r]));
		}
	}
	free(scratch);
	return out;
}

static bool
is_float(enum quant_type type)
{
	return quant_format(type)->block == 1;
}

/*
 * Against double precision on the decoded weights. Each of the at most k/32 (or 128 + k/128) float
 * additions errs by 2^-24 of a partial sum, and no partial sum exceeds sum |w||x| with the largest |w|
 * of the row (twice that where a minimum is subtracted).
 */
static void
check_against_double(const struct matrix *w, const struct act *a, const float *out)
{
	float *row = aligned(w->cols * sizeof *row);
	double ratio = ((double)a->k / 32 + 160) * 2 * 0x1p-24, err2 = 0, ref2 = 0;

	for (size_t r = 0; r < w->rows; r++) {
		float max = 0;

		quant_format(w->type)->decode(w->data + r * w->row_bytes, row, w->cols);
		for (size_t i = 0; i < a->k; i++)
			max = fmaxf(max, fabsf(row[i]));
		for (size_t t = 0; t < a->n; t++) {
			double ref = 0, size = 0, got = (double)out[t * (w->rows + 3) + r];

			for (size_t i = 0; i < a->k; i++) {
				const struct act_block *b = &a->b[(t * a->k + i) / 32];
				double x = is_float(w->type) ? (double)a->f[t * a->k + i] :
					(double)b->d * b->q[i % 32];

				ref += (double)row[i] * x;
				size += (double)max * fabs(x);
			}
			assert_true(fabs(got - ref) <= ratio * size);
			err2 += (got - ref) * (got - ref);
			ref2 += ref * ref;
		}
	}
	assert_true(err2 <= 1e-10 * ref2);
	free(row);
}

static void
matmul__multiply__agrees_with_double_precision(void **state)
{
	static const size_t ks[] = { 32, 64, 96, 256, 512, 768, 4544, 11008 };
	uint64_t seed = 1;

	for (const enum quant_type *t = random_matrix_types; *t != QUANT_TYPE_MAX; t++) {
		for (size_t i = 0; i < sizeof ks / sizeof *ks; i++) {
			struct random_matrix w;
			struct batch x;

			if (ks[i] % quant_format(*t)->block)
				continue;
			random_matrix_init(&w, *t, 5, ks[i], 0, &seed);
			batch_init(&x, 2, ks[i], &seed);
			for (const struct matmul_ops *const *o = tables(); *o; o++) {
				float *out = product(*o, &w.m, &x.a, 0, 5, 5);

				check_against_double(&w.m, &x.a, out);
				free(out);
			}
			batch_release(&x);
			random_matrix_release(&w);
		}
	}
}

/* Every table against the scalar one: the same bits, for any batch, split and place. */
static void
check_bits(enum quant_type type, size_t rows, size_t k, size_t n, size_t step, size_t slack, uint64_t *seed)
{
	const struct matmul_ops *const *o = tables();
	struct random_matrix w;
	struct batch x;
	float *want;
	size_t r0 = slack ? rows / 3 : 0, r1 = slack ? rows - rows / 4 : rows;

	random_matrix_init(&w, type, rows, k, slack, seed);
	batch_init(&x, n, k, seed);
	want = product(*o, &w.m, &x.a, r0, r1, rows);
	while (*++o) {
		float *got = product(*o, &w.m, &x.a, r0, r1, step);

		for (size_t i = 0; i < n * (rows + 3); i++) {
			if (memcmp(&got[i], &want[i], sizeof *got))
				fail_msg("%s %s rows %zu k %zu n %zu step %zu: row %zu token %zu: %a, not %a",
					(*o)->isa, quant_format(type)->name, rows, k, n, step, i % (rows + 3),
					i / (rows + 3), (double)got[i], (double)want[i]);
		}
		free(got);
	}
	free(want);
	batch_release(&x);
	random_matrix_release(&w);
}

static void
matmul__multiply__gives_the_bits_of_the_oracle(void **state)
{
	static const struct {
		size_t rows, k, n, step, slack;
	} cases[] = {
		{ 1, 32, 1, 1, 0 }, { 1, 64, 13, 1, 1 }, { 3, 96, 33, 3, 1 }, { 37, 96, 1, 37, 0 },
		{ 70, 160, 7, 70, 0 }, { 70, 160, 7, 11, 0 }, { 33, 224, 100, 32, 1 }, { 65, 4544, 2, 32, 0 },
		{ 1, 256, 1, 1, 0 }, { 7, 256, 33, 7, 1 }, { 32, 512, 1, 32, 0 }, { 33, 768, 100, 33, 1 },
		{ 67, 768, 5, 16, 1 }, { 100, 1024, 4, 100, 0 }, { 16, 11008, 3, 16, 0 }, { 35, 1280, 300, 35, 0 },
	};
	uint64_t seed = 2;

	for (const enum quant_type *t = random_matrix_types; *t != QUANT_TYPE_MAX; t++) {
		for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
			if (cases[i].k % quant_format(*t)->block == 0)
				check_bits(*t, cases[i].rows, cases[i].k, cases[i].n, cases[i].step,
					cases[i].slack, &seed);
		}
		for (size_t n = 1; n <= 16; n++)
			check_bits(*t, 34, 256, n, 34, n % 2, &seed);
	}
}

static void
matmul__multiply__takes_float_rows_of_any_length(void **state)
{
	uint64_t seed = 3;

	for (size_t k = 1; k <= 40; k++) {
		check_bits(QUANT_F32, 18, k, 3, 18, 0, &seed);
		check_bits(QUANT_F16, 18, k, 3, 18, 0, &seed);
		check_bits(QUANT_BF16, 18, k, 3, 18, 0, &seed);
	}
	check_bits(QUANT_F16, 18, 1023, 14, 18, 0, &seed);
}

/* A token's result is the same alone as in a batch: the sums of one do not depend on its neighbours. */
static void
matmul__multiply__does_not_depend_on_the_batch(void **state)
{
	enum { ROWS = 40, K = 1536, N = 45, LDO = ROWS + 3 };
	uint64_t seed = 4;

	for (const enum quant_type *t = random_matrix_types; *t != QUANT_TYPE_MAX; t++) {
		struct random_matrix w;
		struct batch x;

		random_matrix_init(&w, *t, ROWS, K, 0, &seed);
		batch_init(&x, N, K, &seed);
		for (const struct matmul_ops *const *o = tables(); *o; o++) {
			float *all = product(*o, &w.m, &x.a, 0, ROWS, ROWS);

			for (size_t i = 0; i < N; i += 11) {
				struct act one = { 1, K, x.f + i * K, x.b + i * (K / 32) };
				float *alone = product(*o, &w.m, &one, 0, ROWS, 7);

				assert_memory_equal(alone, all + i * LDO, ROWS * sizeof *alone);
				free(alone);
			}
			free(all);
		}
		batch_release(&x);
		random_matrix_release(&w);
	}
}

/* The largest and smallest weights against activations of +-127 only: nothing saturates. */
static void
matmul__multiply__is_exact_at_the_extremes(void **state)
{
	static const uint8_t bytes[] = { 0xff, 0x00, 0x80, 0x7f, 0xf0, 0x0f, 0x81, 0x55 };
	enum { ROWS = 33, K = 512, N = 4 };
	uint64_t seed = 5;

	for (const enum quant_type *t = random_matrix_types; *t != QUANT_TYPE_MAX; t++) {
		struct random_matrix w;
		struct batch x;

		if (is_float(*t))
			continue;
		random_matrix_init(&w, *t, ROWS, K, 0, &seed);
		batch_init(&x, N, K, &seed);
		for (size_t i = 0; i < N * K; i++)
			x.f[i] = i / K == 0 ? 1 : i / K == 1 ? -1 : i / K == 2 ? 1 - 2 * (float)(i % 2) :
				1 - 2 * (float)(random_bits(&seed) & 1);
		matmul_select("scalar")->quantise(x.f, N * K, x.b);
		for (size_t i = 0; i < sizeof bytes; i++) {
			float *want;

			random_matrix_fill(&w, bytes[i], 0.5f);
			want = product(matmul_select("scalar"), &w.m, &x.a, 0, ROWS, ROWS);
			check_against_double(&w.m, &x.a, want);
			for (const struct matmul_ops *const *o = tables(); *o; o++) {
				float *got = product(*o, &w.m, &x.a, 0, ROWS, ROWS);

				assert_memory_equal(got, want, N * (ROWS + 3) * sizeof *got);
				free(got);
			}
			free(want);
		}
		batch_release(&x);
		random_matrix_release(&w);
	}
}

static void
check_block(const float *x, const struct act_block *b)
{
	int sum[3] = { 0 };

	for (int i = 0; i < 32; i++) {
		assert_in_range(b->q[i] + 127, 0, 254);
		/* d and 127 / max are both rounded: a little more than half a step. */
		assert_true(fabsf(x[i] - b->d * b->q[i]) <= b->d * 0.5001f);
		sum[0] += b->q[i];
		sum[1 + i / 16] += b->q[i];
	}
	for (int i = 0; i < 3; i++) {
		assert_true(b->s[i] == b->d * (float)sum[i]);
		assert_int_equal(b->z[i], MATMUL_MAGIC - 128 * sum[i]);
	}
}

static void
matmul__quantise__is_near_and_sums_are_right(void **state)
{
	enum { K = 4096 };
	float *x = aligned(K * sizeof *x);
	struct act_block *want = aligned(K / 32 * sizeof *want), *got = aligned(K / 32 * sizeof *got);
	uint64_t seed = 6;

	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < K; i++)
			x[i] = round % 2 ? ldexpf(random_float(&seed), (int)(random_bits(&seed) % 60) - 30) :
				/* exact halves, to see the ties */
				(float)((int)(random_bits(&seed) % 509) - 254) / 2;
		for (size_t i = 0; i < K && round % 2 == 0; i += 32)
			x[i] = 127;
		matmul_select("scalar")->quantise(x, K, want);
		for (size_t b = 0; b < K / 32; b++)
			check_block(x + b * 32, &want[b]);
		for (const struct matmul_ops *const *o = tables(); *o; o++) {
			memset(got, 0xaa, K / 32 * sizeof *got);
			(*o)->quantise(x, K, got);
			assert_memory_equal(got, want, K / 32 * sizeof *got);
		}
	}
	free(x);
	free(want);
	free(got);
}

static void
matmul__quantise__makes_zero_of_what_is_no_number(void **state)
{
	const float bad[] = { NAN, -NAN, INFINITY, -INFINITY, 0x1p-101f, 0x1p-149f, -0.0f };
	struct act_block got[2];
	float x[64];

	for (const struct matmul_ops *const *o = tables(); *o; o++) {
		for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
			for (size_t at = 0; at < 32; at++) {
				for (int j = 0; j < 64; j++)
					x[j] = fabsf(bad[i]) < 1 ? 0 : (float)j;
				x[at] = bad[i];
				x[40] = 3;
				(*o)->quantise(x, 64, got);
				assert_true(got[0].d == 0 && got[0].s[0] == 0 && got[0].s[1] == 0);
				for (int j = 0; j < 32; j++)
					assert_int_equal(got[0].q[j], 0);
				assert_int_equal(got[0].z[0], MATMUL_MAGIC);
				assert_true(got[1].d > 0);
			}
		}
		for (int j = 0; j < 64; j++)
			x[j] = 0x1p-99f;
		(*o)->quantise(x, 64, got);
		assert_int_equal(got[0].q[0], 127);
	}
}

static void
matmul__select__takes_names_and_the_environment(void **state)
{
	const struct matmul_ops *const *list = matmul_available();
	size_t n = 0;

	assert_string_equal(list[0]->isa, "scalar");
	while (list[n]) {
		assert_ptr_equal(matmul_select(list[n]->isa), list[n]);
		assert_true(list[n]->granule > 0);
		n++;
	}
	unsetenv("HUM_ISA");
	assert_ptr_equal(matmul_select(NULL), list[n - 1]);
	setenv("HUM_ISA", "scalar", 1);
	assert_ptr_equal(matmul_select(NULL), list[0]);
	setenv("HUM_ISA", "abacus", 1);
	assert_null(matmul_select(NULL));
	assert_null(matmul_select("sse"));
	unsetenv("HUM_ISA");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matmul__select__takes_names_and_the_environment),
		cmocka_unit_test(matmul__quantise__is_near_and_sums_are_right),
		cmocka_unit_test(matmul__quantise__makes_zero_of_what_is_no_number),
		cmocka_unit_test(matmul__multiply__agrees_with_double_precision),
		cmocka_unit_test(matmul__multiply__gives_the_bits_of_the_oracle),
		cmocka_unit_test(matmul__multiply__takes_float_rows_of_any_length),
		cmocka_unit_test(matmul__multiply__does_not_depend_on_the_batch),
		cmocka_unit_test(matmul__multiply__is_exact_at_the_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
