#include "config.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "engine/pool.h"

enum { PHASES = 200, CELLS = 333 };

struct job {
	unsigned cell[2][CELLS];	/* plain memory: only the barriers order the accesses */
	atomic_uint ran;
	unsigned of_worker[64];
};

/* Every phase, each cell becomes the sum of its two neighbours of the phase before. */
static void
relax(struct worker *w, void *arg)
{
	struct job *j = arg;
	size_t i;

	atomic_fetch_add(&j->ran, 1);
	j->of_worker[w->index]++;
	for (int phase = 0; phase < PHASES; phase++) {
		const unsigned *from = j->cell[phase & 1];
		unsigned *to = j->cell[!(phase & 1)];

		while ((i = pool_take(w, CELLS)) < CELLS)
			to[i] = from[(i + 1) % CELLS] + from[(i + CELLS - 1) % CELLS];
		pool_barrier(w);
	}
}

static void
fill(struct job *j)
{
	memset(j, 0, sizeof *j);
	for (unsigned i = 0; i < CELLS; i++)
		j->cell[0][i] = i * i + 1;
}

static void
pool__run__all_workers_pass_all_barriers(void **state)
{
	static const unsigned counts[] = { 0, 1, 2, 3, 4, 9 };
	static struct job want, got;
	struct pool *p = pool_new(1, 1);

	fill(&want);
	pool_run(p, POOL_STEP, relax, &want);
	pool_free(p);
	for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
		for (size_t d = 0; d < sizeof counts / sizeof *counts; d++) {
			p = pool_new(counts[c], counts[d]);
			for (int run = 0; run < 6; run++) {
				unsigned n = pool_threads(p, run & 1);

				fill(&got);
				pool_run(p, run & 1, relax, &got);
				assert_int_equal(atomic_load(&got.ran), n);
				for (unsigned i = 0; i < 64; i++)
					assert_int_equal(got.of_worker[i], i < n);
				assert_memory_equal(got.cell, want.cell, sizeof got.cell);
			}
			pool_free(p);
		}
	}
}

static void
pool__new__counts(void **state)
{
	static const struct {
		unsigned asked[2], got[2];
		enum pool_kind larger;
	} cases[] = {
		{ { 0, 0 }, { 1, 1 }, POOL_STEP }, { { 3, 0 }, { 3, 3 }, POOL_STEP },
		{ { 0, 2 }, { 1, 2 }, POOL_BATCH }, { { 2, 5 }, { 2, 5 }, POOL_BATCH },
		{ { 5, 2 }, { 5, 2 }, POOL_STEP },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct pool *p = pool_new(cases[i].asked[0], cases[i].asked[1]);

		assert_int_equal(pool_threads(p, POOL_STEP), cases[i].got[0]);
		assert_int_equal(pool_threads(p, POOL_BATCH), cases[i].got[1]);
		assert_int_equal(pool_larger(p), cases[i].larger);
		pool_free(p);
	}
}

static void
nothing(struct worker *w, void *arg)
{
	atomic_fetch_add((atomic_uint *)arg, 1);
}

static void
pool__run__many_short_jobs(void **state)
{
	struct pool *p = pool_new(3, 3);
	atomic_uint n = 0;

	for (unsigned i = 1; i <= 2000; i++) {
		pool_run(p, POOL_STEP, nothing, &n);
		assert_int_equal(atomic_load(&n), i * pool_threads(p, POOL_STEP));
	}
	pool_free(p);
}

/* Plain memory: each worker's own, read by the caller between the runs. */
static void
count_own(struct worker *w, void *arg)
{
	((unsigned *)arg)[w->index]++;
}

/* Kinds in an order without a pattern, so that every change comes early and late. */
static void
pool__run__many_short_jobs_of_both_kinds(void **state)
{
	static const unsigned counts[][2] = { { 1, 3 }, { 3, 1 }, { 2, 4 }, { 4, 2 } };

	for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
		struct pool *p = pool_new(counts[c][0], counts[c][1]);
		unsigned got[4] = { 0 }, want[4] = { 0 };
		uint32_t x = 1;

		for (int run = 0; run < 3000; run++) {
			enum pool_kind kind;

			x = x * 1664525 + 1013904223;
			kind = x >> 31 ? POOL_BATCH : POOL_STEP;
			pool_run(p, kind, count_own, got);
			for (unsigned i = 0; i < pool_threads(p, kind); i++)
				want[i]++;
			assert_memory_equal(got, want, sizeof got);
		}
		pool_free(p);
	}
}

/* What the last worker has cost, by its own account. */
struct cost {
	unsigned worker;
	double seconds;
	long sleeps;
};

static void
account(struct worker *w, void *arg)
{
	struct cost *c = arg;
	struct timespec t;

	if (w->index != c->worker)
		return;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	c->seconds = (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
#ifdef RUSAGE_THREAD
	struct rusage r;

	getrusage(RUSAGE_THREAD, &r);
	c->sleeps = r.ru_nvcsw;
#endif
}

static void
pool__run__does_not_wake_those_of_the_other_kind(void **state)
{
	enum { RUNS = 3000 };

	for (int kind = 0; kind < 2; kind++) {
		struct pool *p = kind ? pool_new(3, 2) : pool_new(2, 3);
		struct cost before = { .worker = 2 }, after = { .worker = 2 };
		atomic_uint n = 0;

		pool_run(p, !kind, account, &before);
		for (int i = 0; i < RUNS; i++)
			pool_run(p, kind, nothing, &n);
		pool_run(p, !kind, account, &after);
		assert_int_equal(atomic_load(&n), 2 * RUNS);
		/* It spins for a while after the first run, then sleeps until the last. */
		assert_true(after.seconds - before.seconds < 0.02);
		assert_true(after.sleeps - before.sleeps < 100);
		pool_free(p);
	}
}

static double
processor_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void
pool__idle__takes_no_processor_time(void **state)
{
	struct pool *p = pool_new(2, 3);
	struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };
	atomic_uint n = 0;
	double before;

	pool_run(p, POOL_BATCH, nothing, &n);
	pool_run(p, POOL_STEP, nothing, &n);
	nanosleep(&pause, NULL);	/* what is measured is this time itself */
	before = processor_seconds();
	nanosleep(&pause, NULL);
	assert_true(processor_seconds() - before < 0.02);
	pool_free(p);
}

enum { SHARED = 1000 };

struct shares {
	atomic_uint given[SHARED];
	size_t first[8];		/* what each worker was given first */
};

/* Nobody goes on before all have been given something: then every share is begun by its owner. */
static void
take_shares(struct worker *w, void *arg)
{
	struct shares *s = arg;
	size_t i = pool_take(w, SHARED);

	s->first[w->index] = i;
	atomic_fetch_add(&s->given[i], 1);
	for (unsigned k = 0; k < pool_threads(w->pool, POOL_STEP); k++) {
		while (!atomic_load(&s->given[SHARED * k / pool_threads(w->pool, POOL_STEP)]))
			sched_yield();
	}
	while ((i = pool_take(w, SHARED)) != SIZE_MAX)
		atomic_fetch_add(&s->given[i], 1);
}

static void
pool__take__all_once_and_ones_own_first(void **state)
{
	static const unsigned counts[] = { 1, 2, 3, 8 };

	for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
		struct pool *p = pool_new(counts[c], counts[c]);
		struct shares s = { 0 };

		pool_run(p, POOL_STEP, take_shares, &s);
		for (unsigned i = 0; i < counts[c]; i++)
			assert_int_equal(s.first[i], SHARED * i / counts[c]);
		for (size_t i = 0; i < SHARED; i++)
			assert_int_equal(s.given[i], 1);
		pool_free(p);
	}
}

static void
pool__free__of_a_pool_that_never_ran(void **state)
{
	pool_free(pool_new(4, 4));
	pool_free(pool_new(2, 4));
	pool_free(pool_new(4, 1));
	pool_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool__run__all_workers_pass_all_barriers),
		cmocka_unit_test(pool__new__counts),
		cmocka_unit_test(pool__run__many_short_jobs),
		cmocka_unit_test(pool__run__many_short_jobs_of_both_kinds),
		cmocka_unit_test(pool__run__does_not_wake_those_of_the_other_kind),
		cmocka_unit_test(pool__idle__takes_no_processor_time),
		cmocka_unit_test(pool__take__all_once_and_ones_own_first),
		cmocka_unit_test(pool__free__of_a_pool_that_never_ran),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
