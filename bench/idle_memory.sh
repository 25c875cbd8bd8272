#!/bin/bash
# idle_memory.sh - resident memory of each program, idle and after 1,000 demo calls at once; fails at 64 MB idle
# usage: [BROKER=kafka] [CALLS=1000] bench/idle_memory.sh      BIN_DIR as in local/stack.sh
set -eu
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export BIN_DIR=${BIN_DIR:-$tree/build/bin} RUN_DIR=${RUN_DIR:-$tree/build/bench/run}
# a phone that nobody answers rings shorter than a person would wait to see the end
export CALLCAST_RING_TIMEOUT=${CALLCAST_RING_TIMEOUT:-8s}
# shellcheck source=bench/stack.sh
source "$tree/bench/stack.sh"
limit=$((64 * 1024)) too_much=0

resident() { # in KB
	awk '/^VmRSS:/ { print $2 }' "/proc/$(<"$RUN_DIR/$1.pid")/status"
}

table() {
	local name kb
	for name in producer worker-1 worker-2 notifier; do
		kb=$(resident "$name")
		printf '  %-10s %6d.%d MB\n' "$name" $((kb / 1024)) $((kb % 1024 * 10 / 1024))
		if (($1 && kb >= limit)); then too_much=1; fi
	done
}

stack_up
sleep 3 # their start is over
printf '\nresident, idle, broker %s\n' "${BROKER:-mock}"
table 1
printf '\n%d demo calls at once\n' "${CALLS:-1000}"
"$BIN_DIR/callcast-demo" --contacts "$tree/examples/contacts.csv" --calls "${CALLS:-1000}" --alone | tail -n 25
printf '\nresident, after them\n'
table 0
stack_down
if ((too_much)); then
	echo "a program takes 64 MB or more while it is idle" >&2
	exit 1
fi
