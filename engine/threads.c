#include "config.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "engine/system.h"
#include "engine/threads.h"

enum { MAX_PROCESSORS = 4096 };

/* Whether a list as the kernel writes it ("0-3,8,10-11") has the number. */
static bool
list_has(const char *list, unsigned number)
{
	while (*list) {
		char *end;
		unsigned long from = strtoul(list, &end, 10), to = from;

		if (end == list)
			return false;
		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		if (number >= from && number <= to)
			return true;
		list = *end == ',' ? end + 1 : end;
	}
	return false;
}

static unsigned long
capacity(const char *root, unsigned processor)
{
	char line[64];

	if (!system_line(line, sizeof line, "%s/sys/devices/system/cpu/cpu%u/cpu_capacity", root,
		processor))
		return 0;
	return strtoul(line, NULL, 10);
}

/* Leaves only the performance cores in cpu[n], if the system tells them apart. Returns how many. */
static size_t
keep_fast(const char *root, unsigned *cpu, size_t n)
{
	bool intel;
	char list[4096];
	unsigned long most = 0;
	size_t kept = 0;

	intel = system_line(list, sizeof list, "%s/sys/devices/cpu_core/cpus", root);
	for (size_t i = 0; i < n; i++)
		most = capacity(root, cpu[i]) > most ? capacity(root, cpu[i]) : most;
	for (size_t i = 0; i < n; i++) {
		/* Middle cores of three kinds are worth having, little ones hold the others up. */
		bool fast = intel ? list_has(list, cpu[i]) : 2 * capacity(root, cpu[i]) >= most;

		if (fast)
			cpu[kept++] = cpu[i];
	}
	return kept ? kept : n;
}

/* Leaves one processor of each physical core in cpu[n]. Returns how many. */
static size_t
keep_cores(const char *root, unsigned *cpu, size_t n)
{
	size_t kept = 0;
	char list[4096];

	for (size_t i = 0; i < n; i++) {
		bool sibling = false;

		if (system_line(list, sizeof list,
			"%s/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list",
				root, cpu[i])) {
			for (size_t k = 0; k < kept; k++)
				sibling |= list_has(list, cpu[k]);
		}
		if (!sibling)
			cpu[kept++] = cpu[i];
	}
	return kept;
}

/* A quota of processor time in whole processors, if it is less than `least`. */
static unsigned
smaller(unsigned least, double quota, double period)
{
	double n;

	if (quota <= 0 || period <= 0)
		return least;
	n = quota / period;
	return n < 1 ? 1 : n < least ? (unsigned)n : least;
}

/* Version 2: "max 100000" or "quota period"; version 1: two files. */
static void
quota_of_group(const char *dir, void *data)
{
	unsigned *least = data;
	char line[128], period[128];
	double quota, of;

	if (system_line(line, sizeof line, "%s/cpu.max", dir) && sscanf(line, "%lf %lf", &quota, &of) == 2)
		*least = smaller(*least, quota, of);
	if (system_line(line, sizeof line, "%s/cpu.cfs_quota_us", dir) &&
			system_line(period, sizeof period, "%s/cpu.cfs_period_us", dir))
		*least = smaller(*least, strtod(line, NULL), strtod(period, NULL));
}

unsigned
threads_count(const char *root, const unsigned *allowed, size_t n)
{
	unsigned *cpu = xcalloc(n, sizeof *cpu), count;

	if (n)
		memcpy(cpu, allowed, n * sizeof *cpu);
	n = keep_fast(root, cpu, n);
	n = keep_cores(root, cpu, n);
	free(cpu);
	count = n ? (unsigned)n : 1;
	system_groups(root, "cpu", quota_of_group, &count);
	return count;
}

unsigned
threads_default(void)
{
	unsigned allowed[MAX_PROCESSORS];
	size_t n = 0;
#ifdef __linux__
	cpu_set_t *set = CPU_ALLOC(MAX_PROCESSORS);
	size_t size = CPU_ALLOC_SIZE(MAX_PROCESSORS);

	if (set && !sched_getaffinity(0, size, set)) {
		for (unsigned i = 0; i < MAX_PROCESSORS; i++) {
			if (CPU_ISSET_S(i, size, set))
				allowed[n++] = i;
		}
	}
	CPU_FREE(set);
#endif
	if (n == 0) {
		long online = sysconf(_SC_NPROCESSORS_ONLN);

		for (; n < MAX_PROCESSORS && (long)n < online; n++)
			allowed[n] = (unsigned)n;
	}
	return threads_count("", allowed, n);
}
