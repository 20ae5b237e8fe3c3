/* Locks on a patient, a contact, a run, a sub-account, the tokens or a list, among the threads of a process
 * and all processes that share a state.
 */
#ifndef LOCKS_H
#define LOCKS_H

#include "state/state.h"

#include <sys/types.h>

struct locks;

enum lock_kind {
	LOCK_PATIENT,
	LOCK_CONTACT,
	LOCK_RUN,      /* held by a pnow-inbox run for as long as it lives */
	LOCK_SETUP,    /* held by whoever makes fields in a sub-account */
	LOCK_TOKEN,    /* held while a token of the CRM is got */
	LOCK_CREATION, /* held while a patient is looked for and made */
	LOCK_LIST,     /* held by whoever asks PatientNow for a list of what has changed */
};

/* The locks live in a file of their own beside the state file: STATE-locks, or in the server. Ends the
   process with status 73 where that file cannot be made; who takes a lock waits for a server. What a process
   held is free when it ends, however it ends. Opened again in the same process they are the same locks, and
   closed when all have closed them. */
struct locks *locks_open(const char *state);
/* locks_open for who goes on without them: NULL, and why. */
struct locks *locks_try(const char *state, struct state_failure *why);
void locks_close(struct locks *l);

/* Waits until nobody else has the lock. A thread takes a patient's before a contact's, the tokens' last,
 * and one of each at most. */
void lock_take(struct locks *l, enum lock_kind kind, const char *key);
/* Whether anybody holds the lock. */
bool lock_is_held(struct locks *l, enum lock_kind kind, const char *key);
void lock_free(struct locks *l, enum lock_kind kind, const char *key);

/* What was locked may be lost with the connection to a server, and be another's. Who must not go on then asks
   for the session before it takes the first of its locks (0: there is none now), and whether it stands before
   each step that must not be taken without them. A session that stood a moment ago may be lost now. Beside a
   state file one stands for as long as the process. */
int64_t locks_session(struct locks *l);
bool locks_stand(struct locks *l, int64_t session);

/* For a lock that nobody else wants: takes it, or has it still, or has it again where it was lost. False: not
   now, and why; lock_free is to be called all the same. */
bool lock_keep(struct locks *l, enum lock_kind kind, const char *key, struct state_failure *why);

enum lock_owner {
	LOCK_OWNER_LIVES,
	LOCK_OWNER_DOUBTFUL, /* it may have lost its session, and take the lock again: look in some seconds */
	LOCK_OWNER_DEAD,
};

/* What is known of who once had a lock, and keeps it for as long as it lives. One thread asks. */
enum lock_owner lock_owner(struct locks *l, enum lock_kind kind, const char *key);

/* What they are made of: a byte of a file, which need not be there. The process has it, not a thread, until
   it frees it, closes any descriptor of the file, or ends. Waits; where the file cannot be locked, the
   process ends with status 71. */
void lock_byte_take(int fd, off_t byte);
/* Takes it if no other process has it; says whether. */
bool lock_byte_try(int fd, off_t byte);
/* Whether another process has it. */
bool lock_byte_is_held(int fd, off_t byte);
void lock_byte_free(int fd, off_t byte);

#endif
