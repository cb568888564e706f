/* What the user has typed and not sent is never lost: drafts, and the user's own editor. */
#include "config.h"

#include "tests/app/cmocka_all.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/controller/editor.h"
#include "tests/app/chat_test.h"

static void
restart(void)
{
	rig_release(&r);
	start();
}

static void
let_it_be_stored(void)
{
	rig_now += 1000;
	rig_turn(&r);
}

static void
draft__survives_the_program(void **state)
{
	start();
	rig_keys(&r, "not sent yet");
	let_it_be_stored();
	restart();
	assert_string_equal(ui_input(r.ui), "not sent yet");
	rig_keys(&r, "\r");
	restart();
	assert_string_equal(ui_input(r.ui), "");
}

static void
draft__during_a_search__is_what_was_typed_before(void **state)
{
	char *path;

	start();
	exchange("a question", "an answer");
	path = xstrdup(session_path(r.c.session));
	rig_keys(&r, "not sent yet\022ques");
	let_it_be_stored();
	rig_release(&r);
	rig_init(&r, NULL, NULL);
	rig_start(&r, path, NULL);
	assert_string_equal(ui_input(r.ui), "not sent yet");
	free(path);
}

static void
draft__of_any_length__comes_back_whole(void **state)
{
	size_t len = 3 << 20;
	char *text = malloc(len + 1);

	memset(text, 'a', len);
	text[len] = '\0';
	start();
	ui_set_input(r.ui, text);
	r.c.draft_due = rig_now;
	let_it_be_stored();
	restart();
	assert_int_equal(strlen(ui_input(r.ui)), len);
	free(text);
}

static void
draft__of_a_program_that_is_gone__is_taken_over_once(void **state)
{
	char *own = xasprintf("state/drafts/new.%ld", (long)getpid()), *other;
	pid_t child = fork();

	if (child == 0)
		for (;;)
			pause();
	other = xasprintf("state/drafts/new.%ld", (long)child);
	home_write(other, "of a program at work");
	home_write("state/drafts/new.99999999", "left behind");	/* above what Linux gives */
	start();
	assert_string_equal(ui_input(r.ui), "left behind");
	assert_int_equal(access("state/drafts/new.99999999", F_OK), -1);
	assert_int_equal(access(own, F_OK), 0);
	assert_int_equal(access(other, F_OK), 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	free(own);
	free(other);
}

/* Number 1 is never hum. */
static void
draft__whose_process_is_another_program_now__is_taken_over(void **state)
{
	home_write("state/drafts/new.1", "left behind");
	start();
	assert_string_equal(ui_input(r.ui), "left behind");
}

static void
draft__of_a_chat_open_elsewhere__is_left_alone(void **state)
{
	struct session *first;
	char *path, *draft;
	struct err e;

	start();
	exchange("a question", "an answer");
	path = xstrdup(session_path(r.c.session));
	draft = xasprintf("state/drafts/%s", r.c.session->conv.id);
	rig_release(&r);
	first = session_load(path, &e);
	home_write(draft, "the other program's");
	rig_init(&r, NULL, NULL);
	rig_start(&r, path, NULL);
	assert_true(r.c.session->read_only);
	assert_string_equal(ui_input(r.ui), "");
	rig_keys(&r, "my own");
	let_it_be_stored();
	assert_int_equal(controller_finish(&r.c, &e), 0);
	assert_int_equal(access(draft, F_OK), 0);
	session_free(first);
	restart();
	assert_string_equal(ui_input(r.ui), "");	/* it was not typed for a new chat */
	rig_release(&r);
	assert_int_equal(unlink(draft), 0);
	rig_init(&r, NULL, NULL);
	rig_start(&r, path, NULL);
	assert_string_equal(ui_input(r.ui), "my own");
	free(path);
	free(draft);
}

static void
draft__that_cannot_be_kept__keeps_the_chat_open(void **state)
{
	struct err e = { 0 };

	home_write("state/drafts", "in the way of the folder");
	start();
	rig_keys(&r, "precious");
	rig_keys(&r, "\020");		/* Ctrl-P */
	rig_keys(&r, "another chat\r");
	rig_shows(&r, "cannot be kept");
	assert_string_equal(ui_input(r.ui), "precious");
	assert_int_equal(controller_finish(&r.c, &e), -1);
	assert_int_equal(e.code, ERR_STORE);
}

static void
draft__that_cannot_be_kept__is_said_once_until_it_can(void **state)
{
	struct transcript *t;
	size_t n;

	home_write("state/drafts", "in the way of the folder");
	start();
	t = ui_transcript(r.ui);
	rig_keys(&r, "precious");
	let_it_be_stored();
	rig_shows(&r, "Careful: what is not sent yet cannot be kept");
	n = transcript_count(t);
	rig_keys(&r, "!");
	let_it_be_stored();
	assert_int_equal(transcript_count(t), n);
	assert_int_equal(unlink("state/drafts"), 0);
	rig_keys(&r, "!");
	let_it_be_stored();
	assert_int_equal(transcript_count(t), n);
	scratch_free(xstrdup("state/drafts"));
	home_write("state/drafts", "again");
	rig_keys(&r, "!");
	let_it_be_stored();
	assert_int_equal(transcript_count(t), n + 1);
}

static void
draft__without_a_place__goes_along_to_the_next_chat(void **state)
{
	rig_init(&r, NULL, NULL);
	r.c.o.sessions_dir = NULL;	/* --no-save */
	rig_start(&r, NULL, NULL);
	rig_keys(&r, "precious");
	rig_keys(&r, "\020");
	rig_keys(&r, "another chat\r");
	assert_string_equal(ui_input(r.ui), "precious");
}

static void
draft__stays_until_what_was_sent_is_on_disk(void **state)
{
	char *dir, *own = xasprintf("state/drafts/new.%ld", (long)getpid());

	home_write("file", "x");
	dir = xasprintf("%s/file/sessions", home);
	rig_init(&r, NULL, dir);
	rig_start(&r, NULL, NULL);
	rig_keys(&r, "a question");
	let_it_be_stored();
	rig_keys(&r, "\r");
	let_it_be_stored();
	rig_shows(&r, "NOT SAVED");
	assert_int_equal(access(own, F_OK), 0);
	free(dir);
	free(own);
}

/* ---- the editor ---- */

/* An editor that puts "edited" into the file and then does what the rest of the script says. */
static void
editor(const char *rest)
{
	char *path = home_path("editor"), *script = xasprintf("#!/bin/sh\necho edited >\"$1\"\n%s\n", rest);

	scratch_write(path, script, strlen(script));
	chmod(path, 0700);
	setenv("VISUAL", path, 1);
	free(script);
	free(path);
}

static void
editor__text_becomes_the_input(void **state)
{
	editor("");
	start();
	rig_keys(&r, "typed");
	rig_keys(&r, "\007");		/* Ctrl-G */
	assert_string_equal(ui_input(r.ui), "edited");
}

static void
editor__that_fails_after_saving__loses_nothing(void **state)
{
	editor("kill -HUP $$");
	start();
	rig_keys(&r, "typed");
	rig_keys(&r, "\007");
	assert_string_equal(ui_input(r.ui), "edited\ntyped");
	rig_shows(&r, "what it had saved is in the input");
}

static void
editor__that_fails_with_an_empty_file__leaves_the_input(void **state)
{
	editor(": >\"$1\"; exit 1");
	start();
	rig_keys(&r, "typed");
	rig_keys(&r, "\007");
	assert_string_equal(ui_input(r.ui), "typed");
}

static void
editor__that_is_not_there__leaves_the_input(void **state)
{
	setenv("VISUAL", "/nowhere/editor", 1);
	start();
	rig_keys(&r, "typed");
	rig_keys(&r, "\007");
	assert_string_equal(ui_input(r.ui), "typed");
	rig_shows(&r, "the input is as it was");
}

static void
editor__that_fails_untouched__leaves_newlines_at_the_end(void **state)
{
	setenv("VISUAL", "false", 1);
	start();
	ui_set_input(r.ui, "typed\n\n");
	rig_keys(&r, "\007");
	assert_string_equal(ui_input(r.ui), "typed\n\n");
	rig_shows(&r, "the input is as it was");
}

/* The turn fails while the editor is open, and its text comes back. */
static void
editor__what_comes_back_meanwhile__stays_before_its_text(void **state)
{
	editor("");
	start();
	rig_line(&r, "asked before");
	rig_keys(&r, "typed");
	scripted_fail(&r.backend, ERR_FIT, "too long");	/* in the mailbox when the editor begins */
	controller_edit_input(&r.c);
	rig_turn(&r);			/* should the editor have been quicker */
	assert_string_equal(ui_input(r.ui), "asked before\nedited");
}

/* Neither beside what the command line sends nor in a chat that is begun later. */
static void
draft__of_a_program_that_is_gone__comes_at_a_start_that_sends_nothing(void **state)
{
	struct controller_start s = { .prompt = "What is GGUF?" };
	struct err e;

	home_write("state/drafts/new.99999999", "left behind");
	rig_init(&r, NULL, NULL);
	assert_int_equal(controller_start(&r.c, &s, &e), 0);
	rig_turn(&r);
	assert_string_equal(ui_input(r.ui), "");
	scripted_done(&r.backend, LLM_STOP);
	rig_line(&r, "/new");
	assert_string_equal(ui_input(r.ui), "");
	assert_int_equal(access("state/drafts/new.99999999", F_OK), 0);
	restart();
	assert_string_equal(ui_input(r.ui), "left behind");
	rig_shows(&r, "not sent the last time");
}

static void
draft__that_is_a_command__is_in_the_history_only(void **state)
{
	start();
	rig_keys(&r, "/resume Question");
	let_it_be_stored();
	restart();
	assert_string_equal(ui_input(r.ui), "");
	rig_keys(&r, "\033[A");
	assert_string_equal(ui_input(r.ui), "/resume Question");
	rig_keys(&r, "\025//etc");
	let_it_be_stored();
	restart();
	assert_string_equal(ui_input(r.ui), "//etc");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CHAT_TEST(draft__survives_the_program),
		CHAT_TEST(draft__during_a_search__is_what_was_typed_before),
		CHAT_TEST(draft__of_any_length__comes_back_whole),
		CHAT_TEST(draft__of_a_program_that_is_gone__is_taken_over_once),
		CHAT_TEST(draft__of_a_program_that_is_gone__comes_at_a_start_that_sends_nothing),
		CHAT_TEST(draft__that_is_a_command__is_in_the_history_only),
		CHAT_TEST(draft__whose_process_is_another_program_now__is_taken_over),
		CHAT_TEST(draft__of_a_chat_open_elsewhere__is_left_alone),
		CHAT_TEST(draft__that_cannot_be_kept__keeps_the_chat_open),
		CHAT_TEST(draft__that_cannot_be_kept__is_said_once_until_it_can),
		CHAT_TEST(draft__without_a_place__goes_along_to_the_next_chat),
		CHAT_TEST(draft__stays_until_what_was_sent_is_on_disk),
		CHAT_TEST(editor__text_becomes_the_input),
		CHAT_TEST(editor__that_fails_after_saving__loses_nothing),
		CHAT_TEST(editor__that_fails_with_an_empty_file__leaves_the_input),
		CHAT_TEST(editor__that_is_not_there__leaves_the_input),
		CHAT_TEST(editor__that_fails_untouched__leaves_newlines_at_the_end),
		CHAT_TEST(editor__what_comes_back_meanwhile__stays_before_its_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
