# shellcheck shell=bash disable=SC2034,SC2154 # tap.sh sets some, who sources this reads others
# What the tests of the whole way share: webhooks posted to pnow-hook, its inbox, pnow-inbox run, pnow-sync, a sandbox. Each
# program is started through a wrapper that leaves its process id in $DIR/pids, so that it can be killed. Sourced, never run.
CRASH=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$CRASH/../tap.sh"
LOAD=$bin/../crash/load
DIR=$work
DB=$DIR/glow-denver.db
FILTERS=(pnow-enrich categorize crm-map pnow-push crm-push)
KEEPERS=() # the shells that start hook and runs again
API='' URL='' SANDBOX=''
umask 077
mkdir "$DIR/pids" "$DIR/shims"

# shellcheck disable=SC2329 # called by the trap
tidy_all()
{
	[ "$BASHPID" = $$ ] || return
	stop_keepers
	kill_all
	stop_sandbox
	tidy
}
trap tidy_all EXIT
trap 'exit 143' TERM INT HUP

# point PROMISE [WHAT WAS]: a test that passes where the second word is empty.
point()
{
	if [ -z "$2" ]; then pass "$1"; else fail "$1" "$2"; fi
}

# --- Processes

# shim NAME [ARGUMENT…]: the program's wrapper; the arguments come before the others. With DISK the state file's disk fails
# as $DIR/disk says (tests/faults).
shim()
{
	local disk=''
	[ -z "${DISK:-}" ] || disk="export ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD='$bin/../tests/faults.so' \
PNOW_FAULTS_BELOW='$DIR/glow-denver.db' PNOW_FAULTS='$DIR/disk'"
	printf '#!/bin/sh\necho "${HOST:-}" >"%s/pids/%s.$$"\n%s\nexec "%s/%s"%s "$@"\n' "$DIR" "$1" "$disk" "$bin" "$1" "${*:2}" >"$DIR/shims/$1"
	chmod +x "$DIR/shims/$1"
}

# kill_one NAME: kills a process of this name, if there is one.
kill_one()
{
	local file process i files=("$DIR/pids/$1".*)
	while [ ${#files[@]} -gt 0 ]; do
		i=$((RANDOM % ${#files[@]}))
		file=${files[i]}
		unset "files[i]"
		files=("${files[@]}")
		process=${file##*.}
		[ "$process" != '*' ] || return 1
		rm -f "$file"
		# the wrapper's shell, or another process that has the number by now, is not meant
		[ "$(ps -o comm= -p "$process" 2>/dev/null)" = "$1" ] || continue
		kill -KILL "$process" 2>/dev/null && return 0
	done
	return 1
}

kill_all()
{
	local name
	for name in pnow-hook pnow-inbox "${FILTERS[@]}"; do
		while kill_one "$name"; do :; done
	done
}

# keep COMMAND…: starts it, and again whenever it ends, until $DIR/stop is there.
keep()
{
	(
		while [ ! -e "$DIR/stop" ]; do
			"$@" >>"$DIR/${1##*/}.out" 2>>"$DIR/${1##*/}.err" </dev/null
			sleep 0.05
		done
	) 2>/dev/null &
	KEEPERS+=($!)
}

stop_keepers()
{
	local process
	touch "$DIR/stop"
	for process in "${KEEPERS[@]}"; do
		kill -KILL "$process" 2>/dev/null
		wait "$process" 2>/dev/null
	done
	KEEPERS=()
}

# --- The practice, the sandbox, the way between them

# Writes events and patients: prepare SEED EVENTS PATIENTS.
prepare()
{
	awk -v what=patients -v patients="$3" -f "$CRASH/events.awk" >"$DIR/patients" &&
		awk -v what=events -v seed="$1" -v events="$2" -v patients="$3" -f "$CRASH/events.awk" >"$DIR/events" || exit 1
	make_secrets "$DIR"
	sed 's#//.*$##' "$root/examples/sandbox/seed.json" | jq --slurpfile patients "$DIR/patients" '
		.patientnow |= (.patients = $patients | .patients[] |= del(.key, .seeded)
			| .appointments = [] | .billing = [] | .memberships = [])
		| .crm.locations |= [.[0] | .contacts = [$patients[] | select(.seeded) | {firstName, lastName, email,
			phone: (.cellPhone | if . == "" then null else . end), tags: ["vip"], fields: {"Patient Lifetime Value": "100.25"},
			opportunities: [{name: .firstName, pipeline: "Non-Surgical", stage: "Booked", status: "open"}]}
			| with_entries(select(.value != null))]]' >"$DIR/seed.json"
	cp "$root/examples/practice/glow-denver.categories.csv" "$DIR"
	shim pnow-hook
	shim pnow-inbox
	shim pnow-enrich ' -t 1'
	shim categorize
	shim crm-map
	shim pnow-push
	shim crm-push ' -t 1'
	PATH=$DIR/shims:$PATH
	export PNOW_CONFIG=$DIR/glow-denver.json
}

stop_sandbox()
{
	[ -z "$SANDBOX" ] || { kill -KILL "$SANDBOX" && wait "$SANDBOX"; } 2>/dev/null
	SANDBOX=''
}

# sandbox [OPTION…]: a new one, and the practice's configuration, without any state.
sandbox()
{
	stop_sandbox
	rm -f "$DIR/sandbox.port"
	state_remove "$DB"
	pnow-sandbox -s "$DIR/seed.json" -p "$DIR/sandbox.port" "$@" >/dev/null &
	SANDBOX=$!
	await "$DIR/sandbox.port" || exit 1
	API=http://127.0.0.1:$(<"$DIR/sandbox.port")
	sed -e 's#^ *//.*##' "$root/examples/practice/glow-denver.json" | jq --arg api "$API" --arg dir "$DIR" --arg db "$DB" '
		.state = $db | .patientnow += {base_url: ($api + "/patientnow"), token_file: ($dir + "/pnp.token"), daily_limit: 1000000}
		| .crm += {base_url: ($api + "/crm"), token_file: ($dir + "/crm.token")}
		| .hooks = {patientnow: {verify: "none"}}
		| .retry_seconds = [range(8) | 1] + [range(100) | 2]' >"$PNOW_CONFIG"
	on_engine "$PNOW_CONFIG"
}

# start_all NUMBER: the hook, and a number of runs, started again whenever they end; URL is where webhooks go.
start_all()
{
	local i port
	rm -f "$DIR/stop"
	port=$(free_port)
	URL=http://127.0.0.1:$port/hook/glow-denver/patientnow
	keep pnow-hook -l "127.0.0.1:$port"
	for ((i = 0; i < $1; i++)); do
		keep pnow-inbox run -- pnow-sync
	done
}

query()
{
	state_sql "$DB" "$1"
}

# Waits until nothing waits or is under way in the inbox, so many seconds at most. "hurry": an opportunity whose answer was
# lost need not wait until a real CRM's search would show it.
drain()
{
	local until=$((SECONDS + $1)) left
	while left=$(query "SELECT count(*) FROM inbox WHERE state IN ('waiting','running')") && [ "$left" != 0 ]; do
		[ "$SECONDS" -lt "$until" ] || return 1
		[ "${2:-}" != hurry ] || query "UPDATE effect SET at=at-60000
			WHERE done=0 AND effect LIKE 'opportunity/%' AND at < $(($(date +%s) - 5))000" # a search shows those
		sleep 1
	done
}
