#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/backend/request.h"
#include "app/command/handlers.h"
#include "app/models/open.h"
#include "base/xalloc.h"

void
command_regen(struct controller *c, const char *arg)
{
	controller_regen(c);
}

void
command_continue(struct controller *c, const char *arg)
{
	controller_continue(c);
}

/* The last message in view that has siblings, 0: none. */
static int
last_fork(const struct conversation *conv, int **siblings, size_t *n, size_t *position)
{
	struct message **path;
	size_t length = conversation_path(conv, &path);
	int id = 0;

	*siblings = NULL;
	*n = 0;
	while (length-- > 0 && !id) {
		free(*siblings);
		*n = conversation_siblings(conv, path[length]->id, siblings, position);
		if (*n > 1)
			id = path[length]->id;
	}
	free(path);
	return id;
}

/* Which of n siblings, counted from 0, is meant by "next", "prev" or a number; n: none. */
static size_t
wanted_sibling(const char *arg, size_t position, size_t n)
{
	size_t number = command_number(arg, n);

	if (!strcmp(arg, "next"))
		return (position + 1) % n;
	if (!strcmp(arg, "prev"))
		return (position + n - 1) % n;
	return number ? number - 1 : n;
}

static void
show_sibling(struct controller *c, int id, size_t position, size_t n)
{
	const struct conversation *conv = &c->session->conv;
	bool mine = conversation_find(conv, id)->role == ROLE_USER;

	controller_set_head(c, conversation_leaf(conv, id));
	controller_flash(c, "%s %zu of %zu", mine ? "Message" : "Answer", position + 1, n);
	chat_view_read_out(&c->view, conv, id);
}

void
command_branch(struct controller *c, const char *arg)
{
	int *siblings;
	size_t n, position = 0, wanted;

	if (!*arg) {
		controller_pick_branch(c);
		return;
	}
	controller_abandon(c);
	if (!last_fork(&c->session->conv, &siblings, &n, &position)) {
		controller_flash(c, "No message in view has another version; /branch shows all there are");
		free(siblings);
		return;
	}
	wanted = wanted_sibling(arg, position, n);
	if (wanted < n)
		show_sibling(c, siblings[wanted], wanted, n);
	else
		command_refuse(c, "There are %zu: /branch takes next, prev, or a number from 1 to %zu",
			n, n);
	free(siblings);
}

void
complete_branch(struct controller *c, const char *word, struct ui_completions *out)
{
	complete_if(out, word, "next", NULL);
	complete_if(out, word, "prev", NULL);
}

/* ---- figures ---- */

static void
add_model(struct strbuf *b, const struct controller *c)
{
	const struct backend_info *m = &c->model;
	char file[16], kv[16];

	if (!c->loaded) {
		strbuf_adds(b, "No model is loaded.\n");
		return;
	}
	format_bytes(m->file_size, file);
	format_bytes(m->kv_bytes, kv);
	strbuf_addf(b, "  model      %s\n  type       %s %s, %.1f million parameters\n", m->name, m->arch, m->type,
		(double)m->n_params / 1e6);
	strbuf_addf(b, "  template   %s (%s)\n", m->template_name, m->template_why);
	strbuf_addf(b, "  memory     file %s, context %s\n  compute    %u thread%s, ", file, kv, m->threads,
		m->threads == 1 ? "" : "s");
	if (m->prompt_threads != m->threads)
		strbuf_addf(b, "%u for prompts, ", m->prompt_threads);
	strbuf_addf(b, "%s\n", m->isa);
}

/* Temperature and top-p always, of the others those that do something. */
static void
add_sampling(struct strbuf *b, const struct sampling *sampling)
{
	struct settings neutral, now;
	char usual[64], value[64];
	size_t n = 0;

	settings_init(&neutral);
	settings_init(&now);
	now.sampling = *sampling;
	strbuf_adds(b, "  sampling   ");
	for (size_t i = 0; setting_at(i); i++) {
		const struct setting *s = setting_at(i);

		if (!s->sampling)
			continue;
		s->print(&neutral, usual, sizeof usual);
		s->print(&now, value, sizeof value);
		if (strcmp(s->name, "temperature") && strcmp(s->name, "top_p") && !strcmp(usual, value))
			continue;
		strbuf_addf(b, "%s%s %s", n++ ? ", " : "", s->name, value);
	}
	strbuf_addc(b, '\n');
}

static void
add_work(struct strbuf *b, const struct message_stats *s)
{
	if (s->prompt_tokens)
		strbuf_addf(b, "  prompt     %" PRIu64 " tokens, %" PRIu64 " of them known from before\n",
			s->prompt_tokens, s->cached_tokens);
	if (s->answer_tokens && s->first_token_ms < 1000)
		strbuf_addf(b, "  first      word after %" PRIu64 " ms\n", s->first_token_ms);
	else if (s->answer_tokens)
		strbuf_addf(b, "  first      word after %.2f s\n", (double)s->first_token_ms / 1000);
}

/* What is known of it by now. */
static void
add_running(struct strbuf *b, const struct controller *c, const struct message *m)
{
	const struct message_stats s = request_stats(&c->stats);
	char rate[32];

	strbuf_addf(b, "\nThe answer that is being written, by %s\n\n  so far     ", m->model ? m->model : "?");
	if (s.answer_tokens) {
		chat_view_rate(c->stats.tokens_per_second, c->stats.total_seconds - c->stats.first_token_seconds, rate);
		strbuf_addf(b, "%" PRIu64 " token%s%s%s\n", s.answer_tokens, s.answer_tokens == 1 ? "" : "s",
			*rate ? " · " : "", rate);
		add_work(b, &s);	/* before the first word they are those of the answer before */
	} else if (c->prefill_total) {
		strbuf_addf(b, "%" PRIu64 " of %" PRIu64 " tokens of the prompt are read\n", c->prefill_done,
			c->prefill_total);
	} else {
		strbuf_adds(b, "the prompt is being read\n");
	}
}

static void
add_last(struct strbuf *b, const struct controller *c, const struct message *m)
{
	char footer[256];

	chat_view_footer(&c->session->conv, m, false, footer, sizeof footer);
	strbuf_addf(b, "\nLast answer, by %s\n\n", m->model ? m->model : "an unknown model");
	if (*footer)
		strbuf_addf(b, "  %s\n", footer);
	add_work(b, &m->stats);
}

void
command_stats(struct controller *c, const char *arg)
{
	const struct message *m = conversation_last(&c->session->conv, ROLE_ASSISTANT);
	struct strbuf b = STRBUF_INIT;

	add_model(&b, c);
	if (m && m->id == c->answer)
		add_running(&b, c, m);
	else if (m)
		add_last(&b, c, m);
	if (m && m->model) {
		strbuf_addf(&b, "  seed       %" PRIu64 "\n", m->seed);
		add_sampling(&b, &m->sampling);
	}
	controller_page(c, "Figures", b.s);
	strbuf_release(&b);
}

/* Without a system prompt the engine counts marks of the format, which are no part of their own. */
static void
add_use(struct strbuf *b, const struct controller *c, size_t used)
{
	size_t system = c->session->conv.system ? c->stats.system_tokens : 0;

	strbuf_addf(b, "  used       %zu\n", used);
	if (system)
		strbuf_addf(b, "             %zu by the system prompt, %zu by the conversation\n",
			system, used > system ? used - system : 0);
	strbuf_addf(b, "  free       %zu\n", c->model.context > used ? c->model.context - used : 0);
}

void
command_context(struct controller *c, const char *arg)
{
	size_t used = c->stats.prompt_tokens + c->stats.answer_tokens;
	struct strbuf b = STRBUF_INIT;

	if (!c->loaded) {
		controller_flash(c, "No model is loaded");
		return;
	}
	strbuf_addf(&b, "  context    %zu tokens (the model was trained with %zu)\n", c->model.context,
		c->model.context_trained);
	add_use(&b, c, used);
	if (c->evicted)
		strbuf_addf(&b, "\nThe oldest %zu messages no longer fit; the model does not see them.\n", c->evicted);
	strbuf_adds(&b, "\nWhen the context is full the oldest messages leave it, in pairs; the system prompt stays.\n"
		"/set context N gives the model another size.\n");
	controller_page(c, "Context", b.s);
	strbuf_release(&b);
}
