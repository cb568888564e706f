/*
 * The arithmetic of the forward pass beside the matrix products: one table of functions an
 * instruction set, chosen as engine/matmul.h's is. The scalar one is always there and is the oracle
 * of the others.
 *
 * Every function treats one token, or one query, alone and in a fixed order, so that a result does
 * not depend on the batch it came in. Elementwise functions give an element the same bits wherever
 * it lies, so that rows may be cut at any place. All are reentrant and take any alignment.
 */
#ifndef ENGINE_OPS_H
#define ENGINE_OPS_H

#include <stddef.h>
#include <stdint.h>

#define OPS_SOFTMAX_LEAST (-69.0f)	/* below this difference a weight is 0 */

enum {
	OPS_Q8_BLOCK = 32,               /* elements of a block of q8, */
	OPS_Q8_BYTES = 2 + OPS_Q8_BLOCK, /* behind their scale */
};

/* Of n elements as q8. */
static inline size_t
ops_q8_bytes(size_t n)
{
	return n + (n + OPS_Q8_BLOCK - 1) / OPS_Q8_BLOCK * 2;
}

struct ops {
	const char *isa;		/* "scalar", "avx2", "avxvnni", "avx512" */

	/* out[i] = x[i] * w[i] / sqrt(mean(x^2) + eps). The sum is taken in double. */
	void (*rmsnorm)(const float *x, const float *w, float eps, size_t n, float *out);

	/* Rotates pairs (2i, 2i + 1), n even: x[2i] c - x[2i+1] s, x[2i+1] c + x[2i] s.
	 * cos[n] holds every cosine twice, sin[n] every sine as -s, s. */
	void (*rope)(float *x, const float *cos, const float *sin, size_t n);

	void (*add)(float *x, const float *y, size_t n);	/* x += y */
	void (*scale)(float *x, float by, size_t n);		/* x *= by */
	void (*silu_mul)(float *x, const float *y, size_t n);	/* x = x / (1 + exp(-x)) * y */

	/* s[j] = q . k[j], 0 <= j < n, with the vectors k `ld` floats apart. */
	void (*scores)(const float *q, const float *k, size_t ld, size_t n, size_t dim, float *s);

	/*
	 * One step of the online softmax: with m the greatest score and l the sum of weights so far
	 * (-INFINITY and 0 at first), turns n > 0 scores into weights exp(s - m') and updates both.
	 * Returns the factor exp(m - m') for what was accumulated before. Weights and factors below
	 * e^-69 are 0: no sum of floats would show them, and products with subnormal numbers are
	 * slow.
	 */
	float (*softmax)(float *s, size_t n, float *m, float *l);

	/* out = out * by + sum over j of p[j] * v[j], in the order of j. */
	void (*accumulate)(float *out, float by, const float *p, const float *v, size_t ld,
		size_t n, size_t dim);

	/*
	 * Vectors of the KV cache. Bit-identical over the instruction sets. Half precision: to
	 * nearest even, what is too large becomes the largest finite number. q8: Q8_0's blocks of
	 * 32 (engine/quant.h), the last one cut short if need be, with the scale max|x| / 127
	 * rounded to half, then x / scale to nearest even; a block with a NaN or an infinity
	 * becomes zeros.
	 */
	void (*to_f16)(const float *x, size_t n, uint16_t *out);
	void (*from_f16)(const uint16_t *x, size_t n, float *out);
	void (*to_q8)(const float *x, size_t n, uint8_t *blocks);
	void (*from_q8)(const uint8_t *blocks, size_t n, float *out);

	/* The bits of accumulate() of what from_q8() makes of the vectors v, `ld` bytes apart. */
	void (*accumulate_q8)(float *out, float by, const float *p, const uint8_t *v, size_t ld,
		size_t n, size_t dim);

	/* To measure the machine: reads n bytes (a multiple of 64), returns their sum as words. */
	uint64_t (*read)(const void *p, size_t n);
	/* Does int8 multiply-adds in registers, many for each of the rounds; returns how many. */
	uint64_t (*int8_burst)(uint64_t rounds);
};

/* The table that goes with a matmul table, by its isa: what the processor can run was asked there.
 * The scalar one for an instruction set that has none of its own here. */
const struct ops *ops_select(const char *isa);

extern const struct ops ops_scalar;
extern const struct ops ops_avx2;	/* x86-64 builds only, as the two below */
extern const struct ops ops_avxvnni;	/* as avx2, but for int8_burst */
extern const struct ops ops_avx512;

#endif
