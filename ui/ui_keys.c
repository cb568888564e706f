#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/xalloc.h"
#include "ui/lineedit.h"
#include "ui/ui_state.h"

void
ui_post(struct ui *ui, const struct ui_event *ev)
{
	char *text = ev->text ? xstrdup(ev->text) : NULL;

	VEC_ROOM(ui->events, ui->nevents, ui->eventcap);
	ui->events[ui->nevents] = (struct queued_event){ *ev, text };
	ui->events[ui->nevents++].event.text = text;
}

static void
post_action(struct ui *ui, enum action a)
{
	ui_post(ui, &(struct ui_event){ .type = UI_ACTION, .action = a });
}

/* ---- the input ------------------------------------------------------------------------------- */

static bool
is_blank(const char *s)
{
	return !s[strspn(s, " \t\n")];
}

/* Takes over what readline has accepted. */
static void
collect(struct ui *ui)
{
	char *line = lineedit_take();
	size_t n;

	if (lineedit_take_eof())
		post_action(ui, ACTION_INTERRUPT);
	if (!line)
		return;
	n = strlen(line);
	while (n && line[n - 1] == '\n')
		line[--n] = '\0';
	if (!is_blank(line)) {
		struct strbuf text = STRBUF_INIT;

		utf8_repair(&text, line, n);
		lineedit_remember(text.s);
		ui_post(ui, &(struct ui_event){ .type = UI_SUBMIT, .text = text.s });
		strbuf_release(&text);
		view_to_end(&ui->view);
		ui->dirty |= DIRTY_CHAT;
	}
	free(line);
}

static void
feed(struct ui *ui, const char *bytes, size_t n)
{
	lineedit_feed(bytes, n);
	collect(ui);
	complete_refresh(&ui->complete);
}

/* A key for readline: as the terminal sent it, or as other terminals do; else it means nothing. */
static void
feed_key(struct ui *ui, const struct tty_event *ev)
{
	char plain[16];
	size_t n;

	if (lineedit_knows(ev->raw, ev->raw_len)) {
		feed(ui, ev->raw, ev->raw_len);
		return;
	}
	n = ev->type == TTY_KEY ? key_bytes(ev->key, plain) : 0;
	if (lineedit_knows(plain, n))
		feed(ui, plain, n);
}

static void
insert(struct ui *ui, const char *text)
{
	lineedit_insert(text);
	complete_refresh(&ui->complete);
}

/* Pasted text: any kind of line break, nothing but text. Into a search goes its first line. */
static void
paste(struct ui *ui, const char *s, size_t n)
{
	struct strbuf lines = STRBUF_INIT, text = STRBUF_INIT;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\r' && i + 1 < n && s[i + 1] == '\n')
			continue;
		strbuf_addc(&lines, s[i] == '\r' ? '\n' : s[i]);
	}
	utf8_scrub(&text, lines.s, lines.len);
	if (ui->popup) {
		if (ui->popup->ops->text)
			ui->popup->ops->text(ui->popup, text.s);
		ui->dirty |= DIRTY_POPUP;
	} else if (ui->find.open) {
		findline_text(&ui->find, text.s);
		ui->dirty |= DIRTY_INPUT | DIRTY_CHAT;
	} else if (lineedit_searching()) {
		feed(ui, text.s, strcspn(text.s, "\n\t"));
	} else if (text.len) {
		insert(ui, text.s);
	}
	strbuf_release(&lines);
	strbuf_release(&text);
}

/* Where pastes are not bracketed they show as text that comes all at once; elsewhere that is what was
 * typed ahead. */
static bool
in_burst(struct ui *ui)
{
	int next = tty_in_peek(&ui->tty);

	if (ui->terminal.brackets || ui->tty.saw_paste)
		return false;
	if ((next < 0 || next == '\033') && ui->now_ms() >= ui->burst_until)
		return false;
	ui->burst_until = ui->now_ms() + BURST_MS;
	return true;
}

/* ---- actions --------------------------------------------------------------------------------- */

static void
scroll(struct ui *ui, int rows)
{
	view_scroll(&ui->view, rows);
	findline_scrolled(&ui->find);
	ui->dirty |= DIRTY_CHAT;
}

static void
open_find(struct ui *ui)
{
	complete_close(&ui->complete);
	findline_open(&ui->find);
	ui->dirty |= DIRTY_INPUT | DIRTY_CHAT;
}

/* The input may take rows from the chat again: the match that was found stays in view. */
static void
close_find(struct ui *ui, bool back)
{
	ui->find.open = false;
	ui->dirty |= DIRTY_INPUT | DIRTY_CHAT;
	ui_lay_out(ui);
	if (!back)
		findline_resized(&ui->find);
	findline_close(&ui->find, back);
}

static void
act(struct ui *ui, enum action a)
{
	int page = ui->layout.chat.rows > 2 ? ui->layout.chat.rows - 1 : 1;

	if (action_is_apps(a)) {
		post_action(ui, a);
		return;
	}
	switch (a) {
	case ACTION_SEND:
		if (!is_blank(lineedit_text(NULL, NULL))) {
			lineedit_accept();
			collect(ui);
		}
		break;
	case ACTION_NEWLINE:
		insert(ui, "\n");
		break;
	case ACTION_PAGE_UP:
		scroll(ui, -page);
		break;
	case ACTION_PAGE_DOWN:
		scroll(ui, page);
		break;
	case ACTION_LINE_UP:
		scroll(ui, -1);
		break;
	case ACTION_LINE_DOWN:
		scroll(ui, 1);
		break;
	case ACTION_TOP:
		view_to_top(&ui->view);
		findline_scrolled(&ui->find);
		ui->dirty |= DIRTY_CHAT;
		break;
	case ACTION_BOTTOM:
		view_to_end(&ui->view);
		findline_scrolled(&ui->find);
		ui->dirty |= DIRTY_CHAT;
		break;
	case ACTION_FIND:
		open_find(ui);
		break;
	case ACTION_COMPLETE:
		complete_tab(&ui->complete);
		break;
	case ACTION_REDRAW:
		ui_resize(ui);
		break;
	default:
		break;
	}
}

/* ---- who gets a key -------------------------------------------------------------------------- */

static void
popup_key(struct ui *ui, struct key k)
{
	struct popup *p = ui->popup;
	enum action a = keymap_lookup(ui->keymap, k);

	if (!p->ops->key(p, k) && (a == ACTION_REDRAW || a == ACTION_SUSPEND))
		act(ui, a);
	if (p->done && ui->popup == p)
		ui_close_popup(ui);
	ui->dirty |= DIRTY_POPUP;
}

/* What the find line leaves: actions that move or draw the chat go on under it, others end the search. */
static void
act_under_find(struct ui *ui, struct key k)
{
	enum action a = keymap_lookup(ui->keymap, k);

	if (key_is(k, SYM_HOME, 0))
		a = ACTION_TOP;
	else if (key_is(k, SYM_END, 0))
		a = ACTION_BOTTOM;
	if (a == ACTION_NONE || a == ACTION_SEND || a == ACTION_NEWLINE || a == ACTION_COMPLETE)
		return;
	if (action_is_apps(a) && a != ACTION_SUSPEND)
		close_find(ui, false);
	act(ui, a);
}

/* What a key stands for in pasted text, where it would do something else; NULL: nothing. */
static const char *
text_in_burst(struct key k)
{
	if (key_is(k, SYM_TAB, 0))
		return "\t";
	return key_is(k, SYM_ENTER, 0) || key_is(k, 'j', KEY_CTRL) ? "\n" : NULL;
}

static void
find_key(struct ui *ui, struct key k)
{
	if (text_in_burst(k) && in_burst(ui))
		return;		/* it is looked for in one line */
	ui->dirty |= DIRTY_INPUT | DIRTY_CHAT;
	switch (findline_key(&ui->find, k, keymap_lookup(ui->keymap, k) == ACTION_FIND)) {
	case FINDLINE_DONE:
		break;
	case FINDLINE_STAY:
		close_find(ui, false);
		break;
	case FINDLINE_BACK:
		close_find(ui, true);
		break;
	case FINDLINE_ACTION:
		act_under_find(ui, k);
		break;
	}
}

static bool
begins_search(struct ui *ui, struct key k)
{
	return key_is(k, SYM_ENTER, 0) || keymap_lookup(ui->keymap, k) == ACTION_SEND;
}

/* Whether the key is an action that ends a search or a numeric argument. Those that are readline's
 * there: Ctrl-G gives up, Esc takes what was found, Ctrl-F goes a character ahead, and Enter sends it where
 * Enter sends. */
static bool
takes_over(struct ui *ui, struct key k)
{
	enum action a = keymap_lookup(ui->keymap, k);

	return a != ACTION_NONE && lineedit_yields() && !key_is_text(k) &&
	       !key_is(k, 'g', KEY_CTRL) && !key_is(k, 'f', KEY_CTRL) && !key_is(k, SYM_ESC, 0) &&
	       !(a == ACTION_SEND && key_is(k, SYM_ENTER, 0));
}

/* While readline is in the middle of something. False: the key is nothing for it. */
static bool
busy_key(struct ui *ui, const struct tty_event *ev)
{
	bool esc = key_is(ev->key, SYM_ESC, 0), search = lineedit_searching();

	if (key_is(ev->key, 'c', KEY_CTRL) || (esc && !search)) {
		lineedit_abort();
		return true;
	}
	if (search && text_in_burst(ev->key) && in_burst(ui))
		return true;	/* it is looked for in one line */
	if (lineedit_searches_line() && begins_search(ui, ev->key)) {
		feed(ui, "\r", 1);
		return true;
	}
	if (takes_over(ui, ev->key)) {
		lineedit_leave();
		return false;
	}
	if (ev->raw_len == 1 || key_is_text(ev->key)) {
		feed(ui, ev->raw, ev->raw_len);
		return true;
	}
	if (search && lineedit_knows(ev->raw, ev->raw_len)) {
		feed(ui, ev->raw, ev->raw_len);
		return true;
	}
	if (!search)
		lineedit_abort();
	return false;
}

static void
chat_key(struct ui *ui, const struct tty_event *ev)
{
	struct key k = ev->key;
	enum action a = keymap_lookup(ui->keymap, k);
	bool empty = !*lineedit_text(NULL, NULL);
	const char *text = text_in_burst(k);

	if (text && in_burst(ui)) {
		insert(ui, text);
		return;
	}
	/* vi's way out of insert mode comes first; with nothing typed Esc means both. */
	if (key_is(k, SYM_ESC, 0) && lineedit_vi_inserting()) {
		feed(ui, "\033", 1);
		if (!empty)
			return;
	}
	if (a != ACTION_NONE && a != ACTION_COMPLETE)
		complete_close(&ui->complete);
	if (a != ACTION_NONE)
		act(ui, a);
	else if (empty && key_is(k, SYM_HOME, 0))
		act(ui, ACTION_TOP);
	else if (empty && key_is(k, SYM_END, 0))
		act(ui, ACTION_BOTTOM);
	else
		feed_key(ui, ev);
}

static void
on_key(struct ui *ui, const struct tty_event *ev)
{
	enum lineedit_state state = lineedit_state();

	if (ui->popup) {
		popup_key(ui, ev->key);
		return;
	}
	if (ui->find.open) {
		find_key(ui, ev->key);
		return;
	}
	if (state == LINEEDIT_READY && complete_key(&ui->complete, ev->key))
		return;
	if (state == LINEEDIT_VERBATIM && ev->raw_len) {
		feed(ui, ev->raw, ev->raw_len);
		return;
	}
	if (state == LINEEDIT_READY || !busy_key(ui, ev))
		chat_key(ui, ev);
}

/* Bytes that are no key we know: readline may, and in a locale without UTF-8 they are letters, though
 * we cannot tell which. */
static void
on_sequence(struct ui *ui, const struct tty_event *ev)
{
	bool letter = ev->raw_len == 1 && ev->raw[0] != '\033';

	if (ui->popup || ui->find.open || lineedit_state() != LINEEDIT_READY)
		return;
	if (letter && ui->canvas.ascii)
		insert(ui, "\xef\xbf\xbd");
	else if (!letter && lineedit_knows(ev->raw, ev->raw_len))
		feed(ui, ev->raw, ev->raw_len);
}

static void
on_mouse(struct ui *ui, const struct tty_event *ev)
{
	int by = ev->button == MOUSE_WHEEL_UP     ? -WHEEL_ROWS
		 : ev->button == MOUSE_WHEEL_DOWN ? WHEEL_ROWS
						  : 0;

	if (!by)
		return;
	if (ui->popup) {
		ui->popup->ops->scroll(ui->popup, by);
		ui->dirty |= DIRTY_POPUP;
	} else {
		scroll(ui, by);
	}
}

static void
on_event(struct ui *ui, const struct tty_event *ev)
{
	if (ui->flash && ev->type != TTY_MOUSE) {
		free(ui->flash);
		ui->flash = NULL;
		ui->dirty |= DIRTY_STATUS | (ui->layout.status.rows ? 0 : DIRTY_CHAT);
	}
	ui->urgent = true;
	switch (ev->type) {
	case TTY_KEY:
		on_key(ui, ev);
		break;
	case TTY_SEQUENCE:
		on_sequence(ui, ev);
		break;
	case TTY_PASTE:
		paste(ui, ev->text, ev->len);
		break;
	case TTY_MOUSE:
		on_mouse(ui, ev);
		break;
	}
}

void
ui_pump(struct ui *ui)
{
	int64_t now = ui->now_ms();
	struct tty_event ev;

	if (ui->esc_deadline && now >= ui->esc_deadline)
		tty_in_timeout(&ui->tty);
	while (!ui->nevents && tty_in_next(&ui->tty, &ev))
		on_event(ui, &ev);
	if (!tty_in_waiting(&ui->tty))
		ui->esc_deadline = 0;
	else if (!ui->esc_deadline)
		ui->esc_deadline = now + TTY_ESC_MS;
	if (lineedit_changed())
		ui->dirty |= DIRTY_INPUT;
	if (ui->complete.open != ui->complete_shown)
		ui->dirty |= DIRTY_CHAT;
}
