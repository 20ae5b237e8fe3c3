/* Commands that are started for a practice. They get nothing of ours but what is named here: descriptors are
 * close-on-exec. */
#ifndef CHILD_H
#define CHILD_H

#include "text/arena.h"

#include <sys/types.h>

/* An environment with some variables ("NAME=VALUE", NULL behind the last) in place of its own of these names.
 * The arena's; its texts are the callers'. */
char **child_environment(struct arena *a, char *const *environment, const char *const *variables);

/* Starts a command in a process group of its own, so that neither a signal for ours nor a key at the terminal
 * reaches it, with the signals of a fresh process; in and out become its standard input and output. No page
 * of ours is copied for it, as fork(2) does. 0 and its process, or what errno would say. */
int child_start(pid_t *pid, char *const *argv, char *const *environment, int in, int out);

#endif
