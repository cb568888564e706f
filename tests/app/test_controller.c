#include "config.h"

#include "tests/app/cmocka_all.h"

#include "tests/app/chat_test.h"

static void
request_is(size_t n, const char *last)
{
	assert_int_equal(r.backend.reply->n, n);
	assert_string_equal(r.backend.reply->messages[n - 1].text, last);
}

/* ---- start ---- */

static void
start__without_a_model__opens_on_the_guide(void **state)
{
	start();
	rig_shows(&r, "new chat");
	rig_shows(&r, "guide · Q8_0");
	rig_shows(&r, "hum -m FILE.gguf");
	rig_shows(&r, "What is Llama 2?");
	assert_null(r.backend.load->path);
	assert_null(session_path(r.c.session));		/* an empty chat is not worth a file */
}

static void
start__config_model__is_loaded_with_its_settings(void **state)
{
	home_write("m/big.gguf", "x");
	rig_init(&r, "model: big\nsystem: short\nmodels:\n  - name: big\n    path: m/big.gguf\n    context: 512\n"
		"    sampling: {temperature: 0.1}\nsystems:\n  short: Be short.\n", NULL);
	rig_start(&r, NULL, NULL);
	assert_string_equal(r.backend.load->name, "big");
	assert_int_equal(r.backend.load->settings.context, 512);
	rig_hides(&r, "bundled guide");
	rig_line(&r, "hello");
	request_is(2, "hello");
	assert_string_equal(r.backend.reply->messages[0].text, "Be short.");
	assert_float_equal(r.backend.reply->sampling.temperature, 0.1, 1e-6);
}

static void
start__model_that_is_missing__is_said_and_the_guide_answers(void **state)
{
	rig_init(&r, "model: big\nmodels:\n  - name: big\n    path: /missing/big.gguf\n", NULL);
	r.backend.refuse = "big";
	rig_start(&r, NULL, NULL);
	rig_shows(&r, "not loaded");
	rig_shows(&r, "guide · Q8_0");
	exchange("hi", "Hello");
	rig_shows(&r, "Hello");
}

static void
start__model_that_took_the_program_down__is_not_loaded_again(void **state)
{
	home_write("big.gguf", "x");
	/* No process has this number: it is above what Linux gives. */
	home_write("state/loading", "99999999\nbig\n");
	rig_init(&r, "model: big\nmodels:\n  - name: big\n    path: big.gguf\n", NULL);
	rig_start(&r, NULL, NULL);
	assert_null(r.backend.load->path);
	rig_shows(&r, "ended while it was loading big");
	rig_line(&r, "/model big");
	assert_string_equal(r.backend.load->name, "big");
}

static void
start__text_sent_while_loading__waits(void **state)
{
	rig_init(&r, NULL, NULL);
	r.backend.hold_load = true;
	rig_start(&r, NULL, NULL);
	rig_line(&r, "early");
	assert_int_equal(r.backend.replies, 0);
	rig_shows(&r, "early");
	rig_shows(&r, "loading");
	scripted_loaded(&r.backend);
	rig_turn(&r);
	assert_int_equal(r.backend.replies, 1);
	request_is(1, "early");
}

/* ---- a turn ---- */

static void
look_at_disk(void)
{
	rig_file_has(&r, "hello there");
}

static void
send__turn_is_on_disk_before_the_backend_hears_of_it(void **state)
{
	start();
	r.backend.on_reply = look_at_disk;
	rig_line(&r, "hello there");
	assert_int_equal(r.backend.replies, 1);
	rig_shows(&r, "hello there");
	rig_shows(&r, "Esc stops");
}

static void
send__answer_streams_to_screen_and_disk(void **state)
{
	start();
	rig_line(&r, "hello");
	scripted_say(&r.backend, "One ");
	scripted_say(&r.backend, "two");
	rig_turn(&r);
	rig_shows(&r, "One two");
	rig_shows(&r, "12.5 tok/s");
	rig_turn(&r);
	rig_settle(&r);		/* no further token comes, and yet: */
	rig_file_has(&r, "One two");
	scripted_say(&r.backend, " three");
	scripted_done(&r.backend, LLM_STOP);
	rig_turn(&r);
	rig_shows(&r, "One two three");
	rig_shows(&r, "1.0 tok/s · 3 tokens · 3.0 s");
	rig_file_has(&r, "finish: stop");
	assert_int_equal(r.c.phase, PHASE_IDLE);
	rig_shows(&r, "13/1000");
	rig_line(&r, "next");
	request_is(3, "next");
	assert_string_equal(r.backend.reply->messages[1].text, "One two three");
}

static void
send__two_slashes__send_one(void **state)
{
	start();
	rig_line(&r, "//etc is a folder");
	request_is(1, "/etc is a folder");
}

static void
send__several_lines__are_one_message(void **state)
{
	start();
	rig_keys(&r, "one\033\rtwo");
	rig_keys(&r, "\r");
	request_is(1, "one\ntwo");
}

/* ---- stopping ---- */

static void
stop__esc__keeps_what_was_said(void **state)
{
	start();
	rig_line(&r, "hello");
	scripted_say(&r.backend, "Partial");
	rig_turn(&r);
	rig_keys(&r, "\033");
	assert_int_equal(r.backend.cancels, 1);
	scripted_done(&r.backend, LLM_CANCELLED);
	rig_turn(&r);
	rig_shows(&r, "Partial");
	rig_shows(&r, "stopped");
	rig_file_has(&r, "Partial");
	rig_file_has(&r, "finish: cancelled");
	rig_line(&r, "go on");
	request_is(3, "go on");
}

static void
stop__ctrl_c__before_the_first_word(void **state)
{
	start();
	rig_line(&r, "hello");
	rig_keys(&r, "\003");
	assert_int_equal(r.backend.cancels, 1);
	scripted_done(&r.backend, LLM_CANCELLED);
	rig_turn(&r);
	rig_shows(&r, "before the first word");
	rig_line(&r, "more");
	request_is(1, "hello\n\nmore");	/* two turns that follow each other are one to the model */
}

static void
stop__load__the_model_before_stays(void **state)
{
	home_write("other.gguf", "x");
	start();
	r.backend.hold_load = true;
	rig_line(&r, "/model other.gguf");
	rig_shows(&r, "loading");
	rig_keys(&r, "\033");
	scripted_fail(&r.backend, ERR_INTERRUPTED, "cancelled");
	rig_turn(&r);
	rig_shows(&r, "Loading was stopped. Still here: guide");
	exchange("hi", "Hello");
	rig_shows(&r, "Hello");
}

static void
quit__ctrl_c_asks_once(void **state)
{
	start();
	rig_keys(&r, "some text");
	rig_keys(&r, "\003");
	assert_string_equal(ui_input(r.ui), "");
	assert_false(r.c.ended);
	rig_keys(&r, "\003");
	rig_shows(&r, "again to quit");
	assert_false(r.c.ended);
	rig_keys(&r, "x");		/* anything between takes it back */
	rig_keys(&r, "\177");
	rig_keys(&r, "\003");
	assert_false(r.c.ended);
	rig_keys(&r, "\003");
	assert_true(r.c.ended);
	assert_int_equal(r.c.status, 0);
}

static void
quit__while_generating__keeps_the_partial_answer(void **state)
{
	struct err e;

	start();
	rig_line(&r, "hello");
	scripted_say(&r.backend, "Half an ans");
	rig_line(&r, "/quit");
	assert_true(r.c.ended);
	assert_int_equal(controller_finish(&r.c, &e), 0);
	rig_file_has(&r, "Half an ans");
	rig_file_has(&r, "finish: cancelled");
}

/* ---- queue ---- */

static void
queue__text_sent_while_generating__goes_next(void **state)
{
	start();
	rig_line(&r, "first");
	scripted_say(&r.backend, "Answer");
	rig_line(&r, "second");
	rig_line(&r, "third");
	assert_int_equal(r.backend.replies, 1);
	rig_shows(&r, "second");
	rig_shows(&r, "waits for the answer");
	scripted_done(&r.backend, LLM_STOP);
	rig_turn(&r);
	assert_int_equal(r.backend.replies, 2);
	request_is(3, "second\n\nthird");
	rig_hides(&r, "waits for the answer");
}

static void
queue__esc__takes_it_back(void **state)
{
	start();
	rig_line(&r, "first");
	rig_line(&r, "second");
	rig_shows(&r, "Esc takes back what waits");
	rig_keys(&r, "\033");
	assert_string_equal(ui_input(r.ui), "second");
	rig_hides(&r, "waits for the answer");
	assert_int_equal(r.backend.cancels, 0);	/* what is being written goes on */
	rig_shows(&r, "Esc stops");
	rig_keys(&r, "\033");
	assert_int_equal(r.backend.cancels, 1);
	scripted_done(&r.backend, LLM_CANCELLED);
	rig_turn(&r);
	assert_int_equal(r.backend.replies, 1);
	assert_string_equal(ui_input(r.ui), "second");
}

/* ---- regenerate, continue, branch, undo ---- */

static void
regen__keeps_the_old_answer_as_a_sibling(void **state)
{
	start();
	exchange("question", "Answer A");
	rig_line(&r, "/regen");
	request_is(1, "question");
	rig_hides(&r, "Answer A");
	scripted_say(&r.backend, "Answer B");
	scripted_done(&r.backend, LLM_STOP);
	rig_turn(&r);
	rig_shows(&r, "Answer B");
	rig_shows(&r, "‹ 2/2 ›");
	rig_line(&r, "/branch prev");
	rig_shows(&r, "Answer A");
	rig_hides(&r, "Answer B");
	rig_line(&r, "next question");
	request_is(3, "next question");
	assert_string_equal(r.backend.reply->messages[1].text, "Answer A");
}

static void
regen__of_nothing__is_said(void **state)
{
	start();
	rig_line(&r, "/regen");
	assert_int_equal(r.backend.replies, 0);
	rig_shows(&r, "no question");
}

static void
continue__goes_on_with_a_cut_answer(void **state)
{
	start();
	rig_line(&r, "count");
	scripted_say(&r.backend, "one two");
	scripted_done(&r.backend, LLM_LENGTH);
	rig_turn(&r);
	rig_shows(&r, "/continue goes on");
	rig_line(&r, "/continue");
	assert_true(r.backend.reply->unfinished);
	request_is(2, "one two");
	scripted_say(&r.backend, " three");
	scripted_done(&r.backend, LLM_STOP);
	rig_turn(&r);
	rig_shows(&r, "one two three");
	rig_hides(&r, "/continue goes on");
}

static void
undo__gives_the_message_back(void **state)
{
	start();
	exchange("first", "Answer one");
	exchange("second", "Answer two");
	rig_line(&r, "/undo");
	assert_string_equal(ui_input(r.ui), "second");
	rig_hides(&r, "Answer two");
	rig_shows(&r, "Answer one");
	rig_keys(&r, " try\r");
	request_is(3, "second try");
}

static void
undo__of_the_first_message__empties_the_meter(void **state)
{
	start();
	exchange("first", "Answer one");
	rig_shows(&r, "11/1000");
	rig_line(&r, "/undo");
	assert_string_equal(ui_input(r.ui), "first");
	rig_shows(&r, "0/1000");
}

static void
edit__n__takes_back_the_nth_from_the_end(void **state)
{
	start();
	exchange("first", "Answer one");
	exchange("second", "Answer two");
	exchange("third", "Answer three");
	rig_line(&r, "/edit 2");
	assert_string_equal(ui_input(r.ui), "second");
	rig_shows(&r, "Answer one");
	rig_hides(&r, "Answer two");
	rig_shows(&r, "What came after it is kept: /branch goes back to it");
	rig_keys(&r, " try\r");
	request_is(3, "second try");
	scripted_say(&r.backend, "Answer four");
	rig_turn(&r);
	rig_line(&r, "/branch");
	rig_shows(&r, "6 messages");
	rig_shows(&r, "in view · 4 messages");
}

static void
edit__alone__lets_one_choose(void **state)
{
	start();
	exchange("first", "Answer one");
	exchange("second\nwith a line more", "Answer two");
	exchange("third", "Answer three");
	rig_line(&r, "/edit");
	rig_shows(&r, "Your messages");
	rig_keys(&r, "sec");
	rig_shows(&r, "with a line more");	/* the preview */
	rig_keys(&r, "\r");
	assert_string_equal(ui_input(r.ui), "second\nwith a line more");
	rig_hides(&r, "Answer two");
	rig_shows(&r, "Answer one");
}

static void
edit__of_what_is_not_there__says_what_is(void **state)
{
	start();
	rig_line(&r, "/edit");
	rig_shows(&r, "There is no message of yours to edit yet");
	exchange("first", "Answer one");
	refused("/edit 2", "There is one message of yours: /edit takes nothing, or 1");
	exchange("second", "Answer two");
	refused("/edit 0", "There are 2 messages of yours: /edit takes a number from 1, the last, to 2");
}

/* ---- models ---- */

static void
model__switch__says_what_it_costs(void **state)
{
	home_write("other.gguf", "x");
	start();
	exchange("hi", "Hello");
	rig_line(&r, "/model other");
	rig_shows(&r, "other · Q8_0");
	rig_shows(&r, "reads the whole conversation anew (20 tokens)");
	exchange("again", "From the other");
	request_is(3, "again");
	rig_file_has(&r, "model: other");
}

static void
model__switch_while_generating__waits_for_the_answer(void **state)
{
	home_write("other.gguf", "x");
	start();
	rig_line(&r, "hi");
	rig_line(&r, "/model other");
	assert_int_equal(r.backend.loads, 1);
	rig_line(&r, "for the other");
	scripted_say(&r.backend, "Hello");
	scripted_done(&r.backend, LLM_STOP);
	rig_turn(&r);
	assert_int_equal(r.backend.loads, 2);
	assert_string_equal(r.c.model.name, "other");
	assert_int_equal(r.backend.replies, 2);
	request_is(3, "for the other");
}

static void
model__two_choices_while_loading__the_last_one_comes(void **state)
{
	home_write("other.gguf", "x");
	home_write("third.gguf", "x");
	start();
	r.backend.hold_load = true;
	rig_line(&r, "/model other");
	rig_line(&r, "/model guide");
	rig_line(&r, "/model third");
	rig_line(&r, "for the third");
	assert_int_equal(r.backend.loads, 2);
	scripted_loaded(&r.backend);
	rig_turn(&r);
	assert_string_equal(r.backend.load->name, "third");
	assert_int_equal(r.backend.replies, 0);
	scripted_loaded(&r.backend);
	rig_turn(&r);
	assert_string_equal(r.c.model.name, "third");
	request_is(1, "for the third");
}

static void
model__regen_while_loading__comes_when_it_is_there(void **state)
{
	home_write("other.gguf", "x");
	start();
	exchange("hello", "From the guide.");
	r.backend.hold_load = true;
	rig_line(&r, "/model other");
	rig_line(&r, "/regen");
	assert_int_equal(r.backend.replies, 1);
	scripted_loaded(&r.backend);
	rig_turn(&r);
	assert_int_equal(r.backend.replies, 2);
	scripted_say(&r.backend, "From the other.");
	scripted_done(&r.backend, LLM_STOP);
	rig_turn(&r);
	rig_shows(&r, "2/2");
}

static void
resume__without_its_model__another_stands_in(void **state)
{
	char *path;

	home_write("other.gguf", "x");
	start();
	rig_line(&r, "/model other");
	exchange("hello", "From the other.");
	path = xstrdup(session_path(r.c.session));
	rig_release(&r);
	assert_int_equal(unlink("other.gguf"), 0);
	rig_init(&r, NULL, NULL);
	rig_start(&r, path, NULL);
	rig_shows(&r, "which is not here");
	rig_shows(&r, "guide answers for now");
	assert_string_equal(r.c.model.name, "guide");
	/* The stand-in is not remembered: with the file back, the chat has its model again. */
	rig_release(&r);
	home_write("other.gguf", "x");
	rig_init(&r, NULL, NULL);
	rig_start(&r, path, NULL);
	assert_string_equal(r.c.model.name, "other");
	free(path);
}

static void
start__system_option__replaces_that_of_a_resumed_chat(void **state)
{
	char *path;

	start();
	exchange("hello", "Hello.");
	path = xstrdup(session_path(r.c.session));
	rig_release(&r);
	rig_init(&r, NULL, NULL);
	r.c.o.system = "Be brief.";
	rig_start(&r, path, NULL);
	rig_line(&r, "more");
	assert_string_equal(r.backend.reply->messages[0].text, "Be brief.");
	free(path);
}

static void
session__open_elsewhere__can_only_be_read(void **state)
{
	struct session *first;
	char *path;
	struct err e;

	start();
	exchange("hello", "Hello.");
	path = xstrdup(session_path(r.c.session));
	rig_release(&r);
	first = session_load(path, &e);
	rig_init(&r, NULL, NULL);
	rig_start(&r, path, NULL);
	rig_shows(&r, "can only be read here");
	rig_line(&r, "not to be lost");
	assert_string_equal(ui_input(r.ui), "not to be lost");
	assert_int_equal(r.backend.replies, 0);
	rig_line(&r, "\025/regen");
	assert_int_equal(r.backend.replies, 0);
	session_free(first);
	free(path);
}

static void
model__refused__the_model_before_stays(void **state)
{
	home_write("broken.gguf", "x");
	start();
	r.backend.refuse = "broken";
	rig_line(&r, "/model broken");
	rig_shows(&r, "cut short");
	rig_shows(&r, "guide · Q8_0");
	exchange("hi", "Hello");
	rig_line(&r, "/model nothing-like-it");
	rig_shows(&r, "No model \"nothing-like-it\"");
	assert_string_equal(ui_input(r.ui), "/model nothing-like-it");
}

static void
model__picker__tells_what_is_under_the_cursor(void **state)
{
	home_write("model.safetensors", "not a model");
	start();
	rig_line(&r, "/model");
	rig_shows(&r, "parameters");		/* of the guide, which answers now */
	rig_shows(&r, "template llama-2");
	rig_shows(&r, ": fits");
	rig_shows(&r, "not usable");
	rig_keys(&r, "safetensors");
	rig_shows(&r, "not a GGUF file");
}

static void
model__picker__two_of_one_file__takes_the_chosen_one(void **state)
{
	home_write("m.gguf", "x");
	rig_init(&r, "models: [{name: calm, path: m.gguf, sampling: {temperature: 0.2}}, "
		"{name: wild, path: m.gguf, sampling: {temperature: 1.5}}]\n", NULL);
	rig_start(&r, NULL, NULL);
	rig_line(&r, "/model");
	rig_keys(&r, "wild\r");
	assert_string_equal(r.backend.load->name, "wild");
	assert_true(r.backend.load->settings.sampling.temperature > 1);
}

static void
model__loaded_into_an_empty_chat__the_guide_leaves_it(void **state)
{
	home_write("other.gguf", "x");
	start();
	rig_shows(&r, "This is the guide");
	rig_line(&r, "/model other");
	rig_hides(&r, "This is the guide");
}

static void
set__context__loads_again(void **state)
{
	start();
	rig_line(&r, "/set context 256");
	assert_int_equal(r.backend.loads, 2);
	assert_int_equal(r.backend.load->settings.context, 256);
	rig_line(&r, "/set temperature 9");
	rig_shows(&r, "Temperature cannot be \"9\": it must be 0..2");
	rig_line(&r, "\025/set temprature 1");
	rig_shows(&r, "There is no setting \"temprature\"; did you mean");
	rig_line(&r, "\025/set temperature 0.25");
	rig_line(&r, "hi");
	assert_float_equal(r.backend.reply->sampling.temperature, 0.25, 1e-6);
}

static void
system__in_mid_chat(void **state)
{
	start();
	exchange("hi", "Hello");
	rig_line(&r, "/system Talk like a pirate.");
	rig_shows(&r, "Talk like a pirate.");
	rig_line(&r, "again");
	assert_int_equal(r.backend.reply->messages[0].role, ROLE_SYSTEM);
	assert_string_equal(r.backend.reply->messages[0].text, "Talk like a pirate.");
	scripted_done(&r.backend, LLM_STOP);
	rig_turn(&r);
	rig_line(&r, "/system none");
	rig_line(&r, "more");
	assert_int_equal(r.backend.reply->messages[0].role, ROLE_USER);
}

/* ---- context ---- */

static void
context__older_messages_leave__is_said_once(void **state)
{
	start();
	exchange("first", "Answer one");
	exchange("second", "Answer two");
	rig_line(&r, "third");
	r.backend.stats.evicted_messages = 2;
	scripted_say(&r.backend, "Answer");
	rig_turn(&r);
	rig_shows(&r, "no longer seen by the model");
	rig_shows(&r, "no longer fits");
	scripted_done(&r.backend, LLM_STOP);
	rig_turn(&r);
	assert_int_equal(controller_first_seen(&r.c), 3);
	rig_line(&r, "/rename x");
	rig_shows(&r, "no longer seen by the model");
}

static void
context__turn_too_long__comes_back_into_the_input(void **state)
{
	start();
	exchange("first", "Answer one");
	rig_line(&r, "much too long");
	scripted_fail(&r.backend, ERR_FIT, "the last message takes 70 tokens more than fit");
	rig_turn(&r);
	rig_shows(&r, "70 tokens more");
	assert_string_equal(ui_input(r.ui), "much too long");
	assert_int_equal(r.c.phase, PHASE_IDLE);
	rig_keys(&r, "\025short\r");
	request_is(3, "short");
}

static void
context__delimiters_in_a_text__are_said_once(void **state)
{
	start();
	rig_line(&r, "x [/INST] y");
	r.backend.stats.n_defused = 1;
	scripted_say(&r.backend, "a");
	rig_turn(&r);
	rig_shows(&r, "sent as plain text");
	assert_true(r.c.said_defused);
}

static void
answer__failure__is_said_and_can_be_tried_again(void **state)
{
	start();
	rig_line(&r, "hi");
	scripted_fail(&r.backend, ERR_BACKEND, "the engine has stumbled");
	rig_turn(&r);
	rig_shows(&r, "the engine has stumbled");
	rig_line(&r, "/regen");
	request_is(1, "hi");
}

/* ---- commands ---- */

static void
command__unknown__names_the_nearest_and_comes_back(void **state)
{
	start();
	rig_line(&r, "/regne now");
	rig_shows(&r, "did you mean /regen?");
	assert_string_equal(ui_input(r.ui), "/regne now");
	assert_int_equal(r.backend.replies, 0);
}

static void
command__palette__runs_what_is_chosen(void **state)
{
	start();
	rig_keys(&r, "\020");		/* Ctrl-P */
	rig_shows(&r, "begin another chat");
	rig_keys(&r, "context");
	rig_keys(&r, "\r");
	rig_shows(&r, "the model was trained with");
}

static void
command__help__has_every_command(void **state)
{
	start();
	rig_keys(&r, "\033OP");		/* F1 */
	rig_shows(&r, "Help");
	rig_keys(&r, "q");
	rig_hides(&r, "Commands");
}

static void
context__first_turn_too_long__leaves_no_chat_behind(void **state)
{
	char *path, *draft;

	start();
	rig_line(&r, "much too long");
	path = xstrdup(session_path(r.c.session));
	scripted_fail(&r.backend, ERR_FIT, "the last message takes 70 tokens more than fit");
	rig_turn(&r);
	assert_int_equal(access(path, F_OK), -1);
	assert_string_equal(ui_input(r.ui), "much too long");
	draft = xasprintf("state/drafts/new.%ld", (long)getpid());
	assert_int_equal(access(draft, F_OK), 0);
	rig_keys(&r, "\025short\r");
	rig_shows(&r, "short");
	rig_file_has(&r, "title: \"short\"");
	free(draft);
	free(path);
}

static void
branch__all_taken_back__shows_the_ends_of_the_chat(void **state)
{
	char *path;

	start();
	exchange("first", "Answer one");
	exchange("second", "Answer two");
	rig_line(&r, "/undo");
	rig_keys(&r, "\025/undo\r");
	rig_keys(&r, "\025");
	rig_shows(&r, "/branch shows them");
	path = xstrdup(session_path(r.c.session));
	rig_release(&r);
	rig_init(&r, NULL, NULL);
	rig_start(&r, path, NULL);
	rig_shows(&r, "All messages of this chat were taken back. /branch shows them.");
	rig_line(&r, "/branch");
	rig_shows(&r, "Versions of this chat");
	rig_shows(&r, "4 messages · just now");
	rig_shows(&r, "Answer two");		/* the preview */
	rig_keys(&r, "\r");
	rig_shows(&r, "Answer one");
	rig_shows(&r, "Answer two");
	rig_hides(&r, "/branch shows them");
	free(path);
}

static void
branch__outer_and_inner_fork__all_ends_are_there(void **state)
{
	start();
	exchange("What is Llama 2?", "Answer A");
	rig_line(&r, "/undo");
	rig_keys(&r, "\025");
	exchange("What is GGUF?", "Answer B");
	rig_line(&r, "/branch prev");
	rig_line(&r, "/regen");
	scripted_say(&r.backend, "Answer C");
	rig_turn(&r);
	rig_line(&r, "/branch");		/* looking stops nothing */
	rig_shows(&r, "in view · 2 messages");
	assert_int_equal(r.backend.cancels, 0);
	rig_keys(&r, "gguf");
	rig_hides(&r, "in view");
	scripted_done(&r.backend, LLM_STOP);
	rig_turn(&r);
	rig_keys(&r, "\r");
	rig_shows(&r, "Answer B");
	rig_hides(&r, "Answer C");
}

static void
figures__of_a_short_time__claim_nothing(void **state)
{
	char out[32];

	chat_view_rate(5750, 0.004, out);
	assert_string_equal(out, "");
	chat_view_rate(0, 3, out);
	assert_string_equal(out, "");
	chat_view_rate(12.25, 0.2, out);
	assert_string_equal(out, "12.2 tok/s");
	chat_view_rate(99.97, 3, out);
	assert_string_equal(out, "100 tok/s");
	chat_view_seconds(0.004, out);
	assert_string_equal(out, "<0.1 s");
	chat_view_seconds(8.31, out);
	assert_string_equal(out, "8.3 s");
	start();
	rig_line(&r, "hello");
	r.backend.stats.first_token_seconds = 0.01;
	r.backend.stats.total_seconds = 0.015;
	scripted_say(&r.backend, "One ");
	scripted_say(&r.backend, "two");
	rig_turn(&r);
	rig_shows(&r, "generating  ");
	scripted_done(&r.backend, LLM_STOP);
	rig_turn(&r);
	rig_shows(&r, " 2 tokens · <0.1 s");
	rig_hides(&r, "tok/s");
}

static void
start__with_other_models__the_guide_says_where_they_are(void **state)
{
	home_write("one.gguf", "x");
	home_write("two.gguf", "x");
	home_write("model.safetensors", "not a model");
	start();
	rig_shows(&r, "This is the guide, a tiny model. /model offers 2 others found here");
	rig_hides(&r, "hum -m FILE.gguf");
}

static uint64_t
seed_of_regen(const char *answer)
{
	uint64_t seed;

	rig_line(&r, "/regen");
	seed = r.backend.reply->seed;
	scripted_say(&r.backend, answer);
	scripted_done(&r.backend, LLM_STOP);
	rig_turn(&r);
	return seed;
}

static void
regen__with_a_seed__takes_the_next_that_is_new(void **state)
{
	start();
	rig_line(&r, "/set seed 7");
	exchange("question", "Answer A");
	assert_int_equal(r.backend.reply->seed, 7);
	assert_int_equal(seed_of_regen("Answer B"), 8);
	assert_int_equal(seed_of_regen("Answer C"), 9);
	rig_line(&r, "/set temperature 1");
	assert_int_equal(seed_of_regen("Answer D"), 7);	/* what differs is the temperature alone */
	rig_line(&r, "/set temperature 0");
	assert_int_equal(seed_of_regen("Answer E"), 7);
	assert_int_equal(seed_of_regen("Answer E"), 7);
	rig_shows(&r, "The same text as answer 5: temperature 0");
	exchange("another question", "Answer A");
	assert_int_equal(r.backend.reply->seed, 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CHAT_TEST(start__without_a_model__opens_on_the_guide),
		CHAT_TEST(start__with_other_models__the_guide_says_where_they_are),
		CHAT_TEST(start__config_model__is_loaded_with_its_settings),
		CHAT_TEST(start__model_that_is_missing__is_said_and_the_guide_answers),
		CHAT_TEST(start__model_that_took_the_program_down__is_not_loaded_again),
		CHAT_TEST(start__text_sent_while_loading__waits),
		CHAT_TEST(send__turn_is_on_disk_before_the_backend_hears_of_it),
		CHAT_TEST(send__answer_streams_to_screen_and_disk),
		CHAT_TEST(send__two_slashes__send_one),
		CHAT_TEST(figures__of_a_short_time__claim_nothing),
		CHAT_TEST(send__several_lines__are_one_message),
		CHAT_TEST(stop__esc__keeps_what_was_said),
		CHAT_TEST(stop__ctrl_c__before_the_first_word),
		CHAT_TEST(stop__load__the_model_before_stays),
		CHAT_TEST(quit__ctrl_c_asks_once),
		CHAT_TEST(quit__while_generating__keeps_the_partial_answer),
		CHAT_TEST(queue__text_sent_while_generating__goes_next),
		CHAT_TEST(queue__esc__takes_it_back),
		CHAT_TEST(regen__keeps_the_old_answer_as_a_sibling),
		CHAT_TEST(regen__of_nothing__is_said),
		CHAT_TEST(regen__with_a_seed__takes_the_next_that_is_new),
		CHAT_TEST(continue__goes_on_with_a_cut_answer),
		CHAT_TEST(undo__gives_the_message_back),
		CHAT_TEST(undo__of_the_first_message__empties_the_meter),
		CHAT_TEST(edit__n__takes_back_the_nth_from_the_end),
		CHAT_TEST(edit__alone__lets_one_choose),
		CHAT_TEST(edit__of_what_is_not_there__says_what_is),
		CHAT_TEST(branch__all_taken_back__shows_the_ends_of_the_chat),
		CHAT_TEST(branch__outer_and_inner_fork__all_ends_are_there),
		CHAT_TEST(model__switch__says_what_it_costs),
		CHAT_TEST(model__switch_while_generating__waits_for_the_answer),
		CHAT_TEST(model__two_choices_while_loading__the_last_one_comes),
		CHAT_TEST(model__regen_while_loading__comes_when_it_is_there),
		CHAT_TEST(resume__without_its_model__another_stands_in),
		CHAT_TEST(start__system_option__replaces_that_of_a_resumed_chat),
		CHAT_TEST(session__open_elsewhere__can_only_be_read),
		CHAT_TEST(model__refused__the_model_before_stays),
		CHAT_TEST(model__picker__tells_what_is_under_the_cursor),
		CHAT_TEST(model__picker__two_of_one_file__takes_the_chosen_one),
		CHAT_TEST(model__loaded_into_an_empty_chat__the_guide_leaves_it),
		CHAT_TEST(set__context__loads_again),
		CHAT_TEST(system__in_mid_chat),
		CHAT_TEST(context__older_messages_leave__is_said_once),
		CHAT_TEST(context__turn_too_long__comes_back_into_the_input),
		CHAT_TEST(context__first_turn_too_long__leaves_no_chat_behind),
		CHAT_TEST(context__delimiters_in_a_text__are_said_once),
		CHAT_TEST(answer__failure__is_said_and_can_be_tried_again),
		CHAT_TEST(command__unknown__names_the_nearest_and_comes_back),
		CHAT_TEST(command__palette__runs_what_is_chosen),
		CHAT_TEST(command__help__has_every_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
