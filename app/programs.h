/* What `hum` and `hum WORD` do: the table of programs, and their functions. Each returns the exit status. */
#ifndef APP_PROGRAMS_H
#define APP_PROGRAMS_H

#include "app/options.h"

extern const struct program programs[];

int program_chat(const struct options *o);		/* app/chat_main.c; hands one-shots on */
int program_oneshot(const struct options *o);		/* app/oneshot.c */
int program_models(const struct options *o);		/* app/cli/ */
int program_sessions(const struct options *o);
int program_config(const struct options *o);
int program_themes(const struct options *o);
int program_bench(const struct options *o);
int program_tokenize(const struct options *o);
int program_template(const struct options *o);
int program_logits(const struct options *o);
int program_perplexity(const struct options *o);

#endif
