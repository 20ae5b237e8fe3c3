#!/usr/bin/env bash
# pnow-inbox run sleeps until something is due: whoever makes an event due wakes it, and where nothing is, it costs nothing. Its
# pipeline ends when it has had nothing to do, and starts again with the next event.
# shellcheck disable=SC2154,SC2317 # from tap.sh: started; functions that a test calls by name
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
export PNOW_CONFIG=glow.json

cat >answer <<'END'
#!/bin/sh
echo "$PNOW_CONFIG" >>started
exec jq -c --unbuffered '{id, type, status: "done"}'
END
chmod +x answer
printf '{"practice":"glow","timezone":"America/Denver","pipelines":"non-surgical","state":"glow.db"}\n' >glow.json
on_engine glow.json

put() # ID [TYPE]
{
	jq -nc --arg id "$1" --arg type "${2:-patient.updated}" '{id: $id, type: $type, payload: {}, patient: {id: "5"}}' | pnow-inbox add >added
}

states()
{
	pnow-inbox list | jq -r '.id + " " + .state' | xargs
}

# until_states WANT: waits until the events are so.
until_states()
{
	until_true is_so "$1"
}

is_so()
{
	[ "$(states)" = "$1" ]
}

# run ARGUMENT...: pnow-inbox -v run in the background, its id in $process.
run()
{
	rm -f started
	"${under[@]}" pnow-inbox -v run "$@" 2>err &
	process=$!
	started+=("$process")
}

end() # its status
{
	kill -TERM "$process"
	wait "$process"
}

# looks: how often it has woken.
looks()
{
	awk '$1 == "voluntary_ctxt_switches:" { print $2 }' "/proc/$process/status"
}

sleeps()
{
	[ "$(ps -o stat= -p "$process" | cut -c1)" = S ]
}

tried_once()
{
	[ "$(pnow-inbox list | jq -r .attempts)" = 1 ]
}

# listens: it would be woken. deaf: it will not be, by the next wake-up.
listens()
{
	if on_sqlite; then
		[ -e glow.db-wakeup ]
	else
		[ "$(state_sql glow.db "SELECT count(*) FROM pg_stat_activity WHERE datname=current_database() AND query ILIKE 'listen%'")" -gt 0 ]
	fi
}
deaf()
{
	if on_sqlite; then
		rm glow.db-wakeup
	else
		state_sql glow.db "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname=current_database() AND query ILIKE 'listen%'"
	fi >killed
}

# ---- Woken

# On a clock that stands almost still the slow look is far away: what happens is a wake-up's doing.
clock 0.001
run -- ./answer
until_true listens
until_true sleeps
put e1
until_states 'e1 done'
is 'add wakes a run' "$(states)" 'e1 done'
pnow-inbox retry e1 >retried
until_true tried_once
until_states 'e1 done'
is 'retry wakes it' "$(states)" 'e1 done'
run_all=$process
run -t bill.completed -- sh -c 'echo bill >>bills; exec ./answer'
put e2 bill.completed
until_states 'e1 done e2 done'
is 'several runs of a state file are woken' "$(states)" 'e1 done e2 done'
end
process=$run_all
end
is 'SIGTERM wakes it: status 0' $? 0
promise='the file of the wake-ups is private, and never grows'
! about_files "$promise" || is "$promise" "$(stat -c '%a %s' glow.db-wakeup)" '600 1'

under=()
state_remove glow.db
run -- ./answer
until_true listens
until_true sleeps
deaf
put e1
until_states 'e1 done'
is 'where a wake-up is lost, the slow look finds the event' "$(states)" 'e1 done'
state_sql glow.db "UPDATE inbox SET state='waiting', due=0, settled=NULL"
until_states 'e1 done'
is 'so it does where somebody has written the file by hand' "$(states)" 'e1 done'

# ---- Idle

# at most a slow look in five seconds; each is a few switches
until_true sleeps
before=$(looks)
sleep 2
after=$(looks)
holds "idle, it sleeps: $((after - before)) times woken in two seconds" test $((after - before)) -le 10
end

if ! clock 20; then
	skip 'a pipeline that was idle for a minute ends' 'no faketime here, or sanitizers'
	finish
	exit
fi
state_remove glow.db
pnow-inbox stat >stat # makes the file: by this clock whoever waits for that soon waits too long
run -- ./answer
put e1
until_states 'e1 done'
until_true test -s started
no_pipeline()
{
	! pgrep -P "$process"
}
until_true no_pipeline
is 'a pipeline that was idle for a minute ends' "$(pgrep -P "$process" | wc -l) $(wc -l <started)" '0 1'
is 'and nothing is said about it' "$(<err)" 'pnow-inbox: e1: done'
no_state()
{
	! readlink "/proc/$process/fd/"* | grep -q 'glow\.db$'
}
if about_files 'the state file is closed, too'; then
	until_true no_state
	is 'the state file is closed, too' "$(readlink "/proc/$process/fd/"* | grep -c 'glow\.db')" 0
fi
put e2
until_states 'e1 done e2 done'
is 'the next event starts it again' "$(states) $(wc -l <started)" 'e1 done e2 done 2'
end
is 'the run ends with status 0' $? 0

# ---- The configuration

cat >away <<'END'
#!/bin/sh
cd / && jq -r .practice "$PNOW_CONFIG" >>"$1" && exec jq -c --unbuffered '{id, status: "done"}'
END
chmod +x away
put e3
PNOW_CONFIG=nowhere.json pnow-inbox -c glow.json run -1 -- ./away "$PWD/told"
is 'PNOW_CONFIG names the configuration to the pipeline, also with -c, wherever that goes' "$?: $(<told)" '0: glow'
finish
