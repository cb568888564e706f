/* Logits for tools, and timed runs. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "engine/llm_internal.h"

static int
check_ids(const struct llm_chat *c, const int32_t *ids, size_t n, struct err *e)
{
	size_t n_vocab = c->llm->model->n_vocab;

	if (n > c->kv.context)
		return err_set(e, ERR_FIT, "%zu tokens, %zu more than fit into the context of %zu",
			n, n - c->kv.context, c->kv.context);
	for (size_t i = 0; i < n; i++) {
		if (ids[i] < 0 || (size_t)ids[i] >= n_vocab)
			return err_set(e, ERR_USAGE, "token %d is not in the vocabulary of %zu",
				ids[i], n_vocab);
	}
	return 0;
}

/* The next k ids, at the end of the cache. */
static int
logits_of(struct llm_chat *c, const int32_t *ids, size_t k, float *out, struct err *e)
{
	int32_t *to = c->ids + c->kv.n;

	memcpy(to, ids, k * sizeof *ids);
	if (forward_run(c->forward, to, k, out, k) < 0)
		return err_set(e, ERR_INTERRUPTED, "cancelled");
	return 0;
}

int
llm_logits(struct llm_chat *c, const int32_t *ids, size_t n, float *out, struct err *e)
{
	size_t k;

	if (check_ids(c, ids, n, e) < 0)
		return -1;
	kv_truncate(&c->kv, 0);
	for (size_t at = 0; at < n; at += k) {
		k = n - at < FORWARD_BATCH ? n - at : FORWARD_BATCH;
		if (logits_of(c, ids + at, k, out + at * c->llm->model->n_vocab, e) < 0)
			return -1;
	}
	return 0;
}

int
llm_logits_each(struct llm_chat *c, const int32_t *ids, size_t n,
	bool (*on_logits)(void *ctx, size_t first, size_t k, const float *logits), void *ctx, struct err *e)
{
	size_t room = n < FORWARD_BATCH ? n : FORWARD_BATCH, n_vocab = c->llm->model->n_vocab, k;
	float *out;
	int rc = 0;

	if (check_ids(c, ids, n, e) < 0)
		return -1;
	out = malloc(room * n_vocab * sizeof *out);
	if (!out && room)
		return err_set(e, ERR_MODEL, "no memory for the logits of %zu tokens", room);
	kv_truncate(&c->kv, 0);
	for (size_t at = 0; rc == 0 && at < n; at += k) {
		k = n - at < room ? n - at : room;
		rc = logits_of(c, ids + at, k, out, e);
		if (rc == 0 && !on_logits(ctx, at, k, out))
			rc = err_set(e, ERR_INTERRUPTED, "cancelled");
	}
	free(out);
	return rc;
}

/* The token that a bench has at a position: any will do, but the same in each run. */
static int32_t
bench_token(const struct llm_chat *c, size_t pos)
{
	uint64_t x = (pos + 1) * 0x9e3779b97f4a7c15u;

	return (int32_t)((x >> 32) % c->llm->model->n_vocab);
}

double
llm_bench(struct llm_chat *c, size_t depth, size_t n_prompt, size_t n_gen, struct err *e)
{
	size_t n = depth + n_prompt + n_gen, room = c->kv.context, cached;
	int32_t *ids;
	double start;
	int ret = 0;

	if (depth > room || n_prompt > room || n_gen > room || n > room)
		return err_set(e, ERR_FIT, "%zu tokens do not fit into the context of %zu", n,
			room);
	ids = xcalloc(n, sizeof *ids);
	for (size_t i = 0; i < n; i++)
		ids[i] = bench_token(c, i);
	/* What an earlier run left of the same depth is used; what lies behind is timed anew. */
	if (depth && llm_common_prefix(c, ids, depth) == depth)
		kv_truncate(&c->kv, depth);
	else if (depth)
		ret = llm_feed(c, ids, depth, &cached);
	else
		kv_truncate(&c->kv, 0);
	start = llm_now();
	if (!ret && n_prompt)
		ret = llm_feed(c, ids, depth + n_prompt, &cached);
	for (size_t i = depth + n_prompt; !ret && i < n; i++)
		ret = llm_step(c, ids[i]);
	free(ids);
	if (ret)
		return err_set(e, ERR_INTERRUPTED, "cancelled");
	return llm_now() - start;
}

/* ---- the machine ---------------------------------------------------------------------------- */

enum {
	READ_CHUNK = 1 << 20,
	READ_PASSES = 4,
	LEAST_BUFFER = 256 << 20,
	BURST_ROUNDS = 20000,
};

static const double burst_seconds = 0.2;

struct measure {
	struct llm_chat *c;
	uint8_t *buffer;
	size_t chunks;
	atomic_uint_fast64_t sum;	/* of what was read, so that it is read; multiply-adds done */
};

static void
read_all(struct worker *w, void *arg)
{
	struct measure *m = arg;
	uint64_t sum = 0;
	size_t i;

	while ((i = pool_take(w, m->chunks)) < m->chunks && !atomic_load(&m->c->cancel))
		sum += m->c->ops->read(m->buffer + i * READ_CHUNK, READ_CHUNK);
	atomic_fetch_add(&m->sum, sum);
}

/* Takes the pages from the system, each by some thread. */
static void
touch_all(struct worker *w, void *arg)
{
	struct measure *m = arg;
	size_t i;

	while ((i = pool_take(w, m->chunks)) < m->chunks && !atomic_load(&m->c->cancel))
		memset(m->buffer + i * READ_CHUNK, (int)i, READ_CHUNK);
}

/* Four times the last cache, if the memory allows it: a buffer that no cache keeps between two
 * passes. */
static size_t
buffer_bytes(void)
{
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	long cache = -1;
	uint64_t n;

#ifdef _SC_LEVEL3_CACHE_SIZE
	cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
#endif
	n = cache > 0 ? 4 * (uint64_t)cache : 0;
	n = n > LEAST_BUFFER ? n : LEAST_BUFFER;
	n = n < memory / 8 ? n : memory / 8;
	return n / READ_CHUNK * READ_CHUNK;
}

double
llm_measure_bandwidth(struct llm_chat *c)
{
	struct measure m = { .c = c };
	size_t size = buffer_bytes();
	double best = 0;
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return 0;
	m.buffer = p;
	m.chunks = size / READ_CHUNK;
	pool_run(c->pool, pool_larger(c->pool), touch_all, &m);
	for (int i = 0; i < READ_PASSES && !atomic_load(&c->cancel); i++) {
		double start = llm_now(), speed;

		pool_run(c->pool, pool_larger(c->pool), read_all, &m);
		speed = (double)size / (llm_now() - start);
		best = speed > best ? speed : best;
	}
	munmap(p, size);
	return best;
}

static void
burst(struct worker *w, void *arg)
{
	struct measure *m = arg;
	double start = llm_now();
	uint64_t done = 0;

	while (llm_now() - start < burst_seconds && !atomic_load(&m->c->cancel))
		done += m->c->ops->int8_burst(BURST_ROUNDS);
	atomic_fetch_add(&m->sum, done);
}

double
llm_measure_int8(struct llm_chat *c)
{
	struct measure m = { .c = c };
	double start = llm_now();

	pool_run(c->pool, pool_larger(c->pool), burst, &m);
	return (double)atomic_load(&m.sum) / (llm_now() - start);
}
