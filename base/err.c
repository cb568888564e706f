#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/utf8.h"

/* Cuts an unfinished character off the end of a text that snprintf may have truncated. */
static void
err_trim(struct err *e)
{
	size_t n = strlen(e->text);

	n -= utf8_incomplete_tail(e->text, n);
	while (n && e->text[n - 1] == '\n')
		n--;
	e->text[n] = '\0';
}

static void __attribute__((format(printf, 3, 0)))
err_format(struct err *e, enum err_code code, const char *fmt, va_list ap)
{
	e->code = code;
	vsnprintf(e->text, sizeof e->text, fmt, ap);
	err_trim(e);
}

int
err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return -1;
	va_start(ap, fmt);
	err_format(e, code, fmt, ap);
	va_end(ap);
	return -1;
}

int
err_errno(struct err *e, enum err_code code, const char *fmt, ...)
{
	int saved = errno;
	size_t n;
	va_list ap;

	if (!e)
		return -1;
	va_start(ap, fmt);
	err_format(e, code, fmt, ap);
	va_end(ap);
	n = strlen(e->text);
	snprintf(e->text + n, sizeof e->text - n, ": %s", strerror(saved));
	err_trim(e);
	return -1;
}

int
err_prefix(struct err *e, const char *fmt, ...)
{
	char prefix[sizeof e->text], whole[2 * sizeof e->text + 2];
	va_list ap;

	if (!e)
		return -1;
	va_start(ap, fmt);
	vsnprintf(prefix, sizeof prefix, fmt, ap);
	va_end(ap);
	snprintf(whole, sizeof whole, "%s: %s", prefix, e->text);
	memcpy(e->text, whole, sizeof e->text - 1);
	e->text[sizeof e->text - 1] = '\0';
	err_trim(e);
	return -1;
}
