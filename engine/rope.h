/*
 * Rotary position embedding: how fast each pair of dimensions turns, with linear and YaRN scaling
 * and Llama 3's table of divisors. Sources: Su et al. 2021 (RoFormer); Peng et al. 2023 (YaRN),
 * section 3. Angles are computed in double: a float loses the fraction of a turn at large
 * positions.
 */
#ifndef ENGINE_ROPE_H
#define ENGINE_ROPE_H

#include <stddef.h>

#include "engine/model.h"

struct rope {
	size_t n;		/* dimensions that rotate */
	double *speed;		/* owned: [n / 2] radians a position */
	double length;		/* YaRN: the rotated vectors are made longer by this */
};

void rope_init(struct rope *r, const struct model *m);
void rope_release(struct rope *r);

/* The factors of position `pos`, as ops->rope takes them: cos[n], sin[n]. */
void rope_fill(const struct rope *r, size_t pos, float *cos, float *sin);

#endif
