#!/usr/bin/env bash
# What pnow-sandbox(1) promises, over real HTTP. Needs curl, jq, openssl, and perl for the receiver of webhooks.
# shellcheck disable=SC2154 # from tap.sh: root, bin, started
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
SEED=$root/examples/sandbox/seed.json
SANDBOX='' URL='' STATUS='' RECEIVER=''

# start OPTION…: a sandbox with the example's seed; its address in URL.
start() {
	rm -f port out
	pnow-sandbox -s "$SEED" -p port "$@" >out 2>err &
	SANDBOX=$!
	started+=("$SANDBOX")
	await out # comes after the port
	URL=http://127.0.0.1:$(cat port)
}

# stop: ends it; its exit status in STATUS.
stop() {
	kill "$SANDBOX"
	wait "$SANDBOX"
	STATUS=$?
	SANDBOX=
}

# crm METHOD PATH [BODY]: a request to location 1; prints the body, status in the file status, headers in headers.
crm() {
	call "$1" "/crm$2" "${3-}" -H "Authorization: Bearer ${TOKEN:-sandbox-crm-token}" -H 'Version: 2021-07-28'
}

# pro METHOD PATH [BODY]: the same to PatientNow Pro.
pro() {
	call "$1" "/patientnow$2" "${3-}" -H 'Authorization: Bearer sandbox-pnp-token' -H 'practiceId: 4711'
}

# envision METHOD PATH [BODY]: the same to Essentials; the path ends in a query.
envision() {
	call "$1" "/envision$2&apikey=sandbox-apikey" "${3-}" -u sandbox:sandbox-password
}

# own METHOD PATH [BODY]: the same to the sandbox's own pages.
own() {
	call "$1" "/_/$2" "${3-}"
}

call() {
	local method=$1 path=$2 body=$3
	shift 3
	[ -z "$body" ] || set -- "$@" -H 'Content-Type: application/json' --data-binary "$body"
	curl -s -m 60 -D headers -o body -w '%{http_code}' -X "$method" "$@" "$URL$path" >status
	local failed=$?
	[ $failed -eq 0 ] || echo "curl $failed" >status
	[ ! -e body ] || cat body
	rm -f body
}

status() {
	cat status
}

# state FILTER: jq's view of /_/state.
state() {
	curl -s "$URL/_/state" | jq -c "$1"
}

L=ve9EPM428h8vShlRW1KT
DOWNTOWN=fAc1l1tyD0wnt0wn00001
ANA='"email":"ana@example.com","phone":"+13035550142"'

# ----- start and stop, options

start
is 'the first line on stdout is the address' "$(head -1 out)" "http://127.0.0.1:$(cat port)"
like 'a short help is at /_/' "$(own GET '')" '*pnow-sandbox*'
like 'the seed fills both APIs' "$(state '[(.contacts|length),(.patients|length),(.appointments|length),(.billing|length),(.memberships|length)]')" '\[3,6,6,2,2\]'
is 'every custom field of the example is there, in both locations' \
	"$(crm GET /locations/$L/customFields | jq '.customFields|length') $(TOKEN=sandbox-downtown-token crm GET /locations/$DOWNTOWN/customFields | jq '.customFields|length')" '24 24'
stop
is 'SIGTERM ends it with status 0' "$STATUS" 0
is 'nothing is said on stderr' "$(cat err)" ''
like '-h prints the usage on stdout' "$(pnow-sandbox -h)" 'usage: pnow-sandbox *'
like '-V prints the version' "$(pnow-sandbox -V)" 'pnow-sandbox [0-9]*'
is 'an unknown option: status 64' "$(pnow-sandbox -x 2>/dev/null; echo $?)" 64
like 'an unknown fault: status 64' "$(pnow-sandbox -f quake 2>&1; echo $?)" '*no such fault*64'
like 'an address that cannot be had: status 69' "$(pnow-sandbox -l 192.0.2.1:0 2>&1; echo $?)" '*cannot listen on 192.0.2.1:0*69'
printf '{"crm":{"locations":[{"id":"L","token":"t","customFields":["A"],\n"contacts":[{"fields":{"B":"x"}}]}]}}' >bad.json
like 'a seed that names a field that is not there: status 65, file and place' "$(pnow-sandbox -s bad.json 2>&1; echo $?)" \
	'*bad.json: crm.locations\[0\].contacts\[0\]: fields: no custom field B*65'
printf '{"crm":{"locatoins":[]}}' >bad.json
like 'a seed with an unknown key: status 65' "$(pnow-sandbox -s bad.json 2>&1; echo $?)" '*crm: unknown key locatoins*65'
printf '{\n\n"crm":nix}' >bad.json
like 'a seed that is no JSON: status 65, file and line' "$(pnow-sandbox -s bad.json 2>&1; echo $?)" '*bad.json:3:*65'
like 'a seed that is not there: status 66' "$(pnow-sandbox -s none.json 2>&1; echo $?)" '*none.json*66'

# ----- the CRM: token, version, contract

start
call GET "/crm/workflows/?locationId=$L" '' -H 'Version: 2021-07-28' >/dev/null
is 'without a token: 401' "$(status)" 401
call GET "/crm/workflows/?locationId=$L" '' -H 'Version: 2021-07-28' -H 'Authorization: Bearer wrong' >/dev/null
is 'with a wrong token: 401' "$(status)" 401
like 'without the Version header: 400' "$(call GET "/crm/workflows/?locationId=$L" '' -H 'Authorization: Bearer sandbox-crm-token')$(status)" \
	'*version header was not found.*400'
# version VERSION: what a request with it is answered.
version() {
	call GET "/crm/workflows/?locationId=$L" '' -H 'Authorization: Bearer sandbox-crm-token' -H "Version: $1" >/dev/null
	status
}
is "the contract's version and that of the vendor's client, no other" "$(version 2021-07-28) $(version 2023-02-21) $(version 2020-01-01)" '200 200 400'
like "a token does not see another location: 403" "$(crm GET "/workflows/?locationId=$DOWNTOWN")$(status)" '*does not have access*403'
like 'an unknown property: 422 that names it' "$(crm POST /contacts/upsert "{\"locationId\":\"$L\",$ANA,\"bogus\":1}")$(status)" \
	'*property bogus should not exist*422'
like 'a property of the wrong type: 422' "$(crm POST /contacts/upsert "{\"locationId\":\"$L\",$ANA,\"firstName\":7}")$(status)" \
	'*firstName must be a string*422'
like 'a missing property: 422' "$(crm POST /opportunities/ '{"name":"x"}')$(status)" '*pipelineId should not be empty*422'
like 'an address without @: 422' "$(crm POST /contacts/upsert "{\"locationId\":\"$L\",\"email\":\"ana\"}")$(status)" '*email must be an email*422'
like 'a custom field under "value" instead of "field_value": 422' \
	"$(crm POST /contacts/upsert "{\"locationId\":\"$L\",$ANA,\"customFields\":[{\"id\":\"x\",\"value\":\"1\"}]}")$(status)" '*value should not exist*422'
like 'a custom field whose value is a number: 422' \
	"$(crm POST /contacts/upsert "{\"locationId\":\"$L\",$ANA,\"customFields\":[{\"id\":\"x\",\"field_value\":1}]}")$(status)" '*field_value must be a string*422'
like 'no JSON: 400' "$(crm POST /contacts/upsert '{"locationId"')$(status)" '*400'
like 'a path that is not there: 404' "$(crm GET /nothing)$(status)" '*Cannot GET*404'
is 'every answer tells the limits' "$(grep -ci '^x-ratelimit-' headers)" 0
crm GET "/workflows/?locationId=$L" >/dev/null
is 'every answer with a token tells the limits' "$(grep -ci '^x-ratelimit-\(limit-daily\|daily-remaining\|interval-milliseconds\|max\|remaining\):' headers)" 5

# ----- contacts

like 'an upsert creates a contact' "$(crm POST /contacts/upsert "{\"locationId\":\"$L\",$ANA,\"firstName\":\"Ana\",\"gender\":\"female\",\"tags\":[\"a\",\"b\"]}" | jq -c '[.new,.contact.firstName,.contact.gender]')$(status)" \
	'\[true,"Ana","female"\]200'
like 'an upsert of the same e-mail, in any case, updates it, and drops gender without a word' \
	"$(crm POST /contacts/upsert "{\"locationId\":\"$L\",\"email\":\"ANA@example.com\",\"lastName\":\"Lopez\",\"gender\":\"male\"}" | jq -c '[.new,.contact.lastName,.contact.gender]')$(status)" '\[false,"Lopez","female"\]200'
like 'an upsert finds a contact by phone, however it is written' \
	"$(crm POST /contacts/upsert "{\"locationId\":\"$L\",\"phone\":\"+1 (303) 555-0142\",\"city\":\"Denver\"}" | jq -c '[.new,.contact.city,.contact.phone]')" '\[false,"Denver","+1 (303) 555-0142"\]'
like 'tags in an upsert replace all tags' "$(crm POST /contacts/upsert "{\"locationId\":\"$L\",\"email\":\"ana@example.com\",\"tags\":[\"c\"]}" | jq -c .contact.tags)" '\["c"\]'
like "with one contact's e-mail and another's phone, an upsert updates the first and ignores the phone" \
	"$(crm POST /contacts/upsert "{\"locationId\":\"$L\",\"email\":\"ana@example.com\",\"phone\":\"+17205550117\",\"state\":\"CO\"}" | jq -c '[.new,.contact.firstName,.contact.state,.contact.phone]')" '\[false,"Ana","CO","+1 (303) 555-0142"\]'
like 'an upsert with neither e-mail nor phone: 400' "$(crm POST /contacts/upsert "{\"locationId\":\"$L\"}")$(status)" '*400'
is 'a second contact with the same e-mail: 400 that names the first' "$(crm POST /contacts/ "{\"locationId\":\"$L\",\"email\":\"ana@example.com\"}" | jq -c .meta.matchingField)$(status)" '"email"400'
like 'POST creates: 201' "$(crm POST /contacts/ "{\"locationId\":\"$L\",\"name\":\"Gus van Dam\",\"dateOfBirth\":\"03/17/1990\"}" | jq -c '.contact|[.firstName,.lastName,.dateOfBirth]')$(status)" '\["Gus","van Dam","1990-03-17"\]201'
ID=$(state '.contacts[]|select(.firstName=="Ana")|.id' | tr -d '"')
like 'PUT takes no gender: 422' "$(crm PUT "/contacts/$ID" '{"gender":"male"}')$(status)" '*gender should not exist*422'
like 'PUT takes no locationId: 422' "$(crm PUT "/contacts/$ID" "{\"locationId\":\"$L\"}")$(status)" '*locationId should not exist*422'
is "PUT with another contact's e-mail: 400" "$(crm PUT "/contacts/$ID" '{"email":"ben@example.com"}' | jq -c .meta.matchingField)$(status)" '"email"400'
like 'PUT updates, and null takes away' "$(crm PUT "/contacts/$ID" '{"postalCode":"80202","city":null}' | jq -c '[.succeded,.contact.postalCode,.contact.city]')$(status)" '\[true,"80202",null\]200'
like 'a contact that is not there: 400' "$(crm GET /contacts/nobody)$(status)" '*not found*400'
like "a contact of another location: 403" "$(TOKEN=sandbox-downtown-token crm GET "/contacts/$ID")$(status)" '*403'

field() {
	crm GET "/locations/$L/customFields?model=contact" | jq -r --arg n "$1" '.customFields[]|select(.name==$n)|.id'
}
DATE=$(field 'Next Visit Date') UNSUBSCRIBED=$(field 'PNOW Unsubscribed') PAID=$(field 'Invoice Paid Amount') PNOW=$(field 'PNOW ID')
set_fields() {
	crm PUT "/contacts/$ID" "{\"customFields\":[$1]}" | jq -c '[.contact.customFields[].value]'
}
like 'custom fields are stored and echoed' "$(set_fields "{\"id\":\"$PNOW\",\"field_value\":\"10234\"},{\"id\":\"$DATE\",\"field_value\":\"2026-12-01\"}")" '\["10234","2026-12-01"\]'
like 'an unknown field, a date, an amount and an option that fit not are dropped without a word' \
	"$(set_fields "{\"id\":\"nix\",\"field_value\":\"1\"},{\"id\":\"$DATE\",\"field_value\":\"12/01/2026\"},{\"id\":\"$UNSUBSCRIBED\",\"field_value\":\"perhaps\"},{\"id\":\"$PAID\",\"field_value\":\"much\"}")$(status)" \
	'\["10234","2026-12-01"\]200'
like 'an amount and an option that fit are kept' "$(set_fields "{\"id\":\"$UNSUBSCRIBED\",\"field_value\":\"true\"},{\"id\":\"$PAID\",\"field_value\":\"450.00\"}")" '\["10234","2026-12-01","true","450.00"\]'
is '/_/state shows fields by name' "$(state '.contacts[]|select(.firstName=="Ana")|.fields')" \
	'{"PNOW ID":"10234","Next Visit Date":"2026-12-01","PNOW Unsubscribed":"true","Invoice Paid Amount":"450.00"}'
like '/_/state?email= shows one contact' "$(curl -s "$URL/_/state?email=ben@example.com" | jq -c '[.contacts[].firstName]')" '\["Ben"\]'
is 'duplicates are found by e-mail and by number' \
	"$(crm GET "/contacts/search/duplicate?locationId=$L&email=ana%40example.com" | jq -r .contact.id) $(crm GET "/contacts/search/duplicate?locationId=$L&number=%2B13035550142" | jq -r .contact.id)" "$ID $ID"
is 'no duplicate: null' "$(crm GET "/contacts/search/duplicate?locationId=$L&email=none%40example.com")$(status)" '{"contact":null}200'
like 'a query that the contract does not know: 422' "$(crm GET "/contacts/search/duplicate?locationId=$L&phone=1")$(status)" '*property phone should not exist*422'

# ----- notes, tags, workflows

is 'a note is added: 201' "$(crm POST "/contacts/$ID/notes" '{"body":"first"}' | jq -c .note.body)$(status)" '"first"201'
crm POST "/contacts/$ID/notes" '{"body":"second"}' >/dev/null
like 'notes are listed newest first' "$(crm GET "/contacts/$ID/notes" | jq -c '[.notes[].body]')" '\["second","first"\]'
like '/_/state has them oldest first' "$(state '.contacts[]|select(.firstName=="Ana")|.notes')" '\["first","second"\]'
like 'a note without a body: 422' "$(crm POST "/contacts/$ID/notes" '{}')$(status)" '*body should not be empty*422'
like 'tags are added to those there are, as sent' "$(crm POST "/contacts/$ID/tags" '{"tags":["VIP","c"]}' | jq -c .tags)$(status)" '\["c","VIP"\]201'
like 'tags are removed in any case' "$(crm DELETE "/contacts/$ID/tags" '{"tags":["vip"]}' | jq -c .tags)$(status)" '\["c"\]200'
WORKFLOW=$(crm GET "/workflows/?locationId=$L" | jq -r '.workflows[0].id')
crm POST "/contacts/$ID/workflow/$WORKFLOW" '{"eventStartTime":"2021-06-23T03:30:00+01:00"}' >/dev/null
is 'a contact is enrolled' "$(crm POST "/contacts/$ID/workflow/$WORKFLOW" '{}')$(status)" '{"succeded":true}200'
like 'every enrolment is remembered' "$(state '.contacts[]|select(.firstName=="Ana")|.workflows')" '\["PatientNow Appointments Update","PatientNow Appointments Update"\]'
like 'enrolment without a body: 400' "$(crm POST "/contacts/$ID/workflow/$WORKFLOW")$(status)" '*400'
like 'an unknown workflow: 404' "$(crm POST "/contacts/$ID/workflow/nix" '{}')$(status)" '*404'

# ----- calendars

# calendar METHOD PATH [BODY]
calendar() {
	call "$1" "/crm/calendars/$2" "${3-}" -H "Authorization: Bearer ${TOKEN:-sandbox-crm-token}" -H 'Version: 2021-04-15'
}
# visit START END [MORE]: an appointment's body on the 1st of December.
visit() {
	jq -nc --arg l "$L" --arg c "$CALENDAR" --arg id "$ID" --arg from "2026-12-01T$1:00-07:00" --arg to "2026-12-01T$2:00-07:00" \
		"{locationId: \$l, calendarId: \$c, contactId: \$id, startTime: \$from, endTime: \$to}${3:+ | $3}"
}
CALENDAR=$(calendar GET "?locationId=$L" | jq -r '.calendars[] | select(.name == "PatientNow") | .id')
like 'calendars have a Version of their own' "$(crm GET "/calendars/?locationId=$L")$(status)" '*version header is invalid*400'
EVENT=$(calendar POST events/appointments "$(visit 10:00 10:30)" | jq -r .id)
like 'an appointment is confirmed, and listed where it takes some of the time' \
	"$(calendar GET "events?locationId=$L&calendarId=$CALENDAR&startTime=$(date -d 2026-12-01T10:29-07:00 +%s)000&endTime=$(date -d 2026-12-01T12:00-07:00 +%s)000" |
		jq -c '.events[]|[.id,.appointmentStatus]')" "\[\"$EVENT\",\"confirmed\"\]"
like 'and nowhere else' "$(calendar GET "events?locationId=$L&calendarId=$CALENDAR&startTime=$(date -d 2026-12-01T10:30-07:00 +%s)000&endTime=$(date -d 2026-12-01T12:00-07:00 +%s)000")" \
	'*"events":\[\]*'
like 'its time is taken: 400' "$(calendar POST events/appointments "$(visit 10:15 11:00)")$(status)" '*no longer available*400'
is 'unless nobody shall look' "$(calendar POST events/appointments "$(visit 10:15 11:00 '.ignoreFreeSlotValidation = true')" >/dev/null; status)" 200
like 'a block slot has no contact: 422' "$(calendar POST events/block-slots "$(visit 12:00 13:00)")$(status)" '*property contactId should not exist*422'
BLOCK=$(calendar POST events/block-slots "$(visit 12:00 13:00 'del(.contactId)')" | jq -r .id)
like 'it takes time, too: 400' "$(calendar POST events/appointments "$(visit 12:30 12:45)")$(status)" '*400'
like 'a status is one of six words: 422' "$(calendar PUT "events/appointments/$EVENT" '{"appointmentStatus":"booked"}')$(status)" '*must be one of*422'
like 'a time is a moment: 422' "$(calendar PUT "events/appointments/$EVENT" '{"startTime":"tomorrow"}')$(status)" '*ISO 8601*422'
calendar PUT "events/appointments/$EVENT" '{"appointmentStatus":"cancelled","toNotify":false}' >/dev/null
is 'the state has what stands in it' "$(state '.calendar | map([.calendar, .appointmentStatus])')" \
	'[["PatientNow","cancelled"],["PatientNow","confirmed"],["PatientNow",null]]'
is 'what is deleted is gone' "$(calendar DELETE "events/$BLOCK" '{}')$(status)$(calendar DELETE "events/$BLOCK" '{}' >/dev/null; status)" '{"succeeded":true}201404'
like 'another location does not see it: 404' "$(TOKEN=sandbox-downtown-token calendar GET "events/appointments/$EVENT")$(status)" '*404'

# ----- pipelines, opportunities, fields

PIPELINES=$(crm GET "/opportunities/pipelines?locationId=$L")
like 'pipelines have their stages' "$(jq -c '[.pipelines[]|[.name,.stages[].name]]' <<<"$PIPELINES")" \
	'\[\["Surgical","Consult Booked","Consult Complete","Surgery Scheduled","Surgery Complete","Cancelled / No-Show"\],\["Non-Surgical",*'
PIPELINE=$(jq -r '.pipelines[0].id' <<<"$PIPELINES") STAGE=$(jq -r '.pipelines[0].stages[1].id' <<<"$PIPELINES")
OTHER=$(jq -r '.pipelines[1].stages[1].id' <<<"$PIPELINES")
NEW="{\"locationId\":\"$L\",\"pipelineId\":\"$PIPELINE\",\"contactId\":\"$ID\",\"name\":\"Ana Lopez\",\"status\":\"open\""
like 'an opportunity is created, in the first stage: 201' "$(crm POST /opportunities/ "$NEW,\"monetaryValue\":450.10}" | jq -c '.opportunity|[.status,.monetaryValue,.contact.name]')$(status)" '\["open",450.1*,"Ana Lopez"\]201'
like 'a stage of another pipeline: 400' "$(crm POST /opportunities/ "$NEW,\"pipelineStageId\":\"$OTHER\"}")$(status)" '*stage id is invalid*400'
like 'a value that is text: 422' "$(crm POST /opportunities/ "$NEW,\"monetaryValue\":\"450\"}")$(status)" '*monetaryValue must be a number*422'
like 'a status that is none: 422' "$(crm POST /opportunities/ "${NEW/open/gone}}")$(status)" '*status must be one of*422'
FOUND=$(crm GET "/opportunities/search?location_id=$L&contact_id=$ID&pipeline_id=$PIPELINE")
OPPORTUNITY=$(jq -r '.opportunities[0].id' <<<"$FOUND")
like 'opportunities are found by contact and pipeline' "$(jq -c '[.meta.total,(.opportunities|length)]' <<<"$FOUND")" '\[1,1\]'
like 'the search wants snake case: 422 for locationId' "$(crm GET "/opportunities/search?locationId=$L")$(status)" '*property locationId should not exist*422'
is 'an opportunity moves' "$(crm PUT "/opportunities/$OPPORTUNITY" "{\"pipelineStageId\":\"$STAGE\",\"status\":\"won\",\"monetaryValue\":12}" | jq -c .opportunity.status)$(status)" '"won"200'
like '/_/state shows pipeline and stage by name' "$(state '.contacts[]|select(.firstName=="Ana")|.opportunities|map(del(.id))')" \
	'\[{"pipeline":"Surgical","stage":"Consult Complete","status":"won","monetaryValue":12,"name":"Ana Lopez"}\]'
is 'its status is set' "$(crm PUT "/opportunities/$OPPORTUNITY/status" '{"status":"lost"}')$(crm GET "/opportunities/$OPPORTUNITY" | jq -c .opportunity.status)" '{"succeded":true}"lost"'
like 'PUT takes no contactId: 422' "$(crm PUT "/opportunities/$OPPORTUNITY" "{\"contactId\":\"$ID\"}")$(status)" '*contactId should not exist*422'
like 'it is deleted' "$(crm DELETE "/opportunities/$OPPORTUNITY")$(state '.contacts[]|select(.firstName=="Ana")|.opportunities')" '{"succeded":true}\[\]'
crm POST /opportunities/ "$NEW}" >/dev/null
like 'one contact is in a pipeline once: 400' "$(crm POST /opportunities/ "$NEW}")$(status)" '*400'
crm POST /opportunities/ "${NEW/$PIPELINE/$(jq -r '.pipelines[1].id' <<<"$PIPELINES")}}" >/dev/null
like 'searches come in pages' "$(crm GET "/opportunities/search?location_id=$L&contact_id=$ID&limit=1&page=2" | jq -c '[.meta.total,.meta.currentPage,.meta.nextPage,.meta.prevPage,(.opportunities|length)]')" '\[2,2,null,1,1\]'
like 'a field is created: 201' "$(crm POST "/locations/$L/customFields" '{"name":"New One","dataType":"TEXT","model":"contact"}' | jq -c '.customField|[.fieldKey,.dataType]')$(status)" '\["contact.new_one","TEXT"\]201'
like 'a field of the same name: 400' "$(crm POST "/locations/$L/customFields" '{"name":"New One","dataType":"TEXT"}')$(status)" '*exists*400'
is 'a contact is deleted, with its opportunities' "$(crm DELETE "/contacts/$ID")$(crm GET "/opportunities/search?location_id=$L&q=Ana" | jq .meta.total)" '{"succeded":true}0'

# ----- OAuth

refresh() {
	call POST /crm/oauth/token '' -d client_id=sandbox-client -d client_secret=sandbox-client-secret -d grant_type=refresh_token -d "refresh_token=$1"
}
GRANT=$(refresh sandbox-crm-refresh)
is 'a refresh token gives an access token of its location' "$(TOKEN=$(jq -r .access_token <<<"$GRANT") crm GET "/workflows/?locationId=$L" | jq '.workflows|length')" 4
like 'a refresh token can be used once' "$(refresh sandbox-crm-refresh)$(status)" '*invalid_grant*400'
is 'the new one can be used' "$(refresh "$(jq -r .refresh_token <<<"$GRANT")" | jq -r .locationId)" "$L"
is "the agency's token gives one for a location" "$(call POST /crm/oauth/locationToken '' -H 'Authorization: Bearer sandbox-agency-token' -d companyId=sandboxCompany000000 -d "locationId=$DOWNTOWN" | jq -r .locationId)" "$DOWNTOWN"
is 'what OAuth gave can be revoked' "$(ACCESS=$(call POST /crm/oauth/locationToken '' -H 'Authorization: Bearer sandbox-agency-token' -d companyId=sandboxCompany000000 -d "locationId=$L" | jq -r .access_token)
	TOKEN=$ACCESS crm GET "/workflows/?locationId=$L" >/dev/null && status && own POST revoke '{"what":"access"}' >/dev/null && TOKEN=$ACCESS crm GET "/workflows/?locationId=$L" >/dev/null && status)" '200401'

# ----- log, reset

own POST reset >/dev/null
like '/_/reset goes back to the seed' "$(state '[.contacts[].firstName]')" '\["Chloe","Ben","Fatima"\]'
own DELETE requests >/dev/null
crm POST "/contacts/upsert?x=1" '{ "locationId" : "a b\"c", "n": 12.10 }' >/dev/null
pro GET '/patients/10234' >/dev/null
like '/_/requests has every request in order, bodies as sent' "$(own GET requests | jq -c 'del(.at,.ms)' | tr -d '\n')" \
	'{"n":1,"api":"crm","method":"POST","path":"/contacts/upsert?x=1","body":{"locationId":"a b\\"c","n":12.1*},"status":422,"version":"2021-07-28","fault":null}{"n":2,"api":"patientnow","method":"GET","path":"/patients/10234","body":null,"status":200,"version":null,"fault":null}'
is 'number text in the log is as sent' "$(own GET requests | grep -c '"n":12.10}')" 1
FIRST=$(crm POST /contacts/ "{\"locationId\":\"$L\",\"firstName\":\"X\"}" | jq -r .contact.id)
own POST reset >/dev/null
is 'ids are the same in every run' "$(crm POST /contacts/ "{\"locationId\":\"$L\",\"firstName\":\"X\"}" | jq -r .contact.id)" "$FIRST"

# ----- PatientNow Pro

like 'a patient' "$(pro GET /patients/10234 | jq -c '[.firstName,.cellPhone,.dateOfBirth,.unsubscribed]')$(status)" '\["Ana","(303) 555-0142","1984-03-02",false\]200'
is 'an appointment, a bill, a membership' "$(pro GET /appointments/88123 | jq -r .appointmentType)/$(pro GET /billing/991 | jq -r '.items[2].description')/$(pro GET /memberships/501 | jq -r .programName)" 'Rhinoplasty Consult/Hydrafacial/Glow Club'
like 'money keeps its text' "$(pro GET /billing/991)" '*"total":450.00,*'
is 'what is not there: 404 in JSON' "$(pro GET /patients/1 | jq -r .message)$(status)" 'no patients 1404'
like 'without the token: 401' "$(call GET '/patientnow/patients/10234?practiceId=4711' ''; status)" '*401'
like 'without practiceId: 401' "$(call GET /patientnow/patients/10234 '' -H 'Authorization: Bearer sandbox-pnp-token'; status)" '*401'
is 'a bare token and practiceId in the query do, too' "$(call GET '/patientnow/patients/10234?practiceId=4711' '' -H 'Authorization: sandbox-pnp-token' | jq -r .firstName)" Ana
like 'lists come in pages' "$(pro GET '/patients?page=2&rows=4' | jq -c '[.page,.rows,.total,(.patients|length)]')" '\[2,4,6,2\]'
like 'search by last name and phone, however written' "$(pro GET '/patients?lastName=LOPEZ&phone=%2B13035550142' | jq -c '[.patients[].patientId]')" '\["10234"\]'
like 'a patient is created: 201, with an id' "$(pro POST /patients '{"firstName":"Fay","lastName":"Wu"}' | jq -c '[.patientId,.firstName]')$(status)" '\["10240","Fay"\]201'
SINCE=$(date -u -d '+1 hour' +%FT%TZ 2>/dev/null || date -u -v+1H +%FT%TZ)
is 'updatedSince leaves out what is older' "$(pro GET "/patients?updatedSince=$SINCE" | jq .total) $(pro GET '/patients?updatedSince=2020-01-01' | jq .total)" '0 7'
like 'a patient is updated' "$(pro PUT /patients/10240 '{"city":"Denver"}' | jq -c '[.lastName,.city]')" '\["Wu","Denver"\]'
like 'a bill for nobody: 400' "$(pro POST /billing '{"patientId":"1","total":1}')$(status)" '*no patient 1*400'

# ----- Essentials

like 'the same patient in the other dialect' "$(envision GET '/customers/10234?' | jq -c '[.CustomerId,.FirstName,.CellPhone]')" '\["10234","Ana","(303) 555-0142"\]'
like 'an appointment, an order, a membership' "$(envision GET '/appointments/88123?' | jq -c '[.Service,.Employee,.Company]')$(envision GET '/orders/991?' | jq -c '[.OrderId,.Items[0].Description]')$(envision GET '/memberships/501?' | jq -c .ProgramName)" \
	'\["Rhinoplasty Consult","Dr. Reyes","Downtown"\]\["991","Botox"\]"Glow Club"'
is 'lists come in pages, totals in headers' "$(envision GET '/customers?Page=2&Rows=5' | jq length) $(grep -i '^DataTotal' headers | tr -d '\r' | tr '\n' ' ')" '2 DataTotalRows: 7 DataTotalPages: 2 '
like "a customer's appointments and purchases are read by POST" "$(envision POST '/customers/10234/Appointments?' '{"Page":1}' | jq -c '[.[].AppointmentId]')$(envision POST '/customers/10234/Purchases?' '{}' | jq -c '[.[].OrderId]')" '\["88123"\]\["991"\]'
like 'status, companies, employees, services' "$(envision GET '/status?' | jq -r .Status) $(envision GET '/companies?' | jq -c '[.[].Name]')$(envision GET '/services?' | jq -r '.[0].Name')" 'OK \["Downtown","Main"\]Rhinoplasty Consult'
is 'a customer is created in the one store' "$(envision POST '/customers?' '{"FirstName":"Gil","LastName":"Ax"}' | jq -r .CustomerId) $(pro GET /patients/10241 | jq -r .firstName)" '10241 Gil'
like 'without apikey: 401' "$(call GET /envision/status '' -u sandbox:sandbox-password; status)" '*401'
like 'with a wrong password: 401' "$(call GET '/envision/status?apikey=sandbox-apikey' '' -u sandbox:nix; status)" '*401'

# ----- faults

fault() {
	own DELETE faults >/dev/null
	own POST faults "$1" >/dev/null
}
notes_of() {
	curl -s "$URL/_/state" | jq -c '[.contacts[]|select(.firstName=="Ben")|.notes[]]'
}
BEN=$(state '.contacts[]|select(.firstName=="Ben")|.id' | tr -d '"')
note() {
	crm POST "/contacts/$BEN/notes" "{\"body\":\"$1\"}" >/dev/null
}
fault '{"fault":"429","path":"notes","count":1,"retry_after":7}'
note a
is '429 with Retry-After' "$(status) $(grep -i '^retry-after' headers | tr -d '\r')" '429 Retry-After: 7'
note b
like 'for as often as count says' "$(status)$(notes_of)" '201\["b"\]'
fault '{"fault":"500","method":"GET"}'
note c
is 'a method that is not meant is left alone' "$(status)" 201
crm GET "/contacts/$BEN" >/dev/null
is '500' "$(status)" 500
fault '{"fault":"503","api":"patientnow"}'
is '503 for one API' "$(pro GET /patients/10234 >/dev/null; status) $(crm GET "/contacts/$BEN" >/dev/null; status)" '503 200'
fault '{"fault":"401"}'
is '401' "$(crm GET "/contacts/$BEN" >/dev/null; status)" 401
fault '{"fault":"reset-before","count":1}'
note d
like 'reset before the effect: the connection breaks, nothing happened' "$(status) $(notes_of)" 'curl 56 \["b","c"\]'
fault '{"fault":"reset-after","count":1}'
note e
like 'reset after the effect: the connection breaks, and it happened' "$(status) $(notes_of)" 'curl 56 \["b","c","e"\]'
fault '{"fault":"cut","count":1}'
note f
like 'cut: the body ends before its length, and it happened' "$(status) $(notes_of)" 'curl 18 \["b","c","e","f"\]'
fault '{"fault":"quote","api":"crm","of":"body"}'
is 'quote: refused, with a member of the body repeated' "$(crm POST "/contacts/$BEN/notes" '{"body":"g"}' | jq -r .message) $(status) $(notes_of)" \
	'property body must not be g 422 ["b","c","e","f"]'
fault '{"fault":"quote","of":"firstName"}'
is 'or of whom the path names' "$(crm GET "/contacts/$BEN" | jq -r .message), $(pro GET /patients/10234 | jq -r .message)" \
	'property firstName must not be Ben, property firstName must not be Ana'
fault '{"fault":"hang","count":1}'
like 'hang: no answer, and nothing happened' "$(curl -s -m 1 -X POST "$URL/crm/contacts/$BEN/notes" -d '{"body":"g"}' -H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28' -H 'Content-Type: application/json'; echo $?) $(notes_of)" '28 \["b","c","e","f"\]'
# all_met: whether each fault has met as many requests as it was to
all_met() {
	[[ $(own GET faults) != *'"left":'[!0]* ]]
}
fault '{"fault":"delay","ms":3600000,"count":64}'
for ((i = 0; i < 64; i++)); do
	curl -s -o /dev/null "$URL/crm/contacts/$BEN" -H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28' &
	WAITS[i]=$!
done
is 'a delay holds up nobody else: 64 wait at once' "$(until_true all_met; echo $?)" 0
kill "${WAITS[@]}"
wait "${WAITS[@]}"
fault '{"fault":"delay","ms":300}'
crm GET "/contacts/$BEN" >/dev/null
like 'the log names the fault' "$(own GET requests | tail -1 | jq -c '[.fault,.status,(.ms>=300)]')" '\["delay",200,true\]'
like 'faults are listed' "$(own GET faults)" '\[{"fault":"delay","ms":300}\]'
fault '{"fault":"500","chance":0.5}'
own DELETE requests >/dev/null
for ((i = 0; i < 40; i++)); do crm GET "/contacts/$BEN" >/dev/null; done
like 'with a chance, some meet it and some do not' "$(own GET requests | jq -s '[.[].status]|unique|tostring' -r)" '\[200,500\]'
like 'a fault that is none: 400' "$(own POST faults '{"fault":"quake"}')$(status)" '*400'
stop
is 'it stops with status 0 after all this' "$STATUS$(cat err)" 0

start
fault '{"fault":"hang","method":"GET","count":1}'
own POST faults '{"fault":"delay","ms":3600000,"method":"POST","count":1}' >/dev/null
curl -s -o /dev/null "$URL/crm/contacts/$BEN" &
curl -s -o /dev/null -X POST "$URL/crm/contacts/$BEN/notes" &
until_true all_met
stop
is 'it stops, whoever waits for an answer' "$STATUS" 0

# ----- limits and lag

clear_of_midnight
start -f 'delay,ms=1' -f '429,path=notes,count=2' -q 2 -r 3/600000 -R 100
like '-f takes faults, several' "$(own GET faults | jq -c '[.[].fault]')" '\["delay","429"\]'
pro GET /patients/10234 >/dev/null
envision GET '/status?' >/dev/null
is '-q: one quota for both dialects, told in headers' "$(tr -d '\r' <headers | grep -i '^x-ratelimit-remaining')" 'X-RateLimit-Remaining: 0'
like 'over it: 429 with Retry-After' "$(pro GET /patients/10234)$(status)$(grep -ci '^retry-after' headers)" '*4291'
for i in 1 2 3; do crm GET "/workflows/?locationId=$L" >/dev/null; done
is '-r: what is left is told' "$(tr -d '\r' <headers | grep -i '^x-ratelimit-[mr]' | tr '\n' ' ')" 'X-RateLimit-Max: 3 X-RateLimit-Remaining: 0 '
like 'over it: 429' "$(crm GET "/workflows/?locationId=$L")$(status)" '*429'
is 'the other location has a limit of its own' "$(TOKEN=sandbox-downtown-token crm GET "/workflows/?locationId=$DOWNTOWN" >/dev/null; status)" 200
stop
start -r 2/1000
# workflows: the status of a request to the CRM, which is not asked about anything
workflows() {
	crm GET "/workflows/?locationId=$L" >/dev/null
	status
}
# over: whether three requests, one right behind the other, are over the limit
over() {
	local url="$URL/crm/workflows/?locationId=$L"
	[[ $(curl -s -H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28' -w '%{http_code}' "$url" "$url" "$url") == *429 ]]
}
within() {
	[ "$(workflows)" = 200 ]
}
is 'the window is a fixed one: 429 …' "$(until_true over; echo $?)" 0
is '… and free again when it has passed' "$(until_true within; echo $?)" 0
stop
start -R 2
for i in 1 2 3; do crm GET "/workflows/?locationId=$L" >/dev/null; done
is '-R: over the daily limit: 429' "$(status)$(tr -d '\r' <headers | grep -i '^x-ratelimit-daily-remaining')" '429X-RateLimit-Daily-Remaining: 0'
stop

dup() {
	crm GET "/contacts/search/duplicate?locationId=$L&email=$1" | jq -r '.contact.firstName'
}
# two_contacts: one made, one changed
two_contacts() {
	crm POST /contacts/upsert "{\"locationId\":\"$L\",$ANA,\"firstName\":\"Ana\"}" >/dev/null
	crm POST /contacts/upsert "{\"locationId\":\"$L\",\"email\":\"ben@example.com\",\"firstName\":\"Benjamin\"}" >/dev/null
}
# opportunity: one made, for Ana; found: how many a search finds
opportunity() {
	ID=$(state '.contacts[]|select(.firstName=="Ana")|.id' | tr -d '"')
	PIPELINE=$(crm GET "/opportunities/pipelines?locationId=$L" | jq -r '.pipelines[0].id')
	crm POST /opportunities/ "{\"locationId\":\"$L\",\"pipelineId\":\"$PIPELINE\",\"contactId\":\"$ID\",\"name\":\"Ana Lopez\",\"status\":\"open\"}" >/dev/null
}
found() {
	crm GET "/opportunities/search?location_id=$L&contact_id=$ID" | jq .meta.total
}
start -L 3600000
two_contacts
is '-L: the seed is found at once' "$(dup chloe@example.com)" Chloe
is 'a contact just made is not found, one just changed is found as it was' "$(dup ana@example.com) $(dup ben@example.com)" 'null Ben'
is 'an upsert does not lag' "$(crm POST /contacts/upsert "{\"locationId\":\"$L\",$ANA}" | jq .new)" false
opportunity
is 'opportunities lag likewise' "$(found)" 0
stop
start -L 300
two_contacts
both_found() {
	[ "$(dup ana@example.com) $(dup ben@example.com)" = 'Ana Benjamin' ]
}
is 'after the lag both are' "$(until_true both_found; echo $?)" 0
opportunity
one_found() {
	[ "$(found)" = 1 ]
}
is '… and the opportunity appears' "$(until_true one_found; echo $?)" 0
stop

# ----- a second e-mail

cat >second.json <<'END'
{"crm":{"locations":[{"id":"L","token":"t","contacts":[{"id":"c","firstName":"A","email":"one@x.org","additionalEmails":["two@x.org"]}]}]}}
END
SEED=$PWD/second.json start
like "an upsert with a contact's second e-mail makes it the first, and loses the first" \
	"$(TOKEN=t crm POST /contacts/upsert '{"locationId":"L","email":"two@x.org"}' | jq -c '[.new,.contact.email]')$(state '.contacts|[length,.[0].email,.[0].additionalEmails]')" '\[false,"two@x.org"\]\[1,"two@x.org",null\]'
is '… so that the first one makes a new contact' "$(TOKEN=t crm POST /contacts/upsert '{"locationId":"L","email":"one@x.org"}' | jq .new)" true
stop

# ----- webhooks out

cat >receiver.pl <<'END'
# Answers with the statuses given, the last one for ever; keeps each request in a file got.N: headers, then the body.
use IO::Socket::INET;
my $s = IO::Socket::INET->new(Listen => 50, LocalAddr => "127.0.0.1", ReuseAddr => 1) or die;
open my $p, ">", "receiver.part"; print $p $s->sockport; close $p; rename "receiver.part", "receiver.port";
my $n = 0;
while (my $c = $s->accept) {
	my ($head, $length) = ("", 0);
	while (my $line = <$c>) { $head .= $line; $length = $1 if $line =~ /^content-length: (\d+)/i; last if $line =~ /^\r?$/ }
	read $c, my $body, $length;
	my $status = @ARGV > 1 ? shift @ARGV : $ARGV[0];
	$n++;
	open my $o, ">", "body.part"; print $o $body; close $o; rename "body.part", "body.$n";
	open $o, ">", "head.part"; print $o $head; close $o; rename "head.part", "head.$n";
	print $c "HTTP/1.1 $status X\r\nRetry-After: 0\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
	close $c;
}
END
receive() {
	rm -f receiver.port head.* body.*
	perl receiver.pl "$@" &
	RECEIVER=$!
	started+=("$RECEIVER")
	await receiver.port
	HOOK=http://127.0.0.1:$(cat receiver.port)
}
stop_receiver() {
	kill "$RECEIVER" 2>/dev/null
	wait "$RECEIVER" 2>/dev/null
	RECEIVER=
}
# got N: waits for the Nth webhook.
got() {
	until_true test -e "head.$1" || echo "# webhook $1 did not come"
}
count() {
	echo $#
}
openssl genpkey -algorithm ed25519 -out key.pem 2>/dev/null
openssl pkey -in key.pem -pubout -out public.pem 2>/dev/null
printf 'correct-horse\n' >secret

receive 200
start -w "$HOOK/hook/glow-denver/crm" -W "$HOOK/hook/glow-denver/patientnow" -k key.pem -K secret
crm POST /contacts/upsert "{\"locationId\":\"$L\",$ANA,\"firstName\":\"Ana\",\"gender\":\"female\"}" >/dev/null
got 1
like 'a contact made is told: ContactCreate, without gender' "$(jq -c '[.type,.locationId,.email,.gender,.tags,(.webhookId|length),(.timestamp|type)]' body.1)" "\[\"ContactCreate\",\"$L\",\"ana@example.com\",null,\[\],36,\"string\"\]"
tr -d '\r' <head.1 | sed -n 's/^X-GHL-Signature: //p' | openssl base64 -d -A >signature
like 'signed with Ed25519 over the raw body' "$(openssl pkeyutl -verify -pubin -inkey public.pem -rawin -in body.1 -sigfile signature)" '*Verified Successfully*'
like 'to the path of -w' "$(head -1 head.1)" 'POST /hook/glow-denver/crm *'
ID=$(jq -r .id body.1)
crm POST "/contacts/$ID/tags" '{"tags":["pnowcreate"]}' >/dev/null
got 2
like 'a tag is told: ContactTagUpdate' "$(jq -c '[.type,.id,.tags]' body.2)" "\[\"ContactTagUpdate\",\"$ID\",\[\"pnowcreate\"\]\]"
crm POST "/contacts/$ID/tags" '{"tags":["pnowcreate"]}' >/dev/null
pro PUT /appointments/88123 '{"status":"Checked Out"}' >/dev/null
got 3
like 'a tag that was there is not; a status of an appointment is: AppointmentStatusChanged' "$(jq -c '[.event,.practiceId,.data.appointmentId,.data.status]' body.3)" '\["AppointmentStatusChanged","4711","88123","Checked Out"\]'
is 'signed with HMAC-SHA256, hex' "$(tr -d '\r' <head.3 | sed -n 's/^X-Signature: //p')" "$(openssl dgst -sha256 -hmac correct-horse <body.3 | sed 's/.*= //')"
pro POST /billing '{"patientId":"10234","total":12.50,"items":[]}' >/dev/null
got 4
is 'a bill is told, money as sent' "$(grep -c '"event":"PatientBillCompleted".*"total":12.50' body.4)" 1
is '/_/webhook sends what it is given, signed, and passes the answer on' "$(own POST webhook '{"to":"patientnow","body":{"event":"Ping"}}')$(status)$(cat body.5)" 'ok200{"event":"Ping"}'
stop
stop_receiver
is 'with nothing to say about it' "$STATUS$(cat err)" 0

receive 429 429 500 200
start -w "$HOOK/crm"
crm POST /contacts/upsert "{\"locationId\":\"$L\",$ANA}" >/dev/null
got 3
await err # what it says when it repeats no more
like 'the CRM repeats on 429, the same delivery, and on nothing else' "$(jq -r .webhookId body.1 body.2 body.3 | sort -u | wc -l | tr -d ' ') $(count head.*) $(cat err)" '1 3 pnow-sandbox: webhook of crm to *: answered 500'
stop
stop_receiver
receive 503 200
start -W "$HOOK/pn"
pro POST /patients '{"lastName":"Wu"}' >/dev/null
got 2
is 'PatientNow repeats on 503' "$(jq -r .eventId body.1 body.2 | sort -u | wc -l | tr -d ' ')" 1
stop
stop_receiver

# ----- garbage

start
for junk in '[' '[]' '"x"' 'null' '7' '{"locationId":{}}' '{"locationId":"ve9EPM428h8vShlRW1KT","email":{"a":[]}}' $'\xff\xfe' '{"a":"\ud800"}' \
	'{"customFields":[null,1,{"id":7}]}' '{"tags":[1]}' '{"fault":{}}' '{"to":"crm"}' "$(printf '[%.0s' $(seq 500))"; do
	for path in contacts/upsert contacts contacts/x/notes contacts/x/tags contacts/x/workflow/y opportunities "locations/$L/customFields"; do
		crm POST "/$path" "$junk" >/dev/null
		[[ $(status) == 4?? ]] || echo "# $path $junk: $(status)"
	done
	pro POST /patients "$junk" >/dev/null
	pro PUT /patients/10234 "$junk" >/dev/null
	envision POST '/customers?' "$junk" >/dev/null
	envision POST '/customers/10234/Appointments?' "$junk" >/dev/null
	own POST faults "$junk" >/dev/null
	own POST webhook "$junk" >/dev/null
done
head -c 20000 /dev/urandom | curl -s -m 60 -o /dev/null --data-binary @- "$URL/crm/contacts/upsert"
for ((i = 0; i < 20; i++)); do
	head -c $((RANDOM % 3000)) /dev/urandom >/dev/tcp/127.0.0.1/"$(cat port)"
done 2>/dev/null
printf 'GET /crm/a/b/c/d/e/f/g/h/i/j%%00k HTTP/1.1\r\nHost: x\r\n\r\n' >/dev/tcp/127.0.0.1/"$(cat port)"
like 'garbage gets 4xx, and changes nothing' "$(state '[(.contacts|length),(.patients[]|select(.patientId=="10234")|.firstName)]')" '\[3,"Ana"\]'
is 'a body over 4 MiB: 413' "$(head -c 5000000 /dev/zero | tr '\0' ' ' >big; curl -s -o /dev/null -w '%{http_code}' -H Expect: -H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28' --data-binary @big "$URL/crm/contacts/upsert")" 413
stop
is 'and it stops with status 0' "$STATUS$(cat err)" 0

finish
