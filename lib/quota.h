/* Calls a day, counted in the state file where every process of the host sees them. */
#ifndef QUOTA_H
#define QUOTA_H

#include "state.h"

/* Takes one call of today's (UTC); false where limit calls were made, or none can be counted. */
bool quota_take(struct state *s, const char *api, int64_t limit);

/* How many of today's were taken. */
int64_t quota_used(struct state *s, const char *api);

#endif
