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

static void
attend_block(const struct attention *a, struct attention_scratch *s, size_t block, size_t n)
{
	size_t dim = a->kv->dim, rows = a->n * a->group;
	const float *v = kv_get(a->kv, KV_KEYS, a->layer, a->head, block, n, s->vectors);

	for (size_t r = 0; r < rows; r++) {
		size_t seen = visible(a->pos + r / a->group, block);
		float *w = s->weights + r * ATTENTION_BLOCK;

		if (!seen)
			continue;
		a->ops->scores(a->q + row_at(a, r), v, dim, seen, dim, w);
		s->by[r] = a->ops->softmax(w, seen, &s->max[r], &s->sum[r]);
	}
	v = kv_get(a->kv, KV_VALUES, a->layer, a->head, block, n, s->vectors);
	for (size_t r = 0; r < rows; r++) {
		size_t seen = visible(a->pos + r / a->group, block);

		if (seen)
			a->ops->accumulate(a->out + row_at(a, r), s->by[r],
				s->weights + r * ATTENTION_BLOCK, v, dim, seen, dim);
	}
}

bool
attend(const struct attention *a, struct attention_scratch *s)
{
	size_t rows = a->n * a->group, end = a->pos + a->n;

	for (size_t r = 0; r < rows; r++) {
		s->max[r] = -INFINITY;
		s->sum[r] = 0;
		memset(a->out + row_at(a, r), 0, a->kv->dim * sizeof *a->out);
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
