/*
 * json_get FILE PATH: prints a value of a JSON file for scripts; "messages.0.role", "" for the
 * whole. "#" at the end: how many elements. A text is printed as it is, the rest as JSON. json_get
 * -l: each line is a value of its own, and the last one counts. Status 1: no JSON; 2: no such
 * value.
 */
#include "config.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STRICT = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL };

static json_t *
load_lines(const char *path)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0;
	json_t *last = NULL;

	while (f && getline(&line, &cap, f) > 0) {
		json_decref(last);
		last = json_loads(line, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		if (!last)
			break;
	}
	free(line);
	if (f)
		fclose(f);
	return last;
}

static int
print(const json_t *v)
{
	if (json_is_string(v))
		fwrite(json_string_value(v), 1, json_string_length(v), stdout);
	else
		json_dumpf(v, stdout, JSON_ENCODE_ANY | JSON_COMPACT);
	putchar('\n');
	return ferror(stdout) != 0;
}

int
main(int argc, char **argv)
{
	bool lines = argc > 1 && !strcmp(argv[1], "-l");
	const char *file = argc > 1 + lines ? argv[1 + lines] : "";
	const char *path = argc > 2 + lines ? argv[2 + lines] : "";
	json_t *root = lines ? load_lines(file) : json_load_file(file, STRICT, NULL);
	const json_t *v = root;
	char *copy = strdup(path), *rest = copy;
	int rc = !root;

	for (char *key; v && (key = strsep(&rest, ".")) && *key;) {
		if (!strcmp(key, "#")) {
			printf("%zu\n", json_array_size(v) + json_object_size(v));
			goto out;
		}
		if (json_is_array(v))
			v = json_array_get(v, (size_t)atol(key));
		else
			v = json_object_get(v, key);
	}
	if (!rc)
		rc = v ? print(v) : 2;
out:
	free(copy);
	json_decref(root);
	return rc;
}
