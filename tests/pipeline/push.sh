#!/usr/bin/env bash
# What crm-push(1) promises by itself: whose contact it is, what is warned of, once is once, order, limits, dry runs, a state
# file that cannot be written, and that it is quiet about people.
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"

booked() # ID TIME [FILTER]
{
	event appointment.booked "$1" "$2" "{patient: \$ana} + visit(\"88123\"; \"booked\") | ${3:-.}"
}
paid() # ID TIME BILL TOTAL [FILTER]
{
	event bill.completed "$1" "$2" "{patient: \$ana} + bill(\"$3\"; \"$4\") | ${5:-.}"
}

# begin [SEED-FILTER [PRACTICE-FILTER [OPTION…]]]: a new sandbox and practice.
begin()
{
	sandbox_stop
	state_remove "$DIR/test.db"
	seed "${1:-.}"
	sandbox "${@:3}"
	practice test "${2:-.}"
}

# run [OPTION…]: crm-push of events; its results are in $DIR/results, its words in $DIR/err.
run()
{
	push "$@" >"$DIR/results" 2>"$DIR/err"
}

# came PROMISE WANT: status, reason, code and warnings of all results.
came()
{
	is "$1" "$(jq -r '.status, .reason // empty, .error.code // empty, .warnings[]' "$DIR/results")" "$2"
}

value()
{
	contact "$1" | jq -r '.fields["Patient Lifetime Value"]'
}

T1=2026-12-01T10:00:00Z T2=2026-12-01T11:00:00Z T3=2026-12-01T12:00:00Z
lost_gender='gender was not set: the CRM takes it only when a contact is made'
one='.crm.locations[0].contacts = [{firstName: "A.", lastName: "L.", email: "ana@example.com", phone: "+13035550142"}]'

# --- Whose contact it is

begin "$one"
booked e1 $T1 | run
came 'a contact that is found by its e-mail is updated, and that its gender stays is told' "done
$lost_gender"
event patient.updated e2 $T2 '{patient: ($ana + {last_name: "Lopez-Reyes"})}' | run
came 'once known it is updated by its id' 'done'
is 'by PUT, without gender' "$(requests '[.method, (.path | split("/")[1]), .body.gender, .status]' | tail -n 1)" '["PUT","contacts",null,200]'
is 'with the new name' "$(contact ana@example.com | jq -r .lastName)" Lopez-Reyes

event patient.updated e3 $T3 '{patient: ($ana | del(.email, .phone))}' | run
came 'a known contact is updated where the event has neither e-mail nor phone' 'done'
event patient.updated e4 $T3 '{patient: ($ben | del(.email, .phone))}' | run
came 'an unknown one is skipped' 'skipped
no e-mail and no phone, and no contact is known for this patient'

id=$(contact_id ana@example.com)
curl -sS -o /dev/null -X DELETE "$API/crm/contacts/$id" -H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28'
paid e5 $T3 991 450.00 | run
came 'a contact that was deleted in the CRM is found or made again by e-mail and phone' 'done'
event appointment.booked e6 $T3 '{patient: $ana} + visit("88200"; "booked")' | run
curl -sS -o /dev/null -X DELETE "$API/crm/contacts/$(contact_id ana@example.com)" -H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28'
event appointment.booked e7 $T3 '{patient: $ana} + visit("88201"; "booked")' | run
is 'whoever was a patient is one in a contact that was made again' "$(contact ana@example.com | jq -r '.fields["Lead Status"]')" Patient
paid e8 $T3 992 450.00 | run
is 'and all of the event is there' "$(contact ana@example.com | jq -c '[.fields["Patient Lifetime Value"], (.notes | length), (.workflows | length)]')" \
	'["450.00",2,3]'

begin
event patient.created e1 $T1 '{patient: $ana}' | run
curl -sS -o /dev/null -X DELETE "$API/crm/contacts/$(contact_id ana@example.com)" -H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28'
fault 500 skip=1
event patient.updated e2 $T2 '{patient: ($ana + {unsubscribed: true})}' | run
like 'where the CRM fails just when a deleted contact is to be made again' "$(jq -r .status "$DIR/results")" failed
faults_end
event patient.updated e2 $T2 '{patient: ($ana + {unsubscribed: true})}' | run
is 'the one that is made later has its name' "$(contact ana@example.com | jq -r '.firstName + " " + .lastName')" 'Ana Lopez'

begin '.crm.locations[0].contacts = [{firstName: "Ana", email: "ana@example.com"}, {firstName: "Mother", phone: "+13035550142"}]'
booked e1 $T1 | run
came 'the e-mail of one contact and the phone of another: the one with the e-mail is updated, and the phone is warned of' "done
the CRM did not take the contact's phone
$lost_gender"
is 'and the other contact is left alone' "$(contacts | jq -c '.[1] | [.firstName, .phone, .notes]')" '["Mother","+13035550142",[]]'

begin '.crm.locations[0].contacts = [{firstName: "Ben", email: "ben@example.com", phone: "+17205550117"}]'
booked e1 $T1 | run
event appointment.status e2 $T2 '{patient: ($ana + {email: "ben@example.com"})} + visit("88123"; "cancelled")' | run
came 'a known contact with what is another contact'\''s e-mail now: warned of' 'done
another contact of the CRM has this e-mail: not set here'
is 'and the rest is written' "$(contact ana@example.com | jq -c '[.fields["PNOW Appt Status"], (.notes | length), .opportunities[0].stage]')" \
	'["Cancelled",2,"Cancelled / No-Show"]'
is 'and the other contact is left alone' "$(contact ben@example.com | jq -c '[.firstName, .notes]')" '["Ben",[]]'
event appointment.status e3 $T3 '{patient: ($ana + {phone: "720-555-0117"})} + visit("88123"; "no_show")' | run
is 'what is another'\''s phone: the same' "$(jq -r '.status, .warnings[]' "$DIR/results")" 'done
another contact of the CRM has this phone: not set here'

# fitted FILTER: what comes out of the mapping, changed.
fitted()
{
	event patient.created "$1" $T1 "{patient: $2}" |
		PNOW_CONFIG=$DIR/test.json bash -c 'categorize | crm-map | jq -c "$1" | crm-push' fitted "$3" >"$DIR/results"
}

begin
fitted e1 '$ana' '.actions[0] |= (.set.email = "ana(at)example" | .match.email = .set.email)'
came 'an e-mail that the CRM refuses loses only itself: the contact is made by its phone' 'done
the CRM does not take the e-mail: not set'
is 'with all the rest' "$(contacts | jq -c '.[] | [.firstName, .lastName, .phone, .email, .fields["PNOW ID"]]')" '["Ana","Lopez","+13035550142",null,"10234"]'
fitted e2 '($ana + {last_name: "Other"})' '.actions[0] |= (.set.email = "ana(at)example" | .match.email = .set.email)'
came 'and of a contact that is known' 'done
the CRM does not take the e-mail: not set'
is 'the rest is written' "$(contacts | jq -c '.[] | [.lastName, .email]')" '["Other",null]'
fitted e3 '$ben' '.actions[0] |= (.set.phone = "none" | .match.phone = .set.phone)'
came 'so does a phone' 'done
the CRM does not take the phone: not set'
fitted e4 '($ben + {id: "10999", phone: ""})' '.actions[0] |= (.set.email = "ben(at)example" | .match.email = .set.email)'
is 'where nothing is left to know the contact by, it fails with what the CRM says' "$(jq -r '[.status, .error.code, .error.message] | join(" ")' "$DIR/results")" \
	'failed rejected POST /contacts/upsert: 422: email must be an email'

fitted e5 '($ben + {id: "10998"})' '.actions[0] |= (.set.email = "ben(at)example" | .set.phone = "none" | .match.email = .set.email | .match.phone = .set.phone)'
is 'so it does where the CRM refuses both' "$(jq -r '[.status, .error.code] | join(" ")' "$DIR/results") $(contacts | jq length)" 'failed rejected 2'

begin "$one"
event patient.updated e1 $T1 '{patient: $ana}' | run
event patient.updated e2 $T1 '{patient: ($ben + {email: "ana@example.com", phone: ""})}' | run
came 'two patients with one e-mail are one contact, and that is told' "done
the contact is also that of patient 10234: both share an e-mail or phone
$lost_gender"
paid e3 $T2 991 10.00 | run
event appointment.booked e4 $T3 '{patient: ($ben + {email: "ana@example.com", phone: ""})} + visit("88124"; "booked")' | run
is 'a bill of one makes a patient of both: they are one contact' "$(contact ana@example.com | jq -c '[.fields["Lead Status"], .opportunities[0].status]')" \
	'["Patient","won"]'
event appointment.booked e5 $T3 '{patient: {id: "10300", email: "ana@example.com"}} + visit("88125"; "booked")' | run
is 'and of whoever shares the contact later' "$(contact ana@example.com | jq -c '[.fields["Lead Status"], .opportunities[0].status]')" '["Patient","won"]'

begin '.crm.locations[0].customFields |= map(if .name == "PNOW Appt Reason" then . + {dataType: "NUMERICAL"} else . end)'
booked e1 $T1 | run
came 'a value that the CRM drops without a word is warned of' 'done
the CRM did not take the value of PNOW Appt Reason'

# --- What a result tells of it

begin
told() # PROMISE JQ WANT
{
	is "$1" "$(jq -c "$2" "$DIR/results")" "$3"
}
booked e1 $T1 | run
told 'a move tells the pipeline and the stage' '.actions[] | select(.op == "opportunity.move") | [.pipeline, .stage]' '["Non-Surgical","Booked"]'
booked e2 $T2 '.appointment.type = "Yoga" | .appointment.id = "88129"' | run
told 'an appointment without a category, which type the sheet lacks' '[.uncategorized, (.actions | map(.op) | contains(["opportunity.move"]))]' \
	'["Yoga",false]'
told '... and why none moves' .unmoved '"the type \"Yoga\" is not in the sheet"'
echo 'Yoga,Non-Surgical Appointment' >>"$DIR/categories.csv"
booked e2 $T2 '.appointment.type = "Yoga" | .appointment.id = "88129"' | run -j 1
told 'once the type is in the sheet, the event run again moves it, and does nothing else' \
	'[.status, (.actions[] | .op, .status)]' '["done","opportunity.move","done"]'
booked e2 $T2 '.appointment.type = "Yoga" | .appointment.id = "88129"' | run
told '... once' .status '"unchanged"'
booked e9 $T2 '.appointment.type = "Stitches" | .appointment.id = "88130"' | run
told 'a category for which none moves' .unmoved '"none does for Post-Op"'
booked e2 $T2 '.error = {stage: "pnow-enrich", code: "unavailable", message: "patient 10234: 503", retry: true}' | run
told 'but not where the sheet was not asked, since PatientNow was down' '[.status, .uncategorized]' '["failed",null]'
paid e3 $T2 991 450.00 '.bill.items = [{name: "Botox", amount: "300.00"}, {name: "Peel"}]' | run
told 'a bill, what was added and for which items' '.actions[] | select(.op == "ltv.add") | [.amount, .items]' \
	'["450.00",[{"name":"Botox","amount":"300.00"},{"name":"Peel"}]]'
paid e4 $T3 991 400.00 | run
told 'its correction, the difference' '.actions[] | select(.op == "ltv.add") | [.amount, .items]' '["-50.00",null]'
paid e5 $T3 992 -20.00 '.bill.items = [{name: "Peel", amount: "20.00"}]' | run
told 'a bill that takes something back, how much, and no items' '.actions[] | select(.op == "ltv.add") | [.amount, .items]' '["-20.00",null]'

# --- What the CRM has lost or renamed since

begin
booked e1 $T1 | run
opportunity=$(at_sandbox state | jq -r '.contacts[0].opportunities[0].id')
curl -sS -o /dev/null -X DELETE "$API/crm/opportunities/$opportunity" -H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28'
is 'the opportunity has been deleted' "$(contact ana@example.com | jq -c .opportunities)" '[]'
event appointment.status e2 $T2 '{patient: $ana} + visit("88123"; "checked_out")' | run
came 'an opportunity that was deleted in the CRM is made again' 'done'
is 'at the new stage' "$(contact ana@example.com | jq -c '.opportunities | map([.stage, .status])')" '[["Patient","won"]]'

begin "$one"
booked e1 $T1 | run
# the same CRM with other ids: everything was deleted and made anew under its old name
keep_requests
kill "$SANDBOX" && wait "$SANDBOX" 2>/dev/null
seed "$one"' | def renewed($kind): to_entries | map((.value | if type == "string" then {name: .} else . end)
		+ {id: "a-new-\($kind)-\(.key)"});
	.crm.locations[0] |= (.customFields |= renewed("field") | .workflows |= renewed("workflow") | .pipelines |= renewed("pipeline"))'
sandbox
practice test
state_later "$DIR/test.db" name_list 3600000
event appointment.status e2 $T2 '{patient: $ana} + visit("88123"; "checked_out")' >"$DIR/again"
for _ in 1 2 3; do run <"$DIR/again"; done
is 'ids that are no good any more are looked up again: fields, workflow, pipeline and stage' \
	"$(contact ana@example.com | jq -c '[.fields["PNOW Appt Status"], .workflows, (.opportunities | map([.pipeline, .stage]))]')" \
	'["Checked Out",["PatientNow Appointments Update"],[["Non-Surgical","Patient"]]]'

begin '.crm.locations[0].workflows[0] |= {name: ., status: "draft"}'
booked e1 $T1 | run
came 'a workflow that is not published is warned of' 'done
the CRM refused the enrolment in the workflow "PatientNow Appointments Update": left out; is it published?'
is 'and the opportunity is made all the same' "$(contact ana@example.com | jq -c '.opportunities | map(.stage)')" '["Booked"]'

# --- Once is once

begin
{
	event patient.created e1 $T1 '{patient: $ana}'
	booked e2 $T1
	paid e3 $T1 991 450.00
	event membership.created e4 $T1 '{patient: $ana, membership: {id: "77", program: "Glow Club", sold_date: "2026-12-01", amount: "129.00"}}'
	event appointment.status e5 $T2 '{patient: $ana} + visit("88123"; "checked_out")'
	event patient.updated e6 $T2 '{patient: ($ana + {unsubscribed: true})}'
} >"$DIR/events"
run <"$DIR/events"
came 'six events of one patient are done' "$(printf 'done\n%.0s' 1 2 3 4 5 6)"
before=$(at_sandbox state) calls=$(requests .n | wc -l)
run <"$DIR/events"
is 'the same again is unchanged, each of them' "$(jq -r .status "$DIR/results" | sort | uniq -c | tr -s ' ')" ' 6 unchanged'
is 'without a call' "$(requests .n | wc -l)" "$calls"
jq -c '.id += "-again" | .received = "2026-12-06T00:00:00Z"' "$DIR/events" | run
is 'the same facts under other delivery ids: no second note, enrolment or addition' "$(at_sandbox state | jq -c .contacts)" \
	"$(jq -c .contacts <<<"$before")"
booked late 2026-11-30T10:00:00Z '.appointment.start = "2026-12-02T10:00:00-07:00"' | run
came 'an event that is older than what was applied is unchanged' 'unchanged
something newer was applied before'
booked moved 2026-12-02T10:00:00Z '.appointment.start = "2026-12-09T10:00:00-07:00"' | run
is 'an appointment that is moved to another time is news' \
	"$(jq -r .status "$DIR/results") $(contact ana@example.com | jq -r '"\(.notes | length) \(.fields["Next Visit Date"])"')" 'done 4 2026-12-09'

paid b2 $T3 991 460.50 | run
is 'a bill sent again with another total adds the difference' "$(value ana@example.com)" 460.50
paid b3 2026-12-01T13:00:00Z 991 100.00 | run
is 'also where it is less' "$(value ana@example.com)" 100.00
paid b4 2026-12-01T13:30:00Z 992 -30.25 | run
is 'a refund is taken off' "$(value ana@example.com)" 69.75
paid b5 2026-12-01T13:40:00Z 993 0.00 | run
is 'a bill over nothing changes nothing' "$(value ana@example.com)" 69.75

# --- Order, and two at once

begin . . -f 'delay,ms=25,chance=0.5'
for patient in 1 2 3 4 5 6; do
	for n in 1 2 3 4 5; do
		event patient.updated "e$patient-$n" "2026-12-01T1$n:00:00Z" "{patient: {id: \"p$patient\", first_name: \"P$patient\",
			last_name: \"after $n\", email: \"p$patient@example.com\"}}"
	done
done | sort -t- -k2,2 >"$DIR/events" # as they come: the first of each, the second of each …
run -j 16 <"$DIR/events"
is 'one patient'\''s events stay in order under -j 16 with delays' "$(contacts | jq -r '.[].lastName' | sort | uniq -c | tr -s ' ')" ' 6 after 5'
is 'all thirty are done' "$(jq -r .status "$DIR/results" | sort | uniq -c | tr -s ' ')" ' 30 done'
is 'and so they reached the CRM' "$(requests 'select(.body.lastName) | "\(.body.firstName) \(.body.lastName)"' | sort -s -t' ' -k1,1)" \
	"$(jq '"\(.patient.first_name) \(.patient.last_name)"' "$DIR/events" | sort -s -t' ' -k1,1)"

begin "$one" . -f 'delay,ms=10,chance=0.5'
for n in $(seq 24); do
	event bill.completed "e$n" $T1 "{patient: {id: \"p$n\", email: \"ana@example.com\"}} + bill(\"b$n\"; \"10.01\")"
done >"$DIR/events"
run -j 16 <"$DIR/events"
is 'patients who share a contact, at once: the lifetime value is right' "$(value ana@example.com)" 240.24
is 'and so are the notes' "$(contact ana@example.com | jq '.notes | length')" 24

begin "$one" . -f 'delay,ms=10,chance=0.5'
for n in $(seq 8); do
	event bill.completed "e$n" $T1 "{patient: \$ana} + bill(\"b$n\"; \"10.01\")" | push >"$DIR/results.$n" 2>"$DIR/err.$n" &
	running[n]=$!
done
wait "${running[@]}"
running=()
is 'eight processes with a bill each for one patient: the lifetime value is right' "$(value ana@example.com)" 80.08
is 'all are done' "$(cat "$DIR"/results.? | jq -r .status | sort | uniq -c | tr -s ' ')" ' 8 done'

# --- Limits

begin . . -r 5/1000
for n in $(seq 12); do event patient.updated "e$n" $T1 "{patient: {id: \"p$n\", email: \"p$n@example.com\"}}"; done | run -j 4
is 'within the CRM'\''s limit all is done' "$(jq -r .status "$DIR/results" | sort | uniq -c | tr -s ' ')" ' 12 done'
is 'and no 429 is met' "$(requests 'select(.status == 429) | .n')" ''

begin
fault 429 path=/notes retry_after=2 count=1
SECONDS=0
booked e1 $T1 | run
took=$SECONDS
[ $took -ge 2 ] && [ "$(contact ana@example.com | jq '.notes | length')" = 1 ]
point 'Retry-After is honoured' "took $took s"
fault 429 path=/notes retry_after=3600
event appointment.status e2 $T2 '{patient: $ana} + visit("88123"; "cancelled")' | run
[ $? = 75 ] && [ "$(requests 'select(.status == 429)' | wc -l)" = 2 ] && [ "$(jq -c '.error | [.code, .retry, .retry_after]' "$DIR/results")" = '["limited",true,3600]' ]
point 'a Retry-After of an hour is for the caller: 75, at once' "$(<"$DIR/results")"

# --- Exit status

begin
booked e1 $T1 | run
is 'done: exit status 0' $? 0
printf '%s\n' '{"id":"x","type":"patient.updated","practice":"test","patient":{"id":"1"},"error":{"stage":"pnow-enrich","code":"not_found","message":"patient 1: 404","retry":false}}' | run
is 'a record that carries an error: exit status 1' $? 1
is 'and its result is failed with that error' "$(jq -c '[.status, .error.stage, .error.code, .error.retry]' "$DIR/results")" '["failed","pnow-enrich","not_found",false]'
fault 500
event patient.updated e2 $T2 '{patient: $ana}' | run
is 'what can be tried again: exit status 75' $? 75
is 'failed, unavailable, retry' "$(jq -c '[.status, .error.code, .error.retry]' "$DIR/results")" '["failed","unavailable",true]'
faults_end
fault 401
event patient.updated e2 $T2 '{patient: $ana}' | run
is 'a token that is refused: failed, with retry, since the token is what will change' "$? $(jq -c '[.status, .error.code, .error.retry]' "$DIR/results")" \
	'75 ["failed","refused",true]'
faults_end
state_outage_due "$DIR/test.db"
event patient.updated e2 $T2 '{patient: $ana}' | run
came 'and then it is done' 'done'
printf '%s\n' '{"id":"x","type":"patient.updated","practice":"test","patient":{"id":"1"}}' | PNOW_CONFIG=$DIR/test.json crm-push >"$DIR/results"
is 'an event without actions is malformed: exit status 1' "$? $(jq -r .error.code "$DIR/results")" '1 malformed'
PNOW_CONFIG=$DIR/test.json crm-push --no 2>/dev/null </dev/null
is 'usage: 64' $? 64

# --- What no filter before it has checked, it checks for itself: WRONG|EVENT|ERROR, each with an action that would write

begin
booked e1 $T1 | run
at_sandbox requests DELETE
note='{op: "note.add", body: "written"}'
while IFS='|' read -r wrong with want; do
	event appointment.booked wrong $T2 "{patient: \$ana} + visit(\"88124\"; \"booked\") + {actions: [$note]} | ${with:-.}" >"$DIR/wrong"
	for options in '' -C; do
		PNOW_CONFIG=$DIR/test.json crm-push $options <"$DIR/wrong" >"$DIR/results" 2>"$DIR/err"
		is "$wrong is an error${options:+ with $options}, and nothing of the event is done" \
			"$? $(jq -r '.status, .error.code, .error.message' "$DIR/results" | paste -sd,)$(requests '.path')" "1 failed,$want"
	done
done <<'END'
a type that there is not|.type = "contact.exploded"|bad_type,type: expected a type of pnow-event(5)
no type|del(.type)|bad_type,type: expected a type of pnow-event(5)
an appointment without an id|del(.appointment.id)|malformed,the event has no appointment.id
text in place of the appointment|.appointment = "88124"|malformed,appointment: expected an object
a bill event without a bill|.type = "bill.completed"|malformed,the event has no bill.id
a tagged contact that is not told|.type = "contact.tagged"|malformed,the event has no contact.id
an operation that there is not|.actions += [{op: "note.burn"}]|malformed,actions: found an op that is none of pnow-event(5)
END
printf '%s\n' '{"id":"x","type":"patient.updated","practice":"test","patient":{"id":"1","id":"10234"},"actions":[{"op":"note.add","body":"written"}]}' \
	'{"id":"y","type":"patient.updated","practice":"test","patient":{"id":"10234"},"actions":[{"op":"note.add","body":"one","body":"written"}]}' |
	PNOW_CONFIG=$DIR/test.json crm-push >"$DIR/results"
is 'so is a key that is given twice' "$(jq -r .error.message "$DIR/results" | sort | paste -sd,)$(requests .path)" \
	'actions: the key "body" is given twice,patient: the key "id" is given twice'

# --- A dry run

begin
{
	booked e1 $T1
	paid e2 $T2 991 450.00
	event membership.created e3 $T3 '{patient: $ana, membership: {id: "77", program: "Glow Club"}}'
} | run -n
is '-n: exit status 0' $? 0
is '-n sends nothing' "$(requests .path)" ''
if about_files '-n makes no state'; then
	[ ! -e "$DIR/test.db" ]
	point '-n makes no state'
fi
is '-n shows each request, with {…} where only the CRM knows the id' "$(jq -r '"\(.id) \(.method) \(.path)"' "$DIR/results")" \
	'e1 POST /contacts/upsert
e1 PUT /contacts/{contact}
e1 POST /contacts/{contact}/notes
e1 POST /contacts/{contact}/workflow/{workflow:PatientNow Appointments Update}
e1 POST /opportunities/
e2 PUT /contacts/{contact}
e2 PUT /contacts/{contact}
e2 POST /contacts/{contact}/notes
e2 POST /contacts/{contact}/workflow/{workflow:PatientNow Order Paid}
e2 POST /contacts/{contact}/workflow/{workflow:PatientNow Birthday}
e2 PUT /opportunities/{opportunity}
e3 PUT /contacts/{contact}
e3 POST /contacts/{contact}/tags
e3 POST /contacts/{contact}/workflow/{workflow:PatientNow Membership Update}'
same '-n shows fields by name, pipeline and stage too' \
	"$(jq -c 'select(.path == "/opportunities/" or (.path == "/contacts/{contact}" and .id == "e3")) | .body' "$DIR/results" | jq -s .)" \
	'[{"pipelineId":"{pipeline:Non-Surgical}","locationId":"'$MAIN'","name":"Ana Lopez","pipelineStageId":"{stage:Booked}","status":"open","contactId":"{contact}"},
	{"customFields":[{"id":"{field:PNOW Membership ID}","field_value":"77"},
	{"id":"{field:PNOW Membership Program Name}","field_value":"Glow Club"}]}]'

# --- A state file that cannot be written

paid e2 $T2 991 450.00 >"$DIR/paid"
if about_files 'a full disk: failed, to be tried again'; then
	begin "$one"
	booked e1 $T1 | run
	before=$(at_sandbox state) statuses=''
	for room in 4 8 12 16 24 32 48; do # the disk is full when the log has so many KiB
		(trap '' XFSZ && ulimit -f $room && run <"$DIR/paid")
		statuses+="$(jq -r '"\(.status)/\(.error.retry)"' "$DIR/results" 2>/dev/null) "
	done
	[[ $statuses == *failed/true* ]] && [[ $statuses != *failed/false* ]]
	point 'a full disk: failed, to be tried again' "$statuses"
	run <"$DIR/paid"
	is 'and when there is room again nothing has been done twice, and nothing is missing' \
		"$(contact ana@example.com | jq -c '[.fields["Patient Lifetime Value"], (.notes | length), (.workflows | length)]')" '["450.00",2,3]'
fi
begin "$one"
booked e1 $T1 | run
calls=$(requests .n | wc -l)
state_held "$DIR/test.db" "$DIR/locked" "$DIR/unlock" &
locker=$!
until_true test -e "$DIR/locked"
run <"$DIR/paid"
is 'a state file that somebody else locks for long: failed, to be tried again' "$? $(jq -c '[.status, .error.code, .error.retry]' "$DIR/results")" '75 ["failed","state",true]'
is 'and nothing was sent' "$(requests .n | wc -l)" "$calls"
touch "$DIR/unlock"
wait $locker
run <"$DIR/paid"
came 'and then it is done' 'done'

state_remove "$DIR/test.db" "$DIR"/err.*
for round in $(seq 15); do
	state_remove "$DIR/test.db"
	for n in 1 2 3 4 5 6; do
		PNOW_CONFIG=$DIR/test.json crm-push <"/dev/null" 2>"$DIR/err.$round.$n" &
		running[n]=$!
	done
	wait "${running[@]}"
done
is 'a new state file that several processes open at once: each can' "$(cat "$DIR"/err.*)" ''

# --- Quiet about people

begin '.crm.locations[0].contacts = [{firstName: "Ben", email: "ben@example.com", phone: "+17205550117"}]'
fault 500 path=/notes count=1
{
	cat "$DIR/events" # patients p1 … share ana@example.com
	booked e1 $T1
	paid e2 $T2 991 450.00
	event appointment.status e3 $T3 '{patient: ($ana + {email: "ben@example.com", phone: "bring forms"})} + visit("88123"; "cancelled")'
	event patient.updated e4 $T3 '{patient: ($ben + {email: "Okafor at nowhere", last_name: ("Okafor" * 500)})}'
	echo '{"id":"e5","type":"patient.updated","practice":"test","patient":{"id":"10234","first_name":"Lopez"},"actions":[{"op":"nonsense","x":"Lopez"}]}'
	echo '{"id":"e6","type":"patient.updated","practice":"test","patientnow_wait":{"ms":1,"why":"Lopez","x":"Ana"},"actions":[]}'
} >"$DIR/people"
run -v <"$DIR/people"
jq -c 'del(.patient, .appointment)' "$DIR/results" >"$DIR/said"
state_ledger "$DIR/test.db" >>"$DIR/said"
state_sql "$DIR/test.db" 'SELECT * FROM name; SELECT * FROM quota' >>"$DIR/said"
grep -v 'appointment type' "$DIR/err" >>"$DIR/said"
found=$(grep -oiE '\bana\b|lopez|okafor|example\.com|555-01|3035550142|7205550117|main st|80202|1984-03-02|1979-11|bring forms|new patient|Dr\. Reyes|sandbox-' \
	"$DIR/said" | sort | uniq -c)
is 'results, stderr and the ledger name no person, e-mail, phone, address, birth date or comment, and no token' "$found" ''
[ "$(wc -l <"$DIR/said")" -gt 100 ]
point 'and they say a lot'
finish
