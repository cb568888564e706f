#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/cli/cli.h"
#include "app/cli/tool.h"
#include "app/config/config.h"
#include "app/config/paths.h"
#include "app/config/theme.h"
#include "app/models/models.h"
#include "app/models/open.h"
#include "ui/action.h"

const struct option_spec cli_config_options[] = {
	CLI_OPTION_HELP,
	{ 0 },
};

struct check {
	struct tool t;
	int status;		/* of the first problem */
};

static void
problem(struct check *c, const char *what, const struct err *e)
{
	if (!c->status)
		c->status = e->code;
	note("%s: %s: %s", c->t.config->path, what, e->text);
}

/* The file says which models there are, only the disk knows whether it is right. */
static void
check_models(struct check *c)
{
	const struct config *config = c->t.config;
	struct err e;

	for (size_t i = 0; i < config->n_models; i++) {
		const struct config_model *m = &config->models[i];
		struct model_entry entry = { .name = m->name, .path = m->path, .config = m };
		struct llm *llm = model_entry_peek(&entry, &e);

		if (!llm)
			problem(c, m->name, &e);
		model_close(llm);
	}
	tool_list_models(&c->t);
	if (config->model && !model_list_find(&c->t.models, config->model, &e))
		problem(c, "model", &e);
}

static void
check_names(struct check *c)
{
	const struct config *config = c->t.config;
	struct style_sheet sheet;
	struct keymap *keymap;
	struct err e;

	if (config->theme && theme_load(config->theme, &sheet, &e) < 0)
		problem(c, "theme", &e);
	keymap = config_keymap(config, &e);
	if (!keymap)
		problem(c, "keys", &e);
	keymap_free(keymap);
}

static int
run_check(struct check *c, const char *path)
{
	c->t.config = config_load(path, &c->t.err);
	if (!c->t.config)
		return -1;
	if (path && !c->t.config->exists)
		return err_set(&c->t.err, ERR_CONFIG, "%s: no such file", path);
	check_names(c);
	check_models(c);
	if (c->status)
		return c->status;
	if (c->t.config->exists)
		output_addf(&c->t.out, "%s is in order: %zu models, %zu system prompts, %zu keys\n",
			c->t.config->path, c->t.config->n_models, c->t.config->n_systems,
			c->t.config->n_keys);
	else
		output_addf(&c->t.out, "there is no %s, and none is needed\n", c->t.config->path);
	return 0;
}

static int
run_path(struct check *c, const char *path)
{
	char *usual;

	if (path)
		return err_set(&c->t.err, ERR_USAGE, "hum config path: \"%s\" is too much", path);
	usual = path_config("config.yaml");
	output_addf(&c->t.out, "%s\n", usual);
	free(usual);
	return 0;
}

static const struct verb {
	struct program_verb is;
	int (*run)(struct check *c, const char *path);
} verbs[] = {
	{ { "check", "[FILE]", "look for mistakes in the configuration, or in FILE" }, run_check },
	{ { "path", "", "print where the configuration is" }, run_path },
};

const struct program_verb *
cli_config_verb(size_t i)
{
	return i < sizeof verbs / sizeof *verbs ? &verbs[i].is : NULL;
}

int
cli_config(const struct options *o)
{
	struct check c = { 0 };
	int verb, rc = -1;

	tool_start(&c.t);
	verb = options_verb(o->program, o->args[0], &c.t.err);
	if (verb >= 0)
		rc = verbs[verb].run(&c, o->n_args > 1 ? o->args[1] : NULL);
	return tool_end(&c.t, rc);
}
