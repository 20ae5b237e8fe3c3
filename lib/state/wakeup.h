/* Waking those who wait for events of a state: how a run starts on an event at once, and asks nobody
 * meanwhile. And who waits to write a state file: how somebody who has much to write lets others write in
 * between. */
#ifndef WAKEUP_H
#define WAKEUP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

/* Wakes everybody who watches this state file. *fd is the sender's, -1 at first; it keeps it, and closes it
   when it has no more to say. What cannot be sent is not: that is no error. */
void wakeup_send(int *fd, const char *state_path);

/* Tells others that this process waits for the state file, or does no more, as when it ends. *fd is the
   sender's of wakeup_send. */
void wakeup_wait(int *fd, const char *state_path, bool waits);
/* Whether another process waits for it; true where that cannot be told. */
bool wakeup_is_awaited(int *fd, const char *state_path);

/* What a process watches: any number of states. */
struct wakeups;
struct wakeups *wakeups_open(void);
void wakeups_close(struct wakeups *w);
/* Whether this system tells of writes to a state file; where it does not, look often. */
bool wakeups_tell_of_files(const struct wakeups *w);
/* Watches a state, from now on; a number for it, not negative. A state file keeps it for as long as its
   STATE-wakeup is not removed. -1: it cannot be watched now. */
int wakeups_watch(struct wakeups *w, const char *state);
/* Watches it no more. */
void wakeups_forget(struct wakeups *w, int watched);
/* What poll(2) is to wait for: how many, one more at most than there are states. */
size_t wakeups_polled(const struct wakeups *w, struct pollfd *fds);
/* The number of one that was woken, each once or more; -1: no more now. */
int wakeups_next(struct wakeups *w);

#endif
