#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/base64.h"
#include "base/strbuf.h"

static void
encodes(const void *bytes, size_t n, const char *expected)
{
	struct strbuf out = STRBUF_INIT;

	strbuf_adds(&out, "before ");
	base64_add(&out, bytes, n);
	assert_memory_equal(out.s, "before ", 7);
	assert_string_equal(out.s + 7, expected);
	strbuf_release(&out);
}

static void
base64__add__gives_the_vectors_of_rfc_4648(void **state)
{
	static const char *const vectors[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
	};

	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
		encodes(vectors[i][0], strlen(vectors[i][0]), vectors[i][1]);
}

static void
base64__add__takes_any_byte(void **state)
{
	encodes("\xff\xfe\0\x14\xfb\x9c", 6, "//4AFPuc");
	encodes("\0", 1, "AA==");
	encodes("\xfb\xff", 2, "+/8=");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64__add__gives_the_vectors_of_rfc_4648),
		cmocka_unit_test(base64__add__takes_any_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
