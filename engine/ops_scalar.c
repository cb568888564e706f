/* The plain C kernels: every build has them, and the others are tested against them. */
#include "config.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "engine/ops.h"
#include "engine/quant.h"

static void
rmsnorm(const float *x, const float *w, float eps, size_t n, float *out)
{
	double sum = 0;
	float by;

	for (size_t i = 0; i < n; i++)
		sum += (double)x[i] * x[i];
	by = (float)(1 / sqrt(sum / (double)n + eps));
	for (size_t i = 0; i < n; i++)
		out[i] = x[i] * by * w[i];
}

static void
rope(float *x, const float *cos, const float *sin, size_t n)
{
	for (size_t i = 0; i < n; i += 2) {
		float a = x[i], b = x[i + 1];

		x[i] = a * cos[i] + b * sin[i];
		x[i + 1] = b * cos[i + 1] + a * sin[i + 1];
	}
}

static void
add(float *x, const float *y, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] += y[i];
}

static void
scale(float *x, float by, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] *= by;
}

static void
silu_mul(float *x, const float *y, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] = x[i] / (1 + expf(-x[i])) * y[i];
}

static void
scores(const float *q, const float *k, size_t ld, size_t n, size_t dim, float *s)
{
	for (size_t j = 0; j < n; j++, k += ld) {
		float sum[2] = { 0 };	/* pairs: dim is even */

		for (size_t i = 0; i < dim; i += 2) {
			sum[0] += q[i] * k[i];
			sum[1] += q[i + 1] * k[i + 1];
		}
		s[j] = sum[0] + sum[1];
	}
}

/* e^x; 0 where that is next to nothing, NaN stays. */
static float
weight(float x)
{
	return x < OPS_SOFTMAX_LEAST ? 0 : expf(x);
}

static float
softmax(float *s, size_t n, float *m, float *l)
{
	float max = *m, sum = 0, by;

	for (size_t j = 0; j < n; j++)
		max = s[j] > max ? s[j] : max;
	for (size_t j = 0; j < n; j++) {
		s[j] = weight(s[j] - max);
		sum += s[j];
	}
	by = *l > 0 ? weight(*m - max) : 0;	/* at first *m may equal max: both infinite */
	*m = max;
	*l = *l * by + sum;
	return by;
}

static void
accumulate(float *out, float by, const float *p, const float *v, size_t ld, size_t n, size_t dim)
{
	for (size_t i = 0; i < dim; i++)
		out[i] *= by;
	for (size_t j = 0; j < n; j++, v += ld) {
		for (size_t i = 0; i < dim; i++)
			out[i] += p[j] * v[i];
	}
}

static void
to_f16(const float *x, size_t n, uint16_t *out)
{
	const float most = 65504;	/* the largest finite half */

	for (size_t i = 0; i < n; i++) {
		float f = x[i];

		out[i] = quant_f32_to_f16(f > most ? most : f < -most ? -most : f);
	}
}

static void
from_f16(const uint16_t *x, size_t n, float *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = quant_f16_to_f32(x[i]);
}

static void
block_to_q8(const float *x, size_t n, uint8_t *block)
{
	float max = 0, scaled, by;
	bool finite = true;
	uint16_t d;

	for (size_t i = 0; i < n; i++) {
		float a = fabsf(x[i]);

		finite &= a <= FLT_MAX;
		max = a > max ? a : max;
	}
	max = finite ? max / 127 : 0;
	d = quant_f32_to_f16(max > 65504 ? 65504 : max);
	memcpy(block, &d, sizeof d);
	by = quant_f16_to_f32(d);
	by = by > 0 ? 1 / by : 0;
	for (size_t i = 0; i < n; i++) {
		scaled = max > 0 ? rintf(x[i] * by) : 0;
		block[sizeof d + i] = (uint8_t)(int8_t)(scaled > 127    ? 127
							: scaled < -127 ? -127
									: scaled);
	}
}

static void
to_q8(const float *x, size_t n, uint8_t *blocks)
{
	for (; n > OPS_Q8_BLOCK; n -= OPS_Q8_BLOCK, x += OPS_Q8_BLOCK, blocks += OPS_Q8_BYTES)
		block_to_q8(x, OPS_Q8_BLOCK, blocks);
	block_to_q8(x, n, blocks);
}

static void
from_q8(const uint8_t *blocks, size_t n, float *out)
{
	for (size_t i = 0; i < n; i += OPS_Q8_BLOCK, blocks += OPS_Q8_BYTES) {
		const int8_t *q = (const int8_t *)blocks + 2;
		uint16_t d;
		float by;

		memcpy(&d, blocks, sizeof d);
		by = quant_f16_to_f32(d);
		for (size_t j = 0; j < n - i && j < OPS_Q8_BLOCK; j++)
			out[i + j] = by * q[j];
	}
}

static void
accumulate_q8(
	float *out, float by, const float *p, const uint8_t *v, size_t ld, size_t n, size_t dim)
{
	float x[OPS_Q8_BLOCK];

	for (size_t i = 0; i < dim; i += OPS_Q8_BLOCK, v += OPS_Q8_BYTES) {
		size_t some = dim - i < OPS_Q8_BLOCK ? dim - i : OPS_Q8_BLOCK;

		for (size_t j = 0; j < n; j++) {
			from_q8(v + j * ld, some, x);
			accumulate(out + i, j ? 1 : by, p + j, x, 0, 1, some);
		}
	}
}

static uint64_t
read_words(const void *p, size_t n)
{
	const unsigned char *c = p;
	uint64_t sum[4] = { 0 }, word[8];

	for (size_t i = 0; i < n; i += sizeof word) {
		memcpy(word, c + i, sizeof word);
		for (int k = 0; k < 8; k++)
			sum[k & 3] += word[k];
	}
	return sum[0] + sum[1] + sum[2] + sum[3];
}

static uint64_t
int8_burst(uint64_t rounds)
{
	enum { LANES = 64 };
	static const int8_t seed[LANES] = { 1, 2, 3 };
	volatile int32_t sink;
	int8_t a[LANES];
	int32_t sum = 0;

	for (uint64_t r = 0; r < rounds; r++) {
		for (int i = 0; i < LANES; i++)
			a[i] = (int8_t)(seed[i] + (int8_t)r);
		for (int i = 0; i < LANES; i++)
			sum += a[i] * seed[i];
	}
	sink = sum;
	(void)sink;
	return rounds * LANES;
}

const struct ops ops_scalar = {
	.isa = "scalar",
	.rmsnorm = rmsnorm,
	.rope = rope,
	.add = add,
	.scale = scale,
	.silu_mul = silu_mul,
	.scores = scores,
	.softmax = softmax,
	.accumulate = accumulate,
	.to_f16 = to_f16,
	.from_f16 = from_f16,
	.to_q8 = to_q8,
	.from_q8 = from_q8,
	.accumulate_q8 = accumulate_q8,
	.read = read_words,
	.int8_burst = int8_burst,
};
