#!/bin/bash
# run.sh - the fault harness: real programs, a real Kafka, faults drawn from a seed, then the history is checked
#
# usage: tests/chaos/run.sh [--seed N] [--runs K] [--nodes 1|3] [--keep]
#        tests/chaos/run.sh fixed      the harness's own tests, then the seeds that `make test` runs
#        BIN_DIR=dir: programs built with kill points, as `make chaos-build` makes them
#
# Ends with `N passed, N failed`.  Exit code 75: no real Kafka can be had here.
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BIN_DIR=$(cd "${BIN_DIR:-$here/../../build/chaos/bin}" && pwd) && export BIN_DIR
cd "$here"
export PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
../kafka/kafka.sh jars >/dev/null
if [[ ${1:-} == fixed ]]; then
	shift
	set -- --own-tests --seeds 22,24,28,29 "$@"
fi
exec python3 run.py "$@"
