/* The rows of a text that is being edited; the way between a byte and a row and column. */
#ifndef UI_INPUT_ROWS_H
#define UI_INPUT_ROWS_H

#include <stddef.h>

struct input_rows {
	struct input_row {
		size_t start, len;	/* rows tile the text but for the line breaks */
	} *items;
	size_t n, cap;
};

void input_rows_release(struct input_rows *r);

/* At least one row, each of at most `cells`; the cursor behind a full one needs one more. */
void input_rows_wrap(struct input_rows *r, const char *text, size_t n, int cells);

size_t input_rows_find(const struct input_rows *r, const char *text, size_t point, int *col);

/* The byte at column `col` of a row, or the nearest before it. */
size_t input_rows_point(const struct input_rows *r, const char *text, size_t row, int col);

#endif
