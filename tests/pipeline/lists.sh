#!/usr/bin/env bash
# What pnow-enrich asks PatientNow for when something has just changed: a list that others share, one resource where no list
# helps, nothing that the CRM knows already; and when it asks: its calls are spread over the day.
# For the contract they say nothing new.
PNOW_REQUESTS=
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"

seed '.patientnow.patients = [range(300) | {patientId: "\(20000 + .)", firstName: "First\(.)", lastName: "Last\(.)",
		email: "p\(20000 + .)@example.com", cellPhone: "(720) 200-\(1000 + .)", dateOfBirth: "1980-01-02"}]
	| .patientnow.appointments = [range(5) | {appointmentId: "\(50000 + .)", patientId: "\(20000 + .)", appointmentType: "Botox",
		status: "Booked", startTime: "2027-01-01T10:00:00-07:00", facility: "Downtown"}]
	| .patientnow.billing = [range(5) | {billId: "\(60000 + .)", patientId: "\(20000 + .)", total: "1.00"}]
	| .patientnow.memberships = [{membershipId: "70000", patientId: "20000", programName: "Glow Club"}]'
sandbox
practice test '.patientnow.daily_limit = 1000000'
export PNOW_CONFIG=$DIR/test.json

# said EVENT DATA [JQ]: a webhook that has just come, with a delivery id of its own.
said()
{
	jq -nc --arg event "$1" --argjson data "$2" --arg id "e$((delivered++))-$RANDOM" '(now | todate) as $now | {id: $id, practice: "test",
		received: $now, occurred: $now, payload: {$event, $data}} | '"${3:-.}"
}
asked()
{
	at_sandbox requests | jq -r 'select(.api != "crm") | .path | split("?")[0] | ltrimstr("/")' | sort | xargs
	at_sandbox requests DELETE
}
codes()
{
	jq -r '.error.code // "none"' "$@" | sort | uniq -c | xargs
}
# new: as if nothing had ever been done.
new()
{
	state_remove "$DIR/test.db"
	asked >/dev/null
}

# --- Lists

delivered=0
for n in 0 1 2 3 4; do said AppointmentCreated "{\"appointmentId\":\"5000$n\"}"; done >"$DIR/events"
pnow-enrich -j 1 <"$DIR/events" >"$DIR/out"
is 'of five appointments one list is asked for, and each patient alone' "$(asked)" \
	'appointments patients/20000 patients/20001 patients/20002 patients/20003 patients/20004'
is 'and all are told' "$(jq -r '.appointment.type' "$DIR/out" | xargs) $(jq -s 'map(.patientnow_calls) | add' "$DIR/out")" 'Botox Botox Botox Botox Botox 6'
pnow-enrich -j 1 <"$DIR/events" >"$DIR/out"
is 'the same events again cost nothing' "$(asked)" ''
new
for n in 7 107 207; do said PatientUpdated "{\"patientId\":\"$((20000 + n))\"}"; done >"$DIR/events"
pnow-enrich -o <"$DIR/events" >"$DIR/out"
is 'a long list is gone through to its end' "$(asked) $(jq -r .patient.last_name "$DIR/out" | xargs)" 'patients patients patients Last7 Last107 Last207'
new
said PatientUpdated '{"patientId":"20001"}' '.received = "2026-01-01T00:00:00Z" | .occurred = .received' >"$DIR/old"
pnow-enrich <"$DIR/old" >"$DIR/out"
is 'an event of long ago asks for its patient alone' "$(asked)" 'patients/20001'
new
for n in $(seq 12); do said PatientUpdated "{\"patientId\":\"$((20000 + n))\"}" '.received = "2026-01-01T00:00:00Z" | .occurred = .received'; done |
	pnow-enrich -j 1 >"$DIR/out"
is 'many of them make a list worth its calls' "$(asked | grep -o 'patients/' | wc -l) $(codes "$DIR/out")" '8 12 none'

new
sed 's/"size": *100/"size": 25/' "$root/lib/profiles/patientnow-pro.json" >"$DIR/short-pages.json"
jq --arg profile "$DIR/short-pages.json" '.patientnow.profile = $profile' "$DIR/test.json" >"$DIR/short-pages-practice.json"
for n in 280 290; do said PatientUpdated "{\"patientId\":\"$((20000 + n))\"}" | pnow-enrich -c "$DIR/short-pages-practice.json"; done >"$DIR/out"
is 'a list too long to be gone through is not asked for again and again' "$(asked | tr ' ' '\n' | uniq -c | xargs) $(codes "$DIR/out")" \
	'10 patients 1 patients/20280 1 patients/20290 2 none'

new
fault 503 path=/patients? count=99
said PatientUpdated '{"patientId":"20001"}' | pnow-enrich -t 1 >"$DIR/out" 2>"$DIR/err"
is 'a list that cannot be had now: to be tried again' "$(codes "$DIR/out")" '1 unavailable'
faults_end
asked >/dev/null
said PatientUpdated '{"patientId":"20001"}' | pnow-enrich >"$DIR/out"
is 'and not at once' "$(asked) $(codes "$DIR/out")" 'patients/20001 1 none'
new
fault 401 path=/patients? count=1
for n in 1 2; do said PatientUpdated "{\"patientId\":\"2000$n\"}"; done | pnow-enrich -j 1 >"$DIR/out"
is 'a list that is refused is not asked for again' "$(asked) $(codes "$DIR/out")" 'patients patients patients/20001 patients/20002 2 none'
faults_end
new
sed 's/"since": "updatedSince", *//' "$root/lib/profiles/patientnow-pro.json" >"$DIR/sinceless.json"
jq --arg profile "$DIR/sinceless.json" '.patientnow.profile = $profile' "$DIR/test.json" >"$DIR/sinceless-practice.json"
said PatientUpdated '{"patientId":"20001"}' | pnow-enrich -c "$DIR/sinceless-practice.json" >"$DIR/out"
is 'where lists cannot be asked for changes, none is' "$(asked)" 'patients/20001'
new
for n in 1 2; do said PatientUpdated "{\"patientId\":\"3000$n\"}"; done | pnow-enrich -j 1 >"$DIR/out"
is 'a patient that no list has is asked for alone' "$(asked | tr ' ' '\n' | uniq | xargs) $(codes "$DIR/out")" \
	'patients patients/30001 patients/30002 2 not_found'

new
said AppointmentCreated '{"appointmentId":"50003"}' | pnow-enrich >"$DIR/out"
sleep 1.1 # what was answered in the second of an event may be as it was before
said AppointmentCreated '{"appointmentId":"50004","patientId":"20003","firstName":"F","lastName":"L","email":"p20003@example.com","cellPhone":"",
	"appointmentType":"Botox","status":"Booked","startTime":"2027-01-01T10:00:00-07:00"}' | pnow-enrich >"$DIR/out"
asked >/dev/null
said PatientBillCompleted '{"billId":"60003"}' | pnow-enrich >"$DIR/out"
is 'what is kept of a patient stays where an event tells of them itself' "$(asked) $(jq -r .patient.dob "$DIR/out")" 'billing 1980-01-02'

# --- What the CRM knows

new
said PatientCreated '{"patientId":"20000"}' | pnow-sync >/dev/null
asked >/dev/null
state_forget_answers "$DIR/test.db"
said AppointmentCreated '{"appointmentId":"50000"}' | pnow-sync >"$DIR/out"
is 'of a patient whom the CRM knows only the appointment is asked for' "$(asked) $(jq -r .status "$DIR/out")" 'appointments done'
is 'its opportunity has the name all the same' "$(contact p20000@example.com | jq -r '.opportunities[].name')" 'First0 Last0'
said MembershipCreated '{"membershipId":"70000"}' | pnow-sync >"$DIR/out"
is 'likewise a membership' "$(asked) $(jq -r .status "$DIR/out")" 'memberships done'
said PatientBillCompleted '{"billId":"60000"}' | pnow-sync >"$DIR/out"
is 'the first bill asks for the birth date' "$(asked) $(contact p20000@example.com | jq -r '.fields["PNOW DOB"]')" 'billing patients/20000 1980-01-02'
state_forget_answers "$DIR/test.db"
said PatientBillCompleted '{"billId":"60001","patientId":"20000"}' | pnow-sync >"$DIR/out"
is 'the next one does not' "$(asked) $(contact p20000@example.com | jq -r '.fields["Patient Lifetime Value"]')" 'billing 2.00'
said PatientBillCompleted '{"billId":"60002"}' | pnow-sync >/dev/null
state_forget_answers "$DIR/test.db"
asked >/dev/null
said AppointmentCreated '{"appointmentId":"50002"}' | pnow-sync >"$DIR/out"
is 'a contact that a bill has made has no name yet: it is asked for' "$(asked) $(contact p20002@example.com | jq -r .firstName)" 'appointments patients/20002 First2'

state_forget_answers "$DIR/test.db"
curl -sS -X DELETE "$API/crm/contacts/$(contact_id p20000@example.com)" -H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28' >/dev/null
said AppointmentStatusChanged '{"appointmentId":"50000","patientId":"20000","status":"Checked Out"}' >"$DIR/events"
pnow-sync <"$DIR/events" >"$DIR/out"
is 'a contact that is gone: not skipped, but tried again' "$(jq -r '.status, .error.code, .error.retry' "$DIR/out" | xargs)" 'failed gone true'
pnow-sync <"$DIR/events" >"$DIR/out"
is 'with what PatientNow knows of the patient' "$(jq -r .status "$DIR/out") $(contact p20000@example.com | jq -r '.firstName, .fields["Contact Type"]' | xargs)" 'done First0 Patient'

# --- In the end the contact is as the last event has it

new
at()
{
	jq -nc --arg id "$1" --arg time "$2" --arg visit "$3" --arg status "$4" --arg event "${5:-AppointmentCreated}" '{$id, practice: "test",
		received: $time, occurred: $time, payload: {$event, data: {appointmentId: $visit, patientId: "20004", firstName: "F", lastName: "L",
		email: "p20004@example.com", cellPhone: "", appointmentType: "Botox", $status, startTime: "2027-01-01T10:00:00-07:00"}}}'
}
{
	at 1 2026-01-01T10:00:00Z 50004 'Checked Out' # booked, but asked for late
	at 2 2026-01-01T10:05:00Z 50003 Booked
	at 3 2026-01-01T10:10:00Z 50004 'Checked Out' AppointmentStatusChanged
	at 2 2026-01-01T10:05:00Z 50003 Booked
} | pnow-sync >"$DIR/out"
is 'an appointment that came in its later state is the last one again when the event of that comes' \
	"$(contact p20004@example.com | jq -r '.fields["PNOW Last Appt ID"], (.notes | length)' | xargs) $(jq -r .status "$DIR/out" | xargs)" '50004 2 done done done unchanged'

# --- The day's calls last

# The last minutes before midnight (UTC) need few calls, whatever the forecast: what follows is to see none of them.
day_left=$((86400 - $(date +%s) % 86400))
[ $day_left -gt 300 ] || sleep $day_left

# poor LIMIT [JQ]: a practice with so few calls.
poor()
{
	jq ".patientnow.daily_limit = $1 | ${2:-.}" "$DIR/test.json" >"$DIR/poor.json"
	new
	pnow-inbox -c "$DIR/poor.json" list >/dev/null
}
# state SQL: reads or changes the state file.
state()
{
	state_sql "$DIR/test.db" "$1"
}
run_once()
{
	PNOW_CONFIG=$DIR/poor.json timeout 300 pnow-inbox run -1 -- pnow-sync >/dev/null 2>"$DIR/err"
}
# soon HOURS: that moment, in milliseconds.
soon()
{
	echo $((($(date +%s) + $1 * 3600) * 1000))
}
# The forecast has far more lookups than there are calls, at whatever hour this runs.
busy="WITH RECURSIVE h(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM h WHERE i<60)
	INSERT INTO lookup SELECT $(($(date +%s) / 3600))-i, 'alone', 5000 FROM h"
poor 40
state "$busy"
said PatientUpdated '{"patientId":"20003"}' >"$DIR/events"
state "INSERT INTO quota_turn(api,settled) VALUES('patientnow',$(soon 20))"
pnow-enrich -c "$DIR/poor.json" <"$DIR/events" >"$DIR/out"
is 'where calls are far too few they are spread, and an event is put off until its turn' \
	"$(asked)$(jq -r '.error | .code, .retry, (.retry_after > 0 and .retry_after <= 86400)' "$DIR/out" | xargs)" 'paced true true'
pnow-enrich -c "$DIR/poor.json" <"$DIR/old" >"$DIR/out"
is 'what somebody runs again is not held up' "$(asked) $(codes "$DIR/out")" 'patients/20001 1 none'
pnow-inbox -c "$DIR/poor.json" add <"$DIR/events" >/dev/null
run_once
is 'the inbox keeps it, as if it had not been tried' "$(state "SELECT state, attempts, CASE WHEN due > $(soon 0)+1000 THEN 1 END,
	(SELECT count(*) FROM attempt) FROM inbox")" 'waiting|0|1|0'
id=$(jq -r .id "$DIR/events")
like 'and trace says why it waits' "$(pnow-inbox -c "$DIR/poor.json" trace "$id" | jq -r 'select(.what == "waiting").detail')" \
	"paced: patient 20003: today's calls to PatientNow are too few*"
state "DELETE FROM quota_turn; DELETE FROM lookup; UPDATE inbox SET due=0"
run_once
is 'until its turn comes' "$(state "SELECT state, attempts FROM inbox")" 'done|1'
like 'for how long and why, trace tells then' "$(pnow-inbox -c "$DIR/poor.json" trace "$id" | jq -r 'select(.what == "attempt").detail')" \
	'*; put off for [1-9]* s: paced'

poor 40
state_calls_set "$DIR/test.db" 38
said AppointmentCreated '{"appointmentId":"50001"}' >"$DIR/events"
pnow-inbox -c "$DIR/poor.json" add <"$DIR/events" >/dev/null
run_once
is 'calls that are kept for people are not made by a service: the event waits until midnight, untried' \
	"$(asked) $(state "SELECT state, attempts, CASE WHEN due BETWEEN $(soon 0) AND $(($(date -u -d tomorrow\ 0:00 +%s) * 1000 + 2000)) THEN 1 END FROM inbox")" ' waiting|0|1'
like 'and trace says so' "$(pnow-inbox -c "$DIR/poor.json" trace "$(jq -r .id "$DIR/events")" | jq -r 'select(.what == "waiting").detail')" \
	'quota_exhausted: * are used up, but for 2 that are kept for people*'
script -qec "pnow-enrich -c '$DIR/poor.json' <'$DIR/events' >'$DIR/out'" /dev/null >/dev/null
is 'a person may make them' "$(asked) $(codes "$DIR/out")" 'appointments patients/20001 1 none'
is 'stat tells what is kept, expected and waited for' "$(pnow-inbox -c "$DIR/poor.json" stat | jq -c '.quota | .reserve, .left, has("lookups"), has("wait_seconds"), .spread' | xargs)" \
	'2 0 true true false'

# A service's events wait for each other as long as the calls demand.
poor 1000 '.patientnow.reserve = 0'
left=100 # in the last hour before midnight (UTC) they are for less and less of it
[ "$(date -u +%H)" != 23 ] || left=$((100 * (60 - 10#$(date -u +%M)) / 60 + 2))
state_calls_set "$DIR/test.db" $((1000 - left))
state "WITH RECURSIVE h(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM h WHERE i<180)
	INSERT INTO lookup SELECT $(($(date +%s) / 3600))-i, 'patient', 400 FROM h" # each hour: the next one may begin meanwhile
mkfifo "$DIR/feed"
pnow-enrich -c "$DIR/poor.json" <"$DIR/feed" >"$DIR/out" &
enrich=$!
exec 3>"$DIR/feed"
for n in 10 11; do said PatientUpdated "{\"patientId\":\"200$n\"}" >&3; done
said PatientUpdated '{"patientId":"20012","firstName":"A","lastName":"B","email":"a@example.com","cellPhone":""}' >&3
until_true test -s "$DIR/out"
is 'an event that lacks nothing passes those that wait' "$(jq -r .patient.id "$DIR/out") $(asked)" '20012 '
sleep 3 # so long, and longer than is looked for, they are to wait
exec 3>&-
wait $enrich
is 'when no more can come, those who waited share a list at once' "$(asked) $(codes "$DIR/out")" 'patients patients patients 3 none'
is 'and tell how long they waited, and why' "$(jq -r '.patientnow_wait | select(. != null and .ms >= 1000).why' "$DIR/out" | xargs)" 'gathering gathering'
grep -m 1 patientnow_wait "$DIR/out" >"$DIR/waited"
pnow-inbox -c "$DIR/poor.json" add <"$DIR/waited" >/dev/null
state "UPDATE inbox SET state='running'"
like 'for how long one in the pipeline may wait, trace tells, too' "$(pnow-inbox -c "$DIR/poor.json" trace "$(jq -r .id "$DIR/waited")" | jq -r 'select(.what == "running").detail')" \
	'a lookup waits for up to [1-9]* s now so that*'
state "UPDATE inbox SET state='waiting'"
run_once
is 'their results tell it' "$(state_attempts "$DIR/test.db" a.result | jq -r .patientnow_wait.why)" gathering
like 'and trace' "$(pnow-inbox -c "$DIR/poor.json" trace "$(jq -r .id "$DIR/waited")" | jq -r 'select(.what == "attempt").detail')" \
	'*; waited [1-9]* s for PatientNow: gathering'

# A list that is of no help: what was waited for it is told once.
state_forget_answers "$DIR/test.db"
asked >/dev/null
fault 401 path=/patients? count=1
begun=$(date +%s%3N)
pnow-enrich -c "$DIR/poor.json" <"$DIR/feed" >"$DIR/out" &
enrich=$!
exec 3>"$DIR/feed"
said PatientUpdated '{"patientId":"20015"}' >&3
sleep 3
exec 3>&-
wait $enrich
faults_end
is 'nobody tells of a longer wait than there was' \
	"$(asked) $(jq --argjson took $(($(date +%s%3N) - begun)) '.patientnow_wait.ms | . > 1000 and . <= $took' "$DIR/out")" 'patients patients patients/20015 true'

# Where some seconds of each list would do, some lists wait for longer, and the others for nothing.
poor 100000 '.patientnow.reserve = 0'
state "WITH RECURSIVE h(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM h WHERE i<180)
	INSERT INTO lookup SELECT $(($(date +%s) / 3600))-i, 'patient', 4000 FROM h"
few=0 many=100000
for ((i = 0; i < 20; i++)); do # so many calls are left that lists would wait for seven to ten seconds
	left=$(((few + many) / 2))
	state_calls_set "$DIR/test.db" $((100000 - left))
	wait=$(pnow-inbox -c "$DIR/poor.json" stat | jq .quota.wait_seconds)
	if [ "$wait" -gt 10 ]; then few=$left; elif [ "$wait" -lt 7 ]; then many=$left; else break; fi
done
pnow-enrich -c "$DIR/poor.json" <"$DIR/feed" >"$DIR/out" &
enrich=$!
asked >/dev/null
exec 3>"$DIR/feed"
said PatientUpdated '{"patientId":"20013"}' >&3
until_true test -s "$DIR/out"
is 'where seven to ten seconds would do, one list is asked for at once' "$(asked) $(jq -r '.patientnow_wait.ms // 0 | . < 1000' "$DIR/out")" 'patients patients patients true'
sleep 1.1 # an event of the second in which that list was asked for would find itself there
said PatientUpdated '{"patientId":"20014"}' >&3
sleep 3 # which two lists of a kind are apart in any case
is 'and for the next one lookups wait' "$(asked)$(jq -r .patient.id "$DIR/out")" 20013
exec 3>&-
wait $enrich
is 'each for others' "$(asked) $(jq -r '.patientnow_wait.why // "none"' "$DIR/out" | tail -n 1)" 'patients patients patients gathering'

poor 1000
said AppointmentCreated '{"appointmentId":"50001"}' | pnow-enrich -c "$DIR/poor.json" >"$DIR/out"
is 'the forecast knows all lookups of a run that has ended' "$(state 'SELECT kind, sum(n) FROM lookup GROUP BY 1' | xargs)" 'alone|1 appointment|1'
finish
