#include "config.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "ui/key.h"

#define LENGTH(a) (sizeof(a) / sizeof *(a))

/* name in a configuration, name for the reader, what xterm sends: CSI with a letter, or a number
 * and ~ */
static const struct key_row {
	uint32_t sym;
	const char *name, *shown;
	char letter;
	int number;
} key_rows[] = {
	{ SYM_ENTER, "Enter", "Enter", 0, 0 },
	{ SYM_ESC, "Esc", "Esc", 0, 0 },
	{ SYM_TAB, "Tab", "Tab", 0, 0 },
	{ SYM_BACKTAB, "BackTab", "Shift-Tab", 'Z', 0 },
	{ ' ', "Space", "Space", 0, 0 },
	{ SYM_BACKSPACE, "BS", "Backspace", 0, 0 },
	{ SYM_DELETE, "Del", "Del", 0, 3 },
	{ SYM_INSERT, "Ins", "Ins", 0, 2 },
	{ SYM_UP, "Up", "Up", 'A', 0 },
	{ SYM_DOWN, "Down", "Down", 'B', 0 },
	{ SYM_RIGHT, "Right", "Right", 'C', 0 },
	{ SYM_LEFT, "Left", "Left", 'D', 0 },
	{ SYM_HOME, "Home", "Home", 'H', 0 },
	{ SYM_END, "End", "End", 'F', 0 },
	{ SYM_PAGE_UP, "PgUp", "PgUp", 0, 5 },
	{ SYM_PAGE_DOWN, "PgDn", "PgDn", 0, 6 },
	{ SYM_F1, "F1", "F1", 'P', 0 },
	{ SYM_F1 + 1, "F2", "F2", 'Q', 0 },
	{ SYM_F1 + 2, "F3", "F3", 'R', 0 },
	{ SYM_F1 + 3, "F4", "F4", 'S', 0 },
	{ SYM_F1 + 4, "F5", "F5", 0, 15 },
	{ SYM_F1 + 5, "F6", "F6", 0, 17 },
	{ SYM_F1 + 6, "F7", "F7", 0, 18 },
	{ SYM_F1 + 7, "F8", "F8", 0, 19 },
	{ SYM_F1 + 8, "F9", "F9", 0, 20 },
	{ SYM_F1 + 9, "F10", "F10", 0, 21 },
	{ SYM_F1 + 10, "F11", "F11", 0, 23 },
	{ SYM_F1 + 11, "F12", "F12", 0, 24 },
};

static const struct key_row *
key_row_of(uint32_t sym)
{
	for (size_t i = 0; i < LENGTH(key_rows); i++)
		if (key_rows[i].sym == sym)
			return &key_rows[i];
	return NULL;
}

struct key
key_normal(uint32_t sym, unsigned mods)
{
	if (sym == SYM_TAB && (mods & KEY_SHIFT))
		return (struct key){ SYM_BACKTAB, mods & ~KEY_SHIFT };
	if (sym == '[' && (mods & KEY_CTRL))
		return (struct key){ SYM_ESC, mods & ~(KEY_CTRL | KEY_SHIFT) };
	if (sym < SYM_NONE && (mods & KEY_CTRL) && sym >= 'A' && sym <= 'Z')
		return (struct key){ sym - 'A' + 'a', mods };
	if (sym < SYM_NONE && (mods & KEY_SHIFT) && !(mods & KEY_CTRL)) {
		if (sym >= 'a' && sym <= 'z')
			sym = sym - 'a' + 'A';
		if (sym != ' ')
			mods &= ~KEY_SHIFT;
	}
	return (struct key){ sym, mods };
}

static bool
sym_parse(const char *s, size_t n, uint32_t *sym)
{
	for (size_t i = 0; i < LENGTH(key_rows); i++) {
		if (strlen(key_rows[i].name) == n && !strncasecmp(key_rows[i].name, s, n)) {
			*sym = key_rows[i].sym;
			return true;
		}
	}
	return n && utf8_decode(s, n, sym) == n && *sym > 0x20 && *sym != 0x7f && *sym != 0xfffd;
}

bool
key_parse(const char *s, size_t n, struct key *k)
{
	unsigned mods = 0;
	uint32_t sym;

	while (n > 2 && s[1] == '-') {
		unsigned mod = s[0] == 'C' ? KEY_CTRL : s[0] == 'M' ? KEY_META
			     : s[0] == 'S'	   ? KEY_SHIFT
						   : 0;

		if (!mod || (mods & mod))
			return false;
		mods |= mod;
		s += 2;
		n -= 2;
	}
	if (!sym_parse(s, n, &sym))
		return false;
	*k = key_normal(sym, mods);
	return true;
}

void
key_label(struct key k, char out[40])
{
	const struct key_row *row = key_row_of(k.sym);
	char letter[5] = "";

	if (!row) {
		uint32_t sym = k.sym;

		if (k.mods && sym >= 'a' && sym <= 'z')
			sym = sym - 'a' + 'A';
		letter[utf8_encode(sym < SYM_NONE ? sym : 0xfffd, letter)] = '\0';
	}
	snprintf(out, 40, "%s%s%s%s", k.mods & KEY_CTRL ? "Ctrl-" : "",
		k.mods & KEY_META ? "Alt-" : "", k.mods & KEY_SHIFT ? "Shift-" : "",
		row ? row->shown : letter);
}

/* The control character of Ctrl with a character; -1 when there is none. */
static int
control_byte(uint32_t sym)
{
	if (sym >= 'a' && sym <= 'z')
		return sym - 'a' + 1;
	if (sym == ' ' || sym == '@')
		return 0;
	if (sym >= '[' && sym <= '_')
		return sym - '@';
	if (sym == '/')
		return 0x1f;
	return sym == '?' ? 0x7f : -1;
}

/* Characters and the keys that are characters to a plain terminal. */
static size_t
char_bytes(struct key k, char *out)
{
	int c = -1;

	switch (k.sym) {
	case SYM_ENTER:
		c = '\r';
		break;
	case SYM_ESC:
		c = '\033';
		break;
	case SYM_TAB:
		c = '\t';
		break;
	case SYM_BACKSPACE:
		c = 0x7f;
		break;
	default:
		if (!(k.mods & KEY_CTRL))
			return utf8_encode(k.sym, out);
		c = control_byte(k.sym);
	}
	if (c < 0)
		return 0;
	out[0] = (char)c;
	return 1;
}

size_t
key_bytes(struct key k, char out[16])
{
	const struct key_row *row = key_row_of(k.sym);
	size_t n = 0;
	int mod = 1 + k.mods;

	if (!row || (!row->letter && !row->number)) {
		if (k.mods & KEY_META)
			out[n++] = '\033';
		size_t more = char_bytes(k, out + n);
		return more ? n + more : 0;
	}
	if (row->number && mod == 1)
		return snprintf(out, 16, "\033[%d~", row->number);
	if (row->number)
		return snprintf(out, 16, "\033[%d;%d~", row->number, mod);
	if (mod > 1)
		return snprintf(out, 16, "\033[1;%d%c", mod, row->letter);
	return snprintf(out, 16, "\033%c%c", k.sym >= SYM_F1 ? 'O' : '[', row->letter);
}

uint32_t
key_of_csi(char letter, uint32_t number)
{
	/* other numbers that terminals use: the VT220's and rxvt's */
	static const struct {
		uint32_t number, sym;
	} more[] = {
		{ 1, SYM_HOME }, { 7, SYM_HOME }, { 4, SYM_END }, { 8, SYM_END },
		{ 11, SYM_F1 }, { 12, SYM_F1 + 1 }, { 13, SYM_F1 + 2 }, { 14, SYM_F1 + 3 },
	};

	for (size_t i = 0; i < LENGTH(key_rows); i++) {
		const struct key_row *row = &key_rows[i];

		if (letter ? row->letter == letter : row->number && (uint32_t)row->number == number)
			return row->sym;
	}
	for (size_t i = 0; !letter && i < LENGTH(more); i++)
		if (more[i].number == number)
			return more[i].sym;
	return SYM_NONE;
}
