#!/usr/bin/env bash
# What pnow-hook(1) promises of the inbox: 200 means that the event is on the disk, whatever happens to the disk, to the
# file or to the hook; and whoever gets no 200 is told to come again.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"

printf 'open sesame, please' >secret && chmod 600 secret
mkdir data

# practice NAME STATE: writes NAME.json; PatientNow needs the token, the CRM nothing.
practice()
{
	cat >"$1.json" <<-END
		{"practice": "$1", "timezone": "America/Denver", "pipelines": "non-surgical", "state": "$2",
		 "hooks": {"patientnow": {"verify": "token", "header": "X-Token", "secret_file": "secret"},
		           "crm": {"verify": "none"}}}
	END
	on_engine "$1.json"
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
	said=$(curl -s -m 60 -w '\n%{http_code} %header{retry-after}' -H 'X-Token: open sesame, please' \
		-H 'Content-Type: application/json' -d "$2" "http://127.0.0.1:$port/hook/$1")
	answer=${said%%$'\n'*}
	said=${said##*$'\n'}
	status=${said%% *} again=${said#* }
}

# sql STATEMENT [FILE]: asks the state.
sql()
{
	state_sql "${2:-data/glow.db}" "$1"
}

# taken PRACTICE/SENDER BODY: posts it; whether it is answered 200. For until_true: a file is tried again once a second.
taken()
{
	post "$1" "$2"
	[ "$status" = 200 ]
}

# taken_and_said NAME PRACTICE/SENDER BODY: and whether NAME.err says that the file works again, which may take a second, too.
taken_and_said()
{
	taken "$2" "$3" && grep -q 'works again' "$1.err"
}

# requests NAME N: events NAME-0 and so on, for curl; each answer is to be a line: status, Retry-After, id.
requests()
{
	local i
	for ((i = 0; i < $2; i++)); do
		[ "$i" -eq 0 ] || echo next
		printf '%s\n' "url = \"http://127.0.0.1:$port/hook/glow/crm\"" 'header = "Content-Type: application/json"' \
			"data = \"{\\\"type\\\":\\\"ContactTagUpdate\\\",\\\"webhookId\\\":\\\"$1-$i\\\",\\\"id\\\":\\\"c$i\\\"}\"" \
			"write-out = \"%{http_code} %header{retry-after} $1-$i\\n\"" 'output = "/dev/null"' silent
	done
}

# storm NAME SENDERS EACH: so many senders at once, each with so many events of its own, through keep-alive connections.
# Afterwards NAME.200 has the ids that were acknowledged, NAME.others the statuses of the others with their Retry-After.
storm()
{
	local i
	asked=()
	for ((i = 0; i < $2; i++)); do
		requests "$1-$i" "$3" >"$1.$i.urls"
		curl -K "$1.$i.urls" >"$1.$i.answers" 2>/dev/null &
		asked+=($!)
	done
	gather "$1"
}

# endless_storm NAME SENDERS: the same in the background, and each sender goes on until nobody listens; then gather NAME.
endless_storm()
{
	local i j
	asked=()
	for ((i = 0; i < $2; i++)); do
		for ((j = 0;; j++)); do
			requests "$1-$i-$j" 50 | curl -K - 2>/dev/null || break
		done >"$1.$i.answers" &
		asked+=($!)
	done
}

# gather NAME: waits for a storm's senders, and writes NAME.200 and NAME.others.
gather()
{
	wait "${asked[@]}"
	cat "$1".*.answers >"$1.answers"
	awk '$1 == 200 { print $NF }' "$1.answers" | sort >"$1.200"
	awk '$1 != 200 { $NF = ""; print }' "$1.answers" | sort | uniq -c | sort -rn >"$1.others"
}

# acknowledged NAME N: so many answers of a storm, or more, are 200.
acknowledged()
{
	[ "$(cat "$1".*.answers | grep -c '^200 ')" -ge "$2" ]
}

# lost NAME: how many acknowledged events of a storm are not in the file.
lost()
{
	sql 'SELECT id FROM inbox' | sort | comm -13 - "$1.200" | wc -l
}

# ----- stored, then answered

said=$(sed 's/"state": "[^"]*",//' glow.json >none.json && timeout 60 pnow-hook -c none.json -l 127.0.0.1:0 2>&1)
is "without a state file and without a command: 78" "$? $said" "78 pnow-hook: none.json: state is missing"

listen main -c glow.json
post glow/patientnow '{"event":"AppointmentCreated","eventId":"e1","data":{"appointmentId":"88","patientId":"10"}}'
is "an event is answered 200 with its id" "$status $answer" '200 {"id":"e1"}'
is "and is in the inbox, waiting" "$(sql 'SELECT id, type, patient, subject, state FROM inbox')" \
	"e1|appointment.booked|10|appointment/88|waiting"
like "its body is the event, one line" "$(state_bodies data/glow.db "id='e1'")" \
	'{"id":"e1","type":"appointment.booked","practice":"glow","source":"webhook",*"payload":{"event":*"patientId":"10"}}}'
promise="the files are their owner's alone"
! about_files "$promise" || is "$promise" "$(stat -c %a data/* | sort -u)" 600
post glow/patientnow '{"event":"AppointmentCreated","eventId":"e1","data":{"appointmentId":"88","patientId":"10"}}'
is "a delivery id that was there before: 200, stored once" "$status $answer $(sql 'SELECT count(*) FROM inbox')" \
	'200 {"id":"e1"} 1'
sql "UPDATE inbox SET state='done'"
post glow/patientnow '{"event":"AppointmentCreated","eventId":"e1","data":{"appointmentId":"88","patientId":"10"}}'
is "the same when it was settled long ago" "$status $(sql 'SELECT count(*), max(state) FROM inbox')" '200 1|done'

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
is "its event says that id" "$(state_bodies data/glow.db "text LIKE '{\"id\":\"'||id||'\",%'" | wc -l)" 3
post glow/patientnow '{"event":"Unheard","eventId":"u1"}'
is "an event whose name nothing maps is stored, too" "$status $(sql "SELECT CAST(type IS NULL AS INTEGER) FROM inbox WHERE id='u1'")" "200 1"
before=$(sql 'SELECT count(*) FROM inbox')
post glow/patientnow '{"event":"Ping","eventId":"p1"}'
is "a ping is not stored" "$status $(sql 'SELECT count(*) FROM inbox')" "200 $before"

storm even 8 50
is "8 senders at once: 400 events, 400 answers, 400 rows" \
	"$(wc -l <even.200) $(sql "SELECT count(*) FROM inbox WHERE id LIKE 'even-%'")" "400 400"
storm even 8 50
is "all of them again: 400 answers, no row more" \
	"$(wc -l <even.200) $(sql "SELECT count(*) FROM inbox WHERE id LIKE 'even-%'")" "400 400"

asked=()
for i in {1..8}; do
	requests one 50 >"one.$i.urls"
	curl -K "one.$i.urls" >"one.$i.answers" 2>/dev/null &
	asked+=($!)
done
gather one
is "8 senders at once with the same 50 events: 400 answers, 50 rows, each with its body, and counted" \
	"$(wc -l <one.200) $(state_bodies data/glow.db "i.id LIKE 'one-%' AND text LIKE '{\"id\":\"'||id||'\",%'" | wc -l)$(state_recount data/glow.db)" "400 50"

# ----- other processes

if about_files 'a reader, a backup, and a lock of another process'; then
	sqlite3 data/glow.db >reader.out <<-'END' &
	BEGIN;
	SELECT count(*) FROM inbox;
	.shell touch reading; while [ ! -e read ]; do sleep 0.05; done
	END
	started+=($!)
	until_true test -e reading
	post glow/crm '{"webhookId":"r1"}'
	is "a reader in the midst of its reading does not hold the hook up" "$status" 200
	touch read
	is "a backup while the hook has the file open is whole" \
		"$(sql '.backup copy.db' && sqlite3 copy.db 'PRAGMA integrity_check; SELECT count(*) FROM inbox')" \
		"ok"$'\n'"$(sql 'SELECT count(*) FROM inbox')"

	sqlite3 -cmd '.timeout 10000' data/glow.db >locker.out 2>&1 <<-'END' &
	BEGIN EXCLUSIVE;
	.shell touch locked; while [ ! -e unlock ]; do sleep 0.05; done
	ROLLBACK;
	END
	locker=$!
	started+=("$locker")
	until_true test -e locked
	post glow/crm '{"webhookId":"l1"}'
	is "a file that another process keeps locked: the CRM is told to come again" "$status $again" "429 60"
	touch unlock
	wait "$locker"
	post glow/crm '{"webhookId":"l2"}'
	is "as soon as the lock is gone it works" "$status" 200
	until_true taken_and_said main glow/crm '{"webhookId":"l2"}'
	is "the lock was said once, its end once" "$(grep -c 'database is locked' main.err) $(grep -c 'works again' main.err)" "1 1"
fi

stop
is "SIGTERM ends it with 0" "$?" 0
promise='and leaves no log beside the file'
! about_files "$promise" || is "$promise" "$(cd data && echo *)" "glow.db glow.db-wakeup"

# ----- the flush

strace_works()
{
	command -v strace >/dev/null && strace -f -o strace.true true 2>/dev/null
}
promise="the log is flushed between the event's last write and its 200"
if sanitized; then
	skip "$promise" "a sanitizer's threads are traced badly"
elif ! about_files "$promise"; then
	: # the server's flush is its own
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

# ----- no secret but its own

# opened: which files of the folder of secrets a trace shows to be opened, or looked for.
opened()
{
	grep -oE 'open(at2?)?\(.*"[^"]*secrets/[^"]*"' "$1" | sed 's/.*secrets\///; s/"//' | sort -u | xargs
}
promise="the hook opens its own secrets, and no token"
if sanitized; then
	skip "$promise (-l)" "a sanitizer's threads are traced badly"
	skip "$promise (CGI)" "a sanitizer's threads are traced badly"
elif strace_works; then
	mkdir secrets
	(umask 077 && for name in hook pnp crm facility client refresh password apikey; do printf 'a secret of %s' "$name" >"secrets/$name"; done)
	openssl genpkey -algorithm ed25519 2>/dev/null | openssl pkey -pubout -out secrets/key
	cat >own.json <<-'END'
		{"practice": "own", "timezone": "America/Denver", "pipelines": "non-surgical", "state": "data/own.db",
		 "patientnow": {"profile": "patientnow-essentials", "base_url": "http://127.0.0.1:1", "token_file": "secrets/pnp",
			"user": "pnow", "password_file": "secrets/password", "apikey_file": "secrets/apikey"},
		 "crm": {"location_id": "l1", "token_file": "secrets/crm"},
		 "facilities": {"Downtown": {"location_id": "l2", "token_file": "secrets/facility"}},
		 "hooks": {"patientnow": {"verify": "token", "header": "X-Token", "secret_file": "secrets/hook"},
		           "crm": {"verify": "ed25519", "key_file": "secrets/key"}}}
	END
	under=(strace -f -o own.trace -e "trace=open,openat")
	listen own -c own.json
	under=()
	curl -s -o answer -w '%{http_code}' -H 'X-Token: a secret of hook' -H 'Content-Type: application/json' \
		-d '{"event":"PatientCreated","eventId":"o1"}' "http://127.0.0.1:$port/hook/own/patientnow" >status
	kill -TERM "$(pgrep -P "$hook")"
	wait "$hook"
	is "$promise (-l)" "$(<status) $(opened own.trace)" "200 hook key"
	printf '{"eventId":"o2"}' | env GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=POST PATH_INFO=/own/patientnow CONTENT_TYPE=application/json \
		CONTENT_LENGTH=16 'HTTP_X_TOKEN=a secret of hook' strace -f -o cgi.trace -e trace=open,openat pnow-hook -c own.json >cgi.out
	is "$promise (CGI)" "$(head -n 1 cgi.out | tr -d '\r') $(opened cgi.trace)" "Status: 200 OK hook key"
else
	skip "$promise (-l)" "no strace that works here"
	skip "$promise (CGI)" "no strace that works here"
fi

# ----- a disk that fails

faults=$(dirname "$(command -v pnow-hook)")/../tests/faults.so
if ! about_files 'a disk that fails'; then
	:
elif [ -e "$faults" ]; then
	: >faults
	chmod 700 data
	# shellcheck disable=SC2097,SC2098
	under=(env "PNOW_FAULTS_BELOW=$work/data/" "PNOW_FAULTS=$work/faults" "LD_PRELOAD=$faults"
		"ASAN_OPTIONS=verify_asan_link_order=0:$(printenv ASAN_OPTIONS)")
	listen faulty -c glow.json
	SECONDS=0
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
	until_true taken_and_said faulty glow/crm '{"webhookId":"again"}'
	is "there is room again: 200, and it is said" "$status $(grep -c 'works again' faulty.err)" "200 1"

	for seed in 1 2 3; do
		echo "2 any $seed" >faults
		storm "torn$seed" 8 40
	done
	echo '100 EIO 5' >faults
	storm dead 4 10
	: >faults
	until_true taken glow/crm '{"webhookId":"well again"}'
	storm after 4 10
	cat torn?.200 | sort >torn.200
	is "writes and flushes that fail at random: some events are taken, some are told to come again" \
		"$(wc -l <torn.200 | awk '{ print ($1 > 0 && $1 < 960) }') $(cat torn?.others | awk '{ print $2, $3 }' | sort -u)" "1 429 60"
	is "every 200 is in the file" "$(lost torn)" 0
	is "when nothing can be written nobody gets a 200" "$(wc -l <dead.200)" 0
	is "afterwards everybody does" "$(wc -l <after.200) $(lost after)" "40 0"
	is "the file is whole" "$(sql 'PRAGMA integrity_check')" ok
	is "there are at most about as many words about it as there were seconds" \
		"$(wc -l <faulty.err | awk -v seconds=$SECONDS '{ print ($1 <= seconds * 1.2 + 3) }')" 1
	stop
	is "the file is whole when the hook has ended, and every 200 is in it" "$(sql 'PRAGMA integrity_check') $(lost torn)" "ok 0"
else
	skip "a disk that fails" "make check builds $faults"
fi

# ----- a file that cannot be had

if about_files 'a file that cannot be had'; then
	practice lost gone/glow.db
	listen missing -c lost.json
	await missing.err
	like "a missing folder does not end a listener" "$(<missing.err)" \
		"pnow-hook: cannot open the state file gone/glow.db: No such file or directory"
	for ((i = 0; i < 20; i++)); do post lost/crm "{\"webhookId\":\"m$i\"}"; done
	is "a missing folder: come again" "$status $again" "429 60"
	post lost/patientnow '{"event":"PatientCreated","eventId":"m"}'
	is "a missing folder: PatientNow is told 503" "$status $again" "503 60"
	is "that was said once" "$(wc -l <missing.err)" 1
	mkdir gone
	until_true taken_and_said missing lost/crm '{"webhookId":"m99"}'
	is "when the folder is there it works, and that is said" "$status $(tail -n 1 missing.err)" \
		"200 pnow-hook: state file gone/glow.db: works again"
	rm -rf gone
	post lost/crm '{"webhookId":"m100"}'
	is "a file that was removed under it takes nothing: come again" "$status" 429
	mkdir gone
	until_true taken lost/crm '{"webhookId":"m101"}'
	is "a new file takes its place" "$status $(sql 'SELECT id FROM inbox' gone/glow.db)" "200 m101"
	stop

	sqlite3 newer.db 'PRAGMA user_version=99'
	practice newer newer.db
	listen newer -c newer.json
	post newer/crm '{"webhookId":"n"}'
	is "a newer program's file is left alone: come again, and it is said" "$status $(grep -c 'version 99.*use the newer pnow' newer.err)" "429 1"
	stop

	plainly=() # root may write everything, unless it gives that right up
	[ "$(id -u)" -ne 0 ] || plainly=(setpriv --bounding-set=-all --inh-caps=-all)
	if [ ${#plainly[@]} -eq 0 ] || "${plainly[@]}" true 2>/dev/null; then
		mkdir -m 500 shut
		practice shut shut/glow.db
		under=("${plainly[@]}")
		listen shut -c shut.json
		post shut/crm '{"webhookId":"s1"}'
		is "a folder that cannot be written: come again, and it is said" "$status $(grep -c 'Permission denied' shut.err)" "429 1"
		chmod 700 shut
		until_true taken shut/crm '{"webhookId":"s2"}'
		is "when it can be, it works" "$status" 200
		stop
		chmod 400 shut/glow.db
		listen shut -c shut.json
		under=()
		post shut/crm '{"webhookId":"s3"}'
		is "a file that cannot be written: come again, and it is said" "$status $(grep -c 'Permission denied' shut.err)" "429 1"
		stop
	else
		skip "a folder that cannot be written" "root may write everything, and there is no setpriv"
	fi

	# ----- a limit of the files' size, which kills a program that says nothing about it

	under=(bash -c 'ulimit -f 8; exec "$@"' limited)
	practice limited data/limited.db
	listen limited -c limited.json
	under=()
	post limited/crm '{"webhookId":"l1"}'
	is "a file that may not grow: the CRM is told to come again" "$status $again" "429 60"
	post limited/patientnow '{"event":"PatientCreated","eventId":"l2"}'
	is "a file that may not grow: PatientNow is told 503, by a hook that is still there" "$status $again" "503 60"
	like "a file that may not grow: that is said" "$(<limited.err)" "*state file data/limited.db: *"
	stop
	is "a file that may not grow: SIGTERM still ends the hook with 0" $? 0
fi

# ----- SIGKILL

rm -f kill.200
for n in 1 200 700; do
	listen killed -c glow.json
	endless_storm "kill$n" 8
	until_true acknowledged "kill$n" $n
	kill -KILL "$hook"
	wait "$hook"
	is "SIGKILL under load, when $n or more are acknowledged" "$? $(acknowledged "kill$n" $n; echo $?)" "137 0"
	gather "kill$n"
	cat "kill$n.200" >>kill.200
done 2>killed.words
sort -o kill.200 kill.200
is "every 200 is in the file" "$(lost kill)" 0
listen term -c glow.json
endless_storm term 8
until_true acknowledged term 200
kill -TERM "$hook"
wait "$hook"
is "SIGTERM under load: ends with 0" $? 0
gather term
is "and every 200 is in the file" "$(acknowledged term 200; echo $?) $(lost term)" "0 0"

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
is "CGI: each is stored, and the log does not grow without end" \
	"$(grep -c 200 cgi.out) $( (stat -c %s data/glow.db-wal 2>/dev/null || echo 0) | awk '{ print ($1 < 4 * 2 ^ 20) }')" "60 1"
if about_files 'CGI: a file that may not grow'; then
	rm -rf gone
	is "CGI: a file that may not grow: come again" \
		"$(ulimit -f 8; cgi '{"webhookId":"cgi3"}' limited | grep -E '^(Status|Retry)')" $'Status: 429 Too Many Requests\nRetry-After: 60'
	is "CGI: come again" "$(cgi '{"webhookId":"cgi2"}' lost | grep -E '^(Status|Retry)') $(wc -l <cgi.err)" \
		$'Status: 429 Too Many Requests\nRetry-After: 60 1'
fi
PATH=$PATH:/usr/sbin
if command -v inetd >/dev/null; then
	port=$(free_port)
	echo "127.0.0.1:$port stream tcp nowait.60000 $(id -un) $(command -v pnow-hook) pnow-hook -c $work/inetd.json" >inetd.conf
	practice glow "$work/data/glow.db"
	sed "s#\"secret\"#\"$work/secret\"#" glow.json >inetd.json
	inetd -i inetd.conf >inetd.out 2>&1 &
	started+=($!)
	until_true curl -s "http://127.0.0.1:$port/"
	storm inetd 4 25
	is "inetd: 100 events by 4 senders at once, 100 answers, 100 rows" "$(wc -l <inetd.200) $(lost inetd)" "100 0"
	if about_files 'inetd: a missing folder'; then
		mv data away
		post glow/crm '{"webhookId":"i1"}'
		is "inetd: a missing folder: come again" "$status $again" "429 60"
		mv away data
		post glow/crm '{"webhookId":"i2"}'
		is "inetd: and then it works" "$status" 200
	fi
	kill "${started[-1]}"
else
	skip "inetd" "no inetd here"
fi
finish
