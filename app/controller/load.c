#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/command/command.h"
#include "app/controller/controller.h"
#include "app/models/guide.h"
#include "app/models/open.h"
#include "base/xalloc.h"

/*
 * The crash marker: STATE/loading names the model whose load is going on and the process. Whoever finds one of a
 * process that is gone knows that this model took the program down, and does not load it unasked.
 */

static char *
marker_path(const struct controller *c)
{
	return c->o.state_dir ? xasprintf("%s/loading", c->o.state_dir) : NULL;
}

static void
marker_set(const struct controller *c, const char *ref)
{
	char *path = marker_path(c);
	FILE *f = path ? fopen(path, "we") : NULL;

	if (f) {
		fprintf(f, "%ld\n%s\n", (long)getpid(), ref);
		fclose(f);
	}
	free(path);
}

static void
marker_clear(const struct controller *c)
{
	char *path = marker_path(c);

	if (path)
		unlink(path);
	free(path);
}

/* Whether loading this model ended the program that tried it last. */
static bool
marker_names(const struct controller *c, const char *ref)
{
	char *path = marker_path(c), line[4200] = "";
	FILE *f = path ? fopen(path, "re") : NULL;
	long pid = 0;
	bool named = false;

	free(path);
	if (!f)
		return false;
	if (fgets(line, sizeof line, f))
		pid = strtol(line, NULL, 10);
	if (pid > 0 && fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = '\0';
		named = !strcmp(line, ref) && kill((pid_t)pid, 0) < 0 && errno == ESRCH;
	}
	fclose(f);
	return named;
}

/* ---- loading ---- */

static void
post_load(struct controller *c, const struct model_list *l, const struct model_entry *m)
{
	struct settings s;
	struct load_request *r;

	model_settings(c->o.config, m, &c->o.settings, c->o.set, &s);
	r = model_load_request(l, m, &s);
	if (m->path)
		marker_set(c, r->ref);
	free(c->loading);
	c->loading = xstrdup(r->ref);
	c->phase = PHASE_LOADING;
	c->stopping = false;
	c->load_done = c->load_total = 0;
	c->job = ++c->last_job;
	c->o.backend->ops->load(c->o.backend, c->job, r);
	controller_show_status(c);
}

int
controller_load(struct controller *c, const char *what, struct err *e)
{
	struct model_list l;
	const struct model_entry *m;

	model_list_scan(&l, c->o.config);
	m = model_list_find(&l, what, e);
	if (m && c->phase == PHASE_IDLE) {
		c->picked_model = true;
		c->fallback = c->stand_in = false;
		post_load(c, &l, m);
	} else if (m) {
		free(c->next_model);
		c->next_model = model_ref(&l, m);
		controller_flash(c, "%s comes next", m->name);
	}
	model_list_release(&l);
	return m ? 0 : -1;
}

/* The same model with other settings, which is no choice of a model: whether the chat is to remember it stays as it is. */
static void
load_again(struct controller *c)
{
	struct model_list l;
	const struct model_entry *m;
	struct err e;

	model_list_scan(&l, c->o.config);
	m = model_list_find(&l, c->model.ref, &e);
	c->picked_model = false;
	if (m)
		post_load(c, &l, m);
	else
		controller_error_from(c, &e);
	model_list_release(&l);
}

void
controller_load_next(struct controller *c)
{
	char *next = c->next_model;
	bool again = c->reload && c->loaded && !next;	/* another one is loaded with the new settings anyway */
	struct err e;

	c->next_model = NULL;
	c->reload = false;
	if (next && controller_load(c, next, &e) < 0)
		controller_error_from(c, &e);
	free(next);
	if (again)
		load_again(c);
}

void
controller_reload(struct controller *c)
{
	c->reload = true;
	if (c->phase == PHASE_IDLE)
		controller_load_next(c);
}

void
controller_forget_loads(struct controller *c)
{
	free(c->next_model);
	c->next_model = NULL;
	c->reload = false;
	if (c->phase == PHASE_LOADING)
		marker_clear(c);	/* the end of the program is not the model's doing */
}

/* ---- the first model ---- */

/* The model that the session or the configuration names, or NULL: then *why says what is wrong with it. */
static const struct model_entry *
usual_model(struct controller *c, struct model_list *l, char **why)
{
	const char *session = c->session->conv.model, *config = c->o.config ? c->o.config->model : NULL;
	const struct model_entry *m;
	struct err e;

	*why = NULL;
	if (session && (m = model_list_find(l, session, &e)))
		return m;
	if (session)
		*why = xasprintf("This chat was held with %s, which is not here (%s).", session, e.text);
	if (config && (m = model_list_find(l, config, &e)))
		return m;
	if (config && !*why)
		*why = xasprintf("The model of the configuration is not here: %s.", e.text);
	return NULL;
}

static void
load_unasked(struct controller *c, struct model_list *l)
{
	struct err e = { 0 };
	char *why, *ref;
	const struct model_entry *m = usual_model(c, l, &why);

	if (m && m->path) {
		ref = model_ref(l, m);
		if (marker_names(c, ref)) {
			why = xasprintf("hum ended while it was loading %s the last time, so it is not loaded now; "
				"/model loads it nevertheless.", m->name);
			marker_clear(c);
			m = NULL;
		}
		free(ref);
	}
	/* A stand-in does not become the chat's model: the next start looks for the real one again. */
	c->stand_in = why != NULL;
	c->fallback = why && !m;
	if (!m)
		m = model_list_find(l, GUIDE_NAME, &e);
	if (why)
		controller_notice(c, "%s %s answers for now.", why, m ? m->name : "Nobody");
	free(why);
	if (m)
		post_load(c, l, m);
}

int
controller_first_model(struct controller *c, const char *asked, struct err *e)
{
	struct model_list l;
	const struct model_entry *m = NULL;

	model_list_scan(&l, c->o.config);
	c->picked_model = asked != NULL;
	if (asked)
		m = model_list_find(&l, asked, e);
	if (m)
		post_load(c, &l, m);
	else if (!asked)
		load_unasked(c, &l);
	model_list_release(&l);
	return asked && !m ? -1 : 0;
}

/* ---- events ---- */

void
controller_update_settings(struct controller *c)
{
	const struct model_entry m = {
		.config = c->loaded && c->o.config ? config_find_model(c->o.config, c->model.name) : NULL,
	};

	model_settings(c->o.config, &m, &c->o.settings, c->o.set, &c->settings);
}

/* Models that could answer in the guide's place. */
static size_t
count_others(const struct controller *c)
{
	struct model_list l;
	size_t n = 0;

	model_list_scan(&l, c->o.config);
	for (size_t i = 0; i < l.n; i++)
		n += l.items[i].path && l.items[i].size && !l.items[i].suspect;
	model_list_release(&l);
	return n;
}

static void
introduce_guide(struct controller *c)
{
	size_t n = count_others(c);

	if (n)
		controller_notice(c, "This is the guide, a tiny model. /model offers %zu other%s found here", n,
			n == 1 ? "" : "s");
	else
		controller_notice(c, "This is the guide, a tiny model. A real Llama-2-Chat one: hum -m FILE.gguf");
	controller_notice(c, "%s: %s · %s · %s", c->o.plain ? "You may ask" : "Tab offers",
		command_question(0), command_question(1), command_question(2));
}

static void
welcome(struct controller *c)
{
	if (!controller_is_guide(c)) {
		ui_set_placeholder(c->ui, "Write a message · /help");
		if (c->welcomed && !c->session->conv.n)
			controller_show_conversation(c);	/* without the guide's introduction */
		return;
	}
	ui_set_placeholder(c->ui, "Ask how hum works · Tab for examples");
	if (c->session->conv.n || c->fallback || c->welcomed)
		return;
	c->welcomed = true;
	introduce_guide(c);
}

static void
tell_memory(struct controller *c)
{
	uint64_t need = c->model.file_size + c->model.kv_bytes, available = memory_available();
	char need_text[16], available_text[16];

	if (!available || need <= available || controller_is_guide(c))
		return;
	format_bytes(need, need_text);
	format_bytes(available, available_text);
	controller_notice(c, "%s needs %s of memory and %s are free now: answers may be slow.", c->model.name,
		need_text, available_text);
}

void
controller_remember_model(struct controller *c)
{
	struct err e = { 0 };

	if (!c->stand_in && !c->session->read_only)
		controller_disk(c, session_set_model(c->session, c->model.ref, &e), &e);
}

static void
on_loaded(struct controller *c, const struct mail *ev)
{
	struct conversation *conv = &c->session->conv;
	/* Looking at a chat that is on disk changes nothing in it; what was chosen in it does. */
	bool settled = !session_path(c->session) || (c->picked_model && c->loaded);

	c->model = ev->info;
	c->loaded = true;
	c->stats = (struct llm_stats){ 0 };
	c->evicted = 0;
	marker_clear(c);
	controller_update_settings(c);
	if (settled && !c->next_model)
		controller_remember_model(c);
	controller_show_title(c);
	welcome(c);
	tell_memory(c);
	if (c->picked_model && conv->head)
		c->say_cost = COST_MODEL;
	controller_count(c);
}

static void
on_load_failed(struct controller *c, const struct mail *ev)
{
	bool cancelled = ev->err.code == ERR_INTERRUPTED;
	struct err e;

	if (!cancelled)
		controller_failed(c, ev->err.code);

	marker_clear(c);
	if (cancelled)
		controller_notice(c, "Loading was stopped.%s%s", c->loaded ? " Still here: " : "",
			c->loaded ? c->model.name : " /model chooses a model.");
	else
		controller_error(c, "The model was not loaded: %s", ev->err.text);
	if (c->loaded || cancelled)
		return;
	if (c->fallback) {
		controller_error(c, "There is no model to answer. /model chooses one.");
		return;
	}
	/* The first model of this run: something has to answer. */
	if (controller_load(c, GUIDE_NAME, &e) == 0) {
		c->fallback = c->stand_in = true;
		c->picked_model = false;
		controller_notice(c, "The bundled guide answers for now. /model chooses another model.");
	}
}

static void
do_after_load(struct controller *c)
{
	void (*fn)(struct controller *c) = c->after_load;

	if (!fn || c->phase != PHASE_IDLE)
		return;			/* another model is loading by now */
	c->after_load = NULL;
	fn(c);
}

void
controller_load_event(struct controller *c, const struct mail *ev)
{
	bool mine = ev->job == c->job;

	if (ev->type == MAIL_LOADING) {
		c->load_done = ev->done;
		c->load_total = ev->total;
	}
	if (ev->type != MAIL_LOADED && ev->type != MAIL_FAILED)
		return;
	if (mine) {
		c->phase = PHASE_IDLE;
		c->job = 0;
		c->stopping = false;
	}
	if (ev->type == MAIL_LOADED)
		on_loaded(c, ev);
	else if (mine)
		on_load_failed(c, ev);
	if (c->phase == PHASE_IDLE)
		controller_load_next(c);
	if (ev->type == MAIL_FAILED && mine)
		c->after_load = NULL;
	if (ev->type == MAIL_FAILED && mine && c->phase == PHASE_IDLE)
		controller_take_queue_back(c);	/* it was meant for another model */
	do_after_load(c);
	controller_send_queue(c);
}
