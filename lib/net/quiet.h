/* What an API says in its own words, without what it says of a person. */
#ifndef QUIET_H
#define QUIET_H

#include "text/arena.h"
#include "text/str.h"

/* The text, the arena's, with "…" for every word that is neither one of an API's usual words nor a member's
   name in the request's body (JSON text that was checked; p NULL: none). Names, addresses, numbers and ids
   are among those; so are, to be sure, words that nobody has thought of. A long text is cut. */
const char *quiet_words(struct arena *a, struct str body, const char *text);

#endif
