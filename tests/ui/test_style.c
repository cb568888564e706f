#include "config.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ui/canvas.h"
#include "ui/palette.h"

#include <curses.h>

#define RGB(x) (STYLE_RGB | 0x##x)

static void
style__slots__are_found_by_name(void **state)
{
	for (int s = 0; s < STYLE_COUNT; s++) {
		assert_int_equal(style_slot_find(style_slot_name((enum style_slot)s)), s);
		assert_true(strlen(style_slot_help((enum style_slot)s)) > 3);
		assert_int_equal(style_sheet_mono.slot[s].fg, STYLE_DEFAULT);
		assert_int_equal(style_sheet_mono.slot[s].bg, STYLE_DEFAULT);
	}
	assert_int_equal(style_slot_find("nothing"), -1);
}

static void
style__nearest__is_near(void **state)
{
	assert_int_equal(style_nearest(STYLE_DEFAULT, 256), STYLE_DEFAULT);
	assert_int_equal(style_nearest(5, 256), 5);
	assert_int_equal(style_nearest(5, 8), 5);
	assert_int_equal(style_nearest(RGB(ff0000), 256), 196);
	assert_int_equal(style_nearest(RGB(ff0000), 16), 9);
	assert_int_equal(style_nearest(RGB(ff0000), 8), 1);
	assert_int_equal(style_nearest(RGB(000000), 256), 16);
	assert_int_equal(style_nearest(RGB(080808), 256), 232);
	assert_int_equal(style_nearest(RGB(ffffff), 16), 15);
	assert_int_equal(style_nearest(RGB(ffffff), 8), 7);
	assert_int_equal(style_nearest(RGB(7a7a7a), 16), 8);
	assert_int_equal(style_nearest(RGB(5f87af), 256), 67);
	assert_int_equal(style_nearest(196, 16), 9);
	assert_int_equal(style_nearest(244, 8), 7);
	for (int i = 16; i < 256; i++) { /* a palette colour is nearest to itself, or to its twin */
		int near = style_nearest((int32_t)(STYLE_RGB | style_rgb(i)), 256);

		assert_true(style_rgb(near) == style_rgb(i));
	}
}

/* The colours of the themes that go by hue: pastels for dark terminals, deep ones for light. */
static void
style__nearest__of_few_goes_by_hue(void **state)
{
	static const struct {
		int32_t rgb;
		int of_8, of_16;
	} colors[] = {
		{ RGB(8fc1e8), 6, 14 }, { RGB(a8d08d), 2, 2 }, { RGB(b5a0d8), 5, 5 }, { RGB(e0c375), 3, 11 },
		{ RGB(f0857d), 1, 9 }, { RGB(d9b08c), 3, 3 }, { RGB(0b4f8a), 4, 4 }, { RGB(2e6b1f), 2, 2 },
		{ RGB(6a3d9a), 5, 5 }, { RGB(b3261e), 1, 1 }, { RGB(d5dbe0), 7, 7 }, { RGB(232a31), 0, 0 },
		{ RGB(f6f0e4), 7, 15 }, { RGB(6b7680), 7, 8 },
	};

	for (size_t i = 0; i < sizeof colors / sizeof *colors; i++) {
		assert_int_equal(style_nearest(colors[i].rgb, 8), colors[i].of_8);
		assert_int_equal(style_nearest(colors[i].rgb, 16), colors[i].of_16);
	}
}

static void
style__over__keeps_what_is_not_said(void **state)
{
	struct style base = { 1, 2, STYLE_BOLD }, over = { STYLE_DEFAULT, 4, STYLE_DIM }, s;

	s = style_over(base, over);
	assert_int_equal(s.fg, 1);
	assert_int_equal(s.bg, 4);
	assert_int_equal(s.attr, STYLE_BOLD | STYLE_DIM);
}

/* Runs with a screen of the given kind, which need not be there. */
static void
with_screen(const char *kind, const char *colorterm, void (*test)(struct palette *p))
{
	FILE *null = fopen("/dev/null", "r+");
	struct palette p;
	SCREEN *s;

	assert_non_null(null);
	if (colorterm)
		setenv("COLORTERM", colorterm, 1);
	else
		unsetenv("COLORTERM");
	s = newterm(kind, null, null);
	if (s) {
		palette_init(&p, true);
		test(&p);
		palette_release(&p);
		endwin();
		delscreen(s);
	}
	fclose(null);
	if (!s)
		skip();
}

/* What a style looks like after the way through the terminal. */
static struct style
shown(struct palette *p, struct style s)
{
	unsigned long attr;
	int pair;

	palette_get(p, s, &attr, &pair);
	return palette_style(p, attr, pair);
}

static void
in_256(struct palette *p)
{
	struct style s = shown(p, (struct style){ RGB(ff0000), 17, STYLE_BOLD | STYLE_ITALIC });

	assert_int_equal(p->colors, 256);
	assert_int_equal(s.fg, 196);
	assert_int_equal(s.bg, 17);
	assert_int_equal(s.attr, STYLE_BOLD | STYLE_ITALIC);
	s = shown(p, (struct style){ STYLE_DEFAULT, STYLE_DEFAULT, STYLE_REVERSE });
	assert_int_equal(s.fg, STYLE_DEFAULT);
	assert_int_equal(s.attr, STYLE_REVERSE);
	for (int i = 0; i < 600; i++)		/* pairs on demand, many of them */
		assert_int_equal(shown(p, (struct style){ i % 256, 255 - i / 3, 0 }).fg, i % 256);
}

static void
in_true_color(struct palette *p)
{
	assert_int_equal(shown(p, (struct style){ RGB(123456), RGB(fedcba), 0 }).fg, RGB(123456));
	assert_int_equal(shown(p, (struct style){ RGB(123456), RGB(fedcba), 0 }).bg, RGB(fedcba));
	assert_int_equal(shown(p, (struct style){ 196, 9, 0 }).fg, RGB(ff0000));
	assert_int_equal(shown(p, (struct style){ 196, 9, 0 }).bg, 9);
	for (int i = 0; i < 250; i++)		/* more than can be made: the others are near */
		shown(p, (struct style){ (int32_t)(STYLE_RGB | 0x010203 * i), STYLE_DEFAULT, 0 });
	assert_int_equal(shown(p, (struct style){ RGB(fe0000), STYLE_DEFAULT, 0 }).fg, 9);
	palette_reset(p);
	assert_int_equal(shown(p, (struct style){ RGB(fe0000), STYLE_DEFAULT, 0 }).fg, RGB(fe0000));
}

static void
in_8(struct palette *p)
{
	assert_int_equal(p->colors, 8);
	assert_int_equal(shown(p, (struct style){ RGB(ff0000), STYLE_DEFAULT, 0 }).fg, 1);
	/* a grey is the text, but dim; with a background of its own it is a colour, too */
	assert_int_equal(shown(p, (struct style){ RGB(808b95), STYLE_DEFAULT, 0 }).fg, STYLE_DEFAULT);
	assert_int_equal(shown(p, (struct style){ RGB(808b95), STYLE_DEFAULT, 0 }).attr, STYLE_DIM);
	assert_int_equal(shown(p, (struct style){ RGB(808b95), RGB(232a31), 0 }).fg, 7);
	/* dark grey on black can be seen */
	assert_int_equal(shown(p, (struct style){ RGB(222222), RGB(000000), 0 }).fg, 7);
	assert_int_equal(shown(p, (struct style){ RGB(222222), RGB(000000), 0 }).bg, 0);
}

static void
in_mono(struct palette *p)
{
	struct style s = shown(p, (struct style){ RGB(ff0000), 3, STYLE_BOLD | STYLE_ITALIC });

	assert_int_equal(p->colors, 0);
	assert_int_equal(s.fg, STYLE_DEFAULT);
	assert_int_equal(s.bg, STYLE_DEFAULT);
	assert_int_equal(s.attr, STYLE_BOLD | STYLE_UNDERLINE);	/* it has no italics */
}

static void
palette__256_colors__get_the_nearest(void **state)
{
	with_screen("xterm-256color", NULL, in_256);
}

static void
palette__true_color__is_exact_while_there_is_room(void **state)
{
	with_screen("xterm-256color", "truecolor", in_true_color);
}

static void
palette__8_colors__get_the_nearest(void **state)
{
	with_screen("linux", NULL, in_8);
}

static void
palette__mono__has_attributes_only(void **state)
{
	with_screen("vt220", NULL, in_mono);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(style__slots__are_found_by_name),
		cmocka_unit_test(style__nearest__is_near),
		cmocka_unit_test(style__nearest__of_few_goes_by_hue),
		cmocka_unit_test(style__over__keeps_what_is_not_said),
		cmocka_unit_test(palette__256_colors__get_the_nearest),
		cmocka_unit_test(palette__true_color__is_exact_while_there_is_room),
		cmocka_unit_test(palette__8_colors__get_the_nearest),
		cmocka_unit_test(palette__mono__has_attributes_only),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
