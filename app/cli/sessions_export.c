#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/cli/conversation_json.h"
#include "app/cli/sessions_internal.h"

static void
put(struct output *out, const char *text)
{
	output_text(out, text, strlen(text));
}

static const char *
speaker(const struct message *m)
{
	if (m->role == ROLE_USER)
		return "You";
	return m->model ? m->model : "Model";
}

/* What there is to say of an answer that did not end by itself; NULL: nothing. */
static const char *
unfinished(const struct message *m)
{
	static const char *const texts[] = {
		[FINISH_OPEN] = "interrupted",
		[FINISH_LENGTH] = "cut: no room was left",
		[FINISH_CANCELLED] = "stopped",
		[FINISH_ERROR] = "failed",
	};

	return m->role == ROLE_ASSISTANT && m->finish != FINISH_STOP ? texts[m->finish] : NULL;
}

/* How a format writes a title, a heading of a message, and a remark. */
struct marks {
	const char *title, *heading, *after_heading, *remark, *after_remark;
};

static const struct marks markdown = { "# ", "## ", "\n\n", "*", "*" };
static const struct marks plain = { "", "", ":\n", "[", "]" };

static void
put_heading(struct output *out, const struct marks *marks, const char *who, int64_t at_ms)
{
	char when[32];

	output_style(out, "1");
	output_adds(out, marks->heading);
	put(out, who);
	output_style(out, NULL);
	if (at_ms) {
		sessions_time(at_ms, when);
		output_addf(out, " (%s)", when);
	}
	output_adds(out, marks->after_heading);
}

static void
put_message(struct output *out, const struct marks *marks, const struct message *m)
{
	const char *remark = unfinished(m);

	put_heading(out, marks, speaker(m), m->at_ms);
	output_text(out, m->text.s, m->text.len);
	if (!m->text.len || m->text.s[m->text.len - 1] != '\n')
		output_adds(out, "\n");
	if (remark)
		output_addf(out, "\n%s%s%s\n", marks->remark, remark, marks->after_remark);
	output_adds(out, "\n");
}

static void
put_text(struct shelf *s, const struct conversation *c, const struct marks *marks)
{
	struct output *out = &s->t.out;
	struct message **path;
	size_t n = conversation_path(c, &path);

	output_style(out, "1");
	output_adds(out, marks->title);
	put(out, c->title ? c->title : "Untitled");
	output_style(out, NULL);
	output_adds(out, "\n\n");
	if (c->system) {
		put_heading(out, marks, "System", 0);
		put(out, c->system);
		output_adds(out, "\n\n");
	}
	for (size_t i = 0; i < n; i++)
		put_message(out, marks, path[i]);
	free(path);
}

static void
put_markdown(struct shelf *s, const struct conversation *c)
{
	put_text(s, c, &markdown);
}

static void
put_plain(struct shelf *s, const struct conversation *c)
{
	put_text(s, c, &plain);
}

static void
put_json(struct shelf *s, const struct conversation *c)
{
	sessions_print_json(s, conversation_to_json(c));
}

/* ---- the verbs
 * ----------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*put)(struct shelf *s, const struct conversation *c);
} formats[] = {
	{ "markdown", put_markdown },
	{ "text", put_plain },
	{ "json", put_json },
};

static int
export_as(struct shelf *s, const char *format)
{
	struct session *session;

	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		if (strcmp(format, formats[i].name))
			continue;
		session = sessions_look(s);
		if (!session)
			return -1;
		formats[i].put(s, &session->conv);
		session_free(session);
		return 0;
	}
	return err_set(&s->t.err, ERR_USAGE, "--format %s: there is markdown, text, json", format);
}

int
sessions_export(struct shelf *s)
{
	return export_as(s, s->o->format ? s->o->format : s->o->json ? "json" : "markdown");
}

int
sessions_show(struct shelf *s)
{
	return export_as(s, s->o->json ? "json" : "text");
}
