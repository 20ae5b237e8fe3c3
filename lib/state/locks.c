/*
 * How one at a time has a key, among threads and processes that may be killed at any line:
 *
 * - A key is the process's, not the thread's: a thread enters it in the list of what this process holds, then
 *   takes it for the process, and undoes the two in the other order. The list is changed under its mutex.
 * - Two keys may share a number by chance; they wait for each other then, and nothing else happens.
 *
 * Beside a state file:
 *
 * - A lock is a byte of a file that is always empty: fcntl(2) locks bytes that are not there. Nothing is ever
 *   written, so a kill leaves nothing but the lock, and that the system frees when the process ends.
 * - To close any descriptor of a file frees the process's bytes of it. So the file is opened once for each
 *   state file, and closed by who closes it last; only the main thread does either.
 *
 * In PostgreSQL (lock_session.h), where a connection may be lost, and what it had locked with it:
 *
 * - Who waits holds nothing meanwhile but what it had, and asks again after some milliseconds, at last after
 * a tenth of a second; also while there is no server.
 * - Nothing that was locked over a connection that is lost is locked again behind its owner's back. Who is
 *   about to do what must not be done twice asks whether its connection stands (locks_stand), and leaves all
 *   as it is where it does not: the event is begun anew.
 * - That may be true no more a moment later, with a request on its way. So who finds something begun that
 *   lately lets that much time pass first (cmd/crm-push/request.c).
 * - A run's lock says only that the run lives. It is taken anew as soon as its connection was (lock_keep),
 * and while that cannot be, the run takes no events. Others believe it dead when they have found its lock
 * free for DEAD_MS, at each of their looks: a run looks after its lock every five seconds, and its server and
 * it need about as long again to find that they cannot hear each other.
 */
#include "state/locks.h"
#include "state/lock_session.h"
#include "state/postgres.h"
#include "stream/record.h"
#include "stream/trouble.h"
#include "text/arena.h"
#include "text/file.h"
#include "value/when.h"

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

enum {
	SLOTS = 1 << 30, /* of each kind, in a file */
	WAIT_FIRST_MS = 2,
	WAIT_MAX_MS = 100,
	QUIET_MS = 3000, /* nothing is said of a server that is away for so long */
	DEAD_MS = 10000,
};

struct held {
	struct held *next;
	int64_t slot;
	int64_t session; /* under which the process has it; 0: it has not */
};

/* A key that was free, and whose owner may have died. */
struct suspect {
	struct suspect *next;
	int64_t slot;
	int64_t since, seen; /* the first look and the last */
};

struct locks {
	struct locks *next; /* of the process: to close a file frees the process's locks on it */
	char *state;        /* a file's one name, however it was spelled */
	unsigned users;
	int fd;                       /* of the file; -1: there is none, but */
	struct lock_session *session; /* in PostgreSQL */
	pthread_mutex_t lock;         /* of what follows */
	pthread_cond_t freed;
	struct held *held; /* by threads of this process */
	struct suspect *suspects;
	struct trouble trouble;
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

static bool open_file(struct locks *l, struct state_failure *why)
{
	struct arena a = {0};
	const char *path = arena_printf(&a, "%s-locks", l->state);
	l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (l->fd < 0) {
		snprintf(why->why, sizeof why->why, "cannot open the lock file %s: %s", path, strerror(errno));
		why->status = EX_CANTCREAT;
	}
	arena_free(&a);
	return l->fd >= 0;
}

struct locks *locks_try(const char *state, struct state_failure *why)
{
	struct arena a = {0};
	const char *real = postgres_is(state) ? state : file_real(&a, state);
	struct locks *l = all;
	while (l && strcmp(l->state, real) != 0)
		l = l->next;
	if (l) {
		l->users++;
		arena_free(&a);
		return l;
	}
	l = allocated(calloc(1, sizeof *l));
	*l = (struct locks){.state = allocated(strdup(real)), .users = 1, .fd = -1};
	arena_free(&a);
	if (postgres_is(state)) {
		l->session = lock_session_of(state);
	} else if (!open_file(l, why)) {
		free(l->state);
		free(l);
		return NULL;
	}
	l->next = all;
	all = l;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->freed, NULL);
	return l;
}

struct locks *locks_open(const char *state)
{
	struct state_failure why = {0};
	struct locks *l = locks_try(state, &why);
	if (!l)
		errx(why.status, "%s", why.why);
	return l;
}

/* No suspect any more. */
static void clear(struct suspect **at)
{
	struct suspect *one = *at;
	*at = one->next;
	free(one);
}

void locks_close(struct locks *l)
{
	if (!l || --l->users)
		return;
	struct locks **at = &all;
	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	while (l->suspects)
		clear(&l->suspects);
	if (l->fd >= 0)
		close(l->fd);
	pthread_cond_destroy(&l->freed);
	pthread_mutex_destroy(&l->lock);
	free(l->state);
	free(l);
}

/* The number of a key: a byte of the file, or all of 64 bits, by the practice, too. */
static int64_t slot_of(const struct locks *l, enum lock_kind kind, const char *key)
{
	struct arena a = {0};
	if (!l->session)
		return (int64_t)(str_hash(key) % SLOTS) + (int64_t)kind * SLOTS;
	int64_t slot =
		(int64_t)str_hash(arena_printf(&a, "%s\n%d\n%s", postgres_practice(l->state), (int)kind, key));
	arena_free(&a);
	return slot;
}

static struct held **find(struct locks *l, int64_t slot)
{
	struct held **at = &l->held;
	while (*at && (*at)->slot != slot)
		at = &(*at)->next;
	return at;
}

/* Takes what no other process has: under which session; 0: not now. */
static int64_t try(struct locks *l, int64_t slot, struct state_failure *why)
{
	return l->session ? lock_session_try(l->session, slot, why) : lock_byte_try(l->fd, slot);
}

/* Asks the server until no other process has it. */
static int64_t ask_again(struct locks *l, int64_t slot)
{
	struct state_failure why;
	int64_t session, since = when_now_ms();
	for (int64_t ms = WAIT_FIRST_MS; !(session = try(l, slot, &why));
		 ms = ms < WAIT_MAX_MS / 2 ? ms * 2 : WAIT_MAX_MS) {
		if (*why.why && when_now_ms() - since > QUIET_MS)
			trouble_is(&l->trouble, "%s: waiting for it", why.why);
		nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
	}
	trouble_over(&l->trouble, "%s: works again", l->state);
	return session;
}

static void begin_wait(bool *waits)
{
	if (!*waits)
		record_waits();
	*waits = true;
}

/* Enters the key in the list, as soon as no other thread has it. */
static struct held *enter(struct locks *l, int64_t slot, bool *waits)
{
	struct held *mine = allocated(malloc(sizeof *mine));
	pthread_mutex_lock(&l->lock);
	while (*find(l, slot)) {
		begin_wait(waits);
		pthread_cond_wait(&l->freed, &l->lock);
	}
	*mine = (struct held){.next = l->held, .slot = slot};
	l->held = mine;
	pthread_mutex_unlock(&l->lock);
	return mine;
}

void lock_take(struct locks *l, enum lock_kind kind, const char *key)
{
	struct state_failure why;
	bool waits = false;
	struct held *mine = enter(l, slot_of(l, kind, key), &waits);
	mine->session = try(l, mine->slot, &why);
	if (!mine->session) {
		begin_wait(&waits);
		if (l->session)
			mine->session = ask_again(l, mine->slot);
		else
			lock_byte_take(l->fd, mine->slot);
	}
	if (waits)
		record_goes_on();
}

bool lock_keep(struct locks *l, enum lock_kind kind, const char *key, struct state_failure *why)
{
	bool waits = false;
	int64_t slot = slot_of(l, kind, key);
	pthread_mutex_lock(&l->lock);
	struct held *mine = *find(l, slot);
	pthread_mutex_unlock(&l->lock);
	if (!mine)
		mine = enter(l, slot, &waits);
	if (!mine->session || !locks_stand(l, mine->session))
		mine->session = try(l, slot, why);
	if (!mine->session && !*why->why)
		*why = (struct state_failure){EX_TEMPFAIL, false, "a connection that was lost has its lock still"};
	return mine->session;
}

bool lock_is_held(struct locks *l, enum lock_kind kind, const char *key)
{
	int64_t slot = slot_of(l, kind, key);
	pthread_mutex_lock(&l->lock);
	bool ours = *find(l, slot) != NULL;
	pthread_mutex_unlock(&l->lock);
	return ours || (l->session ? lock_session_is_held(l->session, slot) : lock_byte_is_held(l->fd, slot));
}

enum lock_owner lock_owner(struct locks *l, enum lock_kind kind, const char *key)
{
	int64_t slot = slot_of(l, kind, key), now = when_now_ms();
	bool held = lock_is_held(l, kind, key);
	struct suspect **at = &l->suspects;
	while (*at && (*at)->slot != slot)
		at = &(*at)->next;
	if (*at && (held || now - (*at)->seen > DEAD_MS || now < (*at)->seen))
		clear(at);
	if (held)
		return LOCK_OWNER_LIVES;
	if (!l->session)
		return LOCK_OWNER_DEAD;
	if (!*at) {
		struct suspect *one = allocated(malloc(sizeof *one));
		*one = (struct suspect){.next = *at, .slot = slot, .since = now};
		*at = one;
	}
	(*at)->seen = now;
	if (now - (*at)->since < DEAD_MS)
		return LOCK_OWNER_DOUBTFUL;
	clear(at);
	return LOCK_OWNER_DEAD;
}

void lock_free(struct locks *l, enum lock_kind kind, const char *key)
{
	int64_t slot = slot_of(l, kind, key);
	pthread_mutex_lock(&l->lock);
	struct held *mine = *find(l, slot);
	pthread_mutex_unlock(&l->lock);
	if (l->session)
		lock_session_free(l->session, slot, mine->session);
	else
		lock_byte_free(l->fd, slot);
	pthread_mutex_lock(&l->lock);
	struct held **at = find(l, slot);
	*at = mine->next;
	pthread_cond_broadcast(&l->freed);
	pthread_mutex_unlock(&l->lock);
	free(mine);
}

int64_t locks_session(struct locks *l)
{
	return l->session ? lock_session_number(l->session) : 1;
}

bool locks_stand(struct locks *l, int64_t session)
{
	return !l->session || (session && lock_session_number(l->session) == session);
}
