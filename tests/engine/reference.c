#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "engine/quant.h"
#include "tests/engine/reference.h"

static double *
new_doubles(size_t n)
{
	return xcalloc(n, sizeof(double));
}

/* out[n][rows] = x[n][cols] * w^T + bias */
static double *
times(const struct matrix *w, const float *bias, const double *x, size_t n)
{
	double *out = new_doubles(n * w->rows);
	float *row = xmalloc(w->cols * sizeof *row);

	for (size_t r = 0; r < w->rows; r++) {
		quant_format(w->type)->decode(w->data + r * w->row_bytes, row, w->cols);
		for (size_t t = 0; t < n; t++) {
			double sum = bias ? bias[r] : 0;

			for (size_t c = 0; c < w->cols; c++)
				sum += row[c] * x[t * w->cols + c];
			out[t * w->rows + r] = sum;
		}
	}
	free(row);
	return out;
}

static double *
normed(const double *x, const float *w, size_t n, size_t k, double eps)
{
	double *out = new_doubles(n * k);

	for (size_t t = 0; t < n; t++) {
		double sum = 0;

		for (size_t i = 0; i < k; i++)
			sum += x[t * k + i] * x[t * k + i];
		for (size_t i = 0; i < k; i++)
			out[t * k + i] = x[t * k + i] * w[i] / sqrt(sum / (double)k + eps);
	}
	return out;
}

/* YaRN, as its authors' code has it: a mix of the stretched angle and the original one. */
static double
yarn_angle(const struct model *m, size_t dimension, double original)
{
	const double two_pi = 2 * acos(-1);
	double n = (double)m->n_rot, base = log(m->rope_base), ctx = (double)m->rope_ctx_orig, low,
		high, ramp, mix;

	low = floor(n * log(ctx / (m->yarn_beta_fast * two_pi)) / (2 * base));
	high = ceil(n * log(ctx / (m->yarn_beta_slow * two_pi)) / (2 * base));
	low = low < 0 ? 0 : low;
	high = high > n - 1 ? n - 1 : high;
	ramp = ((double)(dimension / 2) - low) / (high - low > 0.001 ? high - low : 0.001);
	ramp = ramp < 0 ? 0 : ramp > 1 ? 1 : ramp;
	mix = (1 - ramp) * m->yarn_ext_factor;
	return original / m->rope_factor * (1 - mix) + original * mix;
}

static void
rotate(const struct model *m, double *head, size_t pos)
{
	double length = m->rope_attn_factor;

	if (m->rope_scaling == ROPE_YARN && m->yarn_ext_factor > 0)
		length *= 0.1 * log(m->rope_factor) + 1;
	for (size_t i = 0; i < m->n_rot; i += 2) {
		double angle = (double)pos * pow(m->rope_base, -(double)i / (double)m->n_rot), a, b;

		if (m->rope_freqs)
			angle /= m->rope_freqs[i / 2];
		if (m->rope_scaling == ROPE_LINEAR)
			angle /= m->rope_factor;
		if (m->rope_scaling == ROPE_YARN)
			angle = yarn_angle(m, i, angle);
		a = head[i];
		b = head[i + 1];
		head[i] = length * (a * cos(angle) - b * sin(angle));
		head[i + 1] = length * (a * sin(angle) + b * cos(angle));
	}
}

/* One query of token t over keys and values of one head, `ld` apart. */
static void
attend_one(const double *q, const double *k, const double *v, size_t ld, size_t t, size_t dim,
	double *out)
{
	double *w = new_doubles(t + 1), max = -INFINITY, sum = 0;

	for (size_t j = 0; j <= t; j++) {
		for (size_t i = 0; i < dim; i++)
			w[j] += q[i] * k[j * ld + i] / sqrt((double)dim);
		max = fmax(max, w[j]);
	}
	for (size_t j = 0; j <= t; j++)
		sum += w[j] = exp(w[j] - max);
	for (size_t j = 0; j <= t; j++) {
		for (size_t i = 0; i < dim; i++)
			out[i] += w[j] / sum * v[j * ld + i];
	}
	free(w);
}

static double *
attention(const struct model *m, const struct model_layer *l, const double *h, size_t n)
{
	size_t dim = m->head_dim, group = m->n_head / m->n_head_kv;
	double *q = times(&l->wq, l->bq, h, n), *k = times(&l->wk, l->bk, h, n),
		*v = times(&l->wv, l->bv, h, n);
	double *out = new_doubles(n * m->n_head * dim), *result;

	for (size_t t = 0; t < n; t++) {
		for (size_t i = 0; i < m->n_head; i++)
			rotate(m, q + (t * m->n_head + i) * dim, t);
		for (size_t i = 0; i < m->n_head_kv; i++)
			rotate(m, k + (t * m->n_head_kv + i) * dim, t);
	}
	for (size_t t = 0; t < n; t++) {
		for (size_t i = 0; i < m->n_head; i++) {
			size_t at = (t * m->n_head + i) * dim, kv = i / group * dim;

			attend_one(q + at, k + kv, v + kv, m->n_head_kv * dim, t, dim, out + at);
		}
	}
	result = times(&l->wo, l->bo, out, n);
	free(q);
	free(k);
	free(v);
	free(out);
	return result;
}

static double *
feed_forward(const struct model *m, const struct model_layer *l, const double *h, size_t n)
{
	double *gate = times(&l->gate, NULL, h, n), *up = times(&l->up, NULL, h, n), *result;

	for (size_t i = 0; i < n * m->n_ff; i++)
		gate[i] = gate[i] / (1 + exp(-gate[i])) * up[i];
	result = times(&l->down, NULL, gate, n);
	free(gate);
	free(up);
	return result;
}

/* x += y, and frees what it was made of. */
static void
add(double *x, double *y, double *made_of, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] += y[i];
	free(y);
	free(made_of);
}

double *
reference_logits(const struct model *m, const int32_t *ids, size_t n)
{
	double *x = new_doubles(n * m->n_embd), *h, *logits;
	float *row = xmalloc(m->n_embd * sizeof *row);

	for (size_t t = 0; t < n; t++) {
		const struct matrix *e = &m->tok_embd;

		quant_format(e->type)->decode(e->data + (size_t)ids[t] * e->row_bytes, row,
			m->n_embd);
		for (size_t i = 0; i < m->n_embd; i++)
			x[t * m->n_embd + i] = row[i];
	}
	free(row);
	for (size_t i = 0; i < m->n_layer; i++) {
		const struct model_layer *l = &m->layer[i];

		h = normed(x, l->attn_norm, n, m->n_embd, m->norm_eps);
		add(x, attention(m, l, h, n), h, n * m->n_embd);
		h = normed(x, l->ffn_norm, n, m->n_embd, m->norm_eps);
		add(x, feed_forward(m, l, h, n), h, n * m->n_embd);
	}
	h = normed(x, m->out_norm, n, m->n_embd, m->norm_eps);
	logits = times(&m->output, NULL, h, n);
	free(h);
	free(x);
	return logits;
}

/* The logarithm of the sum of exponentials. */
static double
log_sum(const double *x, size_t n)
{
	double max = -INFINITY, sum = 0;

	for (size_t i = 0; i < n; i++)
		max = fmax(max, x[i]);
	for (size_t i = 0; i < n; i++)
		sum += exp(x[i] - max);
	return max + log(sum);
}

double
reference_kl(const double *p, const double *q, size_t n_vocab)
{
	double lp = log_sum(p, n_vocab), lq = log_sum(q, n_vocab), kl = 0;

	for (size_t i = 0; i < n_vocab; i++)
		kl += exp(p[i] - lp) * ((p[i] - lp) - (q[i] - lq));
	return kl;
}

double
reference_mean_kl(const double *p, const float *q, size_t n, size_t n_vocab)
{
	double *row = new_doubles(n_vocab), sum = 0;

	for (size_t t = 0; t < n; t++) {
		for (size_t i = 0; i < n_vocab; i++)
			row[i] = q[t * n_vocab + i];
		sum += reference_kl(p + t * n_vocab, row, n_vocab);
	}
	free(row);
	return sum / (double)n;
}
