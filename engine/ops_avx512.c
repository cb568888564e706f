/* Sixteen floats at a time: AVX-512 F, BW, VL, DQ, VNNI. What a kernel computes: engine/ops.h,
 * engine/ops_scalar.c. */
#include "config.h"

#include <float.h>
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "engine/ops.h"
#include "engine/unroll.h"

enum { V = 16 };	/* floats a vector */

/* The lanes of the vector at i of n elements. */
static inline __mmask16
lanes(size_t n, size_t i)
{
	return n - i < V ? (__mmask16)((1u << (n - i)) - 1) : (__mmask16)0xffff;
}

/* e^x within 2 units in the last place; beyond the range of floats 0 and infinity. NaN stays. */
static inline __m512
exp_ps(__m512 x)
{
	__m512 n, f, y;

	x = _mm512_min_ps(_mm512_set1_ps(89), _mm512_max_ps(_mm512_set1_ps(-104), x));
	n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(0x1.715476p0f)),
		_MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
	/* ln 2 in two parts, the first exact in few bits. */
	f = _mm512_fnmadd_ps(n, _mm512_set1_ps(0x1.62e4p-1f), x);
	f = _mm512_fnmadd_ps(n, _mm512_set1_ps(0x1.7f7d1cp-20f), f);
	/* Taylor's series: |f| <= ln 2 / 2, so eight terms are exact to 2^-27. */
	y = _mm512_set1_ps(1.0f / 5040);
	y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(1.0f / 720));
	y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(1.0f / 120));
	y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(1.0f / 24));
	y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(1.0f / 6));
	y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(0.5f));
	y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(1));
	y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(1));
	return _mm512_scalef_ps(y, n);
}

static void
rmsnorm(const float *x, const float *w, float eps, size_t n, float *out)
{
	__m512d sum[2] = { _mm512_setzero_pd(), _mm512_setzero_pd() };
	__m512 by;

	for (size_t i = 0; i < n; i += V) {
		__m512 v = _mm512_maskz_loadu_ps(lanes(n, i), x + i);
		__m512d a = _mm512_cvtps_pd(_mm512_castps512_ps256(v));
		__m512d b = _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1));

		sum[0] = _mm512_fmadd_pd(a, a, sum[0]);
		sum[1] = _mm512_fmadd_pd(b, b, sum[1]);
	}
	by = _mm512_set1_ps((float)(1 /
		sqrt(_mm512_reduce_add_pd(_mm512_add_pd(sum[0], sum[1])) / (double)n + eps)));
	for (size_t i = 0; i < n; i += V) {
		__mmask16 k = lanes(n, i);
		__m512 v = _mm512_mul_ps(_mm512_maskz_loadu_ps(k, x + i), by);

		v = _mm512_mul_ps(v, _mm512_maskz_loadu_ps(k, w + i));
		_mm512_mask_storeu_ps(out + i, k, v);
	}
}

static void
rope(float *x, const float *cos, const float *sin, size_t n)
{
	for (size_t i = 0; i < n; i += V) {
		__mmask16 k = lanes(n, i);
		__m512 v = _mm512_maskz_loadu_ps(k, x + i);
		__m512 swapped = _mm512_permute_ps(v, 0xb1);

		v = _mm512_mul_ps(v, _mm512_maskz_loadu_ps(k, cos + i));
		v = _mm512_fmadd_ps(swapped, _mm512_maskz_loadu_ps(k, sin + i), v);
		_mm512_mask_storeu_ps(x + i, k, v);
	}
}

static void
add(float *x, const float *y, size_t n)
{
	for (size_t i = 0; i < n; i += V) {
		__mmask16 k = lanes(n, i);

		_mm512_mask_storeu_ps(x + i, k,
			_mm512_add_ps(_mm512_maskz_loadu_ps(k, x + i),
				_mm512_maskz_loadu_ps(k, y + i)));
	}
}

static void
scale(float *x, float by, size_t n)
{
	for (size_t i = 0; i < n; i += V) {
		__mmask16 k = lanes(n, i);

		_mm512_mask_storeu_ps(x + i, k,
			_mm512_mul_ps(_mm512_maskz_loadu_ps(k, x + i), _mm512_set1_ps(by)));
	}
}

static void
silu_mul(float *x, const float *y, size_t n)
{
	const __m512 one = _mm512_set1_ps(1);

	for (size_t i = 0; i < n; i += V) {
		__mmask16 k = lanes(n, i);
		__m512 v = _mm512_maskz_loadu_ps(k, x + i);
		__m512 e = exp_ps(_mm512_sub_ps(_mm512_setzero_ps(), v));

		v = _mm512_div_ps(v, _mm512_add_ps(one, e));
		_mm512_mask_storeu_ps(x + i, k, _mm512_mul_ps(v, _mm512_maskz_loadu_ps(k, y + i)));
	}
}

static inline __m256
fold(__m512 v)
{
	return _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
}

/* The eight sums of the lanes of eight vectors. */
static inline __m256
sum_eight(const __m512 a[8])
{
	__m256 lo = _mm256_hadd_ps(_mm256_hadd_ps(fold(a[0]), fold(a[1])),
		_mm256_hadd_ps(fold(a[2]), fold(a[3])));
	__m256 hi = _mm256_hadd_ps(_mm256_hadd_ps(fold(a[4]), fold(a[5])),
		_mm256_hadd_ps(fold(a[6]), fold(a[7])));

	return _mm256_add_ps(_mm256_permute2f128_ps(lo, hi, 0x20),
		_mm256_permute2f128_ps(lo, hi, 0x31));
}

static void
scores(const float *q, const float *k, size_t ld, size_t n, size_t dim, float *s)
{
	size_t whole = dim / V * V;

	for (size_t j = 0; j < n; j += 8) {
		size_t some = n - j < 8 ? n - j : 8;
		const float *key[8];
		__m512 sum[8];

		/* The last few: the same arithmetic, lanes without a key repeat the last one. */
		UNROLL
		for (size_t t = 0; t < 8; t++) {
			key[t] = k + (j + (t < some ? t : some - 1)) * ld;
			sum[t] = _mm512_setzero_ps();
		}
		for (size_t i = 0; i < whole; i += V) {
			__m512 v = _mm512_loadu_ps(q + i);

			UNROLL
			for (size_t t = 0; t < 8; t++)
				sum[t] = _mm512_fmadd_ps(v, _mm512_loadu_ps(key[t] + i), sum[t]);
		}
		if (whole < dim) {
			__mmask16 m = lanes(dim, whole);
			__m512 v = _mm512_maskz_loadu_ps(m, q + whole);

			UNROLL
			for (size_t t = 0; t < 8; t++)
				sum[t] = _mm512_fmadd_ps(v,
					_mm512_maskz_loadu_ps(m, key[t] + whole), sum[t]);
		}
		_mm256_mask_storeu_ps(s + j, (__mmask8)((1u << some) - 1), sum_eight(sum));
	}
}

/* e^x; 0 where that is next to nothing, NaN stays. */
static inline __m512
weight_ps(__m512 x)
{
	__mmask16 k = _mm512_cmp_ps_mask(x, _mm512_set1_ps(OPS_SOFTMAX_LEAST), _CMP_NLT_UQ);

	return _mm512_maskz_mov_ps(k, exp_ps(x));
}

static float
softmax(float *s, size_t n, float *m, float *l)
{
	__m512 max = _mm512_set1_ps(*m), sum = _mm512_setzero_ps();
	float top, by;

	for (size_t j = 0; j < n; j += V) {
		__mmask16 k = lanes(n, j);

		max = _mm512_mask_max_ps(max, k, _mm512_maskz_loadu_ps(k, s + j), max);
	}
	top = _mm512_reduce_max_ps(max);
	for (size_t j = 0; j < n; j += V) {
		__mmask16 k = lanes(n, j);
		__m512 v = _mm512_sub_ps(_mm512_maskz_loadu_ps(k, s + j), _mm512_set1_ps(top));

		v = weight_ps(v);
		_mm512_mask_storeu_ps(s + j, k, v);
		sum = _mm512_mask_add_ps(sum, k, sum, v);
	}
	by = *l > 0 ? _mm512_cvtss_f32(weight_ps(_mm512_set1_ps(*m - top))) : 0;
	*m = top;
	*l = *l * by + _mm512_reduce_add_ps(sum);
	return by;
}

/* As accumulate, for `count` vectors of columns, the last one with the lanes `k`. */
static inline __attribute__((always_inline)) void
accumulate_strip(float *out, __m512 by, const float *p, const float *v, size_t ld, size_t n,
	const size_t count, __mmask16 k)
{
	__m512 sum[8];

	UNROLL
	for (size_t c = 0; c < count; c++)
		sum[c] = _mm512_mul_ps(_mm512_maskz_loadu_ps(k, out + c * V), by);
	for (size_t j = 0; j < n; j++, v += ld) {
		__m512 w = _mm512_set1_ps(p[j]);

		UNROLL
		for (size_t c = 0; c < count; c++)
			sum[c] = _mm512_fmadd_ps(w, _mm512_maskz_loadu_ps(k, v + c * V), sum[c]);
	}
	UNROLL
	for (size_t c = 0; c < count; c++)
		_mm512_mask_storeu_ps(out + c * V, k, sum[c]);
}

static void
accumulate(float *out, float by, const float *p, const float *v, size_t ld, size_t n, size_t dim)
{
	const __m512 b = _mm512_set1_ps(by);
	size_t i = 0;

	for (; i + 8 * V <= dim; i += 8 * V)
		accumulate_strip(out + i, b, p, v + i, ld, n, 8, 0xffff);
	for (; i + 4 * V <= dim; i += 4 * V)
		accumulate_strip(out + i, b, p, v + i, ld, n, 4, 0xffff);
	for (; i < dim; i += V)
		accumulate_strip(out + i, b, p, v + i, ld, n, 1, lanes(dim, i));
}

static void
to_f16(const float *x, size_t n, uint16_t *out)
{
	const __m512 most = _mm512_set1_ps(65504), least = _mm512_set1_ps(-65504);

	for (size_t i = 0; i < n; i += V) {
		__mmask16 k = lanes(n, i);
		/* The bound comes first: then a NaN stays one. */
		__m512 v = _mm512_max_ps(least, _mm512_maskz_loadu_ps(k, x + i));

		v = _mm512_min_ps(most, v);
		_mm256_mask_storeu_epi16(out + i, k, _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
	}
}

static void
from_f16(const uint16_t *x, size_t n, float *out)
{
	for (size_t i = 0; i < n; i += V) {
		__mmask16 k = lanes(n, i);

		__m256i h = _mm256_maskz_loadu_epi16(k, x + i);

		_mm512_mask_storeu_ps(out + i, k, _mm512_cvtph_ps(h));
	}
}

static void
block_to_q8(const float *x, size_t n, uint8_t *block)
{
	const __m512 most = _mm512_set1_ps(127), least = _mm512_set1_ps(-127);
	const __m512 finite = _mm512_set1_ps(FLT_MAX);
	__m512 max = _mm512_setzero_ps();
	__mmask16 bad = 0, k;
	float scale_of, by;
	uint16_t d;

	for (size_t i = 0; i < n; i += V) {
		__m512 a = _mm512_abs_ps(_mm512_maskz_loadu_ps(lanes(n, i), x + i));

		bad |= _mm512_cmp_ps_mask(a, finite, _CMP_NLE_UQ);
		max = _mm512_max_ps(max, a);
	}
	scale_of = bad ? 0 : _mm512_reduce_max_ps(max) / 127;
	d = _cvtss_sh(scale_of > 65504 ? 65504 : scale_of, _MM_FROUND_TO_NEAREST_INT);
	memcpy(block, &d, sizeof d);
	scale_of = _cvtsh_ss(d);
	by = scale_of > 0 ? 1 / scale_of : 0;
	for (size_t i = 0; i < n; i += V) {
		__m512 v;

		k = lanes(n, i);
		v = _mm512_mul_ps(_mm512_maskz_loadu_ps(k, x + i), _mm512_set1_ps(by));
		v = _mm512_max_ps(least, _mm512_min_ps(most, v));
		v = _mm512_maskz_mov_ps(scale_of > 0 ? 0xffff : 0, v);
		_mm512_mask_cvtepi32_storeu_epi8(block + sizeof d + i, k, _mm512_cvtps_epi32(v));
	}
}

static void
to_q8(const float *x, size_t n, uint8_t *blocks)
{
	for (; n > OPS_Q8_BLOCK; n -= OPS_Q8_BLOCK, x += OPS_Q8_BLOCK, blocks += OPS_Q8_BYTES)
		block_to_q8(x, OPS_Q8_BLOCK, blocks);
	block_to_q8(x, n, blocks);
}

/* A block's scale. */
static inline __m512
q8_scale(const uint8_t *block)
{
	uint16_t d;

	memcpy(&d, block, sizeof d);
	return _mm512_set1_ps(_cvtsh_ss(d));
}

/* Elements i .. i + V of a block, as many as k says. */
static inline __m512
q8_elements(const uint8_t *block, size_t i, __mmask16 k, __m512 by)
{
	__m512i q = _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(k, block + 2 + i));

	return _mm512_mul_ps(by, _mm512_cvtepi32_ps(q));
}

static void
from_q8(const uint8_t *blocks, size_t n, float *out)
{
	for (size_t i = 0; i < n; i += OPS_Q8_BLOCK, blocks += OPS_Q8_BYTES) {
		__m512 by = q8_scale(blocks);

		for (size_t j = 0; j < OPS_Q8_BLOCK && i + j < n; j += V) {
			__mmask16 k = lanes(n, i + j);

			_mm512_mask_storeu_ps(out + i + j, k, q8_elements(blocks, j, k, by));
		}
	}
}

/* As accumulate_q8, for `count` whole blocks. */
static inline __attribute__((always_inline)) void
accumulate_blocks(float *out, __m512 by, const float *p, const uint8_t *v, size_t ld, size_t n,
	const size_t count)
{
	__m512 sum[8];

	UNROLL
	for (size_t c = 0; c < 2 * count; c++)
		sum[c] = _mm512_mul_ps(_mm512_loadu_ps(out + c * V), by);
	for (size_t j = 0; j < n; j++, v += ld) {
		__m512 w = _mm512_set1_ps(p[j]);

		UNROLL
		for (size_t c = 0; c < 2 * count; c++) {
			const uint8_t *block = v + c / 2 * OPS_Q8_BYTES;

			sum[c] = _mm512_fmadd_ps(
				w, q8_elements(block, c % 2 * V, 0xffff, q8_scale(block)), sum[c]);
		}
	}
	UNROLL
	for (size_t c = 0; c < 2 * count; c++)
		_mm512_storeu_ps(out + c * V, sum[c]);
}

static void
accumulate_q8(
	float *out, float by, const float *p, const uint8_t *v, size_t ld, size_t n, size_t dim)
{
	enum { B = OPS_Q8_BLOCK };
	const __m512 b = _mm512_set1_ps(by);
	float x[B];

	for (; dim >= 4 * B; dim -= 4 * B, out += 4 * B, v += 4 * OPS_Q8_BYTES)
		accumulate_blocks(out, b, p, v, ld, n, 4);
	for (; dim >= B; dim -= B, out += B, v += OPS_Q8_BYTES)
		accumulate_blocks(out, b, p, v, ld, n, 1);
	for (size_t j = 0; dim && j < n; j++, v += ld) {
		from_q8(v, dim, x);
		accumulate(out, j ? 1 : by, p + j, x, 0, 1, dim);
	}
}

static uint64_t
read_vectors(const void *p, size_t n)
{
	const char *c = p;
	__m512i sum = _mm512_setzero_si512();
	uint64_t word[8];

	for (size_t i = 0; i < n; i += sizeof word)
		sum = _mm512_add_epi64(sum, _mm512_loadu_si512(c + i));
	_mm512_storeu_si512(word, sum);
	return word[0] + word[1] + word[2] + word[3] + word[4] + word[5] + word[6] + word[7];
}

static uint64_t
int8_burst(uint64_t rounds)
{
	enum { BURST = 16 };	/* independent sums: latency times width of the multipliers */
	__m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(-5), sum[BURST];

	UNROLL
	for (int i = 0; i < BURST; i++)
		sum[i] = _mm512_setzero_si512();
	for (uint64_t r = 0; r < rounds; r++) {
		UNROLL
		for (int i = 0; i < BURST; i++) {
			__asm__ volatile("" : "+v"(a));	/* or equal sums would be one */
			sum[i] = _mm512_dpbusd_epi32(sum[i], a, b);
		}
	}
	UNROLL
	for (int i = 0; i < BURST; i++)
		__asm__ volatile("" : : "v"(sum[i]));
	return rounds * BURST * 64;
}

const struct ops ops_avx512 = {
	.isa = "avx512",
	.rmsnorm = rmsnorm,
	.rope = rope,
	.add = add,
	.scale = scale,
	.silu_mul = silu_mul,
	.scores = scores,
	.softmax = softmax,
	.accumulate = accumulate,
	.to_f16 = to_f16,
	.from_f16 = from_f16,
	.to_q8 = to_q8,
	.from_q8 = from_q8,
	.accumulate_q8 = accumulate_q8,
	.read = read_vectors,
	.int8_burst = int8_burst,
};
