#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/cli/conversation_json.h"
#include "app/cli/input.h"
#include "app/cli/messages.h"
#include "app/cli/sessions_internal.h"

enum { MAX_INPUT = 256 << 20 };

static bool
looks_like_json(const struct strbuf *text)
{
	char c = text->s[strspn(text->s, " \t\r\n")];

	return c == '{' || c == '[';
}

/* The header is the first event of the file. */
static bool
looks_like_session(const struct strbuf *text)
{
	return !strncmp(text->s + strspn(text->s, "-{ \t\r\n"), "hum:", 4);
}

/* Markdown and text, as exports have them, do not say who spoke in a way that can be relied on. */
static int
refuse(struct shelf *s)
{
	bool from_stdin = !strcmp(s->args[0], "-");

	return err_set(&s->t.err, from_stdin ? ERR_USAGE : ERR_STORE,
		"%s is nothing that can be imported: that is %swhat hum sessions export --format json "
		"wrote, or a list of messages, [{\"role\": \"user\", \"content\": \"...\"}]",
		from_stdin ? "standard input" : s->args[0], from_stdin ? "" : "a session file of hum, ");
}

static int
import_json(struct shelf *s, const struct strbuf *text, struct conversation *out)
{
	json_t *json = json_parse(s->args[0], text, true, &s->t.err);
	int rc = json ? conversation_from_json(json, s->args[0], out, &s->t.err) : -1;

	json_decref(json);
	return rc;
}

/* A session's file itself, from a backup or another machine. */
static int
import_session_file(struct shelf *s, struct conversation *out)
{
	struct session *session = session_look(s->args[0], &s->t.err);

	if (!session)
		return -1;
	if (session->warning)
		note("%s: %s", s->args[0], session->warning);
	if (session->torn && session->in_use)
		note("%s: another program is writing it; its last %zu bytes are left out",
			s->args[0], session->torn);
	*out = session->conv;
	conversation_init(&session->conv);
	session_free(session);
	return 0;
}

/* Never in place of a session that is there: it becomes another one. */
int
sessions_import(struct shelf *s)
{
	struct strbuf text = STRBUF_INIT;
	struct conversation c;
	struct session *session = NULL;
	int rc = input_read(s->args[0], MAX_INPUT, &text, &s->t.err);

	if (rc == 0 && looks_like_json(&text))
		rc = import_json(s, &text, &c);
	else if (rc == 0 && looks_like_session(&text) && strcmp(s->args[0], "-") != 0)
		rc = import_session_file(s, &c);
	else if (rc == 0)
		rc = refuse(s);
	strbuf_release(&text);
	if (rc < 0)
		return -1;
	session = session_import(s->dir, &c, &s->t.err);
	conversation_release(&c);
	if (!session)
		return -1;
	output_addf(&s->t.out, "%s\n", session->conv.id);
	session_free(session);
	return 0;
}
