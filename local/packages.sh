#!/bin/bash
# packages.sh - installs the Debian packages that are missing; says nothing much when all are there
# usage: local/packages.sh [build] [test] [lint] [coverage] [fuzz] [openapi] [kafka] [containers]     no group: build
#   POLICY_FILE=file     what Debian asks whether a service may start; default /usr/sbin/policy-rc.d
set -eu

# A word is `package` or `package:command`: the command, wherever it came from, is as good as the package.
declare -A groups=(
	[build]="gcc:gcc make:make libc6-dev pkg-config:pkg-config librdkafka-dev libjansson-dev
		libhiredis-dev libmicrohttpd-dev libcurl4-openssl-dev libssl-dev redis-server:redis-server curl:curl
		python3 python3-yaml"
	[test]="libcmocka-dev libavro-dev kcat:kcat valgrind:valgrind man-db:man python3-jsonschema"
	[lint]="clang:clang clang-tidy:clang-tidy clang-format:clang-format cppcheck:cppcheck shellcheck:shellcheck"
	[coverage]="gcovr:gcovr"
	[fuzz]="clang:clang libclang-rt-dev"
	[openapi]="python3-venv"
	[kafka]="default-jre-headless:java maven:mvn kcat:kcat"
	[containers]="docker.io:dockerd iproute2:ip debootstrap:debootstrap docker-compose:docker-compose iptables:iptables python3:python3"
)

installed() {
	[[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# Fills the array `missing` from the words of the groups asked for.
look() {
	local word
	missing=()
	for word; do
		if [[ $word == *:* ]] && command -v "${word#*:}" >/dev/null; then continue; fi
		installed "${word%%:*}" || missing+=("${word%%:*}")
	done
}

words=()
for group in "${@:-build}"; do
	if [[ -z ${groups[$group]:-} ]]; then
		echo "packages.sh: no such group: $group (build, test, lint, coverage, fuzz, openapi, kafka, containers)" >&2
		exit 2
	fi
	read -r -d '' -a more <<<"${groups[$group]}" || true
	words+=("${more[@]}")
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	echo "packages.sh: this is no Debian or Ubuntu.  Please install what these packages of Debian 12 hold:"
	printf '  %s\n' "${words[@]%%:*}"
	echo "and say \`make all\`, then the target that you wanted with DEPS=no."
	exit 1
fi >&2

look "${words[@]}"
if ((${#missing[@]} == 0)); then exit 0; fi

as_root=()
if ((EUID != 0)); then
	if ! command -v sudo >/dev/null; then
		echo "packages.sh: not root, and there is no sudo.  As root: apt-get install ${missing[*]}" >&2
		exit 1
	fi
	as_root=(sudo)
fi

# two checkouts may ask at once: the second finds everything there
exec 9>"${TMPDIR:-/tmp}/callcast-packages.$EUID.lock"
flock 9
look "${words[@]}"
if ((${#missing[@]} == 0)); then exit 0; fi

# Debian starts what it installs (Redis, Docker); here nothing is left running.
# One that is there is the machine's own, and stays as it is.
policy=${POLICY_FILE:-/usr/sbin/policy-rc.d}
no_services() {
	# shellcheck disable=SC2016  # for the shell that may be root's
	if "${as_root[@]}" sh -c 'set -C; umask 022; printf "#!/bin/sh\nexit 101\n" >"$1" && chmod 755 "$1"' sh "$policy" 2>/dev/null; then
		trap '"${as_root[@]}" rm -f "$policy"' EXIT
		trap 'exit 130' INT
		trap 'exit 143' TERM
		echo "meanwhile no service is started ($policy, removed afterwards); the next boot does, unless you disable it"
	fi
}

echo "installing: ${missing[*]}"
no_services
apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
"${as_root[@]}" "${apt[@]}" update 9>&- ||
	echo "packages.sh: apt-get update failed; going on with the lists that are there" >&2
"${as_root[@]}" "${apt[@]}" install -y --no-install-recommends "${missing[@]}" 9>&-
