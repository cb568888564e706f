/* Matrices of random valid blocks for tests and benches, placed so that a read past their end is a fault. */
#ifndef TESTS_ENGINE_RANDOM_MATRIX_H
#define TESTS_ENGINE_RANDOM_MATRIX_H

#include "engine/matmul.h"

struct random_matrix {
	struct matrix m;
	void *map;		/* owned; the page after the matrix is inaccessible */
	size_t map_bytes;
};

/* The types of quant.h, ended by QUANT_TYPE_MAX. */
extern const enum quant_type random_matrix_types[];

/* A generator of its own, so that a test is the same everywhere: 32 random bits. */
uint32_t random_bits(uint64_t *seed);

/* Uniform in -1..1. */
float random_float(uint64_t *seed);

/* Blocks of random bytes with finite scales. The matrix ends `slack` bytes before the inaccessible page. */
void random_matrix_init(struct random_matrix *r, enum quant_type type, size_t rows, size_t cols,
	size_t slack, uint64_t *seed);
void random_matrix_release(struct random_matrix *r);

/* The same byte everywhere but in the scales, which become `scale`: for extremes. */
void random_matrix_fill(struct random_matrix *r, uint8_t byte, float scale);

#endif
