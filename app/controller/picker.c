#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/command/command.h"
#include "app/config/paths.h"
#include "app/controller/controller.h"
#include "app/models/facts.h"
#include "app/models/open.h"
#include "base/xalloc.h"

/* Rows of a list that is being made; texts are owned. */
struct rows {
	struct ui_choice *items;
	char **texts;
	size_t n, cap, n_texts, cap_texts;
};

static char *
rows_keep(struct rows *r, char *text)
{
	if (!text)
		return NULL;
	VEC_ROOM(r->texts, r->n_texts, r->cap_texts);
	return r->texts[r->n_texts++] = text;
}

/* label is borrowed; detail and preview are taken over, and may be NULL. */
static void
rows_add(struct rows *r, const char *label, char *detail, char *preview)
{
	VEC_ROOM(r->items, r->n, r->cap);
	r->items[r->n++] = (struct ui_choice){ .label = label, .detail = rows_keep(r, detail),
		.preview = rows_keep(r, preview) };
}

static void
rows_show(struct rows *r, struct controller *c, struct ui_pick *pick)
{
	pick->items = r->items;
	pick->n = r->n;
	controller_pick(c, pick);
	for (size_t i = 0; i < r->n_texts; i++)
		free(r->texts[i]);
	free(r->texts);
	free(r->items);
}

/* ---- models ---- */

static void
describe(struct strbuf *b, const struct model_facts *f)
{
	static const char *const fits[] = {
		[FIT_YES] = "fits",
		[FIT_TIGHT] = "more than is free now",
		[FIT_NO] = "more than this machine has",
	};
	const struct llm_info *info = llm_get_info(f->llm);
	char size[16], memory[16];

	format_bytes(info->file_size, size);
	format_bytes(f->memory, memory);
	strbuf_addf(b, "%s · %s · %s parameters\n", info->type, size, f->parameters);
	strbuf_addf(b, "context %zu, trained with %zu\n", f->context, info->n_ctx_train);
	strbuf_addf(b, "template %s (%s)\n", info->template_name, info->template_why);
	strbuf_addf(b, "memory %s: %s\n", memory, fits[f->fit]);
}

/* Only the model under the cursor is looked into: that of them all would keep the user waiting. */
static void
preview_model(struct controller *c, size_t i)
{
	const struct model_entry *m = &c->models.items[i];
	struct strbuf b = STRBUF_INIT;
	struct model_facts f;
	char *path = m->path ? path_pretty(m->path) : xstrdup("inside of hum");

	model_facts_get(&f, m, c->o.config, &c->o.settings, c->o.set);
	if (f.llm)
		describe(&b, &f);
	strbuf_addf(&b, "%s\n", f.llm ? path : f.err.text);
	ui_pick_preview(c->ui, i, b.s);
	model_facts_release(&f);
	strbuf_release(&b);
	free(path);
}

void
controller_pick_model(struct controller *c)
{
	struct rows r = { 0 };
	struct ui_pick pick = { .tag = POPUP_MODELS, .title = "Models", .hint = "Enter loads · Esc closes" };

	model_list_release(&c->models);
	model_list_scan(&c->models, c->o.config);
	for (size_t i = 0; i < c->models.n; i++) {
		const struct model_entry *m = &c->models.items[i];
		char size[16] = "missing";

		if (m->size)
			format_bytes(m->size, size);
		if (c->loaded && !strcmp(m->name, c->model.name))
			pick.selected = i;
		rows_add(&r, m->name,
			xasprintf("%s · %s%s", size, m->origin, m->suspect ? " · not usable" : ""),
			xstrdup(""));
	}
	rows_show(&r, c, &pick);
	preview_model(c, pick.selected);
}

/* ---- sessions ---- */

static char *
age_text(int64_t ms)
{
	static const struct {
		int64_t seconds;
		const char *unit;
	} units[] = { { 365 * 86400, "year" }, { 30 * 86400, "month" }, { 7 * 86400, "week" },
		{ 86400, "day" }, { 3600, "hour" }, { 60, "minute" } };
	int64_t age = (int64_t)time(NULL) - ms / 1000;

	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		long n = (long)(age / units[i].seconds);

		if (n > 0)
			return xasprintf("%ld %s%s ago", n, units[i].unit, n > 1 ? "s" : "");
	}
	return xstrdup("just now");
}

static size_t
row_of_open_session(const struct controller *c)
{
	for (size_t i = 0; i < c->n_sessions; i++)
		if (!strcmp(c->sessions[i].id, c->session->conv.id))
			return i;
	return 0;
}

/* Where the list was left, or, when that chat is gone, what stands in its place: past the end if that was the last. */
static size_t
row_left(const struct controller *c)
{
	size_t row = c->n_sessions;

	for (size_t i = 0; i < c->n_sessions; i++) {
		if (!strcmp(c->sessions[i].path, c->list_at))
			return i;
		if (c->list_next && !strcmp(c->sessions[i].path, c->list_next))
			row = i;
	}
	return row;
}

/* again: as it was left. */
static void
show_sessions(struct controller *c, bool again)
{
	struct rows r = { 0 };
	struct ui_pick pick = { .tag = POPUP_SESSIONS, .title = "Chats", .keys = "d",
		.filter = again ? c->list_filter : NULL,
		.hint = "Enter opens · Ctrl-D deletes · Esc closes", .empty = "No chats yet" };
	struct err e;

	if (!c->o.sessions_dir) {
		controller_flash(c, "Chats are not kept in this run (--no-save)");
		return;
	}
	session_list_free(c->sessions, c->n_sessions);
	c->sessions = NULL;
	c->n_sessions = 0;
	if (session_list(c->o.sessions_dir, c->o.summary_cache, &c->sessions, &c->n_sessions, &e) < 0) {
		controller_error_from(c, &e);
		return;
	}
	for (size_t i = 0; i < c->n_sessions; i++) {
		const struct session_summary *s = &c->sessions[i];
		char *age = age_text(s->changed_ms);

		rows_add(&r, s->title ? s->title : "untitled",
			xasprintf("%s · %zu messages%s%s", age, s->messages, s->model ? " · " : "",
				s->model ? s->model : ""), s->first ? xstrdup(s->first) : NULL);
		free(age);
	}
	pick.selected = again ? row_left(c) : row_of_open_session(c);
	rows_show(&r, c, &pick);
}

void
controller_pick_session(struct controller *c)
{
	show_sessions(c, false);
}

/* ---- themes ---- */

int
controller_set_theme(struct controller *c, const char *name, struct err *e)
{
	char *chosen = xstrdup(name), *config, *pretty;	/* name may be c->theme */

	if (theme_load(name, &c->style, e) < 0) {
		free(chosen);
		return -1;
	}
	ui_set_style(c->ui, &c->style);
	free(c->theme);
	c->theme = chosen;
	config = path_config("config.yaml");
	pretty = path_pretty(config);
	controller_flash(c, "For always: theme: %s in %s", chosen, pretty);
	free(config);
	free(pretty);
	return 0;
}

void
controller_pick_theme(struct controller *c)
{
	struct rows r = { 0 };
	struct ui_pick pick = { .tag = POPUP_THEMES, .title = "Themes",
		.hint = "Enter takes it · Esc keeps the old one" };

	theme_list_free(c->themes, c->n_themes);
	c->n_themes = theme_list(&c->themes);
	for (size_t i = 0; i < c->n_themes; i++) {
		if (c->theme && !strcmp(c->themes[i].name, c->theme))
			pick.selected = i;
		rows_add(&r, c->themes[i].name, c->themes[i].help ? xstrdup(c->themes[i].help) : NULL, NULL);
	}
	rows_show(&r, c, &pick);
}

static void
theme_event(struct controller *c, const struct ui_event *ev)
{
	struct style_sheet s = c->style;
	struct err e;

	if (ev->type == UI_PICK_CANCELLED || ev->choice >= c->n_themes)
		ui_set_style(c->ui, &c->style);
	else if (ev->type == UI_PICK && controller_set_theme(c, c->themes[ev->choice].name, &e) < 0)
		controller_error_from(c, &e);
	else if (ev->type == UI_PICK_MOVED && theme_load(c->themes[ev->choice].name, &s, NULL) == 0)
		ui_set_style(c->ui, &s);
}

/* ---- system prompts: those of the configuration, then none ---- */

void
controller_pick_system(struct controller *c)
{
	const struct config *config = c->o.config;
	struct rows r = { 0 };
	struct ui_pick pick = { .tag = POPUP_SYSTEMS, .title = "System prompts",
		.hint = "Enter takes it · /system TEXT sets any other" };

	for (size_t i = 0; config && i < config->n_systems; i++)
		rows_add(&r, config->systems[i].name, xstrdup(config->systems[i].text),
			xstrdup(config->systems[i].text));
	rows_add(&r, "none", xstrdup("no system prompt"), NULL);
	rows_show(&r, c, &pick);
}

static void
system_event(struct controller *c, const struct ui_event *ev)
{
	const struct config *config = c->o.config;

	if (ev->type == UI_PICK)
		controller_set_system(c, config && ev->choice < config->n_systems ?
			config->systems[ev->choice].text : NULL);
}

/* ---- branches: all ends of the chat's tree ---- */

static char *
branch_detail(const struct conversation_end *end, const struct message *m, bool in_view)
{
	char *age = m->at_ms ? age_text(m->at_ms) : NULL, *detail;

	detail = xasprintf("%s%zu message%s%s%s", in_view ? "in view · " : "", end->messages,
		end->messages == 1 ? "" : "s", age ? " · " : "", age ? age : "");
	free(age);
	return detail;
}

static void
add_branch(struct rows *r, const struct conversation *conv, const struct conversation_end *end)
{
	const struct message *m = conversation_find(conv, end->id), *q = conversation_find(conv, end->question);
	char *label = q ? conversation_title_from(q->text.s) : NULL;
	const char *answer = m->role != ROLE_ASSISTANT ? "not answered" : m->text.len ? m->text.s : "empty answer";

	rows_add(r, label && *label ? label : "no question", branch_detail(end, m, end->id == conv->head),
		xasprintf("%s\n\n%s", q ? q->text.s : "", answer));
	rows_keep(r, label);
}

void
controller_pick_branch(struct controller *c)
{
	const struct conversation *conv = &c->session->conv;
	struct rows r = { 0 };
	struct ui_pick pick = { .tag = POPUP_BRANCHES, .title = "Versions of this chat",
		.hint = "Enter shows it · Esc closes" };

	free(c->branches);
	c->n_branches = conversation_ends(conv, &c->branches);
	if (c->n_branches < 2 && (!c->n_branches || c->branches[0].id == conv->head)) {
		controller_flash(c, c->n_branches ?
			"There is only this version; /regen makes another answer, /undo another question" :
			"There are no messages in this chat yet");
		return;
	}
	for (size_t i = 0; i < c->n_branches; i++) {
		if (c->branches[i].id == conv->head)
			pick.selected = i;
		add_branch(&r, conv, &c->branches[i]);
	}
	rows_show(&r, c, &pick);
}

static void
branch_event(struct controller *c, const struct ui_event *ev)
{
	const struct conversation *conv = &c->session->conv;
	const struct message *m;

	if (ev->type != UI_PICK || ev->choice >= c->n_branches)
		return;
	m = conversation_find(conv, c->branches[ev->choice].id);
	if (!m || m->deleted || m->id == conv->head)	/* much may have happened since the list was made */
		return;
	controller_abandon(c);
	controller_set_head(c, m->id);
	chat_view_read_out(&c->view, conv, 0);
}

/* ---- messages of the user's ---- */

static void
add_mine(struct rows *r, const struct message *m)
{
	char *label = conversation_title_from(m->text.s);

	rows_add(r, label ? label : "", m->at_ms ? age_text(m->at_ms) : NULL, xstrdup(m->text.s));
	rows_keep(r, label);
}

void
controller_pick_message(struct controller *c)
{
	struct message **mine;
	struct rows r = { 0 };
	struct ui_pick pick = { .tag = POPUP_MESSAGES, .title = "Your messages",
		.hint = "Enter takes it back into the input · Esc closes" };

	c->n_mine = conversation_latest(&c->session->conv, ROLE_USER, &mine);
	c->mine = xreallocarray(c->mine, c->n_mine + 1, sizeof *c->mine);
	for (size_t i = 0; i < c->n_mine; i++) {
		c->mine[i] = mine[i]->id;
		add_mine(&r, mine[i]);
	}
	rows_show(&r, c, &pick);
	free(mine);
}

static void
message_event(struct controller *c, const struct ui_event *ev)
{
	if (ev->type == UI_PICK && ev->choice < c->n_mine)
		controller_take_back(c, c->mine[ev->choice]);
}

/* ---- palette: the commands ---- */

void
controller_palette(struct controller *c)
{
	struct rows r = { 0 };
	struct ui_pick pick = { .tag = POPUP_PALETTE, .title = "Commands", .hint = "Enter does it · Esc closes" };
	const struct command *cmd;

	for (size_t i = 0; (cmd = command_at(i)); i++)
		rows_add(&r, rows_keep(&r, xasprintf("/%s%s%s", cmd->name, *cmd->args ? " " : "", cmd->args)),
			xstrdup(cmd->help), NULL);
	rows_show(&r, c, &pick);
}

static void
palette_event(struct controller *c, const struct ui_event *ev)
{
	const struct command *cmd = command_at(ev->choice);
	char *line;

	if (ev->type != UI_PICK || !cmd)
		return;
	line = xasprintf("/%s%s", cmd->name, cmd->needs_arg ? " " : "");
	if (cmd->needs_arg)
		controller_give_back(c, line);
	else
		command_run(c, line);
	free(line);
}

/* ---- events ---- */

static void
model_event(struct controller *c, const struct ui_event *ev)
{
	const struct model_entry *m = ev->choice < c->models.n ? &c->models.items[ev->choice] : NULL;
	struct err e;
	char *ref;

	if (!m)
		return;
	ref = model_ref(&c->models, m);
	if (ev->type == UI_PICK && controller_load(c, ref, &e) < 0)
		controller_error_from(c, &e);
	else if (ev->type == UI_PICK_MOVED)
		preview_model(c, ev->choice);
	free(ref);
}

static void
keep(char **field, const char *text)
{
	free(*field);
	*field = text ? xstrdup(text) : NULL;
}

/* So that the list comes back as it was: the next Ctrl-D must not hit another chat. */
static void
remember_list(struct controller *c, const struct ui_event *ev)
{
	size_t next = ev->choice + 1;

	c->back_to_list = true;
	keep(&c->list_filter, ev->text);
	keep(&c->list_at, c->sessions[ev->choice].path);
	keep(&c->list_next, next < c->n_sessions ? c->sessions[next].path : NULL);
}

static void
session_event(struct controller *c, const struct ui_event *ev)
{
	const struct session_summary *s = ev->choice < c->n_sessions ? &c->sessions[ev->choice] : NULL;
	struct err e;

	if (!s)
		return;
	if (ev->type == UI_PICK && controller_resume(c, s->path, &e) < 0) {
		controller_error_from(c, &e);
	} else if (ev->type == UI_PICK_KEY && ev->key == 'd') {
		controller_ask_delete(c, s->path, s->title);
		remember_list(c, ev);
	}
}

static void
delete_event(struct controller *c, const struct ui_event *ev)
{
	if (ev->type == UI_ANSWER && ev->choice == 1 && c->doomed)
		controller_delete_now(c);
	if (ev->type == UI_ANSWER && c->back_to_list)
		show_sessions(c, true);
}

void
controller_popup_event(struct controller *c, const struct ui_event *ev)
{
	switch ((enum popup_tag)ev->tag) {
	case POPUP_MODELS:
		model_event(c, ev);
		break;
	case POPUP_SESSIONS:
		session_event(c, ev);
		break;
	case POPUP_PALETTE:
		palette_event(c, ev);
		break;
	case POPUP_THEMES:
		theme_event(c, ev);
		break;
	case POPUP_SYSTEMS:
		system_event(c, ev);
		break;
	case POPUP_DELETE:
		delete_event(c, ev);
		break;
	case POPUP_BRANCHES:
		branch_event(c, ev);
		break;
	case POPUP_MESSAGES:
		message_event(c, ev);
		break;
	}
}
