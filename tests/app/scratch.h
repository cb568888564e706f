/* A folder of its own for a test, and small files in it. */
#ifndef TESTS_APP_SCRATCH_H
#define TESTS_APP_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "base/xalloc.h"

static inline char *
scratch_new(void)
{
	const char *tmp = getenv("TMPDIR"), *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	char *dir = xasprintf("%s/hum-test-XXXXXX", tmp && *tmp ? tmp : memory);	/* syncs cost nothing there */

	if (!mkdtemp(dir)) {
		perror(dir);
		exit(99);
	}
	return dir;
}

static inline int
scratch_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static inline void
scratch_free(char *dir)
{
	nftw(dir, scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
	free(dir);
}

static inline void
scratch_write(const char *path, const void *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(bytes, 1, n, f) != n || fclose(f)) {
		perror(path);
		exit(99);
	}
}

static inline void
scratch_read(const char *path, struct strbuf *out)
{
	FILE *f = fopen(path, "rb");
	char buf[65536];
	size_t n;

	if (!f) {
		perror(path);
		exit(99);
	}
	while ((n = fread(buf, 1, sizeof buf, f)))
		strbuf_add(out, buf, n);
	fclose(f);
}

#endif
