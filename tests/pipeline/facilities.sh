#!/usr/bin/env bash
# A practice with facilities that have sub-accounts of their own: each event goes to the one it belongs to, with that one's
# token, names and ids, and what is known of one says nothing of another.
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"

UPTOWN=fAc1l1tyUpt0wn0000001
T1=2026-12-01T10:00:00Z T2=2026-12-01T11:00:00Z T3=2026-12-01T12:00:00Z T4=2026-12-01T13:00:00Z

begin()
{
	sandbox_stop
	state_remove "$DIR/test.db"
	seed '.crm.locations += [.crm.locations[1] + {id: "'$UPTOWN'", token: "sandbox-uptown-token", refresh_token: "sandbox-uptown-refresh"}]'
	sandbox
	practice test '.facilities = {Downtown: {location_id: "'$DOWNTOWN'", token_file: "downtown.token"},
		"Downtown 2": {location_id: "'$DOWNTOWN'", token_file: "downtown.token"},
		Uptown: {location_id: "'$UPTOWN'", token_file: "uptown.token"}, Main: {location_id: "'$MAIN'", token_file: "crm.token"}}'
	printf 'sandbox-uptown-token\n' >"$DIR/uptown.token"
}

# run: events on standard input, one after another; the results in $DIR/results.
run()
{
	push -j 1 >"$DIR/results" 2>"$DIR/err"
}
visit() # ID TIME NUMBER FACILITY
{
	event appointment.booked "$1" "$2" "{patient: \$ana} + visit(\"$3\"; \"booked\") | .appointment.facility = $4"
}
paid() # ID TIME BILL TOTAL FACILITY
{
	event bill.completed "$1" "$2" "{patient: \$ana} + bill(\"$3\"; \"$4\") | .bill.facility = $5"
}

# joined ID TIME MEMBERSHIP: a membership, run.
joined()
{
	event membership.created "$1" "$2" "{patient: \$ana, membership: {id: \"$3\", program: \"Glow Club\"}}" | run
}

# went PROMISE WANT: the sub-accounts and warnings of the results.
went()
{
	is "$1" "$(jq -r '.location_id, .warnings[]' "$DIR/results")" "$2"
}

# held LOCATION FILTER
held()
{
	at_sandbox state | jq -c --arg location "$1" ".contacts[] | select(.locationId == \$location) | $2"
}

# --- Where a patient's events go

begin
event patient.created e1 $T1 '{patient: $ana}' | run
went 'a patient whom nobody knows goes to the main sub-account' $MAIN
begin
visit e1 $T1 88123 '"downtown"' | run
went 'an appointment goes where its facility says, in any case' $DOWNTOWN
event patient.updated e2 $T2 '{patient: ($ana + {last_name: "Lopez-Reyes"})}' | run
went 'what names no facility follows the patient: a change of the patient' $DOWNTOWN
joined e3 $T2 77
went 'a membership' $DOWNTOWN
visit e4 $T3 88124 null | run
went 'an appointment without a facility' $DOWNTOWN
is 'all of it is one contact there' "$(held $DOWNTOWN '[.lastName, .tags, (.notes | length)]')" '["Lopez",["Membership"],2]'
is 'and nothing was asked of or written to the others' "$(requests .path | grep -cE "$MAIN|$UPTOWN")$(held $MAIN .id)$(held $UPTOWN .id)" 0
visit e5 $T4 88125 '"Downtown 2"' | run
event patient.updated e6 $T4 '{patient: ($ana + {last_name: "Reyes"})}' | run
went 'two facilities with one sub-account are one' $DOWNTOWN

visit e7 $T4 88126 '"Uptown"' | run
joined e8 2026-12-01T14:00:00Z 78
went 'what is not about the patient alone, of a patient known in several sub-accounts: the one used last, with a warning' \
	"$UPTOWN
the patient is known in several sub-accounts: $UPTOWN was taken, where something was done last"
visit e9 2026-12-01T14:00:00Z 88127 '"Downtown"' | run
joined e10 2026-12-01T15:00:00Z 79
went 'whichever it is' \
	"$DOWNTOWN
the patient is known in several sub-accounts: $DOWNTOWN was taken, where something was done last"
visit e11 2026-12-01T15:00:00Z 88128 '"Airport"' | run
went 'a facility that is not in the configuration: the main one, with a warning' \
	"$MAIN
the event's facility is not in the configuration: the practice's main sub-account was taken"
joined e12 2026-12-01T16:00:00Z 80
went 'a patient known in the main one too: that one' $MAIN

# --- A patient's own facts go wherever the patient is known

# renamed ID TIME NAME: a change of the patient.
renamed()
{
	event patient.updated "$1" "$2" "{patient: (\$ana + {last_name: \"$3\"})}"
}
# names: the last name in each sub-account, main, Downtown, Uptown.
names()
{
	for at in $MAIN $DOWNTOWN $UPTOWN; do held "$at" .lastName; done | tr -d '"' | paste -sd' '
}
# each: what the result says of each sub-account.
each()
{
	jq -r '.locations[] | "\(.location_id) \(.status)\(if .error then " " + .error.code else "" end)"' "$DIR/results"
}
# known: a new practice, whose patient is known in all three.
known()
{
	begin
	{ visit v1 $T1 1 '"Main"'; visit v2 $T1 2 '"Downtown"'; visit v3 $T1 3 '"Uptown"'; } | run
	at_sandbox requests DELETE
}
id_in() # LOCATION: the contact's id there
{
	at_sandbox state | jq -r --arg location "$1" '.contacts[] | select(.locationId == $location) | .id'
}
token_of() # LOCATION
{
	case $1 in "$MAIN") echo sandbox-crm-token ;; "$DOWNTOWN") echo sandbox-downtown-token ;; *) echo sandbox-uptown-token ;; esac
}
by_staff() # LOCATION METHOD [BODY]: what staff do to the contact there
{
	curl -sS -o /dev/null -X "$2" "$API/crm/contacts/$(id_in "$1")" ${3:+-d "$3"} -H 'Content-Type: application/json' \
		-H "Authorization: Bearer $(token_of "$1")" -H 'Version: 2021-07-28'
}

known
renamed u1 $T2 Reyes | run
is 'a change of the patient reaches every sub-account in which the patient is known' "$(names)" 'Reyes Reyes Reyes'
is 'one result says what was done where' "$(jq -c '[.status, .location_id, .calls, (.actions | map(.location_id))]' "$DIR/results") $(each | paste -sd,)" \
	"[\"done\",\"$MAIN\",3,[\"$MAIN\",\"$DOWNTOWN\",\"$UPTOWN\"]] $MAIN done,$DOWNTOWN done,$UPTOWN done"
is 'with the contact of each' "$(jq -r '.contact_id, .locations[].contact_id' "$DIR/results" | paste -sd' ')" \
	"$(for at in $MAIN $MAIN $DOWNTOWN $UPTOWN; do id_in "$at"; done | paste -sd' ')"
is 'a call each, with the token of each' "$(requests '[.method, .status]' | sort | uniq -c | tr -s ' ')" ' 3 ["PUT",200]'
renamed u2 $T3 Reyes | run
is 'the same again is unchanged in each, without a call' "$(jq -c '[.status, .reason, .calls]' "$DIR/results")$(each | cut -d' ' -f2 | uniq)" \
	'["unchanged","applied before",0]unchanged'
event patient.created c1 $T4 '{patient: ($ana + {last_name: "Anew"})}' | run
is 'so does the other event about the patient alone' "$(names)" 'Anew Anew Anew'
visit v4 $T4 4 '"Uptown"' | run
is 'an appointment goes to its facility'\''s alone, and its result is as ever' "$(jq -c '[.location_id, .locations, .actions[0].location_id]' "$DIR/results") $(names)" \
	"[\"$UPTOWN\",null,null] Anew Anew Lopez"
practice_of_one()
{
	practice test '.facilities = {Downtown: {location_id: "'$DOWNTOWN'", token_file: "downtown.token"}}'
}
practice_of_one
renamed u3 2026-12-02T10:00:00Z Three | run
is 'a sub-account that is not in the configuration any more is left alone' "$(names) $(jq .status "$DIR/results")" 'Three Three Lopez "done"'

for broken in $MAIN $DOWNTOWN $UPTOWN; do
	known
	fault 500 "path=/contacts/$(id_in "$broken")"
	renamed u1 $T2 Reyes >"$DIR/event"
	run <"$DIR/event"
	is "where one cannot be reached the others are: failed, to be tried again" \
		"$? $(jq -c '[.status, .error.code, .error.retry]' "$DIR/results") $(names | tr ' ' '\n' | sort | uniq -c | tr -s ' ' | paste -sd,)" \
		'75 ["failed","unavailable",true]  1 Lopez, 2 Reyes'
	like 'which one, the error says' "$(jq -r .error.message "$DIR/results")" "sub-account $broken: *"
	is 'and the result' "$(each | grep -v ' done$')" "$broken failed unavailable"
	faults_end
	other=$([ $broken = $MAIN ] && echo $UPTOWN || echo $MAIN)
	by_staff "$other" PUT '{"lastName":"Corrected"}'
	at_sandbox requests DELETE
	run <"$DIR/event"
	is 'tried again, it does what is missing, and nothing twice: what staff have changed meanwhile stays' \
		"$(jq -c .status "$DIR/results") $(requests .method) $(names | tr ' ' '\n' | sort | paste -sd,)" '"done" "PUT" Corrected,Reyes,Reyes'
	is 'and the result says so' "$(each | sort)" "$(for at in $MAIN $DOWNTOWN $UPTOWN; do
		echo "$at $([ "$at" = $broken ] && echo 'done' || echo unchanged)"; done | sort)"
done

known
by_staff $DOWNTOWN DELETE
renamed u1 $T2 Reyes | run
is 'a contact that was deleted in one is made again there' "$(jq -c .status "$DIR/results") $(names)" '"done" Reyes Reyes Reyes'

known
fault 429 "path=/contacts/$(id_in $DOWNTOWN)" retry_after=3600 count=1
renamed u1 $T2 Reyes | run
is 'one that asks for a pause does not hold the others up' "$(jq -c '[.status, .error.code]' "$DIR/results") $(names)" '["failed","limited"] Reyes Lopez Reyes'

known
PNOW_CONFIG=$DIR/test.json bash -c 'categorize | crm-map' < <(renamed u1 $T2 Reyes) >"$DIR/mapped"
for when in hang delay; do
	for n in 0 1 2; do
		known
		fault $when ms=60000 method=PUT skip=$n count=1
		PNOW_CONFIG=$DIR/test.json crm-push <"$DIR/mapped" >"$DIR/results" 2>"$DIR/err" &
		process=$!
		until_true matches '"left": ?0' faults || echo 'the fault was not met' >&2
		kill -KILL $process
		wait $process 2>/dev/null
		until_true matches "\"fault\": ?\"$when\"" requests
		faults_end
		at_sandbox requests DELETE
		PNOW_CONFIG=$DIR/test.json crm-push <"$DIR/mapped" >"$DIR/results" 2>"$DIR/err"
		is "killed at its call number $((n + 1)) ($when), and run again: what was done is not done again" \
			"$(requests .method | wc -l) $(jq -r .status "$DIR/results") $(names)" "$((3 - n)) done Reyes Reyes Reyes"
	done
done

known
for n in 1 2 3 4 5 6; do renamed "u$n" "2026-12-02T1$n:00:00Z" "After$n" | push >"$DIR/results.$n" 2>"$DIR/err" & running[n]=$!; done
wait "${running[@]}"
running=()
is 'six processes at once: each sub-account has the newest, and none waits for another for ever' "$(names)" 'After6 After6 After6'

# --- The audit looks at each

known
renamed u1 $T2 Reyes >"$DIR/event"
run <"$DIR/event"
is 'the audit agrees' "$(push -C <"$DIR/event" 2>"$DIR/err")" ''
by_staff $DOWNTOWN PUT '{"lastName":"Corrected"}'
by_staff $UPTOWN PUT '{"firstName":"Anna"}'
push -C <"$DIR/event" >"$DIR/found" 2>"$DIR/err"
is 'what differs in one is told with that one, a line each' "$? $(jq -c '[.id, .location_id, .contact_id, .differences]' "$DIR/found")" \
	"1 [\"u1\",\"$DOWNTOWN\",\"$(id_in $DOWNTOWN)\",[{\"name\":\"lastName\"}]]
[\"u1\",\"$UPTOWN\",\"$(id_in $UPTOWN)\",[{\"name\":\"firstName\"}]]"
fault 500 "path=/contacts/$(id_in $MAIN)"
push -C <"$DIR/event" >"$DIR/found" 2>"$DIR/err"
is 'where one cannot be read the others are told all the same' "$? $(jq -c '[.status, .differences[]?.name]' "$DIR/found" | sort | paste -sd' ')" \
	'75 ["differs","firstName"] ["differs","lastName"] ["failed"]'
faults_end

# --- What is known of one says nothing of another

begin
{
	visit e1 $T1 88123 '"Downtown"'
	visit e2 $T2 88123 '"Uptown"' # the same appointment, moved to another facility
	paid e3 $T2 991 450.00 '"Downtown"'
	paid e4 $T2 992 100.50 '"Uptown"'
	paid e5 $T3 993 50.00 '"Downtown"'
	paid e6 $T3 994 7.00 '"Main"'
} | run
is 'all is done, without a warning' "$(jq -c '[.status, .warnings]' "$DIR/results" | sort -u)" '["done",[]]'
is 'a bill adds to the lifetime value of its own sub-account' "$(for at in $MAIN $DOWNTOWN $UPTOWN; do held $at '.fields["Patient Lifetime Value"]'; done)" \
	$'"7.00"\n"500.00"\n"100.50"'
is 'each has its own contact, note and opportunity' "$(for at in $DOWNTOWN $UPTOWN; do held $at '[(.notes | length), (.opportunities | length)]'; done)" \
	$'[3,1]\n[2,1]'
is 'names are looked up in each' "$(requests 'select(.path | contains("customFields")) | .path | split("/")[2]' | sort | tr -d '"')" \
	"$(printf '%s\n' $DOWNTOWN $UPTOWN $MAIN)"
is 'no request was refused, so each had the token and the ids of its own' "$(requests 'select(.status >= 400) | [.method, .path, .status]')" ''
is 'the ids of a field differ' "$(state_sql "$DIR/test.db" "SELECT count(DISTINCT id) FROM name WHERE name = 'PNOW ID'")" 3
paid e7 $T4 991 460.50 '"Downtown"' | run
is 'the difference of a bill sent again is added where it was' "$(held $DOWNTOWN '.fields["Patient Lifetime Value"]')$(held $UPTOWN '.fields["Patient Lifetime Value"]')" \
	'"510.50""100.50"'
finish
