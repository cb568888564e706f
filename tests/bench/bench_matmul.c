/*
 * How fast the matrix products are, one thread: bench_matmul [ISA|-] [TYPE|-] [COLS ROWS [MIB]]
 *
 * Decode: weights come from memory, a different copy of the matrix each time, more of them than any
 * cache holds (MIB in all; with 0 there is one, and a small one stays in the cache, which tells
 * computing from waiting); GB/s of weights for 1 token, and the time of 4 and 8 tokens relative to one.
 * Prefill: 10^9 multiplications a second for 128 and 512 tokens, and the share of what the processor's
 * int8 (float types: float) multiply-add reaches in a loop that does nothing else. Best of several.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/matmul.h"
#include "tests/engine/random_matrix.h"

static size_t pool = 768 << 20;	/* bytes of weights in turn */

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void *
aligned(size_t bytes)
{
	void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);

	if (!p)
		abort();
	memset(p, 0, bytes);
	return p;
}

#ifdef HAVE_X86
#include <immintrin.h>

enum { CHAINS = 12, STEPS = 100000 };

/* A loop of independent multiply-adds of one kind; returns 10^9 multiplications a second. */
#define PEAK(name, isa, type, lanes, zero, op)                                                     \
	__attribute__((target(isa))) static double name(void)                                      \
	{                                                                                          \
		double best = 1e9;                                                                 \
		for (int run = 0; run < 20; run++) {                                               \
			type x[CHAINS], a = zero, b = zero;                                        \
			double t = seconds();                                                      \
			for (int i = 0; i < CHAINS; i++)                                           \
				x[i] = zero;                                                       \
			for (int i = 0; i < STEPS; i++) {                                          \
				_Pragma("GCC unroll 12") for (int j = 0; j < CHAINS; j++) {        \
					__asm__ volatile("" : "+x"(a), "+x"(b));                   \
					x[j] = op(x[j], a, b);                                     \
				}                                                                  \
			}                                                                          \
			t = seconds() - t;                                                         \
			for (int i = 0; i < CHAINS; i++)                                           \
				__asm__ volatile("" : "+x"(x[i]));                                 \
			best = t < best ? t : best;                                                \
		}                                                                                  \
		return (double)STEPS * CHAINS * lanes / best * 1e-9;                               \
	}

#define FMA512(x, a, b) _mm512_fmadd_ps(a, b, x)
#define FMA256(x, a, b) _mm256_fmadd_ps(a, b, x)
#define DOT256(x, a, b) _mm256_add_epi16(x, _mm256_maddubs_epi16(a, b))

PEAK(peak_dot512, "avx512f,avx512vnni", __m512i, 64, _mm512_setzero_si512(), _mm512_dpbusd_epi32)
PEAK(peak_fma512, "avx512f", __m512, 16, _mm512_setzero_ps(), FMA512)
PEAK(peak_dot_vnni, "avx2,avxvnni", __m256i, 32, _mm256_setzero_si256(), _mm256_dpbusd_avx_epi32)
PEAK(peak_dot_avx2, "avx2", __m256i, 32, _mm256_setzero_si256(), DOT256)
PEAK(peak_fma256, "avx2,fma", __m256, 8, _mm256_setzero_ps(), FMA256)

static double
peak(const char *isa, int floats)
{
	if (strcmp(isa, "avx512") == 0)
		return floats ? peak_fma512() : peak_dot512();
	if (strcmp(isa, "avxvnni") == 0)
		return floats ? peak_fma256() : peak_dot_vnni();
	if (strcmp(isa, "avx2") == 0)
		return floats ? peak_fma256() : peak_dot_avx2();
	return 0;
}
#else
static double
peak(const char *isa, int floats)
{
	return 0;
}
#endif

struct bench {
	const struct matmul_ops *ops;
	struct random_matrix w;
	size_t copies;
	uint8_t *pool;
	struct act a;
	float *out;
	void *scratch;
};

/* The best time of `runs` products, each with the next copy of the matrix. */
static double
best_of(struct bench *b, size_t tokens, size_t rows, size_t runs)
{
	size_t bytes = b->w.m.rows * b->w.m.row_bytes;
	double best = 1e9;

	for (size_t i = 0; i < runs; i++) {
		struct matrix m = b->w.m;
		struct act a = b->a;
		double t;

		m.data = b->pool + i % b->copies * bytes;
		a.n = tokens;
		t = seconds();
		b->ops->multiply(&m, 0, rows, &a, b->out, m.rows, b->scratch);
		t = seconds() - t;
		best = t < best ? t : best;
	}
	return best;
}

static void
bench_type(const struct matmul_ops *ops, enum quant_type type, size_t cols, size_t rows)
{
	struct bench b = { .ops = ops };
	const struct quant_format *f = quant_format(type);
	double one, four, eight, best, top = peak(ops->isa, f->block == 1);
	uint64_t seed = 1;
	size_t bytes, runs, most = 512, some = rows < 1024 ? rows : 1024;
	float *x;

	if (cols % f->block)
		return;
	random_matrix_init(&b.w, type, rows, cols, 0, &seed);
	bytes = rows * b.w.m.row_bytes;
	b.copies = pool / bytes + 1;
	runs = b.copies < 100 ? 100 : b.copies;
	b.pool = aligned(b.copies * bytes);
	for (size_t i = 0; i < b.copies; i++)
		memcpy(b.pool + i * bytes, b.w.m.data, bytes);
	x = aligned(most * cols * sizeof *x);
	for (size_t i = 0; i < most * cols; i++)
		x[i] = random_float(&seed);
	b.a = (struct act){ most, cols, x, aligned(most * cols / MATMUL_BLOCK * sizeof(struct act_block)) };
	ops->quantise(x, most * cols, (struct act_block *)(uintptr_t)b.a.b);
	b.out = aligned(most * rows * sizeof(float));
	b.scratch = aligned(ops->scratch_bytes(cols) + 64);
	one = best_of(&b, 1, rows, runs);
	four = best_of(&b, 4, rows, runs);
	eight = best_of(&b, 8, rows, runs);
	printf("%-8s %-7s %5zu x %5zu  1: %5.1f GB/s  4: x%4.2f  8: x%4.2f", ops->isa, f->name, rows, cols,
		(double)bytes / one * 1e-9, four / one, eight / one);
	for (size_t n = 128; n <= most; n *= 4) {
		best = best_of(&b, n, some, 5);
		best = (double)n * (double)some * (double)cols / best * 1e-9;
		printf("  %zu: %5.1f GMAC/s", n, best);
		if (top > 0)
			printf(" %4.1f %%", best / top * 100);
	}
	printf("\n");
	fflush(stdout);
	free(b.pool);
	free(x);
	free((void *)(uintptr_t)b.a.b);
	free(b.out);
	free(b.scratch);
	random_matrix_release(&b.w);
}

/* What one thread reads from memory at best. */
static void
bench_reading(void)
{
	uint64_t *p = aligned(pool), sum = 0;
	double best = 1e9;

	for (int run = 0; run < 4; run++) {
		double t = seconds();

		for (size_t i = 0; i < pool / sizeof *p; i += 32)
			sum += p[i] + p[i + 8] + p[i + 16] + p[i + 24];
		t = seconds() - t;
		best = t < best ? t : best;
	}
	printf("reading memory: %.1f GB/s (%d)\n", (double)pool / best * 1e-9, sum != 0);
	free(p);
}

int
main(int argc, char **argv)
{
	const char *isa = argc > 1 ? argv[1] : "-", *type = argc > 2 ? argv[2] : "-";

	bench_reading();
	for (const struct matmul_ops *const *o = matmul_available(); *o; o++) {
		if (*isa != '-' ? strcmp((*o)->isa, isa) : o == matmul_available())
			continue;
		if (peak((*o)->isa, 0) > 0)
			printf("%s: peak int8 %.0f GMAC/s, float %.0f\n", (*o)->isa, peak((*o)->isa, 0),
				peak((*o)->isa, 1));
		for (const enum quant_type *t = random_matrix_types; *t != QUANT_TYPE_MAX; t++) {
			if (*type != '-' && strcmp(quant_format(*t)->name, type))
				continue;
			if (argc > 5)
				pool = strtoul(argv[5], NULL, 10) << 20;
			if (argc > 4) {
				bench_type(*o, *t, strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10));
				continue;
			}
			bench_type(*o, *t, 4096, 4096);
			bench_type(*o, *t, 11008, 4096);
		}
	}
	return 0;
}
