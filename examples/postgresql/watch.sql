-- What should stay low in the database that pnow's state is in: pnow-operations(7). psql service=pnow -f watch.sql
\set QUIET on
\pset footer off
\echo 'Connections of pnow, of max_connections; more than nine tenths of it are too many'
SELECT application_name AS program, host(client_addr) AS host, count(*), current_setting('max_connections') AS max_connections
	FROM pg_stat_activity WHERE datname=current_database() GROUP BY 1, 2 ORDER BY 3 DESC;
\echo 'The oldest transaction and the queue of NOTIFY; minutes, or more than a tenth, mean that something hangs'
SELECT coalesce(max(now() - xact_start), interval '0') AS oldest_transaction, round(pg_notification_queue_usage()::numeric, 3) AS notify_queue
	FROM pg_stat_activity WHERE datname=current_database() AND pid<>pg_backend_pid();
\echo 'Standbys; sync or quorum are waited for'
SELECT application_name AS standby, state, sync_state, replay_lag FROM pg_stat_replication;
\echo 'Tables; where there are more dead rows than a fifth of the live ones, autovacuum does not keep up'
SELECT relname AS name, n_live_tup AS live, n_dead_tup AS dead, pg_size_pretty(pg_total_relation_size(relid)) AS size,
	greatest(last_vacuum, last_autovacuum)::timestamp(0) AS vacuumed
	FROM pg_stat_user_tables WHERE schemaname='pnow_rows' ORDER BY pg_total_relation_size(relid) DESC LIMIT 10;
\echo 'Transactions until numbers must be frozen; autovacuum does that by itself, and has to come to its end'
SELECT age(datfrozenxid), current_setting('autovacuum_freeze_max_age') AS autovacuum_begins_at FROM pg_database WHERE datname=current_database();
