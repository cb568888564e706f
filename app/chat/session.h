/*
 * A conversation on disk: an append-only YAML stream of events, one a document, each closed by "..." (DESIGN 5).
 * Every verb here changes the conversation and appends the event. A user's turn is durable (fdatasync) when
 * session_add_user returns; the pieces of an answer reach the disk at least every 100 ms.
 *
 * When the disk fails: the verb returns -1 with ERR_STORE, the conversation in memory has changed nevertheless, the
 * event is kept and written again with the next one or by session_tick; the user is told, nothing is dropped.
 * When somebody removed or changed the file meanwhile, the conversation goes on in a new file (and with a new id), which
 * holds all of it; the old one is not touched, and the verb returns -1 once to say so.
 *
 * One writer at a time (flock); a second program gets the session read-only: session_set_head works there in memory,
 * the other verbs change nothing and return -1. One thread.
 */
#ifndef APP_CHAT_SESSION_H
#define APP_CHAT_SESSION_H

#include "app/chat/conversation.h"
#include "base/err.h"

struct session {
	struct conversation conv;	/* read it; change it by the verbs below only */
	bool read_only;			/* another program has it open, or it cannot be written (warning says which) */
	bool in_use;			/* another has it open; session_look asks only where torn */
	size_t torn;			/* bytes of the torn end: put aside; left out where read_only */
	bool moved;			/* a verb failed only in so far as another file has it all now; the caller's to reset */
	char *warning;			/* what loading found (torn end kept aside, unknown events ...), or NULL */
	struct session_file *file;	/* private */
};

/* A new, empty session. Its file comes to be with the first message. dir NULL: never on disk (--no-save). */
struct session *session_new(const char *dir);

/* Loads by path, and takes the writer's lock. An answer that was being written when the program died has FINISH_OPEN.
 * ERR_STORE when the file cannot be understood at all, or is of a newer version (which is said). A torn last document
 * is copied to FILE.torn-TIME before it is cut, and the warning says so. */
struct session *session_load(const char *path, struct err *e);

/* The same to look at only: read_only, no lock is kept, so that a chat may begin meanwhile, and
 * nothing is repaired. The warning tells of a torn end unless it is in_use: then it is being
 * written. */
struct session *session_look(const char *path, struct err *e);

/* A new session, with an id of its own, that holds a conversation from elsewhere (taken over, `conv` is empty then):
 * durable on disk when it returns. NULL and ERR_STORE. */
struct session *session_import(const char *dir, struct conversation *conv, struct err *e);
void session_free(struct session *s);	/* flushes; NULL is fine */
const char *session_path(const struct session *s);	/* NULL: none yet */

int session_set_model(struct session *s, const char *model, struct err *e);
int session_set_system(struct session *s, const char *text, struct err *e);	/* NULL or "": none */
int session_set_title(struct session *s, const char *title, struct err *e);

/* parent: the head, or another message when an earlier turn is edited. Sets the head. Sets the title from the
 * first user text. *id gets the message's id. */
int session_add_user(struct session *s, int parent, const char *text, int *id, struct err *e);

int session_begin_answer(struct session *s, int parent, const char *model, uint64_t seed,
	const struct sampling *sampling, int *id, struct err *e);
int session_add_piece(struct session *s, int id, const char *text, size_t len, struct err *e);
int session_end_answer(struct session *s, int id, enum finish finish, const struct message_stats *stats,
	struct err *e);
/* Goes on with an answer that had ended or was interrupted: its finish becomes FINISH_OPEN again. */
int session_reopen_answer(struct session *s, int id, struct err *e);

int session_set_head(struct session *s, int id, struct err *e);
int session_delete_message(struct session *s, int id, struct err *e);

/* When no message is left in it (else NULL): goes on as a new session with an id of its own. Returns the path of the file
 * it had, which nobody needs any more (heap); the caller removes it. */
char *session_begin_anew(struct session *s);

/* Writes what is due. Call when session_due_ms says so (ms from now; -1: nothing is waiting). */
int session_tick(struct session *s, struct err *e);
int session_flush(struct session *s, struct err *e);	/* now, and durably: before session_free, to learn if it failed */
int session_due_ms(const struct session *s);

/* ---- all sessions of a folder --------------------------------------------------------------------- */

struct session_summary {
	char id[37];
	char *path, *title, *first, *model;	/* first: beginning of the first user text; may be NULL */
	int64_t changed_ms;
	size_t messages;	/* without deleted ones */
	bool broken;		/* cannot be read; title says why */
};

/* Newest first. Missing folder: empty list. Reads only what a summary needs, from a cache when the file is unchanged
 * (cache_path may be NULL; always safe to delete). */
int session_list(const char *dir, const char *cache_path, struct session_summary **out, size_t *n, struct err *e);
void session_list_free(struct session_summary *list, size_t n);

/* Path of the newest session without reading any (by file time); NULL when there is none. Heap. */
char *session_newest(const char *dir);

/* By id, unique beginning of an id (>= 4 letters), or title (exact, else unique part, case ignored). Heap path;
 * NULL and ERR_STORE naming the candidates when none or several match. */
char *session_find(const char *dir, const char *cache_path, const char *what, struct err *e);

/* The same among those of a list. */
const struct session_summary *session_find_in(
	const struct session_summary *list, size_t n, const char *what, struct err *e);

/* ---- first turns that were left without their name by a kill (session_rescue.c) --------------- */

struct session_leftover {
	char *name;		/* "ID.yaml.new" */
	char *why;		/* it was left as it is; NULL: it is called ID.yaml now */
};

/* Gives each its name, unless it is locked, has no whole message, or the name is taken. */
int session_rescue(const char *dir, struct session_leftover **out, size_t *n, struct err *e);
void session_leftovers_free(struct session_leftover *list, size_t n);

/* ---- the trash: chats that were deleted, until the user removes them (session_trash.c) -------- */

char *session_trash(const char *dir);	/* its folder, for session_list; heap */

/* What the user types to mean the chat of this file: the beginning of its name, a time. */
void session_short_name(const char *path, char out[16]);

/* Moves the file to the trash. Not while a program has it open. */
int session_delete(const char *path, struct err *e);

/* Moves a file of the trash back to the folder. Returns its path there (heap). NULL and ERR_STORE,
 * also when a chat with its id is there. */
char *session_undelete(const char *dir, const char *path, struct err *e);

#endif
