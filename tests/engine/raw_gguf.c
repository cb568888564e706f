#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/xalloc.h"
#include "tests/engine/raw_gguf.h"

void
raw_le(struct strbuf *b, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		strbuf_addc(b, (char)(v >> 8 * i & 255));
}

void
raw_str(struct strbuf *b, const char *s)
{
	raw_le(b, strlen(s), 8);
	strbuf_adds(b, s);
}

void
raw_header(struct strbuf *b, uint32_t version, uint64_t n_tensors, uint64_t n_keys)
{
	strbuf_adds(b, "GGUF");
	raw_le(b, version, 4);
	raw_le(b, n_tensors, 8);
	raw_le(b, n_keys, 8);
}

void
raw_key(struct strbuf *b, const char *name, uint32_t type)
{
	raw_str(b, name);
	raw_le(b, type, 4);
}

void
raw_info(struct strbuf *b, const char *name, uint32_t n_dims, uint64_t ne0, uint64_t ne1,
	uint32_t type, uint64_t offset)
{
	raw_str(b, name);
	raw_le(b, n_dims, 4);
	if (n_dims > 0)
		raw_le(b, ne0, 8);
	if (n_dims > 1)
		raw_le(b, ne1, 8);
	for (uint32_t i = 2; i < n_dims && i < 8; i++)
		raw_le(b, 1, 8);
	raw_le(b, type, 4);
	raw_le(b, offset, 8);
}

void
raw_data(struct strbuf *b, size_t n)
{
	while (b->len % 32)
		strbuf_addc(b, 0);
	while (n--)
		strbuf_addc(b, (char)(n * 37));
}

void
raw_one_tensor(struct strbuf *b, uint32_t n_dims, uint64_t ne0, uint64_t ne1, uint32_t type,
	uint64_t offset, size_t bytes)
{
	raw_header(b, 3, 1, 0);
	raw_info(b, "w", n_dims, ne0, ne1, type, offset);
	raw_data(b, bytes);
}

struct gguf *
raw_parse(const struct strbuf *b, uint8_t **copy, struct err *e)
{
	*copy = xmalloc(b->len);
	if (b->len)
		memcpy(*copy, b->s, b->len);
	return gguf_parse(*copy, b->len, e);
}

void
raw_expect_refused(const char *name, const struct strbuf *b, const char *message)
{
	struct err e = { ERR_NONE, "" };
	uint8_t *copy;
	struct gguf *g = raw_parse(b, &copy, &e);

	if (g || e.code != ERR_MODEL || !strstr(e.text, message))
		fail_msg("%s: %s, should say: %s", name, g ? "was accepted" : e.text, message);
	free(copy);
}

char *
raw_temp_dir(void)
{
	const char *dir = getenv("TMPDIR");
	char *path = xasprintf("%s/hum-gguf-XXXXXX", dir && *dir ? dir : "/tmp");

	assert_non_null(mkdtemp(path));
	return path;
}

char *
raw_write_temp(const char *dir, const char *name, const struct strbuf *b)
{
	char *path = xasprintf("%s/%s", dir, name);
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(b->s, 1, b->len, f), b->len);
	assert_int_equal(fclose(f), 0);
	return path;
}
