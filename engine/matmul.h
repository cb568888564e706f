/*
 * Matrix times activations: where nearly all the time goes. One table of functions an instruction set,
 * chosen once at start; the scalar one is always there and is the oracle of the others.
 *
 * Weights are read from the GGUF blocks as they lie in the file: no repacked copy, no warm-up.
 * Activations for quantised weights are int8 in blocks of 32 with a float scale. The integer part of a
 * product is exact; the order of the float additions is fixed by (row, token, columns) alone. So a
 * result does not depend on the thread count, on where r0 lies, or on how many tokens are in the batch:
 * prefill in one piece, in several, or token by token gives the same bits within one instruction set.
 *
 * All functions are reentrant; no allocation.
 */
#ifndef ENGINE_MATMUL_H
#define ENGINE_MATMUL_H

#include <stddef.h>
#include <stdint.h>

#include "engine/quant.h"

enum { MATMUL_BLOCK = 32 };	/* activations a scale */

/* A weight matrix: `rows` rows of `cols` elements, row-major blocks of `type`. Any alignment. */
struct matrix {
	const uint8_t *data;	/* NULL: absent */
	enum quant_type type;
	size_t rows, cols;
	size_t row_bytes;
};

/*
 * A batch of activations: n tokens of k columns. `f` is used for F32, F16, BF16 weights; q, d, s for all
 * others (then k is a multiple of 32). 64-byte aligned; the arrays are the caller's.
 */
struct act {
	size_t n, k;
	const float *f;		/* [n][k] */
	const int8_t *q;	/* [n][k]      x ~ d * q, -127..127 */
	const float *d;		/* [n][k / 32] */
	const float *s;		/* [n][k / 32] d * (sum of the block's q) */
};

struct matmul_ops {
	const char *isa;	/* "scalar", "avx2", "avxvnni", "avx512", "neon" */
	size_t granule;		/* best chunk of rows for one call: r0 a multiple of it; any r0, r1 is correct */

	/* One token: x[k] to q, d, s; k a multiple of 32. d = max|x| / 127, ties to even; NaN and infinities
	 * give d = 0. Bit-identical over the instruction sets. */
	void (*quantise)(const float *x, size_t k, int8_t *q, float *d, float *s);

	/* out[t * ldo + r] = sum over k of W[r][k] * x[t][k], for r0 <= r < r1 and all tokens t of the batch. */
	void (*multiply)(const struct matrix *w, size_t r0, size_t r1, const struct act *a, float *out,
		size_t ldo, void *scratch);

	/* Bytes of scratch (64-byte aligned, one a thread) that multiply needs for matrices up to `cols`. */
	size_t (*scratch_bytes)(size_t cols);
};

/* The named table, or the best one that this processor runs for NULL. NULL when it is not built or the
 * processor cannot. The environment variable HUM_ISA overrides a NULL name (for tests). */
const struct matmul_ops *matmul_select(const char *isa);

/* All that this processor runs, NULL-terminated, the scalar one first: for tests and benches. */
const struct matmul_ops *const *matmul_available(void);

#endif
