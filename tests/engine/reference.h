/*
 * The forward pass written down as the formulas have it, in double, with weights decoded element by
 * element: what exact arithmetic on a model file gives. Shares no code with the engine but the
 * file's decoders (engine/quant.h) and the binding of names to tensors (engine/model.h).
 */
#ifndef TESTS_REFERENCE_H
#define TESTS_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/model.h"

/* Logits after each of the n tokens, [n][n_vocab]; to be freed. */
double *reference_logits(const struct model *m, const int32_t *ids, size_t n);

/* How far q's distribution is from p's, both as logits [n_vocab]: sum of p ln(p / q), in nats. */
double reference_kl(const double *p, const double *q, size_t n_vocab);

/* The mean of it over n rows, with q in float. */
double reference_mean_kl(const double *p, const float *q, size_t n, size_t n_vocab);

#endif
