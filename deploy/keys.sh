#!/bin/bash
# keys.sh - the keys of a stack in containers: made at its first start, kept in a volume; in the image as callcast-keys
#
# usage: callcast-keys make     makes a server key, the keys of one tenant and the tenants file, if there is none yet
#        callcast-keys show     what an app needs, as a shell can source it; it holds keys
#        callcast-keys put      takes a tenants file of your own from standard input
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

put() {
	cat >"$file.new"
	if [[ ! -s $file.new ]]; then
		echo "callcast-keys: no tenants file on standard input" >&2
		exit 1
	fi
	rm -f "$dir/env" # of the keys that this one replaces
	mv "$file.new" "$file"
	echo "$file is yours; now send SIGHUP to producer and notifier"
}

case ${1:-} in
make) make_keys ;;
show) show ;;
put) put ;;
*) sed -n '2,/^set/{s/^# \{0,1\}//p}' "$0" >&2 && exit 2 ;;
esac
