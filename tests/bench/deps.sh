#!/usr/bin/env bash
# make deps-bench: installs what make bench compares with, as far as the system's package manager has it.
set -u
packages=(jq gojq miller nodejs curl sqlite3 wrk webhook openbsd-inetd valgrind)
command -v apt-get >/dev/null 2>&1 || {
	echo "make deps-bench knows only apt-get. Install by hand what these Debian packages hold: ${packages[*]}" >&2
	exit 69
}
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${packages[@]}"
