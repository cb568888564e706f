#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/config/config.h"
#include "app/config/config_read.h"
#include "app/config/document.h"
#include "app/config/paths.h"
#include "base/strbuf.h"
#include "base/xalloc.h"

static struct config *
config_new(const char *path)
{
	struct config *c = xcalloc(1, sizeof *c);

	c->path = xstrdup(path);
	c->mouse = true;
	settings_init(&c->settings);
	return c;
}

struct config *
config_parse(const char *name, const char *yaml, size_t len, struct err *e)
{
	struct config *c = config_new(name);

	c->exists = true;
	if (config_read(c, name, yaml, len, e) < 0) {
		config_free(c);
		return NULL;
	}
	return c;
}

struct config *
config_load(const char *path, struct err *e)
{
	char *usual = path ? NULL : path_config("config.yaml"), *name;
	struct config *c = config_new(path ? path : usual);
	struct strbuf yaml = STRBUF_INIT;
	int rc = document_read_file(c->path, &yaml, e);

	if (rc == 0) {
		c->exists = true;
		name = path_pretty(c->path);
		rc = config_read(c, name, yaml.s, yaml.len, e);
		free(name);
	} else if (errno == ENOENT) {
		rc = 0;
	}
	strbuf_release(&yaml);
	free(usual);
	if (rc == 0)
		return c;
	config_free(c);
	return NULL;
}

static void
texts_free(struct config_text *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].name);
		free(list[i].text);
	}
	free(list);
}

void
config_free(struct config *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_models; i++) {
		free(c->models[i].name);
		free(c->models[i].path);
		free(c->models[i].template_name);
	}
	free(c->models);
	texts_free(c->systems, c->n_systems);
	texts_free(c->keys, c->n_keys);
	free(c->path);
	free(c->model);
	free(c->system);
	free(c->theme);
	free(c);
}

const struct config_model *
config_find_model(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_models; i++)
		if (strcmp(c->models[i].name, name) == 0)
			return &c->models[i];
	return NULL;
}

const char *
config_find_system(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_systems; i++)
		if (strcmp(c->systems[i].name, name) == 0)
			return c->systems[i].text;
	return NULL;
}

struct keymap *
config_keymap(const struct config *c, struct err *e)
{
	struct keymap *map = keymap_new();

	for (size_t i = 0; i < c->n_keys; i++)
		keymap_bind(map, (enum action)action_find(c->keys[i].name), "", NULL);
	for (size_t i = 0; i < c->n_keys; i++) {
		if (keymap_bind(map, (enum action)action_find(c->keys[i].name), c->keys[i].text,
			    e) < 0) {
			keymap_free(map);
			return NULL;
		}
	}
	return map;
}
