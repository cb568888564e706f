/*
 * config.yaml (DESIGN 5). Unknown keys, wrong types and values out of range are errors with file, line, column and
 * the nearest valid key.
 */
#ifndef APP_CONFIG_CONFIG_H
#define APP_CONFIG_CONFIG_H

#include "app/config/settings.h"
#include "base/err.h"
#include "ui/action.h"

struct config_model {
	char *name;
	char *path;			/* expanded; a relative one was taken from the config's folder */
	char *template_name;		/* NULL: detect */
	struct settings settings;
	settings_mask set;		/* which of them were given */
};

struct config_text {
	char *name, *text;
};

struct config {
	char *path;			/* the file; also when it does not exist */
	bool exists;
	char *model, *system, *theme;	/* defaults; NULL: none */
	bool mouse;			/* the wheel scrolls; false: the terminal keeps the mouse */
	struct config_model *models;
	size_t n_models;
	struct config_text *systems;
	size_t n_systems;
	struct config_text *keys;	/* action name, key spec; checked */
	size_t n_keys;
	struct settings settings;	/* top-level `sampling:` and other settings */
	settings_mask set;
};

/* Reads `path` (NULL: the usual one). A missing file is an empty config. ERR_CONFIG with every problem found, a line
 * each up to five, in e->text. */
struct config *config_load(const char *path, struct err *e);

/* The same from memory (tests, fuzzing); `name` stands in messages. */
struct config *config_parse(const char *name, const char *yaml, size_t len, struct err *e);
void config_free(struct config *c);

const struct config_model *config_find_model(const struct config *c, const char *name);
const char *config_find_system(const struct config *c, const char *name);	/* text, or NULL */

/* Binds the config's keys over the defaults. */
struct keymap *config_keymap(const struct config *c, struct err *e);

#endif
