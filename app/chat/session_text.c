#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "app/chat/session_text.h"
#include "base/utf8.h"

/*
 * Code points that cannot stand in a YAML stream as they are: controls, and what some reader may
 * take for a line break or a byte order mark (YAML 1.1, sections 5.1 and 5.4, as libyaml reads it).
 */
static bool
must_escape(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x2028 || cp == 0x2029 ||
	       cp == 0xfeff || cp == 0xfffe || cp == 0xffff;
}

/* Bytes at the beginning of s that stand for themselves between double quotes. */
static size_t
plain_run(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len) {
		unsigned char c = s[i];
		uint32_t cp;
		size_t n;

		if (c < 0x80) {
			if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
				break;
			i++;
			continue;
		}
		n = utf8_decode(s + i, len - i, &cp);
		if (n == 1 || must_escape(cp))
			break;
		i += n;
	}
	return i;
}

static void
write_escape(struct strbuf *out, uint32_t cp)
{
	switch (cp) {
	case '\n':
		strbuf_adds(out, "\\n");
		break;
	case '\t':
		strbuf_adds(out, "\\t");
		break;
	case '"':
		strbuf_adds(out, "\\\"");
		break;
	case '\\':
		strbuf_adds(out, "\\\\");
		break;
	default:
		strbuf_addf(out, cp < 0x100 ? "\\x%02X" : "\\u%04X", (unsigned)cp);
	}
}

void
text_write_quoted(struct strbuf *out, const char *s, size_t len)
{
	strbuf_addc(out, '"');
	for (size_t i = 0; i < len;) {
		size_t run = plain_run(s + i, len - i);
		uint32_t cp;

		strbuf_add(out, s + i, run);
		i += run;
		if (i == len)
			break;
		i += utf8_decode(s + i, len - i, &cp);
		write_escape(out, cp);
	}
	strbuf_addc(out, '"');
}

/* The value of the n hexadecimal digits at s, or -1. Capitals only: that is what is written. */
static int64_t
hex(const char *s, size_t n)
{
	int64_t value = 0;

	for (size_t i = 0; i < n; i++) {
		const char *digit = s[i] ? strchr("0123456789ABCDEF", s[i]) : NULL;

		if (!digit)
			return -1;
		value = value * 16 + (digit - "0123456789ABCDEF");
	}
	return value;
}

/* Reads one escape behind its backslash. Returns its bytes, 0 when it is none that we write. */
static size_t
read_escape(struct strbuf *out, const char *s, size_t len)
{
	static const char letters[] = "nt\"\\", meanings[] = "\n\t\"\\";
	const char *letter;
	size_t digits;
	int64_t cp;
	char utf8[4];

	if (!len || !s[0])
		return 0;
	letter = strchr(letters, s[0]);
	if (letter) {
		strbuf_addc(out, meanings[letter - letters]);
		return 1;
	}
	digits = s[0] == 'x' ? 2 : s[0] == 'u' ? 4 : 0;
	if (!digits || len < 1 + digits)
		return 0;
	cp = hex(s + 1, digits);
	if (cp < 0 || (cp >= 0xd800 && cp < 0xe000))
		return 0;
	strbuf_add(out, utf8, utf8_encode((uint32_t)cp, utf8));
	return 1 + digits;
}

size_t
text_read_quoted(struct strbuf *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t run = plain_run(s + i, len - i), n;

		strbuf_add(out, s + i, run);
		i += run;
		if (i == len)
			break;
		if (s[i] == '"')
			return i + 1;
		if (s[i] != '\\')
			break;
		n = read_escape(out, s + i + 1, len - i - 1);
		if (!n)
			break;
		i += 1 + n;
	}
	return 0;
}

/*
 * Whether a literal block gives the text back and survives an editor: every line without blanks at
 * its end, the first one not empty and not indented (else the indentation could not be found out),
 * at most one newline at the end.
 */
static bool
fits_literal(const char *s, size_t len)
{
	size_t i = 0;

	if (!len || strchr(" \t\n", s[0]))
		return false;
	while (i < len) {
		i += plain_run(s + i, len - i);
		if (i == len)
			break;
		if (s[i] == '\n' && (s[i - 1] == ' ' || s[i - 1] == '\t'))
			return false;
		if (!strchr("\n\t\"\\", s[i]) || !s[i])
			return false;
		i++;
	}
	if (s[len - 1] == '\n')
		return len > 1 && s[len - 2] != '\n';
	return s[len - 1] != ' ' && s[len - 1] != '\t';
}

void
text_write_block(struct strbuf *out, const char *s, size_t len)
{
	size_t n;

	if (!fits_literal(s, len)) {
		strbuf_addc(out, ' ');
		text_write_quoted(out, s, len);
		strbuf_addc(out, '\n');
		return;
	}
	if (s[len - 1] == '\n') {
		strbuf_adds(out, " |\n");
		len--;
	} else {
		strbuf_adds(out, " |-\n");
	}
	for (size_t i = 0; i < len; i += n + 1) {
		const char *end = memchr(s + i, '\n', len - i);

		n = end ? (size_t)(end - s) - i : len - i;
		if (n)
			strbuf_adds(out, "  ");
		strbuf_add(out, s + i, n);
		strbuf_addc(out, '\n');
	}
}

/* Words that YAML 1.1 takes for something else than a text. */
static bool
is_keyword(const char *s, size_t len)
{
	static const char *const words[] = { "y", "n", "yes", "no", "on", "off", "true", "false",
		"null" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strlen(words[i]) == len && strncasecmp(words[i], s, len) == 0)
			return true;
	return false;
}

void
text_write_word(struct strbuf *out, const char *s, size_t len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789._-/";
	bool letter = len && ((s[0] >= 'a' && s[0] <= 'z') || (s[0] >= 'A' && s[0] <= 'Z'));
	bool plain = letter && !is_keyword(s, len);

	for (size_t i = 0; plain && i < len; i++)
		plain = s[i] && strchr(allowed, s[i]);
	if (plain)
		strbuf_add(out, s, len);
	else
		text_write_quoted(out, s, len);
}
