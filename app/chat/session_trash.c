/* The trash: a folder "trash" beside the chats, out of which they can be brought back. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/chat/session.h"
#include "app/chat/session_file.h"
#include "app/chat/session_load.h"
#include "app/config/paths.h"
#include "base/xalloc.h"

enum { SAME_NAME_MAX = 1000 };	/* chats of one name in the trash */

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Renames, but never over something that is there: -1 and EEXIST then. */
static int
rename_to_free(const char *from, const char *to)
{
	int rc = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);

	if (rc == 0 || (errno != EINVAL && errno != ENOSYS))
		return rc;
	if (access(to, F_OK) == 0) {		/* a file system that cannot do it in one step */
		errno = EEXIST;
		return -1;
	}
	return rename(from, to);
}

int
session_move(const char *from, const char *to)
{
	if (rename_to_free(from, to) < 0)
		return -1;
	session_sync_folder(to);
	session_sync_folder(from);
	return 0;
}

/* ---- into it --------------------------------------------------------------------------------- */

/* TRASH/NAME.yaml, with a number in front of the suffix from the second of that name on. Heap. */
static char *
name_in_trash(const char *trash, const char *name, int number)
{
	size_t stem = strlen(name) - (strlen(name) > 5 ? strlen(".yaml") : 0);

	if (number == 1)
		return xasprintf("%s/%s", trash, name);
	return xasprintf("%s/%.*s.%d%s", trash, (int)stem, name, number, name + stem);
}

/* -1 and errno. */
static int
move_to_trash(const char *path)
{
	const char *name = base_name(path);
	char *trash = xasprintf("%.*strash", (int)(name - path), path), *to;
	int rc = path_make(trash);

	for (int number = 1; rc == 0 && number <= SAME_NAME_MAX; number++) {
		to = name_in_trash(trash, name, number);
		rc = session_move(path, to);
		free(to);
		if (rc == 0)
			break;
		if (errno == EEXIST && number < SAME_NAME_MAX)
			rc = 0;
	}
	free(trash);
	return rc;
}

void
session_short_name(const char *path, char out[16])
{
	const char *name = base_name(path);
	size_t n = strlen(name), stem = n > 5 ? n - strlen(".yaml") : n;

	snprintf(out, 16, "%.*s", (int)(stem < 13 ? stem : 13), name);
}

/* For writing, which some file systems want of whoever locks, if that is allowed. -1 and errno. */
static int
open_to_lock(const char *path)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 && (errno == EACCES || errno == EROFS || errno == EPERM))
		fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return fd;
}

/* Makes sure that no program has it open. A file system without locks cannot tell, and is no reason
 * to keep a chat for ever. */
static int
refuse_open(int fd, const char *name, struct err *e)
{
	enum file_lock lock = session_file_lock(fd);

	if (lock == LOCK_HELD)
		return err_set(
			e, ERR_STORE, "%s is open in another program; close it there first", name);
	if (lock == LOCK_UNKNOWN && errno == EBADF)
		return err_set(e, ERR_STORE,
			"%s may not be written, so that it cannot be seen whether another program "
			"has it open; it was not moved", name);
	return 0;
}

int
session_delete(const char *path, struct err *e)
{
	int fd = open_to_lock(path), rc;
	char *name = path_pretty(path);

	if (fd < 0)
		rc = err_errno(e, ERR_STORE, "cannot delete %s", name);
	else if ((rc = refuse_open(fd, name, e)) == 0 && (rc = move_to_trash(path)) < 0)
		err_errno(e, ERR_STORE, "cannot move %s to the trash", name);
	if (fd >= 0)
		close(fd);
	free(name);
	return rc;
}

/* ---- and back -------------------------------------------------------------------------------- */

char *
session_trash(const char *dir)
{
	return xasprintf("%s/trash", dir);
}

/* Where it was: its id tells, whatever number the trash has given it. One that cannot be read keeps
 * its name. Heap. */
static char *
old_place(const char *dir, const char *path)
{
	struct session *s = session_look(path, NULL);
	char *place = s && *s->conv.id ? xasprintf("%s/%s.yaml", dir, s->conv.id) :
					 xasprintf("%s/%s", dir, base_name(path));

	session_free(s);
	return place;
}

char *
session_undelete(const char *dir, const char *path, struct err *e)
{
	char *name = path_pretty(path), *place = old_place(dir, path);
	int rc = session_move(path, place);

	if (rc < 0 && errno == EEXIST)
		err_set(e, ERR_STORE,
			"there is a chat with this id; to have it back as another one: "
			"hum sessions import %s", name);
	else if (rc < 0)
		err_errno(e, ERR_STORE, "cannot bring back %s", name);
	if (rc < 0) {
		free(place);
		place = NULL;
	}
	free(name);
	return place;
}
