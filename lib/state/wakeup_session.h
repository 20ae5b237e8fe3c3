/* Wake-ups where the state is PostgreSQL: the half of wakeup.h that listens to the server. */
#ifndef WAKEUP_SESSION_H
#define WAKEUP_SESSION_H

#include <stdbool.h>

struct wakeup_session;

/* Listens in the database of this state, from now on where the server can be reached. */
struct wakeup_session *wakeup_session_open(const char *state);
void wakeup_session_close(struct wakeup_session *s);
/* Whether it listens in the database of this state. */
bool wakeup_session_is_of(const struct wakeup_session *s, const char *state);
/* A descriptor that can be read when there is something to be heard; -1: there is no connection now. */
int wakeup_session_fd(const struct wakeup_session *s);
/* Calls woken for each practice that was woken since, each once or more; with NULL: any may have been, since
   the connection was lost, and is there again. */
void wakeup_session_hear(
	struct wakeup_session *s, void (*woken)(const char *practice, void *context), void *context);

#endif
