#!/bin/bash
# run.sh - tests of the local stack's scripts and of the demo; ends with `N passed, N failed`
# usage: [BROKER=kafka] tests/local/run.sh [TEST...]      BIN_DIR as in local/stack.sh
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
export BIN_DIR=${BIN_DIR:-$PWD/build/bin} BROKER=${BROKER:-mock} WORKERS=2
cache=${CALLCAST_CACHE:-$HOME/.cache/callcast}
unset RUN_DIR KAFKA REDIS "${!CALLCAST_@}"
export CALLCAST_CACHE=$cache
tmp=$(mktemp -d "${TMPDIR:-/tmp}/callcast-local.XXXXXX")
passed=0 failed=0

stack() {
	RUN_DIR=$tmp/$1 ./local/stack.sh "$2"
}

cleanup() {
	local run
	for run in "$tmp"/*/; do RUN_DIR=$run ./local/stack.sh down >/dev/null 2>&1; done
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# Each test runs in a subshell, which this ends.
fail() {
	printf 'line %s: %s\n' "${BASH_LINENO[0]}" "$*"
	exit 1
}

# Values of <run>/env.
value() {
	# shellcheck source=/dev/null
	(source "$tmp/$1/env" && echo "${!2}")
}

# The pid files that are there.
pids() {
	find "$tmp/$1" -maxdepth 1 -name '*.pid'
}

listening() {
	(exec 3<>"/dev/tcp/127.0.0.1/${1##*:}") 2>/dev/null
}

# ---- the stack ----

test_up_serves_and_down_leaves_nothing() {
	local pids name admin
	stack one up || fail "exit status $?"
	for name in ENDPOINT ACCESS_KEY CONNECTION_STRING BEARER WEBHOOK_SECRET KAFKA REDIS PRODUCER_ADMIN \
		WORKER_ADMINS NOTIFIER_ADMIN SIM_LEDGER; do
		grep -qE "^CALLCAST_$name='[^']+'$" "$tmp/one/env" || fail "no $name in env"
	done
	[[ $(stat -c %a "$tmp/one/env") == 600 && $(stat -c %a "$tmp/one/tenants.json") == 600 ]] ||
		fail "keys are readable by others"
	for name in producer worker-1 worker-2 notifier redis broker; do
		[[ -d /proc/$(<"$tmp/one/$name.pid") && -f $tmp/one/$name.log ]] || fail "no $name"
	done
	curl -fsS -o /dev/null "http://$(value one CALLCAST_PRODUCER_ADMIN)/readyz" || fail "exit status $?"
	[[ $(value one CALLCAST_WORKER_ADMINS | wc -w) == 2 ]] || fail "not two workers"

	pids=$(cat "$tmp"/one/*.pid)
	admin="$(value one CALLCAST_WORKER_ADMINS) $(value one CALLCAST_KAFKA) $(value one CALLCAST_REDIS) $(value one CALLCAST_ENDPOINT)"
	stack one down || fail "exit status $?"
	for name in $pids; do [[ ! -d /proc/$name ]] || fail "pid $name is left"; done
	for name in $admin; do ! listening "$name" || fail "$name still listens"; done
	[[ ! -e $tmp/one/env && -z $(pids one) ]] || fail "env or pid files are left"
}

test_up_twice_and_two_beside_each_other() {
	local before
	stack one up || fail "exit status $?"
	before=$(cat "$tmp"/one/*.pid)
	[[ $(stack one up) == *"up already"* ]] || fail "the second up"
	stack two up || fail "exit status $?"
	stack two down || fail "exit status $?"
	[[ $(cat "$tmp"/one/*.pid) == "$before" ]] || fail "pids changed"
	for pid in $before; do [[ -d /proc/$pid ]] || fail "$pid died"; done
	stack one down
}

test_add_worker() {
	stack one up || fail "exit status $?"
	stack one add-worker || fail "exit status $?"
	[[ -d /proc/$(<"$tmp/one/worker-3.pid") ]] || fail "no third worker"
	[[ $(value one CALLCAST_WORKER_ADMINS | wc -w) == 3 ]] || fail "env does not know it"
	stack one down
}

# A former run's folder is cleared; one that holds anything else is not touched.
test_a_strangers_folder_is_left_alone() {
	local output before word
	mkdir -p "$tmp/mine/redis" "$tmp/mine/kafka/data-1"
	echo precious | tee "$tmp/mine/mine.log" "$tmp/mine/redis/precious" "$tmp/mine/redis.pid" "$tmp/mine/env" >"$tmp/mine/kafka/data-1/x"
	before=$(cd "$tmp/mine" && find . -type f | sort)
	if output=$(stack mine up 2>&1); then fail "came up"; fi
	[[ $output == *"$tmp/mine is not empty"*RUN_DIR* ]] || fail "$output"
	for word in down status; do [[ $(stack mine $word) == *"nothing is up"* ]] || fail "$word"; done
	if stack mine add-worker; then fail "add-worker said yes"; fi
	[[ $(cd "$tmp/mine" && find . -type f | sort) == "$before" ]] || fail "something came or went"
}

test_up_takes_its_own_folder_again() {
	mkdir -p "$tmp/one"
	stack one up || fail "an empty folder: exit status $?"
	stack one down || fail "exit status $?"
	echo mine >"$tmp/one/mine.log"
	WORKERS=0 stack one up || fail "its own: exit status $?"
	[[ -f $tmp/one/mine.log ]] || fail "removed a log that is none of its programs'"
	stack one down
}

test_make_clean_takes_a_stack_down_first() {
	local pids pid
	WORKERS=0 RUN_DIR=$tmp/build/run ./local/stack.sh up || fail "exit status $?"
	pids=$(cat "$tmp"/build/run/*.pid)
	make --no-print-directory BUILD="$tmp/build" DEPS=no clean || fail "exit status $?"
	for pid in $pids; do [[ ! -d /proc/$pid ]] || fail "pid $pid is left"; done
	[[ ! -e $tmp/build ]] || fail "build is left"
}

test_up_says_what_died() {
	local output
	stack one up >/dev/null || fail "exit status $?"
	kill -9 "$(<"$tmp/one/worker-2.pid")"
	sleep 0.2
	if output=$(stack one up 2>&1); then fail "up said yes"; fi
	[[ $output == *"worker-2 does not run"* ]] || fail "$output"
	stack one down
}

test_a_failed_up_cleans_up() {
	local output
	if output=$(CALLCAST_RING_TIMEOUT=never stack one up 2>&1); then fail "came up"; fi
	[[ $output == *ring.timeout* ]] || fail "the reason is not told: $output"
	[[ -z $(pids one) ]] || fail "pid files are left"
}

test_a_recycled_pid_is_spared() {
	local other
	mkdir -p "$tmp/one"
	touch "$tmp/one/.callcast-stack"
	sleep 60 &
	other=$!
	echo "$other" >"$tmp/one/producer.pid"
	echo "1 not-this-boot" >"$tmp/one/.producer.started"
	stack one down >/dev/null
	kill -0 "$other" || fail "killed a stranger"
	kill "$other"
	wait "$other" 2>/dev/null
	[[ ! -e $tmp/one/producer.pid ]] || fail "the stale file is left"
	[[ $(stack one down) == *"nothing is up"* ]] || fail "down with nothing up"
}

test_existing_kafka_and_redis_are_used_and_left() {
	local kafka redis
	stack one up || fail "exit status $?"
	kafka=$(value one CALLCAST_KAFKA) redis=$(value one CALLCAST_REDIS)
	CALLCAST_TOPIC_PREFIX='' KAFKA=$kafka REDIS=$redis WORKERS=0 stack two up || fail "exit status $?"
	[[ ! -e $tmp/two/broker.pid && ! -e $tmp/two/redis.pid ]] || fail "started its own"
	stack two down || fail "exit status $?"
	listening "$kafka" || fail "took Kafka down"
	listening "$redis" || fail "took Redis down"
	stack one down
}

# Only `up` was told of them.
test_settings_of_up_hold_for_those_who_come_later() {
	CALLCAST_TOPIC_PREFIX=x. CALLCAST_SIM_LEDGER=$tmp/other.ledger WORKERS=1 stack one up || fail "exit status $?"
	[[ $(stat -c %a "$tmp/one/.settings") == 600 ]] || fail "readable by others"
	[[ $(value one CALLCAST_SIM_LEDGER) == "$tmp/one/sim.ledger" ]] || fail "another's ledger"
	stack one add-worker || fail "exit status $?"
	tr '\0' '\n' <"/proc/$(<"$tmp/one/worker-2.pid")/environ" | grep -qx CALLCAST_TOPIC_PREFIX=x. || fail "the new worker has no prefix"
	# none that a program takes; it must not keep the stack up
	CALLCAST_DRAIN_TIMEOUT=1.5s stack one down || fail "exit status $?"
	[[ -z $(pids one) && ! -e $tmp/one/.settings ]] || fail "something is left"
	CALLCAST_DRAIN_TIMEOUT=1h stack one down || fail "exit status $?"
}

test_down_waits_as_long_as_up_was_told() {
	local word
	for word in 30s:35 900ms:5 2m:125 08s:13 10m:605 999999m:605 1.5s:35 1h:35 never:35; do
		(
			# shellcheck disable=SC2030  # this shell's alone
			export CALLCAST_DRAIN_TIMEOUT=${word%:*}
			eval "$(sed -n '/^drain_seconds()/,/^}/p' local/stack.sh)"
			[[ $(drain_seconds) == "${word#*:}" ]]
		) || fail "$word"
	done
}

# ---- the demo ----

test_the_demo_ends_well() {
	local output
	output=$(RUN_DIR=$tmp/demo ./local/demo.sh --quick) || fail "$output"
	[[ $output == *"40 of 40 calls ended"* && $output == *" 0 out of order"* ]] || fail "$output"
	[[ -z $(pids demo) ]] || fail "something is left"
}

test_the_demo_stops_all_when_interrupted() {
	local demo pids pid
	RUN_DIR=$tmp/demo setsid ./local/demo.sh >"$tmp/demo.out" 2>&1 &
	demo=$!
	for ((i = 0; i < 600; i++)); do
		[[ -f $tmp/demo/env ]] && break
		sleep 0.1
	done
	pids=$(cat "$tmp"/demo/*.pid)
	[[ -n $pids ]] || fail "it did not come up: $(cat "$tmp/demo.out")"
	kill -TERM "$demo"
	wait "$demo"
	for pid in $pids; do [[ ! -d /proc/$pid ]] || fail "pid $pid is left"; done
}

# contacts TEXT WANTED: what the demo says to such a file
contacts() {
	local output
	printf %b "$1" >"$tmp/contacts.csv"
	output=$(CALLCAST_ENDPOINT=http://127.0.0.1:1 CALLCAST_ACCESS_KEY=YQ== CALLCAST_WEBHOOK_SECRET=whsec_YQ== \
		"$BIN_DIR/callcast-demo" --contacts "$tmp/contacts.csv" --timeout 1 2>&1)
	[[ $output == *"$2"* ]] || fail "$1: $output"
}

test_bad_contacts_are_named_by_line() {
	local head='name,number,note\n'
	contacts 'nope\n' 'contacts.csv:1: the first line' || fail "exit status $?"
	contacts "${head}" 'no contacts' || fail "exit status $?"
	contacts "${head}Ann,+46701740605,\nBo,0701740605,\n" 'contacts.csv:3: the number must begin with +' || fail "exit status $?"
	contacts "${head}Ann,+4670x,\n" 'contacts.csv:2: the number holds more' || fail "exit status $?"
	contacts "${head}Ann,+460,\n" 'contacts.csv:2: the number must have 7' || fail "exit status $?"
	contacts "${head}Ann\n" 'contacts.csv:2: no number' || fail "exit status $?"
	contacts "${head},+46701740605,\n" 'contacts.csv:2: the name is empty' || fail "exit status $?"
	contacts "${head}Ann,+46701740605,a,b\n" 'contacts.csv:2: more than three' || fail "exit status $?"
	contacts "${head}\"Ann,+46701740605\n" 'contacts.csv:2: a quoted field' || fail "exit status $?"
	contacts "${head}\"Ann \"\"A\"\", B\",+46701740605,\"x, y\"\r\n" 'calling 1 people'
}

# ---- the parts ----

test_broker_refuses_what_it_cannot_do() {
	local port=$((20000 + RANDOM % 10000)) broker
	! "$BIN_DIR/callcast-broker" --listen 0.0.0.0:1 2>/dev/null || fail "0.0.0.0"
	! "$BIN_DIR/callcast-broker" --topics x 2>/dev/null || fail "a topic without count"
	"$BIN_DIR/callcast-broker" --listen "127.0.0.1:$port" --prefix p. --topics a:3 >"$tmp/broker.out" 2>&1 &
	broker=$!
	for ((i = 0; i < 50; i++)); do
		grep -q broker.ready "$tmp/broker.out" && break
		sleep 0.1
	done
	grep -q "bootstrap=127.0.0.1:$port" "$tmp/broker.out" || fail "not at its port"
	"$BIN_DIR/callcast-broker" --listen "127.0.0.1:$port" >"$tmp/second.out" 2>&1
	(($? == 1)) || fail "a second one started"
	grep -q 'already in use' "$tmp/second.out" || fail "a second one at the port"
	kcat -L -b "127.0.0.1:$port" 2>/dev/null | grep -q 'topic "p.a" with 3 partitions' || fail "topics"
	kill "$broker"
	wait "$broker" || fail "SIGTERM: exit status $?"
}

test_no_maven_is_said() {
	local output status
	mkdir -p "$tmp/bin"
	for tool in bash dirname mkdir sed; do ln -sf "$(command -v $tool)" "$tmp/bin/$tool"; done
	output=$(PATH=$tmp/bin CALLCAST_CACHE=$tmp/cache ./tests/kafka/kafka.sh jars 2>&1)
	status=$?
	[[ $status == 75 && $output == *"can't be fetched"* ]] || fail "$status $output"
}

test_packages_that_are_there() {
	local output
	output=$(./local/packages.sh build test 2>&1) || fail "$output"
	[[ -z $output ]] || fail "$output"
	if ./local/packages.sh nosuchgroup 2>/dev/null; then fail "an unknown group"; fi
}

# apt-get stands in; whether a service could have been started while it ran is what it says.
test_packages_start_no_service() {
	local output file=$tmp/policy
	mkdir -p "$tmp/apt"
	printf '#!/bin/sh\nexit 1\n' >"$tmp/apt/dpkg-query"
	printf '#!/bin/sh\nexec "$@"\n' >"$tmp/apt/sudo"
	# shellcheck disable=SC2016  # for the script
	printf '#!/bin/sh\n%s; echo "policy $?"\nexit "${APT_STATUS:-0}"\n' "$file" >"$tmp/apt/apt-get"
	chmod +x "$tmp"/apt/*
	output=$(PATH=$tmp/apt:$PATH TMPDIR=$tmp POLICY_FILE=$file ./local/packages.sh openapi 2>&1) || fail "$output"
	[[ $output == *"no service is started"*"policy 101"* && ! -e $file ]] || fail "$output"
	if APT_STATUS=1 PATH=$tmp/apt:$PATH TMPDIR=$tmp POLICY_FILE=$file ./local/packages.sh openapi >/dev/null 2>&1; then
		fail "apt-get failed, and nobody said it"
	fi
	[[ ! -e $file ]] || fail "left after a failure"
	printf '#!/bin/sh\nexit 42\n' >"$file" && chmod +x "$file"
	output=$(PATH=$tmp/apt:$PATH TMPDIR=$tmp POLICY_FILE=$file ./local/packages.sh openapi 2>&1) || fail "$output"
	[[ $output == *"policy 42"* && $output != *"no service"* ]] || fail "$output"
	[[ $(tail -n 1 "$file") == "exit 42" ]] || fail "touched what was there"
}

test_tool() {
	local output
	stack one up >/dev/null || fail "exit status $?"
	output=$("$BIN_DIR/callcast" topics create --kafka "$(value one CALLCAST_KAFKA)") || fail "$output"
	[[ $(grep -c 'there already' <<<"$output") == 4 ]] || fail "$output"
	"$BIN_DIR/callcast" show --kafka "$(value one CALLCAST_KAFKA)" --redis "$(value one CALLCAST_REDIS)" \
		AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA 2>/dev/null
	[[ $? == 3 ]] || fail "a call that never was"
	"$BIN_DIR/callcast" show nonsense 2>/dev/null
	[[ $? == 2 ]] || fail "no id"
	diff <("$BIN_DIR/callcast" settings --example) examples/callcast.conf || fail "example is old"
	show_a_call || fail "exit status $?"
	stack one down
}

# One call over HTTP with a bearer key, then what `show` tells of it.
show_a_call() {
	local id output
	id=$(curl -fsS -H "Authorization: Bearer $(value one CALLCAST_BEARER)" -H 'Content-Type: application/json' \
		-d '{"targets":[{"phoneNumber":{"value":"+15555550120"}}],"callbackUri":"http://127.0.0.1:9/x?secret=1",
		"requestedModalities":["audio"],"requestedCallEvents":[]}' "$(value one CALLCAST_ENDPOINT)/calls") ||
		fail "create: $id"
	id=${id##*\"callLegId\":\"} id=${id%%\"*}
	for ((i = 0; i < 100; i++)); do
		output=$("$BIN_DIR/callcast" show --kafka "$(value one CALLCAST_KAFKA)" --redis "$(value one CALLCAST_REDIS)" "$id" 2>&1)
		[[ $output == *terminated*"outcome      busy"* ]] && break
		sleep 0.1
	done
	[[ $output == *"outcome      busy"* && $output == *CallLegStateChanged* ]] || fail "$output"
	[[ $output != *secret* && $output != *5555550120* ]] || fail "shown in full: $output"
	output=$("$BIN_DIR/callcast" show --full --json --kafka "$(value one CALLCAST_KAFKA)" \
		--redis "$(value one CALLCAST_REDIS)" "$id")
	[[ $output == *+15555550120* && $output != *secret* ]] || fail "not in full: $output"
}

# ---- all of them ----

if (($# == 0)); then
	mapfile -t tests < <(declare -F | sed -n 's/^declare -f \(test_.*\)/\1/p')
	set -- "${tests[@]}"
fi
for name; do
	start=$SECONDS
	if output=$("$name" 2>&1); then
		passed=$((passed + 1))
		printf '[       OK ] %-50s %3d s\n' "$name" $((SECONDS - start))
	else
		failed=$((failed + 1))
		printf '%s\n[  FAILED  ] %s\n' "$output" "$name"
		stack one down >/dev/null 2>&1
		stack two down >/dev/null 2>&1
	fi
done
printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
