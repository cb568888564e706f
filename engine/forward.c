#include "config.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/xalloc.h"
#include "engine/attention.h"
#include "engine/forward.h"
#include "engine/quant.h"
#include "engine/rope.h"

enum {
	LINE = 64,
	CHUNK_MACS = 32 * 1024,	/* least work of a chunk of rows: less costs more to hand out */
	CHUNK_GRANULES = 4,	/* and so many granules, if that leaves enough chunks for all */
	CHUNKS_PER_THREAD = 8,
	STEPS_PER_LAYER = 5,
};

/* Activations as the matrix products take them: floats, or int8 with scales, or both. */
struct act_buffer {
	float *f;
	struct act_block *b;
};

/* What each thread has for itself. */
struct lane {
	struct act_buffer act;		/* of one token: cheaper to make than to wait for */
	void *scratch;			/* for matmul */
	struct attention_scratch attention;
};

struct forward {
	struct forward_parts p;
	struct rope rope;
	struct lane *lane;		/* [workers] */
	uint8_t *memory;		/* all that follows */
	size_t bytes;

	/* [FORWARD_BATCH][...] */
	float *x;			/* [n_embd] the residual stream */
	float *y;			/* [n_embd] what is added to it */
	float *q, *k, *v;		/* [heads * head_dim] */
	float *att;			/* [n_head * head_dim] */
	float *gate, *up;		/* [n_ff] */
	float *cos, *sin;		/* [n_rot] */
	struct act_buffer act;		/* [the longest of them] */

	/* The run under way; constant while it lasts but for `stopped` and `step`. */
	const int32_t *ids;
	size_t n, n_logits;
	unsigned threads;
	float *logits;
	atomic_bool stopped;		/* a thread has seen the cancel flag */
	size_t step;			/* worker 0 only */
};

/* ---- memory ---------------------------------------------------------------------------------- */

/* Hands out pieces of one block; with base NULL it only counts. */
struct arena {
	uint8_t *base;
	size_t used;
};

static void *
arena_take(struct arena *a, size_t bytes)
{
	void *p = a->base ? a->base + a->used : NULL;

	a->used += (bytes + LINE - 1) / LINE * LINE;
	return p;
}

static void
take_act(struct arena *a, struct act_buffer *b, size_t n, size_t f_cols, size_t cols)
{
	b->f = arena_take(a, n * f_cols * sizeof(float));
	b->b = arena_take(a, n * (cols / MATMUL_BLOCK) * sizeof *b->b);
}

static size_t
max_cols(const struct model *m)
{
	size_t att = m->n_head * m->head_dim, cols = m->n_embd > m->n_ff ? m->n_embd : m->n_ff;

	return att > cols ? att : cols;
}

static void
take_lane(struct forward *f, struct arena *a, struct lane *lane)
{
	const struct model *m = f->p.model;
	size_t rows = attention_rows(m->n_head / m->n_head_kv);
	struct attention_scratch *s = &lane->attention;

	take_act(a, &lane->act, 1, m->n_embd, max_cols(m));
	lane->scratch = arena_take(a, f->p.matmul->scratch_bytes(max_cols(m)));
	s->vectors = arena_take(a, ATTENTION_BLOCK * m->head_dim * sizeof(float));
	s->queries = arena_take(a, rows * (m->head_dim / MATMUL_BLOCK) * sizeof *s->queries);
	s->product = lane->scratch;
	s->weights = arena_take(a, rows * ATTENTION_BLOCK * sizeof(float));
	s->max = arena_take(a, rows * sizeof(float));
	s->sum = arena_take(a, rows * sizeof(float));
	s->by = arena_take(a, rows * sizeof(float));
}

/* Of the kind of run that has most. */
static unsigned
workers(const struct forward *f)
{
	return pool_threads(f->p.pool, pool_larger(f->p.pool));
}

static void
take_all(struct forward *f, struct arena *a)
{
	const struct model *m = f->p.model;
	const size_t n = FORWARD_BATCH, row = n * sizeof(float);

	f->x = arena_take(a, row * m->n_embd);
	f->y = arena_take(a, row * m->n_embd);
	f->q = arena_take(a, row * m->n_head * m->head_dim);
	f->k = arena_take(a, row * m->n_head_kv * m->head_dim);
	f->v = arena_take(a, row * m->n_head_kv * m->head_dim);
	f->att = arena_take(a, row * m->n_head * m->head_dim);
	f->gate = arena_take(a, row * m->n_ff);
	f->up = arena_take(a, row * m->n_ff);
	f->cos = arena_take(a, row * m->n_rot);
	f->sin = arena_take(a, row * m->n_rot);
	take_act(a, &f->act, n, m->n_embd, max_cols(m));
	for (unsigned i = 0; i < workers(f); i++)
		take_lane(f, a, &f->lane[i]);
}

struct forward *
forward_new(const struct forward_parts *parts, struct err *e)
{
	struct forward *f = xcalloc(1, sizeof *f);
	struct arena a = { 0 };

	f->p = *parts;
	f->lane = xcalloc(workers(f), sizeof *f->lane);
	rope_init(&f->rope, parts->model);
	take_all(f, &a);
	f->bytes = a.used;
	/* Untouched pages cost nothing: a conversation without long prompts uses little of it. */
	a.base = mmap(NULL, f->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (a.base == MAP_FAILED) {
		err_errno(e, ERR_MODEL, "cannot get %zu MiB of working memory", f->bytes >> 20);
		forward_free(f);
		return NULL;
	}
	f->memory = a.base;
	a.used = 0;
	take_all(f, &a);
	return f;
}

void
forward_free(struct forward *f)
{
	if (!f)
		return;
	if (f->memory)
		munmap(f->memory, f->bytes);
	rope_release(&f->rope);
	free(f->lane);
	free(f);
}

size_t
forward_bytes(const struct forward *f)
{
	return f->bytes;
}

/* ---- work ------------------------------------------------------------------------------------ */

/* The next of this phase's n chunks; SIZE_MAX past the last, and when the run is cancelled: then the
 * threads only meet at the barriers, which is over at once, and the results are thrown away. */
static size_t
take(struct forward *f, struct worker *w, size_t n)
{
	if (atomic_load_explicit(f->p.cancel, memory_order_relaxed))
		atomic_store_explicit(&f->stopped, true, memory_order_relaxed);
	if (atomic_load_explicit(&f->stopped, memory_order_relaxed))
		return SIZE_MAX;
	if (w->index == 0 && f->p.on_step)
		f->p.on_step(f->p.ctx, f->step, f->p.model->n_layer * STEPS_PER_LAYER + 1);
	return pool_take(w, n);
}

static void
end_phase(struct forward *f, struct worker *w)
{
	if (w->index == 0)
		f->step++;
	pool_barrier(w);
}

static bool
takes_floats(enum quant_type t)
{
	return t == QUANT_F32 || t == QUANT_F16 || t == QUANT_BF16;
}

/* One product: out[t][r] for all rows, then what is to be done with them while they are near. */
struct product {
	const struct matrix *w;
	const float *bias;	/* or NULL */
	float *out;		/* [n][w->rows] */
	float *sum;		/* [n][w->rows] to be increased by it, or NULL */
	struct act act;
};

/* One row of activations: normalised by `norm` unless it is NULL, and quantised if asked for. */
static void
make_row(struct forward *f, const struct act_buffer *to, size_t t, const float *src, size_t k,
	const float *norm, bool quantise)
{
	const float *row = src + t * k;

	if (norm) {
		f->p.ops->rmsnorm(row, norm, f->p.model->norm_eps, k, to->f + t * k);
		row = to->f + t * k;
	}
	if (quantise)
		f->p.matmul->quantise(row, k, to->b + t * (k / MATMUL_BLOCK));
}

/* Makes the activations of rows src[n][k], once for all of the products. A single row is made by
 * every thread for itself, more are shared out. */
static void
make_act(struct forward *f, struct worker *w, const float *src, size_t n, size_t k,
	const float *norm, struct product *p, size_t n_products)
{
	struct act_buffer *to = n == 1 ? &f->lane[w->index].act : &f->act;
	bool quantise = false;
	size_t t;

	for (size_t i = 0; i < n_products; i++) {
		quantise |= !takes_floats(p[i].w->type);
		p[i].act = (struct act){ .n = n, .k = k, .f = norm ? to->f : src, .b = to->b };
	}
	if (n == 1) {
		make_row(f, to, 0, src, k, norm, quantise);
		return;
	}
	while ((t = take(f, w, n)) < n)
		make_row(f, to, t, src, k, norm, quantise);
	pool_barrier(w);
}

/* The activations of the tokens from `first` on. */
static struct act
act_from(struct act a, size_t first)
{
	a.n -= first;
	a.f += first * a.k;
	a.b += first * (a.k / MATMUL_BLOCK);
	return a;
}

static size_t
chunk_rows(const struct forward *f, const struct product *p)
{
	size_t granule = f->p.matmul->granule, work = p->w->cols * p->act.n * granule + 1;
	size_t fair = p->w->rows / (granule * CHUNKS_PER_THREAD * f->threads);
	size_t granules = fair < CHUNK_GRANULES ? fair : CHUNK_GRANULES;
	size_t least = CHUNK_MACS / work + 1;

	return (granules > least ? granules : least) * granule;
}

static void
multiply_rows(struct forward *f, struct worker *w, const struct product *p, size_t r0, size_t r1)
{
	size_t ld = p->w->rows;

	f->p.matmul->multiply(p->w, r0, r1, &p->act, p->out, ld, f->lane[w->index].scratch);
	for (size_t t = 0; t < p->act.n; t++) {
		float *out = p->out + t * ld + r0;

		if (p->bias)
			f->p.ops->add(out, p->bias + r0, r1 - r0);
		if (p->sum)
			f->p.ops->add(p->sum + t * ld + r0, out, r1 - r0);
	}
}

static size_t
chunks_of(const struct forward *f, const struct product *p)
{
	size_t step = chunk_rows(f, p);

	return p->act.n ? (p->w->rows + step - 1) / step : 0;
}

/* All rows of up to three products, shared out among the threads. */
static void
multiply(struct forward *f, struct worker *w, const struct product *p, size_t n_products)
{
	size_t all = 0, c;

	for (size_t i = 0; i < n_products; i++)
		all += chunks_of(f, &p[i]);
	while ((c = take(f, w, all)) < all) {
		const struct product *of = p;
		size_t step, r0;

		for (; c >= chunks_of(f, of); of++)
			c -= chunks_of(f, of);
		step = chunk_rows(f, of);
		r0 = c * step;
		multiply_rows(f, w, of, r0, r0 + step < of->w->rows ? r0 + step : of->w->rows);
	}
	end_phase(f, w);
}

/* ---- the phases of a layer ------------------------------------------------------------------ */

/* Queries, keys and values. In the last layer only the tokens from `first` on have queries. */
static void
project(struct forward *f, struct worker *w, const struct model_layer *l, size_t first)
{
	struct product p[3] = {
		{ .w = &l->wq, .bias = l->bq, .out = f->q },
		{ .w = &l->wk, .bias = l->bk, .out = f->k },
		{ .w = &l->wv, .bias = l->bv, .out = f->v },
	};

	make_act(f, w, f->x, f->n, f->p.model->n_embd, l->attn_norm, p, 3);
	p[0].act = act_from(p[0].act, first);
	p[0].out += first * l->wq.rows;
	multiply(f, w, p, 3);
}

/* Rotates one token's queries of one group and their key, and stores key and value. */
static void
store_head(struct forward *f, size_t layer, size_t head, size_t t, bool queries)
{
	const struct model *m = f->p.model;
	size_t dim = m->head_dim, group = m->n_head / m->n_head_kv;
	const float *c = f->cos + t * m->n_rot, *s = f->sin + t * m->n_rot;
	float *q = f->q + (t * m->n_head + head * group) * dim;
	float *k = f->k + (t * m->n_head_kv + head) * dim;

	if (queries) {
		for (size_t g = 0; g < group; g++)
			f->p.ops->rope(q + g * dim, c, s, m->n_rot);
		f->p.ops->scale(q, 1 / sqrtf((float)dim), group * dim);
	}
	f->p.ops->rope(k, c, s, m->n_rot);
	kv_put(f->p.kv, layer, head, f->p.kv->n + t, k, f->v + (t * m->n_head_kv + head) * dim);
}

static void
attend_head(struct forward *f, struct worker *w, size_t layer, size_t head, size_t t0, size_t t1)
{
	const struct model *m = f->p.model;
	size_t group = m->n_head / m->n_head_kv, at = (t0 * m->n_head + head * group) * m->head_dim;
	struct attention a = {
		.kv = f->p.kv, .ops = f->p.ops, .matmul = f->p.matmul, .layer = layer, .head = head, .group = group,
		.n = t1 - t0, .pos = f->p.kv->n + t0, .q = f->q + at, .out = f->att + at,
		.stride = m->n_head * m->head_dim, .stop = f->p.cancel,
	};

	if (!attend(&a, &f->lane[w->index].attention))
		atomic_store_explicit(&f->stopped, true, memory_order_relaxed);
}

/* A single token: each kv head and its queries are one thread's, with no barrier in between. */
static void
attention_single(struct forward *f, struct worker *w, size_t layer, size_t first)
{
	size_t n = f->p.model->n_head_kv, h;

	while ((h = take(f, w, n)) < n) {
		store_head(f, layer, h, 0, first == 0);
		if (first == 0)
			attend_head(f, w, layer, h, 0, 1);
	}
	end_phase(f, w);
}

static void
attention(struct forward *f, struct worker *w, size_t layer, size_t first)
{
	const struct model *m = f->p.model;
	size_t tile = attention_tokens(m->n_head / m->n_head_kv);
	size_t tiles = (f->n - first + tile - 1) / tile, work = tiles * m->n_head_kv, i;

	if (f->n == 1) {
		attention_single(f, w, layer, first);
		return;
	}
	while ((i = take(f, w, f->n)) < f->n) {
		for (size_t h = 0; h < m->n_head_kv; h++)
			store_head(f, layer, h, i, i >= first);
	}
	pool_barrier(w);
	while ((i = take(f, w, work)) < work) {
		/* The last tokens see most positions: the longest work of a share comes first, so
		 * that what is left for others to help with is short. */
		size_t t0 = first + (tiles - 1 - i / m->n_head_kv) * tile;

		attend_head(f, w, layer, i % m->n_head_kv, t0, t0 + tile < f->n ? t0 + tile : f->n);
	}
	end_phase(f, w);
}

/* silu(gate) * up, each row's by the thread that made both. */
static void
gate_and_up(struct forward *f, struct worker *w, const struct model_layer *l, size_t first)
{
	size_t n = f->n - first, n_ff = f->p.model->n_ff, n_embd = f->p.model->n_embd, c;
	struct product p[2] = {
		{ .w = &l->gate, .out = f->gate },
		{ .w = &l->up, .out = f->up },
	};
	size_t step, chunks;

	make_act(f, w, f->x + first * n_embd, n, n_embd, l->ffn_norm, p, 2);
	step = chunk_rows(f, &p[0]);
	chunks = (n_ff + step - 1) / step;
	while ((c = take(f, w, chunks)) < chunks) {
		size_t r0 = c * step, r1 = r0 + step < n_ff ? r0 + step : n_ff;

		multiply_rows(f, w, &p[0], r0, r1);
		multiply_rows(f, w, &p[1], r0, r1);
		for (size_t t = 0; t < n; t++)
			f->p.ops->silu_mul(f->gate + t * n_ff + r0, f->up + t * n_ff + r0, r1 - r0);
	}
	end_phase(f, w);
}

/* x += matrix * src, for the tokens from `first` on. */
static void
add_product(struct forward *f, struct worker *w, const struct matrix *matrix, const float *bias,
	const float *src, size_t first)
{
	struct product p = { .w = matrix, .bias = bias, .out = f->y };

	p.sum = f->x + first * matrix->rows;
	make_act(f, w, src, f->n - first, matrix->cols, NULL, &p, 1);
	multiply(f, w, &p, 1);
}

static void
run_layer(struct forward *f, struct worker *w, size_t i)
{
	const struct model *m = f->p.model;
	const struct model_layer *l = &m->layer[i];
	size_t first = i + 1 < m->n_layer ? 0 : f->n - f->n_logits;

	project(f, w, l, first);
	attention(f, w, i, first);
	if (first == f->n)
		return;
	add_product(f, w, &l->wo, l->bo, f->att + first * l->wo.cols, first);
	gate_and_up(f, w, l, first);
	add_product(f, w, &l->down, NULL, f->gate, first);
}

static void
embed(struct forward *f, struct worker *w)
{
	const struct model *m = f->p.model;
	const struct matrix *e = &m->tok_embd;
	size_t t;

	while ((t = take(f, w, f->n)) < f->n) {
		const uint8_t *row = e->data + (size_t)f->ids[t] * e->row_bytes;

		quant_format(e->type)->decode(row, f->x + t * m->n_embd, m->n_embd);
		rope_fill(&f->rope, f->p.kv->n + t, f->cos + t * m->n_rot, f->sin + t * m->n_rot);
	}
	pool_barrier(w);
}

static void
run(struct worker *w, void *arg)
{
	struct forward *f = arg;
	const struct model *m = f->p.model;
	struct product p = { .w = &m->output, .out = f->logits };

	embed(f, w);
	for (size_t i = 0; i < m->n_layer; i++)
		run_layer(f, w, i);
	if (f->n_logits == 0)
		return;
	make_act(f, w, f->x + (f->n - f->n_logits) * m->n_embd, f->n_logits, m->n_embd,
		m->out_norm, &p, 1);
	multiply(f, w, &p, 1);
}

int
forward_run(struct forward *f, const int32_t *ids, size_t n, float *logits, size_t n_logits)
{
	enum pool_kind kind = n > 1 ? POOL_BATCH : POOL_STEP;

	assert(n > 0 && n <= FORWARD_BATCH && n_logits <= n && n <= f->p.kv->context - f->p.kv->n);
	f->ids = ids;
	f->n = n;
	f->threads = pool_threads(f->p.pool, kind);
	f->logits = logits;
	f->n_logits = n_logits;
	f->step = 0;
	atomic_store(&f->stopped, false);
	pool_run(f->p.pool, kind, run, f);
	if (atomic_load(&f->stopped))
		return -1;
	f->p.kv->n += n;
	return 0;
}
