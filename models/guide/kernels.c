/*
 * The passes over memory between the matrix products of train.py, each in one go; PyTorch would make five to ten of each of them. One thread.
 * Matrices are rows of bf16 (uint16_t), unless they are float. Compile: cc -O3 -march=native -ffast-math -shared -fPIC kernels.c -lm
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float
wide(uint16_t x)
{
	union { uint32_t u; float f; } v = { .u = (uint32_t)x << 16 };

	return v.f;
}

static inline uint16_t
narrow(float x)
{
	union { float f; uint32_t u; } v = { .f = x };

	return (uint16_t)((v.u + 0x7fff + (v.u >> 16 & 1)) >> 16);
}

/* y = x / rms(x) * w, for n rows of d; r gets each row's 1 / rms. */
void
norm_forward(const float *x, const float *w, uint16_t *y, float *r, long n, long d)
{
	for (long i = 0; i < n; i++, x += d, y += d) {
		float sum = 0;

		for (long j = 0; j < d; j++)
			sum += x[j] * x[j];
		r[i] = 1 / sqrtf(sum / d + 1e-5f);
		for (long j = 0; j < d; j++)
			y[j] = narrow(x[j] * r[i] * w[j]);
	}
}

/* gx is set, gw is added to. */
void
norm_backward(const float *x, const float *w, const float *r, const uint16_t *g, float *gx, float *gw, long n, long d)
{
	for (long i = 0; i < n; i++, x += d, g += d, gx += d) {
		float dot = 0, s = r[i];

		for (long j = 0; j < d; j++) {
			float gj = wide(g[j]);

			gw[j] += gj * x[j] * s;
			dot += gj * w[j] * x[j];
		}
		dot *= s * s / d;
		for (long j = 0; j < d; j++)
			gx[j] = (wide(g[j]) * w[j] - x[j] * dot) * s;
	}
}

/* h = silu(gate) * up; a row of gu is gate and up, f each. */
void
swiglu_forward(const uint16_t *gu, uint16_t *h, long n, long f)
{
	for (long i = 0; i < n; i++, gu += 2 * f, h += f)
		for (long j = 0; j < f; j++) {
			float gate = wide(gu[j]);

			h[j] = narrow(gate / (1 + expf(-gate)) * wide(gu[f + j]));
		}
}

void
swiglu_backward(const uint16_t *gu, const uint16_t *g, uint16_t *out, long n, long f)
{
	for (long i = 0; i < n; i++, gu += 2 * f, g += f, out += 2 * f)
		for (long j = 0; j < f; j++) {
			float gate = wide(gu[j]), s = 1 / (1 + expf(-gate)), a = gate * s, gj = wide(g[j]);

			out[j] = narrow(gj * wide(gu[f + j]) * (s + a - a * s));
			out[f + j] = narrow(gj * a);
		}
}

/* A row of hd, in pairs, rotated by the angles of cosine and sine [hd / 2], or back, and scaled. */
static void
rotate(const uint16_t *from, uint16_t *to, const float *cosine, const float *sine, long hd, float scale, int back)
{
	for (long j = 0; j < hd / 2; j++) {
		float x0 = wide(from[2 * j]), x1 = wide(from[2 * j + 1]), s = back ? -sine[j] : sine[j];

		to[2 * j] = narrow((x0 * cosine[j] - x1 * s) * scale);
		to[2 * j + 1] = narrow((x0 * s + x1 * cosine[j]) * scale);
	}
}

/*
 * Rows of queries, keys and values (heads, kv, kv of hd) of b texts of t tokens, from `rows` to apart, q [b heads][t][hd], k and v
 * [b kv][t][hd], or back. Queries and keys are rotated by the angles of cosine and sine [t][hd / 2], queries scaled as well.
 */
static void
move_heads(uint16_t *rows, uint16_t *const apart[3], const float *cosine, const float *sine, long b, long t, long heads, long kv, long hd,
	float scale, int back)
{
	const long n[3] = { heads, kv, kv };

	for (long i = 0; i < b; i++)
		for (long p = 0; p < t; p++)
			for (long w = 0; w < 3; w++)
				for (long h = 0; h < n[w]; h++, rows += hd) {
					uint16_t *row = apart[w] + ((i * n[w] + h) * t + p) * hd;
					uint16_t *to = back ? rows : row;
					const uint16_t *from = back ? row : rows;

					if (w == 2)
						memcpy(to, from, hd * sizeof *to);
					else
						rotate(from, to, cosine + p * hd / 2, sine + p * hd / 2, hd,
							w == 0 ? scale : 1, back);
				}
}

void
heads_forward(uint16_t *in, const float *cosine, const float *sine, uint16_t *q, uint16_t *k, uint16_t *v, long b, long t, long heads,
	long kv, long hd, float scale)
{
	move_heads(in, (uint16_t *const[]){ q, k, v }, cosine, sine, b, t, heads, kv, hd, scale, 0);
}

void
heads_backward(uint16_t *q, uint16_t *k, uint16_t *v, const float *cosine, const float *sine, uint16_t *out, long b, long t, long heads,
	long kv, long hd, float scale)
{
	move_heads(out, (uint16_t *const[]){ q, k, v }, cosine, sine, b, t, heads, kv, hd, scale, 1);
}

/* Softmax in place of n rows of t, where row i sees the first i % t + 1 columns. */
void
softmax_forward(uint16_t *a, long n, long t)
{
	float e[t];

	for (long i = 0; i < n; i++, a += t) {
		long m = i % t + 1;
		float top = wide(a[0]), sum = 0;

		for (long j = 1; j < m; j++)
			top = fmaxf(top, wide(a[j]));
		for (long j = 0; j < m; j++) {
			e[j] = expf(wide(a[j]) - top);
			sum += e[j];
		}
		for (long j = 0; j < m; j++)
			a[j] = narrow(e[j] / sum);
		memset(a + m, 0, (t - m) * sizeof *a);
	}
}

/* out may be g. */
void
softmax_backward(const uint16_t *a, const uint16_t *g, uint16_t *out, long n, long t)
{
	for (long i = 0; i < n; i++, a += t, g += t, out += t) {
		long m = i % t + 1;
		float dot = 0;

		for (long j = 0; j < m; j++)
			dot += wide(a[j]) * wide(g[j]);
		for (long j = 0; j < m; j++)
			out[j] = narrow(wide(a[j]) * (wide(g[j]) - dot));
		memset(out + m, 0, (t - m) * sizeof *out);
	}
}

/* Cross-entropy of n rows of v logits, times scale; the logits are replaced by their gradient. */
float
loss(uint16_t *x, const int64_t *target, float scale, long n, long v)
{
	double all = 0;
	float e[v];

	for (long i = 0; i < n; i++, x += v) {
		float top = wide(x[0]), sum = 0;

		for (long j = 1; j < v; j++)
			top = fmaxf(top, wide(x[j]));
		for (long j = 0; j < v; j++) {
			e[j] = expf(wide(x[j]) - top);
			sum += e[j];
		}
		all += logf(sum) + top - wide(x[target[i]]);
		e[target[i]] -= sum;
		for (long j = 0; j < v; j++)
			x[j] = narrow(e[j] * (scale / sum));
	}
	return (float)(all * scale);
}
