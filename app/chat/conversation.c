#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "app/chat/conversation.h"
#include "base/utf8.h"
#include "base/xalloc.h"

#define TITLE_CELLS 48

static const char *const finish_names[] = {
	[FINISH_OPEN] = "open",
	[FINISH_STOP] = "stop",
	[FINISH_LENGTH] = "length",
	[FINISH_CANCELLED] = "cancelled",
	[FINISH_ERROR] = "error",
};

#define N_FINISH (sizeof finish_names / sizeof *finish_names)

const char *
finish_name(enum finish f)
{
	assert((size_t)f < N_FINISH);
	return finish_names[f];
}

int
finish_parse(const char *name, enum finish *out)
{
	for (size_t i = 0; i < N_FINISH; i++) {
		if (strcmp(name, finish_names[i]) == 0) {
			*out = (enum finish)i;
			return 0;
		}
	}
	return -1;
}

void
conversation_init(struct conversation *c)
{
	memset(c, 0, sizeof *c);
}

static void
message_free(struct message *m)
{
	strbuf_release(&m->text);
	free(m->model);
	free(m);
}

void
conversation_release(struct conversation *c)
{
	for (size_t i = 0; i < c->n; i++)
		message_free(c->messages[i]);
	free(c->messages);
	free(c->by_parent);
	free(c->title);
	free(c->system);
	free(c->model);
	conversation_init(c);
}

/* Index of the first message whose id is not below `id`. */
static size_t
lower_bound(const struct conversation *c, int id)
{
	size_t low = 0, high = c->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (c->messages[mid]->id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct message *
conversation_find(const struct conversation *c, int id)
{
	size_t i = lower_bound(c, id);

	return i < c->n && c->messages[i]->id == id ? c->messages[i] : NULL;
}

/* Index in by_parent of the first message of a parent whose id is not below `id`. */
static size_t
child_bound(const struct conversation *c, int parent, int id)
{
	size_t low = 0, high = c->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct message *m = c->by_parent[mid];

		if (m->parent < parent || (m->parent == parent && m->id < id))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Puts m at index `at` of the n messages in list. */
static void
insert(struct message **list, size_t n, size_t at, struct message *m)
{
	memmove(list + at + 1, list + at, (n - at) * sizeof *list);
	list[at] = m;
}

struct message *
conversation_add(struct conversation *c, int id, int parent, enum chat_role role)
{
	struct message *m = xcalloc(1, sizeof *m);
	size_t at = lower_bound(c, id), cap = c->cap;

	assert(id > 0 && parent >= 0 && parent < id);
	assert(at == c->n || c->messages[at]->id != id);
	m->id = id;
	m->parent = parent;
	m->role = role;
	strbuf_init(&m->text);
	VEC_ROOM(c->by_parent, c->n, cap);
	VEC_ROOM(c->messages, c->n, c->cap);
	insert(c->messages, c->n, at, m);
	insert(c->by_parent, c->n, child_bound(c, parent, id), m);
	c->n++;
	return m;
}

void
conversation_move(struct conversation *c, struct message *m, int parent)
{
	size_t from = child_bound(c, m->parent, m->id);

	assert(parent >= 0 && parent < m->id && c->by_parent[from] == m);
	memmove(c->by_parent + from, c->by_parent + from + 1,
		(c->n - from - 1) * sizeof *c->by_parent);
	c->n--;		/* while m is out of the list */
	m->parent = parent;
	insert(c->by_parent, c->n, child_bound(c, parent, m->id), m);
	c->n++;
}

/* The nearest ancestor that is not deleted; NULL at the root. */
static struct message *
visible_parent(const struct conversation *c, const struct message *m)
{
	struct message *p = conversation_find(c, m->parent);

	while (p && p->deleted)
		p = conversation_find(c, p->parent);
	return p;
}

/* The message at the end of what is in view; NULL: there is none. */
static struct message *
visible_head(const struct conversation *c)
{
	struct message *m = conversation_find(c, c->head);

	return m && m->deleted ? visible_parent(c, m) : m;
}

size_t
conversation_path(const struct conversation *c, struct message ***out)
{
	struct message **path = NULL;
	size_t n = 0, cap = 0;

	for (struct message *m = visible_head(c); m; m = visible_parent(c, m)) {
		VEC_ROOM(path, n, cap);
		path[n++] = m;
	}
	for (size_t i = 0; i < n / 2; i++) {
		struct message *swap = path[i];

		path[i] = path[n - 1 - i];
		path[n - 1 - i] = swap;
	}
	*out = path;
	return n;
}

struct message *
conversation_last(const struct conversation *c, enum chat_role role)
{
	struct message *m = visible_head(c);

	while (m && m->role != role)
		m = visible_parent(c, m);
	return m;
}

size_t
conversation_latest(const struct conversation *c, enum chat_role role, struct message ***out)
{
	struct message **list = NULL;
	size_t n = 0, cap = 0;

	for (struct message *m = visible_head(c); m; m = visible_parent(c, m)) {
		if (m->role != role)
			continue;
		VEC_ROOM(list, n, cap);
		list[n++] = m;
	}
	*out = list;
	return n;
}

struct id_list {
	int *ids;
	size_t n, cap;
};

static void
list_add(struct id_list *l, int id)
{
	VEC_ROOM(l->ids, l->n, l->cap);
	l->ids[l->n++] = id;
}

/*
 * The messages of a role that answer `parent`; what answers a deleted one answers its parent. By a
 * list of what is still to be looked at, not by calls: how deep deleted messages are nested is up
 * to the file.
 */
static struct id_list
collect_children(const struct conversation *c, int parent, enum chat_role role)
{
	struct id_list found = { 0 }, todo = { 0 };

	list_add(&todo, parent);
	while (todo.n) {
		parent = todo.ids[--todo.n];
		for (size_t i = child_bound(c, parent, 0);
			i < c->n && c->by_parent[i]->parent == parent; i++) {
			const struct message *m = c->by_parent[i];

			if (m->deleted)
				list_add(&todo, m->id);
			else if (m->role == role)
				list_add(&found, m->id);
		}
	}
	free(todo.ids);
	return found;
}

static int
by_number(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

size_t
conversation_siblings(const struct conversation *c, int id, int **out, size_t *position)
{
	const struct message *self = conversation_find(c, id), *parent;
	struct id_list list;

	assert(self);
	parent = visible_parent(c, self);
	list = collect_children(c, parent ? parent->id : 0, self->role);
	if (list.n)
		qsort(list.ids, list.n, sizeof *list.ids, by_number);
	for (*position = 0; *position < list.n && list.ids[*position] < id; ++*position)
		;
	*out = list.ids;
	return list.n;
}

int
conversation_leaf(const struct conversation *c, int id)
{
	size_t first = lower_bound(c, id);
	int newest = id;
	bool *below;

	assert(first < c->n && c->messages[first]->id == id);
	/* A child's id is above its parent's: one pass in the order of ids sees every parent before
	 * its children. */
	below = xcalloc(c->n, sizeof *below);
	below[first] = true;
	for (size_t i = first + 1; i < c->n; i++) {
		const struct message *m = c->messages[i];
		size_t p = m->parent ? lower_bound(c, m->parent) : c->n;

		if (p >= c->n || c->messages[p]->id != m->parent || !below[p])
			continue;
		below[i] = true;
		if (!m->deleted)
			newest = m->id;
	}
	free(below);
	return newest;
}

/* What is known of a message's place in the tree while the ends are looked for. */
struct place {
	int question;
	size_t messages;
	bool followed;		/* something that is not deleted comes after it */
};

/* The way from the root to each message: parents come before their children. */
static void
measure_ways(const struct conversation *c, struct place *places)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct message *m = c->messages[i];
		size_t p = m->parent ? lower_bound(c, m->parent) : c->n;

		if (p < c->n && c->messages[p]->id == m->parent)
			places[i] = (struct place){ places[p].question, places[p].messages, false };
		if (m->deleted)
			continue;
		places[i].messages++;
		if (m->role == ROLE_USER)
			places[i].question = m->id;
	}
}

size_t
conversation_ends(const struct conversation *c, struct conversation_end **out)
{
	struct place *places = xcalloc(c->n, sizeof *places);
	struct conversation_end *ends = NULL;
	size_t n = 0, cap = 0;

	measure_ways(c, places);
	for (size_t i = c->n; i-- > 0;) {
		const struct message *m = c->messages[i];
		size_t p = m->parent ? lower_bound(c, m->parent) : c->n;

		if (!m->deleted && !places[i].followed) {
			VEC_ROOM(ends, n, cap);
			ends[n++] = (struct conversation_end){ m->id, places[i].question, places[i].messages };
		}
		if (p < c->n && c->messages[p]->id == m->parent && (!m->deleted || places[i].followed))
			places[p].followed = true;
	}
	free(places);
	*out = ends;
	return n;
}

void
conversation_delete(struct conversation *c, int id)
{
	struct message *m = conversation_find(c, id), *parent;
	size_t n, position;
	int *siblings;

	assert(m);
	if (!m->deleted && c->head == id) {
		n = conversation_siblings(c, id, &siblings, &position);
		parent = visible_parent(c, m);
		c->head = parent ? parent->id : 0;
		if (n > 1)
			c->head = conversation_leaf(c, siblings[position ? position - 1 : 1]);
		free(siblings);
	}
	m->deleted = true;
}

/* ---- titles ---------------------------------------------------------------------------------- */

/* Marks that only make sense in markdown, dropped wherever they stand. */
static bool
is_markup(char c)
{
	return c == '*' || c == '`' || c == '#' || c == '>' || c == '_' || c == '~';
}

/* Appends the first line that has words in it, blanks folded, marks dropped unless they are inside
 * a word. */
static void
first_words(struct strbuf *out, const char *text)
{
	bool in_word = false;

	for (const char *s = text; *s; s++) {
		bool blank = (unsigned char)*s <= ' ' || *s == 0x7f;
		bool before_word = s[1] && (unsigned char)s[1] > ' ' && !is_markup(s[1]);

		if (*s == '\n' && out->len)
			return;
		if (blank) {
			in_word = false;
			continue;
		}
		if (is_markup(*s) && !(in_word && before_word))
			continue;
		if (!in_word && out->len)
			strbuf_addc(out, ' ');
		strbuf_addc(out, *s);
		in_word = true;
	}
}

/* Where to cut so that what stays takes at most `cells`: after a word if one ends not too far
 * before. */
static size_t
cut_at_word(const struct strbuf *b, size_t cells)
{
	size_t max = utf8_clip(b->s, b->len, cells), n = max;

	while (n && b->s[n] != ' ')
		n--;
	return n > max / 2 ? n : max;
}

char *
conversation_title_from(const char *text)
{
	struct strbuf words = STRBUF_INIT, title = STRBUF_INIT;

	first_words(&words, text);
	utf8_scrub(&title, words.s, words.len);
	strbuf_release(&words);
	if (utf8_width(title.s, title.len) > TITLE_CELLS) {
		strbuf_truncate(&title, cut_at_word(&title, TITLE_CELLS - 1));
		while (title.len && strchr(" ,;:.-", title.s[title.len - 1]))
			strbuf_truncate(&title, title.len - 1);
		strbuf_adds(&title, "\xe2\x80\xa6");	/* … */
	}
	return strbuf_detach(&title);
}
