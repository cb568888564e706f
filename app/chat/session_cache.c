#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/chat/session_cache.h"
#include "app/chat/session_load.h"
#include "app/config/number.h"
#include "base/xalloc.h"

#define MAGIC "hum sessions 2"

/* The columns of a line, separated by tabs. A text that is there begins with "=", so that "" is
 * none. */
enum { NAME, SIZE, MTIME, MESSAGES, ID, TITLE, FIRST, MODEL, N_COLUMNS };

struct row {
	char *column[N_COLUMNS];	/* in `text` */
};

struct session_cache {
	char *path;
	char *head;			/* first line: what it is, and of which folder */
	char *text;			/* the file as read, cut into columns */
	struct row *rows;		/* by name */
	size_t n, cap;
	size_t n_used;			/* rows that were got */
	bool changed;
	struct strbuf next;		/* the file as it is to be */
};

/* ---- texts on one line ----------------------------------------------------------------------- */

static void
add_escaped(struct strbuf *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '\t')
			strbuf_adds(out, "\\t");
		else if (*s == '\n')
			strbuf_adds(out, "\\n");
		else if (*s == '\\')
			strbuf_adds(out, "\\\\");
		else
			strbuf_addc(out, *s);
	}
}

static void
add_column(struct strbuf *out, const char *text)
{
	strbuf_addc(out, '\t');
	if (!text)
		return;
	strbuf_addc(out, '=');
	add_escaped(out, text);
}

/* The text of a column, heap; NULL for none. */
static char *
column_text(const char *s)
{
	struct strbuf b = STRBUF_INIT;

	if (*s != '=')
		return NULL;
	for (s++; *s; s++) {
		if (*s != '\\')
			strbuf_addc(&b, *s);
		else if (*++s == 't')
			strbuf_addc(&b, '\t');
		else if (*s == 'n')
			strbuf_addc(&b, '\n');
		else if (*s)
			strbuf_addc(&b, *s);
		else
			break;
	}
	return strbuf_detach(&b);
}

/* ---- reading --------------------------------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->column[NAME], ((const struct row *)b)->column[NAME]);
}

static void
add_row(struct session_cache *c, char *line)
{
	struct row row = { { line } };

	for (int i = 1; i < N_COLUMNS; i++) {
		line = strchr(line, '\t');
		if (!line)
			return;
		*line++ = '\0';
		row.column[i] = line;
	}
	VEC_ROOM(c->rows, c->n, c->cap);
	c->rows[c->n++] = row;
}

static void
read_rows(struct session_cache *c)
{
	char *line = c->text, *end;

	for (bool first = true; (end = strchr(line, '\n')); line = end + 1, first = false) {
		*end = '\0';
		if (!first)
			add_row(c, line);
		else if (strcmp(line, c->head) != 0)
			return;
	}
	if (c->n)
		qsort(c->rows, c->n, sizeof *c->rows, by_name);
}

struct session_cache *
session_cache_open(const char *path, const char *dir)
{
	struct session_cache *c = xcalloc(1, sizeof *c);
	struct strbuf head = STRBUF_INIT;
	size_t len;
	int fd = path ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;

	strbuf_adds(&head, MAGIC);
	add_column(&head, dir);
	c->head = strbuf_detach(&head);
	c->path = path ? xstrdup(path) : NULL;
	strbuf_init(&c->next);
	strbuf_addf(&c->next, "%s\n", c->head);
	if (fd >= 0 && session_read_all(fd, path, &c->text, &len, NULL) == 0)
		read_rows(c);
	if (fd >= 0)
		close(fd);
	return c;
}

static void
add_line(struct session_cache *c, const struct cache_key *key, const struct session_summary *s)
{
	if (strpbrk(key->name, "\t\n"))		/* nothing that hum would call a session */
		return;
	strbuf_addf(&c->next, "%s\t%" PRIu64 "\t%" PRId64 "\t%zu\t%s", key->name, key->size,
		key->mtime_ns, s->messages, s->id);
	add_column(&c->next, s->title);
	add_column(&c->next, s->first);
	add_column(&c->next, s->model);
	strbuf_addc(&c->next, '\n');
}

bool
session_cache_get(struct session_cache *c, const struct cache_key *key, struct session_summary *s)
{
	char *name = xstrdup(key->name);
	struct row want = { { name } }, *row;
	uint64_t size, messages;
	int64_t mtime;
	char **column;

	row = c->n ? bsearch(&want, c->rows, c->n, sizeof *c->rows, by_name) : NULL;
	free(name);
	if (!row)
		return false;
	column = row->column;
	if (number_parse_u64(column[SIZE], &size) < 0 || size != key->size ||
		number_parse_int(column[MTIME], &mtime) < 0 || mtime != key->mtime_ns ||
		number_parse_u64(column[MESSAGES], &messages) < 0 ||
		!session_id_valid(column[ID], strlen(column[ID])))
		return false;
	s->messages = messages;
	strcpy(s->id, column[ID]);
	s->title = column_text(column[TITLE]);
	s->first = column_text(column[FIRST]);
	s->model = column_text(column[MODEL]);
	c->n_used++;
	add_line(c, key, s);
	return true;
}

void
session_cache_put(
	struct session_cache *c, const struct cache_key *key, const struct session_summary *s)
{
	c->changed = true;
	add_line(c, key, s);
}

/* ---- writing --------------------------------------------------------------------------------- */

/* By a rename, so that two programs that list at once leave a whole file of one of them. */
static void
write_next(struct session_cache *c)
{
	char *tmp = xasprintf("%s.XXXXXX", c->path);
	int fd = mkostemp(tmp, O_CLOEXEC);
	bool whole;

	if (fd >= 0) {
		whole = write(fd, c->next.s, c->next.len) == (ssize_t)c->next.len;
		if (close(fd) < 0 || !whole || rename(tmp, c->path) < 0)
			unlink(tmp);
	}
	free(tmp);
}

void
session_cache_close(struct session_cache *c)
{
	if (c->path && (c->changed || c->n_used != c->n))
		write_next(c);
	free(c->path);
	free(c->head);
	free(c->text);
	free(c->rows);
	strbuf_release(&c->next);
	free(c);
}
