/*
 * The day's calls, and the pace at which they are spent where they run short:
 *
 * - Each API and day (UTC) has a row. Taking is one statement, so two processes cannot take the last call
 *   both. Who is killed before one that was not made is given back has counted one too many.
 * - The distance between two calls is the time for which those that are left are to last, over their number.
 *   quota_turn has one number, settled: when all that were made would be due, had each kept its distance; in
 *   the past it counts as now. It is never after midnight (UTC): the next day's calls owe nothing.
 * - A thirty-second of the calls that are left may run ahead of that at once; who comes after those waits,
 *   each a little longer than the one before. Who would wait longer than QUOTA_PATIENCE_MS takes nothing, and
 *   comes again.
 */
#include "state/quota.h"
#include "value/when.h"

#include <time.h>
#include <unistd.h>

enum { DAY_MS = 86400000 };

static const char *today(char day[static WHEN_DATE])
{
	time_t now = time(NULL);
	struct tm utc;
	strftime(day, WHEN_DATE, "%Y-%m-%d", gmtime_r(&now, &utc));
	return day;
}

bool quota_take(struct state *s, const char *api, int64_t limit, char day[static WHEN_DATE])
{
	int64_t used;
	return state_int(s, &used,
			   "INSERT INTO quota(api,day,used) SELECT ?1,?2,1 WHERE ?3>0 ON CONFLICT(api,day)"
			   "  DO UPDATE SET used=quota.used+1 WHERE quota.used<?3 RETURNING used",
			   "tti", api, today(day), limit) == STATE_ROW;
}

void quota_give(struct state *s, const char *api, const char *day)
{
	state_do(s, "UPDATE quota SET used=used-1 WHERE api=? AND day=? AND used>0", "tt", api, day);
}

int64_t quota_used(struct state *s, const char *api)
{
	char day[WHEN_DATE];
	int64_t n = 0;
	state_int(s, &n, "SELECT used FROM quota WHERE api=? AND day=?", "tt", api, today(day));
	return n;
}

int64_t quota_day_left(int64_t now)
{
	return DAY_MS - now % DAY_MS;
}

bool quota_is_for_people(void)
{
	return isatty(STDERR_FILENO);
}

bool quota_spread(struct quota_span *span, int64_t now, int64_t *wait)
{
	int64_t ahead = span->settled - now, day_left = quota_day_left(now);
	*wait = day_left;
	if (span->left <= 0)
		return false;
	int64_t at_once = 1 + span->left / 32, distance = span->ms / span->left;
	if (ahead < 0 || ahead > DAY_MS) /* a clock that was wrong */
		ahead = 0;
	*wait = ahead <= at_once * distance ? 0 : ahead / at_once - distance;
	if (*wait > QUOTA_PATIENCE_MS) {
		*wait = (*wait - QUOTA_PATIENCE_MS) * at_once;
		return false;
	}
	span->left--;
	ahead += distance;
	span->settled = now + (ahead < day_left ? ahead : day_left);
	return true;
}

bool quota_turn(struct state *s, const char *api, struct quota_span span, int64_t *wait)
{
	*wait = 0;
	if (!state_begin(s))
		return false;
	bool read =
		state_int(s, &span.settled, "SELECT settled FROM quota_turn WHERE api=?", "t", api) != STATE_FAILED;
	bool taken = read && quota_spread(&span, when_now_ms(), wait);
	bool kept = taken && state_do(s,
							 "INSERT INTO quota_turn(api,settled) VALUES(?,?)"
							 "  ON CONFLICT(api) DO UPDATE SET settled=excluded.settled",
							 "ti", api, span.settled);
	if (state_end(s, kept) && kept)
		return true;
	if (taken)
		*wait = 0;
	return false;
}
