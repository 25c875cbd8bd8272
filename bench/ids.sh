#!/bin/bash
# ids.sh - whether the time of a 404 tells an id that was never issued from another tenant's; fails where it does
# usage: [REQUESTS=100000] bench/ids.sh      of each kind; BIN_DIR as in local/stack.sh
set -eu -o pipefail
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export BIN_DIR=${BIN_DIR:-$tree/build/bin}
export RUN_DIR=${RUN_DIR:-$BIN_DIR/../bench/run-ids}
dir=$RUN_DIR
mkdir -p "$dir"
# shellcheck source=local/process.sh
source "$tree/local/process.sh"
# shellcheck source=bench/stack.sh
source "$tree/bench/stack.sh"

# A line of log for each refusal would be measured with it, and fill the disk.
# And nobody takes the webhooks: trying them again would be measured, too.
export CALLCAST_LOG_LEVEL=error CALLCAST_WEBHOOK_TRIES=1 WORKERS=1
stack_up
NEIGHBOUR_BEARER=$(head -c 24 /dev/urandom | base64 -w0 | tr '+/' '-_')
export NEIGHBOUR_BEARER
# the file stays the same one, with its mode
python3 - "$CALLCAST_TENANTS" "$(printf %s "$NEIGHBOUR_BEARER" | sha256sum | cut -d' ' -f1)" <<-'END'
	import json, sys
	with open(sys.argv[1], "r+") as f:
	    tenants = json.load(f)
	    tenants["tenants"].append({"name": "neighbour", "bearerKeys": [sys.argv[2]],
	                               "webhookSecrets": tenants["tenants"][0]["webhookSecrets"]})
	    f.seek(0)
	    f.truncate()
	    json.dump(tenants, f)
END
for program in producer worker-1 notifier; do process_signal HUP "$program"; done
echo "$(nproc) cores, load before it $(cut -d' ' -f1 /proc/loadavg)"
python3 "$tree/bench/ids.py" "${REQUESTS:-100000}"
