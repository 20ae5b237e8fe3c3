#!/usr/bin/env bash
# A restore in the middle of a day: the state of noon is loaded in the afternoon, and PatientNow tells all of the afternoon again.
# The CRM holds nothing twice; what nobody can know is told. And a move to another file, after which all goes on as before.
# shellcheck disable=SC2016 # until_true eval
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"

seed '.crm.locations[0].contacts = [{firstName: "Ben", lastName: "Okafor", email: "ben@example.com", phone: "+17205550117",
	fields: {"Patient Lifetime Value": "100.25"}}]'
sandbox
practice test '.retry_seconds = [0]'
export PNOW_CONFIG=$DIR/test.json

ago() # MINUTES
{
	date -u -d "-$1 min" +%FT%TZ
}
begin()
{
	setsid pnow-inbox run -- pnow-sync 2>>"$DIR/run.err" &
	run=$!
}
end()
{
	kill "$run"
	wait "$run"
}
# crash: the run and all that it has started end at once.
crash()
{
	pkill -KILL -s "$run"
	wait "$run" 2>/dev/null
}
settled()
{
	until_true eval 'pnow-inbox stat -j | jq -e "(.waiting // 0) + (.running // 0) == 0"'
}
warned() # ID: of how many enrolments its last result says that nobody knows
{
	pnow-inbox trace "$1" | jq -s 'map(select(.what == "attempt"))[-1].result | (if type == "string" then fromjson else . end).warnings
		| map(select(test("was enrolled"))) | length'
}
enrolments()
{
	requests 'select(.method == "POST" and (.path | test("/workflow/")))' | wc -l
}

# ---- The morning, and a dump of noon while an event waits

{
	event patient.created m1 "$(ago 240)" '{patient: $ana}'
	event appointment.booked m2 "$(ago 230)" '{patient: $ana} + visit("88123"; "booked")'
	event bill.completed m3 "$(ago 220)" '{patient: $ana} + bill("991"; "450.00")'
} | pnow-inbox add >"$DIR/added"
begin
settled
end
event bill.completed w1 "$(ago 130)" '{patient: $ana} + bill("992"; "20.00")' | pnow-inbox add >"$DIR/added"
pnow-inbox dump -o "$DIR/noon"

# ---- The afternoon; at its end the machine dies while a bill is being carried out, whose amount is in the value, and whose note is not written

{
	event bill.completed a1 "$(ago 120)" '{patient: $ana} + bill("993"; "30.00")'
	event bill.completed a2 "$(ago 110)" '{patient: $ana} + bill("991"; "460.50")'
	event appointment.status a3 "$(ago 100)" '{patient: $ana} + visit("88123"; "checked_out")'
	event appointment.booked a4 "$(ago 90)" '{patient: $ben} + visit("88124"; "booked")'
	event bill.completed a5 "$(ago 85)" '{patient: $ben} + bill("994"; "10.00")'
	event membership.created a6 "$(ago 80)" '{patient: $ana, membership: {id: "77", program: "Glow Club", sold_date: "2026-11-01", amount: "129.00"}}'
	event bill.completed a8 '' '{patient: $ben} + bill("998"; "4.00") | del(.occurred, .received)'
} >"$DIR/afternoon"
event bill.completed a7 "$(ago 70)" '{patient: $ana} + bill("995"; "7.00")' >"$DIR/last"
pnow-inbox add <"$DIR/afternoon" >"$DIR/added"
begin
settled
fault hang path=notes method=POST
pnow-inbox add <"$DIR/last" >"$DIR/added"
until_true eval '[ "$(contact ana@example.com | jq -r ".fields[\"Patient Lifetime Value\"]")" = 517.50 ]'
crash
faults_end
before=$(enrolments)

# ---- The restore; everything of the afternoon comes again

state_remove "$DIR/test.db"
is 'noon is loaded' "$(pnow-inbox load "$DIR/noon" 2>&1; echo $?)" 0
state_later "$DIR/test.db" moment 60000 # what another host may have begun has ended
cat "$DIR/afternoon" "$DIR/last" | pnow-inbox add >"$DIR/added"
begin
settled
is 'everything is settled' "$(pnow-inbox stat -j | jq -c '[.done, .dead]') $(grep '^[a-z]' "$DIR/run.err")" '[12,null] '
is 'each note is there once, the one that was missing, too' "$(contacts | jq -c 'map(.notes[] | split("\n") | map(select(test("^(Status|Order ID)"))) | join(" ")) | sort')" \
	'["Order ID: 991","Order ID: 991","Order ID: 992","Order ID: 993","Order ID: 994","Order ID: 995","Order ID: 998","Status: Booked","Status: Booked","Status: Checked Out"]'
is 'each bill is in the lifetime value once' "$(contact ana@example.com | jq -r '.fields["Patient Lifetime Value"]') $(contact ben@example.com | jq -r '.fields["Patient Lifetime Value"]')" '517.50 114.25'
is 'nobody is enrolled again' "$(($(enrolments) - before))" 0
is '... and of each event that may have enrolled somebody it is told' "$(for id in w1 a1 a2 a3 a4 a5 a6 a7 a8; do warned $id; done | xargs)" '2 2 0 1 1 2 1 2 2'
event bill.completed e1 "$(date -u +%FT%T.%3NZ)" '{patient: $ana} + bill("996"; "3.00") | del(.received)' | pnow-inbox add >"$DIR/added"
settled
is 'what comes later is carried out as ever' "$(warned e1) $(($(enrolments) - before)) $(contact ana@example.com | jq -r '.fields["Patient Lifetime Value"]')" '0 2 520.50'
event bill.completed e2 '' '{patient: $ben} + bill("999"; "0.00") | del(.occurred, .received)' | pnow-inbox add >"$DIR/added"
settled
is '... also where nobody knows when it occurred' "$(warned e2) $(($(enrolments) - before))" '0 4'
end
is 'an audit of the day finds no difference' "$(PNOW_CONFIG=$DIR/test.json bash -c 'categorize | crm-map | crm-push -C' <<<"$(pnow-inbox list | jq -r .id | while read -r id; do pnow-inbox show "$id"; done)")" ''

# ---- A move

event bill.completed w2 "$(date -u +%FT%T.%3NZ)" '{patient: $ben} + bill("997"; "1.00")' | pnow-inbox add >"$DIR/added"
pnow-inbox dump -o "$DIR/move"
practice moved '.practice = "test" | .state = "moved.db"'
export PNOW_CONFIG=$DIR/moved.json
before=$(enrolments)
is 'a move is loaded' "$(pnow-inbox load -m <"$DIR/move" 2>&1; echo $?)" 0
pnow-inbox run -1 -- pnow-sync
is 'what waited is carried out, whole' "$(warned w2) $(($(enrolments) - before)) $(contact ben@example.com | jq -r '.fields["Patient Lifetime Value"]')" '0 2 115.25'
is 'and nothing else is' "$(pnow-inbox retry -s 'done' >"$DIR/retried"; pnow-inbox run -1 -- pnow-sync; pnow-inbox list -s unchanged | wc -l) $(contacts | jq '[.[].notes[]] | length')" '15 13'
finish
