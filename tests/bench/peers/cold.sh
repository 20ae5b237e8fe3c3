#!/bin/sh
# cold.sh API NAMES: a webhook of a booked appointment, on standard input, carried out with jq and curl: the calls that pnow-sync
# makes for a patient who is new to the CRM. NAMES has the CRM's ids of fields, pipelines and workflows.
set -e
api=$1 names=$2 location=ve9EPM428h8vShlRW1KT
event=$(cat)

crm() {
	curl -sSf -X "$1" "$api/crm$2" -H 'Version: 2021-07-28' -H 'Authorization: Bearer sandbox-crm-token' \
		-H 'Content-Type: application/json' -d "$3"
}

patient=$(curl -sSf "$api/patientnow/patients/$(printf %s "$event" | jq -r .data.patientId)?practiceId=4711" \
	-H 'Authorization: sandbox-pnp-token')
contact=$(crm POST /contacts/upsert "$(printf %s "$event" | jq -c --argjson patient "$patient" --slurpfile names "$names" --arg location "$location" '
	def id($name): $names[0].customFields[] | select(.name == $name).id;
	{locationId: $location, firstName: $patient.firstName, lastName: $patient.lastName, email: $patient.email,
		phone: ("+1" + ($patient.cellPhone | gsub("[^0-9]"; ""))), gender: "female",
		customFields: ([["PNOW ID", $patient.patientId], ["PNOW Primary Employee", .data.provider], ["PNOW Location", .data.facility],
			["Appointment Category", "Non-Surgical Appointment"], ["PNOW Appt Status", .data.status],
			["PNOW Event Type", .data.eventType], ["PNOW Appt Reason", .data.reason], ["PNOW Appt Comments", .data.comments],
			["PNOW Last Appt ID", .data.appointmentId], ["Next Visit Service", .data.appointmentType],
			["Next Visit Date", .data.startTime[:10]]] | map({id: id(.[0]), field_value: .[1]}))}')" | jq -r .contact.id)
crm PUT "/contacts/$contact" "$(jq -c '[.customFields[] | select(.name == "Lead Status" or .name == "Contact Type") | {id, field_value: "Lead"}]
	| {customFields: .}' "$names")" >/dev/null
crm POST "/contacts/$contact/notes" "$(printf %s "$event" | jq -c '{body: "PatientNow appointment\nStatus: \(.data.status)\nEvent type: \(.data.eventType)\nReason: \(.data.reason)\nCategory: Non-Surgical Appointment\nAppointment ID: \(.data.appointmentId)"}')" >/dev/null
crm POST "/contacts/$contact/workflow/$(jq -r '.workflows[] | select(.name == "PatientNow Appointments Update").id' "$names")" '{}' >/dev/null
crm POST /opportunities/ "$(jq -c --argjson patient "$patient" --arg contact "$contact" --arg location "$location" '
	.pipelines[] | select(.name == "Non-Surgical") | {pipelineId: .id, locationId: $location,
		name: "\($patient.firstName) \($patient.lastName)", pipelineStageId: (.stages[] | select(.name == "Booked").id), status: "open",
		contactId: $contact}' "$names")" >/dev/null
