/*
 * Summaries of sessions, kept between runs so that a list of ten thousand need not open ten
 * thousand files. A line of text each; anything in it that cannot be understood is as good as
 * absent. Private to app/chat/session*.c.
 */
#ifndef APP_CHAT_SESSION_CACHE_H
#define APP_CHAT_SESSION_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "app/chat/session.h"

/* A summary is as good as its file is unchanged. */
struct cache_key {
	const char *name;	/* in the folder */
	uint64_t size;
	int64_t mtime_ns;
};

struct session_cache;

/* path NULL: an empty cache that is not kept. `dir`: the folder it is about. Never fails. */
struct session_cache *session_cache_open(const char *path, const char *dir);

/* Only of files that could be read. Fills all but path, changed_ms and broken. False: not there,
 * *s is untouched. */
bool session_cache_get(
	struct session_cache *c, const struct cache_key *key, struct session_summary *s);
void session_cache_put(
	struct session_cache *c, const struct cache_key *key, const struct session_summary *s);

/* Writes it, with what was got and put, when that is not what was read. Failing costs only time. */
void session_cache_close(struct session_cache *c);

#endif
