/*
 * Turn by turn: an answer stands in later prompts as the tokens it was written in, so that nothing in the cache is
 * processed again. The model begins its answers with a lone U+2581, as Llama-2-Chat does, which is in no text.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/xalloc.h"
#include "engine/llm.h"
#include "tests/engine/tiny_model.h"

#define SP "\xe2\x96\x81"

enum { CONTEXT = 160, MAX_MSGS = 64 };

/* "]" is what every prompt ends with. */
static const char *const greets[][2] = {
	{ "]", SP }, { SP, SP "hello" }, { SP "hello", "w" }, { "w", "o" }, { "o", SP "world" },
	{ SP "world", "</s>" }, { NULL, NULL },
};

static const char *const imitates[][2] = {
	{ "]", SP }, { SP, SP "hello" }, { SP "hello", "[" }, { "[", "INST" }, { "INST", "]" },
	{ NULL, NULL },
};

static const char *const says_control[][2] = {
	{ "]", SP }, { SP, SP "hello" }, { SP "hello", "<s>" }, { "<s>", SP "world" },
	{ SP "world", "</s>" }, { NULL, NULL },
};

/* A conversation with a model that keeps to a script. */
struct rig {
	struct strbuf file, text;
	struct llm *llm;
	struct llm_chat *c;
	struct chat_message msg[MAX_MSGS];
	char *said[MAX_MSGS];
	size_t n;
	struct llm_reply_opts o;
	enum llm_finish finish;
	struct llm_stats stats;
	size_t pieces, cancel_at;	/* 0: never */
};

static struct llm_chat *
new_chat(const struct rig *r)
{
	struct llm_chat_opts o = { .context = CONTEXT, .threads = 1 };
	struct llm_chat *c = llm_chat_new(r->llm, &o, NULL);

	assert_non_null(c);
	return c;
}

static void
on_text(void *ctx, const char *text, size_t len, const struct llm_stats *s)
{
	struct rig *r = ctx;

	strbuf_add(&r->text, text, len);
	if (++r->pieces == r->cancel_at)
		llm_cancel(r->c);
}

static void
rig_init_with(struct rig *r, const char *template, const char *const (*script)[2], const char *control)
{
	struct llm_open_opts open = { .template_name = template };
	struct tiny_model t = tiny_model_of(QUANT_F32);
	struct err e;

	*r = (struct rig){ .file = STRBUF_INIT, .text = STRBUF_INIT, .o = { .max_tokens = 20 } };
	r->o.sampling.top_p = r->o.sampling.typical_p = r->o.sampling.repeat_penalty = 1;
	r->o.on_text = on_text;
	r->o.ctx = r;
	t.script = script;
	t.controls[0] = control;
	t.n_ctx = CONTEXT;
	tiny_model_memory(&t, &r->file);
	r->llm = llm_open_memory(r->file.s, r->file.len, "script", &open, &e);
	if (!r->llm)
		fail_msg("%s", e.text);
	r->c = new_chat(r);
}

static void
rig_init(struct rig *r, const char *template, const char *const (*script)[2])
{
	rig_init_with(r, template, script, NULL);
}

static void
rig_release(struct rig *r)
{
	while (r->n)
		free(r->said[--r->n]);
	llm_chat_free(r->c);
	llm_close(r->llm);
	strbuf_release(&r->file);
	strbuf_release(&r->text);
}

static void
add(struct rig *r, enum chat_role role, const char *text)
{
	assert_true(r->n < MAX_MSGS);
	r->said[r->n] = xstrdup(text);
	r->msg[r->n] = (struct chat_message){ .role = role, .text = r->said[r->n] };
	r->n++;
}

/* Replaces the last message's text. */
static void
edit(struct rig *r, const char *text)
{
	enum chat_role role = r->msg[r->n - 1].role;

	free(r->said[--r->n]);
	add(r, role, text);
}

static void
reply(struct rig *r)
{
	struct err e;

	strbuf_reset(&r->text);
	r->pieces = 0;
	if (llm_reply(r->c, r->msg, r->n, &r->o, &r->finish, &r->stats, &e) < 0)
		fail_msg("%s", e.text);
}

/* A question and its answer; what is in the cache then is returned, whole prompt and whole answer. */
static size_t
turn(struct rig *r, const char *question)
{
	add(r, ROLE_USER, question);
	reply(r);
	add(r, ROLE_ASSISTANT, r->text.s);
	return r->stats.prompt_tokens + r->stats.answer_tokens;
}

static size_t
count(struct llm_chat *c, const struct rig *r)
{
	struct llm_stats s;
	struct err e;

	if (llm_count(c, r->msg, r->n, r->o.max_tokens, &s, &e) < 0)
		fail_msg("%s", e.text);
	return s.prompt_tokens;
}

static void
turns__answer__is_not_processed_again(void **state)
{
	static const char *const formats[] = { "llama-2", "mistral" };

	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		struct rig r;
		size_t known, counted;

		rig_init(&r, formats[i], greets);
		add(&r, ROLE_SYSTEM, "you hum");
		known = turn(&r, "hello");
		assert_int_equal(r.finish, LLM_STOP);
		assert_string_equal(r.text.s, "hellowo world");
		assert_int_equal(r.stats.answer_tokens, 5);
		for (int n = 0; n < 2; n++) {
			add(&r, ROLE_USER, "and you");
			counted = count(r.c, &r);
			reply(&r);
			assert_int_equal(r.stats.prompt_tokens, counted);
			assert_int_equal(r.stats.cached_tokens, known);
			known = r.stats.prompt_tokens + r.stats.answer_tokens;
			add(&r, ROLE_ASSISTANT, r.text.s);
		}
		rig_release(&r);
	}
}

/* Cancelled and gone on with: one answer, whose tokens are those of both parts. */
static void
turns__answer__gone_on_with_after_a_cancel(void **state)
{
	struct rig r;
	size_t first;

	rig_init(&r, "llama-2", greets);
	r.cancel_at = 2;
	first = turn(&r, "hello");
	assert_int_equal(r.finish, LLM_CANCELLED);
	assert_string_equal(r.text.s, "hellow");
	llm_uncancel(r.c);
	r.cancel_at = 0;
	r.o.unfinished = true;
	assert_int_equal(count(r.c, &r), first);
	reply(&r);
	assert_int_equal(r.stats.prompt_tokens, first);
	assert_int_equal(r.stats.cached_tokens, first - 1);
	assert_string_equal(r.text.s, "o world");
	first = r.stats.prompt_tokens + r.stats.answer_tokens;
	edit(&r, "hellowo world");
	r.o.unfinished = false;
	turn(&r, "and you");
	assert_int_equal(r.stats.cached_tokens, first);
	rig_release(&r);
}

/* Of white space alone nothing is written, and the tokens are those of what came. */
static void
turns__answer__begun_anew_after_white_space(void **state)
{
	struct rig r;
	size_t known;

	rig_init(&r, "llama-2", greets);
	add(&r, ROLE_USER, "hello");
	add(&r, ROLE_ASSISTANT, " \n");
	r.o.unfinished = true;
	reply(&r);
	assert_string_equal(r.text.s, "hellowo world");
	known = r.stats.prompt_tokens + r.stats.answer_tokens;
	edit(&r, " \nhellowo world");
	r.o.unfinished = false;
	turn(&r, "and you");
	assert_int_equal(r.stats.cached_tokens, known);
	rig_release(&r);
}

/* As the prompt of a chat that never saw the answer. */
static void
expect_as_text(struct rig *r)
{
	struct llm_chat *fresh = new_chat(r);

	add(r, ROLE_USER, "and you");
	assert_int_equal(count(r->c, r), count(fresh, r));
	reply(r);
	llm_chat_free(fresh);
}

static void
turns__edited_answer__is_encoded(void **state)
{
	struct rig r;
	size_t known;

	rig_init(&r, "llama-2", greets);
	known = turn(&r, "hello");
	edit(&r, "hellowo world ");
	expect_as_text(&r);
	assert_int_equal(r.stats.cached_tokens, known - r.stats.answer_tokens);
	rig_release(&r);
}

/* An answer that was begun by somebody else is no answer of this chat. */
static void
turns__begun_by_others__is_encoded(void **state)
{
	struct rig r;

	rig_init(&r, "llama-2", greets);
	add(&r, ROLE_USER, "hello");
	add(&r, ROLE_ASSISTANT, "hello");
	r.o.unfinished = true;
	reply(&r);
	assert_string_equal(r.text.s, "wo world");
	edit(&r, "hellowo world");
	r.o.unfinished = false;
	expect_as_text(&r);
	rig_release(&r);
}

static void
turns__delimiter_in_an_answer__is_broken_up(void **state)
{
	struct rig r;

	rig_init(&r, "llama-2", imitates);
	r.o.max_tokens = 5;
	turn(&r, "hello");
	assert_string_equal(r.text.s, "hello[INST]");
	assert_int_equal(r.stats.n_defused, 0);
	expect_as_text(&r);
	assert_int_equal(r.stats.n_defused, 1);
	rig_release(&r);
}

static void
turns__control_token_in_an_answer__is_not_repeated(void **state)
{
	struct rig r;

	rig_init(&r, "llama-2", says_control);
	turn(&r, "hello");
	assert_string_equal(r.text.s, "hello world");
	expect_as_text(&r);
	rig_release(&r);
}

/* What comes after the stop string, and the string itself, are no part of the text. */
static void
turns__ended_by_a_stop_string__is_encoded(void **state)
{
	static const char *const stops[][2] = {
		{ ":", SP "hello" }, { SP "hello", "<0x0A>" }, { "<0x0A>", "U" }, { "U", "s" },
		{ "s", "e" }, { "e", "r" }, { "r", ":" }, { NULL, NULL },
	};
	struct rig r;

	rig_init(&r, "falcon", stops);
	turn(&r, "hello");
	assert_int_equal(r.finish, LLM_STOP);
	assert_string_equal(r.text.s, "hello");
	expect_as_text(&r);
	rig_release(&r);
}

/* A marker that is a control token has no text; it ends the answer all the same, which is not cut by it. */
static void
turns__ended_by_a_stop_token__is_not_processed_again(void **state)
{
	static const struct {
		const char *format, *stop;
	} rows[] = { { "chatml", "<|im_start|>" }, { "zephyr", "<|user|>" }, { "zephyr", "<|system|>" } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *const script[][2] = { { "<0x0A>", SP "hello" }, { SP "hello", rows[i].stop },
			{ rows[i].stop, SP "world" }, { NULL, NULL } };
		struct rig r;
		size_t known;

		rig_init_with(&r, rows[i].format, script, rows[i].stop);
		known = turn(&r, "hello");
		assert_int_equal(r.finish, LLM_STOP);
		assert_string_equal(r.text.s, "hello");
		assert_int_equal(r.stats.answer_tokens, 1);
		turn(&r, "and you");
		assert_int_equal(r.stats.cached_tokens, known);
		rig_release(&r);
	}
}

/* While oldest turns leave, those that stay are found in the cache as long as none leaves. */
static void
turns__window__goes_on(void **state)
{
	size_t known = 0, evicted = 0, steps = 0;
	struct rig r;

	rig_init(&r, "llama-2", greets);
	add(&r, ROLE_SYSTEM, "you hum");
	for (int i = 0; i < 25; i++) {
		size_t now = turn(&r, "and you");

		if (i && r.stats.evicted_messages == evicted)
			assert_int_equal(r.stats.cached_tokens, known);
		steps += r.stats.evicted_messages != evicted;
		assert_true(r.stats.prompt_tokens < CONTEXT);
		evicted = r.stats.evicted_messages;
		known = now;
	}
	assert_true(evicted > 20 && steps > 2 && steps < 20);
	rig_release(&r);
}

/* A short answer needs little room: what is counted leaves as it does for the answer. */
static void
turns__count__evicts_what_the_reply_does(void **state)
{
	struct llm_stats large, small;
	struct err e;
	struct rig r;

	rig_init(&r, "llama-2", greets);
	r.o.max_tokens = 1;
	do {
		if (r.n)
			add(&r, ROLE_ASSISTANT, r.text.s);
		add(&r, ROLE_USER, "you");
		assert_int_equal(llm_count(r.c, r.msg, r.n, 0, &large, &e), 0);
		assert_int_equal(llm_count(r.c, r.msg, r.n, 1, &small, &e), 0);
		reply(&r);
		assert_int_equal(small.evicted_messages, r.stats.evicted_messages);
		assert_int_equal(small.prompt_tokens, r.stats.prompt_tokens);
	} while (!large.evicted_messages);
	assert_int_equal(small.evicted_messages, 0);
	rig_release(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(turns__answer__is_not_processed_again),
		cmocka_unit_test(turns__answer__gone_on_with_after_a_cancel),
		cmocka_unit_test(turns__answer__begun_anew_after_white_space),
		cmocka_unit_test(turns__edited_answer__is_encoded),
		cmocka_unit_test(turns__begun_by_others__is_encoded),
		cmocka_unit_test(turns__delimiter_in_an_answer__is_broken_up),
		cmocka_unit_test(turns__control_token_in_an_answer__is_not_repeated),
		cmocka_unit_test(turns__ended_by_a_stop_string__is_encoded),
		cmocka_unit_test(turns__ended_by_a_stop_token__is_not_processed_again),
		cmocka_unit_test(turns__window__goes_on),
		cmocka_unit_test(turns__count__evicts_what_the_reply_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
