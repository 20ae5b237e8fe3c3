-- Tells pnow that the database has lost what was committed since a moment: after a restore, or where a standby took over that was
-- not up to date. What may have been carried out since then is looked for in the CRM before it is done. Nothing of pnow may run.
-- psql service=pnow -v since='2026-11-28 14:05' -f lost.sql
\set ON_ERROR_STOP on
\set QUIET on
INSERT INTO pnow_rows.moment(practice, name, at)
	SELECT practice, name, extract(epoch FROM at) * 1000 FROM (SELECT DISTINCT practice FROM pnow_rows.event_count) AS practices,
		(VALUES ('gap began', :'since'::timestamptz), ('gap ended', now())) AS gap(name, at)
	ON CONFLICT (practice, name) DO UPDATE
		SET at=CASE excluded.name WHEN 'gap began' THEN least(moment.at, excluded.at) ELSE excluded.at END;
