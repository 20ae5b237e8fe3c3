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

# backfill: all exports, in a process group of its own, RUN; what it says is in $DIR/said, its status in $DIR/ended.
backfill()
{
	rm -f "$DIR/run" "$DIR/ended"
	{
		# shellcheck disable=SC2016 # the inner shell's
		setsid bash -c 'echo $$ >"$0"; exec "$@"' "$DIR/run" "$root/examples/backfill/backfill" -c "$PRACTICE" -d "$DIR/backfill" \
			patient="$DIR/patients.csv" appointment="$DIR/appointments.csv" bill="$DIR/bills.csv" \
			membership="$DIR/memberships.csv" >"$DIR/said" 2>&1
		echo $? >"$DIR/ended"
	} 2>/dev/null &
	await "$DIR/run"
	RUN=$(cat "$DIR/run")
}

# Waits for the backfill, watching it; its status.
backfill_ended()
{
	until [ -s "$DIR/ended" ]; do
		watch_memory
		sleep "$PAUSE"
	done
	return "$(cat "$DIR/ended")"
}

# How many events the ledger has as applied.
applied()
{
	sqlite3 "$DIR/test.db" '.timeout 20000' 'SELECT count(*) FROM event' 2>/dev/null || echo 0
}

# Notes what the processes of the run have taken.
watch_memory()
{
	local process name key value
	for process in $(pgrep -g "$RUN"); do
		while read -r key value _; do
			[ "$key" != Name: ] || name=$value
			[ "$key" = VmHWM: ] || continue
			[ "$value" -le "${PEAK[$name]:-0}" ] || PEAK[$name]=$value
		done 2>/dev/null <"/proc/$process/status"
	done 2>/dev/null
}

# backfill_to EVENTS: starts a backfill and waits until so many events are applied; false where it ended before. However long a
# look takes, it does not end: an event takes three requests at most, and where that many and one for each that may have been
# begun (crm-push(1), -j) are made, the CRM does not answer any more, until faults_end.
backfill_to()
{
	local ahead=$(($1 - $(applied)))
	fault hang api=crm skip=$((160 + (ahead > 0 ? 3 * ahead : 0)))
	backfill
	while [ "$(applied)" -lt "$1" ]; do
		[ ! -s "$DIR/ended" ] || {
			faults_end
			return 1
		}
		watch_memory
		sleep "$PAUSE"
	done
}

# kill_at EVENTS: starts a backfill and kills all of it when so many events are applied; false where it ended before.
kill_at()
{
	backfill_to "$1" || return 1
	kill -KILL -- "-$RUN"
	backfill_ended
	local status=$?
	flock "$DIR/backfill/lock" true # the last of its processes is gone
	faults_end
	[ $status -eq 137 ]
}

# finish_backfill: runs it to its end; its status.
finish_backfill()
{
	backfill
	backfill_ended
}

# The lifetime values that the CRM holds, as in "sums".
held()
{
	curl -sS "$API/_/fields?name=Patient%20Lifetime%20Value" | jq -r '[.email, .value] | @tsv' | sort
}

# How many requests the CRM refused because there were too many.
refusals()
{
	at_sandbox requests | grep -c '"status":429'
}
