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

INLINE vu
panel_unsigned(vu x, uint32_t mask, int zero)
{
	return x & mask;
}

INLINE vu
panel_signed(vu q)
{
	return q;
}

static const float nibble_scale = 1;

INLINE void
panel_nibbles_less_8(vu x, vu out[2])
{
	out[0] = x & 0x0f0f0f0f;
	out[1] = x >> 4 & 0x0f0f0f0f;
}

#define LOW_BIT(bits) 0

INLINE vu
panel_less_half(vu x, const int bits)
{
	return panel_unsigned(x, ((1u << bits) - 1) * 0x01010101u, 1 << (bits - 1));
}

INLINE vu
panel_lookup(vu nibbles)
{
	const __m128i values = _mm_setr_epi8(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

	return (vu)_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(values), (__m256i)nibbles);
}

INLINE vi
magic_byte(vu x, const unsigned i)
{
	return MATMUL_MAGIC + (vi)(x >> 8 * i & 0xff);
}

INLINE vi
magic_signed_byte(vu x, const unsigned i)
{
	return MATMUL_MAGIC + ((vi)(x << (24 - 8 * i)) >> 24);
}

/* Products are added in 16 bits, as many groups as cannot saturate, and then to the sum. */
struct dot {
	vi sum;
	__m256i pairs;
};

/* z = M - 128 * sum; to be M - zero * sum. M is a multiple of 128. */
INLINE void
start_dot(struct dot *d, const struct act_block *a, const int part, const struct coding c)
{
	const vi none = { 0 };

	if (c.zero == 0)
		d->sum = none + MATMUL_MAGIC;
	else
		d->sum = ((none + a->z[part]) >> __builtin_ctz(128 / (unsigned)c.zero)) +
			 (MATMUL_MAGIC - MATMUL_MAGIC / (128 / c.zero));
}

/* Groups that may be added in 16 bits: no more than a block or its half has, and a divisor of that.
 */
INLINE int
groups_in_16_bits(const struct coding c)
{
	const int most = c.width == 4 ? 8 : c.width == 5 ? 4 : c.width == 6 ? 2 : 1;

	return has_halves(c) && most > 4 ? 4 : most;
}

INLINE __m256i
pairs_of(__m256i w, __m256i x, const struct coding c)
{
	if (c.width == SIGNED)
		return _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
	return _mm256_maddubs_epi16(w, x);
}

INLINE void
add_group(struct dot *d, vu w, const struct act_block *a, const int g, const struct coding c)
{
	const int n = groups_in_16_bits(c);
	__m256i pairs;
	int32_t four;

	memcpy(&four, a->q + 4 * g, sizeof four);
	pairs = pairs_of((__m256i)w, _mm256_set1_epi32(four), c);
	d->pairs = g % n == 0 ? pairs : _mm256_add_epi16(d->pairs, pairs);
	if (g % n == n - 1)
		d->sum += (vi)_mm256_madd_epi16(d->pairs, _mm256_set1_epi16(1));
}

INLINE vi
end_dot(const struct dot *d)
{
	return d->sum;
}

#include "engine/panel_sums.h"
#include "engine/panel_sink.h"
#include "engine/panel_unpack.h"
#include "engine/panel_dots.h"
#include "engine/panel_tiles.h"

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
