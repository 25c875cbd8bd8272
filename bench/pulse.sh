# shellcheck shell=bash
# pulse.sh - for benchmarks to source: workers whose phones pulse, a private Redis and a broker, and what they do in 5 s
#
# `tree`, `dir` and `bin` are set by who sources this, and local/process.sh is sourced.
# shellcheck disable=SC2154  # they come from who sources this
# BROKER=mock, the default, or kafka.  One Kafka serves all runs, warm; each run has topics of its own in it.
pulse_seconds=${SECONDS_MEASURED:-5}
pulse_partitions=32
pulse_runs=0

pulse_programs() {
	local program
	for program in bin/callcast bin/callcast-broker bench/pulse_worker bench/commands; do
		if [[ ! -x $bin/../$program ]]; then
			echo "$bin/../$program is missing: say \`make bench-workers\`" >&2
			exit 1
		fi
	done
}

# ---- what they stand on ----

pulse_redis() {
	process_port
	export CALLCAST_REDIS=127.0.0.1:$REPLY
	process_start redis redis-server --port "$REPLY" --bind 127.0.0.1 --dir "$dir" --save '' --appendonly no \
		--daemonize no --maxmemory-policy noeviction
	process_wait redis 10 redis-cli -p "$REPLY" ping
}

pulse_mock() {
	process_port
	export CALLCAST_KAFKA=127.0.0.1:$REPLY CALLCAST_GROUP_SESSION=${CALLCAST_GROUP_SESSION:-4s}
	process_start broker "$bin/callcast-broker" --listen "$CALLCAST_KAFKA" --topics "$(
		printf '%s' "calls.commands:$pulse_partitions,calls.events:$pulse_partitions,"
	)calls.dead:$pulse_partitions,webhooks.dead:$pulse_partitions"
	process_wait broker 10 grep -q '^broker.ready' "$dir/broker.log"
}

pulse_kafka() {
	if ! process_pid broker >/dev/null; then
		process_port
		export CALLCAST_KAFKA=127.0.0.1:$REPLY
		"$tree/tests/kafka/kafka.sh" start "$dir/kafka" "$REPLY" >/dev/null
		mv "$dir/kafka/kafka-1.pid" "$dir/broker.pid"
		mv "$dir/kafka/.kafka-1.started" "$dir/.broker.started"
	fi
	export CALLCAST_TOPIC_PREFIX=run$pulse_runs.
	"$bin/callcast" topics create --kafka "$CALLCAST_KAFKA" --topic.prefix "$CALLCAST_TOPIC_PREFIX" \
		--commands.partitions "$pulse_partitions" >/dev/null
}

# ---- workers ----

pulse_metric() { # ADMIN NAME
	curl -fsS -m 5 --noproxy '*' "http://$1/metrics" | awk -v name="$2" '$1 == name { print $2; found = 1 } END { exit !found }'
}

pulse_all_ready() {
	local admin
	for admin in "${pulse_admins[@]}"; do
		curl -fsS -m 2 --noproxy '*' "http://$admin/readyz" >/dev/null || return 1
	done
}

# pulse_connected -le N: so many phones are, over all workers
pulse_connected() {
	local admin sum=0
	for admin in "${pulse_admins[@]}"; do sum=$((sum + $(pulse_metric "$admin" bench_phones))); done
	test "$sum" "$1" "$2"
}

# pulse_up WORKERS: none has a call yet
pulse_up() {
	local n
	pulse_runs=$((pulse_runs + 1)) pulse_workers=() pulse_admins=()
	rm -f "$dir"/*.log "$dir"/*.samples
	pulse_redis
	if [[ ${BROKER:-mock} == kafka ]]; then pulse_kafka; else pulse_mock; fi
	for ((n = 1; n <= $1; n++)); do
		process_port
		PULSE_SAMPLES=$dir/worker-$n.samples process_start "worker-$n" "$bin/../bench/pulse_worker" \
			--admin.listen "127.0.0.1:$REPLY" --worker.name "worker-$n"
		pulse_workers+=("worker-$n")
		pulse_admins+=("127.0.0.1:$REPLY")
	done
	process_wait worker-1 60 pulse_all_ready
}

# pulse_calls FIRST COUNT PHONE
pulse_calls() {
	"$bin/../bench/commands" create "$@"
}

pulse_wait_connected() {
	process_wait worker-1 30 pulse_connected -eq "$1"
}

# pulse_down CALLS LEFT: these are hung up first, or each worker that ends would look for a new owner of them.  LEFT phones
# may stay: a stuck call hears of nothing, nor does a call whose hang-up stands behind its commands.
pulse_down() {
	"$bin/../bench/commands" hangup 0 "$1"
	process_wait worker-1 20 pulse_connected -le "$2"
	process_stop 15 "${pulse_workers[@]}"
	process_stop 10 redis
	if [[ ${BROKER:-mock} != kafka ]]; then process_stop 10 broker; fi
}

pulse_stop_all() {
	process_stop 10 "${pulse_workers[@]}" broker redis
	rm -rf "$dir"/kafka/data-*
}

# ---- what they do ----

pulse_cpu() { # of a process, in ticks of 10 ms
	local stat
	read -r stat <"/proc/$(process_pid "$1")/stat"
	read -r -a stat <<<"${stat##*) }"
	echo $((stat[11] + stat[12]))
}

# A line a worker: when, in us, and how many steps; then a line a process: its CPU; and that of the whole machine.
pulse_look() {
	local i name
	for i in "${!pulse_workers[@]}"; do
		echo "steps ${EPOCHREALTIME/./} $(pulse_metric "${pulse_admins[i]}" callcast_steps_total)"
	done
	for name in "${pulse_workers[@]}" redis broker; do echo "cpu ${name%-*} $(pulse_cpu "$name")"; done
	awk '$1 == "cpu" { print "cpu machine", $2 + $3 + $4 + $7 + $8 }' /proc/stat
}

# Steps a second and CPU seconds, from what was seen before and after.  `others`: what else the machine did.
pulse_rates() { # BEFORE AFTER
	paste -d ' ' "$1" "$2" | awk '
		$1 == "steps" { rate += ($6 - $3) / ($5 - $2) * 1e6 }
		$1 == "cpu" { cpu[$2] += ($6 - $3) / 100; n[$2]++ }
		END {
			all = cpu["worker"] + cpu["redis"] + cpu["broker"]
			others = cpu["machine"] > all ? cpu["machine"] - all : 0 # the machine is counted by the tick: about
			printf "steps/s=%.0f cpu-a-worker=%.2f cpu-redis=%.2f cpu-broker=%.2f cpu-all=%.2f cpu-others=%.2f", rate,
				cpu["worker"] / n["worker"], cpu["redis"], cpu["broker"], all, others
		}'
}

# From a pulse to the answer of its step's save, ms; of those that were answered between the two moments.
pulse_quantiles() { # FROM TO, us
	cat "$dir"/worker-*.samples | awk -v from="$1" -v to="$2" '$1 >= from && $1 <= to { print $2 }' | sort -n | awk '
		{ took[NR] = $1 }
		END { if (NR) printf "p50=%.2f p99=%.2f", took[int((NR + 1) / 2)] / 1000, took[int(NR * 0.99) + (NR < 100)] / 1000 }'
}

# pulse_measure LABEL CALLS LEFT: 2 s to settle, then the measurement; ends calls and workers; prints `LABEL name=value ...`
pulse_measure() {
	local from to
	sleep 2
	pulse_look >"$dir/before"
	from=${EPOCHREALTIME/./}
	sleep "$pulse_seconds"
	to=${EPOCHREALTIME/./}
	pulse_look >"$dir/after"
	pulse_down "$2" "$3"
	echo "$1 $(pulse_rates "$dir/before" "$dir/after") $(pulse_quantiles "$from" "$to")"
}
