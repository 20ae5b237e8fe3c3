/*
 * What is kept of what people have written: the lines of events, PatientNow's answers. Each stands in the
 * table body, in the order in which they came, and whose it is says so by its key (inbox.body, cache.body). A
 * body whose owner lets go of it is overwritten at once, by a trigger.
 */
#ifndef BODY_H
#define BODY_H

#include "state/state.h"

/* Removes the rows of bodies that were overwritten, and leaves their space to state_give_back. Nothing of
   them is in the file then, however often it is rearranged. In small steps; others write in between. False
   where the file cannot be written now. */
bool body_tidy(struct state *s);

#endif
