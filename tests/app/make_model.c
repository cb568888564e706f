/*
 * make_model FILE [key=value...]: writes a small model of random weights for the scripts that test
 * the command line. Its greedy answers go on until the context is full. Keys: context, seed, name.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/gguf.h"
#include "tests/engine/tiny_model.h"

enum { END = 2 };		/* </s> of the tiny vocabulary */

/* A row of zeros gives the logit 0, and among so many random ones there is always a greater one: no
 * greedy answer ever ends. */
static void
silence_end(struct strbuf *file)
{
	struct err e;
	struct gguf *g = gguf_parse((const uint8_t *)file->s, file->len, &e);
	const struct gguf_tensor *t = g ? gguf_find(g, "output.weight") : NULL;
	size_t row;

	if (!t) {
		fprintf(stderr, "make_model: %s\n", g ? "no output.weight" : e.text);
		exit(99);
	}
	row = t->size / t->ne[1];
	memset(file->s + ((const char *)t->data - file->s) + END * row, 0, row);
	gguf_free(g);
}

static void
save(const struct strbuf *file, const char *path)
{
	FILE *f = fopen(path, "we");

	if (!f || fwrite(file->s, 1, file->len, f) != file->len || fclose(f) != 0) {
		perror(path);
		exit(99);
	}
}

int
main(int argc, char **argv)
{
	struct tiny_model t = tiny_model_of(QUANT_Q8_0);
	struct strbuf file = STRBUF_INIT;

	if (argc < 2) {
		fprintf(stderr, "usage: make_model FILE [context=N] [seed=N] [name=TEXT]\n");
		return 1;
	}
	for (int i = 2; i < argc; i++) {
		if (!strncmp(argv[i], "context=", 8))
			t.n_ctx = (uint32_t)strtoul(argv[i] + 8, NULL, 10);
		else if (!strncmp(argv[i], "seed=", 5))
			t.seed = strtoul(argv[i] + 5, NULL, 10);
		else if (!strncmp(argv[i], "name=", 5))
			t.name = argv[i] + 5;
	}
	tiny_model_memory(&t, &file);
	silence_end(&file);
	save(&file, argv[1]);
	strbuf_release(&file);
	return 0;
}
