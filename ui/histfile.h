/*
 * The file of what was typed: one entry a line, oldest first; in an entry "\\" stands for a
 * backslash and "\n" for a line break. Several programs may append at the same time. Nothing here
 * is fatal: a history that cannot be read or written is reported to the log and done without.
 */
#ifndef UI_HISTFILE_H
#define UI_HISTFILE_H

#include <stddef.h>

enum { HISTFILE_ENTRY_MAX = 65536 };	/* longer entries (pasted files) are not kept */

/* Calls `each` for the last `max` entries, oldest first. Shortens a file that has more than twice
 * as many. */
void histfile_load(const char *path, size_t max, void (*each)(const char *entry));

void histfile_append(const char *path, const char *entry);

#endif
