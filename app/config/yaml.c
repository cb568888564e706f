#include "config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "app/config/yaml.h"
#include "base/xalloc.h"

/* Nodes are handed out by the block: they do not move, and a small document is one allocation. */
struct ynode_block {
	struct ynode_block *next;	/* older ones; the first is kept for the next document */
	size_t n;
	struct ynode nodes[64];
};

struct reader {
	struct ydoc *doc;
	const struct ydoc_limits *limits;
	struct ydoc_fault *fault;
	struct ynode *open[YDOC_MAX_DEPTH];	/* maps and lists that have begun and not ended */
	struct ynode *last[YDOC_MAX_DEPTH];	/* newest child of each */
	size_t children[YDOC_MAX_DEPTH];	/* of a map: keys and values */
	size_t depth;
};

void
ydoc_init(struct ydoc *d)
{
	memset(d, 0, sizeof *d);
}

static void
ydoc_reset(struct ydoc *d)
{
	struct ynode_block *b;

	while ((b = d->blocks)) {
		for (size_t i = 0; i < b->n; i++)
			free(b->nodes[i].text);
		b->n = 0;
		if (!b->next)
			break;
		d->blocks = b->next;
		free(b);
	}
	d->n = 0;
	d->root = NULL;
}

static struct ynode *
new_node(struct ydoc *d)
{
	struct ynode_block *b = d->blocks;
	struct ynode *n;

	if (!b || b->n == sizeof b->nodes / sizeof *b->nodes) {
		b = xmalloc(sizeof *b);
		b->next = d->blocks;
		b->n = 0;
		d->blocks = b;
	}
	d->n++;
	n = &b->nodes[b->n++];
	memset(n, 0, sizeof *n);
	return n;
}

void
ydoc_release(struct ydoc *d)
{
	ydoc_reset(d);
	free(d->blocks);
	ydoc_init(d);
}

static int
fault_at(struct reader *r, yaml_mark_t mark, const char *text)
{
	r->fault->line = mark.line + 1;
	r->fault->column = mark.column + 1;
	snprintf(r->fault->text, sizeof r->fault->text, "%s", text);
	return -1;
}

/* Whether a tab is the character at the mark, which counts characters. */
static bool
is_tab(const char *bytes, size_t len, size_t mark)
{
	size_t at = 0;

	for (; at < len && mark; mark--)
		do
			at++;
		while (at < len && ((unsigned char)bytes[at] & 0xc0) == 0x80);
	return at < len && bytes[at] == '\t';
}

/* What libyaml says is wrong. Its reader knows no line, only the byte that it could not take. */
static int
fault_of_parser(struct reader *r, const yaml_parser_t *p, const char *bytes, size_t len)
{
	yaml_mark_t mark = p->problem_mark;

	if (p->error == YAML_READER_ERROR) {
		memset(&mark, 0, sizeof mark);
		for (size_t i = 0; i < p->problem_offset && i < len; i++) {
			mark.column++;
			if (bytes[i] == '\n') {
				mark.line++;
				mark.column = 0;
			}
		}
	}
	if (p->error == YAML_SCANNER_ERROR && is_tab(bytes, len, mark.index))
		return fault_at(r, mark, "YAML is indented with spaces, and here is a tab");
	return fault_at(r, mark, p->problem ? p->problem : "this is no YAML");
}

/* Hangs a new node under the innermost open one. NULL after a fault. */
static struct ynode *
add_node(struct reader *r, enum ynode_kind kind, const yaml_event_t *ev)
{
	size_t d = r->depth - 1;	/* not used at the root */
	struct ynode *n;

	if (r->doc->n == r->limits->nodes) {
		fault_at(r, ev->start_mark, "too many values");
		return NULL;
	}
	if (r->depth && r->open[d]->kind == YNODE_MAP && r->children[d] % 2 == 0 &&
		kind != YNODE_SCALAR) {
		fault_at(r, ev->start_mark, "a key must be a word");
		return NULL;
	}
	n = new_node(r->doc);
	n->kind = kind;
	n->line = ev->start_mark.line + 1;
	n->column = ev->start_mark.column + 1;
	if (!r->depth) {
		r->doc->root = n;
		return n;
	}
	if (r->last[d])
		r->last[d]->next = n;
	else
		r->open[d]->first = n;
	r->last[d] = n;
	r->children[d]++;
	r->open[d]->n = r->open[d]->kind == YNODE_MAP ? r->children[d] / 2 : r->children[d];
	return n;
}

static int
begin(struct reader *r, enum ynode_kind kind, const yaml_event_t *ev)
{
	struct ynode *n;

	if (r->depth == r->limits->depth)
		return fault_at(r, ev->start_mark, "nested too deeply");
	n = add_node(r, kind, ev);
	if (!n)
		return -1;
	r->open[r->depth] = n;
	r->last[r->depth] = NULL;
	r->children[r->depth] = 0;
	r->depth++;
	return 0;
}

static int
scalar(struct reader *r, yaml_event_t *ev)
{
	struct ynode *n = add_node(r, YNODE_SCALAR, ev);

	if (!n)
		return -1;
	n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	n->len = ev->data.scalar.length;
	n->text = (char *)ev->data.scalar.value; /* taken over: libyaml's memory is malloc's */
	ev->data.scalar.value = NULL;
	return 0;
}

/* Anchors and tags would make a text mean something else than it says. */
static int
refuse_properties(
	struct reader *r, const yaml_event_t *ev, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		return fault_at(r, ev->start_mark, "anchors (&name) are not supported");
	if (tag)
		return fault_at(r, ev->start_mark,
			"tags (!name) are not supported; put the text in quotes");
	return 0;
}

static int
take(struct reader *r, yaml_event_t *ev)
{
	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		if (refuse_properties(r, ev, ev->data.scalar.anchor, ev->data.scalar.tag) < 0)
			return -1;
		return scalar(r, ev);
	case YAML_MAPPING_START_EVENT:
		if (refuse_properties(
			    r, ev, ev->data.mapping_start.anchor, ev->data.mapping_start.tag) < 0)
			return -1;
		return begin(r, YNODE_MAP, ev);
	case YAML_SEQUENCE_START_EVENT:
		if (refuse_properties(
			    r, ev, ev->data.sequence_start.anchor, ev->data.sequence_start.tag) < 0)
			return -1;
		return begin(r, YNODE_LIST, ev);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		r->depth--;
		return 0;
	case YAML_ALIAS_EVENT:
		return fault_at(r, ev->start_mark, "aliases (*name) are not supported");
	case YAML_DOCUMENT_START_EVENT:
		if (r->doc->root)
			return fault_at(r, ev->start_mark,
				"a second document begins here; only one is read");
		return 0;
	default:
		return 0;
	}
}

static int
read_events(struct reader *r, yaml_parser_t *p, const char *bytes, size_t len)
{
	yaml_event_t ev;
	bool end;
	int rc;

	do {
		if (!yaml_parser_parse(p, &ev))
			return fault_of_parser(r, p, bytes, len);
		rc = take(r, &ev);
		end = ev.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&ev);
	} while (rc == 0 && !end);
	return rc;
}

int
ydoc_parse(struct ydoc *d, const char *bytes, size_t len, const struct ydoc_limits *limits,
	struct ydoc_fault *fault)
{
	struct reader r = { .doc = d, .limits = limits, .fault = fault };
	yaml_mark_t top = { 0, 0, 0 };
	yaml_parser_t parser;
	int rc;

	assert(limits->depth <= YDOC_MAX_DEPTH);
	ydoc_reset(d);
	if (len > limits->bytes)
		return fault_at(&r, top, "too long");
	if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
		bytes += 3;
		len -= 3;
	}
	if (!yaml_parser_initialize(&parser))
		return fault_at(&r, top, "not enough memory");
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, len);
	rc = read_events(&r, &parser, bytes, len);
	yaml_parser_delete(&parser);
	if (rc < 0)
		ydoc_reset(d);
	return rc;
}

const struct ynode *
ynode_get(const struct ynode *map, const char *key)
{
	if (!map || map->kind != YNODE_MAP)
		return NULL;
	for (const struct ynode *k = map->first; k; k = k->next->next)
		if (ynode_is(k, key))
			return k->next;
	return NULL;
}

bool
ynode_is(const struct ynode *n, const char *text)
{
	return n->kind == YNODE_SCALAR && n->len == strlen(text) &&
	       memcmp(n->text, text, n->len) == 0;
}

bool
ynode_is_null(const struct ynode *n)
{
	if (n->kind != YNODE_SCALAR || !n->plain)
		return false;
	return n->len == 0 || ynode_is(n, "~") || (n->len == 4 && strcasecmp(n->text, "null") == 0);
}

const struct ynode *
ynode_duplicate_key(const struct ynode *map)
{
	for (const struct ynode *k = map->first; k; k = k->next->next)
		for (const struct ynode *b = map->first; b != k; b = b->next->next)
			if (b->len == k->len && memcmp(b->text, k->text, k->len) == 0)
				return k;
	return NULL;
}
