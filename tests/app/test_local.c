/* The local backend with the bundled model: what its thread reports, and how fast it lets go. */
#include "config.h"

#include "tests/app/cmocka_all.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/backend/local.h"
#include "app/backend/request.h"
#include "app/chat/session.h"
#include "app/models/guide.h"
#include "tests/app/home.h"
#include "tests/engine/tiny_model.h"

static struct mailbox *mailbox;
static struct backend *b;
static struct strbuf text;	/* of the answer */
static unsigned job;

static int
setup(void **state)
{
	struct err e;

	if (home_setup(state) < 0)
		return -1;
	mailbox = mailbox_new(&e);
	b = backend_local_new(mailbox, &e);
	strbuf_init(&text);
	return mailbox && b ? 0 : -1;
}

static int
teardown(void **state)
{
	if (b)
		b->ops->close(b);
	mailbox_free(mailbox);
	strbuf_release(&text);
	return home_teardown(state);
}

/* Waits for a kind of mail about a job, or for its end; collects text. The copy's text is not to be used. */
static struct mail
wait_for(unsigned number, enum mail_type type)
{
	struct pollfd p = { .fd = mailbox_fd(mailbox), .events = POLLIN };

	for (;;) {
		struct mail *mail;
		size_t n;

		if (poll(&p, 1, 30000) != 1)
			fail_msg("no mail about job %u", number);
		n = mailbox_take(mailbox, &mail);
		for (size_t i = 0; i < n; i++) {
			if (mail[i].type == MAIL_TEXT)
				strbuf_add(&text, mail[i].text.s, mail[i].text.len);
			if (mail[i].job == number && (mail[i].type == type || mail[i].type == MAIL_FAILED))
				return mail[i];
		}
	}
}

static struct mail
load(const char *path, size_t context)
{
	struct load_request *r = load_request_new(path ? "file" : "guide", path ? path : "guide", path);

	r->settings.context = (uint32_t)context;
	r->settings.threads = 2;
	r->settings.prompt_threads = 3;
	b->ops->load(b, ++job, r);
	return wait_for(job, MAIL_LOADED);
}

static struct reply_request *
question(const char *s, float temperature)
{
	struct reply_request *r = reply_request_new();

	reply_request_add(r, ROLE_USER, s);
	r->sampling.temperature = temperature;
	r->sampling.top_p = 1;
	r->seed = 1;
	return r;
}

static void
begin_endless(void)
{
	struct tiny_model t = tiny_model_of(QUANT_Q8_0);

	t.endless = true;
	tiny_model_save(&t, "endless.gguf");
	assert_int_equal(load("endless.gguf", 200000).type, MAIL_LOADED);
	b->ops->reply(b, ++job, question("hi", 0));
	wait_for(job, MAIL_TEXT);
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
local__load__says_what_it_is(void **state)
{
	struct mail ev = load(NULL, 300);

	assert_int_equal(ev.type, MAIL_LOADED);
	assert_string_equal(ev.info.name, "guide");
	assert_string_equal(ev.info.type, "Q8_0");
	assert_string_equal(ev.info.template_name, "llama-2");
	assert_int_equal(ev.info.context, 300);
	assert_int_equal(ev.info.threads, 2);
	assert_int_equal(ev.info.prompt_threads, 3);
	assert_int_equal(ev.info.file_size, guide_size());
}

static void
local__reply__text_then_figures(void **state)
{
	struct mail ev;

	load(NULL, 0);
	b->ops->reply(b, ++job, question("What is Llama 2?", 0));
	ev = wait_for(job, MAIL_DONE);
	assert_int_equal(ev.type, MAIL_DONE);
	assert_int_equal(ev.finish, LLM_STOP);
	assert_true(ev.stats.answer_tokens > 5);
	assert_non_null(strstr(text.s, "Meta"));
}

static void
local__reply__the_second_turn_reads_only_what_is_new(void **state)
{
	struct reply_request *r;
	struct mail ev;
	size_t known;

	load(NULL, 0);
	b->ops->reply(b, ++job, question("What is Llama 2?", 0));
	ev = wait_for(job, MAIL_DONE);
	known = ev.stats.prompt_tokens + ev.stats.answer_tokens;
	r = question("What is Llama 2?", 0);
	reply_request_add(r, ROLE_ASSISTANT, text.s);
	reply_request_add(r, ROLE_USER, "tell me more");
	b->ops->reply(b, ++job, r);
	ev = wait_for(job, MAIL_DONE);
	assert_int_equal(ev.stats.cached_tokens, known);
}

/* The engine knows an answer again by its exact text: what a session keeps of it is that, whatever there was in it. */
static void
local__reply__knows_an_answer_again_that_went_through_a_session(void **state)
{
	static const char *const script[][2] = { { "]", "<0x0D>" }, { "<0x0D>", "<0x0A>" }, { "<0x0A>", "h" },
		{ "h", "<0xC3>" }, { "<0xC3>", "<0x0B>" }, { "<0x0B>", "i" }, { "i", "\xe2\x96\x81" },
		{ "\xe2\x96\x81", "</s>" }, { NULL, NULL } };
	struct tiny_model t = tiny_model_of(QUANT_F32);
	struct session *s = session_new(NULL);
	struct reply_request *r;
	struct mail ev;
	size_t known = 0;

	t.script = script;
	t.chat_template = "[INST] <<SYS>>";
	tiny_model_save(&t, "script.gguf");
	assert_int_equal(load("script.gguf", 0).type, MAIL_LOADED);
	for (int i = 0; i < 2; i++) {
		int id;

		assert_int_equal(session_add_user(s, s->conv.head, "hello", &id, NULL), 0);
		r = request_build(&s->conv, 0, NULL, NULL);
		r->sampling.temperature = 0;
		assert_int_equal(session_begin_answer(s, id, "m", 0, &sampling_default, &id, NULL), 0);
		strbuf_reset(&text);
		b->ops->reply(b, ++job, r);
		ev = wait_for(job, MAIL_DONE);
		assert_string_equal(text.s, "h\xef\xbf\xbd\vi ");
		assert_int_equal(ev.stats.cached_tokens, known);
		known = ev.stats.prompt_tokens + ev.stats.answer_tokens;
		assert_int_equal(session_add_piece(s, id, text.s, text.len, NULL), 0);
		assert_int_equal(session_end_answer(s, id, FINISH_STOP, &(struct message_stats){ 0 }, NULL), 0);
	}
	session_free(s);
}

static void
local__reply__without_a_model_fails(void **state)
{
	struct mail ev;

	b->ops->reply(b, ++job, question("hi", 0));
	ev = wait_for(job, MAIL_DONE);
	assert_int_equal(ev.type, MAIL_FAILED);
	assert_int_equal(ev.err.code, ERR_MODEL);
}

static void
local__load__refused_leaves_the_model_before(void **state)
{
	char *bad = home_path("bad.gguf");
	struct mail ev;

	load(NULL, 0);
	home_write("bad.gguf", "GGUF and then nothing of the kind");
	ev = load(bad, 0);
	assert_int_equal(ev.type, MAIL_FAILED);
	assert_int_equal(ev.err.code, ERR_MODEL);
	b->ops->reply(b, ++job, question("What is Llama 2?", 0));
	assert_int_equal(wait_for(job, MAIL_DONE).finish, LLM_STOP);
	free(bad);
}

static void
local__cancel__ends_an_answer_within_100_ms(void **state)
{
	int64_t before;
	struct mail ev;

	begin_endless();
	before = now_ms();
	b->ops->cancel(b, job);
	ev = wait_for(job, MAIL_DONE);
	assert_int_equal(ev.type, MAIL_DONE);
	assert_int_equal(ev.finish, LLM_CANCELLED);
	assert_true(ev.stats.answer_tokens > 0);
	/* The promise is 100 ms; sanitizers and a busy machine get ten times that. */
	assert_true(now_ms() - before < 1000);
}

static void
local__cancel__of_a_waiting_job_leaves_the_running_one(void **state)
{
	unsigned running, waiting;

	begin_endless();
	running = job;
	waiting = ++job;
	b->ops->reply(b, waiting, question("hi", 0));
	b->ops->cancel(b, waiting);
	assert_int_equal(wait_for(waiting, MAIL_DONE).finish, LLM_CANCELLED);
	b->ops->cancel(b, running);
	assert_int_equal(wait_for(running, MAIL_DONE).finish, LLM_CANCELLED);
	b->ops->cancel(b, running);	/* it has ended: nothing happens */
	assert_int_equal(load(NULL, 0).type, MAIL_LOADED);
	b->ops->reply(b, ++job, question("What is Llama 2?", 0));
	assert_int_equal(wait_for(job, MAIL_DONE).finish, LLM_STOP);
}

static void
local__jobs__are_done_in_order(void **state)
{
	struct mail ev;
	unsigned first;

	load(NULL, 0);
	first = job + 1;
	b->ops->count(b, ++job, question("one two three", 0));
	b->ops->reply(b, ++job, question("What is Llama 2?", 0));
	b->ops->load(b, ++job, load_request_new("guide", "guide", NULL));
	ev = wait_for(first, MAIL_COUNTED);
	assert_int_equal(ev.type, MAIL_COUNTED);
	assert_true(ev.stats.prompt_tokens > 4);
	assert_int_equal(wait_for(job, MAIL_LOADED).type, MAIL_LOADED);
	assert_non_null(strstr(text.s, "Meta"));
}

static unsigned
count_three_turns(size_t max_tokens)
{
	static const char ask[] = "one two three four five six seven eight nine";
	struct reply_request *r = question(ask, 0);

	for (int i = 0; i < 2; i++) {
		reply_request_add(r, ROLE_ASSISTANT, "yes");
		reply_request_add(r, ROLE_USER, ask);
	}
	r->max_tokens = max_tokens;
	b->ops->count(b, ++job, r);
	return job;
}

/* With room for an answer of any length a turn leaves, with room for a word it need not. */
static void
local__count__leaves_room_for_max_tokens(void **state)
{
	struct mail ev;

	load(NULL, 0);
	ev = wait_for(count_three_turns(0), MAIL_COUNTED);
	assert_int_equal(ev.stats.evicted_messages, 0);
	load(NULL, ev.stats.prompt_tokens + 2);
	assert_true(wait_for(count_three_turns(0), MAIL_COUNTED).stats.evicted_messages > 0);
	assert_int_equal(wait_for(count_three_turns(1), MAIL_COUNTED).stats.evicted_messages, 0);
}

static void
local__close__in_the_middle_of_everything(void **state)
{
	begin_endless();
	b->ops->reply(b, ++job, question("waiting", 0));
	b->ops->load(b, ++job, load_request_new("guide", "guide", NULL));
	b->ops->close(b);
	b = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(local__load__says_what_it_is),
		TEST(local__reply__text_then_figures),
		TEST(local__reply__the_second_turn_reads_only_what_is_new),
		TEST(local__reply__knows_an_answer_again_that_went_through_a_session),
		TEST(local__reply__without_a_model_fails),
		TEST(local__load__refused_leaves_the_model_before),
		TEST(local__cancel__ends_an_answer_within_100_ms),
		TEST(local__cancel__of_a_waiting_job_leaves_the_running_one),
		TEST(local__jobs__are_done_in_order),
		TEST(local__count__leaves_room_for_max_tokens),
		TEST(local__close__in_the_middle_of_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
