#!/usr/bin/env bash
# pnow-enrich against a PatientNow on this machine: asks only what an event lacks, once for each patient, within the quota;
# keeps the order; and says of each call that failed whether it is worth trying again.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"

make_secrets .
printf 'Appointment Type,Appointment Category\n' >sheet.csv

# sandbox OPTION...: another one; its address in $api.
sandbox()
{
	local port=port.$BASHPID.${#started[@]}
	pnow-sandbox -s "$root/examples/sandbox/seed.json" -p "$port" "$@" >/dev/null 2>&1 &
	started+=($!)
	await "$port"
	api=http://127.0.0.1:$(<"$port")
}

# practice NAME [JQ]: a configuration NAME.json that asks $api, with a state of its own; $PNOW_CONFIG names it.
practice()
{
	jq -n --arg api "$api" --arg name "$1" '{practice: "glow-denver", timezone: "America/Denver", categories: "sheet.csv",
		state: ($name + ".db"),
		patientnow: {base_url: ($api + "/patientnow"), practice_id: "4711", token_file: "pnp.token"}}' | jq "${2:-.}" >"$1.json"
	export PNOW_CONFIG=$1.json
}

# asked: what PatientNow was asked since the last time, without the query.
asked()
{
	curl -s "$api/_/requests" | jq -r '.method+" "+(.path|sub("\\?.*";"")|.[1:])' | tr '\n' ' '
	curl -s -X DELETE "$api/_/requests" >/dev/null
}

# fault JSON: the sandbox does this from now on.
fault()
{
	curl -s -X DELETE "$api/_/faults" >/dev/null
	[ -z "$1" ] || curl -s -d "$1" "$api/_/faults" >/dev/null
}

# webhook EVENT ID DATA: a body on a line; of long ago, so that each resource is asked for alone.
webhook()
{
	printf '{"event":"%s","eventId":"%s","occurredAt":"2020-01-01T15:00:00Z","practiceId":"4711","data":%s}\n' "$1" "$2" "$3"
}

# errors: code and retry of each record's error.
errors()
{
	jq -r '.error//{code:"none"}|"\(.code) \(.retry)"' | tr '\n' ' '
}

# Answers that never come take their time: they are waited for beside the other tests.
(
	sandbox -f hang,count=1
	practice hang
	webhook PatientUpdated h '{"patientId":"10234"}' | pnow-enrich -t 5 >hang.out
	sandbox -f hang
	practice hangs
	webhook PatientUpdated h '{"patientId":"10234"}' | pnow-enrich -t 1 >hangs.out
	kill "${started[@]}"
) >/dev/null 2>&1 &
hanging=$!
sandbox

# What is kept: in a while, beside the other tests, an answer that can save no call any more is gone.

practice ages '.retry_seconds = [60] | .patientnow.cache_seconds = 0'
mkfifo ages.in
pnow-enrich <ages.in >ages.out &
started+=($!)
exec 8>ages.in
webhook Ping p '{}' >&8
await ages.out
old=$((($(date +%s) - 86461) * 1000))
state_answer ages.db patient old "$old" x
state_answer ages.db patient newer $((old + 3600000)) x
kept()
{
	sqlite3 ages.db '.timeout 10000' "SELECT id FROM cache" | xargs
}
is_kept()
{
	[ "$(kept)" = "$1" ]
}

# What is asked

practice complete
appointment='"appointmentId":"88123","appointmentType":"Botox","status":"Booked","startTime":"2026-12-01T15:30:00-07:00"'
person='"patientId":"10234","firstName":"Ana","lastName":"Lopez","email":"ana@example.com","cellPhone":""'
{
	webhook PatientUpdated 1 "{$person}"
	webhook PatientCreated 2 "{$person}"
	webhook AppointmentCreated 3 "{$appointment,$person}"
	webhook PatientBillCompleted 4 "{\"billId\":\"1\",\"total\":1,\"dateOfBirth\":null,$person}"
	webhook MembershipCreated 5 "{\"membershipId\":\"1\",\"programName\":\"Glow\",$person}"
	webhook PatientArchived 6 '{"patientId":"10234"}'
	webhook Ping 7 '{}'
	webhook AppointmentCreated 8 "{$appointment}"
} >complete
pnow-enrich <complete >out
is "a body that has the facts costs no call" "$(asked)" ''
is "an empty fact is one, too" "$(jq -c '.patient.phone' out | sort -u)" null

practice ids
webhook AppointmentCreated 1 '{"appointmentId":"88123"}' | pnow-enrich >out
is "an appointment's id costs two: it, and its patient" "$(asked)" 'GET appointments/88123 GET patients/10234 '
is "and gives everything" "$(jq -c '[.patient.id,.patient.last_name,.patient.phone,.appointment.type,.appointment.status,.appointment.start]' out)" \
	'["10234","Lopez","(303) 555-0142","Rhinoplasty Consult","booked","2026-12-01T15:30:00-07:00"]'
practice ids2
webhook AppointmentCreated 1 "{$appointment,\"patientId\":\"10235\"}" | pnow-enrich >out
is "a patient's id costs one" "$(asked)" 'GET patients/10235 '
is "what the body tells is kept" "$(jq -r .appointment.type out)" Botox
practice block
webhook AppointmentCreated 1 '{"appointmentId":"88128"}' | pnow-enrich >out
is "a block has no patient to ask for" "$(asked)$(jq -c 'has("patient")' out)" 'GET appointments/88128 false'
practice bill
webhook PatientBillCompleted 1 '{"billId":"991","patientId":"10234"}' | pnow-enrich >out
is "a bill's id costs two" "$(asked)" 'GET billing/991 GET patients/10234 '
is "and gives its items" "$(jq -c '[.bill.total,.bill.items[].name,.patient.dob]' out)" '["450.00","Botox","Dysport","Hydrafacial","1984-03-02"]'
practice member
webhook MembershipCreated 1 '{"membershipId":"501"}' | pnow-enrich >out
is "so does a membership's" "$(asked)$(jq -c '[.membership.program,.patient.email]' out)" 'GET memberships/501 GET patients/10236 ["Glow Club","chloe@example.com"]'
practice name
webhook MembershipCreated 2 '{"membershipId":"1","patientId":"10236","programName":"Glow","email":"c@example.com","cellPhone":null}' | pnow-enrich >out
is "a name that is not told is asked for: the contact may have to be made" "$(asked)$(jq -r .patient.first_name out)" 'GET patients/10236 Chloe'
webhook MembershipCreated 3 '{"membershipId":"1","patientId":"19999","programName":"Glow","email":"","cellPhone":null}' | pnow-enrich >out
is "but not where there is neither e-mail nor phone, and so no contact to make" "$(asked)" ''
practice address '.address=true'
webhook PatientUpdated 1 "{$person}" | pnow-enrich >out
is "an address is asked for where the configuration wants it" "$(asked)$(jq -r .patient.city out)" 'GET patients/10234 Denver'
practice essentials '.patientnow={profile:"patientnow-essentials",base_url:(.patientnow.base_url|sub("patientnow";"envision")),user:"sandbox",password_file:"pne.password",apikey_file:"pne.apikey"}'
webhook AppointmentCreated 1 '{"AppointmentId":88123}' | pnow-enrich >out
is "Essentials is asked in its own words" "$(asked)$(jq -r .patient.email out)" 'GET appointments/88123 GET customers/10234 ana@example.com'

# Once

practice once
for i in $(seq 30); do webhook AppointmentCreated "$i" "{$appointment,\"patientId\":\"10234\"}"; done >many
pnow-enrich <many >out
is "many events of one patient cost one call" "$(asked)" 'GET patients/10234 '
is "and all have the patient" "$(jq -r .patient.first_name out | sort | uniq -c | tr -s ' ')" ' 30 Ana'
pnow-enrich <many >out
is "a fresh answer is kept for the next run" "$(asked)" ''
webhook PatientUpdated new '{"patientId":"10234"}' | pnow-enrich >out
is "an id-only update that was received since asks again" "$(asked)" 'GET patients/10234 '
webhook AppointmentCreated x "{$appointment,\"patientId\":\"10234\"}" | pnow-enrich >out
is "its answer serves the patient's other events" "$(asked)" ''
jq -nc '{id:"old",type:"patient.updated",practice:"glow-denver",received:"2020-01-01T00:00:00Z",payload:{data:{patientId:"10234"}}}' | pnow-enrich >out
is "an update that was received before does not ask" "$(asked)" ''
webhook PatientUpdated told "{$person}" | pnow-enrich >out
webhook AppointmentCreated y "{$appointment,\"patientId\":\"10234\"}" | pnow-enrich >out
is "an update that tells all makes what was kept stale" "$(asked)" 'GET patients/10234 '
practice stale '.patientnow.cache_seconds=0'
webhook AppointmentCreated 1 "{$appointment,\"patientId\":\"10234\"}" | pnow-enrich >out
sleep 0.1
webhook AppointmentCreated 2 "{$appointment,\"patientId\":\"10234\"}" | pnow-enrich >out
is "an answer older than cache_seconds is none" "$(asked)" 'GET patients/10234 GET patients/10234 '
practice ahead
webhook AppointmentCreated 1 "{$appointment,\"patientId\":\"10234\"}" | pnow-enrich >out
state_sql ahead.db 'UPDATE cache SET fetched = fetched + 3600000'
webhook AppointmentCreated 2 "{$appointment,\"patientId\":\"10234\"}" | pnow-enrich >out
is "nor is one that a clock has left which was an hour ahead" "$(asked)" 'GET patients/10234 GET patients/10234 '

# Order

fault '{"fault":"delay","ms":150,"path":"10234"}'
practice order
for i in 1 2 3 4 5 6; do for p in 10234 10235 10236 10237 10238 10239; do webhook PatientUpdated "$i-$p" "{\"patientId\":\"$p\"}"; done; done >many
pnow-enrich -o <many >out
is "-o: what comes out is in the order of what went in, however slow one answer is" "$(jq -r .id out | tr '\n' ' ')" "$(jq -r .eventId many | tr '\n' ' ')"
practice order-of-one
fault '{"fault":"delay","ms":150,"path":"10234"}'
pnow-enrich <many >out
is "without it, each patient's events are in their order" "$(jq -r .id out | sort -s -t- -k2 | tr '\n' ' ')" \
	"$(jq -r .eventId many | sort -s -t- -k2 | tr '\n' ' ')"
asked >/dev/null
fault '{"fault":"delay","ms":3600000,"skip":1,"count":5}' # the first answer tells that connections cannot be shared
practice parallel
for p in 10234 10235 10236 10237 10238 10239; do webhook PatientUpdated "$p" "{\"patientId\":\"$p\"}"; done >many
pnow-enrich -j 6 -t 3600 <many >out &
started+=($!)
all_met()
{
	[[ $(curl -s "$api/_/faults") == *'"left":0'* ]]
}
is "patients are asked for in parallel: five requests wait at once" "$(until_true all_met; echo $?)" 0
kill -KILL "${started[-1]}"
wait "${started[-1]}" 2>/dev/null
fault ''
asked >/dev/null

# A dry run

practice dry '.patientnow.token_file="nowhere/pnp.token"'
webhook AppointmentCreated 1 '{"appointmentId":"88123","patientId":"10234"}' | pnow-enrich -n >out
is "-n shows the requests" "$(<out)" '{"id":"1","method":"GET","path":"/appointments/88123"}
{"id":"1","method":"GET","path":"/patients/10234"}'
is "and makes none, and needs neither token nor state" "$(asked)$(find . -name 'dry.db*')" ''
is "of an event for which none would be made it says why" "$({ webhook PatientUpdated 1 "{$person}"; webhook Ping 2 '{}'; } | pnow-enrich -n)" \
	'{"id":"1","status":"ignored","reason":"nothing of it is asked of PatientNow"}
{"id":"2","status":"ignored","reason":"a ping"}'

# What fails

clear_of_midnight
practice quota '.patientnow.daily_limit=2'
for p in 10234 10235 10236 10237; do webhook PatientUpdated "$p" "{\"patientId\":\"$p\"}"; done >many
pnow-enrich <many >out 2>said
is "over the daily limit nothing is asked" "$(asked | grep -o GET | wc -l)" 2
is "and the events wait for the next day" "$(jq -r '"\(.error.code // "none") \(.error.retry)"' out | sort | xargs)" \
	'none null none null quota_exhausted true quota_exhausted true'
webhook PatientUpdated 1 '{"patientId":"10238"}' | pnow-enrich >out 2>said
is "by which run it was spent does not matter" "$(asked)$(errors <out)" 'quota_exhausted true '
practice race '.patientnow.daily_limit=10'
for i in 1 2 3; do (for p in $(seq 7); do webhook PatientUpdated "$i-$p" "{\"patientId\":\"$i$p\"}"; done | pnow-enrich >"race.$i" 2>/dev/null) & races[i]=$!; done
wait "${races[@]}"
is "processes share it to the last call" "$(asked | grep -o GET | wc -l) $(cat race.? | grep -c quota_exhausted)" '10 11'

practice missing
webhook PatientUpdated 1 '{"patientId":"999"}' | pnow-enrich >out
is "a patient that is not there is not asked for again" "$?$(asked)$(errors <out)" '1GET patients/999 not_found false '
is "the error names the id" "$(jq -r .error.message out)" 'patient 999: 404'
webhook AppointmentCreated 1 '{"appointmentId":"8/1?x=é"}' | pnow-enrich >out
is "an id is one part of the path, whatever is in it" "$(asked)$(errors <out)" 'GET appointments/8%2F1%3Fx%3D%C3%A9 not_found false '
practice refused
fault '{"fault":"401"}'
webhook PatientUpdated 1 '{"patientId":"10234"}' | pnow-enrich >out 2>said
is "a token that is not accepted is tried again later; one question shows that it is the token" "$(asked)$(errors <out)" \
	'GET patients/10234 GET patients refused true '
fault ''

fault '{"fault":"429","retry_after":7200}'
practice paused
pnow-enrich -j 1 <many >out 2>said
is "in a long pause that PatientNow asks for nothing more is asked" "$(asked | wc -w) $(state_calls paused.db)" '2 1'
is "and all that needs it is put off until one may ask again, an hour at most" "$(jq -c '.error | [.code, .retry, .retry_after >= 3590 and .retry_after <= 3600]' out | sort | uniq -c | xargs)" \
	'4 [quota_exhausted,true,true]'
like "the message says until when" "$(jq -r .error.message out | head -n 1)" 'patient 1023?: 429: PatientNow has asked for a pause: again from 2*Z on'
fault '{"fault":"429","retry_after":1}'
webhook PatientUpdated 1 '{"patientId":"10234"}' | pnow-enrich >out 2>said
is "a short one is waited for, and what fails all the same was tried" "$(asked | wc -w)$(jq -c '.error | [.code, .retry_after]' out)" '10["quota_exhausted",null]'
fault ''

one='{"patientId":"10234"}'
n=0
for what in 500 reset-before reset-after cut 429; do
	n=$((n + 1))
	fault "{\"fault\":\"$what\",\"count\":1}"
	practice "once-$n"
	webhook PatientUpdated 1 "$one" | pnow-enrich >out 2>said
	is "$what once: asked again at once" "$(asked)$(errors <out)" 'GET patients/10234 GET patients/10234 none null '
done
n=0
for what in 500 cut; do
	sandbox -f "$what"
	practice "ever-$what"
	webhook PatientUpdated 1 "$one" | pnow-enrich >"ever-$what.out" 2>&1 &
	ever[n]=$!
	n=$((n + 1))
done
api=http://127.0.0.1:1
practice nobody
webhook PatientUpdated 1 "$one" | pnow-enrich >nobody.out 2>&1
wait "${ever[@]}"
is "500 for ever: an error that can be tried again" "$(errors <ever-500.out)" 'unavailable true '
is "a body cut short for ever: the same" "$(errors <ever-cut.out)" 'unavailable true '
is "nobody there: the same" "$(errors <nobody.out)" 'unavailable true '
is "which takes no calls of the day" "$(state_calls nobody.db) $(jq .patientnow_calls nobody.out)" '0 null'
is "as those do that are sent and not answered" "$(state_calls ever-cut.db) $(jq .patientnow_calls ever-cut.out)" '5 5'
wait "$hanging"
is "one that never answers is asked again" "$(errors <hang.out)" 'none null '
is "and given up when it never does" "$(errors <hangs.out)" 'unavailable true '
is "no message has a token or a name in it" "$(cat said ./*.out | jq -r '.error.message//empty' | grep -ciE 'sandbox-|lopez')" 0
until_true is_kept newer
is 'while it runs and waits, it forgets answers that are too old, and no others' "$(kept)" newer
exec 8>&-
finish
