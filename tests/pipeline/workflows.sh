#!/usr/bin/env bash
# The six workflows, each from a signed HTTP request to what the CRM holds then, field by field and note by note; and what a
# practice's configuration and its CRM make of them.
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"

one_call='/patients/10234?practiceId=4711'
[ "$PROFILE" = patientnow-pro ] || one_call='/customers/10234?apikey=sandbox-apikey'
ana='{patientId: "10234", firstName: "Ana", lastName: "Lopez", email: "ana@example.com", cellPhone: "(303) 555-0142",
	gender: "F", dateOfBirth: "1984-03-02", address1: "1 Main St", city: "Denver", state: "CO", zip: "80202",
	referralSource: "Google", unsubscribed: false}'

# begin [SEED-FILTER [PRACTICE-FILTER]]: a new sandbox that has Ana, and the practice "test" behind pnow-hook.
begin()
{
	hook_stop
	sandbox_stop
	state_remove "$DIR/test.db"
	seed ".patientnow.patients = [$ana] | ${1:-.}"
	sandbox
	practice test "${2:-.}"
	hook test
}

# send TYPE [FILTER]: the example's webhook of this type, changed by a jq filter. It must be answered 200.
send()
{
	local answer
	answer=$(post test "$(spoken "$(jq -c "${2:-.}" "$root/examples/webhooks/$1.json")")")
	[ "$answer" = 200 ] || fail "$1 is answered 200" "$answer" "$(tail -n 1 "$DIR/results")" "$(<"$DIR/hook.err")"
}

# result PROMISE STATUS [WARNING…]: the last result has this status and these warnings.
result()
{
	is "$1" "$(last_result | jq -r '.status, .warnings[]')" "$(printf '%s\n' "${@:2}")"
}

# has PROMISE WANT: what the CRM holds of Ana, as a jq object whose $ana is the contact that patient.created makes.
made='{locationId: "'$MAIN'", firstName: "Ana", lastName: "Lopez", email: "ana@example.com", phone: "+13035550142",
	gender: "female", tags: [], fields: {"PNOW ID": "10234"}, notes: [], workflows: [], opportunities: []}'
has()
{
	same "$1" "$(contact ana@example.com)" "$(jq -n "$made | $2")"
}

visit='{"PNOW ID": "10234", "PNOW Primary Employee": "Dr. Reyes", "PNOW Location": "Downtown", "Lead Status": "Lead",
	"Contact Type": "Lead", "Appointment Category": "Non-Surgical Appointment", "PNOW Appt Status": "Booked",
	"PNOW Event Type": "Office Visit", "PNOW Appt Reason": "New patient", "PNOW Appt Comments": "bring forms",
	"PNOW Last Appt ID": "88123", "Next Visit Service": "Botox", "Next Visit Date": "2026-12-01"}'
visit_note='"PatientNow appointment\nStatus: Booked\nEvent type: Office Visit\nReason: New patient\nCategory: Non-Surgical Appointment\nAppointment ID: 88123"'
bill='{"Invoice Paid Amount": "450.00", "PNOW Last Order ID": "991", "PNOW DOB": "1984-03-02", "PNOW Primary Employee": "Dr. Reyes",
	"Last Visit Service": "Botox, Dysport, Hydrafacial", "Patient Lifetime Value": "450.00"}'
bill_note='"PatientNow bill\nOrder total: $450.00\nItems: Botox, Dysport, Hydrafacial\nOrder ID: 991"'
membership='{"PNOW Membership ID": "77", "PNOW Membership Program Name": "Glow Club", "PNOW Membership Sold Date": "2026-12-01",
	"PNOW Membership Amount": "129.00"}'

# --- One patient's way through all six

begin
send patient.created
result 'patient.created is done' 'done'
has 'patient.created: name, e-mail, phone, referral source, PNOW ID, gender; no note, no workflow' '.source = "Google"'

send appointment.booked
result 'appointment.booked is done' 'done'
has 'appointment.booked: the fields of the visit, the note, the workflow, an open opportunity at Booked' '.source = "Google"
	| .fields = '"$visit"' | .notes = ['"$visit_note"'] | .workflows = ["PatientNow Appointments Update"]
	| .opportunities = [{pipeline: "Non-Surgical", stage: "Booked", status: "open", name: "Ana Lopez"}]'

send appointment.status
result 'appointment.status is done' 'done'
visited="$visit"' + {"PNOW Appt Status": "Checked Out", "Last Visit Date": "2026-12-01", "Lead Status": "Patient", "Contact Type": "Patient"}'
notes='['"$visit_note"', ('"$visit_note"' | sub("Booked"; "Checked Out"))]'
has 'appointment.status on checkout: the day of the visit, a second note, a second enrolment, the opportunity won at Patient' '
	.source = "Google" | .fields = '"$visited"' | .notes = '"$notes"'
	| .workflows = ["PatientNow Appointments Update", "PatientNow Appointments Update"]
	| .opportunities = [{pipeline: "Non-Surgical", stage: "Patient", status: "won", name: "Ana Lopez"}]'

send bill.completed
result 'bill.completed is done' 'done'
has 'bill.completed: amount, order, items, birth date, lifetime value, the note, both workflows in order, the opportunity worth it' '
	.source = "Google" | .dateOfBirth = "1984-03-02" | .fields = '"$visited"' + '"$bill"' | .notes = '"$notes"' + ['"$bill_note"']
	| .workflows = ["PatientNow Appointments Update", "PatientNow Appointments Update", "PatientNow Order Paid", "PatientNow Birthday"]
	| .opportunities = [{pipeline: "Non-Surgical", stage: "Patient", status: "won", name: "Ana Lopez", monetaryValue: 450.00}]'

send membership.created
result 'membership.created is done' 'done'
all='.source = "Google" | .dateOfBirth = "1984-03-02" | .tags = ["Membership"]
	| .fields = '"$visited"' + '"$bill"' + '"$membership"' | .notes = '"$notes"' + ['"$bill_note"']
	| .workflows = ["PatientNow Appointments Update", "PatientNow Appointments Update", "PatientNow Order Paid",
		"PatientNow Birthday", "PatientNow Membership Update"]
	| .opportunities = [{pipeline: "Non-Surgical", stage: "Patient", status: "won", name: "Ana Lopez", monetaryValue: 450.00}]'
has 'membership.created: its four fields, the tag, the workflow, no note' "$all"

send patient.updated
result 'patient.updated is done' 'done'
has 'patient.updated: the new name and phone, unsubscribed; the rest stays' "$all"' | .lastName = "Lopez-Reyes"
	| .phone = "+13035550199" | .fields["PNOW Unsubscribed"] = "false"'
is 'gender is in no update of a contact that is known' "$(requests 'select(.method == "PUT" and .body.gender)')" ''
is 'no request was refused' "$(requests 'select(.status >= 400) | [.method, .path, .status]')" ''
is 'one patient was fetched once for all six events' "$(at_sandbox requests | jq -r 'select(.api != "crm") | .path')" \
	"$one_call"

before=$(at_sandbox state)
for type in patient.created appointment.booked appointment.status bill.completed membership.created patient.updated; do
	send $type
	result "$type a second time is unchanged" unchanged
done
same 'nothing has changed in the CRM then' "$(at_sandbox state)" "$before"

# --- An event that comes first, with nothing known of the patient

for type in appointment.status bill.completed membership.created patient.updated; do
	begin
	send $type
	result "$type of an unknown patient is done" 'done'
	case $type in
	appointment.status) has "$type of an unknown patient makes the contact, and the opportunity won" '.fields = '"$visited"' |
			del(.fields["Next Visit Service", "Next Visit Date"]) | .notes = ['"$visit_note"' | sub("Booked"; "Checked Out")]
			| .workflows = ["PatientNow Appointments Update"]
			| .opportunities = [{pipeline: "Non-Surgical", stage: "Patient", status: "won", name: "Ana Lopez"}]' ;;
	bill.completed) has "$type of an unknown patient makes a contact with its name and PNOW ID, and no opportunity" '
			del(.gender) | .dateOfBirth = "1984-03-02" | .fields = '"$bill"' | .fields["PNOW ID"] = "10234" | .notes = ['"$bill_note"']
			| .workflows = ["PatientNow Order Paid", "PatientNow Birthday"]' ;;
	membership.created) has "$type of an unknown patient makes a contact with its name and PNOW ID" '
			del(.gender) | .fields = '"$membership"' | .fields["PNOW ID"] = "10234" | .tags = ["Membership"]
			| .workflows = ["PatientNow Membership Update"]' ;;
	patient.updated) has "$type of an unknown patient makes the contact" '.lastName = "Lopez-Reyes" | .phone = "+13035550199"
			| .fields["PNOW Unsubscribed"] = "false"' ;;
	esac
done

# --- What a practice sets

begin . '.address = true'
send patient.updated '.data |= (del(.firstName) + {patientId: "10234", address1: "2 Elm St", city: "Boulder", state: "CO", zip: "80301"})'
has 'address: the address goes along' '.lastName = "Lopez-Reyes" | .phone = "+13035550199" | .fields["PNOW Unsubscribed"] = "false"
	| .address1 = "2 Elm St" | .city = "Boulder" | .state = "CO" | .postalCode = "80301"'

begin . '.membership_tag = "Membership - {program}"'
send membership.created
has 'membership_tag with {program}: the tag has its name' 'del(.gender) | .fields = '"$membership"' | .fields["PNOW ID"] = "10234"
	| .tags = ["Membership - Glow Club"] | .workflows = ["PatientNow Membership Update"]'

had='.crm.locations[0].contacts = [{firstName: "Ana", lastName: "Lopez", email: "ana@example.com", phone: "+13035550142", gender: "female",
	tags: ["vip"], notes: ["she likes tea"], fields: {"Patient Lifetime Value": "100.25"},
	opportunities: [{name: "Ana", pipeline: "Surgical", stage: "Consult Booked", status: "open", monetaryValue: 1},
		{name: "Ana", pipeline: "Non-Surgical", stage: "Booked", status: "open", monetaryValue: 2}]}]'
after_bill='.dateOfBirth = "1984-03-02" | .tags = ["vip"] | .fields = '"$bill"' | .fields["Patient Lifetime Value"] = "550.25"
	| .fields["PNOW ID"] = "10234" | .notes = ["she likes tea", '"$bill_note"'] | .workflows = ["PatientNow Order Paid", "PatientNow Birthday"]'
begin "$had"
send bill.completed
has 'surgical_value false: the lifetime value goes onto the non-surgical opportunity, which is won; tags and notes stay' "$after_bill"'
	| .opportunities = [{name: "Ana", pipeline: "Surgical", stage: "Consult Booked", status: "open", monetaryValue: 1},
		{name: "Ana", pipeline: "Non-Surgical", stage: "Booked", status: "won", monetaryValue: 550.25}]'
begin "$had" '.surgical_value = true'
send bill.completed
has 'surgical_value true: onto both opportunities' "$after_bill"'
	| .opportunities = [{name: "Ana", pipeline: "Surgical", stage: "Consult Booked", status: "won", monetaryValue: 550.25},
		{name: "Ana", pipeline: "Non-Surgical", stage: "Booked", status: "won", monetaryValue: 550.25}]'

begin "$had" '.move_opportunities = false'
send appointment.status
is 'move_opportunities false: no opportunity is touched' "$(contact ana@example.com | jq -c .opportunities)" \
	"$(jq -c '.crm.locations[0].contacts[0].opportunities | map({pipeline, stage, status, monetaryValue, name})' "$DIR/seed.json")"
is 'and the note and the enrolment are there' "$(contact ana@example.com | jq -c '[(.notes | length), .workflows]')" \
	'[2,["PatientNow Appointments Update"]]'
begin "$had" '.move_opportunities = false'
send bill.completed
is 'move_opportunities false: a bill sets the value and leaves the status' "$(contact ana@example.com | jq -c '.opportunities[1] | [.monetaryValue, .status]')" \
	'[550.25,"open"]'

begin . '.workflows = {appointments: null, order_paid: "PatientNow Order Paid"}'
send appointment.booked
send bill.completed '.data.patientId = "10234"'
send membership.created
is 'a workflow that is null or left out is not enrolled in' "$(contact ana@example.com | jq -c .workflows)" '["PatientNow Order Paid"]'

begin '.crm.locations[0] |= (.customFields += ["Klub ID"] | .pipelines = [{name: "Beauty", stages: ["New", "Gone"]}])' \
	'.names = {fields: {"PNOW ID": "Klub ID"}, pipelines: {"non-surgical": "Beauty"}, stages: {"Booked": "New"}}'
send appointment.booked
result 'names: the practice'\''s own names of field, pipeline and stage' 'done'
has 'names: they are what is written to' '.fields = ('"$visit"' | del(.["PNOW ID"])) + {"Klub ID": "10234"} | .notes = ['"$visit_note"']
	| .workflows = ["PatientNow Appointments Update"]
	| .opportunities = [{pipeline: "Beauty", stage: "New", status: "open", name: "Ana Lopez"}]'

begin . '.lead_status = {lead: "Prospect", patient: "Client"}'
send appointment.booked
is 'lead_status: the practice'\''s own words' "$(contact ana@example.com | jq -c '.fields | [.["Lead Status"], .["Contact Type"]]')" '["Prospect","Prospect"]'
send bill.completed
send appointment.booked '.eventId = "evt-2" | .occurredAt = "2026-12-02T15:00:00Z" | .data.appointmentId = "88124"'
is 'a paid bill makes a patient of a lead' "$(contact ana@example.com | jq -c '.fields | [.["Lead Status"], .["Contact Type"]]')" '["Client","Client"]'
is 'and its opportunity is won from then on' "$(contact ana@example.com | jq -c '.opportunities | map([.stage, .status])')" '[["Booked","won"]]'

begin
send appointment.booked
send appointment.status
send appointment.booked '.eventId = "evt-2" | .occurredAt = "2026-12-02T15:00:00Z" | .data.appointmentId = "88124" | .data.appointmentType = "Rhinoplasty Consult"'
is 'a checkout to Patient makes a patient: the next opportunity is won from the start, in the other pipeline too' \
	"$(contact ana@example.com | jq -c '[.fields["Lead Status"], (.opportunities[] | .pipeline, .stage, .status)]')" \
	'["Patient","Non-Surgical","Patient","won","Surgical","Consult Booked","won"]'

# --- Facilities

routed='.facilities = {"Downtown": {location_id: "'$DOWNTOWN'", token_file: "downtown.token"}}'
begin . "$routed"
send appointment.booked
result 'a facility with a sub-account of its own: done' 'done'
has 'the facility'\''s events go to its sub-account, whole' '.locationId = "'$DOWNTOWN'" | .fields = '"$visit"' | .notes = ['"$visit_note"']
	| .workflows = ["PatientNow Appointments Update"]
	| .opportunities = [{pipeline: "Non-Surgical", stage: "Booked", status: "open", name: "Ana Lopez"}]'
is 'and nothing to the main one' "$(requests .path | grep -c "$MAIN")" 0
send bill.completed
is 'a bill too' "$(contact ana@example.com | jq -c '[.locationId, .fields["Patient Lifetime Value"]]')" "[\"$DOWNTOWN\",\"450.00\"]"
send appointment.booked '.eventId = "evt-2" | .data += {appointmentId: "88124", facility: "Uptown"}'
result 'a facility that the configuration lacks: the main sub-account, with a warning' 'done' \
	'the event'\''s facility is not in the configuration: the practice'\''s main sub-account was taken'
is 'the contact is made there' "$(at_sandbox state | jq -r '.contacts[1] | .locationId, .fields["PNOW Location"]')" "$MAIN"$'\nUptown'
send patient.updated
is 'an event without a facility goes to the main one where the patient is known there' "$(last_result | jq -r .location_id)" "$MAIN"

# --- A CRM that lacks something: the rest is done, and the result says what is missing

begin '.crm.locations[0] |= (.customFields |= map(select(.name != "PNOW Location")) | .workflows -= ["PatientNow Appointments Update"])'
send appointment.booked
result 'a custom field and a workflow that the CRM lacks are warned of' 'done' 'the CRM has no custom field "PNOW Location": left out' \
	'the CRM has no workflow "PatientNow Appointments Update": left out'
has 'and the rest is done' '.fields = ('"$visit"' | del(.["PNOW Location"])) | .notes = ['"$visit_note"']
	| .opportunities = [{pipeline: "Non-Surgical", stage: "Booked", status: "open", name: "Ana Lopez"}]'
begin '.crm.locations[0].pipelines |= map(select(.name == "Surgical"))'
send appointment.booked
result 'a pipeline that the CRM lacks is warned of' 'done' 'the CRM has no pipeline "Non-Surgical": left out'
has 'and the rest is done without it' '.fields = '"$visit"' | .notes = ['"$visit_note"'] | .workflows = ["PatientNow Appointments Update"]'
begin '.crm.locations[0].pipelines[1].stages -= ["Booked"]'
send appointment.booked
result 'a stage that the CRM lacks is warned of' 'done' 'the CRM has no stage "Non-Surgical/Booked": left out'
has 'and the rest is done without the move' '.fields = '"$visit"' | .notes = ['"$visit_note"'] | .workflows = ["PatientNow Appointments Update"]'

begin '.crm.locations[0].customFields |= map(select(.name != "Patient Lifetime Value"))'
send bill.completed
result 'no Patient Lifetime Value field: warned of, the rest is done' 'done' 'the CRM has no custom field "Patient Lifetime Value": left out'
is 'the note and the enrolments of the bill are there' "$(contact ana@example.com | jq -c '[(.notes | length), (.workflows | length)]')" '[1,2]'

begin '.crm.locations[0].customFields |= map(.name |= ({"PNOW Appt Reason": "PNOW Appointment Reason",
	"PNOW Appt Comments": "PNOW Appointment Comments", "PNOW Last Appt ID": "PNOW Last Appointment ID"}[.] // .))'
send appointment.booked
result 'the other names that a CRM may have for a field are found' 'done'
is 'and written to' "$(contact ana@example.com | jq -c '.fields | [.["PNOW Appointment Reason", "PNOW Appointment Comments", "PNOW Last Appointment ID"]]')" \
	'["New patient","bring forms","88123"]'

begin '.crm.locations[0].customFields |= map(.dataType = "TEXT" | del(.picklistOptions))'
send appointment.booked
send bill.completed
is 'in fields of type TEXT a time is 2026-12-01 15:30, a date 1984-03-02, an amount 450.00' \
	"$(contact ana@example.com | jq -c '.fields | [.["Next Visit Date", "PNOW DOB", "Invoice Paid Amount", "Patient Lifetime Value"]]')" \
	'["2026-12-01 15:30","1984-03-02","450.00","450.00"]'

# --- What is not done, and says why

begin '.patientnow.appointments = [{appointmentId: "88128", appointmentType: "Lunch", status: "Booked", startTime: "2026-12-02T12:00:00-07:00",
	facility: "Main"}]'
send appointment.booked '.data |= {appointmentId: "88128", appointmentType: "Lunch", status: "Booked", startTime: "2026-12-02T12:00:00-07:00",
	facility: "Main"}'
is 'an appointment without a patient is ignored' "$(last_result | jq -r '.status, .reason')" $'ignored\nan appointment without a patient (a block)'
send appointment.status '.data.status = "Roomed"'
is 'a status that the profile does not map is ignored' "$(last_result | jq -r .status)" ignored
is 'a ping is answered and forgotten' "$(post test "$(webhook Ping p1 2026-12-01T00:00:00Z '{}')")" 200
is 'none of them makes a request to the CRM' "$(requests .path)" ''

begin ".patientnow.patients = [$ana + {email: \"\", cellPhone: \"\"}]"
send appointment.booked
is 'neither e-mail nor phone: skipped' "$(last_result | jq -r '.status, .reason')" \
	$'skipped\nno e-mail and no phone, and no contact is known for this patient'
is 'and nothing is made in the CRM' "$(contacts)" '[]'

begin ".patientnow.patients = [$ana + {firstName: \"José\", lastName: \"O'Brien \\\"Ñ\\\" 李\"}]"
send appointment.booked '.data.comments = "línea 1\nlínea 2 \"…\" \\ 😀"'
is 'names and comments keep every character' "$(contact ana@example.com | jq -r '.firstName, .lastName, .fields["PNOW Appt Comments"], .opportunities[0].name')" \
	$'José\nO\'Brien "Ñ" 李\nlínea 1\nlínea 2 "…" \\ 😀\nJosé O\'Brien "Ñ" 李'
is 'and none of them is on stderr' "$(cat "$DIR/hook.err")" ''
finish
