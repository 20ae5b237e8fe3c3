# What a CRM holds after webhooks (standard input, in the order in which they came, each once), reckoned from the workflows
# alone: jq -n --slurpfile patients FILE -f expect.jq. An object for each contact by its key: e-mail, else phone.

def categories: {"Rhinoplasty Consult": "Surgical Consult", "Rhinoplasty": "Surgical Appointment",
	"Facelift Consult": "Surgical Consult", "Injectables Consult": "Non-Surgical Consult",
	"Botox": "Non-Surgical Appointment", "Hydrafacial": "Non-Surgical Appointment", "Laser": "Non-Surgical Appointment",
	"Pre-Op Visit": "Pre-Op", "Post-Op Visit": "Post-Op"};
def stages: {"Surgical Consult": {"Booked": "Consult Booked", "Checked Out": "Consult Complete"},
	"Surgical Appointment": {"Booked": "Surgery Scheduled", "Checked Out": "Surgery Complete"},
	"Non-Surgical Consult": {"Booked": "Booked", "Checked Out": "Patient"},
	"Non-Surgical Appointment": {"Booked": "Booked", "Checked Out": "Patient"}};
def shown: if . == "Confirmed" then "Booked" elif . == "No Show" then "No-Show" else . end;
def cents: tonumber * 100 | round;
def dollars: (if . < 0 then "-$" else "$" end)
	+ (fabs | "\(. / 100 | floor).\(. % 100 | tostring | if length < 2 then "0" + . else . end)");

# Whether the event brings something new about its subject; its state is then kept. An appointment that is still as it was is
# the contact's last one again where another had come between: fields and stage, and no second note.
def news($subject; $state): .told[$subject] as $was
	| if $was and ($was.state == $state or .event.occurredAt < $was.at) then .new = false
		else .new = true | .told[$subject] = {$state, at: .event.occurredAt} end;
def enrol($workflow): .workflows += ["PatientNow " + $workflow];

def visit: .event.data as $d | ($d.status | shown) as $status | categories[$d.appointmentType] as $category
	| ("appointment/" + $d.appointmentId) as $subject | .told[$subject] as $was | ($status + " " + $d.startTime) as $state
	| ($was != null and $was.state == $state and .event.occurredAt >= $was.at) as $still
	| ($still and .visit != $d.appointmentId and .event.occurredAt > .told["appointment/" + .visit].at) as $again
	| news($subject; $state) | if $still then .told[$subject].at = .event.occurredAt else . end
	| if .new or $again | not then . else
		(if .new then .notes += ["PatientNow appointment\nStatus: \($status)\nEvent type: Office Visit\nReason: \($d.reason)\nCategory: "
			+ ($category // "none (\($d.appointmentType) is not in the sheet)") + "\nAppointment ID: \($d.appointmentId)"]
			| enrol("Appointments Update") else . end)
		| .name = $d.firstName | .visit = $d.appointmentId | .status = $status
		| if stages[$category // ""] then
			(stages[$category][$status] // "Cancelled / No-Show") as $stage
			| (if $category | startswith("Surgical") then "Surgical" else "Non-Surgical" end) as $pipeline
			| .patient = (.patient or ($stage | IN("Patient", "Surgery Complete")))
			| .opportunities[$pipeline] += {$stage, status: (if .patient then "won" else "open" end)}
			else . end
		end;

# A negative one is a correction: it counts, and a note says so.
def bill: .event.data as $d | ($d.total | cents) as $total | ($total < 0) as $correction | news("bill/" + $d.billId; $total)
	| if .new | not then . else
		.notes += ["PatientNow bill\n\(if $correction then "Status: Refunded\n" else "" end)Order total: \($total | dollars)\nItems: Botox, Dysport\nOrder ID: \($d.billId)"]
		| if .paid[$d.billId] or $correction then . else .paid[$d.billId] = true | enrol("Order Paid") | enrol("Birthday") end
		| .bills[$d.billId] = $total | if $correction then . else .bill = $d.billId end | .ltv = .before + ([.bills[]] | add)
		| .patient = (.patient or $total > 0) | .ltv as $ltv | .patient as $patient
		| if .opportunities["Non-Surgical"] then .opportunities["Non-Surgical"] |= (.value = $ltv
			| if $patient then .status = "won" else . end) else . end
		end;

def membership: .event.data as $d | news("membership/" + $d.membershipId; "")
	| if .new then .tags = (.tags + ["Membership - " + $d.programName] | unique) | enrol("Membership Update") else . end;

def apply: if .event.event | startswith("Appointment") then visit
	elif .event.event == "PatientBillCompleted" then bill
	elif .event.event == "MembershipCreated" then membership
	elif .event.event | startswith("Patient") then 
		.name = (.event.data.firstName // "Seed\(.event.data.patientId | tonumber - 100000)")
	else . end;

($patients | map({(.patientId): .}) | add) as $of
| [inputs | . + {key: $of[.data.patientId].key, who: .data.patientId, seeded: $of[.data.patientId].seeded}]
| map(select(.key != "" and .event != "WaitlistChanged")) | group_by(.key)
| map({(.[0].key): (
	(if any(.[]; .seeded) then {before: 10025, tags: ["vip"], opportunities: {"Non-Surgical": {stage: "Booked", status: "open"}}}
		else {before: 0, tags: [], opportunities: {}} end) as $begin
	| ($begin + {ltv: $begin.before, notes: [], workflows: [], told: {}, bills: {}, paid: {}, patient: false,
		shared: (map(.who) | unique | length > 1)}) as $begin
	| reduce .[] as $event ($begin; .event = $event | apply)
	| del(.event, .told, .bills, .paid, .before, .new))})
| add
