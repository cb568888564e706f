/*
 * What the two instruction sets with VNNI share. Weights are unsigned bytes, w + 128, multiplied with signed
 * activations: dot_bytes(), which each defines. Its products and sums are exact for all bytes, so that nibbles
 * can be multiplied where they lie. Included after engine/panel.h.
 */

/* To each lane of sum the products of its four unsigned bytes with four signed ones. */
INLINE vi dot_bytes(vi sum, vu w, vi x);

#define NIBBLES_IN_PLACE

INLINE vi
broadcast_int(int32_t x)
{
	return x - (vi){ 0 };
}

INLINE vu
panel_signed(vu q)
{
	return q ^ 0x80808080;
}

/* 16 * (q - 8) + 128 is q in the upper half of the byte. */
static const float nibble_scale = 1.0f / 16;

INLINE void
panel_nibbles_less_8(vu x, vu out[2])
{
	out[0] = x << 4 & 0xf0f0f0f0;
	out[1] = x & 0xf0f0f0f0;
}

/* 4 * (q - 32) + 128 is q at the top of the byte, as is 32 * (q - 4) + 128. */
#define LOW_BIT(bits) (8 - (bits))

INLINE vu
panel_less_half(vu x, const int bits)
{
	return x & (0xffu << LOW_BIT(bits) & 0xffu) * 0x01010101u;
}

INLINE vi
magic_byte(vu x, const unsigned i)
{
	return dot_bytes(broadcast_int(MATMUL_MAGIC), x, broadcast_int(1 << 8 * i));
}

INLINE vi
magic_signed_byte(vu x, const unsigned i)
{
	return dot_bytes(broadcast_int(MATMUL_MAGIC), (vu)broadcast_int(1 << 8 * i), (vi)x);
}

struct dot {
	vi sum;
};

INLINE void
start_dot(struct dot *d, const struct act_block *a, const int part, const struct coding c)
{
	d->sum = broadcast_int(c.bare ? MATMUL_MAGIC : a->z[part]);
}

INLINE void
add_group(struct dot *d, vu w, const struct act_block *a, const int g, const struct coding c)
{
	int32_t four;

	memcpy(&four, a->q + 4 * g, sizeof four);
	d->sum = dot_bytes(d->sum, w, broadcast_int(four));
}

INLINE vi
end_dot(const struct dot *d)
{
	return d->sum;
}

/* The dot products with the low nibbles and the high ones of a block, both less `zero` (0 or 8), end in `high` as
 * 16 times their sum: 16 * 8 is the 128 that z makes up for. */
INLINE void
start_nibbles(struct dot *low, struct dot *high, const struct act_block *a, const struct coding c)
{
	low->sum = (vi){ 0 };
	high->sum = broadcast_int(c.zero ? a->z[0] : MATMUL_MAGIC);
}

INLINE void
join_nibbles(const struct dot *low, struct dot *high)
{
	high->sum += low->sum << 4;
}
