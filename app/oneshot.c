#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/ask.h"
#include "app/backend/request.h"
#include "app/chat/session.h"
#include "app/config/paths.h"
#include "app/oneshot.h"
#include "app/programs.h"
#include "base/utf8.h"
#include "base/xalloc.h"

enum { STDIN_MAX = 64 << 20 };

struct oneshot {
	const struct options *o;
	struct ask ask;
	struct session *session;	/* with -c or -r it is kept; else in memory only */
	struct strbuf prompt;
	int answer;			/* its id in the session */
	uint64_t seed;
	bool scrub;			/* stdout is a terminal */
	char last;			/* last byte written */
	int write_error;		/* errno of stdout; 0: fine */
};

/* ---- what goes in ---- */

/* Appends stdin to the prompt unless it is a terminal. */
static int
read_stdin(struct strbuf *out, struct err *e)
{
	struct strbuf raw = STRBUF_INIT;
	char buf[65536];
	ssize_t n;

	if (isatty(STDIN_FILENO))
		return 0;
	while ((n = read(STDIN_FILENO, buf, sizeof buf)) != 0 && raw.len < STDIN_MAX) {
		if (n > 0)
			strbuf_add(&raw, buf, (size_t)n);
		else if (errno != EINTR)
			break;	/* closed or a folder: there is nothing to append */
	}
	if (raw.len >= STDIN_MAX) {
		strbuf_release(&raw);
		return err_set(e, ERR_USAGE, "more than %d MiB on stdin", STDIN_MAX >> 20);
	}
	while (raw.len && (raw.s[raw.len - 1] == '\n' || raw.s[raw.len - 1] == '\r'))
		strbuf_truncate(&raw, raw.len - 1);
	if (raw.len && out->len)
		strbuf_adds(out, "\n\n");
	utf8_repair(out, raw.s, raw.len);
	strbuf_release(&raw);
	return 0;
}

/* NUL is a character like others for UTF-8, but would end the text for everything behind here. */
static void
replace_nul(struct strbuf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (!b->s[i])
			b->s[i] = ' ';
}

static int
make_prompt(struct oneshot *s, struct err *e)
{
	const struct options *o = s->o;

	if (o->print)
		utf8_repair(&s->prompt, o->print, strlen(o->print));
	for (size_t i = 0; i < o->n_args; i++) {
		if (s->prompt.len)
			strbuf_addc(&s->prompt, ' ');
		utf8_repair(&s->prompt, o->args[i], strlen(o->args[i]));
	}
	if (read_stdin(&s->prompt, e) < 0)
		return -1;
	replace_nul(&s->prompt);
	if (!s->prompt.len)
		return err_set(e, ERR_USAGE, "the prompt is empty: hum -p PROMPT, or a text on stdin");
	return 0;
}

static int
open_session(struct oneshot *s, struct err *e)
{
	char *dir = path_data("sessions"), *cache = path_cache("summaries"), *path = NULL;
	const struct options *o = s->o;

	if (o->resume_asked && !o->resume)
		err_set(e, ERR_USAGE, "-r needs an id or a title here: --resume=TITLE");
	else if (o->resume)
		path = session_find(dir, cache, o->resume, e);
	else if (o->cont)
		path = session_newest(dir);
	if (path)
		s->session = session_load(path, e);
	else if (!o->resume_asked)
		s->session = session_new(o->cont ? dir : NULL);
	free(path);
	free(dir);
	free(cache);
	if (s->session && s->session->read_only)
		return err_set(e, ERR_STORE, "another hum has this chat open");
	return s->session ? 0 : -1;
}

/* ---- what comes out ---- */

static void
put(struct oneshot *s, const char *text, size_t len)
{
	if (!len || s->write_error)
		return;
	errno = EIO;
	if (fwrite(text, 1, len, stdout) != len || fflush(stdout) != 0)
		s->write_error = errno;
	s->last = text[len - 1];
}

static void
put_json(struct oneshot *s, json_t *object)
{
	char *line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(6));

	if (line) {
		put(s, line, strlen(line));
		put(s, "\n", 1);
	}
	free(line);
	json_decref(object);
}

void
oneshot_print_error(const struct err *e)
{
	json_t *o = json_pack("{s:{s:i,s:s%}}", "error", "code", (int)e->code, "message", e->text, strlen(e->text));
	char *line = o ? json_dumps(o, JSON_COMPACT) : NULL;

	puts(line ? line : "{\"error\":{\"code\":1,\"message\":\"?\"}}");
	free(line);
	json_decref(o);
}

static bool
on_text(void *ctx, const char *text, size_t len)
{
	struct oneshot *s = ctx;
	struct strbuf clean = STRBUF_INIT;
	struct err e;

	/* A disk that fails is told at the end, by session_end_answer; the answer goes on. */
	session_add_piece(s->session, s->answer, text, len, &e);
	if (s->o->stream_json) {
		put_json(s, json_pack("{s:s,s:s%}", "type", "text", "text", text, len));
	} else if (!s->o->json) {
		if (s->scrub)
			utf8_scrub(&clean, text, len);
		else
			strbuf_add(&clean, text, len);
		put(s, clean.s, clean.len);
		strbuf_release(&clean);
	}
	return !s->write_error;
}

static json_t *
figures(const struct oneshot *s, enum finish finish, const struct llm_stats *st)
{
	const struct sampling *p = &s->ask.settings.sampling;

	return json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:f,s:f,s:f,s:f,s:{s:f,s:f,s:I,s:f,s:f}}",
		"finish", finish_name(finish), "model", s->ask.model.name, "seed", (json_int_t)s->seed,
		"prompt_tokens", (json_int_t)st->prompt_tokens, "cached_tokens", (json_int_t)st->cached_tokens,
		"tokens", (json_int_t)st->answer_tokens, "prefill_seconds", st->prefill_seconds,
		"first_token_seconds", st->first_token_seconds, "seconds", st->total_seconds,
		"tokens_per_second", st->tokens_per_second, "sampling", "temperature", (double)p->temperature,
		"top_p", (double)p->top_p, "top_k", (json_int_t)p->top_k, "min_p", (double)p->min_p,
		"repeat_penalty", (double)p->repeat_penalty);
}

static void
put_start(struct oneshot *s)
{
	if (s->o->stream_json)
		put_json(s, json_pack("{s:s,s:s,s:I}", "type", "start", "model", s->ask.model.name, "seed",
			(json_int_t)s->seed));
}

static void
put_end(struct oneshot *s, enum finish finish, const struct llm_stats *stats)
{
	const struct message *m = conversation_find(&s->session->conv, s->answer);
	json_t *object;

	if (!s->o->json && !s->o->stream_json) {
		if (m->text.len && s->last != '\n')
			put(s, "\n", 1);
		return;
	}
	object = figures(s, finish, stats);
	if (s->o->stream_json)
		json_object_set_new(object, "type", json_string("end"));
	else
		json_object_set_new(object, "text", json_stringn(m->text.s, m->text.len));
	put_json(s, object);
}

/* ---- the run ---- */

/* Puts the turn and the beginning of its answer into the session. */
static struct reply_request *
ask_question(struct oneshot *s, struct err *e)
{
	const struct conversation *conv = &s->session->conv;
	const char *system = ask_system(&s->ask, s->o);
	struct reply_request *r;
	int user;

	if (system && (s->o->system || !conv->n) && session_set_system(s->session, system, e) < 0)
		return NULL;
	if (session_set_model(s->session, s->ask.model.ref, e) < 0 ||
		session_add_user(s->session, conv->head, s->prompt.s, &user, e) < 0)
		return NULL;
	r = request_build(conv, user, NULL, NULL);
	r->sampling = s->ask.settings.sampling;
	r->max_tokens = s->ask.settings.max_tokens;
	s->seed = s->ask.settings.seed < 0 ? request_random_seed() : (uint64_t)s->ask.settings.seed;
	r->seed = s->seed;
	if (session_begin_answer(s->session, user, s->ask.model.name, r->seed, &r->sampling, &s->answer, e) == 0)
		return r;
	reply_request_free(r);
	return NULL;
}

static int
answer(struct oneshot *s, struct err *e)
{
	struct reply_request *r = ask_question(s, e);
	struct llm_stats stats = { 0 };
	enum llm_finish finish;
	struct message_stats kept;

	if (!r)
		return -1;
	put_start(s);
	if (ask_reply(&s->ask, r, on_text, s, &finish, &stats, e) < 0) {
		session_end_answer(s->session, s->answer, FINISH_ERROR, &(struct message_stats){ 0 }, NULL);
		return -1;
	}
	kept = request_stats(&stats);
	put_end(s, request_finish(finish), &stats);
	if (session_end_answer(s->session, s->answer, request_finish(finish), &kept, e) < 0)
		return -1;
	/* A reader that has seen enough (head) is no failure; a full disk is. */
	if (s->write_error && s->write_error != EPIPE) {
		errno = s->write_error;
		return err_errno(e, ERR_STORE, "output");
	}
	if (s->ask.interrupted)
		return err_set(e, ERR_INTERRUPTED, "interrupted");
	return 0;
}

int
program_oneshot(const struct options *o)
{
	struct oneshot s = { .o = o, .prompt = STRBUF_INIT, .scrub = isatty(STDOUT_FILENO) };
	struct err e = { 0 };
	const char *model;
	int rc = -1;

	if (make_prompt(&s, &e) == 0 && open_session(&s, &e) == 0) {
		model = o->model ? o->model : s.session->conv.model;
		rc = ask_open(&s.ask, o, model, &e);
		if (rc == 0)
			rc = answer(&s, &e);
	}
	/* An answer that was cut short has been printed with its finish; anything else has not been said yet. */
	if (rc < 0 && (o->json || o->stream_json) && !(e.code == ERR_INTERRUPTED && s.answer))
		oneshot_print_error(&e);
	if (rc < 0)
		fprintf(stderr, "hum: %s\n", e.text);
	session_free(s.session);
	ask_close(&s.ask);
	strbuf_release(&s.prompt);
	return rc < 0 ? (int)e.code : 0;
}
