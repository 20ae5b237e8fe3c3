/* How threads wait for each other: by the monotonic clock, which nobody sets, and whatever signals come. */
#ifndef WAITS_H
#define WAITS_H

#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <time.h>

/* Initialises a condition that is waited for by that clock. */
void waits_open(pthread_cond_t *condition);

/* Milliseconds that it shows. */
int64_t waits_now(void);

/* The moment so many milliseconds from now, for pthread_cond_timedwait with such a condition. */
struct timespec waits_after(int64_t ms);

/* Waits for a semaphore. */
void waits_for(sem_t *semaphore);

#endif
