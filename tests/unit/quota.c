/* No more calls of a day than its limit; and a share of them lasts until midnight, whatever is asked of it
 * and whenever. */
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

/* Asks for a call every so often. */
static struct stretch ask(struct quota_share *share, int64_t from, int64_t until, int64_t every)
{
	struct stretch s = {.last = from};
	int64_t hours[25] = {0};
	for (int64_t now = from; now < until; now += every) {
		int64_t wait;
		if (!quota_spread(share, now, &wait)) {
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
	ok(quota_take(s, "emr", 3) && quota_take(s, "emr", 3) && quota_take(s, "emr", 3), "three calls of three");
	ok(!quota_take(s, "emr", 3), "and no fourth");
	ok(quota_used(s, "emr") == 3, "which is not counted");
	ok(quota_take(s, "other", 1) && !quota_take(s, "other", 1), "another API has calls of its own");
	ok(!quota_take(s, "none", 0), "of no calls none is taken");
	state_close(s);
	unlink(path);
	*last = '\0';
	rmdir(path);
}

int main(void)
{
	check_take();
	struct quota_share share = {.calls = 650};
	struct stretch s = ask(&share, midnight, midnight + DAY, 3 * MINUTE);
	ok(s.refused == 0, "a call every three minutes: none is refused");
	ok(s.longest == 0, "and none waits");

	share = (struct quota_share){.calls = 650};
	s = ask(&share, midnight + 14 * HOUR, midnight + DAY, SECOND);
	ok(s.made <= 650 && s.made > 640, "asked for without end, the share is used, and no more than it");
	ok(s.dry < 5 * MINUTE, "and to the last hour there is a call every few minutes");
	ok(s.longest <= QUOTA_PATIENCE_MS, "no call waits for longer than it may");

	share = (struct quota_share){.calls = 650};
	s = ask(&share, midnight + 14 * HOUR, midnight + 15 * HOUR, 18 * SECOND);
	ok(s.in_an_hour < 110, "a busy hour leaves the later ones their part");

	share = (struct quota_share){.calls = 650};
	s = ask(&share, midnight + 10 * HOUR, midnight + 10 * HOUR + 20, 1);
	ok(s.made == 20, "twenty calls after a quiet while");
	ok(s.longest == 0, "are made at once");

	int64_t wait, again;
	share = (struct quota_share){.calls = 650, .made = 100, .settled = midnight + 8 * HOUR};
	ok(!quota_spread(&share, midnight + HOUR, &wait) && share.made == 100,
		"too many at once: one is refused");
	ok(!quota_spread(&share, midnight + HOUR + wait - MINUTE, &again),
		"and refused a minute before its time");
	ok(quota_spread(&share, midnight + HOUR + wait, &again), "but not at the time that it was told");
	share = (struct quota_share){.calls = 650, .made = 650};
	ok(!quota_spread(&share, midnight + HOUR, &wait) && wait == 23 * HOUR, "used up: till midnight");
	share = (struct quota_share){.calls = 0};
	ok(!quota_spread(&share, midnight + HOUR, &wait), "a share of nothing gives nothing");
	share = (struct quota_share){.calls = 1};
	ok(quota_spread(&share, midnight, &wait) && wait == 0, "a share of one gives one");
	ok(!quota_spread(&share, midnight + DAY - 1, &wait), "and no second");
	share = (struct quota_share){.calls = 650, .settled = midnight + 400LL * DAY};
	ok(quota_spread(&share, midnight + HOUR, &wait) && wait == 0, "a clock that was wrong once does no harm");
	return done();
}
