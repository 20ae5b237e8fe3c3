/*
 * How lookups of a kind share a list:
 *
 * - Who comes first sets the time: the list is asked for when that one has waited as long as the pace
 *   demands, or enough others have come (forecast_together). Where the pace demands it of a share of the
 * lists, one of so many waits.
 * - One thread asks. Who comes meanwhile looks into this list first, and waits for the next one where it
 *   lacks what has just changed.
 * - Two lists of a kind are SHORTLY_MS apart in any case: what comes in a burst shares one.
 * - When the input has ended nobody else can come, so nobody waits.
 */
#include "gather.h"
#include "stream/record.h"
#include "text/waits.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { SHORTLY_MS = 2000, LOOK_MS = 5000 /* how often the pace is asked anew */ };

struct kind {
	size_t waiting; /* for the next list */
	int64_t first;  /* since when the first of them waits, by the monotonic clock */
	bool patient;   /* whether they wait for others; else it is asked for at once */
	double owed;    /* lists for which that is still to be so */
	int64_t since;  /* when the earliest of their events happened */
	int64_t asked;  /* when the last list was asked for */
	uint64_t begun; /* lists that were asked for: one after the other, */
	uint64_t had;   /* and so many are there */
};

struct gather {
	struct pace *pace;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	bool ended;
	struct kind kinds[EVENT_KINDS];
};

struct gather *gather_open(struct pace *pace)
{
	struct gather *g = allocated(calloc(1, sizeof *g));
	g->pace = pace;
	pthread_mutex_init(&g->lock, NULL);
	waits_open(&g->changed);
	return g;
}

void gather_close(struct gather *g)
{
	pthread_cond_destroy(&g->changed);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

/* In how many milliseconds the list may be asked for. */
static int64_t due_in(struct gather *g, enum event_kind kind, int64_t now)
{
	const struct kind *k = &g->kinds[kind];
	struct pace_wait wait = pace_wait(g->pace, kind);
	int64_t shortly = k->asked + SHORTLY_MS - now, due = k->first + wait.ms - now;
	if (g->ended)
		return 0;
	if (!k->patient || wait.share <= 0 || k->waiting >= wait.together)
		due = 0;
	return due > shortly ? due : shortly;
}

/* Whether the lookups of a list that begins now wait for others. */
static void begin_list(struct gather *g, enum event_kind kind)
{
	struct kind *k = &g->kinds[kind];
	k->owed += pace_wait(g->pace, kind).share;
	k->patient = k->owed >= 1;
	k->owed -= k->patient;
}

static void pause_for(struct gather *g, int64_t ms)
{
	const struct timespec until = waits_after(ms);
	pthread_cond_timedwait(&g->changed, &g->lock, &until);
}

/* Until this thread may ask, or a list is there. */
static enum gather_turn wait_for_list(struct gather *g, enum event_kind kind)
{
	struct kind *k = &g->kinds[kind];
	uint64_t begun = k->begun, had = k->had;
	for (;;) {
		bool asking = k->begun > k->had;
		if (k->had > begun)
			return GATHER_HAD;
		if (k->had > had)
			return GATHER_LOOK;
		int64_t due = due_in(g, kind, waits_now());
		if (!asking && due <= 0)
			return GATHER_ASK;
		pause_for(g, asking || due > LOOK_MS ? LOOK_MS : due);
	}
}

enum gather_turn gather_wait(struct gather *g, enum event_kind kind, struct gathering *w)
{
	struct kind *k = &g->kinds[kind];
	record_waits();
	pthread_mutex_lock(&g->lock);
	int64_t now = waits_now();
	w->came = w->came ? w->came : now;
	if (!k->waiting)
		begin_list(g, kind);
	k->first = k->waiting && k->first < w->came ? k->first : w->came;
	k->since = k->waiting && k->since < w->since ? k->since : w->since;
	k->waiting++;
	pthread_cond_broadcast(&g->changed); /* there may be enough now */
	enum gather_turn turn = wait_for_list(g, kind);
	if (turn == GATHER_ASK) {
		w->since = k->since;
		k->begun++;
		k->waiting = 0;
	} else if (turn == GATHER_LOOK) {
		k->waiting--;
	}
	w->waited = waits_now() - w->came;
	pthread_mutex_unlock(&g->lock);
	record_goes_on();
	return turn;
}

void gather_asked(struct gather *g, enum event_kind kind)
{
	pthread_mutex_lock(&g->lock);
	g->kinds[kind].had++;
	g->kinds[kind].asked = waits_now();
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

void gather_ended(struct gather *g)
{
	pthread_mutex_lock(&g->lock);
	g->ended = true;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}
