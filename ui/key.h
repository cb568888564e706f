/*
 * One key stroke: a symbol and modifiers, whatever bytes the terminal used for it.
 *
 * Normal form: a printable character carries no KEY_SHIFT (it is the shifted character already);
 * Shift-Tab is SYM_BACKTAB; control characters are their letter with KEY_CTRL, but Tab, Enter, Esc
 * (which is Ctrl-[) and Backspace are symbols of their own.
 */
#ifndef UI_KEY_H
#define UI_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KEY_SHIFT = 1, KEY_META = 2, KEY_CTRL = 4 };

/* Symbols that are no characters; they stand above Unicode. */
enum key_sym {
	SYM_NONE = 0x110000,
	SYM_ENTER, SYM_ESC, SYM_TAB, SYM_BACKTAB, SYM_BACKSPACE,
	SYM_DELETE, SYM_INSERT, SYM_UP, SYM_DOWN, SYM_LEFT, SYM_RIGHT,
	SYM_HOME, SYM_END, SYM_PAGE_UP, SYM_PAGE_DOWN,
	SYM_F1, SYM_F12 = SYM_F1 + 11,
};

struct key {
	uint32_t sym;		/* a code point, or an enum key_sym */
	unsigned mods;
};

static inline bool
key_is(struct key k, uint32_t sym, unsigned mods)
{
	return k.sym == sym && k.mods == mods;
}

static inline bool
key_equal(struct key a, struct key b)
{
	return a.sym == b.sym && a.mods == b.mods;
}

/* A character that the user typed to have it in the text. */
static inline bool
key_is_text(struct key k)
{
	return k.sym < SYM_NONE && k.sym >= 0x20 && k.sym != 0x7f && !k.mods;
}

struct key key_normal(uint32_t sym, unsigned mods);

/* "M-Enter", "C-x", "F1", "a" to a key; false when it is none. n: its length. */
bool key_parse(const char *s, size_t n, struct key *k);

/* The key as a user reads it, "Alt-Enter", "Ctrl-P"; at most 39 bytes. */
void key_label(struct key k, char out[40]);

/*
 * The bytes of the key as a plain terminal sends them, which is what readline's bindings are made
 * of. Returns their number, 0 when a plain terminal has none for it.
 */
size_t key_bytes(struct key k, char out[16]);

/* The symbol of "CSI letter" or "CSI number ~" (letter 0 then); SYM_NONE: none. */
uint32_t key_of_csi(char letter, uint32_t number);

#endif
