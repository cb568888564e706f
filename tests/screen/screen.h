/* A headless screen for tests: keys in, text out, a clock that only the test moves. */
#ifndef TESTS_SCREEN_SCREEN_H
#define TESTS_SCREEN_SCREEN_H

#include "ui/ui.h"

extern struct ui *screen;

/* o may be NULL. */
void screen_open(int rows, int cols, const struct ui_opts *o);
void screen_close(void);
int screen_teardown(void **state);		/* the same, for cmocka */

void screen_wait(int64_t ms);			/* moves the clock */
void screen_keys(const char *bytes);		/* as one read of the terminal */
void screen_key(const char *bytes);		/* keys one by one, with time between them */

/* The user says "message N" for each from .. to - 1. */
void screen_say_numbers(int from, int to);

/* Draws; the whole screen, rows right-trimmed. Valid until the next call. */
const char *screen_text(void);

/* Whatever its size, the screen is drawn, with the cursor on it. It has another size then. */
void screen_takes_all_sizes(void);

/* The screen is this text, a row a line; trailing empty rows may be left out. */
void screen_is(const char *expected);
void screen_has(const char *part);
void screen_lacks(const char *part);
void cursor_is(int row, int col);

/* The colours and attributes of the first cell of `text` on the screen. */
struct style style_of(const char *text);

/* The next event is of this type; returns it. / There is none but that the input was edited. */
struct ui_event expect_event(enum ui_event_type type);
void expect_no_event(void);

#endif
