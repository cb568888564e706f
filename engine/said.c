#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "engine/said.h"

static void
drop(struct said *s, struct said_answer *a)
{
	s->n_ids -= a->n_ids;
	free(a->text);
	free(a->ids);
	*a = s->answer[--s->n];
}

void
said_release(struct said *s)
{
	while (s->n)
		drop(s, &s->answer[s->n - 1]);
	free(s->answer);
	s->answer = NULL;
	s->cap = 0;
}

static struct said_answer *
find(const struct said *s, size_t place, const char *text)
{
	struct said_answer *best = NULL;
	size_t len = strlen(text);

	for (size_t i = 0; i < s->n; i++) {
		struct said_answer *a = &s->answer[i];

		if (a->len != len || memcmp(a->text, text, len))
			continue;
		if (a->place == place)
			return a;
		if (!best || a->used > best->used)
			best = a;
	}
	return best;
}

static struct said_answer *
oldest(const struct said *s)
{
	struct said_answer *a = s->answer;

	for (size_t i = 1; i < s->n; i++)
		if (s->answer[i].used < a->used)
			a = &s->answer[i];
	return a;
}

void
said_add(struct said *s, size_t place, const char *text, const int32_t *ids, size_t n_ids)
{
	struct said_answer *same = find(s, place, text);
	struct said_answer a = { .place = place, .len = strlen(text), .n_ids = n_ids, .used = ++s->clock };

	if (!n_ids || n_ids > s->max_ids)
		return;
	a.text = xstrdup(text);
	a.ids = xreallocarray(NULL, n_ids, sizeof *ids);
	memcpy(a.ids, ids, n_ids * sizeof *ids);
	if (same && same->place == place)
		drop(s, same);
	while (s->n_ids + n_ids > s->max_ids)
		drop(s, oldest(s));
	VEC_ROOM(s->answer, s->n, s->cap);
	s->answer[s->n++] = a;
	s->n_ids += n_ids;
}

const int32_t *
said_find(struct said *s, size_t place, const char *text, size_t *n_ids)
{
	struct said_answer *a = find(s, place, text);

	if (!a)
		return NULL;
	a->used = ++s->clock;
	*n_ids = a->n_ids;
	return a->ids;
}
