# shellcheck shell=bash
# The pure filters beside the same work in jq, gojq, Node and Miller, beside json-c alone, and beside cat. In turns: ours, one
# other, ours, the next. What is in JavaScript and in C runs on the whole corpus, the slower ones on its beginning (the column
# events says how much), their start included.
# shellcheck disable=SC2034,SC2154 # from common.bash

events=${BENCH_EVENTS:-100000} peer_events=${BENCH_PEER_EVENTS:-10000}

# The peers of a task, each a line: name, events, command. The corpus is $work/in.EVENTS, $sheet the practice's.
peers_of()
{
	local jq="-L $bench/peers -nc --rawfile sheet $sheet" include='include "sync"; sheet($sheet) as $s | inputs' program
	case $1 in
	categorize) program="categorize(\$s)" ;;
	map) program=crm_map ;;
	*) program="categorize(\$s) | crm_map | push" ;;
	esac
	cat <<-END
		Node $events node $bench/peers/sync.mjs $sheet $1
		jq $peer_events jq $jq '$include | $program'
		gojq $peer_events gojq $jq '$include | $program'
		mlr $peer_events mlr --ijsonl --ojsonl put -s stages='$1' -s csv="\$(cat $sheet)" -f $bench/peers/sync.mlr
	END
	[ "$1" != categorize ] || printf '%s\n' "json-c $events json-c" "cat $events cat"
}

# run NAME EVENTS COMMAND: once; into times.NAME.
run()
{
	eval "took times.$1 $3" <"in.$2" 2>run.err | cat >/dev/null
}

# What two programs say alike: without the order of keys, and without what jq changes in numbers that nobody reads.
alike()
{
	jq -Sc 'del(.payload) | if .body.customFields then .body.customFields |= sort else . end' | cksum
}

# figures NAME EVENTS TASK: the medians of its runs as a row, and how many times longer than ours an event took.
figures()
{
	local wall cpu peak
	wall=$(cut -d' ' -f1 "times.$1" | median) cpu=$(cut -d' ' -f2 "times.$1" | median) peak=$(cut -d' ' -f3 "times.$1" | sort -n | tail -n 1)
	[ "$1" != ours ] || our_wall=$wall our_cpu=$cpu
	row "  $3" "$2" "$(calculate "$wall / $2 * 1e6" %.2f)" "$(calculate "($wall / $2) / ($our_wall / $events)")" \
		"$(calculate "($cpu / $2) / ($our_cpu / $events)")" "$(calculate "$peak / 1024") MB${4:+, $4}"
}

# task TITLE OURS STAGES: ours and its peers on what is in in.EVENTS.
task()
{
	local name n command round same want tasks=()
	mapfile -t tasks < <(peers_of "$3")
	rm -f times.*
	want=$(eval "$2" <in.1000 2>run.err | alike)
	run ours "$events" "$2"
	rm times.ours
	for ((round = 0; round < rounds; round++)); do
		for line in "${tasks[@]}"; do
			read -r name n command <<<"$line"
			have "${command%% *}" || continue
			[ "$round" -gt 0 ] || eval "$command" <in.1000 2>run.err | alike >"same.$name"
			run ours "$events" "$2"
			run "$name" "$n" "$command"
		done
	done
	figures ours "$events" "$1"
	for line in "${tasks[@]}"; do
		read -r name n command <<<"$line"
		if have "${command%% *}"; then
			same='another output'
			[ "$(<"same.$name")" != "$want" ] || same='same output'
			[ "$name" != cat ] && [ "$name" != json-c ] || same=''
			figures "$name" "$n" "  $name" "$same"
		else
			row "    $name: not installed (make deps-bench)"
		fi
	done
}

# The beginnings of the corpus that the peers get.
beginnings()
{
	for n in 1000 "$peer_events"; do
		[ "$n" = "$events" ] || head -n "$n" "in.$events" >"in.$n"
	done
}

# What is compared with, by version.
versions()
{
	local peer
	for peer in jq gojq node mlr; do
		! have "$peer" || "$peer" --version 2>&1 | sed -n "1s/^\(.*[ -]\)\{0,1\}v\{0,1\}\([0-9][0-9.]*\).*/$peer \2/p"
	done | paste -sd, | sed 's/,/, /g'
}

bench_filters()
{
	local our_wall our_cpu sheet
	practice filters 'del(.state)' # with one, crm-push -n keeps a ledger
	sheet=$work/filters/glow-denver.categories.csv
	corpus "$events" >"in.$events"
	beginnings
	title "filters: $events events of $(($(wc -c <"in.$events") / events)) bytes, median of $rounds runs and more" \
		events 'us/event' 'x time' 'x processor' peak
	task categorize categorize categorize
	task 'categorize | crm-map | crm-push -n' "sh -c 'categorize | crm-map | crm-push -n'" 'categorize map push'
	categorize <"in.$events" 2>run.err >mapped
	mv mapped "in.$events"
	beginnings
	task crm-map crm-map map
	printf '  (%s)\n' "$(versions)"
	rm -f in.*
}
