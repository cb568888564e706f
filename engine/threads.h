/* How many compute threads this computer is good for. */
#ifndef ENGINE_THREADS_H
#define ENGINE_THREADS_H

#include <stddef.h>

/*
 * One thread a physical core among the processors numbered in allowed[n]; on hybrid processors only
 * the performance cores; no more than the control group's share of processor time allows. At least
 * 1. `root` is put in front of /sys and /proc: "" but for tests.
 */
unsigned threads_count(const char *root, const unsigned *allowed, size_t n);

/* The same for the processors that this process may run on. */
unsigned threads_default(void);

#endif
