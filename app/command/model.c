#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/command/handlers.h"
#include "base/xalloc.h"

/* ---- /model ---- */

void
command_model(struct controller *c, const char *arg)
{
	struct err e;

	if (!*arg)
		controller_pick_model(c);
	else if (controller_load(c, arg, &e) < 0)
		command_refuse(c, "%s", e.text);
}

void
complete_model(struct controller *c, const char *word, struct ui_completions *out)
{
	struct model_list l;

	model_list_scan(&l, c->o.config);
	for (size_t i = 0; i < l.n; i++)
		if (!l.items[i].suspect)
			complete_if(out, word, l.items[i].name, l.items[i].origin);
	model_list_release(&l);
}

/* ---- /system ---- */

void
command_system(struct controller *c, const char *arg)
{
	const char *named = c->o.config ? config_find_system(c->o.config, arg) : NULL;

	if (*arg) {
		controller_set_system(c, named ? named : strcmp(arg, "none") ? arg : NULL);
		return;
	}
	if (c->o.config && c->o.config->n_systems) {
		controller_pick_system(c);
		return;
	}
	if (c->session->conv.system)
		controller_page(c, "System prompt", c->session->conv.system);
	else
		controller_flash(c, "There is no system prompt; /system TEXT sets one");
}

void
complete_system(struct controller *c, const char *word, struct ui_completions *out)
{
	const struct config *config = c->o.config;

	for (size_t i = 0; config && i < config->n_systems; i++)
		complete_if(out, word, config->systems[i].name, config->systems[i].text);
	complete_if(out, word, "none", "no system prompt");
}

/* ---- /set ---- */

static void
show_settings(struct controller *c)
{
	struct strbuf b = STRBUF_INIT;

	for (size_t i = 0; setting_at(i); i++) {
		const struct setting *s = setting_at(i);
		char value[64];

		s->print(&c->settings, value, sizeof value);
		strbuf_addf(&b, "  %-18s %-8s %s (%s)\n", s->name, value, s->help, s->range);
	}
	strbuf_adds(&b, "\n/set NAME VALUE changes one for this run; config.yaml keeps it.\n");
	controller_page(c, "Settings", b.s);
	strbuf_release(&b);
}

/* By its name, or by that of its option: "temp" is temperature. */
static const struct setting *
setting_typed(const char *name)
{
	const struct setting *s = setting_find(name);

	return s ? s : setting_of_option(name);
}

/* More threads than processors wait for each other; whoever tries that out is to know it. */
static bool
is_too_many(const struct controller *c, const struct setting *s)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	return processors > 0 &&
		((!strcmp(s->name, "threads") && c->settings.threads > processors) ||
		(!strcmp(s->name, "prompt_threads") && c->settings.prompt_threads > processors));
}

static void
change_setting(struct controller *c, const char *name, const char *value)
{
	const struct setting *s = setting_typed(name);
	struct err e;
	char now[64];

	if (settings_set(&c->o.settings, &c->o.set, s ? s->name : name, value, &e) < 0) {
		command_refuse(c, "%s", e.text);
		return;
	}
	controller_update_settings(c);
	s->print(&c->settings, now, sizeof now);
	controller_flash(c, "%s is %s%s%s", s->name, now, c->phase == PHASE_REPLYING ? " from the next answer on" : "",
		is_too_many(c, s) ? ": more than there are processors, which is slower" : "");
	if (s->reload)
		controller_reload(c);
}

void
command_set(struct controller *c, const char *arg)
{
	size_t len = strcspn(arg, " \t=");
	const char *value = arg + len + strspn(arg + len, " \t=");
	char *name = xstrndup(arg, len), now[64];
	const struct setting *s = setting_typed(name);

	if (!*arg) {
		show_settings(c);
	} else if (!*value && s) {
		s->print(&c->settings, now, sizeof now);
		controller_flash(c, "%s is %s (%s): %s", s->name, now, s->range, s->help);
	} else {
		change_setting(c, name, value);
	}
	free(name);
}

void
complete_setting(struct controller *c, const char *word, struct ui_completions *out)
{
	for (size_t i = 0; setting_at(i); i++) {
		const struct setting *s = setting_at(i);
		char now[64], *text = xasprintf("%s ", s->name), *help;

		s->print(&c->settings, now, sizeof now);
		help = xasprintf("%s: %s", now, s->help);
		complete_if(out, word, text, help);
		free(help);
		free(text);
	}
}
