#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <math.h>
#include <cmocka.h>

#include "base/xalloc.h"
#include "engine/quantise.h"
#include "tests/engine/tiny_model.h"

/* What is being built: the writer borrows the tensors' bytes, which are kept here until it has
 * written. */
struct build {
	const struct tiny_model *t;
	struct gguf_writer w;
	void **block;		/* owned, each owned */
	size_t n, cap;
	uint64_t rng;
};

struct tiny_model
tiny_model_of(enum quant_type type)
{
	bool wide = quant_format(type)->block > 32;

	return (struct tiny_model){
		.type = type,
		.norm_type = QUANT_F32,
		.n_layer = 2,
		.n_embd = wide ? 256 : 64,
		.n_head = 4,
		.n_head_kv = 2,
		.n_ff = wide ? 512 : 96,
		.n_ctx = 128,
		.n_vocab = TINY_MIN_VOCAB,
		.seed = 1,
		.name = "tiny",
	};
}

static bool
omitted(const struct tiny_model *t, const char *name)
{
	for (size_t i = 0; i < sizeof t->omit / sizeof t->omit[0] && t->omit[i]; i++)
		if (strcmp(t->omit[i], name) == 0)
			return true;
	return false;
}

/* ---- weights --------------------------------------------------------------------------------- */

/* SplitMix64. */
static uint64_t
next(struct build *b)
{
	uint64_t z = b->rng += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* Uniform, with standard deviation 1. */
static float
noise(struct build *b)
{
	return ((float)(next(b) >> 40) * 0x1p-23f - 1) * 1.7320508f;
}

static void *
keep(struct build *b, size_t n)
{
	VEC_ROOM(b->block, b->n, b->cap);
	return b->block[b->n++] = xmalloc(n);
}

/* A tensor of mean + spread * noise; rows 0: a vector. */
static void
put_noise(struct build *b, const char *name, enum quant_type type, uint32_t cols, uint32_t rows,
	float mean, float spread)
{
	size_t n = (size_t)cols * (rows ? rows : 1);
	const struct quant_format *f = quant_format(type);
	float *x;
	void *data;

	if (omitted(b->t, name))
		return;
	x = xreallocarray(NULL, n, sizeof *x);
	for (size_t i = 0; i < n; i++)
		x[i] = mean + spread * noise(b);
	data = keep(b, n / f->block * f->bytes);
	quantise(type, x, data, n);
	gguf_put_tensor(&b->w, name, type, cols, rows, data);
	free(x);
}

static void
put_matrix(struct build *b, const char *prefix, const char *name, uint32_t cols, uint32_t rows,
	float spread)
{
	enum quant_type type = b->t->type;
	char full[64];

	if (cols % quant_format(type)->block)
		type = cols % 32 ? QUANT_F16 : QUANT_Q8_0;
	snprintf(full, sizeof full, "%s%s.weight", prefix, name);
	put_noise(b, full, type, cols, rows, 0, spread);
}

static void
put_vector(struct build *b, const char *prefix, const char *name, uint32_t n, float mean)
{
	char full[64];

	snprintf(full, sizeof full, "%s%s", prefix, name);
	put_noise(b, full, b->t->norm_type, n, 0, mean, 0.1f);
}

static void
put_attention(struct build *b, const char *prefix, uint32_t head_dim)
{
	const struct tiny_model *t = b->t;
	uint32_t q = head_dim * t->n_head, kv = head_dim * t->n_head_kv;
	float spread = 1 / sqrtf((float)t->n_embd);

	put_vector(b, prefix, "attn_norm.weight", t->n_embd, 1);
	if (t->fused_qkv) {
		put_matrix(b, prefix, "attn_qkv", t->n_embd, q + 2 * kv, spread);
		if (t->biases)
			put_vector(b, prefix, "attn_qkv.bias", q + 2 * kv, 0);
	} else {
		put_matrix(b, prefix, "attn_q", t->n_embd, q, spread);
		put_matrix(b, prefix, "attn_k", t->n_embd, kv, spread);
		put_matrix(b, prefix, "attn_v", t->n_embd, kv, spread);
		if (t->biases) {
			put_vector(b, prefix, "attn_q.bias", q, 0);
			put_vector(b, prefix, "attn_k.bias", kv, 0);
			put_vector(b, prefix, "attn_v.bias", kv, 0);
		}
	}
	put_matrix(b, prefix, "attn_output", q, t->n_embd, 1 / sqrtf((float)q));
	if (t->biases)
		put_vector(b, prefix, "attn_output.bias", t->n_embd, 0);
}

static void
put_tensors(struct build *b)
{
	const struct tiny_model *t = b->t;
	uint32_t head_dim = t->head_dim ? t->head_dim : t->n_embd / t->n_head;
	float spread = 1 / sqrtf((float)t->n_embd);
	char prefix[32];

	put_matrix(b, "", "token_embd", t->n_embd, t->n_vocab, 1);
	if (t->rope_freqs)
		put_vector(b, "", "rope_freqs.weight", head_dim / 2, 2);
	for (uint32_t i = 0; i < t->n_layer; i++) {
		snprintf(prefix, sizeof prefix, "blk.%u.", (unsigned)i);
		put_attention(b, prefix, head_dim);
		put_vector(b, prefix, "ffn_norm.weight", t->n_embd, 1);
		put_matrix(b, prefix, "ffn_gate", t->n_embd, t->n_ff, spread);
		put_matrix(b, prefix, "ffn_up", t->n_embd, t->n_ff, spread);
		put_matrix(b, prefix, "ffn_down", t->n_ff, t->n_embd, 1 / sqrtf((float)t->n_ff));
	}
	put_vector(b, "", "output_norm.weight", t->n_embd, 1);
	if (!t->tied)
		put_matrix(b, "", "output", t->n_embd, t->n_vocab, spread);
}

/* ---- keys ------------------------------------------------------------------------------------ */

#define SPACE "\xe2\x96\x81"

/* Each word brings all its beginnings, so that pairs can be merged to it from the left. */
static const char *const words[] = {
	SPACE "the",
	SPACE "hello",
	SPACE "world",
	SPACE "llama",
	SPACE "hum",
	SPACE "to",
	SPACE "one",
	SPACE "another",
	"INST",
	SPACE "and",
	SPACE "is",
	SPACE "of",
	"ing",
	"er",
	SPACE "in",
	SPACE "you",
	SPACE "that",
	SPACE "it",
};

struct pieces {
	char **piece;		/* owned, each owned */
	size_t n, cap;
};

static void
add_piece(struct pieces *p, const char *s, size_t len)
{
	for (size_t i = 0; i < p->n; i++)
		if (strncmp(p->piece[i], s, len) == 0 && !p->piece[i][len])
			return;
	VEC_ROOM(p->piece, p->n, p->cap);
	p->piece[p->n++] = xstrndup(s, len);
}

static void
add_words(struct pieces *p)
{
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		size_t first = (words[i][0] & 0x80) ? strlen(SPACE) : 1;

		for (size_t len = first + 1; len <= strlen(words[i]); len++)
			add_piece(p, words[i], len);
	}
}

static bool
is_control(const struct tiny_model *t, const char *piece)
{
	for (size_t i = 0; i < sizeof t->controls / sizeof *t->controls && t->controls[i]; i++)
		if (!strcmp(t->controls[i], piece))
			return true;
	return false;
}

static void
make_pieces(struct pieces *p, const struct tiny_model *t)
{
	uint32_t n_vocab = t->n_vocab;
	char s[32];

	add_piece(p, "<unk>", 5);
	add_piece(p, "<s>", 3);
	add_piece(p, "</s>", 4);
	for (int i = 0; i < 256; i++) {
		snprintf(s, sizeof s, "<0x%02X>", (unsigned)i);
		add_piece(p, s, 6);
	}
	add_words(p);
	add_piece(p, SPACE, strlen(SPACE));
	for (char c = '!'; c <= '~'; c++)
		add_piece(p, &c, 1);
	for (size_t i = 0; i < sizeof t->controls / sizeof *t->controls && t->controls[i]; i++)
		add_piece(p, t->controls[i], strlen(t->controls[i]));
	assert_true(p->n <= n_vocab);
	while (p->n < n_vocab) {
		snprintf(s, sizeof s, SPACE "f%zu", p->n);
		add_piece(p, s, strlen(s));
	}
}

static void
free_pieces(struct pieces *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->piece[i]);
	free(p->piece);
}

static void
put_vocabulary(struct build *b)
{
	size_t n = b->t->n_vocab;
	int32_t *kind = xcalloc(n, sizeof *kind);
	float *score = xcalloc(n, sizeof *score);
	struct pieces p = { NULL, 0, 0 };

	make_pieces(&p, b->t);
	for (size_t i = 0; i < n; i++) {
		kind[i] = i == 0 ? 2 : i < 3 || is_control(b->t, p.piece[i]) ? 3 : i < 259 ? 6 : 1;
		score[i] = i < 259 ? 0 : -(float)(i - 259);
	}
	gguf_put_string(&b->w, "tokenizer.ggml.model", "llama");
	if (!omitted(b->t, "tokenizer.ggml.tokens"))
		gguf_put_strings(&b->w, "tokenizer.ggml.tokens", (const char *const *)p.piece, n);
	if (!omitted(b->t, "tokenizer.ggml.scores"))
		gguf_put_f32s(&b->w, "tokenizer.ggml.scores", score, n);
	if (!omitted(b->t, "tokenizer.ggml.token_type"))
		gguf_put_i32s(&b->w, "tokenizer.ggml.token_type", kind, n);
	gguf_put_u32(&b->w, "tokenizer.ggml.bos_token_id", 1);
	gguf_put_u32(&b->w, "tokenizer.ggml.eos_token_id", 2);
	gguf_put_u32(&b->w, "tokenizer.ggml.unknown_token_id", 0);
	if (b->t->chat_template)
		gguf_put_string(&b->w, "tokenizer.chat_template", b->t->chat_template);
	free_pieces(&p);
	free(kind);
	free(score);
}

static void
put_keys(struct build *b)
{
	const struct tiny_model *t = b->t;
	const struct {
		const char *key;
		uint32_t value;
	} numbers[] = {
		{ "llama.context_length", t->n_ctx },
		{ "llama.embedding_length", t->n_embd },
		{ "llama.block_count", t->n_layer },
		{ "llama.feed_forward_length", t->n_ff },
		{ "llama.attention.head_count", t->n_head },
		{ "llama.attention.head_count_kv", t->n_head_kv },
		{ "llama.rope.dimension_count", t->head_dim ? t->head_dim : t->n_embd / t->n_head },
	};

	if (!omitted(t, "general.architecture"))
		gguf_put_string(&b->w, "general.architecture", "llama");
	if (t->name)
		gguf_put_string(&b->w, "general.name", t->name);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		if (!omitted(t, numbers[i].key))
			gguf_put_u32(&b->w, numbers[i].key, numbers[i].value);
	if (t->head_dim) {
		gguf_put_u32(&b->w, "llama.attention.key_length", t->head_dim);
		gguf_put_u32(&b->w, "llama.attention.value_length", t->head_dim);
	}
	if (!omitted(t, "llama.attention.layer_norm_rms_epsilon"))
		gguf_put_f32(&b->w, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
	put_vocabulary(b);
}

/* ---- files ----------------------------------------------------------------------------------- */

/* The bytes of a tensor, which the writer holds as const. */
static void *
data_of(const struct build *b, const struct gguf_out_tensor *t)
{
	for (size_t k = 0; k < b->n; k++)
		if (b->block[k] == t->data)
			return b->block[k];
	fail_msg("%s has no data", t->name);
	return NULL;
}

static const struct gguf_out_tensor *
tensor_of(const struct build *b, const char *name)
{
	for (size_t i = 0; i < b->w.n_tensors; i++)
		if (!strcmp(b->w.tensor[i].name, name))
			return &b->w.tensor[i];
	fail_msg("there is no %s", name);
	return NULL;
}

/* A row of zeros gives the logit 0, and among so many random ones there is always a greater one. */
static void
silence_end(struct build *b)
{
	enum { END = 2 };	/* </s> */
	const struct gguf_out_tensor *t = tensor_of(b, "output.weight");
	size_t row = t->size / b->t->n_vocab;

	memset((char *)data_of(b, t) + END * row, 0, row);
}

static size_t
index_of(const struct pieces *p, const char *piece)
{
	for (size_t i = 0; i < p->n; i++)
		if (!strcmp(p->piece[i], piece))
			return i;
	fail_msg("there is no piece %s", piece);
	return 0;
}

static bool
ends_with(const char *s, const char *end)
{
	size_t len = strlen(s), n = strlen(end);

	return len >= n && !strcmp(s + len - n, end);
}

/* The layers add nothing, and each pair has a dimension of its own, from the one's embedding to the other's logit. */
static void
put_script(struct build *b)
{
	size_t n_embd = b->t->n_embd;
	struct pieces p = { NULL, 0, 0 };
	float *embd, *output;

	for (size_t i = 0; i < b->w.n_tensors; i++) {
		const struct gguf_out_tensor *t = &b->w.tensor[i];

		if (!strcmp(t->name, "token_embd.weight") || !strcmp(t->name, "output.weight") ||
				ends_with(t->name, "attn_output.weight") || ends_with(t->name, "ffn_down.weight"))
			memset(data_of(b, t), 0, t->size);
	}
	embd = data_of(b, tensor_of(b, "token_embd.weight"));
	output = data_of(b, tensor_of(b, "output.weight"));
	make_pieces(&p, b->t);
	for (size_t i = 0; b->t->script[i][0]; i++) {
		assert_true(i < n_embd);
		embd[index_of(&p, b->t->script[i][0]) * n_embd + i] = 1;
		output[index_of(&p, b->t->script[i][1]) * n_embd + i] = 1;
	}
	free_pieces(&p);
}

static void
build_init(struct build *b, const struct tiny_model *t)
{
	*b = (struct build){ .t = t, .rng = t->seed };
	gguf_writer_init(&b->w);
	put_keys(b);
	put_tensors(b);
	if (t->endless)
		silence_end(b);
	if (t->script)
		put_script(b);
	if (t->edit)
		t->edit(&b->w, t->edit_ctx);
}

static void
build_release(struct build *b)
{
	gguf_writer_release(&b->w);
	for (size_t i = 0; i < b->n; i++)
		free(b->block[i]);
	free(b->block);
}

void
tiny_model_memory(const struct tiny_model *t, struct strbuf *out)
{
	struct build b;

	build_init(&b, t);
	gguf_write_memory(&b.w, out);
	build_release(&b);
}

static void
must_write(const struct gguf_writer *w, const char *path)
{
	struct err e;

	if (gguf_write_file(w, path, &e) < 0)
		fail_msg("%s", e.text);
}

void
tiny_model_save(const struct tiny_model *t, const char *path)
{
	struct build b;

	build_init(&b, t);
	must_write(&b.w, path);
	build_release(&b);
}

char *
tiny_model_temp(const struct tiny_model *t)
{
	const char *dir = getenv("TMPDIR");
	char *path = xasprintf("%s/hum-tiny-XXXXXX", dir && *dir ? dir : "/tmp");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	tiny_model_save(t, path);
	return path;
}

char *
tiny_model_split(const struct tiny_model *t, const char *dir, unsigned parts)
{
	struct build b;
	char *first = NULL;
	size_t from = 0;

	build_init(&b, t);
	for (unsigned i = 0; i < parts; i++) {
		char *path = xasprintf("%s/tiny-%05u-of-%05u.gguf", dir, i + 1, parts);
		size_t to = b.w.n_tensors * (i + 1) / parts;
		struct gguf_writer w;

		gguf_writer_init(&w);
		if (i == 0)
			strbuf_add(&w.keys, b.w.keys.s, b.w.keys.len);
		w.n_keys = i == 0 ? b.w.n_keys : 0;
		gguf_put_u16(&w, "split.no", (uint16_t)i);
		gguf_put_u16(&w, "split.count", (uint16_t)parts);
		gguf_put_i32(&w, "split.tensors.count", (int32_t)b.w.n_tensors);
		for (; from < to; from++) {
			const struct gguf_out_tensor *x = &b.w.tensor[from];

			gguf_put_tensor(&w, x->name, x->type, x->ne[0],
				x->n_dims > 1 ? x->ne[1] : 0, x->data);
		}
		must_write(&w, path);
		gguf_writer_release(&w);
		if (i == 0)
			first = path;
		else
			free(path);
	}
	build_release(&b);
	return first;
}

/* ---- loading --------------------------------------------------------------------------------- */

void
tiny_try_load(struct tiny_loaded *l, const struct tiny_model *t)
{
	*l = (struct tiny_loaded){ .bytes = STRBUF_INIT };
	tiny_model_memory(t, &l->bytes);
	l->g = gguf_parse((const uint8_t *)l->bytes.s, l->bytes.len, &l->e);
	if (!l->g)
		fail_msg("%s", l->e.text);
	l->m = model_new(l->g, &l->e);
}

void
tiny_load(struct tiny_loaded *l, const struct tiny_model *t)
{
	tiny_try_load(l, t);
	if (!l->m)
		fail_msg("%s", l->e.text);
}

void
tiny_unload(struct tiny_loaded *l)
{
	model_free(l->m);
	gguf_free(l->g);
	strbuf_release(&l->bytes);
}

void
tiny_expect_refused(const struct tiny_model *t, const char *message)
{
	struct tiny_loaded l;
	struct model peeked;
	struct err e;

	tiny_try_load(&l, t);
	if (l.m || l.e.code != ERR_MODEL || !strstr(l.e.text, message))
		fail_msg("%s, should say: %s", l.m ? "accepted" : l.e.text, message);
	assert_int_equal(model_peek(l.g, &peeked, &e), -1);
	assert_string_equal(e.text, l.e.text);
	tiny_unload(&l);
}
