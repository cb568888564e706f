/*
 * The engine's public face: open a model file, hold a conversation with it. This and engine/template.h
 * (roles, messages), engine/sampler.h (sampling parameters) are all that the program includes; `hum models`,
 * `tokenize` and the like also use llm_vocab.
 *
 * Threads: a `struct llm` is immutable after llm_open and may be shared. A `struct llm_chat` belongs to one
 * thread at a time (the inference thread); only llm_cancel may be called from another, or from a signal
 * handler. Calls block; the compute threads live inside and sleep between calls.
 *
 * Errors: NULL or -1 and `struct err`; the object stays usable unless said otherwise. The engine never
 * prints, exits, or asserts on what a file or a caller's text contains.
 */
#ifndef ENGINE_LLM_H
#define ENGINE_LLM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "engine/sampler.h"
#include "engine/template.h"
#include "engine/vocab.h"

struct llm;
struct llm_chat;

enum kv_type { KV_F32, KV_F16, KV_Q8_0 };

const char *kv_type_name(enum kv_type t);			/* "q8_0" */
int kv_type_parse(const char *name, enum kv_type *out);		/* -1: unknown */

struct llm_info {
	const char *name;		/* from the file, scrubbed; the file's base name when it has none */
	const char *arch, *type;	/* "llama", "Q4_K_M" */
	const char *template_name;	/* "llama-2" */
	const char *template_why;	/* how it was chosen */
	uint64_t file_size, n_params;
	size_t n_vocab, n_embd, n_layer, n_ctx_train;
	uint64_t kv_bytes_per_token[3];	/* by enum kv_type */
	/* What a token costs in matrices; 0 from llm_peek. Bytes are those of the layers and of the output. */
	uint64_t matrix_bytes, layer_macs, output_macs;
};

/* ---- opening ------------------------------------------------------------------------------------- */

struct llm_open_opts {
	const char *template_name;	/* NULL: detect */
	/* Called from llm_open twice, with 0 of `total` bytes when the headers of all parts are parsed, before tensors
	 * and vocabulary are looked at, and with `total` at the end; returning false cancels. May be NULL. */
	bool (*progress)(void *ctx, uint64_t done, uint64_t total);
	void *ctx;
};

/* Maps and checks the file; of the weights only norms, biases and rope factors are read. ERR_MODEL: missing or refused;
 * ERR_CONFIG: there is no template of that name; ERR_INTERRUPTED. */
struct llm *llm_open(const char *path, const struct llm_open_opts *o, struct err *e);

/* The same for a file that lies in memory (the bundled model); `data` is borrowed. */
struct llm *llm_open_memory(const void *data, size_t size, const char *name, const struct llm_open_opts *o,
	struct err *e);

/* What `hum models` and the picker show, without loading. ERR_MODEL as from llm_open; info's strings live as long. */
struct llm *llm_peek(const char *path, struct err *e);		/* an llm that only llm_get_info and llm_close accept */

void llm_close(struct llm *m);		/* after its chats; NULL is fine */
const struct llm_info *llm_get_info(const struct llm *m);
const struct vocab *llm_vocab(const struct llm *m);
const struct template *llm_template(const struct llm *m);
bool llm_owns_address(const struct llm *m, const void *address);	/* for SIGBUS: the model's file changed */

/* ---- a conversation ------------------------------------------------------------------------------ */

struct llm_chat_opts {
	size_t context;			/* tokens; 0: what the model was trained with, at most 4096 unless asked for */
	enum kv_type kv;
	unsigned threads;		/* 0: one a physical core (performance cores on hybrid processors) */
	unsigned prompt_threads;	/* while a prompt is read; 0: as `threads` */
	const char *isa;		/* NULL: best */
};

/* ERR_MODEL when the memory cannot be had (says how much the context needs); ERR_USAGE: a context beyond all bounds, or
 * an instruction set that is not there. */
struct llm_chat *llm_chat_new(const struct llm *m, const struct llm_chat_opts *o, struct err *e);
void llm_chat_free(struct llm_chat *c);
size_t llm_chat_context(const struct llm_chat *c);

enum llm_finish {
	LLM_STOP,		/* the model ended its answer */
	LLM_LENGTH,		/* max_tokens, or the context is full */
	LLM_CANCELLED,
};

struct llm_stats {
	size_t prompt_tokens;	/* whole prompt */
	size_t cached_tokens;	/* of these, found in the KV cache */
	size_t system_tokens;	/* BOS and the system block, what stays when older turns leave */
	size_t answer_tokens;	/* without the end token */
	size_t evicted_messages;	/* oldest messages (after the system one) that the model does not see */
	size_t n_defused;	/* template delimiters broken up in the messages */
	double prefill_seconds, first_token_seconds, total_seconds;	/* from the call */
	double tokens_per_second;	/* of the answer, after the first token */
};

struct llm_reply_opts {
	struct sampling sampling;
	uint64_t seed;
	size_t max_tokens;	/* 0: until the context is full */
	bool unfinished;	/* the last message is the assistant's: go on with it */
	/* From the calling thread. `done` of `total` prompt tokens are processed, at least every 200 ms. */
	void (*on_prefill)(void *ctx, size_t done, size_t total);
	/* Whole UTF-8 text, not scrubbed; called after each token that completes some. */
	void (*on_text)(void *ctx, const char *text, size_t len, const struct llm_stats *so_far);
	void *ctx;
};

/*
 * Writes the next assistant message. The messages are the whole conversation; what of its prompt is already in the
 * KV cache is not processed again (longest common token prefix). When it does not fit, the oldest pairs after the
 * system message leave, down to about 60 % of the context in one step, and stay away in later calls as long as
 * the conversation only grows; stats->evicted_messages says so.
 *
 * An answer that this chat wrote, given back as exactly the text that on_text got, stands in the prompt as the very
 * tokens it was written in (chat_message.ids), so that none of it is processed again. Not so what a stop string ended
 * or a delimiter of the format is in. Of all answers as many tokens are remembered as the context has. Texts of other
 * origin, edited ones too, are encoded.
 *
 * ERR_FIT: even the system message and the last turn do not fit, the text says by how many tokens. ERR_USAGE: see
 * template_encode, or the prompt is empty; ERR_MODEL: see template_encode, or no logit is a finite number, which may be
 * after some text. Cancelled is no error: *finish says it, what was said stands.
 */
int llm_reply(struct llm_chat *c, const struct chat_message *msgs, size_t n, const struct llm_reply_opts *o,
	enum llm_finish *finish, struct llm_stats *stats, struct err *e);

/* Any thread, async-signal-safe: the running call of llm_reply, llm_count or a tool below ends within 100 ms.
 * Stays in force until llm_uncancel, so that a cancel which comes just before the call is not lost. */
void llm_cancel(struct llm_chat *c);
void llm_uncancel(struct llm_chat *c);

/* Counts the prompt of a conversation without processing it: stats->prompt_tokens, cached, system, evicted, as
 * llm_reply with this max_tokens would have them. ERR_FIT, ERR_USAGE: see llm_reply; ERR_INTERRUPTED. */
int llm_count(struct llm_chat *c, const struct chat_message *msgs, size_t n, size_t max_tokens,
	struct llm_stats *stats, struct err *e);

/* ---- tools --------------------------------------------------------------------------------------- */

/* Logits of each of the n ids, out[n][n_vocab]. ERR_FIT, ERR_USAGE (id out of range), ERR_INTERRUPTED. */
int llm_logits(struct llm_chat *c, const int32_t *ids, size_t n, float *out, struct err *e);

/* The same without memory for all of them: on_logits gets those of positions first .. first + k - 1, [k][n_vocab], in
 * order; false from it ends the work (ERR_INTERRUPTED). */
int llm_logits_each(struct llm_chat *c, const int32_t *ids, size_t n,
	bool (*on_logits)(void *ctx, size_t first, size_t k, const float *logits), void *ctx, struct err *e);

/*
 * One timed run for `hum bench`: after `depth` tokens are in the cache, processes n_prompt random tokens in one go or
 * n_gen tokens one by one. Returns seconds, or -1 and e.
 */
double llm_bench(struct llm_chat *c, size_t depth, size_t n_prompt, size_t n_gen, struct err *e);

/* Read bandwidth in bytes/s (from a buffer larger than the caches), and int8 multiply-adds/s; over the larger
 * of the two numbers of threads. */
double llm_measure_bandwidth(struct llm_chat *c);
double llm_measure_int8(struct llm_chat *c);

unsigned llm_chat_threads(const struct llm_chat *c);
unsigned llm_chat_prompt_threads(const struct llm_chat *c);
const char *llm_chat_isa(const struct llm_chat *c);

#endif
