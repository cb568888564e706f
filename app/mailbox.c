#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "app/mailbox.h"
#include "base/xalloc.h"

struct batch {
	struct mail *items;
	size_t n, cap;
};

struct mailbox {
	int fd;
	pthread_mutex_t lock;
	struct batch posted;	/* under the lock */
	struct batch taken;	/* main thread only */
};

static void
batch_clear(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		strbuf_release(&b->items[i].text);
	b->n = 0;
}

struct mailbox *
mailbox_new(struct err *e)
{
	struct mailbox *m = xcalloc(1, sizeof *m);

	m->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->fd < 0) {
		err_errno(e, ERR_BACKEND, "no event descriptor");
		free(m);
		return NULL;
	}
	pthread_mutex_init(&m->lock, NULL);
	return m;
}

void
mailbox_free(struct mailbox *m)
{
	if (!m)
		return;
	batch_clear(&m->posted);
	batch_clear(&m->taken);
	free(m->posted.items);
	free(m->taken.items);
	pthread_mutex_destroy(&m->lock);
	close(m->fd);
	free(m);
}

int
mailbox_fd(const struct mailbox *m)
{
	return m->fd;
}

/* Joins an event with the last one if both say the same kind of thing about the same job. */
static bool
batch_join(struct batch *b, const struct mail *ev)
{
	struct mail *last = b->n ? &b->items[b->n - 1] : NULL;

	if (!last || last->type != ev->type || last->job != ev->job)
		return false;
	switch (ev->type) {
	case MAIL_TEXT:
		strbuf_add(&last->text, ev->text.s, ev->text.len);
		last->stats = ev->stats;
		return true;
	case MAIL_LOADING:
	case MAIL_PREFILL:
		last->done = ev->done;
		last->total = ev->total;
		return true;
	default:
		return false;
	}
}

static void
batch_add(struct batch *b, const struct mail *ev)
{
	struct mail *copy;

	VEC_ROOM(b->items, b->n, b->cap);
	copy = &b->items[b->n++];
	*copy = *ev;
	strbuf_init(&copy->text);
	strbuf_add(&copy->text, ev->text.s, ev->text.len);
}

void
mailbox_post(struct mailbox *m, const struct mail *ev)
{
	const uint64_t one = 1;
	bool wake;

	pthread_mutex_lock(&m->lock);
	wake = m->posted.n == 0;
	if (!batch_join(&m->posted, ev))
		batch_add(&m->posted, ev);
	pthread_mutex_unlock(&m->lock);
	while (wake && write(m->fd, &one, sizeof one) < 0 && errno == EINTR)
		;
}

size_t
mailbox_take(struct mailbox *m, struct mail **events)
{
	struct batch old = m->taken;
	uint64_t count;

	/* The descriptor is reset first: what is posted from here on wakes us again, at worst for nothing. */
	while (read(m->fd, &count, sizeof count) < 0 && errno == EINTR)
		;
	batch_clear(&old);
	pthread_mutex_lock(&m->lock);
	m->taken = m->posted;
	m->posted = old;
	pthread_mutex_unlock(&m->lock);
	*events = m->taken.items;
	return m->taken.n;
}
