#include "config.h"

#include <assert.h>
#include <string.h>

#include "base/utf8.h"
#include "engine/detok.h"

void
detok_init(struct detok *d, const struct vocab *v, const char *const *stops)
{
	for (const char *const *stop = stops; stop && *stop; stop++)
		assert(**stop);
	*d = (struct detok){ .vocab = v, .stops = stops, .held = STRBUF_INIT };
}

void
detok_release(struct detok *d)
{
	strbuf_release(&d->held);
}

/* Where the first stop string begins; the length of what is held if there is none. */
static size_t
find_stop(const struct detok *d)
{
	size_t first = d->held.len;

	for (const char *const *stop = d->stops; stop && *stop; stop++) {
		const char *at = memmem(d->held.s, d->held.len, *stop, strlen(*stop));

		if (at && (size_t)(at - d->held.s) < first)
			first = at - d->held.s;
	}
	return first;
}

/* How many bytes at the end could be the beginning of a stop string. */
static size_t
stop_prefix(const struct detok *d)
{
	const char *end = d->held.s + d->held.len;
	size_t longest = 0;

	for (const char *const *stop = d->stops; stop && *stop; stop++) {
		size_t n = strlen(*stop) - 1;

		if (n > d->held.len)
			n = d->held.len;
		while (n > longest && memcmp(end - n, *stop, n))
			n--;
		if (n > longest)
			longest = n;
	}
	return longest;
}

/* Hands out the first n bytes of what is held, without white space in front of the answer. */
static void
hand_out(struct detok *d, size_t n, struct strbuf *out)
{
	size_t from = 0;

	while (!d->started && from < n && strchr(" \t\n\v\f\r", d->held.s[from]) && d->held.s[from])
		from++;
	if (from < n)
		d->started = true;
	utf8_repair(out, d->held.s + from, n - from);
	strbuf_remove(&d->held, 0, n);
}

bool
detok_push(struct detok *d, int32_t id, struct strbuf *out)
{
	size_t stop, held, tail;

	if (d->stopped)
		return true;
	vocab_decode_one(d->vocab, id, &d->held);
	stop = find_stop(d);
	if (stop < d->held.len) {
		hand_out(d, stop, out);
		strbuf_reset(&d->held);
		d->stopped = true;
		return true;
	}
	held = stop_prefix(d);
	tail = utf8_incomplete_tail(d->held.s, d->held.len);
	hand_out(d, d->held.len - (held > tail ? held : tail), out);
	return false;
}

void
detok_flush(struct detok *d, struct strbuf *out)
{
	size_t tail = utf8_incomplete_tail(d->held.s, d->held.len);

	hand_out(d, d->held.len - tail, out);
	if (tail)
		strbuf_adds(out, "\xef\xbf\xbd");
	strbuf_reset(&d->held);
}
