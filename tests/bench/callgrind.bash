# shellcheck shell=bash
# make callgrind: how many instructions the pure filters need for the first 10,000 events of the corpus, their start taken off. A
# count does not depend on what else the machine does; NOTES.md has those of earlier versions. It does depend on compiler and libc.
# shellcheck disable=SC2154 # from common.bash

# instructions COMMAND…: of one run, on standard input.
instructions()
{
	valgrind --tool=callgrind --callgrind-out-file=callgrind.out "$@" 2>&1 >/dev/null | awk '/Collected/ { print $NF }'
}

# counted NAME COMMAND…: a row for a filter, on what is in the file "in".
counted()
{
	local all start
	all=$(instructions "${@:2}" <in) start=$(instructions "${@:2}" </dev/null)
	row "  $1" "$(calculate "($all - $start) / 10000" %.0f)" "$(calculate "$start / 1e6" %.1f)"
}

bench_callgrind()
{
	have valgrind || { echo 'callgrind: not counted, valgrind is missing'; return; }
	practice callgrind
	corpus 10000 >in
	title "instructions ($(cc -dumpfullversion), $(ldd --version | sed -n '1s/.* //p'))" 'an event' 'start, 10^6'
	counted categorize categorize
	categorize <in >out 2>run.err && mv out in
	counted crm-map crm-map
	crm-map <in >out && mv out in
	counted 'crm-push -n' crm-push -n
}
