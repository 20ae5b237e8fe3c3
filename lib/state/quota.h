/* Calls a day, counted in the state file where every process of the host sees them. */
#ifndef QUOTA_H
#define QUOTA_H

#include "state/state.h"
#include "value/when.h"

/* Takes one call of today's (UTC), and tells the day; false where limit calls were made, or none can be
   counted: quota_used is less than limit then. */
bool quota_take(struct state *s, const char *api, int64_t limit, char day[static WHEN_DATE]);

/* Gives one back that was taken on that day and was not made. A failure is no error: it counts as made. */
void quota_give(struct state *s, const char *api, const char *day);

/* How many of today's were taken. */
int64_t quota_used(struct state *s, const char *api);

/* Calls that are to last. Times in milliseconds since 1970. */
struct quota_span {
	int64_t left;    /* calls */
	int64_t ms;      /* for so long they are to last */
	int64_t settled; /* when those that were made would all be due, had each kept its distance */
};

enum { QUOTA_PATIENCE_MS = 20 * 1000 };

/* Takes one of these calls, to be made in *wait milliseconds: QUOTA_PATIENCE_MS at most. False: it is not
   taken, and can be in *wait. After a quiet while some may be made at once; each that follows waits a little
   longer than the one before, until they come no faster than one by one. */
bool quota_spread(struct quota_span *span, int64_t now, int64_t *wait);

/* quota_spread among all processes; of the span only left and ms are the caller's. False with *wait 0: the
   state file cannot be written. */
bool quota_turn(struct state *s, const char *api, struct quota_span span, int64_t *wait);

/* Whether a person runs this command: standard error is a terminal. Some calls are kept for people. */
bool quota_is_for_people(void);

/* Milliseconds until the day's calls begin anew: midnight, UTC. */
int64_t quota_day_left(int64_t now);

#endif
