#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "app/cli/interrupt.h"
#include "app/cli/output.h"
#include "base/utf8.h"

enum { BUFFER = 64 * 1024 };

static bool
knows_colors(void)
{
	const char *none = getenv("NO_COLOR"), *term = getenv("TERM");

	return !(none && *none) && term && *term && strcmp(term, "dumb") != 0;
}

static size_t
columns_of(int fd)
{
	struct winsize size;

	return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void
output_init(struct output *o, int fd)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGPIPE, &ignore, NULL);
	*o = (struct output){ .fd = fd, .buf = STRBUF_INIT };
	o->tty = isatty(fd);
	o->color = o->tty && knows_colors();
	o->cols = o->tty ? columns_of(fd) : 0;
}

/* Waits when the terminal or pipe was made non-blocking by whoever shares it with us. */
static bool
may_retry(const struct output *o)
{
	struct pollfd p = { .fd = o->fd, .events = POLLOUT };

	if (errno == EINTR)
		return !interrupted();
	if (errno != EAGAIN)
		return false;
	return poll(&p, 1, -1) >= 0 || (errno == EINTR && !interrupted());
}

int
output_flush(struct output *o)
{
	size_t done = 0;

	while (!o->error && done < o->buf.len) {
		ssize_t n = write(o->fd, o->buf.s + done, o->buf.len - done);

		if (n >= 0)
			done += (size_t)n;
		else if (!may_retry(o))
			o->error = errno;
	}
	strbuf_reset(&o->buf);
	return o->error ? -1 : 0;
}

static void
flush_full(struct output *o)
{
	if (o->buf.len >= BUFFER)
		output_flush(o);
}

void
output_add(struct output *o, const void *bytes, size_t n)
{
	strbuf_add(&o->buf, bytes, n);
	flush_full(o);
}

void
output_adds(struct output *o, const char *s)
{
	output_add(o, s, strlen(s));
}

void
output_addf(struct output *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&o->buf, fmt, ap);
	va_end(ap);
	flush_full(o);
}

void
output_text(struct output *o, const char *s, size_t n)
{
	if (!o->tty) {
		output_add(o, s, n);
		return;
	}
	utf8_scrub(&o->buf, s, n);
	flush_full(o);
}

void
output_style(struct output *o, const char *sgr)
{
	if (o->color)
		output_addf(o, "\033[%sm", sgr ? sgr : "0");
}

int
output_end(struct output *o, int status)
{
	/* Some file systems say only now that the disk is full. */
	if (output_flush(o) == 0 && close(o->fd) < 0)
		o->error = errno;
	strbuf_release(&o->buf);
	if (!o->error || status == ERR_INTERRUPTED)
		return status;
	if (o->error == EINTR)
		return ERR_INTERRUPTED;
	if (o->error == EPIPE)
		return status ? status : OUTPUT_UNREAD;
	note("standard output: %s; what was written is not complete", strerror(o->error));
	return status ? status : ERR_STORE;
}

static void
say(const char *text)
{
	struct strbuf b = STRBUF_INIT;

	strbuf_adds(&b, "hum: ");
	utf8_scrub(&b, text, strlen(text));
	strbuf_addc(&b, '\n');
	/* Nowhere is left to say that stderr cannot be written. */
	if (write(STDERR_FILENO, b.s, b.len) < 0)
		errno = 0;
	strbuf_release(&b);
}

int
complain(const struct err *e)
{
	say(e->text);
	return e->code;
}

void
note(const char *fmt, ...)
{
	struct strbuf b = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&b, fmt, ap);
	va_end(ap);
	say(b.s);
	strbuf_release(&b);
}
