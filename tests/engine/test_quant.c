#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <cmocka.h>

#include "base/xalloc.h"
#include "engine/quant.h"
#include "engine/quantise.h"

#define N(a) (sizeof(a) / sizeof *(a))

static const enum quant_type all_types[] = {
	QUANT_F32,
	QUANT_F16,
	QUANT_Q4_0,
	QUANT_Q4_1,
	QUANT_Q5_0,
	QUANT_Q5_1,
	QUANT_Q8_0,
	QUANT_Q2_K,
	QUANT_Q3_K,
	QUANT_Q4_K,
	QUANT_Q5_K,
	QUANT_Q6_K,
	QUANT_IQ4_NL,
	QUANT_IQ4_XS,
	QUANT_BF16,
};

static uint64_t rng_state;

static uint32_t
rng(void)
{
	rng_state = rng_state * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)(rng_state >> 32);
}

static float
uniform(float lo, float hi)
{
	return lo + (hi - lo) * ((float)(rng() >> 8) * 0x1p-24f);
}

/* ---- half precision -------------------------------------------------------------------------- */

/* By the definition of the format. */
static double
half_value(uint16_t h)
{
	int exponent = h >> 10 & 31, mantissa = h & 1023;
	double v = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);

	return h & 0x8000 ? -v : v;
}

static void
f16__to_f32__is_exact_for_all_values(void **state)
{
	for (uint32_t h = 0; h < 0x10000; h++) {
		float f = quant_f16_to_f32((uint16_t)h);

		if ((h & 0x7c00) != 0x7c00)
			assert_true((double)f == half_value((uint16_t)h) &&
				    !signbit(f) == !(h & 0x8000));
		else if (h & 0x3ff)
			assert_true(isnan(f));
		else
			assert_true(isinf(f) && (f < 0) == (h >> 15));
	}
}

static void
f16__round_trip__gives_all_values_back(void **state)
{
	for (uint32_t h = 0; h < 0x10000; h++)
		assert_int_equal(quant_f32_to_f16(quant_f16_to_f32((uint16_t)h)), h);
}

/* Between any two neighbours the middle goes to the even one, and what lies beside it to the
 * nearer one. */
static void
f32__to_f16__rounds_to_nearest_even(void **state)
{
	for (uint16_t h = 0; h < 0x7c00; h++) {
		float lo = quant_f16_to_f32(h);
		float hi = h == 0x7bff ? 65536 : quant_f16_to_f32((uint16_t)(h + 1));
		float middle = (lo + hi) / 2;
		uint16_t even = h & 1 ? h + 1 : h;

		assert_int_equal(quant_f32_to_f16(middle), even);
		assert_int_equal(quant_f32_to_f16(nextafterf(middle, 0)), h);
		assert_int_equal(quant_f32_to_f16(nextafterf(middle, INFINITY)), h + 1);
		assert_int_equal(quant_f32_to_f16(-middle), even | 0x8000);
	}
}

static void
f32__to_f16__takes_extremes(void **state)
{
	assert_int_equal(quant_f32_to_f16(INFINITY), 0x7c00);
	assert_int_equal(quant_f32_to_f16(-1e30f), 0xfc00);
	assert_int_equal(quant_f32_to_f16(1e-30f), 0);
	assert_int_equal(quant_f32_to_f16(-1e-45f), 0x8000);
	assert_true(isnan(quant_f16_to_f32(quant_f32_to_f16(NAN))));
}

/* ---- decoders -------------------------------------------------------------------------------- */

/* `n` bits of a block from bit `shift` of byte `at`, little-endian. */
static int
bits(const uint8_t *p, int at, int shift, int n)
{
	uint32_t v = 0;

	for (int i = 0; i < 4 && 8 * i < shift + n; i++)
		v |= (uint32_t)p[at + i] << 8 * i;
	return (int)(v >> shift & ((1U << n) - 1));
}

static double
half_at(const uint8_t *p, int at)
{
	return half_value((uint16_t)bits(p, at, 0, 16));
}

/* Blocks of 32: where the nibble of element i lies when the block's nibbles begin at `at`. */
static int
nibble(const uint8_t *p, int at, int i)
{
	return bits(p, at + i % 16, i < 16 ? 0 : 4, 4);
}

static double
value_32(enum quant_type type, const uint8_t *p, int i)
{
	switch (type) {
	case QUANT_Q4_0:
		return half_at(p, 0) * (nibble(p, 2, i) - 8);
	case QUANT_Q4_1:
		return half_at(p, 0) * nibble(p, 4, i) + half_at(p, 2);
	case QUANT_Q5_0:
		return half_at(p, 0) * (nibble(p, 6, i) + 16 * bits(p, 2 + i / 8, i % 8, 1) - 16);
	case QUANT_Q5_1:
		return half_at(p, 0) * (nibble(p, 8, i) + 16 * bits(p, 4 + i / 8, i % 8, 1)) +
		       half_at(p, 2);
	case QUANT_Q8_0:
		return half_at(p, 0) * (bits(p, 2 + i, 0, 8) - 256 * bits(p, 2 + i, 7, 1));
	default:
		return half_at(p, 0) * quant_iq4_levels[nibble(p, 2, i)];
	}
}

/* Scale (which 0) or minimum (which 1) of group g in the 12 bytes of Q4_K and Q5_K. */
static int
k4_scale(const uint8_t *s, int g, int which)
{
	if (g < 4)
		return bits(s, g + 4 * which, 0, 6);
	return bits(s, g + 4, 4 * which, 4) + 16 * bits(s, g - 4 + 4 * which, 6, 2);
}

static double
value_q3_k(const uint8_t *p, int i)
{
	int g = i / 16,
	    scale = bits(p, 96 + g % 8, 4 * (g / 8), 4) + 16 * bits(p, 104 + g % 4, 2 * (g / 4), 2);
	int q = bits(p, 32 + i / 128 * 32 + i % 32, i % 128 / 32 * 2, 2) +
		4 * bits(p, i % 32, i / 32, 1);

	return half_at(p, 108) * (scale - 32) * (q - 4);
}

static double
value_q6_k(const uint8_t *p, int i)
{
	static const int low_at[4] = { 0, 32, 0, 32 }, low_shift[4] = { 0, 0, 4, 4 };
	int h = i / 128, k = i % 128 / 32, l = i % 32;
	int q = bits(p, 64 * h + low_at[k] + l, low_shift[k], 4) +
		16 * bits(p, 128 + 32 * h + l, 2 * k, 2);

	return half_at(p, 208) * (int8_t)p[192 + i / 16] * (q - 32);
}

static double
value_256(enum quant_type type, const uint8_t *p, int i)
{
	int g = i / 32, q;

	switch (type) {
	case QUANT_Q2_K:
		q = bits(p, 16 + i / 128 * 32 + i % 32, i % 128 / 32 * 2, 2);
		return half_at(p, 80) * bits(p, i / 16, 0, 4) * q -
		       half_at(p, 82) * bits(p, i / 16, 4, 4);
	case QUANT_Q3_K:
		return value_q3_k(p, i);
	case QUANT_Q4_K:
		q = bits(p, 16 + g / 2 * 32 + i % 32, g % 2 * 4, 4);
		return half_at(p, 0) * k4_scale(p + 4, g, 0) * q -
		       half_at(p, 2) * k4_scale(p + 4, g, 1);
	case QUANT_Q5_K:
		q = bits(p, 48 + g / 2 * 32 + i % 32, g % 2 * 4, 4) +
		    16 * bits(p, 16 + i % 32, g, 1);
		return half_at(p, 0) * k4_scale(p + 4, g, 0) * q -
		       half_at(p, 2) * k4_scale(p + 4, g, 1);
	case QUANT_Q6_K:
		return value_q6_k(p, i);
	default:
		q = bits(p, 4 + g / 2, g % 2 * 4, 4) + 16 * bits(p, 2, 2 * g, 2) - 32;
		return half_at(p, 0) * q * quant_iq4_levels[nibble(p + 8 + 16 * g, 0, i % 32)];
	}
}

/* Random bits for a block, with the scales among them made finite and of ordinary size. */
static void
random_block(enum quant_type type, uint8_t *p, size_t size)
{
	static const int8_t halves[QUANT_TYPE_MAX][2] = {
		[QUANT_Q4_0] = { 0, -1 },
		[QUANT_Q4_1] = { 0, 2 },
		[QUANT_Q5_0] = { 0, -1 },
		[QUANT_Q5_1] = { 0, 2 },
		[QUANT_Q8_0] = { 0, -1 },
		[QUANT_Q2_K] = { 80, 82 },
		[QUANT_Q3_K] = { 108, -1 },
		[QUANT_Q4_K] = { 0, 2 },
		[QUANT_Q5_K] = { 0, 2 },
		[QUANT_IQ4_NL] = { 0, -1 },
		[QUANT_IQ4_XS] = { 0, -1 },
	};
	int at[2] = { halves[type][0], halves[type][1] };

	if (type == QUANT_Q6_K) {
		at[0] = 208;
		at[1] = -1;
	}
	for (size_t i = 0; i < size; i++)
		p[i] = (uint8_t)(rng() >> 7);
	for (int i = 0; i < 2 && at[i] >= 0; i++) {
		uint16_t h = quant_f32_to_f16(uniform(-0.1f, 0.1f));

		p[at[i]] = (uint8_t)h;
		p[at[i] + 1] = (uint8_t)(h >> 8);
	}
}

static void
quant__decode__follows_the_published_layout(void **state)
{
	for (size_t k = 0; k < N(all_types); k++) {
		const struct quant_format *f = quant_format(all_types[k]);
		size_t blocks = 5, n = f->block * blocks;
		uint8_t *p = xmalloc(f->bytes * blocks);
		float *out = xcalloc(n, sizeof *out);

		if (f->block == 1) {	/* below */
			free(p);
			free(out);
			continue;
		}
		rng_state = k;
		for (size_t b = 0; b < blocks; b++)
			random_block(all_types[k], p + b * f->bytes, f->bytes);
		f->decode(p, out, n);
		for (size_t i = 0; i < n; i++) {
			const uint8_t *block = p + i / f->block * f->bytes;
			int j = (int)(i % f->block);
			double want = f->block == 32 ? value_32(all_types[k], block, j)
						     : value_256(all_types[k], block, j);

			if (!(fabs((double)out[i] - want) <= 1e-6 * fabs(want) + 1e-5))
				fail_msg("%s, element %zu: %g, should be %g", f->name, i,
					(double)out[i], want);
		}
		free(p);
		free(out);
	}
}

static void
quant__decode__reads_plain_types_unaligned(void **state)
{
	static const uint8_t f32[] = { 0xff, 0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc1 };
	static const uint8_t f16[] = { 0xff, 0, 0x3c, 0, 0xc9 };
	static const uint8_t bf16[] = { 0xff, 0x80, 0x3f, 0x20, 0xc1 };
	float out[2];

	quant_format(QUANT_F32)->decode(f32 + 1, out, 2);
	assert_true(out[0] == 1 && out[1] == -10);
	quant_format(QUANT_F16)->decode(f16 + 1, out, 2);
	assert_true(out[0] == 1 && out[1] == -10);
	quant_format(QUANT_BF16)->decode(bf16 + 1, out, 2);
	assert_true(out[0] == 1 && out[1] == -10);
}

/* Blocks worked out by hand from the layout: d = 0.5 everywhere. */
static void
quant__decode__gives_hand_made_values(void **state)
{
	uint8_t q4_0[18] = { 0x00, 0x38, 0xf0 }, q8_0[34] = { 0x00, 0x38, 0x80, 0x7f };
	uint8_t q4_k[144] = { 0x00, 0x38, 0x00, 0x38 }, q6_k[210] = { 0 }, q3_k[110] = { 0 };
	float out[256];

	quant_format(QUANT_Q4_0)->decode(q4_0, out, 32);
	assert_true(out[0] == -4 && out[16] == 3.5f && out[1] == -4 && out[31] == -4);
	quant_format(QUANT_Q8_0)->decode(q8_0, out, 32);
	assert_true(out[0] == -64 && out[1] == 63.5f && out[2] == 0);

	q4_k[4 + 0] = 0xc0 | 2;		/* group 0: scale 2; group 4: high bits 3 */
	q4_k[4 + 4] = 0x40 | 3;		/* group 0: min 3; group 4: high bits 1 */
	q4_k[4 + 8] = 0x51;		/* group 4: scale 1 + 48, min 5 + 16 */
	q4_k[16] = 7;
	q4_k[16 + 64] = 2;
	quant_format(QUANT_Q4_K)->decode(q4_k, out, 256);
	assert_true(out[0] == 0.5f * (2 * 7 - 3) && out[1] == -1.5f && out[32] == 0);
	assert_true(out[128] == 0.5f * (49 * 2 - 21) && out[129] == -10.5f);

	q6_k[209] = 0x38;
	q6_k[192 + 8 + 6] = 0xfe;	/* group 14: -2 */
	q6_k[64 + 5] = 0x9 << 4;	/* element 128 + 64 + 5 has low bits 9 */
	q6_k[128 + 32 + 5] = 2 << 4;	/* and high bits 2 */
	q6_k[192 + 12] = 4;
	quant_format(QUANT_Q6_K)->decode(q6_k, out, 256);
	assert_true(out[128 + 64 + 5] == 0.5f * 4 * (41 - 32) && out[128 + 96] == 0.5f * -2 * -32);

	q3_k[109] = 0x38;
	q3_k[96 + 1] = 0xf0;		/* group 9: low bits 15 */
	q3_k[104 + 1] = 3 << 4;		/* group 9: high bits 3 */
	q3_k[32 + 32 + 16] = 1;		/* element 144 has low bits 1 */
	q3_k[16] = 1 << 4;		/* and its high bit */
	quant_format(QUANT_Q3_K)->decode(q3_k, out, 256);
	assert_true(out[144] == 0.5f * 31 * 1 && out[145] == 0.5f * 31 * -4 &&
		    out[0] == 0.5f * -32 * -4);
}

/* ---- quantisers ------------------------------------------------------------------------------ */

/* The largest error of one element, as a part of the largest magnitude in its block, that
 * rounding explains. */
static const struct {
	enum quant_type type;
	double bound;
} bounds[] = {
	{ QUANT_F32, 0 },
	{ QUANT_F16, 0x1p-11 },
	{ QUANT_BF16, 0x1p-8 },
	{ QUANT_Q8_0, 0.5 / 127 + 1e-3 },
	{ QUANT_Q4_0, 1 / 8.0 + 1e-3 },
	{ QUANT_Q4_1, 1 / 15.0 + 2e-3 },
	{ QUANT_Q5_0, 1 / 16.0 + 1e-3 },
	{ QUANT_Q5_1, 1 / 31.0 + 2e-3 },
	{ QUANT_Q2_K, 0.5 },
	{ QUANT_Q3_K, 0.28 },
	{ QUANT_Q4_K, 0.1 },
	{ QUANT_Q5_K, 0.055 },
	{ QUANT_Q6_K, 0.04 },
	{ QUANT_IQ4_NL, 0.12 },
	{ QUANT_IQ4_XS, 0.15 },
};

static void
check_quantise(enum quant_type type, double bound, size_t blocks)
{
	const struct quant_format *f = quant_format(type);
	size_t n = f->block * blocks;
	uint8_t *p = xmalloc(f->bytes * blocks);	/* exact, for the sanitizer */
	float *x = xcalloc(n, sizeof *x), *y = xcalloc(n, sizeof *y);

	for (size_t i = 0; i < n; i++)
		x[i] = uniform(-1, 1) * (float)(1 + i / 16 % 3);
	quantise(type, x, p, n);
	f->decode(p, y, n);
	for (size_t b = 0; b < blocks; b++) {
		double most = 0;

		for (size_t i = b * f->block; i < (b + 1) * f->block; i++)
			most = fmax(most, fabs((double)x[i]));
		for (size_t i = b * f->block; i < (b + 1) * f->block; i++)
			if (fabs((double)x[i] - (double)y[i]) > bound * most)
				fail_msg("%s, %zu blocks, element %zu: %g became %g", f->name,
					blocks, i, (double)x[i], (double)y[i]);
	}
	free(p);
	free(x);
	free(y);
}

static void
quantise__then_decode__stays_within_a_step(void **state)
{
	assert_int_equal(N(bounds), N(all_types));
	for (size_t k = 0; k < N(bounds); k++) {
		rng_state = 100 + k;
		for (size_t blocks = 1; blocks <= 9; blocks += 2)
			for (int repeat = 0; repeat < 20; repeat++)
				check_quantise(bounds[k].type, bounds[k].bound, blocks);
	}
}

static void
quantise__zeroes__decode_to_zeroes(void **state)
{
	static const float x[256];
	uint8_t p[1024];
	float y[256];

	for (size_t k = 0; k < N(all_types); k++) {
		memset(p, 0xff, sizeof p);
		quantise(all_types[k], x, p, 256);
		quant_format(all_types[k])->decode(p, y, 256);
		for (size_t i = 0; i < 256; i++)
			assert_true(y[i] == 0);
	}
}

/* ---- the table ------------------------------------------------------------------------------- */

static void
quant__format__knows_what_it_computes_with(void **state)
{
	size_t n = 0;

	for (size_t k = 0; k < N(all_types); k++) {
		const struct quant_format *f = quant_format(all_types[k]);

		assert_non_null(f);
		assert_true(f->block == 1 || f->block == 32 || f->block == 256);
		assert_string_equal(f->name, quant_type_name(all_types[k]));
	}
	for (uint32_t type = 0; type < 1000; type++)
		n += quant_format(type) != NULL;
	assert_int_equal(n, N(all_types));
	assert_null(quant_format(UINT32_MAX));
}

static void
quant__type_name__knows_published_types(void **state)
{
	assert_string_equal(quant_type_name(12), "Q4_K");
	assert_string_equal(quant_type_name(16), "IQ2_XXS");
	assert_string_equal(quant_type_name(31), "Q4_0_4_4");
	assert_string_equal(quant_type_name(39), "MXFP4");
	assert_null(quant_type_name(1000));
	assert_null(quant_type_name(UINT32_MAX));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(f16__to_f32__is_exact_for_all_values),
		cmocka_unit_test(f16__round_trip__gives_all_values_back),
		cmocka_unit_test(f32__to_f16__rounds_to_nearest_even),
		cmocka_unit_test(f32__to_f16__takes_extremes),
		cmocka_unit_test(quant__decode__follows_the_published_layout),
		cmocka_unit_test(quant__decode__reads_plain_types_unaligned),
		cmocka_unit_test(quant__decode__gives_hand_made_values),
		cmocka_unit_test(quantise__then_decode__stays_within_a_step),
		cmocka_unit_test(quantise__zeroes__decode_to_zeroes),
		cmocka_unit_test(quant__format__knows_what_it_computes_with),
		cmocka_unit_test(quant__type_name__knows_published_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
