#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include "base/xalloc.h"
#include "ui/histfile.h"

/* Opens and locks the file; again when another program replaces it while we wait. */
static int
open_locked(const char *path, int flags)
{
	struct stat here, there;

	for (;;) {
		int fd = open(path, flags | O_CLOEXEC, 0600);

		if (fd < 0)
			return -1;
		if (flock(fd, LOCK_EX) || fstat(fd, &here)) {
			close(fd);
			return -1;
		}
		if (!stat(path, &there) && here.st_dev == there.st_dev &&
			here.st_ino == there.st_ino)
			return fd;
		close(fd);
	}
}

static void
escape(struct strbuf *out, const char *entry)
{
	for (const char *s = entry; *s; s++) {
		if (*s == '\n')
			strbuf_adds(out, "\\n");
		else if (*s == '\\')
			strbuf_adds(out, "\\\\");
		else
			strbuf_addc(out, *s);
	}
}

/* In place; the file may have been edited by hand, so any other escape stands for itself. */
static void
unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s == '\\' && (s[1] == 'n' || s[1] == '\\'))
			*to++ = *++s == 'n' ? '\n' : '\\';
		else
			*to++ = *s;
	}
	*to = '\0';
}

void
histfile_append(const char *path, const char *entry)
{
	struct strbuf b = STRBUF_INIT;
	char last = '\n';
	int fd;

	if (strlen(entry) > HISTFILE_ENTRY_MAX)
		return;
	fd = open_locked(path, O_RDWR | O_APPEND | O_CREAT);
	if (fd < 0) {
		log_msg("input history %s: %s", path, strerror(errno));
		return;
	}
	/* A line torn off by a crash must not swallow this one. */
	if (lseek(fd, -1, SEEK_END) >= 0 && read(fd, &last, 1) == 1 && last != '\n')
		strbuf_addc(&b, '\n');
	escape(&b, entry);
	strbuf_addc(&b, '\n');
	if (fd_write_all(fd, b.s, b.len) < 0)
		log_msg("input history %s: %s", path, strerror(errno));
	strbuf_release(&b);
	close(fd);
}

struct lines {
	char **items;
	size_t n, cap;
};

static void
read_lines(FILE *f, struct lines *l)
{
	struct strbuf clean = STRBUF_INIT;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, f)) >= 0) {
		if (n && line[n - 1] == '\n')
			n--;
		strbuf_reset(&clean);
		utf8_repair(&clean, line, (size_t)n);
		if (!n || n > 2 * HISTFILE_ENTRY_MAX || strlen(clean.s) != clean.len)
			continue;
		VEC_ROOM(l->items, l->n, l->cap);
		l->items[l->n++] = xstrdup(clean.s);
	}
	free(line);
	strbuf_release(&clean);
}

/* Replaces the file by one with the lines from `first` on, as a whole or not at all. */
static void
shorten(const char *path, const struct lines *l, size_t first)
{
	char *fresh = xasprintf("%s.new", path);
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct strbuf b = STRBUF_INIT;

	for (size_t i = first; i < l->n; i++)
		strbuf_addf(&b, "%s\n", l->items[i]);
	if (fd >= 0) {
		if (fd_write_all(fd, b.s, b.len) < 0 || fsync(fd) || rename(fresh, path)) {
			log_msg("input history %s: %s", fresh, strerror(errno));
			unlink(fresh);
		}
		close(fd);
	}
	strbuf_release(&b);
	free(fresh);
}

void
histfile_load(const char *path, size_t max, void (*each)(const char *entry))
{
	int fd = open_locked(path, O_RDWR);
	struct lines l = { NULL, 0, 0 };
	size_t first;
	FILE *f;

	if (fd < 0) {
		if (errno != ENOENT)
			log_msg("input history %s: %s", path, strerror(errno));
		return;
	}
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return;
	}
	read_lines(f, &l);
	first = l.n > max ? l.n - max : 0;
	if (l.n > 2 * max)
		shorten(path, &l, first);
	fclose(f);
	for (size_t i = 0; i < l.n; i++) {
		unescape(l.items[i]);
		if (i >= first)
			each(l.items[i]);
		free(l.items[i]);
	}
	free(l.items);
}
