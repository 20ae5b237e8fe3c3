/* Waking those who wait for events of a state file: how a run starts on an event at once, and asks nobody
 * meanwhile. And who waits to write it: how somebody who has much to write lets others write in between. */
#ifndef WAKEUP_H
#define WAKEUP_H

#include <stdbool.h>

/* Wakes everybody who watches this state file. *fd is the sender's, -1 at first; it keeps it, and closes it
   when it has no more to say. What cannot be sent is not: that is no error. */
void wakeup_send(int *fd, const char *state_path);

/* Tells others that this process waits for the state file, or does no more, as when it ends. *fd is the
   sender's of wakeup_send. */
void wakeup_wait(int *fd, const char *state_path, bool waits);
/* Whether another process waits for it; true where that cannot be told. */
bool wakeup_is_awaited(int *fd, const char *state_path);

/* A descriptor for what a process watches: any number of state files. It can be read when somebody was woken.
   -1: this system has nothing of the kind, so look often. */
int wakeups_open(void);
/* Watches a state file, from now on; a number for it, which it keeps for as long as its STATE-wakeup is not
   removed. -1: it cannot be watched now. */
int wakeups_watch(int wakeups, const char *state_path);
/* Watches it no more. */
void wakeups_forget(int wakeups, int watched);
/* The number of one that was woken, each once or more; -1: no more now. */
int wakeups_next(int wakeups);

#endif
