/*
 * A model whose allocations fail, each in turn: sizes come from the file, so that must be an error
 * for the user and no end of the program. malloc and calloc are replaced by the linker (--wrap).
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/engine/tiny_model.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);

static long countdown = -1;	/* allocations until the one that fails; negative: none does */

static int
fails_now(void)
{
	return countdown >= 0 && countdown-- == 0;
}

void *
__wrap_malloc(size_t n)
{
	return fails_now() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails_now() ? NULL : __real_calloc(n, size);
}

/* Opens the model with allocation number `n` failing. True when there was none of that number. */
static int
open_with_failure(const struct strbuf *file, long n)
{
	struct err e = { ERR_NONE, "" };
	struct model *m = NULL;
	struct gguf *g;
	int reached;

	countdown = n;
	g = gguf_parse((const uint8_t *)file->s, file->len, &e);
	if (g)
		m = model_new(g, &e);
	reached = countdown < 0;
	countdown = -1;
	if (reached && (m || e.code != ERR_MODEL || !strstr(e.text, "not enough memory")))
		fail_msg("allocation %ld: %s", n, m ? "nobody noticed" : e.text);
	assert_true(reached || m);
	model_free(m);
	gguf_free(g);
	return !reached;
}

static void
model__new__reports_each_failed_allocation(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_Q4_0);
	struct strbuf file = STRBUF_INIT;
	long n = 0;

	tiny_model_memory(&t, &file);
	while (!open_with_failure(&file, n))
		n++;
	assert_true(n >= 12);	/* three arrays of the vocabulary, and the tables */
	strbuf_release(&file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(model__new__reports_each_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
