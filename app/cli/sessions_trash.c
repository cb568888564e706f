#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/cli/sessions_internal.h"
#include "app/config/paths.h"

static int
delete_one(struct shelf *s, const char *what)
{
	char *path = session_find(s->dir, s->cache, what, &s->t.err), *dir, id[16];
	const char *name;
	int rc;

	if (!path)
		return -1;
	rc = session_delete(path, &s->t.err);
	if (rc == 0) {
		dir = path_pretty(s->dir);
		name = strrchr(path, '/') + 1;
		session_short_name(path, id);
		output_addf(&s->t.out,
			"%s is in %s/trash now; to bring it back: hum sessions undelete %s\n",
			name, dir, id);
		free(dir);
	}
	free(path);
	return rc;
}

int
sessions_delete(struct shelf *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (delete_one(s, s->args[i]) < 0)
			return -1;
	return 0;
}

static int
undelete_one(struct shelf *s, const char *what)
{
	char *path = session_undelete(s->dir, what, &s->t.err), *pretty;

	if (!path)
		return -1;
	pretty = path_pretty(path);
	output_addf(&s->t.out, "%s is back\n", pretty);
	free(pretty);
	free(path);
	return 0;
}

static int
list_trash(struct shelf *s)
{
	char *trash = session_trash(s->dir);
	int rc = sessions_print_list(s, trash, NULL, "nothing is in the trash,");

	free(trash);
	return rc;
}

int
sessions_undelete(struct shelf *s)
{
	if (!s->n)
		return list_trash(s);
	for (size_t i = 0; i < s->n; i++)
		if (undelete_one(s, s->args[i]) < 0)
			return -1;
	return 0;
}
