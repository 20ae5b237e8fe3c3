#!/usr/bin/env bash
# make bench: what pnow does beside what others do, in one run on one machine. BENCH names the parts, each in a file of its own:
# filters cold burst push memory calls hook growth limits node-red practices postgresql. Ratios mean something on a busy machine too, as far as what is
# compared ran in turns; absolute figures do not.
# shellcheck source=tests/bench/common.bash
. "$(dirname "$0")/common.bash"

printf '%s processors (%s), load %s, %s\n' "$(nproc)" \
	"$(sed -n '/^model name/ { s/.*: *//p; q }' /proc/cpuinfo 2>/dev/null)" "$(load)" "$(date -u +%F)"
for part in ${BENCH:-filters cold burst push memory calls hook growth limits node-red practices postgresql}; do
	[ -r "$bench/$part.bash" ] || { echo "BENCH: there is no part $part" >&2; exit 64; }
	# shellcheck disable=SC1090 # one of those beside this file
	. "$bench/$part.bash"
	"bench_$part"
done
printf '\nload %s\n' "$(load)"
