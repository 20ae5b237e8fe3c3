#!/usr/bin/env bash
# Lists whose next page is told by the one before: as a text, as a link, and as a link in a header. What is told is kept across
# kills, and may be anything: no walk is without an end.
# For the contract they say nothing new.
PNOW_REQUESTS=
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"

seed '.patientnow.patients = [range(7) | {patientId: "\(10 + .)", firstName: "First\(.)", lastName: "Last", email: "p\(.)@example.com",
	updatedAt: "2026-11-20T10:00:00Z"}]'
sandbox

# emr NAME BY [NEXT]: a practice whose EMR tells the next page so.
emr()
{
	sed 's#^ *//.*##' "$root/lib/profiles/patientnow-pro.json" | jq --arg by "$2" --arg next "${3:-/next}" '.patient.list = "patients?by=" + $by
		| .paging = {cursor: "cursor", next: [$next], rows: "rows", size: 2, since: "updatedSince"}' >"$DIR/$1.profile"
	practice "$1" ".patientnow.profile = \"./$1.profile\""
	export PNOW_CONFIG=$DIR/$1.json
}
# asked: the pages that PatientNow was asked for since the last time.
asked()
{
	at_sandbox requests | jq -r '.path | split("?")[1] | [match("cursor=([^&]*)").captures[0].string] | .[0] // "first"' | xargs
	at_sandbox requests DELETE
}
all='10 11 12 13 14 15 16'

for by in cursor link; do
	emr $by $by
	asked >/dev/null
	is "by $by: all of the list" "$(pnow-fetch -l patient -s 2026-11-01 | jq -r .patientId | xargs)" "$all"
	is "... each page as the one before told it" "$(asked)" 'first at%2F2%2B%3D at%2F3%2B%3D at%2F4%2B%3D'
done
emr header header @Link
is 'by a link in a header, of which there are several' "$(pnow-fetch -l patient -s 2026-11-01 | jq -r .patientId | xargs)" "$all"

# --- Broken off

emr killed cursor
fault hang skip=2
pnow-fetch -b -l patient -s 2026-11-01 >got &
walk=$!
until_true matches '"fault":"hang"' requests
kill -KILL $walk
wait $walk 2>"/dev/null"
faults_end
asked >/dev/null
is 'a walk that was killed begins with its first page' "$(jq -r .patientId got | xargs)" '10 11 12 13'
is 'and goes on there' "$(pnow-fetch -b -l patient | jq -r .patientId | xargs) $(asked)" '14 15 16 at%2F3%2B%3D at%2F4%2B%3D'
pnow-fetch -b -l patient >/dev/null
is 'the next walk begins at the beginning' "$(asked)" first
emr expired cursor
jq '.patientnow.daily_limit = 2 | .patientnow.reserve = 0' "$DIR/expired.json" >"$DIR/poor.json"
pnow-fetch -c "$DIR/poor.json" -b -i -l patient -e patient -s 2026-11-01 2>said
is 'where the calls end, the walk stops' "$? $(pnow-inbox list | wc -l)" '75 4'
asked >/dev/null
state_sql "$DIR/expired.db" "UPDATE bookmark SET cursor = 'gone'"
pnow-fetch -b -i -l patient -e patient 2>said
is 'where the EMR has forgotten the place, the walk begins anew, and says so' "$? $(asked) $(<said)" \
	'0 gone first at%2F2%2B%3D at%2F3%2B%3D at%2F4%2B%3D pnow-fetch: patients, page 3: 400; where the walk stood is not known there any more: it begins anew'
is 'and what comes twice is known' "$(pnow-inbox list | wc -l)" 7

# --- Whatever is told

emr circle circle
pnow-fetch -l patient -s 2026-11-01 >got 2>said
is 'a circle has an end' "$? $(<said)" '69 pnow-fetch: patients: page 4: it tells the cursor of a page that was there before: the list has no end'
is 'before anything is there twice' "$(jq -r .patientId got | xargs)" '10 11 12 13 14 15'
emr other link
sed -i 's/"cursor": "cursor"/"cursor": "after"/' "$DIR/other.profile"
pnow-fetch -l patient -s 2026-11-01 >got 2>said
is 'a link without the cursor is told, and is not followed' "$? $(<said)" \
	"69 pnow-fetch: patients: page 1: it does not tell the next page's cursor: see paging.cursor and paging.next of the profile"
emr pages cursor
sed -i 's/"cursor": "cursor"/"page": "pageNo"/; s/"next": \[/"pages_header": "X-Pages", "total": [/; s/?by=cursor/?x=/; s#"/next"#"/none"#' "$DIR/pages.profile"
pnow-fetch -l patient -s 2026-11-01 >got 2>said
is 'pages that are all the first one have an end, too' "$? $(<said) $(jq -r .patientId got | xargs)" \
	'69 pnow-fetch: patients: page 2 is the one before again: see paging of the profile 10 11'
emr far cursor
pnow-fetch -b -l patient -s 2026-11-01 >got
state_sql "$DIR/far.db" "UPDATE bookmark SET page = 1000000, began = since, since = '2026-11-01T00:00:00Z'"
pnow-fetch -b -l patient >got 2>said
is 'a million pages are enough' "$? $(<said)" '69 pnow-fetch: patients: page 1000000: there is another one: the list has no end'
emr types cursor
sed -i 's/"appointmentTypes"/"patients?by=cursor"/; s#"/appointmentTypes"#"/patients"#; s#"/name"#"/firstName"#' "$DIR/types.profile"
is 'the list of appointment types is walked so, too' "$(pnow-fetch appointment-types | jq -r .appointment.type | xargs)" \
	'First0 First1 First2 First3 First4 First5 First6'
finish
