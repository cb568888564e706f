#!/bin/sh
# The tests under AddressSanitizer + UndefinedBehaviorSanitizer, then under ThreadSanitizer.
# Builds in build-address/ and build-thread/ beside the source. Arguments: which (default: both).
set -u
cd "$(dirname "$0")/.." || exit 99
status=0
for kind in "${@:-address,undefined thread}"; do
	for list in $kind; do
		build=build-${list%%,*}
		echo "== $list"
		mkdir -p "$build"
		[ -f "$build/config.status" ] ||
			(cd "$build" && ../configure -q --enable-werror --enable-sanitizers="$list" CFLAGS='-O1 -g') || exit 1
		ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 \
		LSAN_OPTIONS=suppressions=$PWD/tests/leaks.supp:print_suppressions=0 \
		UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=halt_on_error=1 \
			tests/summary.sh "$build" || status=1
	done
done
exit $status
