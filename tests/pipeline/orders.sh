#!/usr/bin/env bash
# The nightly audit finds nothing where nobody but pnow has written, in whatever order a patient's events came: every order of
# them, and random ones of many more kinds. Each order is a patient of its own, all of them one stream. With ORDERS=full, by
# make orders, all 5,040 orders of the seven and thousands at random.
# shellcheck source=tests/pipeline/common.bash disable=SC2154 # tap.sh sets root
. "$(dirname "$0")/common.bash"
export PNOW_CONFIG=$DIR/test.json
tag_gone='the tag that asked for a patient is not on the contact any more' # by the contact's event before

# orders PROMISE TIMES PRACTICE-FILTER EVENTS VARIABLE=VALUE…: the events that orders.awk makes, carried out, then held against the CRM.
orders()
{
	local given=(-v times="$2" -v main="$MAIN") variable
	for variable in "${@:5}"; do
		given+=(-v "$variable")
	done
	given+=(-f "$root/tests/pipeline/orders.awk")
	rm -f "$DIR"/test.db*
	printf '[]' | tee "$DIR/contacts" >"$DIR/patients"
	if [[ " ${*:5} " == *' tagged=1 '* ]]; then
		awk -v what=contacts "${given[@]}" >"$DIR/contacts"
		awk -v what=patients "${given[@]}" >"$DIR/patients"
	fi
	seed '.crm.locations[0].contacts = $contacts[0] | .patientnow.patients = $patients[0]' \
		--slurpfile contacts "$DIR/contacts" --slurpfile patients "$DIR/patients"
	sandbox -q 1000000
	practice test ".patientnow.daily_limit = 1000000 | $3"
	awk -v what=events "${given[@]}" >"$DIR/events"
	categorize <"$DIR/events" 2>/dev/null | crm-map | pnow-push | tee "$DIR/mapped" | crm-push >"$DIR/results"
	is "$1, $2: all are settled" "$(grep -c . "$DIR/results") of $(grep -c . "$DIR/events")$(jq -r --arg again "$tag_gone" '
		select(.status != "done" and .status != "unchanged" and .reason != $again)
		| [.id, .type, .status, .error.message] | join(" ")' "$DIR/results" | head -n 5)" "$4 of $4"
	LC_ALL=C sort "$DIR/mapped" | crm-push -C -v >"$DIR/found" 2>/dev/null
	is "$1, $2: the audit of these $4 events finds nothing" "$(grep -c . "$DIR/mapped") $(differences)" "$4 "
	sandbox_stop
}

# What was found, each with all events of its patient, in their order; five of them.
differences()
{
	jq -rs --slurpfile events "$DIR/mapped" '
		($events | group_by(.id[:6]) | map({(.[0].id[:6]): sort_by(.id)}) | add) as $of
		| .[] | .id as $id | "\($id): \(.differences // .status | tostring) after \($of[$id[:6]]
			| map((if .id == $id then "*" else "" end) + (.type | split(".")[1]) + " " + (.category // .bill.total // .membership.program // .patient.first_name // "")
				+ " " + (.appointment.status // "")) | join(", "))"' "$DIR/found" | awk 'NR <= 5 { print } END { if (NR > 10) print NR, "in all" }'
}

all=1 six=6 seven=42 drawn=60
! sanitized || all=6 six=24 seven=168 drawn=20
[ "${ORDERS:-}" != full ] || six=1 seven=1 drawn=1000
orders 'every order of six events' order . $((720 * 6 / all)) every=$all
orders 'orders of seven, a tag among them' order . $((5040 * 7 / seven)) every=$seven tagged=1
for times in late none; do
	orders 'orders of six events' $times . $((720 * 6 / six)) every=$six
	orders 'orders of seven, a tag among them' $times . $((5040 * 7 / seven)) every=$seven tagged=1
done
for times in order late none; do
	orders 'twelve at random' $times . $((drawn * 12)) drawn=12 patients=$drawn seed=1
done
orders 'twelve at random, values for both pipelines' late '.surgical_value = true | .consult_stages = true' $((drawn * 12)) drawn=12 patients=$drawn seed=2
orders 'twelve at random, one pipeline' late '.pipelines = "non-surgical"' $((drawn * 12)) drawn=12 patients=$drawn seed=3
orders 'eighteen at random, tags among them' late . $((drawn * 18)) drawn=18 patients=$drawn seed=4 tagged=1
finish
