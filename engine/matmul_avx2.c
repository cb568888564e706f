/*
 * AVX2 without VNNI: tiles of up to 3 tokens. vpmaddubsw multiplies unsigned bytes with signed ones and adds
 * pairs in 16 bits, saturating: so unsigned weights are stored as they are, without an offset, and as many
 * products as cannot saturate are added in 16 bits before they are widened. With activations of at most
 * 127 a pair of weights below 16 gives at most 3 810, of which 8 fit; below 32, 4; below 64, 2. Signed
 * weights give their sign to the activations: a pair is at most 2 * 128 * 127 = 32 512.
 */
#include "config.h"

#define TILE_TOKENS 3

#include "engine/panel_ymm.h"

static inline vu
panel_unsigned(vu x, uint32_t mask, int zero)
{
	return x & mask;
}

static inline vu
panel_signed(vu q)
{
	return q;
}

static const float nibble_scale = 1;

static inline void
panel_nibbles_less_8(vu x, vu out[2])
{
	out[0] = x & 0x0f0f0f0f;
	out[1] = x >> 4 & 0x0f0f0f0f;
}

static inline vu
panel_lookup(vu nibbles)
{
	const __m128i values = _mm_setr_epi8(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

	return (vu)_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(values), (__m256i)nibbles);
}

#include "engine/panel_unpack.h"
#include "engine/panel_tiles.h"

enum { SIGNED = 8 };	/* the width of signed weights; else that of unsigned ones: 4, 5, 6 bits */

/* z = M - 128 * sum; to be M - zero * sum. M is a multiple of 128. */
INLINE vi
start_dot(const struct act_block *a, const int part, const int width, const int zero)
{
	const vi none = { 0 };

	if (zero == 0)
		return none + MATMUL_MAGIC;
	return ((none + a->z[part]) >> __builtin_ctz(128 / (unsigned)zero)) +
		(MATMUL_MAGIC - MATMUL_MAGIC / (128 / zero));
}

INLINE __m256i
pairs(__m256i w, __m256i x, const int width)
{
	if (width == SIGNED)
		return _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
	return _mm256_maddubs_epi16(w, x);
}

/* As many groups as fit into 16 bits: g0 .. g0 + n. */
INLINE void
dot_few(vi dot[], const uint8_t *q, const struct tokens *x, const int tokens, const int g0, const int n,
	const int width)
{
	__m256i sum[2 * TILE_TOKENS];

	UNROLL
	for (int g = g0; g < g0 + n; g++) {
		const __m256i *w = (const __m256i *)(q + g * PANEL_GROUP);
		__m256i w0 = _mm256_load_si256(w), w1 = _mm256_load_si256(w + 1);

		UNROLL
		for (int t = 0; t < tokens; t++) {
			int32_t four;
			__m256i v;

			memcpy(&four, block(x, t)->q + 4 * g, sizeof four);
			v = _mm256_set1_epi32(four);
			if (g == g0) {
				sum[2 * t] = pairs(w0, v, width);
				sum[2 * t + 1] = pairs(w1, v, width);
			} else {
				sum[2 * t] = _mm256_add_epi16(sum[2 * t], pairs(w0, v, width));
				sum[2 * t + 1] = _mm256_add_epi16(sum[2 * t + 1], pairs(w1, v, width));
			}
		}
	}
	UNROLL
	for (int i = 0; i < 2 * tokens; i++)
		dot[i] += (vi)_mm256_madd_epi16(sum[i], _mm256_set1_epi16(1));
}

INLINE void
dot_groups(vi dot[], const uint8_t *q, const struct tokens *x, const int tokens, const int g0, const int g1,
	const int width)
{
	const int most = width == 4 ? 8 : width == 5 ? 4 : width == 6 ? 2 : 1;
	const int n = g1 - g0 < most ? g1 - g0 : most;

	UNROLL
	for (int g = g0; g < g1; g += n)
		dot_few(dot, q, x, tokens, g, n, width);
}

#define TILES(name, kind, width, zero)                                                             \
	TILE(name, 1, kind, width, zero)                                                           \
	TILE(name, 2, kind, width, zero)                                                           \
	TILE(name, 3, kind, width, zero)
#define UP_TO_3(name) { name##_1, name##_2, name##_3 }

TILES(w4_8, KIND_WHOLE, 4, 8)
TILES(w4_min, KIND_WHOLE_MIN, 4, 0)
TILES(w5_16, KIND_WHOLE, 5, 16)
TILES(w5_min, KIND_WHOLE_MIN, 5, 0)
TILES(w8, KIND_WHOLE, SIGNED, 0)
TILES(h2_min, KIND_HALVES_MIN, 4, 0)
TILES(h3_4, KIND_HALVES, 4, 4)
TILES(h6_32, KIND_HALVES, 6, 32)
TILES(floats, KIND_FLOAT, 0, 0)

static tile_fn *
tile_for(enum quant_type type, size_t tokens)
{
	static tile_fn *const tiles[QUANT_TYPE_MAX][TILE_TOKENS] = {
		[QUANT_F32] = UP_TO_3(floats),
		[QUANT_F16] = UP_TO_3(floats),
		[QUANT_BF16] = UP_TO_3(floats),
		[QUANT_Q4_0] = UP_TO_3(w4_8),
		[QUANT_Q4_1] = UP_TO_3(w4_min),
		[QUANT_Q5_0] = UP_TO_3(w5_16),
		[QUANT_Q5_1] = UP_TO_3(w5_min),
		[QUANT_Q8_0] = UP_TO_3(w8),
		[QUANT_Q2_K] = UP_TO_3(h2_min),
		[QUANT_Q3_K] = UP_TO_3(h3_4),
		[QUANT_Q4_K] = UP_TO_3(w4_min),
		[QUANT_Q5_K] = UP_TO_3(w5_min),
		[QUANT_Q6_K] = UP_TO_3(h6_32),
		[QUANT_IQ4_NL] = UP_TO_3(w8),
		[QUANT_IQ4_XS] = UP_TO_3(w8),
	};

	return tiles[type][tokens - 1];
}

#include "engine/panel_multiply.h"
#include "engine/panel_quantise.h"

const struct matmul_ops matmul_avx2 = {
	.isa = "avx2",
	.granule = PANEL_ROWS,
	.quantise = quantise,
	.multiply = multiply,
	.scratch_bytes = scratch_bytes,
};
