#!/usr/bin/env bash
# pnow-sync is the pipeline of a shell without the shell: the same results, a mistake in the configuration told once, and never
# success where a filter could not start or failed.
# shellcheck disable=SC2154 # from tap.sh
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"

make_secrets .
cp "$root"/examples/practice/*.csv .
sed -e '/^ *\/\//d' -e 's#8042#1#' "$root/examples/rehearsal/glow-denver.json" >practice.json
export PNOW_CONFIG=$work/practice.json
printf '%s\n' '{"id":"1","type":"patient.created","practice":"glow-denver","patient":{"id":"7","first_name":"Ana","last_name":"Lopez","email":"a@example.com","phone":""}}' \
	'{"id":"2","event":"RoomCleaned"}' 'no JSON' >events
{
	cat events
	tr -d '\n' <"$root/examples/webhooks/contact.tagged.json"
	# what fails, and where: in pnow-enrich, in crm-map twice, and in one whose error it carries
	printf '\n%s\n' '{"id":"3","type":"patient.created","practice":"other","patient":{"id":"7"}}' '{"id":"4","type":"room.cleaned"}' \
		'{"id":"5","type":"appointment.booked","practice":"glow-denver","appointment":{"type":"Tea","start":"2026-12-01T10:00:00"},"patient":{"id":"7","first_name":"Ana","last_name":"Lopez","email":"a@example.com","phone":""}}' \
		'{"id":"6","type":"bill.completed","bill":{"id":"1","total":"much"},"patient":{"id":"7","first_name":"Ana","last_name":"Lopez","email":"a@example.com","phone":"","dob":""}}' \
		'{"id":"7","type":"bill.completed","bill":{"id":"1"},"error":{"stage":"one of yours","code":"late","message":"too late","retry":false}}'
	# two of a type that the sheet lacks, which is told once
	printf '{"id":"%d","type":"appointment.booked","practice":"glow-denver","appointment":{"id":"%d","status":"booked","type":"Tea","start":"2026-12-01T10:00:00"},"patient":{"id":"7","first_name":"Ana","last_name":"Lopez","email":"a@example.com","phone":""}}\n' 8 8 9 9
} >all

(set -o pipefail; pnow-enrich -o <all | categorize | crm-map | pnow-push -n | crm-push -n; echo "status $?") >want 2>want.err
(pnow-sync -no <all; echo "status $?") >got 2>got.err
is 'a dry run gives what the filters in a row give' "$(<got)" "$(<want)"
is 'and its words' "$(sed 's/^[^:]*//' got.err)" "$(sed 's/^[^:]*//' want.err)"
is 'each error has the name of its filter' "$(sed '$d' got | jq -r 'select(.error) | .error.stage' | sort | uniq -c | xargs)" '2 crm-map 1 one of yours 2 pnow-enrich'

# Each golden case, with a CRM.
for folder in "$root"/tests/golden/*/; do
	[ -e "$folder/in.ndjson" ] || continue
	cp -R "$folder" case
	make_secrets case
	sed 's#^ *//.*##' "$folder/conf.json" | jq '. + {state: "s.db", crm: {base_url: "http://127.0.0.1:1", location_id: "l", token_file: "crm.token"}}' \
		>case/conf.json
	(
		cd case || exit
		export PNOW_CONFIG=conf.json
		pnow-enrich -o <in.ndjson 2>/dev/null | categorize 2>/dev/null | crm-map | pnow-push -n | crm-push -n
	) >want 2>/dev/null
	(cd case && PNOW_CONFIG=conf.json pnow-sync -no <in.ndjson) >got 2>/dev/null
	is "$(basename "$folder"): $(wc -l <want) lines, as the filters in a row give" "$(diff want got | head -n 4)$([ -s want ] || echo nothing)" ''
	rm -rf case
done

# What pnow-enrich makes longer than a line may be.
printf '{"event":"AppointmentCreated","eventId":"long","practiceId":"4711","data":{"patientId":"7","firstName":"Ana","lastName":"Lopez","email":"a@example.com","cellPhone":"","appointmentId":"1","appointmentType":"Botox","status":"Booked","startTime":"2026-12-01T15:30:00-07:00","reason":"%0600000d"}}\n' 0 >long
is 'a record that has become too long: the error is the filter'\''s that has made it so' \
	"$(pnow-sync -n <long 2>&1 | jq -r '.error | .stage + " " + .code' | uniq)" "$(pnow-enrich <long | jq -r '.error | .stage + " " + .code' | uniq)"

like 'the request is among it' "$(<got)" '*"path":"/contacts/upsert"*'

for wrong in '.timezone = "Mars"' '.categories = "none.csv"'; do
	jq "$wrong" practice.json >wrong.json
	pnow-sync -c wrong.json <events >out 2>err
	is "$wrong: status 78" $? 78
	is "$wrong: told once" "$(wc -l <err)" 1
	is "$wrong: nothing is written" "$(wc -c <out)" 0
done

# Neither of the two processes ends well without the other. Nobody is asked for anything.
mkfifo pipe
# begin: starts it, with its input held open, and one event through.
begin()
{
	pnow-sync -n <pipe >out 2>err &
	sync=$!
	exec 7>pipe
	sed 1q events >&7
	until_true test -s out
	push=$(pgrep -P "$sync")
}

# ended PROMISE STATUS: its status, and that the other process has ended, too.
ended()
{
	wait "$sync"
	is "$1" "$? $(until_true gone "$push" && echo 'both have ended')" "$2 both have ended"
	exec 7>&-
}

requests_are()
{
	[ "$(wc -l <out)" -eq "$1" ]
}

begin
is 'an event goes out with more to come' "$(jq -r .method out | sed 1q)" POST
exec 7>&-
ended 'when all that came is done, the status is 0' 0
printf 'no JSON\n' | pnow-sync -n >out 2>err
is 'the status where an event has an error' "$? $(jq -r .error.code out)" '1 malformed'
begin
kill -KILL "$push"
ended 'crm-push was killed' 137
begin
kill -KILL "$sync"
ended 'what comes before it was killed' 137
for signal in TERM INT; do
	begin
	requests=$(wc -l <out)
	kill -$signal "$push"
	sed 1q events >&7
	until_true requests_are $((2 * requests))
	is "SIG$signal to crm-push: it goes on" "$(wc -l <out)" $((2 * requests))
	kill -$signal "$sync"
	ended "SIG$signal: the input has ended" $((128 + $(kill -l $signal)))
done
pnow-sync -n <pipe 2>err | sed 1q >out &
sync=$!
exec 7>pipe
sed 1q events >&7
until_true test -s out
until_true gone "$sync"
is 'nobody reads what it writes: it has ended, with more to come' "$(jq -r .method out)" POST
exec 7>&-
pnow-sync -n <&- >out 2>err
is 'without an input' "$? $(wc -c <out)" '74 0'
finish
