#include "config.h"

#include <string.h>

#include "base/utf8.h"
#include "ui/tty_in.h"

#define ESC '\033'
#define PASTE_END "\033[201~"

enum {
	CSI_MAX = 64,		/* longer than any key or mouse report: garbage */
	STRING_MAX = 4096,	/* an answer to a question we did not ask */
	PARAMS_MAX = 6,
};

/* What one step of the decoder found. used == 0: more bytes are needed. */
struct decoded {
	size_t used;
	bool event;
};

struct csi {
	char private;			/* one of < = > ?, or 0 */
	char final;
	bool intermediate;
	unsigned n;
	uint32_t p[PARAMS_MAX];		/* numbers, */
	uint32_t sub[PARAMS_MAX];	/* the one after a number's ':', */
	uint32_t third[PARAMS_MAX];	/* and after the next */
};

static const struct decoded NEED_MORE = { 0, false };

void
tty_in_init(struct tty_in *t)
{
	*t = (struct tty_in){ .queue = STRBUF_INIT, .paste = STRBUF_INIT };
}

void
tty_in_release(struct tty_in *t)
{
	strbuf_release(&t->queue);
	strbuf_release(&t->paste);
}

void
tty_in_feed(struct tty_in *t, const char *bytes, size_t n)
{
	/* A paste whose end was lost would swallow the keyboard for ever: a Ctrl-C by itself ends
	 * it. */
	if (t->pasting && n == 1 && bytes[0] == 3)
		strbuf_adds(&t->queue, PASTE_END);
	else
		strbuf_add(&t->queue, bytes, n);
	t->timed_out = t->starved = false;
}

static struct decoded
swallow(size_t n)
{
	return (struct decoded){ n, false };
}

static void
set_raw(struct tty_event *ev, const char *s, size_t n)
{
	ev->raw_len = n < sizeof ev->raw ? n : 0;
	memcpy(ev->raw, s, ev->raw_len);
}

static struct decoded
emit_key(struct tty_event *ev, uint32_t sym, unsigned mods, const char *raw, size_t n)
{
	ev->type = TTY_KEY;
	ev->key = key_normal(sym, mods);
	set_raw(ev, raw, n);
	return (struct decoded){ n, true };
}

static uint32_t
control_sym(unsigned char c, unsigned *mods)
{
	switch (c) {
	case '\r':
		return SYM_ENTER;
	case '\t':
		return SYM_TAB;
	case ESC:
		return SYM_ESC;
	case 0x7f:
		return SYM_BACKSPACE;
	}
	*mods |= KEY_CTRL;
	if (!c)
		return ' ';
	return c < 0x1b ? c + 'a' - 1 : c + '@';
}

/* A character or a control byte. `skip` bytes in front of it (an ESC) belong to the raw bytes. */
static struct decoded
decode_char(const char *s, size_t n, size_t skip, bool final, unsigned mods, struct tty_event *ev)
{
	unsigned char c = s[skip];
	size_t left = n - skip, len;
	uint32_t cp;

	if (c < 0x20 || c == 0x7f) {
		uint32_t sym = control_sym(c, &mods);

		return emit_key(ev, sym, mods, s, skip + 1);
	}
	len = left < 4 ? left : 4;
	if (!final && utf8_incomplete_tail(s + skip, len) == len)
		return NEED_MORE;
	len = utf8_decode(s + skip, left, &cp);
	if (cp == 0xfffd && len == 1) {	/* no UTF-8 */
		ev->type = TTY_SEQUENCE;
		set_raw(ev, s, skip + 1);
		return (struct decoded){ skip + 1, true };
	}
	if (cp >= 0x80 && cp < 0xa0)
		return swallow(skip + len);
	return emit_key(ev, cp, mods, s, skip + len);
}

/* ---- CSI ------------------------------------------------------------------------------------- */

/* Where the number behind a ':' goes; NULL: nowhere. */
static uint32_t *
csi_alternative(struct csi *c, const uint32_t *number)
{
	unsigned last = c->n - 1;

	if (number == &c->p[last])
		return &c->sub[last];
	return number == &c->sub[last] ? &c->third[last] : NULL;
}

static void
csi_parse(struct csi *c, const char *s, size_t n)
{
	uint32_t *number = &c->p[0];

	*c = (struct csi){ .n = 1 };
	for (size_t i = 0; i < n; i++) {
		if (s[i] >= '<' && s[i] <= '?') {
			c->private = s[i];
		} else if (s[i] == ';') {
			number = c->n < PARAMS_MAX ? &c->p[c->n++] : NULL;
		} else if (s[i] == ':') {
			number = csi_alternative(c, number);
		} else if (s[i] >= '0' && s[i] <= '9' && number) {
			if (*number <= 0x10ffff)
				*number = *number * 10 + (s[i] - '0');
		} else if (s[i] < '0') {
			c->intermediate = true;
		}
	}
}

/* Modifiers as xterm and kitty count them; false with Super or Hyper, which nothing has. */
static bool
csi_mods(uint32_t param, unsigned *mods)
{
	uint32_t bits = param ? param - 1 : 0;

	*mods = bits & (KEY_SHIFT | KEY_META | KEY_CTRL);
	if (bits & 32)
		*mods |= KEY_META;
	return !(bits & (8 | 16));
}

/* kitty's numbers for keys that are no characters, and those of the keypad */
static uint32_t
sym_of_code(uint32_t code)
{
	static const uint32_t keypad[] = {
		'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '.', '/', '*', '-', '+',
		SYM_ENTER, '=', SYM_NONE, SYM_LEFT, SYM_RIGHT, SYM_UP, SYM_DOWN, SYM_PAGE_UP,
		SYM_PAGE_DOWN, SYM_HOME, SYM_END, SYM_INSERT, SYM_DELETE,
	};
	enum { KEYPAD = 57399, PRIVATE = 57344, PRIVATE_END = 63744 };
	unsigned mods = 0;

	if (code >= KEYPAD && code - KEYPAD < sizeof keypad / sizeof *keypad)
		return keypad[code - KEYPAD];
	if ((code >= PRIVATE && code < PRIVATE_END) || code > 0x10ffff)
		return SYM_NONE;
	if (code == '\r' || code == '\t' || code == ESC || code == 0x7f || code == '\n')
		return control_sym(code == '\n' ? '\r' : code, &mods);
	return code < 0x20 || (code >= 0x80 && code < 0xa0) ? SYM_NONE : code;
}

/* Ctrl and Alt go with the Latin letter on the key where the layout has another script's: kitty tells
 * it as the key's `base`. */
static uint32_t
shortcut_sym(uint32_t sym, uint32_t base, unsigned mods)
{
	bool other_script = sym >= 0x370 && sym < SYM_NONE;

	if (!other_script || base <= 0x20 || base >= 0x7f || !(mods & (KEY_CTRL | KEY_META)))
		return sym;
	return (mods & KEY_SHIFT) && base >= 'a' && base <= 'z' ? base - 'a' + 'A' : base;
}

static struct decoded
emit_coded(struct tty_event *ev, uint32_t code, uint32_t shifted, uint32_t base, uint32_t mod_param,
	size_t used)
{
	uint32_t sym = sym_of_code(code), shortcut;
	unsigned mods;

	if (sym == SYM_NONE || !csi_mods(mod_param, &mods))
		return swallow(used);
	shortcut = shortcut_sym(sym, base, mods);
	if (shortcut != sym)
		shifted = sym = shortcut;
	if ((mods & KEY_SHIFT) && shifted > 0x20 && shifted < 0x110000) {
		sym = shifted;
		mods &= ~KEY_SHIFT;
	}
	ev->type = TTY_KEY;
	ev->key = key_normal(sym, mods);
	ev->raw_len = key_bytes(ev->key, ev->raw);
	return (struct decoded){ used, true };
}

static struct decoded
emit_mouse(struct tty_event *ev, uint32_t button, uint32_t col, uint32_t row, size_t used)
{
	if (!col || !row || (button & 32))	/* 32: motion */
		return swallow(used);
	ev->type = TTY_MOUSE;
	ev->button = button & ~(4 | 8 | 16);	/* modifiers */
	ev->row = (int)row - 1;
	ev->col = (int)col - 1;
	return (struct decoded){ used, true };
}

static struct decoded
emit_sequence(struct tty_event *ev, const char *s, size_t used)
{
	ev->type = TTY_SEQUENCE;
	set_raw(ev, s, used);
	return (struct decoded){ used, true };
}

static struct decoded
csi_event(struct tty_in *t, const struct csi *c, const char *s, size_t used, struct tty_event *ev)
{
	uint32_t sym;
	unsigned mods;

	if (c->private == '<' && (c->final == 'M' || c->final == 'm'))
		return c->final == 'M' ? emit_mouse(ev, c->p[0], c->p[1], c->p[2], used)
				       : swallow(used);
	if (c->private || ((c->final == 'I' || c->final == 'O') && used == 3))
		return swallow(used);	/* answers of the terminal, focus */
	if (c->intermediate)
		return emit_sequence(ev, s, used);
	if (c->final == '~' && (c->p[0] == 200 || c->p[0] == 201)) {
		t->pasting = c->p[0] == 200;
		return swallow(used);
	}
	if (c->final == '~' && c->p[0] == 27 && c->n >= 3)
		return emit_coded(ev, c->p[2], 0, 0, c->p[1], used);
	if (c->final == 'u')
		return c->sub[1] == 3 ? swallow(used)	/* a release */
				      : emit_coded(ev, c->p[0], c->sub[0], c->third[0], c->p[1],
						used);
	sym = key_of_csi(c->final == '~' ? 0 : c->final, c->p[0]);
	if (sym == SYM_NONE)
		return emit_sequence(ev, s, used);
	if (!csi_mods(c->p[1], &mods) || c->sub[1] == 3)
		return swallow(used);
	return emit_key(ev, sym, mods, s, used);
}

/* The two kinds of sequence that do not end where ECMA-48 says: F keys of the Linux console, old
 * mouse. */
static struct decoded
decode_odd_csi(const char *s, size_t n, bool final, struct tty_event *ev)
{
	size_t whole = s[2] == '[' ? 4 : 6;
	const unsigned char *u = (const unsigned char *)s;

	if (n < whole)
		return final ? swallow(n) : NEED_MORE;
	if (s[2] == 'M') {
		if (u[3] < 32 || (u[3] & 3) == 3 || u[4] < 32 || u[5] < 32)
			return swallow(whole);
		return emit_mouse(ev, u[3] - 32, u[4] - 32, u[5] - 32, whole);
	}
	if (s[3] >= 'A' && s[3] <= 'E')
		return emit_key(ev, SYM_F1 + (s[3] - 'A'), 0, s, whole);
	return swallow(whole);
}

static struct decoded
decode_csi(struct tty_in *t, const char *s, size_t n, bool final, struct tty_event *ev)
{
	struct csi c;
	size_t i = 2;

	if (n == 2)
		return final ? emit_key(ev, '[', KEY_META, s, 2) : NEED_MORE;
	if (s[2] == '[' || s[2] == 'M')
		return decode_odd_csi(s, n, final, ev);
	while (i < n && s[i] >= 0x20 && s[i] < 0x40)
		i++;
	if (i > CSI_MAX)
		return swallow(i);
	if (i == n)
		return final ? swallow(n) : NEED_MORE;
	if ((unsigned char)s[i] < 0x40 || (unsigned char)s[i] > 0x7e)
		return swallow(i);
	csi_parse(&c, s + 2, i - 2);
	c.final = s[i];
	return csi_event(t, &c, s, i + 1, ev);
}

/* ---- the other sequences --------------------------------------------------------------------- */

static struct decoded
decode_ss3(const char *s, size_t n, bool final, struct tty_event *ev)
{
	uint32_t sym;

	if (n == 2)
		return final ? emit_key(ev, 'O', KEY_META, s, 2) : NEED_MORE;
	if ((unsigned char)s[2] < 0x40 || (unsigned char)s[2] > 0x7e)
		return emit_key(ev, 'O', KEY_META, s, 2);
	if (s[2] == 'M')
		return emit_key(ev, SYM_ENTER, 0, s, 3);
	if (s[2] >= 'j' && s[2] <= 'y') {	/* keypad: the character 0x40 below */
		emit_key(ev, s[2] - 0x40, 0, s, 3);
		ev->raw[0] = s[2] - 0x40;
		ev->raw_len = 1;
		return (struct decoded){ 3, true };
	}
	sym = key_of_csi(s[2], 0);
	return sym == SYM_NONE ? emit_sequence(ev, s, 3) : emit_key(ev, sym, 0, s, 3);
}

/* OSC, DCS and their like: text up to ST or BEL, which is never for us. */
static struct decoded
decode_string(const char *s, size_t n, bool final, struct tty_event *ev)
{
	for (size_t i = 2; i < n; i++) {
		if (s[i] == '\a')
			return swallow(i + 1);
		if (s[i] == ESC && i + 1 < n)
			return swallow(s[i + 1] == '\\' ? i + 2 : i);
	}
	if (n == 2 && final)
		return emit_key(ev, (unsigned char)s[1], KEY_META, s, 2);
	return final || n > STRING_MAX ? swallow(n) : NEED_MORE;
}

static struct decoded
decode_escape(struct tty_in *t, const char *s, size_t n, bool final, struct tty_event *ev)
{
	struct decoded d;

	if (n == 1)
		return final ? emit_key(ev, SYM_ESC, 0, s, 1) : NEED_MORE;
	switch (s[1]) {
	case '[':
		return decode_csi(t, s, n, final, ev);
	case 'O':
		return decode_ss3(s, n, final, ev);
	case ']':
	case 'P':
	case '_':
	case '^':
	case 'X':
		return decode_string(s, n, final, ev);
	case ESC:
		break;
	default:
		return decode_char(s, n, 1, final, KEY_META, ev);
	}
	/* ESC and a sequence: rxvt's Alt with a key, else the Esc key by itself. */
	if (n == 2 && !final)
		return NEED_MORE;
	if (n > 3 && (s[2] == '[' || s[2] == 'O') && strncmp(s + 3, "20", 2) && s[3] != '<') {
		d = decode_escape(t, s + 1, n - 1, final, ev);
		if (!d.used && !final)
			return NEED_MORE;
		if (d.event && ev->type == TTY_KEY)
			return emit_key(ev, ev->key.sym, ev->key.mods | KEY_META, s, d.used + 1);
	} else if (n == 3 && !final && (s[2] == '[' || s[2] == 'O')) {
		return NEED_MORE;
	}
	return emit_key(ev, SYM_ESC, 0, s, 1);
}

/* ---- the queue ------------------------------------------------------------------------------- */

static void
queue_drop(struct tty_in *t, size_t n)
{
	t->head += n;
	if (t->head == t->queue.len) {
		strbuf_reset(&t->queue);
		t->head = 0;
	} else if (t->head > 65536) {
		strbuf_remove(&t->queue, 0, t->head);
		t->head = 0;
	}
}

/* Moves what belongs to the paste; true when its end was there. */
static bool
paste_take(struct tty_in *t)
{
	const char *s = t->queue.s + t->head;
	size_t n = t->queue.len - t->head, keep = strlen(PASTE_END) - 1;
	const char *end = memmem(s, n, PASTE_END, keep + 1);
	size_t take = end ? (size_t)(end - s) : n > keep ? n - keep : 0;

	strbuf_add(&t->paste, s, take);
	queue_drop(t, end ? take + keep + 1 : take);
	if (end)
		t->pasting = false;
	return end;
}

bool
tty_in_next(struct tty_in *t, struct tty_event *ev)
{
	struct decoded d;

	if (t->paste_delivered) {
		strbuf_release(&t->paste);
		t->paste_delivered = false;
	}
	for (;;) {
		const char *s = t->queue.s + t->head;
		size_t n = t->queue.len - t->head;

		if (t->pasting) {
			if (!paste_take(t))
				return false;
			t->paste_delivered = t->saw_paste = true;
			*ev = (struct tty_event){
				.type = TTY_PASTE, .text = t->paste.s, .len = t->paste.len
			};
			return true;
		}
		if (!n)
			break;
		memset(ev, 0, sizeof *ev);
		d = s[0] == ESC ? decode_escape(t, s, n, t->timed_out, ev)
				: decode_char(s, n, 0, t->timed_out, 0, ev);
		if (!d.used) {
			t->starved = true;
			break;
		}
		queue_drop(t, d.used);
		if (d.event)
			return true;
	}
	t->timed_out = false;
	return false;
}

bool
tty_in_waiting(const struct tty_in *t)
{
	return t->starved && !t->pasting && tty_in_peek(t) == ESC;
}

void
tty_in_timeout(struct tty_in *t)
{
	t->timed_out = true;
	t->starved = false;
}

size_t
tty_in_pending(const struct tty_in *t)
{
	return t->queue.len - t->head;
}

int
tty_in_peek(const struct tty_in *t)
{
	return tty_in_pending(t) ? (unsigned char)t->queue.s[t->head] : -1;
}
