#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/child.h"
#include "app/clipboard.h"
#include "base/fd.h"
#include "base/xalloc.h"

/* From the best to the worst. tmux knows -w from 3.2 on; before, it refuses it. */
static const struct clipboard_way ways[] = {
	{ .argv = { "wl-copy", "--type", "text/plain" }, .verb = "Copied", .to = "", .variable = "WAYLAND_DISPLAY" },
	{ .argv = { "xclip", "-selection", "clipboard" }, .verb = "Copied", .to = "", .variable = "DISPLAY",
		.reach = REACH_DISPLAY },
	{ .argv = { "xsel", "--clipboard", "--input" }, .verb = "Copied", .to = "", .variable = "DISPLAY",
		.reach = REACH_DISPLAY },
	{ .argv = { "pbcopy" }, .verb = "Copied", .to = "" },
	{ .argv = { "clip.exe" }, .verb = "Copied", .to = "", .variable = "WSL_DISTRO_NAME", .ascii = true },
	{ .argv = { "tmux", "load-buffer", "-w", "-" }, .verb = "Sent", .to = " by tmux to the terminal's clipboard",
		.variable = "TMUX", .reach = REACH_ANYWHERE },
	{ .argv = { "tmux", "load-buffer", "-" }, .verb = "Copied", .to = " into tmux's buffer", .variable = "TMUX",
		.reach = REACH_ANYWHERE },
	{ .argv = { NULL }, .verb = "Sent", .to = " to the terminal's clipboard", .reach = REACH_ANYWHERE },
};

/* ---- which ---- */

/* NULL also when it is set to nothing. */
static const char *
value_of(char *(*get)(const char *name), const char *name)
{
	const char *value = get(name);

	return value && *value ? value : NULL;
}

/* ":0" and "unix:0" are screens of this machine; ssh forwards "localhost:10.0". */
static bool
is_forwarded(const char *display)
{
	return *display != ':' && *display != '/' && strncmp(display, "unix:", 5) != 0;
}

static bool
reaches_the_user(const struct clipboard_way *way, char *(*get)(const char *name))
{
	const char *value = way->variable ? value_of(get, way->variable) : "";
	bool remote = value_of(get, "SSH_CONNECTION") || value_of(get, "SSH_TTY");

	if (!value)
		return false;
	return way->reach == REACH_ANYWHERE || !remote || (way->reach == REACH_DISPLAY && is_forwarded(value));
}

/* In the folders of PATH; one that depends on where we are is none. Heap, or NULL. */
static char *
find_program(const char *name, const char *path)
{
	size_t len;

	for (; path && *path; path += len + (path[len] == ':')) {
		len = strcspn(path, ":");
		if (*path != '/')
			continue;
		char *file = xasprintf("%.*s/%s", (int)len, path, name);

		if (access(file, X_OK) == 0)
			return file;
		free(file);
	}
	return NULL;
}

const struct clipboard_way *
clipboard_way(const struct clipboard_way *last, bool ascii, char *(*get)(const char *name), char **program)
{
	const struct clipboard_way *way = last ? last + 1 : ways;

	*program = NULL;
	for (; way->argv[0]; way++) {
		if (!reaches_the_user(way, get) || (way->ascii && !ascii))
			continue;
		*program = find_program(way->argv[0], get("PATH"));
		if (*program)
			break;
	}
	return way;
}

/* ---- how ---- */

/* A file in memory instead of a pipe, so that nobody waits for a tool that does not read. */
static int
text_as_file(const char *text, size_t len)
{
	int fd = memfd_create("hum-copy", MFD_CLOEXEC);

	if (fd >= 0 && (fd_write_all(fd, text, len) < 0 || lseek(fd, 0, SEEK_SET) < 0)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

pid_t
clipboard_tool_start(const struct clipboard_way *way, const char *program, const char *text, size_t len)
{
	int fd = text_as_file(text, len), rc;
	pid_t pid;

	if (fd < 0)
		return -1;
	/* posix_spawn wants char *const *, and does not change the strings */
	rc = child_start(&pid, program, (char *const *)(uintptr_t)way->argv, fd);
	close(fd);
	if (rc == 0)
		return pid;
	errno = rc;
	return -1;
}

enum tool_state
clipboard_tool_look(pid_t pid)
{
	int status;
	pid_t got = waitpid(pid, &status, WNOHANG);

	if (got == 0 || (got < 0 && errno == EINTR))
		return TOOL_RUNS;
	return got == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? TOOL_DONE : TOOL_FAILED;
}

void
clipboard_tool_kill(pid_t pid)
{
	kill(-pid, SIGKILL);
}
