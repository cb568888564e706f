#include "config.h"

#include <string.h>
#include <wctype.h>

#include "base/utf8.h"
#include "ui/match.h"

size_t
match_fold(const char *s, size_t n, uint32_t *cp)
{
	unsigned char c = *s;
	size_t len;

	if (c < 0x80) {
		*cp = c >= 'A' && c <= 'Z' ? c | 32u : c;
		return 1;
	}
	len = utf8_decode(s, n, cp);
	*cp = (uint32_t)towlower((wint_t)*cp);
	return len;
}

/* Bytes of the text that the whole word matches at its beginning, 0: it does not. */
static size_t
match_here(const char *s, size_t n, const char *word, size_t word_len)
{
	size_t i = 0, k = 0;

	while (k < word_len) {
		uint32_t a, b;

		if (i >= n)
			return 0;
		i += match_fold(s + i, n - i, &a);
		k += match_fold(word + k, word_len - k, &b);
		if (a != b)
			return 0;
	}
	return i;
}

size_t
match_find(const char *text, size_t n, size_t from, const char *word, size_t word_len, size_t *len)
{
	*len = 0;
	while (from < n) {
		uint32_t cp;

		*len = match_here(text + from, n - from, word, word_len);
		if (*len)
			return from;
		from += utf8_decode(text + from, n - from, &cp);
	}
	return n;
}

size_t
match_next_word(const char **words)
{
	*words += strspn(*words, " \t\n");
	return strcspn(*words, " \t\n");
}

static bool
occurs(const char *text, const char *word, size_t word_len)
{
	size_t n = text ? strlen(text) : 0, len;

	return match_find(text, n, 0, word, word_len, &len) < n;
}

bool
match_all(const char *words, const char *a, const char *b)
{
	size_t n;

	for (; (n = match_next_word(&words)); words += n)
		if (!occurs(a, words, n) && !occurs(b, words, n))
			return false;
	return true;
}
