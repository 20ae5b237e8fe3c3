#!/usr/bin/env bash
# pnow-fetch: records and events by their ids and by when they changed, what is left undone and said, and that what a webhook
# has brought already costs nothing in the CRM. tests/pipeline/walk.sh has long walks that are killed.
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"

ana='{"patientId":"10234","firstName":"Ana","lastName":"Lopez","email":"ana@example.com","cellPhone":"(303) 555-0142","updatedAt":"2026-11-20T10:00:00Z"}'
ben='{"patientId":"10235","firstName":"Ben","lastName":"Okafor","email":"ben@example.com","updatedAt":"2026-11-21T10:00:00Z"}'
visit='{"appointmentId":"88123","patientId":"10234","appointmentType":"Botox","status":"Booked","startTime":"2026-12-01T15:30:00-07:00","updatedAt":"2026-11-20T16:05:00Z"}'
seen='{"appointmentId":"88124","patientId":"10234","appointmentType":"Laser","status":"Checked Out","startTime":"2026-11-21T09:00:00-07:00","updatedAt":"2026-11-21T17:00:00Z"}'
bill='{"billId":"991","patientId":"10234","total":450.00,"billDate":"2026-11-20","items":[{"description":"Botox","amount":450.00}],"updatedAt":"2026-11-20T18:00:00Z"}'
club='{"membershipId":"77","patientId":"10234","programName":"Glow Club","soldDate":"2026-11-20","amount":129.00,"status":"Active","updatedAt":"2026-11-20T19:00:00Z"}'
seed ".patientnow.patients = [$ana, $ben] | .patientnow.appointments = [$visit, $seen] | .patientnow.billing = [$bill]
	| .patientnow.memberships = [$club] | .patientnow.appointmentTypes = [\"Peel\", \"Yoga\"]"
# jq makes 450 of 450.00
sed -i 's/450$/450.00/; s/450,$/450.00,/' "$DIR/seed.json"
sandbox
practice test
export PNOW_CONFIG=$DIR/test.json

patients=patients
if [ "$PROFILE" = patientnow-essentials ]; then
	patients=customers
fi

# asked: what PatientNow was asked for since the last time, paths without their query.
asked()
{
	at_sandbox requests | jq -r 'select(.api != "crm") | .path | split("?")[0]'
	at_sandbox requests DELETE
}

# --- By ids

pnow-fetch patient 10234 >got 2>said
is 'a record comes as PatientNow has it, on one line' "$?$(jq -S . got)$(wc -l <got)$(<said)" "0$(spoken "$ana" | jq -S .)1"
is 'numbers keep their text' "$(pnow-fetch bill 991 | grep -oi '"total":[^,]*' | cut -d: -f2)" 450.00
pnow-fetch -j 4 patient 10235 10299 10234 >got 2>said
is 'several come in the order asked for; one that is missing is an error, exit 1' "$? $(jq -r '.CustomerId // .patientId // .error.code' got | xargs)" \
	'1 10235 not_found 10234'
is 'the error names the id' "$(jq -c 'select(.error) | [.id, .error.stage, .error.message, .error.retry]' got)" \
	'["10299","pnow-fetch","patient 10299: 404",false]'
asked >/dev/null
printf '%s\n' 10235 '  10234 ' '' '{"id":"10235"}' "$(spoken "$seen")" '{"id":"evt-1","type":"bill.completed","practice":"test","patient":{"id":"10235"},"payload":{}}' |
	pnow-fetch -j 1 patient >got
is 'ids on standard input: bare, as records, as events' "$? $(jq -r '.CustomerId // .patientId // .error.code' got | xargs)" \
	'0 10235 10234 10235 10234 10235'
printf '%s\n' '{"id":"evt-1","payload":{}}' '{"id":' 'a b/c' | pnow-fetch -j 1 patient >got
is 'what tells no id is an error; any other text is one' "$? $(jq -r .error.code got | xargs)" '1 malformed malformed not_found'
is 'an id is encoded in the path' "$(at_sandbox requests | jq -r '.path | split("?")[0]' | tail -n 1)" "/$patients/a%20b%2Fc"
asked >/dev/null
is '-n writes the request, and makes none' "$(pnow-fetch -n -e appointment 88123) $(asked)" \
	'{"id":"88123","method":"GET","path":"/appointments/88123"} '
is 'an error record passes as it is' "$(pnow-fetch patient <<<'{"id":"1","error":{"stage":"x"}}')" '{"id":"1","error":{"stage":"x"}}'

# --- Events

pnow-fetch -e appointment 88123 88124 >events
is 'the type is the one that fits the record' "$(jq -r .type events | xargs)" 'appointment.booked appointment.status'
is 'the others have theirs' "$({
	pnow-fetch -e patient 10234
	pnow-fetch -e bill 991
	pnow-fetch -e membership 77
	pnow-fetch -e patient.created 10235
} | jq -r .type | xargs)" 'patient.updated bill.completed membership.created patient.created'
is 'an event: practice, source, when it changed' "$(jq -c '[.practice, .source, .occurred]' events | head -n 1)" \
	'["test","fetch","2026-11-20T16:05:00Z"]'
same 'the record is its payload' "$(jq -c 'select(.appointment.id == "88124") | .payload' events)" "$(spoken "$seen")"
is 'the same record makes the same id, another one another' "$(pnow-fetch -e appointment 88123 88124 88123 | jq -r .id | sort | uniq -c | awk '{ print $1 }' | sort | xargs)" '1 2'
is 'fetched and listed, it is the same event' "$(pnow-fetch -l appointment -e appointment -s 2026-11-01 | jq -r .id | sort | xargs)" "$(jq -r .id events | sort | xargs)"
asked >/dev/null
state_forget_answers "$DIR/test.db"
pnow-enrich <events >enriched
is 'pnow-enrich asks for the patient alone' "$(asked)" "/$patients/10234"
is 'and has all facts' "$(jq -c '[.appointment.type, .appointment.status, .patient.last_name]' enriched | xargs)" '[Botox,booked,Lopez] [Laser,checked_out,Lopez]'
pnow-fetch -e patient 10234 | pnow-enrich | jq -r .patient.last_name >got
is 'of a patient it asks for nothing' "$(<got) $(asked)" "Lopez /$patients/10234"
at_sandbox reset POST
printf '%s\n' "$(spoken '{"patientId":"10240","lastName":"Short"}')" >short
if [ "$PROFILE" = patientnow-essentials ]; then
	curl -sS -u sandbox:sandbox-password -H 'Content-Type: application/json' "$API/envision/customers?apikey=sandbox-apikey" -d @short >made
else
	curl -sS -H 'Authorization: sandbox-pnp-token' -H 'Content-Type: application/json' "$API/patientnow/patients?practiceId=4711" -d @short >made
fi
asked >/dev/null
pnow-fetch -e patient 10236 | pnow-enrich >got
is 'nor where the record lacks facts: what was fetched is fresh' "$(jq -r .patient.last_name got) $(asked | xargs)" "Short /$patients/10236"

# --- What the webhooks have brought in already

webhook_of()
{
	spoken "$(webhook "$1" "evt-$1" "$2" "$3")"
}
{
	webhook_of PatientCreated 2026-11-20T10:00:00Z "$ana"
	webhook_of PatientUpdated 2026-11-21T10:00:00Z "$ben"
	webhook_of AppointmentCreated 2026-11-20T16:05:00Z "$visit"
	webhook_of AppointmentStatusChanged 2026-11-21T17:00:01Z "$seen"
	webhook_of PatientBillCompleted 2026-11-20T18:00:00Z "$bill"
	webhook_of MembershipCreated 2026-11-20T19:00:00Z "$club"
} | pnow-sync 2>said | jq -r .status | xargs >got
is 'six webhooks are done' "$(<got)" 'done done done done done done'
# staff NAME E-MAIL: gives a contact another first name in the CRM.
staff()
{
	curl -sS -o /dev/null -X PUT "$API/crm/contacts/$(contact_id "$2")" -d "{\"firstName\":\"$1\"}" -H 'Content-Type: application/json' \
		-H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28'
}
staff Anita ana@example.com
staff Benny ben@example.com
before=$(contacts)
for event in patient appointment bill membership patient.created patient.updated; do
	pnow-fetch -l "${event%.*}" -e "$event" -s 2026-11-01
done | jq -c 'select(.patient.id | IN("10234", "10235"))' >events
pnow-sync <events | jq -c '[.status, .calls]' | sort | uniq -c | xargs >got
is 'the same from the lists is unchanged, without a call, whichever of the two names a patient'\''s event has' "$(<got)" '10 [unchanged,0]'
jq -c 'del(.occurred) | .id += "-undated"' events | pnow-sync | jq -c '[.status, .calls]' | sort | uniq -c | xargs >got
is 'and where nobody knows when it changed' "$(<got)" '10 [unchanged,0]'
is 'what staff have changed since stays' "$(contacts)" "$before"
staff Ana ana@example.com
staff Ben ben@example.com
pnow-enrich <events | categorize 2>/dev/null | crm-map | crm-push -C >got
is 'and is all that the audit finds' "$?$(<got)" 0

# --- Lists

is 'a list: what has changed since' "$(pnow-fetch -l patient -s 2026-11-21T00:00:00Z -u 2026-11-22 | wc -l)" 1
is 'and before' "$(pnow-fetch -l patient -s 2026-11-01 -u 2026-11-21T10:00:00Z | wc -l)" 1
is 'a date is one of the practice'\''s days' "$(pnow-fetch -n -l patient -s 2026-11-21 | grep -o 'ince=[^&]*')" 'ince=2026-11-21T07%3A00%3A00.000Z'
is 'an age counts from now' "$(pnow-fetch -l patient -s 1h | wc -l) $(pnow-fetch -l patient -s 5000d | wc -l)" '1 3'
sed 's/"since": "[a-zA-Z]*", //' "$root/lib/profiles/$PROFILE.json" >"$DIR/bare.json"
jq --arg profile "$DIR/bare.json" '.patientnow.profile = $profile' "$PNOW_CONFIG" >"$DIR/bare-practice.json"
is 'where the API cannot choose, the time of change in the records does' \
	"$(pnow-fetch -c "$DIR/bare-practice.json" -n -l patient -s 2026-11-21 | grep -c ince=) $(pnow-fetch -c "$DIR/bare-practice.json" -l patient -s 2026-11-21T00:00:00Z -u 2026-11-22 | wc -l)" '0 1'
sed 's/"size": 100/"size": 1/' "$root/lib/profiles/$PROFILE.json" >"$DIR/pages.json"
jq --arg profile "$DIR/pages.json" '.patientnow.profile = $profile' "$PNOW_CONFIG" >"$DIR/pages-practice.json"
asked >/dev/null
is 'page after page' "$(pnow-fetch -c "$DIR/pages-practice.json" -l patient -s 2026-01-01 | wc -l) $(asked | wc -l)" '3 3'
sed 's/"size": 100/"size": 200/' "$root/lib/profiles/$PROFILE.json" >"$DIR/large.json"
jq --arg profile "$DIR/large.json" '.patientnow.profile = $profile' "$PNOW_CONFIG" >"$DIR/large-practice.json"
if [ "$PROFILE" = patientnow-pro ]; then
	many=$(jq -nc '[range(150) | {patientId: "\(20000 + .)", updatedAt: "2026-11-01T00:00:00Z"}]')
	jq --argjson many "$many" '.patientnow.patients = $many' "$DIR/seed.json" >"$DIR/many.json"
	pnow-sandbox -s "$DIR/many.json" -p many.port >/dev/null &
	started+=($!)
	jq --arg base "http://127.0.0.1:$(port_in many.port)/patientnow" '.patientnow.base_url = $base' "$DIR/large-practice.json" >"$DIR/capped.json"
	pnow-fetch -c "$DIR/capped.json" -l patient -s 2026-01-01 >got 2>said
	is 'a server that gives fewer than asked for leaves nothing out unseen' "$? $(<said)" \
		"69 pnow-fetch: patients: page 1 has 100 entries of 150, and 200 were asked for: set the profile's paging.size to what PatientNow gives"
fi

fault 503 count=1
is 'a list survives a failure that passes' "$(pnow-fetch -l patient -s 2026-01-01 | wc -l)" 3
fault 401
pnow-fetch -l patient -s 2026-01-01 >got 2>said
like 'a token that is refused: said, exit 69' "$? $(<said)" "69 pnow-fetch: PatientNow does not accept the @(token|password) in $DIR/*: what needs it waits, *
pnow-fetch: $patients: 401: PatientNow does not accept the token"
faults_end
state_outage_due "$DIR/test.db"
is 'and accepted again' "$(pnow-fetch -l patient -s 2026-01-01 2>said | wc -l) $(<said)" \
	"3 $(grep -o 'pnow-fetch: PatientNow accepts .*' said)"

# --- The quota

clear_of_midnight
state_calls_set "$DIR/test.db" 0
jq '.patientnow.daily_limit = 2' "$DIR/pages-practice.json" >"$DIR/poor.json"
pnow-fetch -c "$DIR/poor.json" -b -l patient -s 2026-01-01 >got 2>said
is 'the quota is used up on the way: exit 75' "$?" 75
like 'and it says so' "$(<said)" "*: the 2 PatientNow calls of today (UTC) are used up"
is 'what was there is written' "$(wc -l <got)" 2
pnow-fetch -c "$DIR/poor.json" patient 10234 >got
is 'of ids too' "$? $(jq -r '.error.code, .error.retry' got | xargs)" '75 quota_exhausted true'
pnow-fetch -c "$DIR/pages-practice.json" -b -l patient -s 2026-01-01 >got
is 'the bookmark stood there, behind what was written' "$? $(grep -c . got)" '0 1'

# --- Bookmarks

state_remove "$DIR/test.db"
asked >/dev/null
pnow-fetch -b -l patient >got 2>said
is 'the first walk needs a beginning' "$? $(<said)" '64 pnow-fetch: there is no bookmark yet: -s SINCE says where the first walk is to begin'
is 'it is -s' "$(pnow-fetch -b -l patient -s 2026-11-21T00:00:00Z | wc -l)" 2
is 'the next one begins where the last began, less five minutes, whatever -s says' "$(pnow-fetch -b -l patient -s 2026-01-01 | wc -l)" 1
is 'each kind of walk has a bookmark of its own' "$(pnow-fetch -b -l patient -e patient -s 2026-01-01 | wc -l)" 3
jq '.state = "new.db"' "$DIR/test.json" >"$DIR/new.json" && mv "$DIR/new.json" "$DIR/test.json"
on_engine "$DIR/test.json"
pnow-fetch -b -l patient -s 2026-01-01 >/dev/full 2>said
is 'an output that cannot be written: exit 73' "$?" 73
is 'and the bookmark has not moved' "$(pnow-fetch -b -l patient -s 2026-12-01 | grep -c .)" 3

# hangs: waits until a request does.
hangs()
{
	until_true met_hang
	at_sandbox requests DELETE
}
met_hang()
{
	[[ $(at_sandbox requests) == *'"fault":"hang"'* ]]
}
fault hang skip=1
pnow-fetch -c "$DIR/pages-practice.json" -b -l appointment -s 2026-01-01 >got 2>said &
walk=$!
hangs
pnow-fetch -c "$DIR/pages-practice.json" -b -l appointment >other 2>said
is 'one walk at a time has a bookmark' "$? $(<said)" '75 pnow-fetch: another pnow-fetch is on its way with this bookmark'
kill -KILL $walk
wait $walk 2>"/dev/null"
faults_end
printf '{"half":' >>got
pnow-fetch -c "$DIR/pages-practice.json" -b -l appointment >>got
is 'a walk that was killed goes on with its page, and ends the line that broke off' "$(jq -cR 'fromjson? | .appointmentId // .AppointmentId' got | xargs)" '88123 88124'

fault hang skip=1 count=1
pnow-fetch -t 4 -c "$DIR/pages-practice.json" -b -l patient -e patient.created -s 2026-01-01 >got 2>said &
walk=$!
hangs
kill -TERM $walk
wait $walk
is 'SIGTERM: the page in hand is finished, exit 75' "$? $(wc -l <got)$(<said)" '75 2'
is 'the next run goes on' "$(pnow-fetch -c "$DIR/pages-practice.json" -b -l patient -e patient.created | grep -c .)" 1
faults_end

# --- The inbox

pnow-fetch -b -i -v -l bill -e bill -s 2026-01-01 >got 2>said
is '-i: the events are in the inbox, and nothing is written' "$? $(wc -c <got) $(tail -n 1 said)" '0 0 pnow-fetch: 1 entries, 0 with an error, 1 new in the inbox'
is 'with type, patient and subject' "$(pnow-inbox list | jq -c '[.state, .type, .patient, .subject]')" '["waiting","bill.completed","10234","bill/991"]'
timeout 300 pnow-inbox run -1 -- pnow-sync >/dev/null 2>&1
state_sql "$DIR/new.db" "DELETE FROM bookmark"
pnow-fetch -b -i -v -l bill -e bill -s 2026-01-01 2>said
is 'what it has had before it knows' "$(tail -n 1 said) $(pnow-inbox list | wc -l)" 'pnow-fetch: 1 entries, 0 with an error, 0 new in the inbox 1'

for line in '*/15' 45; do # since when is as old as the records here
	sh -c "$(grep -F "$line " "$root/examples/cron/pnow-fetch.crontab" | sed -E 's/^([^ ]+ +){5}//; s/-s [0-9]+d/-s 2026-11-01/')" >got 2>said
	is "the line $line of the crontab runs" "$? $(<got)$(<said)" '0 '
done
is 'and what they bring is in the inbox' "$(pnow-inbox list | jq -r .type | sort -u | xargs)" \
	'appointment.booked appointment.status bill.completed membership.created patient.updated'

timeout 300 pnow-inbox run -1 -- pnow-sync >/dev/null 2>&1
sh -c "$(grep -F 'crm-push -C' "$root/examples/cron/pnow-fetch.crontab" | sed -E 's/^([^ ]+ +){5}//; s/-s [0-9]+d/-s 2026-11-01/')" >got 2>said
is 'the nightly audit of the crontab finds that both sides agree' "$? $(jq -c . got)" '0 '

# --- Appointment types

is 'the types of the practice' "$(pnow-fetch appointment-types | jq -r .appointment.type | xargs)" 'Peel Yoga Botox Laser'
is 'make a first sheet' "$(pnow-fetch appointment-types | categorize -s | tail -n +2)" '"Peel",Non-Surgical Appointment,contains peel
"Yoga",,no word of it is known: fill it in
"Laser",Non-Surgical Appointment,contains laser'
sed 's/"list": "\(services\|appointmentTypes\)", //' "$root/lib/profiles/$PROFILE.json" | sed -z 's/"list": "appointmentTypes", *//' >"$DIR/typeless.json"
jq --arg profile "$DIR/typeless.json" '.patientnow.profile = $profile' "$PNOW_CONFIG" >"$DIR/typeless-practice.json"
pnow-fetch -c "$DIR/typeless-practice.json" appointment-types 2>said
is 'an EMR without such a list: said, exit 78' "$? $(<said)" "78 pnow-fetch: the profile $DIR/typeless.json has no appointment_types: this EMR has no list of them"

# --- Usage

wrong()
{
	pnow-fetch "${@:2}" >got 2>said
	like "$1" "$? $(head -n 1 said)" '64 pnow-fetch: *expected*'
}
wrong 'a resource that is none' customer 1
wrong 'a type that is none' -e visited 1
wrong 'a tagged contact is none of PatientNow'\''s' -e contact.tagged 1
wrong '-l of one resource and -e of another' -l patient -e bill -s 1d
wrong '-i without -e' -l patient -i -s 1d
wrong '-s without -l' -s 1d patient 1
wrong '-u with -b' -b -l patient -s 2d -u 1d
wrong '-u before -s' -l patient -s 1d -u 2d
wrong 'a time that is none' -l patient -s yesterday
wrong 'ids beside -l' -l patient -s 1d 10234
pnow-fetch 2>said
is 'nothing at all' "$? $(wc -l <said)" '64 2'
pnow-fetch -v -e patient 10234 10299 >got 2>said
is '-v: a line for each request, and nobody'\''s name' "$(grep -c "/$patients/10" said) $(grep -ciE 'lopez|ana@|token|apikey' said)" '2 0'
finish
