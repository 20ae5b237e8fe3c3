# shellcheck shell=bash
# What the tests of the networked half share: a sandbox, a practice, pnow-hook in front of pnow-sync, signed webhooks, and
# TAP. Sourced, never run. With $PNOW_REQUESTS set, every request that the CRM got is kept in that folder, for the contract.
# shellcheck source=tests/tap.sh disable=SC2034,SC2154 # tap.sh sets work and root; the tests use the rest
. "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"
NAME=$(basename "$0" .sh)
DIR=$work
MAIN=ve9EPM428h8vShlRW1KT # the sub-accounts of the seed
DOWNTOWN=fAc1l1tyD0wnt0wn00001
PROFILE=${PROFILE:-patientnow-pro}
SECRET='a secret between PatientNow and us'
SANDBOX='' HOOK='' # their process ids
API='' URL=''      # the sandbox; the hook
umask 077

# shellcheck disable=SC2329 # called by the trap
tidy_all()
{
	[ "$BASHPID" = $$ ] || return
	hook_stop
	sandbox_stop
	tidy
}
trap tidy_all EXIT

# point PROMISE [WHAT WAS]: a test that passes where the last command did (no "$(…)" here: that would be the last one).
point()
{
	# shellcheck disable=SC2319 # the caller's
	local status=$?
	if [ $status -eq 0 ]; then pass "$@"; else fail "$@"; fi
}

# same PROMISE GOT WANT: two JSON texts, the order of keys apart.
same()
{
	local difference
	difference=$(diff -U1 <(jq -S . <<<"$3") <(jq -S . <<<"$2") | tail -n +3)
	if [ -z "$difference" ]; then pass "$1"; else fail "$1" 'want (-), got (+):' "$difference"; fi
}

# --- The sandbox

# seed FILTER [OPTION…]: the seed of the examples with nobody in it, changed by a jq filter; in $DIR/seed.json.
seed()
{
	sed 's#//.*$##' "$root/examples/sandbox/seed.json" | jq "${@:2}" '.patientnow |= (.patients = [] | .appointments = []
		| .billing = [] | .memberships = []) | .crm.locations[].contacts = [] | '"$1" >"$DIR/seed.json"
}

# The port that a server has written, as soon as it has.
port_in()
{
	await "$1"
	printf '%s\n' "$(<"$1")"
}

# sandbox [OPTION…]: starts it with $DIR/seed.json; API is its address.
sandbox()
{
	rm -f "$DIR/sandbox.port"
	pnow-sandbox -s "$DIR/seed.json" -p "$DIR/sandbox.port" "$@" >/dev/null &
	SANDBOX=$!
	API=http://127.0.0.1:$(port_in "$DIR/sandbox.port")
}

sandbox_stop()
{
	[ -n "$SANDBOX" ] || return 0
	keep_requests
	kill "$SANDBOX" 2>/dev/null
	wait "$SANDBOX" 2>/dev/null
	SANDBOX=''
}

# at_sandbox PAGE [METHOD [BODY]]: what one of the sandbox's own pages says (those below /_/); with a method, what to do there. Tests
# ask thousands of times, and for that the shell is quicker than a client takes to start.
at_sandbox()
{
	local socket line status body=${3:-}
	exec {socket}<>"/dev/tcp/127.0.0.1/${API##*:}" || return
	printf '%s /_/%s HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s' "${2:-GET}" "$1" "${#body}" "$body" >&"$socket"
	read -r _ status _ <&"$socket"
	until ! read -r line <&"$socket" || [ "$line" = $'\r' ]; do :; done
	[ $# -gt 1 ] || cat <&"$socket"
	exec {socket}>&-
	[[ $status == 2* ]]
}

# Forgets what the CRM got and did, for the next part of a test.
sandbox_reset()
{
	keep_requests
	at_sandbox requests DELETE
	at_sandbox faults DELETE
	at_sandbox reset POST
}

keep_requests()
{
	[ -z "${PNOW_REQUESTS:-}" ] || at_sandbox requests | grep '"api": *"crm"' >>"$PNOW_REQUESTS/$NAME.ndjson"
}

# requests [FILTER]: the requests that the CRM got, each through a jq filter.
requests()
{
	at_sandbox requests | jq -c "select(.api == \"crm\") | ${1:-.}"
}

# updates FROM N: events of so many patients, whose names are news.
updates()
{
	seq "$1" $(($1 + $2 - 1)) | awk '{
		printf "{\"id\":\"u%d\",\"type\":\"patient.created\",\"practice\":\"test\",\"occurred\":\"2026-11-20T16:05:00Z\",\"patient\":{\"id\":\"%d\",\"first_name\":\"Ana\",\"last_name\":\"Lopez\",\"email\":\"u%d@example.com\",\"phone\":\"\",\"gender\":\"F\",\"referral_source\":\"\"}}\n",
			$1, 500000 + $1, $1 }'
}

# fault NAME [KEY=VALUE…]
fault()
{
	local pair value body="\"fault\":\"$1\""
	for pair in "${@:2}"; do
		value=${pair#*=} value=${value//\\/\\\\}
		body+=",\"${pair%%=*}\":\"${value//\"/\\\"}\""
	done
	at_sandbox faults POST "{$body}"
}

# matches PATTERN PAGE: whether the sandbox's page does.
matches()
{
	[[ $(at_sandbox "$2") =~ $1 ]]
}

faults_end()
{
	at_sandbox faults DELETE
}

# What the CRM holds, without ids; an opportunity's and a contact's alike.
contacts()
{
	at_sandbox state | jq -c '.contacts | del(.. | .id?)'
}

# contact E-MAIL: one contact, without ids.
contact()
{
	at_sandbox state | jq -c --arg email "$1" '[.contacts[] | select(.email == $email)] | del(.. | .id?)
		| if length == 1 then .[0] else . end'
}

# contact_id E-MAIL
contact_id()
{
	at_sandbox state | jq -r --arg email "$1" '.contacts[] | select(.email == $email) | .id'
}

# --- The practice

# practice NAME FILTER: a configuration against the sandbox, changed by a jq filter; in $DIR/NAME.json. PROFILE says which of
# the two products the practice has.
practice()
{
	make_secrets "$DIR"
	printf 'sandbox-downtown-token\n' >"$DIR/downtown.token"
	printf '%s\n' "$SECRET" >"$DIR/hook.secret"
	printf '%s\n' 'Appointment Type,Appointment Category' 'Rhinoplasty Consult,Surgical Consult' 'Rhinoplasty,Surgical Appointment' \
		'Skin Consult,Non-Surgical Consult' 'Botox,Non-Surgical Appointment' 'Lunch,Block' 'Stitches,Post-Op' \
		'Lab Work,Pre-Op' >"$DIR/categories.csv"
	jq -n --arg name "$1" --arg api "$API" --arg main "$MAIN" --arg profile "$PROFILE" '{
		practice: $name, timezone: "America/Denver", country: "US", state: ($name + ".db"),
		patientnow: (if $profile == "patientnow-pro"
			then {base_url: ($api + "/patientnow"), practice_id: "4711", token_file: "pnp.token"}
			else {base_url: ($api + "/envision"), user: "sandbox", password_file: "pne.password", apikey_file: "pne.apikey"} end
			+ {$profile}),
		crm: {base_url: ($api + "/crm"), location_id: $main, token_file: "crm.token"},
		hooks: {patientnow: {verify: "hmac-sha256", header: "X-Signature", secret_file: "hook.secret"}},
		categories: "categories.csv",
		workflows: {appointments: "PatientNow Appointments Update", order_paid: "PatientNow Order Paid",
			membership: "PatientNow Membership Update", birthday: "PatientNow Birthday"}
	} | '"${2:-.}" >"$DIR/$1.json"
	on_engine "$DIR/$1.json"
}

# --- From a webhook to a result

# hook NAME…: pnow-hook for these practices, each event through pnow-sync with its practice's configuration; results in
# $DIR/results.
hook()
{
	local name options=()
	cat >"$DIR/sync" <<-'END'
		#!/usr/bin/env bash
		set -o pipefail
		IFS= read -r event
		[[ $event =~ '"practice":"'([^\"]*) ]] && practice=${BASH_REMATCH[1]}
		printf '%s\n' "$event" | pnow-sync -c "${0%/*}/$practice.json" | tee -a "${0%/*}/results"
	END
	chmod +x "$DIR/sync"
	for name in "$@"; do
		options+=(-c "$DIR/$name.json")
	done
	rm -f "$DIR/results"
	hook_start "${options[@]}" -- "$DIR/sync"
}

# hook_start OPTION…: pnow-hook with these options; URL is its address.
hook_start()
{
	rm -f "$DIR/hook.port"
	pnow-hook -l 127.0.0.1:0 -p "$DIR/hook.port" "$@" >"/dev/null" 2>"$DIR/hook.err" &
	HOOK=$!
	URL=http://127.0.0.1:$(port_in "$DIR/hook.port")/hook
}

hook_stop()
{
	[ -n "$HOOK" ] || return 0
	kill "$HOOK" 2>/dev/null
	wait "$HOOK" 2>/dev/null
	HOOK=''
}

signature()
{
	openssl dgst -sha256 -hmac "$SECRET" -r | cut -d' ' -f1
}

# post PRACTICE BODY: a signed webhook from PatientNow; writes the status of the answer.
post()
{
	curl -sS -o "$DIR/answer" -w '%{http_code}' -H 'Content-Type: application/json' \
		-H "X-Signature: $(printf %s "$2" | signature)" --data-binary "$2" "$URL/$1/patientnow"
}

# spoken BODY: a webhook's body in the words of the practice's product; those of Pro stand in the tests.
spoken()
{
	[ "$PROFILE" = patientnow-essentials ] || { printf '%s\n' "$1"; return; }
	jq -c '{patientId: "CustomerId", billId: "OrderId", billDate: "OrderDate", appointmentType: "Service", provider: "Employee",
		facility: "Company"} as $renamed
		| walk(if type == "object" then with_entries(.key |= ($renamed[.] // (.[:1] | ascii_upcase) + .[1:])) else . end)' <<<"$1"
}

# webhook EVENT ID TIME DATA: a body as PatientNow sends it.
webhook()
{
	jq -nc --arg event "$1" --arg id "$2" --arg time "$3" --argjson data "$4" \
		'{event: $event, eventId: $id, occurredAt: $time, practiceId: "4711", data: $data}'
}

# The last result, without what differs from run to run.
last_result()
{
	tail -n 1 "$DIR/results" | jq -c 'del(.ms, .calls, .actions[].ms)'
}

# push [OPTION…]: events on standard input through categorize, crm-map and crm-push of the practice "test".
push()
{
	PNOW_CONFIG=$DIR/test.json bash -c 'categorize | crm-map | crm-push "$@"' push "$@"
}

# event TYPE ID TIME FILTER: a canonical event; the jq filter adds patient, appointment, bill or membership to it, with these
# to hand: $ana and $ben, patients; visit(ID; STATUS), an appointment for Botox; bill(ID; TOTAL).
event()
{
	jq -nc --arg type "$1" --arg id "$2" --arg time "$3" '
		{id: "10234", first_name: "Ana", last_name: "Lopez", email: "ana@example.com", phone: "(303) 555-0142", gender: "F",
			dob: "1984-03-02", address1: "1 Main St", city: "Denver", state: "CO", postal_code: "80202"} as $ana
		| {id: "10235", first_name: "Ben", last_name: "Okafor", email: "ben@example.com", phone: "720-555-0117", gender: "M",
			dob: "1979-11-23"} as $ben
		| def visit($id; $status): {appointment: {$id, type: "Botox", $status, start: "2026-12-01T15:30:00-07:00",
			provider: "Dr. Reyes", facility: "Downtown", reason: "New patient", comments: "bring forms", event_type: "Office Visit"}};
		def bill($id; $total): {bill: {$id, $total, date: "2026-12-01", provider: "Dr. Reyes", facility: "Downtown",
			items: [{name: "Botox", amount: $total}]}};
		{$id, $type, practice: "test", source: "webhook", received: "2026-12-05T00:00:00Z", occurred: $time} + '"$4"
}

# --- Interrupted, and run again

# The events that are interrupted, each with what comes before it: NAME|BEFORE|EVENT. Ben is in the CRM already.
scenarios='created||patient.created
updated|created|patient.updated
booked||appointment.booked
existing||existing
checkout|booked|checkout
bill||bill
paid|booked|bill
corrected|booked bill|corrected
member||membership'

# prepare: the seed, and each event of the scenarios through categorize and crm-map, in $DIR/EVENT.
prepare()
{
	seed '.crm.locations[0].contacts = [{firstName: "Ben", lastName: "Okafor", email: "ben@example.com", phone: "+17205550117",
		tags: ["vip"], fields: {"Patient Lifetime Value": "100.25"},
		opportunities: [{name: "Ben Okafor", pipeline: "Non-Surgical", stage: "Booked", status: "open"}]}]'
	API=http://127.0.0.1:1
	practice test '.membership_tag = "Membership - {program}"'
	{
		event patient.created created 2026-12-01T10:00:00Z '{patient: $ana}'
		event patient.updated patient.updated 2026-12-01T11:00:00Z '{patient: ($ana + {last_name: "Lopez-Reyes"})}'
		event appointment.booked booked 2026-12-01T10:00:00Z '{patient: $ana} + visit("88123"; "booked")'
		event appointment.booked appointment.booked 2026-12-01T10:00:00Z '{patient: $ana} + visit("88123"; "booked")'
		event appointment.booked existing 2026-12-01T10:00:00Z '{patient: $ben} + visit("88124"; "booked")'
		event appointment.status checkout 2026-12-01T11:00:00Z '{patient: $ana} + visit("88123"; "checked_out")'
		event bill.completed bill 2026-12-01T12:00:00Z '{patient: $ana} + bill("991"; "450.00")'
		event bill.completed corrected 2026-12-01T13:00:00Z '{patient: $ana} + bill("991"; "460.50")'
		event membership.created membership 2026-12-01T12:00:00Z '{patient: $ana,
			membership: {id: "77", program: "Glow Club", sold_date: "2026-12-01", amount: "129.00"}}'
	} | PNOW_CONFIG=$DIR/test.json bash -c 'categorize | crm-map' >"$DIR/mapped"
	local line name
	while IFS= read -r line; do
		name=${line#*'"id":"'}
		printf '%s\n' "$line" >"$DIR/${name%%\"*}"
	done <"$DIR/mapped"
	ln -sf created "$DIR/patient.created"
}

# settled FILE: its last result is done or unchanged.
settled()
{
	[[ $(tail -n 1 "$1") =~ ^[^[]*'"status":"'(done|unchanged)'"' ]]
}

# work NAME: a sandbox of its own for a worker, in a folder of its own; HERE and OWN are its practice and folder.
work_begin()
{
	OWN=$DIR/$1
	mkdir "$OWN"
	on_sqlite || { mkdir -m 700 "$OWN/.run" && export XDG_RUNTIME_DIR=$OWN/.run; } # state_remove empties it
	pnow-sandbox -s "$DIR/seed.json" -p "$OWN/port" >/dev/null &
	SANDBOX=$!
	API=http://127.0.0.1:$(port_in "$OWN/port")
	jq --arg api "$API/crm" --arg state "$OWN/test.db" '.crm.base_url = $api | .state = $state' "$DIR/test.json" >"$DIR/test-$1.json"
	export PNOW_CONFIG=$DIR/test-$1.json
	on_engine "$PNOW_CONFIG"
}

# attempt SCENARIO: the sandbox as new, and what comes before the scenario's event done.
attempt()
{
	local before name
	keep_requests
	at_sandbox reset POST && at_sandbox faults DELETE
	IFS='|' read -r name before EVENT < <(grep "^$1|" <<<"$scenarios")
	state_remove "$OWN/test.db"
	for name in $before; do crm-push <"$DIR/$name" >"$OWN/before" 2>>"$OWN/err" || return 1; done
	at_sandbox requests DELETE
	: >"$OWN/results"
}

# again: the event until it is settled, five times at most; what waits for the CRM's index to have caught up need not.
again()
{
	local i
	for ((i = 0; i < 5; i++)); do
		! state_there "$OWN/test.db" || state_later "$OWN/test.db" effect 120000 2>>"$OWN/err"
		crm-push <"$DIR/$EVENT" >>"$OWN/results" 2>>"$OWN/err"
		settled "$OWN/results" && return
	done
}

# outcome SCENARIO FAULT NUMBER: a line of JSON with what has become of it, into $OWN/outcomes.
outcome()
{
	printf '{"scenario":"%s","fault":"%s","n":%d,"state":%s,"results":[%s]}\n' "$1" "$2" "$3" "$(at_sandbox state)" \
		"$(paste -sd, "$OWN/results")" >>"$OWN/outcomes"
}

# spread WORKERS FUNCTION: gives the lines of standard input to workers, each of which runs FUNCTION with a line's words.
spread()
{
	local worker running=()
	cat >"$DIR/jobs"
	for ((worker = 0; worker < $1; worker++)); do
		(
			trap sandbox_stop EXIT
			work_begin "w$worker"
			while read -r -a job; do
				"$2" "${job[@]}"
			done < <(awk -v n="$1" -v worker="$worker" 'NR % n == worker' "$DIR/jobs")
		) &
		running+=($!)
	done
	wait "${running[@]}"
	cat "$DIR"/w[0-9]*/outcomes >"$DIR/outcomes"
}

# judge: a point for each scenario and fault: at the end the CRM holds what it holds undisturbed, but for enrolments that the
# results warn of. $DIR/undisturbed has the outcomes without a fault.
judge()
{
	local promise bad
	while IFS=$'\t' read -r promise bad; do
		[ -z "$bad" ]
		point "$promise" "$bad"
	done < <(jq -rs --slurpfile undisturbed "$DIR/undisturbed" '
		def held: .state.contacts | del(.. | .id?);
		def lost: [.results[].warnings[] | select(startswith("nobody knows whether the contact was enrolled"))] | length;
		($undisturbed | map({(.scenario): held}) | add) as $wanted
		| group_by([.scenario, .fault])[] | [
			"\(.[0].scenario), \(.[0].fault), at each of \(length) requests: in the end all is done, and once",
			([.[] | . as $one | held as $held | $wanted[.scenario] as $want
				| ($want | map(.workflows | length) | add) as $all | ($held | map(.workflows | length) | add) as $there
				| if (($held | map(del(.workflows))) != ($want | map(del(.workflows)))) then "request \(.n): state differs: \($held)"
				elif ($there > $all) then "request \(.n): enrolled twice"
				elif ($all - $there > lost) then "request \(.n): an enrolment is missing and not told"
				elif (.results[-1].status | IN("done", "unchanged") | not) then "request \(.n): not settled: \(.results[-1] | [.status, .error])"
				else empty end] | join("; "))] | join("\t")' "$DIR/outcomes")
}

# --- crm-setup

# shellcheck disable=SC2120 # the tests do
# setup [OPTION…]: the rows of crm-setup in $DIR/rows, its status in $status; all that it ever said in $DIR/said.
setup()
{
	crm-setup "$@" >"$DIR/rows" 2>"$DIR/err"
	status=$?
	cat "$DIR/rows" "$DIR/err" >>"$DIR/said"
}

# row CHECK [NAME]: state, what was found and how to mend it, of the rows with this name, or of those without.
row()
{
	jq -r --arg check "$1" --arg name "${2:-}" 'select(.check == $check and (.name // "") == $name)
		| "\(.state): \(.found) -> \(.mend // "")"' "$DIR/rows"
}

# told PROMISE STATUS CHECK NAME PATTERN: that row, and the status.
told()
{
	like "$1" "$status $(row "$3" "$4")" "$2 $5"
}

# change FILTER: the practice as it is right, changed.
change()
{
	practice test "$1"
	state_remove "$DIR/test.db"
	setup
}
