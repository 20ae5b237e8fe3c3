#!/usr/bin/env bash
# Another EMR by a data file alone: the profiles of the examples, from a signed webhook to the CRM. What is sent is what the
# vendors publish (tests/samples/emr), signed as they say.
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"

samples=$root/tests/samples/emr
seed .
sandbox

# emr NAME: a practice with this EMR and its hook; no API of an EMR, and no secret for one.
emr()
{
	hook_stop
	practice "$1" '.patientnow = {profile: "'"$root"'/examples/profiles/'"$1"'.json"}
		| .hooks.patientnow = {verify: "hmac-sha256", secret_file: "emr.key"} | .crm.location_id = "'"$MAIN"'"'
	hook "$1"
}

# send NAME BODY HEADER…: a webhook, to the path of the sender $at; the status of the answer.
send()
{
	local name=$1 body=$2 header headers=()
	shift 2
	for header in "$@"; do
		headers+=(-H "$header")
	done
	curl -sS -o "$DIR/answer" -w '%{http_code}' -H 'Content-Type: application/json' "${headers[@]}" --data-binary "$body" "$URL/$name/${at:-patientnow}"
}

mac() # KEY-OPTION: the HMAC of standard input, base64.
{
	openssl dgst -sha256 "$@" -binary | base64
}

# in_crm: what the CRM has of Ana after her appointment.
in_crm()
{
	contact ana@example.com | jq -c '[.firstName, .lastName, .phone, .fields["Next Visit Service", "Next Visit Date", "PNOW Primary Employee", "PNOW Appt Status"],
		.opportunities[0].stage, (.notes | length)]'
}

# --- Mindbody: sha256=BASE64 in its header, a probe by HEAD and GET, an event's name that is called eventId

mindbody() # BODY: signed
{
	send mindbody "$1" "X-Mindbody-Signature: sha256=$(printf %s "$1" | mac -hmac 'the key that mindbody gave')"
}

printf 'the key that mindbody gave\n' >"$DIR/emr.key"
emr mindbody
body=$(<"$samples/mindbody.json")
is 'Mindbody: the hook is there when it asks' \
	"$(curl -sI -o /dev/null -w '%{http_code} ' "$URL/mindbody/patientnow"; curl -s -o /dev/null -w '%{http_code}' "$URL/mindbody/patientnow")" '200 200'
is 'a webhook without a signature is refused' "$(send mindbody "$body")" 401
is 'so is one with another key'\''s' "$(send mindbody "$body" "X-Mindbody-Signature: sha256=$(printf %s "$body" | mac -hmac other)")" 401
is 'so is a signature without what stands before it' \
	"$(send mindbody "$body" "X-Mindbody-Signature: $(printf %s "$body" | mac -hmac 'the key that mindbody gave')")" 401
is 'one that is signed is taken' "$(mindbody "$body") $(last_result | jq -r .status)" '200 done'
is 'and is in the CRM' "$(in_crm)" '["Ana","Lopez","+13035550142","Botox","2026-12-01","Rosa Reyes","Booked","Booked",1]'
cancelled=$(jq -c '.messageId = "m2" | .eventId = "appointmentBooking.cancelled" | del(.eventData.status)
	| .eventInstanceOriginationDateTime = "2026-11-20T17:05:00Z"' "$samples/mindbody.json")
is 'its note has the name of the EMR' "$(contact ana@example.com | jq -r '.notes[0]' | head -n 1)" 'Mindbody appointment'
again=$(jq -c '.messageId = "m1" | .eventInstanceOriginationDateTime = "2026-11-20T16:06:00Z"' "$samples/mindbody.json")
is 'and so may have the path of its hook' "$(at=mindbody mindbody "$again") $(at=boulevard mindbody "$again")" '200 404'
is 'an event whose name says the status' "$(mindbody "$cancelled") $(contact ana@example.com | jq -c '[.fields["PNOW Appt Status"], .opportunities[0].stage]')" \
	'200 ["Cancelled","Cancelled / No-Show"]'

# --- Boulevard: SALT:BODY, a key in base64, ids that are URNs, a name in one string

sandbox_reset
key=$(printf 'a key of thirty-two random bytes' | base64)
hex=$(printf 'a key of thirty-two random bytes' | od -An -v -tx1 | tr -d ' \n')
printf '%s\n' "$key" >"$DIR/emr.key"

boulevard() # BODY [SALT]: signed
{
	send boulevard "$1" "x-blvd-hmac-salt: ${2:-1763654700}" \
		"x-blvd-hmac-sha256: $(printf '1763654700:%s' "$1" | mac -mac HMAC -macopt "hexkey:$hex")"
}

emr boulevard
body=$(<"$samples/boulevard.json")
is 'Boulevard: a ping is answered' "$(boulevard '{"event":"ping"}') $(jq -c .ping "$DIR/answer")" '200 true'
is 'another salt is refused' "$(boulevard "$body" 1763654701)" 401
is 'and none' "$(send boulevard "$body" "x-blvd-hmac-sha256: $(printf '1763654700:%s' "$body" | mac -mac HMAC -macopt "hexkey:$hex")")" 401
is 'one that is signed is taken' "$(boulevard "$body") $(last_result | jq -r .status)" '200 done'
is 'and is in the CRM' "$(in_crm)" '["Ana","Lopez","+13035550142","Botox","2026-12-01","Rosa Reyes","Booked","Booked",1]'
is 'its client is known by a URN' "$(contact ana@example.com | jq -r '.fields["PNOW ID"]')" urn:blvd:Client:6623aa00-0000-4000-8000-000000000004
cancelled=$(jq -c '.idempotencyKey = "k2" | .event = "appointment.updated" | .data.node.cancelled = true | .timestamp = "2026-11-20T17:05:00Z"' \
	"$samples/boulevard.json")
is 'true is a status' "$(boulevard "$cancelled") $(contact ana@example.com | jq -r '.fields["PNOW Appt Status"]')" '200 Cancelled'
client='{"event":"client.updated","idempotencyKey":"k3","timestamp":"2026-11-20T18:05:00Z","data":{"node":{"id":"urn:blvd:Client:6623aa00-0000-4000-8000-000000000004","name":"Ana Lopez-Reyes","email":"ana@example.com","mobilePhone":"+13035550142"}}}'
is 'a client'\''s own body has its id where an appointment has its own' "$(boulevard "$client") $(contact ana@example.com | jq -r .lastName)" '200 Lopez-Reyes'
hook_stop
printf 'this is no base64 !!!!\n' >"$DIR/emr.key"
like 'a key that is none is told at the start' "$(pnow-hook -c "$DIR/boulevard.json" -l 127.0.0.1:0 2>&1)" \
	'*hooks.patientnow.secret_file: *emr.key: expected base64, as the profile says'

# --- A key in hex, signatures in hex with dashes

printf '%s\n' "$hex" >"$DIR/emr.key"
jq '.signature.key = "hex"' <(sed 's#^ *//.*##' "$root/examples/profiles/boulevard.json") >"$DIR/hex.profile"
practice boulevard '.patientnow = {profile: "./hex.profile"} | .hooks.patientnow = {verify: "hmac-sha256", secret_file: "emr.key"}'
hook boulevard
dashed() # BODY: its signature in hex with dashes, as .NET writes it
{
	printf '1763654700:%s' "$1" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$hex" -r | cut -d' ' -f1 | sed 's/../&-/g; s/-$//' | tr a-f A-F
}
ping='{"event":"ping"}'
is 'the key in hex, the signature in hex with dashes' "$(send boulevard "$ping" 'x-blvd-hmac-salt: 1763654700' "x-blvd-hmac-sha256: $(dashed "$ping")")" 200
is 'of another body it is refused' "$(send boulevard "$body" 'x-blvd-hmac-salt: 1763654700' "x-blvd-hmac-sha256: $(dashed "$ping")")" 401
hook_stop

# --- Several events in one body

cd "$DIR" || exit
jq -n '{event: {list: ["/events", "/"], name: ["@X-Kind", "/kind"], id: ["/id", "@X-Delivery"], data: ["/data"]},
	events: {changed: "patient.updated", made: "patient.created", hello: "ping"}, patient: {fields: {id: ["/id"], first_name: ["/name"], email: ["/email"]}}}' >many.profile
practice many '.patientnow = {profile: "./many.profile"} | .hooks.patientnow = {verify: "none"} | .pipelines = "non-surgical"'
pnow-hook -c many.json -l 127.0.0.1:0 -p many.port >/dev/null 2>many.err &
HOOK=$!
URL=http://127.0.0.1:$(port_in many.port)/hook
kept() # what the inbox has
{
	pnow-inbox -c many.json list | jq -r '[.id, .type] | join(" ")' | sort | xargs
}
three='{"events":[{"kind":"made","id":"e1","data":{"id":1,"name":"Ana"}},{"kind":"hello","id":"e2"},{"kind":"changed","id":"e3","data":{"id":1,"name":"Ann"}}]}'
is 'each event of a body is one of its own, and a ping is none' "$(send many "$three") $(kept)" '200 e1 patient.created e3 patient.updated'
is 'sent again they are known' "$(send many "$three") $(kept)" '200 e1 patient.created e3 patient.updated'
is 'a body may be the list, its name and id in headers' \
	"$(send many '[{"data":{"id":2}},{"data":{"id":3}},{"data":{"id":4}}]' 'X-Kind: made' 'X-Delivery: d7') $(kept)" \
	'200 d7 patient.created d7/2 patient.created d7/3 patient.created e1 patient.created e3 patient.updated'
is 'one without an event is refused' "$(send many '{"events":[]}') $(jq -r .error answer)" '400 the body holds no event where the profile expects them'
is 'so is one that holds a name twice in an event' "$(send many '[{"kind":"made","kind":"made"}]') $(jq -r .error answer)" \
	"400 a name is given twice in the body's object"
is 'and one that holds too many' "$(send many "$(jq -nc '[range(1001) | {kind: "made", id: .}]')") $(jq -r .error answer)" '400 the body holds 1001 events: expected 1000 at most'
is 'a thousand are taken' "$(send many "$(jq -nc '[range(1000) | {kind: "made", id: "m\(.)"}]')") $(kept | grep -o ' m[0-9]* ' | wc -l)" '200 1000'
hook_stop

# --- No API: nobody is asked, and that is no mistake

is 'what would ask an API says that there is none' "$(pnow-fetch -c "$DIR/mindbody.json" -l patient -s 1d 2>&1; echo $?)" \
	"pnow-fetch: the profile $root/examples/profiles/mindbody.json has no base_url: this EMR has no API to ask
78"
is 'and crm-setup does not miss it' "$(crm-setup -c "$DIR/mindbody.json" | jq -r 'select(.check == "PatientNow") | .state')" skipped
# --- An API whose key is in a header of its own, and whose lists stand below "data"

cat >"$DIR/api.pl" <<'END'
use IO::Socket::INET;
my $server = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die;
open(my $port, '>', "$ARGV[0].new"); print $port $server->sockport; close $port; rename "$ARGV[0].new", $ARGV[0];
while (my $c = $server->accept) {
	my ($list, $id) = ('data', 7); # its name is the path, but for clients
	while (<$c>) { s/\r\n//; last if $_ eq ''; print "$_\n"; $list = $1 if m#^GET /(results|items|top)#; $id = 7 + $1 if /skip=(\d)/; }
	STDOUT->flush;
	my $rows = '[{"id":' . $id . ',"firstName":"Ana","email":"ana@example.com"}]';
	my $body = $list eq 'top' ? $rows : "{\"$list\":$rows,\"total\":2}";
	print $c "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
	close $c;
}
END
perl "$DIR/api.pl" "$DIR/api.port" >"$DIR/api.requests" &
started+=($!)
printf 'the key of its own\n' >"$DIR/api.key"
jq -n --arg url "http://127.0.0.1:$(port_in "$DIR/api.port")" '{base_url: $url, apikey_header: "X-Api-Key",
	paging: {offset: "skip", rows: "take", size: 1, total: ["/total"]}, event: {name: ["=x"]}, patient: {get: "clients/{id}", list: "clients", fields: {id: ["/id"], first_name: ["/firstName"]}}}' >"$DIR/key.profile"
practice key '.patientnow = {profile: "./key.profile", apikey_file: "api.key"}'
cd "$DIR" || exit
is 'the list below data' "$(pnow-fetch -c key.json -l patient -s 2020-01-01 | jq -c '[.id, .firstName]' | xargs)" '[7,Ana] [8,Ana]'
is 'page by page, by an offset' "$(grep -o 'GET [^ ]*' api.requests | xargs)" 'GET /clients?skip=0&take=1 GET /clients?skip=1&take=1'
is 'the key is in its header, and nothing is in Authorization' "$(grep -i '^x-api-key\|^authorization' api.requests | sort -u)" 'X-Api-Key: the key of its own'

for place in results items top; do
	jq --arg place $place '.patient.list = $place | .paging = {rows: "take", size: 2}' key.profile >place.profile
	jq '.patientnow.profile = "./place.profile"' key.json >place.json
	is "the list at $place" "$(pnow-fetch -c place.json -l patient -s 2020-01-01 | jq -r .firstName)" Ana
done
is 'what it does not have is not asked for' "$(pnow-fetch -c key.json bill 7 2>&1; echo $?)" \
	$'pnow-fetch: the profile ./key.profile has no bill.get: this EMR cannot be asked for one\n78'

for profile in mindbody boulevard; do
	like "$profile: its profile is sound" "$(pnow-profile check "$root/examples/profiles/$profile.json" | tail -n 1)" '*: sound'
done
finish
