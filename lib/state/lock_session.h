/* Keys that a process has in PostgreSQL, against all others: the half of locks.h that asks the server. */
#ifndef LOCK_SESSION_H
#define LOCK_SESSION_H

#include "state/state.h"

struct lock_session;

/* The process's own for the database of this state: one for all practices in it, made when it is first asked
   for, and there until the process ends. It connects when there is something to be asked. */
struct lock_session *lock_session_of(const char *state);

/* Takes a key that no other process has, and says under which number this one has it: for as long as the
   connection of that number stands. 0: another has it, or the server cannot be asked: then why says why, else
   why->why is "". A process may take a key twice, and frees it as often. */
int64_t lock_session_try(struct lock_session *s, int64_t key, struct state_failure *why);
/* Frees a key that was taken under the number. */
void lock_session_free(struct lock_session *s, int64_t key, int64_t number);
/* Whether another process has the key, or that cannot be told. */
bool lock_session_is_held(struct lock_session *s, int64_t key);
/* The number of the connection that stands, made anew where it was lost; 0: there is none now. Asks the
   server. */
int64_t lock_session_number(struct lock_session *s);

#endif
