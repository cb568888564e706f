#include "config.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/backend/request.h"
#include "app/chat/session.h"
#include "app/cli/input.h"
#include "app/cli/interrupt.h"
#include "app/cli/json_text.h"
#include "app/cli/tool.h"
#include "app/config/paths.h"
#include "app/models/models.h"
#include "app/oneshot.h"
#include "base/utf8.h"
#include "base/xalloc.h"

enum { STDIN_MAX = 16 << 20 };
enum { PIECE_MS = 80 };		/* pieces that come in a shorter time share a write to the disk */

struct oneshot {
	const struct options *o;
	struct tool t;
	bool kept;			/* the session is on disk */
	struct session *session;	/* else it is only in memory */
	struct strbuf prompt, text;	/* text: the answer so far */
	bool held;			/* a CR at the end of a piece waits for the next */
	int answer;			/* message of the session; 0: none yet */
	uint64_t seed;
	int64_t stored_ms;		/* when pieces were last written */
	struct err disk;		/* first error of the disk, unless all was stored later */
};

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- what goes in
 * -------------------------------------------------------------------------------- */

static int
check_options(const struct options *o, struct err *e)
{
	if (o->json && o->stream_json)
		return err_set(e, ERR_USAGE, "--json and --stream-json exclude each other");
	if (o->cont && o->resume_asked)
		return err_set(e, ERR_USAGE, "-c and -r exclude each other");
	if (o->no_save && (o->cont || o->resume_asked))
		return err_set(e, ERR_USAGE, "--no-save does not go with -c or -r");
	if (o->resume_asked && (!o->resume || !*o->resume))
		return err_set(e, ERR_USAGE,
			"for one answer, -r needs an id or a title: --resume=TITLE");
	return 0;
}

static void
add_part(struct strbuf *prompt, const char *gap, const char *s, size_t len)
{
	if (prompt->len && len)
		strbuf_adds(prompt, gap);
	strbuf_add(prompt, s, len);
}

static int
add_stdin(struct strbuf *prompt, struct err *e)
{
	struct strbuf in = STRBUF_INIT;
	int rc = 0;

	if (!isatty(STDIN_FILENO))
		rc = input_read("-", STDIN_MAX, &in, e);
	while (in.len && (in.s[in.len - 1] == '\n' || in.s[in.len - 1] == '\r'))
		strbuf_truncate(&in, in.len - 1);
	add_part(prompt, "\n\n", in.s, in.len);
	strbuf_release(&in);
	return rc;
}

static int
refuse_empty(const struct options *o, struct err *e)
{
	if (o->print || o->json || o->stream_json || isatty(STDIN_FILENO))
		return err_set(e, ERR_USAGE,
			"the prompt is empty: hum -p PROMPT, or a text on standard input");
	return err_set(e, ERR_USAGE,
		"the chat needs a terminal, and there is no text on standard input to answer "
		"instead");
}

/* -p, then the arguments, then standard input. */
static int
read_prompt(struct oneshot *s, struct err *e)
{
	const struct options *o = s->o;
	size_t bad;

	if (o->print)
		strbuf_adds(&s->prompt, o->print);
	for (size_t i = 0; i < o->n_args; i++)
		add_part(&s->prompt, " ", o->args[i], strlen(o->args[i]));
	if (add_stdin(&s->prompt, e) < 0)
		return -1;
	bad = input_repair(&s->prompt);
	if (bad)
		note("%zu bytes of the prompt are no UTF-8 text; U+FFFD stands in their place",
			bad);
	if (!s->prompt.s[strspn(s->prompt.s, " \t\r\n")])
		return refuse_empty(o, e);
	return 0;
}

static int
open_kept(struct oneshot *s, struct err *e)
{
	char *dir = path_sessions(), *cache = path_summaries(), *path;
	const char *what = s->o->resume;

	path = what ? session_find(dir, cache, what, e) : session_newest(dir);
	if (path) {
		s->session = session_load(path, e);
	} else if (!what) {
		note("there is no chat to go on with; this is the first");
		s->session = session_new(dir);
	}
	free(path);
	free(cache);
	free(dir);
	if (!s->session)
		return -1;
	if (s->session->read_only)
		return err_set(e, ERR_STORE,
			"the turn could not be kept in this chat: %s; "
			"without -c and -r hum answers and keeps nothing",
			s->session->warning);
	if (s->session->warning)
		note("%s", s->session->warning);
	return 0;
}

static int
open_session(struct oneshot *s, struct err *e)
{
	s->kept = s->o->cont || s->o->resume_asked;
	if (s->kept)
		return open_kept(s, e);
	s->session = session_new(NULL);
	return 0;
}

static int
open_model(struct oneshot *s)
{
	const char *usual = s->session->conv.model;
	struct err e;

	tool_list_models(&s->t);
	/* A chat's own model may be gone by now; that is no reason not to go on with it. */
	if (usual && !s->o->model && !model_list_find(&s->t.models, usual, &e)) {
		note("this chat was held with %s, which is not here (%s)", usual, e.text);
		usual = NULL;
	}
	if (tool_find_model(&s->t, s->o, usual) < 0)
		return -1;
	return tool_open_chat(&s->t, s->o, 0);
}

/* ---- what comes out
 * ------------------------------------------------------------------------------ */

static void
put_json(struct oneshot *s, json_t *object)
{
	char *line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(6));

	if (line) {
		output_adds(&s->t.out, line);
		output_adds(&s->t.out, "\n");
		output_flush(&s->t.out);
	}
	free(line);
	json_decref(object);
}

/* On a terminal a line break of two bytes may come in two pieces. */
static void
put_text(struct oneshot *s, const char *text, size_t len)
{
	struct strbuf whole = STRBUF_INIT;

	if (s->held)
		strbuf_addc(&whole, '\r');
	strbuf_add(&whole, text, len);
	s->held = s->t.out.tty && whole.len && whole.s[whole.len - 1] == '\r';
	if (s->held)
		strbuf_truncate(&whole, whole.len - 1);
	output_text(&s->t.out, whole.s, whole.len);
	output_flush(&s->t.out);
	strbuf_release(&whole);
}

static void
note_disk(struct oneshot *s, int rc, const struct err *e)
{
	if (tool_stored(s->session, rc, e) == 0 || s->disk.code)
		return;
	s->disk = *e;
	note("the chat could not be stored: %s", e->text);
}

static void
store_piece(struct oneshot *s, const char *text, size_t len)
{
	struct err e = { 0 };
	int64_t now = now_ms();

	note_disk(s, session_add_piece(s->session, s->answer, text, len, &e), &e);
	/* Nothing wakes this thread before the next token: what is not written now may have to wait
	 * for long. */
	if (now - s->stored_ms < PIECE_MS)
		return;
	s->stored_ms = now;
	note_disk(s, session_flush(s->session, &e), &e);
}

static void
on_text(void *ctx, const char *text, size_t len, const struct llm_stats *so_far)
{
	struct oneshot *s = ctx;
	size_t before = s->text.len;

	utf8_repair(&s->text, text, len);
	if (s->kept)
		store_piece(s, s->text.s + before, s->text.len - before);
	if (s->o->stream_json)
		put_json(s, json_pack("{s:s,s:s%}", "type", "text", "text", s->text.s + before,
			s->text.len - before));
	else if (!s->o->json)
		put_text(s, s->text.s + before, s->text.len - before);
	if (s->t.out.error)		/* nobody reads it any more */
		llm_cancel(s->t.chat);
}

static void
add_figures(json_t *object, const struct oneshot *s, enum llm_finish finish,
	const struct llm_stats *st)
{
	json_object_update_new(object, json_pack("{s:s,s:o,s:I,s:I,s:I,s:I,s:I,s:f,s:f,s:f}",
		"finish", finish_name(request_finish(finish)),
		"model", json_text(s->t.model->name),
		"seed", (json_int_t)s->seed,
		"prompt_tokens", (json_int_t)st->prompt_tokens,
		"cached_tokens", (json_int_t)st->cached_tokens,
		"answer_tokens", (json_int_t)st->answer_tokens,
		"evicted_messages", (json_int_t)st->evicted_messages,
		"first_token_ms", st->first_token_seconds * 1000,
		"total_ms", st->total_seconds * 1000,
		"tokens_per_second", st->tokens_per_second));
}

static void
put_end(struct oneshot *s, enum llm_finish finish, const struct llm_stats *stats)
{
	json_t *object;

	if (!s->o->json && !s->o->stream_json) {
		if (s->text.len && s->text.s[s->text.len - 1] != '\n')
			output_adds(&s->t.out, "\n");
		return;
	}
	if (s->o->json)
		object = json_pack("{s:s%}", "text", s->text.s, s->text.len);
	else
		object = json_pack("{s:s}", "type", "done");
	add_figures(object, s, finish, stats);
	put_json(s, object);
}

static json_t *
error_object(const struct options *o, const struct err *e)
{
	json_t *object = o->stream_json ? json_pack("{s:s}", "type", "error") : json_object();

	json_object_set_new(object, "error",
		json_pack("{s:i,s:o}", "code", (int)e->code, "message", json_text(e->text)));
	return object;
}

void
oneshot_print_error(const struct options *o, const struct err *e)
{
	json_t *object = error_object(o, e);
	char *line = json_dumps(object, JSON_COMPACT);

	if (line)
		puts(line);
	free(line);
	json_decref(object);
}

/* ---- the turn
 * ------------------------------------------------------------------------------------ */

/* The system prompt that the chat is to get; NULL: it keeps its own, unless another one is asked for. */
static const char *
new_system(const struct oneshot *s)
{
	const char *what = s->o->system ? s->o->system : s->t.config->system;
	const char *text = what ? config_find_system(s->t.config, what) : NULL;

	if (!what || (s->session->conv.n && !s->o->system))
		return NULL;
	return text ? text : what;
}

/* The whole conversation with the new turn, checked to fit before anything of it is stored. */
static struct reply_request *
make_request(struct oneshot *s, struct err *e)
{
	struct conversation conv = s->session->conv;	/* as it is going to be */
	const char *system = new_system(s);
	char *copy = system ? xstrdup(system) : NULL;
	struct reply_request *r;
	struct llm_stats stats;

	if (copy)
		conv.system = copy;
	r = request_build(&conv, 0, NULL, NULL);
	free(copy);
	reply_request_add(r, ROLE_USER, s->prompt.s);
	s->seed = s->t.settings.seed < 0 ? request_random_seed() : (uint64_t)s->t.settings.seed;
	if (llm_count(s->t.chat, r->messages, r->n, s->t.settings.max_tokens, &stats, e) == 0)
		return r;
	reply_request_free(r);
	return NULL;
}

static int
store_turn(struct oneshot *s, struct err *e)
{
	char *ref = model_ref(&s->t.models, s->t.model);
	bool chosen = s->o->model || !s->session->conv.model;
	const char *system = new_system(s);
	struct session *to = s->session;
	int user, rc = 0;

	if (s->kept && system)
		rc = tool_stored(to, session_set_system(to, system, e), e);
	if (s->kept && chosen && rc == 0)
		rc = tool_stored(to, session_set_model(to, ref, e), e);
	free(ref);
	if (!s->kept || rc < 0)
		return rc;
	rc = session_add_user(to, to->conv.head, s->prompt.s, &user, e);
	if (tool_stored(to, rc, e) < 0)
		return -1;
	rc = session_begin_answer(to, user, s->t.model->name, s->seed, &s->t.settings.sampling,
		&s->answer, e);
	return tool_stored(to, rc, e);
}

static void
tell_stats(const struct llm_stats *stats)
{
	if (stats->evicted_messages)
		note("the context is too short for the chat: its %zu oldest messages were not seen",
			stats->evicted_messages);
	if (stats->n_defused)
		note("marks of the model's prompt format in the texts were sent as plain text");
}

static void
store_end(struct oneshot *s, enum finish finish, const struct llm_stats *stats)
{
	struct message_stats kept = request_stats(stats);
	struct err e = { 0 };

	if (!s->kept)
		return;
	note_disk(s, session_end_answer(s->session, s->answer, finish, &kept, &e), &e);
	if (s->disk.code && tool_stored(s->session, session_flush(s->session, &e), &e) == 0) {
		s->disk.code = 0;
		note("the chat is stored after all");
	}
}

static int
reply(struct oneshot *s, const struct reply_request *r, struct err *e)
{
	struct llm_reply_opts o = {
		.sampling = s->t.settings.sampling,
		.seed = s->seed,
		.max_tokens = s->t.settings.max_tokens,
		.on_text = on_text,
		.ctx = s,
	};
	struct llm_stats stats = { 0 };
	enum llm_finish finish = LLM_STOP;

	if (llm_reply(s->t.chat, r->messages, r->n, &o, &finish, &stats, e) < 0) {
		store_end(s, FINISH_ERROR, &stats);
		return -1;
	}
	store_end(s, request_finish(finish), &stats);
	put_end(s, finish, &stats);
	tell_stats(&stats);
	return interrupted() ? ERR_INTERRUPTED : s->disk.code;
}

static int
run(struct oneshot *s)
{
	struct err *e = &s->t.err;
	struct reply_request *r;
	int rc;

	tool_start(&s->t);
	if (check_options(s->o, e) < 0 || read_prompt(s, e) < 0 || tool_configure(&s->t) < 0)
		return -1;
	if (open_session(s, e) < 0 || open_model(s) < 0)
		return -1;
	r = make_request(s, e);
	if (!r)
		return -1;
	rc = store_turn(s, e) < 0 ? -1 : reply(s, r, e);
	reply_request_free(r);
	return rc;
}

int
oneshot_run(const struct options *o)
{
	struct oneshot s = { .o = o, .prompt = STRBUF_INIT, .text = STRBUF_INIT };
	int rc = run(&s);

	if (rc < 0 && (o->json || o->stream_json))
		put_json(&s, error_object(o, &s.t.err));
	session_free(s.session);
	strbuf_release(&s.prompt);
	strbuf_release(&s.text);
	return tool_end(&s.t, rc);
}
