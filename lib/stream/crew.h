/* Threads for parts of a record's work that are done beside each other, and waited for. A few are kept: to
 * start one costs more than to wake one. */
#ifndef CREW_H
#define CREW_H

#include <semaphore.h>
#include <stdbool.h>

/* A part. */
struct crew_part {
	void (*run)(void *context);
	void *context;
	sem_t ended;
};

/* At most so many at work. Never NULL. */
struct crew *crew_open(unsigned most);

/* Has a thread run the part. False: it is to be run by the caller, since so many are at work, or there is no
 * thread to be had. */
bool crew_begin(struct crew *c, struct crew_part *part);

/* Waits until a part that was begun has ended. */
void crew_wait(struct crew_part *part);

/* Ends the threads; no part is at work. NULL is none. */
void crew_close(struct crew *c);

#endif
