/* What PatientNow told us lately, in the state file, so that nothing is asked twice. */
#ifndef CACHE_H
#define CACHE_H

#include "state/state.h"

/* Where a body comes from: a list may tell less of a resource than the resource alone. */
enum cache_source { CACHE_ALONE, CACHE_LIST };

/* The body of a resource ("patient", its id) that was fetched at not_before (milliseconds since 1970) or
   later; the arena's. NULL: none that is as new. */
const char *cache_get(struct state *s, struct arena *a, const char *kind, const char *id,
	enum cache_source source, int64_t not_before);

/* Keeps a body; a failure is no error, the next one asks again. */
void cache_put(struct state *s, const char *kind, const char *id, enum cache_source source, int64_t fetched,
	const char *body);

/* Forgets one resource where it was fetched before that moment: it is known to have changed since. */
void cache_drop(struct state *s, const char *kind, const char *id, int64_t before);

/* Whether the list of a kind is marked as of no use now; and marks it until then (milliseconds since 1970).
 */
bool cache_list_is_useless(struct state *s, const char *kind);
void cache_list_useless(struct state *s, const char *kind, int64_t until);

/* Forgets everything that is older. False where the file cannot be written. */
bool cache_expire(struct state *s, int64_t before);

/* Forgets everything that is older than keep_ms, at once and every few seconds from then on, in a thread of
   its own: bodies are about people and are not kept for longer than they save a call. */
struct cache_expiry *cache_expiry_begin(struct state *s, int64_t keep_ms);
/* NULL does nothing. */
void cache_expiry_end(struct cache_expiry *e);

/* Every body: what it is a body of (appointment/88123), and the body. */
struct state_rows cache_bodies(struct state *s);
/* Forgets the bodies of these subjects (a JSON list); *n were there. False where the file cannot be written.
 */
bool cache_forget(struct state *s, const char *subjects, int64_t *n);

#endif
