/*
 * The file of one session: bytes to its end, in order, none twice, none left out, whatever the disk
 * does. Knows events only to write them. Private to app/chat/session*.c, and to the tests.
 *
 * All that is not yet known to be on the disk is kept in memory. A write that stopped half-way goes
 * on with the next byte; after a sync that failed, which says nothing about what of it arrived, the
 * file is cut back to what an earlier one made sure of, and written anew.
 */
#ifndef APP_CHAT_SESSION_FILE_H
#define APP_CHAT_SESSION_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/chat/session_events.h"
#include "base/err.h"

enum {
	PIECE_MS = 80,		/* how long a piece may wait for others: the promise is 100 */
	RETRY_MS = 1000,	/* until the next try after the disk failed */
};

struct session_file;

/* DIR/ID.yaml, which comes to be, in one step and with all it is to hold, at the first flush. */
struct session_file *session_file_new(const char *dir, const char *id);

/* A file that is there, locked, and ends after `size` bytes; fd is taken over. -1: of a read-only
 * session. */
struct session_file *session_file_adopt(
	const char *path, int fd, uint64_t size, bool ends_in_newline);
void session_file_free(struct session_file *f);		/* does not flush; NULL is fine */

const char *session_file_path(const struct session_file *f);	/* NULL: not there yet */

bool session_file_is_there(const struct session_file *f);	/* at its path, and still ours */

/* Queues. A piece waits for those that follow it, so that they become one event. */
void session_file_add(struct session_file *f, const struct event *ev);
void session_file_add_piece(struct session_file *f, int id, const char *text, size_t len);

enum flush_result {
	FLUSH_DONE = 0,
	FLUSH_FAILED = -1,	/* *e says why; everything is kept for the next time */
	/* Somebody else removed, replaced or changed it: nothing was written. One that was replaced
	 * by a file that goes on where it ended is lost with the next event only. */
	FLUSH_LOST = -2,
};

/* Writes what is queued. durable: and waits until the disk has it, with all that was written
 * before. */
enum flush_result session_file_flush(struct session_file *f, bool durable, struct err *e);

/* After FLUSH_LOST, or to leave the file behind: goes on as DIR/ID.yaml, which is to hold `whole`. */
void session_file_restart(struct session_file *f, const char *id, struct strbuf *whole);

/* How long until a flush is wanted; -1: nothing is queued. */
int session_file_due_ms(const struct session_file *f);

enum file_lock {
	LOCK_TAKEN,
	LOCK_HELD,	/* by another program */
	LOCK_UNKNOWN,	/* it cannot be locked: errno. EBADF: NFS wants a descriptor for writing */
};

/* The lock of a writer. Without waiting. */
enum file_lock session_file_lock(int fd);

/* Makes a rename or a new name in the folder of `path` durable. -1 and errno. */
int session_sync_folder(const char *path);

#endif
