#!/usr/bin/env bash
# What pnow-inbox(1) promises: every event that is stored is settled by what a pipeline answers, whatever dies meanwhile, and
# people can see and change what is in it.
# shellcheck disable=SC2154,SC2317 # from tap.sh: work, bin, started; functions that a test calls by name
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
export PNOW_CONFIG=glow.json

# ---- Pipelines for run, as scripts.

# Answers each event with done.
cat >answer <<'END'
#!/bin/sh
exec jq -c --unbuffered '{id, type, status: "done", patient_id: .patient.id, contact_id: "c-1"}'
END
# Takes what comes within a moment, writes the patients of it into batches and the ids into order, and answers the last one
# first.
cat >batches.sh <<'END'
#!/usr/bin/env bash
while IFS= read -r line; do
	batch=("$line")
	while IFS= read -r -t 0.2 line; do batch+=("$line"); done
	printf '%s\n' "${batch[@]}" | jq -r .patient.id | sort | xargs >>batches
	printf '%s\n' "${batch[@]}" | jq -r .id >>order
	printf '%s\n' "${batch[@]}" | tac | jq -c '{id, status: "done"}'
done
END
# Reads and does not answer before its input has ended; with a file named "go" it does.
cat >slow <<'END'
#!/usr/bin/env bash
while IFS= read -r line; do
	printf '%s\n' "$line" >>fed
	while [ ! -e go ] && [ ! -e "$1" ]; do sleep 0.02; done
	[ ! -e go ] || jq -c '{id, status: "done"}' <<<"$line"
done
END
# Dies by a signal with its first three events, the first two times.
cat >dying <<'END'
#!/usr/bin/env bash
echo >>starts
if [ "$(wc -l <starts)" -le 2 ]; then
	for _ in 1 2 3; do read -r _; done
	kill -KILL $$
fi
exec ./answer
END
# Says when each event came.
cat >stamps <<'END'
#!/usr/bin/env bash
while IFS= read -r line; do
	now=$EPOCHREALTIME
	id=${line#*'"id":"'}
	id=${id%%'"'*}
	printf '%s %s\n' "$id" "$now" >>came
	printf '{"id":"%s","status":"done"}\n' "$id"
done
END
# Answers each event at once, but for one named "late", which it answers when its input has ended. With "add" it adds the next
# one of the same patient then, m2 after m1. Into took goes how many milliseconds m1 to m20 took.
cat >mates <<'END'
#!/usr/bin/env bash
late=''
while IFS= read -r line; do
	now=${EPOCHREALTIME/./}
	id=${line#*'"id":"'}
	id=${id%%'"'*}
	if [ "$id" = late ]; then
		late=$id
		continue
	fi
	printf '{"id":"%s","status":"done"}\n' "$id"
	[ "$id" != m1 ] || began=$now
	[ "$id" != m20 ] || { echo $(((now - began) / 1000)) >took.new && mv took.new took; }
	[ "$1" != add ] || [ "$id" = m20 ] || printf '%s\n' "${line/\"$id\"/\"m$((${id#m} + 1))\"}" | pnow-inbox add >added
done
[ -z "$late" ] || printf '{"id":"late","status":"done"}\n'
END
# Answers five events, 10 ms after each other, and a sixth when its input has ended.
cat >five <<'END'
#!/usr/bin/env bash
for i in 1 2 3 4 5 6; do IFS= read -r line[i]; done
for i in 1 2 3 4 5; do jq -c '{id, status: "done"}' <<<"${line[i]}"; done >answers
while IFS= read -r line; do printf '%s\n' "$line"; sleep 0.01; done <answers
cat
jq -c '{id, status: "done"}' <<<"${line[6]}"
END
chmod +x answer batches.sh slow dying stamps mates five

# ---- What the tests do again and again.

# fresh [RETRY_SECONDS]: an empty inbox.
fresh()
{
	state_remove glow.db fed go stop starts batches order came
	printf '{"practice":"glow","timezone":"America/Denver","pipelines":"non-surgical","state":"glow.db","retry_seconds":%s,
		"patientnow":{"practice_id":"1"}}\n' "${1:-[0,0]}" >glow.json
	on_engine glow.json
}

# event ID PATIENT [TYPE]: a line.
event()
{
	printf '{"id":"%s","type":"%s","practice":"glow","payload":{},"patient":{"id":"%s","last_name":"Zanzibar"},"bill":{"id":"b%s"}}\n' \
		"$1" "${3:-patient.updated}" "$2" "$1"
}

# put ID PATIENT [TYPE]: into the inbox.
put()
{
	event "$@" | pnow-inbox add >added
}

inbox()
{
	timeout 120 pnow-inbox "$@"
}

# states: every event with its state, in the order in which they came.
states()
{
	inbox list | jq -r '.id + " " + .state' | xargs
}

sql()
{
	state_sql glow.db "$1"
}

# until_is WANT COMMAND...: waits until it prints this.
until_is()
{
	until_true prints "$@"
}

prints()
{
	[ "$("${@:2}")" = "$1" ]
}

# run_in_background ARGUMENT...: pnow-inbox run, its id in $process.
run_in_background()
{
	pnow-inbox run "$@" 2>>run.err &
	process=$!
	started+=("$process")
}

# Tells a process to end; its exit status in $status.
end()
{
	kill -TERM "$1"
	wait "$1"
	status=$?
}

# ---- add

test_add()
{
	fresh
	is 'add tells what an event is kept under' "$(event e1 5 | inbox add)" '{"id":"e1","state":"waiting"}'
	is 'add: a delivery id that is known is the same event' "$(event e1 5 | inbox add | jq -r .state)" known
	inbox run -1 -- ./answer
	is 'add: it is known after it was settled, too' "$(event e1 5 | inbox add | jq -r .state) $(states)" 'known e1 done'
	is "add: the other sender's delivery ids are not PatientNow's" \
		"$(jq -nc '{id: "e1", type: "contact.tagged", payload: {id: "c1"}}' | inbox add | jq -r '.id, .state' | xargs)" 'e1-2 waiting'
	local body='{"type":"patient.updated","payload":{},"patient":{"id":"7"}}' first
	first=$(inbox add <<<"$body" | jq -r .id)
	is 'add: an identical body without an id is folded into the one that waits' \
		"$(inbox add <<<"$body")" "{\"id\":\"$first\",\"state\":\"known\"}"
	inbox run -1 -- ./answer
	is 'add: after that was begun it is another event' "$(inbox add <<<"$body")" "{\"id\":\"$first-2\",\"state\":\"waiting\"}"
	is 'add: an event that was given an id carries it' "$(inbox show "$first-2" | jq -r .id)" "$first-2"
	sql "UPDATE inbox SET due=received+1 WHERE id='$first-2'"
	is 'add: one that a pipeline had and gave back takes no other in' "$(inbox add <<<"$body" | jq -r .id)" "$first-3"
	is "add: a webhook's bare body becomes an event" \
		"$(inbox add <<<'{"event":"PatientUpdated","eventId":"w1","data":{"patientId":9}}'; inbox show w1 | jq -r .type)" \
		$'{"id":"w1","state":"waiting"}\npatient.updated'
	is 'add: a line that is no record is an error, and status 1' \
		"$(inbox add <<<'hello' | jq -r .error.code; event e9 1 | sed 's/"glow"/"other"/' | inbox add | jq -r .error.code)" \
		$'malformed\nwrong_practice'
	is 'add: what was not taken is not there' "$(inbox show e9 2>&1 >/dev/null | grep -c 'no event of glow')" 1
}

# ---- run

test_settling()
{
	fresh
	local i
	for i in 1 2 3 4 5; do event "e$i" "$i"; done | inbox add >added
	cat >each <<'END'
#!/bin/sh
exec jq -c --unbuffered '{id, status: {e1: "done", e2: "unchanged", e3: "ignored", e4: "skipped", e5: "failed"}[.id], reason: "why"}'
END
	chmod +x each
	inbox run -1 -- ./each
	is 'run: a dead event makes the status 1' $? 1
	is 'run settles each event by the status of its result' "$(states)" 'e1 done e2 unchanged e3 ignored e4 skipped e5 dead'
	event e6 6 | inbox add >added
	inbox run -1 -- cat
	is 'run: an event that passes without a result is done' "$(inbox list -n 1 | jq -r .state)" 'done'
	is 'run: what is kept of it names nobody' "$(state_attempts glow.db result "id='e6'")" \
		'{"id":"e6","type":"patient.updated","practice":"glow","status":"done"}'
	event e10 10 | inbox add >added
	inbox run -1 -- jq -c --unbuffered '{id, type, status: "done", patient_id: .patient.id, patient, ms: 3, note: "Zanzibar"}'
	is 'run: of a result, too, ids and sums are kept' "$(state_attempts glow.db result "id='e10'")" \
		'{"id":"e10","type":"patient.updated","patient_id":"10","status":"done","ms":3}'
	event e7 7 | inbox add >added
	inbox run -1 -- sed -u 's/{/{"status":"waiting",/' 2>/dev/null
	is 'run: a status that is none settles as dead' "$(inbox list -n 1 | jq -r .state) $(inbox trace e7 | jq -r '.result.error.code // empty')" \
		'dead bad_status'
	put t8 8
	like 'run: lines without a meaning are told of, and passed over' \
		"$(inbox run -1 -- sed -u 'i hello
i {"status":"done"}' 2>&1)" '*no JSON*without an id*'
	is 'run: nothing is due: -1 ends at once, nothing is started' "$(inbox run -1 -- touch was-run; [ -e was-run ] || echo not started)" 'not started'
}

test_retries()
{
	local fail='{id, status: "failed", error: {stage: "t", code: "unavailable", message: "m", retry: true}}'
	fresh '[0,0]'
	put e1 5
	inbox run -1 -- jq -c --unbuffered "$fail"
	is 'run: an event that failed is tried again after each wait, then dead' \
		"$(inbox list | jq -c '[.state, .attempts]') $(sql 'SELECT count(*) FROM attempt')" '["dead",3] 3'
	fresh '[3600]'
	put e1 5
	put e2 5
	inbox run -1 -- jq -c --unbuffered "if .id == \"e1\" then $fail else {id, status: \"done\"} end"
	is 'run: -1 does not wait for what is due later, and says by status 75 that there is something' $? 75
	is 'run: it waits, and what comes after it waits behind it' "$(states)" 'e1 waiting e2 waiting'
	is 'list tells when it is due' "$(inbox list | jq -s '(.[0].due | .[:19] + "Z" | fromdate) - (.[0].received | .[:19] + "Z" | fromdate) | . >= 3599 and . < 7200')" true
	run_in_background -- ./answer
	sql "UPDATE inbox SET due=due-3599000 WHERE id='e1'"
	until_is 'e1 done e2 done' states
	is 'run: a run that stays takes it up when it is due' "$(states)" 'e1 done e2 done'
	end "$process"
	is 'run: SIGTERM ends it with status 0' "$status" 0
	fresh
	put e1 5
	inbox run -1 -- jq -c --unbuffered '{id, status: "failed", error: {stage: "t", code: "rejected", message: "m", retry: false}}'
	is 'run: what is not worth another try is dead at once' "$(inbox list | jq -c '[.state, .attempts]')" '["dead",1]'
}

# failing CODE: a run in which each event fails with this code, or does not with "ok".
failing()
{
	inbox run -1 -- jq -c --unbuffered --arg code "$1" 'if $code == "ok" then {id, status: "done"} else {id, status: "failed",
		error: {stage: "crm-push", $code, message: "PUT /contacts/c1: 4xx", retry: ($code != "rejected")}} end' 2>said
	status=$?
}

# due: what waits is due now.
due()
{
	sql "UPDATE inbox SET due=received"
}

test_told()
{
	fresh '[3600,3600,3600]'
	put e1 1
	put e2 2
	failing refused
	is 'run: the first event that fails in a way is told, with its cause and its wait, and no other' "$status: $(<said)" \
		'75: pnow-inbox: event e1 has failed, and is tried again in 3600 s: crm-push: refused: PUT /contacts/c1: 4xx; more of that kind are not told'
	failing refused
	is 'run -1: nothing is due, something waits to be tried again: status 75, and no word' "$status: $(<said)" '75: '
	due
	failing refused
	is 'run: that it goes on is not told again' "$status: $(<said)" '75: '
	due
	failing unavailable
	is 'run: another kind is told, and that the one before is over' "$status: $(<said)" \
		'75: pnow-inbox: event e1 has failed, and is tried again in 3600 s: crm-push: unavailable: PUT /contacts/c1: 4xx; more of that kind are not told
pnow-inbox: no event waits any more because of "crm-push: refused"'
	sql "UPDATE inbox SET due=received WHERE id='e1'"
	failing ok
	is 'run: it is not over while one event waits for it' "$status: $(<said) $(states)" '75:  e1 done e2 waiting'
	due
	failing ok
	is 'run: that it is over is told; then the status is 0' "$status: $(<said)" '0: pnow-inbox: no event waits any more because of "crm-push: unavailable"'
	put e3 3
	put e4 4
	failing rejected
	is 'run: each dead event is told with its cause, and once what to type' "$status: $(<said)" \
		'1: pnow-inbox: event e3 is dead: crm-push: rejected: PUT /contacts/c1: 4xx; when that is mended: pnow-inbox -c glow.json retry -s dead
pnow-inbox: event e4 is dead: crm-push: rejected: PUT /contacts/c1: 4xx'
	put e5 5
	inbox run -1 -- jq -c --unbuffered '{id, error: {stage: "pnow-enrich", code: "paced", message: "few calls", retry: true, retry_after: 60}}' 2>said
	is 'run: one that is put off is told as such' "$?: $(<said)" \
		'75: pnow-inbox: event e5 is put off for 60 s: pnow-enrich: paced: few calls; more of that kind are not told'
	event '\u001b[31m\n' 6 | inbox add >added
	failing rejected
	is 'run: what a sender calls an id is one line, and moves no cursor' "$(grep -c $'\e' said) $(grep -o 'event.*is dead' said)" '0 event ?[31m? is dead'
	put e7 7
	cp glow.json 'a folder.json'
	PNOW_CONFIG='a folder.json' inbox run -1 -- jq -c --unbuffered '{id, error: {stage: "my-stage", code: "odd", message: "Zanzibar"}}' 2>said
	is 'run: of the error of a stage that is not ours, no message: it might name somebody' "$(<said)" \
		'pnow-inbox: event e7 is dead: my-stage: odd; when that is mended: pnow-inbox -c '\''a folder.json'\'' retry -s dead'
	is 'run: of others, only types that it feeds make its status' "$(inbox run -1 -t bill.completed -- cat; echo $?)" 0
}

test_order()
{
	fresh
	local patient n=0
	for patient in A B A C B A; do
		n=$((n + 1))
		event "e$n" $patient
	done | inbox add >added
	inbox run -1 -- ./batches.sh
	is "run: a patient's events are never in the pipeline together" "$(xargs -d '\n' <batches)" 'A B C A B A'
	is 'run: a patient'\''s events keep their order' "$(xargs <order)" 'e1 e2 e4 e3 e5 e6'
	fresh
	event e1 A bill.completed | inbox add >added
	event e2 B | inbox add >added
	inbox run -1 -t patient.updated,patient.created -- ./answer
	is 'run -t: only these types' "$(states)" 'e1 waiting e2 done'
	is 'run -t: a type that is none is a mistake' "$(inbox run -t nix -- cat 2>&1 >/dev/null; echo $?)" \
		$'pnow-inbox: -t nix: expected a type of event, such as patient.created: see pnow-event(5)\n64'
}

# took HOW [late]: the milliseconds that the mates take, beside one that has no answer yet. With jobs, so many may be in the
# pipeline.
took()
{
	local n last=20
	fresh
	rm -f took
	[ $# -eq 1 ] || put late B
	[ "$1" != add ] || last=1
	for n in $(seq $last); do event "m$n" A; done | inbox add >added
	run_in_background -j "${jobs:-256}" -- ./mates "$1"
	until_true test -e took
	end "$process"
	cat took
}

test_gathering()
{
	local alone n
	fresh
	for n in 1 2 3 4 5; do event "e$n" "$n"; done | inbox add >added
	put late 6
	run_in_background -- ./five
	until_is 5 sql "SELECT count(*) FROM inbox WHERE state='done'"
	holds 'run: results that come shortly after each other are settled together, while others are at work' \
		test "$(sql 'SELECT count(DISTINCT at) FROM attempt')" -lt 5
	holds 'after a moment' test "$(sql 'SELECT (SELECT max(at) FROM attempt) - (SELECT max(received) FROM inbox)')" -lt 3000
	end "$process"
	is 'and the last one when its pipeline ends' "$(states)" 'e1 done e2 done e3 done e4 done e5 done late done'
	alone=$(took one-by-one)
	n=$(took one-by-one late)
	holds "run: what waits behind a result does not wait for others' ($n ms; $alone alone)" test "$n" -lt $((2 * alone + 1000))
	alone=$(took add)
	n=$(took add late)
	holds "nor does what comes behind it then ($n ms; $alone alone)" test "$n" -lt $((2 * alone + 500))
	n=$(jobs=2 took add late)
	holds "nor where so few may be in the pipeline that it has no room for more ($n ms)" test "$n" -lt $((2 * alone + 500))
}

test_sharing()
{
	fresh
	put e1 1
	run_in_background -j 1 -- ./slow stop
	await fed
	put e2 2
	inbox run -1 -- ./answer
	is 'run: what another that lives has is not taken from it' "$(states)" 'e1 running e2 done'
	: >go
	end "$process"
	fresh
	put e1 1
	run_in_background -j 1 -- ./slow stop
	await fed
	sql "UPDATE inbox SET state='done', run=NULL, settled=received"
	put e2 2
	: >go
	until_is 'e1 done e2 done' states
	is 'run: an event that is settled before its result comes, by a commit whose answer was lost, makes room for the next' \
		"$(states)" 'e1 done e2 done'
	end "$process"
	fresh
	put e1 1
	inbox run -1 -- ./answer
	put e2 1
	run_in_background -j 1 -- ./slow stop
	await fed
	inbox retry e1 >retried
	inbox run -1 -- ./answer
	is 'run: nor is an earlier event of its patient fed meanwhile, which a person has had retried' "$(states)" 'e1 waiting e2 running'
	: >go
	end "$process"
	fresh
	local i runs=()
	for ((i = 0; i < 300; i++)); do event "e$i" $((i % 40)); done | inbox add >added
	for i in 1 2 3 4; do
		timeout 120 pnow-inbox run -1 -j 8 -- sh -c "tee -a fed.$i | ./answer" &
		runs+=($!)
	done
	wait "${runs[@]}"
	# one that has nothing to do ends while others are at work on the last patients: the rest is done by the last
	inbox run -1 -- sh -c 'tee -a fed.5 | ./answer'
	is 'run: several share the work, and never an event' "$(cat fed.* | wc -l) $(cat fed.* | sort -u | wc -l)" '300 300'
	is 'run: together they settle everything' "$(inbox stat | jq .done)" 300
	rm -f fed.*
}

test_dying()
{
	fresh
	local i
	for i in 1 2 3 4 5; do event "e$i" "$i"; done | inbox add >added
	like 'run: a pipeline that dies is started again, and says so' "$(inbox run -1 -- ./dying 2>&1)" \
		'*by signal 9: started again in 100 ms*by signal 9: started again in 200 ms*'
	is 'run: its events are fed again, and no attempt is counted' "$(inbox list | jq -c '[.state, .attempts]' | sort -u)" '["done",1]'
	fresh
	put e1 5
	like 'run: -1 gives up a pipeline that never answers' "$(inbox run -1 -- false 2>&1; echo $?)" '*5 times without a result*its events wait*75'
	is 'run: and nothing is lost' "$(states)" 'e1 waiting'
	like 'run: a command that is not there' "$(inbox run -1 -- ./nothing-there 2>&1; echo $?)" '*cannot start ./nothing-there*75'
}

# An event that kills whatever reads it.
test_killer()
{
	fresh '[]'
	local i
	for i in 1 2 3 4 5 6; do event "e$i" "$i"; done | inbox add >added
	# shellcheck disable=SC2016 # for the inner shell
	inbox run -1 -- sh -c 'while read -r line; do case $line in *\"e4\"*) kill -SEGV $$ ;; esac; echo "$line" | ./answer; done' 2>said
	is 'run: an event that kills the pipeline is found out, and the others are settled' "$?: $(states)" \
		'1: e1 done e2 done e3 done e4 dead e5 done e6 done'
	is 'trace says that it did' "$(inbox trace e4 | jq -r '.result.error.code // empty')" crashed
}

# Filters that drop events, on purpose or not.
test_dropping()
{
	fresh '[]'
	local i
	for i in 1 2 3; do event "e$i" "$i"; done | inbox add >added
	inbox run -1 -- sh -c 'sed -u /e2/d | ./answer'
	is 'run -1: an event without a result is a failed attempt' "$?: $(states)" '1: e1 done e2 dead e3 done'
	is 'trace says that it got none' "$(inbox trace e2 | jq -r '.result.error.code // empty')" no_result
	fresh
	put e1 1
	run_in_background -- sh -c 'sed -u /e1/d | ./answer'
	until_is 'e1 running' states
	end "$process"
	is 'run: so it is when the run ends, and it is tried again' "$status: $(inbox list | jq -c '[.state, .attempts]')" '0: ["waiting",1]'
}

test_signals()
{
	fresh
	put e1 1
	run_in_background -- ./slow stop
	await fed
	kill -TERM "$process"
	until_true grep -qE '^ShdPnd:\s0+$' "/proc/$process/status" # it has seen the signal
	put e2 2
	sleep 0.3
	is 'run: SIGTERM lets what is in the pipeline settle' "$(states)" 'e1 running e2 waiting'
	: >go
	wait "$process"
	is 'run: and nothing new is begun' "$?: $(states)" '0: e1 done e2 waiting'

	fresh
	put e1 1
	run_in_background -- ./slow stop
	await fed
	kill -KILL "$process"
	wait "$process" 2>/dev/null
	is 'run: after kill -9 its events are still its own' "$(states)" 'e1 running'
	run_in_background -- ./answer
	until_is 'e1 done' states
	is 'run: another takes them over' "$(states)" 'e1 done'
	end "$process"
	: >stop
}

# From before the program that adds is started to the pipeline's stdin: 50 ms, and ten times as long as that program takes,
# for a machine that is slow or busy.
test_latency()
{
	fresh
	local i median took
	run_in_background -- ./stamps
	put e 1
	until_is 1 sh -c 'wc -l <came'
	for ((i = 0; i < 50; i++)); do
		printf 'e%d %s\n' "$i" "$EPOCHREALTIME" >>put
		put "e$i" "$i"
		printf 'e%d %s\n' "$i" "$EPOCHREALTIME" >>added_at
	done
	until_is 51 sh -c 'wc -l <came'
	median=$(median_ms put came) took=$(median_ms put added_at)
	if [ -n "$median" ] && [ "$median" -lt $((50 + 10 * took)) ]; then
		pass 'run: from add to pipe in less than 50 ms at the median'
	else
		fail 'run: from add to pipe in less than 50 ms at the median' "$median ms, of which $took ms for add"
	fi
	end "$process"
}

# median_ms FROM TO: the time from a line's moment in one file to its moment in the other.
median_ms()
{
	join <(sort "$1") <(sort "$2") | awk '{ printf "%d\n", ($3 - $2) * 1000 }' | sort -n | sed -n 25p
}

# ---- list, show, retry, drop, stat, purge

test_list()
{
	fresh
	put evt-1001 5
	inbox run -1 -- ./answer
	put evt-1002 6 bill.completed
	put evt-2003 6
	is 'list: the newest last' "$(inbox list | jq -r .id | xargs)" 'evt-1001 evt-1002 evt-2003'
	is 'list: what is known of an event, and no body' "$(inbox list -s 'done' | jq -c 'del(.received, .settled)')" \
		'{"state":"done","attempts":1,"type":"patient.updated","patient":"5","subject":"patient/5","id":"evt-1001"}'
	is 'list -n: the newest' "$(inbox list -n 2 | jq -r .id | xargs)" 'evt-1002 evt-2003'
	is 'list -n -s: the newest of those' "$(inbox list -n 1 -s waiting,dead | jq -r .id)" evt-2003
	is 'list -t' "$(inbox list -t bill.completed | jq -r .id)" evt-1002
	like 'list -s: a state that is none' "$(inbox list -s nix 2>&1; echo $?)" '*-s nix: expected a state: waiting, *64'
	is 'list on a terminal: columns' "$(script -qec 'pnow-inbox list -s done' /dev/null | tr -d '\r' | sed -E 's/^[-0-9]+ [:0-9]+ /TIME     /')" \
		'RECEIVED            STATE     ATTEMPTS DUE                 TYPE               PATIENT    SUBJECT              ID                 DETAIL
TIME     done      1        -                   patient.updated    5          patient/5            evt-1001           -'
	put 9f2c1ab49f2c1ab49f2c1ab4 3f2504e0-4f89-11d3-9a0c
	is 'list on a terminal: of a long id its beginning' "$(script -qec 'pnow-inbox list -n 1' /dev/null | tail -n 1 | tr -d '\r' | cut -c 79-)" \
		'3f2504e0-… patient/3f2504e0-4f… 9f2c1ab49f2c1ab49… -'
	is 'show: that will do' "$(inbox show 9f2c1ab49f2c1ab49 | jq -r .id)" 9f2c1ab49f2c1ab49f2c1ab4
	inbox drop 9f2c1ab49f2c1ab49f2c1ab4 >dropped
	event $'\\u001b[31m' 5 | inbox add >added
	is 'list on a terminal: what a sender calls an id moves no cursor' "$(script -qec 'pnow-inbox list' /dev/null | grep -c $'\e')" 0
	is 'trace: what is no id' "$(inbox trace Ana 2>&1; echo $?)" "pnow-inbox: Ana: no event of glow has this id, or one like it: see pnow-inbox list
pnow-inbox: nor is anything known of a patient, appointment, bill, membership or contact with this id; a patient's is in the field PNOW ID of the \
contact's page in the CRM
1"
	is 'show: the line as it was put in' "$(inbox show evt-1002)" "$(event evt-1002 6 bill.completed)"
	is 'show: the beginning of an id will do' "$(inbox show evt-2 | jq -r .id)" evt-2003
	is 'show: not if several begin so' "$(inbox show evt- 2>&1; echo $?)" \
		$'pnow-inbox: evt-: no event of glow has this id; there is evt-1001, evt-1002, evt-2003\n1'
	is 'show: an unknown id, and those like it' "$(inbox show evt-1003 2>&1; echo $?)" \
		$'pnow-inbox: evt-1003: no event of glow has this id; like it is evt-1001, evt-1002\n1'
	like 'show: an unknown id that is like none' "$(inbox show x 2>&1; echo $?)" '*x: no event of glow has this id, or one like it*1'
}

test_reasons()
{
	fresh '[3600]'
	local i
	for i in 1 2 3 4 5 6 7; do event "e$i" "$i"; done | inbox add >added
	inbox run -1 -- jq -c --unbuffered '{id} + {
		e1: {status: "skipped", reason: "no e-mail and no phone"},
		e2: {error: {stage: "crm-push", code: "refused", message: "PUT /contacts/c1: 401", retry: true}},
		e3: {status: "done", unmoved: "the type \"Yoga\" is not in the sheet", actions: [{op: "note.add", status: "done"}, {op: "workflow.add", status: "skipped"}]},
		e4: {status: "done", warnings: ["the CRM has no workflow \"A\": left out", "the contact is also that of patient 12"]},
		e5: {status: "done", warnings: ["the contact is also that of patient 34"]},
		e6: {error: {stage: "pnow-enrich", code: "paced", message: "few calls", retry: true, retry_after: 60}},
		e7: {status: "done", warnings: [], actions: [{op: "opportunity.move", status: "done", pipeline: "Surgical", stage: "Consult Booked"}]}}[.id]' 2>said
	is 'list: why each event is as it is' "$(inbox list | jq -r '.id + ": " + (.detail // "")')" 'e1: no e-mail and no phone
e2: refused: PUT /contacts/c1: 401
e3: no opportunity moves: the type "Yoga" is not in the sheet
e4: the CRM has no workflow "A": left out; the contact is also that of patient 12
e5: the contact is also that of patient 34
e6: paced: few calls
e7: '
	is 'list -w: only those with warnings' "$(inbox list -w | jq -r .id | xargs) $(inbox list -w -n 1 | jq -r .id)" 'e4 e5 e5'
	is 'stat: warnings of the last day by kind' "$(inbox stat | jq -c .warnings)" \
		'{"the contact is also that of patient *":2,"the CRM has no workflow \"A\": left out":1}'
	like 'stat on a terminal: too, the most frequent first' "$(script -qec 'pnow-inbox stat' /dev/null | tr -d '\r')" \
		$'*Warnings of the last day*\nEVENTS   WARNING\n2        the contact is also that of patient \\*\n1        the CRM*'
	is 'trace: why no opportunity moved, and what was left out' "$(inbox trace e3 | jq -r 'select(.what == "attempt").detail')" \
		'note.add, workflow.add (skipped); no opportunity moves: the type "Yoga" is not in the sheet'
	is 'trace: the pipeline and the stage of a move' "$(inbox trace e7 | jq -r 'select(.what == "attempt").detail')" 'opportunity.move (Surgical: Consult Booked)'
	inbox retry e4 e6 >retried
	is 'list: an event that is to be retried is as if it had never been tried' "$(inbox list -s waiting -t patient.updated | jq -r 'select(.id | IN("e4", "e6")).detail' | xargs) $(inbox list -w | jq -r .id)" 'null null e5'
}

test_retry_and_drop()
{
	fresh '[]'
	put e1 1
	put e2 2
	inbox run -1 -- jq -c --unbuffered '{id, status: "failed", error: {retry: true}}'
	is 'retry: a dead event waits again' "$(inbox retry e1) $(inbox list | jq -c '[.state, .attempts]' | xargs)" \
		'{"state":"waiting","id":"e1"} [waiting,0] [dead,1]'
	inbox run -1 -- ./answer
	is 'retry: and is tried' "$(states)" 'e1 done e2 dead'
	is 'retry -s: all of a state' "$(inbox retry -s dead) $(states)" '{"state":"waiting","events":1} e1 done e2 waiting'
	is 'retry: one id that is not known, status 1; the others are done' "$(inbox retry nix e1 2>/dev/null; echo $?) $(states)" \
		$'{"state":"waiting","id":"e1"}\n1 e1 waiting e2 waiting'
	is 'retry: the whole id is wanted' "$(inbox retry e >/dev/null 2>&1; echo $?)" 1
	is 'drop settles an event' "$(inbox drop e2) $(states)" '{"state":"dropped","id":"e2"} e1 waiting e2 dropped'
	like 'drop: what is settled stays so' "$(inbox drop e2 2>&1; echo $?)" '*e2: was settled before*1'
	inbox run -1 -- jq -c --unbuffered '{id, status: "failed", error: {retry: true, retry_after: 60}}'
	is 'drop: why it was put off is forgotten' "$(inbox drop e1 >dropped; state_sql glow.db "SELECT id, state, put_off FROM inbox WHERE id='e1'")" 'e1|dropped|'
	inbox retry e1 >retried
	state_sql glow.db "UPDATE inbox SET put_off='{\"put_off\":{\"ms\":9223372036854775807,\"why\":\"paced\"}}' WHERE id='e1'" # what no clock has
	for seconds in 60 40; do
		inbox run -1 -- jq -c --unbuffered "{id, status: \"failed\", error: {code: \"paced\", retry: true, retry_after: $seconds}}"
		state_sql glow.db 'UPDATE inbox SET due=0'
	done
	is 'trace: for how long an event was put off so far' "$(inbox trace e1 | jq -r 'select(.what == "waiting").detail')" 'paced: ; put off for 100 s: paced'
	inbox run -1 -- ./answer
	is 'trace: and before it was tried' "$(inbox trace e1 | jq -sr 'map(select(.status == "done"))[-1] | .detail, .result.put_off.ms' | xargs)" 'put off for 100 s: paced 100000'
	inbox retry e1 >retried
	is 'trace tells what was decided' "$(inbox trace e2 | jq -r 'select(.what == "attempt") | .status' | xargs)" 'failed retried dropped'
	run_in_background -- ./slow stop
	await fed
	like 'retry: not while it is in a pipeline' "$(inbox retry e1 2>&1; echo $?)" '*e1: is in a pipeline*1'
	like 'drop: neither' "$(inbox drop e1 2>&1; echo $?) $(states)" '*e1: is in a pipeline*1 e1 running e2 dropped'
	: >go
	end "$process"
}

test_stat()
{
	fresh
	put e1 1
	put e2 2 bill.completed
	put e3 3
	inbox drop e3 >dropped
	clear_of_midnight
	state_calls_set glow.db 7
	is 'stat: counts by state and type, and the quota' "$(inbox stat | jq -c 'del(.oldest, .oldest_seconds, .quota.lookups)')" \
		'{"practice":"glow","waiting":2,"dropped":1,"types":{"waiting":{"bill.completed":1,"patient.updated":1},"dropped":{"patient.updated":1}},"calls":{},"quota":{"limit":1000,"reserve":50,"used":7,"left":993,"wait_seconds":0,"spread":false},"warnings":{}}'
	is 'stat: the oldest that waits' "$(inbox stat | jq -r .oldest)" "$(inbox list | head -n 1 | jq -r .received)"
	like 'stat on a terminal: columns and words' "$(script -qec 'pnow-inbox stat' /dev/null | tr -d '\r')" \
		$'STATE     TYPE               EVENTS\nwaiting   bill.completed     1\n*The oldest that waits*993 of 1000 requests to PatientNow are left today*'
	is 'stat -j on a terminal: JSON' "$(script -qec 'pnow-inbox stat -j' /dev/null | jq .waiting)" 2
	state_calls_set glow.db 950
	like 'stat: none is left but for people' "$(script -qec 'pnow-inbox stat' /dev/null | tr -d '\r')" \
		'*50 of 1000 requests to PatientNow are left today (UTC), 50 of them for people.*: no request is left but for people; what needs one waits until then.*'
	is 'stat: and how long it is until midnight' "$(inbox stat | jq '.quota | (.wait_seconds - (86400 - now % 86400) | fabs < 30), .spread' | xargs)" 'true false'
	state_calls_set glow.db 1000
	like 'stat: none at all is left' "$(script -qec 'pnow-inbox stat' /dev/null | tr -d '\r')" '*: no request is left; what needs one waits until then.*'
}

# How often the state holds a name that was in bodies.
remains()
{
	state_remains glow.db Zanzibar
}

# While somebody reads the log it cannot be emptied, and that is said.
test_purge_and_reader()
{
	about_files 'purge: a reader keeps what is forgotten in the log' || return
	fresh
	put e1 1
	inbox run -1 -- ./answer
	mkfifo log
	sqlite3 glow.db <log >reads &
	started+=($!)
	exec 7>log
	printf 'BEGIN;\nSELECT count(*) FROM inbox;\n' >&7
	await reads
	like 'purge: a reader keeps what is forgotten in the log: status 75' "$(inbox purge -o 0s 2>&1; echo $?)" \
		'{"state":"purged","events":1}*can still be read in glow.db or its log*75'
	exec 7>&-
	wait "${started[-1]}"
	is 'purge: again, when it has gone' "$(inbox purge -o 0s; echo $?) $(remains)" $'{"state":"purged","events":0}\n0 0'
}

test_purge()
{
	fresh '[]'
	put e1 1
	inbox run -1 -- ./answer
	put e2 2
	inbox run -1 -- jq -c --unbuffered '{id, status: "failed", error: {code: "rejected"}}'
	put e3 3
	is 'purge: nothing is old enough' "$(inbox purge -o 1h)" '{"state":"purged","events":0}'
	is 'purge: settled events lose their bodies' "$(inbox purge -o 0s)" '{"state":"purged","events":1}'
	is 'purge: dead and waiting ones do not' "$(inbox show e2 | jq -r .id) $(inbox show e3 | jq -r .id)" 'e2 e3'
	like 'show: says that it was purged' "$(inbox show e1 2>&1; echo $?)" '*the body of event e1 was purged*1'
	like 'retry: a purged event cannot be tried' "$(inbox retry e1 2>&1; echo $?)" '*its body was purged*1'
	is 'purge: what was done stays known' "$(inbox trace e1 | jq -r .what | xargs)" 'received attempt'
	is 'purge: and the delivery id, for ever' "$(event e1 1 | inbox add | jq -r .state)" known
	inbox drop e2 e3 >dropped
	inbox purge -o 0s >purged
	is 'purge: the file holds nothing of the bodies' "$(remains)" 0
	state_answer glow.db patient 7 1000 '{"lastName":"Zanzibar"}'
	state_answer glow.db appointment 8 1000 '{"comments":"Zanzibar"}'
	state_answer glow.db patient 9 "$(date +%s)000" '{"lastName":"Fresh"}'
	inbox purge -o 1h >purged
	is "purge: nor of PatientNow's answers that are as old" "$(remains) $(sql 'SELECT id FROM cache')" '0 9'
	if about_files 'forget: what others leave in the file is gone'; then
		sql "PRAGMA secure_delete=OFF; CREATE TABLE other(x); INSERT INTO other SELECT 'Zanzibar' FROM json_each('[1,2,3]'); DELETE FROM other"
		holds 'purge: others may leave what they delete in the file' test "$(remains)" -gt 0
		inbox forget nobody >forgotten
		is 'forget: then it is gone' "$(remains)" 0
	fi
	like 'purge: an age that is none' "$(inbox purge -o 30 2>&1; echo $?)" '*-o 30: expected a number and s, m, h, d or w*64'
}

# ---- trace

test_trace()
{
	fresh
	put e1 5
	put e2 5 bill.completed
	put e3 6
	cat >skipping <<'END'
#!/bin/sh
exec jq -c --unbuffered '{id, patient_id: .patient.id, contact_id: ("c-" + .patient.id), status: "skipped", reason: "no e-mail and no phone", warnings: ["w"]}'
END
	chmod +x skipping
	inbox run -1 -- ./skipping
	sql "INSERT INTO contact(location,patient,contact,is_patient) VALUES('L','5','c-5',1);
		INSERT INTO subject(location,subject,state,seq,event,moment,applied) VALUES('L','bill/be2','45000',1,'e2',1000,1);
		INSERT INTO event(event,at) VALUES('e2',4102444800000);
		INSERT INTO effect(location,effect,contact,done,at) VALUES('L','bill/be2/1/note.add','c-5',1,4102444700000);
		INSERT INTO effect(location,effect,contact,done,at) VALUES('L','bill/be22/1/note.add','c-9',1,4102444700000);
		INSERT INTO bill(location,bill,contact,counted) VALUES('L','be2','c-5',45000);
		INSERT INTO opportunity(location,contact,pipeline,opportunity) VALUES('L','c-5','p1','o1');
		INSERT INTO name(location,kind,name,id,more) VALUES('L','pipeline','Surgical','p1',NULL)"
	local whole='received e1 received e2 attempt e1 attempt e2 effect null bill e2 applied e2 contact null opportunity null'
	is 'trace of a patient: events, attempts and effects in time order' \
		"$(inbox trace 5 | jq -r '.what + " " + (.event | tostring)' | xargs)" "$whole"
	is 'trace of a contact: the same' "$(inbox trace c-5 | jq -r '.what + " " + (.event | tostring)' | xargs)" "$whole"
	is 'trace of an event: only what belongs to it' "$(inbox trace e1 | jq -r .what | xargs)" 'received attempt'
	is 'trace of a bill: its effects, too' "$(inbox trace be2 | jq -r .what | xargs)" 'received attempt effect bill applied'
	is 'trace: bill/ID is the same' "$(inbox trace bill/be2)" "$(inbox trace be2)"
	is 'trace: why an event is as it is' "$(inbox trace e1 | jq -r '.detail // empty')" 'no e-mail and no phone; w'
	is 'trace: amounts, pipelines, standing' "$(inbox trace 5 | jq -r 'select(.what | IN("bill", "contact", "opportunity")) | .detail // .status' | xargs) $(inbox trace 5 | jq -r 'select(.what == "opportunity").subject')" \
		'450.00 patient o1 Surgical'
	is 'trace names nobody' "$(inbox trace 5 | grep -c Zanzibar)" 0
	like 'trace of nothing: status 1' "$(inbox trace nix 2>&1; echo $?)" '*nix: no event of glow has this id*1'
}

# ---- the file

# older_file: a file of version 5, with rows in each table that has changed since then.
older_file()
{
	fresh
	sqlite3 glow.db <"$root/tests/samples/state-5.sql" >made
	inbox list >listed
	is 'an event was applied in a sub-account that nobody knows' "$(sql 'SELECT * FROM event')" 'e-1||1000'
	is 'what a list told is told apart by a column' "$(sql 'SELECT * FROM answer' | xargs)" 'patient|1|0|1000|{} patient|1|1|2000|{a:1}'
	is 'lists of no use and lists of names have tables of their own' \
		"$(sql 'SELECT * FROM useless_list; SELECT * FROM quota; SELECT * FROM name; SELECT * FROM name_list' | xargs)" \
		'bill|3000 p|2026-01-05|7 L|field|PNOW ID|f-1|TEXT L|field|5000'
	is 'what keeps the order of events that name no patient is their queue' \
		"$(sql 'SELECT id, patient, queue FROM inbox' | xargs)" 'e2||patient/2 e3|3|3'
	is "the secret file's hash is its token's" "$(sql 'SELECT * FROM token')" 'L|access|refresh|6000|hash'
	is 'what an attempt tells has columns' "$(state_attempts glow.db 'id, status, a.patient, calls, patientnow_calls' | xargs)" \
		'e2|done|2|4|1 e3|done||4|1'
	is 'all of it is there' "$(inbox trace e3 | jq -r .what | xargs) $(inbox stat -j | jq -c '.calls[]')" 'received attempt {"events":2,"crm":8,"patientnow":2}'
}

test_file()
{
	about_files 'an older file, a newer one, its mode' || return
	fresh
	sqlite3 glow.db >made <<'END'
CREATE TABLE contact(location TEXT NOT NULL, patient TEXT NOT NULL, contact TEXT NOT NULL,
  is_patient INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(location, patient)) WITHOUT ROWID;
CREATE INDEX contact_contact ON contact(location, contact);
CREATE TABLE opportunity(location TEXT NOT NULL, contact TEXT NOT NULL, pipeline TEXT NOT NULL,
  opportunity TEXT NOT NULL, PRIMARY KEY(location, contact, pipeline)) WITHOUT ROWID;
CREATE TABLE subject(location TEXT NOT NULL, subject TEXT NOT NULL, state TEXT NOT NULL, seq INTEGER NOT NULL,
  event TEXT NOT NULL, moment INTEGER NOT NULL, applied INTEGER NOT NULL, PRIMARY KEY(location, subject)) WITHOUT ROWID;
CREATE TABLE event(event TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE effect(location TEXT NOT NULL, effect TEXT NOT NULL, contact TEXT NOT NULL, done INTEGER NOT NULL,
  at INTEGER NOT NULL, PRIMARY KEY(location, effect)) WITHOUT ROWID;
CREATE TABLE bill(location TEXT NOT NULL, bill TEXT NOT NULL, contact TEXT NOT NULL, counted INTEGER NOT NULL DEFAULT 0,
  pending INTEGER, before INTEGER, after INTEGER, PRIMARY KEY(location, bill)) WITHOUT ROWID;
CREATE TABLE name(location TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, id TEXT NOT NULL, more TEXT,
  PRIMARY KEY(location, kind, name)) WITHOUT ROWID;
CREATE TABLE cache(kind TEXT NOT NULL, id TEXT NOT NULL, fetched INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY(kind, id));
CREATE TABLE quota(api TEXT NOT NULL, day TEXT NOT NULL, used INTEGER NOT NULL, PRIMARY KEY(api, day)) WITHOUT ROWID;
INSERT INTO contact VALUES('L','5','c-5',1);
PRAGMA user_version=1;
END
	local now
	put e2 2
	now=$(sql 'PRAGMA user_version')
	is 'an older file gets what it lacks, and keeps what it has' \
		"$(states) $(sql 'SELECT contact FROM contact') $((now > 1))" 'e2 waiting c-5 1'
	older_file
	sql 'PRAGMA user_version=99'
	is 'a newer file is refused' "$(inbox list 2>&1; echo $?)" \
		"pnow-inbox: the state file glow.db is of version 99; this program knows up to $now: use the newer pnow"$'\n65'
	rm -f glow.db*
	sqlite3 glow.db 'CREATE TABLE customer(name)'
	chmod 644 glow.db
	local before
	before=$(stat -c %a glow.db; sha256sum glow.db)
	is "another program's database is refused" "$(inbox list 2>&1; echo $?)" \
		"pnow-inbox: the state file glow.db is another program's: it has tables, and no version of pnow's
65"
	(umask 077; echo token >crm.token)
	jq '.crm = {location_id: "l", token_file: "crm.token"}' glow.json >push.json
	is "and by who only looks" "$(crm-push -n -c push.json <<<'{}' 2>&1; echo $?)" \
		"crm-push: the state file glow.db is another program's: it has tables, and no version of pnow's
65"
	is 'and left as it is' "$(stat -c %a glow.db; sha256sum glow.db)" "$before"
	chmod 600 glow.db
	inbox list &>listed
	is 'so it is where it is private' "$(sha256sum glow.db)" "${before#*$'\n'}"
	rm -f glow.db*
	echo hello >glow.db
	chmod 644 glow.db
	is 'a file that is no database is refused, and its mode left as it is' "$(inbox list 2>&1; echo $?) $(stat -c %a glow.db)" \
		'pnow-inbox: cannot use the state file glow.db: file is not a database
65 644'
	rm glow.db
	mkfifo glow.db
	is 'and what is no file' "$(inbox list 2>&1; echo $?)" 'pnow-inbox: the state file glow.db is no regular file
65'
	rm glow.db
	local i openers=()
	fresh
	for i in 1 2 3 4 5 6; do
		put "e$i" "$i" &
		openers+=($!)
	done
	wait "${openers[@]}"
	is 'whoever opens a new file first makes it: six at once' "$(inbox list | wc -l)" 6
	is 'the file is private' "$(stat -c %a glow.db)" 600
	chmod 644 glow.db
	inbox list >listed
	is 'one that others could read is made private' "$(stat -c %a glow.db)" 600
	mkfifo pipe
	sqlite3 glow.db <pipe >reading &
	started+=($!)
	exec 7>pipe
	printf 'BEGIN;\nSELECT count(*) FROM inbox;\n' >&7
	await reading
	put e7 7
	inbox run -1 -- ./answer
	is 'a reader that takes its time blocks nobody' "$(inbox list -s 'done' | wc -l)" 7
	exec 7>&-
}

test_usage()
{
	local word
	like 'a word that is none: the nearest that there is' "$(inbox lsit 2>&1; echo $?)" '*: there is no "lsit": the nearest word is "list"*64'
	like 'a folder for a word that takes one practice' "$(pnow-inbox -C . show 1 2>&1; echo $?)" '*: show is for one practice: expected -c FILE*64'
	is 'no word: status 64' "$(inbox 2>/dev/null; echo $?)" 64
	for word in run add list show retry drop stat trace purge forget; do
		like "$word -h tells how, without a configuration" "$(PNOW_CONFIG=nowhere pnow-inbox $word -h; echo $?)" "usage: pnow-inbox $word*0"
		is "$word: an option that is none: status 64" "$(PNOW_CONFIG=nowhere pnow-inbox $word -Z 2>/dev/null; echo $?)" 64
	done
	is 'no state file in the configuration: status 78' \
		"$(printf '{"practice":"p","timezone":"UTC","pipelines":"non-surgical"}' >bare.json; inbox -c bare.json list 2>/dev/null; echo $?)" 78
}

test_add
test_settling
test_retries
test_told
test_order
test_gathering
test_sharing
test_dying
test_killer
test_dropping
test_signals
test_latency
test_list
test_reasons
test_retry_and_drop
test_stat
test_purge
test_purge_and_reader
test_trace
test_file
test_usage
finish
