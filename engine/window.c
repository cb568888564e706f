#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "engine/window.h"

/* The conversation, and room for one without some of its pairs. */
struct choice {
	const struct window_ask *a;
	size_t first;			/* message after the system one */
	size_t pairs;			/* that could leave */
	struct chat_message *some;	/* owned */
	struct token_list *ids;
	size_t *n_defused;
	struct err *e;
};

/* Encodes what is left when the oldest `gone` pairs leave. */
static int
encode(struct choice *c, size_t gone)
{
	size_t from = c->first + 2 * gone, n = c->a->n_msgs - from;

	memcpy(c->some, c->a->msgs, c->first * sizeof *c->some);
	memcpy(c->some + c->first, c->a->msgs + from, n * sizeof *c->some);
	c->ids->n = 0;
	return template_encode_unless(c->a->template, c->a->vocab, c->some, c->first + n,
		c->a->unfinished, c->ids, NULL, c->n_defused, c->a->cancel, c->e);
}

/*
 * The least number of pairs that must leave for the prompt to have at most `limit` tokens; all of
 * them when that is not enough. Looks from the end, so that the length of a long history does not
 * matter. Returns 0 with *gone set, or -1.
 */
static int
search(struct choice *c, size_t limit, size_t *gone)
{
	size_t fits = 0, kept = 1, too_many;	/* pairs that stay */

	for (; kept <= c->pairs; kept *= 2) {
		if (encode(c, c->pairs - kept) < 0)
			return -1;
		if (c->ids->n > limit)
			break;
		fits = kept;
	}
	too_many = kept <= c->pairs ? kept : c->pairs + 1;
	while (too_many - fits > 1) {
		size_t middle = fits + (too_many - fits) / 2;

		if (encode(c, c->pairs - middle) < 0)
			return -1;
		if (c->ids->n <= limit)
			fits = middle;
		else
			too_many = middle;
	}
	*gone = c->pairs - fits;
	return 0;
}

/* FNV-1a over the system message and the pairs that are gone. */
static uint64_t
hash(const struct choice *c, size_t gone)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < c->first + 2 * gone; i++) {
		const char *s = c->a->msgs[i].text;

		/* The end of each text counts too. */
		do
			h = (h ^ (unsigned char)*s) * 0x100000001b3u;
		while (*s++);
	}
	return h;
}

/* How many pairs leave: those that were gone before if that serves, else as many as makes good
 * room. */
static int
choose(struct choice *c, const struct window *w, size_t *gone)
{
	size_t limit = c->a->context - c->a->reserve, target = c->a->context / 5 * 3,
		before = w->evicted / 2;
	bool serves = before > 0 && before <= c->pairs && hash(c, before) == w->hash;

	if (serves) {
		if (encode(c, before) < 0)
			return -1;
		serves = c->ids->n <= limit;
	}
	*gone = before;
	if (serves && c->a->n_msgs >= w->n_msgs)
		return 0;
	if (search(c, limit, gone) < 0)
		return -1;
	if (*gone == 0)
		return 0;
	if (serves) {
		*gone = before;
		return 0;
	}
	return search(c, target < limit ? target : limit, gone);
}

/* Whether roles are as they should be; template_encode will complain otherwise. */
static bool
well_formed(const struct window_ask *a, size_t first)
{
	for (size_t i = first; i < a->n_msgs; i++) {
		if (a->msgs[i].role != ((i - first) % 2 ? ROLE_ASSISTANT : ROLE_USER))
			return false;
	}
	return a->n_msgs > first && (a->n_msgs - first) % 2 == !a->unfinished;
}

int
window_fit(struct window *w, const struct window_ask *a, struct token_list *ids, size_t *n_defused,
	struct err *e)
{
	struct choice c = { .a = a, .ids = ids, .n_defused = n_defused, .e = e };
	size_t gone = 0;
	int ret = -1;

	c.first = a->n_msgs > 0 && a->msgs[0].role == ROLE_SYSTEM;
	c.some = xcalloc(a->n_msgs, sizeof *c.some);
	if (well_formed(a, c.first)) {
		c.pairs = (a->n_msgs - c.first - 1) / 2;
		if (choose(&c, w, &gone) < 0)
			goto out;
	}
	if (encode(&c, gone) < 0)
		goto out;
	if (ids->n >= a->context) {
		err_set(e, ERR_FIT, "%s %zu tokens, %zu more than fit into the context of %zu",
			c.first ? "the system prompt and the last message take" :
			"the last message takes",
			ids->n, ids->n - a->context + 1, a->context);
		goto out;
	}
	*w = (struct window){ .n_msgs = a->n_msgs, .evicted = 2 * gone, .hash = hash(&c, gone) };
	ret = 0;
out:
	free(c.some);
	return ret;
}
