/*
 * The GGUF container, versions 2 and 3: keys, and a table of tensors. Knows nothing of models.
 * Source of the format: ggml/docs/gguf.md.
 *
 * The file is untrusted: gguf_parse checks every count, length and offset against the bytes that
 * are there before it is used (docs: HACKING.md, "Reading model files"), and after it has succeeded
 * every tensor's bytes lie inside the data. Never asserts, prints or exits on content.
 *
 * A parsed file is immutable; any thread may read it.
 */
#ifndef ENGINE_GGUF_H
#define ENGINE_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/quant.h"

struct gguf;

struct gguf_string {
	const char *s;		/* into the file's bytes; not NUL terminated; any bytes */
	size_t len;
};

/*
 * The string made fit for a message or a title, NUL terminated in buf[size]: control characters and
 * invalid bytes replaced (utf8_scrub), on one line, cut at a character with an ellipsis when too
 * long.
 */
const char *gguf_string_show(struct gguf_string s, char *buf, size_t size);

struct gguf_tensor {
	char name[64];
	uint32_t n_dims;
	uint64_t ne[4];		/* ne[0]: row length, contiguous; 1 beyond n_dims */
	enum quant_type type;
	const uint8_t *data;	/* into the mapping */
	uint64_t size;		/* bytes */
};

/*
 * Parses `size` bytes at `data`, which must stay valid and unchanged as long as the result lives
 * (it is not owned). NULL and ERR_MODEL when refused; the message names what the file is if it is
 * known (safetensors, PyTorch, old ggml, big-endian GGUF, part of a split file ...) and what to do.
 * A tensor of a type that hum cannot compute with is refused here, by name.
 */
struct gguf *gguf_parse(const uint8_t *data, size_t size, struct err *e);

/*
 * Opens and maps a file, with its further parts if it is the first of a split set
 * ("x-00001-of-00003.gguf"): then all tensors are in one table. A file cut short while mapped ends
 * in SIGBUS, which the app turns into a message (gguf_owns_address tells whether a fault lies in a
 * mapping of this file).
 */
struct gguf *gguf_open(const char *path, struct err *e);
void gguf_free(struct gguf *g);		/* NULL is fine; unmaps what gguf_open mapped */
bool gguf_owns_address(const struct gguf *g, const void *address);
uint64_t gguf_file_size(const struct gguf *g);	/* of all parts */

size_t gguf_n_tensors(const struct gguf *g);
const struct gguf_tensor *gguf_tensor(const struct gguf *g, size_t i);
const struct gguf_tensor *gguf_find(const struct gguf *g, const char *name);	/* NULL: absent */

/*
 * Typed look-ups. 1: found, *out set; 0: no such key, *out untouched; -1: present with another type
 * or out of range, e set. Integers of all widths and signs are accepted for u64, f32 and f64 for
 * f64.
 */
int gguf_get_u64(const struct gguf *g, const char *key, uint64_t *out, struct err *e);
int gguf_get_f64(const struct gguf *g, const char *key, double *out, struct err *e);
int gguf_get_bool(const struct gguf *g, const char *key, bool *out, struct err *e);
int gguf_get_string(const struct gguf *g, const char *key, struct gguf_string *out, struct err *e);

/* Arrays: the element type must fit the call; elements are read by index (bounds are the
 * caller's). */
struct gguf_array {
	uint32_t type;		/* GGUF value type of the elements */
	uint64_t n;
	const uint8_t *data;	/* first element; unaligned */
	const uint64_t *offset;	/* strings only: [n + 1] from `data` to each, and end */
};

int gguf_get_array(const struct gguf *g, const char *key, struct gguf_array *out, struct err *e);
bool gguf_array_is_string(const struct gguf_array *a);
bool gguf_array_is_f32(const struct gguf_array *a);
bool gguf_array_is_i32(const struct gguf_array *a);		/* u32 also passes */
struct gguf_string gguf_array_string(const struct gguf_array *a, uint64_t i);
float gguf_array_f32(const struct gguf_array *a, uint64_t i);
int32_t gguf_array_i32(const struct gguf_array *a, uint64_t i);

#endif
