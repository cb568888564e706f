#include "config.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/table.h"
#include "base/utf8.h"
#include "base/xalloc.h"

enum { GAP = 2, LEAST = 10 };	/* cells between columns; in which a cut column still makes sense */

void
table_init(struct table *t, const struct table_column *columns, size_t n_columns)
{
	*t = (struct table){ .columns = columns, .n_columns = n_columns };
}

void
table_release(struct table *t)
{
	for (size_t i = 0; i < t->n_cells; i++)
		free(t->cells[i]);
	free(t->cells);
	table_init(t, t->columns, t->n_columns);
}

void
table_cell(struct table *t, const char *text)
{
	struct strbuf b = STRBUF_INIT;

	utf8_scrub(&b, text ? text : "-", strlen(text ? text : "-"));
	for (size_t i = 0; i < b.len; i++)
		if (b.s[i] == '\n' || b.s[i] == '\t')
			b.s[i] = ' ';
	VEC_ROOM(t->cells, t->n_cells, t->cap);
	t->cells[t->n_cells++] = strbuf_detach(&b);
}

void
table_cellf(struct table *t, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = xvasprintf(fmt, ap);
	va_end(ap);
	table_cell(t, s);
	free(s);
}

static size_t
width(const char *s)
{
	return utf8_width(s, strlen(s));
}

static void
spaces(struct output *o, size_t n)
{
	while (n--)
		output_add(o, " ", 1);
}

static void
print_clipped(struct output *o, size_t cells, const char *text)
{
	if (width(text) <= cells) {
		output_adds(o, text);
		return;
	}
	output_add(o, text, utf8_clip(text, strlen(text), cells - 1));
	output_adds(o, "…");
}

/* The last column is not filled up: no blanks at the end of a line. */
static void
print_cell(struct output *o, const struct table_column *column, size_t cells, bool last,
	const char *text)
{
	size_t w = width(text), gap = w < cells ? cells - w : 0;

	if (column->right)
		spaces(o, gap);
	print_clipped(o, cells, text);
	if (!column->right && !last)
		spaces(o, gap);
	if (!last)
		spaces(o, GAP);
}

/* One cell of each of the first n columns. */
static void
print_row(const struct table *t, struct output *o, const size_t *cells, size_t n, char **row)
{
	for (size_t c = 0; c < n; c++)
		print_cell(o, &t->columns[c], cells[c], c + 1 == n,
			row ? row[c] : t->columns[c].title);
}

/* Returns how many columns have room in so many cells, and cuts the last one down to what is left
 * for it. */
static size_t
fit(size_t *cells, size_t n, size_t room)
{
	for (size_t c = 0; c < n; c++) {
		if (cells[c] > room) {
			if (c && room < LEAST)
				return c;
			cells[c] = room;
			return c + 1;
		}
		room -= cells[c];
		room -= room < GAP ? room : GAP;
	}
	return n;
}

void
table_print(const struct table *t, struct output *o)
{
	size_t *cells = xcalloc(t->n_columns, sizeof *cells), n = t->n_columns;

	assert(t->n_cells % t->n_columns == 0);
	for (size_t c = 0; c < t->n_columns; c++)
		cells[c] = width(t->columns[c].title);
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t w = width(t->cells[i]), c = i % t->n_columns;

		if (w > cells[c])
			cells[c] = w;
	}
	if (o->cols)
		n = fit(cells, n, o->cols);
	output_style(o, "1");
	print_row(t, o, cells, n, NULL);
	output_style(o, NULL);
	output_adds(o, "\n");
	for (size_t i = 0; i < t->n_cells; i += t->n_columns) {
		print_row(t, o, cells, n, t->cells + i);
		output_adds(o, "\n");
	}
	free(cells);
}
