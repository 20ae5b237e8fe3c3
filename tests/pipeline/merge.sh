#!/usr/bin/env bash
# Two patients whom PatientNow has merged, told by an event or by the answer for the old id: one contact has the bills and memberships of
# both, to the cent, in every order of arrival and after every interruption; the other contact is left to staff, who are told.
# shellcheck source=tests/pipeline/common.bash disable=SC2119,SC2154 # from tap.sh
. "$(dirname "$0")/common.bash"
export PNOW_CONFIG=$DIR/test.json
orders=120
! sanitized || orders=24

# --- In every order: old's bill (450), survivor's bill (80.25), the merge, a refund of old's bill by the old id (50), old's membership

seed '.crm.locations[0].contacts = [range('$orders') | "old\(.)", "new\(.)" | {email: "\(.)@example.com",
	opportunities: [{name: "P", pipeline: "Non-Surgical", stage: "Booked", status: "open"}]}]'
sandbox
practice test
jq -nc --argjson orders $orders '
	def orders: if length == 0 then [] else . as $all | range(length) as $i | [$all[$i]] + ($all[:$i] + $all[$i + 1:] | orders) end;
	def body($event; $n; $who; $at; $data): {event: $event, eventId: "\($n)-\($at)", occurredAt: "2026-01-01T10:00:\($at)Z",
		data: ({patientId: "\($who)\($n)", firstName: "P", lastName: "Q", email: "\($who)\($n)@example.com", cellPhone: "", dateOfBirth: ""} + $data)};
	[["bill", "old", "01", "1", {total: "450.00"}], ["bill", "new", "02", "2", {total: "80.25"}], ["merge", "new", "03", "", {}],
		["bill", "old", "04", "3", {total: "50.00", refundOf: "1"}], ["member", "old", "05", "4", {}]] | [orders]
	| to_entries[] | select(.key < $orders) | .key as $n | .value[] | . as [$what, $who, $at, $id, $more]
	| {bill: body("PatientBillCompleted"; $n; $who; $at; {billId: "\($n)/\($id)", billDate: "2026-01-01"} + $more
			| if .refundOf then .refundOf |= "\($n)/\(.)" else . end),
		merge: body("PatientMerged"; $n; $who; $at; {mergedFrom: "old\($n)"}),
		member: body("MembershipCreated"; $n; $who; $at; {membershipId: "\($n)/m", programName: "Glow Club", amount: "129.00"})}[$what]' >"$DIR/bodies"
pnow-enrich -j 1 <"$DIR/bodies" 2>"$DIR/err" | categorize | crm-map | tee "$DIR/mapped" | crm-push -j 1 >"$DIR/results"
is 'all are settled' "$(jq -r '.status' "$DIR/results" | sort | uniq -c | xargs)" "$((orders * 5)) done"


# What the contacts of each person have, and how many persons have that: the survivor's PNOW ID, lifetime value, opportunity's value,
# membership, tags; the other's values.
people()
{
	at_sandbox state | jq -r '[.contacts[] | {n: (.email | gsub("[^0-9]"; "")), id: (.fields["PNOW ID"] // ""),
			value: (.fields["Patient Lifetime Value"] // "0.00"), worth: (0 + ([.opportunities[].monetaryValue // 0] | add)),
			member: (.fields["PNOW Membership ID"] // "none"), tags: (.tags | join(","))}]
		| group_by(.n)[] | sort_by(.id == "") | map(if .id == "" then "other: \(.value) \(.worth)"
			else "\(.id | gsub("[0-9]"; "")): \(.value) \(.worth) \(.member | gsub("^[0-9]*/"; "")) \(.tags)" end) | join("; ")' |
		sort | uniq -c | sed 's/^ *//'
}
merged='new: 480.25 480.25 m Membership; other: 0.00 0'
is 'in every order one contact has the bills and the membership of both, to the cent, and the other nothing of them' "$(people)" "$orders $merged"
is 'staff are told of each other contact, once, what to do with it' \
	"$(jq -r '.warnings[]' "$DIR/results" | sed -n 's/.* in the CRM, merge contact \([^ ]*\) into it$/\1/p' | sort)" \
	"$(state_sql "$DIR/test.db" 'SELECT contact FROM left_contact ORDER BY 1')"
crm-push -C -v <"$DIR/mapped" >"$DIR/found" 2>"$DIR/err"
is 'the audit finds nothing' "$(jq -c '.differences // .error' "$DIR/found" | head -n 3)" ''
pnow-enrich <"$DIR/bodies" 2>"$DIR/err" | categorize | crm-map | crm-push >"$DIR/again"
is 'run again, whole, nothing is news' "$(jq -r .status "$DIR/again" | sort | uniq -c | xargs) $(people)" "$((orders * 5)) unchanged $orders $merged"

# --- What is known of either is found by both ids, and is in a dump

pnow-inbox trace old0 >"$DIR/old"
pnow-inbox trace new0 >"$DIR/new"
is 'trace knows either id' "$(grep -c . "$DIR/old") $(diff "$DIR/old" "$DIR/new")" "$(grep -c . "$DIR/new") "
is 'and when the one became the other' "$(jq -c 'select(.what == "merged") | [.patient, .detail]' "$DIR/old")" '["old0","into new0"]'
pnow-inbox dump >"$DIR/dump"
jq '.state = "other.db"' "$DIR/test.json" >"$DIR/other.json"
on_engine "$DIR/other.json"
pnow-inbox -c "$DIR/other.json" load <"$DIR/dump" >/dev/null 2>"$DIR/err"
head -n 5 "$DIR/bodies" | PNOW_CONFIG=$DIR/other.json bash -c 'pnow-enrich | categorize | crm-map | crm-push' >"$DIR/again" 2>>"$DIR/err"
is 'a state that was loaded knows it, too' "$(jq -r .status "$DIR/again" | sort | uniq -c | xargs) $(people)" "5 unchanged $orders $merged"

# --- Killed at each request, or its answer lost: pairs of patients, each with a contact, and a request for each of them

pairs=30
told() # WHO AT TYPE PATIENT FACTS: an event of each pair
{
	local n line
	line=$(event "$3" "#-$2" "2026-01-01T10:00:0$2Z" "{patient: ({id: \"$1#\", email: \"$1#@example.com\"} + $4)} $5")
	for ((n = 0; n < pairs; n++)); do
		printf '%s\n' "${line//#/$n}"
	done
}
sandbox_stop
seed '.crm.locations[0].contacts = [range('$pairs') | "old\(.)", "new\(.)" | {email: "\(.)@example.com",
	opportunities: [{name: "P", pipeline: "Non-Surgical", stage: "Booked", status: "open"}]}]'
sandbox
practice test
state_remove "$DIR/test.db"
{
	told old 1 bill.completed '{}' '+ bill("#/1"; "400.00")'
	told new 2 bill.completed '{}' '+ bill("#/2"; "80.25")'
	told old 3 membership.created '{}' '+ {membership: {id: "#/m", program: "Glow Club"}}'
} | push >"$DIR/before"
told new 4 patient.updated '{merged_from: ["old#"]}' '' | categorize | crm-map >"$DIR/merges"
told old 5 bill.completed '{}' '+ bill("#/1"; "390.00")' | categorize | crm-map >"$DIR/later"
# Notes and enrolments of all.
told_crm()
{
	at_sandbox state | jq '[.contacts[] | (.notes, .workflows | length)] | add'
}
before=$(told_crm)
at_sandbox requests DELETE
is 'a dry run shows what becomes of the two contacts, and asks the CRM nothing' \
	"$(sed 1q "$DIR/merges" | crm-push -n | jq -r '[.method, (.path | split("/")[3]), .body.customFields[0].field_value] | join(" ")' | xargs) $(
		requests .n | wc -l)" 'PUT PUT new0 POST tags PUT new0 0'
sed 1q "$DIR/merges" | crm-push >"$DIR/results"
requests=$(requests .n | wc -l)
for ((n = 0; n < requests; n++)); do
	fault delay ms=60000 "skip=$n" count=1 # which ends when the client goes; then it is done
	sed "$((n + 2))!d" "$DIR/merges" | crm-push >"$DIR/results" 2>>"$DIR/err" &
	process=$!
	until_true matches '"left": ?0' faults || echo "$n: the fault was not met" >&2
	kill -KILL $process
	wait $process 2>/dev/null
	until_true eval '[ "$(at_sandbox requests | grep -c "\"fault\": *\"delay\"")" -gt '"$n"' ]'
	faults_end
	state_later "$DIR/test.db" effect 60000 # what another host may have begun has ended
	fault reset-after "skip=$n" count=1
	sed "$((n + requests + 2))!d" "$DIR/merges" | crm-push >"$DIR/results" 2>>"$DIR/err"
	faults_end
done
state_later "$DIR/test.db" effect 60000
crm-push <"$DIR/merges" >"$DIR/results" 2>>"$DIR/err"
is "interrupted at each of $requests requests, and tried again: all are merged" \
	"$((requests * 2 < pairs)) $(jq -r .status "$DIR/results" | sed 's/unchanged/done/' | sort | uniq -c | xargs) $(people)" "1 $pairs done $pairs $merged"
is 'without a second note or enrolment' "$(told_crm)" "$before"
crm-push <"$DIR/later" >"$DIR/results" 2>>"$DIR/err"
is 'and a later event of the old id counts with the one contact' "$(jq -r .status "$DIR/results" | sort | uniq -c | xargs) $(people)" \
	"$pairs done $pairs ${merged//480/470}"

# --- Events that wait keep their order across the ids, from when it is known

done_in_order()
{
	pnow-inbox run -1 -- jq -c --unbuffered '{id, status: "done"}' >/dev/null 2>>"$DIR/err"
	jq -nr '[inputs.id] | join(" ")' <(pnow-inbox list -s 'done')
}
visit() # ID PATIENT
{
	event appointment.booked "$1" 2026-01-01T11:00:00Z "{patient: {id: \"$2\"}} + visit(\"$1\"; \"booked\")" | pnow-inbox add >/dev/null
}
visit a oldest
event patient.updated m 2026-01-01T12:00:00Z '{patient: {id: "newest", merged_from: ["oldest"]}}' | crm-map | crm-push >"$DIR/results"
pnow-inbox run -1 -- jq -c --unbuffered '{id, error: {code: "busy", retry: true}}' >/dev/null 2>>"$DIR/err"
visit b newest
visit c oldest
is 'what came for the survivor, or by the old id, waits for what came before' "$(done_in_order)" ''
pnow-inbox retry a >/dev/null
is 'and is done in its order' "$(done_in_order)" 'a b c'
is 'to forget one id is to forget both' "$(pnow-inbox forget oldest | jq .bodies)" 3

# --- PatientNow answers for the old id with the other patient

sandbox_stop
seed '.patientnow.patients = [("7", "8", "9", "5", "6") | {patientId: .,
	firstName: (if IN("5", "6") then "P\(.)" else "P" end), lastName: "Q", email: "p\(.)@example.com", chart: "C\(.)"}]'
sandbox
practice test
state_remove "$DIR/test.db"
changed() # PATIENT AT
{
	webhook PatientUpdated "$1-$2" "2026-01-02T10:00:0$2Z" "{\"patientId\":\"$1\"}" | pnow-enrich 2>>"$DIR/err" | categorize | crm-map | crm-push
}
{
	changed 7 1
	changed 8 2
} >"$DIR/results"
event bill.completed b 2026-01-02T10:00:03Z '{patient: {id: "7"}} + bill("70"; "10.10")' | push >>"$DIR/results"
at_sandbox merge POST '{"from":"7","into":"8","quiet":true}'
state_forget_answers "$DIR/test.db"
changed 7 4 >"$DIR/results"
is 'it is merged, with a call for the old id and none for the other, who is known' \
	"$(jq -c '[.patient_id, .patientnow_calls, .actions[0].op]' "$DIR/results") $(people | grep -o '[0-9]*\.[0-9]* [0-9.]*' | xargs)" \
	'["8",1,"patient.merge"] 10.10 0 0.00 0'

# Of relatives the last name is one, too. What is refused can be said by people.
{
	changed 5 1
	changed 6 2
} >"$DIR/results"
before=$(people)
contact=$(contact_id p5@example.com)
at_sandbox merge POST '{"from":"5","into":"6","quiet":true}'
state_forget_answers "$DIR/test.db"
changed 5 3 >"$DIR/results"
is 'an answer that is another person merges nobody, and is told' \
	"$(jq -c '[.status, .error.code, .error.retry, (.error.message | contains("contact '"$contact"' of the first is another person"))]' "$DIR/results") $(people)" \
	"[\"failed\",\"other_person\",false,true] $before"
pnow-inbox add <<<'{"id":"told","type":"patient.updated","patient":{"id":"6","merged_from":["5"]}}' >/dev/null
pnow-inbox run -1 -- pnow-sync >/dev/null 2>>"$DIR/err"
changed 5 4 >"$DIR/results"
is 'until people say so' "$(pnow-inbox list -s 'done' | jq -r .id | xargs) $(jq -c '[.patient_id, .status]' "$DIR/results")" 'told ["6","unchanged"]'

# What two appointments say is not mixed: the survivor's has neither reason nor comments.
{
	event appointment.booked old 2026-01-02T10:00:05Z '{patient: {id: "10", email: "p10@example.com"}} + visit("71"; "booked")'
	event appointment.booked new 2026-01-02T10:00:06Z '{patient: {id: "11", email: "p11@example.com"},
		appointment: {id: "72", type: "Botox", status: "booked", start: "2026-12-09T15:30:00-07:00"}}'
	event patient.updated m 2026-01-02T10:00:07Z '{patient: {id: "11", merged_from: ["10"]}}'
} | push -j 1 >"$DIR/results"
is 'one appointment stays one' "$(contact p11@example.com | jq -r '.fields | with_entries(select(.key | test("Appt|Event|Visit|Location"))) | [.[]] | join(", ")')" \
	'Booked, 72, Botox, 2026-12-09'

# An id that PatientNow does not know is none: the profile finds something else there.
jq '.patient.fields.id = ["/chart", "/patientId"]' <(sed 's#^ *//.*##' "$root/lib/profiles/patientnow-pro.json") >"$DIR/odd.json"
jq '.patientnow.profile = "odd.json"' "$DIR/test.json" >"$DIR/odd-practice.json"
PNOW_CONFIG=$DIR/odd-practice.json changed 9 1 >"$DIR/results"
is 'what is no id of a patient merges nobody, and is told' "$(jq -c '[.patient_id, .warnings[0]]' "$DIR/results")" \
	'["9","PatientNow answers for patient 9 with the id C9, and knows no such patient: does the profile look for a patient'"'"'s id at the right place?"]'
finish
