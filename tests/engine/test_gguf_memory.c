/*
 * A model whose allocations fail, each in turn: sizes come from the file, so that must be an error
 * for the user and no end of the program. And one whose file changes between two allocations.
 * malloc, calloc and reallocarray are replaced by the linker (--wrap).
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "engine/llm.h"
#include "engine/vocab.h"
#include "tests/engine/raw_gguf.h"
#include "tests/engine/tiny_model.h"
#include "tests/engine/tiny_vocab.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);

enum { LARGE = 1000 };

static long countdown = -1;	/* allocations until the one that fails; negative: none does */
static size_t least;		/* bytes; smaller ones are not counted */
static void (*before_malloc)(void);	/* or NULL */

static int
fails_now(size_t bytes)
{
	return bytes >= least && countdown >= 0 && countdown-- == 0;
}

void *
__wrap_malloc(size_t n)
{
	if (before_malloc)
		before_malloc();
	return fails_now(n) ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails_now(n * size) ? NULL : __real_calloc(n, size);
}

void *
__wrap_reallocarray(void *p, size_t n, size_t size)
{
	/* Strings grow by it too, and that cannot fail. */
	return n * size >= LARGE && fails_now(n * size) ? NULL : __real_reallocarray(p, n, size);
}

/* Opens the model with allocation number `n` failing. True when there was none of that number. */
static int
open_with_failure(const struct strbuf *file, long n)
{
	struct err e = { ERR_NONE, "" };
	struct model *m = NULL;
	struct gguf *g;
	int reached;

	countdown = n;
	g = gguf_parse((const uint8_t *)file->s, file->len, &e);
	if (g)
		m = model_new(g, &e);
	reached = countdown < 0;
	countdown = -1;
	if (reached && (m || e.code != ERR_MODEL || !strstr(e.text, "not enough memory")))
		fail_msg("allocation %ld: %s", n, m ? "nobody noticed" : e.text);
	assert_true(reached || m);
	model_free(m);
	gguf_free(g);
	return !reached;
}

static void
model__new__reports_each_failed_allocation(void **state)
{
	struct tiny_model t = tiny_model_of(QUANT_Q4_0);
	struct strbuf file = STRBUF_INIT;
	long n = 0;

	tiny_model_memory(&t, &file);
	while (!open_with_failure(&file, n))
		n++;
	assert_true(n >= 12);	/* three arrays of the vocabulary, and the tables */
	strbuf_release(&file);
}

/* Only what is as large as the tables of the parts' tensors: the smaller ones are those that cannot fail. */
static void
gguf__open__reports_each_failed_allocation_of_a_split_set(void **state)
{
	char *dir = raw_temp_dir(), *path;
	struct tiny_model t = tiny_model_of(QUANT_Q4_0);
	struct gguf *g;
	long n = 0;

	path = tiny_model_split(&t, dir, 2);
	least = LARGE;
	for (;; n++) {
		struct err e = { ERR_NONE, "" };

		countdown = n;
		g = gguf_open(path, &e);
		if (countdown >= 0)
			break;
		countdown = -1;
		assert_null(g);
		assert_int_equal(e.code, ERR_MODEL);
		assert_non_null(strstr(e.text, "not enough memory"));
	}
	countdown = -1;
	least = 0;
	assert_non_null(g);
	gguf_free(g);
	assert_true(n >= 4);	/* two headers, and the table that holds the tensors of both */
	unlink(path);
	memcpy(strstr(path, "00001-of"), "00002", 5);
	unlink(path);
	rmdir(dir);
	free(path);
	free(dir);
}

/* The sampler's four tables, the ids and the logits: all are as large as the vocabulary or the context. */
static void
llm__chat_new__reports_each_failed_allocation(void **state)
{
	struct llm_chat_opts o = { .context = 8192, .kv = KV_Q8_0, .threads = 1 };
	struct tiny_model t = tiny_model_of(QUANT_Q4_0);
	struct strbuf file = STRBUF_INIT;
	struct llm_chat *c = NULL;
	struct llm *m;
	struct err e;
	long n = 0;

	t.n_vocab = 8192;
	tiny_model_memory(&t, &file);
	m = llm_open_memory(file.s, file.len, "tiny", NULL, &e);
	assert_non_null(m);
	least = 8192 * sizeof(float);
	for (;; n++) {
		countdown = n;
		c = llm_chat_new(m, &o, &e);
		if (countdown >= 0)
			break;
		countdown = -1;
		assert_null(c);
		assert_int_equal(e.code, ERR_MODEL);
		assert_non_null(strstr(e.text, "not enough memory"));
	}
	countdown = -1;
	least = 0;
	assert_int_equal(n, 6);
	llm_chat_free(c);
	llm_close(m);
	strbuf_release(&file);
}

/* ---- a file that changes -------------------------------------------------------------------- */

enum { N_PIECES = 5 };

static void
put_model(struct gguf_writer *w)
{
	gguf_put_string(w, "tokenizer.ggml.model", "llama");
}

static struct gguf_array kinds;

/* Another process writes to the file: every token is now a user-defined one. */
static void
make_user_defined(void)
{
	for (size_t i = 0; i < N_PIECES; i++)
		((uint8_t *)(uintptr_t)kinds.data)[4 * i] = TOKEN_USER_DEFINED;
}

/* Spaces of user-defined pieces take three bytes in place of one. */
static void
vocab__new__refuses_pieces_that_grow_meanwhile(void **state)
{
	static const char *const tokens[N_PIECES] = { "<unk>", "<s>", "          ", "a b c d e f", "   " };
	static const float scores[N_PIECES];
	static const int32_t normal[N_PIECES] = { TOKEN_UNKNOWN, TOKEN_CONTROL, 1, 1, 1 };
	struct strbuf bytes = STRBUF_INIT;
	struct err e = { ERR_NONE, "" };
	struct gguf *g;
	struct vocab *v;

	tiny_vocab_write(&bytes, tokens, N_PIECES, scores, N_PIECES, normal, N_PIECES, put_model);
	g = gguf_parse((const uint8_t *)bytes.s, bytes.len, &e);
	assert_non_null(g);
	assert_int_equal(gguf_get_array(g, "tokenizer.ggml.token_type", &kinds, &e), 1);
	before_malloc = make_user_defined;
	v = vocab_new(g, &e);
	before_malloc = NULL;
	assert_null(v);
	assert_int_equal(e.code, ERR_MODEL);
	assert_non_null(strstr(e.text, "changed"));
	gguf_free(g);
	strbuf_release(&bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(model__new__reports_each_failed_allocation),
		cmocka_unit_test(gguf__open__reports_each_failed_allocation_of_a_split_set),
		cmocka_unit_test(llm__chat_new__reports_each_failed_allocation),
		cmocka_unit_test(vocab__new__refuses_pieces_that_grow_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
