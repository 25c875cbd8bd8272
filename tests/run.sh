#!/bin/bash
# run.sh - runs test programs one after the other; ends with `N passed, N failed`; shows their lines that begin with "# "
# usage: tests/run.sh PROGRAM...    TEST_WRAPPER="valgrind ..." goes before each; TEST_SECONDS: for one program
set -u
passed=0 failed=0
for program; do
	start=${EPOCHREALTIME/./}
	# shellcheck disable=SC2086  # the wrapper is several words on purpose
	output=$(timeout "${TEST_SECONDS:-300}" ${TEST_WRAPPER:-} "$program" 2>&1)
	status=$?
	good=$(grep -c '^\[       OK \]' <<<"$output")
	# a failed one is named when it fails and again at the end, after a line with their number
	bad=$(grep '^\[  FAILED  \] [A-Za-z_]' <<<"$output" | grep -v 'test(s)' | sort -u | wc -l)
	if ((status != 0)) && ((bad == 0)); then bad=1; fi
	if ((status == 0)) && ((good == 0)); then
		output+=$'\n'"$program ran no test"
		bad=1
	fi
	passed=$((passed + good)) failed=$((failed + bad))
	ms=$(((${EPOCHREALTIME/./} - start) / 1000))
	printf '%-48s %3d ok %3d failed  %3d.%d s\n' "${program#build/}" "$good" "$bad" $((ms / 1000)) $((ms % 1000 / 100))
	if ((bad)); then printf '%s\n' "$output"; else grep '^# ' <<<"$output"; fi
done
printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
