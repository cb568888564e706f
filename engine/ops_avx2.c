/* Eight floats at a time: AVX2, FMA and F16C. What a kernel computes: engine/ops.h,
 * engine/ops_scalar.c. */
#include "config.h"

#include <float.h>
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "engine/ops.h"
#include "engine/unroll.h"

enum { V = 8 };		/* floats a vector */

/* The first n of eight lanes, n <= 8. */
static inline __m256i
lanes(size_t n)
{
	static const int32_t ones[16] = { -1, -1, -1, -1, -1, -1, -1, -1 };

	return _mm256_loadu_si256((const __m256i *)(const void *)(ones + V - n));
}

static inline size_t
left(size_t n, size_t i)
{
	return n - i < V ? n - i : V;
}

static inline double
sum_pd(__m256d v)
{
	__m128d a = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));

	return _mm_cvtsd_f64(_mm_add_sd(a, _mm_unpackhi_pd(a, a)));
}

static inline float
sum_ps(__m256 v)
{
	__m128 a = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));

	a = _mm_add_ps(a, _mm_movehl_ps(a, a));
	return _mm_cvtss_f32(_mm_add_ss(a, _mm_movehdup_ps(a)));
}

static inline float
max_ps(__m256 v)
{
	__m128 a = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));

	a = _mm_max_ps(a, _mm_movehl_ps(a, a));
	return _mm_cvtss_f32(_mm_max_ss(a, _mm_movehdup_ps(a)));
}

/* e^x within 2 units in the last place where that is a normal number; clamped beyond. NaN stays. */
static inline __m256
exp_ps(__m256 x)
{
	__m256 n, f, y;

	x = _mm256_min_ps(_mm256_set1_ps(88.37f), _mm256_max_ps(_mm256_set1_ps(-87.33f), x));
	n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(0x1.715476p0f)),
		_MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
	/* ln 2 in two parts, the first exact in few bits. */
	f = _mm256_fnmadd_ps(n, _mm256_set1_ps(0x1.62e4p-1f), x);
	f = _mm256_fnmadd_ps(n, _mm256_set1_ps(0x1.7f7d1cp-20f), f);
	/* Taylor's series: |f| <= ln 2 / 2, so eight terms are exact to 2^-27. */
	y = _mm256_set1_ps(1.0f / 5040);
	y = _mm256_fmadd_ps(y, f, _mm256_set1_ps(1.0f / 720));
	y = _mm256_fmadd_ps(y, f, _mm256_set1_ps(1.0f / 120));
	y = _mm256_fmadd_ps(y, f, _mm256_set1_ps(1.0f / 24));
	y = _mm256_fmadd_ps(y, f, _mm256_set1_ps(1.0f / 6));
	y = _mm256_fmadd_ps(y, f, _mm256_set1_ps(0.5f));
	y = _mm256_fmadd_ps(y, f, _mm256_set1_ps(1));
	y = _mm256_fmadd_ps(y, f, _mm256_set1_ps(1));
	return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(y),
		_mm256_slli_epi32(_mm256_cvtps_epi32(n), 23)));
}

static void
rmsnorm(const float *x, const float *w, float eps, size_t n, float *out)
{
	__m256d sum[2] = { _mm256_setzero_pd(), _mm256_setzero_pd() };
	__m256 by;

	for (size_t i = 0; i < n; i += V) {
		__m256 v = _mm256_maskload_ps(x + i, lanes(left(n, i)));
		__m256d a = _mm256_cvtps_pd(_mm256_castps256_ps128(v));
		__m256d b = _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1));

		sum[0] = _mm256_fmadd_pd(a, a, sum[0]);
		sum[1] = _mm256_fmadd_pd(b, b, sum[1]);
	}
	by = _mm256_set1_ps(
		(float)(1 / sqrt(sum_pd(_mm256_add_pd(sum[0], sum[1])) / (double)n + eps)));
	for (size_t i = 0; i < n; i += V) {
		__m256i k = lanes(left(n, i));
		__m256 v = _mm256_mul_ps(_mm256_maskload_ps(x + i, k), by);

		_mm256_maskstore_ps(out + i, k, _mm256_mul_ps(v, _mm256_maskload_ps(w + i, k)));
	}
}

static void
rope(float *x, const float *cos, const float *sin, size_t n)
{
	for (size_t i = 0; i < n; i += V) {
		__m256i k = lanes(left(n, i));
		__m256 v = _mm256_maskload_ps(x + i, k);
		__m256 swapped = _mm256_permute_ps(v, 0xb1);

		v = _mm256_mul_ps(v, _mm256_maskload_ps(cos + i, k));
		v = _mm256_fmadd_ps(swapped, _mm256_maskload_ps(sin + i, k), v);
		_mm256_maskstore_ps(x + i, k, v);
	}
}

static void
add(float *x, const float *y, size_t n)
{
	for (size_t i = 0; i < n; i += V) {
		__m256i k = lanes(left(n, i));

		_mm256_maskstore_ps(x + i, k,
			_mm256_add_ps(_mm256_maskload_ps(x + i, k), _mm256_maskload_ps(y + i, k)));
	}
}

static void
scale(float *x, float by, size_t n)
{
	for (size_t i = 0; i < n; i += V) {
		__m256i k = lanes(left(n, i));

		_mm256_maskstore_ps(x + i, k,
			_mm256_mul_ps(_mm256_maskload_ps(x + i, k), _mm256_set1_ps(by)));
	}
}

static void
silu_mul(float *x, const float *y, size_t n)
{
	const __m256 one = _mm256_set1_ps(1);

	for (size_t i = 0; i < n; i += V) {
		__m256i k = lanes(left(n, i));
		__m256 v = _mm256_maskload_ps(x + i, k);
		__m256 e = exp_ps(_mm256_sub_ps(_mm256_setzero_ps(), v));

		v = _mm256_div_ps(v, _mm256_add_ps(one, e));
		_mm256_maskstore_ps(x + i, k, _mm256_mul_ps(v, _mm256_maskload_ps(y + i, k)));
	}
}

/* The eight sums of the lanes of eight vectors. */
static inline __m256
sum_eight(const __m256 a[8])
{
	__m256 lo = _mm256_hadd_ps(_mm256_hadd_ps(a[0], a[1]), _mm256_hadd_ps(a[2], a[3]));
	__m256 hi = _mm256_hadd_ps(_mm256_hadd_ps(a[4], a[5]), _mm256_hadd_ps(a[6], a[7]));

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
		__m256 sum[8];

		/* The last few: the same arithmetic, lanes without a key repeat the last one. */
		UNROLL
		for (size_t t = 0; t < 8; t++) {
			key[t] = k + (j + (t < some ? t : some - 1)) * ld;
			sum[t] = _mm256_setzero_ps();
		}
		for (size_t i = 0; i < whole; i += V) {
			__m256 v = _mm256_loadu_ps(q + i);

			UNROLL
			for (size_t t = 0; t < 8; t++)
				sum[t] = _mm256_fmadd_ps(v, _mm256_loadu_ps(key[t] + i), sum[t]);
		}
		if (whole < dim) {
			__m256i m = lanes(dim - whole);
			__m256 v = _mm256_maskload_ps(q + whole, m);

			UNROLL
			for (size_t t = 0; t < 8; t++)
				sum[t] = _mm256_fmadd_ps(v, _mm256_maskload_ps(key[t] + whole, m),
					sum[t]);
		}
		_mm256_maskstore_ps(s + j, lanes(some), sum_eight(sum));
	}
}

/* e^x; 0 where that is next to nothing, NaN stays. */
static inline __m256
weight_ps(__m256 x)
{
	return _mm256_andnot_ps(_mm256_cmp_ps(x, _mm256_set1_ps(OPS_SOFTMAX_LEAST), _CMP_LT_OQ),
		exp_ps(x));
}

static float
softmax(float *s, size_t n, float *m, float *l)
{
	__m256 max = _mm256_set1_ps(*m), sum = _mm256_setzero_ps();
	const __m256 least = _mm256_set1_ps(-INFINITY);
	float top, by;

	for (size_t j = 0; j < n; j += V) {
		__m256i k = lanes(left(n, j));
		__m256 v = _mm256_blendv_ps(least, _mm256_maskload_ps(s + j, k),
			_mm256_castsi256_ps(k));

		max = _mm256_max_ps(v, max);
	}
	top = max_ps(max);
	for (size_t j = 0; j < n; j += V) {
		__m256i k = lanes(left(n, j));
		__m256 v = _mm256_sub_ps(_mm256_maskload_ps(s + j, k), _mm256_set1_ps(top));

		v = weight_ps(v);
		_mm256_maskstore_ps(s + j, k, v);
		sum = _mm256_add_ps(sum, _mm256_and_ps(v, _mm256_castsi256_ps(k)));
	}
	by = *l > 0 ? _mm256_cvtss_f32(weight_ps(_mm256_set1_ps(*m - top))) : 0;
	*m = top;
	*l = *l * by + sum_ps(sum);
	return by;
}

/* As accumulate, for `count` whole vectors of columns. */
static inline __attribute__((always_inline)) void
accumulate_strip(float *out, __m256 by, const float *p, const float *v, size_t ld, size_t n,
	const size_t count)
{
	__m256 sum[8];

	UNROLL
	for (size_t c = 0; c < count; c++)
		sum[c] = _mm256_mul_ps(_mm256_loadu_ps(out + c * V), by);
	for (size_t j = 0; j < n; j++, v += ld) {
		__m256 w = _mm256_broadcast_ss(p + j);

		UNROLL
		for (size_t c = 0; c < count; c++)
			sum[c] = _mm256_fmadd_ps(w, _mm256_loadu_ps(v + c * V), sum[c]);
	}
	UNROLL
	for (size_t c = 0; c < count; c++)
		_mm256_storeu_ps(out + c * V, sum[c]);
}

static void
accumulate(float *out, float by, const float *p, const float *v, size_t ld, size_t n, size_t dim)
{
	const __m256 b = _mm256_set1_ps(by);
	size_t i = 0;

	for (; i + 8 * V <= dim; i += 8 * V)
		accumulate_strip(out + i, b, p, v + i, ld, n, 8);
	for (; i + V <= dim; i += V)
		accumulate_strip(out + i, b, p, v + i, ld, n, 1);
	if (i < dim) {
		__m256i k = lanes(dim - i);
		__m256 sum = _mm256_mul_ps(_mm256_maskload_ps(out + i, k), b);

		for (size_t j = 0; j < n; j++)
			sum = _mm256_fmadd_ps(_mm256_broadcast_ss(p + j),
				_mm256_maskload_ps(v + j * ld + i, k), sum);
		_mm256_maskstore_ps(out + i, k, sum);
	}
}

static void
to_f16(const float *x, size_t n, uint16_t *out)
{
	const __m256 most = _mm256_set1_ps(65504), least = _mm256_set1_ps(-65504);

	for (size_t i = 0; i < n; i += V) {
		size_t some = left(n, i);
		/* The bound comes first: then a NaN stays one. */
		__m256 v = _mm256_min_ps(most,
			_mm256_max_ps(least, _mm256_maskload_ps(x + i, lanes(some))));
		__m128i h = _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT);
		uint16_t half[V];

		_mm_storeu_si128((__m128i *)(void *)half, h);
		if (some == V)
			_mm_storeu_si128((__m128i *)(void *)(out + i), h);
		for (size_t t = 0; some < V && t < some; t++)
			out[i + t] = half[t];
	}
}

static void
from_f16(const uint16_t *x, size_t n, float *out)
{
	size_t i = 0;

	for (; i + V <= n; i += V)
		_mm256_storeu_ps(out + i,
			_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(x + i))));
	for (; i < n; i++)
		out[i] = _cvtsh_ss(x[i]);
}

static void
block_to_q8(const float *x, size_t n, uint8_t *block)
{
	const __m256 most = _mm256_set1_ps(127), least = _mm256_set1_ps(-127);
	const __m256 sign = _mm256_set1_ps(-0.0f), finite = _mm256_set1_ps(FLT_MAX);
	__m256 max = _mm256_setzero_ps(), bad = _mm256_setzero_ps(), by;
	float scale_of;
	uint16_t d;

	for (size_t i = 0; i < n; i += V) {
		__m256 a = _mm256_andnot_ps(sign, _mm256_maskload_ps(x + i, lanes(left(n, i))));

		bad = _mm256_or_ps(bad, _mm256_cmp_ps(a, finite, _CMP_NLE_UQ));
		max = _mm256_max_ps(max, a);
	}
	scale_of = _mm256_testz_ps(bad, bad) ? max_ps(max) / 127 : 0;
	d = _cvtss_sh(scale_of > 65504 ? 65504 : scale_of, _MM_FROUND_TO_NEAREST_INT);
	memcpy(block, &d, sizeof d);
	scale_of = _cvtsh_ss(d);
	by = _mm256_set1_ps(scale_of > 0 ? 1 / scale_of : 0);
	for (size_t i = 0; i < n; i += V) {
		__m256 v = _mm256_mul_ps(_mm256_maskload_ps(x + i, lanes(left(n, i))), by);
		int32_t whole[V];

		v = _mm256_max_ps(least, _mm256_min_ps(most, v));
		if (!(scale_of > 0))
			v = _mm256_setzero_ps();
		_mm256_storeu_si256((__m256i *)(void *)whole, _mm256_cvtps_epi32(v));
		for (size_t t = 0; t < left(n, i); t++)
			block[sizeof d + i + t] = (uint8_t)whole[t];
	}
}

static void
to_q8(const float *x, size_t n, uint8_t *blocks)
{
	for (; n > OPS_Q8_BLOCK; n -= OPS_Q8_BLOCK, x += OPS_Q8_BLOCK, blocks += OPS_Q8_BYTES)
		block_to_q8(x, OPS_Q8_BLOCK, blocks);
	block_to_q8(x, n, blocks);
}

static inline float
q8_scale(const uint8_t *block)
{
	uint16_t d;

	memcpy(&d, block, sizeof d);
	return _cvtsh_ss(d);
}

/* Elements i .. i + V of a block. */
static inline __m256
q8_elements(const uint8_t *block, size_t i, __m256 by)
{
	__m128i q = _mm_loadl_epi64((const __m128i *)(const void *)(block + 2 + i));

	return _mm256_mul_ps(by, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(q)));
}

static void
from_q8(const uint8_t *blocks, size_t n, float *out)
{
	for (size_t i = 0; i < n; i += OPS_Q8_BLOCK, blocks += OPS_Q8_BYTES) {
		size_t some = n - i < OPS_Q8_BLOCK ? n - i : OPS_Q8_BLOCK, j = 0;
		float by = q8_scale(blocks);

		for (; j + V <= some; j += V)
			_mm256_storeu_ps(out + i + j, q8_elements(blocks, j, _mm256_set1_ps(by)));
		for (; j < some; j++)
			out[i + j] = by * (int8_t)blocks[2 + j];
	}
}

/* As accumulate_q8, for two whole blocks, or one. */
static inline __attribute__((always_inline)) void
accumulate_blocks(float *out, __m256 by, const float *p, const uint8_t *v, size_t ld, size_t n,
	const size_t count)
{
	__m256 sum[8];

	UNROLL
	for (size_t c = 0; c < 4 * count; c++)
		sum[c] = _mm256_mul_ps(_mm256_loadu_ps(out + c * V), by);
	for (size_t j = 0; j < n; j++, v += ld) {
		__m256 w = _mm256_broadcast_ss(p + j);

		UNROLL
		for (size_t c = 0; c < 4 * count; c++) {
			const uint8_t *block = v + c / 4 * OPS_Q8_BYTES;
			__m256 d = _mm256_set1_ps(q8_scale(block));

			sum[c] = _mm256_fmadd_ps(w, q8_elements(block, c % 4 * V, d), sum[c]);
		}
	}
	UNROLL
	for (size_t c = 0; c < 4 * count; c++)
		_mm256_storeu_ps(out + c * V, sum[c]);
}

static void
accumulate_q8(
	float *out, float by, const float *p, const uint8_t *v, size_t ld, size_t n, size_t dim)
{
	enum { B = OPS_Q8_BLOCK };
	const __m256 b = _mm256_set1_ps(by);
	float x[B];

	for (; dim >= 2 * B; dim -= 2 * B, out += 2 * B, v += 2 * OPS_Q8_BYTES)
		accumulate_blocks(out, b, p, v, ld, n, 2);
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
	__m256i sum[2] = { _mm256_setzero_si256(), _mm256_setzero_si256() };
	uint64_t word[4];

	for (size_t i = 0; i < n; i += 64) {
		const __m256i *v = (const __m256i *)(const void *)(c + i);

		sum[0] = _mm256_add_epi64(sum[0], _mm256_loadu_si256(v));
		sum[1] = _mm256_add_epi64(sum[1], _mm256_loadu_si256(v + 1));
	}
	sum[0] = _mm256_add_epi64(sum[0], sum[1]);
	_mm256_storeu_si256((__m256i *)(void *)word, sum[0]);
	return word[0] + word[1] + word[2] + word[3];
}

enum { BURST = 10 };	/* independent sums: latency times width of the multipliers */

static uint64_t
int8_burst(uint64_t rounds)
{
	const __m256i one = _mm256_set1_epi16(1);
	__m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(-5), sum[BURST];

	UNROLL
	for (int i = 0; i < BURST; i++)
		sum[i] = _mm256_setzero_si256();
	for (uint64_t r = 0; r < rounds; r++) {
		UNROLL
		for (int i = 0; i < BURST; i++) {
			__asm__ volatile("" : "+x"(a));	/* or the product would leave the loop */
			sum[i] = _mm256_add_epi32(sum[i],
				_mm256_madd_epi16(_mm256_maddubs_epi16(a, b), one));
		}
	}
	UNROLL
	for (int i = 0; i < BURST; i++)
		__asm__ volatile("" : : "x"(sum[i]));
	return rounds * BURST * 32;
}

__attribute__((target("avxvnni"))) static uint64_t
int8_burst_vnni(uint64_t rounds)
{
	__m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(-5), sum[BURST];

	UNROLL
	for (int i = 0; i < BURST; i++)
		sum[i] = _mm256_setzero_si256();
	for (uint64_t r = 0; r < rounds; r++) {
		UNROLL
		for (int i = 0; i < BURST; i++) {
			__asm__ volatile("" : "+x"(a));	/* or equal sums would be one */
			sum[i] = _mm256_dpbusd_avx_epi32(sum[i], a, b);
		}
	}
	UNROLL
	for (int i = 0; i < BURST; i++)
		__asm__ volatile("" : : "x"(sum[i]));
	return rounds * BURST * 32;
}

#define COMMON                                                                                     \
	.rmsnorm = rmsnorm, .rope = rope, .add = add, .scale = scale, .silu_mul = silu_mul,        \
	.scores = scores, .softmax = softmax, .accumulate = accumulate, .to_f16 = to_f16,          \
	.from_f16 = from_f16, .to_q8 = to_q8, .from_q8 = from_q8, .accumulate_q8 = accumulate_q8,  \
	.read = read_vectors

const struct ops ops_avx2 = { .isa = "avx2", COMMON, .int8_burst = int8_burst };
const struct ops ops_avxvnni = { .isa = "avxvnni", COMMON, .int8_burst = int8_burst_vnni };
