#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/cli/sessions_internal.h"
#include "app/config/paths.h"

/* Does something to each chat that is named. The folder is listed once, however many there are. */
static int
for_each_named(struct shelf *s, const char *dir, const char *cache, const char *where,
	int (*act)(struct shelf *s, const char *path))
{
	struct session_summary *list;
	size_t n;
	int rc = session_list(dir, cache, &list, &n, &s->t.err);

	for (size_t i = 0; i < s->n && rc == 0; i++) {
		const struct session_summary *found =
			session_find_in(list, n, s->args[i], &s->t.err);

		rc = found ? act(s, found->path) : -1;
		if (!found && where)
			err_prefix(&s->t.err, "%s", where);
	}
	session_list_free(list, n);
	return rc;
}

static int
delete_one(struct shelf *s, const char *path)
{
	char *dir, id[16];

	if (session_delete(path, &s->t.err) < 0)
		return -1;
	dir = path_pretty(s->dir);
	session_short_name(path, id);
	output_addf(&s->t.out,
		"%s is in %s/trash now; to bring it back: hum sessions undelete %s\n",
		strrchr(path, '/') + 1, dir, id);
	free(dir);
	return 0;
}

int
sessions_delete(struct shelf *s)
{
	return for_each_named(s, s->dir, s->cache, NULL, delete_one);
}

static int
undelete_one(struct shelf *s, const char *in_trash)
{
	char *path = session_undelete(s->dir, in_trash, &s->t.err), *pretty;

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
	char *trash;
	int rc;

	if (!s->n)
		return list_trash(s);
	trash = session_trash(s->dir);
	rc = for_each_named(s, trash, NULL, "in the trash", undelete_one);
	free(trash);
	return rc;
}
