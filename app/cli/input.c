#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/cli/input.h"
#include "app/cli/interrupt.h"
#include "base/utf8.h"

enum { CHUNK = 64 * 1024 };

static bool
is_stdin(const char *path)
{
	return strcmp(path, "-") == 0;
}

static const char *
shown(const char *path)
{
	return is_stdin(path) ? "standard input" : path;
}

static int
failed(const char *path, struct err *e)
{
	int saved = errno;

	if (interrupt_check(e) < 0)
		return -1;
	errno = saved;
	return err_errno(e, ERR_STORE, "%s", shown(path));
}

static int
read_all(int fd, const char *path, size_t max, struct strbuf *out, struct err *e)
{
	size_t begin = out->len;

	for (;;) {
		ssize_t n;

		strbuf_reserve(out, CHUNK);
		n = read(fd, out->s + out->len, CHUNK);
		if (n < 0 && errno == EINTR && !interrupted())
			continue;
		if (n < 0 && errno == EAGAIN) {		/* who shares it does not want to wait; we do */
			poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, -1);
			if (!interrupted())
				continue;
		}
		if (n < 0)
			return failed(path, e);
		if (n == 0)
			return 0;
		out->len += (size_t)n;
		out->s[out->len] = '\0';
		if (out->len - begin > max)
			return err_set(e, ERR_FIT,
				"%s is larger than %zu MiB, more than any model can take in",
				shown(path), max >> 20);
	}
}

int
input_read(const char *path, size_t max, struct strbuf *out, struct err *e)
{
	int fd = is_stdin(path) ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return failed(path, e);
	rc = read_all(fd, path, max, out, e);
	if (fd != STDIN_FILENO)
		close(fd);
	return rc;
}

FILE *
input_open(const char *path, struct err *e)
{
	FILE *f = is_stdin(path) ? stdin : fopen(path, "re");

	if (!f)
		failed(path, e);
	return f;
}

void
input_close(FILE *f)
{
	if (f && f != stdin)
		fclose(f);
}

int
input_check(FILE *f, const char *path, struct err *e)
{
	return feof(f) ? 0 : failed(path, e);
}

size_t
input_repair(struct strbuf *text)
{
	static const char mark[] = "\xef\xbf\xbd";
	struct strbuf whole = STRBUF_INIT;
	size_t bad = 0, from = 0;

	for (size_t i = 0; i < text->len;) {
		uint32_t cp;
		size_t used = utf8_decode(text->s + i, text->len - i, &cp);

		if (cp == 0 || (cp == 0xfffd && used == 1)) {
			strbuf_add(&whole, text->s + from, i - from);
			strbuf_add(&whole, mark, sizeof mark - 1);
			from = i + used;
			bad++;
		}
		i += used;
	}
	if (bad) {
		strbuf_add(&whole, text->s + from, text->len - from);
		strbuf_release(text);
		*text = whole;
	}
	return bad;
}
