/*
 * The tables are those of a state file, of all practices together:
 *
 * - The schema pnow_rows has the tables. Each has a column practice, with which every key and every index
 *   begins: a practice is never looked for among others, and a database can be spread over servers by it.
 * - The schema pnow has a view of each, of one practice: the connection's setting pnow.practice says which.
 *   So no statement names the practice, and one SQL is good for both engines. The practice is the last
 * column, so that the others stand where SQLite has them.
 * - Texts are compared byte for byte, as SQLite does (COLLATE "C").
 * - What SQLite overwrites in place, so that nothing of it is left in the file (body.c), is deleted here.
 * - rehearse() makes empty tables that only its connection sees, and finds before the views: a dry run's.
 *
 * Functions write whole names, since who calls them has a search_path of its own.
 */
#include "state/postgres_schema.h"

#include "text/str.h"

/* A table, with its practice, its key, and its view. */
#define TABLE(name, columns, key) "SELECT pnow_rows.make_table('" name "','" columns "','" key "');"

const struct postgres_step postgres_steps[] = {
	{10, "CREATE SCHEMA pnow_rows; CREATE SCHEMA pnow;"
		 "CREATE TABLE pnow_rows.schema(version INTEGER NOT NULL); INSERT INTO pnow_rows.schema VALUES(0);"
		 "CREATE FUNCTION pnow_rows.make_table(name TEXT, columns TEXT, key TEXT) RETURNS void"
		 "  LANGUAGE plpgsql AS $$ BEGIN"
		 "  EXECUTE format('CREATE TABLE pnow_rows.%I(%s, practice TEXT COLLATE \"C\" NOT NULL"
		 "    DEFAULT current_setting(''pnow.practice''), PRIMARY KEY(practice, %s))',"
		 "    name, replace(columns, 'TEXT', 'TEXT COLLATE \"C\"'), key);"
		 "  EXECUTE format('CREATE VIEW pnow.%1$I AS SELECT * FROM pnow_rows.%1$I"
		 "    WHERE practice=current_setting(''pnow.practice'')', name); END $$;"
		 "CREATE FUNCTION pnow_rows.rehearse() RETURNS void LANGUAGE plpgsql AS $$ DECLARE t name; BEGIN"
		 "  FOR t IN SELECT tablename FROM pg_catalog.pg_tables"
		 "    WHERE schemaname='pnow_rows' AND tablename<>'schema' LOOP"
		 "    EXECUTE format('CREATE TEMP TABLE %1$I(LIKE pnow_rows.%1$I INCLUDING ALL)', t);"
		 "  END LOOP; END $$;"},
	/* The ledger; what the columns mean is with SQLite's. */
	{10,
		TABLE("contact",
			"location TEXT NOT NULL, patient TEXT NOT NULL, contact TEXT NOT NULL,"
			"is_patient BIGINT NOT NULL DEFAULT 0, asked BIGINT NOT NULL DEFAULT 0",
			"location, patient") "CREATE INDEX contact_contact ON pnow_rows.contact(practice, location, contact);" TABLE("opportunity",
			"location TEXT NOT NULL, contact TEXT NOT NULL, pipeline TEXT NOT NULL, opportunity TEXT NOT NULL",
			"location, contact, pipeline") TABLE("subject",
			"location TEXT NOT NULL, subject TEXT NOT NULL, state TEXT NOT NULL, seq BIGINT NOT NULL,"
			"event TEXT NOT NULL, moment BIGINT NOT NULL, applied BIGINT NOT NULL",
			"location, subject") TABLE("event",
			"event TEXT NOT NULL, location TEXT NOT NULL DEFAULT '''', at BIGINT NOT NULL",
			"event, location") TABLE("effect",
			"location TEXT NOT NULL, effect TEXT NOT NULL, contact TEXT NOT NULL, done BIGINT NOT NULL,"
			"at BIGINT NOT NULL, made TEXT",
			"location, effect") "CREATE INDEX effect_made ON pnow_rows.effect(practice, location, made) WHERE made IS NOT NULL;" TABLE("bill",
			"location TEXT NOT NULL, bill TEXT NOT NULL, contact TEXT NOT NULL,"
			"counted BIGINT NOT NULL DEFAULT 0, pending BIGINT, before BIGINT, after BIGINT",
			"location, bill") "CREATE INDEX bill_pending ON pnow_rows.bill(practice, location, contact) WHERE pending IS NOT NULL;" TABLE("lifetime",
			"location TEXT NOT NULL, contact TEXT NOT NULL, value BIGINT NOT NULL",
			"location, contact") TABLE("latest",
			"location TEXT NOT NULL, contact TEXT NOT NULL, what TEXT NOT NULL, subject TEXT NOT NULL,"
			"seq BIGINT NOT NULL, at BIGINT NOT NULL",
			"location, contact, what") TABLE("dnd",
			"location TEXT NOT NULL, contact TEXT NOT NULL, channels BIGINT NOT NULL, done BIGINT NOT NULL",
			"location, contact") TABLE("creation",
			"location TEXT NOT NULL, contact TEXT NOT NULL, event TEXT NOT NULL, begun BIGINT NOT NULL,"
			"patient TEXT",
			"location, contact") TABLE("merged",
			"patient TEXT NOT NULL, survivor TEXT NOT NULL, at BIGINT NOT NULL",
			"patient") "CREATE INDEX merged_survivor ON pnow_rows.merged(practice, survivor, patient);" TABLE("left_contact",
			"location TEXT NOT NULL, contact TEXT NOT NULL, patient TEXT NOT NULL", "location, contact")},
	/* What is known of others, for a while. */
	{10, TABLE("name",
			 "location TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, id TEXT NOT NULL, more TEXT",
			 "location, kind, name") TABLE("name_list",
			 "location TEXT NOT NULL, kind TEXT NOT NULL, asked BIGINT NOT NULL",
			 "location, kind") TABLE("token",
			 "name TEXT NOT NULL, access TEXT, refresh TEXT, expires BIGINT NOT NULL, file_hash TEXT",
			 "name") TABLE("bookmark",
			 "name TEXT NOT NULL, since TEXT NOT NULL, page BIGINT NOT NULL, began TEXT, cursor TEXT",
			 "name") TABLE("quota", "api TEXT NOT NULL, day TEXT NOT NULL, used BIGINT NOT NULL", "api, day")
			 TABLE("quota_turn", "api TEXT NOT NULL, settled BIGINT NOT NULL", "api") TABLE("lookup",
				 "hour BIGINT NOT NULL, kind TEXT NOT NULL, n BIGINT NOT NULL", "hour, kind") TABLE("outage",
				 "api TEXT NOT NULL, digest TEXT NOT NULL, since BIGINT NOT NULL, next BIGINT NOT NULL",
				 "api") TABLE("moment", "name TEXT NOT NULL, at BIGINT NOT NULL", "name")
				 TABLE("useless_list", "kind TEXT NOT NULL, until BIGINT NOT NULL", "kind")},
	/* Bodies, and the cache that has some of them. */
	{10,
		TABLE("body", "key BIGINT NOT NULL, seq BIGINT, text TEXT NOT NULL", "key") TABLE("cache",
			"kind TEXT NOT NULL, id TEXT NOT NULL, from_list BIGINT NOT NULL, fetched BIGINT NOT NULL,"
			"body BIGINT NOT NULL",
			"kind, id, from_list") "CREATE INDEX cache_fetched ON pnow_rows.cache(practice, fetched);"
								   "CREATE INDEX cache_body ON pnow_rows.cache(practice, body);"
								   "CREATE FUNCTION pnow_rows.body_left() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
								   "  DELETE FROM pnow_rows.body WHERE practice=old.practice AND key=old.body; RETURN NULL; END $$;"
								   "CREATE TRIGGER cache_changed AFTER UPDATE OF body ON pnow_rows.cache FOR EACH ROW"
								   "  WHEN (new.body<>old.body) EXECUTE FUNCTION pnow_rows.body_left();"
								   "CREATE TRIGGER cache_removed AFTER DELETE ON pnow_rows.cache FOR EACH ROW"
								   "  EXECUTE FUNCTION pnow_rows.body_left();"
								   "CREATE VIEW pnow.answer AS SELECT kind, id, from_list, fetched, b.text AS body, practice"
								   "  FROM pnow_rows.cache AS c JOIN pnow_rows.body AS b USING(practice) WHERE b.key=c.body"
								   "  AND practice=current_setting('pnow.practice');"
								   "CREATE FUNCTION pnow_rows.answer_added() RETURNS trigger LANGUAGE plpgsql AS $$"
								   "  DECLARE k BIGINT; BEGIN"
								   "  INSERT INTO pnow.body(key,text) SELECT coalesce(max(b.key),0)+1, new.body FROM pnow.body AS b"
								   "    RETURNING key INTO k;"
								   "  INSERT INTO pnow.cache AS c (kind,id,from_list,fetched,body)"
								   "    VALUES(new.kind, new.id, new.from_list, new.fetched, k) ON CONFLICT(practice,kind,id,from_list)"
								   "    DO UPDATE SET fetched=excluded.fetched, body=excluded.body; RETURN new; END $$;"
								   "CREATE TRIGGER answer_added INSTEAD OF INSERT ON pnow.answer FOR EACH ROW"
								   "  EXECUTE FUNCTION pnow_rows.answer_added();"},
	/* The inbox, and what is counted of it. */
	{10,
		TABLE("inbox",
			"seq BIGINT GENERATED BY DEFAULT AS IDENTITY, id TEXT NOT NULL, type TEXT, patient TEXT,"
			"subject TEXT, queue TEXT, state TEXT NOT NULL, attempts BIGINT NOT NULL DEFAULT 0,"
			"due BIGINT NOT NULL, run TEXT, received BIGINT NOT NULL, settled BIGINT, body BIGINT,"
			"put_off TEXT, failure TEXT",
			"seq") "CREATE UNIQUE INDEX inbox_id ON pnow_rows.inbox(practice, id);"
				   "CREATE INDEX inbox_due ON pnow_rows.inbox(practice, due, seq) WHERE state='waiting';"
				   "CREATE INDEX inbox_open ON pnow_rows.inbox(practice, queue, seq)"
				   "  WHERE state IN ('waiting','running');"
				   "CREATE INDEX inbox_running ON pnow_rows.inbox(practice, run) WHERE state='running';"
				   "CREATE INDEX inbox_patient ON pnow_rows.inbox(practice, patient) WHERE patient IS NOT NULL;"
				   "CREATE INDEX inbox_subject ON pnow_rows.inbox(practice, subject) WHERE subject IS NOT NULL;"
				   "CREATE INDEX inbox_failure ON pnow_rows.inbox(practice, failure) WHERE failure IS NOT NULL;"
				   "CREATE TRIGGER inbox_body AFTER UPDATE OF body ON pnow_rows.inbox FOR EACH ROW"
				   "  WHEN (old.body IS NOT NULL AND new.body IS NULL) EXECUTE FUNCTION pnow_rows.body_left();"
				   "CREATE FUNCTION pnow_rows.merged_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
				   "  UPDATE pnow_rows.inbox SET queue=new.survivor WHERE practice=new.practice AND queue=new.patient"
				   "    AND state IN ('waiting','running'); RETURN NULL; END $$;"
				   "CREATE TRIGGER merged_added AFTER INSERT ON pnow_rows.merged FOR EACH ROW"
				   "  EXECUTE FUNCTION pnow_rows.merged_added();" TABLE("event_count",
					   "state TEXT NOT NULL, type TEXT NOT NULL, n BIGINT NOT NULL",
					   "state, type") "CREATE FUNCTION pnow_rows.event_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
									  "  UPDATE pnow_rows.event_count SET n=n-1"
									  "    WHERE practice=old.practice AND state=old.state AND type=coalesce(old.type,'');"
									  "  INSERT INTO pnow_rows.event_count AS c (practice,state,type,n)"
									  "    VALUES(new.practice, new.state, coalesce(new.type,''), 1)"
									  "    ON CONFLICT(practice,state,type) DO UPDATE SET n=c.n+1; RETURN NULL; END $$;"
									  "CREATE TRIGGER event_changed AFTER UPDATE OF state ON pnow_rows.inbox FOR EACH ROW"
									  "  WHEN (new.state<>old.state) EXECUTE FUNCTION pnow_rows.event_changed();" TABLE(
										  "attempt",
										  "seq BIGINT GENERATED BY DEFAULT AS IDENTITY, event_seq BIGINT NOT NULL, at BIGINT NOT NULL,"
										  "status TEXT NOT NULL, contact TEXT, patient TEXT, calls BIGINT NOT NULL DEFAULT 0,"
										  "patientnow_calls BIGINT NOT NULL DEFAULT 0, result TEXT NOT NULL",
										  "seq") "CREATE INDEX attempt_event ON pnow_rows.attempt(practice, event_seq, seq);"
												 "CREATE INDEX attempt_contact ON pnow_rows.attempt(practice, contact) WHERE contact IS NOT NULL;"
												 "CREATE INDEX attempt_patient ON pnow_rows.attempt(practice, patient) WHERE patient IS NOT NULL;" TABLE(
													 "call_count",
													 "type TEXT NOT NULL, events BIGINT NOT NULL, crm BIGINT NOT NULL, patientnow BIGINT NOT NULL",
													 "type") "CREATE FUNCTION pnow_rows.attempt_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
															 "  INSERT INTO pnow_rows.call_count AS c (practice,type,events,crm,patientnow)"
															 "    SELECT i.practice, i.type, CASE WHEN EXISTS(SELECT 1 FROM pnow_rows.attempt AS a"
															 "      WHERE a.practice=i.practice AND a.event_seq=i.seq AND a.seq<>new.seq"
															 "        AND a.status NOT IN ('retried','dropped')) THEN 0 ELSE 1 END,"
															 "      new.calls, new.patientnow_calls FROM pnow_rows.inbox AS i"
															 "      WHERE i.practice=new.practice AND i.seq=new.event_seq AND i.type IS NOT NULL"
															 "    ON CONFLICT(practice,type) DO UPDATE SET events=c.events+excluded.events,"
															 "      crm=c.crm+excluded.crm, patientnow=c.patientnow+excluded.patientnow; RETURN NULL; END $$;"
															 "CREATE TRIGGER attempt_added AFTER INSERT ON pnow_rows.attempt FOR EACH ROW"
															 "  WHEN (new.status NOT IN ('retried','dropped')) EXECUTE FUNCTION pnow_rows.attempt_added();"},
	/* How long events were on their way. A practice's rows are made when something is counted in them; the
	   view has all of them. */
	{10,
		TABLE("wait_count", "le BIGINT NOT NULL, n BIGINT NOT NULL, ms BIGINT NOT NULL",
			"le") "CREATE FUNCTION pnow_rows.wait_limits() RETURNS SETOF BIGINT IMMUTABLE LANGUAGE sql AS $$"
				  "  VALUES(1000), (5000), (15000), (60000), (300000), (900000), (3600000), (21600000), (86400000),"
				  "    (9223372036854775807) $$;"
				  "CREATE OR REPLACE VIEW pnow.wait_count AS SELECT l.le, coalesce(c.n,0) AS n, coalesce(c.ms,0) AS ms,"
				  "  c.practice FROM pnow_rows.wait_limits() AS l(le) LEFT JOIN pnow_rows.wait_count AS c"
				  "  ON c.practice=current_setting('pnow.practice') AND c.le=l.le;"
				  "CREATE FUNCTION pnow_rows.wait_counted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
				  "  INSERT INTO pnow_rows.wait_count AS c (le,n,ms) VALUES(new.le, new.n, new.ms)"
				  "    ON CONFLICT(practice,le) DO UPDATE SET n=excluded.n, ms=excluded.ms; RETURN new; END $$;"
				  "CREATE TRIGGER wait_counted INSTEAD OF UPDATE ON pnow.wait_count FOR EACH ROW"
				  "  EXECUTE FUNCTION pnow_rows.wait_counted();"
				  "CREATE FUNCTION pnow_rows.wait_ended() RETURNS trigger LANGUAGE plpgsql AS $$"
				  "  DECLARE ms BIGINT = new.settled-new.received; BEGIN"
				  "  INSERT INTO pnow_rows.wait_count AS c (practice,le,n,ms) VALUES(new.practice,"
				  "    (SELECT min(l.le) FROM pnow_rows.wait_limits() AS l(le) WHERE l.le>=ms), 1, greatest(0,ms))"
				  "    ON CONFLICT(practice,le) DO UPDATE SET n=c.n+1, ms=c.ms+excluded.ms; RETURN NULL; END $$;"
				  "CREATE TRIGGER wait_ended AFTER UPDATE OF settled ON pnow_rows.inbox FOR EACH ROW"
				  "  WHEN (old.settled IS NULL AND new.settled IS NOT NULL)"
				  "  EXECUTE FUNCTION pnow_rows.wait_ended();"
				  /* Rows that are changed all the time: their next version has room beside them. */
				  "ALTER TABLE pnow_rows.event_count SET (fillfactor=20);"
				  "ALTER TABLE pnow_rows.call_count SET (fillfactor=20);"
				  "ALTER TABLE pnow_rows.wait_count SET (fillfactor=20);"
				  "ALTER TABLE pnow_rows.quota SET (fillfactor=20);"
				  "ALTER TABLE pnow_rows.quota_turn SET (fillfactor=20);"},
};

const size_t postgres_steps_n = COUNT(postgres_steps);
