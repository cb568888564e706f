#include "config.h"

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
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

static bool
is_grey(uint32_t rgb)
{
	int r = rgb >> 16 & 255, g = rgb >> 8 & 255, b = rgb & 255;

	return abs(r - g) < 24 && abs(g - b) < 24 && abs(r - b) < 24;
}

int
style_nearest(int32_t color, int colors)
{
	/* What the first 16 look like is up to the user: an RGB value keeps off them where it can. */
	int first = colors > 16 ? 16 : 0, best = first;
	long least = LONG_MAX;
	uint32_t rgb;

	if (color == STYLE_DEFAULT)
		return STYLE_DEFAULT;
	if (!(color & STYLE_RGB) && color < colors)
		return color;
	rgb = style_rgb(color);
	for (int i = first; i < colors; i++) {
		long d = distance(rgb, palette_rgb(i));

		if (colors <= 16 && is_grey(rgb) && !is_grey(palette_rgb(i)))
			continue;	/* of few colours a grey would get a bright one */
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
