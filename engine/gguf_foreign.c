#include "config.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "engine/gguf_internal.h"
#include "engine/refuse.h"

#define CONVERT "it must be converted to GGUF, or downloaded in that format"

/* How the files that people mistake for a GGUF model begin. The old ggml magics are numbers,
 * stored low byte first. */
static const struct {
	const char *magic;
	uint8_t len;
	const char *what, *advice;
} foreign[] = {
	{ "FUGG", 4, "a big-endian GGUF file", "download the little-endian one" },
	{ "lmgg", 4, "an old ggml file, from before GGUF", CONVERT },
	{ "fmgg", 4, "an old ggmf file, from before GGUF", CONVERT },
	{ "tjgg", 4, "an old ggjt file, from before GGUF", CONVERT },
	{ "algg", 4, "an old ggla adapter, from before GGUF", "name a whole model instead" },
	{ "PK\3\4", 4, "a ZIP archive, most likely PyTorch weights", CONVERT },
	{ "\x80\2", 2, "a Python pickle, most likely PyTorch weights", CONVERT },
	{ "\x80\3", 2, "a Python pickle, most likely PyTorch weights", CONVERT },
	{ "\x80\4", 2, "a Python pickle, most likely PyTorch weights", CONVERT },
	{ "\x80\5", 2, "a Python pickle, most likely PyTorch weights", CONVERT },
	{ "\x89HDF", 4, "an HDF5 file", CONVERT },
	{ "\x93NUMPY", 6, "a NumPy array", CONVERT },
	{ "\x1f\x8b", 2, "compressed by gzip", "unpack it first" },
	{ "\xfd" "7zXZ", 5, "compressed by xz", "unpack it first" },
	{ "\x28\xb5\x2f\xfd", 4, "compressed by zstd", "unpack it first" },
	{ "7z\xbc\xaf", 4, "a 7-Zip archive", "unpack it first" },
	{ "\x7f" "ELF", 4, "a program", "name a .gguf file" },
	{ "version https://git-lfs", 23, "a Git LFS pointer, not the model itself",
		"fetch the file with: git lfs pull" },
};

/* A length of the header, little-endian, and the header, which is JSON. */
static bool
is_safetensors(const uint8_t *data, size_t size)
{
	return size > 9 && data[8] == '{' && gguf_load_u64(data) >= 2 &&
	       gguf_load_u64(data) < (1ULL << 32);
}

static bool
begins_with_word(const uint8_t *data, size_t size, const char *word)
{
	size_t n = strlen(word);

	return size >= n && strncasecmp((const char *)data, word, n) == 0;
}

/* A web page saved in place of the download: an error, or a page that asks for a login. */
static bool
is_html(const uint8_t *data, size_t size)
{
	while (size && isspace(*data)) {
		data++;
		size--;
	}
	return begins_with_word(data, size, "<!doctype html") ||
	       begins_with_word(data, size, "<html");
}

static bool
is_json(const uint8_t *data, size_t size)
{
	while (size && isspace(*data)) {
		data++;
		size--;
	}
	return size && *data == '{';
}

int
gguf_refuse_foreign(const uint8_t *data, size_t size, struct err *e)
{
	if (is_safetensors(data, size))
		return refuse(e, "this is a safetensors file, not GGUF: " CONVERT);
	for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
		if (size >= foreign[i].len && memcmp(data, foreign[i].magic, foreign[i].len) == 0)
			return refuse(e, "this is %s: %s", foreign[i].what, foreign[i].advice);
	if (is_html(data, size))
		return refuse(
			e, "this is a web page, not a model: the download failed or wants a login");
	if (is_json(data, size))
		return refuse(e, "this is a JSON file, not a model: name a .gguf file");
	if (size < 4)
		return refuse(e, "the file has only %zu bytes: it is no GGUF model", size);
	return refuse(e, "this is not a GGUF file (it does not begin with \"GGUF\")");
}
