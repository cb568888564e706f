#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/options.h"
#include "base/strbuf.h"
#include "base/xalloc.h"

/* The option under the parser's eyes: a row of the program's table, or a setting. */
struct found {
	const struct option_spec *spec;
	const struct setting *setting;
};

static bool
program_has_setting(const struct program *p, const struct setting *s)
{
	size_t n = strlen(s->name);

	if (!p->settings || !s->option)
		return false;
	if (!strcmp(p->settings, "*"))
		return true;
	for (const char *at = p->settings; (at = strstr(at, s->name)); at += n)
		if ((at == p->settings || at[-1] == ' ') && (at[n] == ' ' || !at[n]))
			return true;
	return false;
}

static bool
find_letter(const struct program *p, char letter, struct found *f)
{
	*f = (struct found){ 0 };
	for (const struct option_spec *s = p->options; s->name; s++)
		if (s->letter == letter) {
			f->spec = s;
			return true;
		}
	for (size_t i = 0; (f->setting = setting_at(i)); i++)
		if (f->setting->option_letter == letter && program_has_setting(p, f->setting))
			return true;
	return false;
}

static bool
find_name(const struct program *p, const char *name, size_t len, struct found *f)
{
	*f = (struct found){ 0 };
	for (const struct option_spec *s = p->options; s->name; s++)
		if (strlen(s->name) == len && !strncmp(s->name, name, len)) {
			f->spec = s;
			return true;
		}
	for (size_t i = 0; (f->setting = setting_at(i)); i++) {
		const char *option = f->setting->option;

		if (program_has_setting(p, f->setting) && strlen(option + 2) == len &&
			!strncmp(option + 2, name, len))
			return true;
	}
	return false;
}

static bool
takes_text(const struct found *f)
{
	return f->setting || f->spec->kind == OPTION_TEXT || f->spec->kind == OPTION_LAST;
}

/* The text of an option that has none in its own word: the next word. NULL: there is none. */
static const char *
next_text(const struct found *f, int argc, char **argv, int *i)
{
	if (*i + 1 < argc)
		return argv[++*i];
	return f->spec && f->spec->kind == OPTION_LAST ? "" : NULL;
}

static int
store(struct options *o, const struct found *f, const char *shown, const char *text, struct err *e)
{
	char *base = (char *)o;

	if (f->setting) {
		if (settings_set(&o->settings, &o->set, f->setting->name, text, e) < 0)
			return err_prefix(e, "%s", shown);
		return 0;
	}
	switch (f->spec->kind) {
	case OPTION_FLAG:
		*(bool *)(base + f->spec->offset) = true;
		break;
	case OPTION_MAYBE:
		*(bool *)(base + f->spec->flag_offset) = true;
		*(const char **)(base + f->spec->offset) = text;
		break;
	case OPTION_TEXT:
	case OPTION_LAST:
		*(const char **)(base + f->spec->offset) = text;
		break;
	}
	return 0;
}

static int
unknown_option(const struct program *p, const char *shown, struct err *e)
{
	return err_set(e, ERR_USAGE, "unknown option %s; see hum%s%s --help", shown,
		*p->name ? " " : "", p->name);
}

/* shown: with its dashes */
static int
unknown_name(const struct program *p, const char *shown, struct err *e)
{
	const struct setting *setting = setting_find(shown + 2);
	const char *names[64] = { 0 }, *near;
	size_t n = 0;

	if (setting && program_has_setting(p, setting))
		return err_set(e, ERR_USAGE, "unknown option %s; did you mean %s?", shown,
			setting->option);
	for (const struct option_spec *s = p->options; s->name && n < 32; s++)
		names[n++] = s->name;
	for (size_t i = 0; setting_at(i) && n < 63; i++)
		if (program_has_setting(p, setting_at(i)))
			names[n++] = setting_at(i)->option + 2;
	near = nearest_name(shown + 2, names);
	if (near)
		return err_set(e, ERR_USAGE, "unknown option %s; did you mean --%s?", shown, near);
	return unknown_option(p, shown, e);
}

/* argv[*i] is "--name" or "--name=text". */
static int
parse_long(struct options *o, int argc, char **argv, int *i, struct err *e)
{
	const char *name = argv[*i] + 2, *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	const char *text = equals ? equals + 1 : NULL;
	char *shown = xasprintf("--%.*s", (int)len, name);
	struct found f;
	int rc;

	if (!find_name(o->program, name, len, &f))
		rc = unknown_name(o->program, shown, e);
	else if (!takes_text(&f) && text && f.spec->kind == OPTION_FLAG)
		rc = err_set(e, ERR_USAGE, "%s takes no value", shown);
	else if (takes_text(&f) && !text && !(text = next_text(&f, argc, argv, i)))
		rc = err_set(e, ERR_USAGE, "%s needs a value", shown);
	else
		rc = store(o, &f, shown, text, e);
	free(shown);
	return rc;
}

/* argv[*i] is "-abc": flags, of which the last may take a text. */
static int
parse_letters(struct options *o, int argc, char **argv, int *i, struct err *e)
{
	for (const char *s = argv[*i] + 1; *s; s++) {
		char shown[] = { '-', *s, '\0' };
		const char *text = s[1] ? s + 1 : NULL;
		struct found f;

		if (!find_letter(o->program, *s, &f))
			return unknown_option(o->program, shown, e);
		if (!takes_text(&f) && f.spec->kind == OPTION_FLAG) {
			store(o, &f, shown, NULL, e);
			continue;
		}
		if (takes_text(&f) && !text && !(text = next_text(&f, argc, argv, i)))
			return err_set(e, ERR_USAGE, "%s needs a value", shown);
		return store(o, &f, shown, text, e);
	}
	return 0;
}

/* ---- words that are nearly a program's ---- */

static bool
has_verb(const struct program *p, const char *name)
{
	return options_verb(p, name, NULL) >= 0;
}

static const struct program *
find_program(const struct program *programs, const char *name)
{
	for (const struct program *p = programs; p->name; p++)
		if (*p->name && !strcmp(p->name, name))
			return p;
	return NULL;
}

/* The program that a misspelt word is near to. Nearer than for options: "thanks" may be a message
 * and no misspelt "themes". */
static const struct program *
near_program(const struct program *programs, const char *word)
{
	const char *names[32] = { 0 }, *near;
	size_t n = 0;

	for (const struct program *p = programs; p->name && n < 31; p++)
		if (*p->name)
			names[n++] = p->name;
	near = nearest_within(word, names, strlen(word) / 3);
	return near ? find_program(programs, near) : NULL;
}

/* "sessions" for "sesions", "sessions doctor" for "doctor", "--help" for "help"; heap, NULL: it is
 * like no program. */
static char *
meant(const struct program *programs, const char *word)
{
	const struct program *near;

	for (const struct program *p = programs; p->name; p++)
		if (has_verb(p, word))
			return xasprintf("%s %s", p->name, word);
	if (!strcmp(word, "help") || !strcmp(word, "version"))	/* programs in many other programs */
		return xasprintf("--%s", word);
	near = near_program(programs, word);
	return near ? xstrdup(near->name) : NULL;
}

/* A message has several words most times, but hardly a verb behind something like its program:
 * "session list". */
static bool
is_alone(const struct program *programs, int argc, char **argv)
{
	const struct program *near = near_program(programs, argv[1]);

	if (strpbrk(argv[1], " \t\n"))
		return false;
	return argc == 2 || argv[2][0] == '-' || (near && has_verb(near, argv[2]));
}

static int
refuse_near_miss(const struct program *programs, int argc, char **argv, struct err *e)
{
	char *near = is_alone(programs, argc, argv) ? meant(programs, argv[1]) : NULL;

	if (!near)
		return 0;
	err_set(e, ERR_USAGE,
		"there is no program \"%s\"; did you mean \"hum %s\"? To send it as a message: hum -- %s",
		argv[1], near, argv[1]);
	free(near);
	return -1;
}

int
options_verb(const struct program *p, const char *name, struct err *e)
{
	const char *names[32] = { 0 }, *near;
	struct strbuf all = STRBUF_INIT;

	for (int i = 0; p->verb && i < 31 && p->verb((size_t)i); i++) {
		names[i] = p->verb((size_t)i)->name;
		if (!strcmp(name, names[i])) {
			strbuf_release(&all);
			return i;
		}
		strbuf_addf(&all, "%s%s", i ? ", " : "", names[i]);
	}
	near = nearest_name(name, names);
	err_set(e, ERR_USAGE, "hum %s %s: there is %s%s%s%s", p->name, name, all.s,
		near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	strbuf_release(&all);
	return -1;
}

/* ---- parsing ---- */

static int
check_args(const struct options *o, struct err *e)
{
	const struct program *p = o->program;

	if (o->help || o->version)
		return 0;
	if (o->n_args < p->min_args)
		return err_set(e, ERR_USAGE, "hum %s needs: %s", p->name, p->args);
	if (o->n_args > p->max_args)
		return err_set(e, ERR_USAGE, "hum %s: too many arguments, from \"%s\" on", p->name,
			o->args[p->max_args]);
	return 0;
}

/* The words from argv[i] on. */
static int
parse_words(struct options *o, int argc, char **argv, int i, struct err *e)
{
	bool only_args = false;

	for (; i < argc; i++) {
		int rc = 0;

		if (only_args || argv[i][0] != '-' || !argv[i][1])
			o->args[o->n_args++] = argv[i];
		else if (!strcmp(argv[i], "--"))
			only_args = true;
		else if (argv[i][1] == '-')
			rc = parse_long(o, argc, argv, &i, e);
		else
			rc = parse_letters(o, argc, argv, &i, e);
		if (rc < 0)
			return -1;
	}
	return check_args(o, e);
}

int
options_parse(struct options *o, const struct program *programs, int argc, char **argv, struct err *e)
{
	const struct program *named = argc > 1 ? find_program(programs, argv[1]) : NULL;

	*o = (struct options){ .program = named ? named : programs };
	settings_init(&o->settings);
	o->args = xcalloc((size_t)argc + 1, sizeof *o->args);
	if (argc > 1 && !named && argv[1][0] != '-' &&
		refuse_near_miss(programs, argc, argv, e) < 0)
		return -1;
	return parse_words(o, argc, argv, named ? 2 : 1, e);
}

void
options_release(struct options *o)
{
	free(o->args);
	o->args = NULL;
}

int
options_number(const char *text, const char *option, long min, long max, long *out, struct err *e)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || end == text || *end || value < min || value > max)
		return err_set(e, ERR_USAGE, "%s: \"%s\" is not a whole number from %ld to %ld", option,
			text, min, max);
	*out = value;
	return 0;
}

/* ---- help ---- */

static void
help_row(FILE *out, char letter, const char *name, const char *arg, bool maybe, const char *help)
{
	char left[64];

	snprintf(left, sizeof left, "%s%c%s--%s%s%s%s%s", letter ? "-" : " ", letter ? letter : ' ',
		letter ? ", " : "  ", name, arg ? (maybe ? "[=" : " ") : "", arg ? arg : "",
		arg && maybe ? "]" : "", "");
	fprintf(out, "  %-30s %s\n", left, help);
}

static void
help_settings(const struct program *p, FILE *out)
{
	for (size_t i = 0; setting_at(i); i++) {
		const struct setting *s = setting_at(i);
		char *help;

		if (!program_has_setting(p, s))
			continue;
		help = xasprintf("%s (%s)", s->help, s->range);
		help_row(out, s->option_letter, s->option + 2, s->value, false, help);
		free(help);
	}
}

static void
help_programs(const struct program *programs, FILE *out)
{
	fputs("\nOther programs (each has a --help of its own):\n", out);
	for (const struct program *p = programs; p->name; p++) {
		char left[64];

		if (!*p->name)
			continue;
		snprintf(left, sizeof left, "hum %s %s", p->name, p->args);
		fprintf(out, "  %-30s %s\n", left, p->help);
	}
}

static void
help_verbs(const struct program *p, FILE *out)
{
	const struct program_verb *v;

	fputs("\nVerbs:\n", out);
	for (size_t i = 0; (v = p->verb(i)); i++) {
		char left[64];

		snprintf(left, sizeof left, "%s %s", v->name, v->args);
		fprintf(out, "  %-30s %s\n", left, v->help);
	}
}

void
options_help(const struct options *o, const struct program *programs, FILE *out)
{
	const struct program *p = o->program;

	fprintf(out, "Usage: hum%s%s [OPTION...]%s%s\n%s.\n\n", *p->name ? " " : "", p->name,
		*p->args ? " " : "", p->args, p->help);
	for (const struct option_spec *s = p->options; s->name; s++)
		help_row(out, s->letter, s->name, s->arg, s->kind == OPTION_MAYBE, s->help);
	help_settings(p, out);
	if (p->verb)
		help_verbs(p, out);
	if (*p->name)
		return;
	help_programs(programs, out);
	fputs("\nExit status: 0 done, 1 usage, 2 config, 3 model missing or refused, 4 prompt does not fit,\n"
	      "5 backend or network, 6 session or disk, 130 interrupted, 141 the reader of stdout has gone.\n", out);
}
