#!/usr/bin/env bash
# pnow-hook: bodies that are forms, or compressed, where the profile says so; what an EMR wants to hear again. What is recorded of such
# bodies makes a profile (pnow-profile).
# shellcheck source=tests/command/hook.bash
. "$(dirname "$0")/hook.bash"

# emr NAME FILTER: a practice whose profile is changed by a jq filter, and that signs.
emr()
{
	practice "$1" America/Denver '"patientnow": {"verify": "hmac-sha256", "header": "X-Signature", "secret_file": "secret"}'
	jq -n '{event: {name: ["/event"], id: ["/id"]}, events: {made: "patient.created", hello: "ping"},
		patient: {fields: {id: ["/patient"], first_name: ["/name"]}}} | '"$2" >"$1.profile"
	jq --arg profile "./$1.profile" '.patientnow = {$profile} | .state = "events.db"' "$1.json" >new && mv new "$1.json"
}

emr plain .
emr form '.form = true'
emr payload '.form = true | .event = {name: ["/payload/event"], id: ["/payload/id"], data: ["/payload"]}'
emr packed '.compressed = "unpacked"'
emr sent '.compressed = "sent"'
emr both '.compressed = "unpacked" | .form = true'
emr echo '.challenge = {query: "hub.challenge", body: ["/challenge"]}'
emr posted '.challenge = {body: ["/challenge"]} | .probe = true'
mkdir requests
practices=()
for name in plain form payload packed sent both echo posted; do practices+=(-c "$name.json"); done
listen bodies "${practices[@]}" -- ./command.sh

# signed FILE: the header that signs it.
signed()
{
	printf 'X-Signature: %s' "$(openssl dgst -sha256 -hmac correct-horse-battery -r "$1" | cut -d' ' -f1)"
}
# send PRACTICE FILE SIGNED TYPE [ENCODING]: a file as the body, what is signed of it in another.
send()
{
	status=$(curl -s -m 60 -o answer -w '%{http_code}' -H "Content-Type: $4" ${5:+-H "Content-Encoding: $5"} -H "$(signed "$3")" \
		--data-binary "@$2" "http://127.0.0.1:$port/hook/$1/patientnow")
}
# last: of the newest event.
last()
{
	tail -n 1 events.done | jq -c "$1"
}
form=application/x-www-form-urlencoded json=application/json

# ---- Forms

printf 'event=made&id=f1&patient=7&name=Ana+Mar%%C3%%ADa' >body
send form body body $form
is "a form: its fields are the body's" "$status $(last '[.id, .type, .payload]')" \
	'200 ["f1","patient.created",{"event":"made","id":"f1","patient":"7","name":"Ana María"}]'
send form body body "$form; charset=utf-8"
is "with a charset, too" "$status" 200
printf 'event=made&id=f2&patient=8&name=Ana' >other
send form other body $form
is "what is signed is the form" "$status" 401
printf 'payload=%%7B%%22event%%22%%3A%%22made%%22%%2C%%22id%%22%%3A%%22f3%%22%%2C%%22patient%%22%%3A7.10%%7D&token=x' >wrapped
send payload wrapped wrapped $form
is "a field that holds JSON is JSON, to the digit" "$status $(tail -n 1 events.done | grep -o '"payload":.*')" \
	'200 "payload":{"payload":{"event":"made","id":"f3","patient":7.10},"token":"x"}}'
printf '{"event":"made","id":"j1","patient":7}' >json
send form json json $json
is "JSON is taken as ever" "$status $(last .id)" '200 "j1"'
send form json json $form
is "JSON that is called a form is none" "$status $(jq -r .error answer)" "400 the body is no form: a field has no '='"
printf 'event=made&event=hello' >twice
send form twice twice $form
is "nor is a name that is there twice" "$status $(jq -r .error answer)" "400 a name is given twice in the body's object"
send plain body body $form
is "where the profile says nothing of forms, the answer says what was expected" "$status $(jq -r .error answer)" '415 Content-Type must be application/json'
is "and the operator is told how to take them" "$(tail -n 1 bodies.err)" \
	'pnow-hook: plain/patientnow: 415: Content-Type must be application/json; where the EMR sends forms, write "form": true into its profile'
send form json json text/plain
is "where it does, too" "$status $(jq -r .error answer)" "415 Content-Type must be application/json or $form"

printf '[{"event":"made","id":"l1","patient":7}]' >list
send plain list list $json
like "so is a list, where it says nothing of lists" "$status $(jq -r .error answer) $(tail -n 1 bodies.err)" \
	'400 the body is no JSON object: * 400: *; where the EMR sends lists, write "list": \["/"\] into "event" of its profile'

# ---- Compressed

gzip -c json >json.gz
deflated() # FILE: without a head and a sum
{
	gzip -nc "$1" | tail -c +11 | head -c -8
}
deflate() # FILE: with those of zlib
{
	printf '\x78\x9c'
	deflated "$1"
	printf "$(od -An -v -w1 -tu1 "$1" | awk '{ a = (a + $1) % 65521; b = (b + a + 1) % 65521; n++ }
		END { a = (a + 1) % 65521; printf "\\x%02x\\x%02x\\x%02x\\x%02x", b / 256, b % 256, a / 256, a % 256 }')"
}
sed 's/j1/z1/' json >zipped && gzip -c zipped >zipped.gz
send packed zipped.gz zipped $json gzip
is "gzip: what is signed is what was packed" "$status $(last .id)" '200 "z1"'
send packed zipped.gz zipped.gz $json gzip
is "... and not the packing" "$status" 401
sed 's/j1/z2/' json >zipped && gzip -c zipped >zipped.gz
send sent zipped.gz zipped.gz $json GZIP
is "or, where the profile says so, what was sent" "$status $(last .id)" '200 "z2"'
send sent zipped.gz zipped $json gzip
is "... and nothing else" "$status" 401
sed 's/j1/z3/' json >zipped && deflate zipped >zipped.z
send packed zipped.z zipped $json deflate
is "deflate" "$status $(last .id)" '200 "z3"'
sed 's/j1/z4/' json >zipped && deflated zipped >zipped.raw
send packed zipped.raw zipped $json deflate
is "... and what some take for it" "$status $(last .id)" '200 "z4"'
sed 's/f1/z5/' body >zipped && gzip -c zipped >zipped.gz
send both zipped.gz zipped $form gzip
is "a form that is compressed" "$status $(last .id)" '200 "z5"'
send packed json json $json
is "what is not compressed is taken as ever" "$status" 200
head -c 30 json.gz >short.gz
for broken in json short.gz; do
	send packed $broken json $json gzip
	is "what is not what it says, or ends too soon: $broken" "$status $(jq -r .error answer)" '400 the body is not compressed as Content-Encoding says, or is not whole'
done
cat json.gz json >longer.gz
send packed longer.gz json $json gzip
is "or has something behind it" "$status" 400
big 1048576 >large && gzip -c large >large.gz
send packed large.gz large $json gzip
is "unpacked a body may have 1 MiB" "$status" 200
big 1048577 >larger && gzip -c larger >larger.gz
send packed larger.gz larger $json gzip
is "and not a byte more" "$status $(jq -r .error answer)" '413 the body is over 1 MiB'
head -c 20000000 /dev/zero | gzip -c >bomb.gz
send packed bomb.gz json $json gzip
is "a bomb is cut off" "$status" 413
sanitized || is "and takes no memory" "$(awk '/^VmHWM/ { print ($2 < 65536) }' "/proc/$hook/status")" 1
send packed json.gz json $json br
is "another way of packing" "$status $(jq -r .error answer)" '415 Content-Encoding must be gzip or deflate, or none'
send plain json.gz json $json gzip
is "none, where the profile says nothing of it" "$status $(jq -r .error answer)" '415 Content-Encoding must be none'
like "and the operator is told where to look" "$(tail -n 1 bodies.err)" '*plain/patientnow: 415: *; where the EMR compresses, see "compressed" of its profile in pnow.conf(5)'

# ---- What an EMR wants to hear again

# ask PRACTICE QUERY [CURL-ARGUMENT…]: a GET; status, type and body of the answer.
ask()
{
	curl -s -m 60 -D headers -o answer -w '%{http_code} %{content_type} ' "${@:3}" "http://127.0.0.1:$port/hook/$1/patientnow?$2"
	cat answer
}
events_now
is "a challenge in the query is the answer, as plain text" "$(ask echo 'hub.mode=x&hub.challenge=a%2F1+b&x=1')" '200 text/plain a/1 b'
is "and no browser may take it for something else" "$(tr -d '\r' <headers | grep -ic '^x-content-type-options: nosniff$')" 1
is "HEAD has no body" "$(curl -sI -o /dev/null -w '%{http_code} %{content_type} %{size_download}' "http://127.0.0.1:$port/hook/echo/patientnow?hub.challenge=abc")" '200 text/plain 0'
is "nothing else of the query is" "$(ask echo 'challenge=abc')" '405 application/json {"error":"a hook takes POST, and GET with a challenge"}'
is "no markup is" "$(ask echo 'hub.challenge=%3Cscript%3E')" '400 application/json {"error":"the challenge is no printable ASCII"}'
is "no line break is" "$(ask echo 'hub.challenge=a%0D%0Ab')" '400 application/json {"error":"the challenge is no printable ASCII"}'
long=$(head -c 513 /dev/zero | tr '\0' x)
is "nothing long is" "$(ask echo "hub.challenge=$long") $(ask echo "hub.challenge=${long#x}" | wc -c)" \
	'400 application/json {"error":"the challenge is empty, or over 512 bytes"} 527'
is "where the profile says nothing of challenges, nothing is" "$(ask plain hub.challenge=abc)" '405 application/json {"error":"a hook takes POST only"}'
is "a profile may have both: a probe, and a challenge that is posted" "$(ask posted challenge=abc)" '200 application/json {"ok":true}'
printf '{"type":"url_verification","challenge":"a/1 b"}' >posts
send echo posts json $json
is "one in a body is the answer, whoever signed it" "$status $(<answer)" '200 a/1 b'
printf '{"challenge":"<b>"}' >posts
send posted posts posts $json
is "with the same limits" "$status $(jq -r .error answer)" '400 the challenge is no printable ASCII'
printf '{"event":"made","id":"c1","patient":7,"challenge":"abc"}' >posts
send echo posts json $json
is "an event is no challenge: its signature counts" "$status" 401
send echo posts posts $json
is "and it is taken" "$status $(last .id)" '200 "c1"'
is "no challenge is an event" "$(($(wc -l <events) - handled))" 1
is "as CGI, too" "$(GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=GET PATH_INFO=/echo/patientnow QUERY_STRING=hub.challenge=abc pnow-hook -c echo.json -- ./command.sh |
	tr -d '\r' | sed -n '1p;2p;$p' | xargs)" 'Status: 200 OK Content-Type: text/plain abc'
stop

# ---- Recorded

# recorded: the newest file.
recorded()
{
	find requests -name "*.json" -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2
}
listen records -c plain.json -r requests
curl -s -o /dev/null "http://127.0.0.1:$port/hook/plain/patientnow?hub.mode=x&hub.challenge=y"
printf 'payload=%s' "$(jq -nr '{event: "PatientCreated", eventId: "f4", patient: {id: 7, firstName: "Ann"}} | @uri')" >wrapped
send plain wrapped wrapped $form
is "a form that is refused is recorded" "$status $(jq -r .body "$(recorded)")" "415 $(<wrapped)"
form_request=$(recorded)
send plain json.gz json $json gzip
is "what is compressed is recorded as it was before" "$status $(jq -c .body "$(recorded)")" "415 $(<json)"
packed_request=$(recorded)
printf '{"challenge":"x"}' >posts
send plain posts posts $json
pnow-profile learn requests/* >learnt.json
is "all that was recorded makes a profile, a question without a body included" "$? $(pnow-profile check ./learnt.json | tail -n 1)" '0 ./learnt.json: sound'
is "that finds what is in a form" "$(pnow-profile -p ./learnt.json event "$form_request" | jq -c '[.type, .id, .patient.first_name]')" \
	'["patient.created","f4","Ann"]'
is "and says the challenges again" "$(sed 's#//.*##' learnt.json | jq -c .challenge)" '{"body":["/challenge"],"query":"hub.challenge"}'
is "of which no event is made" "$(pnow-profile -p ./learnt.json event requests/* | jq length)" 2
stop
holds "that takes forms" grep -q '"form": true' learnt.json
like "one that does not says so" "$(pnow-profile -p ./plain.profile explain "$form_request" 2>&1; echo $?)" \
	"pnow-profile: $form_request: a form: write \"form\": true into the profile
65"
is "a form alone is a body, too" "$(pnow-profile -p ./form.profile event body | jq -r .patient.first_name)" 'Ana María'
holds "a compressed body makes one that takes such" grep -q '"compressed": "unpacked"' <(pnow-profile learn "$packed_request")
finish
