#!/usr/bin/env bash
# History never overwrites the present: what a backfill (crm-map -b) brings later, and is older, leaves the contact as it is;
# its money counts once, whether live or backfilled; and what a live event has begun stays that one's to finish.
# shellcheck disable=SC2154 # from common.bash
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"

seed .
sandbox
practice test
export PNOW_CONFIG=$DIR/test.json

# As new, but for the sandbox's address.
anew()
{
	sandbox_reset
	state_remove "$DIR/test.db"
}

# back: events on standard input as a backfill's; what became of them.
back()
{
	categorize | crm-map -b | crm-push | jq -r '"\(.status) \(.calls)"'
}

# live, the same for live events.
live()
{
	push | jq -r .status
}

# ana FILTER: what the CRM holds of her.
ana()
{
	contact ana@example.com | jq -c "$1"
}
bill_fields='[.fields["PNOW Last Order ID"], .fields["Patient Lifetime Value"]]'

# bill_event ID OF TOTAL TIME: a bill of Ana's.
bill_event()
{
	event bill.completed "$1" "$4" "{patient: \$ana} + bill(\"$2\"; \"$3\")"
}

event patient.created names 2020-01-01T00:00:00Z '{patient: $ben}' | live >/dev/null # the CRM's names are known from here on

is "a patient costs one call, a bill two" \
	"$(event patient.created p 2020-01-01T00:00:00Z '{patient: $ana} | del(.occurred)' | back) $(bill_event b1 1 10.10 2020-01-02T00:00:00Z | back)" "done 1 done 2"
is "an older bill after it: its money only" "$(bill_event b0 0 5.05 2019-01-02T00:00:00Z | back) $(ana "$bill_fields")" 'done 2 ["1","15.15"]'
is "a newer one: its fields too" "$(bill_event b2 2 1.00 2021-01-02T00:00:00Z | back) $(ana "$bill_fields")" 'done 2 ["2","16.15"]'
is "one that does not say when is older than none of them" "$(bill_event b3 3 1.00 2021-01-02T00:00:00Z | jq -c 'del(.occurred)' | back) $(ana "$bill_fields")" \
	'done 2 ["3","17.15"]'
is "a live one is the present" "$(bill_event b4 4 100.00 2022-01-02T10:00:00Z | live) $(ana "$bill_fields")" 'done ["4","117.15"]'
is "a backfilled one of before leaves it" "$(bill_event b5 5 0.01 2022-01-02T09:00:00Z | back) $(ana "$bill_fields")" 'done 2 ["4","117.16"]'
is "so does one that does not say when" "$(bill_event b6 6 0.01 2022-01-02T09:00:00Z | jq -c 'del(.occurred)' | back) $(ana "$bill_fields")" \
	'done 2 ["4","117.17"]'
is "and one of after does not" "$(bill_event b7 7 0.01 2022-01-02T11:00:00Z | back) $(ana "$bill_fields")" 'done 2 ["7","117.18"]'
is "a bill that counts live does not count again" "$(bill_event again 4 100.00 2022-01-02T00:00:00Z | back) $(ana "$bill_fields")" \
	'unchanged 0 ["7","117.18"]'
is "nor with a total of before" "$(bill_event other 4 90.00 2022-01-02T00:00:00Z | back) $(ana "$bill_fields")" 'unchanged 0 ["7","117.18"]'
is "a backfilled bill does not count again live" "$(bill_event live1 1 10.10 2022-05-01T00:00:00Z | live) $(ana "$bill_fields")" \
	'unchanged ["7","117.18"]'
is "with another total, live, the difference counts" "$(bill_event live2 1 11.10 2022-05-01T00:00:00Z | live) $(ana "$bill_fields")" \
	'done ["1","118.18"]'
is "nobody is noted or enrolled by it: two live bills, two notes" "$(ana '[(.notes | length), (.workflows | length)]')" '[2,4]'

# A contact that somebody has deleted meanwhile.
curl -sS -X DELETE "$API/crm/contacts/$(contact_id ana@example.com)" -H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28' >/dev/null
is "the contact is gone: an older bill finds or makes it again" "$(bill_event b8 8 3.00 2010-01-01T00:00:00Z | back | cut -d' ' -f1) $(ana "$bill_fields")" \
	'done ["8","3.00"]'

# A live bill fails on its way; the backfill brings the same one; then it is tried again.
anew
fault 500 path=notes count=20
is "a live bill whose note fails" "$(bill_event b 9 50.00 2022-01-02T10:00:00Z | live)" failed
faults_end
is "backfilled meanwhile, it counts once" "$(bill_event x 9 50.00 2022-01-02T00:00:00Z | back | cut -d' ' -f1) $(ana "$bill_fields")" 'unchanged ["9","50.00"]'
state_later "$DIR/test.db" effect 60000 # what another host may have begun has ended
is "tried again, it does the rest" "$(bill_event b 9 50.00 2022-01-02T10:00:00Z | live) $(ana '[.fields["Patient Lifetime Value"], (.notes | length), .workflows]')" \
	'done ["50.00",1,["PatientNow Order Paid","PatientNow Birthday"]]'

# visit ID APPOINTMENT STATUS TIME: one of Ana's.
visit()
{
	event "appointment.$([ "$3" = booked ] && echo booked || echo status)" "$1" "$4" "{patient: \$ana} + visit(\"$2\"; \"$3\")"
}
anew
visit_fields='[.fields["PNOW Last Appt ID"], .fields["PNOW Appt Status"], .fields["Lead Status"]]'
is "a visit of the past" "$(visit v1 1 checked_out 2020-01-02T00:00:00Z | back | cut -d' ' -f1) $(ana "$visit_fields")" 'done ["1","Checked Out","Patient"]'
is "one to come, of which nobody knows when it was booked" "$(visit v2 2 booked 2020-01-02T00:00:00Z | jq -c 'del(.occurred)' | back | cut -d' ' -f1) $(ana "$visit_fields")" \
	'done ["2","Booked","Patient"]'
is "a live one: who was checked out is no lead, though no opportunity says so" "$(visit v3 3 booked 2022-01-02T00:00:00Z | live) $(ana "$visit_fields")" \
	'done ["3","Booked","Patient"]'
is "visits of before cost no call" "$(visit v4 4 checked_out 2021-01-02T00:00:00Z | back), $(visit v5 5 booked 2021-01-02T00:00:00Z | jq -c 'del(.occurred)' | back) $(ana "$visit_fields")" \
	'unchanged 0, unchanged 0 ["3","Booked","Patient"]'
is "nor does the patient's row: the live visit has brought the person's facts" \
	"$(event patient.created p 2020-01-01T00:00:00Z '{patient: ($ana + {last_name: "Lopes"})} | del(.occurred)' | back) $(ana .lastName)" 'unchanged 0 "Lopez"'
is "no opportunity was moved by history" "$(ana '[(.notes | length), (.opportunities | length), .tags]')" '[1,1,[]]'

is "what is backfilled and fails is tried again like any other" "$(
	anew
	fault 500 method=PUT count=20
	bill_event b 9 50.00 2022-01-02T10:00:00Z | back | cut -d' ' -f1
	faults_end
	state_later "$DIR/test.db" effect 60000
	bill_event b 9 50.00 2022-01-02T10:00:00Z | back | cut -d' ' -f1
	ana "$bill_fields")" $'failed\ndone\n["9","50.00"]'
finish
