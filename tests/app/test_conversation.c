#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "app/chat/conversation.h"
#include "base/utf8.h"

/*
 *	1 ── 2 ── 3 ── 4
 *	     └─── 5 ── 6		5: an edit of 3
 *	          └─── 7		7: another answer to 5
 *	8 ── 9				8: an edit of 1
 */
static void
plant(struct conversation *c)
{
	static const int parents[] = { 0, 1, 2, 3, 2, 5, 5, 0, 8 };
	static const char roles[] = "uauauaaua";

	conversation_init(c);
	for (int i = 0; i < 9; i++)
		conversation_add(c, i + 1, parents[i], roles[i] == 'u' ? ROLE_USER : ROLE_ASSISTANT);
}

static void
assert_path(const struct conversation *c, const char *ids)
{
	struct message **path;
	size_t n = conversation_path(c, &path);

	assert_int_equal(n, strlen(ids));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(path[i]->id, ids[i] - '0');
	free(path);
}

static void
assert_siblings(const struct conversation *c, int id, const char *ids)
{
	size_t position, n;
	int *list;

	n = conversation_siblings(c, id, &list, &position);
	assert_int_equal(n, strlen(ids));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(list[i], ids[i] - '0');
	assert_int_equal(list[position], id);
	free(list);
}

static void
assert_ends(const struct conversation *c, const char *ids)
{
	struct conversation_end *ends;
	size_t n = conversation_ends(c, &ends);

	assert_int_equal(n, strlen(ids));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(ends[i].id, ids[i] - '0');
	free(ends);
}

static void
conversation__path__leads_from_the_root_to_the_head(void **state)
{
	struct conversation c;

	plant(&c);
	assert_path(&c, "");
	c.head = 4;
	assert_path(&c, "1234");
	c.head = 7;
	assert_path(&c, "1257");
	c.head = 8;
	assert_path(&c, "8");
	c.head = 99;
	assert_path(&c, "");
	conversation_release(&c);
}

static void
conversation__siblings__are_those_of_the_same_turn(void **state)
{
	struct conversation c;

	plant(&c);
	assert_siblings(&c, 1, "18");
	assert_siblings(&c, 5, "35");
	assert_siblings(&c, 7, "67");
	assert_siblings(&c, 9, "9");
	conversation_release(&c);
}

static void
conversation__leaf__is_the_newest_below(void **state)
{
	struct conversation c;

	plant(&c);
	assert_int_equal(conversation_leaf(&c, 1), 7);
	assert_int_equal(conversation_leaf(&c, 3), 4);
	assert_int_equal(conversation_leaf(&c, 8), 9);
	assert_int_equal(conversation_leaf(&c, 6), 6);
	conversation_delete(&c, 7);
	assert_int_equal(conversation_leaf(&c, 1), 6);
	conversation_release(&c);
}

static void
conversation__delete__moves_children_up(void **state)
{
	struct conversation c;

	plant(&c);
	c.head = 4;
	conversation_delete(&c, 2);
	assert_path(&c, "134");
	conversation_delete(&c, 3);
	assert_path(&c, "14");
	assert_siblings(&c, 4, "4");
	assert_siblings(&c, 5, "5");
	conversation_delete(&c, 5);
	assert_siblings(&c, 6, "467");		/* all answer 1 now */
	conversation_delete(&c, 5);
	assert_siblings(&c, 7, "467");
	conversation_release(&c);
}

static void
conversation__delete__of_the_head_shows_a_sibling_or_the_parent(void **state)
{
	struct conversation c;

	plant(&c);
	c.head = 7;
	conversation_delete(&c, 7);
	assert_int_equal(c.head, 6);
	conversation_delete(&c, 6);
	assert_int_equal(c.head, 5);
	conversation_delete(&c, 5);
	assert_int_equal(c.head, 4);		/* the newest below its sibling 3 */
	c.head = 9;
	conversation_delete(&c, 9);
	conversation_delete(&c, 8);
	assert_int_equal(c.head, 4);
	for (int id = 4; id; id--)
		conversation_delete(&c, id);
	assert_int_equal(c.head, 0);
	assert_path(&c, "");
	conversation_release(&c);
}

static void
conversation__add__keeps_the_order_of_ids(void **state)
{
	static const int ids[] = { 5, 1, 9, 3, 2, 8 };
	struct conversation c;

	conversation_init(&c);
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
		conversation_add(&c, ids[i], 0, ROLE_USER);
	for (size_t i = 1; i < c.n; i++)
		assert_true(c.messages[i - 1]->id < c.messages[i]->id);
	assert_int_equal(conversation_find(&c, 8)->id, 8);
	assert_null(conversation_find(&c, 4));
	conversation_release(&c);
}

static void
conversation__move__takes_all_below_along(void **state)
{
	struct conversation c;

	plant(&c);
	conversation_move(&c, conversation_find(&c, 5), 0);
	assert_siblings(&c, 5, "158");
	assert_siblings(&c, 3, "3");
	c.head = 7;
	assert_path(&c, "57");
	conversation_move(&c, conversation_find(&c, 9), 4);
	assert_siblings(&c, 9, "9");
	assert_int_equal(conversation_leaf(&c, 1), 9);
	conversation_release(&c);
}

static void
conversation__siblings__of_a_deep_pile_of_deleted_ones(void **state)
{
	struct conversation c;
	size_t position, n;
	int *list;

	conversation_init(&c);
	for (int id = 1; id <= 300000; id++) {
		conversation_add(&c, id, id - 1, ROLE_USER)->deleted = id % 100000 != 0;
		c.head = id;
	}
	n = conversation_siblings(&c, 100000, &list, &position);
	assert_int_equal(n, 1);
	assert_int_equal(list[0], 100000);
	free(list);
	conversation_release(&c);
}

static void
conversation__title_from__is_one_short_line(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ " \n\t ", "" },
		{ "Hello", "Hello" },
		{ "\n\n  Hello,\t you  \nsecond line", "Hello, you" },
		{ "# **Trip** to `Cusco`", "Trip to Cusco" },
		{ "what does my_var_name and don't mean", "what does my_var_name and don't mean" },
		{ "2 * 3 > 5", "2 3 5" },
		{ "Which month of the year is the driest in Cusco, and what should I pack?",
			"Which month of the year is the driest in Cusco\xe2\x80\xa6" },
		{ "a\x1b[31mb\x07", "a [31mb" },
		{ "a\xc2\x9b" "b", "a\xef\xbf\xbd" "b" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *title = conversation_title_from(cases[i][0]);

		assert_string_equal(title, cases[i][1]);
		free(title);
	}
}

static void
conversation__title_from__cuts_long_words_and_wide_ones(void **state)
{
	struct strbuf text = STRBUF_INIT;
	char *title;

	for (int i = 0; i < 100; i++)
		strbuf_adds(&text, "\xe4\xb8\x96");
	title = conversation_title_from(text.s);
	assert_true(utf8_valid(title, strlen(title)));
	assert_in_range(utf8_width(title, strlen(title)), 40, 48);
	free(title);
	strbuf_release(&text);
}

static void
finish__parse__is_undone_by_name(void **state)
{
	enum finish f;

	for (int i = FINISH_OPEN; i <= FINISH_ERROR; i++) {
		assert_int_equal(finish_parse(finish_name((enum finish)i), &f), 0);
		assert_int_equal(f, i);
	}
	assert_int_equal(finish_parse("stopp", &f), -1);
}

static void
conversation__ends__are_all_that_nothing_follows(void **state)
{
	struct conversation c;
	struct conversation_end *ends;

	plant(&c);
	assert_ends(&c, "9764");
	assert_int_equal(conversation_ends(&c, &ends), 4);
	assert_int_equal(ends[1].question, 5);
	assert_int_equal(ends[1].messages, 4);
	assert_int_equal(ends[0].question, 8);
	assert_int_equal(ends[0].messages, 2);
	free(ends);
	/* What is deleted neither is an end nor hides one. */
	conversation_delete(&c, 9);
	conversation_delete(&c, 5);
	conversation_delete(&c, 4);
	assert_ends(&c, "8763");
	conversation_release(&c);
	conversation_init(&c);
	assert_ends(&c, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conversation__path__leads_from_the_root_to_the_head),
		cmocka_unit_test(conversation__siblings__are_those_of_the_same_turn),
		cmocka_unit_test(conversation__leaf__is_the_newest_below),
		cmocka_unit_test(conversation__delete__moves_children_up),
		cmocka_unit_test(conversation__delete__of_the_head_shows_a_sibling_or_the_parent),
		cmocka_unit_test(conversation__add__keeps_the_order_of_ids),
		cmocka_unit_test(conversation__move__takes_all_below_along),
		cmocka_unit_test(conversation__siblings__of_a_deep_pile_of_deleted_ones),
		cmocka_unit_test(conversation__title_from__is_one_short_line),
		cmocka_unit_test(conversation__title_from__cuts_long_words_and_wide_ones),
		cmocka_unit_test(finish__parse__is_undone_by_name),
		cmocka_unit_test(conversation__ends__are_all_that_nothing_follows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
