#include "config.h"

#include <poll.h>
#include <signal.h>

#include "app/loop.h"
#include "app/signals.h"

static int
earlier(int a, int b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

static void
on_signal(struct controller *c, struct ui *ui, int sig)
{
	if (signal_is_end(sig)) {
		controller_quit(c, ERR_INTERRUPTED);
		return;
	}
	switch (sig) {
	case SIGWINCH:
		ui_resize(ui);
		break;
	case SIGTSTP:
		ui_suspend(ui);
		signals_stop_self();
		ui_resume(ui);
		break;
	case SIGCONT:		/* after a stop that could not be caught: the terminal is as the shell left it */
		ui_suspend(ui);
		ui_resume(ui);
		break;
	}
}

static void
turn(struct controller *c, struct ui *ui)
{
	struct pollfd p[] = {
		{ .fd = ui_fd(ui), .events = POLLIN },
		{ .fd = signals_fd(), .events = POLLIN },
		{ .fd = mailbox_fd(c->o.mailbox), .events = POLLIN },
		{ .fd = ui_out_fd(ui), .events = POLLOUT },	/* for ui_draw */
	};
	struct ui_event ev;
	int sig;

	if (poll(p, 4, earlier(ui_timeout(ui), controller_timeout(c))) < 0)
		p[0].revents = p[1].revents = p[2].revents = 0;	/* a signal: its byte comes next */
	while ((sig = signals_next()))
		on_signal(c, ui, sig);
	if (p[0].revents && !ui_read(ui))
		controller_quit(c, ERR_INTERRUPTED);
	if (p[2].revents)
		controller_take_mail(c);
	while (!c->ended && ui_next_event(ui, &ev))
		controller_ui_event(c, &ev);
	controller_tick(c);
}

void
loop_run(struct controller *c, struct ui *ui)
{
	while (!c->ended) {
		ui_draw(ui);
		turn(c, ui);
	}
}
