/*
 * Block layouts, as ggml publishes them (ggml-common.h). All numbers are little-endian; d, m, dmin
 * are IEEE half precision. Every row below is one block; offsets are in bytes.
 *
 *   Q4_0    d 0, qs[16] 2                                    d * (q - 8)
 *   Q4_1    d 0, m 2, qs[16] 4                               d * q + m
 *   Q5_0    d 0, qh[4] 2, qs[16] 6                           d * (q - 16)
 *   Q5_1    d 0, m 2, qh[4] 4, qs[16] 8                      d * q + m
 *   Q8_0    d 0, q[32] 2                                     d * q
 *   Q2_K    scales[16] 0, qs[64] 16, d 80, dmin 82           d * scale * q - dmin * min
 *   Q3_K    hmask[32] 0, qs[64] 32, scales[12] 96, d 108     d * scale * (q - 4)
 *   Q4_K    d 0, dmin 2, scales[12] 4, qs[128] 16            d * scale * q - dmin * min
 *   Q5_K    d 0, dmin 2, scales[12] 4, qh[32] 16, qs[128] 48 d * scale * q - dmin * min
 *   Q6_K    ql[128] 0, qh[64] 128, scales[16] 192, d 208     d * scale * (q - 32)
 *   IQ4_NL  d 0, qs[16] 2                                    d * table[q]
 *   IQ4_XS  d 0, scales_h[2] 2, scales_l[4] 4, qs[128] 8     d * scale * table[q]
 *
 * The order of the float operations is part of the reference: a scale is multiplied first.
 */
#include "config.h"

#include <string.h>

#include "engine/quant.h"

enum { BLOCK_K = 256 };

const int8_t quant_iq4_levels[16] = {
	-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
};

static uint16_t
load_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t
load_u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static float
load_f16(const uint8_t *p)
{
	return quant_f16_to_f32(load_u16(p));
}

static float
float_of_bits(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof f);
	return f;
}

float
quant_f16_to_f32(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 0x3ff;

	if (exponent == 31)
		return float_of_bits(sign | 0x7f800000 | mantissa << 13);
	if (exponent)
		return float_of_bits(sign | (exponent + 112) << 23 | mantissa << 13);
	/* Subnormal: a normal float, computed so that a flush-to-zero mode does not matter. */
	return sign ? -((float)mantissa * 0x1p-24f) : (float)mantissa * 0x1p-24f;
}

uint16_t
quant_f32_to_f16(float f)
{
	uint32_t x, sign, shift, half, rest, r;

	memcpy(&x, &f, sizeof x);
	sign = x >> 16 & 0x8000;
	x &= 0x7fffffff;
	if (x > 0x7f800000) {
		r = x >> 13 & 0x3ff;
		return (uint16_t)(sign | 0x7c00 | (r ? r : 0x200));	/* a NaN must stay one */
	}
	if (x >= 0x477ff000)	/* 65520 lies half way to the next step, and rounds to infinity */
		return (uint16_t)(sign | 0x7c00);
	if (x >= 0x38800000) {	/* 2^-14: normal */
		x += 0xfff + (x >> 13 & 1);
		return (uint16_t)(sign | (x - 0x38000000) >> 13);
	}
	shift = 126 - (x >> 23);
	if (shift > 24)		/* less than half of the smallest subnormal */
		return (uint16_t)sign;
	x = (x & 0x7fffff) | 0x800000;
	half = 1U << (shift - 1);
	rest = x & (2 * half - 1);
	r = x >> shift;
	r += rest > half || (rest == half && (r & 1));
	return (uint16_t)(sign | r);
}

static void
decode_f32(const void *blocks, float *out, size_t n)
{
	const uint8_t *p = blocks;

	for (size_t i = 0; i < n; i++)
		out[i] = float_of_bits(load_u32(p + 4 * i));
}

static void
decode_f16(const void *blocks, float *out, size_t n)
{
	const uint8_t *p = blocks;

	for (size_t i = 0; i < n; i++)
		out[i] = load_f16(p + 2 * i);
}

static void
decode_bf16(const void *blocks, float *out, size_t n)
{
	const uint8_t *p = blocks;

	for (size_t i = 0; i < n; i++)
		out[i] = float_of_bits((uint32_t)load_u16(p + 2 * i) << 16);
}

static void
decode_q4_0(const void *blocks, float *out, size_t n)
{
	const uint8_t *p = blocks;

	for (; n; n -= 32, p += 18, out += 32) {
		float d = load_f16(p);

		for (int j = 0; j < 16; j++) {
			out[j] = d * (float)((p[2 + j] & 15) - 8);
			out[j + 16] = d * (float)((p[2 + j] >> 4) - 8);
		}
	}
}

static void
decode_q4_1(const void *blocks, float *out, size_t n)
{
	const uint8_t *p = blocks;

	for (; n; n -= 32, p += 20, out += 32) {
		float d = load_f16(p), m = load_f16(p + 2);

		for (int j = 0; j < 16; j++) {
			out[j] = d * (float)(p[4 + j] & 15) + m;
			out[j + 16] = d * (float)(p[4 + j] >> 4) + m;
		}
	}
}

/* The 32 five-bit numbers of a block: low bits qs[16], bit 4 of number i is bit i of qh. */
static void
unpack_q5(const uint8_t *qs, uint32_t qh, uint8_t q[32])
{
	for (int j = 0; j < 16; j++) {
		q[j] = (uint8_t)((qs[j] & 15) | (qh >> j & 1) << 4);
		q[j + 16] = (uint8_t)(qs[j] >> 4 | (qh >> (j + 16) & 1) << 4);
	}
}

static void
decode_q5_0(const void *blocks, float *out, size_t n)
{
	const uint8_t *p = blocks;
	uint8_t q[32];

	for (; n; n -= 32, p += 22, out += 32) {
		float d = load_f16(p);

		unpack_q5(p + 6, load_u32(p + 2), q);
		for (int j = 0; j < 32; j++)
			out[j] = d * (float)(q[j] - 16);
	}
}

static void
decode_q5_1(const void *blocks, float *out, size_t n)
{
	const uint8_t *p = blocks;
	uint8_t q[32];

	for (; n; n -= 32, p += 24, out += 32) {
		float d = load_f16(p), m = load_f16(p + 2);

		unpack_q5(p + 8, load_u32(p + 4), q);
		for (int j = 0; j < 32; j++)
			out[j] = d * (float)q[j] + m;
	}
}

static void
decode_q8_0(const void *blocks, float *out, size_t n)
{
	const uint8_t *p = blocks;

	for (; n; n -= 32, p += 34, out += 32) {
		float d = load_f16(p);

		for (int j = 0; j < 32; j++)
			out[j] = d * (float)(int8_t)p[2 + j];
	}
}

/* 16 groups of 16. 32 bytes of qs hold four pairs of groups, two bits each. */
static void
decode_q2_k(const void *blocks, float *out, size_t n)
{
	const uint8_t *p = blocks;

	for (; n; n -= BLOCK_K, p += 84, out += BLOCK_K) {
		float d = load_f16(p + 80), dmin = load_f16(p + 82);

		for (int g = 0; g < 16; g++) {
			const uint8_t *qs = p + 16 + 32 * (g / 8) + 16 * (g % 2);
			float scale = d * (float)(p[g] & 15), min = dmin * (float)(p[g] >> 4);
			int shift = 2 * (g % 8 / 2);

			for (int j = 0; j < 16; j++)
				out[16 * g + j] = scale * (float)(qs[j] >> shift & 3) - min;
		}
	}
}

/* 16 groups of 16, as Q2_K; bit g / 2 of hmask[] is the third bit of the pair of groups (2i, 2i
 * + 1). */
static void
decode_q3_k(const void *blocks, float *out, size_t n)
{
	const uint8_t *p = blocks;

	for (; n; n -= BLOCK_K, p += 110, out += BLOCK_K) {
		const uint8_t *s = p + 96;
		float d = load_f16(p + 108);

		for (int g = 0; g < 16; g++) {
			const uint8_t *qs = p + 32 + 32 * (g / 8) + 16 * (g % 2),
				      *high = p + 16 * (g % 2);
			int scale = (s[g % 8] >> (g < 8 ? 0 : 4) & 15) |
				    (s[8 + g % 4] >> (2 * (g / 4)) & 3) << 4;
			float dl = d * (float)(scale - 32);
			int shift = 2 * (g % 8 / 2);

			for (int j = 0; j < 16; j++) {
				int q = (qs[j] >> shift & 3) - (high[j] >> (g / 2) & 1 ? 0 : 4);

				out[16 * g + j] = dl * (float)q;
			}
		}
	}
}

/* The six-bit scale and minimum of group g of Q4_K and Q5_K: the last four borrow the top bits
 * of the first. */
static void
unpack_scale_k4(const uint8_t *s, int g, int *scale, int *min)
{
	if (g < 4) {
		*scale = s[g] & 63;
		*min = s[g + 4] & 63;
	} else {
		*scale = (s[g + 4] & 15) | s[g - 4] >> 6 << 4;
		*min = s[g + 4] >> 4 | s[g] >> 6 << 4;
	}
}

/* 8 groups of 32; groups 2i and 2i + 1 are the low and high nibbles of the same 32 bytes. */
static void
decode_q4_k(const void *blocks, float *out, size_t n)
{
	const uint8_t *p = blocks;
	int sc, mn;

	for (; n; n -= BLOCK_K, p += 144, out += BLOCK_K) {
		float d = load_f16(p), dmin = load_f16(p + 2);

		for (int g = 0; g < 8; g++) {
			const uint8_t *qs = p + 16 + 32 * (g / 2);
			float scale, min;

			unpack_scale_k4(p + 4, g, &sc, &mn);
			scale = d * (float)sc;
			min = dmin * (float)mn;
			for (int j = 0; j < 32; j++)
				out[32 * g + j] = scale * (float)(qs[j] >> 4 * (g % 2) & 15) - min;
		}
	}
}

/* As Q4_K; bit g of qh[j] is bit 4 of number j of group g. */
static void
decode_q5_k(const void *blocks, float *out, size_t n)
{
	const uint8_t *p = blocks;
	int sc, mn;

	for (; n; n -= BLOCK_K, p += 176, out += BLOCK_K) {
		float d = load_f16(p), dmin = load_f16(p + 2);
		const uint8_t *qh = p + 16;

		for (int g = 0; g < 8; g++) {
			const uint8_t *qs = p + 48 + 32 * (g / 2);
			float scale, min;

			unpack_scale_k4(p + 4, g, &sc, &mn);
			scale = d * (float)sc;
			min = dmin * (float)mn;
			for (int j = 0; j < 32; j++) {
				int q = (qs[j] >> 4 * (g % 2) & 15) | (qh[j] >> g & 1) << 4;

				out[32 * g + j] = scale * (float)q - min;
			}
		}
	}
}

/* 16 groups of 16. In each half of 128, quarter k takes nibbles from 64 bytes of ql and two bits
 * of 32 bytes of qh. */
static void
decode_q6_k(const void *blocks, float *out, size_t n)
{
	const uint8_t *p = blocks;

	for (; n; n -= BLOCK_K, p += 210, out += BLOCK_K) {
		float d = load_f16(p + 208);

		for (int i = 0; i < BLOCK_K; i++) {
			int half = i / 128, quarter = i % 128 / 32, j = i % 32;
			int low = p[64 * half + 32 * (quarter % 2) + j] >> 4 * (quarter / 2) & 15;
			int high = p[128 + 32 * half + j] >> 2 * quarter & 3;

			out[i] = d * (float)(int8_t)p[192 + i / 16] *
				 (float)((low | high << 4) - 32);
		}
	}
}

static void
decode_iq4_nl(const void *blocks, float *out, size_t n)
{
	const uint8_t *p = blocks;

	for (; n; n -= 32, p += 18, out += 32) {
		float d = load_f16(p);

		for (int j = 0; j < 16; j++) {
			out[j] = d * (float)quant_iq4_levels[p[2 + j] & 15];
			out[j + 16] = d * (float)quant_iq4_levels[p[2 + j] >> 4];
		}
	}
}

/* 8 groups of 32, each 16 bytes as in IQ4_NL; scales are 4 bits in scales_l and 2 in scales_h. */
static void
decode_iq4_xs(const void *blocks, float *out, size_t n)
{
	const uint8_t *p = blocks;

	for (; n; n -= BLOCK_K, p += 136, out += BLOCK_K) {
		float d = load_f16(p);
		unsigned high = load_u16(p + 2);

		for (int g = 0; g < 8; g++) {
			const uint8_t *qs = p + 8 + 16 * g;
			int scale = (p[4 + g / 2] >> 4 * (g % 2) & 15) | (int)(high >> 2 * g & 3)
										 << 4;
			float dl = d * (float)(scale - 32);

			for (int j = 0; j < 16; j++) {
				out[32 * g + j] = dl * (float)quant_iq4_levels[qs[j] & 15];
				out[32 * g + j + 16] = dl * (float)quant_iq4_levels[qs[j] >> 4];
			}
		}
	}
}

/*
 * All published type ids. A row without a decoder is known by name only, for error messages: types
 * for activations, integers, and formats that are too rare or were withdrawn.
 */
static const struct quant_format formats[] = {
	[QUANT_F32] = { "F32", 1, 4, decode_f32 },
	[QUANT_F16] = { "F16", 1, 2, decode_f16 },
	[QUANT_Q4_0] = { "Q4_0", 32, 18, decode_q4_0 },
	[QUANT_Q4_1] = { "Q4_1", 32, 20, decode_q4_1 },
	[4] = { .name = "Q4_2" },
	[5] = { .name = "Q4_3" },
	[QUANT_Q5_0] = { "Q5_0", 32, 22, decode_q5_0 },
	[QUANT_Q5_1] = { "Q5_1", 32, 24, decode_q5_1 },
	[QUANT_Q8_0] = { "Q8_0", 32, 34, decode_q8_0 },
	[9] = { .name = "Q8_1" },
	[QUANT_Q2_K] = { "Q2_K", 256, 84, decode_q2_k },
	[QUANT_Q3_K] = { "Q3_K", 256, 110, decode_q3_k },
	[QUANT_Q4_K] = { "Q4_K", 256, 144, decode_q4_k },
	[QUANT_Q5_K] = { "Q5_K", 256, 176, decode_q5_k },
	[QUANT_Q6_K] = { "Q6_K", 256, 210, decode_q6_k },
	[15] = { .name = "Q8_K" },
	[16] = { .name = "IQ2_XXS" },
	[17] = { .name = "IQ2_XS" },
	[18] = { .name = "IQ3_XXS" },
	[19] = { .name = "IQ1_S" },
	[QUANT_IQ4_NL] = { "IQ4_NL", 32, 18, decode_iq4_nl },
	[21] = { .name = "IQ3_S" },
	[22] = { .name = "IQ2_S" },
	[QUANT_IQ4_XS] = { "IQ4_XS", 256, 136, decode_iq4_xs },
	[24] = { .name = "I8" },
	[25] = { .name = "I16" },
	[26] = { .name = "I32" },
	[27] = { .name = "I64" },
	[28] = { .name = "F64" },
	[29] = { .name = "IQ1_M" },
	[QUANT_BF16] = { "BF16", 1, 2, decode_bf16 },
	[31] = { .name = "Q4_0_4_4" },
	[32] = { .name = "Q4_0_4_8" },
	[33] = { .name = "Q4_0_8_8" },
	[34] = { .name = "TQ1_0" },
	[35] = { .name = "TQ2_0" },
	[36] = { .name = "IQ4_NL_4_4" },
	[37] = { .name = "IQ4_NL_4_8" },
	[38] = { .name = "IQ4_NL_8_8" },
	[39] = { .name = "MXFP4" },
	[40] = { .name = "NVFP4" },
};

const struct quant_format *
quant_format(uint32_t type)
{
	if (type >= sizeof formats / sizeof formats[0] || !formats[type].decode)
		return NULL;
	return &formats[type];
}

const char *
quant_type_name(uint32_t type)
{
	return type < sizeof formats / sizeof formats[0] ? formats[type].name : NULL;
}
