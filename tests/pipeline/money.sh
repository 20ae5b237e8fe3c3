#!/usr/bin/env bash
# 10,000 random bills over 500 patients, some sent twice, some sent again with another total, some negative, through crm-map
# and crm-push -j 16: every patient's lifetime value is, to the cent, the sum that awk and bc make of the same bills.
# A build with sanitizers gets a tenth of them. For the contract they say nothing new.
PNOW_REQUESTS=
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"

bills=10000 patients=500
! sanitized || bills=1000 patients=50

# patient, bill, total and time of each event, in the order in which they come.
awk -v bills=$bills -v patients=$patients '
	function random(n) { seed = seed * 16807 % 2147483647; return int(seed / 2147483647 * n) }
	function total(  cents) {
		cents = random(20) ? random(30000) + random(3) * 30000 : -random(20000)
		if (random(10) == 0) return int(cents / 100)
		if (random(10) == 0) return sprintf("%.1f", int(cents / 10) / 10)
		return sprintf("%s%d.%02d", cents < 0 ? "-" : "", (cents < 0 ? -cents : cents) / 100, (cents < 0 ? -cents : cents) % 100)
	}
	BEGIN {
		seed = 20261122
		for (n = 1; n <= bills; n++) {
			patient[n] = random(patients); amount[n] = total()
			print patient[n], "b" n, amount[n], ++time
			past = 1 + random(n)
			if (random(20) == 0) print patient[past], "b" past, amount[past], ++time
			else if (random(20) == 0) { amount[past] = total(); print patient[past], "b" past, amount[past], ++time }
		}
	}' >"$DIR/bills"
[ "$(wc -l <"$DIR/bills")" -gt $((bills * 105 / 100)) ] && grep -q ' -' "$DIR/bills"
point "there are $bills bills, more events, and negative ones"

# What the sum must be: of each bill the total that came last; summed by bc. And a note for each total that was news.
awk '{ last[$2] = $3; of[$2] = $1 } END { for (bill in last) sum[of[bill]] = sum[of[bill]] "+(" last[bill] ")"
	for (patient in sum) { print "print \"" patient " \"" ; print "0.00" sum[patient] } }' "$DIR/bills" | BC_LINE_LENGTH=0 bc |
	awk '{ sub(/^\./, "0.", $2); sub(/^-\./, "-0.", $2); if ($2 !~ /\./) $2 = $2 ".00"; sub(/\.[0-9]$/, "&0", $2); print $1, $2 }' | sort >"$DIR/want"
notes=$(awk '!($2 in last) || last[$2] + 0 != $3 + 0 { n++ } { last[$2] = $3 } END { print n }' "$DIR/bills")

seed '.crm.locations[0].contacts = [range('$patients') | select(. % 5 == 0) | {email: "p\(.)@example.com",
	opportunities: [{name: "P", pipeline: "Non-Surgical", stage: "Booked", status: "open"}]}]'
sandbox
practice test '.workflows = {}'
jq -Rc 'split(" ") | {id: "e\(.[3])", type: "bill.completed", practice: "test", occurred: "2026-01-01T00:00:00Z",
	received: (1767225600 + (.[3] | tonumber) | todate), patient: {id: .[0], email: "p\(.[0])@example.com"}, bill: {id: .[1], total: .[2]}}
	| .occurred = .received' "$DIR/bills" >"$DIR/events"
SECONDS=0
PNOW_CONFIG=$DIR/test.json bash -c 'crm-map | crm-push -j 16' <"$DIR/events" >"$DIR/results" 2>"$DIR/err"
echo "# $(wc -l <"$DIR/events") events in $SECONDS s, $(at_sandbox requests | wc -l) requests"

is 'every event has a result, done or unchanged' "$(jq -r '.status | if IN("done", "unchanged") then "settled" else . end' "$DIR/results" |
	sort | uniq -c | tr -s ' ')" " $(wc -l <"$DIR/events") settled"
at_sandbox state >"$DIR/state"
jq -r '.contacts[] | select(.notes != []) | "\(.email[1:] | split("@")[0]) \(.fields["Patient Lifetime Value"] // "0.00")"' "$DIR/state" | sort >"$DIR/got"
difference=$(diff "$DIR/want" "$DIR/got" | head -n 6)
is 'all patients have bills' "$(wc -l <"$DIR/want")" $patients
is "the lifetime value of all $(wc -l <"$DIR/want") patients is right to the cent" "$difference" ''
is 'what results tell to have been added comes to that' \
	"$(jq -r '.actions[]? | select(.op == "ltv.add") | .amount // empty | "+(\(.))"' "$DIR/results" | { tr -d '\n'; echo; } | BC_LINE_LENGTH=0 bc)" \
	"$(jq -r '.contacts[].fields["Patient Lifetime Value"] // "0" | "+(\(.))"' "$DIR/state" | { tr -d '\n'; echo; } | BC_LINE_LENGTH=0 bc)"
is "and there is a note for each total that was news, $notes" "$(jq '[.contacts[].notes[]] | length' "$DIR/state")" "$notes"
is 'every opportunity is worth what its contact is' \
	"$(jq -r '.contacts[] | .opportunities[] as $o | select(($o.monetaryValue // 0) * 100 - (.fields["Patient Lifetime Value"] // "0" | tonumber) * 100
		| fabs > 0.001) | .email' "$DIR/state")" ''
finish
