/*
 * GGUF files made by hand, piece by piece, so that they can be wrong in any way. Right ones:
 * engine/gguf_write.h.
 */
#ifndef TESTS_RAW_GGUF_H
#define TESTS_RAW_GGUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "engine/gguf.h"

enum raw_type {
	RAW_U8, RAW_I8, RAW_U16, RAW_I16, RAW_U32, RAW_I32, RAW_F32, RAW_BOOL, RAW_STRING,
	RAW_ARRAY, RAW_U64, RAW_I64, RAW_F64,
};

void raw_le(struct strbuf *b, uint64_t v, int bytes);
void raw_str(struct strbuf *b, const char *s);
void raw_header(struct strbuf *b, uint32_t version, uint64_t n_tensors, uint64_t n_keys);

/* A key and its type; the value is to follow. */
void raw_key(struct strbuf *b, const char *name, uint32_t type);

/* A tensor's row of the table; dimensions beyond the second are 1. */
void raw_info(struct strbuf *b, const char *name, uint32_t n_dims, uint64_t ne0, uint64_t ne1,
	uint32_t type, uint64_t offset);

/* Padding to 32 bytes, then n bytes. */
void raw_data(struct strbuf *b, size_t n);

/* A whole file with one tensor "w" and no key. */
void raw_one_tensor(struct strbuf *b, uint32_t n_dims, uint64_t ne0, uint64_t ne1, uint32_t type,
	uint64_t offset, size_t bytes);

/* Parses a copy of exactly this size, so that a sanitizer sees a read past the end. *copy is to
 * be freed. */
struct gguf *raw_parse(const struct strbuf *b, uint8_t **copy, struct err *e);

/* Fails the test called `name` unless the file is refused with ERR_MODEL and a text that holds
 * `message`. */
void raw_expect_refused(const char *name, const struct strbuf *b, const char *message);

/* A new directory in $TMPDIR or /tmp, and a file in it; the names are to be freed. */
char *raw_temp_dir(void);
char *raw_write_temp(const char *dir, const char *name, const struct strbuf *b);

#endif
