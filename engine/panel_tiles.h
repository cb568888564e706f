/*
 * Tiles: a chunk of a panel times a few tokens, for all vector widths. Included by the files of the
 * instruction sets, which say how bytes are multiplied (start_dot, dot_groups) and make tiles of a fixed
 * number of tokens from tile_blocks() and tile_floats(), so that the sums of a tile are registers.
 *
 * The integer sums begin at M + c and end at M + dot, where M = 1.5 * 2^23 as the bits of a float and c
 * makes up for weights that were stored with an offset. Then fma(M + dot, d, -M * d) is dot * d rounded
 * once, without a conversion: M * d is exact, for the scales of all formats have at most 19 significant
 * bits.
 */

enum { VECTORS = PANEL_ROWS / LANES };

/* The tokens of a tile, reached from every third one: an address is a pointer and once or twice the stride. */
struct tokens {
	const char *p[2];
	size_t stride;
};

INLINE struct tokens
tokens_from(const void *act, size_t offset, size_t stride)
{
	const char *p = (const char *)act + offset;

	return (struct tokens){ { p, p + 3 * stride }, stride };
}

INLINE const void *
token(const struct tokens *x, int t)
{
	return x->p[t / 3] + (size_t)(t % 3) * x->stride;
}

INLINE const struct act_block *
block(const struct tokens *x, int t)
{
	return token(x, t);
}

/* The next tile's activations, which may be far away. Past the last token this does no harm. */
INLINE void
prefetch_tokens(const struct tokens *x, const int tokens)
{
	UNROLL
	for (int t = 0; t < tokens; t++)
		__builtin_prefetch((const char *)token(x, t) + (size_t)tokens * x->stride, 0, 3);
}

/* Where the sum of part 0 (whole), 1 or 2 (halves) of a block begins. */
INLINE vi start_dot(const struct act_block *a, int part, int width, int zero);

/* dot[t * VECTORS + v] += the products of groups g0..g1 of a block with tokens t, rows of vector v. */
INLINE void dot_groups(vi dot[], const uint8_t *q, const struct tokens *x, int tokens, int g0, int g1, int width);

/* A scale of the rows of a panel, and what takes M away from the sums. */
struct scale {
	vf d[VECTORS], less[VECTORS];
};

INLINE struct scale
load_scale(const float *d)
{
	struct scale s;

	UNROLL
	for (int v = 0; v < VECTORS; v++) {
		s.d[v] = *(const vf *)(d + v * LANES);
		s.less[v] = s.d[v] * -0x1.8p23f;
	}
	return s;
}

/* acc = fma(round(dot * d), a, acc) */
INLINE vf
add_dot(vf acc, vi dot, const struct scale *s, int v, vf a)
{
	return fma_lanes(fma_lanes((vf)dot, s->d[v], s->less[v]), a, acc);
}

/*
 * Adds part 0 (all), 1 or 2 (a half) of a block to the sums: its dot products, then its minimum if it has
 * one. Width and zero: see start_dot and dot_groups.
 */
INLINE void
tile_part(const uint8_t *q, const float *d, const float *m, const struct tokens *x, vf sum[], const int part,
	const int tokens, const int width, const int zero)
{
	vi dot[VECTORS * TILE_TOKENS];
	struct scale scale;

	UNROLL
	for (int i = 0; i < tokens * VECTORS; i++)
		dot[i] = start_dot(block(x, i / VECTORS), part, width, zero);
	dot_groups(dot, q, x, tokens, part == 2 ? 4 : 0, part == 1 ? 4 : 8, width);
	scale = load_scale(d);
	UNROLL
	for (int i = 0; i < tokens * VECTORS; i++) {
		const struct act_block *a = block(x, i / VECTORS);
		const int v = i % VECTORS;

		sum[i] = add_dot(sum[i], dot[i], &scale, v, broadcast_float(a->d));
		if (m)
			sum[i] = fma_lanes(*(const vf *)(m + v * LANES), broadcast_float(a->s[part]), sum[i]);
	}
}

INLINE void
tile_blocks(const struct panel *restrict p, size_t n, const void *act, size_t stride, float *restrict sum,
	struct panel_ahead *next, const int tokens, const enum panel_kind kind, const int width, const int zero)
{
	const bool halves = kind == KIND_HALVES || kind == KIND_HALVES_MIN;
	const bool minimum = kind == KIND_WHOLE_MIN || kind == KIND_HALVES_MIN;
	vf acc[VECTORS * TILE_TOKENS];

	UNROLL
	for (int i = 0; i < tokens * VECTORS; i++)
		acc[i] = *(vf *)(sum + i * LANES);
	for (size_t b = 0; b < n; b++) {
		const struct tokens x = tokens_from(act, b * sizeof(struct act_block), stride);
		const uint8_t *q = p->q + b * 8 * PANEL_GROUP;
		const float *d = p->d + b * (halves ? 2 : 1) * PANEL_ROWS;
		const float *m = p->m + b * (halves ? 2 : 1) * PANEL_ROWS;

		prefetch_lines(next, 1);
		prefetch_tokens(&x, tokens);
		tile_part(q, d, minimum ? m : NULL, &x, acc, halves ? 1 : 0, tokens, width, zero);
		if (halves)
			tile_part(q, d + PANEL_ROWS, minimum ? m + PANEL_ROWS : NULL, &x, acc, 2, tokens, width,
				zero);
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
	static void name##_##tokens(const struct panel *p, size_t n, const void *act, size_t stride, \
		float *sum, struct panel_ahead *next)                                                                        \
	{                                                                                          \
		if (kind == KIND_FLOAT)                                                            \
			tile_floats(p, n, act, stride, sum, next, tokens);                               \
		else                                                                               \
			tile_blocks(p, n, act, stride, sum, next, tokens, kind, width, zero);            \
	}
