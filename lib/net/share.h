/*
 * A location's limit where several hosts share a state (PostgreSQL's): each host's account of it
 * (allowance.h) uses what it has leased of the whole, slots of the interval and requests of the day. This is
 * the whole: a row for each account, and what an account that asks gets.
 */
#ifndef SHARE_H
#define SHARE_H

#include "state/state.h"

enum {
	SHARE_TERM_MS = 10000,  /* an account begins requests for so long after it asked */
	SHARE_GRACE_MS = 30000, /* the CRM has counted a request by then; what may take longer than -t has */
	SHARE_ASSUMED_MAX = 100,
	SHARE_ASSUMED_INTERVAL_MS = 10000,
	SHARE_ASSUMED_DAY = 200000,
};

/* What an account tells of itself and asks for. Times are milliseconds. */
struct share_asked {
	int64_t account; /* its number, drawn by lot */
	int64_t turn;    /* how many times it has asked; what comes out of turn is void */
	int64_t slots;   /* that it keeps: busy, or not to be given up */
	int64_t live;    /* that it needs for requests that do not yield, and */
	int64_t need;    /* for all */
	int64_t lasts;   /* for so long from now on its slots are its own: term, grace and interval, or, where it
						gives up, until all are cold */
	int64_t day, day_taken, day_left, day_want;    /* requests of that day: made, in hand, wanted in hand */
	bool told;                                     /* the CRM has told since it last asked: */
	int64_t interval, max, day_max, day_remaining; /* 0 the first three, -1 the last: not that */
	bool said;          /* a pause has begun, changed or ended since it last asked: */
	int64_t pause, ask; /* so much longer, and when to ask whether it is over; 0: there is none */
};

struct share_got {
	int64_t now;                          /* the database's clock, since 1970 */
	int64_t slots;                        /* that are the account's now, and */
	int64_t target;                       /* that it should have: what is more it gives up when it can */
	int64_t used;                         /* slots that other accounts use */
	int64_t told, interval, max, day_max; /* what the CRM told last, to whomever, and when; 0: never */
	int64_t said, pause, ask;
	int64_t day, day_more, day_left; /* more in hand; left for all */
};

/* A row of the table crm_share. Moments are milliseconds since 1970 by the database's clock. */
struct share_row {
	int64_t account, turn, until, slots, live, need;
	int64_t day, day_granted;
	int64_t told, interval, max, day_max, day_others; /* others: requests of the day that no account made */
	int64_t said, pause, ask;
};

/* What the account gets, rows being all of the location. Its new row is *mine. False: a later turn of it was
   here before. Arithmetic only. */
bool share_grant(const struct share_row *rows, size_t n, int64_t now, const struct share_asked *asked,
	struct share_row *mine, struct share_got *got);

/* share_grant in the database, in one transaction. False: nothing is known to be the account's but what it
   keeps. */
bool share_lease(
	struct state *s, const char *location, const struct share_asked *asked, struct share_got *got);

/* What of a location is left, as the accounts told last. account 0 asks for nothing, and told 0: nobody has
   asked the CRM yet. False where it cannot be read. */
bool share_look(struct state *s, const char *location, struct share_got *got);

#endif
