/* The facade: opening, answers, the cache from turn to turn, cancelling, tools. */
#include "config.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/xalloc.h"
#include "engine/llm_internal.h"
#include "tests/engine/tiny_model.h"

enum { CONTEXT = 192 };

static struct strbuf file = STRBUF_INIT;
static struct llm *llm;

static int
setup(void **state)
{
	struct llm_open_opts o = { .template_name = "llama-2" };
	struct tiny_model t = tiny_model_of(QUANT_Q8_0);
	struct err e;

	t.n_ctx = CONTEXT;
	t.name = "Tiny";
	tiny_model_memory(&t, &file);
	llm = llm_open_memory(file.s, file.len, "tiny.gguf", &o, &e);
	return llm ? 0 : -1;
}

static int
teardown(void **state)
{
	llm_close(llm);
	strbuf_release(&file);
	return 0;
}

static struct llm_chat *
new_chat_of(size_t context, unsigned threads, unsigned prompt_threads)
{
	struct llm_chat_opts o = { .context = context, .kv = KV_Q8_0, .threads = threads,
		.prompt_threads = prompt_threads };
	struct err e = { 0 };
	struct llm_chat *c = llm_chat_new(llm, &o, &e);

	if (!c)
		fail_msg("%s", e.text);
	return c;
}

static struct llm_chat *
new_chat(size_t context, unsigned threads)
{
	return new_chat_of(context, threads, 0);
}

/* One answer and all that is to know of it. */
struct answer {
	struct strbuf text;
	enum llm_finish finish;
	struct llm_stats stats;
	size_t pieces, prefill_calls, prefill_last;
	struct llm_chat *cancel;		/* when at_piece, or at_prefill, comes */
	size_t at_piece, at_prefill;
};

static void
on_text(void *ctx, const char *text, size_t len, const struct llm_stats *s)
{
	struct answer *a = ctx;

	assert_true(len > 0);
	strbuf_add(&a->text, text, len);
	if (++a->pieces == a->at_piece)
		llm_cancel(a->cancel);
}

static void
on_prefill(void *ctx, size_t done, size_t total)
{
	struct answer *a = ctx;

	assert_true(done <= total && done >= a->prefill_last);
	a->prefill_last = done;
	if (++a->prefill_calls == a->at_prefill)
		llm_cancel(a->cancel);
}

static struct llm_reply_opts
reply_opts(void)
{
	return (struct llm_reply_opts){
		.sampling = sampling_default, .seed = 7, .max_tokens = 40, .on_text = on_text,
		.on_prefill = on_prefill,
	};
}

static int
try_reply(struct llm_chat *c, const struct chat_message *msgs, size_t n, const struct llm_reply_opts *o,
	struct answer *a, struct err *e)
{
	struct llm_reply_opts with = *o;

	with.ctx = a;
	strbuf_release(&a->text);
	a->pieces = a->prefill_calls = a->prefill_last = 0;
	return llm_reply(c, msgs, n, &with, &a->finish, &a->stats, e);
}

static void
reply(struct llm_chat *c, const struct chat_message *msgs, size_t n, const struct llm_reply_opts *o,
	struct answer *a)
{
	struct err e = { 0 };

	if (try_reply(c, msgs, n, o, a, &e) < 0)
		fail_msg("%s", e.text);
}

static const struct chat_message hello[] = { { .role = ROLE_SYSTEM, .text = "you hum" },
	{ .role = ROLE_USER, .text = "hello world" } };

/* ---- opening -------------------------------------------------------------------------------- */

static void
llm__open__knows_the_file(void **state)
{
	const struct llm_info *i = llm_get_info(llm);

	assert_string_equal(i->name, "Tiny");
	assert_string_equal(i->arch, "llama");
	assert_string_equal(i->type, "Q8_0");
	assert_string_equal(i->template_name, "llama-2");
	assert_string_equal(i->template_why, "chosen");
	assert_int_equal(i->file_size, file.len);
	assert_int_equal(i->n_ctx_train, CONTEXT);
	assert_int_equal(i->n_vocab, vocab_size(llm_vocab(llm)));
	/* Two layers, two kv heads of 16. */
	assert_int_equal(i->kv_bytes_per_token[KV_F32], 2 * 2 * 2 * 16 * 4);
	assert_int_equal(i->kv_bytes_per_token[KV_Q8_0], 2 * 2 * 2 * 18);
	assert_ptr_equal(llm_template(llm), template_find("llama-2"));
	assert_false(llm_owns_address(llm, file.s));
}

static void
llm__open__a_file(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_F16);
	struct err e = { 0 };
	char *path;
	struct llm *m, *peeked;
	const char *base;

	t.name = NULL;
	t.omit[0] = "general.name";
	path = tiny_model_temp(&t);
	m = llm_open(path, NULL, &e);
	assert_non_null(m);
	peeked = llm_peek(path, &e);
	assert_non_null(peeked);
	unlink(path);
	base = strrchr(path, '/') + 1;
	assert_memory_equal(llm_get_info(m)->name, base, strlen(llm_get_info(m)->name));
	assert_string_equal(llm_get_info(m)->name, llm_get_info(peeked)->name);
	assert_string_equal(llm_get_info(m)->type, llm_get_info(peeked)->type);
	assert_string_equal(llm_get_info(m)->template_name, llm_get_info(peeked)->template_name);
	assert_int_equal(llm_get_info(m)->n_params, llm_get_info(peeked)->n_params);
	assert_int_equal(llm_get_info(m)->file_size, llm_get_info(peeked)->file_size);
	assert_int_equal(llm_get_info(m)->kv_bytes_per_token[KV_F16],
		llm_get_info(peeked)->kv_bytes_per_token[KV_F16]);
	llm_close(peeked);
	llm_close(m);
	free(path);
}

static bool
refuse(void *ctx, uint64_t done, uint64_t total)
{
	assert_true(done <= total);
	return false;
}

static bool
count_and_stop(void *ctx, uint64_t done, uint64_t total)
{
	size_t *left = ctx;

	assert_int_equal(total, file.len);
	assert_int_equal(done, *left == 2 ? 0 : total);
	return --*left > 0;
}

/* Asked at the beginning and at the end; the second may cancel as well. */
static void
llm__open__progress(void **state)
{
	size_t left = 2;
	struct llm_open_opts o = { .progress = count_and_stop, .ctx = &left };
	struct err e;

	assert_null(llm_open_memory(file.s, file.len, "x", &o, &e));
	assert_int_equal(e.code, ERR_INTERRUPTED);
	assert_int_equal(left, 0);
}

static void
llm__open__refusals(void **state)
{
	struct llm_open_opts stop = { .progress = refuse },
		unknown = { .template_name = "klingon" };
	struct err e;

	assert_null(llm_open("/nonexistent/x.gguf", NULL, &e));
	assert_int_equal(e.code, ERR_MODEL);
	assert_null(llm_peek("/nonexistent/x.gguf", &e));
	assert_int_equal(e.code, ERR_MODEL);
	assert_null(llm_open_memory("GGUF", 4, "x", NULL, &e));
	assert_int_equal(e.code, ERR_MODEL);
	assert_null(llm_open_memory(file.s, file.len, "x", &stop, &e));
	assert_int_equal(e.code, ERR_INTERRUPTED);
	assert_null(llm_open_memory(file.s, file.len, "x", &unknown, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_non_null(strstr(e.text, "klingon"));
	llm_close(NULL);
}

static void
llm__chat_new__options(void **state)
{
	struct llm_chat_opts o = { .threads = 3, .isa = "scalar" };
	struct llm_chat *c;
	struct err e;

	c = llm_chat_new(llm, &o, &e);
	assert_non_null(c);
	assert_int_equal(llm_chat_context(c), CONTEXT);
	assert_int_equal(llm_chat_threads(c), 3);
	assert_int_equal(llm_chat_prompt_threads(c), 3);
	assert_string_equal(llm_chat_isa(c), "scalar");
	llm_chat_free(c);
	llm_chat_free(NULL);
	o.prompt_threads = 2;
	c = llm_chat_new(llm, &o, &e);
	assert_non_null(c);
	assert_int_equal(llm_chat_threads(c), 3);
	assert_int_equal(llm_chat_prompt_threads(c), 2);
	llm_chat_free(c);
	o.isa = "altivec";
	assert_null(llm_chat_new(llm, &o, &e));
	assert_int_equal(e.code, ERR_USAGE);
	o.isa = NULL;
	o.context = SIZE_MAX / 2;
	assert_null(llm_chat_new(llm, &o, &e));
	assert_int_equal(e.code, ERR_USAGE);
}

/* ---- answers -------------------------------------------------------------------------------- */

static void
llm__reply__same_seed_same_text_for_any_threads(void **state)
{
	struct answer first = { .text = STRBUF_INIT }, a = { .text = STRBUF_INIT };
	struct llm_reply_opts o = reply_opts();
	static const unsigned threads[][2] = { { 1 }, { 2 }, { 4 }, { 1, 3 }, { 3, 1 } };
	struct llm_chat *c;

	for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
		c = new_chat_of(0, threads[i][0], threads[i][1]);
		reply(c, hello, 2, &o, i ? &a : &first);
		if (i)
			assert_string_equal(a.text.s, first.text.s);
		llm_chat_free(c);
	}
	assert_true(first.text.len > 10);
	c = new_chat(0, 1);
	o.seed = 8;
	reply(c, hello, 2, &o, &a);
	assert_string_not_equal(a.text.s, first.text.s);
	llm_chat_free(c);
	strbuf_release(&first.text);
	strbuf_release(&a.text);
}

static void
llm__reply__stats(void **state)
{
	struct answer a = { .text = STRBUF_INIT };
	struct llm_reply_opts o = reply_opts();
	struct llm_chat *c = new_chat(0, 2);
	struct llm_stats count;
	struct err e;

	o.max_tokens = 5;
	assert_int_equal(llm_count(c, hello, 2, o.max_tokens, &count, &e), 0);
	reply(c, hello, 2, &o, &a);
	assert_int_equal(a.finish, LLM_LENGTH);
	assert_int_equal(a.stats.answer_tokens, 5);
	assert_int_equal(a.stats.prompt_tokens, count.prompt_tokens);
	assert_int_equal(a.stats.cached_tokens, 0);
	assert_int_equal(a.stats.system_tokens, count.system_tokens);
	assert_in_range(a.stats.system_tokens, 10, a.stats.prompt_tokens - 5);
	assert_int_equal(a.stats.evicted_messages, 0);
	assert_int_equal(a.prefill_last, a.stats.prompt_tokens);
	assert_true(a.prefill_calls >= 2);
	assert_true(a.stats.prefill_seconds > 0);
	assert_true(a.stats.first_token_seconds >= a.stats.prefill_seconds);
	assert_true(a.stats.total_seconds >= a.stats.first_token_seconds);
	assert_true(a.stats.tokens_per_second > 0);
	llm_chat_free(c);
	strbuf_release(&a.text);
}

/* Again, as to regenerate: all of the prompt is cached, and the same seed says the same. */
static void
llm__reply__again_from_the_cache(void **state)
{
	struct answer a = { .text = STRBUF_INIT }, b = { .text = STRBUF_INIT };
	struct llm_reply_opts o = reply_opts();
	struct llm_chat *c = new_chat(0, 2);

	reply(c, hello, 2, &o, &a);
	reply(c, hello, 2, &o, &b);
	assert_int_equal(b.stats.cached_tokens, b.stats.prompt_tokens);
	assert_string_equal(a.text.s, b.text.s);
	llm_chat_free(c);
	strbuf_release(&a.text);
	strbuf_release(&b.text);
}

/* The same conversation for another chat: with the tokens that this one knows of its answers. */
static void
give_ids(struct llm_chat *from, struct chat_message *msgs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (msgs[i].role == ROLE_ASSISTANT)
			msgs[i].ids = said_find(&from->said, i, msgs[i].text, &msgs[i].n_ids);
}

/* A second turn: what the first left is used, and the answer is the one a fresh start gives. */
static void
llm__reply__second_turn_as_from_a_fresh_start(void **state)
{
	struct answer a = { .text = STRBUF_INIT }, b = { .text = STRBUF_INIT };
	struct llm_reply_opts o = reply_opts();
	struct llm_chat *c = new_chat(0, 2), *fresh = new_chat(0, 1);
	struct chat_message msgs[4] = { hello[0], hello[1] };
	size_t known;

	o.max_tokens = 12;
	reply(c, msgs, 2, &o, &a);
	msgs[2] = (struct chat_message){ .role = ROLE_ASSISTANT, .text = xstrdup(a.text.s) };
	msgs[3] = (struct chat_message){ .role = ROLE_USER, .text = "one to another" };
	known = a.stats.prompt_tokens + a.stats.answer_tokens;
	reply(c, msgs, 4, &o, &a);
	assert_int_equal(a.stats.cached_tokens, known - 1);	/* but for the last, which no other followed */
	give_ids(c, msgs, 4);
	assert_non_null(msgs[2].ids);
	reply(fresh, msgs, 4, &o, &b);
	assert_string_equal(a.text.s, b.text.s);
	assert_int_equal(b.stats.cached_tokens, 0);
	/* The first turn edited: only the system block still serves. */
	msgs[1].text = "another";
	reply(c, msgs, 4, &o, &a);
	assert_in_range(a.stats.cached_tokens, a.stats.system_tokens, a.stats.system_tokens + 3);
	llm_chat_free(fresh);
	fresh = new_chat(0, 3);
	reply(fresh, msgs, 4, &o, &b);
	assert_string_equal(a.text.s, b.text.s);
	free((char *)(uintptr_t)msgs[2].text);
	llm_chat_free(c);
	llm_chat_free(fresh);
	strbuf_release(&a.text);
	strbuf_release(&b.text);
}

static void
llm__reply__ends_when_the_context_is_full(void **state)
{
	struct answer a = { .text = STRBUF_INIT };
	struct llm_reply_opts o = reply_opts();
	struct llm_chat *c = new_chat(64, 2);

	o.max_tokens = 0;
	for (o.seed = 1; o.seed < 50; o.seed++) {	/* one that does not end by itself */
		reply(c, hello, 2, &o, &a);
		if (a.finish == LLM_LENGTH)
			break;
	}
	assert_int_equal(a.finish, LLM_LENGTH);
	assert_int_equal(a.stats.prompt_tokens + a.stats.answer_tokens, 64);
	reply(c, hello, 2, &o, &a);
	assert_int_equal(a.stats.cached_tokens, a.stats.prompt_tokens);
	llm_chat_free(c);
	strbuf_release(&a.text);
}

/* Going on with an answer: its text is part of the prompt, and nothing of the new text is
 * swallowed. */
static void
llm__reply__goes_on_with_an_unfinished_answer(void **state)
{
	struct answer a = { .text = STRBUF_INIT };
	struct llm_reply_opts o = reply_opts();
	struct llm_chat *c = new_chat(0, 2);
	struct chat_message msgs[3] = { hello[0], hello[1], { .role = ROLE_ASSISTANT, .text = "the llama is" } };
	struct llm_stats count;
	struct err e;

	assert_int_equal(llm_count(c, msgs, 3, 0, &count, &e), 0);
	o.unfinished = true;
	reply(c, msgs, 3, &o, &a);
	assert_int_equal(a.stats.prompt_tokens, count.prompt_tokens);
	o.unfinished = false;
	assert_int_equal(llm_reply(c, msgs, 3, &o, &a.finish, &a.stats, &e), -1);
	assert_int_equal(e.code, ERR_USAGE);
	llm_chat_free(c);
	strbuf_release(&a.text);
}

/* Of white space alone nothing is kept: the answer begins anew, and its own is swallowed as ever. */
static void
llm__reply__begins_anew_after_white_space(void **state)
{
	struct answer fresh = { .text = STRBUF_INIT }, a = { .text = STRBUF_INIT };
	struct llm_reply_opts o = reply_opts();
	struct llm_chat *c = new_chat(0, 2);
	struct chat_message msgs[3] = { hello[0], hello[1], { .role = ROLE_ASSISTANT, .text = " \n" } };

	for (o.seed = 1; o.seed < 40; o.seed++) {
		o.unfinished = false;
		reply(c, msgs, 2, &o, &fresh);
		o.unfinished = true;
		reply(c, msgs, 3, &o, &a);
		assert_string_equal(a.text.s, fresh.text.s);
	}
	llm_chat_free(c);
	strbuf_release(&fresh.text);
	strbuf_release(&a.text);
}

/* ---- limits --------------------------------------------------------------------------------- */

static void
llm__reply__too_long_a_message(void **state)
{
	struct answer a = { .text = STRBUF_INIT };
	struct llm_reply_opts o = reply_opts();
	struct llm_chat *c = new_chat(64, 2);
	char big[300];
	struct chat_message msgs[1] = { { .role = ROLE_USER, .text = big } };
	struct err e = { 0 };

	memset(big, '!', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	assert_int_equal(llm_reply(c, msgs, 1, &o, &a.finish, &a.stats, &e), -1);
	assert_int_equal(e.code, ERR_FIT);
	assert_non_null(strstr(e.text, "64"));
	assert_int_equal(llm_count(c, msgs, 1, 0, &a.stats, &e), -1);
	reply(c, hello, 2, &o, &a);
	llm_chat_free(c);
	strbuf_release(&a.text);
}

/* A conversation longer than the context: the oldest pairs leave, and the system block stays in the
 * cache. */
static void
llm__reply__oldest_messages_leave(void **state)
{
	struct answer a = { .text = STRBUF_INIT }, b = { .text = STRBUF_INIT };
	struct llm_reply_opts o = reply_opts();
	struct llm_chat *c = new_chat(0, 2), *fresh;
	struct chat_message msgs[64] = { hello[0] };
	size_t n = 1, evicted = 0, steps = 0;
	char *said[64];

	o.max_tokens = 12;
	for (int turn = 0; turn < 25; turn++) {
		said[n] = xasprintf("hello %d", turn);
		msgs[n] = (struct chat_message){ .role = ROLE_USER, .text = said[n] };
		n++;
		reply(c, msgs, n, &o, &a);
		assert_true(a.stats.evicted_messages >= evicted);
		assert_true(a.stats.prompt_tokens < CONTEXT);
		if (turn > 0)
			assert_true(a.stats.cached_tokens >= a.stats.system_tokens);
		steps += a.stats.evicted_messages > evicted;
		evicted = a.stats.evicted_messages;
		said[n] = xstrdup(a.text.s);
		msgs[n] = (struct chat_message){ .role = ROLE_ASSISTANT, .text = said[n] };
		n++;
	}
	assert_true(evicted > 20 && steps < 15);
	/* The same window computed from nothing gives the same answer. */
	fresh = new_chat(0, 1);
	give_ids(c, msgs, n - 1);
	reply(fresh, msgs, n - 1, &o, &b);
	if (b.stats.evicted_messages == evicted)
		assert_string_equal(a.text.s, b.text.s);
	while (--n > 0)
		free(said[n]);
	llm_chat_free(c);
	llm_chat_free(fresh);
	strbuf_release(&a.text);
	strbuf_release(&b.text);
}

/* Weights are untrusted: whatever their bytes (NaN, infinities), an answer or an error comes out and
 * nothing breaks. */
static void
llm__reply__weights_of_any_bytes(void **state)
{
	static const enum quant_type types[] = { QUANT_F32, QUANT_F16, QUANT_Q4_0, QUANT_Q8_0,
		QUANT_Q4_K, QUANT_Q6_K };
	struct answer a = { .text = STRBUF_INIT };
	struct llm_reply_opts o = reply_opts();
	struct err e = { 0 };
	uint64_t seed = 1;

	o.max_tokens = 4;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		struct llm_open_opts open = { .template_name = "llama-2" };
		struct tiny_model t = tiny_model_of(types[i]);
		struct strbuf bytes = STRBUF_INIT;
		struct llm *m;
		struct gguf *g;

		tiny_model_memory(&t, &bytes);
		g = gguf_parse((const uint8_t *)bytes.s, bytes.len, NULL);
		assert_non_null(g);
		for (size_t k = 0; k < gguf_n_tensors(g); k++) {
			const struct gguf_tensor *x = gguf_tensor(g, k);
			char *data = bytes.s + (x->data - (const uint8_t *)bytes.s);

			/* Norms are few, and checked when the file is opened. */
			for (uint64_t b = 0; x->n_dims > 1 && b < x->size; b++) {
				seed = seed * 6364136223846793005u + 1442695040888963407u;
				data[b] = (char)(seed >> 56);
			}
		}
		gguf_free(g);
		m = llm_open_memory(bytes.s, bytes.len, "random", &open, NULL);
		assert_non_null(m);
		for (int kv = KV_F32; kv <= KV_Q8_0; kv++) {
			struct llm_chat_opts with = { .threads = 2, .kv = (enum kv_type)kv };
			struct llm_chat *c = llm_chat_new(m, &with, NULL);

			assert_non_null(c);
			if (try_reply(c, hello, 2, &o, &a, &e) < 0)
				assert_int_equal(e.code, ERR_MODEL);
			llm_chat_free(c);
		}
		llm_close(m);
		strbuf_release(&bytes);
	}
	strbuf_release(&a.text);
}

/* Makes the embedding of the "!" NaN. */
static void
spoil_bang(struct gguf_writer *w, const void *ctx)
{
	static float embd[TINY_MIN_VOCAB * 64];
	int32_t bang = vocab_find(llm_vocab(llm), "!");

	for (size_t i = 0; i < w->n_tensors; i++) {
		struct gguf_out_tensor *t = &w->tensor[i];

		if (strcmp(t->name, "token_embd.weight"))
			continue;
		assert_int_equal(t->size, sizeof embd);
		memcpy(embd, t->data, sizeof embd);
		embd[bang * 64] = NAN;
		t->data = embd;
	}
}

/* A NaN in the embedding of a token spoils every logit from there on; without that token the model answers. */
static void
llm__reply__says_that_weights_are_no_numbers(void **state)
{
	struct llm_open_opts open = { .template_name = "llama-2" };
	struct answer a = { .text = STRBUF_INIT };
	struct llm_reply_opts o = reply_opts();
	struct tiny_model t = tiny_model_of(QUANT_F32);
	struct strbuf bytes = STRBUF_INIT;
	struct err e = { 0 };
	struct llm_chat *c;
	struct llm *m;

	t.edit = spoil_bang;
	tiny_model_memory(&t, &bytes);
	m = llm_open_memory(bytes.s, bytes.len, "nan", &open, NULL);
	assert_non_null(m);
	c = llm_chat_new(m, &(struct llm_chat_opts){ .threads = 1 }, NULL);
	assert_non_null(c);
	for (o.sampling.temperature = 0; o.sampling.temperature < 2; o.sampling.temperature++) {
		struct chat_message bad = { .role = ROLE_USER, .text = "hello!" };

		assert_int_equal(try_reply(c, &bad, 1, &o, &a, &e), -1);
		assert_int_equal(e.code, ERR_MODEL);
		assert_non_null(strstr(e.text, "damaged"));
		assert_int_equal(a.text.len, 0);
		o.max_tokens = 1;
		reply(c, hello, 2, &o, &a);
	}
	llm_chat_free(c);
	llm_close(m);
	strbuf_release(&bytes);
	strbuf_release(&a.text);
}

/* ---- cancelling ----------------------------------------------------------------------------- */

static void
llm__cancel__keeps_what_was_said(void **state)
{
	struct answer whole = { .text = STRBUF_INIT }, a = { .text = STRBUF_INIT };
	struct llm_reply_opts o = reply_opts();
	struct llm_chat *c = new_chat(0, 2);

	reply(c, hello, 2, &o, &whole);
	a.cancel = c;
	a.at_piece = 3;
	reply(c, hello, 2, &o, &a);
	assert_int_equal(a.finish, LLM_CANCELLED);
	assert_int_equal(a.pieces, 3);
	assert_memory_equal(a.text.s, whole.text.s, a.text.len);
	/* In force until it is taken back. */
	reply(c, hello, 2, &o, &a);
	assert_int_equal(a.finish, LLM_CANCELLED);
	assert_int_equal(a.text.len, 0);
	llm_uncancel(c);
	a.at_piece = 0;
	reply(c, hello, 2, &o, &a);
	assert_string_equal(a.text.s, whole.text.s);
	llm_chat_free(c);
	strbuf_release(&a.text);
	strbuf_release(&whole.text);
}

static void
llm__cancel__in_the_prompt(void **state)
{
	struct answer whole = { .text = STRBUF_INIT }, a = { .text = STRBUF_INIT };
	struct llm_reply_opts o = reply_opts();
	struct llm_chat *c = new_chat(0, 2), *other = new_chat(0, 2);
	char text[120];
	struct chat_message msgs[1] = { { .role = ROLE_USER, .text = text } };

	memset(text, '!', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	o.max_tokens = 10;
	reply(other, msgs, 1, &o, &whole);
	a.cancel = c;
	a.at_prefill = 1;
	reply(c, msgs, 1, &o, &a);
	assert_int_equal(a.finish, LLM_CANCELLED);
	assert_int_equal(a.stats.answer_tokens, 0);
	llm_uncancel(c);
	a.at_prefill = 0;
	reply(c, msgs, 1, &o, &a);
	assert_string_equal(a.text.s, whole.text.s);
	llm_chat_free(c);
	llm_chat_free(other);
	strbuf_release(&a.text);
	strbuf_release(&whole.text);
}

/* While the prompt is encoded, where one that does not fit is in the end refused: the cancel comes first. */
static void
llm__cancel__before_the_prompt_is_known(void **state)
{
	struct answer a = { .text = STRBUF_INIT };
	struct llm_reply_opts o = reply_opts();
	struct llm_chat *c = new_chat(64, 1);
	char big[3000];
	struct chat_message msgs[1] = { { .role = ROLE_USER, .text = big } };
	struct err e = { 0 };

	memset(big, '!', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	llm_cancel(c);
	reply(c, msgs, 1, &o, &a);
	assert_int_equal(a.finish, LLM_CANCELLED);
	assert_int_equal(a.stats.prompt_tokens, 0);
	assert_int_equal(llm_count(c, msgs, 1, 0, &a.stats, &e), -1);
	assert_int_equal(e.code, ERR_INTERRUPTED);
	llm_uncancel(c);
	assert_int_equal(llm_reply(c, msgs, 1, &o, &a.finish, &a.stats, NULL), -1);
	assert_int_equal(llm_count(c, msgs, 1, 0, &a.stats, &e), -1);
	assert_int_equal(e.code, ERR_FIT);
	llm_chat_free(c);
	strbuf_release(&a.text);
}

struct canceller {
	struct llm_chat *c;
	pthread_mutex_t lock;
	pthread_cond_t said;
	bool go;
};

static void *
cancel_when_told(void *arg)
{
	struct canceller *k = arg;

	pthread_mutex_lock(&k->lock);
	while (!k->go)
		pthread_cond_wait(&k->said, &k->lock);
	pthread_mutex_unlock(&k->lock);
	llm_cancel(k->c);
	return NULL;
}

static void
tell(void *ctx, const char *text, size_t len, const struct llm_stats *s)
{
	struct canceller *k = ctx;

	pthread_mutex_lock(&k->lock);
	k->go = true;
	pthread_cond_signal(&k->said);
	pthread_mutex_unlock(&k->lock);
}

/* Answers without end, one after the other, until the other thread has stopped them. */
static void
llm__cancel__from_another_thread(void **state)
{
	struct canceller k = { .lock = PTHREAD_MUTEX_INITIALIZER,
		.said = PTHREAD_COND_INITIALIZER };
	struct llm_reply_opts o = { .sampling = sampling_default, .on_text = tell, .ctx = &k };
	enum llm_finish finish = LLM_STOP;
	struct llm_stats s;
	pthread_t thread;
	struct err e;

	k.c = new_chat(0, 2);
	assert_int_equal(pthread_create(&thread, NULL, cancel_when_told, &k), 0);
	while (finish != LLM_CANCELLED) {
		o.seed++;
		assert_int_equal(llm_reply(k.c, hello, 2, &o, &finish, &s, &e), 0);
	}
	pthread_join(thread, NULL);
	llm_chat_free(k.c);
}

/* ---- tools ---------------------------------------------------------------------------------- */

static void
llm__logits__of_all_positions(void **state)
{
	struct llm_chat *c = new_chat(0, 2), *other = new_chat(0, 1);
	size_t n_vocab = llm_get_info(llm)->n_vocab;
	float *a = xcalloc(150 * n_vocab, sizeof *a), *b = xcalloc(150 * n_vocab, sizeof *b);
	struct answer said = { .text = STRBUF_INIT };
	struct llm_reply_opts o = reply_opts();
	int32_t ids[CONTEXT + 1];
	struct err e;

	for (size_t i = 0; i < CONTEXT + 1; i++)
		ids[i] = (int32_t)(i * 7 % n_vocab);
	assert_int_equal(llm_logits(c, ids, 150, a, &e), 0);
	reply(c, hello, 2, &o, &said);			/* what is in the cache does not matter */
	assert_int_equal(llm_logits(c, ids, 140, b, &e), 0);
	assert_memory_equal(a, b, 140 * n_vocab * sizeof *a);
	assert_int_equal(llm_logits(other, ids, 150, b, &e), 0);
	assert_memory_equal(a, b, 150 * n_vocab * sizeof *a);
	assert_int_equal(llm_logits(c, ids, CONTEXT + 1, a, &e), -1);
	assert_int_equal(e.code, ERR_FIT);
	ids[3] = (int32_t)n_vocab;
	assert_int_equal(llm_logits(c, ids, 5, a, &e), -1);
	assert_int_equal(e.code, ERR_USAGE);
	ids[3] = -1;
	assert_int_equal(llm_logits(c, ids, 5, a, &e), -1);
	ids[3] = 0;
	llm_cancel(c);
	assert_int_equal(llm_logits(c, ids, 5, a, &e), -1);
	assert_int_equal(e.code, ERR_INTERRUPTED);
	free(a);
	free(b);
	llm_chat_free(c);
	llm_chat_free(other);
	strbuf_release(&said.text);
}

static void
llm__bench__runs_and_leaves_the_chat_usable(void **state)
{
	struct answer a = { .text = STRBUF_INIT }, b = { .text = STRBUF_INIT };
	struct llm_reply_opts o = reply_opts();
	struct llm_chat *c = new_chat(0, 2);
	struct err e;

	reply(c, hello, 2, &o, &a);
	assert_true(llm_bench(c, 0, 20, 0, &e) > 0);
	assert_true(llm_bench(c, 30, 0, 5, &e) > 0);
	assert_true(llm_bench(c, 30, 0, 5, &e) > 0);
	assert_true(llm_bench(c, CONTEXT, 1, 0, &e) < 0);
	assert_int_equal(e.code, ERR_FIT);
	llm_cancel(c);
	assert_true(llm_bench(c, 0, 20, 0, &e) < 0);
	assert_int_equal(e.code, ERR_INTERRUPTED);
	llm_uncancel(c);
	reply(c, hello, 2, &o, &b);
	assert_string_equal(a.text.s, b.text.s);
	assert_true(llm_measure_int8(c) > 1e6);
	llm_chat_free(c);
	strbuf_release(&a.text);
	strbuf_release(&b.text);
}

/* ---- the bundled model ---------------------------------------------------------------------- */

/* Asked what it was trained on, a trained model makes sense, and going on with half an answer gives
 * the other half. */
static void
llm__guide__answers(void **state)
{
	const char *dir = getenv("HUM_SHARED"), *top = getenv("TOP_SRCDIR");
	char *path = dir ? xasprintf("%s/data/guide-preview.gguf", dir) :
		xasprintf("%s/../shared/data/guide-preview.gguf", top ? top : ".");
	struct chat_message msgs[2] = { { .role = ROLE_USER, .text = "What is Llama 2?" } };
	struct answer whole = { .text = STRBUF_INIT }, half = { .text = STRBUF_INIT };
	struct llm_reply_opts o = reply_opts();
	struct llm_chat *c;
	struct llm *guide;
	char *said;

	if (access(path, R_OK)) {
		free(path);
		skip();
	}
	guide = llm_open(path, NULL, NULL);
	assert_non_null(guide);
	free(path);
	c = llm_chat_new(guide, &(struct llm_chat_opts){ .threads = 2, .kv = KV_Q8_0 }, NULL);
	assert_non_null(c);
	o.sampling.temperature = 0;
	o.max_tokens = 200;
	reply(c, msgs, 1, &o, &whole);
	assert_int_equal(whole.finish, LLM_STOP);
	assert_non_null(strstr(whole.text.s, "Meta"));
	o.max_tokens = 12;
	reply(c, msgs, 1, &o, &half);
	assert_memory_equal(half.text.s, whole.text.s, half.text.len);
	said = xstrdup(half.text.s);
	msgs[1] = (struct chat_message){ .role = ROLE_ASSISTANT, .text = said };
	o.max_tokens = 200;
	o.unfinished = true;
	reply(c, msgs, 2, &o, &half);
	assert_string_equal(half.text.s, whole.text.s + strlen(said));
	free(said);
	llm_chat_free(c);
	llm_close(guide);
	strbuf_release(&whole.text);
	strbuf_release(&half.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(llm__open__knows_the_file),
		cmocka_unit_test(llm__open__a_file),
		cmocka_unit_test(llm__open__progress),
		cmocka_unit_test(llm__open__refusals),
		cmocka_unit_test(llm__chat_new__options),
		cmocka_unit_test(llm__reply__same_seed_same_text_for_any_threads),
		cmocka_unit_test(llm__reply__stats),
		cmocka_unit_test(llm__reply__again_from_the_cache),
		cmocka_unit_test(llm__reply__second_turn_as_from_a_fresh_start),
		cmocka_unit_test(llm__reply__ends_when_the_context_is_full),
		cmocka_unit_test(llm__reply__goes_on_with_an_unfinished_answer),
		cmocka_unit_test(llm__reply__begins_anew_after_white_space),
		cmocka_unit_test(llm__reply__too_long_a_message),
		cmocka_unit_test(llm__reply__oldest_messages_leave),
		cmocka_unit_test(llm__reply__weights_of_any_bytes),
		cmocka_unit_test(llm__reply__says_that_weights_are_no_numbers),
		cmocka_unit_test(llm__cancel__keeps_what_was_said),
		cmocka_unit_test(llm__cancel__before_the_prompt_is_known),
		cmocka_unit_test(llm__cancel__in_the_prompt),
		cmocka_unit_test(llm__cancel__from_another_thread),
		cmocka_unit_test(llm__logits__of_all_positions),
		cmocka_unit_test(llm__bench__runs_and_leaves_the_chat_usable),
		cmocka_unit_test(llm__guide__answers),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
