/*
 * What Linux tells of this computer in small files, and what the control groups leave of it to this process. `root` is
 * put in front of /sys and /proc: "" but for tests.
 */
#ifndef ENGINE_SYSTEM_H
#define ENGINE_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first line of a small file in buf, without its end; false when there is no such file. */
__attribute__((format(printf, 3, 4))) bool system_line(char *buf, size_t size, const char *fmt, ...);

/*
 * Calls `each` with the folder of each control group that limits what `controller` ("cpu", "memory") gives to this
 * process: the groups it is in, and those that they lie in, of versions 2 and 1. A folder need not be there, and may
 * come twice.
 */
void system_groups(const char *root, const char *controller, void (*each)(const char *dir, void *data),
	void *data);

/* Memory that this process may have, and that it could get now, in bytes; 0: not known. */
uint64_t system_memory_total(const char *root);
uint64_t system_memory_available(const char *root);

#endif
