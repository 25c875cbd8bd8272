#!/bin/bash
# coverage.sh - which lines of lib, producer, worker and notifier the tests run; ends badly below COVERAGE_MIN percent
#
# usage: make coverage       COVERAGE_MIN=90
#
# Unit, integration and simulation tests, then end to end on the embedded broker,
# all with counters compiled in.  A process that is killed leaves no counts.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=${BUILD:-build/coverage}
folders=(lib producer worker notifier)

filters=()
for folder in "${folders[@]}"; do filters+=(--filter "$folder/"); done

# what an earlier run counted is not what these tests run
find "$build" -name '*.gcda' -delete 2>/dev/null || true
read -r -a make <<<"${MAKE:-make}"
"${make[@]}" check BUILD="$build" CFLAGS="-O0 -g --coverage -Wno-error" TEST_SECONDS=600
BROKER=mock BIN_DIR=$PWD/$build/bin tests/e2e/run.sh

gcovr --root . --object-directory "$build" "${filters[@]}" --txt "$build/coverage.txt" --print-summary \
	--fail-under-line "${COVERAGE_MIN:-90}" "$build"
echo "by file, with the lines that no test runs: $build/coverage.txt"
