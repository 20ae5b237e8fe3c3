#!/usr/bin/env bash
# What pnow-hook(1) promises where a server starts it, or stands in front: CGI, inetd, systemd, nginx, with the files of examples/
# instantiated; with a command, and with the inbox. Needs curl and openssl; what else is missing is skipped aloud.
# shellcheck source=tests/command/hook.bash
. "$(dirname "$0")/hook.bash"
fcgiwrap=  # has children that it leaves behind

# shellcheck disable=SC2317,SC2329 # called by the trap
tidy_all()
{
	[ "$BASHPID" = $$ ] || return
	[ -z "$fcgiwrap" ] || pkill -P "$fcgiwrap"
	tidy
}
trap tidy_all EXIT

have()
{
	command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ]
}

big 1048576 >mebibyte
big 1048577 >over

# ----- CGI

# cgi METHOD PATH_INFO BODY VARIABLE=VALUE…: prints the program's whole output; $cgi_status is its exit status.
cgi()
{
	printf '%s' "$3" | env GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD="$1" PATH_INFO="$2" CONTENT_TYPE=application/json \
		CONTENT_LENGTH=${#3} HTTP_X_TOKEN=correct-horse-battery "${@:4}" \
		pnow-hook -c token.json -- "${cgi_command[@]}" 2>cgi.err | tr -d '\r'
	cgi_status=${PIPESTATUS[1]}
}

# posted BODY VARIABLE=VALUE…: a POST to the practice's hook for PatientNow; the first line of the output.
posted()
{
	cgi POST /hook/token/patientnow "$@" | head -1
}

cgi_command=(./command.sh)
good='{"event":"PatientCreated","eventId":"g1","do":"say"}'
cgi POST /hook/token/patientnow "$good" >cgi.out
is "CGI: 200" "$(cat cgi.out)" $'Status: 200 OK\nContent-Type: application/json\nContent-Length: 12\n\n{"id":"g1"}'
is "CGI: exit 0, and the command's output on stderr" "$cgi_status $(grep -c 'said on' cgi.err)" "0 2"
is "CGI: the script may be mounted at /hook" "$(cgi POST /token/patientnow "$good" | head -1)" "Status: 200 OK"
is "CGI: 401" "$(posted "$good" HTTP_X_TOKEN=x)" "Status: 401 Unauthorized"
is "CGI: the token in the query" "$(posted "$good" HTTP_X_TOKEN= QUERY_STRING=key=correct-horse-battery)" "Status: 200 OK"
is "CGI: 404" "$(cgi POST /hook/other/patientnow "$good" | head -1)" "Status: 404 Not Found"
is "CGI: 404 without a path" "$(cgi POST '' "$good" | head -1)" "Status: 404 Not Found"
is "CGI: 405" "$(cgi GET /hook/token/patientnow '' | sed -n '1p;3p')" $'Status: 405 Method Not Allowed\nAllow: POST'
like "CGI: 413" "$(posted '{}' CONTENT_LENGTH=1048577)" "Status: 413*"
like "CGI: 415" "$(posted "$good" CONTENT_TYPE=text/plain)" "Status: 415*"
is "CGI: a body cut short: 400" "$(posted "$good" CONTENT_LENGTH=1000)" "Status: 400 Bad Request"
for length in +5 -1 0x5 '5, 5' ' 5' 5x; do
	is "CGI: a length that is no number ($length): 400" "$(posted "$good" "CONTENT_LENGTH=$length")" "Status: 400 Bad Request"
done
is "CGI: no more than the announced body is read" "$(posted '{"event":"Ping"}garbage' CONTENT_LENGTH=16)" "Status: 200 OK"
is "CGI: chunks that the server passes on" "$(posted "$good" CONTENT_LENGTH= HTTP_TRANSFER_ENCODING=chunked)" "Status: 200 OK"
is "CGI: come again" \
	"$(cgi POST /hook/token/patientnow '{"eventId":"x","do":"again"}' | grep -E '^(Status|Retry)')" \
	$'Status: 503 Service Unavailable\nRetry-After: 60'
# shellcheck disable=SC2016
cgi_command=(sh -c 'env | grep -cE "^(HTTP_|CONTENT_|GATEWAY|PATH_INFO|REQUEST_)" >env.count; exit 0')
cgi POST /hook/token/patientnow "$good" >cgi.out
is "CGI: the command does not get the request's variables" "$(cat env.count)" 0
GATEWAY_INTERFACE=CGI/1.1 pnow-hook -c token.json -n >cgi.out 2>&1
is "CGI: -n is a usage error" "$?" 64

# ----- inetd and systemd, with the lines of examples/

# instantiate FILE: prints an example with this test's paths, port and user.
instantiate()
{
	sed -e "s#/usr/local/bin/pnow-hook#$bin/pnow-hook#g; s#/usr/local/bin/pnow-sync -c [^ ]*#$work/command.sh#g" \
		-e "s#/etc/pnow/glow-denver.json#$work/basic.json#g; s#-C /etc/pnow#-c $work/basic.json#g; s#127.0.0.1:8080#127.0.0.1:$port#g" \
		-e "s# pnow $bin/pnow-hook# $(id -un) $bin/pnow-hook#" "$1"
}

# alternative FILE: with a command for each event, which is a comment in the example, instead of the inbox.
alternative()
{
	sed -e '/^[^#].*pnow-hook.* -c /d' -e '/^#.*pnow-hook.* -- /s/^#//' "$1" >alternative
	instantiate alternative
}

# stores WHAT: what comes through $port is in the inbox of basic.json when it is answered.
stores()
{
	until_true curl -s -o /dev/null "http://127.0.0.1:$port/"
	body='{"webhookId":"s1"}'
	post /hook/basic/crm
	is "$1: 200, and the event is stored" "$status $answer $(sqlite3 basic.db 'SELECT id, state FROM inbox')" \
		'200 {"id":"s1"} s1|waiting'
	post /hook/basic/patientnow
	is "$1: 401, and nothing is" "$status $(sqlite3 basic.db 'SELECT count(*) FROM inbox')" '401 1'
}

# three_answers WHAT: a good event, a failing one and a refused one through $port.
three_answers()
{
	until_true curl -s -o /dev/null "http://127.0.0.1:$port/"
	: >events
	body='{"webhookId":"i1","do":"say"}'
	post /hook/basic/crm
	is "$1: 200, and nothing but the answer reaches the sender" "$status $answer $(wc -l <events)" '200 {"id":"i1"} 1'
	body='{"webhookId":"i2","do":"fail"}'
	post /hook/basic/crm
	is "$1: 500" "$status $answer" '500 {"error":"the event could not be handled"}'
	post /hook/basic/patientnow
	is "$1: 401" "$status $answer" '401 {"error":"the sender could not be verified"}'
	body=$(cat mebibyte)
	post /hook/basic/crm
	is "$1: 1 MiB" "$status" 200
	body='{"webhookId":"i3"}'
	post /hook/basic/crm -H 'Transfer-Encoding: chunked'
	is "$1: chunked" "$status $answer" '200 {"id":"i3"}'
	asked=()
	for ((i = 0; i < 10; i++)); do
		curl -s -m 60 -o /dev/null -w '%{http_code}\n' -H 'Content-Type: application/json' -d "{\"webhookId\":\"i-$i\"}" \
			"http://127.0.0.1:$port/hook/basic/crm" &
		asked[i]=$!
	done >ten.answers
	wait "${asked[@]}"
	is "$1: ten at once" "$(grep -c 200 ten.answers) $(grep -o '"id":"i-.' events | sort -u | wc -l)" "10 10"
}

sed -i "s#^{#{\"state\": \"$work/basic.db\", #" basic.json
if have inetd; then
	for way in instantiate alternative; do
		port=$(free_port)
		rm -f basic.db*
		$way "$root/examples/inetd/inetd.conf" >inetd.conf
		PATH=$PATH:/usr/sbin inetd -i inetd.conf >inetd.out 2>&1 &
		started+=($!)
		[ $way = alternative ] || stores "inetd with the example's line"
		[ $way = instantiate ] || three_answers "inetd with the example's other line"
		kill "${started[-1]}"
	done
else
	skip "inetd with the example's line" "no inetd here"
fi

# exec_start UNIT: the ExecStart of a unit of examples/systemd, as the arguments of env.
exec_start()
{
	instantiate "$root/examples/systemd/$1" | sed -n 's/^ExecStart=//p'
}

port=$(free_port)
rm -f basic.db*
if have systemd-socket-activate; then
	# shellcheck disable=SC2046
	systemd-socket-activate --accept --inetd -E EVENTS -l "127.0.0.1:$port" $(exec_start pnow-hook-each@.service) >systemd.out 2>&1 &
	started+=($!)
	stores "systemd socket with the example's ExecStart"
	kill "${started[-1]}"
else
	skip "systemd socket with the example's ExecStart" "no systemd-socket-activate here"
fi
for unit in pnow-hook.service pnow-hook@.service; do
	port=$(free_port)
	rm -f basic.db*
	# shellcheck disable=SC2091
	$(exec_start $unit | sed "s#/etc/pnow/%i#$work/basic#; s/\\\${PORT}/$port/") >service.out 2>&1 &
	started+=($!)
	stores "$unit"
	kill "${started[-1]}"
	wait "${started[-1]}"
	is "$unit: ends on SIGTERM with 0" "$?" 0
done

# ----- nginx, with the files of examples/

# nginx_with FILE [FOLDER]: starts nginx with one of the examples on $tls_port; $base is where it answers. The hosts of the balancer are
# hooks of this machine, at $full and at $port.
nginx_with()
{
	mkdir -p nginx
	instantiate "$root/examples/${2:-nginx}/$1" | sed -e "s#https://pnow_hosts#http://pnow_hosts#; s#host1.example.com:443#127.0.0.1:${full:-1}#; s#host2.example.com:443#127.0.0.1:$port#" -e "s#listen 443 ssl#listen 127.0.0.1:$tls_port ssl#" \
		-e "s#/etc/ssl/certs/hooks.example.com.pem#$work/tls.pem#; s#/etc/ssl/private/hooks.example.com.key#$work/tls.key#" \
		-e "s#/var/log/nginx/#$work/nginx/#; s#/usr/local/lib/cgi-bin/#$work/#" \
		-e "s#/run/fcgiwrap.socket#$work/fcgiwrap.socket#" >"nginx/$1"
	cat >nginx/nginx.conf <<-END
		daemon off;
		pid $work/nginx/pid;
		error_log $work/nginx/error.log;
		$([ "$(id -u)" -ne 0 ] || echo 'user root;')
		events {}
		http {
			client_body_temp_path $work/nginx/body;
			proxy_temp_path $work/nginx/proxy;
			fastcgi_temp_path $work/nginx/fastcgi;
			uwsgi_temp_path $work/nginx/uwsgi;
			scgi_temp_path $work/nginx/scgi;
			include $work/nginx/$1;
		}
	END
	PATH=$PATH:/usr/sbin nginx -p "$work/nginx" -e "$work/nginx/error.log" -c "$work/nginx/nginx.conf" >nginx.out 2>&1 &
	nginx=$!
	started+=("$nginx")
	base=https://127.0.0.1:$tls_port
	until_true curl -sk -o /dev/null "$base/"
}

# logged N: so many requests that were answered 200 are in nginx's log.
logged()
{
	[ "$(grep -c '/hook/basic/crm 200' nginx/pnow-hook.log)" -ge "$1" ]
}

# behind_nginx WHAT: the answers come through.
behind_nginx()
{
	: >events
	body='{"webhookId":"x1","do":"say"}'
	post '/hook/basic/crm?key=topsecret'
	is "$1: 200" "$status $answer $(wc -l <events)" '200 {"id":"x1"} 1'
	post /hook/basic/patientnow
	is "$1: 401 with its challenge" "$status $(grep -ic '^www-authenticate: basic' headers)" "401 1"
	post /hook/basic/patientnow -u pnow:correct-horse-battery -H 'Transfer-Encoding: chunked'
	is "$1: basic, chunked" "$status" 200
	body='{"webhookId":"x2","do":"again"}'
	post /hook/basic/crm
	is "$1: 429 with Retry-After" "$status $(retry_after)" "429 Retry-After: 60"
	is "$1: /healthz" "$(curl -sk -m 60 "$base/healthz")" '{"ok":true}'
	content_type=' text/plain' post /hook/basic/patientnow
	is "$1: 415" "$status" 415
	body=$(cat mebibyte)
	post /hook/basic/crm
	is "$1: 1 MiB" "$status" 200
	body=$(cat over)
	post /hook/basic/crm
	is "$1: 413" "$status" 413
	until_true logged 2
	is "$1: no query is logged" "$(grep -c topsecret nginx/pnow-hook.log) $(grep -c '/hook/basic/crm 200' nginx/pnow-hook.log)" "0 2"
}

# nobody_there WHAT: what the senders get while pnow-hook is away.
nobody_there()
{
	body='{}'
	post /hook/basic/crm
	is "$1: the CRM is told to come again" "$status $(retry_after)" "429 Retry-After: 60"
	post /hook/basic/patientnow
	is "$1: PatientNow is told to come again" "$status $(retry_after)" "503 Retry-After: 60"
}

openssl req -x509 -newkey rsa:2048 -nodes -keyout tls.key -out tls.pem -days 2 -subj /CN=127.0.0.1 2>/dev/null
if have nginx; then
	tls_port=$(free_port)
	listen behind -c basic.json -- ./command.sh
	nginx_with pnow-hook.conf
	behind_nginx "nginx in front"
	stop
	nobody_there "nginx in front of nobody"
	kill "$nginx"
	wait "$nginx"
	unset base

	listen full -c basic.json -- sh -c 'exit 75'
	full=$port full_hook=$hook
	listen other -c basic.json -- ./command.sh
	nginx_with balancer.conf postgresql
	for n in 1 2 3 4; do
		body='{"webhookId":"b'$n'","do":"say"}'
		post /hook/basic/crm
		is "nginx in front of several hosts: what one cannot store the other does, $n" "$status $answer" "200 {\"id\":\"b$n\"}"
	done
	stop
	kill "$full_hook"
	wait "$full_hook"
	nobody_there "nginx in front of several hosts, none of which is there"
	kill "$nginx"
	wait "$nginx"
	unset base full
else
	skip "nginx in front" "no nginx here"
fi
if have nginx && have fcgiwrap; then
	alternative "$root/examples/nginx/pnow-hook.cgi" >pnow-hook.cgi
	chmod +x pnow-hook.cgi
	PATH=$PATH:/usr/sbin fcgiwrap -f -c 4 -s "unix:$work/fcgiwrap.socket" >fcgiwrap.out 2>&1 &
	fcgiwrap=$!
	started+=("$fcgiwrap")
	rm -f nginx/pnow-hook.log
	nginx_with pnow-hook-cgi.conf
	until_true test -S fcgiwrap.socket
	behind_nginx "CGI behind nginx"
	instantiate "$root/examples/nginx/pnow-hook.cgi" >pnow-hook.cgi
	rm -f basic.db*
	body='{"webhookId":"s1"}'
	post /hook/basic/crm
	is "CGI behind nginx: 200, and the event is stored" "$status $(sqlite3 basic.db 'SELECT id FROM inbox')" "200 s1"
	mv basic.json basic.kept
	echo '{"practise": 1}' >basic.json
	nobody_there "CGI behind nginx with a broken configuration"
	mv basic.kept basic.json
	rm fcgiwrap.socket
	nobody_there "CGI behind nginx, without fcgiwrap"
	kill "$nginx"
	wait "$nginx"
	unset base
else
	skip "CGI behind nginx" "no nginx with fcgiwrap here"
fi

finish
