#!/bin/bash
# soak.sh - calls that are all up at once, each operation of the API done to them, twice; fails where one tells
#           another story than it should, or where the second round takes more memory than the first
# usage: [BROKER=kafka] [CALLS=10000] [RATE=300] [ROUNDS=2] [WORKERS=2] bench/soak.sh     BIN_DIR as in local/stack.sh
#
# RATE: calls made a second, and, once all are up, let go on a second.
set -eu
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export BIN_DIR=${BIN_DIR:-$tree/build/bin}
export RUN_DIR=${RUN_DIR:-$BIN_DIR/../bench/run-soak}
export CALLCAST_SIM_RING=300ms CALLCAST_SIM_PRESS=500ms CALLCAST_SIM_PROMPT=1s CALLCAST_SIM_TALK=2s
# a line for each command is not what is measured
export CALLCAST_LOG_LEVEL=${CALLCAST_LOG_LEVEL:-warn}
# shellcheck source=bench/stack.sh
source "$tree/bench/stack.sh"
stack_up
sleep 3 # their start is over
printf '%s calls at %s a second, %s workers, broker %s, nice %s\n' "${CALLS:-10000}" "${RATE:-300}" "${WORKERS:-2}" \
	"${BROKER:-mock}" "$(nice)"
status=0
PYTHONDONTWRITEBYTECODE=1 python3 "$tree/bench/soak.py" "$RUN_DIR" || status=$?
stack_down
exit "$status"
