#!/bin/sh
# Runs "make check" in a build folder; shows the logs of what failed, and one closing line.
#   summary.sh BUILD [VARIABLE=VALUE...]
build=$1
shift
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
out=$(mktemp)
rm -f "$build/test-suite.log"
make -s -C "$build" -j"$jobs" check "$@" >"$out" 2>&1
status=$?
grep -E '^(PASS|FAIL|SKIP|XPASS|ERROR):|warning:|error:' "$out"
if [ $status -ne 0 ]; then
	cat "$build/test-suite.log" 2>/dev/null || tail -n 100 "$out"
fi
count() { sed -n "s/^# $1: *//p" "$out" | tail -n 1; }
passed=$(count PASS) failed=$(count FAIL) skipped=$(count SKIP) broken=$(count ERROR)
# Cases inside the programs that skipped themselves (data beside the repository that is not there).
cases=$(grep -hs '^\[  SKIPPED \] [0-9]* test' "$build"/tests/*/*.log | awk '{ n += $4 } END { print n + 0 }')
[ "$cases" = 0 ] || echo "$cases test cases were skipped: they use reference data that is not part of the repository"
echo "${passed:-0} passed, $((${failed:-0} + ${broken:-0})) failed, ${skipped:-0} skipped"
rm -f "$out"
exit $status
