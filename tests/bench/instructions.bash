# shellcheck shell=bash
# make instructions: how many instructions the pure filters need for the first 10,000 events of the corpus, their start taken off. A
# count does not depend on what else the machine does; NOTES.md has those of earlier versions. It does depend on compiler and libc.
# shellcheck disable=SC2154 # from common.bash

# instructions COMMAND…: of one run, on standard input. Not by callgrind, which would have to write a file at the end, when the
# filter has given up the right to.
instructions()
{
	valgrind --tool=lackey --vgdb=no "$@" 2>&1 >/dev/null | awk '/guest instrs:/ { gsub(",", "", $NF); print $NF }'
}

# counted NAME COMMAND…: a row for a filter, on what is in the file "in".
counted()
{
	local all start
	all=$(instructions "${@:2}" <in) start=$(instructions "${@:2}" </dev/null)
	row "  $1" "$(calculate "($all - $start) / 10000" %.0f)" "$(calculate "$start / 1e6" %.1f)"
}

bench_instructions()
{
	have valgrind || { echo 'instructions: not counted, valgrind is missing'; return; }
	practice instructions 'del(.state)'
	corpus 10000 >in
	title "instructions ($(cc -dumpfullversion), $(ldd --version | sed -n '1s/.* //p'))" 'an event' 'start, 10^6'
	counted categorize categorize
	categorize <in >out 2>run.err && mv out in
	counted crm-map crm-map
	crm-map <in >out && mv out in
	counted 'crm-push -n' crm-push -n
}
