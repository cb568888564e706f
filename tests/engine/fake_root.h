/* A folder in place of the system's root, for tests of what is read from /sys and /proc. */
#ifndef TESTS_ENGINE_FAKE_ROOT_H
#define TESTS_ENGINE_FAKE_ROOT_H

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

static char root[256];	/* what the functions under test put in front of /sys and /proc */

/* Writes a file below the root, with the folders it lies in. */
__attribute__((format(printf, 2, 3))) static inline void
put(const char *text, const char *fmt, ...)
{
	char path[1024];
	va_list ap;
	FILE *f;

	strcpy(path, root);
	va_start(ap, fmt);
	vsnprintf(path + strlen(root), sizeof path - strlen(root), fmt, ap);
	va_end(ap);
	for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0777);
		*slash = '/';
	}
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "%s\n", text);
	fclose(f);
}

static inline int
setup(void **state)
{
	snprintf(root, sizeof root, "%s/hum-root-XXXXXX",
		getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	return mkdtemp(root) ? 0 : -1;
}

static inline int
drop(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static inline int
teardown(void **state)
{
	return nftw(root, drop, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
