/* What vocab.c (loading, decoding), vocab_index.c (finding pieces) and spm.c (encoding) share;
 * nobody else includes this. */
#ifndef ENGINE_VOCAB_INTERNAL_H
#define ENGINE_VOCAB_INTERNAL_H

#include "engine/vocab.h"

#define SPACE_MARK "\xe2\x96\x81"	/* U+2581: what a space is in pieces */

enum { SPACE_MARK_LEN = 3 };

enum piece_flag {
	PIECE_END = 1,		/* ends an answer */
	PIECE_MERGES = 2,	/* may come out of merging characters of a text */
	PIECE_ATOM = 4,		/* user-defined text: found before any merging, under any flags */
	PIECE_MARKER = 8,	/* found in a text under ENCODE_SPECIAL only */
};

struct piece {
	uint32_t at, len;	/* in vocab.bytes; a NUL follows */
	float score;
	uint8_t kind;		/* enum token_kind */
	uint8_t flags;		/* enum piece_flag */
};

/* Open addressing over a power of two of slots; a slot holds id + 1, or 0. */
struct piece_index {
	uint32_t *slot;
	size_t n_slots;
};

/* Ids of some pieces in the order of their bytes, so that a text can walk down it as in a trie. */
struct piece_list {
	int32_t *id;
	size_t n;
};

struct vocab {
	size_t n;
	struct piece *piece;		/* [n] */
	char *bytes;
	struct piece_index all;		/* every piece */
	struct piece_index merges;	/* those with PIECE_MERGES */
	struct piece_list atoms, markers;
	size_t longest_merge;		/* bytes */
	int32_t byte_id[256];		/* -1: the vocabulary has no such token */
	int32_t bos, eos, unknown;	/* -1: none */
	bool add_bos, add_space;
	/* No piece has a space mark after another character, so no merge can reach over the
	 * beginning of a word, and words can be encoded one by one. */
	bool words_apart;
};

/* Indexes, or lists, the pieces that have the flag; an index all pieces for flag 0. Of equal ones the
 * first counts. -1 and ERR_MODEL when there is no memory, or the pieces are made to collide. */
int piece_index_build(const struct vocab *v, struct piece_index *x, unsigned flag, struct err *e);
int piece_list_build(struct vocab *v, struct piece_list *l, unsigned flag, struct err *e);

/* The id of exactly these bytes in the index, or -1. */
int32_t piece_index_find(
	const struct vocab *v, const struct piece_index *x, const char *s, size_t len);

/* The longest piece of the list that the text begins with, or -1. */
int32_t piece_list_match(
	const struct vocab *v, const struct piece_list *l, const char *s, size_t len);

#endif
