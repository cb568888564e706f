/* One tile a kind and number of tokens: for instruction sets to which all weights of a panel are the same bytes. */

#define TILES(name, kind)                                                                          \
	TILE(name, 1, kind, 8, 0)                                                                  \
	TILE(name, 2, kind, 8, 0)                                                                  \
	TILE(name, 3, kind, 8, 0)                                                                  \
	TILE(name, 4, kind, 8, 0)
#define UP_TO_4(name) { name##_1, name##_2, name##_3, name##_4 }

TILES(whole, KIND_WHOLE)
TILES(whole_min, KIND_WHOLE_MIN)
TILES(halves, KIND_HALVES)
TILES(halves_min, KIND_HALVES_MIN)
TILES(floats, KIND_FLOAT)

static tile_fn *
tile_for(enum quant_type type, size_t tokens)
{
	static tile_fn *const tiles[KIND_COUNT][TILE_TOKENS] = {
		[KIND_WHOLE] = UP_TO_4(whole),
		[KIND_WHOLE_MIN] = UP_TO_4(whole_min),
		[KIND_HALVES] = UP_TO_4(halves),
		[KIND_HALVES_MIN] = UP_TO_4(halves_min),
		[KIND_FLOAT] = UP_TO_4(floats),
	};

	return tiles[panel_formats[type].kind][tokens - 1];
}
