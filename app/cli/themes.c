#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/cli/cli.h"
#include "app/cli/table.h"
#include "app/cli/tool.h"
#include "app/config/paths.h"
#include "app/config/theme.h"

const struct option_spec cli_themes_options[] = {
	CLI_OPTION_HELP,
	{ 0 },
};

/* The slots that tell themes apart at a glance, with a word in each. */
static const struct {
	enum style_slot slot;
	const char *sample;
} samples[] = {
	{ STYLE_title, " hum " },
	{ STYLE_user, " you " },
	{ STYLE_text, " text " },
	{ STYLE_assistant, " llama " },
	{ STYLE_heading, " heading " },
	{ STYLE_strong, " strong " },
	{ STYLE_code, " code " },
	{ STYLE_quote, " quote " },
	{ STYLE_notice, " notice " },
	{ STYLE_error, " error " },
	{ STYLE_status, " status " },
	{ STYLE_selected, " selected " },
};

/* Colours that the terminal says it has. */
static int
colors(void)
{
	const char *direct = getenv("COLORTERM"), *term = getenv("TERM");

	if (direct && (!strcmp(direct, "truecolor") || !strcmp(direct, "24bit")))
		return 1 << 24;
	return term && strstr(term, "256color") ? 256 : 16;
}

/* Appends the SGR number of a colour; base 30: foreground, 40: background. */
static void
add_color(struct strbuf *sgr, int32_t color, int base, int depth)
{
	int index;

	if (color == STYLE_DEFAULT)
		return;
	if ((color & STYLE_RGB) && depth > 256) {
		strbuf_addf(sgr, ";%d;2;%d;%d;%d", base + 8, color >> 16 & 0xff, color >> 8 & 0xff,
			color & 0xff);
		return;
	}
	index = style_nearest(color, depth > 256 ? 256 : depth);
	if (index < 8)
		strbuf_addf(sgr, ";%d", base + index);
	else if (index < 16)
		strbuf_addf(sgr, ";%d", base + 60 + index - 8);
	else
		strbuf_addf(sgr, ";%d;5;%d", base + 8, index);
}

static void
put_sample(struct output *out, const struct style *style, const char *text, int depth)
{
	static const struct {
		unsigned attr;
		const char *sgr;
	} attributes[] = {
		{ STYLE_BOLD, ";1" }, { STYLE_DIM, ";2" }, { STYLE_ITALIC, ";3" },
		{ STYLE_UNDERLINE, ";4" },
		{ STYLE_REVERSE, ";7" },
	};
	struct strbuf sgr = STRBUF_INIT;

	strbuf_adds(&sgr, "0");
	for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
		if (style->attr & attributes[i].attr)
			strbuf_adds(&sgr, attributes[i].sgr);
	add_color(&sgr, style->fg, 30, depth);
	add_color(&sgr, style->bg, 40, depth);
	output_style(out, sgr.s);
	output_adds(out, text);
	output_style(out, NULL);
	strbuf_release(&sgr);
}

/* As the screen draws them: on the background of the text. */
static void
put_samples(struct output *out, const struct style_sheet *sheet)
{
	int depth = colors();

	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
		struct style style = style_over(sheet->slot[STYLE_text], sheet->slot[samples[i].slot]);

		put_sample(out, &style, samples[i].sample, depth);
	}
}

static void
put_swatch(struct output *out, const struct theme_entry *theme)
{
	struct style_sheet sheet;
	struct err e;

	output_text(out, theme->name, strlen(theme->name));
	output_adds(out, "\n  ");
	if (theme_load(theme->name, &sheet, &e) < 0)
		output_text(out, e.text, strlen(e.text));
	else
		put_samples(out, &sheet);
	output_adds(out, "\n");
}

static void
add_row(struct table *table, const struct theme_entry *theme)
{
	char *pretty = theme->path ? path_pretty(theme->path) : NULL;
	struct style_sheet sheet;
	struct err e;

	table_cell(table, theme->name);
	table_cell(table, pretty ? pretty : "built in");
	table_cell(table, theme_load(theme->name, &sheet, &e) < 0 ? e.text : theme->help);
	free(pretty);
}

static void
list_themes(struct output *out)
{
	static const struct table_column columns[] = {
		{ "NAME", false }, { "FROM", false }, { "ABOUT", false },
	};
	struct theme_entry *themes;
	size_t n = theme_list(&themes);
	struct table table;

	table_init(&table, columns, sizeof columns / sizeof *columns);
	for (size_t i = 0; i < n; i++)
		add_row(&table, &themes[i]);
	table_print(&table, out);
	table_release(&table);
	if (out->color) {
		output_adds(out, "\n");
		for (size_t i = 0; i < n; i++)
			put_swatch(out, &themes[i]);
	}
	theme_list_free(themes, n);
}

int
cli_themes(const struct options *o)
{
	struct tool t;

	tool_start(&t);
	list_themes(&t.out);
	return tool_end(&t, 0);
}
