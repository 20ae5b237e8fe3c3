-- Fills a database of pnow's with :practices practices, each with :events settled events of a year and what the ledger keeps of them, in
-- the numbers that the pipeline leaves: of ten events five are about appointments (two each), three are bills, one a membership, one a
-- patient; a patient has ten. Bodies of the last 30 days are there.
\set ON_ERROR_STOP on
SET session_replication_role = replica; -- what triggers count is counted below
SET synchronous_commit = off;
CREATE TEMP TABLE one AS
	SELECT 'practice-' || lpad(p::text, 5, '0') AS practice, (p - 1) * :events::bigint + e AS seq, e,
		md5(p || '-' || e)::uuid::text AS id, '1' || lpad((e % (:events / 10))::text, 5, '0') AS patient,
		CASE WHEN e % 10 < 6 THEN 'appointment/' || 80000 + e / 2 WHEN e % 10 < 9 THEN 'bill/' || 70000 + e ELSE 'membership/' || 60000 + e END AS subject,
		CASE WHEN e % 10 < 3 THEN 'appointment.booked' WHEN e % 10 < 6 THEN 'appointment.status' WHEN e % 10 < 9 THEN 'bill.completed' ELSE 'membership.created' END AS type,
		(extract(epoch FROM now()) * 1000 - (:events - e) * (365.0 * 86400000 / :events))::bigint AS received
	FROM generate_series(1, :practices) AS p, generate_series(1, :events) AS e;
-- as they come: practices mixed
CREATE TEMP TABLE event AS SELECT * FROM one ORDER BY e, practice;
DROP TABLE one;
INSERT INTO pnow_rows.inbox(practice, seq, id, type, patient, subject, queue, state, attempts, due, received, settled, body)
	SELECT practice, seq, id, type, patient, subject, patient, 'done', 1, received, received, received + 2000,
		CASE WHEN received > extract(epoch FROM now()) * 1000 - 30 * 86400000.0 THEN e END FROM event;
INSERT INTO pnow_rows.body(practice, key, seq, text)
	SELECT practice, e, seq, '{"id":"' || id || '","text":"' || (SELECT string_agg(md5(id || i), '') FROM generate_series(1, 30) AS i) || '"}'
		FROM event WHERE received > extract(epoch FROM now()) * 1000 - 30 * 86400000.0;
INSERT INTO pnow_rows.attempt(practice, seq, event_seq, at, status, contact, calls, result)
	SELECT practice, seq, seq, received + 2000, 'done', left(md5(practice || patient), 20), 4, '{"id":"' || id || '","type":"' || type || '","practice":"' || practice
		|| '","patient_id":"' || patient || '","contact_id":"' || left(md5(practice || patient), 20) || '","location_id":"ve9EPM428h8vShlRW1KT","status":"done","ms":213,"calls":4,'
		|| '"actions":[{"op":"contact.upsert","status":"done","http":200,"ms":84},{"op":"note.add","status":"done","http":201,"ms":52},{"op":"workflow.add","status":"done","http":200,"ms":41},'
		|| '{"op":"opportunity.move","status":"done","pipeline":"Non-Surgical","stage":"Booked","http":200,"ms":36}],"warnings":[]}' FROM event;
INSERT INTO pnow_rows.event(practice, event, location, at) SELECT practice, id, 've9EPM428h8vShlRW1KT', received + 2000 FROM event;
INSERT INTO pnow_rows.effect(practice, location, effect, contact, done, at, made)
	SELECT practice, 've9EPM428h8vShlRW1KT', subject || '/' || e % 2 + 1 || '/' || what, left(md5(practice || patient), 20), 1, received + 2000,
		CASE what WHEN 'note.add' THEN left(md5(id), 20) END FROM event, (VALUES ('note.add'), ('workflow.add/PatientNow Appointments Update')) AS effects(what)
	ON CONFLICT DO NOTHING;
INSERT INTO pnow_rows.subject(practice, location, subject, state, seq, event, moment, applied)
	SELECT practice, 've9EPM428h8vShlRW1KT', subject, 'booked 2026-12-01T15:30:00-07:00', 1, id, received, 1 FROM event ON CONFLICT DO NOTHING;
INSERT INTO pnow_rows.bill(practice, location, bill, contact, counted)
	SELECT practice, 've9EPM428h8vShlRW1KT', subject, left(md5(practice || patient), 20), 45000 FROM event WHERE type='bill.completed';
INSERT INTO pnow_rows.contact(practice, location, patient, contact, is_patient, asked)
	SELECT DISTINCT practice, 've9EPM428h8vShlRW1KT', patient, left(md5(practice || patient), 20), 1, 0 FROM event;
INSERT INTO pnow_rows.latest(practice, location, contact, what, subject, seq, at)
	SELECT practice, location, contact, what, 'appointment/88123', 1, 1790000000000 FROM pnow_rows.contact,
		(VALUES ('appointment'), ('patient'), ('opportunity.move/Non-Surgical'), ('bill'), ('visit')) AS w(what);
INSERT INTO pnow_rows.lifetime(practice, location, contact, value) SELECT practice, location, contact, 90000 FROM pnow_rows.contact;
INSERT INTO pnow_rows.event_count(practice, state, type, n) SELECT practice, 'done', type, count(*) FROM event GROUP BY 1, 3;
INSERT INTO pnow_rows.call_count(practice, type, events, crm, patientnow) SELECT practice, type, count(*), 4 * count(*), 0 FROM event GROUP BY 1, 2;
SELECT setval(pg_get_serial_sequence('pnow_rows.inbox', 'seq'), max(seq)) FROM event;
SELECT setval(pg_get_serial_sequence('pnow_rows.attempt', 'seq'), max(seq)) FROM event;
SET session_replication_role = origin;
VACUUM ANALYZE;
