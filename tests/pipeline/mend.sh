#!/usr/bin/env bash
# crm-push -R: what somebody has done to the CRM behind our back, or what never came, is put right by one command, and nothing
# happens twice: run again, killed, or twice at once.
# shellcheck source=tests/pipeline/tamper.bash
. "$(dirname "$0")/tamper.bash"

# mend [OPTION…]: into $DIR/found; the requests that it makes are all that the sandbox remembers.
mend()
{
	at_sandbox requests DELETE
	PNOW_CONFIG=$DIR/test.json crm-push -R "$@" <"$DIR/mapped" >"$DIR/found" 2>"$DIR/err"
	status=$?
}

# Whatever the CRM holds, without ids.
held()
{
	contacts | jq -S 'map(.tags |= sort | .notes |= sort | .opportunities |= sort_by(.pipeline)) | sort_by(.email)'
}

# written: the requests that are no reading, without ids.
written()
{
	requests 'select(.method != "GET") | "\(.method) \(.path | sub("[A-Za-z0-9]{20}"; "ID"))"' | jq -r . | sort | uniq -c | sed 's/^ *//' | paste -sd,
}

begin "$had"
mapped <"$DIR/events" >"$DIR/mapped"
run -j 1 <"$DIR/mapped"
whole=$(held)
mend
is 'where nothing differs nothing is written nor told' "$status $(found)$(<"$DIR/err")$(written)" '0 '

# --- Put right

changed='renamed other_phone other_birth field_changed date_changed made_lead other_employee other_pnow_id untagged moved worth_more
	other_email given_up lifetime_changed moved_away'
# shellcheck disable=SC2086 # a list of words
tampered $changed field_emptied
tampered=$(held)
mend -n
is '-n shows it' "$status $(jq -r .status "$DIR/found" | sort -u) $(found | wc -l)" '1 differs 18'
is 'and what somebody has changed' "$(jq -r '.differences[] | select(.changed | not) | .name' "$DIR/found")" 'PNOW Membership Program Name'
is 'and writes nothing' "$(written)$(held | md5sum)" "$(md5sum <<<"$tampered")"
mend -n -k
is '-n -k shows what -k would put right' "$(found)" 'a5 PNOW Membership Program Name'
mend -k
is '-k: only what is not there any more is written' "$status $(found) $(jq -r .status "$DIR/found") $(written)" \
	'0 a5 PNOW Membership Program Name mended 1 PUT /contacts/ID'
is 'and the rest stays as somebody has changed it' "$(held)" \
	"$(jq '(.[] | select(.email == "ana@example.com") | .fields["PNOW Membership Program Name"]) = "Glow Club" | map(.fields |= .)' <<<"$tampered" | jq -S .)"
mend -k
is 'a second time it finds nothing' "$status $(found)$(written)" '0 '
kept=$(state_ledger "$DIR/test.db" | grep -v '|opportunity\.')
mend -j 1
is 'without -k all of it is put right' "$status $(jq -r .status "$DIR/found" | sort -u) $(held | md5sum)" "0 mended $(md5sum <<<"$whole")"
[[ $(written) != *notes* && $(written) != *workflow* && $(written) != *POST\ /opportunities* ]]
point 'without a note, an enrolment or another opportunity' "$(written)"
mend
is 'then it finds nothing' "$status $(found)$(written)" '0 '
PNOW_CONFIG=$DIR/test.json crm-push -C <"$DIR/mapped" >"$DIR/found"
is 'and neither does the audit' "$? $(found)" '0 '
is 'the ledger says what it said' "$(state_ledger "$DIR/test.db" | grep -v '|opportunity\.')" "$kept"
is 'no value of a person is told' "$(grep -ciE 'lopez|reyes|cleo|5550|1984|1990' "$DIR/found" "$DIR/err" | cut -d: -f2 | xargs)" '0 0'

tampered won
mend
is 'what staff have won is left as it is: its contact is a patient now' \
	"$status $(contact cleo@example.com | jq -r '.opportunities[0].status, .fields["Lead Status"], .fields["Contact Type"]' | xargs)" '0 won Patient Patient'
mend
is 'which is found once' "$status $(found)" '0 '
tampered opportunity_gone
mend -k
is '-k: an opportunity that was deleted stays away' "$status $(found)$(written)" '0 '
mend
is 'an opportunity that was deleted is made again, once' "$status $(held | md5sum)" "0 $(md5sum <<<"$whole")"
mend
is 'and no second one' "$status $(found)$(written)" '0 '

# --- What a program cannot put right

tampered note_gone old_note_gone contact_gone renamed
mend
is 'a note and a contact that are gone are for a person to see to' "$status $(jq -r '.status as $s | .differences[] | "\($s) \(.name) \(.by_hand // false)"' "$DIR/found" | sort | uniq -c | xargs -L 1 | paste -sd,)" \
	'1 2 differs contact true,2 differs note true,1 mended lastName false'
is 'nothing is made in their place' "$(written)" '1 PUT /contacts/ID'
tampered email_taken
mend
is 'an e-mail that another contact has is not taken from it' "$status $(written)$(found | paste -sd,)" '1 c2 contact duplicate,c2 email'

tampered
set_field "$cleo" 'PNOW Appt Reason' Other
jq -c 'select(.id == "c2") | .actions[0].set.email = "cleo(at)example"' "$DIR/mapped" | PNOW_CONFIG=$DIR/test.json crm-push -R >"$DIR/found"
is 'an e-mail that the CRM refuses loses only itself' "$? $(jq -r '.status, .warnings[]' "$DIR/found") $(contact cleo@example.com | jq -r '.fields["PNOW Appt Reason"]')" \
	$'1 differs\nthe CRM does not take the e-mail: not set New patient'

# What is made anew has no value yet.
tampered
call DELETE "/opportunities/$(opportunity "$ana" Non-Surgical)"
event_of appointment.status z1 2026-12-03T10:00:00Z '{patient: $ana} + visit("4"; "no_show")' | mapped | run
id=$(opportunity "$ana" Non-Surgical)
call PUT "/opportunities/$id/status" '{"status":"lost"}'
mend -k
is '-k: a value that is not there is written, and the status stays as somebody has changed it' \
	"$status $(found) $(contact ana@example.com | jq -c '.opportunities[] | [.status, .monetaryValue]')" '0 a9 opportunity.value ["lost",510.05]'

# --- What never came

sandbox_reset
state_remove "$DIR/test.db"
grep -vE '"id":"(a6|a8|d1|d2)"' "$DIR/mapped" | run -j 1
mend -n
is 'events that never came: -n shows what is missing' "$(jq -r .applied "$DIR/found" | sort -u) $(written)" 'false '
mend -j 1
is 'they are carried out, with their notes and enrolments' "$status $(jq -r .status "$DIR/found" | sort -u) $(held | md5sum)" "0 mended $(md5sum <<<"$whole")"
mend
is 'then nothing is missing' "$status $(found)$(written)" '0 '
run -j 1 <"$DIR/mapped"
is 'and the events themselves, when they come, are no news, or tell what was there' "$(jq -r .status "$DIR/results" | sort | uniq -c | xargs) $(held | md5sum)" \
	"1 done 1 skipped 14 unchanged $(md5sum <<<"$whole")"

cleo='{id: "10300", first_name: "Cleo", last_name: "Old", email: "cleo@example.com", unsubscribed: true}'
{
	event bill.completed o1 2026-11-30T10:00:00Z "{patient: $cleo} + bill(\"904\"; \"10.00\") | .bill.provider = \"Dr. Old\""
	event patient.updated o2 2026-11-30T11:00:00Z "{patient: $cleo}"
} | mapped | PNOW_CONFIG=$DIR/test.json crm-push -R >"$DIR/found"
is 'of an old event that never came, what a later one of another kind has written stays' \
	"$? $(jq -r .status "$DIR/found" | xargs) $(contact cleo@example.com | jq -c '[.lastName, .fields["PNOW Primary Employee", "Invoice Paid Amount"]]')" \
	'0 mended mended ["Diaz","Dr. Reyes","10.00"]'

# --- Several sub-accounts

begin . ".facilities.Downtown = {location_id: \"$DOWNTOWN\", token_file: \"downtown.token\"}"
{
	event appointment.booked f1 2026-12-01T10:00:00Z '{patient: $ana} + visit("1"; "booked") | .appointment.facility = "Elsewhere"'
	event appointment.booked f2 2026-12-01T10:01:00Z '{patient: $ana} + visit("2"; "booked")'
	event patient.updated f3 2026-12-01T10:02:00Z '{patient: ($ana + {last_name: "Lopez-Reyes"})}'
} | mapped >"$DIR/two"
run -j 1 <"$DIR/two"
whole_two=$(held)
curl -sS -X PUT "$API/crm/contacts/$(at_sandbox state | jq -r ".contacts[] | select(.locationId == \"$DOWNTOWN\") | .id")" \
	-d '{"lastName":"Lopez"}' -H 'Content-Type: application/json' -H 'Authorization: Bearer sandbox-downtown-token' -H 'Version: 2021-07-28' >"$DIR/answer"
PNOW_CONFIG=$DIR/test.json crm-push -R <"$DIR/two" >"$DIR/found"
is 'one of two sub-accounts is put right' "$? $(jq -c '[.id, .status, .location_id]' "$DIR/found") $(held | md5sum)" \
	"0 [\"f3\",\"mended\",\"$DOWNTOWN\"] $(md5sum <<<"$whole_two")"
begin "$had"

# --- Interrupted

# Each kill is at another write: a tag, an opportunity, one that is made again.
for at in POST,path=tags PUT,skip=2 POST,path=opportunities; do
	tampered renamed untagged moved worth_more opportunity_gone
	fault delay count=1 ms=3600000 "method=${at%,*}" "${at#*,}"
	PNOW_CONFIG=$DIR/test.json crm-push -R -j 1 <"$DIR/mapped" >/dev/null 2>&1 &
	process=$!
	until_true matches '"left": *0' faults
	kill -KILL $process
	wait $process 2>/dev/null
	faults_end
	# the answer to making an opportunity was lost: a search shows in a minute whether it is there
	state_later "$DIR/test.db" effect 120000
	mend
	mend
	[ "$status $(found)" = '0 ' ] && [ "$(held)" = "$whole" ] || broken+=" $at: $status $(found | paste -sd,)"
done 2>/dev/null
is 'killed at any write and run again: all is right, and once' "${broken-}" ''
tampered renamed untagged moved worth_more opportunity_gone
for n in 1 2 3; do
	PNOW_CONFIG=$DIR/test.json crm-push -R <"$DIR/mapped" >"$DIR/found.$n" 2>"$DIR/err.$n" &
	running[n]=$!
done
wait "${running[@]}"
is 'three at once: all is right, and once' "$(held | md5sum)" "$(md5sum <<<"$whole")"
tampered renamed
fault 429 method=PUT retry_after=3600
mend
is 'a CRM that takes nothing now: failed, to be tried again' "$status $(jq -r .status "$DIR/found" | sort -u)" '75 failed'
faults_end
for options in -k '-C -R' '-k -n'; do
	# shellcheck disable=SC2086
	PNOW_CONFIG=$DIR/test.json crm-push $options </dev/null 2>/dev/null
	is "$options: usage" $? 64
done
finish
