/* What `hum` and `hum WORD` do: the table of programs. Each returns the exit status; those of WORDs are in app/cli/. */
#ifndef APP_PROGRAMS_H
#define APP_PROGRAMS_H

#include "app/options.h"

extern const struct program programs[];

int program_chat(const struct options *o);		/* app/chat_main.c; hands one-shots on */

#endif
