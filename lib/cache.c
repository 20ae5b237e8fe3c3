/* The cache of PatientNow's answers: a table of bodies by kind and id. */
#include "cache.h"

const char *cache_get(struct state *s, struct arena *a, const char *kind, const char *id, int64_t not_before)
{
	const char *body = NULL;
	state_run(s, a, &body, "SELECT body FROM cache WHERE kind=? AND id=? AND fetched>=?", "tti", kind, id,
		not_before);
	return body;
}

void cache_put(struct state *s, const char *kind, const char *id, int64_t fetched, const char *body)
{
	state_run(s, NULL, NULL, "INSERT OR REPLACE INTO cache(kind,id,fetched,body) VALUES(?,?,?,?)", "ttit",
		kind, id, fetched, body);
}

void cache_drop(struct state *s, const char *kind, const char *id, int64_t before)
{
	state_run(
		s, NULL, NULL, "DELETE FROM cache WHERE kind=? AND id=? AND fetched<?", "tti", kind, id, before);
}

void cache_expire(struct state *s, int64_t before)
{
	state_run(s, NULL, NULL, "DELETE FROM cache WHERE fetched<?", "i", before);
}
