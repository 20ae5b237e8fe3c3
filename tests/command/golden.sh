#!/usr/bin/env bash
# From webhook bodies to actions: each folder of tests/golden has a configuration, bodies, one on a line, and what
# pnow-enrich | categorize | crm-map is to make of them, byte for byte but for the time of receipt; or, in place of the bodies,
# a script "run" and what that is to make of the folder's files. The bodies are
# complete: the address of PatientNow leads nowhere, so a call would show. "golden.sh -w" writes the expected files anew;
# read them against crm-map(1) before you keep them.
here=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tests/tap.sh
. "$here/tap.sh"

# Runs a case's input through the filters, in a copy of its folder; writes what comes out to got.
run_case()
{
	cp -R "$1" "$work/case" && make_secrets "$work/case" || return 1
	(
		cd "$work/case" || exit 1
		export PNOW_CONFIG=conf.json
		if [ -e run ]; then bash ./run; else pnow-enrich -o <in.ndjson | categorize | crm-map; fi | sed 's/"received":"[^"]*",//'
	) >"$work/got" 2>"$work/said"
	rm -rf "$work/case"
}

for folder in "$here"/golden/*/; do
	name=$(basename "$folder")
	run_case "$folder"
	if [ "${1-}" = -w ]; then
		cp "$work/got" "$folder/out.ndjson"
	elif cmp -s "$work/got" "$folder/out.ndjson"; then
		pass "$name: $(wc -l <"$work/got") events"
	else
		fail "$name" "$(diff "$folder/out.ndjson" "$work/got" | head -n 20)" "$(head -n 5 "$work/said")"
	fi
done
[ "${1-}" = -w ] || finish
