/*
 * The CRM's limits: so many requests in an interval, and in a day, for each location. One account of them for
 * all processes that share a state, on however many hosts, so that none of their requests is over a limit.
 */
#ifndef LIMIT_H
#define LIMIT_H

#include <stdbool.h>
#include <stdint.h>

enum {
	LIMIT_INTERVAL_MAX_MS = 3600000, /* a limit holds back no longer, and */
	LIMIT_PAUSE_MAX_S = 86400,       /* a pause does not; */
	LIMIT_ASK_EVERY_S = 3600,        /* in a long one a request asks so often whether it is over */
};

struct limits;
struct limit;
struct state;

/* The account is in a file, mode 0600: beside the state file, STATE-limits; for a state in PostgreSQL in the
   host's own folder (host.h), of what it has leased of the whole. Ends the process with status 73 where it
   cannot be made. At most once in a process, since closing it frees the locks of the whole process. state
   stays the caller's. */
struct limits *limits_open(const char *state);
/* Gives back what is leased, if nobody needs it. */
void limits_close(struct limits *l);

/* A location's limit; it lives as long as the limits. */
struct limit *limits_of(struct limits *l, const char *location);

/* A request that may be made now. For limit_leave only. */
struct limit_turn {
	int slot;
	int64_t busy, in_flight, taken; /* when it began */
	bool asks;                      /* whether a pause is over */
};

/* Waits until one more request is within the limit. One that yields waits while others wait, and leaves them
   what they have needed lately; of the same kind, who waits longest goes first. False: it must not be made
   before *until (milliseconds since 1970), since the day's requests are used up or the CRM asked for a pause
   that is longer than a minute, or the database has not said for so long what is ours. In such a pause one
   request an hour may be made all the same: what the CRM answers to it counts. May be called from any thread.
 */
bool limit_enter(struct limit *l, bool yields, struct limit_turn *turn, int64_t *until);

/* What came of it. -1: the answer does not say. Counts are 1,000,000,000 at most. */
struct limit_told {
	bool sent;           /* it may have reached the CRM */
	long status;         /* 0: no answer */
	long retry_after;    /* LIMIT_PAUSE_MAX_S at most */
	int64_t interval_ms; /* LIMIT_INTERVAL_MAX_MS at most */
	int64_t max, remaining;
	int64_t day_max, day_remaining;
};

/* Ends a turn; must follow each limit_enter that was true. */
void limit_leave(struct limit *l, const struct limit_turn *turn, const struct limit_told *told);

/* What is left of a location's limits. */
struct limit_left {
	bool told; /* the CRM has said its limits; else they are assumed */
	int64_t interval_ms, max, left;
	int64_t day_max, day_left; /* of the day in UTC */
	int64_t pause_ms;          /* the CRM has asked for no request for so long */
};

struct limit_left limit_left(struct limit *l);

/* What is left of a location's limits to all hosts, for who makes no requests: false where nothing is known
   of the location. name is the state's. Not in a process that has the limits open. */
bool limits_look(const char *name, struct state *state, const char *location, struct limit_left *left);

#endif
