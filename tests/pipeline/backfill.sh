#!/usr/bin/env bash
# Years of exports into the CRM, killed five times on the way: every patient is there once, the lifetime values are equal to
# the cent, nobody is enrolled, noted or tagged, and once more costs no call. tests/backfill/full.sh does it in full size.
# shellcheck disable=SC2154 # from common.bash
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"
# shellcheck source=tests/backfill/common.bash
. "$root/tests/backfill/common.bash"

patients=1000 bills=3000 rate=300/200
! sanitized || patients=150 bills=450 rate=20/200 # slow enough that none ends between two looks
seed .
sandbox -r $rate
practice test '.membership_tag = "Membership - {program}"'
PRACTICE=$DIR/test.json
exports $patients $bills
events=$((patients + bills + bills / 10 + bills / 100))

killed=0
for ((part = 1; part <= 5; part++)); do
	if kill_at $((events * part / 9)); then
		killed=$((killed + 1))
	else
		echo "# part $part ended before it was killed, with status $(cat "$DIR/ended"): $(tail -n 3 "$DIR/said")"
	fi
done
is "killed five times on the way" $killed 5
finish_backfill
is "and run to its end" "$? $(jq -s -c 'map(.status) | unique' "$DIR/backfill/failed")" '0 []'
is "nothing could not be read" "$(cat "$DIR/backfill/bad")" ''
is "no request was over the limit" "$(refusals)" 0

state=$(at_sandbox state)
is "every patient is there, once" "$(jq '.contacts | [length, (map(.email) | unique | length)] | unique | join(" ")' <<<"$state")" "\"$patients\""
held >"$DIR/held"
holds "the lifetime values are equal to the cent" diff "$DIR/held" "$DIR/sums"
is "no note, no enrolment, no tag, no opportunity" \
	"$(jq -c '[.contacts[] | .notes, .workflows, .tags, .opportunities | length] | add' <<<"$state")" 0
is "a patient's fields are the last bill's" "$(jq -r '.contacts[] | select(.fields["PNOW Last Order ID"]) | [.email, .fields["PNOW Last Order ID"]] | @tsv' <<<"$state" | sort)" \
	"$(awk -F, 'NR == FNR { total[$1] += $6; next } # a negative bill gives back, and is nobody'\''s last
		FNR > 1 && total[$1] >= 0 { split($3, d, "/"); key = d[3] d[1] d[2]; if (key >= last[$2]) { last[$2] = key; id[$2] = $1 } }
		END { for (p in id) printf "p%d@example.com\t%s\n", p - 100000, id[p] }' "$DIR"/bills.csv{,} | sort)"

at_sandbox requests DELETE
finish_backfill
is "the same exports once more: nothing to do, and no call" "$? $(tail -n 1 "$DIR/said") $(requests . | wc -l)" "0 $events unchanged 0"
if sanitized; then
	skip "each process takes less than 32 MB" "a build with sanitizers takes more"
else
	for name in pnow-csv sort categorize crm-map crm-push; do
		echo "# $name: ${PEAK[$name]:-not seen} KiB"
		[ "${PEAK[$name]:-0}" -lt 32768 ]
		point "$name takes less than 32 MB"
	done
fi

# A smaller one, stopped by a signal.
exports 100 600
events=766
rm -rf "$DIR"/test.db* "$DIR/backfill"
at_sandbox reset POST
backfill_to $((events / 4))
kill -TERM "$RUN"
faults_end
backfill_ended
is "SIGTERM ends it with a status that says that there is more" "$? $(tail -n 1 "$DIR/said")" '75 backfill: stopped; run it again to go on'
finish_backfill
held >"$DIR/held"
holds "and it goes on" diff "$DIR/held" "$DIR/sums"

# At a terminal, where Ctrl-C goes to all of its processes; slow enough to see how fast it is.
sandbox_stop
sandbox -r 20/200
practice test
exports 50 150
rm -rf "$DIR"/test.db* "$DIR/backfill"
mkfifo "$DIR/keys"
exec 3<>"$DIR/keys"
sent="exec $root/examples/backfill/backfill -c $PRACTICE -d $DIR/backfill patient=$DIR/patients.csv bill=$DIR/bills.csv"
env --default-signal=INT script -qfec "$sent" /dev/null <"$DIR/keys" >"$DIR/screen" &
terminal=$!
holds "it shows how far it is, the rate and when it will end" until_true grep -qE '[0-9]+ of 200, 0 failed, 0 skipped; [0-9.]+/s, until [0-9]{2}:[0-9]{2}' "$DIR/screen"
printf '\003\003' >&3
wait "$terminal"
is "Ctrl-C twice: it stops, and says so" "$? $(grep -o 'backfill: stopped.*' "$DIR/screen" | tr -d '\r')" \
	'75 backfill: stopped; run it again to go on'
is "and each event that was applied has its result, whole" "$(jq -r .status "$DIR/backfill/results" | sort | uniq -c | xargs)" "$(applied) done"
printf '{"id":"half of a' >>"$DIR/backfill/results"
"$root/examples/backfill/backfill" -c "$PRACTICE" -d "$DIR/backfill" patient="$DIR/patients.csv" bill="$DIR/bills.csv" >"$DIR/said" 2>&1
is "what a crash has left of a result is gone" "$? $(jq -r .id "$DIR/backfill/results" | wc -l)" "0 200"
finish
