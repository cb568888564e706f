#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include "app/child.h"

extern char **environ;

static void
set_attributes(posix_spawnattr_t *attr, int more)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(attr, &none);
	posix_spawnattr_setsigdefault(attr, &all);
	posix_spawnattr_setflags(attr, (short)(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | more));
}

static void
set_files(posix_spawn_file_actions_t *files, int in)
{
	if (in < 0)
		return;
	posix_spawn_file_actions_adddup2(files, in, STDIN_FILENO);
	posix_spawn_file_actions_addopen(files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
#ifdef HAVE_POSIX_SPAWN_FILE_ACTIONS_ADDCLOSEFROM_NP
	/* Ours are closed anyway; those that we were started with are not. */
	posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
#endif
}

int
child_start(pid_t *pid, const char *path, char *const argv[], int in)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int rc;

	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_init(&files);
	set_attributes(&attr, in >= 0 ? POSIX_SPAWN_SETSID : 0);
	set_files(&files, in);
	rc = posix_spawn(pid, path, &files, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return rc;
}
