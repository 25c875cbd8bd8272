#!/bin/bash
# run.sh - builds the image, runs docker-compose.yml as it stands on an engine of its own, and takes all of it down again
#
# usage: tests/containers/run.sh        as root on Debian; installs docker.io and more (local/packages.sh containers)
#
#   CONTAINERS_DIR=dir   where the engine keeps its images, for the next time; default build/containers of this tree
#   SOURCE_DIR=dir       the tree that the image is built from and whose compose file is run; default this one
#
# The engine lives in a network namespace, so that addresses, routes and packet filter of this machine stay as they
# are.  It reaches nothing from in there: images are built before, by another one outside, without a bridge.
# No registry is asked: Debian's base comes from debootstrap, and ours stand in for the images of Kafka and Redis.
# Ends with `N passed, N failed`.
set -eu
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=$tree/tests/containers
from=$(cd "${SOURCE_DIR:-$tree}" && pwd)
# shellcheck source=local/process.sh
source "$tree/local/process.sh"
if ((EUID != 0)); then
	echo "run.sh: an engine in a network namespace needs root" >&2
	exit 2
fi
"$tree/local/packages.sh" build kafka containers

mkdir -p "${CONTAINERS_DIR:=$tree/build/containers}"
keep=$(cd "$CONTAINERS_DIR" && pwd)
exec 9>"$keep/.lock"
flock -n 9 || { echo "run.sh: another one works on $keep" >&2 && exit 1; }

# engine_start COMMAND-BEFORE... -- FLAG...
engine_start() {
	local before=()
	while [[ $1 != -- ]]; do before+=("$1") && shift; done
	shift
	process_start engine "${before[@]}" /usr/sbin/dockerd --data-root "$keep/data" --exec-root "$dir/exec" \
		--pidfile "$dir/dockerd.pid" -H "$DOCKER_HOST" --storage-driver overlay2 --log-level warn "$@"
	process_wait engine 60 docker version
}

dir='' net=''
clean_up() {
	local status=$?
	if [[ -z $dir ]]; then exit "$status"; fi
	trap - EXIT INT TERM
	set +e
	process_stop 60 engine
	if ip netns list | grep -q "^$net\b"; then ip netns del "$net"; fi
	find "$dir" -depth -name default -path '*/netns/*' -exec umount {} \; 2>/dev/null
	rm -rf "$dir"
	exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT TERM
dir=$(mktemp -d "${TMPDIR:-/tmp}/callcast-engine.XXXXXX")
net=${dir##*/}
# none of the user's: neither settings for the containers, nor another engine
unset DOCKER_CONTEXT PUBLISH "${!CALLCAST_@}"
export DOCKER_HOST=unix://$dir/docker.sock DOCKER_CONFIG=$dir

# The official one has no manuals and no lists either.
base_image() {
	local root=$dir/root
	if docker image inspect debian:bookworm-slim >/dev/null 2>&1; then return; fi
	debootstrap --variant=minbase --include=ca-certificates bookworm "$root" >"$keep/debootstrap.log"
	rm -rf "$root"/usr/share/{doc,man,info,locale}/* "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
	printf 'path-exclude /usr/share/%s/*\n' doc man info locale >"$root/etc/dpkg/dpkg.cfg.d/docker"
	tar -C "$root" -c . | docker import --change 'CMD ["bash"]' - debian:bookworm-slim >/dev/null
	rm -rf "$root"
}

# build NAME FOLDER
build() {
	docker build --network host --force-rm -t "$1" "$2" >"$keep/build.log" 2>&1 || { tail -n 30 "$keep/build.log" >&2 && return 1; }
	docker image inspect --format "image $1: {{.Size}} bytes" "$1"
}

# What docker-compose.yml names and no registry gives here; the names and versions are its own.
images() {
	local kafka redis
	kafka=$(sed -n 's/^ *image: \(apache\/kafka:.*\)/\1/p' "$from/docker-compose.yml")
	redis=$(sed -n 's/^ *image: \(redis:.*\)/\1/p' "$from/docker-compose.yml")
	base_image
	cp -r "$here/kafka" "$dir/kafka"
	cp -r "$("$tree/tests/kafka/kafka.sh" jars)" "$dir/kafka/jars"
	build "$kafka" "$dir/kafka"
	build "$redis" "$here/redis"
	build callcast "$from"
	docker image inspect --format "image {{index .RepoTags 0}}: {{.Size}} bytes, of which the base" debian:bookworm-slim
}

engine_start -- --iptables=false --ip6tables=false --bridge=none --ip-forward=false --ip-masq=false
images
docker image prune -f --filter until=168h >/dev/null # what builds went through is kept that long, for the next one
process_stop 60 engine

ip netns add "$net"
nsenter --net="/run/netns/$net" ip link set lo up
# not `ip netns exec`: it would hide the control groups from the engine
engine_start nsenter --net="/run/netns/$net" --
cd "$from"
nsenter --net="/run/netns/$net" python3 "$here/story.py"
