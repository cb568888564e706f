/* Between reading a model's keys (model_keys.c) and binding its tensors (model.c). */
#ifndef ENGINE_MODEL_INTERNAL_H
#define ENGINE_MODEL_INTERNAL_H

#include "engine/model.h"

/* Sizes that tensors are made of. */
enum model_dim {
	DIM_ONE,		/* a vector's rows */
	DIM_EMBD,
	DIM_VOCAB,
	DIM_FF,
	DIM_Q,			/* n_head * head_dim */
	DIM_KV,			/* n_head_kv * head_dim */
	DIM_QKV,		/* the three of attn_qkv, one below the other */
	DIM_ROT,		/* n_rot / 2 */
	DIM_MAX,
};

/* A tensor: its name, where it goes in struct model or struct model_layer, and its shape. */
struct model_tensor {
	const char *name;
	size_t field;			/* offsetof a matrix, or of a const float * for DIM_ONE */
	enum model_dim cols, rows;
	bool optional;
};

/* An architecture: lists end with a row without a name. A new one is a new row of the table in
 * model.c. */
struct model_arch {
	const char *name;
	const char *eps_key;			/* of its norm, below the architecture's prefix */
	const struct model_tensor *globals;
	const struct model_tensor *layer;	/* below "blk.N." */
	const struct model_tensor *qkv;		/* and biases; or fused in attn_qkv */
};

/* Reads and checks all hyper-parameters but n_vocab's agreement with the tensors. */
int model_read_keys(const struct gguf *g, const struct model_arch *arch, struct model *m,
	struct err *e);

#endif
