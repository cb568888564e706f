#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/engine/random_matrix.h"

const enum quant_type random_matrix_types[] = {
	QUANT_F32, QUANT_F16, QUANT_BF16, QUANT_Q4_0, QUANT_Q4_1, QUANT_Q5_0, QUANT_Q5_1, QUANT_Q8_0, QUANT_Q2_K,
	QUANT_Q3_K, QUANT_Q4_K, QUANT_Q5_K, QUANT_Q6_K, QUANT_IQ4_NL, QUANT_IQ4_XS, QUANT_TYPE_MAX,
};

/* Where the half-precision numbers of a block are; -1: none. */
static const int f16_at[QUANT_TYPE_MAX][2] = {
	[QUANT_F32] = { -1, -1 },
	[QUANT_F16] = { 0, -1 },
	[QUANT_BF16] = { -1, -1 },
	[QUANT_Q4_0] = { 0, -1 },
	[QUANT_Q4_1] = { 0, 2 },
	[QUANT_Q5_0] = { 0, -1 },
	[QUANT_Q5_1] = { 0, 2 },
	[QUANT_Q8_0] = { 0, -1 },
	[QUANT_Q2_K] = { 80, 82 },
	[QUANT_Q3_K] = { 108, -1 },
	[QUANT_Q4_K] = { 0, 2 },
	[QUANT_Q5_K] = { 0, 2 },
	[QUANT_Q6_K] = { 208, -1 },
	[QUANT_IQ4_NL] = { 0, -1 },
	[QUANT_IQ4_XS] = { 0, -1 },
};

uint32_t
random_bits(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (uint32_t)(z >> 32);
}

float
random_float(uint64_t *seed)
{
	return (float)((int32_t)random_bits(seed)) * 0x1p-31f;
}

static void
put_f16(uint8_t *p, float f)
{
	uint16_t h = quant_f32_to_f16(f);

	memcpy(p, &h, 2);
}

static void
put_float_weight(uint8_t *p, enum quant_type type, float f)
{
	uint32_t bits;

	memcpy(&bits, &f, 4);
	if (type == QUANT_F32)
		memcpy(p, &bits, 4);
	else
		memcpy(p, (uint8_t *)&bits + 2, 2);
}

void
random_matrix_init(struct random_matrix *r, enum quant_type type, size_t rows, size_t cols, size_t slack,
	uint64_t *seed)
{
	const struct quant_format *f = quant_format(type);
	size_t page = (size_t)sysconf(_SC_PAGESIZE), blocks = rows * (cols / f->block);
	size_t bytes = blocks * f->bytes, room = (bytes + slack + page - 1) / page * page;
	uint8_t *p;

	r->map_bytes = room + page;
	r->map = mmap(NULL, r->map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r->map == MAP_FAILED || mprotect((uint8_t *)r->map + room, page, PROT_NONE))
		abort();
	p = (uint8_t *)r->map + room - slack - bytes;
	r->m = (struct matrix){ p, type, rows, cols, cols / f->block * f->bytes };
	for (size_t i = 0; i < bytes; i++)
		p[i] = (uint8_t)random_bits(seed);
	for (; blocks > 0; blocks--, p += f->bytes) {
		if (type == QUANT_F32 || type == QUANT_BF16)
			put_float_weight(p, type, random_float(seed));
		for (int i = 0; i < 2; i++) {
			if (f16_at[type][i] >= 0)
				put_f16(p + f16_at[type][i], random_float(seed) / 16);
		}
	}
}

void
random_matrix_fill(struct random_matrix *r, uint8_t byte, float scale)
{
	const struct quant_format *f = quant_format(r->m.type);
	uint8_t *p = (uint8_t *)(uintptr_t)r->m.data, *end = p + r->m.rows * r->m.row_bytes;

	memset(p, byte, (size_t)(end - p));
	for (; p < end; p += f->bytes) {
		if (r->m.type == QUANT_F32 || r->m.type == QUANT_BF16)
			put_float_weight(p, r->m.type, scale);
		for (int i = 0; i < 2; i++) {
			if (f16_at[r->m.type][i] >= 0)
				put_f16(p + f16_at[r->m.type][i], scale);
		}
	}
}

void
random_matrix_release(struct random_matrix *r)
{
	munmap(r->map, r->map_bytes);
}
