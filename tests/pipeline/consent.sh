#!/usr/bin/env bash
# Consent, with "dnd": who unsubscribes in PatientNow is not disturbed in the CRM, and what others have set there stays theirs.
# shellcheck source=tests/pipeline/common.bash disable=SC2119
. "$(dirname "$0")/common.bash"
export PNOW_CONFIG=$DIR/test.json

# begin [SETTINGS]: Ana is a contact, with these do-not-disturb settings.
begin()
{
	sandbox_stop
	state_remove "$DIR/test.db"
	seed ".crm.locations[0].contacts = [{id: \"ana1\", firstName: \"Ana\", email: \"ana@example.com\", dndSettings: ${1:-{\}}}]"
	sandbox
	practice test '.dnd = true'
}

# told true|false: PatientNow tells it of Ana, a second after what it told before.
told()
{
	echo >>"$DIR/told"
	local number=$((10 + $(wc -l <"$DIR/told")))
	event patient.updated "e$number" "2026-12-01T10:00:${number}Z" "{patient: (\$ana + {unsubscribed: $1})}" |
		categorize | crm-map | crm-push >"$DIR/results"
	jq -r '"\(.status) \([.actions[]? | select(.op == "dnd.set") | .status] | first // "none")"' "$DIR/results"
}

settings()
{
	curl -sS "$API/crm/contacts/ana1" -H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28' |
		jq -c '.contact.dndSettings // {} | map_values(.status)'
}

puts()
{
	requests 'select(.method == "PUT" and .body.dndSettings) | .n' | wc -l
}

begin
is 'subscribed, and nothing was set: no request' "$(told false) $(puts)" 'done unchanged 0'
is 'whoever unsubscribes is not disturbed by e-mail and SMS' "$(told true) $(settings)" 'done done {"Email":"active","SMS":"active"}'
is 'told again it costs nothing' "$(told true) $(puts)" 'unchanged none 1'
is 'whoever subscribes again is' "$(told false) $(settings)" 'done done {"Email":"inactive","SMS":"inactive"}'

begin '{Email: {status: "active"}, Call: {status: "active", message: "nights"}}'
is 'what was set already, and other channels, stay as they are' "$(told true) $(settings)" 'done done {"SMS":"active","Email":"active","Call":"active"}'
is 'and only what was set here is taken back' "$(told false) $(settings)" 'done done {"SMS":"inactive","Email":"active","Call":"active"}'

begin '{Email: {status: "permanent"}, SMS: {status: "active"}}'
is 'all is set: nothing is written, and nothing is taken back' "$(told true) $(told false) $(puts)" 'done unchanged done unchanged 0'

begin
told true >/dev/null
curl -sS -X PUT -o /dev/null -H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28' -H 'Content-Type: application/json' \
	-d '{"dndSettings": {"Email": {"status": "active"}, "SMS": {"status": "permanent"}}}' "$API/crm/contacts/ana1"
is 'what somebody has asked for good, by STOP, is not taken back' "$(told false) $(settings | jq -cS .)" 'done done {"Email":"inactive","SMS":"permanent"}'

begin
fault reset-after method=PUT skip=1 count=1
told true >/dev/null
faults_end
is 'an answer that was lost: it is known as ours all the same' "$(told false) $(settings)" 'done done {"Email":"inactive","SMS":"inactive"}'

begin
practice test
is 'without the setting nothing is set' "$(told true) $(settings)" 'done none {}'
practice test '.dnd = true'
is 'with it, who had unsubscribed before is not disturbed from the next word on' "$(told true) $(settings)" 'done done {"Email":"active","SMS":"active"}'
finish
