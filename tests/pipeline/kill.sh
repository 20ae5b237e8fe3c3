#!/usr/bin/env bash
# crm-push is killed with SIGKILL at each request of each workflow, before the CRM has done what was asked or after; then the
# event is run again. The CRM must then hold what it holds undisturbed: nothing twice, and nothing missing except an
# enrolment of which nobody knows, which a warning tells.
# For the contract that is nothing new.
PNOW_REQUESTS=
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"

undisturbed()
{
	attempt "$1"
	again
	outcome "$1" none "$(requests .n | wc -l)"
}

killed()
{
	local process
	attempt "$1"
	case $2 in
	'killed before') fault hang "skip=$3" count=1 ;;
	*) fault delay ms=60000 "skip=$3" count=1 ;; # which ends when the client goes; then it is done
	esac
	crm-push <"$DIR/$EVENT" >"$OWN/results" 2>>"$OWN/err" &
	process=$!
	until_true matches '"left": ?0' faults || echo "$*: the fault was not met" >&2
	kill -KILL $process
	wait $process 2>/dev/null
	until_true matches '"fault": ?"(hang|delay)"' requests
	faults_end
	again
	crm-push <"$DIR/$EVENT" >>"$OWN/results" 2>>"$OWN/err"
	outcome "$@"
}

job()
{
	killed "$1" "killed $2" "$3"
}

prepare
cut -d'|' -f1 <<<"$scenarios" | spread 3 undisturbed
mv "$DIR/outcomes" "$DIR/undisturbed"
rm -r "$DIR"/w?
jq -r '.scenario as $scenario | .n as $requests | ("before", "after") as $when | range($requests) | "\($scenario) \($when) \(.)"' \
	"$DIR/undisturbed" | spread 4 job
is 'it was killed at each request, before and after' "$(wc -l <"$DIR/outcomes")" "$(jq -s 'map(.n) | add * 2' "$DIR/undisturbed")"
judge

# --- Two bills of patients who share a contact, the first killed in the middle of its addition

prepare
work_begin own
bill() # ID PATIENT BILL
{
	event bill.completed "$1" 2026-12-01T12:00:00Z "{patient: {id: \"$2\", email: \"ben@example.com\"}} + bill(\"$3\"; \"10.01\")" |
		PNOW_CONFIG=$DIR/test.json bash -c 'categorize | crm-map'
}
bill one p1 b1 >"$DIR/one"
bill two p2 b2 >"$DIR/two"
for when in hang delay; do
	state_remove "$OWN/test.db"
	at_sandbox reset POST
	at_sandbox requests DELETE
	bill zero p1 b0 | crm-push >"$OWN/results" # both contacts are known
	bill zero p2 b00 | crm-push >"$OWN/results"
	fault $when ms=60000 method=PUT skip=1 count=1
	crm-push <"$DIR/one" >"$OWN/results" 2>"$OWN/err" &
	process=$!
	until_true matches '"left": ?0' faults || echo 'the fault was not met' >&2
	kill -KILL $process
	wait $process 2>/dev/null
	until_true matches "\"fault\": ?\"$when\"" requests
	faults_end
	state_later "$OWN/test.db" effect 60000 # what another host may have begun has ended
	crm-push <"$DIR/two" >"$OWN/results" 2>"$OWN/err"
	crm-push <"$DIR/one" >>"$OWN/results" 2>"$OWN/err"
	is "an addition that was killed ($when) and then another bill on the same contact: both are done" "$(jq -r '.status, .error.code // empty' "$OWN/results")" \
		$'done\ndone'
	is 'and the lifetime value is right' "$(contact ben@example.com | jq -r '.fields["Patient Lifetime Value"]')" 140.29
done

# --- A create whose answer is lost, while searches lag behind

sandbox_stop
pnow-sandbox -s "$DIR/seed.json" -L 3600000 -p "$OWN/port2" >/dev/null &
SANDBOX=$!
API=http://127.0.0.1:$(port_in "$OWN/port2")
sed -i "s#http://[0-9.:]*#$API#" "$PNOW_CONFIG"
state_remove "$OWN/test.db"
fault 500 path=/opportunities/ method=POST count=1
crm-push <"$DIR/booked" >"$OWN/results" 2>"$OWN/err"
state_later "$OWN/test.db" effect 120000
fault reset-after path=/opportunities/ method=POST count=1
crm-push <"$DIR/booked" >>"$OWN/results" 2>"$OWN/err"
crm-push <"$DIR/booked" >>"$OWN/results" 2>"$OWN/err"
is 'a create whose answer was lost a second time is not repeated before a search would show it' \
	"$(at_sandbox state | jq '.contacts[-1].opportunities | length')" 1
finish
