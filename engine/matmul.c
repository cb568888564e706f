/*
 * Which kernels this processor runs: CPUID, and whether the operating system keeps the registers.
 */
#include "config.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "engine/matmul_isa.h"

enum { MAX_TABLES = 8 };

static const struct matmul_ops *available[MAX_TABLES + 1];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static size_t
find(const struct matmul_ops **list)
{
	return 0;
}

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
