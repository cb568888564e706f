/*
 * A program in a terminal emulator (libvterm over a pty), for end-to-end tests. Nothing sleeps: one waits for what the
 * screen shows. Every wait has a generous limit, after which the test fails with a picture of the screen.
 */
#ifndef TESTS_PTY_TERMINAL_H
#define TESTS_PTY_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct terminal;

/* Starts argv in a terminal of that size; env: NULL-terminated "K=V" list set on top of the present one. */
struct terminal *terminal_start(const char *const *argv, const char *const *env, int rows, int cols);
void terminal_free(struct terminal *t);		/* kills what still runs */
void terminal_free_all(void);			/* for the end of a test, that may have failed */
pid_t terminal_pid(const struct terminal *t);

void terminal_type(struct terminal *t, const char *bytes);	/* UTF-8 text and escape sequences, as keys send them */
void terminal_paste(struct terminal *t, const char *text);	/* bracketed if the program asked for that */
void terminal_resize(struct terminal *t, int rows, int cols);
void terminal_signal(struct terminal *t, int sig);

/* Fails the test when `text` is not on the screen in time; gone: when it is still there. A text may not span rows. */
void terminal_wait(struct terminal *t, const char *text);
void terminal_wait_gone(struct terminal *t, const char *text);

/* Waits until cond(t, ctx) holds; the test fails, showing `what` and the screen, when it never does. */
void terminal_wait_until(struct terminal *t, bool (*cond)(struct terminal *t, void *ctx), void *ctx, const char *what);

/* Waits for the end: exit status, or 128 + signal. */
int terminal_wait_exit(struct terminal *t);

/* The screen as it stands (after reading what has come): rows, right-trimmed. Valid until the next call. */
const char *terminal_screen(struct terminal *t);
const char *terminal_row(struct terminal *t, int row);
bool terminal_shows(struct terminal *t, const char *text);
void terminal_cursor(struct terminal *t, int *row, int *col);

bool terminal_wrote(struct terminal *t, const char *bytes);	/* the program, at any time */

bool terminal_mouse(struct terminal *t);	/* the program has asked for its events */

int terminal_times_shown(struct terminal *t);	/* how often the alternate screen was entered */

/* Modes a program must put back before it ends. */
bool terminal_is_restored(struct terminal *t);	/* main screen, cursor shown, no mouse, no bracketed paste, cooked tty */

#endif
