#!/usr/bin/env bash
# Each request of each workflow meets each fault once, or for ever from there on; then the event is run again until it is
# settled. The CRM must then hold what it holds undisturbed: no note, enrolment, opportunity or addition twice, and none
# missing except an enrolment whose answer was lost, which a warning tells.
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

# met_once SCENARIO FAULT NUMBER; met_for_ever likewise.
disturbed()
{
	attempt "$1"
	case $2 in
	hang) fault hang "skip=$3" count=1 ;;
	429) fault 429 "skip=$3" count=1 retry_after=0 ;;
	*-for-ever) fault "${2%-for-ever}" "skip=$3" ;;
	*) fault "$2" "skip=$3" count=1 ;;
	esac
	crm-push -t 1 <"$DIR/$EVENT" >"$OWN/results" 2>>"$OWN/err"
	faults_end
	settled "$OWN/results" || again
	crm-push <"$DIR/$EVENT" >>"$OWN/results" 2>>"$OWN/err" # once more: nothing may come of it
	outcome "$@"
}

prepare
cut -d'|' -f1 <<<"$scenarios" | spread 3 undisturbed
mv "$DIR/outcomes" "$DIR/undisturbed"
rm -r "$DIR"/w?
is 'undisturbed, every event is done' "$(jq -r '.results[].status' "$DIR/undisturbed" | sort | uniq -c | tr -s ' ')" " $(wc -l <<<"$scenarios") done"
[ "$(jq -s 'map(.n) | add' "$DIR/undisturbed")" -ge 40 ]
point 'and that takes 40 requests or more'
jq -r '.scenario as $scenario | .n as $requests
	| ("reset-before", "reset-after", "cut", "500", "429", "401", "hang", "reset-after-for-ever", "500-for-ever") as $fault
	| range($requests) | "\($scenario) \($fault) \(.)"' "$DIR/undisturbed" | spread 12 disturbed
is 'each request met each fault' "$(wc -l <"$DIR/outcomes")" "$(jq -s 'map(.n) | add * 9' "$DIR/undisturbed")"
judge
finish
