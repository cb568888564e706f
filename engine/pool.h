/*
 * Compute threads that live as long as a conversation: fork-join, a barrier, and one counter of
 * chunks.
 *
 * The thread that calls pool_run is worker 0 and computes too. Between runs the others sleep in the
 * kernel: an idle pool takes no processor time. At a barrier a worker spins for some 30
 * microseconds, then sleeps, so that more threads than processors only cost what the switches cost.
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

/* `threads` in all, the caller among them; 0 is taken as 1. When the system gives fewer, there are
 * fewer. */
struct pool *pool_new(unsigned threads);
void pool_free(struct pool *p);		/* NULL is fine; joins the threads */
unsigned pool_threads(const struct pool *p);

/* Runs fn on every worker and returns when all have returned. What was written before is seen by
 * all, what they wrote is seen by the caller. */
void pool_run(struct pool *p, void (*fn)(struct worker *w, void *arg), void *arg);

/* Inside fn: waits until all workers are here. All must pass the same barriers. */
void pool_barrier(struct worker *w);

/* Inside fn: 0, 1, 2, ... over all workers, from 0 again after each barrier and at the start of a
 * run. */
size_t pool_take(struct worker *w);

#endif
