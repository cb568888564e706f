#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/backend/request.h"
#include "app/controller/controller.h"
#include "base/log.h"
#include "base/xalloc.h"

/* ---- the request ---- */

/* The conversation in view up to and with message `last`; 0: all. */
static struct reply_request *
build_request(struct controller *c, int last)
{
	struct reply_request *r;

	free(c->sent);
	r = request_build(&c->session->conv, last, &c->sent, &c->n_sent);
	r->sampling = c->settings.sampling;
	r->max_tokens = c->settings.max_tokens;
	return r;
}

int
controller_first_seen(const struct controller *c)
{
	return c->evicted && c->evicted < c->n_sent ? c->sent[c->evicted] : 0;
}

void
controller_count(struct controller *c)
{
	struct reply_request *r;

	if (!c->loaded)
		return;
	r = build_request(c, 0);
	if (!r->n || r->messages[r->n - 1].role == ROLE_SYSTEM) {
		reply_request_free(r);
		c->stats = (struct llm_stats){ 0 };
		c->count_job = 0;
		return;
	}
	c->count_job = ++c->last_job;
	c->o.backend->ops->count(c->o.backend, c->count_job, r);
}

/* ---- beginning ---- */

/* While the model is loading `again` is kept for when it is there. */
static bool
may_answer(struct controller *c, void (*again)(struct controller *c))
{
	if (c->phase == PHASE_LOADING) {
		c->after_load = again;
		controller_flash(c, "As soon as the model is loaded");
	} else if (c->session->read_only) {
		controller_refuse_read_only(c);
	} else if (!c->loaded) {
		controller_failed(c, ERR_MODEL);
		controller_error(c, "No model is loaded. /model chooses one.");
	} else {
		return true;
	}
	return false;
}

static void
post_reply(struct controller *c, struct reply_request *r)
{
	c->phase = PHASE_REPLYING;
	c->stopping = false;
	c->prefill_done = c->prefill_total = 0;
	c->stats.answer_tokens = 0;
	c->stats.tokens_per_second = 0;
	c->job = ++c->last_job;
	c->view.live = c->answer;
	c->o.backend->ops->reply(c->o.backend, c->job, r);
	controller_show_status(c);
}

/* Whether this model has answered with this seed already: it would say the same again. */
static bool
is_used(const struct controller *c, int parent, uint64_t seed, const struct sampling *sampling)
{
	const struct conversation *conv = &c->session->conv;

	for (size_t i = conv->n; i-- > 0 && conv->messages[i]->id > parent;) {
		const struct message *m = conv->messages[i];

		if (m->parent == parent && m->role == ROLE_ASSISTANT && !m->deleted && m->text.len &&
			m->seed == seed && m->model && !strcmp(m->model, c->model.name) &&
			!memcmp(&m->sampling, sampling, sizeof *sampling))
			return true;
	}
	return false;
}

/* The seed that was set, or the next that is new to this question; who sets one can have every answer again. */
static uint64_t
seed_of_answer(const struct controller *c, int parent, const struct sampling *sampling)
{
	uint64_t seed = (uint64_t)c->settings.seed;

	if (c->settings.seed < 0)
		return request_random_seed();
	while (sampling->temperature > 0 && is_used(c, parent, seed, sampling))
		seed = (seed + 1) & INT64_MAX;
	return seed;
}

/* A new answer to message `parent`, which is in view. */
static void
begin_answer(struct controller *c, int parent)
{
	struct reply_request *r = build_request(c, parent);
	struct err e = { 0 };
	int rc;

	r->seed = seed_of_answer(c, parent, &r->sampling);
	c->answer = 0;
	controller_remember_model(c);
	rc = session_begin_answer(c->session, parent, c->model.name, r->seed, &r->sampling, &c->answer, &e);
	controller_disk(c, rc, &e);
	if (!c->answer) {
		reply_request_free(r);
		return;
	}
	c->reopened = false;
	c->view.live = c->answer;
	chat_view_add_message(&c->view, &c->session->conv, conversation_find(&c->session->conv, c->answer));
	post_reply(c, r);
}

static void
send_now(struct controller *c, const char *text)
{
	const struct conversation *conv = &c->session->conv;
	struct err e = { 0 };
	int rc;

	if (!may_answer(c, NULL)) {
		controller_give_back(c, text);
		return;
	}
	c->old_head = conv->head;
	/* On disk before the engine hears of it: whatever happens then, the turn is there. */
	c->asked = 0;
	rc = session_add_user(c->session, conv->head, text, &c->asked, &e);
	controller_disk(c, rc, &e);
	if (!c->asked) {
		controller_give_back(c, text);
		return;
	}
	chat_view_add_message(&c->view, conv, conversation_find(conv, c->asked));
	controller_show_title(c);
	begin_answer(c, c->asked);
}

void
controller_send(struct controller *c, const char *text)
{
	ui_scroll_to_end(c->ui);
	if (c->phase == PHASE_IDLE) {
		send_now(c, text);
		return;
	}
	if (c->queue.len)
		strbuf_adds(&c->queue, "\n\n");
	strbuf_adds(&c->queue, text);
	chat_view_set_queue(&c->view, c->queue.s);
	c->draft_due = controller_now(c);
}

void
controller_send_queue(struct controller *c)
{
	char *text;

	if (!c->queue.len || c->phase != PHASE_IDLE)
		return;
	text = strbuf_detach(&c->queue);
	chat_view_set_queue(&c->view, NULL);
	send_now(c, text);
	c->draft_due = controller_now(c);
	free(text);
}

void
controller_take_queue_back(struct controller *c)
{
	char *text;

	if (!c->queue.len)
		return;
	text = strbuf_detach(&c->queue);
	chat_view_set_queue(&c->view, NULL);
	controller_give_back(c, text);
	free(text);
}

void
controller_regen(struct controller *c)
{
	struct message *user;
	struct err e = { 0 };

	controller_abandon(c);
	user = conversation_last(&c->session->conv, ROLE_USER);
	if (!user) {
		controller_flash(c, "There is no question to answer yet");
		return;
	}
	if (!may_answer(c, controller_regen))
		return;
	c->asked = 0;
	c->old_head = c->session->conv.head;
	if (user->id != c->old_head) {
		controller_disk(c, session_set_head(c->session, user->id, &e), &e);
		controller_show_conversation(c);
	}
	ui_scroll_to_end(c->ui);
	begin_answer(c, user->id);
}

void
controller_take_back(struct controller *c, int id)
{
	const struct conversation *conv = &c->session->conv;
	const struct message *m, *last;
	char *text;

	if (c->session->read_only) {
		controller_refuse_read_only(c);
		return;
	}
	controller_abandon(c);
	m = conversation_find(conv, id);
	if (!m || m->deleted)
		return;
	last = conversation_last(conv, ROLE_USER);
	text = xstrdup(m->text.s);
	controller_set_head(c, m->parent);
	controller_give_back(c, text);
	if (m != last)
		controller_flash(c, "What came after it is kept: /branch goes back to it");
	free(text);
}

void
controller_continue(struct controller *c)
{
	struct message *m;
	struct reply_request *r;
	struct err e = { 0 };

	controller_abandon(c);
	m = conversation_find(&c->session->conv, c->session->conv.head);
	if (!m || m->role != ROLE_ASSISTANT || !m->text.len) {
		controller_regen(c);
		return;
	}
	if (!may_answer(c, controller_continue))
		return;
	c->asked = 0;
	c->answer = m->id;
	c->old_head = m->id;
	c->reopened = true;
	c->before = m->stats;
	c->before_finish = m->finish == FINISH_OPEN ? FINISH_CANCELLED : m->finish;
	r = build_request(c, m->id);
	r->seed = m->seed;
	controller_remember_model(c);
	controller_disk(c, session_reopen_answer(c->session, m->id, &e), &e);
	c->view.live = m->id;
	chat_view_cut_below(&c->view, m->id);
	chat_view_update_footer(&c->view, &c->session->conv, m);
	ui_scroll_to_end(c->ui);
	post_reply(c, r);
}

/* ---- ending ---- */

static struct message_stats
stats_of(const struct controller *c)
{
	struct message_stats m = request_stats(&c->stats);

	if (c->reopened) {
		m.answer_tokens += c->before.answer_tokens;
		m.ms += c->before.ms;
		m.first_token_ms += c->before.first_token_ms;
	}
	return m;
}

static void
end_answer(struct controller *c, enum finish finish, const struct message_stats *stats)
{
	struct conversation *conv = &c->session->conv;
	struct err e = { 0 };

	controller_disk(c, session_end_answer(c->session, c->answer, finish, stats, &e), &e);
	c->view.live = 0;
	chat_view_update_footer(&c->view, conv, conversation_find(conv, c->answer));
	c->answer = 0;
	c->job = 0;
	c->stopping = false;
	c->phase = PHASE_IDLE;
}

/* What was to be done after the answer. */
static void
go_on(struct controller *c, bool stopped)
{
	if (stopped)
		controller_take_queue_back(c);
	controller_load_next(c);
	controller_send_queue(c);	/* or once the model is there */
}

void
controller_stop(struct controller *c)
{
	if (c->phase == PHASE_IDLE)
		return;
	if (c->queue.len) {
		controller_take_queue_back(c);
	} else if (!c->stopping) {
		c->stopping = true;
		c->o.backend->ops->cancel(c->o.backend, c->job);
	}
	controller_show_status(c);
}

void
controller_abandon(struct controller *c)
{
	struct message_stats stats;

	controller_take_mail(c);	/* what it has said so far is kept */
	controller_take_queue_back(c);
	if (c->phase != PHASE_REPLYING)
		return;
	c->o.backend->ops->cancel(c->o.backend, c->job);
	stats = stats_of(c);
	end_answer(c, FINISH_CANCELLED, &stats);
	go_on(c, true);
	controller_show_status(c);
}

/* ---- events ---- */

static void
note_evicted(struct controller *c)
{
	size_t old = c->evicted;

	c->evicted = c->stats.evicted_messages;
	if (c->evicted == old)
		return;
	chat_view_set_divider(&c->view, controller_first_seen(c));
	if (c->evicted > old)
		controller_notice(c, "The chat no longer fits into the context of %zu tokens. The model sees it from the "
			"line on; what is above stays here and on disk.", c->model.context);
}

static void
note_stats(struct controller *c, const struct llm_stats *stats)
{
	c->stats = *stats;
	note_evicted(c);
	if (!stats->n_defused || c->said_defused)
		return;
	c->said_defused = true;
	controller_notice(c, "A text contains marks of the model's prompt format; they were sent as plain text.");
}

static void
on_text(struct controller *c, const struct mail *ev)
{
	struct err e = { 0 };

	controller_disk(c, session_add_piece(c->session, c->answer, ev->text.s, ev->text.len, &e), &e);
	chat_view_append(&c->view, c->answer, ev->text.s, ev->text.len);
	note_stats(c, &ev->stats);
}

static void
say_if_known(struct controller *c, const struct message *m)
{
	const struct conversation *conv = &c->session->conv;
	size_t n, position;
	int *siblings;

	n = conversation_siblings(conv, m->id, &siblings, &position);
	for (size_t i = 0; i < n && m->text.len; i++) {
		if (siblings[i] == m->id || strcmp(conversation_find(conv, siblings[i])->text.s, m->text.s))
			continue;
		controller_flash(c, "The same text as answer %zu%s", i + 1,
			m->sampling.temperature > 0 ? "" : ": temperature 0 always takes the likeliest words");
		break;
	}
	free(siblings);
}

static void
on_done(struct controller *c, const struct mail *ev)
{
	const struct message *m = conversation_find(&c->session->conv, c->answer);
	struct message_stats stats;

	/* A job that was cancelled in the queue has nothing to tell. */
	if (ev->finish != LLM_CANCELLED || ev->stats.prompt_tokens)
		note_stats(c, &ev->stats);
	stats = stats_of(c);
	end_answer(c, request_finish(ev->finish), &stats);
	if (m && ev->finish != LLM_CANCELLED)
		say_if_known(c, m);
	go_on(c, ev->finish == LLM_CANCELLED);
}

/* A chat that consisted of the turn that was refused alone is none: no list is to have it. The text is in the input. */
static void
drop_empty_chat(struct controller *c)
{
	char *left = session_begin_anew(c->session);
	struct err e = { 0 };

	if (!left)
		return;
	if (controller_draft_store(c, &e) == 0)
		unlink(left);
	free(left);
}

/* The prompt was refused: the turn has not taken place, its text goes back to where it can be made shorter. */
static void
take_turn_back(struct controller *c)
{
	struct conversation *conv = &c->session->conv;
	struct message *user = conversation_find(conv, c->asked);
	char *text = user ? xstrdup(user->text.s) : NULL;
	int answer = c->answer;
	struct err e = { 0 };

	if (c->reopened) {
		end_answer(c, c->before_finish, &c->before);
		return;
	}
	end_answer(c, FINISH_ERROR, &(struct message_stats){ 0 });
	controller_disk(c, session_set_head(c->session, c->old_head, &e), &e);
	controller_disk(c, session_delete_message(c->session, answer, &e), &e);
	if (text) {
		controller_disk(c, session_delete_message(c->session, c->asked, &e), &e);
		controller_take_queue_back(c);
		controller_give_back(c, text);
		drop_empty_chat(c);
	}
	free(text);
	controller_show_conversation(c);
}

static void
on_failed(struct controller *c, const struct mail *ev)
{
	struct message_stats stats = stats_of(c);

	log_msg("answer failed: %s", ev->err.text);
	controller_failed(c, ev->err.code);
	if (ev->err.code == ERR_FIT) {
		take_turn_back(c);
		controller_error_from(c, &ev->err);
	} else {
		end_answer(c, FINISH_ERROR, &stats);
		controller_error(c, "%s. /regen tries again.", ev->err.text);
	}
	go_on(c, true);
}

void
controller_reply_event(struct controller *c, const struct mail *ev)
{
	switch (ev->type) {
	case MAIL_PREFILL:
		c->prefill_done = ev->done;
		c->prefill_total = ev->total;
		break;
	case MAIL_TEXT:
		on_text(c, ev);
		break;
	case MAIL_DONE:
		on_done(c, ev);
		break;
	case MAIL_FAILED:
		on_failed(c, ev);
		break;
	default:
		break;
	}
}
