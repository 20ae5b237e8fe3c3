/* Bookmarks: where a walk through a list of PatientNow stands, in the state file. */
#ifndef BOOKMARK_H
#define BOOKMARK_H

#include "state/state.h"

struct bookmark {
	const char *since;  /* RFC 3339: the walk's lower bound; NULL: there was no walk yet */
	int64_t page;       /* the next page; 0: no walk is under way */
	const char *cursor; /* of the next page, where the API tells one; else NULL */
	const char *began;  /* when the walk that is under way began, or NULL */
};

/* Reads a bookmark; its texts are the arena's. False where the state file cannot be read. */
bool bookmark_get(struct state *s, struct arena *a, const char *name, struct bookmark *b);

/* Moves it; part of the transaction that is open. False where the state file cannot be written. */
bool bookmark_set(struct state *s, const char *name, const struct bookmark *b);

#endif
