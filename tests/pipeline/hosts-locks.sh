#!/usr/bin/env bash
# Where hosts share a state in PostgreSQL, whose connections are lost: nobody goes on with an event that may be another's by now, what
# another has begun is left alone until its request has ended, and the events of a run that lives stay its own.
# shellcheck disable=SC2034 # tap.sh uses it
ENGINE=postgresql
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"
T1=2026-12-01T10:00:00Z

# lose PROGRAM: all its connections, as the server ends them.
lose()
{
	state_sql "$DIR/test.db" "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname=current_database()
		AND application_name='$1'" >/dev/null
}

met()
{
	until_true matches '"left": ?0' faults
}

# Whether the event's opportunity is made, and its note alone is begun.
note_is_begun()
{
	[ "$(state_sql "$DIR/test.db" 'SELECT (SELECT count(*) FROM opportunity), count(*) FROM effect WHERE done=0')" = '1|1' ]
}

notes()
{
	contact ana@example.com | jq '.notes | length'
}

# result FILTER: of the last line of results.
result()
{
	tail -n 1 "$DIR/results" | jq -r "$1"
}

begin()
{
	sandbox_reset
	state_remove "$DIR/test.db"
	event patient.created e1 $T1 '{patient: $ana}' | push >"$DIR/results"
}

seed .
sandbox
practice test '.workflows = {}'
export PNOW_CONFIG=$DIR/test.json
event appointment.booked e2 2026-12-02T10:00:00Z '{patient: $ana} + visit("1"; "booked")' >"$DIR/booked"

# ---- An event's locks

for ms in 2000 16000; do # a slow machine needs longer to lose them before the answer
	begin
	fault delay ms=$ms method=PUT count=1
	push <"$DIR/booked" >"$DIR/results" &
	process=$!
	met
	lose crm-push
	wait $process
	[ "$(result .error.code)" != locks ] || break
done
is 'locks that were lost: the event is put off, and begun anew' \
	"$(result '[.status, .error.code, .error.retry, .error.retry_after] | join(" ")') $(notes)" 'failed locks true 1 0'
push <"$DIR/booked" >"$DIR/results"
is 'it had begun nothing: it is done at once, with one note' "$(result .status) $(notes)" 'done 1'

# ---- What another has begun

begin
fault hang method=POST path=/notes count=1
categorize <"$DIR/booked" | crm-map >"$DIR/mapped"
crm-push <"$DIR/mapped" >"$DIR/results" 2>"$DIR/err" &
process=$!
met
until_true note_is_begun
kill -KILL $process
wait $process 2>"/dev/null"
faults_end
crm-push <"$DIR/mapped" >"$DIR/results"
holds "what was begun lately is left alone until its request has ended: $(result .error.code)" \
	jq -e '.error.code == "begun" and .error.retry and .error.retry_after > 0 and .error.retry_after <= 36' "$DIR/results"
state_later "$DIR/test.db" effect 60000
crm-push <"$DIR/mapped" >"$DIR/results"
is 'then it is looked for, and done once' "$(result .status) $(notes)" 'done 1'

# ---- A run's events

cat >"$DIR/answer" <<-'EOF'
	#!/bin/sh
	echo started >>"$1.started"
	until [ -e "$1" ]; do sleep 0.05; done
	exec jq -c --unbuffered '{id, status: "done"}'
EOF
chmod +x "$DIR/answer"

# run NAME: a host's run, whose pipeline waits for a file of this name; its id in $process.
run()
{
	"${under[@]}" setsid pnow-inbox -v run -- "$DIR/answer" "$DIR/$1" 2>"$DIR/$1.err" &
	process=$!
	started+=("$process")
}

listening() # HOSTS
{
	[ "$(state_sql "$DIR/test.db" "SELECT count(*) FROM pg_stat_activity WHERE datname=current_database() AND query ILIKE 'listen%'")" = "$1" ]
}

# has_lock: a run has one.
has_lock()
{
	[ "$(state_sql "$DIR/test.db" "SELECT count(*) FROM pg_locks WHERE locktype='advisory' AND objsubid=1 AND mode='ExclusiveLock'
		AND database=(SELECT oid FROM pg_database WHERE datname=current_database())")" -ge 1 ]
}

is_done()
{
	[ "$(pnow-inbox list | jq -r .state)" = "done" ]
}

if ! clock 10; then
	skip 'a run that lost its connection keeps its events' 'no faketime here, or sanitizers'
	finish
	exit
fi
state_remove "$DIR/test.db"
run one
one=$process
pnow-inbox add <"$DIR/booked" >"/dev/null"
await "$DIR/one.started"
run two
until_true has_lock
lose pnow-inbox
until_true has_lock
: >"$DIR/one"
until_true is_done
is 'a run that lost its connection keeps its events' "$(pnow-inbox list | jq -c '[.state, .attempts]') $(ls "$DIR/two.started" 2>"/dev/null")" \
	'["done",1] '
kill "$one" "$process"
wait "$one" "$process"

state_remove "$DIR/test.db"
run three
pnow-inbox add <"$DIR/booked" >"/dev/null"
await "$DIR/three.started"
kill -KILL "$process"
wait "$process" 2>"/dev/null"
: >"$DIR/four"
run four
until_true is_done
is 'one that has died loses them to another' "$(cat "$DIR/four.started")" started
kill "$process"
wait "$process"
is 'which ends well' $? 0
: >"$DIR/three"
finish
