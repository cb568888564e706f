#include "config.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/config/paths.h"
#include "base/xalloc.h"

/* The home folder without a trailing slash; "" for a home of "/" or none at all. Heap. */
static char *
home(void)
{
	const char *dir = getenv("HOME");
	struct passwd *pw;
	size_t n;

	if (!dir || *dir != '/') {
		pw = getpwuid(getuid());
		dir = pw && pw->pw_dir ? pw->pw_dir : "";
	}
	for (n = strlen(dir); n && dir[n - 1] == '/'; n--)
		;
	return xstrndup(dir, n);
}

int
path_make(const char *dir)
{
	char *path = xstrdup(dir);
	struct stat st;
	int rc, above = 0;

	/* What matters is whether the last one is there in the end; if not, the first that failed is why. */
	for (char *s = path + 1; *path && (s = strchr(s, '/')); s++) {
		*s = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST && !above)
			above = errno;
		*s = '/';
	}
	rc = mkdir(path, 0700);
	if (rc < 0 && errno == ENOENT && above)
		errno = above;
	if (rc < 0 && errno == EEXIST && stat(path, &st) == 0) {
		rc = S_ISDIR(st.st_mode) ? 0 : -1;
		errno = ENOTDIR;
	}
	free(path);
	return rc;
}

/* The folder $variable/hum, or ~/fallback/hum; a relative value is ignored, as the XDG
 * specification wants it. */
static char *
base_path(const char *variable, const char *fallback, const char *name)
{
	const char *base = getenv(variable);
	char *dir, *path, *h;

	if (base && *base == '/') {
		dir = xasprintf("%s/hum", base);
	} else {
		h = home();
		dir = xasprintf("%s/%s/hum", h, fallback);
		free(h);
	}
	path_make(dir);		/* a failure shows, with its reason, when a file in it is opened */
	if (!name)
		return dir;
	path = xasprintf("%s/%s", dir, name);
	free(dir);
	return path;
}

char *
path_config(const char *name)
{
	return base_path("XDG_CONFIG_HOME", ".config", name);
}

char *
path_data(const char *name)
{
	return base_path("XDG_DATA_HOME", ".local/share", name);
}

char *
path_state(const char *name)
{
	return base_path("XDG_STATE_HOME", ".local/state", name);
}

char *
path_cache(const char *name)
{
	return base_path("XDG_CACHE_HOME", ".cache", name);
}

char *
path_sessions(void)
{
	return path_data("sessions");
}

char *
path_summaries(void)
{
	return path_cache("summaries");
}

char *
path_expand(const char *path)
{
	char *h, *whole;

	if (path[0] != '~' || (path[1] && path[1] != '/'))
		return xstrdup(path);
	h = home();
	whole = *h || path[1] ? xasprintf("%s%s", h, path + 1) : xstrdup("/");
	free(h);
	return whole;
}

char *
path_pretty(const char *path)
{
	char *h = home(), *pretty;
	size_t n = strlen(h);

	if (n && strncmp(path, h, n) == 0 && (path[n] == '/' || !path[n]))
		pretty = xasprintf("~%s", path + n);
	else
		pretty = xstrdup(path);
	free(h);
	return pretty;
}
