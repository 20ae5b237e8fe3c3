/*
 * Each request holds one of the limit's slots from before it is sent until an interval after its answer came.
 * The CRM counted it at some moment between the two, so no interval of its clock, wherever it begins, has
 * more requests in it than there are slots: that is right for windows of any phase and for a window that
 * slides, and costs one answer's time an interval.
 *
 * The slots are in a file that all processes map. A byte lock on it (fcntl(2)) guards each location; every
 * store leaves something that the next process can go on from, since any of them may be killed anywhere.
 * Whose slot it is, is a process's number, and a process that lives holds the byte of its number: the slots
 * of the dead are found by that.
 */
#include "net/limit.h"
#include "value/when.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum {
	SLOTS = 2048, /* a limit that is higher is none that we reach, and not counted */
	WAITERS = 1024,
	REGION = 65536,    /* bytes of a location in the file */
	ASSUMED_MAX = 100, /* in */
	ASSUMED_INTERVAL_MS = 10000,
	ASSUMED_DAY = 200000,
	DAY_FAR = 100000, /* more left than that: the day is no matter */
	NO_SLOT = -1,
};

#define MS ((int64_t)1000) /* all times are microseconds since the machine was started, */
#define SECOND (1000 * MS)
#define DAY_MS ((int64_t)86400000) /* but for the day's */
#define HOUR_MS ((int64_t)3600000)

static const int64_t nap_min = MS / 2, nap_max = 100 * MS;
static const int64_t trial_max = SECOND;  /* the first request goes alone for so long, to learn the limit */
static const int64_t unseen_max = SECOND; /* who waits and has not looked for so long is passed over */
static const int64_t dead_grace = SECOND / 5;   /* what a dead process has sent may still be on its way */
static const int64_t pause_max = 60 * SECOND;   /* longer pauses are the caller's matter, and in them */
static const int64_t ask_every = 3600 * SECOND; /* a request asks whether they are over */

static const char kind[16] = "pnow-limits 1";

static const off_t lock_grow = (off_t)1 << 40, lock_process = ((off_t)1 << 40) + 1;

/* Busy while it has an owner (the request is under way), and until a moment. */
struct slot {
	_Atomic int64_t until;
	_Atomic int32_t owner;
	_Atomic int32_t live; /* it does not yield */
};

struct waiter {
	_Atomic int64_t ticket; /* 0: nobody */
	_Atomic int64_t seen;
	_Atomic int64_t yields;
};

/* What is in the file of a location. All zero is a location that nothing is known of. */
struct shared {
	char kind[sizeof kind];
	char location[112]; /* its id, cut off */
	_Atomic int64_t told, interval, max;
	_Atomic int64_t latest; /* when somebody looked last */
	_Atomic int64_t trial;  /* when a request went out alone */
	_Atomic int64_t pause;  /* asked for by the CRM */
	_Atomic int64_t taken, tickets;
	_Atomic int64_t
		yields_from; /* requests that yield come evenly, so that a slot is always about to be free */
	_Atomic int64_t live, live_at;                      /* as many slots others had at once, then */
	_Atomic int64_t buried;                             /* when the slots of the dead were looked for */
	_Atomic int64_t day, day_max, day_left, day_closed; /* days, milliseconds since 1970 */
	_Atomic int64_t slots_used;                         /* slots behind that many have never been used */
	struct slot slots[SLOTS];
	struct waiter waiters[WAITERS];
	_Atomic int64_t ask; /* in a long pause: when the next request may ask whether it is over */
};

_Static_assert(sizeof(struct shared) <= REGION, "a location fits its region");

struct limit {
	struct limit *next;
	struct limits *all;
	struct shared *shared;
	off_t lock;
	pthread_mutex_t mutex; /* byte locks are the process's: its threads agree first */
};

struct limits {
	char path[4096];
	int fd;
	int32_t owner;         /* our number */
	pthread_mutex_t mutex; /* of the list */
	struct limit *list;
};

static int64_t now_us(void)
{
	struct timespec now;
#ifdef CLOCK_BOOTTIME
	clock_gettime(CLOCK_BOOTTIME, &now);
#else
	clock_gettime(CLOCK_MONOTONIC, &now);
#endif
	return now.tv_sec * SECOND + now.tv_nsec / 1000;
}

static void nap(int64_t us)
{
	struct timespec wait = {(time_t)(us / SECOND), (long)(us % SECOND) * 1000};
	nanosleep(&wait, NULL);
}

/* Locks or frees a byte for this process, as in locks.c. */
static void change(const struct limits *l, off_t byte, short type)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
	while (fcntl(l->fd, F_SETLKW, &lock) < 0) {
		if (errno == EDEADLK) /* the system takes our threads for one */
			nap(MS);
		else if (errno != EINTR)
			err(EX_OSERR, "cannot lock %s", l->path);
	}
}

static void give(struct limit *l)
{
	change(l->all, l->lock, F_UNLCK);
	pthread_mutex_unlock(&l->mutex);
}

/* No time is later than it can have become by what was told; one that was written otherwise is not for ever.
 */
static void bound(_Atomic int64_t *time, int64_t most)
{
	if (*time > most)
		*time = most;
}

/* Takes the location's lock. Times that a machine which was started anew has from before are forgotten. */
static void take(struct limit *l)
{
	struct shared *s = l->shared;
	pthread_mutex_lock(&l->mutex);
	change(l->all, l->lock, F_WRLCK);
	int64_t now = now_us();
	if (now + SECOND < s->latest) {
		memset((void *)s->slots, 0, sizeof s->slots);
		memset((void *)s->waiters, 0, sizeof s->waiters);
		s->trial = s->pause = s->ask = s->yields_from = s->live_at = s->buried = 0;
	}
	s->latest = now;
	bound(&s->pause, now + LIMIT_PAUSE_MAX_S * SECOND);
	bound(&s->ask, now + ask_every);
}

/* --- The file --- */

struct limits *limits_open(const char *state_path)
{
	struct limits *l = calloc(1, sizeof *l);
	if (!l)
		err(EX_SOFTWARE, "out of memory");
	snprintf(l->path, sizeof l->path, "%s-limits", state_path);
	if ((l->fd = open(l->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) < 0)
		err(EX_CANTCREAT, "cannot open the limits file %s", l->path);
	pthread_mutex_init(&l->mutex, NULL);
	struct flock mine = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
	l->owner = (int32_t)getpid();
	/* a number that is taken is that of a process in another container */
	for (mine.l_start = lock_process + l->owner; fcntl(l->fd, F_SETLK, &mine) < 0; mine.l_start++) {
		if (errno != EACCES && errno != EAGAIN && errno != EINTR)
			err(EX_OSERR, "cannot lock %s", l->path);
		l->owner++;
	}
	return l;
}

void limits_close(struct limits *l)
{
	if (!l)
		return;
	for (struct limit *limit = l->list, *next; limit; limit = next) {
		next = limit->next;
		munmap((void *)limit->shared, REGION);
		pthread_mutex_destroy(&limit->mutex);
		free(limit);
	}
	pthread_mutex_destroy(&l->mutex);
	close(l->fd);
	free(l);
}

static struct shared *map(const struct limits *l, off_t at)
{
	void *shared = mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_SHARED, l->fd, at);
	if (shared == MAP_FAILED)
		err(EX_OSERR, "cannot map %s", l->path);
	return shared;
}

static bool is_of(const struct shared *s, const char *location)
{
	return memcmp(s->kind, kind, sizeof kind) == 0 &&
		   strncmp(s->location, location, sizeof s->location - 1) == 0;
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
static struct shared *find_region(const struct limits *l, const char *location, off_t *at)
{
	struct stat file;
	for (*at = 0;; *at += REGION) {
		if (fstat(l->fd, &file) < 0)
			err(EX_OSERR, "cannot read %s", l->path);
		if (file.st_size < *at + REGION)
			grow(l, *at);
		struct shared *s = map(l, *at);
		if (is_of(s, location))
			return s;
		if (s->kind[0] == '\0') {
			snprintf(s->location, sizeof s->location, "%s", location);
			memcpy(s->kind, kind, sizeof kind);
			return s;
		}
		munmap((void *)s, REGION);
	}
}

static int64_t max_of(const struct shared *s)
{
	return s->told ? s->max : ASSUMED_MAX;
}

/* How long a slot stays busy after an answer: the interval, and a little for clocks that differ. */
static int64_t interval_of(const struct shared *s)
{
	int64_t interval = s->told ? s->interval : ASSUMED_INTERVAL_MS * MS;
	return interval + interval / 500;
}

/* The slots of owners who are no more become free when what they sent is surely counted no longer. NULL:
 * those of an owner who had our number. */
static void bury(struct limit *l, bool (*is_dead)(const struct limits *, int32_t owner), int64_t now)
{
	struct shared *s = l->shared;
	int32_t last = 0;
	bool dead = false;
	for (int64_t i = 0; i < s->slots_used; i++) {
		int32_t owner = s->slots[i].owner;
		if (!owner)
			continue;
		if (owner != last)
			dead = is_dead ? is_dead(l->all, owner) : owner == l->all->owner;
		last = owner;
		if (dead) {
			s->slots[i].until = now + interval_of(s) + dead_grace;
			s->slots[i].owner = 0;
		}
	}
}

/* Whether the numbers can be true: a power cut may have left anything in the file. */
static bool is_sound(const struct shared *s)
{
	bool limit = s->max > 0 && s->interval > 0 && s->interval <= LIMIT_INTERVAL_MAX_MS * MS;
	return s->slots_used >= 0 && s->slots_used <= SLOTS && (!s->told || limit);
}

struct limit *limits_of(struct limits *l, const char *location)
{
	struct limit *limit;
	pthread_mutex_lock(&l->mutex);
	for (limit = l->list; limit && !is_of(limit->shared, location);)
		limit = limit->next;
	if (!limit) {
		if (!(limit = calloc(1, sizeof *limit)))
			err(EX_SOFTWARE, "out of memory");
		change(l, lock_grow, F_WRLCK);
		limit->shared = find_region(l, location, &limit->lock);
		change(l, lock_grow, F_UNLCK);
		limit->all = l;
		limit->next = l->list;
		l->list = limit;
		pthread_mutex_init(&limit->mutex, NULL);
		take(limit);
		if (!is_sound(limit->shared))
			memset((char *)limit->shared + offsetof(struct shared, told), 0,
				REGION - offsetof(struct shared, told));
		bury(limit, NULL, now_us());
		give(limit);
	}
	pthread_mutex_unlock(&l->mutex);
	return limit;
}

/* --- Slots --- */

struct use {
	int64_t busy, in_flight, live;
};

static struct use use_of(const struct shared *s, int64_t now)
{
	struct use use = {0};
	for (int64_t i = 0; i < s->slots_used; i++) {
		bool busy = s->slots[i].owner || s->slots[i].until > now;
		use.busy += busy;
		use.in_flight += s->slots[i].owner != 0;
		use.live += busy && s->slots[i].live;
	}
	return use;
}

/* A slot that is free, or NO_SLOT: there are not so many. */
static int free_slot(struct shared *s, int64_t now)
{
	for (int i = 0; i < SLOTS; i++) {
		if (s->slots[i].owner || s->slots[i].until > now)
			continue;
		if (s->slots_used <= i)
			s->slots_used = i + 1;
		return i;
	}
	return NO_SLOT;
}

static int compare_times(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* How long until n more slots are free, as far as can be told now. */
static int64_t wait_for_slots(const struct shared *s, int64_t n, int64_t now)
{
	int64_t times[SLOTS];
	int64_t count = 0;
	for (int64_t i = 0; i < s->slots_used; i++)
		if (!s->slots[i].owner && s->slots[i].until > now)
			times[count++] = s->slots[i].until;
	if (n < 1 || n > count)
		return nap_max;
	qsort(times, (size_t)count, sizeof *times, compare_times);
	return times[n - 1] - now;
}

static bool is_dead(const struct limits *l, int32_t owner)
{
	struct flock byte = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = lock_process + owner, .l_len = 1};
	return owner != l->owner && fcntl(l->fd, F_GETLK, &byte) == 0 && byte.l_type == F_UNLCK;
}

/* --- Who waits --- */

struct place {
	int64_t ticket; /* 0: not in the queue */
	int at;         /* its waiter */
	bool yields;
};

static bool waits(const struct waiter *w, int64_t now)
{
	return w->ticket && now - w->seen < unseen_max;
}

/* Enters the queue, or says that we still wait. Where it is full one waits at its end. */
static void wait_in_queue(struct shared *s, struct place *p, int64_t now)
{
	if (!p->ticket)
		p->ticket = ++s->tickets;
	if (s->waiters[p->at].ticket != p->ticket) {
		for (p->at = 0; p->at < WAITERS - 1 && waits(&s->waiters[p->at], now);)
			p->at++;
		if (waits(&s->waiters[p->at], now))
			return;
		s->waiters[p->at].ticket = 0;
		s->waiters[p->at].yields = p->yields;
		s->waiters[p->at].seen = now;
		s->waiters[p->at].ticket = p->ticket;
	}
	s->waiters[p->at].seen = now;
}

static void leave_queue(struct shared *s, const struct place *p)
{
	if (p->ticket && s->waiters[p->at].ticket == p->ticket)
		s->waiters[p->at].ticket = 0;
}

/* How many go first. */
static int64_t ahead_of(const struct shared *s, const struct place *p, int64_t now)
{
	int64_t ahead = 0;
	for (int i = 0; i < WAITERS; i++) {
		const struct waiter *w = &s->waiters[i];
		bool earlier = waits(w, now) && (!p->ticket || w->ticket < p->ticket);
		ahead += p->yields ? earlier || (waits(w, now) && !w->yields) : earlier && !w->yields;
	}
	return ahead;
}

/* How many slots requests that do not yield had at once lately: half as much counts with each interval. */
static int64_t live_lately(const struct shared *s, int64_t now)
{
	int64_t intervals = (now - s->live_at) / interval_of(s);
	return intervals < 16 ? s->live >> intervals : 0;
}

/* --- The day --- */

static void look_at_day(struct shared *s)
{
	int64_t day = when_now_ms() / DAY_MS;
	if (s->day == day)
		return;
	s->day_left = s->day_max ? s->day_max : ASSUMED_DAY;
	s->day = day;
}

/* Whether a request may be made in a long pause, to see whether it is over. */
static bool may_ask(const struct shared *s, int64_t now)
{
	return s->pause > now + pause_max && s->ask <= now;
}

/* When a request can be made again, milliseconds since 1970; 0: it need not be asked. */
static int64_t closed_until(struct shared *s, int64_t now)
{
	look_at_day(s);
	if (s->pause > now + pause_max && !may_ask(s, now))
		return when_now_ms() + ((s->ask < s->pause ? s->ask : s->pause) - now) / MS;
	if (s->day_closed > when_now_ms() && s->day_closed <= when_now_ms() + HOUR_MS)
		return s->day_closed;
	return s->day_left > 0 ? 0 : (s->day + 1) * DAY_MS;
}

/* What an answer says of the day. What is under way may be in its number or not, so it sets bounds only. */
static void learn_day(struct shared *s, const struct limit_turn *turn, const struct limit_told *told)
{
	if (told->day_max < 0 || told->day_remaining < 0)
		return;
	look_at_day(s);
	s->day_max = told->day_max;
	int64_t high = told->day_remaining, under_way = turn->slot == NO_SLOT ? SLOTS : turn->in_flight;
	int64_t low = high - (s->taken - turn->taken) - under_way;
	s->day_left = s->day_left < low ? low : s->day_left > high ? high : s->day_left;
	if (told->status == 429 && high == 0) { /* its day may be another than ours: one is tried in an hour */
		int64_t now = when_now_ms(), midnight = (s->day + 1) * DAY_MS;
		s->day_closed = now + HOUR_MS < midnight ? now + HOUR_MS : midnight;
		s->day_left = 1;
	}
}

/* --- A turn --- */

/* Nothing to be counted: the CRM has no limit that we reach. Needs no lock. */
static bool is_open(const struct shared *s)
{
	return s->told && s->max > SLOTS && s->day_left > DAY_FAR && s->pause < now_us();
}

/* How long to wait before looking again; 0: it is our turn. */
static int64_t wait_of(struct limit *l, struct place *p, int64_t now)
{
	struct shared *s = l->shared;
	if (s->pause > now && !may_ask(s, now))
		return s->pause - now;
	if (max_of(s) > SLOTS)
		return 0;
	struct use use = use_of(s, now);
	if (!s->told && use.in_flight && now < s->trial + trial_max)
		return nap_min;
	int64_t kept = p->yields ? live_lately(s, now) - use.live : 0;
	int64_t needed = ahead_of(s, p, now) + (kept > 0 ? kept : 0) + 1;
	int64_t free = max_of(s) - use.busy;
	if (p->yields && s->yields_from > now)
		return s->yields_from - now;
	if (free >= needed)
		return 0;
	if (now - s->buried > nap_max) {
		s->buried = now;
		bury(l, is_dead, now);
	}
	return wait_for_slots(s, needed - free, now);
}

/* Takes a slot. */
static void take_turn(struct limit *l, bool yields, struct limit_turn *turn, int64_t now)
{
	struct shared *s = l->shared;
	struct use use = use_of(s, now);
	int64_t interval = interval_of(s), earliest = now - interval / 8;
	turn->slot = max_of(s) > SLOTS ? NO_SLOT : free_slot(s, now);
	if (!use.in_flight)
		s->trial = now;
	if (yields) { /* who is late may catch up a little */
		s->yields_from = (s->yields_from > earliest ? s->yields_from : earliest) + interval / max_of(s);
	} else if (use.live + 1 >= live_lately(s, now)) {
		s->live = use.live + 1;
		s->live_at = now;
	}
	s->day_left--;
	s->taken++;
	*turn = (struct limit_turn){turn->slot, use.busy + 1, use.in_flight, s->taken, s->pause > now};
	if (turn->asks)
		s->ask = now + ask_every;
	if (turn->slot == NO_SLOT)
		return;
	s->slots[turn->slot].live = !yields;
	s->slots[turn->slot].owner = l->all->owner;
}

bool limit_enter(struct limit *l, bool yields, struct limit_turn *turn, int64_t *until)
{
	struct shared *s = l->shared;
	struct place place = {.yields = yields};
	*turn = (struct limit_turn){.slot = NO_SLOT};
	*until = 0;
	if (is_open(s))
		return true;
	take(l);
	for (;;) {
		int64_t now = now_us(), wait = 0;
		*until = closed_until(s, now);
		if (*until || (wait = wait_of(l, &place, now)) == 0)
			break;
		wait_in_queue(s, &place, now);
		give(l);
		nap(wait < nap_min ? nap_min : wait > nap_max ? nap_max : wait);
		take(l);
	}
	leave_queue(s, &place);
	if (!*until)
		take_turn(l, yields, turn, now_us());
	give(l);
	return !*until;
}

/* What an answer says of the limit. */
static void learn(struct shared *s, const struct limit_told *told, int64_t now)
{
	if (told->interval_ms <= 0 || told->max <= 0)
		return;
	s->max = told->max;
	s->interval = told->interval_ms * MS;
	s->told = 1;
	for (int64_t i = 0; i < s->slots_used; i++)
		if (s->slots[i].until > now + interval_of(s))
			s->slots[i].until = now + interval_of(s);
}

/* Ends the request's hold of its slot; the slot cools for an interval, unless nothing was sent. */
static void end_turn(struct shared *s, const struct limit_turn *turn, bool sent, int64_t now)
{
	if (!sent)
		s->day_left++;
	if (turn->slot == NO_SLOT)
		return;
	s->slots[turn->slot].until = sent ? now + interval_of(s) : 0;
	s->slots[turn->slot].owner = 0;
}

/* Where the CRM has counted more than we know of, somebody else uses the limit: what they used is held, too.
 */
static void hold_others(struct shared *s, const struct limit_turn *turn, int64_t remaining, int64_t now)
{
	int64_t ours = turn->busy + (s->taken - turn->taken);
	if (remaining < 0 || turn->slot == NO_SLOT)
		return;
	for (int64_t others = s->max - ours - remaining; others > 0; others--) {
		int slot = free_slot(s, now);
		if (slot == NO_SLOT)
			return;
		s->slots[slot].live = 0;
		s->slots[slot].until = now + interval_of(s);
	}
}

/* What an answer says of a pause. A request that asked whether one is over has the last word. */
static void learn_pause(
	struct shared *s, const struct limit_turn *turn, const struct limit_told *told, int64_t now)
{
	int64_t pause = now + (told->retry_after > 0 ? told->retry_after * SECOND : interval_of(s) / 4);
	bool served = told->status > 0 && told->status < 500 && told->status != 429;
	if (told->status == 429 && (turn->asks || pause > s->pause)) {
		s->pause = pause;
		s->ask = now + ask_every;
	} else if (turn->asks && served) {
		s->pause = 0;
	} else if (turn->asks && !told->sent) {
		s->ask = now;
	}
}

void limit_leave(struct limit *l, const struct limit_turn *turn, const struct limit_told *told)
{
	struct shared *s = l->shared;
	bool known = told->max == s->max && told->interval_ms * MS == s->interval;
	if (turn->slot == NO_SLOT && known && told->day_remaining > DAY_FAR && told->status != 429 &&
		is_open(s)) {
		s->day_left = told->day_remaining;
		return;
	}
	take(l);
	int64_t now = now_us();
	learn(s, told, now);
	end_turn(s, turn, told->sent, now);
	if (s->told)
		hold_others(s, turn, told->remaining, now);
	learn_day(s, turn, told);
	learn_pause(s, turn, told, now);
	give(l);
}

/* --- For people --- */

static struct limit_standing standing_of(const struct shared *s)
{
	struct limit_standing standing = {.told = s->told,
		.interval_ms = s->told ? s->interval / MS : ASSUMED_INTERVAL_MS,
		.max = max_of(s),
		.day_max = s->day_max ? s->day_max : ASSUMED_DAY};
	int64_t left = standing.max - use_of(s, now_us()).busy;
	int64_t day_left = s->day == when_now_ms() / DAY_MS ? s->day_left : standing.day_max;
	standing.left = left > 0 ? left : 0;
	standing.day_left = day_left > 0 ? day_left : 0;
	return standing;
}

struct limit_standing limit_standing(struct limit *l)
{
	take(l);
	struct limit_standing standing = standing_of(l->shared);
	give(l);
	return standing;
}

bool limits_look(const char *state_path, const char *location, struct limit_standing *standing)
{
	char path[4096];
	struct stat file;
	bool found = false;
	snprintf(path, sizeof path, "%s-limits", state_path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &file) < 0)
		file.st_size = 0;
	for (off_t at = 0; !found && at + REGION <= file.st_size; at += REGION) {
		void *s = mmap(NULL, REGION, PROT_READ, MAP_SHARED, fd, at);
		if (s == MAP_FAILED)
			break;
		found = is_of(s, location) && is_sound(s);
		if (found)
			*standing = standing_of(s);
		munmap(s, REGION);
	}
	if (fd >= 0)
		close(fd);
	return found;
}
