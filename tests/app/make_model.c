/*
 * make_model FILE [key=value...]: writes a small model of random weights for the scripts that test
 * the command line. Its greedy answers go on until the context is full. Keys: context, seed, name.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/engine/tiny_model.h"

int
main(int argc, char **argv)
{
	struct tiny_model t = tiny_model_of(QUANT_Q8_0);

	t.endless = true;
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
	tiny_model_save(&t, argv[1]);
	return 0;
}
