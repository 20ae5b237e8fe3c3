/*
 * The inbox: events that were accepted, until they are settled. Part of the state file; an event is stored
 * when the transaction that added it has ended. Times are milliseconds since 1970.
 */
#ifndef INBOX_H
#define INBOX_H

#include "conf/conf.h"
#include "conf/profile.h"
#include "state/locks.h"
#include "state/state.h"

/* An event on its way in. */
struct inbox_event {
	const char *id;                       /* the sender's delivery id, else a hash of the body */
	bool delivery_id;                     /* id is the sender's: the same id is the same event, for ever */
	const char *type, *patient, *subject; /* as in webhook.h; NULL: it has none */
	struct str line;                      /* the event, one line */
	int64_t received;
};

/* Fills in type, patient and subject, as webhook_read_line finds them in the line. */
void inbox_describe(struct arena *a, const struct profile *profile, struct inbox_event *event);

enum inbox_added {
	INBOX_STORED,
	INBOX_KNOWN, /* this delivery was stored before, or waits already with the same body */
	INBOX_FAILED /* the file cannot be written */
};

/* Stores an event, within a transaction; *id is what it is kept under. A body without an id that still waits
   is not stored again; one that was begun is, under an id of its own, since the second may be news. So is one
   whose delivery id the other sender has used. */
enum inbox_added inbox_add(
	struct state *s, struct arena *a, const struct inbox_event *event, const char **id);

/* An event that is stored with others. */
struct inbox_adding {
	struct inbox_event event;
	struct arena *arena;
	const char *id; /* what it is kept under, then; the event's or the arena's */
};

/* inbox_add of each of them, in this order, but that in a database those whose id is taken come last. False
   where one cannot be stored: none is, once the transaction is taken back. */
bool inbox_add_all(struct state *s, struct inbox_adding *const *all, size_t n);

/* Counts all events, and for how long they were on their way, where neither was counted yet (dump.h). */
bool inbox_count_all(struct state *s);

/* An event given to a run. */
struct inbox_claimed {
	const char *id;
	const char *line;
};

struct inbox_claim {
	struct inbox_claimed *at;
	size_t n;
};

/* Takes up to limit events that are due, of these types (a JSON list, "[]": all), for a run; they are the
   arena's. Never one whose patient has an earlier event that is not settled. */
bool inbox_claim(struct state *s, struct arena *a, const char *run, const char *types, size_t limit,
	struct inbox_claim *claim);

/* What a pipeline answered. */
struct inbox_result {
	const char *id;
	const char *status;  /* done, unchanged, ignored, skipped, failed */
	bool retry;          /* of a failed one */
	int64_t retry_after; /* of such: it was put off for so many seconds, and was not tried; 0: it was tried */
	const char *failure; /* of a failed one: its kind, which many events may have in common */
	const char *patient; /* as the result tells it, or NULL */
	const char *contact;
	struct str line;
};

/* What an event has become. */
struct inbox_settled {
	const char *state; /* NULL: the run has no such event */
	int64_t wait;      /* until it is tried again, milliseconds */
	bool first;        /* it waits for a kind of failure for which none did before */
	const char *over;  /* the kind that it waited for, the last one that did; the arena's, or NULL */
};

/* Settles events of a run, within a transaction: for good, or to be tried again after the next of the
   configuration's waits. One that was put off is as before, but due later. settled has room for n. *waits:
   there are events that wait, or that cannot be told; then who waits for any is woken with the commit. */
bool inbox_settle(struct state *s, struct arena *a, const struct conf *conf, const char *run,
	const struct inbox_result *results, size_t n, struct inbox_settled *settled, bool *waits);

/* Whether an event of these types waits to be tried again, or that cannot be told. */
bool inbox_is_failing(struct state *s, const char *types);

/* The ids of the events of a run that have no result yet. */
struct state_rows inbox_unanswered(struct state *s, const char *run);
/* How many they are. STATE_ROW, or the inbox cannot be read. */
enum state_result inbox_in_flight(struct state *s, const char *run, int64_t *n);
/* When the one of them was claimed that waits longest; INT64_MAX: there is none. */
int64_t inbox_oldest_claim(struct state *s, const char *run);

/* The events of a run whose pipeline has died wait again. */
bool inbox_release(struct state *s, const char *run);

/* The events of runs that have died wait again; self is the caller's own run. *doubtful: one may have died,
   and is to be looked at again in some seconds. */
bool inbox_recover(struct state *s, struct locks *locks, const char *self, bool *doubtful);

/* Whether inbox_claim would find something now. */
bool inbox_is_due(struct state *s, const char *types);
/* Whether something is due, be it behind an event that is not settled, or another run's. */
bool inbox_has_due(struct state *s);
/* Whether any run has an event, or that cannot be told. */
bool inbox_is_running(struct state *s);
/* When the next event of these types is due, after that moment; INT64_MAX: none waits for a later one. */
int64_t inbox_next_due(struct state *s, const char *types, int64_t after);

/* --- For people: what is in it, and what they may change. Rows end with state_done, as all do; their texts
   last until the next row. --- */

/* Whether this is what an event can be: waiting, running, done, unchanged, ignored, skipped, dead, dropped.
 */
bool inbox_is_state(const char *text);

struct inbox_row {
	const char *id;
	const char *type, *subject; /* as in inbox_event */
	const char *patient;        /* the patient's id; NULL: not told, or not yet */
	const char *state;
	int64_t attempts; /* that have failed or settled it */
	int64_t received;
	int64_t due;        /* of a waiting one: not before; of a running one: when it was claimed */
	int64_t settled;    /* 0: it is not */
	const char *result; /* of the last attempt, or why it was put off: JSON; NULL: there is none */
};

/* Which events. */
struct inbox_choice {
	const char *states, *types; /* JSON lists, "[]": all */
	bool warned;                /* only those whose last result has warnings */
	int64_t newest;             /* so many of these; -1: all */
};

/* These events, in the order in which they came. */
struct state_rows inbox_events(struct state *s, const struct inbox_choice *choice);
bool inbox_next_event(struct state_rows *rows, struct inbox_row *row);

/* One event; the texts are the arena's. */
struct inbox_found {
	const char *id, *state;
	const char *body; /* its line; NULL where it was purged */
};
enum state_result inbox_event(struct state *s, struct arena *a, const char *id, struct inbox_found *event);
/* Ids that begin so: six at most. */
struct state_rows inbox_like(struct state *s, struct arena *a, const char *prefix);

/* How many events there are by state and type (NULL: none); in the order of inbox_is_state. */
struct inbox_count {
	const char *state, *type;
	int64_t n;
};
struct state_rows inbox_count(struct state *s);
bool inbox_next_count(struct state_rows *rows, struct inbox_count *count);

/* What the attempts at events of a type have taken of both APIs, as their results tell. */
struct inbox_calls {
	const char *type;
	int64_t events, crm, patientnow;
};
struct state_rows inbox_calls(struct state *s);
bool inbox_next_calls(struct state_rows *rows, struct inbox_calls *calls);

/* When the oldest waiting event was received; 0: none waits. */
int64_t inbox_oldest(struct state *s);

/* For how long events were on their way, each time that one was settled; the shortest first. Not cumulative.
 */
struct inbox_waits {
	int64_t le; /* milliseconds: not longer; INT64_MAX: as long as may be */
	int64_t n;
	int64_t ms; /* their sum */
};
struct state_rows inbox_waits(struct state *s);
bool inbox_next_waits(struct state_rows *rows, struct inbox_waits *waits);

/* When the first and the last event were received; 0: there is none. False where that cannot be told. */
bool inbox_span(struct state *s, int64_t *first, int64_t *last);

/* When an event was last done that took requests of the CRM; 0: none was. */
int64_t inbox_worked(struct state *s);

/* An event that waits, is in a pipeline or is dead. */
struct inbox_unsettled {
	const char *id, *state;
	int64_t since;      /* when it was received, or tried again by hand; of a dead one, when it died */
	bool follows;       /* it waits for an earlier event of its patient */
	int64_t tried;      /* when a pipeline answered last, or put it off for later: now; 0: never */
	const char *result; /* what it answered; NULL: nothing */
};
struct state_rows inbox_unsettled(struct state *s);
bool inbox_next_unsettled(struct state_rows *rows, struct inbox_unsettled *event);

/* What pipelines have answered, the newest first. */
struct inbox_late {
	const char *id; /* the event's */
	int64_t at;
	const char *status, *result;
	bool last; /* nothing has been answered for this event since */
};
struct state_rows inbox_late(struct state *s);
bool inbox_next_late(struct state_rows *rows, struct inbox_late *late);

enum inbox_changed {
	INBOX_CHANGED,
	INBOX_NO_EVENT,
	INBOX_IS_RUNNING, /* a run has it: nothing was changed */
	INBOX_IS_SETTLED, /* drop: for good */
	INBOX_IS_PURGED,  /* retry: there is nothing to try */
	INBOX_UNWRITTEN   /* the file cannot be written */
};

/* The event is due now, as if it had never been tried. */
enum inbox_changed inbox_retry(struct state *s, const char *id);
/* inbox_retry of all in these states (a JSON list) that no run has and whose body is there; *n were changed.
 */
bool inbox_retry_all(struct state *s, const char *states, int64_t *n);
/* Settles a waiting or dead event as "dropped". */
enum inbox_changed inbox_drop(struct state *s, const char *id);
/* Forgets the bodies of what was settled for good before that moment; *n were forgotten. Dead ones keep
   theirs: they may be tried again. What the file holds of them is left to state_scrub. */
bool inbox_purge(struct state *s, int64_t before, int64_t *n);

struct inbox_body {
	const char *id, *subject; /* as in inbox_event */
	struct str line;
};

/* Every event whose body is there. */
struct state_rows inbox_bodies(struct state *s);
/* The events, with or without a body, that are kept as a patient's or whose results name the patient, and
   those about these subjects (a JSON list); without their lines. */
struct state_rows inbox_of_patient(struct state *s, const char *patient, const char *subjects);
bool inbox_next_body(struct state_rows *rows, struct inbox_body *body);
struct inbox_forgotten {
	int64_t bodies, attempts;
};

/* Forgets the bodies of those of these events (a JSON list) that are settled for good, and what the answers
   of pipelines say beside ids, status and counts; *n had something to forget. */
bool inbox_forget(struct state *s, const char *events, struct inbox_forgotten *n);

/* What a pipeline has answered for an event, or a person decided: a line of pnow-inbox results. */
struct inbox_answer {
	const char *id, *type, *patient, *subject, *state; /* as in inbox_row: what the event is now */
	int64_t received;
	int64_t at;         /* when it was answered; 0: it has not been yet */
	const char *result; /* JSON; NULL: there is none yet */
	bool last;          /* of the event */
};

/* All answers for the events that were received from since on and before until, event by event as they came;
   an event without one has a row, too. */
struct state_rows inbox_results(struct state *s, int64_t since, int64_t until);
bool inbox_next_result(struct state_rows *rows, struct inbox_answer *answer);

/* Something that happened to an event. */
struct inbox_moment {
	int64_t at;
	const char *what; /* received, attempt, waiting (due then), running (since then) */
	const char *event, *type, *patient, *subject;
	const char *status;  /* of an attempt */
	const char *contact; /* of an attempt, as far as its result told it */
	const char *result;  /* of an attempt, and of one that was put off and waits: JSON */
};

/* What happened to the events of these keys (a JSON list): each is an event's id, a patient's, a contact's,
   or that of an appointment, bill or membership, alone or as a subject. In no order. */
struct state_rows inbox_history(struct state *s, const char *keys);
/* The next of them; its texts are the arena's. */
bool inbox_next_moment(struct state_rows *rows, struct arena *a, struct inbox_moment *moment);

#endif
