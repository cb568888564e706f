/*
 * From styles to what curses draws with: attributes and colour pairs, made on demand and
 * remembered. Colours that the terminal has not are replaced by the nearest that it has. Between
 * newterm and delscreen only.
 */
#ifndef UI_PALETTE_H
#define UI_PALETTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ui/style.h"

struct palette {
	int colors;			/* 0 (mono), 8, 16, 256 */
	bool direct;			/* colours are RGB values (terminfo RGB) */
	bool stands_in;			/* palette entries stand for RGB values, which go out for them: */
	bool taken[256];		/* these so far */
	unsigned attrs;			/* STYLE_ attributes it can show */
	struct palette_pair {
		int32_t fg, bg;		/* as curses counts them */
	} *pairs;			/* pairs[i] is curses' pair i + 1 */
	size_t n, cap;
	struct palette_rgb {
		uint32_t rgb;
		int index;
	} *rgbs;			/* what they stand for */
	size_t nrgb, rgbcap;
	struct style last;		/* the last style asked for, and the answer */
	unsigned long last_attr;
	int last_pair;
	bool has_last;
};

/* true_color: may use 24-bit colours when the terminal seems to have them. */
void palette_init(struct palette *p, bool true_color);
void palette_release(struct palette *p);

/* Forgets all colours: the next sheet may have many of its own. */
void palette_reset(struct palette *p);

void palette_get(struct palette *p, struct style s, unsigned long *attr, int *pair);

/* The colour that an entry of the palette stands for: STYLE_RGB | 0xRRGGBB, or itself. */
int32_t palette_meant(const struct palette *p, int32_t color);

/* The other way: what a cell with these looks like. */
struct style palette_style(const struct palette *p, unsigned long attr, int pair);

#endif
