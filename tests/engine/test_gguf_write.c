/* The writer: what it writes is read back, and a file that is there is replaced whole or not at
 * all. */
#include "config.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/xalloc.h"
#include "engine/gguf_write.h"
#include "tests/engine/raw_gguf.h"

static void
fill_writer(struct gguf_writer *w)
{
	static const char *const strings[] = { "one", "", "drei" };
	static const uint8_t weights[36] = { 1, 2, 3 };
	static const float f[] = { 1.5f, -2 };
	static const int32_t i[] = { -1, 7 };

	gguf_writer_init(w);
	gguf_put_u16(w, "u16", 0xfffe);
	gguf_put_u32(w, "u32", 0xfffffffe);
	gguf_put_i32(w, "i32", 5);
	gguf_put_f32(w, "f32", 1.5f);
	gguf_put_bool(w, "yes", true);
	gguf_put_string(w, "string", "text");
	gguf_put_strings(w, "strings", strings, 3);
	gguf_put_f32s(w, "f32s", f, 2);
	gguf_put_i32s(w, "i32s", i, 2);
	gguf_put_tensor(w, "q4", QUANT_Q4_0, 32, 2, weights);
	gguf_put_tensor(w, "vector", QUANT_F32, 2, 0, f);
}

static void
check_written(const struct gguf *g)
{
	const struct gguf_tensor *t = gguf_find(g, "q4");
	struct gguf_array a;
	uint64_t u;
	double f;
	bool y;

	assert_true(gguf_get_u64(g, "u16", &u, NULL) == 1 && u == 0xfffe);
	assert_true(gguf_get_u64(g, "u32", &u, NULL) == 1 && u == 0xfffffffe);
	assert_true(gguf_get_u64(g, "i32", &u, NULL) == 1 && u == 5);
	assert_true(gguf_get_f64(g, "f32", &f, NULL) == 1 && f == 1.5);
	assert_true(gguf_get_bool(g, "yes", &y, NULL) == 1 && y);
	assert_true(gguf_get_array(g, "strings", &a, NULL) == 1 && a.n == 3);
	assert_memory_equal(gguf_array_string(&a, 2).s, "drei", 4);
	assert_true(gguf_get_array(g, "f32s", &a, NULL) == 1 && gguf_array_f32(&a, 1) == -2);
	assert_true(gguf_get_array(g, "i32s", &a, NULL) == 1 && gguf_array_i32(&a, 0) == -1);
	assert_true(t->n_dims == 2 && t->ne[0] == 32 && t->ne[1] == 2 && t->size == 36 &&
		    t->data[2] == 3);
	t = gguf_find(g, "vector");
	assert_true(t->n_dims == 1 && t->ne[0] == 2 && t->size == 8 && t->data[7] == 0xc0);
	assert_int_equal(gguf_n_tensors(g), 2);
}

static void
gguf_write__memory__reads_back(void **state)
{
	struct strbuf b = STRBUF_INIT;
	struct gguf_writer w;
	struct gguf *g;
	uint8_t *copy;
	struct err e;

	fill_writer(&w);
	gguf_write_memory(&w, &b);
	gguf_writer_release(&w);
	g = raw_parse(&b, &copy, &e);
	assert_non_null(g);
	check_written(g);
	gguf_free(g);
	free(copy);
	strbuf_release(&b);
}

static void
gguf_write__file__replaces_whole(void **state)
{
	char *dir = raw_temp_dir(), *path, *tmp;
	struct strbuf b = STRBUF_INIT;
	struct gguf_writer w;
	struct gguf *g;
	struct err e;

	strbuf_adds(&b, "what was there before");
	path = raw_write_temp(dir, "a.gguf", &b);
	tmp = xasprintf("%s.tmp", path);
	fill_writer(&w);
	assert_int_equal(gguf_write_file(&w, path, &e), 0);
	assert_int_not_equal(access(tmp, F_OK), 0);
	g = gguf_open(path, &e);
	assert_non_null(g);
	check_written(g);
	gguf_free(g);
	strbuf_reset(&b);
	gguf_write_memory(&w, &b);
	g = gguf_open(path, &e);
	assert_int_equal(gguf_file_size(g), b.len);
	gguf_free(g);
	gguf_writer_release(&w);
	remove(path);
	rmdir(dir);
	free(path);
	free(tmp);
	free(dir);
	strbuf_release(&b);
}

static void
gguf_write__file__reports_where_it_cannot(void **state)
{
	char *dir = raw_temp_dir(), *path = xasprintf("%s/no/such/a.gguf", dir), *tmp;
	struct gguf_writer w;
	struct err e;

	fill_writer(&w);
	assert_int_equal(gguf_write_file(&w, path, &e), -1);
	assert_int_equal(e.code, ERR_STORE);
	assert_non_null(strstr(e.text, "No such file"));
	assert_int_equal(gguf_write_file(&w, dir, &e), -1);
	assert_int_equal(e.code, ERR_STORE);
	assert_non_null(strstr(e.text, "directory"));
	tmp = xasprintf("%s.tmp", dir);
	assert_int_not_equal(access(tmp, F_OK), 0);
	gguf_writer_release(&w);
	rmdir(dir);
	free(tmp);
	free(path);
	free(dir);
}

/* As on a full disk: what was there stays, and nothing is left beside it. */
static void
gguf_write__file__keeps_the_old_one_when_writing_fails(void **state)
{
	char *dir = raw_temp_dir(), *path, *tmp;
	struct strbuf b = STRBUF_INIT;
	struct rlimit old, small;
	struct gguf_writer w;
	struct stat st;
	struct err e;

	strbuf_adds(&b, "what was there before");
	path = raw_write_temp(dir, "a.gguf", &b);
	tmp = xasprintf("%s.tmp", path);
	fill_writer(&w);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){ 100, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(gguf_write_file(&w, path, &e), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(e.code, ERR_STORE);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, b.len);
	assert_int_not_equal(access(tmp, F_OK), 0);
	gguf_writer_release(&w);
	remove(path);
	rmdir(dir);
	free(path);
	free(tmp);
	free(dir);
	strbuf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gguf_write__memory__reads_back),
		cmocka_unit_test(gguf_write__file__replaces_whole),
		cmocka_unit_test(gguf_write__file__reports_where_it_cannot),
		cmocka_unit_test(gguf_write__file__keeps_the_old_one_when_writing_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
