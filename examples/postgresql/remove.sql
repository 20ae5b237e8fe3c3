-- Removes a practice from the database, all that is remembered of it, so that a dump can be loaded (pnow-inbox(1), load). Nothing of
-- the practice may run. psql service=pnow -v practice=glow-denver -f remove.sql
\set ON_ERROR_STOP on
\set QUIET on
BEGIN;
SELECT format('DELETE FROM %I.%I WHERE practice=%L', c.table_schema, c.table_name, :'practice')
	FROM information_schema.columns AS c JOIN information_schema.tables AS t USING (table_schema, table_name)
	WHERE c.table_schema='pnow_rows' AND c.column_name='practice' AND t.table_type='BASE TABLE' \gexec
COMMIT;
