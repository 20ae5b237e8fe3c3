#!/usr/bin/env bash
# A day of a busy practice: patients, appointments, bills and memberships are made and changed in PatientNow, in waves; its
# webhooks, which carry ids only, go through pnow-hook, the inbox and pnow-sync. PatientNow is asked as seldom as promised,
# and the CRM then holds of every contact what the practice does. BUSY_DAY=full (make busy-day) is a whole day: 2,000 events
# of 600 patients. What spreads the calls over the day is not in play where a day takes seconds: tests/unit/quota.c has that.
# For the contract they say nothing new.
PNOW_REQUESTS=
# shellcheck source=tests/pipeline/common.bash
. "$(dirname "$0")/common.bash"
events=240 patients=72 waves=4
! sanitized && [ "$PROFILE" = patientnow-pro ] || events=120 patients=36 waves=2
[ "${BUSY_DAY:-}" != full ] || events=2000 patients=600 waves=20
most=$((events * 700 / 2000))

# Of the patients two thirds are in the CRM already, the others are not, though the practice has had them for long.
seed '.patientnow.patients = [range($n) | {patientId: "\(20000 + .)", firstName: "First\(.)", lastName: "Last\(.)",
		email: "p\(20000 + .)@example.com", cellPhone: "(720) 200-\(1000 + .)", gender: "F",
		dateOfBirth: "\(1950 + . % 50)-01-02", updatedAt: "2025-01-01T00:00:00Z"}]' --argjson n $patients
API=http://127.0.0.1:1
practice day
export PNOW_CONFIG=$DIR/day.json
pnow-hook -l 127.0.0.1:0 -p "$DIR/hook.port" >/dev/null 2>"$DIR/hook.err" &
HOOK=$!
sandbox -i -K "$DIR/hook.secret" -W "http://127.0.0.1:$(port_in "$DIR/hook.port")/hook/day/patientnow" \
	-f delay,ms=100,method=GET,api=patientnow -f delay,ms=100,method=GET,api=envision
practice day '.patientnow.daily_limit = 1000000'
jq -c '.patientnow.patients[] | select((.patientId | tonumber) % 3 > 0) | {id: "old-\(.patientId)", type: "patient.created",
	practice: "day", received: "2025-01-01T00:00:00Z", patient: {id: .patientId, first_name: .firstName, last_name: .lastName,
	email, phone: .cellPhone, gender}}' "$DIR/seed.json" | crm-map | crm-push -j 16 >/dev/null
at_sandbox requests DELETE

# What happens: WAVE METHOD PATH BODY. Appointments get the ids 10001, 10002 ... A patient has to do with one appointment in
# a wave, since a wave takes a second, and times have no parts of one.
awk -v events=$events -v patients=$patients -v waves=$waves '
	function random(n) { seed = seed * 16807 % 2147483647; return int(seed / 2147483647 * n) }
	function happens(method, path, body) { print wave, method, path, body }
	function free(patient, id) { return visit[patient, wave] == "" || visit[patient, wave] == id }
	BEGIN {
		seed = 20261122
		split("Checked Out,Checked Out,Checked Out,Cancelled,No Show", statuses, ",")
		for (n = 1; n <= events; n++) {
			wave = int((n - 1) * waves / events)
			patient = 20000 + random(patients)
			what = random(100)
			one = 1 + random(open)
			if (what >= 45 && what < 70 && !(open && free(whose[booked[one]], booked[one])))
				what = 14
			if (what >= 14 && what < 45 && !free(patient, ""))
				what = 70
			if (what < 4)
				happens("POST", "patients", sprintf("{\"firstName\":\"New%d\",\"lastName\":\"Comer\",\"email\":\"new%d@example.com\",\"cellPhone\":\"(720) 300-%d\"}", n, n, 1000 + n))
			else if (what < 14)
				happens("PUT", "patients/" patient, sprintf("{\"lastName\":\"Married%d\",\"cellPhone\":\"(720) 400-%d\"}", n, 1000 + n))
			else if (what < 45) {
				booked[++open] = ++appointments + 10000
				whose[booked[open]] = patient
				visit[patient, wave] = booked[open]
				happens("POST", "appointments", sprintf("{\"patientId\":\"%d\",\"appointmentType\":\"Botox\",\"status\":\"Booked\",\"startTime\":\"2027-01-%02dT%02d:00:00-07:00\",\"provider\":\"Dr. Reyes\"}", patient, 1 + random(28), 8 + random(10)))
			} else if (what < 70) {
				visit[whose[booked[one]], wave] = booked[one]
				happens("PUT", "appointments/" booked[one], sprintf("{\"status\":\"%s\"}", statuses[1 + random(5)]))
				booked[one] = booked[open--]
			} else if (what < 96)
				happens("POST", "billing", sprintf("{\"patientId\":\"%d\",\"total\":\"%d.%02d\",\"items\":[{\"description\":\"Botox\",\"amount\":\"1\"}]}", patient, random(900), random(100)))
			else
				happens("POST", "memberships", sprintf("{\"patientId\":\"%d\",\"programName\":\"Glow Club\",\"soldDate\":\"2026-12-01\",\"amount\":\"99.00\"}", patient))
		}
	}' >"$DIR/day"
is "so much happens" "$(wc -l <"$DIR/day")" $events

# wave NUMBER: all of it happens.
wave()
{
	awk -v wave="$1" -v api="$API" '$1 == wave { method = $2; path = $3; sub(/^[^ ]+ [^ ]+ [^ ]+ /, ""); gsub(/"/, "\\\"")
		printf "%surl = \"%s/patientnow/%s?practiceId=4711\"\nrequest = %s\nheader = \"Authorization: Bearer sandbox-pnp-token\"\n",
			more++ ? "next\n" : "", api, path, method
		printf "header = \"Content-Type: application/json\"\ndata = \"%s\"\noutput = /dev/null\nsilent\n", $0 }' "$DIR/day" >"$DIR/wave"
	curl -K "$DIR/wave"
}

# count_is N CONDITION: waits until so many events of the inbox are so.
count_is()
{
	local i
	for ((i = 0; i < 2400; i++)); do
		[ "$(state_events "$DIR/day.db" "$2")" -lt "$1" ] || return 0
		sleep 0.05
	done
}

# The whole day is live: how many lists a wave takes depends on how fast it comes. Else each wave waits for its run.
SECONDS=0
if [ "${BUSY_DAY:-}" = full ]; then
	pnow-inbox run -- pnow-sync >/dev/null 2>"$DIR/run.err" &
	RUN=$!
	started+=("$RUN")
fi
for ((i = 1; i <= waves; i++)); do
	wave $((i - 1))
	count_is $((i * events / waves)) true
	[ "${BUSY_DAY:-}" = full ] || timeout 300 pnow-inbox run -1 -- pnow-sync >/dev/null 2>"$DIR/run.err"
	count_is $((i * events / waves)) 'settled IS NOT NULL'
done
took=$SECONDS
if [ "${BUSY_DAY:-}" = full ]; then
	kill "$RUN"
	wait "$RUN"
fi

# --- What it has cost

is 'every event is applied, at once' "$(sqlite3 "$DIR/day.db" "SELECT state, attempts, count(*) FROM inbox
	WHERE state NOT IN ('done','unchanged') OR attempts<>1 GROUP BY 1, 2")" ''
at_sandbox requests | jq -r 'select(.api != "crm" and .method == "GET") | .path | split("?")[0] | ltrimstr("/")
	| if contains("/") then sub("/.*"; "/ID") else . end' >"$DIR/asked"
asked=$(wc -l <"$DIR/asked")
echo "# $events events in $took s, $asked calls of PatientNow: $(sort "$DIR/asked" | uniq -c | tr -s ' \n' ' ')"
[ "$asked" -lt $most ]
point "fewer than $most calls" "$asked"
is 'the quota has counted each' "$(state_calls "$DIR/day.db")" "$asked"
is 'and the results tell them' "$(sqlite3 "$DIR/day.db" "SELECT sum(result->>'patientnow_calls') FROM attempt")" "$asked"

# --- What has come of it

# Each as E-MAIL NAME PHONE VALUE APPOINTMENT STATUS STAGE MEMBERSHIP, of the practice and of the CRM; what the day did not
# bring is "-".
at_sandbox state >"$DIR/state"
jq -r '(.appointments | group_by(.patientId) | map({(.[0].patientId): (sort_by(.updatedAt) | last)}) | add) as $visits
	| (.billing | group_by(.patientId) | map({(.[0].patientId): (map(.total | sub("[.]"; "") | tonumber) | add)}) | add) as $sums
	| (.memberships | map({(.patientId): .membershipId}) | add // {}) as $members
	| {Booked: "Booked", "Checked Out": "Patient", Cancelled: "Cancelled / No-Show", "No Show": "Cancelled / No-Show"} as $stages
	| .patients[] | .patientId as $id | select(.updatedAt > "2026" or $visits[$id] or $sums[$id] or $members[$id])
	| [.email, (if .updatedAt > "2026" or $visits[$id] then "\(.firstName) \(.lastName) \(.cellPhone | gsub("[^0-9]"; ""))" else "-" end),
		$sums[$id] // "-", $visits[$id].appointmentId // "-", ($visits[$id].status // "-" | sub("No Show"; "No-Show")),
		$stages[$visits[$id].status // ""] // "-", $members[$id] // "-"] | @tsv' "$DIR/state" | sort >"$DIR/want"
jq -r --rawfile want "$DIR/want" '($want | split("\n") | map(split("\t") | {(.[0] // ""): .[1]}) | add) as $names
	| .contacts[] | select($names[.email])
	| [.email, (if $names[.email] == "-" then "-" else "\(.firstName) \(.lastName) \(.phone | ltrimstr("+1"))" end),
		(.fields["Patient Lifetime Value"] // "-" | if . == "-" then . else sub("[.]"; "") | tonumber end),
		.fields["PNOW Last Appt ID"] // "-", .fields["PNOW Appt Status"] // "-", (.opportunities[0].stage // "-"),
		.fields["PNOW Membership ID"] // "-"] | @tsv' "$DIR/state" | sort >"$DIR/got"
[ "$(wc -l <"$DIR/want")" -gt $((patients / 2)) ]
point 'the day concerns more than half of the patients'
is "all $(wc -l <"$DIR/want") contacts that the day concerns are as the practice has them" "$(diff "$DIR/want" "$DIR/got" | head -n 6)" ''
is 'nobody is there twice' "$(jq -r '.contacts[].email' "$DIR/state" | sort | uniq -d)" ''
finish
