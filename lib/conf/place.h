/*
 * Where a fact stands in a body, as a profile says it:
 *
 *	/patient/firstName      a JSON pointer; its names match without regard to case and '_'
 *	/services/0/name        an entry of a list, from 0
 *	/client/name#first      the first name of a whole one; #last: the last name
 *	/area + /number         several values with a blank between them
 *	=Downtown               the text itself
 *	@X-Event                a header of the request
 */
#ifndef PLACE_H
#define PLACE_H

#include "text/arena.h"
#include "text/jtext.h"

/* Where a place may be used: each more than the one before. */
enum place_use { PLACE_VALUE /* a pointer alone */, PLACE_FACT, PLACE_EVENT /* headers, too */ };

/* A body to look in. members: its own, where they were found before, for who looks for many places in it; or
   NULL. */
struct place_body {
	struct str text;
	const struct jtext_members *members;
};

/* A body whose members are looked for where they stand. */
static inline struct place_body place_in(struct str text)
{
	return (struct place_body){text, NULL};
}

/* What is wrong with a place, for people; NULL: nothing. */
const char *place_wrong(const char *place, enum place_use use);

/* The JSON value that a pointer leads to; p NULL where it leads to none. */
struct str place_value(struct str pointer, struct str body);

/* The text that stands at a place in a body (the arena's): "" and null are none, objects and lists have none.
   NULL: there is none, or the place is a header. */
const char *place_text(struct arena *a, const char *place, struct place_body body);

/* Whether a place leads to a value at all, null and "" included. */
bool place_told(const char *place, struct str body);

/* The next pointer of a place, without what picks a part of its value; at starts as the place. False behind
 * the last. */
bool place_pointer(const char **at, struct str *pointer);

/* Whether two names differ in nothing but case and '_'; with blanks, in nothing but these, blanks and - . : /
 */
bool place_same(struct str x, struct str y, bool blanks);

#endif
