# shellcheck shell=bash
# The appointment workflow beside Node-RED: webhooks that tell all, of patients whose contacts are known, four calls each, at a
# steady rate; the CRM answers after 100 ms. Processor time of an event, and the most memory, of all processes of each together
# (what they share counted once). Node-RED's flow is given the ids that ours has in its ledger, makes the calls one after
# another, and stores nothing. BENCH_RATE (20) events a second, for
# BENCH_SECONDS (5), in turns.
# shellcheck disable=SC2154 # from common.bash
patients=100

# appointments FROM N: webhooks for load, KEY ID BODY, each about a new appointment, of each patient in turn.
appointments()
{
	seq "$1" $(($1 + $2 - 1)) | awk -v patients="$patients" '{
		p = $1 % patients
		printf "%d\ta%d\t{\"event\":\"AppointmentCreated\",\"eventId\":\"a%d\",\"occurredAt\":\"2026-11-%02dT%02d:%02d:00Z\",\"practiceId\":\"4711\",\"data\":{\"patientId\":\"%d\",\"firstName\":\"Ana\",\"lastName\":\"Lopez %d\",\"email\":\"p%d@example.com\",\"cellPhone\":\"303555%04d\",\"appointmentId\":\"%d\",\"appointmentType\":\"Botox\",\"status\":\"Booked\",\"startTime\":\"2026-12-01T15:30:00-07:00\",\"provider\":\"Dr. Reyes\",\"facility\":\"Main\"}}\n",
			p, $1, $1, 1 + $1 / 1440, $1 / 60 % 24, $1 % 60, 10234 + p, p, p, p, 70000 + $1 }'
}

# family PROCESS: it, and what it has started.
family()
{
	local child
	printf '%s\n' "$1"
	for child in $(pgrep -P "$1"); do
		family "$child"
	done
}

# cpu PROCESS…: seconds of processor time that these and what they started have used.
cpu()
{
	local process
	for process in "$@"; do
		family "$process"
	done | xargs "$bin/../bench/cputime"
}

# memory PROCESS…: MB.
memory()
{
	local process
	for process in "$@"; do
		family "$process"
	done | sed 's#.*#/proc/&/smaps_rollup#' | xargs cat | awk '/^Pss:/ { n += $2 } END { print n / 1024 }'
}

# made N: whether the CRM was asked so often.
made()
{
	[ "$(curl -sS "$api/_/requests" | wc -l)" -ge "$1" ]
}

settled()
{
	[ "$(state_events pnow/glow-denver.db 'settled IS NOT NULL')" -eq "$1" ]
}

# served NAME URL PROCESS…: posts the events of a round; adds to NAME.used: ms of processor time an event, MB.
served()
{
	local name=$1 url=$2 n=$((rate * seconds)) before most=0 now
	shift 2
	curl -sS -X DELETE "$api/_/requests" >answer
	appointments "$next" $n >events
	next=$((next + n))
	before=$(cpu "$@")
	"$bin/../crash/load" -1 -c 16 -r "$rate" "$url" events >posted &
	started+=($!)
	while kill -0 "${started[-1]}" 2>/dev/null; do
		now=$(memory "$@")
		most=$(calculate "($now > $most ? $now : $most)" %f)
		sleep 1
	done
	unset 'started[-1]'
	until_true made $((4 * n))
	printf '%s %s\n' "$(calculate "($(cpu "$@") - $before) * 1000 / $n" %f)" "$most" >>"$name.used"
	curl -sS "$api/_/requests" | jq -r 'select(.status < 300) | .api' >made
	[ "$(grep -c crm made)" -eq $((4 * n)) ] && [ "$(wc -l <made)" -eq $((4 * n)) ] || echo "  $name: not four calls an event"
}

# of_the_crm PATH
of_the_crm()
{
	curl -sS "$api/crm/$1" -H 'Authorization: Bearer sandbox-crm-token' -H 'Version: 2021-07-28'
}

# What the flow knows: the ids of what is in the CRM.
crm_ids()
{
	local location=ve9EPM428h8vShlRW1KT
	jq -n --arg api "$api" --argjson fields "$(of_the_crm locations/$location/customFields)" \
		--argjson pipelines "$(of_the_crm "opportunities/pipelines?locationId=$location")" \
		--argjson workflows "$(of_the_crm "workflows/?locationId=$location")" --argjson state "$(curl -sS "$api/_/state")" '
		($pipelines.pipelines[] | select(.name == "Non-Surgical")) as $pipeline
		| {url: ($api + "/crm"), token: "sandbox-crm-token", pipeline: $pipeline.id,
			fields: ($fields.customFields | map({(.name): .id}) | add), stages: ($pipeline.stages | map({(.name): .id}) | add),
			workflow: ($workflows.workflows[] | select(.name == "PatientNow Appointments Update") | .id),
			categories: {Botox: "Non-Surgical Appointment"},
			patients: ($state.contacts | map({(.fields["PNOW ID"]): {contact: .id, opportunity: .opportunities[0].id}}) | add)}'
}

ours_and_theirs()
{
	awk '{ print $1 }' pnow.used | median
	awk '{ print $1 }' node-red.used | median
	awk '{ print $2 }' pnow.used | median
	awk '{ print $2 }' node-red.used | median
}

bench_node-red()
{
	local red=$root/.build/node-red/node_modules/.bin/node-red rate=${BENCH_RATE:-20} seconds=${BENCH_SECONDS:-5} next=0
	local hook run theirs port used round
	[ -x "$red" ] || { printf '\nNode-RED: not measured: make deps-bench\n'; return; }
	sandbox $patients
	practice pnow '.hooks.patientnow = {verify: "none"}'
	listen pnow/practice.json
	hook=${started[-1]}
	pnow-inbox run -- pnow-sync >run.out 2>run.err &
	run=$!
	started+=("$run")
	appointments 0 $patients >events
	next=$patients
	"$bin/../crash/load" -1 -c 16 "http://127.0.0.1:$port/hook/glow-denver/patientnow" events >posted
	until_true settled $patients
	cp "$bench"/peers/node-red/{settings.js,flow.json} .
	crm_ids >crm.json
	theirs=$(free_port)
	PORT=$theirs "$red" --userDir "$work" --settings "$work/settings.js" >red.out 2>&1 &
	red=$!
	started+=("$red")
	until_true curl -sS "http://127.0.0.1:$theirs/" -o answer
	appointments $next $((2 * patients)) >events
	next=$((next + 2 * patients))
	curl -sS -X DELETE "$api/_/requests" >answer
	"$bin/../crash/load" -1 -c 16 "http://127.0.0.1:$theirs/hook" events >posted
	until_true made $((8 * patients))
	delay 100
	rm -f ./*.used
	for ((round = 0; round < rounds; round++)); do
		served pnow "http://127.0.0.1:$port/hook/glow-denver/patientnow" "$hook" "$run"
		served node-red "http://127.0.0.1:$theirs/hook" "$red"
	done
	mapfile -t used < <(ours_and_theirs)
	title "an appointment, four calls of 100 ms; $rate a second" 'ms of CPU' MB
	row '  pnow-hook, pnow-inbox and pnow-sync' "$(calculate "${used[0]}" %.2f)" "$(calculate "${used[2]}")"
	row "  Node-RED $(jq -r .version "$root/.build/node-red/node_modules/node-red/package.json")" "$(calculate "${used[1]}" %.2f)" "$(calculate "${used[3]}")"
	row '  ours of theirs' "$(calculate "${used[0]} / ${used[1]}" %.2f)" "$(calculate "${used[2]} / ${used[3]}" %.2f)"
	stop
	stop
	stop
	stop
}
