/* First turns that never got their name, because the program was killed before: ID.yaml.new. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/chat/session.h"
#include "app/chat/session_file.h"
#include "app/chat/session_load.h"
#include "base/xalloc.h"

#define SUFFIX ".new"

static bool
is_leftover(const char *name)
{
	size_t n = strlen(name), suffix = strlen(".yaml" SUFFIX);

	return n > suffix && name[0] != '.' && strcmp(name + n - suffix, ".yaml" SUFFIX) == 0;
}

static bool
has_message(const char *path)
{
	struct session *s = session_look(path, NULL);
	bool has = s && s->conv.n > 0;

	session_free(s);
	return has;
}

/* NULL, or why not; heap. */
static char *
give_name(const char *path)
{
	char *to = xstrndup(path, strlen(path) - strlen(SUFFIX)), *why = NULL;

	if (session_move(path, to) < 0)
		why = errno == EEXIST ? xasprintf("there is %s already", strrchr(to, '/') + 1) :
					xstrdup(strerror(errno));
	free(to);
	return why;
}

/* NULL, or why not; heap. An empty one may be about to be locked by the program that made it. */
static char *
rescue(const char *path)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	enum file_lock lock = LOCK_UNKNOWN;
	struct stat st;
	char *why;

	if (fd < 0 || fstat(fd, &st) < 0)
		why = xstrdup(strerror(errno));
	else if (!st.st_size)
		why = xstrdup("it is empty");
	else if ((lock = session_file_lock(fd)) != LOCK_TAKEN)
		why = xstrdup(lock == LOCK_HELD ? "another program is writing it" :
						  "it cannot be locked");
	else if (!has_message(path))
		why = xstrdup("there is no whole message in it");
	else
		why = give_name(path);
	if (fd >= 0)
		close(fd);
	return why;
}

int
session_rescue(const char *dir, struct session_leftover **out, size_t *n, struct err *e)
{
	struct dirent *entry;
	size_t cap = 0;
	DIR *d = opendir(dir);

	*out = NULL;
	*n = 0;
	if (!d && errno == ENOENT)
		return 0;
	if (!d)
		return err_errno(e, ERR_STORE, "cannot list the sessions in %s", dir);
	while ((entry = readdir(d))) {
		char *path, *why;

		if (!is_leftover(entry->d_name))
			continue;
		path = xasprintf("%s/%s", dir, entry->d_name);
		why = rescue(path);
		if (!why || access(path, F_OK) == 0) {	/* else it got its name just now */
			VEC_ROOM(*out, *n, cap);
			(*out)[(*n)++] = (struct session_leftover){ xstrdup(entry->d_name), why };
		} else {
			free(why);
		}
		free(path);
	}
	closedir(d);
	return 0;
}

void
session_leftovers_free(struct session_leftover *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].name);
		free(list[i].why);
	}
	free(list);
}
