/*
 * Events of a session file: what each kind carries, as text and back (doc/session-format.md). Knows
 * nothing of files, trees or time. Private to app/chat/session*.c, and to the tests.
 */
#ifndef APP_CHAT_SESSION_EVENTS_H
#define APP_CHAT_SESSION_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/chat/conversation.h"
#include "app/config/yaml.h"
#include "base/strbuf.h"

enum { SESSION_VERSION = 1 };
enum { MESSAGE_ID_MAX = 1000000000 };
#define TIME_MS_MAX INT64_C(253402300799999)	/* the end of the year 9999: more digits are no time */

enum event_kind {
	EVENT_HEADER,
	EVENT_MESSAGE,
	EVENT_PIECE,
	EVENT_DONE,
	EVENT_HEAD,
	EVENT_TITLE,
	EVENT_SYSTEM,
	EVENT_DELETE,
	EVENT_REOPEN,
	EVENT_MODEL,
	EVENT_UNKNOWN,		/* of a later version, or somebody else's: kept and ignored */
};

/* Texts are borrowed: by event_write from the caller, from event_read until the reader is used
 * again. */
struct event_text {
	const char *s;		/* NULL: none; NUL terminated when it comes from event_read */
	size_t len;
};

struct event {
	enum event_kind kind;
	int64_t version;	/* header */
	int id;			/* message, piece, done, head (0: none), delete, reopen */
	int parent;
	enum chat_role role;
	int64_t at_ms;		/* header, message; 0: not known */
	struct event_text text;	/* message, piece; the session's id; value of title, system, model */
	struct event_text model;
	uint64_t seed;
	struct sampling sampling;
	enum finish finish;
	struct message_stats stats;
};

/* Appends the event as one complete document. The texts are valid UTF-8. */
void event_write(struct strbuf *out, const struct event *ev);

/* ---- reading --------------------------------------------------------------------------------- */

struct event_reader {
	struct ydoc doc;
	struct strbuf scratch;
};

void event_reader_init(struct event_reader *r);
void event_reader_release(struct event_reader *r);

/* One document of a stream. */
struct event_doc {
	const char *s;
	size_t len;		/* with its "..." line, when it has one */
	bool closed;		/* by "...", or by the next document; false: torn off by the end */
};

/* Finds the document that begins at *pos and moves *pos behind it. False: only blanks and comments
 * are left. */
bool event_next_doc(const char *bytes, size_t len, size_t *pos, struct event_doc *out);

/* -1 and *fault (lines counted from the document's first) when a known kind of event has something
 * wrong in it. A field that may be missing, other than a text, costs only itself: 0, *out without
 * it, and *fault, whose text is "" when there is none. */
int event_read(struct event_reader *r, const struct event_doc *doc, struct event *out,
	struct ydoc_fault *fault);

/*
 * The same for a piece exactly as event_write makes it, at the beginning of `bytes`, many times
 * faster. Returns the bytes it takes, or 0: use event_next_doc and event_read.
 */
size_t event_read_piece(struct event_reader *r, const char *bytes, size_t len, struct event *out);

#endif
