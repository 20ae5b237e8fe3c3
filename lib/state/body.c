/*
 * Bodies are a log: written at its end, removed at its beginning. That is so because of how SQLite forgets:
 *
 * - secure_delete overwrites what is deleted, but when SQLite evens out pages of a table after a deletion,
 *   it leaves copies of the rows that it moves; when such a row goes later, its copies stay.
 * - A row that is added behind all others moves none, and one that gets shorter stays where it is. So a
 *   body is overwritten in place, and its empty row stays until all rows around it are empty, too: what is
 *   rearranged when it goes is empty.
 * - What is kept at the beginning is written again at the end, where most of its neighbours are gone.
 */
#include "state/body.h"

enum {
	AT_ONCE = 256, /* rows that a transaction moves or removes */
	APART = 1500, /* empty rows between one that is removed and one that is not: more than three pages hold */
};

/* Writes what is kept of the rows from first to last again, at the end. */
static bool move(struct state *s, int64_t first, int64_t last)
{
	struct state_rows rows = state_query(
		s, "SELECT key FROM body WHERE key>=? AND key<=? AND text<>'' ORDER BY key", "ii", first, last);
	bool done = true;
	while (done && state_next(&rows)) {
		int64_t from = state_number(state_text(&rows, 0)), to = 0;
		done = state_int(s, &to,
				   "INSERT INTO body(key,seq,text) SELECT (SELECT max(key)+1 FROM body), seq, text FROM body"
				   "  WHERE key=? RETURNING key",
				   "i", from) == STATE_ROW &&
			   state_do(s, "UPDATE inbox SET body=? WHERE seq=(SELECT seq FROM body WHERE key=?)", "ii", to,
				   from) &&
			   state_do(s, "UPDATE cache SET body=? WHERE body=?", "ii", to, from);
	}
	return state_done(&rows) && done;
}

/* Empties the next rows behind *key, where half of them are empty or more: *key is the last of them then,
   else it stays. */
static bool empty_some(struct state *s, int64_t *key, int64_t end)
{
	struct arena a = {0};
	const char *columns[3] = {0};
	if (!state_begin(s))
		return false;
	bool done = state_run(s, &a, columns,
					"SELECT min(key), max(key), 2*sum(CASE WHEN text='' THEN 1 ELSE 0 END)>=count(*) FROM"
					"  (SELECT key, text FROM body WHERE key>? AND key<=? ORDER BY key LIMIT ?) AS next",
					"iii", *key, end, (int64_t)AT_ONCE) == STATE_ROW;
	if (done && state_number(columns[2])) {
		int64_t last = state_number(columns[1]);
		done = move(s, state_number(columns[0]), last);
		*key = last;
	}
	arena_free(&a);
	return state_end(s, done) && done;
}

bool body_tidy(struct state *s)
{
	int64_t emptied = 0, end = 0, before = -1, removed = AT_ONCE;
	bool done = state_int(s, &end, "SELECT max(key) FROM body", "") == STATE_ROW;
	for (; done && emptied > before; state_let_others(s)) {
		before = emptied;
		done = empty_some(s, &emptied, end);
	}
	for (; done && removed == AT_ONCE; state_let_others(s)) {
		if (!state_begin(s))
			return false;
		done = state_do(s,
			"DELETE FROM body WHERE key IN (SELECT key FROM body WHERE key<=? ORDER BY key LIMIT ?)", "ii",
			emptied - APART, (int64_t)AT_ONCE);
		removed = state_changed(s);
		done = state_end(s, done) && done;
	}
	return done;
}
