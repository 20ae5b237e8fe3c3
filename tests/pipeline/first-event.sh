#!/usr/bin/env bash
# No contact without a name: whatever event comes first, the contact that it makes has the patient's name and PNOW ID; one
# that is found keeps its name and gets the PNOW ID, once. So does one that is made again, and one whose upsert was interrupted.
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"

T1=2026-12-01T10:00:00Z T2=2026-12-01T11:00:00Z T3=2026-12-01T12:00:00Z
known='.crm.locations[0].contacts = [{firstName: "Annie", lastName: "L.", email: "ana@example.com"}]'

# begin [SEED-FILTER]: a new sandbox and practice.
begin()
{
	sandbox_stop
	rm -f "$DIR"/test.db*
	seed "${1:-.}"
	sandbox
	practice test
}
paid() # ID TIME BILL [FILTER]
{
	event bill.completed "$1" "$2" "{patient: \$ana} + bill(\"$3\"; \"450.00\") | ${4:-.}"
}
joined() # ID TIME MEMBERSHIP
{
	event membership.created "$1" "$2" "{patient: \$ana, membership: {id: \"$3\", program: \"Glow Club\"}}"
}
run()
{
	push -j 1 "$@" >"$DIR/results" 2>"$DIR/err"
}
audit()
{
	push -C 2>"$DIR/err"
}
# who: the contact's name and PNOW ID.
who()
{
	contact ana@example.com | jq -c '[.firstName, .lastName, .fields["PNOW ID"]]'
}
call() # METHOD PATH [BODY]
{
	curl -sS -o /dev/null -X "$1" "$API/crm$2" ${3:+-d "$3"} -H 'Content-Type: application/json' \
		-H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28'
}

for first in paid joined; do
	for backfill in '' -b; do
		begin
		$first e1 $T1 7 | PNOW_CONFIG=$DIR/test.json bash -c "crm-map $backfill | crm-push" >"$DIR/results"
		is "$first${backfill:+, backfilled,} comes first: the new contact has a name and the PNOW ID" "$(who)" '["Ana","Lopez","10234"]'
		is 'from the beginning: the request that makes it has them' \
			"$(requests 'select(.path == "/contacts/upsert") | .body | [.firstName, .lastName, (.customFields | map(.field_value) | index("10234") != null)]')" \
			'["Ana","Lopez",true]'
		begin "$known"
		$first e1 $T1 7 | PNOW_CONFIG=$DIR/test.json bash -c "crm-map $backfill | crm-push" >"$DIR/results"
		is "$first${backfill:+, backfilled,} finds a contact: it gets the PNOW ID, and keeps the name that staff gave it" "$(who)" '["Annie","L.","10234"]'
	done
done

begin
paid e1 $T1 7 | run
call PUT "/contacts/$(contact_id ana@example.com)" '{"firstName":"Annie"}'
paid e2 $T2 8 | run
joined e3 $T3 77 | run
is 'what comes after it writes no name' "$(who) $(requests 'select(.body.firstName and .status == 200) | .method' | paste -sd,)" \
	'["Annie","Lopez","10234"] "POST","PUT"'
call DELETE "/contacts/$(contact_id ana@example.com)"
paid e4 $T3 9 | run
is 'a contact that was deleted and is made again has a name and the PNOW ID' "$(jq -r .status "$DIR/results") $(who)" 'done ["Ana","Lopez","10234"]'

begin '.crm.locations[0].customFields |= map(select(.name != "PNOW ID"))'
joined e1 $T1 77 | run
is 'the CRM has no PNOW ID yet' "$(jq -r '.status, .warnings[]' "$DIR/results")" $'done\nthe CRM has no custom field "PNOW ID": left out'
call POST "/locations/$MAIN/customFields" '{"name":"PNOW ID","dataType":"TEXT","model":"contact"}'
state_later "$DIR/test.db" name_list 3600000
joined e1 $T1 77 | run
is 'and has it later: the same event brings it' "$(jq -r '.status, .warnings[]' "$DIR/results") $(who)" 'done ["Ana","Lopez","10234"]'

begin "$known"
event patient.created e1 $T1 '{patient: ($ana + {id: "10300", first_name: "Mother", phone: ""})}' >"$DIR/mother"
run <"$DIR/mother"
paid e2 $T2 7 | run
is 'a contact that is another patient'\''s too: the one who comes last has the PNOW ID, and it is told' \
	"$(who) $(jq -r '.warnings[]' "$DIR/results")" \
	'["Mother","Lopez","10234"] the contact is also that of patient 10300: both share an e-mail or phone'
is 'the audit holds it against neither' "$({ cat "$DIR/mother"; paid e2 $T2 7; } | audit)" ''

# --- Interrupted

for when in reset-before reset-after; do
	begin
	fault $when path=/contacts/upsert count=50
	paid e1 $T1 7 | run
	faults_end
	paid e1 $T1 7 | run
	is "an upsert whose answers were lost ($when), and run again: a name and the PNOW ID, one contact" \
		"$(jq -r .status "$DIR/results") $(who) $(contacts | jq length)" 'done ["Ana","Lopez","10234"] 1'
done
begin
fault 500 path=/notes count=20
paid e1 $T1 7 | run
faults_end
call PUT "/contacts/$(contact_id ana@example.com)" '{"firstName":"Annie"}'
paid e1 $T1 7 | run
is 'an event that failed after the contact was made, and is tried again: the name is not written again' \
	"$(jq -r .status "$DIR/results") $(who)" 'done ["Annie","Lopez","10234"]'

# --- The audit

begin
paid e1 $T1 7 >"$DIR/paid"
run <"$DIR/paid"
is 'the audit agrees' "$(audit <"$DIR/paid")" ''
call PUT "/contacts/$(contact_id ana@example.com)" '{"firstName":"Annie","customFields":[{"id":"'"$(curl -sS "$API/crm/locations/$MAIN/customFields" \
	-H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28' | jq -r '.customFields[] | select(.name == "PNOW ID") | .id')"'","field_value":"1"}]}'
is 'a name and a PNOW ID that were changed since are told, by the event that wrote them' \
	"$(audit <"$DIR/paid" | jq -c '[.id, .differences[].name]')" '["e1","firstName","PNOW ID"]'
is 'without their values' "$(audit <"$DIR/paid" | grep -c Ana)" 0
event patient.updated e2 $T2 '{patient: ($ana + {first_name: "Anna"})}' >"$DIR/updated"
run <"$DIR/updated"
is 'but not by a bill, when the patient'\''s own event has written them since' "$(cat "$DIR/paid" "$DIR/updated" | audit)" ''

# --- What it costs, and what is shown

begin
paid e1 $T1 7 | run
is 'whether there is one is asked first' "$(requests '"\(.method) \(.path)"' | grep -o '[A-Z]* /contacts/[a-z/]*' | head -n 2 | paste -sd,)" \
	'GET /contacts/search/duplicate,POST /contacts/upsert'
begin
paid e1 $T1 7 'del(.patient.first_name, .patient.last_name)' | run
is 'but not where no name is known, of which nothing could be written' "$(requests .path | grep -c duplicate) $(who)" '0 [null,null,"10234"]'
begin
paid e1 $T1 7 | run -n
is '-n shows what a new contact gets' "$(jq -c 'select(.path == "/contacts/upsert") | .body | [.firstName, .lastName, .customFields[-1]]' "$DIR/results")" \
	'["Ana","Lopez",{"id":"{field:PNOW ID}","field_value":"10234"}]'

# --- pnow-enrich has the name

begin
seed '.patientnow.patients = [{patientId: "10234", firstName: "Ana", lastName: "Lopez", email: "ana@example.com", dateOfBirth: "1984-03-02"}]'
sandbox_stop
sandbox
practice test
export PNOW_CONFIG=$DIR/test.json
webhook MembershipCreated w1 $T1 '{"membershipId":"77","patientId":"10234","programName":"Glow Club","email":"ana@example.com","cellPhone":""}' |
	pnow-sync >"$DIR/results" 2>"$DIR/err"
is 'a body that tells the e-mail, and no name: PatientNow is asked for it' "$(jq -c '[.status, .patientnow_calls]' "$DIR/results") $(who)" \
	'["done",1] ["Ana","Lopez","10234"]'
webhook MembershipCreated w2 $T2 '{"membershipId":"78","patientId":"10234","programName":"Glow Club"}' | pnow-sync >"$DIR/results" 2>"$DIR/err"
is 'not of a patient whose contact is known' "$(jq -c '[.status, .patientnow_calls]' "$DIR/results")" '["done",null]'
is 'the ledger holds no name' "$(state_ledger "$DIR/test.db" | grep -ciE 'ana|lopez')" 0
finish
