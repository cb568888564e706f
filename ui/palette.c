#include "config.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>

#include "base/xalloc.h"
#include "ui/palette.h"

static const struct {
	unsigned style;
	attr_t attr;
	const char *capability;
} attributes[] = {
	{ STYLE_BOLD, A_BOLD, "bold" },
	{ STYLE_DIM, A_DIM, "dim" },
	{ STYLE_ITALIC, A_ITALIC, "sitm" },
	{ STYLE_UNDERLINE, A_UNDERLINE, "smul" },
	{ STYLE_REVERSE, A_REVERSE, "rev" },
};

enum { ATTRIBUTES = sizeof attributes / sizeof *attributes };

static bool
has_string(const char *capability)
{
	char *s = tigetstr(capability);

	return s && s != (char *)-1;
}

static bool
terminal_is_direct(void)
{
	char *s = tigetstr("RGB");

	return tigetflag("RGB") > 0 || tigetnum("RGB") > 0 || (s && s != (char *)-1);
}

static bool
says_true_color(void)
{
	const char *env = getenv("COLORTERM");

	return has_string("setrgbf") ||
	       (env && (!strcmp(env, "truecolor") || !strcmp(env, "24bit")));
}

void
palette_init(struct palette *p, bool true_color)
{
	*p = (struct palette){ .colors = 0 };
	for (int i = 0; i < ATTRIBUTES; i++)
		if (has_string(attributes[i].capability))
			p->attrs |= attributes[i].style;
	if (!has_colors() || start_color() == ERR || use_default_colors() == ERR)
		return;
	p->colors = COLORS >= 256 ? 256 : COLORS >= 16 ? 16 : 8;
	if (!true_color || p->colors < 256)
		return;
	p->direct = COLORS > 256 && terminal_is_direct();
	p->stands_in = !p->direct && says_true_color() && can_change_color();
}

void
palette_release(struct palette *p)
{
	free(p->pairs);
	free(p->rgbs);
	*p = (struct palette){ .colors = 0 };
}

void
palette_reset(struct palette *p)
{
	p->n = p->nrgb = 0;
	p->has_last = false;
	memset(p->taken, 0, sizeof p->taken);
}

/*
 * A palette entry that stands for exactly this colour: of those not yet taken the nearest, so that a terminal
 * that is sent the entry itself still looks well. -1 when none is left.
 */
static int
stand_in(struct palette *p, uint32_t rgb)
{
	int index;

	for (size_t i = 0; i < p->nrgb; i++)
		if (p->rgbs[i].rgb == rgb)
			return p->rgbs[i].index;
	index = style_nearest_free((int32_t)(STYLE_RGB | rgb), p->taken);
	if (index < 0)
		return -1;
	p->taken[index] = true;
	VEC_ROOM(p->rgbs, p->nrgb, p->rgbcap);
	p->rgbs[p->nrgb++] = (struct palette_rgb){ rgb, index };
	return index;
}

static int32_t
terminal_color(struct palette *p, int32_t color)
{
	int exact;

	if (color == STYLE_DEFAULT || !p->colors)
		return STYLE_DEFAULT;
	if (p->direct && (color & STYLE_RGB || color >= 8)) {
		uint32_t rgb = style_rgb(color);

		return rgb < 8 ? 8 : (int32_t)rgb; /* the first eight are palette colours there */
	}
	if (!p->stands_in || color < 16)
		return style_nearest(color, p->colors);
	/* Any entry may stand for another colour, also one that a sheet names by its number. */
	exact = stand_in(p, style_rgb(color));
	return exact >= 0 ? exact : style_nearest((int32_t)(STYLE_RGB | style_rgb(color)), 16);
}

static int
pair_of(struct palette *p, int32_t fg, int32_t bg)
{
	if (fg == STYLE_DEFAULT && bg == STYLE_DEFAULT)
		return 0;
	for (size_t i = 0; i < p->n; i++)
		if (p->pairs[i].fg == fg && p->pairs[i].bg == bg)
			return (int)i + 1;
	if ((int)p->n + 1 >= COLOR_PAIRS || init_extended_pair((int)p->n + 1, fg, bg) == ERR)
		return 0;
	VEC_ROOM(p->pairs, p->n, p->cap);
	p->pairs[p->n++] = (struct palette_pair){ fg, bg };
	return (int)p->n;
}

static attr_t
curses_attr(const struct palette *p, unsigned attr)
{
	attr_t a = 0;

	if ((attr & STYLE_ITALIC) && !(p->attrs & STYLE_ITALIC))
		attr |= STYLE_UNDERLINE;
	for (int i = 0; i < ATTRIBUTES; i++)
		if (attr & attributes[i].style & p->attrs)
			a |= attributes[i].attr;
	return a;
}

/* Of 8 colours none stands between text and background: what is to keep in the background is dim instead,
 * in the text's own colour, because many such terminals show an attribute or a colour and not both. */
static struct style
dimmed(const struct palette *p, struct style s)
{
	if (p->colors != 8 || !(p->attrs & STYLE_DIM) || s.attr & (STYLE_BOLD | STYLE_REVERSE) ||
		s.fg == STYLE_DEFAULT || !style_is_dim(s.fg))
		return s;
	s.attr |= STYLE_DIM;
	if (s.bg == STYLE_DEFAULT)
		s.fg = STYLE_DEFAULT;
	return s;
}

/* Of few colours two may be nearest to the same; and green, yellow and cyan are as light as the white of 8. */
static bool
can_be_read(int32_t fg, int32_t bg)
{
	return fg == STYLE_DEFAULT || (fg != bg && !(bg == 7 && (fg == 2 || fg == 3 || fg == 6)));
}

void
palette_get(struct palette *p, struct style s, unsigned long *attr, int *pair)
{
	int32_t fg, bg;

	if (!p->has_last || p->last.fg != s.fg || p->last.bg != s.bg || p->last.attr != s.attr) {
		p->last = s;
		s = dimmed(p, s);
		p->last_attr = curses_attr(p, s.attr);
		fg = terminal_color(p, s.fg);
		bg = terminal_color(p, s.bg);
		if (p->colors <= 16 && s.fg != s.bg && !can_be_read(fg, bg))
			fg = bg ? 0 : 7;
		p->last_pair = pair_of(p, fg, bg);
		p->has_last = true;
	}
	*attr = p->last_attr;
	*pair = p->last_pair;
}

int32_t
palette_meant(const struct palette *p, int32_t color)
{
	for (size_t i = 0; i < p->nrgb; i++)
		if (p->rgbs[i].index == color)
			return STYLE_RGB | (int32_t)p->rgbs[i].rgb;
	return color;
}

static int32_t
color_back(const struct palette *p, int32_t color)
{
	color = palette_meant(p, color);
	return p->direct && color >= 8 ? STYLE_RGB | color : color;
}

struct style
palette_style(const struct palette *p, unsigned long attr, int pair)
{
	struct style s = { STYLE_DEFAULT, STYLE_DEFAULT, 0 };

	for (int i = 0; i < ATTRIBUTES; i++)
		if (attr & attributes[i].attr)
			s.attr |= attributes[i].style;
	if (pair > 0 && (size_t)pair <= p->n) {
		s.fg = color_back(p, p->pairs[pair - 1].fg);
		s.bg = color_back(p, p->pairs[pair - 1].bg);
	}
	return s;
}
