/* A HOME of its own for a test: nothing of the user's is read or written. */
#ifndef TESTS_APP_HOME_H
#define TESTS_APP_HOME_H

#include "tests/app/scratch.h"

static char *home;	/* the folder */

static inline int
home_setup(void **state)
{
	home = scratch_new();
	setenv("HOME", home, 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_DATA_HOME");
	unsetenv("XDG_STATE_HOME");
	unsetenv("XDG_CACHE_HOME");
	unsetenv("LLAMA_CACHE");
	unsetenv("HF_HOME");
	unsetenv("HF_HUB_CACHE");
	return chdir(home);
}

static inline int
home_teardown(void **state)
{
	if (chdir("/") < 0)
		return -1;
	scratch_free(home);
	home = NULL;
	return 0;
}

/* HOME/rest; the folders in front of the last name are made. Heap. */
static inline char *
home_path(const char *rest)
{
	char *path = xasprintf("%s/%s", home, rest);

	for (char *s = path + strlen(home) + 1; (s = strchr(s, '/')); s++) {
		*s = '\0';
		mkdir(path, 0700);
		*s = '/';
	}
	return path;
}

static inline void
home_write(const char *rest, const char *text)
{
	char *path = home_path(rest);

	scratch_write(path, text, strlen(text));
	free(path);
}

#endif
