/*
 * AVX-512 with VNNI: panels of 32 rows, two vectors; tiles of up to 4 tokens, so that a tile's dot products,
 * those of the half before times their scale, and its sums, 8 each, stay in registers. Four activations of a
 * token come from memory to all rows. Loads are not what is scarce: with 6 tokens, or 12 and the sums in memory,
 * it is no faster. On Zen 4 all that multiplies, integers or floats, shares one unit of 512 bits, so a block of
 * 32 takes 8 products of bytes and 2 of floats (3 with a minimum) of it; all else finds room beside them.
 */
#include "config.h"

#include <immintrin.h>

#define LANES 16
#define PANEL_ROWS 32
#define TILE_TOKENS 4
#define PREFETCH_LOCALITY 2	/* second-level cache */

#include "engine/panel.h"
#include "engine/panel_vnni.h"

INLINE vi
dot_bytes(vi sum, vu w, vi x)
{
	return (vi)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)w, (__m512i)x);
}

/* 16 bytes of two rows. */
static inline __m256i
two_rows(const uint8_t *p, const uint8_t *q)
{
	return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)p)),
		_mm_loadu_si128((const __m128i *)q), 1);
}

/* Rows 4i + r in 128-bit lane i of vector r; then 4 x 4 words are turned within each lane. */
INLINE void
load_rows(const uint8_t *p, size_t stride, vu out[4])
{
	__m512i v[4], a, b, c, d;

	UNROLL
	for (size_t r = 0; r < 4; r++) {
		const uint8_t *q = p + r * stride;

		v[r] = _mm512_inserti64x4(_mm512_castsi256_si512(two_rows(q, q + 4 * stride)),
			two_rows(q + 8 * stride, q + 12 * stride), 1);
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

INLINE void
halves_to_float(vu x, vf out[2])
{
	const __m512i even_then_odd = _mm512_set_epi16(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1,
		30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
	__m512i sorted = _mm512_permutexvar_epi16(even_then_odd, (__m512i)x);

	out[0] = (vf)_mm512_cvtph_ps(_mm512_castsi512_si256(sorted));
	out[1] = (vf)_mm512_cvtph_ps(_mm512_extracti64x4_epi64(sorted, 1));
}

INLINE vf
load_halves(const uint8_t *p, size_t s)
{
	return (vf)_mm512_cvtph_ps(_mm256_set_epi64x((int64_t)four_halves(p + 12 * s, s),
		(int64_t)four_halves(p + 8 * s, s), (int64_t)four_halves(p + 4 * s, s), (int64_t)four_halves(p, s)));
}

INLINE vu
panel_unsigned(vu x, uint32_t mask, int zero)
{
	const __m512i m = _mm512_set1_epi32((int)mask), high = _mm512_set1_epi8(-128);

	if (zero == 0)
		return (vu)_mm512_ternarylogic_epi32((__m512i)x, m, high, 0xea);	/* x & m | high */
	return (vu)((vb)(x & mask) + (uint8_t)(128 - zero));
}

INLINE vu
merge(vu a, vu b, uint32_t mask)
{
	return (vu)_mm512_ternarylogic_epi32((__m512i)a, (__m512i)b, _mm512_set1_epi32((int)mask), 0xd8);
}

/* The values of IQ4, and 128. */
INLINE vu
panel_lookup(vu nibbles)
{
	const __m128i values = _mm_setr_epi8(1, 24, 45, 63, 79, 93, 106, 118, -127, -115, -103, -90, -75, -59, -39, -15);

	return (vu)_mm512_shuffle_epi8(_mm512_broadcast_i32x4(values), (__m512i)nibbles);
}

INLINE vu
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

INLINE vf
fma_lanes(vf a, vf b, vf c)
{
	return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}

INLINE vf
broadcast_float(float x)
{
	return (vf)_mm512_set1_ps(x);
}

#include "engine/panel_sums.h"
#include "engine/panel_sink.h"
#include "engine/panel_unpack.h"
#include "engine/panel_dots.h"
#include "engine/panel_tiles.h"
#include "engine/panel_kinds.h"
#include "engine/panel_multiply.h"
#include "engine/panel_quantise.h"

const struct matmul_ops matmul_avx512 = {
	.isa = "avx512",
	.granule = PANEL_ROWS,
	.quantise = quantise,
	.multiply = multiply,
	.scratch_bytes = scratch_bytes,
};
