#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ui/layout.h"

/* Marks the cells of a rectangle; each cell belongs to one part at most. */
static void
claim(unsigned char *grid, const struct layout *l, struct rect r)
{
	assert_true(r.row >= 0 && r.col >= 0 && r.rows >= 0 && (!r.rows || r.cols >= 1));
	for (int row = r.row; row < r.row + r.rows; row++) {
		for (int col = r.col; col < r.col + r.cols; col++) {
			assert_true(row < l->rows && col < l->cols);
			assert_int_equal(grid[row * l->cols + col]++, 0);
		}
	}
}

static void
layout__compute__has_no_overlap_at_any_size(void **state)
{
	static unsigned char grid[70 * 130];
	struct layout l;

	for (int rows = 1; rows <= 70; rows += rows < 20 ? 1 : 7) {
		for (int cols = 1; cols <= 130; cols += cols < 60 ? 1 : 9) {
			for (int want = 0; want < 40; want += want < 4 ? 1 : 9) {
				memset(grid, 0, sizeof grid);
				layout_compute(&l, rows, cols, want);
				claim(grid, &l, l.header);
				claim(grid, &l, l.chat);
				claim(grid, &l, l.input);
				if (l.status.rows)
					claim(grid, &l, l.status);
				if (l.rule_above_input >= 0)
					claim(grid, &l,
						(struct rect){ l.rule_above_input, 0, 1, cols });
				if (l.rule_above_status >= 0)
					claim(grid, &l,
						(struct rect){ l.rule_above_status, 0, 1, cols });
				assert_true(l.input.rows >= 1);
				assert_true(l.chat.rows >= 1 || rows == 1);
				assert_true(l.input.rows <= layout_input_max(rows));
				assert_int_equal(l.input.cols, layout_input_cols(rows, cols));
			}
		}
	}
}

static void
layout__compute__frames_a_common_terminal(void **state)
{
	struct layout l;

	layout_compute(&l, 24, 80, 1);
	assert_true(l.framed);
	assert_int_equal(l.chat.rows, 18);
	assert_int_equal(l.chat.col, 2);
	assert_int_equal(l.chat.cols, 76);
	assert_int_equal(l.input.row, 20);
	assert_int_equal(l.status.row, 22);
}

static void
layout__compute__keeps_the_input_and_a_line_of_chat_when_small(void **state)
{
	struct layout l;

	layout_compute(&l, 5, 20, 4);
	assert_int_equal(l.header.rows, 0);
	assert_int_equal(l.status.rows, 1);
	assert_int_equal(l.input.rows, 2);
	assert_int_equal(l.chat.rows, 2);
	layout_compute(&l, 2, 20, 4);
	assert_int_equal(l.chat.rows, 1);
	assert_int_equal(l.input.rows, 1);
	layout_compute(&l, 1, 1, 9);
	assert_int_equal(l.chat.rows, 0);
	assert_int_equal(l.input.rows, 1);
	assert_int_equal(l.status.rows, 0);
}

static void
layout__compute__lets_the_input_grow_to_two_fifths(void **state)
{
	struct layout l;

	layout_compute(&l, 40, 100, 100);
	assert_int_equal(l.input.rows, 16);
	assert_int_equal(l.chat.rows, 40 - 5 - 16);
}

static void
layout__centre__stays_on_the_screen(void **state)
{
	struct layout l;
	struct rect r;

	layout_compute(&l, 10, 30, 1);
	r = layout_centre(&l, 50, 10);
	assert_int_equal(r.row, 0);
	assert_int_equal(r.rows, 10);
	assert_int_equal(r.col, 10);
	assert_int_equal(r.cols, 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout__compute__has_no_overlap_at_any_size),
		cmocka_unit_test(layout__compute__frames_a_common_terminal),
		cmocka_unit_test(layout__compute__keeps_the_input_and_a_line_of_chat_when_small),
		cmocka_unit_test(layout__compute__lets_the_input_grow_to_two_fifths),
		cmocka_unit_test(layout__centre__stays_on_the_screen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
