/*
 * Tiles: a chunk of a panel times a few tokens, for all vector widths. Included by the files of the
 * instruction sets, which make tiles of a fixed number of tokens from tile_blocks() and
 * tile_floats(), so that the sums of a tile are registers.
 */

enum { VECTORS = PANEL_ROWS / LANES };

/* The next tile's activations, which may be far away. Past the last token this does no harm. */
INLINE void
prefetch_tokens(const struct tokens *x, const int tokens)
{
	UNROLL
	for (int t = 0; t < tokens; t++)
		__builtin_prefetch((const char *)token(x, t) + (size_t)tokens * x->stride, 0, 3);
}

/*
 * Adds part 0 (all), 1 or 2 (a half) of a block to the sums: its dot products, then its minimum if
 * it has one.
 */
INLINE void
tile_part(const uint8_t *q, const float *d, const float *m, const struct tokens *x, vf sum[],
	const int part, const int tokens, const struct coding c)
{
	struct dot dot[VECTORS * TILE_TOKENS];
	struct scale scale[VECTORS];

	UNROLL
	for (int i = 0; i < tokens * VECTORS; i++)
		start_dot(&dot[i], block(x, i / VECTORS), part, c);
	UNROLL
	for (int g = 0; g < 8; g++) {
		vu w[VECTORS];

		if (part && g / 4 != part - 1)
			continue;
		UNROLL
		for (int v = 0; v < VECTORS; v++)
			w[v] = *(const vu *)(q + g * PANEL_GROUP + v * 4 * LANES);
		UNROLL
		for (int i = 0; i < tokens * VECTORS; i++)
			add_group(&dot[i], w[i % VECTORS], block(x, i / VECTORS), g, c);
	}
	UNROLL
	for (int v = 0; v < VECTORS; v++)
		scale[v] = make_scale(*(const vf *)(d + v * LANES));
	UNROLL
	for (int i = 0; i < tokens * VECTORS; i++) {
		const struct act_block *a = block(x, i / VECTORS);
		const int v = i % VECTORS;

		sum[i] = add_dot(sum[i], end_dot(&dot[i]), scale[v], broadcast_float(a->d));
		if (has_minimum(c))
			sum[i] = fma_lanes(*(const vf *)(m + v * LANES), broadcast_float(a->s[part]), sum[i]);
	}
}

INLINE void
tile_blocks(const struct panel *restrict p, size_t n, const void *act, size_t stride,
	float *restrict sum, struct panel_ahead *next, const int tokens, const struct coding c)
{
	const int parts = has_halves(c) ? 2 : 1;
	vf acc[VECTORS * TILE_TOKENS];

	UNROLL
	for (int i = 0; i < tokens * VECTORS; i++)
		acc[i] = *(vf *)(sum + i * LANES);
	for (size_t b = 0; b < n; b++) {
		const struct tokens x = tokens_from(act, b * sizeof(struct act_block), stride);
		const uint8_t *q = p->q + b * 8 * PANEL_GROUP;
		const float *d = p->d + b * (size_t)parts * PANEL_ROWS;
		const float *m = p->m + b * (size_t)parts * PANEL_ROWS;

		prefetch_lines(next, 1);
		prefetch_tokens(&x, tokens);
		tile_part(q, d, m, &x, acc, parts - 1, tokens, c);
		if (parts == 2)
			tile_part(q, d + PANEL_ROWS, m + PANEL_ROWS, &x, acc, 2, tokens, c);
	}
	UNROLL
	for (int i = 0; i < tokens * VECTORS; i++)
		*(vf *)(sum + i * LANES) = acc[i];
}

INLINE void
tile_floats(const struct panel *restrict p, size_t n, const void *act, size_t stride, float *restrict sum,
	struct panel_ahead *next, const int tokens)
{
	const float *w = (const float *)p->q;
	vf acc[VECTORS * TILE_TOKENS];

	UNROLL
	for (int i = 0; i < tokens * VECTORS; i++)
		acc[i] = (vf){ 0 };
	for (size_t k = 0; k < n; k++, w += PANEL_ROWS) {
		const struct tokens x = tokens_from(act, k * sizeof(float), stride);

		if (k % 8 == 0)
			prefetch_lines(next, 1);
		if (k % 16 == 0)
			prefetch_tokens(&x, tokens);
		UNROLL
		for (int i = 0; i < tokens * VECTORS; i++)
			acc[i] = fma_lanes(*(const vf *)(w + i % VECTORS * LANES),
				broadcast_float(*(const float *)token(&x, i / VECTORS)), acc[i]);
	}
	UNROLL
	for (int i = 0; i < tokens * VECTORS; i++)
		*(vf *)(sum + i * LANES) += acc[i];
}

/* A tile_fn of a fixed number of tokens. */
#define TILE(name, tokens, kind, width, zero)                                                      \
	static void name##_##tokens(const struct panel *p, size_t n, const void *act,              \
		size_t stride, float *sum, struct panel_ahead *next)                               \
	{                                                                                          \
		if (kind == KIND_FLOAT)                                                            \
			tile_floats(p, n, act, stride, sum, next, tokens);                         \
		else                                                                               \
			tile_blocks(p, n, act, stride, sum, next, tokens,                          \
				(struct coding){ kind, width, zero });                             \
	}
