/* The CRM's API: one request and its answer, for the sub-account (location) that is meant. */
#ifndef CRM_H
#define CRM_H

#include "conf/conf.h"
#include "conf/options.h"
#include "net/http.h"
#include "state/state.h"
#include "text/jtext.h"

struct crm;

/* A sub-account's custom fields: what each event needs, and so what shows whether a token is good. */
#define CRM_FIELDS "/locations/%s/customFields?model=contact"
/* What calendars are below; their requests have a Version of their own. */
#define CRM_CALENDARS "/calendars/"

struct crm_location {
	const char *id;
	struct secret *token;           /* NULL: it is got by OAuth, */
	const char *refresh_token_file; /* with this or, NULL, the agency's */
	struct limit *limit;            /* NULL: none is kept */
	struct outage *outage;          /* NULL: none is kept */
};

/* Reads the tokens, and again where their files change (ends the process with status 78 where one is
   missing), and opens the account of the CRM's limits where the configuration has a state file; limit.h says
   why a process does this once. options: requests at once, time-out, -v. With -n no secret is read, and
   crm_call must not be called. state: where it is kept that a token is refused, so that nobody asks in vain;
   NULL: each request is made. */
struct crm *crm_open(const struct conf *conf, struct state *state, const struct options *options);
/* With -v, says what is left of the limits. */
void crm_close(struct crm *c);

/* The sub-account that serves a facility (NULL: none said); *unknown is set where the facility is not in the
   configuration though others are, and the main one serves it. */
const struct crm_location *crm_location(const struct crm *c, const char *facility, bool *unknown);

/* The practice's next sub-account, each once, the main one first; *i is 0 at the start. NULL behind the last.
 */
const struct crm_location *crm_location_next(const struct crm *c, size_t *i);
/* The sub-account with this id; NULL where the configuration has none. */
const struct crm_location *crm_location_with(const struct crm *c, const char *id);

struct crm_request {
	const char *method;
	const char *path; /* with its query, from the / on */
	struct str body;  /* JSON; p NULL: none */
	bool repeatable;  /* doing it twice does no harm */
	bool yields;      /* it gives way to those that do not: a backfill's */
	/* Asked before each time that it is sent, when its turn has come: whether the caller may still do this,
	   and has written down that it does. NULL: it may. */
	bool (*may)(void *context);
	/* Told after each time that certainly had no effect; it may be sent again. NULL: nobody cares. */
	void (*undone)(void *context);
	void *context;
};

struct crm_answer {
	enum http_outcome outcome;
	long status;     /* 0 where there is no answer */
	struct str body; /* JSON, checked; p NULL: none */
	const char
		*error;       /* where it did not succeed: what to tell people. Holds no text of the request's body */
	const char *code; /* and in a word: refused, rejected, not_found, unavailable, limited, lost */
	bool retry;       /* and whether it can work later */
	int64_t retry_after; /* in so many seconds, and this was no try; 0: it was */
	unsigned calls;
	double ms;
	struct str headers; /* of the answer */
	bool stopped; /* the caller may not do this any more: not sent (again); what is known of it, and what is
					 written down, is to be left as it is, since it may be another's by now */
};

/* Makes the request, as soon as the location's limits allow it; once more with another token where there is
   one and the first is refused, since then it had no effect. While the token is refused
   whatever it is used for (outage.h), it is not made. A status from 200 to 299 with JSON has error
 * NULL. */
struct crm_answer crm_call(
	struct crm *c, struct arena *a, const struct crm_location *location, const struct crm_request *request);

/* Whether an answer says that what the path names is not in the CRM (any more). */
bool crm_gone(struct arena *a, const struct crm_answer *answer);

#endif
