/*
 * How one at a time has a key, among threads and processes that may be killed at any line:
 *
 * - A lock is a byte of a file that is always empty: fcntl(2) locks bytes that are not there. Nothing is ever
 *   written, so a kill leaves nothing but the lock, and that the system frees when the process ends.
 * - Such a byte is the process's, not the thread's: a thread enters the key in the list of what this process
 *   holds, then takes the byte, and undoes the two in the other order. The list is changed under its mutex.
 * - To close any descriptor of a file frees the process's bytes of it. So the file is opened once for each
 *   state file, and closed by who closes it last; only the main thread does either.
 * - Two keys may share a byte by chance; they wait for each other then, and nothing else happens.
 */
#include "state/locks.h"
#include "stream/record.h"
#include "text/arena.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 1 << 30 }; /* of each kind */

struct held {
	struct held *next;
	off_t slot;
};

struct locks {
	struct locks *next; /* of the process: to close a file frees the process's locks on it */
	char path[4096];
	unsigned users;
	int fd;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t freed;
	struct held *held; /* by threads of this process */
};

static struct locks *all; /* opened and closed by the main thread */

/* --- Bytes --- */

static struct flock one(off_t byte, short type)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
}

/* Whether the byte's lock was changed; false: it is another's, and command does not wait. The system suspects
   a deadlock where threads of two processes wait for each other's process; there is none, since they are
   taken in one order (locks.h), so it is asked again. */
static bool change(int fd, int command, off_t byte, short type)
{
	struct flock lock = one(byte, type);
	struct timespec shortly = {0, 1000000};
	while (fcntl(fd, command, &lock) < 0) {
		if (errno == EACCES || errno == EAGAIN)
			return false;
		if (errno == EDEADLK)
			nanosleep(&shortly, NULL);
		else if (errno != EINTR)
			err(EX_OSERR, "cannot lock");
	}
	return true;
}

void lock_byte_take(int fd, off_t byte)
{
	change(fd, F_SETLKW, byte, F_WRLCK);
}

bool lock_byte_try(int fd, off_t byte)
{
	return change(fd, F_SETLK, byte, F_WRLCK);
}

bool lock_byte_is_held(int fd, off_t byte)
{
	struct flock lock = one(byte, F_WRLCK);
	return fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

void lock_byte_free(int fd, off_t byte)
{
	change(fd, F_SETLK, byte, F_UNLCK);
}

/* --- Keys --- */

struct locks *locks_try(const char *state_path)
{
	char path[sizeof all->path];
	struct locks *l = all;
	snprintf(path, sizeof path, "%s-locks", state_path);
	while (l && strcmp(l->path, path) != 0)
		l = l->next;
	if (l) {
		l->users++;
		return l;
	}
	if (!(l = calloc(1, sizeof *l)))
		out_of_memory();
	memcpy(l->path, path, sizeof path);
	if ((l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) < 0) {
		free(l);
		return NULL;
	}
	l->users = 1;
	l->next = all;
	all = l;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->freed, NULL);
	return l;
}

struct locks *locks_open(const char *state_path)
{
	struct locks *l = locks_try(state_path);
	if (!l)
		err(EX_CANTCREAT, "cannot open the lock file %s-locks", state_path);
	return l;
}

void locks_close(struct locks *l)
{
	if (!l || --l->users)
		return;
	struct locks **at = &all;
	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	close(l->fd);
	pthread_cond_destroy(&l->freed);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

/* The byte of a key. */
static off_t slot_of(enum lock_kind kind, const char *key)
{
	return (off_t)(str_hash(key) % SLOTS) + (off_t)kind * SLOTS;
}

static struct held **find(struct locks *l, off_t slot)
{
	struct held **at = &l->held;
	while (*at && (*at)->slot != slot)
		at = &(*at)->next;
	return at;
}

static void begin_wait(bool *waits)
{
	if (!*waits)
		record_waits();
	*waits = true;
}

void lock_take(struct locks *l, enum lock_kind kind, const char *key)
{
	off_t slot = slot_of(kind, key);
	struct held *mine = allocated(malloc(sizeof *mine));
	mine->slot = slot;
	bool waits = false;
	pthread_mutex_lock(&l->lock);
	while (*find(l, slot)) {
		begin_wait(&waits);
		pthread_cond_wait(&l->freed, &l->lock);
	}
	mine->next = l->held;
	l->held = mine;
	pthread_mutex_unlock(&l->lock);
	if (!lock_byte_try(l->fd, slot)) {
		begin_wait(&waits);
		lock_byte_take(l->fd, slot);
	}
	if (waits)
		record_goes_on();
}

bool lock_is_held(struct locks *l, enum lock_kind kind, const char *key)
{
	off_t slot = slot_of(kind, key);
	pthread_mutex_lock(&l->lock);
	bool ours = *find(l, slot) != NULL;
	pthread_mutex_unlock(&l->lock);
	return ours || lock_byte_is_held(l->fd, slot);
}

void lock_free(struct locks *l, enum lock_kind kind, const char *key)
{
	off_t slot = slot_of(kind, key);
	lock_byte_free(l->fd, slot);
	pthread_mutex_lock(&l->lock);
	struct held **at = find(l, slot), *mine = *at;
	*at = mine->next;
	pthread_cond_broadcast(&l->freed);
	pthread_mutex_unlock(&l->lock);
	free(mine);
}
