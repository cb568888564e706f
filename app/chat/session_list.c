#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/chat/session.h"
#include "app/chat/session_cache.h"
#include "app/chat/session_file.h"
#include "app/chat/session_load.h"
#include "base/utf8.h"
#include "base/xalloc.h"

#define FIRST_BYTES 240		/* of the first user text that a summary keeps */

/* ---- what is in one file --------------------------------------------------------------------- */

/* The file's name without ".yaml", when it is a session's. */
static bool
is_session_name(const char *name)
{
	size_t n = strlen(name);

	return n > 5 && name[0] != '.' && strcmp(name + n - 5, ".yaml") == 0;
}

static char *
copy_text(const struct event_text *text, size_t max)
{
	size_t n = text->len < max ? text->len : max;

	n = strnlen(text->s, n);
	return xstrndup(text->s, n - utf8_incomplete_tail(text->s, n));
}

static void
replace(char **field, const struct event_text *text)
{
	free(*field);
	*field = text->len ? copy_text(text, SIZE_MAX) : NULL;
}

static void
take_event(struct session_summary *s, const struct event *ev)
{
	switch (ev->kind) {
	case EVENT_MESSAGE:
		s->messages++;
		if (ev->role == ROLE_USER && !s->first && ev->text.s)
			s->first = copy_text(&ev->text, FIRST_BYTES);
		if (ev->model.s)
			replace(&s->model, &ev->model);
		break;
	case EVENT_DELETE:
		s->messages -= s->messages > 0;
		break;
	case EVENT_TITLE:
		replace(&s->title, &ev->text);
		break;
	case EVENT_MODEL:
		replace(&s->model, &ev->text);
		break;
	default:
		break;
	}
}

static bool
begins_with(const struct event_doc *doc, const char *begin)
{
	size_t n = strlen(begin);

	return doc->len >= n && memcmp(doc->s, begin, n) == 0;
}

/* What is known of a stream while it is read. */
struct scan {
	struct session_summary *summary;
	struct event_reader reader;
	bool header;			/* has been seen */
	struct event_doc answer; /* newest one that names its model, not read yet; s NULL: none */
};

static void
read_doc(struct scan *scan, const struct event_doc *doc, struct event *ev)
{
	struct ydoc_fault fault;

	if (event_read(&scan->reader, doc, ev, &fault) < 0)
		ev->kind = EVENT_UNKNOWN;
}

/*
 * Most documents need not be read, as hum writes them: pieces say nothing for a summary, messages
 * after the first one are only counted, and of the answers the last one alone tells the model.
 */
static bool
is_passed_over(struct scan *scan, const struct event_doc *doc)
{
	static const char *const silent[] = {
		"--- {piece:", "--- {done:", "--- {head:", "--- {reopen:"
	};

	for (size_t i = 0; i < sizeof silent / sizeof *silent; i++)
		if (begins_with(doc, silent[i]))
			return true;
	if (!scan->summary->first || !begins_with(doc, "---\nmessage: "))
		return false;
	scan->summary->messages++;
	if (memmem(doc->s, doc->len, "\nmodel: ", 8)) /* not in a text: those are indented */
		scan->answer = *doc;
	return true;
}

static int
take_header(struct scan *scan, const struct event *ev, const char *path, struct err *e)
{
	scan->header = true;
	if (session_check_header(ev, path, e) < 0)
		return -1;
	if (session_id_valid(ev->text.s, ev->text.len))
		memcpy(scan->summary->id, ev->text.s, ev->text.len + 1);
	return 0;
}

static void
take_model(struct scan *scan)
{
	struct event ev;

	if (!scan->answer.s)
		return;
	read_doc(scan, &scan->answer, &ev);
	if (ev.kind == EVENT_MESSAGE && ev.model.s)
		replace(&scan->summary->model, &ev.model);
}

static int
summarise_stream(
	struct session_summary *s, const char *path, const char *bytes, size_t len, struct err *e)
{
	struct scan scan = { .summary = s };
	struct event ev = { .kind = EVENT_UNKNOWN };
	struct event_doc doc;
	size_t pos = 0;
	int rc = 0;

	event_reader_init(&scan.reader);
	while (rc == 0 && event_next_doc(bytes, len, &pos, &doc) && doc.closed) {
		if (scan.header && is_passed_over(&scan, &doc))
			continue;
		read_doc(&scan, &doc, &ev);
		if (!scan.header)
			rc = take_header(&scan, &ev, path, e);
		else
			take_event(s, &ev);
		if (ev.kind == EVENT_MODEL)
			scan.answer.s = NULL;
	}
	if (rc == 0 && !scan.header)
		rc = session_check_header(&ev, path, e);
	take_model(&scan);
	event_reader_release(&scan.reader);
	return rc;
}

static void
break_summary(struct session_summary *s, const char *why)
{
	free(s->title);
	s->title = xstrdup(why);
	s->broken = true;
}

static void
summarise(struct session_summary *s)
{
	int fd = open(s->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char *bytes = NULL;
	struct err e = { 0 };
	size_t len;

	if (fd < 0)
		break_summary(s, strerror(errno));
	else if (session_read_all(fd, s->path, &bytes, &len, &e) < 0 ||
		summarise_stream(s, s->path, bytes, len, &e) < 0)
		break_summary(s, e.text);
	free(bytes);
	if (fd >= 0)
		close(fd);
}

/* ---- all of a folder ------------------------------------------------------------------------- */

static int
newest_first(const void *va, const void *vb)
{
	const struct session_summary *a = va, *b = vb;

	if (a->changed_ms != b->changed_ms)
		return a->changed_ms < b->changed_ms ? 1 : -1;
	return strcmp(b->path, a->path);	/* ids sort by time of creation */
}

static void
summary_release(struct session_summary *s)
{
	free(s->path);
	free(s->title);
	free(s->first);
	free(s->model);
}

void
session_list_free(struct session_summary *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		summary_release(&list[i]);
	free(list);
}

static int64_t
mtime_ns(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

/* From the cache when the file is the one it was made from, else from the file. */
static void
fill(struct session_summary *s, const char *dir, const char *name, const struct stat *st,
	struct session_cache *cache)
{
	struct cache_key key = { name, (uint64_t)st->st_size, mtime_ns(st) };
	size_t stem = strlen(name) - 5;

	*s = (struct session_summary){ .path = xasprintf("%s/%s", dir, name) };
	s->changed_ms = key.mtime_ns / 1000000;
	if (session_cache_get(cache, &key, s))
		return;
	if (stem < sizeof s->id)		/* until its header says better */
		snprintf(s->id, sizeof s->id, "%.*s", (int)stem, name);
	summarise(s);
	if (!s->broken)			/* which may be the disk's fault, and pass */
		session_cache_put(cache, &key, s);
}

int
session_list(const char *dir, const char *cache_path, struct session_summary **out, size_t *n,
	struct err *e)
{
	struct session_cache *cache;
	struct dirent *entry;
	size_t cap = 0;
	DIR *d = opendir(dir);

	*out = NULL;
	*n = 0;
	if (!d && errno == ENOENT)
		return 0;
	if (!d)
		return err_errno(e, ERR_STORE, "cannot list the sessions in %s", dir);
	cache = session_cache_open(cache_path, dir);
	while ((entry = readdir(d))) {
		struct stat st;

		if (!is_session_name(entry->d_name) ||
			fstatat(dirfd(d), entry->d_name, &st, 0) < 0 || !S_ISREG(st.st_mode))
			continue;
		VEC_ROOM(*out, *n, cap);
		fill(&(*out)[(*n)++], dir, entry->d_name, &st, cache);
	}
	closedir(d);
	session_cache_close(cache);
	if (*n)
		qsort(*out, *n, sizeof **out, newest_first);
	return 0;
}

char *
session_newest(const char *dir)
{
	char *newest = NULL;
	int64_t newest_ns = 0;
	struct dirent *entry;
	DIR *d = opendir(dir);

	if (!d)
		return NULL;
	while ((entry = readdir(d))) {
		struct stat st;
		int64_t ns;

		if (!is_session_name(entry->d_name) ||
			fstatat(dirfd(d), entry->d_name, &st, 0) < 0 || !S_ISREG(st.st_mode))
			continue;
		ns = mtime_ns(&st);
		if (newest &&
			(ns < newest_ns || (ns == newest_ns && strcmp(entry->d_name, newest) < 0)))
			continue;
		free(newest);
		newest = xstrdup(entry->d_name);
		newest_ns = ns;
	}
	closedir(d);
	if (newest) {
		char *path = xasprintf("%s/%s", dir, newest);

		free(newest);
		newest = path;
	}
	return newest;
}

/* ---- finding one ----------------------------------------------------------------------------- */

/* The name of its file without ".yaml": its id, but where two have the same one. Not terminated. */
static const char *
stem(const struct session_summary *s, size_t *len)
{
	const char *name = strrchr(s->path, '/') + 1;

	*len = strlen(name) - strlen(".yaml");
	return name;
}

/* How well `what` names a session: the higher the better, 0 not at all. Only the best matches
 * count. */
static int
match(const struct session_summary *s, const char *what)
{
	size_t n = strlen(what), len;
	const char *name = stem(s, &len);

	if (n == len && strncasecmp(name, what, n) == 0)
		return 5;
	if (strcasecmp(s->id, what) == 0)
		return 4;
	if (!s->broken && s->title && strcasecmp(s->title, what) == 0)
		return 3;
	if (n >= 4 && strncasecmp(s->id, what, n) == 0)
		return 2;
	return !s->broken && s->title && n && strcasestr(s->title, what) ? 1 : 0;
}

static void
name_candidate(struct strbuf *out, const struct session_summary *s)
{
	size_t len;
	const char *name = stem(s, &len);

	strbuf_addf(out, "%s%.*s", out->len ? ", " : "", (int)len, name);
	if (s->title)
		strbuf_addf(out, " (%s)", s->title);
}

const struct session_summary *
session_find_in(const struct session_summary *list, size_t n, const char *what, struct err *e)
{
	struct strbuf candidates = STRBUF_INIT;
	const struct session_summary *first = NULL;
	size_t found = 0;
	int best = 1;

	for (size_t i = 0; i < n; i++)
		if (match(&list[i], what) > best)
			best = match(&list[i], what);
	for (size_t i = 0; i < n; i++) {
		if (match(&list[i], what) != best)
			continue;
		if (!found++)
			first = &list[i];
		if (found <= 4)
			name_candidate(&candidates, &list[i]);
	}
	if (found > 1)
		err_set(e, ERR_STORE, "\"%s\" could be any of %zu chats: %s%s", what, found,
			candidates.s, found > 4 ? ", ..." : "");
	else if (!found)
		err_set(e, ERR_STORE, "there is no chat \"%s\"", what);
	strbuf_release(&candidates);
	return found == 1 ? first : NULL;
}

char *
session_find(const char *dir, const char *cache_path, const char *what, struct err *e)
{
	const struct session_summary *found;
	struct session_summary *list;
	char *path;
	size_t n;

	if (session_list(dir, cache_path, &list, &n, e) < 0)
		return NULL;
	found = session_find_in(list, n, what, e);
	path = found ? xstrdup(found->path) : NULL;
	session_list_free(list, n);
	return path;
}
