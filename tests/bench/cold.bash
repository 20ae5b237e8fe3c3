# shellcheck shell=bash
# One event of a patient whom nothing knows yet, from the moment of its connection to the last call to the CRM: pnow-hook with
# pnow-sync behind it, from its listener and from inetd; and a shell script of jq and curl that makes the same calls. The names'
# ids are known to both; the script is given the body, without a server in front of it. In turns. And the listener with one of a
# patient whose contact is known.
# shellcheck disable=SC2154 # from common.bash

# event N [PATIENT]: the body of the N-th patient's appointment; PatientNow must be asked for the patient.
event()
{
	printf '{"event":"AppointmentCreated","eventId":"cold-%d","occurredAt":"2026-11-20T16:05:00Z","practiceId":"4711","data":{"appointmentId":"%d","patientId":"%d","appointmentType":"Botox","status":"Booked","startTime":"2026-12-01T15:30:00-07:00","endTime":"2026-12-01T16:00:00-07:00","provider":"Dr. Reyes","facility":"Downtown","reason":"New patient","comments":"bring forms","eventType":"Office Visit"}}' \
		"$1" "$((90000 + $1))" "$((10233 + ${2-$1}))"
}

# by_WAY N: event N goes that way.
by_listener()
{
	port=$listener post glow-denver "$(event "$1")"
}

by_known()
{
	port=$listener post glow-denver "$(event "$1" 1)"
}

by_inetd()
{
	port=$inetd post glow-denver "$(event "$1")"
}

by_script()
{
	local body
	body=$(event "$1")
	began=$EPOCHREALTIME
	"$bench/peers/cold.sh" "$api" names.json <<<"$body" >answer 2>&1
}

# once WAY: one event; adds milliseconds to its last call, and calls, to the way's file.
once()
{
	local began
	number=$((number + 1))
	curl -sS -X DELETE "$api/_/requests" >requests
	"by_$1" "$number"
	curl -sS "$api/_/requests" | jq -rs --arg began "$began" '
		def ms: (.[:19] + "Z" | fromdate) * 1000 + (.[20:23] | tonumber);
		[([.[] | .at | ms] | max) - ($began | tonumber) * 1000, length,
			([.[] | select(.status >= 400)] | length)] | map(tostring) | join(" ")' >>"$1.$delayed"
}

# ways: the ways that can be gone here.
ways()
{
	echo listener
	echo known
	! have inetd || echo inetd
	echo script
}

start_inetd()
{
	listen "$PNOW_CONFIG" -- pnow-sync
	stop
	inetd=$port
	echo "127.0.0.1:$inetd stream tcp nowait $(id -un) $(command -v env) env PATH=$bin pnow-hook -c $PNOW_CONFIG -- pnow-sync" >inetd.conf
	inetd -i inetd.conf &
	started+=($!)
}

# report MS: the rows for a delay.
report()
{
	local way time ours calls name
	for way in $(ways); do
		time=$(cut -d' ' -f1 "$way.$1" | median) calls=$(cut -d' ' -f2 "$way.$1" | median)
		[ "$way" != listener ] || ours=$time
		name=$way
		[ "$way" != known ] || name='listener, contact known'
		row "  $name, the sandbox answers after $1 ms" "$(calculate "$time")" "$(calculate "$time / $ours")" "$calls" \
			"$(cut -d' ' -f1 "$way.$1" | sort -n | head -n 1 | awk '{ printf "%.1f", $1 }')"
	done
	! grep -q ' [1-9][0-9]*$' ./*."$1" || echo '  (some calls were refused)'
}

bench_cold()
{
	local number=0 token delayed round way listener inetd port n=${BENCH_COLD:-15}
	sandbox $((8 * n + 20))
	practice "$work/cold"
	# shellcheck disable=SC2034 # for post
	token=$(<cold/hook.secret)
	listen "$PNOW_CONFIG" -- pnow-sync
	listener=$port
	! have inetd || start_inetd
	curl -sS "$api/crm/locations/ve9EPM428h8vShlRW1KT/customFields" -H 'Version: 2021-07-28' -H "Authorization: Bearer $(<cold/crm.token)" >fields
	curl -sS "$api/crm/opportunities/pipelines?locationId=ve9EPM428h8vShlRW1KT" -H 'Version: 2021-07-28' -H "Authorization: Bearer $(<cold/crm.token)" >pipelines
	curl -sS "$api/crm/workflows/?locationId=ve9EPM428h8vShlRW1KT" -H 'Version: 2021-07-28' -H "Authorization: Bearer $(<cold/crm.token)" >workflows
	jq -s add fields pipelines workflows >names.json
	delayed=warm-up
	for way in $(ways); do once "$way"; done
	for delayed in 0 50; do
		delay "$delayed"
		for ((round = 0; round < n; round++)); do
			for way in $(ways); do once "$way"; done
		done
	done
	title "one event, cold, to the last call of the CRM; $n of each" 'ms' 'x time' calls 'least ms'
	report 0
	report 50
	while [ ${#started[@]} -gt 0 ]; do stop; done
}
