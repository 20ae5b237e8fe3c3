#!/usr/bin/env bash
# tests/mutate/mutate.bash [-n] [NAME…] – breaks, one by one, lines that carry a promise; each must fail the test that is said to keep
# it. tests/mutate/mutations is the list; a NAME picks those whose first line has it.
#
# - Works on copies of the tree, with the changes that are not committed; the checkout stays as it is. Two copies, two workers.
# - A text that is not in its file exactly once is a failure: the code has changed, and so must the list.
#   -n looks for that alone, and writes nothing where all is well.
# - First the tests must pass on the tree as it is. Then each mutation is built, what depends on it only, and its test is run.
# - One that does not build has failed as well as one that survives. Ends with "N passed, N failed", and 1 where any failed.
set -u
dry=''
[ "${1:-}" != -n ] || { dry=1 && shift; }
export LC_ALL=C.UTF-8
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/pnow-mutate.XXXXXX") || exit 73
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
export TEST_TIMEOUT=${TEST_TIMEOUT:-100}
workers=2
mapfile -t units < <(sed -n 's|^test unit/|.build/release/unit/|p' "$root/tests/mutate/mutations" | sort -u)

# build TREE: without optimization and warnings, which a mutation may well earn.
build()
{
	make -C "$1" -s OPTIMIZE='-O0 -g' WARN= all .build/release/tests/faults.so .build/release/crash/load \
		"${units[@]}" >"$1.build" 2>&1
}

# passes TREE TEST: "unit/money", "command/golden"; what it says in TREE.said.
passes()
{
	local file=$1/tests/$2.sh
	[ "${2%%/*}" != unit ] || file=$1/.build/release/$2
	PNOW_BIN=$1/.build/release/bin PATH=$1/.build/release/bin:$PATH "$1/tests/run" "$file" >"$1.said" 2>&1
}

# replace FILE OLD NEW: false where OLD does not stand there exactly once.
replace()
{
	local text without
	text=$(<"$1") || return 1
	without=${text//"$2"/}
	[ $((${#text} - ${#without})) -eq ${#2} ] || return 1
	printf '%s\n' "${text/"$2"/"$3"}" >"$1"
}

# The first failed point that a test's output shows.
killed_by()
{
	sed -n 's/^ *not ok [0-9]* - \|^ *not ok - //p' "$1" | head -n 1 | cut -c1-70
}

# mutation NUMBER: reads its block into promise, file, old, new, test.
mutation()
{
	local line
	promise='' file='' old='' new='' test=''
	while IFS= read -r line; do
		case $line in
		'= '*) promise=${line#= } ;;
		'file '*) file=${line#file } ;;
		'- '*) old=$old${old:+$'\n'}${line#- } ;;
		'+ '*) new=$new${new:+$'\n'}${line#+ } ;;
		'test '*) test=${line#test } ;;
		esac
	done <"$scratch/$1.mutation"
}

# judge TREE NUMBER: a line for the table; "ok" or "FAIL" first.
judge()
{
	local tree=$1 promise file old new test verdict=ok told
	mutation "$2"
	if ! replace "$tree/$file" "$old" "$new"; then
		verdict=FAIL told="the text is not in $file exactly once: $old"
	elif ! build "$tree"; then
		verdict=FAIL told="does not build: $(grep -m 1 error: "$tree.build")"
	elif passes "$tree" "$test"; then
		verdict=FAIL told="survives $test"
	else
		told="$test: $(killed_by "$tree.said")"
	fi
	cp -p "$root/$file" "$tree/$file" 2>/dev/null && touch "$tree/$file"
	printf '%-4s  %-62s  %s\n' "$verdict" "$promise" "$told"
}

# work WORKER FUNCTION: calls it with the worker's tree and each number or name of $scratch/jobs that is its.
work()
{
	local job
	while read -r job; do
		"$2" "$scratch/tree$1" "$job" | tee -a "$scratch/results"
	done < <(awk -v n=$workers -v worker="$1" 'NR % n == worker' "$scratch/jobs")
}

side_by_side()
{
	local worker running=()
	cat >"$scratch/jobs"
	: >"$scratch/results"
	for ((worker = 0; worker < workers; worker++)); do
		work "$worker" "$1" &
		running+=($!)
	done
	wait "${running[@]}"
}

# unharmed TREE TEST: nothing where it passes.
unharmed()
{
	passes "$1" "$2" && return
	printf 'FAIL  %s fails on the tree as it is\n' "$2"
	sed 's/^/    /' "$1.said"
}

# A file for each mutation, in the order of the list.
WANTED=$(printf '%s\n' "$@") awk -v scratch="$scratch" '
	function is_wanted(line, n, words, i) {
		n = split(ENVIRON["WANTED"], words, "\n")
		for (i = 1; i <= n; i++)
			if (index(line, words[i]))
				return 1
		return ENVIRON["WANTED"] == ""
	}
	/^= / { keep = is_wanted($0); number += keep }
	keep && !/^#/ && NF { print > sprintf("%s/%d.mutation", scratch, number) }' "$root/tests/mutate/mutations"

if [ -n "$dry" ]; then
	for block in "$scratch"/*.mutation; do
		mutation "$(basename "$block" .mutation)"
		cp "$root/$file" "$scratch/copy"
		replace "$scratch/copy" "$old" "$new" || printf '%s: not exactly once in %s: %s\n' "$promise" "$file" "$old"
	done
	exit
fi
mkdir "$scratch/tree0"
(cd "$root" && git ls-files -z --cached --others --exclude-standard | tar --null -T - --ignore-failed-read -cf - 2>/dev/null) | tar -C "$scratch/tree0" -xf -
if ! build "$scratch/tree0"; then
	tail -n 20 "$scratch/tree0.build"
	exit 1
fi
for ((worker = 1; worker < workers; worker++)); do
	cp -a "$scratch/tree0" "$scratch/tree$worker"
done
sed -n 's/^test //p' "$scratch"/*.mutation | sort -u | side_by_side unharmed
[ ! -s "$scratch/results" ] || exit 1
for file in "$scratch"/*.mutation; do basename "$file" .mutation; done | sort -n | side_by_side judge
printf '\n'
passed=$(grep -c '^ok' "$scratch/results") failed=$(grep -c '^FAIL' "$scratch/results")
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
