/*
 * Opening model files for the whole program, with what the engine cannot know: how much memory this machine has,
 * the bundled guide, and which faults of memory access mean that a model's file changed on disk.
 */
#ifndef APP_MODELS_OPEN_H
#define APP_MODELS_OPEN_H

#include <stdbool.h>
#include <stdint.h>

#include "app/mailbox.h"
#include "base/err.h"
#include "engine/llm.h"

/* path NULL: the bundled guide. As llm_open; at most 8 models are open at a time. Any thread. */
struct llm *model_open(const char *path, const struct llm_open_opts *o, struct err *e);
/* As llm_peek. */
struct llm *model_peek_file(const char *path, struct err *e);
void model_close(struct llm *m);	/* NULL is fine */

/* Whether a bus error at `address` comes from the mapping of an open model, or of one that is just being opened.
 * Async-signal-safe. */
bool model_owns_address(const void *address);

/* Context that a model gets when `wanted` (0: none in particular) is asked for. */
size_t model_context(const struct llm_info *info, size_t wanted);

/* Bytes for the file and the whole context. */
uint64_t model_memory_needed(const struct llm_info *info, size_t context, enum kv_type kv);

/* Of this machine (or of the control groups that the program runs in), bytes; 0: not known. */
uint64_t memory_total(void);
uint64_t memory_available(void);

/* ERR_MODEL when the model cannot fit into this machine's memory, however empty. */
int model_check_memory(const struct llm_info *info, size_t context, enum kv_type kv, struct err *e);

/* The context of a model, after a check of memory. */
struct llm_chat *model_chat_new(const struct llm *m, const struct llm_chat_opts *o, struct err *e);

/* "3.9 GB": powers of 1000. out[16]. */
void format_bytes(uint64_t bytes, char out[16]);

void backend_info_fill(struct backend_info *out, const char *name, const char *ref, const struct llm *m,
	const struct llm_chat *c, enum kv_type kv);

#endif
