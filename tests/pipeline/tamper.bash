# shellcheck shell=bash disable=SC2034,SC2120,SC2154,SC2329 # common.bash and the tests know the rest
# What the tests of crm-push -C and -R share: events, the run that carries them out, and what somebody does to the CRM behind our
# back. Sourced, never run.
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"

# begin [SEED-FILTER [PRACTICE-FILTER]]: a new sandbox and practice.
begin()
{
	sandbox_stop
	state_remove "$DIR/test.db"
	seed "${1:-.}"
	sandbox
	practice test "${2:-.}"
}

# mapped: events on standard input, mapped.
mapped()
{
	PNOW_CONFIG=$DIR/test.json bash -c 'categorize | crm-map'
}
run()
{
	PNOW_CONFIG=$DIR/test.json crm-push "$@" >"$DIR/results" 2>"$DIR/err"
	keep_requests
}
# What was found: EVENT NAME of each difference.
found()
{
	jq -r '.id as $id | .status as $status | if .differences then .differences[] | "\($id) \(.name)\(if .is then " " + .is else "" end)"
		else "\($id) \($status)" end' "$DIR/found" | sort
}

# Ana in order through all six, Ben of old with a value and opportunities, Cleo a lead, Dora whose status came first.
event_of()
{
	event "$@" | jq -c '.patient += ({"10300": {first_name: "Cleo", last_name: "Diaz", email: "cleo@example.com", phone: "303-555-0301"},
		"10301": {first_name: "Dora", last_name: "Ek", email: "dora@example.com", phone: "303-555-0302", gender: "F"}}[.patient.id] // {})'
}
member='membership: {id: "77", program: "Glow Club", sold_date: "2026-12-01", amount: "129.00"}'
{
	event_of patient.created a1 2026-12-01T10:00:00Z '{patient: ($ana + {referral_source: "Google"})}'
	event_of appointment.booked a2 2026-12-01T11:00:00Z '{patient: $ana} + visit("1"; "booked")'
	event_of appointment.booked b1 2026-12-01T11:00:00Z '{patient: $ben} + visit("2"; "booked")'
	event_of appointment.booked c1 2026-12-01T11:00:00Z '{patient: {id: "10300"}} + visit("3"; "booked") | .appointment.type = "Rhinoplasty Consult"'
	event_of appointment.status a3 2026-12-01T12:00:00Z '{patient: $ana} + visit("1"; "checked_out")'
	event_of bill.completed a4 2026-12-01T13:00:00Z '{patient: $ana} + bill("901"; "450.00") | .bill.provider = "Dr. Bill"'
	event_of bill.completed b2 2026-12-01T13:00:00Z '{patient: $ben} + bill("902"; "99.90")'
	event_of membership.created a5 2026-12-01T14:00:00Z "{patient: \$ana, $member}"
	event_of appointment.booked a6 2026-12-02T11:00:00Z '{patient: $ana} + visit("4"; "booked") | .appointment.reason = "Again"'
	event_of patient.updated a7 2026-12-02T12:00:00Z '{patient: ($ana + {last_name: "Lopez-Reyes"})}'
	event_of bill.completed a8 2026-12-02T13:00:00Z '{patient: $ana} + bill("903"; "50.05")'
	event_of bill.completed a9 2026-12-02T14:00:00Z '{patient: $ana} + bill("901"; "460.00")'
	event_of appointment.status c2 2026-12-02T14:00:00Z '{patient: {id: "10300"}} + visit("3"; "cancelled") | .appointment.type = "Rhinoplasty Consult"'
	event_of appointment.status d1 2026-12-02T14:00:00Z '{patient: {id: "10301"}} + visit("5"; "no_show")'
	event_of patient.updated d2 2026-12-02T15:00:00Z '{patient: {id: "10301"}}'
	event_of patient.updated n1 2026-12-02T15:00:00Z '{patient: {id: "10999", first_name: "Nobody"}}' # neither e-mail nor phone
} >"$DIR/events"

had='.crm.locations[0].contacts = [{firstName: "Ben", lastName: "Okafor", email: "ben@example.com", phone: "+17205550117",
	tags: ["vip"], notes: ["likes tea"], fields: {"Patient Lifetime Value": "100.25"},
	opportunities: [{name: "Ben", pipeline: "Non-Surgical", stage: "Booked", status: "open", monetaryValue: 2}]}]'

# --- Tamperings

call() # METHOD PATH [BODY]
{
	local answer
	answer=$(curl -sS -o "$DIR/answer" -w '%{http_code}' -X "$1" "$API/crm$2" ${3:+-d "$3"} -H 'Content-Type: application/json' \
		-H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28')
	[[ $answer == 2?? ]] || fail "the tampering $1 $2 is taken" "$answer $(<"$DIR/answer")"
}
field() # NAME
{
	curl -sS "$API/crm/locations/$MAIN/customFields?model=contact" -H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28' |
		jq -r --arg name "$1" '.customFields[] | select(.name == $name) | .id'
}
set_field() # CONTACT NAME VALUE
{
	call PUT "/contacts/$1" "$(jq -nc --arg id "$(field "$2")" --arg value "$3" '{customFields: [{$id, field_value: $value}]}')"
}
opportunity() # CONTACT PIPELINE
{
	at_sandbox state | jq -r --arg id "$1" --arg pipeline "$2" '.contacts[] | select(.id == $id) | .opportunities[]
		| select(.pipeline == $pipeline) | .id'
}
stage() # PIPELINE STAGE: {pipelineId, pipelineStageId}
{
	curl -sS "$API/crm/opportunities/pipelines?locationId=$MAIN" -H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28' |
		jq -c --arg pipeline "$1" --arg stage "$2" '.pipelines[] | select(.name == $pipeline)
			| {pipelineId: .id, pipelineStageId: (.stages[] | select(.name == $stage) | .id)}'
}
delete_note() # CONTACT TEXT
{
	local id
	id=$(curl -sS "$API/crm/contacts/$1/notes" -H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28' |
		jq -r --arg text "$2" '[.notes[] | select(.body | contains($text))][0].id')
	call DELETE "/contacts/$1/notes/$id"
}

# tampered NAME…: the CRM and the ledger as they were after the run, then these tamperings.
tampered()
{
	local name
	sandbox_reset
	state_remove "$DIR/test.db"
	run <"$DIR/mapped"
	ana=$(contact_id ana@example.com) ben=$(contact_id ben@example.com) cleo=$(contact_id cleo@example.com)
	for name in "$@"; do "$name"; done
}

renamed() { call PUT "/contacts/$ana" '{"lastName":"Lopez"}'; }
other_phone() { call PUT "/contacts/$ana" '{"phone":"+13035550999"}'; }
other_birth() { call PUT "/contacts/$ana" '{"dateOfBirth":"1990-01-01"}'; }
field_changed() { set_field "$ana" 'PNOW Appt Reason' 'New patient'; }
date_changed() { set_field "$ana" 'Next Visit Date' 2026-12-02; }
field_emptied() { set_field "$ana" 'PNOW Membership Program Name' ''; }
made_lead() { set_field "$ana" 'Lead Status' Lead; }
other_employee() { set_field "$ana" 'PNOW Primary Employee' Nobody; }
other_pnow_id() { set_field "$ana" 'PNOW ID' 1; }
untagged() { call DELETE "/contacts/$ana/tags" '{"tags":["Membership"]}'; }
note_gone() { delete_note "$ana" 'Appointment ID: 4'; }
old_note_gone() { delete_note "$ana" 'Status: Booked'$'\n''Event type: Office Visit'$'\n''Reason: New patient'; }
moved() { call PUT "/opportunities/$(opportunity "$ana" Non-Surgical)" "$(stage Non-Surgical Patient)"; }
worth_more() { call PUT "/opportunities/$(opportunity "$ana" Non-Surgical)" '{"monetaryValue":510.06}'; }
other_email() { call PUT "/contacts/$cleo" '{"email":"other@example.com"}'; }
email_taken() { other_email && call POST /contacts/ '{"locationId":"'$MAIN'","firstName":"C","email":"cleo@example.com"}'; }
given_up() { call PUT "/opportunities/$(opportunity "$ben" Non-Surgical)/status" '{"status":"lost"}'; }
lifetime_changed() { set_field "$ben" 'Patient Lifetime Value' 200.16; }
moved_away() { call PUT "/opportunities/$(opportunity "$cleo" Surgical)" "$(stage Non-Surgical Booked)"; }
won() { call PUT "/opportunities/$(opportunity "$cleo" Surgical)/status" '{"status":"won"}'; }
opportunity_gone() { call DELETE "/opportunities/$(opportunity "$cleo" Surgical)"; }
contact_gone() { call DELETE "/contacts/$cleo"; }
contact_merged() { contact_gone && call POST /contacts/ '{"locationId":"'$MAIN'","email":"cleo@example.com"}'; }
# what is none of ours
nobodys_business() { call PUT "/contacts/$ana" '{"city":"Boulder"}' && set_field "$ben" 'PNOW Unsubscribed' true &&
	call POST "/contacts/$ana/tags" '{"tags":["vip"]}' && call POST "/contacts/$ana/notes" '{"body":"likes tea"}'; }
