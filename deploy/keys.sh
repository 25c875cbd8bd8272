#!/bin/bash
# keys.sh - the keys of a stack in containers: made at its first start, kept in a volume; in the image as callcast-keys
#
# usage: callcast-keys make     makes a server key, the keys of one tenant and the tenants file, if there is none yet
#        callcast-keys show     what an app needs, as a shell can source it; it holds keys
#        callcast-keys put      takes a tenants file of your own from standard input, if the producer would;
#                               the one before is kept as tenants.json.former
#        callcast-keys run COMMAND...        with what `show` says in its environment
#
#   KEYS_DIR=dir                where they are kept; default /keys
#   CALLCAST_ENDPOINT=url       where the API is, for `show`
set -euo pipefail
dir=${KEYS_DIR:-/keys}
file=$dir/tenants.json
umask 077

random() {
	head -c "$1" /dev/urandom | base64 -w0
}

# What the tenants file holds of a bearer key is its hash: so the keys stand in a file of their own, too.
make_keys() {
	local access bearer secret
	mkdir -p "$dir"
	if [[ -e $file ]]; then
		echo "$file is there already"
		return
	fi
	access=$(random 32) bearer=$(random 24 | tr '+/' '-_') secret=whsec_$(random 32)
	printf '%s\n' "CALLCAST_ACCESS_KEY='$access'" "CALLCAST_BEARER='$bearer'" "CALLCAST_WEBHOOK_SECRET='$secret'" >"$dir/env"
	printf '%s\n' \
		'{' \
		"  \"serverKeys\": [{ \"number\": 1, \"key\": \"$(random 32)\" }]," \
		'  "tenants": [{' \
		'    "name": "default",' \
		"    \"accessKeys\": [\"$access\"]," \
		"    \"bearerKeys\": [\"$(printf %s "$bearer" | sha256sum | cut -d' ' -f1)\"]," \
		"    \"webhookSecrets\": [\"$secret\"]," \
		'    "defaultSource": { "phoneNumber": { "value": "+15555550100" } }' \
		'  }]' \
		'}' >"$file.new"
	mv "$file.new" "$file" # last, and at once: one that is there is whole
	echo "$file is made"
}

show() {
	local endpoint=${CALLCAST_ENDPOINT:-http://127.0.0.1:8080} connection
	if [[ ! -e $dir/env ]]; then
		echo "callcast-keys: the tenants file is your own, or not made yet: nothing to show" >&2
		exit 1
	fi
	# shellcheck source=/dev/null
	source "$dir/env"
	connection="endpoint=$endpoint/;accesskey=$CALLCAST_ACCESS_KEY"
	# the tool knows the connection string by the name of its setting
	printf '%s\n' "CALLCAST_ENDPOINT='$endpoint'" "CALLCAST_CONNECTION_STRING='$connection'" "CALLCAST_API_KEY='$connection'"
	cat "$dir/env"
}

# The producer itself reads it: it says what is wrong, or goes on until it listens, on a port that nobody knows.
check() {
	local line reader why="callcast-producer does not say whether it is good"
	exec 3< <(exec timeout 20 callcast-producer --tenants "$1" --kafka 127.0.0.1:1 --redis 127.0.0.1:1 --log.level info \
		--http.listen 127.0.0.1:0 --admin.listen 127.0.0.1:0 --drain.timeout 100ms 2>&1)
	reader=$!
	while read -r line <&3; do
		case $line in
		*http.listening*) why= && break ;;
		*producer.refused*) why=${line#*reason=} && break ;;
		esac
	done
	exec 3<&-
	kill "$reader" 2>/dev/null || true
	if [[ -n $why ]]; then
		echo "callcast-keys: refused, and nothing is changed: $why" >&2
		return 1
	fi
}

put() {
	trap 'rm -f "$file.new"' EXIT
	cat >"$file.new"
	if [[ ! -s $file.new ]]; then
		echo "callcast-keys: no tenants file on standard input" >&2
		exit 1
	fi
	check "$file.new"
	# the server keys are nowhere else
	if [[ -e $file ]]; then cp "$file" "$file.former"; fi
	rm -f "$dir/env" # of the keys that this one replaces
	mv "$file.new" "$file"
	echo "$file is yours; now send SIGHUP to producer and notifier"
}

run() {
	local words
	words=$(show)
	set -a
	eval "$words"
	exec "$@"
}

usage() {
	sed -n '2,/^set/{s/^# \{0,1\}//p}' "$0" >&2 && exit 2
}

case ${1:-} in
make) make_keys ;;
show) show ;;
put) put ;;
run)
	shift
	if (($# == 0)); then usage; fi
	run "$@"
	;;
*) usage ;;
esac
