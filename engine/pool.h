/*
 * Compute threads that live as long as a conversation: fork-join, a barrier, and chunks of work that
 * are shared out.
 *
 * There are two kinds of run, each with its own number of workers: reading weights for a single
 * token keeps fewer processors busy than a prompt's arithmetic does. A run is by the workers with
 * an index below its kind's number; the others are not woken for it.
 *
 * The thread that calls pool_run is worker 0 and computes too. Between runs the others sleep in the
 * kernel: an idle pool takes no processor time. At a barrier a worker spins for some 30
 * microseconds, after a run that it took part in for some 100, then it sleeps. When a kind has more
 * workers than there are processors it sleeps at once: they only cost what the switches cost.
 *
 * A pool belongs to one thread at a time (the one that calls pool_run).
 */
#ifndef ENGINE_POOL_H
#define ENGINE_POOL_H

#include <stddef.h>

struct pool;

/* One compute thread, as its function sees it. */
struct worker {
	struct pool *pool;
	unsigned index;		/* 0: the thread that called pool_run */
};

enum pool_kind {
	POOL_STEP,		/* a single token */
	POOL_BATCH,		/* several at once: prompts */
	POOL_KINDS,
};

/* Workers for each kind of run, the caller among them; step 0 is taken as 1, batch 0 as `step`.
 * Either may be the larger number, and so many threads there are in all. When the system gives
 * fewer, there are fewer. */
struct pool *pool_new(unsigned step, unsigned batch);
void pool_free(struct pool *p);		/* NULL is fine; joins the threads */
unsigned pool_threads(const struct pool *p, enum pool_kind kind);

/* The kind that all workers take part in: every index is below its number. */
enum pool_kind pool_larger(const struct pool *p);

/* Runs fn on every worker of the kind and returns when all have returned. What was written before
 * is seen by all, what they wrote is seen by the caller and by all workers of later runs. */
void pool_run(struct pool *p, enum pool_kind kind, void (*fn)(struct worker *w, void *arg),
	void *arg);

/* Inside fn: waits until all workers of the run are here. All must pass the same barriers. */
void pool_barrier(struct worker *w);

/*
 * Inside fn: each of 0 .. n - 1 once over all workers of the run, in whatever order, then SIZE_MAX.
 * All call it with the same n until the next barrier, after which there are n again.
 *
 * A worker first takes its own share, so many in a row, ascending: while it works on one, it may
 * bring the next one into its cache. Then it helps the others, from the ends of their shares.
 */
size_t pool_take(struct worker *w, size_t n);

#endif
