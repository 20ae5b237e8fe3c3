#!/usr/bin/env bash
# What pnow-hook(1) promises of its own listener, over real sockets: every answer, HTTP that can be read in more than one way, the
# command that gets the events, the end, and what it does not start with. Needs curl.
# shellcheck source=tests/command/hook.bash
. "$(dirname "$0")/hook.bash"

practice closed America/Denver ''
practice half America/Denver '"crm": {"verify": "none"}'

listen main -v -c token.json -c basic.json -c closed.json -c half.json -- ./command.sh
main=$hook
is "the first line on stdout says where it listens" "$(head -1 main.out)" "http://127.0.0.1:$port"
is "-p gives the port in a file" "$(cat main.port)" "$port"
is "-p leaves nothing else behind" "$(echo main.port*)" main.port
like "a practice without verify is told about" "$(cat main.err)" "*closed.json: hooks: no verify, no service*"

# ----- the answers

body='{"event": "PatientCreated", "eventId":"e1", "amount": 12.10,"data":{"patientId":"10","email":"ana@example.com"}}'
post /hook/token/patientnow -H "$token"
is "a verified event is answered 200 with its id" "$status $answer" '200 {"id":"e1"}'
is "answers are JSON" "$(grep -ic '^content-type: application/json' headers)" 1
payload='{"event":"PatientCreated","eventId":"e1","amount":12.10,"data":{"patientId":"10","email":"ana@example.com"}}'
like "the event is one line on the command's stdin" "$(tail -1 events)" \
	'{"id":"e1","type":"patient.created","practice":"token","source":"webhook","received":"20*Z","payload":'"$payload}"
events_now
body='{"event":"Ping","eventId":"p1"}'
post /hook/token/patientnow -H "$token"
is "a ping is answered and forgotten" "$status $answer $(wc -l <events)" "200 {\"id\":\"p1\",\"ping\":true} $handled"
body='{"event":"PatientCreated","data":{"patientId":"10"}}'
post /hook/token/patientnow -H "$token"
first=$answer
post /hook/token/patientnow -H "$token"
is "an event without a delivery id gets the same hash each time" "$status $answer" "200 $first"
like "that hash is one" "$first" '{"id":"????????????????????????????????????????????????????????????????"}'

events_now
n=0
for body in '' '{' '[]' '"text"' '{"a":1} x' '{"a":01}' $'{"a":"\xff"}' $'\xef\xbb\xbf{}' '{"a":1,"a":2}' '{"a":1,"\u0061":2}' \
	null; do
	n=$((n + 1))
	post /hook/token/patientnow -H "$token"
	is "what is no JSON object is answered 400 ($n)" "$status $(wc -l <events)" "400 $handled"
done
body="{\"a\":$(printf '[%.0s' {1..127})$(printf ']%.0s' {1..127})}"
post /hook/token/patientnow -H "$token"
is "a body that would be too deep inside an event is answered 400" "$status $(wc -l <events)" "400 $handled"
body='{"a":tru}'
post /hook/token/patientnow -H "$token"
like "400 says where: the offset" "$answer" '{"error":"the body is no JSON object: * at byte 5"}'
body=$' \r\n{"event":"PatientCreated","eventId":"e2"}\n '
post /hook/token/patientnow -H "$token"
is "blanks around the object are no harm" "$status $(tail -1 events | grep -c '"payload":{"event"')" "200 1"

body='{}'
for path in / /hook /hook/ /hook/token /hook/token/ /hook/token/other /hook/token/patientnow/ /hook/token/patientnow/x \
	/hook/unknown/patientnow /hook/closed/patientnow /hook/half/patientnow /hook//patientnow /x/token/patientnow; do
	post $path -H "$token"
	is "404: $path" "$status $answer" '404 {"error":"no such hook"}'
done
for method in GET PUT DELETE OPTIONS HEAD; do
	how=(-X "$method")
	[ "$method" != HEAD ] || how=(-I)
	status=$(curl -s -D headers -o /dev/null -w '%{http_code}' "${how[@]}" \
		"http://127.0.0.1:$port/hook/token/patientnow")
	is "405 with Allow: $method" "$status $(tr -d '\r' <headers | grep -i '^allow')" "405 Allow: POST"
done
body='{"event":"PatientCreated","eventId":"e3"}'
for type in text/plain application/jsonp application/x-www-form-urlencoded 'text/plain; charset=application/json' +json; do
	content_type=" $type" post /hook/token/patientnow -H "$token"
	is "415: $type" "$status" 415
done
content_type='' post /hook/token/patientnow -H "$token"
is "415: no type" "$status" 415
post /hook/token/patientnow -H "$token" -H 'Content-Encoding: gzip'
is "415: a compressed body" "$status" 415
for type in 'application/json; charset=utf-8' 'Application/JSON ;x=y' application/vnd.api+json; do
	content_type=" $type" post /hook/token/patientnow -H "$token"
	is "JSON by another name: $type" "$status" 200
done

big 1048576 >mebibyte
big 1048577 >over

# send FILE CURL-ARGUMENT…: posts a file; the status of the answer.
send()
{
	local file=$1
	shift
	curl -s -m 60 -o answer -w '%{http_code}' -H 'Content-Type: application/json' -H "$token" --data-binary "@$file" "$@" \
		"http://127.0.0.1:$port/hook/token/patientnow"
}
is "a body of 1 MiB is taken" "$(send mebibyte)" 200
is "and comes whole" "$(tail -1 events | sed 's/.*"payload"://; s/}$//' | wc -c)" 1048577
is "a body of 1 MiB and a byte is answered 413" "$(send over)" 413
is "the same without Expect: 100-continue" "$(send over -H Expect:)" 413
is "chunked: 1 MiB is taken" "$(send mebibyte -H 'Transfer-Encoding: chunked')" 200
is "chunked: a byte more is answered 413" "$(send over -H 'Transfer-Encoding: chunked')" 413
head -c 9000000 /dev/zero >huge
is "a sender in the midst of 9 MB gets to see the 413" "$(send huge -H Expect:)" 413

# ----- HTTP as it comes over the wire

# raw TEXT [SECONDS]: sends bytes as they are, prints what comes until the connection is closed, or for so long.
raw()
{
	exec 3<>"/dev/tcp/127.0.0.1/$port" || return
	(trap '' PIPE && printf '%b' "$1" >&3) 2>/dev/null
	timeout "${2:-60}" cat <&3
	exec 3>&- 3<&-
}

request='POST /hook/token/patientnow HTTP/1.1'
unsigned='Host: x\r\nContent-Type: application/json\r\n'
headers="X-Token: correct-horse-battery\r\n$unsigned"
like "413 comes before the body is sent" \
	"$(raw "$request\r\n${unsigned}Content-Length: 99999999\r\n\r\n" | head -1)" "HTTP/1.1 413*"
events_now
one="$request\r\n${headers}Content-Length: 42\r\n\r\n"'{"event":"PatientCreated","eventId":"pi1"}'
two=${one/pi1/pi2}
two=${two/Host: x/Host: x\\r\\nConnection: close}
is "pipelined requests are answered in order" "$(raw "$one$two" | grep -ao '{"id":"pi."}' | tr -d '\n')" \
	'{"id":"pi1"}{"id":"pi2"}'
chunked="$request\r\n${headers}Transfer-Encoding: chunked\r\n"
odd='1\r\n{\r\n029\r\n"event":"PatientCreated","eventId":"ch1"}\r\n0\r\n\r\n'
like "a body in odd chunks is taken" "$(raw "${chunked}Connection: close\r\n\r\n$odd" | head -1)" "HTTP/1.1 200*"
is "a request that breaks off runs nothing" "$(raw "${one%??}" 1 | wc -c) $(wc -l <events)" "0 $((handled + 3))"

# malformed WHAT HEADERS BODY [REQUEST-LINE]: refused, closed, and nothing came; a request that follows is not read. On a NUL in the
# request line libmicrohttpd 1.0 hangs up without a word.
# Whoever reads such a request in another way than a proxy in front can be made to find a second one in it.
malformed()
{
	raw "${4-$request}\r\n$headers$2\r\n$3${one/pi1/sm1}" 30 >answers
	like "400, and the end: $1" "$(grep -ac '^HTTP/1.1 400' answers) $(grep -ac '^HTTP/1.1' answers) $(wc -l <events)" \
		"$([[ ${4-} == *x00* ]] && echo '@(1 1|0 0)' || echo '1 1') $handled"
}
events_now
empty='{"eventId":"m"}'
length="Content-Length: ${#empty}\r\n"
chunks="f\r\n$empty\r\n0\r\n\r\n"
malformed "a length and chunks" "${length}Transfer-Encoding: chunked\r\n" "$chunks"
malformed "chunks and a length" "Transfer-Encoding: chunked\r\n$length" "$chunks"
malformed "two lengths" "${length}Content-Length: 1\r\n" "$empty"
malformed "two lengths, the first one greater" "Content-Length: 100\r\n$length" "$empty"
malformed "two codings" "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n" "$chunks"
malformed "a coding that is not only chunked" "Transfer-Encoding: gzip, chunked\r\n" "$chunks"
malformed "chunks in HTTP/1.0" "Transfer-Encoding: chunked\r\n" "$chunks" 'POST /hook/token/patientnow HTTP/1.0'
malformed "a blank before the colon" "Content-Length : ${#empty}\r\n" "$empty"
malformed "a tab before the colon" "Transfer-Encoding\t: chunked\r\n$length" "$empty"
malformed "a name that is none" "X(y): z\r\n$length" "$empty"
malformed "a line without a colon" "X\r\n$length" "$empty"
malformed "a value that goes on in the next line" "X: y\r\n z\r\n$length" "$empty"
malformed "a line that ends with LF only" "X: y\n$length" "$empty"
malformed "a CR in a value" "X: y\rz\r\n$length" "$empty"
malformed "a NUL in a value" "X: y\x00z\r\n$length" "$empty"
malformed "a NUL that ends a value" "X: y\x00\r\n$length" "$empty"
malformed "a NUL in a length" "Content-Length: ${#empty}\x000\r\n" "$empty"
malformed "a NUL in a name" "X\x00y: z\r\n$length" "$empty"
malformed "a NUL that begins a line" "\x00X: y\r\n$length" "$empty"
malformed "a NUL for the end of the head" "$length\x00\r\n" "$empty"
malformed "a NUL in the path" "$length" "$empty" 'POST /hook/token/patientnow\x00/x HTTP/1.1'
malformed "a NUL in the query" "$length" "$empty" 'POST /hook/token/patientnow?a=b\x00c HTTP/1.1'
malformed "a NUL in the version" "$length" "$empty" 'POST /hook/token/patientnow HTTP/1.1\x00'
malformed "a blank in the path" "$length" "$empty" 'POST /hook/token/patientnow x HTTP/1.1'
malformed "two hosts" "Host: y\r\n$length" "$empty"
like "400: a length that is no number" \
	"$(raw "${one/Content-Length: /Content-Length: +}$one" | grep -a ^HTTP | sort -u | tr -d '\r')" "HTTP/1.1 400 Bad Request"
like "400: no host" "$(raw "$request\r\n$length\r\n$empty" | head -1)" 'HTTP/1.1 400*'
like "what follows a body in chunks is not read: its end can be forged" \
	"$(raw "$chunked\r\n1c\r\n{\"event\":\"Ping\",\"id\":\"last\"}\r\n0\r\n\x00\r\n$one" | grep -ac '^HTTP/1.1 200')" '[01]'
plain='X-Empty:\r\nX-Near:y\r\nX-Far:  \t y  \r\nX-Utf8: \xc3\xb6\r\n'
is "an unusual head that is well formed is no harm" \
	"$(raw "${one/X-Token/${plain}Connection: close\\r\\nX-Token}" | head -1 | tr -d '\r')" "HTTP/1.1 200 OK"
long=$(head -c 100000 /dev/zero | tr '\0' h)
like "a head of 100 kB is refused" "$(raw "$request\r\nHost: x\r\nX-Long: $long\r\n\r\n" | head -1)" "HTTP/1.1 4*"
for ((i = 0; i < 20; i++)); do
	exec 3<>"/dev/tcp/127.0.0.1/$port" && head -c 5000 /dev/urandom >&3 2>/dev/null
	exec 3>&- 3<&-
done 2>/dev/null
body='{"event":"PatientCreated","eventId":"alive"}'
post /hook/token/patientnow -H "$token"
is "garbage does it no harm" "$status $answer" '200 {"id":"alive"}'

# zoned PRACTICE CURL-ARGUMENT…: what becomes of a time without a zone: it is the practice's, whichever was asked before.
zoned()
{
	body='{"event":"PatientCreated","eventId":"z","occurredAt":"2026-11-22T15:00:00"}'
	post "/hook/$1/patientnow" "${@:2}"
	tail -1 events | grep -o '"occurred":"[^"]*"'
}

is "times are in the practice's zone (Denver)" "$(zoned token -H "$token")" \
	'"occurred":"2026-11-22T15:00:00-07:00"'
is "times are in the practice's zone (New York)" "$(zoned basic -u pnow:correct-horse-battery)" \
	'"occurred":"2026-11-22T15:00:00-05:00"'

# ----- the command's end is the answer

# ask SENDER WHAT: an event that asks the command for something.
ask()
{
	body="{\"event\":\"PatientCreated\",\"eventId\":\"do-$2\",\"webhookId\":\"do-$2\",\"do\":\"$2\"}"
	post "/hook/basic/$1" -u pnow:correct-horse-battery
}

ask patientnow again
is "status 75 tells PatientNow to come again: 503" "$status $(retry_after)" "503 Retry-After: 60"
ask crm again
is "status 75 tells the CRM to come again: 429" "$status $(retry_after)" "429 Retry-After: 60"
ask patientnow fail
is "another status: 500" "$status $answer" '500 {"error":"the event could not be handled"}'
is "stderr names event and status" "$(grep -c 'event do-fail: ./command.sh ended with status 3' main.err)" 1
ask crm die
is "killed: 500" "$status $(grep -c 'event do-die: ./command.sh was killed by signal 9' main.err)" "500 1"
ask crm say
is "the command's stdout is ours" "$status $(grep -c 'said on stdout' main.out) $(grep -c 'said on stderr' main.err)" "200 1 1"
is "no message tells secrets or bodies" "$(grep -ciE 'correct|horse|staple|example\.com|pnowcreate|key=' main.err)" 0
is "-v: a line for each request" "$(grep -cE '^pnow-hook: POST /hook/token/patientnow 200 e1 [0-9]+ ms$' main.err)" 1

# ----- a sender that goes away, SIGTERM

# asks ID: in the background, for an event that waits until it may go on; $asking is who asks.
asks()
{
	rm -f events.go
	body="{\"event\":\"PatientCreated\",\"eventId\":\"$1\",\"do\":\"wait\"}"
	curl -s -o "$1.answer" -w '%{http_code}' -H 'Content-Type: application/json' -u pnow:correct-horse-battery -d "$body" \
		"http://127.0.0.1:$port/hook/basic/patientnow" >"$1.status" &
	asking=$!
	until_true grep "\"$1\"" events
}

# Whether nobody listens any more.
refused()
{
	curl -s -m 60 "http://127.0.0.1:$port/"
	[ $? -eq 7 ]
}

asks gone
kill "$asking"
wait "$asking"
touch events.go
is "a sender that hangs up does not stop its event" "$(until_true grep '"gone"' events.done; echo $?)" 0
asks term
kill -TERM "$main"
is "SIGTERM: no new connection is taken" "$(until_true refused; echo $?)" 0
touch events.go
wait "$asking"
is "SIGTERM: what is in hand is answered" "$(cat term.status term.answer)" '200{"id":"term"}'
wait "$main"
is "SIGTERM: exit 0" "$?" 0
listen again -c basic.json -- true
stop
is "SIGTERM with nothing in hand: exit 0" "$?" 0

# ----- how the command is run

# once EVENT ARGUMENT…: a hook with another command; sends one event to it.
once()
{
	listen once -c basic.json "${@:2}"
	body=$1
	post /hook/basic/crm
	stop
}

event='{"webhookId":"o1"}'
once "$event" -- sh -c 'kill -PIPE $$'
is "the command has the default SIGPIPE" "$status $(grep -c 'killed by signal 13' once.err)" "500 1"
once "$event" -- sh -c 'kill -XFSZ $$'
is "the command has the default SIGXFSZ" "$status $(grep -c "killed by signal $(kill -l XFSZ)" once.err)" "500 1"
once "$event" -- ./nowhere
is "a command that cannot be started: 500 and status 127" \
	"$status $(grep -c 'event o1: status 127: cannot start ./nowhere' once.err)" "500 1"
once "$(head -c 1000000 over)"'"}' -- true
is "a command that reads nothing is no error" "$status" 200
if [ -d /proc/self/fd ]; then
	exec 7</dev/null
	# shellcheck disable=SC2016
	once "$event" -- sh -c \
		'for f in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do [ ! -e /proc/$$/fd/$f ] || printf "%s " $f; done'
	exec 7<&-
	is "the command inherits 0, 1 and 2, and nothing else" "$(tail -1 once.out)" "0 1 2 "
else
	skip "the command inherits 0, 1 and 2, and nothing else" "no /proc here"
fi
# shellcheck disable=SC2016
TZ=Europe/Zurich once "$event" -- sh -c 'echo "TZ $TZ"'
is "the command's time zone is the one that the hook was given" "$(tail -1 once.out)" "TZ Europe/Zurich"
once '{"webhookId":"hung","do":"hang"}' -t 1 -- ./command.sh
is "-t ends a command that hangs, and the sender comes again" \
	"$status $(grep -c 'event hung: ./command.sh was stopped after 1 s' once.err)" "429 1"
is "-t: what it started ends, too" "$(until_true gone "$(cat events.hung)"; echo $?)" 0

# shellcheck disable=SC2016 # for the inner shell
listen which -c token.json -c basic.json -- sh -c 'echo "$PNOW_CONFIG" >which'
body='{"event":"PatientCreated","eventId":"w1"}'
post /hook/token/patientnow -H "$token"
is "the command is told the configuration of the event's practice" "$status $(cat which)" "200 token.json"

# shellcheck disable=SC2016 # for the inner shell
listen few -c basic.json -j 2 -- sh -c 'echo begin; until [ -e few.go ]; do sleep 0.02; done; echo end'
for ((i = 0; i < 6; i++)); do
	curl -s -o "few.$i" -w '%{http_code}' -H 'Content-Type: application/json' -d "$event" "http://127.0.0.1:$port/hook/basic/crm" &
	asked[i]=$!
done >few.answers

# Whether two commands have begun.
two_began()
{
	[ "$(grep -c begin few.out)" -ge 2 ]
}

until_true two_began
sleep 0.3 # for a third that should not
touch few.go
wait "${asked[@]}"
stop
is "-j: all are answered" "$(cat few.answers)" 200200200200200200
is "-j: never more at once" "$(awk '/begin/ && ++n > max { max = n } /end/ { n-- } END { print max }' few.out)" 2

listen show -c basic.json -n
body='{"type":"ContactTagUpdate","webhookId":"n1"}'
post /hook/basic/crm
like "-n shows the event and runs nothing" "$status $(sed -n 2p show.out)" '200 {"id":"n1","type":"contact.tagged",*}'
stop

if curl -s -m 2 -o /dev/null "http://[::1]:1/" || [ $? -eq 7 ]; then
	pnow-hook -c basic.json -l '[::1]:0' -n >six.out 2>&1 &
	started+=($!)
	await six.out
	like "IPv6: the address is said in brackets" "$(head -1 six.out)" 'http://\[::1\]:[0-9]*'
	base=$(head -1 six.out) post /hook/basic/crm
	is "IPv6: it answers" "$status" 200
	kill "${started[-1]}"
else
	skip "IPv6: the address is said in brackets" "no IPv6 here"
	skip "IPv6: it answers" "no IPv6 here"
fi

listen many -c basic.json -j 4 -- ./command.sh
: >events
for ((i = 0; i < 8; i++)); do
	for ((j = 0; j < 25; j++)); do
		printf '%s\n' "url = \"http://127.0.0.1:$port/hook/basic/crm\"" 'header = "Content-Type: application/json"' \
			"data = \"{\\\"webhookId\\\":\\\"m$i-$j\\\"}\"" 'write-out = "%{http_code}\n"' 'output = "/dev/null"' silent next
	done >many.$i
	curl -K many.$i >many.$i.out 2>/dev/null &
	asked[i]=$!
done
wait "${asked[@]}"
stop
is "8 senders at once: 200 answers of 200" "$(cat many.?.out | sort | uniq -c | tr -s ' ')" " 200 200"
is "8 senders at once: each event once" "$(grep -o '"id":"m[^"]*"' events | sort -u | wc -l) $(wc -l <events)" "200 200"

# ----- what it refuses to start with

refuses "no way in: 64, and the three are told" 64 '*-l ADDRESS:PORT*inetd*CGI*' -c basic.json -- true
refuses "no command, and no state file for the inbox: 78" 78 '*basic.json: state is missing' -c basic.json -l 127.0.0.1:0
refuses "a wrong option: 64" 64 '*usage: *' -x
refuses "-l without a port: 64" 64 '*-l localhost: expected ADDRESS:PORT*' -c basic.json -l localhost -- true
refuses "-l with a bare IPv6 address: 64" 64 '*expected ADDRESS:PORT*' -c basic.json -l ::1:80 -- true
refuses "-j 0: 64" 64 '*-j 0: expected a number*' -c basic.json -j 0 -l 127.0.0.1:0 -- true
refuses "-V" 0 'pnow-hook [0-9]*' -V
refuses "-h" 0 'usage: *' -h
refuses "no configuration: 78" 78 '*PNOW_CONFIG*' -l 127.0.0.1:0 -- true
refuses "the same practice twice: 78" 78 '*practice: found "basic"*' -c basic.json -c basic.json -l 127.0.0.1:0 -- true
listen busy -c basic.json -- true
refuses "a port that is taken: 69" 69 "*listen on 127.0.0.1:$port:*in use*" -c basic.json -l "127.0.0.1:$port" -- true
stop

finish
