#!/usr/bin/env bash
# Many practices, one service: pnow-hook -C and pnow-inbox -C serve every configuration of a folder by one process each, take up at
# SIGHUP what has changed without losing an event, and one practice that is broken leaves the others alone.
# shellcheck disable=SC2154,SC2317 # from hook.bash: hook, port, status, token, started; functions that a test calls by name
# shellcheck source=tests/command/hook.bash
. "$(dirname "$0")/hook.bash"

mkdir conf data
# in_folder NAME [FILTER]: the practice NAME in the folder.
in_folder()
{
	mkdir -p "data/$1"
	jq -n --arg name "$1" --arg dir "$PWD" '{practice: $name, timezone: "America/Denver", pipelines: "non-surgical",
		state: "\($dir)/data/\($name)/s.db",
		hooks: {patientnow: {verify: "token", header: "X-Token", secret_file: "\($dir)/secret"}, crm: {verify: "none"}}}' |
		jq "${2:-.}" >"conf/$1.new"
	on_engine "conf/$1.new"
	mv "conf/$1.new" "conf/$1.json" # whole
}

cat >answer <<'END'
#!/bin/sh
# The configuration that it has been told, and the event.
exec jq -c --unbuffered --arg conf "${PNOW_CONFIG##*/}" '{id, type, status: "done", patient_id: $conf}'
END
chmod +x answer

# send PRACTICE ID [SENDER]: a webhook; its status in $status.
send()
{
	body="{\"event\":\"PatientUpdated\",\"eventId\":\"$2\",\"data\":{\"patientId\":\"7\"}}"
	[ "${3:-patientnow}" = patientnow ] || body="{\"type\":\"ContactTagUpdate\",\"webhookId\":\"$2\",\"id\":\"c\"}"
	post "/hook/$1/${3:-patientnow}" -H "$token"
}

takes() # PRACTICE ID: it is answered 200
{
	send "$1" "$2"
	[ "$status" = 200 ]
}

# states: practice, id and state of every event, and what the pipeline was told.
states()
{
	pnow-inbox -C conf list 2>/dev/null | jq -r '"\(.practice)/\(.id) \(.state)"' | sort | xargs
}

until_states()
{
	until_true is_so "$1"
}

is_so()
{
	[ "$(states)" = "$1" ]
}

run() # ARGUMENT...
{
	"${under[@]}" pnow-inbox -C conf run "$@" 2>run.err &
	inbox=$!
	started+=("$inbox")
}

settled() # PRACTICE ID: it is done
{
	[ "$(state_sql "data/$1/s.db" "SELECT state FROM inbox WHERE id='$2'")" = 'done' ]
}

end() # PROCESS: its status
{
	kill -TERM "$1"
	wait "$1"
}

# said FILE WORDS [TIMES]
said()
{
	[ "$(grep -c -- "$2" "$1")" -ge "${3:-1}" ]
}

# ---- Events go where they belong

in_folder a
in_folder b
in_folder c
echo '{' >conf/.hidden.json
echo '{' >conf/other.txt
listen many -C conf
run -- ./answer
send a 1
send b 1
send c 1
is 'each practice of the folder is served' "$status" 200
until_states 'a/1 done b/1 done c/1 done'
is 'its events go to its inbox, and into a pipeline of its own' \
	"$(states) $(for p in a b c; do state_sql "data/$p/s.db" 'SELECT patient FROM attempt'; done | xargs)" 'a/1 done b/1 done c/1 done a.json b.json c.json'
send nobody 1
is 'a practice that is not in the folder: 404' "$status" 404
is 'other files are none of ours, and nothing is said' "$(cat many.err run.err)" ''
is 'one process each' "$(pgrep -c -x pnow-hook -P $$) $(pgrep -c -x pnow-inbox -P $$)" '1 1'
is 'stat: a line for each' "$(pnow-inbox -C conf stat | jq -c '[.practice, .done]' | xargs)" '[a,1] [b,1] [c,1]'
is 'list: practice comes first' "$(script -qec 'pnow-inbox -C conf list' /dev/null | awk '{ print $1 }' | xargs)" 'PRACTICE a b c'

# ---- SIGHUP

in_folder d
rm conf/a.json
in_folder b '.hooks.patientnow.header = "X-Other"'
kill -HUP "$hook" "$inbox"
until_true takes d 2
send d 2
is 'SIGHUP: a practice that was added is served' "$status" 200
send a 2
is 'SIGHUP: one that was removed is not' "$status" 404
send b 2
is 'SIGHUP: one that was changed is as it is now' "$status" 401
token='X-Other: correct-horse-battery' send b 3
is '... and takes what is right for it now' "$status" 200
until_true is_so 'b/1 done b/3 done c/1 done d/2 done'
is 'their events are carried out' "$(states)" 'b/1 done b/3 done c/1 done d/2 done'

# A stream of requests on connections that stay, while the folder is read again and again.
in_folder a
kill -HUP "$hook"
until_true takes a 10
stream()
{
	local i
	for ((i = 0; i < 300; i++)); do
		printf 'url = http://127.0.0.1:%s/hook/%s/patientnow\ndata = "{\\"event\\":\\"PatientUpdated\\",\\"eventId\\":\\"s%s\\"}"\n' "$port" "$1" "$i"
		printf 'header = "Content-Type: application/json"\nheader = "X-Token: correct-horse-battery"\nwrite-out = "%%{http_code} %%{num_connects}\\n"\noutput = /dev/null\n'
		[ "$i" = 299 ] || echo next
	done >"stream.$1"
	curl -s -K "stream.$1" >"streamed.$1"
}
stream a &
one=$!
stream c &
two=$!
until gone $one && gone $two; do
	kill -HUP "$hook" "$inbox"
	sleep 0.05
done
wait $one $two
is 'SIGHUP loses no connection, and no request' "$(cut -d' ' -f1 streamed.a streamed.c | sort | uniq -c | xargs)" '600 200'
is '... one connection for all of them' "$(cut -d' ' -f2 streamed.a | sort -n | uniq -c | xargs)" '299 0 1 1'
all_settled()
{
	[ "$(pnow-inbox -C conf list -s 'done' | jq -r 'select(.id | startswith("s")).practice' | sort | uniq -c | xargs)" = '300 a 300 c' ]
}
until_true all_settled
holds 'SIGHUP loses no event' all_settled
is 'no event was given to two' "$(for p in a c; do state_sql "data/$p/s.db" 'SELECT max(attempts), count(*) FROM inbox'; done | xargs)" '1|302 1|301'

# ---- One that is broken

chmod 644 secret # of all
cp secret secret.of.b
chmod 600 secret secret.of.b
chmod 644 secret.of.b
in_folder b ".hooks.patientnow.secret_file = \"$PWD/secret.of.b\""
echo '{ "practice": ' >conf/c.json
in_folder e
state_away data/e/s.db
cp conf/a.json conf/z.json
kill -HUP "$hook" "$inbox"
gone='data/e/s.db: No such'
on_sqlite || gone='cannot use the state database .*#e: '
until_true said many.err "$gone"
until_true said run.err "$gone"
like 'a secret that others can read is told, with its file' "$(<many.err)" '*conf/b.json: hooks.patientnow.secret_file: the secret file *secret.of.b has mode 0644*'
like 'a mistake in a configuration is told, with its line' "$(<many.err)" '*conf/c.json:2: no JSON*'
like 'so it is by pnow-inbox' "$(<run.err)" '*conf/c.json:2: no JSON*'
like 'a second configuration of a practice is left out, and told' "$(<many.err)" \
	'*conf/z.json: practice: found "a", which conf/a.json has already; expected another name*'
send b 20
is 'whose secret is broken is told to come again' "$status $(retry_after)" '503 Retry-After: 60'
is 'and whoever sends by the name of another EMR, or looks whether the hook is there' \
	"$(send b 20 mindbody; echo "$status") $(curl -s -o /dev/null -w '%{http_code}' -I "http://127.0.0.1:$port/hook/b/patientnow")" '503 503'
send c 20 crm
is 'so is the CRM, with 429, by the name that the practice had' "$status $(retry_after)" '429 Retry-After: 60'
send e 20
is 'whose state file cannot be opened: too' "$status" 503
send a 20
is 'the others are served' "$status" 200
until_true settled a 20
holds 'and carried out' settled a 20
pnow-inbox -C conf stat >stat.out 2>stat.err
is 'stat: those that can be read, and a status that says of the others' "$? $(jq -r .practice stat.out | xargs) $(wc -l <stat.err)" '78 a b d 3'
state_back data/e/s.db
until_true takes e 21
until_true settled e 21
holds 'a state file that can be opened again is, without a word from anybody' settled e 21
chmod 600 secret.of.b
in_folder c
rm conf/z.json
kill -HUP "$hook" "$inbox"
until_true takes b 22
until_true takes c 22
until_true settled c 22
holds 'SIGHUP: what was mended is served again' settled c 22
stop
is 'SIGTERM ends the hook with 0' $? 0
end "$inbox"
is 'and the inbox' $? 0

# ---- What a folder may hold

rm conf/*
in_folder a
mkfifo conf/pipe.json
cp conf/a.json "conf/b"$'\n'"c.json"
if on_sqlite; then
	in_folder b ".state = \"$PWD/data/../data/a/s.db\""
	own='*conf/b.json: state: found */data/../data/a/s.db, which conf/a.json has already; expected a file of its own*'
else
	own='*'
fi
listen odd -C conf
run -- ./answer
until_true takes a 31
until_true settled a 31
holds 'a pipe in the folder holds nobody up' settled a 31
like 'and is told' "$(<odd.err)$(<run.err)" '*conf/pipe.json: *conf/pipe.json: *'
like 'a name that would be two lines is one' "$(<odd.err)$(<run.err)" '*conf/b?c.json: practice: found "a"*conf/b?c.json: practice: found "a"*'
like 'two practices have no state file together, however it is spelled' "$(<odd.err)" "$own"
like 'so says pnow-inbox' "$(<run.err)" "$own"
rm conf/*
kill -HUP "$hook" "$inbox"
until_true said odd.err 'there is no practice: conf has no file \*.json'
until_true said run.err 'there is no practice: conf has no file \*.json'
is 'a folder without practices is told' "$(tail -n 1 odd.err run.err | grep -c 'there is no practice')" 2
is 'and is not well' "$(pnow-inbox -C conf check 2>&1; echo $?)" 'pnow-inbox: there is no practice: conf has no file *.json
78'
stop
end "$inbox"
is 'who is gone has no status any more' $? 0

if on_sqlite; then
	# An event that takes a while, and a configuration that calls its state by another name meanwhile.
	in_folder a '.state = "../data/a/s.db"'
	cat >slow <<'END'
#!/bin/sh
while read -r line; do
	echo "begun $$" >>begun
	sleep 1
	printf '%s\n' "$line" | jq -c '{id, type, status: "done"}'
done
END
	chmod +x slow
	echo '{"id":"32","type":"patient.updated","payload":{}}' | pnow-inbox -c conf/a.json add >added
	run -- ./slow
	until_true test -s begun
	in_folder a
	echo '{"id":"33","type":"patient.updated","payload":{}}' | pnow-inbox -c conf/a.json add >added
	kill -HUP "$inbox"
	until_true settled a 32
	until_true settled a 33
	is 'SIGHUP: a state file under another name is the same one, and no event goes to two pipelines' "$(wc -l <begun)" 2
	end "$inbox"

	# SIGHUP while the start takes its time: the state file is locked.
	for start in "pnow-hook -C conf -l 127.0.0.1:0" "pnow-inbox -C conf run -- ./answer"; do
		sqlite3 data/a/s.db "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; SELECT 1; " ".shell touch locked; sleep 0.3" >sql.out
		$start >start.out 2>start.err &
		process=$!
		started+=("$process")
		hangs_up() { grep -q '^SigBlk:.*[13579bdf]$' "/proc/$process/status" || grep -q '^SigCgt:.*[13579bdf]$' "/proc/$process/status"; }
		until_true hangs_up
		kill -HUP "$process"
		until_true grep -q '^SigCgt:.*[4-7c-f]...$' "/proc/$process/status" # it has started: SIGTERM is its own
		end "$process"
		is "${start%% *}: SIGHUP while it starts ends nothing" $? 0
	done
fi

# ---- Places

rm -f conf/*
for practice in a b c d; do
	in_folder "$practice"
done
state_remove data/{a,b,c,d,e}/s.db
for practice in a b c d; do
	jq -nc '{id: "1", type: "patient.updated", payload: {}}, {id: "2", type: "patient.updated", payload: {}}' |
		pnow-inbox -c "conf/$practice.json" add >added
done
cat >one <<'END'
#!/bin/sh
# Only one of these runs at once.
mkdir alone || echo "$PNOW_CONFIG" >>crowded
./answer
rmdir alone
END
chmod +x one
pnow-inbox -C conf run -1 -P 1 -- ./one
is 'run -1 -P 1: one pipeline after the other settles all' "$? $(states) $(cat crowded 2>/dev/null)" \
	'0 a/1 done a/2 done b/1 done b/2 done c/1 done c/2 done d/1 done d/2 done '
clock 0.001 # the slow look is far away: it is told to
run -P 1 -- ./one
for id in 3 4 5 6 7 8; do
	for practice in a b c d; do
		echo "{\"id\":\"$id\",\"type\":\"patient.updated\",\"payload\":{}}" | pnow-inbox -c "conf/$practice.json" add >added
	done
done
all_done()
{
	[ "$(states | tr ' ' '\n' | grep -c 'done')" = 32 ]
}
until_true all_done
is 'an idle pipeline gives its place to who waits for it, again and again' "$(states | tr ' ' '\n' | grep -c 'done') $(cat crowded run.err 2>/dev/null)" '32 '
end "$inbox"

# ---- Usage

refuses 'pnow-hook: -n shows what COMMAND would get' 64 '*expected one of them' -n -l 127.0.0.1:0 -c conf/a.json -- cat
refuses 'pnow-hook: -C and -c are two ways' 64 '*expected one of them' -l 127.0.0.1:0 -C conf -c conf/a.json
refuses 'pnow-hook: -C is for a listener' 64 '*-C goes with -l only*' -C conf <<<''
refuses 'pnow-hook: a folder that is not there' 78 '*cannot read the folder nowhere*' -l 127.0.0.1:0 -C nowhere
is 'pnow-inbox -C is for run, list and stat' "$(pnow-inbox -C conf retry -s dead 2>/dev/null; echo $?)" 64
is 'pnow-inbox: a folder that is not there' "$(pnow-inbox -C nowhere run -- cat 2>/dev/null; echo $?)" 78
finish
