/* Lookups that one list can bring wait for each other: one of them asks for it, for all. */
#ifndef GATHER_H
#define GATHER_H

#include "pace.h"

struct gather;

struct gather *gather_open(struct pace *pace);
void gather_close(struct gather *g);

/* Waits until it is time for the list of a kind, or until another thread has had it. True: the caller asks
   for it now, and calls gather_asked then; false: the list has been asked for since the call. *since is when
   the caller's event happened, and then when the first of those did that the list is for. *waited is how long
   that took, in milliseconds. Nobody waits after gather_ended. */
bool gather_wait(struct gather *g, enum event_kind kind, int64_t *since, int64_t *waited);
void gather_asked(struct gather *g, enum event_kind kind);

/* No event comes any more: who waits, waits for nobody. */
void gather_ended(struct gather *g);

#endif
