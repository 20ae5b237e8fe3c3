#!/usr/bin/env bash
# pnow-hook -r: whole requests in files, for pnow-profile.
# shellcheck disable=SC2154 # from hook.bash: answer, status, port, root, token
# shellcheck source=tests/command/hook.bash
. "$(dirname "$0")/hook.bash"

practice signed America/Denver '"patientnow": {"verify": "hmac-sha256", "header": "X-Unknown", "secret_file": "secret"}'
sed -i 's/"pipelines"/"state": "events.db", &/' ./*.json
mkdir requests
listen records -c token.json -c signed.json -r requests

# recorded: the newest file.
recorded()
{
	find requests -name "*.json" -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2
}

body='{ "event": "PatientCreated", "eventId": "e1", "data": { "patientId": 7, "n": 12.10 } }'
post '/hook/token/patientnow?key=correct-horse-battery&x=1' -H 'X-Token: correct-horse-battery' -H 'X-Delivery: d-1' -H 'Authorization: Bearer abc'
is "an event is stored as ever" "$status" 200
is "the request is there: path, names, and the body as it came" "$(jq -c '[.method, .path, .headers["X-Delivery"], (.body | .data.n += 0)]' "$(recorded)")" \
	'["POST","/hook/token/patientnow","d-1",{"event":"PatientCreated","eventId":"e1","data":{"patientId":7,"n":12.1}}]'
holds "... to the last digit" grep -q '"n":12.10}' "$(recorded)"
is "credentials are left out" "$(jq -c '[.headers["X-Token"], .headers.Authorization, .query]' "$(recorded)")" '["...","Bearer ...","key=...&x=..."]'
is "nobody else reads it" "$(stat -c %a "$(recorded)")" 600
is "pnow-profile takes it for the body" "$(pnow-profile -p patientnow-pro explain "$(recorded)" | jq -r 'select(.name == "patient.id").at')" /patientId
signature=sha256=$(printf '%s' "$body" | openssl dgst -sha256 -hmac correct-horse-battery -binary | base64)
post /hook/signed/patientnow -H "X-Emr-Signature: $signature"
is "one that is refused is recorded, too" "$status $(jq -r '.headers["X-Emr-Signature"]' "$(recorded)")" "401 $signature"
like "and shows what signs it" "$(pnow-profile learn "$(recorded)" | grep '"verify"')" '*"header": "X-Emr-Signature", "prefix": "sha256="*'
body='a=1&b=2' content_type=application/x-www-form-urlencoded post /hook/token/patientnow
is "also what is no JSON, and its type" "$status $(jq -r '.headers["Content-Type"]' "$(recorded)")" "415 application/x-www-form-urlencoded"
curl -s -o /dev/null -I "http://127.0.0.1:$port/hook/token/patientnow"
is "and a question without a body" "$(jq -r .method "$(recorded)")" HEAD
before=$(find requests -type f | wc -l)
post /hook/nobody/patientnow
is "nothing of a practice that is not there" "$(find requests -type f | wc -l)" "$before"
stop
find requests -type f -exec touch -d '3 days ago' {} +
touch -d '3 days ago' requests/mine.json
listen later -c token.json -r requests -k 2
is "they are deleted after so many days, and nothing else is" "$(find requests -type f)" requests/mine.json
mv requests away
for i in 1 2; do
	body='{"event":"Ping"}' post /hook/token/patientnow -H "$token"
done
is "where they cannot be written, that is said once" "$status $i $(<later.err)" \
	"200 2 pnow-hook: requests: cannot record a request: No such file or directory"
mv away requests
stop
printf '{"event":"Ping"}' | GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=POST PATH_INFO=/token/patientnow CONTENT_TYPE=application/json CONTENT_LENGTH=16 \
	HTTP_X_TOKEN=correct-horse-battery HTTP_X_EVENT_NAME=Ping pnow-hook -c token.json -r requests >/dev/null
is "as CGI, too" "$(jq -c '.headers | del(."X-Token")' "$(recorded)")" '{"Content-Type":"application/json","Content-Length":"16","X-Event-Name":"Ping"}'
refuses "a folder that is not there" 78 'pnow-hook: -r nowhere: there is no such folder' -c token.json -r nowhere -l 127.0.0.1:0
refuses "days without a folder" 64 'pnow-hook: -k goes with -r: *' -c token.json -k 2 -l 127.0.0.1:0
finish
