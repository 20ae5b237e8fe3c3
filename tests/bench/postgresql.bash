# shellcheck shell=bash
# The state in PostgreSQL beside the state in SQLite, in turns: acks, settles, a thousand practices with nothing to do, and what three
# workers, each with an account of its own as on three hosts, use of the CRM's limits together. The database is on this machine, and its
# processor time is told apart. BENCH_SECONDS (5) for acks, BENCH_INBOX_EVENTS (50000) for settles.
# shellcheck disable=SC2154 # from common.bash, hook.bash, practices.bash
# shellcheck source=tests/bench/hook.bash
. "$bench/hook.bash"
# shellcheck source=tests/bench/practices.bash
. "$bench/practices.bash"

# database: a cluster of the benchmark's own; $database is the URI of a new database in it, $postmaster its first process.
cluster()
{
	local run=()
	[ "$(id -u)" -ne 0 ] || run=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	postgres_bin=$(pg_config --bindir 2>/dev/null || find /usr/lib/postgresql -name initdb -printf '%h\n' 2>/dev/null | sort -V | tail -n 1)
	[ -x "$postgres_bin/initdb" ] || return 1
	mkdir cluster
	chmod 711 "$work"
	[ "$(id -u)" -ne 0 ] || chown 65534 cluster
	"${run[@]}" "$postgres_bin/initdb" -D "$work/cluster/data" -A trust -U pnow -E UTF8 --locale=C.UTF-8 >initdb.out || return 1
	"${run[@]}" "$postgres_bin/postgres" -D "$work/cluster/data" -k "$work/cluster" -c listen_addresses= -c max_connections=300 \
		-c shared_buffers=512MB -c max_wal_size=4GB >cluster.out 2>&1 &
	postmaster=$!
	started+=("$postmaster")
	until_true "$postgres_bin/pg_isready" -q -h "$work/cluster" -U pnow
	new_database
}

new_database()
{
	databases=$((${databases:-0} + 1))
	"$postgres_bin/createdb" -h "$work/cluster" -U pnow "d$databases"
	database="postgresql://pnow@/d$databases?host=$work/cluster"
}

ask()
{
	"$postgres_bin/psql" -qAtX -c "$1" "$database"
}

# database_ticks: of processor time that the cluster has taken.
database_ticks()
{
	local child
	{
		awk '{ print $14 + $15 + $16 + $17 }' "/proc/$postmaster/stat"
		for child in $(ps -o pid= --ppid "$postmaster"); do awk '{ print $14 + $15 }' "/proc/$child/stat" 2>/dev/null; done
	} | awk '{ n += $1 } END { print n }'
}

# engine_of NAME ENGINE: NAME.json, with its inbox in that engine.
engine_of()
{
	inbox_of "$1"
	[ "$2" = SQLite ] || { new_database; sed -i "s#\"state\": \"[^\"]*\"#\"state\": \"$database\"#" "$1.json"; }
}

# there NAME ENGINE CONDITION: how many events there are.
there()
{
	if [ "$2" = SQLite ]; then state_sql "$1.db" "SELECT count(*) FROM inbox WHERE $3"; else ask "SELECT count(*) FROM pnow_rows.inbox WHERE $3"; fi
}

# microseconds TICKS N: of a processor, for each of N.
microseconds()
{
	calculate "$1 * 1000000 / $(getconf CLK_TCK) / $2" %.0f
}

# Acks of an engine with so many connections: a row, with what each took of a processor in the hook, and in the database.
acks_of() # NAME ENGINE CONNECTIONS
{
	local before hook
	engine_of "$1" "$2"
	listen "$1.json"
	before=$(database_ticks)
	post_all "$1" /hook/glow/patientnow "$3" "$seconds"
	hook=$(awk '{ print $14 + $15 }' "/proc/${started[-1]}/stat")
	stop
	row "  acks, $2, $3 connections" "$rate" "$acknowledged" "$(there "$1" "$2" "id LIKE '$1-%'")" "$p99" \
		"hook $(microseconds "$hook" "$acknowledged"), database $(microseconds $(($(database_ticks) - before)) "$acknowledged") us"
}

# Settles of an engine by so many runs at once.
settles_of() # NAME ENGINE RUNS
{
	local before start end i runs=() cpu
	engine_of "$1" "$2"
	awk -v n="$events" 'BEGIN { for (i = 1; i <= n; i++) printf "{\"id\":\"b%d\",\"type\":\"patient.updated\",\"practice\":\"glow\",\"patient\":{\"id\":\"%d\",\"first_name\":\"Ana\"}}\n", i, i % 20000 }' >"$1.lines"
	start=$EPOCHREALTIME
	pnow-inbox -c "$1.json" add <"$1.lines" >add.out
	end=$EPOCHREALTIME
	row "  add, $2" "$(calculate "$events / ($end - $start)" %.0f)" "$events"
	before=$(database_ticks)
	cpu=$(awk '{ print $16 + $17 }' "/proc/$$/stat")
	start=$EPOCHREALTIME
	for ((i = 0; i < $3; i++)); do
		pnow-inbox -c "$1.json" run -1 -- cat >run.out &
		runs+=($!)
	done
	wait "${runs[@]}"
	end=$EPOCHREALTIME
	sleep 1 # the server's processes end, too: till then some of them are counted nowhere
	row "  settles, $2, $3 runs" "$(calculate "$events / ($end - $start)" %.0f)" "$events" "$(there "$1" "$2" "state='done'")" '' \
		"programs $(microseconds $(($(awk '{ print $16 + $17 }' "/proc/$$/stat") - cpu)) "$events"), database $(microseconds $(($(database_ticks) - before)) "$events") us"
}

# A thousand practices with nothing to do.
idle_thousand()
{
	local n=1000 hook inbox before database_before
	sandbox 100
	new_database
	many $n "$database"
	rm -f port
	pnow-hook -C many/conf -l 127.0.0.1:0 -p port >listen.out 2>listen.err &
	hook=$!
	started+=("$hook")
	await port
	pnow-inbox -C many/conf run -- pnow-sync 2>run.err &
	inbox=$!
	started+=("$inbox")
	sleep 75 # pipelines that were begun have ended
	before=$(ticks $hook $inbox) database_before=$(database_ticks)
	sleep 30
	row "  $n practices idle: % of a processor, hook and inbox" "$(calculate "($(ticks $hook $inbox) - $before) / $(getconf CLK_TCK) / 30 * 100" %.2f)"
	row '  ... the database' "$(calculate "($(database_ticks) - $database_before) / $(getconf CLK_TCK) / 30 * 100" %.2f)"
	row '  ... connections' "$(ask "SELECT count(*) FROM pg_stat_activity WHERE backend_type='client backend' AND application_name<>'psql'")"
	row '  ... MB of memory, hook and inbox' "$(megabytes $hook $inbox)"
	grep -h . run.err listen.err | head -n 5
	stop
	stop
	stop
}

# Three workers, on hosts of their own but for the machine.
limit_of_three()
{
	local i seconds=${BENCH_LIMIT_SECONDS:-60} got refused permitted pushes=()
	sandbox 0 -r 100/10000
	new_database
	practice limits ".state = \"$database\""
	updates 0 1 | crm-push >result
	sleep 10
	curl -sS -X DELETE "$api/_/requests" >result
	for i in 1 2 3; do
		updates $((i * 10000)) $((seconds * 10)) >"updates.$i"
		mkdir -p "host$i"
		XDG_RUNTIME_DIR=$work/host$i RUNTIME_DIRECTORY=$work/host$i crm-push -j 8 <"updates.$i" >"results.$i" 2>"errors.$i" &
		pushes+=($!)
	done
	started+=("${pushes[@]}")
	sleep $((seconds + 1))
	read -r got refused < <(limit_figures "$seconds")
	permitted=$((seconds * 10))
	for i in "${pushes[@]}"; do stop; done
	stop
	title "100 calls in 10 s permitted, three workers of one database, $seconds s" calls 'x permitted' '429s'
	row '  backfill' "$got" "$(calculate "$got / $permitted" %.2f)" "$refused"
}

bench_postgresql()
{
	local engine round postgres_bin postmaster database databases events=${BENCH_INBOX_EVENTS:-50000}
	# shellcheck source=tests/bench/limits.bash
	. "$bench/limits.bash"
	cluster || { echo 'PostgreSQL: not measured, it is missing'; return; }
	title 'PostgreSQL beside SQLite' 'events/s' acknowledged there 'p99 ms' 'us of a processor each'
	for ((round = 1; round <= rounds; round++)); do
		for engine in SQLite PostgreSQL; do acks_of "a$engine$round" $engine 16; done
	done
	acks_of many PostgreSQL 64
	for engine in SQLite PostgreSQL; do settles_of "s$engine" $engine 1; done
	settles_of three PostgreSQL 3
	idle_thousand
	limit_of_three
	kill -INT "$postmaster"
}
