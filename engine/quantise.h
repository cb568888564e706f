/*
 * Floats to the block formats of engine/quant.h, by plain rounding to nearest: for tests, and for
 * the making of small models. Files that people download are made with error-weighted searches that
 * this is not.
 */
#ifndef ENGINE_QUANTISE_H
#define ENGINE_QUANTISE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/quant.h"

/* Encodes n finite floats (n a multiple of the type's block) to n / block * bytes bytes at
 * `blocks`. */
void quantise(enum quant_type type, const float *x, void *blocks, size_t n);

#endif
