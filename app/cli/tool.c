#include "config.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/chat/session.h"
#include "app/cli/interrupt.h"
#include "app/cli/tool.h"
#include "app/models/guide.h"
#include "app/models/open.h"
#include "app/signals.h"
#include "engine/gguf.h"

void
tool_start(struct tool *t)
{
	*t = (struct tool){ 0 };
	setlocale(LC_NUMERIC, "C");	/* figures are read by programs, too */
	output_init(&t->out, STDOUT_FILENO);
	interrupt_catch();
	signals_catch_faults();
}

int
tool_configure(struct tool *t)
{
	t->config = config_load(NULL, &t->err);
	return t->config ? 0 : -1;
}

int
tool_begin(struct tool *t, const struct options *o)
{
	tool_start(t);
	return tool_configure(t);
}

int
tool_end(struct tool *t, int rc)
{
	int status = rc;

	interrupt_target(NULL);
	llm_chat_free(t->chat);
	model_close(t->llm);
	if (t->listed)
		model_list_release(&t->models);
	config_free(t->config);
	if (rc < 0) {
		/* What was said before the error comes before it also where both go to one
		 * terminal. */
		output_flush(&t->out);
		status = t->err.code == ERR_INTERRUPTED ? ERR_INTERRUPTED : complain(&t->err);
	}
	return output_end(&t->out, status);
}

void
tool_list_models(struct tool *t)
{
	if (!t->listed)
		model_list_scan(&t->models, t->config);
	t->listed = true;
}

int
tool_find_model(struct tool *t, const struct options *o, const char *usual)
{
	const char *what = o->model;

	if (!what)
		what = usual ? usual : t->config->model;
	if (!what)
		what = GUIDE_NAME;
	tool_list_models(t);
	t->model = model_list_find(&t->models, what, &t->err);
	if (!t->model)
		return -1;
	model_settings(t->config, t->model, &o->settings, o->set, &t->settings);
	return 0;
}

int
tool_open_model(struct tool *t, const struct options *o)
{
	if (!t->model && tool_find_model(t, o, NULL) < 0)
		return -1;
	t->llm = model_entry_open(t->model, &t->err);
	if (!t->llm)
		return -1;
	return interrupt_check(&t->err);
}

int
tool_open_chat(struct tool *t, const struct options *o, size_t context)
{
	struct llm_chat_opts opts;

	if (!t->llm && tool_open_model(t, o) < 0)
		return -1;
	opts = (struct llm_chat_opts){
		.context = context ? context : t->settings.context,
		.kv = t->settings.kv,
		.threads = t->settings.threads,
		.prompt_threads = t->settings.prompt_threads,
	};
	t->chat = model_chat_new(t->llm, &opts, &t->err);
	if (!t->chat)
		return -1;
	interrupt_target(t->chat);
	return 0;
}

int
tool_stored(struct session *s, int rc, const struct err *e)
{
	if (rc == 0 || !s->moved)
		return rc;
	s->moved = false;
	note("%s", e->text);
	return 0;
}

static struct gguf *
open_gguf(const struct model_entry *m, struct err *e)
{
	if (m->path)
		return gguf_open(m->path, e);
	return gguf_parse(guide_data, guide_size(), e);
}

/* The configuration's choice for this model, else what the file looks like. */
static int
choose_template(struct tool *t, struct vocabulary *v)
{
	const char *name = t->model->config ? t->model->config->template_name : NULL;

	if (!name) {
		v->template = template_detect(v->gguf, v->vocab, t->model->path, &v->template_why);
		return 0;
	}
	v->template = template_find(name);
	v->template_why = "set in the configuration";
	if (!v->template)
		return err_set(&t->err, ERR_CONFIG, "model %s: no template \"%s\"", t->model->name,
			name);
	return 0;
}

int
tool_open_vocabulary(struct tool *t, const struct options *o, struct vocabulary *v)
{
	*v = (struct vocabulary){ 0 };
	if (tool_find_model(t, o, NULL) < 0)
		return -1;
	v->gguf = open_gguf(t->model, &t->err);
	if (!v->gguf)
		return -1;
	v->vocab = vocab_new(v->gguf, &t->err);
	if (v->vocab && choose_template(t, v) == 0)
		return 0;
	vocabulary_release(v);
	return -1;
}

void
vocabulary_release(struct vocabulary *v)
{
	vocab_free(v->vocab);
	gguf_free(v->gguf);
	*v = (struct vocabulary){ 0 };
}
