#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/controller/controller.h"
#include "app/plain.h"
#include "app/signals.h"
#include "base/utf8.h"
#include "base/xalloc.h"

enum { PAGE = 20 };		/* rows of a list at a time */

struct plain {
	struct controller *c;
	struct strbuf in;	/* read and not yet used */
	bool eof;
	bool prompted;		/* "> " stands there */
	bool asked;		/* Ctrl-C was pressed once */
};

/* ---- lists ---- */

static void
show_page(struct controller *c)
{
	struct plain_list *l = &c->plain_list;
	size_t from = l->shown;
	char *hint;

	for (; l->rest.len && l->shown < from + PAGE; l->shown++) {
		size_t len = strcspn(l->rest.s, "\n");

		l->rest.s[len] = '\0';
		chat_view_echo(&c->view, "", l->rest.s);
		strbuf_remove(&l->rest, 0, len + 1);
	}
	if (l->rest.len)
		hint = xasprintf("%zu to %zu of %zu: type a number, \"more\", or an empty line for none",
			from + 1, l->shown, l->n);
	else
		hint = xstrdup("type a number, or an empty line for none");
	chat_view_echo(&c->view, "-- ", hint);
	free(hint);
}

static void
add_row(struct plain_list *l, const struct ui_choice *choice)
{
	size_t from = l->rest.len;

	strbuf_addf(&l->rest, "%3zu  %s  %s", ++l->n, choice->label, choice->detail ? choice->detail : "");
	for (char *s = l->rest.s + from; *s; s++)
		if (*s == '\n')
			*s = ' ';
	strbuf_addc(&l->rest, '\n');
}

void
plain_pick(struct controller *c, const struct ui_pick *pick)
{
	struct plain_list *l = &c->plain_list;

	l->n = l->shown = 0;
	strbuf_reset(&l->rest);
	for (size_t i = 0; i < pick->n; i++)
		add_row(l, &pick->items[i]);
	chat_view_echo(&c->view, "-- ", pick->title);
	if (pick->n)
		show_page(c);
	else
		chat_view_echo(&c->view, "-- ", pick->empty ? pick->empty : "nothing there");
	c->plain_popup = pick->n ? pick->tag : 0;
}

/* A line while a list waits for a choice. False: it is not about the list. */
static bool
choose(struct controller *c, const char *line, struct ui_event *ev)
{
	struct plain_list *l = &c->plain_list;
	char *end;
	unsigned long n = strtoul(line, &end, 10);

	*ev = (struct ui_event){ .type = UI_PICK_CANCELLED, .tag = c->plain_popup };
	if (!*line) {
		chat_view_echo(&c->view, "-- ", "none of them");
		return true;
	}
	if (end == line || *end)
		return false;
	if (n < 1 || n > l->n)
		chat_view_echo(&c->view, "-- ", "there is none of that number");
	else
		*ev = (struct ui_event){ .type = UI_PICK, .tag = c->plain_popup, .choice = n - 1 };
	return true;
}

/* ---- lines ---- */

/* Blanks in front of a command are none of a message: an editor or a Tab has left them there. */
static const char *
skip_blanks(const char *line)
{
	const char *text = line + strspn(line, " \t");

	return *text == '/' ? text : line;
}

static void
on_line(struct plain *p, const char *line)
{
	struct controller *c = p->c;
	struct ui_event ev;
	bool asked = c->plain_popup != 0;

	if (asked && c->plain_popup != POPUP_DELETE && c->plain_list.rest.len && !strcmp(line, "more")) {
		show_page(c);
		return;
	}
	if (c->plain_popup == POPUP_DELETE) {
		ev = (struct ui_event){ .type = UI_ANSWER, .tag = POPUP_DELETE, .choice = tolower(*line) == 'y' };
	} else if (!asked || !choose(c, line, &ev)) {
		if (!*line)
			return;
		ev = (struct ui_event){ .type = UI_SUBMIT, .text = skip_blanks(line) };
	}
	c->plain_popup = 0;
	controller_ui_event(c, &ev);
}

/* Takes one line out of what was read; at the end of stdin also one without its newline. */
static bool
next_line(struct plain *p, struct strbuf *line)
{
	char *newline = memchr(p->in.s, '\n', p->in.len);
	size_t len = newline ? (size_t)(newline - p->in.s) : p->in.len;

	if (!newline && !(p->eof && p->in.len))
		return false;
	strbuf_reset(line);
	utf8_repair(line, p->in.s, len);
	for (size_t i = 0; i < line->len; i++)
		if (!line->s[i])
			line->s[i] = ' ';
	while (line->len && isspace((unsigned char)line->s[line->len - 1]))
		strbuf_truncate(line, line->len - 1);
	strbuf_remove(&p->in, 0, newline ? len + 1 : len);
	return true;
}

static bool
is_idle(const struct plain *p)
{
	return p->c->phase == PHASE_IDLE && !controller_is_copying(p->c);
}

/* Lines are taken one by one, each when the work of the one before is done: a script is answered turn by turn. */
static void
take_lines(struct plain *p)
{
	struct strbuf line = STRBUF_INIT;

	while (!p->c->ended && is_idle(p) && next_line(p, &line)) {
		p->prompted = false;
		p->c->view.echo_mid_line = false;	/* the user's Enter ended it */
		p->asked = false;
		on_line(p, line.s);
	}
	if (p->eof && !p->in.len && is_idle(p))
		controller_quit(p->c, p->c->failed);
	strbuf_release(&line);
}

static void
read_some(struct plain *p)
{
	char buf[4096];
	ssize_t n = read(STDIN_FILENO, buf, sizeof buf);

	if (n > 0)
		strbuf_add(&p->in, buf, (size_t)n);
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		p->eof = true;
}

static void
on_signal(struct plain *p, int sig)
{
	if (sig == SIGTSTP) {
		signals_stop_self();
		p->prompted = false;
	}
	if (!signal_is_end(sig))
		return;
	if (sig == SIGINT && p->c->phase != PHASE_IDLE) {
		controller_stop(p->c);
	} else if (sig == SIGINT && !p->asked) {
		p->asked = true;
		chat_view_echo(&p->c->view, "\n-- ", "Ctrl-C again quits");
		p->prompted = false;
	} else {
		controller_quit(p->c, ERR_INTERRUPTED);
	}
}

static void
show_prompt(struct plain *p)
{
	if (p->prompted || p->eof || !is_idle(p))
		return;
	chat_view_echo(&p->c->view, "", "");
	fputs("> ", p->c->o.plain);
	fflush(p->c->o.plain);
	p->prompted = true;
}

void
plain_run(struct controller *c)
{
	struct plain p = { .c = c, .in = STRBUF_INIT };
	int sig;

	while (!c->ended) {
		bool idle = is_idle(&p);
		struct pollfd fds[] = {
			{ .fd = idle && !p.eof ? STDIN_FILENO : -1, .events = POLLIN },
			{ .fd = signals_fd(), .events = POLLIN },
			{ .fd = mailbox_fd(c->o.mailbox), .events = POLLIN },
		};

		show_prompt(&p);
		if (poll(fds, 3, controller_timeout(c)) < 0)
			fds[0].revents = 0;
		while ((sig = signals_next()))
			on_signal(&p, sig);
		if (fds[0].revents)
			read_some(&p);
		controller_take_mail(c);
		controller_tick(c);
		take_lines(&p);
	}
	strbuf_release(&p.in);
}
