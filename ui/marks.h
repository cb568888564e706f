/* The drawn characters that are not text, each one cell: in Unicode, or in ASCII where that is all
 * there is. */
#ifndef UI_MARKS_H
#define UI_MARKS_H

struct marks {
	const char *bar;		/* in front of a message */
	const char *full, *empty;	/* meters */
	const char *dot;		/* between figures */
	const char *down, *up;
	const char *ellipsis;
	const char *continued;		/* a line of code goes on here */
	const char *pointer;		/* the chosen row */
	const char *bullet;
	const char *horizontal, *vertical;
	const char *top_left, *top_right, *bottom_left, *bottom_right, *left_tee, *right_tee;
};

extern const struct marks marks_unicode, marks_ascii;

#endif
