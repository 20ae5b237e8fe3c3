#!/usr/bin/env bash
# Refunds and voids, in every order of arrival: the lifetime value and the opportunity's value are right to the cent, no workflow is
# told of them, and the audit finds nothing.
# shellcheck source=tests/pipeline/common.bash disable=SC2119,SC2154 # from tap.sh
. "$(dirname "$0")/common.bash"
export PNOW_CONFIG=$DIR/test.json
orders=120
! sanitized || orders=24

# Five bills' events of each patient: 450 - 50 (a refund that names it) + 0 (void) + 80 - 30 (refunded in part) = 450.00.
seed '.crm.locations[0].contacts = [range('$orders') | {email: "p\(.)@example.com",
	opportunities: [{name: "P", pipeline: "Non-Surgical", stage: "Booked", status: "open"}]}]'
sandbox
practice test
jq -nc --argjson orders $orders '
	def orders: if length == 0 then [] else . as $all | range(length) as $i | [$all[$i]] + ($all[:$i] + $all[$i + 1:] | orders) end;
	[[{billId: "1", total: "450.00", at: "01"}, {billId: "2", total: "50.00", refundOf: "1", at: "02"}, {billId: "3", total: "100.00", at: "03"},
		{billId: "3", total: "100.00", status: "Void", at: "04"}, {billId: "4", total: "80.00", status: "Refunded", refundedAmount: "30.00", at: "05"}] | orders]
	| to_entries[] | select(.key < $orders) | "p\(.key)" as $patient | .value[]
	| {event: "PatientBillCompleted", eventId: "\($patient)-\(.at)", occurredAt: "2026-01-01T10:00:\(.at)Z",
		data: (del(.at) | .billId = "\($patient)/\(.billId)" | (.refundOf | strings) |= "\($patient)/\(.)"
			| . + {patientId: $patient, firstName: "P", lastName: "Q", email: "\($patient)@example.com", cellPhone: "", dateOfBirth: ""})}' >"$DIR/bodies"
pnow-enrich <"$DIR/bodies" 2>"$DIR/err" | categorize | crm-map | tee "$DIR/mapped" | crm-push >"$DIR/results"
is 'all are settled' "$(jq -r '.status' "$DIR/results" | sed 's/unchanged\|ignored\|done/settled/' | sort | uniq -c | xargs)" "$((orders * 5)) settled"
at_sandbox state >"$DIR/state"
is 'in every order the lifetime value is right' "$(jq -r '.contacts[].fields["Patient Lifetime Value"]' "$DIR/state" | sort | uniq -c | xargs)" "$orders 450.00"
is 'and so is the value of the opportunity' "$(jq -r '.contacts[].opportunities[].monetaryValue + 0' "$DIR/state" | sort | uniq -c | xargs)" "$orders 450"
is 'the notes say what is refunded and what is void' "$(jq -r '.contacts[].notes[] | split("\n")[1] | select(startswith("Status"))' "$DIR/state" | sort | uniq -c | xargs)" \
	"$((orders * 2)) Status: Refunded $orders Status: Void"
is 'no workflow is told of a correction' "$(jq -r 'select(any(.actions[]?; .op == "workflow.add")) | .id | split("-")[1]' "$DIR/results" | sort -u | xargs)" '01 03'
crm-push -C -v <"$DIR/mapped" >"$DIR/found" 2>"$DIR/err"
is 'the audit finds nothing' "$(jq -c '.differences // .error' "$DIR/found" | head -n 3)" ''
finish
