#!/usr/bin/env bash
# Each filter over the golden corpus under valgrind: no error, no leak. The filters run as in the pipeline, each on what the
# one before wrote, so that each sees every kind of record; they run in a copy of the case's folder, since a state file named
# in its conf.json belongs there. Needs $PNOW_BIN, the folder of a build without sanitizers.
set -u
here=$(cd "$(dirname "$0")" && pwd)
bin=${PNOW_BIN:?the folder of the programs}
filters=("pnow-enrich" "categorize" "crm-map" "crm-push -n")
number=0

skip_all()
{
	echo "1..0 # SKIP $1"
	exit 0
}

command -v valgrind >/dev/null || skip_all "valgrind is not installed"
! grep -q __asan_init "$bin"/* || skip_all "valgrind cannot run programs built with sanitizers"

scratch=$(mktemp -d "${TMPDIR:-/tmp}/pnow-valgrind.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT

# The secret files that the cases name: their mode, 0600, is not one that a repository keeps.
make_secrets()
{
	(
		umask 077
		for secret in pnp.token crm.token pne.password pne.apikey; do
			echo secret-of-a-test >"$1/$secret"
		done
	)
}

# What of valgrind's log is about the program: the calls by which it confines itself an older valgrind does not know, and says
# so in five lines each (317 seccomp, 444 landlock_create_ruleset).
of_program()
{
	awk '/WARNING: unhandled [a-z0-9]*-linux syscall: (317|444)$/ { left = 5 } left-- > 0 { next } { print }' "$1"
}

# Runs one filter of a case on $scratch/in; what it writes is in $scratch/out. A record with an error (status 1) is no
# error of the filter.
run_filter()
{
	local case=$1 name status
	shift
	name="$* over $case"
	number=$((number + 1))
	(cd "$scratch/$case" && exec valgrind -q --vgdb=no --error-exitcode=9 --leak-check=full --log-file="$scratch/log" \
		"$bin/$1" -c conf.json "${@:2}" <"$scratch/in" >"$scratch/out" 2>"$scratch/err")
	status=$?
	of_program "$scratch/log" >"$scratch/said"
	if [ "$status" -le 1 ] && [ ! -s "$scratch/said" ]; then
		echo "ok $number - $name: no leak, no error"
		return
	fi
	echo "not ok $number - $name: exit status $status"
	sed 's/^/# /' "$scratch/err" "$scratch/said"
}

# Whether a filter takes the records out of the pipeline, so that the next has to read what it read.
keeps_records()
{
	[ "$(wc -l <"$scratch/out")" -ge "$(wc -l <"$scratch/in")" ]
}

for input in "$here"/golden/*/in.ndjson; do
	[ -e "$input" ] || continue
	folder=$(dirname "$input")
	case=$(basename "$folder")
	cp -R "$folder" "$scratch/$case"
	make_secrets "$scratch/$case"
	cp "$input" "$scratch/in"
	for filter in "${filters[@]}"; do
		read -ra words <<<"$filter"
		[ -x "$bin/${words[0]}" ] || continue
		run_filter "$case" "${words[@]}"
		! keeps_records || mv "$scratch/out" "$scratch/in"
	done
done

[ "$number" -gt 0 ] || skip_all "no golden corpus"
echo "1..$number"
