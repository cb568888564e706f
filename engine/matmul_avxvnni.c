/*
 * 256-bit vectors with VNNI (processors of laptops without AVX-512): tiles of up to 4 tokens.
 */
#include "config.h"

#define TILE_TOKENS 4

#include "engine/panel_ymm.h"
#include "engine/panel_vnni.h"

/* The tests build these kernels once more, for processors that have the instruction only as a part of AVX-512. */
#ifdef __AVXVNNI__
#define TABLE matmul_avxvnni
#define DPBUSD _mm256_dpbusd_avx_epi32
#else
#define TABLE matmul_vnni256
#define DPBUSD _mm256_dpbusd_epi32
#endif

INLINE vi
dot_bytes(vi sum, vu w, vi x)
{
	return (vi)DPBUSD((__m256i)sum, (__m256i)w, (__m256i)x);
}

INLINE vu
panel_unsigned(vu x, uint32_t mask, int zero)
{
	return (vu)((vb)(x & mask) + (uint8_t)(128 - zero));
}

/* The values of IQ4, and 128. */
INLINE vu
panel_lookup(vu nibbles)
{
	const __m128i values = _mm_setr_epi8(1, 24, 45, 63, 79, 93, 106, 118, -127, -115, -103, -90, -75, -59, -39, -15);

	return (vu)_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(values), (__m256i)nibbles);
}

#include "engine/panel_sums.h"
#include "engine/panel_sink.h"
#include "engine/panel_unpack.h"
#include "engine/panel_dots.h"
#include "engine/panel_tiles.h"
#include "engine/panel_kinds.h"
#include "engine/panel_multiply.h"
#include "engine/panel_quantise.h"

const struct matmul_ops TABLE = {
	.isa = "avxvnni",
	.granule = PANEL_ROWS,
	.quantise = quantise,
	.multiply = multiply,
	.scratch_bytes = scratch_bytes,
};
