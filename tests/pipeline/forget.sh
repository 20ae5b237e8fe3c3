#!/usr/bin/env bash
# pnow-inbox forget: of one person nothing but ids, states, times and sums is left in any file, whatever way it came in, while
# hook and run are at work; everybody else's is, and what is known stays known.
# shellcheck source=tests/pipeline/common.bash disable=SC2154 # tap.sh sets started
. "$(dirname "$0")/common.bash"

# The person is Zora Zanzibar, patient 1; no word of hers is anybody else's. The other one is Oscar Okapi, patient 2.
hers='Zanzibar|Zora|zz@example|3035550177|quagga|1977-07-07'
seed '.patientnow.patients = [
		{patientId: "1", firstName: "Zora", lastName: "Zanzibar", email: "zz@example.com", cellPhone: "+13035550177", gender: "F", dateOfBirth: "1977-07-07"},
		{patientId: "2", firstName: "Oscar", lastName: "Okapi", email: "oo@example.com", cellPhone: "+13035550188", gender: "M"}]
	| .patientnow.appointments = [
		{appointmentId: "11", patientId: "1", appointmentType: "Botox", status: "Booked", startTime: "2026-12-01T15:30:00-07:00", comments: "quagga"},
		{appointmentId: "22", patientId: "2", appointmentType: "Botox", status: "Booked", startTime: "2026-12-01T16:30:00-07:00", comments: "okapi"}]'
sandbox
practice test '.hooks.crm = {verify: "none"} | .retry_seconds = []'
export PNOW_CONFIG=$DIR/test.json
pnow-hook -l 127.0.0.1:0 -p "$DIR/hook.port" >/dev/null 2>"$DIR/hook.err" &
HOOK=$!
URL=http://127.0.0.1:$(port_in "$DIR/hook.port")/hook

run()
{
	pnow-inbox run -- "$@" >>"$DIR/run.out" 2>>"$DIR/run.err" &
	RUN=$!
	started+=("$RUN")
}

run_stop()
{
	kill "$RUN"
	wait "$RUN"
}

# send BODY [SENDER]: a webhook, which must be taken.
send()
{
	local answer
	if [ "${2:-patientnow}" = crm ]; then
		answer=$(curl -sS -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' --data-binary "$1" "$URL/test/crm")
	else
		answer=$(post test "$1")
	fi
	[[ $answer == 2?? ]] || fail 'a webhook is taken' "$answer $1"
}

all_settled()
{
	[ "$(pnow-inbox list -s waiting,running | wc -l)" -eq 0 ]
}

# remains PATTERN: how often any file of the state holds one of these words.
remains()
{
	state_remains "$DIR/test.db" "$1"
}

now=$(date -u +%FT%TZ)
run pnow-sync
send "$(webhook PatientCreated one "$now" '{"patientId":"1","firstName":"Zora","lastName":"Zanzibar","email":"zz@example.com","cellPhone":"+13035550177","gender":"F"}')"
send "$(webhook AppointmentCreated two "$now" '{"appointmentId":"11"}')"
send "$(webhook PatientCreated three "$now" '{"patientId":"2"}')"
send "$(webhook AppointmentCreated four "$now" '{"appointmentId":"22"}')"
until_true all_settled
zora=$(contact_id zz@example.com)
send "$(webhook AppointmentStatusChanged five "$now" '{"appointmentId":"11","status":"Checked Out","comments":"quagga"}')"
send "$(webhook PatientArchived six "$now" '{"patientId":"1","lastName":"Zanzibar-Old"}')"
send "$(jq -nc --arg id "$zora" --arg location "$MAIN" '{type: "ContactUpdate", locationId: $location, $id, lastName: "Zanzibar"}')" crm
send "$(jq -nc --arg id "$zora" --arg location "$MAIN" '{type: "ContactTagUpdate", locationId: $location, $id, lastName: "Zanzibar", tags: ["vip"]}')" crm
until_true all_settled
events=$(pnow-inbox list | jq -r .id | sort | xargs)
like 'every way in was gone' "$(pnow-inbox list -s 'done',ignored | wc -l) $zora" '8 ?*'
held=$(remains "$hers")
holds 'the files have the person before' test "$held" -gt 10

# While all of it runs

pnow-inbox forget 1 >"$DIR/said" 2>&1
is 'it is removed, and counts are told' "$? $(jq -c 'del(.answers)' "$DIR/said")" '0 {"state":"forgotten","bodies":6,"attempts":6,"dropped":0}'
holds "PatientNow's answers among them" test "$(jq .answers "$DIR/said")" -ge 2
is 'no file has a word of the person' "$(remains "$hers")" 0
is "everybody else's is there" "$(pnow-inbox show three | jq -r .type) $(pnow-inbox show four | jq -r .type)" 'patient.created appointment.booked'
holds 'the cache, too' test "$(state_sql "$DIR/test.db" "SELECT count(*) FROM answer WHERE body LIKE '%Okapi%'")" -gt 0
is 'what was done stays known' "$(pnow-inbox list | jq -r .id | sort | xargs)" "$events"
is 'in the ledger, too' "$(pnow-inbox trace 1 | jq -r 'select(.what == "contact").contact')" "$zora"
is 'but no digest of the facts' "$(state_sql "$DIR/test.db" "SELECT count(*), max(state) FROM subject WHERE subject='patient/1'")" '1|'
send "$(webhook PatientCreated one "$now" '{"patientId":"1","firstName":"Zora"}')"
is 'an event that comes again is known' "$(pnow-inbox list | wc -l) $(remains "$hers")" '8 0'
is 'again: nothing more to remove' "$(pnow-inbox forget 1 2>&1; echo $?)" \
	$'{"state":"forgotten","bodies":0,"attempts":0,"answers":0,"dropped":0}\n0'
is 'somebody of whom nothing is known: nothing, which is told' "$(pnow-inbox forget nobody 2>&1; echo $?)" \
	$'pnow-inbox: nothing is known of a patient nobody; expected an id of PatientNow\'s\n{"state":"forgotten","bodies":0,"attempts":0,"answers":0,"dropped":0}\n0'
send "$(webhook AppointmentStatusChanged seven "$now" '{"appointmentId":"22","status":"Checked Out"}')"
until_true all_settled
is 'hook and run go on' "$(pnow-inbox list -n 1 | jq -r '.id + " " + .state')" 'seven done'
run_stop

# What is still to be done

send "$(webhook AppointmentStatusChanged eight "$now" '{"appointmentId":"11","status":"No Show","comments":"quagga"}')"
send "$(webhook PatientUpdated nine "$now" '{"patientId":"1","lastName":"Zanzibar","firstName":"Zora","email":"zz@example.com","cellPhone":""}')"
held=$(remains "$hers")
is 'events that wait are a reason to refuse' "$(pnow-inbox forget 1 2>&1; echo $?)" \
	$'pnow-inbox: patient 1: 2 events are waiting and 0 are dead; nothing was removed: let them be settled, or drop them with -f\n1'
is 'and nothing is removed' "$(remains "$hers") $(pnow-inbox list -s waiting | wc -l)" "$held 2"
printf '#!/bin/sh\nwhile read -r line; do : >%s; done\n' "$DIR/fed" >"$DIR/slow"
chmod +x "$DIR/slow"
run "$DIR/slow"
until_true test -e "$DIR/fed"
like 'so are those in a pipeline, with -f, too' "$(pnow-inbox forget -f 1 2>&1; echo $?)" \
	'pnow-inbox: patient 1: an event is in a pipeline just now; nothing was removed: wait *1'
kill -KILL "$RUN"
wait "$RUN" 2>/dev/null
pnow-inbox run -1 -t bill.completed -- cat >/dev/null # takes over what the dead one had
pnow-inbox forget -f 1 >"$DIR/said"
is '-f drops them' "$? $(jq -c 'del(.answers)' "$DIR/said")" '0 {"state":"forgotten","bodies":2,"attempts":0,"dropped":2}'
is 'and nothing of them is left' "$(remains "$hers")" 0
send "$(webhook PatientUpdated ten "$now" '{"patientId":"1","lastName":"Zanzibar","firstName":"Zora","email":"zz@example.com","cellPhone":""}')"
pnow-inbox run -1 -- jq -c --unbuffered '{id, status: "failed", error: {code: "rejected", message: "Zanzibar"}, warnings: ["of Zanzibar"]}' 2>>"$DIR/run.err"
state_sql "$DIR/test.db" "UPDATE inbox SET put_off='Zanzibar' WHERE state='dropped'" # as an older pnow left it
like 'dead ones are a reason to refuse' "$(pnow-inbox forget 1 2>&1; echo $?)" '*0 events are waiting and 1 are dead*1'
is '-f drops them, and what a result says beside ids is removed' "$(pnow-inbox forget -f 1; echo $?) $(remains "$hers")" \
	$'{"state":"forgotten","bodies":1,"attempts":1,"answers":0,"dropped":1}\n0 0'
is 'nobody is named by what it says' "$(cat "$DIR/said" "$DIR/run.err" "$DIR/hook.err" | grep -ciE "$hers")" 0
finish
