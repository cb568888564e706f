/* The loops around unpackers and tiles (engine/panel.h). Included last by the files of the instruction sets. */

enum {
	TAIL_STRIDE = 576,	/* bytes of a row's chunk at most, rounded up */
};

struct scratch {
	struct panel panel;
	float sum[PANEL_TOKENS][PANEL_ROWS] __attribute__((aligned(64)));
	uint8_t tail[PANEL_ROWS * TAIL_STRIDE] __attribute__((aligned(64)));
};

/* A matrix's type in numbers: a unit is what the pointer moves by, a chunk at most `chunk` columns. */
struct shape {
	const struct panel_format *format;
	size_t chunk, unit, unit_bytes;
};

static struct shape
shape_of(const struct matrix *w)
{
	const struct quant_format *q = quant_format(w->type);
	struct shape s = { &panel_formats[w->type], PANEL_BLOCKS * MATMUL_BLOCK, q->block, q->bytes };

	if (s.format->kind == KIND_FLOAT)
		s.chunk = MATMUL_PARTIAL;
	return s;
}

static size_t
min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * Copies a chunk of fewer than PANEL_ROWS rows, or of floats whose number is no multiple of 8, to where the
 * unpackers may read whole panels. Missing rows repeat the last one; missing columns are not multiplied.
 */
static const uint8_t *
copy_tail(struct scratch *x, const uint8_t *p, size_t stride, size_t rows, size_t bytes)
{
	for (size_t i = 0; i < PANEL_ROWS; i++)
		memcpy(x->tail + i * TAIL_STRIDE, p + min_size(i, rows - 1) * stride, bytes);
	return x->tail;
}

/*
 * The chunk after the one at row r and column k, if it begins before row r1. Its lines are dealt out to the
 * steps of the work to come: PANEL_BLOCKS for each vector that is unpacked, and as many in the first tile.
 */
static struct panel_ahead
look_ahead(const struct shape *s, const struct matrix *w, size_t r, size_t r1, size_t k)
{
	size_t rows, steps = PANEL_BLOCKS * (PANEL_ROWS / LANES + 1);
	struct panel_ahead next = { 0 };

	k += s->chunk;
	if (k >= w->cols) {
		k = 0;
		r += PANEL_ROWS;
	}
	if (r >= r1)
		return next;
	rows = min_size(r1 - r, PANEL_ROWS);
	next.row = w->data + r * w->row_bytes + k / s->unit * s->unit_bytes;
	next.stride = w->row_bytes;
	next.end = next.row + rows * next.stride;
	next.bytes = min_size(s->chunk, w->cols - k) / s->unit * s->unit_bytes;
	next.lines = (unsigned)((rows * ((next.bytes + 127) / 64) + steps - 1) / steps);
	return next;
}

/* Unpacks `cols` columns from column k of the panel at row r. */
static void
unpack_chunk(struct scratch *x, const struct shape *s, const struct matrix *w, size_t r, size_t r1, size_t k,
	size_t cols, struct panel_ahead *next)
{
	const uint8_t *p = w->data + r * w->row_bytes + k / s->unit * s->unit_bytes;
	size_t stride = w->row_bytes, rows = min_size(r1 - r, PANEL_ROWS), n = cols / MATMUL_BLOCK;

	if (rows < PANEL_ROWS || (s->format->kind == KIND_FLOAT && cols % 8)) {
		p = copy_tail(x, p, stride, rows, cols / s->unit * s->unit_bytes);
		stride = TAIL_STRIDE;
	}
	if (s->format->kind == KIND_FLOAT)
		n = (cols + 7) / 8 * 8;
	for (size_t i = 0; i < PANEL_ROWS; i += LANES) {
		struct panel_out o = { x->panel.q + 4 * i, x->panel.d + i, x->panel.m + i };

		s->format->unpack(p + i * stride, stride, n, o, next);
	}
}

/* All products of rows r.. of one panel with n tokens, n <= PANEL_TOKENS. */
static void
multiply_panel(struct scratch *x, const struct shape *s, const struct matrix *w, size_t r, size_t r1,
	const struct act *a, size_t t0, size_t n)
{
	bool floats = s->format->kind == KIND_FLOAT;
	size_t stride = floats ? a->k * sizeof(float) : a->k / MATMUL_BLOCK * sizeof(struct act_block);

	memset(x->sum, 0, n * sizeof x->sum[0]);
	for (size_t k = 0; k < a->k; k += s->chunk) {
		size_t cols = min_size(s->chunk, a->k - k), tokens;
		struct panel_ahead next = look_ahead(s, w, r, r1, k);
		const char *act = floats ? (const char *)(a->f + k) : (const char *)(a->b + k / MATMUL_BLOCK);

		unpack_chunk(x, s, w, r, r1, k, cols, &next);
		for (size_t t = 0; t < n; t += tokens) {
			size_t tiles = (n - t + TILE_TOKENS - 1) / TILE_TOKENS;

			tokens = (n - t + tiles - 1) / tiles;
			tile_for(w->type, tokens)(&x->panel, floats ? cols : cols / MATMUL_BLOCK,
				act + (t0 + t) * stride, stride, x->sum[t], &next);
		}
	}
}

static void
multiply(const struct matrix *w, size_t r0, size_t r1, const struct act *a, float *out, size_t ldo,
	void *scratch)
{
	struct shape s = shape_of(w);
	struct scratch *x = scratch;

	for (size_t t = 0; t < a->n; t += PANEL_TOKENS) {
		size_t n = min_size(PANEL_TOKENS, a->n - t);

		for (size_t r = r0; r < r1; r += PANEL_ROWS) {
			multiply_panel(x, &s, w, r, r1, a, t, n);
			for (size_t i = 0; i < n; i++)
				memcpy(out + (t + i) * ldo + r, x->sum[i],
					min_size(PANEL_ROWS, r1 - r) * sizeof(float));
		}
	}
}

static size_t
scratch_bytes(size_t cols)
{
	return sizeof(struct scratch);
}
