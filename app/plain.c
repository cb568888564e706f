#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/plain.h"
#include "app/signals.h"
#include "base/utf8.h"

struct plain {
	struct controller *c;
	struct strbuf in;	/* read and not yet used */
	bool eof;
	bool prompted;		/* "> " stands there */
	bool asked;		/* Ctrl-C was pressed once */
};

static void
on_line(struct plain *p, const char *line)
{
	struct controller *c = p->c;
	struct ui_event ev = { .type = UI_SUBMIT, .text = line };
	char *end;
	unsigned long n = strtoul(line, &end, 10);

	if (c->plain_popup == POPUP_DELETE) {
		ev = (struct ui_event){ .type = UI_ANSWER, .tag = POPUP_DELETE, .choice = tolower(*line) == 'y' };
	} else if (c->plain_popup && end != line && !*end && n > 0) {
		ev = (struct ui_event){ .type = UI_PICK, .tag = c->plain_popup, .choice = n - 1 };
	} else if (!*line) {
		return;
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

/* Lines are taken one by one, each when the work of the one before is done: a script is answered turn by turn. */
static void
take_lines(struct plain *p)
{
	struct strbuf line = STRBUF_INIT;

	while (!p->c->ended && p->c->phase == PHASE_IDLE && next_line(p, &line)) {
		p->prompted = false;
		p->c->view.echo_mid_line = false;	/* the user's Enter ended it */
		p->asked = false;
		on_line(p, line.s);
	}
	if (p->eof && !p->in.len && p->c->phase == PHASE_IDLE)
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
	if (p->prompted || p->eof || p->c->phase != PHASE_IDLE)
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
		bool idle = c->phase == PHASE_IDLE;
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
		take_lines(&p);
		controller_tick(c);
	}
	strbuf_release(&p.in);
}
