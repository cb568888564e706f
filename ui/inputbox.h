/* The box of the input: how many rows it wants, and drawing it. The text is ui/lineedit.h's. */
#ifndef UI_INPUTBOX_H
#define UI_INPUTBOX_H

#include "base/strbuf.h"
#include "ui/canvas.h"
#include "ui/input_rows.h"

struct inputbox {
	struct input_rows rows;
	struct strbuf text;	/* prompt of readline and line, when there is a prompt */
	size_t top;		/* first row seen */
	size_t row;		/* of the cursor */
	int col;
};

void inputbox_release(struct inputbox *b);

/* Wraps the input to a box of that width; returns the rows it would like to have. */
int inputbox_measure(struct inputbox *b, int cols);

/* As measured last. Sets the cursor's place on the screen. */
void inputbox_draw(struct inputbox *b, struct canvas *c, struct rect r, const char *placeholder,
	int *row, int *col);

#endif
