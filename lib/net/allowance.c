/*
 * How no interval has more requests than the limit, on the CRM's clock:
 *
 * - Each request holds a slot from before it is sent until an interval after its answer came. The CRM counted
 *   it at some moment between the two, so no interval, wherever it begins, has more requests in it than there
 *   are slots. That is right for windows of any phase and for one that slides, and costs one answer's time an
 *   interval.
 * - All of it is shared by processes, any of which may be killed at any line. Whoever calls holds the
 *   location's lock, so that one at a time changes it. Who only looks (pnow-inbox stat) reads without.
 * - Where no answer came, or nobody is there any more to have it, the CRM may count the request a little
 * later: a lost packet is sent again after a second, and a killed process's too. So the slot is held longer.
 * - A slot is its owner's from the store of owner, the last that ask makes: a process killed before has sent
 *   nothing. It cools from the store of until, before owner is cleared: killed between, it is a slot of the
 *   dead, and those cool for an interval, too.
 * - A place in the queue is its ticket's, stored last. Who was killed in it is not seen for a second, and is
 *   passed over. Where nobody was in it for so long, it is not looked at; nor are slots behind the last busy
 * one.
 * - Of the day at most the request that was killed is counted too much, and the next answer says what is
 * right. What a process that was killed had not yet learnt from an answer, the next answer tells again.
 * - Where hosts share the limit (share.h), all this is within what this one has leased: so many slots, until
 * a moment, and requests of the day in hand. Slots are given up here before the database is asked, and used
 *   when it has answered.
 */
#include "net/allowance.h"

#include <stdlib.h>
#include <string.h>

enum {
	SLOTS = ALLOWANCE_SLOTS,
	WAITERS = ALLOWANCE_WAITERS,
	ASSUMED_MAX = SHARE_ASSUMED_MAX, /* in */
	ASSUMED_INTERVAL_MS = SHARE_ASSUMED_INTERVAL_MS,
	ASSUMED_DAY = SHARE_ASSUMED_DAY,
	NO_SLOT = -1,
};

#define MS ((int64_t)1000) /* in microseconds, as all times here, */
#define SECOND (1000 * MS)
#define DAY_MS ((int64_t)86400000) /* but for the day's */
#define HOUR_MS ((int64_t)3600000)

static const int64_t wait_min = MS / 2, wait_max = 100 * MS;
static const int64_t trial_max = SECOND;    /* the first request goes alone for so long, to learn the limit */
static const int64_t unseen_max = SECOND;   /* who waits and has not looked for so long is passed over */
static const int64_t late_max = 2 * SECOND; /* what was sent and has no answer may still be on its way */
static const int64_t pause_max = 60 * SECOND; /* longer pauses are the caller's matter, and in them */
static const int64_t ask_every = LIMIT_ASK_EVERY_S * SECOND; /* a request asks whether they are over */
static const int64_t term = SHARE_TERM_MS * MS;              /* of a lease */
static const int64_t soon = 50 * MS;          /* to ask for it more often costs more than it brings */
static const int64_t idle_after = 3 * SECOND; /* then what is leased is given back */

static int64_t least(int64_t x, int64_t y)
{
	return x < y ? x : y;
}

static int64_t most(int64_t x, int64_t y)
{
	return x > y ? x : y;
}

bool allowance_is_sound(const struct allowance *a)
{
	bool limit = a->max > 0 && a->interval > 0 && a->interval <= LIMIT_INTERVAL_MAX_MS * MS;
	return a->slots_used >= 0 && a->slots_used <= SLOTS && (!a->told || limit);
}

void allowance_wake(struct allowance *a, struct moment now)
{
	if (now.us + SECOND < a->latest) {
		memset((void *)a->slots, 0, sizeof a->slots);
		memset((void *)a->waiters, 0, sizeof a->waiters);
		a->trial = a->pause = a->ask = a->yields_from = a->live_at = a->buried = a->queued = 0;
		a->lease.slots = a->lease.until = a->lease.asked = a->lease.failed = a->lease.active = 0;
	}
	a->latest = now.us;
	a->pause = least(a->pause, now.us + LIMIT_PAUSE_MAX_S * SECOND);
	a->ask = least(a->ask, now.us + ask_every);
}

static int64_t max_of(const struct allowance *a)
{
	return a->told ? a->max : ASSUMED_MAX;
}

static bool is_shared(const struct allowance *a)
{
	return a->lease.account != 0;
}

/* Whether the database must be asked before anything else. */
static bool is_unleased(const struct allowance *a, int64_t now)
{
	return is_shared(a) && a->lease.until <= now;
}

/* The slots that may be used. */
static int64_t slots_of(const struct allowance *a, int64_t now)
{
	if (is_unleased(a, now))
		return 0;
	return is_shared(a) ? least(least(a->lease.slots, a->lease.target), max_of(a)) : max_of(a);
}

/* How long a slot stays busy after an answer: the interval, and a little for clocks that differ. */
static int64_t interval_of(const struct allowance *a)
{
	int64_t interval = a->told ? a->interval : ASSUMED_INTERVAL_MS * MS;
	return interval + interval / 500;
}

/* --- Slots --- */

static bool is_busy(const struct allowance_slot *slot, int64_t now)
{
	return slot->owner || slot->until > now;
}

struct use {
	int64_t busy, in_flight, live;
	int64_t cold; /* when the last of those that are not in flight is free */
	int64_t free; /* the first that is */
};

static struct use use_of(const struct allowance *a, int64_t now)
{
	struct use use = {.free = a->slots_used};
	for (int64_t i = use.free; i-- > 0;) {
		int64_t until = a->slots[i].until;
		bool owned = a->slots[i].owner != 0, busy = owned | (until > now);
		use.busy += busy;
		use.in_flight += owned;
		use.live += busy & (a->slots[i].live != 0);
		use.cold = most(use.cold, until);
		use.free = busy ? use.free : i;
	}
	return use;
}

/* What of the slots is used, where none may be busy longer than it can be: the interval that was assumed is
 * longer than the one that was told. */
static struct use look_at_slots(struct allowance *a, int64_t now)
{
	while (a->slots_used && !is_busy(&a->slots[a->slots_used - 1], now))
		a->slots_used--;
	struct use use = use_of(a, now);
	int64_t latest = now + interval_of(a) + late_max;
	if (use.cold <= latest)
		return use;
	for (int64_t i = 0; i < a->slots_used; i++)
		if (a->slots[i].until > latest)
			a->slots[i].until = latest;
	return use_of(a, now);
}

/* A slot that is free, of those from the first on; NO_SLOT: there are not so many. */
static int free_slot(struct allowance *a, int64_t first, int64_t now)
{
	for (int64_t i = first; i < SLOTS; i++) {
		if (is_busy(&a->slots[i], now))
			continue;
		a->slots_used = most(a->slots_used, i + 1);
		return (int)i;
	}
	return NO_SLOT;
}

static int compare_times(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* How long until n more slots are free, as far as can be told now. */
static int64_t wait_for_slots(const struct allowance *a, int64_t n, int64_t now)
{
	int64_t times[SLOTS];
	int64_t count = 0;
	for (int64_t i = 0; i < a->slots_used; i++)
		if (!a->slots[i].owner && a->slots[i].until > now)
			times[count++] = a->slots[i].until;
	if (n > count)
		return wait_max;
	qsort(times, (size_t)count, sizeof *times, compare_times);
	return times[n - 1] - now;
}

void allowance_bury(struct allowance *a, struct moment now,
	bool (*is_dead)(const void *context, int32_t owner), const void *context)
{
	int32_t last = 0;
	bool dead = false;
	for (int64_t i = 0; i < a->slots_used; i++) {
		int32_t owner = a->slots[i].owner;
		if (!owner)
			continue;
		if (owner != last)
			dead = is_dead(context, owner);
		last = owner;
		if (dead) {
			a->slots[i].until = now.us + interval_of(a) + late_max;
			a->slots[i].owner = 0;
		}
	}
}

/* --- Who waits --- */

static bool waits(const struct allowance_waiter *w, int64_t now)
{
	return w->ticket && now - w->seen < unseen_max;
}

/* How many places of the queue need to be looked at. */
static int places_of(const struct allowance *a, int64_t now)
{
	return now - a->queued < unseen_max ? WAITERS : 0;
}

/* Enters the queue, or says that it still waits. Where it is full one waits at its end. */
static void wait_in_queue(struct allowance *a, struct allowance_request *r, int64_t now)
{
	if (!r->ticket)
		r->ticket = ++a->tickets;
	struct allowance_waiter *w = &a->waiters[r->at];
	if (w->ticket != r->ticket) {
		for (r->at = 0; r->at < WAITERS - 1 && waits(&a->waiters[r->at], now);)
			r->at++;
		w = &a->waiters[r->at];
		if (waits(w, now))
			return;
		w->ticket = 0;
		w->yields = r->yields;
		w->seen = now;
		w->ticket = r->ticket;
	}
	w->seen = a->queued = now;
}

static void leave_queue(struct allowance *a, const struct allowance_request *r)
{
	if (r->ticket && a->waiters[r->at].ticket == r->ticket)
		a->waiters[r->at].ticket = 0;
}

/* How many go first. */
static int64_t ahead_of(const struct allowance *a, const struct allowance_request *r, int64_t now)
{
	int64_t ahead = 0;
	for (int i = 0, n = places_of(a, now); i < n; i++) {
		const struct allowance_waiter *w = &a->waiters[i];
		if (!waits(w, now))
			continue;
		bool earlier = !r->ticket || w->ticket < r->ticket;
		ahead += r->yields ? earlier || !w->yields : earlier && !w->yields;
	}
	return ahead;
}

/* How many slots requests that do not yield had at once lately: half as much counts with each interval. */
static int64_t live_lately(const struct allowance *a, int64_t now)
{
	int64_t intervals = (now - a->live_at) / interval_of(a);
	return intervals < 16 ? a->live >> intervals : 0;
}

/* --- The day, and pauses --- */

static void begin_day(struct allowance *a, int64_t day)
{
	a->day_left = is_shared(a) ? 0 : a->day_max ? a->day_max : ASSUMED_DAY;
	a->lease.day_taken = a->lease.day_over = 0;
	a->lease.day_remaining = -1;
	a->day = day;
}

static void look_at_day(struct allowance *a, struct moment now)
{
	if (a->day != now.ms / DAY_MS)
		begin_day(a, now.ms / DAY_MS);
}

static void set_day_max(struct allowance *a, int64_t max)
{
	int64_t before = a->day_max ? a->day_max : ASSUMED_DAY;
	if (is_shared(a) && max < before) /* each account gives up its part at once */
		a->day_left = a->day_left * max / before;
	a->day_max = max;
}

/* What an answer says of the day. What is under way may be in its number or not, so it sets bounds only. */
static void learn_day(
	struct allowance *a, const struct limit_turn *turn, const struct limit_told *told, struct moment now)
{
	if (told->day_max < 0 || told->day_remaining < 0)
		return;
	look_at_day(a, now);
	int64_t high = told->day_remaining, low = high - (a->taken - turn->taken) - turn->in_flight;
	if (!is_shared(a))
		a->day_left = least(most(a->day_left, low), high);
	set_day_max(a, told->day_max);
	a->lease.day_remaining = high;
	a->lease.day_over &= high == 0;
	if (told->status == 429 && high == 0) { /* its day may be another than ours: one is tried in an hour */
		a->day_closed = least(now.ms + HOUR_MS, (a->day + 1) * DAY_MS);
		a->lease.day_taken += a->day_left - 1;
		a->day_left = 1;
	}
}

/* Whether a request may be made in a long pause, to see whether it is over. */
static bool may_ask(const struct allowance *a, int64_t now)
{
	return a->pause > now + pause_max && a->ask <= now;
}

/* What an answer says of a pause. A request that asked whether one is over has the last word. */
static void learn_pause(
	struct allowance *a, const struct limit_turn *turn, const struct limit_told *told, int64_t now)
{
	int64_t pause = now + (told->retry_after > 0 ? told->retry_after * SECOND : interval_of(a) / 4);
	bool served = told->status > 0 && told->status < 500 && told->status != 429;
	if (told->status == 429 && (turn->asks || pause > a->pause)) {
		a->pause = pause;
		a->ask = now + ask_every;
		a->lease.news = 1;
	} else if (turn->asks && served) {
		a->pause = 0;
		a->lease.news = 1;
	} else if (turn->asks && !told->sent) {
		a->ask = now;
		a->lease.news = 1;
	}
}

/* When a request can be made again, milliseconds since 1970; 0: it need not be asked. */
static int64_t closed_until(struct allowance *a, struct moment now)
{
	look_at_day(a, now);
	if (is_unleased(a, now.us)) /* what is known may be no more */
		return a->lease.failed && a->lease.failed + pause_max < now.us ? now.ms + pause_max / MS : 0;
	if (a->pause > now.us + pause_max && !may_ask(a, now.us))
		return now.ms + (least(a->ask, a->pause) - now.us) / MS;
	if (a->day_closed > now.ms && a->day_closed <= now.ms + HOUR_MS)
		return a->day_closed;
	return a->day_left > 0 || (is_shared(a) && !a->lease.day_over) ? 0 : (a->day + 1) * DAY_MS;
}

/* --- A turn --- */

/* How long to wait before looking again; 0: it is the request's turn. */
static int64_t wait_of(
	const struct allowance *a, const struct allowance_request *r, struct use use, int64_t now)
{
	if (is_unleased(a, now) || (is_shared(a) && a->day_left <= 0))
		return a->lease.failed ? wait_max : soon / 10;
	if (a->pause > now && !may_ask(a, now))
		return a->pause - now;
	if (!a->told && use.in_flight && now < a->trial + trial_max)
		return wait_min;
	if (r->yields && a->yields_from > now)
		return a->yields_from - now;
	int64_t kept = r->yields ? most(live_lately(a, now) - use.live, 0) : 0;
	int64_t needed = ahead_of(a, r, now) + kept + 1;
	int64_t free = slots_of(a, now) - use.busy;
	return free >= needed ? 0 : wait_for_slots(a, needed - free, now);
}

/* Begins the request's turn: it has its slot. */
static struct limit_turn begin(
	struct allowance *a, const struct allowance_request *r, struct use use, int64_t now)
{
	int64_t interval = interval_of(a);
	int slot = free_slot(a, use.free, now);
	struct limit_turn turn = {.slot = slot,
		.busy = use.busy + 1,
		.in_flight = slot == NO_SLOT ? SLOTS : use.in_flight,
		.taken = ++a->taken,
		.asks = a->pause > now};
	if (!use.in_flight)
		a->trial = now;
	if (r->yields) { /* who is late may catch up a little */
		a->yields_from = most(a->yields_from, now - interval / 8) + interval / most(slots_of(a, now), 1);
	} else if (use.live + 1 >= live_lately(a, now)) {
		a->live = use.live + 1;
		a->live_at = now;
	}
	a->day_left--;
	a->lease.day_taken++;
	if (turn.asks) {
		a->ask = now + ask_every;
		a->lease.news = 1;
	}
	if (slot != NO_SLOT) {
		a->slots[slot].live = !r->yields;
		a->slots[slot].owner = r->owner;
	}
	return turn;
}

bool allowance_ask(struct allowance *a, struct allowance_request *request, struct moment now,
	struct limit_turn *turn, int64_t *wait, int64_t *until)
{
	struct use use = look_at_slots(a, now.us);
	if (a->lease.active + idle_after < now.us) /* what failed then may not now */
		a->lease.failed = 0;
	a->lease.active = now.us;
	*wait = 0;
	*until = closed_until(a, now);
	if (!*until && (*wait = wait_of(a, request, use, now.us)) > 0) {
		wait_in_queue(a, request, now.us);
		*wait = least(most(*wait, wait_min), wait_max);
		return false;
	}
	leave_queue(a, request);
	if (!*until)
		*turn = begin(a, request, use, now.us);
	return !*until;
}

/* What an answer says of the limit. */
static void learn(struct allowance *a, const struct limit_told *told)
{
	if (told->interval_ms <= 0 || told->max <= 0)
		return;
	if (told->max < max_of(a)) /* each account gives up its part at once */
		a->lease.slots = a->lease.slots * told->max / max_of(a);
	a->max = told->max;
	a->interval = told->interval_ms * MS;
	a->told = 1;
	a->lease.fresh = 1;
}

/* Where the CRM has counted more than we know of, somebody else uses the limit: what they used is held, too.
 */
static void hold_others(struct allowance *a, const struct limit_turn *turn, int64_t remaining, int64_t now)
{
	int64_t ours = turn->busy + (a->taken - turn->taken);
	if (!a->told || remaining < 0)
		return;
	int slot = 0;
	for (int64_t others = slots_of(a, now) - ours - remaining; others > 0; others--) {
		slot = free_slot(a, slot, now);
		if (slot == NO_SLOT)
			return;
		a->slots[slot].live = 0;
		a->slots[slot].until = now + interval_of(a);
	}
}

void allowance_end(
	struct allowance *a, const struct limit_turn *turn, const struct limit_told *told, struct moment now)
{
	learn(a, told);
	a->lease.active = now.us;
	if (!told->sent) {
		a->day_left++;
		a->lease.day_taken--;
	}
	if (turn->slot != NO_SLOT) { /* it cools for an interval, unless nothing was sent */
		int64_t late = told->status ? 0 : late_max;
		a->slots[turn->slot].until = told->sent ? now.us + interval_of(a) + late : 0;
		a->slots[turn->slot].owner = 0;
		hold_others(a, turn, told->remaining, now.us);
	}
	learn_day(a, turn, told, now);
	learn_pause(a, turn, told, now.us);
}

/* --- A share of the limit --- */

void allowance_share(struct allowance *a, int64_t account)
{
	if (!is_shared(a))
		a->lease.account = account;
}

/* How many wait. */
static int64_t waiting(const struct allowance *a, int64_t now, bool live)
{
	int64_t n = 0;
	for (int i = places_of(a, now); i-- > 0;)
		n += waits(&a->waiters[i], now) && (!live || !a->waiters[i].yields);
	return n;
}

/* How many requests of the day are wanted in hand: twice as many as a lease's time can need. */
static int64_t day_want(const struct allowance *a, int64_t slots)
{
	return a->told ? 2 * slots * (1 + term / interval_of(a)) : 2;
}

/* Whether it is time to ask: the sooner, the more depends on it. */
static bool must_ask(const struct allowance *a, struct use use, int64_t waiters, int64_t now)
{
	const struct allowance_lease *l = &a->lease;
	int64_t age = now - l->asked;
	if (l->failed)
		return age >= SECOND;
	if (l->until <= now && !waiters)
		return l->news && age >= soon;
	if (l->until <= now || l->news)
		return age >= soon;
	if (!l->day_over && a->day_left < day_want(a, l->slots) / 2)
		return age >= 2 * soon;
	if (waiters && use.busy + waiters > l->slots) /* more than was said, or others give it up just now */
		return age >= (l->slots >= l->need ? 2 * soon : l->slots < l->target ? 5 * soon : SECOND);
	if (l->slots > l->target && use.busy < l->slots)
		return age >= 5 * soon;
	return age >= (l->active > l->asked ? SECOND : term / 2);
}

bool allowance_asks(struct allowance *a, struct moment now, bool leaves, struct share_asked *asked)
{
	struct allowance_lease *l = &a->lease;
	struct use use = look_at_slots(a, now.us);
	int64_t waiters = waiting(a, now.us, false);
	bool idle = !waiters && !use.in_flight && (leaves || l->active + idle_after < now.us);
	bool ends = idle && l->until > now.us;
	look_at_day(a, now);
	if (leaves && !ends && !l->news)
		return false;
	if (!leaves && (ends ? l->failed && now.us - l->asked < SECOND : !must_ask(a, use, waiters, now.us)))
		return false;
	int64_t live = most(use.live, live_lately(a, now.us)) + waiting(a, now.us, true);
	int64_t lasts = term + SHARE_GRACE_MS * MS + interval_of(a);
	live += live > 0; /* the next one shall not wait */
	l->slots = least(l->slots, most(use.busy, l->target));
	if (ends) {
		l->slots = l->until = live = 0;
		lasts = most(use.cold - now.us, 0) + MS;
		a->day_left = 0;
	}
	int64_t need = ends ? 0 : most(use.busy + waiters, live);
	*asked = (struct share_asked){.account = l->account,
		.turn = ++l->turn,
		.slots = most(use.busy, l->slots),
		.live = live,
		.need = need,
		.lasts = lasts / MS,
		.day = a->day,
		.day_taken = l->day_taken,
		.day_left = a->day_left,
		.day_want = ends ? 0 : day_want(a, most(l->slots, need)),
		.told = l->fresh,
		.interval = a->told ? a->interval / MS : 0,
		.max = a->told ? a->max : 0,
		.day_max = a->day_max,
		.day_remaining = l->day_remaining,
		.said = l->news,
		.pause = most(a->pause - now.us, 0) / MS,
		.ask = most(a->ask - now.us, 0) / MS};
	l->asked = now.us;
	l->fresh = l->news = 0;
	return true;
}

/* Takes over what others have been told since. */
static void hear(struct allowance *a, const struct share_got *got, int64_t now)
{
	struct allowance_lease *l = &a->lease;
	if (got->told > l->told && !l->fresh) {
		learn(a, &(struct limit_told){.interval_ms = got->interval, .max = got->max});
		if (got->day_max)
			set_day_max(a, got->day_max);
		l->fresh = 0;
	}
	if (got->said > l->said && !l->news) {
		a->pause = got->pause ? now + got->pause * MS : 0;
		a->ask = now + got->ask * MS;
	}
	l->told = got->told;
	l->said = got->said;
}

void allowance_got(struct allowance *a, const struct share_asked *asked, const struct share_got *got,
	int64_t began, struct moment now)
{
	struct allowance_lease *l = &a->lease;
	if (!got) {
		l->fresh |= asked->told;
		l->news |= asked->said;
	}
	if (asked->turn != l->turn)
		return;
	if (!got) {
		l->failed = l->failed ? l->failed : now.us;
		return;
	}
	l->failed = 0;
	hear(a, got, now.us);
	l->ahead += got->now - now.ms;
	l->slots = asked->need ? got->slots : 0;
	l->until = asked->need ? began + term : 0;
	l->target = got->target;
	l->need = asked->need;
	l->used = got->used;
	if (a->day != got->day)
		begin_day(a, got->day);
	a->day_left += got->day_more;
	l->day_left = got->day_left;
	l->day_over = a->day_left <= 0 && asked->need;
}

/* --- For people --- */

struct limit_left allowance_left(const struct allowance *a, struct moment now)
{
	int64_t day_max = a->day_max ? a->day_max : ASSUMED_DAY;
	int64_t day_left = a->day == now.ms / DAY_MS ? a->day_left + a->lease.day_left : day_max;
	return (struct limit_left){.told = a->told,
		.interval_ms = a->told ? a->interval / MS : ASSUMED_INTERVAL_MS,
		.max = max_of(a),
		.left = most(max_of(a) - use_of(a, now.us).busy - a->lease.used, 0),
		.day_max = day_max,
		.day_left = most(day_left, 0),
		.pause_ms = now.us < a->latest /* the machine was started anew */
						? 0
						: most(a->pause - now.us, 0) / MS};
}
