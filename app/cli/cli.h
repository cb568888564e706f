/* What the command-line programs share. */
#ifndef APP_CLI_CLI_H
#define APP_CLI_CLI_H

#include "app/config/config.h"
#include "app/models/models.h"
#include "app/models/open.h"
#include "app/options.h"
#include "engine/gguf.h"

/* "hum: message" on stderr; returns the exit status. */
int cli_fail(const struct err *e);

/* A model for a program: -m, else the configuration's, else the guide. */
struct cli_model {
	struct config *config;
	struct model_list list;
	const struct model_entry *entry;
	struct settings settings;
	struct llm *llm;
	struct llm_chat *chat;
};

int cli_model_find(struct cli_model *m, const struct options *o, struct err *e);
/* Finds and opens; with a context of at least `context` tokens (0: the usual one). */
int cli_model_open(struct cli_model *m, const struct options *o, size_t context, struct err *e);
void cli_model_close(struct cli_model *m);

/* Only the keys of the file, which need not have weights: for the tokenizer and the prompt formats. */
struct cli_vocab {
	struct cli_model model;
	struct gguf *gguf;
	struct vocab *vocab;
};

int cli_vocab_open(struct cli_vocab *v, const struct options *o, struct err *e);
void cli_vocab_close(struct cli_vocab *v);

/* A whole file, "-" and NULL: stdin. */
int cli_read_file(const char *path, struct strbuf *out, struct err *e);

/* Prints text that may be anyone's: scrubbed when stdout is a terminal. */
void cli_print(const char *text, size_t len);

/* Text in a column of `width` cells, cut or filled. */
void cli_column(const char *text, size_t width);

#endif
