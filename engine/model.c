#include "config.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "engine/model_internal.h"
#include "engine/refuse.h"

/* ---- architectures --------------------------------------------------------------------------- */

#define GLOBAL(f) offsetof(struct model, f)
#define LAYER(f) offsetof(struct model_layer, f)

static const struct model_tensor llama_globals[] = {
	{ "token_embd.weight", GLOBAL(tok_embd), DIM_EMBD, DIM_VOCAB, false },
	{ "output_norm.weight", GLOBAL(out_norm), DIM_EMBD, DIM_ONE, false },
	{ "output.weight", GLOBAL(output), DIM_EMBD, DIM_VOCAB, true },
	{ "rope_freqs.weight", GLOBAL(rope_freqs), DIM_ROT, DIM_ONE, true },
	{ .name = NULL },
};

static const struct model_tensor llama_layer[] = {
	{ "attn_norm.weight", LAYER(attn_norm), DIM_EMBD, DIM_ONE, false },
	{ "attn_output.weight", LAYER(wo), DIM_Q, DIM_EMBD, false },
	{ "attn_output.bias", LAYER(bo), DIM_EMBD, DIM_ONE, true },
	{ "ffn_norm.weight", LAYER(ffn_norm), DIM_EMBD, DIM_ONE, false },
	{ "ffn_gate.weight", LAYER(gate), DIM_EMBD, DIM_FF, false },
	{ "ffn_up.weight", LAYER(up), DIM_EMBD, DIM_FF, false },
	{ "ffn_down.weight", LAYER(down), DIM_FF, DIM_EMBD, false },
	{ .name = NULL },
};

static const struct model_tensor llama_qkv[] = {
	{ "attn_q.weight", LAYER(wq), DIM_EMBD, DIM_Q, false },
	{ "attn_k.weight", LAYER(wk), DIM_EMBD, DIM_KV, false },
	{ "attn_v.weight", LAYER(wv), DIM_EMBD, DIM_KV, false },
	{ "attn_q.bias", LAYER(bq), DIM_Q, DIM_ONE, true },
	{ "attn_k.bias", LAYER(bk), DIM_KV, DIM_ONE, true },
	{ "attn_v.bias", LAYER(bv), DIM_KV, DIM_ONE, true },
	{ .name = NULL },
};

static const struct model_arch archs[] = {
	{ "llama", "attention.layer_norm_rms_epsilon", llama_globals, llama_layer, llama_qkv },
};

/* Files that say what they are instead of a model. */
static int
check_general_type(const struct gguf *g, struct err *e)
{
	struct gguf_string s;
	char show[64];
	int ret = gguf_get_string(g, "general.type", &s, e);

	if (ret < 1)
		return ret;
	if (s.len == 5 && memcmp(s.s, "model", 5) == 0)
		return 1;
	return refuse(e,
		"this file is no model but one of the kind \"%s\"; name the model's file",
		gguf_string_show(s, show, sizeof show));
}

static const struct model_arch *
find_arch(const struct gguf *g, struct err *e)
{
	struct gguf_string s;
	char show[64];
	int ret;

	if (check_general_type(g, e) < 0)
		return NULL;
	ret = gguf_get_string(g, "general.architecture", &s, e);
	if (ret < 0)
		return NULL;
	if (ret == 0) {
		refuse(e,
			"the file names no architecture (\"general.architecture\" is missing)");
		return NULL;
	}
	for (size_t i = 0; i < sizeof archs / sizeof archs[0]; i++)
		if (s.len == strlen(archs[i].name) && memcmp(s.s, archs[i].name, s.len) == 0)
			return &archs[i];
	refuse(e,
		"this is a model of the architecture \"%s\"; hum runs llama "
		"(Llama 2, Vicuna, Alpaca, Mistral, TinyLlama and their kin)",
		gguf_string_show(s, show, sizeof show));
	return NULL;
}

/* ---- the name of the mix --------------------------------------------------------------------- */

/* general.file_type: what published files are called, and the type most of their weights have. */
static const struct {
	const char *name;
	enum quant_type base;
} file_types[] = {
	[0] = { "F32", QUANT_F32 },
	[1] = { "F16", QUANT_F16 },
	[2] = { "Q4_0", QUANT_Q4_0 },
	[3] = { "Q4_1", QUANT_Q4_1 },
	[7] = { "Q8_0", QUANT_Q8_0 },
	[8] = { "Q5_0", QUANT_Q5_0 },
	[9] = { "Q5_1", QUANT_Q5_1 },
	[10] = { "Q2_K", QUANT_Q2_K },
	[11] = { "Q3_K_S", QUANT_Q3_K },
	[12] = { "Q3_K_M", QUANT_Q3_K },
	[13] = { "Q3_K_L", QUANT_Q3_K },
	[14] = { "Q4_K_S", QUANT_Q4_K },
	[15] = { "Q4_K_M", QUANT_Q4_K },
	[16] = { "Q5_K_S", QUANT_Q5_K },
	[17] = { "Q5_K_M", QUANT_Q5_K },
	[18] = { "Q6_K", QUANT_Q6_K },
	[21] = { "Q2_K_S", QUANT_Q2_K },
	[25] = { "IQ4_NL", QUANT_IQ4_NL },
	[30] = { "IQ4_XS", QUANT_IQ4_XS },
	[32] = { "BF16", QUANT_BF16 },
};

/* Fits: gguf_parse has checked it. */
static uint64_t
elements(const struct gguf_tensor *t)
{
	return t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3];
}

/* The file's own word for its mix counts if the weights bear it out; else the type that most of
 * them have. */
static int
name_type(const struct gguf *g, struct model *m, struct err *e)
{
	uint64_t count[QUANT_TYPE_MAX] = { 0 }, file_type = UINT64_MAX;
	const char *name;
	size_t most = 0;

	for (size_t i = 0; i < gguf_n_tensors(g); i++) {
		const struct gguf_tensor *t = gguf_tensor(g, i);

		m->n_params += elements(t);
		if (t->n_dims > 1)
			count[t->type] += elements(t);
	}
	for (size_t i = 1; i < QUANT_TYPE_MAX; i++)
		if (count[i] > count[most])
			most = i;
	name = quant_type_name((uint32_t)most);
	if (gguf_get_u64(g, "general.file_type", &file_type, e) < 0)
		return -1;
	if (file_type < sizeof file_types / sizeof file_types[0] && file_types[file_type].name &&
		count[file_types[file_type].base])
		name = file_types[file_type].name;
	snprintf(m->type, sizeof m->type, "%s", name);
	return 0;
}

/* The block formats changed twice in 2023; the version of today is 2, and only it was ever put
 * into GGUF. */
static int
check_quantisation(const struct gguf *g, struct err *e)
{
	uint64_t version = 2;

	if (gguf_get_u64(g, "general.quantization_version", &version, e) < 0)
		return -1;
	for (size_t i = 0; i < gguf_n_tensors(g) && version != 2; i++)
		if (quant_format(gguf_tensor(g, i)->type)->block > 1)
			return refuse(e,
				"the model is quantised in version %" PRIu64
				" of the formats, and hum reads version 2: download a newer file",
				version);
	return 0;
}

/* ---- binding --------------------------------------------------------------------------------- */

struct binder {
	const struct gguf *g;
	struct err *e;
	size_t dim[DIM_MAX];
	bool *bound;		/* owned; by tensor: so that none is left over unnoticed */
	float *next;		/* free floats; NULL: shapes are checked and no weight is read */
};

static bool
is_float_type(enum quant_type type)
{
	return quant_format(type)->block == 1;
}

static int
check_shape(const struct binder *b, const struct gguf_tensor *t, size_t cols, size_t rows)
{
	if (t->ne[0] == cols && t->ne[1] == rows && t->ne[2] == 1 && t->ne[3] == 1)
		return 0;
	return damaged(b->e,
		"tensor \"%s\" is %" PRIu64 " x %" PRIu64 "%s and should be "
		"%zu x %zu",
		t->name, t->ne[0], t->ne[1], t->ne[2] > 1 || t->ne[3] > 1 ? " x more" : "", cols,
		rows);
}

/* 1: found, of that shape; 0: absent. */
static int
find_tensor(struct binder *b, const char *prefix, const char *name, size_t cols, size_t rows,
	const struct gguf_tensor **out)
{
	char full[64];

	snprintf(full, sizeof full, "%s%s", prefix, name);
	*out = gguf_find(b->g, full);
	if (!*out)
		return 0;
	b->bound[*out - gguf_tensor(b->g, 0)] = true;
	return check_shape(b, *out, cols, rows) < 0 ? -1 : 1;
}

static int
missing(const struct binder *b, const char *prefix, const char *name)
{
	if (gguf_n_tensors(b->g) == 0)
		return refuse(b->e, "the file holds a vocabulary and no weights");
	return refuse(b->e, "the file is not complete: tensor \"%s%s\" is missing", prefix, name);
}

/* Converts a vector to floats of the model's own. *out stays NULL when no weight is to be read. */
static int
bind_vector(struct binder *b, const struct gguf_tensor *t, const float **out)
{
	size_t n = t->ne[0];

	if (!is_float_type(t->type))
		return refuse(b->e, "tensor \"%s\" has the type %s: hum expects F32, F16 or BF16",
			t->name, quant_type_name(t->type));
	if (!b->next)
		return 0;
	quant_format(t->type)->decode(t->data, b->next, n);
	for (size_t i = 0; i < n; i++)
		if (!isfinite(b->next[i]))
			return damaged(b->e, "tensor \"%s\" holds values that are no numbers",
				t->name);
	*out = b->next;
	b->next += n;
	return 0;
}

static struct matrix
as_matrix(const struct gguf_tensor *t)
{
	return (struct matrix){ t->data, t->type, t->ne[1], t->ne[0], t->size / t->ne[1] };
}

/* Binds the tensors of a list into the struct at `base`. */
static int
bind_list(struct binder *b, const char *prefix, const struct model_tensor *list, void *base)
{
	const struct gguf_tensor *t;
	int ret;

	for (; list->name; list++) {
		char *field = (char *)base + list->field;

		ret = find_tensor(
			b, prefix, list->name, b->dim[list->cols], b->dim[list->rows], &t);
		if (ret < 0)
			return -1;
		if (ret == 0 && !list->optional)
			return missing(b, prefix, list->name);
		if (ret == 0)
			continue;
		if (list->rows != DIM_ONE)
			*(struct matrix *)field = as_matrix(t);
		else if (bind_vector(b, t, (const float **)field) < 0)
			return -1;
	}
	return 0;
}

static struct matrix
matrix_rows(const struct matrix *w, size_t from, size_t n)
{
	return (struct matrix){ w->data + from * w->row_bytes, w->type, n, w->cols, w->row_bytes };
}

/* attn_qkv: the rows of q, then of k, then of v. 1: done so; 0: the file has them apart. */
static int
bind_fused(struct binder *b, const char *prefix, struct model_layer *l)
{
	size_t q = b->dim[DIM_Q], kv = b->dim[DIM_KV];
	const struct gguf_tensor *t;
	const float *bias = NULL;
	struct matrix w;
	int ret = find_tensor(b, prefix, "attn_qkv.weight", b->dim[DIM_EMBD], b->dim[DIM_QKV], &t);

	if (ret < 1)
		return ret;
	w = as_matrix(t);
	l->wq = matrix_rows(&w, 0, q);
	l->wk = matrix_rows(&w, q, kv);
	l->wv = matrix_rows(&w, q + kv, kv);
	ret = find_tensor(b, prefix, "attn_qkv.bias", b->dim[DIM_QKV], 1, &t);
	if (ret < 0 || (ret == 1 && bind_vector(b, t, &bias) < 0))
		return -1;
	if (bias) {
		l->bq = bias;
		l->bk = bias + q;
		l->bv = bias + q + kv;
	}
	return 1;
}

static int
bind_layer(struct binder *b, const struct model_arch *arch, size_t i, struct model_layer *l)
{
	char prefix[32];
	int fused;

	snprintf(prefix, sizeof prefix, "blk.%zu.", i);
	fused = bind_fused(b, prefix, l);
	if (fused < 0 || (fused == 0 && bind_list(b, prefix, arch->qkv, l) < 0))
		return -1;
	return bind_list(b, prefix, arch->layer, l);
}

/* A tensor that is not bound would silently not take part. Frequencies that some converters left
 * are recomputed. */
static int
check_all_bound(const struct binder *b)
{
	for (size_t i = 0; i < gguf_n_tensors(b->g); i++) {
		const char *name = gguf_tensor(b->g, i)->name;

		if (!b->bound[i] && !strstr(name, "attn_rot_embd") &&
			!strstr(name, "rotary_emb.inv_freq"))
			return refuse(b->e,
				"the model has a tensor \"%s\", which hum does not know how to use",
				name);
	}
	return 0;
}

static int
check_rope_freqs(const struct model *m, struct err *e)
{
	for (size_t i = 0; m->rope_freqs && i < m->n_rot / 2; i++)
		if (!(m->rope_freqs[i] > 0))
			return damaged(e, "tensor \"rope_freqs.weight\" holds %g",
				(double)m->rope_freqs[i]);
	return 0;
}

/* Room for every vector of the file as floats: bounded by the file's own size, and what is not
 * used is not touched. */
static int
alloc_floats(const struct gguf *g, struct model *m, struct err *e)
{
	uint64_t n = 1, bytes;

	for (size_t i = 0; i < gguf_n_tensors(g); i++) {
		const struct gguf_tensor *t = gguf_tensor(g, i);

		if (elements(t) == t->ne[0] && !checked_add(n, t->ne[0], &n))
			n = UINT64_MAX;
	}
	m->floats = checked_mul(n, sizeof *m->floats, &bytes) && bytes <= SIZE_MAX
			    ? malloc((size_t)bytes)
			    : NULL;
	return m->floats ? 0 : refuse(e, "there is not enough memory for the model's norms");
}

static int
bind_tensors(struct binder *b, const struct model_arch *arch, struct model *m)
{
	if (bind_list(b, "", arch->globals, m) < 0)
		return -1;
	if (!m->output.data)
		m->output = m->tok_embd;
	for (size_t i = 0; i < m->n_layer; i++)
		if (bind_layer(b, arch, i, &m->layer[i]) < 0)
			return -1;
	if (check_all_bound(b) < 0)
		return -1;
	return check_rope_freqs(m, b->e);
}

static int
bind(const struct gguf *g, const struct model_arch *arch, struct model *m, bool weights,
	struct err *e)
{
	struct binder b = {
		.g = g,
		.e = e,
		.dim = {
			[DIM_ONE] = 1,
			[DIM_EMBD] = m->n_embd,
			[DIM_VOCAB] = m->n_vocab,
			[DIM_FF] = m->n_ff,
			[DIM_Q] = m->n_head * m->head_dim,
			[DIM_KV] = m->n_head_kv * m->head_dim,
			[DIM_QKV] = (m->n_head + 2 * m->n_head_kv) * m->head_dim,
			[DIM_ROT] = m->n_rot / 2,
		},
	};
	int ret;

	m->layer = calloc(m->n_layer, sizeof *m->layer);
	b.bound = calloc(gguf_n_tensors(g) + 1, sizeof *b.bound);
	if (!m->layer || !b.bound)
		ret = refuse(e, "there is not enough memory for the model's table of tensors");
	else if (weights && alloc_floats(g, m, e) < 0)
		ret = -1;
	else {
		b.next = m->floats;
		ret = bind_tensors(&b, arch, m);
	}
	free(b.bound);
	return ret;
}

/* ---- the model ------------------------------------------------------------------------------- */

static int
load(const struct gguf *g, struct model *m, bool weights, struct err *e)
{
	const struct model_arch *arch = find_arch(g, e);
	struct gguf_string name;
	int ret;

	*m = (struct model){ .arch = arch ? arch->name : NULL };
	if (!arch || model_read_keys(g, arch, m, e) < 0 || check_quantisation(g, e) < 0 ||
		name_type(g, m, e) < 0)
		return -1;
	ret = gguf_get_string(g, "general.name", &name, e);
	if (ret < 0)
		return -1;
	if (ret == 1)
		gguf_string_show(name, m->name, sizeof m->name);
	return bind(g, arch, m, weights, e);
}

static void
release(struct model *m)
{
	free(m->layer);
	free(m->floats);
	m->layer = NULL;
	m->floats = NULL;
}

struct model *
model_new(const struct gguf *g, struct err *e)
{
	struct model *m = malloc(sizeof *m);

	if (!m) {
		refuse(e, "there is not enough memory for the model");
		return NULL;
	}
	if (load(g, m, true, e) < 0) {
		model_free(m);
		return NULL;
	}
	return m;
}

void
model_free(struct model *m)
{
	if (!m)
		return;
	release(m);
	free(m);
}

int
model_peek(const struct gguf *g, struct model *out, struct err *e)
{
	int ret = load(g, out, false, e);

	release(out);
	return ret;
}
