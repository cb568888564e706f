#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/chat/session_file.h"
#include "app/config/paths.h"
#include "base/xalloc.h"

struct session_file {
	char *dir, *path;
	char *new_path;		/* its name until it holds all of its first batch; NULL after */
	int fd;
	uint64_t base;		/* bytes of the file that are known to be on the disk */
	struct strbuf tail;	/* what comes after them: whole documents */
	size_t written;		/* bytes of the tail that the file has */
	bool cut;		/* a sync failed: the file is to be cut to `base` before any write */
	bool want_sync;		/* make what was written durable, also when the first try failed */
	bool want_folder_sync;	/* it has its name, but the folder may forget it in a crash */
	bool want_newline;	/* the file does not end in one */
	struct strbuf piece;	/* text of a piece event that may still grow */
	int piece_id;		/* 0: none */
	int64_t due;		/* when to flush, on the monotonic clock; -1: not at all */
};

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct session_file *
file_alloc(const char *dir)
{
	struct session_file *f = xcalloc(1, sizeof *f);

	f->dir = xstrdup(dir);
	f->fd = -1;
	f->due = -1;
	strbuf_init(&f->tail);
	strbuf_init(&f->piece);
	return f;
}

static void
name_files(struct session_file *f, const char *id)
{
	free(f->path);
	free(f->new_path);
	f->path = xasprintf("%s/%s.yaml", f->dir, id);
	f->new_path = xasprintf("%s.new", f->path);
}

struct session_file *
session_file_new(const char *dir, const char *id)
{
	struct session_file *f = file_alloc(dir);

	name_files(f, id);
	return f;
}

struct session_file *
session_file_adopt(const char *path, int fd, uint64_t size, bool ends_in_newline)
{
	const char *slash = strrchr(path, '/');
	char *dir =
		slash ? xstrndup(path, slash == path ? 1 : (size_t)(slash - path)) : xstrdup(".");
	struct session_file *f = file_alloc(dir);

	free(dir);
	f->path = xstrdup(path);
	f->fd = fd;
	f->base = size;
	f->want_newline = !ends_in_newline;
	return f;
}

void
session_file_free(struct session_file *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		close(f->fd);
	if (f->fd >= 0 && f->new_path && f->base + f->written == 0)
		unlink(f->new_path);		/* it never got a byte */
	free(f->dir);
	free(f->path);
	free(f->new_path);
	strbuf_release(&f->tail);
	strbuf_release(&f->piece);
	free(f);
}

const char *
session_file_path(const struct session_file *f)
{
	return f->new_path ? NULL : f->path;
}

/* ---- queueing -------------------------------------------------------------------------------- */

static void
wait_at_most(struct session_file *f, int ms)
{
	int64_t due = now_ms() + ms;

	if (f->due < 0 || due < f->due)
		f->due = due;
}

static void
queue(struct session_file *f, const struct event *ev)
{
	if (f->want_newline)
		strbuf_addc(&f->tail, '\n');
	f->want_newline = false;
	event_write(&f->tail, ev);
}

static void
queue_piece(struct session_file *f)
{
	struct event ev = { .kind = EVENT_PIECE, .id = f->piece_id };

	if (!f->piece_id)
		return;
	ev.text = (struct event_text){ f->piece.s, f->piece.len };
	queue(f, &ev);
	strbuf_reset(&f->piece);
	f->piece_id = 0;
}

void
session_file_add(struct session_file *f, const struct event *ev)
{
	queue_piece(f);
	queue(f, ev);
	wait_at_most(f, PIECE_MS);
}

void
session_file_add_piece(struct session_file *f, int id, const char *text, size_t len)
{
	if (!len)
		return;
	if (f->piece_id != id)
		queue_piece(f);
	f->piece_id = id;
	strbuf_add(&f->piece, text, len);
	wait_at_most(f, PIECE_MS);
}

int
session_file_due_ms(const struct session_file *f)
{
	int64_t left;

	if (f->due < 0)
		return -1;
	left = f->due - now_ms();
	return left > 0 ? (int)left : 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

enum file_lock
session_file_lock(int fd)
{
	int rc;

	do
		rc = flock(fd, LOCK_EX | LOCK_NB);
	while (rc < 0 && errno == EINTR);
	if (rc == 0)
		return LOCK_TAKEN;
	return errno == EWOULDBLOCK ? LOCK_HELD : LOCK_UNKNOWN;
}

int
session_sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = -1;

	free(dir);
	if (fd < 0)
		return -1;
	rc = fsync(fd);
	if (rc < 0 && errno == EINVAL)		/* a file system that has no such thing */
		rc = 0;
	close(fd);
	return rc;
}

static int
failed(struct session_file *f, struct err *e, const char *what)
{
	int saved = errno;
	char *name = path_pretty(f->path);

	f->due = now_ms() + RETRY_MS;
	errno = saved;
	err_errno(e, ERR_STORE, "cannot %s %s; what is new is kept in memory and tried again", what,
		name);
	free(name);
	return FLUSH_FAILED;
}

static int
create(struct session_file *f, struct err *e)
{
	if (f->fd >= 0)
		return 0;
	if (path_make(f->dir) < 0)
		return failed(f, e, "make the folder of");
	f->fd = open(f->new_path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (f->fd < 0)
		return failed(f, e, "create");
	session_file_lock(f->fd);	/* none to be had: no reason to lose what is written */
	return 0;
}

/* Whether the file is still the one at its path, and ends where we left it. */
static bool
is_ours(const struct session_file *f)
{
	struct stat open_file, named;

	if (fstat(f->fd, &open_file) < 0)
		return true;		/* the write will say what is wrong */
	if (stat(f->new_path ? f->new_path : f->path, &named) < 0)
		return errno != ENOENT;
	if (named.st_dev != open_file.st_dev || named.st_ino != open_file.st_ino)
		return false;
	return f->cut || (uint64_t)open_file.st_size == f->base + f->written;
}

/* Whether both files have these bytes at their beginning. */
static bool
begin_alike(int a, int b, uint64_t size)
{
	char in_a[16384], in_b[16384];
	ssize_t n;

	for (uint64_t at = 0; at < size; at += (uint64_t)n) {
		size_t want = size - at < sizeof in_a ? (size_t)(size - at) : sizeof in_a;

		n = pread(a, in_a, want, (off_t)at);
		if (n <= 0 || pread(b, in_b, (size_t)n, (off_t)at) != n ||
			memcmp(in_a, in_b, (size_t)n) != 0)
			return false;
	}
	return true;
}

/*
 * Whether nothing would be lost if we wrote no more: all of ours is on the disk, and a file that
 * took our file's place, a newer version of it from another machine, goes on from there. A copy of
 * ours beside that one would only be older.
 */
static bool
is_outgrown(const struct session_file *f)
{
	struct stat st;
	bool grown;
	int fd;

	if (f->tail.len || f->cut || f->new_path || f->want_folder_sync)
		return false;
	fd = open(f->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	grown = fd >= 0 && fstat(f->fd, &st) == 0 && (uint64_t)st.st_size == f->base &&
		begin_alike(f->fd, fd, f->base);
	if (fd >= 0)
		close(fd);
	return grown;
}

bool
session_file_is_there(const struct session_file *f)
{
	return f->fd >= 0 && !f->new_path && is_ours(f);
}

static int
write_tail(struct session_file *f, struct err *e)
{
	if (f->cut && ftruncate(f->fd, (off_t)f->base) < 0)
		return failed(f, e, "write");
	f->cut = false;
	while (f->written < f->tail.len) {
		ssize_t n = write(f->fd, f->tail.s + f->written, f->tail.len - f->written);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed(f, e, "write");
		f->written += (size_t)n;
	}
	return 0;
}

static int
sync_tail(struct session_file *f, struct err *e)
{
	int rc;

	do
		rc = fdatasync(f->fd);
	while (rc < 0 && errno == EINTR);
	/* EINVAL: what the file stands on knows no syncing. */
	if (rc < 0 && errno != EINVAL) {
		f->cut = true;
		f->written = 0;
		return failed(f, e, "write");
	}
	f->base += f->tail.len;
	strbuf_reset(&f->tail);
	f->written = 0;
	f->want_sync = false;
	return 0;
}

/* The whole first batch is on the disk: now the file gets its name. */
static int
publish(struct session_file *f, struct err *e)
{
	if (f->new_path && rename(f->new_path, f->path) < 0)
		return failed(f, e, "create");
	free(f->new_path);
	f->new_path = NULL;
	f->want_folder_sync = true;
	if (session_sync_folder(f->path) < 0)
		return failed(f, e, "write the folder of");
	f->want_folder_sync = false;
	return 0;
}

static enum flush_result
done(struct session_file *f)
{
	f->want_sync = false;
	f->due = -1;
	return FLUSH_DONE;
}

enum flush_result
session_file_flush(struct session_file *f, bool durable, struct err *e)
{
	queue_piece(f);
	f->want_sync |= durable || f->new_path;
	if (f->written == f->tail.len && !f->want_sync && !f->want_folder_sync)
		return done(f);
	if (create(f, e) < 0)
		return FLUSH_FAILED;
	if (!is_ours(f))
		return is_outgrown(f) ? done(f) : FLUSH_LOST;
	if (write_tail(f, e) < 0)
		return FLUSH_FAILED;
	if (f->want_sync && sync_tail(f, e) < 0)
		return FLUSH_FAILED;
	if ((f->new_path || f->want_folder_sync) && publish(f, e) < 0)
		return FLUSH_FAILED;
	return done(f);
}

void
session_file_restart(struct session_file *f, const char *id, struct strbuf *whole)
{
	assert(whole->len);
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	name_files(f, id);
	f->base = 0;
	f->written = 0;
	f->cut = f->want_newline = false;
	f->piece_id = 0;		/* its text is in `whole` */
	strbuf_reset(&f->piece);
	strbuf_reset(&f->tail);
	strbuf_add(&f->tail, whole->s, whole->len);
	f->due = now_ms();
}
