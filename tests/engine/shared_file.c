#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "tests/engine/shared_file.h"

static char *
path_of(const char *name)
{
	const char *dir = getenv("HUM_SHARED"), *top = getenv("TOP_SRCDIR");

	return dir ? xasprintf("%s/%s", dir, name)
		   : xasprintf("%s/../shared/%s", top ? top : ".", name);
}

struct gguf *
shared_gguf(const char *name)
{
	char *path = path_of(name);
	struct gguf *g = NULL;
	struct err e;

	if (access(path, R_OK) == 0 && !(g = gguf_open(path, &e))) {
		fprintf(stderr, "%s\n", e.text);
		abort();
	}
	free(path);
	return g;
}

struct strbuf
shared_text(const char *name)
{
	struct strbuf s = STRBUF_INIT;
	char *path = path_of(name), chunk[4096];
	FILE *f = fopen(path, "rb");
	size_t n;

	while (f && (n = fread(chunk, 1, sizeof chunk, f)))
		strbuf_add(&s, chunk, n);
	if (f)
		fclose(f);
	free(path);
	return s;
}
