#!/usr/bin/env bash
# The CRM and PatientNow repeat in their messages what was sent to them: a name, an e-mail, a phone, a comment. What they say is
# passed on, without the person: results, standard error, the inbox's attempts, its trace, the ledger and the audit hold nothing of
# it.
# For the contract that is nothing new.
PNOW_REQUESTS=
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"
export PNOW_CONFIG=$DIR/test.json
bo='{id: "10236", first_name: "Bo", last_name: "Quisling", email: "bo.q@quisling.example", phone: "(303) 555-0199", gender: "F", dob: "1984-03-02"}'
about='\b(Bo|Quisling|bo\.q|ferrets|1984)\b|quisling|555.?0199|5550199'

# begin: nobody in the CRM, one patient in PatientNow.
begin()
{
	sandbox_stop
	rm -f "$DIR"/test.db*
	seed '.patientnow.patients = [{patientId: "10236", firstName: "Bo", lastName: "Quisling", email: "bo.q@quisling.example",
		cellPhone: "(303) 555-0199"}]
		| .crm.locations[0].contacts = [{id: "contact1", firstName: "Bo", lastName: "Quisling", email: "bo.q@quisling.example",
		phone: "+13035550199", gender: "female", tags: ["pnowcreate"]}]'"${1:-}"
	sandbox
	practice test
	: >"$DIR/told"
}

# sync: events on standard input through the inbox and all filters; what is told, in $DIR/told.
sync()
{
	pnow-inbox -v add >>"$DIR/told" 2>&1
	pnow-inbox -v run -1 -- bash -c 'pnow-sync -c "$PNOW_CONFIG" | tee -a "$1"' sync "$DIR/results" 2>>"$DIR/told"
	cat "$DIR/results" >>"$DIR/told"
}

# kept: what is known of everything, but the bodies that are kept.
kept()
{
	local key
	for key in 10236 88123 991 contact1; do
		pnow-inbox trace "$key"
	done
	pnow-inbox list -n 100
	sqlite3 "$DIR/test.db" .dump | grep -vE '^INSERT INTO body '
}

# silent PROMISE: nobody is told of the person; and there was something to tell.
silent()
{
	kept >>"$DIR/told" 2>&1
	is "$1" "$(grep -aiE "$about" "$DIR/told" | sort -u | cut -c1-300 | head -n 5)" ''
	[ "$(at_sandbox requests | jq -c 'select(.status == 422 and .fault == "quote")' | wc -l)" -gt 0 ]
	point '... and it was repeated'
}

events()
{
	event patient.created "a$1" 2026-12-01T10:00:00Z "{patient: $bo}"
	event appointment.booked "b$1" 2026-12-01T11:00:00Z "{patient: $bo} + visit(\"88123\"; \"booked\") | .appointment.comments = \"two ferrets\""
	event bill.completed "c$1" 2026-12-01T12:00:00Z "{patient: $bo} + bill(\"991\"; \"450.00\")"
}

# --- The CRM

for of in email phone firstName lastName name body field_value; do
	begin '| .crm.locations[0].contacts = []'
	rm -f "$DIR/results"
	fault quote api=crm "of=$of"
	events 1 >"$DIR/events"
	sync <"$DIR/events"
	faults_end
	events 2 | sync
	fault quote api=crm "of=$of"
	events 3 | jq -c '.occurred = "2026-12-02T10:00:00Z" | (.appointment | objects).status = "checked_out"
		| (.bill | objects).total = "460.00"' | sync
	categorize <"$DIR/events" | crm-map | crm-push -C >>"$DIR/told" 2>&1
	silent "the CRM repeats the member $of: nobody is told"
done
begin
rm -f "$DIR/results"
fault quote api=crm of=email
events 1 | sync
like 'what the CRM says without the person is told' "$(jq -r '.error.message // empty' "$DIR/results" | head -n 1)" \
	'PUT /contacts/contact1: 422: property email must not be ?'

# --- PatientNow

for of in lastName email cellPhone; do
	begin
	rm -f "$DIR/results"
	fault quote api=patientnow "of=$of"
	{
		event contact.tagged t1 2026-12-01T10:00:00Z '{payload: {type: "ContactTagUpdate", id: "contact1", firstName: "Bo", lastName: "Quisling",
			email: "bo.q@quisling.example", phone: "+13035550199", tags: ["pnowcreate"]}}'
		event patient.updated t2 2026-12-01T10:00:00Z '{payload: {data: {patientId: "10236"}}, patient: {id: "10236"}}'
	} | sync
	pnow-fetch patient 10236 >>"$DIR/told" 2>&1
	silent "PatientNow repeats the member $of: nobody is told"
done
finish
