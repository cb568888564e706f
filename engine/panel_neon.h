/*
 * What the two ARM instruction sets share: panels of 8 rows, two vectors; tiles of up to 4 tokens, so that the
 * dot products, those of the half before times their scale, and the sums, 8 each, stay in registers. The dot
 * product is of signed bytes, so weights are stored without an offset and all sums start at M; and it takes four
 * of a token's activations out of a vector of 16, so these need not be broadcast. See engine/panel.h.
 */
#include <arm_neon.h>

#define LANES 4
#define PANEL_ROWS 8
#define TILE_TOKENS 4
#define PREFETCH_LOCALITY 2	/* second-level cache */

#include "engine/panel.h"

INLINE void
load_rows(const uint8_t *p, size_t stride, vu out[4])
{
	uint32x4_t r[4], a, b, c, d;

	UNROLL
	for (size_t i = 0; i < 4; i++)
		r[i] = vreinterpretq_u32_u8(vld1q_u8(p + i * stride));
	a = vtrn1q_u32(r[0], r[1]);
	b = vtrn2q_u32(r[0], r[1]);
	c = vtrn1q_u32(r[2], r[3]);
	d = vtrn2q_u32(r[2], r[3]);
	out[0] = (vu)vtrn1q_u64((uint64x2_t)a, (uint64x2_t)c);
	out[1] = (vu)vtrn1q_u64((uint64x2_t)b, (uint64x2_t)d);
	out[2] = (vu)vtrn2q_u64((uint64x2_t)a, (uint64x2_t)c);
	out[3] = (vu)vtrn2q_u64((uint64x2_t)b, (uint64x2_t)d);
}

INLINE void
halves_to_float(vu x, vf out[2])
{
	out[0] = (vf)vcvt_f32_f16(vreinterpret_f16_u16(vmovn_u32((uint32x4_t)x)));
	out[1] = (vf)vcvt_f32_f16(vreinterpret_f16_u16(vshrn_n_u32((uint32x4_t)x, 16)));
}

INLINE vf
load_halves(const uint8_t *p, size_t stride)
{
	return (vf)vcvt_f32_f16(vcreate_f16(four_halves(p, stride)));
}

INLINE vu
panel_unsigned(vu x, uint32_t mask, int zero)
{
	return (vu)((vb)(x & mask) - (uint8_t)zero);
}

INLINE vu
panel_signed(vu q)
{
	return q;
}

INLINE vu
merge(vu a, vu b, uint32_t mask)
{
	return (a & ~mask) | (b & mask);
}

/* 16 * (q - 8): q in the upper half of the byte, and its sign turned. */
static const float nibble_scale = 1.0f / 16;

INLINE void
panel_nibbles_less_8(vu x, vu out[2])
{
	out[0] = (x << 4 & 0xf0f0f0f0) ^ 0x80808080;
	out[1] = (x & 0xf0f0f0f0) ^ 0x80808080;
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
	static const int8_t values[16] = {
		-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
	};

	return (vu)vqtbl1q_s8(vld1q_s8(values), (uint8x16_t)nibbles);
}

INLINE vi
magic_byte(vu x, const unsigned i)
{
	return (vi)vdotq_u32(vdupq_n_u32(MATMUL_MAGIC), (uint8x16_t)x, (uint8x16_t)vdupq_n_u32(1u << 8 * i));
}

INLINE vi
magic_signed_byte(vu x, const unsigned i)
{
	return (vi)vdotq_s32(vdupq_n_s32(MATMUL_MAGIC), (int8x16_t)x, (int8x16_t)vdupq_n_s32(1 << 8 * i));
}

INLINE vu
spread_bits(vu bits)
{
	return ((bits & 15) * 0x00204081 & 0x01010101) << 4;
}

static inline uint32_t
max_lanes(vu x)
{
	return vmaxvq_u32((uint32x4_t)x);
}

static inline int32_t
sum_lanes(vi x)
{
	return vaddvq_s32((int32x4_t)x);
}

static inline void
store_low_bytes(int8_t *p, vi x)
{
	int16x4_t words = vmovn_s32((int32x4_t)x);
	int8x8_t bytes = vmovn_s16(vcombine_s16(words, words));

	vst1_lane_s32((int32_t *)(void *)p, vreinterpret_s32_s8(bytes), 0);
}

INLINE vf
fma_lanes(vf a, vf b, vf c)
{
	return (vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}

INLINE vf
broadcast_float(float x)
{
	return (vf)vdupq_n_f32(x);
}

struct dot {
	vi sum;
};

INLINE void
start_dot(struct dot *d, const struct act_block *a, const int part, const struct coding c)
{
	d->sum = (vi)vdupq_n_s32(MATMUL_MAGIC);
}

/* Group g of the four in x: the lane has to be a constant. */
#define DOT_LANE(g) vdotq_laneq_s32((int32x4_t)d->sum, (int8x16_t)w, x, g)

INLINE void
add_group(struct dot *d, vu w, const struct act_block *a, const int g, const struct coding c)
{
	const int8x16_t x = vld1q_s8(a->q + g / 4 * 16);

	d->sum = (vi)(g % 4 == 0   ? DOT_LANE(0)
		      : g % 4 == 1 ? DOT_LANE(1)
		      : g % 4 == 2 ? DOT_LANE(2)
				   : DOT_LANE(3));
}

INLINE vi
end_dot(const struct dot *d)
{
	return d->sum;
}
