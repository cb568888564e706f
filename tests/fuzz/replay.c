/*
 * Runs a fuzz target over its corpus, tests/fuzz/corpus/TARGET/, so that the tests need no fuzzer.
 * TARGET is the program's name without "fuzz_".
 */
#include "config.h"

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
replay(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data;
	long size;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0 || fseek(f, 0, SEEK_SET)) {
		perror(path);
		exit(99);
	}
	data = malloc(size ? size : 1);	/* exact size, so that a sanitizer sees an overrun */
	if (!data || fread(data, 1, size, f) != (size_t)size)
		exit(99);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	fclose(f);
	return 1;
}

int
main(int argc, char **argv)
{
	const char *top = getenv("TOP_SRCDIR"), *target = strstr(argv[0], "fuzz_");
	char dir[4096], path[8192];
	struct dirent *e;
	int n = 0;
	DIR *d;

	if (!target)
		return 99;
	while (strstr(target + 1, "fuzz_"))
		target = strstr(target + 1, "fuzz_");
	snprintf(dir, sizeof dir, "%s/tests/fuzz/corpus/%s", top ? top : ".", target + 5);
	d = opendir(dir);
	if (!d) {
		perror(dir);
		return 99;
	}
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		n += replay(path);
	}
	closedir(d);
	printf("%s: %d inputs\n", target, n);
	return n ? 0 : 1;
}
