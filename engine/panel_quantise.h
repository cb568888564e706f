/*
 * Activations to int8, LANES at a time: the bits of the scalar quantise(). Included by the files of the
 * instruction sets.
 */

/* x rounded to the nearest integer, ties to even; |x| < 2^22. */
static inline vi
round_to_int(vf x)
{
	return (vi)(x + 0x1.8p23f) - MATMUL_MAGIC;
}

/* max|x| of a block; 0 when it is a NaN, an infinity or too small to divide by. The bits of numbers that are
 * not negative are in the order of the numbers. */
static inline float
block_max(const float *x)
{
	const uint32_t least = (127 - 100) << 23, infinity = 255u << 23;
	vu all = { 0 };
	uint32_t max;
	float f;

	UNROLL
	for (size_t i = 0; i < MATMUL_BLOCK; i += LANES) {
		vu bits, greater;

		memcpy(&bits, x + i, sizeof bits);
		bits &= 0x7fffffff;
		greater = (vu)(bits > all);
		all = (bits & greater) | (all & ~greater);
	}
	max = max_lanes(all);
	if (max < least || max >= infinity)
		max = 0;
	memcpy(&f, &max, sizeof f);
	return f;
}

static inline void
quantise_block(const float *x, struct act_block *o)
{
	float max = block_max(x), inverse = max > 0 ? 127.0f / max : 0;
	vi sum[2] = { { 0 }, { 0 } };
	int32_t sums[3];

	UNROLL
	for (size_t i = 0; i < MATMUL_BLOCK; i += LANES) {
		vi q = { 0 };
		vf v;

		memcpy(&v, x + i, sizeof v);
		if (max > 0)
			q = round_to_int(v * inverse);
		store_low_bytes(o->q + i, q);
		sum[i / 16] += q;
	}
	sums[1] = sum_lanes(sum[0]);
	sums[2] = sum_lanes(sum[1]);
	sums[0] = sums[1] + sums[2];
	o->d = max / 127.0f;
	UNROLL
	for (int i = 0; i < 3; i++) {
		o->s[i] = o->d * (float)sums[i];
		o->z[i] = MATMUL_MAGIC - 128 * sums[i];
	}
	o->unused = 0;
}

static void
quantise(const float *x, size_t k, struct act_block *out)
{
	for (size_t i = 0; i < k / MATMUL_BLOCK; i++)
		quantise_block(x + i * MATMUL_BLOCK, &out[i]);
}
