#include "config.h"

#include "tests/app/cmocka_all.h"

#include "app/models/facts.h"
#include "app/models/guide.h"
#include "app/models/models.h"
#include "app/models/open.h"
#include "tests/app/home.h"

static struct err e;

static const struct model_entry *
entry(const struct model_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->items[i].name, name))
			return &l->items[i];
	return NULL;
}

static void
models__scan__only_the_guide_at_first(void **state)
{
	struct model_list l;

	model_list_scan(&l, NULL);
	assert_int_equal(l.n, 1);
	assert_string_equal(l.items[0].name, "guide");
	assert_null(l.items[0].path);
	assert_int_equal(l.items[0].size, guide_size());
	model_list_release(&l);
}

static void
models__scan__finds_files_where_programs_keep_them(void **state)
{
	static const struct {
		const char *file, *name, *origin;
	} cases[] = {
		{ ".local/share/hum/models/a.Q4_0.gguf", "a.Q4_0", "models folder" },
		{ "here.gguf", "here", "this folder" },
		{ ".lmstudio/models/who/repo/b.gguf", "b", "LM Studio" },
		{ ".cache/lm-studio/models/who/repo/b2.gguf", "b2", "LM Studio" },
		{ ".cache/llama.cpp/c.gguf", "c", "llama.cpp" },
		{ ".cache/huggingface/hub/models--x--y/snapshots/0123/d.GGUF", "d", "Hugging Face" },
		{ ".local/share/hum/models/e.gguf/e.Q8_0.gguf", "e.Q8_0", "models folder" },
		{ ".lmstudio/models/who/f-GGUF.gguf/f.gguf", "f", "LM Studio" },
		{ ".cache/llama.cpp/big-00001-of-00003.gguf", "big", "llama.cpp" },
	};
	static const char *const ignored[] = {
		".cache/llama.cpp/big-00002-of-00003.gguf",
		".cache/llama.cpp/lone-00002-of-00003.gguf",
		".cache/huggingface/hub/models--x--y/snapshots/0123/model.safetensors",
		"notes.bin",
		"whole-00001-of-00002.gguf.txt",
		".cache/llama.cpp/mmproj-c.gguf",
		".cache/llama.cpp/readme.txt",
		".cache/llama.cpp/.hidden.gguf",
	};
	struct model_list l;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		home_write(cases[i].file, "x");
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		home_write(ignored[i], "x");
	model_list_scan(&l, NULL);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct model_entry *m = entry(&l, cases[i].name);

		assert_non_null(m);
		assert_string_equal(m->origin, cases[i].origin);
		assert_int_equal(m->size, 1);
	}
	assert_int_equal(l.n, sizeof cases / sizeof *cases + 1);
	model_list_release(&l);
}

/* llama.cpp and Hugging Face follow it, and a variable of their own goes before it. */
static void
models__scan__follows_the_cache_folder(void **state)
{
	char *cache = home_path("cache"), *own = home_path("own");
	struct model_list l;

	home_write("cache/llama.cpp/a.gguf", "x");
	home_write("cache/huggingface/hub/models--x--y/snapshots/0123/b.gguf", "x");
	home_write("cache/lm-studio/models/who/repo/c.gguf", "x");
	home_write(".cache/llama.cpp/d.gguf", "x");
	home_write("own/e.gguf", "x");
	setenv("XDG_CACHE_HOME", cache, 1);
	model_list_scan(&l, NULL);
	assert_non_null(entry(&l, "a"));
	assert_non_null(entry(&l, "b"));
	assert_non_null(entry(&l, "c"));
	assert_int_equal(l.n, 4);
	model_list_release(&l);

	setenv("LLAMA_CACHE", own, 1);
	model_list_scan(&l, NULL);
	assert_non_null(entry(&l, "e"));
	assert_null(entry(&l, "a"));
	model_list_release(&l);
	unsetenv("LLAMA_CACHE");

	setenv("XDG_CACHE_HOME", "cache", 1);	/* not from the root: as if it were not set */
	model_list_scan(&l, NULL);
	assert_non_null(entry(&l, "d"));
	assert_int_equal(l.n, 2);
	model_list_release(&l);
	free(own);
	free(cache);
}

/* Where the user puts models by hand, a file that is none is not passed over in silence. */
static void
models__scan__lists_what_is_taken_for_a_model(void **state)
{
	static const char *const suspects[] = {
		"model.safetensors", "pytorch_model-00001-of-00002.bin", "consolidated.00.pth", "ggml-model-q4_0.bin",
		"lone-00002-of-00003.gguf", "big.gguf-split-a", "big2.gguf.part1of2", "coming.gguf.part",
	};
	static const char *const ignored[] = {
		"pytorch_model-00002-of-00002.bin", "big.gguf-split-b", "whole-00002-of-00002.gguf", "firmware.bin",
		"checkpoint.pth",
	};
	const struct model_entry *m;
	struct model_list l;

	home_write("whole-00001-of-00002.gguf", "x");
	for (size_t i = 0; i < sizeof suspects / sizeof *suspects; i++)
		home_write(suspects[i], "x");
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		home_write(ignored[i], "x");
	model_list_scan(&l, NULL);
	for (size_t i = 0; i < sizeof suspects / sizeof *suspects; i++) {
		m = entry(&l, suspects[i]);
		assert_non_null(m);
		assert_true(m->suspect);
	}
	assert_int_equal(l.n, sizeof suspects / sizeof *suspects + 2);
	assert_null(model_list_find(&l, "safetens", &e));	/* a part of a name means models only */
	m = model_list_find(&l, "whole", &e);
	assert_non_null(m);
	assert_false(m->suspect);
	model_list_release(&l);
}

/* Hugging Face's snapshots are links, and a folder may be linked into itself. */
static void
models__scan__links_are_listed_once_and_end(void **state)
{
	struct model_list l;
	char *to;

	home_write("blob", "x");
	to = home_path(".cache/huggingface/hub/models--x--y/snapshots/0123/m.gguf");
	assert_int_equal(symlink("../../../../../../blob", to), 0);
	free(to);
	to = home_path("m2.gguf");
	assert_int_equal(symlink("blob", to), 0);
	free(to);
	to = home_path(".cache/huggingface/hub/loop");
	assert_int_equal(symlink(".", to), 0);
	free(to);
	model_list_scan(&l, NULL);
	assert_int_equal(l.n, 2);
	model_list_release(&l);
}

/* A cache may hold thousands of data sets, and files that are no models; they hide none. */
static void
models__scan__passes_over_data_sets(void **state)
{
	static const char *const ignored[] = {
		"hub/datasets--x--y/snapshots/0123/a.gguf",
		"hub/models--x--y/blobs/b.gguf",
		"hub/models--x--y/c.gguf",
		"hub/d.gguf",
	};
	struct model_list l;
	char *dir;

	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		home_write(ignored[i], "x");
	for (unsigned i = 0; i < 2100; i++) {
		char name[64];

		snprintf(name, sizeof name, "hub/datasets--many--%u/", i);
		free(home_path(name));
	}
	home_write("hub/models--x--y/snapshots/0123/Q4_K_M/e-00001-of-00002.gguf", "x");
	home_write("disk/snapshots/4567/f.gguf", "x");
	dir = home_path("hub/models--x--linked");
	assert_int_equal(symlink("../disk", dir), 0);
	free(dir);

	setenv("HF_HOME", home, 1);
	model_list_scan(&l, NULL);
	assert_non_null(entry(&l, "e"));
	assert_non_null(entry(&l, "f"));
	assert_int_equal(l.n, 3);
	model_list_release(&l);
}

static void
models__find__config_goes_before_files(void **state)
{
	static const char yaml[] = "models:\n  - name: a\n    path: other/a-file.gguf\n    context: 77\n";
	struct config *config = config_parse("config.yaml", yaml, strlen(yaml), &e);
	const struct model_entry *m;
	struct settings top, s;
	struct model_list l;

	assert_non_null(config);
	home_write("a.gguf", "x");
	home_write("other/a-file.gguf", "xy");
	model_list_scan(&l, config);
	m = model_list_find(&l, "a", &e);
	assert_non_null(m);
	assert_string_equal(m->origin, "config");
	settings_init(&top);
	model_settings(config, m, &top, 0, &s);
	assert_int_equal(s.context, 77);
	model_list_release(&l);
	config_free(config);
}

static void
models__find__by_part_path_and_not_at_all(void **state)
{
	const struct model_entry *m;
	struct model_list l;
	char *path, *ref;

	home_write(".local/share/hum/models/llama-2-7b-chat.Q4_0.gguf", "x");
	home_write(".local/share/hum/models/llama-2-13b-chat.Q4_0.gguf", "x");
	home_write("elsewhere/extra.gguf", "x");
	model_list_scan(&l, NULL);

	m = model_list_find(&l, "13B", &e);
	assert_non_null(m);
	assert_string_equal(m->name, "llama-2-13b-chat.Q4_0");
	ref = model_ref(&l, m);
	assert_string_equal(ref, m->name);
	free(ref);

	assert_null(model_list_find(&l, "llama", &e));
	assert_non_null(strstr(e.text, "more than one"));
	assert_null(model_list_find(&l, "gudie", &e));
	assert_non_null(strstr(e.text, "did you mean guide"));
	assert_int_equal(e.code, ERR_MODEL);
	assert_null(model_list_find(&l, "", &e));
	assert_null(model_list_find(&l, "no/such.gguf", &e));
	assert_non_null(strstr(e.text, "No such file"));

	m = model_list_find(&l, "elsewhere/extra.gguf", &e);
	assert_non_null(m);
	path = home_path("elsewhere/extra.gguf");
	ref = model_ref(&l, m);
	assert_string_equal(ref, m->path);
	assert_true(ref[0] == '/');		/* found again from any folder */
	assert_non_null(strstr(ref, "elsewhere/extra.gguf"));
	free(ref);
	free(path);
	model_list_release(&l);
}

/* A word without a slash is a path only where a file is called so. */
static void
models__find__a_name_before_a_folder_and_with_suffix(void **state)
{
	const struct model_entry *m;
	struct model_list l;

	home_write(".local/share/hum/models/vicuna-7b.gguf", "x");
	home_write(".local/share/hum/models/vicuna-7b-16k.gguf", "x");
	home_write(".local/share/hum/models/nested-7b-00001-of-00002.gguf", "x");
	home_write("nested/notes", "x");
	home_write("bare/notes", "x");
	home_write("plain", "x");
	model_list_scan(&l, NULL);

	m = model_list_find(&l, "vicuna-7b.gguf", &e);
	assert_non_null(m);
	assert_string_equal(m->name, "vicuna-7b");
	m = model_list_find(&l, "nested-7b-00001-of-00002.gguf", &e);
	assert_non_null(m);
	assert_string_equal(m->name, "nested-7b");
	m = model_list_find(&l, "16K.gguf", &e);
	assert_non_null(m);
	assert_string_equal(m->name, "vicuna-7b-16k");
	m = model_list_find(&l, "nested", &e);
	assert_non_null(m);
	assert_string_equal(m->name, "nested-7b");

	m = model_list_find(&l, "plain", &e);
	assert_non_null(m);
	assert_string_equal(m->origin, "file");
	m = model_list_find(&l, "bare", &e);		/* opening it says that it is a folder */
	assert_non_null(m);
	assert_string_equal(m->origin, "file");

	assert_null(model_list_find(&l, "vicunna-7b.gguf", &e));
	assert_non_null(strstr(e.text, "did you mean vicuna-7b?"));
	assert_null(model_list_find(&l, "zephyr-beta.gguf", &e));
	assert_non_null(strstr(e.text, "No such file"));
	assert_null(model_list_find(&l, ".gguf", &e));
	model_list_release(&l);
}

/* Hugging Face's files are links to ones that are named after hashes. */
static void
models__find__a_link_keeps_its_name(void **state)
{
	char *link = home_path("store/vicuna-7b.gguf"), *again = home_path("again.gguf"), *ref;
	const struct model_entry *m;
	struct model_list l;
	size_t n;

	home_write("blobs/0123abcd", "x");
	assert_int_equal(symlink("../blobs/0123abcd", link), 0);
	model_list_scan(&l, NULL);
	m = model_list_find(&l, "store/vicuna-7b.gguf", &e);
	assert_non_null(m);
	assert_string_equal(m->name, "vicuna-7b");
	ref = model_ref(&l, m);
	assert_true(ref[0] == '/');
	assert_non_null(strstr(ref, "/store/vicuna-7b.gguf"));
	n = l.n;
	assert_ptr_equal(model_list_find(&l, ref, &e), m);
	assert_int_equal(l.n, n);
	free(ref);
	model_list_release(&l);

	/* The same file, listed under another path. */
	assert_int_equal(symlink("blobs/0123abcd", again), 0);
	model_list_scan(&l, NULL);
	n = l.n;
	m = model_list_find(&l, link, &e);
	assert_non_null(m);
	assert_string_equal(m->name, "again");
	assert_int_equal(l.n, n);
	model_list_release(&l);
	free(again);
	free(link);
}

static void
models__name_of_path__without_suffix_and_part(void **state)
{
	static const char *const cases[][2] = {
		{ "/a/b/model.Q4_0.gguf", "model.Q4_0" },
		{ "x-00001-of-00003.gguf", "x" },
		{ "plain", "plain" },
		{ "-00001-of-00003.gguf", "-00001-of-00003" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *name = model_name_of_path(cases[i][0]);

		assert_string_equal(name, cases[i][1]);
		free(name);
	}
}

static void
facts__guide__fits_and_a_text_is_refused(void **state)
{
	const struct model_entry guide = { .name = (char[]){ "guide" } };
	const struct model_entry text = { .name = (char[]){ "text" }, .path = (char[]){ "text.gguf" } };
	struct settings top;
	struct model_facts f;

	settings_init(&top);
	model_facts_get(&f, &guide, NULL, &top, 0);
	assert_non_null(f.llm);
	assert_int_equal(f.context, llm_get_info(f.llm)->n_ctx_train);
	assert_true(f.memory > guide_size());
	assert_int_equal(f.fit, FIT_YES);
	assert_non_null(strstr(f.parameters, " M"));
	model_facts_release(&f);

	home_write("text.gguf", "no model at all");
	model_facts_get(&f, &text, NULL, &top, 0);
	assert_null(f.llm);
	assert_non_null(strstr(f.err.text, "text.gguf: this is not a GGUF file"));
	model_facts_release(&f);
}

static void
open__guide__is_a_model(void **state)
{
	struct llm *m = model_open(NULL, NULL, &e);
	const struct llm_info *info;

	assert_non_null(m);
	info = llm_get_info(m);
	assert_string_equal(info->arch, "llama");
	assert_string_equal(info->template_name, "llama-2");
	assert_int_equal(info->file_size, guide_size());
	assert_int_equal(model_context(info, 0), info->n_ctx_train);
	assert_int_equal(model_context(info, 99), 99);
	model_close(m);
	model_close(NULL);
}

static void
open__refuses__what_is_no_file(void **state)
{
	char *fifo = home_path("pipe.gguf");

	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_null(model_open(home, NULL, &e));
	assert_non_null(strstr(e.text, "folder"));
	assert_null(model_open(fifo, NULL, &e));	/* and does not wait for a writer */
	assert_non_null(strstr(e.text, "not a regular file"));
	assert_int_equal(e.code, ERR_MODEL);
	free(fifo);
}

static void
open__memory__larger_than_the_machine_is_refused(void **state)
{
	struct llm_info info = { .name = "huge", .file_size = (uint64_t)1 << 50,
		.kv_bytes_per_token = { 4096, 2048, 1024 } };

	assert_int_equal(model_check_memory(&info, 4096, KV_F16, &e), -1);
	assert_int_equal(e.code, ERR_MODEL);
	assert_non_null(strstr(e.text, "huge needs 1126 TB"));
	info.file_size = 1000;
	assert_int_equal(model_check_memory(&info, 16, KV_F16, &e), 0);
	info.kv_bytes_per_token[KV_F32] = UINT64_MAX / 2;
	assert_int_equal(model_check_memory(&info, 4096, KV_F32, &e), -1);
}

static void
open__format_bytes__three_figures(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = { { 0, "0 B" }, { 999, "999 B" }, { 1000, "1.0 kB" }, { 6190336, "6.2 MB" }, { 12345678, "12 MB" },
		{ 999600, "1.0 MB" }, { 4081004224, "4.1 GB" } };
	char out[16];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		format_bytes(cases[i].bytes, out);
		assert_string_equal(out, cases[i].text);
	}
	format_bytes(UINT64_MAX, out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, home_setup, home_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(models__scan__only_the_guide_at_first),
		TEST(models__scan__finds_files_where_programs_keep_them),
		TEST(models__scan__follows_the_cache_folder),
		TEST(models__scan__lists_what_is_taken_for_a_model),
		TEST(models__scan__links_are_listed_once_and_end),
		TEST(models__scan__passes_over_data_sets),
		TEST(models__find__config_goes_before_files),
		TEST(models__find__by_part_path_and_not_at_all),
		TEST(models__find__a_name_before_a_folder_and_with_suffix),
		TEST(models__find__a_link_keeps_its_name),
		TEST(models__name_of_path__without_suffix_and_part),
		TEST(facts__guide__fits_and_a_text_is_refused),
		TEST(open__guide__is_a_model),
		TEST(open__refuses__what_is_no_file),
		TEST(open__memory__larger_than_the_machine_is_refused),
		TEST(open__format_bytes__three_figures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
