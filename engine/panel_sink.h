/*
 * Where the unpackers put weights: into a panel, for the tiles; or, for a few tokens, at once into
 * the sums. Which of the two is a constant in each function made of an unpacker, so that only one
 * way is left of it, and what the sink holds are registers.
 *
 * Weights come step by step, a block or a super-block; blocks, and the scales of a step, are
 * counted from its beginning. Within a block the groups of 4 columns come in ascending order, with
 * the scales before finish().
 */

#define NIBBLES 0x0f0f0f0fu

enum { STEP_BLOCKS = 8 }; /* at most */

struct sink {
	int tokens; /* 0: into a panel */

	struct panel_out to; /* of this step */
	struct panel_ahead *next;

	struct tokens x;     /* their activations of this step */
	const uint8_t *line; /* of the first row: up to here the next rows were prefetched */
	struct dot dot[2 * STEP_BLOCKS * FEW_TOKENS];
	vf d[2 * STEP_BLOCKS], m[2 * STEP_BLOCKS];
	vf sum[FEW_TOKENS];
};

/* Loops have a bound that is written down, even where it is a constant once all is inlined: clang
 * unrolls before it knows. */
#define FOR_TOKENS(t, o) UNROLL for (int t = 0; t < FEW_TOKENS; t++) if (t < (o)->tokens)

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

/*
 * For a few tokens: a line of each row into the first-level cache. For formats that touch all lines
 * of a step at its beginning, and vectors of so many rows that these wait for one another.
 */
INLINE void
prefetch_near(const struct sink *o, const uint8_t *line, size_t stride)
{
	if (!o->tokens || LANES < 16)
		return;
	UNROLL
	for (size_t r = 0; r < LANES; r++)
		__builtin_prefetch(line + r * stride, 0, 3);
}

/* Group g of the step's block i. All formats' indices are the same constants, else clang keeps the
 * sink in memory: so the dot product of a whole block moves on to the second place at its half. */
INLINE void
put(struct sink *o, const struct coding c, const int i, const int g, vu w)
{
	const int part = has_halves(c) ? 1 + g / 4 : 0;

	if (!o->tokens) {
		uint8_t *to = o->to.q + (i * 8 + g) * PANEL_GROUP;

		*(vu *)to = w;
#ifdef PANEL_PAIRS
		if (g % 2)
			pair_groups(to - PANEL_GROUP, to);
#endif
		return;
	}
	FOR_TOKENS (t, o) {
		const struct act_block *a = block(&o->x, t) + i;
		struct dot *dot = &o->dot[(2 * i + g / 4) * FEW_TOKENS + t];

		if (g == 0 || (part && g == 4))
			start_dot(dot, a, part, c);
		else if (g == 4)
			*dot = dot[-FEW_TOKENS];
		add_group(dot, w, a, g, c);
	}
}

/*
 * The step's block 0, whose first half are the low nibbles of x and whose second half the high ones, for a few
 * tokens and where the instruction set multiplies nibbles in place: 16 times its dot product. Else false.
 */
INLINE bool
multiply_nibbles(struct sink *o, const struct coding c, const vu x[4])
{
#ifdef NIBBLES_IN_PLACE
	FOR_TOKENS (t, o) {
		const struct act_block *a = block(&o->x, t);
		struct dot *low = &o->dot[t], *high = low + FEW_TOKENS;

		start_nibbles(low, high, a, c);
		UNROLL
		for (int g = 0; g < 4; g++) {
			add_group(low, x[g] & NIBBLES, a, g, c);
			add_group(high, x[g] & ~NIBBLES, a, g + 4, c);
		}
		join_nibbles(low, high);
	}
	return o->tokens > 0;
#else
	return false;
#endif
}

/* Scale, minimum of the step's block i, or half block. */
INLINE void
put_scale(struct sink *o, const int i, vf d)
{
	if (o->tokens)
		o->d[i] = d;
	else
		o->to.d[i * VECTORS] = make_scale(d);
}

INLINE void
put_minimum(struct sink *o, const int i, vf m)
{
	if (o->tokens)
		o->m[i] = m;
	else
		o->to.m[i * VECTORS] = m;
}

/* The dot products of the step's block i with token t, times their scales. */
INLINE vf
scaled_dots(const struct sink *o, const struct coding c, const int i, const int t)
{
	const struct dot *dot = &o->dot[2 * i * FEW_TOKENS + t];

	if (has_halves(c))
		return plus_times(times(make_scale(o->d[2 * i]), end_dot(&dot[0])), o->d[2 * i + 1],
			end_dot(&dot[FEW_TOKENS]));
	return times(make_scale(o->d[i]), end_dot(&dot[FEW_TOKENS]));
}

/* The step's minimum k, of a part of its block i, into the sums. */
INLINE void
add_minimum(struct sink *o, const int k, const int i, const int part)
{
	FOR_TOKENS (t, o) {
		const struct act_block *a = block(&o->x, t) + i;

		o->sum[t] = fma_lanes(o->m[k], broadcast_float(a->s[part]), o->sum[t]);
	}
}

/* All of the step's blocks i .. i + n has come. Ascending. */
INLINE void
finish(struct sink *o, const struct coding c, const int i, const int n)
{
	if (!o->tokens)
		return;
	UNROLL
	for (int b = i; b < i + n; b++) {
		FOR_TOKENS (t, o) {
			const struct act_block *a = block(&o->x, t) + b;

			o->sum[t] = fma_lanes(scaled_dots(o, c, b, t), broadcast_float(a->d), o->sum[t]);
		}
		if (has_minimum(c) && has_halves(c)) {
			add_minimum(o, 2 * b, b, 1);
			add_minimum(o, 2 * b + 1, b, 2);
		} else if (has_minimum(c)) {
			add_minimum(o, b, b, 0);
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
	FOR_TOKENS (t, o)
		o->sum[t] = fma_lanes(
			w, broadcast_float(((const float *)token(&o->x, t))[k]), o->sum[t]);
}

/* On to the next step, n blocks (or columns) further. */
INLINE void
advance(struct sink *o, const struct coding c, const size_t n)
{
	const bool floats = c.kind == KIND_FLOAT;
	const size_t scales = n * (has_halves(c) ? 2 : 1);
	const size_t bytes = n * (floats ? sizeof(float) : sizeof(struct act_block));

	if (o->tokens) {
		o->x.p[0] += bytes;
		o->x.p[1] += bytes;
		return;
	}
	o->to.q += n * (floats ? 1 : 8) * PANEL_GROUP;
	o->to.d += scales * VECTORS;
	o->to.m += scales * VECTORS;
}

/* The sums of a chunk of float weights are added up apart (engine/matmul.h). */
INLINE void
begin_sums(struct sink *o, const struct coding c, const float *sum)
{
	FOR_TOKENS (t, o) {
		if (c.kind == KIND_FLOAT)
			o->sum[t] = (vf){ 0 };
		else
			o->sum[t] = *(const vf *)(sum + t * LANES);
	}
}

INLINE void
end_sums(const struct sink *o, const struct coding c, float *sum)
{
	FOR_TOKENS (t, o) {
		vf *to = (vf *)(sum + t * LANES);

		if (c.kind == KIND_FLOAT)
			*to += o->sum[t];
		else
			*to = o->sum[t];
	}
}
