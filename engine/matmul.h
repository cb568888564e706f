/*
 * Matrix times activations: where nearly all the time goes. One table of functions an instruction set,
 * chosen once at start; the scalar one is always there and is the oracle of the others.
 *
 * Weights are read from the GGUF blocks as they lie in the file: no repacked copy, no warm-up.
 * Activations for quantised weights are int8 in blocks of 32 with a float scale. The order of all
 * additions is fixed by (row, token, columns) alone and is the same in every table:
 *
 *   quantised:  for each block of 32 in turn, dot = the exact integer dot product, x = round(dot * w.d),
 *               acc = fma(x, a.d, acc), then acc = fma(w.m, a.s, acc) where the type has minimums;
 *               types with a scale for 16 weights have two halves, dot0 and dot1: there
 *               x = fma(dot1, w.d1, round(dot0 * w.d0)), and two minimums follow in turn.
 *   float:      p = fma(w, x, p) over 128 columns in turn, then acc = acc + p.
 *
 * So, for finite scales, a result does not depend on the instruction set, the thread count, on where r0 lies, or
 * on how many tokens are in the batch: prefill in one piece, in several, or token by token gives the same bits.
 *
 * All functions are reentrant; no allocation.
 */
#ifndef ENGINE_MATMUL_H
#define ENGINE_MATMUL_H

#include <stddef.h>
#include <stdint.h>

#include "engine/quant.h"

enum {
	MATMUL_BLOCK = 32,		/* activations a scale */
	MATMUL_PARTIAL = 128,		/* columns of one partial sum, float weights */
	MATMUL_MAGIC = 0x4b400000,	/* the bits of 1.5 * 2^23: see act_block.z */
};

/* A weight matrix: `rows` rows of `cols` elements, row-major blocks of `type`. Any alignment. Only the
 * bytes of the blocks are read: the matrix may end where its memory ends. */
struct matrix {
	const uint8_t *data;	/* NULL: absent */
	enum quant_type type;
	size_t rows, cols;
	size_t row_bytes;
};

/*
 * 32 quantised activations: x ~ d * q. What the kernels need of them lies in one cache line. The sums are
 * those of all q, of the first 16, and of the last 16.
 */
struct act_block {
	int8_t q[MATMUL_BLOCK];		/* -127..127 */
	float d;
	float s[3];			/* d * sum */
	/*
	 * MATMUL_MAGIC - 128 * sum. Kernels that multiply unsigned bytes (weight + 128) start the sum
	 * here: it ends at MATMUL_MAGIC + dot, whose bits read as a float are 1.5 * 2^23 + dot.
	 */
	int32_t z[3];
	int32_t unused;
} __attribute__((aligned(64)));

/* A batch of activations, the caller's: n tokens of k columns. `f` is used for F32, F16, BF16 weights; `b`
 * for all others (then k is a multiple of 32). */
struct act {
	size_t n, k;
	const float *f;			/* [n][k] */
	const struct act_block *b;	/* [n][k / 32] */
};

struct matmul_ops {
	const char *isa;	/* "scalar", "avx2", "avxvnni", "avx512", "neon", "i8mm" */

	/* Rows are worked on by this many: let r0 be a multiple of it, and a call have several times as many
	 * rows, for the next ones are prefetched while the present ones are computed. Any r0, r1 is correct. */
	size_t granule;

	/*
	 * x[k] to k / 32 blocks; k a multiple of 32. d = max|x| / 127, q = x * (127 / max|x|) rounded, ties
	 * to even. A block with a NaN or infinity, or whose maximum is below 2^-100, is zero. Parts of a
	 * token may be quantised apart. Bit-identical over the instruction sets.
	 */
	void (*quantise)(const float *x, size_t k, struct act_block *out);

	/* out[t * ldo + r] = sum over k of W[r][k] * x[t][k], for r0 <= r < r1 and all tokens t of the batch. */
	void (*multiply)(const struct matrix *w, size_t r0, size_t r1, const struct act *a, float *out,
		size_t ldo, void *scratch);

	/* Bytes of scratch (64-byte aligned, one a thread) that multiply needs for matrices up to `cols`. */
	size_t (*scratch_bytes)(size_t cols);
};

/* The named table, or the best one that this processor runs for NULL. NULL when it is not built or the
 * processor cannot. The environment variable HUM_ISA overrides a NULL name (for tests). */
const struct matmul_ops *matmul_select(const char *isa);

/* All that this processor runs, NULL-terminated, the scalar one first, the best one last: for tests and
 * benches. */
const struct matmul_ops *const *matmul_available(void);

#endif
