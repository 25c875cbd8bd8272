# shellcheck shell=bash
# process.sh - processes in the background, by name: <dir>/<name>.pid and <dir>/<name>.log
#
# To be sourced; `dir` is set by who sources it.  A pid that was written down may
# belong to somebody else by now, so <dir>/.<name>.started keeps the start time
# that the kernel gave it, and nothing is signalled whose start time differs.

# When the process started, in ticks since this boot, and which boot; empty: no such process, or a zombie.
process_started() {
	local stat boot
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
	# the name in brackets may hold anything, so count from behind the last one
	read -r -a stat <<<"${stat##*) }"
	read -r boot </proc/sys/kernel/random/boot_id
	[[ ${stat[0]} == Z ]] || echo "${stat[19]} $boot"
}

# The pid of the one that we started, if it still runs; else nothing and false.
process_pid() {
	local pid started
	# shellcheck disable=SC2154  # dir comes from who sources this
	{ read -r pid <"$dir/$1.pid" && read -r started <"$dir/.$1.started"; } 2>/dev/null || return 1
	[[ $pid =~ ^[0-9]+$ && -n $started && $(process_started "$pid") == "$started" ]] || return 1
	echo "$pid"
}

# process_start NAME PROGRAM [ARGUMENT...]
process_start() {
	local name=$1 pid
	shift
	# a session of its own: a Ctrl-C in the terminal is for the script, not for it.  No descriptor of ours goes along.
	setsid "$@" </dev/null >>"$dir/$name.log" 2>&1 3>&- 9>&- &
	pid=$!
	disown "$pid"
	process_started "$pid" >"$dir/.$name.started"
	echo "$pid" >"$dir/$name.pid"
}

process_forget() {
	rm -f "$dir/$1.pid" "$dir/.$1.started"
}

process_signal() {
	local pid
	pid=$(process_pid "$2") && kill "-$1" "$pid" 2>/dev/null
}

# An ended process stays in the list until its parent, init by then, has read how: a moment that is waited for.
process_reaped() {
	local stat try
	for ((try = 0; try < 40; try++)); do
		{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
		[[ ${stat##*) } == Z* ]] || return 0
		sleep 0.05
	done
}

# process_stop SECONDS NAME...: asks all at once, waits, and after that many seconds uses force.
process_stop() {
	local limit=$((SECONDS + $1)) name pid ended
	shift
	for name; do process_signal TERM "$name" || true; done
	for name; do
		ended=
		while pid=$(process_pid "$name"); do
			ended=$pid
			if ((SECONDS >= limit)); then
				echo "$name did not end by itself in time: killed; the end of its log:" >&2
				process_tail "$name" >&2
				process_signal KILL "$name" || true
				limit=$((SECONDS + 5))
			fi
			sleep 0.05
		done
		if [[ -n $ended ]]; then process_reaped "$ended"; fi
		process_forget "$name"
	done
}

process_tail() {
	if [[ -f $dir/$1.log ]]; then tail -n "${2:-15}" "$dir/$1.log" | sed 's/^/    /'; fi
}

# A TCP port of 127.0.0.1 on which nobody listens, in REPLY.  Below the range from which
# the kernel serves outgoing connections, so that it is still free a moment later.
declare -A process_ports=()
process_port() {
	local try
	for ((try = 0; try < 200; try++)); do
		REPLY=$((20000 + SRANDOM % 12000))
		if [[ -z ${process_ports[$REPLY]:-} ]] && ! (exec 3<>"/dev/tcp/127.0.0.1/$REPLY") 2>/dev/null; then
			process_ports[$REPLY]=taken
			return 0
		fi
	done
	echo "no free port of 127.0.0.1 between 20000 and 31999" >&2
	return 1
}

# process_wait NAME SECONDS COMMAND...: until the command succeeds; false, with the log's end, if it doesn't.
process_wait() {
	local name=$1 limit=$((SECONDS + $2)) seconds=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		if ! process_pid "$name" >/dev/null; then
			echo "$name ended; the end of $dir/$name.log:" >&2
		elif ((SECONDS >= limit)); then
			echo "$name is not ready after $seconds s; the end of $dir/$name.log:" >&2
		else
			sleep 0.05
			continue
		fi
		process_tail "$name" >&2
		return 1
	done
}
