#include "config.h"

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "ui/style.h"

static const struct {
	const char *name, *help;
} slots[STYLE_COUNT] = {
#define STYLE_ROW(slot, help) [STYLE_##slot] = { #slot, help },
	STYLE_SLOTS(STYLE_ROW)
#undef STYLE_ROW
};

#define MONO(attributes) { STYLE_DEFAULT, STYLE_DEFAULT, (attributes) }

const struct style_sheet style_sheet_mono = { .slot = {
	[STYLE_text] = MONO(0),
	[STYLE_title] = MONO(STYLE_BOLD),
	[STYLE_model] = MONO(0),
	[STYLE_border] = MONO(STYLE_DIM),
	[STYLE_user] = MONO(STYLE_BOLD),
	[STYLE_assistant] = MONO(0),
	[STYLE_system] = MONO(STYLE_DIM),
	[STYLE_footer] = MONO(STYLE_DIM),
	[STYLE_notice] = MONO(STYLE_DIM),
	[STYLE_error] = MONO(STYLE_BOLD),
	[STYLE_divider] = MONO(STYLE_DIM),
	[STYLE_input] = MONO(0),
	[STYLE_prompt] = MONO(STYLE_BOLD),
	[STYLE_placeholder] = MONO(STYLE_DIM),
	[STYLE_status] = MONO(STYLE_DIM),
	[STYLE_status_busy] = MONO(0),
	[STYLE_key] = MONO(STYLE_BOLD),
	[STYLE_meter] = MONO(0),
	[STYLE_meter_full] = MONO(STYLE_BOLD),
	[STYLE_meter_empty] = MONO(STYLE_DIM),
	[STYLE_new_lines] = MONO(STYLE_REVERSE),
	[STYLE_popup] = MONO(0),
	[STYLE_popup_title] = MONO(STYLE_BOLD),
	[STYLE_selected] = MONO(STYLE_REVERSE),
	[STYLE_match] = MONO(STYLE_UNDERLINE),
	[STYLE_detail] = MONO(STYLE_DIM),
	[STYLE_strong] = MONO(STYLE_BOLD),
	[STYLE_emphasis] = MONO(STYLE_ITALIC),
	[STYLE_heading] = MONO(STYLE_BOLD | STYLE_UNDERLINE),
	[STYLE_code] = MONO(STYLE_DIM),
	[STYLE_quote] = MONO(STYLE_DIM),
	[STYLE_bullet] = MONO(STYLE_BOLD),
} };

const char *
style_slot_name(enum style_slot s)
{
	assert(s < STYLE_COUNT);
	return slots[s].name;
}

const char *
style_slot_help(enum style_slot s)
{
	assert(s < STYLE_COUNT);
	return slots[s].help;
}

int
style_slot_find(const char *name)
{
	for (int s = 0; s < STYLE_COUNT; s++)
		if (!strcmp(slots[s].name, name))
			return s;
	return -1;
}

struct style
style_over(struct style base, struct style over)
{
	if (over.fg != STYLE_DEFAULT)
		base.fg = over.fg;
	if (over.bg != STYLE_DEFAULT)
		base.bg = over.bg;
	base.attr |= over.attr;
	return base;
}

/* RGB of a palette colour as xterm has it: 16 named ones, a cube of 6x6x6, 24 greys. */
static uint32_t
palette_rgb(int index)
{
	static const uint32_t named[16] = {
		0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
		0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff,
	};
	static const uint32_t level[6] = { 0, 95, 135, 175, 215, 255 };

	if (index < 16)
		return named[index];
	if (index >= 232)
		return (8 + 10 * (uint32_t)(index - 232)) * 0x10101;
	index -= 16;
	return level[index / 36] << 16 | level[index / 6 % 6] << 8 | level[index % 6];
}

/* Square of a distance that weighs the channels about as the eye does ("redmean"). */
static long
distance(uint32_t a, uint32_t b)
{
	long red = ((a >> 16 & 255) + (b >> 16 & 255)) / 2;
	long dr = (long)(a >> 16 & 255) - (long)(b >> 16 & 255);
	long dg = (long)(a >> 8 & 255) - (long)(b >> 8 & 255);
	long db = (long)(a & 255) - (long)(b & 255);

	return ((512 + red) * dr * dr >> 8) + 4 * dg * dg + ((767 - red) * db * db >> 8);
}

uint32_t
style_rgb(int32_t color)
{
	return color & STYLE_RGB ? (uint32_t)color & 0xffffff : palette_rgb(color & 255);
}

/* The least and the greatest channel. */
static void
extremes(uint32_t rgb, int *min, int *max)
{
	*min = *max = rgb & 255;
	for (int shift = 8; shift <= 16; shift += 8) {
		int channel = rgb >> shift & 255;

		*min = channel < *min ? channel : *min;
		*max = channel > *max ? channel : *max;
	}
}

/* Colours for light screens are; those for dark ones are brighter. */
static bool
is_deep(int max)
{
	return max < 0xb0;
}

/* Whether the eye sees a grey: also in what is nearly black, or has little colour for how bright it is. */
static bool
is_grey(uint32_t rgb)
{
	int min, max;

	extremes(rgb, &min, &max);
	return max < 0x50 || max - min < 24 || (max - min) * 100 < max * (is_deep(max) ? 28 : 22);
}

/* Degrees: red 0, green 120, blue 240. */
static int
hue(uint32_t rgb)
{
	int r = rgb >> 16 & 255, g = rgb >> 8 & 255, b = rgb & 255, min, max, h;

	extremes(rgb, &min, &max);
	if (max == min)
		return 0;
	if (max == r)
		h = 60 * (g - b) / (max - min);
	else if (max == g)
		h = 120 + 60 * (b - r) / (max - min);
	else
		h = 240 + 60 * (r - g) / (max - min);
	return h < 0 ? h + 360 : h;
}

/* The one of red to magenta whose hue a colour has. But the terminal's blue can hardly be read on black, nor
 * its cyan on white. */
static int
of_hue(uint32_t rgb)
{
	static const struct {
		int below, below_deep, color;
	} hues[] = {
		{ 18, 18, 1 }, { 70, 70, 3 }, { 150, 170, 2 }, { 240, 0, 6 }, { 0, 260, 4 },
		{ 340, 340, 5 }, { 361, 361, 1 },
	};
	int h = hue(rgb), min, max, i = 0;

	extremes(rgb, &min, &max);
	while (h >= (is_deep(max) ? hues[i].below_deep : hues[i].below))
		i++;
	return hues[i].color;
}

/* What the distance calls nearest of so few is white, for any light colour: here the hue decides. */
static int
nearest_named(uint32_t rgb, int colors)
{
	static const struct {
		int below, of_8, of_16;
	} greys[] = { { 0x40, 0, 0 }, { 0x73, 0, 8 }, { 0xb2, 7, 8 }, { 0xf0, 7, 7 }, { 0x100, 7, 15 } };
	int min, max, i = 0;

	extremes(rgb, &min, &max);
	if (!is_grey(rgb))
		return of_hue(rgb) + (colors > 8 && max >= 0xe0 ? 8 : 0);
	while ((int)(rgb >> 8 & 255) >= greys[i].below)
		i++;
	return colors > 8 ? greys[i].of_16 : greys[i].of_8;
}

bool
style_is_dim(int32_t color)
{
	uint32_t rgb = style_rgb(color);

	return is_grey(rgb) && (rgb >> 8 & 255) >= 0x40 && (rgb >> 8 & 255) < 0xc0;
}

int
style_nearest(int32_t color, int colors)
{
	long least = LONG_MAX;
	int best = 0;
	uint32_t rgb;

	if (color == STYLE_DEFAULT)
		return STYLE_DEFAULT;
	if (!(color & STYLE_RGB) && color < colors)
		return color;
	rgb = style_rgb(color);
	if (colors <= 16)
		return nearest_named(rgb, colors);
	/* The first 16 look as the user likes: an RGB value keeps off them where it can. */
	for (int i = 16; i < colors; i++) {
		long d = distance(rgb, palette_rgb(i));

		if (d < least) {
			least = d;
			best = i;
		}
	}
	return best;
}

int
style_nearest_free(int32_t color, const bool taken[256])
{
	uint32_t rgb = style_rgb(color);
	long least = LONG_MAX;
	int best = -1;

	for (int i = 16; i < 256; i++) {
		long d = distance(rgb, palette_rgb(i));

		if (!taken[i] && d < least) {
			least = d;
			best = i;
		}
	}
	return best;
}
