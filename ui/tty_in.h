/*
 * What the terminal sends, cut into keys, pastes and mouse events: a byte queue and a decoder that
 * can be fed at any border. Sources: ECMA-48; xterm's "Control Sequences" (modifiers,
 * modifyOtherKeys, SGR mouse, bracketed paste); the kitty keyboard protocol (CSI u with flags 1 and
 * 4).
 *
 * A lone ESC can be the key or the beginning of a sequence. The decoder waits: the caller asks
 * tty_in_waiting(), and when nothing came for TTY_ESC_MS it calls tty_in_timeout(), after which
 * whatever is there is taken as it is.
 */
#ifndef UI_TTY_IN_H
#define UI_TTY_IN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"
#include "ui/key.h"

enum { TTY_ESC_MS = 25 };

enum tty_event_type {
	TTY_KEY,	/* key, and in raw the bytes of a plain terminal for it (may be none) */
	TTY_SEQUENCE,	/* raw: an escape sequence that is no key we know */
	TTY_PASTE,	/* text: as the terminal sent it */
	TTY_MOUSE,	/* button, row, col: only presses */
};

enum { MOUSE_LEFT, MOUSE_MIDDLE, MOUSE_RIGHT, MOUSE_WHEEL_UP = 64, MOUSE_WHEEL_DOWN = 65 };

struct tty_event {
	enum tty_event_type type;
	struct key key;
	char raw[72];
	size_t raw_len;
	const char *text;	/* valid until the next call with this tty_in */
	size_t len;
	int button, row, col;	/* from 0 */
};

struct tty_in {
	struct strbuf queue;
	size_t head;			/* bytes of the queue that are done with */
	struct strbuf paste;
	bool pasting;
	bool paste_delivered;		/* the next call may free it */
	bool saw_paste;			/* this terminal brackets pastes */
	bool timed_out;
	bool starved;			/* the bytes left are the beginning of something */
};

void tty_in_init(struct tty_in *t);
void tty_in_release(struct tty_in *t);
void tty_in_feed(struct tty_in *t, const char *bytes, size_t n);

/* The next event; false when more bytes are needed for one. */
bool tty_in_next(struct tty_in *t, struct tty_event *ev);

/* Whether a sequence waits for more bytes (not: a paste or a character, which may take long). */
bool tty_in_waiting(const struct tty_in *t);
void tty_in_timeout(struct tty_in *t);

/* Bytes not yet looked at; the first of them, or -1. For telling a burst of text from a key. */
size_t tty_in_pending(const struct tty_in *t);
int tty_in_peek(const struct tty_in *t);

#endif
