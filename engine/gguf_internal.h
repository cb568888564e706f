/* What the parser (gguf_parse.c), the look-ups (gguf.c) and the opener (gguf_open.c) share. */
#ifndef ENGINE_GGUF_INTERNAL_H
#define ENGINE_GGUF_INTERNAL_H

#include "engine/gguf.h"

/* Value types as stored. */
enum gguf_type {
	GGUF_U8, GGUF_I8, GGUF_U16, GGUF_I16, GGUF_U32, GGUF_I32, GGUF_F32, GGUF_BOOL, GGUF_STRING,
	GGUF_ARRAY, GGUF_U64, GGUF_I64, GGUF_F64,
	GGUF_TYPE_MAX,
};

enum {
	GGUF_MAX_ENTRIES = 65536,	/* keys, and tensors */
	GGUF_MAX_KEY = 256,
	GGUF_MAX_STRINGS = 1 << 24,	/* in an array: the largest vocabularies have 2^18 */
	GGUF_DEFAULT_ALIGNMENT = 32,
	GGUF_SHOW = 96,			/* buffer for a name in a message */
};

/* Lengths are kept from the check on, and not read again from a file that may change under its
 * mapping. */
struct gguf_entry {
	struct gguf_string key;
	enum gguf_type type;
	const uint8_t *value;		/* scalars */
	struct gguf_string string;	/* when type is GGUF_STRING */
	struct gguf_array array;	/* when type is GGUF_ARRAY */
	uint64_t *offsets;		/* owned; array.offset */
};

/* Names in order, so that a look-up and the search for duplicates take n log n whatever the
 * names are. */
struct gguf_name {
	struct gguf_string s;
	size_t i;			/* of the entry or tensor */
};

struct gguf_names {
	struct gguf_name *name;		/* owned, sorted */
	size_t n;
};

struct gguf_part {
	void *map;			/* owned mapping */
	size_t size;
};

struct gguf {
	struct gguf_entry *entry;	/* owned */
	size_t n_entries;
	struct gguf_names entry_names;
	struct gguf_tensor *tensor;	/* owned */
	size_t n_tensors;
	struct gguf_names tensor_names;
	struct gguf_part *part;		/* owned; none when gguf_parse was called from outside */
	size_t n_parts;
	uint64_t size;
};

uint16_t gguf_load_u16(const uint8_t *p);
uint32_t gguf_load_u32(const uint8_t *p);
uint64_t gguf_load_u64(const uint8_t *p);

/* "a string", "an array": for messages. */
const char *gguf_type_title(uint32_t type);

/* (Re)builds the ordered names; -1 when two are equal, or memory is gone. */
int gguf_index_entries(struct gguf *g, struct err *e);
int gguf_index_tensors(struct gguf *g, struct err *e);

/* One file, which may be a part of a split set: then only its own tensors are in the table. */
struct gguf *gguf_parse_part(const uint8_t *data, size_t size, struct err *e);

/* Sets the error for bytes that do not begin as a GGUF file does: says what they are. Returns
 * -1. */
int gguf_refuse_foreign(const uint8_t *data, size_t size, struct err *e);

#endif
