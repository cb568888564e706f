/*
 * Small vocabularies, given piece by piece: <unk> <s> </s> and the 256 byte tokens are put in
 * front, so that the first piece given has the id TINY_FIRST. Needs no cmocka; aborts when the
 * engine refuses the vocabulary.
 */
#ifndef TESTS_TINY_VOCAB_H
#define TESTS_TINY_VOCAB_H

#include <stddef.h>

#include "base/strbuf.h"
#include "engine/gguf.h"
#include "engine/gguf_write.h"
#include "engine/vocab.h"

enum { TINY_FIRST = 259 };

struct tiny_piece {
	const char *text;	/* NULL ends a list */
	float score;
	enum token_kind kind;	/* 0: NORMAL */
};

struct tiny_vocab {
	struct strbuf bytes;	/* of the file */
	struct gguf *file;
	struct vocab *vocab;
};

/* `more`, if not NULL, adds further keys. */
void tiny_vocab_init(
	struct tiny_vocab *t, const struct tiny_piece *pieces, void (*more)(struct gguf_writer *w));
void tiny_vocab_release(struct tiny_vocab *t);

/* Writes a file with these arrays as they are, for hostile variants; `more` may add keys and is the
 * only one to add tokenizer.ggml.model. */
void tiny_vocab_write(struct strbuf *out, const char *const *tokens, size_t n, const float *scores,
	size_t n_scores, const int32_t *kinds, size_t n_kinds, void (*more)(struct gguf_writer *w));

/* Letters, some words with what leads to them, and chat markers both as control tokens and
 * user-defined. */
extern const struct tiny_piece tiny_words[];

#endif
