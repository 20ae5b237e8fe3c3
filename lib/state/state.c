/*
 * One connection for the process, one lock around it. Statements are prepared once and found again by their
 * text's address, so that a caller writes its SQL where it uses it.
 */
#include "state/state.h"
#include "state/wakeup.h"
#include "stream/trouble.h"
#include "text/buf.h"
#include "value/when.h"

#include <err.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sysexits.h>
#include <unistd.h>
#include <fcntl.h>

/* A new file, or one that is written anew, is one whose space can be given back piece by piece. */
#define IN_PIECES "PRAGMA auto_vacuum=INCREMENTAL"

enum {
	BUSY_MS = 10000,
	SHORT_LOG = 128, /* pages; who opens a file alone reads all of its log */
	LONG_LOG = 1000,
	FULL_LOG = 4000,    /* who has written it so long moves it into the file */
	ENDLESS_LOG = 8000, /* it is so long only where somebody always writes */
	HURRY_MS = 20,      /* so long others are held up, at most, where it has to begin anew */
	TURN_MS = 5,        /* so long a transaction may hold up others for its own good */
	ASIDE_MS = 50,      /* who waits gets no more at a time */
	OLDER_MS = 2000,    /* so long a dry run waits for a file to be brought up to date */
};

/* The schema, version by version: an older file gets what it lacks. Names no patient: ids, states, amounts.
 */
static const struct {
	int version;
	const char *sql;
} steps[] = {
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
		/* file_hash: of the text of the file that the refresh token came of. */
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
};

enum { VERSION = 11 };

/* A statement that is kept. */
struct statement {
	struct statement *next;
	const char *sql;
	sqlite3_stmt *prepared;
	bool runs; /* a query has it: another of the same text gets one of its own */
};

struct state {
	sqlite3 *db;
	const char *path;
	pthread_mutex_t lock; /* recursive: a transaction holds it */
	struct statement *prepared;
	bool unflushed; /* commits do not wait for the disk now */
	struct trouble trouble;
	int busy_ms;
	int64_t busy_since;
	bool waits;      /* for another process's lock, which others are told */
	int64_t since;   /* others may have waited for us */
	bool hurries;    /* waits for a moment only */
	bool leaves_log; /* to others, to move into the file */
	int log;         /* its pages, after the last commit, */
	int moved;       /* and how many of them are in the file */
	int wakeup;      /* for wakeup_send */
	bool wakes;      /* when the transaction has ended */
	bool (*before_end)(struct state *s, int64_t n);
	int64_t n;         /* for before_end */
	bool unseen;       /* a rehearsal: no power cut can harm it, */
	bool has_original; /* and it reads this one, too */
};

/* Says why the file cannot be opened; always false. */
static bool cannot(struct state_failure *why, int status, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(why->why, sizeof why->why, format, args);
	va_end(args);
	why->status = status;
	return false;
}

/* Why, in SQLite's words; false. */
static bool unusable(struct state *s, struct state_failure *why)
{
	int code = sqlite3_errcode(s->db) & 0xff;
	int status = code == SQLITE_NOTADB || code == SQLITE_CORRUPT ? EX_DATAERR
				 : code == SQLITE_BUSY                           ? EX_TEMPFAIL
																 : EX_CANTCREAT;
	int disk = code == SQLITE_IOERR ? sqlite3_system_errno(s->db) : 0;
	why->disk = code == SQLITE_FULL || code == SQLITE_IOERR;
	return cannot(why, status, "cannot use the state file %s: %s%s%s", s->path, sqlite3_errmsg(s->db),
		disk ? ": " : "", disk ? strerror(disk) : "");
}

static int take_number(void *number, int columns, char **values, char **names)
{
	(void)names;
	if (columns > 0 && values[0])
		*(int *)number = atoi(values[0]);
	return 0;
}

/* Runs a statement of the opening; number, where not NULL, gets its answer. Processes that open a new file at
   once may hinder each other in ways in which SQLite does not wait, or waits in vain: so it never does here,
   and is asked again. */
static bool execute(struct state *s, const char *sql, int *number)
{
	struct timespec shortly = {0, 5000000 + getpid() % 8 * 1000000};
	for (int64_t start = when_now_ms();; nanosleep(&shortly, NULL)) {
		int result = sqlite3_exec(s->db, sql, number ? take_number : NULL, number, NULL);
		if (result == SQLITE_OK)
			return true;
		if ((result & 0xff) != SQLITE_BUSY || when_now_ms() - start > s->busy_ms)
			return false;
	}
}

/* The schema's version; -1: it cannot be read. */
static int version(struct state *s)
{
	int n = -1;
	execute(s, "PRAGMA user_version", &n);
	return n;
}

/* The file is a newer program's; false. */
static bool newer(struct state_failure *why, const char *path, int found)
{
	return cannot(why, EX_DATAERR,
		"the state file %s is of version %d; this program knows up to %d: use the newer pnow", path, found,
		VERSION);
}

/* Brings the schema up to date, in one transaction, whoever comes first. */
static bool migrate(struct state *s, struct state_failure *why)
{
	if (version(s) == VERSION)
		return true;
	if (!execute(s, "BEGIN IMMEDIATE", NULL))
		return unusable(s, why);
	int from = version(s);
	if (from > VERSION)
		return newer(why, s->path, from);
	bool done = from >= 0;
	for (size_t i = 0; done && i < COUNT(steps); i++)
		done = steps[i].version <= from || execute(s, steps[i].sql, NULL);
	char set[40];
	sqlite3_snprintf(sizeof set, set, "PRAGMA user_version=%d", VERSION);
	return (done && execute(s, set, NULL) && execute(s, "COMMIT", NULL)) || unusable(s, why);
}

/* SQLite gives its files the mode of the database, so that is made first, and never readable by others. One
   that is as it should be is left alone: to close it would free the locks that another connection of this
   process has on it. */
static bool create(const char *path, struct state_failure *why)
{
	struct stat st;
	if (access(path, R_OK | W_OK) == 0 && stat(path, &st) == 0 && !(st.st_mode & 077))
		return true;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return cannot(why, errno == ENOENT ? EX_CONFIG : EX_CANTCREAT, "cannot open the state file %s: %s",
			path, strerror(errno));
	bool private = fstat(fd, &st) < 0 || !(st.st_mode & 077) || fchmod(fd, 0600) == 0;
	int problem = errno;
	close(fd);
	return private ||
		   cannot(why, EX_CANTCREAT, "cannot make the state file %s private: %s", path, strerror(problem));
}

/* Waits a moment for another process's lock. The waits of SQLite's own handler grow to a tenth of a second,
 * which is many commits of others. */
static int wait_for_lock(void *context, int waited)
{
	struct state *s = context;
	int64_t now = when_now_ms();
	if (waited == 0 || now < s->busy_since) /* the clock may have been set back */
		s->busy_since = now;
	if (now - s->busy_since >= (s->hurries ? HURRY_MS : s->busy_ms))
		return 0;
	if (!s->waits)
		wakeup_wait(&s->wakeup, s->path, true);
	s->waits = true;
	struct timespec moment = {.tv_nsec = waited < 100 ? 500000 : 2000000};
	nanosleep(&moment, NULL);
	return 1;
}

/* We have the lock, or have given up. */
static void end_wait(struct state *s)
{
	if (s->waits)
		wakeup_wait(&s->wakeup, s->path, false);
	s->waits = false;
}

/* What every connection is set to. A program that is confined may have no folder for what is sorted. In a
   large file each event changes some pages of which no other is: a transaction of many has room in memory for
   its own (8 MB), and the log gathers what many have changed (16 MB, look_at_log). Where a log was longer
   than it becomes when two write (ENDLESS_LOG), its file is cut. */
static const char *const modes[] = {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
	"PRAGMA secure_delete=ON", "PRAGMA temp_store=MEMORY", "PRAGMA cache_size=-8000",
	"PRAGMA journal_size_limit=40000000"};

/* Moves what is in the log into the file, while others write. A log that was always written meanwhile would
   grow for ever: what came while it was moved is moved while nobody writes, so that the log begins anew. */
static void move_log(struct state *s)
{
	int pages = 0, moved = 0;
	if (sqlite3_wal_checkpoint_v2(s->db, "main", SQLITE_CHECKPOINT_PASSIVE, &pages, &moved) != SQLITE_OK)
		return; /* somebody else does it */
	s->moved = moved;
	if (moved == pages || pages < ENDLESS_LOG)
		return;
	s->hurries = true;
	sqlite3_wal_checkpoint_v2(s->db, "main", SQLITE_CHECKPOINT_RESTART, NULL, NULL);
	s->hurries = false;
	end_wait(s);
}

/* After a commit, with the log's length. */
static int look_at_log(void *context, sqlite3 *db, const char *name, int pages)
{
	struct state *s = context;
	(void)name;
	if (s->leaves_log && pages >= SHORT_LOG) /* it is moved when we close if we are alone then */
		sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	s->log = pages;
	if (pages < s->moved) /* it has begun anew */
		s->moved = 0;
	if (pages - s->moved >= (s->leaves_log ? LONG_LOG : FULL_LOG))
		move_log(s);
	return SQLITE_OK;
}

/* Opens the file, whose struct is there. */
static bool open_file(struct state *s, struct state_failure *why)
{
	if (!create(s->path, why))
		return false;
	if (sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return unusable(s, why);
	if (version(s) == 0 && !execute(s, IN_PIECES, NULL))
		return unusable(s, why);
	for (size_t i = 0; i < COUNT(modes); i++)
		if (!execute(s, modes[i], NULL))
			return unusable(s, why);
	if (!migrate(s, why))
		return false;
	sqlite3_busy_handler(s->db, wait_for_lock, s);
	sqlite3_wal_hook(s->db, look_at_log, s);
	return true;
}

/* Nobody asks SQLite how much memory it has: to count it takes a lock at each piece. */
static void set_up(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static struct state *state_new(const char *path, int busy_ms)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, set_up);
	struct state *s = allocated(calloc(1, sizeof *s));
	s->path = path;
	s->busy_ms = busy_ms;
	s->wakeup = -1;
	pthread_mutexattr_t recursive;
	pthread_mutexattr_init(&recursive);
	pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&s->lock, &recursive);
	pthread_mutexattr_destroy(&recursive);
	return s;
}

struct state *state_try(const char *path, int busy_ms, struct state_failure *why)
{
	struct state *s = state_new(path, busy_ms);
	if (open_file(s, why))
		return s;
	state_close(s);
	return NULL;
}

int64_t state_room(const char *path)
{
	char folder[PATH_MAX] = ".";
	struct statvfs fs;
	const char *slash = strrchr(path, '/');
	if (slash)
		snprintf(folder, sizeof folder, "%.*s/", (int)(slash - path), path);
	return statvfs(folder, &fs) < 0 ? -1 : (int64_t)((uint64_t)fs.f_bavail * fs.f_frsize / (1024 * 1024));
}

struct state *state_open(const char *path)
{
	struct state_failure why = {0};
	struct state *s = state_try(path, BUSY_MS, &why);
	if (!s)
		errx(why.status, "%s", why.why);
	return s;
}

/* Waits until the original is of this program's version: another process may bring it up to date just now. */
static bool wait_for_version(struct state *s, struct state_failure *why)
{
	int found = 0;
	for (int64_t start = when_now_ms(); execute(s, "PRAGMA original.user_version", &found);) {
		if (found == VERSION)
			return true;
		if (found > VERSION)
			return newer(why, s->path, found);
		if (when_now_ms() - start > OLDER_MS)
			return cannot(why, EX_TEMPFAIL,
				"the state file %s is of version %d, an older pnow's: whatever runs without -n, such as "
				"pnow-inbox stat, brings it up to date",
				s->path, found);
		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	}
	return unusable(s, why);
}

/* Finds the file at path, where it is there. */
static bool attach_original(struct state *s, struct state_failure *why)
{
	struct stat st;
	s->has_original = stat(s->path, &st) == 0 && st.st_size > 0;
	if (!s->has_original)
		return true;
	struct buf sql = {0};
	buf_puts(&sql, "ATTACH 'file:");
	for (const char *c = s->path; *c; c++)
		buf_printf(&sql, strchr("%?#'", *c) ? "%%%02x" : "%c", (unsigned char)*c);
	buf_puts(&sql, "?mode=ro' AS original");
	buf_putc(&sql, '\0');
	bool done = execute(s, sql.p, NULL);
	buf_free(&sql);
	return done ? wait_for_version(s, why) : unusable(s, why);
}

/* A new file that only this process sees. */
static bool open_unseen(struct state *s, struct state_failure *why)
{
	static const char *const unseen[] = {"PRAGMA main.locking_mode=EXCLUSIVE", "PRAGMA journal_mode=MEMORY",
		"PRAGMA synchronous=OFF", "PRAGMA temp_store=MEMORY", "PRAGMA cache_size=-8000"};
	char path[4096];
	const char *folder = getenv("TMPDIR");
	snprintf(path, sizeof path, "%s/pnow.XXXXXX", folder ? folder : "/tmp");
	int fd = mkstemp(path);
	if (fd < 0)
		return cannot(why, EX_CANTCREAT, "cannot make the file %s: %s", path, strerror(errno));
	close(fd);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
	bool done = sqlite3_open_v2(path, &s->db, flags, NULL) == SQLITE_OK;
	unlink(path);
	for (size_t i = 0; done && i < COUNT(unseen); i++)
		done = execute(s, unseen[i], NULL);
	return done ? migrate(s, why) : unusable(s, why);
}

struct state *state_rehearse(const char *path)
{
	struct state_failure why = {0};
	struct state *s = state_new(path, BUSY_MS);
	s->unseen = true;
	if (!open_unseen(s, &why) || !attach_original(s, &why))
		errx(why.status, "%s", why.why);
	return s;
}

bool state_has_original(const struct state *s)
{
	return s->has_original;
}

void state_leave_log(struct state *s)
{
	s->leaves_log = true;
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

void state_write_much(struct state *s)
{
	state_do(s, "PRAGMA cache_size=-64000", "");
}

void state_close(struct state *s)
{
	if (!s)
		return;
	while (s->prepared) {
		struct statement *next = s->prepared->next;
		sqlite3_finalize(s->prepared->prepared);
		free(s->prepared);
		s->prepared = next;
	}
	sqlite3_close(s->db);
	if (s->wakeup >= 0)
		close(s->wakeup);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Says what is wrong with the file, once: what follows from it is in the records. Always true. */
static bool failed(struct state *s)
{
	trouble_is(&s->trouble, "state file %s: %s", s->path, sqlite3_errmsg(s->db));
	return true;
}

/* The statement as SQLite understands it: list(?2) is the rows of a JSON list. */
static sqlite3_stmt *translate(struct state *s, const char *sql)
{
	static const char list[] = " list(";
	struct buf text = {0};
	sqlite3_stmt *prepared = NULL;
	for (const char *at; (at = strstr(sql, list)); sql = at + 1) {
		buf_add(&text, (struct str){sql, (size_t)(at - sql)});
		at += sizeof list - 1;
		sql = at;
		at += strcspn(at, ")");
		buf_printf(&text, " (SELECT value FROM json_each(%.*s))", (int)(at - sql), sql);
	}
	buf_puts(&text, sql);
	int result = sqlite3_prepare_v3(s->db, text.p, (int)text.n, SQLITE_PREPARE_PERSISTENT, &prepared, NULL);
	buf_free(&text);
	return result == SQLITE_OK ? prepared : NULL;
}

/* The statement of this text that nobody runs; NULL: it cannot be prepared. */
static struct statement *prepare(struct state *s, const char *sql)
{
	struct statement *found = s->prepared;
	while (found && (found->sql != sql || found->runs))
		found = found->next;
	if (found)
		return found;
	sqlite3_stmt *prepared = translate(s, sql);
	if (!prepared)
		return NULL;
	found = allocated(calloc(1, sizeof *found));
	*found = (struct statement){.next = s->prepared, .sql = sql, .prepared = prepared};
	return s->prepared = found;
}

static void bind_text(sqlite3_stmt *statement, int i, const char *text)
{
	if (text)
		sqlite3_bind_text(statement, i, text, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(statement, i);
}

static void bind(sqlite3_stmt *statement, const char *types, va_list args)
{
	for (int i = 1; *types; types++, i++)
		if (*types == 'i')
			sqlite3_bind_int64(statement, i, va_arg(args, int64_t));
		else
			bind_text(statement, i, va_arg(args, const char *));
}

static struct state_rows query(struct state *s, const char *sql, const char *types, va_list args)
{
	pthread_mutex_lock(&s->lock);
	struct state_rows rows = {.state = s, .statement = prepare(s, sql)};
	if (rows.statement) {
		rows.statement->runs = true;
		bind(rows.statement->prepared, types, args);
	} else {
		rows.failed = failed(s);
	}
	return rows;
}

struct state_rows state_query(struct state *s, const char *sql, const char *types, ...)
{
	va_list args;
	va_start(args, types);
	struct state_rows rows = query(s, sql, types, args);
	va_end(args);
	return rows;
}

/* The statement can be run again. */
static void put_back(struct state_rows *rows)
{
	if (!rows->statement)
		return;
	sqlite3_reset(rows->statement->prepared);
	sqlite3_clear_bindings(rows->statement->prepared);
	rows->statement->runs = false;
	rows->statement = NULL;
}

bool state_next(struct state_rows *rows)
{
	struct state *s = rows->state;
	int step = rows->statement ? sqlite3_step(rows->statement->prepared) : SQLITE_DONE;
	end_wait(s);
	if (step == SQLITE_ROW)
		return true;
	if (step != SQLITE_DONE)
		rows->failed = failed(s);
	put_back(rows);
	return false;
}

const char *state_text(const struct state_rows *rows, int column)
{
	return (const char *)sqlite3_column_text(rows->statement->prepared, column);
}

const char *state_copy(const struct state_rows *rows, struct arena *a, int column)
{
	const char *text = state_text(rows, column);
	return text ? arena_copy(a, str_of(text)) : NULL;
}

bool state_done(struct state_rows *rows)
{
	put_back(rows);
	pthread_mutex_unlock(&rows->state->lock);
	return !rows->failed;
}

int64_t state_number(const char *text)
{
	return str_number(text);
}

/* Ends a query of which only the first row is of interest. A statement that gave a row may do its work in
   the step after it (RETURNING), and fail there. */
static enum state_result end(struct state_rows *rows, enum state_result result)
{
	while (state_next(rows))
		continue;
	return state_done(rows) ? result : STATE_FAILED;
}

bool state_do(struct state *s, const char *sql, const char *types, ...)
{
	va_list args;
	va_start(args, types);
	struct state_rows rows = query(s, sql, types, args);
	va_end(args);
	return end(&rows, STATE_NONE) != STATE_FAILED;
}

bool state_do_texts(struct state *s, const char *sql, const char *const *texts)
{
	struct state_rows rows = state_query(s, sql, "");
	int n = rows.statement ? sqlite3_bind_parameter_count(rows.statement->prepared) : 0;
	for (int i = 0; i < n; i++)
		bind_text(rows.statement->prepared, i + 1, texts[i]);
	return end(&rows, STATE_NONE) != STATE_FAILED;
}

/* Whether commits wait for the disk, from now on; the lock is held. Within a transaction nothing changes: its
   commit does as it began. The pragma works when it is prepared, so that it cannot be kept as statements are.
 */
static void set_unflushed(struct state *s, bool unflushed)
{
	if (s->unseen || s->unflushed == unflushed || !sqlite3_get_autocommit(s->db))
		return;
	const char *set = unflushed ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL";
	if (sqlite3_exec(s->db, set, NULL, NULL, NULL) == SQLITE_OK)
		s->unflushed = unflushed;
}

bool state_do_unflushed(struct state *s, const char *sql, const char *types, ...)
{
	va_list args;
	va_start(args, types);
	pthread_mutex_lock(&s->lock);
	set_unflushed(s, true);
	struct state_rows rows = query(s, sql, types, args);
	va_end(args);
	bool done = end(&rows, STATE_NONE) != STATE_FAILED;
	set_unflushed(s, false);
	pthread_mutex_unlock(&s->lock);
	return done;
}

int64_t state_changed(struct state *s)
{
	return sqlite3_changes(s->db);
}

int64_t state_added(struct state *s)
{
	return sqlite3_last_insert_rowid(s->db);
}

enum state_result state_run(
	struct state *s, struct arena *a, const char **columns, const char *sql, const char *types, ...)
{
	va_list args;
	va_start(args, types);
	struct state_rows rows = query(s, sql, types, args);
	va_end(args);
	if (!state_next(&rows))
		return end(&rows, STATE_NONE);
	for (int i = 0; i < sqlite3_column_count(rows.statement->prepared); i++)
		columns[i] = state_copy(&rows, a, i);
	return end(&rows, STATE_ROW);
}

enum state_result state_int(struct state *s, int64_t *n, const char *sql, const char *types, ...)
{
	va_list args;
	va_start(args, types);
	struct state_rows rows = query(s, sql, types, args);
	va_end(args);
	if (!state_next(&rows))
		return end(&rows, STATE_NONE);
	const char *text = state_text(&rows, 0);
	if (text)
		*n = state_number(text);
	return end(&rows, STATE_ROW);
}

int64_t state_version(struct state *s)
{
	int64_t n = -1;
	state_int(s, &n, "PRAGMA data_version", "");
	return n;
}

int state_schema(struct state *s)
{
	int64_t n = -1;
	state_int(s, &n, "PRAGMA user_version", "");
	return (int)n;
}

static bool begin(struct state *s, const char *sql, bool unflushed)
{
	pthread_mutex_lock(&s->lock);
	set_unflushed(s, unflushed);
	if (state_do(s, sql, "")) {
		s->since = when_now_ms();
		return true;
	}
	set_unflushed(s, false);
	pthread_mutex_unlock(&s->lock);
	return false;
}

bool state_begin(struct state *s)
{
	return begin(s, "BEGIN IMMEDIATE", false);
}

bool state_begin_unflushed(struct state *s)
{
	return begin(s, "BEGIN IMMEDIATE", true);
}

bool state_begin_reading(struct state *s)
{
	return begin(s, "BEGIN", false);
}

bool state_end(struct state *s, bool commit)
{
	bool ended = commit && (!s->before_end || s->before_end(s, s->n)) && state_do(s, "COMMIT", "");
	if (ended)
		trouble_over(&s->trouble, "state file %s: works again", s->path);
	else if (!sqlite3_get_autocommit(s->db)) /* a full disk may have ended the transaction already */
		state_do(s, "ROLLBACK", "");
	set_unflushed(s, false);
	if (ended && s->wakes)
		wakeup_send(&s->wakeup, s->path);
	s->wakes = false;
	s->before_end = NULL;
	pthread_mutex_unlock(&s->lock);
	return ended;
}

void state_before_end(struct state *s, bool (*work)(struct state *s, int64_t n), int64_t n)
{
	if (!s->before_end)
		s->n = n;
	s->before_end = work;
}

void state_wake(struct state *s)
{
	pthread_mutex_lock(&s->lock);
	if (sqlite3_get_autocommit(s->db))
		wakeup_send(&s->wakeup, s->path);
	else
		s->wakes = true;
	pthread_mutex_unlock(&s->lock);
}

bool state_is_awaited(struct state *s)
{
	return when_now_ms() - s->since >= TURN_MS && wakeup_is_awaited(&s->wakeup, s->path);
}

void state_let_others(struct state *s)
{
	pthread_mutex_lock(&s->lock);
	bool awaited = wakeup_is_awaited(&s->wakeup, s->path);
	int64_t now = when_now_ms(), waited = now - s->since;
	int64_t until = now + 1 + (waited < ASIDE_MS / 2 ? 2 * waited : ASIDE_MS);
	if (s->log - s->moved >= LONG_LOG) /* or one of the others would have to, and its sender would wait */
		move_log(s);
	now = when_now_ms();
	s->since = awaited && now < until ? until : now;
	int64_t ms = s->since - now;
	pthread_mutex_unlock(&s->lock);
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* Moves the log into the file and empties it. Does not wait for readers of it with the lock that writers
   need, but comes again. */
static bool empty_log(struct state *s)
{
	int64_t left = 1; /* whether something of the log is */
	bool asked = state_do(s, "PRAGMA wal_checkpoint(PASSIVE)", "");
	sqlite3_busy_handler(s->db, NULL, NULL);
	for (int64_t start = when_now_ms(); asked; nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL)) {
		asked = state_int(s, &left, "PRAGMA wal_checkpoint(TRUNCATE)", "") == STATE_ROW;
		if (!left || when_now_ms() - start > s->busy_ms)
			break;
	}
	sqlite3_busy_handler(s->db, wait_for_lock, s);
	return asked && !left;
}

bool state_scrub(struct state *s)
{
	pthread_mutex_lock(&s->lock);
	bool done = execute(s, IN_PIECES, NULL) && execute(s, "PRAGMA temp_store=FILE", NULL) &&
				state_do(s, "VACUUM", "");
	done = execute(s, "PRAGMA temp_store=MEMORY", NULL) && done && empty_log(s);
	pthread_mutex_unlock(&s->lock);
	return done;
}

bool state_give_back(struct state *s)
{
	static const char free_pages[] = "PRAGMA freelist_count";
	int64_t mode = 0, left = 0, before = INT64_MAX;
	bool done = state_int(s, &mode, "PRAGMA auto_vacuum", "") == STATE_ROW &&
				state_int(s, &left, free_pages, "") == STATE_ROW;
	if (done && !mode)
		return state_scrub(s);
	for (; done && left && left < before; state_let_others(s)) {
		before = left;
		done = state_begin(s) && state_end(s, state_do(s, "PRAGMA incremental_vacuum(200)", "")) &&
			   state_int(s, &left, free_pages, "") == STATE_ROW;
	}
	return done && empty_log(s);
}

bool state_can_write(struct state *s)
{
	if (!state_begin(s))
		return false;
	bool done = state_do(s, "INSERT INTO quota(api,day,used) VALUES('','',0)", "") &&
				state_do(s, "DELETE FROM quota WHERE api=''", "");
	return state_end(s, done) && done;
}

const char *state_trouble(const struct state *s)
{
	return s->trouble.said;
}

bool state_has_moved(struct state *s)
{
	int moved = 0;
	pthread_mutex_lock(&s->lock);
	bool known = sqlite3_file_control(s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK;
	pthread_mutex_unlock(&s->lock);
	return known && moved;
}
