# shellcheck shell=bash
# The peak of each filter's memory after a thousand and after a million events, in one pipeline, as the kernel counts it. The
# events are complete, so that nobody is called.
# shellcheck disable=SC2154 # from common.bash

filters=(pnow-enrich categorize crm-map 'crm-push -n')

# peaks N: a line for each filter, MB.
peaks()
{
	rm -f times.*
	# shellcheck disable=SC2086 # crm-push has an option
	corpus "$1" | took times.0 ${filters[0]} 2>err.0 | took times.1 ${filters[1]} 2>err.1 | took times.2 ${filters[2]} |
		took times.3 ${filters[3]} -c memory/stateless.json >/dev/null
	awk '{ printf "%.1f\n", $3 / 1024 }' times.[0-3]
}

bench_memory()
{
	local i few many millions=${BENCH_MANY:-1000000}
	practice memory
	jq 'del(.state)' memory/practice.json >memory/stateless.json
	mapfile -t few < <(peaks 1000)
	mapfile -t many < <(peaks "$millions")
	title 'peak memory, MB, after so many events' 1000 "$millions"
	for i in "${!filters[@]}"; do
		row "  ${filters[i]}" "${few[i]}" "${many[i]}"
	done
}
