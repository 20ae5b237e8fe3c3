/*
 * What an older file gets to be of this program's version, step by step.
 */
#include "state/sqlite_schema.h"
#include "text/arena.h"

/* The schema, version by version. Names no patient: ids, states, amounts. */
const struct sqlite_step sqlite_steps[] = {
	/* The CRM's contact of a patient; patient: it is no lead any more. */
	{1, "CREATE TABLE contact(location TEXT NOT NULL, patient TEXT NOT NULL, contact TEXT NOT NULL,"
		"  is_patient INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(location, patient)) WITHOUT ROWID;"
		"CREATE INDEX contact_contact ON contact(location, contact);"
		"CREATE TABLE opportunity(location TEXT NOT NULL, contact TEXT NOT NULL, pipeline TEXT NOT NULL,"
		"  opportunity TEXT NOT NULL, PRIMARY KEY(location, contact, pipeline)) WITHOUT ROWID;"
		/* What an event is about (appointment/88123), its last applied state and moment; seq counts the
		 * states.
		 */
		"CREATE TABLE subject(location TEXT NOT NULL, subject TEXT NOT NULL, state TEXT NOT NULL,"
		"  seq INTEGER NOT NULL,"
		"  event TEXT NOT NULL, moment INTEGER NOT NULL, applied INTEGER NOT NULL, PRIMARY KEY(location,"
		"  subject)) WITHOUT ROWID;"
		"CREATE TABLE event(event TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;"
		/* What was done for a state of a subject; done 0: meant to be, and nobody knows yet. */
		"CREATE TABLE effect(location TEXT NOT NULL, effect TEXT NOT NULL, contact TEXT NOT NULL,"
		"  done INTEGER NOT NULL,"
		"  at INTEGER NOT NULL, PRIMARY KEY(location, effect)) WITHOUT ROWID;"
		/* What of a bill is in the lifetime value (counted), and an addition that is under way. */
		"CREATE TABLE bill(location TEXT NOT NULL, bill TEXT NOT NULL, contact TEXT NOT NULL,"
		"  counted INTEGER NOT NULL DEFAULT 0,"
		"  pending INTEGER, before INTEGER, after INTEGER, PRIMARY KEY(location, bill)) WITHOUT ROWID;"
		"CREATE INDEX bill_pending ON bill(location, contact) WHERE pending IS NOT NULL;"
		"CREATE TABLE name(location TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, id TEXT NOT NULL,"
		"  more TEXT,"
		"  PRIMARY KEY(location, kind, name)) WITHOUT ROWID;"
		"CREATE TABLE cache(kind TEXT NOT NULL, id TEXT NOT NULL, fetched INTEGER NOT NULL, body TEXT NOT NULL,"
		"  PRIMARY KEY(kind, id));"
		"CREATE TABLE quota(api TEXT NOT NULL, day TEXT NOT NULL, used INTEGER NOT NULL, PRIMARY KEY(api,"
		"  day)) WITHOUT ROWID;"},
	/* Events that came in, in their order (seq). patient: what keeps its order; subject: appointment/88123;
	   due: when it may be fed; run: who feeds it. An event's body goes when it is purged, its row stays: a
	   delivery id is known for ever. */
	{2, "CREATE TABLE inbox(seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, type TEXT, patient TEXT,"
		"  subject TEXT,"
		"  state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL, run TEXT,"
		"  received INTEGER NOT NULL, settled INTEGER, body TEXT);"
		"CREATE INDEX inbox_due ON inbox(due, seq) WHERE state='waiting';"
		"CREATE INDEX inbox_open ON inbox(patient, seq) WHERE state IN ('waiting','running');"
		"CREATE INDEX inbox_running ON inbox(run) WHERE state='running';"
		"CREATE INDEX inbox_patient ON inbox(patient, seq);"
		"CREATE INDEX inbox_subject ON inbox(subject, seq);"
		/* What a pipeline answered for an event, or a person decided, each time. */
		"CREATE TABLE attempt(event TEXT NOT NULL, at INTEGER NOT NULL, status TEXT NOT NULL, contact TEXT,"
		"  result TEXT NOT NULL);"
		"CREATE INDEX attempt_event ON attempt(event, at);"
		"CREATE INDEX attempt_contact ON attempt(contact, at);"},
	/* The id that the CRM gave to what an effect made: a note. done 2: nobody will ever know. */
	{3, "ALTER TABLE effect ADD COLUMN made TEXT;"
		"CREATE INDEX effect_made ON effect(location, made) WHERE made IS NOT NULL;"},
	/* Where a walk through a list of PatientNow stands: since is its lower bound, page its next page (0: no
	   walk is under way), began when it began, the next one's lower bound. */
	{4, "CREATE TABLE bookmark(name TEXT PRIMARY KEY, since TEXT NOT NULL, page INTEGER NOT NULL, began TEXT)"
		"  WITHOUT ROWID;"
		/* A patient whom an event made of a contact: patient NULL where the creation was begun, and nobody
		   knows yet. */
		"CREATE TABLE creation(location TEXT NOT NULL, contact TEXT NOT NULL, event TEXT NOT NULL,"
		"  begun INTEGER NOT NULL, patient TEXT, PRIMARY KEY(location, contact)) WITHOUT ROWID;"
		/* OAuth: what the CRM gave last; a refresh token is good for one use. */
		"CREATE TABLE token(name TEXT PRIMARY KEY, access TEXT, refresh TEXT,"
		"  expires INTEGER NOT NULL) WITHOUT ROWID;"},
	/* asked: when the contact's opportunities last showed a lead. */
	{5, "ALTER TABLE contact ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;"
		/* Who changed something of a contact last: its fields (what: appointment), where an opportunity
		   stands (opportunity.move/Surgical). at: milliseconds since 1970, later than all others of the
		   contact. */
		"CREATE TABLE latest(location TEXT NOT NULL, contact TEXT NOT NULL, what TEXT NOT NULL,"
		"  subject TEXT NOT NULL,"
		"  seq INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(location, contact, what)) WITHOUT ROWID;"
		/* The lifetime value that was written last. */
		"CREATE TABLE lifetime(location TEXT NOT NULL, contact TEXT NOT NULL, value INTEGER NOT NULL,"
		"  PRIMARY KEY(location, contact)) WITHOUT ROWID;"},
	/* In which sub-account an event was applied: one may go to several. '': nobody wrote it down. */
	{6, "ALTER TABLE event RENAME TO event_before;"
		"CREATE TABLE event(event TEXT NOT NULL, location TEXT NOT NULL DEFAULT '', at INTEGER NOT NULL,"
		"  PRIMARY KEY(event, location)) WITHOUT ROWID;"
		"INSERT INTO event(event,at) SELECT event, at FROM event_before;"
		"DROP TABLE event_before;"},
	/* from_list: a list told it, which may be less than the resource alone tells. */
	{7, "ALTER TABLE cache RENAME TO cache_before;"
		"CREATE TABLE cache(kind TEXT NOT NULL, id TEXT NOT NULL, from_list INTEGER NOT NULL,"
		"  fetched INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY(kind, id, from_list));"
		"INSERT INTO cache(kind,id,from_list,fetched,body) SELECT replace(kind,' in list',''), id,"
		"  kind LIKE '% in list', fetched, body FROM cache_before WHERE kind<>'useless list';"
		/* Which lists of PatientNow are of no use, and until when. */
		"CREATE TABLE useless_list(kind TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;"
		"INSERT INTO useless_list SELECT id, fetched FROM cache_before WHERE kind='useless list';"
		"DROP TABLE cache_before;"
		/* A share of a day's calls (quota.h): when those that were made would all be due. */
		"CREATE TABLE quota_share(api TEXT PRIMARY KEY, settled INTEGER NOT NULL) WITHOUT ROWID;"
		"INSERT INTO quota_share SELECT api, used FROM quota WHERE day='settled';"
		"DELETE FROM quota WHERE day='settled';"
		/* When a list of names was asked for last. */
		"CREATE TABLE name_list(location TEXT NOT NULL, kind TEXT NOT NULL, asked INTEGER NOT NULL,"
		"  PRIMARY KEY(location, kind)) WITHOUT ROWID;"
		"INSERT INTO name_list SELECT location, name, CAST(id AS INTEGER) FROM name WHERE kind='asked';"
		"DELETE FROM name WHERE kind='asked';"
		/* file_hash: of the text of the file that the refresh token came of, and of those before it. */
		"ALTER TABLE token ADD COLUMN file_hash TEXT;"
		"UPDATE token SET file_hash=(SELECT f.refresh FROM token AS f WHERE f.name='file of '||token.name);"
		"DELETE FROM token WHERE name LIKE 'file of %';"
		/* What of a result is asked for: patient, and the calls that it took. */
		"ALTER TABLE attempt RENAME TO attempt_before;"
		"CREATE TABLE attempt(seq INTEGER PRIMARY KEY, event TEXT NOT NULL, at INTEGER NOT NULL,"
		"  status TEXT NOT NULL, contact TEXT, patient TEXT, calls INTEGER NOT NULL DEFAULT 0,"
		"  patientnow_calls INTEGER NOT NULL DEFAULT 0, result TEXT NOT NULL);"
		"INSERT INTO attempt(event,at,status,contact,patient,calls,patientnow_calls,result)"
		"  SELECT event, at, status, contact, CAST(json_extract(result,'$.patient_id') AS TEXT),"
		"  coalesce(json_extract(result,'$.calls'),0), coalesce(json_extract(result,'$.patientnow_calls'),0),"
		"  result FROM attempt_before ORDER BY rowid;"
		"DROP TABLE attempt_before;"
		"CREATE INDEX attempt_event ON attempt(event, at);"
		"CREATE INDEX attempt_contact ON attempt(contact, at);"
		"CREATE INDEX attempt_patient ON attempt(patient);"},
	/* queue: what keeps an event's order, the patient's id or the subject; patient: a patient's id only. */
	{8, "ALTER TABLE inbox ADD COLUMN queue TEXT;"
		"UPDATE inbox SET queue=patient, patient=CASE WHEN patient=subject THEN NULL ELSE patient END"
		"  WHERE patient IS NOT NULL;"
		"DROP INDEX inbox_open;"
		"CREATE INDEX inbox_open ON inbox(queue, seq) WHERE state IN ('waiting','running');"},
	/* What is about people is apart from what is looked at, so that a million settled events are small rows:
	   an event's line (seq is the event's) and what PatientNow answered (seq NULL). What a trigger clears
	   goes with body_tidy. */
	{9, "CREATE TABLE body(key INTEGER PRIMARY KEY, seq INTEGER, text TEXT NOT NULL);"
		"ALTER TABLE inbox RENAME TO inbox_before;"
		"CREATE TABLE inbox(seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, type TEXT, patient TEXT,"
		"  subject TEXT, queue TEXT, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,"
		"  due INTEGER NOT NULL, run TEXT, received INTEGER NOT NULL, settled INTEGER, body INTEGER);"
		"INSERT INTO body(key,seq,text) SELECT seq, seq, body FROM inbox_before WHERE body IS NOT NULL ORDER BY seq;"
		"INSERT INTO inbox(seq,id,type,patient,subject,queue,state,attempts,due,run,received,settled,body)"
		"  SELECT seq, id, type, patient, subject, queue, state, attempts, due, run, received, settled,"
		"  CASE WHEN body IS NOT NULL THEN seq END FROM inbox_before ORDER BY seq;"
		"DROP TABLE inbox_before;"
		"CREATE INDEX inbox_due ON inbox(due, seq, received) WHERE state='waiting';"
		"CREATE INDEX inbox_open ON inbox(queue, seq) WHERE state IN ('waiting','running');"
		"CREATE INDEX inbox_running ON inbox(run) WHERE state='running';"
		"CREATE INDEX inbox_patient ON inbox(patient) WHERE patient IS NOT NULL;"
		"CREATE INDEX inbox_subject ON inbox(subject) WHERE subject IS NOT NULL;"
		"CREATE TRIGGER inbox_body AFTER UPDATE OF body ON inbox WHEN old.body IS NOT NULL BEGIN"
		"  UPDATE body SET seq=NULL, text='' WHERE key=old.body; END;"
		"ALTER TABLE cache RENAME TO cache_before;"
		"CREATE TABLE cache(kind TEXT NOT NULL, id TEXT NOT NULL, from_list INTEGER NOT NULL,"
		"  fetched INTEGER NOT NULL, body INTEGER NOT NULL, PRIMARY KEY(kind, id, from_list)) WITHOUT ROWID;"
		"CREATE INDEX cache_fetched ON cache(fetched);"
		"CREATE INDEX cache_body ON cache(body);"
		"CREATE TRIGGER cache_changed AFTER UPDATE OF body ON cache BEGIN"
		"  UPDATE body SET text='' WHERE key=old.body; END;"
		"CREATE TRIGGER cache_removed AFTER DELETE ON cache BEGIN"
		"  UPDATE body SET text='' WHERE key=old.body; END;"
		/* The cache with its bodies: what is put here is kept in both. */
		"CREATE VIEW answer AS SELECT kind, id, from_list, fetched, b.text AS body"
		"  FROM cache AS c JOIN body AS b ON b.key=c.body;"
		"CREATE TRIGGER answer_added INSTEAD OF INSERT ON answer BEGIN"
		"  INSERT INTO body(text) VALUES(new.body);"
		"  INSERT INTO cache(kind,id,from_list,fetched,body)"
		"    VALUES(new.kind, new.id, new.from_list, new.fetched, (SELECT max(key) FROM body))"
		"    ON CONFLICT(kind,id,from_list) DO UPDATE SET fetched=excluded.fetched, body=excluded.body; END;"
		"INSERT INTO answer SELECT kind, id, from_list, fetched, body FROM cache_before ORDER BY fetched;"
		"DROP TABLE cache_before;"},
	/* event_seq: the event's seq; patient: whom the result names, where the event is not the patient's. */
	{9, "ALTER TABLE attempt RENAME TO attempt_before;"
		"CREATE TABLE attempt(seq INTEGER PRIMARY KEY, event_seq INTEGER NOT NULL, at INTEGER NOT NULL,"
		"  status TEXT NOT NULL, contact TEXT, patient TEXT, calls INTEGER NOT NULL DEFAULT 0,"
		"  patientnow_calls INTEGER NOT NULL DEFAULT 0, result TEXT NOT NULL);"
		"INSERT INTO attempt SELECT a.seq, i.seq, at, status, contact,"
		"  CASE WHEN a.patient IS NOT i.patient THEN a.patient END, calls, patientnow_calls, result"
		"  FROM attempt_before AS a JOIN inbox AS i ON i.id=a.event ORDER BY a.seq;"
		"DROP TABLE attempt_before;"
		"CREATE INDEX attempt_event ON attempt(event_seq);"
		"CREATE INDEX attempt_contact ON attempt(contact) WHERE contact IS NOT NULL;"
		"CREATE INDEX attempt_patient ON attempt(patient) WHERE patient IS NOT NULL;"
		/* How many events there are by state and type ('': none); kept as they change. */
		"CREATE TABLE event_count(state TEXT NOT NULL, type TEXT NOT NULL, n INTEGER NOT NULL,"
		"  PRIMARY KEY(state, type)) WITHOUT ROWID;"
		"INSERT INTO event_count SELECT state, coalesce(type,''), count(*) FROM inbox GROUP BY 1, 2;"
		"CREATE TRIGGER event_added AFTER INSERT ON inbox BEGIN"
		"  INSERT INTO event_count VALUES(new.state, coalesce(new.type,''), 1)"
		"    ON CONFLICT(state,type) DO UPDATE SET n=n+1; END;"
		"CREATE TRIGGER event_changed AFTER UPDATE OF state ON inbox WHEN new.state<>old.state BEGIN"
		"  UPDATE event_count SET n=n-1 WHERE state=old.state AND type=coalesce(old.type,'');"
		"  INSERT INTO event_count VALUES(new.state, coalesce(new.type,''), 1)"
		"    ON CONFLICT(state,type) DO UPDATE SET n=n+1; END;"
		/* What the attempts at events of a type took, and at how many events there were some. */
		"CREATE TABLE call_count(type TEXT PRIMARY KEY, events INTEGER NOT NULL, crm INTEGER NOT NULL,"
		"  patientnow INTEGER NOT NULL) WITHOUT ROWID;"
		"INSERT INTO call_count SELECT i.type, count(DISTINCT i.seq), sum(calls), sum(patientnow_calls)"
		"  FROM attempt AS a JOIN inbox AS i ON i.seq=a.event_seq"
		"  WHERE i.type IS NOT NULL AND a.status NOT IN ('retried','dropped') GROUP BY 1;"
		"CREATE TRIGGER attempt_added AFTER INSERT ON attempt WHEN new.status NOT IN ('retried','dropped') BEGIN"
		"  INSERT INTO call_count SELECT type, NOT EXISTS (SELECT 1 FROM attempt WHERE event_seq=new.event_seq"
		"    AND seq<>new.seq AND status NOT IN ('retried','dropped')), new.calls, new.patientnow_calls"
		"    FROM inbox WHERE seq=new.event_seq AND type IS NOT NULL"
		"    ON CONFLICT(type) DO UPDATE SET events=events+excluded.events, crm=crm+excluded.crm,"
		"    patientnow=patientnow+excluded.patientnow; END;"},
	/* What was looked up in PatientNow in an hour (since 1970), for the forecast of the next days. */
	{9, "CREATE TABLE lookup(hour INTEGER NOT NULL, kind TEXT NOT NULL, n INTEGER NOT NULL,"
		"  PRIMARY KEY(hour, kind)) WITHOUT ROWID;"
		/* Where calls are spread (quota.h): when those that were made would all be due. */
		"CREATE TABLE quota_turn(api TEXT PRIMARY KEY, settled INTEGER NOT NULL) WITHOUT ROWID;"
		"DROP TABLE quota_share;"
		"DELETE FROM quota WHERE api='patientnow, by itself';"
		/* put_off: why an event that waits was put off without being tried. */
		"ALTER TABLE inbox ADD COLUMN put_off TEXT;"},
	/* failure: the kind of failure that an event waits for: crm-push: unavailable. */
	{10, "ALTER TABLE inbox ADD COLUMN failure TEXT;"
		 "CREATE INDEX inbox_failure ON inbox(failure) WHERE failure IS NOT NULL;"},
	/* The do-not-disturb of a contact that pnow has set (ledger.h). */
	{10, "CREATE TABLE dnd(location TEXT NOT NULL, contact TEXT NOT NULL, channels INTEGER NOT NULL,"
		 "  done INTEGER NOT NULL, PRIMARY KEY(location, contact)) WITHOUT ROWID;"},
	/* When the last dump (dump.h) was made: dumped. When a state was loaded from one: between gap began and
	   gap ended things may have been done of which it does not know. */
	{10, "CREATE TABLE moment(name TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;"},
	/* An API that refuses a secret (digest), since when, and when it is asked next. */
	{10, "CREATE TABLE outage(api TEXT PRIMARY KEY, digest TEXT NOT NULL, since INTEGER NOT NULL,"
		 "  next INTEGER NOT NULL) WITHOUT ROWID;"},
	/* For how long events were on their way, each time that one was settled: n of them for le milliseconds or
	   less, and longer than the next lower le; ms is the sum. Kept as they are settled, or come in so. */
	{10, "CREATE TABLE wait_count(le INTEGER PRIMARY KEY, n INTEGER NOT NULL, ms INTEGER NOT NULL);"
		 "INSERT INTO wait_count VALUES(1000,0,0), (5000,0,0), (15000,0,0), (60000,0,0), (300000,0,0),"
		 "  (900000,0,0), (3600000,0,0), (21600000,0,0), (86400000,0,0), (9223372036854775807,0,0);"
		 "UPDATE wait_count AS w SET n=g.n, ms=g.ms FROM"
		 "  (SELECT (SELECT min(le) FROM wait_count WHERE le>=settled-received) AS le, count(*) AS n,"
		 "    sum(max(0,settled-received)) AS ms FROM inbox WHERE settled IS NOT NULL GROUP BY 1) AS g"
		 "  WHERE g.le=w.le;"
		 "CREATE TRIGGER wait_ended AFTER UPDATE OF settled ON inbox"
		 "  WHEN old.settled IS NULL AND new.settled IS NOT NULL BEGIN"
		 "  UPDATE wait_count SET n=n+1, ms=ms+max(0,new.settled-new.received) WHERE le="
		 "    (SELECT min(le) FROM wait_count WHERE le>=new.settled-new.received); END;"},
	/* Where a walk by cursors stands. */
	{10, "ALTER TABLE bookmark ADD COLUMN cursor TEXT;"},
	/* Who adds events counts them, once a transaction: with a trigger each is a third slower. */
	{10, "DROP TRIGGER event_added"},
	/* Which patient's id has become which, in PatientNow; what waits of the one keeps its order among the
	   other's. */
	{10,
		"CREATE TABLE merged(patient TEXT PRIMARY KEY, survivor TEXT NOT NULL, at INTEGER NOT NULL)"
		"  WITHOUT ROWID;"
		"CREATE INDEX merged_survivor ON merged(survivor, patient);"
		/* The contact of one who was merged into a patient with another: staff have it. */
		"CREATE TABLE left_contact(location TEXT NOT NULL, contact TEXT NOT NULL, patient TEXT NOT NULL,"
		"  PRIMARY KEY(location, contact)) WITHOUT ROWID;"
		"CREATE TRIGGER merged_added AFTER INSERT ON merged BEGIN"
		"  UPDATE inbox SET queue=new.survivor WHERE queue=new.patient AND state IN ('waiting','running'); END;"},
	/* What pipelines told in an hour (since 1970), how often: an outcome, and why; or what = 'warning', and
	   its kind: words with a digit are '*'. Counted as they tell it (told.h). */
	{11, "CREATE TABLE told(hour INTEGER NOT NULL, what TEXT NOT NULL, cause TEXT NOT NULL,"
		 "  n INTEGER NOT NULL, PRIMARY KEY(hour, what, cause)) WITHOUT ROWID;"
		 "CREATE TEMP TABLE late AS SELECT at/3600000 AS hour, status, result FROM attempt"
		 "  WHERE status NOT IN ('retried','dropped') AND at/3600000>=strftime('%s','now')/3600-24;"
		 "INSERT INTO told SELECT hour, status, CASE WHEN json_extract(result,'$.error') IS NOT NULL"
		 "    THEN coalesce(json_extract(result,'$.error.stage'),'the pipeline')||': '"
		 "      ||coalesce(json_extract(result,'$.error.code'),'failed')"
		 "    ELSE coalesce(substr(json_extract(result,'$.reason'),1,120),'') END, count(*)"
		 "  FROM late GROUP BY 1, 2, 3;"
		 "WITH RECURSIVE word(hour, rest, kind) AS (SELECT hour, value||' ', '' FROM late,"
		 "    json_each(result,'$.warnings') UNION ALL SELECT hour, substr(rest,instr(rest,' ')+1),"
		 "    kind||CASE WHEN substr(rest,1,instr(rest,' ')) GLOB '*[0-9]*' THEN '* '"
		 "      ELSE substr(rest,1,instr(rest,' ')) END FROM word WHERE rest<>'')"
		 "  INSERT INTO told SELECT hour, 'warning', rtrim(kind,' '), count(*) FROM word WHERE rest=''"
		 "  GROUP BY 1, 3;"
		 "DROP TABLE late;"
		 "CREATE INDEX inbox_dead ON inbox(seq) WHERE state='dead';"},
	/* A claim asks for the queues of all that runs, and finds them here. */
	{12, "DROP INDEX inbox_running;"
		 "CREATE INDEX inbox_running ON inbox(run, queue) WHERE state='running';"},
};

const size_t sqlite_steps_n = COUNT(sqlite_steps);
