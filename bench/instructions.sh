#!/bin/bash
# instructions.sh - instructions of one step of a worker, counted by callgrind, beside those of another commit
# usage: [BUILD=build] [MAKE=make] bench/instructions.sh [COMMIT]
#
# The other commit's files are taken out of git into a folder of their own under
# $BUILD/bench; what is counted is this tree's program, linked with that commit's worker.
set -eu -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=${BUILD:=build}/bench/callgrind
read -r -a make <<<"${MAKE:-make}"
worlds=10 few=6 many=12
mkdir -p "$out"
if ! command -v valgrind >/dev/null; then
	echo "no valgrind: install the package of that name" >&2
	exit 1
fi

# count PROGRAM CALLS FILE: prints the steps, leaves callgrind's file
count() {
	valgrind -q --tool=callgrind --callgrind-out-file="$3" --compress-strings=no --compress-pos=no "$1" $worlds "$2" 2>"$3.log" ||
		{ cat "$3.log" >&2 && exit 1; }
}

# count_tree NAME PROGRAM: prints what callgrind_split.py says
count_tree() {
	local steps_few steps_many
	steps_few=$(count "$2" $few "$out/$1.few")
	steps_many=$(count "$2" $many "$out/$1.many")
	python3 bench/callgrind_split.py "$steps_few" "$out/$1.few" "$steps_many" "$out/$1.many"
}

# prints its folder
take_out() { # COMMIT
	local dir=$BUILD/bench/tree-$1
	mkdir -p "$dir"
	git archive "$1" | tar -x -C "$dir"
	cp bench/step_instructions.c bench/instructions.mk "$dir/bench/"
	echo "$dir"
}

"${make[@]}" BUILD="$BUILD" "$BUILD/bench/step_instructions" >&2
echo "this-tree $(count_tree this "$BUILD/bench/step_instructions")" >"$out/results"
if [[ -n ${1:-} ]]; then
	commit=$(git rev-parse --short "$1^{commit}")
	dir=$(take_out "$commit")
	# a folder of another name than ours: our make finds the dependencies that are noted in it
	"${make[@]}" -C "$dir" -f Makefile -f bench/instructions.mk BUILD=counted counted/bench/step_instructions >&2
	base="$commit $(count_tree "$commit" "$dir/counted/bench/step_instructions")"
	printf '%s\n' "$base" "$(<"$out/results")" >"$out/results"
fi
echo "instructions a step, difference of $worlds worlds with $many and with $few calls each"
echo "(worker: itself; lib, libraries: what it calls there; sum: of these; rest: the fakes and all that they call)"
python3 bench/medians.py ${1:+--ratio sum} commit "$out/results"
