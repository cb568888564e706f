/*
 * Out of GGUF blocks, LANES rows at a time, written once for all vector widths, into a panel or
 * into the sums of a few tokens (engine/panel_sink.h). Included by the files of the instruction
 * sets after what engine/panel.h asks for. Layouts of the blocks: engine/quant.c.
 *
 * load_rows() turns 16 bytes of each row; from then on all rows are worked on alike. Every load
 * lies within the block: nothing is read past the end of a matrix.
 */

/* One row a format: name, kind, bits of a weight, what it is less. */
#define PANEL_FORMATS(X)                                                                           \
	X(F32, f32, KIND_FLOAT, 0, 0)                                                              \
	X(F16, f16, KIND_FLOAT, 0, 0)                                                              \
	X(BF16, bf16, KIND_FLOAT, 0, 0)                                                            \
	X(Q4_0, q4_0, KIND_WHOLE, 4, 8)                                                            \
	X(Q4_1, q4_1, KIND_WHOLE_MIN, 4, 0)                                                        \
	X(Q5_0, q5_0, KIND_WHOLE, 5, 16)                                                           \
	X(Q5_1, q5_1, KIND_WHOLE_MIN, 5, 0)                                                        \
	X(Q8_0, q8_0, KIND_WHOLE, SIGNED, 0)                                                       \
	X(Q2_K, q2_k, KIND_HALVES_MIN, 4, 0)                                                       \
	X(Q3_K, q3_k, KIND_HALVES, 4, 4)                                                           \
	X(Q4_K, q4_k, KIND_WHOLE_MIN, 4, 0)                                                        \
	X(Q5_K, q5_k, KIND_WHOLE_MIN, 5, 0)                                                        \
	X(Q6_K, q6_k, KIND_HALVES, 6, 32)                                                          \
	X(IQ4_NL, iq4_nl, KIND_WHOLE, SIGNED, 0)                                                   \
	X(IQ4_XS, iq4_xs, KIND_WHOLE, SIGNED, 0)

/* Handed to the sink in every call, not kept there: clang unrolls an unpacker before it is inlined,
 * and what is not a constant by then makes it too large for that. */
#define CODING(type, name, kind, width, zero)                                                      \
	static const struct coding name = { kind, width, zero, false };

PANEL_FORMATS(CODING)

/* Whether weights that share a byte are multiplied where they lie in it: those at bit 4 as 16 times what they are. */
#ifdef NIBBLES_IN_PLACE
#define IN_PLACE(o) ((o)->tokens > 0)
#else
#define IN_PLACE(o) false
#endif

static const struct coding q2_k_in_place = { KIND_HALVES_MIN, 4, 0, true };
static const struct coding q4_k_in_place = { KIND_WHOLE_MIN, 4, 0, true };

static inline vf
to_float(vu x)
{
	return __builtin_convertvector((vi)x, vf);
}

/* The dot products come as 1 / `unit` times what they are. */
INLINE void
put_scale_and_minimum(struct sink *o, vu head, const float unit)
{
	vf d[2];

	halves_to_float(head, d);
	put_scale(o, 0, d[0] * unit);
	put_minimum(o, 0, d[1]);
}

/* The low nibbles of x are group g of the step's block i, the high ones that of the next block. */
INLINE void
put_two_blocks(struct sink *o, const int i, const int g, vu x)
{
	if (IN_PLACE(o)) {
		put(o, q4_k_in_place, i, g, x & NIBBLES);
		put(o, q4_k_in_place, i + 1, g, x & ~NIBBLES);
	} else {
		put(o, q4_k, i, g, panel_unsigned(x, NIBBLES, 0));
		put(o, q4_k, i + 1, g, panel_unsigned(x >> 4, NIBBLES, 0));
	}
}

/* The low nibbles are the first half of a block, the high ones the second. */
INLINE void
put_nibbles(struct sink *o, const vu x[4])
{
	if (multiply_nibbles(o, q4_1, x))
		return;
	UNROLL
	for (int g = 0; g < 8; g++)
		put(o, q4_1, 0, g, panel_unsigned(x[g % 4] >> g / 4 * 4, NIBBLES, 0));
}

INLINE void
put_nibbles_less_8(struct sink *o, const vu x[4])
{
	if (multiply_nibbles(o, q4_0, x))
		return;
	UNROLL
	for (int g = 0; g < 8; g++) {
		vu w[2];

		panel_nibbles_less_8(x[g % 4], w);
		put(o, q4_0, 0, g, w[g / 4]);
	}
}

INLINE void
put_nibbles_and_fifth(
	struct sink *o, const struct coding c, const vu x[4], vu fifth, const int zero)
{
	UNROLL
	for (int g = 0; g < 8; g++) {
		vu w = merge(spread_bits(fifth >> 4 * g), x[g % 4] >> g / 4 * 4, NIBBLES);

		put(o, c, 0, g, panel_unsigned(w, 0x1f1f1f1f, zero));
	}
}

INLINE void
put_lookup(struct sink *o, const struct coding c, const int i, const vu x[4])
{
	UNROLL
	for (int g = 0; g < 8; g++)
		put(o, c, i, g, panel_lookup(x[g % 4] >> g / 4 * 4 & NIBBLES));
}

/* ---- blocks of 32 ---------------------------------------------------------------------------- */

INLINE void
walk_q4_0(const uint8_t *p, size_t stride, size_t blocks, struct sink *o)
{
	for (size_t b = 0; b < blocks; b++, p += 18) {
		vu x[4];

		prefetch(o, p + 18, stride, 1);
		put_scale(o, 0, load_halves(p, stride) * nibble_scale);
		load_rows(p + 2, stride, x);
		put_nibbles_less_8(o, x);
		finish(o, q4_0, 0, 1);
		advance(o, q4_0, 1);
	}
}

INLINE void
walk_q4_1(const uint8_t *p, size_t stride, size_t blocks, struct sink *o)
{
	for (size_t b = 0; b < blocks; b++, p += 20) {
		vu head[4], x[4];

		prefetch(o, p + 20, stride, 1);
		load_rows(p, stride, head);
		load_rows(p + 4, stride, x);
		put_scale_and_minimum(o, head[0], IN_PLACE(o) ? nibble_scale : 1);
		put_nibbles(o, x);
		finish(o, q4_1, 0, 1);
		advance(o, q4_1, 1);
	}
}

INLINE void
walk_q5_0(const uint8_t *p, size_t stride, size_t blocks, struct sink *o)
{
	for (size_t b = 0; b < blocks; b++, p += 22) {
		vu head[4], x[4];
		vf d[2];

		prefetch(o, p + 22, stride, 1);
		load_rows(p, stride, head);
		load_rows(p + 6, stride, x);
		halves_to_float(head[0], d);
		put_scale(o, 0, d[0]);
		put_nibbles_and_fifth(o, q5_0, x, head[0] >> 16 | head[1] << 16, 16);
		finish(o, q5_0, 0, 1);
		advance(o, q5_0, 1);
	}
}

INLINE void
walk_q5_1(const uint8_t *p, size_t stride, size_t blocks, struct sink *o)
{

	for (size_t b = 0; b < blocks; b++, p += 24) {
		vu head[4], x[4];

		prefetch(o, p + 24, stride, 1);
		load_rows(p, stride, head);
		load_rows(p + 8, stride, x);
		put_scale_and_minimum(o, head[0], 1);
		put_nibbles_and_fifth(o, q5_1, x, head[1], 0);
		finish(o, q5_1, 0, 1);
		advance(o, q5_1, 1);
	}
}

INLINE void
walk_q8_0(const uint8_t *p, size_t stride, size_t blocks, struct sink *o)
{
	for (size_t b = 0; b < blocks; b++, p += 34) {
		vu x[8];

		prefetch(o, p + 34, stride, 1);
		load_rows(p + 2, stride, x);
		load_rows(p + 18, stride, x + 4);
		put_scale(o, 0, load_halves(p, stride));
		UNROLL
		for (int g = 0; g < 8; g++)
			put(o, q8_0, 0, g, panel_signed(x[g]));
		finish(o, q8_0, 0, 1);
		advance(o, q8_0, 1);
	}
}

INLINE void
walk_iq4_nl(const uint8_t *p, size_t stride, size_t blocks, struct sink *o)
{
	for (size_t b = 0; b < blocks; b++, p += 18) {
		vu x[4];

		prefetch(o, p + 18, stride, 1);
		load_rows(p + 2, stride, x);
		put_scale(o, 0, load_halves(p, stride));
		put_lookup(o, iq4_nl, 0, x);
		finish(o, iq4_nl, 0, 1);
		advance(o, iq4_nl, 1);
	}
}

/* ---- super-blocks of 256: eight blocks ------------------------------------------------------- */

/* The dot products of block i come as 4^(i % 4) times what they are, if they are multiplied in place. */
INLINE void
put_q2_k_scales(struct sink *o, const vu sc[4], vu head)
{
	vf f[2];
	struct scale d[4], m;

	halves_to_float(head, f);
	UNROLL
	for (int i = 0; i < 4; i++)
		d[i] = make_scale(f[0] * (IN_PLACE(o) ? 1.0f / (1 << 2 * i) : 1));
	m = make_scale(-f[1]);
	UNROLL
	for (int i = 0; i < 16; i++) {
		put_scale(o, i, times(d[i / 2 % 4], magic_byte(sc[i / 4] & NIBBLES, i % 4)));
		put_minimum(o, i, times(m, magic_byte(sc[i / 4] >> 4 & NIBBLES, i % 4)));
	}
}

/* Two bits of each byte, from bit 2 * i % 8 on: group g of block i. */
INLINE void
put_two_bits(struct sink *o, const int i, const int g, vu x)
{
	const int at = 2 * i % 8;

	if (IN_PLACE(o))
		put(o, q2_k_in_place, i, g, x & 0x03030303u << at);
	else
		put(o, q2_k, i, g, panel_unsigned(x >> at, 0x03030303, 0));
}

INLINE void
walk_q2_k(const uint8_t *p, size_t stride, size_t blocks, struct sink *o)
{
	for (size_t b = 0; b < blocks; b += 8, p += 84) {
		vu sc[4], tail[4];

		load_rows(p, stride, sc);
		load_rows(p + 68, stride, tail);
		put_q2_k_scales(o, sc, tail[3]);
		UNROLL
		for (int c = 0; c < 4; c++) {
			vu x[4];

			prefetch(o, p + 84, stride, 2);
			load_rows(p + 16 + 16 * c, stride, x);
			UNROLL
			for (int i = 0; i < 4; i++) {
				UNROLL
				for (int j = 0; j < 4; j++)
					put_two_bits(o, c / 2 * 4 + i, c % 2 * 4 + j, x[j]);
			}
			if (c % 2)
				finish(o, q2_k, c / 2 * 4, 4);
		}
		advance(o, q2_k, 8);
	}
}

/* The bits from bit `from` on to bit `to`; what comes along is to be masked. */
INLINE vu
move(vu x, const int from, const int to)
{
	return from < to ? x << (to - from) : x >> (from - to);
}

/* Three bits: two of each byte from bit `low`, and one above them from bit `high`. */
INLINE vu
three_bits(vu lo, const int low, vu hi, const int high)
{
	const int at = LOW_BIT(3);

	return panel_less_half(merge(move(hi, high, at + 2), move(lo, low, at), 0x03030303u << at), 3);
}

/* 16 scales of 6 bits, four a vector, less 32: low 4 bits in bytes 0-7, high 2 bits in bytes 8-11. */
static inline void
q3_k_scales(const vu tail[4], vu sc[4])
{
	vu s0 = tail[0] >> 16 | tail[1] << 16, s1 = tail[1] >> 16 | tail[2] << 16;
	vu s2 = tail[2] >> 16 | tail[3] << 16;

	sc[0] = (s0 & NIBBLES) | (s2 << 4 & 0x30303030);
	sc[1] = (s1 & NIBBLES) | (s2 << 2 & 0x30303030);
	sc[2] = (s0 >> 4 & NIBBLES) | (s2 & 0x30303030);
	sc[3] = (s1 >> 4 & NIBBLES) | (s2 >> 2 & 0x30303030);
}

INLINE void
walk_q3_k(const uint8_t *p, size_t stride, size_t blocks, struct sink *o)
{
	for (size_t b = 0; b < blocks; b += 8, p += 110) {
		vu hmask[8], tail[4], sc[4];
		vf f[2];
		struct scale d;

		load_rows(p, stride, hmask);
		load_rows(p + 16, stride, hmask + 4);
		load_rows(p + 94, stride, tail);	/* two bytes before the scales */
		halves_to_float(tail[3], f);
		d = make_scale(f[1] / (1 << LOW_BIT(3)));
		q3_k_scales(tail, sc);
		UNROLL
		for (int i = 0; i < 16; i++)
			put_scale(o, i, times(d, magic_signed_byte((vu)((vb)sc[i / 4] - 32), i % 4)));
		UNROLL
		for (int c = 0; c < 4; c++) {
			vu x[4];

			prefetch(o, p + 110, stride, 2);
			load_rows(p + 32 + 16 * c, stride, x);
			UNROLL
			for (int i = 0; i < 4; i++) {
				UNROLL
				for (int j = 0; j < 4; j++) {
					const int block = c / 2 * 4 + i, g = c % 2 * 4 + j;

					put(o, q3_k, block, g, three_bits(x[j], 2 * i, hmask[g], block));
				}
			}
			if (c % 2)
				finish(o, q3_k, c / 2 * 4, 4);
		}
		advance(o, q3_k, 8);
	}
}

/*
 * Scales and minimums of Q4_K and Q5_K, 6 bits each, from the block's first 16 bytes. The dot products of every
 * other block come as 1 / `odd_unit` times what they are.
 */
INLINE void
put_k4_scales(struct sink *o, const vu head[4], const float odd_unit)
{
	vu sc[2], mins[2];
	vf f[2];
	struct scale d[2], m;

	halves_to_float(head[0], f);
	d[0] = make_scale(f[0]);
	d[1] = make_scale(f[0] * odd_unit);
	m = make_scale(-f[1]);
	sc[0] = head[1] & 0x3f3f3f3f;
	mins[0] = head[2] & 0x3f3f3f3f;
	sc[1] = merge(head[1] >> 2, head[3], NIBBLES) & 0x3f3f3f3f;
	mins[1] = merge(head[2] >> 2, head[3] >> 4, NIBBLES) & 0x3f3f3f3f;
	UNROLL
	for (int i = 0; i < 8; i++) {
		put_scale(o, i, times(d[i % 2], magic_byte(sc[i / 4], i % 4)));
		put_minimum(o, i, times(m, magic_byte(mins[i / 4], i % 4)));
	}
}

INLINE void
walk_q4_k(const uint8_t *p, size_t stride, size_t blocks, struct sink *o)
{
	for (size_t b = 0; b < blocks; b += 8, p += 144) {
		vu x[4];

		load_rows(p, stride, x);
		put_k4_scales(o, x, IN_PLACE(o) ? nibble_scale : 1);
		UNROLL
		for (int c = 0; c < 8; c++) {
			const int i = c / 2 * 2;

			prefetch(o, p + 144, stride, 1);
			load_rows(p + 16 + 16 * c, stride, x);
			UNROLL
			for (int j = 0; j < 4; j++)
				put_two_blocks(o, i, c % 2 * 4 + j, x[j]);
			if (c % 2)
				finish(o, q4_k, i, 2);
		}
		advance(o, q4_k, 8);
	}
}

INLINE void
walk_q5_k(const uint8_t *p, size_t stride, size_t blocks, struct sink *o)
{
	for (size_t b = 0; b < blocks; b += 8, p += 176) {
		vu x[4], qh[8];

		load_rows(p, stride, x);
		put_k4_scales(o, x, 1);
		load_rows(p + 16, stride, qh);
		load_rows(p + 32, stride, qh + 4);
		UNROLL
		for (int c = 0; c < 8; c++) {
			const int i = c / 2 * 2;

			prefetch(o, p + 176, stride, 1);
			load_rows(p + 48 + 16 * c, stride, x);
			UNROLL
			for (int j = 0; j < 4; j++) {
				const int g = c % 2 * 4 + j;
				vu lo = i < 4 ? qh[g] << (4 - i) : qh[g] >> (i - 4);
				vu hi = i < 3 ? qh[g] << (3 - i) : qh[g] >> (i - 3);

				put(o, q5_k, i, g,
					panel_unsigned(merge(lo, x[j], NIBBLES), 0x1f1f1f1f, 0));
				put(o, q5_k, i + 1, g,
					panel_unsigned(
						merge(hi, x[j] >> 4, NIBBLES), 0x1f1f1f1f, 0));
			}
			if (c % 2)
				finish(o, q5_k, i, 2);
		}
		advance(o, q5_k, 8);
	}
}

/* Six bits: four of each byte from bit `low`, and two above them from bit `high`. */
INLINE vu
six_bits(vu lo, const int low, vu hi, const int high)
{
	const int at = LOW_BIT(6);

	return panel_less_half(merge(move(hi, high, at + 4), move(lo, low, at), NIBBLES << at), 6);
}

/* 64 columns of each of the four blocks that share their high bits: 16 columns of each. */
INLINE void
put_q6_k(struct sink *o, const uint8_t *ql, const uint8_t *qh, size_t stride, const int i,
	const int g)
{
	vu lo[4], lo2[4], h[4];

	load_rows(ql, stride, lo);
	load_rows(ql + 32, stride, lo2);
	load_rows(qh, stride, h);
	UNROLL
	for (int j = 0; j < 4; j++) {
		put(o, q6_k, i, g + j, six_bits(lo[j], 0, h[j], 0));
		put(o, q6_k, i + 1, g + j, six_bits(lo2[j], 0, h[j], 2));
		put(o, q6_k, i + 2, g + j, six_bits(lo[j], 4, h[j], 4));
		put(o, q6_k, i + 3, g + j, six_bits(lo2[j], 4, h[j], 6));
	}
}

INLINE void
walk_q6_k(const uint8_t *p, size_t stride, size_t blocks, struct sink *o)
{
	for (size_t b = 0; b < blocks; b += 8, p += 210) {
		vu sc[4], tail[4];
		vf f[2];
		struct scale d;

		load_rows(p + 192, stride, sc);
		load_rows(p + 194, stride, tail);
		halves_to_float(tail[3], f);
		d = make_scale(f[1] / (1 << LOW_BIT(6)));
		UNROLL
		for (int i = 0; i < 16; i++)
			put_scale(o, i, times(d, magic_signed_byte(sc[i / 4], i % 4)));
		UNROLL
		for (int c = 0; c < 4; c++) {
			prefetch(o, p + 210, stride, 2);
			prefetch_near(o, p + 210 + 64 * c, stride);
			put_q6_k(o, p + c / 2 * 64 + c % 2 * 16, p + 128 + 16 * c, stride,
				c / 2 * 4, c % 2 * 4);
			if (c % 2)
				finish(o, q6_k, c / 2 * 4, 4);
		}
		advance(o, q6_k, 8);
	}
}

INLINE void
walk_iq4_xs(const uint8_t *p, size_t stride, size_t blocks, struct sink *o)
{
	for (size_t b = 0; b < blocks; b += 8, p += 136) {
		vu x[4];
		vf d[2];

		load_rows(p, stride, x);
		halves_to_float(x[0], d);
		UNROLL
		for (int i = 0; i < 8; i++) {
			vu ls = (x[1] >> 4 * i & 15) | (x[0] >> (16 + 2 * i) & 3) << 4;

			put_scale(o, i, d[0] * to_float(ls - 32));
		}
		UNROLL
		for (int i = 0; i < 8; i++) {
			prefetch(o, p + 136, stride, 1);
			load_rows(p + 8 + 16 * i, stride, x);
			put_lookup(o, iq4_xs, i, x);
			finish(o, iq4_xs, i, 1);
		}
		advance(o, iq4_xs, 8);
	}
}

/* ---- floats: `blocks` is the number of columns, rounded up to a multiple of 8 ------------------- */

INLINE void
walk_f32(const uint8_t *p, size_t stride, size_t cols, struct sink *o)
{
	for (size_t k = 0; k < cols; k += 8, p += 32) {
		vu x[8];

		prefetch(o, p + 32, stride, 1);
		load_rows(p, stride, x);
		load_rows(p + 16, stride, x + 4);
		UNROLL
		for (int j = 0; j < 8; j++)
			put_column(o, j, (vf)x[j]);
		advance(o, f32, 8);
	}
}

INLINE void
walk_f16(const uint8_t *p, size_t stride, size_t cols, struct sink *o)
{
	for (size_t k = 0; k < cols; k += 8, p += 16) {
		vu x[4];

		prefetch(o, p + 16, stride, 1);
		load_rows(p, stride, x);
		UNROLL
		for (int j = 0; j < 4; j++) {
			vf f[2];

			halves_to_float(x[j], f);
			put_column(o, 2 * j, f[0]);
			put_column(o, 2 * j + 1, f[1]);
		}
		advance(o, f16, 8);
	}
}

INLINE void
walk_bf16(const uint8_t *p, size_t stride, size_t cols, struct sink *o)
{
	for (size_t k = 0; k < cols; k += 8, p += 16) {
		vu x[4];

		prefetch(o, p + 16, stride, 1);
		load_rows(p, stride, x);
		UNROLL
		for (int j = 0; j < 4; j++) {
			put_column(o, 2 * j, (vf)(x[j] << 16));
			put_column(o, 2 * j + 1, (vf)(x[j] & 0xffff0000));
		}
		advance(o, bf16, 8);
	}
}

/* ---- what is made of them -------------------------------------------------------------------- */

#define UNPACK(type, name, kind, width, zero)                                                      \
	static void unpack_##name(const uint8_t *p, size_t stride, size_t n, struct panel_out to,  \
		struct panel_ahead *next)                                                          \
	{                                                                                          \
		struct sink o;                                                                     \
                                                                                                   \
		o.tokens = 0;                                                                      \
		o.to = to;                                                                         \
		o.next = next;                                                                     \
		walk_##name(p, stride, n, &o);                                                     \
	}

#define FEW(name, n_tokens)                                                                        \
	static void few_##name##_##n_tokens(const uint8_t *p, size_t stride, size_t n,             \
		const void *act, size_t act_stride, float *sum)                                    \
	{                                                                                          \
		struct sink o;                                                                     \
                                                                                                   \
		o.tokens = n_tokens;                                                               \
		o.x = tokens_from(act, 0, act_stride);                                             \
		o.line = p;                                                                        \
		begin_sums(&o, name, sum);                                                         \
		walk_##name(p, stride, n, &o);                                                     \
		end_sums(&o, name, sum);                                                           \
	}

#define FEWS(type, name, kind, width, zero)                                                        \
	FEW(name, 1)                                                                               \
	FEW(name, 2)                                                                               \
	FEW(name, 3)                                                                               \
	FEW(name, 4)

#define FORMAT(type, name, kind, width, zero)                                                      \
	[QUANT_##type] = { kind, unpack_##name,                                                    \
		{ few_##name##_1, few_##name##_2, few_##name##_3, few_##name##_4 } },

PANEL_FORMATS(UNPACK)
PANEL_FORMATS(FEWS)

static const struct panel_format panel_formats[QUANT_TYPE_MAX] = { PANEL_FORMATS(FORMAT) };
