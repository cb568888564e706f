/*
 * A conversation: a tree of messages, of which the path from the root to `head` is in view. Edit and regenerate
 * add siblings; nothing is ever overwritten. In memory only; app/chat/session.h keeps it and its file in step.
 */
#ifndef APP_CHAT_CONVERSATION_H
#define APP_CHAT_CONVERSATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "engine/sampler.h"
#include "engine/template.h"

enum finish {
	FINISH_OPEN,		/* being written, or interrupted by a crash */
	FINISH_STOP,
	FINISH_LENGTH,
	FINISH_CANCELLED,
	FINISH_ERROR,
};

const char *finish_name(enum finish f);			/* "stop", as in the session file */
int finish_parse(const char *name, enum finish *out);	/* -1: unknown */

struct message_stats {
	uint64_t answer_tokens, prompt_tokens, cached_tokens, ms, first_token_ms;
};

struct message {
	int id;			/* > 0, unique, growing */
	int parent;		/* id; 0: a first message */
	enum chat_role role;	/* USER or ASSISTANT; the system prompt is the conversation's */
	int64_t at_ms;		/* Unix time */
	struct strbuf text;
	bool deleted;		/* a tombstone: not shown, not sent; its children move up to its parent */

	/* assistant only */
	char *model;		/* or NULL */
	uint64_t seed;
	struct sampling sampling;
	enum finish finish;
	struct message_stats stats;
};

struct conversation {
	char id[37];			/* UUID version 7, sorts by time of creation */
	char *title;			/* NULL: none yet */
	char *system;			/* system prompt; NULL: none */
	char *model;			/* name last used; NULL: none */
	int64_t created_ms, changed_ms;
	struct message **messages;	/* owned, by growing id */
	struct message **by_parent;	/* the same, by parent, then id: children lie side by side */
	size_t n, cap;
	int head;			/* id of the leaf in view; 0: empty */
};

void conversation_init(struct conversation *c);
void conversation_release(struct conversation *c);

struct message *conversation_find(const struct conversation *c, int id);	/* NULL: absent */

/* id: new; parent: 0 or below id (which is why the tree has no cycles). The head stays where it is. */
struct message *conversation_add(struct conversation *c, int id, int parent, enum chat_role role);

/* Hangs a message, with all below it, under another one (0, or an id below its own). */
void conversation_move(struct conversation *c, struct message *m, int parent);

/* Makes a message a tombstone. When it was the head, a sibling's newest leaf comes into view, else its parent. */
void conversation_delete(struct conversation *c, int id);

/* The messages in view, root first, without deleted ones. *out is heap, the caller's. Returns their number. */
size_t conversation_path(const struct conversation *c, struct message ***out);

/* The last of one role among them; NULL: there is none. */
struct message *conversation_last(const struct conversation *c, enum chat_role role);

/* All of one role, the last one first. *out is heap, the caller's. Returns their number. */
size_t conversation_latest(const struct conversation *c, enum chat_role role, struct message ***out);

/* Siblings of a message (of its role, itself included, without deleted ones), by id. *position gets its index; *out
 * is heap, the caller's. Costs the siblings, not the conversation. */
size_t conversation_siblings(const struct conversation *c, int id, int **out, size_t *position);

/* The newest leaf below a message: what comes into view when a sibling is chosen. */
int conversation_leaf(const struct conversation *c, int id);

/* Where a conversation ends: a message that nothing follows, and what is on the way to it. */
struct conversation_end {
	int id;
	int question;		/* the last user's message up to it, maybe itself; 0: none */
	size_t messages;	/* on the way, itself included, without deleted ones */
};

/* All ends of the tree, newest first. *out is heap, the caller's. Returns their number. */
size_t conversation_ends(const struct conversation *c, struct conversation_end **out);

/* A title made of the first words of a text: one line, no markup, at most ~48 cells, "…" when cut. Heap. */
char *conversation_title_from(const char *text);

#endif
