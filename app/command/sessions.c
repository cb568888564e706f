#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/command/handlers.h"
#include "base/xalloc.h"

void
command_new(struct controller *c, const char *arg)
{
	controller_new_session(c, arg);
}

void
command_sessions(struct controller *c, const char *arg)
{
	controller_pick_session(c);
}

void
command_resume(struct controller *c, const char *arg)
{
	struct err e;

	if (!*arg)
		controller_pick_session(c);
	else if (controller_resume(c, arg, &e) < 0)
		command_refuse(c, "%s", e.text);
}

void
command_rename(struct controller *c, const char *arg)
{
	struct err e = { 0 };

	if (!*arg) {
		command_refuse(c, "Say /rename and the title");
		return;
	}
	if (c->session->read_only) {
		controller_refuse_read_only(c);
		return;
	}
	controller_disk(c, session_set_title(c->session, arg, &e), &e);
	controller_show_title(c);
}

/* Asks by the title of what was found, of which the user may have typed a part only. */
static void
ask_delete(struct controller *c, const char *path)
{
	struct session_summary *list = NULL;
	const char *title = NULL;
	size_t n = 0;

	session_list(c->o.sessions_dir, c->o.summary_cache, &list, &n, NULL);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].path, path))
			title = list[i].title;
	controller_ask_delete(c, path, title);
	session_list_free(list, n);
}

void
command_delete(struct controller *c, const char *arg)
{
	char *path;
	struct err e;

	if (!*arg) {
		controller_ask_delete(c, session_path(c->session), c->session->conv.title);
		return;
	}
	if (!c->o.sessions_dir) {
		controller_flash(c, "Chats are not kept in this run (--no-save)");
		return;
	}
	path = session_find(c->o.sessions_dir, c->o.summary_cache, arg, &e);
	if (path)
		ask_delete(c, path);
	else
		command_refuse(c, "%s", e.text);
	free(path);
}

void
complete_session(struct controller *c, const char *word, struct ui_completions *out)
{
	struct session_summary *list;
	size_t n;

	if (!c->o.sessions_dir || session_list(c->o.sessions_dir, c->o.summary_cache, &list, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (list[i].title && !list[i].broken)
			complete_if(out, word, list[i].title, list[i].first);
	session_list_free(list, n);
}
