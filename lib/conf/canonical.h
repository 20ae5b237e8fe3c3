/* Facts as the EMR tells them become facts as pnow-event(5) has them. */
#ifndef CANONICAL_H
#define CANONICAL_H

#include "conf/profile.h"

/* Where a fact may stand: an object, and how the profile finds our facts in it (fields NULL: under our own
 * names). */
struct source {
	struct str body;
	const struct profile_fields *fields;
	const struct jtext_members *members; /* the body's, where they were found; or NULL */
};

enum { SOURCES = 3 }; /* pnow-enrich: what the record has already, the webhook's body, what was fetched */

struct sources {
	struct source at[SOURCES]; /* tried in order; a body with p NULL is passed over */
	const char *status; /* an appointment's, which the event's name says, whatever a body says; or NULL */
};

/* The facts of one kind, taken from the sources: the object's text (the arena's), or p NULL where there is no
   fact. status_default is the appointment's status where none is given, or NULL. */
struct str canonical(const struct profile *p, struct arena *a, enum event_kind kind,
	const struct sources *sources, const char *status_default);

/* One fact as text without the blanks around it (the arena's), or NULL. */
const char *fact(struct arena *a, const struct sources *sources, const char *name);

/* Whether a source knows of a fact at all, and be it that there is none (null, ""). */
bool fact_told(const struct sources *sources, const char *name);

#endif
