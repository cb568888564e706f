#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "app/config/config.h"
#include "tests/app/scratch.h"

static struct err e;
static char *home;

static int
setup(void **state)
{
	home = scratch_new();
	setenv("HOME", home, 1);
	unsetenv("XDG_CONFIG_HOME");
	return 0;
}

static int
teardown(void **state)
{
	scratch_free(home);
	return 0;
}

static struct config *
parse(const char *yaml)
{
	struct config *c = config_parse("c.yaml", yaml, strlen(yaml), &e);

	if (!c)
		fail_msg("%s\n%s", yaml, e.text);
	return c;
}

static void
config__full_example__is_understood(void **state)
{
	struct config *c = parse(
		"model: llama-2-7b-chat            # default\n"
		"system: helpful\n"
		"theme: dusk\n"
		"mouse: false\n"
		"threads: 4\n"
		"seed: 7\n"
		"sampling: {temperature: 0.5}\n"
		"models:\n"
		"  - name: llama-2-7b-chat\n"
		"    path: ~/models/llama-2-7b-chat.Q4_K_M.gguf\n"
		"    template: llama-2             # else detected\n"
		"    context: 2048\n"
		"    threads: auto\n"
		"    kv: f16\n"
		"    max_tokens: 100\n"
		"    sampling: {temperature: 0.6, top_p: 0.9, top-k: 40}\n"
		"  - {name: other, path: /m/o.gguf, template: auto}\n"
		"systems:\n"
		"  helpful: You are a helpful, respectful and honest assistant.\n"
		"  pirate: |\n"
		"    Talk like a pirate.\n"
		"    Always.\n"
		"keys: {stop: Esc, palette: [C-p, F2]}\n");
	const struct config_model *m = config_find_model(c, "llama-2-7b-chat");
	struct keymap *keys;
	char *path = xasprintf("%s/models/llama-2-7b-chat.Q4_K_M.gguf", home);

	assert_true(c->exists);
	assert_string_equal(c->model, "llama-2-7b-chat");
	assert_string_equal(c->system, "helpful");
	assert_string_equal(c->theme, "dusk");
	assert_false(c->mouse);
	assert_int_equal(c->settings.threads, 4);
	assert_int_equal(c->settings.seed, 7);
	assert_true(c->settings.sampling.temperature == 0.5f);
	assert_int_equal(__builtin_popcount(c->set), 3);
	assert_int_equal(c->n_models, 2);
	assert_string_equal(m->path, path);
	assert_string_equal(m->template_name, "llama-2");
	assert_int_equal(m->settings.context, 2048);
	assert_int_equal(m->settings.threads, 0);
	assert_int_equal(m->settings.kv, KV_F16);
	assert_int_equal(m->settings.max_tokens, 100);
	assert_true(m->settings.sampling.top_p == 0.9f);
	assert_int_equal(m->settings.sampling.top_k, 40);
	assert_int_equal(__builtin_popcount(m->set), 7);
	assert_null(c->models[1].template_name);
	assert_int_equal(c->models[1].set, 0);
	assert_null(config_find_model(c, "third"));
	assert_string_equal(config_find_system(c, "pirate"), "Talk like a pirate.\nAlways.\n");
	assert_null(config_find_system(c, "x"));
	assert_int_equal(c->n_keys, 2);
	keys = config_keymap(c, &e);
	assert_non_null(keys);
	assert_non_null(strstr(keymap_keys(keys, ACTION_PALETTE), "F2"));
	keymap_free(keys);
	free(path);
	config_free(c);
}

static void
config__empty__is_no_error(void **state)
{
	static const char *const texts[] = {
		"", "\n", "# nothing\n", "---\n", "null\n", "~", "{}", "model:\nmodels:\nkeys:\nsystems:\nsampling:\ntheme: ''\n",
		"models: []\nkeys: {}\n", "\xef\xbb\xbfmodel:\n",
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct config *c = parse(texts[i]);

		assert_null(c->model);
		assert_null(c->theme);
		assert_true(c->mouse);
		assert_int_equal(c->n_models + c->n_keys + c->n_systems, 0);
		config_free(c);
	}
}

static void
config__error__names_place_and_remedy(void **state)
{
	static const struct {
		const char *yaml, *text;
	} cases[] = {
		{ "modle: x", "c.yaml:1:1: unknown key \"modle\"; did you mean \"model\"?" },
		{ "a: 1\nb:\n", "c.yaml:1:1: unknown key \"a\"; there are: model, system, theme, mouse, models, systems, keys, sampling, "
			"seed, max_tokens, context, threads, prompt_threads, kv\n"
			"c.yaml:2:1: unknown key \"b\"; there are: model, system, theme, mouse, models, systems, keys, sampling, "
			"seed, max_tokens, context, threads, prompt_threads, kv" },
		{ "model: [x]", "c.yaml:1:8: \"model\" must be a text" },
		{ "theme: {x: y}", "c.yaml:1:8: \"theme\" must be a text" },
		{ "model: \"a\\0b\"", "c.yaml:1:8: \"model\" has a NUL in it" },
		{ "model: x\nmodel: y", "c.yaml:2:1: \"model\" is here twice" },
		{ "temperature: 0.5", "c.yaml:1:1: \"temperature\" stands under \"sampling\"" },
		{ "sampling: {threads: 2}", "c.yaml:1:12: \"threads\" stands beside \"sampling\", not in it" },
		{ "sampling: 5", "c.yaml:1:11: \"sampling\" must be a map of names and values" },
		{ "sampling: {temprature: 1}", "c.yaml:1:12: unknown key \"temprature\"; did you mean \"temperature\"?" },
		{ "sampling: {temperature: 9}", "c.yaml:1:25: temperature cannot be \"9\": it must be 0..2" },
		{ "sampling:\n  temperature: hot\n", "c.yaml:2:16: temperature cannot be \"hot\": it must be 0..2" },
		{ "sampling: {top_k: [1]}", "c.yaml:1:19: \"top_k\" must be a text" },
		{ "threads: many", "c.yaml:1:10: threads cannot be \"many\": it must be 1..1024, or auto" },
		{ "models: x", "c.yaml:1:9: \"models\" must be a list: each model begins with \"- name:\"" },
		{ "models: {name: x}", "c.yaml:1:9: \"models\" must be a list: each model begins with \"- name:\"" },
		{ "models: [x]", "c.yaml:1:10: a model must be a map with \"name\" and \"path\"" },
		{ "models:\n  - path: x\n", "c.yaml:2:5: this model has no \"name\"" },
		{ "models:\n  - name: x\n", "c.yaml:2:5: model \"x\" has no \"path\"" },
		{ "models: [{name: x, path}]", "c.yaml:1:10: model \"x\" has no \"path\"" },
		{ "models: [{name: '', path: a}]", "c.yaml:1:10: this model has no \"name\"" },
		{ "models:\n- {name: x, path: a}\n- {name: x, path: b}", "c.yaml:3:10: there are two models \"x\"" },
		{ "models:\n- {name: x, path: a, tempalte: llama-2}",
			"c.yaml:2:22: unknown key \"tempalte\"; did you mean \"template\"?" },
		{ "models:\n- {name: x, path: a, template: lama-2}",
			"c.yaml:2:32: unknown template \"lama-2\"; did you mean \"llama-2\"?" },
		{ "models:\n- name: gpt-4\n  provider: openai\n",
			"c.yaml:3:13: \"provider\": remote models are not supported by this version" },
		{ "temp: 1", "c.yaml:1:1: unknown key \"temp\"; did you mean \"temperature\"?" },
		{ "sampling: {ctx: 1}", "c.yaml:1:12: unknown key \"ctx\"; did you mean \"context\"?" },
		{ "mouse: off", "c.yaml:1:8: \"mouse\" must be true or false" },
		{ "systems: [x]", "c.yaml:1:10: \"systems\" must be a map of names and values" },
		{ "systems: {a: [x]}", "c.yaml:1:14: \"a\" must be a text" },
		{ "keys: {stopp: Esc}", "c.yaml:1:8: unknown action \"stopp\"; did you mean \"stop\"?" },
		{ "keys: {stop: [[x]]}", "c.yaml:1:15: \"stop\" must be a text" },
		{ "keys: {stop: Hyper-x}", "c.yaml:1:14: key \"Hyper-x\" of action \"stop\" is unknown; "
			"write it like Enter, C-p, M-Enter or F1" },
		{ "keys: {stop: C-p}", "c.yaml:1:14: key \"C-p\" of action \"stop\" already belongs to action \"palette\"; "
			"unbind that first, with palette: none" },
		{ "- a", "c.yaml:1:1: the file must be a map of names and values" },
		{ "text", "c.yaml:1:1: the file must be a map of names and values" },
		{ "a: b: c", "c.yaml:1:5: mapping values are not allowed in this context" },
		{ "model: x\n\ttheme: y", "c.yaml:2:1: YAML is indented with spaces, and here is a tab" },
		{ "# é\nkeys:\n\tstop: Esc\n", "c.yaml:3:1: YAML is indented with spaces, and here is a tab" },
		{ "models:\r\n  - name: x\r\n \tpath: y\n", "c.yaml:3:2: YAML is indented with spaces, and here is a tab" },
		{ "model: @\tx", "c.yaml:1:8: found character that cannot start any token" },
		{ "model: \"x", "c.yaml:1:10: found unexpected end of stream" },
		{ "model: \x01", "c.yaml:1:8: control characters are not allowed" },
		{ "model: \xff", "c.yaml:1:8: invalid leading UTF-8 octet" },
		{ "model: x\n---\nmodel: y", "c.yaml:2:1: a second document begins here; only one is read" },
		{ "model: &a x", "c.yaml:1:8: anchors (&name) are not supported" },
		{ "model: *a", "c.yaml:1:8: aliases (*name) are not supported" },
		{ "model: !!binary x", "c.yaml:1:8: tags (!name) are not supported; put the text in quotes" },
		{ "systems: {a: {b: {c: {d: {e: {f: {g: {h: i}}}}}}}}", "c.yaml:1:38: nested too deeply" },
		{ "models:\n- {name: 1, path: 2, kv: 3, x: 4}\nsystem: [5]\nq: 6\nthreads: 0.5\ncontext: 7\n",
			"c.yaml:2:26: kv cannot be \"3\": it must be f32, f16 or q8_0\n"
			"c.yaml:2:29: unknown key \"x\"; there are: name, path, template, sampling, provider, url, model, "
			"key_env, key_command, seed, max_tokens, context, threads, prompt_threads, kv\n"
			"c.yaml:3:9: \"system\" must be a text\n"
			"c.yaml:4:1: unknown key \"q\"; there are: model, system, theme, mouse, models, systems, keys, sampling, "
			"seed, max_tokens, context, threads, prompt_threads, kv\n"
			"c.yaml:5:10: threads cannot be \"0.5\": it must be 1..1024, or auto\n... and 1 more" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t n;

		if (config_parse("c.yaml", cases[i].yaml, strlen(cases[i].yaml), &e))
			fail_msg("no error: %s", cases[i].yaml);
		assert_int_equal(e.code, ERR_CONFIG);
		n = strlen(e.text);	/* an error has room for 511 bytes */
		if (strncmp(e.text, cases[i].text, n) != 0 || (n < strlen(cases[i].text) && n < sizeof e.text - 1))
			fail_msg("%s\nbecame: %s\nnot:    %s", cases[i].yaml, e.text, cases[i].text);
	}
}

static void
config__error__is_fit_for_a_terminal(void **state)
{
	static const char yaml[] = "\"a\\e[31m\\nb\\x9b\": 1";

	assert_null(config_parse("c.yaml", yaml, sizeof yaml - 1, &e));
	for (const char *s = e.text; *s; s++)
		assert_true((unsigned char)*s >= ' ');
	assert_null(strstr(e.text, "\xc2\x9b"));
}

static void
config__keys__can_change_places(void **state)
{
	struct config *c = parse("keys: {stop: C-c, interrupt: Esc, help: , sessions: none, palette: C-o}");
	struct keymap *keys = config_keymap(c, &e);

	assert_non_null(keys);
	assert_string_equal(keymap_keys(keys, ACTION_STOP), "Ctrl-C");
	assert_string_equal(keymap_keys(keys, ACTION_INTERRUPT), "Esc");
	assert_string_equal(keymap_keys(keys, ACTION_HELP), "");
	assert_string_equal(keymap_keys(keys, ACTION_SESSIONS), "");
	assert_string_equal(keymap_keys(keys, ACTION_PALETTE), "Ctrl-O");
	keymap_free(keys);
	config_free(c);
}

static void
config__load__reads_the_usual_file_and_does_without(void **state)
{
	char *path = xasprintf("%s/.config/hum/config.yaml", home);
	static const char yaml[] = "models:\n- {name: a, path: m/a.gguf}\n- {name: b, path: /b.gguf}\n";
	struct config *c = config_load(NULL, &e);
	char *model;

	assert_non_null(c);
	assert_false(c->exists);
	assert_string_equal(c->path, path);
	config_free(c);
	scratch_write(path, yaml, sizeof yaml - 1);
	c = config_load(NULL, &e);
	assert_non_null(c);
	assert_true(c->exists);
	model = xasprintf("%s/.config/hum/m/a.gguf", home);
	assert_string_equal(c->models[0].path, model);
	assert_string_equal(c->models[1].path, "/b.gguf");
	config_free(c);
	scratch_write(path, "x", 1);
	assert_null(config_load(NULL, &e));
	assert_string_equal(e.text, "~/.config/hum/config.yaml:1:1: the file must be a map of names and values");
	unlink(path);
	mkdir(path, 0700);
	assert_null(config_load(path, &e));
	assert_string_equal(e.text, "cannot read ~/.config/hum/config.yaml: Is a directory");
	assert_null(config_load("/dev/zero", &e));
	assert_string_equal(e.text, "/dev/zero is longer than 1 MiB");
	free(model);
	free(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(config__full_example__is_understood),
		TEST(config__empty__is_no_error),
		TEST(config__error__names_place_and_remedy),
		TEST(config__error__is_fit_for_a_terminal),
		TEST(config__keys__can_change_places),
		TEST(config__load__reads_the_usual_file_and_does_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
