/* Lookups that one list can bring wait for each other: one of them asks for it, for all. */
#ifndef GATHER_H
#define GATHER_H

#include "pace.h"

struct gather;

struct gather *gather_open(struct pace *pace);
void gather_close(struct gather *g);

/* A lookup that waits for a list. */
struct gathering {
	int64_t
		since; /* when its event happened; then, when it is to ask, the first of those that the list is for */
	int64_t came;   /* when it began to wait (waits_now); 0: it has not */
	int64_t waited; /* so far, milliseconds */
};

enum gather_turn {
	GATHER_ASK,  /* the caller asks for the list now, and calls gather_asked then */
	GATHER_LOOK, /* a list is there that was begun before the call: it may have what is wanted, else wait
					again */
	GATHER_HAD,  /* a list is there that was begun since: it had what there is */
};

/* Waits until it is time for the list of a kind, or until another thread has had one. Nobody waits after
   gather_ended. */
enum gather_turn gather_wait(struct gather *g, enum event_kind kind, struct gathering *w);
void gather_asked(struct gather *g, enum event_kind kind);

/* No event comes any more: who waits, waits for nobody. */
void gather_ended(struct gather *g);

#endif
