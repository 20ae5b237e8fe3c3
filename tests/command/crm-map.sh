#!/usr/bin/env bash
# crm-map: the same in, the same out, whatever stood before; what it leaves to others; no line that it writes names a value
# that it left out. What it makes of each event is in tests/golden.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"

cat >conf.json <<'T'
{ "practice": "glow-denver", "timezone": "America/Denver", "pipelines": "non-surgical",
  "workflows": { "appointments": "PatientNow Appointments Update" } }
T
export PNOW_CONFIG=conf.json

cat "$root"/tests/golden/{six-workflows,times,wrong-values}/out.ndjson >mapped
crm-map <mapped 2>said | cmp -s - <(crm-map <mapped | crm-map) && pass "what is mapped twice is mapped the same" || fail "what is mapped twice is mapped the same"
jq -c 'select(.error|not)|del(.actions,.warnings)' mapped >unmapped
crm-map <unmapped >one
tac unmapped | crm-map | tac >two
holds "no event changes another" cmp one two
TZ=Asia/Tokyo crm-map <unmapped >two
holds "nor does the machine's time zone" cmp one two
LC_ALL=C crm-map <unmapped >two
holds "nor its locale" cmp one two

line='{"type":"contact.tagged","contact":{"id":"x"},"actions":[{"op":"tag.remove","tags":["pnowcreate"]}]}'
is "the actions of a tagged contact are pnow-push's" "$(crm-map <<<"$line")" "$line"
line='{"id":"1","event":"PatientArchived","ignored":"not mapped"}'
is "what is ignored stays so" "$(crm-map <<<"$line")$?" "${line}0"

crm-map >out <<'T'
{"id":"1","type":"patient.created","patient":{"id":"10234","first_name":"Zaphod","last_name":"Beeblebrox","email":"zaphod at example","phone":"forty-two"}}
{"id":"2","type":"bill.completed","patient":{"id":"10234","dob":"unknown-birthday"},"bill":{"id":"991","total":"secret amount"}}
T
is "what is left out is told, and not what it was" "$(jq -r '(.warnings[]?),(.error.message//empty)' out | grep -ciE 'zaphod|forty|birthday|secret')" 0
is "each thing once" "$(head -n 1 out | jq -c '.warnings|length')" 2
is "warnings that stood there stay" "$(crm-map <<<'{"type":"patient.created","warnings":["old"],"patient":{"id":"1","phone":"x"}}' | jq -c .warnings)" \
	'["old","patient.phone is no phone number: left out"]'

map()
{
	crm-map <<<"$1" | jq -c "$2"
}
is "the contact comes first, the opportunity last" \
	"$(map '{"type":"appointment.booked","stage":"Booked","pipeline":"non-surgical","patient":{"id":"1"},"appointment":{"id":"2","status":"booked","type":"Botox"}}' '[.actions[].op]')" \
	'["contact.upsert","note.add","workflow.add","opportunity.move"]'
is "a refund is written with its sign before the currency's" \
	"$(map '{"type":"bill.completed","patient":{"id":"1"},"bill":{"id":"2","total":"-12.1"}}' '[.actions[]|.amount//.body//empty]')" \
	'["-12.10","PatientNow bill\nStatus: Refunded\nOrder total: -$12.10\nOrder ID: 2"]'
jq '.dnd = true' conf.json >dnd.json
line='{"type":"patient.updated","patient":{"id":"1","first_name":"A","unsubscribed":true}}'
is "consent is told of today's events, and of no backfilled one" "$(crm-map -c dnd.json <<<"$line" | jq -c '[.actions[].op]')$(crm-map -c dnd.json -b <<<"$line" | jq -c '[.actions[].op]')" \
	'["contact.upsert","dnd.set"]["contact.upsert"]'
jq '.calendar = {name: "x"}' conf.json >calendar.json
line='{"type":"appointment.booked","patient":{"id":"1","email":"a@b.c"},"appointment":{"id":"2","status":"booked","type":"Botox","start":"2026-12-01T15:30:00-07:00"}}'
is "the calendar comes last, in a backfill, too" "$(crm-map -c calendar.json <<<"$line" | jq -c '.actions[-1].op')$(crm-map -c calendar.json -b <<<"$line" | jq -c '[.actions[].op]')" \
	'"calendar.set"["contact.upsert","calendar.set"]'
is "facts may be numbers, as another program may write them" \
	"$(map '{"type":"bill.completed","patient":{"id":1},"bill":{"id":2,"total":12.10,"items":[{"name":"Botox"},{"name":"Laser"}]}}' '[.actions[0].fields,.actions[1]]')" \
	'[{"Invoice Paid Amount":{"money":"12.10"},"PNOW Last Order ID":"2","Last Visit Service":"Botox, Laser"},{"op":"ltv.add","bill":"2","amount":"12.10"}]'
for needs in 'patient.updated patient.id {}' 'bill.completed patient.id {"bill":{"id":"1","total":"1"}}' \
	'bill.completed bill.id {"patient":{"id":"1"},"bill":{"total":"1"}}' 'bill.completed bill.total {"patient":{"id":"1"},"bill":{"id":"1"}}' \
	'membership.created membership.id {"patient":{"id":"1"}}' 'appointment.status appointment.status {"patient":{"id":"1"},"appointment":{"id":"1"}}'; do
	read -r type what with <<<"$needs"
	is "$type without $what is an error that says so" \
		"$(jq -c --arg type "$type" '.type=$type' <<<"$with" | crm-map | jq -r '.error|.code+": "+.message')" \
		"incomplete: $type needs $what: see pnow-event(5)"
done
finish
