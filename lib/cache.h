/* What PatientNow told us lately, in the state file, so that nothing is asked twice. */
#ifndef CACHE_H
#define CACHE_H

#include "state.h"

/* The body of a resource ("patient", its id) that was fetched at not_before (milliseconds since 1970) or
   later; the arena's. NULL: none that is as new. */
const char *cache_get(struct state *s, struct arena *a, const char *kind, const char *id, int64_t not_before);

/* Keeps a body; a failure is no error, the next one asks again. */
void cache_put(struct state *s, const char *kind, const char *id, int64_t fetched, const char *body);

/* Forgets one resource where it was fetched before that moment: it is known to have changed since. */
void cache_drop(struct state *s, const char *kind, const char *id, int64_t before);

/* Forgets everything that is older: bodies are about people and are not kept for longer than they save a
 * call. */
void cache_expire(struct state *s, int64_t before);

#endif
