/* What the tests of sessions share: a scratch folder, and verbs that fail the test when they fail. */
#ifndef TESTS_APP_SESSIONS_H
#define TESTS_APP_SESSIONS_H

#include "app/chat/session.h"
#include "tests/app/scratch.h"

static char *dir;
static struct err e;
static const struct sampling sampling = {
	.temperature = 0.6f, .top_p = 0.9f, .typical_p = 1, .repeat_penalty = 1, .top_k = 40,
};

static inline int
setup(void **state)
{
	dir = scratch_new();
	return 0;
}

static inline int
teardown(void **state)
{
	scratch_free(dir);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#define ok(call) \
	do { \
		e = (struct err){ 0 }; \
		if ((call) != 0) \
			fail_msg("%s: %s", #call, e.text); \
	} while (0)

static inline struct session *
load(const char *path)
{
	struct session *s = session_load(path, &e);

	if (!s)
		fail_msg("%s", e.text);
	return s;
}

/* Frees a session and loads it again. */
static inline struct session *
reload(struct session *s)
{
	char *path = xstrdup(session_path(s));

	session_free(s);
	s = load(path);
	free(path);
	return s;
}

static inline int
ask(struct session *s, const char *text)
{
	int id;

	ok(session_add_user(s, s->conv.head, text, &id, &e));
	return id;
}

static inline int
begin_answer(struct session *s)
{
	int id;

	ok(session_begin_answer(s, s->conv.head, "llama-2", 42, &sampling, &id, &e));
	return id;
}

static inline int
answer(struct session *s, const char *text)
{
	static const struct message_stats stats = { 7, 412, 377, 8310, 210 };
	int id = begin_answer(s);

	ok(session_add_piece(s, id, text, strlen(text), &e));
	ok(session_end_answer(s, id, FINISH_STOP, &stats, &e));
	return id;
}

static inline void
assert_text(const struct session *s, int id, const char *text)
{
	const struct message *m = conversation_find(&s->conv, id);

	assert_non_null(m);
	assert_string_equal(m->text.s, text);
}

/* A file in the scratch folder with this text; its path is heap. */
static inline char *
put_file(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", dir, name);

	scratch_write(path, text, strlen(text));
	return path;
}

static inline void
assert_file(const char *path, const char *text)
{
	struct strbuf b = STRBUF_INIT;

	scratch_read(path, &b);
	assert_string_equal(b.s, text);
	strbuf_release(&b);
}

#define HEADER "---\nhum: 1\nsession: 0198c1e2-7e2b-7cc1-9a51-5f0d3c1f6a10\nat: 2026-11-23T02:10:00.123Z\n...\n"
#define USER(id, parent, text) "---\nmessage: " #id "\nparent: " #parent "\nrole: user\ntext: " text "\n...\n"
#define ANSWER(id, parent) "---\nmessage: " #id "\nparent: " #parent "\nrole: assistant\n...\n"

#endif
