#!/usr/bin/env bash
# What pnow-hook(1) promises, over real sockets: every answer, every verify scheme, the command, and the three ways in,
# with the files of examples/ instantiated. Needs curl and openssl; what else is missing is skipped aloud.
# shellcheck disable=SC2154 # from tap.sh: root, work, bin, started
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
HOOK=$bin/pnow-hook
EXAMPLES=$root/examples
FCGIWRAP=  # has children that it leaves behind

# shellcheck disable=SC2317,SC2329 # called by the trap
tidy_all()
{
	[ "$BASHPID" = $$ ] || return
	[ -z "$FCGIWRAP" ] || pkill -P "$FCGIWRAP"
	tidy
}
trap tidy_all EXIT

have() {
	command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ]
}

# ----- what is needed: secrets, keys, a practice for each scheme, a command

printf 'correct-horse-battery' >secret
printf 'whsec_%s' "$(printf 'battery-staple-0123456789' | base64)" >standard
printf 'raw-standard-secret' >raw
chmod 600 secret standard raw
openssl genpkey -algorithm ed25519 -out ed25519.pem
openssl pkey -in ed25519.pem -pubout -out ed25519.pub
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem 2>/dev/null
openssl pkey -in rsa.pem -pubout -out rsa.pub
openssl pkey -in ed25519.pem -pubout -outform DER | tail -c 32 | base64 >ed25519.base64

# practice NAME ZONE PATIENTNOW CRM: writes NAME.json with the two hooks.
practice() {
	printf '{"practice": "%s", "timezone": "%s", "pipelines": "non-surgical", "hooks": {%s}}\n' "$1" "$2" "$3" >"$1.json"
}
practice token America/Denver '"patientnow": {"verify": "token", "header": "X-Token", "query": "key", "secret_file": "secret"},
	"crm": {"verify": "token", "header": "Authorization", "prefix": "Bearer ", "secret_file": "secret"}'
practice basic America/New_York '"patientnow": {"verify": "basic", "user": "pnow", "secret_file": "secret"},
	"crm": {"verify": "none"}'
practice hmac America/Denver '"patientnow": {"verify": "hmac-sha256", "header": "X-Signature", "secret_file": "secret"},
	"crm": {"verify": "hmac-sha256", "header": "X-Hub-Signature-256", "prefix": "sha256=", "secret_file": "secret"}'
practice standard Asia/Tokyo '"patientnow": {"verify": "standard-webhooks", "secret_file": "standard"},
	"crm": {"verify": "standard-webhooks", "secret_file": "raw", "max_age": 60}'
practice keys America/Denver '"crm": {"verify": "ed25519", "key_file": "ed25519.pub"},
	"patientnow": {"verify": "rsa-sha256", "key_file": "rsa.pub"}'
practice base64 America/Denver '"crm": {"verify": "ed25519", "header": "X-Other", "key_file": "ed25519.base64"}'
practice closed America/Denver ''

cat >command.sh <<'END'
#!/bin/sh
# Stands for a pipeline: stores the event, and does what the event asks for.
event=$(cat)
printf '%s\n' "$event" >>"$EVENTS"
case $event in
*'"do":"again"'*) exit 75 ;;
*'"do":"fail"'*) exit 3 ;;
*'"do":"die"'*) kill -KILL $$ ;;
*'"do":"wait"'*) until [ -e "$EVENTS.go" ]; do sleep 0.02; done ;;
*'"do":"hang"'*) sleep 1000 & echo $! >"$EVENTS.hung"; wait ;;
*'"do":"say"'*) echo said on stdout; echo said on stderr >&2 ;;
esac
printf '%s\n' "$event" >>"$EVENTS.done"
END
chmod +x command.sh
export EVENTS=$work/events
: >events

# listen NAME ARGUMENT…: starts a hook of its own; its port is then in $PORT, its words in NAME.err.
listen() {
	local name=$1
	shift
	rm -f "$name.port" "$name.out"
	"$HOOK" -l 127.0.0.1:0 -p "$name.port" "$@" >"$name.out" 2>"$name.err" &
	PID=$!
	started+=("$PID")
	await "$name.out" # comes after the port
	PORT=$(cat "$name.port")
}

# post PATH CURL-ARGUMENT…: sends $BODY; the answer is in $STATUS, $ANSWER and the file headers.
post() {
	local path=$1
	shift
	printf '%s' "$BODY" >body
	ANSWER=$(curl -sk -m 60 -D headers -w '\n%{http_code}' -H "Content-Type:${TYPE- application/json}" --data-binary @body "$@" \
		"${BASE:-http://127.0.0.1:$PORT}$path")
	STATUS=${ANSWER##*$'\n'}
	ANSWER=${ANSWER%$'\n'*}
	ANSWER=${ANSWER%$'\n'}
}

hmac() { # SECRET, body on stdin: hex
	openssl dgst -sha256 -hmac "$1" | sed 's/.* //'
}
hmac_base64() {
	openssl dgst -sha256 -hmac "$1" -binary | base64 -w0
}
ed25519() { # of the text $1
	printf '%s' "$1" >signed
	openssl pkeyutl -sign -rawin -inkey ed25519.pem -in signed | base64 -w0
}
rsa() {
	printf '%s' "$1" | openssl dgst -sha256 -sign rsa.pem | base64 -w0
}
refusals() { # refusals PROMISE: the answer is a 401 that tells nothing, and no event came
	is "$1: 401" "$STATUS $ANSWER $(wc -l <events)" "401 {\"error\":\"the sender could not be verified\"} $EVENTS_N"
}
events_now() {
	EVENTS_N=$(wc -l <events)
}

listen main -v -c token.json -c basic.json -c hmac.json -c standard.json -c keys.json -c base64.json -c closed.json -- ./command.sh
MAIN=$PID
is "the first line on stdout says where it listens" "$(head -1 main.out)" "http://127.0.0.1:$PORT"
is "-p gives the port in a file" "$(cat main.port)" "$PORT"
is "-p leaves nothing else behind" "$(echo main.port*)" main.port
like "a practice without verify is told about" "$(cat main.err)" "*closed.json: hooks: no verify, no service*"

# ----- the answers

BODY='{"event": "PatientCreated", "eventId":"e1", "amount": 12.10,"data":{"patientId":"10","email":"ana@example.com"}}'
TOKEN='X-Token: correct-horse-battery'
post /hook/token/patientnow -H "$TOKEN"
is "a verified event is answered 200 with its id" "$STATUS $ANSWER" '200 {"id":"e1"}'
is "answers are JSON" "$(grep -ic '^content-type: application/json' headers)" 1
like "the event is one line on the command's stdin" "$(tail -1 events)" \
	'{"id":"e1","type":"patient.created","practice":"token","source":"webhook","received":"20*Z","payload":{"event":"PatientCreated","eventId":"e1","amount":12.10,"data":{"patientId":"10","email":"ana@example.com"}}}'
events_now
BODY='{"event":"Ping","eventId":"p1"}'
post /hook/token/patientnow -H "$TOKEN"
is "a ping is answered and forgotten" "$STATUS $ANSWER $(wc -l <events)" "200 {\"id\":\"p1\",\"ping\":true} $EVENTS_N"
BODY='{"event":"PatientCreated","data":{"patientId":"10"}}'
post /hook/token/patientnow -H "$TOKEN"
FIRST=$ANSWER
post /hook/token/patientnow -H "$TOKEN"
is "an event without a delivery id gets the same hash each time" "$STATUS $ANSWER" "200 $FIRST"
like "that hash is one" "$FIRST" '{"id":"????????????????????????????????????????????????????????????????"}'

events_now
n=0
for BODY in '' '{' '[]' '"text"' '{"a":1} x' '{"a":01}' $'{"a":"\xff"}' $'\xef\xbb\xbf{}' '{"a":1,"a":2}' '{"a":1,"\u0061":2}' null; do
	n=$((n + 1))
	post /hook/token/patientnow -H "$TOKEN"
	is "what is no JSON object is answered 400 ($n)" "$STATUS $(wc -l <events)" "400 $EVENTS_N"
done
BODY="{\"a\":$(printf '[%.0s' {1..127})$(printf ']%.0s' {1..127})}"
post /hook/token/patientnow -H "$TOKEN"
is "a body that would be too deep inside an event is answered 400" "$STATUS $(wc -l <events)" "400 $EVENTS_N"
BODY='{"a":tru}'
post /hook/token/patientnow -H "$TOKEN"
like "400 says where: the offset" "$ANSWER" '{"error":"the body is no JSON object: * at byte 5"}'
BODY=$' \r\n{"event":"PatientCreated","eventId":"e2"}\n '
post /hook/token/patientnow -H "$TOKEN"
is "blanks around the object are no harm" "$STATUS $(tail -1 events | grep -c '"payload":{"event"')" "200 1"

BODY='{}'
for path in / /hook /hook/ /hook/token /hook/token/ /hook/token/other /hook/token/patientnow/ /hook/token/patientnow/x \
	/hook/unknown/patientnow /hook/closed/patientnow /hook/base64/patientnow /hook//patientnow /x/token/patientnow; do
	post $path -H "$TOKEN"
	is "404: $path" "$STATUS $ANSWER" '404 {"error":"no such hook"}'
done
for method in GET PUT DELETE OPTIONS HEAD; do
	how=(-X "$method")
	[ "$method" != HEAD ] || how=(-I)
	STATUS=$(curl -s -D headers -o /dev/null -w '%{http_code}' "${how[@]}" \
		"http://127.0.0.1:$PORT/hook/token/patientnow")
	is "405 with Allow: $method" "$STATUS $(tr -d '\r' <headers | grep -i '^allow')" "405 Allow: POST"
done
BODY='{"event":"PatientCreated","eventId":"e3"}'
for type in text/plain application/jsonp application/x-www-form-urlencoded 'text/plain; charset=application/json' +json; do
	TYPE=" $type" post /hook/token/patientnow -H "$TOKEN"
	is "415: $type" "$STATUS" 415
done
TYPE='' post /hook/token/patientnow -H "$TOKEN"
is "415: no type" "$STATUS" 415
post /hook/token/patientnow -H "$TOKEN" -H 'Content-Encoding: gzip'
is "415: a compressed body" "$STATUS" 415
for type in 'application/json; charset=utf-8' 'Application/JSON ;x=y' application/vnd.api+json; do
	TYPE=" $type" post /hook/token/patientnow -H "$TOKEN"
	is "JSON by another name: $type" "$STATUS" 200
done

# big N: a body of exactly N bytes
big() {
	local start='{"event":"PatientCreated","eventId":"big","pad":"' end='"}'
	printf '%s' "$start"
	head -c $(($1 - ${#start} - ${#end})) /dev/zero | tr '\0' x
	printf '%s' "$end"
}
big 1048576 >mebibyte
big 1048577 >over
# send FILE CURL-ARGUMENT…: posts a file
send() {
	local file=$1
	shift
	curl -s -m 60 -o answer -w '%{http_code}' -H 'Content-Type: application/json' -H "$TOKEN" --data-binary "@$file" "$@" \
		"http://127.0.0.1:$PORT/hook/token/patientnow"
}
is "a body of 1 MiB is taken" "$(send mebibyte)" 200
is "and comes whole" "$(tail -1 events | sed 's/.*"payload"://; s/}$//' | wc -c)" 1048577
is "a body of 1 MiB and a byte is answered 413" "$(send over)" 413
is "the same without Expect: 100-continue" "$(send over -H Expect:)" 413
is "chunked: 1 MiB is taken" "$(send mebibyte -H 'Transfer-Encoding: chunked')" 200
is "chunked: a byte more is answered 413" "$(send over -H 'Transfer-Encoding: chunked')" 413
head -c 9000000 /dev/zero >huge
is "a sender in the midst of 9 MB gets to see the 413" "$(send huge -H Expect:)" 413

# raw TEXT [SECONDS]: sends bytes as they are, prints what comes until the connection is closed, or for so long
raw() {
	exec 3<>"/dev/tcp/127.0.0.1/$PORT" || return
	(trap '' PIPE && printf '%b' "$1" >&3) 2>/dev/null
	timeout "${2:-60}" cat <&3
	exec 3>&- 3<&-
}
like "413 comes before the body is sent" \
	"$(raw 'POST /hook/token/patientnow HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n' | head -1)" "HTTP/1.1 413*"
events_now
ONE='POST /hook/token/patientnow HTTP/1.1\r\nHost: x\r\nX-Token: correct-horse-battery\r\nContent-Type: application/json\r\nContent-Length: 42\r\n\r\n{"event":"PatientCreated","eventId":"pi1"}'
TWO=${ONE/pi1/pi2}
TWO=${TWO/Host: x/Host: x\\r\\nConnection: close}
is "pipelined requests are answered in order" "$(raw "$ONE$TWO" | grep -ao '{"id":"pi."}' | tr -d '\n')" '{"id":"pi1"}{"id":"pi2"}'
CHUNKED='POST /hook/token/patientnow HTTP/1.1\r\nHost: x\r\nX-Token: correct-horse-battery\r\nContent-Type: application/json\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n29;x=y\r\n"event":"PatientCreated","eventId":"ch1"}\r\n0\r\n\r\n'
like "a body in odd chunks is taken" "$(raw "$CHUNKED" | head -1)" "HTTP/1.1 200*"
is "a request that breaks off runs nothing" "$(raw "${ONE%??}" 1 | wc -c) $(wc -l <events)" "0 $((EVENTS_N + 3))"
# Whoever reads such a request in another way than a proxy in front can be made to find a second one in it.
malformed() { # malformed WHAT HEADERS BODY [REQUEST-LINE]: refused, closed, and nothing came; a request that follows is not read
	local second='POST /hook/token/patientnow HTTP/1.1\r\nHost: x\r\nX-Token: correct-horse-battery\r\nContent-Type: application/json\r\nContent-Length: 42\r\n\r\n{"event":"PatientCreated","eventId":"sm1"}'
	raw "${4-POST /hook/token/patientnow HTTP/1.1}\r\nHost: x\r\nX-Token: correct-horse-battery\r\nContent-Type: application/json\r\n$2\r\n$3$second" 30 >answers
	is "400, and the end: $1" "$(grep -ac '^HTTP/1.1 400' answers) $(grep -ac '^HTTP/1.1' answers) $(wc -l <events)" "1 1 $EVENTS_N"
}
events_now
EMPTY='{"eventId":"m"}'
LENGTH="Content-Length: ${#EMPTY}\r\n"
CHUNKS="f\r\n$EMPTY\r\n0\r\n\r\n"
malformed "a length and chunks" "${LENGTH}Transfer-Encoding: chunked\r\n" "$CHUNKS"
malformed "chunks and a length" "Transfer-Encoding: chunked\r\n$LENGTH" "$CHUNKS"
malformed "two lengths" "${LENGTH}Content-Length: 1\r\n" "$EMPTY"
malformed "two lengths, the first one greater" "Content-Length: 100\r\n$LENGTH" "$EMPTY"
malformed "two codings" "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n" "$CHUNKS"
malformed "a coding that is not only chunked" "Transfer-Encoding: gzip, chunked\r\n" "$CHUNKS"
malformed "chunks in HTTP/1.0" "Transfer-Encoding: chunked\r\n" "$CHUNKS" 'POST /hook/token/patientnow HTTP/1.0'
malformed "a blank before the colon" "Content-Length : ${#EMPTY}\r\n" "$EMPTY"
malformed "a tab before the colon" "Transfer-Encoding\t: chunked\r\n$LENGTH" "$EMPTY"
malformed "a name that is none" "X(y): z\r\n$LENGTH" "$EMPTY"
malformed "a line without a colon" "X\r\n$LENGTH" "$EMPTY"
malformed "a value that goes on in the next line" "X: y\r\n z\r\n$LENGTH" "$EMPTY"
malformed "a line that ends with LF only" "X: y\n$LENGTH" "$EMPTY"
malformed "a CR in a value" "X: y\rz\r\n$LENGTH" "$EMPTY"
malformed "a NUL in a value" "X: y\x00z\r\n$LENGTH" "$EMPTY"
malformed "a NUL that ends a value" "X: y\x00\r\n$LENGTH" "$EMPTY"
malformed "a NUL in a length" "Content-Length: ${#EMPTY}\x000\r\n" "$EMPTY"
malformed "a NUL in a name" "X\x00y: z\r\n$LENGTH" "$EMPTY"
malformed "a NUL that begins a line" "\x00X: y\r\n$LENGTH" "$EMPTY"
malformed "a NUL for the end of the head" "$LENGTH\x00\r\n" "$EMPTY"
malformed "a NUL in the path" "$LENGTH" "$EMPTY" 'POST /hook/token/patientnow\x00/x HTTP/1.1'
malformed "a NUL in the query" "$LENGTH" "$EMPTY" 'POST /hook/token/patientnow?a=b\x00c HTTP/1.1'
malformed "a NUL in the version" "$LENGTH" "$EMPTY" 'POST /hook/token/patientnow HTTP/1.1\x00'
malformed "a blank in the path" "$LENGTH" "$EMPTY" 'POST /hook/token/patientnow x HTTP/1.1'
malformed "two hosts" "Host: y\r\n$LENGTH" "$EMPTY"
like "400: a length that is no number" "$(raw "${ONE/Content-Length: /Content-Length: +}$ONE" | grep -a ^HTTP | sort -u | tr -d '\r')" \
	"HTTP/1.1 400 Bad Request"
is "400: no host" "$(raw "POST /hook/token/patientnow HTTP/1.1\r\n$LENGTH\r\n$EMPTY" | tail -1)" '{"error":"Host is missing"}'
CHUNKED='POST /hook/token/patientnow HTTP/1.1\r\nHost: x\r\nX-Token: correct-horse-battery\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n'
is "what follows a body in chunks is not read: its end can be forged" \
	"$(raw "${CHUNKED}1c\r\n{\"event\":\"Ping\",\"id\":\"last\"}\r\n0\r\n\x00\r\n$ONE" | grep -ac '^HTTP/1.1 200')" 1
PLAIN='X-Empty:\r\nX-Near:y\r\nX-Far:  \t y  \r\nX-Utf8: \xc3\xb6\r\n'
is "an unusual head that is well formed is no harm" "$(raw "${ONE/X-Token/${PLAIN}Connection: close\\r\\nX-Token}" | head -1 | tr -d '\r')" \
	"HTTP/1.1 200 OK"
LONG=$(head -c 100000 /dev/zero | tr '\0' h)
like "a head of 100 kB is refused" "$(raw "POST /hook/token/patientnow HTTP/1.1\r\nHost: x\r\nX-Long: $LONG\r\n\r\n" | head -1)" "HTTP/1.1 4*"
for ((i = 0; i < 20; i++)); do
	exec 3<>"/dev/tcp/127.0.0.1/$PORT" && head -c 5000 /dev/urandom >&3 2>/dev/null
	exec 3>&- 3<&-
done 2>/dev/null
BODY='{"event":"PatientCreated","eventId":"alive"}'
post /hook/token/patientnow -H "$TOKEN"
is "garbage does it no harm" "$STATUS $ANSWER" '200 {"id":"alive"}'

# ----- the schemes

BODY='{"event":"PatientCreated","eventId":"v1","do":"nothing"}'
events_now
post /hook/token/patientnow -H 'X-Token: correct-hors'
refusals "token cut short"
post /hook/token/patientnow -H 'X-Token: correct-horse-battery-'
refusals "token too long"
post /hook/token/patientnow -H 'X-Token;'
refusals "token empty"
post /hook/token/patientnow
refusals "token missing"
post '/hook/token/patientnow?key=wrong'
refusals "token wrong in the query"
post '/hook/token/patientnow?KEY=correct-horse-battery&xkey=correct-horse-battery'
refusals "token in another parameter"
post '/hook/token/crm' -H 'Authorization: correct-horse-battery'
refusals "token without its prefix"
post '/hook/token/patientnow?x=y&key=correct%2Dhorse-battery'
is "token: right in the query" "$STATUS" 200
post '/hook/token/crm' -H 'Authorization: Bearer correct-horse-battery'
is "token: right with its prefix" "$STATUS" 200

events_now
post /hook/basic/patientnow -u pnow:correct-horse-battery
is "basic: right" "$STATUS" 200
events_now
post /hook/basic/patientnow -u pnow:wrong
refusals "basic with another password"
post /hook/basic/patientnow -u other:correct-horse-battery
refusals "basic with another user"
post /hook/basic/patientnow -H 'Authorization: Basic cG5vdzpjb3JyZWN0LWhvcnN'
refusals "basic cut short"
post /hook/basic/patientnow -H 'Authorization: Bearer correct-horse-battery'
refusals "another scheme than basic"
post /hook/basic/patientnow
refusals "basic missing"
is "basic: 401 asks for it" "$(tr -d '\r' <headers | grep -i ^www-auth)" 'WWW-Authenticate: Basic realm="pnow-hook"'
post /hook/basic/crm
is "none: taken as it comes" "$STATUS" 200

events_now
MAC=$(printf '%s' "$BODY" | hmac correct-horse-battery)
post /hook/hmac/patientnow -H "X-Signature: ${MAC%?}"
refusals "HMAC cut short"
post /hook/hmac/patientnow -H "X-Signature: $(printf '%s ' "$BODY" | hmac correct-horse-battery)"
refusals "HMAC of another body"
post /hook/hmac/patientnow -H "X-Signature: $(printf '%s' "$BODY" | hmac wrong-horse)"
refusals "HMAC with another secret"
post /hook/hmac/patientnow -H "X-Signature: sha256=$MAC"
refusals "HMAC with a prefix that is not configured"
post /hook/hmac/crm -H "X-Hub-Signature-256: $MAC"
refusals "HMAC without its prefix"
post /hook/hmac/patientnow -H 'X-Signature;'
refusals "HMAC empty"
post /hook/hmac/patientnow
refusals "HMAC missing"
post /hook/hmac/patientnow -H "X-Signature: $MAC"
is "HMAC: right in hex" "$STATUS" 200
post /hook/hmac/patientnow -H "X-Signature: ${MAC^^}"
is "HMAC: right in upper case hex" "$STATUS" 200
post /hook/hmac/patientnow -H "X-Signature: $(printf '%s' "$BODY" | hmac_base64 correct-horse-battery)"
is "HMAC: right in base64" "$STATUS" 200
post /hook/hmac/crm -H "X-Hub-Signature-256: sha256=$MAC"
is "HMAC: right with its prefix" "$STATUS" 200

# standard ID TIMESTAMP SECRET: the signature of $BODY
standard() {
	printf 'v1,%s' "$(printf '%s.%s.%s' "$1" "$2" "$BODY" | hmac_base64 "$3")"
}
WHSEC=battery-staple-0123456789
NOW=$(date +%s)
events_now
post /hook/standard/patientnow -H 'webhook-id: w1' -H "webhook-timestamp: $NOW" -H "webhook-signature: $(standard w1 "$NOW" wrong)"
refusals "standard-webhooks with another secret"
post /hook/standard/patientnow -H 'webhook-id: w2' -H "webhook-timestamp: $NOW" -H "webhook-signature: $(standard w1 "$NOW" $WHSEC)"
refusals "standard-webhooks with another id"
post /hook/standard/patientnow -H 'webhook-id: w1' -H "webhook-timestamp: $((NOW + 1))" -H "webhook-signature: $(standard w1 "$NOW" $WHSEC)"
refusals "standard-webhooks with another timestamp"
SIGNED=$(standard w1 "$NOW" $WHSEC)
post /hook/standard/patientnow -H 'webhook-id: w1' -H "webhook-timestamp: $NOW" -H "webhook-signature: ${SIGNED%?????}"
refusals "standard-webhooks cut short"
post /hook/standard/patientnow -H 'webhook-id: w1' -H "webhook-timestamp: $NOW" -H "webhook-signature: ${SIGNED#v1,}"
refusals "standard-webhooks without its version"
post /hook/standard/patientnow -H 'webhook-id: w1' -H "webhook-timestamp: $NOW"
refusals "standard-webhooks without a signature"
post /hook/standard/patientnow -H "webhook-timestamp: $NOW" -H "webhook-signature: $SIGNED"
refusals "standard-webhooks without an id"
post /hook/standard/patientnow -H 'webhook-id: w1' -H "webhook-signature: $SIGNED"
refusals "standard-webhooks without a timestamp"
for stamp in $((NOW - 4000)) $((NOW + 4000)) yesterday "" "-$NOW" "$NOW.5"; do
	post /hook/standard/patientnow -H 'webhook-id: w1' -H "webhook-timestamp: $stamp" -H "webhook-signature: $(standard w1 "$stamp" $WHSEC)"
	refusals "standard-webhooks: timestamp \"${stamp/$NOW/now}\""
done
post /hook/standard/crm -H 'webhook-id: w1' -H "webhook-timestamp: $((NOW - 90))" -H "webhook-signature: $(standard w1 $((NOW - 90)) raw-standard-secret)"
refusals "standard-webhooks: older than max_age"
post /hook/standard/patientnow -H 'webhook-id: w1' -H "webhook-timestamp: $((NOW - 90))" -H "webhook-signature: $(standard w1 $((NOW - 90)) $WHSEC)"
is "standard-webhooks: right with a whsec_ secret, 90 s old" "$STATUS" 200
NOW=$(date +%s)
post /hook/standard/crm -H 'webhook-id: w1' -H "webhook-timestamp: $NOW" -H "webhook-signature: v1,AAAA v1a,xyz $(standard w1 "$NOW" raw-standard-secret)"
is "standard-webhooks: right with a raw secret, last in a list" "$STATUS" 200
is "standard-webhooks: webhook-id is the event's id where the body has none" "$ANSWER" '{"id":"w1"}'

# signed BODY: posts it with its Ed25519 signature
signed() {
	BODY=$1
	post /hook/keys/crm -H "X-GHL-Signature: $(ed25519 "$1")"
}
CRM='{"type":"ContactTagUpdate","webhookId":"c1","tags":["pnowcreate"]}'
signed "$CRM"
is "ed25519: right" "$STATUS $ANSWER" '200 {"id":"c1"}'
like "a tag event is one" "$(tail -1 events)" '{"id":"c1","type":"contact.tagged","practice":"keys",*'
post /hook/base64/crm -H "X-Other: $(ed25519 "$BODY")"
is "ed25519: right with a key in base64, in a header of its own" "$STATUS" 200
events_now
SIGNED=$(ed25519 "$BODY")
post /hook/keys/crm -H "X-GHL-Signature: ${SIGNED%?????}"
refusals "ed25519 cut short"
post /hook/keys/crm -H "X-GHL-Signature: $(ed25519 "$BODY ")"
refusals "ed25519 of another body"
post /hook/keys/crm -H "X-GHL-Signature: !$SIGNED"
refusals "ed25519 that is no base64"
post /hook/keys/crm -H "X-GHL-Signature;"
refusals "ed25519 empty"
post /hook/keys/crm
refusals "ed25519 missing"
post /hook/keys/crm -H "X-WH-Signature: $SIGNED"
refusals "ed25519 in another header"
stamp() { # a time so many seconds away, RFC 3339 in UTC
	date -u -d "@$((NOW + $1))" +%Y-%m-%dT%H:%M:%S.000Z
}
NOW=$(date +%s)
for stamp in "\"$(stamp -4000)\"" "\"$(stamp 4000)\"" "$(((NOW - 4000) * 1000))" "$NOW" '"soon"' '{}' '1e12'; do
	signed "{\"type\":\"ContactTagUpdate\",\"timestamp\":$stamp}"
	refusals "ed25519: stale or senseless timestamp ${stamp//[0-9]/9}"
done
for stamp in "\"$(stamp -90)\"" "\"$(date -d "@$NOW" +%Y-%m-%dT%H:%M:%S%:z)\"" "$((NOW * 1000 + 50))" null; do
	signed "{\"type\":\"ContactTagUpdate\",\"timestamp\":$stamp}"
	is "ed25519: timestamp ${stamp//[0-9]/9} is taken" "$STATUS" 200
done
signed '{"type":"ContactTagUpdate","x"'
is "a signed body that is no JSON: 400" "$STATUS" 400
BODY='{"event":"PatientCreated","eventId":"r1"}'
post /hook/keys/patientnow -H "X-WH-Signature: $(rsa "$BODY")"
is "rsa-sha256: right" "$STATUS" 200
events_now
post /hook/keys/patientnow -H "X-WH-Signature: $(rsa "$BODY ")"
refusals "rsa-sha256 of another body"
SIGNED=$(rsa "$BODY")
post /hook/keys/patientnow -H "X-WH-Signature: ${SIGNED%????????}"
refusals "rsa-sha256 cut short"
post /hook/keys/patientnow
refusals "rsa-sha256 missing"
is "why a sender was refused is on stderr" "$(grep -c 'keys/patientnow: 401: ' main.err)" 3

# A time without a zone is the practice's, whichever practice was asked before.
zoned() {
	BODY='{"event":"PatientCreated","eventId":"z","occurredAt":"2026-11-22T15:00:00"}'
	post "/hook/$1/patientnow" "${@:2}"
	tail -1 events | grep -o '"occurred":"[^"]*"'
}
is "times are in the practice's zone (Denver)" "$(zoned token -H "$TOKEN")" '"occurred":"2026-11-22T15:00:00-07:00"'
is "times are in the practice's zone (New York)" "$(zoned basic -u pnow:correct-horse-battery)" '"occurred":"2026-11-22T15:00:00-05:00"'

# ----- the command's end is the answer

ask() { # ask PATH WHAT
	BODY="{\"event\":\"PatientCreated\",\"eventId\":\"do-$2\",\"webhookId\":\"do-$2\",\"do\":\"$2\"}"
	post "/hook/basic/$1" -u pnow:correct-horse-battery
}
retry_after() {
	tr -d '\r' <headers | grep -i '^retry-after'
}
ask patientnow again
is "status 75 tells PatientNow to come again: 503" "$STATUS $(retry_after)" "503 Retry-After: 60"
ask crm again
is "status 75 tells the CRM to come again: 429" "$STATUS $(retry_after)" "429 Retry-After: 60"
ask patientnow fail
is "another status: 500" "$STATUS $ANSWER" '500 {"error":"the event could not be handled"}'
is "stderr names event and status" "$(grep -c 'event do-fail: ./command.sh ended with status 3' main.err)" 1
ask crm die
is "killed: 500" "$STATUS $(grep -c 'event do-die: ./command.sh was killed by signal 9' main.err)" "500 1"
ask crm say
is "the command's stdout is ours" "$STATUS $(grep -c 'said on stdout' main.out) $(grep -c 'said on stderr' main.err)" "200 1 1"
is "no message tells secrets or bodies" "$(grep -ciE 'correct|horse|staple|example\.com|pnowcreate|key=' main.err)" 0
is "-v: a line for each request" "$(grep -cE '^pnow-hook: POST /hook/token/patientnow 200 e1 [0-9]+ ms$' main.err)" 1

# ----- a sender that goes away, SIGTERM

# asks ID: in the background, for an event that waits until it may go on; $ASKING is who asks
asks() {
	rm -f events.go
	BODY="{\"event\":\"PatientCreated\",\"eventId\":\"$1\",\"do\":\"wait\"}"
	curl -s -o "$1.answer" -w '%{http_code}' -H 'Content-Type: application/json' -u pnow:correct-horse-battery -d "$BODY" \
		"http://127.0.0.1:$PORT/hook/basic/patientnow" >"$1.status" &
	ASKING=$!
	until_true grep "\"$1\"" events
}
# refused: whether nobody listens any more
refused() {
	curl -s -m 60 "http://127.0.0.1:$PORT/"
	[ $? -eq 7 ]
}
asks gone
kill "$ASKING"
wait "$ASKING"
touch events.go
is "a sender that hangs up does not stop its event" "$(until_true grep '"gone"' events.done; echo $?)" 0
asks term
kill -TERM $MAIN
is "SIGTERM: no new connection is taken" "$(until_true refused; echo $?)" 0
touch events.go
wait "$ASKING"
is "SIGTERM: what is in hand is answered" "$(cat term.status term.answer)" '200{"id":"term"}'
wait $MAIN
is "SIGTERM: exit 0" "$?" 0
listen again -c basic.json -- true
kill -TERM "$PID"
wait "$PID"
is "SIGTERM with nothing in hand: exit 0" "$?" 0

# ----- how the command is run

once() { # once EVENT ARGUMENT…: a hook with another command; sends one event to it
	local event=$1
	shift
	listen once -c basic.json "$@"
	BODY=$event
	post /hook/basic/crm
	kill "$PID"
	wait "$PID"
}
EVENT='{"webhookId":"o1"}'
once "$EVENT" -- sh -c 'kill -PIPE $$'
is "the command has the default SIGPIPE" "$STATUS $(grep -c 'killed by signal 13' once.err)" "500 1"
once "$EVENT" -- sh -c 'kill -XFSZ $$'
is "the command has the default SIGXFSZ" "$STATUS $(grep -c "killed by signal $(kill -l XFSZ)" once.err)" "500 1"
once "$EVENT" -- ./nowhere
is "a command that cannot be started: 500 and status 127" "$STATUS $(grep -c 'event o1: status 127: cannot start ./nowhere' once.err)" "500 1"
once "$(head -c 1000000 over)"'"}' -- true
is "a command that reads nothing is no error" "$STATUS" 200
if [ -d /proc/self/fd ]; then
	exec 7</dev/null
	# shellcheck disable=SC2016
	once "$EVENT" -- sh -c 'for f in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do [ ! -e /proc/$$/fd/$f ] || printf "%s " $f; done'
	exec 7<&-
	is "the command inherits 0, 1 and 2, and nothing else" "$(tail -1 once.out)" "0 1 2 "
else
	skip "the command inherits 0, 1 and 2, and nothing else" "no /proc here"
fi
# shellcheck disable=SC2016
TZ=Europe/Zurich once "$EVENT" -- sh -c 'echo "TZ $TZ"'
is "the command's time zone is the one that the hook was given" "$(tail -1 once.out)" "TZ Europe/Zurich"
once '{"webhookId":"hung","do":"hang"}' -t 1 -- ./command.sh
is "-t ends a command that hangs, and the sender comes again" "$STATUS $(grep -c 'event hung: ./command.sh was stopped after 1 s' once.err)" "429 1"
is "-t: what it started ends, too" "$(until_true gone "$(cat events.hung)"; echo $?)" 0

# shellcheck disable=SC2016
# shellcheck disable=SC2016 # for the inner shell
listen which -c token.json -c basic.json -- sh -c 'echo "$PNOW_CONFIG" >which'
BODY='{"event":"PatientCreated","eventId":"w1"}'
post /hook/token/patientnow -H "$TOKEN"
is "the command is told the configuration of the event's practice" "$STATUS $(cat which)" "200 token.json"

# shellcheck disable=SC2016 # for the inner shell
listen few -c basic.json -j 2 -- sh -c 'echo begin; until [ -e few.go ]; do sleep 0.02; done; echo end'
for ((i = 0; i < 6; i++)); do
	curl -s -o "few.$i" -w '%{http_code}' -H 'Content-Type: application/json' -d "$EVENT" "http://127.0.0.1:$PORT/hook/basic/crm" &
	ASKED[i]=$!
done >few.answers
two_began() {
	[ "$(grep -c begin few.out)" -ge 2 ]
}
until_true two_began
sleep 0.3 # for a third that should not
touch few.go
wait "${ASKED[@]}"
kill "$PID"
wait "$PID"
is "-j: all are answered" "$(cat few.answers)" 200200200200200200
is "-j: never more at once" "$(awk '/begin/ && ++n > max { max = n } /end/ { n-- } END { print max }' few.out)" 2

listen show -c basic.json -n
BODY='{"type":"ContactTagUpdate","webhookId":"n1"}'
post /hook/basic/crm
like "-n shows the event and runs nothing" "$STATUS $(sed -n 2p show.out)" '200 {"id":"n1","type":"contact.tagged",*}'
kill "$PID"
wait "$PID"

if curl -s -m 2 -o /dev/null "http://[::1]:1/" || [ $? -eq 7 ]; then
	"$HOOK" -c basic.json -l '[::1]:0' -n >six.out 2>&1 &
	started+=($!)
	await six.out
	like "IPv6: the address is said in brackets" "$(head -1 six.out)" 'http://\[::1\]:[0-9]*'
	BASE=$(head -1 six.out) post /hook/basic/crm
	is "IPv6: it answers" "$STATUS" 200
	kill "${started[-1]}"
else
	skip "IPv6: the address is said in brackets" "no IPv6 here"
	skip "IPv6: it answers" "no IPv6 here"
fi

listen many -c basic.json -j 4 -- ./command.sh
: >events
for ((i = 0; i < 8; i++)); do
	for ((j = 0; j < 25; j++)); do
		printf 'url = "http://127.0.0.1:%s/hook/basic/crm"\nheader = "Content-Type: application/json"\ndata = "{\\"webhookId\\":\\"m%s-%s\\"}"\nwrite-out = "%%{http_code}\\n"\noutput = "/dev/null"\nsilent\nnext\n' "$PORT" $i $j
	done >many.$i
	curl -K many.$i >many.$i.out 2>/dev/null &
	ASKED[i]=$!
done
wait "${ASKED[@]}"
kill "$PID"
wait "$PID"
is "8 senders at once: 200 answers of 200" "$(cat many.?.out | sort | uniq -c | tr -s ' ')" " 200 200"
is "8 senders at once: each event once" "$(grep -o '"id":"m[^"]*"' events | sort -u | wc -l) $(wc -l <events)" "200 200"

# ----- what it refuses to start with

refuses() { # refuses PROMISE STATUS WORDS ARGUMENT…
	local promise=$1 status=$2 words=$3
	shift 3
	WORDS=$(timeout 60 "$HOOK" "$@" 2>&1 </dev/null)
	like "$promise" "$? $WORDS" "$status $words"
}
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
refuses "a port that is taken: 69" 69 "*listen on 127.0.0.1:$PORT:*in use*" -c basic.json -l "127.0.0.1:$PORT" -- true
kill "$PID"
wait "$PID"
broken() { # broken PROMISE WORDS PATIENTNOW-HOOK
	practice broken UTC "\"patientnow\": $3"
	refuses "$1: 78" 78 "$2" -c broken.json -l 127.0.0.1:0 -- true
}
printf 'x' >open
chmod 644 open
printf 'whsec_?battery-staple' >nobase
: >nothing
chmod 600 nobase nothing
broken "a secret that others can read" '*broken.json: hooks.patientnow.secret_file*0600*' '{"verify":"token","header":"X","secret_file":"open"}'
broken "a secret that is missing" '*hooks.patientnow.secret_file*nofile*' '{"verify":"token","header":"X","secret_file":"nofile"}'
broken "a secret that is empty" '*hooks.patientnow.secret_file*empty*' '{"verify":"basic","user":"x","secret_file":"nothing"}'
broken "a whsec_ secret that is no base64" '*nobase: expected base64 after whsec_' '{"verify":"standard-webhooks","secret_file":"nobase"}'
printf '\0correct-horse-battery' >nul
printf 'correct-\0horse-battery' >nul-inside
printf 'correct-horse' >short
printf 'whsec_AA==' >short-standard
head -c 15 /dev/zero | base64 | sed 's/^/whsec_/' >fifteen-zeroes
chmod 600 nul nul-inside short short-standard fifteen-zeroes
for verify in '"token","header":"X"' '"basic","user":"x"' '"hmac-sha256","header":"X"' '"standard-webhooks"'; do
	broken "$verify: a secret that begins with a NUL is not an empty one, with which anybody could sign" '*secret_file: the secret file *nul has a NUL byte *openssl rand*' \
		"{\"verify\":$verify,\"secret_file\":\"nul\"}"
	broken "$verify: a secret with a NUL in it" '*secret_file: *nul-inside has a NUL byte *openssl rand*' "{\"verify\":$verify,\"secret_file\":\"nul-inside\"}"
	broken "$verify: a secret that could be guessed" '*secret_file: *short has 13 bytes, expected 16 or more: *openssl rand*' "{\"verify\":$verify,\"secret_file\":\"short\"}"
done
broken "a whsec_ secret of one byte" '*short-standard has 10 bytes, expected 16 or more: *whsec_*openssl rand -base64*' '{"verify":"standard-webhooks","secret_file":"short-standard"}'
broken "a whsec_ secret of 15" '*fifteen-zeroes has 15 bytes after whsec_, expected 16 or more: *' '{"verify":"standard-webhooks","secret_file":"fifteen-zeroes"}'
broken "a key that is none" '*hooks.patientnow.key_file: *nobase: expected an Ed25519 public key*' '{"verify":"ed25519","key_file":"nobase"}'
broken "a key of another kind" '*rsa.pub: expected an Ed25519 public key*' '{"verify":"ed25519","key_file":"rsa.pub"}'
broken "a key of another kind, the other way" '*ed25519.pub: expected an RSA public key*' '{"verify":"rsa-sha256","key_file":"ed25519.pub"}'
broken "a key that is missing" '*hooks.patientnow.key_file: *nofile: No such file*' '{"verify":"rsa-sha256","key_file":"nofile"}'

# ----- CGI

cgi() { # cgi METHOD PATH_INFO BODY VARIABLE=VALUE…: prints the program's whole output
	local method=$1 path=$2 body=$3
	shift 3
	printf '%s' "$body" | env GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD="$method" PATH_INFO="$path" CONTENT_TYPE=application/json \
		CONTENT_LENGTH=${#body} HTTP_X_TOKEN=correct-horse-battery "$@" "$HOOK" -c token.json -- "${CGI_COMMAND[@]}" 2>cgi.err | tr -d '\r'
	CGI_STATUS=${PIPESTATUS[1]}
}
CGI_COMMAND=(./command.sh)
GOOD='{"event":"PatientCreated","eventId":"g1","do":"say"}'
cgi POST /hook/token/patientnow "$GOOD" >cgi.out
is "CGI: 200" "$(cat cgi.out)" $'Status: 200 OK\nContent-Type: application/json\nContent-Length: 12\n\n{"id":"g1"}'
is "CGI: exit 0, and the command's output on stderr" "$CGI_STATUS $(grep -c 'said on' cgi.err)" "0 2"
is "CGI: the script may be mounted at /hook" "$(cgi POST /token/patientnow "$GOOD" | head -1)" "Status: 200 OK"
is "CGI: 401" "$(cgi POST /hook/token/patientnow "$GOOD" HTTP_X_TOKEN=x | head -1)" "Status: 401 Unauthorized"
is "CGI: the token in the query" "$(cgi POST /hook/token/patientnow "$GOOD" HTTP_X_TOKEN= QUERY_STRING=key=correct-horse-battery | head -1)" "Status: 200 OK"
is "CGI: 404" "$(cgi POST /hook/other/patientnow "$GOOD" | head -1)" "Status: 404 Not Found"
is "CGI: 404 without a path" "$(cgi POST '' "$GOOD" | head -1)" "Status: 404 Not Found"
is "CGI: 405" "$(cgi GET /hook/token/patientnow '' | sed -n '1p;3p')" $'Status: 405 Method Not Allowed\nAllow: POST'
like "CGI: 413" "$(cgi POST /hook/token/patientnow '{}' CONTENT_LENGTH=1048577 | head -1)" "Status: 413*"
like "CGI: 415" "$(cgi POST /hook/token/patientnow "$GOOD" CONTENT_TYPE=text/plain | head -1)" "Status: 415*"
is "CGI: a body cut short: 400" "$(cgi POST /hook/token/patientnow "$GOOD" CONTENT_LENGTH=1000 | head -1)" "Status: 400 Bad Request"
for length in +5 -1 0x5 '5, 5' ' 5' 5x; do
	is "CGI: a length that is no number ($length): 400" \
		"$(cgi POST /hook/token/patientnow "$GOOD" "CONTENT_LENGTH=$length" | head -1)" "Status: 400 Bad Request"
done
is "CGI: no more than the announced body is read" "$(cgi POST /hook/token/patientnow '{"event":"Ping"}garbage' CONTENT_LENGTH=16 | head -1)" "Status: 200 OK"
is "CGI: chunks that the server passes on" "$(cgi POST /hook/token/patientnow "$GOOD" CONTENT_LENGTH= HTTP_TRANSFER_ENCODING=chunked | head -1)" "Status: 200 OK"
is "CGI: come again" "$(cgi POST /hook/token/patientnow '{"eventId":"x","do":"again"}' | grep -E '^(Status|Retry)')" $'Status: 503 Service Unavailable\nRetry-After: 60'
# shellcheck disable=SC2016
CGI_COMMAND=(sh -c 'env | grep -cE "^(HTTP_|CONTENT_|GATEWAY|PATH_INFO|REQUEST_)" >env.count; exit 0')
cgi POST /hook/token/patientnow "$GOOD" >cgi.out
is "CGI: the command does not get the request's variables" "$(cat env.count)" 0
WORDS=$(GATEWAY_INTERFACE=CGI/1.1 "$HOOK" -c token.json -n 2>&1)
is "CGI: -n is a usage error" "$?" 64

# ----- inetd and systemd, with the lines of examples/

# instantiate FILE: prints an example with this test's paths, port and user. alternative FILE: with a command for each event,
# which is a comment in the example, instead of the inbox.
instantiate() {
	sed -e "s#/usr/local/bin/pnow-hook#$HOOK#g; s#/usr/local/bin/pnow-sync -c [^ ]*#$work/command.sh#g" \
		-e "s#/etc/pnow/glow-denver.json#$work/basic.json#g; s#127.0.0.1:8080#127.0.0.1:$PORT#g" \
		-e "s# pnow $HOOK# $(id -un) $HOOK#" "$1"
}
alternative() {
	sed -e '/^[^#].*pnow-hook.* -c /d' -e '/^#.*pnow-hook.* -- /s/^#//' "$1" >alternative
	instantiate alternative
}
# stores WHAT: what comes through $PORT is in the inbox of basic.json when it is answered
stores() {
	until_true curl -s -o /dev/null "http://127.0.0.1:$PORT/"
	BODY='{"webhookId":"s1"}'
	post /hook/basic/crm
	is "$1: 200, and the event is stored" "$STATUS $ANSWER $(sqlite3 basic.db 'SELECT id, state FROM inbox')" \
		'200 {"id":"s1"} s1|waiting'
	post /hook/basic/patientnow
	is "$1: 401, and nothing is" "$STATUS $(sqlite3 basic.db 'SELECT count(*) FROM inbox')" '401 1'
}
# three_answers WHAT: a good event, a failing one and a refused one through $PORT
three_answers() {
	until_true curl -s -o /dev/null "http://127.0.0.1:$PORT/"
	: >events
	BODY='{"webhookId":"i1","do":"say"}'
	post /hook/basic/crm
	is "$1: 200, and nothing but the answer reaches the sender" "$STATUS $ANSWER $(wc -l <events)" '200 {"id":"i1"} 1'
	BODY='{"webhookId":"i2","do":"fail"}'
	post /hook/basic/crm
	is "$1: 500" "$STATUS $ANSWER" '500 {"error":"the event could not be handled"}'
	post /hook/basic/patientnow
	is "$1: 401" "$STATUS $ANSWER" '401 {"error":"the sender could not be verified"}'
	BODY=$(cat mebibyte)
	post /hook/basic/crm
	is "$1: 1 MiB" "$STATUS" 200
	BODY='{"webhookId":"i3"}'
	post /hook/basic/crm -H 'Transfer-Encoding: chunked'
	is "$1: chunked" "$STATUS $ANSWER" '200 {"id":"i3"}'
	ASKED=()
	for ((i = 0; i < 10; i++)); do
		curl -s -m 60 -o /dev/null -w '%{http_code}\n' -H 'Content-Type: application/json' -d "{\"webhookId\":\"i-$i\"}" \
			"http://127.0.0.1:$PORT/hook/basic/crm" &
		ASKED[i]=$!
	done >ten.answers
	wait "${ASKED[@]}"
	is "$1: ten at once" "$(grep -c 200 ten.answers) $(grep -o '"id":"i-.' events | sort -u | wc -l)" "10 10"
}
sed -i "s#^{#{\"state\": \"$work/basic.db\", #" basic.json
if have inetd; then
	for way in instantiate alternative; do
		PORT=$(free_port)
		rm -f basic.db*
		$way "$EXAMPLES/inetd/inetd.conf" >inetd.conf
		PATH=$PATH:/usr/sbin inetd -i inetd.conf >inetd.out 2>&1 &
		started+=($!)
		[ $way = alternative ] || stores "inetd with the example's line"
		[ $way = instantiate ] || three_answers "inetd with the example's other line"
		kill "${started[-1]}"
	done
else
	skip "inetd with the example's line" "no inetd here"
fi
exec_start() { # WAY UNIT: the ExecStart of a unit of examples/systemd, as the arguments of env
	"$1" "$EXAMPLES/systemd/$2" | sed -n 's/^ExecStart=//p'
}
if have systemd-socket-activate; then
	for way in instantiate alternative; do
		PORT=$(free_port)
		rm -f basic.db*
		# shellcheck disable=SC2046
		systemd-socket-activate --accept --inetd -E EVENTS -l "127.0.0.1:$PORT" $(exec_start $way pnow-hook@.service) >systemd.out 2>&1 &
		started+=($!)
		[ $way = alternative ] || stores "systemd socket with the example's ExecStart"
		[ $way = instantiate ] || three_answers "systemd socket with the example's other ExecStart"
		kill "${started[-1]}"
	done
else
	skip "systemd socket with the example's ExecStart" "no systemd-socket-activate here"
fi
for way in instantiate alternative; do
	PORT=$(free_port)
	rm -f basic.db*
	# shellcheck disable=SC2091
	$(exec_start $way pnow-hook.service) >service.out 2>&1 &
	started+=($!)
	[ $way = alternative ] || stores "the example's service"
	[ $way = instantiate ] || three_answers "the example's service with its other ExecStart"
	kill "${started[-1]}"
	wait "${started[-1]}"
	is "the example's service ends on SIGTERM with 0 ($way)" "$?" 0
done
if have systemd-analyze; then
	# The programs and the user of the examples are not on every machine that runs this.
	for unit in pnow-hook.service pnow-hook@.service pnow-hook.socket pnow-inbox.service; do
		sed "s#/usr/local/bin/pnow-[a-z]*#$(command -v true)#; s/^User=pnow/User=root/" "$EXAMPLES/systemd/$unit" >"$unit"
	done
	is "systemd finds nothing wrong with the units" "$(systemd-analyze verify ./pnow-hook.service ./pnow-hook@.service ./pnow-hook.socket ./pnow-inbox.service 2>&1)" ""
else
	skip "systemd finds nothing wrong with the units" "no systemd-analyze here"
fi

# ----- nginx, with the files of examples/

# nginx_with FILE: starts nginx with one of the examples on $TLS_PORT; BASE is where it answers
nginx_with() {
	mkdir -p nginx
	instantiate "$EXAMPLES/nginx/$1" | sed -e "s#listen 443 ssl#listen 127.0.0.1:$TLS_PORT ssl#" \
		-e "s#/etc/ssl/certs/hooks.example.com.pem#$work/tls.pem#; s#/etc/ssl/private/hooks.example.com.key#$work/tls.key#" \
		-e "s#/var/log/nginx/#$work/nginx/#; s#/usr/local/lib/cgi-bin/#$work/#; s#/run/fcgiwrap.socket#$work/fcgiwrap.socket#" >"nginx/$1"
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
	NGINX=$!
	started+=("$NGINX")
	BASE=https://127.0.0.1:$TLS_PORT
	until_true curl -sk -o /dev/null "$BASE/"
}
# logged N: so many requests that were answered 200 are in nginx's log
logged() {
	[ "$(grep -c '/hook/basic/crm 200' nginx/pnow-hook.log)" -ge "$1" ]
}
# behind_nginx WHAT: the answers come through
behind_nginx() {
	: >events
	BODY='{"webhookId":"x1","do":"say"}'
	post '/hook/basic/crm?key=topsecret'
	is "$1: 200" "$STATUS $ANSWER $(wc -l <events)" '200 {"id":"x1"} 1'
	post /hook/basic/patientnow
	is "$1: 401 with its challenge" "$STATUS $(grep -ic '^www-authenticate: basic' headers)" "401 1"
	post /hook/basic/patientnow -u pnow:correct-horse-battery -H 'Transfer-Encoding: chunked'
	is "$1: basic, chunked" "$STATUS" 200
	BODY='{"webhookId":"x2","do":"again"}'
	post /hook/basic/crm
	is "$1: 429 with Retry-After" "$STATUS $(retry_after)" "429 Retry-After: 60"
	TYPE=' text/plain' post /hook/basic/patientnow
	is "$1: 415" "$STATUS" 415
	BODY=$(cat mebibyte)
	post /hook/basic/crm
	is "$1: 1 MiB" "$STATUS" 200
	BODY=$(cat over)
	post /hook/basic/crm
	is "$1: 413" "$STATUS" 413
	until_true logged 2
	is "$1: no query is logged" "$(grep -c topsecret nginx/pnow-hook.log) $(grep -c '/hook/basic/crm 200' nginx/pnow-hook.log)" "0 2"
}
# nobody_there WHAT: what the senders get while pnow-hook is away
nobody_there() {
	BODY='{}'
	post /hook/basic/crm
	is "$1: the CRM is told to come again" "$STATUS $(retry_after)" "429 Retry-After: 60"
	post /hook/basic/patientnow
	is "$1: PatientNow is told to come again" "$STATUS $(retry_after)" "503 Retry-After: 60"
}
openssl req -x509 -newkey rsa:2048 -nodes -keyout tls.key -out tls.pem -days 2 -subj /CN=127.0.0.1 2>/dev/null
if have nginx; then
	TLS_PORT=$(free_port)
	listen behind -c basic.json -- ./command.sh
	BEHIND=$PID
	nginx_with pnow-hook.conf
	behind_nginx "nginx in front"
	kill "$BEHIND"
	wait "$BEHIND"
	nobody_there "nginx in front of nobody"
	kill "$NGINX"
	wait "$NGINX"
	unset BASE
else
	skip "nginx in front" "no nginx here"
fi
if have nginx && have fcgiwrap; then
	alternative "$EXAMPLES/nginx/pnow-hook.cgi" >pnow-hook.cgi
	chmod +x pnow-hook.cgi
	PATH=$PATH:/usr/sbin fcgiwrap -f -c 4 -s "unix:$work/fcgiwrap.socket" >fcgiwrap.out 2>&1 &
	FCGIWRAP=$!
	started+=("$FCGIWRAP")
	rm -f nginx/pnow-hook.log
	nginx_with pnow-hook-cgi.conf
	until_true test -S fcgiwrap.socket
	behind_nginx "CGI behind nginx"
	instantiate "$EXAMPLES/nginx/pnow-hook.cgi" >pnow-hook.cgi
	rm -f basic.db*
	BODY='{"webhookId":"s1"}'
	post /hook/basic/crm
	is "CGI behind nginx: 200, and the event is stored" "$STATUS $(sqlite3 basic.db 'SELECT id FROM inbox')" "200 s1"
	mv basic.json basic.kept
	echo '{"practise": 1}' >basic.json
	nobody_there "CGI behind nginx with a broken configuration"
	mv basic.kept basic.json
	rm fcgiwrap.socket
	nobody_there "CGI behind nginx, without fcgiwrap"
	kill "$NGINX"
	wait "$NGINX"
	unset BASE
else
	skip "CGI behind nginx" "no nginx with fcgiwrap here"
fi

finish
