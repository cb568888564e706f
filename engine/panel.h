/*
 * How the SIMD kernels multiply, whatever the format, the batch and the instruction set:
 *
 *   for each panel of PANEL_ROWS rows, for each chunk of PANEL_BLOCKS * 32 columns:
 *     unpack the rows' GGUF blocks into bytes and float scales, in the first-level cache;
 *     for each tile of a few tokens: add the chunk's products to the sums of panel x tile.
 *
 * A few tokens, as in decoding, are multiplied as the weights come out of the unpacker, which saves
 * the way through the cache: there the unpacker is what takes the time. Up to FEW_TOKENS go together,
 * and twice as many in turn where there is one scale for 32 weights (few_tokens).
 *
 * One unpacker a format serves both ways and all instruction sets. The rows lie in the lanes of the
 * vectors: a scale is multiplied once for a whole vector of rows, no sum crosses lanes, and the
 * additions of a result come in the same order in every batch.
 *
 * A file of an instruction set defines LANES (32-bit lanes of a vector), PANEL_ROWS (a multiple of
 * LANES), TILE_TOKENS (of the largest tile) and PREFETCH_LOCALITY, includes this header, defines
 * the functions declared here, includes panel_sums.h, panel_sink.h, panel_unpack.h, panel_dots.h and
 * panel_tiles.h, makes its tiles and tile_for() (panel_kinds.h), and includes panel_multiply.h and
 * panel_quantise.h. All is static: nothing compiled for one instruction set can be called by code of another.
 */
#ifndef ENGINE_PANEL_H
#define ENGINE_PANEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/matmul_isa.h"
#include "engine/unroll.h"

enum {
	FEW_TOKENS = 4,
	PANEL_BLOCKS = 16,            /* blocks of 32 columns in a chunk: two super-blocks */
	PANEL_GROUP = PANEL_ROWS * 4, /* bytes of 4 columns of a panel */
	VECTORS = PANEL_ROWS / LANES,
};

#define INLINE static inline __attribute__((always_inline))

typedef uint8_t vb __attribute__((vector_size(4 * LANES), may_alias));
typedef uint32_t vu __attribute__((vector_size(4 * LANES), may_alias));
typedef int32_t vi __attribute__((vector_size(4 * LANES), may_alias));
typedef float vf __attribute__((vector_size(4 * LANES), may_alias));

/* 16 bytes of each of LANES rows, turned: lane r of out[j] holds bytes 4j..4j+3 of row r. */
INLINE void load_rows(const uint8_t *p, size_t stride, vu out[4]);

/* The two half-precision numbers of each lane: the low ones to out[0], the high ones to out[1]. */
INLINE void halves_to_float(vu x, vf out[2]);

/* 16 bits of each of four rows, by way of the general registers, which have little else to do. */
static inline uint64_t
four_halves(const uint8_t *p, size_t stride)
{
	uint16_t h[4];

	UNROLL
	for (size_t i = 0; i < 4; i++)
		memcpy(&h[i], p + i * stride, sizeof h[i]);
	return h[0] | (uint64_t)h[1] << 16 | (uint64_t)h[2] << 32 | (uint64_t)h[3] << 48;
}

/* A half-precision number of each row. */
INLINE vf load_halves(const uint8_t *p, size_t stride);

/* The bytes of a panel for unsigned weights, x & mask, less `zero` (0, 4, 8, 16, 32); and for signed weights. */
INLINE vu panel_unsigned(vu x, uint32_t mask, int zero);
INLINE vu panel_signed(vu q);

#ifdef PANEL_PAIRS
/* Two groups of a vector of rows were stored: to the order in which the instruction set's own tile_dots() wants them. */
INLINE void pair_groups(uint8_t *even, uint8_t *odd);
#endif

/* (a & ~mask) | (b & mask) */
INLINE vu merge(vu a, vu b, uint32_t mask);

/* The same for nibbles less 8, the low one of each byte to out[0], the high one to out[1]; and what their scale
 * is to be multiplied with, since nibbles may be put into the upper half of the bytes. */
INLINE void panel_nibbles_less_8(vu x, vu out[2]);
static const float nibble_scale;

/* The same for numbers of so many bits, 2 to 7, less half of what they reach: 2^LOW_BIT(bits) times what they are, from
 * bit LOW_BIT(bits) of the bytes on, which the instruction set defines. The other bits of x are ignored. */
INLINE vu panel_less_half(vu x, const int bits);

/* The same for the values in the table of IQ4 that the bytes (0..15) stand for. */
INLINE vu panel_lookup(vu nibbles);

/* M (see panel_sums.h) + byte i of each lane, from the lowest on; unsigned, and with a sign. */
INLINE vi magic_byte(vu x, const unsigned i);
INLINE vi magic_signed_byte(vu x, const unsigned i);

/* Bits 0..3 of each lane to bit 4 of its four bytes; higher bits are ignored. */
INLINE vu spread_bits(vu bits);

/* The largest lane, and the sum of the lanes. */
static inline uint32_t max_lanes(vu x);
static inline int32_t sum_lanes(vi x);

/* The low bytes of the lanes to memory. */
static inline void store_low_bytes(int8_t *p, vi x);

/* a * b + c rounded once; the same number in all lanes. */
INLINE vf fma_lanes(vf a, vf b, vf c);
INLINE vf broadcast_float(float x);

/* How the scales of a format enter the sums (engine/matmul.h). */
enum panel_kind {
	KIND_WHOLE,		/* a scale for 32 weights */
	KIND_WHOLE_MIN,		/* and a minimum */
	KIND_HALVES,		/* a scale for 16 weights */
	KIND_HALVES_MIN,	/* and a minimum */
	KIND_FLOAT,
	KIND_COUNT,
};

/* What a kernel is made for, always a constant: the kind, the bits of the weights (SIGNED: a sign
 * and 7), and what they are less. Only instruction sets whose bytes are stored as they are look at
 * the latter two. */
struct coding {
	enum panel_kind kind;
	int width, zero;
	bool bare;	/* for a few tokens: bytes that are less nothing stand without the 128 of engine/panel_vnni.h */
};

enum { SIGNED = 8 };

static inline bool
has_halves(struct coding c)
{
	return c.kind == KIND_HALVES || c.kind == KIND_HALVES_MIN;
}

static inline bool
has_minimum(struct coding c)
{
	return c.kind == KIND_WHOLE_MIN || c.kind == KIND_HALVES_MIN;
}

/*
 * A dot product of a vector of rows and a token, of a block (part 0) or half of it (1, 2): `struct
 * dot`, the instruction set's own. It begins, takes the groups of 4 columns in turn, and ends as
 * the bits of the float M + dot (see panel_sums.h).
 */

/* A scale of a vector of rows, and what takes M away from the sums (see panel_sums.h). */
struct scale {
	vf d, less;
};

/*
 * A chunk of a panel. A block is 8 groups of 4 columns, [8][PANEL_ROWS][4] bytes; scales and minimums are
 * [block][VECTORS] vectors of rows, or [block][2][VECTORS] where there is one for 16 weights. Float weights
 * are [column][PANEL_ROWS] floats in q.
 */
struct panel {
	uint8_t q[PANEL_BLOCKS * 8 * PANEL_GROUP] __attribute__((aligned(64)));
	struct scale d[PANEL_BLOCKS * 2 * VECTORS] __attribute__((aligned(64)));
	vf m[PANEL_BLOCKS * 2 * VECTORS] __attribute__((aligned(64)));
};

/* Where an unpacker puts LANES rows. */
struct panel_out {
	uint8_t *q;
	struct scale *d;
	vf *m;
};

/*
 * The chunk after the one being worked on, to come into the cache meanwhile: pieces of `bytes` bytes, one a row,
 * `stride` apart, a few lines at each step of the work. Memory is then busy all the time: bursts of
 * prefetches would only wait for one another.
 */
struct panel_ahead {
	const uint8_t *row, *end;	/* present row, and where the rows end */
	size_t offset;			/* in the row: the next line */
	size_t bytes, stride;
	unsigned lines;			/* of a step */
};

/* LANES rows from p on, `stride` bytes apart, into a panel: n blocks, or n columns of floats (a
 * multiple of 8). */
typedef void unpack_fn(
	const uint8_t *p, size_t stride, size_t n, struct panel_out o, struct panel_ahead *next);

/* The same times a fixed number of tokens, added to sum[tokens][LANES]. The activations (struct
 * act_block, or float) are `act_stride` bytes apart. */
typedef void few_fn(
	const uint8_t *p, size_t stride, size_t n, const void *act, size_t act_stride, float *sum);

struct panel_format {
	enum panel_kind kind;
	unpack_fn *unpack;
	few_fn *few[FEW_TOKENS]; /* for 1, 2, ... tokens */
};

/*
 * Adds the products of a chunk to sum[tokens][PANEL_ROWS]: n blocks, or n columns of floats. The activations
 * of the tokens (struct act_block, or float) are `stride` bytes apart. The number of tokens is the tile's.
 */
typedef void tile_fn(const struct panel *p, size_t n, const void *act, size_t stride, float *sum,
	struct panel_ahead *next);

/* The tile of so many tokens, 1..TILE_TOKENS. */
static tile_fn *tile_for(enum quant_type type, size_t tokens);

#endif
