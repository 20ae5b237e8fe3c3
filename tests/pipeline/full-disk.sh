#!/usr/bin/env bash
# On a full disk everybody says that it is full, and nothing else: no quota is used up, no secret is wrong, nothing was done.
# For the contract that is nothing new.
PNOW_REQUESTS=
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"
faults=$bin/../tests/faults.so
export PNOW_CONFIG=$DIR/test.json
if [ ! -e "$faults" ]; then
	echo "1..0 # SKIP make check builds $faults"
	exit 0
fi

# full COMMAND...: with the state file on a full disk; what it says in $DIR/said, its rows or results in $DIR/rows.
full()
{
	ASAN_OPTIONS=verify_asan_link_order=0:${ASAN_OPTIONS:-} LD_PRELOAD=$faults PNOW_FAULTS_BELOW=$DIR/test.db \
		PNOW_FAULTS=$DIR/disk "$@" >"$DIR/rows" 2>"$DIR/err"
	status=$?
}

# wrong: the rows that something is to be mended of.
wrong()
{
	jq -r 'select(.state | IN("missing", "wrong")) | .check' "$DIR/rows" | xargs
}

seed '.patientnow.patients = [{patientId: "10234", firstName: "Ana", lastName: "Lopez"}]'
sandbox
practice test
echo '100 ENOSPC 1' >"$DIR/disk"

# --- The first command on this machine

full crm-setup
is 'crm-setup, no state file yet: the state file is all that is wrong' "$status $(wrong)" '1 state file'
like '... and it is said how to mend that' "$(row 'state file')" 'wrong: *test.db: * -> Make room *'
echo '100 EIO 1' >"$DIR/disk"
full crm-setup
like '... and why, where SQLite knows only that there is an error' "$(row 'state file')" 'wrong: *test.db: disk I/O error: Input/output error -> *'
echo '100 ENOSPC 1' >"$DIR/disk"

# --- A service has the state file open, and the disk fills up

rm -f "$DIR"/test.db*
setup
mkfifo "$DIR/open"
sqlite3 "$DIR/test.db" <"$DIR/open" >"$DIR/opened" 2>&1 &
started+=($!)
exec 9>"$DIR/open"
echo 'SELECT count(*) FROM inbox;' >&9
await "$DIR/opened"

full crm-setup
is 'crm-setup: the state file is all that is wrong' "$status $(wrong)" '1 state file'
like '... it is full, and it is said how to mend that' "$(row 'state file')" 'wrong: *test.db: database or disk is full -> Make room *'
is 'PatientNow, which would be counted there, is not asked, the CRM is' "$(row PatientNow) $(row CRM | cut -d: -f1) $(row quota)" \
	'unknown: not asked -> Mend the state, profile or secret first. ok '

sqlite3 "$DIR/test.db" .dump >"$DIR/before"
full pnow-fetch patient 10234
is 'pnow-fetch: it is no quota that is in the way' "$status $(jq -r '.error | "\(.code) \(.retry)"' "$DIR/rows")" '75 state true'
like '... and it is said what' "$(cat "$DIR/err")" '*database or disk is full*'
full pnow-fetch -l patient -s 2020-01-01T00:00:00Z
like 'pnow-fetch -l: try again later; it is no quota' "$status $(cat "$DIR/err")" '75 *the state cannot be written*'
event patient.updated e1 "$(date -u +%FT%TZ)" '{patient: {id: "10234"}}' | jq -c '.received = .occurred' >"$DIR/event"
full pnow-enrich <"$DIR/event"
is 'pnow-enrich: nothing is spread over the day' "$(jq -r '.error | "\(.code) \(.retry)"' "$DIR/rows")" 'state true'
is 'no call was made that nobody could count' "$(at_sandbox requests | jq -r 'select(.api == "patientnow") | .path' | grep -c 10234)" 0

pnow-inbox add <"$DIR/event" >"/dev/null"
full timeout 300 pnow-inbox run -1 -- pnow-sync
like 'run -1: given up, status 75; it is said why' "$status $(cat "$DIR/err")" '75 *database or disk is full*its events wait*'
is '... they do' "$(pnow-inbox list | jq -r '"\(.id) \(.state)"')" 'e1 waiting'

# The run can claim and settle; it is a filter that could not write.
cat >"$DIR/filter" <<'E2'
#!/bin/sh
jq -c --unbuffered '{id, type, practice, status: "failed", error: {stage: "crm-push", code: "state", message: "the state cannot be written", retry: true}}'
E2
chmod +x "$DIR/filter"
pnow-inbox run -1 -- "$DIR/filter" 2>"$DIR/err"
is 'run -1, a filter could not write the state: status 75' "$? $(pnow-inbox list | jq -r '"\(.id) \(.state)"')" '75 e1 waiting'

# --- There is room again

: >"$DIR/disk"
full crm-setup
is 'there is room again: all is well' "$status $(wrong)" '0 '
pnow-inbox retry e1 >"/dev/null"
full pnow-inbox run -1 -- pnow-sync
is '... and what waited is settled' "$status $(pnow-inbox list | jq -r '"\(.id) \(.state)"')" '0 e1 skipped'

# --- A list of names that was fetched and cannot be kept: what it would have told is not left out

event bill.completed b1 "$(date -u +%FT%TZ)" '{patient: $ana} + bill("991"; "450.00")' | jq -c '.received = .occurred' | crm-map >"$DIR/event"
for kind in field workflow; do
	state_sql "$DIR/test.db" "DELETE FROM name; DELETE FROM name_list; CREATE TRIGGER full BEFORE INSERT ON name WHEN new.kind='$kind' BEGIN SELECT RAISE(FAIL, 'full'); END"
	crm-push <"$DIR/event" >"$DIR/rows" 2>"$DIR/err"
	is "$kind: the event waits, and it is said for what" "$(jq -r '[.status, .error.code, .error.retry, .error.message] | join(" ")' "$DIR/rows")" \
		'failed state true the state cannot be written'
	state_sql "$DIR/test.db" 'DROP TRIGGER full'
done
crm-push <"$DIR/event" >"$DIR/rows" 2>"$DIR/err"
is '... and is done whole when it can be kept' "$(jq -c '[.status, .warnings]' "$DIR/rows") $(contact ana@example.com | jq -c '[.fields["Patient Lifetime Value"], .workflows]')" \
	'["done",[]] ["450.00",["PatientNow Order Paid","PatientNow Birthday"]]'

# --- A note and an enrolment are written down in one commit before either is sent

attached()
{
	at_sandbox requests | jq -r 'select(.api == "crm" and .method == "POST") | .path | select(endswith("/notes") or contains("/workflow/")) | split("/")[3]'
}
event appointment.booked v1 "$(date -u +%FT%TZ)" '{patient: $ana} + visit("88123"; "booked")' | jq -c '.received = .occurred' | crm-map >"$DIR/event"
for effect in note workflow; do
	at_sandbox requests DELETE
	state_sql "$DIR/test.db" "CREATE TRIGGER full BEFORE INSERT ON effect WHEN new.effect LIKE '%$effect%' BEGIN SELECT RAISE(FAIL, 'full'); END"
	crm-push <"$DIR/event" >"$DIR/rows" 2>"$DIR/err"
	is "where the $effect cannot be written down, neither is sent" "$(jq -r '[.status, .error.code, .error.retry] | join(" ")' "$DIR/rows") $(attached)" 'failed state true '
	state_sql "$DIR/test.db" 'DROP TRIGGER full'
done
crm-push <"$DIR/event" >"$DIR/rows" 2>"$DIR/err"
is '... and both are when they can be, once' "$(jq -c '[.status, .warnings]' "$DIR/rows") $(crm-push <"$DIR/event" | jq -r .status) $(attached | sort | xargs)" \
	'["done",[]] unchanged notes workflow'

# --- A disk that fails one write in fifty: what is settled in one go is as much as it takes, not all of it

seq 3000 | jq -c '{id: "many-\(.)", type: "patient.updated", practice: "test", patient: {id: tostring},
	occurred: "2026-01-05T00:00:00Z", received: "2026-01-05T00:00:00Z"}' | pnow-inbox add >"$DIR/added" 2>"$DIR/err"
is '3,000 events wait, 2,000 of them with a run that has died' "$(sqlite3 "$DIR/test.db" "UPDATE inbox SET state='running', run='dead'
	WHERE id IN (SELECT id FROM inbox WHERE state='waiting' LIMIT 2000); SELECT state, count(*) FROM inbox WHERE id LIKE 'many-%' GROUP BY state" | xargs)" \
	'running|2000 waiting|1000'
cat >"$DIR/filter" <<'END'
#!/bin/sh
exec jq -c --unbuffered '{id, type, practice, status: "done"}'
END
echo '2 any 17' >"$DIR/disk"
full timeout 300 pnow-inbox run -1 -j 2000 -- "$DIR/filter"
is 'one write in fifty fails: all are settled' "$status $(sqlite3 "$DIR/test.db" "SELECT state, count(*) FROM inbox WHERE id LIKE 'many-%' GROUP BY state" | xargs)" \
	'0 done|3000'
like '... and it was told that writes failed' "$(cat "$DIR/err")" '*state file *test.db: *'
seq 2000 | jq -c '{id: "more-\(.)", type: "patient.updated", practice: "test", patient: {id: tostring}}' >"$DIR/lines"
full pnow-inbox add <"$DIR/lines"
: >"$DIR/disk"
is 'add: each line is answered, some cannot be stored' "$status $(wc -l <"$DIR/rows") $(jq -r '.error.code // empty' "$DIR/rows" | sort -u)" '1 2000 state'
is '... and what is said to wait is what is stored' "$(jq -r 'select(.state == "waiting") | .id' "$DIR/rows" | sort | cksum)" \
	"$(pnow-inbox list -s waiting | jq -r .id | sort | cksum)"
exec 9>&-
finish
