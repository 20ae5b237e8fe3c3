/*
 * The inbox for people: what is in it, what happened, and the little that may be changed by hand. Nothing
 * here takes an event from a run that has it, and whatever a person decides is written down as an attempt is.
 */
#include "state/inbox.h"
#include "value/when.h"

#include <stdint.h>
#include <stdlib.h>

enum { PURGE_AT_ONCE = 1000 }; /* bodies in one transaction: others write in between */

static const char *const states[] = {
	"waiting", "running", "done", "unchanged", "ignored", "skipped", "dead", "dropped"};

static int64_t number(const char *text)
{
	return text ? strtoll(text, NULL, 10) : 0;
}

bool inbox_is_state(const char *text)
{
	for (size_t i = 0; i < sizeof states / sizeof *states; i++)
		if (strcmp(states[i], text) == 0)
			return true;
	return false;
}

/* id, type, patient, subject, state, attempts, received, due, settled, whether it was purged */
static struct inbox_row row_of(const char **columns)
{
	return (struct inbox_row){.id = columns[0],
		.type = columns[1],
		.patient = columns[2],
		.subject = columns[3],
		.state = columns[4],
		.attempts = number(columns[5]),
		.received = number(columns[6]),
		.due = number(columns[7]),
		.settled = number(columns[8]),
		.purged = number(columns[9]) != 0};
}

struct row_reader {
	void (*each)(const struct inbox_row *row, void *context);
	void *context;
};

static void pass_row(const char **columns, void *context)
{
	struct row_reader *reader = context;
	struct inbox_row row = row_of(columns);
	reader->each(&row, reader->context);
}

bool inbox_events(struct state *s, struct arena *a, const char *in_states, const char *types, int64_t newest,
	void (*each)(const struct inbox_row *row, void *context), void *context)
{
	struct row_reader reader = {each, context};
	return state_each(s, a, pass_row, &reader,
			   "SELECT id, type, patient, subject, state, attempts, received, due, settled, body IS NULL"
			   "  FROM inbox WHERE (?1='[]' OR state IN (SELECT value FROM json_each(?1)))"
			   "  AND (?2='[]' OR type IN (SELECT value FROM json_each(?2)))"
			   "  AND seq>=CASE WHEN ?3<0 THEN 0 ELSE coalesce((SELECT min(seq) FROM (SELECT seq FROM inbox"
			   "    WHERE (?1='[]' OR state IN (SELECT value FROM json_each(?1)))"
			   "    AND (?2='[]' OR type IN (SELECT value FROM json_each(?2)))"
			   "    ORDER BY seq DESC LIMIT ?3)), 0) END ORDER BY seq",
			   "tti", in_states, types, newest) != STATE_FAILED;
}

enum state_result inbox_event(
	struct state *s, struct arena *a, const char *id, struct inbox_row *row, const char **line)
{
	const char *columns[11] = {0};
	enum state_result found = state_run(s, a, columns,
		"SELECT id, type, patient, subject, state, attempts, received, due, settled, body IS NULL, body"
		"  FROM inbox WHERE id=?",
		"t", id);
	*row = row_of(columns);
	*line = columns[10];
	return found;
}

struct id_reader {
	void (*each)(const char *id, void *context);
	void *context;
};

static void pass_id(const char **columns, void *context)
{
	struct id_reader *reader = context;
	reader->each(columns[0], reader->context);
}

bool inbox_like(struct state *s, struct arena *a, const char *prefix,
	void (*each)(const char *id, void *context), void *context)
{
	struct id_reader reader = {each, context};
	return state_each(s, a, pass_id, &reader,
			   "SELECT id FROM inbox WHERE id>=?1 AND substr(id,1,length(?1))=?1 AND id<?1||char(1114111)"
			   "  ORDER BY id LIMIT 6",
			   "t", prefix) != STATE_FAILED;
}

struct count_reader {
	void (*each)(const char *state, const char *type, int64_t n, void *context);
	void *context;
};

static void pass_count(const char **columns, void *context)
{
	struct count_reader *reader = context;
	reader->each(columns[0], columns[1], number(columns[2]), reader->context);
}

bool inbox_count(struct state *s, struct arena *a,
	void (*each)(const char *state, const char *type, int64_t n, void *context), void *context)
{
	struct count_reader reader = {each, context};
	return state_each(s, a, pass_count, &reader,
			   "SELECT state, type, count(*) FROM inbox GROUP BY state, type"
			   "  ORDER BY instr('waiting running done unchanged ignored skipped dead dropped', state), type",
			   "") != STATE_FAILED;
}

struct calls_reader {
	void (*each)(const struct inbox_calls *calls, void *context);
	void *context;
};

static void pass_calls(const char **columns, void *context)
{
	struct calls_reader *reader = context;
	struct inbox_calls calls = {columns[0], number(columns[1]), number(columns[2]), number(columns[3])};
	reader->each(&calls, reader->context);
}

bool inbox_calls(struct state *s, struct arena *a,
	void (*each)(const struct inbox_calls *calls, void *context), void *context)
{
	struct calls_reader reader = {each, context};
	return state_each(s, a, pass_calls, &reader,
			   "SELECT i.type, count(DISTINCT i.id), coalesce(sum(json_extract(a.result,'$.calls')), 0),"
			   "  coalesce(sum(json_extract(a.result,'$.patientnow_calls')), 0)"
			   "  FROM attempt AS a JOIN inbox AS i ON i.id=a.event"
			   "  WHERE i.type IS NOT NULL AND a.status NOT IN ('retried','dropped') GROUP BY i.type",
			   "") != STATE_FAILED;
}

int64_t inbox_oldest(struct state *s)
{
	const char *received = NULL;
	struct arena a = {0};
	state_run(s, &a, &received, "SELECT min(received) FROM inbox WHERE state='waiting'", "");
	int64_t at = number(received);
	arena_free(&a);
	return at;
}

/* Whether a person may change an event that is so; drop: as a dead or waiting one is dropped. */
static enum inbox_changed may_retry(const struct inbox_row *row)
{
	return strcmp(row->state, "running") == 0 ? INBOX_IS_RUNNING
		   : row->purged                      ? INBOX_IS_PURGED
											  : INBOX_CHANGED;
}

static enum inbox_changed may_drop(const struct inbox_row *row)
{
	if (strcmp(row->state, "running") == 0)
		return INBOX_IS_RUNNING;
	return strcmp(row->state, "waiting") == 0 || strcmp(row->state, "dead") == 0 ? INBOX_CHANGED
																				 : INBOX_IS_SETTLED;
}

static bool make_due(struct state *s, const char *id)
{
	int64_t now = when_now_ms();
	return state_run(s, NULL, NULL,
			   "INSERT INTO attempt(event,at,status,result)"
			   "  VALUES(?1,?2,'retried',json_object('id',?1,'status','retried','reason','by hand'))",
			   "ti", id, now) != STATE_FAILED &&
		   state_run(s, NULL, NULL,
			   "UPDATE inbox SET state='waiting', attempts=0, due=?, run=NULL, settled=NULL WHERE id=?", "it",
			   now, id) != STATE_FAILED;
}

static bool make_dropped(struct state *s, const char *id)
{
	int64_t now = when_now_ms();
	return state_run(s, NULL, NULL,
			   "INSERT INTO attempt(event,at,status,result)"
			   "  VALUES(?1,?2,'dropped',json_object('id',?1,'status','dropped','reason','by hand'))",
			   "ti", id, now) != STATE_FAILED &&
		   state_run(s, NULL, NULL, "UPDATE inbox SET state='dropped', run=NULL, settled=? WHERE id=?", "it",
			   now, id) != STATE_FAILED;
}

/* Looks at an event and changes it where that may be, in one transaction. */
static enum inbox_changed change(struct state *s, const char *id,
	enum inbox_changed (*may)(const struct inbox_row *row), bool (*make)(struct state *s, const char *id))
{
	struct inbox_row row;
	const char *line = NULL;
	struct arena a = {0};
	if (!state_begin(s))
		return INBOX_UNWRITTEN;
	enum state_result found = inbox_event(s, &a, id, &row, &line);
	enum inbox_changed changed = found == STATE_ROW    ? may(&row)
								 : found == STATE_NONE ? INBOX_NO_EVENT
													   : INBOX_UNWRITTEN;
	if (changed == INBOX_CHANGED && !make(s, id))
		changed = INBOX_UNWRITTEN;
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
	const char *count = NULL;
	struct arena a = {0};
	int64_t now = when_now_ms();
	if (!state_begin(s))
		return false;
	bool done =
		state_run(s, &a, &count,
			"SELECT count(*) FROM inbox WHERE state IN (SELECT value FROM json_each(?)) AND state<>'running'"
			"  AND body IS NOT NULL",
			"t", in_states) != STATE_FAILED &&
		state_run(s, NULL, NULL,
			"INSERT INTO attempt(event,at,status,result) SELECT id, ?2, 'retried',"
			"  json_object('id',id,'status','retried','reason','by hand') FROM inbox"
			"  WHERE state IN (SELECT value FROM json_each(?1)) AND state<>'running' AND body IS NOT NULL",
			"ti", in_states, now) != STATE_FAILED &&
		state_run(s, NULL, NULL,
			"UPDATE inbox SET state='waiting', attempts=0, due=?2, run=NULL, settled=NULL"
			"  WHERE state IN (SELECT value FROM json_each(?1)) AND state<>'running' AND body IS NOT NULL",
			"ti", in_states, now) != STATE_FAILED;
	*n = number(count);
	arena_free(&a);
	return state_end(s, done) && done;
}

/* The next so many bodies, behind *seq; *n 0: there are no more. */
static bool purge_some(struct state *s, int64_t before, int64_t *seq, int64_t *n)
{
	const char *columns[2] = {0};
	struct arena a = {0};
	if (!state_begin(s))
		return false;
	bool done = state_run(s, &a, columns,
					"SELECT count(*), max(seq) FROM (SELECT seq FROM inbox WHERE seq>? AND settled<? AND "
					"state<>'dead'"
					"  AND body IS NOT NULL ORDER BY seq LIMIT ?)",
					"iii", *seq, before, (int64_t)PURGE_AT_ONCE) != STATE_FAILED &&
				state_run(s, NULL, NULL,
					"UPDATE inbox SET body=NULL WHERE seq>? AND seq<=? AND settled<? AND state<>'dead'"
					"  AND body IS NOT NULL",
					"iii", *seq, number(columns[1]), before) != STATE_FAILED;
	*n = number(columns[0]);
	*seq = number(columns[1]);
	arena_free(&a);
	return state_end(s, done) && done;
}

bool inbox_purge(struct state *s, int64_t before, int64_t *n)
{
	int64_t seq = 0, some = 0;
	bool done = true;
	*n = 0;
	while (done && (done = purge_some(s, before, &seq, &some)) && some > 0)
		*n += some;
	return done;
}

struct body_reader {
	void (*each)(const struct inbox_body *body, void *context);
	void *context;
};

static void pass_body(const char **columns, void *context)
{
	struct body_reader *reader = context;
	reader->each(&(struct inbox_body){columns[0], columns[1], str_of(columns[2])}, reader->context);
}

bool inbox_bodies(struct state *s, struct arena *a,
	void (*each)(const struct inbox_body *body, void *context), void *context)
{
	struct body_reader reader = {each, context};
	return state_each(s, a, pass_body, &reader, "SELECT id, subject, body FROM inbox WHERE body IS NOT NULL",
			   "") != STATE_FAILED;
}

bool inbox_of_patient(struct state *s, struct arena *a, const char *patient, const char *subjects,
	const char *contacts, void (*each)(const struct inbox_body *body, void *context), void *context)
{
	struct body_reader reader = {each, context};
	return state_each(s, a, pass_body, &reader,
			   "SELECT id, subject, NULL FROM inbox WHERE patient=?1"
			   "  OR subject IN (SELECT value FROM json_each(?2))"
			   "  OR id IN (SELECT event FROM attempt"
			   "    WHERE CAST(json_extract(result,'$.patient_id') AS TEXT)=?1)"
			   "  OR EXISTS(SELECT 1 FROM json_each(?3) WHERE instr(body, json_quote(value))>0)",
			   "ttt", patient, subjects, contacts) != STATE_FAILED;
}

static void count_row(const char **columns, void *context)
{
	int64_t *n = context;
	(void)columns;
	++*n;
}

bool inbox_forget(struct state *s, const char *events, struct inbox_forgotten *n)
{
	struct arena a = {0};
	*n = (struct inbox_forgotten){0};
	if (!state_begin(s))
		return false;
	bool done = state_each(s, &a, count_row, &n->bodies,
					"UPDATE inbox SET body=NULL WHERE id IN (SELECT value FROM json_each(?))"
					"  AND settled IS NOT NULL AND state<>'dead' AND body IS NOT NULL RETURNING 1",
					"t", events) != STATE_FAILED &&
				state_each(s, &a, count_row, &n->attempts,
					"UPDATE attempt SET result=less FROM (SELECT rowid AS which, json_remove(result,"
					"    '$.reason','$.actions','$.warnings','$.error','$.ignored') AS less FROM attempt"
					"    WHERE event IN (SELECT value FROM json_each(?)) AND status NOT IN "
					"('retried','dropped'))"
					"  WHERE attempt.rowid=which AND result<>less RETURNING 1",
					"t", events) != STATE_FAILED;
	arena_free(&a);
	return state_end(s, done) && done;
}

struct moment_reader {
	void (*each)(const struct inbox_moment *moment, void *context);
	void *context;
};

/* at, what, event, type, patient, subject, status, contact, result */
static void pass_moment(const char **columns, void *context)
{
	struct moment_reader *reader = context;
	reader->each(&(struct inbox_moment){.at = number(columns[0]),
					 .what = columns[1],
					 .event = columns[2],
					 .type = columns[3],
					 .patient = columns[4],
					 .subject = columns[5],
					 .status = columns[6],
					 .contact = columns[7],
					 .result = columns[8]},
		reader->context);
}

bool inbox_history(struct state *s, struct arena *a, const char *keys,
	void (*each)(const struct inbox_moment *moment, void *context), void *context)
{
	struct moment_reader reader = {each, context};
	return state_each(s, a, pass_moment, &reader,
			   "WITH key(k) AS (SELECT value FROM json_each(?1)), found(id) AS ("
			   "  SELECT id FROM inbox WHERE id IN (SELECT k FROM key)"
			   "  UNION SELECT id FROM inbox WHERE patient IN (SELECT k FROM key)"
			   "  UNION SELECT id FROM inbox WHERE subject IN (SELECT k FROM key UNION SELECT "
			   "'appointment/'||k "
			   "FROM key"
			   "    UNION SELECT 'bill/'||k FROM key UNION SELECT 'membership/'||k FROM key"
			   "    UNION SELECT 'patient/'||k FROM key UNION SELECT 'contact/'||k FROM key)"
			   "  UNION SELECT event FROM attempt WHERE contact IN (SELECT k FROM key))"
			   "SELECT received, 'received', id, type, patient, subject, NULL, NULL, NULL"
			   "  FROM inbox WHERE id IN (SELECT id FROM found)"
			   "UNION ALL SELECT due, state, id, type, patient, subject, NULL, NULL, NULL"
			   "  FROM inbox WHERE id IN (SELECT id FROM found) AND state IN ('waiting','running')"
			   "UNION ALL SELECT a.at, 'attempt', a.event, i.type, i.patient, i.subject, a.status, "
			   "a.contact, "
			   "a.result"
			   "  FROM attempt AS a JOIN inbox AS i ON i.id=a.event WHERE a.event IN (SELECT id FROM found)",
			   "t", keys) != STATE_FAILED;
}
