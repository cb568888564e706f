#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/rope.h"

/* The pair of dimensions that makes `turns` turns over the context the model was first trained
 * with. */
static double
pair_with_turns(const struct model *m, double turns)
{
	const double pi = 3.14159265358979323846;

	return (double)m->n_rot * log((double)m->rope_ctx_orig / (turns * 2 * pi)) /
		(2 * log((double)m->rope_base));
}

/*
 * YaRN's share of extrapolation for pair i: fast pairs keep their speed (1), slow ones are slowed
 * by the whole factor (0), between them it falls linearly.
 */
static double
yarn_share(const struct model *m, size_t i)
{
	double from = fmax(0, floor(pair_with_turns(m, m->yarn_beta_fast)));
	double to = fmin((double)m->n_rot - 1, ceil(pair_with_turns(m, m->yarn_beta_slow)));
	double y = ((double)i - from) / fmax(0.001, to - from);

	return (1 - fmin(1, fmax(0, y))) * m->yarn_ext_factor;
}

void
rope_init(struct rope *r, const struct model *m)
{
	bool yarn = m->rope_scaling == ROPE_YARN;

	r->n = m->n_rot;
	r->speed = xcalloc(r->n / 2, sizeof *r->speed);
	r->length = m->rope_attn_factor;
	if (yarn && m->yarn_ext_factor > 0)
		r->length *= 1 + 0.1 * log((double)m->rope_factor);
	for (size_t i = 0; i < r->n / 2; i++) {
		double speed = pow(m->rope_base, -2.0 * (double)i / (double)r->n);
		double keep = yarn ? yarn_share(m, i) : 0;

		if (m->rope_freqs)
			speed /= m->rope_freqs[i];
		if (m->rope_scaling != ROPE_NONE)
			speed *= (1 - keep) / m->rope_factor + keep;
		r->speed[i] = speed;
	}
}

void
rope_release(struct rope *r)
{
	free(r->speed);
	r->speed = NULL;
}

void
rope_fill(const struct rope *r, size_t pos, float *cosine, float *sine)
{
	for (size_t i = 0; i < r->n / 2; i++) {
		double angle = (double)pos * r->speed[i];
		float c = (float)(cos(angle) * r->length), s = (float)(sin(angle) * r->length);

		cosine[2 * i] = cosine[2 * i + 1] = c;
		sine[2 * i] = -s;
		sine[2 * i + 1] = s;
	}
}
