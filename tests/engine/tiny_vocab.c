#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "tests/engine/tiny_vocab.h"

#define SP "\xe2\x96\x81"

const struct tiny_piece tiny_words[] = {
	{ SP, -40, 0 }, { "h", -41, 0 }, { "e", -42, 0 }, { "l", -43, 0 }, { "o", -44, 0 }, { "w", -45, 0 },
	{ "r", -46, 0 }, { "d", -47, 0 }, { "s", -48, 0 }, { "<", -49, 0 }, { ">", -50, 0 }, { "|", -51, 0 },
	{ "[", -52, 0 }, { "]", -53, 0 }, { "/", -54, 0 }, { "I", -55, 0 }, { "N", -56, 0 }, { "S", -57, 0 },
	{ "T", -58, 0 }, { "Y", -59, 0 }, { ":", -60, 0 }, { "\xc3\xa9", -61, 0 }, { "i", -62, 0 },
	{ "he", -1, 0 }, { "ll", -2, 0 }, { "hell", -3, 0 }, { "hello", -4, 0 }, { SP "hello", -5, 0 },
	{ "or", -6, 0 }, { "wor", -7, 0 }, { "ld", -8, 0 }, { "world", -9, 0 }, { SP "world", -10, 0 },
	{ SP SP, -11, 0 }, { SP SP SP SP, -12, 0 }, { "</", -13, 0 }, { "<|", -14, 0 }, { "|>", -15, 0 },
	{ "IN", -16, 0 }, { "INST", -17, 0 }, { "ST", -16.5f, 0 }, { "/", -18, TOKEN_UNUSED },
	{ "<|im_start|>", 0, TOKEN_CONTROL }, { "<|im_end|>", 0, TOKEN_CONTROL },
	{ "<|user|>", 0, TOKEN_USER_DEFINED }, { "[PAD]", 0, TOKEN_USER_DEFINED },
	{ NULL, 0, 0 },
};

void
tiny_vocab_write(struct strbuf *out, const char *const *tokens, size_t n, const float *scores, size_t n_scores,
	const int32_t *kinds, size_t n_kinds, void (*more)(struct gguf_writer *w))
{
	struct gguf_writer w;

	gguf_writer_init(&w);
	gguf_put_string(&w, "general.architecture", "llama");
	if (tokens)
		gguf_put_strings(&w, "tokenizer.ggml.tokens", tokens, n);
	if (scores)
		gguf_put_f32s(&w, "tokenizer.ggml.scores", scores, n_scores);
	if (kinds)
		gguf_put_i32s(&w, "tokenizer.ggml.token_type", kinds, n_kinds);
	if (more)
		more(&w);
	gguf_write_memory(&w, out);
	gguf_writer_release(&w);
}

static void (*more_keys)(struct gguf_writer *w);

static void
add_keys(struct gguf_writer *w)
{
	gguf_put_string(w, "tokenizer.ggml.model", "llama");
	if (more_keys)
		more_keys(w);
}

void
tiny_vocab_init(struct tiny_vocab *t, const struct tiny_piece *pieces, void (*more)(struct gguf_writer *w))
{
	static const char *const first[] = { "<unk>", "<s>", "</s>" };
	static const int32_t first_kind[] = { TOKEN_UNKNOWN, TOKEN_CONTROL, TOKEN_CONTROL };
	static char byte_piece[256][8];
	const char **token;
	struct err e;
	float *score;
	int32_t *kind;
	size_t n = 0;

	while (pieces[n].text)
		n++;
	token = xcalloc(n + TINY_FIRST, sizeof *token);
	score = xcalloc(n + TINY_FIRST, sizeof *score);
	kind = xcalloc(n + TINY_FIRST, sizeof *kind);
	for (size_t i = 0; i < 3; i++) {
		token[i] = first[i];
		kind[i] = first_kind[i];
	}
	for (size_t i = 0; i < 256; i++) {
		snprintf(byte_piece[i], sizeof byte_piece[i], "<0x%02X>", (unsigned)i);
		token[3 + i] = byte_piece[i];
		kind[3 + i] = TOKEN_BYTE;
	}
	for (size_t i = 0; i < n; i++) {
		token[TINY_FIRST + i] = pieces[i].text;
		score[TINY_FIRST + i] = pieces[i].score;
		kind[TINY_FIRST + i] = pieces[i].kind ? pieces[i].kind : TOKEN_NORMAL;
	}
	n += TINY_FIRST;
	strbuf_init(&t->bytes);
	more_keys = more;
	tiny_vocab_write(&t->bytes, token, n, score, n, kind, n, add_keys);
	free(token);
	free(score);
	free(kind);
	t->file = gguf_parse((const uint8_t *)t->bytes.s, t->bytes.len, &e);
	t->vocab = t->file ? vocab_new(t->file, &e) : NULL;
	if (!t->vocab) {
		fprintf(stderr, "tiny vocabulary: %s\n", e.text);
		abort();
	}
}

void
tiny_vocab_release(struct tiny_vocab *t)
{
	vocab_free(t->vocab);
	gguf_free(t->file);
	strbuf_release(&t->bytes);
}
