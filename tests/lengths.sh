#!/bin/sh
# Hard stops: 100 lines a function, 1000 lines a file. Works because bodies open with { in column 0.
cd "${TOP_SRCDIR:-.}" || exit 99
find app base engine ui tests -name '*.[ch]' | sort | xargs awk '
	FNR == 1 { start = 0 }
	/^{/ { start = FNR }
	/^}/ {
		if (start && FNR - start - 1 > 100) {
			print FILENAME ":" start ": function of " FNR - start - 1 " lines"
			bad = 1
		}
		start = 0
	}
	FNR == 1001 { print FILENAME ": more than 1000 lines"; bad = 1 }
	END { exit bad }'
