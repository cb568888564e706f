/*
 * The programs of the command line that are no chat (DESIGN 6): each with its options and what it
 * does, for the table of programs in app/programs.c. Each returns the exit status and has told its
 * errors; results go to standard output.
 */
#ifndef APP_CLI_CLI_H
#define APP_CLI_CLI_H

#include <stddef.h>

#include "app/options.h"

extern const struct option_spec cli_models_options[];
extern const struct option_spec cli_sessions_options[];
extern const struct option_spec cli_config_options[];
extern const struct option_spec cli_themes_options[];
extern const struct option_spec cli_bench_options[];
extern const struct option_spec cli_tokenize_options[];
extern const struct option_spec cli_template_options[];
extern const struct option_spec cli_logits_options[];
extern const struct option_spec cli_perplexity_options[];

int cli_models(const struct options *o);
int cli_sessions(const struct options *o);
int cli_config(const struct options *o);
int cli_themes(const struct options *o);
int cli_bench(const struct options *o);
int cli_tokenize(const struct options *o);
int cli_template(const struct options *o);
int cli_logits(const struct options *o);
int cli_perplexity(const struct options *o);

const struct program_verb *cli_sessions_verb(size_t i);
const struct program_verb *cli_config_verb(size_t i);

/* Rows that several tables have. */
#define CLI_OPTION_MODEL                                                                           \
	{ 'm', "model", "NAME|FILE", OPTION_TEXT, offsetof(struct options, model), 0,              \
		"a model of the configuration, or a GGUF file" }
#define CLI_OPTION_HELP                                                                            \
	{ 'h', "help", NULL, OPTION_FLAG, offsetof(struct options, help), 0, "show this help" }
#define CLI_OPTION_JSON(help)                                                                      \
	{ 0, "json", NULL, OPTION_FLAG, offsetof(struct options, json), 0, help }

#endif
