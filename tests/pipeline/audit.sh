#!/usr/bin/env bash
# crm-push -C: after a real run it finds nothing, whatever the order of the events; then whatever somebody does to the CRM
# behind our back is found, named, and nothing else. It changes nothing, and tells no values unless asked.
# shellcheck source=tests/pipeline/tamper.bash
. "$(dirname "$0")/tamper.bash"

# audit FILE [OPTION…]: into $DIR/found; the requests that it makes are all that the sandbox remembers.
audit()
{
	at_sandbox requests DELETE
	PNOW_CONFIG=$DIR/test.json crm-push -C "${@:2}" <"$1" >"$DIR/found" 2>"$DIR/err"
	status=$?
}
begin "$had"
mapped <"$DIR/events" >"$DIR/mapped"
run -j 1 <"$DIR/mapped"
is 'the events are done, but for what cannot be' "$(jq -r .status "$DIR/results" | sort | uniq -c | tr -s ' ' | tr '\n' ,)" ' 15 done, 1 skipped,'
before=$(at_sandbox state)
kept=$(state_ledger "$DIR/test.db")
audit "$DIR/mapped"
is 'after a real run the audit of the same events finds nothing' "$status $(found)$(<"$DIR/err")" '0 '
is 'it only reads' "$(requests 'select(.method != "GET")')" ''
is 'nothing has changed in the CRM, nor in the ledger' "$(at_sandbox state | jq -S .contacts | md5sum) $(state_ledger "$DIR/test.db")" \
	"$(jq -S .contacts <<<"$before" | md5sum) $kept"
sort -t'"' -k4.1,4.1 -s "$DIR/mapped" >"$DIR/together"
audit "$DIR/together" -j 1
is 'events of one contact that stand together cost each thing of it once' "$(requests .path | sort | uniq -d)$(found)" ''
[ "$(requests .n | wc -l)" -ge 10 ]
point 'and it does ask'
audit "$DIR/mapped" -j 16
is 'sixteen at once find nothing either' "$status $(found)" '0 '
jq -c '.id = "polled-" + .id' "$DIR/mapped" >"$DIR/polled"
audit "$DIR/polled"
is 'nor are the same facts under other ids different' "$status $(found)" '0 '

# --- What somebody does to the CRM

# tamper NAME…: the CRM after these, then the audit.
tamper()
{
	tampered "$@"
	audit "$DIR/mapped"
}

# Those of one round are done together, since none hides another: ROUND|TAMPERING|PROMISE|WHAT IS FOUND
tamperings='1|renamed|a name changed|a7 lastName
1|other_phone|a phone changed|a7 phone
1|other_email|an e-mail changed|c2 email
1|other_birth|a birth date changed|a9 dateOfBirth
1|field_changed|a custom field changed|a6 PNOW Appt Reason
1|date_changed|a date changed|a6 Next Visit Date
1|field_emptied|a custom field emptied|a5 PNOW Membership Program Name
1|made_lead|a patient called a lead|a6 Lead Status
1|other_employee|a field that two types of event write: told of the one that wrote it last|a9 PNOW Primary Employee
1|other_pnow_id|the PNOW ID changed|a7 PNOW ID
1|untagged|a tag removed|a5 tag
1|note_gone|a note deleted|a6 note
1|old_note_gone|the note of a state that is over|a2 note
1|moved|an opportunity moved|a6 opportunity.stage
1|worth_more|the value of an opportunity, by a cent|a9 opportunity.value
1|given_up|the status of an opportunity|b1 opportunity.status,b2 opportunity.status
1|lifetime_changed|the lifetime value, by a cent, of a contact that had one before|b2 Patient Lifetime Value
2|email_taken|an e-mail that is another contact now|c2 contact duplicate,c2 email
2|moved_away|an opportunity moved to another pipeline|c2 opportunity.pipeline,c2 opportunity.stage
3|won|an opportunity that staff have won makes a patient, who is called a lead|c2 Contact Type,c2 Lead Status
4|opportunity_gone|an opportunity deleted|c2 opportunity
5|contact_gone|a contact deleted|c1 contact missing,c2 contact missing
6|contact_merged|a contact merged into another|c1 contact merged,c2 contact merged
7|nobodys_business||'
for round in 1 2 3 4 5 6 7; do
	mapfile -t names < <(awk -F'|' -v round=$round '$1 == round { print $2 }' <<<"$tamperings")
	tamper "${names[@]}"
	found >"$DIR/lines"
	while IFS='|' read -r _ _ promise want; do
		[ -n "$want" ] || continue
		is "found: $promise" "$(grep -xF "${want//,/$'\n'}" "$DIR/lines" | paste -sd,)" "$want"
	done < <(grep "^$round|" <<<"$tamperings")
	is "round $round: and nothing else" "$(<"$DIR/lines")" "$(awk -F'|' -v round=$round '$1 == round && $4 { print $4 }' <<<"$tamperings" | tr , '\n' | sort)"
	[ $status = $((round < 7)) ]
	point "round $round: exit status 1 where there are differences, else 0" "$status"
	[ $round != 1 ] || cp "$DIR/found" "$DIR/quiet"
done

# --- What it tells

tamper renamed other_phone moved worth_more field_emptied note_gone
is 'a difference is told by ids and the name of the field' "$(jq -c 'select(.id == "a7") | del(.contact_id)' "$DIR/found")" \
	'{"id":"a7","type":"patient.updated","practice":"test","patient_id":"10234","location_id":"'$MAIN'","status":"differs","applied":true,"differences":[{"name":"lastName"},{"name":"phone"}]}'
is 'no value is in it, nor on stderr' "$(jq -c 'del(.type)' "$DIR/quiet" "$DIR/found" |
	grep -oiE 'lopez|reyes|ana|cleo|example|5550|1984|1990|again|new patient|2026-12|glow club|booked|"open"|510')$(<"$DIR/err")" ''
audit "$DIR/mapped" -v
is '-v tells both sides' "$(jq -c '.differences[] | [.name, (.want | split("\n")[0]), .has]' "$DIR/found" | sort)" \
	'["PNOW Membership Program Name","Glow Club",null]
["lastName","Lopez-Reyes","Lopez"]
["note","PatientNow appointment",null]
["opportunity.stage","Non-Surgical/Booked","Non-Surgical/Patient"]
["opportunity.value","510.05","510.06"]
["phone","+13035550142","+13035550999"]'

# --- What was never done

sandbox_reset
state_remove "$DIR/test.db"
grep -vE '"id":"(a6|a8|d1|d2)"' "$DIR/mapped" | run
audit "$DIR/mapped"
is 'events that never came are found: what they should have changed' "$status $(jq -r 'select(.applied | not) | .id' "$DIR/found" | sort -u | paste -sd,)" \
	'1 a6,a8,d1,d2'
is 'a patient whom the CRM lacks, a bill that is not counted, a visit that is not there' "$(found | grep -E ' (contact|note|Patient L|PNOW Last|Next|opp)' | paste -sd,)" \
	'a6 PNOW Last Appt ID,a6 note,a6 opportunity.stage,a8 Patient Lifetime Value,a8 note,d1 contact missing,d2 contact missing'
fault 500
head -n 1 "$DIR/mapped" >"$DIR/one"
audit "$DIR/one"
is 'a CRM that does not answer: failed, to be tried again' "$status $(jq -r .status "$DIR/found" | sort -u)" '75 failed'
faults_end
printf '{"id":"x","error":{"stage":"pnow-enrich","code":"not_found","message":"patient 1: 404","retry":false}}\n' >"$DIR/broken"
audit "$DIR/broken"
is 'an event that has failed before is told, too' "$status $(jq -r .status "$DIR/found")" '1 failed'
PNOW_CONFIG=$DIR/test.json crm-push -C -n </dev/null 2>/dev/null
is '-C and -n together: usage' $? 64

# --- Nothing is told where nothing was done behind our back, whatever came in which order

orders='
a2 a1 a7 a4 a3 a5 a9 a8 a6
a4 a5 a6 a1 a2 a3 a7 a8 a9
a7 a6 a5 a4 a3 a2 a1 a8 a9
a9 a8 a4 a3 a2 a6 a1 a7 a5'
while read -r -a order; do
	[ ${#order[@]} -gt 0 ] || continue
	sandbox_reset
	state_remove "$DIR/test.db"
	for id in "${order[@]}"; do grep "\"id\":\"$id\"" "$DIR/mapped"; done >"$DIR/ordered"
	run -j 1 <"$DIR/ordered"
	audit "$DIR/ordered"
	is "nothing after ${order[*]}" "$status $(found | paste -sd,)" '0 '
done <<<"$orders"
sandbox_reset
state_remove "$DIR/test.db"
jq -c 'select(.patient.id == "10234") | .occurred = .received | .patient.id = ("p" + .id[1:])' "$DIR/events" | mapped >"$DIR/shared"
while IFS= read -r line; do # one after the other, also where one waits
	PNOW_CONFIG=$DIR/test.json crm-push <<<"$line"
done <"$DIR/shared" >"$DIR/results" 2>"$DIR/err"
audit "$DIR/shared"
is 'nor where several patients share a contact' "$status $(found | paste -sd,)" '0 '
begin '.crm.locations[0].workflows -= ["PatientNow Appointments Update"]'
run <"$DIR/mapped"
audit "$DIR/mapped"
is 'nor where events wait for a workflow that the CRM lacks' "$status $(found | paste -sd,)" '0 '
finish
