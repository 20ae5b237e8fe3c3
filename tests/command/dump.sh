#!/usr/bin/env bash
# pnow-inbox dump and load: all that a state remembers, whole or not at all, while others write.
# shellcheck disable=SC2016,SC2154 # until_true eval; started is from tap.sh
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
export PNOW_CONFIG=glow.json
configure() # PRACTICE STATE
{
	jq -n --arg name "$1" --arg state "$2" '{practice: $name, timezone: "America/Denver", pipelines: "non-surgical", state: $state, retry_seconds: [0]}'
}
configure glow glow.db >glow.json
configure glow new.db >new.json
configure shine shine.db >shine.json
on_engine glow.json new.json shine.json

# A state with something of each kind in it: events of all states, some in a pipeline, one whose line is forgotten.
seq 30 | jq -c '{id: "e\(.)", type: "bill.completed", practice: "glow", patient: {id: "p\(. % 4)"}, bill: {id: "b\(.)"},
	note: "\u00e9\u2028\t\\ \"\u0001 12.10 \(.)"}' | pnow-inbox add >added
cat >answer <<'END'
#!/usr/bin/env bash
exec jq -c --unbuffered '(.id[1:] | tonumber) as $n | {id, calls: 3, patientnow_calls: 1, patient_id: .patient.id, contact_id: "c1"} +
	if $n == 7 then {status: "failed", error: {code: "rejected", retry: false}}
	elif $n == 28 then {status: "failed", error: {code: "quota", retry: true, retry_after: 900}} else {status: "done"} end'
END
chmod +x answer
pnow-inbox run -1 -- ./answer 2>run.err
pnow-inbox drop e7 >dropped
seq 31 40 | jq -c '{id: "e\(.)", type: "patient.updated", practice: "glow", patient: {id: "p\(.)"}}' | pnow-inbox add >added
pnow-inbox run -- sh -c 'cat >taken' 2>run.err &
run=$!
started+=("$run")
until_true eval 'pnow-inbox stat | jq -e ".running == 10"'
state_answer glow.db patient p1 1000 '{"a":
	"b\"c"}'
state_sql glow.db "UPDATE inbox SET body=NULL WHERE id='e3'; UPDATE inbox SET failure='x: y' WHERE id='e28'; UPDATE attempt SET patient='p9' WHERE seq=1;
	INSERT INTO effect VALUES('L','bill/1/1/note.add','c1',0,5,NULL), ('L','bill/2/1/note.add','c1',1,6,'n1'), ('L','bill/3/workflow.add/W','c1',2,7,NULL);
	INSERT INTO contact VALUES('L','p1','c1',1,9); INSERT INTO opportunity VALUES('L','c1','P','o1');
	INSERT INTO subject VALUES('L','bill/1','100',1,'e1',2,1); INSERT INTO event VALUES('e1','',3);
	INSERT INTO bill VALUES('L','1','c1',100,200,100,300), ('L','2','c1',-5,NULL,NULL,NULL); INSERT INTO lifetime VALUES('L','c1',100);
	INSERT INTO latest VALUES('L','c1','bill','bill/1',1,4); INSERT INTO creation VALUES('L','c8','e8',7,NULL), ('L','c9','e9',8,'p9');
	INSERT INTO name VALUES('L','field','PNOW ID','f1','TEXT'), ('L','stage','A/B','s1',NULL); INSERT INTO name_list VALUES('L','field',1);
	INSERT INTO token VALUES('L','a','r',5,NULL), ('M',NULL,NULL,0,'h'); INSERT INTO bookmark VALUES('patients','2026-11-01T00:00:00Z',3,'2026-11-02T00:00:00Z','c/3');
	INSERT INTO quota VALUES('patientnow','2026-11-28',17); INSERT INTO quota_turn VALUES('patientnow',6); INSERT INTO lookup VALUES(1,'patient',2);
	INSERT INTO outage VALUES('PatientNow','0ad4c970',5,6);
	INSERT INTO useless_list VALUES('billing',44); INSERT INTO dnd VALUES('L','c1',3,1);
	INSERT INTO merged VALUES('p8','p1',7); INSERT INTO left_contact VALUES('L','c7','p8')"

# ---- What is written

(umask 022; pnow-inbox dump -o backup) 2>dump.err
is 'dump: done, without a word' "$? $(cat dump.err)" '0 '
is 'the file is for its owner alone, and nothing is beside it' "$(stat -c '%n %a' backup*)" 'backup 600'
is 'the first line says whose it is, the last how many records there are' \
	"$(jq -c 'select(.record == "dump").practice' backup) $(tail -n 1 backup)" "\"glow\" {\"record\":\"end\",\"records\":$(($(wc -l <backup) - 2))}"
# All tables but those that follow from others, say when there was a dump, or hold for minutes (crm_share); of them all columns but the numbers of rows, and whose an event is.
is 'every table and column of the state is in it' \
	"$(jq -r 'select(.record | IN("dump", "end") | not) | .record as $r | "\($r)", (keys[] | select(. != "record") | "\($r).\(.)")' backup | sort -u | wc -l)" \
	"$(state_columns glow.db | grep -vE '^(body|event_count|call_count|wait_count|told|moment|crm_share)\.' | sed 'p; s/\..*//' | sort -u | awk 'END { print NR - 3 }')"
(umask 022; pnow-inbox dump >piped)
is 'standard output, where it is a file, is its owner'\''s alone, too' "$(stat -c %a piped)" 600
made=$(jq 'select(.record == "dump").made' piped)
is 'when the last one was made is kept' "$(state_sql glow.db "SELECT at FROM moment WHERE name='dumped'")" "$made"
is 'one that cannot be written is told, and is none' \
	"$(pnow-inbox dump -o none/backup 2>&1; echo $?; pnow-inbox dump 2>&1 >/dev/full; echo $?; state_sql glow.db "SELECT at FROM moment WHERE name='dumped'")" \
	"pnow-inbox: cannot write none/backup: No such file or directory
73
pnow-inbox: cannot write standard output: No space left on device
73
$made"
like 'nor into a file whose mode is not ours to change' "$(pnow-inbox dump 2>&1 >/proc/self/comm; echo $?)" \
	"pnow-inbox: the dump's file is another user's, who could read it: give -o FILE, or write into a pipe*73"

if about_files 'nor is one of a state that cannot be read'; then
	sed 's/glow.db/odd.db/' glow.json >odd.json
	pnow-inbox -c odd.json list
	state_sql odd.db 'DROP TABLE moment'
	like 'nor is one of a state that cannot be read' "$(pnow-inbox -c odd.json dump -o odd 2>&1; echo $?; echo odd*)" \
		$'*pnow-inbox: the state file odd.db cannot be read now\n75\nodd.db odd.json'
fi

mkdir conf dumps
sed "s#\"glow.db#\"$work/glow.db#" glow.json >conf/glow.json
sed "s#\"shine.db#\"$work/shine.db#" shine.json >conf/shine.json
is 'a folder: a file for each practice' "$(pnow-inbox -C conf dump 2>err; echo $?; pnow-inbox -C conf dump -o dumps; echo $?; echo dumps/*)" \
	"64
0
dumps/glow.ndjson dumps/shine.ndjson"
mkdir dumps/glow.ndjson.part
is 'one that cannot be dumped does not hold up the others' "$(rm dumps/*.ndjson; pnow-inbox -C conf dump -o dumps 2>&1; echo $?; echo dumps/*)" \
	"pnow-inbox: cannot write dumps/glow.ndjson: Is a directory
73
dumps/glow.ndjson.part dumps/shine.ndjson"

# ---- Back again

kept() # FILE: what it holds, but when it was made
{
	sed 's/^\({"record":"dump".*"made":\)[0-9]*/\1/' "$1"
}
is 'load: done, without a word' "$(pnow-inbox -c new.json load -m backup 2>&1; echo $?)" 0
pnow-inbox -c new.json dump -o again
holds 'what was loaded is what was written' cmp <(kept backup) <(kept again)
is 'what was in a pipeline waits' "$(pnow-inbox -c new.json list -s running,waiting | wc -l)" 11
is 'lines are as they were' "$(state_bodies new.db | cksum)" "$(state_bodies glow.db | cksum)"
is 'counts are what is there' "$(state_recount new.db) $(pnow-inbox -c new.json stat | jq -c .calls)" " $(pnow-inbox stat | jq -c .calls)"
is 'so is for how long events were on their way' "$(pnow-inbox -c new.json stat -m | sed -n 's/.*wait_seconds_count.* //p')" \
	"$(state_events new.db 'settled IS NOT NULL')"
is 'the file is sound' "$(state_sound new.db)" ok
is 'a person is forgotten in it as in any' "$(pnow-inbox -c new.json forget -f p1 | jq -c '[.bodies, .answers]')" '[8,1]'
load() # [OPTION …]: standard input, into a file that is not there
{
	state_remove other.db
	configure glow other.db >other.json
	on_engine other.json
	pnow-inbox "${@:--cother.json}" load 2>&1
	echo $?
}
like 'what has something in it takes none' "$(pnow-inbox -c new.json load backup 2>&1; echo $?)" \
	'pnow-inbox: nothing is loaded into the state *: it is not empty (contact); a dump goes into a new one: stop what uses this one, and move it away
73'
is 'nor does another practice' "$(load -c shine.json <backup)" 'pnow-inbox: nothing is loaded: standard input, line 1: the dump is of practice glow, the configuration of shine
65'
is 'a file that is not there' "$(pnow-inbox -c other.json load nothing 2>&1; echo $?)" 'pnow-inbox: cannot read nothing: No such file or directory
66'

# ---- Whole, or not at all

# refused PROMISE WHY: standard input is not loaded; nothing of it is there.
refused()
{
	is "$1" "$(load) $(state_sql other.db 'SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM name) + (SELECT count(*) FROM body) + (SELECT count(*) FROM moment)')" \
		"pnow-inbox: nothing is loaded: standard input, $2
65 0"
}
lines=$(wc -l <backup)
line() # RECORD: the number of the first of them
{
	grep -n "^{\"record\":\"$1\"" backup | head -n 1 | cut -d: -f1
}
# changed PROMISE RECORD FILTER WHY: with the first of these records changed.
changed()
{
	local n
	n=$(line "$2")
	{ head -n $((n - 1)) backup; sed -n "${n}p" backup | jq -c "$3"; tail -n +$((n + 1)) backup; } >wrong
	refused "$1" "line $n: $4" <wrong
}
head -n -1 backup >wrong
refused 'not one that was cut off' "line $((lines - 1)): its end is missing: it was cut off" <wrong
head -c -1000 backup >wrong
like 'nor within a line' "$(load <wrong)" 'pnow-inbox: nothing is loaded: standard input, line *: this is no JSON object: *'
refused 'nor nothing at all' 'line 0: its end is missing: it was cut off' </dev/null
sed "$(line name)d" backup >wrong
refused 'nor one that lacks a line' "line $((lines - 1)): $((lines - 2)) records should have come before, and $((lines - 3)) did" <wrong
sed '$p' backup >wrong
refused 'nor one with something behind its end' "line $((lines + 1)): something comes behind the end" <wrong
tail -n +2 backup >wrong
refused 'nor one without its first line' 'line 1: this is no dump' <wrong
changed 'nor one of a later version' dump '.version = 2' 'the dump is of version 2, this pnow reads version 1'
changed 'text for a number' bill '.counted = "5"' 'bill: "counted" is not a whole number'
changed 'a part of a number' bill '.counted = 1.5' 'bill: "counted" is not a whole number'
changed 'a member that is missing' bill 'del(.bill)' 'bill: "bill" is missing'
changed 'a number for a truth' contact '.is_patient = 1' 'contact: "is_patient" is not true or false'
changed 'a word that is none' effect '.status = "perhaps"' 'effect: "status" is none of: begun done undecided '
changed 'two words' event '.state = "done unchanged"' 'event: "state" is none of: waiting done unchanged ignored skipped dead dropped '
changed 'an event of two lines' event '.line += "\n{}"' 'event: "line" is not JSON in a text of one line'
changed 'an event that is no JSON' event '.line = "{"' 'event: "line" is not JSON in a text of one line'
changed 'a member that nobody knows' name '.colour = "red"' 'name: "colour" is nothing that it has'
changed 'a record that nobody knows' name '.record = "names"' '"names" is no record that this pnow knows'
changed 'a line that does not say what it is' name 'del(.record)' 'it does not say what "record" it is'
changed 'an attempt at no event' attempt '.event = "e999"' 'attempt: there is one already, or nothing that it belongs to'
for record in effect event answer; do
	sed "$(line $record)p" backup >wrong
	refused "one $record twice" "line $(($(line $record) + 1)): $record: there is one already, or nothing that it belongs to" <wrong
done
sed "$(line name)s/}\$/,\"kind\":\"field\"}/" backup >wrong
refused 'a member twice' "line $(line name): \"kind\" is there twice" <wrong
is 'and the one that is right is loaded, from standard input' "$(load <backup)" 0
gap() # OPTION…: what a state that was loaded with these holds for unknown, between the dump and then
{
	state_remove other.db
	pnow-inbox -c other.json load "$@" backup
	state_sql other.db "SELECT CAST(b.at=$(jq 'select(.record == "dump").made' backup) AS INTEGER), e.at FROM moment AS b, moment AS e WHERE b.name='gap began' AND e.name='gap ended'"
}
is 'until a moment, something may have been done since' "$(gap -u 2036-01-02T03:04:05Z)" '1|2082855845000'
is '... until now, unless it is said' "$(gap | awk -F'|' -v now="$(date +%s)" '{ print $1, ($2 / 1000 >= now - 100) }')" '1 1'
is '... or nothing was' "$(gap -m; gap -u 2020-01-01)" ''
gap -u 2036-01-02T03:04:05Z >gap
pnow-inbox -c other.json dump -o later
is '... which a dump of it knows, too' "$(state_remove other.db; pnow-inbox -c other.json load -m later; state_sql other.db "SELECT count(*) FROM moment WHERE name LIKE 'gap%'")" 2
is '... and what was unknown before stays so when that is loaded, too' "$(cp backup first; sed '1s/"made":[0-9]*/"made":2082855846000/' later >backup; gap -u 2036-01-02T03:05:05Z; cp first backup)" "0|2082855905000"

# ---- While everything runs

kill -KILL "$run" && wait "$run" 2>run.err
awk 'BEGIN { for (i = 0; i < 900; i++) filler = filler "as was said "; for (i = 1; i <= 3000; i++)
	printf "{\"id\":\"m%d\",\"type\":\"patient.updated\",\"practice\":\"glow\",\"patient\":{\"id\":\"m%d\"},\"note\":\"%s\"}\n", i + 100, i, filler }' | pnow-inbox add >added
pnow-inbox run -- ./answer 2>run.err &
started+=($!)
until_true eval '[ "$(pnow-inbox stat | jq ".types.done[\"patient.updated\"] // 0")" -gt 100 ]'
limit=unlimited
sanitized || limit=60000
(ulimit -v "$limit" && exec pnow-inbox dump -o moment) 2>dump.err
is 'dump works while events are settled, in less memory than the state has' "$? $(cat dump.err)" '0 '
is 'it is of one moment: what is settled in it has its attempt, and nothing else has' \
	"$(jq -s -c 'map(select(.event? // .id? | tostring | startswith("m"))) | (map(select(.record == "event" and .state == "done").id)) == (map(select(.record == "attempt").event))' moment)" true
finish
