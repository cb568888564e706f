/*
 * A model bound to its file: hyper-parameters checked, tensors found, shapes as expected. One table
 * row an architecture says which tensors there are. Immutable after loading; any thread may read
 * it.
 */
#ifndef ENGINE_MODEL_H
#define ENGINE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/gguf.h"
#include "engine/matmul.h"

enum { MODEL_MAX_LAYERS = 512 };

enum rope_scaling { ROPE_NONE, ROPE_LINEAR, ROPE_YARN };

struct model_layer {
	const float *attn_norm;		/* [n_embd] */
	struct matrix wq;		/* [n_head * head_dim][n_embd] */
	struct matrix wk, wv;		/* [n_head_kv * head_dim][n_embd] */
	struct matrix wo;		/* [n_embd][n_head * head_dim] */
	const float *bq, *bk, *bv, *bo;	/* biases of the rows, or NULL */
	const float *ffn_norm;		/* [n_embd] */
	struct matrix gate, up;		/* [n_ff][n_embd] */
	struct matrix down;		/* [n_embd][n_ff] */
};

struct model {
	const char *arch;		/* "llama" */
	char name[128];			/* general.name, scrubbed; "" when absent */
	char type[16];			/* what people call the file: "Q4_K_M", "Q8_0", "F16" */
	uint64_t n_params;
	size_t n_vocab, n_embd, n_layer, n_head, n_head_kv, head_dim, n_ff, n_ctx_train;
	float norm_eps;

	size_t n_rot;			/* dimensions of a head that rotate: head_dim for llama */
	float rope_base;
	enum rope_scaling rope_scaling;
	float rope_factor;		/* 1: none */
	float rope_attn_factor;
	float yarn_ext_factor, yarn_beta_fast, yarn_beta_slow;
	size_t rope_ctx_orig;
	const float *rope_freqs;	/* [n_rot / 2] divisors (Llama 3.1), or NULL */

	struct matrix tok_embd;		/* [n_vocab][n_embd] */
	const float *out_norm;		/* [n_embd] */
	struct matrix output;		/* [n_vocab][n_embd]; tok_embd's data when tied */
	struct model_layer *layer;	/* [n_layer] */

	float *floats;			/* owned: all norms, biases, factors, as floats */
};

/* Binds; `g` must outlive the model. NULL and ERR_MODEL when refused. */
struct model *model_new(const struct gguf *g, struct err *e);
void model_free(struct model *m);

/* Only the facts a list of models shows (name, type, shape numbers, n_params), from the keys and
 * the tensor table, without binding weights. Returns 0, or -1 with e set when the file would be
 * refused. */
int model_peek(const struct gguf *g, struct model *out, struct err *e);

#endif
