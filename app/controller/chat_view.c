#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/controller/chat_view.h"
#include "base/utf8.h"
#include "base/xalloc.h"

#define RATE_SECONDS 0.2	/* a rate of less time is chance */

static const char divider_text[] = "older messages are no longer seen by the model";

void
chat_view_init(struct chat_view *v, struct transcript *t)
{
	*v = (struct chat_view){ .t = t };
}

void
chat_view_release(struct chat_view *v)
{
	free(v->ids);
	chat_view_init(v, NULL);
}

/* The entry of a message, searched from the end, where most work is; v->n: not shown. */
static size_t
entry_of(const struct chat_view *v, int id)
{
	for (size_t i = v->n; i-- > 0;)
		if (v->ids[i] == id)
			return i;
	return v->n;
}

static void
insert_id(struct chat_view *v, size_t at, int id)
{
	VEC_ROOM(v->ids, v->n, v->cap);
	memmove(v->ids + at + 1, v->ids + at, (v->n - at) * sizeof *v->ids);
	v->ids[at] = id;
	v->n++;
}

static void
remove_entry(struct chat_view *v, size_t at)
{
	transcript_remove(v->t, at);
	v->n--;
	memmove(v->ids + at, v->ids + at + 1, (v->n - at) * sizeof *v->ids);
}

/* ---- echo: the same for a terminal without a screen ---- */

static void
echo_text(struct chat_view *v, const char *text, size_t len)
{
	struct strbuf clean = STRBUF_INIT;

	if (!v->echo || !len)
		return;
	utf8_scrub(&clean, text, len);
	fwrite(clean.s, 1, clean.len, v->echo);
	fflush(v->echo);
	v->echo_mid_line = clean.s[clean.len - 1] != '\n';
	strbuf_release(&clean);
}

static void
echo_line_start(struct chat_view *v)
{
	if (v->echo_mid_line)
		echo_text(v, "\n", 1);
}

void
chat_view_echo(struct chat_view *v, const char *prefix, const char *text)
{
	echo_line_start(v);
	echo_text(v, prefix, strlen(prefix));
	echo_text(v, text, strlen(text));
	echo_line_start(v);
}

static void
label_of(const struct message *m, char out[32])
{
	if (m->role == ROLE_ASSISTANT)
		chat_view_model_label(m->model, out);
	else
		strcpy(out, "you");
}

/* An answer stays open for its pieces. */
static void
echo_message(struct chat_view *v, const struct message *m)
{
	char label[32];

	label_of(m, label);
	echo_line_start(v);
	echo_text(v, label, strlen(label));
	echo_text(v, ": ", 2);
	echo_text(v, m->text.s, m->text.len);
}

/* ---- entries ---- */

/* Adds an entry, in front of what waits to be sent, which is always last. Returns its index. */
static size_t
add_entry(struct chat_view *v, enum entry_kind kind, int id, const char *label, const char *text)
{
	size_t queue = v->n - 1;

	if (v->n && v->ids[queue] == VIEW_QUEUE) {
		transcript_insert(v->t, queue, kind, label, text);
		insert_id(v, queue, id);
		return queue;
	}
	transcript_add(v->t, kind, label, text);
	insert_id(v, v->n, id);
	return v->n - 1;
}

static void
set_footer(struct chat_view *v, const struct conversation *c, const struct message *m)
{
	size_t entry = entry_of(v, m->id);
	char footer[256];

	chat_view_footer(c, m, m->id == v->live, footer, sizeof footer);
	transcript_set_footer(v->t, entry, footer);
}

static void
echo_footer(struct chat_view *v, const struct conversation *c, const struct message *m)
{
	char footer[256];

	chat_view_footer(c, m, m->id == v->live, footer, sizeof footer);
	if (m->id != v->live && *footer)
		chat_view_echo(v, "-- ", footer);
}

static void
add_message(struct chat_view *v, const struct conversation *c, const struct message *m)
{
	enum entry_kind kind = m->role == ROLE_ASSISTANT ? ENTRY_ASSISTANT : ENTRY_USER;
	char label[32];

	label_of(m, label);
	add_entry(v, kind, m->id, label, m->text.s);
	set_footer(v, c, m);
}

void
chat_view_show(struct chat_view *v, const struct conversation *c)
{
	struct message **path;
	size_t n = conversation_path(c, &path);

	transcript_clear(v->t);
	v->n = 0;
	if (c->system && *c->system)
		add_entry(v, ENTRY_SYSTEM, VIEW_SYSTEM, "system", c->system);
	for (size_t i = 0; i < n; i++)
		add_message(v, c, path[i]);
	free(path);
}

void
chat_view_add_message(struct chat_view *v, const struct conversation *c, const struct message *m)
{
	add_message(v, c, m);
	if (m->role == ROLE_ASSISTANT)		/* the user has just typed the others */
		echo_message(v, m);
	echo_footer(v, c, m);
}

void
chat_view_read_out(struct chat_view *v, const struct conversation *c, int from)
{
	struct message **path;
	size_t n = conversation_path(c, &path), i = 0;

	while (from && i < n && path[i]->id != from)
		i++;
	for (; i < n; i++) {
		echo_message(v, path[i]);
		echo_footer(v, c, path[i]);
	}
	free(path);
}

void
chat_view_append(struct chat_view *v, int id, const char *text, size_t len)
{
	size_t entry = entry_of(v, id);

	if (entry < v->n)
		transcript_append(v->t, entry, text, len);
	echo_text(v, text, len);
}

void
chat_view_update_footer(struct chat_view *v, const struct conversation *c, const struct message *m)
{
	if (entry_of(v, m->id) == v->n)
		return;
	set_footer(v, c, m);
	echo_footer(v, c, m);
}

void
chat_view_cut_below(struct chat_view *v, int id)
{
	size_t entry = entry_of(v, id);

	if (entry == v->n)
		return;
	transcript_truncate(v->t, entry + 1);
	v->n = entry + 1;
}

void
chat_view_say(struct chat_view *v, enum entry_kind kind, const char *text)
{
	add_entry(v, kind, VIEW_NOTICE, "", text);
	chat_view_echo(v, kind == ENTRY_ERROR ? "!! " : "-- ", text);
}

void
chat_view_set_divider(struct chat_view *v, int id)
{
	size_t old = entry_of(v, VIEW_DIVIDER), before;

	if (old < v->n && old + 1 < v->n && v->ids[old + 1] == id)
		return;
	if (old < v->n)
		remove_entry(v, old);
	before = entry_of(v, id);
	if (!id || before == v->n)
		return;
	transcript_insert(v->t, before, ENTRY_DIVIDER, "", divider_text);
	insert_id(v, before, VIEW_DIVIDER);
}

void
chat_view_set_queue(struct chat_view *v, const char *text)
{
	size_t entry = entry_of(v, VIEW_QUEUE);

	if (!text || !*text) {
		if (entry < v->n)
			remove_entry(v, entry);
		return;
	}
	if (entry < v->n) {
		transcript_set_text(v->t, entry, text);
		return;
	}
	entry = add_entry(v, ENTRY_USER, VIEW_QUEUE, "next", text);
	transcript_set_footer(v->t, entry, "waits for the answer · Esc takes it back, Esc again stops");
}

/* ---- footer ---- */

static void
add_part(struct strbuf *b, const char *part)
{
	if (!*part)
		return;
	if (b->len)
		strbuf_adds(b, " · ");
	strbuf_adds(b, part);
}

static const char *
finish_text(const struct message *m)
{
	switch (m->finish) {
	case FINISH_OPEN:
		return "interrupted · /continue goes on";
	case FINISH_CANCELLED:
		return m->text.len ? "stopped" : "stopped before the first word";
	case FINISH_LENGTH:
		return "cut at the limit · /continue goes on";
	case FINISH_ERROR:
		return "failed · /regen tries again";
	case FINISH_STOP:
		break;
	}
	return m->text.len ? "" : "empty answer";
}

void
chat_view_rate(double tokens_per_second, double seconds, char out[32])
{
	*out = '\0';
	if (seconds >= RATE_SECONDS && tokens_per_second > 0)
		snprintf(out, 32, tokens_per_second < 99.95 ? "%.1f tok/s" : "%.0f tok/s", tokens_per_second);
}

void
chat_view_seconds(double seconds, char out[32])
{
	if (seconds < 0.1)
		snprintf(out, 32, "<0.1 s");
	else
		snprintf(out, 32, "%.1f s", seconds);
}

static void
add_figures(struct strbuf *b, const struct message_stats *s)
{
	double writing = ((double)s->ms - (double)s->first_token_ms) / 1000;
	char part[64];

	if (!s->answer_tokens)
		return;
	if (s->answer_tokens > 1 && writing > 0) {
		chat_view_rate((double)(s->answer_tokens - 1) / writing, writing, part);
		add_part(b, part);
	}
	snprintf(part, sizeof part, "%llu token%s", (unsigned long long)s->answer_tokens,
		s->answer_tokens == 1 ? "" : "s");
	add_part(b, part);
	chat_view_seconds((double)s->ms / 1000, part);
	add_part(b, part);
}

void
chat_view_footer(const struct conversation *c, const struct message *m, bool live, char *out, size_t size)
{
	struct strbuf b = STRBUF_INIT;
	size_t position, n;
	int *siblings;
	char part[64];

	n = conversation_siblings(c, m->id, &siblings, &position);
	free(siblings);
	if (n > 1) {
		snprintf(part, sizeof part, "‹ %zu/%zu ›", position + 1, n);
		add_part(&b, part);
	}
	if (m->role == ROLE_ASSISTANT && !live) {
		add_figures(&b, &m->stats);
		add_part(&b, finish_text(m));
	}
	snprintf(out, size, "%s", b.s);
	strbuf_release(&b);
}

void
chat_view_model_label(const char *model, char out[32])
{
	const char *base = model ? strrchr(model, '/') : NULL;
	size_t n;

	model = base ? base + 1 : model;
	n = model ? strcspn(model, "-_.: ") : 0;
	n = n ? utf8_clip(model, n, 12) : 0;
	if (n)
		snprintf(out, 32, "%.*s", (int)(n < 31 ? n : 31), model);
	else
		snprintf(out, 32, "model");
}
