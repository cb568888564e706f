/* Configuration files of any bytes: an error or a configuration that can be used. */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/config/config.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	struct config *c;
	struct keymap *keys;

	setenv("HOME", "/dev/null", 1);	/* no folder of a user's */
	c = config_parse("config.yaml", (const char *)data, size, &e);
	if (!c) {
		assert(e.code == ERR_CONFIG && *e.text && utf8_valid(e.text, strlen(e.text)));
		return 0;
	}
	keys = config_keymap(c, &e);
	assert(keys);
	for (size_t i = 0; i < c->n_models; i++)
		assert(config_find_model(c, c->models[i].name) == &c->models[i] && c->models[i].path);
	keymap_free(keys);
	config_free(c);
	return 0;
}
