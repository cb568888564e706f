#include "config.h"

#include "tests/app/cmocka_all.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "app/command/command.h"
#include "app/models/guide.h"
#include "base/xalloc.h"
#include "tests/app/scratch.h"
#include "tests/app/scripted.h"

int64_t rig_now;

/* ---- the backend ---- */

static struct scripted *
scripted_of(struct backend *b)
{
	return (struct scripted *)b;
}

static void
post(struct scripted *s, enum mail_type type, unsigned job)
{
	struct mail ev = { .type = type, .job = job, .text = STRBUF_INIT, .stats = s->stats };

	mailbox_post(s->mailbox, &ev);
}

void
scripted_loaded(struct scripted *s)
{
	struct mail ev = { .type = MAIL_LOADED, .job = s->job, .text = STRBUF_INIT };

	snprintf(ev.info.name, sizeof ev.info.name, "%s", s->load->name);
	snprintf(ev.info.ref, sizeof ev.info.ref, "%s", s->load->ref);
	snprintf(ev.info.type, sizeof ev.info.type, "Q8_0");
	ev.info.context = s->load->settings.context ? s->load->settings.context : 1000;
	ev.info.threads = s->load->settings.threads ? s->load->settings.threads : 2;
	ev.info.prompt_threads = s->load->settings.prompt_threads ? s->load->settings.prompt_threads : ev.info.threads;
	snprintf(ev.info.isa, sizeof ev.info.isa, "scalar");
	mailbox_post(s->mailbox, &ev);
}

void
scripted_say(struct scripted *s, const char *text)
{
	struct mail ev = { .type = MAIL_TEXT, .job = s->job, .text = STRBUF_INIT };

	s->stats.answer_tokens++;
	ev.stats = s->stats;
	strbuf_adds(&ev.text, text);
	mailbox_post(s->mailbox, &ev);
	strbuf_release(&ev.text);
}

void
scripted_done(struct scripted *s, enum llm_finish finish)
{
	struct mail ev = { .type = MAIL_DONE, .job = s->job, .text = STRBUF_INIT, .stats = s->stats, .finish = finish };

	mailbox_post(s->mailbox, &ev);
}

void
scripted_fail(struct scripted *s, enum err_code code, const char *text)
{
	struct mail ev = { .type = MAIL_FAILED, .job = s->job, .text = STRBUF_INIT };

	err_set(&ev.err, code, "%s", text);
	mailbox_post(s->mailbox, &ev);
}

static void
on_load(struct backend *b, unsigned job, struct load_request *r)
{
	struct scripted *s = scripted_of(b);

	load_request_free(s->load);
	s->load = r;
	s->loads++;
	s->job = job;
	if (s->refuse && !strcmp(s->refuse, r->name))
		scripted_fail(s, ERR_MODEL, "the file is cut short");
	else if (!s->hold_load)
		scripted_loaded(s);
}

static void
on_reply(struct backend *b, unsigned job, struct reply_request *r)
{
	struct scripted *s = scripted_of(b);

	reply_request_free(s->reply);
	s->reply = r;
	s->replies++;
	s->job = job;
	s->stats = (struct llm_stats){ .prompt_tokens = 10 * r->n, .first_token_seconds = 1, .total_seconds = 3,
		.tokens_per_second = 12.5 };
	if (s->on_reply)
		s->on_reply();
}

static void
on_count(struct backend *b, unsigned job, struct reply_request *r)
{
	struct scripted *s = scripted_of(b);
	struct mail ev = { .type = MAIL_COUNTED, .job = job, .text = STRBUF_INIT };

	s->counts++;
	ev.stats.prompt_tokens = 10 * r->n;
	mailbox_post(s->mailbox, &ev);
	reply_request_free(r);
}

static void
on_cancel(struct backend *b, unsigned job)
{
	struct scripted *s = scripted_of(b);

	s->cancels++;
	post(s, MAIL_PREFILL, job);	/* what was under way comes nevertheless */
}

static void
on_close(struct backend *b)
{
}

static const struct backend_ops scripted_ops = {
	.load = on_load,
	.reply = on_reply,
	.count = on_count,
	.cancel = on_cancel,
	.close = on_close,
};

/* ---- the rig ---- */

static int64_t
now(void)
{
	return rig_now;
}

void
rig_init(struct rig *r, const char *yaml, const char *sessions_dir)
{
	struct ui_opts o = { .headless_rows = 30, .headless_cols = 120, .now_ms = now, .complete = command_complete,
		.ctx = &r->c };
	struct controller_opts co = { .now_ms = now };
	struct err e = { 0 };

	*r = (struct rig){ 0 };
	rig_now = 1000000;
	r->sessions_dir = sessions_dir ? xstrdup(sessions_dir) : xasprintf("%s/sessions", getenv("HOME"));
	r->state_dir = xasprintf("%s/state", getenv("HOME"));
	mkdir(r->state_dir, 0700);
	mkdir(r->sessions_dir, 0700);
	yaml = yaml ? yaml : "";
	r->config = config_parse("config.yaml", yaml, strlen(yaml), &e);
	if (!r->config)
		fail_msg("%s", e.text);
	r->mailbox = mailbox_new(&e);
	r->backend.base.ops = &scripted_ops;
	r->backend.mailbox = r->mailbox;
	r->ui = ui_new(&o, &e);
	if (!r->ui)
		fail_msg("%s", e.text);
	co.mailbox = r->mailbox;
	co.backend = &r->backend.base;
	co.config = r->config;
	co.sessions_dir = r->sessions_dir;
	co.state_dir = r->state_dir;
	settings_init(&co.settings);
	controller_init(&r->c, r->ui, &co);
}

void
rig_start(struct rig *r, const char *session_path, const char *model)
{
	struct controller_start s = { .session_path = session_path, .model = model };
	struct err e = { 0 };

	if (controller_start(&r->c, &s, &e) < 0)
		fail_msg("%s", e.text);
	rig_turn(r);
}

void
rig_release(struct rig *r)
{
	struct err e;

	controller_finish(&r->c, &e);
	controller_release(&r->c);
	ui_free(r->ui);
	mailbox_free(r->mailbox);
	load_request_free(r->backend.load);
	reply_request_free(r->backend.reply);
	config_free(r->config);
	free(r->sessions_dir);
	free(r->state_dir);
}

/* One turn of the loop. */
static void
turn(struct rig *r)
{
	struct ui_event ev;

	controller_take_mail(&r->c);
	while (!r->c.ended && ui_next_event(r->ui, &ev))
		controller_ui_event(&r->c, &ev);
	controller_tick(&r->c);
	ui_draw(r->ui);
}

void
rig_turn(struct rig *r)
{
	/* What one turn posts comes with the next; a lone Esc is told from a sequence by time. */
	for (int i = 0; i < 4 && !r->c.ended; i++) {
		turn(r);
		rig_now += 50;
	}
}

void
rig_settle(struct rig *r)
{
	int ms;

	while ((ms = session_due_ms(r->c.session)) >= 0) {
		poll(NULL, 0, ms);
		rig_turn(r);
	}
}

void
rig_keys(struct rig *r, const char *bytes)
{
	ui_feed(r->ui, bytes, strlen(bytes));
	rig_turn(r);
}

void
rig_line(struct rig *r, const char *text)
{
	rig_keys(r, text);
	rig_keys(r, "\r");
}

static bool
on_screen(struct rig *r, const char *text, struct strbuf *screen)
{
	ui_draw(r->ui);
	ui_screen_text(r->ui, screen);
	return strstr(screen->s, text) != NULL;
}

void
rig_shows(struct rig *r, const char *text)
{
	struct strbuf screen = STRBUF_INIT;

	if (!on_screen(r, text, &screen)) {
		fputs(screen.s, stderr);
		fail_msg("\"%s\" is not on the screen", text);
	}
	strbuf_release(&screen);
}

void
rig_hides(struct rig *r, const char *text)
{
	struct strbuf screen = STRBUF_INIT;

	if (on_screen(r, text, &screen)) {
		fputs(screen.s, stderr);
		fail_msg("\"%s\" is on the screen", text);
	}
	strbuf_release(&screen);
}

char *
rig_file(struct rig *r)
{
	struct strbuf text = STRBUF_INIT;
	const char *path = session_path(r->c.session);

	if (!path)
		fail_msg("the chat is not on disk");
	scratch_read(path, &text);
	return strbuf_detach(&text);
}

void
rig_file_has(struct rig *r, const char *text)
{
	char *file = rig_file(r);

	if (!strstr(file, text)) {
		fputs(file, stderr);
		fail_msg("\"%s\" is not on disk", text);
	}
	free(file);
}
