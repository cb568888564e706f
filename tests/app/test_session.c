#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/app/sessions.h"

static void
session__file__comes_with_the_first_message(void **state)
{
	struct session *s = session_new(dir);
	struct stat st;

	ok(session_set_system(s, "Be brief.", &e));
	ok(session_set_model(s, "llama-2", &e));
	assert_null(session_path(s));
	assert_int_equal(session_due_ms(s), -1);
	ok(session_flush(s, &e));
	assert_null(session_path(s));
	ask(s, "Hello");
	assert_non_null(session_path(s));
	assert_int_equal(stat(session_path(s), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	s = reload(s);
	assert_null(s->warning);
	assert_false(s->read_only);
	assert_string_equal(s->conv.system, "Be brief.");
	assert_string_equal(s->conv.model, "llama-2");
	assert_string_equal(s->conv.title, "Hello");
	assert_text(s, 1, "Hello");
	session_free(s);
}

static void
session__load__gives_back_all_there_was(void **state)
{
	struct session *s = session_new(dir);
	int reply, edit, question;
	struct message *m;
	char id[37];

	memcpy(id, s->conv.id, sizeof id);
	question = ask(s, "Which month is driest?\nAnd what should I pack?");
	reply = answer(s, "**June** and **July**");
	ok(session_set_title(s, "Trip to: \"Cusco\"", &e));
	ok(session_add_user(s, 0, "An edit", &edit, &e));
	ok(session_set_head(s, reply, &e));
	s = reload(s);
	assert_null(s->warning);
	assert_string_equal(s->conv.id, id);
	assert_string_equal(s->conv.title, "Trip to: \"Cusco\"");
	assert_int_equal(s->conv.n, 3);
	assert_int_equal(s->conv.head, reply);
	assert_text(s, question, "Which month is driest?\nAnd what should I pack?");
	assert_text(s, edit, "An edit");
	assert_int_equal(conversation_find(&s->conv, edit)->parent, 0);
	m = conversation_find(&s->conv, reply);
	assert_string_equal(m->text.s, "**June** and **July**");
	assert_int_equal(m->role, ROLE_ASSISTANT);
	assert_int_equal(m->finish, FINISH_STOP);
	assert_int_equal(m->seed, 42);
	assert_memory_equal(&m->sampling, &sampling, sizeof sampling);
	assert_string_equal(m->model, "llama-2");
	assert_int_equal(m->stats.answer_tokens, 7);
	assert_int_equal(m->stats.prompt_tokens, 412);
	assert_int_equal(m->stats.cached_tokens, 377);
	assert_int_equal(m->stats.ms, 8310);
	assert_int_equal(m->stats.first_token_ms, 210);
	assert_true(m->at_ms >= s->conv.created_ms && s->conv.created_ms > 0);
	session_free(s);
}

static void
session__load__goes_on_where_it_was(void **state)
{
	struct session *s = session_new(dir);

	ask(s, "one");
	for (int i = 2; i <= 20; i++) {
		s = reload(s);
		assert_null(s->warning);
		assert_int_equal(s->conv.n, i - 1);
		assert_int_equal(s->conv.head, i - 1);
		assert_int_equal(i % 2 ? ask(s, "q") : answer(s, "a"), i);
	}
	session_free(s);
}

static void
session__pieces__reach_the_file_within_100_ms(void **state)
{
	struct session *s = session_new(dir), *reader;
	int id;

	ask(s, "hello");
	id = begin_answer(s);
	assert_int_equal(session_due_ms(s), -1);
	ok(session_add_piece(s, id, "Hel", 3, &e));
	assert_in_range(session_due_ms(s), 1, 100);
	ok(session_add_piece(s, id, "lo", 2, &e));
	while (session_due_ms(s) > 0)
		;
	ok(session_tick(s, &e));
	assert_int_equal(session_due_ms(s), -1);
	reader = load(session_path(s));
	assert_true(reader->read_only);
	assert_string_equal(reader->warning, "another program has it open");
	assert_text(reader, id, "Hello");
	assert_int_equal(conversation_find(&reader->conv, id)->finish, FINISH_OPEN);
	session_free(reader);

	ok(session_add_piece(s, id, " you", 4, &e));
	ok(session_end_answer(s, id, FINISH_LENGTH, NULL, &e));
	s = reload(s);
	assert_text(s, id, "Hello you");
	assert_int_equal(conversation_find(&s->conv, id)->finish, FINISH_LENGTH);
	session_free(s);
}

static void
session__answer__can_be_reopened(void **state)
{
	struct session *s = session_new(dir);
	int id;

	ask(s, "count");
	id = answer(s, "one, two");
	ok(session_reopen_answer(s, id, &e));
	s = reload(s);
	assert_int_equal(conversation_find(&s->conv, id)->finish, FINISH_OPEN);
	ok(session_reopen_answer(s, id, &e));
	ok(session_add_piece(s, id, ", three", 7, &e));
	ok(session_end_answer(s, id, FINISH_CANCELLED, NULL, &e));
	s = reload(s);
	assert_text(s, id, "one, two, three");
	assert_int_equal(conversation_find(&s->conv, id)->finish, FINISH_CANCELLED);
	session_free(s);
}

static void
session__delete__is_remembered_with_the_head(void **state)
{
	struct session *s = session_new(dir);
	struct message **path;
	int first, second;

	ask(s, "q");
	first = answer(s, "a");
	ok(session_set_head(s, 1, &e));
	second = answer(s, "b");
	ok(session_delete_message(s, second, &e));
	assert_int_equal(s->conv.head, first);
	s = reload(s);
	assert_int_equal(s->conv.head, first);
	assert_true(conversation_find(&s->conv, second)->deleted);
	assert_text(s, second, "b");
	ok(session_delete_message(s, 1, &e));
	s = reload(s);
	assert_int_equal(conversation_path(&s->conv, &path), 1);
	assert_int_equal(path[0]->id, first);
	free(path);
	session_free(s);
}

static void
session__set__writes_only_what_changes(void **state)
{
	struct session *s = session_new(dir);
	struct stat before, after;

	ask(s, "q");
	ok(session_set_model(s, "m", &e));
	ok(session_set_system(s, "be brief\n", &e));
	stat(session_path(s), &before);
	ok(session_set_model(s, "m", &e));
	ok(session_set_system(s, "be brief\n", &e));
	ok(session_set_title(s, s->conv.title, &e));
	ok(session_set_head(s, s->conv.head, &e));
	stat(session_path(s), &after);
	assert_int_equal(before.st_size, after.st_size);
	ok(session_set_system(s, NULL, &e));
	ok(session_set_title(s, "", &e));
	s = reload(s);
	assert_null(s->conv.system);
	assert_null(s->conv.title);
	assert_string_equal(s->conv.model, "m");
	session_free(s);
}

static void
session__text__is_repaired_before_it_is_kept(void **state)
{
	struct session *s = session_new(dir);
	int id = ask(s, "a\xff" "b");

	assert_text(s, id, "a\xef\xbf\xbd" "b");
	id = answer(s, "\xc3");
	s = reload(s);
	assert_null(s->warning);
	assert_text(s, id, "\xef\xbf\xbd");
	session_free(s);
}

static void
session__no_save__never_touches_the_disk(void **state)
{
	struct session *s = session_new(NULL);

	ok(session_set_system(s, "x", &e));
	ask(s, "q");
	answer(s, "a");
	ok(session_flush(s, &e));
	assert_null(session_path(s));
	assert_int_equal(session_due_ms(s), -1);
	assert_int_equal(s->conv.n, 2);
	assert_string_equal(s->conv.title, "q");
	session_free(s);
}

static void
session__title__waits_for_words(void **state)
{
	struct session *s = session_new(dir);

	ask(s, "\n");
	assert_null(s->conv.title);
	ask(s, "Where to?");
	assert_string_equal(s->conv.title, "Where to?");
	session_free(s);
}

static void
session__second_writer__may_only_read(void **state)
{
	struct session *s = session_new(dir), *second;
	struct strbuf before = STRBUF_INIT;
	int id;

	ask(s, "q");
	answer(s, "a");
	scratch_read(session_path(s), &before);
	second = load(session_path(s));
	assert_true(second->read_only);
	assert_int_equal(session_add_user(second, 2, "x", &id, &e), -1);
	assert_int_equal(e.code, ERR_STORE);
	assert_string_equal(e.text, "this session is read-only: another program has it open");
	assert_int_equal(session_set_title(second, "x", &e), -1);
	assert_int_equal(session_delete_message(second, 1, &e), -1);
	assert_int_equal(session_begin_answer(second, 1, "m", 1, &sampling, &id, &e), -1);
	assert_int_equal(session_reopen_answer(second, 2, &e), -1);
	assert_int_equal(session_add_piece(second, 2, "x", 1, &e), -1);
	assert_int_equal(session_end_answer(second, 2, FINISH_STOP, NULL, &e), -1);
	assert_int_equal(second->conv.n, 2);
	ok(session_set_head(second, 1, &e));
	assert_int_equal(session_due_ms(second), -1);
	session_free(second);
	assert_file(session_path(s), before.s);
	s = reload(s);
	assert_false(s->read_only);
	session_free(s);
	strbuf_release(&before);
}

static void
session__newer_version__is_refused_and_untouched(void **state)
{
	static const char text[] = "---\nhum: 2\nsession: x\n...\n--- {something: new}\n...\ntorn";
	char *path = put_file("n.yaml", text), *want;

	assert_null(session_load(path, &e));
	assert_int_equal(e.code, ERR_STORE);
	want = xasprintf("%s was written by a newer version of hum (format 2, this one knows 1); it was not touched", path);
	assert_string_equal(e.text, want);
	assert_file(path, text);
	free(want);
	free(path);
}

static void
session__load__refuses_what_is_no_session(void **state)
{
	static const char *const texts[] = {
		"", "\n", "hello", "--- {piece: 1}\n...\n", "hum: 1\nsession: x\n", "---\nhum: x\nsession: y\n...\n",
		"---\nhum: 0\nsession: y\n...\n", "---\nhum: 1\n...\n", "\x7f\x45LF\n...\n", "{\n...\n",
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		char *path = put_file("f.yaml", texts[i]), *want = xasprintf("%s is no session of hum", path);

		assert_null(session_load(path, &e));
		assert_string_equal(e.text, want);
		assert_file(path, texts[i]);
		free(want);
		free(path);
	}
	assert_null(session_load(dir, &e));
	assert_null(session_load("/does/not/exist.yaml", &e));
	assert_string_equal(e.text, "cannot open /does/not/exist.yaml: No such file or directory");
}

static void
session__hand_edited__loses_only_what_is_wrong(void **state)
{
	static const struct {
		const char *events, *warning;
		size_t n;
		int head;
	} cases[] = {
		{ USER(1, 0, "q"), NULL, 1, 1 },
		{ "# my notes\n\n" USER(1, 0, "q") "# more\n", NULL, 1, 1 },
		{ USER(1, 0, "q") USER(1, 0, "again"), "line 12: a second message 1 is ignored", 1, 1 },
		{ USER(5, 0, "q") USER(3, 0, "q"), NULL, 2, 3 },
		{ USER(5, 9, "q"), "line 6: message 5 cannot answer message 9; it is taken as a first one", 1, 5 },
		{ USER(5, 5, "q"), "line 6: message 5 cannot answer message 5; it is taken as a first one", 1, 5 },
		{ USER(5, 4, "q"), "message 5 answers message 4, which is not there; it is taken as a first one", 1, 5 },
		{ USER(9, 5, "q") USER(5, 0, "q"), NULL, 2, 5 },
		{ USER(x, 0, "q"), "line 7: cannot understand \"message\"; this event is ignored", 0, 0 },
		{ USER(1, 0, "q") ANSWER(2, 1) "--- {done: 2, finish: stop, ms: x}\n...\n",
			"line 17: cannot understand \"ms\"; it is left out", 2, 2 },
		{ USER(1, 0, "[1]"), "line 10: cannot understand \"text\"; this event is ignored", 0, 0 },
		{ USER(1, 0, "q\n\tb: c: d"), "line 11: YAML is indented with spaces, and here is a tab; this event is ignored", 0, 0 },
		{ "--- {vote: 1}\n...\n" USER(1, 0, "q") "--- {pin: 1}\n...\n", "2 events of an unknown kind ignored", 1, 1 },
		{ USER(1, 0, "q") "--- {head: 7}\n...\n", "line 12: the head 7 is not there", 1, 1 },
		{ USER(1, 0, "q") "--- {head: 0}\n...\n", NULL, 1, 0 },
		{ USER(1, 0, "q") "--- {piece: 1, text: a}\n...\n",
			"line 12: a piece of message 1, which is no answer, is ignored", 1, 1 },
		{ ANSWER(1, 0) "--- {piece: 2, text: \"a\"}\n...\n",
			"line 11: a piece of message 2, which is not there, is ignored", 1, 1 },
		{ ANSWER(1, 0) "--- {done: 2, finish: stop}\n...\n",
			"line 11: the end of message 2, which is not there, is ignored", 1, 1 },
		{ ANSWER(1, 0) "--- {reopen: 2}\n...\n",
			"line 11: the reopening of message 2, which is not there, is ignored", 1, 1 },
		{ ANSWER(1, 0) "--- {delete: 2}\n...\n",
			"line 11: message 2, which is not there, cannot be deleted", 1, 1 },
		{ HEADER USER(1, 0, "q"), "line 6: a second header is ignored", 1, 1 },
		{ "---\n\"\n...\n---\n{\n...\n--- {piece: [1]}\n...\n--- &a b\n...\n--- {head: x}\n...\n" USER(1, 0, "q"),
			"line 8: found unexpected document indicator; this event is ignored; "
			"line 11: did not find expected node content; this event is ignored; "
			"line 12: cannot understand \"piece\"; this event is ignored; and 2 more like these", 1, 1 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *text = xasprintf("%s%s", HEADER, cases[i].events), *path = put_file("h.yaml", text);
		struct session *s = load(path);

		if (!cases[i].warning && s->warning)
			fail_msg("%s: %s", cases[i].events, s->warning);
		else if (cases[i].warning)
			assert_string_equal(s->warning ? s->warning : "", cases[i].warning);
		assert_int_equal(s->conv.n, cases[i].n);
		assert_int_equal(s->conv.head, cases[i].head);
		assert_false(s->read_only);
		session_free(s);
		assert_file(path, text);
		free(path);
		free(text);
	}
}

static void
session__header_with_a_wrong_time__is_read(void **state)
{
	char *path = put_file("h.yaml", "---\nhum: 1\nsession: x\nat: then\n...\n" USER(1, 0, "q"));
	struct session *s = load(path);

	assert_string_equal(s->warning, "line 4: cannot understand \"at\"; it is left out");
	assert_text(s, 1, "q");
	session_free(s);
	free(path);
}

static void
session__file_without_last_newline__is_gone_on_with(void **state)
{
	char *path = put_file("h.yaml", HEADER "# note"), *want;
	struct session *s = load(path);

	ok(session_set_title(s, "t", &e));
	session_free(s);
	assert_file(path, HEADER "# note\n--- {title: \"t\"}\n...\n");
	s = load(path);
	assert_null(s->warning);
	assert_string_equal(s->conv.title, "t");
	session_free(s);
	want = put_file("h.yaml", "---\nhum: 1\nsession: x/../y\n...");
	s = load(path);
	assert_string_equal(s->warning, "line 1: the session's id is not valid; it gets another one");
	assert_int_equal(strlen(s->conv.id), 36);
	ok(session_set_title(s, "t", &e));
	session_free(s);
	assert_file(path, "---\nhum: 1\nsession: x/../y\n...\n--- {title: \"t\"}\n...\n");
	free(want);
	free(path);
}

static void
session__look__neither_locks_nor_repairs(void **state)
{
	char *path = put_file("h.yaml", HEADER USER(1, 0, "q") "--- {tit");
	struct session *looked = session_look(path, &e), *s;
	int id;

	assert_non_null(looked);
	assert_true(looked->read_only);
	assert_string_equal(looked->warning, "the end (8 bytes) is torn and left out");
	assert_text(looked, 1, "q");
	assert_int_equal(session_add_user(looked, 1, "x", &id, &e), -1);
	assert_file(path, HEADER USER(1, 0, "q") "--- {tit");
	s = load(path);
	assert_false(s->read_only);
	assert_int_equal(s->torn, 8);
	session_free(looked);
	ask(s, "goes on");
	session_free(s);
	free(path);
}

static void
session__import__is_a_session_of_its_own(void **state)
{
	struct session *s = session_new(NULL), *copy;
	char *file, *below;

	ok(session_set_system(s, "Be brief.", &e));
	ask(s, "q");
	answer(s, " a\n\n");
	copy = session_import(dir, &s->conv, &e);
	assert_non_null(copy);
	assert_int_equal(s->conv.n, 0);
	copy = reload(copy);
	assert_null(copy->warning);
	assert_string_equal(copy->conv.system, "Be brief.");
	assert_text(copy, 2, " a\n\n");
	assert_int_equal(conversation_find(&copy->conv, 2)->finish, FINISH_STOP);
	file = put_file("f", "");
	below = xasprintf("%s/f/g", dir);
	assert_null(session_import(below, &copy->conv, &e));
	assert_int_equal(e.code, ERR_STORE);
	free(below);
	free(file);
	session_free(copy);
	session_free(s);
}

static void
session__numbers_used_up__is_an_error(void **state)
{
	char *path = put_file("h.yaml", HEADER USER(1000000000, 0, "q"));
	struct session *s = load(path);
	int id;

	assert_int_equal(s->conv.head, 1000000000);
	assert_int_equal(session_add_user(s, 0, "x", &id, &e), -1);
	assert_int_equal(e.code, ERR_STORE);
	session_free(s);
	free(path);
}

static void
session__begin_anew__when_no_message_is_left(void **state)
{
	struct session *s = session_new(dir);
	char *old_id, *left;

	ok(session_set_system(s, "Be brief.", &e));
	ask(s, "much too long");
	old_id = xstrdup(s->conv.id);
	assert_null(session_begin_anew(s));
	ok(session_delete_message(s, 1, &e));
	left = session_begin_anew(s);
	assert_non_null(strstr(left, old_id));
	assert_null(session_path(s));
	assert_null(s->conv.title);
	assert_string_not_equal(s->conv.id, old_id);
	assert_int_equal(session_due_ms(s), -1);
	assert_int_equal(unlink(left), 0);
	free(left);
	free(old_id);
	ask(s, "short");
	s = reload(s);
	assert_text(s, 1, "short");
	assert_string_equal(s->conv.system, "Be brief.");
	assert_string_equal(s->conv.title, "short");
	session_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(session__file__comes_with_the_first_message),
		TEST(session__load__gives_back_all_there_was),
		TEST(session__load__goes_on_where_it_was),
		TEST(session__pieces__reach_the_file_within_100_ms),
		TEST(session__answer__can_be_reopened),
		TEST(session__delete__is_remembered_with_the_head),
		TEST(session__begin_anew__when_no_message_is_left),
		TEST(session__set__writes_only_what_changes),
		TEST(session__text__is_repaired_before_it_is_kept),
		TEST(session__no_save__never_touches_the_disk),
		TEST(session__title__waits_for_words),
		TEST(session__second_writer__may_only_read),
		TEST(session__newer_version__is_refused_and_untouched),
		TEST(session__load__refuses_what_is_no_session),
		TEST(session__hand_edited__loses_only_what_is_wrong),
		TEST(session__header_with_a_wrong_time__is_read),
		TEST(session__file_without_last_newline__is_gone_on_with),
		TEST(session__look__neither_locks_nor_repairs),
		TEST(session__import__is_a_session_of_its_own),
		TEST(session__numbers_used_up__is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
