/* What the two 256-bit instruction sets share: panels of 16 rows, two vectors of 8. See engine/panel.h. */
#include <immintrin.h>

#define LANES 8
#define PANEL_ROWS 16
#define PREFETCH_LOCALITY 2

#include "engine/panel.h"

/* Rows 4i + r in 128-bit lane i of vector r; then 4 x 4 words are turned within each lane. */
INLINE void
load_rows(const uint8_t *p, size_t stride, vu out[4])
{
	__m256i v[4], a, b, c, d;

	UNROLL
	for (size_t r = 0; r < 4; r++) {
		const __m128i *lo = (const __m128i *)(p + r * stride), *hi = (const __m128i *)(p + (r + 4) * stride);

		v[r] = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(lo)), _mm_loadu_si128(hi), 1);
	}
	a = _mm256_unpacklo_epi32(v[0], v[1]);
	b = _mm256_unpacklo_epi32(v[2], v[3]);
	c = _mm256_unpackhi_epi32(v[0], v[1]);
	d = _mm256_unpackhi_epi32(v[2], v[3]);
	out[0] = (vu)_mm256_unpacklo_epi64(a, b);
	out[1] = (vu)_mm256_unpackhi_epi64(a, b);
	out[2] = (vu)_mm256_unpacklo_epi64(c, d);
	out[3] = (vu)_mm256_unpackhi_epi64(c, d);
}

INLINE void
halves_to_float(vu x, vf out[2])
{
	__m256i halves = _mm256_packus_epi32((__m256i)(x & 0xffff), (__m256i)(x >> 16));
	__m256i sorted = _mm256_permute4x64_epi64(halves, 0xd8);

	out[0] = (vf)_mm256_cvtph_ps(_mm256_castsi256_si128(sorted));
	out[1] = (vf)_mm256_cvtph_ps(_mm256_extracti128_si256(sorted, 1));
}

INLINE vu
merge(vu a, vu b, uint32_t mask)
{
	return (a & ~mask) | (b & mask);
}

INLINE vf
load_halves(const uint8_t *p, size_t s)
{
	return (vf)_mm256_cvtph_ps(_mm_set_epi64x((int64_t)four_halves(p + 4 * s, s), (int64_t)four_halves(p, s)));
}

INLINE vu
spread_bits(vu bits)
{
	return ((bits & 15) * 0x00204081 & 0x01010101) << 4;
}

static inline uint32_t
max_lanes(vu x)
{
	__m128i m = _mm_max_epu32(_mm256_castsi256_si128((__m256i)x), _mm256_extracti128_si256((__m256i)x, 1));

	m = _mm_max_epu32(m, _mm_shuffle_epi32(m, 0x4e));
	m = _mm_max_epu32(m, _mm_shuffle_epi32(m, 0xb1));
	return (uint32_t)_mm_cvtsi128_si32(m);
}

static inline int32_t
sum_lanes(vi x)
{
	__m128i s = _mm_add_epi32(_mm256_castsi256_si128((__m256i)x), _mm256_extracti128_si256((__m256i)x, 1));

	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
	return _mm_cvtsi128_si32(s);
}

static inline void
store_low_bytes(int8_t *p, vi x)
{
	__m256i words = _mm256_packs_epi32((__m256i)x, (__m256i)x), bytes = _mm256_packs_epi16(words, words);

	memcpy(p, &(int32_t){ _mm256_extract_epi32(bytes, 0) }, 4);
	memcpy(p + 4, &(int32_t){ _mm256_extract_epi32(bytes, 4) }, 4);
}

INLINE vf
fma_lanes(vf a, vf b, vf c)
{
	return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}

INLINE vf
broadcast_float(float x)
{
	return (vf)_mm256_set1_ps(x);
}
