/* The parts of pnow-enrich. */
#ifndef ENRICH_H
#define ENRICH_H

#include "jtext.h"
#include "patientnow.h"
#include "record.h"

struct enrich {
	const struct conf *conf;
	const struct profile *profile;
	struct state *state;
	struct patientnow *api; /* NULL with -n */
};

/* Where a fact may stand: an object, and how the profile finds our facts in it (fields NULL: under our own
 * names). */
struct source {
	struct str body;
	const struct profile_fields *fields;
};

enum { SOURCES = 3 }; /* what the record has already, the webhook's body, what was fetched */

struct sources {
	struct source at[SOURCES]; /* tried in order; a body with p NULL is passed over */
};

/* The facts of one kind as pnow-event(5) has them, taken from the sources: the object's text, or p NULL where
   there is no fact. status_default is the appointment's status where none is given, or NULL. */
struct str canonical(const struct enrich *e, struct arena *a, enum event_kind kind,
	const struct sources *sources, const char *status_default);

/* One fact as text, or NULL. */
const char *fact(struct arena *a, const struct sources *sources, const char *name);

/* Whether a source knows of a fact at all, and be it that there is none (null, ""). */
bool fact_told(const struct sources *sources, const char *name);

#endif
