#include "config.h"

#include "tests/app/cmocka_all.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "app/mailbox.h"

static void
post_text(struct mailbox *m, unsigned job, const char *text)
{
	struct mail ev = { .type = MAIL_TEXT, .job = job, .text = STRBUF_INIT };

	strbuf_adds(&ev.text, text);
	mailbox_post(m, &ev);
	strbuf_release(&ev.text);
}

static void
post(struct mailbox *m, enum mail_type type, unsigned job, uint64_t done)
{
	struct mail ev = { .type = type, .job = job, .text = STRBUF_INIT, .done = done };

	mailbox_post(m, &ev);
}

static bool
readable(const struct mailbox *m)
{
	struct pollfd p = { .fd = mailbox_fd(m), .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void
mailbox__take__pieces_of_one_job_are_one_string(void **state)
{
	struct mailbox *m = mailbox_new(NULL);
	struct mail *ev;

	assert_false(readable(m));
	post_text(m, 1, "he");
	post_text(m, 1, "llo");
	post_text(m, 2, "x");
	post(m, MAIL_DONE, 2, 0);
	assert_true(readable(m));
	assert_int_equal(mailbox_take(m, &ev), 3);
	assert_string_equal(ev[0].text.s, "hello");
	assert_string_equal(ev[1].text.s, "x");
	assert_int_equal(ev[2].type, MAIL_DONE);
	assert_false(readable(m));
	assert_int_equal(mailbox_take(m, &ev), 0);
	mailbox_free(m);
}

static void
mailbox__take__only_the_newest_progress(void **state)
{
	struct mailbox *m = mailbox_new(NULL);
	struct mail *ev;

	for (uint64_t i = 0; i < 100; i++)
		post(m, MAIL_PREFILL, 1, i);
	post_text(m, 1, "a");
	post(m, MAIL_PREFILL, 1, 7);
	assert_int_equal(mailbox_take(m, &ev), 3);
	assert_int_equal(ev[0].done, 99);
	assert_int_equal(ev[2].done, 7);
	mailbox_free(m);
}

static void
mailbox__take__two_endings_stay_two(void **state)
{
	struct mailbox *m = mailbox_new(NULL);
	struct mail *ev;

	post(m, MAIL_FAILED, 1, 0);
	post(m, MAIL_FAILED, 1, 0);
	assert_int_equal(mailbox_take(m, &ev), 2);
	mailbox_free(m);
}

static void
mailbox__free__with_mail_in_it(void **state)
{
	struct mailbox *m = mailbox_new(NULL);

	post_text(m, 1, "never read");
	mailbox_free(m);
	mailbox_free(NULL);
}

enum { PIECES = 20000 };

static void *
write_much(void *ctx)
{
	char piece[16];

	for (int i = 0; i < PIECES; i++) {
		snprintf(piece, sizeof piece, "%d,", i);
		post_text(ctx, 1, piece);
	}
	post(ctx, MAIL_DONE, 1, 0);
	return NULL;
}

/* A writer that never waits, a reader that polls: every byte comes, in order, and no wake-up is lost. */
static void
mailbox__threads__nothing_is_lost(void **state)
{
	struct mailbox *m = mailbox_new(NULL);
	struct strbuf got = STRBUF_INIT, want = STRBUF_INIT;
	struct pollfd p = { .fd = mailbox_fd(m), .events = POLLIN };
	pthread_t thread;
	bool done = false;

	assert_int_equal(pthread_create(&thread, NULL, write_much, m), 0);
	while (!done) {
		struct mail *ev;
		size_t n;

		assert_int_equal(poll(&p, 1, 20000), 1);
		n = mailbox_take(m, &ev);
		for (size_t i = 0; i < n; i++) {
			strbuf_add(&got, ev[i].text.s, ev[i].text.len);
			done = done || ev[i].type == MAIL_DONE;
		}
	}
	pthread_join(thread, NULL);
	for (int i = 0; i < PIECES; i++)
		strbuf_addf(&want, "%d,", i);
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.s, want.s, want.len);
	strbuf_release(&got);
	strbuf_release(&want);
	mailbox_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mailbox__take__pieces_of_one_job_are_one_string),
		cmocka_unit_test(mailbox__take__only_the_newest_progress),
		cmocka_unit_test(mailbox__take__two_endings_stay_two),
		cmocka_unit_test(mailbox__free__with_mail_in_it),
		cmocka_unit_test(mailbox__threads__nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
