/*
 * The pace at which the day's calls are spent:
 *
 * - While the forecast says that what is left of them will last, nobody waits.
 * - Where it will not, lookups that a list can bring wait for each other, all for the same time: the shortest
 *   with which the calls last. So the longest wait is as short as they allow. Where that is a few seconds,
 * one list in some waits FORECAST_SHORT seconds instead, and the others not at all.
 * - Where even FORECAST_PATIENCE seconds would not do, calls are spread as well (quota.h).
 * - A command that a person runs waits for nothing. Nor does anybody once all calls were made: that is told
 *   at once.
 *
 * The plan is made anew every few seconds: whatever was wrong about the forecast is made good by those that
 * follow. What was counted is written then, and at the end.
 */
#include "pace.h"
#include "net/patientnow.h"
#include "state/quota.h"
#include "value/when.h"

#include <pthread.h>
#include <stdlib.h>

enum { PLAN_MS = 5000, HOUR_MS = 3600000 };

struct pace {
	const struct conf *conf;
	struct state *state;
	bool people;
	pthread_mutex_t lock; /* of what follows */
	int64_t counted[LOOKUPS];
	int64_t planned; /* when; 0: never */
	double seconds;  /* that lookups wait for each other */
	double an_hour[LOOKUPS];
	bool spread; /* and calls are spread, these: */
	struct quota_span span;
};

struct pace *pace_open(const struct conf *conf, struct state *state)
{
	struct pace *p = allocated(calloc(1, sizeof *p));
	*p = (struct pace){.conf = conf, .state = state, .people = quota_is_for_people()};
	pthread_mutex_init(&p->lock, NULL);
	return p;
}

/* Writes down what was counted, unless a person caused it. What a power cut takes of it does no harm. */
static void write_count(struct pace *p, int64_t now)
{
	static const int64_t nothing[LOOKUPS];
	if (p->people || memcmp(p->counted, nothing, sizeof nothing) == 0 || !state_begin_unflushed(p->state))
		return;
	bool done = forecast_count(p->state, now, p->counted);
	if (state_end(p->state, done) && done)
		memset(p->counted, 0, sizeof p->counted);
}

void pace_close(struct pace *p)
{
	write_count(p, when_now_ms());
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void pace_count(struct pace *p, int lookup)
{
	pthread_mutex_lock(&p->lock);
	p->counted[lookup]++;
	pthread_mutex_unlock(&p->lock);
}

static void plan(struct pace *p)
{
	int64_t now = when_now_ms();
	if (p->people || (p->planned && now >= p->planned && now - p->planned < PLAN_MS))
		return;
	write_count(p, now);
	int64_t left = patientnow_calls_left(p->conf, p->state);
	struct forecast f = forecast_read(p->state, now);
	p->planned = now;
	p->seconds = forecast_wait(&f, left, &p->spread);
	p->span = (struct quota_span){.left = left, .ms = (int64_t)(forecast_hours(&f) * HOUR_MS)};
	for (int i = 0; i < LOOKUPS; i++)
		p->an_hour[i] = f.hours[0].lookups[i];
}

struct pace_wait pace_wait(struct pace *p, enum event_kind kind)
{
	pthread_mutex_lock(&p->lock);
	plan(p);
	double seconds = p->seconds > FORECAST_SHORT ? p->seconds : FORECAST_SHORT;
	struct pace_wait wait = {.share = forecast_share(p->seconds),
		.ms = (int64_t)(seconds * 1000),
		.together = forecast_together(p->an_hour[kind] * seconds / 3600)};
	pthread_mutex_unlock(&p->lock);
	return wait;
}

bool pace_turn(struct pace *p, int64_t *wait)
{
	*wait = 0;
	if (p->people)
		return true;
	pthread_mutex_lock(&p->lock);
	plan(p);
	bool spread = p->spread;
	struct quota_span span = p->span;
	pthread_mutex_unlock(&p->lock);
	return !spread || quota_turn(p->state, "patientnow", span, wait);
}
