/*
 * From logits to a token. The order is Meta's: penalties, temperature, then the truncations (top-k,
 * typical, top-p, min-p), then the draw. The random number of a position depends on the seed and
 * the position alone, so that regenerate, branches and speculation do not depend on what came
 * before.
 */
#ifndef ENGINE_SAMPLER_H
#define ENGINE_SAMPLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sampling {
	float temperature;		/* 0: greedy */
	float top_p;			/* 1: off */
	float min_p;			/* 0: off */
	float typical_p;		/* 1: off */
	uint32_t top_k;			/* 0: off */
	float repeat_penalty;		/* 1: off; on the last `penalty_last_n` tokens */
	float presence_penalty;		/* 0: off */
	float frequency_penalty;	/* 0: off */
	uint32_t penalty_last_n;
};

/* Meta's: temperature 0.6, top-p 0.9, nothing else. */
extern const struct sampling sampling_default;

struct sampler;

struct sampler *sampler_new(size_t n_vocab);	/* scratch memory for one thread; NULL: there is none */
void sampler_free(struct sampler *s);

/*
 * Picks the next token. logits[n_vocab] are not changed. `recent` are the ids before it (prompt and
 * answer, newest last), for the penalties. NaN logits are taken as -infinity. -1: none of them is
 * finite, there is nothing to choose by.
 */
int32_t sampler_pick(struct sampler *s, const struct sampling *p, const float *logits,
	const int32_t *recent, size_t n_recent, uint64_t seed, uint64_t position);

/* The uniform number in [0, 1) that position's draw uses; for tests and speculation. */
double sampler_uniform(uint64_t seed, uint64_t position);

#endif
