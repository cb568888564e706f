/*
 * Which kernels this processor runs: CPUID, and whether the operating system keeps the registers.
 */
#include "config.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/matmul_isa.h"

enum { MAX_TABLES = 8 };

static const struct matmul_ops *available[MAX_TABLES + 1];
static pthread_once_t once = PTHREAD_ONCE_INIT;

#ifdef HAVE_X86
#include <cpuid.h>

/* XCR0: which registers the operating system saves and restores. */
static uint64_t
saved_registers(void)
{
	uint32_t lo, hi;

	__asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (uint64_t)hi << 32 | lo;
}

static bool
all(uint64_t word, uint64_t bits)
{
	return (word & bits) == bits;
}

static size_t
find(const struct matmul_ops **list)
{
	enum {
		L1_C_FMA = 1 << 12, L1_C_OSXSAVE = 1 << 27, L1_C_AVX = 1 << 28, L1_C_F16C = 1 << 29,
		L7_B_AVX2 = 1 << 5, L7_B_F = 1 << 16, L7_B_DQ = 1 << 17, L7_B_BW = 1 << 30,
		L7_C_VNNI = 1 << 11, L71_A_AVXVNNI = 1 << 4,
		YMM = 0x6, ZMM = 0xe6,
	};
	const uint32_t l7_b_vl = 1u << 31;
	uint32_t a, b, c, d, max_subleaf;
	uint64_t xcr0;
	size_t n = 0;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !all(c, L1_C_FMA | L1_C_OSXSAVE | L1_C_AVX | L1_C_F16C))
		return 0;
	xcr0 = saved_registers();
	if (!all(xcr0, YMM) || !__get_cpuid_count(7, 0, &max_subleaf, &b, &c, &d) || !(b & L7_B_AVX2))
		return 0;
	list[n++] = &matmul_avx2;
	if (max_subleaf >= 1 && __get_cpuid_count(7, 1, &a, &(uint32_t){ 0 }, &(uint32_t){ 0 }, &d) &&
	    (a & L71_A_AVXVNNI))
		list[n++] = &matmul_avxvnni;
	if (all(xcr0, ZMM) && all(b, L7_B_F | L7_B_DQ | L7_B_BW | l7_b_vl) && (c & L7_C_VNNI))
		list[n++] = &matmul_avx512;
	return n;
}
#elif defined(HAVE_NEON)
#include <sys/auxv.h>
#include <asm/hwcap.h>

static size_t
find(const struct matmul_ops **list)
{
	size_t n = 0;

	if (!(getauxval(AT_HWCAP) & HWCAP_ASIMDDP))
		return 0;
	list[n++] = &matmul_neon;
	if (getauxval(AT_HWCAP2) & HWCAP2_I8MM)
		list[n++] = &matmul_i8mm;
	return n;
}
#else
static size_t
find(const struct matmul_ops **list)
{
	return 0;
}
#endif

static void
find_all(void)
{
	available[0] = &matmul_scalar;
	available[1 + find(available + 1)] = NULL;
}

const struct matmul_ops *const *
matmul_available(void)
{
	pthread_once(&once, find_all);
	return available;
}

const struct matmul_ops *
matmul_select(const char *isa)
{
	const struct matmul_ops *const *list = matmul_available(), *best = NULL;

	if (!isa)
		isa = getenv("HUM_ISA");
	for (; *list; list++) {
		if (!isa || !*isa || strcmp((*list)->isa, isa) == 0)
			best = *list;
	}
	return best;
}
