#!/bin/bash
# demo.sh - brings a stack of its own up, runs the demo on it, and takes all of it down again
# usage: local/demo.sh [callcast-demo's flags]      settings as in stack.sh (BROKER=kafka, WORKERS=n, ...)
set -eu
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# a stack that `make up` started is left alone
export RUN_DIR=${RUN_DIR:-$tree/build/demo}
bin=${BIN_DIR:-$tree/build/bin}

# phones that nobody answers ring shorter than a person would wait to see the end
export CALLCAST_RING_TIMEOUT=${CALLCAST_RING_TIMEOUT:-8s}

cleanup() {
	local status=$?
	trap '' INT TERM
	trap - EXIT
	"$tree/local/stack.sh" down >/dev/null || status=1
	exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

"$tree/local/stack.sh" down >/dev/null # of a demo that was killed
"$tree/local/stack.sh" up
set -a
# shellcheck source=/dev/null
source "$RUN_DIR/env"
set +a
# in the background, or a signal would wait until it ends
"$bin/callcast-demo" --contacts "$tree/examples/contacts.csv" --alone "$@" &
demo=$!
trap 'kill "$demo" 2>/dev/null; exit 130' INT
trap 'kill "$demo" 2>/dev/null; exit 143' TERM
wait "$demo"
