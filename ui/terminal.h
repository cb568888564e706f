/*
 * The terminal itself: curses' set-up, the modes that curses knows nothing of (bracketed paste, SGR
 * mouse, keys with modifiers), and the way back. One at a time.
 *
 * curses writes into a file in memory; what it wrote goes out in one piece, so that a frame is seen
 * whole. What the terminal does not take at once waits: nothing here blocks, but for a second when
 * a terminal that takes nothing is left.
 */
#ifndef UI_TERMINAL_H
#define UI_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "base/strbuf.h"

struct palette;

struct terminal {
	void *screen;		/* curses' SCREEN */
	FILE *file;		/* what curses writes to, */
	int collected;		/* and its descriptor */
	struct strbuf raw, out;	/* a frame as curses wrote it, and as it goes out; */
	size_t sent;		/* so much of `out` the terminal has taken */
	int out_fd;		/* -1: headless */
	bool shared;		/* out_fd is stdout itself, and may block */
	bool headless, mouse;
	const struct palette *palette;	/* what the colours in curses' output mean; NULL: themselves */
	const char *palette_reset;	/* curses' own; NULL: it has none */
	bool modern;		/* knows the newer private modes, going by its name, */
	bool brackets;		/* and bracketed paste */
	int fd;			/* -1: headless */
};

/* ERR_USAGE when stdin or stdout is no terminal, or TERM is unknown. */
int terminal_open(struct terminal *t, bool headless, bool mouse, struct err *e);
void terminal_close(struct terminal *t);

void terminal_suspend(struct terminal *t);
void terminal_resume(struct terminal *t);

/* Asks the terminal; 24x80 when it does not say. */
void terminal_size(const struct terminal *t, int *rows, int *cols);

/* Brings the terminal up to date with curses' virtual screen; when terminal_send has been true. */
void terminal_show(struct terminal *t);

/* Goes on with what the terminal has not taken; true when it has all. */
bool terminal_send(struct terminal *t);

/* The text for the terminal's clipboard, behind what waits; false: going by its name it has none. terminal_send sends
 * it. */
bool terminal_copy(struct terminal *t, const char *text, size_t len);

/* To wait for POLLOUT on before that; -1: there is nothing left to send. */
int terminal_out_fd(const struct terminal *t);

/* Whether the terminal may have 24-bit colours at all. */
bool terminal_has_true_color(const struct terminal *t);

/* Async-signal-safe. */
void terminal_restore(void);

#endif
