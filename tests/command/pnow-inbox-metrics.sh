#!/usr/bin/env bash
# What pnow-inbox(1) promises of stat -m: numbers that Prometheus reads, of one practice or many, and nothing about people; and that
# the examples hand them over whole.
# shellcheck disable=SC2154 # from tap.sh: work, root
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=tests/command/inbox.bash
. "$root/tests/command/inbox.bash"

mkdir conf
# practice NAME
practice()
{
	printf '{"practice":"%s","timezone":"America/Denver","pipelines":"non-surgical","state":"%s/%s.db","retry_seconds":[7200],
		"patientnow":{"practice_id":"1"}}\n' "$1" "$work" "$1" >"conf/$1.json"
	on_engine "conf/$1.json"
}
practice glow
export PNOW_CONFIG=conf/glow.json

# metric NAME: its samples, in their order, without the practice.
metric()
{
	pnow-inbox stat -m | sed -n "s/^$1{practice=\"glow\",*/{/p" | sort | xargs -d '\n'
}

# valid PROMISE FILE
valid()
{
	if command -v promtool >/dev/null; then
		is "$1" "$(promtool check metrics <"$2" 2>&1)" ''
	else
		skip "$1" 'no promtool here'
	fi
}

pnow-inbox stat -m >empty
valid 'of an empty inbox: promtool has nothing to say' empty
put a b c d e
settle '{a: {status: "done", calls: 4, patientnow_calls: 1, warnings: ["patient 17 is odd", "patient 18 is odd"]},
	b: {status: "skipped", reason: "a \"quoted\" \\ reason\u009b"},
	c: {status: "failed", error: {stage: "crm-push", code: "rejected", message: "422 for Zanzibar", retry: false}},
	d: {status: "failed", error: {stage: "pnow-enrich", code: "unavailable", message: "503", retry: true}},
	e: {status: "done", calls: 3, reason: ("x" * 119 + "é")}}'
put f
pnow-inbox stat -m >some
valid 'promtool has nothing to say' some
is 'OpenMetrics ends with its end' "$(tail -n 1 some)" '# EOF'
is 'events that came in' "$(metric pnow_events_received)" '{} 6'
is 'what they are now' "$(metric pnow_events)" \
	'{state="dead",type="patient.updated"} 1 {state="done",type="patient.updated"} 2 {state="skipped",type="patient.updated"} 1 {state="waiting",type="patient.updated"} 2'
is 'what fails' "$(metric pnow_events_failing)" '{state="dead",cause="crm-push: rejected"} 1 {state="waiting",cause="pnow-enrich: unavailable"} 1'
is 'outcomes of the day and their causes, quoted, and not too long' "$(metric pnow_answers_last_day | sed "s/$(printf '%119s' '' | tr ' ' x)/119/")" \
	'{outcome="done",cause=""} 1 {outcome="done",cause="119"} 1 {outcome="failed",cause="crm-push: rejected"} 1 {outcome="failed",cause="pnow-enrich: unavailable"} 1 {outcome="skipped",cause="a \"quoted\" \\ reason?"} 1'
is 'warnings by kind' "$(metric pnow_warnings_last_day)" '{kind="patient * is odd"} 2'
is 'requests, of the CRM and of PatientNow' "$(metric pnow_calls)" '{api="crm",type="patient.updated"} 7 {api="patientnow",type="patient.updated"} 1'
clear_of_midnight
state_calls_set glow.db 7
is 'what is left of them' "$(metric pnow_calls_left) $(metric pnow_calls_limit)" '{api="patientnow",span="day"} 993 {api="patientnow",span="day"} 1000'
state_calls_set glow.db 950
is 'where none is left but for people, lookups wait until midnight' "$(metric pnow_lookups_wait_seconds | jq -Rr 'ltrimstr("{} ") | tonumber - (86400 - now % 86400) | fabs < 30')" true
is 'nobody is named' "$(grep -c Zanzibar some)" 0

# ---- Waits

state_sql glow.db "UPDATE inbox SET received=received-100000 WHERE id='f'"
like 'how long the oldest waits' "$(metric pnow_oldest_waiting_age_seconds)" '{} 1[0-9][0-9].*'
settle '{f: {status: "done"}}'
is 'how long events were on their way' "$(pnow-inbox stat -m | sed -n 's/.*_wait_seconds_bucket.*le="\(300.0\|+Inf\)"} //p; s/.*wait_seconds_count.* //p' | xargs)" '5 5 5'
like 'and together' "$(metric pnow_event_wait_seconds_sum)" '{} 1[0-9][0-9]*'
pnow-inbox retry c >retried
settle '{c: {status: "done"}}'
is 'what people do is no answer of a pipeline' "$(pnow-inbox stat -m | grep -c 'outcome="retried"')" 0
is 'an event that is settled again is counted again: no number goes down' "$(metric pnow_event_wait_seconds_count)" '{} 6'
told=$(metric 'pnow_[a-z]*_last_day')
pnow-inbox dump -o dump
is 'a dump is a backup' "$(metric pnow_last_backup_timestamp_seconds | cut -c1-7)" "{} $(date +%s | cut -c1-4)"
state_remove glow.db
pnow-inbox load dump
is 'after a restore each counts once' "$(metric pnow_event_wait_seconds_count) $(metric pnow_events_received)" '{} 5 {} 6'
is '... and what was answered lately' "$(metric 'pnow_[a-z]*_last_day')" "$told"

# ---- A folder

practice bloom
printf '{' >conf/broken.json
pnow-inbox -C conf stat -m >many 2>err
is 'one of many is broken: the status says so' $? 78
valid 'many practices: each metric has its name once' many
is 'and theirs' "$(sed -n 's/^pnow_events_received{practice="\(.*\)"}.*/\1/p' many | xargs)" 'bloom glow'

# ---- The examples

mkdir out
line=$(grep 'stat -m' "$root/examples/cron/pnow-monitor.crontab" | sed -E "s#^([^ ]+ +){5}##; s#/etc/pnow#$work/conf#; s#/var/lib/prometheus/node-exporter#$work/out#")
sh -c "$line"
is "the crontab's line puts them where they are read, of those practices that can be" "$? $(ls out) $(grep -c "pnow_events_received{" out/pnow.prom)" '0 pnow.prom 2'
cp out/pnow.prom before
mv conf away
! sh -c "$line"
is "what is not whole takes nobody's place" "$? $(cmp before out/pnow.prom)" '0 '
cp "$root/examples/prometheus/pnow.rules.yml" .
cat >test.yml <<'END'
rule_files: [pnow.rules.yml]
evaluation_interval: 5m
tests:
  - interval: 1m
    input_series:
      - series: 'pnow_events{practice="glow",state="dead",type="bill.completed"}'
        values: '0x4 1 3x20'
      - series: 'pnow_events_failing{practice="glow",state="waiting",cause="crm-push: refused"}'
        values: '_x4 1x20'
      - series: 'pnow_calls_left{practice="glow",api="patientnow",span="day"}'
        values: '40x30'
      - series: 'pnow_calls_limit{practice="glow",api="patientnow",span="day"}'
        values: '1000x30'
      - series: 'pnow_oldest_waiting_age_seconds{practice="glow"}'
        values: '0x30'
    alert_rule_test:
      - alertname: PnowEventsDead
        eval_time: 3m
        exp_alerts: []
      - alertname: PnowEventsDead
        eval_time: 15m
        exp_alerts: [{exp_labels: {practice: glow}, exp_annotations: {summary: '3 events of glow are dead'}}]
      - alertname: PnowTokenRefused
        eval_time: 15m
        exp_alerts: [{exp_labels: {practice: glow, cause: 'crm-push: refused'}, exp_annotations: {summary: 'glow: crm-push: refused'}}]
      - alertname: PnowCallsRunShort
        eval_time: 15m
        exp_alerts: [{exp_labels: {practice: glow, api: patientnow, span: day}, exp_annotations: {summary: '40 requests of today are left to glow (patientnow)'}}]
      - alertname: PnowEventsWait
        eval_time: 15m
        exp_alerts: []
  - interval: 1h
    input_series:
      - series: 'pnow_last_event_timestamp_seconds{practice="glow"}'
        values: '3600x70'
    alert_rule_test:
      # 1970-01-01 was a Thursday
      - alertname: PnowNoEvent
        eval_time: 19h
        exp_alerts: []
      - alertname: PnowNoEvent
        eval_time: 21h
        exp_alerts: [{exp_labels: {practice: glow}, exp_annotations: {summary: 'no event of glow for 20h 0m 0s'}}]
      - alertname: PnowNoEvent
        eval_time: 69h
        exp_alerts: []
END
if command -v promtool >/dev/null; then
	holds 'the rules alert when they should, and not before' promtool test rules test.yml
else
	skip 'the rules alert when they should, and not before' 'no promtool here'
fi
is 'and know the metrics' "$(grep -oE 'pnow_[a-z_]+' "$root/examples/prometheus/pnow.rules.yml" | sort -u | while read -r name; do
	grep -q "\"$name\"" "$root/cmd/pnow-inbox/metrics.c" || echo "$name"
done)" ''

finish
