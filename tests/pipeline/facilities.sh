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
	rm -f "$DIR"/test.db*
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

# went PROMISE WANT: the sub-accounts and warnings of the results.
went()
{
	is "$1" "$(jq -r '.location_id, .warnings[]' "$DIR/results")" "$2"
}

# held LOCATION FILTER
held()
{
	curl -sS "$API/_/state" | jq -c --arg location "$1" ".contacts[] | select(.locationId == \$location) | $2"
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
event membership.created e3 $T2 '{patient: $ana, membership: {id: "77", program: "Glow Club"}}' | run
went 'a membership' $DOWNTOWN
visit e4 $T3 88124 null | run
went 'an appointment without a facility' $DOWNTOWN
is 'all of it is one contact there' "$(held $DOWNTOWN '[.lastName, .tags, (.notes | length)]')" '["Lopez",["Membership"],2]'
is 'and nothing was asked of or written to the others' "$(requests .path | grep -cE "$MAIN|$UPTOWN")$(held $MAIN .id)$(held $UPTOWN .id)" 0
visit e5 $T4 88125 '"Downtown 2"' | run
event patient.updated e6 $T4 '{patient: ($ana + {last_name: "Reyes"})}' | run
went 'two facilities with one sub-account are one' $DOWNTOWN

visit e7 $T4 88126 '"Uptown"' | run
event patient.updated e8 2026-12-01T14:00:00Z '{patient: ($ana + {last_name: "Lopez"})}' | run
went 'a patient known in several sub-accounts: the one used last, with a warning' \
	"$UPTOWN
the patient is known in several sub-accounts: $UPTOWN was taken, where something was done last"
visit e9 2026-12-01T14:00:00Z 88127 '"Downtown"' | run
event patient.updated e10 2026-12-01T15:00:00Z '{patient: ($ana + {last_name: "Reyes"})}' | run
went 'whichever it is' \
	"$DOWNTOWN
the patient is known in several sub-accounts: $DOWNTOWN was taken, where something was done last"
visit e11 2026-12-01T15:00:00Z 88128 '"Airport"' | run
went 'a facility that is not in the configuration: the main one, with a warning' \
	"$MAIN
the facility \"Airport\" is not in the configuration: the practice's main sub-account was taken"
event patient.updated e12 2026-12-01T16:00:00Z '{patient: ($ana + {last_name: "Lopez"})}' | run
went 'a patient known in the main one too: that one' $MAIN

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
is 'the ids of a field differ' "$(sqlite3 "$DIR/test.db" "SELECT count(DISTINCT id) FROM name WHERE name = 'PNOW ID'")" 3
paid e7 $T4 991 460.50 '"Downtown"' | run
is 'the difference of a bill sent again is added where it was' "$(held $DOWNTOWN '.fields["Patient Lifetime Value"]')$(held $UPTOWN '.fields["Patient Lifetime Value"]')" \
	'"510.50""100.50"'
finish
