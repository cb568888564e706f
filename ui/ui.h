/*
 * The terminal: one screen with header, chat pane, input and status line, and lists and pages over it. Owns
 * ncurses and readline; knows nothing of models, sessions or files (but for the input history it is told to keep).
 *
 * One thread, and one `struct ui` at a time (ncurses and readline are global). Nothing here blocks:
 *
 *	for (;;) {
 *		ui_draw(ui);
 *		poll({ui_fd(ui), ui_out_fd(ui), ...}, ui_timeout(ui));
 *		if (tty is readable) ui_read(ui);
 *		while (ui_next_event(ui, &ev)) ...
 *	}
 *
 * Setters only mark what is dirty; ui_draw draws it, at most 60 times a second while an answer streams and
 * at once after a key, but not before the terminal has taken the frame before. All text passed in may be
 * untrusted: it is scrubbed before it is drawn. Strings are copied.
 */
#ifndef UI_UI_H
#define UI_UI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "ui/action.h"
#include "ui/style.h"
#include "ui/transcript.h"

struct ui;

/* What could stand at the cursor. The callback adds whole replacements for the word that begins at `start`. */
struct ui_completions {
	size_t start;		/* byte in the line where the replaced word begins */
	struct ui_completion {
		char *text;	/* owned */
		char *help;	/* owned, or NULL: shown beside it */
	} *items;
	size_t n, cap;
};

void ui_completions_add(struct ui_completions *c, const char *text, const char *help);

struct ui_opts {
	const struct style_sheet *style;	/* NULL: mono; copied */
	struct keymap *keymap;			/* NULL: the defaults; taken over, freed by ui_free */
	const char *history_path;		/* input history, read and appended; NULL: none */
	size_t history_max;			/* entries kept; 0: 1000 */
	bool no_mouse;
	/* Called on Tab with the line and the cursor (bytes). */
	void (*complete)(void *ctx, const char *line, size_t cursor, struct ui_completions *out);
	void *ctx;
	/* For tests: no terminal; a screen of this size kept in memory, keys come by ui_feed. */
	int headless_rows, headless_cols;
	int64_t (*now_ms)(void);		/* NULL: the monotonic clock */
};

/* Takes the terminal over. ERR_USAGE when stdin or stdout is no terminal, or TERM is unknown or "dumb". */
struct ui *ui_new(const struct ui_opts *o, struct err *e);
void ui_free(struct ui *ui);		/* restores the terminal; NULL is fine */

/* Puts the terminal back from anywhere, also from a signal handler (async-signal-safe); idempotent. */
void ui_restore_terminal(void);

int ui_fd(const struct ui *ui);
int ui_out_fd(const struct ui *ui);	/* POLLOUT: ui_draw goes on with a frame; -1: none is left */
int ui_timeout(const struct ui *ui);	/* ms until ui_draw has something to do; -1: only on input */
bool ui_read(struct ui *ui);		/* reads what the terminal has; false when it has hung up */
void ui_feed(struct ui *ui, const char *bytes, size_t n);	/* the same, for tests */
void ui_resize(struct ui *ui);		/* after SIGWINCH: asks the terminal for its size */
void ui_resize_to(struct ui *ui, int rows, int cols);
void ui_draw(struct ui *ui);

void ui_suspend(struct ui *ui);		/* terminal to its old state, for SIGTSTP or $EDITOR */
void ui_resume(struct ui *ui);

/* ---- what the user did --------------------------------------------------------------------------- */

enum ui_event_type {
	UI_SUBMIT,		/* text: what was typed, not empty, no trailing newline; already in the history */
	UI_ACTION,		/* action: one of those the app does */
	UI_PICK,		/* tag, choice: Enter on a row of ui_pick */
	UI_PICK_MOVED,		/* tag, choice: the selection moved (live preview) */
	UI_PICK_KEY,		/* tag, choice, key: a letter of the list's `keys`, with Ctrl; text: the filter */
	UI_PICK_CANCELLED,	/* tag */
	UI_ANSWER,		/* tag, choice: 1 yes, 0 no, of ui_ask */
	UI_EDITED,		/* the input's text changed (for drafts, prefill); at most one pending */
	UI_HANGUP,		/* the terminal is gone */
};

struct ui_event {
	enum ui_event_type type;
	enum action action;
	const char *text;	/* of UI_SUBMIT and UI_PICK_KEY; valid until the next call of ui_next_event */
	int tag;
	size_t choice;
	char key;
};

bool ui_next_event(struct ui *ui, struct ui_event *ev);

/* ---- what is shown ------------------------------------------------------------------------------- */

struct transcript *ui_transcript(struct ui *ui);
void ui_scroll_to_end(struct ui *ui);		/* and follow; after the search in the chat, if one is on */

void ui_set_style(struct ui *ui, const struct style_sheet *s);
void ui_set_title(struct ui *ui, const char *title, const char *model);
void ui_set_placeholder(struct ui *ui, const char *hint);	/* in the empty input */

struct ui_status {
	size_t context_used, context_size;	/* tokens; size 0: no meter */
	size_t system_tokens;			/* 0: none */
	const char *state;			/* "generating 13.9 tok/s", "loading", "" */
	double progress;			/* 0..1 of `state`, < 0: none */
	const char *hint;			/* "Esc stops" */
};

void ui_set_status(struct ui *ui, const struct ui_status *s);

/* One line over the status line until the next key or `ms` (0: until the next key). False: its end does not fit. */
bool ui_flash(struct ui *ui, bool error, int ms, const char *text);

/* Offers the text to the terminal's clipboard, between two frames. The terminal does not say whether it takes it. False:
 * going by its name it cannot. */
bool ui_copy(struct ui *ui, const char *text, size_t len);

void ui_remember(struct ui *ui, const char *text);	/* in the history of the input, where Up finds it */
const char *ui_input(const struct ui *ui);	/* what is typed, whatever a search shows; valid until the next ui call */
void ui_set_input(struct ui *ui, const char *text);	/* cursor at the end; undoable */

/* ---- over the chat: one at a time, a new one replaces it ---------------------------------------- */

struct ui_choice {
	const char *label;
	const char *detail;		/* second column; may be NULL */
	const char *preview;		/* shown beside or below when there is room; may be NULL */
};

struct ui_pick {
	int tag;			/* comes back in the events */
	const char *title;
	const struct ui_choice *items;	/* copied */
	size_t n, selected;		/* where the filter leaves that item out, the one that follows it is */
	const char *filter;		/* as UI_PICK_KEY has told it; NULL: none */
	const char *keys;		/* letters that give UI_PICK_KEY with Ctrl, "dr"; or NULL */
	const char *hint;		/* "Enter opens · C-d deletes · C-r renames" */
	const char *empty;		/* shown when there is no item */
};

/* A list with a filter line: typing narrows it (every typed word must occur, case ignored). */
void ui_pick(struct ui *ui, const struct ui_pick *p);
/* Another preview for an item of the open list, which was made with previews, if empty ones. */
void ui_pick_preview(struct ui *ui, size_t item, const char *text);
void ui_ask(struct ui *ui, int tag, const char *question);	/* y/n; Esc is no */
void ui_page(struct ui *ui, const char *title, const char *text);	/* scrollable; Esc or q closes */
void ui_close_popup(struct ui *ui);
bool ui_has_popup(const struct ui *ui);

/* ---- for tests ----------------------------------------------------------------------------------- */

void ui_screen_text(const struct ui *ui, struct strbuf *out);		/* rows, right-trimmed, '\n' after each */
void ui_cursor(const struct ui *ui, int *row, int *col);
bool ui_cell_style(const struct ui *ui, int row, int col, struct style *out);	/* attributes as drawn */

#endif
