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

enum {
	ATTRIBUTES = sizeof attributes / sizeof *attributes,
	REDEFINE_FROM = 255, REDEFINE_TO = 160,	/* palette entries that may be redefined */
};

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

	return has_string("setrgbf")
	       || (env && (!strcmp(env, "truecolor") || !strcmp(env, "24bit")));
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
	if (!p->direct && says_true_color() && can_change_color())
		p->redefine = REDEFINE_FROM;
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
	if (p->redefine)
		p->redefine = REDEFINE_FROM;
}

/* A palette entry that shows exactly this colour; -1 when none is left. */
static int
redefined(struct palette *p, uint32_t rgb)
{
	int index;

	for (size_t i = 0; i < p->nrgb; i++)
		if (p->rgbs[i].rgb == rgb)
			return p->rgbs[i].index;
	if (p->redefine < REDEFINE_TO)
		return -1;
	index = p->redefine--;
	if (init_extended_color(index, (int)(rgb >> 16 & 255) * 1000 / 255,
		    (int)(rgb >> 8 & 255) * 1000 / 255, (int)(rgb & 255) * 1000 / 255) == ERR)
		return -1;
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

		return rgb < 8 ? 8 : (int32_t)rgb;	/* the first eight are palette colours there */
	}
	if ((color & STYLE_RGB) && p->redefine) {
		exact = redefined(p, (uint32_t)color & 0xffffff);
		if (exact >= 0)
			return exact;
	}
	return style_nearest(color, p->colors);
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

void
palette_get(struct palette *p, struct style s, unsigned long *attr, int *pair)
{
	if (!p->has_last || p->last.fg != s.fg || p->last.bg != s.bg || p->last.attr != s.attr) {
		p->last = s;
		p->last_attr = curses_attr(p, s.attr);
		p->last_pair = pair_of(p, terminal_color(p, s.fg), terminal_color(p, s.bg));
		p->has_last = true;
	}
	*attr = p->last_attr;
	*pair = p->last_pair;
}

/* The colour of a theme that a redefined palette entry stands for. */
static int32_t
color_back(const struct palette *p, int32_t color)
{
	for (size_t i = 0; i < p->nrgb; i++)
		if (p->rgbs[i].index == color)
			return STYLE_RGB | (int32_t)p->rgbs[i].rgb;
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
