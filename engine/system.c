#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "engine/system.h"

bool
system_line(char *buf, size_t size, const char *fmt, ...)
{
	char path[4096];
	va_list ap;
	FILE *f;
	bool ok;

	va_start(ap, fmt);
	vsnprintf(path, sizeof path, fmt, ap);
	va_end(ap);
	f = fopen(path, "re");
	if (!f)
		return false;
	ok = fgets(buf, (int)size, f) != NULL;
	fclose(f);
	if (ok)
		buf[strcspn(buf, "\n")] = '\0';
	return ok;
}

/* ---- control groups ---- */

/* Whether a list "cpu,cpuacct" has the controller. */
static bool
controls(const char *list, const char *controller)
{
	size_t n = strlen(controller);

	for (; *list; list += strcspn(list, ","), list += *list == ',')
		if (strcspn(list, ",") == n && !strncmp(list, controller, n))
			return true;
	return false;
}

/* Changes `group`. */
static void
group_and_parents(const char *top, char *group, void (*each)(const char *dir, void *data), void *data)
{
	for (char *slash; (slash = strrchr(group, '/')); *slash = '\0') {
		char *dir;

		if (!slash[1])		/* of "/" alone, which is `top` */
			continue;
		dir = xasprintf("%s%s", top, group);
		each(dir, data);
		free(dir);
	}
}

void
system_groups(const char *root, const char *controller, void (*each)(const char *dir, void *data),
	void *data)
{
	char *two = xasprintf("%s/sys/fs/cgroup", root), *one = xasprintf("%s/%s", two, controller);
	char *path = xasprintf("%s/proc/self/cgroup", root), line[4096];
	FILE *f = fopen(path, "re");

	each(two, data);
	each(one, data);
	/* "0::/group" of version 2, "4:cpu,cpuacct:/group" of version 1. */
	while (f && fgets(line, sizeof line, f)) {
		char *list = strchr(line, ':'), *group = list ? strchr(++list, ':') : NULL;

		if (!group)
			continue;
		*group++ = '\0';
		group[strcspn(group, "\n")] = '\0';
		if (!*list)
			group_and_parents(two, group, each, data);
		else if (controls(list, controller))
			group_and_parents(one, group, each, data);
	}
	if (f)
		fclose(f);
	free(path);
	free(one);
	free(two);
}

/* ---- memory ---- */

/* The number behind the key in a file of lines "key number" or "Key:  number kB"; 0: not there. */
static uint64_t
number_of(const char *path, const char *key)
{
	FILE *f = fopen(path, "re");
	char line[256];
	uint64_t value = 0;
	size_t n = strlen(key);

	if (!f)
		return 0;
	while (fgets(line, sizeof line, f))
		if (!strncmp(line, key, n) && line[n] == ' ' && sscanf(line + n, "%" SCNu64, &value) == 1)
			break;
	fclose(f);
	return value;
}

static uint64_t
meminfo(const char *root, const char *key)
{
	char *path = xasprintf("%s/proc/meminfo", root);
	uint64_t kb = number_of(path, key);

	free(path);
	return kb * 1024;
}

/* The number that a file holds; 0: there is none, as where it says "max". */
static uint64_t
number_in(const char *dir, const char *file)
{
	char line[64];
	uint64_t value;

	return system_line(line, sizeof line, "%s/%s", dir, file) && sscanf(line, "%" SCNu64, &value) == 1 ? value : 0;
}

/* The files of a memory controller's two versions; the kernel tells them for a group with all in it. */
static const struct version {
	const char *limit, *used, *inactive;
} versions[] = {
	{ "memory.max", "memory.current", "inactive_file" },
	{ "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file" },
};

static void
limit_total(const char *dir, void *data)
{
	uint64_t *least = data;

	for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
		uint64_t limit = number_in(dir, versions[i].limit);

		if (limit && limit < *least)
			*least = limit;
	}
}

/* Pages of files that nobody used of late count as used, but are given up for others. */
static uint64_t
used_by(const char *dir, const struct version *v)
{
	char *stat = xasprintf("%s/memory.stat", dir);
	uint64_t used = number_in(dir, v->used), inactive = number_of(stat, v->inactive);

	free(stat);
	return used > inactive ? used - inactive : 0;
}

static void
limit_available(const char *dir, void *data)
{
	uint64_t *least = data;

	for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
		uint64_t limit = number_in(dir, versions[i].limit), used, left;

		if (!limit)
			continue;
		used = used_by(dir, &versions[i]);
		left = limit > used ? limit - used : 1;		/* 0 would mean that it is not known */
		if (left < *least)
			*least = left;
	}
}

/* What the system has; where it has no /proc, at least how much that is in all. */
static uint64_t
physical(const char *root)
{
	uint64_t total = meminfo(root, "MemTotal:");
	long pages, size;

	if (total)
		return total;
	pages = sysconf(_SC_PHYS_PAGES);
	size = sysconf(_SC_PAGESIZE);
	return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
}

uint64_t
system_memory_total(const char *root)
{
	uint64_t total = physical(root);

	if (total)
		system_groups(root, "memory", limit_total, &total);
	return total;
}

uint64_t
system_memory_available(const char *root)
{
	uint64_t available = meminfo(root, "MemAvailable:");

	if (available)
		system_groups(root, "memory", limit_available, &available);
	return available;
}
