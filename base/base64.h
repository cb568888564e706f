/* Base64 of RFC 4648, section 4: with padding, without line breaks. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>

struct strbuf;

void base64_add(struct strbuf *out, const void *bytes, size_t n);

#endif
