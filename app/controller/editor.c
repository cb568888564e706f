#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/child.h"
#include "app/controller/controller.h"
#include "app/controller/editor.h"
#include "app/controller/text_file.h"
#include "app/signals.h"
#include "base/fd.h"
#include "base/xalloc.h"

enum { LOOK_MS = 50 };

/* A file of the user's own with the input in it; *path is heap. -1 with errno. */
static int
write_input(const char *text, char **path)
{
	const char *dir = getenv("TMPDIR");
	size_t len = strlen(text);
	int fd;

	*path = xasprintf("%s/hum-XXXXXX.md", dir && *dir == '/' ? dir : "/tmp");
	fd = mkostemps(*path, 3, O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fd_write_all(fd, text, len) < 0 || (len && fd_write_all(fd, "\n", 1) < 0)) {
		close(fd);
		unlink(*path);
		return -1;
	}
	return close(fd);
}

/* The text in the file now, without the newline that write_input puts behind it. -1: it is gone. */
static int
read_edited(const char *path, struct strbuf *out)
{
	if (text_file_read(path, out) < 0)
		return -1;
	if (out->len && out->s[out->len - 1] == '\n')
		strbuf_truncate(out, out->len - 1);
	return 0;
}

/*
 * Whether the text is to be taken: of an editor that failed only what it has saved, and since that may be a part,
 * what was there before is put behind it, unless it is in it.
 */
static bool
is_saved(struct strbuf *edited, const char *before, bool failed)
{
	if (failed && (!edited->len || !strcmp(edited->s, before)))
		return false;
	while (edited->len && edited->s[edited->len - 1] == '\n')
		strbuf_truncate(edited, edited->len - 1);
	if (failed && !strstr(edited->s, before)) {
		strbuf_addc(edited, '\n');
		strbuf_adds(edited, before);
	}
	return true;
}

/* The edited text becomes the input. What came back to the input meanwhile, before what was there, stays before it. */
static void
take_edited(struct controller *c, const char *before, const char *edited)
{
	const char *now = ui_input(c->ui);
	size_t n = strlen(now), old = strlen(before);
	char *back = NULL;

	if (n > old && !strcmp(now + n - old, before))
		back = xstrndup(now, n - old);
	ui_set_input(c->ui, edited);
	if (back) {
		back[strlen(back) - (old > 0)] = '\0';	/* the newline between them */
		controller_give_back(c, back);
	}
	free(back);
}

/* Stops with the editor, ends with it. */
static void
pass_on_signals(struct controller *c, pid_t pid)
{
	int sig;

	while ((sig = signals_next())) {
		if (sig == SIGTSTP)
			signals_stop_self();
		if (!signal_is_end(sig) || sig == SIGINT)	/* Ctrl-C is a key of the editor's */
			continue;
		kill(pid, sig == SIGHUP || sig == SIGQUIT ? sig : SIGTERM);
		controller_quit(c, ERR_INTERRUPTED);
	}
}

/* The editor has the terminal; we only keep what the model says safe. */
static int
wait_for(struct controller *c, pid_t pid)
{
	struct pollfd p = { .fd = mailbox_fd(c->o.mailbox), .events = POLLIN };
	int status;

	for (;;) {
		pass_on_signals(c, pid);
		pid_t got = waitpid(pid, &status, WNOHANG);

		if (got == pid)
			return status;
		if (got < 0 && errno != EINTR)
			return -1;
		poll(&p, 1, LOOK_MS);
		controller_take_mail(c);
		controller_tick(c);
	}
}

/* Through the shell, because $EDITOR may have arguments. */
static int
run_editor(struct controller *c, const char *path)
{
	char sh[] = "sh", flag[] = "-c", script[] = "${VISUAL:-${EDITOR:-vi}} \"$1\"", name[] = "hum";
	char *file = xstrdup(path), *argv[] = { sh, flag, script, name, file, NULL };
	int status = -1;
	pid_t pid;

	if (child_start(&pid, "/bin/sh", argv, -1) == 0)
		status = wait_for(c, pid);
	free(file);
	return status;
}

void
controller_edit_input(struct controller *c)
{
	char *path = NULL, *before = xstrdup(ui_input(c->ui));
	struct strbuf edited = STRBUF_INIT;
	bool saved;
	int status;

	if (write_input(before, &path) < 0) {
		controller_error(c, "No file for the editor: %s: %s", path, strerror(errno));
		free(path);
		free(before);
		return;
	}
	ui_suspend(c->ui);
	status = run_editor(c, path);
	ui_resume(c->ui);
	saved = read_edited(path, &edited) == 0 && is_saved(&edited, before, status != 0);
	if (saved)
		take_edited(c, before, edited.s);
	if (status != 0)
		controller_error(c, "The editor failed; %s. $EDITOR chooses the editor.",
			saved ? "what it had saved is in the input" : "the input is as it was");
	unlink(path);
	free(path);
	free(before);
	strbuf_release(&edited);
	c->draft_due = controller_now(c);
}
