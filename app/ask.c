#include "config.h"

#include <poll.h>
#include <stdlib.h>

#include "app/ask.h"
#include "app/backend/local.h"
#include "app/models/guide.h"
#include "app/models/models.h"
#include "app/signals.h"

struct wait {
	bool (*on_text)(void *ctx, const char *text, size_t len);
	void *ctx;
	bool stopped;		/* the reader wants no more */
};

/* Cancels the job when a signal asks for the end. */
static void
look_at_signals(struct ask *a)
{
	int sig;

	while ((sig = signals_next())) {
		if (!signal_is_end(sig))
			continue;
		a->interrupted = true;
		a->backend->ops->cancel(a->backend, a->job);
	}
}

/* True when this event ends the job. */
static bool
take(struct ask *a, struct wait *w, const struct mail *ev)
{
	if (ev->job != a->job)
		return false;
	if (ev->type == MAIL_TEXT && !w->stopped && !w->on_text(w->ctx, ev->text.s, ev->text.len)) {
		w->stopped = true;
		a->backend->ops->cancel(a->backend, a->job);
	}
	return ev->type == MAIL_LOADED || ev->type == MAIL_DONE || ev->type == MAIL_FAILED;
}

/* The event that ends the job; valid until the mailbox is asked again. */
static const struct mail *
wait_for(struct ask *a, struct wait *w)
{
	struct pollfd p[] = {
		{ .fd = mailbox_fd(a->mailbox), .events = POLLIN },
		{ .fd = signals_fd(), .events = POLLIN },
	};

	for (;;) {
		struct mail *events;
		size_t n;

		poll(p, 2, -1);
		look_at_signals(a);
		n = mailbox_take(a->mailbox, &events);
		for (size_t i = 0; i < n; i++)
			if (take(a, w, &events[i]))
				return &events[i];
	}
}

static int
load(struct ask *a, const struct options *o, const char *wanted, struct err *e)
{
	struct model_list l;
	const struct model_entry *m;
	const struct mail *ev;

	if (!wanted)
		wanted = a->config->model ? a->config->model : GUIDE_NAME;
	model_list_scan(&l, a->config);
	m = model_list_find(&l, wanted, e);
	if (!m) {
		model_list_release(&l);
		return -1;
	}
	model_settings(a->config, m, &o->settings, o->set, &a->settings);
	a->backend->ops->load(a->backend, ++a->job, model_load_request(&l, m, &a->settings));
	model_list_release(&l);
	ev = wait_for(a, &(struct wait){ 0 });
	if (ev->type == MAIL_FAILED) {
		*e = ev->err;
		return -1;
	}
	a->model = ev->info;
	return 0;
}

int
ask_open(struct ask *a, const struct options *o, const char *wanted, struct err *e)
{
	*a = (struct ask){ 0 };
	a->config = config_load(NULL, e);
	if (!a->config || signals_init(e) < 0)
		return -1;
	a->mailbox = mailbox_new(e);
	a->backend = a->mailbox ? backend_local_new(a->mailbox, e) : NULL;
	return a->backend ? load(a, o, wanted, e) : -1;
}

void
ask_close(struct ask *a)
{
	if (a->backend)
		a->backend->ops->close(a->backend);
	mailbox_free(a->mailbox);
	config_free(a->config);
	*a = (struct ask){ 0 };
}

const char *
ask_system(const struct ask *a, const struct options *o)
{
	const char *what = o->system ? o->system : a->config->system;
	const char *text = what ? config_find_system(a->config, what) : NULL;

	return text ? text : what;
}

int
ask_reply(struct ask *a, struct reply_request *r, bool (*on_text)(void *ctx, const char *text, size_t len),
	void *ctx, enum llm_finish *finish, struct llm_stats *stats, struct err *e)
{
	struct wait w = { .on_text = on_text, .ctx = ctx };
	const struct mail *ev;

	a->backend->ops->reply(a->backend, ++a->job, r);
	ev = wait_for(a, &w);
	if (ev->type == MAIL_FAILED) {
		*e = ev->err;
		return -1;
	}
	*finish = ev->finish;
	*stats = ev->stats;
	return 0;
}
