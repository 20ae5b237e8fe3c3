#!/usr/bin/env bash
# pnow-profile: what a profile makes of a body, and whether it is sound.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"

# A profile that looks for the patient's facts in all bodies in the same places.
pro=$work/pro.json
sed 's#^ *//.*##' "$root/lib/profiles/patientnow-pro.json" | jq 'del(.patient.elsewhere) | .patient.fields.id = ["/patientId"]' >"$pro"
webhooks=$root/examples/webhooks

# explain FILTER [ARGUMENT…]: the rows of standard input, each through a jq filter.
explain()
{
	pnow-profile -p patientnow-pro "${@:2}" explain | jq -r "$1"
}

# told ROW: state, place and note of a fact or name in the rows in the file "rows".
told()
{
	jq -r --arg name "$1" 'select(.name == $name) | [.state, .at, .note] | map(. // "-") | join(" | ")' rows
}

# ---- explain

for body in "$webhooks"/[abmp]*.json; do
	pnow-profile -p patientnow-pro explain "$body" >rows
	is "$(basename "$body" .json): nothing is wrong, and the practice's id is all that is not read" \
		"$? $(jq -r 'select(.state == "unread" or .state == "wrong") | .name' rows)" "0 /practiceId"
done
pnow-profile -p patientnow-pro explain "$webhooks/appointment.booked.json" >rows
is "where a fact was found" "$(told appointment.type)" "ok | /appointmentType | -"
like "where it was looked for" "$(told patient.email)" "missing | - | tried /email, *, /patient/email, *"
is "what the event's name became" "$(told event.name)" 'ok | /event | "AppointmentCreated" is appointment.booked'
holds "no value is shown" test -z "$(jq -r '.value // empty' rows)"
is "unless one asks for them" "$(pnow-profile -vp patientnow-pro explain "$webhooks/appointment.booked.json" |
	jq -r 'select(.name == "patient.id").value')" 10234
is "who was merged into a patient is read, one or several" \
	"$(for told in '"mergedFrom":"7"' '"mergedIds":["7","6"]'; do
		explain 'select(.name | test("merged")) | [.state, .name, .at] | join(" ")' <<<'{"event":"PatientMerged","data":{"patientId":"8",'"$told}}"
	done)" $'ok patient.merged_from /mergedFrom\nok patient.merged_from /mergedIds'
is "null and \"\" say that there is none" "$(explain 'select(.name == "patient.phone").state' <<<'{"event":"PatientCreated","data":{"phone":""}}')" empty

cat >body.json <<'T'
{ "event": "AppointmentMoved", "eventId": "AppointmentMoved", "when": "x",
  "data": { "appointmentId": 88, "patientId": 7, "status": "Arrived", "state": "confirmed", "city": "Denver", "cellPhone": "none",
            "location": { "city": "Boulder" }, "procedureName": "Botox", "clientMail": "ana@example.com",
            "contact2": "+1 303 555 0142", "attendees": [ { "firstName": "Ana" }, { "firstName": "Ben" } ] } }
T
pnow-profile -p "$pro" explain body.json >rows
is "something is wrong" $? 1
is "an event's name that the profile does not know, and what it might be" "$(told event.name)" \
	'wrong | /event | "AppointmentMoved" is not in events, so it is ignored; it might be appointment.status'
is "a name that was taken for an id" "$(told event.id)" "wrong | /eventId | it holds an event's name, \"AppointmentMoved\""
is "a status that it does not know" "$(told appointment.status)" \
	'wrong | /status | "Arrived" is not in statuses; it might be anything: ask somebody who knows'
is "an appointment's state that was taken for the patient's" "$(told patient.state)" "wrong | /state | what it holds cannot be state"
is "a phone that is none" "$(told patient.phone)" "wrong | /cellPhone | what it holds cannot be phone"
is "a name that nothing reads, by its name" "$(told /data/procedureName)" "unread | - | might be appointment.type, by its name"
is "... and what it holds" "$(told /data/clientMail)" "unread | - | might be patient.email, by its name and what it holds (an e-mail address)"
is "... or by that alone" "$(told /data/contact2)" "unread | - | might be patient.phone, by what it holds (a phone number)"
is "another's is nobody's fact" "$(told /data/location/city)" "unread | - | -"
is "of a list the first entry" "$(jq -r .name rows | grep attendees)" /data/attendees/0/firstName
is "a bill's items" "$(explain 'select(.name | startswith("bill.items")) | [.name, .state, .at] | join(" ")' \
	<<<'{"event":"PatientBillCompleted","data":{"billId":1,"total":"5","items":[{"description":"Botox","cost":"5"}]}}' | xargs)" \
	"bill.items.name ok /description bill.items.amount missing"

# One place that two facts are found at.
jq '.appointment.fields.id = ["/id"] | .patient.fields.id = ["/id"] | .bill.fields.id = ["/billId"] | .membership.fields.id = ["/membershipId"]' \
	"$pro" >both.json
pnow-profile -p ./both.json explain <<<'{"event":"AppointmentCreated","data":{"id":88}}' >rows
is "an appointment's id that was taken for the patient's" "$(told patient.id)" "wrong | /id | is taken for appointment.id, too"

jq '.patient.elsewhere = {id: ["/client/id"]}' both.json >apart.json
pnow-profile -p ./apart.json explain <<<'{"event":"AppointmentCreated","data":{"id":88,"client":{"id":7}}}' >rows
is "... unless the profile says where it stands in such bodies" "$(told appointment.id), $(told patient.id)" "ok | /id | -, ok | /client/id | -"
is "which its own bodies do not have" "$(pnow-profile -p ./apart.json explain <<<'{"event":"PatientCreated","data":{"id":7}}' |
	jq -r 'select(.name == "patient.id").at')" /id

# What is no body.
said=$(printf '[1]' | pnow-profile -p patientnow-pro explain 2>&1)
is "a list is no body" "$? $said" "65 pnow-profile: standard input: expected the body of a webhook, a JSON object, or a request as pnow-hook -r records it"
said=$(printf '{"a":' | pnow-profile -p patientnow-pro explain 2>&1)
like "nor is a piece of one" "$? $said" "65 pnow-profile: standard input: no JSON: *"
said=$(pnow-profile -p patientnow-pro explain nothing.json 2>&1)
is "nor a file that is not there" "$? $said" "65 pnow-profile: cannot read nothing.json: No such file or directory"

# ---- check

pnow-profile check patientnow-pro 2>said >/dev/full
is "check: an output that cannot be written is status 73" "$? $(<said)" '73 pnow-profile: cannot write to standard output: No space left on device'
is "the profiles that come with it are sound" "$(pnow-profile check patientnow-pro patientnow-essentials)" $'patientnow-pro: sound\npatientnow-essentials: sound'
said=$(pnow-profile check ./both.json)
is "a place of two facts" "$? $said" "1 ./both.json: patient.id is looked for at /id, where appointment.id stands: say in patient.elsewhere where it is in such bodies"
cat >small.json <<'T'
{ "event": {"name": ["/event"]}, "events": {"visit": "appointment.booked"}, "statuses": {"ok": "booked"},
  "appointment": {"fields": {"id": ["/id"]}}, "patient": {"fields": {"id": ["/patient/id"]}} }
T
said=$(pnow-profile check ./small.json)
is "what is mostly forgotten" "$? $said" "0 ./small.json: note: events has no name of what happens to this: patient
./small.json: note: events has no name of what happens to this: bill
./small.json: note: events has no name of what happens to this: membership
./small.json: note: statuses has no word for checked_out
./small.json: note: statuses has no word for cancelled
./small.json: note: statuses has no word for no_show
./small.json: sound"

# wrong PROMISE SED WORDS: a profile with a mistake.
wrong()
{
	sed "$2" "$pro" >wrong.json
	said=$(pnow-profile check ./wrong.json 2>&1)
	like "$1" "$? $said" "78 pnow-profile: ./wrong.json:*: $3"
}

wrong "a key that there is not" 's/"day_first"/"days_first"/' 'unknown key days_first: the nearest known one is day_first'
wrong "a fact that there is not" 's/"postal_code"/"postalcode"/' 'unknown key patient.fields.postalcode: expected a fact of pnow-event(5); the nearest one is postal_code'
wrong "a type that there is not" 's/"appointment.booked"/"appointment.boked"/' \
	'events.AppointmentCreated: found "appointment.boked", expected a type of pnow-event(5), or ping; the nearest one is appointment.booked'
wrong "a status that there is not" 's/"Booked": "booked"/"Booked": "book"/' \
	'statuses.Booked: found "book", expected booked, checked_out, cancelled or no_show; the nearest one is booked'
wrong "a place that is none" 's#"/firstName"#"firstName"#' 'patient.fields.first_name: found "firstName", expected *'
wrong "a header where there is none" 's#"/firstName"#"@X-Name"#' 'patient.fields.first_name: found "@X-Name", expected a JSON pointer, or =TEXT'
wrong "a part where an object is wanted" 's#"/data"#"/data\#first"#' 'event.data: found "/data\#first", expected a JSON pointer, which starts with *'
wrong "a unit that is none" 's#"day_first": false#"epoch": "minutes"#' 'epoch: found "minutes", expected "seconds" or "milliseconds"'
wrong "what is signed, in another word" 's#"day_first": false#"compressed": "packed"#' 'compressed: found "packed", expected "sent" or "unpacked"'
wrong "a part of a challenge that there is not" 's#"day_first": false#"challenge": {"querry": "x"}#' 'unknown key challenge.querry: the nearest known one is challenge.query'
wrong "a cursor that nobody tells" 's#"page": "page"#"cursor": "c"#' 'paging.cursor and paging.next go together: *'
wrong "a cursor beside a number of pages" 's#"page": "page"#&, "cursor": "c", "next": ["/next"]#' 'paging: expected cursor, or page or offset'
wrong "a name that no path can have" 's#"day_first": false#"emr": "Ana/Lopez"#' 'emr: expected a name of letters, digits, blanks, * and another than CRM'
wrong "or that is the CRM'\''s" 's#"day_first": false#"emr": "Crm"#' 'emr: expected a name of *'
wrong "an API without its address" '/"base_url"/d' 'base_url is missing'

# ---- PatientNow's bodies are not public: its profile takes what they are likely to be

# variant NAME FILTER: each example, changed by a jq filter, makes the event that it makes as it is. Keys(F) renames, words(F) does so
# with the event's name.
bodies=("$webhooks"/[abmp]*.json)
as_is=$(pnow-profile -p patientnow-pro event "${bodies[@]}")
variant()
{
	rm -f variant.*
	jq -c "def keys(f): walk(if type == \"object\" then with_entries(.key |= f) else . end);
		def snake: [scan(\"[A-Z]?[a-z0-9]+\")] | map(ascii_downcase) | join(\"_\"); $2" "${bodies[@]}" | split -l 1 - variant.
	is "$1" "$(pnow-profile -p patientnow-pro event variant.*)" "$as_is"
}

variant 'names in PascalCase' 'keys((.[:1] | ascii_upcase) + .[1:])'
variant 'names in snake_case' 'keys(snake)'
variant 'names of events with dots, in capitals, or with slashes' '.event |= ([scan("[A-Z]?[a-z]+")] | join("."))'
variant '... in capitals' '.event |= (snake | ascii_upcase)'
variant 'the facts below resource' '.resource = .data | del(.data)'
variant '... below payload' '.payload = .data | del(.data)'
variant '... below data.object' '.data = {object: .data}'
variant '... or flat' '. + .data | del(.data)'
variant 'ids that are numbers' '.data |= with_entries(if (.key | endswith("Id")) then .value |= tonumber else . end)'
variant 'an event that is an object' '.event = {name: .event, id: .eventId, timestamp: .occurredAt} | del(.eventId, .occurredAt)'
variant 'the event in type' '.type = .event | del(.event)'
variant 'the id of each thing called id, and the patient an object' '.data |= (if .appointmentId // .billId // .membershipId
	then . + {id: (.appointmentId // .billId // .membershipId), patient: {id: .patientId}} | del(.appointmentId, .billId, .membershipId, .patientId)
	else . + {id: .patientId} | del(.patientId) end)'
variant 'a visit, bill or membership in an object of its own, beside the patient' '.event as $e | .data |= (
	if $e | startswith("Patient") and (startswith("PatientBill") | not) then {patient: .}
	else {patient: {id: .patientId}, (if $e | startswith("App") then "appointment" elif $e | startswith("Mem") then "membership" else "bill" end): del(.patientId)} end)'

# ---- event and test

samples=$root/tests/samples/emr
mkdir golden
cp "$samples/mindbody.json" golden/one.json
pnow-profile learn golden/one.json >mindbody.profile
pnow-profile -p ./mindbody.profile event golden/one.json >golden/one.event.json
is "an event is one that a golden file can be made of" "$(jq -c '[.type, .patient.last_name, .appointment.provider]' golden/one.event.json)" \
	'["appointment.booked","Lopez","Rosa Reyes"]'
said=$(pnow-profile -p ./mindbody.profile test golden 2>&1)
is "a profile that makes what it should" "$? $said" "0 pnow-profile: 1 of 1 bodies make the event that they should"
sed 's#/clientEmail#/clientMail#; s#/clientLastName#/clientFirstName#' mindbody.profile >other.profile
said=$(pnow-profile -p ./other.profile test golden 2>&1)
is "differences as a diff" "$? $said" '1 --- golden/one.event.json
+++ what the profile makes of golden/one.json
-patient/last_name: "Lopez"
+patient/last_name: "Ana"
-patient/email: "ana@example.com"
pnow-profile: 0 of 1 bodies make the event that they should'
cp golden/one.json golden/two.json
said=$(pnow-profile -p ./mindbody.profile test golden 2>&1)
like "a body without its event says how to make it" "$? $said" "1 pnow-profile: golden/two.json has no two.event.json: pnow-profile event golden/two.json >golden/two.event.json makes it, *"
mkdir bare
echo '{"a":"b"}' >bare/none.json
pnow-profile -p ./mindbody.profile event bare/none.json >bare/none.event.json
said=$(pnow-profile -p ./mindbody.profile test bare 2>&1)
is "an event of which nothing is known is an empty one, and a golden file like any other" "$(cat bare/none.event.json) $? $said" \
	"{} 0 pnow-profile: 1 of 1 bodies make the event that they should"
echo '{"type":"ping"}' >bare/none.event.json
is "... with a difference, too" "$(pnow-profile -p ./mindbody.profile test bare 2>/dev/null | sed 1,2d)" $'-type: "ping"\n+{}'
mkdir empty
said=$(pnow-profile -p ./mindbody.profile test empty 2>&1)
is "a folder without a body" "$? $said" "65 pnow-profile: no body: expected NAME.json, and NAME.event.json beside it"
is "times without a zone are in the practice's" "$(printf '{"practice":"p","timezone":"America/Denver","pipelines":"non-surgical"}' >denver.json
	pnow-profile learn "$samples/day-and-clock.json" >clock.profile
	pnow-profile -c denver.json -p ./clock.profile event "$samples/day-and-clock.json" | jq -r .appointment.start)" 2026-12-01T15:30:00-07:00

# ---- learn

# What is right of a body's facts with the profile that was learnt from it alone: those of its golden event that are as they
# should be, and none besides. Two bodies are published ones, five are of systems that do not exist.
all=0 right=0
printf '# %-20s %5s %5s\n' body facts right
for body in "$samples"/*.event.json; do
	name=$(basename "$body" .event.json)
	rm -rf one && mkdir one && cp "$samples/$name".* one
	pnow-profile learn "$samples/$name.json" >one.profile
	facts=$(jq '[paths(scalars)] | length' "$body")
	wrong=$(pnow-profile -p ./one.profile test one 2>/dev/null | grep -v '^---\|^+++' | cut -d: -f1 | tr -d '+-' | sort -u | wc -l)
	printf '# %-20s %5d %5d\n' "$name" "$facts" $((facts - wrong))
	all=$((all + facts)) right=$((right + facts - wrong))
	holds "$name: the profile is sound" pnow-profile check ./one.profile
done
printf '# %-20s %5d %5d\n' all "$all" "$right"
holds "nine facts in ten are right" test $((right * 10)) -ge $((all * 9))

is "what it cannot know it asks for, at the top" "$(head -n 12 mindbody.profile | grep -c '^// [1-9]\. ')" 7
like "what it guessed has a comment" "$(pnow-profile learn "$samples/boulevard.json" | grep '#last')" '*// a guess: the last word of a whole name'
like "what signed a request" "$(pnow-profile learn "$samples/header-membership.json" | grep hmac)" \
	'*"verify": "hmac-sha256", "header": "X-Signature", "prefix": "sha256=", *'
pnow-profile learn -b patientnow-pro "$webhooks"/[abmp]*.json >based.profile
is "an API is another profile's" "$(sed 's#^ *//.*##' based.profile | jq -c '[.base_url, .patient.get, .patient.fields.dob[0]]')" \
	'["https://backend-production.patientnow.net/backend/patientnowpro","patients/{id}","/dateOfBirth"]'
is "what is learnt of PatientNow's bodies makes the events that its own profile makes" \
	"$(pnow-profile -p ./based.profile event "${bodies[@]}")" "$as_is"
printf '{"event":"patient.created","data":{"id":"7","firstName":"Ana","email":"a@example.com"}}' >patient.json
printf '{"event":"visit.booked","data":{"id":"8","client":{"id":"7"},"status":"Pencilled"}}' >visit.json
pnow-profile learn patient.json visit.json >both.profile
is "of bodies that call everything's id so each is found where it stands" \
	"$(for body in patient visit; do pnow-profile -p ./both.profile event $body.json | jq -c '[.patient.id, .appointment.id]'; done | xargs)" '[7,null] [7,8]'
cat >several.json <<'T'
{ "events": [ { "kind": "client.created", "id": "e1", "when": "2026-11-20T16:05:00Z", "data": { "id": 1, "firstName": "Ana" } },
  { "kind": "appointment.cancelled", "id": "e2", "data": { "appointmentId": 9, "client": { "id": 1 } } } ] }
T
pnow-profile learn several.json >several.profile
is "of a body that holds several events each is learnt, and a status that a name says" \
	"$(pnow-profile -p ./several.profile event several.json | jq -c '.[] | [.type, .id, .patient.id, .appointment.status]' | xargs)" \
	'[patient.created,e1,1,null] [appointment.status,e2,1,cancelled]'
is "... and explained" "$(pnow-profile -p ./several.profile explain several.json | jq -r 'select(.name == "appointment.status") | .file, .note')" \
	$'several.json, event 2\nthe event\'s name says cancelled'
is "a body that is the list" "$(jq .events several.json >list.json; pnow-profile learn list.json >list.profile
	pnow-profile -p ./list.profile event list.json | jq -r '.[].id' | xargs)" 'e1 e2'
printf '{"event":"patient.created","data":{"id":"%s","firstName":"Ana","dateOfBirth":"%s"}}' 1 '1990-06-07 00:00:00' 2 '1991-08-09 00:00:00' |
	jq -s . | pnow-profile learn - >born.profile
is "times without a zone are asked about once, and no birth date is told" "$(grep -c '"utc"' born.profile) $(grep -c '199[01]-' born.profile)" '1 0'
printf '{"event":"bill.completed","data":{"billId":"1","total":"5","patientId":"7","firstName":"Ana","email":"a@example.com"},"meta":{"lines":[{"name":"x","amount":"1"}]}}' >bill.json
is "a bill's items are those of its data, not of what is beside it" "$(pnow-profile learn bill.json | grep '"data"\|lines')" '    "data": ["/data"],'
holds "a status that nobody knows is asked for" grep -q '"statuses": what does the status "Pencilled" mean?' both.profile
printf '{"event":"visit.booked","data":{"id":"8","status":"Gone\\n\\"base_url\\": \\"x\\", %060d"}}' 0 >visit.json
like "... in one line, cut short: no text of a body is one of the profile" "$(pnow-profile learn visit.json | grep '"base_url"')" \
	'// *"statuses": what does the status "Gone[?]"base_url": "x", 000000000000000000" mean?'

for arguments in '' 'teach' 'explain -x' '-b x check' learn '-p patientnow-pro test'; do
	# shellcheck disable=SC2086
	said=$(pnow-profile $arguments 2>&1 </dev/null)
	is "wrong usage: pnow-profile $arguments" "$? $(grep -c '^usage' <<<"$said")" "64 1"
done
like "a word that is none: the nearest that there is" "$(pnow-profile explian 2>&1)" '*: there is no "explian": the nearest word is "explain"*'
finish
