#!/bin/bash
# stuck.sh - the 99th percentile of 63 calls' steps on one worker, alone and beside one more call that is stuck; fails over 1.25
# usage: [BROKER=mock|kafka] [ROUNDS=5] bench/stuck.sh      BIN_DIR as in local/stack.sh
#
#   none      63 calls, nothing else
#   silent    and a call whose phone says nothing after the dial
#   waiting   and a call with a step that Redis never answers, to which 200 plays a second are sent, that wait for it
set -eu -o pipefail
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bin=${BIN_DIR:-$tree/build/bin}
dir=${RUN_DIR:-$bin/../bench/run-stuck}
# shellcheck source=local/process.sh
source "$tree/local/process.sh"
# shellcheck source=bench/pulse.sh
source "$tree/bench/pulse.sh"
mkdir -p "$dir"
pulse_programs
# the step that is never answered is let go at once when the worker is told to end
export CALLCAST_HANDOVER_TIMEOUT=200ms
pulse_workers=() plays=
stop_all() {
	if [[ -n $plays ]]; then kill "$plays" 2>/dev/null || true; fi
	pulse_stop_all
}
trap stop_all EXIT
trap 'exit 130' INT TERM

stuck_call() { # KIND: call 63, on a partition that it shares with call 31
	case $1 in
	silent) pulse_calls 63 1 25 ;;
	waiting)
		pulse_calls 63 1 98
		pulse_wait_connected 64
		"$bin/../bench/commands" play 63 200 $((pulse_seconds + 2)) &
		plays=$!
		;;
	esac
}

one_run() { # KIND
	pulse_up 1
	pulse_calls 0 63 00
	pulse_wait_connected 63
	stuck_call "$1"
	pulse_measure "$1" 63 2 | tee -a "$dir/results"
	if [[ -n $plays ]]; then kill "$plays" 2>/dev/null || true; wait "$plays" || true; fi
	plays=
}

echo "each run: what is beside the 63 calls, then what was seen in $pulse_seconds s; broker ${BROKER:-mock}, $(nproc) cores, load before it $(cut -d" " -f1 /proc/loadavg)"
if [[ ${BROKER:-mock} == kafka ]]; then one_run none >/dev/null; fi # Java compiles itself first
: >"$dir/results"
for ((round = 1; round <= ${ROUNDS:-5}; round++)); do
	for kind in none silent waiting; do one_run "$kind"; done
done
printf '\nmedians of %d rounds: ms from pulse to saved\n' "${ROUNDS:-5}"
python3 "$tree/bench/medians.py" --spread p99 --ratio p99 --most 1.25 stuck "$dir/results"
