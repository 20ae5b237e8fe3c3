#!/usr/bin/env bash
# An upgrade over the state file that the first release with an inbox has left behind, killed in the midst of an addition to the
# lifetime value: today's programs open it, settle what was open, do nothing twice, and their audit finds what they left.
# shellcheck disable=SC2016 # until_true eval
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"

seed '.crm.locations[0].contacts = [{firstName: "Ben", lastName: "Okafor", email: "ben@example.com", phone: "+17205550117"}]'
# shellcheck disable=SC2119 # its own arguments
sandbox
practice test
export PNOW_CONFIG=$DIR/test.json

# What the CRM held then: what of the file is done, done by today's programs, whose ledger then goes. The sandbox gives ids in one order.
sqlite3 "$DIR/first.db" <"$root/tests/samples/state-3.sql" >"$DIR/made"
state_sql "$DIR/first.db" "SELECT body FROM inbox WHERE state='done' ORDER BY seq" | while IFS= read -r line; do
	pnow-enrich <<<"$line" | categorize | crm-map | crm-push -j 1
done >"$DIR/results"
is 'the CRM has what the first release has done there' "$(jq -r .status "$DIR/results" | xargs) $(contact_id ana@example.com)" \
	"done done done done $(state_sql "$DIR/first.db" 'SELECT contact FROM contact')"
rm "$DIR"/test.db*
mv "$DIR/first.db" "$DIR/test.db"
state_sql "$DIR/test.db" 'SELECT id, state, attempts FROM inbox ORDER BY seq' >"$DIR/before"

# ---- Opened

is 'every event is there, as it was' "$(pnow-inbox list | jq -r '[.id, .state, .attempts] | join("|")')" "$(<"$DIR/before")"
is 'its attempts, too, and what was done' "$(pnow-inbox trace 991 | jq -r '.what' | sort | uniq -c | xargs)" '1 applied 1 attempt 1 bill 3 effect 1 received'
is 'counts are what is there' "$(state_recount "$DIR/test.db")" ''
pnow-inbox dump -o "$DIR/dump" &&
	practice copy '.practice = "test"' &&
	PNOW_CONFIG=$DIR/copy.json pnow-inbox load -m "$DIR/dump" && PNOW_CONFIG=$DIR/copy.json pnow-inbox dump -o "$DIR/again"
holds 'it can be dumped, and loaded' cmp <(tail -n +2 "$DIR/dump") <(tail -n +2 "$DIR/again")

# ---- Settled

at_sandbox requests DELETE
pnow-inbox retry -s waiting,dead >"$DIR/retried"
pnow-inbox run -1 -- pnow-sync 2>"$DIR/run.err"
is 'what was open is settled, what was in a pipeline, too' "$(pnow-inbox list | jq -r '[.id, .state] | join(" ")' | xargs -n 20)" \
	'e1 done e2 done e3 done e4 done e5 unchanged e6 dead e7 ignored e8 done e9 done e10 done'
is 'each bill is in the lifetime value once' "$(contact ana@example.com | jq -r '.fields["Patient Lifetime Value"]')" 470.00
is 'only what was open was done' "$(requests 'select(.method == "POST" and .status < 300) | .path' | sed -E 's#.*/(notes|workflow)["/].*#\1#' | grep -c 'notes\|workflow')" 7
is 'nothing is there twice' "$(contacts | jq -r 'map((.notes[] | split("\n") | map(select(test("^(Status|Order ID)")))[0]), .workflows[])[]' | sort | uniq -c | awk '{ print $1, $NF }' | xargs)" \
	'1 991 1 992 3 Update 2 Birthday 1 Update 2 Paid 2 Booked 1 Out'
pnow-inbox list | jq -r .id | while read -r id; do pnow-inbox show "$id"; done >"$DIR/events"
pnow-inbox retry -s 'done' >"$DIR/retried"
pnow-inbox run -1 -- pnow-sync
is 'all of it again changes nothing' "$(pnow-inbox stat -j | jq -c '[.unchanged, .done]')" '[8,null]'
is 'the audit finds no difference' "$(push -C <"$DIR/events" 2>&1)" ''
finish
