#include "config.h"

#include "ui/layout.h"

enum {
	FRAME_ROWS = 12, FRAME_COLS = 50,	/* from here on there is room for a frame */
	RULE_ROWS = 8,				/* a line above the input */
	HEADER_ROWS = 6,
	STATUS_ROWS = 4,
};

static int
clamp(int x, int low, int high)
{
	return x < low ? low : x > high ? high : x;
}

static bool
has_frame(int rows, int cols)
{
	return rows >= FRAME_ROWS && cols >= FRAME_COLS;
}

/* Rows that are neither chat nor input. */
static int
fixed_rows(int rows, int cols)
{
	if (has_frame(rows, cols))
		return 5;
	return (rows >= RULE_ROWS) + (rows >= HEADER_ROWS) + (rows >= STATUS_ROWS);
}

int
layout_input_max(int rows)
{
	int most = rows * 2 / 5;

	return most > 1 ? most : 1;
}

int
layout_input_cols(int rows, int cols)
{
	struct layout l;

	layout_compute(&l, rows, cols, 1);
	return l.input.cols;
}

void
layout_compute(struct layout *l, int rows, int cols, int input_rows)
{
	int side, width, chat, input, row = 0;

	rows = rows < 1 ? 1 : rows;
	cols = cols < 1 ? 1 : cols;
	*l = (struct layout){ .rows = rows, .cols = cols, .framed = has_frame(rows, cols) };
	side = l->framed ? 2 : 0;
	width = cols - 2 * side;
	input = clamp(input_rows, 1, layout_input_max(rows));
	chat = rows - fixed_rows(rows, cols) - input;
	if (chat < 1 && input > 1) {
		input = clamp(input + chat - 1, 1, input);
		chat = rows - fixed_rows(rows, cols) - input;
	}
	l->rule_above_input = l->rule_above_status = -1;

	if (l->framed || rows >= HEADER_ROWS)
		l->header = (struct rect){ row++, 0, 1, cols };
	l->chat = (struct rect){ row, side, chat > 0 ? chat : 0, width };
	row += l->chat.rows;
	if (l->framed || rows >= RULE_ROWS)
		l->rule_above_input = row++;
	l->input = (struct rect){ row, side, input, width };
	row += input;
	if (l->framed)
		l->rule_above_status = row++;
	if (rows >= STATUS_ROWS)
		l->status = (struct rect){ row, side, 1, width };
}

struct rect
layout_centre(const struct layout *l, int rows, int cols)
{
	rows = clamp(rows, 1, l->rows);
	cols = clamp(cols, 1, l->cols);
	return (struct rect){ (l->rows - rows) / 2, (l->cols - cols) / 2, rows, cols };
}
