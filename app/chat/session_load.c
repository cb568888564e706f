#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/chat/session.h"
#include "app/chat/session_file.h"
#include "app/chat/session_load.h"
#include "app/config/paths.h"
#include "base/fd.h"
#include "base/xalloc.h"

#define MAX_SIZE ((off_t)2 << 30)	/* of a session's file */
#define MAX_PROBLEMS 3			/* told one by one; the others are counted */

struct loader {
	struct session *s;
	const char *bytes;		/* the whole file */
	size_t len;
	const char *doc;		/* the document at hand */
	struct message *last;		/* newest one that was looked up: pieces come in rows */
	bool header;			/* has been seen */
	size_t n_problems, n_unknown;
	struct strbuf warning;
};

/* ---- telling what was found ------------------------------------------------------------------ */

static void __attribute__((format(printf, 2, 3)))
warn(struct loader *l, const char *fmt, ...)
{
	va_list ap;

	if (l->warning.len)
		strbuf_adds(&l->warning, "; ");
	va_start(ap, fmt);
	strbuf_vaddf(&l->warning, fmt, ap);
	va_end(ap);
}

/* Something is wrong in line `line` (from 1) of the document at hand. Lines are only counted when
 * asked for. */
static void __attribute__((format(printf, 3, 4)))
problem(struct loader *l, unsigned line, const char *fmt, ...)
{
	va_list ap;

	if (l->n_problems++ >= MAX_PROBLEMS)
		return;
	for (const char *p = l->bytes; (p = memchr(p, '\n', (size_t)(l->doc - p))); p++)
		line++;
	warn(l, "line %u: ", line);
	va_start(ap, fmt);
	strbuf_vaddf(&l->warning, fmt, ap);
	va_end(ap);
}

static void
sum_up(struct loader *l)
{
	if (l->n_problems > MAX_PROBLEMS)
		warn(l, "and %zu more like these", l->n_problems - MAX_PROBLEMS);
	if (l->n_unknown)
		warn(l, "%zu event%s of an unknown kind ignored", l->n_unknown,
			l->n_unknown == 1 ? "" : "s");
	if (l->warning.len)
		l->s->warning = strbuf_detach(&l->warning);
	strbuf_release(&l->warning);
}

/* ---- from events to the conversation --------------------------------------------------------- */

bool
session_id_valid(const char *id, size_t len)
{
	static const char allowed[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-";

	return len > 0 && len <= 36 && strlen(id) == len && strspn(id, allowed) == len;
}

int
session_check_header(const struct event *ev, const char *path, struct err *e)
{
	char *name = path_pretty(path);
	int rc = 0;

	if (ev->kind != EVENT_HEADER || ev->version < 1)
		rc = err_set(e, ERR_STORE, "%s is no session of hum", name);
	else if (ev->version > SESSION_VERSION)
		rc = err_set(e, ERR_STORE,
			"%s was written by a newer version of hum (format %" PRId64
			", this one knows %d); it was not touched",
			name, ev->version, SESSION_VERSION);
	free(name);
	return rc;
}

static void
apply_header(struct loader *l, const struct event *ev)
{
	struct conversation *c = &l->s->conv;

	if (l->header) {
		problem(l, 1, "a second header is ignored");
		return;
	}
	l->header = true;
	c->created_ms = ev->at_ms;
	if (session_id_valid(ev->text.s, ev->text.len)) {
		memcpy(c->id, ev->text.s, ev->text.len + 1);
	} else {
		problem(l, 1, "the session's id is not valid; it gets another one");
		session_make_id(c->id, ev->at_ms);
	}
}

static struct message *
find(struct loader *l, int id)
{
	if (!l->last || l->last->id != id)
		l->last = conversation_find(&l->s->conv, id);
	return l->last;
}

static void
apply_message(struct loader *l, const struct event *ev)
{
	struct message *m;
	int parent = ev->parent;

	if (find(l, ev->id)) {
		problem(l, 1, "a second message %d is ignored", ev->id);
		return;
	}
	if (parent >= ev->id) {
		problem(l, 1, "message %d cannot answer message %d; it is taken as a first one",
			ev->id, parent);
		parent = 0;
	}
	m = conversation_add(&l->s->conv, ev->id, parent, ev->role);
	m->at_ms = ev->at_ms;
	strbuf_add(&m->text, ev->text.s, ev->text.len);
	if (m->role == ROLE_ASSISTANT) {
		m->model = ev->model.s ? xstrdup(ev->model.s) : NULL;
		m->seed = ev->seed;
		m->sampling = ev->sampling;
	} else {
		m->finish = FINISH_STOP;
	}
	l->s->conv.head = m->id;
	l->last = m;
}

/* The message that an event is about; NULL, and reported, when it is not there or not an answer. */
static struct message *
answer(struct loader *l, const struct event *ev, const char *what)
{
	struct message *m = find(l, ev->id);

	if (m && m->role == ROLE_ASSISTANT)
		return m;
	problem(l, 1, m ? "%s of message %d, which is no answer, is ignored" :
		"%s of message %d, which is not there, is ignored", what, ev->id);
	return NULL;
}

static void
apply_piece(struct loader *l, const struct event *ev)
{
	struct message *m = answer(l, ev, "a piece");

	if (m)
		strbuf_add(&m->text, ev->text.s, ev->text.len);
}

static void
apply_done(struct loader *l, const struct event *ev)
{
	struct message *m = answer(l, ev, "the end");

	if (!m)
		return;
	m->finish = ev->finish;
	m->stats = ev->stats;
}

static void
apply_reopen(struct loader *l, const struct event *ev)
{
	struct message *m = answer(l, ev, "the reopening");

	if (m)
		m->finish = FINISH_OPEN;
}

static void
apply_head(struct loader *l, const struct event *ev)
{
	if (ev->id && !find(l, ev->id))
		problem(l, 1, "the head %d is not there", ev->id);
	else
		l->s->conv.head = ev->id;
}

/* Where the head went then is an event of its own. */
static void
apply_delete(struct loader *l, const struct event *ev)
{
	if (find(l, ev->id))
		l->last->deleted = true;
	else
		problem(l, 1, "message %d, which is not there, cannot be deleted", ev->id);
}

static void
set_text(char **field, const struct event_text *text)
{
	free(*field);
	*field = *text->s ? xstrdup(text->s) : NULL;
}

static void
apply_title(struct loader *l, const struct event *ev)
{
	set_text(&l->s->conv.title, &ev->text);
}

static void
apply_system(struct loader *l, const struct event *ev)
{
	set_text(&l->s->conv.system, &ev->text);
}

static void
apply_model(struct loader *l, const struct event *ev)
{
	set_text(&l->s->conv.model, &ev->text);
}

static void
apply_unknown(struct loader *l, const struct event *ev)
{
	l->n_unknown++;
}

static void (*const apply[])(struct loader *, const struct event *) = {
	[EVENT_HEADER] = apply_header,
	[EVENT_MESSAGE] = apply_message,
	[EVENT_PIECE] = apply_piece,
	[EVENT_DONE] = apply_done,
	[EVENT_HEAD] = apply_head,
	[EVENT_TITLE] = apply_title,
	[EVENT_SYSTEM] = apply_system,
	[EVENT_DELETE] = apply_delete,
	[EVENT_REOPEN] = apply_reopen,
	[EVENT_MODEL] = apply_model,
	[EVENT_UNKNOWN] = apply_unknown,
};

/* Answers to messages that never came become first ones. */
static void
adopt_orphans(struct loader *l)
{
	struct conversation *c = &l->s->conv;

	for (size_t i = 0; i < c->n; i++) {
		struct message *m = c->messages[i];

		if (!m->parent || conversation_find(c, m->parent))
			continue;
		if (l->n_problems++ < MAX_PROBLEMS)
			warn(l,
				"message %d answers message %d, which is not there; "
				"it is taken as a first one",
				m->id, m->parent);
		conversation_move(c, m, 0);
	}
}

/* ---- the stream ------------------------------------------------------------------------------ */

static int
load_header(struct loader *l, struct event_reader *r, const struct event_doc *doc, const char *path,
	struct err *e)
{
	struct ydoc_fault fault;
	struct event ev;

	if (!doc->closed || event_read(r, doc, &ev, &fault) < 0)
		ev.kind = EVENT_UNKNOWN;
	if (session_check_header(&ev, path, e) < 0)
		return -1;
	if (*fault.text)
		problem(l, fault.line, "%s; it is left out", fault.text);
	apply_header(l, &ev);
	return 0;
}

static void
load_event(struct loader *l, struct event_reader *r, const struct event_doc *doc)
{
	struct ydoc_fault fault;
	struct event ev;

	if (event_read(r, doc, &ev, &fault) < 0) {
		problem(l, fault.line, "%s; this event is ignored", fault.text);
		return;
	}
	if (*fault.text)
		problem(l, fault.line, "%s; it is left out", fault.text);
	apply[ev.kind](l, &ev);
}

/* Reads all complete events; *good gets the length of the file up to the end of the last one. */
static int
load_stream(struct loader *l, const char *path, size_t *good, struct err *e)
{
	struct event_reader r;
	struct event_doc doc;
	struct event ev;
	size_t pos = 0, n;
	int rc = 0;

	event_reader_init(&r);
	*good = 0;
	while (rc == 0) {
		l->doc = l->bytes + pos;
		n = l->header ? event_read_piece(&r, l->bytes + pos, l->len - pos, &ev) : 0;
		if (n) {
			apply_piece(l, &ev);
			*good = pos += n;
			continue;
		}
		if (!event_next_doc(l->bytes, l->len, &pos, &doc)) {
			*good = l->len;
			break;
		}
		l->doc = doc.s;
		if (!l->header)
			rc = load_header(l, &r, &doc, path, e);
		else if (doc.closed)
			load_event(l, &r, &doc);
		if (!doc.closed)
			break;
		*good = pos;
	}
	event_reader_release(&r);
	if (rc == 0 && !l->header)
		rc = session_check_header(&(struct event){ .kind = EVENT_UNKNOWN }, path, e);
	return rc;
}

int
session_read_all(int fd, const char *path, char **bytes, size_t *len, struct err *e)
{
	char *name = path_pretty(path);
	struct stat st;
	ssize_t n;
	int rc = -1;

	*bytes = NULL;
	*len = 0;
	if (fstat(fd, &st) < 0) {
		err_errno(e, ERR_STORE, "cannot read %s", name);
	} else if (!S_ISREG(st.st_mode)) {
		err_set(e, ERR_STORE, "%s is no file", name);
	} else if (st.st_size > MAX_SIZE) {
		err_set(e, ERR_STORE, "%s is too big for a session", name);
	} else if (!(*bytes = malloc((size_t)st.st_size + 1))) {
		err_set(e, ERR_STORE, "not enough memory to read %s", name);
	} else {
		while ((n = pread(fd, *bytes + *len, (size_t)st.st_size - *len, (off_t)*len)) > 0)
			*len += (size_t)n;
		(*bytes)[*len] = '\0';
		rc = n < 0 ? err_errno(e, ERR_STORE, "cannot read %s", name) : 0;
	}
	free(name);
	return rc;
}

/* ---- the torn end ---------------------------------------------------------------------------- */

/* Opens a file for the torn bytes: PATH.torn-TIME, numbered when there is one already. */
static int
open_torn(const char *path, char **torn_path)
{
	time_t now = time(NULL);
	char stamp[32];
	struct tm tm;
	int fd = -1;

	strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
	for (int i = 1; i <= 100 && fd < 0; i++) {
		*torn_path = i == 1 ? xasprintf("%s.torn-%s", path, stamp) :
			xasprintf("%s.torn-%s-%d", path, stamp, i);
		fd = open(*torn_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0) {
			free(*torn_path);
			*torn_path = NULL;
			if (errno != EEXIST)
				break;
		}
	}
	return fd;
}

/* Copies the torn end aside, makes sure of the copy, then cuts it off. -1 and errno; the file is as
 * it was then. */
static int
cut_torn(struct loader *l, int fd, const char *path, size_t good)
{
	char *torn_path = NULL, *name;
	int copy = open_torn(path, &torn_path), rc = -1, saved;

	if (copy < 0)
		return -1;
	rc = fd_write_all(copy, l->bytes + good, l->len - good);
	if (rc == 0)
		rc = fsync(copy);
	if (rc == 0)
		rc = session_sync_folder(torn_path);
	if (rc == 0)
		rc = ftruncate(fd, (off_t)good);
	saved = errno;
	close(copy);
	if (rc < 0) {
		unlink(torn_path);
	} else {
		name = path_pretty(torn_path);
		warn(l, "the end of the file was torn; it is kept in %s", name);
		free(name);
	}
	free(torn_path);
	errno = saved;
	return rc;
}

/* ---- opening --------------------------------------------------------------------------------- */

static int
open_for_reading(struct loader *l, const char *path)
{
	l->s->read_only = true;
	return open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

/* Opens for writing and locks; what cannot be written is opened for reading. -1 and errno. */
static int
open_for_writing(struct loader *l, const char *path)
{
	int fd = open(path, O_RDWR | O_APPEND | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0) {
		/* What some network file systems cannot lock at all is written all the same. */
		l->s->in_use = l->s->read_only = session_file_lock(fd) == LOCK_HELD;
		if (l->s->in_use)
			warn(l, "another program has it open");
		return fd;
	}
	if (errno != EACCES && errno != EROFS && errno != EPERM)
		return -1;
	warn(l, "it cannot be written (%s)", strerror(errno));
	return open_for_reading(l, path);
}

static int
open_session(struct loader *l, const char *path, bool only_look, struct err *e)
{
	int fd = only_look ? open_for_reading(l, path) : open_for_writing(l, path);
	char *name;

	if (fd < 0) {
		name = path_pretty(path);
		err_errno(e, ERR_STORE, "cannot open %s", name);
		free(name);
	}
	return fd;
}

/* Whether somebody is writing the file, or was while it was read. */
static bool
is_being_written(const struct loader *l, int fd)
{
	bool locked = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
	struct stat st;

	flock(fd, LOCK_UN);
	return locked || (fstat(fd, &st) == 0 && (size_t)st.st_size != l->len);
}

/* A reader sees a torn end while the writer is writing: none of its business. */
static void
leave_torn(struct loader *l, int fd)
{
	struct session *s = l->s;

	s->in_use = s->in_use || is_being_written(l, fd);
	if (!s->in_use)
		warn(l, "the end (%zu bytes) is torn and left out", s->torn);
}

static void
load_into_file(struct loader *l, int fd, const char *path, size_t good)
{
	struct session *s = l->s;
	struct stat st;

	s->torn = l->len - good;
	if (s->torn && s->read_only) {
		leave_torn(l, fd);
	} else if (s->torn && cut_torn(l, fd, path, good) < 0) {
		warn(l, "its end is torn and cannot be put aside (%s): read-only", strerror(errno));
		s->read_only = true;
	}
	if (fstat(fd, &st) == 0)
		s->conv.changed_ms =
			(int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	s->file = session_file_adopt(path, fd, good, good && l->bytes[good - 1] == '\n');
}

static struct session *
load(const char *path, bool only_look, struct err *e)
{
	struct session *s = xcalloc(1, sizeof *s);
	struct loader l = { .s = s, .warning = STRBUF_INIT };
	char *bytes = NULL;
	size_t good;
	int fd;

	conversation_init(&s->conv);
	fd = open_session(&l, path, only_look, e);
	if (fd < 0 || session_read_all(fd, path, &bytes, &l.len, e) < 0)
		goto fail;
	l.bytes = bytes;
	if (load_stream(&l, path, &good, e) < 0)
		goto fail;
	adopt_orphans(&l);
	load_into_file(&l, fd, path, good);
	sum_up(&l);
	free(bytes);
	return s;
fail:
	if (fd >= 0)
		close(fd);
	free(bytes);
	strbuf_release(&l.warning);
	session_free(s);
	return NULL;
}

struct session *
session_load(const char *path, struct err *e)
{
	return load(path, false, e);
}

struct session *
session_look(const char *path, struct err *e)
{
	return load(path, true, e);
}
