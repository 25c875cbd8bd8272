#!/bin/bash
# steps.sh - steps a second of 1, 2 and 4 workers, 64 calls each, whose phones wait 10 ms between steps: 6,400 each would be perfect
# usage: [BROKER=mock|kafka] [ROUNDS=3] [WORKERS="1 2 4"] bench/steps.sh      BIN_DIR as in local/stack.sh
set -eu -o pipefail
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bin=${BIN_DIR:-$tree/build/bin}
dir=${RUN_DIR:-$bin/../bench/run-steps}
# shellcheck source=local/process.sh
source "$tree/local/process.sh"
# shellcheck source=bench/pulse.sh
source "$tree/bench/pulse.sh"
mkdir -p "$dir"
pulse_programs
pulse_workers=()
trap pulse_stop_all EXIT
trap 'exit 130' INT TERM

one_run() { # WORKERS
	local line rate
	pulse_up "$1"
	pulse_calls 0 $((64 * $1)) 00
	pulse_wait_connected $((64 * $1))
	line=$(pulse_measure "$1" $((64 * $1)) 0)
	rate=${line#*steps/s=} rate=${rate%% *}
	line+=" of-perfect=$(awk "BEGIN { printf \"%.3f\", $rate / (6400 * $1) }")"
	echo "$line" | tee -a "$dir/results"
}

echo "each run: workers, then what was seen in $pulse_seconds s; broker ${BROKER:-mock}, $(nproc) cores, load before it $(cut -d" " -f1 /proc/loadavg)"
if [[ ${BROKER:-mock} == kafka ]]; then one_run 1 >/dev/null; fi # Java compiles itself first
: >"$dir/results"
for ((round = 1; round <= ${ROUNDS:-3}; round++)); do
	for workers in ${WORKERS:-1 2 4}; do one_run "$workers"; done
done
printf '\nmedians of %d rounds: steps/s over all, CPU in seconds of %s, ms from pulse to saved\n' "${ROUNDS:-3}" "$pulse_seconds"
python3 "$tree/bench/medians.py" --spread steps/s --spread p99 workers "$dir/results"
