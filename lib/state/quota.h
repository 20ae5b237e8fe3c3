/* Calls a day, counted in the state file where every process of the host sees them. */
#ifndef QUOTA_H
#define QUOTA_H

#include "state/state.h"

/* Takes one call of today's (UTC); false where limit calls were made, or none can be counted:
   quota_used is less than limit then. */
bool quota_take(struct state *s, const char *api, int64_t limit);

/* How many of today's were taken. */
int64_t quota_used(struct state *s, const char *api);

/* A share of the day's calls that is to last. Times in milliseconds since 1970. */
struct quota_share {
	int64_t calls;   /* in a day (UTC) */
	int64_t made;    /* today */
	int64_t settled; /* when the calls that were made would all be due, had each kept its distance */
};

enum { QUOTA_PATIENCE_MS = 20 * 1000 };

/* Takes a call of the share, to be made in *wait milliseconds: QUOTA_PATIENCE_MS at most. False: it is not
   taken, and can be in *wait. After a quiet while some may be made at once; each that follows waits a little
   longer than the one before, until they come no faster than one by one what is left of the share over the
   next eight hours, or until midnight. */
bool quota_spread(struct quota_share *share, int64_t now, int64_t *wait);

/* quota_spread of a share that all processes have in common. False with *wait 0: it cannot be counted. */
bool quota_share(struct state *s, const char *api, int64_t calls, int64_t *wait);

#endif
