/*
 * An API that does not take our secret: a token that was revoked or has expired, a password that was changed.
 * Until it takes it again, or there is another, nothing is sent but one question now and then; what waits is
 * put off, and has not been tried. It is in the state file, so that all processes know of it, and that it has
 * begun or is over is said once on standard error, by the process that finds out.
 */
#ifndef OUTAGE_H
#define OUTAGE_H

#include "state/state.h"

struct outage;

/* api: who refuses, for people and in the state file: "PatientNow"; secret: what is refused and where it is:
   "the token in FILE". All live as long as it does. state NULL: there are no outages, and it is NULL. */
struct outage *outage_open(struct state *state, const char *api, const char *secret);
void outage_close(struct outage *o);

/* What an answer tells of the secret. */
enum outage_verdict {
	OUTAGE_UNTOLD, /* nothing: none came, or it is of the server's own trouble, or of too many requests */
	OUTAGE_TAKEN,
	OUTAGE_REFUSED,
};
/* By an answer's status; 0: none came. */
enum outage_verdict outage_verdict(long status);

/* What of ours the API is to take now. */
struct outage_try {
	const char *secret; /* nothing of it can be told from what is kept */
	/* Asks something that the secret is good for whatever else may be wrong. NULL: there is nothing to ask,
	   and the next request tells. */
	enum outage_verdict (*ask)(void *context);
	void *context;
};

/* Whether there is an outage; then outage_wait must be asked before a request is made. */
bool outage_stands(struct outage *o);
/* Seconds until a request may be made; 0: it may now. Asks where it is time to; a command that a person runs
   asks at once. */
int64_t outage_wait(struct outage *o, const struct outage_try *t);
/* A request was refused; 0: that is the request's own trouble, since the secret is good or nothing can be
   told of it; else there is an outage, and the request may be made again in so many seconds. */
int64_t outage_refused(struct outage *o, const struct outage_try *t);
/* A request that outage_wait has let through shows that the secret is taken: the outage is over. */
void outage_over(struct outage *o);

/* Those that stand. */
struct outage_known {
	const char *api;
	int64_t since;
};
struct state_rows outages(struct state *s);
bool outages_next(struct state_rows *rows, struct outage_known *known);

#endif
