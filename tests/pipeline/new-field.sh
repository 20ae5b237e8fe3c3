#!/usr/bin/env bash
# A new field is a new row: with one more in the table of fields, and no other change, crm-setup makes it, crm-map maps it,
# crm-push writes it under the practice's name for it, and the audit sees when somebody changes it.
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"

cp -R "$root/cmd" "$root/lib" "$root/Makefile" "$DIR"
unset CC SAN CI MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
row='{"PNOW Visit End", NULL, "TEXT", FIELD_TIME, ONLY(VISIT, VISITED("end"), FIELD_ALWAYS)},'
sed -i "s|^.*\"PNOW Location\", NULL|	$row\n&|" lib/value/field.c
make -s -j2 OPTIMIZE=-O0 WARN=-Werror .build/release/bin/{categorize,crm-map,crm-push,crm-setup} >log 2>&1
point 'one row more builds' "$(tail -n 5 log)"
PATH=$DIR/.build/release/bin:$PATH

seed .
sandbox
practice test '.names.fields = {"PNOW Visit End": "Ends at"}'
export PNOW_CONFIG=$DIR/test.json
like 'crm-setup misses the field' "$(crm-setup 2>/dev/null)" '*missing*Ends at*'
like 'and makes it' "$(crm-setup -w 2>/dev/null)" '*Ends at*made now, as TEXT*'

event appointment.booked e1 2026-12-01T10:00:00Z '{patient: $ana} + (visit("88123"; "booked")
	| .appointment.end = "2026-12-01T16:00:00-07:00")' | categorize | crm-map >mapped
is 'crm-map maps it' "$(jq -c '.actions[0].fields["Ends at"]' mapped)" '{"time":"2026-12-01T16:00:00-07:00"}'
is 'crm-push writes it' "$(crm-push <mapped | jq -r .status) $(contact ana@example.com | jq -r '.fields["Ends at"]')" \
	'done 2026-12-01 16:00'
is 'the audit finds it as it should be' "$(crm-push -C <mapped; echo $?)" 0

crm()
{
	curl -sS -H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28' "$API/crm/$1" "${@:2}"
}
field=$(crm "locations/$MAIN/customFields" | jq -r '.customFields[] | select(.name == "Ends at") | .id')
crm "contacts/$(contact_id ana@example.com)" -o /dev/null -X PUT -H 'Content-Type: application/json' \
	-d '{"customFields":[{"id":"'"$field"'","field_value":"later"}]}'
is 'and sees that somebody has changed it' "$(crm-push -C <mapped | jq -r '.differences[].name')" 'Ends at'
finish
