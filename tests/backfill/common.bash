# shellcheck shell=bash
# What the backfill in `make check` and that of full size share: exports, kills, and what must be true at the end. Sourced
# after tests/pipeline/common.bash.
# shellcheck disable=SC2154 # root, DIR, API
PRACTICE=''     # its configuration
declare -A PEAK # KiB, the most that a program took
PAUSE=0.05      # seconds between two looks at a run

# exports PATIENTS BILLS
exports()
{
	awk -v patients="$1" -v bills="$2" -v folder="$DIR" -f "$root/tests/backfill/exports.awk"
	sort -o "$DIR/sums" "$DIR/sums"
}

# backfill: all exports, in a process group of its own; its process in RUN, what it says in $DIR/said.
backfill()
{
	setsid "$root/examples/backfill/backfill" -c "$PRACTICE" -d "$DIR/backfill" patient="$DIR/patients.csv" \
		appointment="$DIR/appointments.csv" bill="$DIR/bills.csv" membership="$DIR/memberships.csv" >"$DIR/said" 2>&1 &
	RUN=$!
}

# How many events the ledger has as applied.
applied()
{
	sqlite3 "$DIR/test.db" '.timeout 20000' 'SELECT count(*) FROM event' 2>/dev/null || echo 0
}

# Notes what the processes of the run have taken.
watch_memory()
{
	local process name kib
	for process in $(pgrep -g "$RUN"); do
		read -r name kib < <(awk '/^Name/ { name = $2 } /^VmHWM/ { print name, $2 }' "/proc/$process/status" 2>/dev/null) ||
			continue
		[ "${kib:-0}" -le "${PEAK[$name]:-0}" ] || PEAK[$name]=$kib
	done
}

# kill_at EVENTS: starts a backfill and kills all of it when so many events are applied; false where it ended before.
kill_at()
{
	backfill
	while [ "$(applied)" -lt "$1" ]; do
		kill -0 "$RUN" 2>/dev/null || return 1
		watch_memory
		sleep "$PAUSE"
	done
	kill -KILL -- "-$RUN" 2>/dev/null
	wait "$RUN" 2>/dev/null
	[ "$(pgrep -g "$RUN" | wc -l)" -eq 0 ] || sleep 1
}

# finish_backfill: runs it to its end; its status.
finish_backfill()
{
	backfill
	while kill -0 "$RUN" 2>/dev/null; do
		watch_memory
		sleep "$PAUSE"
	done
	wait "$RUN"
}

# The lifetime values that the CRM holds, as in "sums".
held()
{
	curl -sS "$API/_/fields?name=Patient%20Lifetime%20Value" | jq -r '[.email, .value] | @tsv' | sort
}

# How many requests the CRM refused because there were too many.
refusals()
{
	curl -sS "$API/_/requests" | grep -c '"status":429'
}
