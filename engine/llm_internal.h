/* What the files behind engine/llm.h share. */
#ifndef ENGINE_LLM_INTERNAL_H
#define ENGINE_LLM_INTERNAL_H

#include <time.h>

#include "engine/forward.h"
#include "engine/gguf.h"
#include "engine/llm.h"
#include "engine/model.h"
#include "engine/said.h"
#include "engine/window.h"

struct llm {
	struct gguf *gguf;		/* NULL after llm_peek, as are vocab and model */
	struct model *model;
	struct vocab *vocab;
	const struct template *template;
	struct llm_info info;
	struct model peeked;		/* info's strings lie here, if not in model */
	char *name;			/* owned: base name of the file */
};

/* How far a prompt is processed, for the caller's on_prefill. */
struct prefill_report {
	void (*fn)(void *ctx, size_t done, size_t total);	/* or NULL */
	void *ctx;
	size_t done, batch, total;	/* tokens: before this batch, in it, in all */
	double last;			/* when fn was last called */
};

struct llm_chat {
	const struct llm *llm;		/* borrowed */
	const struct matmul_ops *matmul;
	const struct ops *ops;
	struct pool *pool;
	struct kv kv;
	struct forward *forward;
	struct sampler *sampler;
	struct window window;
	struct said said;
	struct token_list stops;	/* the format's stop strings that are tokens */
	struct token_list prompt;	/* of the last call */
	int32_t *ids;			/* [context]; the first kv.n are what the cache holds */
	float *logits;			/* [n_vocab] of the last token */
	atomic_bool cancel;
	struct prefill_report report;
};

static inline double
llm_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/*
 * Makes the cache hold exactly ids[n] (n > 0; c->ids is where they go), processing only what it
 * does not begin with already, but always the last one, whose logits go to c->logits. *cached gets
 * how many were there. -1 when cancelled: the cache then holds a part.
 */
int llm_feed(struct llm_chat *c, const int32_t *ids, size_t n, size_t *cached);

/* Of ids[n], how many from the first on are what the cache begins with. */
size_t llm_common_prefix(const struct llm_chat *c, const int32_t *ids, size_t n);

/* One token more at the end of the cache; its logits go to c->logits. -1: cancelled. */
int llm_step(struct llm_chat *c, int32_t id);

#endif
