#include "config.h"

#include <string.h>

#include "app/chat/code_block.h"
#include "base/strbuf.h"
#include "ui/markup.h"

/* A look at one line after the other. */
struct scan {
	const char *next, *end;
	struct markup markup;
	size_t blocks;		/* begun so far */
};

/* False at the end of the text. *line goes without its newline; *block: what it is. */
static bool
next_line(struct scan *s, const char **line, size_t *len, enum markup_block *block)
{
	const char *newline;
	struct markup_line what;
	bool inside = s->markup.fenced;

	if (s->next == s->end)
		return false;
	newline = memchr(s->next, '\n', (size_t)(s->end - s->next));
	*line = s->next;
	*len = (size_t)((newline ? newline : s->end) - s->next);
	s->next = newline ? newline + 1 : s->end;
	markup_line(&s->markup, *line, *len, &what);
	*block = what.block;
	s->blocks += s->markup.fenced && !inside;
	return true;
}

size_t
code_blocks_count(const char *text, size_t len)
{
	struct scan s = { .next = text, .end = text + len };
	enum markup_block block;
	const char *line;
	size_t n;

	while (next_line(&s, &line, &n, &block))
		continue;
	return s.blocks;
}

void
code_block_add(struct strbuf *out, const char *text, size_t len, size_t which)
{
	struct scan s = { .next = text, .end = text + len };
	enum markup_block block;
	const char *line;
	size_t n, indent, lines = 0;

	while (next_line(&s, &line, &n, &block) && s.blocks <= which + 1) {
		if (s.blocks != which + 1 || block != MARKUP_CODE)
			continue;
		if (lines++)
			strbuf_addc(out, '\n');
		indent = markup_code_indent(&s.markup, line, n);
		strbuf_add(out, line + indent, n - indent);
	}
}
