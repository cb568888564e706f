/*
 * Hyper-parameters. Key names: gguf.md. Each has a range: wider than any model that exists, and
 * narrow enough that no size computed from them overflows.
 */
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/model_internal.h"
#include "engine/refuse.h"

enum {
	MAX_EMBD = 1 << 20,
	MAX_FF = 1 << 24,
	MAX_HEADS = 4096,
	MAX_HEAD_DIM = 256,
	MAX_VOCAB = 1 << 24,
	MAX_CONTEXT = 1 << 26,
	KEY_SIZE = 128,
};

/* What is read, for whom: every reader below takes the key without the architecture's prefix. */
struct keys {
	const struct gguf *g;
	const char *arch;
	struct err *e;
};

static const char *
full_key(const struct keys *k, const char *key, char *buf)
{
	snprintf(buf, KEY_SIZE, "%s.%s", k->arch, key);
	return buf;
}

/* Some converters write one value a layer. hum takes that when all are equal. */
static int
read_uniform_array(
	const struct keys *k, const char *full, const struct gguf_array *a, uint64_t *out)
{
	if (!gguf_array_is_i32(a) || a->n == 0)
		return damaged(k->e, "the key \"%s\" should hold integers", full);
	for (uint64_t i = 1; i < a->n; i++)
		if (gguf_array_i32(a, i) != gguf_array_i32(a, 0))
			return refuse(k->e,
				"the layers of this model differ (%s), which hum does not support",
				full);
	if (gguf_array_i32(a, 0) < 0)
		return damaged(k->e, "the key \"%s\" is negative", full);
	*out = (uint64_t)gguf_array_i32(a, 0);
	return 1;
}

/* 1: read; 0: absent, *out untouched; -1: wrong type or not in [lo, hi]. */
static int
read_number(const struct keys *k, const char *key, uint64_t lo, uint64_t hi, size_t *out)
{
	char full[KEY_SIZE];
	struct gguf_array a;
	uint64_t v = 0;
	int ret;

	full_key(k, key, full);
	if (gguf_get_array(k->g, full, &a, NULL) == 1)
		ret = read_uniform_array(k, full, &a, &v);
	else
		ret = gguf_get_u64(k->g, full, &v, k->e);
	if (ret < 1)
		return ret;
	if (v < lo || v > hi)
		return refuse(k->e,
			"the key \"%s\" is %" PRIu64 ", outside of %" PRIu64 " to %" PRIu64, full,
			v, lo, hi);
	*out = (size_t)v;
	return 1;
}

static int
need_number(const struct keys *k, const char *key, uint64_t lo, uint64_t hi, size_t *out)
{
	int ret = read_number(k, key, lo, hi, out);

	if (ret == 0)
		return refuse(k->e, "the file is not complete: the key \"%s.%s\" is missing",
			k->arch, key);
	return ret < 0 ? -1 : 0;
}

/* As read_number, for a real number in [lo, hi]; NaN is outside. */
static int
read_real(const struct keys *k, const char *key, double lo, double hi, float *out)
{
	char full[KEY_SIZE];
	double v = 0;
	int ret = gguf_get_f64(k->g, full_key(k, key, full), &v, k->e);

	if (ret < 1)
		return ret;
	if (!(v >= lo && v <= hi))
		return refuse(k->e, "the key \"%s\" is %g, outside of %g to %g", full, v, lo, hi);
	*out = (float)v;
	return 1;
}

static int
read_heads(const struct keys *k, struct model *m)
{
	size_t value_dim;

	if (need_number(k, "attention.head_count", 1, MAX_HEADS, &m->n_head) < 0)
		return -1;
	m->n_head_kv = m->n_head;
	if (read_number(k, "attention.head_count_kv", 1, m->n_head, &m->n_head_kv) < 0)
		return -1;
	if (m->n_head % m->n_head_kv)
		return refuse(k->e,
			"the model's %zu attention heads cannot share %zu key-value heads",
			m->n_head, m->n_head_kv);
	m->head_dim = m->n_embd % m->n_head ? 0 : m->n_embd / m->n_head;
	if (read_number(k, "attention.key_length", 1, MAX_HEAD_DIM, &m->head_dim) < 0)
		return -1;
	value_dim = m->head_dim;
	if (read_number(k, "attention.value_length", 1, MAX_HEAD_DIM, &value_dim) < 0)
		return -1;
	if (m->head_dim == 0)
		return refuse(k->e,
			"the model's embedding of %zu cannot be split over %zu attention heads",
			m->n_embd, m->n_head);
	if (m->head_dim < 2 || m->head_dim > MAX_HEAD_DIM || m->head_dim % 2)
		return refuse(k->e,
			"the model's heads have a size of %zu: hum takes even sizes from 2 to %d",
			m->head_dim, MAX_HEAD_DIM);
	if (value_dim != m->head_dim)
		return refuse(k->e, "the model's keys (%zu) and values (%zu) differ in size, "
			"which hum does not support", m->head_dim, value_dim);
	return 0;
}

/* ---- rotary position ------------------------------------------------------------------------- */

static int
read_rope_scaling_type(const struct keys *k, struct model *m)
{
	static const char *const names[] = {
		[ROPE_NONE] = "none", [ROPE_LINEAR] = "linear", [ROPE_YARN] = "yarn"
	};
	char full[KEY_SIZE], show[64];
	struct gguf_string s;
	int ret = gguf_get_string(k->g, full_key(k, "rope.scaling.type", full), &s, k->e);

	m->rope_scaling = ROPE_LINEAR;	/* old files give a factor and no type */
	if (ret < 1)
		return ret;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (s.len == strlen(names[i]) && memcmp(s.s, names[i], s.len) == 0) {
			m->rope_scaling = (enum rope_scaling)i;
			return 1;
		}
	return refuse(k->e, "the model stretches its context by \"%s\", which hum does not support",
		gguf_string_show(s, show, sizeof show));
}

static int
read_yarn(const struct keys *k, struct model *m)
{
	float attn = 1;

	m->yarn_ext_factor = 1;
	m->yarn_beta_fast = 32;
	m->yarn_beta_slow = 1;
	if (read_real(k, "rope.scaling.yarn_ext_factor", 0, 1e3, &m->yarn_ext_factor) < 0 ||
		read_real(k, "rope.scaling.yarn_attn_factor", 0, 1e3, &attn) < 0 ||
		read_real(k, "rope.scaling.yarn_beta_fast", 1e-3, 1e6, &m->yarn_beta_fast) < 0 ||
		read_real(k, "rope.scaling.yarn_beta_slow", 1e-3, 1e6, &m->yarn_beta_slow) < 0)
		return -1;
	m->rope_attn_factor *= attn;
	return 0;
}

static int
read_rope(const struct keys *k, struct model *m)
{
	int ret;

	m->n_rot = m->head_dim;
	m->rope_base = 10000;
	m->rope_factor = 1;
	m->rope_attn_factor = 1;
	m->rope_ctx_orig = m->n_ctx_train;
	if (read_number(k, "rope.dimension_count", 1, MAX_HEAD_DIM, &m->n_rot) < 0 ||
		read_real(k, "rope.freq_base", 1, 1e9, &m->rope_base) < 0 ||
		read_rope_scaling_type(k, m) < 0 ||
		read_real(k, "rope.scaling.attn_factor", 1e-3, 1e3, &m->rope_attn_factor) < 0 ||
		read_number(k, "rope.scaling.original_context_length", 1, MAX_CONTEXT,
			&m->rope_ctx_orig) < 0)
		return -1;
	if (m->n_rot != m->head_dim)
		return refuse(k->e, "the model rotates %zu of the %zu dimensions of a head, "
			"which hum does not support", m->n_rot, m->head_dim);
	ret = read_real(k, "rope.scaling.factor", 0, 1e6, &m->rope_factor);
	if (ret == 0)
		ret = read_real(k, "rope.scale_linear", 0, 1e6, &m->rope_factor);
	if (ret < 0)
		return -1;
	if (m->rope_scaling == ROPE_YARN && read_yarn(k, m) < 0)
		return -1;
	if (m->rope_factor == 0 || m->rope_scaling == ROPE_NONE)	/* 0: not given */
		m->rope_factor = 1;
	if (m->rope_factor < 1e-3f)
		return refuse(
			k->e, "the model's rope scaling factor is %g", (double)m->rope_factor);
	if (m->rope_scaling == ROPE_LINEAR && m->rope_factor == 1)
		m->rope_scaling = ROPE_NONE;
	return 0;
}

/* ---- all ------------------------------------------------------------------------------------- */

/* What a llama file may hold that changes the computation in a way that hum does not know. */
static int
refuse_extras(const struct keys *k)
{
	char full[KEY_SIZE];
	size_t experts = 0;
	bool causal = true;

	if (read_number(k, "expert_count", 0, UINT32_MAX, &experts) < 0 ||
		gguf_get_bool(k->g, full_key(k, "attention.causal", full), &causal, k->e) < 0)
		return -1;
	if (experts > 0)
		return refuse(k->e,
			"this is a mixture of %zu experts (like Mixtral), which hum does not run",
			experts);
	if (!causal)
		return refuse(k->e, "this model makes embeddings and cannot write text");
	return 0;
}

static int
read_vocab_size(const struct keys *k, struct model *m)
{
	struct gguf_array tokens;
	int ret = gguf_get_array(k->g, "tokenizer.ggml.tokens", &tokens, k->e);

	if (ret == 0)
		return refuse(k->e,
			"the file has no vocabulary (\"tokenizer.ggml.tokens\" is missing)");
	if (ret < 0)
		return -1;
	if (tokens.n < 1 || tokens.n > MAX_VOCAB)
		return refuse(k->e, "the vocabulary has %" PRIu64 " entries", tokens.n);
	m->n_vocab = (size_t)tokens.n;
	return 0;
}

int
model_read_keys(const struct gguf *g, const struct model_arch *arch, struct model *m, struct err *e)
{
	struct keys k = { g, arch->name, e };
	float eps = 0;

	if (refuse_extras(&k) < 0 ||
		need_number(&k, "block_count", 1, MODEL_MAX_LAYERS, &m->n_layer) < 0 ||
		need_number(&k, "embedding_length", 1, MAX_EMBD, &m->n_embd) < 0 ||
		need_number(&k, "feed_forward_length", 1, MAX_FF, &m->n_ff) < 0 ||
		need_number(&k, "context_length", 1, MAX_CONTEXT, &m->n_ctx_train) < 0 ||
		read_heads(&k, m) < 0 || read_rope(&k, m) < 0 || read_vocab_size(&k, m) < 0)
		return -1;
	if (read_real(&k, arch->eps_key, 0, 1e-2, &eps) < 0)
		return -1;
	if (!(eps > 0))
		return refuse(e, "the key \"%s.%s\" is missing or zero", arch->name, arch->eps_key);
	m->norm_eps = eps;
	return 0;
}
