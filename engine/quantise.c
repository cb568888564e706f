/* Layouts: engine/quant.c. Each encoder reads its scales back as stored before it rounds the
 * weights to them. */
#include "config.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "engine/quantise.h"

enum { BLOCK_K = 256 };

static void
store_u16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static void
store_u32(uint8_t *p, uint32_t v)
{
	store_u16(p, v & 0xffff);
	store_u16(p + 2, v >> 16);
}

/* Stores a scale and returns what a decoder will read. */
static float
store_f16(uint8_t *p, float f)
{
	uint16_t h = quant_f32_to_f16(f);

	store_u16(p, h);
	return quant_f16_to_f32(h);
}

static uint32_t
bits_of_float(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof u);
	return u;
}

/* The integer in [lo, hi] nearest to x / d; that nearest to zero when d is zero. */
static int
nearest(float x, float d, int lo, int hi)
{
	float q = d != 0 ? rintf(x / d) : 0;

	return q < (float)lo ? lo : q > (float)hi ? hi : (int)q;
}

/* The element of largest magnitude, with its sign. */
static float
largest(const float *x, size_t n)
{
	float m = 0;

	for (size_t i = 0; i < n; i++)
		if (fabsf(x[i]) > fabsf(m))
			m = x[i];
	return m;
}

static void
range(const float *x, size_t n, float *lo, float *hi)
{
	*lo = *hi = x[0];
	for (size_t i = 1; i < n; i++) {
		*lo = x[i] < *lo ? x[i] : *lo;
		*hi = x[i] > *hi ? x[i] : *hi;
	}
}

static void
encode_f32(const float *x, uint8_t *p)
{
	store_u32(p, bits_of_float(*x));
}

static void
encode_f16(const float *x, uint8_t *p)
{
	store_f16(p, *x);
}

static void
encode_bf16(const float *x, uint8_t *p)
{
	uint32_t u = bits_of_float(*x);

	store_u16(p, (u + 0x7fff + (u >> 16 & 1)) >> 16);
}

static void
encode_q4_0(const float *x, uint8_t *p)
{
	float d = store_f16(p, largest(x, 32) / -8);

	for (int j = 0; j < 16; j++)
		p[2 + j] = (uint8_t)((nearest(x[j], d, -8, 7) + 8) |
				     (nearest(x[j + 16], d, -8, 7) + 8) << 4);
}

static void
encode_q4_1(const float *x, uint8_t *p)
{
	float lo, hi, d;

	range(x, 32, &lo, &hi);
	d = store_f16(p, (hi - lo) / 15);
	lo = store_f16(p + 2, lo);
	for (int j = 0; j < 16; j++)
		p[4 + j] = (uint8_t)(nearest(x[j] - lo, d, 0, 15) |
				     nearest(x[j + 16] - lo, d, 0, 15) << 4);
}

/* 32 numbers of five bits: the low four in qs[16], the fifth in the returned word. */
static uint32_t
pack_q5(const int q[32], uint8_t *qs)
{
	uint32_t high = 0;

	for (int j = 0; j < 16; j++)
		qs[j] = (uint8_t)((q[j] & 15) | (q[j + 16] & 15) << 4);
	for (int j = 0; j < 32; j++)
		high |= (uint32_t)(q[j] >> 4) << j;
	return high;
}

static void
encode_q5_0(const float *x, uint8_t *p)
{
	float d = store_f16(p, largest(x, 32) / -16);
	int q[32];

	for (int j = 0; j < 32; j++)
		q[j] = nearest(x[j], d, -16, 15) + 16;
	store_u32(p + 2, pack_q5(q, p + 6));
}

static void
encode_q5_1(const float *x, uint8_t *p)
{
	float lo, hi, d;
	int q[32];

	range(x, 32, &lo, &hi);
	d = store_f16(p, (hi - lo) / 31);
	lo = store_f16(p + 2, lo);
	for (int j = 0; j < 32; j++)
		q[j] = nearest(x[j] - lo, d, 0, 31);
	store_u32(p + 4, pack_q5(q, p + 8));
}

static void
encode_q8_0(const float *x, uint8_t *p)
{
	float d = store_f16(p, fabsf(largest(x, 32)) / 127);

	for (int j = 0; j < 32; j++)
		p[2 + j] = (uint8_t)(int8_t)nearest(x[j], d, -127, 127);
}

/* A group's scale and minimum for types of the form d * scale * q - dmin * min. */
struct affine {
	float scale, min;	/* wanted; min >= 0 */
	int sc, mn;		/* as stored */
};

/*
 * Splits BLOCK_K floats into groups of `size`, finds the step and minimum of each for numbers up to
 * `top`, stores the block's two scales at p_d and p_dmin, and rounds the groups' to integers up to
 * `max`.
 */
static void
fit_affine(const float *x, int size, int top, int max, struct affine *g, uint8_t *p_d,
	uint8_t *p_dmin, float *d, float *dmin)
{
	float most_scale = 0, most_min = 0, lo, hi;
	int n = BLOCK_K / size;

	for (int i = 0; i < n; i++) {
		range(x + size * i, (size_t)size, &lo, &hi);
		lo = lo > 0 ? 0 : lo;
		g[i].scale = ((hi > 0 ? hi : 0) - lo) / (float)top;
		g[i].min = -lo;
		most_scale = fmaxf(most_scale, g[i].scale);
		most_min = fmaxf(most_min, g[i].min);
	}
	*d = store_f16(p_d, most_scale / (float)max);
	*dmin = store_f16(p_dmin, most_min / (float)max);
	for (int i = 0; i < n; i++) {
		g[i].sc = nearest(g[i].scale, *d, 0, max);
		g[i].mn = nearest(g[i].min, *dmin, 0, max);
	}
}

static void
encode_q2_k(const float *x, uint8_t *p)
{
	struct affine g[16];
	float d, dmin;

	fit_affine(x, 16, 3, 15, g, p + 80, p + 82, &d, &dmin);
	memset(p + 16, 0, 64);
	for (int i = 0; i < BLOCK_K; i++) {
		const struct affine *a = &g[i / 16];
		int q = nearest(x[i] + dmin * (float)a->mn, d * (float)a->sc, 0, 3);

		p[i / 16] = (uint8_t)(a->sc | a->mn << 4);
		p[16 + 32 * (i / 128) + i % 32] |= (uint8_t)(q << 2 * (i % 128 / 32));
	}
}

/* The scales and minima of Q4_K and Q5_K, six bits each, in 12 bytes. */
static void
pack_scales_k4(const struct affine g[8], uint8_t *s)
{
	for (int i = 0; i < 4; i++) {
		s[i] = (uint8_t)(g[i].sc | g[i + 4].sc >> 4 << 6);
		s[i + 4] = (uint8_t)(g[i].mn | g[i + 4].mn >> 4 << 6);
		s[i + 8] = (uint8_t)((g[i + 4].sc & 15) | (g[i + 4].mn & 15) << 4);
	}
}

static void
encode_q4_k(const float *x, uint8_t *p)
{
	struct affine g[8];
	float d, dmin;

	fit_affine(x, 32, 15, 63, g, p, p + 2, &d, &dmin);
	pack_scales_k4(g, p + 4);
	memset(p + 16, 0, 128);
	for (int i = 0; i < BLOCK_K; i++) {
		const struct affine *a = &g[i / 32];
		int q = nearest(x[i] + dmin * (float)a->mn, d * (float)a->sc, 0, 15);

		p[16 + 32 * (i / 64) + i % 32] |= (uint8_t)(q << 4 * (i / 32 % 2));
	}
}

static void
encode_q5_k(const float *x, uint8_t *p)
{
	struct affine g[8];
	float d, dmin;

	fit_affine(x, 32, 31, 63, g, p, p + 2, &d, &dmin);
	pack_scales_k4(g, p + 4);
	memset(p + 16, 0, 160);
	for (int i = 0; i < BLOCK_K; i++) {
		const struct affine *a = &g[i / 32];
		int q = nearest(x[i] + dmin * (float)a->mn, d * (float)a->sc, 0, 31);

		p[48 + 32 * (i / 64) + i % 32] |= (uint8_t)((q & 15) << 4 * (i / 32 % 2));
		p[16 + i % 32] |= (uint8_t)((q >> 4) << i / 32);
	}
}

/*
 * For types of the form d * scale * level: the scale of each group of `size` maps its largest
 * element to `level` (the outermost one); the block's d maps the largest group scale to `max`,
 * which is negative where that reaches one step further.
 */
static float
fit_symmetric(const float *x, int size, int level, int lo, int hi, int *scale, uint8_t *p_d)
{
	float wanted[16] = { 0 }, most, d;
	int n = BLOCK_K / size;

	for (int i = 0; i < n; i++)
		wanted[i] = largest(x + size * i, (size_t)size) / (float)level;
	most = largest(wanted, (size_t)n);
	d = store_f16(p_d, most / (float)lo);
	for (int i = 0; i < n; i++)
		scale[i] = nearest(wanted[i], d, lo, hi);
	return d;
}

static void
encode_q3_k(const float *x, uint8_t *p)
{
	uint8_t *s = p + 96;
	int scale[16];
	float d;

	memset(p, 0, 108);
	d = fit_symmetric(x, 16, -4, -32, 31, scale, p + 108);
	for (int g = 0; g < 16; g++) {
		int u = scale[g] + 32;

		s[g % 8] |= (uint8_t)((u & 15) << (g < 8 ? 0 : 4));
		s[8 + g % 4] |= (uint8_t)((u >> 4) << 2 * (g / 4));
	}
	for (int i = 0; i < BLOCK_K; i++) {
		int q = nearest(x[i], d * (float)scale[i / 16], -4, 3) + 4;

		p[32 + 32 * (i / 128) + i % 32] |= (uint8_t)((q & 3) << 2 * (i % 128 / 32));
		p[i % 32] |= (uint8_t)((q >> 2) << i / 32);
	}
}

static void
encode_q6_k(const float *x, uint8_t *p)
{
	int scale[16];
	float d;

	memset(p, 0, 192);
	d = fit_symmetric(x, 16, -32, -128, 127, scale, p + 208);
	for (int g = 0; g < 16; g++)
		p[192 + g] = (uint8_t)(int8_t)scale[g];
	for (int i = 0; i < BLOCK_K; i++) {
		int q = nearest(x[i], d * (float)scale[i / 16], -32, 31) + 32;
		int half = i / 128, quarter = i % 128 / 32, j = i % 32;

		p[64 * half + 32 * (quarter % 2) + j] |= (uint8_t)((q & 15) << 4 * (quarter / 2));
		p[128 + 32 * half + j] |= (uint8_t)((q >> 4) << 2 * quarter);
	}
}

static int
nearest_level(float x, float d)
{
	float v = d != 0 ? x / d : 0;
	int best = 0;

	for (int i = 1; i < 16; i++)
		if (fabsf(v - quant_iq4_levels[i]) < fabsf(v - quant_iq4_levels[best]))
			best = i;
	return best;
}

static void
pack_iq4(const float *x, float d, uint8_t *qs)
{
	for (int j = 0; j < 16; j++)
		qs[j] = (uint8_t)(nearest_level(x[j], d) | nearest_level(x[j + 16], d) << 4);
}

static void
encode_iq4_nl(const float *x, uint8_t *p)
{
	float d = store_f16(p, largest(x, 32) / quant_iq4_levels[0]);

	pack_iq4(x, d, p + 2);
}

static void
encode_iq4_xs(const float *x, uint8_t *p)
{
	unsigned high = 0;
	int scale[8];
	float d;

	memset(p, 0, 8);
	d = fit_symmetric(x, 32, quant_iq4_levels[0], -32, 31, scale, p);
	for (int g = 0; g < 8; g++) {
		int u = scale[g] + 32;

		p[4 + g / 2] |= (uint8_t)((u & 15) << 4 * (g % 2));
		high |= (unsigned)(u >> 4) << 2 * g;
		pack_iq4(x + 32 * g, d * (float)scale[g], p + 8 + 16 * g);
	}
	store_u16(p + 2, high);
}

static void (*const encoders[QUANT_TYPE_MAX])(const float *x, uint8_t *p) = {
	[QUANT_F32] = encode_f32,
	[QUANT_F16] = encode_f16,
	[QUANT_Q4_0] = encode_q4_0,
	[QUANT_Q4_1] = encode_q4_1,
	[QUANT_Q5_0] = encode_q5_0,
	[QUANT_Q5_1] = encode_q5_1,
	[QUANT_Q8_0] = encode_q8_0,
	[QUANT_Q2_K] = encode_q2_k,
	[QUANT_Q3_K] = encode_q3_k,
	[QUANT_Q4_K] = encode_q4_k,
	[QUANT_Q5_K] = encode_q5_k,
	[QUANT_Q6_K] = encode_q6_k,
	[QUANT_IQ4_NL] = encode_iq4_nl,
	[QUANT_IQ4_XS] = encode_iq4_xs,
	[QUANT_BF16] = encode_bf16,
};

void
quantise(enum quant_type type, const float *x, void *blocks, size_t n)
{
	const struct quant_format *f = quant_format(type);
	uint8_t *p = blocks;

	assert(f && n % f->block == 0);
	for (; n; n -= f->block, x += f->block, p += f->bytes)
		encoders[type](x, p);
}
