#!/usr/bin/env bash
# make deps: installs what building, running, the demo and the tests need, with the system's package manager, and says
# plainly what it cannot.
set -u

build='gcc make pkg-config libc6-dev libcurl4-openssl-dev libjson-c-dev libbsd-dev libmd-dev libsqlite3-dev libpq-dev libmicrohttpd-dev libssl-dev libcsv-dev libunistring-dev libseccomp-dev zlib1g-dev'
# man-db: what the pages are read with
run='bash jq tzdata ca-certificates man-db'
# clang and its runtime: make fuzz, and a second opinion of every file
try='clang libclang-rt-dev curl openssl bc sqlite3 postgresql xxd procps valgrind mandoc clang-format cppcheck shellcheck nginx-light fcgiwrap openbsd-inetd systemd strace wrk webhook faketime iproute2 zsh fish chromium prometheus'

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

# The servers among them are for tests, which start their own: none is to run as a service because of us, now or when the machine
# starts again, and PostgreSQL is to make no database.
ours=()
trap '[ ${#ours[@]} -eq 0 ] || "${as_root[@]}" rm -f "${ours[@]}"' EXIT
# for_now FILE MODE TEXT: it is there while packages are installed; one that is there already stays as it is.
for_now()
{
	[ ! -e "$1" ] || return 0
	ours+=("$1")
	"${as_root[@]}" mkdir -p "${1%/*}"
	printf '%s\n' "$3" | "${as_root[@]}" tee "$1" >/dev/null
	"${as_root[@]}" chmod "$2" "$1"
}
for_now /usr/sbin/policy-rc.d 755 $'#!/bin/sh\nexit 101'
for_now /etc/postgresql-common/createcluster.d/pnow.conf 644 'create_main_cluster = false'

echo "deps: installing ${missing[*]}"
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q >/dev/null || echo 'deps: apt-get update failed; trying with what is known' >&2
if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"; then
	echo "deps: these could not be installed: ${missing[*]}" >&2
	exit 69
fi
