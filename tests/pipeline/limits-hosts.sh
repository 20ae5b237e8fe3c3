#!/usr/bin/env bash
# The CRM's limits where hosts share a state in PostgreSQL: three of them together use what is permitted and no more, whoever dies, and
# what one is told all know. A host is a folder of its own.
# shellcheck disable=SC2034 # tap.sh uses it
ENGINE=postgresql
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"
T1=2026-12-01T10:00:00Z
running=()

# begin [OPTION…]: a new sandbox and practice.
begin()
{
	sandbox_stop
	state_remove "$DIR/test.db"
	seed .
	sandbox "$@"
	practice test
	export PNOW_CONFIG=$DIR/test.json
	running=()
}

# start HOST NUMBER [OPTION…]: crm-push on a host, of so many events, each of a new patient and one request.
start()
{
	# shellcheck disable=SC2016 # jq's
	event patient.created "$1" $T1 '{patient: {first_name: "A", last_name: "B"}} | . as $one | range('"$2"')
		| "\($one.id)-\(.)" as $id | $one | .id = $id | .patient += {$id, email: "\($id)@example.com"}' | crm-map >"$DIR/$1"
	(umask 077 && mkdir -p "$DIR/run-$1")
	XDG_RUNTIME_DIR=$DIR/run-$1 RUNTIME_DIRECTORY='' crm-push "${@:3}" <"$DIR/$1" >"$DIR/$1.results" 2>"$DIR/$1.err" &
	running[${#running[@]}]=$!
}

sent() # when each request came, milliseconds since 1970
{
	requests "${1:-.} | .at"' | (.[:19] + "Z" | fromdate) * 1000 + (.[20:23] | tonumber)'
}

await_requests() # NUMBER
{
	for ((i = 0; i < 3000; i++)); do
		[ "$(requests .n | wc -l)" -lt "$1" ] || return 0
		sleep 0.02
	done
	return 1
}

# used MAX MS: of what is permitted while all are at work, from the first to the fifth interval, how much was used, in percent.
used()
{
	sent | jq -s --argjson max "$1" --argjson ms "$2" \
		'min as $t | map(select(. >= $t + $ms and . < $t + 5 * $ms)) | 100 * length / (4 * $max) | floor'
}

# Whether no MS anywhere have more than MAX requests in them.
never_more() # MAX MS
{
	sent | jq -se --argjson max "$1" --argjson ms "$2" 'sort as $t | all(range($t | length - $max); $t[. + $max] - $t[.] >= $ms - 1)' \
		>"/dev/null"
}

# all HOST…: the distinct statuses of their results, each with how often it came.
all()
{
	for name in "$@"; do cat "$DIR/$name.results"; done | jq -r .status | sort | uniq -c | sed 's/^ *//'
}

over()
{
	requests 'select(.status == 429) | .n'
}

for ms in 1000 4000; do # a slow machine needs longer to use what is permitted
	begin -r 50/$ms
	for name in a b c; do start $name 200 -j 8; done
	await_requests 300
	used=$(used 50 $ms)
	left=$(pnow-inbox stat | jq -c '.limits[0] | .max, (.left < .max)' | xargs)
	kill "${running[@]}"
	wait "${running[@]}" 2>"/dev/null"
	[ "$used" -lt 95 ] || break
done
[ "$used" -ge 95 ]
point 'three hosts, and a lower limit than assumed: at least 95 % of what is permitted is used' "$used %"
is 'no request was over the limit' "$(over)" ''
never_more 50 "$ms"
point 'not even over one whose window slides'
is 'each host has a file of its own, for its own user' "$(stat -c %a "$DIR"/run-[abc]/pnow-*-limits | xargs)" '600 600 600'
is 'pnow-inbox stat tells what all have left' "$left" '50 true'

begin -r 40/1000
for name in d e; do start $name 70 -j 4; done
await_requests 60
kill -KILL "${running[0]}"
wait "${running[@]}" 2>"/dev/null"
is 'the processes of one are killed: the other is done' "$(all e)" "70 done"
is 'with no request over the limit' "$(over)" ''
never_more 40 1000
point 'not even over one whose window slides'

clear_of_midnight
begin -R 30
for name in f g h; do start $name 15; done
wait "${running[@]}"
start rest 30 # what one had in hand while another was told that there is no more
wait "${running[@]}"
is 'the day is used up' "$(requests 'select(.status != 429) | .n' | wc -l)" 30
is 'by all together, and none more' "$(over)" ''
is 'pnow-inbox stat says so' "$(pnow-inbox stat | jq '.limits[0].day_left')" 0

for pause in 4 16; do # a slow machine needs longer to tell all
	begin -r 1000/10000
	fault 429 retry_after=$pause count=1 skip=20
	for name in i j k; do start $name 40 -j 2; done
	wait "${running[@]}"
	at=$(sent 'select(.status == 429)')
	kept=$(sent | jq -s "map(select(. > $at + $pause * 500 and . < $at + $pause * 1000 - 10)) | length")
	[ "$kept" -ne 0 ] || break
done
is 'a pause that the CRM asks one for: all is done' "$(all i j k)" '120 done'
is 'and all hosts keep it' "$kept" 0
finish
