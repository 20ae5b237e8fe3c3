#!/usr/bin/env bash
# A walk through 100,000 records with a bookmark, killed at random again and again: nothing is missed, no more than one page is
# repeated for each kill, and memory stays small. Once into a pipe, once into the inbox.
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"

records=100000 kills=5 most=32768
if sanitized; then
	records=5000 kills=4 most=0 # the sanitizers' own memory is not the program's
fi
RANDOM=${SEED:-$$}
printf '# SEED=%s\n' "${SEED:-$$}"

seed .
awk -v n=$records 'BEGIN {
	printf "{\"patientnow\":{\"practice_id\":\"4711\",\"token\":\"sandbox-pnp-token\",\"patients\":["
	for (i = 1; i <= n; i++)
		printf "%s{\"patientId\":\"%d\",\"firstName\":\"P%d\",\"lastName\":\"Lopez\",\"email\":\"p%d@example.com\",\"updatedAt\":\"2026-11-20T10:00:00Z\"}", (i > 1 ? ",\n" : ""), i, i, i
	print "]}}"
}' >"$DIR/seed.json"
sandbox
practice test '.patientnow.daily_limit = 1000000'
export PNOW_CONFIG=$DIR/test.json
walk=(pnow-fetch -b -l patient -s 2026-11-01)

# peak PID: its peak memory in KiB so far; 0 where nobody tells.
peak()
{
	awk '/^VmHWM/ { n = $2 } END { print n + 0 }' "/proc/$1/status" 2>"/dev/null" || echo 0
}

# --- Into a pipe. Who reads kills: the pipe holds little, so the walk is not far ahead of what was read.

mkfifo pipe
for ((kill = 1; kill <= kills + 1; kill++)); do
	"${walk[@]}" >pipe 2>>said &
	process=$!
	# after the last kill nobody does
	last=$((kill > kills ? 0 : 1 + RANDOM % (records / (kills + 1))))
	awk -v last=$last -v process=$process '
		NR == last { system("kill -KILL " process) }
		{ print }
		END { exit last && NR < last }' <pipe >>out
	[ $? -eq 0 ] || fail "kill $kill: the walk was still on its way"
	wait $process 2>"/dev/null"
	status=$?
done
is 'the last walk comes to its end' "$status $(<said)" '0 '
jq -rR 'fromjson? | .patientId' out | sort -n >ids
is "into a pipe, $kills kills: none of $records records is missed" "$(uniq ids | wc -l) $(head -n 1 ids) $(tail -n 1 ids)" "$records 1 $records"
extra=$(($(wc -l <ids) - records))
[ $extra -le $((kills * 100)) ]
point "no more than a page is repeated for each kill ($extra records)" "$extra"
is 'lines that broke off are alone' "$(($(jq -cR 'fromjson? // "broken"' out | grep -c '^"broken"') <= 2 * kills))" 1
is 'the bookmark is at rest' "$(state_sql test.db 'SELECT page, CAST(began IS NULL AS INTEGER) FROM bookmark')" '0|1'

# --- Into the inbox, the next page's cursor told by each. What is there tells how far it is; a page that never comes keeps it from its end.

sed 's#^ *//.*##' "$root/lib/profiles/patientnow-pro.json" | jq '.patient.list = "patients?by=link"
	| .paging = {cursor: "cursor", next: ["/next"], rows: "rows", size: 100, since: "updatedSince"}' >cursor.profile
practice test '.patientnow.daily_limit = 1000000 | .patientnow.profile = "./cursor.profile"'
walk+=(-e patient -i)
in_inbox()
{
	state_events test.db 2>"/dev/null" || echo 0
}
pages=$((records / 100)) killed=0 memory=0
for ((kill = 1; kill <= kills; kill++)); do
	fault hang skip=$((pages / (kills + 1)))
	"${walk[@]}" 2>>said &
	process=$!
	target=$(($(in_inbox) + 1 + RANDOM % (records / (kills + 1) - 200)))
	until [ "$(in_inbox)" -ge $target ] || ! kill -0 $process; do :; done
	now=$(peak $process)
	[ "$now" -lt $memory ] || memory=$now
	kill -KILL $process 2>>said && killed=$((killed + 1))
	wait $process 2>"/dev/null"
	faults_end
	at_sandbox requests DELETE
done
is 'each kill met a walk on its way' "$killed $(<said)" "$kills "
"${walk[@]}" -v 2>said
is 'the last walk comes to its end' "$? $(in_inbox)" "0 $records"
is "into the inbox, $kills kills: each of $records records is there, and once" \
	"$(state_sql test.db 'SELECT count(DISTINCT patient), min(CAST(patient AS INTEGER)), max(CAST(patient AS INTEGER)) FROM inbox')" "$records|1|$records"
entries=$(tail -n 1 said | grep -o '[0-9]* entries')
printf '# the last walk: %s; peak memory %d KiB\n' "$entries" "$memory"
if [ $most -gt 0 ] && [ $memory -gt 0 ]; then
	[ $memory -lt $most ]
	point "memory stays below $most KiB" "$memory"
fi
finish
