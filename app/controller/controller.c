#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/command/handlers.h"
#include "app/controller/controller.h"
#include "app/controller/editor.h"
#include "app/signals.h"
#include "base/xalloc.h"

enum { DRAFT_DELAY_MS = 400, QUIT_MS = 3000 };

void
controller_init(struct controller *c, struct ui *ui, const struct controller_opts *o)
{
	*c = (struct controller){ .o = *o, .ui = ui, .queue = STRBUF_INIT,
		.copy.text = STRBUF_INIT, .plain_list.rest = STRBUF_INIT };
	if (o->style)
		c->style = *o->style;
	c->theme = o->theme ? xstrdup(o->theme) : NULL;
	chat_view_init(&c->view, ui_transcript(ui));
	c->view.echo = o->plain;
	controller_update_settings(c);
}

int
controller_finish(struct controller *c, struct err *e)
{
	int rc;

	if (!c->session)
		return 0;
	controller_forget_loads(c);
	controller_abandon(c);
	rc = session_flush(c->session, e);
	controller_copy_finish(c);
	if (rc < 0 && c->session->moved)
		rc = 0;			/* it is saved; e says where */
	return controller_draft_store(c, e) < 0 ? -1 : rc;
}

void
controller_release(struct controller *c)
{
	session_free(c->session);
	chat_view_release(&c->view);
	strbuf_release(&c->queue);
	controller_copy_release(c);
	strbuf_release(&c->plain_list.rest);
	model_list_release(&c->models);
	session_list_free(c->sessions, c->n_sessions);
	theme_list_free(c->themes, c->n_themes);
	free(c->branches);
	free(c->mine);
	free(c->theme);
	free(c->next_model);
	free(c->loading);
	free(c->sent);
	free(c->doomed);
	free(c->list_filter);
	free(c->list_at);
	free(c->list_next);
	free(c->draft);
	c->session = NULL;
}

int
controller_start(struct controller *c, const struct controller_start *s, struct err *e)
{
	c->take_draft = !s->prompt || !*s->prompt;
	if (!s->session_path)
		controller_new_session(c, NULL);
	else if (controller_open_session(c, s->session_path, e) < 0)
		return -1;
	c->take_draft = false;
	if (s->session_path && c->o.system)
		controller_set_system(c, controller_usual_system(c));
	if (controller_first_model(c, s->model, e) < 0)
		return -1;
	if (s->pick_session)
		controller_pick_session(c);
	if (s->prompt && *s->prompt)
		controller_send(c, s->prompt);
	controller_show_title(c);
	controller_show_status(c);
	return 0;
}

void
controller_quit(struct controller *c, int status)
{
	c->ended = true;
	c->status = status;
}

/* ---- mail of the backend ---- */

/* How much of the context the conversation takes; after a switch, what the next turn costs. */
static void
on_counted(struct controller *c, const struct mail *ev)
{
	size_t again = ev->stats.prompt_tokens - ev->stats.cached_tokens;

	c->count_job = 0;
	if (c->phase == PHASE_REPLYING)
		return;
	c->stats = ev->stats;
	c->stats.answer_tokens = 0;
	c->evicted = ev->stats.evicted_messages;
	chat_view_set_divider(&c->view, controller_first_seen(c));
	if (c->say_cost == COST_MODEL && c->loaded && again)
		controller_notice(c, "%s answers from here on. At the next message it reads the whole conversation anew (%zu tokens).",
			c->model.name, again);
	else if (c->say_cost == COST_SYSTEM && again)
		controller_notice(c, "At the next message the whole conversation is read anew (%zu tokens).", again);
	c->say_cost = COST_NONE;
}

static void
on_mail(struct controller *c, const struct mail *ev)
{
	if (ev->job == c->count_job && ev->type == MAIL_COUNTED)
		on_counted(c, ev);
	else if (ev->type == MAIL_LOADED)
		controller_load_event(c, ev);	/* also one that is no longer awaited: the model is there */
	else if (ev->job != c->job)
		return;				/* of an answer that was given up */
	else if (c->phase == PHASE_LOADING)
		controller_load_event(c, ev);
	else if (c->phase == PHASE_REPLYING)
		controller_reply_event(c, ev);
}

void
controller_take_mail(struct controller *c)
{
	struct mail *events;
	size_t n;

	if (c->taking_mail)
		return;			/* what is being worked on is valid until the next call only */
	c->taking_mail = true;
	n = mailbox_take(c->o.mailbox, &events);
	for (size_t i = 0; i < n; i++)
		on_mail(c, &events[i]);
	c->taking_mail = false;
	if (n)
		controller_show_status(c);
}

/* ---- time ---- */

static int
draft_due_ms(const struct controller *c)
{
	int64_t left = c->draft_due - controller_now(c);

	if (!c->draft_due)
		return -1;
	return left < 0 ? 0 : (int)left;
}

int
controller_timeout(const struct controller *c)
{
	const int due[] = { session_due_ms(c->session), draft_due_ms(c), controller_copy_due_ms(c) };
	int first = -1;

	for (size_t i = 0; i < sizeof due / sizeof *due; i++)
		if (due[i] >= 0 && (first < 0 || due[i] < first))
			first = due[i];
	return first;
}

/* That it fails is said once, though it is tried again and again. */
static void
store_draft(struct controller *c)
{
	bool said = c->draft_failed;
	struct err e = { 0 };

	if (controller_draft_store(c, &e) < 0 && !said)
		controller_error(c, "Careful: %s. The chat goes on.", e.text);
}

void
controller_tick(struct controller *c)
{
	struct err e = { 0 };

	if (session_due_ms(c->session) == 0)
		controller_disk(c, session_tick(c->session, &e), &e);
	if (c->draft_due && c->draft_due <= controller_now(c))
		store_draft(c);
	controller_copy_tick(c);
}

/* ---- what the user did ---- */

/* Ctrl-C, and Ctrl-D in an empty input: ends what is going on; else the input; else, asked once, the
 * program. */
static void
interrupt(struct controller *c)
{
	if (c->phase != PHASE_IDLE) {
		controller_stop(c);
		return;
	}
	if (*ui_input(c->ui)) {
		ui_set_input(c->ui, "");
		return;
	}
	if (controller_now(c) < c->quit_until) {
		controller_quit(c, 0);
		return;
	}
	c->quit_until = controller_now(c) + QUIT_MS;
	ui_flash(c->ui, false, QUIT_MS, "Press it again to quit");
}

static void
suspend(struct controller *c)
{
	ui_suspend(c->ui);
	signals_stop_self();
	ui_resume(c->ui);
}

static void
on_action(struct controller *c, enum action a)
{
	switch (a) {
	case ACTION_STOP:
		controller_stop(c);
		break;
	case ACTION_INTERRUPT:
		interrupt(c);
		break;
	case ACTION_PALETTE:
		controller_palette(c);
		break;
	case ACTION_SESSIONS:
		controller_pick_session(c);
		break;
	case ACTION_EDITOR:
		controller_edit_input(c);
		break;
	case ACTION_SUSPEND:
		suspend(c);
		break;
	case ACTION_HELP:
		command_help(c, "");
		break;
	default:
		break;
	}
}

static void
on_submit(struct controller *c, const char *text)
{
	char *copy = xstrdup(text);	/* the event's text dies with the next call of the screen */

	c->draft_due = controller_now(c);
	if (copy[0] == '/' && copy[1] != '/')
		command_run(c, copy);
	else
		controller_send(c, copy[0] == '/' ? copy + 1 : copy);
	free(copy);
}

void
controller_ui_event(struct controller *c, const struct ui_event *ev)
{
	if (ev->type != UI_ACTION || ev->action != ACTION_INTERRUPT)
		c->quit_until = 0;
	switch (ev->type) {
	case UI_SUBMIT:
		on_submit(c, ev->text);
		break;
	case UI_ACTION:
		on_action(c, ev->action);
		break;
	case UI_EDITED:
		c->draft_due = controller_now(c) + DRAFT_DELAY_MS;
		break;
	case UI_HANGUP:
		controller_quit(c, ERR_INTERRUPTED);
		break;
	case UI_PICK:
	case UI_PICK_MOVED:
	case UI_PICK_KEY:
	case UI_PICK_CANCELLED:
	case UI_ANSWER:
		controller_popup_event(c, ev);
		break;
	}
	controller_show_status(c);
}
