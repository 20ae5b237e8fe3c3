#!/usr/bin/env bash
# pnow-push against a PatientNow and a CRM on this machine: which contacts ask for a patient, what is asked for them, which
# patient is theirs, what the note says, and what of it fails.
# shellcheck source=tests/tap.sh disable=SC2154 # it sets root
. "$(dirname "$0")/../tap.sh"

make_secrets .
printf 'sandbox-downtown-token\n' >downtown.token
chmod 600 downtown.token
MAIN=ve9EPM428h8vShlRW1KT
sed 's#//.*$##' "$root/examples/sandbox/seed.json" | jq '.patientnow |= (.patients = [] | .appointments = [] | .billing = []
	| .memberships = []) | .crm.locations[].contacts = []
	| .crm.locations[0].contacts = [{id: "c1", firstName: "Ana", lastName: "Lopez", email: "ana@example.com", phone: "+13035550142",
		gender: "female", dateOfBirth: "1984-03-02", address1: "1 Main St", city: "Denver", state: "CO", postalCode: "80202", source: "Google",
		tags: ["pnowcreate"]}]
	| .patientnow.patients = [
		{patientId: "1", firstName: "Eve", lastName: "TRAN", email: "eve@example.com", cellPhone: "303 555 0101"},
		{patientId: "2", firstName: "Tim", lastName: "Twin", email: "twin@example.com"},
		{patientId: "3", firstName: "Tom", lastName: "Twin", email: "twin@example.com"},
		{patientId: "5", firstName: "Ed", lastName: "Nobody", email: "none", cellPhone: "n/a"},
		{patientId: "4", firstName: "Ina", lastName: "Other", email: "shared@example.com", cellPhone: "303 555 0104"}]' >seed.json
pnow-sandbox -s seed.json -p port >/dev/null 2>&1 &
started+=($!)
await port
api=http://127.0.0.1:$(<port)

# practice NAME [JQ]: a configuration with a state of its own, the sandbox as new; $PNOW_CONFIG names it.
practice()
{
	curl -s -X POST "$api/_/reset" --next -s -X DELETE "$api/_/faults" --next -s -X DELETE "$api/_/requests" >/dev/null
	jq -n --arg api "$api" --arg name "$1" --arg main "$MAIN" '{practice: "glow", timezone: "America/Denver", pipelines: "non-surgical",
		state: ($name + ".db"), create: {required: ["last_name"]},
		patientnow: {base_url: ($api + "/patientnow"), practice_id: "4711", token_file: "pnp.token"},
		crm: {base_url: ($api + "/crm"), location_id: $main, token_file: "crm.token"}}' | jq "${2:-.}" >"$1.json"
	export PNOW_CONFIG=$1.json
}

# tagged ID JQ: an event of the contact c1 with a tag, its webhook changed by a jq filter.
tagged()
{
	jq -nc --arg id "$1" '{$id, type: "contact.tagged", practice: "glow", received: "2026-12-01T10:00:00Z", payload: ({type: "ContactTagUpdate",
		id: "c1", firstName: "Ana", lastName: "Lopez", email: "ana@example.com", phone: "+13035550142", tags: ["pnowcreate"]} | '"${2:-.}"')}'
}

# asked: the requests since the last time.
asked()
{
	curl -s "$api/_/requests" | jq -r '.method + " " + (.path | sub("[?&]practiceId=4711"; "") | sub("&page=1&rows=100"; ""))' | xargs
	curl -s -X DELETE "$api/_/requests" >/dev/null
}

note()
{
	jq -r '.actions[]? | select(.op == "note.add") | .body'
}

errors()
{
	jq -r '.error // {code: "none"} | "\(.code) \(.retry)"' | xargs
}

patients()
{
	curl -s "$api/_/state" | jq -c "[.patients[5:][] | del(.updatedAt)] | ${1:-length}"
}

fault()
{
	curl -s -X DELETE "$api/_/faults" >/dev/null
	[ -z "${1:-}" ] || curl -s -d "$1" "$api/_/faults" >/dev/null
}

# Who asks for a patient

practice pass
rm -f ./*.token
printf '%s\n' '{"id":"1","type":"bill.completed","bill":{"total":12.10, "id":12345678901234567890}}' '{"id":"2","type":"new.type"}' \
	'{"id":"3","type":"contact.tagged","ignored":"x"}' '{"id":"4","type":"contact.tagged","error":{"stage":"x"}}' >lines
is 'other events pass as they are' "$(pnow-push -o <lines)" "$(<lines)"
is 'and need neither secret nor state' "$(find . -name '*.db*')" ''
tagged 1 '.tags = ["vip"]' | pnow-push >out
is 'a contact without the tag is ignored, and costs nothing' "$(jq -r .ignored out)$(asked)$(find . -name '*.db*')" \
	'no tag of the contact asks for a patient: see create.tags'
make_secrets .
tagged 1 'del(.tags)' | pnow-push >out
is 'so is one without any tags' "$(jq 'has("actions")' out)" false
practice spelled '.create.tags = ["pnowcreate", "make patient"]'
tagged 1 '.tags = ["vip", " PNowCreate ", "Make Patient"]' | pnow-push >out
is 'the tags that go are those, as they are spelled there' "$(jq -c '.actions[-1]' out)" '{"op":"tag.remove","tags":[" PNowCreate ","Make Patient"]}'
is 'the contact has our names' "$(jq -c '.contact | {id, first_name, location_id, tags}' out)" \
	"{\"id\":\"c1\",\"first_name\":\"Ana\",\"location_id\":\"$MAIN\",\"tags\":[\" PNowCreate \",\"Make Patient\"]}"
jq -c 'del(.payload, .patient, .actions)' out | pnow-push >again
is 'and can stand in place of the payload' "$(jq -c '.actions' again)" "$(jq -c '.actions' out)"

# What is required

practice required '.create.required = ["first_name", "last_name", "gender", "email", "phone", "dob", "address1", "city", "state", "postal_code", "referral_source"]'
tagged 1 | pnow-push >out
is 'what the webhook lacks and is required is read from the CRM' "$(asked)" \
	'GET /contacts/c1 GET /patients?lastName=Lopez&email=ana%40example.com GET /patients?lastName=Lopez&phone=%2B13035550142 POST /patients'
is 'and all of it goes to PatientNow' "$(patients .)" \
	'[{"patientId":"10001","firstName":"Ana","lastName":"Lopez","email":"ana@example.com","cellPhone":"+13035550142","gender":"F","dateOfBirth":"1984-03-02","address1":"1 Main St","city":"Denver","state":"CO","zip":"80202","referralSource":"Google"}]'
practice missing '.create.required = ["first_name", "dob", "state", "referral_source"]'
curl -s -X PUT -H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28' -H 'Content-Type: application/json' \
	-d '{"state":"","source":"","dateOfBirth":""}' "$api/crm/contacts/c1" >/dev/null
asked >/dev/null
tagged 1 | pnow-push >out
is 'the note names what is missing in words' "$(note <out)" "$(printf '%s\n' 'PatientNow patient not created' 'Missing: date of birth, state, contact source' 'Fill them in and set the tag again.')"
is 'the tag goes, and nothing else is written' "$(jq -c '[.actions[].op]' out)$(patients)$(asked)" '["note.add","tag.remove"]0GET /contacts/c1'
practice gone '.create.required = ["gender"]'
tagged 1 '.id = "nobody"' | pnow-push >out
is 'a contact that is not in the CRM any more is ignored' "$(jq -r .ignored out)" 'the contact is not in the CRM any more'

# Which patient it is

practice names
tagged 1 '.lastName = "Tran" | .email = "EVE@example.com"' | pnow-push >out
is 'last name and e-mail are the same in any case' "$(jq -r .patient.id out) $(asked)" '1 GET /patients?lastName=Tran&email=EVE%40example.com'

# A profile whose search PatientNow does not narrow by the last name: what is compared is all that stands between two people.
sed 's#^ *//.*##' "$root/lib/profiles/patientnow-pro.json" | jq '.patient.search_by.last_name = "surname"' >wide.profile
# linked NAME OTHER: what the contact NAME is linked to, where PatientNow has OTHER with its e-mail.
linked()
{
	practice wide '.patientnow.profile = "wide.profile"'
	rm -f wide.db*
	curl -s -o /dev/null -H 'Authorization: Bearer sandbox-pnp-token' -H 'Content-Type: application/json' \
		-d "$(jq -nc --arg name "$2" '{firstName: "Bo", lastName: $name, email: "bo@example.com"}')" "$api/patientnow/patients?practiceId=4711"
	tagged 1 '.email = "bo@example.com" | .lastName = "'"$1"'"' | pnow-push | note | head -n 1
}
like 'a mark that only one has: the same last name' "$(linked Munoz Muñoz)" 'Linked to *'
like 'two letters for one' "$(linked WEISS Weiß)" 'Linked to *'
like 'another letter under the mark: another name' "$(linked Östman Åstman)" 'PatientNow patient created'
like 'another mark' "$(linked Östman Óstman)" 'PatientNow patient created'
like 'a name in letters of its own' "$(linked Иванов ИВАНОВ)" 'Linked to *'
like 'and another one' "$(linked Иванов Петров)" 'PatientNow patient created'
like 'Latin and other letters mixed' "$(linked 'Lee 李' 'Lee 王')" 'PatientNow patient created'
practice marks
tagged 1 '.lastName = "Tràn" | .email = "eve@example.com"' | pnow-push >out
is "PatientNow's search finds what is written without the marks" "$(jq -r .patient.id out)" 1
practice several
tagged 1 '.lastName = "Twin" | .email = "twin@example.com"' | pnow-push >out
is 'several patients: none is taken, none is made' "$(jq -c '[.patient, (.actions | map(.op))]' out)$(patients)" '[null,["note.add","tag.remove"]]0'
like 'and the note says which' "$(note <out)" '*not created*: 2, 3*'
practice other
tagged 1 '.email = "shared@example.com" | .phone = "303-555-0104"' | pnow-push >out
is 'an e-mail and phone of somebody with another last name: a patient of its own' "$(jq -r .patient.id out)" 10001
practice none
tagged 1 '.email = "none" | .phone = "n/a" | .lastName = "Nobody"' | pnow-push >out
is 'what is no e-mail and no phone links nobody: it is not searched by' "$(jq -r .patient.id out) $(asked)" 'null POST /patients'
practice alone
tagged 1 'del(.email, .phone)' | pnow-push >out
is 'without e-mail and phone there is nothing to search by' "$(jq -r .patient.id out)$(asked)" '10001POST /patients'

# Once

practice once
tagged 1 | pnow-push >out
tagged 1 | pnow-push >again
is 'the same event again: the same patient, the same note, no request' "$(cmp <(jq -c 'del(.patientnow_calls)' out) again)$(asked | wc -w)" 6
tagged 2 | pnow-push >again
is 'the tag set again: linked' "$(note <again)" $'Linked to the PatientNow patient who is there already\nPatient ID: 10001'
is 'after a look whether it is still asked for, and still there' "$(asked)" 'GET /contacts/c1 GET /patients/10001'
curl -s -X POST "$api/_/reset" >/dev/null
tagged 3 | pnow-push >again
is 'a patient who was deleted in PatientNow is made anew' "$(note <again | head -n 1) $(patients)" 'PatientNow patient created 1'
curl -s -X POST "$api/_/reset" >/dev/null
curl -s -X DELETE -H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28' -H 'Content-Type: application/json' \
	-d '{"tags":["pnowcreate"]}' "$api/crm/contacts/c1/tags" >/dev/null
tagged 4 | pnow-push >again
is 'not where the tag is gone meanwhile' "$(jq -r .ignored again)" 'the tag that asked for a patient is not on the contact any more'
practice moved
tagged 1 | pnow-push >out
tagged 2 '.id = "c2"' | pnow-push >out
is 'a second contact of the patient is linked, with a warning' "$(jq -r '.patient.id, .warnings[]' out)" \
	$'10001\npatient 10001 had the contact c1 until now: are these two the same person?'

# What fails

practice lost
fault '{"fault":"reset-after","method":"POST","count":1}'
tagged 1 'del(.email, .phone)' | pnow-push >out
is 'an answer that was lost: to be tried again' "$(errors <out) $(patients)" 'unavailable true 1'
tagged 1 'del(.email, .phone)' | pnow-push >out
is 'not before a minute has passed' "$(errors <out)" 'lost true'
state_later lost.db creation 60000
tagged 1 'del(.email, .phone)' | pnow-push >out
is 'and with nothing to look for it by, a person is asked to' "$(note <out | head -n 1) $(patients)" 'PatientNow patient perhaps created 1'
practice refused
tagged 1 '.email = "none"' | pnow-push >out
is 'what PatientNow does not take: the note says so' "$(note <out | sed -n '1p;2p' | xargs -d '\n') $(jq -c '[.actions[].op]' out)" \
	'PatientNow patient not created PatientNow does not take the contact'\''s details as they are. ["note.add","tag.remove"]'
practice quota '.patientnow.daily_limit = 2'
tagged 1 | pnow-push >out 2>said
is 'the quota counts: two searches, and no call is left to make the patient' "$(errors <out) $(patients) $(asked | grep -c POST)" 'quota_exhausted true 0 0'
state_calls_set quota.db 0
sed -i 's/"daily_limit": 2/"daily_limit": 3/' quota.json
tagged 1 | pnow-push >out
is 'the next day it is made' "$(note <out | head -n 1)" 'PatientNow patient created'
practice refusal
fault '{"fault":"401","api":"patientnow"}'
tagged 1 | pnow-push >out
is 'a token that is not accepted' "$? $(errors <out)" '1 refused true'
fault
practice errors
{
	tagged 1 'del(.id)'
	tagged 2 '.locationId = "elsewhere"'
	tagged 3 | jq -c '.practice = "another"'
	tagged 4 | jq -c 'del(.id)'
	tagged 5 | sed 's/"payload":{/&"id":"c0",/'
	echo '{"id":"6","type":"contact.tagged","payload":7}'
	echo '{"id":"7","type":"contact.tagged","contact":7}'
} | pnow-push >out
is 'what is no tagged contact of ours is an error' "$(errors <out)" \
	'malformed false wrong_location false wrong_practice false malformed false malformed false none null malformed false'
is 'and nothing is asked for it' "$(asked)" ''

# Other profiles

sed '/^ *\/\//d' "$root/lib/profiles/patientnow-pro.json" >pro.profile
jq '.patient |= del(.create)' pro.profile >no-create.profile
practice no-create '.patientnow.profile = "./no-create.profile"'
tagged 1 | pnow-push >out
is 'a profile that does not say how patients are made' "$(errors <out)" 'no_create false'
jq '.genders = {"Weiblich": "female"} | .patient.fields |= (.city = ["/address/city", "/city"] | .address1 = ["/address/street/line1"]
	| .state = ["/address/state"] | del(.dob))' pro.profile >nested.profile
practice nested '.patientnow.profile = "./nested.profile"'
tagged 1 '. + {gender: "F", city: "Denver", address1: "1 Main St", state: "CO", dateOfBirth: "1984-03-02"}' | pnow-push -n >out
is 'facts inside objects, the EMR'\''s word for gender, and what the profile does not have' "$(jq -c 'select(.method == "POST") | .body' out)" \
	'{"firstName":"Ana","lastName":"Lopez","email":"ana@example.com","cellPhone":"+13035550142","gender":"Weiblich","address":{"street":{"line1":"1 Main St"},"city":"Denver","state":"CO"}}'

# A dry run

practice dry '.create.required = ["last_name", "gender"]'
rm -f ./*.token
sed 's#^ *//.*##' "$root/lib/profiles/patientnow-pro.json" | jq '.emr = "Mindbody"' >mindbody.profile
jq '.patientnow.profile = "./mindbody.profile"' "$PNOW_CONFIG" >mindbody.json
is 'its note has the name of the EMR' "$(tagged 1 | pnow-push -n -c mindbody.json | jq -r 'select(.actions).actions[] | select(.op == "note.add").body' | head -n 1)" \
	'Mindbody patient created'
tagged 1 | pnow-push -n >out
is '-n shows the requests' "$(jq -r 'select(.method) | .method + " " + .path' out)" "$(printf '%s\n' 'GET /contacts/c1' \
	'GET /patients?lastName=Lopez&email=ana%40example.com&page=1&rows=100' 'GET /patients?lastName=Lopez&phone=%2B13035550142&page=1&rows=100' 'POST /patients')"
is 'with what is not known in braces' "$(jq -r 'select(.method == "POST") | .body.gender' out)" '{gender}'
is 'makes none, and reads no secret and no state' "$(asked)$(find . -name 'dry.db*')" ''
is 'then the event, for crm-push -n' "$(tail -n 1 out | jq -c '[.id, .patient.id, (.actions | map(.op))]')" '["1","{patient}",["contact.upsert","note.add","tag.remove"]]'
is 'which passes the requests on and adds its own' "$(crm-push -n <out | jq -r .method | xargs)" 'GET GET GET POST PUT POST DELETE'
is '... for a contact that becomes the patient'"'"'s, too' "$(tail -n 1 out | jq -c '.actions[0] |= del(.fields) + {link: {"PNOW ID": "1"}}' |
	crm-push -n | jq -r 'select(.body.customFields) | .body.customFields[0].id')" '{field:PNOW ID}'
is "no message has a token or a person in it" "$(cat said ./*.out out again 2>/dev/null | jq -r '.error.message // empty' | grep -ciE 'sandbox-|lopez|ana@')" 0
finish
