#include "config.h"

#include <stdint.h>

#include "base/base64.h"
#include "base/strbuf.h"

/* n of 1 to 3 bytes as four characters. */
static void
add_group(struct strbuf *out, const unsigned char *bytes, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = (uint32_t)bytes[0] << 16;
	char group[4];

	if (n > 1)
		bits |= (uint32_t)bytes[1] << 8;
	if (n > 2)
		bits |= bytes[2];
	for (size_t i = 0; i < 4; i++)
		group[i] = i <= n ? digits[bits >> (18 - 6 * i) & 63] : '=';
	strbuf_add(out, group, sizeof group);
}

void
base64_add(struct strbuf *out, const void *bytes, size_t n)
{
	const unsigned char *s = bytes;

	strbuf_reserve(out, n / 3 * 4 + 4);
	for (size_t i = 0; i < n; i += 3)
		add_group(out, s + i, n - i < 3 ? n - i : 3);
}
