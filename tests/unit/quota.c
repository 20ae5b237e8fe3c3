/* No more calls of a day than its limit; and those that are to last do, whatever is asked of them and
 * whenever. */
#include "tap.h"
#include "state/quota.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

static const int64_t midnight = 1764547200000; /* 2025-12-01 */

/* What a stretch of a day comes to. */
struct stretch {
	int made, refused;
	int64_t longest;    /* wait of a call */
	int64_t last, dry;  /* when a call was made last; the longest time without one */
	int64_t in_an_hour; /* at most */
};

/* Asks for a call every so often, of so many that are to last until midnight. */
static struct stretch ask(int64_t calls, int64_t from, int64_t until, int64_t every)
{
	struct stretch s = {.last = from};
	struct quota_span span = {.left = calls};
	int64_t hours[25] = {0};
	for (int64_t now = from; now < until; now += every) {
		int64_t wait;
		span.ms = midnight + DAY - now;
		if (!quota_spread(&span, now, &wait)) {
			s.refused++;
			continue;
		}
		s.made++;
		s.longest = wait > s.longest ? wait : s.longest;
		s.dry = now - s.last > s.dry ? now - s.last : s.dry;
		s.last = now;
		int64_t *hour = &hours[(now - from) / HOUR];
		s.in_an_hour = ++*hour > s.in_an_hour ? *hour : s.in_an_hour;
	}
	s.dry = until - s.last > s.dry ? until - s.last : s.dry;
	return s;
}

/* What the library sees of the time: no midnight between two calls. */
time_t time(time_t *now)
{
	if (now)
		*now = midnight / 1000;
	return midnight / 1000;
}

/* The calls of a day, in a state file of its own. */
static void check_take(void)
{
	char path[] = "/tmp/pnow-quota.XXXXXX/state", *last = strrchr(path, '/');
	*last = '\0';
	if (!mkdtemp(path)) {
		ok(false, "a folder for the state file");
		return;
	}
	*last = '/';
	struct state *s = state_open(path);
	char day[WHEN_DATE];
	ok(quota_take(s, "emr", 3, day) && quota_take(s, "emr", 3, day) && quota_take(s, "emr", 3, day),
		"three calls of three");
	ok(!quota_take(s, "emr", 3, day), "and no fourth");
	ok(quota_used(s, "emr") == 3, "which is not counted");
	ok(quota_take(s, "other", 1, day) && !quota_take(s, "other", 1, day), "another API has calls of its own");
	ok(!quota_take(s, "none", 0, day), "of no calls none is taken");
	quota_give(s, "emr", "2026-01-01");
	ok(quota_used(s, "emr") == 3, "one that is given back to another day is not this day's");
	quota_give(s, "emr", day);
	ok(quota_used(s, "emr") == 2 && quota_take(s, "emr", 3, day),
		"one that is given back can be taken again");
	ok(quota_used(s, "other") == 1, "and another API has as many as before");
	state_close(s);
	unlink(path);
	*last = '\0';
	rmdir(path);
}

int main(void)
{
	check_take();
	struct stretch s = ask(650, midnight, midnight + DAY, 3 * MINUTE);
	ok(s.refused == 0, "a call every three minutes: none is refused");
	ok(s.longest == 0, "and none waits");

	s = ask(650, midnight + 14 * HOUR, midnight + DAY, SECOND);
	ok(s.made <= 650 && s.made > 640,
		"asked for without end, the calls are used, and no more than there are");
	ok(s.dry < 5 * MINUTE, "and to the last hour there is one every few minutes");
	ok(s.longest <= QUOTA_PATIENCE_MS, "none waits for longer than it may");

	s = ask(650, midnight + 14 * HOUR, midnight + 15 * HOUR, 18 * SECOND);
	ok(s.in_an_hour < 110, "a busy hour leaves the later ones their part");

	s = ask(650, midnight + 10 * HOUR, midnight + 10 * HOUR + 20, 1);
	ok(s.made == 20, "twenty calls after a quiet while");
	ok(s.longest == 0, "are made at once");

	int64_t wait, again;
	struct quota_span span = {.left = 550, .ms = 8 * HOUR, .settled = midnight + 8 * HOUR};
	ok(!quota_spread(&span, midnight + HOUR, &wait) && span.left == 550, "too many at once: one is refused");
	ok(!quota_spread(&span, midnight + HOUR + wait - MINUTE, &again), "and refused a minute before its time");
	ok(quota_spread(&span, midnight + HOUR + wait, &again), "but not at the time that it was told");
	span = (struct quota_span){.left = 0, .ms = HOUR};
	ok(!quota_spread(&span, midnight + HOUR, &wait) && wait == 23 * HOUR, "used up: till midnight");
	span = (struct quota_span){.left = 1, .ms = DAY};
	ok(quota_spread(&span, midnight, &wait) && wait == 0, "the last one is given");
	ok(!quota_spread(&span, midnight + DAY - 1, &wait), "and no second");
	span = (struct quota_span){.left = 650, .ms = HOUR, .settled = midnight + 400LL * DAY};
	ok(quota_spread(&span, midnight + HOUR, &wait) && wait == 0, "a clock that was wrong once does no harm");
	span = (struct quota_span){.left = 3, .ms = 10 * HOUR};
	for (int i = 0; i < 3; i++)
		ok(quota_spread(&span, midnight + 14 * HOUR, &wait) && wait == 0, "the last three of a day at once");
	span = (struct quota_span){.left = 950, .ms = DAY, .settled = span.settled};
	ok(quota_spread(&span, midnight + DAY + MINUTE, &wait) && wait == 0, "are no debt of the next day");
	return done();
}
