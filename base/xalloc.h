/*
 * Small allocations, which cannot fail: when memory is gone the program says so and aborts (all that
 * matters is on disk by then). Memory sized by a file or by a model is asked for with malloc and
 * reported with err_set instead.
 */
#ifndef BASE_XALLOC_H
#define BASE_XALLOC_H

#include <stdarg.h>
#include <stddef.h>

void *xmalloc(size_t n) __attribute__((malloc, alloc_size(1), returns_nonnull));
void *xcalloc(size_t n, size_t size) __attribute__((malloc, alloc_size(1, 2), returns_nonnull));
void *xreallocarray(void *p, size_t n, size_t size) __attribute__((alloc_size(2, 3)));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...) __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));
char *xvasprintf(const char *fmt, va_list ap) __attribute__((malloc, returns_nonnull, format(printf, 1, 0)));

/*
 * Makes room for one more element at items[n] of a growing array: cap is doubled when n has reached
 * it. Use:  VEC_ROOM(list->items, list->n, list->cap); list->items[list->n++] = x;
 */
#define VEC_ROOM(items, n, cap)                                                                    \
	do {                                                                                       \
		if ((n) == (cap)) {                                                                \
			(cap) = (cap) ? 2 * (cap) : 8;                                             \
			(items) = xreallocarray((items), (cap), sizeof *(items));                  \
		}                                                                                  \
	} while (0)

#endif
