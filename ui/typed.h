/* A text that is typed, and erased, at its end only: the filter of a list, the words of a search. */
#ifndef UI_TYPED_H
#define UI_TYPED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"
#include "ui/key.h"

/* Whether the key erases at the end of a line; *left: how many bytes of this one it leaves. */
bool typed_erases(const struct strbuf *line, struct key k, size_t *left);

/* How many of n bytes may be added to the line, in whole characters, when it has at most `max`. */
size_t typed_fits(const struct strbuf *line, const char *text, size_t n, size_t max);

#endif
