/*
 * What can be set: one table, used by the command line, /set and its completion, the config file, help and the
 * man page. A setting is a number or a word with a range and a default.
 */
#ifndef APP_CONFIG_SETTINGS_H
#define APP_CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/llm.h"
#include "engine/sampler.h"

struct settings {
	struct sampling sampling;
	int64_t seed;			/* -1: another one for each answer */
	uint32_t max_tokens;		/* 0: until the context is full */
	uint32_t context;		/* 0: the model's */
	uint32_t threads;		/* 0: auto */
	uint32_t prompt_threads;	/* 0: as threads */
	enum kv_type kv;
};

void settings_init(struct settings *s);		/* Meta's defaults */

/* A mask of which settings were given explicitly, so that layers can be laid over each other. */
typedef uint32_t settings_mask;

struct setting {
	const char *name;		/* "temperature", as in the config and /set */
	const char *option;		/* "--temp", or NULL */
	char option_letter;		/* 't', or 0 */
	const char *value;		/* "X", what help calls its value */
	const char *range;		/* "0..2", for help and errors */
	const char *help;
	bool reload;			/* takes effect when the model is loaded again */
	bool sampling;			/* stands under `sampling:` in the config, not beside it */
	/* parse: -1 and ERR_USAGE with the range when out of range. */
	int (*parse)(struct settings *s, const char *value, struct err *e);
	void (*print)(const struct settings *s, char *out, size_t size);
};

const struct setting *setting_at(size_t i);		/* NULL past the last */
const struct setting *setting_find(const char *name);	/* by name, "-" and "_" alike; NULL */

/* By the name of its option without dashes, "temp", which is not always its own; NULL. */
const struct setting *setting_of_option(const char *option);

/* Sets by name and marks it in *mask (may be NULL). An unknown name's error offers the nearest. */
int settings_set(struct settings *s, settings_mask *mask, const char *name, const char *value, struct err *e);

/* Copies the settings in `mask` from `from` over `to`. */
void settings_overlay(struct settings *to, const struct settings *from, settings_mask mask);

/* The known name nearest to a misspelt one, or NULL when none is near. names: NULL-terminated. */
const char *nearest_name(const char *name, const char *const *names);

/* The same with at most so many letters amiss. */
const char *nearest_within(const char *name, const char *const *names, size_t most);

#endif
