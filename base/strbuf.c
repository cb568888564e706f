#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "base/xalloc.h"

char strbuf_empty[1];

void
strbuf_init(struct strbuf *b)
{
	*b = (struct strbuf)STRBUF_INIT;
}

void
strbuf_release(struct strbuf *b)
{
	if (b->cap)
		free(b->s);
	strbuf_init(b);
}

void
strbuf_reset(struct strbuf *b)
{
	strbuf_truncate(b, 0);
}

void
strbuf_reserve(struct strbuf *b, size_t more)
{
	size_t need = b->len + more + 1;
	size_t cap = b->cap ? b->cap : 32;

	assert(more < SIZE_MAX / 4);
	if (need <= b->cap)
		return;
	while (cap < need)
		cap *= 2;
	b->s = xreallocarray(b->cap ? b->s : NULL, cap, 1);
	b->s[b->len] = '\0';
	b->cap = cap;
}

void
strbuf_add(struct strbuf *b, const void *bytes, size_t n)
{
	if (!n)
		return;
	strbuf_reserve(b, n);
	memcpy(b->s + b->len, bytes, n);
	b->len += n;
	b->s[b->len] = '\0';
}

void
strbuf_adds(struct strbuf *b, const char *s)
{
	strbuf_add(b, s, strlen(s));
}

void
strbuf_addc(struct strbuf *b, char c)
{
	strbuf_add(b, &c, 1);
}

void
strbuf_vaddf(struct strbuf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	assert(n >= 0);
	strbuf_reserve(b, n);
	vsnprintf(b->s + b->len, (size_t)n + 1, fmt, again);
	va_end(again);
	b->len += n;
}

void
strbuf_addf(struct strbuf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(b, fmt, ap);
	va_end(ap);
}

void
strbuf_remove(struct strbuf *b, size_t pos, size_t n)
{
	assert(pos <= b->len && n <= b->len - pos);
	if (!n)
		return;
	memmove(b->s + pos, b->s + pos + n, b->len - pos - n + 1);
	b->len -= n;
}

void
strbuf_truncate(struct strbuf *b, size_t len)
{
	assert(len <= b->len);
	b->len = len;
	if (b->cap)
		b->s[len] = '\0';
}

char *
strbuf_detach(struct strbuf *b)
{
	char *s;

	strbuf_reserve(b, 0);
	s = b->s;
	strbuf_init(b);
	return s;
}
