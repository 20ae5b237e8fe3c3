/* What the rest of a day will bring, and for how long lookups wait for each other so that its calls last. */
#include "tap.h"
#include "state/forecast.h"
#include "value/when.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { MINUTE = 60000, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

static const int64_t midnight = 1764547200000; /* 2025-12-01 UTC; 17 o'clock in Denver, the day before */

static struct state *new_state(char path[static 40])
{
	strcpy(path, "/tmp/pnow-forecast.XXXXXX/state");
	char *last = strrchr(path, '/');
	*last = '\0';
	if (!mkdtemp(path)) {
		ok(false, "a folder for the state file");
		exit(done());
	}
	*last = '/';
	return state_open(path);
}

static void remove_state(struct state *s, char *path)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-locks"};
	char file[64];
	state_close(s);
	for (size_t i = 0; i < COUNT(ends); i++) {
		snprintf(file, sizeof file, "%s%s", path, ends[i]);
		unlink(file);
	}
	*strrchr(path, '/') = '\0';
	rmdir(path);
}

/* Lookups at an even pace between two moments. */
static void bring(struct state *s, int64_t from, int64_t until, int64_t appointments, int64_t alone)
{
	int64_t quarters = (until - from) / (15 * MINUTE);
	for (int64_t i = 0; i < quarters; i++) {
		int64_t n[LOOKUPS] = {0};
		n[KIND_APPOINTMENT] = appointments * (i + 1) / quarters - appointments * i / quarters;
		n[LOOKUP_ALONE] = alone * (i + 1) / quarters - alone * i / quarters;
		forecast_count(s, from + i * 15 * MINUTE, n);
	}
}

/* forecast_wait; where calls are to be spread, more than that. */
static double wait_of(const struct forecast *f, double calls)
{
	bool spread;
	double wait = forecast_wait(f, (int64_t)calls, &spread);
	return spread ? wait + 1 : wait;
}

static bool about(double n, double wanted)
{
	return n > wanted * 0.75 && n < wanted * 1.25;
}

/* A practice of which nothing is known, at 8:00 in Denver. */
static void check_first_day(void)
{
	char path[40];
	struct state *s = new_state(path);
	int64_t morning = midnight + 15 * HOUR;
	struct forecast f = forecast_read(s, morning);
	ok(f.n == 9 && wait_of(&f, 950) == 0, "the first day of a practice begins without waits");
	bring(s, morning, morning + HOUR, 20, 10);
	f = forecast_read(s, morning + HOUR);
	ok(wait_of(&f, 920) == 0, "a quiet hour leaves it so");
	int64_t burst[LOOKUPS] = {[KIND_APPOINTMENT] = 60};
	forecast_count(s, morning + HOUR, burst);
	f = forecast_read(s, morning + HOUR + MINUTE);
	ok(wait_of(&f, 890) < 10, "sixty bookings in a minute do not change that");
	ok(f.hours[0].lookups[KIND_APPOINTMENT] > 60,
		"but a practice of which nothing is known is soon believed");
	bring(s, morning + HOUR, morning + 3 * HOUR, 400, 80);
	f = forecast_read(s, morning + 3 * HOUR);
	double wait = wait_of(&f, 600);
	ok(wait > 5 && wait < 120, "two busy hours foretell a busy day: lookups wait for each other");
	remove_state(s, path);
}

/* A practice that begins at 17:00 in Denver, where a day of calls begins (UTC). */
static void check_first_evening(void)
{
	char path[40];
	struct state *s = new_state(path);
	struct forecast f = forecast_read(s, midnight + MINUTE);
	ok(f.n == 24 && forecast_lookups(&f) > 200, "a practice that begins in the evening expects the next day");
	bring(s, midnight, midnight + HOUR, 100, 20);
	f = forecast_read(s, midnight + HOUR / 2);
	ok(forecast_lookups(&f) > 600, "a busy evening foretells a busy day");
	f = forecast_read(s, midnight + 15 * HOUR);
	ok(about(forecast_lookups(&f), 9 * 110),
		"hours before the first are not taken for empty: the next morning expects as many as the evening had");
	bring(s, midnight + 15 * HOUR, midnight + 17 * HOUR, 200, 30);
	f = forecast_read(s, midnight + 17 * HOUR);
	ok(about(forecast_lookups(&f), 7 * 108), "and is right");
	remove_state(s, path);
}

/* A practice that is busy from 8 to 17 o'clock on each working day. */
static void check_other_days(void)
{
	char path[40];
	struct state *s = new_state(path);
	for (int day = 1; day <= 6; day++)
		if (day < 3 || day > 4) /* a weekend */
			bring(s, midnight + 15 * HOUR - day * (int64_t)DAY, midnight + 24 * HOUR - day * (int64_t)DAY,
				900, 90);
	struct forecast f = forecast_read(s, midnight + 15 * HOUR);
	ok(about(forecast_lookups(&f), 990),
		"a morning expects what the last days had, those when it was closed left out");
	f = forecast_read(s, midnight + 10 * HOUR);
	ok(about(forecast_lookups(&f), 990), "also hours before");
	f = forecast_read(s, midnight + 20 * HOUR);
	ok(forecast_lookups(&f) < 200, "where none have come until one o'clock, few will");
	bring(s, midnight + 15 * HOUR, midnight + 18 * HOUR, 600, 60);
	f = forecast_read(s, midnight + 18 * HOUR);
	ok(about(forecast_lookups(&f), 1320), "a day that is twice as busy stays so");
	bring(s, midnight + 15 * HOUR + 9 * (int64_t)DAY, midnight + 16 * HOUR + 9 * (int64_t)DAY, 10, 1);
	int64_t rows = 0;
	state_int(s, &rows, "SELECT count(DISTINCT hour) FROM lookup", "");
	ok(rows == 1, "what is older than the days that count is forgotten");
	remove_state(s, path);
}

static void check_waits(void)
{
	struct forecast f = {.n = 10};
	for (size_t i = 0; i < f.n; i++)
		f.hours[i] =
			(struct forecast_hour){.part = 1, .lookups = {[KIND_APPOINTMENT] = 200, [LOOKUP_ALONE] = 12}};
	double longer = 0;
	for (double calls = 2500; calls > 300; calls -= 50) {
		double wait = wait_of(&f, calls);
		ok(wait >= longer, "fewer calls, a longer wait, never a shorter one");
		ok(wait > FORECAST_PATIENCE || forecast_calls(&f, wait) <= calls, "with which they last");
		double shorter = forecast_calls(&f, wait - 1);
		ok(wait < 1 || shorter + sqrt(shorter + 144) > calls, "and no shorter wait would do");
		longer = wait;
	}
	ok(forecast_share(0) <= 0 && forecast_share(FORECAST_SHORT / 3.0) < 0.5 &&
			forecast_share(FORECAST_SHORT) >= 1,
		"of a short wait a share of the lists has all");
	ok(forecast_together(0) == 2 && forecast_together(10) == 8 && forecast_together(1000) == 100,
		"enough for a list are fewer than are expected, and a page's at most");
	ok(wait_of(&f, 100) > FORECAST_PATIENCE, "where no wait will do, it is said");
	bool spread = true;
	ok(forecast_wait(&f, 0, &spread) == 0 && !spread, "of no calls nothing is won by waiting");
	ok(forecast_hours(&f) > 9.9 && forecast_hours(&f) < 10.1, "ten hours like this one");
	for (size_t i = 1; i < f.n; i++)
		f.hours[i].lookups[KIND_APPOINTMENT] = f.hours[i].lookups[LOOKUP_ALONE] = 0;
	ok(forecast_hours(&f) < 1.1, "a busy hour before a quiet night is worth one");
	f.hours[0].part = 0.05; /* ten lookups */
	ok(wait_of(&f, 23) == 0 && wait_of(&f, 21) > 0, "before it some calls are kept for what nobody expects");
	f.hours[0].part = 0.001;
	ok(wait_of(&f, 2) == 0, "but nobody waits where that would save no call");
}

int main(void)
{
	when_zone("America/Denver");
	check_first_day();
	check_first_evening();
	check_other_days();
	check_waits();
	return done();
}
