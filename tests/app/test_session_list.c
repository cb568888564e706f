#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <time.h>
#include <cmocka.h>

#include "app/chat/session_file.h"
#include "tests/app/sessions.h"

static struct session_summary *list;
static size_t n;

static void
list_again(const char *cache)
{
	session_list_free(list, n);
	ok(session_list(dir, cache, &list, &n, &e));
}

static int
teardown_list(void **state)
{
	session_list_free(list, n);
	list = NULL;
	n = 0;
	return teardown(state);
}

#define LIST_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown_list)

/* Gives a file a time of its own, so that the order does not depend on the clock. */
static void
set_time(const char *path, time_t seconds)
{
	struct timespec times[2] = { { seconds, 0 }, { seconds, 0 } };

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void
make_session(const char *name, const char *id, const char *title, time_t seconds)
{
	char *text = xasprintf("---\nhum: 1\nsession: %s\n...\n" USER(1, 0, "Hello there") ANSWER(2, 1)
		"--- {piece: 2, text: \"hi\"}\n...\n--- {done: 2, finish: stop}\n...\n--- {title: \"%s\"}\n...\n", id, title);
	char *path = put_file(name, text);

	set_time(path, seconds);
	free(path);
	free(text);
}

static void
list__session__tells_what_is_in_it(void **state)
{
	struct session *s = session_new(dir);
	struct stat st;

	ok(session_set_model(s, "llama-2-7b", &e));
	ask(s, "What is\tthis?\nAnd that?");
	answer(s, "A test");
	ask(s, "more");
	ok(session_delete_message(s, 3, &e));
	ok(session_set_title(s, "Tests", &e));
	stat(session_path(s), &st);
	list_again(NULL);
	assert_int_equal(n, 1);
	assert_string_equal(list[0].id, s->conv.id);
	assert_string_equal(list[0].path, session_path(s));
	assert_string_equal(list[0].title, "Tests");
	assert_string_equal(list[0].first, "What is\tthis?\nAnd that?");
	assert_string_equal(list[0].model, "llama-2");	/* of the answer: the last one used */
	assert_int_equal(list[0].messages, 2);
	assert_int_equal(list[0].changed_ms, (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000);
	assert_false(list[0].broken);
	session_free(s);
}

static void
list__folder__is_newest_first_and_only_sessions(void **state)
{
	char *sub = xasprintf("%s/folder.yaml", dir);

	mkdir(sub, 0700);
	make_session("b.yaml", "b", "B", 2000);
	make_session("c.yaml", "c", "C", 1000);
	make_session("a.yaml", "a", "A", 3000);
	make_session("d.yaml", "d", "D", 1000);
	make_session("a.yaml.torn-20261123T000000Z", "x", "X", 4000);
	make_session("a.yaml.new", "x", "X", 4000);
	make_session(".yaml", "x", "X", 4000);
	make_session("x.txt", "x", "X", 4000);
	list_again(NULL);
	assert_int_equal(n, 4);
	assert_string_equal(list[0].id, "a");
	assert_string_equal(list[1].id, "b");
	assert_string_equal(list[2].id, "d");
	assert_string_equal(list[3].id, "c");
	free(sub);
}

static void
list__folder_missing__is_empty(void **state)
{
	char *nowhere = xasprintf("%s/none", dir), *file = put_file("f", "");

	list_again(NULL);
	assert_int_equal(n, 0);
	ok(session_list(nowhere, NULL, &list, &n, &e));
	assert_int_equal(n, 0);
	assert_null(session_newest(nowhere));
	assert_int_equal(session_list(file, NULL, &list, &n, &e), -1);
	assert_int_equal(e.code, ERR_STORE);
	assert_null(session_newest(dir));
	free(nowhere);
	free(file);
}

static void
list__broken__says_why(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", " is no session of hum" },
		{ "torn", " is no session of hum" },
		{ "--- {hum: 9, session: x}\n...\n",
			" was written by a newer version of hum (format 9, this one knows 1); it was not touched" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *path = put_file("bad.yaml", cases[i].text), *want = xasprintf("%s%s", path, cases[i].why);

		list_again(NULL);
		assert_int_equal(n, 1);
		assert_true(list[0].broken);
		assert_string_equal(list[0].id, "bad");
		assert_string_equal(list[0].title, want);
		free(want);
		free(path);
	}
}

static void
list__cache__is_used_only_while_the_file_is_unchanged(void **state)
{
	char *cache = xasprintf("%s/cache", dir), *path;

	make_session("a.yaml", "aaaa", "One\\tone \\\\ \\n", 1000);
	make_session("b.yaml", "bbbb", "Two", 2000);
	path = put_file("c.yaml", "broken");
	set_time(path, 3000);
	free(path);
	for (int i = 0; i < 3; i++) {
		list_again(cache);
		assert_int_equal(n, 3);
		assert_true(list[0].broken);
		assert_string_equal(list[1].title, "Two");
		assert_string_equal(list[1].first, "Hello there");
		assert_null(list[1].model);
		assert_int_equal(list[1].messages, 2);
		assert_string_equal(list[2].title, "One\tone \\ \n");
		assert_string_equal(list[2].id, "aaaa");
	}
	/* Same size and time, other content: from the cache, which is how we know that it is used. */
	make_session("b.yaml", "bbbb", "Six", 2000);
	list_again(cache);
	assert_string_equal(list[1].title, "Two");
	make_session("b.yaml", "bbbb", "Six", 2001);
	list_again(cache);
	assert_string_equal(list[1].title, "Six");
	make_session("b.yaml", "bbbb", "Eleven", 2001);
	list_again(cache);
	assert_string_equal(list[1].title, "Eleven");
	path = xasprintf("%s/b.yaml", dir);
	unlink(path);
	list_again(cache);
	assert_int_equal(n, 2);
	free(path);
	free(cache);
}

static void
list__cache__does_not_keep_what_could_not_be_read(void **state)
{
	char *cache = xasprintf("%s/cache", dir), *path, *broken;
	struct stat st;

	make_session("a.yaml", "aaaa", "One", 1000);
	path = xasprintf("%s/a.yaml", dir);
	stat(path, &st);
	broken = xcalloc(1, (size_t)st.st_size + 1);
	memset(broken, 'x', (size_t)st.st_size);
	free(put_file("a.yaml", broken));
	set_time(path, 1000);
	list_again(cache);
	assert_true(list[0].broken);
	make_session("a.yaml", "aaaa", "One", 1000);
	list_again(cache);
	assert_false(list[0].broken);
	assert_string_equal(list[0].title, "One");
	free(broken);
	free(path);
	free(cache);
}

static void
list__cache_damaged__is_as_good_as_absent(void **state)
{
	char *cache = xasprintf("%s/cache", dir);
	struct strbuf good = STRBUF_INIT, bad = STRBUF_INIT;

	make_session("a.yaml", "aaaa", "One", 1000);
	list_again(cache);
	scratch_read(cache, &good);
	assert_non_null(strstr(good.s, "One"));
	for (size_t i = 0; i < good.len; i++) {
		scratch_write(cache, good.s, i);
		list_again(cache);
		assert_string_equal(list[0].title, "One");
		strbuf_reset(&bad);
		strbuf_add(&bad, good.s, good.len);
		bad.s[i] = i % 2 ? '\t' : '\0';
		scratch_write(cache, bad.s, bad.len);
		list_again(cache);
		assert_int_equal(n, 1);
	}
	unlink(cache);
	mkdir(cache, 0700);
	list_again(cache);
	assert_string_equal(list[0].title, "One");
	strbuf_release(&good);
	strbuf_release(&bad);
	free(cache);
}

static void
newest__is_by_time_of_the_file(void **state)
{
	char *path, *want = xasprintf("%s/m.yaml", dir);

	make_session("a.yaml", "a", "A", 1000);
	make_session("m.yaml", "m", "M", 3000);
	make_session("z.yaml", "z", "Z", 2000);
	make_session("f.yaml", "f", "F", 3000);
	make_session("x.yaml.new", "x", "X", 9000);
	path = session_newest(dir);
	assert_string_equal(path, want);
	free(path);
	free(want);
}

static void
assert_finds(const char *what, const char *name)
{
	char *path = session_find(dir, NULL, what, &e), *want = xasprintf("%s/%s", dir, name);

	if (!path)
		fail_msg("%s: %s", what, e.text);
	assert_string_equal(path, want);
	free(path);
	free(want);
}

static void
assert_finds_not(const char *what, const char *why)
{
	assert_null(session_find(dir, NULL, what, &e));
	assert_int_equal(e.code, ERR_STORE);
	assert_string_equal(e.text, why);
}

static void
find__takes_ids_their_beginnings_and_titles(void **state)
{
	make_session("0198c1e2-aaaa.yaml", "0198c1e2-aaaa", "Trip to Cusco", 1000);
	make_session("0198c1e2-bbbb.yaml", "0198c1e2-bbbb", "Trip", 2000);
	make_session("0199d2f3-cccc.yaml", "0199d2f3-cccc", "\xc3\x84pfel kochen", 3000);
	assert_finds("0198c1e2-aaaa", "0198c1e2-aaaa.yaml");
	assert_finds("0198C1E2-B", "0198c1e2-bbbb.yaml");
	assert_finds("0199", "0199d2f3-cccc.yaml");
	assert_finds("trip", "0198c1e2-bbbb.yaml");
	assert_finds("cusco", "0198c1e2-aaaa.yaml");
	assert_finds("\xc3\x84pfel", "0199d2f3-cccc.yaml");
	assert_finds_not("0198", "\"0198\" could be any of 2 chats: 0198c1e2-bbbb (Trip), 0198c1e2-aaaa (Trip to Cusco)");
	assert_finds_not("019", "there is no chat \"019\"");
	assert_finds_not("tri", "\"tri\" could be any of 2 chats: 0198c1e2-bbbb (Trip), 0198c1e2-aaaa (Trip to Cusco)");
	assert_finds_not("nothing like it", "there is no chat \"nothing like it\"");
	assert_finds_not("", "there is no chat \"\"");
}

static void
delete__moves_to_the_trash_and_overwrites_nothing(void **state)
{
	char *path = xasprintf("%s/a.yaml", dir), *trash = xasprintf("%s/trash/a.yaml", dir), *second;

	second = xasprintf("%s/trash/a.2.yaml", dir);
	for (int i = 0; i < 2; i++) {
		make_session("a.yaml", "aaaa", i ? "Second" : "First", 1000);
		ok(session_delete(path, &e));
		assert_int_equal(access(path, F_OK), -1);
	}
	assert_int_equal(access(trash, F_OK), 0);
	assert_int_equal(access(second, F_OK), 0);
	list_again(NULL);
	assert_int_equal(n, 0);
	assert_int_equal(session_delete(path, &e), -1);
	assert_int_equal(e.code, ERR_STORE);
	free(second);
	free(trash);
	free(path);
}

static void
delete__of_an_open_session__is_refused(void **state)
{
	struct session *s = session_new(dir);

	ask(s, "q");
	assert_int_equal(session_delete(session_path(s), &e), -1);
	assert_non_null(strstr(e.text, " is open in another program; close it there first"));
	s = reload(s);
	assert_text(s, 1, "q");
	session_free(s);
}

/* Brings one of the trash back by its name; NULL and e. */
static char *
undelete(const char *what)
{
	char *trash = session_trash(dir), *path = session_find(trash, NULL, what, &e);
	char *back = path ? session_undelete(dir, path, &e) : NULL;

	free(path);
	free(trash);
	return back;
}

/* Two of one id in the trash: each can be brought back, and neither over a chat that is there. */
static void
undelete__brings_back_and_overwrites_nothing(void **state)
{
	char *path = xasprintf("%s/a.yaml", dir), *back;

	for (int i = 0; i < 2; i++) {
		make_session("a.yaml", "a", i ? "Second" : "First", 1000);
		ok(session_delete(path, &e));
	}
	back = undelete("second");
	assert_string_equal(back, path);
	list_again(NULL);
	assert_int_equal(n, 1);
	assert_string_equal(list[0].title, "Second");
	assert_null(undelete("first"));
	assert_non_null(strstr(e.text, "there is a chat with this id; to have it back as another one: hum sessions import "));
	free(back);

	free(put_file("trash/bad.yaml", "what is this"));
	back = undelete("bad");
	assert_non_null(strstr(back, "/bad.yaml"));
	free(back);
	free(path);
}

/* What a kill left before the first turn had its name. */
static void
rescue__gives_a_first_turn_its_name(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ HEADER USER(1, 0, "q"), NULL },
		{ HEADER USER(1, 0, "q") "--- {title: \"q", NULL },
		{ HEADER "---\nmessage: 1\nparent: 0\nrole: user\ntext: q", "there is no whole message in it" },
		{ HEADER, "there is no whole message in it" },
		{ "nonsense", "there is no whole message in it" },
		{ "", "it is empty" },
	};
	char *want = xasprintf("%s/a.yaml", dir);

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *path = put_file("a.yaml.new", cases[i].text);
		struct session_leftover *left;
		size_t n_left;

		ok(session_rescue(dir, &left, &n_left, &e));
		assert_int_equal(n_left, 1);
		assert_string_equal(left[0].name, "a.yaml.new");
		assert_string_equal(left[0].why ? left[0].why : "", cases[i].why ? cases[i].why : "");
		assert_file(cases[i].why ? path : want, cases[i].text);
		assert_int_equal(access(cases[i].why ? want : path, F_OK), -1);
		session_leftovers_free(left, n_left);
		unlink(want);
		unlink(path);
		free(path);
	}
	free(want);
}

static void
rescue__neither_overwrites_nor_takes_from_a_writer(void **state)
{
	char *path = put_file("a.yaml.new", HEADER USER(1, 0, "q")), *there = put_file("a.yaml", "mine");
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct session_leftover *left;
	size_t n_left;

	ok(session_rescue(dir, &left, &n_left, &e));
	assert_string_equal(left[0].why, "there is a.yaml already");
	session_leftovers_free(left, n_left);
	assert_file(there, "mine");
	unlink(there);
	assert_int_equal(session_file_lock(fd), LOCK_TAKEN);
	ok(session_rescue(dir, &left, &n_left, &e));
	assert_string_equal(left[0].why, "another program is writing it");
	session_leftovers_free(left, n_left);
	assert_file(path, HEADER USER(1, 0, "q"));
	close(fd);
	free(path);
	free(there);
}

static void
short_name__is_the_time_of_the_id(void **state)
{
	char name[16];

	session_short_name("/x/0198c1e2-7e2b-7cc1-9a51-5f0d3c1f6a10.yaml", name);
	assert_string_equal(name, "0198c1e2-7e2b");
	session_short_name("/x/torn.yaml", name);
	assert_string_equal(name, "torn");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIST_TEST(list__session__tells_what_is_in_it),
		LIST_TEST(list__folder__is_newest_first_and_only_sessions),
		LIST_TEST(list__folder_missing__is_empty),
		LIST_TEST(list__broken__says_why),
		LIST_TEST(list__cache__is_used_only_while_the_file_is_unchanged),
		LIST_TEST(list__cache__does_not_keep_what_could_not_be_read),
		LIST_TEST(list__cache_damaged__is_as_good_as_absent),
		LIST_TEST(newest__is_by_time_of_the_file),
		LIST_TEST(find__takes_ids_their_beginnings_and_titles),
		LIST_TEST(delete__moves_to_the_trash_and_overwrites_nothing),
		LIST_TEST(delete__of_an_open_session__is_refused),
		LIST_TEST(undelete__brings_back_and_overwrites_nothing),
		LIST_TEST(rescue__gives_a_first_turn_its_name),
		LIST_TEST(rescue__neither_overwrites_nor_takes_from_a_writer),
		LIST_TEST(short_name__is_the_time_of_the_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
