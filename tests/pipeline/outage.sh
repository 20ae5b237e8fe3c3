#!/usr/bin/env bash
# crm-push(1), pnow-enrich(1), "A token that is refused": nothing is sent in vain, no attempt is used up, and it is told once.
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"
export PNOW_CONFIG=$DIR/test.json
T1=2026-12-01T10:00:00Z

# A token that can be revoked: one that OAuth gives for the main sub-account.
begin()
{
	seed '.patientnow.patients = [{patientId: "10234", firstName: "Ana", lastName: "Lopez", email: "ana@example.com"}]'
	sandbox
	practice test "${1:-.}"
	state_remove "$DIR/test.db"
	curl -sS "$API/crm/oauth/locationToken" -H 'Authorization: Bearer sandbox-agency-token' -H 'Version: 2021-07-28' \
		-d companyId=sandboxCompany000000 -d "locationId=$MAIN" | jq -r .access_token >"$DIR/crm.token"
	at_sandbox requests DELETE
}
revoke()
{
	at_sandbox revoke POST '{"what":"access"}'
}

# add NAME N: so many events, each of a new patient, into the inbox.
add()
{
	event patient.created "$1" $T1 '{patient: {first_name: "A", last_name: "B"}} | . as $one | range('"$2"')
		| "\($one.id)-\(.)" as $id | $one | .id = $id | .patient += {$id, email: "\($id)@example.com"}' | pnow-inbox add >/dev/null
}

# run [COMMAND]: what is due, through crm-map and crm-push; what was said is in $DIR/err.
run()
{
	pnow-inbox run -1 -- bash -c "${1:-crm-map | crm-push}" 2>"$DIR/err"
}

# states: each state, attempts and how many events have them.
states()
{
	pnow-inbox list | jq -r '"\(.state) \(.attempts)"' | sort | uniq -c | xargs
}

# told: what the filters have said.
told()
{
	grep -v '^pnow-inbox:' "$DIR/err"
}

# statuses: of the requests since the last time.
statuses()
{
	requests .status | sort | uniq -c | xargs
	at_sandbox requests DELETE
}

# outages: how many stand.
outages()
{
	state_sql "$DIR/test.db" 'SELECT count(*) FROM outage'
}

# --- The CRM

begin
add a 1
run
is 'a token that works' "$(states) $(statuses)" '1 done 1 2 200'
revoke
add b 20
run
is 'it is revoked: what needs it waits, and no attempt is used up' "$(states | sed 's/1 done 1 //')" '20 waiting 0'
like 'one line says so, and what to do' "$(told)" \
	"crm-push: the CRM's sub-account $MAIN does not accept the token in $DIR/crm.token: what needs it waits, and nothing is lost; put the right one there, nothing need be started again"
[ "$(requests 'select(.status == 401) | .n' | wc -l)" -le 9 ]
point 'and the CRM is not asked for each of them' "$(statuses)"
statuses >/dev/null
state_sql "$DIR/test.db" "UPDATE inbox SET due = 0 WHERE state = 'waiting'"
run
is 'before it is time nothing is asked, nor said' "$(told)$(statuses) $(states)" ' 1 done 1 20 waiting 0'
state_outage_due "$DIR/test.db"
run
is 'then one request asks, and all wait on' "$(statuses) $(states)" '1 401 1 done 1 20 waiting 0'
is 'which is not said again' "$(told)" ''
fault 503 path=customFields retry_after=3600
state_outage_due "$DIR/test.db"
run
is 'an answer of the CRM that tells nothing of the token: all wait on' "$(told) $(states)" ' 1 done 1 20 waiting 0'
faults_end
fault 503 path=/contacts/upsert retry_after=3600
printf 'another-crm-token\n' >"$DIR/crm.token"
crm-map <<<"$(event patient.created z $T1 '{patient: $ana}')" | crm-push >"$DIR/out" 2>"$DIR/err"
is '... nor does one tell of another token' "$(jq -c '.error.code' "$DIR/out") $(told) $(outages)" '"unavailable"  1'
faults_end
statuses >/dev/null
printf 'sandbox-crm-token\n' >"$DIR/crm.token"
state_sql "$DIR/test.db" "UPDATE inbox SET due = 0 WHERE state = 'waiting'"
run
is 'with another token nobody waits for the next question' "$(states) $(statuses)" '21 done 1 20 200'
like 'and one line says that it is over' "$(told)" "crm-push: the CRM's sub-account $MAIN accepts the token in $DIR/crm.token again, after 0 minutes: what waits goes on within 5 minutes"

fault 401 path=/contacts/upsert count=2
add c 2
run
is 'requests that are refused though the token is good: these events have failed, once' "$(states) $(told)" '21 done 1 2 waiting 1 '
state_sql "$DIR/test.db" "UPDATE inbox SET due = 0 WHERE state = 'waiting'"
run
is 'and are done' "$(states)" '21 done 1 2 done 2'
statuses >/dev/null

# Who is killed while it asks leaves the next question to others.
fault 401
add d 1
run
state_outage_due "$DIR/test.db"
faults_end
fault delay path=customFields ms=3600000 count=1
event patient.created x1 $T1 '{patient: $ana}' | crm-map >"$DIR/x1"
event patient.created x2 $T1 '{patient: $ben}' | crm-map >"$DIR/x2"
crm-push <"$DIR/x1" >"$DIR/out" 2>&1 &
process=$!
until_true matches '"left": *0' faults
is 'while one process asks, others do not' "$(crm-push <"$DIR/x2" 2>&1 | jq -c '[.error.code, .error.retry, .error.retry_after > 0, .calls]')" '["refused",true,true,0]'
kill -KILL $process
wait $process 2>/dev/null
faults_end
state_outage_due "$DIR/test.db"
run
is 'one that was killed while it asked: the next question is asked, and all goes on' "$(states)" '22 done 1 2 done 2'

# What was good is one secret; the next one may be another.
fault 401 path=/contacts/upsert count=1
: >"$DIR/out"
{
	event patient.created y1 $T1 '{patient: $ana}' | crm-map
	until_true [ -e "$DIR/changed" ]
	event patient.created y2 $T1 '{patient: $ben}' | crm-map
} | crm-push -o >"$DIR/out" 2>"$DIR/err" &
process=$!
until_true [ -s "$DIR/out" ]
printf 'another-crm-token\n' >"$DIR/crm.token"
fault 401 path=/contacts/upsert count=1
: >"$DIR/changed"
wait $process
is 'a secret that was found to be good says nothing of the next one' "$(jq -c '[.error.code, .error.retry_after > 0]' "$DIR/out" | xargs) $(outages)" \
	'[refused,false] [refused,true] 1'
printf 'sandbox-crm-token\n' >"$DIR/crm.token"
event patient.created y3 $T1 '{patient: $ana}' | crm-map | crm-push >"$DIR/out" 2>"$DIR/err"
is 'with the good one it is over' "$(outages)" 0
state_fails "$DIR/test.db" outage
printf 'another-crm-token\n' >"$DIR/crm.token"
jq -n '"ana", "ben", "cleo"' | while read -r name; do
	event patient.created "w$name" $T1 '{patient: $ana}' | jq -c --argjson name "$name" '.patient |= (.id = $name | .email = "\($name)@example.com")'
done | crm-map | crm-push -j 1 >"$DIR/out" 2>"$DIR/err"
is 'an outage that cannot be written down is told once' "$(grep -c 'does not accept' "$DIR/err")" 1
sandbox_stop

# --- One sub-account of two

begin '.facilities.Downtown = {location_id: "'$DOWNTOWN'", token_file: "downtown.token"}'
revoke
for facility in Downtown Uptown; do
	for n in 1 2; do
		event appointment.booked "$facility$n" $T1 "{patient: \$ana} + visit(\"$facility$n\"; \"booked\")
			| .patient.id += \"$facility$n\" | .appointment.facility = \"$facility\""
	done
done | pnow-inbox add >/dev/null
run 'categorize | crm-map | crm-push'
is 'where one sub-account refuses its token, the other goes on' \
	"$(pnow-inbox list | jq -r '"\(.id[:-1]) \(.state) \(.attempts)"' | sort | uniq -c | xargs)" '2 Downtown done 1 2 Uptown waiting 0'
sandbox_stop

# --- Several processes

begin
revoke
for n in 1 2 3 4 5; do
	event patient.created "p$n" $T1 "{patient: {id: \"$n\", first_name: \"A\", last_name: \"B\", email: \"$n@example.com\"}}" | crm-map >"$DIR/p$n"
	crm-push <"$DIR/p$n" >"$DIR/out.$n" 2>"$DIR/err.$n" &
	running[n]=$!
done
wait "${running[@]}"
is 'of five processes one says it' "$(cat "$DIR"/err.? | wc -l) $(jq -c '[.status, .error.retry_after > 0]' "$DIR"/out.? | sort | uniq -c | xargs)" \
	'1 5 [failed,true]'
sandbox_stop

# --- PatientNow

begin
rm -f "$DIR/crm.token"
event patient.updated u1 $T1 '{}' | jq -c '.received = "2036-01-01T00:00:00Z" | .payload = {data: {patientId: "10234"}}' >"$DIR/u1"
pnow-inbox add <"$DIR/u1" >/dev/null
fault 401 api=patientnow
run pnow-enrich
is 'PatientNow refuses its token: what needs it waits' "$(states)" '1 waiting 0'
like 'one line says so' "$(told)" "pnow-enrich: PatientNow does not accept the token in $DIR/pnp.token: *"
calls=$(state_calls "$DIR/test.db")
state_sql "$DIR/test.db" "UPDATE inbox SET due = 0 WHERE state = 'waiting'"
run pnow-enrich
is 'and no call is wasted' "$(told)$(($(state_calls "$DIR/test.db") - calls)) $(states)" '0 1 waiting 0'
state_outage_due "$DIR/test.db"
run pnow-enrich
is 'but one now and then' "$(told)$(($(state_calls "$DIR/test.db") - calls)) $(states)" '1 1 waiting 0'
faults_end
state_outage_due "$DIR/test.db"
run pnow-enrich
is 'when it accepts it again, all goes on' "$(states)" '1 done 1'
like 'and one line says so' "$(told)" "pnow-enrich: PatientNow accepts the token in $DIR/pnp.token again, *"
fault 401 path=/patients/ count=1
jq -c '.id = "u2"' "$DIR/u1" | pnow-inbox add >/dev/null
run pnow-enrich
is 'a request that it refuses though the token is good is a failed attempt' "$(states) $(told)" '1 done 1 1 waiting 1 '
sandbox_stop

# --- No way to PatientNow

begin '.patientnow.base_url = "http://127.0.0.1:1"'
pnow-inbox add <"$DIR/u1" >/dev/null
run pnow-enrich
is 'what cannot be sent is no call of the day' "$(states) $(state_calls "$DIR/test.db")" '1 waiting 1 0'
finish
