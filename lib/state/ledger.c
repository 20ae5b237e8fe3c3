/*
 * How nothing is done twice in the CRM, and what is old is not written over what is new (sqlite_schema.c
 * says what the tables mean):
 *
 * - An effect is written down before it is tried and ended after. What is found begun was interrupted, and
 *   whoever finds it looks in the CRM before acting.
 * - That it was begun is on the disk before it is tried. What is known since (it is done, what it made,
 *   whose contact it is) need not be: a power cut may take that of the last moments, in which whoever comes
 *   next finds the effect begun, as after a crash, and the rest by asking the CRM. An enrolment that nobody
 *   can ask for is undecided then, and told. That one certainly was not made is on the disk, too, lest it
 *   be taken for such.
 * - A subject (a patient, an appointment, a bill, a membership) has the state that was applied last, its
 *   event and when that occurred. An event that brings the state again is known; one that occurred before
 *   is older.
 * - Of each thing that events write into a contact, latest has who wrote it last: what that one has written
 *   another leaves alone, or holds against the CRM, by it.
 *
 * The tables have no statistics, and every row may have the same location: where SQLite would rather go
 * through all of them than use an index, the statement names it.
 */
#include "state/ledger.h"
#include "value/when.h"

#include <stdlib.h>

struct ledger_contact ledger_contact(
	struct state *s, struct arena *a, const char *location, const char *patient)
{
	const char *columns[3] = {0};
	enum state_result found = state_run(s, a, columns,
		"SELECT nullif(contact,''), is_patient, asked FROM contact WHERE location=? AND patient=?", "tt",
		location, patient);
	return (struct ledger_contact){
		columns[0], state_number(columns[1]) != 0, state_number(columns[2]), found == STATE_FAILED};
}

struct ledger_known ledger_known(struct state *s, const char *location, const char *patient)
{
	enum { NAMED = 1, BILLED = 2 };
	int64_t is = 0;
	bool contact =
		state_int(s, &is,
			"SELECT CASE WHEN EXISTS(SELECT 1 FROM latest AS l WHERE l.location=c.location"
			"      AND l.contact=c.contact AND l.what IN ('patient','appointment')) THEN 1 ELSE 0 END"
			"    + CASE WHEN EXISTS(SELECT 1 FROM lifetime AS v WHERE v.location=c.location"
			"      AND v.contact=c.contact) THEN 2 ELSE 0 END"
			"  FROM contact AS c WHERE c.location=? AND c.patient=? AND c.contact<>''",
			"tt", location, patient) == STATE_ROW;
	return (struct ledger_known){contact, is & NAMED, is & BILLED};
}

bool ledger_contact_set(struct state *s, struct arena *a, const char *location, const char *patient,
	const char *contact, const char **other)
{
	*other = NULL;
	if (state_run(s, a, other,
			"SELECT patient FROM contact WHERE location=? AND contact=? AND patient<>? LIMIT 1", "ttt",
			location, contact, patient) == STATE_FAILED)
		return false;
	return state_do_unflushed(s,
		"INSERT INTO contact(location,patient,contact,is_patient) VALUES(?1,?2,?3,"
		"  CASE WHEN EXISTS(SELECT 1 FROM contact INDEXED BY contact_contact"
		"    WHERE location=?1 AND contact=?3 AND is_patient=1) THEN 1 ELSE 0 END)"
		"  ON CONFLICT(location,patient) DO UPDATE SET contact=excluded.contact, asked=0,"
		"    is_patient=CASE WHEN contact.contact='' AND contact.is_patient=1 THEN 1"
		"      ELSE excluded.is_patient END"
		"  WHERE contact.contact<>excluded.contact",
		"ttt", location, patient, contact);
}

void ledger_contact_forget(struct state *s, const char *location, const char *contact)
{
	state_do_unflushed(
		s, "UPDATE contact SET contact='', asked=0 WHERE location=? AND contact=?", "tt", location, contact);
	state_do_unflushed(s, "DELETE FROM opportunity WHERE location=? AND contact=?", "tt", location, contact);
	state_do_unflushed(s, "DELETE FROM latest WHERE location=? AND contact=?", "tt", location, contact);
	ledger_dnd_set(s, location, contact, 0, true);
}

bool ledger_dnd(struct state *s, const char *location, const char *contact, int64_t *channels, bool *done)
{
	int64_t found = 0;
	enum state_result result = state_int(s, &found,
		"SELECT channels * 2 + done FROM dnd WHERE location=? AND contact=?", "tt", location, contact);
	*channels = found / 2;
	*done = found % 2;
	return result != STATE_FAILED;
}

bool ledger_dnd_set(struct state *s, const char *location, const char *contact, int64_t channels, bool done)
{
	if (!channels)
		return state_do(s, "DELETE FROM dnd WHERE location=? AND contact=?", "tt", location, contact);
	return state_do(s,
		"INSERT INTO dnd(location,contact,channels,done) VALUES(?,?,?,?)"
		"  ON CONFLICT(location,contact) DO UPDATE SET channels=excluded.channels, done=excluded.done",
		"ttii", location, contact, channels, (int64_t)done);
}

bool ledger_contact_is_patient(struct state *s, const char *location, const char *contact)
{
	return state_do_unflushed(s,
		"UPDATE contact INDEXED BY contact_contact SET is_patient=1"
		"  WHERE location=? AND contact=? AND is_patient=0",
		"tt", location, contact);
}

void ledger_contact_is_lead(struct state *s, const char *location, const char *contact)
{
	state_do_unflushed(s, "UPDATE contact SET asked=? WHERE location=? AND contact=?", "itt", when_now_ms(),
		location, contact);
}

const char *ledger_patient(struct state *s, struct arena *a, const char *location, const char *contact)
{
	const char *columns[2] = {NULL, NULL};
	state_run(s, a, columns, "SELECT min(patient), count(*) FROM contact WHERE location=? AND contact=?",
		"tt", location, contact);
	return state_number(columns[1]) == 1 ? columns[0] : NULL;
}

const char *ledger_survivor(struct state *s, struct arena *a, const char *patient)
{
	const char *survivor = patient;
	state_run(s, a, &survivor, "SELECT survivor FROM merged WHERE patient=?", "t", patient);
	return survivor;
}

bool ledger_merge(struct state *s, struct arena *a, const char *patient, const char *with)
{
	if (!state_begin(s))
		return false;
	const char *survivor = ledger_survivor(s, a, with);
	bool done = strcmp(patient, survivor) == 0 ||
				(state_do(s, "UPDATE merged SET survivor=? WHERE survivor=?", "tt", survivor, patient) &&
					state_do(s, "INSERT INTO merged(patient,survivor,at) VALUES(?,?,?)", "tti", patient,
						survivor, when_now_ms()) &&
					state_do(s, "UPDATE creation SET patient=? WHERE patient=?", "tt", survivor, patient));
	return state_end(s, done) && done;
}

const char *ledger_apart(
	struct state *s, struct arena *a, const char *location, const char *survivor, const char *patient)
{
	const char *next = NULL;
	state_run(s, a, &next,
		"SELECT m.patient FROM merged AS m JOIN contact AS c ON c.location=? AND c.patient=m.patient"
		"  WHERE m.survivor=? AND m.patient>? ORDER BY m.patient LIMIT 1",
		"ttt", location, survivor, patient);
	return next;
}

/* The patient's contact is left to staff for another. What wrote it last is so of that one, too, where
   nothing of its kind did. */
static bool leave_contact(
	struct state *s, const char *location, const char *patient, const char *from, const char *to)
{
	return state_do(s,
			   "INSERT INTO left_contact(location,contact,patient) VALUES(?,?,?) ON CONFLICT DO NOTHING",
			   "ttt", location, from, patient) &&
		   state_do(s,
			   "INSERT INTO latest(location,contact,what,subject,seq,at)"
			   "  SELECT location, ?3, what, subject, seq, at FROM latest WHERE location=?1 AND contact=?2"
			   "    AND (what IN ('appointment','bill','membership') OR substr(what,1,8)='tag.add/')"
			   "  ON CONFLICT DO NOTHING",
			   "ttt", location, from, to);
}

bool ledger_join(
	struct state *s, struct arena *a, const char *location, const char *patient, const char *survivor)
{
	if (!state_begin(s))
		return false;
	const char *from = ledger_contact(s, a, location, patient).id;
	const char *to = ledger_contact(s, a, location, survivor).id;
	bool done =
		(!from || !to || strcmp(from, to) == 0 || leave_contact(s, location, patient, from, to)) &&
		state_do(s,
			"INSERT INTO contact(location,patient,contact,is_patient,asked)"
			"  SELECT location, ?3, contact, is_patient, asked FROM contact WHERE location=?1 AND patient=?2"
			"  ON CONFLICT(location,patient) DO UPDATE SET"
			"    contact=CASE WHEN contact.contact='' THEN excluded.contact ELSE contact.contact END,"
			"    is_patient=CASE WHEN excluded.is_patient=1 THEN 1 ELSE contact.is_patient END",
			"ttt", location, patient, survivor) &&
		state_do(s, "DELETE FROM contact WHERE location=? AND patient=?", "tt", location, patient) &&
		state_do(s,
			"UPDATE subject SET subject='patient/'||?3 WHERE location=?1 AND subject='patient/'||?2"
			"  AND NOT EXISTS(SELECT 1 FROM subject WHERE location=?1 AND subject='patient/'||?3)",
			"ttt", location, patient, survivor);
	return state_end(s, done) && done;
}

bool ledger_is_left(struct state *s, const char *location, const char *subject)
{
	int64_t one = 0;
	state_int(s, &one,
		"SELECT 1 FROM effect AS e JOIN left_contact AS l ON l.location=e.location AND l.contact=e.contact"
		"  WHERE e.location=?1 AND e.effect>?2||'/' AND e.effect<?2||'0' LIMIT 1",
		"tt", location, subject);
	return one;
}

struct state_rows ledger_tags(struct state *s, const char *location, const char *contact)
{
	return state_query(s,
		"SELECT substr(what,9) FROM latest WHERE location=? AND contact=? AND substr(what,1,8)='tag.add/'",
		"tt", location, contact);
}

struct state_rows ledger_ids(struct state *s, const char *patient)
{
	return state_query(s,
		"SELECT ?1 UNION SELECT survivor FROM merged WHERE patient=?1"
		"  UNION SELECT patient FROM merged WHERE survivor=?1"
		"  UNION SELECT o.patient FROM merged AS m JOIN merged AS o ON o.survivor=m.survivor"
		"    WHERE m.patient=?1",
		"t", patient);
}

bool ledger_creation(struct state *s, struct arena *a, const char *location, const char *contact,
	struct ledger_creation *creation)
{
	const char *columns[3] = {NULL, NULL, NULL};
	enum state_result found = state_run(s, a, columns,
		"SELECT event, begun, patient FROM creation WHERE location=? AND contact=?", "tt", location, contact);
	*creation = (struct ledger_creation){columns[0], state_number(columns[1]), columns[2]};
	return found != STATE_FAILED;
}

bool ledger_creation_begin(struct state *s, const char *location, const char *contact, const char *event)
{
	return state_do(s,
		"INSERT INTO creation(location,contact,event,begun) VALUES(?,?,?,?) ON CONFLICT(location,contact)"
		"  DO UPDATE SET event=excluded.event, begun=excluded.begun, patient=NULL",
		"ttti", location, contact, event, when_now_ms());
}

bool ledger_creation_end(
	struct state *s, const char *location, const char *contact, const char *event, const char *patient)
{
	return state_do(s, "UPDATE creation SET event=?, patient=? WHERE location=? AND contact=?", "tttt", event,
		patient, location, contact);
}

bool ledger_creation_undone(struct state *s, const char *location, const char *contact)
{
	return state_do(s, "DELETE FROM creation WHERE location=? AND contact=?", "tt", location, contact);
}

bool ledger_patient_forget(struct state *s, const char *location, const char *contact, const char *patient)
{
	return state_do(s, "DELETE FROM contact WHERE location=? AND patient=?", "tt", location, patient) &&
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
	return state_do_unflushed(s,
		"INSERT INTO opportunity(location,contact,pipeline,opportunity) VALUES(?,?,?,?)"
		"  ON CONFLICT(location,contact,pipeline) DO UPDATE SET opportunity=excluded.opportunity",
		"tttt", location, contact, pipeline, opportunity);
}

void ledger_opportunity_forget(struct state *s, const char *location, const char *opportunity)
{
	state_do_unflushed(
		s, "DELETE FROM opportunity WHERE location=? AND opportunity=?", "tt", location, opportunity);
}

const char *ledger_state(struct state *s, struct arena *a, const char *location, const char *subject)
{
	const char *state = NULL;
	state_run(s, a, &state, "SELECT state FROM subject WHERE location=? AND subject=? AND applied=1", "tt",
		location, subject);
	return state;
}

/* Whether an event was applied in a location, or in one of which nobody knows. */
static enum state_result applied(struct state *s, const char *location, const char *event)
{
	int64_t one;
	return state_int(
		s, &one, "SELECT 1 FROM event WHERE event=? AND location IN (?,'') LIMIT 1", "tt", event, location);
}

/* What an event is to a subject whose last state is in columns: state, seq, event, moment, applied. One that
   was applied before is known by its id, unless it may be another of the same body: an id that is a hash
   names the body, and a body without a time ("patient 10234 was updated") may come twice and be news twice.
 */
static enum ledger_news compare(struct state *s, const struct ledger_subject *e, const char *const *columns)
{
	bool same = e->state && strcmp(e->state, columns[0]) == 0;
	if (same && !(e->again && state_number(columns[4])))
		return state_number(columns[4]) ? LEDGER_KNOWN : LEDGER_NEWS;
	if (e->moment < state_number(columns[3]))
		return LEDGER_OLDER;
	if (!e->dated && e->moment != state_number(columns[3]))
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
		e->seq = state_number(columns[1]);
		e->newer = e->dated && e->moment > state_number(columns[3]);
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

int64_t ledger_moment(struct state *s, const char *location, const char *subject)
{
	int64_t at = 0;
	state_int(s, &at, "SELECT moment FROM subject WHERE location=? AND subject=?", "tt", location, subject);
	return at;
}

bool ledger_applied(struct state *s, const char *location, const char *event)
{
	return applied(s, location, event) == STATE_ROW;
}

/* That the event was applied in its location, or found that all had been. */
static bool keep_event(struct state *s, const struct ledger_subject *e)
{
	return state_do(s,
		"INSERT INTO event(event,location,at) SELECT ?1,?2,?3"
		"  WHERE NOT EXISTS(SELECT 1 FROM event WHERE event=?1 AND location='') ON CONFLICT DO NOTHING",
		"tti", e->event, e->location, when_now_ms());
}

enum ledger_news ledger_begin(struct state *s, struct ledger_subject *e)
{
	const char *columns[5] = {0};
	struct arena a = {0};
	bool kept = true;
	if (!state_begin_unflushed(s))
		return LEDGER_FAILED;
	enum ledger_news news = look(s, &a, e, columns);
	bool same = columns[0] && e->state && strcmp(e->state, columns[0]) == 0;
	if (news == LEDGER_NEWS) {
		e->seq = same ? state_number(columns[1]) : state_number(columns[1]) + 1;
		e->others = same && e->yields && strcmp(e->event, columns[2]) != 0;
		if (!e->others)
			kept = state_do(s,
				"INSERT INTO subject(location,subject,state,seq,event,moment,applied) VALUES(?,?,?,?,?,?,0)"
				"  ON CONFLICT(location,subject) DO UPDATE SET state=excluded.state, seq=excluded.seq,"
				"    event=excluded.event, moment=excluded.moment, applied=0",
				"tttiti", e->location, e->subject, e->state ? e->state : "", e->seq, e->event, e->moment);
	} else if (news == LEDGER_KNOWN && same) {
		/* it was so still: what is older than this is no news either, nor is the event when others have come
		 */
		kept = keep_event(s, e);
		if (kept && e->moment > state_number(columns[3]))
			kept = state_do(s, "UPDATE subject SET moment=? WHERE location=? AND subject=?", "itt", e->moment,
				e->location, e->subject);
	}
	if (!kept)
		news = LEDGER_FAILED;
	if (!state_end(s, news != LEDGER_FAILED))
		news = LEDGER_FAILED;
	arena_free(&a);
	return news;
}

/* That the event changed this last, then. */
static bool keep_change(
	struct state *s, const struct ledger_subject *e, const char *contact, const char *change, int64_t at)
{
	return state_do(s,
		"INSERT INTO latest(location,contact,what,subject,seq,at) VALUES(?,?,?,?,?,?)"
		"  ON CONFLICT(location,contact,what) DO UPDATE SET subject=excluded.subject, seq=excluded.seq,"
		"    at=excluded.at",
		"ttttii", e->location, contact, change, e->subject, e->seq, at);
}

bool ledger_finish(struct state *s, const struct ledger_subject *e, const struct ledger_end *end)
{
	if (!state_begin_unflushed(s))
		return false;
	bool done =
		!end->applied || (state_do(s, "UPDATE subject SET applied=1 WHERE location=? AND subject=? AND seq=?",
							  "tti", e->location, e->subject, e->seq) &&
							 keep_event(s, e));
	int64_t now = when_now_ms(), last = end->changes ? ledger_changed(s, e->location, end->contact) : 0;
	int64_t at = now > last ? now : last + 1;
	for (size_t i = 0; done && i < end->changes; i++)
		done = keep_change(s, e, end->contact, end->change[i], at++);
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
	return (struct ledger_latest){
		columns[0], state_number(columns[1]), state_number(columns[2]), state_number(columns[3])};
}

int64_t ledger_changed(struct state *s, const char *location, const char *contact)
{
	int64_t at = 0;
	state_int(s, &at, "SELECT max(at) FROM latest WHERE location=? AND contact=?", "tt", location, contact);
	return at;
}

int64_t ledger_gap(struct state *s, int64_t occurred)
{
	int64_t since = 0;
	state_int(s, &since,
		"SELECT b.at FROM moment AS b JOIN moment AS e ON e.name='gap ended' AND e.at>=?"
		"  WHERE b.name='gap began'",
		"i", occurred);
	return since;
}

/* What the ledger is to take as begun since then. */
static enum ledger_effect begin_since(
	struct state *s, const char *location, const char *effect, const char *contact, int64_t since)
{
	return state_do(s, "INSERT INTO effect(location,effect,contact,done,at) VALUES(?,?,?,0,?)", "ttti",
			   location, effect, contact ? contact : "", since)
			   ? EFFECT_BEGUN
			   : EFFECT_FAILED;
}

enum ledger_effect ledger_effect(struct state *s, const char *location, const char *effect,
	const char *contact, int64_t gap, int64_t *since)
{
	static const enum ledger_effect is[] = {EFFECT_BEGUN, EFFECT_DONE, EFFECT_UNDECIDED};
	const char *columns[2] = {0};
	struct arena a = {0};
	enum state_result found = state_run(
		s, &a, columns, "SELECT done, at FROM effect WHERE location=? AND effect=?", "tt", location, effect);
	int64_t done = state_number(columns[0]), at = state_number(columns[1]);
	arena_free(&a);
	*since = found == STATE_ROW ? at : gap;
	if (found == STATE_ROW)
		return done >= 0 && done < (int64_t)COUNT(is) ? is[done] : EFFECT_FAILED;
	if (found == STATE_FAILED)
		return EFFECT_FAILED;
	return gap ? begin_since(s, location, effect, contact, gap) : EFFECT_NEW;
}

enum ledger_effect ledger_effect_begin(
	struct state *s, const char *location, const char *effect, const char *contact, int64_t *since)
{
	static const enum ledger_effect is[] = {
		[STATE_ROW] = EFFECT_NEW, [STATE_NONE] = EFFECT_BEGUN, [STATE_FAILED] = EFFECT_FAILED};
	return is[state_int(s, since,
		"INSERT INTO effect(location,effect,contact,done,at) VALUES(?,?,?,0,?)"
		"  ON CONFLICT(location,effect) DO UPDATE SET at=excluded.at WHERE effect.done=0 AND effect.at=?"
		"  RETURNING at",
		"tttii", location, effect, contact ? contact : "", when_now_ms(), *since)];
}

bool ledger_done(struct state *s, const char *location, const char *effect, const char *made)
{
	return state_do_unflushed(s, "UPDATE effect SET done=1, at=?, made=? WHERE location=? AND effect=?",
		"ittt", when_now_ms(), made, location, effect);
}

bool ledger_undecided(struct state *s, const char *location, const char *effect)
{
	return state_do_unflushed(s, "UPDATE effect SET done=2, at=? WHERE location=? AND effect=?", "itt",
		when_now_ms(), location, effect);
}

int64_t ledger_undecided_of(struct state *s, const char *location, const char *subject)
{
	int64_t n = -1;
	state_int(s, &n,
		"SELECT count(*) FROM effect WHERE location=?1 AND effect>?2||'/' AND effect<?2||'0' AND done=2",
		"tt", location, subject);
	return n;
}

bool ledger_happened(
	struct state *s, struct arena *a, const char *location, const char *effect, const char **made)
{
	*made = NULL;
	return state_run(s, a, made, "SELECT made FROM effect WHERE location=? AND effect=? AND done=1", "tt",
			   location, effect) == STATE_ROW;
}

bool ledger_effect_of(struct state *s, struct arena *a, const char *location, const char *subject,
	const char *what, const char **effect)
{
	*effect = NULL;
	return state_run(s, a, effect,
			   "SELECT effect FROM effect WHERE location=?1 AND effect>?2||'/'||?3||'/'"
			   "  AND effect<?2||'/'||?3||'0' LIMIT 1",
			   "ttt", location, subject, what) != STATE_FAILED;
}

bool ledger_made(struct state *s, const char *location, const char *made)
{
	int64_t one;
	return state_int(s, &one, "SELECT 1 FROM effect WHERE location=? AND made=?", "tt", location, made) ==
		   STATE_ROW;
}

bool ledger_undone(struct state *s, const char *location, const char *effect)
{
	return state_do(s, "DELETE FROM effect WHERE location=? AND effect=?", "tt", location, effect);
}

/* The effect that the request of a bill's addition is while it is under way. */
#define ADDITION "ltv.add"

bool ledger_bill(struct state *s, const char *location, const char *bill, struct ledger_bill *b)
{
	const char *columns[5] = {0};
	struct arena a = {0};
	enum state_result found = state_run(s, &a, columns,
		"SELECT counted, pending, before, after,"
		"  (SELECT at FROM effect WHERE location=?1 AND effect='bill/'||?2||'/" ADDITION "')"
		"  FROM bill WHERE location=?1 AND bill=?2",
		"tt", location, bill);
	*b = (struct ledger_bill){.known = found == STATE_ROW,
		.counted = state_number(columns[0]),
		.pending = columns[1] != NULL,
		.before = state_number(columns[2]),
		.after = state_number(columns[3]),
		.since = state_number(columns[4])};
	arena_free(&a);
	return found != STATE_FAILED;
}

bool ledger_bill_begin(struct state *s, const char *location, const char *bill, const char *contact,
	int64_t total, int64_t before, int64_t after, int64_t *since)
{
	*since = when_now_ms();
	if (!state_begin(s))
		return false;
	bool done =
		state_do(s,
			"INSERT INTO bill(location,bill,contact,pending,before,after) VALUES(?,?,?,?,?,?)"
			"  ON CONFLICT(location,bill) DO UPDATE SET contact=excluded.contact, pending=excluded.pending,"
			"    before=excluded.before, after=excluded.after",
			"tttiii", location, bill, contact, total, before, after) &&
		state_do(s,
			"INSERT INTO effect(location,effect,contact,done,at) VALUES(?,'bill/'||?||'/" ADDITION "',?,0,?)"
			"  ON CONFLICT(location,effect) DO UPDATE SET at=excluded.at",
			"ttti", location, bill, contact, *since);
	return state_end(s, done) && done;
}

void ledger_bill_rest(struct state *s, const char *location, const char *bill, int64_t since)
{
	state_do_unflushed(s,
		"DELETE FROM effect WHERE location=? AND effect='bill/'||?||'/" ADDITION "' AND at=?", "tti",
		location, bill, since);
}

bool ledger_bill_end(struct state *s, const char *location, const char *bill, bool counted)
{
	if (!state_begin_unflushed(s))
		return false;
	bool done = !counted || state_do(s,
								"INSERT INTO lifetime(location,contact,value) SELECT location, contact, after"
								"  FROM bill WHERE location=? AND bill=? AND pending IS NOT NULL"
								"  ON CONFLICT(location,contact) DO UPDATE SET value=excluded.value",
								"tt", location, bill);
	done = done && state_do(s,
					   "UPDATE bill SET counted=CASE WHEN ?=1 THEN pending ELSE counted END, pending=NULL,"
					   "  before=NULL, after=NULL WHERE location=? AND bill=? AND pending IS NOT NULL",
					   "itt", (int64_t)counted, location, bill);
	done = done && state_do(s, "DELETE FROM effect WHERE location=? AND effect='bill/'||?||'/" ADDITION "'",
					   "tt", location, bill);
	return state_end(s, done) && done;
}

bool ledger_lifetime(struct state *s, const char *location, const char *contact, int64_t *value)
{
	*value = 0;
	return state_int(s, value, "SELECT value FROM lifetime WHERE location=? AND contact=?", "tt", location,
			   contact) == STATE_ROW;
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

struct state_rows ledger_patients(struct state *s, const char *contact)
{
	return state_query(s,
		"SELECT patient FROM contact WHERE contact=?1 UNION SELECT patient FROM left_contact WHERE contact=?1",
		"t", contact);
}

struct state_rows ledger_contacts(struct state *s, const char *patient)
{
	return state_query(s,
		"SELECT contact FROM contact WHERE patient=?1 AND contact<>''"
		"  UNION SELECT contact FROM creation WHERE patient=?1"
		"  UNION SELECT contact FROM left_contact WHERE patient=?1",
		"t", patient);
}

bool ledger_digest_forget(struct state *s, const char *patient)
{
	return state_do(s, "UPDATE subject SET state='' WHERE subject='patient/'||? AND state<>''", "t", patient);
}

/* The keys of subjects and effects begin with the location: what was done for subjects is looked for in
   each. */
struct state_rows ledger_history(
	struct state *s, const char *subjects, const char *contacts, const char *patients)
{
	return state_query(s,
		"SELECT coalesce(e.at, u.moment), 'applied', CASE WHEN u.applied=1 THEN 'done' ELSE 'begun' END,"
		"  u.location, NULL, NULL, u.event, u.subject,"
		"  CASE WHEN substr(u.subject,1,8)='patient/' THEN NULL ELSE u.state END"
		"  FROM (SELECT DISTINCT location FROM subject) AS l CROSS JOIN list(?1) AS k"
		"  JOIN subject AS u ON u.location=l.location AND u.subject=k.value"
		"  LEFT JOIN event AS e ON e.event=u.event AND e.location IN (u.location,'')"
		"UNION ALL SELECT at, 'effect', CASE done WHEN 0 THEN 'begun' WHEN 1 THEN 'done'"
		"  ELSE 'undecided' END, location, contact, NULL, NULL, effect, NULL FROM"
		"  (SELECT e.* FROM (SELECT DISTINCT location FROM effect) AS l CROSS JOIN list(?1) AS k"
		"    JOIN effect AS e ON e.location=l.location AND e.effect>k.value||'/'"
		"      AND e.effect<k.value||'0'"
		"    UNION SELECT * FROM effect WHERE contact IN list(?2)) AS made "
		"UNION ALL SELECT coalesce(e.at, u.moment, 0), 'bill',"
		"  CASE WHEN b.pending IS NULL THEN 'done' ELSE 'begun' END, b.location, b.contact, NULL, u.event,"
		"  'bill/'||b.bill, CAST(b.counted AS TEXT) FROM bill AS b"
		"  LEFT JOIN subject AS u ON u.location=b.location AND u.subject='bill/'||b.bill"
		"  LEFT JOIN event AS e ON e.event=u.event AND e.location IN (u.location,'')"
		"  WHERE 'bill/'||b.bill IN list(?1) OR b.contact IN list(?2) "
		"UNION ALL SELECT 0, 'contact', CASE WHEN is_patient=1 THEN 'patient' ELSE 'lead' END, location,"
		"  contact, patient, NULL, NULL, NULL FROM contact WHERE contact IN list(?2) "
		"UNION ALL SELECT 0, 'contact', 'left', location, contact, patient, NULL, NULL, NULL FROM left_contact"
		"  WHERE contact IN list(?2) "
		"UNION ALL SELECT at, 'merged', 'done', NULL, NULL, patient, NULL, NULL, 'into '||survivor FROM merged"
		"  WHERE patient IN list(?3) "
		"UNION ALL SELECT 0, 'opportunity', NULL, o.location, o.contact, NULL, NULL,"
		"  coalesce(n.name, o.pipeline), o.opportunity FROM opportunity AS o"
		"  LEFT JOIN name AS n ON n.location=o.location AND n.kind='pipeline' AND n.id=o.pipeline"
		"  WHERE o.contact IN list(?2)",
		"ttt", subjects, contacts, patients);
}

bool ledger_next_entry(struct state_rows *rows, struct arena *a, struct ledger_entry *entry)
{
	if (!state_next(rows))
		return false;
	*entry = (struct ledger_entry){.at = state_number(state_text(rows, 0)),
		.what = state_copy(rows, a, 1),
		.status = state_copy(rows, a, 2),
		.location = state_copy(rows, a, 3),
		.contact = state_copy(rows, a, 4),
		.patient = state_copy(rows, a, 5),
		.event = state_copy(rows, a, 6),
		.subject = state_copy(rows, a, 7),
		.detail = state_copy(rows, a, 8)};
	return true;
}
