/*
 * The command line (DESIGN 6). One table of programs, each with a table of options; the parser, the errors and
 * --help come out of them. Settings of app/config/settings.h that have an option are options too.
 */
#ifndef APP_OPTIONS_H
#define APP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "app/config/settings.h"
#include "base/err.h"

struct options {
	const struct program *program;

	/* What was given; strings are borrowed from argv, NULL: not given. */
	const char *model, *system, *resume, *theme, *print;
	const char *output, *ids, *json_file, *prompt_tokens, *gen_tokens, *depth, *repeat, *format;
	bool help, version, cont, resume_asked, no_save, plain, json, stream_json, special, nul;
	struct settings settings;
	settings_mask set;		/* which settings were given */
	const char **args;		/* the rest; owned array of borrowed strings */
	size_t n_args;
};

/* What to do with the parsed line; returns the exit status. */
typedef int program_fn(const struct options *o);

/* A second word, "list" of `hum sessions list`. */
struct program_verb {
	const char *name;
	const char *args;		/* "ID|TITLE", for help; "" */
	const char *help;		/* a sentence without its full stop */
};

/* A program: "" (the chat) or a first word. The table is the caller's, ended by a row without a name. */
struct program {
	const char *name;
	const char *args;		/* "[PROMPT]", for help */
	const char *help;		/* one line */
	const struct option_spec *options;	/* ended by a row without a name */
	const char *settings;		/* blank-separated names of settings it takes; "*": all; NULL: none */
	size_t min_args, max_args;
	program_fn *run;
	const struct program_verb *(*verb)(size_t i);	/* NULL past the last; NULL: none */
};

/* MAYBE: text only as --name=TEXT or -xTEXT. LAST: as TEXT, but "" where it is the last word. */
enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_MAYBE, OPTION_LAST };

struct option_spec {
	char letter;			/* 0: none */
	const char *name;		/* without dashes */
	const char *arg;		/* name of the argument in help */
	enum option_kind kind;
	size_t offset;			/* in struct options: a bool, or a const char * */
	size_t flag_offset;		/* MAYBE: the bool that says it was given */
	const char *help;
};

/* 0, or -1 with ERR_USAGE. In both cases options_release. A first word that is nearly a program's is
 * refused, with how to send it as a message: the chat would else take a typing mistake for one. */
int options_parse(struct options *o, const struct program *programs, int argc, char **argv, struct err *e);
void options_release(struct options *o);

/* --help of the program chosen. */
void options_help(const struct options *o, const struct program *programs, FILE *out);

/* The index of the program's verb of that name; -1 and ERR_USAGE, naming those there are. */
int options_verb(const struct program *p, const char *name, struct err *e);

/* A number in an option's text; -1 and ERR_USAGE naming the option when it is none or out of range. */
int options_number(const char *text, const char *option, long min, long max, long *out, struct err *e);

#endif
