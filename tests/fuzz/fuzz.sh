#!/usr/bin/env bash
# make fuzz: libFuzzer drives each target, two of them side by side, SECONDS in all; what it finds worth keeping goes into
# FOLDER/corpus, an input that broke something into FOLDER/broken. Prints for each target how many inputs were tried, how fast,
# and how much of the code they reached; the last line counts the targets. With -m nothing is tried anew: tests/fuzz/corpus is
# made as small as can be without reaching less, of what it holds and what FOLDER/corpus has brought.
# usage: tests/fuzz/fuzz.sh [-m] FOLDER SECONDS NAME...
set -u
cd "$(dirname "$0")/../.." || exit 1
merges=false
[ "${1:-}" != -m ] || { merges=true; shift; }
folder=$1 seconds=$2
shift 2
side_by_side=2
each=$((seconds * side_by_side / $#))
[ "$each" -gt 0 ] || each=1
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 LC_ALL=C

# The longest input that is worth trying: a profile is long before it is whole.
longest()
{
	case $1 in
	profile | push) echo 4096 ;;
	conf | enrich | filters | hook | tagged) echo 2048 ;;
	*) echo 512 ;;
	esac
}

# What of an input is often worth putting into another.
words()
{
	case $1 in
	money | phone | rows | sheet | signature | when) ;;
	*) echo -dict=tests/fuzz/json.dict ;;
	esac
}

fuzz()
{
	local name=$1
	mkdir -p "$folder/corpus/$name" "$folder/broken" "$folder/log"
	# shellcheck disable=SC2046 # no word or one
	"$folder/fuzz/$name" -max_total_time="$each" -max_len="$(longest "$name")" $(words "$name") -timeout=25 -rss_limit_mb=2560 \
		-print_final_stats=1 -artifact_prefix="$folder/broken/$name-" "$folder/corpus/$name" "tests/fuzz/corpus/$name" \
		>"$folder/log/$name" 2>&1
	echo $? >"$folder/log/$name.status"
}

# merge NAME: the smallest corpus that reaches what all inputs reach, in tests/fuzz/corpus.
merge()
{
	local name=$1 new
	new=$(mktemp -d) || exit 73
	mkdir -p "$folder/corpus/$name"
	if "$folder/fuzz/$name" -set_cover_merge=1 -use_counters=0 -max_len="$(longest "$name")" "$new" "tests/fuzz/corpus/$name" "$folder/corpus/$name" \
		>"$new.log" 2>&1; then
		rm -f "tests/fuzz/corpus/$name"/*
		cp "$new"/* "tests/fuzz/corpus/$name"
		echo "$name: $(find "$new" -type f | wc -l) inputs"
	else
		echo "$name: cannot be merged:" >&2
		tail -n 20 "$new.log" >&2
	fi
	rm -rf "$new" "$new.log"
}

# tell NAME: a line of the table, or what broke and how to see it again.
tell()
{
	local name=$1 log=$folder/log/$1
	local executions reached
	executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	reached=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1)
	printf '%-10s %11d %8d/s %6d edges\n' "$name" "${executions:-0}" $((${executions:-0} / each)) "${reached#cov: }"
	all=$((all + ${executions:-0}))
	if [ "$(<"$log.status")" -eq 0 ]; then
		passed=$((passed + 1))
		return
	fi
	failed=$((failed + 1))
	grep -E '^broken: |ERROR: |SUMMARY: |runtime error: ' "$log" | head -n 5
	sed -n "s|.*Test unit written to \(.*\)|again: $folder/fuzz/$name \1|p" "$log"
}

if $merges; then
	for name; do merge "$name"; done
	exit
fi
for name; do
	while [ "$(jobs -rp | wc -l)" -ge "$side_by_side" ]; do wait -n; done
	fuzz "$name" &
done
wait
passed=0 failed=0 all=0
for name; do tell "$name"; done
printf '%-10s %11d\n' 'in all' "$all"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
