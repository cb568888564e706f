/*
 * Breaks one line of text (no '\n' in it) into rows of a width: at blanks, after hyphens, between
 * wide characters (but not before closing or after opening punctuation), and inside a word that is
 * wider than a row. Borders are always those of grapheme clusters.
 */
#ifndef UI_WRAP_H
#define UI_WRAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WRAP_KEEP = 1,  /* rows tile the text: blanks at a break stay (for what can be edited) */
	WRAP_CHARS = 2, /* break at the edge wherever it is (for code); rows tile the text, too */
};

enum { WRAP_TAB = 8 };		/* tab stops, counted from the beginning of the row */

struct wrap {
	const char *s;
	size_t n;
	size_t pos;		/* the next row begins here */
	int width, rest;	/* cells of the next row; of those after it */
	unsigned flags;
	bool done;
};

struct wrap_row {
	size_t start, len;	/* bytes to show; what lies between two rows are blanks */
	int cells;
};

/* first and rest: cells of the first row and of the others; what is < 1 counts as 1. */
void wrap_init(struct wrap *w, const char *s, size_t n, int first, int rest, unsigned flags);

/* An empty line has one row. A cluster wider than a row has a row for itself. */
bool wrap_next(struct wrap *w, struct wrap_row *row);

/*
 * Cells of the cluster at s (n > 0) when it stands `col` cells after the beginning of its row, and
 * its length: as utf8_cluster, but with tabs expanded and a control character counted as its
 * picture.
 */
int wrap_cells(const char *s, size_t n, int col, size_t *len);

/* Cells of a text in one row. */
int wrap_width(const char *s, size_t n);

#endif
