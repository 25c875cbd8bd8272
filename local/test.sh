#!/bin/bash
# test.sh - all that `make test` runs, one after the other; ends with `N passed, N failed` over all of it
#
# A stage says itself how many passed, in its last such line; one that ends badly
# without a failed test counts as one.  Exit code 75 of a stage that needs a
# real Kafka means "not possible here": a failure with CI=true, else said loudly.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
read -r -a make <<<"${MAKE:-make}"
passed=0 failed=0 summary=() skipped=()
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Nothing may hang for ever, whatever a test forgot to end.
bounded() {
	timeout --kill-after=30 "${STAGE_SECONDS:-1500}" "$@"
}

# stage NAME COMMAND...
stage() {
	local name=$1 status line good=0 bad=0 start=$SECONDS
	shift
	printf '\n== %s\n' "$name"
	"$@" 2>&1 | tee "$log"
	status=${PIPESTATUS[0]}
	line=$(grep -aE '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
	if [[ -n $line ]]; then
		good=${line%% *}
		line=${line#*, }
		bad=${line%% *}
	fi
	if ((status == 75)) && [[ ${CI:-} != true ]]; then
		skipped+=("$name")
		summary+=("$(printf '%-28s SKIPPED: no real Kafka here' "$name")")
		return
	fi
	if ((status != 0 && bad == 0)); then bad=1; fi
	passed=$((passed + good)) failed=$((failed + bad))
	summary+=("$(printf '%-28s %4d passed %4d failed %5d s' "$name" "$good" "$bad" $((SECONDS - start)))")
}

kafka_there() {
	bounded tests/kafka/kafka.sh jars >/dev/null
}

on_kafka() {
	kafka_there || return
	BROKER=kafka bounded "$@"
}

# programs with kill points, in a folder of their own
chaos() {
	kafka_there || return
	bounded "${make[@]}" chaos-build && bounded env BIN_DIR=build/chaos/bin tests/chaos/run.sh fixed
}

stage "build" bounded "${make[@]}" all
stage "unit and integration" bounded "${make[@]}" check
stage "under ASan and UBSan" bounded "${make[@]}" check-asan
stage "seeded bugs" bounded "${make[@]}" mutants
stage "local stack" bounded tests/local/run.sh
stage "containers' files" bounded tests/containers/files.py
stage "local stack, real Kafka" on_kafka tests/local/run.sh test_up_serves_and_down_leaves_nothing \
	test_add_worker test_the_demo_ends_well test_tool
if [[ -x tests/e2e/run.sh ]]; then
	stage "end to end, embedded broker" bounded env BROKER=mock tests/e2e/run.sh
	stage "end to end, real Kafka" on_kafka tests/e2e/run.sh
fi
stage "faults, real Kafka" chaos

printf '\n== all\n'
printf '%s\n' "${summary[@]}"
if ((${#skipped[@]})); then
	printf '\n!!! %s\n' "SKIPPED, because Apache Kafka's packages can't be fetched: ${skipped[*]}"
fi
printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
