#!/bin/sh
# Fails when a folder includes a folder, or a library's header, that it must not know (HACKING.md).
cd "${TOP_SRCDIR:-.}" || exit 99
inc='^[[:space:]]*#[[:space:]]*include[[:space:]]*'

# folders PATTERN-OF-INCLUDE FOLDER...: prints the lines of those folders that include it
forbid() {
	pattern=$1
	shift
	grep -rnE --include='*.[ch]' "$inc$pattern" "$@"
}

bad=$(
	forbid '"(engine|ui|app)/' base
	forbid '"(ui|app)/' engine
	forbid '"(engine|app)/' ui
	forbid '<(n?curses|ncursesw/|readline/)' base engine app
	forbid '<(curl/|jansson|yaml|sqlite3)' base engine ui
	forbid '<pthread' base ui
	grep -LE --include='*.c' -r '^#include "config.h"' base engine ui app | sed 's/$/: config.h is not included first/'
	grep -rnE --include='*.h' "$inc\"config.h\"" base engine ui app
)
[ -z "$bad" ] || { echo "$bad"; exit 1; }
