/*
 * Sessions: any bytes as a file to load, as a stream of events and as a cache of summaries. What was loaded must come
 * back the same when it is written, and the two readers of pieces must agree.
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/chat/session.h"
#include "app/chat/session_cache.h"
#include "app/chat/session_events.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
write_and_read(struct event_reader *r, enum event_kind kind, const char *s, size_t len)
{
	struct event ev = { .kind = kind, .id = 1, .role = ROLE_USER, .text = { s, len } }, back;
	struct strbuf out = STRBUF_INIT;
	struct ydoc_fault fault;
	struct event_doc doc;
	size_t pos = 0;

	event_write(&out, &ev);
	assert(event_next_doc(out.s, out.len, &pos, &doc) && doc.closed && pos == out.len);
	assert(event_read(r, &doc, &back, &fault) == 0);
	assert(back.kind == kind && back.text.len == len && memcmp(back.text.s, s, len) == 0);
	strbuf_release(&out);
}

/* The input itself as a text. */
static void
check_texts(struct event_reader *r, const char *s, size_t len)
{
	struct strbuf text = STRBUF_INIT;

	utf8_repair(&text, s, len);
	write_and_read(r, EVENT_MESSAGE, text.s, text.len);
	write_and_read(r, EVENT_PIECE, text.s, text.len);
	write_and_read(r, EVENT_MODEL, text.s, text.len);
	strbuf_release(&text);
}

/* Documents are found in order and none is empty; what the quick reader takes, the other takes for the same. */
static void
check_events(struct event_reader *r, struct event_reader *quick_reader, const char *s, size_t len)
{
	struct event ev, quick;
	struct ydoc_fault fault;
	struct event_doc doc;
	size_t pos = 0, before = 0;

	for (; event_next_doc(s, len, &pos, &doc); before = pos) {
		size_t n = event_read_piece(quick_reader, s + before, len - before, &quick);
		int rc = event_read(r, &doc, &ev, &fault);

		assert(pos > before && doc.len > 0);
		if (!n)
			continue;
		assert(rc == 0 && n == doc.len && ev.kind == EVENT_PIECE && ev.id == quick.id);
		assert(ev.text.len == quick.text.len && memcmp(ev.text.s, quick.text.s, ev.text.len) == 0);
	}
}

static void
check_cache(const char *path)
{
	struct session_cache *cache = session_cache_open(path, "dir");
	struct cache_key key = { "a.yaml", 1, 2 };
	struct session_summary s = { 0 };

	if (session_cache_get(cache, &key, &s)) {
		free(s.title);
		free(s.first);
		free(s.model);
	}
	session_cache_close(cache);
}

static void
check_load(const char *path)
{
	struct session *s = session_load(path, NULL);
	struct message **path_in_view;

	if (!s)
		return;
	for (size_t i = 0; i < s->conv.n; i++) {
		const struct message *m = s->conv.messages[i];

		assert(m->id > 0 && m->parent >= 0 && m->parent < m->id);
		assert(utf8_valid(m->text.s, m->text.len));
		assert(conversation_leaf(&s->conv, m->id) >= m->id);
	}
	assert(conversation_path(&s->conv, &path_in_view) <= s->conv.n);
	free(path_in_view);
	session_free(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct event_reader reader, quick;
	char path[64];
	int fd = memfd_create("session", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	event_reader_init(&reader);
	event_reader_init(&quick);
	check_texts(&reader, bytes, size);
	check_events(&reader, &quick, bytes, size);
	event_reader_release(&reader);
	event_reader_release(&quick);
	check_cache(path);
	check_load(path);
	close(fd);
	return 0;
}
