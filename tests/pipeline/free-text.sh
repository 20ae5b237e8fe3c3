#!/usr/bin/env bash
# Whatever a sender writes where a word of the profile, a type, a time or a facility should stand: it is never quoted in a
# result, in the attempts, on stderr or in the ledger.
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"

seed .
sandbox
practice test '.facilities = {Downtown: {location_id: "'$DOWNTOWN'", token_file: "downtown.token"}}'
export PNOW_CONFIG=$DIR/test.json
T=2026-12-01T10:00:00Z
person='"patientId":"10234","firstName":"Ana","lastName":"Lopez","email":"ana@example.com","cellPhone":"(303) 555-0142"'
visit() # ID FACTS
{
	webhook AppointmentCreated "$1" $T "{\"appointmentId\":\"$1\",\"appointmentType\":\"Botox\",\"status\":\"Booked\",\"startTime\":\"2026-12-01T15:30:00-07:00\",$person}" |
		jq -c ".data += $2"
}
{
	visit status '{status: "ring Zaphod"}'
	visit start '{startTime: "when Zaphod calls"}'
	visit facility '{facility: "Zaphods home"}'
	webhook 'Zaphod came' name $T "{$person}"
	webhook MembershipCreated sold $T "{\"membershipId\":\"7\",\"programName\":\"Glow\",\"soldDate\":\"by Zaphod\",\"amount\":\"Zaphods\",$person}"
	webhook PatientBillCompleted total $T "{\"billId\":\"9\",\"total\":\"Zaphods\",\"dateOfBirth\":null,$person}"
} >"$DIR/bodies"
pnow-sync <"$DIR/bodies" >"$DIR/results" 2>"$DIR/err"
is 'each has a result that says what became of it' "$(jq -r '"\(.id) \(.status)"' "$DIR/results" | sort | paste -sd,)" \
	'facility done,name ignored,sold done,start done,status ignored,total failed'
is 'no result quotes it' "$(grep -i zaphod "$DIR/results")" ''
is 'nor does stderr' "$(grep -i zaphod "$DIR/err")" ''
is 'nor does the ledger' "$(state_ledger "$DIR/test.db" | grep -i zaphod)" ''
rm -f "$DIR"/test.db*
pnow-inbox add <"$DIR/bodies" >"$DIR/added"
pnow-inbox run -1 -- pnow-sync 2>"$DIR/err"
is 'nor do the attempts, nor the words of pnow-inbox' "$(sqlite3 "$DIR/test.db" 'SELECT * FROM attempt' | grep -i zaphod)$(grep -i zaphod "$DIR/err")" ''
is 'there are six' "$(state_attempts "$DIR/test.db" i.id | sort -u | wc -l)" 6
printf '{"id":"x","type":"Zaphod","patient":{"id":"1"}}\n' | crm-map | crm-push >"$DIR/results" 2>"$DIR/err"
is 'nor is a type that is none, or an operation' "$(grep -i zaphod "$DIR/results" "$DIR/err")" ''
finish
