/* Models in several files. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/xalloc.h"
#include "engine/model.h"
#include "tests/engine/tiny_model.h"

/* ---- split sets ------------------------------------------------------------------------------ */

struct split {
	char *dir, *part[3];
};

static void
split_make(struct split *s, const struct tiny_model *t)
{
	const char *dir = getenv("TMPDIR");

	s->dir = xasprintf("%s/hum-split-XXXXXX", dir && *dir ? dir : "/tmp");
	assert_non_null(mkdtemp(s->dir));
	s->part[0] = tiny_model_split(t, s->dir, 3);
	for (unsigned i = 1; i < 3; i++)
		s->part[i] = xasprintf("%s/tiny-%05u-of-00003.gguf", s->dir, i + 1);
}

static void
split_remove(struct split *s)
{
	for (int i = 0; i < 3; i++) {
		unlink(s->part[i]);
		free(s->part[i]);
	}
	rmdir(s->dir);
	free(s->dir);
}

static void
expect_open_refused(const char *path, const char *message)
{
	struct err e = { ERR_NONE, "" };
	struct gguf *g = gguf_open(path, &e);

	if (g || e.code != ERR_MODEL || !strstr(e.text, message))
		fail_msg("%s: %s, should say: %s", path, g ? "was accepted" : e.text, message);
}

static void
model__split__is_the_same_model(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_Q5_0);
	const struct gguf_tensor *x, *y;
	uint64_t size = 0;
	struct tiny_loaded l;
	struct split s;
	struct gguf *g;
	struct model *m;
	struct stat st;

	tiny_load(&l, &t);
	split_make(&s, &t);
	g = gguf_open(s.part[0], &l.e);
	if (!g)
		fail_msg("%s", l.e.text);
	m = model_new(g, &l.e);
	if (!m)
		fail_msg("%s", l.e.text);
	assert_int_equal(m->n_params, l.m->n_params);
	assert_int_equal(gguf_n_tensors(g), gguf_n_tensors(l.g));
	for (size_t i = 0; i < gguf_n_tensors(g); i++) {
		x = gguf_tensor(g, i);
		y = gguf_find(l.g, x->name);
		assert_int_equal(x->size, y->size);
		assert_memory_equal(x->data, y->data, x->size);
		assert_true(gguf_owns_address(g, x->data) &&
			    gguf_owns_address(g, x->data + x->size - 1));
	}
	for (int i = 0; i < 3; i++) {
		assert_int_equal(stat(s.part[i], &st), 0);
		size += (uint64_t)st.st_size;
	}
	assert_int_equal(gguf_file_size(g), size);
	model_free(m);
	gguf_free(g);
	split_remove(&s);
	tiny_unload(&l);
}

static void
model__split__says_what_is_wrong_with_the_set(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_Q8_0);
	struct split s;
	char *other;

	split_make(&s, &t);
	expect_open_refused(
		s.part[1], "this is part 2 of 3 of a model; with all parts in one directory, open tiny-00001-of-00003.gguf");
	other = xasprintf("%s/renamed.gguf", s.dir);
	assert_int_equal(rename(s.part[2], other), 0);
	expect_open_refused(
		s.part[0], "tiny-00003-of-00003.gguf: part 3 of 3 of the model is missing");
	expect_open_refused(other, "this is part 3 of 3 of a model; with all parts in one directory, open the first");
	assert_int_equal(link(s.part[1], s.part[2]), 0);
	expect_open_refused(s.part[0],
		"tiny-00003-of-00003.gguf: this is part 2 of 3, not the part that its name says");
	assert_int_equal(rename(other, s.part[2]), 0);
	assert_int_equal(truncate(s.part[2], 1000), 0);
	expect_open_refused(s.part[0], "tiny-00003-of-00003.gguf: the file is cut short");
	assert_int_equal(rename(s.part[0], other), 0);
	expect_open_refused(other, "named NAME-00001-of-00003.gguf");
	unlink(other);
	free(other);
	split_remove(&s);
}

/* Parts of two models with the same names: the tables disagree. */
static void
model__split__refuses_parts_of_another_set(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_Q8_0);
	struct split s, longer;

	split_make(&s, &t);
	t.n_layer = 3;
	split_make(&longer, &t);
	assert_int_equal(rename(longer.part[2], s.part[2]), 0);
	expect_open_refused(s.part[0], "tensors together and should have 21");
	assert_int_equal(rename(longer.part[0], s.part[2]), 0);
	expect_open_refused(s.part[0], "this is part 1 of 3, not the part");
	split_remove(&s);
	split_remove(&longer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(model__split__is_the_same_model),
		cmocka_unit_test(model__split__says_what_is_wrong_with_the_set),
		cmocka_unit_test(model__split__refuses_parts_of_another_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
