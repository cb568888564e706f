#include "config.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/table.h"
#include "base/utf8.h"
#include "base/xalloc.h"

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

/* The last column is not filled up: no blanks at the end of a line. */
static void
print_cell(const struct table *t, struct output *o, size_t column, size_t cells, const char *text)
{
	size_t gap = cells - width(text);

	if (column)
		spaces(o, 2);
	if (t->columns[column].right)
		spaces(o, gap);
	output_adds(o, text);
	if (!t->columns[column].right && column + 1 < t->n_columns)
		spaces(o, gap);
}

void
table_print(const struct table *t, struct output *o)
{
	size_t *cells = xcalloc(t->n_columns, sizeof *cells);

	assert(t->n_cells % t->n_columns == 0);
	for (size_t c = 0; c < t->n_columns; c++)
		cells[c] = width(t->columns[c].title);
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t w = width(t->cells[i]), c = i % t->n_columns;

		if (w > cells[c])
			cells[c] = w;
	}
	output_style(o, "1");
	for (size_t c = 0; c < t->n_columns; c++)
		print_cell(t, o, c, cells[c], t->columns[c].title);
	output_style(o, NULL);
	output_adds(o, "\n");
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t c = i % t->n_columns;

		print_cell(t, o, c, cells[c], t->cells[i]);
		if (c + 1 == t->n_columns)
			output_adds(o, "\n");
	}
	free(cells);
}
