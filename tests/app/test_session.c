#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <sys/wait.h>
#include <signal.h>
#include <cmocka.h>

#include "app/chat/session.h"
#include "app/chat/session_file.h"
#include "base/utf8.h"
#include "tests/app/scratch.h"

static char *dir;
static struct err e;
static const struct sampling sampling = {
	.temperature = 0.6f, .top_p = 0.9f, .typical_p = 1, .repeat_penalty = 1, .top_k = 40,
};

static int
setup(void **state)
{
	dir = scratch_new();
	return 0;
}

static int
teardown(void **state)
{
	scratch_free(dir);
	return 0;
}

#define ok(call) \
	do { \
		e = (struct err){ 0 }; \
		if ((call) != 0) \
			fail_msg("%s: %s", #call, e.text); \
	} while (0)

static struct session *
load(const char *path)
{
	struct session *s = session_load(path, &e);

	if (!s)
		fail_msg("%s", e.text);
	return s;
}

/* Frees a session and loads it again. */
static struct session *
reload(struct session *s)
{
	char *path = xstrdup(session_path(s));

	session_free(s);
	s = load(path);
	free(path);
	return s;
}

static int
say(struct session *s, const char *user, const char *answer)
{
	struct message_stats stats = { 7, 412, 377, 8310, 210 };
	int id;

	ok(session_add_user(s, s->conv.head, user, &id, &e));
	if (!answer)
		return id;
	ok(session_begin_answer(s, id, "llama-2", 42, &sampling, &id, &e));
	ok(session_add_piece(s, id, answer, strlen(answer), &e));
	ok(session_end_answer(s, id, FINISH_STOP, &stats, &e));
	return id;
}

static void
assert_text(const struct session *s, int id, const char *text)
{
	const struct message *m = conversation_find(&s->conv, id);

	assert_non_null(m);
	assert_string_equal(m->text.s, text);
}

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
	say(s, "Hello", NULL);
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
	char id[37];
	int answer, edit;

	memcpy(id, s->conv.id, sizeof id);
	answer = say(s, "Which month is driest?\nAnd what should I pack?", "**June** and **July**");
	ok(session_set_title(s, "Trip to: \"Cusco\"", &e));
	ok(session_add_user(s, 0, "An edit", &edit, &e));
	ok(session_set_head(s, answer, &e));
	s = reload(s);
	assert_null(s->warning);
	assert_string_equal(s->conv.id, id);
	assert_string_equal(s->conv.title, "Trip to: \"Cusco\"");
	assert_int_equal(s->conv.n, 3);
	assert_int_equal(s->conv.head, answer);
	assert_text(s, answer, "**June** and **July**");
	assert_text(s, edit, "An edit");
	assert_int_equal(conversation_find(&s->conv, edit)->parent, 0);

	struct message *m = conversation_find(&s->conv, answer);
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
	assert_true(m->at_ms > 0 && m->at_ms >= s->conv.created_ms);
	session_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(session__file__comes_with_the_first_message, setup, teardown),
		cmocka_unit_test_setup_teardown(session__load__gives_back_all_there_was, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
