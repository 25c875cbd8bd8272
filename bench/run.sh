#!/bin/bash
# run.sh - the benchmarks, each on an idle stack of its own: RUNS (3) times the first webhook, then memory and 1,000 calls
# usage: [BROKER=kafka] [RUNS=3] bench/run.sh      BIN_DIR as in local/stack.sh
set -eu
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export BIN_DIR=${BIN_DIR:-$tree/build/bin} RUN_DIR=${RUN_DIR:-$tree/build/bench/run}
# shellcheck source=bench/stack.sh
source "$tree/bench/stack.sh"

stack_up
for ((i = 1; i <= ${RUNS:-3}; i++)); do
	printf '\nrun %d, broker %s\n' "$i" "${BROKER:-mock}"
	"$BIN_DIR/../bench/first_webhook" "${CALLS:-300}"
done
stack_down
exec "$tree/bench/idle_memory.sh"
