/* How long a lookup waits so that the day's calls last. */
#ifndef PACE_H
#define PACE_H

#include "conf/conf.h"
#include "state/forecast.h"

struct pace;

/* conf and state live as long as it does. All functions may be called from any thread. */
struct pace *pace_open(const struct conf *conf, struct state *state);
void pace_close(struct pace *p);

/* One more lookup, of an event_kind or LOOKUP_ALONE. */
void pace_count(struct pace *p, int lookup);

/* For how long the lookups of a list wait for each other: until the first of them has waited for ms, or there
   are so many. For the rest of the lists nobody waits. */
struct pace_wait {
	double share; /* of the lists; 0: nobody waits */
	int64_t ms;
	size_t together;
};
struct pace_wait pace_wait(struct pace *p, enum event_kind kind);

/* Takes the turn of a call that is about to be made, in *wait milliseconds. False: it has none yet, and will
   have one in *wait; 0: the state file cannot be written. */
bool pace_turn(struct pace *p, int64_t *wait);

#endif
