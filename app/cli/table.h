/*
 * A table: columns as wide as their widest cell. On a terminal headings are bold, and what its width
 * has no room for is left out: the last columns, and the end of the one before.
 */
#ifndef APP_CLI_TABLE_H
#define APP_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "app/cli/output.h"

struct table_column {
	const char *title;
	bool right;		/* numbers: aligned to the right */
};

struct table {
	const struct table_column *columns;	/* borrowed */
	size_t n_columns;
	char **cells;				/* owned, row by row */
	size_t n_cells, cap;
};

void table_init(struct table *t, const struct table_column *columns, size_t n_columns);
void table_release(struct table *t);

/* The next cell, row by row; copied, made one safe line. NULL: "-". */
void table_cell(struct table *t, const char *text);
void table_cellf(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void table_print(const struct table *t, struct output *o);

#endif
