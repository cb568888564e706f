#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void
command_branch(struct controller *c, const char *arg)
{
	int *siblings;
	size_t n, position = 0, wanted;

	controller_abandon(c);
	if (!last_fork(&c->session->conv, &siblings, &n, &position)) {
		controller_flash(c, "There is only one answer; /regen makes another");
		free(siblings);
		return;
	}
	if (!*arg || !strcmp(arg, "next"))
		wanted = (position + 1) % n;
	else if (!strcmp(arg, "prev"))
		wanted = (position + n - 1) % n;
	else
		wanted = strtoul(arg, NULL, 10) - 1;
	if (wanted < n)
		controller_set_head(c, conversation_leaf(&c->session->conv, siblings[wanted]));
	else
		controller_flash(c, "There are %zu answers: 1 to %zu", n, n);
	free(siblings);
}

void
complete_branch(struct controller *c, const char *word, struct ui_completions *out)
{
	complete_if(out, word, "next", NULL);
	complete_if(out, word, "prev", NULL);
}

void
command_undo(struct controller *c, const char *arg)
{
	struct message **path, *user = NULL;
	size_t n;
	char *text;

	controller_abandon(c);
	n = conversation_path(&c->session->conv, &path);
	while (n-- > 0 && !user)
		if (path[n]->role == ROLE_USER)
			user = path[n];
	free(path);
	if (!user || c->session->read_only) {
		controller_flash(c, "There is nothing to take back");
		return;
	}
	text = xstrdup(user->text.s);
	controller_set_head(c, user->parent);
	controller_give_back(c, text);
	free(text);
}

/* ---- figures ---- */

static const struct message *
last_answer(const struct conversation *conv)
{
	struct message **path;
	const struct message *m = NULL;
	size_t n = conversation_path(conv, &path);

	while (n-- > 0 && !m)
		if (path[n]->role == ROLE_ASSISTANT)
			m = path[n];
	free(path);
	return m;
}

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
	strbuf_addf(b, "  memory     file %s, context %s\n  compute    %u threads, %s\n", file, kv, m->threads, m->isa);
}

void
command_stats(struct controller *c, const char *arg)
{
	const struct message *m = last_answer(&c->session->conv);
	struct strbuf b = STRBUF_INIT;
	char footer[256];

	add_model(&b, c);
	if (m) {
		const struct message_stats *s = &m->stats;

		chat_view_footer(&c->session->conv, m, m->id == c->answer, footer, sizeof footer);
		strbuf_addf(&b, "\nLast answer, by %s\n\n  %s\n", m->model ? m->model : "?", footer);
		strbuf_addf(&b, "  prompt     %" PRIu64 " tokens, %" PRIu64 " of them known from before\n",
			s->prompt_tokens, s->cached_tokens);
		strbuf_addf(&b, "  first      word after %.2f s\n", (double)s->first_token_ms / 1000);
		strbuf_addf(&b, "  seed       %" PRIu64 "\n  sampling   temperature %g, top-p %g\n", m->seed,
			(double)m->sampling.temperature, (double)m->sampling.top_p);
	}
	controller_page(c, "Figures", b.s);
	strbuf_release(&b);
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
	strbuf_addf(&b, "  used       %zu\n  system     %zu\n  free       %zu\n", used, c->stats.system_tokens,
		c->model.context > used ? c->model.context - used : 0);
	if (c->evicted)
		strbuf_addf(&b, "\nThe oldest %zu messages no longer fit; the model does not see them.\n", c->evicted);
	strbuf_adds(&b, "\nWhen the context is full the oldest messages leave it, in pairs; the system prompt stays.\n"
		"/set context N gives the model another size.\n");
	controller_page(c, "Context", b.s);
	strbuf_release(&b);
}
