#include "config.h"

#include "tests/app/cmocka_all.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/chat/session.h"
#include "app/cli/conversation_json.h"
#include "app/cli/input.h"
#include "app/cli/messages.h"
#include "app/cli/output.h"
#include "app/cli/table.h"
#include "app/cli/tool.h"

/* ---- output and tables, read back from a pipe ---- */

static int pipe_fd[2];

static int
setup(void **state)
{
	return pipe(pipe_fd);
}

static int
teardown(void **state)
{
	close(pipe_fd[0]);
	return 0;
}

/* What was written; ends the output. */
static const char *
written(struct output *o)
{
	static char text[4096];
	ssize_t n;

	assert_int_equal(output_end(o, 0), 0);
	n = read(pipe_fd[0], text, sizeof text - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static void
table__print__columns_as_wide_as_their_widest_cell(void **state)
{
	static const struct table_column columns[] = {
		{ "NAME", false }, { "N", true }, { "LAST", false },
	};
	struct output o;
	struct table t;

	output_init(&o, pipe_fd[1]);
	table_init(&t, columns, 3);
	table_cell(&t, "漢字");
	table_cellf(&t, "%d", 12345);
	table_cell(&t, "x");
	table_cell(&t, "a");
	table_cell(&t, "1");
	table_cell(&t, NULL);
	table_print(&t, &o);
	table_release(&t);
	assert_string_equal(written(&o), "NAME      N  LAST\n"
					 "漢字  12345  x\n"
					 "a         1  -\n");
}

/* Of a terminal's width; a column that would be cut to a stump is left out. */
static void
table__print__keeps_to_the_width(void **state)
{
	static const struct table_column columns[] = {
		{ "N", true }, { "TITLE", false }, { "FROM", false },
	};
	static const struct {
		size_t cols;
		const char *text;
	} cases[] = {
		{ 0, "N  TITLE              FROM\n7  Why is 漢字 blue?  models folder\n" },
		{ 34, "N  TITLE              FROM\n7  Why is 漢字 blue?  models fold…\n" },
		{ 30, "N  TITLE\n7  Why is 漢字 blue?\n" },
		{ 15, "N  TITLE\n7  Why is 漢字…\n" },
		{ 13, "N  TITLE\n7  Why is 漢…\n" },
		{ 12, "N\n7\n" },
		{ 1, "N\n7\n" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct output o;
		struct table t;

		if (i)
			assert_int_equal(setup(NULL), 0);
		output_init(&o, pipe_fd[1]);
		o.cols = cases[i].cols;
		table_init(&t, columns, 3);
		table_cell(&t, "7");
		table_cell(&t, "Why is 漢字 blue?");
		table_cell(&t, "models folder");
		table_print(&t, &o);
		table_release(&t);
		assert_string_equal(written(&o), cases[i].text);
		if (i + 1 < sizeof cases / sizeof *cases)
			teardown(NULL);
	}
}

static void
table__cell__is_one_safe_line(void **state)
{
	static const struct table_column columns[] = { { "A", false } };
	struct output o;
	struct table t;

	output_init(&o, pipe_fd[1]);
	table_init(&t, columns, 1);
	table_cell(&t, "one\ntwo\t\033[31m\xff");
	table_print(&t, &o);
	table_release(&t);
	assert_string_equal(written(&o), "A\none two ␛[31m�\n");
}

static void
output__text__as_it_is_without_a_terminal(void **state)
{
	struct output o;

	output_init(&o, pipe_fd[1]);
	assert_false(o.tty || o.color);
	output_style(&o, "1");
	output_text(&o, "\033[1m", 4);
	assert_string_equal(written(&o), "\033[1m");
}

static void
output__end__has_a_status_for_a_reader_that_is_gone(void **state)
{
	struct output o;

	output_init(&o, pipe_fd[1]);
	close(pipe_fd[0]);
	output_adds(&o, "x");
	assert_int_equal(output_flush(&o), -1);
	assert_int_equal(output_flush(&o), -1);		/* remembered */
	assert_int_equal(output_end(&o, 0), OUTPUT_UNREAD);
}

static void
output__end__keeps_an_earlier_status(void **state)
{
	struct output o;

	output_init(&o, pipe_fd[1]);
	close(pipe_fd[0]);
	output_adds(&o, "x");
	assert_int_equal(output_end(&o, ERR_FIT), ERR_FIT);
}

/* ---- sessions ---- */

static void
stored__in_another_file__is_no_failure(void **state)
{
	struct session s = { .moved = true };
	struct err e = { .code = ERR_STORE, .text = "it goes on in another file" };

	assert_int_equal(tool_stored(&s, -1, &e), 0);
	assert_false(s.moved);
	assert_int_equal(tool_stored(&s, -1, &e), -1);
	assert_int_equal(tool_stored(&s, 0, &e), 0);
}

/* ---- texts that go into a prompt ---- */

static void
repaired(const char *in, size_t len, const char *want, size_t bad)
{
	struct strbuf b = STRBUF_INIT;

	strbuf_add(&b, in, len);
	assert_int_equal(input_repair(&b), bad);
	assert_string_equal(b.s, want);
	assert_int_equal(b.len, strlen(want));
	strbuf_release(&b);
}

static void
input__repair__leaves_valid_text_alone(void **state)
{
	static const char text[] = "a \xef\xbf\xbd é 漢 😀";

	repaired(text, strlen(text), text, 0);
}

static void
input__repair__replaces_bytes_and_nul(void **state)
{
	repaired("\xff", 1, "\xef\xbf\xbd", 1);
	repaired("a\0b\xe2\x82", 5, "a\xef\xbf\xbd"
				    "b\xef\xbf\xbd\xef\xbf\xbd", 3);
}

/* ---- JSON ---- */

static int
import(const char *text, struct conversation *c, struct err *e)
{
	struct strbuf b = STRBUF_INIT;
	json_t *json;
	int rc = -1;

	strbuf_adds(&b, text);
	memset(e, 0, sizeof *e);
	json = json_parse("file", &b, true, e);
	if (json)
		rc = conversation_from_json(json, "file", c, e);
	json_decref(json);
	strbuf_release(&b);
	return rc;
}

static void
conversation_json__from__lists_of_other_programs(void **state)
{
	struct conversation c;
	struct err e;

	assert_int_equal(import("[{\"role\":\"system\",\"content\":\"S\"},"
				"{\"role\":\"user\",\"content\":\"a b\"},"
				"{\"role\":\"assistant\",\"content\":\"c\"}]", &c, &e), 0);
	assert_string_equal(c.system, "S");
	assert_string_equal(c.title, "a b");
	assert_int_equal(c.n, 2);
	assert_int_equal(c.messages[1]->parent, c.messages[0]->id);
	assert_int_equal(c.head, c.messages[1]->id);
	assert_int_equal(c.messages[1]->finish, FINISH_STOP);
	conversation_release(&c);
}

static void
conversation_json__to__leaves_out_what_was_deleted(void **state)
{
	struct conversation c, back;
	struct err e;
	json_t *json;

	assert_int_equal(import("{\"head\":4,\"messages\":["
				"{\"id\":1,\"role\":\"user\",\"text\":\"a\"},"
				"{\"id\":2,\"parent\":1,\"role\":\"assistant\",\"text\":\"b\"},"
				"{\"id\":3,\"parent\":2,\"role\":\"user\",\"text\":\"c\"},"
				"{\"id\":4,\"parent\":3,\"role\":\"assistant\",\"text\":\"d\"}]}",
				&c, &e), 0);
	conversation_delete(&c, 2);
	json = conversation_to_json(&c);
	assert_int_equal(conversation_from_json(json, "back", &back, &e), 0);
	assert_int_equal(back.n, 3);
	assert_null(conversation_find(&back, 2));
	assert_int_equal(conversation_find(&back, 3)->parent, 1);
	json_decref(json);
	conversation_release(&back);
	/* A file that only says what is deleted leaves the head where it was. */
	conversation_find(&c, 3)->deleted = conversation_find(&c, 4)->deleted = true;
	json = conversation_to_json(&c);
	assert_int_equal(conversation_from_json(json, "back", &back, &e), 0);
	assert_int_equal(back.n, 1);
	assert_int_equal(back.head, 1);
	json_decref(json);
	conversation_release(&c);
	conversation_release(&back);
}

static void
conversation_json__from__errors_say_where(void **state)
{
	struct conversation c;
	struct err e;

	assert_int_equal(import("[{\"role\":\"user\",\"text\":\"a\"},\n"
				"{\"role\":\"judge\",\"text\":\"b\"}]",
				&c, &e), -1);
	assert_int_equal(e.code, ERR_USAGE);
	assert_non_null(strstr(e.text, "message 2"));
	assert_non_null(strstr(e.text, "role"));
	assert_int_equal(import("[\n{\"role\":}]", &c, &e), -1);
	assert_non_null(strstr(e.text, "file:2:"));
	assert_int_equal(import("{\"messages\":[]}", &c, &e), -1);
	assert_int_equal(import("[{\"role\":\"user\",\"text\":\"a\",\"id\":1},"
				"{\"role\":\"user\",\"text\":\"a\",\"id\":1}]",
				&c, &e), -1);
	assert_non_null(strstr(e.text, "id"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(table__print__columns_as_wide_as_their_widest_cell,
			setup, teardown),
		cmocka_unit_test_setup_teardown(table__print__keeps_to_the_width, setup, teardown),
		cmocka_unit_test_setup_teardown(table__cell__is_one_safe_line, setup, teardown),
		cmocka_unit_test_setup_teardown(output__text__as_it_is_without_a_terminal, setup,
			teardown),
		cmocka_unit_test_setup(output__end__has_a_status_for_a_reader_that_is_gone, setup),
		cmocka_unit_test_setup(output__end__keeps_an_earlier_status, setup),
		cmocka_unit_test(stored__in_another_file__is_no_failure),
		cmocka_unit_test(input__repair__leaves_valid_text_alone),
		cmocka_unit_test(input__repair__replaces_bytes_and_nul),
		cmocka_unit_test(conversation_json__from__lists_of_other_programs),
		cmocka_unit_test(conversation_json__to__leaves_out_what_was_deleted),
		cmocka_unit_test(conversation_json__from__errors_say_where),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
