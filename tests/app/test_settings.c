#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "app/config/number.h"
#include "app/config/settings.h"

static struct err e;

static void
settings__init__is_metas(void **state)
{
	struct settings s;

	settings_init(&s);
	assert_memory_equal(&s.sampling, &sampling_default, sizeof sampling_default);
	assert_int_equal(s.seed, -1);
	assert_int_equal(s.max_tokens, 0);
	assert_int_equal(s.context, 0);
	assert_int_equal(s.threads, 0);
	assert_int_equal(s.prompt_threads, 0);
	assert_int_equal(s.kv, KV_Q8_0);
}

static void
settings__table__is_complete_and_consistent(void **state)
{
	static const char *const options[] = {
		"--max-tokens", "--temp", "--top-p", "--top-k", "--min-p", "--repeat-penalty", "--seed", "--ctx", "--threads",
		"--prompt-threads", "--kv",
	};
	const struct setting *s;
	struct settings one, two;
	size_t n;

	for (n = 0; (s = setting_at(n)); n++) {
		char value[64], again[64];

		assert_ptr_equal(setting_find(s->name), s);
		assert_true(strlen(s->range) && strlen(s->help));
		settings_init(&one);
		memset(&two, 0x55, sizeof two);
		s->print(&one, value, sizeof value);
		if (s->parse(&two, value, &e) < 0)
			fail_msg("%s does not take its own default: %s", s->name, e.text);
		s->print(&two, again, sizeof again);
		assert_string_equal(value, again);
	}
	assert_int_equal(n, 15);
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		size_t found = 0;

		for (size_t k = 0; (s = setting_at(k)); k++)
			found += s->option && strcmp(s->option, options[i]) == 0;
		assert_int_equal(found, 1);
	}
	assert_int_equal(setting_find("max_tokens")->option_letter, 'n');
	assert_int_equal(setting_find("threads")->option_letter, 't');
	assert_true(setting_find("context")->reload);
	assert_true(setting_find("prompt_threads")->reload);
	assert_false(setting_find("temperature")->reload);
}

static void
settings__set__keeps_to_the_range(void **state)
{
	static const struct {
		const char *name, *value, *printed;	/* NULL: refused */
	} cases[] = {
		{ "temperature", "0", "0" }, { "temperature", "0.7", "0.7" }, { "temperature", "2", "2" },
		{ "temperature", "2.01", NULL }, { "temperature", "-0.1", NULL }, { "temperature", "nan", NULL },
		{ "temperature", "inf", NULL }, { "temperature", "", NULL }, { "temperature", "0.7x", NULL },
		{ "temperature", " 1", NULL }, { "temperature", "0x1", NULL }, { "temperature", "1e-1", "0.1" },
		{ "temperature", "0,7", NULL }, { "top-p", "1", "1" }, { "top_p", "1.0001", NULL },
		{ "top-k", "40", "40" }, { "top-k", "-1", NULL }, { "top-k", "1.5", NULL }, { "top-k", "1000001", NULL },
		{ "min-p", ".05", "0.05" }, { "typical-p", "0.95", "0.95" }, { "repeat-penalty", "1.1", "1.1" },
		{ "repeat-penalty", "0", NULL }, { "presence-penalty", "-2", "-2" }, { "frequency_penalty", "2.5", NULL },
		{ "repeat_last_n", "64", "64" }, { "seed", "0", "0" }, { "seed", "9223372036854775807", "9223372036854775807" },
		{ "seed", "9223372036854775808", NULL }, { "seed", "-1", "random" }, { "seed", "-2", NULL },
		{ "seed", "random", "random" }, { "max-tokens", "512", "512" }, { "max-tokens", "-1", NULL },
		{ "context", "4096", "4096" }, { "context", "auto", "auto" }, { "context", "0", "auto" }, { "context", "15", NULL },
		{ "context", "1048577", NULL }, { "threads", "Auto", "auto" }, { "threads", "8", "8" }, { "threads", "-8", NULL },
		{ "threads", "1025", NULL }, { "prompt-threads", "auto", "auto" }, { "prompt_threads", "1024", "1024" },
		{ "prompt_threads", "1025", NULL }, { "kv", "f16", "f16" }, { "kv", "q8_0", "q8_0" }, { "kv", "q4", NULL },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct settings s;
		settings_mask mask = 0;
		char printed[64];
		int rc;

		settings_init(&s);
		rc = settings_set(&s, &mask, cases[i].name, cases[i].value, &e);
		if (rc != (cases[i].printed ? 0 : -1))
			fail_msg("%s %s: %d", cases[i].name, cases[i].value, rc);
		assert_int_equal(mask != 0, rc == 0);
		if (rc < 0) {
			assert_int_equal(e.code, ERR_USAGE);
			assert_non_null(strstr(e.text, setting_find(cases[i].name)->range));
			continue;
		}
		setting_find(cases[i].name)->print(&s, printed, sizeof printed);
		assert_string_equal(printed, cases[i].printed);
	}
}

static void
settings__set__explains(void **state)
{
	struct settings s;

	settings_init(&s);
	assert_int_equal(settings_set(&s, NULL, "temperature", "9", &e), -1);
	assert_string_equal(e.text, "temperature cannot be \"9\": it must be 0..2");
	assert_int_equal(settings_set(&s, NULL, "temprature", "1", &e), -1);
	assert_string_equal(e.text, "there is no setting \"temprature\"; did you mean \"temperature\"?");
	assert_int_equal(settings_set(&s, NULL, "ctx", "1", &e), -1);
	assert_string_equal(e.text, "there is no setting \"ctx\"; did you mean \"context\"?");
	assert_int_equal(settings_set(&s, NULL, "colour", "1", &e), -1);
	assert_string_equal(e.text, "there is no setting \"colour\"");
	assert_int_equal(settings_set(&s, NULL, "threads", "many", &e), -1);
	assert_string_equal(e.text, "threads cannot be \"many\": it must be 1..1024, or auto");
}

static void
settings__overlay__copies_what_was_given(void **state)
{
	struct settings base, over;
	settings_mask mask = 0;

	settings_init(&base);
	settings_init(&over);
	assert_int_equal(settings_set(&base, NULL, "top_k", "10", &e), 0);
	assert_int_equal(settings_set(&over, &mask, "temperature", "0", &e), 0);
	assert_int_equal(settings_set(&over, &mask, "seed", "7", &e), 0);
	assert_int_equal(settings_set(&over, NULL, "threads", "3", &e), 0);
	settings_overlay(&base, &over, mask);
	assert_true(base.sampling.temperature == 0);
	assert_int_equal(base.seed, 7);
	assert_int_equal(base.sampling.top_k, 10);
	assert_int_equal(base.threads, 0);
}

static void
numbers__do_not_depend_on_the_locale(void **state)
{
	char old[64], text[64];
	double value;

	snprintf(old, sizeof old, "%s", setlocale(LC_ALL, NULL));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(number_parse("0.5", &value), 0);
		assert_true(value == 0.5);
		assert_int_equal(number_parse("0,5", &value), -1);
		number_print_float(0.25f, text, sizeof text);
		assert_string_equal(text, "0.25");
		number_print_float(1.0f / 3, text, sizeof text);
		assert_string_equal(text, "0.33333334");
		if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "fr_FR.UTF-8"))
			break;
	}
	setlocale(LC_ALL, old);
}

static void
nearest__name__is_near_or_none(void **state)
{
	static const char *const names[] = {
		"temperature", "top_p", "top_k", "context", "threads", "kv", "model", "models", "system", NULL,
	};
	static const char *const cases[][2] = {
		{ "temp", "temperature" }, { "tempreature", "temperature" }, { "Temperature", "temperature" },
		{ "top-p", "top_p" }, { "topk", "top_k" }, { "ctx", NULL }, { "thread", "threads" }, { "modle", "model" },
		{ "modles", "models" }, { "sytem", "system" }, { "k", NULL }, { "ky", "kv" }, { "x", NULL }, { "", NULL }, { "zebra", NULL },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL }, { "contxet", "context" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *near = nearest_name(cases[i][0], names);

		if (cases[i][1])
			assert_string_equal(near ? near : cases[i][0], cases[i][1]);
		else if (near)
			fail_msg("%s: %s", cases[i][0], near);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings__init__is_metas),
		cmocka_unit_test(settings__table__is_complete_and_consistent),
		cmocka_unit_test(settings__set__keeps_to_the_range),
		cmocka_unit_test(settings__set__explains),
		cmocka_unit_test(settings__overlay__copies_what_was_given),
		cmocka_unit_test(numbers__do_not_depend_on_the_locale),
		cmocka_unit_test(nearest__name__is_near_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
