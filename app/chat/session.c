#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "app/chat/session.h"
#include "app/chat/session_file.h"
#include "app/chat/session_load.h"
#include "app/config/paths.h"
#include "base/utf8.h"
#include "base/xalloc.h"

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* UUID version 7 (RFC 9562, 5.7): 48 bits of time in milliseconds, then random ones. */
void
session_make_id(char out[37], int64_t at_ms)
{
	unsigned char b[16];
	int n;

	if (getrandom(b, sizeof b, 0) != sizeof b)		/* 16 bytes are never cut short */
		abort();
	for (int i = 0; i < 6; i++)
		b[i] = (unsigned char)(at_ms >> (40 - 8 * i));
	b[6] = 0x70 | (b[6] & 0x0f);
	b[8] = 0x80 | (b[8] & 0x3f);
	n = 0;
	for (int i = 0; i < 16; i++)
		n += snprintf(out + n, 37 - (size_t)n,
			i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", b[i]);
}

static struct event_text
text_of(const char *s)
{
	return (struct event_text){ s, s ? strlen(s) : 0 };
}

/* A heap copy that is valid UTF-8. */
static char *
repaired(const char *s)
{
	struct strbuf b = STRBUF_INIT;

	utf8_repair(&b, s, strlen(s));
	return strbuf_detach(&b);
}

static struct event
header_of(const struct conversation *c)
{
	return (struct event){
		.kind = EVENT_HEADER,
		.version = SESSION_VERSION,
		.text = text_of(c->id),
		.at_ms = c->created_ms,
	};
}

struct session *
session_new(const char *dir)
{
	struct session *s = xcalloc(1, sizeof *s);
	struct event header;

	conversation_init(&s->conv);
	s->conv.created_ms = s->conv.changed_ms = now_ms();
	session_make_id(s->conv.id, s->conv.created_ms);
	if (dir) {
		s->file = session_file_new(dir, s->conv.id);
		header = header_of(&s->conv);
		session_file_add(s->file, &header);
	}
	return s;
}

void
session_free(struct session *s)
{
	if (!s)
		return;
	session_flush(s, NULL);
	session_file_free(s->file);
	conversation_release(&s->conv);
	free(s->warning);
	free(s);
}

const char *
session_path(const struct session *s)
{
	return s->file ? session_file_path(s->file) : NULL;
}

/* ---- the whole conversation at once ---------------------------------------------------------- */

/* Without its text. */
static struct event
message_event(const struct message *m)
{
	return (struct event){
		.kind = EVENT_MESSAGE,
		.id = m->id,
		.parent = m->parent,
		.role = m->role,
		.at_ms = m->at_ms,
		.model = text_of(m->model),
		.seed = m->seed,
		.sampling = m->sampling,
	};
}

static void
dump_message(struct strbuf *out, const struct message *m)
{
	struct event ev = message_event(m);

	ev.text = (struct event_text){ m->text.s, m->text.len };
	event_write(out, &ev);
	if (m->role == ROLE_ASSISTANT && m->finish != FINISH_OPEN) {
		ev = (struct event){
			.kind = EVENT_DONE, .id = m->id, .finish = m->finish, .stats = m->stats
		};
		event_write(out, &ev);
	}
	if (m->deleted) {
		ev = (struct event){ .kind = EVENT_DELETE, .id = m->id };
		event_write(out, &ev);
	}
}

static void
dump_text(struct strbuf *out, enum event_kind kind, const char *text)
{
	struct event ev = { .kind = kind, .text = text_of(text) };

	if (text)
		event_write(out, &ev);
}

static void
dump(struct strbuf *out, const struct conversation *c)
{
	struct event ev = header_of(c);

	event_write(out, &ev);
	dump_text(out, EVENT_TITLE, c->title);
	dump_text(out, EVENT_SYSTEM, c->system);
	dump_text(out, EVENT_MODEL, c->model);
	for (size_t i = 0; i < c->n; i++)
		dump_message(out, c->messages[i]);
	ev = (struct event){ .kind = EVENT_HEAD, .id = c->head };
	event_write(out, &ev);
}

/* The file is somebody else's now: leave it to them, and go on in a new one that holds all. */
static int
move_on(struct session *s, struct err *e)
{
	struct strbuf whole = STRBUF_INIT;
	const char *at = session_path(s);
	char *old = path_pretty(at ? at : "the session's file"), *new;
	int rc;

	session_make_id(s->conv.id, now_ms());
	dump(&whole, &s->conv);
	session_file_restart(s->file, s->conv.id, &whole);
	strbuf_release(&whole);
	rc = session_file_flush(s->file, true, e);
	if (rc == FLUSH_DONE) {
		new = path_pretty(session_path(s));
		err_set(e, ERR_STORE,
			"%s was removed or changed by another program; "
			"the conversation goes on in %s",
			old, new);
		s->moved = true;
		free(new);
	}
	free(old);
	return -1;
}

struct session *
session_import(const char *dir, struct conversation *conv, struct err *e)
{
	struct session *s = xcalloc(1, sizeof *s);
	struct strbuf whole = STRBUF_INIT;

	s->conv = *conv;
	conversation_init(conv);
	session_make_id(s->conv.id, now_ms());
	s->conv.changed_ms = now_ms();
	if (!s->conv.created_ms)
		s->conv.created_ms = s->conv.changed_ms;
	s->file = session_file_new(dir, s->conv.id);
	dump(&whole, &s->conv);
	session_file_restart(s->file, s->conv.id, &whole);
	strbuf_release(&whole);
	if (session_file_flush(s->file, true, e) == FLUSH_DONE)
		return s;
	/* What is not there now must not come later, when nobody looks any more. */
	session_file_free(s->file);
	s->file = NULL;
	session_free(s);
	return NULL;
}

/* ---- writing --------------------------------------------------------------------------------- */

static int
flush(struct session *s, bool durable, struct err *e)
{
	int rc;

	/* A session without a message is not worth a file. */
	if (!s->file || s->read_only || (!s->conv.n && !session_path(s)))
		return 0;
	rc = session_file_flush(s->file, durable, e);
	return rc == FLUSH_LOST ? move_on(s, e) : rc;
}

static void
add(struct session *s, const struct event *ev)
{
	s->conv.changed_ms = now_ms();
	if (s->file)
		session_file_add(s->file, ev);
}

static int
add_and_flush(struct session *s, const struct event *ev, bool durable, struct err *e)
{
	add(s, ev);
	return flush(s, durable, e);
}

static int
refuse_read_only(const struct session *s, struct err *e)
{
	if (!s->read_only)
		return 0;
	return err_set(e, ERR_STORE, "this session is read-only: %s",
		s->warning ? s->warning : "another program has it open");
}

int
session_tick(struct session *s, struct err *e)
{
	return session_due_ms(s) == 0 ? flush(s, false, e) : 0;
}

int
session_flush(struct session *s, struct err *e)
{
	return flush(s, true, e);
}

int
session_due_ms(const struct session *s)
{
	if (!s->file || s->read_only || (!s->conv.n && !session_path(s)))
		return -1;
	return session_file_due_ms(s->file);
}

/* ---- what the conversation has besides messages ---------------------------------------------- */

static bool
same(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static int
set_text(struct session *s, enum event_kind kind, char **field, const char *text, struct err *e)
{
	struct event ev = { .kind = kind };
	char *new;

	if (same(*field, text))
		return 0;
	if (refuse_read_only(s, e) < 0)
		return -1;
	new = text && *text ? repaired(text) : NULL;
	free(*field);
	*field = new;
	ev.text = text_of(new ? new : "");
	return add_and_flush(s, &ev, false, e);
}

int
session_set_model(struct session *s, const char *model, struct err *e)
{
	return set_text(s, EVENT_MODEL, &s->conv.model, model, e);
}

int
session_set_system(struct session *s, const char *text, struct err *e)
{
	return set_text(s, EVENT_SYSTEM, &s->conv.system, text, e);
}

int
session_set_title(struct session *s, const char *title, struct err *e)
{
	return set_text(s, EVENT_TITLE, &s->conv.title, title, e);
}

/* ---- messages -------------------------------------------------------------------------------- */

static int
new_message(struct session *s, int parent, enum chat_role role, struct message **out, struct err *e)
{
	struct conversation *c = &s->conv;
	int id = c->n ? c->messages[c->n - 1]->id + 1 : 1;

	assert(parent == 0 || conversation_find(c, parent));
	if (refuse_read_only(s, e) < 0)
		return -1;
	if (id > MESSAGE_ID_MAX)
		return err_set(e, ERR_STORE,
			"this session has used up the numbers of messages; begin a new one");
	*out = conversation_add(c, id, parent, role);
	(*out)->at_ms = now_ms();
	c->head = id;
	return 0;
}

/* A title from the first words of the user, unless there are none. */
static void
add_title(struct session *s, const char *text)
{
	struct event ev = { .kind = EVENT_TITLE };
	char *title = conversation_title_from(text);

	if (!*title) {
		free(title);
		return;
	}
	s->conv.title = title;
	ev.text = text_of(title);
	add(s, &ev);
}

int
session_add_user(struct session *s, int parent, const char *text, int *id, struct err *e)
{
	struct message *m;
	struct event ev;

	if (new_message(s, parent, ROLE_USER, &m, e) < 0)
		return -1;
	*id = m->id;
	m->finish = FINISH_STOP;
	utf8_repair(&m->text, text, strlen(text));
	ev = message_event(m);
	ev.text = (struct event_text){ m->text.s, m->text.len };
	add(s, &ev);
	if (!s->conv.title)
		add_title(s, m->text.s);
	return flush(s, true, e);
}

int
session_begin_answer(struct session *s, int parent, const char *model, uint64_t seed,
	const struct sampling *sampling, int *id, struct err *e)
{
	struct message *m;
	struct event ev;

	if (new_message(s, parent, ROLE_ASSISTANT, &m, e) < 0)
		return -1;
	*id = m->id;
	m->model = model ? repaired(model) : NULL;
	m->seed = seed;
	m->sampling = *sampling;
	ev = message_event(m);
	return add_and_flush(s, &ev, false, e);
}

int
session_add_piece(struct session *s, int id, const char *text, size_t len, struct err *e)
{
	struct message *m = conversation_find(&s->conv, id);
	size_t before;

	assert(m && m->role == ROLE_ASSISTANT);
	if (refuse_read_only(s, e) < 0)
		return -1;
	before = m->text.len;
	utf8_repair(&m->text, text, len);
	if (s->file)
		session_file_add_piece(s->file, id, m->text.s + before, m->text.len - before);
	return session_tick(s, e);
}

int
session_end_answer(struct session *s, int id, enum finish finish, const struct message_stats *stats,
	struct err *e)
{
	struct message *m = conversation_find(&s->conv, id);
	struct event ev = { .kind = EVENT_DONE, .id = id, .finish = finish };

	assert(m && m->role == ROLE_ASSISTANT);
	if (refuse_read_only(s, e) < 0)
		return -1;
	m->finish = finish;
	if (stats)
		m->stats = *stats;
	ev.stats = m->stats;
	return add_and_flush(s, &ev, true, e);
}

int
session_reopen_answer(struct session *s, int id, struct err *e)
{
	struct message *m = conversation_find(&s->conv, id);
	struct event ev = { .kind = EVENT_REOPEN, .id = id };

	assert(m && m->role == ROLE_ASSISTANT);
	if (refuse_read_only(s, e) < 0)
		return -1;
	m->finish = FINISH_OPEN;
	return add_and_flush(s, &ev, false, e);
}

int
session_set_head(struct session *s, int id, struct err *e)
{
	struct event ev = { .kind = EVENT_HEAD, .id = id };

	assert(id == 0 || conversation_find(&s->conv, id));
	if (s->conv.head == id)
		return 0;
	s->conv.head = id;
	return s->read_only ? 0 : add_and_flush(s, &ev, false, e);
}

int
session_delete_message(struct session *s, int id, struct err *e)
{
	struct event ev = { .kind = EVENT_DELETE, .id = id };
	int head = s->conv.head;

	if (refuse_read_only(s, e) < 0)
		return -1;
	conversation_delete(&s->conv, id);
	add(s, &ev);
	if (s->conv.head != head) {
		ev = (struct event){ .kind = EVENT_HEAD, .id = s->conv.head };
		add(s, &ev);
	}
	return flush(s, false, e);
}

static char *
copy_of(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

/* All messages of a conversation are deleted: forgets them, and the title that was made of the first one. */
static void
forget_messages(struct conversation *c)
{
	struct conversation old = *c;
	char *title = conversation_title_from(old.messages[0]->text.s);

	conversation_init(c);
	c->created_ms = c->changed_ms = now_ms();
	if (!same(old.title, title))
		c->title = copy_of(old.title);
	free(title);
	c->system = copy_of(old.system);
	c->model = copy_of(old.model);
	conversation_release(&old);
}

char *
session_begin_anew(struct session *s)
{
	struct strbuf whole = STRBUF_INIT;
	struct conversation *c = &s->conv;
	char *left;

	for (size_t i = 0; i < c->n; i++)
		if (!c->messages[i]->deleted)
			return NULL;
	if (!c->n || s->read_only || !s->file || !session_file_is_there(s->file))
		return NULL;
	left = xstrdup(session_path(s));
	forget_messages(c);
	session_make_id(c->id, c->created_ms);
	dump(&whole, c);
	session_file_restart(s->file, c->id, &whole);
	strbuf_release(&whole);
	return left;
}
