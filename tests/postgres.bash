# shellcheck shell=bash
# A PostgreSQL of the tests' own: one cluster for all tests of a run, or for one test that is run alone. PNOW_POSTGRES is a file that
# names the cluster's folder as soon as there is one, PNOW_POSTGRES_OWNER the process that it ends with at the latest. Sourced by
# tests/run, and by tap.sh where ENGINE is postgresql; run as a program it serves a cluster.
# POSTGRES_SETTINGS and POSTGRES_HBA are more lines of its postgresql.conf and pg_hba.conf, POSTGRES_NETWORK
# is a network namespace for its server, and ends with it.

# The folder of the programs, Debian's included; false where there are none.
postgres_programs()
{
	local initdb
	initdb=$(command -v initdb || printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)
	[ -x "$initdb" ] && printf '%s\n' "${initdb%/*}"
}

# postgres_psql FOLDER DATABASE [OPTION…]: SQL from standard input, as the superuser; the output is as sqlite3's.
postgres_psql()
{
	psql -h "$1" -U postgres -d "$2" -XqAt -F '|' -v ON_ERROR_STOP=1 "${@:3}" -f -
}

# postgres_make FOLDER: a new cluster in it, empty; whoever reaches the folder may be any role.
postgres_make()
{
	chmod 711 "$1"
	[ ${#as[@]} -eq 0 ] || chown nobody "$1" || return
	(cd / && "${as[@]}" "$programs/initdb" -D "$1/data" -U postgres -A trust -E UTF8 --no-locale --no-sync >"/dev/null") || return
	# What was not flushed only the end of the machine could lose, and no test ends that.
	cat >>"$1/data/postgresql.conf" <<-END
		listen_addresses = ''
		unix_socket_directories = '$1'
		max_connections = 200
		shared_buffers = 32MB
		fsync = off
		full_page_writes = off
		wal_level = minimal
		max_wal_senders = 0
		${POSTGRES_SETTINGS:-}
	END
	printf '%s\n' "${POSTGRES_HBA:-}" >>"$1/data/pg_hba.conf"
}

# postgres_serve FOLDER PROCESS: makes a cluster, and its server runs, again whenever it ends unless FOLDER/down is there, until the
# process has ended, or SIGTERM comes; then nothing is left of it.
postgres_serve()
{
	local folder=$1 server='' watcher stop='' programs as=() inside=()
	[ "$(id -u)" -ne 0 ] || as=(setpriv --reuid=nobody "--regid=$(id -g nobody)" --clear-groups) # the server refuses to be root
	[ -z "${POSTGRES_NETWORK:-}" ] || inside=(ip netns exec "$POSTGRES_NETWORK")
	trap 'stop=yes' TERM
	echo $$ >"$folder/keeper"
	tail -f --pid="$2" /dev/null &
	watcher=$!
	{ programs=$(postgres_programs) && postgres_make "$folder"; } || stop=yes
	while [ -z "$stop" ] && kill -0 "$watcher" 2>/dev/null; do
		if [ -e "$folder/down" ]; then
			sleep 0.1
			continue
		fi
		(cd / && exec "${inside[@]}" "${as[@]}" "$programs/postgres" -D "$folder/data") &
		server=$!
		echo "$server" >"$folder/server"
		wait -n "$server" "$watcher"
	done
	kill -KILL "$watcher" 2>/dev/null
	[ -z "$server" ] || kill -QUIT "$server" 2>/dev/null # what it holds is of no use any more
	wait
	[ -z "${POSTGRES_NETWORK:-}" ] || ip netns del "$POSTGRES_NETWORK"
	rm -rf "$folder"
}

# postgres_start: has a cluster served, in a session of its own, which neither a terminal's Ctrl-C reaches nor what ends a test.
postgres_start()
{
	local folder i
	folder=$(mktemp -d "${TMPDIR:-/tmp}/pnow-postgres.XXXXXX") || return
	printf '%s\n' "$folder" >"$PNOW_POSTGRES"
	setsid bash "${BASH_SOURCE[0]}" "$folder" "$PNOW_POSTGRES_OWNER" </dev/null >"$folder/log" 2>&1 3>&- 9>&- &
	for ((i = 0; i < 3000; i++)); do
		! postgres_psql "$folder" postgres <<<'SELECT 1' &>/dev/null || return 0
		[ -e "$folder" ] || return
		sleep 0.02
	done
	return 1
}

# postgres_cluster: the folder of the cluster, which is made where there is none yet, with a role, pnow, and a database that has
# the schema, for others to be made of, pnow_empty; the folder's file "strategy" says how.
postgres_cluster()
{
	(
		local folder
		flock 9
		if ! [ -s "$PNOW_POSTGRES" ]; then
			postgres_start || exit
			folder=$(<"$PNOW_POSTGRES")
			postgres_psql "$folder" postgres <<<'CREATE ROLE pnow LOGIN; CREATE DATABASE pnow_empty OWNER pnow;' || exit
			# PostgreSQL 15 writes a copy into its log first, block by block, unless it is told not to: twice as long
			postgres_psql "$folder" postgres >"$folder/strategy" <<<"SELECT CASE WHEN current_setting('server_version_num')::int >= 150000 THEN 'STRATEGY file_copy' ELSE '' END" || exit
			printf '{"practice":"empty","timezone":"UTC","pipelines":"non-surgical","state":"%s"}\n' \
				"postgresql://pnow@/pnow_empty?host=$folder" >"$folder/empty.json"
			pnow-inbox -c "$folder/empty.json" list >"$folder/said" 2>&1 # who comes first makes the schema
			: >"$folder/ready"
		fi
		folder=$(<"$PNOW_POSTGRES")
		[ -e "$folder/ready" ] && printf '%s\n' "$folder"
	) 9>>"$PNOW_POSTGRES.lock"
}

# postgres_stop: where there is a cluster, it ends.
postgres_stop()
{
	local folder i
	[ -s "$PNOW_POSTGRES" ] || return 0
	folder=$(<"$PNOW_POSTGRES")
	kill "$(cat "$folder/keeper")" 2>/dev/null
	for ((i = 0; i < 500; i++)); do
		[ -e "$folder" ] || return 0
		sleep 0.02
	done
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	postgres_serve "$@"
fi
