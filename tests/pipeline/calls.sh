#!/usr/bin/env bash
# How many calls of the CRM each type of event costs, as the sandbox counts them and as the results say: at first, when no
# name and no contact is known, and then; and that what changes nothing costs none.
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"

T1=2026-12-01T10:00:00Z T2=2026-12-01T11:00:00Z T3=2026-12-01T12:00:00Z
member='{membership: {id: "77", program: "Glow Club", sold_date: "2026-12-01", amount: "129.00"}}'

# begin [SEED-FILTER]: a new sandbox and practice.
begin()
{
	sandbox_stop
	state_remove "$DIR/test.db"
	seed "${1:-.}"
	sandbox
	practice test
}

# send: the events on standard input, one after another; their results in $DIR/results.
send()
{
	at_sandbox requests DELETE
	push -j 1 >"$DIR/results" 2>"$DIR/err"
}

# costs PROMISE MOST WANT: the last event has these requests, at most so many, and its result counts them.
costs()
{
	local got n
	got=$(requests '"\(.method) \(.path)"' | sed -E 's/\?.*//; s#/(contacts|opportunities|locations)/[A-Za-z0-9]{20}#/\1/ID#; s#/workflow/[^"]*#/workflow/ID#' |
		tr -d '"' | paste -sd, | sed 's/,/, /g')
	n=$(requests .n | wc -l)
	is "$1" "$got" "$3"
	[ "$n" -le "$2" ] && [ "$(jq .calls "$DIR/results")" = "$n" ]
	point "$1: at most $2, and the result says so" "$n requests; $(<"$DIR/results")"
}

contact_put='PUT /contacts/ID' note='POST /contacts/ID/notes' enrol='POST /contacts/ID/workflow/ID'
opportunity='PUT /opportunities/ID' search='GET /opportunities/search'
field_list='GET /locations/ID/customFields' workflow_list='GET /workflows/' pipeline_list='GET /opportunities/pipelines'
upsert='POST /contacts/upsert' sought='GET /contacts/search/duplicate'

# --- At first

visit='{patient: $ana} + visit("88123"; "booked")'
begin
event patient.created e $T1 '{patient: $ana}' | send
costs 'patient.created, cold' 2 "$field_list, $upsert"
begin
event patient.updated e $T1 '{patient: $ana}' | send
costs 'patient.updated, cold' 2 "$field_list, $upsert"
begin
event appointment.booked e $T1 "$visit" | send
costs 'appointment.booked, cold' 8 "$field_list, $upsert, $contact_put, $note, $workflow_list, $enrol, $pipeline_list, POST /opportunities/"
begin
event bill.completed e $T1 '{patient: $ana} + bill("991"; "450.00")' | send
costs 'bill.completed, cold, whose contact is read again once nobody else can change it' 10 "$field_list, $sought, $upsert, GET /contacts/ID, $contact_put, $note, $workflow_list, $enrol, $enrol, $pipeline_list"
begin
event membership.created e $T1 "{patient: \$ana} + $member" | send
costs 'membership.created, cold' 6 "$field_list, $sought, $upsert, POST /contacts/ID/tags, $workflow_list, $enrol"

# --- Names, contact and opportunity known: each type, of a lead and of a patient

warm() # WHO: what comes after $DIR/before
{
	local rows type facts most want
	rows='patient.created|{patient: $ana}|1|'$contact_put'
patient.updated|{patient: ($ana + {last_name: "Lopez-Reyes"})}|1|'$contact_put'
appointment.booked|{patient: $ana} + visit("88200"; "booked")|4|'"$contact_put, $note, $enrol, $opportunity"'
appointment.status|{patient: $ana} + visit("88123"; "cancelled")|4|'"$contact_put, $note, $enrol, $opportunity"'
appointment.status|{patient: $ana} + visit("88123"; "checked_out")|4|'"$contact_put, $note, $enrol, $opportunity"'
bill.completed|{patient: $ana} + bill("1000"; "12.50")|6|'"$contact_put, $contact_put, $note, $enrol, $enrol, $opportunity"'
membership.created|{patient: $ana} + '"$member"'|4|'"$contact_put, POST /contacts/ID/tags, $enrol"
	begin
	while IFS='|' read -r type facts most want; do
		sandbox_reset
		state_remove "$DIR/test.db"
		send <"$DIR/before"
		event "$type" e $T2 "$facts" >"$DIR/event"
		send <"$DIR/event"
		costs "$type of a $1" "$most" "$want"
		jq -c '.id = "again" | .received = "2026-12-06T00:00:00Z"' "$DIR/event" | send
		is "and the same under another id: none" "$(requests .path)$(jq -c '[.status, .calls]' "$DIR/results")" '["unchanged",0]'
	done <<<"$rows"
}

event appointment.booked before $T1 "$visit" >"$DIR/before"
warm lead
event bill.completed before2 $T1 '{patient: $ana} + bill("991"; "450.00")' >>"$DIR/before"
warm patient

# --- What else costs nothing

begin
event patient.updated e1 $T1 '{patient: $ana}' | send
event patient.updated e2 $T3 '{patient: $ana}' | send
event patient.updated e3 $T2 '{patient: ($ana + {last_name: "Former"})}' | send
is 'facts that came again in between are as new as when they came last' "$(jq -r '.reason, .calls' "$DIR/results")" $'something newer was applied before\n0'
event patient.updated e4 2026-12-01T13:00:00Z '{patient: ($ana + {last_name: "Former"})}' | send
event patient.updated e5 2026-12-01T14:00:00Z '{patient: $ana}' | send
is 'a change and the change back are news, both' "$(contact ana@example.com | jq -r .lastName)" Lopez
is 'and cost a call each' "$(requests .method)" '"PUT"'

begin
event patient.updated e1 $T1 '{patient: $ana}' | send
event appointment.booked e2 $T2 '{patient: ($ana + {first_name: "Anna"})} + visit("88123"; "booked")' | send
event patient.updated e3 $T1 '{patient: $ana}' | send
is 'the same facts, and an appointment has written others since: no news where they are older' "$(jq .calls "$DIR/results")" 0
event patient.updated e4 $T3 '{patient: $ana}' | send
is 'news where they are newer' "$(jq .calls "$DIR/results") $(contact ana@example.com | jq -r .firstName)" '1 Ana'
event patient.updated e5 2026-12-01T13:00:00Z '{patient: $ana}' | send
is 'once' "$(jq .calls "$DIR/results")" 0
event patient.updated e6 2026-12-01T14:00:00Z '{patient: ($ana + {id: "10300", first_name: "Mother"})}' | send
event patient.updated e7 2026-12-01T15:00:00Z '{patient: $ana}' | send
is 'and where another patient with the same contact has written it' "$(contact ana@example.com | jq -r .firstName)" Ana

begin
event patient.created e1 $T1 '{patient: ($ana + {unsubscribed: false})}' | send
event patient.updated e2 $T2 '{patient: ($ana + {unsubscribed: false})}' | send
is 'a patient who was created is no news when updated, nor unsubscribed where nothing says so' "$(jq -r '.status, .calls' "$DIR/results" | xargs)" 'unchanged 0'
event patient.updated e3 $T3 '{patient: ($ana + {unsubscribed: true})}' | send
is 'but one who is now: by a call that leaves the name as it is' \
	"$(jq -r '.status, .calls' "$DIR/results" | xargs) $(requests 'select(.method == "PUT") | .body | keys - ["customFields"]') $(contact ana@example.com | jq -r '.fields["PNOW Unsubscribed"]')" \
	'done 1 [] true'
event patient.created e4 2026-12-01T13:00:00Z '{patient: $ana}' | send
is 'and who was updated is no news when created' "$(jq -r '.status, .calls' "$DIR/results" | xargs)" 'unchanged 0'
event patient.updated e5 2026-12-01T14:00:00Z '{patient: ($ana + {unsubscribed: false})}' | send
is 'unsubscribed no more: that, too' "$(jq .calls "$DIR/results") $(contact ana@example.com | jq -r '.fields["PNOW Unsubscribed"]')" '1 false'
event appointment.booked e6 2026-12-01T15:00:00Z "$visit" | send
event patient.updated e7 2026-12-01T16:00:00Z '{patient: ($ana + {unsubscribed: false})}' | send
is 'an appointment that tells the same name makes no news of it' "$(jq .calls "$DIR/results")" 0

# --- A lead that staff make a patient by hand

lead() # a lead, booked, whose opportunity in that pipeline staff have given a status
{
	begin "$2"
	event appointment.booked e1 $T1 "$visit" | send
	curl -sS -o /dev/null -X PUT "$API/crm/opportunities/$(at_sandbox state | jq -r --arg pipeline "$1" \
		'.contacts[0].opportunities[] | select(.pipeline == $pipeline) | .id')/status" -d "{\"status\":\"$3\"}" \
		-H 'Content-Type: application/json' -H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28'
}
standing()
{
	contact ana@example.com | jq -c '[.fields["Lead Status"], (.opportunities[] | .stage, .status)]'
}
next='{patient: $ana} + visit("88200"; "booked")'
lead Non-Surgical . won
event appointment.booked e2 $T2 "$next" | send
is 'an opportunity that staff have won stays won, and its contact is a patient' "$(standing)" '["Patient","Booked","won"]'
costs 'that takes one call more, once' 5 "$contact_put, $note, $enrol, $opportunity, $contact_put"
event appointment.status e3 $T3 '{patient: $ana} + visit("88200"; "cancelled")' | send
is 'and is known from then on' "$(standing) $(jq .calls "$DIR/results")" '["Patient","Cancelled / No-Show","won"] 4'
lead Non-Surgical . lost
event appointment.booked e2 $T2 "$next" | send
is 'one that staff have given up is open again' "$(standing) $(jq .calls "$DIR/results")" '["Lead","Booked","open"] 5'

both='.crm.locations[0].contacts = [{firstName: "Ana", email: "ana@example.com", phone: "+13035550142",
	opportunities: [{name: "Ana", pipeline: "Surgical", stage: "Consult Booked", status: "open"}]}]'
lead Surgical "$both" won
event appointment.booked e2 $T2 "$next" | send
is 'one won in another pipeline is not asked for with each event' "$(jq .calls "$DIR/results")" 4
state_later "$DIR/test.db" contact $((8 * 86400000))
event appointment.status e3 $T3 '{patient: $ana} + visit("88200"; "cancelled")' | send
is 'but after a week: then the contact is a patient, and what is moved is won' "$(standing)" \
	'["Patient","Consult Booked","won","Cancelled / No-Show","won"]'
costs 'that takes the search' 5 "$search, $contact_put, $note, $enrol, $opportunity"

# --- What a run tells

begin
send <"$DIR/before"
{
	event patient.updated e1 $T2 '{patient: $ana}'
	event bill.completed e2 $T2 '{patient: $ana} + bill("1000"; "12.50")'
	event bill.completed e3 $T3 '{patient: $ana} + bill("1000"; "12.50")'
} | push -v >"$DIR/results" 2>"$DIR/err"
is 'crm-push -v: calls by type of event' "$(grep ' each$' "$DIR/err")" \
	'crm-push: patient.updated: 1 events, 1 calls of the CRM, 1.00 each
crm-push: bill.completed: 2 events, 6 calls of the CRM, 3.00 each'

seed '.patientnow.patients = [{patientId: "10234", firstName: "Ana", lastName: "Lopez", email: "ana@example.com"}]'
sandbox_stop
state_remove "$DIR/test.db"
sandbox
practice test
export PNOW_CONFIG=$DIR/test.json
for n in 1 2 3; do webhook AppointmentCreated "w$n" $T1 '{"appointmentId":"'$n'","patientId":"10234","appointmentType":"Botox",
	"status":"Booked","startTime":"2026-12-01T15:30:00-07:00"}'; done >"$DIR/webhooks"
pnow-enrich -v <"$DIR/webhooks" 2>"$DIR/err" | jq -c .patientnow_calls >"$DIR/counts"
is 'pnow-enrich -v: likewise' "$(grep ' each$' "$DIR/err")" 'pnow-enrich: appointment.booked: 3 events, 1 calls of PatientNow, 0.33 each'
is 'and in the event that the call was made for' "$(<"$DIR/counts")" $'1\nnull\nnull'
state_remove "$DIR/test.db"
at_sandbox requests DELETE
pnow-inbox add <"$DIR/webhooks" >"$DIR/added"
pnow-inbox run -1 -- pnow-sync 2>"$DIR/err"
is 'pnow-inbox stat: what the events took of both, as the sandbox has counted it' "$(pnow-inbox stat | jq -c .calls)" \
	"$(at_sandbox requests | jq -sc '{"appointment.booked": {events: 3, crm: (map(select(.api == "crm")) | length),
		patientnow: (map(select(.api == "patientnow")) | length)}}')"
is 'for people, each too' "$(script -qec 'pnow-inbox stat' /dev/null | tr -d '\r' | grep -A2 '^TYPE')" \
	"TYPE               EVENTS   CRM      EACH     PATIENTNOW EACH
$(pnow-inbox stat | jq -r '.calls["appointment.booked"] | "appointment.booked 3        \(.crm)       \(.crm * 100 / 3 | floor / 100)"')     1          0.33"

finish
