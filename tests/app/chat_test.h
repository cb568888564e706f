/* A test of the chat as a user has it: a rig with a HOME of its own, and what most tests begin with. */
#ifndef TESTS_APP_CHAT_TEST_H
#define TESTS_APP_CHAT_TEST_H

#include "tests/app/home.h"
#include "tests/app/scripted.h"

static struct rig r;

static inline int
chat_setup(void **state)
{
	return home_setup(state);
}

static inline int
chat_teardown(void **state)
{
	unsetenv("VISUAL");
	rig_release(&r);
	return home_teardown(state);
}

static inline void
start(void)
{
	rig_init(&r, NULL, NULL);
	rig_start(&r, NULL, NULL);
}

/* A question and its whole answer. */
static inline void
exchange(const char *question, const char *answer)
{
	rig_line(&r, question);
	scripted_say(&r.backend, answer);
	scripted_done(&r.backend, LLM_STOP);
	rig_turn(&r);
}

/* The line comes back, the reason goes away by itself. */
static inline void
refused(const char *line, const char *reason)
{
	rig_line(&r, line);
	assert_string_equal(ui_input(r.ui), line);
	rig_shows(&r, reason);
	rig_keys(&r, "\025");
	rig_hides(&r, reason);
}

#define CHAT_TEST(name) cmocka_unit_test_setup_teardown(name, chat_setup, chat_teardown)

#endif
