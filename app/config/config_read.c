#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/config/config.h"
#include "app/config/config_read.h"
#include "app/config/document.h"
#include "app/config/paths.h"
#include "base/strbuf.h"
#include "base/xalloc.h"
#include "engine/template.h"

#define MAX_NAMES 64		/* of keys in one map */

struct reader {
	struct document doc;
	struct config *config;
	struct config_model *model;	/* the one being read; NULL outside of `models` */
};

struct key {
	const char *name;
	void (*read)(struct reader *r, const struct ynode *value, const struct key *self);
	size_t offset;			/* of the field, in config or model; where it is one */
};

/* ---- maps ------------------------------------------------------------------------------------ */

/* Whether a value is a map without a key that comes twice; else a problem that names the key it
 * belongs to. */
static bool
check_map(struct reader *r, const struct ynode *n, const char *key)
{
	const struct ynode *twice;

	if (n->kind != YNODE_MAP) {
		if (!ynode_is_null(n))
			document_problem(
				&r->doc, n, "\"%s\" must be a map of names and values", key);
		return false;
	}
	twice = ynode_duplicate_key(n);
	if (twice)
		document_problem(&r->doc, twice, "\"%s\" is here twice", twice->text);
	return !twice;
}

/* The settings that a map is about: those of the model being read, or the file's own. */
static void
set(struct reader *r, const struct ynode *key, const struct ynode *value)
{
	struct settings *s = r->model ? &r->model->settings : &r->config->settings;
	settings_mask *mask = r->model ? &r->model->set : &r->config->set;
	const char *text = document_text(&r->doc, value, key->text);
	struct err e;

	if (text && settings_set(s, mask, key->text, text, &e) < 0)
		document_problem(&r->doc, value, "%s", e.text);
}

static size_t
setting_names(const char **names, bool sampling)
{
	const struct setting *s;
	size_t n = 0;

	for (size_t i = 0; (s = setting_at(i)); i++)
		if (s->sampling == sampling)
			names[n++] = s->name;
	return n;
}

/* A setting's option may have another name than the setting. */
static void
unknown_key(struct reader *r, const struct ynode *key, const char *const *names)
{
	const struct setting *s = setting_of_option(key->text);

	if (s)
		document_problem(&r->doc, key, "unknown key \"%s\"; did you mean \"%s\"?", key->text,
			s->name);
	else
		document_unknown_key(&r->doc, key, "key", names);
}

static void
read_sampling(struct reader *r, const struct ynode *value, const struct key *self)
{
	const char *names[MAX_NAMES] = { 0 };

	if (!check_map(r, value, self->name))
		return;
	setting_names(names, true);
	for (const struct ynode *k = value->first; k; k = k->next->next) {
		const struct setting *setting = setting_find(k->text);

		if (setting && setting->sampling)
			set(r, k, k->next);
		else if (setting)
			document_problem(&r->doc, k, "\"%s\" stands beside \"sampling\", not in it",
				k->text);
		else
			unknown_key(r, k, names);
	}
}

/* Reads a map of the keys in `table` (which ends with an empty row) and of settings. */
static void
read_map(struct reader *r, const struct ynode *map, const struct key *table)
{
	const char *names[MAX_NAMES] = { 0 };
	size_t n = 0;

	for (const struct key *k = table; k->name; k++)
		names[n++] = k->name;
	setting_names(names + n, false);
	for (const struct ynode *k = map->first; k; k = k->next->next) {
		const struct setting *setting = setting_find(k->text);
		const struct key *row = table;

		while (row->name && !ynode_is(k, row->name))
			row++;
		if (row->name)
			row->read(r, k->next, row);
		else if (setting && setting->sampling)
			document_problem(&r->doc, k, "\"%s\" stands under \"sampling\"", k->text);
		else if (setting)
			set(r, k, k->next);
		else
			unknown_key(r, k, names);
	}
}

/* ---- values ---------------------------------------------------------------------------------- */

static void
read_string(struct reader *r, const struct ynode *value, const struct key *self)
{
	char *base = r->model ? (char *)r->model : (char *)r->config;
	char **field = (char **)(void *)(base + self->offset);
	const char *text = document_text(&r->doc, value, self->name);

	if (text && *text && !ynode_is_null(value))
		*field = xstrdup(text);
}

static void
read_flag(struct reader *r, const struct ynode *value, const struct key *self)
{
	bool *field = (bool *)((char *)r->config + self->offset);
	const char *text = ynode_is_null(value) ? "" : document_text(&r->doc, value, self->name);

	if (!text || !*text)
		return;
	*field = strcasecmp(text, "true") == 0;
	if (!*field && strcasecmp(text, "false") != 0)
		document_problem(&r->doc, value, "\"%s\" must be true or false", self->name);
}

/* A path is expanded; a relative one begins at the folder of the file that names it. */
static void
read_path(struct reader *r, const struct ynode *value, const struct key *self)
{
	const char *slash = strrchr(r->config->path, '/');
	char *path;

	read_string(r, value, self);
	if (!r->model->path)
		return;
	path = path_expand(r->model->path);
	free(r->model->path);
	r->model->path = path;
	if (*path != '/' && slash) {
		r->model->path =
			xasprintf("%.*s/%s", (int)(slash - r->config->path), r->config->path, path);
		free(path);
	}
}

static void
read_template(struct reader *r, const struct ynode *value, const struct key *self)
{
	const char *names[MAX_NAMES] = { "auto" };
	const struct template *t;

	read_string(r, value, self);
	if (!r->model->template_name)
		return;
	if (strcmp(r->model->template_name, "auto") == 0) {
		free(r->model->template_name);
		r->model->template_name = NULL;
		return;
	}
	for (size_t i = 0; i + 2 < MAX_NAMES && (t = template_at(i)); i++)
		names[i + 1] = template_name(t);
	if (!template_find(r->model->template_name))
		document_unknown_key(&r->doc, value, "template", names);
}

static void
refuse_remote(struct reader *r, const struct ynode *value, const struct key *self)
{
	document_problem(&r->doc, value, "\"%s\": remote models are not supported by this version",
		self->name);
}

/* ---- models ---------------------------------------------------------------------------------- */

#define M(field) offsetof(struct config_model, field)
static const struct key model_keys[] = {
	{ "name", read_string, M(name) },
	{ "path", read_path, M(path) },
	{ "template", read_template, M(template_name) },
	{ "sampling", read_sampling, 0 },
	{ "provider", refuse_remote, 0 },
	{ "url", refuse_remote, 0 },
	{ "model", refuse_remote, 0 },
	{ "key_env", refuse_remote, 0 },
	{ "key_command", refuse_remote, 0 },
	{ NULL, NULL, 0 },
};
#undef M

static void
check_model(struct reader *r, const struct ynode *map, size_t index)
{
	const struct config_model *m = r->model;

	if (!m->name) {
		document_problem(&r->doc, map, "this model has no \"name\"");
		return;
	}
	if (!m->path && !ynode_get(map, "provider"))
		document_problem(&r->doc, map, "model \"%s\" has no \"path\"", m->name);
	for (size_t i = 0; i < index; i++)
		if (r->config->models[i].name && strcmp(r->config->models[i].name, m->name) == 0)
			document_problem(&r->doc, ynode_get(map, "name"),
				"there are two models \"%s\"", m->name);
}

static void
read_models(struct reader *r, const struct ynode *value, const struct key *self)
{
	struct config *c = r->config;

	if (value->kind != YNODE_LIST) {
		if (!ynode_is_null(value))
			document_problem(&r->doc, value,
				"\"models\" must be a list: each model begins with \"- name:\"");
		return;
	}
	c->models = xcalloc(value->n ? value->n : 1, sizeof *c->models);
	for (const struct ynode *m = value->first; m; m = m->next) {
		if (m->kind != YNODE_MAP) {
			document_problem(
				&r->doc, m, "a model must be a map with \"name\" and \"path\"");
			continue;
		}
		if (!check_map(r, m, "models"))
			continue;
		r->model = &c->models[c->n_models++];
		settings_init(&r->model->settings);
		read_map(r, m, model_keys);
		check_model(r, m, c->n_models - 1);
		r->model = NULL;
	}
}

/* ---- systems and keys ------------------------------------------------------------------------ */

static void
add_text(struct config_text **list, size_t *n, const char *name, const char *text)
{
	(*list)[*n] = (struct config_text){ xstrdup(name), xstrdup(text) };
	(*n)++;
}

static void
read_systems(struct reader *r, const struct ynode *value, const struct key *self)
{
	struct config *c = r->config;

	if (!check_map(r, value, self->name))
		return;
	c->systems = xcalloc(value->n ? value->n : 1, sizeof *c->systems);
	for (const struct ynode *k = value->first; k; k = k->next->next) {
		const char *text = document_text(&r->doc, k->next, k->text);

		if (text)
			add_text(&c->systems, &c->n_systems, k->text, text);
	}
}

/* The keys of an action, one text or a list of them, as one spec. Heap; NULL after a problem. */
static char *
key_spec(struct reader *r, const struct ynode *value, const char *action)
{
	struct strbuf spec = STRBUF_INIT;
	const char *text;

	if (ynode_is_null(value))
		return strbuf_detach(&spec);
	if (value->kind != YNODE_LIST) {
		text = document_text(&r->doc, value, action);
		return text ? xstrdup(text) : NULL;
	}
	for (const struct ynode *n = value->first; n; n = n->next) {
		text = document_text(&r->doc, n, action);
		if (!text) {
			strbuf_release(&spec);
			return NULL;
		}
		strbuf_addf(&spec, "%s%s", spec.len ? " " : "", text);
	}
	return strbuf_detach(&spec);
}

static void
read_key(struct reader *r, const struct ynode *key, struct keymap *map)
{
	const char *names[ACTION_COUNT + 1] = { 0 };
	int action = action_find(key->text);
	struct err e;
	char *spec;

	if (action < 0) {
		for (int i = 0; i < ACTION_COUNT; i++)
			names[i] = action_name((enum action)i);
		document_unknown_key(&r->doc, key, "action", names);
		return;
	}
	spec = key_spec(r, key->next, key->text);
	if (spec && keymap_bind(map, (enum action)action, spec, &e) < 0)
		document_problem(&r->doc, key->next, "%s", e.text);
	else if (spec)
		add_text(&r->config->keys, &r->config->n_keys, key->text, spec);
	free(spec);
}

static void
read_keys(struct reader *r, const struct ynode *value, const struct key *self)
{
	struct config *c = r->config;
	struct keymap *map;

	if (!check_map(r, value, self->name))
		return;
	c->keys = xcalloc(value->n ? value->n : 1, sizeof *c->keys);
	map = keymap_new();
	/* All that are bound anew lose their keys first, so that two can change places. */
	for (const struct ynode *k = value->first; k; k = k->next->next)
		if (action_find(k->text) >= 0)
			keymap_bind(map, (enum action)action_find(k->text), "", NULL);
	for (const struct ynode *k = value->first; k; k = k->next->next)
		read_key(r, k, map);
	keymap_free(map);
}

/* ---- the file -------------------------------------------------------------------------------- */

#define C(field) offsetof(struct config, field)
static const struct key top_keys[] = {
	{ "model", read_string, C(model) },
	{ "system", read_string, C(system) },
	{ "theme", read_string, C(theme) },
	{ "mouse", read_flag, C(mouse) },
	{ "models", read_models, 0 },
	{ "systems", read_systems, 0 },
	{ "keys", read_keys, 0 },
	{ "sampling", read_sampling, 0 },
	{ NULL, NULL, 0 },
};
#undef C

int
config_read(struct config *c, const char *name, const char *yaml, size_t len, struct err *e)
{
	struct reader r = { .config = c };
	const struct ynode *root = document_begin(&r.doc, name, yaml, len);

	if (root && check_map(&r, root, "config"))
		read_map(&r, root, top_keys);
	return document_finish(&r.doc, e);
}
