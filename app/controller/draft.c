/*
 * Drafts: what stands in the input and in the queue, as STATE/drafts/<id of the session>. What was typed beside a
 * conversation that another program has open is <id>.<process>, until it can be opened for writing. Conversations that are
 * not on disk yet have one a program, new.<process>; the next start that begins with nothing to send takes over that of a
 * program that is gone. A command is no part of a conversation: it is put into the history, not into another input.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/controller/controller.h"
#include "app/controller/text_file.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "engine/system.h"

enum { AGAIN_MS = 5000 };

/* Where the input's text is kept; NULL: nowhere. Lines of a script are no drafts. */
static char *
draft_path(const struct controller *c)
{
	char *dir, *path;

	if (!c->o.state_dir || !c->o.sessions_dir || c->o.plain)
		return NULL;
	dir = xasprintf("%s/drafts", c->o.state_dir);
	mkdir(dir, 0700);
	if (!session_path(c->session))
		path = xasprintf("%s/new.%ld", dir, (long)getpid());
	else if (c->session->read_only)
		path = xasprintf("%s/%s.%ld", dir, c->session->conv.id, (long)getpid());
	else
		path = xasprintf("%s/%s", dir, c->session->conv.id);
	free(dir);
	return path;
}

/* Numbers of processes are used again: one that is no hum has nothing to do with the draft. */
static bool
is_at_work(long pid)
{
	char own[64] = "", other[64] = "";

	if (kill((pid_t)pid, 0) < 0 && errno == ESRCH)
		return false;
	system_line(own, sizeof own, "/proc/self/comm");
	system_line(other, sizeof other, "/proc/%ld/comm", pid);
	return !strcmp(own, other);
}

/* "<stem>.<process>" of a program that is gone, or of this one. */
static bool
is_orphan(const char *name, const char *stem)
{
	size_t len = strlen(stem);
	char *end;
	long pid;

	if (strncmp(name, stem, len) || name[len] != '.')
		return false;
	pid = strtol(name + len + 1, &end, 10);
	return pid > 0 && !*end && (pid == getpid() || !is_at_work(pid));
}

/* Where there is no draft yet. Another program may do the same: the one whose rename succeeds has it. */
static bool
adopt_orphan(const char *path, const char *stem)
{
	char *dir = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	DIR *d = access(path, F_OK) ? opendir(dir) : NULL;
	bool taken = false;
	struct dirent *f;

	while (d && !taken && (f = readdir(d))) {
		char *orphan;

		if (!is_orphan(f->d_name, stem))
			continue;
		orphan = xasprintf("%s/%s", dir, f->d_name);
		taken = rename(orphan, path) == 0;
		free(orphan);
	}
	if (d)
		closedir(d);
	free(dir);
	return taken;
}

static void
adopt(struct controller *c, const char *path)
{
	if (session_path(c->session))
		adopt_orphan(path, c->session->conv.id);
	else if (c->take_draft && adopt_orphan(path, "new"))
		controller_flash(c, "In the input stands what was not sent the last time");
}

void
controller_draft_load(struct controller *c)
{
	char *path = draft_path(c);
	struct strbuf text = STRBUF_INIT;

	free(c->draft);
	c->draft = path;
	c->draft_due = 0;
	if (!path)
		return;
	adopt(c, path);
	text_file_read(path, &text);	/* most chats have none */
	if (text.s[0] == '/' && text.s[1] != '/') {
		ui_remember(c->ui, text.s);
		strbuf_reset(&text);
		c->draft_due = controller_now(c);	/* which removes it */
	}
	ui_set_input(c->ui, text.s);
	strbuf_release(&text);
}

static int
write_whole(const char *path, const char *text, size_t len)
{
	char *next = xasprintf("%s~", path);
	FILE *f = fopen(next, "we");
	int rc = -1;

	if (f) {
		bool written = fwrite(text, 1, len, f) == len;

		written = fclose(f) == 0 && written;
		rc = written ? rename(next, path) : -1;
		if (rc < 0)
			unlink(next);
	}
	free(next);
	return rc;
}

/* What was sent is no draft any more, once it is in the session's file. False: not yet. */
static bool
remove_draft(struct controller *c, const char *path)
{
	if (c->disk_failed)
		c->draft_due = controller_now(c) + AGAIN_MS;
	else
		unlink(path);
	return !c->disk_failed;
}

int
controller_draft_store(struct controller *c, struct err *e)
{
	char *path = draft_path(c);
	struct strbuf text = STRBUF_INIT;
	int rc = 0;

	c->draft_due = 0;
	if (!path)
		return 0;
	strbuf_add(&text, c->queue.s, c->queue.len);
	if (c->queue.len && *ui_input(c->ui))
		strbuf_adds(&text, "\n\n");
	strbuf_adds(&text, ui_input(c->ui));
	if (!text.len) {
		remove_draft(c, path);
	} else if (write_whole(path, text.s, text.len) < 0) {
		rc = err_set(e, ERR_STORE, "what is not sent yet cannot be kept: %s: %s", path, strerror(errno));
		c->draft_due = controller_now(c) + AGAIN_MS;
		if (!c->draft_failed)
			log_msg("%s", e->text);
	}
	c->draft_failed = rc < 0;
	/* A new conversation has got a file, and its draft another name. */
	if (rc == 0 && (!c->draft || !strcmp(c->draft, path) || remove_draft(c, c->draft))) {
		free(c->draft);
		c->draft = path;
	} else {
		free(path);
	}
	strbuf_release(&text);
	return rc;
}
