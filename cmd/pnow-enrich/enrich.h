/* What pnow-enrich does to a record. */
#ifndef ENRICH_H
#define ENRICH_H

#include "conf/conf.h"
#include "conf/profile.h"
#include "state/state.h"
#include "stream/calls.h"
#include "stream/record.h"
#include "value/event.h"

struct enrich {
	const struct conf *conf;
	const struct profile *profile;
	struct state *state; /* with -n a rehearsal's, or NULL */
	struct ask *ask;     /* NULL with -n */
	struct calls *calls; /* of PatientNow */
};

/* The type of the event that the record is, or becomes by its name. */
enum event_type enrich_type(const struct record *r, const struct enrich *e);

/* What follows is for a struct record_loop, with a struct enrich for its context; but for enrich_ended, it
   may be called from any thread. */

/* Fills a record in with what its workflow needs. */
void enrich_record(struct record *r, void *context);

/* Events of one patient, or about one thing where the patient is not known, are worked on one after another:
   they keep their order, and the second finds the first one's answer in the cache. */
const char *enrich_key(const struct record *r, void *context);

/* Whether the event tells all that it needs, whatever the CRM knows: PatientNow is asked for nothing, and
   what is kept of its answers stays. */
bool enrich_passes(const struct record *r, void *context);

/* No event comes any more: those that wait to share a list wait for nobody. */
void enrich_ended(void *context);

#endif
