#!/bin/bash
# packages.sh - installs the Debian packages that are missing; says nothing much when all are there
# usage: local/packages.sh [build] [test] [lint] [kafka]     no group: build
set -eu

# A word is `package` or `package:command`: the command, wherever it came from, is as good as the package.
declare -A groups=(
	[build]="gcc:gcc make:make libc6-dev pkg-config:pkg-config librdkafka-dev libjansson-dev
		libhiredis-dev libmicrohttpd-dev libcurl4-openssl-dev libssl-dev redis-server:redis-server curl:curl"
	[test]="libcmocka-dev libavro-dev kcat:kcat valgrind:valgrind python3:python3"
	[lint]="clang:clang clang-tidy:clang-tidy clang-format:clang-format cppcheck:cppcheck shellcheck:shellcheck"
	[kafka]="default-jre-headless:java maven:mvn kcat:kcat"
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
		echo "packages.sh: no such group: $group (build, test, lint, kafka)" >&2
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

echo "installing: ${missing[*]}"
apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
"${as_root[@]}" "${apt[@]}" update 9>&- ||
	echo "packages.sh: apt-get update failed; going on with the lists that are there" >&2
"${as_root[@]}" "${apt[@]}" install -y --no-install-recommends "${missing[@]}" 9>&-
