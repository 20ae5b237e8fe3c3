# The work of categorize, crm-map and crm-push -n in jq, for events that are well made: no check of the input, phone numbers of
# one country, one practice's settings. For jq 1.6 and gojq.

def fold: ascii_downcase | split(" ") | join("");

# The sheet's text as an object.
def sheet($csv): $csv | split("\n")[1:-1] | map(split(",") | {key: (.[0] | fold), value: .[1]}) | from_entries;

def rows: {
	"Surgical Consult": {pipeline: "surgical", booked: "Consult Booked", checked_out: "Consult Complete"},
	"Surgical Appointment": {pipeline: "surgical", booked: "Surgery Scheduled", checked_out: "Surgery Complete"},
	"Non-Surgical Consult": {pipeline: "non-surgical", booked: "Booked", checked_out: "Patient"},
	"Non-Surgical Appointment": {pipeline: "non-surgical", booked: "Booked", checked_out: "Patient"}};

def categorize($sheet):
	if .appointment then
		$sheet[.appointment.type | fold] as $category
		| rows[$category // ""] as $row
		| if $category then .category = $category else . end
		| if $row then .pipeline = $row.pipeline | .stage = ($row[.appointment.status] // "Cancelled / No-Show") else . end
	else . end;

def filled: with_entries(select(.value != null and .value != ""));

def phone: (explode | map(select(. >= 48 and . <= 57)) | implode)
	| if length == 10 then "+1" + . elif length == 11 and .[:1] == "1" then "+" + . else null end;

def gender: {f: "female", female: "female", m: "male", male: "male", "non-binary": "other"}[ascii_downcase];

def shown: {booked: "Booked", checked_out: "Checked Out", cancelled: "Cancelled", no_show: "No-Show"}[.];

def named: {surgical: "Surgical", "non-surgical": "Non-Surgical"}[.];

def wins: . == "Patient" or . == "Surgery Complete";

def lines($head; $labelled): $head + ([$labelled[] | select(.[1]) | "\n\(.[0]): \(.[1])"] | add);

def contact($phone; $set; $fields): {op: "contact.upsert", match: ({pnow_id: .patient.id, email: .patient.email, $phone} | filled),
	set: ($set | filled), fields: ($fields | filled)};

def person($phone): {firstName: .patient.first_name, lastName: .patient.last_name, $phone, gender: (.patient.gender | gender)};

def visit($phone):
	.appointment as $a
	| (if .stage and (.stage | wins) then "Patient" else {lead: "Lead", patient: "Patient"} end) as $lead
	| [contact($phone; person($phone) + {email: .patient.email}; {"PNOW ID": .patient.id, "PNOW Primary Employee": $a.provider,
			"PNOW Location": $a.facility, "Lead Status": $lead, "Contact Type": $lead, "Appointment Category": .category,
			"PNOW Appt Status": ($a.status | shown), "PNOW Event Type": $a.event_type, "PNOW Appt Reason": $a.reason,
			"PNOW Appt Comments": $a.comments, "PNOW Last Appt ID": $a.id}
			+ if .type == "appointment.booked" then {"Next Visit Service": $a.type, "Next Visit Date": {time: $a.start}}
			  elif $a.status == "checked_out" then {"Last Visit Date": {date: $a.start[:10]}} else {} end),
		{op: "note.add", body: lines("PatientNow appointment"; [["Status", ($a.status | shown)], ["Event type", $a.event_type],
			["Reason", $a.reason], ["Category", .category // "none (\($a.type) is not in the sheet)"], ["Appointment ID", $a.id]])},
		{op: "workflow.add", workflow: "PatientNow Appointments Update"}]
	+ if .stage then [{op: "opportunity.move", pipeline: (.pipeline | named), stage,
		lead: (if .stage | wins then "won" else "open" end), patient: "won"}] else [] end;

def bill($phone):
	.bill as $b
	| ([$b.items[].name] | join(", ")) as $items
	| [contact($phone; {dateOfBirth: .patient.dob}; {"Invoice Paid Amount": {money: $b.total}, "PNOW Last Order ID": $b.id,
			"PNOW DOB": {date: .patient.dob}, "PNOW Primary Employee": $b.provider, "Last Visit Service": $items}),
		{op: "ltv.add", bill: $b.id, amount: $b.total},
		{op: "note.add", body: lines("PatientNow bill"; [["Order total", "$" + $b.total], ["Items", $items], ["Order ID", $b.id]])},
		{op: "workflow.add", workflow: "PatientNow Order Paid"},
		{op: "workflow.add", workflow: "PatientNow Birthday"},
		{op: "opportunity.value", pipelines: ["Non-Surgical"]}];

def membership($phone):
	.membership as $m
	| [contact($phone; {}; {"PNOW Membership ID": $m.id, "PNOW Membership Program Name": $m.program,
			"PNOW Membership Sold Date": {date: $m.sold_date}, "PNOW Membership Amount": {money: $m.amount}}),
		{op: "tag.add", tags: ["Membership - " + $m.program]},
		{op: "workflow.add", workflow: "PatientNow Membership Update"}];

def crm_map:
	if .type == "contact.tagged" then . else
		(.patient.phone | phone) as $phone
		| if $phone then . else .warnings = ["patient.phone is no phone number: left out"] end
		| .actions = (
			if .appointment then visit($phone)
			elif .bill then bill($phone)
			elif .membership then membership($phone)
			elif .type == "patient.updated" then
				[contact($phone; person($phone); {"PNOW ID": .patient.id, "PNOW Unsubscribed": (.patient.unsubscribed | tostring)})]
			else
				[contact($phone; person($phone) + {email: .patient.email, source: .patient.referral_source}; {"PNOW ID": .patient.id})]
			end)
	end;

def field_value: if type == "object" then .money // .date // .time[:10] else . end;

def custom_fields: [to_entries[] | {id: "{field:\(.key)}", field_value: (.value | field_value)}];

# One action's requests; $event is what it is of.
def requests($event):
	if .op == "contact.upsert" then
		(.fields | with_entries(select(.value | type == "object" and has("lead") | not)) | custom_fields) as $plain
		| (.fields | with_entries(select(.value | type == "object" and has("lead")) | .value |= .lead) | custom_fields) as $lead
		| {method: "POST", path: "/contacts/upsert", body: ({locationId: "ve9EPM428h8vShlRW1KT"} + .set
			+ (.match | {email, phone} | filled) + {customFields: $plain})},
		  if $lead != [] then {method: "PUT", path: "/contacts/{contact}", body: {customFields: $lead}} else empty end
	elif .op == "ltv.add" then {method: "PUT", path: "/contacts/{contact}", body: {customFields: [
		{id: "{field:Patient Lifetime Value}", field_value: "{Patient Lifetime Value + \(.amount)}"}]}}
	elif .op == "note.add" then {method: "POST", path: "/contacts/{contact}/notes", body: {body}}
	elif .op == "tag.add" then {method: "POST", path: "/contacts/{contact}/tags", body: {tags}}
	elif .op == "workflow.add" then {method: "POST", path: "/contacts/{contact}/workflow/{workflow:\(.workflow)}", body: {}}
	elif .op == "opportunity.move" then {method: "POST", path: "/opportunities/", body: {pipelineId: "{pipeline:\(.pipeline)}",
		locationId: "ve9EPM428h8vShlRW1KT", name: "\($event.patient.first_name) \($event.patient.last_name)",
		pipelineStageId: "{stage:\(.stage)}", status: .lead, contactId: "{contact}"}}
	else {method: "PUT", path: "/opportunities/{opportunity}", body: {monetaryValue: "{Patient Lifetime Value}"}} end;

def push: . as $event | .actions // [] | .[] | {id: $event.id} + requests($event);
