/*
 * What must not happen to a session when the program is killed, or the disk fails. The calls that make bytes durable
 * are wrapped by the linker (-Wl,--wrap), so that they can fail.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "app/chat/session_file.h"
#include "tests/app/sessions.h"

/* ---- a disk that fails when told to --------------------------------------------------------------- */

static int sync_errno, truncate_errno;		/* 0: works */
static int lock_errno;				/* EBADF: as on NFS, of descriptors for reading; else of all */
static long write_left = -1;			/* bytes until writes fail; -1: they do not */
static int n_syncs;

int __real_fdatasync(int fd);
int __real_ftruncate(int fd, off_t size);
int __real_flock(int fd, int operation);
ssize_t __real_write(int fd, const void *bytes, size_t n);
int __wrap_fdatasync(int fd);
int __wrap_ftruncate(int fd, off_t size);
int __wrap_flock(int fd, int operation);
ssize_t __wrap_write(int fd, const void *bytes, size_t n);

int
__wrap_fdatasync(int fd)
{
	n_syncs++;
	errno = sync_errno;
	return sync_errno ? -1 : __real_fdatasync(fd);
}

int
__wrap_ftruncate(int fd, off_t size)
{
	errno = truncate_errno;
	return truncate_errno ? -1 : __real_ftruncate(fd, size);
}

int
__wrap_flock(int fd, int operation)
{
	bool fails = lock_errno && (operation & LOCK_EX);

	if (lock_errno == EBADF)
		fails = fails && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY;
	errno = lock_errno;
	return fails ? -1 : __real_flock(fd, operation);
}

ssize_t
__wrap_write(int fd, const void *bytes, size_t n)
{
	if (write_left < 0 || fd <= 2)
		return __real_write(fd, bytes, n);
	if (write_left == 0) {
		errno = ENOSPC;
		return -1;
	}
	if (n > (size_t)write_left)
		n = (size_t)write_left;
	write_left -= (long)n;
	return __real_write(fd, bytes, n);
}

static int
teardown_disk(void **state)
{
	sync_errno = truncate_errno = lock_errno = 0;
	write_left = -1;
	return teardown(state);
}

#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown_disk)

static void
assert_ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	if (n < k || strcmp(s + n - k, end) != 0)
		fail_msg("\"%s\" does not end with \"%s\"", s, end);
}

/* ---- torn files ---------------------------------------------------------------------------------- */

static const char whole[] = HEADER "--- {title: \"A title\"}\n...\n"
	"---\nmessage: 1\nparent: 0\nrole: user\nat: 2026-11-23T02:10:04.870Z\ntext: |-\n  Which month?\n\n  And ...\n...\n"
	"---\nmessage: 2\nparent: 1\nrole: assistant\nmodel: m\nseed: 42\nsampling: {temperature: 0.6}\n...\n"
	"--- {piece: 2, text: \"**June** and \\\"\\n\"}\n...\n--- {piece: 2, text: \"July\"}\n...\n"
	"--- {done: 2, finish: stop, tokens: 118, prompt_tokens: 412, cached_tokens: 377, ms: 8310}\n...\n"
	"--- {vote: 2}\n...\n---\nsystem: |\n  Be brief.\n...\n--- {head: 1}\n...\n";

/* Ends of the documents of `whole`: lengths up to and with their "...". */
static size_t
complete_docs(size_t len, size_t *end)
{
	size_t n = 0;

	*end = 0;
	for (const char *p = whole; (p = strstr(p, "\n...\n")); p += 5) {
		if (p + 4 - whole > (ptrdiff_t)len)
			break;
		n++;
		*end = (size_t)(p + 5 - whole) < len ? (size_t)(p + 5 - whole) : len;
	}
	return n;
}

/* What of the torn end lies beside the file; "" when nothing. Removes it. */
static void
take_torn(struct strbuf *out)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	strbuf_reset(out);
	while ((entry = readdir(d))) {
		char *path;

		if (!strstr(entry->d_name, ".yaml.torn-"))
			continue;
		assert_int_equal(out->len, 0);
		path = xasprintf("%s/%s", dir, entry->d_name);
		scratch_read(path, out);
		unlink(path);
		free(path);
	}
	closedir(d);
}

static void
assert_holds(const struct session *s, size_t docs)
{
	const struct message *reply = conversation_find(&s->conv, 2);

	assert_int_equal(s->conv.title != NULL, docs >= 2);
	assert_int_equal(conversation_find(&s->conv, 1) != NULL, docs >= 3);
	assert_int_equal(reply != NULL, docs >= 4);
	if (reply) {
		assert_string_equal(reply->text.s, docs >= 6 ? "**June** and \"\nJuly" : docs >= 5 ?
			"**June** and \"\n" : "");
		assert_int_equal(reply->finish, docs >= 7 ? FINISH_STOP : FINISH_OPEN);
	}
	assert_int_equal(s->conv.system != NULL, docs >= 9);
	assert_int_equal(s->conv.head, docs >= 10 ? 1 : docs >= 4 ? 2 : docs >= 3 ? 1 : 0);
}

static void
torn__at_every_length__loses_only_the_torn_event(void **state)
{
	char *path = xasprintf("%s/t.yaml", dir);
	struct strbuf torn = STRBUF_INIT, file = STRBUF_INIT;

	for (size_t len = 0; len < sizeof whole; len++) {
		size_t end, docs = complete_docs(len, &end);
		struct session *s;

		scratch_write(path, whole, len);
		if (docs == 0) {
			assert_null(session_load(path, &e));
			continue;
		}
		s = load(path);
		assert_holds(s, docs);
		assert_false(s->read_only);
		take_torn(&torn);
		assert_int_equal(torn.len, len - end);
		assert_memory_equal(torn.s, whole + end, torn.len);
		if (torn.len)
			assert_non_null(strstr(s->warning, "the end of the file was torn; it is kept in "));
		else if (s->warning)
			assert_string_equal(s->warning, "1 event of an unknown kind ignored");
		ok(session_set_title(s, "Another", &e));
		session_free(s);
		strbuf_reset(&file);
		scratch_read(path, &file);
		assert_memory_equal(file.s, whole, end);
		assert_ends_with(file.s + end - 1, "\n--- {title: \"Another\"}\n...\n");
	}
	strbuf_release(&torn);
	strbuf_release(&file);
	free(path);
}

static void
torn__that_cannot_be_put_aside__stays_and_is_read_only(void **state)
{
	static const char text[] = HEADER "--- {title: \"t\"}\n...\n--- {ti";
	char *path = put_file("t.yaml", text);
	struct session *s;

	write_left = 3;
	s = load(path);
	write_left = -1;
	assert_true(s->read_only);
	assert_string_equal(s->warning, "its end is torn and cannot be put aside (No space left on device): read-only");
	assert_string_equal(s->conv.title, "t");
	assert_int_equal(session_set_title(s, "x", &e), -1);
	session_free(s);
	assert_file(path, text);
	truncate_errno = EIO;
	s = load(path);
	truncate_errno = 0;
	assert_true(s->read_only);
	session_free(s);
	assert_file(path, text);
	s = load(path);
	assert_false(s->read_only);
	session_free(s);
	free(path);
}

static void
torn__while_another_writes__is_none_of_the_readers_business(void **state)
{
	static const char text[] = HEADER USER(1, 0, "q") "--- {piece";
	char *path = put_file("t.yaml", text);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct session *s;

	assert_int_equal(session_file_lock(fd), LOCK_TAKEN);
	s = load(path);
	assert_true(s->read_only && s->in_use);
	assert_string_equal(s->warning, "another program has it open");
	assert_text(s, 1, "q");
	session_free(s);
	s = session_look(path, &e);
	assert_true(s->in_use);
	assert_int_equal(s->torn, 10);
	assert_null(s->warning);
	session_free(s);
	close(fd);
	assert_file(path, text);
	free(path);
}

/* ---- kill -9 ------------------------------------------------------------------------------------- */

/* Writes turns until it is killed; tells, by a byte for each, which ones it was promised. */
static void __attribute__((noreturn))
chat_until_killed(const char *path, int report)
{
	struct session *s = session_load(path, NULL);
	int id, rc = 0;

	if (!s || s->read_only)
		_exit(1);
	while (rc == 0) {
		rc = session_add_user(s, s->conv.head, "A question of\nsome lines\n", &id, NULL);
		if (rc == 0 && write(report, "t", 1) != 1)
			_exit(2);
		rc |= session_begin_answer(s, id, "m", 1, &sampling, &id, NULL);
		for (int i = 0; i < 20 && rc == 0; i++) {
			rc = session_add_piece(s, id, "a piece of text ", 16, NULL);
			rc |= session_flush(s, NULL);
		}
		rc |= session_end_answer(s, id, FINISH_STOP, NULL, NULL);
	}
	_exit(3);
}

static size_t
count_turns(const struct session *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->conv.n; i++) {
		const struct message *m = s->conv.messages[i];

		n += m->role == ROLE_USER;
		assert_int_equal(m->text.len % (m->role == ROLE_USER ? 25 : 16), 0);
		assert_int_equal(m->parent, i);
	}
	return n;
}

/* Lets a program chat until it has promised some turns, kills it a while later, and looks at what is left. */
static size_t
kill_once(const char *path, size_t promised, uint64_t random)
{
	int report[2], wait_for = 1 + (int)(random >> 40) % 3;
	struct session *s;
	size_t turns;
	pid_t pid;
	char byte;

	assert_int_equal(pipe(report), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		chat_until_killed(path, report[1]);
	close(report[1]);
	for (int i = 0; i < wait_for; i++, promised++)
		assert_int_equal(read(report[0], &byte, 1), 1);
	for (volatile unsigned spin = (unsigned)(random >> 45); spin; spin--)
		;
	kill(pid, SIGKILL);
	while (read(report[0], &byte, 1) == 1)
		promised++;
	close(report[0]);
	waitpid(pid, NULL, 0);
	s = load(path);
	assert_false(s->read_only);
	turns = count_turns(s);
	assert_in_range(turns, promised, promised + 1);
	session_free(s);
	return turns;
}

/* HUM_TEST_KILLS: how many; the default is for every day. */
static void
killed__at_any_moment__loses_no_turn(void **state)
{
	const char *wanted = getenv("HUM_TEST_KILLS");
	int kills = wanted ? atoi(wanted) : 40;
	uint64_t random = 1;
	size_t turns = 0;
	char *path = NULL;

	for (int i = 0; i < kills; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		if (i % 5 == 0) {
			struct session *s = session_new(dir);

			ask(s, "A question of\nsome lines\n");
			turns = 1;
			free(path);
			path = xstrdup(session_path(s));
			session_free(s);
		}
		turns = kill_once(path, turns, random);
	}
	free(path);
}

/* ---- a disk that fails --------------------------------------------------------------------------- */

/* A turn and an answer while the disk has room for `room` more bytes, then enough: all must be there, once. */
static void
fill_disk(long room)
{
	struct session *s = session_new(dir);
	int id = 0, question, failures = 0;

	ask(s, "first");
	write_left = room;
	failures += session_add_user(s, 1, "second\nturn", &question, &e) < 0;
	failures += session_begin_answer(s, question, "m", 1, &sampling, &id, &e) < 0;
	failures += session_add_piece(s, id, "Hello ", 6, &e) < 0;
	failures += session_flush(s, &e) < 0;
	failures += session_add_piece(s, id, "you", 3, &e) < 0;
	failures += session_end_answer(s, id, FINISH_STOP, NULL, &e) < 0;
	if (room < 200) {
		assert_true(failures > 0);
		assert_int_equal(e.code, ERR_STORE);
		assert_ends_with(e.text, "; what is new is kept in memory and tried again: No space left on device");
		assert_in_range(session_due_ms(s), 0, RETRY_MS);
	}
	assert_int_equal(s->conv.n, 3);
	write_left = -1;
	ok(session_flush(s, &e));
	assert_int_equal(session_due_ms(s), -1);
	s = reload(s);
	assert_null(s->warning);
	assert_int_equal(s->conv.n, 3);
	assert_text(s, question, "second\nturn");
	assert_text(s, id, "Hello you");
	assert_int_equal(conversation_find(&s->conv, id)->finish, FINISH_STOP);
	session_free(s);
}

static void
disk_full__at_every_byte__loses_and_repeats_nothing(void **state)
{
	for (long room = 0; room < 420; room++)
		fill_disk(room);
}

static void
disk_full__for_good__leaves_a_readable_file(void **state)
{
	for (long room = 0; room < 200; room += 7) {
		struct session *s = session_new(dir);
		int id;

		ask(s, "first");
		write_left = room;
		assert_int_equal(session_add_user(s, 1, "second, which is of some length so that it does not fit at all"
			" into the room that there is left on the disk for us, however we try to do it today", &id, &e), -1);
		assert_int_equal(session_flush(s, &e), -1);
		s = reload(s);
		assert_int_equal(s->conv.n, 1);
		assert_text(s, 1, "first");
		write_left = -1;
		session_free(s);
	}
}

static void
disk_full__before_there_is_a_file__makes_it_later(void **state)
{
	struct session *s = session_new(dir);
	char *newest;
	int id;

	write_left = 60;
	assert_int_equal(session_add_user(s, 0, "hello", &id, &e), -1);
	assert_null(session_path(s));
	assert_null(session_newest(dir));
	write_left = -1;
	while (session_due_ms(s) > 0 && session_due_ms(s) > RETRY_MS)
		;
	ok(session_flush(s, &e));
	newest = session_newest(dir);
	assert_string_equal(session_path(s), newest);
	free(newest);
	s = reload(s);
	assert_null(s->warning);
	assert_text(s, id, "hello");
	session_free(s);
}

static void
file_size_limit__is_a_disk_that_is_full(void **state)
{
	struct rlimit old, small = { 4096, RLIM_INFINITY };
	struct session *s = session_new(dir);
	char line[] = "a line of about forty bytes, all the same";
	int failures = 0, n = 0, id;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, SIG_IGN);
	small.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (n = 0; n < 60; n++)
		failures += session_add_user(s, s->conv.head, line, &id, &e) < 0;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_in_range(failures, 1, 59);
	assert_ends_with(e.text, ": File too large");
	ok(session_flush(s, &e));
	s = reload(s);
	assert_null(s->warning);
	assert_int_equal(s->conv.n, 60);
	session_free(s);
}

static void
sync__that_fails__writes_everything_anew(void **state)
{
	struct session *s = session_new(dir);
	char *path;
	int id, reply;

	ask(s, "first");
	path = xstrdup(session_path(s));
	sync_errno = EIO;
	assert_int_equal(session_add_user(s, 1, "second", &id, &e), -1);
	assert_ends_with(e.text, ": Input/output error");
	truncate_errno = EIO;
	sync_errno = 0;
	assert_int_equal(session_begin_answer(s, id, "m", 1, &sampling, &reply, &e), -1);
	truncate_errno = 0;
	ok(session_add_piece(s, reply, "yes", 3, &e));
	ok(session_end_answer(s, reply, FINISH_STOP, NULL, &e));
	assert_string_equal(session_path(s), path);
	s = reload(s);
	assert_null(s->warning);
	assert_int_equal(s->conv.n, 3);
	assert_text(s, id, "second");
	assert_text(s, reply, "yes");
	session_free(s);
	free(path);
}

static void
sync__is_done_for_turns_and_ends_only(void **state)
{
	struct session *s = session_new(dir);
	int id;

	n_syncs = 0;
	ask(s, "first");
	assert_int_equal(n_syncs, 1);
	id = begin_answer(s);
	for (int i = 0; i < 1000; i++)
		ok(session_add_piece(s, id, "x", 1, &e));
	ok(session_set_title(s, "t", &e));
	assert_int_equal(n_syncs, 1);
	ok(session_end_answer(s, id, FINISH_STOP, NULL, &e));
	assert_int_equal(n_syncs, 2);
	ask(s, "second");
	assert_int_equal(n_syncs, 3);
	session_free(s);
}

/* ---- somebody else at the file ------------------------------------------------------------------- */

static void
folder__that_cannot_be_made__is_told_and_tried_again(void **state)
{
	char *file = put_file("f", ""), *below = xasprintf("%s/f/sessions", dir), *want;
	struct session *s = session_new(below);
	int id;

	assert_int_equal(session_add_user(s, 0, "hello", &id, &e), -1);
	want = xasprintf("cannot make the folder of %s/%s.yaml; what is new is kept in memory and tried again: "
		"Not a directory", below, s->conv.id);
	assert_string_equal(e.text, want);
	unlink(file);
	ok(session_flush(s, &e));
	s = reload(s);
	assert_text(s, id, "hello");
	session_free(s);
	free(want);
	free(below);
	free(file);
}

static void
assert_moved_on(struct session *s, const char *old_path)
{
	char *want, *old_text = NULL;
	struct strbuf before = STRBUF_INIT;
	int id = s->conv.head;

	if (access(old_path, F_OK) == 0) {
		scratch_read(old_path, &before);
		old_text = before.s;
	}
	assert_int_equal(session_reopen_answer(s, id, &e), -1);
	assert_string_not_equal(session_path(s), old_path);
	want = xasprintf("%s was removed or changed by another program; the conversation goes on in %s", old_path,
		session_path(s));
	assert_string_equal(e.text, want);
	free(want);
	ok(session_add_piece(s, id, "!", 1, &e));
	ok(session_end_answer(s, id, FINISH_STOP, NULL, &e));
	s = reload(s);
	assert_null(s->warning);
	assert_string_equal(s->conv.title, "first");
	assert_string_equal(s->conv.system, "Be brief.");
	assert_int_equal(s->conv.n, 3);
	assert_true(conversation_find(&s->conv, 2)->deleted);
	assert_text(s, 3, "hi!");
	assert_int_equal(conversation_find(&s->conv, 3)->stats.ms, 8310);
	assert_int_equal(conversation_find(&s->conv, 3)->parent, 1);
	assert_int_equal(s->conv.head, 3);
	session_free(s);
	if (old_text)
		assert_file(old_path, old_text);
	strbuf_release(&before);
}

static struct session *
small_session(char **path)
{
	struct session *s = session_new(dir);

	ok(session_set_system(s, "Be brief.", &e));
	ask(s, "first");
	answer(s, "no");
	ok(session_delete_message(s, 2, &e));
	answer(s, "hi");
	*path = xstrdup(session_path(s));
	return s;
}

static void
file__removed_replaced_or_changed__is_left_alone_for_a_new_one(void **state)
{
	struct session *s;
	char *path;
	int fd;

	s = small_session(&path);
	unlink(path);
	assert_moved_on(s, path);
	free(path);

	s = small_session(&path);
	unlink(path);
	scratch_write(path, "mine", 4);
	assert_moved_on(s, path);
	free(path);

	s = small_session(&path);
	fd = open(path, O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, "--- {vote: 1}\n...\n", 18), 18);
	close(fd);
	assert_moved_on(s, path);
	free(path);

	s = small_session(&path);
	assert_int_equal(truncate(path, 100), 0);
	assert_moved_on(s, path);
	free(path);
}

/* Puts a file in the place of a session that has nothing to write, and leaves that. */
static void
leave_replaced(const char *text, size_t len, const char *more, bool want_copy)
{
	struct strbuf ours = STRBUF_INIT, new = STRBUF_INIT;
	struct session *s;
	char *path, *tmp = xasprintf("%s/tmp", dir);

	s = small_session(&path);
	ok(session_flush(s, &e));
	scratch_read(path, &ours);
	strbuf_add(&new, text ? text : ours.s, text ? len : ours.len - len);
	strbuf_adds(&new, more);
	scratch_write(tmp, new.s, new.len);
	assert_int_equal(rename(tmp, path), 0);
	assert_int_equal(session_flush(s, &e), want_copy ? -1 : 0);
	assert_int_equal(s->moved, want_copy);
	assert_int_equal(strcmp(session_path(s), path) != 0, want_copy);
	assert_file(path, new.s);
	if (!want_copy) {
		assert_int_equal(session_due_ms(s), -1);
		assert_int_equal(session_set_title(s, "mine", &e), -1);
		assert_true(s->moved);
	}
	s = reload(s);
	assert_int_equal(s->conv.n, 3);
	assert_text(s, 3, "hi");
	session_free(s);
	assert_file(path, new.s);
	strbuf_release(&ours);
	strbuf_release(&new);
	free(path);
	free(tmp);
}

static void
file__replaced_by_a_newer_version__gets_no_old_copy_beside_it(void **state)
{
	leave_replaced(NULL, 0, USER(4, 3, "from elsewhere"), false);
	leave_replaced(NULL, 0, "", false);
	leave_replaced(NULL, 6, USER(4, 3, "from elsewhere"), true);
	leave_replaced(NULL, 100, "", true);
	leave_replaced("mine", 4, "", true);
	leave_replaced("", 0, "", true);
}

static void
file__removed_while_nothing_is_to_be_written__is_written_anew(void **state)
{
	struct session *s;
	char *path;

	s = small_session(&path);
	unlink(path);
	assert_int_equal(session_flush(s, &e), -1);
	assert_true(s->moved);
	s = reload(s);
	assert_int_equal(s->conv.n, 3);
	session_free(s);
	free(path);
}

static void
file__removed_while_the_disk_is_full__is_written_anew_later(void **state)
{
	struct session *s;
	char *path;

	s = small_session(&path);
	unlink(path);
	write_left = 100;
	assert_int_equal(session_set_title(s, "new title", &e), -1);
	assert_null(session_path(s));
	write_left = -1;
	ok(session_flush(s, &e));
	s = reload(s);
	assert_null(s->warning);
	assert_string_equal(s->conv.title, "new title");
	assert_int_equal(s->conv.n, 3);
	session_free(s);
	free(path);
}

/* ---- file systems that lock in ways of their own -------------------------------------------------- */

static void
lock__on_nfs__wants_a_descriptor_for_writing(void **state)
{
	struct session *s = session_new(dir);
	char *path;
	int fd;

	ask(s, "q");
	path = xstrdup(session_path(s));
	lock_errno = EBADF;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(session_file_lock(fd), LOCK_UNKNOWN);
	close(fd);
	assert_int_equal(session_delete(path, &e), -1);
	assert_non_null(strstr(e.text, " is open in another program; close it there first"));
	session_free(s);
	ok(session_delete(path, &e));
	free(path);
}

static void
lock__that_there_is_none__hinders_nothing(void **state)
{
	struct session *s;
	char *path = put_file("t.yaml", HEADER USER(1, 0, "q"));

	lock_errno = ENOLCK;
	s = load(path);
	assert_false(s->read_only);
	session_free(s);
	ok(session_delete(path, &e));
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		DISK_TEST(torn__at_every_length__loses_only_the_torn_event),
		DISK_TEST(torn__that_cannot_be_put_aside__stays_and_is_read_only),
		DISK_TEST(torn__while_another_writes__is_none_of_the_readers_business),
		DISK_TEST(killed__at_any_moment__loses_no_turn),
		DISK_TEST(disk_full__at_every_byte__loses_and_repeats_nothing),
		DISK_TEST(disk_full__for_good__leaves_a_readable_file),
		DISK_TEST(disk_full__before_there_is_a_file__makes_it_later),
		DISK_TEST(file_size_limit__is_a_disk_that_is_full),
		DISK_TEST(sync__that_fails__writes_everything_anew),
		DISK_TEST(sync__is_done_for_turns_and_ends_only),
		DISK_TEST(folder__that_cannot_be_made__is_told_and_tried_again),
		DISK_TEST(file__removed_replaced_or_changed__is_left_alone_for_a_new_one),
		DISK_TEST(file__replaced_by_a_newer_version__gets_no_old_copy_beside_it),
		DISK_TEST(file__removed_while_nothing_is_to_be_written__is_written_anew),
		DISK_TEST(file__removed_while_the_disk_is_full__is_written_anew_later),
		DISK_TEST(lock__on_nfs__wants_a_descriptor_for_writing),
		DISK_TEST(lock__that_there_is_none__hinders_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
