#!/usr/bin/env bash
# What pnow-hook(1) promises of the inbox: 200 means that the event is on the disk, whatever happens to the disk, to the
# file or to the hook; and whoever gets no 200 is told to come again.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"

printf 'open sesame' >secret && chmod 600 secret
mkdir data

# practice NAME STATE: writes NAME.json; PatientNow needs the token, the CRM nothing.
practice()
{
	cat >"$1.json" <<-END
		{"practice": "$1", "timezone": "America/Denver", "pipelines": "non-surgical", "state": "$2",
		 "hooks": {"patientnow": {"verify": "token", "header": "X-Token", "secret_file": "secret"},
		           "crm": {"verify": "none"}}}
	END
}
practice glow data/glow.db

# listen NAME ARGUMENT...: starts a hook ($hook) of its own on $port; its words are in NAME.err. With $under, under that.
under=()
listen()
{
	local name=$1
	shift
	rm -f "$name.port"
	"${under[@]}" pnow-hook -l 127.0.0.1:0 -p "$name.port" "$@" >"$name.out" 2>"$name.err" &
	hook=$!
	started+=("$hook")
	await "$name.port"
	port=$(cat "$name.port")
}

# stop: the hook ends as it should; its status.
stop()
{
	kill "$hook" 2>/dev/null
	wait "$hook"
}

# post PRACTICE/SENDER BODY: the status is in $status, Retry-After in $again, the answer in $answer.
post()
{
	local said
	said=$(curl -s -m 20 -w '\n%{http_code} %header{retry-after}' -H 'X-Token: open sesame' \
		-H 'Content-Type: application/json' -d "$2" "http://127.0.0.1:$port/hook/$1")
	answer=${said%%$'\n'*}
	said=${said##*$'\n'}
	status=${said%% *} again=${said#* }
}

# sql STATEMENT [FILE]: asks the state file, waiting for locks.
sql()
{
	sqlite3 -cmd '.timeout 10000' "${2:-data/glow.db}" "$1"
}

# storm NAME SENDERS EACH: so many senders at once, each with so many events of its own, through keep-alive connections.
# Afterwards NAME.200 has the ids that were acknowledged, NAME.others the statuses of the others with their Retry-After.
storm()
{
	local name=$1 senders=$2 each=$3 i j asked=()
	for ((i = 0; i < senders; i++)); do
		for ((j = 0; j < each; j++)); do
			printf '%s\n' "url = \"http://127.0.0.1:$port/hook/glow/crm\"" 'header = "Content-Type: application/json"' \
				"data = \"{\\\"type\\\":\\\"ContactTagUpdate\\\",\\\"webhookId\\\":\\\"$name-$i-$j\\\",\\\"id\\\":\\\"c$j\\\"}\"" \
				"write-out = \"%{http_code} %header{retry-after} $name-$i-$j\\n\"" 'output = "/dev/null"' silent next
		done >"$name.$i.urls"
		curl -m 60 -K "$name.$i.urls" >"$name.$i.answers" 2>/dev/null &
		asked+=($!)
	done
	wait "${asked[@]}"
	cat "$name".*.answers >"$name.answers"
	awk '$1 == 200 { print $NF }' "$name.answers" | sort >"$name.200"
	awk '$1 != 200 { $NF = ""; print }' "$name.answers" | sort | uniq -c | sort -rn >"$name.others"
}

# lost NAME: how many acknowledged events of a storm are not in the file.
lost()
{
	sql 'SELECT id FROM inbox' | sort | comm -13 - "$1.200" | wc -l
}

# ----- stored, then answered

said=$(sed 's/"state": "[^"]*",//' glow.json >none.json && timeout 5 pnow-hook -c none.json -l 127.0.0.1:0 2>&1)
is "without a state file and without a command: 78" "$? $said" "78 pnow-hook: none.json: state is missing"

listen main -c glow.json
post glow/patientnow '{"event":"AppointmentCreated","eventId":"e1","data":{"appointmentId":"88","patientId":"10"}}'
is "an event is answered 200 with its id" "$status $answer" '200 {"id":"e1"}'
is "and is in the inbox, waiting" "$(sql 'SELECT id, type, patient, subject, state FROM inbox')" \
	"e1|appointment.booked|10|appointment/88|waiting"
like "its body is the event, one line" "$(sql "SELECT body FROM inbox WHERE id='e1'")" \
	'{"id":"e1","type":"appointment.booked","practice":"glow","source":"webhook",*"payload":{"event":*"patientId":"10"}}}'
is "the files are their owner's alone" "$(stat -c %a data/* | sort -u)" 600
post glow/patientnow '{"event":"AppointmentCreated","eventId":"e1","data":{"appointmentId":"88","patientId":"10"}}'
is "a delivery id that was there before: 200, stored once" "$status $answer $(sql 'SELECT count(*) FROM inbox')" \
	'200 {"id":"e1"} 1'
sql "UPDATE inbox SET state='done'"
post glow/patientnow '{"event":"AppointmentCreated","eventId":"e1","data":{"appointmentId":"88","patientId":"10"}}'
is "the same when it was settled long ago" "$status $(sql 'SELECT count(*), state FROM inbox')" '200 1|done'

updated='{"event":"PatientUpdated","data":{"patientId":"10"}}'
post glow/patientnow "$updated"
first=$answer
post glow/patientnow "$updated"
is "a body without an id that still waits is folded into the one that waits" \
	"$status $answer $(sql "SELECT count(*) FROM inbox WHERE type='patient.updated'")" "200 $first 1"
sql "UPDATE inbox SET state='running', run='r' WHERE type='patient.updated'"
post glow/patientnow "$updated"
is "once that was begun, the same body is news: stored under another id, which is the one answered" \
	"$status $answer $(sql "SELECT count(*) FROM inbox WHERE type='patient.updated'")" "200 ${first%\"\}}-2\"} 2"
is "its event says that id" "$(sql "SELECT count(*) FROM inbox WHERE json_extract(body, '\$.id') = id")" 3
post glow/patientnow '{"event":"Unheard","eventId":"u1"}'
is "an event whose name nothing maps is stored, too" "$status $(sql "SELECT type IS NULL FROM inbox WHERE id='u1'")" "200 1"
before=$(sql 'SELECT count(*) FROM inbox')
post glow/patientnow '{"event":"Ping","eventId":"p1"}'
is "a ping is not stored" "$status $(sql 'SELECT count(*) FROM inbox')" "200 $before"

storm even 8 50
is "8 senders at once: 400 events, 400 answers, 400 rows" \
	"$(wc -l <even.200) $(sql "SELECT count(*) FROM inbox WHERE id LIKE 'even-%'")" "400 400"
storm even 8 50
is "all of them again: 400 answers, no row more" \
	"$(wc -l <even.200) $(sql "SELECT count(*) FROM inbox WHERE id LIKE 'even-%'")" "400 400"

# ----- other processes

sqlite3 data/glow.db >reader.out <<'END' &
BEGIN;
SELECT count(*) FROM inbox;
.shell touch reading; while [ ! -e read ]; do sleep 0.05; done
END
started+=($!)
for ((i = 0; i < 200; i++)); do [ -e reading ] && break || sleep 0.02; done
SECONDS=0
post glow/crm '{"webhookId":"r1"}'
is "a reader in the midst of its reading does not hold the hook up" "$status $((SECONDS < 3))" "200 1"
touch read
is "a backup while the hook has the file open is whole" \
	"$(sql '.backup copy.db' && sqlite3 copy.db 'PRAGMA integrity_check; SELECT count(*) FROM inbox')" \
	"ok"$'\n'"$(sql 'SELECT count(*) FROM inbox')"

sqlite3 data/glow.db >locker.out 2>&1 <<'END' &
BEGIN EXCLUSIVE;
.shell touch locked; sleep 8
ROLLBACK;
END
locker=$!
started+=("$locker")
for ((i = 0; i < 200; i++)); do [ -e locked ] && break || sleep 0.02; done
SECONDS=0
post glow/crm '{"webhookId":"l1"}'
is "a file that another process locks for 8 s: the CRM is told to come again within its patience" \
	"$status $again $((SECONDS >= 4 && SECONDS < 8))" "429 60 1"
post glow/crm '{"webhookId":"l2"}'
is "as soon as the lock is gone it works" "$status $((SECONDS < 10))" "200 1"
wait "$locker"
is "the lock was said once, its end once" "$(grep -c 'database is locked' main.err) $(grep -c 'works again' main.err)" "1 1"
stop
is "SIGTERM ends it with 0" "$?" 0
is "and leaves one file, without a log beside it" "$(ls data)" glow.db

# ----- the flush

strace_works()
{
	command -v strace >/dev/null && strace -f -o strace.true true 2>/dev/null
}
promise="the log is flushed between the event's last write and its 200"
if sanitized; then
	skip "$promise" "a sanitizer's threads are traced badly"
elif strace_works; then
	under=(strace -f -y -s 100 -o trace -e "trace=write,writev,pwrite64,sendto,sendmsg,fsync,fdatasync")
	listen traced -c glow.json
	under=()
	post glow/crm '{"webhookId":"traced"}'
	kill -TERM "$(pgrep -P "$hook")"
	wait "$hook"
	is "$promise" "$status $(awk '
		/pwrite64\(.*glow\.db-wal>/ { written = NR; flushed = 0 }
		/(fsync|fdatasync)\(.*glow\.db-wal>/ { pid = $1; flushed = / = 0$/ }
		/<\.\.\. (fsync|fdatasync) resumed>.* = 0$/ && $1 == pid { flushed = 1 }
		/HTTP\/1.1 200/ { print written && flushed ? "flushed" : "not flushed" }' trace)" "200 flushed"
else
	skip "$promise" "no strace that works here"
fi

# ----- a disk that fails

faults=$(dirname "$(command -v pnow-hook)")/../tests/faults.so
if [ -e "$faults" ]; then
	: >faults
	chmod 700 data
	# shellcheck disable=SC2097,SC2098
	under=(env "PNOW_FAULTS_BELOW=$work/data/" "PNOW_FAULTS=$work/faults" "LD_PRELOAD=$faults"
		"ASAN_OPTIONS=verify_asan_link_order=0:$(printenv ASAN_OPTIONS)")
	listen faulty -c glow.json
	under=()
	post glow/crm '{"webhookId":"well"}'
	is "the disk is well: 200" "$status" 200

	echo '100 ENOSPC 1' >faults
	storm full 4 25
	is "the disk is full: nobody gets a 200, the CRM comes again in a minute" "$(wc -l <full.200) $(tr -s ' ' <full.others)" \
		"0  100 429 60 "
	post glow/patientnow '{"event":"PatientCreated","eventId":"full"}'
	is "the disk is full: PatientNow is told 503" "$status $again" "503 60"
	is "that it is full was said once" "$(grep -c 'database or disk is full' faulty.err)" 1
	: >faults
	sleep 1
	post glow/crm '{"webhookId":"again"}'
	is "there is room again: 200, and it is said" "$status $(grep -c 'works again' faulty.err)" "200 1"

	for seed in 1 2 3; do
		echo "2 any $seed" >faults
		storm "torn$seed" 8 40
	done
	echo '100 EIO 5' >faults
	storm dead 4 10
	: >faults
	sleep 1
	storm after 4 10
	cat torn?.200 | sort >torn.200
	is "writes and flushes that fail at random: some events are taken, some are told to come again" \
		"$(wc -l <torn.200 | awk '{ print ($1 > 0 && $1 < 960) }') $(cat torn?.others | awk '{ print $2, $3 }' | sort -u)" "1 429 60"
	is "every 200 is in the file" "$(lost torn)" 0
	is "when nothing can be written nobody gets a 200" "$(wc -l <dead.200)" 0
	is "afterwards everybody does" "$(wc -l <after.200) $(lost after)" "40 0"
	is "the file is whole" "$(sql 'PRAGMA integrity_check')" ok
	is "the words about it are few" "$(wc -l <faulty.err | awk '{ print ($1 < 60) }')" 1
	stop
	is "the file is whole when the hook has ended, and every 200 is in it" "$(sql 'PRAGMA integrity_check') $(lost torn)" "ok 0"
else
	skip "a disk that fails" "make check builds $faults"
fi

# ----- a file that cannot be had

practice lost gone/glow.db
listen missing -c lost.json
like "a missing folder does not end a listener" "$(sleep 0.3; cat missing.err)" \
	"pnow-hook: cannot open the state file gone/glow.db: No such file or directory"
for ((i = 0; i < 20; i++)); do post lost/crm "{\"webhookId\":\"m$i\"}"; done
is "a missing folder: come again" "$status $again" "429 60"
post lost/patientnow '{"event":"PatientCreated","eventId":"m"}'
is "a missing folder: PatientNow is told 503" "$status $again" "503 60"
is "that was said once" "$(wc -l <missing.err)" 1
mkdir gone
sleep 1.1
post lost/crm '{"webhookId":"m99"}'
is "when the folder is there it works, and that is said" "$status $(tail -n 1 missing.err)" \
	"200 pnow-hook: state file gone/glow.db: works again"
rm -rf gone
post lost/crm '{"webhookId":"m100"}'
is "a file that was removed under it takes nothing: come again" "$status" 429
mkdir gone
sleep 1.1
post lost/crm '{"webhookId":"m101"}'
is "a new file takes its place" "$status $(sql 'SELECT id FROM inbox' gone/glow.db)" "200 m101"
stop

sqlite3 newer.db 'PRAGMA user_version=99'
practice newer newer.db
listen newer -c newer.json
post newer/crm '{"webhookId":"n"}'
is "a newer program's file is left alone: come again, and it is said" "$status $(grep -c 'version 99.*use the newer pnow' newer.err)" "429 1"
stop

as_nobody=()
[ "$(id -u)" -ne 0 ] || as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
if [ ${#as_nobody[@]} -eq 0 ] || "${as_nobody[@]}" true 2>/dev/null; then
	mkdir shut
	[ "$(id -u)" -ne 0 ] || chown 65534:65534 . secret shut
	chmod 500 shut
	practice shut shut/glow.db
	under=("${as_nobody[@]}")
	listen shut -c shut.json
	under=()
	post shut/crm '{"webhookId":"s1"}'
	is "a folder that cannot be written: come again, and it is said" "$status $(grep -c 'Permission denied' shut.err)" "429 1"
	chmod 700 shut
	sleep 1.1
	post shut/crm '{"webhookId":"s2"}'
	is "when it can be, it works" "$status" 200
	stop
	chmod 400 shut/glow.db
	under=("${as_nobody[@]}")
	listen shut -c shut.json
	under=()
	post shut/crm '{"webhookId":"s3"}'
	is "a file that cannot be written: come again, and it is said" "$status $(grep -c 'Permission denied' shut.err)" "429 1"
	stop
else
	skip "a folder that cannot be written" "root may write everything, and there is no setpriv"
fi

# ----- SIGKILL

rm -f kill.200
for round in 1 2 3; do
	listen killed -c glow.json
	(sleep "0.$((RANDOM % 4 + 2))" && kill -KILL "$hook") &
	killer=$!
	storm "kill$round" 8 400
	wait "$killer" "$hook"
	cat "kill$round.200" >>kill.200
done 2>killed.words
sort -o kill.200 kill.200
is "SIGKILL under load: every 200 is in the file" "$(wc -l <kill.200 | awk '{ print ($1 > 0 && $1 < 9600) }') $(lost kill)" "1 0"
listen term -c glow.json
(sleep 0.4 && kill -TERM "$hook") &
killer=$!
storm term 8 400
wait "$killer"
wait "$hook"
is "SIGTERM under load: ends with 0, and every 200 is in the file" "$? $(lost term)" "0 0"

# ----- one process for each request

# cgi BODY [PRACTICE]: the answer of a CGI program.
cgi()
{
	printf '%s' "$1" | env GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=POST "PATH_INFO=/hook/${2:-glow}/crm" CONTENT_TYPE=application/json \
		CONTENT_LENGTH=${#1} pnow-hook -c "${2:-glow}.json" 2>cgi.err | tr -d '\r'
}
is "CGI stores" "$(cgi '{"webhookId":"cgi1"}' | sed -n '1p;$p') $(sql "SELECT count(*) FROM inbox WHERE id='cgi1'")" \
	$'Status: 200 OK\n{"id":"cgi1"} 1'
for ((i = 0; i < 60; i++)); do cgi "{\"webhookId\":\"log$i\",\"pad\":\"$(printf '%2000s' '')\"}"; done >cgi.out
is "CGI: the log does not grow without end" \
	"$(grep -c 200 cgi.out) $( (stat -c %s data/glow.db-wal 2>/dev/null || echo 0) | awk '{ print ($1 < 4 * 2 ^ 20) }')" "60 1"
rm -rf gone
is "CGI: come again" "$(cgi '{"webhookId":"cgi2"}' lost | grep -E '^(Status|Retry)') $(wc -l <cgi.err)" \
	$'Status: 429 Too Many Requests\nRetry-After: 60 1'
PATH=$PATH:/usr/sbin
if command -v inetd >/dev/null; then
	listen free -c glow.json
	stop
	echo "127.0.0.1:$port stream tcp nowait.60000 $(id -un) $(command -v pnow-hook) pnow-hook -c $work/inetd.json" >inetd.conf
	practice glow "$work/data/glow.db"
	sed "s#\"secret\"#\"$work/secret\"#" glow.json >inetd.json
	inetd -i inetd.conf >inetd.out 2>&1 &
	started+=($!)
	for ((i = 0; i < 100; i++)); do curl -s -o /dev/null "http://127.0.0.1:$port/" && break || sleep 0.05; done
	storm inetd 4 25
	is "inetd: 100 events by 4 senders at once, 100 answers, 100 rows" "$(wc -l <inetd.200) $(lost inetd)" "100 0"
	mv data away
	post glow/crm '{"webhookId":"i1"}'
	is "inetd: a missing folder: come again" "$status $again" "429 60"
	mv away data
	post glow/crm '{"webhookId":"i2"}'
	is "inetd: and then it works" "$status" 200
	kill "${started[-1]}"
else
	skip "inetd" "no inetd here"
fi
finish
