-- The roles of a database of pnow: pnow, which has all of it, and pnow_hook, which may only add events. pnow-operations(7) says more.
--
--   createdb pnow
--   psql -d pnow -f roles.sql     as a superuser, before the first command of pnow
--   pnow-inbox -C /etc/pnow stat  makes the tables, as pnow
--   psql -d pnow -f roles.sql     again: now pnow_hook gets its rights; and after every upgrade of pnow
--
-- Neither role has a password here: let pg_hba.conf ask for a certificate, or set one with \password and put it into the file that
-- ~/.pgpass or the service file names. It is never in a configuration of pnow.
\set ON_ERROR_STOP on

SELECT 'CREATE ROLE pnow LOGIN' WHERE to_regrole('pnow') IS NULL \gexec
SELECT 'CREATE ROLE pnow_hook LOGIN' WHERE to_regrole('pnow_hook') IS NULL \gexec

-- pnow makes its schemas by itself; dry runs make temporary tables. Nobody else has any business here.
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SELECT format('GRANT CONNECT, CREATE, TEMPORARY ON DATABASE %I TO pnow', current_database()) \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO pnow_hook', current_database()) \gexec

SELECT to_regclass('pnow_rows.schema') IS NOT NULL AS made \gset
\if :made
-- What pnow-hook does: it adds an event and its body, unless there is one of that id, and counts it. It reads no body, and no name.
GRANT USAGE ON SCHEMA pnow, pnow_rows TO pnow_hook;
GRANT SELECT ON pnow_rows.schema TO pnow_hook;
GRANT INSERT, SELECT (seq, id, type, state, due, received, practice) ON pnow.inbox TO pnow_hook;
GRANT INSERT, SELECT (key) ON pnow.body TO pnow_hook;
GRANT SELECT (patient, survivor) ON pnow.merged TO pnow_hook;
GRANT INSERT, SELECT, UPDATE (n) ON pnow.event_count TO pnow_hook;
-- Whether anything can be written, for /healthz: a row that is taken back.
GRANT INSERT ON pnow.quota TO pnow_hook;
\else
\echo 'There are no tables yet: run a command of pnow, then this file again.'
\endif
