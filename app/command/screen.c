#include "config.h"

#include "app/command/handlers.h"

void
command_theme(struct controller *c, const char *arg)
{
	struct err e;

	if (!*arg)
		controller_pick_theme(c);
	else if (controller_set_theme(c, arg, &e) < 0)
		command_refuse(c, "%s", e.text);
}

void
complete_theme(struct controller *c, const char *word, struct ui_completions *out)
{
	struct theme_entry *list;
	size_t n = theme_list(&list);

	for (size_t i = 0; i < n; i++)
		complete_if(out, word, list[i].name, list[i].help);
	theme_list_free(list, n);
}

void
command_quit(struct controller *c, const char *arg)
{
	controller_quit(c, 0);
}
