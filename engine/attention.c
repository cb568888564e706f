#include "config.h"

#include <math.h>
#include <string.h>

#include "engine/attention.h"

size_t
attention_tokens(size_t group)
{
	return group < ATTENTION_ROWS ? ATTENTION_ROWS / group : 1;
}

size_t
attention_rows(size_t group)
{
	return attention_tokens(group) * group;
}

/* Of the block's positions, how many the token at `pos` sees. */
static size_t
visible(size_t pos, size_t block)
{
	size_t n = pos < block ? 0 : pos + 1 - block;

	return n < ATTENTION_BLOCK ? n : ATTENTION_BLOCK;
}

/* Where query row r's vector begins: rows are the heads of the first token, then of the next. */
static size_t
row_at(const struct attention *a, size_t r)
{
	return r / a->group * a->stride + r % a->group * a->kv->dim;
}

static float *
weights_of(const struct attention_scratch *s, size_t r)
{
	return s->weights + r * ATTENTION_BLOCK;
}

/* Scores of the n positions from `block` on: for each query at least of those that it sees. */
static void
score(const struct attention *a, struct attention_scratch *s, size_t block, size_t n)
{
	size_t dim = a->kv->dim, rows = a->n * a->group;
	const struct act act = { .n = rows, .k = dim, .b = s->queries };
	struct matrix keys;
	const float *k;

	if (kv_keys(a->kv, a->layer, a->head, block, n, &keys)) {
		a->matmul->multiply(&keys, 0, n, &act, s->weights, ATTENTION_BLOCK, s->product);
		return;
	}
	k = kv_get(a->kv, KV_KEYS, a->layer, a->head, block, n, s->vectors);
	for (size_t r = 0; r < rows; r++)
		a->ops->scores(a->q + row_at(a, r), k, dim, visible(a->pos + r / a->group, block),
			dim, weights_of(s, r));
}

/* Adds the n values from `block` on, weighted, to the results. A single query takes them as they
 * are. */
static void
add_values(const struct attention *a, struct attention_scratch *s, size_t block, size_t n)
{
	size_t dim = a->kv->dim, rows = a->n * a->group;
	const float *v;

	if (rows == 1 && a->kv->type == KV_Q8_0) {
		a->ops->accumulate_q8(a->out, s->by[0], s->weights,
			kv_blocks(a->kv, KV_VALUES, a->layer, a->head, block, n),
			a->kv->vector_bytes, n, dim);
		return;
	}
	v = kv_get(a->kv, KV_VALUES, a->layer, a->head, block, n, s->vectors);
	for (size_t r = 0; r < rows; r++) {
		size_t seen = visible(a->pos + r / a->group, block);

		if (seen)
			a->ops->accumulate(a->out + row_at(a, r), s->by[r], weights_of(s, r), v,
				dim, seen, dim);
	}
}

static void
attend_block(const struct attention *a, struct attention_scratch *s, size_t block, size_t n)
{
	score(a, s, block, n);
	for (size_t r = 0; r < a->n * a->group; r++) {
		size_t seen = visible(a->pos + r / a->group, block);

		if (seen)
			s->by[r] = a->ops->softmax(weights_of(s, r), seen, &s->max[r], &s->sum[r]);
	}
	add_values(a, s, block, n);
}

bool
attend(const struct attention *a, struct attention_scratch *s)
{
	size_t rows = a->n * a->group, end = a->pos + a->n;
	struct matrix keys;

	for (size_t r = 0; r < rows; r++) {
		s->max[r] = -INFINITY;
		s->sum[r] = 0;
		memset(a->out + row_at(a, r), 0, a->kv->dim * sizeof *a->out);
		if (kv_keys(a->kv, a->layer, a->head, 0, 0, &keys))
			a->matmul->quantise(a->q + row_at(a, r), a->kv->dim,
				s->queries + r * (a->kv->dim / MATMUL_BLOCK));
	}
	for (size_t block = 0; block < end; block += ATTENTION_BLOCK) {
		size_t n = end - block < ATTENTION_BLOCK ? end - block : ATTENTION_BLOCK;

		if (atomic_load_explicit(a->stop, memory_order_relaxed))
			return false;
		attend_block(a, s, block, n);
	}
	for (size_t r = 0; r < rows; r++)
		a->ops->scale(a->out + row_at(a, r), 1 / s->sum[r], a->kv->dim);
	return true;
}
