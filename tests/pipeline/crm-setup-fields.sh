#!/usr/bin/env bash
# crm-setup -w: an empty sub-account gets all of its fields, each once, whatever happens on the way.
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"
export PNOW_CONFIG=$DIR/test.json
FIELDS=24 # of the set
both='.facilities = {Downtown: {location_id: "'$DOWNTOWN'", token_file: "downtown.token"}, Mall: {location_id: "'$DOWNTOWN'",
	token_file: "downtown.token"}}'

seed '.crm.locations[].customFields = []'
sandbox
change "$both"
is 'an empty sub-account lacks all fields' "$status $(jq -r 'select(.state == "missing") | .location' "$DIR/rows" | uniq -c | xargs)" \
	"1 $FIELDS $MAIN $FIELDS $DOWNTOWN"

# What the sub-accounts have: how many fields, and how many names.
held()
{
	for location in "$MAIN sandbox-crm-token" "$DOWNTOWN sandbox-downtown-token"; do
		curl -sS -H 'Version: 2021-07-28' -H "Authorization: Bearer ${location#* }" "$API/crm/locations/${location% *}/customFields" |
			jq -r '.customFields | "\(length) \(map(.name) | unique | length)"'
	done | xargs
}
posts()
{
	requests 'select(.method == "POST" and (.path | contains("/customFields"))) | .status' | wc -l
}

event patient.updated before 2026-12-01T10:00:00Z '{patient: ($ana + {unsubscribed: true})}' | push >"$DIR/result"
like 'a pipeline that runs misses them' "$(jq -c .warnings "$DIR/result")" '*has no custom field*PNOW ID*'
setup -n -w
is '-n shows the requests, and sends none' "$(jq -s 'map(select(.method == "POST")) | length' "$DIR/rows") $(posts)" "$((FIELDS * 2)) 0"
rm "$DIR/crm.token"
setup -n -w
is '-n reads no secret' $status 0
practice test "$both"

setup -w
is '-w makes them all' "$status $(jq -s 'map(select(.found | startswith("made now"))) | length' "$DIR/rows") $(held)" \
	"0 $((FIELDS * 2)) $FIELDS $FIELDS $FIELDS $FIELDS"
is 'with their kinds' "$(requests 'select(.method == "POST" and .status == 201) | .body.dataType' | sort | uniq -c | awk '{ print $2 $1 }' | xargs)" \
	'DATE8 MONETORY6 SINGLE_OPTIONS2 TEXT32'
event patient.updated after 2026-12-01T11:00:00Z '{patient: ($ana + {unsubscribed: true})}' | push >"$DIR/result"
is 'a pipeline that runs sees them at once, and the CRM takes the values' "$(jq -c '[.status, .warnings]' "$DIR/result")" '["done",[]]'
made=$(posts)
setup -w
is 'a second run finds nothing to do' "$status $(($(posts) - made))" '0 0'
# Renamed by somebody in the CRM: here it is the practice's name that is another, and what is kept of the time before.
practice test "$both | .names = {fields: {\"PNOW ID\": \"Patient No\"}}"
state_sql "$DIR/test.db" "UPDATE name SET name='Patient No' WHERE name='PNOW ID' AND location='$MAIN'"
setup
is 'a field that was renamed is told by its new name' "$(jq -r 'select(.name == "Patient No" and .location == "'$MAIN'") | .state, .mend' "$DIR/rows")" \
	$'warning\nRename it back, or write "PNOW ID" into the configuration as its name in names.fields.'
setup -w
is '... and -w makes no second one' "$(held | cut -d' ' -f1,2) $(($(posts) - made))" "$FIELDS $FIELDS 1"
practice test "$both"
state_sql "$DIR/test.db" 'DELETE FROM name; DELETE FROM name_list' # a sandbox that is reset gives out its ids again

# --- What happens on the way

for name in reset-before reset-after 503 cut; do
	sandbox_reset
	fault $name method=POST path=/customFields skip=5 count=1
	setup -w
	is "an answer is lost ($name): each field once, in one run" "$status $(held)" "0 $FIELDS $FIELDS $FIELDS $FIELDS"
	[ "$name" != reset-after ] || is 'what was made is not asked for again' "$(posts)" "$((FIELDS * 2))"
done

# killed WHEN FAULT…: at the sixth field; then run again.
killed()
{
	local process
	sandbox_reset
	fault "${@:2}" method=POST path=/customFields skip=5 count=1
	crm-setup -w >"$DIR/rows" 2>"$DIR/err" &
	process=$!
	until_true matches '"left": *0' faults
	kill -KILL $process
	wait $process 2>/dev/null
	until_true matches '"fault": *"(hang|delay)"' requests
	faults_end
	setup -w
	is "killed $1 the CRM has made a field: the next run makes the rest, each once" "$status $(held)" \
		"0 $FIELDS $FIELDS $FIELDS $FIELDS"
}
killed before hang
killed after delay ms=60000

sandbox_reset
crm-setup -w >"$DIR/rows.1" 2>&1 &
crm-setup -w >"$DIR/rows.2" 2>&1
wait $!
is 'two at once: each field once' "$(held)" "$FIELDS $FIELDS $FIELDS $FIELDS"

sandbox_reset
fault 401 method=POST path=/customFields
setup -w
told 'the token may not make fields' 1 'custom field' 'PNOW ID' $'missing: *401* -> *scope locations/customFields.write*\n*'
is 'and it is not asked again' "$(posts)" $((FIELDS * 2))
faults_end
practice test "$both | .state = \"nowhere/test.db\""
made=$(posts)
setup -w
is 'without a state file nothing is made' "$status $(($(posts) - made))" '1 0'

is 'no secret is in what it said' "$(cat "$DIR/said" "$DIR"/rows.? | grep -c -e sandbox-crm-token -e sandbox-pnp-token -e "$SECRET")" 0
finish
