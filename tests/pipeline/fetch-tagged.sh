#!/usr/bin/env bash
# Tags that nobody heard: pnow-fetch -l tagged finds the contacts that ask for a patient, and pnow-sync makes it. Nothing is doubled
# where a webhook tells the same, where the search lags behind, or where a walk is killed.
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"
export PNOW_CONFIG=$DIR/test.json
person='{firstName: "Ann\(.)", lastName: "Lee", gender: "female", dateOfBirth: "1990-02-03", phone: "+1303555\(. + 1000)",
	email: "ann\(.)@example.com", tags: ["vip", "pnowcreate"]}'

# begin NUMBER [SANDBOX-OPTION…]: a CRM with so many contacts who ask, and two who do not.
begin()
{
	sandbox_stop
	state_remove "$DIR/test.db"
	seed ".crm.locations[0].contacts = [range($1) | $person] + [(range(2) | . + 5000 | $person | .tags = [\"vip\"])]"
	sandbox "${@:2}"
	practice test
}

fetch()
{
	pnow-fetch -l tagged "$@" 2>"$DIR/err"
	status=$?
}

run()
{
	pnow-inbox run -1 -- pnow-sync 2>>"$DIR/run.err"
}

# patients, and contacts that still ask
made()
{
	at_sandbox state | jq -r '"\(.patients | length) \([.contacts[] | select(.tags | index("pnowcreate"))] | length)"'
}

begin 3
fetch -n
is '-n shows the first search' "$status $(requests .n | wc -l) $(fetch -n | jq -c '[.method, .path, .body.filters[0].value]')" '0 0 ["POST","/contacts/search",["pnowcreate"]]'
fetch >"$DIR/events"
is 'the contacts with the tag are events of ids, and nobody is named' "$status $(jq -r '[.type, .source, (.payload | keys | join(","))] | join(" ")' "$DIR/events" | sort | uniq -c | xargs) $(grep -ci ann "$DIR/events")" \
	'0 3 contact.tagged fetch id,locationId,tags 0'
fetch -i -v
is 'they go into the inbox' "$status $(pnow-inbox list | wc -l) $(grep 'contacts ask' "$DIR/err")" '0 3 pnow-fetch: 3 contacts ask for a patient, 3 new in the inbox'
fetch -i
is 'once' "$status $(pnow-inbox list | wc -l)" '0 3'
run
is 'each becomes a patient, and the tags go' "$(made)" '3 0'
fetch -i
is 'nothing is left to find' "$status $(pnow-inbox list | wc -l) $(wc -c <"$DIR/err")" '0 3 0'
curl -sS -X POST -o /dev/null -H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28' -H 'Content-Type: application/json' \
	-d '{"tags":["PNow-Create"]}' "$API/crm/contacts/$(at_sandbox state | jq -r '.contacts[0].id')/tags"
fetch -i && run
is 'a tag that is set again is found again, another one of create.tags, too: no second patient' "$(pnow-inbox list | wc -l) $(made)" '4 3 0'

begin 2 -L 6000 # longer than a run takes, on a loaded machine too
sleep 6.1 # the seed is seen
fetch -i && run
fetch -i && run
is 'a search that lags behind: what it still shows is looked at, and nothing is doubled' "$(made) $(at_sandbox state | jq '[.contacts[].notes[]] | length')" '2 0 2'
is 'what it still showed is known' "$(pnow-inbox list | jq -r .state | sort | uniq -c | xargs)" '2 done'

begin 230
fetch -i
is 'more than one page' "$status $(pnow-inbox list | wc -l) $(requests 'select(.path | endswith("/search")) | .body.searchAfter | length' | xargs)" '0 230 0 2 2 0'
begin 230
fault 401 path=/contacts/search skip=1 count=1
fetch -i
is 'a page that does not come: what came before it is kept' "$status $(pnow-inbox list | wc -l)" '75 100'
faults_end
fetch -i
is 'and the next walk brings the rest' "$status $(pnow-inbox list | wc -l)" '0 230'
begin 3
practice test ".facilities = {Downtown: {location_id: \"$DOWNTOWN\", token_file: \"downtown.token\"}} | .crm.token_file = \"refused.token\""
printf 'a token of yesterday' >"$DIR/refused.token" && chmod 600 "$DIR/refused.token"
curl -sS -o /dev/null -X POST "$API/crm/contacts/" -H 'Authorization: Bearer sandbox-downtown-token' -H 'Version: 2021-07-28' -H 'Content-Type: application/json' \
	-d '{"locationId": "'$DOWNTOWN'", "firstName": "Lee", "email": "lee@example.com", "tags": ["pnowcreate"]}'
fetch
is 'a sub-account that cannot be searched holds up no other, and is told' "$(jq -r .payload.locationId <<<"$(pnow-fetch -l tagged 2>/dev/null)") $((status > 0))" \
	"$DOWNTOWN 1"
for wrong in '-e patient' '-s 2d' '-b' '-u 2d' '10234'; do
	# shellcheck disable=SC2086 # options
	fetch $wrong
	like "-l tagged with $wrong is refused" "$status $(head -n 1 "$DIR/err")" '64 pnow-fetch: *expected no *-l*'
done
finish
