# shellcheck shell=bash
# Calls of each type of event, as the sandbox counted them: with nothing known (a new state file, a patient new to the CRM),
# with the names known, with the contact known too, and for the same event again. The bodies are the examples', which tell of
# the patient only the id.
# shellcheck disable=SC2154 # from common.bash

# counted ID: an event of that delivery id through pnow-sync; the calls to the CRM, and to PatientNow.
counted()
{
	curl -sS -X DELETE "$api/_/requests" >requests
	jq -c --arg id "$1" '.eventId = $id | .data |= with_entries(if .key | IN("appointmentId", "billId", "membershipId") then .value = $id else . end)' \
		"$root/examples/webhooks/$2.json" | pnow-sync >result 2>run.err
	curl -sS "$api/_/requests" | jq -rs '"\(map(select(.api == "crm")) | length)+\(map(select(.api != "crm")) | length)"'
}

# Forgets which contact a patient is, here and in the CRM.
forget()
{
	curl -sS -X POST "$api/_/reset" >reset
	sqlite3 calls/glow-denver.db 'DELETE FROM contact; DELETE FROM opportunity; DELETE FROM cache'
}

bench_calls()
{
	local type all named known again n=0
	sandbox 1
	title 'calls of an event: CRM+PatientNow' 'new state' 'new contact' 'known' 'again'
	for type in patient.updated patient.created appointment.booked appointment.status bill.completed membership.created; do
		rm -rf calls
		practice calls
		curl -sS -X POST "$api/_/reset" >reset
		n=$((n + 10))
		all=$(counted $((n + 1)) "$type")
		forget
		named=$(counted $((n + 2)) "$type")
		known=$(counted $((n + 3)) "$type")
		again=$(counted $((n + 3)) "$type")
		row "  $type" "$all" "$named" "$known" "$again"
	done
	stop
}
