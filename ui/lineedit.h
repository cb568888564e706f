/*
 * The editor of the input: readline through its callback interface, fed key by key, which never
 * reads or writes the terminal itself. Text may have several lines. One in a process, as readline
 * is.
 */
#ifndef UI_LINEEDIT_H
#define UI_LINEEDIT_H

#include <stdbool.h>
#include <stddef.h>

/* history_path: read now, and entries are added to it; NULL: none. Copied. history_max: 0: 1000. */
void lineedit_start(const char *history_path, size_t history_max);
void lineedit_stop(void);

/*
 * Who gets a key. LINEEDIT_READY: those that mean something to the program are the program's, the
 * others are for lineedit_feed. LINEEDIT_BUSY: a command of readline waits for the rest of its key
 * or its argument, or a search is on: keys come here first. LINEEDIT_VERBATIM: the next key is an
 * argument, whatever it is.
 */
enum lineedit_state { LINEEDIT_READY, LINEEDIT_BUSY, LINEEDIT_VERBATIM };

enum lineedit_state lineedit_state(void);
bool lineedit_searching(void);
bool lineedit_searches_line(void);	/* for what stands in the line, when Enter says so */
bool lineedit_yields(void);		/* to the program's actions: a search or a numeric argument */
bool lineedit_vi_inserting(void);	/* vi mode, and ESC would leave its insert mode */

/* Whether readline has something for these bytes; text it always has. */
bool lineedit_knows(const char *bytes, size_t n);
/* One key; in a search also a text, of which 256 bytes are looked for. */
void lineedit_feed(const char *bytes, size_t n);
void lineedit_abort(void); /* a search, a command that is not complete */
void lineedit_leave(void); /* the same, but what a search has found stays */

void lineedit_insert(const char *text);			/* at the cursor, as one change */
void lineedit_replace(size_t from, size_t to, const char *text); /* undoable; cursor behind it */

/* Replaces the whole text, and leaves the history for its newest place, as a shell does after
 * Ctrl-C. Undoable. */
void lineedit_set(const char *text);

/* Accepts the line, as Enter does. */
void lineedit_accept(void);

/* The line accepted last, owned by the caller; NULL when there is none. */
char *lineedit_take(void);
bool lineedit_take_eof(void);		/* end of file (C-d) in an empty line */
void lineedit_remember(const char *line);	/* adds to the history and its file */

/* What is to be drawn: prompt (of a search or mode; "" mostly), text, byte of the cursor. */
const char *lineedit_prompt(void);
const char *lineedit_text(size_t *len, size_t *point);

/* What the user has typed: while a search shows what it found, the text from before it. */
const char *lineedit_typed(size_t *len);

/* Whether something may have changed since the last call. */
bool lineedit_changed(void);

/* Cells of a row, for moving up and down by rows. */
void lineedit_set_width(int cells);

#endif
