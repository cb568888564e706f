#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/said.h"

static const int32_t ids[] = { 1, 2, 3, 4, 5, 6, 7, 8 };

/* The first of the ids found, or 0. */
static int
first(struct said *s, size_t place, const char *text, size_t n)
{
	size_t got = 0;
	const int32_t *found = said_find(s, place, text, &got);

	if (found)
		assert_int_equal(got, n);
	return found ? found[0] : 0;
}

static void
said__find__by_exact_text(void **state)
{
	struct said s = { .max_ids = 8 };

	said_add(&s, 1, "hello", ids, 2);
	assert_int_equal(first(&s, 1, "hello", 2), 1);
	assert_int_equal(first(&s, 7, "hello", 2), 1);
	assert_int_equal(first(&s, 1, "hell", 0), 0);
	assert_int_equal(first(&s, 1, "hello ", 0), 0);
	assert_int_equal(first(&s, 1, "", 0), 0);
	said_release(&s);
	assert_int_equal(first(&s, 1, "hello", 0), 0);
	said_release(&s);
}

/* The same word twice in a conversation, written in other tokens. */
static void
said__find__at_its_place_else_the_one_last_used(void **state)
{
	struct said s = { .max_ids = 8 };

	said_add(&s, 1, "yes", ids, 2);
	said_add(&s, 3, "yes", ids + 2, 1);
	assert_int_equal(first(&s, 1, "yes", 2), 1);
	assert_int_equal(first(&s, 5, "yes", 2), 1);
	assert_int_equal(first(&s, 3, "yes", 1), 3);
	assert_int_equal(first(&s, 5, "yes", 1), 3);
	said_add(&s, 1, "yes", ids + 4, 3);
	assert_int_equal(first(&s, 1, "yes", 3), 5);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.n_ids, 4);
	said_release(&s);
}

static void
said__add__what_was_not_used_for_longest_leaves(void **state)
{
	struct said s = { .max_ids = 8 };

	said_add(&s, 1, "a", ids, 3);
	said_add(&s, 3, "b", ids + 1, 3);
	said_add(&s, 5, "c", ids + 2, 2);
	assert_int_equal(first(&s, 1, "a", 3), 1);
	said_add(&s, 7, "d", ids + 3, 1);
	assert_int_equal(first(&s, 3, "b", 0), 0);
	assert_int_equal(first(&s, 1, "a", 3), 1);
	assert_int_equal(first(&s, 5, "c", 2), 3);
	assert_int_equal(first(&s, 7, "d", 1), 4);
	said_add(&s, 9, "all", ids, 8);
	assert_int_equal(s.n, 1);
	assert_int_equal(first(&s, 9, "all", 8), 1);
	said_release(&s);
}

static void
said__add__keeps_no_more_than_it_may(void **state)
{
	struct said s = { .max_ids = 7 };

	said_add(&s, 1, "a", ids, 8);
	said_add(&s, 1, "b", ids, 0);
	assert_int_equal(s.n, 0);
	said_release(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(said__find__by_exact_text),
		cmocka_unit_test(said__find__at_its_place_else_the_one_last_used),
		cmocka_unit_test(said__add__what_was_not_used_for_longest_leaves),
		cmocka_unit_test(said__add__keeps_no_more_than_it_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
