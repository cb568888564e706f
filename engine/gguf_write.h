/*
 * Writes GGUF version 3: keys and tensors are collected, then written at once, to memory or to a
 * file. What it writes, engine/gguf.h reads.
 */
#ifndef ENGINE_GGUF_WRITE_H
#define ENGINE_GGUF_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "engine/quant.h"

struct gguf_out_tensor {
	char *name;		/* owned */
	uint32_t n_dims;
	uint64_t ne[4];
	uint32_t type;
	const void *data;	/* borrowed until written */
	uint64_t size;
};

struct gguf_writer {
	struct strbuf keys;		/* as they stand in the file */
	uint64_t n_keys;
	struct gguf_out_tensor *tensor;	/* owned */
	size_t n_tensors, cap_tensors;
};

void gguf_writer_init(struct gguf_writer *w);
void gguf_writer_release(struct gguf_writer *w);

/* Keys must differ (as must tensor names); the alignment is the default one, 32, and no key may
 * change it. */
void gguf_put_u16(struct gguf_writer *w, const char *key, uint16_t v);
void gguf_put_u32(struct gguf_writer *w, const char *key, uint32_t v);
void gguf_put_i32(struct gguf_writer *w, const char *key, int32_t v);
void gguf_put_f32(struct gguf_writer *w, const char *key, float v);
void gguf_put_bool(struct gguf_writer *w, const char *key, bool v);
void gguf_put_string(struct gguf_writer *w, const char *key, const char *v);
void gguf_put_strings(struct gguf_writer *w, const char *key, const char *const *v, size_t n);
void gguf_put_f32s(struct gguf_writer *w, const char *key, const float *v, size_t n);
void gguf_put_i32s(struct gguf_writer *w, const char *key, const int32_t *v, size_t n);

/* `cols` is the row length, ne[0]; rows 0 makes a tensor of one dimension. `data` is already in
 * the type's blocks and is borrowed until the file has been written. */
void gguf_put_tensor(struct gguf_writer *w, const char *name, enum quant_type type, uint64_t cols,
	uint64_t rows, const void *data);

/* Appends the whole file. */
void gguf_write_memory(const struct gguf_writer *w, struct strbuf *out);

/* Writes "PATH.tmp" and renames it, so that PATH is never half a file. -1 with ERR_STORE. */
int gguf_write_file(const struct gguf_writer *w, const char *path, struct err *e);

#endif
