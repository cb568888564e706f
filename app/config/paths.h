/* Where hum's files are (XDG base directories; DESIGN 5). Folders are made, mode 0700, when first asked for. */
#ifndef APP_CONFIG_PATHS_H
#define APP_CONFIG_PATHS_H

#include <stddef.h>

/* All heap, the caller's. `name` is joined with a slash; NULL gives the folder itself. */
char *path_config(const char *name);	/* $XDG_CONFIG_HOME/hum */
char *path_data(const char *name);	/* $XDG_DATA_HOME/hum */
char *path_state(const char *name);	/* $XDG_STATE_HOME/hum */
char *path_cache(const char *name);	/* $XDG_CACHE_HOME/hum */

/* The folder of all chats, and the cache that session_list keeps of it. Heap. */
char *path_sessions(void);
char *path_summaries(void);

/* "~" and "~/x" to the home folder; others unchanged. Heap. */
char *path_expand(const char *path);

/* For messages: the home folder shown as "~". Heap. */
char *path_pretty(const char *path);

/* Makes a folder and those above it, mode 0700. -1 and errno; a folder that exists is fine. */
int path_make(const char *dir);

#endif
