/*
 * Which models there are: those of the configuration, GGUF files in hum's own models folder, in the working folder,
 * and where LM Studio, llama.cpp and Hugging Face keep theirs, and the bundled guide. In the first two also files that
 * people take for such a model. Only names are read here.
 */
#ifndef APP_MODELS_MODELS_H
#define APP_MODELS_MODELS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "app/backend/backend.h"
#include "app/config/config.h"

struct model_entry {
	char *name;		/* of the config, or the file's without .gguf */
	char *path;		/* NULL: the guide */
	const char *origin;	/* "config", "models folder", "LM Studio" ...; static */
	const struct config_model *config;	/* NULL: not of the config; borrowed */
	uint64_t size;		/* bytes of the file (its first part); 0: missing */
	dev_t device;		/* which file that is, whatever path leads to it; 0: missing */
	ino_t inode;
	bool suspect;		/* not named like a model: listed so that it is said what it is */
};

struct model_list {
	struct model_entry *items;	/* config first, the guide last; a file is listed once */
	size_t n, cap;
};

void model_list_scan(struct model_list *l, const struct config *config);	/* config may be NULL */
void model_list_release(struct model_list *l);

/*
 * By name (with or without .gguf), path, or a part of a name that only one model has (case ignored; suspects aside). A
 * word without a slash is a path only where a regular file is called so. A path need not be in the list; it is added to
 * it. ERR_MODEL: the message names what is near, or how to add a model. The result is the list's.
 */
const struct model_entry *model_list_find(struct model_list *l, const char *what, struct err *e);

/* What finds this model again from any folder: its name if that is enough, else its path. Heap. */
char *model_ref(const struct model_list *l, const struct model_entry *m);

/* The settings of a model: defaults, then the config's, the model's own, then those in `top` that `mask` names. */
void model_settings(const struct config *config, const struct model_entry *m, const struct settings *top,
	settings_mask mask, struct settings *out);

struct load_request *model_load_request(const struct model_list *l, const struct model_entry *m,
	const struct settings *s);

/* Opens for a command-line program. */
struct llm *model_entry_open(const struct model_entry *m, struct err *e);
struct llm *model_entry_peek(const struct model_entry *m, struct err *e);

/* "file.Q4_0-00001-of-00003.gguf" to "file.Q4_0". Heap. */
char *model_name_of_path(const char *path);

#endif
