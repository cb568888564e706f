/*
 * AVX-512 with VNNI: panels of 32 rows, two vectors; tiles of up to 12 tokens, whose 24 sums fill the
 * registers. vpdpbusd multiplies unsigned weights (w + 128) with four signed activations of a token,
 * broadcast from memory.
 *
 * The sums start at act_block.z, so that they end as the bits of the float M + dot, M = 1.5 * 2^23. Then
 * fma(M + dot, d, -M * d) is dot * d rounded once, without a conversion: M * d is exact, since the scales
 * of all formats have at most 19 significant bits.
 */
#include "config.h"

#include <immintrin.h>

#define LANES 16
#define PANEL_ROWS 32
#define PREFETCH_LOCALITY 2	/* second-level cache */

#include "engine/panel.h"

/* Rows 4i + r in 128-bit lane i of vector r; then 4 x 4 words are turned within each lane. */
static inline void
load_rows(const uint8_t *p, size_t stride, vu out[4])
{
	__m512i v[4], a, b, c, d;

	for (size_t r = 0; r < 4; r++) {
		const uint8_t *q = p + r * stride;
		__m512i x = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)q));

		x = _mm512_inserti32x4(x, _mm_loadu_si128((const __m128i *)(q + 4 * stride)), 1);
		x = _mm512_inserti32x4(x, _mm_loadu_si128((const __m128i *)(q + 8 * stride)), 2);
		v[r] = _mm512_inserti32x4(x, _mm_loadu_si128((const __m128i *)(q + 12 * stride)), 3);
	}
	a = _mm512_unpacklo_epi32(v[0], v[1]);
	b = _mm512_unpacklo_epi32(v[2], v[3]);
	c = _mm512_unpackhi_epi32(v[0], v[1]);
	d = _mm512_unpackhi_epi32(v[2], v[3]);
	out[0] = (vu)_mm512_unpacklo_epi64(a, b);
	out[1] = (vu)_mm512_unpackhi_epi64(a, b);
	out[2] = (vu)_mm512_unpacklo_epi64(c, d);
	out[3] = (vu)_mm512_unpackhi_epi64(c, d);
}

static inline vf
half_to_float(vu h)
{
	return (vf)_mm512_cvtph_ps(_mm512_cvtepi32_epi16((__m512i)h));
}

static inline vu
panel_unsigned(vu q, int zero)
{
	return (vu)((vb)q + (uint8_t)(128 - zero));
}

static inline vu
panel_signed(vu q)
{
	return q ^ 0x80808080;
}

static inline vu
lookup(vu nibbles)
{
	const __m128i values = _mm_setr_epi8(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

	return (vu)_mm512_shuffle_epi8(_mm512_broadcast_i32x4(values), (__m512i)nibbles);
}

static inline vu
spread_bits(vu bits)
{
	const vu table = {
		0x00000000, 0x00000010, 0x00001000, 0x00001010, 0x00100000, 0x00100010, 0x00101000, 0x00101010,
		0x10000000, 0x10000010, 0x10001000, 0x10001010, 0x10100000, 0x10100010, 0x10101000, 0x10101010,
	};

	return (vu)_mm512_permutexvar_epi32((__m512i)bits, (__m512i)table);
}

static inline uint32_t
max_lanes(vu x)
{
	return _mm512_reduce_max_epu32((__m512i)x);
}

static inline int32_t
sum_lanes(vi x)
{
	return _mm512_reduce_add_epi32((__m512i)x);
}

static inline void
store_low_bytes(int8_t *p, vi x)
{
	_mm_storeu_si128((__m128i *)p, _mm512_cvtepi32_epi8((__m512i)x));
}

#include "engine/panel_unpack.h"

#define INLINE static inline __attribute__((always_inline))

/* The tokens of a tile, reached from every third one: addresses are a pointer and once or twice the stride. */
struct tokens {
	const char *p[4];
	size_t stride;
};

INLINE struct tokens
tokens_from(const char *first, size_t stride)
{
	return (struct tokens){ { first, first + 3 * stride, first + 6 * stride, first + 9 * stride }, stride };
}

INLINE const void *
token(const struct tokens *x, int t)
{
	return x->p[t / 3] + (size_t)(t % 3) * x->stride;
}

INLINE const struct act_block *
block(const struct tokens *x, int t)
{
	return token(x, t);
}

INLINE __m512i
four(const struct act_block *a, int group)
{
	int32_t x;

	memcpy(&x, a->q + 4 * group, 4);
	return _mm512_set1_epi32(x);
}

/* dot[2t] and dot[2t + 1] += groups g0..g1 of a block, tokens t. */
INLINE void
dot_groups(__m512i dot[], const uint8_t *q, const struct tokens *x, const int tokens, const int g0, const int g1)
{
#pragma GCC unroll 8
	for (int g = g0; g < g1; g++) {
		__m512i w0 = _mm512_load_si512(q + g * PANEL_GROUP), w1 = _mm512_load_si512(q + g * PANEL_GROUP + 64);

#pragma GCC unroll 12
		for (int t = 0; t < tokens; t++) {
			__m512i v = four(token(x, t), g);

			dot[2 * t] = _mm512_dpbusd_epi32(dot[2 * t], w0, v);
			dot[2 * t + 1] = _mm512_dpbusd_epi32(dot[2 * t + 1], w1, v);
		}
	}
}

/* A scale of 32 rows, and what takes the magic number away from the sums. */
struct scale {
	__m512 d[2], less[2];
};

INLINE struct scale
load_scale(const float *d)
{
	struct scale s;

	for (int v = 0; v < 2; v++) {
		s.d[v] = _mm512_load_ps(d + v * LANES);
		s.less[v] = _mm512_mul_ps(s.d[v], _mm512_set1_ps(-0x1.8p23f));
	}
	return s;
}

/* acc = fma(round(dot * d), a, acc) */
INLINE __m512
add_dot(__m512 acc, __m512i dot, const struct scale *s, int v, __m512 a)
{
	return _mm512_fmadd_ps(_mm512_fmadd_ps(_mm512_castsi512_ps(dot), s->d[v], s->less[v]), a, acc);
}

INLINE __m512
add_min(__m512 acc, const float *m, float s)
{
	return _mm512_fmadd_ps(_mm512_load_ps(m), _mm512_set1_ps(s), acc);
}

INLINE void
tile_blocks(const struct panel *restrict p, size_t n, const void *act, size_t stride, float *restrict sum,
	const int tokens, const enum panel_kind kind)
{
	const bool halves = kind == KIND_HALVES || kind == KIND_HALVES_MIN;
	const bool minimum = kind == KIND_WHOLE_MIN || kind == KIND_HALVES_MIN;
	const int step = halves ? 2 * PANEL_ROWS : PANEL_ROWS;

	for (size_t b = 0; b < n; b++) {
		const struct tokens x = tokens_from((const char *)act + b * sizeof(struct act_block), stride);
		const uint8_t *q = p->q + b * 8 * PANEL_GROUP;
		const float *m = p->m + b * (size_t)step, *d = p->d + b * (size_t)step;
		__m512i dot[2 * 12], hi[2 * 12];
		struct scale scale, scale_hi;

#pragma GCC unroll 12
		for (int t = 0; t < tokens; t++) {
			dot[2 * t] = dot[2 * t + 1] = _mm512_set1_epi32(block(&x, t)->z[halves ? 1 : 0]);
			hi[2 * t] = hi[2 * t + 1] = _mm512_set1_epi32(block(&x, t)->z[2]);
		}
		dot_groups(dot, q, &x, tokens, 0, halves ? 4 : 8);
		if (halves)
			dot_groups(hi, q, &x, tokens, 4, 8);
		scale = load_scale(d);
		scale_hi = load_scale(halves ? d + PANEL_ROWS : d);
#pragma GCC unroll 24
		for (int i = 0; i < 2 * tokens; i++) {
			const struct act_block *a = block(&x, i / 2);
			__m512 acc = _mm512_load_ps(sum + i * LANES), ad = _mm512_set1_ps(a->d);

			acc = add_dot(acc, dot[i], &scale, i % 2, ad);
			if (halves)
				acc = add_dot(acc, hi[i], &scale_hi, i % 2, ad);
			if (minimum)
				acc = add_min(acc, m + i % 2 * LANES, a->s[halves ? 1 : 0]);
			if (minimum && halves)
				acc = add_min(acc, m + PANEL_ROWS + i % 2 * LANES, a->s[2]);
			_mm512_store_ps(sum + i * LANES, acc);
		}
	}
}

INLINE void
tile_floats(const struct panel *restrict p, size_t n, const void *act, size_t stride, float *restrict sum,
	const int tokens)
{
	const char *first = act;
	const float *w = (const float *)p->q;
	__m512 acc[2 * 12];

#pragma GCC unroll 24
	for (int i = 0; i < 2 * tokens; i++)
		acc[i] = _mm512_setzero_ps();
	for (size_t k = 0; k < n; k++, w += PANEL_ROWS, first += sizeof(float)) {
		const struct tokens x = tokens_from(first, stride);
		__m512 w0 = _mm512_load_ps(w), w1 = _mm512_load_ps(w + LANES);

#pragma GCC unroll 12
		for (int t = 0; t < tokens; t++) {
			__m512 v = _mm512_set1_ps(*(const float *)token(&x, t));

			acc[2 * t] = _mm512_fmadd_ps(w0, v, acc[2 * t]);
			acc[2 * t + 1] = _mm512_fmadd_ps(w1, v, acc[2 * t + 1]);
		}
	}
#pragma GCC unroll 24
	for (int i = 0; i < 2 * tokens; i++)
		_mm512_store_ps(sum + i * LANES, _mm512_add_ps(_mm512_load_ps(sum + i * LANES), acc[i]));
}

#define TILE(name, tokens, kind)                                                                   \
	static void name##_##tokens(const struct panel *p, size_t n, const void *act, size_t stride, \
		float *sum)                                                                        \
	{                                                                                          \
		if (kind == KIND_FLOAT)                                                            \
			tile_floats(p, n, act, stride, sum, tokens);                               \
		else                                                                               \
			tile_blocks(p, n, act, stride, sum, tokens, kind);                         \
	}
#define TILES(name, kind)                                                                          \
	TILE(name, 1, kind) TILE(name, 2, kind) TILE(name, 3, kind) TILE(name, 4, kind) TILE(name, 6, kind)

TILES(whole, KIND_WHOLE)
TILE(whole, 8, KIND_WHOLE)
TILE(whole, 12, KIND_WHOLE)
TILES(whole_min, KIND_WHOLE_MIN)
TILE(whole_min, 8, KIND_WHOLE_MIN)
TILE(whole_min, 12, KIND_WHOLE_MIN)
TILES(halves, KIND_HALVES)
TILES(halves_min, KIND_HALVES_MIN)
TILES(floats, KIND_FLOAT)
TILE(floats, 8, KIND_FLOAT)
TILE(floats, 12, KIND_FLOAT)

#define UP_TO_6(name) name##_1, name##_2, name##_3, name##_4, name##_4, name##_6
#define UP_TO_12(name) UP_TO_6(name), name##_6, name##_8, name##_8, name##_8, name##_8, name##_12

static tile_fn *
tile_for(const struct panel_format *f, size_t left, size_t *tokens)
{
	static const uint8_t sizes[12] = { 1, 2, 3, 4, 4, 6, 6, 8, 8, 8, 8, 12 };
	static tile_fn *const tiles[KIND_COUNT][12] = {
		[KIND_WHOLE] = { UP_TO_12(whole) },
		[KIND_WHOLE_MIN] = { UP_TO_12(whole_min) },
		[KIND_HALVES] = { UP_TO_6(halves) },
		[KIND_HALVES_MIN] = { UP_TO_6(halves_min) },
		[KIND_FLOAT] = { UP_TO_12(floats) },
	};
	size_t most = f->kind == KIND_HALVES || f->kind == KIND_HALVES_MIN ? 6 : 12;

	if (left > most)
		left = most;
	*tokens = sizes[left - 1];
	return tiles[f->kind][left - 1];
}

#include "engine/panel_multiply.h"
#include "engine/panel_quantise.h"

const struct matmul_ops matmul_avx512 = {
	.isa = "avx512",
	.granule = PANEL_ROWS,
	.quantise = quantise,
	.multiply = multiply,
	.scratch_bytes = scratch_bytes,
};
