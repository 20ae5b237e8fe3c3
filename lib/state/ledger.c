/*
 * The ledger's tables (state.c has their schema). An effect is written down before it is tried and ended
 * after; what is found begun was interrupted, and whoever finds it looks in the CRM before acting.
 *
 * The tables have no statistics, and every row may have the same location: where SQLite would rather go
 * through all of them than use an index, the statement names it.
 */
#include "state/ledger.h"
#include "value/when.h"

#include <stdlib.h>

static int64_t number(const char *text)
{
	return text ? strtoll(text, NULL, 10) : 0;
}

struct ledger_contact ledger_contact(
	struct state *s, struct arena *a, const char *location, const char *patient)
{
	const char *columns[3] = {0};
	state_run(s, a, columns,
		"SELECT nullif(contact,''), is_patient, asked FROM contact WHERE location=? AND patient=?", "tt",
		location, patient);
	return (struct ledger_contact){columns[0], number(columns[1]) != 0, number(columns[2])};
}

bool ledger_contact_set(struct state *s, struct arena *a, const char *location, const char *patient,
	const char *contact, const char **other)
{
	*other = NULL;
	if (state_run(s, a, other,
			"SELECT patient FROM contact WHERE location=? AND contact=? AND patient<>? LIMIT 1", "ttt",
			location, contact, patient) == STATE_FAILED)
		return false;
	return state_run(s, NULL, NULL,
			   "INSERT INTO contact(location,patient,contact,is_patient) VALUES(?1,?2,?3,"
			   "  EXISTS(SELECT 1 FROM contact INDEXED BY contact_contact"
			   "    WHERE location=?1 AND contact=?3 AND is_patient))"
			   "  ON CONFLICT(location,patient) DO UPDATE SET contact=excluded.contact, "
			   "is_patient=excluded.is_patient OR (contact='' AND is_patient), asked=0"
			   "  WHERE contact<>excluded.contact",
			   "ttt", location, patient, contact) != STATE_FAILED;
}

void ledger_contact_forget(struct state *s, const char *location, const char *contact)
{
	state_run(s, NULL, NULL, "UPDATE contact SET contact='', asked=0 WHERE location=? AND contact=?", "tt",
		location, contact);
	state_run(
		s, NULL, NULL, "DELETE FROM opportunity WHERE location=? AND contact=?", "tt", location, contact);
	state_run(s, NULL, NULL, "DELETE FROM latest WHERE location=? AND contact=?", "tt", location, contact);
}

bool ledger_contact_is_patient(struct state *s, const char *location, const char *contact)
{
	return state_run(s, NULL, NULL,
			   "UPDATE contact INDEXED BY contact_contact SET is_patient=1"
			   "  WHERE location=? AND contact=? AND is_patient=0",
			   "tt", location, contact) != STATE_FAILED;
}

void ledger_contact_is_lead(struct state *s, const char *location, const char *contact)
{
	state_run(s, NULL, NULL, "UPDATE contact SET asked=? WHERE location=? AND contact=?", "itt",
		when_now_ms(), location, contact);
}

const char *ledger_patient(struct state *s, struct arena *a, const char *location, const char *contact)
{
	const char *columns[2] = {NULL, NULL};
	state_run(s, a, columns, "SELECT min(patient), count(*) FROM contact WHERE location=? AND contact=?",
		"tt", location, contact);
	return number(columns[1]) == 1 ? columns[0] : NULL;
}

bool ledger_creation(struct state *s, struct arena *a, const char *location, const char *contact,
	struct ledger_creation *creation)
{
	const char *columns[3] = {NULL, NULL, NULL};
	enum state_result found = state_run(s, a, columns,
		"SELECT event, begun, patient FROM creation WHERE location=? AND contact=?", "tt", location, contact);
	*creation = (struct ledger_creation){columns[0], number(columns[1]), columns[2]};
	return found != STATE_FAILED;
}

bool ledger_creation_begin(struct state *s, const char *location, const char *contact, const char *event)
{
	return state_run(s, NULL, NULL,
			   "INSERT OR REPLACE INTO creation(location,contact,event,begun) VALUES(?,?,?,?)", "ttti",
			   location, contact, event, when_now_ms()) != STATE_FAILED;
}

bool ledger_creation_end(
	struct state *s, const char *location, const char *contact, const char *event, const char *patient)
{
	return state_run(s, NULL, NULL, "UPDATE creation SET event=?, patient=? WHERE location=? AND contact=?",
			   "tttt", event, patient, location, contact) != STATE_FAILED;
}

bool ledger_creation_undone(struct state *s, const char *location, const char *contact)
{
	return state_run(s, NULL, NULL, "DELETE FROM creation WHERE location=? AND contact=?", "tt", location,
			   contact) != STATE_FAILED;
}

bool ledger_patient_forget(struct state *s, const char *location, const char *contact, const char *patient)
{
	return state_run(s, NULL, NULL, "DELETE FROM contact WHERE location=? AND patient=?", "tt", location,
			   patient) != STATE_FAILED &&
		   ledger_creation_undone(s, location, contact);
}

const char *ledger_opportunity(
	struct state *s, struct arena *a, const char *location, const char *contact, const char *pipeline)
{
	const char *id = NULL;
	state_run(s, a, &id, "SELECT opportunity FROM opportunity WHERE location=? AND contact=? AND pipeline=?",
		"ttt", location, contact, pipeline);
	return id;
}

bool ledger_opportunity_set(
	struct state *s, const char *location, const char *contact, const char *pipeline, const char *opportunity)
{
	return state_run(s, NULL, NULL,
			   "INSERT OR REPLACE INTO opportunity(location,contact,pipeline,opportunity) VALUES(?,?,?,?)",
			   "tttt", location, contact, pipeline, opportunity) != STATE_FAILED;
}

void ledger_opportunity_forget(struct state *s, const char *location, const char *opportunity)
{
	state_run(s, NULL, NULL, "DELETE FROM opportunity WHERE location=? AND opportunity=?", "tt", location,
		opportunity);
}

const char *ledger_state(struct state *s, struct arena *a, const char *location, const char *subject)
{
	const char *state = NULL;
	state_run(s, a, &state, "SELECT state FROM subject WHERE location=? AND subject=? AND applied", "tt",
		location, subject);
	return state;
}

/* Whether an event was applied in a location, or in one of which nobody knows. */
static enum state_result applied(struct state *s, const char *location, const char *event)
{
	return state_run(s, NULL, NULL, "SELECT 1 FROM event WHERE event=? AND location IN (?,'') LIMIT 1", "tt",
		event, location);
}

/* What an event is to a subject whose last state is in columns: state, seq, event, moment, applied. One that
   was applied before is known by its id, unless it may be another of the same body: an id that is a hash
   names the body, and a body without a time ("patient 10234 was updated") may come twice and be news twice.
 */
static enum ledger_news compare(struct state *s, const struct ledger_subject *e, const char *const *columns)
{
	bool same = e->state && strcmp(e->state, columns[0]) == 0;
	if (same && !(e->again && number(columns[4])))
		return number(columns[4]) ? LEDGER_KNOWN : LEDGER_NEWS;
	if (e->moment < number(columns[3]))
		return LEDGER_OLDER;
	if (!e->dated && e->moment != number(columns[3]))
		return LEDGER_NEWS;
	switch (applied(s, e->location, e->event)) {
	case STATE_NONE:
		return LEDGER_NEWS;
	case STATE_ROW:
		return strcmp(columns[2], e->event) == 0 ? LEDGER_KNOWN : LEDGER_OLDER;
	default:
		return LEDGER_FAILED;
	}
}

/* What is kept of a subject, into columns: state, seq, event, moment, applied; and what the event is to it.
 */
static enum ledger_news look(struct state *s, struct arena *a, struct ledger_subject *e, const char **columns)
{
	switch (state_run(s, a, columns,
		"SELECT state, seq, event, moment, applied FROM subject WHERE location=? AND subject=?", "tt",
		e->location, e->subject)) {
	case STATE_FAILED:
		return LEDGER_FAILED;
	case STATE_NONE:
		return LEDGER_NEWS;
	default:
		e->seq = number(columns[1]);
		return compare(s, e, columns);
	}
}

enum ledger_news ledger_look(struct state *s, struct ledger_subject *e)
{
	const char *columns[5] = {0};
	struct arena a = {0};
	enum ledger_news news = look(s, &a, e, columns);
	arena_free(&a);
	return news;
}

bool ledger_applied(struct state *s, const char *location, const char *event)
{
	return applied(s, location, event) == STATE_ROW;
}

/* That the event was applied in its location, or found that all had been. */
static enum state_result keep_event(struct state *s, const struct ledger_subject *e)
{
	return state_run(s, NULL, NULL,
		"INSERT OR IGNORE INTO event(event,location,at) SELECT ?1,?2,?3"
		"  WHERE NOT EXISTS(SELECT 1 FROM event WHERE event=?1 AND location='')",
		"tti", e->event, e->location, when_now_ms());
}

enum ledger_news ledger_begin(struct state *s, struct ledger_subject *e)
{
	const char *columns[5] = {0};
	struct arena a = {0};
	enum state_result kept = STATE_NONE;
	if (!state_begin(s))
		return LEDGER_FAILED;
	enum ledger_news news = look(s, &a, e, columns);
	bool same = columns[0] && e->state && strcmp(e->state, columns[0]) == 0;
	if (news == LEDGER_NEWS) {
		e->seq = same ? number(columns[1]) : number(columns[1]) + 1;
		e->others = same && e->yields && strcmp(e->event, columns[2]) != 0;
		if (!e->others)
			kept = state_run(s, NULL, NULL,
				"INSERT OR REPLACE INTO subject(location,subject,state,seq,event,moment,applied) "
				"VALUES(?,?,?,?,?,?,0)",
				"tttiti", e->location, e->subject, e->state ? e->state : "", e->seq, e->event, e->moment);
	} else if (news == LEDGER_KNOWN && same) {
		/* it was so still: what is older than this is no news either, nor is the event when others have come
		 */
		kept = keep_event(s, e);
		if (kept != STATE_FAILED && e->moment > number(columns[3]))
			kept = state_run(s, NULL, NULL, "UPDATE subject SET moment=? WHERE location=? AND subject=?",
				"itt", e->moment, e->location, e->subject);
	}
	if (kept == STATE_FAILED)
		news = LEDGER_FAILED;
	if (!state_end(s, news != LEDGER_FAILED))
		news = LEDGER_FAILED;
	arena_free(&a);
	return news;
}

/* That the event changed this last. */
static bool keep_change(
	struct state *s, const struct ledger_subject *e, const char *contact, const char *change)
{
	return state_run(s, NULL, NULL,
			   "INSERT OR REPLACE INTO latest(location,contact,what,subject,seq,at) SELECT ?1,?2,?3,?4,?5,"
			   "  max(?6, coalesce((SELECT max(at)+1 FROM latest WHERE location=?1 AND contact=?2), 0))",
			   "ttttii", e->location, contact, change, e->subject, e->seq, when_now_ms()) != STATE_FAILED;
}

bool ledger_finish(struct state *s, const struct ledger_subject *e, const struct ledger_end *end)
{
	if (!state_begin(s))
		return false;
	bool done = !end->applied || (state_run(s, NULL, NULL,
									  "UPDATE subject SET applied=1 WHERE location=? AND subject=? AND seq=?",
									  "tti", e->location, e->subject, e->seq) != STATE_FAILED &&
									 keep_event(s, e) != STATE_FAILED);
	for (size_t i = 0; done && i < end->changes; i++)
		done = keep_change(s, e, end->contact, end->change[i]);
	return state_end(s, done) && done;
}

struct ledger_latest ledger_latest(
	struct state *s, struct arena *a, const char *location, const char *contact, const char *what)
{
	const char *columns[4] = {0};
	state_run(s, a, columns,
		"SELECT l.subject, l.seq, l.at, s.moment FROM latest AS l LEFT JOIN subject AS s"
		"  ON s.location=l.location AND s.subject=l.subject WHERE l.location=? AND l.contact=? AND l.what=?",
		"ttt", location, contact, what);
	return (struct ledger_latest){columns[0], number(columns[1]), number(columns[2]), number(columns[3])};
}

int64_t ledger_changed(struct state *s, const char *location, const char *contact)
{
	const char *at = NULL;
	struct arena a = {0};
	state_run(
		s, &a, &at, "SELECT max(at) FROM latest WHERE location=? AND contact=?", "tt", location, contact);
	int64_t changed = number(at);
	arena_free(&a);
	return changed;
}

enum ledger_effect ledger_effect(
	struct state *s, const char *location, const char *effect, const char *contact, int64_t *since)
{
	const char *columns[2] = {0};
	struct arena a = {0};
	enum ledger_effect result = EFFECT_FAILED;
	if (!state_begin(s))
		return result;
	switch (state_run(s, &a, columns, "SELECT done, at FROM effect WHERE location=? AND effect=?", "tt",
		location, effect)) {
	case STATE_ROW:
		result = number(columns[0]) == 2   ? EFFECT_UNDECIDED
				 : number(columns[0]) == 1 ? EFFECT_DONE
										   : EFFECT_BEGUN;
		*since = number(columns[1]);
		break;
	case STATE_NONE:
		*since = when_now_ms();
		if (state_run(s, NULL, NULL, "INSERT INTO effect(location,effect,contact,done,at) VALUES(?,?,?,0,?)",
				"ttti", location, effect, contact, *since) != STATE_FAILED)
			result = EFFECT_NEW;
		break;
	case STATE_FAILED:
		break;
	}
	arena_free(&a);
	return state_end(s, result == EFFECT_NEW) || result != EFFECT_NEW ? result : EFFECT_FAILED;
}

bool ledger_done(struct state *s, const char *location, const char *effect, const char *made)
{
	return state_run(s, NULL, NULL, "UPDATE effect SET done=1, at=?, made=? WHERE location=? AND effect=?",
			   "ittt", when_now_ms(), made, location, effect) != STATE_FAILED;
}

bool ledger_undecided(struct state *s, const char *location, const char *effect)
{
	return state_run(s, NULL, NULL, "UPDATE effect SET done=2, at=? WHERE location=? AND effect=?", "itt",
			   when_now_ms(), location, effect) != STATE_FAILED;
}

int64_t ledger_undecided_of(struct state *s, const char *location, const char *subject)
{
	const char *n = NULL;
	struct arena a = {0};
	state_run(s, &a, &n,
		"SELECT count(*) FROM effect WHERE location=?1 AND effect>?2||'/' AND effect<?2||'0' AND done=2",
		"tt", location, subject);
	int64_t undecided = number(n);
	arena_free(&a);
	return undecided;
}

bool ledger_happened(
	struct state *s, struct arena *a, const char *location, const char *effect, const char **made)
{
	*made = NULL;
	return state_run(s, a, made, "SELECT made FROM effect WHERE location=? AND effect=? AND done=1", "tt",
			   location, effect) == STATE_ROW;
}

bool ledger_made(struct state *s, const char *location, const char *made)
{
	return state_run(s, NULL, NULL, "SELECT 1 FROM effect WHERE location=? AND made=?", "tt", location,
			   made) == STATE_ROW;
}

bool ledger_undone(struct state *s, const char *location, const char *effect)
{
	return state_run(s, NULL, NULL, "DELETE FROM effect WHERE location=? AND effect=?", "tt", location,
			   effect) != STATE_FAILED;
}

bool ledger_bill(struct state *s, const char *location, const char *bill, struct ledger_bill *b)
{
	const char *columns[4] = {0};
	struct arena a = {0};
	enum state_result found = state_run(s, &a, columns,
		"SELECT counted, pending, before, after FROM bill WHERE location=? AND bill=?", "tt", location, bill);
	*b = (struct ledger_bill){.known = found == STATE_ROW,
		.counted = number(columns[0]),
		.pending = columns[1] != NULL,
		.before = number(columns[2]),
		.after = number(columns[3])};
	arena_free(&a);
	return found != STATE_FAILED;
}

bool ledger_bill_begin(struct state *s, const char *location, const char *bill, const char *contact,
	int64_t total, int64_t before, int64_t after)
{
	return state_run(s, NULL, NULL,
			   "INSERT INTO bill(location,bill,contact,pending,before,after) VALUES(?,?,?,?,?,?) ON "
			   "CONFLICT(location,bill)"
			   "  DO UPDATE SET contact=excluded.contact, pending=excluded.pending, before=excluded.before, "
			   "after=excluded.after",
			   "tttiii", location, bill, contact, total, before, after) != STATE_FAILED;
}

bool ledger_bill_end(struct state *s, const char *location, const char *bill, bool counted)
{
	if (!counted)
		return state_run(s, NULL, NULL,
				   "UPDATE bill SET pending=NULL, before=NULL, after=NULL WHERE location=? AND bill=?", "tt",
				   location, bill) != STATE_FAILED;
	if (!state_begin(s))
		return false;
	bool done = state_run(s, NULL, NULL,
					"INSERT OR REPLACE INTO lifetime(location,contact,value) SELECT location, contact, after"
					"  FROM bill WHERE location=? AND bill=? AND pending IS NOT NULL",
					"tt", location, bill) != STATE_FAILED &&
				state_run(s, NULL, NULL,
					"UPDATE bill SET counted=pending, pending=NULL, before=NULL, after=NULL"
					"  WHERE location=? AND bill=? AND pending IS NOT NULL",
					"tt", location, bill) != STATE_FAILED;
	return state_end(s, done) && done;
}

bool ledger_lifetime(struct state *s, const char *location, const char *contact, int64_t *value)
{
	const char *text = NULL;
	struct arena a = {0};
	bool known = state_run(s, &a, &text, "SELECT value FROM lifetime WHERE location=? AND contact=?", "tt",
					 location, contact) == STATE_ROW;
	*value = number(text);
	arena_free(&a);
	return known;
}

bool ledger_bill_pending(struct state *s, struct arena *a, const char *location, const char *contact,
	const char *bill, const char **next)
{
	*next = NULL;
	return state_run(s, a, next,
			   "SELECT bill FROM bill INDEXED BY bill_pending"
			   "  WHERE location=? AND contact=? AND pending IS NOT NULL AND bill>? ORDER BY bill LIMIT 1",
			   "ttt", location, contact, bill) != STATE_FAILED;
}

bool ledger_patients(struct state *s, struct arena *a, const char *contact,
	void (*each)(const char **patient, void *context), void *context)
{
	return state_each(s, a, each, context, "SELECT DISTINCT patient FROM contact WHERE contact=?", "t",
			   contact) != STATE_FAILED;
}

bool ledger_contacts(struct state *s, struct arena *a, const char *patient,
	void (*each)(const char **contact, void *context), void *context)
{
	return state_each(s, a, each, context,
			   "SELECT contact FROM contact WHERE patient=?1 AND contact<>''"
			   "  UNION SELECT contact FROM creation WHERE patient=?1",
			   "t", patient) != STATE_FAILED;
}

bool ledger_digest_forget(struct state *s, const char *patient)
{
	return state_run(s, NULL, NULL, "UPDATE subject SET state='' WHERE subject='patient/'||? AND state<>''",
			   "t", patient) != STATE_FAILED;
}

struct entry_reader {
	void (*each)(const struct ledger_entry *entry, void *context);
	void *context;
};

/* at, what, status, location, contact, patient, event, subject, detail */
static void pass_entry(const char **columns, void *context)
{
	struct entry_reader *reader = context;
	reader->each(&(struct ledger_entry){.at = number(columns[0]),
					 .what = columns[1],
					 .status = columns[2],
					 .location = columns[3],
					 .contact = columns[4],
					 .patient = columns[5],
					 .event = columns[6],
					 .subject = columns[7],
					 .detail = columns[8]},
		reader->context);
}

/* What was done for subjects, or to contacts: the keys of both tables begin with the location. */
static bool history_of_subjects(
	struct state *s, struct arena *a, const char *subjects, const char *contacts, struct entry_reader *reader)
{
	return state_each(s, a, pass_entry, reader,
			   "SELECT coalesce(e.at, u.moment), 'applied', iif(u.applied,'done','begun'), u.location, NULL, "
			   "NULL,"
			   "  u.event, u.subject, iif(u.subject GLOB 'patient/*', NULL, u.state) FROM (SELECT DISTINCT "
			   "location FROM subject) AS l, "
			   "json_each(?) AS k"
			   "  JOIN subject AS u ON u.location=l.location AND u.subject=k.value"
			   "  LEFT JOIN event AS e ON e.event=u.event AND e.location IN (u.location,'')",
			   "t", subjects) != STATE_FAILED &&
		   state_each(s, a, pass_entry, reader,
			   "SELECT e.at, 'effect', CASE e.done WHEN 0 THEN 'begun' WHEN 1 THEN 'done' ELSE 'undecided' "
			   "END, e.location, e.contact, NULL, NULL, "
			   "e.effect, NULL"
			   "  FROM (SELECT DISTINCT location FROM effect) AS l, json_each(?1) AS k"
			   "  JOIN effect AS e ON e.location=l.location AND e.effect>k.value||'/' AND "
			   "e.effect<k.value||'0'"
			   "UNION SELECT at, 'effect', CASE done WHEN 0 THEN 'begun' WHEN 1 THEN 'done' ELSE 'undecided' "
			   "END, location, contact, NULL, NULL, effect, "
			   "NULL"
			   "  FROM effect WHERE contact IN (SELECT value FROM json_each(?2))",
			   "tt", subjects, contacts) != STATE_FAILED;
}

bool ledger_history(struct state *s, struct arena *a, const char *subjects, const char *contacts,
	void (*each)(const struct ledger_entry *entry, void *context), void *context)
{
	struct entry_reader reader = {each, context};
	return history_of_subjects(s, a, subjects, contacts, &reader) &&
		   state_each(s, a, pass_entry, &reader,
			   "SELECT coalesce(e.at, u.moment, 0), 'bill', iif(b.pending IS NULL,'done','begun'), "
			   "b.location, "
			   "b.contact,"
			   "  NULL, u.event, 'bill/'||b.bill, b.counted FROM bill AS b"
			   "  LEFT JOIN subject AS u ON u.location=b.location AND u.subject='bill/'||b.bill"
			   "  LEFT JOIN event AS e ON e.event=u.event AND e.location IN (u.location,'')"
			   "  WHERE 'bill/'||b.bill IN (SELECT value FROM json_each(?1))"
			   "  OR b.contact IN (SELECT value FROM json_each(?2))",
			   "tt", subjects, contacts) != STATE_FAILED &&
		   state_each(s, a, pass_entry, &reader,
			   "SELECT 0, 'contact', iif(is_patient,'patient','lead'), location, contact, patient, NULL, "
			   "NULL, "
			   "NULL"
			   "  FROM contact WHERE contact IN (SELECT value FROM json_each(?))",
			   "t", contacts) != STATE_FAILED &&
		   state_each(s, a, pass_entry, &reader,
			   "SELECT 0, 'opportunity', NULL, o.location, o.contact, NULL, NULL, coalesce(n.name, "
			   "o.pipeline),"
			   "  o.opportunity FROM opportunity AS o"
			   "  LEFT JOIN name AS n ON n.location=o.location AND n.kind='pipeline' AND n.id=o.pipeline"
			   "  WHERE o.contact IN (SELECT value FROM json_each(?))",
			   "t", contacts) != STATE_FAILED;
}
