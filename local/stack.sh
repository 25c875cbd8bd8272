#!/bin/bash
# stack.sh - the local stack: broker, Redis, producer, workers, notifier, in the background on 127.0.0.1
#
# usage: local/stack.sh up | down | add-worker | status
#
#   RUN_DIR=dir       where pids, logs, env and keys are kept; default build/run of this tree; `up` takes it if it is new,
#                     empty or of a former `up` (it has a file .callcast-stack), and clears it of what that one left
#   BIN_DIR=dir       where the programs are; default build/bin of this tree
#   BROKER=mock       in memory, the default; BROKER=kafka: a real Apache Kafka, one node
#   KAFKA=host:port   one that runs already     REDIS=host:port   likewise
#   REDIS_KEEP=yes    our Redis writes all to disk, so that it can be killed and started again while the stack is up
#   WORKERS=2         how many
#
# Settings of the programs come from the environment as ever (CALLCAST_SIM_RING=1s); add-worker and down go by those of `up`.
# Whatever `up` starts is in <name>.pid; `down` ends that and nothing else.
set -eu
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mkdir -p "${RUN_DIR:=$tree/build/run}"
dir=$(cd "$RUN_DIR" && pwd)
bin=$(cd "${BIN_DIR:-$tree/build/bin}" 2>/dev/null && pwd) || bin=${BIN_DIR:-$tree/build/bin}
partitions=${CALLCAST_COMMANDS_PARTITIONS:-32}
# shellcheck source=local/process.sh
source "$tree/local/process.sh"

say() {
	printf '%s\n' "$*"
}

# ---- whose folder it is: in a stranger's nothing is written, nothing removed ----

is_empty() {
	local file
	for file in "$dir"/* "$dir"/.[!.]* "$dir"/..?*; do
		if [[ (-e $file || -L $file) && $file != "$dir/.lock" ]]; then return 1; fi
	done
}

# What runs there as .started says is ours, too, whether the mark is there or not.
is_ours() {
	is_empty || [[ -f $dir/.callcast-stack ]] || any_alive
}

# The lock is taken already.  The mark is the first file, so that an `up` that was killed can be done again.
mark() {
	echo "local/stack.sh keeps a stack here; its next \`up\` removes what the last one left" >"$dir/.callcast-stack"
}

# Names that have a pid file, in the order in which they are stopped.
names() {
	local pattern file
	for pattern in producer 'worker-*' notifier broker redis; do
		for file in "$dir"/$pattern.pid; do
			[[ -e $file ]] || continue
			file=${file##*/}
			echo "${file%.pid}"
		done
	done
}

worker_names() {
	names | grep '^worker-' | sort -t- -k2n || true
}

# ---- env: what others need to know, as a shell can source it ----

known=(CALLCAST_ENDPOINT CALLCAST_ACCESS_KEY CALLCAST_CONNECTION_STRING CALLCAST_BEARER CALLCAST_WEBHOOK_SECRET
	CALLCAST_KAFKA CALLCAST_REDIS CALLCAST_PRODUCER_ADMIN CALLCAST_WORKER_ADMINS CALLCAST_NOTIFIER_ADMIN
	CALLCAST_SIM_LEDGER CALLCAST_TENANTS CALLCAST_API_KEY CALLCAST_API_CALLBACK)

# What `up` was told, for those who come later: not what env has, and that is this stack's own.
write_settings() {
	local name
	(umask 077 && : >"$dir/.settings")
	for name in "${!CALLCAST_@}"; do
		if [[ " ${known[*]} CALLCAST_CACHE " != *" $name "* ]]; then printf '%s=%q\n' "$name" "${!name}"; fi
	done >>"$dir/.settings"
}

# What the environment says now counts more.
read_settings() {
	local name line
	if [[ ! -f $dir/.settings ]]; then return; fi
	while IFS= read -r line; do
		name=${line%%=*}
		if [[ -z ${!name+set} ]]; then eval "export $line"; fi
	done <"$dir/.settings"
}

write_env() {
	local name
	(
		umask 077
		echo "# the local stack in $dir; sourced by a shell, it holds keys" >"$dir/env.new"
		for name in "${known[@]}"; do echo "$name='${!name:-}'" >>"$dir/env.new"; done
	)
	mv "$dir/env.new" "$dir/env"
}

# Random keys of this stack only; written once, the programs read the file.
write_tenants() {
	local server
	server=$(head -c 32 /dev/urandom | base64 -w0)
	CALLCAST_ACCESS_KEY=$(head -c 32 /dev/urandom | base64 -w0)
	CALLCAST_BEARER=$(head -c 24 /dev/urandom | base64 -w0 | tr '+/' '-_')
	CALLCAST_WEBHOOK_SECRET=whsec_$(head -c 32 /dev/urandom | base64 -w0)
	# shellcheck disable=SC2034  # written by write_env, by name
	CALLCAST_CONNECTION_STRING="endpoint=$CALLCAST_ENDPOINT/;accesskey=$CALLCAST_ACCESS_KEY"
	# what `callcast call` goes by; to hear of such calls, listen there
	# shellcheck disable=SC2034
	CALLCAST_API_KEY=$CALLCAST_CONNECTION_STRING CALLCAST_API_CALLBACK=${CALLCAST_API_CALLBACK:-http://127.0.0.1:9000/callback}
	CALLCAST_TENANTS=$dir/tenants.json
	(umask 077 && rm -f "$CALLCAST_TENANTS" && cat >"$CALLCAST_TENANTS") <<-END
		{
		  "serverKeys": [{ "number": 1, "key": "$server" }],
		  "tenants": [{
		    "name": "default",
		    "hosts": ["${CALLCAST_ENDPOINT#http://}"],
		    "accessKeys": ["$CALLCAST_ACCESS_KEY"],
		    "bearerKeys": ["$(printf %s "$CALLCAST_BEARER" | sha256sum | cut -d' ' -f1)"],
		    "webhookSecrets": ["$CALLCAST_WEBHOOK_SECRET"],
		    "defaultSource": { "phoneNumber": { "value": "+15555550100" } }
		  }]
		}
	END
}

# ---- up, step by step ----

start_broker() {
	local port
	if [[ -n ${KAFKA:-} ]]; then
		CALLCAST_KAFKA=$KAFKA
		say "broker    $KAFKA (there already)"
	elif [[ ${BROKER:-mock} == kafka ]]; then
		start_kafka
	elif [[ ${BROKER:-mock} == mock ]]; then
		process_port && port=$REPLY
		CALLCAST_KAFKA=127.0.0.1:$port
		process_start broker "$bin/callcast-broker" --listen "$CALLCAST_KAFKA" \
			--prefix "${CALLCAST_TOPIC_PREFIX:-}" --topics "calls.commands:$partitions,$(
				)calls.events:$partitions,calls.dead:$partitions,webhooks.dead:$partitions"
		process_wait broker 10 grep -q '^broker.ready' "$dir/broker.log"
		# 6 s, the default, is how long this one holds a group up when a worker comes or goes
		: "${CALLCAST_GROUP_SESSION:=4s}" && export CALLCAST_GROUP_SESSION
		echo "$CALLCAST_GROUP_SESSION" >"$dir/.group.session"
		say "broker    $CALLCAST_KAFKA (embedded, in memory: all is lost at \`down\`)"
	else
		say "BROKER must be mock or kafka, not $BROKER" >&2
		return 2
	fi
	if [[ -n ${KAFKA:-} || ${BROKER:-mock} == kafka ]]; then
		"$bin/callcast" topics create --kafka "$CALLCAST_KAFKA" --commands.partitions "$partitions"
	fi
}

start_kafka() {
	local port
	process_port && port=$REPLY
	CALLCAST_KAFKA=127.0.0.1:$port
	"$tree/tests/kafka/kafka.sh" start "$dir/kafka" "$port" >/dev/null 9>&-
	# it goes by the name of its role here, and is stopped like all others
	ln -sf kafka/kafka-1.log "$dir/broker.log"
	mv "$dir/kafka/kafka-1.pid" "$dir/broker.pid"
	mv "$dir/kafka/.kafka-1.started" "$dir/.broker.started"
	say "broker    $CALLCAST_KAFKA (Apache Kafka, one node)"
}

start_redis() {
	local port keep=no
	if [[ -n ${REDIS:-} ]]; then
		CALLCAST_REDIS=$REDIS
		say "redis     $REDIS (there already)"
		return
	fi
	process_port && port=$REPLY
	CALLCAST_REDIS=127.0.0.1:$port
	if [[ ${REDIS_KEEP:-no} == yes ]]; then keep=yes; fi
	mkdir -p "$dir/redis"
	# over its own restarts only: a Redis that knows of more than a new broker holds is of no use
	rm -rf "$dir/redis/"*
	process_start redis redis-server --port "$port" --bind 127.0.0.1 --dir "$dir/redis" --save '' \
		--appendonly "$keep" --appendfsync always --daemonize no --maxmemory-policy noeviction
	process_wait redis 10 redis-cli -p "$port" ping
	say "redis     $CALLCAST_REDIS"
}

# start_program NAME PROGRAM ADMIN_ADDRESS [ARGUMENT...]
start_program() {
	local name=$1 program=$2 admin=$3
	shift 3
	# the cache of Kafka's jars is no setting: they would warn of it
	process_start "$name" env -u CALLCAST_CACHE "$bin/callcast-$program" --kafka "$CALLCAST_KAFKA" --redis "$CALLCAST_REDIS" \
		--tenants "$CALLCAST_TENANTS" --admin.listen "$admin" "$@"
}

start_worker() {
	process_port
	start_program "$1" worker "127.0.0.1:$REPLY" --worker.name "$1" --sim.ledger "$CALLCAST_SIM_LEDGER"
	CALLCAST_WORKER_ADMINS+="${CALLCAST_WORKER_ADMINS:+ }127.0.0.1:$REPLY"
	echo "127.0.0.1:$REPLY" >"$dir/.$1.admin"
}

is_ready() {
	curl -fsS -m 2 --noproxy '*' "http://$1/readyz"
}

# All of them have been started before the first is waited for: so their group forms once.
wait_ready() {
	local name=$1 admin=$2
	if ! process_wait "$name" "${READY_SECONDS:-40}" is_ready "$admin"; then
		say "what it lacks: $(curl -sS -m 2 --noproxy '*' "http://$admin/readyz" 2>&1)" >&2
		return 1
	fi
}

start_programs() {
	local allow="127.0.0.0/8,::1/128" n name
	process_port && CALLCAST_PRODUCER_ADMIN=127.0.0.1:$REPLY
	process_port && CALLCAST_NOTIFIER_ADMIN=127.0.0.1:$REPLY
	start_program producer producer "$CALLCAST_PRODUCER_ADMIN" --http.listen "${CALLCAST_ENDPOINT#http://}" \
		--callbacks.allow "$allow"
	start_program notifier notifier "$CALLCAST_NOTIFIER_ADMIN" --callbacks.allow "$allow"
	for ((n = 1; n <= ${WORKERS:-2}; n++)); do start_worker "worker-$n"; done

	wait_ready producer "$CALLCAST_PRODUCER_ADMIN"
	wait_ready notifier "$CALLCAST_NOTIFIER_ADMIN"
	for name in $(worker_names); do wait_ready "$name" "$(<"$dir/.$name.admin")"; done
	say "producer  $CALLCAST_ENDPOINT"
	say "notifier  admin $CALLCAST_NOTIFIER_ADMIN"
	say "workers   ${WORKERS:-2}, admin $CALLCAST_WORKER_ADMINS"
}

# True: all runs.  Says what doesn't, of what has a pid file.
all_alive() {
	local name dead=0
	for name in $(names); do
		if ! process_pid "$name" >/dev/null; then
			say "$name does not run any more; the end of its log:" >&2
			process_tail "$name" 5 >&2
			dead=1
		fi
	done
	return $dead
}

any_alive() {
	local name
	for name in $(names); do
		if process_pid "$name" >/dev/null; then return 0; fi
	done
	return 1
}

check_programs() {
	local program
	[[ ${WORKERS:-2} =~ ^[0-9]{1,2}$ ]] || { say "WORKERS must be a number from 0 to 99, not $WORKERS" >&2 && exit 2; }
	for program in producer worker notifier broker; do
		if [[ ! -x $bin/callcast-$program ]]; then
			say "$bin/callcast-$program is missing: say \`make\`" >&2
			exit 1
		fi
	done
}

up() {
	if any_alive; then
		if ! all_alive; then
			say "the stack in $dir is half up: \`make down\`, then \`make up\`" >&2
			exit 1
		fi
		say "the stack is up already; next: set -a; . $dir/env; set +a"
		return
	fi
	check_programs
	mark
	stop_all >/dev/null # pid files of a former life
	rm -f "$dir"/{producer,worker-*,notifier,broker,redis}.log "$dir"/.*.admin "$dir/sim.ledger"
	write_settings
	trap 'failed' EXIT
	trap 'exit 130' INT TERM
	process_port && CALLCAST_ENDPOINT=http://127.0.0.1:$REPLY
	CALLCAST_SIM_LEDGER=$dir/sim.ledger # whatever the environment says: it may be another stack's
	CALLCAST_WORKER_ADMINS=
	write_tenants
	start_redis
	start_broker
	start_programs
	write_env
	trap - EXIT INT TERM
	say "up; next: set -a; . $dir/env; set +a"
}

failed() {
	local status=$?
	trap - EXIT INT TERM
	say "not up: stopping what was started; logs are in $dir" >&2
	stop_all >/dev/null
	exit "$status"
}

# How long a program may take to end, in seconds.  What drain.timeout can't be (1.5s, 1h) no program was started with.
drain_seconds() {
	local drain=${CALLCAST_DRAIN_TIMEOUT:-30s} seconds=30
	if [[ $drain =~ ^([0-9]{1,6})(ms|s|m)$ ]]; then
		case ${BASH_REMATCH[2]} in
		ms) seconds=$((10#${BASH_REMATCH[1]} / 1000)) ;;
		s) seconds=$((10#${BASH_REMATCH[1]})) ;;
		m) seconds=$((10#${BASH_REMATCH[1]} * 60)) ;;
		esac
	fi
	echo $(((seconds < 600 ? seconds : 600) + 5)) # 10m is its upper bound
}

# The drain time of a program is its own; the broker and Redis go when nobody needs them.
stop_all() {
	local workers drain
	# as `up` was told, for so long may its programs take
	drain=$([[ ! -f $dir/.settings ]] || unset CALLCAST_DRAIN_TIMEOUT; read_settings; drain_seconds)
	mapfile -t workers < <(worker_names)
	process_stop "$drain" producer
	process_stop "$drain" "${workers[@]}"
	process_stop "$drain" notifier
	process_stop 10 broker redis
	rm -rf "$dir/env" "$dir/kafka/"data-* "$dir"/.*.admin "$dir/.group.session" "$dir/.settings"
}

down() {
	if [[ -z $(names) ]]; then
		say "nothing is up in $dir"
		return
	fi
	stop_all
	say "down; logs are in $dir"
}

add_worker() {
	local name last
	if [[ ! -f $dir/env ]] || ! any_alive; then
		say "nothing is up in $dir: \`make up\` first" >&2
		exit 1
	fi
	# shellcheck source=/dev/null
	source "$dir/env"
	read_settings
	# a group's members must agree
	if [[ -f $dir/.group.session ]]; then
		CALLCAST_GROUP_SESSION=$(<"$dir/.group.session") && export CALLCAST_GROUP_SESSION
	fi
	last=$(worker_names | tail -n 1)
	name=worker-$((${last#worker-} + 1)) # never a name that was used before: the ledger names workers
	start_worker "$name"
	wait_ready "$name" "$(<"$dir/.$name.admin")" || { process_stop 5 "$name" && exit 1; }
	write_env
	say "$name     admin ${CALLCAST_WORKER_ADMINS##* }"
}

status() {
	local name pid
	if [[ -z $(names) ]]; then
		say "nothing is up in $dir"
		return
	fi
	for name in $(names); do
		pid=$(process_pid "$name") && pid="pid $pid" || pid="does not run any more"
		printf '%-10s %s\n' "$name" "$pid"
	done
}

if ! is_ours; then
	case ${1:-} in
	up)
		say "$dir is not empty, and no stack was ever up in it: RUN_DIR must be a folder of the stack's own" >&2
		exit 1
		;;
	add-worker) say "nothing is up in $dir: \`make up\` first" >&2 && exit 1 ;;
	down | status) say "nothing is up in $dir" && exit ;;
	esac
fi
exec 9>"$dir/.lock"
if ! flock -w 120 9; then
	say "another stack.sh works on $dir" >&2
	exit 1
fi
case ${1:-} in
up) up ;;
down) down ;;
add-worker) add_worker ;;
status) status ;;
*) sed -n '2,/^set/{s/^# \{0,1\}//p}' "$0" >&2 && exit 2 ;;
esac
