/* A conversation: the cache kept in step with the messages, and answers. */
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "engine/detok.h"
#include "engine/llm_internal.h"
#include "engine/threads.h"

enum {
	DEFAULT_CONTEXT = 4096,
	MAX_CONTEXT = 1 << 24,
	MAX_THREADS = 1024,
};

static const double report_every = 0.1;		/* seconds */

static void
report(struct llm_chat *c, size_t done, bool now)
{
	struct prefill_report *r = &c->report;

	if (!r->fn || (!now && llm_now() - r->last < report_every))
		return;
	r->last = llm_now();
	r->fn(r->ctx, done, r->total);
}

/* From within the forward pass, a chunk of work after another. */
static void
on_step(void *ctx, size_t done, size_t total)
{
	struct llm_chat *c = ctx;

	report(c, c->report.done + c->report.batch * done / total, false);
}

/* ---- making and freeing --------------------------------------------------------------------- */

static size_t
context_of(const struct llm *m, const struct llm_chat_opts *o)
{
	size_t n = m->model->n_ctx_train;

	if (o->context)
		return o->context;
	return n < DEFAULT_CONTEXT ? n : DEFAULT_CONTEXT;
}

static struct pool *
new_pool(const struct llm_chat_opts *o)
{
	unsigned n = o->threads ? o->threads : threads_default();
	unsigned prompt = o->prompt_threads ? o->prompt_threads : n;

	return pool_new(n < MAX_THREADS ? n : MAX_THREADS,
		prompt < MAX_THREADS ? prompt : MAX_THREADS);
}

/* A control token has no text, so that detok would not see it. */
static void
find_stops(struct llm_chat *c)
{
	for (const char *const *stop = template_stops(c->llm->template); *stop; stop++) {
		int32_t id = vocab_find(c->llm->vocab, *stop);

		if (id >= 0)
			token_list_add(&c->stops, id);
	}
}

struct llm_chat *
llm_chat_new(const struct llm *m, const struct llm_chat_opts *o, struct err *e)
{
	const struct matmul_ops *mm = matmul_select(o->isa);
	size_t context = context_of(m, o);
	struct forward_parts parts;
	struct llm_chat *c;

	if (!mm) {
		err_set(e, ERR_USAGE, "there are no kernels for the instruction set \"%.20s\" here",
			o->isa ? o->isa : getenv("HUM_ISA"));
		return NULL;
	}
	if (context > MAX_CONTEXT) {
		err_set(e, ERR_USAGE, "a context of %zu tokens is more than hum can do (%d)",
			context, MAX_CONTEXT);
		return NULL;
	}
	c = xcalloc(1, sizeof *c);
	c->llm = m;
	c->matmul = mm;
	c->ops = ops_select(mm->isa);
	c->said.max_ids = context;
	find_stops(c);
	c->pool = new_pool(o);
	parts = (struct forward_parts){
		.model = m->model, .matmul = mm, .ops = c->ops, .pool = c->pool, .kv = &c->kv,
		.cancel = &c->cancel, .on_step = on_step, .ctx = c,
	};
	if (kv_init(&c->kv, m->model, c->ops, o->kv, context, e) < 0 ||
			!(c->forward = forward_new(&parts, e))) {
		llm_chat_free(c);
		return NULL;
	}
	c->sampler = sampler_new(m->model->n_vocab);
	c->ids = calloc(context, sizeof *c->ids);
	c->logits = calloc(m->model->n_vocab, sizeof *c->logits);
	if (!c->sampler || !c->ids || !c->logits) {
		err_set(e, ERR_MODEL, "there is not enough memory for %zu tokens and a vocabulary of %zu",
			context, m->model->n_vocab);
		llm_chat_free(c);
		return NULL;
	}
	return c;
}

void
llm_chat_free(struct llm_chat *c)
{
	if (!c)
		return;
	forward_free(c->forward);
	pool_free(c->pool);
	kv_release(&c->kv);
	sampler_free(c->sampler);
	token_list_release(&c->prompt);
	said_release(&c->said);
	token_list_release(&c->stops);
	free(c->ids);
	free(c->logits);
	free(c);
}

size_t
llm_chat_context(const struct llm_chat *c)
{
	return c->kv.context;
}

unsigned
llm_chat_threads(const struct llm_chat *c)
{
	return pool_threads(c->pool, POOL_STEP);
}

unsigned
llm_chat_prompt_threads(const struct llm_chat *c)
{
	return pool_threads(c->pool, POOL_BATCH);
}

const char *
llm_chat_isa(const struct llm_chat *c)
{
	return c->matmul->isa;
}

void
llm_cancel(struct llm_chat *c)
{
	atomic_store(&c->cancel, true);
}

void
llm_uncancel(struct llm_chat *c)
{
	atomic_store(&c->cancel, false);
}

/* ---- tokens into the cache ------------------------------------------------------------------ */

size_t
llm_common_prefix(const struct llm_chat *c, const int32_t *ids, size_t n)
{
	size_t i = 0;

	while (i < n && i < c->kv.n && ids[i] == c->ids[i])
		i++;
	return i;
}

int
llm_feed(struct llm_chat *c, const int32_t *ids, size_t n, size_t *cached)
{
	size_t at = llm_common_prefix(c, ids, n), k;

	assert(n > 0 && n <= c->kv.context);
	*cached = at;
	if (at == n)
		at--;		/* the last token's logits are wanted, and they are not kept */
	kv_truncate(&c->kv, at);
	memmove(c->ids, ids, n * sizeof *ids);
	c->report.total = n;
	report(c, at, true);
	for (; at < n; at += k) {
		k = n - at < FORWARD_BATCH ? n - at : FORWARD_BATCH;
		c->report.done = at;
		c->report.batch = k;
		if (forward_run(c->forward, c->ids + at, k, c->logits, at + k == n) < 0)
			return -1;
	}
	report(c, n, true);
	return 0;
}

int
llm_step(struct llm_chat *c, int32_t id)
{
	c->ids[c->kv.n] = id;
	return forward_run(c->forward, &c->ids[c->kv.n], 1, c->logits, 1);
}

/* ---- prompts -------------------------------------------------------------------------------- */

/*
 * BOS and the system block: what prompts with different first messages have in common. Two texts
 * that begin with different words are enough to find out.
 */
static size_t
count_system(const struct llm *m, const struct chat_message *msgs, size_t n)
{
	struct chat_message some[2] = { { .role = ROLE_USER } };
	struct token_list a = { 0 }, b = { 0 };
	size_t user = 0, common = 0;

	if (n && msgs[0].role == ROLE_SYSTEM)
		some[user++] = msgs[0];
	some[user] = (struct chat_message){ .role = ROLE_USER, .text = "a" };
	if (!template_encode(m->template, m->vocab, some, user + 1, false, &a, NULL, NULL, NULL)) {
		some[user].text = "0";
		template_encode(m->template, m->vocab, some, user + 1, false, &b, NULL, NULL, NULL);
		while (common < a.n && common < b.n && a.id[common] == b.id[common])
			common++;
	}
	token_list_release(&a);
	token_list_release(&b);
	return common;
}

/* The prompt in c->prompt, and what is known of it in *s. */
static int
make_prompt(struct llm_chat *c, const struct window_ask *a, struct window *w, struct llm_stats *s,
	struct err *e)
{
	*s = (struct llm_stats){ 0 };
	if (window_fit(w, a, &c->prompt, &s->n_defused, e) < 0)
		return -1;
	if (c->prompt.n == 0)
		return err_set(e, ERR_USAGE, "there is nothing to answer to: the prompt is empty");
	s->prompt_tokens = c->prompt.n;
	s->cached_tokens = llm_common_prefix(c, c->prompt.id, c->prompt.n);
	s->system_tokens = count_system(c->llm, a->msgs, a->n_msgs);
	s->evicted_messages = w->evicted;
	return 0;
}

static struct window_ask
ask(const struct llm_chat *c, const struct chat_message *msgs, size_t n, bool unfinished,
	size_t max_tokens)
{
	/* Room for an answer of some length, so that a turn rarely ends at the edge. */
	size_t reserve = c->kv.context / 8;

	return (struct window_ask){
		.template = c->llm->template, .vocab = c->llm->vocab, .msgs = msgs, .n_msgs = n,
		.unfinished = unfinished, .context = c->kv.context,
		.reserve = max_tokens && max_tokens < reserve ? max_tokens : reserve,
		.cancel = &c->cancel,
	};
}

/* The messages, own answers with their tokens; the caller's to free. The tokens are borrowed from c->said. */
static struct chat_message *
recall(struct llm_chat *c, const struct chat_message *msgs, size_t n)
{
	struct chat_message *known = xcalloc(n, sizeof *known);

	for (size_t i = 0; i < n; i++) {
		struct chat_message *m = &known[i];

		*m = msgs[i];
		if (m->role == ROLE_ASSISTANT && !m->ids)
			m->ids = said_find(&c->said, i, m->text, &m->n_ids);
	}
	return known;
}

int
llm_count(struct llm_chat *c, const struct chat_message *msgs, size_t n, size_t max_tokens,
	struct llm_stats *stats, struct err *e)
{
	struct window w = c->window;
	struct chat_message *known = recall(c, msgs, n);
	bool unfinished = n > 0 && msgs[n - 1].role == ROLE_ASSISTANT;
	struct window_ask a = ask(c, known, n, unfinished, max_tokens);
	int rc = make_prompt(c, &a, &w, stats, e);

	free(known);
	return rc;
}

/* ---- answers -------------------------------------------------------------------------------- */

struct answer {
	struct llm_chat *c;
	const struct llm_reply_opts *o;
	struct detok detok;
	struct strbuf text;		/* of one token */
	struct strbuf whole;		/* all that was handed out */
	struct llm_stats *stats;
	double start, first;
};

static void
emit(struct answer *a)
{
	struct llm_stats *s = a->stats;
	double now = llm_now();

	s->total_seconds = now - a->start;
	if (s->answer_tokens > 1)
		s->tokens_per_second = (double)(s->answer_tokens - 1) / (now - a->first);
	if (a->text.len && a->o->on_text)
		a->o->on_text(a->o->ctx, a->text.s, a->text.len, s);
	strbuf_add(&a->whole, a->text.s, a->text.len);
	strbuf_reset(&a->text);
}

/* Whether tokens can stand in a prompt: none is a control token, and no delimiter is in their text, what was dropped
 * in front of the answer included. */
static bool
harmless(const struct llm *m, const struct token_list *ids)
{
	struct strbuf text = STRBUF_INIT;
	struct chat_message said = { .role = ROLE_ASSISTANT, .ids = ids->id, .n_ids = ids->n };
	bool yes = true;

	for (size_t i = 0; i < ids->n; i++) {
		yes &= vocab_kind(m->vocab, ids->id[i]) != TOKEN_CONTROL;
		vocab_decode_one(m->vocab, ids->id[i], &text);
	}
	said.text = text.s;
	yes &= template_takes_ids(m->template, &said);
	strbuf_release(&text);
	return yes;
}

/*
 * For later prompts: the tokens of this answer, and of what there was of it (NULL: nothing), if the caller can give
 * the text back. A stop string is in the tokens only.
 */
static void
remember(const struct answer *a, size_t place, const struct chat_message *begun)
{
	const struct llm *m = a->c->llm;
	struct strbuf text = STRBUF_INIT;
	struct token_list ids = { 0 };
	bool sound = !a->detok.stopped;

	if (begun && *begun->text && template_goes_on(m->template, begun->text)) {
		sound &= template_takes_ids(m->template, begun);
		for (size_t i = 0; i < begun->n_ids; i++)
			token_list_add(&ids, begun->ids[i]);
	}
	for (size_t i = 0; i < a->stats->answer_tokens; i++)
		token_list_add(&ids, a->c->ids[a->c->prompt.n + i]);
	if (begun)
		strbuf_adds(&text, begun->text);
	strbuf_add(&text, a->whole.s, a->whole.len);
	if (sound && text.len && !memchr(text.s, 0, text.len) && harmless(m, &ids))
		said_add(&a->c->said, place, text.s, ids.id, ids.n);
	strbuf_release(&text);
	token_list_release(&ids);
}

static bool
is_end(const struct llm_chat *c, int32_t id)
{
	for (size_t i = 0; i < c->stops.n; i++)
		if (c->stops.id[i] == id)
			return true;
	return vocab_is_end(c->llm->vocab, id);
}

/* The next token of the answer, put down at position n; *end: it ends the answer, and is no part of it. */
static int
pick(struct answer *a, size_t n, bool *end, struct err *e)
{
	struct llm_chat *c = a->c;
	int32_t id = sampler_pick(c->sampler, &a->o->sampling, c->logits, c->ids, n, a->o->seed, n);

	if (id < 0)
		return err_set(e, ERR_MODEL,
			"the model computes no numbers; its file is damaged: download it again");
	if (a->stats->answer_tokens == 0) {
		a->first = llm_now();
		a->stats->first_token_seconds = a->first - a->start;
	}
	c->ids[n] = id;
	*end = is_end(c, id);
	return 0;
}

/* From the logits of the prompt's last token to the end of the answer. */
static int
generate(struct answer *a, enum llm_finish *finish, struct err *e)
{
	struct llm_chat *c = a->c;

	/* n: tokens so far, the answer's among them. */
	for (size_t n = c->kv.n;; n++) {
		bool end;

		*finish = LLM_CANCELLED;
		if (atomic_load(&c->cancel))
			return 0;
		*finish = LLM_LENGTH;
		if (n == c->kv.context)
			return 0;
		if (pick(a, n, &end, e) < 0)
			return -1;
		*finish = LLM_STOP;
		if (end)
			return 0;
		a->stats->answer_tokens++;
		end = detok_push(&a->detok, c->ids[n], &a->text);
		emit(a);
		if (end)
			return 0;
		*finish = LLM_LENGTH;
		if (a->stats->answer_tokens == a->o->max_tokens)
			return 0;
		*finish = LLM_CANCELLED;
		if (n + 1 < c->kv.context && llm_step(c, c->ids[n]) < 0)
			return 0;
	}
}

/* Processes the prompt and writes after it; `begun` is what there is of the answer, or NULL. */
static int
write_answer(struct answer *a, const struct chat_message *begun, enum llm_finish *finish, struct err *e)
{
	struct llm_chat *c = a->c;
	int rc = 0;

	*finish = LLM_CANCELLED;
	detok_init(&a->detok, c->llm->vocab, template_stops(c->llm->template));
	a->detok.started = template_goes_on(c->llm->template, begun ? begun->text : "");
	c->report = (struct prefill_report){ .fn = a->o->on_prefill, .ctx = a->o->ctx };
	if (llm_feed(c, c->prompt.id, c->prompt.n, &a->stats->cached_tokens) == 0) {
		a->stats->prefill_seconds = llm_now() - a->start;
		c->report.fn = NULL;
		rc = generate(a, finish, e);
	}
	c->report.fn = NULL;
	detok_flush(&a->detok, &a->text);
	emit(a);
	return rc;
}

int
llm_reply(struct llm_chat *c, const struct chat_message *msgs, size_t n,
	const struct llm_reply_opts *o, enum llm_finish *finish, struct llm_stats *stats,
	struct err *e)
{
	struct chat_message *known = recall(c, msgs, n);
	struct window_ask ask_for = ask(c, known, n, o->unfinished, o->max_tokens);
	struct answer a = {
		.c = c, .o = o, .text = STRBUF_INIT, .whole = STRBUF_INIT, .stats = stats,
		.start = llm_now(),
	};
	struct err why = { 0 };
	int rc;

	*finish = LLM_CANCELLED;
	rc = make_prompt(c, &ask_for, &c->window, stats, &why);
	if (rc == 0) {
		const struct chat_message *begun = o->unfinished ? &known[n - 1] : NULL;

		rc = write_answer(&a, begun, finish, e);
		if (rc == 0)
			remember(&a, begun ? n - 1 : n, begun);
		detok_release(&a.detok);
	} else {
		stats->total_seconds = llm_now() - a.start;
		if (why.code == ERR_INTERRUPTED)
			rc = 0;
		else if (e)
			*e = why;
	}
	strbuf_release(&a.text);
	strbuf_release(&a.whole);
	free(known);
	return rc;
}
