#!/usr/bin/env bash
# What pnow-inbox results promises: every answer of a pipeline with what the inbox knows of its event, of a span of time, the
# practice first.
# shellcheck disable=SC2154 # from tap.sh: work
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
export PNOW_CONFIG=glow.json
printf '{"practice":"glow","timezone":"America/Denver","state":"glow.db","retry_seconds":[0],"patientnow":{"practice_id":"1","daily_limit":500},
	"names":{"stages":{"Surgery Complete":"Operated"}},"categories":"sheet.csv"}' >glow.json
on_engine glow.json

# Fails e2 for good, e3 once; what the other answers say is longer.
cat >answers <<'END'
#!/bin/sh
exec jq -c --unbuffered '{id, type, patient_id: .patient.id} + if .id == "e2" or (.id == "e3" and (input_line_number == 3))
	then {status: "failed", calls: 1, error: {stage: "x", code: "rejected", message: "422", retry: (.id == "e3")}}
	else {status: "done", calls: 4, uncategorized: "Yoga", actions: [{op: "ltv.add", status: "done", amount: "1.00"}]} end'
END
chmod +x answers

add() # ID
{
	printf '{"id":"%s","type":"bill.completed","practice":"glow","patient":{"id":"p1","last_name":"Zanzibar"},"bill":{"id":"b%s"},"payload":{}}\n' "$1" "$1"
}
for id in e1 e2 e3; do add $id; done | pnow-inbox add >added
pnow-inbox run -1 -- ./answers 2>said
add e4 | pnow-inbox add >added

pnow-inbox results >out
is 'each answer of an event has a line, in the order in which they came, and an event without one' \
	"$(jq -c 'select(.id) | [.id, .status, .state]' out | xargs)" \
	'[e1,done,done] [e2,failed,dead] [e3,failed,null] [e3,done,done] [e4,null,waiting]'
is 'a line is the result, and what the inbox knows of its event' "$(jq -c 'select(.id == "e1")
	| [.type, .practice, .patient_id, .subject, .uncategorized, .calls, .actions[0].amount, (.received < .at)]' out)" \
	'["bill.completed","glow","p1","bill/be1","Yoga",4,"1.00",true]'
is 'an event without a result has what is known of it' "$(jq -c 'select(.id == "e4") | del(.received)' out)" \
	'{"id":"e4","type":"bill.completed","practice":"glow","patient_id":"p1","subject":"bill/be4","state":"waiting"}'
is 'no person is named' "$(grep -c Zanzibar out)" 0
is 'the first line is about the practice: its limits, and the stages of its pipelines as the CRM calls them' \
	"$(sed 1q out | jq -c '[.practice, .timezone, (.configuration | startswith("/")), .patientnow_limit, .crm_limits, .since, .pipelines[0]]')" \
	'["glow","America/Denver",true,500,[],null,{"name":"Surgical","stages":["Consult Booked","Consult Complete","Surgery Scheduled","Operated"],"lost":"Cancelled / No-Show"}]'

pnow-inbox drop e2 >dropped
is 'what a person decides is an answer, too' "$(pnow-inbox results | jq -c 'select(.id == "e2") | [.status, .state]' | xargs)" \
	'[failed,null] [dropped,dropped]'

state_sql glow.db "UPDATE inbox SET received=received-86400000*3 WHERE id='e1'"
ids() # OPTION...
{
	pnow-inbox results "$@" | jq -r 'select(.id and .state) | .id' | xargs
}
is '-s and -u choose by when events were received' "$(ids -s 2d), $(ids -u 2d), $(ids -s 1h -u 0d)" 'e2 e3 e4, e1, '
pnow-inbox results -s 7d -u 0d | sed 1q >week
is 'ages in days are whole ones, from midnight at the practice on' "$(jq -r '.since, .until' week |
	TZ=America/Denver xargs -n1 date +%H:%M:%S -d | xargs) $(jq '[.since, .until] | map(.[:10] | strptime("%Y-%m-%d") | mktime) | (.[1] - .[0]) / 86400' week)" \
	'00:00:00 00:00:00 7'
is 'a date is its first minute at the practice' "$(pnow-inbox results -s 2026-11-02 | sed 1q | jq -r .since)" 2026-11-02T07:00:00.000Z
pnow-inbox results -s yesterday >out 2>said
is 'what is no time is told, with status 64' "$? $(cat said)" '64 pnow-inbox: -s yesterday: expected a time, a date, or an age such as 7d'

mkdir practices
cp glow.json practices/a.json
sed 's/"glow"/"peel"/; s/glow.db/peel.db/' glow.json >practices/b.json
sed -i "s|\"state\":\"|&$work/|" practices/*.json
is 'with -C, one practice after the other' "$(pnow-inbox -C practices results | jq -r '.practice' | uniq | xargs)" 'glow peel'
finish
