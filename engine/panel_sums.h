/*
 * What tiles and the kernels for few tokens share: where the activations lie, and how a dot product
 * enters a sum. Included by the files of the instruction sets.
 *
 * The integer sums begin at M + c and end at M + dot, where M = 1.5 * 2^23 as the bits of a float
 * and c makes up for weights that were stored with an offset. Then fma(M + dot, d, -M * d) is dot *
 * d rounded once, without a conversion: M * d is exact, for the scales of all formats have at most
 * 19 significant bits.
 */

/* The tokens of a tile, reached from every third one: an address is a pointer and once or twice the
 * stride. */
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

INLINE struct scale
make_scale(vf d)
{
	return (struct scale){ d, d * -0x1.8p23f };
}

/* An integer that came as M + n, times the scale: rounded once. */
INLINE vf
times(struct scale s, vi n)
{
	return fma_lanes((vf)n, s.d, s.less);
}

/* Another one times its scale, added: M is taken away first, which is exact. */
INLINE vf
plus_times(vf sum, vf d, vi n)
{
	return fma_lanes((vf)n - 0x1.8p23f, d, sum);
}

/* Not a function of its own: gcc takes one that only prefetches for one without effect, and drops
 * the calls. */
INLINE void
prefetch_lines(struct panel_ahead *a, unsigned steps)
{
	for (unsigned i = 0; i < steps * a->lines && a->row != a->end; i++) {
		__builtin_prefetch(a->row + a->offset, 0, PREFETCH_LOCALITY);
		a->offset += 64;
		if (a->offset >= a->bytes) {
			a->offset = 0;
			a->row += a->stride;
		}
	}
}
