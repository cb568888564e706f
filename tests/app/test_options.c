#include "config.h"

#include "tests/app/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/options.h"
#include "app/programs.h"
#include "base/strbuf.h"

static struct options o;
static struct err e;
static char *argv[16];		/* the options borrow from it, as they do from the real one */

static int
forget(void **state)
{
	options_release(&o);
	for (size_t i = 0; i < sizeof argv / sizeof *argv; i++) {
		free(argv[i]);
		argv[i] = NULL;
	}
	return 0;
}

/* Parses "hum" and the words given, up to NULL. */
static int
parse(const char *first, ...)
{
	int argc = 0;
	va_list ap;

	forget(NULL);
	argv[argc++] = strdup("hum");
	va_start(ap, first);
	for (const char *s = first; s; s = va_arg(ap, const char *))
		argv[argc++] = strdup(s);
	va_end(ap);
	memset(&e, 0, sizeof e);
	return options_parse(&o, programs, argc, argv, &e);
}

static void
options__parse__nothing_is_the_chat(void **state)
{
	assert_int_equal(parse(NULL), 0);
	assert_string_equal(o.program->name, "");
	assert_int_equal(o.n_args, 0);
	assert_int_equal(o.set, 0);
}

static void
options__parse__short_and_long_forms(void **state)
{
	assert_int_equal(parse("-m", "a.gguf", "--system=be nice", "-c", "hello", "you", NULL), 0);
	assert_string_equal(o.model, "a.gguf");
	assert_string_equal(o.system, "be nice");
	assert_true(o.cont);
	assert_int_equal(o.n_args, 2);
	assert_string_equal(o.args[1], "you");

	assert_int_equal(parse("-p", "hi", NULL), 0);
	assert_string_equal(o.print, "hi");
	assert_int_equal(parse("-cp", NULL), 0);	/* standard input has it all */
	assert_string_equal(o.print, "");
	assert_int_equal(parse("--print", NULL), 0);
	assert_string_equal(o.print, "");

	assert_int_equal(parse("-cmfile", NULL), 0);
	assert_true(o.cont);
	assert_string_equal(o.model, "file");
}

static void
options__parse__settings_are_options(void **state)
{
	assert_int_equal(parse("--temp", "0.25", "-n", "12", "--kv=f16", "-t3", NULL), 0);
	assert_float_equal(o.settings.sampling.temperature, 0.25, 0);
	assert_int_equal(o.settings.max_tokens, 12);
	assert_int_equal(o.settings.kv, KV_F16);
	assert_int_equal(o.settings.threads, 3);
	assert_int_not_equal(o.set, 0);
}

static void
options__parse__resume_with_and_without_text(void **state)
{
	assert_int_equal(parse("-r", "trip", NULL), 0);
	assert_true(o.resume_asked);
	assert_null(o.resume);
	assert_int_equal(o.n_args, 1);		/* the text is the prompt, not the session */
	assert_int_equal(parse("-rtrip", NULL), 0);
	assert_string_equal(o.resume, "trip");
	assert_int_equal(parse("--resume=trip to Cusco", NULL), 0);
	assert_string_equal(o.resume, "trip to Cusco");
}

static void
options__parse__words_of_programs(void **state)
{
	assert_int_equal(parse("bench", "-p", "64", "-n", "8", "-d1", "-r", "2", "-t", "1", "--json", NULL), 0);
	assert_string_equal(o.program->name, "bench");
	assert_string_equal(o.prompt_tokens, "64");
	assert_string_equal(o.gen_tokens, "8");
	assert_string_equal(o.depth, "1");
	assert_int_equal(o.settings.threads, 1);
	assert_true(o.json);

	assert_int_equal(parse("--", "bench", NULL), 0);
	assert_string_equal(o.program->name, "");
	assert_string_equal(o.args[0], "bench");

	assert_int_equal(parse("tokenize", "-0", "-", NULL), 0);
	assert_true(o.nul);
	assert_string_equal(o.args[0], "-");
}

static void
refused(const char *part)
{
	assert_int_equal(e.code, ERR_USAGE);
	if (!strstr(e.text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, e.text);
}

static void
options__parse__faults_are_named(void **state)
{
	assert_int_equal(parse("--modell", "x", NULL), -1);
	refused("did you mean --model?");
	assert_int_equal(parse("--tmep=1", NULL), -1);
	refused("did you mean --temp?");
	assert_int_equal(parse("--temperature", "1", NULL), -1);
	refused("did you mean --temp?");
	assert_int_equal(parse("--context=4096", NULL), -1);
	refused("did you mean --ctx?");
	assert_int_equal(parse("-X", NULL), -1);
	refused("unknown option -X; see hum --help");
	assert_int_equal(parse("models", "-X", NULL), -1);
	refused("see hum models --help");
	assert_int_equal(parse("-m", NULL), -1);
	refused("-m needs a value");
	assert_int_equal(parse("--model", NULL), -1);
	refused("--model needs a value");
	assert_int_equal(parse("--continue=yes", NULL), -1);
	refused("takes no value");
	assert_int_equal(parse("--temp", "hot", NULL), -1);
	refused("0..2");
	assert_int_equal(parse("models", "x", NULL), -1);
	refused("too many");
	assert_int_equal(parse("perplexity", NULL), -1);
	refused("TEXTFILE");
	assert_int_equal(parse("tokenize", "--temp", "1", NULL), -1);
	refused("unknown option --temp");
}

/* A typing mistake must not be sent to the model as a message. */
static void
options__parse__nearly_a_program__is_refused(void **state)
{
	assert_int_equal(parse("sesions", NULL), -1);
	refused("there is no program \"sesions\"; did you mean \"hum sessions\"? To send it as a message: hum -- sesions");
	assert_int_equal(parse("model", NULL), -1);
	refused("\"hum models\"");
	assert_int_equal(parse("Models", "--json", NULL), -1);
	refused("\"hum models\"");
	assert_int_equal(parse("doctor", NULL), -1);
	refused("\"hum sessions doctor\"");
	assert_int_equal(parse("help", NULL), -1);
	refused("\"hum --help\"");
	assert_int_equal(parse("session", "list", NULL), -1);
	refused("\"hum sessions\"");
}

static void
options__parse__messages_of_one_word__are_messages(void **state)
{
	static const char *const messages[] = { "hi", "hello", "Thanks", "Bonjour", "test", "continue", "42", "",
		"list the sessions", "a sesions" };

	for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
		assert_int_equal(parse(messages[i], NULL), 0);
		assert_string_equal(o.args[0], messages[i]);
	}
	assert_int_equal(parse("--", "sesions", NULL), 0);
	assert_string_equal(o.args[0], "sesions");
	assert_int_equal(parse("model", "a", "house", NULL), 0);
	assert_int_equal(o.n_args, 3);
	assert_int_equal(parse("-m", "x", "model", NULL), 0);
	assert_string_equal(o.args[0], "model");
}

static void
options__verb__is_found_or_the_nearest_named(void **state)
{
	assert_int_equal(parse("sessions", NULL), 0);
	assert_int_equal(options_verb(o.program, "list", &e), 0);
	assert_int_equal(options_verb(o.program, "lst", &e), -1);
	refused("there is list, show");
	refused("did you mean list?");
	assert_int_equal(parse("models", NULL), 0);
	assert_int_equal(options_verb(o.program, "list", NULL), -1);
}

static void
options__number__range(void **state)
{
	long n = 7;

	assert_int_equal(options_number("12", "-p", 0, 20, &n, &e), 0);
	assert_int_equal(n, 12);
	assert_int_equal(options_number("21", "-p", 0, 20, &n, &e), -1);
	assert_int_equal(options_number("", "-p", 0, 20, &n, &e), -1);
	assert_int_equal(options_number("1x", "-p", 0, 20, &n, &e), -1);
	assert_int_equal(options_number("99999999999999999999", "-p", 0, 20, &n, &e), -1);
	assert_int_equal(n, 12);
}

/* What --help of the chosen program prints. Heap. */
static char *
help_text(void)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	options_help(&o, programs, f);
	fclose(f);
	return text;
}

static void
options__help__names_every_option_and_program(void **state)
{
	char *text;

	for (const struct program *p = programs; p->name; p++) {
		assert_int_equal(*p->name ? parse(p->name, "--help", NULL) : parse("--help", NULL), 0);
		text = help_text();
		for (const struct option_spec *s = p->options; s->name; s++)
			assert_non_null(strstr(text, s->name));
		for (size_t i = 0; p->verb && p->verb(i); i++)
			assert_non_null(strstr(text, p->verb(i)->help));
		for (const struct program *q = programs; !*p->name && q->name; q++)
			assert_non_null(strstr(text, q->name));
		free(text);
	}
}

/* A letter or a name that means two things in one program would make the second one dead. */
static void
options__table__no_option_twice(void **state)
{
	for (const struct program *p = programs; p->name; p++)
		for (const struct option_spec *a = p->options; a->name; a++) {
			for (const struct option_spec *b = a + 1; b->name; b++) {
				assert_string_not_equal(a->name, b->name);
				assert_false(a->letter && a->letter == b->letter);
			}
			for (size_t i = 0; p->settings && setting_at(i); i++)
				if (setting_at(i)->option && (!strcmp(p->settings, "*") ||
					strstr(p->settings, setting_at(i)->name))) {
					assert_string_not_equal(a->name, setting_at(i)->option + 2);
					assert_false(a->letter && a->letter == setting_at(i)->option_letter);
				}
		}
}

#define TEST(name) cmocka_unit_test_teardown(name, forget)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(options__parse__nothing_is_the_chat),
		TEST(options__parse__short_and_long_forms),
		TEST(options__parse__settings_are_options),
		TEST(options__parse__resume_with_and_without_text),
		TEST(options__parse__words_of_programs),
		TEST(options__parse__faults_are_named),
		TEST(options__parse__nearly_a_program__is_refused),
		TEST(options__parse__messages_of_one_word__are_messages),
		TEST(options__verb__is_found_or_the_nearest_named),
		TEST(options__number__range),
		TEST(options__help__names_every_option_and_program),
		TEST(options__table__no_option_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
