/*
 * What the programs of the command line share: configuration, the model that is meant, standard
 * output, the end.
 *
 * 	int cli_x(const struct options *o)
 * 	{
 * 		struct tool t;
 * 		int rc = tool_begin(&t, o);
 *
 * 		if (rc == 0)
 * 			rc = ...;		// -1: t.err is set
 * 		return tool_end(&t, rc);
 * 	}
 */
#ifndef APP_CLI_TOOL_H
#define APP_CLI_TOOL_H

#include "app/cli/output.h"
#include "app/config/config.h"
#include "app/models/models.h"
#include "app/options.h"
#include "base/err.h"
#include "engine/llm.h"

struct tool {
	struct output out;
	struct config *config;			/* NULL until tool_configure */
	bool listed;
	struct model_list models;		/* valid when listed */
	const struct model_entry *model;	/* of `models`; NULL until tool_find_model */
	struct settings settings;		/* of the model */
	struct llm *llm;
	struct llm_chat *chat;
	struct err err;
};

/* Takes standard output and catches signals; tool_end undoes it. */
void tool_start(struct tool *t);

/* Reads the configuration: what needs none works also when it is broken. -1: t->err. */
int tool_configure(struct tool *t);

/* Both. In any case tool_end. */
int tool_begin(struct tool *t, const struct options *o);

/* The exit status. rc -1: t->err is told, and is the status. A program that has told it all gives a
 * status >= 0. */
int tool_end(struct tool *t, int rc);

void tool_list_models(struct tool *t);

/* The model of -m; else `usual` (may be NULL), else the configuration's, else the bundled one. */
int tool_find_model(struct tool *t, const struct options *o, const char *usual);

int tool_open_model(struct tool *t, const struct options *o);

/* And a context of `context` tokens; 0: as set. Ctrl-C cancels its work. */
int tool_open_chat(struct tool *t, const struct options *o, size_t context);

struct session;

/* What a verb of a session returned; 0, and told, when another file has it all now: no failure. */
int tool_stored(struct session *s, int rc, const struct err *e);

/* Only the vocabulary, of a file that may be no more than that. */
struct vocabulary {
	struct gguf *gguf;
	struct vocab *vocab;
	const struct template *template;
	const char *template_why;
};

int tool_open_vocabulary(struct tool *t, const struct options *o, struct vocabulary *v);
void vocabulary_release(struct vocabulary *v);

#endif
