# shellcheck shell=bash
# A database of many practices with a year of events: SCALE_PRACTICES (1000) with SCALE_EVENTS (1000) each, made by scale.sql in the
# real schema. How large it is; and what statements like those of an ack, a claim and a settle make of a second, each for a practice at
# random, by 16 connections. Minutes, and 3 GB.
# shellcheck disable=SC2154 # from common.bash and postgresql.bash
# shellcheck source=tests/bench/postgresql.bash
. "$bench/postgresql.bash"

# statements NAME: what pgbench does; each begins as the engine's transactions do.
statements()
{
	cat <<-'END'
		\set p random(1, :practices)
		\set n random(1, 1000000000)
		\set m random(1, 1000000000)
		BEGIN;
		SELECT set_config('search_path', 'pnow', true), set_config('pnow.practice', 'practice-' || lpad((:p)::text, 5, '0'), true);
		SELECT pg_advisory_xact_lock(1886285687, hashtext(current_setting('pnow.practice')));
	END
	case $1 in
	ack*)
		cat <<-'END'
			INSERT INTO inbox(id,type,patient,subject,queue,state,due,received,body) VALUES('e-' || :n || '-' || :m, 'appointment.booked', (:n % 100)::text,
				'appointment/' || :m, (:n % 100)::text, 'waiting', 1790000000000, 1790000000000, (SELECT coalesce(max(key),0)+1 FROM body))
				ON CONFLICT(practice,id) DO NOTHING;
			INSERT INTO body(key,seq,text) SELECT body, seq, (SELECT string_agg(md5((:n + i)::text), '') FROM generate_series(1, 30) AS i)
				FROM inbox WHERE id='e-' || :n || '-' || :m;
			INSERT INTO event_count(state,type,n) VALUES('waiting','appointment.booked',1)
				ON CONFLICT(practice,state,type) DO UPDATE SET n=event_count.n+excluded.n;
		END
		;;
	claim)
		cat <<-'END'
			UPDATE inbox SET state='running', run='r1', due=1790000000001 WHERE seq IN (SELECT i.seq FROM inbox AS i JOIN body ON key=body
				WHERE state='waiting' AND due<=1790000000001 AND (queue IS NULL OR NOT EXISTS (SELECT 1 FROM inbox AS o
				WHERE o.queue=i.queue AND o.seq<i.seq AND o.state IN ('waiting','running'))) ORDER BY due, i.seq LIMIT 4);
		END
		;;
	settle)
		cat <<-'END'
			WITH settled AS (UPDATE inbox SET state='done', attempts=1, run=NULL, settled=1790000002000
				WHERE seq IN (SELECT seq FROM inbox WHERE run='r1' AND state='running' LIMIT 1) RETURNING seq)
				INSERT INTO attempt(event_seq,at,status,contact,calls,patientnow_calls,result) SELECT seq, 1790000002000, 'done', 'c1', 4, 0,
				repeat('{"op":"note.add","status":"done","http":201,"ms":52}', 8) FROM settled;
		END
		;;
	esac
	[ "$1" != ack-with-notify ] || echo "SELECT pg_notify('pnow', current_setting('pnow.practice'));"
	echo 'COMMIT;'
	[ "$1" = ack-with-notify ] || echo "SELECT pg_notify('pnow', (:p)::text);"
}

bench_scale()
{
	local postgres_bin postmaster database databases name rows heap index all rate ms practices=${SCALE_PRACTICES:-1000}
	cluster || { echo 'scale: not measured, PostgreSQL is missing'; return; }
	engine_of scale PostgreSQL
	pnow-inbox -c scale.json stat >stat.out
	"$postgres_bin/psql" -qX -v practices="$practices" -v events="${SCALE_EVENTS:-1000}" -f "$bench/scale.sql" "$database" >fill.out || return
	title "$practices practices with ${SCALE_EVENTS:-1000} settled events each" rows 'bytes a row' 'of indexes' MB
	while IFS='|' read -r name rows heap index all; do
		row "  $name" "$rows" "$heap" "$index" "$all"
	done < <(ask "SELECT relname, n_live_tup, (pg_table_size(relid) / n_live_tup), pg_indexes_size(relid) / n_live_tup,
		pg_total_relation_size(relid) / 1000000 FROM pg_stat_user_tables WHERE schemaname='pnow_rows' AND n_live_tup>1000 ORDER BY 5 DESC")
	title 'A practice at random, 16 connections' 'a second' 'average ms'
	for name in ack ack-with-notify claim settle; do
		statements $name >"$name.pgbench"
		read -r rate ms < <("$postgres_bin/pgbench" -n -M prepared -c 16 -j 2 -T "${BENCH_SECONDS:-5}" -D practices="$practices" -f "$name.pgbench" "$database" 2>pgbench.err |
			awk '/^latency average/ { ms = $4 } /^tps/ { printf "%.0f %.1f\n", $3, ms }')
		row "  $name" "$rate" "$ms"
	done
	kill -INT "$postmaster"
}
