/* A model file: parsed, bound to a model, and all that both hand out is read. */
#include "config.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint64_t sink;	/* so that no read is optimised away */

static void
read_matrix(const struct matrix *w)
{
	if (w->data)
		sink += w->data[0] + w->data[w->rows * w->row_bytes - 1];
}

static void
read_floats(const float *x, size_t n)
{
	if (x)
		sink += x[0] < x[n - 1];
}

static void
read_layer(const struct model *m, const struct model_layer *l)
{
	const struct matrix *w[] = { &l->wq, &l->wk, &l->wv, &l->wo, &l->gate, &l->up, &l->down };

	for (size_t i = 0; i < sizeof w / sizeof w[0]; i++)
		read_matrix(w[i]);
	read_floats(l->attn_norm, m->n_embd);
	read_floats(l->ffn_norm, m->n_embd);
	read_floats(l->bq, m->n_head * m->head_dim);
	read_floats(l->bk, m->n_head_kv * m->head_dim);
	read_floats(l->bv, m->n_head_kv * m->head_dim);
	read_floats(l->bo, m->n_embd);
}

static void
read_model(const struct model *m)
{
	sink += strlen(m->name) + strlen(m->type) + strlen(m->arch);
	read_matrix(&m->tok_embd);
	read_matrix(&m->output);
	read_floats(m->out_norm, m->n_embd);
	read_floats(m->rope_freqs, m->n_rot / 2);
	for (size_t i = 0; i < m->n_layer; i++)
		read_layer(m, &m->layer[i]);
}

static void
read_file(const struct gguf *g)
{
	struct gguf_array a;

	for (size_t i = 0; i < gguf_n_tensors(g); i++) {
		const struct gguf_tensor *t = gguf_tensor(g, i);

		sink += t->data[0] + t->data[t->size - 1] + (gguf_find(g, t->name) == t);
	}
	if (gguf_get_array(g, "tokenizer.ggml.tokens", &a, NULL) != 1 || !gguf_array_is_string(&a))
		return;
	for (uint64_t i = 0; i < a.n; i++) {
		struct gguf_string s = gguf_array_string(&a, i);

		if (s.len)
			sink += (uint64_t)s.s[0] + (uint64_t)s.s[s.len - 1];
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { ERR_NONE, "" };
	struct gguf *g = gguf_parse(data, size, &e);
	struct model *m, peeked;

	if (!g) {
		if (e.code != ERR_MODEL || !e.text[0])
			abort();
		return 0;
	}
	read_file(g);
	m = model_new(g, &e);
	if (m)
		read_model(m);
	else if (e.code != ERR_MODEL || !e.text[0])
		abort();
	if (m && model_peek(g, &peeked, &e) < 0)
		abort();
	model_free(m);
	gguf_free(g);
	return 0;
}
