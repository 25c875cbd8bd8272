#!/bin/bash
# lateness.sh - how late steps are, against the phones' own schedule, while a worker is added, drained and killed
# usage: BROKER=kafka [RUNS=3] [CALLS=3000] [KINDS="added drained killed"] bench/lateness.sh      BIN_DIR as in local/stack.sh
#
# 3 workers; the change comes AFTER (6) seconds into the demo.  Fails where a bound
# is not kept: added, drained: 99 of 100 steps at most 500 ms late; killed: none
# later than the session timeout and 1 s.
set -eu -o pipefail
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export BIN_DIR=${BIN_DIR:-$tree/build/bin}
export RUN_DIR=${RUN_DIR:-$BIN_DIR/../bench/run-lateness} WORKERS=3
# the histogram can tell what is later than 5 s, and nothing between that and 10 s
export CALLCAST_GROUP_SESSION=${CALLCAST_GROUP_SESSION:-4s}
# a phone that nobody answers rings shorter than a person would wait to see the end
export CALLCAST_RING_TIMEOUT=${CALLCAST_RING_TIMEOUT:-8s}
# shellcheck source=bench/stack.sh
source "$tree/bench/stack.sh"
seen=$RUN_DIR/seen
seconds=${CALLCAST_GROUP_SESSION%s}
[[ $seconds =~ ^[0-9]+$ ]] || { echo "CALLCAST_GROUP_SESSION must be whole seconds, such as 4s" >&2 && exit 2; }

# The newest that each worker said of its steps, also of one that is gone.
look() {
	local file name
	for file in "$RUN_DIR"/.worker-*.admin; do
		name=${file##*/.}
		name=${name%.admin}
		if curl -fsS -m 1 --noproxy '*' "http://$(<"$file")/metrics" 2>/dev/null | grep '^callcast_step_late_seconds_bucket' >"$seen/.$name"; then
			mv "$seen/.$name" "$seen/$name"
		fi
	done
}

watch() {
	while :; do
		look
		sleep 0.1
	done
}

change() { # KIND
	case $1 in
	added) "$tree/local/stack.sh" add-worker >/dev/null ;;
	drained) kill -TERM "$(<"$RUN_DIR/worker-2.pid")" ;;
	killed)
		kill -KILL "$(<"$RUN_DIR/worker-2.pid")"
		rm -f "$seen/worker-2" "$seen/before/worker-2" # as the process itself: gone
		;;
	none) ;;
	esac
}

demo=
watcher=
# shellcheck disable=SC2317  # at the end, whatever that is
over() {
	local pid
	for pid in $demo $watcher; do kill "$pid" 2>/dev/null || true; done
	stack_down
}

# one_run KIND WHAT BOUND
one_run() {
	local good=yes
	stack_up
	trap over EXIT
	rm -rf "$seen" && mkdir -p "$seen/before"
	watch &
	watcher=$!
	"$BIN_DIR/callcast-demo" --contacts "$tree/examples/contacts.csv" --calls "${CALLS:-3000}" --alone >"$RUN_DIR/demo.log" 2>&1 &
	demo=$!
	sleep "${AFTER:-6}"
	find "$seen" -maxdepth 1 -name 'worker-*' -exec cp {} "$seen/before" \;
	change "$1"
	wait "$demo" || good=no
	demo=
	sleep 0.5
	kill "$watcher"
	wait "$watcher" || true
	watcher=
	look
	stack_down
	if [[ $good == no ]]; then
		echo "the demo itself failed; the end of $RUN_DIR/demo.log:" >&2
		tail -n 5 "$RUN_DIR/demo.log" >&2
		failed=1
	fi
	python3 "$tree/bench/lateness.py" "$1" "$2" "$3" "$seen" || failed=1
}

failed=0
echo "broker ${BROKER:-mock}, session timeout $CALLCAST_GROUP_SESSION, $(nproc) cores, load before it $(cut -d" " -f1 /proc/loadavg)"
python3 "$tree/bench/lateness.py" --head
for ((run = 1; run <= ${RUNS:-3}; run++)); do
	for kind in ${KINDS:-added drained killed}; do
		if [[ $kind == killed ]]; then one_run killed worst $((seconds + 1)); else one_run "$kind" p99 0.5; fi
	done
done
exit $failed
