#!/usr/bin/env bash
# The backfill in full size: 100,000 patients and 300,000 bills, killed five times, against a sandbox whose limit is a
# hundred times the real one (else it would take a day). Writes how long it took and what each process needed. PATIENTS, BILLS
# and LIMIT change the size. "make backfill"; not part of "make check".
# shellcheck disable=SC2154 # from common.bash
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/../pipeline/common.bash"
# shellcheck source=tests/backfill/common.bash
. "$root/tests/backfill/common.bash"

patients=${PATIENTS:-100000} bills=${BILLS:-300000}
seed .
sandbox -r "${LIMIT:-1000/1000}"
practice test .
PRACTICE=$DIR/test.json
exports "$patients" "$bills"
events=$((patients + bills + bills / 10 + bills / 100))
over=0 started_at=$SECONDS PAUSE=2

# The log of requests would be most of the sandbox's memory.
clear_log()
{
	over=$((over + $(refusals)))
	at_sandbox requests DELETE
}

killed=0
for ((part = 1; part <= 5; part++)); do
	! kill_at $((events * part / 9)) || killed=$((killed + 1))
	echo "# $((SECONDS - started_at)) s: $(applied) of $events events"
	clear_log
done
is "killed five times on the way" $killed 5
finish_backfill
is "and run to its end" "$? $(wc -l <"$DIR/backfill/failed")" '0 0'
clear_log
echo "# $((SECONDS - started_at)) s in all"
is "no request was over the limit" $over 0
held >"$DIR/held"
holds "the lifetime values of $(wc -l <"$DIR/sums") patients are equal to the cent" diff -q "$DIR/held" "$DIR/sums"
again=$SECONDS
finish_backfill
is "once more: nothing to do, and no call" "$? $(tail -n 1 "$DIR/said") $(requests . | wc -l)" "0 $events unchanged 0"
echo "# once more: $((SECONDS - again)) s"
for name in "${!PEAK[@]}"; do
	echo "# $name: ${PEAK[$name]} KiB"
	[ "${PEAK[$name]}" -lt 32768 ]
	point "$name takes less than 32 MB"
done
finish
