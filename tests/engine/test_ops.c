/* Every kernel of every instruction set against plain double arithmetic, at odd lengths and
 * alignments. */
#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/xalloc.h"
#include "engine/matmul.h"
#include "engine/ops.h"
#include "engine/quant.h"

enum { MAX = 800 };

static const size_t lengths[] = { 2, 4, 6, 8, 10, 16, 30, 32, 34, 62, 64, 66, 80, 100, 126, 128,
	172, 256, 768, 770 };

#define EACH_LENGTH(n) \
	for (size_t li_ = 0, n; li_ < sizeof lengths / sizeof *lengths && (n = lengths[li_]); li_++)

/* Runs the test once for each instruction set of this processor. */
static void
each_isa(void (*test)(const struct ops *o))
{
	const struct matmul_ops *const *m = matmul_available();

	for (; *m; m++)
		test(ops_select((*m)->isa));
}

static uint64_t seed;

static float
any(float scale)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return ((float)(seed >> 40) / (1 << 23) - 1) * scale;
}

static float *
fill(float *x, size_t n, float scale)
{
	for (size_t i = 0; i < n; i++)
		x[i] = any(scale);
	return x;
}

static void
near(double got, double want, double tolerance)
{
	if (!(fabs(got - want) <= tolerance))
		fail_msg("got %.9g, expected %.9g within %.3g", got, want, tolerance);
}

/* Arrays begin off alignment by one float, and what lies behind them must not change. */
static float xa[MAX + 9], ya[MAX + 9], outa[MAX + 9];
static float *const x = xa + 1, *const y = ya + 1, *const out = outa + 1;

static void
guard(float *a, size_t n)
{
	a[n] = 12345;
}

static void
guarded(const float *a, size_t n)
{
	assert_true(a[n] == 12345);
}

static void
rmsnorm(const struct ops *o)
{
	EACH_LENGTH(n) {
		double sum = 0;

		fill(x, n, 3);
		fill(y, n, 2);
		guard(out, n);
		o->rmsnorm(x, y, 1e-5f, n, out);
		guarded(out, n);
		for (size_t i = 0; i < n; i++)
			sum += (double)x[i] * x[i];
		for (size_t i = 0; i < n; i++) {
			double want = x[i] * (double)y[i] / sqrt(sum / (double)n + 1e-5f);

			near(out[i], want, 3e-7 * fabs(want));
		}
	}
}

static void
ops__rmsnorm__as_in_double(void **state)
{
	each_isa(rmsnorm);
}

static void
rope(const struct ops *o)
{
	float c[MAX], s[MAX], before[MAX];

	EACH_LENGTH(n) {
		fill(x, n, 3);
		memcpy(before, x, n * sizeof *x);
		for (size_t i = 0; i < n; i += 2) {
			double angle = any(10);

			c[i] = c[i + 1] = (float)cos(angle);
			s[i + 1] = (float)sin(angle);
			s[i] = -s[i + 1];
		}
		guard(x, n);
		o->rope(x, c, s, n);
		guarded(x, n);
		for (size_t i = 0; i < n; i += 2) {
			double a = before[i], b = before[i + 1];

			near(x[i], a * c[i] - b * s[i + 1], 1e-6);
			near(x[i + 1], b * c[i] + a * s[i + 1], 1e-6);
		}
	}
}

static void
ops__rope__rotates_pairs(void **state)
{
	each_isa(rope);
}

static void
elementwise(const struct ops *o)
{
	float before[MAX];

	EACH_LENGTH(n) {
		fill(x, n, 20);
		fill(y, n, 2);
		memcpy(before, x, n * sizeof *x);
		guard(x, n);
		o->add(x, y, n);
		for (size_t i = 0; i < n; i++)
			assert_true(x[i] == before[i] + y[i]);
		memcpy(x, before, n * sizeof *x);
		o->scale(x, 0.37f, n);
		for (size_t i = 0; i < n; i++)
			assert_true(x[i] == before[i] * 0.37f);
		memcpy(x, before, n * sizeof *x);
		o->silu_mul(x, y, n);
		for (size_t i = 0; i < n; i++) {
			double want = before[i] / (1 + exp(-(double)before[i])) * y[i];

			near(x[i], want, 5e-7 * fabs(want) + 1e-30);
		}
		guarded(x, n);
	}
}

static void
ops__elementwise__as_in_double(void **state)
{
	each_isa(elementwise);
}

/* An element has the same bits wherever the row was cut: chunks of rows depend on the machine. */
static void
cuts(const struct ops *o)
{
	float a[MAX], b[MAX], whole[MAX];

	fill(a, MAX, 9);
	fill(b, MAX, 9);
	memcpy(whole, a, sizeof a);
	o->silu_mul(whole, b, MAX);
	for (size_t cut = 1; cut < 70; cut++) {
		memcpy(x, a, sizeof a);
		o->silu_mul(x, b, cut);
		o->silu_mul(x + cut, b + cut, MAX - cut);
		assert_memory_equal(x, whole, sizeof whole);
	}
}

static void
ops__silu_mul__same_bits_wherever_cut(void **state)
{
	each_isa(cuts);
}

static void
silu_extremes(const struct ops *o)
{
	static const float in[] = { -1000, -104, -88, 0, 1e-30f, 88, 104, 1000 };
	float one[8] = { 1, 1, 1, 1, 1, 1, 1, 1 }, v[8];

	memcpy(v, in, sizeof v);
	o->silu_mul(v, one, 8);
	for (size_t i = 0; i < 8; i++)
		near(v[i], in[i] / (1 + exp(-(double)in[i])),
			1e-6 * fabs(in[i]) * (in[i] > 0) + 1e-34);
	v[0] = NAN;
	o->silu_mul(v, one, 2);
	assert_true(isnan(v[0]));
}

static void
ops__silu_mul__extremes(void **state)
{
	each_isa(silu_extremes);
}

/* Scores of some keys and the online softmax over them, in blocks, against the plain formula. */
static void
attention(const struct ops *o)
{
	static float s[128], q[300], got[300];
	static const size_t dims[] = { 2, 6, 8, 16, 30, 64, 80, 96, 128, 200, 256 };

	for (size_t di = 0; di < sizeof dims / sizeof *dims; di++) {
		size_t dim = dims[di], ld = dim + di % 3;

		for (size_t n = 1; n <= 66; n += n < 18 ? 1 : 7) {
			double want[300] = { 0 }, sum = 0, max = -INFINITY, weight[70];
			float m = -INFINITY, l = 0, by;
			/* Of exact size, so that a sanitizer sees a read behind the last key. */
			float *keys = xcalloc((n - 1) * ld + dim, sizeof *keys);
			float *values = xcalloc((n - 1) * ld + dim, sizeof *values);

			fill(keys, (n - 1) * ld + dim, 1);
			fill(values, (n - 1) * ld + dim, 1);
			fill(q, dim, 1);
			memset(got, 0, sizeof got);
			guard(got, dim);
			for (size_t j = 0; j < n; j++) {
				weight[j] = 0;
				for (size_t i = 0; i < dim; i++)
					weight[j] += (double)q[i] * keys[j * ld + i];
				max = fmax(max, weight[j]);
			}
			for (size_t j = 0; j < n; j++)
				sum += weight[j] = exp(weight[j] - max);
			for (size_t j = 0; j < n; j++)
				for (size_t i = 0; i < dim; i++)
					want[i] += weight[j] / sum * values[j * ld + i];
			for (size_t j = 0, step = n / 3 + 1; j < n; j += step) {
				size_t k = n - j < step ? n - j : step;

				s[k] = 99;
				o->scores(q, keys + j * ld, ld, k, dim, s);
				by = o->softmax(s, k, &m, &l);
				assert_true(s[k] == 99);
				o->accumulate(got, by, s, values + j * ld, ld, k, dim);
			}
			near(m, max, 1e-5);
			near(l, sum, 3e-6 * sum);
			guarded(got, dim);
			for (size_t i = 0; i < dim; i++)
				near(got[i] / l, want[i], 3e-6);
			free(keys);
			free(values);
		}
	}
}

static void
ops__attention__online_softmax_as_in_double(void **state)
{
	each_isa(attention);
}

/* A key's score does not depend on how many keys are asked for: prompts may come in pieces. */
static void
score_bits(const struct ops *o)
{
	float keys[20 * 82], q[80], all[20], some[20];

	fill(keys, 20 * 82, 1);
	fill(q, 80, 1);
	o->scores(q, keys, 82, 20, 80, all);
	for (size_t n = 1; n <= 20; n++) {
		o->scores(q, keys, 82, n, 80, some);
		assert_memory_equal(some, all, n * sizeof *all);
	}
}

static void
ops__scores__same_bits_in_any_number(void **state)
{
	each_isa(score_bits);
}

static void
softmax_far(const struct ops *o)
{
	float s[3] = { 0, -200, 300 }, m = 0, l = 1, by = o->softmax(s, 3, &m, &l);

	assert_true(m == 300 && by < 1e-30 && s[2] == 1 && s[1] < 1e-30 && s[0] < 1e-30);
	near(l, 1, 1e-6);
	s[0] = NAN;
	o->softmax(s, 1, &m, &l);
	assert_true(isnan(l));
}

static void
ops__softmax__far_apart_and_nan(void **state)
{
	each_isa(softmax_far);
}

static void
halves(const struct ops *o)
{
	uint16_t h[MAX + 1], want;

	EACH_LENGTH(n) {
		fill(x, n, n % 3 ? 100 : 1e-6f);
		x[0] = 1e9f;
		x[1] = -1e9f;
		h[n] = 7;
		o->to_f16(x, n, h);
		assert_int_equal(h[n], 7);
		assert_int_equal(h[0], 0x7bff);
		assert_int_equal(h[1], 0xfbff);
		for (size_t i = 2; i < n; i++) {
			want = quant_f32_to_f16(x[i]);
			assert_int_equal(h[i], want);
		}
		guard(out, n);
		o->from_f16(h, n, out);
		guarded(out, n);
		for (size_t i = 0; i < n; i++)
			assert_true(out[i] == quant_f16_to_f32(h[i]));
	}
}

static void
ops__f16__as_the_reference(void **state)
{
	each_isa(halves);
}

static float
q8_scale(const uint8_t *blocks, size_t i)
{
	uint16_t d;

	memcpy(&d, blocks + i * 34, sizeof d);
	return quant_f16_to_f32(d);
}

static void
q8(const struct ops *o)
{
	static const float scales[] = { 1, 1e-3f, 3e-6f, 1e-9f, 1e5f, 1e9f, 0 };

	EACH_LENGTH(n) {
		for (size_t k = 0; k < sizeof scales / sizeof *scales; k++) {
			uint8_t q[MAX / 32 * 34 + 64], want[sizeof q];
			size_t bytes = ops_q8_bytes(n);

			fill(x, n, scales[k]);
			if (n > 60)
				x[n - 1] = k % 2 ? NAN : -INFINITY;
			q[bytes] = 7;
			o->to_q8(x, n, q);
			assert_int_equal(q[bytes], 7);
			ops_scalar.to_q8(x, n, want);
			assert_memory_equal(q, want, bytes);
			guard(out, n);
			o->from_q8(q, n, out);
			guarded(out, n);
			for (size_t i = 0; i < n; i++)
				assert_true(out[i] == q8_scale(q, i / 32) *
							      (int8_t)q[i / 32 * 34 + 2 + i % 32]);
		}
	}
}

static void
ops__q8__bits_of_the_scalar_one(void **state)
{
	each_isa(q8);
}

/* The error of q8: half a step, which is the block's greatest / 127, and half's rounding of the
 * step. */
static void
ops__q8__error_is_bounded(void **state)
{
	uint8_t q[86];

	fill(x, 80, 5);
	x[64 + 5] = 1000;	/* in the short last block: must not coarsen the others */
	ops_scalar.to_q8(x, 80, q);
	ops_scalar.from_q8(q, 80, out);
	for (size_t i = 0; i < 80; i++)
		near(out[i], x[i], (i < 64 ? 5.0 : 1000.0) / 127 * 0.57);
	x[3] = NAN;
	ops_scalar.to_q8(x, 80, q);
	assert_true(q8_scale(q, 0) == 0);
	assert_int_equal(q[2 + 7], 0);
	assert_true(q8_scale(q, 1) != 0);
}

/* Values straight from their blocks: the bits of decoding them first. */
static void
accumulated_q8(const struct ops *o)
{
	static const size_t dims[] = { 2, 8, 30, 32, 64, 80, 96, 128, 200, 256 };

	for (size_t d = 0; d < sizeof dims / sizeof *dims; d++) {
		size_t dim = dims[d], ld = ops_q8_bytes(dim) + d % 3;
		float p[9], values[9 * 256], want[300], got[300];
		uint8_t *blocks = xcalloc(8 * ld + ops_q8_bytes(dim), 1);

		fill(p, 9, 1);
		fill(values, 9 * dim, 3);
		fill(want, dim, 1);
		memcpy(got, want, sizeof got);
		for (size_t j = 0; j < 9; j++) {
			o->to_q8(values + j * dim, dim, blocks + j * ld);
			o->from_q8(blocks + j * ld, dim, values + j * dim);
		}
		o->accumulate(want, 0.3f, p, values, dim, 9, dim);
		guard(got, dim);
		o->accumulate_q8(got, 0.3f, p, blocks, ld, 9, dim);
		guarded(got, dim);
		assert_memory_equal(got, want, dim * sizeof *got);
		free(blocks);
	}
}

static void
ops__accumulate_q8__bits_of_the_decoded(void **state)
{
	each_isa(accumulated_q8);
}

static void
measures(const struct ops *o)
{
	static uint64_t words[1024];
	uint64_t sum = 0;

	for (size_t i = 0; i < 1024; i++)
		sum += words[i] = i * 0x9e3779b97f4a7c15u;
	assert_true(o->read(words, sizeof words) == sum);
	assert_true(o->int8_burst(10) >= 10 * 32);
}

static void
ops__measures__read_all_and_count(void **state)
{
	each_isa(measures);
}

static void
ops__select__unknown_is_scalar(void **state)
{
	assert_ptr_equal(ops_select("neon"), &ops_scalar);
	assert_ptr_equal(ops_select("scalar"), &ops_scalar);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ops__rmsnorm__as_in_double),
		cmocka_unit_test(ops__rope__rotates_pairs),
		cmocka_unit_test(ops__elementwise__as_in_double),
		cmocka_unit_test(ops__silu_mul__same_bits_wherever_cut),
		cmocka_unit_test(ops__silu_mul__extremes),
		cmocka_unit_test(ops__attention__online_softmax_as_in_double),
		cmocka_unit_test(ops__scores__same_bits_in_any_number),
		cmocka_unit_test(ops__softmax__far_apart_and_nan),
		cmocka_unit_test(ops__f16__as_the_reference),
		cmocka_unit_test(ops__q8__bits_of_the_scalar_one),
		cmocka_unit_test(ops__q8__error_is_bounded),
		cmocka_unit_test(ops__accumulate_q8__bits_of_the_decoded),
		cmocka_unit_test(ops__measures__read_all_and_count),
		cmocka_unit_test(ops__select__unknown_is_scalar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
