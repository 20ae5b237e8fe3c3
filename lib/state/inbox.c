/*
 * One row for each event. What may be fed is a question to the database, so any number of runs can share the
 * work: a claim is one transaction, and a run that dies is told from one that lives by the lock it held.
 * A transaction of many events writes many pages: on a disk that fails one write in fifty it never comes to
 * its end. So where one fails, half as many are tried, down to a single event.
 */
#include "state/inbox.h"
#include "conf/webhook.h"
#include "state/told.h"
#include "text/buf.h"
#include "value/when.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
	RELEASE_AT_ONCE = 1024,
	TOGETHER = 64 /* that one statement adds, or settles */
};

void inbox_describe(struct arena *a, const struct profile *profile, struct inbox_event *event)
{
	struct webhook w = webhook_read_line(a, profile, event->line);
	event->type = w.type;
	event->patient = w.patient;
	event->subject = w.subject;
}

/* The line with another id in it. */
static const char *with_id(struct arena *a, struct str line, const char *id)
{
	struct str was = jtext_get(line, "id");
	struct buf out = {0};
	size_t before = was.p ? (size_t)(was.p - line.p) : 1;
	buf_add(&out, (struct str){line.p, before});
	if (!was.p)
		buf_puts(&out, "\"id\":");
	buf_json(&out, str_of(id));
	if (!was.p)
		buf_putc(&out, ',');
	buf_add(&out, (struct str){line.p + before + was.n, line.n - before - was.n});
	const char *text = buf_take(&out, a).p;
	return text;
}

/* Whether an event of this type came from the CRM. Each sender has its own delivery ids. */
static bool from_crm(const char *type)
{
	return event_type_of(type) == EVENT_CONTACT_TAGGED;
}

/* Whether an event that has the id is this one. A claim moves due: one that was begun and given back does not
   take another in. False where that cannot be told, too, with *failed set. */
static bool is_known(
	struct state *s, struct arena *a, const struct inbox_event *e, const char *id, bool *failed)
{
	const char *columns[2] = {0};
	*failed = state_run(s, a, columns, "SELECT type, state='waiting' AND due<=received FROM inbox WHERE id=?",
				  "t", id) != STATE_ROW;
	return !*failed && (e->delivery_id || state_number(columns[1])) &&
		   from_crm(columns[0]) == from_crm(e->type);
}

/* The patient's id, where the subject does not tell it. */
static const char *named_patient(const struct inbox_event *e)
{
	return e->patient && e->subject && strcmp(e->patient, e->subject) == 0 ? NULL : e->patient;
}

/* When an event is due: as soon as it is there, also where it was received by another's clock. */
static int64_t due_of(const struct inbox_event *e)
{
	int64_t now = when_now_ms();
	return e->received < now ? e->received : now;
}

/* What a transaction adds. */
struct added {
	bool begun;
	bool failed;                 /* the transaction may be over by that: nothing more is added */
	int64_t key;                 /* of the last body */
	int64_t counts[EVENT_TYPES]; /* of the events, by type */
};

/* Counts so many events of a type that wait. */
static bool count(struct state *s, const char *type, int64_t n)
{
	return state_do(s,
		"INSERT INTO event_count VALUES('waiting',?,?)"
		"  ON CONFLICT(state,type) DO UPDATE SET n=event_count.n+excluded.n",
		"ti", type, n);
}

/* state_before_end: counts the events of the known types. */
static bool count_added(struct state *s, void *context)
{
	const struct added *added = context;
	bool done = !added->failed;
	for (size_t i = 0; done && i < EVENT_TYPES; i++)
		done = !added->counts[i] || count(s, event_type_name((enum event_type)i), added->counts[i]);
	return done;
}

/* What the transaction that runs adds, one by one; no body is added otherwise from the first one on. */
static struct added *added_in(struct state *s)
{
	struct added *added = state_before_end(s, count_added, sizeof *added);
	if (!added->begun)
		added->failed =
			state_int(s, &added->key, "SELECT key FROM body ORDER BY key DESC LIMIT 1", "") == STATE_FAILED;
	added->begun = true;
	return added;
}

/* Adds the event's row, with the key that its body will get; STATE_NONE: there is one of that id. Its seq is
   the last one: RETURNING would tell it, too, and make this twice as dear in SQLite. */
static enum state_result add_row(struct state *s, const struct inbox_event *e, const char *id, int64_t key)
{
	bool done = state_do(s,
		"INSERT INTO inbox(id,type,patient,subject,queue,state,due,received,body)"
		"  VALUES(?1,?2,?3,?4,coalesce((SELECT survivor FROM merged WHERE patient=?5),?5),'waiting',?6,?7,?8)"
		"  ON CONFLICT(id) DO NOTHING",
		"tttttiii", id, e->type, named_patient(e), e->subject, e->patient, due_of(e), e->received, key);
	int64_t n = done ? state_changed(s) : -1;
	return n < 0 ? STATE_FAILED : n ? STATE_ROW : STATE_NONE;
}

/* Adds the body of the row that was added last, and counts the event. */
static bool add_body(struct state *s, struct added *added, const struct inbox_event *e, const char *text)
{
	enum event_type type = event_type_of(e->type);
	if (!state_do(s,
			"INSERT INTO body(key,seq,text) VALUES(?,(SELECT seq FROM inbox ORDER BY seq DESC LIMIT 1),?)",
			"it", ++added->key, text))
		return false;
	if (type == EVENT_UNKNOWN)
		return count(s, e->type ? e->type : "", 1);
	added->counts[type]++;
	return true;
}

/* The event's line as it is kept, with the id that it is kept under. */
static const char *line_of(struct arena *a, const struct inbox_event *e, const char *id)
{
	struct str given = jtext_get(e->line, "id");
	bool same = given.n == strlen(id) + 2 && memcmp(given.p + 1, id, given.n - 2) == 0;
	return same ? arena_copy(a, e->line) : with_id(a, e->line, id);
}

/* Adds an event, under its id or another. */
static enum inbox_added add(
	struct state *s, struct arena *a, const struct inbox_event *e, struct added *added, const char **id)
{
	enum state_result row;
	bool failed = false;
	*id = e->id;
	for (unsigned n = 2; (row = add_row(s, e, *id, added->key + 1)) == STATE_NONE; n++) {
		if (is_known(s, a, e, *id, &failed))
			return INBOX_KNOWN;
		if (failed)
			return INBOX_FAILED;
		*id = arena_printf(a, "%s-%u", e->id, n);
	}
	bool done = row == STATE_ROW && add_body(s, added, e, line_of(a, e, *id));
	return done ? INBOX_STORED : INBOX_FAILED;
}

enum inbox_added inbox_add(struct state *s, struct arena *a, const struct inbox_event *e, const char **id)
{
	struct added *added = added_in(s);
	enum inbox_added result = added->failed ? INBOX_FAILED : add(s, a, e, added, id);
	added->failed |= result == INBOX_FAILED;
	if (result == INBOX_STORED)
		state_wake(s);
	return result;
}

/* An event as adds_all reads it. */
static void put_event(struct buf *out, const struct inbox_adding *adding, size_t place)
{
	const struct inbox_event *e = &adding->event;
	struct arena a = {0};
	buf_printf(out, "%c{\"place\":%zu,\"due\":%" PRId64 ",\"received\":%" PRId64, place == 1 ? '[' : ',',
		place, due_of(e), e->received);
	buf_member(out, "id", e->id);
	buf_member(out, "type", e->type);
	buf_member(out, "patient", named_patient(e));
	buf_member(out, "subject", e->subject);
	buf_member(out, "queue", e->patient);
	buf_member(out, "line", line_of(&a, e, e->id));
	buf_putc(out, '}');
	arena_free(&a);
}

/* PostgreSQL's: adds those whose id nobody has, with their bodies, and counts them; it gives their ids. At
   once they cost the server half of what they do one by one, and nobody waits in between. */
static const char adds_all[] =
	"WITH given AS (SELECT * FROM json_to_recordset(?::json) AS g(place BIGINT, id TEXT, type TEXT,"
	"    patient TEXT, subject TEXT, queue TEXT, due BIGINT, received BIGINT, line TEXT)),"
	"  last AS (SELECT coalesce((SELECT key FROM body ORDER BY key DESC LIMIT 1),0) AS key),"
	"  added AS (INSERT INTO inbox(id,type,patient,subject,queue,state,due,received,body)"
	"    SELECT id, type, patient, subject, coalesce((SELECT survivor FROM merged AS m WHERE m.patient=queue),"
	"      queue), 'waiting', due, received, key+place FROM given, last ORDER BY place"
	"    ON CONFLICT(id) DO NOTHING RETURNING seq, id, type),"
	"  bodies AS (INSERT INTO body(key,seq,text) SELECT key+place, seq, line"
	"    FROM last, added JOIN given USING(id)),"
	"  counted AS (INSERT INTO event_count SELECT 'waiting', coalesce(type,''), count(*) FROM added GROUP BY 2"
	"    ON CONFLICT(state,type) DO UPDATE SET n=event_count.n+excluded.n)"
	" SELECT id FROM added";

/* Whether an event before it has its id. */
static bool is_second(struct inbox_adding *const *all, size_t n)
{
	size_t i = 0;
	while (i < n && strcmp(all[i]->event.id, all[n]->event.id) != 0)
		i++;
	return i < n;
}

/* Adds what can be added at once, and notes the ids of that. */
static bool add_at_once(struct state *s, struct inbox_adding *const *all, size_t n)
{
	struct arena a = {0};
	struct buf given = {0};
	for (size_t i = 0, place = 0; i < n; i++)
		if (!is_second(all, i))
			put_event(&given, all[i], ++place);
	buf_puts(&given, "]");
	struct state_rows added = state_query(s, adds_all, "t", buf_take(&given, &a).p);
	size_t i = 0;
	while (state_next(&added)) { /* in the order of their places */
		while (i < n && strcmp(all[i]->event.id, state_text(&added, 0)) != 0)
			i++;
		if (i < n)
			all[i]->id = all[i]->event.id;
		i++;
	}
	if (i)
		state_wake(s);
	bool done = state_done(&added);
	arena_free(&a);
	return done;
}

bool inbox_add_all(struct state *s, struct inbox_adding *const *all, size_t n)
{
	bool done = true;
	for (size_t i = 0; i < n; i++)
		all[i]->id = NULL;
	for (size_t i = 0; done && state_is_far(s) && i < n; i += TOGETHER)
		done = add_at_once(s, all + i, n - i < TOGETHER ? n - i : TOGETHER);
	for (size_t i = 0; done && i < n; i++)
		done = all[i]->id || inbox_add(s, all[i]->arena, &all[i]->event, &all[i]->id) != INBOX_FAILED;
	return done;
}

bool inbox_count_all(struct state *s)
{
	return state_do(s,
			   "INSERT INTO event_count SELECT state, coalesce(type,''), count(*) FROM inbox GROUP BY 1, 2"
			   "  ON CONFLICT(state,type) DO UPDATE SET n=event_count.n+excluded.n",
			   "") &&
		   state_do(s,
			   "UPDATE wait_count AS w SET n=g.n, ms=g.ms FROM"
			   "  (SELECT (SELECT min(le) FROM wait_count WHERE le>=settled-received) AS le, count(*) AS n,"
			   "    sum(CASE WHEN settled>received THEN settled-received ELSE 0 END) AS ms"
			   "    FROM inbox WHERE settled IS NOT NULL GROUP BY 1) AS g"
			   "  WHERE g.le=w.le",
			   "");
}

/* Which events a run may have now (?1), of its types (?2): none of whose queue one runs, whatever its place
   there (an earlier one may wait again, or have come from elsewhere), and none before which one waits. */
#define CLAIMABLE                                                                                            \
	"state='waiting' AND due<=?1 AND (?2='[]' OR coalesce(type,'') IN list(?2))"                             \
	"  AND (queue IS NULL OR (queue NOT IN (SELECT queue FROM inbox INDEXED BY inbox_running"                \
	"      WHERE state='running' AND queue IS NOT NULL)"                                                     \
	"    AND NOT EXISTS (SELECT 1 FROM inbox AS o WHERE o.queue=i.queue AND o.seq<i.seq"                     \
	"      AND o.state IN ('waiting','running'))))"

/* Marks up to limit events that are due as the run's, in one transaction. */
static bool claim_some(
	struct state *s, struct arena *a, struct inbox_claim *c, const char *run, const char *types, size_t limit)
{
	int64_t now = when_now_ms(), first = INT64_MAX, last = 0;
	struct buf seqs = {0};
	buf_putc(&seqs, '[');
	struct state_rows due = state_query(s,
		"SELECT id, text, i.seq FROM inbox AS i JOIN body ON key=body WHERE " CLAIMABLE
		"  ORDER BY due, i.seq LIMIT ?3",
		"iti", now, types, (int64_t)limit);
	for (c->n = 0; state_next(&due); c->n++) {
		c->at[c->n] = (struct inbox_claimed){state_copy(&due, a, 0), state_copy(&due, a, 1)};
		buf_printf(&seqs, "%s\"%s\"", c->n ? "," : "", state_text(&due, 2));
		int64_t seq = state_number(state_text(&due, 2));
		first = seq < first ? seq : first;
		last = seq > last ? seq : last;
	}
	buf_puts(&seqs, "]");
	bool done = state_done(&due);
	if (done && c->n == 1)
		done =
			state_do(s, "UPDATE inbox SET state='running', run=?, due=? WHERE seq=?", "tii", run, now, first);
	else if (done && c->n) /* without statistics an engine might not look by their seqs alone */
		done = state_do(s,
			"UPDATE inbox SET state='running', run=?1, due=?2 WHERE seq>=?4 AND seq<=?5 AND seq IN"
			"  (SELECT CAST(value AS BIGINT) FROM list(?3) AS given)",
			"titii", run, now, buf_take(&seqs, a).p, first, last);
	buf_free(&seqs);
	return state_end(s, done) && done;
}

bool inbox_claim(struct state *s, struct arena *a, const char *run, const char *types, size_t limit,
	struct inbox_claim *claim)
{
	*claim = (struct inbox_claim){.at = arena_alloc(a, (limit + 1) * sizeof *claim->at)};
	bool done = false;
	/* A power cut ends the run, too, so that its claims need not have been written. A database may end alone.
	 */
	bool (*begin)(struct state * s) = state_is_far(s) ? state_begin : state_begin_unflushed;
	for (; limit && !done && begin(s); limit /= 2)
		done = claim_some(s, a, claim, run, types, limit);
	return done;
}

/* When an event that failed is due again, after this many attempts; -1: never. */
static int64_t due_again(const struct conf *conf, const struct inbox_result *r, int64_t attempts)
{
	if (!r->retry || attempts > (int64_t)conf->retry_seconds_n)
		return -1;
	return when_now_ms() + conf->retry_seconds[attempts - 1] * 1000;
}

/* A count that a result tells. */
static int64_t count_in(struct arena *a, struct str result, const char *name)
{
	return state_number(jtext_scalar(a, jtext_get(result, name)));
}

/* Results that are settled together, at one moment. */
struct settling {
	struct state *state;
	const struct conf *conf;
	const char *run;
	int64_t now;
	struct told_tally told;
};

/* A result as it is kept: with "put_off":{"ms":3600000,"why":"paced"} where the event was put off, now for so
   many seconds, before with that result (or NULL). */
static const char *with_put_off(struct arena *a, struct str line, const char *before, int64_t seconds)
{
	struct str was = jtext_get(str_of(before), "put_off");
	struct str why = seconds ? jtext_get(jtext_get(line, "error"), "code") : jtext_get(was, "why");
	int64_t so_far = count_in(a, was, "ms"); /* a dump may say anything */
	int64_t ms = (so_far > 0 && so_far < INT64_MAX / 2 ? so_far : 0) + seconds * 1000;
	if (!ms || !why.p)
		return arena_copy(a, line);
	return arena_printf(a, "%.*s,\"put_off\":{\"ms\":%" PRId64 ",\"why\":%.*s}}", (int)line.n - 1, line.p, ms,
		(int)why.n, why.p);
}

/* Writes down what an attempt has come to; before is what put the event off until then, or NULL. */
static bool note_attempt(
	struct settling *g, int64_t seq, const struct inbox_result *r, const char *before, bool names_another)
{
	struct arena a = {0};
	bool done = state_do(g->state,
		"INSERT INTO attempt(event_seq,at,status,contact,patient,calls,patientnow_calls,result)"
		"  VALUES(?,?,?,?,?,?,?,?)",
		"iitttiit", seq, g->now, r->status, r->contact, names_another ? r->patient : NULL,
		count_in(&a, r->line, "calls"), count_in(&a, r->line, "patientnow_calls"),
		with_put_off(&a, r->line, before, 0));
	arena_free(&a);
	told_add(&g->told, r->status, r->line);
	return done;
}

/* Whether an event other than this one waits for such a failure. */
static bool another_waits_for(struct state *s, const char *failure, int64_t seq)
{
	int64_t found = 0;
	state_int(s, &found, "SELECT 1 FROM inbox WHERE failure=? AND seq<>? LIMIT 1", "ti", failure, seq);
	return found;
}

/* Compares the failure that an event waited for with the one that it waits for now; either may be NULL. */
static void compare_failures(
	struct state *s, int64_t seq, const char *before, const char *now, struct inbox_settled *settled)
{
	if (before && now && strcmp(before, now) == 0)
		return;
	settled->first = now && !another_waits_for(s, now, seq);
	settled->over = before && !another_waits_for(s, before, seq) ? before : NULL;
}

static bool settle(
	struct settling *g, struct arena *a, const struct inbox_result *r, struct inbox_settled *settled)
{
	const char *columns[5] = {0};
	struct state *s = g->state;
	int64_t now = g->now;
	enum state_result found = state_run(s, a, columns,
		"SELECT seq, attempts, patient, failure, put_off FROM inbox WHERE id=? AND run=?", "tt", r->id,
		g->run); /* only what runs has one */
	if (found != STATE_ROW)
		return found == STATE_NONE;
	bool failed = strcmp(r->status, "failed") == 0, put_off = failed && r->retry && r->retry_after > 0;
	int64_t seq = state_number(columns[0]), attempts = state_number(columns[1]) + !put_off;
	int64_t due = put_off ? now + r->retry_after * 1000 : failed ? due_again(g->conf, r, attempts) : -1;
	const char *failure = due >= 0 ? r->failure : NULL;
	settled->state = due >= 0 ? "waiting" : failed ? "dead" : r->status;
	settled->wait = due - now;
	compare_failures(s, seq, columns[3], failure, settled);
	bool done = state_do(s,
		"UPDATE inbox SET state=?1, attempts=?2, due=CASE WHEN ?3>=0 THEN ?3 ELSE due END, run=NULL,"
		"  settled=CASE WHEN ?3>=0 THEN NULL ELSE ?4 END, put_off=?5, failure=?6 WHERE seq=?7",
		"tiiitti", settled->state, attempts, due, now,
		put_off ? with_put_off(a, r->line, columns[4], r->retry_after) : NULL, failure, seq);
	if (done && r->patient && !columns[2]) /* apart, since it changes two indexes */
		done = state_do(
			s, "UPDATE inbox SET patient=?1, queue=coalesce(queue,?1) WHERE seq=?2", "ti", r->patient, seq);
	if (done && !put_off)
		done = note_attempt(
			g, seq, r, columns[4], r->patient && columns[2] && strcmp(r->patient, columns[2]) != 0);
	return done;
}

/* PostgreSQL's: settles for good what had not failed before, and writes its attempts down; it gives the
   places of what it has settled. */
static const char settles_all[] =
	"WITH given AS (SELECT * FROM json_to_recordset(?1::json) AS g(place BIGINT, id TEXT, status TEXT,"
	"    contact TEXT, patient TEXT, calls BIGINT, patientnow_calls BIGINT, result TEXT)),"
	"  settled AS (UPDATE inbox AS i SET state=g.status, attempts=i.attempts+1, run=NULL, settled=?2,"
	"      put_off=NULL, patient=coalesce(i.patient,g.patient),"
	"      queue=CASE WHEN i.patient IS NULL THEN coalesce(i.queue,g.patient) ELSE i.queue END"
	"    FROM given AS g WHERE i.id=g.id AND i.run=?3 AND i.state='running' AND i.failure IS NULL"
	"    RETURNING g.place, i.seq, i.patient AS kept),"
	"  noted AS (INSERT INTO attempt(event_seq,at,status,contact,patient,calls,patientnow_calls,result)"
	"    SELECT seq, ?2, status, contact, nullif(patient,kept), calls, patientnow_calls, result"
	"    FROM given JOIN settled USING(place) ORDER BY place)"
	" SELECT place FROM settled";

/* A result as settles_all reads it. */
static void put_result(struct buf *out, const struct inbox_result *r, size_t place)
{
	struct arena a = {0};
	buf_printf(out, "%c{\"place\":%zu,\"calls\":%" PRId64 ",\"patientnow_calls\":%" PRId64,
		out->n ? ',' : '[', place, count_in(&a, r->line, "calls"), count_in(&a, r->line, "patientnow_calls"));
	buf_member(out, "id", r->id);
	buf_member(out, "status", r->status);
	buf_member(out, "contact", r->contact);
	buf_member(out, "patient", r->patient);
	buf_member(out, "result", arena_copy(&a, r->line));
	buf_putc(out, '}');
	arena_free(&a);
}

/* Whether an event had a result before this one. */
static bool is_repeated(const struct inbox_result *results, size_t n)
{
	size_t i = 0;
	while (i < n && strcmp(results[i].id, results[n].id) != 0)
		i++;
	return i < n;
}

/* Settles what it can at once, of the results from first to last. */
static bool settle_at_once(struct settling *g, const struct inbox_result *results, size_t first, size_t last,
	struct inbox_settled *settled)
{
	struct arena a = {0};
	struct buf given = {0};
	for (size_t i = first; i < last; i++)
		if (strcmp(results[i].status, "failed") != 0 && !is_repeated(results, i))
			put_result(&given, &results[i], i);
	if (!given.n)
		return true;
	buf_puts(&given, "]");
	struct state_rows rows =
		state_query(g->state, settles_all, "tit", buf_take(&given, &a).p, g->now, g->run);
	while (state_next(&rows)) {
		size_t i = (size_t)state_number(state_text(&rows, 0));
		settled[i].state = results[i].status;
		told_add(&g->told, results[i].status, results[i].line);
	}
	bool done = state_done(&rows);
	arena_free(&a);
	return done;
}

/* Whether an event waits, or that cannot be told. Of a database it is not asked: that would cost more than it
   saves. */
static bool some_wait(struct state *s)
{
	int64_t found = state_is_far(s);
	return found ||
		   state_int(s, &found, "SELECT 1 FROM inbox WHERE state='waiting' LIMIT 1", "") == STATE_FAILED ||
		   found;
}

bool inbox_settle(struct state *s, struct arena *a, const struct conf *conf, const char *run,
	const struct inbox_result *results, size_t n, struct inbox_settled *settled, bool *waits)
{
	struct settling group = {.state = s, .conf = conf, .run = run, .now = when_now_ms()};
	bool done = true;
	memset(settled, 0, n * sizeof *settled);
	for (size_t i = 0; done && state_is_far(s) && i < n; i += TOGETHER)
		done = settle_at_once(&group, results, i, i + TOGETHER < n ? i + TOGETHER : n, settled);
	for (size_t i = 0; done && i < n; i++)
		done = settled[i].state || settle(&group, a, &results[i], &settled[i]);
	*waits = some_wait(s);
	if (*waits)
		state_wake(s); /* a patient's next event may be for another run */
	if (!done)
		group.told.n = 0; /* the transaction may be over: nothing more is written */
	return told_count(s, group.now, &group.told) && done;
}

bool inbox_is_failing(struct state *s, const char *types)
{
	int64_t found = 0;
	return state_int(s, &found,
			   "SELECT 1 FROM inbox WHERE failure IS NOT NULL AND (?1='[]' OR coalesce(type,'') IN list(?1))"
			   "  LIMIT 1",
			   "t", types) == STATE_FAILED ||
		   found;
}

struct state_rows inbox_unanswered(struct state *s, const char *run)
{
	return state_query(s, "SELECT id FROM inbox WHERE run=? AND state='running'", "t", run);
}

enum state_result inbox_in_flight(struct state *s, const char *run, int64_t *n)
{
	return state_int(s, n, "SELECT count(*) FROM inbox WHERE run=? AND state='running'", "t", run);
}

int64_t inbox_oldest_claim(struct state *s, const char *run)
{
	int64_t due = INT64_MAX;
	state_int(s, &due, "SELECT min(due) FROM inbox WHERE run=? AND state='running'", "t", run);
	return due;
}

/* Up to limit events of a run wait again, in one transaction; *more: there may be others. */
static bool release_some(struct state *s, const char *run, int64_t limit, bool *more)
{
	bool done = state_do(s,
		"UPDATE inbox SET state='waiting', run=NULL WHERE seq IN"
		"  (SELECT seq FROM inbox WHERE run=? AND state='running' LIMIT ?)",
		"ti", run, limit);
	int64_t released = state_changed(s);
	if (released)
		state_wake(s);
	done = state_end(s, done) && done;
	*more = !done || released == limit;
	return done;
}

bool inbox_release(struct state *s, const char *run)
{
	bool more = true;
	for (int64_t limit = RELEASE_AT_ONCE; more && limit && state_begin(s);)
		if (!release_some(s, run, limit, &more))
			limit /= 2;
	return !more;
}

bool inbox_recover(struct state *s, struct locks *locks, const char *self, bool *doubtful)
{
	struct arena a = {0};
	const char *dead[64];
	size_t n = 0;
	struct state_rows runs = state_query(s, "SELECT DISTINCT run FROM inbox WHERE state='running'", "");
	*doubtful = false;
	while (n < COUNT(dead) && state_next(&runs)) {
		const char *run = state_text(&runs, 0);
		enum lock_owner owner = strcmp(run, self) == 0 ? LOCK_OWNER_LIVES : lock_owner(locks, LOCK_RUN, run);
		*doubtful |= owner == LOCK_OWNER_DOUBTFUL;
		if (owner == LOCK_OWNER_DEAD)
			dead[n++] = state_copy(&runs, &a, 0);
	}
	bool done = state_done(&runs);
	while (done && n)
		done = inbox_release(s, dead[--n]);
	arena_free(&a);
	return done;
}

bool inbox_is_due(struct state *s, const char *types)
{
	int64_t found = 0;
	state_int(s, &found, "SELECT 1 FROM inbox AS i WHERE " CLAIMABLE " LIMIT 1", "it", when_now_ms(), types);
	return found;
}

bool inbox_has_due(struct state *s)
{
	int64_t found = 0;
	state_int(s, &found, "SELECT 1 FROM inbox WHERE state='waiting' AND due<=? LIMIT 1", "i", when_now_ms());
	return found;
}

bool inbox_is_running(struct state *s)
{
	int64_t found = 0;
	return state_int(s, &found, "SELECT 1 FROM inbox WHERE state='running' LIMIT 1", "") == STATE_FAILED ||
		   found;
}

int64_t inbox_next_due(struct state *s, const char *types, int64_t after)
{
	int64_t due = INT64_MAX;
	state_int(s, &due,
		"SELECT min(due) FROM inbox WHERE state='waiting' AND due>?2"
		"  AND (?1='[]' OR coalesce(type,'') IN list(?1))",
		"ti", types, after);
	return due;
}
