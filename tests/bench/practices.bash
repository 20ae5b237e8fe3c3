# shellcheck shell=bash
# Five hundred practices of a folder, one hook, one inbox: what they cost with nothing to do, how long an event takes to a practice
# that had nothing to do, and a thousand events to a hundred practices at once.
# shellcheck disable=SC2154 # from common.bash

# many N [STATE]: a folder of N practices, each with a state of its own, or all with this one; a hundred of them have been used before,
# so that the ids of the CRM's names are known.
many()
{
	local name json
	practice "$work/many"
	mkdir many/conf
	jq -r --argjson n "$1" --arg dir "$work/many" --arg state "${2:-}" '. as $practice | range(1; $n + 1) | "p\(.)" as $name | $practice | .practice = $name
		| .state = (if $state == "" then "\($dir)/\($name)/s.db" else $state end) | .categories |= "\($dir)/\(sub(".*/"; ""))" | .patientnow.token_file = "\($dir)/pnp.token"
		| .crm.token_file = "\($dir)/crm.token" | .hooks.patientnow.secret_file = "\($dir)/hook.secret" | "\($name) \(tojson)"' many/practice.json |
		while read -r name json; do
			mkdir "many/$name"
			printf '%s\n' "$json" >"many/conf/$name.json"
		done
	for ((i = 1; i <= 100; i++)); do
		printf '{"id":"first","type":"patient.updated","occurred":"2026-11-20T16:00:00Z","patient":{"id":"%s"}}\n' $((10233 + i)) |
			pnow-inbox -c "many/conf/p$i.json" add >added
	done
	pnow-inbox -C many/conf run -1 -- pnow-sync
}

# ticks PROCESS…: of processor time that they have taken.
ticks()
{
	local process
	for process; do awk '{ print $14 + $15 }' "/proc/$process/stat"; done | awk '{ n += $1 } END { print n }'
}

# megabytes PROCESS…: of memory that is theirs, a page of several by its part.
megabytes()
{
	local process
	for process; do awk '$1 == "Pss:" { print $2 }' "/proc/$process/smaps_rollup"; done | awk '{ n += $1 } END { printf "%.0f", n / 1024 }'
}

# webhook PRACTICE ID BODY: what curl reads for one.
webhook()
{
	printf 'url = http://127.0.0.1:%s/hook/p%s/patientnow\nheader = "Content-Type: application/json"\nheader = "X-Token: %s"\noutput = /dev/null\n' "$port" "$1" "$token"
	printf 'data = "{\\"eventId\\":\\"%s\\",%s}"\n' "$2" "${3//\"/\\\"}"
}

# booking PRACTICE, update PRACTICE: what its patient, whom the CRM knows, has done. The CRM's limits let a thousand updates pass,
# which change nothing there.
booking()
{
	printf '"event":"AppointmentCreated","occurredAt":"2026-11-20T17:00:00Z","data":{"appointmentId":"%s","patientId":"%s","appointmentType":"Botox","status":"Booked","startTime":"2026-12-01T15:30:00-07:00"}' "$1" $((10233 + $1))
}

update()
{
	printf '"event":"PatientUpdated","occurredAt":"2026-11-20T16:00:00Z","data":{"patientId":"%s"}' $((10233 + $1))
}

# settled ID [PRACTICE]: how many practices have settled their event of that id.
settled()
{
	grep -c "^pnow-inbox: p${2:-[0-9]*}: $1: " run.err
}

all_settled() # N ID [PRACTICE]
{
	[ "$(settled "${@:2}")" = "$1" ]
}

# An event to each of some practices that have nothing to do: milliseconds to its last call.
to_the_cold()
{
	local i began
	for ((i = 1; i <= 20; i++)); do
		curl -sS -X DELETE "$api/_/requests" >requests
		post "p$i" "{\"eventId\":\"cold\",$(booking "$i")}"
		sleep 0.2 # to look takes a processor
		until_true all_settled 1 cold "$i"
		curl -sS "$api/_/requests" | jq -rs --arg began "$began" '
			def ms: (.[:19] + "Z" | fromdate) * 1000 + (.[20:23] | tonumber);
			([.[] | .at | ms] | max) - ($began | tonumber) * 1000' >>cold.ms
	done
}

# A thousand at once, ten to each of a hundred practices.
at_once()
{
	local i n
	for ((n = 1; n <= 10; n++)); do
		for ((i = 1; i <= 100; i++)); do
			[ $((n + i)) -eq 2 ] || echo next
			webhook "$i" "e$n" "$(update "$i")"
		done
	done >all.curl
	began=$EPOCHREALTIME
	curl -s -Z --parallel-max 16 -K all.curl 2>/dev/null
	answered=$EPOCHREALTIME
	until_true all_settled 100 e10
	ended=$EPOCHREALTIME
}

bench_practices()
{
	local token port hook inbox before began answered ended n=500
	sandbox 100
	many $n
	token=$(<many/hook.secret)
	rm -f port
	pnow-hook -C many/conf -l 127.0.0.1:0 -p port >listen.out 2>listen.err &
	hook=$!
	started+=("$hook")
	await port
	port=$(<port)
	pnow-inbox -v -C many/conf run -- pnow-sync 2>run.err &
	inbox=$!
	started+=("$inbox")
	sleep 6
	before=$(ticks $hook $inbox)
	sleep 10
	title "$n practices of a folder, one hook and one inbox" figure
	row '  idle: % of a processor, both' "$(calculate "($(ticks $hook $inbox) - $before) / $(getconf CLK_TCK) / 10 * 100" %.2f)"
	row '  idle: MB of memory, both' "$(megabytes $hook $inbox)"
	to_the_cold
	row '  ms to the last call of an event to an idle practice, median' "$(median <cold.ms)"
	row '  ... longest of 20' "$(sort -n cold.ms | tail -n 1)"
	at_once
	row '  1,000 events to 100 practices at once: s to the last answer' "$(calculate "$answered - $began")"
	row '  ... s until all are settled' "$(calculate "$ended - $began")"
	pnow-inbox -C many/conf list | jq -r '"\(.practice): \(.id):"' | grep ' e' | sort -s -k 1,1 >received
	awk '$3 ~ /^e/ { print $2, $3 }' run.err | sort -s -k 1,1 >in-order
	row '  ... events that were not settled in the order in which they came' "$(diff received in-order | grep -c '^>')"
	stop
	stop
	grep -v ': done$\|: unchanged$' run.err listen.err
	stop
}
