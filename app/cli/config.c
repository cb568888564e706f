#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/cli.h"
#include "app/config/paths.h"
#include "app/config/theme.h"
#include "app/programs.h"

static int
check(void)
{
	struct err e = { 0 };
	struct config *config = config_load(NULL, &e);
	struct keymap *keys = config ? config_keymap(config, &e) : NULL;
	struct style_sheet style;
	int rc = keys && (!config->theme || theme_load(config->theme, &style, &e) == 0) ? 0 : -1;

	if (rc == 0 && config->exists)
		printf("%s: no fault found\n", config->path);
	else if (rc == 0)
		printf("%s does not exist; everything is at its default\n", config->path);
	keymap_free(keys);
	config_free(config);
	return rc < 0 ? cli_fail(&e) : 0;
}

int
program_config(const struct options *o)
{
	char *path;
	struct err e;

	if (!strcmp(o->args[0], "check"))
		return check();
	if (strcmp(o->args[0], "path")) {
		err_set(&e, ERR_USAGE, "hum config: check or path, not \"%s\"", o->args[0]);
		return cli_fail(&e);
	}
	path = path_config("config.yaml");
	puts(path);
	free(path);
	return 0;
}

int
program_themes(const struct options *o)
{
	struct theme_entry *list;
	size_t n = theme_list(&list);

	for (size_t i = 0; i < n; i++) {
		cli_column(list[i].name, 16);
		printf(" %s%s%s\n", list[i].help ? list[i].help : "", list[i].path ? "  " : "",
			list[i].path ? list[i].path : "");
	}
	theme_list_free(list, n);
	return 0;
}
