/* Look-ups in a parsed file. */
#include "config.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/strbuf.h"
#include "base/utf8.h"
#include "engine/gguf_internal.h"
#include "engine/refuse.h"

const char *
gguf_string_show(struct gguf_string s, char *buf, size_t size)
{
	static const char ellipsis[] = "\xe2\x80\xa6";
	/* A byte becomes at least one byte, but for a CR before an LF, which goes: more than size bytes need
	 * not be scrubbed, even if of these there is then less to show than there is room for. */
	size_t n = s.len < size ? s.len : size;
	struct strbuf b = STRBUF_INIT;

	assert(size > sizeof ellipsis);
	utf8_scrub(&b, s.s, n);
	for (size_t i = 0; i < b.len; i++)
		if (b.s[i] == '\n' || b.s[i] == '\t')
			b.s[i] = ' ';
	if (n < s.len || b.len >= size) {
		size_t cut = b.len < size - sizeof ellipsis ? b.len : size - sizeof ellipsis;

		cut -= utf8_incomplete_tail(b.s, cut);
		strbuf_truncate(&b, cut);
		strbuf_adds(&b, ellipsis);
	}
	memcpy(buf, b.s, b.len + 1);
	strbuf_release(&b);
	return buf;
}

/* ---- names ----------------------------------------------------------------------------------- */

static int
compare_strings(struct gguf_string a, struct gguf_string b)
{
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return memcmp(a.s, b.s, a.len);
}

static int
compare_names(const void *a, const void *b)
{
	const struct gguf_name *x = a, *y = b;

	return compare_strings(x->s, y->s);
}

static int
names_sort(struct gguf_names *names, const char *what, struct err *e)
{
	char show[GGUF_SHOW];

	qsort(names->name, names->n, sizeof *names->name, compare_names);
	for (size_t i = 1; i < names->n; i++)
		if (compare_strings(names->name[i - 1].s, names->name[i].s) == 0)
			return damaged(e, "it has the %s \"%s\" twice", what,
				gguf_string_show(names->name[i].s, show, sizeof show));
	return 0;
}

static int
names_alloc(struct gguf_names *names, size_t n, struct err *e)
{
	free(names->name);
	names->n = n;
	names->name = calloc(n ? n : 1, sizeof *names->name);
	return names->name ? 0 : refuse(e, "there is not enough memory to read the file's header");
}

int
gguf_index_entries(struct gguf *g, struct err *e)
{
	if (names_alloc(&g->entry_names, g->n_entries, e) < 0)
		return -1;
	for (size_t i = 0; i < g->n_entries; i++)
		g->entry_names.name[i] = (struct gguf_name){ g->entry[i].key, i };
	return names_sort(&g->entry_names, "key", e);
}

int
gguf_index_tensors(struct gguf *g, struct err *e)
{
	if (names_alloc(&g->tensor_names, g->n_tensors, e) < 0)
		return -1;
	for (size_t i = 0; i < g->n_tensors; i++)
		g->tensor_names.name[i] = (struct gguf_name){
			{ g->tensor[i].name, strlen(g->tensor[i].name) }, i };
	return names_sort(&g->tensor_names, "tensor", e);
}

static const struct gguf_name *
names_find(const struct gguf_names *names, const char *s)
{
	struct gguf_name key = { { s, strlen(s) }, 0 };

	return names->n ? bsearch(&key, names->name, names->n, sizeof key, compare_names) : NULL;
}

/* ---- the file -------------------------------------------------------------------------------- */

void
gguf_free(struct gguf *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n_entries; i++)
		free(g->entry[i].offsets);
	free(g->entry);
	free(g->entry_names.name);
	free(g->tensor);
	free(g->tensor_names.name);
	for (size_t i = 0; i < g->n_parts; i++)
		munmap(g->part[i].map, g->part[i].size);
	free(g->part);
	free(g);
}

bool
gguf_owns_address(const struct gguf *g, const void *address)
{
	for (size_t i = 0; i < g->n_parts; i++)
		if ((uintptr_t)address - (uintptr_t)g->part[i].map < g->part[i].size)
			return true;
	return false;
}

uint64_t
gguf_file_size(const struct gguf *g)
{
	return g->size;
}

size_t
gguf_n_tensors(const struct gguf *g)
{
	return g->n_tensors;
}

const struct gguf_tensor *
gguf_tensor(const struct gguf *g, size_t i)
{
	assert(i < g->n_tensors);
	return &g->tensor[i];
}

const struct gguf_tensor *
gguf_find(const struct gguf *g, const char *name)
{
	const struct gguf_name *f = names_find(&g->tensor_names, name);

	return f ? &g->tensor[f->i] : NULL;
}

/* ---- values ---------------------------------------------------------------------------------- */

static const struct gguf_entry *
find_entry(const struct gguf *g, const char *key)
{
	const struct gguf_name *f = names_find(&g->entry_names, key);

	return f ? &g->entry[f->i] : NULL;
}

static int
wrong_type(const struct gguf_entry *x, const char *key, const char *wanted, struct err *e)
{
	return damaged(e, "the key \"%s\" is %s and should be %s", key,
		gguf_type_title(x->type), wanted);
}

int
gguf_get_u64(const struct gguf *g, const char *key, uint64_t *out, struct err *e)
{
	const struct gguf_entry *x = find_entry(g, key);
	int64_t i = 0;
	uint64_t u = 0;

	if (!x)
		return 0;
	switch (x->type) {
	case GGUF_U8: u = x->value[0]; break;
	case GGUF_U16: u = gguf_load_u16(x->value); break;
	case GGUF_U32: u = gguf_load_u32(x->value); break;
	case GGUF_U64: u = gguf_load_u64(x->value); break;
	case GGUF_I8: i = (int8_t)x->value[0]; break;
	case GGUF_I16: i = (int16_t)gguf_load_u16(x->value); break;
	case GGUF_I32: i = (int32_t)gguf_load_u32(x->value); break;
	case GGUF_I64: i = (int64_t)gguf_load_u64(x->value); break;
	default: return wrong_type(x, key, "an integer", e);
	}
	if (i < 0)
		return damaged(e, "the key \"%s\" is negative (%" PRId64 ")", key, i);
	*out = u + (uint64_t)i;
	return 1;
}

static float
load_f32(const uint8_t *p)
{
	uint32_t u = gguf_load_u32(p);
	float f;

	memcpy(&f, &u, sizeof f);
	return f;
}

int
gguf_get_f64(const struct gguf *g, const char *key, double *out, struct err *e)
{
	const struct gguf_entry *x = find_entry(g, key);
	uint64_t u;

	if (!x)
		return 0;
	if (x->type == GGUF_F32) {
		*out = (double)load_f32(x->value);
	} else if (x->type == GGUF_F64) {
		u = gguf_load_u64(x->value);
		memcpy(out, &u, sizeof *out);
	} else {
		return wrong_type(x, key, "a real number", e);
	}
	return 1;
}

int
gguf_get_bool(const struct gguf *g, const char *key, bool *out, struct err *e)
{
	const struct gguf_entry *x = find_entry(g, key);

	if (!x)
		return 0;
	if (x->type != GGUF_BOOL)
		return wrong_type(x, key, "a truth value", e);
	*out = x->value[0] != 0;
	return 1;
}

int
gguf_get_string(const struct gguf *g, const char *key, struct gguf_string *out, struct err *e)
{
	const struct gguf_entry *x = find_entry(g, key);

	if (!x)
		return 0;
	if (x->type != GGUF_STRING)
		return wrong_type(x, key, "a string", e);
	*out = x->string;
	return 1;
}

int
gguf_get_array(const struct gguf *g, const char *key, struct gguf_array *out, struct err *e)
{
	const struct gguf_entry *x = find_entry(g, key);

	if (!x)
		return 0;
	if (x->type != GGUF_ARRAY)
		return wrong_type(x, key, "an array", e);
	*out = x->array;
	return 1;
}

bool
gguf_array_is_string(const struct gguf_array *a)
{
	return a->type == GGUF_STRING;
}

bool
gguf_array_is_f32(const struct gguf_array *a)
{
	return a->type == GGUF_F32;
}

bool
gguf_array_is_i32(const struct gguf_array *a)
{
	return a->type == GGUF_I32 || a->type == GGUF_U32;
}

struct gguf_string
gguf_array_string(const struct gguf_array *a, uint64_t i)
{
	assert(a->type == GGUF_STRING && i < a->n);
	return (struct gguf_string){
		(const char *)a->data + a->offset[i] + 8,
		a->offset[i + 1] - a->offset[i] - 8,
	};
}

float
gguf_array_f32(const struct gguf_array *a, uint64_t i)
{
	assert(a->type == GGUF_F32 && i < a->n);
	return load_f32(a->data + 4 * i);
}

int32_t
gguf_array_i32(const struct gguf_array *a, uint64_t i)
{
	assert(gguf_array_is_i32(a) && i < a->n);
	return (int32_t)gguf_load_u32(a->data + 4 * i);
}
