/* What the files about sessions share. Private to app/chat/session*.c. */
#ifndef APP_CHAT_SESSION_LOAD_H
#define APP_CHAT_SESSION_LOAD_H

#include <stdint.h>

#include "app/chat/session_events.h"
#include "base/err.h"

void session_make_id(char out[37], int64_t at_ms);

/* Whether an id from a file can be trusted as part of a file's name: 1 to 36 letters, digits, "-".
 */
bool session_id_valid(const char *id, size_t len);

/* Reads the whole file behind fd into *bytes (heap, *len bytes); `path` is for the message. -1 and
 * ERR_STORE. */
int session_read_all(int fd, const char *path, char **bytes, size_t *len, struct err *e);

/* Renames durably, but never over something that is there: -1 and EEXIST then; else errno. */
int session_move(const char *from, const char *to);

/* Checks that the first event is a header that this version understands. -1 and ERR_STORE. */
int session_check_header(const struct event *ev, const char *path, struct err *e);

#endif
