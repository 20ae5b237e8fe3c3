# shellcheck shell=bash
# How fast the push is: every event is one call, the CRM answers after 50 ms and has no limit, so that N in parallel could make
# N/0.05 calls a second.
# shellcheck disable=SC2154 # from common.bash

calls_a_second()
{
	jq -s --argjson seconds "$1" '(map(.calls) | add) / $seconds' "$2"
}

bench_push()
{
	local parallel round n first=1 rate
	sandbox 0
	practice push
	updates 0 1 | crm-push >result
	delay 50
	title 'crm-push, 50 ms an answer, no limit' 'calls/s' 'x possible'
	for parallel in 1 4 16 64; do
		rm -f rates
		n=$((parallel * 30))
		for ((round = 0; round < rounds; round++)); do
			updates "$first" "$n" >updates
			first=$((first + n))
			rm -f times.push
			took times.push crm-push -j "$parallel" <updates >results
			calls_a_second "$(cut -d' ' -f1 times.push)" results >>rates
		done
		rate=$(median <rates)
		row "  $parallel in parallel, $n events" "$(calculate "$rate")" "$(calculate "$rate / ($parallel / 0.05)" %.2f)"
	done
	stop
}
