/* Names and values as a query has them, and a form that is posted: a=1&b=2, percent-encoded. */
#ifndef FORM_H
#define FORM_H

#include "text/arena.h"

/* What a name stands for in a query (NULL: there is none), decoded, the arena's; p NULL where it is not
   there. A '+' stays one: who writes tokens into a query may mean it. */
struct str form_parameter(struct arena *a, const char *query, const char *name);

/* As form_parameter, but a '+' is a blank, as in forms. */
struct str form_field(struct arena *a, const char *query, const char *name);

/* A form that was posted (application/x-www-form-urlencoded) as a JSON object, the arena's: each field is a
   text, or, where its text is a JSON object or list, that. p NULL where it is no form, or no field is UTF-8:
   then *wrong says why. */
struct str form_json(struct arena *a, struct str form, const char **wrong);

#endif
