#!/usr/bin/env bash
# What pnow-hook(1) promises of who a sender is: every verify scheme, right and wrong, over real sockets; and which secrets and
# keys it does not start with. Needs curl and openssl.
# shellcheck source=tests/command/hook.bash
. "$(dirname "$0")/hook.bash"

printf 'whsec_%s' "$(printf 'battery-staple-0123456789' | base64)" >standard
printf 'raw-standard-secret' >raw
printf 'the-secret-of-yesterday' >old
printf 'the-secret-of-tomorrow' >new
chmod 600 standard raw old new
openssl genpkey -algorithm ed25519 -out ed25519.pem
openssl pkey -in ed25519.pem -pubout -out ed25519.pub
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem 2>/dev/null
openssl pkey -in rsa.pem -pubout -out rsa.pub
openssl pkey -in ed25519.pem -pubout -outform DER | tail -c 32 | base64 >ed25519.base64

practice hmac America/Denver '"patientnow": {"verify": "hmac-sha256", "header": "X-Signature", "secret_file": "secret"},
	"crm": {"verify": "hmac-sha256", "header": "X-Hub-Signature-256", "prefix": "sha256=", "secret_file": "secret"}'
practice standard Asia/Tokyo '"patientnow": {"verify": "standard-webhooks", "secret_file": "standard"},
	"crm": {"verify": "standard-webhooks", "secret_file": "raw", "max_age": 60}'
practice svix Asia/Tokyo '"crm": {"verify": "standard-webhooks", "header": "Svix-Signature", "secret_file": "standard"}'
practice keys America/Denver '"crm": {"verify": "ed25519", "key_file": "ed25519.pub"},
	"patientnow": {"verify": "rsa-sha256", "key_file": "rsa.pub"}'
practice rotating America/Denver '"patientnow": {"verify": "hmac-sha256", "header": "X-Signature", "secret_file": ["old", "new"]},
	"crm": {"verify": "standard-webhooks", "secret_file": ["standard", "new"]}'
practice base64 America/Denver '"crm": {"verify": "ed25519", "header": "X-Other", "key_file": "ed25519.base64"}'

# hmac SECRET: the code of what is on stdin, in hex; hmac_base64 SECRET: in base64.
hmac()
{
	openssl dgst -sha256 -hmac "$1" | sed 's/.* //'
}

hmac_base64()
{
	openssl dgst -sha256 -hmac "$1" -binary | base64 -w0
}

# ed25519 TEXT, rsa TEXT: its signature, in base64.
ed25519()
{
	printf '%s' "$1" >signed
	openssl pkeyutl -sign -rawin -inkey ed25519.pem -in signed | base64 -w0
}

rsa()
{
	printf '%s' "$1" | openssl dgst -sha256 -sign rsa.pem | base64 -w0
}

# refusal PROMISE: the answer is a 401 that tells nothing, and no event came.
refusal()
{
	is "$1: 401" "$status $answer $(wc -l <events)" "401 {\"error\":\"the sender could not be verified\"} $handled"
}

listen main -v -c token.json -c basic.json -c hmac.json -c standard.json -c svix.json -c keys.json -c base64.json -c rotating.json -- ./command.sh

# ----- the schemes

body='{"event":"PatientCreated","eventId":"v1","do":"nothing"}'
events_now
post /hook/token/patientnow -H 'X-Token: correct-hors'
refusal "token cut short"
post /hook/token/patientnow -H 'X-Token: correct-horse-battery-'
refusal "token too long"
post /hook/token/patientnow -H 'X-Token;'
refusal "token empty"
post /hook/token/patientnow
refusal "token missing"
post '/hook/token/patientnow?key=wrong'
refusal "token wrong in the query"
post '/hook/token/patientnow?KEY=correct-horse-battery&xkey=correct-horse-battery'
refusal "token in another parameter"
post '/hook/token/crm' -H 'Authorization: correct-horse-battery'
refusal "token without its prefix"
post '/hook/token/patientnow?x=y&key=correct%2Dhorse-battery'
is "token: right in the query" "$status" 200
post '/hook/token/crm' -H 'Authorization: Bearer correct-horse-battery'
is "token: right with its prefix" "$status" 200

events_now
post /hook/basic/patientnow -u pnow:correct-horse-battery
is "basic: right" "$status" 200
events_now
post /hook/basic/patientnow -u pnow:wrong
refusal "basic with another password"
post /hook/basic/patientnow -u other:correct-horse-battery
refusal "basic with another user"
post /hook/basic/patientnow -H 'Authorization: Basic cG5vdzpjb3JyZWN0LWhvcnN'
refusal "basic cut short"
post /hook/basic/patientnow -H 'Authorization: Bearer correct-horse-battery'
refusal "another scheme than basic"
post /hook/basic/patientnow
refusal "basic missing"
is "basic: 401 asks for it" "$(tr -d '\r' <headers | grep -i ^www-auth)" 'WWW-Authenticate: Basic realm="pnow-hook"'
post /hook/basic/crm
is "none: taken as it comes" "$status" 200

events_now
mac=$(printf '%s' "$body" | hmac correct-horse-battery)
post /hook/hmac/patientnow -H "X-Signature: ${mac%?}"
refusal "HMAC cut short"
post /hook/hmac/patientnow -H "X-Signature: $(printf '%s ' "$body" | hmac correct-horse-battery)"
refusal "HMAC of another body"
post /hook/hmac/patientnow -H "X-Signature: $(printf '%s' "$body" | hmac wrong-horse)"
refusal "HMAC with another secret"
post /hook/hmac/patientnow -H "X-Signature: sha256=$mac"
refusal "HMAC with a prefix that is not configured"
post /hook/hmac/crm -H "X-Hub-Signature-256: $mac"
refusal "HMAC without its prefix"
post /hook/hmac/patientnow -H 'X-Signature;'
refusal "HMAC empty"
post /hook/hmac/patientnow
refusal "HMAC missing"
post /hook/hmac/patientnow -H "X-Signature: $mac"
is "HMAC: right in hex" "$status" 200
post /hook/hmac/patientnow -H "X-Signature: ${mac^^}"
is "HMAC: right in upper case hex" "$status" 200
post /hook/hmac/patientnow -H "X-Signature: $(printf '%s' "$body" | hmac_base64 correct-horse-battery)"
is "HMAC: right in base64" "$status" 200
post /hook/hmac/crm -H "X-Hub-Signature-256: sha256=$mac"
is "HMAC: right with its prefix" "$status" 200

# standard ID TIMESTAMP SECRET: the signature of $body.
standard()
{
	printf 'v1,%s' "$(printf '%s.%s.%s' "$1" "$2" "$body" | hmac_base64 "$3")"
}

# post_standard SENDER ID TIMESTAMP SIGNATURE: with the headers of the scheme.
post_standard()
{
	post "/hook/standard/$1" -H "webhook-id: $2" -H "webhook-timestamp: $3" -H "webhook-signature: $4"
}

whsec=battery-staple-0123456789
now=$(date +%s)
events_now
post_standard patientnow w1 "$now" "$(standard w1 "$now" wrong)"
refusal "standard-webhooks with another secret"
post_standard patientnow w2 "$now" "$(standard w1 "$now" $whsec)"
refusal "standard-webhooks with another id"
post_standard patientnow w1 $((now + 1)) "$(standard w1 "$now" $whsec)"
refusal "standard-webhooks with another timestamp"
signed=$(standard w1 "$now" $whsec)
post_standard patientnow w1 "$now" "${signed%?????}"
refusal "standard-webhooks cut short"
post_standard patientnow w1 "$now" "${signed#v1,}"
refusal "standard-webhooks without its version"
post /hook/standard/patientnow -H 'webhook-id: w1' -H "webhook-timestamp: $now"
refusal "standard-webhooks without a signature"
post /hook/standard/patientnow -H "webhook-timestamp: $now" -H "webhook-signature: $signed"
refusal "standard-webhooks without an id"
post /hook/standard/patientnow -H 'webhook-id: w1' -H "webhook-signature: $signed"
refusal "standard-webhooks without a timestamp"
for stamp in $((now - 4000)) $((now + 4000)) yesterday "" "-$now" "$now.5"; do
	post_standard patientnow w1 "$stamp" "$(standard w1 "$stamp" $whsec)"
	refusal "standard-webhooks: timestamp \"${stamp/$now/now}\""
done
post_standard crm w1 $((now - 90)) "$(standard w1 $((now - 90)) raw-standard-secret)"
refusal "standard-webhooks: older than max_age"
post_standard patientnow w1 $((now - 90)) "$(standard w1 $((now - 90)) $whsec)"
is "standard-webhooks: right with a whsec_ secret, 90 s old" "$status" 200
now=$(date +%s)
post_standard crm w1 "$now" "v1,AAAA v1a,xyz $(standard w1 "$now" raw-standard-secret)"
is "standard-webhooks: right with a raw secret, last in a list" "$status" 200
is "standard-webhooks: webhook-id is the event's id where the body has none" "$answer" '{"id":"w1"}'
signed=$(standard s1 "$now" $whsec)
post /hook/svix/crm -H 'svix-id: s1' -H "svix-timestamp: $now" -H "svix-signature: $signed"
is "standard-webhooks by Svix's headers: right, and the event's id" "$status $answer" '200 {"id":"s1"}'
events_now
post /hook/svix/crm -H 'webhook-id: s1' -H "webhook-timestamp: $now" -H "svix-signature: $signed"
refusal "standard-webhooks by Svix's headers, but for id and timestamp"

# ----- one secret takes another's place

# signs SECRET: what a webhook is answered that is signed with it.
signs()
{
	post /hook/rotating/patientnow -H "X-Signature: $(printf '%s' "$body" | hmac "$1")"
	printf '%s\n' "$status"
}
is "two secrets side by side: either is right, another is not" \
	"$(signs the-secret-of-yesterday) $(signs the-secret-of-tomorrow) $(signs the-secret-of-today)" '200 200 401'
# signs_standard SECRET: by Standard Webhooks
signs_standard()
{
	post /hook/rotating/crm -H 'webhook-id: w1' -H "webhook-timestamp: $now" -H "webhook-signature: $(standard w1 "$now" "$1")"
	printf '%s\n' "$status"
}
is "two secrets side by side, one in base64 and one as it is" \
	"$(signs_standard $whsec) $(signs_standard the-secret-of-tomorrow) $(signs_standard whsec)" '200 200 401'
printf 'the-secret-of-next-week' >new
is "a secret that is changed while the hook runs: the new one is right, the old one no more" \
	"$(signs the-secret-of-next-week) $(signs the-secret-of-tomorrow) $(signs the-secret-of-yesterday)" '200 401 200'
rm old
is "a secret whose file is gone: what it held counts" "$(signs the-secret-of-yesterday)" 200
is "each is said once" "$(grep -c 'the secret file new has changed' main.err) $(grep -c 'cannot read the secret file old: .*: what it held before counts' main.err)" '1 1'

# signed BODY: posts it with its Ed25519 signature.
signed()
{
	body=$1
	post /hook/keys/crm -H "X-GHL-Signature: $(ed25519 "$1")"
}
crm='{"type":"ContactTagUpdate","webhookId":"c1","tags":["pnowcreate"]}'
signed "$crm"
is "ed25519: right" "$status $answer" '200 {"id":"c1"}'
like "a tag event is one" "$(tail -1 events)" '{"id":"c1","type":"contact.tagged","practice":"keys",*'
post /hook/base64/crm -H "X-Other: $(ed25519 "$body")"
is "ed25519: right with a key in base64, in a header of its own" "$status" 200
events_now
signed=$(ed25519 "$body")
post /hook/keys/crm -H "X-GHL-Signature: ${signed%?????}"
refusal "ed25519 cut short"
post /hook/keys/crm -H "X-GHL-Signature: $(ed25519 "$body ")"
refusal "ed25519 of another body"
post /hook/keys/crm -H "X-GHL-Signature: !$signed"
refusal "ed25519 that is no base64"
post /hook/keys/crm -H "X-GHL-Signature;"
refusal "ed25519 empty"
post /hook/keys/crm
refusal "ed25519 missing"
post /hook/keys/crm -H "X-WH-Signature: $signed"
refusal "ed25519 in another header"

# stamp SECONDS: the time so far away, RFC 3339 in UTC.
stamp()
{
	date -u -d "@$((now + $1))" +%Y-%m-%dT%H:%M:%S.000Z
}

now=$(date +%s)
for stamp in "\"$(stamp -4000)\"" "\"$(stamp 4000)\"" "$(((now - 4000) * 1000))" "$now" '"soon"' '{}' '1e12'; do
	signed "{\"type\":\"ContactTagUpdate\",\"timestamp\":$stamp}"
	refusal "ed25519: stale or senseless timestamp ${stamp//[0-9]/9}"
done
for stamp in "\"$(stamp -90)\"" "\"$(date -d "@$now" +%Y-%m-%dT%H:%M:%S%:z)\"" "$((now * 1000 + 50))" null; do
	signed "{\"type\":\"ContactTagUpdate\",\"timestamp\":$stamp}"
	is "ed25519: timestamp ${stamp//[0-9]/9} is taken" "$status" 200
done
signed '{"type":"ContactTagUpdate","x"'
is "a signed body that is no JSON: 400" "$status" 400
body='{"event":"PatientCreated","eventId":"r1"}'
post /hook/keys/patientnow -H "X-WH-Signature: $(rsa "$body")"
is "rsa-sha256: right" "$status" 200
events_now
post /hook/keys/patientnow -H "X-WH-Signature: $(rsa "$body ")"
refusal "rsa-sha256 of another body"
signed=$(rsa "$body")
post /hook/keys/patientnow -H "X-WH-Signature: ${signed%????????}"
refusal "rsa-sha256 cut short"
post /hook/keys/patientnow
refusal "rsa-sha256 missing"
is "why a sender was refused is on stderr" "$(grep -c 'keys/patientnow: 401: ' main.err)" 3

is "no message tells secrets or bodies" "$(grep -ciE 'correct|horse|staple|example\.com|pnowcreate|key=' main.err)" 0
stop

# ----- secrets and keys that it does not start with

# broken PROMISE WORDS HOOK: a practice with this hook for PatientNow.
broken()
{
	practice broken UTC "\"patientnow\": $3"
	refuses "$1: 78" 78 "$2" -c broken.json -l 127.0.0.1:0 -- true
}
printf 'x' >open
chmod 644 open
printf 'whsec_?battery-staple' >nobase
: >nothing
printf '\0correct-horse-battery' >nul
printf 'correct-\0horse-battery' >nul-inside
printf 'correct-horse' >short
printf 'whsec_AA==' >short-standard
head -c 15 /dev/zero | base64 | sed 's/^/whsec_/' >fifteen-zeroes
chmod 600 nobase nothing nul nul-inside short short-standard fifteen-zeroes
broken "a secret that others can read" '*broken.json: hooks.patientnow.secret_file*0600*' \
	'{"verify":"token","header":"X","secret_file":"open"}'
broken "a secret that is missing" '*hooks.patientnow.secret_file*nofile*' '{"verify":"token","header":"X","secret_file":"nofile"}'
broken "a secret that is empty" '*hooks.patientnow.secret_file*empty*' '{"verify":"basic","user":"x","secret_file":"nothing"}'
broken "a whsec_ secret that is no base64" '*nobase: expected base64 after whsec_' \
	'{"verify":"standard-webhooks","secret_file":"nobase"}'
for verify in '"token","header":"X"' '"basic","user":"x"' '"hmac-sha256","header":"X"' '"standard-webhooks"'; do
	broken "$verify: a secret that begins with a NUL is not an empty one, with which anybody could sign" \
		'*secret_file: the secret file *nul has a NUL byte *openssl rand*' "{\"verify\":$verify,\"secret_file\":\"nul\"}"
	broken "$verify: a secret with a NUL in it" '*secret_file: *nul-inside has a NUL byte *openssl rand*' \
		"{\"verify\":$verify,\"secret_file\":\"nul-inside\"}"
	broken "$verify: a secret that could be guessed" '*secret_file: *short has 13 bytes, expected 16 or more: *openssl rand*' \
		"{\"verify\":$verify,\"secret_file\":\"short\"}"
done
broken "a whsec_ secret of one byte" '*short-standard has 10 bytes, expected 16 or more: *whsec_*openssl rand -base64*' \
	'{"verify":"standard-webhooks","secret_file":"short-standard"}'
broken "a whsec_ secret of 15" '*fifteen-zeroes has 15 bytes after whsec_, expected 16 or more: *' \
	'{"verify":"standard-webhooks","secret_file":"fifteen-zeroes"}'
broken "a key that is none" '*hooks.patientnow.key_file: *nobase: expected an Ed25519 public key*' \
	'{"verify":"ed25519","key_file":"nobase"}'
broken "a key of another kind" '*rsa.pub: expected an Ed25519 public key*' '{"verify":"ed25519","key_file":"rsa.pub"}'
broken "a key of another kind, the other way" '*ed25519.pub: expected an RSA public key*' \
	'{"verify":"rsa-sha256","key_file":"ed25519.pub"}'
broken "a key that is missing" '*hooks.patientnow.key_file: *nofile: No such file*' '{"verify":"rsa-sha256","key_file":"nofile"}'

finish
