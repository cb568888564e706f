/*
 * Where the unpackers put weights: into a panel, for the tiles; or, for a few tokens, at once into
 * the sums. Which of the two is a constant in each function made of an unpacker, so that only one
 * way is left of it, and what the sink holds are registers.
 *
 * Weights come step by step, a block or a super-block; blocks, and the scales of a step, are
 * counted from its beginning. Within a block the groups of 4 columns come in ascending order, with
 * the scales before finish().
 */

enum { STEP_BLOCKS = 8 }; /* at most */

struct sink {
	struct coding coding;
	int tokens; /* 0: into a panel */

	struct panel_out to; /* of this step */
	struct panel_ahead *next;

	struct tokens x;     /* their activations of this step */
	const uint8_t *line; /* of the first row: up to here the next rows were prefetched */
	struct dot dot[2 * STEP_BLOCKS * FEW_TOKENS];
	vf d[2 * STEP_BLOCKS], m[2 * STEP_BLOCKS];
	vf sum[FEW_TOKENS];
};

INLINE int
parts(const struct sink *o)
{
	return has_halves(o->coding) ? 2 : 1;
}

/*
 * Before a step that ends at `end`, or several times within. For a few tokens the same line of the
 * LANES rows after these comes into the cache, for tiles a share of the next chunk.
 */
INLINE void
prefetch(struct sink *o, const uint8_t *end, size_t stride, const unsigned steps)
{
	if (!o->tokens) {
		prefetch_lines(o->next, steps);
		return;
	}
	if (o->line >= end)
		return;
	UNROLL
	for (size_t r = 0; r < LANES; r++)
		__builtin_prefetch(o->line + (LANES + r) * stride, 0, PREFETCH_LOCALITY);
	o->line += 64;
}

/* Group g of the step's block i. */
INLINE void
put(struct sink *o, const int i, const int g, vu w)
{
	const int part = has_halves(o->coding) ? 1 + g / 4 : 0;
	struct dot *dot = &o->dot[(parts(o) * i + part / 2) * FEW_TOKENS];

	if (!o->tokens) {
		*(vu *)(o->to.q + (i * 8 + g) * PANEL_GROUP) = w;
		return;
	}
	UNROLL
	for (int t = 0; t < o->tokens; t++) {
		const struct act_block *a = block(&o->x, t) + i;

		if (g == 0 || (part && g == 4))
			start_dot(&dot[t], a, part, o->coding);
		add_group(&dot[t], w, a, g, o->coding);
	}
}

/* Scale, minimum of the step's block i, or half block. */
INLINE void
put_scale(struct sink *o, const int i, vf d)
{
	if (o->tokens)
		o->d[i] = d;
	else
		*(vf *)(o->to.d + i * PANEL_ROWS) = d;
}

INLINE void
put_minimum(struct sink *o, const int i, vf m)
{
	if (o->tokens)
		o->m[i] = m;
	else
		*(vf *)(o->to.m + i * PANEL_ROWS) = m;
}

/* All of the step's blocks i .. i + n has come. Ascending. */
INLINE void
finish(struct sink *o, const int i, const int n)
{
	const int p = parts(o);

	if (!o->tokens)
		return;
	UNROLL
	for (int j = p * i; j < p * (i + n); j++) {
		const struct scale scale = make_scale(o->d[j]);

		UNROLL
		for (int t = 0; t < o->tokens; t++) {
			const struct act_block *a = block(&o->x, t) + j / p;
			const vi dot = end_dot(&o->dot[j * FEW_TOKENS + t]);

			o->sum[t] = add_dot(o->sum[t], dot, scale, broadcast_float(a->d));
			if (has_minimum(o->coding))
				o->sum[t] = fma_lanes(o->m[j],
					broadcast_float(a->s[p == 2 ? 1 + j % 2 : 0]), o->sum[t]);
		}
	}
}

/* Column k of the step, of float weights. */
INLINE void
put_column(struct sink *o, const int k, vf w)
{
	if (!o->tokens) {
		*(vf *)(o->to.q + k * PANEL_GROUP) = w;
		return;
	}
	UNROLL
	for (int t = 0; t < o->tokens; t++)
		o->sum[t] = fma_lanes(
			w, broadcast_float(((const float *)token(&o->x, t))[k]), o->sum[t]);
}

/* On to the next step, n blocks (or columns) further. */
INLINE void
advance(struct sink *o, const size_t n)
{
	const bool floats = o->coding.kind == KIND_FLOAT;
	const size_t bytes = n * (floats ? sizeof(float) : sizeof(struct act_block));

	if (o->tokens) {
		o->x.p[0] += bytes;
		o->x.p[1] += bytes;
		return;
	}
	o->to.q += n * (floats ? 1 : 8) * PANEL_GROUP;
	o->to.d += n * (size_t)parts(o) * PANEL_ROWS;
	o->to.m += n * (size_t)parts(o) * PANEL_ROWS;
}

/* The sums of a chunk of float weights are added up apart (engine/matmul.h). */
INLINE void
begin_sums(struct sink *o, const float *sum)
{
	UNROLL
	for (int t = 0; t < o->tokens; t++)
		if (o->coding.kind == KIND_FLOAT)
			o->sum[t] = (vf){ 0 };
		else
			o->sum[t] = *(const vf *)(sum + t * LANES);
}

INLINE void
end_sums(const struct sink *o, float *sum)
{
	UNROLL
	for (int t = 0; t < o->tokens; t++) {
		vf *to = (vf *)(sum + t * LANES);

		if (o->coding.kind == KIND_FLOAT)
			*to += o->sum[t];
		else
			*to = o->sum[t];
	}
}
