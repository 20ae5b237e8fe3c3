#!/usr/bin/env bash
# Nine minutes of a practice whose calls are few, around midnight (UTC), thirty times as fast: what make day runs, through the
# real programs on one clock. How long events wait is for make day to judge, on a machine that does nothing else.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# What the report makes of a day: three events of two patients, of whom one waits behind its patient's.
printf '%s\t%s\t%s\t%s\t%s\tdone\t1\t1\t%s\t%s\t%s\n' 1 bill.completed 7 1000 9000 500 7000 gathering 2 bill.completed 8 2000 3000 700 0 '' \
	3 patient.updated 7 4000 9900 900 0 '' >events
printf '2026-12-0%s\t/%s\n' 1T23:59:59.999Z patients/7 2T00:00:01.000Z 'patients?updatedSince=x' 2T00:00:02.000Z patients/8 >calls
is 'the report tells what waited for what, and how long' \
	"$(awk -F'\t' -v name=x -v p50=5 -v p99=8 -v longest=7 -v calls=- -v limit=2 -f "$root/tests/day/report.awk" events calls)" \
	'x                         3      5.9      8.0      8.0      8.0      5.0      2     0
  an earlier event of its patient         1 events, p50 5.9, p99 5.9 s; of all waiting 33 %
  others that share a list                1 events, p50 8.0, p99 8.0 s; of all waiting 46 %
  the CRM                                 1 events, p50 1.0, p99 1.0 s; of all waiting 14 %
  longest: bill.completed, event 1 of the inbox: 0.0 s behind its patient'\''s, 7.0 s gathering, 0.0 s spread, 0.5 s at the CRM, 0.5 s the rest
  2026-12-01 (UTC): 1 calls, 0 of them lists
  2026-12-02 (UTC): 2 calls, 1 of them lists
  does not hold: p50 5.9 > 5, longest 8 > 7'

promises=('what happened came in, each once' 'all of it is settled, nothing dead' 'in the order of each patient'
	'within the calls of the day, but for the reserve' 'which are counted')
why=
! sanitized || why='faketime and a sanitizer both want to be first'
command -v faketime >/dev/null || why='no faketime'
if [ -n "$why" ]; then
	for promise in "${promises[@]}"; do
		skip "$promise" "$why"
	done
	finish
	exit
fi

PATH=$bin/../day:$PATH
begin=$(date -d '2026-12-01 23:56 UTC' +%s)
mkdir day
name=day hours=0.15 events=50 mix=all patients=30 known=20 bursts=10@0:02 SPEED=30 SEED=1 DAYS=1 ZONE=America/Denver BEGIN=$begin LIMIT=150 \
	FAKETIME_DONT_RESET=1 FAKETIME_FMT=%s faketime -m -f "@$begin x30" "$root/tests/day/row.bash" "$work/day" >"$work/err" 2>&1 ||
	fail 'the day went by' "$(<"$work/err")" "$(cat day/*.err)"

is "${promises[0]}" "$(wc -l <day/1.events) of $(wc -l <day/happens)" '60 of 60'
is "${promises[1]}" "$(cut -f6 day/1.events | grep -vxE 'done|unchanged' | sort | uniq -c)" ''
is "${promises[2]}" "$(sort -t$'\t' -k3,3 -k1,1n day/1.events | awk -F'\t' '$3 == queue && $5 < settled; { queue = $3; settled = $5 }')" ''
is "${promises[3]}" "$(cut -c1-10 day/1.calls | sort | uniq -c | awk '$1 > 142')" ''
is "${promises[4]}" "$(state_calls day/glow-denver.db)" "$(wc -l <day/1.calls)"
finish
