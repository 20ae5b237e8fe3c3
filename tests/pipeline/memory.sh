#!/usr/bin/env bash
# What a pipeline holds of memory that is its own, while it waits: after an event, and after a burst that has waited for the CRM.
# Counted is what was written to (Anonymous): what programs share costs nothing more.
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"

if sanitized || ! grep -q '^Anonymous' /proc/self/smaps_rollup 2>/dev/null; then
	echo "1..0 # SKIP needs /proc, and a build without sanitizers"
	exit 0
fi

done_are()
{
	[ "$(wc -l <results)" -eq "$1" ]
}

# own: KiB, of both processes of pnow-sync.
own()
{
	local process
	for process in "$SYNC" $(pgrep -P "$SYNC"); do
		cat "/proc/$process/smaps_rollup"
	done | awk '/^Anonymous:/ { n += $2 } END { print n }'
}

# at_most PROMISE KIB
at_most()
{
	local is
	is=$(own)
	[ "$is" -le "$2" ]
	point "$1: at most $2 KiB" "$is KiB"
}

seed .
sandbox
practice test .
mkfifo in
PNOW_CONFIG=$DIR/test.json pnow-sync <in >results 2>err &
SYNC=$!
started+=("$SYNC")
exec 3>in
updates 0 1 >&3
until_true done_are 1
is 'pnow-sync is two processes' "$(pgrep -c -P "$SYNC")" 1
at_most 'after an event' 3500
fault delay ms=200
updates 1 200 >&3
until_true done_are 201
at_most '... and after 200 that came at once' 5000
exec 3>&-
wait "$SYNC"
is 'all are done' "$(jq -r .status results | sort | uniq -c | xargs)" '201 done'
finish
