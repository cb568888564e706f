/*
 * Errors of the world (files, models, configs, networks), as against faults of ours (assert) and a
 * failed small allocation (abort, base/xalloc.h).
 *
 * A function that can fail takes a `struct err *` as its last parameter and returns -1 or NULL when
 * it failed; the message is one sentence for the user that names the thing and what to do about it.
 * The code is also the exit status of the program when the error ends it.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_code {
	ERR_NONE = 0,
	ERR_USAGE = 1,		/* command line */
	ERR_CONFIG = 2,		/* configuration or theme file */
	ERR_MODEL = 3,		/* model missing or refused */
	ERR_FIT = 4,		/* the prompt does not fit into the context */
	ERR_BACKEND = 5,	/* inference or network failed */
	ERR_STORE = 6,		/* session or disk */
	ERR_INTERRUPTED = 130,	/* cancelled by the user */
};

struct err {
	enum err_code code;
	char text[512];		/* UTF-8, cut at a character when too long, never ends in a newline */
};

/* Sets code and text; always returns -1, so that `return err_set(...)` reads well. `e` may be NULL. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set, with ": " and strerror(errno) appended. */
int err_errno(struct err *e, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the text of an error already set. Returns -1. */
int err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
