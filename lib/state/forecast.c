/*
 * The forecast of a day's lookups:
 *
 * - What an hour to come will bring of a kind is the mean of that hour of the last seven days, times how busy
 *   today is. Days without any lookup (the practice was closed) do not count.
 * - How busy today is: what the last twelve hours had, over what those days had in these hours. Both get a
 *   little more, so that the first events of a morning do not foretell a day.
 * - A practice without a past is taken for one of medium size that is open from 8 to 18 o'clock, and asks for
 *   fewer patients each hour, since more and more are known.
 * - Of the hours before its first lookup nothing is known: they are what such a practice has, times how much
 *   more this one has in the hours that are known.
 * - A list is asked for when its first lookup has waited, or enough others have come: fewer than are expected
 *   (forecast_together). With as many calls that takes less waiting, in the mean, than to wait for the time
 * alone, whatever comes; the longest wait is longer.
 * - They come by chance: with so many expected, the Poisson distribution tells how many do. A resource that
 *   no list brings takes a call of its own.
 * - A wait of less than FORECAST_SHORT seconds for all is one of so many for a part of the lists, which saves
 * as many calls: most then wait for nothing.
 * - Calls must last for one standard deviation more than is expected, which is KEPT at least. Without
 *   that, one day in two would run short in its last hour, where few are left to wait for; and who comes
 * after it would wait for midnight.
 * - A wait is no longer than saves something: where few are to come, not even the longest would save a call.
 *
 * A process that is killed has not counted its last few lookups; nothing else depends on them.
 */
#include "state/forecast.h"

#include <math.h>
#include <string.h>
#include <time.h>

enum {
	HOUR_MS = 3600000,
	DAY_HOURS = 24,
	TODAY_HOURS = 12, /* by which it is told how busy today is */
	TOGETHER_S = 2,   /* for so long lookups of a list wait in any case (gather.c) */
	BUSY_MAX = 20,
	PAGE = 100, /* what a page of a list holds, about */
	KEPT = 12,  /* calls for lists that are waited for already, and for what nobody expects */
};

static const char *const names[LOOKUPS] = {"patient", "appointment", "bill", "membership", "alone"};

/* An hour of a practice of medium size; of what is asked for alone its first one. */
static const double usual[LOOKUPS] = {5, 18, 6, 2, 9};
static const double patients_left = 0.85; /* of those who are asked for alone, an hour later */
/* So much of an hour is added to what was seen and to what was expected, before the one is held against the
   other: a burst of a minute foretells no day. */
static const double credit = 0.25;

/* Hours from seven days and half a day ago up to now. */
enum { PAST = FORECAST_DAYS * DAY_HOURS + TODAY_HOURS };
struct past {
	int64_t first; /* since 1970 */
	int begun;     /* in this one there was something first */
	double lookups[PAST + DAY_HOURS][LOOKUPS];
	bool open[PAST + DAY_HOURS];                /* whether there were any in the 24 hours around this one */
	bool day[PAST + DAY_HOURS];                 /* where practices are open, of which nothing is known */
	double supposed[PAST + DAY_HOURS][LOOKUPS]; /* of a practice of which nothing is known */
	double times[LOOKUPS];                      /* as many this one has, where it is known */
};

bool forecast_count(struct state *s, int64_t now, const int64_t lookups[static LOOKUPS])
{
	int64_t hour = now / HOUR_MS;
	bool done = true;
	for (int i = 0; done && i < LOOKUPS; i++)
		if (lookups[i])
			done = state_do(s,
				"INSERT INTO lookup(hour,kind,n) VALUES(?,?,?)"
				"  ON CONFLICT(hour,kind) DO UPDATE SET n=lookup.n+excluded.n",
				"iti", hour, names[i], lookups[i]);
	return done && state_do(s, "DELETE FROM lookup WHERE hour<?", "i", hour - PAST);
}

static void read_past(struct state *s, struct past *p)
{
	struct state_rows rows = state_query(s, "SELECT hour, kind, n FROM lookup WHERE hour>=?", "i", p->first);
	while (state_next(&rows)) {
		int64_t hour = state_number(state_text(&rows, 0)) - p->first;
		for (int i = 0; hour >= 0 && hour < PAST + 1 && i < LOOKUPS; i++)
			if (strcmp(state_text(&rows, 1), names[i]) == 0)
				p->lookups[hour][i] = (double)state_number(state_text(&rows, 2));
		if (hour >= 0 && hour < p->begun)
			p->begun = (int)hour;
	}
	state_done(&rows);
}

/* Today's own hours make no other day. */
static void find_open_hours(struct past *p)
{
	for (int hour = 0; hour < PAST - TODAY_HOURS; hour++)
		for (int i = 0; i < LOOKUPS; i++)
			for (int near = hour - TODAY_HOURS; p->lookups[hour][i] > 0 && near < hour + TODAY_HOURS; near++)
				if (near >= 0)
					p->open[near] = true;
}

/* What a practice has in each hour of which nothing is known. */
static void suppose(struct past *p)
{
	double left = 1;
	for (int hour = 0; hour < PAST + DAY_HOURS; hour++) {
		time_t t = (time_t)((p->first + hour) * 3600);
		struct tm local;
		bool day = p->day[hour] = localtime_r(&t, &local) && local.tm_hour >= 8 && local.tm_hour < 18;
		for (int i = 0; i < LOOKUPS; i++)
			p->supposed[hour][i] = usual[i] * (day ? 1 : 0.001) * (i == LOOKUP_ALONE ? left : 1);
		if (!day)
			left = 1;
		else if (hour >= p->begun)
			left *= patients_left;
	}
}

/* How many times as many, or the most that is believed. */
static double believed(double times)
{
	return times < BUSY_MAX ? times : BUSY_MAX;
}

/* How many times as many there were by day in the hours that are known. */
static void compare_hours(struct past *p)
{
	for (int i = 0; i < LOOKUPS; i++) {
		double seen = usual[i] * credit, expected = seen;
		for (int hour = p->begun; hour < PAST - TODAY_HOURS; hour++)
			if (p->open[hour] && p->day[hour]) {
				seen += p->lookups[hour][i];
				expected += p->supposed[hour][i];
			}
		p->times[i] = believed(seen / expected);
	}
}

/* What an hour of today has on other days; hour counts from the past's first. */
static double usually(const struct past *p, int hour, int kind)
{
	double sum = 0;
	int days = 0;
	for (int day = 1; day <= FORECAST_DAYS; day++)
		if (hour - day * DAY_HOURS >= p->begun && p->open[hour - day * DAY_HOURS]) {
			sum += p->lookups[hour - day * DAY_HOURS][kind];
			days++;
		}
	return days ? sum / days : p->supposed[hour][kind] * p->times[kind];
}

/* How many times as many lookups of a kind there are today. gone: the part of this hour that is over. */
static double busy(const struct past *p, int kind, double gone)
{
	double seen = usual[kind] * p->times[kind] * credit, expected = seen;
	int first = PAST - TODAY_HOURS + 1;
	for (int hour = first > p->begun ? first : p->begun; hour <= PAST; hour++) {
		seen += p->lookups[hour][kind];
		expected += usually(p, hour, kind) * (hour < PAST ? 1 : gone);
	}
	return believed(seen / expected);
}

struct forecast forecast_read(struct state *s, int64_t now)
{
	struct past past = {.first = now / HOUR_MS - PAST, .begun = PAST};
	struct forecast f = {.n = (size_t)(DAY_HOURS - now / HOUR_MS % DAY_HOURS)};
	double gone = (double)(now % HOUR_MS) / HOUR_MS;
	read_past(s, &past);
	find_open_hours(&past);
	suppose(&past);
	compare_hours(&past);
	for (int kind = 0; kind < LOOKUPS; kind++) {
		double times = busy(&past, kind, gone);
		for (size_t i = 0; i < f.n; i++)
			f.hours[i].lookups[kind] = usually(&past, PAST + (int)i, kind) * times;
	}
	for (size_t i = 0; i < f.n; i++)
		f.hours[i].part = i ? 1 : 1 - gone;
	return f;
}

double forecast_lookups(const struct forecast *f)
{
	double sum = 0;
	for (size_t i = 0; i < f->n; i++)
		for (int kind = 0; kind < LOOKUPS; kind++)
			sum += f->hours[i].part * f->hours[i].lookups[kind];
	return sum;
}

size_t forecast_together(double others)
{
	size_t many = 2 + (size_t)(others * 0.6);
	return many < PAGE ? many : PAGE;
}

/* How many lookups share a list, in the mean, where so many others are expected while the first one waits. */
static double sharing(double others)
{
	size_t most = forecast_together(others);
	double just = exp(-others), fewer = just, mean = 1; /* that k - 1 come; that fewer than k do */
	for (size_t k = 1; k < most; k++) {
		mean += 1 - fewer;
		just *= others / (double)k;
		fewer += just;
	}
	return mean;
}

double forecast_share(double seconds)
{
	return seconds < FORECAST_SHORT ? seconds / FORECAST_SHORT : 1;
}

/* Calls of an hour with n lookups of a kind. */
static double calls_of(double n, int kind, double wait)
{
	double share = forecast_share(wait), longer = wait < FORECAST_SHORT ? FORECAST_SHORT : wait;
	if (kind == LOOKUP_ALONE)
		return n;
	return n / (share * sharing(n * longer / 3600) + (1 - share) * sharing(n * TOGETHER_S / 3600));
}

double forecast_calls(const struct forecast *f, double seconds)
{
	double sum = 0;
	for (size_t i = 0; i < f->n; i++)
		for (int kind = 0; kind < LOOKUPS; kind++)
			sum += f->hours[i].part * calls_of(f->hours[i].lookups[kind], kind, seconds);
	return sum;
}

/* Whether a wait will do: so many calls last, with what chance may add, or no longer one would save half of a
 * call. least: with the longest. */
static bool will_do(const struct forecast *f, double seconds, double calls, double least)
{
	double expected = forecast_calls(f, seconds);
	return expected + sqrt(expected + KEPT * KEPT) <= calls || expected <= least + 0.5;
}

double forecast_wait(const struct forecast *f, int64_t left, bool *spread)
{
	double calls = (double)left, enough = FORECAST_PATIENCE, short_of = 0;
	double least = forecast_calls(f, FORECAST_PATIENCE);
	*spread = left > 0 && least > calls;
	if (left <= 0 || will_do(f, 0, calls, least))
		return 0;
	while (enough - short_of > 0.5) {
		double middle = (enough + short_of) / 2;
		if (will_do(f, middle, calls, least))
			enough = middle;
		else
			short_of = middle;
	}
	return enough;
}

double forecast_hours(const struct forecast *f)
{
	double sum = 0, now = 0;
	for (int kind = 0; kind < LOOKUPS; kind++)
		now += f->hours[0].lookups[kind];
	for (size_t i = 0; i < f->n; i++)
		sum += f->hours[i].part;
	double worth = now > 0 ? forecast_lookups(f) / now : sum;
	return worth < sum ? worth : sum;
}
