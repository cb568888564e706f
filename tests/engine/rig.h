/* A model, a KV cache, threads and a forward pass, put together for a test. */
#ifndef TESTS_RIG_H
#define TESTS_RIG_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/forward.h"
#include "tests/engine/tiny_model.h"

struct rig_opts {
	const char *isa;		/* NULL: best */
	unsigned threads;		/* 0: 1 */
	unsigned prompt_threads;	/* 0: as threads */
	enum kv_type kv;
	size_t context;			/* 0: 256 */
};

struct rig {
	struct strbuf file;		/* rig_tiny's */
	struct gguf *gguf;
	struct model *model;
	struct pool *pool;
	struct kv kv;
	struct forward *forward;
	atomic_bool cancel;
};

/* Each fails the test when something does not open. `file` is borrowed. */
void rig_memory(struct rig *r, const struct strbuf *file, const struct rig_opts *o);
void rig_tiny(struct rig *r, const struct tiny_model *t, const struct rig_opts *o);
void rig_file(struct rig *r, const char *path, const struct rig_opts *o);
void rig_close(struct rig *r);

/* Appends n tokens to the cache, at most `piece` a run; all logits [n][n_vocab], to be freed. */
float *rig_run(struct rig *r, const int32_t *ids, size_t n, size_t piece);

/* n ids that are a function of the seed. */
void rig_ids(const struct rig *r, uint64_t seed, int32_t *ids, size_t n);

#endif
