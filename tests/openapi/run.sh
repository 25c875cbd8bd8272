#!/bin/bash
# run.sh - the API's document against the real producer, with schemathesis: cases that it generates from the document
#
# usage: tests/openapi/run.sh [CASES [SEED]]     5000 and 1     BIN_DIR=dir: where the programs are
#
# Its packages come from PyPI, by version, into a virtual environment under build/; so this is no part of `make test`.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")"
venv=$(cd ../.. && pwd)/build/schemathesis
if ! cmp -s requirements.txt "$venv/requirements.txt"; then
	python3 -m venv --clear "$venv"
	"$venv/bin/pip" install -q --disable-pip-version-check -r requirements.txt
	cp requirements.txt "$venv/"
fi
export PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
exec "$venv/bin/python" run.py "${1:-5000}" "${2:-1}"
