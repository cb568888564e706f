#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ui/transcript_entry.h"

static void
transcript__add__copies_and_scrubs(void **state)
{
	struct transcript *t = transcript_new();
	char text[] = "a\033[31mb\r\nc";

	assert_int_equal(transcript_add(t, ENTRY_USER, "y\nou", text), 0);
	memset(text, 'x', sizeof text - 1);
	assert_string_equal(t->items[0].text.s, "a\xe2\x90\x9b[31mb\nc");
	assert_string_equal(t->items[0].label, "y ou");
	assert_string_equal(t->items[0].footer, "");
	transcript_set_footer(t, 0, "14 tok/s\n\x07");
	assert_string_equal(t->items[0].footer, "14 tok/s \xe2\x90\x87");
	transcript_free(t);
}

static void
transcript__append__is_the_same_in_pieces(void **state)
{
	static const char text[] = "one\r\ntwo\rthree\r\r\nfour\n\xe4\xb8\x96\r\n";
	struct transcript *t = transcript_new();

	transcript_add(t, ENTRY_ASSISTANT, "", text);
	for (size_t step = 1; step < 5; step++) {
		size_t e = transcript_add(t, ENTRY_ASSISTANT, "", "");

		for (size_t i = 0; i < sizeof text - 1;) {
			size_t n = sizeof text - 1 - i < step ? sizeof text - 1 - i : step;

			while (i + n < sizeof text - 1 && (text[i + n] & 0xc0) == 0x80)
				n++;		/* whole characters */
			transcript_append(t, e, text + i, n);
			i += n;
		}
		assert_string_equal(t->items[e].text.s, t->items[0].text.s);
	}
	assert_string_equal(
		t->items[0].text.s, "one\ntwo\xe2\x90\x8dthree\xe2\x90\x8d\nfour\n\xe4\xb8\x96\n");
	transcript_free(t);
}

static void
transcript__insert_and_remove__keep_the_others(void **state)
{
	struct transcript *t = transcript_new();
	uint64_t id;

	transcript_add(t, ENTRY_USER, "", "a");
	transcript_add(t, ENTRY_USER, "", "c");
	id = t->items[1].id;
	transcript_insert(t, 1, ENTRY_DIVIDER, "", "b");
	assert_int_equal(transcript_count(t), 3);
	assert_string_equal(t->items[1].text.s, "b");
	assert_true(t->items[2].id == id);
	transcript_remove(t, 0);
	assert_string_equal(t->items[0].text.s, "b");
	assert_true(t->items[1].id == id);
	transcript_truncate(t, 1);
	assert_int_equal(transcript_count(t), 1);
	transcript_truncate(t, 5);
	assert_int_equal(transcript_count(t), 1);
	transcript_insert(t, 1, ENTRY_USER, "", "end");
	assert_true(t->items[1].id > id);	/* ids are never used again */
	transcript_set_text(t, 0, "new");
	assert_string_equal(t->items[0].text.s, "new");
	transcript_clear(t);
	assert_int_equal(transcript_count(t), 0);
	transcript_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transcript__add__copies_and_scrubs),
		cmocka_unit_test(transcript__append__is_the_same_in_pieces),
		cmocka_unit_test(transcript__insert_and_remove__keep_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
