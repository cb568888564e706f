/*
 * A growing byte string, always NUL terminated (also when empty, after strbuf_init). Bytes may
 * include NUL; `len` counts them.
 */
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include <stdarg.h>
#include <stddef.h>

struct strbuf {
	char *s;	/* owned, or strbuf_empty while cap is 0: never write through it then */
	size_t len;
	size_t cap;
};

extern char strbuf_empty[1];	/* always "" */

#define STRBUF_INIT { .s = strbuf_empty, .len = 0, .cap = 0 }

void strbuf_init(struct strbuf *b);
void strbuf_release(struct strbuf *b);		/* frees, and leaves an empty usable string */
void strbuf_reset(struct strbuf *b);		/* empties, keeps the memory */
void strbuf_reserve(struct strbuf *b, size_t more);
void strbuf_add(struct strbuf *b, const void *bytes, size_t n);
void strbuf_adds(struct strbuf *b, const char *s);
void strbuf_addc(struct strbuf *b, char c);
void strbuf_addf(struct strbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_vaddf(struct strbuf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
void strbuf_remove(struct strbuf *b, size_t pos, size_t n);
void strbuf_truncate(struct strbuf *b, size_t len);

/* Gives the string away (heap, to be freed by the caller) and leaves the buffer empty. */
char *strbuf_detach(struct strbuf *b);

#endif
