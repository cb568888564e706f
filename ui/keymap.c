#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "base/xalloc.h"
#include "ui/keymap.h"

enum { WHO_UI, WHO_APP };

static const struct {
	const char *name, *keys, *help;
	int who;
} actions[ACTION_COUNT] = {
#define ACTION_ROW(id, name, keys, who, help) [ACTION_##id] = { name, keys, help, WHO_##who },
	ACTIONS(ACTION_ROW)
#undef ACTION_ROW
};

struct binding {
	struct key key;
	enum action action;
};

struct keymap {
	struct binding *items;
	size_t n, cap;
	char *shown[ACTION_COUNT];	/* the keys as the user reads them */
};

const char *
action_name(enum action a)
{
	assert(a >= 0 && a < ACTION_COUNT);
	return actions[a].name;
}

const char *
action_help(enum action a)
{
	assert(a >= 0 && a < ACTION_COUNT);
	return actions[a].help;
}

int
action_find(const char *name)
{
	for (int a = 0; a < ACTION_COUNT; a++)
		if (!strcmp(actions[a].name, name))
			return a;
	return -1;
}

bool
action_is_apps(enum action a)
{
	return actions[a].who == WHO_APP;
}

/* Cuts the next blank-separated word off *s; its length, 0 at the end. */
static size_t
next_word(const char **s)
{
	*s += strspn(*s, " \t");
	return strcspn(*s, " \t");
}

static const struct binding *
find(const struct keymap *k, struct key key)
{
	for (size_t i = 0; i < k->n; i++)
		if (key_equal(k->items[i].key, key))
			return &k->items[i];
	return NULL;
}

static void
unbind(struct keymap *k, enum action a)
{
	size_t n = 0;

	for (size_t i = 0; i < k->n; i++)
		if (k->items[i].action != a)
			k->items[n++] = k->items[i];
	k->n = n;
}

static int
check(const struct keymap *k, enum action a, const char *spec, struct err *e)
{
	size_t len;

	for (const char *s = spec; (len = next_word(&s)); s += len) {
		const struct binding *b;
		struct key key;

		if (!key_parse(s, len, &key))
			return err_set(e, ERR_CONFIG,
				"key \"%.*s\" of action \"%s\" is unknown; write it like Enter, "
				"C-p, M-Enter or F1",
				(int)(len > 40 ? 40 : len), s, action_name(a));
		b = find(k, key);
		if (b && b->action != a)
			return err_set(e, ERR_CONFIG,
				"key \"%.*s\" of action \"%s\" already belongs to action \"%s\"; "
				"unbind that first, with %s: none",
				(int)len, s, action_name(a), action_name(b->action),
				action_name(b->action));
	}
	return 0;
}

int
keymap_bind(struct keymap *k, enum action a, const char *spec, struct err *e)
{
	struct strbuf shown = STRBUF_INIT;
	struct key key;
	char name[40];
	size_t len;

	assert(a >= 0 && a < ACTION_COUNT);
	if (!strcmp(spec, "none"))
		spec = "";
	if (check(k, a, spec, e))
		return -1;
	unbind(k, a);
	for (const char *s = spec; (len = next_word(&s)); s += len) {
		if (!key_parse(s, len, &key) || find(k, key))
			continue;
		VEC_ROOM(k->items, k->n, k->cap);
		k->items[k->n++] = (struct binding){ key, a };
		key_label(key, name);
		strbuf_addf(&shown, "%s%s", shown.len ? ", " : "", name);
	}
	free(k->shown[a]);
	k->shown[a] = strbuf_detach(&shown);
	return 0;
}

struct keymap *
keymap_new(void)
{
	struct keymap *k = xcalloc(1, sizeof *k);

	for (int a = 0; a < ACTION_COUNT; a++) {
		int bad = keymap_bind(k, a, actions[a].keys, NULL);

		assert(!bad);
		(void)bad;
	}
	return k;
}

void
keymap_free(struct keymap *k)
{
	if (!k)
		return;
	for (int a = 0; a < ACTION_COUNT; a++)
		free(k->shown[a]);
	free(k->items);
	free(k);
}

const char *
keymap_keys(const struct keymap *k, enum action a)
{
	assert(a >= 0 && a < ACTION_COUNT);
	return k->shown[a];
}

enum action
keymap_lookup(const struct keymap *k, struct key key)
{
	const struct binding *b = find(k, key);

	return b ? b->action : ACTION_NONE;
}
