#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/xalloc.h"
#include "engine/window.h"
#include "tests/engine/tiny_model.h"

enum { CONTEXT = 200, RESERVE = 25, MAX_MSGS = 400 };

static struct strbuf file = STRBUF_INIT;
static struct gguf *gguf;
static struct vocab *vocab;

static int
setup(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_Q8_0);
	struct err e;

	tiny_model_memory(&t, &file);
	gguf = gguf_parse((const uint8_t *)file.s, file.len, &e);
	vocab = gguf ? vocab_new(gguf, &e) : NULL;
	return vocab ? 0 : -1;
}

static int
teardown(void **state)
{
	vocab_free(vocab);
	gguf_free(gguf);
	strbuf_release(&file);
	return 0;
}

/* A system message, then `turns` turns of which the last has no answer, each pair with words of its
 * own. */
struct talk {
	struct chat_message msg[MAX_MSGS];
	char *text[MAX_MSGS];
	size_t n;
};

static void
say(struct talk *t, enum chat_role role, char *text)
{
	t->text[t->n] = text;
	t->msg[t->n++] = (struct chat_message){ .role = role, .text = text };
}

static void
talk_init(struct talk *t, bool system, size_t turns)
{
	t->n = 0;
	if (system)
		say(t, ROLE_SYSTEM, xstrdup("you hum"));
	for (size_t i = 0; i < turns; i++) {
		say(t, ROLE_USER, xasprintf("hello %zu", i));
		if (i + 1 < turns)
			say(t, ROLE_ASSISTANT, xasprintf("the llama is %zu", i));
	}
}

static void
talk_release(struct talk *t)
{
	while (t->n)
		free(t->text[--t->n]);
}

static struct window_ask
ask_for(const struct talk *t)
{
	return (struct window_ask){
		.template = template_find("llama-2"), .vocab = vocab, .msgs = t->msg,
			.n_msgs = t->n,
		.context = CONTEXT, .reserve = RESERVE,
	};
}

/* The prompt; it must be what the conversation without the evicted messages encodes to. */
static size_t
fit(struct window *w, const struct talk *t)
{
	struct window_ask a = ask_for(t);
	size_t first = t->msg[0].role == ROLE_SYSTEM, left;
	struct chat_message some[MAX_MSGS];
	struct token_list got = { 0 }, want = { 0 };
	struct err e = { 0 };

	if (window_fit(w, &a, &got, NULL, &e) < 0)
		fail_msg("%s", e.text);
	left = t->n - w->evicted;
	memcpy(some, t->msg, first * sizeof *some);
	memcpy(some + first, t->msg + first + w->evicted, (left - first) * sizeof *some);
	assert_int_equal(template_encode(a.template, vocab, some, left, false, &want, NULL, NULL,
		&e), 0);
	assert_int_equal(got.n, want.n);
	assert_memory_equal(got.id, want.id, got.n * sizeof *got.id);
	left = got.n;
	token_list_release(&got);
	token_list_release(&want);
	return left;
}

static void
window__fit__everything_while_there_is_room(void **state)
{
	struct window w = { 0 };
	struct talk t;

	talk_init(&t, true, 2);
	assert_true(fit(&w, &t) <= CONTEXT - RESERVE);
	assert_int_equal(w.evicted, 0);
	talk_release(&t);
}

/* As a conversation grows: pairs leave in steps, what is left is about 60 %, and nothing comes
 * back. */
static void
window__fit__leaves_in_steps(void **state)
{
	for (int system = 0; system < 2; system++) {
		struct window w = { 0 };
		size_t before = 0, steps = 0;

		for (size_t turns = 1; turns < 80; turns++) {
			struct talk t;
			size_t n;

			talk_init(&t, system, turns);
			n = fit(&w, &t);
			assert_true(n <= CONTEXT - RESERVE);
			assert_true(w.evicted >= before && w.evicted % 2 == 0);
			if (w.evicted > before) {
				steps++;
				assert_in_range(n, CONTEXT * 4 / 10, CONTEXT * 6 / 10);
			}
			before = w.evicted;
			talk_release(&t);
		}
		assert_in_range(steps, 5, 40);
		assert_true(w.evicted > 100);
	}
}

/* Once more with the same messages, as to regenerate: the same prompt. */
static void
window__fit__again_is_the_same(void **state)
{
	struct window w = { 0 };
	struct talk t;
	size_t n, evicted;

	talk_init(&t, true, 30);
	n = fit(&w, &t);
	evicted = w.evicted;
	assert_true(evicted > 0);
	assert_int_equal(fit(&w, &t), n);
	assert_int_equal(w.evicted, evicted);
	talk_release(&t);
}

/* Back to an earlier point where everything fits: then everything is there. */
static void
window__fit__all_comes_back_when_it_fits(void **state)
{
	struct window w = { 0 };
	struct talk t;

	talk_init(&t, true, 30);
	fit(&w, &t);
	talk_release(&t);
	talk_init(&t, true, 3);
	fit(&w, &t);
	assert_int_equal(w.evicted, 0);
	talk_release(&t);
}

/* One turn back, where not all fits: what left stays away, so that the cache still serves. */
static void
window__fit__undo_keeps_the_window(void **state)
{
	struct window w = { 0 };
	struct talk t;
	size_t evicted;

	for (size_t turns = 1; turns < 25; turns++) {
		talk_init(&t, true, turns);
		fit(&w, &t);
		talk_release(&t);
	}
	evicted = w.evicted;
	assert_true(evicted > 0);
	talk_init(&t, true, 23);
	fit(&w, &t);
	assert_int_equal(w.evicted, evicted);
	talk_release(&t);
}

/* One turn back from the first that did not fit: enough is there for what left, but all of it fits
 * again. */
static void
window__fit__back_before_the_first_step(void **state)
{
	struct window w = { 0 };
	size_t turns = 0;
	struct talk t;

	while (w.evicted == 0) {
		talk_init(&t, true, ++turns);
		fit(&w, &t);
		talk_release(&t);
	}
	assert_true(w.evicted < 2 * (turns - 2));
	talk_init(&t, true, turns - 1);
	fit(&w, &t);
	assert_int_equal(w.evicted, 0);
	talk_release(&t);
}

/* Another system prompt: what left of the old conversation does not count. */
static void
window__fit__another_conversation_starts_afresh(void **state)
{
	struct window w = { 0 }, fresh;
	size_t turns = 0;
	struct talk t;

	do {	/* until what is remembered is not what a fresh start gives */
		talk_init(&t, true, ++turns);
		fresh = (struct window){ 0 };
		fit(&w, &t);
		fit(&fresh, &t);
		talk_release(&t);
	} while (w.evicted == fresh.evicted);
	talk_init(&t, true, turns);
	t.msg[0].text = "yhu mou";
	fit(&w, &t);
	assert_int_equal(w.evicted, fresh.evicted);
	talk_release(&t);
}

/* The last turn is larger than what is left at 60 %: all older ones leave, and the answer gets what
 * remains. */
static void
window__fit__a_large_last_turn(void **state)
{
	struct window w = { 0 };
	struct talk t;
	char big[150];

	talk_init(&t, true, 10);
	memset(big, '!', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	t.msg[t.n - 1].text = big;
	assert_in_range(fit(&w, &t), CONTEXT - RESERVE + 1, CONTEXT - 1);
	assert_int_equal(w.evicted, 18);
	talk_release(&t);
}

static void
window__fit__says_by_how_much_it_does_not_fit(void **state)
{
	struct token_list ids = { 0 };
	struct window w = { 0 };
	struct window_ask a;
	struct err e = { 0 };
	char big[600], want[64];
	struct talk t;

	talk_init(&t, true, 5);
	memset(big, '!', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	t.msg[t.n - 1].text = big;
	a = ask_for(&t);
	assert_int_equal(window_fit(&w, &a, &ids, NULL, &e), -1);
	assert_int_equal(e.code, ERR_FIT);
	snprintf(want, sizeof want, "%zu more", ids.n - CONTEXT + 1);
	assert_non_null(strstr(e.text, want));
	assert_int_equal(w.evicted, 0);
	token_list_release(&ids);
	talk_release(&t);
}

/* A cancel comes before what would be said of the length, and leaves the window as it was. */
static void
window__fit__ends_when_cancelled(void **state)
{
	atomic_bool cancel = true;
	struct window w = { 0 }, before;
	struct token_list ids = { 0 };
	struct window_ask a;
	struct err e = { 0 };
	struct talk t;

	talk_init(&t, true, 30);
	fit(&w, &t);
	before = w;
	talk_release(&t);
	talk_init(&t, true, 90);
	a = ask_for(&t);
	a.cancel = &cancel;
	assert_int_equal(window_fit(&w, &a, &ids, NULL, &e), -1);
	assert_int_equal(e.code, ERR_INTERRUPTED);
	assert_memory_equal(&w, &before, sizeof w);
	cancel = false;
	assert_int_equal(window_fit(&w, &a, &ids, NULL, &e), 0);
	token_list_release(&ids);
	talk_release(&t);
}

static void
window__fit__unfinished_answers_stay_with_their_turn(void **state)
{
	struct token_list ids = { 0 };
	struct window w = { 0 };
	struct window_ask a;
	struct talk t;

	talk_init(&t, true, 30);
	say(&t, ROLE_ASSISTANT, xstrdup("it is"));
	a = ask_for(&t);
	a.unfinished = true;
	assert_int_equal(window_fit(&w, &a, &ids, NULL, NULL), 0);
	assert_true(w.evicted > 0 && w.evicted % 2 == 0 && w.evicted <= 58);
	token_list_release(&ids);
	talk_release(&t);
}

static void
window__fit__refuses_what_is_no_conversation(void **state)
{
	static const enum chat_role bad[][3] = {
		{ ROLE_ASSISTANT, ROLE_USER, ROLE_USER }, { ROLE_USER, ROLE_USER, ROLE_USER },
		{ ROLE_SYSTEM, ROLE_SYSTEM, ROLE_USER }, { ROLE_USER, ROLE_SYSTEM, ROLE_USER },
	};
	struct token_list ids = { 0 };
	struct window w = { 0 };
	struct talk t = { .n = 0 };
	struct window_ask a;
	struct err e;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		for (size_t k = 0; k < 3; k++)
			say(&t, bad[i][k], xstrdup("hum"));
		a = ask_for(&t);
		assert_int_equal(window_fit(&w, &a, &ids, NULL, &e), -1);
		assert_int_equal(e.code, ERR_USAGE);
		talk_release(&t);
	}
	a = ask_for(&t);
	assert_int_equal(window_fit(&w, &a, &ids, NULL, &e), -1);
	assert_int_equal(e.code, ERR_USAGE);
	token_list_release(&ids);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(window__fit__everything_while_there_is_room),
		cmocka_unit_test(window__fit__leaves_in_steps),
		cmocka_unit_test(window__fit__again_is_the_same),
		cmocka_unit_test(window__fit__all_comes_back_when_it_fits),
		cmocka_unit_test(window__fit__undo_keeps_the_window),
		cmocka_unit_test(window__fit__back_before_the_first_step),
		cmocka_unit_test(window__fit__another_conversation_starts_afresh),
		cmocka_unit_test(window__fit__a_large_last_turn),
		cmocka_unit_test(window__fit__says_by_how_much_it_does_not_fit),
		cmocka_unit_test(window__fit__ends_when_cancelled),
		cmocka_unit_test(window__fit__unfinished_answers_stay_with_their_turn),
		cmocka_unit_test(window__fit__refuses_what_is_no_conversation),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
