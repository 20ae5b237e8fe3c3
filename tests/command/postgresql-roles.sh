#!/usr/bin/env bash
# What examples/postgresql/roles.sql promises: with the role of pnow-hook events are stored, and nothing can be read or changed.
# shellcheck disable=SC2034,SC2154 # state.bash reads ENGINE, and sets CLUSTER and DATABASES; tap.sh sets root and work
ENGINE=postgresql
# shellcheck source=tests/command/hook.bash
. "$(dirname "$0")/hook.bash"

roles() # DATABASE
{
	psql -h "$CLUSTER" -U postgres -d "$1" -Xq -f "$root/examples/postgresql/roles.sql" 2>&1
}
jq '.state = "token.db"' token.json >owner.json
on_engine owner.json
database=$(basename "$(echo "$DATABASES"/*)")
sed 's|//pnow@|//pnow_hook@|' owner.json >hook.json

is 'before there are tables it says what to do' "$(roles postgres)" 'There are no tables yet: run a command of pnow, then this file again.'
is 'it can be run again' "$(roles "$database"; roles "$database")" ''
listen hook -c hook.json
is 'events are stored, also one that comes again' \
	"$(for _ in 1 2; do curl -sS -H "$token" -H 'Content-Type: application/json' --data-binary @"$root/examples/webhooks/patient.created.json" \
		"http://127.0.0.1:$port/hook/token/patientnow"; done | tr -d '\n')" '{"id":"evt-1001"}{"id":"evt-1001"}'
is 'whether they can be is told' "$(curl -sS "http://127.0.0.1:$port/healthz")" '{"ok":true}'
stop
is 'nothing is said' "$(<hook.err)" ''
is 'they are in the inbox, and counted' "$(pnow-inbox -c owner.json list | jq -r '[.id, .state] | join(" ")') $(pnow-inbox -c owner.json stat | jq .waiting)" 'evt-1001 waiting 1'
while IFS= read -r statement; do
	like "the role may not: $statement" \
		"$(PGOPTIONS="-c search_path=pnow -c pnow.practice=token" psql -h "$CLUSTER" -U pnow_hook -d "$database" -Xqtc "$statement" 2>&1)" \
		'ERROR:  permission denied *'
done <<'END'
SELECT text FROM body
SELECT patient FROM inbox
UPDATE inbox SET state='done'
DELETE FROM inbox
DELETE FROM body
SELECT * FROM contact
SELECT refresh FROM token
SELECT used FROM quota
SELECT * FROM pnow_rows.inbox
CREATE TABLE pnow.mine(n int)
CREATE TEMP TABLE mine(n int)
END
finish
