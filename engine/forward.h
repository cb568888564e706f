/*
 * The forward pass of a transformer of the Llama family: tokens in, logits out, keys and values
 * into the cache. Works through a batch in phases; in each phase all compute threads take chunks of
 * rows, heads or tokens, and a barrier ends it: five a layer for a single token, a few more for a
 * batch. A single token is a POOL_STEP of the pool, more are a POOL_BATCH.
 *
 * Every element of every intermediate result is computed by one thread in a fixed order that
 * depends on neither the batch nor the number of threads: a prompt processed at once, in pieces or
 * token by token gives the same bits.
 */
#ifndef ENGINE_FORWARD_H
#define ENGINE_FORWARD_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/kv.h"
#include "engine/matmul.h"
#include "engine/model.h"
#include "engine/ops.h"
#include "engine/pool.h"

enum { FORWARD_BATCH = 128 };	/* tokens a run */

struct forward;

struct forward_parts {		/* all borrowed; only the model may be shared */
	const struct model *model;
	const struct matmul_ops *matmul;
	const struct ops *ops;
	struct pool *pool;
	struct kv *kv;
	const atomic_bool *cancel;	/* looked at by every thread between chunks of work */

	/* From the calling thread, between chunks of work (often): `done` of `total` steps of this
	 * run. */
	void (*on_step)(void *ctx, size_t done, size_t total);	/* may be NULL */
	void *ctx;
};

/* ERR_MODEL when there is no memory for the working buffers (about 30 MiB for a 7B model). */
struct forward *forward_new(const struct forward_parts *parts, struct err *e);
void forward_free(struct forward *f);		/* NULL is fine */
size_t forward_bytes(const struct forward *f);	/* of the working buffers */

/*
 * Processes n tokens, 1 <= n <= FORWARD_BATCH, that follow those in the cache (which must have room
 * for them; ids must be below n_vocab). The logits of the last n_logits of them go to
 * logits[n_logits][n_vocab]; n_logits may be 0, and what only logits need is left out then. Returns
 * 0, the cache holding n tokens more; or -1 when cancelled, and then it holds what it held.
 */
int forward_run(struct forward *f, const int32_t *ids, size_t n, float *logits, size_t n_logits);

#endif
