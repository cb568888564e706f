/*
 * The vocabulary of a model, text to token ids and back. SentencePiece-BPE as Llama 2 has it: every
 * space becomes U+2581, one is put in front, the pair with the best score is merged first (leftmost
 * on ties), what is in no piece becomes byte tokens. Source: google/sentencepiece, bpe_model.cc.
 *
 * Immutable after loading; any thread may use it.
 */
#ifndef ENGINE_VOCAB_H
#define ENGINE_VOCAB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "engine/gguf.h"

enum token_kind {		/* as stored in tokenizer.ggml.token_type */
	TOKEN_NORMAL = 1,
	TOKEN_UNKNOWN = 2,
	TOKEN_CONTROL = 3,
	TOKEN_USER_DEFINED = 4,
	TOKEN_UNUSED = 5,
	TOKEN_BYTE = 6,
};

/* A growing list of token ids. */
struct token_list {
	int32_t *id;		/* owned */
	size_t n, cap;
};

void token_list_add(struct token_list *l, int32_t id);
void token_list_release(struct token_list *l);

struct vocab;

struct vocab *vocab_new(const struct gguf *g, struct err *e);	/* keeps no reference to g */
void vocab_free(struct vocab *v);

size_t vocab_size(const struct vocab *v);
int32_t vocab_bos(const struct vocab *v);	/* -1: none */
int32_t vocab_eos(const struct vocab *v);
bool vocab_add_bos(const struct vocab *v);	/* the model expects BOS before a text */
bool vocab_is_end(const struct vocab *v, int32_t id);	/* EOS, EOT, or a chat format's end marker */
enum token_kind vocab_kind(const struct vocab *v, int32_t id);
const char *vocab_piece(const struct vocab *v, int32_t id, size_t *len);	/* as stored */
int32_t vocab_find(const struct vocab *v, const char *piece);	/* exact, any kind; -1: none */

/*
 * Appends the ids of the text; never BOS or EOS. Text should be valid UTF-8 (base/utf8.h:
 * utf8_repair); a byte that is not becomes its byte token.
 *
 * ENCODE_PREFIX: put the model's dummy space in front (if the model wants one).
 * ENCODE_SPECIAL: markers (pieces of kind CONTROL, and those of kind USER_DEFINED that are written
 *   <...> or [...]) become their tokens; after one a text begins anew, dummy space included. Only
 *   for text the program itself makes; a user's text is never encoded with it. Other pieces of kind
 *   USER_DEFINED are text that is never merged, and are found always.
 */
enum { ENCODE_PREFIX = 1, ENCODE_SPECIAL = 2 };
void vocab_encode(const struct vocab *v, const char *text, size_t len, unsigned flags,
	struct token_list *out);

/* The same, but given up within milliseconds when *cancel becomes true (NULL: never): false, and a part of the ids was
 * appended. */
bool vocab_encode_unless(const struct vocab *v, const char *text, size_t len, unsigned flags,
	const atomic_bool *cancel, struct token_list *out);

/* Appends the bytes of one token: U+2581 as space, byte tokens as their byte, control tokens as
 * nothing, the unknown one as U+FFFD. */
void vocab_decode_one(const struct vocab *v, int32_t id, struct strbuf *out);

/* The inverse of vocab_encode with ENCODE_PREFIX: decodes all, without the dummy space in front. */
void vocab_decode(const struct vocab *v, const int32_t *ids, size_t n, struct strbuf *out);

#endif
