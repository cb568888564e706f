/*
 * SentencePiece-BPE encoding. A text is a chain of symbols, first its characters; a heap holds the
 * pairs of neighbours that make a piece, best score first; each merge adds at most two new pairs.
 * Entries of the heap are not removed when a merge makes them void: a pair is (left symbol, length
 * of the whole), and it still stands if and only if the two neighbours are together that long.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/xalloc.h"
#include "engine/vocab_internal.h"

/* A longer text is cut into blocks, at a space where there is one: bounds the memory, and 32-bit
 * offsets hold. */
enum { BLOCK = 1 << 20 };

#define NONE UINT32_MAX

struct symbol {
	uint32_t at, len;	/* bytes of the text; len 0: merged into a symbol on its left */
	uint32_t prev, next;	/* NONE at the ends */
	int32_t id;		/* -1: no piece, becomes bytes */
	uint32_t origin;	/* of an UNUSED piece: index into encoder.origin; else NONE */
};

struct merge {
	float score;
	uint32_t left;		/* symbol */
	uint32_t len;		/* of both together */
	int32_t id;
};

/* What an UNUSED piece was merged from: it is never put out itself, but may be a step to a longer
 * one. */
struct origin {
	struct symbol left, right;
};

struct encoder {
	const struct vocab *v;
	struct token_list *out;
	struct strbuf text;	/* the block with space marks */
	struct symbol *sym;
	size_t n_sym, cap_sym;
	struct merge *heap;
	size_t n_heap, cap_heap;
	struct origin *origin;
	size_t n_origin, cap_origin;
	const atomic_bool *cancel;	/* or NULL */
};

/* Asked at each symbol, since a word can be as long as a block. */
static bool
cancelled(const struct encoder *e)
{
	return e->cancel && atomic_load_explicit(e->cancel, memory_order_relaxed);
}

/* ---- the heap -------------------------------------------------------------------------------- */

static bool
comes_before(const struct merge *a, const struct merge *b)
{
	return a->score > b->score || (a->score == b->score && a->left < b->left);
}

static void
heap_push(struct encoder *e, struct merge m)
{
	size_t i;

	VEC_ROOM(e->heap, e->n_heap, e->cap_heap);
	for (i = e->n_heap++; i > 0; i = (i - 1) / 2) {
		struct merge *parent = &e->heap[(i - 1) / 2];

		if (!comes_before(&m, parent))
			break;
		e->heap[i] = *parent;
	}
	e->heap[i] = m;
}

static struct merge
heap_pop(struct encoder *e)
{
	struct merge top = e->heap[0], last = e->heap[--e->n_heap];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < e->n_heap) {
		if (child + 1 < e->n_heap && comes_before(&e->heap[child + 1], &e->heap[child]))
			child++;
		if (!comes_before(&e->heap[child], &last))
			break;
		e->heap[i] = e->heap[child];
		i = child;
	}
	e->heap[i] = last;
	return top;
}

/* ---- one word, or a whole block -------------------------------------------------------------- */

static bool
is_atom(const struct encoder *e, const struct symbol *s)
{
	return s->id >= 0 && e->v->piece[s->id].flags & PIECE_ATOM;
}

static void
consider(struct encoder *e, uint32_t left)
{
	const struct symbol *a = &e->sym[left], *b;
	struct merge m = { .left = left };

	if (a->next == NONE)
		return;
	b = &e->sym[a->next];
	m.len = a->len + b->len;
	if (m.len > e->v->longest_merge || is_atom(e, a) || is_atom(e, b))
		return;
	m.id = piece_index_find(e->v, &e->v->merges, e->text.s + a->at, m.len);
	if (m.id < 0)
		return;
	m.score = e->v->piece[m.id].score;
	heap_push(e, m);
}

/* False when cancelled, as of all that follows. */
static bool
split_into_symbols(struct encoder *e, size_t from, size_t to)
{
	const struct vocab *v = e->v;
	const char *text = e->text.s;
	uint32_t cp;

	e->n_sym = 0;
	for (size_t at = from; at < to;) {
		struct symbol s = { .at = at, .id = -1, .origin = NONE };

		if (cancelled(e))
			return false;
		if (v->atoms.n)
			s.id = piece_list_match(v, &v->atoms, text + at, to - at);
		if (s.id >= 0) {
			s.len = v->piece[s.id].len;
		} else {
			s.len = utf8_decode(text + at, to - at, &cp);
			s.id = piece_index_find(v, &v->merges, text + at, s.len);
		}
		s.prev = e->n_sym ? e->n_sym - 1 : NONE;
		s.next = e->n_sym + 1;
		VEC_ROOM(e->sym, e->n_sym, e->cap_sym);
		e->sym[e->n_sym++] = s;
		at += s.len;
	}
	e->sym[e->n_sym - 1].next = NONE;
	return true;
}

static void
merge_pair(struct encoder *e, const struct merge *m)
{
	struct symbol *a = &e->sym[m->left], *b = &e->sym[a->next];
	uint32_t origin = NONE;

	if (e->v->piece[m->id].kind == TOKEN_UNUSED) {
		VEC_ROOM(e->origin, e->n_origin, e->cap_origin);
		e->origin[e->n_origin] = (struct origin){ .left = *a, .right = *b };
		origin = e->n_origin++;
	}
	a->len = m->len;
	a->id = m->id;
	a->origin = origin;
	a->next = b->next;
	if (b->next != NONE)
		e->sym[b->next].prev = m->left;
	b->len = 0;
}

static void
put_symbol(struct encoder *e, const struct symbol *s)
{
	const struct vocab *v = e->v;
	const unsigned char *bytes = (const unsigned char *)e->text.s + s->at;

	if (s->origin != NONE) {
		struct origin from = e->origin[s->origin];

		put_symbol(e, &from.left);
		put_symbol(e, &from.right);
		return;
	}
	if (s->id >= 0) {
		token_list_add(e->out, s->id);
		return;
	}
	for (size_t i = 0; i < s->len; i++) {
		if (v->byte_id[bytes[i]] < 0) {
			token_list_add(e->out, v->unknown);	/* once for the character */
			return;
		}
	}
	for (size_t i = 0; i < s->len; i++)
		token_list_add(e->out, v->byte_id[bytes[i]]);
}

static bool
encode_part(struct encoder *e, size_t from, size_t to)
{
	if (!split_into_symbols(e, from, to))
		return false;
	e->n_heap = e->n_origin = 0;
	for (size_t i = 0; i + 1 < e->n_sym; i++) {
		if (cancelled(e))
			return false;
		consider(e, i);
	}
	while (e->n_heap) {
		struct merge m = heap_pop(e);
		struct symbol *a = &e->sym[m.left];

		if (cancelled(e))
			return false;
		if (!a->len || a->next == NONE || a->len + e->sym[a->next].len != m.len)
			continue;
		merge_pair(e, &m);
		if (a->prev != NONE)
			consider(e, a->prev);
		consider(e, m.left);
	}
	for (uint32_t i = 0; i != NONE; i = e->sym[i].next)
		put_symbol(e, &e->sym[i]);
	return true;
}

/* ---- texts ----------------------------------------------------------------------------------- */

/* Where the word at `at` ends: before the next space mark that follows something else. */
static size_t
word_end(const struct strbuf *text, size_t at)
{
	const char *next;

	while (text->len - at >= SPACE_MARK_LEN &&
		!memcmp(text->s + at, SPACE_MARK, SPACE_MARK_LEN))
		at += SPACE_MARK_LEN;
	next = memmem(text->s + at, text->len - at, SPACE_MARK, SPACE_MARK_LEN);
	return next ? (size_t)(next - text->s) : text->len;
}

static bool
encode_block(struct encoder *e, const char *s, size_t len, bool prefix)
{
	const struct strbuf *text = &e->text;

	strbuf_reset(&e->text);
	if (prefix)
		strbuf_add(&e->text, SPACE_MARK, SPACE_MARK_LEN);
	for (const char *end = s + len, *space; s < end; s = space) {
		space = memchr(s, ' ', end - s);
		if (!space)
			space = end;
		strbuf_add(&e->text, s, space - s);
		for (; space < end && *space == ' '; space++)
			strbuf_add(&e->text, SPACE_MARK, SPACE_MARK_LEN);
	}
	for (size_t at = 0, end; at < text->len; at = end) {
		end = e->v->words_apart ? word_end(text, at) : text->len;
		if (!encode_part(e, at, end))
			return false;
	}
	return true;
}

/* How much of a long text to take: up to a space after something else, or at least to a whole
 * character. */
static size_t
block_length(const char *s, size_t len)
{
	size_t cut = BLOCK;

	if (len <= BLOCK)
		return len;
	while (cut > BLOCK / 2 && !(s[cut] == ' ' && s[cut - 1] != ' '))
		cut--;
	if (cut > BLOCK / 2)
		return cut;
	return BLOCK - utf8_incomplete_tail(s, BLOCK);
}

static bool
encode_text(struct encoder *e, const char *s, size_t len, bool prefix)
{
	for (size_t at = 0, n; at < len; at += n) {
		n = block_length(s + at, len - at);
		if (!encode_block(e, s + at, n, prefix && at == 0))
			return false;
	}
	return true;
}

/* With ENCODE_SPECIAL: markers become their tokens, and the text after one begins anew, dummy space
 * included, as the tokenizers that chat models were tuned with do it. */
static bool
encode_with_markers(struct encoder *e, const char *s, size_t len, bool prefix)
{
	const struct vocab *v = e->v;
	size_t from = 0, at = 0;

	while (at < len) {
		int32_t id = piece_list_match(v, &v->markers, s + at, len - at);

		if (id < 0) {
			at++;
			continue;
		}
		if (!encode_text(e, s + from, at - from, prefix))
			return false;
		token_list_add(e->out, id);
		at += v->piece[id].len;
		from = at;
	}
	return encode_text(e, s + from, len - from, prefix);
}

bool
vocab_encode_unless(const struct vocab *v, const char *text, size_t len, unsigned flags,
	const atomic_bool *cancel, struct token_list *out)
{
	bool prefix = flags & ENCODE_PREFIX && v->add_space, done;
	struct encoder e = { .v = v, .out = out, .text = STRBUF_INIT, .cancel = cancel };

	if (flags & ENCODE_SPECIAL && v->markers.n)
		done = encode_with_markers(&e, text, len, prefix);
	else
		done = encode_text(&e, text, len, prefix);
	strbuf_release(&e.text);
	free(e.sym);
	free(e.heap);
	free(e.origin);
	return done;
}

void
vocab_encode(
	const struct vocab *v, const char *text, size_t len, unsigned flags, struct token_list *out)
{
	vocab_encode_unless(v, text, len, flags, NULL, out);
}
