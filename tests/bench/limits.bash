# shellcheck shell=bash
# How much of what the CRM permits, 100 calls in 10 s, four processes use together in BENCH_LIMIT_SECONDS (60).
# shellcheck disable=SC2154 # from common.bash

# What the CRM got within the time, and how much of it was one too many.
limit_figures()
{
	curl -sS "$api/_/requests" | jq -rs --argjson seconds "$1" '
		def ms: (.[:19] + "Z" | fromdate) * 1000 + (.[20:23] | tonumber);
		map(select(.api == "crm") | {at: (.at | ms), status}) | (map(.at) | min) as $began
		| map(select(.at < $began + $seconds * 1000)) | "\(map(select(.status != 429)) | length) \(map(select(.status == 429)) | length)"'
}

bench_limits()
{
	local i seconds=${BENCH_LIMIT_SECONDS:-60} got refused permitted pushes=()
	sandbox 0 -r 100/10000
	practice limits
	updates 0 1 | crm-push >result
	sleep 10 # the window of these calls is over: what follows begins a new one
	curl -sS -X DELETE "$api/_/requests" >result
	for i in 1 2 3 4; do
		updates $((i * 10000)) $((seconds * 10)) >"updates.$i"
		crm-push -j 8 <"updates.$i" >"results.$i" 2>"errors.$i" &
		pushes+=($!)
	done
	started+=("${pushes[@]}")
	sleep $((seconds + 1))
	read -r got refused < <(limit_figures "$seconds")
	permitted=$((seconds * 10))
	for i in "${pushes[@]}"; do stop; done
	stop
	title "crm-push, 100 calls in 10 s permitted, four processes, $seconds s" calls 'x permitted' '429s'
	row '  backfill' "$got" "$(calculate "$got / $permitted" %.2f)" "$refused"
}
