#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/config/document.h"
#include "app/config/paths.h"
#include "app/config/settings.h"
#include "base/utf8.h"

#define MAX_BYTES ((size_t)1 << 20)
#define MAX_TOLD 5

int
document_read_file(const char *path, struct strbuf *out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), saved;
	char buf[16384], *name;
	ssize_t n = -1;

	if (fd >= 0)
		while ((n = read(fd, buf, sizeof buf)) > 0 && out->len <= MAX_BYTES)
			strbuf_add(out, buf, (size_t)n);
	saved = errno;
	if (fd >= 0)
		close(fd);
	name = path_pretty(path);
	errno = saved;
	if (n < 0)
		err_errno(e, ERR_CONFIG, "cannot read %s", name);
	else if (n > 0)
		err_set(e, ERR_CONFIG, "%s is longer than 1 MiB", name);
	free(name);
	errno = saved;
	return n == 0 ? 0 : -1;
}

/* A line of the list of problems. What the file said is scrubbed: the list goes to a terminal. */
static void __attribute__((format(printf, 4, 0)))
tell(struct document *d, unsigned line, unsigned column, const char *fmt, va_list ap)
{
	struct strbuf text = STRBUF_INIT;

	if (d->n_problems++ >= MAX_TOLD)
		return;
	strbuf_vaddf(&text, fmt, ap);
	for (size_t i = 0; i < text.len; i++)
		if (text.s[i] == '\n')
			text.s[i] = ' ';
	strbuf_addf(
		&d->problems, "%s%s:%u:%u: ", d->problems.len ? "\n" : "", d->name, line, column);
	utf8_scrub(&d->problems, text.s, text.len);
	strbuf_release(&text);
}

static void __attribute__((format(printf, 4, 5)))
tell_at(struct document *d, unsigned line, unsigned column, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(d, line, column, fmt, ap);
	va_end(ap);
}

void
document_problem(struct document *d, const struct ynode *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(d, at->line, at->column, fmt, ap);
	va_end(ap);
}

const struct ynode *
document_begin(struct document *d, const char *name, const char *bytes, size_t len)
{
	static const struct ydoc_limits limits = { .bytes = MAX_BYTES, .depth = 8, .nodes = 20000 };
	struct ydoc_fault fault;

	d->name = name;
	d->n_problems = 0;
	strbuf_init(&d->problems);
	ydoc_init(&d->doc);
	if (ydoc_parse(&d->doc, bytes, len, &limits, &fault) < 0) {
		tell_at(d, fault.line, fault.column, "%s", fault.text);
		return NULL;
	}
	if (!d->doc.root || ynode_is_null(d->doc.root))
		return NULL;
	if (d->doc.root->kind != YNODE_MAP) {
		document_problem(d, d->doc.root, "the file must be a map of names and values");
		return NULL;
	}
	return d->doc.root;
}

int
document_finish(struct document *d, struct err *e)
{
	int rc = 0;

	if (d->n_problems > MAX_TOLD)
		strbuf_addf(&d->problems, "\n... and %zu more", d->n_problems - MAX_TOLD);
	if (d->n_problems)
		rc = err_set(e, ERR_CONFIG, "%s", d->problems.s);
	strbuf_release(&d->problems);
	ydoc_release(&d->doc);
	return rc;
}

void
document_unknown_key(
	struct document *d, const struct ynode *key, const char *what, const char *const *known)
{
	const char *near = nearest_name(key->text, known);
	struct strbuf list = STRBUF_INIT;

	if (near) {
		document_problem(
			d, key, "unknown %s \"%s\"; did you mean \"%s\"?", what, key->text, near);
		return;
	}
	for (; *known; known++)
		strbuf_addf(&list, "%s%s", list.len ? ", " : "", *known);
	document_problem(d, key, "unknown %s \"%.40s\"; there are: %s", what, key->text, list.s);
	strbuf_release(&list);
}

const char *
document_text(struct document *d, const struct ynode *n, const char *key)
{
	if (n->kind != YNODE_SCALAR) {
		document_problem(d, n, "\"%s\" must be a text", key);
		return NULL;
	}
	if (strlen(n->text) != n->len) {
		document_problem(d, n, "\"%s\" has a NUL in it", key);
		return NULL;
	}
	return n->text;
}
