/* Chats: begun, left, opened again, deleted, and what is going on then. */
#include "config.h"

#include "tests/app/cmocka_all.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/app/chat_test.h"

static void
new__while_generating__keeps_what_was_said(void **state)
{
	char *path;
	struct strbuf text = STRBUF_INIT;

	start();
	rig_line(&r, "hello");
	scripted_say(&r.backend, "Half");
	rig_turn(&r);
	path = xstrdup(session_path(r.c.session));
	rig_line(&r, "/new Second chat");
	rig_shows(&r, "Second chat");
	rig_hides(&r, "Half");
	scratch_read(path, &text);
	assert_non_null(strstr(text.s, "Half"));
	assert_non_null(strstr(text.s, "cancelled"));
	scripted_say(&r.backend, "stray");	/* of the answer that was given up */
	rig_turn(&r);
	rig_hides(&r, "stray");
	strbuf_release(&text);
	free(path);
}

static void
resume__by_title__shows_the_chat_and_its_model(void **state)
{
	home_write("other.gguf", "x");
	start();
	rig_line(&r, "/model other");
	exchange("Trip to Cusco", "Take warm clothes.");
	rig_line(&r, "/new");
	rig_line(&r, "/model guide");
	assert_string_equal(r.c.model.name, "guide");
	rig_hides(&r, "warm clothes");
	rig_line(&r, "/resume cusco");
	rig_shows(&r, "Trip to Cusco");
	rig_shows(&r, "Take warm clothes.");
	assert_string_equal(r.c.model.name, "other");
	rig_line(&r, "/resume nothing-like-it");
	rig_shows(&r, "nothing-like-it");
	rig_shows(&r, "Take warm clothes.");
}

static void
resume__after_a_crash__offers_to_go_on(void **state)
{
	char *copy = home_path("copy.yaml"), *file;

	start();
	rig_line(&r, "a question");
	scripted_say(&r.backend, "The beginning of");
	rig_turn(&r);
	rig_settle(&r);
	file = rig_file(&r);		/* what kill -9 would leave */
	scratch_write(copy, file, strlen(file));
	free(file);
	rig_release(&r);

	rig_init(&r, NULL, NULL);
	rig_start(&r, copy, NULL);
	rig_shows(&r, "a question");
	rig_shows(&r, "The beginning of");
	rig_shows(&r, "interrupted");
	rig_shows(&r, "/continue goes on");
	rig_line(&r, "/continue");
	assert_true(r.backend.reply->unfinished);
	scripted_say(&r.backend, " the end.");
	scripted_done(&r.backend, LLM_STOP);
	rig_turn(&r);
	rig_shows(&r, "The beginning of the end.");
	rig_file_has(&r, "the end.");
	free(copy);
}

static void
delete__asks__and_moves_to_trash(void **state)
{
	char *path;

	start();
	exchange("to be deleted", "ok");
	path = xstrdup(session_path(r.c.session));
	rig_line(&r, "/delete");
	rig_shows(&r, "Delete \"to be deleted\"?");
	rig_keys(&r, "n");
	assert_int_equal(access(path, F_OK), 0);
	rig_line(&r, "/delete");
	rig_keys(&r, "y");
	assert_int_equal(access(path, F_OK), -1);
	rig_shows(&r, "new chat");
	rig_shows(&r, "To bring it back: hum sessions undelete 0");
	free(path);
}

static void
sessions__picker__opens_another(void **state)
{
	start();
	exchange("alpha question", "alpha answer");
	rig_line(&r, "/new");
	exchange("beta question", "beta answer");
	rig_keys(&r, "\017");		/* Ctrl-O */
	rig_shows(&r, "alpha question");
	rig_keys(&r, "alpha");
	rig_keys(&r, "\r");
	rig_shows(&r, "alpha answer");
	rig_hides(&r, "beta answer");
}

static void
sessions__picker__stays_for_more_after_a_delete(void **state)
{
	start();
	exchange("alpha question", "alpha answer");
	rig_line(&r, "/new");
	exchange("beta question", "beta answer");
	rig_keys(&r, "\017alpha");
	rig_keys(&r, "\004");		/* Ctrl-D */
	rig_shows(&r, "Delete \"alpha question\"?");
	rig_keys(&r, "y");
	rig_shows(&r, "Chats");
	rig_hides(&r, "alpha question");
	rig_keys(&r, "\004");
	rig_keys(&r, "n");
	rig_shows(&r, "Chats");
	rig_keys(&r, "\033");
	rig_shows(&r, "beta answer");
	rig_line(&r, "/delete");	/* which no list asked for */
	rig_keys(&r, "n");
	rig_hides(&r, "Chats");
}

/* A chat whose last message has the number `id`. */
static void
write_chat(const char *name, int id)
{
	char *text = xasprintf("---\nhum: 1\nsession: 0198c1e2-7e2b-7cc1-9a51-5f0d3c1f6a10\nat: 2026-11-23T02:10:00.123Z\n...\n"
		"---\nmessage: %d\nparent: 0\nrole: user\nat: 2026-11-23T02:10:04.870Z\ntext: |-\n  the first one\n...\n", id);

	home_write(name, text);
	free(text);
}

static void
send__no_numbers_are_left__is_said(void **state)
{
	write_chat("chat.yaml", 999999999);
	rig_init(&r, NULL, NULL);
	rig_start(&r, "chat.yaml", NULL);
	rig_line(&r, "the last one");
	rig_shows(&r, "used up the numbers");
	assert_int_equal(r.backend.replies, 0);
	rig_line(&r, "/regen");
	assert_int_equal(r.backend.replies, 0);
	rig_line(&r, "one too many");
	assert_string_equal(ui_input(r.ui), "one too many");
}

static void
queue__begins__the_reader_stays_where_they_are(void **state)
{
	start();
	rig_line(&r, "first");
	for (int i = 0; i < 60; i++)
		scripted_say(&r.backend, "a line\n\n");
	rig_turn(&r);
	rig_line(&r, "second");
	for (int i = 0; i < 8; i++)
		rig_keys(&r, "\033[5~");	/* PgUp */
	rig_shows(&r, "first");
	scripted_done(&r.backend, LLM_STOP);
	rig_turn(&r);
	assert_int_equal(r.backend.replies, 2);
	rig_shows(&r, "first");
}

static void
quit__while_loading__does_not_blame_the_model(void **state)
{
	struct err e = { 0 };

	home_write("big.gguf", "x");
	rig_init(&r, "model: big\nmodels:\n  - name: big\n    path: big.gguf\n", NULL);
	r.backend.hold_load = true;
	rig_start(&r, NULL, NULL);
	assert_int_equal(access("state/loading", F_OK), 0);
	assert_int_equal(controller_finish(&r.c, &e), 0);
	assert_int_equal(access("state/loading", F_OK), -1);
}

static void
quit__with_a_model_to_come__does_not_load_it(void **state)
{
	struct err e = { 0 };

	home_write("other.gguf", "x");
	start();
	rig_line(&r, "a question");
	rig_line(&r, "/model other");
	assert_int_equal(controller_finish(&r.c, &e), 0);
	assert_int_equal(r.backend.loads, 1);
	assert_int_equal(access("state/loading", F_OK), -1);
}

static void
model__asked_for_in_a_chat_that_is_left__stays_with_it(void **state)
{
	char *asked_in;
	struct strbuf text = STRBUF_INIT;

	home_write("other.gguf", "x");
	start();
	exchange("alpha question", "alpha answer");
	rig_line(&r, "/new");
	exchange("beta question", "beta answer");
	asked_in = xstrdup(session_path(r.c.session));
	r.backend.hold_load = true;
	rig_line(&r, "/model other");
	rig_line(&r, "/resume alpha");
	scripted_loaded(&r.backend);
	rig_turn(&r);
	r.backend.hold_load = false;
	scripted_loaded(&r.backend);
	rig_turn(&r);
	assert_string_equal(r.c.model.name, "guide");
	rig_settle(&r);
	scratch_read(asked_in, &text);
	assert_non_null(strstr(text.s, "other"));
	free(asked_in);
	strbuf_reset(&text);
	scratch_read(session_path(r.c.session), &text);
	assert_null(strstr(text.s, "other"));
	strbuf_release(&text);
}

static void
set__context_while_a_model_loads__holds_for_it(void **state)
{
	rig_init(&r, NULL, NULL);
	r.backend.hold_load = true;
	rig_start(&r, NULL, NULL);
	rig_line(&r, "/set context 512");
	r.backend.hold_load = false;
	scripted_loaded(&r.backend);
	rig_turn(&r);
	assert_int_equal(r.backend.loads, 2);
	assert_int_equal(r.backend.load->settings.context, 512);
}

static void
set__context_before_a_model_that_comes__does_not_replace_it(void **state)
{
	home_write("other.gguf", "x");
	start();
	rig_line(&r, "a question");
	rig_line(&r, "/model other");
	rig_line(&r, "/set context 512");
	scripted_done(&r.backend, LLM_STOP);
	rig_turn(&r);
	assert_string_equal(r.c.model.name, "other");
	assert_int_equal(r.backend.load->settings.context, 512);
}

static void
set__context_in_a_chat_that_is_left__holds_in_the_next(void **state)
{
	start();
	rig_line(&r, "a question");
	rig_line(&r, "/set context 512");
	rig_line(&r, "/new");
	assert_int_equal(r.backend.loads, 2);
	assert_int_equal(r.backend.load->settings.context, 512);
}

static void
set__context__does_not_make_a_stand_in_the_chats_model(void **state)
{
	char *path;

	home_write("other.gguf", "x");
	start();
	rig_line(&r, "/model other");
	exchange("Trip to Cusco", "Take warm clothes.");
	path = xstrdup(session_path(r.c.session));
	rig_release(&r);
	assert_int_equal(unlink("other.gguf"), 0);
	rig_init(&r, NULL, NULL);
	rig_start(&r, path, NULL);
	rig_line(&r, "/set context 512");
	assert_string_equal(r.c.model.name, "guide");
	assert_int_equal(r.backend.load->settings.context, 512);
	assert_non_null(strstr(r.c.session->conv.model, "other"));
	free(path);
}

static void
sessions__picker__on_the_open_chat__stops_nothing(void **state)
{
	start();
	rig_line(&r, "a question");
	scripted_say(&r.backend, "Half");
	rig_turn(&r);
	rig_keys(&r, "\017");		/* Ctrl-O */
	rig_keys(&r, "\r");
	scripted_say(&r.backend, " and half");
	scripted_done(&r.backend, LLM_STOP);
	rig_turn(&r);
	rig_shows(&r, "Half and half");
	assert_int_equal(r.backend.cancels, 0);
}

static void
delete__by_a_part_of_the_title__asks_by_the_whole(void **state)
{
	start();
	exchange("Trip to Cusco", "Take warm clothes.");
	rig_line(&r, "/new");
	exchange("something else", "yes");
	rig_line(&r, "/delete cus");
	rig_shows(&r, "Delete \"Trip to Cusco\"?");
}

static void
disk__that_fails__is_said_and_nothing_stops(void **state)
{
	char *dir;
	struct err e = { 0 };

	home_write("file", "x");
	dir = xasprintf("%s/file/sessions", home);
	rig_init(&r, NULL, dir);
	rig_start(&r, NULL, NULL);
	exchange("hello", "Hello yourself");
	rig_shows(&r, "Hello yourself");
	rig_shows(&r, "Not saved");
	rig_shows(&r, "NOT SAVED");
	rig_line(&r, "/new");
	rig_shows(&r, "is not saved yet");
	rig_shows(&r, "Hello yourself");
	assert_int_equal(controller_finish(&r.c, &e), -1);
	assert_int_equal(e.code, ERR_STORE);
	free(dir);
}

static void
open__a_chat_without_a_model__writes_nothing_until_an_answer(void **state)
{
	struct strbuf before = STRBUF_INIT, after = STRBUF_INIT;
	struct err e = { 0 };

	write_chat("chat.yaml", 1);
	scratch_read("chat.yaml", &before);
	home_write("other.gguf", "x");
	rig_init(&r, NULL, NULL);
	rig_start(&r, "chat.yaml", "other");
	rig_shows(&r, "the first one");
	assert_int_equal(controller_finish(&r.c, &e), 0);
	scratch_read("chat.yaml", &after);
	assert_string_equal(after.s, before.s);
	rig_line(&r, "/regen");
	rig_file_has(&r, "/other.gguf\"}");
	strbuf_release(&before);
	strbuf_release(&after);
}

static void
open__a_chat_without_a_model__keeps_one_that_is_chosen(void **state)
{
	home_write("other.gguf", "x");
	write_chat("chat.yaml", 1);
	rig_init(&r, NULL, NULL);
	rig_start(&r, "chat.yaml", NULL);
	rig_line(&r, "/model other");
	rig_settle(&r);
	rig_file_has(&r, "/other.gguf\"}");
}

static void
model__asked_for_before_a_new_chat__comes_in_it(void **state)
{
	home_write("other.gguf", "x");
	start();
	rig_line(&r, "a question");
	rig_line(&r, "/model other");
	rig_line(&r, "/new");
	assert_int_equal(r.backend.loads, 2);
	assert_string_equal(r.c.model.name, "other");
	exchange("another question", "an answer");
	rig_file_has(&r, "/other.gguf\"}");
	r.backend.hold_load = true;
	rig_line(&r, "/model guide");
	rig_line(&r, "/new");			/* now the load has begun */
	assert_int_equal(r.backend.loads, 3);
	scripted_loaded(&r.backend);
	rig_turn(&r);
	assert_string_equal(r.c.model.name, "guide");
	assert_string_equal(r.c.session->conv.model, "guide");
}

static void
sessions__picker__comes_back_as_it_was(void **state)
{
	static const char *const questions[] = { "piano one", "piano two", "piano three", "violin" };

	start();
	for (int i = 0; i < 4; i++) {
		exchange(questions[i], "ok");
		rig_settle(&r);
		utimensat(AT_FDCWD, session_path(r.c.session),
			(struct timespec[]){ { .tv_sec = 1000 + i }, { .tv_sec = 1000 + i } }, 0);
		rig_line(&r, "/new");
	}
	rig_keys(&r, "\017");
	rig_keys(&r, "piano");
	rig_keys(&r, "\033[B");
	rig_shows(&r, "2/3");
	rig_keys(&r, "\004");
	rig_shows(&r, "Delete \"piano two\"?");
	rig_shows(&r, "hum sessions undelete brings it back");
	rig_keys(&r, "n");
	rig_shows(&r, "2/3");
	rig_hides(&r, "violin · ");
	rig_keys(&r, "\004");
	rig_shows(&r, "Delete \"piano two\"?");
	rig_keys(&r, "y");
	rig_shows(&r, "2/2");
	rig_keys(&r, "\004");
	rig_shows(&r, "Delete \"piano one\"?");
	rig_keys(&r, "y");
	rig_shows(&r, "1/1");
	rig_keys(&r, "\004");
	rig_shows(&r, "Delete \"piano three\"?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CHAT_TEST(new__while_generating__keeps_what_was_said),
		CHAT_TEST(resume__by_title__shows_the_chat_and_its_model),
		CHAT_TEST(resume__after_a_crash__offers_to_go_on),
		CHAT_TEST(delete__asks__and_moves_to_trash),
		CHAT_TEST(sessions__picker__opens_another),
		CHAT_TEST(sessions__picker__stays_for_more_after_a_delete),
		CHAT_TEST(sessions__picker__comes_back_as_it_was),
		CHAT_TEST(send__no_numbers_are_left__is_said),
		CHAT_TEST(open__a_chat_without_a_model__writes_nothing_until_an_answer),
		CHAT_TEST(open__a_chat_without_a_model__keeps_one_that_is_chosen),
		CHAT_TEST(queue__begins__the_reader_stays_where_they_are),
		CHAT_TEST(quit__while_loading__does_not_blame_the_model),
		CHAT_TEST(quit__with_a_model_to_come__does_not_load_it),
		CHAT_TEST(model__asked_for_in_a_chat_that_is_left__stays_with_it),
		CHAT_TEST(model__asked_for_before_a_new_chat__comes_in_it),
		CHAT_TEST(set__context_while_a_model_loads__holds_for_it),
		CHAT_TEST(set__context_before_a_model_that_comes__does_not_replace_it),
		CHAT_TEST(set__context_in_a_chat_that_is_left__holds_in_the_next),
		CHAT_TEST(set__context__does_not_make_a_stand_in_the_chats_model),
		CHAT_TEST(sessions__picker__on_the_open_chat__stops_nothing),
		CHAT_TEST(delete__by_a_part_of_the_title__asks_by_the_whole),
		CHAT_TEST(disk__that_fails__is_said_and_nothing_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
