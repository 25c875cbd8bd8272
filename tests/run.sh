#!/bin/bash
# run.sh - runs test programs one after the other; ends with `N passed, N failed`
# usage: tests/run.sh PROGRAM...    TEST_WRAPPER="valgrind ..." goes before each
set -u
passed=0 failed=0
for program; do
	start=$(date +%s.%N)
	# shellcheck disable=SC2086  # the wrapper is several words on purpose
	output=$(timeout 300 ${TEST_WRAPPER:-} "$program" 2>&1)
	status=$?
	good=$(grep -c '^\[       OK \]' <<<"$output")
	bad=$(grep -c '^\[  FAILED  \] [A-Za-z_]' <<<"$output")
	if ((status != 0)) && ((bad == 0)); then bad=1; fi
	if ((status == 0)) && ((good == 0)); then
		output+=$'\n'"$program ran no test"
		bad=1
	fi
	passed=$((passed + good)) failed=$((failed + bad))
	printf '%-48s %3d ok %3d failed  %5.1f s\n' "${program#build/}" "$good" "$bad" \
		"$(echo "$(date +%s.%N) - $start" | bc)"
	if ((bad)); then printf '%s\n' "$output"; fi
done
printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
