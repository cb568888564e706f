/*
 * Standard output of everything that is no full-screen chat: buffered; the first write that fails
 * is remembered, what follows is dropped, and the end reports it and makes it the exit status. A
 * reader that goes away (EPIPE) has what it wants, and nothing is said: the exit status is that of a
 * program which SIGPIPE ended, but work that is not for the reader, as a turn to store, is done.
 */
#ifndef APP_CLI_OUTPUT_H
#define APP_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strbuf.h"

enum { OUTPUT_UNREAD = 141 };	/* exit status: 128 + SIGPIPE, as shells have it */

struct output {
	int fd;
	struct strbuf buf;
	int error;		/* errno of the first write that failed; 0: none */
	bool tty, color;	/* color: a terminal that knows colours, and NO_COLOR is not set */
	size_t cols;		/* of the terminal; 0: not known, or none */
};

/* Also gives descriptors 0 to 2, where they are closed, to /dev/null, and ignores SIGPIPE. Before
 * any file is opened. */
void output_init(struct output *o, int fd);

void output_add(struct output *o, const void *bytes, size_t n);
void output_adds(struct output *o, const char *s);
void output_addf(struct output *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Text of a model, a file or a session: scrubbed for a terminal, as it is for a file or pipe. */
void output_text(struct output *o, const char *s, size_t n);

/* Starts a style, for example "1;34" (numbers of ECMA-48 SGR), or ends all with NULL; nothing
 * without colours. */
void output_style(struct output *o, const char *sgr);

int output_flush(struct output *o);	/* -1: this or an earlier write has failed */

/* Flushes and closes. Returns `status`, or ERR_STORE after saying on stderr why the output is not
 * complete, or OUTPUT_UNREAD; an interrupted program stays one. */
int output_end(struct output *o, int status);

/* "hum: text" on stderr, scrubbed. Returns the error's code: the exit status. */
int complain(const struct err *e);
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
