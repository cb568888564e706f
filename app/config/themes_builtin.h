/* The themes of themes/, as data in the program (made by themes_builtin.awk when it is built). */
#ifndef APP_CONFIG_THEMES_BUILTIN_H
#define APP_CONFIG_THEMES_BUILTIN_H

#include <stddef.h>

struct theme_builtin {
	const char *name;
	const char *file;	/* "themes/dark.yaml": stands in messages */
	const char *yaml;
	size_t len;
};

extern const struct theme_builtin theme_builtins[];
extern const size_t theme_builtin_count;

#endif
