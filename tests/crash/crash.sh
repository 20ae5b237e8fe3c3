#!/usr/bin/env bash
# Proof by killing: webhooks come in, and at random moments SIGKILL ends pnow-hook, pnow-inbox run, or one of the filters,
# while the CRM resets, cuts, refuses and hangs. Then all of it is let run to its end, and the CRM must hold what it would
# hold had nothing happened. EVENTS, KILLS, PATIENTS and INTERVAL (the mean time between two kills, milliseconds) say how
# much; SEED chooses events and kills; KEEP is a folder to copy everything to. HURRY=hurry: see drain. DISK, such as
# "2 any 17", is what the disk of the state file does meanwhile, as in tests/faults. With ENGINE=postgresql several hosts share one
# database, which has its own troubles: see hosts.bash, and its variables.
# shellcheck source=tests/crash/hosts.bash
[ "${ENGINE:-sqlite}" = sqlite ] || . "$(dirname "$0")/hosts.bash"
. "$(dirname "$0")/common.bash"
EVENTS=${EVENTS:-20000} KILLS=${KILLS:-1000} PATIENTS=${PATIENTS:-2000} SEED=${SEED:-1}
INTERVAL=${INTERVAL:-$(on_sqlite && echo 600 || echo 1000)}
VICTIMS=(pnow-hook pnow-hook pnow-inbox pnow-inbox pnow-inbox pnow-enrich categorize crm-map pnow-push crm-push crm-push crm-push
	crm-push)
RANDOM=$SEED
declare -A killed=()

# Kills until it has been done often enough; the load should be over about then.
kill_often()
{
	local n=0 name pause ms since=$SECONDS
	while [ "$n" -lt "$KILLS" ] && [ $((SECONDS - since)) -lt $((KILLS * INTERVAL * 10 / 1000 + 60)) ]; do
		ms=$((RANDOM % (2 * INTERVAL)))
		printf -v pause '%d.%03d' $((ms / 1000)) $((ms % 1000))
		sleep "$pause"
		name=${VICTIMS[RANDOM % ${#VICTIMS[@]}]}
		kill_one "$name" || continue
		n=$((n + 1))
		killed[$name]=$((${killed[$name]:-0} + 1))
		[ ! -t 2 ] || printf '\r%d kills' "$n" >&2
	done
	[ ! -t 2 ] || printf '\n' >&2
}

# What the network does to one request of a hundred or so, each in its way.
faults()
{
	local fault
	for fault in '"reset-before","chance":0.004' '"reset-after","chance":0.004' '"cut","chance":0.004' '"429","chance":0.004' \
		'"500","chance":0.004' '"hang","chance":0.001' '"delay","ms":30,"chance":0.05'; do
		curl -sS -o /dev/null "$API/_/faults" -d "{\"fault\":$fault}"
	done
}

# What was accepted and is not settled, or is dead.
unsettled()
{
	sort "$DIR/accepted" >"$DIR/accepted.sorted"
	query "SELECT id FROM inbox WHERE state IN ('done','unchanged','ignored','skipped') ORDER BY id" >"$DIR/settled"
	LC_ALL=C comm -23 "$DIR/accepted.sorted" "$DIR/settled" | head -n 20
	query "SELECT i.id, i.state, a.result FROM inbox AS i LEFT JOIN attempt AS a
			ON a.seq=(SELECT max(seq) FROM attempt WHERE event_seq=i.seq)
		WHERE state NOT IN ('done','unchanged','ignored','skipped') LIMIT 5"
}

# The violations; expected is in $DIR/expected, the CRM's state in $DIR/state.
violations()
{
	awk -F '\t' 'NR == FNR { accepted[$1]; next } $2 in accepted { print $3 }' "$DIR/accepted" "$DIR/events" |
		jq -nc --slurpfile patients "$DIR/patients" -f "$CRASH/expect.jq" >"$DIR/expected"
	query 'SELECT contact, count(*) FROM effect WHERE done=2 GROUP BY contact' |
		jq -Rnc 'reduce (inputs / "|") as [$contact, $n] ({}; .[$contact] = ($n | tonumber))' >"$DIR/undecided"
	curl -sS "$API/_/state" >"$DIR/state"
	jq -r --slurpfile expected "$DIR/expected" --slurpfile undecided "$DIR/undecided" -f "$CRASH/judge.jq" "$DIR/state" ||
		echo "the comparison failed"
}

prepare "$SEED" "$EVENTS" "$PATIENTS"
if on_sqlite; then sandbox -L 500; else sandbox -L 500 -r "$LIMIT"; fi
faults
[ -z "${DISK:-}" ] || echo "$DISK" >"$DIR/disk"
if on_sqlite; then start_all 2; else hosts_start; fi
started_at=$SECONDS
"$LOAD" -c 8 -r $((EVENTS * 1000 / (KILLS * INTERVAL) + 1)) "$URL" "$DIR/events" >"$DIR/accepted" 2>"$DIR/load.err" &
load=$!
started+=("$load")
if ! on_sqlite; then
	disturb &
	disturber=$!
	started+=("$disturber")
fi
kill_often
wait "$load"
on_sqlite || { : >"$DIR/calm"; wait "$disturber"; }
holds "the sender got a 200 for each of $EVENTS events" [ "$(wc -l <"$DIR/accepted")" = "$EVENTS" ]
[ -z "${DISK:-}" ] || : >"$DIR/disk"
curl -sS -o /dev/null -X DELETE "$API/_/faults"
loaded=$SECONDS
holds 'what is left is settled without further ado' drain $((400 + EVENTS / 50)) "${HURRY:-}"
drained=$((SECONDS - loaded))
point 'each event that got a 200 is settled, and none is dead' "$(unsettled)"
violations >"$DIR/violations"
while IFS='=' read -r pattern promise; do
	point "$promise" "$(grep -E "$pattern" "$DIR/violations" | head -n 12)"
done <<'END'
made twice|belongs to|not in the CRM=contacts: each made, and once
notes where=notes: none twice, none missing
enrolled [0-9]=enrolments: none twice
enrolments missing=enrolments: none missing but the undecidable ones
tags=tags: none twice, none missing
lifetime value=lifetime values: equal to the cent to the sum of the bills
Surgical: |two opportunities=opportunities: one in each pipeline, in the stage of the last event
: is First|last visit|last bill=contacts: as the last event has them
comparison=the comparison was made
END
point 'each undecidable enrolment was told of in a result' "$(query "SELECT effect FROM effect AS e WHERE done=2
	AND NOT EXISTS (SELECT 1 FROM attempt AS a JOIN inbox AS i ON i.seq=a.event_seq WHERE a.contact=e.contact
		AND e.effect LIKE i.subject || '/%' AND a.result LIKE '%whether the contact was enrolled%') LIMIT 12")"
undecided=$(query "SELECT count(*) FROM effect WHERE done=2")
lost=$(curl -sS "$API/_/requests" | jq -s '[.[] | select((.path | contains("/workflow/"))
	and (.fault | IN("reset-before", "reset-after", "cut", "500", "hang")))] | length')
unwritten=$(query "SELECT count(*) FROM attempt WHERE result LIKE '%\"code\":\"state\"%'")
kills=0 disturbed=0
for name in "${!killed[@]}"; do kills=$((kills + ${killed[$name]})); done
if ! on_sqlite; then
	for name in $(printf '%s\n' "${DISTURBANCES[@]}" | sort -u); do
		holds "there was trouble: $name" grep -qx "$name" "$DIR/disturbed"
	done
	over >"$DIR/over"
	point "the CRM's limit is kept by all hosts together" "$(head -n 12 "$DIR/over")"
	disturbed=$(($(wc -l <"$DIR/disturbed") * HOSTS * 16)) # each may have met as many events as are on their way
fi
holds "at most one undecidable enrolment for each kill, lost answer, or attempt that could not be written" \
	[ "$undecided" -le $((kills + lost + unwritten + disturbed)) ]
holds "as many kills as there were to be" [ "$kills" -ge "$KILLS" ]
missing=$(jq -n --slurpfile expected "$DIR/expected" --slurpfile state "$DIR/state" \
	'([$expected[0][].workflows | length] | add) - ([$state[0].contacts[].workflows | length] | add)')
printf '# %d events, %d kills (' "$EVENTS" "$kills"
for name in "${!killed[@]}"; do printf ' %s %d' "$name" "${killed[$name]}"; done
printf ' ), %d undecidable enrolments, of which %d are not there, %d lost answers to enrolments\n' \
	"$undecided" "$missing" "$lost"
printf '# %d s under load, %d s until all was settled\n' "$((loaded - started_at))" "$drained"
on_sqlite || sort "$DIR/disturbed" | uniq -c | awk '{ print "# " $2 ": " $1 " times" }'
[ -z "${KEEP:-}" ] || cp -R "$DIR" "$KEEP"
finish
