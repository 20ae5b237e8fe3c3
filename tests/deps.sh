#!/usr/bin/env bash
# make deps: installs what building, running, the demo and the tests need, with the system's package manager, and says
# plainly what it cannot.
set -u

build='gcc make pkg-config libc6-dev libcurl4-openssl-dev libjson-c-dev libbsd-dev libsqlite3-dev libpq-dev libmicrohttpd-dev libssl-dev libcsv-dev libunistring-dev libseccomp-dev zlib1g-dev'
# man-db: what the pages are read with
run='bash jq tzdata ca-certificates man-db'
# clang and its runtime: make fuzz, and a second opinion of every file
try='clang libclang-rt-dev curl openssl bc sqlite3 xxd procps valgrind mandoc clang-format cppcheck shellcheck nginx-light fcgiwrap openbsd-inetd systemd strace wrk webhook faketime zsh fish chromium prometheus'

if ! command -v apt-get >/dev/null 2>&1; then
	echo 'make deps knows only apt-get. Install by hand what these Debian packages hold:' >&2
	printf '  to build: %s\n  to run, and to read the pages: %s\n  to try and test: %s\n' "$build" "$run" "$try" >&2
	exit 69
fi

missing=()
for package in $build $run $try; do
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
	echo 'deps: everything is there'
	exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null 2>&1 || {
		echo "deps: not root, and there is no sudo. As root: apt-get install --no-install-recommends ${missing[*]}" >&2
		exit 77
	}
	as_root=(sudo)
fi

# The servers among them are for tests, which start their own: none is to run as a service because of us.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
	"${as_root[@]}" chmod 755 $policy
	trap '"${as_root[@]}" rm -f $policy' EXIT
fi

echo "deps: installing ${missing[*]}"
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q >/dev/null || echo 'deps: apt-get update failed; trying with what is known' >&2
if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"; then
	echo "deps: these could not be installed: ${missing[*]}" >&2
	exit 69
fi
