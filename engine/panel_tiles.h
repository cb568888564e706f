/*
 * Tiles: a chunk of a panel times a few tokens, for all vector widths. Included by the files of the
 * instruction sets, after tile_dots(), which is in panel_dots.h or their own. They make tiles of a fixed number of
 * tokens from tile_blocks() and tile_floats(), so that the sums of a tile are registers.
 */

/* The next tile's activations, which may be far away. Past the last token this does no harm. */
INLINE void
prefetch_tokens(const struct tokens *x, const int tokens)
{
	UNROLL
	for (int t = 0; t < tokens; t++)
		__builtin_prefetch((const char *)token(x, t) + (size_t)tokens * x->stride, 0, 3);
}

/* Adds the minimum of a part of a block to the sums. */
INLINE void
tile_minimum(const vf *m, const struct tokens *x, vf sum[], const int part, const int tokens)
{
	UNROLL
	for (int i = 0; i < tokens * VECTORS; i++)
		sum[i] = fma_lanes(m[i % VECTORS], broadcast_float(block(x, i / VECTORS)->s[part]), sum[i]);
}

/* Adds a block to the sums: its dot products, then its minimums if it has any. */
INLINE void
tile_block(const uint8_t *q, const struct scale *d, const vf *m, const struct tokens *x, vf sum[],
	const int tokens, const struct coding c)
{
	vi dot[VECTORS * TILE_TOKENS];
	vf scaled[VECTORS * TILE_TOKENS];

	tile_dots(dot, q, x, has_halves(c), tokens, c);
	UNROLL
	for (int i = 0; i < tokens * VECTORS; i++)
		scaled[i] = times(d[i % VECTORS], dot[i]);
	if (has_halves(c)) {
		tile_dots(dot, q, x, 2, tokens, c);
		UNROLL
		for (int i = 0; i < tokens * VECTORS; i++)
			scaled[i] = plus_times(scaled[i], d[VECTORS + i % VECTORS].d, dot[i]);
	}
	UNROLL
	for (int i = 0; i < tokens * VECTORS; i++)
		sum[i] = fma_lanes(scaled[i], broadcast_float(block(x, i / VECTORS)->d), sum[i]);
	if (has_minimum(c))
		tile_minimum(m, x, sum, has_halves(c), tokens);
	if (has_minimum(c) && has_halves(c))
		tile_minimum(m + VECTORS, x, sum, 2, tokens);
}

INLINE void
tile_blocks(const struct panel *restrict p, size_t n, const void *act, size_t stride,
	float *restrict sum, struct panel_ahead *next, const int tokens, const struct coding c)
{
	vf acc[VECTORS * TILE_TOKENS];

	UNROLL
	for (int i = 0; i < tokens * VECTORS; i++)
		acc[i] = *(vf *)(sum + i * LANES);
	for (size_t b = 0; b < n; b++) {
		const struct tokens x = tokens_from(act, b * sizeof(struct act_block), stride);
		const uint8_t *q = p->q + b * 8 * PANEL_GROUP;
		const size_t scales = b * (size_t)(has_halves(c) ? 2 : 1) * VECTORS;

		prefetch_lines(next, 1);
		prefetch_tokens(&x, tokens);
		tile_block(q, p->d + scales, p->m + scales, &x, acc, tokens, c);
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
				(struct coding){ kind, width, zero, false });                             \
	}
