/*
 * A state in PostgreSQL. Its name, where a file's path would be, is the URI, '#' and the practice's id:
 * postgresql://pnow@db.example/pnow#glow-denver. Whoever has one in a configuration writes the URI alone.
 */
#ifndef POSTGRES_H
#define POSTGRES_H

#include "conf/libpq.h"
#include "state/state.h"

/* Whether the state of this name, or at this URI, is PostgreSQL's. */
bool postgres_is(const char *state);

/* The practice of a state that is; "" where none is named. */
const char *postgres_practice(const char *state);

/* A new connection, set up as all of ours are: one that is dead is known to be after POSTGRES_DEAD_S seconds,
   on both sides; pnow.practice is the state's practice, and the names in a statement are those of its rows.
   NULL, and why. The caller's, for postgres_disconnect. */
PGconn *postgres_connect(const char *state, struct state_failure *why);
/* Ends a connection; NULL: there is none. */
void postgres_disconnect(PGconn *pg);

enum { POSTGRES_DEAD_S = 10 };

#endif
