#!/usr/bin/env bash
# What pnow-hook(1) promises a monitor: /healthz is 200 while events can be stored, and 503 with a plain reason while they cannot.
# shellcheck disable=SC2154 # from hook.bash: hook, port, status, answer, token, work
# shellcheck source=tests/command/hook.bash
. "$(dirname "$0")/hook.bash"

# in_folder NAME: the practice NAME, of a folder.
in_folder()
{
	mkdir -p "data/$1"
	jq -n --arg name "$1" --arg dir "$PWD" '{practice: $name, timezone: "America/Denver", pipelines: "non-surgical",
		state: "\($dir)/data/\($name)/s.db", hooks: {crm: {verify: "none"}}}' >"conf/$1.json"
}
mkdir conf data
in_folder healthz

# health CURL-ARGUMENT...: asks; "STATUS ANSWER" in $health.
health()
{
	health=$(curl -s -m 60 -D headers -w '%{http_code} ' -o answer "$@" "http://127.0.0.1:$port/healthz")$(<answer)
}

# is_health WANT: whether it is so by now: what was found is told for some seconds.
is_health()
{
	health
	[ "$health" = "$1" ]
}

taken()
{
	post /hook/healthz/crm
	[ "$status" = 200 ]
}

# ---- One practice

listen one -c conf/healthz.json
health
is 'GET /healthz' "$health" '200 {"ok":true}'
health -I
like 'HEAD /healthz' "$health" '200 HTTP/1.1 200 OK*Content-Length: 12*'
health -d '{}'
is 'POST is not for it' "$health $(tr -d '\r' <headers | grep -i '^allow')" '405 {"error":"/healthz takes GET and HEAD only"} Allow: GET, HEAD'
head -c 2000000 /dev/zero >long
health -X GET --data-binary @long -H 'Content-Type: text/plain' -H Expect:
like 'a long body does no harm' "$health" '413 *'
is 'it stores nothing' "$(pnow-inbox -c conf/healthz.json list)" ''
body='{"webhookId":"w1"}'
post /hook/healthz/crm
is 'a practice may have the name' "$status $answer" '200 {"id":"w1"}'
health
is 'and it is well while events come' "$health" '200 {"ok":true}'
mv data/healthz away
holds 'a state file that is away: 503, and why' until_true is_health '503 {"error":"the state file cannot be opened"}'
like 'the file is named on standard error only' "$(<one.err)" "*$work/data/healthz/s.db*"
mv away data/healthz
holds 'it is well again when that is over' until_true is_health '200 {"ok":true}'
post /hook/healthz/crm
is 'as an event is then' "$status" 200
stop

faults=$bin/../tests/faults.so
if [ -e "$faults" ]; then
	: >faults
	# shellcheck disable=SC2034 # for listen
	under=(env "PNOW_FAULTS_BELOW=$work/data/" "PNOW_FAULTS=$work/faults" "LD_PRELOAD=$faults"
		"ASAN_OPTIONS=verify_asan_link_order=0:$(printenv ASAN_OPTIONS)")
	listen full -c conf/healthz.json
	under=()
	until_true taken # the file is open
	echo '100 ENOSPC 1' >faults
	sleep 1.1 # what was found is told for a second
	health
	is 'a full disk: 503, before an event has met it' "$health" '503 {"error":"the disk is full, or fails"}'
	: >faults
	until_true taken
	health
	is 'an event that is stored tells at once that it is over' "$health" '200 {"ok":true}'
	stop
else
	skip 'a full disk: 503, before an event has met it' 'no faults.so'
fi

# ---- By other ways

listen command -c conf/healthz.json -- ./command.sh
health
is 'with a command there is nothing to store: it is not asked' "$health $(<events)" '200 {"ok":true} '
stop
# cgi METHOD
cgi()
{
	env GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD="$1" PATH_INFO=/healthz pnow-hook -c conf/healthz.json 2>/dev/null | tr -d '\r'
}
is 'CGI: GET' "$(cgi GET | sed -n '1p;$p')" $'Status: 200 OK\n{"ok":true}'
is 'CGI: HEAD has no body' "$(cgi HEAD | tail -n +2)" $'Content-Type: application/json\nContent-Length: 12'
if command -v systemd-socket-activate >/dev/null; then
	port=$(free_port)
	systemd-socket-activate --accept --inetd -l "127.0.0.1:$port" "$bin/pnow-hook" -c "$work/conf/healthz.json" >socket.out 2>&1 &
	started+=($!)
	holds 'a process for each connection: GET' until_true is_health '200 {"ok":true}'
else
	skip 'a process for each connection: GET' 'no systemd-socket-activate here'
fi

# ---- A folder

in_folder a
in_folder b
listen many -C conf
health
is 'a folder: all practices are well' "$health" '200 {"ok":true}'
is 'whose files are not kept open' "$(find "/proc/$hook/fd" -lname '*/s.db*' | wc -l)" 0
mv data/b away
holds 'one of them is not: 503' until_true is_health '503 {"error":"1 of 3 practices: the state file cannot be opened"}'
echo '{' >conf/a.json
kill -HUP "$hook"
holds 'nor is one whose configuration is wrong; each reason is told' until_true is_health \
	'503 {"error":"2 of 3 practices: the configuration is wrong; the state file cannot be opened"}'
rm conf/a.json conf/b.json
kill -HUP "$hook"
holds 'what is there no more is not asked for' until_true is_health '200 {"ok":true}'
stop
rm conf/*.json
listen none -C conf
health
is 'a folder without a practice' "$health" '503 {"error":"there is no practice"}'
stop

finish
