#!/usr/bin/env bash
# pnow-sync is told to end with events on their way through both of its processes: what it has read has a result, nothing is lost
# between the two, and what pnow-inbox had given it is no failed attempt.
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"

done_are()
{
	[ "$(wc -l <results)" -ge "$1" ]
}

begun_are()
{
	[ "$(pnow-inbox list -s running | wc -l)" -ge "$1" ]
}

seed .
sandbox
practice test .
export PNOW_CONFIG=$DIR/test.json
fault delay ms=300
mkfifo in
pnow-sync <in >results 2>err &
sync=$!
exec 3>in
updates 0 20 >&3
until_true done_are 1
kill -TERM "$(pgrep -P "$sync")" "$sync"
wait "$sync"
is 'SIGTERM to both: it ends by the signal' $? 143
is 'with a result for each event that it had' "$(jq -r .status results | sort | uniq -c | xargs)" '20 done'
exec 3>&-

updates 100 20 | pnow-inbox add >added
pnow-inbox run -- pnow-sync >run.out 2>run.err &
run=$!
until_true begun_are 15
sync=$(pgrep -P "$run")
kill -TERM "$run" "$sync" "$(pgrep -P "$sync")"
wait "$run"
is 'SIGTERM to pnow-inbox run and its pipeline: no event has failed' "$(pnow-inbox list | jq -r 'select(.state != "done" and .attempts > 0) | .id' | xargs)" ''
fault delay ms=0
pnow-inbox run -1 -- pnow-sync 2>>run.err
is 'and what is left is done by the next run' "$(pnow-inbox list | jq -r .state | sort | uniq -c | xargs)" '20 done'
finish
