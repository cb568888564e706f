#include "config.h"

#include "base/utf8.h"
#include "ui/typed.h"

static size_t
last_cluster(const struct strbuf *line)
{
	size_t last = 0;
	int cells;

	for (size_t i = 0; i < line->len; i += utf8_cluster(line->s + i, line->len - i, &cells))
		last = i;
	return last;
}

static size_t
last_word(const struct strbuf *line)
{
	size_t i = line->len;

	while (i && line->s[i - 1] == ' ')
		i--;
	while (i && line->s[i - 1] != ' ')
		i--;
	return i;
}

static size_t
beginning(const struct strbuf *line)
{
	return 0;
}

bool
typed_erases(const struct strbuf *line, struct key k, size_t *left)
{
	static const struct {
		struct key key;
		size_t (*left)(const struct strbuf *line);
	} table[] = {
		{ { SYM_BACKSPACE, 0 }, last_cluster },
		{ { 'h', KEY_CTRL }, last_cluster },
		{ { 'w', KEY_CTRL }, last_word },
		{ { SYM_BACKSPACE, KEY_META }, last_word },
		{ { 'u', KEY_CTRL }, beginning },
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (!key_equal(table[i].key, k))
			continue;
		*left = table[i].left(line);
		return true;
	}
	return false;
}

size_t
typed_fits(const struct strbuf *line, const char *text, size_t n, size_t max)
{
	size_t room = max - line->len;

	return n > room ? room - utf8_incomplete_tail(text, room) : n;
}
