#!/usr/bin/env bash
# A tagged contact's way through pnow-sync is killed with SIGKILL at each request, to either side, before it has its effect or
# after; or the answer is lost, or something breaks. Then the event is run again. In the end there is one patient, with one
# note that says it was created, PNOW ID, and no tag.
# For the contract that is nothing new.
PNOW_REQUESTS=
# shellcheck source=tests/pipeline/common.bash disable=SC2154 # tap.sh sets root
. "$(dirname "$0")/common.bash"

WANTED='[["created once",["PatientNow patient created\nPatient ID: 10001"],"10001",[]],["10001"]]'

prepare()
{
	seed '.crm.locations[0].contacts = [{id: "C0ntact", firstName: "Fay", lastName: "Wu", email: "fay@example.com",
		phone: "+13035550177", gender: "other", tags: ["pnowcreate"]}]'
	API=http://127.0.0.1:1
	practice test
	printf 'sandbox-password\n' >"$DIR/pne.password"
	printf 'sandbox-apikey\n' >"$DIR/pne.apikey"
	jq -nc '{id: "one", type: "contact.tagged", practice: "test", received: "2026-12-01T10:00:00Z", payload: {type: "ContactTagUpdate",
		id: "C0ntact", firstName: "Fay", lastName: "Wu", email: "fay@example.com", phone: "+13035550177", tags: ["pnowcreate"]}}' >"$DIR/event"
}

# fresh PROFILE: the sandbox as new, and a configuration of the worker's for it.
fresh()
{
	local profile="patientnow: {profile: \"patientnow-pro\", base_url: \"$API/patientnow\"}"
	[ "$1" = pro ] || profile="patientnow: {profile: \"patientnow-essentials\", base_url: \"$API/envision\", user: \"sandbox\",
		password_file: \"pne.password\", apikey_file: \"pne.apikey\"}"
	at_sandbox reset POST && at_sandbox faults DELETE && at_sandbox requests DELETE
	state_remove "$OWN/test.db"
	: >"$OWN/results"
	jq ". * {crm: {base_url: \"$API/crm\"}, $profile}" "$PNOW_CONFIG" >"$OWN.json"
	mv "$OWN.json" "$PNOW_CONFIG"
}

# again: until the event is settled, five times at most; the minute in which a search may miss a patient is over at once, and so is
# what another host may have begun.
again()
{
	local i
	for ((i = 0; i < 5; i++)); do
		if state_there "$OWN/test.db"; then
			state_later "$OWN/test.db" creation 120000
			state_later "$OWN/test.db" effect 60000
		fi 2>>"$OWN/err"
		pnow-sync <"$DIR/event" >>"$OWN/results" 2>>"$OWN/err"
		[[ $(tail -n 1 "$OWN/results") =~ '"status":"'(done|unchanged|ignored)'"' ]] && return
	done
}

# job PROFILE FAULT NUMBER
job()
{
	local process
	fresh "$1"
	case $2 in
	killed-*)
		if [ "$2" = killed-before ]; then
			fault hang "skip=$3" count=1
		else
			fault delay ms=60000 "skip=$3" count=1 # which ends when the client goes; then it is done
		fi
		setsid pnow-sync <"$DIR/event" >"$OWN/results" 2>>"$OWN/err" &
		process=$!
		until_true matches '"left": ?0' faults || echo "$*: the fault was not met" >&2
		kill -KILL -- -$process
		wait $process 2>/dev/null
		until_true matches '"fault": ?"(hang|delay)"' requests
		;;
	*)
		fault "$2" "skip=$3" count=1 retry_after=0
		pnow-sync <"$DIR/event" >"$OWN/results" 2>>"$OWN/err"
		;;
	esac
	at_sandbox faults DELETE
	again
	pnow-sync <"$DIR/event" >>"$OWN/results" 2>>"$OWN/err" # once more: nothing may come of it
	printf '{"profile":"%s","fault":"%s","n":%d,"state":%s,"results":[%s]}\n' "$1" "$2" "$3" "$(at_sandbox state)" \
		"$(paste -sd, "$OWN/results")" >>"$OWN/outcomes"
}

prepare
work_begin first
fresh pro
pnow-sync <"$DIR/event" >"$OWN/results"
requests=$(at_sandbox requests | wc -l)
is 'undisturbed it takes eight requests' "$(jq -r .status "$OWN/results") $requests" 'done 8'
sandbox_stop
faults=(pro\ {killed-before,killed-after,reset-after} essentials\ killed-after)
sanitized || faults+=(pro\ {reset-before,cut,500,429,401} essentials\ {killed-before,reset-after})
for what in "${faults[@]}"; do
	for ((n = 0; n < requests; n++)); do
		echo "$what $n"
	done
done | spread 6 job
is 'each request met each fault' "$(wc -l <"$DIR/outcomes")" $((requests * ${#faults[@]}))
while IFS=$'\t' read -r promise bad; do
	[ -z "$bad" ]
	point "$promise" "$bad"
done < <(jq -rs --argjson wanted "$WANTED" 'group_by([.profile, .fault])[] | ["\(.[0].profile), \(.[0].fault), at each of \(length) requests: in the end one patient, told once",
	([.[] | (.state | [(.contacts[] | ["created once", .notes, .fields["PNOW ID"], .tags]), [.patients[].patientId]]) as $is
		| select($is != $wanted or (.results[-1].status | IN("done", "unchanged", "ignored") | not))
		| "request \(.n): \($is) \(.results[-1])"] | join("; "))] | join("\t")' "$DIR/outcomes")
finish
