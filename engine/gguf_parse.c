/*
 * The parser. Everything is read through a cursor that knows its end; a count from the file is
 * compared with the bytes that are left, at the least each of its items can take, before memory is
 * asked for.
 */
#include "config.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "engine/gguf_internal.h"
#include "engine/refuse.h"

enum {
	HEADER_BYTES = 24,
	MIN_ENTRY_BYTES = 13,		/* length, no text, type, one byte of value */
	MIN_TENSOR_BYTES = 33,		/* length, a letter, n_dims, a dimension, type, offset */
	MIN_ALIGNMENT = 8,
	MAX_ALIGNMENT = 1 << 20,
	MAX_DIMENSION_BITS = 40,
};

struct cursor {
	const uint8_t *p;
	size_t left;
};

static const struct {
	const char *title;
	uint8_t size;		/* 0: not fixed */
} types[GGUF_TYPE_MAX] = {
	[GGUF_U8] = { "an integer", 1 },
	[GGUF_I8] = { "an integer", 1 },
	[GGUF_U16] = { "an integer", 2 },
	[GGUF_I16] = { "an integer", 2 },
	[GGUF_U32] = { "an integer", 4 },
	[GGUF_I32] = { "an integer", 4 },
	[GGUF_F32] = { "a real number", 4 },
	[GGUF_BOOL] = { "a truth value", 1 },
	[GGUF_STRING] = { "a string", 0 },
	[GGUF_ARRAY] = { "an array", 0 },
	[GGUF_U64] = { "an integer", 8 },
	[GGUF_I64] = { "an integer", 8 },
	[GGUF_F64] = { "a real number", 8 },
};

const char *
gguf_type_title(uint32_t type)
{
	assert(type < GGUF_TYPE_MAX);
	return types[type].title;
}

uint16_t
gguf_load_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t
gguf_load_u32(const uint8_t *p)
{
	return gguf_load_u16(p) | (uint32_t)gguf_load_u16(p + 2) << 16;
}

uint64_t
gguf_load_u64(const uint8_t *p)
{
	return gguf_load_u32(p) | (uint64_t)gguf_load_u32(p + 4) << 32;
}

static int
cut_short(struct err *e)
{
	return refuse(e,
		"the file is cut short or damaged: it ends inside its header; download it again");
}

static int
no_memory(struct err *e)
{
	return refuse(e, "there is not enough memory to read the file's header");
}

/* The next n bytes, or NULL when there are fewer. */
static const uint8_t *
take(struct cursor *c, uint64_t n)
{
	const uint8_t *p = c->p;

	if (n > c->left)
		return NULL;
	c->p += n;
	c->left -= n;
	return p;
}

static int
take_u32(struct cursor *c, uint32_t *v, struct err *e)
{
	const uint8_t *p = take(c, 4);

	if (!p)
		return cut_short(e);
	*v = gguf_load_u32(p);
	return 0;
}

static int
take_u64(struct cursor *c, uint64_t *v, struct err *e)
{
	const uint8_t *p = take(c, 8);

	if (!p)
		return cut_short(e);
	*v = gguf_load_u64(p);
	return 0;
}

static int
take_string(struct cursor *c, struct gguf_string *s, struct err *e)
{
	const uint8_t *p;
	uint64_t len;

	if (take_u64(c, &len, e) < 0)
		return -1;
	p = take(c, len);
	if (!p)
		return cut_short(e);
	*s = (struct gguf_string){ (const char *)p, len };
	return 0;
}

/* A key or a tensor's name: not empty, not too long, without NUL. `what` is for the message. */
static int
take_name(struct cursor *c, struct gguf_string *s, size_t max, const char *what, struct err *e)
{
	if (take_string(c, s, e) < 0)
		return -1;
	if (s->len < 1 || s->len > max)
		return damaged(e, "%s has a name of %zu bytes (1 to %zu are allowed)",
			what, s->len, max);
	if (memchr(s->s, 0, s->len))
		return damaged(e, "%s has a NUL in its name", what);
	return 0;
}

/* ---- keys and values ------------------------------------------------------------------------- */

static int
read_string_array(struct cursor *c, struct gguf_entry *x, struct err *e)
{
	struct gguf_string s;
	char show[GGUF_SHOW];

	if (x->array.n > c->left / 8)
		return cut_short(e);
	if (x->array.n > GGUF_MAX_STRINGS)
		return damaged(e, "the array \"%s\" holds %" PRIu64 " strings (at most %d are allowed)",
			gguf_string_show(x->key, show, sizeof show), x->array.n, GGUF_MAX_STRINGS);
	x->offsets = malloc((x->array.n + 1) * sizeof *x->offsets);
	if (!x->offsets)
		return no_memory(e);
	x->array.offset = x->offsets;
	for (uint64_t i = 0; i < x->array.n; i++) {
		x->offsets[i] = (uint64_t)(c->p - x->array.data);
		if (take_string(c, &s, e) < 0)
			return -1;
	}
	x->offsets[x->array.n] = (uint64_t)(c->p - x->array.data);
	return 0;
}

static int
read_array(struct cursor *c, struct gguf_entry *x, struct err *e)
{
	char show[GGUF_SHOW];

	if (take_u32(c, &x->array.type, e) < 0 || take_u64(c, &x->array.n, e) < 0)
		return -1;
	x->array.data = c->p;
	if (x->array.type >= GGUF_TYPE_MAX || x->array.type == GGUF_ARRAY)
		return damaged(e, "the array \"%s\" holds values of %s (type %" PRIu32 ")",
			gguf_string_show(x->key, show, sizeof show),
			x->array.type == GGUF_ARRAY ? "the type array" : "an unknown type",
			x->array.type);
	if (x->array.type == GGUF_STRING)
		return read_string_array(c, x, e);
	if (x->array.n > c->left / types[x->array.type].size ||
		!take(c, x->array.n * types[x->array.type].size))
		return cut_short(e);
	return 0;
}

static int
read_entry(struct cursor *c, struct gguf_entry *x, struct err *e)
{
	char show[GGUF_SHOW];
	uint32_t type;

	if (take_name(c, &x->key, GGUF_MAX_KEY, "a key", e) < 0 || take_u32(c, &type, e) < 0)
		return -1;
	if (type >= GGUF_TYPE_MAX)
		return damaged(e, "the key \"%s\" has the unknown type %" PRIu32,
			gguf_string_show(x->key, show, sizeof show), type);
	x->type = type;
	x->value = c->p;
	if (type == GGUF_ARRAY)
		return read_array(c, x, e);
	if (type == GGUF_STRING)
		return take_string(c, &x->string, e);
	return take(c, types[type].size) ? 0 : cut_short(e);
}

static int
read_entries(struct gguf *g, struct cursor *c, uint64_t n, struct err *e)
{
	g->entry = calloc(n ? n : 1, sizeof *g->entry);
	if (!g->entry)
		return no_memory(e);
	/* Counted first, so that gguf_free finds what a failed read_entry has allocated. */
	while (g->n_entries < n)
		if (read_entry(c, &g->entry[g->n_entries++], e) < 0)
			return -1;
	return gguf_index_entries(g, e);
}

/* ---- tensors --------------------------------------------------------------------------------- */

static int
unsupported_type(const struct gguf *g, const struct gguf_tensor *t, uint32_t type, struct err *e)
{
	const char *name = quant_type_name(type);
	char arch[GGUF_SHOW] = "", number[32];
	struct gguf_string s;

	if (gguf_get_string(g, "general.architecture", &s, NULL) == 1)
		gguf_string_show(s, arch, 32);
	snprintf(number, sizeof number, "number %" PRIu32, type);
	return refuse(e,
		"tensor \"%s\" of this %s%smodel has the type %s, which hum does not compute with; "
		"look for a Q4_K_M or Q8_0 file",
		t->name, arch, *arch ? " " : "", name ? name : number);
}

/* Bytes of the tensor, by rows, with every product checked. */
static int
size_tensor(const struct gguf *g, struct gguf_tensor *t, uint32_t type, struct err *e)
{
	const struct quant_format *f = quant_format(type);
	uint64_t rows = 1, elements;

	if (!f)
		return unsupported_type(g, t, type, e);
	t->type = type;
	if (t->ne[0] % f->block)
		return damaged(e,
			"tensor \"%s\" has rows of %" PRIu64
			" elements, but %s needs a multiple of %u",
			t->name, t->ne[0], f->name, (unsigned)f->block);
	for (int i = 1; i < 4; i++)
		if (!checked_mul(rows, t->ne[i], &rows))
			goto huge;
	if (!checked_mul(rows, t->ne[0], &elements) || elements > INT64_MAX ||
		!checked_mul(rows, t->ne[0] / f->block * f->bytes, &t->size))
		goto huge;
	return 0;
huge:
	return damaged(e, "tensor \"%s\" has an impossible size", t->name);
}

static int
read_tensor(const struct gguf *g, struct cursor *c, struct gguf_tensor *t, uint64_t *offset,
	struct err *e)
{
	struct gguf_string name;
	uint32_t type;

	if (take_name(c, &name, sizeof t->name - 1, "a tensor", e) < 0 ||
		take_u32(c, &t->n_dims, e) < 0)
		return -1;
	/* The table of tensors is for messages too, so a name must be fit to print; no real one
	 * is not. */
	for (size_t i = 0; i < name.len; i++)
		if (name.s[i] < 0x21 || name.s[i] > 0x7e)
			return damaged(e, "a tensor's name holds the byte 0x%02x",
				(unsigned char)name.s[i]);
	memcpy(t->name, name.s, name.len);
	if (t->n_dims < 1 || t->n_dims > 4)
		return damaged(e, "tensor \"%s\" has %" PRIu32 " dimensions (1 to 4 are allowed)",
			t->name, t->n_dims);
	for (uint32_t i = 0; i < 4; i++) {
		t->ne[i] = 1;
		if (i < t->n_dims && take_u64(c, &t->ne[i], e) < 0)
			return -1;
		if (t->ne[i] < 1 || t->ne[i] > 1ULL << MAX_DIMENSION_BITS)
			return damaged(e, "tensor \"%s\" has a dimension of %" PRIu64,
				t->name, t->ne[i]);
	}
	if (take_u32(c, &type, e) < 0 || take_u64(c, offset, e) < 0)
		return -1;
	return size_tensor(g, t, type, e);
}

static int
read_alignment(const struct gguf *g, uint64_t *alignment, struct err *e)
{
	*alignment = GGUF_DEFAULT_ALIGNMENT;
	if (gguf_get_u64(g, "general.alignment", alignment, e) < 0)
		return -1;
	if (*alignment < MIN_ALIGNMENT || *alignment > MAX_ALIGNMENT ||
		(*alignment & (*alignment - 1)))
		return damaged(e, "general.alignment is %" PRIu64, *alignment);
	return 0;
}

static int
compare_data(const void *a, const void *b)
{
	const struct gguf_tensor *const *x = a, *const *y = b;

	return ((*x)->data > (*y)->data) - ((*x)->data < (*y)->data);
}

static int
check_overlap(const struct gguf *g, struct err *e)
{
	const struct gguf_tensor **t = calloc(g->n_tensors + 1, sizeof *t);
	int ret = 0;

	if (!t)
		return no_memory(e);
	for (size_t i = 0; i < g->n_tensors; i++)
		t[i] = &g->tensor[i];
	qsort(t, g->n_tensors, sizeof *t, compare_data);
	for (size_t i = 1; i < g->n_tensors && !ret; i++)
		if ((uint64_t)(t[i]->data - t[i - 1]->data) < t[i - 1]->size)
			ret = damaged(e, "tensors \"%s\" and \"%s\" overlap",
				t[i - 1]->name, t[i]->name);
	free(t);
	return ret;
}

/* Gives each tensor its bytes: `pos` is where the table ends, offset[] are relative to the data
 * after it. */
static int
place_tensors(
	struct gguf *g, const uint8_t *data, uint64_t pos, const uint64_t *offset, struct err *e)
{
	uint64_t alignment, start, at, end, need = 0;

	if (read_alignment(g, &alignment, e) < 0)
		return -1;
	if (!checked_round_up(pos, alignment, &start))
		return cut_short(e);
	for (size_t i = 0; i < g->n_tensors; i++) {
		if (offset[i] % alignment)
			return damaged(e, "tensor \"%s\" is not aligned to %" PRIu64 " bytes",
				g->tensor[i].name, alignment);
		if (!checked_add(start, offset[i], &at) ||
			!checked_add(at, g->tensor[i].size, &end))
			return damaged(e, "tensor \"%s\" lies at an impossible offset",
				g->tensor[i].name);
		need = end > need ? end : need;
	}
	if (need > g->size)
		return refuse(e,
			"the file is cut short: it needs %" PRIu64 " bytes and has %" PRIu64
			"; finish the download, or download it again",
			need, g->size);
	for (size_t i = 0; i < g->n_tensors; i++)
		g->tensor[i].data = data + start + offset[i];
	return check_overlap(g, e);
}

static int
read_tensors(struct gguf *g, struct cursor *c, const uint8_t *data, uint64_t n, struct err *e)
{
	uint64_t *offset = malloc(n ? n * sizeof *offset : 1);
	int ret = -1;

	g->tensor = calloc(n ? n : 1, sizeof *g->tensor);
	if (!offset || !g->tensor) {
		no_memory(e);
		goto out;
	}
	for (; g->n_tensors < n; g->n_tensors++)
		if (read_tensor(g, c, &g->tensor[g->n_tensors], &offset[g->n_tensors], e) < 0)
			goto out;
	if (gguf_index_tensors(g, e) < 0)
		goto out;
	ret = place_tensors(g, data, (uint64_t)(c->p - data), offset, e);
out:
	free(offset);
	return ret;
}

/* ---- the file -------------------------------------------------------------------------------- */

static int
check_version(uint32_t version, struct err *e)
{
	if (version && (version & 0xffff) == 0)
		return refuse(e, "this is a big-endian GGUF file: download the little-endian one");
	if (version == 1)
		return refuse(e, "this is a GGUF file of version 1, of August 2023: "
			"it must be converted again, or downloaded in version 2 or 3");
	if (version != 2 && version != 3)
		return refuse(e,
			"this is a GGUF file of version %" PRIu32
			", and hum reads versions 2 and 3",
			version);
	return 0;
}

static int
read_file(struct gguf *g, const uint8_t *data, size_t size, struct err *e)
{
	struct cursor c = { data, size };
	uint64_t n_tensors, n_entries;
	uint32_t version;

	if (size < 4 || memcmp(data, "GGUF", 4) != 0)
		return gguf_refuse_foreign(data, size, e);
	if (size < HEADER_BYTES)
		return cut_short(e);
	take(&c, 4);
	if (take_u32(&c, &version, e) < 0 || check_version(version, e) < 0 ||
		take_u64(&c, &n_tensors, e) < 0 || take_u64(&c, &n_entries, e) < 0)
		return -1;
	if (n_entries > GGUF_MAX_ENTRIES || n_tensors > GGUF_MAX_ENTRIES)
		return damaged(e,
			"it claims %" PRIu64 " keys and %" PRIu64
			" tensors (at most %d are allowed)",
			n_entries, n_tensors, GGUF_MAX_ENTRIES);
	if (n_entries > c.left / MIN_ENTRY_BYTES || n_tensors > c.left / MIN_TENSOR_BYTES)
		return cut_short(e);
	if (read_entries(g, &c, n_entries, e) < 0)
		return -1;
	return read_tensors(g, &c, data, n_tensors, e);
}

struct gguf *
gguf_parse_part(const uint8_t *data, size_t size, struct err *e)
{
	struct gguf *g = calloc(1, sizeof *g);

	if (!g) {
		no_memory(e);
		return NULL;
	}
	g->size = size;
	if (read_file(g, data, size, e) < 0) {
		gguf_free(g);
		return NULL;
	}
	return g;
}
