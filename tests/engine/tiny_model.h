/*
 * Makes complete small llama models of any tensor type: random weights that are a function of the
 * seed, and a SentencePiece vocabulary with <unk> <s> </s>, the 256 byte tokens, the printable
 * ASCII characters, some words with all that lead to them, and filler.
 *
 * 	struct tiny_model t = tiny_model_of(QUANT_Q4_K);
 * 	struct strbuf file = STRBUF_INIT;
 *
 * 	t.tied = true;
 * 	tiny_model_memory(&t, &file);		// for gguf_parse, llm_open_memory
 * 	char *path = tiny_model_temp(&t);	// or a file: unlink(path); free(path);
 *
 * For hostile or odd variants `edit` may change what will be written: add keys (leave one out by
 * `omit` first), change w->tensor[i].ne, name, type.
 */
#ifndef TESTS_TINY_MODEL_H
#define TESTS_TINY_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "engine/gguf_write.h"
#include "engine/model.h"
#include "engine/quant.h"

enum { TINY_MIN_VOCAB = 512 };

struct tiny_model {
	enum quant_type type;		/* of matrices; Q8_0 or F16 where it does not fit */
	enum quant_type norm_type;	/* F32, F16, BF16: norms, biases, rope factors */
	uint32_t n_layer, n_embd, n_head, n_head_kv, n_ff, n_ctx;
	uint32_t head_dim;		/* 0: n_embd / n_head; else key_length says it */
	uint32_t n_vocab;		/* >= TINY_MIN_VOCAB */
	uint64_t seed;
	bool tied;			/* no output.weight */
	bool biases;			/* attn_q, k, v, output */
	bool fused_qkv;			/* attn_qkv in place of q, k, v */
	bool rope_freqs;
	bool endless;			/* its greedy answers last as long as the context; not when tied */
	/* Pairs of pieces: what follows what in its greedy answers; {NULL} ends them. At most n_embd, type F32, not
	 * tied. NULL: none. */
	const char *const (*script)[2];
	const char *name;		/* general.name */
	const char *chat_template;	/* NULL: none */
	const char *controls[4];	/* further control tokens */
	const char *omit[4];		/* keys and tensors to leave out */
	void (*edit)(struct gguf_writer *w, const void *ctx);
	const void *edit_ctx;
};

/* A model of 2 layers, GQA 4/2, whose rows fit the type: n_embd 64 and n_ff 96, or 256 and 512
 * for K types. */
struct tiny_model tiny_model_of(enum quant_type type);

void tiny_model_memory(const struct tiny_model *t, struct strbuf *out);

/* Writes to `path`; fails the test when that does not work. */
void tiny_model_save(const struct tiny_model *t, const char *path);

/* Writes to a new file in $TMPDIR or /tmp; the caller unlinks it and frees the name. */
char *tiny_model_temp(const struct tiny_model *t);

/* Writes the tensors spread over `parts` files DIR/tiny-0000N-of-0000M.gguf; returns the first's
 * name, to be freed. */
char *tiny_model_split(const struct tiny_model *t, const char *dir, unsigned parts);

/* A model loaded from memory, with what it borrows from. */
struct tiny_loaded {
	struct strbuf bytes;
	struct gguf *g;
	struct model *m;
	struct err e;
};

/* When the model is refused, tiny_load fails the test; tiny_try_load leaves m NULL and e set. */
void tiny_load(struct tiny_loaded *l, const struct tiny_model *t);
void tiny_try_load(struct tiny_loaded *l, const struct tiny_model *t);
void tiny_unload(struct tiny_loaded *l);

/* Fails the test unless model_new and model_peek refuse the file with ERR_MODEL and a text that
 * holds `message`. */
void tiny_expect_refused(const struct tiny_model *t, const char *message);

#endif
