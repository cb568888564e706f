#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/controller/controller.h"
#include "base/log.h"
#include "base/xalloc.h"

void
controller_disk(struct controller *c, int rc, const struct err *e)
{
	if (rc == 0) {
		/* Most verbs only queue; what counts is that nothing is waiting any more. */
		if (c->disk_failed && session_due_ms(c->session) < 0) {
			controller_notice(c, "Everything is saved again.");
			c->disk_failed = false;
		}
		return;
	}
	if (c->session && c->session->moved) {
		c->session->moved = c->disk_failed = false;
		controller_notice(c, "%s.", e->text);
		return;
	}
	controller_failed(c, e->code);
	if (!c->disk_failed) {
		controller_error(c, "Not saved: %s. The chat goes on.", e->text);
		log_msg("not saved: %s", e->text);
	}
	c->disk_failed = true;
}

/* ---- sessions ---- */

/* Says what the user should know about a conversation that was opened. */
static void
greet(struct controller *c)
{
	const struct conversation *conv = &c->session->conv;
	const struct message *last = conversation_find(conv, conv->head);

	if (c->session->read_only) {
		controller_error(c, "This chat can only be read here: %s. /new begins another one.",
			c->session->warning ? c->session->warning : "another hum has it open");
		return;
	}
	if (c->session->warning)
		controller_error(c, "%s", c->session->warning);
	if (last && last->role == ROLE_USER)
		controller_notice(c, "The last message was not answered. /regen answers it.");
	else if (last && last->finish == FINISH_OPEN)
		controller_notice(c, "The last answer was interrupted. /continue goes on with it, /regen asks again.");
}

/* The session now in view is `s`; the one before, which was left, is closed. */
static void
adopt(struct controller *c, struct session *s)
{
	session_free(c->session);
	c->session = s;
	c->stats = (struct llm_stats){ 0 };
	c->evicted = c->n_sent = 0;
	c->count_job = 0;
	c->after_load = NULL;
	c->disk_failed = false;
	c->view.live = s->read_only ? s->conv.head : 0;	/* whoever has it open may be writing it */
	controller_show_conversation(c);
	chat_view_read_out(&c->view, &s->conv, 0);
	controller_draft_load(c);
	greet(c);
}

const char *
controller_usual_system(const struct controller *c)
{
	const char *what = c->o.system, *text;

	if (!what && c->o.config)
		what = c->o.config->system;
	if (!what)
		return NULL;
	text = c->o.config ? config_find_system(c->o.config, what) : NULL;
	return text ? text : what;
}

/* A model that was asked for and is not there yet is that of the session that is left. */
static void
settle_model(struct controller *c, const char *coming)
{
	struct err e = { 0 };

	if (coming && !c->session->read_only)
		controller_disk(c, session_set_model(c->session, coming, &e), &e);
}

/* Stores what is not stored yet; -1: leaving would take it with it. */
static int
secure(struct controller *c, struct err *e)
{
	struct err why = { 0 };

	if (c->disk_failed)
		controller_disk(c, session_flush(c->session, &why), &why);
	if (c->disk_failed)
		return err_set(e, ERR_STORE, "this chat is not saved yet (%s); it stays open until it is", why.text);
	return controller_draft_store(c, e);
}

/* Ends what is going on in the session in view; -1: it stays open, with what was asked for in it. *coming gets the model
 * that was asked for and is not there yet, or NULL; heap. */
static int
leave(struct controller *c, char **coming, struct err *e)
{
	char *next = c->next_model;
	int rc;

	*coming = NULL;
	if (!c->session)
		return 0;
	c->next_model = NULL;
	controller_abandon(c);
	rc = secure(c, e);
	if (rc == 0) {
		if (!next && c->phase == PHASE_LOADING && c->picked_model)
			next = xstrdup(c->loading);
		settle_model(c, next);
		*coming = next;
	} else {
		c->next_model = next;
		if (c->phase == PHASE_IDLE)
			controller_load_next(c);
	}
	return rc;
}

/* In a new session goes on what was begun: the model that was asked for comes. */
static void
take_along(struct controller *c, char *coming)
{
	bool loading = c->phase == PHASE_LOADING && !strcmp(c->loading, coming);

	if (loading) {
		free(coming);
		return;
	}
	c->next_model = coming;
	if (c->phase == PHASE_IDLE)
		controller_load_next(c);
}

void
controller_new_session(struct controller *c, const char *title)
{
	const char *system = controller_usual_system(c);
	struct session *s;
	struct err e = { 0 };
	char *coming;

	if (leave(c, &coming, &e) < 0) {
		controller_error_from(c, &e);
		return;
	}
	s = session_new(c->o.sessions_dir);
	if (system)
		controller_disk(c, session_set_system(s, system, &e), &e);
	if (title && *title)
		controller_disk(c, session_set_title(s, title, &e), &e);
	if (coming || c->loaded)
		controller_disk(c, session_set_model(s, coming ? coming : c->model.ref, &e), &e);
	adopt(c, s);
	if (coming)
		take_along(c, coming);
}

int
controller_open_session(struct controller *c, const char *path, struct err *e)
{
	const char *open = c->session ? session_path(c->session) : NULL;
	struct session *s;
	char *coming;

	if (open && !strcmp(open, path) && !c->session->read_only)
		return 0;
	s = session_load(path, e);
	if (s && leave(c, &coming, e) == 0) {
		free(coming);		/* this one has a model of its own */
		adopt(c, s);
		return 0;
	}
	session_free(s);
	return -1;
}

/* Brings back the model that a resumed conversation was held with. */
static void
follow_model(struct controller *c)
{
	const char *model = c->session->conv.model, *coming = c->loaded ? c->model.ref : NULL;
	struct err e;

	if (c->phase == PHASE_LOADING)
		coming = c->loading;
	if (!model || (coming && !strcmp(model, coming))) {
		c->stand_in = false;
		controller_count(c);
		return;
	}
	if (controller_load(c, model, &e) < 0) {
		c->stand_in = true;
		controller_notice(c, "This chat was held with %s, which is not here; %s answers now. /model chooses another.",
			model, c->loaded ? c->model.name : "nobody");
		controller_count(c);
		return;
	}
	c->picked_model = false;
}

int
controller_resume(struct controller *c, const char *what, struct err *e)
{
	const struct session *before = c->session;
	char *path;
	int rc;

	if (!c->o.sessions_dir)
		return err_set(e, ERR_STORE, "chats are not kept in this run (--no-save)");
	if (strchr(what, '/'))
		path = xstrdup(what);	/* from the list */
	else
		path = session_find(c->o.sessions_dir, c->o.summary_cache, what, e);
	if (!path)
		return -1;
	rc = controller_open_session(c, path, e);
	if (rc == 0 && c->session != before)
		follow_model(c);
	free(path);
	return rc;
}

void
controller_ask_delete(struct controller *c, const char *path, const char *title)
{
	char *question;

	if (!path) {
		controller_flash(c, "This chat is not on disk; /new begins another one");
		return;
	}
	question = xasprintf("Delete \"%s\"?\nhum sessions undelete brings it back from the trash.",
		title ? title : "untitled");
	free(c->doomed);
	c->doomed = xstrdup(path);
	c->back_to_list = false;
	controller_ask(c, POPUP_DELETE, question);
	free(question);
}

void
controller_delete_now(struct controller *c)
{
	const char *open = session_path(c->session);
	const struct session *before = c->session;
	bool mine = open && !strcmp(open, c->doomed) && !c->session->read_only;
	char id[16];
	struct err e;

	session_short_name(c->doomed, id);
	if (mine)
		controller_new_session(c, NULL);
	if (mine && c->session == before)
		return;				/* it says why it cannot be left */
	if (session_delete(c->doomed, &e) < 0)
		controller_error(c, "Not deleted: %s", e.text);
	else
		controller_notice(c,
			"The chat is in the trash. To bring it back: hum sessions undelete %s", id);
	free(c->doomed);
	c->doomed = NULL;
}

void
controller_refuse_read_only(struct controller *c)
{
	controller_failed(c, ERR_STORE);
	controller_flash(c, "This chat can only be read here; /new begins another one");
}

void
controller_set_system(struct controller *c, const char *text)
{
	struct err e = { 0 };

	if (c->session->read_only) {
		controller_refuse_read_only(c);
		return;
	}
	controller_disk(c, session_set_system(c->session, text, &e), &e);
	if (c->phase == PHASE_REPLYING) {
		/* Rebuilding the transcript would be right as well, but the answer in it is being read. */
		controller_notice(c, "The new system prompt holds from the next message on.");
		return;
	}
	controller_show_conversation(c);
	controller_notice(c, text ? "System prompt set." : "The system prompt is gone.");
	c->say_cost = c->session->conv.head ? COST_SYSTEM : COST_NONE;
	controller_count(c);
}

void
controller_set_head(struct controller *c, int id)
{
	struct err e = { 0 };

	controller_disk(c, session_set_head(c->session, id, &e), &e);
	c->evicted = 0;
	controller_show_conversation(c);
	controller_count(c);
}
