/*
 * The KV cache: keys (rotated) and values of the tokens processed so far. For each layer and kv
 * head the vectors of all positions lie one after the other, keys and values apart; for q8_0 in
 * the blocks of Q8_0, so that keys are a matrix; the last block of a vector is cut short if need
 * be.
 *
 * Memory is only taken from the system as positions are written. Different heads and positions may
 * be written by different threads; reading what another thread wrote takes a barrier in between.
 */
#ifndef ENGINE_KV_H
#define ENGINE_KV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/llm.h"
#include "engine/matmul.h"
#include "engine/model.h"
#include "engine/ops.h"

enum kv_half { KV_KEYS, KV_VALUES };

struct kv {
	const struct ops *ops;
	enum kv_type type;
	size_t n_layer, n_head, dim;	/* n_head: of keys and values */
	size_t context;			/* positions there is room for */
	size_t n;			/* positions that hold tokens */

	uint8_t *data;			/* owned: [n_layer][n_head][2][head_bytes] */
	size_t bytes, head_bytes, vector_bytes;
};

uint64_t kv_bytes_per_token(const struct model *m, enum kv_type t);

/* ERR_MODEL, with the size in MiB, when there is not so much memory. */
int kv_init(struct kv *kv, const struct model *m, const struct ops *ops, enum kv_type t,
	size_t context, struct err *e);
void kv_release(struct kv *kv);

/* Stores one head's key and value, [dim] each, at a position < context. Does not touch kv->n. */
void kv_put(struct kv *kv, size_t layer, size_t head, size_t pos, const float *key,
	const float *value);

/* n vectors from position `pos` on as floats, [n][dim]: in place if they are that, else in
 * `scratch`. */
const float *kv_get(const struct kv *kv, enum kv_half half, size_t layer, size_t head, size_t pos,
	size_t n, float *scratch);

/* The same keys as a matrix of n rows, [n][dim]; false when they are none: floats, or short blocks.
 */
bool kv_keys(
	const struct kv *kv, size_t layer, size_t head, size_t pos, size_t n, struct matrix *out);

/* The n q8_0 vectors from position `pos` on, kv->vector_bytes apart. */
const uint8_t *kv_blocks(
	const struct kv *kv, enum kv_half half, size_t layer, size_t head, size_t pos, size_t n);

/* Forgets all positions from n on. */
void kv_truncate(struct kv *kv, size_t n);

#endif
