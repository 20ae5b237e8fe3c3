/*
 * The state of a dry run: it knows what the practice's file knows, and what the run would have written until
 * then. The file is only read; what is written goes into one that nobody else sees, and that is gone when the
 * process ends.
 */
#ifndef REHEARSAL_H
#define REHEARSAL_H

#include "state/state.h"

/* Opens it; path is the practice's file, which need not be there. Ends the process with one line where that
   cannot be read: status 75 where an older pnow has written it, else as state_open. */
struct state *rehearsal_open(const char *path);

/* What the ledger is to know before it is asked: whether a patient was merged, of a patient, of a contact, of
   what an event is about, of a bill's money. Each is false where the file cannot be read. */
bool rehearsal_merged(struct state *s, const char *patient);
bool rehearsal_patient(struct state *s, const char *location, const char *patient);
bool rehearsal_contact(struct state *s, const char *location, const char *contact);
bool rehearsal_subject(struct state *s, const char *location, const char *subject, const char *event);
bool rehearsal_bill(struct state *s, const char *location, const char *bill);

#endif
