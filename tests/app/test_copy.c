#include "config.h"

#include "tests/app/cmocka_all.h"

#include <sys/wait.h>

#include "tests/app/chat_test.h"

/* A desktop whose tool is this script. */
static void
install(const char *script)
{
	char *path = home_path("bin/wl-copy"), *text = xasprintf("#!/bin/sh\n%s\n", script);

	home_write("bin/wl-copy", text);
	chmod(path, 0700);
	setenv("WAYLAND_DISPLAY", "wayland-0", 1);
	free(text);
	free(path);
}

static int
setup(void **state)
{
	static const char *const variables[] = { "WAYLAND_DISPLAY", "DISPLAY", "WSL_DISTRO_NAME", "TMUX", "STY",
		"SSH_CONNECTION", "SSH_TTY" };
	char *path;

	if (chat_setup(state) < 0)
		return -1;
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
		unsetenv(variables[i]);
	path = xasprintf("%s/bin:/usr/bin:/bin", home);
	setenv("PATH", path, 1);
	free(path);
	install("cat >\"$HOME/copied\"");
	start();
	return 0;
}

static int
setup_without_tool(void **state)
{
	int rc = setup(state);

	unsetenv("WAYLAND_DISPLAY");
	return rc;
}

/* It may have ended by now. The clock of the chat stands still while it works. */
static void
wait_for_tool(void)
{
	siginfo_t info;

	if (controller_is_copying(&r.c))
		assert_int_equal(waitid(P_PID, (id_t)r.c.copy.pid, &info, WEXITED | WNOWAIT), 0);
	rig_turn(&r);
	assert_false(controller_is_copying(&r.c));
}

/* The command puts this text on the clipboard, and says that. */
static void
copies(const char *command, const char *expected, const char *notice)
{
	struct strbuf got = STRBUF_INIT;

	rig_line(&r, command);
	wait_for_tool();
	scratch_read("copied", &got);
	assert_string_equal(got.s, expected);
	rig_shows(&r, notice);
	strbuf_release(&got);
}

static void
flashes(const char *command, const char *notice)
{
	rig_line(&r, command);
	assert_false(controller_is_copying(&r.c));
	assert_string_equal(ui_input(r.ui), "");
	rig_shows(&r, notice);
}

static void
copy__answers__from_the_end(void **state)
{
	exchange("one", "The first.");
	exchange("two", "**Two** lines \xc3\xa9,\n  as they were written.  \n\n \t\n");
	copies("/copy", "**Two** lines \xc3\xa9,\n  as they were written.  ",
		"Copied the last answer, 42 characters");
	copies("/copy 1", "**Two** lines \xc3\xa9,\n  as they were written.  ", "Copied the last answer");
	copies("/copy 2", "The first.", "Copied answer 2 from the end, 10 characters");
	refused("/copy 3", "There are 2 answers: /copy takes a number from 1 to 2, or code");
	refused("/copy 0", "There are 2 answers");
	refused("/copy -1", "There are 2 answers");
	refused("/copy 1x", "There are 2 answers");
	refused("/copy codex", "There are 2 answers");
	rig_line(&r, "/regen");
	scripted_say(&r.backend, "Another.");
	scripted_done(&r.backend, LLM_STOP);
	rig_turn(&r);
	copies("/copy", "Another.", "Copied the last answer, 8 characters");
	copies("/copy 2", "The first.", "answer 2 from the end");
}

static void
copy__code__of_the_last_answer_that_has_some(void **state)
{
	exchange("one", "```\nold\n```\n");
	copies("/copy code", "old", "Copied block of code 1 of 1, 3 characters");
	refused("/copy code 2", "There is one block of code: /copy code takes nothing, or 1");
	exchange("two", "```sh\nls\n```\nand\n~~~\na\n b\n~~~\n```\n```");
	exchange("three", "None.");
	copies("/copy code 1", "ls", "Copied block of code 1 of 3, 2 characters");
	copies("/copy  Code  2", "a\n b", "Copied block of code 2 of 3, 4 characters");
	flashes("/copy code", "There is nothing to copy in block of code 3 of 3");
	refused("/copy code 4", "There are 3 blocks of code: /copy code takes a number from 1 to 3");
	refused("/copy code x", "There are 3 blocks of code");
}

static void
copy__answer__that_is_being_written(void **state)
{
	flashes("/copy", "There is no answer to copy yet");
	flashes("/copy 5", "There is no answer to copy yet");
	flashes("/copy code", "No answer has a block of code");
	rig_line(&r, "one");
	flashes("/copy", "There is nothing to copy in the answer so far");
	scripted_say(&r.backend, "Half a ");
	rig_turn(&r);
	copies("/copy", "Half a ", "Copied the answer so far, 7 characters");
	scripted_say(&r.backend, "sentence.");
	scripted_done(&r.backend, LLM_STOP);
	rig_turn(&r);
	copies("/copy", "Half a sentence.", "Copied the last answer, 16 characters");
	refused("/copy 2", "There is one answer: /copy takes nothing, 1, or code");
}

static void
copy__control_characters__are_harmless(void **state)
{
	exchange("one", "a\033[201~b\rc\td\xe2\x80\xae");
	copies("/copy", "a\xe2\x90\x9b[201~b\xe2\x90\x8d" "c\td\xef\xbf\xbd", "13 characters");
}

static void
copy__long_text__is_counted_readably(void **state)
{
	char *text = xcalloc(1, 1205);

	memset(text, 'x', 1204);
	exchange("one", text);
	copies("/copy", text, "Copied the last answer, 1,204 characters");
	free(text);
}

static void
copy__without_a_tool__is_the_terminals(void **state)
{
	exchange("one", "Hello");
	flashes("/copy", "Sent the last answer to the terminal's clipboard, 5 characters");
	flashes("/copy 1", "Sent the last answer to the terminal's clipboard, 5 characters");
}

static void
copy__with_a_tool_that_fails__is_the_terminals(void **state)
{
	exchange("one", "Hello");
	install("exit 1");
	rig_line(&r, "/copy");
	wait_for_tool();
	rig_shows(&r, "Sent the last answer to the terminal's clipboard, 5 characters");
}

static void
copy__with_a_tool_that_hangs__is_the_terminals(void **state)
{
	pid_t pid;

	exchange("one", "Hello");
	install("exec sleep 1000");
	rig_line(&r, "/copy");
	pid = r.c.copy.pid;
	assert_true(controller_timeout(&r.c) >= 0);
	rig_line(&r, "/copy");
	rig_shows(&r, "wl-copy has not taken the last copy yet");
	assert_int_equal(r.c.copy.pid, pid);
	while (controller_is_copying(&r.c) && !r.c.copy.killed)
		rig_turn(&r);
	wait_for_tool();
	rig_shows(&r, "Sent the last answer to the terminal's clipboard, 5 characters");
	assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
}

static void
copy__at_the_end_of_the_program__is_waited_for(void **state)
{
	struct strbuf got = STRBUF_INIT;
	struct err e = { 0 };

	exchange("one", "Hello");
	rig_line(&r, "/copy");
	assert_int_equal(controller_finish(&r.c, &e), 0);
	scratch_read("copied", &got);
	assert_string_equal(got.s, "Hello");
	strbuf_release(&got);
}

static void
copy__complete__code(void **state)
{
	rig_keys(&r, "/copy c\t");
	assert_string_equal(ui_input(r.ui), "/copy code");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, chat_teardown)
#define TEST_WITHOUT_TOOL(name) cmocka_unit_test_setup_teardown(name, setup_without_tool, chat_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(copy__answers__from_the_end),
		TEST(copy__code__of_the_last_answer_that_has_some),
		TEST(copy__answer__that_is_being_written),
		TEST(copy__control_characters__are_harmless),
		TEST(copy__long_text__is_counted_readably),
		TEST_WITHOUT_TOOL(copy__without_a_tool__is_the_terminals),
		TEST(copy__with_a_tool_that_fails__is_the_terminals),
		TEST(copy__with_a_tool_that_hangs__is_the_terminals),
		TEST(copy__at_the_end_of_the_program__is_waited_for),
		TEST(copy__complete__code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
