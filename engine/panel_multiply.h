/*
 * The loops around unpackers and tiles (engine/panel.h). Included last by the files of the instruction sets.
 *
 * A chunk of a panel stays in the first-level cache while all tokens of the batch pass by. When there are many,
 * several panels are worked on together, chunk by chunk, so that the tokens' chunk of activations, 1 KiB a
 * token, is fetched from afar once for all of them and stays in the second-level cache meanwhile.
 */

enum {
	BATCH_TOKENS = 256, /* at most, together */
	BATCH_SUMS = 1024,  /* tokens x panels whose sums are kept */
	BATCH_PANELS = 8,   /* at most, together */
	ORDER_TOKENS = 12,  /* for so few one panel after the other: weights are read in order */
	TAIL_STRIDE = 576,  /* bytes of a row's chunk at most, rounded up */
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
	size_t chunk, chunk_bytes;	/* columns of a chunk, and what they take of a row */
	size_t row_bytes;		/* what all columns take */
};

/* A chunk of columns, and where it lies in a row. */
struct columns {
	size_t k, n;
	size_t offset, bytes;
};

static size_t
min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static struct columns
columns_at(const struct work *o, size_t k, size_t offset)
{
	struct columns c = { k, min_size(o->chunk, o->w->cols - k), offset, o->chunk_bytes };

	if (c.n < o->chunk)
		c.bytes = o->row_bytes - offset;
	return c;
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

/* The lines of the chunk c of the panel at row r, dealt out to the steps of the work before it: PANEL_BLOCKS for
 * each vector of rows that is unpacked, and as many in the first tile. */
static struct panel_ahead
look_ahead(const struct work *o, size_t r, const struct columns *c)
{
	size_t rows, steps = PANEL_BLOCKS * (PANEL_ROWS / LANES + 1);
	struct panel_ahead next = { 0 };

	if (r >= o->r1)
		return next;
	rows = min_size(o->r1 - r, PANEL_ROWS);
	next.stride = o->w->row_bytes;
	next.row = o->w->data + r * next.stride + c->offset;
	next.end = next.row + rows * next.stride;
	next.bytes = c->bytes;
	next.lines = (unsigned)((rows * ((next.bytes + 127) / 64) + steps - 1) / steps);
	return next;
}

/* The batch's activations of a chunk. */
struct activations {
	const char *p;
	size_t stride; /* bytes of a token */
};

static struct activations
activations_at(const struct work *o, const struct columns *c)
{
	struct activations x;

	if (o->format->kind == KIND_FLOAT) {
		x.stride = o->a->k * sizeof(float);
		x.p = (const char *)(o->a->f + c->k);
	} else {
		x.stride = o->a->k / MATMUL_BLOCK * sizeof(struct act_block);
		x.p = (const char *)(o->a->b + c->k / MATMUL_BLOCK);
	}
	x.p += o->t0 * x.stride;
	return x;
}

/* Unpacks a chunk of the panel at row r. */
static void
unpack_chunk(const struct work *o, size_t r, const struct columns *c, struct panel_ahead *next)
{
	const bool floats = o->format->kind == KIND_FLOAT;
	size_t stride = o->w->row_bytes, rows = min_size(o->r1 - r, PANEL_ROWS);
	size_t n = floats ? (c->n + 7) / 8 * 8 : c->n / MATMUL_BLOCK;
	const uint8_t *p = o->w->data + r * stride + c->offset;
	struct panel *x = &o->x->panel;

	if (rows < PANEL_ROWS || (floats && c->n % 8)) {
		p = copy_tail(o, p, rows, c->bytes);
		stride = TAIL_STRIDE;
	}
	for (size_t i = 0; i < PANEL_ROWS; i += LANES)
		o->format->unpack(p + i * stride, stride, n,
			(struct panel_out){ x->q + 4 * i, x->d + i / LANES, x->m + i / LANES }, next);
}

/* How many of the tokens left the next tile takes: 3 and 3 is better than 4 and 2. */
static size_t
tile_tokens(size_t left)
{
	size_t tiles = (left + TILE_TOKENS - 1) / TILE_TOKENS;

	return tiles == 1 ? left : (left + tiles - 1) / tiles;
}

/* Adds the products of the unpacked chunk with all tokens to sum[n]. */
static void
multiply_chunk(const struct work *o, const struct columns *c, float (*sum)[PANEL_ROWS], struct panel_ahead *next)
{
	const struct activations x = activations_at(o, c);
	size_t tokens, steps = o->format->kind == KIND_FLOAT ? c->n : c->n / MATMUL_BLOCK;

	for (size_t t = 0; t < o->n; t += tokens) {
		tokens = tile_tokens(o->n - t);
		tile_for(o->w->type, tokens)(
			&o->x->panel, steps, x.p + t * x.stride, x.stride, sum[t], next);
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
	const struct columns first = columns_at(o, 0, 0);
	float (*sum)[PANEL_ROWS] = o->x->sum;

	memset(sum, 0, panels * o->n * sizeof *sum);
	for (struct columns c = first, after; c.k < o->w->cols; c = after) {
		size_t p = 0;

		after = columns_at(o, c.k + c.n, c.offset + c.bytes);
		for (size_t i = r; i < end; i += PANEL_ROWS, p++) {
			struct panel_ahead next;

			if (i + PANEL_ROWS < end)
				next = look_ahead(o, i + PANEL_ROWS, &c);
			else if (after.n > 0)
				next = look_ahead(o, r, &after);
			else
				next = look_ahead(o, end, &first);
			unpack_chunk(o, i, &c, &next);
			multiply_chunk(o, &c, sum + p * o->n, &next);
		}
	}
	for (; r < end; r += PANEL_ROWS, sum += o->n)
		store_sums(o, r, sum, out, ldo);
}

/*
 * How many tokens are multiplied as the weights are unpacked. Rows that are unpacked twice come
 * from the cache the second time, and where there is one scale for 32 weights that is still quicker
 * than a panel.
 */
static size_t
few_tokens(const struct work *o)
{
	return o->format->kind == KIND_WHOLE || o->format->kind == KIND_WHOLE_MIN ? 2 * FEW_TOKENS
										  : FEW_TOKENS;
}

/* Rows r .. r + LANES times tokens t0 .. t0 + n, at most FEW_TOKENS. */
static void
multiply_lanes(const struct work *o, size_t r, float *out, size_t ldo)
{
	const size_t stride = o->w->row_bytes,
		     unit = o->format->kind == KIND_FLOAT ? 1 : MATMUL_BLOCK;
	const uint8_t *p = o->w->data + r * stride;
	float sum[FEW_TOKENS][LANES] __attribute__((aligned(64))) = { { 0 } };

	for (struct columns c = columns_at(o, 0, 0); c.n > 0;
		c = columns_at(o, c.k + c.n, c.offset + c.bytes)) {
		const struct activations x = activations_at(o, &c);

		o->format->few[o->n - 1](p + c.offset, stride, c.n / unit, x.p, x.stride, sum[0]);
	}
	for (size_t i = 0; i < o->n; i++)
		memcpy(out + (o->t0 + i) * ldo + r, sum[i], sizeof sum[i]);
}

/* All tokens if they are few, LANES rows at a time, as far as there are so many: returns the row
 * after them. */
static size_t
multiply_few(struct work o, size_t r, float *out, size_t ldo)
{
	if (o.a->n > few_tokens(&o) || o.w->cols % 8)
		return r;
	if (o.format->kind != KIND_FLOAT) {	/* those of floats are added up by chunks */
		o.chunk = o.w->cols;
		o.chunk_bytes = o.row_bytes;
	}
	for (; r + LANES <= o.r1; r += LANES) {
		for (o.t0 = 0; o.t0 < o.a->n; o.t0 += o.n) {
			o.n = min_size(FEW_TOKENS, o.a->n - o.t0);
			multiply_lanes(&o, r, out, ldo);
		}
	}
	return r;
}

static void
multiply(const struct matrix *w, size_t r0, size_t r1, const struct act *a, float *out, size_t ldo,
	void *scratch)
{
	const struct quant_format *q = quant_format(w->type);
	size_t batches = (a->n + BATCH_TOKENS - 1) / BATCH_TOKENS, panels = 1;
	struct work o = { .w = w, .a = a, .x = scratch, .format = &panel_formats[w->type], .r1 = r1 };

	o.chunk = o.format->kind == KIND_FLOAT ? MATMUL_PARTIAL : PANEL_BLOCKS * MATMUL_BLOCK;
	o.chunk_bytes = o.chunk / q->block * q->bytes;
	o.row_bytes = w->cols / q->block * q->bytes;
	r0 = multiply_few(o, r0, out, ldo);
	for (; batches > 0; batches--, o.t0 += o.n) {
		o.n = (a->n - o.t0 + batches - 1) / batches;
		if (o.n > ORDER_TOKENS)
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
