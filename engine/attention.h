/*
 * Attention of some queries over one head of the KV cache, with the online softmax in blocks of
 * positions. Blocks lie at multiples of ATTENTION_BLOCK from position 0, and each query is treated
 * alone, so that its result does not depend on what else is in the batch.
 *
 * Keys of q8_0 are a matrix: queries are quantised like other activations, and the scores are one
 * more product of engine/matmul.h. Other keys are multiplied as floats, and so are all values.
 */
#ifndef ENGINE_ATTENTION_H
#define ENGINE_ATTENTION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/kv.h"

enum {
	ATTENTION_BLOCK = 64,	/* positions a step of the online softmax */
	ATTENTION_ROWS = 64,	/* queries that share a decoded block; more if a group is larger */
};

/* One thread's working memory. */
struct attention_scratch {
	float *vectors;		/* [ATTENTION_BLOCK][dim] */
	struct act_block *queries; /* [rows][dim / 32] */
	void *product;             /* for matmul */
	float *weights;		/* [rows][ATTENTION_BLOCK] */
	float *max, *sum, *by;	/* [rows] */
};

struct attention {
	const struct kv *kv;
	const struct ops *ops;
	const struct matmul_ops *matmul;
	size_t layer, head;	/* of keys and values */
	size_t group;		/* query heads that share it */
	size_t n;		/* tokens */
	size_t pos;		/* position of the first */
	const float *q;		/* [n][stride], the group's heads; scaled by 1/sqrt(dim) */
	float *out;		/* the same shape */
	size_t stride;
	const atomic_bool *stop;	/* looked at now and then */
};

/* Tokens that fit into the scratch memory at once. */
size_t attention_tokens(size_t group);
size_t attention_rows(size_t group);

/* a->n <= attention_tokens(group). Keys and values up to position pos + n - 1 are in the cache.
 * False when it was stopped: what is in `out` is unfinished then. */
bool attend(const struct attention *a, struct attention_scratch *s);

#endif
