#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/strbuf.h"
#include "base/xalloc.h"
#include "ui/osc52.h"

static void
osc52__add__is_one_sequence(void **state)
{
	struct strbuf out = STRBUF_INIT;

	osc52_add(&out, "foobar", 6, false);
	assert_string_equal(out.s, "\033]52;c;Zm9vYmFy\033\\");
	strbuf_release(&out);
}

static void
osc52__add__comes_in_pieces_for_screen(void **state)
{
	struct strbuf out = STRBUF_INIT, joined = STRBUF_INIT;
	char *text = xcalloc(1, 3000);

	osc52_add(&out, text, 3000, true);
	for (const char *s = out.s, *end; *s; s = end + 2) {
		assert_memory_equal(s, "\033P", 2);
		end = strstr(s, "\033\\");
		assert_non_null(end);
		assert_true(end + 2 - s <= 768);
		strbuf_add(&joined, s + 2, (size_t)(end - s - 2));
	}
	assert_int_equal(joined.len, 7 + 4000 + 1);
	assert_memory_equal(joined.s, "\033]52;c;AAAA", 11);
	assert_string_equal(joined.s + joined.len - 5, "AAAA\a");
	free(text);
	strbuf_release(&joined);
	strbuf_release(&out);
}

static void
osc52__suits__terminals_that_understand_it_or_keep_still(void **state)
{
	assert_true(osc52_suits("xterm-256color"));
	assert_true(osc52_suits("screen"));
	assert_true(osc52_suits("st-256color"));
	assert_true(osc52_suits("vte-256color"));
	assert_false(osc52_suits("linux"));
	assert_false(osc52_suits("dumb"));
	assert_false(osc52_suits("vt100"));
	assert_false(osc52_suits(""));
	assert_false(osc52_suits(NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(osc52__add__is_one_sequence),
		cmocka_unit_test(osc52__add__comes_in_pieces_for_screen),
		cmocka_unit_test(osc52__suits__terminals_that_understand_it_or_keep_still),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
