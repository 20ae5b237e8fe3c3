/*
 * The day's calls, and the pace at which they are spent:
 *
 * - Each API and day (UTC) has a row. Taking is one statement, so two processes cannot take the last call
 * both.
 * - The distance between two calls of a share is what is left of the day, eight hours at most, over the calls
 *   that are left. A share has one number more, settled: when all that were made would be due, had each kept
 *   its distance; in the past it counts as now.
 * - A thirty-second of the calls that are left may run ahead of that at once; who comes after those waits,
 * each a little longer than the one before. Who would wait longer than QUOTA_PATIENCE_MS takes nothing, and
 * comes again.
 */
#include "state/quota.h"
#include "value/when.h"

#include <time.h>

enum { DAY_MS = 86400000, HORIZON_MS = DAY_MS / 3 };

static const char *today(char day[static 11])
{
	time_t now = time(NULL);
	struct tm utc;
	strftime(day, 11, "%Y-%m-%d", gmtime_r(&now, &utc));
	return day;
}

bool quota_take(struct state *s, const char *api, int64_t limit)
{
	char day[11];
	int64_t used;
	return state_int(s, &used,
			   "INSERT INTO quota(api,day,used) SELECT ?1,?2,1 WHERE ?3>0 ON CONFLICT(api,day)"
			   "  DO UPDATE SET used=quota.used+1 WHERE quota.used<?3 RETURNING used",
			   "tti", api, today(day), limit) == STATE_ROW;
}

/* How many of the day's were taken. */
static bool read_used(struct state *s, const char *api, const char *day, int64_t *n)
{
	*n = 0;
	return state_int(s, n, "SELECT used FROM quota WHERE api=? AND day=?", "tt", api, day) != STATE_FAILED;
}

int64_t quota_used(struct state *s, const char *api)
{
	char day[11];
	int64_t n;
	read_used(s, api, today(day), &n);
	return n;
}

bool quota_spread(struct quota_share *q, int64_t now, int64_t *wait)
{
	int64_t left = q->calls - q->made, ahead = q->settled - now, day = DAY_MS - now % DAY_MS;
	*wait = day;
	if (left <= 0)
		return false;
	int64_t at_once = 1 + left / 32, distance = (day < HORIZON_MS ? day : HORIZON_MS) / left;
	if (ahead < 0 || ahead > DAY_MS) /* a clock that was wrong */
		ahead = 0;
	*wait = ahead <= at_once * distance ? 0 : ahead / at_once - distance;
	if (*wait > QUOTA_PATIENCE_MS) {
		*wait = (*wait - QUOTA_PATIENCE_MS) * at_once;
		return false;
	}
	q->made++;
	q->settled = now + ahead + distance;
	return true;
}

static bool read_share(struct state *s, const char *api, const char *day, struct quota_share *share)
{
	return read_used(s, api, day, &share->made) &&
		   state_int(s, &share->settled, "SELECT settled FROM quota_share WHERE api=?", "t", api) !=
			   STATE_FAILED;
}

static bool write_share(struct state *s, const char *api, const char *day, const struct quota_share *share)
{
	return state_do(s,
			   "INSERT INTO quota(api,day,used) VALUES(?,?,?)"
			   "  ON CONFLICT(api,day) DO UPDATE SET used=excluded.used",
			   "tti", api, day, share->made) &&
		   state_do(s,
			   "INSERT INTO quota_share(api,settled) VALUES(?,?)"
			   "  ON CONFLICT(api) DO UPDATE SET settled=excluded.settled",
			   "ti", api, share->settled);
}

bool quota_share(struct state *s, const char *api, int64_t calls, int64_t *wait)
{
	char day[11];
	struct quota_share share = {.calls = calls};
	*wait = 0;
	if (!state_begin(s))
		return false;
	today(day);
	bool taken = read_share(s, api, day, &share) && quota_spread(&share, when_now_ms(), wait);
	bool counted = taken && write_share(s, api, day, &share);
	if (state_end(s, counted) && counted)
		return true;
	if (taken)
		*wait = 0;
	return false;
}
