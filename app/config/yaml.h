/*
 * One YAML document as a tree, read by libyaml within limits. Used for the configuration, themes
 * and the events of sessions, all of which are untrusted: anchors, aliases (and so "billion
 * laughs"), tags, keys that are not words, and more depth, nodes or bytes than the caller allows
 * are faults, each with its line and column.
 */
#ifndef APP_CONFIG_YAML_H
#define APP_CONFIG_YAML_H

#include <stdbool.h>
#include <stddef.h>

enum ynode_kind { YNODE_SCALAR, YNODE_MAP, YNODE_LIST };

struct ynode {
	enum ynode_kind kind;
	bool plain;			/* a scalar without quotes: may be nothing, true, a number */
	unsigned line, column;		/* from 1 */
	char *text;			/* scalar: NUL terminated, may contain NULs */
	size_t len;
	size_t n;			/* items of a list, pairs of a map */
	struct ynode *first;		/* list: first item; map: first key, its `next` the value */
	struct ynode *next;		/* list: next item; key: its value; value: the next key */
};

struct ydoc_limits {
	size_t bytes, depth, nodes;	/* depth <= YDOC_MAX_DEPTH */
};

enum { YDOC_MAX_DEPTH = 32 };

struct ydoc_fault {
	unsigned line, column;		/* from 1 */
	char text[200];
};

struct ydoc {
	struct ynode *root;		/* NULL: the document is empty */
	struct ynode_block *blocks;	/* private: where the nodes are */
	size_t n;			/* nodes */
};

void ydoc_init(struct ydoc *d);
void ydoc_release(struct ydoc *d);

/*
 * Reads the one document of `bytes` (UTF-8, with or without byte order mark); what `d` held is
 * dropped and its memory used again. -1 and *fault when it is no YAML, or more than the limits; d
 * is empty then.
 */
int ydoc_parse(struct ydoc *d, const char *bytes, size_t len, const struct ydoc_limits *limits,
	struct ydoc_fault *fault);

/* The value of a key; NULL: no such key, or no map. */
const struct ynode *ynode_get(const struct ynode *map, const char *key);
bool ynode_is(const struct ynode *scalar, const char *text); /* a scalar of exactly this text */
bool ynode_is_null(const struct ynode *n);	/* nothing, ~ or null, without quotes */

/* The first key of a map that an earlier one has as well; NULL when all differ. */
const struct ynode *ynode_duplicate_key(const struct ynode *map);

#endif
