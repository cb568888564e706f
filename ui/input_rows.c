#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "ui/input_rows.h"
#include "ui/wrap.h"

void
input_rows_release(struct input_rows *r)
{
	free(r->items);
	*r = (struct input_rows){ NULL, 0, 0 };
}

void
input_rows_wrap(struct input_rows *r, const char *text, size_t n, int cells)
{
	size_t start = 0;

	r->n = 0;
	for (;;) {
		const char *nl = n > start ? memchr(text + start, '\n', n - start) : NULL;
		size_t len = nl ? (size_t)(nl - text) - start : n - start;
		struct wrap_row row;
		struct wrap w;

		wrap_init(&w, text + start, len, cells, cells, WRAP_KEEP);
		while (wrap_next(&w, &row)) {
			VEC_ROOM(r->items, r->n, r->cap);
			r->items[r->n++] = (struct input_row){ start + row.start, row.len };
		}
		if (!nl)
			return;
		start += len + 1;
	}
}

size_t
input_rows_find(const struct input_rows *r, const char *text, size_t point, int *col)
{
	size_t low = 0, high = r->n;

	while (low < high) {	/* the first row that begins after the point */
		size_t mid = low + (high - low) / 2;

		if (r->items[mid].start <= point)
			low = mid + 1;
		else
			high = mid;
	}
	low -= low > 0;
	*col = wrap_width(text + r->items[low].start, point - r->items[low].start);
	return low;
}

size_t
input_rows_point(const struct input_rows *r, const char *text, size_t row, int col)
{
	const struct input_row *it = &r->items[row];
	const char *s = text + it->start;
	size_t i = 0, len;
	int at = 0;

	while (i < it->len) {
		at += wrap_cells(s + i, it->len - i, at, &len);
		if (at > col)
			break;
		/* behind the last cluster is the next row's place, unless the line ends here */
		if (i + len == it->len && row + 1 < r->n &&
			r->items[row + 1].start == it->start + it->len)
			break;
		i += len;
	}
	return it->start + i;
}
