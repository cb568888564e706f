/* The dot products of a tile, for instruction sets that multiply a vector of rows with one token at a time. */

/* The bits of M + dot of part 0 (all), 1 or 2 (a half) of a block: dot[token * VECTORS + vector]. */
INLINE void
tile_dots(vi dot[], const uint8_t *q, const struct tokens *x, const int part, const int tokens,
	const struct coding c)
{
	struct dot sum[VECTORS * TILE_TOKENS];

	UNROLL
	for (int i = 0; i < tokens * VECTORS; i++)
		start_dot(&sum[i], block(x, i / VECTORS), part, c);
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
			add_group(&sum[i], w[i % VECTORS], block(x, i / VECTORS), g, c);
	}
	UNROLL
	for (int i = 0; i < tokens * VECTORS; i++)
		dot[i] = end_dot(&sum[i]);
}
