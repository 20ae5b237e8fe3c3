# shellcheck shell=bash disable=SC2154 # tap.sh sets root and work
# What the tests know of a state, beside ids and states in "inbox". Sourced by tap.sh. FILE is a state's file, as configurations of
# tests name it; CONDITION is one on i, an event, and a, an attempt. SQL is what both engines understand.
#
# With ENGINE=postgresql, on_engine gives each file a database of the test's cluster (postgres.bash), and the functions here do with
# that what they do with the file.
ENGINE=${ENGINE:-sqlite}
on='' # what the names of points begin with

on_sqlite()
{
	[ "$ENGINE" = sqlite ]
}

# state_begin: the test's cluster; CLUSTER is its folder, DATABASES one with a file for each of the test's databases, which has the
# practice's id. state_end: they are removed.
state_begin()
{
	# shellcheck source=tests/postgres.bash
	. "$root/tests/postgres.bash"
	if ! postgres_programs >"/dev/null"; then
		printf '1..0 # SKIP no PostgreSQL here\n'
		exit
	fi
	[ -n "${PNOW_POSTGRES:-}" ] || own_cluster=yes PNOW_POSTGRES=$work/.postgres PNOW_POSTGRES_OWNER=$$
	CLUSTER=$(postgres_cluster) || { printf 'Bail out! PostgreSQL does not start\n'; exit 1; }
	DATABASES=$work/.databases
	on='PostgreSQL: '
	mkdir -m 700 "$DATABASES" "$work/.run"
	export XDG_RUNTIME_DIR=$work/.run
}
state_end()
{
	local name
	if [ -n "${own_cluster:-}" ]; then
		postgres_stop
		return
	fi
	for name in "$DATABASES"/*; do
		[ ! -e "$name" ] || printf 'DROP DATABASE IF EXISTS %s WITH (FORCE);\n' "${name##*/}"
	done | postgres_psql "$CLUSTER" postgres 2>/dev/null
}

# about_files PROMISE…: whether the engine is SQLite; else what is said about its file is skipped.
about_files()
{
	! on_sqlite || return 0
	local promise
	for promise in "$@"; do
		skip "$promise" "it is about SQLite's file"
	done
	return 1
}

# The name of the database that stands for a file.
state_database()
{
	printf 't%s\n' "$(realpath -m -- "$1" | md5sum | cut -c1-20)"
}

# on_engine CONFIGURATION…: makes the databases for the files that they name, and has them name those.
on_engine()
{
	! on_sqlite || return 0
	local conf practice state name text
	for conf in "$@"; do
		IFS=$'\t' read -r practice state < <(jq -r '[.practice, .state // ""] | @tsv' "$conf")
		case $state in '' | *://*) continue ;; esac
		[[ $state == /* ]] || state=$(dirname "$conf")/$state
		name=$(state_database "$state")
		[ -e "$DATABASES/$name" ] || state_new "$name" || return
		printf '%s\n' "$practice" >"$DATABASES/$name"
		text=$(jq --arg uri "postgresql://pnow@/$name?host=$CLUSTER" '.state = $uri' "$conf") && printf '%s\n' "$text" >"$conf"
	done
}

# state_new NAME [SQL]: an empty database, which somebody who is no superuser owns; the schema is in it already, where that can be had.
# The SQL is carried out before that.
state_new()
{
	postgres_psql "$CLUSTER" postgres <<<"${2:-} CREATE DATABASE $1 OWNER pnow TEMPLATE pnow_empty $(<"$CLUSTER/strategy")"
}

# state_remove FILE…: nothing is there, as before anything was.
state_remove()
{
	local file name
	for file in "$@"; do
		rm -f "$file" "$file"-*
		on_sqlite && continue
		rm -rf "${XDG_RUNTIME_DIR:?}"/pnow*
		name=$(state_database "$file")
		[ -e "$DATABASES/$name" ] || continue
		state_new "$name" "DROP DATABASE IF EXISTS $name WITH (FORCE);"
	done
}

# state_there FILE: whether there may be something in it.
state_there()
{
	if on_sqlite; then [ -e "$1" ]; else [ -e "$DATABASES/$(state_database "$1")" ]; fi
}

# state_sql FILE SQL
state_sql()
{
	local name
	if on_sqlite; then
		sqlite3 -cmd '.timeout 20000' "$1" "$2"
	else
		name=$(state_database "$1")
		PGOPTIONS="-c search_path=pnow -c pnow.practice=$(cat "$DATABASES/$name")" postgres_psql "$CLUSTER" "$name" <<<"$2"
	fi
}

# state_dump FILE: all that is in it.
state_dump()
{
	if on_sqlite; then
		state_sql "$1" .dump
	else
		pg_dump -h "$CLUSTER" -U postgres --inserts "$(state_database "$1")" | grep -vE '^(--|SET|SELECT)'
	fi
}

# state_remains FILE PATTERN: how often anything that is kept of it, however, has one of these words.
state_remains()
{
	if on_sqlite; then cat "$1"*; else state_dump "$1"; fi 2>/dev/null | grep -aoiE "$2" | wc -l
}

# state_sound FILE: ok.
state_sound()
{
	if on_sqlite; then state_sql "$1" 'PRAGMA integrity_check'; else state_sql "$1" "SELECT 'ok'"; fi
}

# state_fails FILE TABLE [CONDITION]: nothing can be added to a table, where the condition on "new" holds. state_works FILE TABLE: it can.
state_fails()
{
	if on_sqlite; then
		state_sql "$1" "CREATE TRIGGER full_$2 BEFORE INSERT ON $2 WHEN ${3:-1=1} BEGIN SELECT RAISE(FAIL, 'full'); END"
	else
		state_sql "$1" "CREATE OR REPLACE FUNCTION pnow_rows.fails() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''full''; END';
			CREATE TRIGGER full_$2 BEFORE INSERT ON pnow_rows.$2 FOR EACH ROW WHEN (${3:-1=1}) EXECUTE FUNCTION pnow_rows.fails()"
	fi
}
state_works()
{
	local on
	on_sqlite || on=" ON pnow_rows.$2"
	state_sql "$1" "DROP TRIGGER full_$2${on:-}"
}

# state_held FILE HELD RELEASE: nobody else can write, from when the file HELD is there until RELEASE is.
state_held()
{
	if on_sqlite; then
		sqlite3 "$1" 'BEGIN IMMEDIATE' ".shell touch $2; while [ ! -e $3 ]; do sleep 0.05; done"
	else
		state_sql "$1" "BEGIN; SET search_path = pnow_rows; DO 'DECLARE t text; BEGIN
			FOR t IN SELECT tablename FROM pg_tables WHERE schemaname=''pnow_rows'' LOOP EXECUTE ''LOCK TABLE '' || t || '' IN EXCLUSIVE MODE''; END LOOP; END';
			\\! touch $2; while [ ! -e $3 ]; do sleep 0.05; done
			ROLLBACK"
	fi
}

# state_closed FILE: nobody has it open, or will be known to have from now on; state_opened FILE: somebody has opened it since.
state_closed()
{
	! on_sqlite || rm -f "$1-locks"
}
state_opened()
{
	if on_sqlite; then
		[ -e "$1-locks" ]
	else
		[ "$(postgres_psql "$CLUSTER" postgres <<<"SELECT count(*) FROM pg_stat_activity WHERE datname='$(state_database "$1")'")" -gt 0 ]
	fi
}

# state_away FILE: it cannot be had, with all that is in its folder, until state_back FILE, when there is a new one.
state_away()
{
	if on_sqlite; then
		rm -r "$(dirname "$1")"
	else
		postgres_psql "$CLUSTER" postgres <<-END
			ALTER DATABASE $(state_database "$1") ALLOW_CONNECTIONS false;
			SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname='$(state_database "$1")'
		END
	fi >"/dev/null"
}
state_back()
{
	if on_sqlite; then
		mkdir "$(dirname "$1")"
	else
		postgres_psql "$CLUSTER" postgres <<<"ALTER DATABASE $(state_database "$1") ALLOW_CONNECTIONS true"
	fi
}

# state_columns FILE: TABLE.COLUMN of each that it has.
state_columns()
{
	if on_sqlite; then
		state_sql "$1" "SELECT t.name||'.'||c.name FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c WHERE t.type='table'"
	else
		state_sql "$1" "SELECT table_name||'.'||column_name FROM information_schema.columns AS c JOIN information_schema.tables AS t
			USING(table_schema, table_name) WHERE table_schema='pnow_rows' AND table_name<>'schema' AND column_name<>'practice'"
	fi
}

# state_limits_forget FILE: what the CRM said of its limits, such as a pause, is forgotten.
state_limits_forget()
{
	if on_sqlite; then
		rm "$1-limits"
	else
		rm -rf "${XDG_RUNTIME_DIR:?}"/pnow*
		state_sql "$1" 'DELETE FROM crm_share'
	fi
}

# state_paused FILE: whether the CRM has asked for a pause, and all processes of this host know it. It is a number of an allowance in
# the host's file (struct region of limit.c, of the first location).
state_paused()
{
	local file=$1-limits
	on_sqlite || file=$(echo "${XDG_RUNTIME_DIR:?}"/pnow-*-limits)
	[ "$(od -An -td8 -j168 -N8 "$file")" -gt 0 ]
}

# state_bodies FILE [CONDITION]: the lines of events, in their order.
state_bodies()
{
	state_sql "$1" "SELECT b.text FROM inbox AS i JOIN body AS b ON b.key=i.body WHERE ${2:-1=1} ORDER BY i.seq"
}

# state_attempts FILE COLUMNS [CONDITION]: columns of attempts and their events, in the order of both.
state_attempts()
{
	state_sql "$1" "SELECT $2 FROM inbox AS i JOIN attempt AS a ON a.event_seq=i.seq WHERE ${3:-1=1} ORDER BY i.seq, a.seq"
}

# state_answer FILE KIND ID FETCHED BODY: an answer of PatientNow that is in the cache.
state_answer()
{
	state_sql "$1" "INSERT INTO answer(kind,id,from_list,fetched,body) VALUES('$2','$3',0,$4,'$5')"
}

# state_recount FILE: each count that is kept and is not what is there.
state_recount()
{
	local first warnings="json_array_length(json_extract(result,'$.warnings'))" done="status NOT IN ('retried','dropped')"
	first=$(($(date +%s) / 3600 - 24))
	on_sqlite || warnings="json_array_length(result::json->'warnings')"
	state_sql "$1" "BEGIN;
		SELECT 'event', x.* FROM (SELECT state, type, n FROM event_count WHERE n<>0
			EXCEPT SELECT state, coalesce(type,''), count(*) FROM inbox GROUP BY 1, 2) AS x;
		SELECT 'uncounted', x.* FROM (SELECT state, coalesce(type,''), count(*) FROM inbox GROUP BY 1, 2
			EXCEPT SELECT state, type, n FROM event_count) AS x;
		SELECT 'calls', x.* FROM (SELECT type, events, crm, patientnow FROM call_count
			EXCEPT SELECT type, count(DISTINCT i.seq), sum(calls), sum(patientnow_calls)
			FROM attempt AS a JOIN inbox AS i ON i.seq=a.event_seq WHERE status NOT IN ('retried','dropped') GROUP BY 1) AS x;
		SELECT 'uncounted calls', count(DISTINCT type) FROM attempt AS a JOIN inbox AS i ON i.seq=a.event_seq
			WHERE status NOT IN ('retried','dropped') AND type NOT IN (SELECT type FROM call_count) HAVING count(*)>0;
		SELECT 'answers', x.* FROM (SELECT hour, what, sum(n) FROM told WHERE what<>'warning' AND hour>=$first GROUP BY 1, 2
			EXCEPT SELECT at/3600000, status, count(*) FROM attempt WHERE at/3600000>=$first AND $done GROUP BY 1, 2) AS x;
		SELECT 'uncounted answers', x.* FROM (SELECT at/3600000, count(*) FROM attempt WHERE at/3600000>=$first AND $done GROUP BY 1
			EXCEPT SELECT hour, sum(n) FROM told WHERE what<>'warning' GROUP BY 1) AS x;
		SELECT 'warnings', x.* FROM (SELECT coalesce(sum(n),0) FROM told WHERE what='warning' AND hour>=$first
			EXCEPT SELECT coalesce(sum($warnings),0) FROM attempt WHERE at/3600000>=$first) AS x;
		SELECT 'body', key FROM body AS b WHERE text<>'' AND NOT EXISTS (SELECT 1 FROM inbox AS i WHERE i.seq=b.seq AND i.body=b.key)
			AND NOT EXISTS (SELECT 1 FROM cache AS c WHERE c.body=b.key)"
}

# state_events FILE [CONDITION]: how many events there are.
state_events()
{
	state_sql "$1" "SELECT count(*) FROM inbox AS i WHERE ${2:-1=1}"
}

# state_forget_answers FILE: nothing is known of PatientNow, nor of its lists.
state_forget_answers()
{
	state_sql "$1" 'DELETE FROM cache; DELETE FROM useless_list'
}

# state_calls FILE: the calls of PatientNow that were counted, on all days. state_calls_set FILE N: so many were made today.
state_calls()
{
	state_sql "$1" "SELECT coalesce(sum(used),0) FROM quota WHERE api='patientnow'"
}
state_calls_set()
{
	local today
	today=$(date -u +%F)
	state_sql "$1" "DELETE FROM quota WHERE api='patientnow' AND day='$today'; INSERT INTO quota(api,day,used) VALUES('patientnow','$today',$2)"
}

# state_later FILE WHAT MS: so much time passes for what was done or asked in the CRM (effect), for a patient who is being made
# (creation), for lists of names (name_list), for leads (contact), since a dump was made (moment). state_tokens_end FILE: and all tokens of the CRM have expired.
state_later()
{
	local -A moment_of=([effect]=at [creation]=begun [name_list]=asked [contact]=asked [moment]=at)
	state_sql "$1" "UPDATE $2 SET ${moment_of[$2]} = ${moment_of[$2]} - $3"
}
state_tokens_end()
{
	state_sql "$1" 'UPDATE token SET expires = 1 WHERE expires > 0'
}

# state_outage_due FILE: it is time to ask again whether a secret is taken, and what was put off is due.
state_outage_due()
{
	state_sql "$1" "UPDATE outage SET next = 0; UPDATE inbox SET due = 0 WHERE state = 'waiting'"
}

# state_ledger FILE: all that the ledger holds.
state_ledger()
{
	state_sql "$1" 'SELECT * FROM contact; SELECT * FROM opportunity; SELECT * FROM subject; SELECT * FROM event; SELECT * FROM effect;
		SELECT * FROM bill; SELECT * FROM latest; SELECT * FROM lifetime; SELECT * FROM creation'
}

# state_settle FILE: every event is done, and has an attempt that says so; quicker than a run.
state_settle()
{
	state_sql "$1" "BEGIN; UPDATE inbox SET state='done', attempts=1, settled=received+1000;
		INSERT INTO attempt(event_seq,at,status,contact,calls,result) SELECT seq, settled, 'done', 'c'||patient, 4,
			'{\"id\":\"'||id||'\",\"status\":\"done\",\"patient_id\":\"'||patient||'\",\"contact_id\":\"c'||patient||'\",\"calls\":4}' FROM inbox;
		INSERT INTO told(hour,what,cause,n) SELECT at/3600000, status, '', count(*) FROM attempt GROUP BY 1, 2; COMMIT"
}
