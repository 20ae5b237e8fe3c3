/*
 * The inbox for people: what is in it, what happened, and the little that may be changed by hand. Nothing
 * here takes an event from a run that has it, and whatever a person decides is written down as an attempt is.
 */
#include "state/inbox.h"
#include "state/told.h"
#include "text/buf.h"
#include "value/when.h"

#include <stdint.h>
#include <stdlib.h>

#define LAST_CHARACTER "\xf4\x8f\xbf\xbf" /* no id has it */

enum { PURGE_AT_ONCE = 256 }; /* bodies in one transaction: others write in between */

static const char *const states[] = {
	"waiting", "running", "done", "unchanged", "ignored", "skipped", "dead", "dropped"};

bool inbox_is_state(const char *text)
{
	for (size_t i = 0; i < COUNT(states); i++)
		if (strcmp(states[i], text) == 0)
			return true;
	return false;
}

/* What the last attempt at an event has come to; NULL: none was made since somebody has had it retried. */
#define LAST_RESULT                                                                                          \
	"(SELECT CASE WHEN a.status<>'retried' THEN a.result END FROM attempt AS a"                              \
	"  WHERE a.event_seq=i.seq ORDER BY a.seq DESC LIMIT 1)"

#define CHOSEN                                                                                               \
	"(?1='[]' OR state IN list(?1)) AND (?2='[]' OR type IN list(?2))"                                       \
	"  AND (?4=0 OR " LAST_RESULT " LIKE '%\"warnings\":[\"%')"

struct state_rows inbox_events(struct state *s, const struct inbox_choice *c)
{
	return state_query(s,
		"SELECT id, type, patient, subject, state, attempts, received, due, settled,"
		"  coalesce(put_off, " LAST_RESULT ") FROM inbox AS i WHERE " CHOSEN
		"  AND seq>=CASE WHEN ?3<0 THEN 0 ELSE coalesce((SELECT min(seq) FROM (SELECT seq FROM inbox AS i"
		"    WHERE " CHOSEN " ORDER BY seq DESC LIMIT ?3) AS last), 0) END ORDER BY seq",
		"ttii", c->states, c->types, c->newest, (int64_t)c->warned);
}

bool inbox_next_event(struct state_rows *rows, struct inbox_row *row)
{
	if (!state_next(rows))
		return false;
	*row = (struct inbox_row){.id = state_text(rows, 0),
		.type = state_text(rows, 1),
		.patient = state_text(rows, 2),
		.subject = state_text(rows, 3),
		.state = state_text(rows, 4),
		.attempts = state_number(state_text(rows, 5)),
		.received = state_number(state_text(rows, 6)),
		.due = state_number(state_text(rows, 7)),
		.settled = state_number(state_text(rows, 8)),
		.result = state_text(rows, 9)};
	return true;
}

enum state_result inbox_event(struct state *s, struct arena *a, const char *id, struct inbox_found *event)
{
	const char *columns[3] = {0};
	enum state_result found = state_run(
		s, a, columns, "SELECT id, state, text FROM inbox LEFT JOIN body ON key=body WHERE id=?", "t", id);
	*event = (struct inbox_found){columns[0], columns[1], columns[2]};
	return found;
}

struct state_rows inbox_like(struct state *s, struct arena *a, const char *prefix)
{
	return state_query(s,
		"SELECT id FROM inbox WHERE id>=?1 AND substr(id,1,length(?1))=?1 AND id<?2 ORDER BY id LIMIT 6",
		"tt", prefix, arena_printf(a, "%s" LAST_CHARACTER, prefix));
}

struct state_rows inbox_count(struct state *s)
{
	return state_query(s,
		"SELECT state, nullif(type,''), n FROM event_count WHERE n>0 ORDER BY CASE state"
		"  WHEN 'waiting' THEN 0 WHEN 'running' THEN 1 WHEN 'done' THEN 2 WHEN 'unchanged' THEN 3"
		"  WHEN 'ignored' THEN 4 WHEN 'skipped' THEN 5 WHEN 'dead' THEN 6 ELSE 7 END, type",
		"");
}

bool inbox_next_count(struct state_rows *rows, struct inbox_count *count)
{
	if (!state_next(rows))
		return false;
	*count =
		(struct inbox_count){state_text(rows, 0), state_text(rows, 1), state_number(state_text(rows, 2))};
	return true;
}

struct state_rows inbox_calls(struct state *s)
{
	return state_query(s, "SELECT type, events, crm, patientnow FROM call_count ORDER BY type", "");
}

bool inbox_next_calls(struct state_rows *rows, struct inbox_calls *calls)
{
	if (!state_next(rows))
		return false;
	*calls = (struct inbox_calls){state_text(rows, 0), state_number(state_text(rows, 1)),
		state_number(state_text(rows, 2)), state_number(state_text(rows, 3))};
	return true;
}

int64_t inbox_oldest(struct state *s)
{
	int64_t received = 0;
	state_int(s, &received, "SELECT min(received) FROM inbox WHERE state='waiting'", "");
	return received;
}

struct state_rows inbox_waits(struct state *s)
{
	return state_query(s, "SELECT le, n, ms FROM wait_count ORDER BY le", "");
}

bool inbox_next_waits(struct state_rows *rows, struct inbox_waits *waits)
{
	if (!state_next(rows))
		return false;
	*waits = (struct inbox_waits){state_number(state_text(rows, 0)), state_number(state_text(rows, 1)),
		state_number(state_text(rows, 2))};
	return true;
}

bool inbox_span(struct state *s, int64_t *first, int64_t *last)
{
	*first = *last = 0;
	return state_int(s, first, "SELECT received FROM inbox ORDER BY seq LIMIT 1", "") != STATE_FAILED &&
		   state_int(s, last, "SELECT received FROM inbox ORDER BY seq DESC LIMIT 1", "") != STATE_FAILED;
}

int64_t inbox_worked(struct state *s)
{
	int64_t at = 0;
	state_int(s, &at, "SELECT at FROM attempt WHERE status='done' AND calls>0 ORDER BY seq DESC LIMIT 1", "");
	return at;
}

struct state_rows inbox_unsettled(struct state *s)
{
	return state_query(s,
		"WITH open AS (SELECT * FROM inbox WHERE state IN ('waiting','running')"
		"  UNION ALL SELECT * FROM inbox WHERE state='dead')"
		"SELECT id, state, CASE WHEN state='dead' THEN settled ELSE coalesce((SELECT max(at) FROM attempt"
		"  WHERE event_seq=i.seq AND status='retried'), received) END,"
		"  state='waiting' AND queue IS NOT NULL AND EXISTS (SELECT 1 FROM inbox AS o WHERE o.queue=i.queue"
		"    AND o.seq<i.seq AND o.state IN ('waiting','running')),"
		"  CASE WHEN put_off IS NOT NULL THEN ?1 ELSE a.at END, coalesce(put_off, a.result)"
		"  FROM open AS i LEFT JOIN attempt AS a ON a.seq=(SELECT max(seq) FROM attempt WHERE event_seq=i.seq)"
		"  ORDER BY i.seq",
		"i", when_now_ms());
}

bool inbox_next_unsettled(struct state_rows *rows, struct inbox_unsettled *event)
{
	if (!state_next(rows))
		return false;
	*event = (struct inbox_unsettled){.id = state_text(rows, 0),
		.state = state_text(rows, 1),
		.since = state_number(state_text(rows, 2)),
		.follows = state_number(state_text(rows, 3)),
		.tried = state_number(state_text(rows, 4)),
		.result = state_text(rows, 5)};
	return true;
}

struct state_rows inbox_late(struct state *s)
{
	return state_query(s,
		"SELECT i.id, a.at, a.status, a.result, NOT EXISTS (SELECT 1 FROM attempt AS b"
		"    WHERE b.event_seq=a.event_seq AND b.seq>a.seq AND b.status NOT IN ('retried','dropped'))"
		"  FROM attempt AS a JOIN inbox AS i ON i.seq=a.event_seq"
		"  WHERE a.status NOT IN ('retried','dropped') ORDER BY a.seq DESC",
		"");
}

bool inbox_next_late(struct state_rows *rows, struct inbox_late *late)
{
	if (!state_next(rows))
		return false;
	*late = (struct inbox_late){.id = state_text(rows, 0),
		.at = state_number(state_text(rows, 1)),
		.status = state_text(rows, 2),
		.result = state_text(rows, 3),
		.last = state_number(state_text(rows, 4)) != 0};
	return true;
}

/* Whether a person may change an event that is so; drop: as a dead or waiting one is dropped. */
static enum inbox_changed may_retry(const struct inbox_found *e)
{
	return strcmp(e->state, "running") == 0 ? INBOX_IS_RUNNING : !e->body ? INBOX_IS_PURGED : INBOX_CHANGED;
}

static enum inbox_changed may_drop(const struct inbox_found *e)
{
	if (strcmp(e->state, "running") == 0)
		return INBOX_IS_RUNNING;
	return strcmp(e->state, "waiting") == 0 || strcmp(e->state, "dead") == 0 ? INBOX_CHANGED
																			 : INBOX_IS_SETTLED;
}

/* Writes down what a person decided, as an attempt. */
static bool note(struct state *s, const char *id, int64_t now, const char *status)
{
	struct buf result = {0};
	struct arena a = {0};
	buf_putc(&result, '{');
	buf_member(&result, "id", id);
	buf_member(&result, "status", status);
	buf_member(&result, "reason", "by hand");
	buf_putc(&result, '}');
	bool done = state_do(s,
		"INSERT INTO attempt(event_seq,at,status,result) VALUES((SELECT seq FROM inbox WHERE id=?),?,?,?)",
		"titt", id, now, status, buf_take(&result, &a).p);
	arena_free(&a);
	return done;
}

static bool make_due(struct state *s, const char *id)
{
	int64_t now = when_now_ms();
	return note(s, id, now, "retried") &&
		   state_do(s,
			   "UPDATE inbox SET state='waiting', attempts=0, due=?, run=NULL, settled=NULL, put_off=NULL,"
			   "  failure=NULL WHERE id=?",
			   "it", now, id);
}

static bool make_dropped(struct state *s, const char *id)
{
	int64_t now = when_now_ms();
	return note(s, id, now, "dropped") &&
		   state_do(s,
			   "UPDATE inbox SET state='dropped', run=NULL, settled=?, put_off=NULL, failure=NULL WHERE id=?",
			   "it", now, id);
}

/* Looks at an event and changes it where that may be, in one transaction. */
static enum inbox_changed change(struct state *s, const char *id,
	enum inbox_changed (*may)(const struct inbox_found *e), bool (*make)(struct state *s, const char *id))
{
	struct inbox_found event;
	struct arena a = {0};
	if (!state_begin(s))
		return INBOX_UNWRITTEN;
	enum state_result found = inbox_event(s, &a, id, &event);
	enum inbox_changed changed = found == STATE_ROW    ? may(&event)
								 : found == STATE_NONE ? INBOX_NO_EVENT
													   : INBOX_UNWRITTEN;
	if (changed == INBOX_CHANGED && !make(s, id))
		changed = INBOX_UNWRITTEN;
	state_wake(s);
	if (!state_end(s, changed == INBOX_CHANGED) && changed == INBOX_CHANGED)
		changed = INBOX_UNWRITTEN;
	arena_free(&a);
	return changed;
}

enum inbox_changed inbox_retry(struct state *s, const char *id)
{
	return change(s, id, may_retry, make_due);
}

enum inbox_changed inbox_drop(struct state *s, const char *id)
{
	return change(s, id, may_drop, make_dropped);
}

bool inbox_retry_all(struct state *s, const char *in_states, int64_t *n)
{
	struct arena a = {0};
	*n = 0;
	if (!state_begin(s))
		return false;
	struct id {
		struct id *next;
		const char *id;
	} *ids = NULL, **last = &ids;
	struct state_rows rows = state_query(s,
		"SELECT id FROM inbox WHERE state IN list(?) AND state<>'running' AND body IS NOT NULL ORDER BY seq",
		"t", in_states);
	for (; state_next(&rows); last = &(*last)->next) {
		*last = arena_alloc(&a, sizeof **last);
		(*last)->id = state_copy(&rows, &a, 0);
	}
	bool done = state_done(&rows);
	for (; done && ids; ids = ids->next, ++*n)
		done = make_due(s, ids->id);
	arena_free(&a);
	state_wake(s);
	return state_end(s, done) && done;
}

/* The next so many bodies, behind *seq; *n 0: there are no more. They are looked for before the transaction,
   which is short then. */
static bool purge_some(struct state *s, int64_t before, int64_t *seq, int64_t *n)
{
	struct arena a = {0};
	const char *columns[2] = {0};
	*n = 0;
	bool done = state_run(s, &a, columns,
					"SELECT min(seq), max(seq) FROM (SELECT seq FROM inbox WHERE seq>? AND settled<?"
					"  AND state<>'dead' AND body IS NOT NULL ORDER BY seq LIMIT ?) AS next",
					"iii", *seq, before, (int64_t)PURGE_AT_ONCE) == STATE_ROW;
	if (done && columns[0] && (done = state_begin(s))) {
		int64_t first = state_number(columns[0]);
		*seq = state_number(columns[1]);
		done = state_do(s,
			"UPDATE inbox SET body=NULL WHERE seq>=? AND seq<=? AND settled<? AND state<>'dead'"
			"  AND body IS NOT NULL",
			"iii", first, *seq, before);
		*n = state_changed(s);
		done = state_end(s, done) && done;
	}
	arena_free(&a);
	return done;
}

bool inbox_purge(struct state *s, int64_t before, int64_t *n)
{
	int64_t seq = 0, some = 0, last;
	bool done;
	*n = 0;
	do {
		last = seq;
		done = purge_some(s, before, &seq, &some);
		*n += some;
		state_let_others(s);
	} while (done && seq > last);
	return done;
}

struct state_rows inbox_bodies(struct state *s)
{
	return state_query(s, "SELECT id, subject, text FROM inbox JOIN body ON key=body", "");
}

struct state_rows inbox_of_patient(struct state *s, const char *patient, const char *subjects)
{
	return state_query(s,
		"SELECT id, subject, NULL FROM inbox WHERE patient=?1 OR subject IN list(?2)"
		"  OR seq IN (SELECT event_seq FROM attempt WHERE patient=?1)",
		"tt", patient, subjects);
}

bool inbox_next_body(struct state_rows *rows, struct inbox_body *body)
{
	if (!state_next(rows))
		return false;
	*body = (struct inbox_body){state_text(rows, 0), state_text(rows, 1), str_of(state_text(rows, 2))};
	return true;
}

/* A result without what it says in words; NULL: it says nothing so. */
static const char *without_words(struct arena *a, struct str result)
{
	static const char *const words[] = {
		"reason", "uncategorized", "unmoved", "actions", "warnings", "error", "ignored", "put_off"};
	struct jtext_members members = jtext_members(a, result);
	struct buf less = {0};
	size_t dropped = 0;
	for (size_t i = 0; i < members.n; i++) {
		size_t word = 0;
		while (word < COUNT(words) && !jtext_named(members.at[i].name, words[word]))
			word++;
		if (word < COUNT(words)) {
			dropped++;
			continue;
		}
		buf_puts(&less, less.n ? ",\"" : "{\"");
		buf_add(&less, members.at[i].name);
		buf_puts(&less, "\":");
		buf_add(&less, members.at[i].value);
	}
	buf_puts(&less, less.n ? "}" : "{}");
	const char *text = dropped ? arena_copy(a, buf_str(&less)) : NULL;
	buf_free(&less);
	return text;
}

/* The attempts at these events keep what is not words; *n had some. */
static bool forget_words(struct state *s, const char *events, int64_t *n)
{
	struct arena a = {0};
	bool done = true;
	struct state_rows rows = state_query(s,
		"SELECT seq, result FROM attempt WHERE event_seq IN (SELECT seq FROM inbox WHERE id IN list(?))"
		"  AND status NOT IN ('retried','dropped')",
		"t", events);
	for (; done && state_next(&rows); arena_reset(&a)) {
		const char *less = without_words(&a, str_of(state_text(&rows, 1)));
		if (!less)
			continue;
		done = state_do(
			s, "UPDATE attempt SET result=? WHERE seq=?", "ti", less, state_number(state_text(&rows, 0)));
		++*n;
	}
	arena_free(&a);
	return state_done(&rows) && done;
}

bool inbox_forget(struct state *s, const char *events, struct inbox_forgotten *n)
{
	*n = (struct inbox_forgotten){0};
	if (!state_begin(s))
		return false;
	bool done = state_do(s,
		"UPDATE inbox SET body=NULL WHERE id IN list(?)"
		"  AND settled IS NOT NULL AND state<>'dead' AND body IS NOT NULL",
		"t", events);
	n->bodies = state_changed(s);
	done = done &&
		   state_do(
			   s, "UPDATE inbox SET put_off=NULL WHERE id IN list(?) AND settled IS NOT NULL", "t", events) &&
		   forget_words(s, events, &n->attempts) && told_count_all(s);
	return state_end(s, done) && done;
}

struct state_rows inbox_results(struct state *s, int64_t since, int64_t until)
{
	return state_query(s,
		"SELECT id, type, i.patient, subject, state, received, a.at, a.result,"
		"  CASE WHEN a.seq IS NULL OR a.seq=(SELECT max(seq) FROM attempt WHERE event_seq=i.seq) THEN 1 END"
		"  FROM inbox AS i LEFT JOIN attempt AS a ON a.event_seq=i.seq"
		"  WHERE received>=? AND received<? ORDER BY i.seq, a.seq",
		"ii", since, until);
}

bool inbox_next_result(struct state_rows *rows, struct inbox_answer *answer)
{
	if (!state_next(rows))
		return false;
	*answer = (struct inbox_answer){.id = state_text(rows, 0),
		.type = state_text(rows, 1),
		.patient = state_text(rows, 2),
		.subject = state_text(rows, 3),
		.state = state_text(rows, 4),
		.received = state_number(state_text(rows, 5)),
		.at = state_number(state_text(rows, 6)),
		.result = state_text(rows, 7),
		.last = state_text(rows, 8) != NULL};
	return true;
}

struct state_rows inbox_history(struct state *s, const char *keys)
{
	return state_query(s,
		"WITH key(k) AS (SELECT value FROM list(?1) AS given), found(seq) AS ("
		"  SELECT seq FROM inbox WHERE id IN (SELECT k FROM key)"
		"  UNION SELECT seq FROM inbox WHERE patient IN (SELECT k FROM key)"
		"  UNION SELECT seq FROM inbox WHERE subject IN (SELECT k FROM key"
		"    UNION SELECT 'appointment/'||k FROM key UNION SELECT 'bill/'||k FROM key"
		"    UNION SELECT 'membership/'||k FROM key UNION SELECT 'patient/'||k FROM key"
		"    UNION SELECT 'contact/'||k FROM key)"
		"  UNION SELECT event_seq FROM attempt WHERE contact IN (SELECT k FROM key))"
		"SELECT received, 'received', id, type, patient, subject, NULL, NULL, NULL"
		"  FROM inbox WHERE seq IN (SELECT seq FROM found)"
		"UNION ALL SELECT due, state, id, type, patient, subject, NULL, NULL, put_off"
		"  FROM inbox WHERE seq IN (SELECT seq FROM found) AND state IN ('waiting','running')"
		"UNION ALL SELECT a.at, 'attempt', i.id, i.type, i.patient, i.subject, a.status, a.contact,"
		"  a.result FROM attempt AS a JOIN inbox AS i ON i.seq=a.event_seq WHERE a.event_seq IN"
		"  (SELECT seq FROM found)",
		"t", keys);
}

bool inbox_next_moment(struct state_rows *rows, struct arena *a, struct inbox_moment *moment)
{
	if (!state_next(rows))
		return false;
	*moment = (struct inbox_moment){.at = state_number(state_text(rows, 0)),
		.what = state_copy(rows, a, 1),
		.event = state_copy(rows, a, 2),
		.type = state_copy(rows, a, 3),
		.patient = state_copy(rows, a, 4),
		.subject = state_copy(rows, a, 5),
		.status = state_copy(rows, a, 6),
		.contact = state_copy(rows, a, 7),
		.result = state_copy(rows, a, 8)};
	return true;
}
