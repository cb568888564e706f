/*
 * The loops around unpackers and tiles (engine/panel.h). Included last by the files of the instruction sets.
 *
 * A chunk of a panel stays in the first-level cache while all tokens of the batch pass by. When there are many,
 * several panels are worked on together, chunk by chunk, so that the tokens' chunk of activations, 1 KiB a
 * token, is fetched from afar once for all of them and stays in the second-level cache meanwhile.
 */

enum {
	BATCH_TOKENS = 256,	/* at most, together */
	BATCH_SUMS = 1024,	/* tokens x panels whose sums are kept */
	BATCH_PANELS = 8,	/* at most, together */
	FEW_TOKENS = 12,	/* for so few one panel after the other: weights are read in order */
	TAIL_STRIDE = 576,	/* bytes of a row's chunk at most, rounded up */
};

struct scratch {
	struct panel panel;
	float sum[BATCH_SUMS][PANEL_ROWS] __attribute__((aligned(64)));
	uint8_t tail[PANEL_ROWS * TAIL_STRIDE] __attribute__((aligned(64)));
};

/* One call's work: tokens t0 .. t0 + n, and rows up to r1. */
struct work {
	const struct matrix *w;
	const struct act *a;
	struct scratch *x;
	const struct panel_format *format;
	size_t r1, t0, n;
	size_t chunk;			/* columns of a chunk */
	size_t unit, unit_bytes;	/* columns and bytes of what a row consists of */
};

static size_t
min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static const uint8_t *
weights_at(const struct work *o, size_t r, size_t k)
{
	return o->w->data + r * o->w->row_bytes + k / o->unit * o->unit_bytes;
}

/*
 * Copies a chunk of fewer than PANEL_ROWS rows, or of floats whose number is no multiple of 8, to where the
 * unpackers may read whole panels. Missing rows repeat the last one; missing columns are not multiplied.
 */
static const uint8_t *
copy_tail(const struct work *o, const uint8_t *p, size_t rows, size_t bytes)
{
	for (size_t i = 0; i < PANEL_ROWS; i++)
		memcpy(o->x->tail + i * TAIL_STRIDE, p + min_size(i, rows - 1) * o->w->row_bytes, bytes);
	return o->x->tail;
}

/* The lines of the chunk at row r and column k, dealt out to the steps of the work before it: PANEL_BLOCKS for
 * each vector of rows that is unpacked, and as many in the first tile. */
static struct panel_ahead
look_ahead(const struct work *o, size_t r, size_t k)
{
	size_t rows, steps = PANEL_BLOCKS * (PANEL_ROWS / LANES + 1);
	struct panel_ahead next = { 0 };

	if (r >= o->r1)
		return next;
	rows = min_size(o->r1 - r, PANEL_ROWS);
	next.row = weights_at(o, r, k);
	next.stride = o->w->row_bytes;
	next.end = next.row + rows * next.stride;
	next.bytes = min_size(o->chunk, o->w->cols - k) / o->unit * o->unit_bytes;
	next.lines = (unsigned)((rows * ((next.bytes + 127) / 64) + steps - 1) / steps);
	return next;
}

/* Unpacks `cols` columns from column k of the panel at row r. */
static void
unpack_chunk(const struct work *o, size_t r, size_t k, size_t cols, struct panel_ahead *next)
{
	const uint8_t *p = weights_at(o, r, k);
	size_t stride = o->w->row_bytes, rows = min_size(o->r1 - r, PANEL_ROWS), n = cols / MATMUL_BLOCK;
	struct panel *x = &o->x->panel;

	if (rows < PANEL_ROWS || (o->format->kind == KIND_FLOAT && cols % 8)) {
		p = copy_tail(o, p, rows, cols / o->unit * o->unit_bytes);
		stride = TAIL_STRIDE;
	}
	if (o->format->kind == KIND_FLOAT)
		n = (cols + 7) / 8 * 8;
	for (size_t i = 0; i < PANEL_ROWS; i += LANES)
		o->format->unpack(p + i * stride, stride, n, (struct panel_out){ x->q + 4 * i, x->d + i, x->m + i },
			next);
}

/* Adds the products of the unpacked chunk with all tokens to sum[n]. */
static void
multiply_chunk(const struct work *o, size_t k, size_t cols, float (*sum)[PANEL_ROWS], struct panel_ahead *next)
{
	bool floats = o->format->kind == KIND_FLOAT;
	size_t stride, tokens;
	const char *act;

	if (floats) {
		stride = o->a->k * sizeof(float);
		act = (const char *)(o->a->f + k);
	} else {
		stride = o->a->k / MATMUL_BLOCK * sizeof(struct act_block);
		act = (const char *)(o->a->b + k / MATMUL_BLOCK);
		cols /= MATMUL_BLOCK;
	}
	act += o->t0 * stride;
	/* Tiles of about the same number of tokens: 4 and 4 is better than 6 and 2. */
	for (size_t t = 0; t < o->n; t += tokens) {
		size_t tiles = (o->n - t + TILE_TOKENS - 1) / TILE_TOKENS;

		tokens = (o->n - t + tiles - 1) / tiles;
		tile_for(o->w->type, tokens)(&o->x->panel, cols, act + t * stride, stride, sum[t], next);
	}
}

static void
store_sums(const struct work *o, size_t r, float (*sum)[PANEL_ROWS], float *out, size_t ldo)
{
	size_t rows = min_size(o->r1 - r, PANEL_ROWS);

	out += o->t0 * ldo + r;
	for (size_t t = 0; t < o->n; t++, out += ldo) {
		if (rows == PANEL_ROWS)
			memcpy(out, sum[t], sizeof sum[t]);
		else
			memcpy(out, sum[t], rows * sizeof(float));
	}
}

/* The rows of `panels` panels from row r on. */
static void
multiply_panels(const struct work *o, size_t r, size_t panels, float *out, size_t ldo)
{
	size_t end = min_size(o->r1, r + panels * PANEL_ROWS);
	float (*sum)[PANEL_ROWS] = o->x->sum;

	memset(sum, 0, panels * o->n * sizeof *sum);
	for (size_t k = 0; k < o->w->cols; k += o->chunk) {
		size_t cols = min_size(o->chunk, o->w->cols - k), p = 0;

		for (size_t i = r; i < end; i += PANEL_ROWS, p++) {
			struct panel_ahead next;

			if (i + PANEL_ROWS < end)
				next = look_ahead(o, i + PANEL_ROWS, k);
			else if (k + cols < o->w->cols)
				next = look_ahead(o, r, k + cols);
			else
				next = look_ahead(o, end, 0);
			unpack_chunk(o, i, k, cols, &next);
			multiply_chunk(o, k, cols, sum + p * o->n, &next);
		}
	}
	for (; r < end; r += PANEL_ROWS, sum += o->n)
		store_sums(o, r, sum, out, ldo);
}

static void
multiply(const struct matrix *w, size_t r0, size_t r1, const struct act *a, float *out, size_t ldo,
	void *scratch)
{
	const struct quant_format *q = quant_format(w->type);
	size_t batches = (a->n + BATCH_TOKENS - 1) / BATCH_TOKENS, panels = 1;
	struct work o = { .w = w, .a = a, .x = scratch, .format = &panel_formats[w->type], .r1 = r1,
		.chunk = PANEL_BLOCKS * MATMUL_BLOCK, .unit = q->block, .unit_bytes = q->bytes };

	if (o.format->kind == KIND_FLOAT)
		o.chunk = MATMUL_PARTIAL;
	for (; batches > 0; batches--, o.t0 += o.n) {
		o.n = (a->n - o.t0 + batches - 1) / batches;
		if (o.n > FEW_TOKENS)
			panels = min_size(BATCH_PANELS, BATCH_SUMS / o.n);
		for (size_t r = r0; r < r1; r += panels * PANEL_ROWS)
			multiply_panels(&o, r, panels, out, ldo);
	}
}

static size_t
scratch_bytes(size_t cols)
{
	return sizeof(struct scratch);
}
