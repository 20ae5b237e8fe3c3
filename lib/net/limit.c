/*
 * How all processes share one account of the limits, STATE-limits, that any of them may be killed over:
 *
 * - Each location has a region of the file, which everybody maps. A region is made and given its location
 *   once, under the lock of the file; killed before its kind is written, it is nobody's, and made again.
 * - The allowance in a region is read and changed by whoever has the region's lock: a byte of the file, which
 *   the system frees when its process ends, and before it a mutex among the process's threads. What a kill
 *   leaves in an allowance is written there.
 * - Nobody waits for the CRM, or for a turn, with a lock.
 * - A slot's owner is the number of a process, which holds the byte of its number for as long as it lives.
 *   A number whose byte is free is dead: whoever waits looks for the slots of those, and frees them.
 *
 * Where hosts share a state (PostgreSQL), each has a file of its own, and what is in it is a share (share.h).
 * A thread of each process that makes requests, the keeper, asks the database for it when it is time, for all
 * processes of the host, and gives it back when nobody needs it. It holds no lock while it asks.
 */
#include "net/limit.h"
#include "conf/host.h"
#include "net/allowance.h"
#include "net/share.h"
#include "state/locks.h"
#include "state/postgres.h"
#include "state/state.h"
#include "stream/record.h"
#include "stream/trouble.h"
#include "text/arena.h"
#include "value/when.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum {
	REGION = 65536,       /* bytes of a location in the file */
	BURY_EVERY = 100000,  /* microseconds */
	KEEP_EVERY_MS = 20,   /* the keeper looks so often, and rests when nobody has */
	KEEP_MS = 5000,       /* wanted a request for so long */
	STATE_BUSY_MS = 2000, /* it waits so long for others that write */
};

static const char kind[16] = "pnow-limits 1";

static const off_t lock_file = (off_t)1 << 40, lock_process = ((off_t)1 << 40) + 1;

struct region {
	char kind[sizeof kind];
	char location[112]; /* its id, cut off */
	struct allowance allowance;
};

_Static_assert(sizeof(struct region) <= REGION, "a location fits its region");

struct limit {
	struct limit *next;
	struct limits *all;
	struct region *region;
	off_t lock;
	pthread_mutex_t mutex; /* byte locks are the process's: its threads agree first */
	struct trouble trouble;
};

struct limits {
	char path[4096];
	int fd;
	int32_t owner;         /* our number */
	pthread_mutex_t mutex; /* of what follows */
	struct limit *list;
	const char *shared; /* the state that hosts share; NULL: none */
	pthread_t keeper;
	pthread_cond_t wanted;
	bool keeps, rests, ends;
	int64_t active;      /* when a request was wanted last, milliseconds since 1970 */
	struct state *state; /* the keeper's; it and what the keeper asks need no lock */
};

/* The time as a region's allowance counts it: a day is the database's where there is one. */
static struct moment moment(const struct region *region)
{
	struct timespec now;
#ifdef CLOCK_BOOTTIME
	clock_gettime(CLOCK_BOOTTIME, &now);
#else
	clock_gettime(CLOCK_MONOTONIC, &now);
#endif
	return (struct moment){
		(int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, when_now_ms() + region->allowance.lease.ahead};
}

/* Takes the location's lock. */
static struct allowance *take(struct limit *l)
{
	pthread_mutex_lock(&l->mutex);
	lock_byte_take(l->all->fd, l->lock);
	allowance_wake(&l->region->allowance, moment(l->region));
	return &l->region->allowance;
}

static void give(struct limit *l)
{
	lock_byte_free(l->all->fd, l->lock);
	pthread_mutex_unlock(&l->mutex);
}

/* --- The file --- */

/* The path of a state's file. */
static bool find_file(const char *state, char path[static HOST_PATH])
{
	if (postgres_is(state))
		return host_file(path, state, "limits");
	return snprintf(path, HOST_PATH, "%s-limits", state) < HOST_PATH;
}

struct limits *limits_open(const char *state)
{
	struct limits *l = allocated(calloc(1, sizeof *l));
	if (!find_file(state, l->path))
		err(EX_CANTCREAT,
			"no folder for the limits file: neither $RUNTIME_DIRECTORY nor $XDG_RUNTIME_DIR "
			"is ours alone, and /tmp/pnow-%ld",
			(long)geteuid());
	if ((l->fd = open(l->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) < 0)
		err(EX_CANTCREAT, "cannot open the limits file %s", l->path);
	pthread_mutex_init(&l->mutex, NULL);
	pthread_cond_init(&l->wanted, NULL);
	l->shared = postgres_is(state) ? state : NULL;
	/* a number that is taken is that of a process in another container */
	for (l->owner = (int32_t)getpid(); !lock_byte_try(l->fd, lock_process + l->owner);)
		l->owner++;
	return l;
}

static bool is_of(const struct region *r, const char *location)
{
	return memcmp(r->kind, kind, sizeof kind) == 0 &&
		   strncmp(r->location, location, sizeof r->location - 1) == 0;
}

/* Appends a region: written, since a page that has no place on the disk would be the end of the process. */
static void grow(const struct limits *l, off_t at)
{
	static const char nothing[REGION];
	for (size_t n = 0; n < REGION;) {
		ssize_t wrote = pwrite(l->fd, nothing + n, REGION - n, at + (off_t)n);
		if (wrote < 0 && errno != EINTR)
			err(EX_CANTCREAT, "cannot write the limits file %s", l->path);
		n += wrote > 0 ? (size_t)wrote : 0;
	}
}

/* The region of a location, made where there is none; its place is *at. */
static struct region *find_region(const struct limits *l, const char *location, off_t *at)
{
	struct stat file;
	for (*at = 0;; *at += REGION) {
		if (fstat(l->fd, &file) < 0)
			err(EX_OSERR, "cannot read %s", l->path);
		if (file.st_size < *at + REGION)
			grow(l, *at);
		struct region *r = mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_SHARED, l->fd, *at);
		if (r == MAP_FAILED)
			err(EX_OSERR, "cannot map %s", l->path);
		if (is_of(r, location))
			return r;
		if (r->kind[0] == '\0') {
			snprintf(r->location, sizeof r->location, "%s", location);
			memcpy(r->kind, kind, sizeof kind);
			return r;
		}
		munmap((void *)r, REGION);
	}
}

/* An owner of before, who may have had our number. */
static bool is_gone(const void *limits, int32_t owner)
{
	const struct limits *l = limits;
	return !lock_byte_is_held(l->fd, lock_process + owner);
}

static bool is_dead(const void *limits, int32_t owner)
{
	const struct limits *l = limits;
	return owner != l->owner && is_gone(l, owner);
}

/* A location that this process meets for the first time. */
static struct limit *add(struct limits *l, const char *location)
{
	struct limit *limit = allocated(calloc(1, sizeof *limit));
	lock_byte_take(l->fd, lock_file);
	limit->region = find_region(l, location, &limit->lock);
	lock_byte_free(l->fd, lock_file);
	limit->all = l;
	limit->next = l->list;
	l->list = limit;
	pthread_mutex_init(&limit->mutex, NULL);
	struct allowance *a = take(limit);
	if (!allowance_is_sound(a))
		memset((void *)a, 0, sizeof *a);
	allowance_bury(a, moment(limit->region), is_gone, l);
	if (l->shared)
		allowance_share(a, (int64_t)arc4random() << 30 | (arc4random() >> 2) | 1);
	give(limit);
	return limit;
}

struct limit *limits_of(struct limits *l, const char *location)
{
	pthread_mutex_lock(&l->mutex);
	struct limit *limit = l->list;
	while (limit && !is_of(limit->region, location))
		limit = limit->next;
	if (!limit)
		limit = add(l, location);
	pthread_mutex_unlock(&l->mutex);
	return limit;
}

/* --- The keeper of shares --- */

/* Looks for slots of the dead, now and then. */
static void bury(struct limit *l)
{
	struct allowance *a = &l->region->allowance;
	struct moment now = moment(l->region);
	if (now.us - a->buried <= BURY_EVERY)
		return;
	a->buried = now.us;
	allowance_bury(a, now, is_dead, l->all);
}

static bool ask_database(
	struct limits *all, struct limit *l, const struct share_asked *asked, struct share_got *got)
{
	struct state_failure why;
	if (!all->state)
		all->state = state_try(all->shared, STATE_BUSY_MS, &why);
	return all->state && share_lease(all->state, l->region->location, asked, got);
}

/* Asks for the host's share, where it is time. leaves: this process ends. */
static void renew(struct limits *all, struct limit *l, bool leaves)
{
	struct share_asked asked;
	struct share_got got;
	struct allowance *a = take(l);
	bury(l);
	bool asks = allowance_asks(a, moment(l->region), leaves, &asked);
	int64_t began = a->lease.asked;
	give(l);
	if (!asks)
		return;
	bool done = ask_database(all, l, &asked, &got);
	take(l);
	allowance_got(a, &asked, done ? &got : NULL, began, moment(l->region));
	bool none = !done && a->lease.until <= moment(l->region).us;
	give(l);
	if (none)
		trouble_is(&l->trouble,
			"location %s: the state database does not say what share of the CRM's limit is ours: "
			"no request is made until it does",
			l->region->location);
	else if (done)
		trouble_over(&l->trouble, "location %s: requests are made again", l->region->location);
}

static void renew_all(struct limits *l, struct limit *first, bool leaves)
{
	for (struct limit *limit = first; limit; limit = limit->next)
		renew(l, limit, leaves);
}

static void *keep(void *limits)
{
	struct limits *l = limits;
	pthread_mutex_lock(&l->mutex);
	while (!l->ends) {
		l->rests = when_now_ms() - l->active > KEEP_MS;
		if (l->rests) {
			pthread_cond_wait(&l->wanted, &l->mutex);
			continue;
		}
		struct limit *first = l->list;
		pthread_mutex_unlock(&l->mutex);
		renew_all(l, first, false);
		nanosleep(&(struct timespec){.tv_nsec = KEEP_EVERY_MS * 1000000}, NULL);
		pthread_mutex_lock(&l->mutex);
	}
	pthread_mutex_unlock(&l->mutex);
	return NULL;
}

/* Somebody wants, or has made, a request: the keeper is at work. */
static void wake_keeper(struct limits *l)
{
	if (!l->shared)
		return;
	pthread_mutex_lock(&l->mutex);
	l->active = when_now_ms();
	if (!l->keeps)
		l->keeps = pthread_create(&l->keeper, NULL, keep, l) == 0;
	else if (l->rests)
		pthread_cond_signal(&l->wanted);
	pthread_mutex_unlock(&l->mutex);
}

static void end_keeper(struct limits *l)
{
	if (!l->keeps)
		return;
	pthread_mutex_lock(&l->mutex);
	l->ends = true;
	pthread_cond_signal(&l->wanted);
	pthread_mutex_unlock(&l->mutex);
	pthread_join(l->keeper, NULL);
	renew_all(l, l->list, true);
	state_close(l->state);
}

void limits_close(struct limits *l)
{
	if (!l)
		return;
	end_keeper(l);
	for (struct limit *limit = l->list, *next; limit; limit = next) {
		next = limit->next;
		munmap((void *)limit->region, REGION);
		pthread_mutex_destroy(&limit->mutex);
		free(limit);
	}
	pthread_cond_destroy(&l->wanted);
	pthread_mutex_destroy(&l->mutex);
	close(l->fd);
	free(l);
}

/* --- A turn --- */

bool limit_enter(struct limit *l, bool yields, struct limit_turn *turn, int64_t *until)
{
	struct allowance_request request = {.owner = l->all->owner, .yields = yields};
	wake_keeper(l->all);
	struct allowance *a = take(l);
	int64_t wait;
	bool may, waits = false;
	while (!(may = allowance_ask(a, &request, moment(l->region), turn, &wait, until)) && wait) {
		bury(l);
		give(l); /* nothing is waited for with it */
		if (!waits)
			record_waits();
		waits = true;
		wake_keeper(l->all);
		nanosleep(&(struct timespec){.tv_nsec = (long)wait * 1000}, NULL);
		take(l);
	}
	if (*until)
		*until -= a->lease.ahead;
	give(l);
	if (waits)
		record_goes_on();
	return may;
}

void limit_leave(struct limit *l, const struct limit_turn *turn, const struct limit_told *told)
{
	allowance_end(take(l), turn, told, moment(l->region));
	give(l);
	wake_keeper(l->all);
}

/* --- For people --- */

struct limit_left limit_left(struct limit *l)
{
	struct limit_left left = allowance_left(take(l), moment(l->region));
	give(l);
	return left;
}

/* What the hosts of a state have told of it. */
static bool look_at_database(struct state *state, const char *location, struct limit_left *left)
{
	struct share_got got;
	if (!share_look(state, location, &got) || !(got.told || got.pause))
		return false;
	int64_t max = got.max ? got.max : SHARE_ASSUMED_MAX,
			day_max = got.day_max ? got.day_max : SHARE_ASSUMED_DAY;
	*left = (struct limit_left){.told = got.max > 0,
		.interval_ms = got.max ? got.interval : SHARE_ASSUMED_INTERVAL_MS,
		.max = max,
		.left = max > got.used ? max - got.used : 0,
		.day_max = day_max,
		.day_left = got.day_left,
		.pause_ms = got.pause};
	return true;
}

static bool look_at_file(const char *state_path, const char *location, struct limit_left *left)
{
	char path[4096];
	struct stat file;
	bool found = false;
	snprintf(path, sizeof path, "%s-limits", state_path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &file) < 0)
		file.st_size = 0;
	for (off_t at = 0; !found && at + REGION <= file.st_size; at += REGION) {
		void *mapped = mmap(NULL, REGION, PROT_READ, MAP_SHARED, fd, at);
		if (mapped == MAP_FAILED)
			break;
		const struct region *r = mapped;
		found = is_of(r, location) && allowance_is_sound(&r->allowance);
		if (found)
			*left = allowance_left(&r->allowance, moment(r));
		munmap(mapped, REGION);
	}
	if (fd >= 0)
		close(fd);
	return found;
}

bool limits_look(const char *name, struct state *state, const char *location, struct limit_left *left)
{
	return postgres_is(name) ? look_at_database(state, location, left) : look_at_file(name, location, left);
}
