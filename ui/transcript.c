#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/xalloc.h"
#include "ui/transcript_entry.h"
#include "ui/wrap.h"

struct transcript *
transcript_new(void)
{
	struct transcript *t = xcalloc(1, sizeof *t);

	t->next_id = 1;
	return t;
}

static void
entry_release(struct entry *e)
{
	free(e->label);
	free(e->footer);
	strbuf_release(&e->text);
	flow_release(&e->flow);
}

void
transcript_clear(struct transcript *t)
{
	transcript_truncate(t, 0);
	t->label_cells = 0;
}

void
transcript_free(struct transcript *t)
{
	if (!t)
		return;
	transcript_clear(t);
	free(t->items);
	free(t);
}

/* A scrubbed copy without line breaks. */
static char *
one_line(const char *s)
{
	struct strbuf b = STRBUF_INIT;

	utf8_scrub(&b, s, strlen(s));
	for (size_t i = 0; i < b.len; i++)
		if (b.s[i] == '\n' || b.s[i] == '\t')
			b.s[i] = ' ';
	return strbuf_detach(&b);
}

/* A CR LF may be cut in two by a caller: the CR is held until it is known what follows. */
static void
append_scrubbed(struct entry *e, const char *text, size_t len)
{
	if (!len)
		return;
	if (e->held_cr && text[0] != '\n')
		utf8_scrub(&e->text, "\r", 1);
	e->held_cr = text[len - 1] == '\r';
	utf8_scrub(&e->text, text, len - e->held_cr);
}

void
transcript_insert(struct transcript *t, size_t before, enum entry_kind kind, const char *label,
	const char *text)
{
	struct entry *e;
	int cells;

	assert(before <= t->n);
	VEC_ROOM(t->items, t->n, t->cap);
	e = &t->items[before];
	memmove(e + 1, e, (t->n - before) * sizeof *e);
	t->n++;
	*e = (struct entry){
		.id = t->next_id++, .kind = kind,
		.label = one_line(label), .footer = xstrdup(""), .text = STRBUF_INIT,
	};
	append_scrubbed(e, text, strlen(text));
	cells = wrap_width(e->label, strlen(e->label));
	if (cells > t->label_cells)
		t->label_cells = cells;
	t->changed = true;
}

size_t
transcript_add(struct transcript *t, enum entry_kind kind, const char *label, const char *text)
{
	transcript_insert(t, t->n, kind, label, text);
	return t->n - 1;
}

size_t
transcript_count(const struct transcript *t)
{
	return t->n;
}

void
transcript_append(struct transcript *t, size_t entry, const char *text, size_t len)
{
	assert(entry < t->n);
	append_scrubbed(&t->items[entry], text, len);
	t->changed = true;
}

void
transcript_set_text(struct transcript *t, size_t entry, const char *text)
{
	struct entry *e;

	assert(entry < t->n);
	e = &t->items[entry];
	strbuf_reset(&e->text);
	e->held_cr = false;
	e->generation++;
	append_scrubbed(e, text, strlen(text));
	t->changed = true;
}

void
transcript_set_footer(struct transcript *t, size_t entry, const char *footer)
{
	assert(entry < t->n);
	free(t->items[entry].footer);
	t->items[entry].footer = one_line(footer);
	t->changed = true;
}

static void
remove_range(struct transcript *t, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		entry_release(&t->items[i]);
	memmove(t->items + from, t->items + to, (t->n - to) * sizeof *t->items);
	t->n -= to - from;
	t->changed = true;
}

void
transcript_truncate(struct transcript *t, size_t from)
{
	if (from < t->n)
		remove_range(t, from, t->n);
	t->changed = true;
}

void
transcript_remove(struct transcript *t, size_t entry)
{
	assert(entry < t->n);
	remove_range(t, entry, entry + 1);
}
