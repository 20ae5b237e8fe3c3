/* How many lookups of PatientNow the rest of a day will bring: what the last days had at these hours, and how
   busy today is. Kept by the hour (UTC) in the state file, where all processes count. */
#ifndef FORECAST_H
#define FORECAST_H

#include "state/state.h"
#include "value/event.h"

/* What is looked up: what a list of an event_kind can bring, or one resource that nothing else brings. */
enum { LOOKUP_ALONE = EVENT_KINDS, LOOKUPS };

enum {
	FORECAST_DAYS = 7,       /* that are remembered */
	FORECAST_PATIENCE = 600, /* seconds that lookups wait for each other at most, */
	FORECAST_SHORT = 12,     /* and at least where they do: for less, a share of the lists waits so long */
	FORECAST_HOURS = 24,     /* until midnight, at most */
};

/* Lookups that begin within an hour. */
struct forecast_hour {
	double part; /* of it that is still to come */
	double lookups[LOOKUPS];
};

/* The hours until midnight (UTC), this one first. */
struct forecast {
	struct forecast_hour hours[FORECAST_HOURS];
	size_t n;
};

/* Adds to what this hour has had. now is milliseconds since 1970. */
bool forecast_count(struct state *s, int64_t now, const int64_t lookups[static LOOKUPS]);

/* What the rest of the day will bring. A state file without such days, or that cannot be read, gives what a
   practice of medium size has between 8 and 18 o'clock in the process's time zone. */
struct forecast forecast_read(struct state *s, int64_t now);

/* How many lookups these are, and how many calls they take, in the mean, where those of a list wait for each
   other for so many seconds. */
double forecast_lookups(const struct forecast *f);
double forecast_calls(const struct forecast *f, double seconds);

/* For how many seconds lookups of a list wait for each other: the shortest wait with which so many calls
   last, with some more for what chance may bring, or that saves as many as FORECAST_PATIENCE. *spread: not
   even that will do, and calls are to be spread as well. Without a call nothing is won by waiting. */
double forecast_wait(const struct forecast *f, int64_t calls, bool *spread);

/* The part of the lists for which anybody waits, where the wait is so many seconds. */
double forecast_share(double seconds);

/* How many lookups are enough to ask for their list before the wait is over, where so many others are
   expected to come while the first of them waits. */
size_t forecast_together(double others);

/* How many hours like this one the rest of the day is worth: it brings so many times its lookups. */
double forecast_hours(const struct forecast *f);

#endif
