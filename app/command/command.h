/*
 * Slash commands: one table, from which come the run of a line, /help, the palette (Ctrl-P) and completion.
 */
#ifndef APP_COMMAND_COMMAND_H
#define APP_COMMAND_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "ui/ui.h"

struct controller;

struct command {
	const char *name;	/* without the slash */
	const char *args;	/* "[name value]", for help; "" */
	const char *help;	/* one line */
	bool needs_arg;		/* the palette asks for it first */
	/* arg: what follows the name, without the blanks around it; "" when there is nothing. */
	void (*run)(struct controller *c, const char *arg);
	/* Adds what could stand where `word` (the argument so far) is; may be NULL. */
	void (*complete)(struct controller *c, const char *word, struct ui_completions *out);
};

const struct command *command_at(size_t i);		/* NULL past the last */
const struct command *command_find(const char *name, size_t len);

/* Runs "/name args"; an unknown name is said with the nearest one, and the line goes back to the input. */
void command_run(struct controller *c, const char *line);

/* ctx is the controller: for ui_opts.complete. */
void command_complete(void *ctx, const char *line, size_t cursor, struct ui_completions *out);

/* First questions for the guide, which Tab offers in the empty input; NULL past the last. */
const char *command_question(size_t i);

#endif
