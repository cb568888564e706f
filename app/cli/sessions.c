#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/chat/session.h"
#include "app/cli/cli.h"
#include "app/config/paths.h"
#include "app/programs.h"
#include "base/utf8.h"
#include "base/xalloc.h"

/* All sessions, and what the subcommands look for among them. */
struct shelf {
	const struct options *o;
	const char *arg;	/* NULL: none */
	char *dir, *cache;
	struct session_summary *list;
	size_t n;
};

static void
time_text(int64_t ms, char out[32])
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	localtime_r(&t, &tm);
	strftime(out, 32, "%Y-%m-%d %H:%M", &tm);
}

static const char *
or_empty(const char *s)
{
	return s ? s : "";
}

/* ---- list ---- */

static json_t *
summary_json(const struct session_summary *s)
{
	return json_pack("{s:s,s:s?,s:s,s:s?,s:I,s:I,s:b}", "id", s->id, "title", s->title, "path", s->path, "model",
		s->model, "messages", (json_int_t)s->messages, "changed_ms", (json_int_t)s->changed_ms, "broken",
		(int)s->broken);
}

static void
print_summary(const struct session_summary *s)
{
	char when[32];

	time_text(s->changed_ms, when);
	printf("%s  %s  %5zu  ", s->id, when, s->messages);
	cli_column(or_empty(s->title), 48);
	putchar('\n');
}

static int
run_list(struct shelf *s, struct err *e)
{
	json_t *array;

	if (s->o->json) {
		array = json_array();
		for (size_t i = 0; i < s->n; i++)
			json_array_append_new(array, summary_json(&s->list[i]));
		json_dumpf(array, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(array);
		return 0;
	}
	for (size_t i = 0; i < s->n; i++)
		print_summary(&s->list[i]);
	return 0;
}

/* ---- show, export ---- */

static struct session *
load_wanted(struct shelf *s, struct err *e)
{
	char *path = session_find(s->dir, s->cache, s->arg, e);
	struct session *session = path ? session_load(path, e) : NULL;

	free(path);
	return session;
}

static json_t *
message_json(const struct message *m)
{
	json_t *o = json_pack("{s:i,s:i,s:s,s:o}", "id", m->id, "parent", m->parent, "role",
		m->role == ROLE_USER ? "user" : "assistant", "content", json_stringn(m->text.s, m->text.len));

	if (m->role == ROLE_ASSISTANT)
		json_object_update_new(o, json_pack("{s:s?,s:s,s:I}", "model", m->model, "finish", finish_name(m->finish),
			"seed", (json_int_t)m->seed));
	return o;
}

static void
print_json(const struct conversation *c, struct message **path, size_t n)
{
	json_t *messages = json_array(), *o;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(messages, message_json(path[i]));
	o = json_pack("{s:s,s:s?,s:s?,s:s?,s:o}", "id", c->id, "title", c->title, "system", c->system, "model", c->model,
		"messages", messages);
	json_dumpf(o, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(o);
}

/* Markdown: a heading a message. */
static void
print_markdown(const struct conversation *c, struct message **path, size_t n)
{
	printf("# ");
	cli_print(c->title ? c->title : "untitled", c->title ? strlen(c->title) : 8);
	printf("\n\n");
	if (c->system) {
		printf("## System\n\n");
		cli_print(c->system, strlen(c->system));
		printf("\n\n");
	}
	for (size_t i = 0; i < n; i++) {
		const char *who = path[i]->role == ROLE_USER ? "You" : path[i]->model ? path[i]->model : "Model";

		printf("## ");
		cli_print(who, strlen(who));
		printf("\n\n");
		cli_print(path[i]->text.s, path[i]->text.len);
		printf("\n\n");
	}
}

static int
run_show(struct shelf *s, struct err *e)
{
	struct session *session = load_wanted(s, e);
	struct message **path;
	size_t n;

	if (!session)
		return -1;
	n = conversation_path(&session->conv, &path);
	if (s->o->json)
		print_json(&session->conv, path, n);
	else
		print_markdown(&session->conv, path, n);
	free(path);
	session_free(session);
	return 0;
}

/* ---- search ---- */

/* The line of a text that contains the words, or NULL. */
static const char *
find_line(const char *text, const char *what, size_t *len)
{
	const char *hit = strcasestr(text, what), *from = hit;

	if (!hit)
		return NULL;
	while (from > text && from[-1] != '\n')
		from--;
	*len = strcspn(from, "\n");
	return from;
}

static void
search_one(const struct session_summary *sum, const char *what)
{
	struct err e;
	struct session *session = sum->broken ? NULL : session_load(sum->path, &e);
	bool named = false;

	for (size_t i = 0; session && i < session->conv.n; i++) {
		const struct message *m = session->conv.messages[i];
		size_t len;
		const char *line = m->deleted ? NULL : find_line(m->text.s, what, &len);

		if (!line)
			continue;
		if (!named)
			print_summary(sum);
		named = true;
		printf("    ");
		cli_print(line, utf8_clip(line, len, 100));
		putchar('\n');
	}
	session_free(session);
}

static int
run_search(struct shelf *s, struct err *e)
{
	for (size_t i = 0; i < s->n; i++)
		search_one(&s->list[i], s->arg);
	return 0;
}

/* ---- import, delete ---- */

static int
copy_file(const char *from, const char *to, struct err *e)
{
	struct strbuf text = STRBUF_INIT;
	FILE *f;
	int rc = cli_read_file(from, &text, e);

	if (rc == 0) {
		f = fopen(to, "wxe");
		if (!f || fwrite(text.s, 1, text.len, f) != text.len)
			rc = err_errno(e, ERR_STORE, "%s", to);
		if (f && fclose(f) != 0 && rc == 0)
			rc = err_errno(e, ERR_STORE, "%s", to);
	}
	strbuf_release(&text);
	return rc;
}

/* The id of a session file that can be read without a fault. */
static int
read_id(const char *path, char id[37], struct err *e)
{
	struct session *session = session_load(path, e);

	if (!session)
		return -1;
	snprintf(id, 37, "%s", session->conv.id);
	session_free(session);
	return 0;
}

/* Copies a session file into the folder, after it was read without a fault. */
static int
run_import(struct shelf *s, struct err *e)
{
	char *copy = xasprintf("%s/import-%ld.new", s->dir, (long)getpid()), *to = NULL, id[37];
	int rc = copy_file(s->arg, copy, e);

	if (rc == 0 && read_id(copy, id, e) < 0)
		rc = err_prefix(e, "%s", s->arg);
	if (rc == 0) {
		to = xasprintf("%s/%s.yaml", s->dir, id);
		if (link(copy, to) == 0)	/* which never replaces a chat, as a rename would */
			printf("%s\n", id);
		else if (errno == EEXIST)
			rc = err_set(e, ERR_STORE, "%s: this chat is there already", s->arg);
		else
			rc = err_errno(e, ERR_STORE, "%s", to);
	}
	unlink(copy);
	free(to);
	free(copy);
	return rc;
}

static int
run_delete(struct shelf *s, struct err *e)
{
	char *path = session_find(s->dir, s->cache, s->arg, e);
	int rc = path ? session_delete(path, e) : -1;

	if (rc == 0)
		printf("moved to %s/trash\n", s->dir);
	free(path);
	return rc;
}

/* ---- doctor ---- */

/* Reads every session to its end and says what is wrong with it. A torn end is set aside as session_load does. */
static int
run_doctor(struct shelf *s, struct err *e)
{
	size_t bad = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct err why = { 0 };
		struct session *session = session_load(s->list[i].path, &why);
		const char *fault = session ? session->warning : why.text;

		if (fault) {
			printf("%s: ", s->list[i].path);
			cli_print(fault, strlen(fault));
			putchar('\n');
		}
		bad += !session;
		session_free(session);
	}
	printf("%zu chats, %zu of them cannot be read\n", s->n, bad);
	return bad ? err_set(e, ERR_STORE, "%zu chats cannot be read", bad) : 0;
}

static const struct {
	const char *name;
	bool needs_arg;
	int (*run)(struct shelf *s, struct err *e);
} verbs[] = {
	{ "list", false, run_list },
	{ "show", true, run_show },
	{ "export", true, run_show },
	{ "search", true, run_search },
	{ "import", true, run_import },
	{ "delete", true, run_delete },
	{ "doctor", false, run_doctor },
};

static int
run(struct shelf *s, const char *verb, struct err *e)
{
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		if (strcmp(verb, verbs[i].name))
			continue;
		if (verbs[i].needs_arg && (!s->arg || !*s->arg))
			return err_set(e, ERR_USAGE, "hum sessions %s needs %s", verb,
				verbs[i].run == run_import ? "a file" : verbs[i].run == run_search ? "words" :
				"an id or a title");
		if (session_list(s->dir, s->cache, &s->list, &s->n, e) < 0)
			return -1;
		return verbs[i].run(s, e);
	}
	return err_set(e, ERR_USAGE, "hum sessions: list, show, search, export, import, delete or doctor, not \"%s\"", verb);
}

int
program_sessions(const struct options *o)
{
	struct shelf s = { .o = o, .arg = o->n_args > 1 ? o->args[1] : NULL };
	struct err e = { 0 };
	int rc;

	s.dir = path_data("sessions");
	s.cache = path_cache("summaries");
	rc = run(&s, o->n_args ? o->args[0] : "list", &e);
	session_list_free(s.list, s.n);
	free(s.dir);
	free(s.cache);
	return rc < 0 ? cli_fail(&e) : 0;
}
