#!/usr/bin/env bash
# A state file that grows: counts are what is there, whatever happened; purge gives the space back, leaves nothing of what it
# forgets, and nobody is refused meanwhile; a file of an older pnow becomes a new one, whole or not at all.
# shellcheck disable=SC2016,SC2154 # until_true eval; root and started are from tap.sh
# shellcheck source=tests/command/hook.bash
. "$(dirname "$0")/hook.bash"
export PNOW_CONFIG=glow.json
cat >glow.json <<'END'
{"practice":"glow","timezone":"America/Denver","pipelines":"non-surgical","state":"glow.db","retry_seconds":[0],
 "hooks":{"patientnow":{"verify":"token","header":"X-Token","secret_file":"secret"}}}
END

# events FROM TO: lines of some 700 bytes; each is of a patient of three and holds a mark of its own.
events()
{
	awk -v from="$1" -v to="$2" 'BEGIN { for (i = 0; i < 60; i++) filler = filler "as it was said "
		for (i = from; i <= to; i++) printf "{\"id\":\"e%d\",\"type\":\"%s\",\"practice\":\"glow\",\"patient\":{\"id\":\"%d\"},\"note\":\"mark%d.%s\"}\n",
			i, i % 3 ? "patient.updated" : "appointment.booked", i / 3, i, substr(filler, 1, 300 + i * 37 % 700) }'
}

# A pipeline: while the file "failing" is there every 50th event fails for good, every 20th is to be tried again, and fails again.
cat >answer <<'END'
#!/usr/bin/env bash
[ ! -e failing ] || failing='if (.id[1:] | tonumber) % 50 == 0 then {id, status: "failed", calls: 2, error: {code: "rejected", retry: false}}
	elif (.id[1:] | tonumber) % 20 == 0 then {id, status: "failed", calls: 1, error: {code: "busy", retry: true}} else'
exec jq -c --unbuffered "${failing-} {id, status: \"done\", calls: 3, patientnow_calls: 1, patient_id: .patient.id, contact_id: (\"c\" + .patient.id)} ${failing+end}"
END
chmod +x answer

# states: how many events there are, by state.
states()
{
	pnow-inbox stat | jq -c 'with_entries(select(.key | IN("waiting", "running", "done", "dead", "dropped")))'
}

# counted PROMISE: the counts that are kept are those of the rows.
counted()
{
	is "$1: the counts are what is there" "$(state_recount glow.db 2>&1)" ''
}

# marks: how often each mark stands in the file or in what is beside it, as "mark7 1".
marks()
{
	cat glow.db* | grep -aoE 'mark[0-9]+\.' | sort | uniq -c | awk '{ print substr($2, 1, length($2) - 1), $1 }' | sort
}

# kept [STATE,…]: what marks must say: each event of these states stands there once.
kept()
{
	pnow-inbox list ${1:+-s "$1"} | jq -r '"mark\(.id[1:]) 1"' | sort
}

size()
{
	sqlite3 glow.db 'PRAGMA wal_checkpoint(TRUNCATE)' >checkpoint
	stat -c %s glow.db
}

# ---- An older file

sqlite3 glow.db <"$root/tests/samples/state-8.sql"
events 1 4000 >lines
{
	jq -r '"INSERT INTO inbox(id,type,patient,subject,queue,state,attempts,due,received,settled,body) VALUES(\u0027\(.id)\u0027,\u0027\(.type)\u0027,\u0027\(.patient.id)\u0027," +
		"\u0027patient/\(.patient.id)\u0027,\u0027\(.patient.id)\u0027,\u0027done\u0027,1,1,1,2,\u0027\(tojson)\u0027);"' lines
	echo "UPDATE inbox SET state='waiting', attempts=0, settled=NULL WHERE seq>3900;
		UPDATE inbox SET body=NULL WHERE seq<=100;
		INSERT INTO attempt(event,at,status,contact,patient,calls,patientnow_calls,result)
			SELECT id, 2, 'done', 'c'||patient, patient, 3, 1, '{\"id\":\"'||id||'\"}' FROM inbox WHERE state='done';
		UPDATE attempt SET at=strftime('%s','now')*1000, result=json_object('status','done','reason','as it was',
			'warnings',json_array('the contact is also that of patient '||event, 'no workflow \"A\"')) WHERE rowid>3880;
		UPDATE attempt SET at=strftime('%s','now')*1000, status='failed', result=json_object('error',json_object('stage','crm-push','code','busy')) WHERE rowid>3890;
		INSERT INTO cache SELECT 'patient', value, 0, 1000, 'answer'||value FROM json_each('[1,2,3]')"
} >rows
{ echo 'BEGIN;'; cat rows; echo ';COMMIT;'; } | sqlite3 glow.db
cp glow.db older.db
for name in 'at once' 'as soon as it has begun' 'while it is at it'; do
	pnow-inbox list -n 1 >listed 2>&1 &
	opener=$!
	[ "$name" = 'at once' ] || until_true eval 'gone $opener || [ -e glow.db-wal ]'
	[ "$name" = 'as soon as it has begun' ] || until_true eval 'gone $opener || [ -s glow.db-wal ]'
	kill -KILL "$opener" 2>/dev/null
	wait "$opener" 2>/dev/null
	like "the new schema: killed $name, it is there or it is not" "$(sqlite3 glow.db 'PRAGMA integrity_check; PRAGMA user_version' | xargs)" 'ok @(8|12)'
done
is 'every event is there' "$(pnow-inbox list | jq -c '[.id, .state, .attempts, .type, .patient]' | cksum)" \
	"$(jq -c '(.id[1:] | tonumber) as $n | [.id, if $n > 3900 then "waiting", 0 else "done", 1 end, .type, .patient.id]' lines | cksum)"
is 'and each line that was not purged' "$(state_bodies glow.db | cksum)" "$(tail -n +101 lines | jq -c . | cksum)"
is 'attempts, too' "$(state_attempts glow.db 'i.id, contact, calls' | cksum)" "$(jq -r 'select((.id[1:] | tonumber) <= 3900) | "\(.id)|c\(.patient.id)|3"' lines | cksum)"
is "and PatientNow's answers" "$(state_sql glow.db 'SELECT id, body FROM answer ORDER BY id' | xargs)" '1|answer1 2|answer2 3|answer3'
is 'and for how long they were on their way' "$(pnow-inbox stat -m | sed -n 's/.*wait_seconds_bucket.*le="\(1.0\|+Inf\)"} //p' | xargs)" '3900 3900'
is 'and what was told lately' "$(pnow-inbox stat | jq -c .warnings) $(pnow-inbox stat -m | sed -n 's/^pnow_answers_last_day{practice="glow",//p' | xargs -d '\n')" \
	'{"no workflow \"A\"":10,"the contact is also that of patient *":10} outcome="done",cause="as it was"} 10 outcome="failed",cause="crm-push: busy"} 10'
counted 'an older file'
before=$(size)
pnow-inbox purge -o 0s >purged
is 'purge writes such a file anew, once, and nothing of the bodies is left' "$(state_sql glow.db 'PRAGMA auto_vacuum') $(marks | cksum)" "2 $(kept waiting | cksum)"
holds 'and it is smaller' test "$(size)" -lt $((before / 2))

# ---- Counts

: >failing
events 4001 7000 | pnow-inbox add >added
is 'add: each line is answered' "$(jq -r .state added | sort | uniq -c | xargs)" '3000 waiting'
counted add
{ events 6999 7001; echo '{"id":'; } | pnow-inbox add >added
is 'add: one by one, what is known and what is no event' "$? $(jq -r '.state // .error.code' added | xargs)" '1 known known waiting malformed'
counted 'add again'
mkfifo held
pnow-inbox run -j 64 -- sh -c 'cat >held' &
started+=($!)
exec 5<held
until_true eval '[ "$(states | jq .running)" = 64 ]'
counted 'a claim'
kill -KILL "${started[-1]}"
wait "${started[-1]}" 2>/dev/null
exec 5<&-
counted 'a run that is killed'
pnow-inbox run -1 -- ./answer
is 'all are settled' "$? $(states)" '1 {"done":6815,"dead":186}'
counted 'settling'
is 'what their calls were is told' "$(pnow-inbox stat | jq -c '.calls | [.[].events] | add')" 7001
pnow-inbox drop e4050 e4100 >dropped
pnow-inbox retry e1 e4001 e4150 2>/dev/null >retried
counted 'what people decide'
pnow-inbox forget -f 1400 >forgotten
counted forget

# ---- Purge, while webhooks come in

listen hook -c glow.json
cat >send <<'END'
#!/usr/bin/env bash
for ((i = 0; ; i++)); do
	[ ! -e enough ] || exit 0
	curl -sS -o answered -w '%{http_code}\n' -H "$1" -H 'Content-Type: application/json' --data-binary \
		"{\"event\":\"PatientUpdated\",\"eventId\":\"w80000$i\",\"data\":{\"patientId\":\"$i\",\"note\":\"mark80000$i.\"}}" "http://127.0.0.1:$2/hook/glow/patientnow"
done >>codes
END
chmod +x send
./send "$token" "$port" &
sender=$!
started+=("$sender")
await codes
before=$(stat -c %s glow.db)
settled=$(state_sql glow.db "SELECT count(*) FROM inbox WHERE body IS NOT NULL AND settled IS NOT NULL AND state<>'dead'")
pnow-inbox purge -o 0s >purged
is 'purge: what was settled is forgotten' "$? $(jq .events purged)" "0 $settled"
await codes
: >enough
wait "$sender"
is 'no webhook was refused' "$(sort -u codes)" 200
stop
is 'the space is given back' "$(sqlite3 glow.db 'PRAGMA freelist_count')" 0
holds 'the file is smaller' test "$(size)" -lt $((before - 300000))
is 'what is kept is in the file once, and nothing of the rest' "$(marks | cksum)" "$(kept dead,waiting | cksum)"
is 'it is whole' "$(sqlite3 glow.db 'PRAGMA integrity_check') $(pnow-inbox show e4250 | jq -r .id)" 'ok e4250'
counted purge
rm failing
pnow-inbox retry -s dead >retried
pnow-inbox run -1 -- ./answer
pnow-inbox purge -o 0s >purged
is 'what was kept then is forgotten by the next purge' "$(marks)" ''
counted 'the next purge'

# ---- What a look costs

if [ -r /proc/self/io ]; then
	for flag in -j -m; do
		reads=$(bash -c 'pnow-inbox stat "$1" >shown; read -r _ bytes </proc/$$/io; echo $((bytes / 1024))' bash "$flag")
		holds "stat $flag does not read the events ($reads KiB)" test "$reads" -lt 400
	done
	rm glow.db*
	# ids and patients in no order: each event is on pages of indexes of its own
	seq 30000 | awk '{ printf "{\"id\":\"%06d\",\"type\":\"patient.updated\",\"practice\":\"glow\",\"patient\":{\"id\":\"%d\"}}\n", $1 * 7919 % 999983, $1 * 104729 % 19997 }' >many
	written=$(bash -c 'pnow-inbox add <many >shown; awk "/^wchar/ { printf \"%d\", \$2 / 30000 }" /proc/$$/io')
	holds "add: events share the pages that they change ($written bytes each)" test "$written" -lt 1400
else
	skip 'what stat reads and add writes' 'needs /proc/PID/io'
fi
finish
