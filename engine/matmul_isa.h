/* The tables of the instruction sets: for matmul.c, which knows what is built and what the processor runs. */
#ifndef ENGINE_MATMUL_ISA_H
#define ENGINE_MATMUL_ISA_H

#include "engine/matmul.h"

extern const struct matmul_ops matmul_scalar;
extern const struct matmul_ops matmul_avx2;	/* AVX2, FMA, F16C */
extern const struct matmul_ops matmul_avxvnni;	/* those and AVX-VNNI */
extern const struct matmul_ops matmul_vnni256;	/* the same with AVX-512's form of VNNI: in the tests only */
extern const struct matmul_ops matmul_avx512;	/* AVX-512 F, BW, DQ, VL, VNNI */
extern const struct matmul_ops matmul_neon;	/* ARMv8.2 with the dot product */
extern const struct matmul_ops matmul_i8mm;	/* ARMv8.6 with products of int8 matrices */

#endif
