/*
 * Where things are: pure arithmetic from the terminal's size to rectangles. Any size from 1x1 up.
 * A rectangle that has no room has rows == 0.
 */
#ifndef UI_LAYOUT_H
#define UI_LAYOUT_H

#include <stdbool.h>

struct rect {
	int row, col, rows, cols;
};

struct layout {
	int rows, cols;
	bool framed; /* lines around and between; else at most one above the input */
	struct rect header, chat, input, status;
	int rule_above_input;		/* row of the line between chat and input, -1: none */
	int rule_above_status;
};

/* How many rows the input may grow to at that height. */
int layout_input_max(int rows);

/* input_rows: what the input would like to have; it gets between 1 and layout_input_max. */
void layout_compute(struct layout *l, int rows, int cols, int input_rows);

/* Cells of a row of the input at that width. */
int layout_input_cols(int rows, int cols);

/* A box of at most rows x cols in the middle of the screen. */
struct rect layout_centre(const struct layout *l, int rows, int cols);

#endif
