#!/usr/bin/env bash
# A dry run (-n) shows what the real run would do: it knows what the state knows, and what it would have done itself until then; what
# would do nothing is a result that says why. Nothing of the state is changed.
# shellcheck disable=SC2016,SC2119,SC2154 # jq programs; from common.bash
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"

seed .
sandbox
practice test '.membership_tag = "Membership - {program}" | .dnd = true'
export PNOW_CONFIG=$DIR/test.json

# NAME EVENT, in their order.
{
	event patient.created created 2020-12-01T09:00:00Z '{patient: $ana}'
	event appointment.booked booked 2020-12-01T10:00:00Z '{patient: $ana} + visit("88123"; "booked")'
	event appointment.booked again 2020-12-01T10:01:00Z '{patient: $ana} + visit("88123"; "booked")'
	event appointment.status checkout 2020-12-01T11:00:00Z '{patient: $ana} + visit("88123"; "checked_out")'
	event bill.completed bill 2020-12-01T12:00:00Z '{patient: {id: $ana.id}} + bill("991"; "450.00")'
	event bill.completed corrected 2020-12-01T13:00:00Z '{patient: {id: $ana.id}} + bill("991"; "460.50")'
	event membership.created member 2020-12-01T14:00:00Z '{patient: $ana, membership: {id: "77", program: "Glow Club", sold_date: "2026-12-01", amount: "129.00"}}'
	event patient.updated renamed 2020-12-01T15:00:00Z '{patient: ($ana + {last_name: "Lopez-Reyes"})}'
	event patient.updated unsubscribed 2020-12-01T15:01:00Z '{patient: ($ana + {last_name: "Lopez-Reyes", unsubscribed: true})}'
	event patient.updated still 2020-12-01T15:02:00Z '{patient: ($ana + {last_name: "Lopez", unsubscribed: true})}'
	event patient.updated subscribed 2020-12-01T15:03:00Z '{patient: ($ana + {last_name: "Lopez", unsubscribed: false})}'
	event appointment.booked older 2020-12-01T09:30:00Z '{patient: $ana} + visit("88123"; "booked")'
	event bill.completed nobody 2020-12-01T16:00:00Z '{patient: {id: "1"}} + bill("992"; "10.00")'
	event patient.created ben 2020-12-01T17:00:00Z '{patient: $ben}'
} >"$DIR/events"
ids=$(jq -r .id "$DIR/events")

# told: of requests and results, the event with the request without ids, or with the status and reason; the actions that are carried
# out at once are in no order.
told()
{
	jq -r 'if .method then "\(.id) \(.method) \(.path | sub("^/contacts/(?!upsert)[^/]+"; "/contacts/ID") | sub("/workflow/.*"; "/workflow/ID")
		| sub("^/opportunities/[^/]+"; "/opportunities/ID"))" else "\(.id) \(.status): \(.reason)" end' | sort
}

# shown, done_by EVENT...: what a dry run tells of these events, what the real run does for them.
shown()
{
	for id in "$@"; do jq -c --arg id "$id" 'select(.id == $id)' "$DIR/events"; done | push -n | told
}
done_by()
{
	local id
	for id in "$@"; do
		at_sandbox requests DELETE
		jq -c --arg id "$id" 'select(.id == $id)' "$DIR/events" | push >"$DIR/result"
		{
			requests 'select(.method != "GET")' | jq -c --arg id "$id" '{$id, method, path}'
			jq -c 'select(.status != "done")' "$DIR/result"
		} | told
	done
}

changed=
for id in $ids; do
	before=$(state_sql "$DIR/test.db" .dump 2>/dev/null | sha256sum)
	want=$(shown "$id")
	after=$(state_sql "$DIR/test.db" .dump 2>/dev/null | sha256sum)
	[ "$before" = "$after" ] || changed+=" $id"
	is "$id: shown is what is done" "$want" "$(done_by "$id")"
done
is "the state is as it was" "$changed" ""
is "a known contact is shown by its id" "$(jq -c 'select(.id == "checkout") | .id = "x" | .appointment.id = "2"' "$DIR/events" | push -n | jq -r .path | head -n 1)" \
	"/contacts/$(contact_id ana@example.com)"
# shellcheck disable=SC2086 # words
all=$(shown $ids)
is "all that was done: every one is a result with its reason" "$(grep -cE 'POST|PUT|DELETE' <<<"$all") $(cut -d' ' -f2 <<<"$all" | sort | uniq -c | xargs)" \
	'0 1 skipped: 13 unchanged:'

# From webhooks, through all filters.
visit=$(webhook AppointmentStatusChanged w1 2020-12-02T10:00:00Z '{"appointmentId": "88123", "patientId": "10234", "appointmentType": "Botox",
	"status": "Cancelled", "startTime": "2026-12-01T15:30:00-07:00"}')
is "pnow-sync -n, a known patient: the calls that it would make" "$(pnow-sync -n <<<"$visit" | jq -r '"\(.method) \(.path)"' | sed "s/$(contact_id ana@example.com)/ANA/" | sort)" \
	"POST /contacts/ANA/notes
POST /contacts/ANA/workflow/{workflow:PatientNow Appointments Update}
PUT /contacts/ANA
PUT /opportunities/$(at_sandbox state | jq -r '.contacts[] | select(.email == "ana@example.com").opportunities[0].id')"
pnow-sync <<<"$visit" >"$DIR/result"
is "pnow-sync -n, what was done before: a result says so" "$(pnow-sync -n <<<"$visit" | jq -c '[.id, .status, .reason]')" '["w1","unchanged","applied before"]'
tag=$(jq -nc --arg id "$(contact_id ana@example.com)" '{id: "t1", type: "contact.tagged", practice: "test", contact: {$id, first_name: "Ana",
	last_name: "Lopez", email: "ana@example.com", gender: "F", tags: ["pnowcreate"]}}')
is "pnow-push -n, a contact that has a patient: the patient is looked for, and none is made" \
	"$(pnow-push -n <<<"$tag" | jq -r 'if .method then "\(.method) \(.path)" else .patient.id, .actions[1].body end' | sed "s/$(contact_id ana@example.com)/ANA/" | head -n 4)" \
	'GET /contacts/ANA
GET /patients/10234
10234
Linked to the PatientNow patient who is there already'
is "pnow-enrich -n, a patient of whom the ledger knows enough: none is asked" "$(jq -c '.eventId = "w2"' <<<"$visit" | pnow-enrich -n | jq -r .reason)" \
	'nothing of it is asked of PatientNow'

sqlite3 "$DIR/test.db" 'PRAGMA user_version=9'
is "an older state is left as it is" "$(crm-push -n </dev/null 2>&1; echo $?) $(sqlite3 "$DIR/test.db" 'PRAGMA user_version')" \
	"crm-push: the state file $DIR/test.db is of version 9, an older pnow's: whatever runs without -n, such as pnow-inbox stat, brings it up to date
75 9"

sandbox_reset
rm -f "$DIR"/test.db*
# shellcheck disable=SC2086 # words
all=$(shown $ids)
is "with no state at all it makes none" "$(cd "$DIR" && ls test.db* 2>/dev/null)" ""
# shellcheck disable=SC2086 # words
is "a run of many knows what it would have done itself" "$all" "$(done_by $ids | sort)"
finish
