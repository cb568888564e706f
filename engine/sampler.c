#include "config.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "engine/sampler.h"

const struct sampling sampling_default = {
	.temperature = 0.6f,
	.top_p = 0.9f,
	.typical_p = 1,
	.repeat_penalty = 1,
	.penalty_last_n = 64,
};

/* A token that may be drawn. */
struct candidate {
	double weight;		/* probability but for a common factor; > 0 */
	float key;		/* rank in the present truncation: small is kept; ties by id */
	int32_t id;
};

struct sampler {
	size_t n_vocab;
	float *logit;			/* [n_vocab] after penalties; no NaN, no +infinity */
	uint32_t *count;		/* [n_vocab] in the penalty window; all 0 between calls */
	struct candidate *kept;		/* [n_vocab] in the order of ids */
	struct candidate *scratch;	/* [n_vocab] the same in disorder, for selections */
	size_t n_kept;
};

struct sampler *
sampler_new(size_t n_vocab)
{
	struct sampler *s = xcalloc(1, sizeof *s);

	s->n_vocab = n_vocab;
	s->logit = calloc(n_vocab, sizeof *s->logit);
	s->count = calloc(n_vocab, sizeof *s->count);
	s->kept = calloc(n_vocab, sizeof *s->kept);
	s->scratch = calloc(n_vocab, sizeof *s->scratch);
	if (s->logit && s->count && s->kept && s->scratch)
		return s;
	sampler_free(s);
	return NULL;
}

void
sampler_free(struct sampler *s)
{
	if (!s)
		return;
	free(s->logit);
	free(s->count);
	free(s->kept);
	free(s->scratch);
	free(s);
}

/* The finaliser of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators,
 * 2014). */
static uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

double
sampler_uniform(uint64_t seed, uint64_t position)
{
	const uint64_t gamma = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t start = mix(seed + gamma);	/* neighbouring seeds begin far apart */

	return (double)(mix(start + (position + 1) * gamma) >> 11) * 0x1p-53;
}

/* ---- penalties ------------------------------------------------------------------------------- */

static void
apply_penalties(struct sampler *s, const struct sampling *p, const int32_t *recent, size_t n_recent)
{
	size_t first = n_recent > p->penalty_last_n ? n_recent - p->penalty_last_n : 0;
	float r = p->repeat_penalty > 0 ? p->repeat_penalty : 1;

	for (size_t i = first; i < n_recent; i++)
		if (recent[i] >= 0 && (size_t)recent[i] < s->n_vocab)
			s->count[recent[i]]++;
	for (size_t i = first; i < n_recent; i++) {
		int32_t id = recent[i];
		float l;

		if (id < 0 || (size_t)id >= s->n_vocab || !s->count[id])
			continue;
		l = s->logit[id];
		l = l > 0 ? l / r : l * r;
		l -= s->count[id] * p->frequency_penalty + p->presence_penalty;
		s->logit[id] = isnan(l) ? -INFINITY : fminf(l, FLT_MAX);
		s->count[id] = 0;
	}
}

/* False when no logit is finite. */
static bool
take_logits(struct sampler *s, const struct sampling *p, const float *logits, const int32_t *recent,
	size_t n_recent)
{
	bool finite = false;

	for (size_t i = 0; i < s->n_vocab; i++) {
		finite |= isfinite(logits[i]);
		s->logit[i] = isnan(logits[i]) ? -INFINITY : fminf(logits[i], FLT_MAX);
	}
	if (p->repeat_penalty != 1 || p->presence_penalty != 0 || p->frequency_penalty != 0)
		apply_penalties(s, p, recent, n_recent);
	return finite;
}

static int32_t
best(const struct sampler *s)
{
	size_t at = 0;

	for (size_t i = 1; i < s->n_vocab; i++)
		if (s->logit[i] > s->logit[at])
			at = i;
	return at;
}

/* ---- truncations ----------------------------------------------------------------------------- */

static bool
ranks_before(const struct candidate *a, const struct candidate *b)
{
	return a->key < b->key || (a->key == b->key && a->id < b->id);
}

static void
swap(struct candidate *a, struct candidate *b)
{
	struct candidate t = *a;

	*a = *b;
	*b = t;
}

/* Moves what ranks before c[pivot] to the front; returns where the pivot itself ends up. */
static size_t
partition(struct candidate *c, size_t lo, size_t hi, size_t pivot, double *weight_before)
{
	size_t to = lo;

	*weight_before = 0;
	swap(&c[pivot], &c[hi - 1]);
	for (size_t i = lo; i < hi - 1; i++) {
		if (!ranks_before(&c[i], &c[hi - 1]))
			continue;
		*weight_before += c[i].weight;
		swap(&c[i], &c[to++]);
	}
	swap(&c[to], &c[hi - 1]);
	return to;
}

/*
 * The candidate on which the sum of weights, taken in the order of rank, first exceeds `target`;
 * the last one when rounding keeps the sum from it. A quickselect by weight: linear on average,
 * nothing is sorted.
 */
static struct candidate
find_cut(struct candidate *c, size_t n, double target)
{
	size_t lo = 0, hi = n;
	double before = 0, weight;

	for (uint64_t round = 1;; round++) {
		size_t at = partition(c, lo, hi, lo + mix(round) % (hi - lo), &weight);

		if (before + weight > target && at > lo) {
			hi = at;
			continue;
		}
		if (before + weight + c[at].weight > target || at + 1 == hi)
			return c[at];
		before += weight + c[at].weight;
		lo = at + 1;
	}
}

/* Keeps the candidates up to the one on which the sum of weights exceeds `target`. */
static void
keep_until(struct sampler *s, double target)
{
	struct candidate cut;
	size_t n = 0;

	cut = find_cut(s->scratch, s->n_kept, target);
	for (size_t i = 0; i < s->n_kept; i++)
		if (!ranks_before(&cut, &s->kept[i]))
			s->kept[n++] = s->kept[i];
	s->n_kept = n;
}

static double
total_weight(const struct sampler *s)
{
	double sum = 0;

	for (size_t i = 0; i < s->n_kept; i++)
		sum += s->kept[i].weight;
	return sum;
}

static double
most_weight(const struct sampler *s)
{
	double most = 0;

	for (size_t i = 0; i < s->n_kept; i++)
		if (s->kept[i].weight > most)
			most = s->kept[i].weight;
	return most;
}

static void
keep_top_k(struct sampler *s, uint32_t k)
{
	if (k >= s->n_kept)
		return;
	for (size_t i = 0; i < s->n_kept; i++) {
		s->scratch[i] = s->kept[i];
		s->scratch[i].weight = 1;
	}
	keep_until(s, k - 0.5);
}

/* Locally typical sampling (Meister et al., 2022): those whose surprise is nearest to the
 * entropy. */
static void
keep_typical(struct sampler *s, double p)
{
	double total = total_weight(s), entropy = 0;

	for (size_t i = 0; i < s->n_kept; i++) {
		double share = s->kept[i].weight / total;

		if (share > 0)	/* the least weights may vanish, and 0 * log(0) is no number */
			entropy -= share * log(share);
	}
	for (size_t i = 0; i < s->n_kept; i++) {
		s->kept[i].key = fabs(-log(s->kept[i].weight / total) - entropy);
		s->scratch[i] = s->kept[i];
	}
	keep_until(s, p * total);
}

static void
keep_top_p(struct sampler *s, double p)
{
	double total = total_weight(s), least;
	size_t n = s->n_kept;

	p = fmax(p, 0);
	/* What is lighter than the average of the part that goes is beyond the cut: no need to look
	 * at it. Of equal weights and p = 0 rounding may put the average above all of them. */
	least = fmin((1 - p) * total / n, most_weight(s));
	s->n_kept = 0;
	for (size_t i = 0; i < n; i++) {
		struct candidate c = s->kept[i];

		if (c.weight < least)
			continue;
		c.key = -s->logit[c.id];
		s->kept[s->n_kept] = s->scratch[s->n_kept] = c;
		s->n_kept++;
	}
	keep_until(s, p * total);
}

static void
keep_min_p(struct sampler *s, double p)
{
	double most = most_weight(s);
	size_t n = 0;

	for (size_t i = 0; i < s->n_kept; i++)
		if (s->kept[i].weight >= fmin(p, 1) * most)
			s->kept[n++] = s->kept[i];
	s->n_kept = n;
}

static void
make_candidates(struct sampler *s, double temperature)
{
	float most = s->logit[best(s)];

	s->n_kept = 0;
	for (size_t i = 0; i < s->n_vocab; i++) {
		struct candidate c = { .id = i, .key = -s->logit[i] };

		if (s->logit[i] == -INFINITY)
			continue;
		c.weight = exp(((double)s->logit[i] - most) / temperature);
		if (c.weight > 0)
			s->kept[s->n_kept++] = c;
	}
}

static int32_t
draw(const struct sampler *s, double uniform)
{
	double at = uniform * total_weight(s), sum = 0;

	for (size_t i = 0; i < s->n_kept; i++) {
		sum += s->kept[i].weight;
		if (sum > at)
			return s->kept[i].id;
	}
	return s->kept[s->n_kept - 1].id;
}

int32_t
sampler_pick(struct sampler *s, const struct sampling *p, const float *logits,
	const int32_t *recent, size_t n_recent, uint64_t seed, uint64_t position)
{
	if (!take_logits(s, p, logits, recent, n_recent))
		return -1;
	if (!(p->temperature > 0))
		return best(s);
	make_candidates(s, p->temperature);
	if (!s->n_kept)
		return best(s);		/* the penalties leave nothing but -infinity */
	if (p->top_k)
		keep_top_k(s, p->top_k);
	if (p->typical_p < 1)
		keep_typical(s, p->typical_p);
	if (p->top_p < 1)
		keep_top_p(s, p->top_p);
	if (p->min_p > 0)
		keep_min_p(s, p->min_p);
	return draw(s, sampler_uniform(seed, position));
}
