#!/bin/bash
# run.sh - end to end: real programs, real HTTP, on the embedded broker or on a real Kafka
#
# usage: tests/e2e/run.sh [mock|kafka] [TEST...]     such as: run.sh kafka test_kill
#        BIN_DIR=dir: where the programs are; BROKER=kafka is the same as the word
#
# Ends with `N passed, N failed`.  Exit code 75: no real Kafka can be had here.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")"
case ${1:-} in
mock | kafka) BROKER=$1 && shift ;;
esac
export BROKER=${BROKER:-mock} PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
if [[ $BROKER == kafka ]]; then ../kafka/kafka.sh jars >/dev/null; fi
# a python3 that is not Debian's does not see Debian's python3-jsonschema
python=python3
if ! $python -c 'import jsonschema' 2>/dev/null; then python=/usr/bin/python3; fi
exec $python run.py "$@"
