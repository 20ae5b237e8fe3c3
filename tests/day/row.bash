#!/usr/bin/env bash
# Days of a practice, through the real programs as it would set them up. It runs under faketime(1), and so does all that it
# starts: one clock, which is faster. Its argument is a folder, empty; what it leaves there for each day is N.events (SEQ TYPE
# QUEUE RECEIVED SETTLED STATE ATTEMPTS CALLS CRM WAITED WHY: CALLS and WAITED for PatientNow, times in milliseconds) and N.calls
# (when PatientNow was asked for what). Day 0 is the evening before the first of several, where a day ends in the next one (UTC):
# what it takes of the first day's calls each day takes of the next one's.
# From the environment: SPEED, SEED, DAYS, ZONE, BEGIN (when the first day begins, seconds since 1970), LIMIT (of PatientNow's calls),
# and a row of the table: name, hours, events, mix, patients, known, bursts.
# shellcheck disable=SC2154 # from the environment
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd) examples=$(cd "$(dirname "$0")/../../examples" && pwd)
# shellcheck source=tests/state.bash
. "$here/../state.bash"
cd "$1"
umask 077
export no_proxy='*' PNOW_CONFIG=$1/glow-denver.json
sandbox='' hook='' run=''
# shellcheck disable=SC2329 # called by the trap
finish()
{
	kill $run $hook $sandbox 2>/dev/null || true
	wait
}
trap finish EXIT

# clock_set TIME: it is that time now, for what is started from now on, and for the sandbox, which lives through the nights.
clock_set()
{
	local base=${FAKETIME#@}
	FAKETIME="@$((${base% x*} + $1 - $(date +%s))) x$SPEED"
	printf '%s\n' "$FAKETIME" >clock.new
	mv clock.new clock
}

# until_true COMMAND…: tries it, for as long as any of this may take: some hours of the faked clock.
until_true()
{
	local last=$(($(date +%s) + 36000))
	until "$@"; do
		[ "$(date +%s)" -lt "$last" ] || { echo "$name: gave up: $*" >&2; exit 1; }
		sleep 5
	done
}

port_in()
{
	until_true test -s "$1"
	cat "$1"
}

# set_up SANDBOX: the example practice, with the sandbox's address, and paths of its own.
set_up()
{
	sed 's#^ *//.*##' "$examples/practice/glow-denver.json" | jq --arg api "$1" --arg work "$PWD" --arg zone "$ZONE" --argjson limit "$LIMIT" \
		'.timezone = $zone | .state = $work + "/glow-denver.db"
		| .patientnow += {base_url: ($api + "/patientnow"), token_file: ($work + "/pnp.token"), daily_limit: $limit}
		| .crm += {base_url: ($api + "/crm"), token_file: ($work + "/crm.token")}
		| .hooks.patientnow.secret_file = $work + "/hook.secret"' >glow-denver.json
}

printf 'sandbox-pnp-token\n' >pnp.token
printf 'sandbox-crm-token\n' >crm.token
printf 'a secret between PatientNow and us\n' >hook.secret
cp "$examples/practice/glow-denver.categories.csv" .
sed 's#//.*$##' "$examples/sandbox/seed.json" | jq --argjson n $((known + (patients - known) * (DAYS + 1))) '.crm.locations[].contacts = []
	| .patientnow |= (.appointments = [] | .billing = [] | .memberships = [] | .patients = [range(1; $n + 1)
		| {patientId: "\(20000 + .)", firstName: "First\(.)", lastName: "Last\(.)", email: "p\(.)@example.com", gender: "F",
			cellPhone: "(720) 200-\(1000 + .)", dateOfBirth: "\(1950 + . % 50)-01-02", updatedAt: "2025-01-01T00:00:00Z"}])' >seed.json

# How many hours of a day are in the next one (UTC).
late=0
if [ "$DAYS" -gt 1 ]; then
	late=$((((BEGIN + hours * 3600) % 86400 + 3599) / 3600))
	[ "$late" -lt "$hours" ] || late=0
fi

# The day before: the patients that are known become so.
clock_set $((BEGIN - (late > 0 ? 26 : 14) * 3600))
hook_port=$((10000 + RANDOM % 20000))
env -u FAKETIME FAKETIME_TIMESTAMP_FILE="$PWD/clock" FAKETIME_NO_CACHE=1 pnow-sandbox -s seed.json -p sandbox.port -i -K hook.secret \
	-W "http://127.0.0.1:$hook_port/hook/glow-denver/patientnow" -r 100/10000 -R 200000 \
	-f delay,ms=100,method=GET,api=patientnow -f delay,ms=100,api=crm >/dev/null &
sandbox=$!
api=http://127.0.0.1:$(port_in sandbox.port)
set_up "$api"
jq -c --argjson n "$known" '.patientnow.patients[:$n][] | {id: "old-\(.patientId)", type: "patient.created", practice: "glow-denver",
	received: "2025-01-01T00:00:00Z", patient: {id: .patientId, first_name: .firstName, last_name: .lastName, email,
	phone: .cellPhone, gender}}' seed.json | crm-map | crm-push -j 16 >known

# settled EVENTS: so many have come, and none is on its way.
settled()
{
	[ "$(state_events glow-denver.db)" -ge "$1" ] && [ "$(state_events glow-denver.db "state IN ('waiting','running')")" -eq 0 ]
}

# happens DAY [-v NAME=VALUE…]: what does, by events.awk; booked is how many appointments the evening before had.
booked=0
happens()
{
	awk -v seed="$SEED" -v day="$1" -v url="$api/patientnow" -v hours="$hours" -v events="$events" -v mix="$mix" -v patients="$patients" \
		-v known="$known" -v bursts="$bursts" -v appointments="$booked" "${@:2}" -f "$here/events.awk" >happens
}

# day NUMBER BEGIN: what is in happens.
day()
{
	local begin=$2 before now
	before=$(state_events glow-denver.db)
	curl -sS -X DELETE "$api/_/requests" >/dev/null
	clock_set $((begin - 60))
	rm -f hook.port
	pnow-hook -l "127.0.0.1:$hook_port" -p hook.port >/dev/null 2>>hook.err &
	hook=$!
	pnow-inbox run -- pnow-sync >/dev/null 2>>run.err &
	run=$!
	port_in hook.port >/dev/null
	now=$(date +%s)
	happen $((now > begin ? now : begin)) happens
	until_true settled $((before + $(wc -l <happens)))
	kill $run $hook
	wait $run $hook || true
	run='' hook=''
	state_attempts glow-denver.db "i.seq, type, queue, received, settled, state, attempts, a.patientnow_calls, a.result->>'ms',
		coalesce(a.result->>'$.patientnow_wait.ms', 0), a.result->>'$.patientnow_wait.why'" \
		"i.seq > $before AND a.at = i.settled" | tr '|' '\t' >"$1.events"
	curl -sS "$api/_/requests" | jq -r 'select(.api == "patientnow" and .method == "GET") | [.at, .path] | @tsv' >"$1.calls"
}

if [ "$late" -gt 0 ]; then
	happens 1 -v seed=$((SEED + 1000)) -v hours="$late" -v events=$((events * late / hours)) -v bursts=- -v others=$(((patients - known) * DAYS)) \
		-v news=5000 -v phones=5000
	day 0 $((BEGIN + (hours - late - 24) * 3600))
	booked=$(grep -c 'POST [^ ]*/appointments' happens || true)
fi
for ((n = 1; n <= DAYS; n++)); do
	happens $n
	day $n $((BEGIN + (n - 1) * 86400))
done
