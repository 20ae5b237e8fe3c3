#!/usr/bin/env bash
# contact.tagged, the whole way: the CRM's own sample webhooks, signed, through pnow-hook, the inbox and pnow-sync to a patient
# in PatientNow, Pro and Essentials, and back to the contact. The sandbox sends its webhooks to the same hook, so that what our
# own writes cause comes back as it would: nothing may come of that.
# shellcheck source=tests/pipeline/common.bash disable=SC2154 # tap.sh sets root
. "$(dirname "$0")/common.bash"

samples=$root/tests/samples # tests/README.md says where they are from
JOHN=nmFmQEsNgz6AVpgLVUJ0 # the contact of the samples
openssl genpkey -algorithm ed25519 -out "$DIR/crm.key" 2>/dev/null
openssl pkey -in "$DIR/crm.key" -pubout -out "$DIR/crm.pem"
printf 'sandbox-password\n' >"$DIR/pne.password"
printf 'sandbox-apikey\n' >"$DIR/pne.apikey"
printf '%s\n' "$SECRET" >"$DIR/hook.secret"

essentials='.patientnow = {profile: "patientnow-essentials", base_url: (.patientnow.base_url | sub("patientnow$"; "envision")),
	user: "sandbox", password_file: "pne.password", apikey_file: "pne.apikey"}'

# John as the CRM has him, gender included; as PatientNow has him once he was created.
john='{id: "'$JOHN'", firstName: "John", lastName: "Deo", email: "JohnDeo@gmail.comm", phone: "+919509597501", gender: "male",
	dateOfBirth: "2000-01-05", address1: "3535 1st St N", city: "ruDolomitebika", state: "AL", postalCode: "452001", source: "xyz form"}'
patient='{firstName: "John", lastName: "Deo", email: "JohnDeo@gmail.comm", cellPhone: "+919509597501", gender: "M",
	dateOfBirth: "2000-01-05", address1: "3535 1st St N", city: "ruDolomitebika", state: "AL", zip: "452001", referralSource: "xyz form"}'

# begin PROFILE [SEED-FILTER [PRACTICE-FILTER]]: a CRM with John in it, who has the tag pnowcreate and another one.
begin()
{
	sandbox_stop
	hook_stop # it waits a second for a connection that is kept
	state_remove "$DIR/test.db"
	rm -f "$DIR"/test.json "$DIR"/hook.port
	seed "(.crm.locations[0].contacts = [$john + {tags: [\"vip\", \"pnowcreate\"]}]) | ${2:-.}"
	API=http://127.0.0.1:1
	configure "$@"
	pnow-hook -c "$DIR/test.json" -l 127.0.0.1:0 -p "$DIR/hook.port" >"/dev/null" 2>"$DIR/hook.err" &
	HOOK=$!
	URL=http://127.0.0.1:$(port_in "$DIR/hook.port")/hook
	sandbox -w "$URL/test/crm" -W "$URL/test/patientnow" -k "$DIR/crm.key" -K "$DIR/hook.secret"
	configure "$@"
}

configure()
{
	local profile=.
	[ "$1" = pro ] || profile=$essentials
	practice test "$profile | .hooks.crm = {verify: \"ed25519\", key_file: \"crm.pem\"} | ${3:-.}"
	export PNOW_CONFIG=$DIR/test.json
}

# tagged SAMPLE FILTER: the CRM's sample, changed, signed and posted; it must be stored.
tagged()
{
	local answer
	jq -c "$2" "$samples/crm-$1.json" >"$DIR/body"
	openssl pkeyutl -sign -rawin -inkey "$DIR/crm.key" -in "$DIR/body" | base64 -w0 >"$DIR/signature"
	answer=$(curl -sS -o "$DIR/answer" -w '%{http_code}' -H 'Content-Type: application/json' \
		-H "X-GHL-Signature: $(<"$DIR/signature")" --data-binary "@$DIR/body" "$URL/test/crm")
	[[ $answer == 2?? ]] || fail "$1 is taken" "$answer"
}

# run: everything that is due through the pipeline. settled N: until N events with a type were settled, with those that come
# back: the tag's removal, and the new patient. (What the CRM tells of its other changes has no type.)
run()
{
	pnow-inbox run -1 -- pnow-sync >>"$DIR/run.out" 2>>"$DIR/run.err"
}

settled()
{
	local i
	for ((i = 0; i < 400; i++)); do
		run
		[ "$(states)" -lt "$1" ] || return 0
		sleep 0.05
	done
	echo "# $(states) events were settled, not $1"
}

states()
{
	state_events "$DIR/test.db" "type IS NOT NULL AND state NOT IN ('waiting','running')"
}

# results FILTER: of the tagged events, in the order in which they came.
results()
{
	state_attempts "$DIR/test.db" a.result "i.type='contact.tagged'" | jq -r "$1"
}

patients()
{
	at_sandbox state | jq -c "[.patients[] | del(.updatedAt)] | ${1:-.}"
}

johns()
{
	at_sandbox state | jq -c '[.contacts[] | {tags, notes, id: .fields["PNOW ID"]}]'
}

# asked: what PatientNow was asked.
asked()
{
	at_sandbox requests | jq -r 'select(.api != "crm") | .method' | xargs
}

# set_tag: somebody sets the tag in the CRM, which tells the hook.
set_tag()
{
	curl -sS -X POST -o /dev/null -H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28' -H 'Content-Type: application/json' \
		-d '{"tags":["pnowcreate"]}' "$API/crm/contacts/$JOHN/tags"
}

created='"PatientNow patient created\nPatient ID: 10001"'
linked='"Linked to the PatientNow patient who is there already\nPatient ID: 10001"'

for profile in pro essentials; do
	promise()
	{
		printf '%s: %s' "$profile" "$1"
	}

	begin $profile
	tagged ContactTagUpdate '.tags = ["vip", "pnowcreate"]'
	settled 3
	same "$(promise 'a tagged contact becomes a patient')" "$(patients)" "[$(jq -nc "{patientId: \"10001\"} + $patient")]"
	same "$(promise 'the contact has its id and a note, and only that tag is gone')" "$(johns)" "[{\"tags\":[\"vip\"],\"notes\":[$created],\"id\":\"10001\"}]"
	is "$(promise 'what our own writes cause changes nothing')" "$(results '[.status, .reason] | join(" ")')" \
		$'done \nignored no tag of the contact asks for a patient: see create.tags'
	is "$(promise 'it costs PatientNow two searches and the creation')" "$(asked) $(results .patientnow_calls | head -n 1)" 'GET GET POST 3'
	# the fields' ids are asked for by it or by the event that PatientNow sends of the new patient
	like "$(promise 'and the CRM the contact, the fields, the update, the note and the tag')" "$(results .calls | head -n 1)" '[45]'
	is "$(promise 'the result has ids and no person in it')" "$(results '[.patient_id, .contact_id] | join(" ")' | head -n 1) $(results . | grep -ciE 'john|deo|gmail|9597501|2000-01')" \
		"10001 $JOHN 0"
	tagged ContactTagUpdate '.tags = ["vip", "pnowcreate"]'
	settled 4
	is "$(promise 'the webhook again, the tag being gone: nothing')" "$(results .status | xargs) $(johns | jq '.[0].notes | length')" 'done ignored ignored 1'
	set_tag
	settled 6
	same "$(promise 'the tag set again: the contact is told that it is linked')" "$(johns)" "[{\"tags\":[\"vip\"],\"notes\":[$created,$linked],\"id\":\"10001\"}]"
	is "$(promise 'no second patient, and no search')" "$(patients length) $(asked)" '1 GET GET POST GET'
	jq -c '{id: "bill", type: "bill.completed", practice: "test", patient: {id: "10001"}, bill: {id: "991", total: "10.00"}}' <<<'{}' |
		pnow-sync >"$DIR/out" 2>&1
	is "$(promise 'what PatientNow tells later finds the contact by the patient')" "$(jq -r '.status + " " + .contact_id' "$DIR/out")" "done $JOHN"

	begin $profile '.crm.locations[0].contacts[0] |= del(.firstName, .gender)'
	tagged ContactTagUpdate '.tags = ["pnowcreate"] | del(.firstName)'
	settled 2
	same "$(promise 'something required is missing: the note says what, and the tag goes')" "$(patients) $(johns)" \
		'[] [{"tags":["vip"],"notes":["PatientNow patient not created\nMissing: first name, gender\nFill them in and set the tag again."],"id":null}]'
	is "$(promise 'which asks PatientNow nothing')" "$(asked)" ''
	is "$(promise 'and the event is skipped, since no patient was made')" "$(results '.status + ": " + .reason' | head -n 1)" \
		'skipped: no patient was made: first name, gender missing'

	begin $profile ".patientnow.patients = [{patientId: \"10001\", firstName: \"Jon\", lastName: \"DEO\", email: \"johndeo@GMAIL.comm\"}]"
	tagged ContactTagUpdate '.tags = ["pnowcreate"]'
	settled 2
	same "$(promise 'a patient with this last name and e-mail: linked')" "$(johns)" "[{\"tags\":[\"vip\"],\"notes\":[$linked],\"id\":\"10001\"}]"
	is "$(promise 'and no other is made')" "$(patients length) $(asked)" '1 GET'

	begin $profile ".patientnow.patients = [{patientId: \"10000\", lastName: \"Deo\", email: \"x@y.z\", homePhone: \"1\"},
		{patientId: \"10001\", lastName: \"Deo\", cellPhone: \"+1 303 555 0101\", homePhone: \"+91 95095 97501\"}]"
	tagged ContactTagUpdate '.tags = ["pnowcreate"]'
	settled 2
	same "$(promise 'one with this last name and phone, in any of its places: linked')" "$(johns)" "[{\"tags\":[\"vip\"],\"notes\":[$linked],\"id\":\"10001\"}]"

	begin $profile '.crm.locations[0].contacts[0].tags = ["vip", "PNow-Create"]'
	tagged ContactTagUpdate '.tags = ["vip", "PNow-Create"]'
	settled 3
	same "$(promise 'the tag spelled PNow-Create')" "$(johns)" "[{\"tags\":[\"vip\"],\"notes\":[$created],\"id\":\"10001\"}]"

	begin $profile '.' '.create.required = ["last_name"]'
	tagged ContactCreate '.tags = ["pnowcreate"]'
	tagged ContactTagUpdate '.tags = ["pnowcreate"]'
	settled 4
	same "$(promise 'a contact made with the tag on it, told twice: one patient, one note')" "$(patients length) $(johns)" \
		"1 [{\"tags\":[\"vip\"],\"notes\":[$created],\"id\":\"10001\"}]"
	is "$(promise 'the CRM was not asked for what the webhook has')" \
		"$(requests 'select(.method == "GET" and (.path | startswith("/contacts/"))) | .method' | wc -l)" 1
done
hook_stop

# Sub-accounts and others

begin pro '.crm.locations[1].contacts = [.crm.locations[0].contacts[0]] | .crm.locations[0].contacts = []' \
	'.facilities = {Downtown: {location_id: "'$DOWNTOWN'", token_file: "downtown.token"}}'
tagged ContactTagUpdate '.tags = ["pnowcreate"] | .locationId = "'$DOWNTOWN'"'
settled 3
same 'a contact of a facility is written back in its sub-account' "$(johns)" "[{\"tags\":[\"vip\"],\"notes\":[$created],\"id\":\"10001\"}]"
tagged ContactTagUpdate '.tags = ["pnowcreate"] | .locationId = "elsewhere"'
settled 4
is 'one of a sub-account that is not ours is dead' "$(results '[.status, .error.code] | join(" ")' | tail -n 1)" 'failed wrong_location'

begin pro '.crm.locations[1].contacts = [.crm.locations[0].contacts[0]] | .crm.locations[0].contacts = []' \
	'.facilities = {Downtown: {location_id: "'$DOWNTOWN'", token_file: "downtown.token"}}'
fault delay ms=2000 api=patientnow method=POST
tagged ContactTagUpdate '.tags = ["pnowcreate"] | .locationId = "'$DOWNTOWN'"'
run &
early=$!
searched()
{
	[ "$(asked)" = 'GET GET' ]
}
until_true searched # the patient is being made
sleep 0.3
event patient.created early "$(date -u +%FT%TZ)" '{patient: {id: "10001", first_name: "John", last_name: "Deo", email: "JohnDeo@gmail.comm"}}' |
	crm-map | crm-push >"$DIR/early"
wait $early
faults_end
settled 3
is 'PatientNow tells of the patient before it is written down: it is no second contact' "$(jq -r '.error.message // empty' "$DIR/early")$(johns | jq -c 'map([.tags, .id])')" \
	'[[["vip"],"10001"]]'

# Clocks

begin pro
for occurred in 2026-12-02T10:00:00Z 2026-12-01T10:00:00Z; do
	set_tag
	jq -c '{id: "'$occurred'", type: "contact.tagged", practice: "test", occurred: "'$occurred'", payload: (.tags = ["pnowcreate"])}' \
		"$samples/crm-ContactTagUpdate.json" | pnow-sync -v 2>>"$DIR/err" | jq -r .status
done >"$DIR/out"
same 'a tag is never too old: it goes' "$(xargs <"$DIR/out" | jq -R .) $(johns | jq -c '.[0].tags')" '"done done" ["vip"]'
is 'pnow-sync -v: each is counted once' "$(grep -c '^pnow-sync: contact.tagged: 1 events, [1-9][0-9]* calls of PatientNow' "$DIR/err") $(grep -c '^pnow-sync: contact.tagged: ' "$DIR/err")" '2 2'

# Two at once, in two processes

begin pro
at_sandbox faults POST '{"fault":"delay","ms":100,"api":"patientnow"}'
for i in 1 2; do
	jq -c '{id: "at once '$i'", type: "contact.tagged", practice: "test", payload: (.tags = ["pnowcreate"])}' "$samples/crm-ContactTagUpdate.json" |
		pnow-sync >"$DIR/out.$i" 2>&1 &
	both[i]=$!
done
wait "${both[@]}"
is 'two tag events at once, in two processes, make one patient' "$(patients length)" 1
is 'and both are settled' "$(jq -r .status "$DIR"/out.? | grep -cE '^(done|ignored)$')" 2

# A tag event of an own profile's, which is one by its name only

begin pro
sed 's#^ *//.*##' "$root/lib/profiles/patientnow-pro.json" | jq '.events.Tagged = "contact.tagged"' >"$DIR/own.json"
practice test '.patientnow.profile = "./own.json"'
at_sandbox faults POST '{"fault":"delay","ms":100,"api":"patientnow"}'
n=0
for named in '{type: "contact.tagged"}' '{event: "Tagged"}' '{type: "contact.tagged"}' '{event: "Tagged"}'; do
	jq -c "$named"' + {id: "named '$((++n))'", practice: "test", payload: (.tags = ["pnowcreate"])}' "$samples/crm-ContactTagUpdate.json"
done | timeout 60 pnow-sync >"$DIR/out" 2>"$DIR/err"
is 'in one process those that are told to be one and those that are named so take their turns' \
	"$? $(patients length) $(jq -r .status "$DIR/out" | grep -cE '^(done|ignored)$')" '0 1 4'
finish
