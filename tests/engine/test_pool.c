#include "config.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
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

		while ((i = pool_take(w)) < CELLS)
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
	struct pool *p = pool_new(1);

	fill(&want);
	pool_run(p, relax, &want);
	pool_free(p);
	for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
		p = pool_new(counts[c]);
		for (int run = 0; run < 3; run++) {
			fill(&got);
			pool_run(p, relax, &got);
			assert_int_equal(atomic_load(&got.ran), pool_threads(p));
			for (unsigned i = 0; i < pool_threads(p); i++)
				assert_int_equal(got.of_worker[i], 1);
			assert_memory_equal(got.cell, want.cell, sizeof got.cell);
		}
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
	struct pool *p = pool_new(3);
	atomic_uint n = 0;

	for (unsigned i = 1; i <= 2000; i++) {
		pool_run(p, nothing, &n);
		assert_int_equal(atomic_load(&n), i * pool_threads(p));
	}
	pool_free(p);
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
	struct pool *p = pool_new(2);
	struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };
	atomic_uint n = 0;
	double before;

	pool_run(p, nothing, &n);
	nanosleep(&pause, NULL);	/* what is measured is this time itself */
	before = processor_seconds();
	nanosleep(&pause, NULL);
	assert_true(processor_seconds() - before < 0.02);
	pool_free(p);
}

static void
pool__free__of_a_pool_that_never_ran(void **state)
{
	pool_free(pool_new(4));
	pool_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool__run__all_workers_pass_all_barriers),
		cmocka_unit_test(pool__run__many_short_jobs),
		cmocka_unit_test(pool__idle__takes_no_processor_time),
		cmocka_unit_test(pool__free__of_a_pool_that_never_ran),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
