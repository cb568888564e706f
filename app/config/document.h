/*
 * A YAML file that the user writes (configuration, theme): read, parsed, and everything that is
 * wrong with it gathered, so that all can be put right at once. Problems read "file:line:column:
 * what".
 */
#ifndef APP_CONFIG_DOCUMENT_H
#define APP_CONFIG_DOCUMENT_H

#include <stddef.h>

#include "app/config/yaml.h"
#include "base/err.h"
#include "base/strbuf.h"

struct document {
	const char *name;		/* borrowed; stands in messages */
	struct ydoc doc;
	size_t n_problems;
	struct strbuf problems;
};

/* Reads a whole file, at most 1 MiB. -1 and ERR_CONFIG; errno is ENOENT when there is none. */
int document_read_file(const char *path, struct strbuf *out, struct err *e);

/*
 * Parses. Returns the root, a map; NULL when the document is empty, or no map, or no YAML (the
 * latter two are problems). `name` and the result live until document_finish.
 */
const struct ynode *document_begin(
	struct document *d, const char *name, const char *bytes, size_t len);

void document_problem(struct document *d, const struct ynode *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Frees it. -1 and ERR_CONFIG with up to five problems, a line each, when there were any. */
int document_finish(struct document *d, struct err *e);

/* Reports a key that is not among `known` (NULL-terminated), with the nearest that is. */
void document_unknown_key(
	struct document *d, const struct ynode *key, const char *what, const char *const *known);

/* The text of a scalar; NULL, and a problem that names `key`, when it is none or has a NUL in it.
 * Borrowed. */
const char *document_text(struct document *d, const struct ynode *n, const char *key);

#endif
