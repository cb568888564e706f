/*
 * Named actions that keys are bound to: one table from which the key map, the help page, the palette and the
 * checks of the configuration come. Actions for the screen are done by ui/ itself; the others are handed on.
 */
#ifndef UI_ACTION_H
#define UI_ACTION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* action, name in the config, default keys (blank-separated), who does it, help */
#define ACTIONS(X) \
	X(SEND,		"send",		"Enter",		UI,	"send what you typed") \
	X(NEWLINE,	"newline",	"M-Enter C-j S-Enter",	UI,	"start a new line") \
	X(STOP,		"stop",		"Esc",			APP,	"take back what waits; then stop the answer") \
	X(INTERRUPT,	"interrupt",	"C-c",			APP,	"stop the answer; clear the input; twice: quit") \
	X(PAGE_UP,	"page-up",	"PgUp",			UI,	"scroll one screen up") \
	X(PAGE_DOWN,	"page-down",	"PgDn",			UI,	"scroll one screen down") \
	X(LINE_UP,	"line-up",	"S-Up M-Up",		UI,	"scroll one line up") \
	X(LINE_DOWN,	"line-down",	"S-Down M-Down",	UI,	"scroll one line down") \
	X(TOP,		"top",		"C-Home M-<",		UI,	"go to the beginning of the chat") \
	X(BOTTOM,	"bottom",	"C-End M->",		UI,	"go to the end and follow the answer") \
	X(FIND,		"find",		"C-f",			UI,	"search in this chat") \
	X(COMPLETE,	"complete",	"Tab",			UI,	"complete a command or its argument") \
	X(PALETTE,	"palette",	"C-p",			APP,	"choose a command") \
	X(SESSIONS,	"sessions",	"C-o",			APP,	"choose among your chats") \
	X(EDITOR,	"editor",	"C-g",			APP,	"edit the input in $EDITOR") \
	X(REDRAW,	"redraw",	"C-l",			UI,	"draw the screen anew") \
	X(SUSPEND,	"suspend",	"C-z",			APP,	"suspend the program") \
	X(HELP,		"help",		"F1",			APP,	"show keys and commands")

#define ACTION_ENUM(id, name, keys, who, help) ACTION_##id,
enum action { ACTIONS(ACTION_ENUM) ACTION_COUNT, ACTION_NONE = -1 };
#undef ACTION_ENUM

const char *action_name(enum action a);
const char *action_help(enum action a);
int action_find(const char *name);	/* -1: unknown */

struct keymap;

struct keymap *keymap_new(void);	/* the defaults */
void keymap_free(struct keymap *k);

/*
 * Binds an action to the keys of `spec` (blank-separated; replaces what it had; "" or "none" unbinds it). Keys: a
 * character, Enter Esc Tab BackTab Space BS Del Ins Up Down Left Right Home End PgUp PgDn F1..F12, with
 * C- M- S- in front. ERR_CONFIG for an unknown key or one that another action has, and nothing changes.
 */
int keymap_bind(struct keymap *k, enum action a, const char *spec, struct err *e);

/* The keys of an action as the user would read them, "Alt-Enter"; "" when none. Owned by the map. */
const char *keymap_keys(const struct keymap *k, enum action a);

#endif
