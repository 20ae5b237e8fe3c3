#!/usr/bin/env bash
# make deps-contract: installs the judges, of the versions in package.json, into .build/contract.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$here/../../.build/contract
if ! command -v npm >/dev/null 2>&1; then
	echo 'deps-contract: npm is missing; make contract will be skipped. On Debian: apt-get install npm' >&2
	exit 69
fi
mkdir -p "$folder"
if cmp -s "$here/package.json" "$folder/package.json" && [ -x "$folder/node_modules/.bin/prism" ]; then
	echo 'deps-contract: everything is there'
	exit 0
fi
cp "$here/package.json" "$folder"
cd "$folder"
npm install --no-audit --no-fund --loglevel=error
