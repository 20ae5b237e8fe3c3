/* One row for each bookmark. */
#include "state/bookmark.h"

bool bookmark_get(struct state *s, struct arena *a, const char *name, struct bookmark *b)
{
	const char *columns[4] = {0};
	enum state_result found =
		state_run(s, a, columns, "SELECT since, page, began, cursor FROM bookmark WHERE name=?", "t", name);
	*b = (struct bookmark){columns[0], state_number(columns[1]), columns[3], columns[2]};
	return found != STATE_FAILED;
}

bool bookmark_set(struct state *s, const char *name, const struct bookmark *b)
{
	return state_do(s,
		"INSERT INTO bookmark(name,since,page,began,cursor) VALUES(?,?,?,?,?) ON CONFLICT(name)"
		"  DO UPDATE SET since=excluded.since, page=excluded.page, began=excluded.began,"
		"  cursor=excluded.cursor",
		"ttitt", name, b->since, b->page, b->began, b->cursor);
}
