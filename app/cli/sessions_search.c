#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#include "app/cli/interrupt.h"
#include "app/cli/json_text.h"
#include "app/cli/messages.h"
#include "app/cli/sessions_internal.h"
#include "base/utf8.h"
#include "base/xalloc.h"

/* What is looked for: characters, case folded. */
struct needle {
	uint32_t *cp;
	size_t n;
};

/* A hit in a text, and the line around it. Bytes. */
struct hit {
	size_t at, len;
	size_t line, line_len;
};

static uint32_t
fold(uint32_t cp)
{
	return (uint32_t)towlower((wint_t)cp);
}

static void
needle_init(struct needle *n, const char *const *words, size_t n_words)
{
	size_t cap = 0;

	*n = (struct needle){ 0 };
	for (size_t w = 0; w < n_words; w++) {
		struct strbuf word = STRBUF_INIT;

		strbuf_addf(&word, "%s%s", w ? " " : "", words[w]);
		for (size_t i = 0; i < word.len;) {
			uint32_t cp;

			i += utf8_decode(word.s + i, word.len - i, &cp);
			VEC_ROOM(n->cp, n->n, cap);
			n->cp[n->n++] = fold(cp);
		}
		strbuf_release(&word);
	}
}

/* Bytes that match at the beginning of s; 0: none. */
static size_t
match_at(const struct needle *n, const char *s, size_t len)
{
	size_t i = 0;

	for (size_t k = 0; k < n->n; k++) {
		uint32_t cp;

		if (i >= len)
			return 0;
		i += utf8_decode(s + i, len - i, &cp);
		if (fold(cp) != n->cp[k])
			return 0;
	}
	return i;
}

static bool
find(const struct needle *n, const char *s, size_t len, size_t from, struct hit *h)
{
	for (size_t i = from; i < len;) {
		uint32_t cp;

		h->len = match_at(n, s + i, len - i);
		if (!h->len) {
			i += utf8_decode(s + i, len - i, &cp);
			continue;
		}
		h->at = h->line = i;
		while (h->line && s[h->line - 1] != '\n')
			h->line--;
		for (h->line_len = i - h->line; h->line + h->line_len < len; h->line_len++)
			if (s[h->line + h->line_len] == '\n')
				break;
		return true;
	}
	return false;
}

/* ---- what comes out
 * ------------------------------------------------------------------------------ */

struct search {
	struct shelf *s;
	struct needle needle;
	json_t *json;			/* NULL: as text */
	const struct session_summary *named;	/* whose heading is out */
	size_t hits;
};

static const char *
title_of(const struct session_summary *summary)
{
	return summary->title ? summary->title : "untitled";
}

static void
put_heading(struct search *q, const struct session_summary *summary)
{
	struct output *out = &q->s->t.out;
	char id[16];

	if (q->named == summary)
		return;
	q->named = summary;
	sessions_short_id(summary->id, id);
	output_style(out, "1");
	output_addf(out, "%s  ", id);
	output_text(out, title_of(summary), strlen(title_of(summary)));
	output_style(out, NULL);
	output_adds(out, "\n");
}

static void
put_hit(struct search *q, const char *who, const char *text, const struct hit *h)
{
	struct output *out = &q->s->t.out;
	size_t end = h->line + h->line_len;
	size_t in_line = h->at + h->len < end ? h->len : end - h->at;

	output_addf(out, "  %s: ", who);
	output_text(out, text + h->line, h->at - h->line);
	output_style(out, "1;31");
	output_text(out, text + h->at, in_line);
	output_style(out, NULL);
	output_text(out, text + h->at + in_line, end - h->at - in_line);
	output_adds(out, "\n");
}

static void
add_hit(struct search *q, const struct session_summary *summary, int message, const char *who,
	const char *text, const struct hit *h)
{
	q->hits++;
	if (!q->json) {
		put_heading(q, summary);
		put_hit(q, who, text, h);
		return;
	}
	json_array_append_new(q->json, json_pack("{s:o,s:o,s:i,s:s,s:s%}",
		"id", json_text(summary->id), "title", json_text(title_of(summary)),
		"message", message, "role", who, "line", text + h->line, h->line_len));
}

/* A line with several hits is shown once. */
static void
search_text(struct search *q, const struct session_summary *summary, int message, const char *who,
	const char *text, size_t len)
{
	struct hit h;

	for (size_t from = 0; from < len && find(&q->needle, text, len, from, &h);
		from = h.line + h.line_len) {
		if (h.at + h.len > h.line + h.line_len)	/* the words span lines */
			h.line_len = h.at + h.len - h.line;
		add_hit(q, summary, message, who, text, &h);
	}
}

static void
search_session(struct search *q, const struct session_summary *summary)
{
	struct err e;
	struct session *session = session_look(summary->path, &e);
	const struct conversation *c;

	if (!session) {
		note("%s", e.text);
		return;
	}
	if (session->torn && !session->in_use)
		note("%s: %s", title_of(summary), session->warning);
	c = &session->conv;
	if (c->title)
		search_text(q, summary, 0, "title", c->title, strlen(c->title));
	if (c->system)
		search_text(q, summary, 0, "system", c->system, strlen(c->system));
	for (size_t i = 0; i < c->n; i++) {
		const struct message *m = c->messages[i];

		if (!m->deleted)
			search_text(q, summary, m->id, role_name(m->role), m->text.s, m->text.len);
	}
	session_free(session);
}

static int
search_all(struct search *q)
{
	struct shelf *s = q->s;
	struct session_summary *list;
	size_t n;

	if (session_list(s->dir, s->cache, &list, &n, &s->t.err) < 0)
		return -1;
	for (size_t i = 0; i < n && !interrupted() && !s->t.out.error; i++)
		search_session(q, &list[i]);
	session_list_free(list, n);
	return interrupt_check(&s->t.err);
}

/* Not a fault as with grep, whose status 1 is that of a wrong command line here. */
static void
note_none(const struct shelf *s)
{
	struct strbuf words = STRBUF_INIT;

	for (size_t i = 0; i < s->n; i++)
		strbuf_addf(&words, "%s%s", i ? " " : "", s->args[i]);
	note("no chat contains \"%s\"", words.s);
	strbuf_release(&words);
}

int
sessions_search(struct shelf *s)
{
	struct search q = { .s = s };
	int rc;

	needle_init(&q.needle, s->args, s->n);
	if (s->o->json)
		q.json = json_array();
	if (q.needle.n)
		rc = search_all(&q);
	else
		rc = err_set(&s->t.err, ERR_USAGE, "hum sessions search needs words");
	if (q.json)
		sessions_print_json(s, q.json);
	else if (rc == 0 && !q.hits)
		note_none(s);
	free(q.needle.cp);
	return rc;
}
