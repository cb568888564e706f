/*
 * 256-bit vectors with VNNI (processors of laptops without AVX-512): tiles of up to 4 tokens. Weights are
 * unsigned bytes (w + 128), multiplied as in matmul_avx512.c.
 */
#include "config.h"

#define TILE_TOKENS 4

#include "engine/panel_ymm.h"

INLINE vu
panel_unsigned(vu x, uint32_t mask, int zero)
{
	return (vu)((vb)(x & mask) + (uint8_t)(128 - zero));
}

INLINE vu
panel_signed(vu q)
{
	return q ^ 0x80808080;
}

/* 16 * (q - 8) + 128 is q in the upper half of the byte. */
static const float nibble_scale = 1.0f / 16;

INLINE void
panel_nibbles_less_8(vu x, vu out[2])
{
	out[0] = x << 4 & 0xf0f0f0f0;
	out[1] = x & 0xf0f0f0f0;
}

/* The values of IQ4, and 128. */
INLINE vu
panel_lookup(vu nibbles)
{
	const __m128i values = _mm_setr_epi8(1, 24, 45, 63, 79, 93, 106, 118, -127, -115, -103, -90, -75, -59, -39, -15);

	return (vu)_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(values), (__m256i)nibbles);
}

INLINE vi
magic_byte(vu x, const unsigned i)
{
	const __m256i magic = _mm256_set1_epi32(MATMUL_MAGIC);

	return (vi)_mm256_dpbusd_avx_epi32(magic, (__m256i)x, _mm256_set1_epi32(1 << 8 * i));
}

INLINE vi
magic_signed_byte(vu x, const unsigned i)
{
	const __m256i magic = _mm256_set1_epi32(MATMUL_MAGIC);

	return (vi)_mm256_dpbusd_avx_epi32(magic, _mm256_set1_epi32(1 << 8 * i), (__m256i)x);
}

struct dot {
	__m256i sum;
};

INLINE void
start_dot(struct dot *d, const struct act_block *a, const int part, const struct coding c)
{
	d->sum = _mm256_set1_epi32(a->z[part]);
}

INLINE void
add_group(struct dot *d, vu w, const struct act_block *a, const int g, const struct coding c)
{
	int32_t four;

	memcpy(&four, a->q + 4 * g, sizeof four);
	d->sum = _mm256_dpbusd_avx_epi32(d->sum, (__m256i)w, _mm256_set1_epi32(four));
}

INLINE vi
end_dot(const struct dot *d)
{
	return (vi)d->sum;
}

#include "engine/panel_sums.h"
#include "engine/panel_sink.h"
#include "engine/panel_unpack.h"
#include "engine/panel_dots.h"
#include "engine/panel_tiles.h"
#include "engine/panel_kinds.h"
#include "engine/panel_multiply.h"
#include "engine/panel_quantise.h"

const struct matmul_ops matmul_avxvnni = {
	.isa = "avxvnni",
	.granule = PANEL_ROWS,
	.quantise = quantise,
	.multiply = multiply,
	.scratch_bytes = scratch_bytes,
};
