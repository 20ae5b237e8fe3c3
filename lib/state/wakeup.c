/*
 * How who has made an event due wakes who waits for it, however many either are:
 *
 * - Beside each state file is STATE-wakeup, mode 0600. Whoever has made an event due writes a byte to its
 *   beginning, after the commit: one system call. The file never grows, and what is in it means nothing.
 * - Whoever waits has the system tell of writes to the file (inotify). So each of several is woken, none
 *   takes another's wake-up away, and nobody is kept waiting by one that has died.
 * - Both make the file where it is missing; neither removes it. Watching begins before the inbox is looked
 *   at, so nothing that is added in between is overlooked.
 * - Who waits to write the state file has a lock on the file's first byte, with others who do. The system
 *   frees it with the descriptor, so nobody who has died is waited for.
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
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

/* Whether the sender's file is open. */
static bool is_open(int *fd, const char *state_path)
{
	char path[PATH_MAX];
	if (*fd < 0)
		*fd = open_file(state_path, path);
	return *fd >= 0;
}

void wakeup_send(int *fd, const char *state_path)
{
	if (is_open(fd, state_path))
		(void)!pwrite(*fd, "w", 1, 0);
}

#ifdef F_OFD_SETLK
void wakeup_wait(int *fd, const char *state_path, bool waits)
{
	struct flock lock = {.l_type = waits ? F_RDLCK : F_UNLCK, .l_whence = SEEK_SET, .l_len = 1};
	if (is_open(fd, state_path))
		fcntl(*fd, F_OFD_SETLK, &lock);
}

bool wakeup_is_awaited(int *fd, const char *state_path)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
	return !is_open(fd, state_path) || fcntl(*fd, F_OFD_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;
}
#else
void wakeup_wait(int *fd, const char *state_path, bool waits)
{
	(void)fd;
	(void)state_path;
	(void)waits;
}

bool wakeup_is_awaited(int *fd, const char *state_path)
{
	(void)fd;
	(void)state_path;
	return true;
}
#endif

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
