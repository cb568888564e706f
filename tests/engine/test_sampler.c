#include "config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/xalloc.h"
#include "engine/sampler.h"

#define LENGTH(a) (sizeof (a) / sizeof *(a))

/* Everything off but the draw. */
static const struct sampling neutral = { .temperature = 1, .top_p = 1, .typical_p = 1, .repeat_penalty = 1 };

enum { DRAWS = 20000 };

/* How often each of n tokens is drawn, over many positions. */
static void
count_draws(const struct sampling *p, const float *logits, size_t n, uint64_t seed, double *share)
{
	struct sampler *s = sampler_new(n);

	memset(share, 0, n * sizeof *share);
	for (uint64_t position = 0; position < DRAWS; position++)
		share[sampler_pick(s, p, logits, NULL, 0, seed, position)] += 1.0 / DRAWS;
	sampler_free(s);
}

/* Within five standard deviations of what is expected, and never where nothing is. */
static void
assert_shares(const double *share, const double *want, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double sd = sqrt(want[i] * (1 - want[i]) / DRAWS);

		if (fabs(share[i] - want[i]) > 5 * sd + 1e-9)
			fail_msg("token %zu: %f drawn, %f expected", i, share[i], want[i]);
	}
}

/* Logits whose probabilities at temperature 1 are p[]. */
static void
logits_of(const double *p, size_t n, float *logits)
{
	for (size_t i = 0; i < n; i++)
		logits[i] = (float)log(p[i]) + 3;
}

static void
sampler__default__is_metas(void **state)
{
	assert_float_equal(sampling_default.temperature, 0.6f, 0);
	assert_float_equal(sampling_default.top_p, 0.9f, 0);
	assert_float_equal(sampling_default.typical_p, 1, 0);
	assert_float_equal(sampling_default.repeat_penalty, 1, 0);
	assert_float_equal(sampling_default.min_p, 0, 0);
	assert_int_equal(sampling_default.top_k, 0);
}

static void
sampler__pick__draws_by_probability(void **state)
{
	static const double p[] = { 0.05, 0.4, 0.25, 0.2, 0.1 };
	double share[5];
	float l[5];

	logits_of(p, 5, l);
	for (uint64_t seed = 0; seed < 5; seed++) {
		count_draws(&neutral, l, 5, seed, share);
		assert_shares(share, p, 5);
	}
}

static void
sampler__pick__applies_the_temperature(void **state)
{
	static const double p[] = { 0.05, 0.4, 0.25, 0.2, 0.1 };
	struct sampling s = neutral;
	double share[5], want[5], sum = 0;
	float l[5];

	logits_of(p, 5, l);
	s.temperature = 0.6f;
	for (size_t i = 0; i < 5; i++)
		sum += want[i] = pow(p[i], 1 / 0.6);
	for (size_t i = 0; i < 5; i++)
		want[i] /= sum;
	count_draws(&s, l, 5, 3, share);
	assert_shares(share, want, 5);
}

/* One truncation at a time on known probabilities; want[] is what remains, before renormalising. */
static const struct truncation {
	const char *what;
	struct sampling s;
	double p[6], want[6];
} truncations[] = {
	{ "top-p keeps the one that crosses", { .top_p = 0.6f },
		{ 0.1, 0.5, 0.05, 0.3, 0.05 }, { 0, 0.5, 0, 0.3, 0 } },
	{ "top-p keeps what comes before the crossing", { .top_p = 0.49f },
		{ 0.1, 0.5, 0.05, 0.3, 0.05 }, { 0, 0.5, 0, 0, 0 } },
	{ "top-p 0 keeps the best", { .top_p = 0 }, { 0.1, 0.5, 0.05, 0.3, 0.05 }, { 0, 0.5, 0, 0, 0 } },
	{ "top-p below 0 keeps the best", { .top_p = -1 }, { 0.1, 0.5, 0.05, 0.3, 0.05 }, { 0, 0.5, 0, 0, 0 } },
	{ "top-p of equals takes the lowest ids", { .top_p = 0.45f },
		{ 0.25, 0.25, 0.25, 0.25, 0 }, { 0.25, 0.25, 0, 0, 0 } },
	{ "top-p keeps the one before which the sum is just p", { .top_p = 0.5f },
		{ 0.25, 0.25, 0.25, 0.25, 0 }, { 0.25, 0.25, 0.25, 0, 0 } },
	{ "top-k", { .top_p = 1, .top_k = 2 }, { 0.1, 0.5, 0.05, 0.3, 0.05 }, { 0, 0.5, 0, 0.3, 0 } },
	{ "top-k of equals takes the lowest ids", { .top_p = 1, .top_k = 3 },
		{ 0.2, 0.2, 0.2, 0.2, 0.2 }, { 0.2, 0.2, 0.2, 0, 0 } },
	{ "top-k 1 is greedy", { .top_p = 1, .top_k = 1 }, { 0.1, 0.5, 0.05, 0.3, 0.05 }, { 0, 0.5, 0, 0, 0 } },
	{ "top-k beyond all", { .top_p = 1, .top_k = 99 }, { 0.2, 0.8, 0, 0, 0 }, { 0.2, 0.8, 0, 0, 0 } },
	{ "min-p", { .top_p = 1, .min_p = 0.19f }, { 0.1, 0.5, 0.05, 0.3, 0.05 }, { 0.1, 0.5, 0, 0.3, 0 } },
	{ "min-p above 1 keeps the best", { .top_p = 1, .min_p = 2 }, { 0.1, 0.5, 0.4, 0, 0 }, { 0, 0.5, 0, 0, 0 } },
	/* Entropy 1.238; surprises 2.303 0.693 2.996 1.204: the nearest are the 0.3, then the
	 * 0.5. */
	{ "typical", { .top_p = 1, .typical_p = 0.2f }, { 0.1, 0.5, 0.05, 0.3, 0.05 }, { 0, 0, 0, 0.3, 0 } },
	{ "typical, one more", { .top_p = 1, .typical_p = 0.4f }, { 0.1, 0.5, 0.05, 0.3, 0.05 }, { 0, 0.5, 0, 0.3, 0 } },
	/* top-k 3 leaves 5/9, 3/9, 1/9, of which two are more than 0.82; without top-k it would
	 * take three. */
	{ "top-k, then top-p of what is left", { .top_p = 0.82f, .top_k = 3 },
		{ 0.1, 0.5, 0.05, 0.3, 0.05 }, { 0, 0.5, 0, 0.3, 0 } },
	{ "typical, then min-p against the best left", { .top_p = 1, .typical_p = 0.2f, .min_p = 0.7f },
		{ 0.1, 0.5, 0.05, 0.3, 0.05 }, { 0, 0, 0, 0.3, 0 } },
};

static void
sampler__pick__truncates(void **state)
{
	for (size_t i = 0; i < LENGTH(truncations); i++) {
		const struct truncation *t = &truncations[i];
		struct sampling s = t->s;
		double share[5], want[5], sum = 0;
		float l[5];

		s.temperature = s.repeat_penalty = 1;
		s.typical_p = s.typical_p > 0 ? s.typical_p : 1;
		logits_of(t->p, 5, l);
		for (size_t k = 0; k < 5; k++)
			sum += t->want[k];
		for (size_t k = 0; k < 5; k++)
			want[k] = t->want[k] / sum;
		count_draws(&s, l, 5, i, share);
		print_message("%s\n", t->what);
		assert_shares(share, want, 5);
	}
}

/* At temperature 0.5 the first has 0.36/0.46 = 0.78 and is the nucleus of 0.7; truncating first
 * would keep two. */
static void
sampler__pick__truncates_after_the_temperature(void **state)
{
	static const double p[] = { 0.6, 0.3, 0.1 };
	static const double want[] = { 1, 0, 0 };
	struct sampling s = neutral;
	double share[3];
	float l[3];

	logits_of(p, 3, l);
	s.temperature = 0.5f;
	s.top_p = 0.7f;
	count_draws(&s, l, 3, 1, share);
	assert_shares(share, want, 3);
}

static int
heavier(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? 1 : x > y ? -1 : 0;
}

/* Many tokens: the nucleus is what sorting all of them gives. */
static void
sampler__top_p__equals_the_sorted_definition(void **state)
{
	enum { N = 3000 };
	static float l[N];
	static double p[N], sorted[N];
	static bool seen[N];

	for (int round = 0; round < 20; round++) {
		struct sampling s = { .temperature = 0.3f + 0.1f * round, .top_p = 0.05f * round, .typical_p = 1,
			.repeat_penalty = 1 };
		struct sampler *sampler = sampler_new(N);
		double sum = 0, before = 0, least = 0;

		for (size_t i = 0; i < N; i++) {
			l[i] = 8 * (float)sampler_uniform(round, i);
			p[i] = exp(l[i] / (double)s.temperature);
			sum += p[i];
		}
		memcpy(sorted, p, sizeof sorted);
		qsort(sorted, N, sizeof *sorted, heavier);
		for (size_t i = 0; i < N && before <= s.top_p * sum; i++) {
			least = sorted[i];
			before += sorted[i];
		}
		memset(seen, 0, sizeof seen);
		for (uint64_t position = 0; position < 300; position++) {
			int32_t id = sampler_pick(sampler, &s, l, NULL, 0, 5, position);

			assert_true(p[id] >= least);
			seen[id] = true;
		}
		assert_true(seen[sampler_pick(sampler, &s, l, NULL, 0, 5, 7)]);
		sampler_free(sampler);
	}
}

/* Sums that are exact: the one before which the sum is just p is kept, as in Meta's cumsum - p_i > p. */
static void
sampler__top_p__keeps_the_one_that_begins_at_p(void **state)
{
	static const float l[40];
	struct sampling p = neutral;

	p.top_p = 0.5f;
	for (size_t n = 2; n <= LENGTH(l); n += 2) {
		struct sampler *s = sampler_new(n);
		int32_t last = 0;

		for (uint64_t position = 0; position < 500; position++) {
			int32_t id = sampler_pick(s, &p, l, NULL, 0, 1, position);

			last = id > last ? id : last;
		}
		assert_int_equal(last, n / 2);
		sampler_free(s);
	}
}

/* Typical sampling leaves three equal ones of any weight, whose average may be rounded up to more than each. */
static void
sampler__top_p__keeps_one_of_equals_for_any_rounding(void **state)
{
	enum { N = 31 };
	struct sampling p = neutral;
	struct sampler *s = sampler_new(N);
	float l[N] = { 0 };

	for (int step = 0; step < 1000; step++) {
		double light = -1.5 - 0.001 * step, weight = exp((float)light);

		for (size_t i = 1; i < N; i++)
			l[i] = (float)light;
		p.typical_p = (float)(2.5 * weight / (1 + (N - 1) * weight));
		p.top_p = 0;
		assert_int_equal(sampler_pick(s, &p, l, NULL, 0, 1, step), 1);
		p.top_p = 1e-30f;
		assert_int_equal(sampler_pick(s, &p, l, NULL, 0, 1, step), 1);
	}
	sampler_free(s);
}

/* The least weight there is, divided by the sum of the others, is 0. */
static void
sampler__typical__survives_a_share_of_zero(void **state)
{
	static const float l[] = { 0, 0, -744.4f };
	struct sampling p = neutral;
	struct sampler *s = sampler_new(LENGTH(l));

	p.typical_p = 0.2f;
	for (uint64_t position = 0; position < 100; position++)
		assert_int_equal(sampler_pick(s, &p, l, NULL, 0, 1, position), 0);
	sampler_free(s);
}

static void
sampler__greedy__takes_the_lowest_of_equals(void **state)
{
	static const float l[] = { 1, 7, NAN, 7, 2 };
	struct sampling p = neutral;
	struct sampler *s = sampler_new(5);

	p.temperature = 0;
	for (uint64_t position = 0; position < 10; position++)
		assert_int_equal(sampler_pick(s, &p, l, NULL, 0, position, position), 1);
	p.temperature = -1;
	assert_int_equal(sampler_pick(s, &p, l, NULL, 0, 1, 1), 1);
	p.temperature = NAN;
	assert_int_equal(sampler_pick(s, &p, l, NULL, 0, 1, 1), 1);
	p.temperature = 1e-30f;
	assert_int_equal(sampler_pick(s, &p, (const float[]){ 1, 2, 3, 4, 3 }, NULL, 0, 1, 1), 3);
	sampler_free(s);
}

static void
sampler__pick__survives_any_numbers(void **state)
{
	static const float odd[] = { NAN, INFINITY, -INFINITY, 0, -0.0f, 1, -1, 3e38f, -3e38f, 1e-40f };
	static const int32_t recent[] = { 0, 1, 1, 2, 3, -1, 99, INT32_MAX, INT32_MIN };
	struct sampler *s = sampler_new(4);
	uint64_t r = 0;

	for (int round = 0; round < 30000; round++) {
		struct sampling p;
		float value[12];
		int32_t a, b;

		for (size_t i = 0; i < LENGTH(value); i++)
			value[i] = odd[(size_t)(sampler_uniform(1, r++) * LENGTH(odd))];
		p = (struct sampling){ value[4], value[5], value[6], value[7], (uint32_t)(r % 6), value[8],
			value[9], value[10], (uint32_t)(r % 11) };
		a = sampler_pick(s, &p, value, recent, LENGTH(recent), round, 1);
		b = sampler_pick(s, &p, value, recent, LENGTH(recent), round, 1);
		if (isfinite(value[0]) || isfinite(value[1]) || isfinite(value[2]) || isfinite(value[3]))
			assert_in_range(a, 0, 3);
		else
			assert_int_equal(a, -1);
		assert_int_equal(a, b);
	}
	sampler_free(s);
}

static void
sampler__pick__decides_when_there_is_nothing_to_choose(void **state)
{
	static const float none[] = { -INFINITY, NAN, INFINITY };
	static const float one[] = { -INFINITY, NAN, -5 };
	static const float infinite[] = { 3, INFINITY, 2 };
	struct sampling greedy = neutral;
	struct sampler *s = sampler_new(3);

	greedy.temperature = 0;
	assert_int_equal(sampler_pick(s, &greedy, none, NULL, 0, 1, 0), -1);
	for (uint64_t position = 0; position < 20; position++) {
		assert_int_equal(sampler_pick(s, &neutral, none, NULL, 0, 1, position), -1);
		assert_int_equal(sampler_pick(s, &sampling_default, one, NULL, 0, 1, position), 2);
		assert_int_equal(sampler_pick(s, &neutral, infinite, NULL, 0, 1, position), 1);
	}
	sampler_free(s);
}

/* Greedy over two tokens: the second wins by just less, or just more, than the penalty. */
static void
assert_penalty(const struct sampling *p, float logit, float penalised, const int32_t *recent, size_t n)
{
	struct sampler *s = sampler_new(2);

	assert_int_equal(sampler_pick(s, p, (const float[]){ logit, penalised - 0.01f }, recent, n, 0, 0), 0);
	assert_int_equal(sampler_pick(s, p, (const float[]){ logit, penalised + 0.01f }, recent, n, 0, 0), 1);
	sampler_free(s);
}

static void
sampler__penalties__follow_their_formulas(void **state)
{
	static const int32_t recent[] = { 0, 0, 0, 5, -1 };
	struct sampling p = { .repeat_penalty = 1.25f, .penalty_last_n = 64 };

	assert_penalty(&p, 5, 4, recent, 5);		/* divided, once however often it came */
	assert_penalty(&p, -4, -5, recent, 5);		/* multiplied */
	p = (struct sampling){ .repeat_penalty = 1, .frequency_penalty = 0.5f, .penalty_last_n = 64 };
	assert_penalty(&p, 5, 3.5f, recent, 5);
	p = (struct sampling){ .repeat_penalty = 1, .presence_penalty = 0.5f, .penalty_last_n = 64 };
	assert_penalty(&p, 5, 4.5f, recent, 5);
	p = (struct sampling){ .repeat_penalty = 2, .presence_penalty = 0.5f, .frequency_penalty = 0.25f,
		.penalty_last_n = 4 };
	assert_penalty(&p, 5, 2.5f - 0.5f - 0.5f, recent, 5);	/* the window has two of the three */
	p.penalty_last_n = 0;
	assert_penalty(&p, 5, 5, recent, 5);
	p.penalty_last_n = 2;
	assert_penalty(&p, 5, 5, recent, 5);
}

static void
sampler__penalties__come_before_the_temperature(void **state)
{
	static const int32_t recent[] = { 0 };
	/* log 4 apart, less presence log 2, at temperature 1/2: squared ratio 4, so 0.8. */
	static const double want[] = { 0.8, 0.2 };
	struct sampling p = { .temperature = 0.5f, .top_p = 1, .typical_p = 1, .repeat_penalty = 1,
		.presence_penalty = 0.69314718f, .penalty_last_n = 1 };
	const float l[] = { logf(4), 0 };
	struct sampler *s = sampler_new(2);
	double share[2] = { 0, 0 };

	for (uint64_t i = 0; i < DRAWS; i++)
		share[sampler_pick(s, &p, l, recent, 1, 9, i)] += 1.0 / DRAWS;
	assert_shares(share, want, 2);
	sampler_free(s);
}

static void
sampler__pick__leaves_nothing_behind(void **state)
{
	static const int32_t recent[] = { 0, 1, 2, 3 };
	static const float l[] = { 3, 2, 1, 0.5f };
	struct sampling penalised = { .temperature = 1, .top_p = 0.8f, .typical_p = 1, .repeat_penalty = 1.5f,
		.penalty_last_n = 4 };
	struct sampler *used = sampler_new(4), *fresh;

	for (uint64_t i = 0; i < 200; i++) {
		sampler_pick(used, &penalised, l, recent, 1 + i % 4, i, i);
		fresh = sampler_new(4);
		assert_int_equal(sampler_pick(used, &sampling_default, l, NULL, 0, 1, i),
			sampler_pick(fresh, &sampling_default, l, NULL, 0, 1, i));
		assert_int_equal(sampler_pick(used, &penalised, l, recent, 2, 1, i),
			sampler_pick(fresh, &penalised, l, recent, 2, 1, i));
		sampler_free(fresh);
	}
	assert_float_equal(l[0], 3, 0);
	sampler_free(used);
}

/* A flat mean, no correlation along positions, along seeds, or across. */
static void
sampler__uniform__is_independent_of_seed_and_position(void **state)
{
	enum { N = 20000 };
	double mean = 0, along = 0, across = 0, diagonal = 0;
	size_t bucket[16] = { 0 };

	for (uint64_t i = 0; i < N; i++) {
		double u = sampler_uniform(42, i) - 0.5;

		assert_true(u >= -0.5 && u < 0.5);
		mean += u / N;
		along += 12 * u * (sampler_uniform(42, i + 1) - 0.5) / N;
		across += 12 * u * (sampler_uniform(43, i) - 0.5) / N;
		diagonal += 12 * (sampler_uniform(i, 7) - 0.5) * (sampler_uniform(i + 1, 6) - 0.5) / N;
		bucket[(size_t)((u + 0.5) * 16)]++;
	}
	assert_true(fabs(mean) < 5 * 0.2887 / sqrt(N));
	assert_true(fabs(along) < 5 / sqrt(N));
	assert_true(fabs(across) < 5 / sqrt(N));
	assert_true(fabs(diagonal) < 5 / sqrt(N));
	for (size_t i = 0; i < 16; i++)
		assert_in_range(bucket[i], N / 16 - 175, N / 16 + 175);
}

/* The numbers are part of what "same seed, same text" promises: they must never change. */
static void
sampler__uniform__is_the_same_everywhere(void **state)
{
	assert_true(sampler_uniform(0, 0) == 0x14e0dba5e9a32fp-53);
	assert_true(sampler_uniform(42, 1000) == 0x163f919049aa49p-53);
	assert_true(sampler_uniform(UINT64_MAX, UINT64_MAX) == 0x88a031c60b021p-53);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sampler__default__is_metas),
		cmocka_unit_test(sampler__pick__draws_by_probability),
		cmocka_unit_test(sampler__pick__applies_the_temperature),
		cmocka_unit_test(sampler__pick__truncates),
		cmocka_unit_test(sampler__pick__truncates_after_the_temperature),
		cmocka_unit_test(sampler__top_p__equals_the_sorted_definition),
		cmocka_unit_test(sampler__top_p__keeps_the_one_that_begins_at_p),
		cmocka_unit_test(sampler__top_p__keeps_one_of_equals_for_any_rounding),
		cmocka_unit_test(sampler__typical__survives_a_share_of_zero),
		cmocka_unit_test(sampler__greedy__takes_the_lowest_of_equals),
		cmocka_unit_test(sampler__pick__survives_any_numbers),
		cmocka_unit_test(sampler__pick__decides_when_there_is_nothing_to_choose),
		cmocka_unit_test(sampler__penalties__follow_their_formulas),
		cmocka_unit_test(sampler__penalties__come_before_the_temperature),
		cmocka_unit_test(sampler__pick__leaves_nothing_behind),
		cmocka_unit_test(sampler__uniform__is_independent_of_seed_and_position),
		cmocka_unit_test(sampler__uniform__is_the_same_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
