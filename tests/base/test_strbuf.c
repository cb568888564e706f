#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/strbuf.h"

static void
strbuf__add__keeps_bytes_and_terminates(void **state)
{
	struct strbuf b = STRBUF_INIT;

	assert_string_equal(b.s, "");
	strbuf_add(&b, "a\0b", 3);
	strbuf_addf(&b, "-%d-%s", 42, "x");
	assert_int_equal(b.len, 8);
	assert_memory_equal(b.s, "a\0b-42-x", 9);
	strbuf_remove(&b, 1, 3);
	assert_string_equal(b.s, "a42-x");
	strbuf_release(&b);
	assert_string_equal(b.s, "");
}

static void
strbuf__detach__gives_a_heap_string_also_when_empty(void **state)
{
	struct strbuf b = STRBUF_INIT;
	char *s = strbuf_detach(&b);

	assert_string_equal(s, "");
	free(s);
	strbuf_adds(&b, "kept");
	s = strbuf_detach(&b);
	assert_string_equal(s, "kept");
	assert_int_equal(b.len, 0);
	free(s);
}

static void
err__set__cuts_at_a_character(void **state)
{
	char longer[2000];
	struct err e;

	for (size_t i = 0; i + 2 < sizeof longer; i += 2)
		memcpy(longer + i, "\xc3\xa9", 3);
	assert_int_equal(err_set(&e, ERR_MODEL, "x%s", longer), -1);
	assert_int_equal(strlen(e.text) % 2, 1);
	err_prefix(&e, "file");
	assert_memory_equal(e.text, "file: x\xc3\xa9", 9);
	assert_int_equal(e.code, ERR_MODEL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strbuf__add__keeps_bytes_and_terminates),
		cmocka_unit_test(strbuf__detach__gives_a_heap_string_also_when_empty),
		cmocka_unit_test(err__set__cuts_at_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
