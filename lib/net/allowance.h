/*
 * What a location's limits leave to us, given the time: slots of the interval, the day, pauses, who goes
 * first. The arithmetic of limit.h, without a clock, a lock or a file: those are limit.c's, which alone calls
 * this.
 */
#ifndef ALLOWANCE_H
#define ALLOWANCE_H

#include "net/limit.h"
#include "net/share.h"

#include <stdatomic.h>

enum {
	ALLOWANCE_SLOTS = 2048, /* a limit that is higher holds up nobody */
	ALLOWANCE_WAITERS = 1024,
};

/* Busy while it has an owner (the request is under way), and until a moment. */
struct allowance_slot {
	_Atomic int64_t until;
	_Atomic int32_t owner; /* the number of a process; 0: nobody */
	_Atomic int32_t live;  /* it does not yield */
};

struct allowance_waiter {
	_Atomic int64_t ticket; /* 0: nobody */
	_Atomic int64_t seen;
	_Atomic int64_t yields;
};

/* What this account has of a limit that hosts share (share.h). All zero: the limit is this host's alone. */
struct allowance_lease {
	_Atomic int64_t account, turn;
	_Atomic int64_t slots, until; /* so many, until then, and it should have */
	_Atomic int64_t target;
	_Atomic int64_t asked, failed; /* when the database was asked last; since when it does not answer, or 0 */
	_Atomic int64_t need, used;    /* slots that it was told are needed; that other accounts use */
	_Atomic int64_t active;        /* when somebody last wanted a request */
	_Atomic int64_t told, fresh;   /* the database's moment of it; an answer has told since it was asked */
	_Atomic int64_t said, news;    /* when a pause was said last, and whether it is news */
	_Atomic int64_t day_taken, day_remaining, day_left, day_over; /* day_left: of all accounts' */
	_Atomic int64_t ahead; /* of our clock is the database's, milliseconds */
};

/* As it is in the file. All zero is a location that nothing is known of. Times are microseconds since the
   machine was started, but for the day's. */
struct allowance {
	_Atomic int64_t told, interval, max;
	_Atomic int64_t latest; /* when somebody looked last */
	_Atomic int64_t trial;  /* when a request went out alone */
	_Atomic int64_t pause;  /* asked for by the CRM */
	_Atomic int64_t taken, tickets;
	_Atomic int64_t
		yields_from; /* requests that yield come evenly, so that a slot is always about to be free */
	_Atomic int64_t live, live_at;                      /* as many slots others had at once, then */
	_Atomic int64_t buried;                             /* when the slots of the dead were looked for */
	_Atomic int64_t day, day_max, day_left, day_closed; /* days, milliseconds since 1970 */
	_Atomic int64_t slots_used;                         /* slots behind that many are free */
	struct allowance_slot slots[ALLOWANCE_SLOTS];
	struct allowance_waiter waiters[ALLOWANCE_WAITERS];
	_Atomic int64_t ask; /* in a long pause: when the next request may ask whether it is over */
	struct allowance_lease lease;
	_Atomic int64_t queued; /* when somebody last was in the queue */
};

struct moment {
	int64_t us; /* since the machine was started */
	int64_t ms; /* since 1970 */
};

/* A request that wants to be made. */
struct allowance_request {
	int32_t owner; /* the number of its process */
	bool yields;
	int64_t ticket; /* its place in the queue: allowance_ask's, 0 at first */
	int at;
};

/* Whether the numbers can be true: a power cut may have left anything in the file. */
bool allowance_is_sound(const struct allowance *a);

/* To be called before any of what follows. Times that a machine which was started anew has from before are
   forgotten, and none is later than it can have become by what was told. */
void allowance_wake(struct allowance *a, struct moment now);

/* Whether a request may be made. True: it has its turn, which allowance_end ends. False: ask again in *wait
   microseconds, half a millisecond to 0.1 s, or, where that is 0, it must not be made before *until
   (milliseconds since 1970). */
bool allowance_ask(struct allowance *a, struct allowance_request *request, struct moment now,
	struct limit_turn *turn, int64_t *wait, int64_t *until);

/* Ends a turn: what the answer says counts from then on. */
void allowance_end(
	struct allowance *a, const struct limit_turn *turn, const struct limit_told *told, struct moment now);

/* The slots of owners who are no more become free when what they sent is surely counted no longer. */
void allowance_bury(struct allowance *a, struct moment now,
	bool (*is_dead)(const void *context, int32_t owner), const void *context);

/* Makes the allowance one of several: it may use only what it is given from now on. account is its number
   where it has none yet. */
void allowance_share(struct allowance *a, int64_t account);

/* Whether it is time to ask for a share, or to give it back (leaves: at once, where nobody uses it); then
   what to ask, which allowance_got follows. */
bool allowance_asks(struct allowance *a, struct moment now, bool leaves, struct share_asked *asked);

/* What came of asking, which began then. got NULL: nothing. */
void allowance_got(struct allowance *a, const struct share_asked *asked, const struct share_got *got,
	int64_t began, struct moment now);

struct limit_left allowance_left(const struct allowance *a, struct moment now);

#endif
