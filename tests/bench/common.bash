# shellcheck shell=bash
# What the parts of make bench share: the corpus, runs side by side, medians, a sandbox and a practice. Sourced by bench.sh;
# every part is a file NAME.bash with a function bench_NAME.
# shellcheck source=tests/tap.sh disable=SC2034,SC2154 # tap.sh sets work, root and started; the parts use the rest
. "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"
bench=$root/tests/bench
programs=$(cd "$bin/../bench" && pwd) || exit 1
rounds=${BENCH_ROUNDS:-3}
PATH=$programs:$PATH:/usr/sbin

have()
{
	command -v "$1" >/dev/null
}

load()
{
	cut -d' ' -f1 /proc/loadavg 2>/dev/null || echo unknown
}

# The middle one of the numbers on standard input.
median()
{
	sort -n | awk '{ a[NR] = $1 } END { print NR % 2 ? a[(NR + 1) / 2] : (a[NR / 2] + a[NR / 2 + 1]) / 2 }'
}

# title TEXT COLUMN…: begins a table; row is one line of it.
title()
{
	printf '\n'
	row "$@"
}

row()
{
	printf '%-58s %10s %12s %12s %12s  %s\n' "$1" "${2-}" "${3-}" "${4-}" "${5-}" "${6-}"
}

# calculate EXPRESSION FORMAT
calculate()
{
	awk "BEGIN { printf \"${2:-%.1f}\", $1 }"
}

# practice FOLDER [FILTER]: the rehearsal's configuration in a folder of its own, against the sandbox, changed by a jq filter.
practice()
{
	mkdir -p "$1"
	cp "$root"/examples/rehearsal/{pnp.token,crm.token,hook.secret} "$root"/examples/practice/*.csv "$1"
	chmod 600 "$1"/*
	sed 's#^ *//.*$##' "$root/examples/rehearsal/glow-denver.json" |
		jq --arg api "${api:-http://127.0.0.1:1}" '.patientnow.base_url = $api + "/patientnow" | .crm.base_url = $api + "/crm"
			| .hooks.patientnow = {verify: "token", header: "X-Token", secret_file: "hook.secret"} | '"${2:-.}" >"$1/practice.json"
	export PNOW_CONFIG=$1/practice.json
}

# sandbox PATIENTS [OPTION…]: one with so many made-up patients, 10234 and on, of whom the CRM knows none; api is its address.
# seed_more is a jq filter for the rest of the seed.
sandbox()
{
	sed 's#//.*$##' "$root/examples/sandbox/seed.json" | jq --argjson n "$1" '.crm.locations[].contacts = []
		| .patientnow.patients = [range($n) | {patientId: "\(10234 + .)", firstName: "Ana", lastName: "Lopez \(.)", email: "p\(.)@example.com",
		cellPhone: "303555\(10000 + . | tostring | .[1:])", gender: "F", dateOfBirth: "1984-03-02", address1: "1 Main St",
		city: "Denver", state: "CO", zip: "80202", referralSource: "Google", unsubscribed: false}]
		| '"${seed_more:-.}" >seed.json
	rm -f sandbox.port
	pnow-sandbox -s seed.json -p sandbox.port "${@:2}" >sandbox.out &
	started+=($!)
	await sandbox.port
	api=http://127.0.0.1:$(<sandbox.port)
}

# Ends the server that was started last.
stop()
{
	kill "${started[-1]}" 2>/dev/null
	wait "${started[-1]}" 2>/dev/null
	unset 'started[-1]'
}

# delay MS: the sandbox answers so much later; 0: at once.
delay()
{
	curl -sS -X DELETE "$api/_/faults" >fault.out
	[ "$1" -eq 0 ] || curl -sS "$api/_/faults" -d "{\"fault\":\"delay\",\"ms\":$1}" >fault.out
}

# listen CONFIGURATION [-- COMMAND…]: pnow-hook, at $port.
listen()
{
	rm -f port
	pnow-hook -c "$1" -l 127.0.0.1:0 -p port "${@:2}" >listen.out 2>listen.err &
	started+=($!)
	await port
	port=$(<port)
}

# post PRACTICE BODY: a webhook to $port, with $token; began is when it is connected. A client would take as long to start as
# the webhook takes.
post()
{
	began=$EPOCHREALTIME
	exec 3<>"/dev/tcp/127.0.0.1/$port"
	printf 'POST /hook/%s/patientnow HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nX-Token: %s\r\nContent-Length: %d\r\n\r\n%s' \
		"$1" "$token" ${#2} "$2" >&3
	cat <&3 >answer
	exec 3<&-
}

# updates FROM N: events of N patients, which are one call each.
updates()
{
	seq "$1" $(($1 + $2 - 1)) | awk '{
		printf "{\"id\":\"u%d\",\"type\":\"patient.created\",\"practice\":\"glow-denver\",\"occurred\":\"2026-11-20T16:05:00Z\",\"patient\":{\"id\":\"%d\",\"first_name\":\"Ana\",\"last_name\":\"Lopez\",\"email\":\"u%d@example.com\",\"gender\":\"F\"}}\n",
			$1, 500000 + $1, $1 }' | crm-map
}
