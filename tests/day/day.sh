#!/usr/bin/env bash
# make day: days of a practice in minutes. For each row of the table, tests/day/days, it runs the real programs on a clock that
# is faster, and writes how long events waited, for what, and what PatientNow was asked; exits 1 where a bound does not hold.
#
#     DAY="light busy"  these rows; all unless given
#     DAYS=2            and the next day, with what was learnt on the first: it must be no worse. From 8:00 in Denver a day's last hour is
#                       in the next one (UTC), and takes of its calls: so an evening of the same kind comes before the first, which then has
#                       too few of them for the table's waits.
#     ZONE=America/Denver
#                       where the practice is
#     START=8:00        when the day begins there
#     SPEED=30          how much faster the clock is; more than 60 is too fast for most machines
#     SEED=1            of the dice
#     JOBS=2            so many rows side by side
#     KEEP=FOLDER       leave each row's files there: what happened, the state, what was asked
set -euo pipefail
set -m # a group of processes for each row: so all that it has started can be stopped
here=$(cd "$(dirname "$0")" && pwd)
export SPEED=${SPEED:-30} SEED=${SEED:-1} DAYS=${DAYS:-1} LIMIT=1000 LC_ALL=C.UTF-8
export ZONE=${ZONE:-America/Denver}
BEGIN=$(date -d "TZ=\"$ZONE\" 2026-12-01 ${START:-8:00}" +%s)
export BEGIN
command -v faketime >/dev/null || { echo 'make day needs faketime: make deps' >&2; exit 69; }
work=${KEEP:-$(mktemp -d)}
mkdir -p "$work"
# shellcheck disable=SC2329 # called by the trap
finish()
{
	jobs -p | sed 's/^/-/' | xargs -r kill -- 2>/dev/null || true
	wait 2>/dev/null
	[ -n "${KEEP:-}" ] || rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# row NAME HOURS EVENTS …: runs a row of the table, and reports each of its days.
row()
{
	local folder=$work/$1 n first50='' first99='' first_mean='' called=()
	rm -rf "$folder"
	mkdir -p "$folder"
	name=$1 hours=$2 events=$3 mix=$4 patients=$5 known=$6 bursts=$7 FAKETIME_DONT_RESET=1 FAKETIME_FMT=%s \
		faketime -m -f "@$BEGIN x$SPEED" "$here/row.bash" "$folder" || { echo "$1  does not hold: row.bash failed"; return; }
	local bounds=(-v p50="$8" -v p99="$9" -v longest="${10}") waits
	[ ! -e "$folder/0.calls" ] || called=("$folder/0.calls")
	for ((n = 1; n <= DAYS; n++)); do
		waits=("${bounds[@]}")
		[ $n -gt 1 ] || [ ! -e "$folder/0.calls" ] || waits=(-v p50=- -v p99=- -v longest=-)
		called+=("$folder/$n.calls") # a day (UTC) has parts of two
		awk -F'\t' -v name="$1$([ $n -eq 1 ] || echo "-$n")" "${waits[@]}" -v calls="${11}" \
			-v limit=$((LIMIT - LIMIT / 20)) -v first50="$first50" -v first99="$first99" -v first_mean="$first_mean" \
			-f "$here/report.awk" "$folder/$n.events" "${called[@]}" >"$folder/$n.report"
		cat "$folder/$n.report"
		[ $n -gt 1 ] || read -r _ _ first50 _ first99 _ first_mean _ <"$folder/1.report"
	done
}

printf '%-20s %6s %8s %8s %8s %8s %8s %6s %5s\n' 'DAY, in seconds' EVENTS P50 P90 P99 LONGEST MEAN CALLS DEAD
while read -r line; do
	name=${line%% *}
	[[ $line != '#'* && -n $line && " ${DAY:-$name} " = *" $name "* ]] || continue
	while [ "$(jobs -pr | wc -l)" -ge "${JOBS:-2}" ]; do
		wait -n
	done
	# shellcheck disable=SC2086 # its columns
	{ row $line >"$work/$name.out" 2>&1; cat "$work/$name.out"; } &
	names="${names:-} $name"
done <"$here/days"
[ -n "${names:-}" ] || { echo "DAY: no such day in tests/day/days: $DAY" >&2; exit 64; }
wait
for name in $names; do
	! grep -q 'does not hold' "$work/$name.out" || exit 1
done
