/*
 * Tensor element types of GGUF files and their block formats: one table. The scalar decoders here
 * are the reference for every faster kernel. Layouts: engine/quant.c, from ggml's published
 * formats.
 */
#ifndef ENGINE_QUANT_H
#define ENGINE_QUANT_H

#include <stddef.h>
#include <stdint.h>

/* Ids as stored in files; only the types that hum computes with have a name here. */
enum quant_type {
	QUANT_F32 = 0,
	QUANT_F16 = 1,
	QUANT_Q4_0 = 2,
	QUANT_Q4_1 = 3,
	QUANT_Q5_0 = 6,
	QUANT_Q5_1 = 7,
	QUANT_Q8_0 = 8,
	QUANT_Q2_K = 10,
	QUANT_Q3_K = 11,
	QUANT_Q4_K = 12,
	QUANT_Q5_K = 13,
	QUANT_Q6_K = 14,
	QUANT_IQ4_NL = 20,
	QUANT_IQ4_XS = 23,
	QUANT_BF16 = 30,
	QUANT_TYPE_MAX = 31,
};

struct quant_format {
	const char *name;		/* "Q4_K" */
	uint32_t block;			/* elements in a block: 1, 32 or 256 */
	uint32_t bytes;			/* bytes of a block */
	/* Decodes n elements (a multiple of `block`) to float. */
	void (*decode)(const void *blocks, float *out, size_t n);
};

/* The format of a type id as read from a file; NULL when hum cannot compute with it. */
const struct quant_format *quant_format(uint32_t type);

/* The name of any type id ever published ("IQ2_XXS"), or NULL: for error messages. */
const char *quant_type_name(uint32_t type);

/* The sixteen levels of the non-linear 4-bit types, IQ4_NL and IQ4_XS. */
extern const int8_t quant_iq4_levels[16];

/* IEEE half precision, exact both ways but for rounding to nearest even on the way in. */
float quant_f16_to_f32(uint16_t h);
uint16_t quant_f32_to_f16(float f);

#endif
