#!/usr/bin/env bash
# pnow-sync is the pipeline of a shell without the shell: the same results, a mistake in the configuration told once, and never
# success where a filter could not start or failed.
# shellcheck disable=SC2154 # from tap.sh
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"

make_secrets .
cp "$root"/examples/practice/*.csv .
sed -e '/^ *\/\//d' -e 's#8042#1#' "$root/examples/rehearsal/glow-denver.json" >practice.json
export PNOW_CONFIG=$work/practice.json
printf '%s\n' '{"id":"1","type":"patient.created","practice":"glow-denver","patient":{"id":"7","first_name":"Ana","last_name":"Lopez","email":"a@example.com","phone":""}}' \
	'{"id":"2","event":"RoomCleaned"}' 'no JSON' >events

# Folders with the filters, but for one that is as it is told.
# without NAME [SCRIPT]
without()
{
	rm -rf filters
	mkdir filters
	local filter
	for filter in pnow-enrich categorize crm-map pnow-push crm-push pnow-sync; do
		[ "$filter" = "$1" ] || ln -s "$bin/$filter" "filters/$filter"
	done
	[ $# -eq 1 ] || { printf '#!/bin/sh\n%s\n' "$2" >"filters/$1" && chmod +x "filters/$1"; }
}

(set -o pipefail; pnow-enrich -o <events | categorize | crm-map | pnow-push -n | crm-push -n; echo "status $?") >want 2>want.err
(pnow-sync -no <events; echo "status $?") >got 2>got.err
is 'a dry run gives what the filters in a row give' "$(<got)" "$(<want)"
is 'and its words' "$(<got.err)" "$(<want.err)"
like 'the request is among it' "$(<got)" '*"path":"/contacts/upsert"*'

for wrong in '.timezone = "Mars"' '.categories = "none.csv"'; do
	jq "$wrong" practice.json >wrong.json
	pnow-sync -c wrong.json <events >out 2>err
	is "$wrong: status 78" $? 78
	is "$wrong: told once" "$(wc -l <err)" 1
	is "$wrong: nothing is written" "$(wc -c <out)" 0
done

for filter in pnow-enrich categorize crm-map pnow-push crm-push; do
	without "$filter"
	PATH=$work/filters filters/pnow-sync <events >out 2>err
	is "$filter cannot be started: status 127" $? 127
	like "$filter cannot be started: said" "$(<err)" "*cannot start $filter: *"
done
without crm-map 'cat >/dev/null; exit 9'
PATH=$work/filters:/usr/bin:/bin filters/pnow-sync -n <events >out 2>err
is 'the status is that of a filter before the last, where the last has none' $? 9
without crm-push 'cat >/dev/null; exit 75'
PATH=$work/filters:/usr/bin:/bin filters/pnow-sync <events >out 2>err
is 'the status is the last filter'\''s, where it has one' $? 75
without crm-push 'kill -TERM $$'
PATH=$work/filters:/usr/bin:/bin filters/pnow-sync <events >out 2>err
is 'a filter that was killed: 128 and the signal' $? 143
finish
