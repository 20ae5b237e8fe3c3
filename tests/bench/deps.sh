#!/usr/bin/env bash
# make deps-bench: installs what make bench compares with: what the system's package manager has, and Node-RED from npm, of the
# version in peers/node-red/package.json, into .build/node-red.
set -u
here=$(cd "$(dirname "$0")" && pwd)
packages=(jq gojq miller nodejs curl sqlite3 wrk webhook openbsd-inetd valgrind)
command -v apt-get >/dev/null 2>&1 || {
	echo "make deps-bench knows only apt-get. Install by hand what these Debian packages hold: ${packages[*]}" >&2
	exit 69
}
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${packages[@]}" || exit
command -v npm >/dev/null 2>&1 || {
	echo 'deps-bench: npm is missing; Node-RED will not be measured. On Debian: apt-get install npm' >&2
	exit 69
}
folder=$here/../../.build/node-red
mkdir -p "$folder"
cmp -s "$here/peers/node-red/package.json" "$folder/package.json" && [ -x "$folder/node_modules/.bin/node-red" ] && exit
cp "$here/peers/node-red/package.json" "$folder"
cd "$folder" && npm install --no-audit --no-fund --loglevel=error
