#include "config.h"

#include "tests/app/cmocka_all.h"

#include "app/command/command.h"
#include "tests/app/chat_test.h"

static struct ui_completions found;

static void
forget(void)
{
	for (size_t i = 0; i < found.n; i++) {
		free(found.items[i].text);
		free(found.items[i].help);
	}
	free(found.items);
	found = (struct ui_completions){ 0 };
}

static int
setup(void **state)
{
	if (home_setup(state) < 0)
		return -1;
	home_write("mine.gguf", "x");
	rig_init(&r, "systems:\n  pirate: Talk like a pirate.\n  plain: Be plain.\n", NULL);
	rig_start(&r, NULL, NULL);
	return 0;
}

static int
teardown(void **state)
{
	forget();
	return chat_teardown(state);
}

/* What Tab finds at the end of the line. */
static void
complete(const char *line)
{
	forget();
	command_complete(&r.c, line, strlen(line), &found);
}

static void
offers(const char *text)
{
	for (size_t i = 0; i < found.n; i++)
		if (!strcmp(found.items[i].text, text))
			return;
	fail_msg("\"%s\" is not offered", text);
}

static void
table__every_row_is_whole(void **state)
{
	const struct command *cmd;

	for (size_t i = 0; (cmd = command_at(i)); i++) {
		assert_non_null(cmd->run);
		assert_true(*cmd->help && *cmd->name);
		assert_ptr_equal(command_find(cmd->name, strlen(cmd->name)), cmd);
		/* An argument that must be given is not in brackets. */
		assert_int_equal(cmd->needs_arg, *cmd->args && *cmd->args != '[');
	}
	assert_null(command_find("ne", 2));
	assert_non_null(command_find("NEW", 3));
}

static void
complete__names(void **state)
{
	complete("/se");
	assert_int_equal(found.n, 2);
	assert_int_equal(found.start, 0);
	offers("/sessions");
	offers("/set ");
	complete("/");
	assert_true(found.n > 15);
	complete("/zzz");
	assert_int_equal(found.n, 0);
	complete("no command");
	assert_int_equal(found.n, 0);
	complete("//text");
	assert_int_equal(found.n, 0);
}

static void
complete__arguments(void **state)
{
	complete("/model m");
	assert_int_equal(found.n, 1);
	assert_int_equal(found.start, 7);
	offers("mine");
	complete("/model ");
	offers("guide");
	complete("/system p");
	assert_int_equal(found.n, 2);
	offers("pirate");
	complete("/system ");
	offers("none");
	complete("/set temp");
	offers("temperature ");
	complete("/theme ");
	offers("dark");
	complete("/theme  high");
	assert_int_equal(found.start, 8);
	offers("high-contrast");
	complete("/quit ");
	assert_int_equal(found.n, 0);
	complete("/nothing x");
	assert_int_equal(found.n, 0);
}

static void
complete__sessions(void **state)
{
	rig_line(&r, "Trip to Cusco");
	scripted_done(&r.backend, LLM_STOP);
	rig_turn(&r);
	complete("/resume tr");
	assert_int_equal(found.n, 1);
	offers("Trip to Cusco");
}

static void
complete__empty_input__questions_for_the_guide(void **state)
{
	complete("");
	offers("What is Llama 2?");
	rig_line(&r, "/model mine");
	complete("");
	assert_int_equal(found.n, 0);
}

static void
run__set__shows_and_changes(void **state)
{
	rig_line(&r, "/set top_p 0.5");
	rig_shows(&r, "top_p is 0.5");
	rig_line(&r, "/set top-p");
	rig_shows(&r, "top_p is 0.5 (0..1)");
	rig_line(&r, "/set top_p=0.25");
	assert_float_equal(r.c.settings.sampling.top_p, 0.25, 1e-6);
	rig_line(&r, "/set");
	rig_shows(&r, "temperature");
	rig_keys(&r, "q");
}

static void
run__system__by_name_text_and_none(void **state)
{
	rig_line(&r, "/system pirate");
	assert_string_equal(r.c.session->conv.system, "Talk like a pirate.");
	rig_line(&r, "/system Any other text.");
	assert_string_equal(r.c.session->conv.system, "Any other text.");
	rig_line(&r, "/system none");
	assert_null(r.c.session->conv.system);
	rig_line(&r, "/system");
	rig_shows(&r, "System prompts");
	rig_keys(&r, "plain");
	rig_keys(&r, "\r");
	assert_string_equal(r.c.session->conv.system, "Be plain.");
}

static void
run__rename__title(void **state)
{
	rig_line(&r, "/rename A much better name");
	rig_shows(&r, "A much better name");
	rig_line(&r, "hello");
	rig_file_has(&r, "A much better name");
	rig_line(&r, "/rename");
	rig_shows(&r, "Say /rename and the title");
}

static void
run__theme__by_name_and_by_list(void **state)
{
	rig_line(&r, "/theme light");
	rig_shows(&r, "For always: theme: light in ~/.config/hum/config.yaml");
	rig_line(&r, "/theme no-such");
	rig_shows(&r, "no-such");
	rig_line(&r, "\025/theme");
	rig_shows(&r, "Themes");
	rig_shows(&r, "› light");
	rig_keys(&r, "\033[B");
	rig_hides(&r, "› light");
	rig_keys(&r, "\033");
	rig_hides(&r, "Themes");
	rig_line(&r, "/theme");			/* the one that was only looked at is not on */
	rig_shows(&r, "› light");
}

static void
run__figures__with_and_without_an_answer(void **state)
{
	rig_line(&r, "/stats");
	rig_shows(&r, "guide");
	rig_shows(&r, "2 threads, scalar");
	rig_keys(&r, "q");
	rig_line(&r, "/set prompt_threads 4");
	rig_line(&r, "/stats");
	rig_shows(&r, "2 threads, 4 for prompts, scalar");
	rig_keys(&r, "q");
	rig_line(&r, "hello");
	scripted_say(&r.backend, "Hi");
	scripted_done(&r.backend, LLM_STOP);
	rig_turn(&r);
	rig_line(&r, "/stats");
	rig_shows(&r, "temperature 0.6");
	rig_keys(&r, "q");
	rig_line(&r, "/context");
	rig_shows(&r, "used       11");
	rig_hides(&r, "by the system prompt");
}

static void
run__context__system_prompt_has_its_part(void **state)
{
	rig_line(&r, "/system pirate");
	rig_line(&r, "hello");
	r.backend.stats.system_tokens = 4;
	scripted_say(&r.backend, "Hi");
	scripted_done(&r.backend, LLM_STOP);
	rig_turn(&r);
	rig_line(&r, "/context");
	rig_shows(&r, "4 by the system prompt, 17 by the conversation");
}

static void
run__keys_and_help__differ_by_the_commands(void **state)
{
	rig_line(&r, "/keys");
	rig_shows(&r, "select text");
	rig_hides(&r, "/regen");
	rig_keys(&r, "q");
	rig_line(&r, "/help");
	rig_shows(&r, "select text");
	rig_shows(&r, "/regen");
}

static void
run__branch__says_when_there_is_nothing(void **state)
{
	rig_line(&r, "/branch");
	rig_shows(&r, "no messages in this chat yet");
	rig_line(&r, "hello");
	scripted_say(&r.backend, "A");
	scripted_done(&r.backend, LLM_STOP);
	rig_turn(&r);
	rig_line(&r, "/branch");
	rig_shows(&r, "only this version");
	rig_line(&r, "/branch next");
	rig_shows(&r, "No message in view has another version");
	rig_line(&r, "/regen");
	scripted_say(&r.backend, "B");
	scripted_done(&r.backend, LLM_STOP);
	rig_turn(&r);
	rig_line(&r, "/branch 7");
	rig_shows(&r, "next, prev, or a number from 1 to 2");
	rig_line(&r, "\025/branch 2x");
	rig_shows(&r, "next, prev, or a number from 1 to 2");
	rig_line(&r, "\025/branch 1");
	rig_shows(&r, "Answer 1 of 2");
	rig_shows(&r, "‹ 1/2 ›");
	rig_line(&r, "/branch next");
	rig_shows(&r, "‹ 2/2 ›");
}

static void
run__delete__of_what_is_not_there(void **state)
{
	rig_line(&r, "/delete");
	rig_shows(&r, "not on disk");
	rig_line(&r, "/delete nothing-like-it");
	rig_shows(&r, "nothing-like-it");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void
run__figures__while_an_answer_is_written(void **state)
{
	rig_line(&r, "/set threads 1");
	rig_line(&r, "/set top_k 40");
	rig_line(&r, "/set presence_penalty 0.5");
	rig_line(&r, "/set seed 7");
	rig_line(&r, "hello");
	rig_line(&r, "/stats");
	rig_shows(&r, "1 thread, scalar");
	rig_shows(&r, "The answer that is being written, by guide");
	rig_shows(&r, "the prompt is being read");
	rig_hides(&r, "first ");
	rig_keys(&r, "q");
	scripted_say(&r.backend, "Hi");
	rig_turn(&r);
	rig_line(&r, "/stats");
	rig_shows(&r, "so far     1 token · 12.5 tok/s");
	rig_shows(&r, "prompt     10 tokens");
	rig_shows(&r, "word after 1.00 s");
	rig_shows(&r, "seed       7");
	rig_shows(&r, "sampling   temperature 0.6, top_p 0.9, top_k 40, presence_penalty 0.5");
}

static void
run__with_a_wrong_argument__gives_the_line_back(void **state)
{
	refused("/set temp 9", "Temperature cannot be \"9\": it must be 0..2");
	refused("/set top_p 9", "top_p cannot be");
	refused("/set nosuch 1", "There is no setting \"nosuch\"");
	refused("/model nosuch", "No model \"nosuch\"");
	refused("/theme nosuch", "There is no theme \"nosuch\"");
	refused("/resume nosuch", "There is no chat \"nosuch\"");
	refused("/delete nosuch", "There is no chat \"nosuch\"");
}

static void
run__with_a_wrong_argument__a_long_reason_is_shown_whole(void **state)
{
	ui_resize_to(r.ui, 24, 40);
	rig_line(&r, "/set kv nosuch");
	rig_shows(&r, "Not done");
	rig_shows(&r, "f32, f16 or q8_0");
	rig_keys(&r, "q");
	assert_string_equal(ui_input(r.ui), "/set kv nosuch");
}

static void
run__of_another_programs_command__names_our_way(void **state)
{
	refused("/bye", "No command /bye: /quit leaves");
	refused("/?", "No command /?: /help shows all");
	refused("/Search words", "No command /Search: Ctrl-F here; hum sessions search WORDS, in the shell");
}

static void
run__set__takes_the_options_names(void **state)
{
	rig_line(&r, "/set temp 0.25");
	rig_shows(&r, "temperature is 0.25");
	rig_line(&r, "/set ctx");
	rig_shows(&r, "context is auto");
	rig_line(&r, "/set threads 1000");
	rig_shows(&r, "more than there are processors");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(table__every_row_is_whole),
		TEST(complete__names),
		TEST(complete__arguments),
		TEST(complete__sessions),
		TEST(complete__empty_input__questions_for_the_guide),
		TEST(run__set__shows_and_changes),
		TEST(run__with_a_wrong_argument__gives_the_line_back),
		TEST(run__with_a_wrong_argument__a_long_reason_is_shown_whole),
		TEST(run__of_another_programs_command__names_our_way),
		TEST(run__set__takes_the_options_names),
		TEST(run__system__by_name_text_and_none),
		TEST(run__rename__title),
		TEST(run__theme__by_name_and_by_list),
		TEST(run__figures__with_and_without_an_answer),
		TEST(run__figures__while_an_answer_is_written),
		TEST(run__context__system_prompt_has_its_part),
		TEST(run__keys_and_help__differ_by_the_commands),
		TEST(run__branch__says_when_there_is_nothing),
		TEST(run__delete__of_what_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
