#!/usr/bin/env bash
# A storm of duplicates: each event five times, in random order, over eight connections at once. The CRM ends as if each had
# come once, when it came first.
. "$(dirname "$0")/../crash/common.bash"
EVENTS=400

# What is held by the CRM, without what differs from run to run. Of a contact that two patients share, what does not depend
# on whose event was worked on first.
held()
{
	curl -sS "$API/_/state" | jq -S --slurpfile patients "$DIR/patients" '
		($patients | group_by(.key) | map(select(length > 1) | {(.[0].key): true}) | add) as $shared
		| [.contacts[] | del(.id, .opportunities[].id) | .notes |= ([.[] | .body? // .] | sort) | .workflows |= sort | .tags |= sort
			| .opportunities |= sort_by(.pipeline) | .key = (.email // .phone)
			| if $shared[.key] then {key, notes, workflows, tags, ltv: .fields["Patient Lifetime Value"],
				stages: [.opportunities[] | [.pipeline, .stage]]} else . end] | sort_by(.key)'
}

prepare 5 "$EVENTS" 50
sandbox -L 500
start_all 2
awk 'BEGIN { dice = 11 } { for (i = 0; i < 5; i++) { dice = dice * 16807 % 2147483647; print dice "\t" $0 } }' "$DIR/events" |
	sort -n | awk -F '\t' '{ print NR "\t" $3 "\t" $4 }' >"$DIR/storm"
"$LOAD" -1 -c 8 "$URL" "$DIR/storm" >"$DIR/accepted"
is 'each of the deliveries is accepted' "$(wc -l <"$DIR/accepted")" $((5 * EVENTS))
holds 'the storm is settled' drain 400 hurry
is 'each event is stored once' "$(query 'SELECT count(*) FROM inbox')" "$EVENTS"
is 'none is dead' "$(query "SELECT id FROM inbox WHERE state='dead'")" ''
held >"$DIR/storm.held"
query 'SELECT id FROM inbox ORDER BY seq' >"$DIR/order"
stop_keepers
kill_all

sandbox -L 500
start_all 1
awk -F '\t' 'NR == FNR { line[$2] = $0; next } { print line[$1] }' "$DIR/events" "$DIR/order" >"$DIR/once"
"$LOAD" -1 -c 1 "$URL" "$DIR/once" >"$DIR/accepted"
holds 'each of them once is settled' drain 400 hurry
held >"$DIR/once.held"
holds 'there is something to compare' [ "$(jq '[.[].notes | length] | add' "$DIR/once.held")" -gt 100 ]
point 'the CRM is as if each had been sent once' "$(diff "$DIR/once.held" "$DIR/storm.held" | head -n 20)"
finish
