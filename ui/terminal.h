/*
 * The terminal itself: curses' set-up, the modes that curses knows nothing of (bracketed paste, SGR
 * mouse, keys with modifiers), and the way back. One at a time.
 */
#ifndef UI_TERMINAL_H
#define UI_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

struct terminal {
	void *screen;		/* curses' SCREEN */
	FILE *null;		/* what a headless screen writes to */
	bool headless, mouse;
	bool modern;		/* knows the newer private modes, going by its name */
	int fd;			/* -1: headless */
};

/* ERR_USAGE when stdin or stdout is no terminal, or TERM is unknown. */
int terminal_open(struct terminal *t, bool headless, bool mouse, struct err *e);
void terminal_close(struct terminal *t);

void terminal_suspend(struct terminal *t);
void terminal_resume(struct terminal *t);

/* Asks the terminal; 24x80 when it does not say. */
void terminal_size(const struct terminal *t, int *rows, int *cols);

/* Around what is to appear at once. */
void terminal_frame(const struct terminal *t, bool begin);

/* Whether the terminal may have 24-bit colours at all. */
bool terminal_has_true_color(const struct terminal *t);

/* Async-signal-safe. */
void terminal_restore(void);

#endif
