#!/usr/bin/env bash
# Who waits for whom: an event for its own patient's earlier ones, and for nothing else. What hangs here hangs for an hour, so
# what comes out has not waited for it.
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"

T1=2026-12-01T10:00:00Z
seed '.patientnow.patients = [range(12) | {patientId: "\(20000 + .)", firstName: "First", lastName: "Last\(.)",
	email: "p\(20000 + .)@example.com", cellPhone: "(720) 200-\(1000 + .)", dateOfBirth: "1980-01-02"}]'
sandbox
practice test '.facilities.Downtown = {location_id: "'$DOWNTOWN'", token_file: "downtown.token"}'
export PNOW_CONFIG=$DIR/test.json

# The first answer on a connection tells whether requests can share it; until then, others wait. So none of them hangs.

# begin COMMAND…: it runs with an input that stays open; what it writes is in $DIR/out.
begin()
{
	rm -f "$DIR/in"
	mkfifo "$DIR/in"
	"$@" <"$DIR/in" >"$DIR/out" 2>"$DIR/err" &
	started+=($!)
	exec 3>"$DIR/in"
}

# Nobody waits for what hangs any more.
end()
{
	exec 3>&-
	kill -KILL "${started[-1]}"
	wait "${started[-1]}" 2>/dev/null
	unset 'started[-1]'
	faults_end
}

out_has() # LINES
{
	[ "$(wc -l <"$DIR/out")" -ge "$1" ]
}
met() # whether as many requests as were meant have met the fault
{
	matches '"left": *0' faults
}
ids()
{
	jq -r .id "$DIR/out" | sort | xargs
}

# --- PatientNow

# old ID PATIENT [FACTS]: an update of long ago, which asks for its patient alone; with facts it needs not ask.
old()
{
	jq -nc --arg id "$1" --arg patient "$2" --argjson facts "${3:-null}" '{$id, type: "patient.updated", practice: "test",
		received: "2026-01-01T00:00:00Z", payload: {data: ({patientId: $patient} + $facts)}}'
}
whole='{"firstName":"A","lastName":"B","email":"a@example.com","cellPhone":""}'

begin pnow-enrich -j 2 -t 3600
old first 20011 >&3
until_true out_has 1
fault delay ms=3600000 path=patients/ count=2
for n in 0 1; do old "hangs-$n" "2000$n"; done >&3
until_true met
for n in 0 1; do old "behind-$n" "2000$n" "$whole"; done >&3
for n in 2 3; do old "whole-$n" "2000$n" "$whole"; done >&3
until_true out_has 3
is 'while all lookups that there may be hang, events that need none pass' "$(ids)" 'first whole-2 whole-3'
end
begin pnow-enrich -j 2 -t 3600
old first 20010 >&3
until_true out_has 1
fault delay ms=3600000 path=patients/20000 count=1
for n in 0 1 2 3 4; do old "asks-$n" "2000$n"; done >&3
until_true out_has 5
is 'while one hangs, the others are made' "$(ids)" 'asks-1 asks-2 asks-3 asks-4 first'
end

# --- The CRM

# visits NUMBER NAME [FACILITY]: so many appointments of new patients, mapped.
visits()
{
	event appointment.booked "$2" $T1 '. as $one | range('"$1"') | "'"$2"'-\(.)" as $id | $one | .id = $id
		| .patient = {$id, first_name: "A", last_name: "B", email: "\($id)@example.com"} | . + visit($id; "booked")
		| .appointment.facility = '"${3:-null}" | categorize | crm-map
}

fault 429 retry_after=60 count=1
begin crm-push -j 1
visits 1 first >&3
until_true met
visits 3 paused >&3
visits 3 other '"Downtown"' >&3
until_true out_has 3
is 'a pause of one sub-account holds up no other' "$(ids)" 'other-0 other-1 other-2'
end
rm -f "$DIR"/test.db*
begin crm-push -j 2 -t 3600
visits 1 known '"Downtown"' >&3
until_true out_has 1
fault delay ms=3600000 "path=$MAIN/customFields" count=1
visits 1 first >&3
until_true met
visits 4 wants-names >&3
visits 3 new '"Downtown"' >&3
until_true out_has 4
is 'nor does a list of names that one waits for' "$(ids)" 'known-0 new-0 new-1 new-2'
end

# --- One event

at_sandbox requests DELETE
fault delay ms=3600000 path=/notes method=POST count=1
begin crm-push -t 3600
visits 1 once '"Downtown"' >&3
until_true met
made() # PATH: whether such a request was answered
{
	[ -n "$(requests "select(.method == \"POST\" and (.path | contains(\"$1\")))")" ]
}
holds 'what does not depend on each other is made at the same time: while the note hangs, the enrolment' until_true made /workflow/
holds 'and the opportunity' until_true made /opportunities/
end
rm -f "$DIR"/test.db*
at_sandbox requests DELETE
fault delay ms=3600000 path=workflows/ method=GET count=1
begin crm-push -t 3600
visits 1 apart '"Downtown"' >&3
until_true met
holds 'a note does not wait for an enrolment whose workflow is still being looked for' until_true made /notes
end

# --- Order

rm -f "$DIR"/test.db*
fault delay ms=20 chance=0.3
event patient.updated x $T1 'range(10) as $n | range(20) as $p | .id = "\($p)-\($n)" | .occurred = "2026-12-01T10:00:\($n + 10)Z"
	| .patient = {id: "\($p)", first_name: "Name\($n)", last_name: "B", email: "o\($p)@example.com", phone: ""}' >"$DIR/updates"
pnow-sync <"$DIR/updates" >"$DIR/out"
is 'hundreds of events, some of which take longer: each patient'"'"'s come out in their order' \
	"$(jq -r .id "$DIR/out" | sort -s -t- -k1,1 | xargs)" "$(jq -r .id "$DIR/updates" | sort -s -t- -k1,1 | xargs)"
is 'and were carried out in it' "$(at_sandbox state | jq -r '.contacts[] | select(.email | test("^o[0-9]")) | .firstName' | sort | uniq -c | xargs)" '20 Name9'
is 'but not in the order of all' "$(diff -q <(jq -r .id "$DIR/out") <(jq -r .id "$DIR/updates") >/dev/null && echo same)" ''
pnow-sync -o <"$DIR/updates" >"$DIR/out"
is '-o: in the order of all' "$(jq -r .id "$DIR/out" | xargs)" "$(jq -r .id "$DIR/updates" | xargs)"
finish
