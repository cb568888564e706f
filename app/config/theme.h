/*
 * Themes: YAML files. `name`, `inherit`, `slots: {user: {fg: "#a0c0ff", bg: default, attr: [bold]}}`. Colours:
 * default, 0..255, "#rrggbb", or one of the sixteen names. A missing slot is inherited (ui/style.h has them all).
 * User's folder first, then the installed one, then those built into the program.
 */
#ifndef APP_CONFIG_THEME_H
#define APP_CONFIG_THEME_H

#include "base/err.h"
#include "ui/style.h"

struct theme_entry {
	char *name;
	char *path;		/* NULL: built in */
	char *help;		/* the file's `about` line; may be NULL */
};

/* All that can be chosen, by name, the user's own hiding others of the same name. */
size_t theme_list(struct theme_entry **out);
void theme_list_free(struct theme_entry *list, size_t n);

/* By name, or by path when it contains a slash. ERR_CONFIG with file, line, column; *out is untouched then. */
int theme_load(const char *name, struct style_sheet *out, struct err *e);
int theme_parse(const char *file, const char *yaml, size_t len, struct style_sheet *out, struct err *e);

/* "dark", unless the terminal says it is light (COLORFGBG). */
const char *theme_default(void);

#endif
