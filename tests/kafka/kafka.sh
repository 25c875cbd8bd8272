#!/bin/bash
# kafka.sh - a real Apache Kafka on 127.0.0.1, in KRaft mode, for tests and the local stack
#
# usage: kafka.sh start DIR [--nodes N] [PORT...]   prints `bootstrap=host:port,...` once it is ready
#        kafka.sh stop DIR
#        kafka.sh jars                              fetches the jars, prints their folder
#
# Node n runs as DIR/kafka-n.pid with DIR/kafka-n.log.  Ports that are not given
# are free ones.  The jars are fetched once into ${CALLCAST_CACHE:-~/.cache/callcast}.
# Exit code 75: they can't be fetched, or there is no Java; callers decide what that means.
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=4.1.0
jars=${CALLCAST_CACHE:-$HOME/.cache/callcast}/kafka-$version
# shellcheck source=local/process.sh
source "$here/../../local/process.sh"

usage() {
	sed -n 's/^# usage: /usage: /p; s/^#  *kafka.sh/       kafka.sh/p' "$0" >&2
	exit 2
}

unavailable() {
	echo "Kafka's packages can't be fetched: real-broker tests are skipped ($1)" >&2
	exit 75
}

# Into a folder that gets its name last: a fetch cut short leaves nothing that looks whole.
fetch() {
	local copy=org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies
	if [[ -d $jars ]]; then return; fi
	command -v java >/dev/null || unavailable "no java; install default-jre-headless"
	command -v mvn >/dev/null || unavailable "no mvn; install maven"
	mkdir -p "${jars%/*}"
	exec 8>"$jars.lock"
	flock 8
	if [[ -d $jars ]]; then return; fi
	rm -rf "$jars.part"
	echo "fetching Apache Kafka $version (54 MB) into $jars" >&2
	timeout 300 mvn -q -B -f "$here/pom.xml" "$copy" -DincludeScope=runtime -DoutputDirectory="$jars.part" \
		>"$jars.fetch.log" 2>&1 8>&- || unavailable "$(grep -m1 ERROR "$jars.fetch.log" || echo "see $jars.fetch.log")"
	mv "$jars.part" "$jars"
	exec 8>&-
}

# properties NODE: ports of brokers and controllers are in the arrays `ports` and `controllers`
properties() {
	local node=$1 i voters=() all=${#ports[@]}
	for ((i = 0; i < all; i++)); do voters+=("$((i + 1))@127.0.0.1:${controllers[i]}"); done
	cat <<-END
		process.roles=broker,controller
		node.id=$node
		controller.quorum.voters=$(IFS=, && echo "${voters[*]}")
		listeners=PLAINTEXT://127.0.0.1:${ports[node - 1]},CONTROLLER://127.0.0.1:${controllers[node - 1]}
		advertised.listeners=PLAINTEXT://127.0.0.1:${ports[node - 1]}
		controller.listener.names=CONTROLLER
		inter.broker.listener.name=PLAINTEXT
		log.dirs=$dir/data-$node
		default.replication.factor=$all
		min.insync.replicas=$((all > 1 ? all - 1 : 1))
		offsets.topic.replication.factor=$all
		offsets.topic.num.partitions=8
		transaction.state.log.replication.factor=$all
		transaction.state.log.min.isr=1
		broker.session.timeout.ms=3000
		# a group's first assignment would wait 3 s for more members
		group.initial.rebalance.delay.ms=0
		group.min.session.timeout.ms=1000
		# a mistyped topic must be an error, not a new topic
		auto.create.topics.enable=false
	END
}

# All brokers are known to all, and not fenced off any more: only such are listed.
ready() {
	local listed
	listed=$(kcat -L -b "$bootstrap" -m 2 | grep -c '^  broker ') && ((listed == ${#ports[@]}))
}

start() {
	local nodes=1 node memory cluster
	dir=$(mkdir -p "$1" && cd "$1" && pwd)
	shift
	if [[ ${1:-} == --nodes ]]; then
		nodes=${2:?--nodes needs a number}
		shift 2
	fi
	[[ $nodes =~ ^[1-9]$ ]] || usage
	if process_pid kafka-1 >/dev/null; then
		echo "kafka.sh: one runs already in $dir" >&2
		exit 1
	fi
	fetch
	ports=("$@") controllers=()
	while ((${#ports[@]} < nodes)); do process_port && ports+=("$REPLY"); done
	while ((${#controllers[@]} < nodes)); do process_port && controllers+=("$REPLY"); done
	bootstrap=$(printf ',127.0.0.1:%s' "${ports[@]}") bootstrap=${bootstrap:1}
	memory=$((nodes > 1 ? 384 : 512))
	# any 16 bytes; kafka's own tool for it takes a second to start
	cluster=$(head -c 16 /dev/urandom | base64 | tr '+/' 'ab' | tr -d '=')

	trap 'stop_all' EXIT
	rm -rf "$dir"/data-* "$dir"/kafka-*.log
	for ((node = 1; node <= nodes; node++)); do
		properties "$node" >"$dir/kafka-$node.properties"
		timeout 60 java -Xmx128m -XX:TieredStopAtLevel=1 -cp "$jars/*" kafka.tools.StorageTool format \
			-t "$cluster" -c "$dir/kafka-$node.properties" >"$dir/kafka-$node.log" 2>&1 || { cat "$dir/kafka-$node.log" >&2 && exit 1; }
		process_start "kafka-$node" java "-Xmx${memory}m" -Xms128m -XX:+UseSerialGC -cp "$jars/*" \
			kafka.Kafka "$dir/kafka-$node.properties"
	done
	process_wait kafka-1 60 ready
	trap - EXIT
	echo "bootstrap=$bootstrap"
}

stop_all() {
	local file names=()
	for file in "$dir"/kafka-*.pid; do
		[[ -e $file ]] || continue
		file=${file##*/}
		names+=("${file%.pid}")
	done
	# it waits long for other nodes to take its partitions over: nothing here is worth that
	process_stop 10 "${names[@]}" 2>/dev/null
	rm -rf "$dir"/data-*
}

case ${1:-} in
start) shift && (($# >= 1)) || usage && start "$@" ;;
stop) (($# == 2)) || usage && dir=$2 && stop_all ;;
jars) fetch && echo "$jars" ;;
*) usage ;;
esac
