#!/usr/bin/env bash
# What pnow-hook(1) promises under "Hostile senders": a good one is answered soon, whatever crowd is there and however slowly it talks,
# and the crowd costs a bounded number of descriptors and a bounded amount of memory.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
crowd=$bin/../crash/crowd
[ -x "$crowd" ] || { echo "1..0 # SKIP make check builds $crowd"; exit 0; }

printf 'open sesame, please' >secret && chmod 600 secret

# listen NAME ARGUMENT…: a hook ($hook) on $port with an inbox NAME.db of its own; its words are in NAME.err.
listen()
{
	local name=$1
	cat >"$name.json" <<-END
		{"practice": "glow", "timezone": "America/Denver", "pipelines": "non-surgical", "state": "$name.db",
		 "hooks": {"patientnow": {"verify": "token", "header": "X-Token", "secret_file": "secret"}}}
	END
	"${under[@]}" pnow-hook -c "$name.json" -l 127.0.0.1:0 -p "$name.port" >"$name.out" 2>"$name.err" &
	hook=$!
	started+=("$hook")
	await "$name.port"
	port=$(<"$name.port")
}
under=()

# Writes how many descriptors the hook has at most, until it ends.
count_descriptors()
{
	local n most=0
	while n=$(ls /proc/"$hook"/fd 2>/dev/null | wc -l) && [ "$n" -gt 0 ]; do
		[ "$n" -le "$most" ] || printf '%s\n' "$((most = n))" >descriptors
		sleep 0.1
	done
}

# among NAME N: so many hostile senders, half of them idle, and 100 good ones. What became of these is in $answered, $ms, $hostile.
among()
{
	read -r answered _ _ _ _ _ _ ms _ _ _ hostile < <("$crowd" -i $(($2 / 2)) -d $(($2 / 2)) -n 100 "$port" /hook/glow/patientnow \
		'X-Token: open sesame, please' 2>"$1.crowd")
}

# The most memory that the hook has had, in MiB.
memory()
{
	awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$hook/status"
}

n=10000
most=$(ulimit -Hn)
[ "$most" = unlimited ] || [ "$most" -ge 10100 ] || n=$((most - 100))
listen many
count_descriptors &
started+=($!)
among many "$n"
is "100 good senders among $n hostile ones: all are answered, and all events are there" \
	"$answered $(sqlite3 many.db "SELECT count(*) FROM inbox WHERE id LIKE 'good-%'")$(<many.crowd)" "100 100"
is "99 of them are answered soon, long before the hostile ones are given up (it took $ms ms)" "$(awk -v ms="$ms" 'BEGIN { print (ms < 5000) }')" 1
is "all of the crowd have been there ($hostile)" "$((hostile >= n))" 1
if [ -s descriptors ]; then
	is "the crowd takes a bounded number of descriptors ($(<descriptors))" "$(($(<descriptors) <= 4900))" 1
	if sanitized; then
		skip "the crowd takes a bounded amount of memory" "a sanitizer takes its own"
	else
		is "the crowd takes a bounded amount of memory ($(memory) MiB)" "$(($(memory) < 160))" 1
	fi
else
	skip "the crowd takes a bounded number of descriptors" "no /proc here"
	skip "the crowd takes a bounded amount of memory" "no /proc here"
fi
if [ "$n" -gt 9000 ]; then
	is "that senders are hung up on is said once" "$(grep -c 'connections: those whose requests take longest to come' many.err)" 1
else
	skip "that senders are hung up on is said once" "too few files may be open"
fi
over()
{
	grep -q 'fewer connections' many.err
}
is "when the crowd has gone, that is said, too" "$(until_true over; echo $?)" 0

# ----- bodies that do not end

# hostile_body: begins a body of nearly 1 MiB.
hostile_body()
{
	local fd
	exec {fd}<>"/dev/tcp/127.0.0.1/$port"
	printf 'POST /hook/glow/patientnow HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n' >&"$fd"
	head -c 999999 body >&"$fd"
}
head -c 1000000 /dev/zero >body
(
	trap '' PIPE
	for ((i = 0; i < 250; i++)); do hostile_body; done
	"$crowd" -n 20 "$port" /hook/glow/patientnow 'X-Token: open sesame, please' >bodies
) 2>bodies.err
is "among 250 bodies that are never whole good senders are answered" "$(cut -d' ' -f1-4 bodies)" "20 answered of 20"
if sanitized || [ ! -r "/proc/$hook/status" ]; then
	skip "what bodies that are never whole take is bounded" "no /proc, or a sanitizer takes its own memory"
else
	is "what bodies that are never whole take is bounded ($(memory) MiB)" "$(($(memory) < 220))" 1
fi
kill "$hook"
wait "$hook"
is "SIGTERM ends it with 0" $? 0

# ----- few descriptors

under=(bash -c 'ulimit -Sn 256; ulimit -Hn 256; exec "$@"' few)
listen few
among few 600
is "with 256 descriptors: 100 good senders among 600 hostile ones are all answered" "$answered$(<few.crowd)" 100
is "and soon ($ms ms)" "$(awk -v ms="$ms" 'BEGIN { print (ms < 5000) }')" 1
kill "$hook"
wait "$hook"
is "with 256 descriptors: SIGTERM ends it with 0" $? 0
finish
