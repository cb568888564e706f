#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/cli/cli.h"
#include "app/cli/interrupt.h"
#include "app/cli/json_text.h"
#include "app/cli/sessions_internal.h"
#include "app/cli/table.h"
#include "app/config/paths.h"

const struct option_spec cli_sessions_options[] = {
	CLI_OPTION_JSON("list, search, show, undelete: as JSON"),
	{ 0, "format", "FORMAT", OPTION_TEXT, offsetof(struct options, format), 0,
		"export: markdown (as it is without), text, or json, which import takes" },
	CLI_OPTION_HELP,
	{ 0 },
};

void
sessions_time(int64_t at_ms, char out[32])
{
	time_t t = (time_t)(at_ms / 1000);
	struct tm tm;

	if (!at_ms || !localtime_r(&t, &tm) || !strftime(out, 32, "%Y-%m-%d %H:%M", &tm))
		strcpy(out, "-");
}

void
sessions_short_id(const char *id, char out[16])
{
	snprintf(out, 16, "%.13s", id);
}

void
sessions_print_json(struct shelf *s, json_t *json)
{
	char *text = json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(9));

	if (text) {
		output_adds(&s->t.out, text);
		output_adds(&s->t.out, "\n");
	}
	free(text);
	json_decref(json);
}

struct session *
sessions_look(struct shelf *s)
{
	char *path = session_find(s->dir, s->cache, s->args[0], &s->t.err);
	struct session *session = path ? session_look(path, &s->t.err) : NULL;

	if (session && session->warning)
		note("%s: %s", s->args[0], session->warning);
	free(path);
	return session;
}

/* ---- list
 * ---------------------------------------------------------------------------------------- */

static json_t *
list_json(const struct session_summary *list, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++) {
		const struct session_summary *s = &list[i];

		json_array_append_new(array, json_pack("{s:o,s:o,s:o,s:o,s:I,s:I,s:b,s:o}",
			"id", json_text(s->id), "title", json_text(s->title),
			"first", json_text(s->first), "model", json_text(s->model),
			"messages", (json_int_t)s->messages,
			"changed_ms", (json_int_t)s->changed_ms,
			"broken", (int)s->broken, "path", json_text(s->path)));
	}
	return array;
}

static void
list_table(const struct session_summary *list, size_t n, struct output *out)
{
	static const struct table_column columns[] = {
		{ "ID", false }, { "CHANGED", false }, { "MESSAGES", true }, { "MODEL", false },
		{ "TITLE", false },
	};
	struct table table;

	table_init(&table, columns, sizeof columns / sizeof *columns);
	for (size_t i = 0; i < n; i++) {
		const struct session_summary *s = &list[i];
		char id[16], when[32];

		sessions_short_id(s->id, id);
		sessions_time(s->changed_ms, when);
		table_cell(&table, *id ? id : NULL);
		table_cell(&table, when);
		table_cellf(&table, "%zu", s->messages);
		table_cell(&table, s->model);
		if (s->broken)
			table_cellf(&table, "cannot be read: %s", s->title);
		else
			table_cell(&table, s->title ? s->title : s->first);
	}
	table_print(&table, out);
	table_release(&table);
}

int
sessions_print_list(struct shelf *s, const char *dir, const char *cache, const char *none)
{
	struct session_summary *list;
	size_t n;

	if (session_list(dir, cache, &list, &n, &s->t.err) < 0)
		return -1;
	if (s->o->json)
		sessions_print_json(s, list_json(list, n));
	else if (n)
		list_table(list, n, &s->t.out);
	else
		note("%s %s", none, dir);
	session_list_free(list, n);
	return 0;
}

static int
run_list(struct shelf *s)
{
	return sessions_print_list(
		s, s->dir, s->cache, "there are no chats yet; they come to be in");
}

/* ---- rename
 * -------------------------------------------------------------------------------------- */

static int
set_title(struct shelf *s, struct session *session)
{
	struct err *e = &s->t.err;
	int rc = tool_stored(session, session_set_title(session, s->args[1], e), e);

	return rc < 0 ? -1 : tool_stored(session, session_flush(session, e), e);
}

static int
run_rename(struct shelf *s)
{
	char *path = session_find(s->dir, s->cache, s->args[0], &s->t.err);
	struct session *session = path ? session_load(path, &s->t.err) : NULL;
	int rc = -1;

	if (session && session->warning && !session->read_only)
		note("%s: %s", s->args[0], session->warning);
	if (session && !*s->args[1])
		err_set(&s->t.err, ERR_USAGE, "hum sessions rename: the new title is empty");
	else if (session)
		rc = set_title(s, session);
	session_free(session);
	free(path);
	return rc;
}

/* ---- doctor
 * -------------------------------------------------------------------------------------- */

enum finding { SOUND, REPAIRED, NOT_REPAIRED, NOT_EXAMINED, CANNOT_BE_READ, N_FINDINGS };

static void
report(struct shelf *s, const char *name, const char *finding, const char *what)
{
	output_text(&s->t.out, name, strlen(name));
	output_addf(&s->t.out, ": %s: ", finding);
	output_text(&s->t.out, what, strlen(what));
	output_adds(&s->t.out, "\n");
}

static enum finding
judge(const struct session *session)
{
	if (!session)
		return CANNOT_BE_READ;
	if (session->in_use)
		return NOT_EXAMINED;
	if (session->torn)
		return session->read_only ? NOT_REPAIRED : REPAIRED;
	return SOUND;
}

/* Loading is what repairs: a torn end goes into a file of its own, and the warning names it. */
static void
examine(struct shelf *s, const struct session_summary *summary, size_t found[N_FINDINGS])
{
	static const char *const texts[] = {
		[SOUND] = "left as it is",
		[REPAIRED] = "repaired",
		[NOT_REPAIRED] = "not repaired",
		[NOT_EXAMINED] = "not examined",
		[CANNOT_BE_READ] = "cannot be read",
	};
	struct err e = { 0 };
	struct session *session = session_load(summary->path, &e);
	const char *what = session ? session->warning : e.text;
	enum finding finding = judge(session);

	found[finding]++;
	if (what)
		report(s, strrchr(summary->path, '/') + 1, texts[finding], what);
	session_free(session);
}

static int
name_leftovers(struct shelf *s)
{
	struct session_leftover *list;
	size_t n;

	if (session_rescue(s->dir, &list, &n, &s->t.err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		report(s, list[i].name, list[i].why ? "left as it is" : "repaired",
			list[i].why ? list[i].why : "it has its name now, without .new");
	session_leftovers_free(list, n);
	return 0;
}

static int
run_doctor(struct shelf *s)
{
	struct session_summary *list;
	size_t n, f[N_FINDINGS] = { 0 };

	if (name_leftovers(s) < 0 || session_list(s->dir, NULL, &list, &n, &s->t.err) < 0)
		return -1;
	for (size_t i = 0; i < n && !interrupted(); i++)
		examine(s, &list[i], f);
	session_list_free(list, n);
	if (interrupt_check(&s->t.err) < 0)
		return -1;
	output_addf(&s->t.out,
		"%zu chats: %zu sound, %zu repaired, %zu not repaired, %zu not examined, "
		"%zu cannot be read\n",
		n, f[SOUND], f[REPAIRED], f[NOT_REPAIRED], f[NOT_EXAMINED], f[CANNOT_BE_READ]);
	return f[CANNOT_BE_READ] || f[NOT_REPAIRED] ? ERR_STORE : 0;
}

/* ---- the verbs
 * ----------------------------------------------------------------------------------- */

static const struct verb {
	struct program_verb is;
	size_t min, max;		/* arguments */
	int (*run)(struct shelf *s);
} verbs[] = {
	{ { "list", "", "the chats, the newest first; so without a verb" }, 0, 0, run_list },
	{ { "show", "ID|TITLE", "a chat as text; the beginning of an id will do, or a part of a title" },
		1, 1, sessions_show },
	{ { "search", "WORDS", "every line with these words, in any case; 0 also if there is none" },
		1, SIZE_MAX, sessions_search },
	{ { "export", "ID|TITLE", "a chat on standard output, in the format of --format" },
		1, 1, sessions_export },
	{ { "import", "FILE", "a new chat: an export, a list of messages, a session file; -: stdin" },
		1, 1, sessions_import },
	{ { "rename", "ID|TITLE NEW-TITLE", "give a chat another title" }, 2, 2, run_rename },
	{ { "delete", "ID|TITLE ...", "move chats to the trash" }, 1, SIZE_MAX, sessions_delete },
	{ { "undelete", "[ID|TITLE ...]", "bring them back; alone: what is in the trash" },
		0, SIZE_MAX, sessions_undelete },
	{ { "doctor", "", "read all chats to the end; torn ends go into files of their own, "
			"ID.yaml.new gets its name" },
		0, 0, run_doctor },
};

const struct program_verb *
cli_sessions_verb(size_t i)
{
	return i < sizeof verbs / sizeof *verbs ? &verbs[i].is : NULL;
}

static int
run_verb(struct shelf *s)
{
	int i = options_verb(s->o->program, s->o->n_args ? s->o->args[0] : "list", &s->t.err);
	const struct verb *v = &verbs[i < 0 ? 0 : i];

	if (i < 0)
		return -1;
	s->args = s->o->args + (s->o->n_args > 0);
	s->n = s->o->n_args - (s->o->n_args > 0);
	if (s->n < v->min)
		return err_set(&s->t.err, ERR_USAGE, "hum sessions %s needs: %s", v->is.name,
			v->is.args);
	if (s->n > v->max)
		return err_set(&s->t.err, ERR_USAGE, "hum sessions %s: \"%s\" is too much",
			v->is.name, s->args[v->max]);
	if (s->o->format && v->run != sessions_export)
		return err_set(&s->t.err, ERR_USAGE,
			"hum sessions %s: --format goes with export only", v->is.name);
	return v->run(s);
}

int
cli_sessions(const struct options *o)
{
	struct shelf s = { .o = o };
	int rc;

	tool_start(&s.t);
	s.dir = path_sessions();
	s.cache = path_summaries();
	rc = run_verb(&s);
	free(s.dir);
	free(s.cache);
	return tool_end(&s.t, rc);
}
