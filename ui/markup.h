/*
 * Light Markdown: finds out what a line is and which of its bytes are strong, code and so on, so
 * that text can be styled while it is still being written. Nothing is hidden: markers stay, as
 * marks. A subset of CommonMark (spec 0.30, sections 2, 4, 5, 6): blocks are decided line by line,
 * a span never goes over the end of a line.
 */
#ifndef UI_MARKUP_H
#define UI_MARKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum markup_block {
	MARKUP_TEXT,
	MARKUP_HEADING,
	MARKUP_FENCE,		/* the ``` line itself */
	MARKUP_CODE,		/* a line between fences */
	MARKUP_ITEM,
	MARKUP_QUOTE,
	MARKUP_RULE,
	MARKUP_TABLE,		/* a row of one: it begins with | */
};

/* What a line inherits from the lines above it. All zero at the beginning. */
struct markup {
	bool fenced;
	char fence;
	uint16_t fence_len;
	uint16_t fence_indent;	/* columns in front of the fence */
};

struct markup_line {
	enum markup_block block;
	size_t marker;		/* bytes of indentation and marker in front of the text */
	int hang;		/* their cells: by which further rows of the line are indented */
};

enum {
	SPAN_STRONG = 1, SPAN_EMPHASIS = 2, SPAN_CODE = 4,
	SPAN_MARK = 8,		/* the markers themselves */
	SPAN_BULLET = 16,	/* the marker of a list item or a quote */
};

struct span {
	size_t start, len;
	unsigned bits;
};

struct spans {
	struct span *items;
	size_t n, cap;
};

/* The line without its '\n'. `m` goes on to the next line. */
void markup_line(struct markup *m, const char *s, size_t n, struct markup_line *line);

/* Bytes at the beginning of a line of code that are there because its fence is indented, too. */
size_t markup_code_indent(const struct markup *m, const char *s, size_t n);

/* The same for text that is no Markdown: only its indentation counts. */
void markup_plain_line(const char *s, size_t n, struct markup_line *line);

/* Replaces `out` by spans that cover the line, in order. */
void markup_spans(const struct markup_line *line, const char *s, size_t n, struct spans *out);
void spans_release(struct spans *s);

#endif
