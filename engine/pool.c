#include "config.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#endif

#include "base/xalloc.h"
#include "engine/pool.h"

enum {
	LINE = 64,			/* bytes of a cache line */
	BARRIER_SPIN_NS = 30 * 1000,
	JOB_SPIN_NS = 100 * 1000,	/* between the tokens of an answer */
	STACK_BYTES = 512 * 1024,
};

/* A word to wait on: spins while it has the value, then sleeps in the kernel. */
struct gate {
	alignas(LINE) atomic_uint value;
	alignas(LINE) atomic_uint sleepers;
#ifndef __linux__
	pthread_cond_t opened;
#endif
};

/* The workers of one kind of run: those with an index below n. */
struct crew {
	unsigned n;
	unsigned barrier_spins, job_spins;
};

/* What is taken of a worker's chunks: from the front, by itself, in the low half; by the others, from
 * the end, in the high half. No two in one cache line. */
struct share {
	atomic_uint_least64_t taken;
	char apart[2 * LINE];
};

struct pool {
	struct gate job;		/* counts runs; workers below `few` wait here between them */
	struct gate big_job;		/* counts runs of more workers than that; the others wait here */
	struct gate turn;		/* counts barriers passed */
	alignas(LINE) atomic_uint arrived;	/* at the barrier that is under way */

	/* Written by pool_run before it opens the gates, read by workers after that. */
	alignas(LINE) void (*fn)(struct worker *w, void *arg);
	void *arg;
	const struct crew *now;		/* of the run under way */
	bool quit;

	char *memory;			/* what was allocated: the pool lies in it */
	struct crew crew[POOL_KINDS];
	unsigned few;			/* as asked for: workers that take part in every run */
	struct worker *worker;		/* [of the larger crew] */
	struct share *share;		/* the same */
	pthread_t *thread;		/* the same, the first unused */
};

static inline void
cpu_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb");
#endif
}

#ifdef __linux__
static void
gate_init(struct gate *g)
{
}

static void
gate_release(struct gate *g)
{
}

static void
gate_sleep(struct gate *g, unsigned old)
{
	syscall(SYS_futex, &g->value, FUTEX_WAIT_PRIVATE, old, NULL, NULL, 0);
}

static void
gate_wake(struct gate *g)
{
	syscall(SYS_futex, &g->value, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
#else
/* One lock for all gates: sleeping is rare enough. */
static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;

static void
gate_init(struct gate *g)
{
	pthread_cond_init(&g->opened, NULL);
}

static void
gate_release(struct gate *g)
{
	pthread_cond_destroy(&g->opened);
}

static void
gate_sleep(struct gate *g, unsigned old)
{
	pthread_mutex_lock(&gate_lock);
	if (atomic_load(&g->value) == old)
		pthread_cond_wait(&g->opened, &gate_lock);
	pthread_mutex_unlock(&gate_lock);
}

static void
gate_wake(struct gate *g)
{
	pthread_mutex_lock(&gate_lock);
	pthread_cond_broadcast(&g->opened);
	pthread_mutex_unlock(&gate_lock);
}
#endif

static void
gate_wait(struct gate *g, unsigned old, unsigned spins)
{
	while (spins--) {
		if (atomic_load_explicit(&g->value, memory_order_acquire) != old)
			return;
		cpu_pause();
	}
	/* Either the opener sees this sleeper, or the kernel sees that the value has changed. */
	atomic_fetch_add(&g->sleepers, 1);
	while (atomic_load(&g->value) == old)
		gate_sleep(g, old);
	atomic_fetch_sub(&g->sleepers, 1);
}

static void
gate_open(struct gate *g)
{
	atomic_fetch_add(&g->value, 1);
	if (atomic_load(&g->sleepers))
		gate_wake(g);
}

void
pool_barrier(struct worker *w)
{
	struct pool *p = w->pool;
	/* Once this worker has been counted, the others may be in the next run. */
	const struct crew *crew = p->now;
	unsigned turn = atomic_load_explicit(&p->turn.value, memory_order_relaxed);

	if (atomic_fetch_add(&p->arrived, 1) + 1 < crew->n) {
		gate_wait(&p->turn, turn, crew->barrier_spins);
		return;
	}
	/* The last one: nobody takes chunks or counts arrivals until the gate opens. */
	atomic_store_explicit(&p->arrived, 0, memory_order_relaxed);
	for (unsigned i = 0; i < crew->n; i++)
		atomic_store_explicit(&p->share[i].taken, 0, memory_order_relaxed);
	gate_open(&p->turn);
}

/* One of the share's n chunks to *at; false when all are taken. */
static bool
take_from(struct share *s, size_t n, bool own, size_t *at)
{
	uint64_t taken = atomic_load_explicit(&s->taken, memory_order_relaxed);
	uint64_t front, back;

	do {
		front = taken & UINT32_MAX;
		back = taken >> 32;
		if (front + back >= n)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&s->taken, &taken,
		taken + (own ? 1 : UINT64_C(1) << 32), memory_order_relaxed, memory_order_relaxed));
	*at = own ? front : n - 1 - back;
	return true;
}

size_t
pool_take(struct worker *w, size_t n)
{
	struct pool *p = w->pool;
	const size_t workers = p->now->n;

	for (size_t k = 0; k < workers; k++) {
		size_t i = (w->index + k) % workers;
		size_t begin = n * i / workers, end = n * (i + 1) / workers, at;

		if (take_from(&p->share[i], end - begin, k == 0, &at))
			return begin + at;
	}
	return SIZE_MAX;
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	struct pool *p = w->pool;
	struct gate *job = w->index < p->few ? &p->job : &p->big_job;
	unsigned seen = 0, spins = 0;

	for (;;) {
		gate_wait(job, seen++, spins);
		if (p->quit)
			return NULL;
		spins = p->now->job_spins;
		p->fn(w, p->arg);
		pool_barrier(w);
	}
}

/* Those on the second gate have slept longest, if they take part at all. */
static void
open_gates(struct pool *p, const struct crew *crew)
{
	if (crew->n > p->few)
		gate_open(&p->big_job);
	if (crew->n > 1 && p->few > 1)
		gate_open(&p->job);
}

void
pool_run(struct pool *p, enum pool_kind kind, void (*fn)(struct worker *w, void *arg),
	void *arg)
{
	p->fn = fn;
	p->arg = arg;
	p->now = &p->crew[kind];
	open_gates(p, p->now);
	fn(&p->worker[0], arg);
	pool_barrier(&p->worker[0]);
}

/* How many pauses last so long: from 4 to 140 cycles each, depending on the processor. */
static unsigned
spins_for(unsigned ns)
{
	enum { PROBE = 512 };
	struct timespec a, b;
	long took;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < PROBE; i++)
		cpu_pause();
	clock_gettime(CLOCK_MONOTONIC, &b);
	took = (b.tv_sec - a.tv_sec) * 1000000000L + b.tv_nsec - a.tv_nsec;
	return took > 0 ? (unsigned)((double)ns * PROBE / (double)took) : PROBE;
}

/* Spinning only helps when whom one waits for has a processor of its own. */
static bool
enough_processors(unsigned threads)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
#ifdef __linux__
	cpu_set_t set;

	if (!sched_getaffinity(0, sizeof set, &set) && CPU_COUNT(&set) < online)
		online = CPU_COUNT(&set);
#endif
	return online < 1 || threads <= (unsigned long)online;
}

/* Starts worker i; false when the system has no thread left. */
static bool
start_worker(struct pool *p, unsigned i, const pthread_attr_t *attr)
{
	p->worker[i] = (struct worker){ .pool = p, .index = i };
	return pthread_create(&p->thread[i], attr, worker_main, &p->worker[i]) == 0;
}

static void
crew_init(struct crew *c, unsigned n)
{
	*c = (struct crew){ .n = n };
	if (enough_processors(n)) {
		c->barrier_spins = spins_for(BARRIER_SPIN_NS);
		c->job_spins = spins_for(JOB_SPIN_NS);
	}
}

/* Starts all but the first worker; the crews shrink to what the system gives. */
static void
start_workers(struct pool *p, unsigned n)
{
	sigset_t block, before;
	pthread_attr_t attr;

	/* Signals are for the program's own threads; but a fault belongs to the thread that caused
	 * it. */
	sigfillset(&block);
	sigdelset(&block, SIGBUS);
	sigdelset(&block, SIGSEGV);
	sigdelset(&block, SIGFPE);
	sigdelset(&block, SIGILL);
	pthread_sigmask(SIG_SETMASK, &block, &before);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (unsigned i = 1; i < n; i++) {
		if (start_worker(p, i, &attr))
			continue;
		n = i;
		for (int k = 0; k < POOL_KINDS; k++)
			p->crew[k].n = p->crew[k].n < n ? p->crew[k].n : n;
	}
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct pool *
pool_new(unsigned step, unsigned batch)
{
	char *memory = xmalloc(sizeof(struct pool) + LINE);
	struct pool *p = (struct pool *)(memory + LINE - (uintptr_t)memory % LINE);
	unsigned n;

	step = step ? step : 1;
	batch = batch ? batch : step;
	n = step > batch ? step : batch;
	*p = (struct pool){ .memory = memory, .few = step < batch ? step : batch };
	p->worker = xcalloc(n, sizeof *p->worker);
	p->share = xcalloc(n, sizeof *p->share);
	p->thread = xcalloc(n, sizeof *p->thread);
	crew_init(&p->crew[POOL_STEP], step);
	crew_init(&p->crew[POOL_BATCH], batch);
	gate_init(&p->job);
	gate_init(&p->big_job);
	gate_init(&p->turn);
	p->worker[0] = (struct worker){ .pool = p };
	start_workers(p, n);
	return p;
}

void
pool_free(struct pool *p)
{
	unsigned n;

	if (!p)
		return;
	p->quit = true;
	n = pool_threads(p, pool_larger(p));
	open_gates(p, &p->crew[pool_larger(p)]);
	for (unsigned i = 1; i < n; i++)
		pthread_join(p->thread[i], NULL);
	gate_release(&p->job);
	gate_release(&p->big_job);
	gate_release(&p->turn);
	free(p->worker);
	free(p->share);
	free(p->thread);
	free(p->memory);
}

unsigned
pool_threads(const struct pool *p, enum pool_kind kind)
{
	return p->crew[kind].n;
}

enum pool_kind
pool_larger(const struct pool *p)
{
	return p->crew[POOL_BATCH].n > p->crew[POOL_STEP].n ? POOL_BATCH : POOL_STEP;
}
