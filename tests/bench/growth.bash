# shellcheck shell=bash
# What a file with many settled events costs, beside an empty one: processor time of acks (pnow-hook), claims and settles (run -1),
# trace; and the rate of add, acks beside it, the time of stat, and how long purge ever holds a sender up. GROWTH (200000) events are in
# it; with 1000000 it takes minutes. BENCH_SECONDS (5) for the acks.
# shellcheck disable=SC2154 # from common.bash and hook.bash
# shellcheck source=tests/bench/hook.bash
. "$bench/hook.bash"
events=${GROWTH:-200000}

# lines NAME N: events of some 800 bytes, with ids in no order, of N/5 patients.
lines()
{
	awk -v name="$1" -v n="$2" 'BEGIN { srand(1); for (i = 0; i < 35; i++) filler = filler "bring forms and be early "
		for (i = 1; i <= n; i++) { patient = int(rand() * n / 5)
			printf "{\"id\":\"%08x-%s-%d\",\"type\":\"appointment.booked\",\"practice\":\"glow\",\"patient\":{\"id\":\"%d\"},\"appointment\":{\"id\":\"a%s%d\"},\"note\":\"%s\"}\n",
				rand() * 2 ^ 31, name, i, patient, name, i, substr(filler, 1, 500 + i % 200) } }'
}

# took COMMAND…: runs it; the seconds that passed are in $wall, those of a processor in $cpu.
took()
{
	local TIMEFORMAT='%R %U %S' times
	times=$({ time "$@" >took.out 2>took.err; } 2>&1)
	read -r wall cpu < <(awk '{ print $1, $2 + $3 }' <<<"$times")
}

# Answers each event with a contact of its own, as quickly as can be.
answering()
{
	printf '#!/bin/sh\nexec sed -u '"'"'s/^{"id":"\\([^"]*\\)".*"patient":{"id":"\\([^"]*\\)".*/{"id":"\\1","status":"done","patient_id":"\\2","contact_id":"c\\2","calls":4}/'"'"'\n' >answering
	chmod +x answering
}

# acks NAME: microseconds of a processor for each, with 16 connections.
acks()
{
	listen "$1.json"
	post_all "acks$RANDOM" /hook/glow/patientnow 16 "$seconds"
	cpu=$(awk -v n="$acknowledged" '{ printf "%.0f", ($14 + $15) * 10000 / n }' "/proc/${started[-1]}/stat")
	stop
}

# of N: microseconds of a processor for each of N.
of()
{
	calculate "$cpu * 1000000 / $1" %.0f
}

# measure NAME: fills $added, $settled, $acked, $traced and $stated.
measure()
{
	lines new 20000 >some
	took pnow-inbox -c "$1.json" add <some
	added=$(of 20000)
	took pnow-inbox -c "$1.json" run -1 -- ./answering
	settled=$(of 20000)
	acks "$1"
	acked=$cpu
	took pnow-inbox -c "$1.json" trace anew77
	traced=$wall
	took pnow-inbox -c "$1.json" stat
	stated=$wall
}

# Acks while add stores at full speed, and before.
beside()
{
	local alone
	inbox_of beside
	listen beside.json
	post_all before /hook/glow/patientnow 16 "$seconds"
	alone="$rate/s, 99 % within $p99 ms"
	pnow-inbox -c beside.json add <most >added &
	started+=($!)
	post_all beside /hook/glow/patientnow 16 "$seconds"
	stop
	stop
	printf '  acks at 16 connections: %s; while add stores %s events/s: %s/s, 99 %% within %s ms\n' "$alone" \
		"$(calculate "$(state_events beside.db "id LIKE '%-many-%'") / $seconds" %.0f)" "$rate" "$p99"
}

# A sender, one webhook after the other, until the file "enough" is there: the longest wait.
longest_wait()
{
	local i
	for ((i = 0; ; i++)); do
		[ ! -e enough ] || break
		curl -sS -o answer -w '%{http_code} %{time_total}\n' -H 'X-Token: open sesame, please' -H 'Content-Type: application/json' \
			--data-binary "{\"event\":\"PatientUpdated\",\"eventId\":\"w$i\",\"data\":{\"patientId\":\"1\"}}" "http://127.0.0.1:$port/hook/glow/patientnow"
	done | awk '$1 == 200 { n++; if ($2 > longest) longest = $2 } $1 != 200 { refused++ }
		END { printf "%.0f ms, of %d; %d were refused", longest * 1000, n, refused }'
}

purging()
{
	local before after
	before=$(stat -c %s many.db)
	listen many.json
	rm -f enough
	longest_wait >longest &
	started+=($!)
	sleep 1
	took pnow-inbox -c many.json purge -o 0s
	: >enough
	wait "${started[-1]}"
	unset 'started[-1]'
	stop
	after=$(stat -c %s many.db)
	printf '  purge: %d MB become %d in %s s; a sender meanwhile waited at most %s%s\n' $((before / 1000000)) $((after / 1000000)) "$wall" "$(<longest)" "$(<took.err)"
}

bench_growth()
{
	title "$events settled events, beside none" many none
	answering
	inbox_of many
	inbox_of none
	lines many "$events" >most
	took pnow-inbox -c many.json add <most
	printf '  add: %s events/s\n' "$(calculate "$events / $wall" %.0f)"
	beside
	rm most
	state_settle many.db
	local name of=()
	for name in many none; do
		measure "$name"
		of+=("$added" "$settled" "$acked" "$traced" "$stated")
	done
	row '  add, us of a processor each' "${of[0]}" "${of[5]}"
	row '  claim and settle, us of a processor each' "${of[1]}" "${of[6]}"
	row '  acks at 16 connections, us of a processor each' "${of[2]}" "${of[7]}"
	row '  trace, s' "${of[3]}" "${of[8]}"
	row '  stat, s' "${of[4]}" "${of[9]}"
	purging
}
