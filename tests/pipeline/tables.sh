#!/usr/bin/env bash
# Every row of the pipeline tables, as an HTTP request: what the contact, its note, its enrolment and its opportunities are
# then. Three kinds of contact: unknown, a lead with an open opportunity in both pipelines, a patient with a won one.
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"
posting=() running=()

# The appointment types, and for each kind of practice: category | pipeline | stage when booked | when checked out
types='Rhinoplasty Consult|Rhinoplasty|Skin Consult|Botox|Lunch|Stitches|Lab Work|Mystery'
tables='{
"both": {
  "Rhinoplasty Consult": ["Surgical Consult", "Surgical", "Consult Booked", "Consult Complete"],
  "Rhinoplasty": ["Surgical Appointment", "Surgical", "Surgery Scheduled", "Surgery Complete"],
  "Skin Consult": ["Non-Surgical Consult", "Non-Surgical", "Booked", "Patient"],
  "Botox": ["Non-Surgical Appointment", "Non-Surgical", "Booked", "Patient"],
  "Lunch": ["Block"], "Stitches": ["Post-Op"], "Lab Work": ["Pre-Op"], "Mystery": []},
"both-stages": {
  "Rhinoplasty Consult": ["Surgical Consult", "Surgical", "Consult Booked", "Consult Complete"],
  "Rhinoplasty": ["Surgical Appointment", "Surgical", "Surgery Scheduled", "Surgery Complete"],
  "Skin Consult": ["Non-Surgical Consult", "Non-Surgical", "Consult Booked", "Consult Completed"],
  "Botox": ["Non-Surgical Appointment", "Non-Surgical", "Booked", "Patient"],
  "Lunch": ["Block"], "Stitches": ["Post-Op"], "Lab Work": ["Pre-Op"], "Mystery": []},
"non-surgical": {
  "Rhinoplasty Consult": ["Non-Surgical Consult", "Non-Surgical", "Booked", "Patient"],
  "Rhinoplasty": ["Non-Surgical Appointment", "Non-Surgical", "Booked", "Patient"],
  "Skin Consult": ["Non-Surgical Consult", "Non-Surgical", "Booked", "Patient"],
  "Botox": ["Non-Surgical Appointment", "Non-Surgical", "Booked", "Patient"],
  "Lunch": ["Block"], "Stitches": ["Post-Op"], "Lab Work": ["Pre-Op"],
  "Mystery": ["Non-Surgical Appointment", "Non-Surgical", "Booked", "Patient"]},
"non-surgical-stages": {
  "Rhinoplasty Consult": ["Non-Surgical Consult", "Non-Surgical", "Consult Booked", "Consult Completed"],
  "Rhinoplasty": ["Non-Surgical Appointment", "Non-Surgical", "Booked", "Patient"],
  "Skin Consult": ["Non-Surgical Consult", "Non-Surgical", "Consult Booked", "Consult Completed"],
  "Botox": ["Non-Surgical Appointment", "Non-Surgical", "Booked", "Patient"],
  "Lunch": ["Block"], "Stitches": ["Post-Op"], "Lab Work": ["Pre-Op"],
  "Mystery": ["Non-Surgical Appointment", "Non-Surgical", "Booked", "Patient"]}}'

# Each case: its practice, type, status, kind of contact, number, webhook, and the contact as it must be then.
cases=$(jq -nc --arg types "$types" --argjson tables "$tables" --arg main "$MAIN" '
	{booked: "Booked", checked_out: "Checked Out", cancelled: "Cancelled", no_show: "No-Show"} as $shown
	| [$tables | keys_unsorted[] as $practice | $types | split("|")[] as $type | $shown | keys_unsorted[] as $status
		| ("new", "lead", "patient") as $who | {$practice, $type, $status, $who}]
	| to_entries[] | .key as $n | .value | .n = $n | .email = "p\($n)@example.com"
	| ($tables[.practice][.type]) as $row
	| (if .status == "booked" then $row[2] elif .status == "checked_out" then $row[3] elif $row[1] then "Cancelled / No-Show"
		else null end) as $stage
	| ($stage == "Patient" or $stage == "Surgery Complete") as $wins
	| (.who == "patient" or $wins) as $patient
	| .had = {new: [], lead: [{pipeline: "Surgical", stage: "Consult Booked", status: "open", name: "P \($n)"},
			{pipeline: "Non-Surgical", stage: "Booked", status: "open", name: "P \($n)"}],
		patient: [{pipeline: "Years Ago", stage: "Won", status: "won", name: "P \($n)"}]}[.who]
	| .body = {event: (if .status == "booked" then "AppointmentCreated" else "AppointmentStatusChanged" end), eventId: "e\($n)",
		occurredAt: "2026-11-20T16:05:00Z", practiceId: "4711", data: {appointmentId: "a\($n)", patientId: "\($n)",
			appointmentType: .type, status: $shown[.status], startTime: "2026-12-01T15:30:00-07:00", provider: "Dr. Reyes",
			facility: "Downtown", reason: "New patient", comments: "bring forms", eventType: "Office Visit"}}
	| .want = {locationId: $main, firstName: "P", lastName: "\($n)", email, phone: "+1303555\(1000 + $n)", tags: [],
		fields: ({"PNOW ID": "\($n)", "PNOW Primary Employee": "Dr. Reyes", "PNOW Location": "Downtown",
			"Lead Status": (if $patient then "Patient" else "Lead" end),
			"Contact Type": (if $patient then "Patient" else "Lead" end), "PNOW Appt Status": $shown[.status],
			"PNOW Event Type": "Office Visit", "PNOW Appt Reason": "New patient", "PNOW Appt Comments": "bring forms",
			"PNOW Last Appt ID": "a\($n)"}
			+ (if $row[0] then {"Appointment Category": $row[0]} else {} end)
			+ (if .status == "booked" then {"Next Visit Service": .type, "Next Visit Date": "2026-12-01"} else {} end)
			+ (if .status == "checked_out" then {"Last Visit Date": "2026-12-01"} else {} end)),
		notes: ["PatientNow appointment\nStatus: \($shown[.status])\nEvent type: Office Visit\nReason: New patient\nCategory: "
			+ ($row[0] // "none (\(.type) is not in the sheet)") + "\nAppointment ID: a\($n)"],
		workflows: ["PatientNow Appointments Update"],
		opportunities: ((if $patient then "won" else "open" end) as $won
			| if $stage == null then .had
			elif any(.had[]; .pipeline == $row[1]) then .had | map(if .pipeline == $row[1] then .stage = $stage | .status = $won
				else . end)
			else .had + [{pipeline: $row[1], $stage, status: $won, name: "P \($n)"}] end)}
	# a contact that the CRM has already keeps the gender it has, none
	| if .who == "new" then .want.gender = "female" else . end')

jq -s '[.[] | {patientId: "\(.n)", firstName: "P", lastName: "\(.n)", email, cellPhone: "303555\(1000 + .n)", gender: "F"}] as $patients
	| [.[] | select(.who != "new") | {firstName: "P", lastName: "\(.n)", email, phone: "+1303555\(1000 + .n)",
		opportunities: .had}] as $contacts | {$patients, $contacts}' <<<"$cases" >"$DIR/people.json"
seed '.patientnow.patients = $people[0].patients | .crm.locations[0].contacts = $people[0].contacts
	| .crm.locations[0].pipelines += [{name: "Years Ago", stages: ["Won"]}]' --slurpfile people "$DIR/people.json"
sandbox
practice both .
practice both-stages '.consult_stages = true'
practice non-surgical '.pipelines = "non-surgical"'
practice non-surgical-stages '.pipelines = "non-surgical" | .consult_stages = true'
practices=(both both-stages non-surgical non-surgical-stages)
configurations=("${practices[@]/%/.json}")
hook_start "${configurations[@]/#/-c$DIR/}"

# Four at a time, one for each practice.
for practice in "${practices[@]}"; do
	jq -c --arg practice "$practice" 'select(.practice == $practice) | .body' <<<"$cases" | while read -r body; do
		post "$practice" "$body"
		echo
	done >"$DIR/answers.$practice" &
	posting[${#posting[@]}]=$!
done
wait "${posting[@]}"
for practice in "${practices[@]}"; do
	pnow-inbox -c "$DIR/$practice.json" run -1 -- pnow-sync 2>>"$DIR/err" &
	running[${#running[@]}]=$!
done
wait "${running[@]}"
for practice in "${practices[@]}"; do
	state_sql "$DIR/$practice.db" 'SELECT result FROM attempt'
done >"$DIR/results"

is 'every webhook is answered 200' "$(cat "$DIR"/answers.* | sort | uniq -c | tr -s ' ')" " $(wc -l <<<"$cases") 200"
is 'every event is carried out once' "$(jq -r .id "$DIR/results" | sort | uniq -c | awk '{print $1}' | sort | uniq -c | tr -s ' ')" " $(wc -l <<<"$cases") 1"
jq -c 'select(.status != "done" or (.warnings | length) > 0) | {id, status, warnings, error}' "$DIR/results" >"$DIR/odd"
# the CRM takes no gender of a contact that exists: that is told
is 'every event is done, and all that is warned of is the gender of a contact that was there' \
	"$(jq -r '.status, .warnings[]' "$DIR/odd" | sort -u)" \
	"$(printf '%s\n' 'done' 'gender was not set: the CRM takes it only when a contact is made')"

contacts >"$DIR/state"
jq -c --slurpfile state "$DIR/state" '([$state[0][] | {(.email): .}] | add) as $held
	| {promise: "\(.practice): \(.type), \(.status), \({new: "unknown", lead: "lead", patient: "patient"}[.who]): \(
		.want.opportunities | map(select(.pipeline != "Years Ago")) | map("\(.pipeline): \(.stage), \(.status)") | join("; ")
		| if . == "" then "no opportunity" else . end)", want, got: $held[.email], equal: ($held[.email] == .want)}' \
	<<<"$cases" >"$DIR/compared"
while IFS=$'\t' read -r promise equal want got; do
	[ "$equal" = true ]
	point "$promise" "want: $want" "got:  $got"
done < <(jq -r '[.promise, .equal, (.want | tojson), (.got | tojson)] | join("\t")' "$DIR/compared")
is 'nothing else is in the CRM' "$(jq length "$DIR/state")" "$(wc -l <<<"$cases")"
finish
