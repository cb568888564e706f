#include "config.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "engine/vocab_internal.h"

enum {
	MAX_PIECES = 1 << 24,
	MAX_PIECE_LEN = 4096,
};

/* Pieces that end an answer whatever the model's EOS is. */
static const char *const end_names[] = {
	"</s>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<|endoftext|>",
	"<|end_of_text|>", "<end_of_turn>",
};

void
token_list_add(struct token_list *l, int32_t id)
{
	VEC_ROOM(l->id, l->n, l->cap);
	l->id[l->n++] = id;
}

void
token_list_release(struct token_list *l)
{
	free(l->id);
	*l = (struct token_list){ 0 };
}

/* ---- loading --------------------------------------------------------------------------------- */

/* The arrays of the file that make the vocabulary. */
struct arrays {
	struct gguf_array tokens, scores, kinds;
};

static int
get_array(const struct gguf *g, const char *key, bool (*right_type)(const struct gguf_array *),
	const char *type, struct gguf_array *out, struct err *e)
{
	int found = gguf_get_array(g, key, out, e);

	if (found < 0)
		return -1;
	if (!found)
		return err_set(e, ERR_MODEL,
			"the file has no %s: it was made by a converter that is too old, "
			"or it is no language model",
			key);
	if (!right_type(out))
		return err_set(e, ERR_MODEL, "%s is not an array of %s", key, type);
	return 0;
}

static int
get_arrays(const struct gguf *g, struct arrays *a, struct err *e)
{
	if (get_array(g, "tokenizer.ggml.tokens", gguf_array_is_string, "strings", &a->tokens, e) ||
		get_array(g, "tokenizer.ggml.scores", gguf_array_is_f32, "floats", &a->scores, e) ||
		get_array(g, "tokenizer.ggml.token_type", gguf_array_is_i32, "integers", &a->kinds,
			e))
		return -1;
	if (a->tokens.n < 1 || a->tokens.n > MAX_PIECES)
		return err_set(e, ERR_MODEL, "a vocabulary of %" PRIu64 " tokens is out of range",
			a->tokens.n);
	if (a->scores.n < a->tokens.n || a->kinds.n < a->tokens.n)
		return err_set(e, ERR_MODEL,
			"the vocabulary has %" PRIu64 " tokens, but %" PRIu64 " scores and %" PRIu64
			" types",
			a->tokens.n, a->scores.n, a->kinds.n);
	return 0;
}

static int
check_kind_of_tokenizer(const struct gguf *g, struct err *e)
{
	struct gguf_string s;
	int found = gguf_get_string(g, "tokenizer.ggml.model", &s, e);

	if (found < 0)
		return -1;
	if (!found)
		return err_set(
			e, ERR_MODEL, "the file has no vocabulary (no tokenizer.ggml.model)");
	if (s.len != 5 || memcmp(s.s, "llama", 5)) {
		char name[40];

		return err_set(e, ERR_MODEL,
			"the vocabulary is of the kind \"%s\"; only \"llama\" (SentencePiece) "
			"works",
			gguf_string_show(s, name, sizeof name));
	}
	return 0;
}

/*
 * Writes a piece as the encoder wants it into out[room] and returns its length; more than `room`: there was not enough.
 * User-defined pieces are found in files with spaces and with space marks; texts have marks.
 */
static size_t
copy_piece(struct gguf_string s, int32_t kind, char *out, size_t room)
{
	size_t n = 0;

	if (kind != TOKEN_USER_DEFINED) {
		if (s.len && s.len <= room)
			memcpy(out, s.s, s.len);
		return s.len;
	}
	for (size_t i = 0; i < s.len; i++) {
		bool space = s.s[i] == ' ';
		size_t len = space ? SPACE_MARK_LEN : 1;

		if (n + len <= room)
			memcpy(out + n, space ? SPACE_MARK : s.s + i, len);
		n += len;
	}
	return n;
}

/* Copies the pieces' bytes, since a vocabulary outlives its file. What is measured first and copied then is read twice:
 * the file may have changed between. */
static int
copy_pieces(struct vocab *v, const struct arrays *a, struct err *e)
{
	uint64_t total = 0;
	size_t at = 0;

	v->n = a->tokens.n;
	for (size_t i = 0; i < v->n; i++) {
		struct gguf_string s = gguf_array_string(&a->tokens, i);

		if (s.len > MAX_PIECE_LEN)
			return err_set(e, ERR_MODEL, "token %zu is %zu bytes long, more than %d", i,
				s.len, MAX_PIECE_LEN);
		total += copy_piece(s, gguf_array_i32(&a->kinds, i), NULL, 0) + 1;
	}
	if (total > UINT32_MAX)
		return err_set(e, ERR_MODEL, "the vocabulary is larger than 4 GiB");
	v->piece = calloc(v->n, sizeof *v->piece);
	v->bytes = malloc(total);
	if (!v->piece || !v->bytes)
		return err_set(
			e, ERR_MODEL, "not enough memory for a vocabulary of %zu tokens", v->n);
	for (size_t i = 0; i < v->n; i++) {
		size_t room = total - at, len = copy_piece(gguf_array_string(&a->tokens, i),
			gguf_array_i32(&a->kinds, i), v->bytes + at, room);

		if (len >= room)
			return err_set(e, ERR_MODEL, "the model's file was changed while it was opened; open it again");
		v->piece[i].at = at;
		v->piece[i].len = len;
		v->bytes[at + len] = '\0';
		at += len + 1;
	}
	return 0;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* The byte of a piece "<0xHH>", or -1. */
static int
byte_of_piece(const char *s, size_t len)
{
	int high, low;

	if (len != 6 || memcmp(s, "<0x", 3) || s[5] != '>')
		return -1;
	high = hex_digit(s[3]);
	low = hex_digit(s[4]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/*
 * Whether a user-defined piece is a sign of a chat format ("<|im_start|>", "[PAD]") and not text,
 * such as a run of spaces. Fine-tuners add signs with either type; a user must not be able to type
 * one.
 */
static bool
looks_like_marker(const char *s, size_t len)
{
	return len >= 3 &&
	       ((s[0] == '<' && s[len - 1] == '>') || (s[0] == '[' && s[len - 1] == ']'));
}

static uint8_t
flags_of(const struct vocab *v, const struct piece *p)
{
	const char *s = v->bytes + p->at;
	bool marker = p->kind == TOKEN_CONTROL ||
		(p->kind == TOKEN_USER_DEFINED && looks_like_marker(s, p->len));
	uint8_t flags = 0;

	if (!p->len)
		return 0;
	if (marker) {
		flags |= PIECE_MARKER;
		for (size_t i = 0; i < sizeof end_names / sizeof *end_names; i++)
			if (p->len == strlen(end_names[i]) && !memcmp(s, end_names[i], p->len))
				flags |= PIECE_END;
	} else if (p->kind == TOKEN_USER_DEFINED) {
		flags |= PIECE_ATOM;
	} else if (p->kind == TOKEN_NORMAL || p->kind == TOKEN_UNUSED) {
		flags |= PIECE_MERGES;
	}
	return flags;
}

static int
load_kinds(struct vocab *v, const struct arrays *a, struct err *e)
{
	for (size_t i = 0; i < 256; i++)
		v->byte_id[i] = -1;
	for (size_t i = 0; i < v->n; i++) {
		struct piece *p = &v->piece[i];
		int32_t kind = gguf_array_i32(&a->kinds, i);
		int byte;

		p->score = gguf_array_f32(&a->scores, i);
		if (isnan(p->score))
			return err_set(e, ERR_MODEL, "the score of token %zu is not a number", i);
		if (kind < TOKEN_NORMAL || kind > TOKEN_BYTE)
			return err_set(
				e, ERR_MODEL, "token %zu has the unknown type %" PRId32, i, kind);
		p->kind = kind;
		p->flags = flags_of(v, p);
		if (kind != TOKEN_BYTE)
			continue;
		byte = byte_of_piece(v->bytes + p->at, p->len);
		if (byte < 0)
			return err_set(e, ERR_MODEL,
				"token %zu is of type byte but not written as <0xHH>", i);
		if (v->byte_id[byte] < 0)
			v->byte_id[byte] = i;
	}
	return 0;
}

/* A special token's id: what the key says, else `fallback` if that token is of the kind such tokens
 * are. */
static int
load_special_id(const struct vocab *v, const struct gguf *g, const char *key, int32_t fallback,
	enum token_kind kind, int32_t *out, struct err *e)
{
	uint64_t id;
	int found = gguf_get_u64(g, key, &id, e);

	*out = -1;
	if (found < 0)
		return -1;
	if (found) {
		if (id == UINT32_MAX)	/* -1 of some converters: none */
			return 0;
		if (id >= v->n)
			return err_set(e, ERR_MODEL,
				"%s is %" PRIu64 ", but there are only %zu tokens", key, id, v->n);
		*out = id;
	} else if (fallback >= 0 && (size_t)fallback < v->n && v->piece[fallback].kind == kind) {
		*out = fallback;
	}
	return 0;
}

static int
load_special(struct vocab *v, const struct gguf *g, struct err *e)
{
	int32_t eot, eom;

	v->add_bos = v->add_space = true;
	if (load_special_id(v, g, "tokenizer.ggml.bos_token_id", 1, TOKEN_CONTROL, &v->bos, e) ||
		load_special_id(
			v, g, "tokenizer.ggml.eos_token_id", 2, TOKEN_CONTROL, &v->eos, e) ||
		load_special_id(v, g, "tokenizer.ggml.unknown_token_id", 0, TOKEN_UNKNOWN,
			&v->unknown, e) ||
		load_special_id(v, g, "tokenizer.ggml.eot_token_id", -1, TOKEN_CONTROL, &eot, e) ||
		load_special_id(v, g, "tokenizer.ggml.eom_token_id", -1, TOKEN_CONTROL, &eom, e) ||
		gguf_get_bool(g, "tokenizer.ggml.add_bos_token", &v->add_bos, e) < 0 ||
		gguf_get_bool(g, "tokenizer.ggml.add_space_prefix", &v->add_space, e) < 0)
		return -1;
	for (size_t i = 0; i < 3; i++) {
		int32_t id = (const int32_t[]){ v->eos, eot, eom }[i];

		if (id >= 0)
			v->piece[id].flags |= PIECE_END;
	}
	if (v->bos < 0)
		v->add_bos = false;
	for (size_t i = 0; i < 256; i++)
		if (v->byte_id[i] < 0 && v->unknown < 0)
			return err_set(e, ERR_MODEL,
				"the vocabulary has no token for byte 0x%02zX nor one for the "
				"unknown",
				i);
	return 0;
}

/* Whether a space mark stands behind another character in these bytes. */
static bool
has_inner_space(const char *s, size_t len)
{
	while (len >= SPACE_MARK_LEN && !memcmp(s, SPACE_MARK, SPACE_MARK_LEN)) {
		s += SPACE_MARK_LEN;
		len -= SPACE_MARK_LEN;
	}
	return memmem(s, len, SPACE_MARK, SPACE_MARK_LEN) != NULL;
}

static int
prepare_encoding(struct vocab *v, struct err *e)
{
	if (piece_index_build(v, &v->all, 0, e) ||
		piece_index_build(v, &v->merges, PIECE_MERGES, e) ||
		piece_list_build(v, &v->atoms, PIECE_ATOM, e) ||
		piece_list_build(v, &v->markers, PIECE_MARKER, e))
		return -1;
	v->words_apart = !v->atoms.n;
	for (size_t i = 0; i < v->n; i++) {
		const struct piece *p = &v->piece[i];

		if (!(p->flags & PIECE_MERGES))
			continue;
		if (p->len > v->longest_merge)
			v->longest_merge = p->len;
		if (has_inner_space(v->bytes + p->at, p->len))
			v->words_apart = false;
	}
	return 0;
}

struct vocab *
vocab_new(const struct gguf *g, struct err *e)
{
	struct vocab *v = xcalloc(1, sizeof *v);
	struct arrays a;

	if (check_kind_of_tokenizer(g, e) || get_arrays(g, &a, e) || copy_pieces(v, &a, e) ||
		load_kinds(v, &a, e) || load_special(v, g, e) || prepare_encoding(v, e)) {
		vocab_free(v);
		return NULL;
	}
	return v;
}

void
vocab_free(struct vocab *v)
{
	if (!v)
		return;
	free(v->piece);
	free(v->bytes);
	free(v->all.slot);
	free(v->merges.slot);
	free(v->atoms.id);
	free(v->markers.id);
	free(v);
}

/* ---- questions ------------------------------------------------------------------------------- */

size_t
vocab_size(const struct vocab *v)
{
	return v->n;
}

int32_t
vocab_bos(const struct vocab *v)
{
	return v->bos;
}

int32_t
vocab_eos(const struct vocab *v)
{
	return v->eos;
}

bool
vocab_add_bos(const struct vocab *v)
{
	return v->add_bos;
}

static const struct piece *
piece_at(const struct vocab *v, int32_t id)
{
	assert(id >= 0 && (size_t)id < v->n);
	return &v->piece[id];
}

bool
vocab_is_end(const struct vocab *v, int32_t id)
{
	return piece_at(v, id)->flags & PIECE_END;
}

enum token_kind
vocab_kind(const struct vocab *v, int32_t id)
{
	return piece_at(v, id)->kind;
}

const char *
vocab_piece(const struct vocab *v, int32_t id, size_t *len)
{
	const struct piece *p = piece_at(v, id);

	*len = p->len;
	return v->bytes + p->at;
}

int32_t
vocab_find(const struct vocab *v, const char *piece)
{
	return piece_index_find(v, &v->all, piece, strlen(piece));
}

/* ---- back to text ---------------------------------------------------------------------------- */

static void
decode_text(const char *s, size_t len, struct strbuf *out)
{
	const char *end = s + len, *mark;

	while ((mark = memmem(s, end - s, SPACE_MARK, SPACE_MARK_LEN))) {
		strbuf_add(out, s, mark - s);
		strbuf_addc(out, ' ');
		s = mark + SPACE_MARK_LEN;
	}
	strbuf_add(out, s, end - s);
}

void
vocab_decode_one(const struct vocab *v, int32_t id, struct strbuf *out)
{
	const struct piece *p = piece_at(v, id);
	const char *s = v->bytes + p->at;

	switch ((enum token_kind)p->kind) {
	case TOKEN_NORMAL:
	case TOKEN_USER_DEFINED:
	case TOKEN_UNUSED:
		decode_text(s, p->len, out);
		break;
	case TOKEN_BYTE:
		strbuf_addc(out, byte_of_piece(s, p->len));
		break;
	case TOKEN_UNKNOWN:
		strbuf_adds(out, "\xef\xbf\xbd");	/* U+FFFD */
		break;
	case TOKEN_CONTROL:
		break;
	}
}

void
vocab_decode(const struct vocab *v, const int32_t *ids, size_t n, struct strbuf *out)
{
	size_t start = out->len;

	for (size_t i = 0; i < n; i++)
		vocab_decode_one(v, ids[i], out);
	if (v->add_space && out->len > start && out->s[start] == ' ')
		strbuf_remove(out, start, 1);
}
