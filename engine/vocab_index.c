/* Finding the pieces of a vocabulary by their bytes. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "engine/vocab_internal.h"

/* An index is at most half full; a good hash then needs a few dozen steps. More is a file made to
 * be slow. */
enum { MAX_PROBES = 1024 };

static size_t
hash_bytes(const char *s, size_t len)
{
	uint64_t h = len * UINT64_C(0x9e3779b97f4a7c15), word;

	for (; len >= 8; s += 8, len -= 8) {
		memcpy(&word, s, 8);
		h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
		h ^= h >> 32;
	}
	word = 0;
	memcpy(&word, s, len);
	h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 32;
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 29;
}

static bool
piece_is(const struct vocab *v, int32_t id, const char *s, size_t len)
{
	const struct piece *p = &v->piece[id];

	return p->len == len && !memcmp(v->bytes + p->at, s, len);
}

/* The slot of these bytes, or the free one where they would go; NULL after too many steps. */
static uint32_t *
index_slot(const struct vocab *v, const struct piece_index *x, const char *s, size_t len)
{
	size_t mask = x->n_slots - 1, i = hash_bytes(s, len) & mask;

	for (size_t n = 0; n < MAX_PROBES; n++, i = (i + 1) & mask)
		if (!x->slot[i] || piece_is(v, x->slot[i] - 1, s, len))
			return &x->slot[i];
	return NULL;
}

int32_t
piece_index_find(const struct vocab *v, const struct piece_index *x, const char *s, size_t len)
{
	const uint32_t *slot = index_slot(v, x, s, len);

	return slot && *slot ? (int32_t)(*slot - 1) : -1;
}

int
piece_index_build(const struct vocab *v, struct piece_index *x, unsigned flag, struct err *e)
{
	uint32_t *slot;

	for (x->n_slots = 16; x->n_slots < 2 * v->n;)
		x->n_slots *= 2;
	x->slot = calloc(x->n_slots, sizeof *x->slot);
	if (!x->slot)
		return err_set(
			e, ERR_MODEL, "not enough memory for a vocabulary of %zu tokens", v->n);
	for (size_t i = 0; i < v->n; i++) {
		const struct piece *p = &v->piece[i];

		if (flag && !(p->flags & flag))
			continue;
		slot = index_slot(v, x, v->bytes + p->at, p->len);
		if (!slot)
			return err_set(e, ERR_MODEL,
				"the vocabulary is built to make look-ups slow; refused");
		if (!*slot)
			*slot = i + 1;
	}
	return 0;
}

static int
compare_pieces(const void *a, const void *b, void *vocab)
{
	const struct vocab *v = vocab;
	int32_t i = *(const int32_t *)a, k = *(const int32_t *)b;
	const struct piece *p = &v->piece[i], *q = &v->piece[k];
	int order = memcmp(v->bytes + p->at, v->bytes + q->at, p->len < q->len ? p->len : q->len);

	if (order)
		return order;
	if (p->len != q->len)
		return p->len < q->len ? -1 : 1;
	return i < k ? -1 : 1;
}

int
piece_list_build(struct vocab *v, struct piece_list *l, unsigned flag, struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++)
		n += !!(v->piece[i].flags & flag);
	if (!n)
		return 0;
	l->id = malloc(n * sizeof *l->id);
	if (!l->id)
		return err_set(
			e, ERR_MODEL, "not enough memory for a vocabulary of %zu tokens", v->n);
	for (size_t i = 0; i < v->n; i++)
		if (v->piece[i].flags & flag)
			l->id[l->n++] = i;
	qsort_r(l->id, l->n, sizeof *l->id, compare_pieces, v);
	return 0;
}

/* First index in [lo, hi) whose piece has a byte >= c at `depth`; all there are longer than
 * that. */
static size_t
lower_bound(const struct vocab *v, const struct piece_list *l, size_t lo, size_t hi, size_t depth,
	unsigned c)
{
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if ((unsigned char)v->bytes[v->piece[l->id[mid]].at + depth] < c)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int32_t
piece_list_match(const struct vocab *v, const struct piece_list *l, const char *s, size_t len)
{
	size_t lo = 0, hi = l->n;
	int32_t best = -1;

	for (size_t depth = 0; lo < hi; depth++) {
		unsigned c;

		if (v->piece[l->id[lo]].len == depth)
			best = l->id[lo];
		while (lo < hi && v->piece[l->id[lo]].len == depth)
			lo++;
		if (depth == len)
			break;
		c = (unsigned char)s[depth];
		lo = lower_bound(v, l, lo, hi, depth, c);
		hi = lower_bound(v, l, lo, hi, depth, c + 1);
	}
	return best;
}
