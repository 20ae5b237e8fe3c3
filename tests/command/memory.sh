#!/usr/bin/env bash
# A stream of any length takes constant memory: the filters between PatientNow and the CRM need for a million events what
# they need for a thousand, and under 8 MB each. The events are those of tests/golden. A process's peak is what the kernel
# says (VmHWM) when it has done the last event and waits for more.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"

if sanitized || ! grep -q '^VmHWM' /proc/self/status 2>/dev/null; then
	echo "1..0 # SKIP needs /proc, and a build without sanitizers"
	exit 0
fi

export PNOW_CONFIG=$root/tests/golden/six-workflows/conf.json
cat "$root"/tests/golden/*/out.ndjson | jq -c 'select(.error|not)|del(.actions,.category,.pipeline,.stage)' >some
for ((i = 0; i < 10; i++)); do cat some; done | head -n 1000 >block
last='{"id":"the last one","type":"patient.updated","patient":{"id":"1"}}'

# peaks N: the peaks of categorize and crm-map, in KiB, after N times the block; seconds in $took.
peaks()
{
	local began=$SECONDS categorize crm_map
	mkfifo in middle out
	categorize <in >middle 2>/dev/null &
	categorize=$!
	crm-map <middle >out &
	crm_map=$!
	started=("$categorize" "$crm_map")
	exec 3>in 4<out
	{ for ((i = 0; i < $1; i++)); do cat block; done; printf '%s\n' "$last"; } >&3 4<&- &
	started+=($!)
	grep -c -m 1 '"id":"the last one"' <&4 >found
	read -r first < <(awk '/^VmHWM/ { print $2 }' "/proc/$categorize/status")
	read -r second < <(awk '/^VmHWM/ { print $2 }' "/proc/$crm_map/status")
	exec 3>&- 4<&-
	wait "${started[@]}"
	started=()
	rm in middle out
	took=$((SECONDS - began))
}

# within PROMISE GOT LIMIT
within()
{
	if [ "$2" -le "$3" ]; then pass "$1 ($2 KiB)"; else fail "$1" "$2 KiB, at most $3"; fi
}

peaks 1
few=("$first" "$second")
peaks 1000
many=("$first" "$second")
is "a million events go through" "$(<found)" 1
for i in 0 1; do
	filter=$([ "$i" = 0 ] && echo categorize || echo crm-map)
	within "$filter: a thousand events take less than 8 MB" "${few[i]}" 8191
	within "$filter: a million events take less than 8 MB" "${many[i]}" 8191
	within "$filter: and no more than a thousand, give or take half a MiB" "$((many[i] - few[i]))" 512
done
echo "# a million events of $(($(wc -c <block) / 1000)) bytes: $took s"
finish
