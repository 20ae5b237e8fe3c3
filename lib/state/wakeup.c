/*
 * How who has made an event due wakes who waits for it, however many either are:
 *
 * - Beside each state file is STATE-wakeup, mode 0600. Whoever has made an event due writes a byte to its
 *   beginning, after the commit: one system call. The file never grows, and what is in it means nothing.
 * - Whoever waits has the system tell of writes to the file (inotify). So each of several is woken, none
 *   takes another's wake-up away, and nobody is kept waiting by one that has died.
 * - Both make the file where it is missing; neither removes it. Watching begins before the inbox is looked
 *   at, so nothing that is added in between is overlooked.
 * - A wake-up says no more than: look. One too many costs a look. One too few (the sender was killed between
 *   the commit and the write; the disk is full; the file was removed) costs the time until the next slow
 *   look, which everybody who waits takes now and then.
 */
#include "state/wakeup.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/inotify.h>
#else
/* Nothing of the kind: nobody is woken. */
enum { IN_MODIFY = 1, IN_CLOEXEC = 1, IN_NONBLOCK = 1 };
struct inotify_event {
	int wd;
	uint32_t mask;
};
#define inotify_init1(flags) (-1)
#define inotify_add_watch(fd, path, mask) (-1)
#define inotify_rm_watch(fd, watched) (-1)
#endif

/* The file, opened; its path, too. -1: it cannot be. */
static int open_file(const char *state_path, char path[static PATH_MAX])
{
	if (snprintf(path, PATH_MAX, "%s-wakeup", state_path) >= PATH_MAX)
		return -1;
	return open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

void wakeup_send(int *fd, const char *state_path)
{
	char path[PATH_MAX];
	if (*fd < 0)
		*fd = open_file(state_path, path);
	if (*fd >= 0)
		(void)!pwrite(*fd, "w", 1, 0);
}

int wakeups_open(void)
{
	return inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
}

int wakeups_watch(int wakeups, const char *state_path)
{
	char path[PATH_MAX];
	int file = wakeups < 0 ? -1 : open_file(state_path, path);
	if (file < 0)
		return -1;
	close(file);
	return inotify_add_watch(wakeups, path, IN_MODIFY);
}

void wakeups_forget(int wakeups, int watched)
{
	inotify_rm_watch(wakeups, watched);
}

int wakeups_next(int wakeups)
{
	struct inotify_event e; /* of a file that is watched itself: nothing follows it */
	while (wakeups >= 0 && read(wakeups, &e, sizeof e) == sizeof e)
		if (e.mask & IN_MODIFY)
			return e.wd;
	return -1;
}
