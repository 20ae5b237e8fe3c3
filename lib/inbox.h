/*
 * The inbox: events that were accepted, until they are settled. Part of the state file; an event is stored
 * when the transaction that added it has ended. Times are milliseconds since 1970.
 */
#ifndef INBOX_H
#define INBOX_H

#include "conf.h"
#include "locks.h"
#include "profile.h"
#include "state.h"
#include "webhook.h"

/* An event on its way in. */
struct inbox_event {
	const char *id;      /* the sender's delivery id, else a hash of the body */
	bool delivery_id;    /* id is the sender's: the same id is the same event, for ever */
	const char *type;    /* NULL: a name that nothing maps */
	const char *patient; /* what keeps its order: a patient's id, else appointment/88123 and the like; NULL:
							nothing */
	const char *subject; /* what it is about: appointment/88123; NULL: not told */
	struct str line;     /* the event, one line */
	int64_t received;
};

/* Finds type, patient and subject of an event's line (checked JSON), through the profile where only its
 * payload tells. */
void inbox_describe(struct arena *a, const struct profile *profile, struct inbox_event *event);

enum inbox_added {
	INBOX_STORED,
	INBOX_KNOWN, /* this delivery was stored before, or waits already with the same body */
	INBOX_FAILED /* the file cannot be written */
};

/* Stores an event; *id is what it is kept under. A body without an id that still waits is not stored again;
   one that was begun is, under an id of its own, since the second may be news. */
enum inbox_added inbox_add(
	struct state *s, struct arena *a, const struct inbox_event *event, const char **id);

/* An event given to a run. */
struct inbox_claimed {
	const char *id;
	const char *line;
};

/* Takes up to limit events that are due, of these types (a JSON list, "[]": all), for a run; each() is called
   for each. Never one whose patient has an earlier event that is not settled. */
bool inbox_claim(struct state *s, struct arena *a, const char *run, const char *types, size_t limit,
	void (*each)(const struct inbox_claimed *event, void *context), void *context);

/* What a pipeline answered. */
struct inbox_result {
	const char *id;
	const char *status;  /* done, unchanged, ignored, skipped, failed */
	bool retry;          /* of a failed one */
	const char *patient; /* as the result tells it, or NULL */
	const char *contact;
	struct str line;
};

/* Settles an event of a run: for good, or to be tried again after the next of the configuration's waits.
   *state is what it has become; NULL where the run has no such event. */
bool inbox_settle(struct state *s, const struct conf *conf, const char *run,
	const struct inbox_result *result, const char **state);

/* The events of a run whose pipeline has died wait again. */
bool inbox_release(struct state *s, const char *run);

/* The events of runs that have died wait again; self is the caller's own run. */
bool inbox_recover(struct state *s, struct locks *locks, const char *self);

/* When the next event of these types is due, after that moment; INT64_MAX: none waits for a later one. */
int64_t inbox_next_due(struct state *s, const char *types, int64_t after);

#endif
