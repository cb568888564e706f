/*
 * The oracle of the kernels: the arithmetic of engine/matmul.h in plain C, one row and one block at a time.
 * Each format has one function that lays out a block of 32 weights; layouts as in engine/quant.c.
 */
#include "config.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "engine/matmul_isa.h"

/* 32 weights: w[i] * d[i / 16] + m[i / 16]. Types with one scale for 32 set only the first of d and m. */
struct weights {
	int8_t w[MATMUL_BLOCK];
	float d[2];
	float m[2];
};

static float
f16(const uint8_t *p)
{
	return quant_f16_to_f32((uint16_t)(p[0] | p[1] << 8));
}

static uint32_t
u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void
nibbles(const uint8_t *qs, int zero, int8_t w[MATMUL_BLOCK])
{
	for (int i = 0; i < 16; i++) {
		w[i] = (int8_t)((qs[i] & 15) - zero);
		w[i + 16] = (int8_t)((qs[i] >> 4) - zero);
	}
}

/* Adds bit i of qh to weight i as its bit 4. */
static void
fifth_bits(uint32_t qh, int8_t w[MATMUL_BLOCK])
{
	for (int i = 0; i < MATMUL_BLOCK; i++)
		w[i] = (int8_t)(w[i] + (qh >> i & 1) * 16);
}

static void
block_q4_0(const uint8_t *row, size_t b, struct weights *o)
{
	const uint8_t *p = row + b * 18;

	o->d[0] = f16(p);
	nibbles(p + 2, 8, o->w);
}

static void
block_q4_1(const uint8_t *row, size_t b, struct weights *o)
{
	const uint8_t *p = row + b * 20;

	o->d[0] = f16(p);
	o->m[0] = f16(p + 2);
	nibbles(p + 4, 0, o->w);
}

static void
block_q5_0(const uint8_t *row, size_t b, struct weights *o)
{
	const uint8_t *p = row + b * 22;

	o->d[0] = f16(p);
	nibbles(p + 6, 16, o->w);
	fifth_bits(u32(p + 2), o->w);
}

static void
block_q5_1(const uint8_t *row, size_t b, struct weights *o)
{
	const uint8_t *p = row + b * 24;

	o->d[0] = f16(p);
	o->m[0] = f16(p + 2);
	nibbles(p + 8, 0, o->w);
	fifth_bits(u32(p + 4), o->w);
}

static void
block_q8_0(const uint8_t *row, size_t b, struct weights *o)
{
	const uint8_t *p = row + b * 34;

	o->d[0] = f16(p);
	memcpy(o->w, p + 2, sizeof o->w);
}

/* Super-blocks of 256: block b is group b % 8 of super-block b / 8. */

static void
block_q2_k(const uint8_t *row, size_t b, struct weights *o)
{
	const uint8_t *p = row + b / 8 * 84, *qs = p + 16 + b % 8 / 4 * 32;
	float d = f16(p + 80), dmin = f16(p + 82);
	unsigned g = b % 8, shift = 2 * (g % 4);

	for (int h = 0; h < 2; h++) {
		uint8_t sc = p[2 * g + (unsigned)h];

		o->d[h] = d * (float)(sc & 15);
		o->m[h] = -(dmin * (float)(sc >> 4));
	}
	for (int i = 0; i < MATMUL_BLOCK; i++)
		o->w[i] = (int8_t)(qs[i] >> shift & 3);
}

/* The 6-bit scale of group j of 16: low 4 bits in nibbles of bytes 0-7, high 2 bits in bytes 8-11. */
static int
q3_k_scale(const uint8_t *s, unsigned j)
{
	int lo = j < 8 ? s[j] & 15 : s[j - 8] >> 4;
	int hi = s[8 + j % 4] >> 2 * (j / 4) & 3;

	return (lo | hi << 4) - 32;
}

static void
block_q3_k(const uint8_t *row, size_t b, struct weights *o)
{
	const uint8_t *p = row + b / 8 * 110, *hmask = p, *qs = p + 32 + b % 8 / 4 * 32;
	float d = f16(p + 108);
	unsigned g = b % 8, shift = 2 * (g % 4);

	for (unsigned h = 0; h < 2; h++)
		o->d[h] = d * (float)q3_k_scale(p + 96, 2 * g + h);
	for (int i = 0; i < MATMUL_BLOCK; i++)
		o->w[i] = (int8_t)((qs[i] >> shift & 3) - (hmask[i] >> g & 1 ? 0 : 4));
}

/* The 6-bit scale and minimum of group j of 32 in Q4_K and Q5_K. */
static void
k4_scale(const uint8_t *s, unsigned j, int *sc, int *m)
{
	if (j < 4) {
		*sc = s[j] & 63;
		*m = s[j + 4] & 63;
	} else {
		*sc = (s[j + 4] & 15) | s[j - 4] >> 6 << 4;
		*m = s[j + 4] >> 4 | s[j] >> 6 << 4;
	}
}

/* What Q4_K and Q5_K share: scales, and the low four bits from qs. */
static void
block_k4(const uint8_t *p, const uint8_t *qs, unsigned g, struct weights *o)
{
	int sc, m;

	k4_scale(p + 4, g, &sc, &m);
	o->d[0] = f16(p) * (float)sc;
	o->m[0] = -(f16(p + 2) * (float)m);
	for (int i = 0; i < MATMUL_BLOCK; i++)
		o->w[i] = (int8_t)(qs[g / 2 * 32 + (unsigned)i] >> 4 * (g % 2) & 15);
}

static void
block_q4_k(const uint8_t *row, size_t b, struct weights *o)
{
	const uint8_t *p = row + b / 8 * 144;

	block_k4(p, p + 16, b % 8, o);
}

static void
block_q5_k(const uint8_t *row, size_t b, struct weights *o)
{
	const uint8_t *p = row + b / 8 * 176, *qh = p + 16;
	unsigned g = b % 8;

	block_k4(p, p + 48, g, o);
	for (int i = 0; i < MATMUL_BLOCK; i++)
		o->w[i] = (int8_t)(o->w[i] + (qh[i] >> g & 1) * 16);
}

static void
block_q6_k(const uint8_t *row, size_t b, struct weights *o)
{
	const uint8_t *p = row + b / 8 * 210;
	unsigned g = b % 8, quarter = g % 4;
	const uint8_t *ql = p + g / 4 * 64 + quarter % 2 * 32, *qh = p + 128 + g / 4 * 32;
	float d = f16(p + 208);

	for (unsigned h = 0; h < 2; h++)
		o->d[h] = d * (float)(int8_t)p[192 + 2 * g + h];
	for (int i = 0; i < MATMUL_BLOCK; i++) {
		int lo = ql[i] >> 4 * (quarter / 2) & 15;

		o->w[i] = (int8_t)((lo | (qh[i] >> 2 * quarter & 3) << 4) - 32);
	}
}

static const int8_t iq4_values[16] = {
	-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
};

static void
iq4_nibbles(const uint8_t *qs, int8_t w[MATMUL_BLOCK])
{
	for (int i = 0; i < 16; i++) {
		w[i] = iq4_values[qs[i] & 15];
		w[i + 16] = iq4_values[qs[i] >> 4];
	}
}

static void
block_iq4_nl(const uint8_t *row, size_t b, struct weights *o)
{
	const uint8_t *p = row + b * 18;

	o->d[0] = f16(p);
	iq4_nibbles(p + 2, o->w);
}

static void
block_iq4_xs(const uint8_t *row, size_t b, struct weights *o)
{
	const uint8_t *p = row + b / 8 * 136;
	unsigned g = b % 8, hi = (p[2] | (unsigned)p[3] << 8) >> 2 * g & 3;
	unsigned lo = p[4 + g / 2] >> 4 * (g % 2) & 15;

	o->d[0] = f16(p) * (float)((int)(lo | hi << 4) - 32);
	iq4_nibbles(p + 8 + g * 16, o->w);
}

static const struct {
	void (*block)(const uint8_t *row, size_t b, struct weights *o);
	bool halves;	/* a scale for 16 weights */
	bool minimum;
} formats[QUANT_TYPE_MAX] = {
	[QUANT_Q4_0] = { block_q4_0, false, false },
	[QUANT_Q4_1] = { block_q4_1, false, true },
	[QUANT_Q5_0] = { block_q5_0, false, false },
	[QUANT_Q5_1] = { block_q5_1, false, true },
	[QUANT_Q8_0] = { block_q8_0, false, false },
	[QUANT_Q2_K] = { block_q2_k, true, true },
	[QUANT_Q3_K] = { block_q3_k, true, false },
	[QUANT_Q4_K] = { block_q4_k, false, true },
	[QUANT_Q5_K] = { block_q5_k, false, true },
	[QUANT_Q6_K] = { block_q6_k, true, false },
	[QUANT_IQ4_NL] = { block_iq4_nl, false, false },
	[QUANT_IQ4_XS] = { block_iq4_xs, false, false },
};

static int
dot16(const int8_t *a, const int8_t *b)
{
	int sum = 0;

	for (int i = 0; i < 16; i++)
		sum += a[i] * b[i];
	return sum;
}

static float
add_block(float acc, const struct weights *w, const struct act_block *a, bool halves, bool minimum)
{
	int lo = dot16(w->w, a->q), hi = dot16(w->w + 16, a->q + 16);

	if (halves) {
		acc = fmaf(fmaf((float)hi, w->d[1], (float)lo * w->d[0]), a->d, acc);
		return minimum ? fmaf(w->m[1], a->s[2], fmaf(w->m[0], a->s[1], acc)) : acc;
	}
	acc = fmaf((float)(lo + hi) * w->d[0], a->d, acc);
	return minimum ? fmaf(w->m[0], a->s[0], acc) : acc;
}

static void
multiply_blocks(const struct matrix *m, size_t r, const struct act *a, float *out, size_t ldo)
{
	size_t nb = a->k / MATMUL_BLOCK;
	const uint8_t *row = m->data + r * m->row_bytes;
	bool halves = formats[m->type].halves, minimum = formats[m->type].minimum;

	for (size_t t = 0; t < a->n; t++)
		out[t * ldo + r] = 0;
	for (size_t b = 0; b < nb; b++) {
		struct weights w;

		formats[m->type].block(row, b, &w);
		for (size_t t = 0; t < a->n; t++) {
			float *acc = &out[t * ldo + r];

			*acc = add_block(*acc, &w, &a->b[t * nb + b], halves, minimum);
		}
	}
}

static float
float_weight(enum quant_type type, const uint8_t *row, size_t k)
{
	uint32_t bits;
	float f;

	if (type == QUANT_F16)
		return f16(row + 2 * k);
	bits = type == QUANT_F32 ? u32(row + 4 * k) : (uint32_t)row[2 * k] << 16 | (uint32_t)row[2 * k + 1] << 24;
	memcpy(&f, &bits, sizeof f);
	return f;
}

static void
multiply_floats(const struct matrix *m, size_t r, const struct act *a, float *out, size_t ldo)
{
	const uint8_t *row = m->data + r * m->row_bytes;

	for (size_t t = 0; t < a->n; t++)
		out[t * ldo + r] = 0;
	for (size_t k0 = 0; k0 < a->k; k0 += MATMUL_PARTIAL) {
		size_t n = a->k - k0 < MATMUL_PARTIAL ? a->k - k0 : MATMUL_PARTIAL;
		float w[MATMUL_PARTIAL];

		for (size_t i = 0; i < n; i++)
			w[i] = float_weight(m->type, row, k0 + i);
		for (size_t t = 0; t < a->n; t++) {
			const float *x = a->f + t * a->k + k0;
			float p = 0;

			for (size_t i = 0; i < n; i++)
				p = fmaf(w[i], x[i], p);
			out[t * ldo + r] += p;
		}
	}
}

static void
multiply(const struct matrix *w, size_t r0, size_t r1, const struct act *a, float *out, size_t ldo,
	void *scratch)
{
	for (size_t r = r0; r < r1; r++) {
		if (formats[w->type].block)
			multiply_blocks(w, r, a, out, ldo);
		else
			multiply_floats(w, r, a, out, ldo);
	}
}

static void
quantise_block(const float *x, struct act_block *o)
{
	float max = 0, inverse;
	int sum[2] = { 0, 0 };

	memset(o, 0, sizeof *o);
	for (int i = 0; i < MATMUL_BLOCK; i++) {
		/* Not fmaxf: a NaN has to win. */
		if (!(fabsf(x[i]) <= max))
			max = fabsf(x[i]);
		if (isnan(max))
			break;
	}
	if (max >= 0x1p-100f && isfinite(max)) {
		inverse = 127.0f / max;
		o->d = max / 127.0f;
		for (int i = 0; i < MATMUL_BLOCK; i++) {
			o->q[i] = (int8_t)lrintf(x[i] * inverse);
			sum[i / 16] += o->q[i];
		}
	}
	o->s[0] = o->d * (float)(sum[0] + sum[1]);
	o->z[0] = MATMUL_MAGIC - 128 * (sum[0] + sum[1]);
	for (int h = 0; h < 2; h++) {
		o->s[h + 1] = o->d * (float)sum[h];
		o->z[h + 1] = MATMUL_MAGIC - 128 * sum[h];
	}
}

static void
quantise(const float *x, size_t k, struct act_block *out)
{
	for (size_t i = 0; i < k / MATMUL_BLOCK; i++)
		quantise_block(x + i * MATMUL_BLOCK, &out[i]);
}

static size_t
scratch_bytes(size_t cols)
{
	return 0;
}

const struct matmul_ops matmul_scalar = {
	.isa = "scalar",
	.granule = 8,
	.quantise = quantise,
	.multiply = multiply,
	.scratch_bytes = scratch_bytes,
};
