/* One row for each bookmark. */
#include "state/bookmark.h"

bool bookmark_get(struct state *s, struct arena *a, const char *name, struct bookmark *b)
{
	const char *columns[3] = {0};
	enum state_result found =
		state_run(s, a, columns, "SELECT since, page, began FROM bookmark WHERE name=?", "t", name);
	*b = (struct bookmark){columns[0], state_number(columns[1]), columns[2]};
	return found != STATE_FAILED;
}

bool bookmark_set(struct state *s, const char *name, const struct bookmark *b)
{
	return state_do(s,
		"INSERT INTO bookmark(name,since,page,began) VALUES(?,?,?,?) ON CONFLICT(name)"
		"  DO UPDATE SET since=excluded.since, page=excluded.page, began=excluded.began",
		"ttit", name, b->since, b->page, b->began);
}
