/* Themes of any bytes: an error that leaves the sheet alone, or a sheet of colours that exist. */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/config/theme.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
is_color(int32_t c)
{
	return c == STYLE_DEFAULT || (c >= 0 && c <= 255) || (c & ~0xffffff) == STYLE_RGB;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct style_sheet sheet, before;
	struct err e = { 0 };

	setenv("HOME", "/dev/null", 1);	/* no folder of a user's */
	unsetenv("XDG_CONFIG_HOME");
	memset(&sheet, 0x5a, sizeof sheet);
	before = sheet;
	if (theme_parse("theme.yaml", (const char *)data, size, &sheet, &e) < 0) {
		assert(e.code == ERR_CONFIG && *e.text && utf8_valid(e.text, strlen(e.text)));
		assert(memcmp(&sheet, &before, sizeof sheet) == 0);
		return 0;
	}
	for (int i = 0; i < STYLE_COUNT; i++)
		assert(is_color(sheet.slot[i].fg) && is_color(sheet.slot[i].bg) && sheet.slot[i].attr < 32);
	return 0;
}
