#include "config.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "app/backend/local.h"
#include "app/models/open.h"
#include "base/log.h"
#include "base/xalloc.h"

enum job_kind { JOB_LOAD, JOB_REPLY, JOB_COUNT };

struct job {
	struct job *next;
	enum job_kind kind;
	unsigned number;
	struct load_request *load;	/* JOB_LOAD */
	struct reply_request *reply;	/* the others */
};

struct local {
	struct backend base;
	struct mailbox *mailbox;
	pthread_t thread;

	pthread_mutex_t lock;		/* for what follows, up to the blank line */
	pthread_cond_t wake;
	struct job *first, **last;	/* waiting */
	unsigned running;		/* number of the job at work; 0: none */
	bool closing;
	struct llm_chat *chat;		/* written by the worker under the lock; NULL: no model */

	atomic_bool cancelled;		/* the job at work; what can have no llm_chat yet looks here */
	struct llm *llm;		/* worker only */
};

static struct local *
local_of(struct backend *b)
{
	return (struct local *)b;	/* base is its first member */
}

static void
job_free(struct job *j)
{
	load_request_free(j->load);
	reply_request_free(j->reply);
	free(j);
}

/* ---- events ---- */

struct report {			/* ctx of the engine's callbacks */
	struct local *l;
	unsigned job;
};

static bool
on_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct report *r = ctx;
	struct mail ev = { .type = MAIL_LOADING, .job = r->job, .text = STRBUF_INIT, .done = done,
		.total = total };

	mailbox_post(r->l->mailbox, &ev);
	return !atomic_load(&r->l->cancelled);
}

static void
on_prefill(void *ctx, size_t done, size_t total)
{
	struct report *r = ctx;
	struct mail ev = { .type = MAIL_PREFILL, .job = r->job, .text = STRBUF_INIT, .done = done,
		.total = total };

	mailbox_post(r->l->mailbox, &ev);
}

static void
on_text(void *ctx, const char *text, size_t len, const struct llm_stats *so_far)
{
	struct report *r = ctx;
	union {
		const char *theirs;
		char *s;
	} view = { .theirs = text };
	/* Only read by mailbox_post: a view of the engine's bytes, not a string of ours. */
	struct mail ev = { .type = MAIL_TEXT, .job = r->job, .text = { .s = view.s, .len = len },
		.stats = *so_far };

	mailbox_post(r->l->mailbox, &ev);
}

static void
post_failed(struct local *l, unsigned job, const struct err *e)
{
	struct mail ev = { .type = MAIL_FAILED, .job = job, .text = STRBUF_INIT, .err = *e };

	mailbox_post(l->mailbox, &ev);
}

/* A job that was cancelled before it began. */
static void
post_cancelled(struct local *l, const struct job *j)
{
	struct mail ev = { .type = MAIL_DONE, .job = j->number, .text = STRBUF_INIT,
		.finish = LLM_CANCELLED };
	struct err e;

	if (j->kind == JOB_REPLY) {
		mailbox_post(l->mailbox, &ev);
		return;
	}
	err_set(&e, ERR_INTERRUPTED, "cancelled");
	post_failed(l, j->number, &e);
}

/* ---- jobs, in the worker ---- */

/* Hands over to the new model, after which the old one is nobody's. */
static void
swap_model(struct local *l, struct llm *llm, struct llm_chat *chat)
{
	struct llm_chat *old;

	pthread_mutex_lock(&l->lock);
	old = l->chat;
	l->chat = chat;
	pthread_mutex_unlock(&l->lock);
	llm_chat_free(old);
	model_close(l->llm);
	l->llm = llm;
}

static void
run_load(struct local *l, const struct job *j)
{
	const struct load_request *r = j->load;
	struct report report = { l, j->number };
	struct llm_open_opts open_opts = { .template_name = r->template_name, .progress = on_progress,
		.ctx = &report };
	struct llm_chat_opts chat_opts = { .context = r->settings.context, .kv = r->settings.kv,
		.threads = r->settings.threads, .prompt_threads = r->settings.prompt_threads };
	struct mail ev = { .type = MAIL_LOADED, .job = j->number, .text = STRBUF_INIT };
	struct err e = { 0 };
	struct llm *llm = model_open(r->path, &open_opts, &e);
	struct llm_chat *chat = llm ? model_chat_new(llm, &chat_opts, &e) : NULL;

	if (chat && atomic_load(&l->cancelled)) {
		err_set(&e, ERR_INTERRUPTED, "cancelled");
		llm_chat_free(chat);
		chat = NULL;
	}
	if (!chat) {
		model_close(llm);
		log_msg("model %s not loaded: %s", r->name, e.text);
		post_failed(l, j->number, &e);
		return;
	}
	backend_info_fill(&ev.info, r->name, r->ref, llm, chat, r->settings.kv);
	swap_model(l, llm, chat);
	log_msg("model %s loaded: %s, context %zu, %u threads, %u for prompts, %s", r->name, ev.info.type,
		ev.info.context, ev.info.threads, ev.info.prompt_threads, ev.info.isa);
	mailbox_post(l->mailbox, &ev);
}

static void
run_reply(struct local *l, const struct job *j)
{
	const struct reply_request *r = j->reply;
	struct report report = { l, j->number };
	struct llm_reply_opts o = {
		.sampling = r->sampling,
		.seed = r->seed,
		.max_tokens = r->max_tokens,
		.unfinished = r->unfinished,
		.on_prefill = on_prefill,
		.on_text = on_text,
		.ctx = &report,
	};
	struct mail ev = { .type = MAIL_DONE, .job = j->number, .text = STRBUF_INIT };
	struct err e = { 0 };

	if (llm_reply(l->chat, r->messages, r->n, &o, &ev.finish, &ev.stats, &e) < 0)
		post_failed(l, j->number, &e);
	else
		mailbox_post(l->mailbox, &ev);
}

static void
run_count(struct local *l, const struct job *j)
{
	const struct reply_request *r = j->reply;
	struct mail ev = { .type = MAIL_COUNTED, .job = j->number, .text = STRBUF_INIT };
	struct err e = { 0 };

	if (llm_count(l->chat, r->messages, r->n, r->max_tokens, &ev.stats, &e) < 0)
		post_failed(l, j->number, &e);
	else
		mailbox_post(l->mailbox, &ev);
}

static void
run_job(struct local *l, const struct job *j)
{
	struct err e;

	if (j->kind == JOB_LOAD) {
		run_load(l, j);
		return;
	}
	if (!l->chat) {
		err_set(&e, ERR_MODEL, "no model is loaded; choose one with /model");
		post_failed(l, j->number, &e);
		return;
	}
	if (j->kind == JOB_REPLY)
		run_reply(l, j);
	else
		run_count(l, j);
}

static struct job *
next_job(struct local *l)
{
	struct job *j;

	pthread_mutex_lock(&l->lock);
	l->running = 0;
	while (!l->first && !l->closing)
		pthread_cond_wait(&l->wake, &l->lock);
	j = l->closing ? NULL : l->first;
	if (j) {
		l->first = j->next;
		if (!l->first)
			l->last = &l->first;
		/* Reset and named under one lock: a cancel hits either the queue or this run, never neither. */
		l->running = j->number;
		atomic_store(&l->cancelled, false);
		if (l->chat)
			llm_uncancel(l->chat);
	}
	pthread_mutex_unlock(&l->lock);
	return j;
}

static void *
work(void *ctx)
{
	struct local *l = ctx;
	struct job *j;

	while ((j = next_job(l))) {
		run_job(l, j);
		job_free(j);
	}
	swap_model(l, NULL, NULL);
	return NULL;
}

/* ---- operations, in the main thread ---- */

static void
enqueue(struct local *l, enum job_kind kind, unsigned number, struct load_request *load,
	struct reply_request *reply)
{
	struct job *j = xcalloc(1, sizeof *j);

	assert(number > 0);
	*j = (struct job){ .kind = kind, .number = number, .load = load, .reply = reply };
	pthread_mutex_lock(&l->lock);
	*l->last = j;
	l->last = &j->next;
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->lock);
}

static void
local_load(struct backend *b, unsigned job, struct load_request *r)
{
	enqueue(local_of(b), JOB_LOAD, job, r, NULL);
}

static void
local_reply(struct backend *b, unsigned job, struct reply_request *r)
{
	enqueue(local_of(b), JOB_REPLY, job, NULL, r);
}

static void
local_count(struct backend *b, unsigned job, struct reply_request *r)
{
	enqueue(local_of(b), JOB_COUNT, job, NULL, r);
}

/* With the lock held. */
static void
cancel_running(struct local *l)
{
	atomic_store(&l->cancelled, true);
	if (l->chat)
		llm_cancel(l->chat);
}

/* Takes a waiting job out of the queue; with the lock held. NULL: not there. */
static struct job *
unqueue(struct local *l, unsigned number)
{
	for (struct job **p = &l->first; *p; p = &(*p)->next) {
		struct job *j = *p;

		if (j->number != number)
			continue;
		*p = j->next;
		if (!j->next)
			l->last = p;
		return j;
	}
	return NULL;
}

static void
local_cancel(struct backend *b, unsigned number)
{
	struct local *l = local_of(b);
	struct job *j = NULL;

	pthread_mutex_lock(&l->lock);
	if (l->running == number)
		cancel_running(l);
	else
		j = unqueue(l, number);
	pthread_mutex_unlock(&l->lock);
	if (!j)
		return;
	post_cancelled(l, j);
	job_free(j);
}

static void
local_close(struct backend *b)
{
	struct local *l = local_of(b);

	pthread_mutex_lock(&l->lock);
	l->closing = true;
	cancel_running(l);
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
	for (struct job *j = l->first, *next; j; j = next) {
		next = j->next;
		job_free(j);
	}
	pthread_cond_destroy(&l->wake);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static const struct backend_ops local_ops = {
	.load = local_load,
	.reply = local_reply,
	.count = local_count,
	.cancel = local_cancel,
	.close = local_close,
};

struct backend *
backend_local_new(struct mailbox *m, struct err *e)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP };
	struct local *l = xcalloc(1, sizeof *l);
	sigset_t all, old;
	int rc;

	l->base.ops = &local_ops;
	l->mailbox = m;
	l->last = &l->first;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->wake, NULL);

	/* Signals are the main thread's; the compute threads inherit the mask. Faults stay open: a blocked one
	 * would end the program without its handler, that is without restoring the terminal. */
	sigfillset(&all);
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		sigdelset(&all, faults[i]);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&l->thread, NULL, work, l);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!rc)
		return &l->base;
	errno = rc;
	err_errno(e, ERR_BACKEND, "no thread for the model");
	free(l);
	return NULL;
}
