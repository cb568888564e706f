#include "config.h"

#include <utf8proc.h>

#include "base/strbuf.h"
#include "base/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd"	/* U+FFFD */

enum { CLUSTER_CELLS = 8 };	/* more than any syllable takes */

/* Bytes of a sequence by its lead byte; 0 for a byte that cannot lead. */
static size_t
lead_length(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		return 2;
	if (c >= 0xe0 && c <= 0xef)
		return 3;
	if (c >= 0xf0 && c <= 0xf4)
		return 4;
	return 0;
}

/* Whether c may be the second byte after `lead` (Unicode 15, table 3-7). */
static bool
second_ok(unsigned char lead, unsigned char c)
{
	switch (lead) {
	case 0xe0:
		return c >= 0xa0 && c <= 0xbf;
	case 0xed:
		return c >= 0x80 && c <= 0x9f;
	case 0xf0:
		return c >= 0x90 && c <= 0xbf;
	case 0xf4:
		return c >= 0x80 && c <= 0x8f;
	}
	return c >= 0x80 && c <= 0xbf;
}

/* Length of the well-formed sequence at s, or 0. */
static size_t
sequence_length(const unsigned char *s, size_t n)
{
	size_t len = lead_length(s[0]);

	if (!len || len > n || (len > 1 && !second_ok(s[0], s[1])))
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

size_t
utf8_decode(const char *str, size_t n, uint32_t *cp)
{
	static const unsigned char mask[5] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	const unsigned char *s = (const unsigned char *)str;
	size_t len = sequence_length(s, n);

	if (!len) {
		*cp = 0xfffd;
		return 1;
	}
	*cp = s[0] & mask[len];
	for (size_t i = 1; i < len; i++)
		*cp = *cp << 6 | (s[i] & 0x3f);
	return len;
}

size_t
utf8_encode(uint32_t cp, char out[4])
{
	if (cp < 0x80) {
		out[0] = cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = 0xc0 | cp >> 6;
		out[1] = 0x80 | (cp & 0x3f);
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = 0xe0 | cp >> 12;
		out[1] = 0x80 | (cp >> 6 & 0x3f);
		out[2] = 0x80 | (cp & 0x3f);
		return 3;
	}
	out[0] = 0xf0 | cp >> 18;
	out[1] = 0x80 | (cp >> 12 & 0x3f);
	out[2] = 0x80 | (cp >> 6 & 0x3f);
	out[3] = 0x80 | (cp & 0x3f);
	return 4;
}

bool
utf8_valid(const char *s, size_t n)
{
	for (size_t i = 0, len; i < n; i += len) {
		len = sequence_length((const unsigned char *)s + i, n - i);
		if (!len)
			return false;
	}
	return true;
}

size_t
utf8_incomplete_tail(const char *str, size_t n)
{
	const unsigned char *s = (const unsigned char *)str;

	for (size_t back = 1; back <= 3 && back <= n; back++) {
		unsigned char c = s[n - back];

		if ((c & 0xc0) == 0x80)
			continue;
		if (lead_length(c) <= back || (back > 1 && !second_ok(c, s[n - back + 1])))
			return 0;
		return back;
	}
	return 0;
}

/*
 * Whether a code point that joins a cluster has cells of its own there: vowel signs beside their
 * letter, the letters of a conjunct, Thai and Lao am, the halfwidth voicing marks. Vowels and
 * finals of Hangul go into the block of what is before them.
 */
static bool
stands_beside(uint32_t cp)
{
	switch (utf8proc_category(cp)) {
	case UTF8PROC_CATEGORY_MC:
		return true;
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
		return !(cp >= 0x1160 && cp <= 0x11ff) && !(cp >= 0xd7b0 && cp <= 0xd7ff);
	default:
		return false;
	}
}

/* Two of them are a flag. */
static bool
is_regional(uint32_t cp)
{
	return cp >= 0x1f1e6 && cp <= 0x1f1ff;
}

/* Terminals give a spacing mark a cell, utf8proc does not. */
static int
code_point_width(uint32_t cp)
{
	int w;

	if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
		return 0;
	w = utf8proc_charwidth(cp);
	return !w && cp >= 0x903 && utf8proc_category(cp) == UTF8PROC_CATEGORY_MC ? 1 : w;
}

size_t
utf8_cluster(const char *s, size_t n, int *width)
{
	uint32_t cp, next;
	size_t len = utf8_decode(s, n, &cp), k;
	utf8proc_int32_t state = 0;
	int w;

	*width = code_point_width(cp);
	if (cp < 0x20 || (cp < 0x7f && (len == n || (unsigned char)s[len] < 0x80)))
		return len;
	while (len < n) {
		k = utf8_decode(s + len, n - len, &next);
		if (next < 0x20 || utf8proc_grapheme_break_stateful(cp, next, &state))
			break;
		w = next == 0xfe0f ? 2 : code_point_width(next);	/* VS16: emoji presentation */
		if (stands_beside(next) || (is_regional(cp) && is_regional(next)))
			w += *width;
		if (w > CLUSTER_CELLS)
			break;
		if (w > *width)
			*width = w;
		cp = next;
		len += k;
	}
	return len;
}

size_t
utf8_width(const char *s, size_t n)
{
	size_t cells = 0;
	int w;

	for (size_t i = 0; i < n;) {
		i += utf8_cluster(s + i, n - i, &w);
		cells += w;
	}
	return cells;
}

size_t
utf8_clip(const char *s, size_t n, size_t cells)
{
	size_t i = 0, used = 0;
	int w;

	while (i < n) {
		size_t len = utf8_cluster(s + i, n - i, &w);

		if (used + w > cells)
			break;
		used += w;
		i += len;
	}
	return i;
}

static bool
is_bidi_override(uint32_t cp)
{
	return (cp >= 0x202a && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069);
}

void
utf8_scrub(struct strbuf *out, const char *s, size_t n)
{
	for (size_t i = 0, len; i < n; i += len) {
		uint32_t cp;
		char picture[4];

		len = utf8_decode(s + i, n - i, &cp);
		if (cp == '\r' && i + 1 < n && s[i + 1] == '\n')
			continue;
		if (cp == '\n' || cp == '\t' || (cp >= 0x20 && cp < 0x7f)) {
			strbuf_addc(out, cp);
		} else if (cp < 0x20 || cp == 0x7f) {
			cp = cp == 0x7f ? 0x2421 : 0x2400 + cp;
			strbuf_add(out, picture, utf8_encode(cp, picture));
		} else if (cp == 0xfffd || cp < 0xa0 || is_bidi_override(cp)) {
			strbuf_adds(out, REPLACEMENT);
		} else {
			strbuf_add(out, s + i, len);
		}
	}
}

void
utf8_repair(struct strbuf *out, const char *s, size_t n)
{
	for (size_t i = 0, len; i < n; i += len) {
		uint32_t cp;

		len = utf8_decode(s + i, n - i, &cp);
		if (cp == 0xfffd)
			strbuf_adds(out, REPLACEMENT);
		else
			strbuf_add(out, s + i, len);
	}
}
