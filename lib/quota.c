/* A row for each API and day; taking is one statement, so two processes cannot take the last call both. */
#include "quota.h"

#include <stdlib.h>
#include <time.h>

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
	struct arena a = {0};
	const char *used = NULL;
	enum state_result result = state_run(s, &a, &used,
		"INSERT INTO quota(api,day,used) SELECT ?1,?2,1 WHERE ?3>0"
		"  ON CONFLICT(api,day) DO UPDATE SET used=used+1 WHERE used<?3 RETURNING used",
		"tti", api, today(day), limit);
	arena_free(&a);
	return result == STATE_ROW;
}

int64_t quota_used(struct state *s, const char *api)
{
	char day[11];
	struct arena a = {0};
	const char *used = NULL;
	state_run(s, &a, &used, "SELECT used FROM quota WHERE api=? AND day=?", "tt", api, today(day));
	int64_t n = used ? strtoll(used, NULL, 10) : 0;
	arena_free(&a);
	return n;
}
