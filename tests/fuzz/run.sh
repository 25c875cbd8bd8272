#!/bin/bash
# run.sh - runs libFuzzer's targets one after the other; says of each how often it ran, what it found, and coverage
# usage: tests/fuzz/run.sh SECONDS PROGRAM...      what is found new grows the folder beside the programs, not the tree
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
seconds=$1
shift
if (($# == 0)); then
	echo "run.sh: no such target; there are: $(cd tests/fuzz/corpus && echo *)" >&2
	exit 2
fi
export ASAN_OPTIONS=${ASAN_OPTIONS:-quarantine_size_mb=32}
found=()

# edges, as libFuzzer's last line of that kind says
coverage() {
	sed -n 's/^#.* cov: \([0-9]*\).*/\1/p' "$log" | tail -n 1
}

for program; do
	name=${program##*/fuzz_}
	work=$(dirname "$program")/work/$name
	log=$work.log
	words=()
	if [[ -f tests/fuzz/dict/$name.dict ]]; then words=("-dict=tests/fuzz/dict/$name.dict"); fi
	mkdir -p "$work"
	seeds=$(find "$work" "tests/fuzz/corpus/$name" -type f | wc -l)
	status=0
	"$program" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 -print_final_stats=1 \
		-artifact_prefix="$work.found-" "${words[@]}" "$work" "tests/fuzz/corpus/$name" \
		>"$log" 2>&1 || status=$?
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	inputs=$(find "$work" "tests/fuzz/corpus/$name" -type f | wc -l)
	printf '%-16s %12s runs  %2d found  %5s edges covered  %4d inputs that reached something new\n' \
		"$name" "${runs:-?}" $((status != 0)) "$(coverage)" $((inputs - seeds))
	if ((status != 0)); then
		input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
		grep -aE 'does not hold|runtime error|^==[0-9]+==ERROR|^SUMMARY' "$log" || tail -n 20 "$log"
		echo "FOUND: ${input:-no input was kept}; all that was said: $log"
		found+=("$name")
	fi
done
if ((${#found[@]})); then
	echo "${#found[@]} of $# targets found something: ${found[*]}"
	exit 1
fi
echo "$# targets, nothing found"
