#!/usr/bin/env bash
# The CRM's limits, kept by all processes together: nearly all that is permitted is used, nothing is over it, whoever is killed
# on the way; live events go before a backfill, and locations do not charge each other.
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"
T1=2026-12-01T10:00:00Z
running=()

# begin [PRACTICE-FILTER [OPTION…]]: a new sandbox and practice.
begin()
{
	sandbox_stop
	state_remove "$DIR/test.db"
	seed .
	sandbox "${@:2}"
	practice test "${1:-.}"
}

# patients NAME NUMBER [FILTER]: so many events, each of a new patient and one request, mapped, in $DIR/NAME.
patients()
{
	event patient.created "$1" $T1 '{patient: {first_name: "A", last_name: "B"}} | . as $one | range('"$2"')
		| "\($one.id)-\(.)" as $id | $one | .id = $id | .patient += {$id, email: "\($id)@example.com"} | '"${3:-.}" |
		PNOW_CONFIG=$DIR/test.json crm-map >"$DIR/$1"
}

# start FILE [OPTION…]: crm-push of it in the background; results in $DIR/FILE.results.
start()
{
	PNOW_CONFIG=$DIR/test.json crm-push "${@:2}" <"$DIR/$1" >"$DIR/$1.results" 2>"$DIR/$1.err" &
	running[${#running[@]}]=$!
}

await_requests() # NUMBER
{
	for ((i = 0; i < 1500; i++)); do
		[ "$(requests .n | wc -l)" -lt "$1" ] || return 0
		sleep 0.02
	done
	return 1
}

# used MAX MS: of what is permitted between the first and the last request, how much was used, in percent.
used()
{
	requests '.at | (.[:19] + "Z" | fromdate) * 1000 + (.[20:23] | tonumber)' |
		jq -s --argjson max "$1" --argjson ms "$2" 'sort | 100 * length * $ms / $max / (.[-1] - .[0]) | floor'
}

# Whether no MS anywhere have more than MAX requests in them: a window that slides would be content, too.
never_more() # MAX MS
{
	requests '.at | (.[:19] + "Z" | fromdate) * 1000 + (.[20:23] | tonumber)' |
		jq -se --argjson max "$1" --argjson ms "$2" 'sort as $t | all(range($t | length - $max); $t[. + $max] - $t[.] >= $ms - 1)' >/dev/null
}

# all FILE…: the distinct statuses and errors of their results, each with how often it came.
all()
{
	for name in "$@"; do cat "$DIR/$name.results"; done |
		jq -r '[.status, .error.code // empty, .error.retry // empty] | map(tostring) | join(" ")' | sort | uniq -c |
		sed 's/^ *//'
}

over()
{
	requests 'select(.status == 429) | .n'
}

# --- Four processes

for ms in 1000 4000; do # a slow machine needs longer to use what is permitted
	begin . -r 25/$ms
	running=()
	for name in a b c d; do patients $name 24; done
	for name in a b c d; do start $name; done
	wait "${running[@]}"
	used=$(used 25 $ms)
	[ "$used" -lt 90 ] || break
done
is 'four processes, and a lower limit than assumed: all is done' "$(all a b c d)" '96 done'
is 'no request was over the limit' "$(over)" ''
never_more 25 $ms
point 'not even over one whose window slides'
[ "$used" -ge 90 ]
point 'and at least 90 % of what is permitted was used' "$used %"

for ms in 1000 4000; do
	begin . -r 25/$ms
	running=()
	for name in a b c d; do start $name -j 4; done
	await_requests 30
	kill -KILL "${running[0]}"
	wait "${running[@]}" 2>/dev/null
	used=$(used 25 $ms)
	[ "$used" -lt 85 ] || break
done
is 'one is killed: the others are done' "$(all b c d)" "72 done"
is 'with no request over the limit' "$(over)" ''
[ "$used" -ge 85 ]
point 'and what is permitted is used all the same' "$used %"

# --- A backfill gives way

for ms in 1000 4000; do # a slow machine needs longer for its own part
	begin . -r 25/$ms
	patients old 100 '.backfill = true'
	patients older 100 '.backfill = true'
	patients live 6
	running=()
	start old -j 16
	start older -j 16
	await_requests 30
	before=$(requests .n | wc -l)
	start live -j 1
	wait "${running[2]}"
	kill -KILL "${running[@]:0:2}"
	wait "${running[@]}" 2>/dev/null
	first=$(requests 'select(.body.email // "" | startswith("live")) | .n' | head -n 1)
	last=$(requests 'select(.body.email // "" | startswith("live")) | .n' | tail -n 1)
	{ [ $((first - before)) -gt 30 ] || [ $((last - first)) -gt 45 ]; } || break
done
is 'live events beside a backfill: all are done' "$(all live)" '6 done'
[ $((first - before)) -le 30 ] && [ $((last - first)) -le 45 ]
point 'and wait for none of the 32 requests that the backfill has waiting' "at $before, requests $first to $last"
[ $((last - first)) -ge 5 ] && [ "$(over)" = '' ]
point 'nothing is over the limit'

# --- An output that nobody reads

begin . -r 25/1000
patients stuck 40
yes junk | head -n 3000 >>"$DIR/stuck"
patients next 1
mkfifo "$DIR/unread"
exec 7<>"$DIR/unread"
PNOW_CONFIG=$DIR/test.json crm-push <"$DIR/stuck" >"$DIR/unread" 2>"$DIR/stuck.err" &
stuck=$!
await_requests 41
is 'who cannot write what has become of an event makes the requests of the others' "$(requests 'select(.method == "POST") | .n' | wc -l)" 40
PNOW_CONFIG=$DIR/test.json timeout 120 crm-push <"$DIR/next" >"$DIR/next.results"
is 'and holds up no other process' "$(all next)" '1 done'
timeout 120 head -n 3040 <&7 >"$DIR/stuck.results"
wait "$stuck"
is 'all is told when it is read' "$(all stuck)" "$(printf '40 done\n3000 null malformed')"
exec 7>&-

# --- Two locations

begin ".facilities.Downtown = {location_id: \"$DOWNTOWN\", token_file: \"downtown.token\"}" -r 12/600000
patients main 20
event appointment.booked down $T1 '{patient: $ana} + visit("88123"; "booked")' |
	PNOW_CONFIG=$DIR/test.json bash -c 'categorize | crm-map' >"$DIR/down"
running=()
start main
await_requests 12
start down
wait "${running[1]}"
is 'a location that has used up its limit charges no other' "$(all down)" '1 done'
is 'nothing is over the limit' "$(over)" ''
PNOW_CONFIG=$DIR/test.json pnow-inbox stat >"$DIR/stat"
is 'pnow-inbox stat tells what is left' "$(jq -c '.limits[0] | [.location_id, .interval_ms, .max, .left]' "$DIR/stat")" "[\"$MAIN\",600000,12,0]"
is 'of each location' "$(jq -c '.limits[1] | [.location_id, .left < .max, .left > 0]' "$DIR/stat")" "[\"$DOWNTOWN\",true,true]"
kill -KILL "${running[0]}"
wait "${running[@]}" 2>/dev/null

# --- The day

clear_of_midnight
begin . -R 20
for name in e f; do patients $name 15; done
running=()
for name in e f; do start $name; done
wait "${running[@]}"
is 'the day is used up: to be tried again' "$(all e f)" "$(printf '%s\n' "$((20 - $(requests 'select(.method == "GET") | .n' | wc -l))) done" \
	"$((10 + $(requests 'select(.method == "GET") | .n' | wc -l))) failed limited true")"
is 'and the last request of the day was made, and none more' "$(requests .status | wc -l) $(over)" '20 '
midnight=00.000Z
on_sqlite || midnight='*Z' # of the database's clock, as well as its answers tell that
like 'it says when there are more' "$(cat "$DIR"/[ef].results | jq -r '.error.message // empty' | head -n 1)" \
	"*: the CRM's limit is used up: again from 2*T00:00:$midnight on"
is 'which is no attempt: it is put off until then' "$(cat "$DIR"/[ef].results | jq -c 'select(.error) | .error
	| (.message | capture("again from (?<at>[^.Z]*)").at + "Z" | fromdate) as $at | .retry_after + now - $at | fabs < 60' | sort -u)" true
like '-v tells what is left' "$(PNOW_CONFIG=$DIR/test.json crm-push -v <"$DIR/e" 2>&1 >"/dev/null")" \
	"*crm-push: location $MAIN: * requests in 10000 ms are left, 0 of 20 today (UTC)*"

# --- 429 all the same

begin
patients g 1
patients h 30
mkfifo "$DIR/fed"
exec 8<>"$DIR/fed"
running=()
start fed 8>&-
head -n 1 "$DIR/h" >&8
await "$DIR/fed.results" # it runs, and has nothing under way
fault 429 retry_after=2 count=1 method=POST
start g 8>&-
until_true state_paused "$DIR/test.db"
point 'a pause that the CRM asks for is noted'
tail -n +2 "$DIR/h" >&8
exec 8>&-
wait "${running[@]}"
is 'all is done after it' "$(all g fed)" '31 done'
waited=$(requests '[.status, (.at | (.[:19] + "Z" | fromdate) * 1000 + (.[20:23] | tonumber)), .body.email // ""]' |
	jq -sc '(map(.[0]) | index(429)) as $i | .[$i][1] as $at | map(select(.[2] | startswith("h-")) | .[1] - $at | select(. > 0 and . < 1990))')
is 'and a process that ran before keeps it' "$waited" '[]'

# through: what is due goes through the filters; then states, attempts, and whether it is due in an hour, each with how often it came.
through()
{
	pnow-inbox -c "$DIR/test.json" run -1 -- bash -c 'crm-map | crm-push' 2>>"$DIR/err"
	state_sql "$DIR/test.db" 'SELECT state, attempts, due FROM inbox' |
		awk -F'|' -v hour=$(($(date +%s) + 3602)) '{ print $1, $2, ($3 / 1000 > hour - 60 && $3 / 1000 <= hour) }' | sort | uniq -c | xargs
}

export PNOW_CONFIG=$DIR/test.json
begin '.retry_seconds = [0]'
for name in m n; do
	patients $name 2
	pnow-inbox add <"$DIR/$name" >"/dev/null"
	[ $name = n ] || fault 429 retry_after=7200 count=1
	is "a long pause ($name): events are put off for as long as nobody asks, and no attempt is used up" \
		"$(through) $(requests .n | wc -l)" "$([ $name = m ] && echo 2 || echo 4) waiting 0 1 1"
done
is 'and stat says how long it lasts' "$(pnow-inbox stat | jq -c '.limits | map(.location_id, (.pause_seconds | . > 7000 and . <= 7200))')" "[\"$MAIN\",true]"
state_limits_forget "$DIR/test.db"
state_sql "$DIR/test.db" 'UPDATE inbox SET due = 0'
is 'when it is over they are done' "$(through)" '4 done 1 0'
begin '.retry_seconds = [0]'
patients o 1
pnow-inbox add <"$DIR/o" >"/dev/null"
fault 503 retry_after=7200
is 'a server that is in trouble is no limit: attempts are used up' "$(through)" '1 dead 2 0'

# --- What nobody can mean

# seconds_left: how long until the moment that the last message names.
seconds_left()
{
	local until
	until=$(jq -r '.error.message // empty' "$DIR/$1.results" | sed -n 's/.*again from \(.*\) on$/\1/p' | tail -n 1)
	echo $(($(date -d "$until" +%s) - $(date +%s)))
}

for pause in 31536000 99999999999999 9223372036854775807; do
	begin
	for name in i j; do patients $name 1; done
	fault 429 retry_after=$pause count=1
	start i
	wait "${running[@]}"
	before=$(requests .n | wc -l)
	start j # another process
	wait "${running[@]}"
	is "a pause of $pause s: kept by the next process" "$(all j) $(($(requests .n | wc -l) - before))" '1 failed limited true 0'
	left=$(seconds_left j)
	[ "$left" -gt 3500 ] && [ "$left" -le 3601 ] && jq -se 'map(.error.retry_after > 3500 and .error.retry_after <= 3600) == [true, true]' "$DIR"/[ij].results
	point 'and one request an hour asks whether it is over' "$left s"
done

begin . -r 100/1000000000
patients k 1
like 'an interval of 11 days is taken for an hour' "$(PNOW_CONFIG=$DIR/test.json crm-push -v <"$DIR/k" 2>&1 >"/dev/null")" \
	"*crm-push: location $MAIN: * of 100 requests in 3600000 ms are left, *"
finish
