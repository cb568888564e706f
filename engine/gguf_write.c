#include "config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "engine/gguf_internal.h"
#include "engine/gguf_write.h"

void
gguf_writer_init(struct gguf_writer *w)
{
	*w = (struct gguf_writer){ .keys = STRBUF_INIT };
}

void
gguf_writer_release(struct gguf_writer *w)
{
	for (size_t i = 0; i < w->n_tensors; i++)
		free(w->tensor[i].name);
	free(w->tensor);
	strbuf_release(&w->keys);
	gguf_writer_init(w);
}

static void
add_le(struct strbuf *b, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		strbuf_addc(b, (char)(v >> 8 * i & 0xff));
}

static void
add_f32(struct strbuf *b, float v)
{
	uint32_t u;

	memcpy(&u, &v, sizeof u);
	add_le(b, u, 4);
}

static void
add_string(struct strbuf *b, const char *s)
{
	add_le(b, strlen(s), 8);
	strbuf_adds(b, s);
}

static struct strbuf *
add_key(struct gguf_writer *w, const char *key, enum gguf_type type)
{
	assert(*key && strcmp(key, "general.alignment") != 0);
	add_string(&w->keys, key);
	add_le(&w->keys, type, 4);
	w->n_keys++;
	return &w->keys;
}

static struct strbuf *
add_array(struct gguf_writer *w, const char *key, enum gguf_type type, size_t n)
{
	struct strbuf *b = add_key(w, key, GGUF_ARRAY);

	add_le(b, type, 4);
	add_le(b, n, 8);
	return b;
}

void
gguf_put_u16(struct gguf_writer *w, const char *key, uint16_t v)
{
	add_le(add_key(w, key, GGUF_U16), v, 2);
}

void
gguf_put_u32(struct gguf_writer *w, const char *key, uint32_t v)
{
	add_le(add_key(w, key, GGUF_U32), v, 4);
}

void
gguf_put_i32(struct gguf_writer *w, const char *key, int32_t v)
{
	add_le(add_key(w, key, GGUF_I32), (uint32_t)v, 4);
}

void
gguf_put_f32(struct gguf_writer *w, const char *key, float v)
{
	add_f32(add_key(w, key, GGUF_F32), v);
}

void
gguf_put_bool(struct gguf_writer *w, const char *key, bool v)
{
	add_le(add_key(w, key, GGUF_BOOL), v, 1);
}

void
gguf_put_string(struct gguf_writer *w, const char *key, const char *v)
{
	add_string(add_key(w, key, GGUF_STRING), v);
}

void
gguf_put_strings(struct gguf_writer *w, const char *key, const char *const *v, size_t n)
{
	struct strbuf *b = add_array(w, key, GGUF_STRING, n);

	for (size_t i = 0; i < n; i++)
		add_string(b, v[i]);
}

void
gguf_put_f32s(struct gguf_writer *w, const char *key, const float *v, size_t n)
{
	struct strbuf *b = add_array(w, key, GGUF_F32, n);

	for (size_t i = 0; i < n; i++)
		add_f32(b, v[i]);
}

void
gguf_put_i32s(struct gguf_writer *w, const char *key, const int32_t *v, size_t n)
{
	struct strbuf *b = add_array(w, key, GGUF_I32, n);

	for (size_t i = 0; i < n; i++)
		add_le(b, (uint32_t)v[i], 4);
}

void
gguf_put_tensor(struct gguf_writer *w, const char *name, enum quant_type type, uint64_t cols,
	uint64_t rows, const void *data)
{
	const struct quant_format *f = quant_format(type);

	assert(f && cols && cols % f->block == 0 && *name &&
		strlen(name) < sizeof((struct gguf_tensor *)0)->name);
	VEC_ROOM(w->tensor, w->n_tensors, w->cap_tensors);
	w->tensor[w->n_tensors++] = (struct gguf_out_tensor){
		.name = xstrdup(name),
		.n_dims = rows ? 2 : 1,
		.ne = { cols, rows ? rows : 1, 1, 1 },
		.type = type,
		.data = data,
		.size = cols / f->block * f->bytes * (rows ? rows : 1),
	};
}

/* Zero bytes that bring `at` to a multiple of the alignment. */
static size_t
padding(uint64_t at)
{
	return (size_t)(-at & (GGUF_DEFAULT_ALIGNMENT - 1));
}

static const char zeroes[GGUF_DEFAULT_ALIGNMENT];

/* All that stands before the tensors' data, padded. */
static void
add_header(const struct gguf_writer *w, struct strbuf *b)
{
	size_t begin = b->len;
	uint64_t offset = 0;

	strbuf_adds(b, "GGUF");
	add_le(b, 3, 4);
	add_le(b, w->n_tensors, 8);
	add_le(b, w->n_keys, 8);
	strbuf_add(b, w->keys.s, w->keys.len);
	for (size_t i = 0; i < w->n_tensors; i++) {
		const struct gguf_out_tensor *t = &w->tensor[i];

		add_string(b, t->name);
		add_le(b, t->n_dims, 4);
		for (uint32_t j = 0; j < t->n_dims; j++)
			add_le(b, t->ne[j], 8);
		add_le(b, t->type, 4);
		add_le(b, offset, 8);
		offset += t->size + padding(t->size);
	}
	strbuf_add(b, zeroes, padding(b->len - begin));
}

void
gguf_write_memory(const struct gguf_writer *w, struct strbuf *out)
{
	add_header(w, out);
	for (size_t i = 0; i < w->n_tensors; i++) {
		strbuf_add(out, w->tensor[i].data, w->tensor[i].size);
		strbuf_add(out, zeroes, padding(w->tensor[i].size));
	}
}

static bool
write_all(const struct gguf_writer *w, FILE *f)
{
	struct strbuf header = STRBUF_INIT;
	bool ok;

	add_header(w, &header);
	ok = fwrite(header.s, 1, header.len, f) == header.len;
	strbuf_release(&header);
	for (size_t i = 0; i < w->n_tensors && ok; i++) {
		size_t size = w->tensor[i].size, pad = padding(size);

		ok = fwrite(w->tensor[i].data, 1, size, f) == size &&
		     fwrite(zeroes, 1, pad, f) == pad;
	}
	return ok && fflush(f) == 0 && fsync(fileno(f)) == 0;
}

int
gguf_write_file(const struct gguf_writer *w, const char *path, struct err *e)
{
	char *tmp = xasprintf("%s.tmp", path);
	FILE *f = fopen(tmp, "wbe");
	bool ok;

	if (!f) {
		err_errno(e, ERR_STORE, "cannot write %s", tmp);
		free(tmp);
		return -1;
	}
	ok = write_all(w, f);
	ok = fclose(f) == 0 && ok;
	if (!ok || rename(tmp, path) < 0) {
		err_errno(e, ERR_STORE, "cannot write %s", path);
		unlink(tmp);
		ok = false;
	}
	free(tmp);
	return ok ? 0 : -1;
}
