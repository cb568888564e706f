/*
 * From GGUF blocks to panels, LANES rows at a time, written once for all vector widths. Included by the
 * files of the instruction sets after what engine/panel.h asks for. Layouts of the blocks: engine/quant.c.
 *
 * load_rows() turns 16 bytes of each row; from then on all rows are worked on alike. Every load lies
 * within the block: nothing is read past the end of a matrix.
 */

#define NIBBLES 0x0f0f0f0fu

static inline vf
to_float(vu x)
{
	return __builtin_convertvector((vi)x, vf);
}

static inline vu
byte_of(vu x, unsigned i)
{
	return x >> 8 * i & 0xff;
}

static inline void
put(uint8_t *q, size_t block, size_t group, vu x)
{
	*(vu *)(q + (block * 8 + group) * PANEL_GROUP) = x;
}

static inline void
put_float(float *f, size_t i, vf x)
{
	*(vf *)(f + i * PANEL_ROWS) = x;
}

/* Not a function of its own: gcc takes one that only prefetches for one without effect, and drops the calls. */
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

static inline void
put_scale_and_minimum(struct panel_out o, size_t b, vu head)
{
	vf d[2];

	halves_to_float(head, d);
	put_float(o.d, b, d[0]);
	put_float(o.m, b, d[1]);
}

static inline void
put_nibbles_and_fifth(uint8_t *q, size_t b, const vu x[4], vu fifth, int zero)
{
	UNROLL
	for (unsigned j = 0; j < 4; j++) {
		vu lo = merge(spread_bits(fifth >> 4 * j), x[j], NIBBLES);
		vu hi = merge(spread_bits(fifth >> (16 + 4 * j)), x[j] >> 4, NIBBLES);

		put(q, b, j, panel_unsigned(lo, 0x1f1f1f1f, zero));
		put(q, b, j + 4, panel_unsigned(hi, 0x1f1f1f1f, zero));
	}
}

static inline void
put_lookup(uint8_t *q, size_t b, const vu x[4])
{
	UNROLL
	for (size_t j = 0; j < 4; j++) {
		put(q, b, j, panel_lookup(x[j] & NIBBLES));
		put(q, b, j + 4, panel_lookup(x[j] >> 4 & NIBBLES));
	}
}

/* ---- blocks of 32 ---------------------------------------------------------------------------- */

static void
unpack_q4_0(const uint8_t *p, size_t stride, size_t blocks, struct panel_out o, struct panel_ahead *next)
{
	for (size_t b = 0; b < blocks; b++, p += 18) {
		vu x[4];

		prefetch_lines(next, 1);
		put_float(o.d, b, load_halves(p, stride) * nibble_scale);
		load_rows(p + 2, stride, x);
		UNROLL
		for (size_t j = 0; j < 4; j++) {
			vu w[2];

			panel_nibbles_less_8(x[j], w);
			put(o.q, b, j, w[0]);
			put(o.q, b, j + 4, w[1]);
		}
	}
}

static void
unpack_q4_1(const uint8_t *p, size_t stride, size_t blocks, struct panel_out o, struct panel_ahead *next)
{
	for (size_t b = 0; b < blocks; b++, p += 20) {
		vu head[4], x[4];

		prefetch_lines(next, 1);
		load_rows(p, stride, head);
		load_rows(p + 4, stride, x);
		put_scale_and_minimum(o, b, head[0]);
		UNROLL
		for (size_t j = 0; j < 4; j++) {
			put(o.q, b, j, panel_unsigned(x[j], NIBBLES, 0));
			put(o.q, b, j + 4, panel_unsigned(x[j] >> 4, NIBBLES, 0));
		}
	}
}

static void
unpack_q5_0(const uint8_t *p, size_t stride, size_t blocks, struct panel_out o, struct panel_ahead *next)
{
	for (size_t b = 0; b < blocks; b++, p += 22) {
		vu head[4], x[4];
		vf d[2];

		prefetch_lines(next, 1);
		load_rows(p, stride, head);
		load_rows(p + 6, stride, x);
		halves_to_float(head[0], d);
		put_float(o.d, b, d[0]);
		put_nibbles_and_fifth(o.q, b, x, head[0] >> 16 | head[1] << 16, 16);
	}
}

static void
unpack_q5_1(const uint8_t *p, size_t stride, size_t blocks, struct panel_out o, struct panel_ahead *next)
{

	for (size_t b = 0; b < blocks; b++, p += 24) {
		vu head[4], x[4];

		prefetch_lines(next, 1);
		load_rows(p, stride, head);
		load_rows(p + 8, stride, x);
		put_scale_and_minimum(o, b, head[0]);
		put_nibbles_and_fifth(o.q, b, x, head[1], 0);
	}
}

static void
unpack_q8_0(const uint8_t *p, size_t stride, size_t blocks, struct panel_out o, struct panel_ahead *next)
{
	for (size_t b = 0; b < blocks; b++, p += 34) {
		vu x[8];

		prefetch_lines(next, 1);
		load_rows(p + 2, stride, x);
		load_rows(p + 18, stride, x + 4);
		put_float(o.d, b, load_halves(p, stride));
		UNROLL
		for (size_t j = 0; j < 8; j++)
			put(o.q, b, j, panel_signed(x[j]));
	}
}

static void
unpack_iq4_nl(const uint8_t *p, size_t stride, size_t blocks, struct panel_out o, struct panel_ahead *next)
{
	for (size_t b = 0; b < blocks; b++, p += 18) {
		vu x[4];

		prefetch_lines(next, 1);
		load_rows(p + 2, stride, x);
		put_float(o.d, b, load_halves(p, stride));
		put_lookup(o.q, b, x);
	}
}

/* ---- super-blocks of 256: eight blocks ------------------------------------------------------- */

static void
unpack_q2_k(const uint8_t *p, size_t stride, size_t blocks, struct panel_out o, struct panel_ahead *next)
{
	for (size_t b = 0; b < blocks; b += 8, p += 84) {
		vu sc[4], tail[4];
		vf d[2];

		load_rows(p, stride, sc);
		load_rows(p + 68, stride, tail);
		halves_to_float(tail[3], d);
		d[1] = -d[1];
		UNROLL
		for (unsigned i = 0; i < 16; i++) {
			vu s = byte_of(sc[i / 4], i % 4);

			put_float(o.d, 2 * b + i, d[0] * to_float(s & 15));
			put_float(o.m, 2 * b + i, d[1] * to_float(s >> 4));
		}
		UNROLL
		for (size_t c = 0; c < 4; c++) {
			vu x[4];

			prefetch_lines(next, 2);
			load_rows(p + 16 + 16 * c, stride, x);
			UNROLL
			for (unsigned g = 0; g < 4; g++) {
				UNROLL
				for (size_t j = 0; j < 4; j++)
					put(o.q, b + c / 2 * 4 + g, c % 2 * 4 + j,
						panel_unsigned(x[j] >> 2 * g, 0x03030303, 0));
			}
		}
	}
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

static void
unpack_q3_k(const uint8_t *p, size_t stride, size_t blocks, struct panel_out o, struct panel_ahead *next)
{
	for (size_t b = 0; b < blocks; b += 8, p += 110) {
		vu hmask[8], tail[4], sc[4];
		vf d[2];

		load_rows(p, stride, hmask);
		load_rows(p + 16, stride, hmask + 4);
		load_rows(p + 94, stride, tail);	/* two bytes before the scales */
		halves_to_float(tail[3], d);
		q3_k_scales(tail, sc);
		UNROLL
		for (unsigned i = 0; i < 16; i++)
			put_float(o.d, 2 * b + i, d[1] * to_float(byte_of(sc[i / 4], i % 4) - 32));
		UNROLL
		for (size_t c = 0; c < 4; c++) {
			vu x[4];

			prefetch_lines(next, 2);
			load_rows(p + 32 + 16 * c, stride, x);
			UNROLL
			for (unsigned g = 0; g < 4; g++) {
				UNROLL
				for (size_t j = 0; j < 4; j++) {
					unsigned bit = (unsigned)(c / 2 * 4) + g;
					vu h = hmask[c % 2 * 4 + j];

					h = bit < 2 ? h << (2 - bit) : h >> (bit - 2);
					put(o.q, b + bit, c % 2 * 4 + j,
						panel_unsigned(merge(h, x[j] >> 2 * g, 0x03030303), 0x07070707, 4));
				}
			}
		}
	}
}

/* Scales and minimums of Q4_K and Q5_K, 6 bits each, from the block's first 16 bytes. */
static inline void
put_k4_scales(const vu head[4], size_t b, struct panel_out o)
{
	vu sc[2], m[2];
	vf d[2];

	halves_to_float(head[0], d);
	d[1] = -d[1];
	sc[0] = head[1] & 0x3f3f3f3f;
	m[0] = head[2] & 0x3f3f3f3f;
	sc[1] = merge(head[1] >> 2, head[3], NIBBLES) & 0x3f3f3f3f;
	m[1] = merge(head[2] >> 2, head[3] >> 4, NIBBLES) & 0x3f3f3f3f;
	UNROLL
	for (unsigned g = 0; g < 8; g++) {
		put_float(o.d, b + g, d[0] * to_float(byte_of(sc[g / 4], g % 4)));
		put_float(o.m, b + g, d[1] * to_float(byte_of(m[g / 4], g % 4)));
	}
}

static void
unpack_q4_k(const uint8_t *p, size_t stride, size_t blocks, struct panel_out o, struct panel_ahead *next)
{
	for (size_t b = 0; b < blocks; b += 8, p += 144) {
		vu x[4];

		load_rows(p, stride, x);
		put_k4_scales(x, b, o);
		UNROLL
		for (size_t c = 0; c < 8; c++) {
			prefetch_lines(next, 1);
			load_rows(p + 16 + 16 * c, stride, x);
			UNROLL
			for (size_t j = 0; j < 4; j++) {
				size_t g = b + c / 2 * 2, i = c % 2 * 4 + j;

				put(o.q, g, i, panel_unsigned(x[j], NIBBLES, 0));
				put(o.q, g + 1, i, panel_unsigned(x[j] >> 4, NIBBLES, 0));
			}
		}
	}
}

static void
unpack_q5_k(const uint8_t *p, size_t stride, size_t blocks, struct panel_out o, struct panel_ahead *next)
{
	for (size_t b = 0; b < blocks; b += 8, p += 176) {
		vu x[4], qh[8];

		load_rows(p, stride, x);
		put_k4_scales(x, b, o);
		load_rows(p + 16, stride, qh);
		load_rows(p + 32, stride, qh + 4);
		UNROLL
		for (unsigned c = 0; c < 8; c++) {
			prefetch_lines(next, 1);
			load_rows(p + 48 + 16 * c, stride, x);
			UNROLL
			for (unsigned j = 0; j < 4; j++) {
				unsigned g = c / 2 * 2, i = c % 2 * 4 + j;
				vu lo = g < 4 ? qh[i] << (4 - g) : qh[i] >> (g - 4);
				vu hi = g < 3 ? qh[i] << (3 - g) : qh[i] >> (g - 3);

				put(o.q, b + g, i, panel_unsigned(merge(lo, x[j], NIBBLES), 0x1f1f1f1f, 0));
				put(o.q, b + g + 1, i, panel_unsigned(merge(hi, x[j] >> 4, NIBBLES), 0x1f1f1f1f, 0));
			}
		}
	}
}

/* 64 columns of each of the four blocks that share their high bits: 16 columns of each. */
static inline void
put_q6_k(const uint8_t *ql, const uint8_t *qh, size_t stride, uint8_t *q, size_t b, size_t i)
{
	vu lo[4], lo2[4], h[4];

	load_rows(ql, stride, lo);
	load_rows(ql + 32, stride, lo2);
	load_rows(qh, stride, h);
	UNROLL
	for (size_t j = 0; j < 4; j++) {
		put(q, b, i + j, panel_unsigned(merge(h[j] << 4, lo[j], NIBBLES), 0x3f3f3f3f, 32));
		put(q, b + 1, i + j, panel_unsigned(merge(h[j] << 2, lo2[j], NIBBLES), 0x3f3f3f3f, 32));
		put(q, b + 2, i + j, panel_unsigned(merge(h[j], lo[j] >> 4, NIBBLES), 0x3f3f3f3f, 32));
		put(q, b + 3, i + j, panel_unsigned(merge(h[j] >> 2, lo2[j] >> 4, NIBBLES), 0x3f3f3f3f, 32));
	}
}

static void
unpack_q6_k(const uint8_t *p, size_t stride, size_t blocks, struct panel_out o, struct panel_ahead *next)
{
	for (size_t b = 0; b < blocks; b += 8, p += 210) {
		vu sc[4], tail[4];
		vf d[2];

		load_rows(p + 192, stride, sc);
		load_rows(p + 194, stride, tail);
		halves_to_float(tail[3], d);
		UNROLL
		for (unsigned i = 0; i < 16; i++) {
			vi s = (vi)(sc[i / 4] << (24 - 8 * (i % 4))) >> 24;

			put_float(o.d, 2 * b + i, d[1] * to_float((vu)s));
		}
		UNROLL
		for (size_t c = 0; c < 4; c++) {
			prefetch_lines(next, 2);
			put_q6_k(p + c / 2 * 64 + c % 2 * 16, p + 128 + 16 * c, stride, o.q, b + c / 2 * 4,
				c % 2 * 4);
		}
	}
}

static void
unpack_iq4_xs(const uint8_t *p, size_t stride, size_t blocks, struct panel_out o, struct panel_ahead *next)
{
	for (size_t b = 0; b < blocks; b += 8, p += 136) {
		vu x[4];
		vf d[2];

		load_rows(p, stride, x);
		halves_to_float(x[0], d);
		UNROLL
		for (unsigned g = 0; g < 8; g++) {
			vu ls = (x[1] >> 4 * g & 15) | (x[0] >> (16 + 2 * g) & 3) << 4;

			put_float(o.d, b + g, d[0] * to_float(ls - 32));
		}
		UNROLL
		for (size_t g = 0; g < 8; g++) {
			prefetch_lines(next, 1);
			load_rows(p + 8 + 16 * g, stride, x);
			put_lookup(o.q, b + g, x);
		}
	}
}

/* ---- floats: `blocks` is the number of columns, rounded up to a multiple of 8 ------------------- */

static void
unpack_f32(const uint8_t *p, size_t stride, size_t cols, struct panel_out o, struct panel_ahead *next)
{
	for (size_t k = 0; k < cols; k += 4, p += 16) {
		vu x[4];

		if (k % 8 == 0)
			prefetch_lines(next, 1);
		load_rows(p, stride, x);
		UNROLL
		for (size_t j = 0; j < 4; j++)
			put_float((float *)o.q, k + j, (vf)x[j]);
	}
}

static void
unpack_f16(const uint8_t *p, size_t stride, size_t cols, struct panel_out o, struct panel_ahead *next)
{
	for (size_t k = 0; k < cols; k += 8, p += 16) {
		vu x[4];

		prefetch_lines(next, 1);
		load_rows(p, stride, x);
		UNROLL
		for (size_t j = 0; j < 4; j++) {
			vf f[2];

			halves_to_float(x[j], f);
			put_float((float *)o.q, k + 2 * j, f[0]);
			put_float((float *)o.q, k + 2 * j + 1, f[1]);
		}
	}
}

static void
unpack_bf16(const uint8_t *p, size_t stride, size_t cols, struct panel_out o, struct panel_ahead *next)
{
	for (size_t k = 0; k < cols; k += 8, p += 16) {
		vu x[4];

		prefetch_lines(next, 1);
		load_rows(p, stride, x);
		UNROLL
		for (size_t j = 0; j < 4; j++) {
			put_float((float *)o.q, k + 2 * j, (vf)(x[j] << 16));
			put_float((float *)o.q, k + 2 * j + 1, (vf)(x[j] & 0xffff0000));
		}
	}
}

static const struct panel_format panel_formats[QUANT_TYPE_MAX] = {
	[QUANT_F32] = { unpack_f32, KIND_FLOAT },
	[QUANT_F16] = { unpack_f16, KIND_FLOAT },
	[QUANT_BF16] = { unpack_bf16, KIND_FLOAT },
	[QUANT_Q4_0] = { unpack_q4_0, KIND_WHOLE },
	[QUANT_Q4_1] = { unpack_q4_1, KIND_WHOLE_MIN },
	[QUANT_Q5_0] = { unpack_q5_0, KIND_WHOLE },
	[QUANT_Q5_1] = { unpack_q5_1, KIND_WHOLE_MIN },
	[QUANT_Q8_0] = { unpack_q8_0, KIND_WHOLE },
	[QUANT_Q2_K] = { unpack_q2_k, KIND_HALVES_MIN },
	[QUANT_Q3_K] = { unpack_q3_k, KIND_HALVES },
	[QUANT_Q4_K] = { unpack_q4_k, KIND_WHOLE_MIN },
	[QUANT_Q5_K] = { unpack_q5_k, KIND_WHOLE_MIN },
	[QUANT_Q6_K] = { unpack_q6_k, KIND_HALVES },
	[QUANT_IQ4_NL] = { unpack_iq4_nl, KIND_WHOLE },
	[QUANT_IQ4_XS] = { unpack_iq4_xs, KIND_WHOLE },
};
