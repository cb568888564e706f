#include "config.h"

#include <curses.h>
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "ui/chrome.h"
#include "ui/lineedit.h"
#include "ui/ui_state.h"
#include "ui/wrap.h"

static int64_t
monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
set_line(char **at, const char *s)
{
	free(*at);
	*at = popup_text(s ? s : "", true);
}

/* ---- life ------------------------------------------------------------------------------------ */

struct ui *
ui_new(const struct ui_opts *o, struct err *e)
{
	struct ui *ui = xcalloc(1, sizeof *ui);
	bool headless = o->headless_rows > 0 && o->headless_cols > 0;
	int rows = o->headless_rows, cols = o->headless_cols;

	if (!strcmp(setlocale(LC_CTYPE, NULL), "C"))
		setlocale(LC_CTYPE, "");
	if (terminal_open(&ui->terminal, headless, !o->no_mouse, e)) {
		keymap_free(o->keymap);
		free(ui);
		return NULL;
	}
	ui->now_ms = o->now_ms ? o->now_ms : monotonic_ms;
	ui->keymap = o->keymap ? o->keymap : keymap_new();
	ui->transcript = transcript_new();
	view_init(&ui->view, ui->transcript);
	findline_init(&ui->find, &ui->view);
	tty_in_init(&ui->tty);
	strbuf_init(&ui->edited);
	strbuf_init(&ui->input.text);
	ui->complete.ask = o->complete;
	ui->complete.ctx = o->ctx;
	ui->last_draw = ui->now_ms() - FRAME_MS;
	set_line(&ui->title, "");
	set_line(&ui->model, "");
	set_line(&ui->placeholder, "");
	ui_set_status(ui, &(struct ui_status){ .state = "", .hint = "", .progress = -1 });
	canvas_init(&ui->canvas, terminal_has_true_color(&ui->terminal));
	ui->terminal.palette = &ui->canvas.palette;
	lineedit_start(o->history_path, o->history_max);
	if (!headless)
		terminal_size(&ui->terminal, &rows, &cols);
	ui_set_style(ui, o->style);
	ui_resize_to(ui, rows, cols);
	return ui;
}

void
ui_free(struct ui *ui)
{
	if (!ui)
		return;
	ui_close_popup(ui);
	complete_close(&ui->complete);
	lineedit_stop();
	canvas_release(&ui->canvas);
	terminal_close(&ui->terminal);
	tty_in_release(&ui->tty);
	keymap_free(ui->keymap);
	findline_release(&ui->find);
	transcript_free(ui->transcript);
	inputbox_release(&ui->input);
	strbuf_release(&ui->edited);
	for (size_t i = 0; i < ui->nevents; i++)
		free(ui->events[i].text);
	free(ui->events);
	free(ui->event_text);
	free(ui->title);
	free(ui->model);
	free(ui->placeholder);
	free(ui->flash);
	free(ui->state);
	free(ui->hint);
	free(ui);
}

void
ui_restore_terminal(void)
{
	terminal_restore();
}

void
ui_suspend(struct ui *ui)
{
	if (!ui->suspended)
		terminal_suspend(&ui->terminal);
	ui->suspended = true;
}

void
ui_resume(struct ui *ui)
{
	if (ui->suspended)
		terminal_resume(&ui->terminal);
	ui->suspended = false;
	ui_resize(ui);
}

/* ---- input ----------------------------------------------------------------------------------- */

int
ui_fd(const struct ui *ui)
{
	return ui->terminal.fd;
}

int
ui_out_fd(const struct ui *ui)
{
	return terminal_out_fd(&ui->terminal);
}

void
ui_feed(struct ui *ui, const char *bytes, size_t n)
{
	tty_in_feed(&ui->tty, bytes, n);
	ui->esc_deadline = 0;
	ui_pump(ui);
}

static bool
hang_up(struct ui *ui)
{
	if (!ui->hung_up)
		ui_post(ui, &(struct ui_event){ .type = UI_HANGUP });
	ui->hung_up = true;
	return false;
}

bool
ui_read(struct ui *ui)
{
	struct pollfd p = { ui->terminal.fd, POLLIN, 0 };
	char bytes[4096];

	/* The descriptor is shared with the shell, so it stays blocking: ask before each read. And
	 * a flood of keys must not keep us from drawing. */
	for (int reads = 0; reads < READS_MAX && ui->terminal.fd >= 0 && poll(&p, 1, 0) > 0;
		reads++) {
		ssize_t n = read(ui->terminal.fd, bytes, sizeof bytes);

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			break;
		if (n <= 0)
			return hang_up(ui);
		ui_feed(ui, bytes, (size_t)n);
		if ((size_t)n < sizeof bytes)
			break;
	}
	return !ui->hung_up;
}

/* Whether the program has not heard of the text as it is now. */
static bool
input_edited(struct ui *ui)
{
	size_t len;
	const char *text = lineedit_typed(&len);

	if (len == ui->edited.len && !memcmp(text, ui->edited.s, len))
		return false;
	strbuf_reset(&ui->edited);
	strbuf_add(&ui->edited, text, len);
	return true;
}

bool
ui_next_event(struct ui *ui, struct ui_event *ev)
{
	free(ui->event_text);
	ui->event_text = NULL;
	ui_pump(ui);
	if (!ui->nevents) {
		*ev = (struct ui_event){ .type = UI_EDITED };
		return input_edited(ui);
	}
	*ev = ui->events[0].event;
	ui->event_text = ui->events[0].text;
	ui->nevents--;
	memmove(ui->events, ui->events + 1, ui->nevents * sizeof *ui->events);
	return true;
}

int
ui_timeout(const struct ui *ui)
{
	int64_t now = ui->now_ms(), at = INT64_MAX;

	if (ui->nevents)
		return 0;
	if (ui->suspended)
		return -1;
	if ((ui->dirty || ui->transcript->changed) && ui_out_fd(ui) < 0)
		at = ui->urgent ? now : ui->last_draw + FRAME_MS;
	if (ui->flash && ui->flash_until < at)
		at = ui->flash_until;
	if (ui->esc_deadline && ui->esc_deadline < at)
		at = ui->esc_deadline;
	if (at == INT64_MAX)
		return -1;
	return at <= now ? 0 : at - now > 60000 ? 60000 : (int)(at - now);
}

/* ---- drawing --------------------------------------------------------------------------------- */

void
ui_lay_out(struct ui *ui)
{
	struct layout l;
	int wanted = 1;
	bool resized;

	if (!(ui->dirty & DIRTY_INPUT))
		return;
	if (!ui->find.open)
		wanted = inputbox_measure(&ui->input, layout_input_cols(ui->rows, ui->cols));
	layout_compute(&l, ui->rows, ui->cols, wanted);
	if (l.input.rows != ui->layout.input.rows || l.rows != ui->layout.rows ||
		l.cols != ui->layout.cols)
		ui->dirty = DIRTY_ALL;
	resized = l.chat.rows != ui->layout.chat.rows || l.chat.cols != ui->layout.chat.cols;
	ui->layout = l;
	view_resize(&ui->view, l.chat.cols, l.chat.rows);
	if (resized && ui->find.open)
		findline_resized(&ui->find);
}

void
ui_resize_to(struct ui *ui, int rows, int cols)
{
	ui->rows = rows < 1 ? 1 : rows;
	ui->cols = cols < 1 ? 1 : cols;
	resize_term(ui->rows, ui->cols);
	canvas_resize(&ui->canvas, ui->rows, ui->cols);
	clearok(curscr, TRUE); /* what the terminal made of the old screen is anybody's guess */
	ui->dirty = DIRTY_ALL;
	ui->urgent = true;
	ui_lay_out(ui);
}

void
ui_resize(struct ui *ui)
{
	int rows = ui->rows, cols = ui->cols;

	if (!ui->terminal.headless)
		terminal_size(&ui->terminal, &rows, &cols);
	ui_resize_to(ui, rows, cols);
}

static void
draw_status(struct ui *ui)
{
	if (ui->flash)
		flash_draw(&ui->canvas, &ui->layout, ui->flash_error, ui->flash);
	else
		status_draw(&ui->canvas, &ui->layout, &ui->status);
}

static void
draw_input(struct ui *ui)
{
	int *row = &ui->cursor_row, *col = &ui->cursor_col;

	if (ui->find.open)
		findline_draw(&ui->find, &ui->canvas, ui->layout.input, row, col);
	else
		inputbox_draw(&ui->input, &ui->canvas, ui->layout.input, ui->placeholder, row, col);
}

static void
draw_parts(struct ui *ui)
{
	struct canvas *c = &ui->canvas;
	const struct layout *l = &ui->layout;

	if (ui->dirty & DIRTY_FRAME)
		frame_draw(c, l);
	if (ui->dirty & DIRTY_HEADER)
		header_draw(c, l, ui->title, ui->model);
	if (ui->dirty & DIRTY_CHAT) {
		bool at_end = view_at_end(&ui->view);

		view_draw(&ui->view, c, l->chat);
		rule_draw(c, l, at_end, view_new_rows(&ui->view));
	}
	if (ui->dirty & DIRTY_INPUT)
		draw_input(ui);
	if (ui->dirty & DIRTY_STATUS || (ui->flash && !l->status.rows))
		draw_status(ui);
	complete_draw(&ui->complete, c, l);
	if (ui->popup) {
		ui->cursor_row = ui->cursor_col = -1;
		ui->popup->ops->draw(ui->popup, c, l, &ui->cursor_row, &ui->cursor_col);
	}
}

static void
show(struct ui *ui)
{
	WINDOW *win = ui->canvas.win;

	curs_set(ui->cursor_row >= 0);
	if (ui->cursor_row >= 0)
		wmove(win, ui->cursor_row, ui->cursor_col);
	wnoutrefresh(win);
	terminal_show(&ui->terminal);
}

void
ui_draw(struct ui *ui)
{
	int64_t now = ui->now_ms();

	ui_pump(ui);
	if (ui->flash && now >= ui->flash_until) {
		free(ui->flash);
		ui->flash = NULL;
		ui->dirty |= DIRTY_STATUS | DIRTY_CHAT;
	}
	if (ui->transcript->changed)
		ui->dirty |= DIRTY_CHAT;
	if (!terminal_send(&ui->terminal) || !ui->dirty || ui->suspended ||
		(!ui->urgent && now - ui->last_draw < FRAME_MS))
		return;
	/* What lies over other parts is drawn over them again. */
	if (ui->popup)
		ui->dirty = DIRTY_ALL;
	if (ui->complete.open)
		ui->dirty |= DIRTY_CHAT;
	ui_lay_out(ui);
	if (ui->find.open && ui->transcript->changed) {
		findline_update(&ui->find);
		ui->dirty |= DIRTY_INPUT;
	}
	draw_parts(ui);
	show(ui);
	ui->complete_shown = ui->complete.open;
	ui->dirty = 0;
	ui->urgent = false;
	ui->last_draw = now;
}

/* ---- what is shown --------------------------------------------------------------------------- */

struct transcript *
ui_transcript(struct ui *ui)
{
	return ui->transcript;
}

void
ui_scroll_to_end(struct ui *ui)
{
	if (ui->find.open)
		findline_to_end(&ui->find);
	else
		view_to_end(&ui->view);
	ui->dirty |= DIRTY_CHAT;
}

void
ui_set_style(struct ui *ui, const struct style_sheet *s)
{
	const char *no_color = getenv("NO_COLOR");

	if (!s || !ui->canvas.palette.colors || (no_color && *no_color))
		s = &style_sheet_mono;
	canvas_set_sheet(&ui->canvas, s);
	clearok(curscr, TRUE); /* the same palette entries may mean other colours now */
	ui->dirty = DIRTY_ALL;
}

void
ui_set_title(struct ui *ui, const char *title, const char *model)
{
	set_line(&ui->title, title);
	set_line(&ui->model, model);
	ui->dirty |= DIRTY_HEADER;
}

void
ui_set_placeholder(struct ui *ui, const char *hint)
{
	set_line(&ui->placeholder, hint);
	ui->dirty |= DIRTY_INPUT;
}

void
ui_set_status(struct ui *ui, const struct ui_status *s)
{
	set_line(&ui->state, s->state);
	set_line(&ui->hint, s->hint);
	ui->status = *s;
	ui->status.state = ui->state;
	ui->status.hint = ui->hint;
	ui->dirty |= DIRTY_STATUS;
}

bool
ui_flash(struct ui *ui, bool error, int ms, const char *text)
{
	const struct layout *l = &ui->layout;
	int cols = l->status.rows ? l->status.cols : l->chat.cols;

	set_line(&ui->flash, text);
	ui->flash_error = error;
	ui->flash_until = ms > 0 ? ui->now_ms() + ms : INT64_MAX;
	ui->dirty |= DIRTY_STATUS;
	return wrap_width(ui->flash, strlen(ui->flash)) <= cols;
}

bool
ui_copy(struct ui *ui, const char *text, size_t len)
{
	if (!terminal_copy(&ui->terminal, text, len))
		return false;
	if (!ui->suspended)	/* what has the terminal now is not to be torn: it goes when we are back */
		terminal_send(&ui->terminal);
	return true;
}

void
ui_remember(struct ui *ui, const char *text)
{
	char *clean = popup_text(text, false);

	lineedit_remember(clean);
	free(clean);
}

const char *
ui_input(const struct ui *ui)
{
	return lineedit_typed(NULL);
}

void
ui_set_input(struct ui *ui, const char *text)
{
	char *clean = popup_text(text, false);

	complete_close(&ui->complete);
	lineedit_set(clean);
	ui->dirty |= DIRTY_INPUT;
	free(clean);
}

/* ---- over the chat --------------------------------------------------------------------------- */

static void
post_popup_event(void *ctx, const struct ui_event *ev)
{
	ui_post(ctx, ev);
}

static void
open_popup(struct ui *ui, struct popup *p)
{
	ui_close_popup(ui);
	complete_close(&ui->complete);
	p->post = post_popup_event;
	p->ctx = ui;
	ui->popup = p;
	ui->dirty |= DIRTY_POPUP;
}

void
ui_pick(struct ui *ui, const struct ui_pick *p)
{
	open_popup(ui, popup_pick_new(p));
}

void
ui_pick_preview(struct ui *ui, size_t item, const char *text)
{
	if (!ui->popup || !ui->popup->ops->preview)
		return;
	ui->popup->ops->preview(ui->popup, item, text);
	ui->dirty |= DIRTY_POPUP;
}

void
ui_ask(struct ui *ui, int tag, const char *question)
{
	open_popup(ui, popup_ask_new(tag, question));
}

void
ui_page(struct ui *ui, const char *title, const char *text)
{
	open_popup(ui, popup_page_new(title, text));
}

void
ui_close_popup(struct ui *ui)
{
	if (!ui->popup)
		return;
	ui->popup->ops->free(ui->popup);
	ui->popup = NULL;
	ui->dirty = DIRTY_ALL;
}

bool
ui_has_popup(const struct ui *ui)
{
	return ui->popup != NULL;
}

/* ---- for tests ------------------------------------------------------------------------------- */

void
ui_screen_text(const struct ui *ui, struct strbuf *out)
{
	canvas_read(&ui->canvas, out);
}

void
ui_cursor(const struct ui *ui, int *row, int *col)
{
	*row = ui->cursor_row;
	*col = ui->cursor_col;
}

bool
ui_cell_style(const struct ui *ui, int row, int col, struct style *out)
{
	return canvas_cell(&ui->canvas, row, col, out);
}
