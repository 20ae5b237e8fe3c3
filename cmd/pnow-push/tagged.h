/* The parts of pnow-push. */
#ifndef TAGGED_H
#define TAGGED_H

#include "conf/conf.h"
#include "conf/options.h"
#include "conf/profile.h"
#include "net/crm.h"
#include "net/patientnow.h"
#include "state/ledger.h"
#include "state/locks.h"
#include "stream/calls.h"
#include "stream/record.h"

struct push {
	const struct conf *conf;
	const struct profile *profile;
	const struct options *options;
	/* Opened when the first tagged contact comes; with -n state is a rehearsal's or NULL, and the others are.
	 */
	struct state *state;
	struct locks *locks;
	struct crm *crm;
	struct patientnow *api;
	struct calls *calls; /* of PatientNow */
};

/* What becomes of a tagged contact. */
enum fate {
	FATE_OPEN,    /* not known yet */
	FATE_FAILED,  /* the record carries the error */
	FATE_IGNORED, /* the record says why */
	FATE_CREATED, /* its patient was made */
	FATE_LINKED,  /* its patient was there already */
	FATE_MISSING, /* something required is not told */
	FATE_SEVERAL, /* more than one patient could be it */
	FATE_REFUSED, /* PatientNow does not take it */
	FATE_UNKNOWN, /* the answer was lost, and there is nothing to look for the patient by */
};

/* A tagged contact on its way. Everything it points to is the record's or its arena's. */
struct tagged {
	struct push *push;
	struct record *r;
	struct arena *a;
	const char *event;      /* its id */
	const char *contact;    /* its id in the CRM */
	const char *location;   /* of its sub-account */
	int64_t session;        /* in which the lock of those who create is (locks.h) */
	bool listed;            /* found by a search, which lags behind and is not believed */
	struct str facts;       /* of the contact, by the names that a patient's have in pnow-event(5) */
	struct str tags;        /* those that ask for a patient, as they are spelled there: a JSON list */
	const char *patient;    /* its id in PatientNow, once known */
	const char *candidates; /* FATE_SEVERAL: their ids */
	unsigned calls;         /* of PatientNow, that it took */
	unsigned crm_calls;
};

/* tagged.c: what follows is for a struct record_loop, with a struct push for its context. */

/* Makes a patient of a tagged contact; other records pass. */
void tagged_record(struct record *r, void *context);
/* Tagged contacts are worked on one after another, by this key; one patient's other events keep their order.
 */
#define TAGGED_KEY "tagged"
const char *tagged_key(const struct record *r, void *context);
/* Whether it is not for us. */
bool tagged_passes(const struct record *r, void *context);
/* Closes what a tagged contact has opened. */
void tagged_close(struct push *p);

/* contact.c */
/* Reads the event: contact, facts, tags. FATE_OPEN, or FATE_IGNORED where no tag asks for a patient. */
enum fate contact_read(struct tagged *t);
/* Reads the contact from the CRM, since it has more than the webhook and is newer; then as contact_read. */
enum fate contact_ask(struct tagged *t);
/* The required facts that are not there, in the front desk's words: "first name, gender"; NULL: none. count
   may be NULL. */
const char *contact_missing(const struct tagged *t, size_t *count);
/* The facts, with {gender} in place of a required one that is not there. */
struct str contact_filled(const struct tagged *t);
/* The record's "contact": the facts, its sub-account, its tags. */
struct str contact_shown(const struct tagged *t);

/* patient.c */
/* Finds or makes the contact's patient, and keeps in the ledger that they belong together. */
enum fate patient_settle(struct tagged *t);
/* What PatientNow is searched by, one after the other, each with the last name. */
extern const char *const patient_sought_by[2];

#endif
