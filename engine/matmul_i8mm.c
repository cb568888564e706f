/*
 * ARMv8.6 with products of int8 matrices. SMMLA multiplies 8 columns of two rows with those of two tokens, twice as
 * many products as the dot product takes. So a panel has 8 columns of a row side by side: of each pair of groups
 * the first has rows 0 and 1, the second rows 2 and 3. Few tokens, as in decoding, are multiplied as in
 * matmul_neon.c. Source: Arm Architecture Reference Manual, SMMLA (vector).
 */
#include "config.h"

#define PANEL_PAIRS

#include "engine/panel_neon.h"
#include "engine/panel_sums.h"

INLINE void
pair_groups(uint8_t *even, uint8_t *odd)
{
	const uint32x4_t a = *(const uint32x4_t *)(const vu *)even, b = *(const uint32x4_t *)(const vu *)odd;

	*(vu *)even = (vu)vzip1q_u32(a, b);
	*(vu *)odd = (vu)vzip2q_u32(a, b);
}

#include "engine/panel_sink.h"
#include "engine/panel_unpack.h"

/* The products of two rows and two tokens: rows in the pairs of lanes, tokens within them. */
struct product {
	int32x4_t rows[2];	/* 0 and 1, 2 and 3 */
};

/* 16 columns: the tokens' activations, and the panel's groups from q on. */
INLINE void
add_16_columns(struct product product[VECTORS], const uint8_t *q, int8x16_t x0, int8x16_t x1)
{
	const int64x2_t a = (int64x2_t)x0, b = (int64x2_t)x1;
	const int8x16_t x[2] = { (int8x16_t)vzip1q_s64(a, b), (int8x16_t)vzip2q_s64(a, b) };

	UNROLL
	for (int g = 0; g < 4; g++) {
		UNROLL
		for (int v = 0; v < VECTORS; v++) {
			int32x4_t *sum = &product[v].rows[g % 2];

			*sum = vmmlaq_s32(*sum, vld1q_s8((const int8_t *)q + g * PANEL_GROUP + v * 4 * LANES), x[g / 2]);
		}
	}
}

/* See panel_dots.h. A token without another one is taken twice. */
INLINE void
tile_dots(vi dot[], const uint8_t *q, const struct tokens *x, const int part, const int tokens, const struct coding c)
{
	const int first = part == 2, end = part == 1 ? 1 : 2;

	UNROLL
	for (int t = 0; t < tokens; t += 2) {
		const int other = t + 1 < tokens ? t + 1 : t;
		struct product product[VECTORS];

		UNROLL
		for (int v = 0; v < VECTORS; v++)
			product[v].rows[0] = product[v].rows[1] = vdupq_n_s32(MATMUL_MAGIC);
		UNROLL
		for (int h = first; h < end; h++)
			add_16_columns(product, q + h * 4 * PANEL_GROUP, vld1q_s8(block(x, t)->q + 16 * h),
				vld1q_s8(block(x, other)->q + 16 * h));
		UNROLL
		for (int v = 0; v < VECTORS; v++) {
			dot[other * VECTORS + v] = (vi)vuzp2q_s32(product[v].rows[0], product[v].rows[1]);
			dot[t * VECTORS + v] = (vi)vuzp1q_s32(product[v].rows[0], product[v].rows[1]);
		}
	}
}

#include "engine/panel_tiles.h"
#include "engine/panel_kinds.h"
#include "engine/panel_multiply.h"
#include "engine/panel_quantise.h"

const struct matmul_ops matmul_i8mm = {
	.isa = "i8mm",
	.granule = PANEL_ROWS,
	.quantise = quantise,
	.multiply = multiply,
	.scratch_bytes = scratch_bytes,
};
