/* Reading what a program is given to work on: a file, or standard input. */
#ifndef APP_CLI_INPUT_H
#define APP_CLI_INPUT_H

#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "base/strbuf.h"

/* Appends all of a file, or of standard input for "-". ERR_STORE: cannot be read; ERR_FIT: more
 * than `max` bytes; ERR_INTERRUPTED. */
int input_read(const char *path, size_t max, struct strbuf *out, struct err *e);

/* Opens for reading piece by piece; "-": standard input. NULL and ERR_STORE. */
FILE *input_open(const char *path, struct err *e);
void input_close(FILE *f);

/* After a read from `f` ended: -1 and e when that was no end of file. */
int input_check(FILE *f, const char *path, struct err *e);

/* Makes a text fit for a prompt, which is valid UTF-8 without NUL: what is not becomes U+FFFD.
 * Returns how many bytes were not. */
size_t input_repair(struct strbuf *text);

#endif
